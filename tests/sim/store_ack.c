/* ACKED and UNACKED, and the triggers beside them (sql/migrations, "which server has which lock"). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store.h"

enum { NOT_ANSWERED = -100, CLOSES_AN_HOUR = 4 };

static bool is_lock(enum pl_op op)
{
    return op == PL_OP_LOCK || op == PL_OP_CLOSE;
}

void store_owe(struct store *s, size_t intent, enum pl_op op, int account)
{
    int dir = s->accounts[account].dir;
    for (int k = 0; k < s->n_servers[dir] && is_lock(op) && s->n_servers[dir] > 1; k++) {
        if (s->n_owed == s->cap_owed) {
            s->cap_owed = s->cap_owed ? s->cap_owed * 2 : 64;
            s->owed = pl_xrealloc_array(s->owed, s->cap_owed, sizeof *s->owed);
        }
        s->owed[s->n_owed++] = (struct owed){
            .account = account, .intent = intent, .server = k, .code = NOT_ANSWERED, .password_gone = op == PL_OP_LOCK};
    }
}

static struct owed *find(struct store *s, int64_t intent, struct pl_str server)
{
    for (size_t i = 0; i < s->n_owed; i++) {
        struct owed *o = &s->owed[i];
        if ((int64_t)o->intent == intent && pl_str_eq(server, s->servers[s->accounts[o->account].dir][o->server]))
            return o;
    }
    return NULL;
}

void store_did(struct store *s, int64_t intent, struct pl_str server)
{
    struct owed *o = find(s, intent, server);
    if (o)
        o->did = true;
}

/* ---- closing once more ---- */

static bool again(const struct store *s, int account)
{
    size_t last = 0;
    bool found = false;
    for (size_t i = 0; i < s->n_owed; i++)
        if (s->owed[i].account == account && s->owed[i].intent >= last) {
            const struct owed *o = &s->owed[i];
            found = (o->close_again && o->acked) || (found && o->intent == last);
            last = s->owed[i].intent;
        }
    return found;
}

static int closes(const struct store *s, int account, int64_t since)
{
    int n = 0;
    for (size_t i = 0; i < s->n_intents; i++)
        n += s->intents[i].account == account && s->intents[i].op == PL_OP_CLOSE && s->intents[i].at_us > since;
    return n;
}

void store_close_again(struct store *s, int account, int64_t now)
{
    struct account *a = &s->accounts[account];
    if (a->state != PL_STATE_OUT || !again(s, account))
        return;
    bool often = closes(s, account, now - US_HOUR) >= CLOSES_AN_HOUR;
    a->state = PL_STATE_LOCKING;
    store_mark(s, a->dir, a->person, "close_again", often ? now + US_HOUR : 0, store_begin(s));
}

/* Locks of this account that the server never answered, this one or before it: they count as seen too. When this one was only
 * seen, those before it that were done there without the password after them are over as well. */
static bool done_late(struct store *s, const struct owed *now, bool seen)
{
    bool found = false;
    for (size_t i = 0; i < s->n_owed; i++) {
        struct owed *o = &s->owed[i];
        if (o->account == now->account && o->server == now->server && o->intent <= now->intent && !o->acked &&
            (o->code == NOT_ANSWERED || o->code == PL_RESULT_UNKNOWN))
            o->acked = o->seen = found = true;
        else if (seen && o->account == now->account && o->server == now->server && o->intent < now->intent &&
                 o->code == 0 && !o->password_gone && !o->close_again)
            o->close_again = found = true;
    }
    return found;
}

/* The mark stands beside the last lock of the account: only a close that begins after this undoes it. */
static void may_be_back(struct store *s, const struct owed *o)
{
    struct owed *last = NULL;
    size_t newest = 0;
    for (size_t i = 0; i < s->n_owed; i++) {
        struct owed *x = &s->owed[i];
        if (x->account != o->account || x->intent < newest)
            continue;
        if (x->intent > newest)
            last = NULL;
        newest = x->intent;
        last = x->server == o->server ? x : last;
    }
    if (last)
        last->close_again = true;
}

