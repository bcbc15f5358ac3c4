#include "store.h"

#include <stdlib.h>
#include <string.h>

void store_init(struct store *s, struct world *w, int64_t now)
{
    memset(s, 0, sizeof *s);
    s->w = w;
    s->next_seq = 1;
    s->next_xact = 1;
    s->ticked_us = now;
    memset(s->account_of, -1, sizeof s->account_of);
}

void store_free(struct store *s)
{
    for (size_t i = 0; i < s->n_plans; i++)
        free(s->plans[i].items);
    free(s->plans);
    free(s->dirty);
    free(s->intents);
    free(s->owed);
    free(s->findings);
    free(s->said);
}

int store_dir(struct pl_str name)
{
    for (int d = 0; d < N_DIRS; d++)
        if (pl_str_eq_c(name, dir_names[d]))
            return d;
    return -1;
}

enum purpose store_purpose(struct pl_str name)
{
    return pl_str_eq_c(name, purpose_names[ADMIN]) ? ADMIN : PERSONAL;
}

int64_t store_begin(struct store *s)
{
    return s->next_xact++;
}

void store_mark(struct store *s, int dir, int person, const char *cause, int64_t not_before, int64_t xact)
{
    if (s->n_dirty == s->cap_dirty) {
        s->cap_dirty = s->cap_dirty ? s->cap_dirty * 2 : 64;
        s->dirty = pl_xrealloc_array(s->dirty, s->cap_dirty, sizeof *s->dirty);
    }
    int64_t seq = s->reserved_seq ? s->reserved_seq++ : s->next_seq++;
    s->dirty[s->n_dirty++] = (struct dirty){seq, not_before, xact, dir, person, cause};
}

void store_mark_all(struct store *s, int person, const char *cause, int64_t xact)
{
    for (int d = 0; d < N_DIRS; d++) {
        bool concerns = false;
        for (int i = 0; i < s->w->n_employments && !concerns; i++)
            concerns =
                s->w->employments[i].person == person && s->w->create_ahead[s->w->employments[i].institution][d] >= 0;
        if (concerns || s->account_of[person][d][ADMIN] >= 0 || s->account_of[person][d][PERSONAL] >= 0)
            store_mark(s, d, person, cause, 0, xact);
    }
}

struct account *store_account(struct store *s, int person, int dir, enum purpose p)
{
    int a = s->account_of[person][dir][p];
    return a < 0 ? NULL : &s->accounts[a];
}

struct wanted store_wanted(const struct store *s, int person, int dir, enum purpose p, int64_t now)
{
    return world_wanted(s->w, person, dir, p, s->account_of[person][dir][p] >= 0, now);
}

int64_t store_ends(const struct store *s, int person, int dir, enum purpose p, int64_t now)
{
    bool open = store_wanted(s, person, dir, p, now).need == PL_NEED_OPEN;
    return open ? world_ends(s->w, person, dir, p, now) : NEVER;
}

bool store_entitled(const struct store *s, int person, int group, int64_t now)
{
    const struct role_group *g = &s->w->groups[group];
    return world_entitled(s->w, person, group, s->account_of[person][g->dir][g->purpose] >= 0, now);
}

bool store_is_due(const struct store *s, int person, int dir, int64_t now)
{
    for (size_t i = 0; i < s->n_dirty; i++)
        if (s->dirty[i].person == person && s->dirty[i].dir == dir && s->dirty[i].not_before <= now)
            return true;
    return false;
}

bool store_is_dirty(const struct store *s, int person, int dir)
{
    for (size_t i = 0; i < s->n_dirty; i++)
        if (s->dirty[i].person == person && s->dirty[i].dir == dir)
            return true;
    return false;
}

/* paasla.leavers_named: how many persons left by a transaction, or were said once more to have left. */
static int leavers(const struct store *s, int64_t xact)
{
    const struct world *w = s->w;
    bool left[MAX_PERSONS] = {false};
    int n = 0;
    for (size_t i = 0; i < s->n_said; i++)
        left[s->said[i].person] |= s->said[i].xact == xact;
    for (int i = 0; i < w->n_employments; i++) {
        const struct employment *e = &w->employments[i];
        left[e->person] |= e->ended_xact == xact || e->said_again_xact == xact;
    }
    for (int p = 0; p < MAX_PERSONS; p++)
        n += left[p];
    return n;
}

