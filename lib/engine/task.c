/* One account: read, plan, barrier, intents, writes, read again, and so on until the tables ask for nothing; settle. */
#include "priv.h"

#include <stdlib.h>
#include <string.h>
#include "../directory/dn.h"

enum { LDAP_NO_SUCH_ATTRIBUTE = 16, LDAP_TYPE_OR_VALUE_EXISTS = 20, LDAP_ASSERTION_FAILED = 122 };
enum { KEPT_TRIES = 2 };
static const int64_t AGAIN_US = 1000000;

/* What makes it the same finding the next time. */
static struct pl_str key_of(const struct task *t, struct pl_arena *a, int64_t role_group_id)
{
    struct pl_str purpose = t->p.purpose;
    return role_group_id ? pl_arena_printf(a, "%lld/%.*s/%lld", (long long)t->p.person_id, (int)purpose.len, purpose.s,
                                           (long long)role_group_id)
                         : pl_arena_printf(a, "%lld/%.*s", (long long)t->p.person_id, (int)purpose.len, purpose.s);
}

void pl_task_finding(struct task *t, const char *kind, const char *severity, int64_t role_group_id, struct pl_str text)
{
    struct pl_finding_cmd f = {.kind = kind,
                               .severity = severity,
                               .person_id = t->p.person_id,
                               .account_id = t->p.account_id,
                               .role_group_id = role_group_id,
                               .text = pl_arena_str(t->arena, text)};
    f.key = key_of(t, t->arena, role_group_id);
    for (size_t i = 0; i < t->n_findings; i++) /* a later round says it again: once is enough */
        if (strcmp(t->findings[i].kind, kind) == 0 && t->findings[i].role_group_id == role_group_id)
            return;
    PUSH(t->findings, t->n_findings, f);
}

void pl_task_outcome(struct task *t, const struct pl_intent *in)
{
    PUSH(t->done, t->n_done, *in);
    if (in->outcome == PL_OUT_NOT_DONE && (in->op == PL_OP_LOCK || in->op == PL_OP_CLOSE))
        pl_acks_not_done(t->dir->acks);
}

/* ---- settle ---- */

/* A membership is as it should be again. */
static bool answers(const struct pl_intent *done, const struct pl_finding_cmd *f)
{
    return done->put_back && done->outcome == PL_OUT_DONE && f->role_group_id > 0 &&
           done->role_group_id == f->role_group_id;
}

/* That somebody opened it is over when it is seen locked, or is wanted open; and not because it is still open. */
static bool closed_again(const struct task *t)
{
    return t->p.need == PL_NEED_OPEN || !t->entry || t->seen == PL_SEEN_LOCKED || t->seen == PL_SEEN_ENDED;
}

/* `*`, and the drift that this task has put back: found, told, and over. */
static const struct pl_finding_cmd *put_back(struct task *t, const struct pl_finding_cmd *all_others, size_t *n)
{
    struct pl_finding_cmd *out = pl_arena_array(t->dir->e->out, t->n_findings + 2, sizeof *out);
    out[0] = *all_others;
    *n = 1;
    if (closed_again(t))
        out[(*n)++] = (struct pl_finding_cmd){
            .kind = "opened_by_hand", .severity = "warning", .key = key_of(t, t->dir->e->out, 0), .text = {"", 0}};
    for (size_t i = 0; i < t->n_findings; i++)
        for (size_t k = 0; k < t->n_done; k++)
            if (answers(&t->done[k], &t->findings[i])) {
                out[(*n)++] = t->findings[i];
                break;
            }
    return out;
}

