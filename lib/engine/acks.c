/* Locks on every server of a directory. The server in use decides what becomes of an account; the others are sent the same
 * lock side by side with it, and nobody waits for them. What each said is gathered here and stored. A server that did not
 * take the lock (away, frozen, read-only, it had it already by replication) is looked at until it shows it: what is owed is
 * in the store, born with the intent, so that no crash forgets it. These looks write nothing. */
#include "priv.h"

#include <stdlib.h>
#include <string.h>

enum { TAG_STORE = 1, TAG_ROWS, TAG_LOOKS };
enum { SERVERS_MAX = 32, LOOKS_AT_ONCE = 8, WAITING_MAX = 10000, ROWS_MAX = 500 /* sql/queries/unacked.sql */ };
#define GATHER_US   100000 /* so long a first answer waits for the others: one commit for all */
#define LOOK_MIN_US 1000000
#define LOOK_MAX_US 300000000

struct news {
    struct pl_arena *arena; /* owns the names */
    struct pl_ack *v;
    size_t n;
};

struct missing { /* a lock that a server is not known to have */
    int64_t account_id, intent_id;
    struct pl_str server, native_id;
    bool locked, wait; /* wait: not before the next look */
};

struct acks {
    struct dir *d;
    struct pl_str in_use; /* malloced */
    bool several;
    struct pl_str others[SERVERS_MAX]; /* that are up; malloced */
    size_t n_others;
    int64_t first_intent;      /* the first that went everywhere in this life; INT64_MAX: none */
    int64_t asked_before;      /* what it was when the rows were asked for */
    struct news waiting, sent; /* sent: on its way to the store */
    bool storing;
    int64_t store_at_us;
    enum { LOOK_OFF, LOOK_ROWS, LOOK_ON } phase;
    struct pl_arena *arena; /* of the rows */
    struct missing *rows;
    size_t n_rows, next, open, unseen;
    bool want;
    int64_t look_at_us, delay_us;
};

/* ---- small parts ---- */

static struct pl_str keep(struct pl_str s)
{
    char *copy = pl_xcalloc(s.len + 1, 1);
    if (s.len)
        memcpy(copy, s.s, s.len);
    return (struct pl_str){copy, s.len};
}

static void drop(struct pl_str *s)
{
    free((void *)(uintptr_t)s->s);
    *s = (struct pl_str){NULL, 0};
}

static void news_clear(struct news *n)
{
    pl_arena_free(n->arena);
    free(n->v);
    *n = (struct news){.arena = pl_arena_new()};
}

static void look_at(struct acks *k, int64_t delay_us)
{
    k->want = true;
    k->delay_us = delay_us;
    k->look_at_us = k->d->e->now + delay_us;
}

struct acks *pl_acks_new(struct dir *d)
{
    struct acks *k = pl_xcalloc(1, sizeof *k);
    k->d = d;
    k->first_intent = INT64_MAX;
    k->arena = pl_arena_new();
    news_clear(&k->waiting);
    news_clear(&k->sent);
    return k;
}

void pl_acks_free(struct acks *k)
{
    if (!k)
        return;
    news_clear(&k->waiting);
    news_clear(&k->sent);
    pl_arena_free(k->waiting.arena);
    pl_arena_free(k->sent.arena);
    pl_arena_free(k->arena);
    free(k->rows);
    for (size_t i = 0; i < k->n_others; i++)
        drop(&k->others[i]);
    drop(&k->in_use);
    free(k);
}

/* ---- what is said ---- */

static void add(struct acks *k, const struct pl_ack *a)
{
    struct news *w = &k->waiting;
    if (w->n >= WAITING_MAX) { /* the store is away for long: what is owed is looked for when it is back */
        k->first_intent = INT64_MAX;
        return;
    }
    if ((w->n & (w->n - 1)) == 0)
        w->v = pl_xrealloc_array(w->v, w->n ? w->n * 2 : 1, sizeof *w->v);
    w->v[w->n] = *a;
    w->v[w->n++].server = pl_arena_str(w->arena, a->server);
    if (w->n == 1)
        k->store_at_us = k->d->e->now + GATHER_US;
}

