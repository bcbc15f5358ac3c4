#include "world.h"

const char *const purpose_names[N_PURPOSES] = {"admin", "personal"};
const char *const institution_names[N_INSTITUTIONS] = {"LV", "LA"};
const char *const dir_names[N_DIRS] = {"linn", "kool"};

static bool holds(int64_t from, int64_t to, int64_t t)
{
    return from <= t && t < to;
}

static bool concerns(const struct world *w, const struct employment *e, int dir)
{
    return dir < 0 || w->create_ahead[e->institution][dir] >= 0;
}

void world_employ(struct world *w, const struct employment *e)
{
    int *at = &w->first_of[e->person];
    while (*at > 0)
        at = &w->next_of[*at - 1];
    w->employments[w->n_employments++] = *e;
    *at = w->n_employments;
}

bool world_employed(const struct world *w, int person, int dir, int64_t t)
{
    for (int i = w->first_of[person] - 1; i >= 0; i = w->next_of[i] - 1)
        if (concerns(w, &w->employments[i], dir) && holds(w->employments[i].from, w->employments[i].to, t))
            return true;
    return false;
}

bool world_granted(const struct world *w, int person, int role, int64_t t)
{
    for (int i = 0; i < w->n_grants; i++)
        if (w->grants[i].person == person && w->grants[i].role == role && holds(w->grants[i].from, w->grants[i].to, t))
            return true;
    return false;
}

/* What the employments of one person say about one directory at one moment. */
struct standing {
    bool ever, ever_admin;        /* any employment, past or to come */
    bool current, current_admin;  /* now */
    bool near;                    /* one begins within create_ahead */
    bool past;                    /* one has ended */
    int64_t began, ended, begins; /* of the current ones; of the last; of the next */
};

static struct standing stand(const struct world *w, int person, int dir, int64_t t)
{
    struct standing s = {.began = NEVER, .begins = NEVER};
    for (int i = w->first_of[person] - 1; i >= 0; i = w->next_of[i] - 1) {
        const struct employment *e = &w->employments[i];
        if (!concerns(w, e, dir))
            continue;
        s.ever = true;
        s.ever_admin |= e->was_it_admin;
        if (holds(e->from, e->to, t)) {
            s.current = true;
            s.current_admin |= e->it_admin;
            s.began = e->from < s.began ? e->from : s.began;
        } else if (e->to <= t) {
            s.past = true;
            s.ended = e->to > s.ended ? e->to : s.ended;
        } else {
            s.near |= e->from - w->create_ahead[e->institution][dir] <= t;
            s.begins = e->from < s.begins ? e->from : s.begins;
        }
    }
    return s;
}

static bool suspended(const struct world *w, int person, int64_t t)
{
    for (int i = 0; i < w->n_absences; i++) {
        const struct absence *a = &w->absences[i];
        if (a->person == person && a->suspend && holds(a->from, a->to, t))
            return true;
    }
    return false;
}

static struct wanted answer(const char *want, const char *cause, enum pl_need need, int64_t since)
{
    return (struct wanted){true, want, cause, need, since};
}

struct wanted world_wanted(const struct world *w, int person, int dir, enum purpose p, bool has_account, int64_t t)
{
    struct standing s = stand(w, person, dir, t);
    if (!s.ever || (p == ADMIN && !s.ever_admin)) /* nobody's wish; an account that is there is left alone */
        return has_account ? answer("none", "never", PL_NEED_NONE, 0) : (struct wanted){0};
    if (p == ADMIN && s.current && !s.current_admin)
        return answer("locked", "not_admin", PL_NEED_OUT, s.began);
    if (s.current && suspended(w, person, t))
        return answer("locked", "suspended", PL_NEED_PAUSED, s.began);
    if (s.current)
        return answer("open", "employed", PL_NEED_OPEN, s.began);
    if (s.near)
        return answer("locked", "arriving", PL_NEED_READY, s.begins);
    if (s.past)
        return answer("locked", "departed", PL_NEED_OUT, s.ended);
    return answer("none", "never", PL_NEED_NONE, 0);
}

int64_t world_ends(const struct world *w, int person, int dir, enum purpose p, int64_t t)
{
    int64_t end = t;
    for (bool longer = true; longer;) { /* one employment goes on where another ends */
        longer = false;
        for (int i = w->first_of[person] - 1; i >= 0; i = w->next_of[i] - 1) {
            const struct employment *e = &w->employments[i];
            if (!concerns(w, e, dir) || (p == ADMIN && !e->it_admin) || e->from > end || e->to <= end)
                continue;
            end = e->to;
            longer = true;
        }
    }
    return end == t ? NEVER : end;
}

bool world_entitled(const struct world *w, int person, int group, bool has_account, int64_t t)
{
    const struct role_group *g = &w->groups[group];
    if (!world_granted(w, person, g->role, t))
        return false;
    struct wanted n = world_wanted(w, person, g->dir, g->purpose, has_account, t);
    return n.row && (n.need == PL_NEED_OPEN || n.need == PL_NEED_PAUSED);
}

static void nearer(int64_t at, int64_t t, int64_t *best)
{
    if (at > t && at < *best)
        *best = at;
}

int64_t world_next_change(const struct world *w, int64_t t)
{
    int64_t best = NEVER;
    for (int i = 0; i < w->n_employments; i++) {
        const struct employment *e = &w->employments[i];
        nearer(e->from, t, &best);
        nearer(e->to, t, &best);
        for (int d = 0; d < N_DIRS; d++)
            if (w->create_ahead[e->institution][d] >= 0)
                nearer(e->from - w->create_ahead[e->institution][d], t, &best);
    }
    for (int i = 0; i < w->n_absences; i++) {
        nearer(w->absences[i].suspend ? w->absences[i].from : 0, t, &best);
        nearer(w->absences[i].suspend ? w->absences[i].to : 0, t, &best);
    }
    for (int i = 0; i < w->n_grants; i++) {
        bool began = w->grants[i].from < w->grants[i].to;
        nearer(began ? w->grants[i].from : 0, t, &best);
        nearer(began ? w->grants[i].to : 0, t, &best);
    }
    return best;
}

int world_main_employment(const struct world *w, int person, int dir)
{
    int best = -1;
    for (int i = w->first_of[person] - 1; i >= 0; i = w->next_of[i] - 1) {
        const struct employment *e = &w->employments[i];
        if (concerns(w, e, dir) && (best < 0 || e->from < w->employments[best].from))
            best = i;
    }
    return best;
}

static bool within(int64_t at, int64_t since, int64_t upto)
{
    return at > since && at <= upto;
}

bool world_falls_due(const struct world *w, int person, int64_t since, int64_t upto)
{
    for (int i = w->first_of[person] - 1; i >= 0; i = w->next_of[i] - 1) {
        const struct employment *e = &w->employments[i];
        if (within(e->from, since, upto) || within(e->to, since, upto))
            return true;
        for (int d = 0; d < N_DIRS; d++)
            if (w->create_ahead[e->institution][d] >= 0 &&
                within(e->from - w->create_ahead[e->institution][d], since, upto))
                return true;
    }
    for (int i = 0; i < w->n_absences; i++) {
        const struct absence *a = &w->absences[i];
        if (a->person == person && a->suspend && (within(a->from, since, upto) || within(a->to, since, upto)))
            return true;
    }
    for (int i = 0; i < w->n_grants; i++) {
        const struct grant *g = &w->grants[i];
        if (g->person == person && g->from < g->to && (within(g->from, since, upto) || within(g->to, since, upto)))
            return true;
    }
    return false;
}