void pl_task_settle(struct task *t)
{
    struct pl_engine *e = t->dir->e;
    if (t->early_out) {
        t->phase = PH_LATE;
        return;
    }
    pl_early_close(t);
    if (t->pair->open_tasks > 1 && t->pair->sent + 1 == t->pair->open_tasks) {
        t->pair->last = t; /* a failed SETTLE of another account must still find the dirty rows there */
        t->phase = PH_LAST;
        return;
    }
    t->pair->sent++;
    struct pl_settle *s = pl_arena_alloc(e->out, sizeof *s);
    bool last = t->pair->open_tasks == 1;
    bool clean = t->trouble == NULL;
    if (!clean || t->again)
        t->pair->trouble = true;
    *s = (struct pl_settle){.person_id = t->p.person_id,
                            .directory = t->dir->conf.name,
                            .purpose = t->p.purpose,
                            .account_id = t->p.account_id,
                            .was = t->p.state,
                            .state = t->state,
                            .row = t->state_row,
                            .sentence = pl_str_c(t->sentence ? t->sentence : ""),
                            .intents = t->done,
                            .n_intents = t->n_done,
                            .memberships = t->facts,
                            .n_memberships = t->n_facts,
                            .findings = t->findings,
                            .n_findings = t->n_findings,
                            .changed_at_us = t->p.since_us,
                            .locked_at_us = t->locked_at_us,
                            .out_at_us = t->out_at_us};
    char room[PL_NATIVE_ROOM];
    if (t->entry) {
        s->lock_seen = t->seen == PL_SEEN_LOCKED || t->seen == PL_SEEN_ENDED;
        s->native_id = pl_arena_str(e->out, pl_dialect_native_id(t->dir->dialect, t->entry, room));
        s->dn = t->entry->dn;
    }
    static const struct pl_finding_cmd all_others = {.kind = "*", .severity = "info", .key = {"*", 1}, .text = {"", 0}};
    if (clean) { /* everything was read: what is not found any more is over */
        s->resolved = put_back(t, &all_others, &s->n_resolved);
    }
    if (last) {
        s->seqs = t->pair->seqs;
        s->n_seqs = t->pair->n_seqs;
        if (t->pair->trouble) {
            s->retry_after_us = t->again && clean ? AGAIN_US : pl_e_retry_delay(e, t->p.person_id, t->dir);
            s->retry_reason = pl_str_c(!clean ? t->trouble : t->trouble_later ? t->trouble_later : "again");
            pl_e_wake(t->dir, e->now + s->retry_after_us + 1000);
        } else {
            pl_e_retry_clear(e, t->p.person_id, t->dir);
        }
    }
    t->phase = PH_SETTLE;
    struct pl_command *c = pl_e_emit(e, PL_CMD_SETTLE, t->dir);
    c->settle = s;
    pl_e_request(e, c, OWN_TASK_STORE, t, NULL, PH_SETTLE);
}

/* Nothing is concluded from this look: state and memberships stay what they were. */
void pl_task_fail(struct task *t, const char *why)
{
    t->trouble = why;
    t->entry = NULL;
    if (t->batch->class == PL_LOAD_PREVIEW) {
        pl_batch_task_end(t);
        return;
    }
    pl_task_settle(t);
}

/* ---- the beginning ---- */

/* A write whose task is gone (the store went away under it) is still on its way: what is read now says nothing yet. */
static bool still_writing(struct task *t)
{
    struct dir *d = t->dir;
    for (size_t i = 0; i < t->n_open_intents; i++) {
        const struct pl_row_intent *in = &t->open_intents[i];
        const struct group *g = in->role_group_id ? pl_group_by_id(t->batch, d, in->role_group_id) : NULL;
        struct pl_str dn =
            in->op == PL_OP_CREATE || t->p.dn.len == 0 ? pl_render(t->arena, d->conf.rdn_template, t, true) : t->p.dn;
        if (pl_target_busy(d, g ? g->dn_hash : pl_dn_hash(dn)))
            return true;
    }
    return false;
}

void pl_task_start(struct task *t)
{
    t->look_arena = pl_arena_new();
    if ((int64_t)t->wanted_rows != t->p.n_members) {
        pl_e_log(t->dir->e, 3, t->dir, "person %lld: rows of wanted memberships are missing; nothing is concluded",
                 (long long)t->p.person_id);
        pl_task_fail(t, "rows of wanted memberships were missing");
        return;
    }
    if (still_writing(t))
        pl_task_fail(t, "a write of before is still on its way");
    else if (t->p.account_id == 0)
        pl_look_find(t);
    else {
        pl_look_begin(t);
        pl_early_ask(t);
    }
}

/* ---- after a read ---- */

static bool same_op(const struct op *a, const struct op *b)
{
    return a->op == b->op && a->role_group_id == b->role_group_id;
}

