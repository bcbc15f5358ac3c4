/* Other servers of a directory, in half of the seeds: what goes everywhere reaches each in order, is answered, refused, lost
 * or carried out late; they come and go, and the directory moves from one to another. They replicate whole entries and at
 * once: a write that one of them does late brings back the password that stood there before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "run.h"

enum { NO_ATTRIBUTE = 16, VALUE_EXISTS = 20, REFERRAL = 10 };

static struct pl_str name_of(int d, int k)
{
    static const char *const names[N_DIRS][MAX_SERVERS] = {{"ldap://linn1", "ldap://linn2", "ldap://linn3"},
                                                           {"ldap://kool1", "ldap://kool2", "ldap://kool3"}};
    return pl_str_c(names[d][k]);
}

struct pl_str sister_in_use(const struct sim *m, int d)
{
    return name_of(d, m->sisters[d].in_use);
}

void sister_town(struct sim *m)
{
    rng_seed(&m->sister_rng, m->seed ^ 0x5157e5);
    for (int d = 0; d < N_DIRS; d++) {
        m->sisters[d].n = m->seed % 2 == 0 ? 2 + rng_below(&m->sister_rng, MAX_SERVERS - 1) : 1;
        m->sisters[d].read_only = rng_pct(&m->sister_rng, 25) ? m->sisters[d].n - 1 : -1;
        m->s.n_servers[d] = m->sisters[d].n;
        for (int k = 0; k < m->sisters[d].n; k++)
            m->s.servers[d][k] = name_of(d, k);
    }
}

/* ---- what a server does ---- */

static void tell(struct sim *m, int d, int k, const struct req *r, int code)
{
    struct pl_event ev = {.kind = PL_EV_ACK, .directory = pl_str_c(dir_names[d])};
    ev.ack.server = name_of(d, k);
    ev.ack.account_id = r->c.modify.everywhere.account_id;
    ev.ack.intent_id = r->c.modify.everywhere.intent_id;
    ev.ack.after = r->c.modify.everywhere.after;
    ev.ack.code = code;
    if (code == 0 && r->c.modify.tell_version && m->post_read[d])
        ev.ack.version = r->version;
    sim_trace(m, "server %d of %s says %d to %llu", k + 1, dir_names[d], code, (unsigned long long)r->id);
    if (m->e && m->engine_no == r->load) /* the daemon that asked */
        sim_event(m, &ev);
}

/* The lock has an intent, and the password goes with a lock; somebody may have opened the account since, and then this
 * counts as a change by another hand. */
static void check(struct sim *m, int d, const struct req *r, const struct dir_entry *e)
{
    const struct account *a = check_whose(m, d, e);
    size_t last = 0, opened = 0;
    for (size_t i = 0; a && i < m->s.n_intents; i++)
        if (&m->s.accounts[m->s.intents[i].account] == a) {
            enum pl_op op = m->s.intents[i].op;
            last = op == PL_OP_LOCK || op == PL_OP_CLOSE ? i + 1 : last;
            opened = op == PL_OP_OPEN ? i + 1 : opened;
        }
    if (!a || last == 0)
        check_fail(m, "1: a server is sent a lock of %.*s without an intent", (int)e->dn.len, e->dn.s);
    else if (opened > last)
        m->c.tampered[a->person][d][a->purpose] = true;
    for (size_t i = 0; i < r->c.modify.n; i++) {
        struct pl_str at = r->c.modify.mods[i].attr;
        if (at.len < 3 || (strncmp(at.s, "pwd", 3) != 0 && !pl_str_ieq_c(at, "userPassword")))
            check_fail(m, "5: a write to attribute %.*s of another server", (int)at.len, at.s);
    }
}

static int carry_out(struct sim *m, int d, int k, struct req *r, bool late)
{
    struct directory *dir = &m->d[d];
    struct dir_entry *e = directory_find(dir, r->c.modify.dn);
    int code = directory_modify(dir, &r->c, m->now);
    if (code != CODE_OK)
        return code;
    if (dir->assertion || check_whose(m, d, e)) /* without assertions a stranger may have taken the name */
        check(m, d, r, e);
    cover_fault(late ? F_SISTER_LATE : F_SISTER_DID);
    if (r->c.modify.everywhere.after)
        return code;
    /* It had not heard of it; one that was in use since then showed the password gone itself. */
    bool deaf = k != m->sisters[d].in_use && r->sent_us >= m->sisters[d].heard_us[k];
    if (r->password_was && !e->password_known && (late || rng_pct(&m->sister_rng, 50)) && deaf) {
        cover_fault(F_SISTER_PASSWORD);
        e->password_known = true;
        dir_entry_set(dir, e, "userPassword", PL_STR("as it was"));
    }
    store_did(&m->s, r->c.modify.everywhere.intent_id, name_of(d, k));
    r->version = pl_arena_str(r->a, pl_str_c(dir->log[dir->n_log - 1].csn));
    return code;
}

