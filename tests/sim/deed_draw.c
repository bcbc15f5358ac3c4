/* Which deed makes sense now, with random particulars. */
#include <string.h>
#include "deed.h"

static int64_t soon(struct rng *r, int64_t now)
{
    return now + rng_log(r, US_MINUTE, 6 * US_HOUR);
}

static int running_employment(const struct world *w, struct rng *r, int64_t now)
{
    for (int tries = 0, i = rng_below(r, w->n_employments); tries < w->n_employments; tries++) {
        if (w->employments[i].to > now && (w->employments[i].to == NEVER || rng_pct(r, 30)))
            return i;
        i = (i + 1) % w->n_employments;
    }
    return -1;
}

static bool draw_departure(struct deed *x, const struct world *w, struct rng *r, int64_t now)
{
    x->employment = running_employment(w, r, now);
    if (x->employment < 0)
        return false;
    x->to = rng_pct(r, 65) ? now : soon(r, now);
    return true;
}

static bool draw_list(struct deed *x, const struct world *w, struct rng *r, int64_t now)
{
    int many = 3 + rng_below(r, 6), at = rng_below(r, w->n_employments);
    x->to = rng_pct(r, 70) ? now : soon(r, now);
    for (int i = 0; i < w->n_employments && x->n_list < many; i++) {
        int e = (at + i) % w->n_employments;
        if (w->employments[e].from < now && w->employments[e].to == NEVER)
            x->list[x->n_list++] = e;
    }
    return x->n_list > 2;
}

/* Who left last comes back, goes on leave: what the end of the account brought about is still under way then. */
static int left_last(const struct world *w, struct rng *r, int64_t now)
{
    const struct employment *last = NULL;
    for (int i = 0; i < w->n_employments; i++)
        if (w->employments[i].to <= now && (!last || w->employments[i].to > last->to))
            last = &w->employments[i];
    return last && rng_pct(r, 30) ? last->person : rng_below(r, w->n_persons);
}

static bool draw_hire(struct deed *x, const struct world *w, struct rng *r, int64_t now)
{
    if (w->n_employments == MAX_EMPLOYMENTS || (x->kind == HIRE && w->n_persons == MAX_PERSONS))
        return false;
    x->person = x->kind == HIRE ? w->n_persons : left_last(w, r, now);
    x->institution = rng_pct(r, 75) ? 0 : 1;
    x->flag = rng_pct(r, 20);
    x->from = rng_pct(r, 50) ? now : soon(r, now);
    x->to = rng_pct(r, 85) ? NEVER : x->from + rng_log(r, US_MINUTE, 6 * US_HOUR);
    return true;
}

static bool draw_grant(struct deed *x, const struct world *w, struct rng *r, int64_t now)
{
    x->person = rng_below(r, w->n_persons);
    x->role = rng_below(r, N_ROLES);
    x->from = rng_pct(r, 75) ? now : soon(r, now);
    x->to = rng_pct(r, 70) ? NEVER : x->from + rng_log(r, US_MINUTE, 4 * US_HOUR);
    return w->n_grants < MAX_GRANTS && world_employed(w, x->person, -1, now);
}

static bool draw_grant_change(struct deed *x, const struct world *w, struct rng *r, int64_t now)
{
    for (int tries = 0; tries < 8 && w->n_grants > 0; tries++) {
        x->grant = rng_below(r, w->n_grants);
        if (w->grants[x->grant].to > now && w->grants[x->grant].from < now) {
            x->to = x->kind == REVOKE ? now : soon(r, now);
            return true;
        }
    }
    return false;
}

static bool draw_absence(struct deed *x, const struct world *w, struct rng *r, int64_t now)
{
    if (x->kind == BACK) {
        x->absence = rng_below(r, w->n_absences);
        x->to = now;
        return w->n_absences > 0 && w->absences[x->absence].to > now && w->absences[x->absence].from < now;
    }
    x->person = left_last(w, r, now);
    x->flag = rng_pct(r, 80);
    x->from = rng_pct(r, 60) ? now : soon(r, now);
    x->to = x->from + rng_log(r, US_MINUTE, 8 * US_HOUR);
    return w->n_absences < MAX_ABSENCES;
}

/* The departure that a number means when it is said again: of those that have ended, the one that began last. */
static bool draw_again(struct deed *x, const struct world *w, struct rng *r, int64_t now)
{
    int any = rng_below(r, w->n_employments);
    x->person = w->employments[any].person;
    x->institution = w->employments[any].institution;
    x->employment = any;
    for (int i = 0; i < w->n_employments; i++) {
        const struct employment *e = &w->employments[i];
        if (e->person != x->person || e->institution != x->institution)
            continue;
        if (e->to > now)
            return false;
        if (e->from > w->employments[x->employment].from)
            x->employment = i;
    }
    return true;
}

static bool draw_plan(struct deed *x, const struct store *s, struct rng *r)
{
    for (int tries = 0; tries < 6 && s->n_plans > 0; tries++) {
        x->plan = (size_t)rng_below(r, (int)s->n_plans);
        if (s->plans[x->plan].state == PLAN_HELD)
            return true;
    }
    return false;
}

bool deed_draw(struct deed *x, enum deed_kind kind, const struct store *s, struct rng *r, int64_t now)
{
    const struct world *w = s->w;
    memset(x, 0, sizeof *x);
    x->kind = kind;
    x->at_us = now;
    switch (kind) {
    case HIRE:
    case REHIRE:
        return draw_hire(x, w, r, now);
    case DEPART:
        return draw_departure(x, w, r, now);
    case DEPART_LIST:
        return draw_list(x, w, r, now);
    case DEPART_AGAIN:
        return draw_again(x, w, r, now);
    case STAY:
        x->employment = rng_below(r, w->n_employments);
        x->to = w->employments[x->employment].to;
        if (x->to <= now || x->to == NEVER)
            return false;
        x->to = rng_pct(r, 50) ? NEVER : soon(r, x->to);
        return true;
    case GRANT:
        return draw_grant(x, w, r, now);
    case REVOKE:
    case GRANT_END:
        return draw_grant_change(x, w, r, now);
    case ABSENT:
    case BACK:
        return draw_absence(x, w, r, now);
    case IT_ADMIN:
        x->employment = rng_below(r, w->n_employments);
        return w->employments[x->employment].to > now;
    case ROLE_MODE:
        x->role = rng_below(r, N_ROLES);
        x->mode = rng_pct(r, 70) ? PL_MODE_ENFORCE : rng_below(r, 2);
        return true;
    case ROLE_DRIFT:
        x->role = rng_below(r, N_ROLES);
        x->flag = rng_pct(r, 60);
        return true;
    case DIR_MODE:
        x->dir = rng_below(r, N_DIRS);
        x->mode = rng_pct(r, 80) ? PL_MODE_ENFORCE : PL_MODE_OBSERVE;
        return true;
    case NAME:
        x->person = rng_pct(r, 60) ? w->renamed_last : rng_below(r, w->n_persons); /* some cannot make up their mind */
        x->name = deed_name(rng_below(r, 100));
        if (rng_pct(r, 70)) /* one of the two, more often */
            x->name.given = w->persons[x->person].given;
        return true;
    case RECREATE:
        x->account = rng_below(r, s->n_accounts);
        return s->n_accounts > 0 && s->accounts[x->account].state == PL_STATE_LOST;
    default:
        return draw_plan(x, s, r);
    }
}