/* In later rounds only what the brake has seen may lock or remove; anything else waits for its own batch. */
static void keep_gated(struct task *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_ops; i++) {
        struct op *o = &t->ops[i];
        o->allowed = !o->counted || t->p.named;
        for (size_t k = 0; !o->allowed && k < t->n_gated_ops; k++)
            if (same_op(o, &t->gated_ops[k])) {
                o->allowed = t->gated_ops[k].allowed;
                o->judged = t->gated_ops[k].judged;
                o->lately = t->gated_ops[k].lately;
                break;
            } else if (k + 1 == t->n_gated_ops) {
                t->again = true;
            }
        if (t->n_gated_ops == 0 && !o->allowed)
            t->again = true;
        if (o->allowed)
            t->ops[n++] = *o;
    }
    t->n_ops = n;
}

/* Somebody wrote to the account between our look and our write: what we took away, or the version, was not there. The
 * later look has seen theirs, so the write goes again at once. */
bool pl_task_raced(int64_t role_group_id, int code)
{
    return role_group_id == 0 &&
           (code == LDAP_NO_SUCH_ATTRIBUTE || code == LDAP_TYPE_OR_VALUE_EXISTS || code == LDAP_ASSERTION_FAILED);
}

/* What is kept of an open account closes and opens nothing: refused once, it is told, and tried again when the person is
 * looked at for another reason, by the next full compare at the latest. A log that grows each minute helps nobody. */
bool pl_task_gives_up(const struct task *t, enum pl_op op, int code)
{
    enum pl_verdict v = code > 0 ? pl_result_verdict(PL_WRITE_ACCOUNT, code) : PL_VERDICT_VERIFY;
    return t->seen != PL_SEEN_ENDED && (op == PL_OP_KEEP || op == PL_OP_RENAME) &&
           (v == PL_VERDICT_DENIED || v == PL_VERDICT_PERMANENT);
}

/* Overtaken twice in one go is no chance any more: the server takes a value for another one, or somebody is at it. */
static bool overtaken_for_good(struct task *t, const struct op *o)
{
    const struct pl_intent *last = NULL;
    int n = 0;
    for (size_t k = 0; k < t->n_done; k++)
        if (t->done[k].op == o->op && t->done[k].outcome == PL_OUT_FAILED &&
            pl_task_raced(t->done[k].role_group_id, t->done[k].code)) {
            last = &t->done[k];
            n++;
        }
    if (n < KEPT_TRIES || t->seen == PL_SEEN_ENDED || (o->op != PL_OP_KEEP && o->op != PL_OP_RENAME))
        return false;
    pl_task_finding(t, "write_failed", "warning", 0,
                    pl_arena_printf(t->arena, "%s of %.*s (%.*s) failed %d times with result %d: %s", pl_op_name(o->op),
                                    (int)t->p.login.len, t->p.login.s, (int)t->p.dn.len, t->p.dn.s, n, last->code,
                                    pl_result_sentence(PL_WRITE_ACCOUNT, last->code)));
    return true;
}

/* What was tried in this task and did not show is not tried again at once. */
static void drop_tried(struct task *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_ops; i++) {
        bool tried = false, gives_up = false;
        for (size_t k = 0; k < t->n_done && !tried; k++) {
            tried = t->done[k].outcome != PL_OUT_DONE && t->done[k].op == t->ops[i].op && t->done[k].at_us > 0 &&
                    !pl_task_raced(t->done[k].role_group_id, t->done[k].code) &&
                    t->done[k].role_group_id == t->ops[i].role_group_id;
            gives_up = tried && pl_task_gives_up(t, t->done[k].op, t->done[k].code);
        }
        if (!tried && overtaken_for_good(t, &t->ops[i]))
            continue;
        if (tried && !gives_up)
            t->trouble_later = "a write did not show in the directory";
        if (!tried)
            t->ops[n++] = t->ops[i];
    }
    t->n_ops = n;
}

