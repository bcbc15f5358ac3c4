/* The writes of one round. First the account's own entry, then its groups, side by side. Never two writes in flight to
 * one entry: servers do not keep their order. */
#include "priv.h"

#include <stdlib.h>
#include <string.h>
#include "../directory/dn.h"
#include "../directory/filter.h"

enum { LDAP_NO_SUCH_ATTRIBUTE = 16, LDAP_NO_SUCH_OBJECT = 32, LDAP_DENIED = 50, MATES_MAX = 500 };

static void send_op(struct op *o);

/* ---- one write in flight per entry ---- */

static struct target *target_of(struct dir *d, uint64_t hash)
{
    struct target **slot = &d->targets[hash % PL_TARGET_SLOTS], *t = *slot;
    while (t && t->hash != hash)
        t = t->next;
    if (!t) {
        t = pl_xcalloc(1, sizeof *t);
        t->hash = hash;
        t->next = *slot;
        *slot = t;
    }
    return t;
}

bool pl_target_busy(const struct dir *d, uint64_t hash)
{
    for (const struct target *t = d->targets[hash % PL_TARGET_SLOTS]; t; t = t->next)
        if (t->hash == hash)
            return t->busy;
    return false;
}

static void target_remove(struct dir *d, struct target *t)
{
    for (struct target **at = &d->targets[t->hash % PL_TARGET_SLOTS]; *at; at = &(*at)->next)
        if (*at == t) {
            *at = t->next;
            free(t);
            return;
        }
}

/* One value of one attribute, and nothing else. */
static bool may_travel(const struct op *o)
{
    return o->group && !o->alone && !o->with_placeholder && o->n_steps == 1 && o->steps[0].n_mods == 1;
}

/* Members of one group that wait to be added, or to be removed, go in one Modify: a list of leavers costs a group one
 * write and not one a leaver. When it is refused each goes by itself, so that one person's trouble stays theirs. */
static void take_mates(struct target *t, struct op *o)
{
    struct op **at = &t->head, *last = NULL, **end = &o->mates;
    for (int n = 1; *at && may_travel(o) && n < MATES_MAX;) {
        struct op *x = *at;
        if (!may_travel(x) || x->op != o->op || !pl_str_eq(x->steps[0].mods[0].attr, o->steps[0].mods[0].attr)) {
            last = x;
            at = &x->next_waiting;
            continue;
        }
        *at = x->next_waiting;
        x->next_waiting = NULL;
        x->sent = x->is_mate = true;
        *end = x;
        end = &x->mates;
        n++;
    }
    t->tail = t->head ? t->tail : NULL;
    if (t->tail && t->tail->is_mate)
        t->tail = last;
}

static void target_free_entry(struct dir *d, struct target *t)
{
    t->busy = false;
    struct op *o = t->head;
    if (!o) {
        target_remove(d, t);
        return;
    }
    t->head = o->next_waiting;
    if (!t->head)
        t->tail = NULL;
    o->next_waiting = NULL;
    t->busy = true;
    take_mates(t, o);
    send_op(o);
}

static void enqueue(struct op *o)
{
    struct target *t = target_of(o->task->dir, o->target);
    if (!t->busy) {
        t->busy = true;
        send_op(o);
        return;
    }
    if (t->tail)
        t->tail->next_waiting = o;
    else
        t->head = o;
    t->tail = o;
}

void pl_exec_targets_free(struct dir *d)
{
    for (size_t i = 0; i < PL_TARGET_SLOTS; i++)
        while (d->targets[i]) {
            struct target *t = d->targets[i];
            d->targets[i] = t->next;
            free(t);
        }
}

static void unlink_waiting(struct dir *d, struct op *o)
{
    struct target *t = target_of(d, o->target);
    struct op *prev = NULL;
    for (struct op *x = t->head; x; prev = x, x = x->next_waiting)
        if (x == o) {
            if (prev)
                prev->next_waiting = x->next_waiting;
            else
                t->head = x->next_waiting;
            if (t->tail == x)
                t->tail = prev;
            return;
        }
}

void pl_exec_abandon(struct task *t)
{
    struct pl_engine *e = t->dir->e;
    for (size_t i = 0; t->phase == PH_WRITE && i < t->n_ops; i++) {
        struct op *o = &t->ops[i];
        if (!o->begun || o->ended)
            continue;
        if (!o->sent) {
            unlink_waiting(t->dir, o);
            continue;
        }
        if ((o->op == PL_OP_LOCK || o->op == PL_OP_CLOSE) && o->steps[o->step].stage == 0)
            pl_acks_in_use(o, PL_RESULT_UNKNOWN); /* no answer is to come: it is looked for */
        for (size_t k = 0; k < e->n_requests; k++)
            if (e->requests[k].req && e->requests[k].owner == o) {
                e->requests[k].kind = OWN_LOST_WRITE;
                e->requests[k].owner = target_of(t->dir, o->target);
            }
    }
}

