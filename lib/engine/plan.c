/* The two tables applied to one account that has been read: what to write, what to note, what to report. */
#include "priv.h"

#include <stdlib.h>
#include <string.h>
#include "../directory/dn.h"

#define WRITER_FRESH_US 600000000

static bool in_group(const struct task *t, uint64_t dn_hash)
{
    for (size_t i = 0; i < t->n_groups_seen; i++)
        if (t->groups_seen_hash[i] == dn_hash)
            return true;
    return false;
}

static enum pl_seen seen_of(const struct task *t)
{
    if (t->foreign)
        return PL_SEEN_FOREIGN;
    if (!t->entry)
        return PL_SEEN_ABSENT;
    struct pl_dir_facts facts = {.ppolicy = t->dir->ppolicy,
                                 .policy_stands = t->policy_stands && pl_policy_applies(t->dir, t->entry)};
    enum pl_lock lock = t->dir->dialect->lock_seen(t->entry, &facts, t->dir->e->now);
    if (lock == PL_LOCK_OPEN)
        return PL_SEEN_OPEN;
    if (pl_keep_ended(t, &facts))
        return PL_SEEN_ENDED;
    return lock == PL_LOCK_PROVEN ? PL_SEEN_LOCKED : PL_SEEN_DOUBTFUL;
}

/* ---- what became of writes: only the directory says ---- */

static bool shown(const struct task *t, enum pl_op op, int64_t role_group_id, int64_t ends_us)
{
    const struct group *g = role_group_id ? pl_group_by_id(t->batch, t->dir, role_group_id) : NULL;
    switch (op) {
    case PL_OP_CREATE:
        return t->entry != NULL;
    case PL_OP_OPEN:
        return t->entry && t->seen == PL_SEEN_OPEN;
    case PL_OP_LOCK:
    case PL_OP_CLOSE:
        return t->entry && (t->seen == PL_SEEN_LOCKED || t->seen == PL_SEEN_DOUBTFUL);
    case PL_OP_ADD_MEMBER:
        return t->entry && g && in_group(t, g->dn_hash);
    case PL_OP_REMOVE_MEMBER:
        return g && !in_group(t, g->dn_hash);
    case PL_OP_KEEP:
        return pl_keep_shown(t, ends_us);
    case PL_OP_RENAME: /* whichever name it was */
        return pl_rename_shown(t);
    default:
        return false;
    }
}

static enum pl_write_kind write_kind(enum pl_op op)
{
    switch (op) {
    case PL_OP_CREATE:
        return PL_WRITE_ADD_ENTRY;
    case PL_OP_ADD_MEMBER:
        return PL_WRITE_ADD_VALUE;
    case PL_OP_REMOVE_MEMBER:
        return PL_WRITE_REMOVE_VALUE;
    default:
        return PL_WRITE_ACCOUNT;
    }
}

/* What paasla.membership shall say: the directory shows it. */
static void fact(struct task *t, int64_t role_group_id, bool present)
{
    for (size_t i = 0; i < t->n_facts; i++)
        if (t->facts[i].role_group_id == role_group_id) {
            t->facts[i].present = present;
            return;
        }
    struct pl_membership_cmd f = {role_group_id, present};
    PUSH(t->facts, t->n_facts, f);
}

static void report_failure(struct task *t, const struct op *o)
{
    bool closing =
        o->op == PL_OP_LOCK || o->op == PL_OP_CLOSE || (o->op == PL_OP_REMOVE_MEMBER && t->p.need == PL_NEED_OUT);
    const char *kind = o->verdict == PL_VERDICT_DENIED ? "write_denied" : "write_failed";
    struct pl_str where = o->group_dn.len ? o->group_dn : t->p.dn;
    pl_task_finding(t, kind, closing ? "critical" : "warning", o->role_group_id,
                    pl_arena_printf(t->arena, "%s of %.*s (%.*s) failed with result %d: %s%s", pl_op_name(o->op),
                                    (int)t->p.login.len, t->p.login.s, (int)where.len, where.s, o->code,
                                    pl_result_sentence(write_kind(o->op), o->code),
                                    o->useless ? " The password was made useless all the same; what logs on without it "
                                                 "(a key, a certificate, a ticket) still does."
                                               : ""));
    if (!pl_task_gives_up(t, o->op, o->code))
        t->trouble_later = "a write was refused by the directory";
}