void store_say(struct store *s, int person, int64_t xact, int64_t now)
{
    if (s->n_said == s->cap_said) {
        s->cap_said = s->cap_said ? s->cap_said * 2 : 32;
        s->said = pl_xrealloc_array(s->said, s->cap_said, sizeof *s->said);
    }
    s->said[s->n_said++] = (struct said){person, xact, now};
}

/* How many persons a transaction said the departure of. */
static int said_by(const struct store *s, int64_t xact)
{
    bool one[MAX_PERSONS] = {false};
    int n = 0;
    for (size_t i = 0; i < s->n_said; i++)
        if (s->said[i].xact == xact && !one[s->said[i].person]) {
            one[s->said[i].person] = true;
            n++;
        }
    return n;
}

/* paasla.hasty: too many people had been named in an hour by then. Everybody is one log-in here. */
static bool hasty(const struct store *s, int64_t xact, struct naming most)
{
    int64_t at = -1;
    int n = 0;
    if (s->n_said * (size_t)most.leavers <= (size_t)most.per_hour)
        return false; /* were each of them to count, with as many as do */
    for (size_t i = 0; i < s->n_said; i++)
        if (s->said[i].xact == xact)
            at = s->said[i].at_us;
    for (size_t i = 0; at >= 0 && i < s->n_said; i++) {
        const struct said *x = &s->said[i];
        bool first = i == 0 || s->said[i - 1].xact != x->xact; /* what one transaction says stands together */
        int persons = first && x->at_us <= at && x->at_us >= at - US_HOUR ? said_by(s, x->xact) : 0;
        n += persons <= most.leavers ? persons : 0;
    }
    return n > most.per_hour;
}

/* HR named this leaver: few people left by the transaction that ended the employment, or it was said once more for few.
 * Whoever is employed again is no leaver. */
bool store_named(const struct store *s, int person, int dir, struct naming most, int64_t now)
{
    const struct employment *last = NULL;
    for (int i = 0; i < s->w->n_employments; i++) {
        const struct employment *e = &s->w->employments[i];
        if (e->person == person && e->to <= now && e->ended_xact != 0 && (!last || e->to >= last->to))
            last = e;
    }
    struct wanted n = store_wanted(s, person, dir, PERSONAL, now);
    if (!last || !n.row || (n.need != PL_NEED_OUT && n.need != PL_NEED_READY))
        return false;
    return (leavers(s, last->ended_xact) <= most.leavers && !hasty(s, last->ended_xact, most)) ||
           (last->said_again_xact != 0 && leavers(s, last->said_again_xact) <= most.leavers &&
            !hasty(s, last->said_again_xact, most));
}

bool store_end_named(const struct store *s, int person, int64_t ends, struct naming most)
{
    for (int i = 0; i < s->w->n_employments && ends != NEVER; i++) {
        const struct employment *e = &s->w->employments[i];
        if (e->person == person && e->to == ends && e->ended_xact != 0 && leavers(s, e->ended_xact) <= most.leavers &&
            !hasty(s, e->ended_xact, most))
            return true;
    }
    return false;
}

int store_crowd(const struct store *s, int64_t ends, int64_t now)
{
    const int64_t day = 24 * US_HOUR;
    int n = 0;
    for (int i = 0; i < s->w->n_employments && ends != NEVER; i++) {
        int64_t to = s->w->employments[i].to;
        n += to != NEVER && to > now && to > ends - day && to < ends + day;
    }
    return n;
}

const struct finding *store_finding(const struct store *s, int dir, int person, int group, const char *kind)
{
    for (size_t i = 0; i < s->n_findings; i++) {
        const struct finding *f = &s->findings[i];
        if (f->open && f->dir == dir && (person < 0 || f->person == person) && (group < 0 || f->group == group) &&
            (!kind || !strcmp(f->kind, kind)))
            return f;
    }
    return NULL;
}