void pl_exec_lost_result(struct target *target, struct dir *d)
{
    struct shape *group = pl_shape(d, target->hash, false);
    if (group)
        pl_drift_wrote(group);
    target_free_entry(d, target);
}

/* ---- sending ---- */

static void add_entry(struct op *o)
{
    struct task *t = o->task;
    struct dir *d = t->dir;
    struct pl_engine *e = d->e;
    size_t n = 0;
    struct pl_attr *attrs = pl_arena_array(e->out, d->conf.n_templates + 8, sizeof *attrs);
    for (size_t i = 0; i < d->conf.n_templates; i++) {
        const struct pl_template *tpl = &d->conf.templates[i];
        struct pl_str value = pl_str_ieq(tpl->attr, d->conf.number_attr) ? pl_look_number(t, e->out)
                                                                         : pl_render(e->out, tpl->text, t, false);
        if (value.len == 0)
            continue; /* an attribute without a value is left out */
        size_t k = 0;
        while (k < n && !pl_str_ieq(attrs[k].name, tpl->attr))
            k++;
        if (k == n) {
            attrs[n].name = tpl->attr;
            attrs[n++].values = pl_arena_array(e->out, d->conf.n_templates, sizeof *attrs[0].values);
        }
        attrs[k].values[attrs[k].n++] = value;
    }
    struct pl_attr born[4];
    size_t n_born = d->dialect->born_locked(e->out, e->now, born);
    for (size_t i = 0; i < n_born; i++)
        attrs[n++] = born[i];
    struct pl_command *c = pl_e_emit(e, PL_CMD_ADD, d);
    c->add.channel = t->batch->class == PL_LOAD_URGENT ? PL_CH_URGENT : PL_CH_BULK;
    c->add.dn = t->new_dn;
    c->add.attrs = attrs;
    c->add.n = n;
    c->add.tell_version = d->post_read && d->watchable ? d->dialect->echo_attrs : NULL;
    pl_e_request(e, c, OWN_WRITE, o, d, 0);
}

/* The entry must still be the one that was read: its id, and for what does not lock its very version. */
static struct pl_str assertion(struct op *o)
{
    struct task *t = o->task;
    struct dir *d = t->dir;
    char room[PL_NATIVE_ROOM];
    struct pl_str id = pl_dialect_native_id(d->dialect, t->entry, room), none = {"", 0};
    struct pl_str seen = d->dialect->version_attr ? pl_entry_first(t->entry, d->dialect->version_attr) : none;
    if (!d->assertion || id.len == 0)
        return (struct pl_str){"", 0};
    struct pl_buf b = {0};
    bool version = (o->op == PL_OP_OPEN || o->op == PL_OP_KEEP) && seen.len > 0;
    if (version)
        pl_buf_add_c(&b, "(&");
    pl_dialect_native_filter(d->dialect, &b, id);
    if (version) {
        pl_filter_equal(&b, d->dialect->version_attr, seen);
        pl_buf_add_c(&b, ")");
    }
    struct pl_str out = pl_arena_str(d->e->out, pl_buf_str(&b));
    pl_buf_free(&b);
    return out;
}

/* The values of all that travel, in place of the one; and the placeholder when the group would be empty without it. */
static void gather(struct op *o)
{
    struct pl_arena *a = o->task->arena;
    struct pl_step *s = &o->steps[0];
    size_t n = 0;
    for (struct op *x = o; x; x = x->mates)
        n++;
    struct pl_str *values = pl_arena_array(a, n, sizeof *values);
    n = 0;
    for (struct op *x = o; x; x = x->mates)
        values[n++] = pl_arena_str(a, x == o ? s->mods[0].values[0] : x->steps[0].mods[0].values[0]);
    s->mods[0].values = values;
    s->mods[0].n = n;
}