/* The lock stands, and not all that goes with it was done. */
static void report_left(struct task *t, const struct op *o)
{
    bool ours = o->steps[o->left - 1].stage > 0;
    pl_task_finding(t, ours ? "password_not_useless" : "lock_not_ours", "warning", 0,
                    pl_arena_printf(t->arena, "%.*s is locked, but %s (result %d): %s", (int)t->p.login.len,
                                    t->p.login.s,
                                    ours ? "its password could not be made useless"
                                         : "not by us: our own lock was refused, so make its password useless by hand",
                                    o->left_code, pl_result_sentence(PL_WRITE_ACCOUNT, o->left_code)));
}

/* What we were about to do when we lost sight of it is what we believe, not what was stored before. */
static void believe_intents(struct task *t)
{
    for (size_t i = 0; i < t->n_open_intents; i++)
        switch (t->open_intents[i].op) {
        case PL_OP_CREATE:
            t->state = PL_STATE_CREATING;
            break;
        case PL_OP_OPEN:
            t->state = PL_STATE_OPENING;
            break;
        case PL_OP_LOCK:
        case PL_OP_CLOSE: /* whether the password was reached is not known: it is done once more */
            t->state = PL_STATE_LOCKING;
            break;
        default:
            break;
        }
}

static bool recovered(const struct task *t, int64_t role_group_id)
{
    for (size_t i = 0; i < t->n_recovered; i++)
        if (t->open_intents[i].role_group_id == role_group_id)
            return true;
    return false;
}

void pl_plan_settle_open_intents(struct task *t)
{
    t->seen = seen_of(t);
    for (size_t i = 0; i < t->n_open_intents; i++) { /* left behind by a crash or a lost connection */
        const struct pl_row_intent *r = &t->open_intents[i];
        struct pl_intent d = {.account_id = t->p.account_id,
                              .role_group_id = r->role_group_id,
                              .op = r->op,
                              .intent_id = r->intent_id,
                              .outcome = shown(t, r->op, r->role_group_id, r->ends_us) ? PL_OUT_DONE : PL_OUT_NOT_DONE};
        PUSH(t->done, t->n_done, d);
    }
    if (t->round == 0)
        believe_intents(t);
    t->n_recovered += t->n_open_intents;
    t->n_open_intents = 0;
    for (size_t i = 0; t->round > 0 && i < t->n_ops; i++) {
        struct op *o = &t->ops[i];
        if (o->intent_id == 0)
            continue;
        bool did =
            (o->unseen ? o->verdict == PL_VERDICT_DONE : shown(t, o->op, o->role_group_id, o->ends_us)) && o->left == 0;
        if (o->unseen && !did)
            t->state = PL_STATE_CLOSING; /* its password is still missing */
        struct pl_intent d = {.account_id = t->p.account_id,
                              .role_group_id = o->role_group_id,
                              .op = o->op,
                              .row = o->row,
                              .put_back = o->put_back,
                              .intent_id = o->intent_id,
                              .outcome = did           ? PL_OUT_DONE
                                         : o->code > 0 ? PL_OUT_FAILED
                                                       : PL_OUT_NOT_DONE,
                              .code = o->code > 0 ? o->code : 0,
                              .at_us = o->at_us ? o->at_us : t->dir->e->now};
        /* What was to be looked at was looked at now; what somebody else overtook goes again. */
        bool again = o->verdict == PL_VERDICT_RETRY ||
                     (o->verdict == PL_VERDICT_VERIFY && pl_task_raced(o->role_group_id, o->code));
        bool stands =
            o->left > 0 && (o->steps[o->left - 1].stage > 0 || t->seen == PL_SEEN_LOCKED || t->seen == PL_SEEN_ENDED);
        if (stands)
            report_left(t, o);
        else if (!did && o->code > 0 && !again)
            report_failure(t, o);
        PUSH(t->done, t->n_done, d);
        if (did && o->role_group_id) /* also of a group that nobody granted: its put-backs are counted by this row */
            fact(t, o->role_group_id, o->op == PL_OP_ADD_MEMBER);
    }
    t->n_ops = 0;
}

