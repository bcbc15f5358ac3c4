/* The barrier of a batch: every account has been read and planned, nothing has been written. The brake counts the whole
 * plan; what it does not allow is stored as a held plan before anything else happens. */
#include "priv.h"

#include <stdlib.h>
#include <string.h>

/* What plans that people have seen say of this operation: 0 nothing, 1 approved, 2 held. */
static int known(const struct task *t, const struct op *o)
{
    int found = 0;
    for (size_t i = 0; i < t->n_items; i++)
        if (t->items[i].op == o->op && t->items[i].role_group_id == o->role_group_id) {
            if (t->items[i].approved)
                return 1;
            found = 2;
        }
    return found;
}

const struct pl_row_total *pl_gate_total(const struct batch *b, const struct dir *d)
{
    for (size_t i = 0; i < b->n_totals; i++)
        if (pl_str_eq(b->totals[i].directory, d->conf.name))
            return &b->totals[i];
    return NULL;
}

static void item_of(struct pl_plan_item *item, const struct task *t, const struct op *o)
{
    *item = (struct pl_plan_item){.person_id = t->p.person_id,
                                  .account_id = t->p.account_id,
                                  .role_group_id = o->role_group_id,
                                  .purpose = t->p.purpose,
                                  .op = o->op,
                                  .row = o->row};
}

static void store_plan(struct batch *b, struct dir *d, bool preview, struct pl_str why, struct pl_plan_item *items,
                       size_t n, long locks, long removals)
{
    struct pl_engine *e = b->any;
    struct pl_hold *h = pl_arena_alloc(e->out, sizeof *h);
    *h = (struct pl_hold){.directory = d ? d->conf.name : (struct pl_str){"", 0},
                          .preview = preview,
                          .control_id = b->control_id,
                          .items = items,
                          .n_items = n,
                          .why = pl_arena_str(e->out, why),
                          .locks = locks,
                          .removals = removals};
    struct pl_command *c = pl_e_emit(e, PL_CMD_HOLD, d);
    c->hold = h;
    b->holding = true;
    pl_e_request(e, c, OWN_HOLD, b, NULL, preview);
}

/* A dry run: everything that would be written, brake or not. */
static void preview(struct batch *b)
{
    size_t n = 0;
    long locks = 0, removals = 0, unread = 0;
    for (size_t i = 0; i < b->n_tasks; i++)
        n += b->tasks[i]->n_ops;
    struct pl_plan_item *items = pl_arena_array(b->any->out, n, sizeof *items);
    n = 0;
    for (size_t i = 0; i < b->n_tasks; i++) {
        struct task *t = b->tasks[i];
        unread += t->phase != PH_GATE;
        for (size_t k = 0; t->phase == PH_GATE && k < t->n_ops; k++) {
            item_of(&items[n++], t, &t->ops[k]);
            removals += t->ops[k].op == PL_OP_REMOVE_MEMBER;
            locks += t->ops[k].counted && t->ops[k].op != PL_OP_REMOVE_MEMBER;
        }
    }
    struct pl_buf why = {0};
    if (b->any->preview_why)
        pl_buf_add_c(&why, b->any->preview_why);
    b->any->preview_why = NULL;
    if (unread > 0)
        pl_buf_printf(&why, "%s%ld accounts could not be read", why.len ? "; " : "", unread);
    store_plan(b, b->dir, true, pl_buf_str(&why), items, n, locks, removals);
    pl_buf_free(&why);
}

/* Whether the brake has to count this operation now; what needs no counting, and what waits in a held plan, is settled. */
static bool must_count(struct task *t, struct op *o)
{
    o->allowed = true;
    o->lately = false;
    if (t->phase != PH_GATE || !o->counted || t->p.named)
        return false;
    switch (known(t, o)) {
    case 1:
        return false;
    case 2: /* seen, not released: it stays where it is, in whatever company it comes again */
        o->allowed = false;
        t->held = true;
        return false;
    default:
        break;
    }
    /* The same once more, because it did not succeed or somebody undid it: it has been counted. */
    o->lately = pl_passed_find(&t->dir->passed, t->p.account_id, o->role_group_id) != NULL;
    return !o->lately;
}

static void hold(struct batch *b, struct dir *d, struct pl_str why, size_t n, const struct pl_brake_count *count)
{
    struct pl_plan_item *items = pl_arena_array(b->any->out, n, sizeof *items);
    size_t at = 0;
    for (size_t i = 0; i < b->n_tasks; i++)
        for (size_t k = 0; k < b->tasks[i]->n_ops; k++) {
            struct op *o = &b->tasks[i]->ops[k];
            if (!o->judged)
                continue;
            item_of(&items[at++], b->tasks[i], o);
            o->allowed = o->judged = false;
            b->tasks[i]->held = true;
        }
    b->any->held_plans++;
    pl_e_log(b->any, 4, d, "a plan is held before its first write: it %.*s; `paaslactl plan list` shows it",
             (int)why.len, why.s);
    store_plan(b, d, false, why, items, n, count->locks, count->removals);
}

static void let_pass(struct batch *b, struct dir *d)
{
    for (size_t i = 0; i < b->n_tasks; i++)
        for (size_t k = 0; k < b->tasks[i]->n_ops; k++) {
            const struct op *o = &b->tasks[i]->ops[k];
            if (o->judged || o->lately)
                pl_passed_note(&d->passed, b->tasks[i]->p.account_id, o->role_group_id, d->e->now);
        }
}

/* Decides for one directory of the batch, counting what has passed lately with it. */
static void judge(struct batch *b, struct dir *d)
{
    struct pl_brake_count count = {0};
    const struct pl_row_total *total = pl_gate_total(b, d);
    if (total) {
        count.open_accounts = (long)total->open_accounts;
        count.memberships = (long)total->memberships;
    }
    pl_passed_forget(&d->passed, d->e->now - d->e->conf.brake_window_us);
    pl_passed_count(&d->passed, &count);
    size_t n = 0;
    for (size_t i = 0; i < b->n_tasks; i++)
        for (size_t k = 0; k < b->tasks[i]->n_ops; k++) {
            struct op *o = &b->tasks[i]->ops[k];
            o->judged = must_count(b->tasks[i], o);
            n += o->judged;
            count.removals += o->judged && o->op == PL_OP_REMOVE_MEMBER;
            count.locks += o->judged && o->op != PL_OP_REMOVE_MEMBER;
        }
    struct pl_buf why = {0};
    if (n > 0 && !pl_brake_allows(&b->any->conf.brake, &count, &why))
        hold(b, d, pl_buf_str(&why), n, &count);
    let_pass(b, d); /* of a plan that is held nothing is judged any more */
    pl_buf_free(&why);
}

void pl_gate_judge(struct batch *b)
{
    b->gated = true;
    if (b->class == PL_LOAD_PREVIEW)
        preview(b);
    else
        judge(b, b->dir);
    b->stirred = b->any->stirred = true;
}

void pl_batch_hold_done(struct batch *b, bool failed)
{
    b->holding = false;
    b->stirred = b->any->stirred = true;
    for (size_t i = 0; i < b->n_tasks; i++) {
        struct task *t = b->tasks[i];
        if (t->phase != PH_GATE)
            continue;
        if (b->class == PL_LOAD_PREVIEW) {
            t->dir->running++;
            pl_batch_task_end(t);
        } else if (failed && t->held) {
            t->trouble = "the held plan could not be stored";
        }
    }
}