static void send_op(struct op *o)
{
    struct task *t = o->task;
    struct dir *d = t->dir;
    o->sent = true;
    if (o->op == PL_OP_CREATE) {
        add_entry(o);
        return;
    }
    struct pl_command *c = pl_e_emit(d->e, PL_CMD_MODIFY, d);
    if (o->mates && o->steps[0].mods[0].n == 1)
        gather(o);
    c->modify.channel = t->batch->class == PL_LOAD_URGENT ? PL_CH_URGENT : PL_CH_BULK;
    c->modify.dn = o->group ? o->group_dn : t->entry->dn;
    c->modify.mods = o->steps[o->step].mods;
    c->modify.n = o->steps[o->step].n_mods;
    c->modify.tell_version = d->post_read && d->watchable ? d->dialect->echo_attrs : NULL;
    if (!o->group)
        c->modify.assertion = assertion(o);
    if ((o->op == PL_OP_LOCK || o->op == PL_OP_CLOSE) && pl_acks_everywhere(d->acks, o->intent_id)) {
        /* The password too: a server may replicate whole entries, and the newest one must not be one with the old one. */
        c->modify.everywhere.on = true;
        c->modify.everywhere.after = o->steps[o->step].stage > 0;
        c->modify.everywhere.account_id = t->p.account_id;
        c->modify.everywhere.intent_id = o->intent_id;
    }
    if (o->steps[o->step].secret != PL_SECRET_NONE) {
        c->modify.secret = o->steps[o->step].secret;
        c->modify.password_attr = d->dialect->password_attr;
        c->modify.password_form = d->dialect->password_form;
        c->modify.login = t->p.login;
    }
    pl_e_request(d->e, c, OWN_WRITE, o, d, 0);
}

static struct pl_str member_value(const struct op *o, enum pl_group_shape shape)
{
    return shape == PL_GROUP_POSIX ? o->task->p.login : o->task->entry->dn;
}

static void group_step(struct op *o)
{
    struct dir *d = o->task->dir;
    struct shape *s = pl_shape(d, o->group->dn_hash, true);
    struct pl_str none = {"", 0}, ph = d->conf.placeholder_dn;
    bool with = o->with_placeholder && s->shape != PL_GROUP_POSIX;
    pl_drift_wrote(s);
    if (o->op == PL_OP_ADD_MEMBER)
        pl_group_add(o->task->arena, s->shape, member_value(o, s->shape), with ? ph : none, &o->steps[0]);
    else
        pl_group_remove(o->task->arena, s->shape, member_value(o, s->shape), with ? ph : none, &o->steps[0]);
    o->n_steps = 1;
    o->step = 0;
}

size_t pl_exec_steps(struct task *t, enum pl_op op, struct pl_arena *a, struct pl_step out[PL_STEPS_MAX])
{
    const struct pl_dir_conf *c = &t->dir->conf;
    struct pl_change_in in = {.arena = a,
                              .entry = t->entry,
                              .now_us = t->dir->e->now,
                              .fence_attr = c->fence_attr.len ? c->fence_attr.s : NULL,
                              .must_change = c->must_change_password,
                              .clear_certificates = c->clear_certificates};
    if (op == PL_OP_RENAME)
        return pl_rename_steps(t, a, out);
    if (op == PL_OP_KEEP) {
        in.end_us = t->keep_end;
        return pl_dialect_change(t->dir->dialect, PL_CHANGE_KEEP, &in, out);
    }
    if (op != PL_OP_OPEN)
        return pl_dialect_change(t->dir->dialect, op == PL_OP_CLOSE ? PL_CHANGE_CLOSE : PL_CHANGE_LOCK, &in, out);
    /* After an absence the password is still its owner's; otherwise it is new or was made useless. */
    if (t->p.state != PL_STATE_PAUSED)
        in.opening = c->first_password_file ? PL_SECRET_FIRST : PL_SECRET_USELESS;
    if (t->seen == PL_SEEN_OPEN) { /* there is no lock to take away, and a password to give, or not */
        out[0] = (struct pl_step){.secret = PL_SECRET_FIRST};
        return in.opening == PL_SECRET_FIRST;
    }
    in.clear_end = pl_keep_is_over(t);
    return pl_dialect_change(t->dir->dialect, PL_CHANGE_OPEN, &in, out);
}

static void prepare(struct op *o)
{
    struct task *t = o->task;
    struct dir *d = t->dir;
    if (o->group) {
        o->target = o->group->dn_hash;
        o->with_placeholder =
            o->op == PL_OP_ADD_MEMBER && d->conf.placeholder_dn.len > 0 && pl_shape(d, o->target, true)->placeholder;
        group_step(o);
        return;
    }
    if (o->op == PL_OP_CREATE) {
        t->new_dn = pl_render(t->arena, d->conf.rdn_template, t, true);
        o->target = pl_dn_hash(t->new_dn);
        pl_fresh_add(d, o->target);
        return;
    }
    o->target = pl_dn_hash(t->entry->dn);
    o->n_steps = pl_exec_steps(t, o->op, t->arena, o->steps);
}

