/* Held and approved plans: HOLD, approval, and what closes them. */
#include <stdlib.h>
#include <string.h>
#include "store.h"

static bool has_item(const struct plan *pl, int person, enum purpose p, enum pl_op op, int group, bool open)
{
    for (size_t k = 0; k < pl->n; k++) {
        const struct plan_item *it = &pl->items[k];
        if (it->person == person && it->purpose == p && it->op == op && it->group == group && !(open && it->over))
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
        if (live && pl->dir == dir && has_item(pl, person, p, op, group, true)) {
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
            has_item(pl, person, p, op, group, false))
            return true;
    }
    return false;
}

void store_approve(struct store *s, size_t plan, int64_t now, int64_t xact)
{
    struct plan *pl = &s->plans[plan];
    pl->state = PLAN_APPROVED;
    pl->approved_us = now;
    pl->expires_us = now + US_HOUR;
    bool marked[MAX_PERSONS] = {false};
    for (size_t k = 0; k < pl->n; k++)
        if (!marked[pl->items[k].person]) {
            marked[pl->items[k].person] = true;
            store_mark(s, pl->dir, pl->items[k].person, "approved", 0, xact);
        }
}

/* An approval that has run out is no plan any more: the same items are held anew. */
static bool same_plan(const struct plan *pl, const struct pl_hold *h, int dir, int64_t now)
{
    bool live = pl->state == PLAN_HELD || (pl->state == PLAN_APPROVED && pl->expires_us > now);
    if (pl->dir != dir || pl->n != h->n_items || !live)
        return false;
    for (size_t i = 0; i < pl->n; i++)
        if (pl->items[i].person != (int)h->items[i].person_id - 1 || pl->items[i].op != h->items[i].op ||
            pl->items[i].group != (int)h->items[i].role_group_id - 1 ||
            pl->items[i].purpose != store_purpose(h->items[i].purpose))
            return false;
    return true;
}

/* Whether all of one plan stands in another. */
static bool stands_in(const struct plan *old, const struct plan *pl)
{
    for (size_t i = 0; i < old->n; i++)
        if (!has_item(pl, old->items[i].person, old->items[i].purpose, old->items[i].op, old->items[i].group, false))
            return false;
    return true;
}

static void add_items(struct plan *pl, const struct plan *more)
{
    pl->items = pl_xrealloc_array(pl->items, pl->n + more->n, sizeof *pl->items);
    for (size_t i = 0; i < more->n; i++)
        pl->items[pl->n++] = more->items[i];
}

/* All of it waits in a plan, or may run by one. */
static bool stands_somewhere(const struct store *s, const struct plan *pl, int64_t now)
{
    for (size_t k = 0; k < s->n_plans; k++) {
        const struct plan *old = &s->plans[k];
        bool live = old->state == PLAN_HELD || (old->state == PLAN_APPROVED && old->expires_us > now), all = true;
        for (size_t i = 0; i < pl->n && all; i++)
            all = has_item(old, pl->items[i].person, pl->items[i].purpose, pl->items[i].op, pl->items[i].group, true);
        if (live && all && old->dir == pl->dir)
            return true;
    }
    return false;
}

/* paasla.hold: into the plan that waits, if there is one; a plan that it holds whole gives way to it. */
static void keep(struct store *s, struct plan *pl)
{
    for (size_t i = s->n_plans; i-- > 0 && pl->state == PLAN_HELD;)
        if (s->plans[i].state == PLAN_HELD && s->plans[i].dir == pl->dir && !stands_in(&s->plans[i], pl)) {
            add_items(&s->plans[i], pl);
            free(pl->items);
            return;
        }
    if (s->n_plans == s->cap_plans) {
        s->cap_plans = s->cap_plans ? s->cap_plans * 2 : 8;
        s->plans = pl_xrealloc_array(s->plans, s->cap_plans, sizeof *s->plans);
    }
    for (size_t i = 0; i < s->n_plans && pl->state == PLAN_HELD; i++)
        if (s->plans[i].state == PLAN_HELD && s->plans[i].dir == pl->dir && stands_in(&s->plans[i], pl))
            s->plans[i].state = PLAN_SUPERSEDED;
    s->plans[s->n_plans++] = *pl;
}