void pl_acks_in_use(const struct op *o, int code)
{
    struct acks *k = o->task->dir->acks;
    struct pl_ack a = {.account_id = o->task->p.account_id,
                       .intent_id = o->intent_id,
                       .server = k->in_use,
                       .code = code,
                       .whole = true,
                       .at_us = k->d->e->now};
    if (k->several && a.intent_id)
        add(k, &a);
}

/* Of the password after a lock. Gone, or there was none (16); or of a kind after which another step follows (dialects name
 * 19, 53 and 65), so that this says nothing yet. */
static bool says_of_password(struct pl_ack *a)
{
    if (a->code == 16)
        a->code = 0;
    return a->code != 19 && a->code != 53 && a->code != 65;
}

static void said(struct acks *k, const struct pl_event *ev)
{
    struct pl_ack a = {.account_id = ev->ack.account_id,
                       .intent_id = ev->ack.intent_id,
                       .server = ev->ack.server,
                       .code = ev->ack.code,
                       .after = ev->ack.after,
                       .at_us = k->d->e->now};
    /* It comes back to the server in use by replication: with this version where each change has one of its own (an entryCSN),
     * with another where a server counts by itself, and then nothing there is equal to it. */
    pl_watch_own(k->d->watch, 0, ev->ack.version);
    if (!a.after || says_of_password(&a))
        add(k, &a);
}

static void server(struct acks *k, struct pl_str name, bool up)
{
    size_t i = 0;
    while (i < k->n_others && !pl_str_eq(k->others[i], name))
        i++;
    if (up && i == k->n_others && i < SERVERS_MAX)
        k->others[k->n_others++] = keep(name);
    if (up)
        look_at(k, 0);
    if (!up && i < k->n_others) {
        drop(&k->others[i]);
        k->others[i] = k->others[--k->n_others];
    }
}

void pl_acks_event(struct acks *k, const struct pl_event *ev)
{
    if (ev->kind == PL_EV_ACK)
        said(k, ev);
    else
        server(k, ev->server.name, ev->server.up);
}

void pl_acks_dir_up(struct acks *k, struct pl_str server, bool several)
{
    drop(&k->in_use);
    k->in_use = keep(server);
    k->several = several;
    k->first_intent = INT64_MAX; /* what was broken off before this has had its last answer: it is looked for, too */
    if (several)
        look_at(k, 0);
}

/* A lock that was not done uncovers the one before it: what servers owe of that counts again. */
void pl_acks_not_done(struct acks *k)
{
    if (k->several && (!k->want || k->look_at_us > k->d->e->now + LOOK_MIN_US))
        look_at(k, LOOK_MIN_US);
}

/* The store may have put the person back into the queue: to be closed once more. */
void pl_acks_out(struct acks *k)
{
    if (k->several)
        k->d->want[PL_LOAD_URGENT] = true;
}

bool pl_acks_everywhere(struct acks *k, int64_t intent_id)
{
    if (k->several && intent_id < k->first_intent)
        k->first_intent = intent_id;
    return k->several;
}

/* ---- storing ---- */

static void store(struct acks *k)
{
    struct pl_engine *e = k->d->e;
    struct news was = k->sent;
    k->sent = k->waiting; /* borrowed by the command until it is answered */
    k->waiting = was;
    news_clear(&k->waiting);
    k->storing = true;
    struct pl_command *c = pl_e_emit(e, PL_CMD_ACKED, k->d);
    c->acked.items = k->sent.v;
    c->acked.n = k->sent.n;
    pl_e_request(e, c, OWN_ACKS, k, NULL, TAG_STORE);
}

/* Not known to be stored: once more, in front of what came since. Storing it twice does no harm. */
static void take_back(struct acks *k)
{
    struct news later = k->waiting;
    k->storing = false;
    k->waiting = k->sent;
    k->sent = (struct news){.arena = pl_arena_new()};
    for (size_t i = 0; i < later.n; i++)
        add(k, &later.v[i]);
    news_clear(&later);
    pl_arena_free(later.arena);
    k->store_at_us = k->d->e->now + k->d->e->conf.retry_min_us;
}