/* ---- the plan ---- */

static bool may_write(const struct task *t, enum pl_op op)
{
    if (t->p.dir_mode == PL_MODE_ENFORCE)
        return true;
    return t->dir->conf.lock_leavers_observed && t->p.named && t->p.need == PL_NEED_OUT &&
           (op == PL_OP_LOCK || op == PL_OP_CLOSE);
}

static struct op *add_op(struct task *t, enum pl_op op, int row, const char *sentence)
{
    struct op *o = &t->ops[t->n_ops++];
    *o = (struct op){.op = op, .row = row, .sentence = sentence, .task = t};
    o->unseen = op == PL_OP_OPEN && t->seen == PL_SEEN_OPEN;
    o->counted = op == PL_OP_LOCK || op == PL_OP_CLOSE || op == PL_OP_REMOVE_MEMBER;
    return o;
}

/* What the entry shows gives us nothing to write: a lock of another kind than ours, or no right to see what a lock needs. */
static bool no_way(struct task *t, enum pl_op op)
{
    struct pl_step steps[PL_STEPS_MAX];
    return pl_exec_steps(t, op, t->look_arena, steps) == 0;
}

void pl_plan_write(struct task *t, enum pl_op op, int row, const char *sentence, const char *severity)
{
    struct pl_str who = t->entry ? t->entry->dn : t->p.login, name = t->dir->conf.name;
    if (may_write(t, op)) {
        struct op *o = add_op(t, op, row, sentence);
        o->ends_us = op == PL_OP_KEEP ? t->keep_end : 0;
        return;
    }
    struct pl_str where = t->reopened ? pl_origin_said(t) : (struct pl_str){"", 0};
    pl_task_finding(t, "change_observed", severity, 0,
                    pl_arena_printf(t->arena, "Directory %.*s is only observed. Would %s %.*s: %s%.*s", (int)name.len,
                                    name.s, pl_op_name(op), (int)who.len, who.s, sentence, (int)where.len, where.s));
}

/* It is closed again below, so this is told and over at once; who looks for it finds it among what was. */
static void report_reopened(struct task *t, struct pl_str who)
{
    struct pl_str where = pl_origin_said(t), writer = pl_entry_first(t->entry, "modifiersName");
    if (!t->reopened)
        return;
    if (writer.len > 0)
        where = pl_arena_printf(t->arena, " The entry was last written by %.*s.", (int)writer.len, writer.s);
    pl_task_finding(t, "opened_by_hand", "warning", 0,
                    pl_arena_printf(t->arena, "%.*s was locked, and somebody opened it.%.*s", (int)who.len, who.s,
                                    (int)where.len, where.s));
}