/* For all operations that have none. */
static void ask_intents(struct task *t)
{
    struct pl_engine *e = t->dir->e;
    struct pl_intent *items = pl_arena_array(e->out, t->n_ops, sizeof *items);
    size_t n = 0;
    for (size_t i = 0; i < t->n_ops; i++)
        if (t->ops[i].intent_id == 0)
            items[n++] = (struct pl_intent){.account_id = t->p.account_id,
                                            .role_group_id = t->ops[i].role_group_id,
                                            .op = t->ops[i].op,
                                            .row = t->ops[i].row,
                                            .put_back = t->ops[i].put_back,
                                            .ends_us = t->ops[i].ends_us,
                                            .counted = t->ops[i].judged || t->ops[i].lately};
    struct pl_command *c = pl_e_emit(e, PL_CMD_INTENTS, t->dir);
    c->intents.person_id = t->p.person_id;
    c->intents.purpose = t->p.purpose;
    c->intents.items = items;
    c->intents.n = n;
    pl_e_request(e, c, OWN_TASK_STORE, t, NULL, PH_INTENTS);
}

static void write_or_settle(struct task *t)
{
    if (t->n_ops > 0 && t->round >= PL_ROUNDS_MAX) {
        t->again = true;
        t->n_ops = 0;
    }
    if (t->n_ops == 0) {
        if (t->trouble_later && !t->trouble) {
            t->again = false;
            t->pair->trouble = true;
        }
        pl_task_settle(t);
        return;
    }
    if (t->early_out & EARLY_LOCK) {
        t->phase = PH_EARLY;
        return;
    }
    size_t missing = pl_early_use(t);
    bool account = !t->ops[0].group && t->ops[0].intent_id; /* its groups' intents may come while it is written */
    if (t->early_out && !account) {
        t->phase = PH_EARLY;
        return;
    }
    pl_early_close(t);
    if (missing == 0 || t->early_out) {
        t->phase = PH_WRITE;
        pl_exec_round(t);
        return;
    }
    t->phase = PH_INTENTS;
    ask_intents(t);
}

static void planned(struct task *t)
{
    pl_plan_drop_unwritable(t);
    if (!t->gated) {
        t->gated = true;
        t->phase = PH_GATE;
        pl_batch_planned(t);
        return;
    }
    keep_gated(t);
    drop_tried(t);
    write_or_settle(t);
}

void pl_task_looked(struct task *t)
{
    pl_plan_settle_open_intents(t);
    pl_plan_make(t);
    if (pl_plan_shapes(t))
        t->phase = PH_SHAPES;
    else
        planned(t);
}

void pl_task_release(struct task *t)
{
    if (t->trouble) {
        pl_task_fail(t, t->trouble);
        return;
    }
    t->gated_ops = pl_arena_array(t->arena, t->n_ops, sizeof *t->gated_ops);
    t->n_gated_ops = t->n_ops;
    if (t->n_ops)
        memcpy(t->gated_ops, t->ops, t->n_ops * sizeof *t->ops);
    size_t n = 0;
    for (size_t i = 0; i < t->n_ops; i++)
        if (t->ops[i].allowed)
            t->ops[n++] = t->ops[i];
    t->n_ops = n;
    write_or_settle(t);
}

void pl_task_written(struct task *t)
{
    t->round++;
    pl_look_begin(t);
}

/* ---- answers ---- */

/* Nothing was stored: what has no intent is not written. While the account itself is written its groups stay as they
 * are and are planned again after the next look; otherwise the task ends here. */
static void not_intended(struct task *t)
{
    if (t->phase == PH_WRITE) {
        pl_exec_skip(t);
        return;
    }
    for (size_t i = 0; i < t->n_ops; i++) { /* those that went ahead of the plan were not written either */
        struct pl_intent in = {.account_id = t->p.account_id,
                               .role_group_id = t->ops[i].role_group_id,
                               .op = t->ops[i].op,
                               .intent_id = t->ops[i].intent_id,
                               .outcome = PL_OUT_NOT_DONE};
        if (in.intent_id)
            pl_task_outcome(t, &in);
    }
    pl_task_fail(t, "the intents could not be stored");
}