static void forget(struct sim *m, struct req *r)
{
    for (size_t i = 0; i < m->n_sister_reqs; i++)
        if (m->sister_reqs[i] == r) {
            m->sister_reqs[i] = m->sister_reqs[--m->n_sister_reqs];
            return;
        }
}

/* ---- coming and going ---- */

static void say_server(struct sim *m, int d, int k, bool up)
{
    struct pl_event ev = {.kind = PL_EV_SERVER, .directory = pl_str_c(dir_names[d])};
    ev.server.name = name_of(d, k);
    ev.server.up = up;
    m->sisters[d].up[k] = up;
    sim_trace(m, "server %d of %s is %s", k + 1, dir_names[d], up ? "up" : "away");
    sim_event(m, &ev);
}

static void up_later(struct sim *m, int d, int k)
{
    int64_t after = m->sisters[d].back_us[k] > m->now ? m->sisters[d].back_us[k] : m->now;
    queue_add(&m->q, after + rng_log(&m->sister_rng, 1000, 20 * US_SECOND), RUN_SERVER_UP, d * MAX_SERVERS + k, NULL);
}

static void late(struct sim *m, struct req *r)
{
    int64_t *back_us = &m->sisters[r->dir].back_us[r->server];
    r->late = true;
    r->late_us = m->now + rng_log(&m->sister_rng, US_SECOND / 100, 30 * US_SECOND);
    *back_us = *back_us > r->late_us ? *back_us : r->late_us;
}

/* Everything that is open there ends: the first was sent, and may have been done, or be done before it is back. */
static void away(struct sim *m, int d, int k)
{
    bool first = true;
    struct req *open[64];
    size_t n = 0;
    for (size_t i = 0; i < m->n_sister_reqs && n < 64; i++)
        if (m->sister_reqs[i]->dir == d && m->sister_reqs[i]->server == k)
            open[n++] = m->sister_reqs[i];
    for (size_t i = 0; i < n; i++) { /* in the order in which they came */
        size_t least = i;
        for (size_t j = i + 1; j < n; j++)
            least = open[j]->sent_us < open[least]->sent_us ? j : least;
        struct req *r = open[least];
        open[least] = open[i];
        open[i] = r;
    }
    for (size_t i = 0; i < n; i++) {
        struct req *r = open[i];
        bool sent = first || r->executed;
        first = first && r->executed;
        forget(m, r);
        r->dead = true;
        if (sent && !r->executed && rng_pct(&m->sister_rng, 50)) {
            late(m, r);
        }
        tell(m, d, k, r, sent ? PL_RESULT_UNKNOWN : PL_RESULT_NOT_SENT);
    }
    if (m->sisters[d].up[k])
        say_server(m, d, k, false);
    up_later(m, d, k);
}

void sister_up(struct sim *m, int n)
{
    int d = n / MAX_SERVERS, k = n % MAX_SERVERS;
    if (!m->e || k >= m->sisters[d].n || k == m->sisters[d].in_use || m->sisters[d].up[k] || !m->sisters[d].begun)
        return;
    if (m->now < m->sisters[d].back_us[k])
        up_later(m, d, k);
    else
        say_server(m, d, k, true);
}

/* The directory comes up: on the server in use before, or on another one. */
void sister_dir_up(struct sim *m, int d)
{
    int was = m->sisters[d].in_use, now = was;
    if (m->sisters[d].n < 2)
        return;
    if (m->sisters[d].begun && rng_pct(&m->sister_rng, 40)) {
        now = rng_below(&m->sister_rng, m->sisters[d].n);
        now = now == m->sisters[d].read_only || m->now < m->sisters[d].back_us[now] ? was : now;
    }
    m->sisters[d].in_use = now;
    m->sisters[d].heard_us[now] = m->sisters[d].heard_us[was] = m->now;
    if (now != was)
        cover_fault(F_SISTER_IN_USE);
    if (now != was && m->sisters[d].up[now])
        away(m, d, now);
    m->sisters[d].begun = true;
    for (int k = 0; k < m->sisters[d].n; k++)
        if (k != now && !m->sisters[d].up[k])
            up_later(m, d, k);
}

bool sister_away(struct sim *m, int d)
{
    int k = rng_below(&m->sister_rng, m->sisters[d].n);
    if (!m->e || k == m->sisters[d].in_use || !m->sisters[d].up[k])
        return false;
    cover_fault(F_SISTER_AWAY);
    away(m, d, k);
    return true;
}