static void plan_account(struct task *t)
{
    const struct pl_life_row *r = pl_life_step(t->state, t->p.need, t->seen);
    struct pl_str who = t->entry ? t->entry->dn : t->p.login, where;
    t->life = r;
    if (r->op == PL_OP_OPEN && t->seen == PL_SEEN_OPEN && no_way(t, r->op)) {
        pl_task_finding(
            t, "password_gone", "warning", 0,
            pl_arena_printf(t->arena,
                            "%.*s is open, and nobody knows its password: it was made useless at a departure "
                            "that was taken back. Set one by hand.",
                            (int)who.len, who.s));
        t->state = PL_STATE_OPEN;
        t->state_row = r->id;
        t->sentence = r->sentence;
        return;
    }
    if (r->op == PL_OP_OPEN && no_way(t, r->op)) {
        where = pl_origin_said(t);
        pl_task_finding(t, "locked_by_hand", "warning", 0,
                        pl_arena_printf(t->arena, "%.*s should be open, but the lock on it is not ours; it stays.%.*s",
                                        (int)who.len, who.s, (int)where.len, where.s));
        return;
    }
    if ((r->op == PL_OP_LOCK || r->op == PL_OP_CLOSE) && no_way(t, r->op)) {
        pl_task_finding(t, "account_unreadable", "critical", 0,
                        pl_arena_printf(t->arena,
                                        "%.*s must be locked, but what a lock needs cannot be read from it. Give our "
                                        "account the right to read the entry, and lock it by hand until then.",
                                        (int)who.len, who.s));
        t->trouble_later = "the account cannot be read as far as a lock needs";
        return;
    }
    /* Somebody opened it, or took away what enforces the lock: until our lock is shown it is not closed, whatever we
     * believed. A lock that is held or only observed would otherwise be told as if it stood. */
    if ((r->op == PL_OP_LOCK || r->op == PL_OP_CLOSE) && t->seen != PL_SEEN_LOCKED && t->round == 0 &&
        (t->state == PL_STATE_OUT || t->state == PL_STATE_PAUSED || t->state == PL_STATE_READY)) {
        t->state = t->seen == PL_SEEN_OPEN ? PL_STATE_OPEN : PL_STATE_LOCKING;
        t->state_row = r->id;
        t->sentence = r->sentence;
        t->reopened = t->seen == PL_SEEN_OPEN;
        report_reopened(t, who);
    }
    switch (r->op) {
    case PL_OP_CREATE:
    case PL_OP_OPEN:
    case PL_OP_LOCK:
    case PL_OP_CLOSE:
        pl_plan_write(t, r->op, r->id, r->sentence, r->op == PL_OP_CLOSE ? "warning" : "info");
        return;
    case PL_OP_KEEP:
        pl_keep_plan(t);
        return;
    case PL_OP_REPORT:
        where = pl_origin_said(t);
        pl_task_finding(
            t, r->finding,
            strcmp(r->finding, "lock_not_proven") == 0 || strcmp(r->finding, "account_lost") == 0 ? "critical"
                                                                                                  : "warning",
            0, pl_arena_printf(t->arena, "%.*s: %s%.*s", (int)who.len, who.s, r->sentence, (int)where.len, where.s));
        if (strcmp(r->finding, "lock_not_proven") == 0 && t->p.need == PL_NEED_OUT)
            t->trouble_later = "the lock is not proven";
        break;
    default:
        break;
    }
    t->state_row = r->id;
    t->sentence = r->sentence;
    if (r->next != PL_STATE_COUNT)
        t->state = r->next;
    if (t->p.need == PL_NEED_OPEN && t->seen == PL_SEEN_OPEN) {
        pl_keep_plan(t);
        pl_rename_plan(t);
    }
}

/* Who it was, as far as the server told lately. */
static struct pl_str writer_of(struct task *t, const struct group *g)
{
    const struct shape *s = pl_shape(t->dir, g->dn_hash, false);
    if (!s || !s->writer || t->dir->e->now - s->writer_at_us > WRITER_FRESH_US)
        return (struct pl_str){"", 0};
    return pl_arena_printf(t->arena, " The group was last written by %s.", s->writer);
}