static void intended(struct task *t, const struct pl_event *ev)
{
    size_t missing = 0;
    for (size_t i = 0; i < t->n_ops; i++)
        missing += t->ops[i].intent_id == 0;
    if (ev->failed || ev->intended.n != missing) {
        not_intended(t);
        return;
    }
    for (size_t i = 0, n = 0; i < t->n_ops; i++) {
        if (t->ops[i].intent_id != 0)
            continue;
        t->ops[i].intent_id = ev->intended.ids[n++];
    }
    if (t->phase == PH_WRITE) {
        pl_exec_more(t);
        return;
    }
    t->phase = PH_WRITE;
    pl_exec_round(t);
}

/* The intents that went ahead: what waits for them goes on. */
static void early(struct task *t, int tag, const struct pl_event *ev)
{
    pl_early_answer(t, tag, ev);
    if (t->phase == PH_EARLY) {
        write_or_settle(t);
    } else if (t->phase == PH_LATE) {
        pl_task_settle(t);
    } else if (t->phase == PH_WRITE) {
        size_t missing = pl_early_use(t);
        pl_early_close(t);
        if (missing > 0)
            ask_intents(t);
        else
            pl_exec_more(t);
    }
}

static void reserved(struct task *t, const struct pl_event *ev)
{
    if (ev->failed) {
        pl_task_fail(t, "the log-in could not be reserved");
        return;
    }
    if (ev->reserved.login.len == 0) {
        t->candidate_from += PL_CANDIDATES;
        if (t->candidate_from > 900)
            pl_task_fail(t, "no log-in is free");
        else
            pl_look_find(t);
        return;
    }
    t->p.account_id = ev->reserved.account_id;
    t->p.login = pl_arena_str(t->arena, ev->reserved.login);
    pl_look_begin(t);
}

/* There is something to take away, as far as the store knows by this settle. */
static bool is_away(const struct task *t)
{
    bool on = t->state == PL_STATE_OPEN || t->state == PL_STATE_OPENING || t->state == PL_STATE_LOCKING ||
              t->state == PL_STATE_CLOSING;
    for (size_t i = 0; i < t->n_facts; i++)
        for (size_t k = 0; t->facts[i].present && k < t->n_members; k++)
            if (t->members[k].row.role_group_id == t->facts[i].role_group_id && !t->members[k].row.wanted)
                return true;
    return on && t->p.need != PL_NEED_OPEN;
}

/* What was settled can move rows of the queue that came meanwhile to the leavers', or bring new ones. */
static void look_again(struct task *t)
{
    if (t->batch->class == PL_LOAD_BULK && is_away(t))
        t->dir->want[PL_LOAD_URGENT] = true;
    if (t->state == PL_STATE_OUT)
        pl_acks_out(t->dir->acks);
}

void pl_task_reply(struct task *t, const struct request *r, const struct pl_event *ev)
{
    if (r->kind == OWN_TASK_LOOK) {
        if (ev->kind == PL_EV_ENTRY) {
            pl_look_entry(t, r->tag, ev->entry);
            return;
        }
        pl_look_result(t, r->tag, ev->result.code, ev->result.complete);
        return;
    }
    if (r->kind == OWN_TASK_EARLY) {
        early(t, r->tag, ev);
    } else if (r->tag == PH_SETTLE) {
        t->pair->sent--;
        if (ev->failed)
            t->pair->trouble = true;
        if (ev->failed) /* the dirty rows are still there: they bring the person back */
            pl_e_wake(t->dir, t->dir->e->now + pl_e_retry_delay(t->dir->e, t->p.person_id, t->dir));
        else
            look_again(t);
        if (!ev->failed && !t->trouble && t->entry)
            pl_drift_told(t);
        pl_batch_task_end(t);
    } else if (r->tag == PH_INTENTS) {
        intended(t, ev);
    } else if (r->tag == PH_RESERVE) {
        reserved(t, ev);
    }
}

void pl_task_shapes_known(struct task *t)
{
    planned(t);
}

void pl_task_free(struct task *t)
{
    pl_exec_abandon(t);
    pl_e_forget(t->dir->e, t);
    free(t->members);
    free(t->open_intents);
    free(t->items);
    free(t->done);
    free(t->findings);
    free(t->facts);
    free(t->former);
    pl_arena_free(t->look_arena);
    pl_arena_free(t->arena);
    free(t);
}