static void stored(struct acks *k)
{
    k->storing = false;
    pl_acks_out(k);
    for (size_t i = 0; i < k->sent.n; i++)
        if (!k->sent.v[i].seen && !k->sent.v[i].after && k->sent.v[i].code != 0) {
            look_at(k, LOOK_MIN_US);
            break;
        }
    news_clear(&k->sent);
}

/* ---- looking ---- */

static void ask_rows(struct acks *k)
{
    struct pl_engine *e = k->d->e;
    struct pl_str *servers = pl_arena_array(e->out, k->n_others + 1, sizeof *servers);
    servers[0] = pl_arena_str(e->out, k->in_use); /* it may have lost an answer too */
    for (size_t i = 0; i < k->n_others; i++)
        servers[i + 1] = pl_arena_str(e->out, k->others[i]);
    pl_arena_free(k->arena);
    k->arena = pl_arena_new();
    k->n_rows = k->next = k->open = k->unseen = 0;
    k->phase = LOOK_ROWS;
    k->want = false;
    struct pl_command *c = pl_e_emit(e, PL_CMD_UNACKED, k->d);
    c->unacked.servers = servers;
    c->unacked.n = k->n_others + 1;
    c->unacked.before = k->asked_before = k->first_intent;
    pl_e_request(e, c, OWN_ACKS, k, NULL, TAG_ROWS);
}

/* A lock whose intent was stored before the rows were read, and that goes out only now: a look would tell of the lock before
 * it, and what a server does of this one later would count as known. */
static bool goes_out_now(const struct acks *k, const struct missing *m)
{
    bool out = m->intent_id >= k->first_intent && m->intent_id < k->asked_before;
    for (const struct batch *b = k->d->e->batches; b && !out; b = b->next)
        for (size_t i = 0; i < b->n_tasks && !out; i++) {
            const struct task *t = b->tasks[i];
            out = t->dir == k->d && t->p.account_id == m->account_id && t->phase != PH_WAIT && t->phase != PH_END;
        }
    return out;
}

static void row(struct acks *k, const struct pl_event *ev)
{
    struct missing m = {0};
    if (ev->row.n < 4 || !pl_str_to_i64(ev->row.cols[0], &m.account_id) ||
        !pl_str_to_i64(ev->row.cols[1], &m.intent_id))
        return;
    m.wait = goes_out_now(k, &m);
    if ((k->n_rows & (k->n_rows - 1)) == 0)
        k->rows = pl_xrealloc_array(k->rows, k->n_rows ? k->n_rows * 2 : 1, sizeof *k->rows);
    m.server = pl_arena_str(k->arena, ev->row.cols[2]);
    m.native_id = pl_arena_str(k->arena, ev->row.cols[3]);
    k->rows[k->n_rows++] = m;
}

/* By its id: where it lies there is that server's affair. An account that was made a moment ago has none in the store yet. */
static void look(struct acks *k, size_t i)
{
    struct dir *d = k->d;
    struct pl_engine *e = d->e;
    const struct missing *m = &k->rows[i];
    struct pl_buf filter = {0};
    if (m->native_id.len == 0 || m->wait) {
        k->unseen++;
        return;
    }
    pl_dialect_native_filter(d->dialect, &filter, m->native_id);
    struct pl_command *c = pl_e_emit(e, PL_CMD_SEARCH, d);
    c->search.channel = PL_CH_BULK;
    if (!pl_str_eq(m->server, k->in_use))
        c->search.server = pl_arena_str(e->out, m->server);
    c->search.base = d->conf.people_base;
    c->search.scope = PL_SCOPE_SUB;
    c->search.filter = pl_arena_str(e->out, pl_buf_str(&filter));
    c->search.attrs = d->attrs;
    pl_buf_free(&filter);
    k->open++;
    pl_e_request(e, c, OWN_ACKS, k, d, TAG_LOOKS + (int)i);
}