static void plan_member(struct task *t, const struct group *g, const struct pl_member_in *in, enum pl_mode mode,
                        bool stored)
{
    const struct pl_member_row *r = pl_member_step(in);
    struct pl_str dn = t->entry->dn;
    bool change = r->op == PL_OP_ADD_MEMBER || r->op == PL_OP_REMOVE_MEMBER;
    bool may = mode == PL_MODE_ENFORCE && may_write(t, r->op);
    struct pl_str writer = r->drift ? writer_of(t, g) : (struct pl_str){"", 0};
    if (r->op == PL_OP_NONE && stored != r->present)
        fact(t, g->role_group_id, r->present);
    if (r->drift)
        pl_task_finding(
            t, r->finding, "warning", g->role_group_id,
            pl_arena_printf(t->arena, "%.*s, group %.*s: %s%.*s", (int)dn.len, dn.s, (int)g->dn.len, g->dn.s,
                            change && !may ? "Somebody else changed a membership; the role is not enforced, so it "
                                             "is only reported."
                                           : r->sentence,
                            (int)writer.len, writer.s));
    if (!change)
        return;
    if (!may) {
        if (!r->drift)
            pl_task_finding(t, mode == PL_MODE_PROPOSE ? "change_proposed" : "change_observed", "info",
                            g->role_group_id,
                            pl_arena_printf(t->arena, "Would %s %.*s, group %.*s: %s", pl_op_name(r->op), (int)dn.len,
                                            dn.s, (int)g->dn.len, g->dn.s, r->sentence));
        return;
    }
    struct op *o = add_op(t, r->op, r->id, r->sentence);
    o->group = g;
    o->group_dn = g->dn;
    o->role_group_id = g->role_group_id;
    o->put_back = r->drift;
}

static void plan_members(struct task *t)
{
    bool leaver = t->p.need == PL_NEED_OUT;
    for (size_t i = 0; i < t->n_members; i++) {
        struct member *m = &t->members[i];
        if (!m->group)
            continue;
        m->seen = in_group(t, m->group->dn_hash);
        struct pl_member_in in = {.wanted = m->row.wanted,
                                  .believed = m->row.believed,
                                  .seen = m->seen,
                                  .leaver = leaver,
                                  .put_back = m->row.put_back && m->row.put_backs < 3};
        for (size_t k = 0; k < t->n_facts; k++) /* what an earlier round of this task saw to */
            if (t->facts[k].role_group_id == m->row.role_group_id)
                in.believed = t->facts[k].present;
        if (recovered(t, m->row.role_group_id)) /* our own write whose outcome was lost is not somebody else's */
            in.believed = m->seen;
        plan_member(t, m->group, &in, m->row.mode, m->row.believed);
    }
    for (size_t i = 0; i < t->n_groups_seen; i++) {
        const struct group *g = pl_group_by_hash(t->batch, t->dir, t->groups_seen_hash[i]);
        bool listed = !g;
        for (size_t k = 0; !listed && k < t->n_members; k++)
            listed = t->members[k].group == g;
        if (listed)
            continue;
        struct pl_member_in in = {
            .seen = true, .believed = recovered(t, g->role_group_id), .leaver = leaver, .put_back = g->put_back};
        plan_member(t, g, &in, g->mode, false);
    }
}

/* The account belongs to the group without being its member: nothing to add, and nothing that could be removed. */
static bool is_primary(struct task *t, const struct shape *s)
{
    const struct pl_dialect *dialect = t->dir->dialect;
    if (!t->entry || !s->key || !dialect->primary_group || dialect->primary_group(t->entry) != s->key)
        return false;
    const struct group *g = pl_group_by_hash(t->batch, t->dir, s->dn_hash);
    if (g)
        pl_task_finding(
            t, "primary_group", "warning", g->role_group_id,
            pl_arena_printf(t->arena,
                            "%.*s is the primary group of %.*s, which does not stand among its members; it is "
                            "not changed. Give the account another primary group.",
                            (int)g->dn.len, g->dn.s, (int)t->p.login.len, t->p.login.s));
    return g != NULL;
}