bool store_hold(struct store *s, const struct pl_hold *h, int64_t now)
{
    int dir = store_dir(h->directory);
    bool again = false;
    for (size_t i = 0; i < s->n_plans && !h->preview; i++)
        again = again || same_plan(&s->plans[i], h, dir, now);
    struct plan pl = {.dir = dir, .state = h->preview ? PLAN_PREVIEW : PLAN_HELD, .n = h->n_items};
    pl.items = pl_xcalloc(h->n_items, sizeof *pl.items);
    for (size_t i = 0; i < h->n_items; i++)
        pl.items[i] = (struct plan_item){(int)h->items[i].person_id - 1, (int)h->items[i].role_group_id - 1,
                                         store_purpose(h->items[i].purpose), h->items[i].op, false};
    again = again || (!h->preview && stands_somewhere(s, &pl, now));
    if (again)
        free(pl.items);
    else
        keep(s, &pl);
    if (!h->preview)
        store_consume(s, h->seqs, h->n_seqs);
    return !again;
}

static bool done_since(const struct store *s, const struct account *a, const struct plan_item *it, int64_t since)
{
    for (size_t i = 0; i < s->n_intents; i++) {
        const struct intent *in = &s->intents[i];
        if (&s->accounts[in->account] == a && in->op == it->op && in->group == it->group &&
            in->outcome == PL_OUT_DONE && in->at_us >= since)
            return true;
    }
    return false;
}

/* An item is over when it was done, when things are that way already, or when nobody wants it any more. */
static bool is_over(struct store *s, const struct plan *pl, const struct plan_item *it, int64_t now)
{
    const struct account *a = store_account(s, it->person, pl->dir, it->purpose);
    struct wanted n = store_wanted(s, it->person, pl->dir, it->purpose, now);
    bool locked = n.row && (n.need == PL_NEED_OUT || n.need == PL_NEED_READY || n.need == PL_NEED_PAUSED);
    enum pl_state st = a ? a->state : PL_STATE_NONE;
    if (pl->approved_us > 0 && done_since(s, a, it, pl->approved_us))
        return true;
    switch (it->op) {
    case PL_OP_REMOVE_MEMBER:
        return !a ||
               (a->present[it->group] != 1 &&
                !store_finding(s, pl->dir, it->person, it->group, "drift_member_added")) ||
               store_entitled(s, it->person, it->group, now);
    case PL_OP_ADD_MEMBER:
        return (a && a->present[it->group] == 1) || !store_entitled(s, it->person, it->group, now);
    case PL_OP_CLOSE:
        return !locked || st == PL_STATE_OUT;
    case PL_OP_LOCK:
        return !locked || st == PL_STATE_OUT || st == PL_STATE_PAUSED || st == PL_STATE_READY;
    case PL_OP_OPEN:
        return !n.row || n.need != PL_NEED_OPEN || st == PL_STATE_OPEN;
    case PL_OP_CREATE:
        return !n.row || (n.need != PL_NEED_OPEN && n.need != PL_NEED_READY) ||
               (st != PL_STATE_NONE && st != PL_STATE_CREATING);
    default:
        return true;
    }
}

/* paasla.close_plans: a plan of which nothing is left is closed. Not while more of the person is to be settled. */
void store_close_plans(struct store *s, int dir, int person, int64_t now)
{
    if (store_is_due(s, person, dir, now))
        return;
    for (size_t k = 0; k < s->n_plans; k++) {
        struct plan *pl = &s->plans[k];
        size_t left = 0, mine = 0;
        if (pl->dir != dir || (pl->state != PLAN_HELD && pl->state != PLAN_APPROVED))
            continue;
        for (size_t i = 0; i < pl->n; i++) {
            struct plan_item *it = &pl->items[i];
            mine += it->person == person;
            if (it->person == person && !it->over)
                it->over = is_over(s, pl, it, now);
            left += !it->over;
        }
        if (mine > 0 && left == 0)
            pl->state = pl->state == PLAN_APPROVED ? PLAN_DONE : PLAN_SUPERSEDED;
    }
}