/* Whether the policy stands there is replicated like everything; here it only counts that the lock has arrived. */
static void looked_entry(struct acks *k, struct missing *m, const struct pl_entry *entry)
{
    struct dir *d = k->d;
    char room[PL_NATIVE_ROOM];
    struct pl_dir_facts facts = {.ppolicy = d->ppolicy, .policy_stands = true};
    if (pl_str_eq(pl_dialect_native_id(d->dialect, entry, room), m->native_id))
        m->locked = d->dialect->lock_seen(entry, &facts, d->e->now) != PL_LOCK_OPEN;
}

static void looked(struct acks *k, const struct missing *m)
{
    struct pl_ack a = {.account_id = m->account_id,
                       .intent_id = m->intent_id,
                       .server = m->server,
                       .seen = true,
                       .at_us = k->d->e->now};
    k->open--;
    if (m->locked)
        add(k, &a);
    else
        k->unseen++;
}

/* Rows that are left are looked at again, less and less often; a new one, or a server that comes up, begins anew. */
static void go_on(struct acks *k)
{
    while (k->phase == LOOK_ON && k->open < LOOKS_AT_ONCE && k->next < k->n_rows)
        look(k, k->next++);
    if (k->phase != LOOK_ON || k->open > 0)
        return;
    bool more = k->n_rows >= ROWS_MAX && k->unseen < k->n_rows;
    k->phase = LOOK_OFF;
    if (k->want)
        return;
    if (more)
        look_at(k, 2 * GATHER_US); /* what was seen now is stored first */
    else if (k->unseen > 0)
        look_at(k, k->delay_us == 0 ? LOOK_MIN_US : k->delay_us < LOOK_MAX_US / 2 ? k->delay_us * 2 : LOOK_MAX_US);
}

/* ---- the engine's side ---- */

void pl_acks_reply(struct acks *k, const struct request *r, const struct pl_event *ev)
{
    if (r->tag == TAG_STORE && ev->failed)
        take_back(k);
    else if (r->tag == TAG_STORE)
        stored(k);
    else if (r->tag == TAG_ROWS && ev->kind == PL_EV_SCAN_ROW)
        row(k, ev);
    else if (r->tag == TAG_ROWS) {
        k->phase = ev->failed ? LOOK_OFF : LOOK_ON;
        if (ev->failed)
            look_at(k, LOOK_MIN_US);
    } else if (ev->kind == PL_EV_ENTRY)
        looked_entry(k, &k->rows[r->tag - TAG_LOOKS], ev->entry);
    else
        looked(k, &k->rows[r->tag - TAG_LOOKS]);
    go_on(k);
}

void pl_acks_pump(struct acks *k)
{
    struct pl_engine *e = k->d->e;
    if (!e->store_up || !e->recovered)
        return;
    if (!k->storing && k->waiting.n > 0 && (e->now >= k->store_at_us || e->stopping))
        store(k);
    if (k->want && k->several && k->phase == LOOK_OFF && k->d->up && !e->stopping && e->now >= k->look_at_us)
        ask_rows(k);
}

int64_t pl_acks_due(const struct acks *k)
{
    bool store = k->waiting.n > 0 && !k->storing, look = k->want && k->several && k->d->up && k->phase == LOOK_OFF;
    if (store && (!look || k->store_at_us < k->look_at_us))
        return k->store_at_us;
    return look ? k->look_at_us : 0;
}

bool pl_acks_idle(const struct acks *k)
{
    return k->waiting.n == 0 && !k->storing;
}

void pl_acks_stop(struct acks *k, bool store_too)
{
    for (size_t i = 0; i < k->d->e->n_requests; i++) {
        struct request *r = &k->d->e->requests[i];
        if (r->req && r->owner == k && (store_too || r->tag != TAG_STORE))
            r->kind = OWN_NONE;
    }
    if (k->phase != LOOK_OFF || k->want)
        look_at(k, 0);
    k->phase = LOOK_OFF;
    if (store_too && k->storing)
        take_back(k);
}
