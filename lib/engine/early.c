/* The intents of a leaver whom HR named, written while the directory is still being read: what we believe is most likely
 * what the look will show, so the commit and the look go side by side. An intent permits a write and orders none. What
 * the plan then does not ask for is settled as not done; what it asks for beyond these gets intents of its own. */
#include "priv.h"

static bool fits(const struct task *t)
{
    bool open = t->state == PL_STATE_OPEN || t->state == PL_STATE_OPENING || t->state == PL_STATE_PAUSED;
    return t->batch->class == PL_LOAD_URGENT && t->p.named && t->p.need == PL_NEED_OUT &&
           t->p.dir_mode == PL_MODE_ENFORCE && open && t->p.account_id != 0 && t->p.native_id.len > 0 &&
           t->n_open_intents == 0 && t->phase == PH_LOOK;
}

static void add(struct task *t, enum pl_op op, int row, int64_t role_group_id)
{
    t->early[t->n_early++] =
        (struct pl_intent){.account_id = t->p.account_id, .role_group_id = role_group_id, .op = op, .row = row};
}

/* The lock's intent waits for no other: it is a commit of its own. */
static void ask(struct task *t, const struct pl_intent *from, size_t n, int tag)
{
    struct pl_engine *e = t->dir->e;
    struct pl_intent *items = pl_arena_array(e->out, n, sizeof *items);
    for (size_t i = 0; i < n; i++)
        items[i] = from[i];
    struct pl_command *c = pl_e_emit(e, PL_CMD_INTENTS, t->dir);
    c->intents.person_id = t->p.person_id;
    c->intents.purpose = t->p.purpose;
    c->intents.items = items;
    c->intents.n = n;
    c->intents.alone = tag == EARLY_LOCK;
    t->early_out |= (unsigned)tag;
    pl_e_request(e, c, OWN_TASK_EARLY, t, NULL, tag);
}

void pl_early_ask(struct task *t)
{
    const struct pl_life_row *life = pl_life_step(t->state, t->p.need, PL_SEEN_OPEN);
    if (!fits(t) || life->op != PL_OP_CLOSE)
        return;
    t->early = pl_arena_array(t->arena, t->n_members + 1, sizeof *t->early);
    add(t, life->op, life->id, 0);
    for (size_t i = 0; i < t->n_members; i++) {
        const struct pl_row_member *m = &t->members[i].row;
        struct pl_member_in in = {.believed = true, .seen = true, .leaver = true, .put_back = m->put_back};
        const struct pl_member_row *r = pl_member_step(&in);
        if (t->members[i].group && m->believed && !m->wanted && m->mode == PL_MODE_ENFORCE &&
            r->op == PL_OP_REMOVE_MEMBER)
            add(t, r->op, r->id, m->role_group_id);
    }
    t->n_early_groups = t->n_early - 1;
    ask(t, t->early, 1, EARLY_LOCK);
    if (t->n_early_groups > 0)
        ask(t, t->early + 1, t->n_early_groups, EARLY_GROUPS);
}

/* When nothing was stored, the plan asks for its intents in the ordinary way. */
void pl_early_answer(struct task *t, int tag, const struct pl_event *ev)
{
    struct pl_intent *first = tag == EARLY_LOCK ? t->early : t->early + 1;
    size_t n = tag == EARLY_LOCK ? 1 : t->n_early_groups;
    t->early_out &= ~(unsigned)tag;
    for (size_t i = 0; i < n && !ev->failed && ev->intended.n == n; i++)
        first[i].intent_id = ev->intended.ids[i];
}

/* Gives the planned operations what was written down for them. Returns how many still need an intent. */
size_t pl_early_use(struct task *t)
{
    size_t missing = 0;
    for (size_t i = 0; i < t->n_ops; i++) {
        struct op *o = &t->ops[i];
        for (size_t k = 0; k < t->n_early && o->intent_id == 0; k++)
            if (t->early[k].intent_id && t->early[k].op == o->op && t->early[k].role_group_id == o->role_group_id &&
                t->early[k].row == o->row && !o->put_back) {
                o->intent_id = t->early[k].intent_id;
                t->early[k].intent_id = 0;
            }
        missing += o->intent_id == 0;
    }
    return missing;
}

/* Those that nothing was planned for, once all are answered. */
void pl_early_close(struct task *t)
{
    for (size_t k = 0; k < t->n_early && !t->early_out; k++)
        if (t->early[k].intent_id) {
            t->early[k].outcome = PL_OUT_NOT_DONE;
            pl_task_outcome(t, &t->early[k]);
            t->early[k].intent_id = 0;
        }
}