/* The daemon has ended; what it had sent may still be done. */
void sister_crash(struct sim *m)
{
    while (m->n_sister_reqs > 0) { /* each stands in the queue, and is freed there */
        struct req *r = m->sister_reqs[0];
        forget(m, r);
        r->dead = true;
        if (!r->executed && rng_pct(&m->sister_rng, 50))
            late(m, r);
    }
    for (int d = 0; d < N_DIRS; d++) {
        memset(m->sisters[d].up, 0, sizeof m->sisters[d].up);
        m->sisters[d].begun = false;
    }
}

/* ---- requests ---- */

void sister_send(struct sim *m, const struct pl_command *c)
{
    int d = store_dir(c->directory);
    const struct dir_entry *e = directory_find(&m->d[d], c->modify.dn);
    for (int k = 0; k < m->sisters[d].n; k++) {
        if (k == m->sisters[d].in_use)
            continue;
        struct req *r = sim_request_new(m);
        r->id = c->req;
        r->dir = d;
        r->server = k;
        r->sent_us = m->now;
        r->load = m->engine_no;
        r->password_was = e && e->password_known;
        copy_command(r, c);
        if (m->n_sister_reqs == m->cap_sister_reqs) {
            m->cap_sister_reqs = m->cap_sister_reqs ? m->cap_sister_reqs * 2 : 16;
            m->sister_reqs = pl_xrealloc_array(m->sister_reqs, m->cap_sister_reqs, sizeof *m->sister_reqs);
        }
        m->sister_reqs[m->n_sister_reqs++] = r;
        int64_t *free_us = &m->sisters[d].free_us[k];
        *free_us = (*free_us < m->now ? m->now : *free_us) + rng_log(&m->sister_rng, 100, 50000);
        queue_add(&m->q, *free_us, RUN_SISTER, 0, r);
    }
}

static int answer(struct sim *m, struct req *r)
{
    int d = r->dir, k = r->server;
    if (k == m->sisters[d].read_only) {
        cover_fault(F_SISTER_READ_ONLY);
        return REFERRAL;
    }
    bool after = r->c.modify.everywhere.after; /* no password to take away (16) is never said where there is one */
    if (!m->calm && rng_pct(&m->sister_rng, after ? 3 : 8)) {
        static const int codes[] = {CODE_DENIED, CODE_BUSY, CODE_ASSERTION, NO_ATTRIBUTE, VALUE_EXISTS};
        cover_fault(F_SISTER_REFUSED);
        return codes[rng_below(&m->sister_rng, after ? 3 : 5)];
    }
    return carry_out(m, d, k, r, false);
}

/* Of one that is open no more. Each stands in the queue once, or is in the hands of whoever calls this. */
static void end(struct sim *m, struct req *r)
{
    if (r->late && m->now < r->late_us) {
        queue_add(&m->q, r->late_us, RUN_SISTER, 0, r);
        return;
    }
    if (r->late)
        carry_out(m, r->dir, r->server, r, true);
    sim_request_drop(m, r);
}

void sister_take(struct sim *m, struct req *r)
{
    if (r->dead) {
        end(m, r);
    } else if (!m->sisters[r->dir].up[r->server]) {
        forget(m, r);
        tell(m, r->dir, r->server, r, r->executed ? PL_RESULT_UNKNOWN : PL_RESULT_NOT_SENT);
        sim_request_drop(m, r);
    } else if (!r->executed && !m->calm && rng_pct(&m->sister_rng, 5)) { /* it freezes with this in its hands */
        cover_fault(F_SISTER_FROZEN);
        away(m, r->dir, r->server);
        end(m, r);
    } else if (!r->executed) {
        r->executed = true;
        r->code = answer(m, r);
        int64_t *said_us = &m->sisters[r->dir].said_us[r->server]; /* answers keep their order */
        *said_us = (*said_us < m->now ? m->now : *said_us) + rng_log(&m->sister_rng, 100, 20000);
        queue_add(&m->q, *said_us, RUN_SISTER, 0, r);
    } else {
        forget(m, r);
        tell(m, r->dir, r->server, r, r->code);
        sim_request_drop(m, r);
    }
}

/* A look at another server: it may be away, or behind. */
bool sister_blind(struct sim *m, struct req *r)
{
    struct pl_str name = r->c.search.server;
    if (name.len == 0)
        return false;
    for (int k = 0; k < m->sisters[r->dir].n; k++)
        if (pl_str_eq(name, name_of(r->dir, k)) && k != m->sisters[r->dir].in_use && !m->sisters[r->dir].up[k]) {
            r->code = PL_RESULT_UNKNOWN;
            return true;
        }
    if (m->calm || !rng_pct(&m->sister_rng, 30))
        return false;
    cover_fault(F_SISTER_BEHIND);
    return true;
}