/* Ways in beside the password: what a leaver's lock holds up as long as it is there, and what it does not hold up at all. */
static void other_ways_in(struct task *t)
{
    const struct dir *d = t->dir;
    const char *const *key = d->dialect->key_attrs;
    const struct pl_attr *names =
        d->dialect->certificate_attr ? pl_entry_attr(t->entry, d->dialect->certificate_attr) : NULL;
    bool closing = t->n_ops > 0 && t->ops[0].op == PL_OP_CLOSE;
    if (names && names->n > 0 && !(closing && d->conf.clear_certificates))
        pl_task_finding(t, "certificates_mapped", "warning", 0,
                        pl_arena_printf(t->arena,
                                        "Certificates can log on as %.*s as soon as its lock is gone (%zu in %s); take "
                                        "them away.",
                                        (int)t->p.login.len, t->p.login.s, names->n, d->dialect->certificate_attr));
    for (; key && *key; key++)
        if ((names = pl_entry_attr(t->entry, *key)) && names->n > 0)
            pl_task_finding(t, "keys_left", "warning", 0,
                            pl_arena_printf(t->arena,
                                            "Hosts that take keys from the directory let %.*s in, locked or not "
                                            "(%zu in %s); take them away.",
                                            (int)t->p.login.len, t->p.login.s, names->n, *key));
}

/* What the entry shows and no table speaks of. */
static void notes(struct task *t)
{
    for (size_t i = 0; t->entry && t->dir->dialect->primary_group && i < t->dir->n_shapes; i++)
        (void)is_primary(t, &t->dir->shapes[i]);
    if (t->entry && t->p.need == PL_NEED_OUT)
        other_ways_in(t);
}

void pl_plan_make(struct task *t)
{
    t->ops = pl_arena_array(t->arena, 2 + t->n_members + t->n_groups_seen, sizeof *t->ops);
    t->n_ops = 0;
    plan_account(t);
    notes(t);
    /* A new entry has no groups to compare yet; they follow when it has been seen. */
    if (t->entry && t->seen != PL_SEEN_FOREIGN)
        plan_members(t);
    if (t->entry && t->p.need == PL_NEED_OUT && t->round > 0 && t->out_at_us == 0) {
        bool left = false;
        for (size_t i = 0; i < t->n_groups_seen && !left; i++)
            left = pl_group_by_hash(t->batch, t->dir, t->groups_seen_hash[i]) != NULL;
        if (!left && t->seen == PL_SEEN_LOCKED)
            t->out_at_us = t->dir->e->now;
    }
}

static const struct {
    enum pl_group_shape shape;
    const char *finding, *words;
} unwritable[] = {
    {PL_GROUP_UNKNOWN, "group_missing", "does not exist; create it or take it from its role"},
    {PL_GROUP_UNWRITABLE, "group_unwritable", "has members that are computed; it cannot be written"},
    {PL_GROUP_PRIVILEGED, "group_privileged",
     "is one of the directory's own or protected groups and is left alone; take it from its role and change its "
     "members "
     "by hand, or name it in privileged_groups"},
};

/* Groups that do not exist or that are not to be written: said, and left out before an intent is written. */
void pl_plan_drop_unwritable(struct task *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_ops; i++) {
        struct op *o = &t->ops[i];
        const struct shape *s = o->group ? pl_shape(t->dir, o->group->dn_hash, true) : NULL;
        size_t k = 0, n_kinds = sizeof unwritable / sizeof unwritable[0];
        while (s && k < n_kinds && unwritable[k].shape != s->shape)
            k++;
        if (s && k < n_kinds) {
            bool stays = s->shape == PL_GROUP_PRIVILEGED && o->op == PL_OP_REMOVE_MEMBER && t->p.need == PL_NEED_OUT;
            pl_task_finding(t, unwritable[k].finding, stays ? "critical" : "warning", o->role_group_id,
                            pl_arena_printf(t->arena, "Group %.*s %s.%s", (int)o->group_dn.len, o->group_dn.s,
                                            unwritable[k].words, stays ? " A leaver stands in it." : ""));
            t->trouble_later = "a group of a role cannot be written";
        } else if (!s || !is_primary(t, s)) {
            t->ops[n++] = *o;
        }
    }
    t->n_ops = n;
}
