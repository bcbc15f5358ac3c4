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
    free(s->findings);
    free(s->xact_persons);
    free(s->xact_leavers);
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
    int64_t x = s->next_xact++;
    if ((size_t)x >= s->cap_xacts) {
        size_t was = s->cap_xacts;
        s->cap_xacts = was ? was * 2 : 512;
        s->xact_persons = pl_xrealloc_array(s->xact_persons, s->cap_xacts, sizeof *s->xact_persons);
        s->xact_leavers = pl_xrealloc_array(s->xact_leavers, s->cap_xacts, sizeof *s->xact_leavers);
        memset(s->xact_leavers + was, 0, (s->cap_xacts - was) * sizeof *s->xact_leavers);
        memset(s->xact_persons + was, 0, (s->cap_xacts - was) * sizeof *s->xact_persons);
    }
    return x;
}

void store_mark(struct store *s, int dir, int person, const char *cause, int64_t not_before, int64_t xact)
{
    if (s->n_dirty == s->cap_dirty) {
        s->cap_dirty = s->cap_dirty ? s->cap_dirty * 2 : 64;
        s->dirty = pl_xrealloc_array(s->dirty, s->cap_dirty, sizeof *s->dirty);
    }
    bool known = false;
    for (size_t i = 0; i < s->n_dirty && !known; i++)
        known = s->dirty[i].xact == xact && s->dirty[i].person == person;
    if (!known)
        s->xact_persons[xact]++;
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

bool store_entitled(const struct store *s, int person, int group, int64_t now)
{
    const struct role_group *g = &s->w->groups[group];
    return world_entitled(s->w, person, group, s->account_of[person][g->dir][g->purpose] >= 0, now);
}

bool store_is_dirty(const struct store *s, int person, int dir)
{
    for (size_t i = 0; i < s->n_dirty; i++)
        if (s->dirty[i].person == person && s->dirty[i].dir == dir)
            return true;
    return false;
}

/* HR named this leaver: few people left by the transaction that ended the employment, or it was said once more for few.
 * Whoever is employed again is no leaver. */
bool store_named(const struct store *s, int person, int dir, int named_max, int64_t now)
{
    const struct employment *last = NULL;
    for (int i = 0; i < s->w->n_employments; i++) {
        const struct employment *e = &s->w->employments[i];
        if (e->person == person && e->to <= now && e->ended_xact != 0 && (!last || e->to >= last->to))
            last = e;
    }
    if (!last || world_employed(s->w, person, dir, now))
        return false;
    if (s->xact_leavers[last->ended_xact] <= named_max)
        return true;
    for (size_t i = 0; i < s->n_dirty; i++) {
        const struct dirty *d = &s->dirty[i];
        if (d->person == person && d->dir == dir && d->xact != last->ended_xact && !strcmp(d->cause, "departed") &&
            s->xact_persons[d->xact] <= named_max)
            return true;
    }
    return false;
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

static bool has_item(const struct plan *pl, int person, enum purpose p, enum pl_op op, int group)
{
    for (size_t k = 0; k < pl->n; k++) {
        const struct plan_item *it = &pl->items[k];
        if (it->person == person && it->purpose == p && it->op == op && it->group == group)
            return true;
    }
    return false;
}

bool store_held(const struct store *s, int person, int dir, enum purpose p, enum pl_op op, int group, int64_t now,
                bool *approved)
{
    bool held = false;
    *approved = false;
    for (size_t i = 0; i < s->n_plans; i++) {
        const struct plan *pl = &s->plans[i];
        bool live = pl->state == PLAN_HELD || (pl->state == PLAN_APPROVED && pl->expires_us > now);
        if (live && pl->dir == dir && has_item(pl, person, p, op, group)) {
            held = true;
            *approved |= pl->state == PLAN_APPROVED;
        }
    }
    return held;
}

bool store_was_approved(const struct store *s, int person, int dir, enum purpose p, enum pl_op op, int group)
{
    for (size_t i = 0; i < s->n_plans; i++) {
        const struct plan *pl = &s->plans[i];
        if ((pl->state == PLAN_APPROVED || pl->state == PLAN_DONE) && pl->dir == dir &&
            has_item(pl, person, p, op, group))
            return true;
    }
    return false;
}

void store_approve(struct store *s, size_t plan, int64_t now, int64_t xact)
{
    struct plan *pl = &s->plans[plan];
    pl->state = PLAN_APPROVED;
    pl->expires_us = now + US_HOUR;
    for (size_t k = 0; k < pl->n; k++)
        store_mark(s, pl->dir, pl->items[k].person, "approved", 0, xact);
}