static void begin(struct op *o)
{
    o->begun = true;
    enqueue(o);
}

void pl_exec_round(struct task *t)
{
    bool account = t->n_ops > 0 && !t->ops[0].group;
    for (size_t i = 0; i < t->n_ops; i++)
        prepare(&t->ops[i]);
    if (account) { /* the account first: a leaver's lock waits for nothing */
        /* A close counts as one only when the password's answer was seen. An opening after an absence stays one until it
         * shows: the next try, too, must know that the password is its owner's. */
        if (t->ops[0].op == PL_OP_CLOSE)
            t->state = PL_STATE_LOCKING;
        else if (t->ops[0].op != PL_OP_OPEN || t->p.state != PL_STATE_PAUSED)
            t->state = t->life->next;
        t->state_row = t->life->id;
        t->sentence = t->life->sentence;
        begin(&t->ops[0]);
        return;
    }
    pl_exec_more(t);
}

void pl_exec_more(struct task *t)
{
    const struct op *account = t->ops[0].group ? NULL : &t->ops[0];
    for (size_t i = 0; i < t->n_ops && !(account && !account->ended); i++)
        if (!t->ops[i].begun && t->ops[i].intent_id)
            begin(&t->ops[i]);
}

static void all_ended(struct task *t)
{
    for (size_t i = 0; i < t->n_ops; i++)
        if (!t->ops[i].ended)
            return;
    pl_task_written(t);
}

void pl_exec_skip(struct task *t)
{
    for (size_t i = 0; i < t->n_ops; i++)
        if (t->ops[i].intent_id == 0)
            t->ops[i].begun = t->ops[i].ended = true;
    all_ended(t);
}

/* ---- answers ---- */

static bool listed(const int *codes, int code)
{
    for (; codes && *codes; codes++)
        if (*codes == code)
            return true;
    return false;
}