bool store_acked(struct store *s, int dir, const struct pl_command *c, int64_t now)
{
    bool true_all = true;
    (void)dir;
    for (size_t i = 0; i < c->acked.n; i++) {
        const struct pl_ack *k = &c->acked.items[i];
        struct owed *o = find(s, k->intent_id, k->server);
        if (!o)
            continue;
        if (k->after && !o->password_gone && (o->code == NOT_ANSWERED || o->code == 0)) {
            o->password_gone = k->code == 0;
            o->close_again |= k->code != 0;
            if (k->code != 0)
                may_be_back(s, o);
        } else if (!k->after && !o->seen && (!o->acked || (k->seen && !o->password_gone))) {
            bool was = o->acked;
            true_all = true_all && (k->seen || k->code != 0 || o->did);
            o->code = k->seen ? o->code : k->code;
            o->password_gone |= k->whole;
            if (k->seen || k->code == 0) {
                bool late = done_late(s, o, k->seen);
                o->close_again |= k->seen && (was || late);
            }
            o->acked = was || k->seen || k->code == 0;
            o->seen = k->seen;
            if (o->close_again)
                may_be_back(s, o);
        }
        store_close_again(s, o->account, now);
    }
    return true_all;
}

/* ---- what is looked for ---- */

static bool counts(const struct store *s, const struct owed *o, int64_t before)
{
    const struct account *a = &s->accounts[o->account];
    const struct intent *mine = &s->intents[o->intent - 1];
    for (size_t i = o->intent; i < s->n_intents; i++) {
        const struct intent *n = &s->intents[i];
        if (n->account == o->account && (is_lock(n->op) || n->op == PL_OP_OPEN) && n->outcome != PL_OUT_NOT_DONE)
            return false;
    }
    return !o->seen && (!o->acked || !(o->password_gone || o->close_again)) &&
           ((int64_t)o->intent < before || (!o->acked && o->code != NOT_ANSWERED)) &&
           mine->outcome != PL_OUT_NOT_DONE &&
           (mine->outcome < 0 || a->state == PL_STATE_READY || a->state == PL_STATE_LOCKING ||
            a->state == PL_STATE_CLOSING || a->state == PL_STATE_PAUSED || a->state == PL_STATE_OUT);
}

const struct owed *store_owes(const struct store *s, int dir, size_t *from)
{
    while (*from < s->n_owed) {
        const struct owed *o = &s->owed[(*from)++];
        if (s->accounts[o->account].dir == dir && counts(s, o, INT64_MAX))
            return o;
    }
    return NULL;
}

static struct pl_str number(struct pl_arena *a, int64_t n)
{
    return pl_arena_printf(a, "%lld", (long long)n);
}

void store_unacked(struct store *s, int dir, const struct pl_command *c, struct rows *out)
{
    for (size_t i = 0; i < s->n_owed; i++) {
        const struct owed *o = &s->owed[i];
        const struct account *a = &s->accounts[o->account];
        bool asked = false;
        for (size_t k = 0; k < c->unacked.n; k++)
            asked = asked || (a->dir == dir && pl_str_eq(c->unacked.servers[k], s->servers[dir][o->server]));
        if (!asked || !counts(s, o, c->unacked.before))
            continue;
        if (out->n == out->cap) {
            out->cap = out->cap ? out->cap * 2 : 32;
            out->v = pl_xrealloc_array(out->v, out->cap, sizeof *out->v);
        }
        struct row *r = &out->v[out->n++];
        r->cols = pl_arena_array(out->a, 4, sizeof *r->cols);
        r->n = 4;
        r->cols[0] = number(out->a, o->account + 1);
        r->cols[1] = number(out->a, (int64_t)o->intent);
        r->cols[2] = s->servers[dir][o->server];
        r->cols[3] = pl_arena_str(out->a, pl_str_c(a->native_id));
    }
}