static enum pl_write_kind kind_of(const struct op *o)
{
    switch (o->op) {
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

static void ended(struct op *o)
{
    struct task *t = o->task;
    struct target *target = o->is_mate ? NULL : target_of(t->dir, o->target);
    o->ended = true;
    o->at_us = t->dir->e->now;
    if (!o->is_mate) /* the one that was sent frees the entry, last */
        target_free_entry(t->dir, target);
    pl_exec_more(t);
    all_ended(t);
}

/* Sends the next Modify of the same operation. The entry stays busy for it, so nothing comes in between. */
static void go_on(struct op *o)
{
    send_op(o);
}

/* The first step of the next stage; n_steps when there is none. */
static size_t next_stage(const struct op *o)
{
    size_t i = o->step;
    while (i < o->n_steps && o->steps[i].stage == o->steps[o->step].stage)
        i++;
    return i;
}

/* The steps after this one are sent though it was refused, and it is told. A lock stands: this is a later step, or somebody
 * else has locked what we may not write. Or none stands, and then a leaver's useless password is all that shuts them out. */
static bool goes_on_anyway(const struct op *o, int code)
{
    if (code <= 0 || (o->op != PL_OP_LOCK && o->op != PL_OP_CLOSE))
        return false;
    if (o->steps[o->step].stage > 0)
        return true;
    enum pl_verdict v = pl_result_verdict(kind_of(o), code);
    return (v == PL_VERDICT_DENIED || v == PL_VERDICT_PERMANENT) &&
           (o->op == PL_OP_CLOSE || o->task->seen == PL_SEEN_LOCKED || o->task->seen == PL_SEEN_ENDED);
}

static void account_result(struct op *o, int code, bool ok)
{
    const struct pl_step *step = &o->steps[o->step];
    bool locks = o->op == PL_OP_LOCK || o->op == PL_OP_CLOSE;
    size_t next = ok ? next_stage(o) : o->n_steps;
    if (o->op == PL_OP_CREATE)
        next = o->n_steps;
    else if (!ok && listed(step->next_on, code) && o->step + 1 < o->n_steps && step[1].stage == step->stage)
        next = o->step + 1;
    else if (!ok && goes_on_anyway(o, code)) {
        if (o->left == 0 && !step->extra) {
            o->left = o->step + 1;
            o->left_code = code;
        }
        next = next_stage(o);
    }
    if (o->op == PL_OP_CLOSE && step->stage > 0 && !step->extra) /* all of these count: a domain takes two passwords */
        o->useless = ok;
    if (locks && ok && step->stage == 0)
        o->task->locked_at_us = o->task->dir->e->now;
    /* Also where it was refused and somebody else's lock stands: a look tells then what this server has. */
    if (locks && step->stage == 0 && (ok || next == o->n_steps || o->steps[next].stage > 0))
        pl_acks_in_use(o, ok ? 0 : code);
    if (next < o->n_steps) {
        o->step = next;
        go_on(o);
        return;
    }
    if (o->left > 0) {
        ok = false;
        code = o->left_code;
    } else if (!ok && step->extra && goes_on_anyway(o, code)) {
        ok = true; /* nobody logs on by what is left, and the next look tells of it */
    }
    if (o->op == PL_OP_CLOSE && ((ok && step->stage > 0) || o->useless))
        o->task->state = PL_STATE_CLOSING;
    o->code = ok ? 0 : code;
    o->verdict = ok ? PL_VERDICT_DONE : pl_result_verdict(kind_of(o), code);
    ended(o);
}

static void group_result(struct op *o, int code, bool ok)
{
    struct dir *d = o->task->dir;
    struct shape *s = pl_shape(d, o->group->dn_hash, true);
    enum pl_verdict v = ok ? PL_VERDICT_DONE : pl_result_verdict(kind_of(o), code);
    pl_drift_wrote(s);
    if (o->op == PL_OP_REMOVE_MEMBER && v == PL_VERDICT_LAST_MEMBER && !o->with_placeholder &&
        d->conf.placeholder_dn.len > 0) {
        o->with_placeholder = true;
        group_step(o);
        go_on(o);
        return;
    }
    if (o->op == PL_OP_ADD_MEMBER && o->with_placeholder && code == LDAP_NO_SUCH_ATTRIBUTE) {
        o->with_placeholder = false; /* somebody took it out already */
        s->placeholder = false;
        group_step(o);
        go_on(o);
        return;
    }
    if (v == PL_VERDICT_DONE && o->with_placeholder)
        s->placeholder = o->op == PL_OP_REMOVE_MEMBER;
    if (code == LDAP_NO_SUCH_OBJECT || code == LDAP_DENIED) /* 389: gone with its rights */
        s->shape = PL_GROUP_UNKNOWN;
    o->code = v == PL_VERDICT_DONE ? 0 : code;
    o->verdict = v;
    ended(o);
}

/* Each by itself: to the front of the entry's queue, in their order. */
static void part(struct op *o)
{
    struct target *t = target_of(o->task->dir, o->target);
    struct op *mates = o->mates, **end = &mates;
    o->mates = NULL;
    o->alone = true;
    for (struct op *x = mates; x;) {
        struct op *next = x->mates;
        x->mates = NULL;
        x->is_mate = x->sent = false;
        x->alone = true;
        *end = x;
        end = &x->next_waiting;
        if (!next && !t->head)
            t->tail = x;
        x = next;
    }
    *end = t->head;
    t->head = mates;
    group_step(o);
    send_op(o);
}

static void together_result(struct op *o, int code)
{
    struct dir *d = o->task->dir;
    struct pl_str ph = d->conf.placeholder_dn;
    bool remove = o->op == PL_OP_REMOVE_MEMBER;
    if (remove && !o->with_placeholder && ph.len > 0 && pl_result_verdict(kind_of(o), code) == PL_VERDICT_LAST_MEMBER) {
        struct pl_mod *mods = pl_arena_array(o->task->arena, 2, sizeof *mods);
        struct pl_str *value = pl_arena_array(o->task->arena, 1, sizeof *value);
        *value = ph;
        mods[0] = o->steps[0].mods[0];
        mods[1] = (struct pl_mod){.kind = PL_MOD_ADD, .attr = mods[0].attr, .values = value, .n = 1};
        o->steps[0].mods = mods;
        o->steps[0].n_mods = 2;
        o->with_placeholder = true;
        send_op(o);
        return;
    }
    if (code != 0) {
        o->with_placeholder = false;
        part(o);
        return;
    }
    for (struct op *x = o->mates, *next; x; x = next) {
        next = x->mates;
        x->mates = NULL;
        group_result(x, 0, true);
    }
    o->mates = NULL;
    group_result(o, 0, true);
}

void pl_exec_result(struct op *o, int code)
{
    if (o->mates) {
        together_result(o, code);
        return;
    }
    bool ok = code == 0 || (o->n_steps > 0 && listed(o->steps[o->step].also, code));
    if (o->group)
        group_result(o, code, ok);
    else
        account_result(o, code, ok);
}
