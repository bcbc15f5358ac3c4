/* What happens to a command: it is copied, travels, is executed at one instant by the store or a directory, and its
 * answer travels back; on the way it may get lost, late or overtaken. */
#include <stdlib.h>
#include <string.h>
#include "run.h"

enum { PAGE = 4 };

static bool is_store(enum pl_cmd_kind k)
{
    return k < PL_CMD_SEARCH;
}

static bool is_scan(enum pl_cmd_kind k)
{
    return k == PL_CMD_SCAN_ACCOUNTS || k == PL_CMD_SCAN_GROUP || k == PL_CMD_SCAN_GROUPS || k == PL_CMD_WATCH_STATE ||
           k == PL_CMD_UNACKED;
}

void serve_accept(struct sim *m, const struct pl_command *c)
{
    if (c->kind == PL_CMD_WATCH) {
        (m->polled[store_dir(c->directory)] ? poll_begin : watch_begin)(m, c);
        return;
    }
    if (c->kind == PL_CMD_MODIFY && c->modify.everywhere.on)
        sister_send(m, c);
    struct req *r = sim_request_new(m);
    r->id = c->req;
    r->dir = is_store(c->kind) ? -1 : store_dir(c->directory);
    r->write = c->kind == PL_CMD_MODIFY || c->kind == PL_CMD_ADD;
    r->paged = c->kind == PL_CMD_SEARCH && c->search.paged;
    r->sent_us = m->now;
    r->rows.a = r->a;
    copy_command(r, c);
    if (c->kind == PL_CMD_LOAD && c->load.class != PL_LOAD_PREVIEW)
        r->load = check_load_number(m);
    if (m->n_reqs == m->cap_reqs) {
        m->cap_reqs = m->cap_reqs ? m->cap_reqs * 2 : 64;
        m->reqs = pl_xrealloc_array(m->reqs, m->cap_reqs, sizeof(struct req *));
    }
    m->reqs[m->n_reqs++] = r;
    int64_t at;
    if (r->dir < 0) { /* one connection, one request after the other; the scans have their own */
        bool own = is_scan(c->kind);
        at = (own || m->store_free_us < m->now ? m->now : m->store_free_us) + rng_log(&m->rng, 200, 20000);
        if (!own)
            m->store_free_us = at;
    } else {
        at = m->now + rng_log(&m->rng, 100, 5000) * (1 + m->slow[r->dir]);
    }
    queue_add(&m->q, at, RUN_EXECUTE, m->engine_no, r);
    bool matters = r->write || c->kind == PL_CMD_INTENTS || c->kind == PL_CMD_SETTLE || c->kind == PL_CMD_HOLD;
    if (matters && !m->calm && rng_below(&m->rng, 300) == 0)
        queue_add(&m->q, m->now + rng_span(&m->rng, 0, 2 * (at - m->now)), RUN_AMBUSH, r->dir, NULL);
}

/* ---- executing ---- */

static void execute_load(struct sim *m, struct req *r)
{
    store_load(&m->s, &r->c, m->now, &r->rows);
    if (r->c.load.class != PL_LOAD_PREVIEW)
        check_loaded(m, &r->c, m->now);
}

static void execute_store(struct sim *m, struct req *r)
{
    const struct pl_command *c = &r->c;
    if (m->no_compare && c->kind == PL_CMD_SCAN_ACCOUNTS) {
        cover_fault(F_NO_COMPARE);
        r->failed = true;
        return;
    }
    if (!m->calm && rng_pct(&m->rng, 1)) { /* deadlock, statement timeout: nothing happened */
        cover_fault(F_STORE_FAILED);
        r->failed = true;
        return;
    }
    switch (c->kind) {
    case PL_CMD_RECOVER:
        store_recover(&m->s);
        break;
    case PL_CMD_TICK:
        r->next_us = store_tick(&m->s, m->now);
        break;
    case PL_CMD_LOAD:
        execute_load(m, r);
        break;
    case PL_CMD_RESERVE: {
        int a = store_reserve(&m->s, store_dir(c->directory), (int)c->reserve.person_id - 1,
                              store_purpose(c->reserve.purpose), c->reserve.candidates, c->reserve.n_candidates);
        r->account_id = a + 1;
        if (a >= 0)
            memcpy(r->login, m->s.accounts[a].login, sizeof r->login);
        break;
    }
    case PL_CMD_INTENTS:
        r->ids = pl_arena_array(r->a, c->intents.n + 1, sizeof *r->ids);
        check_intents(m, c);
        store_intents(&m->s, c, m->now, r->ids);
        break;
    case PL_CMD_SETTLE:
        check_settle(m, c->settle);
        if (!store_settle(&m->s, c->settle, m->now)) {
            sim_trace(m, "settle refused: native id is another account's");
            r->failed = true;
        }
        break;
    case PL_CMD_HOLD:
        store_hold(&m->s, c->hold, m->now);
        break;
    case PL_CMD_NOMINATE:
        store_nominate(&m->s, store_dir(c->directory), c);
        break;
    case PL_CMD_SCAN_ACCOUNTS:
        store_scan_accounts(&m->s, store_dir(c->directory), c->scan_accounts.names, m->now, &r->rows);
        break;
    case PL_CMD_SCAN_GROUP:
        store_scan_group(&m->s, store_dir(c->directory), c->scan_group.dn, m->now, &r->rows);
        break;
    case PL_CMD_SCAN_GROUPS:
        store_scan_groups(&m->s, store_dir(c->directory), m->now, &r->rows);
        break;
    case PL_CMD_WATCH_STATE:
        store_watch_state(&m->s, store_dir(c->directory), &r->rows);
        break;
    case PL_CMD_WATCHED:
        store_watched(&m->s, store_dir(c->directory), c);
        break;
    case PL_CMD_ACKED:
        if (!store_acked(&m->s, store_dir(c->directory), c, m->now))
            check_fail(m, "11: a server is said to have taken a lock that it did not take");
        break;
    case PL_CMD_UNACKED:
        store_unacked(&m->s, store_dir(c->directory), c, &r->rows);
        break;
    case PL_CMD_NOTE_COMPARE:
        store_note_compare(&m->s, store_dir(c->directory), c);
        break;
    default:
        break;
    }
}

static bool denied(struct sim *m, const struct req *r)
{
    for (int p = 0; p < m->w.n_persons; p++)
        for (int k = 0; m->denied[p] && k < N_PURPOSES; k++) {
            const struct dir_entry *e = sim_entry(m, p, r->dir, (enum purpose)k);
            if (e && r->c.kind == PL_CMD_MODIFY && pl_str_eq(e->dn, r->c.modify.dn))
                return m->c.refused[p][r->dir] = true;
        }
    return false;
}

static int write_now(struct sim *m, struct req *r)
{
    struct directory *d = &m->d[r->dir];
    int code = r->c.kind == PL_CMD_ADD ? directory_create(d, &r->c, m->now) : directory_modify(d, &r->c, m->now);
    if (code == CODE_OK)
        check_applied(m, &r->c, r->dir);
    if (code == CODE_OK && r->c.kind == PL_CMD_MODIFY && r->c.modify.everywhere.on && !r->c.modify.everywhere.after)
        store_did(&m->s, r->c.modify.everywhere.intent_id, sister_in_use(m, r->dir));
    const char *const *tell = r->c.kind == PL_CMD_ADD ? r->c.add.tell_version : r->c.modify.tell_version;
    if (code == CODE_OK && tell && m->post_read[r->dir])
        r->version = pl_arena_str(r->a, pl_str_c(d->log[d->n_log - 1].csn));
    return code;
}

/* The answer never comes; the write itself was done, was not, or is still to be. */
static bool timed_out(struct sim *m, struct req *r)
{
    if (m->calm || !rng_pct(&m->rng, 1))
        return false;
    cover_fault(F_WRITE_TIMEOUT);
    r->code = PL_RESULT_UNKNOWN;
    int what = rng_below(&m->rng, 3);
    if (what == 0) {
        write_now(m, r);
    } else if (what == 1) {
        struct req *x = sim_request_new(m);
        x->id = r->id;
        x->dir = r->dir;
        copy_command(x, &r->c);
        cover_fault(F_WRITE_LATE);
        queue_add(&m->q, m->now + rng_log(&m->rng, 1000, 5 * US_SECOND), RUN_LATE, 0, x);
    }
    return true;
}

static void execute_write(struct sim *m, struct req *r)
{
    bool together = r->c.kind == PL_CMD_MODIFY && r->c.modify.n > 0 && r->c.modify.mods[0].n > 1;
    if (together)
        cover_fault(F_TOGETHER);
    if (timed_out(m, r))
        return;
    if (!m->calm && rng_pct(&m->rng, 1)) {
        cover_fault(F_WRITE_BUSY);
        r->code = CODE_BUSY;
        return;
    }
    if (denied(m, r)) {
        cover_fault(F_WRITE_DENIED);
        r->code = CODE_DENIED;
        return;
    }
    r->code = write_now(m, r);
    if (together && r->code != CODE_OK)
        cover_fault(F_TOGETHER_REFUSED);
    if ((r->code == 19 || r->code == CODE_DENIED) && r->c.kind == PL_CMD_MODIFY)
        cover_fault(F_PASSWORD_REFUSED);
}

static void execute_search(struct sim *m, struct req *r)
{
    int max = r->paged ? PAGE : 1000;
    if (sister_blind(m, r) || (m->polled[r->dir] && poll_question(m, r)))
        return;
    r->entries = pl_arena_array(r->a, (size_t)(r->paged ? PAGE : m->d[r->dir].n + 1), sizeof *r->entries);
    r->next_entry = 0;
    r->code = directory_search(&m->d[r->dir], &r->c, m->now, &r->cursor, max, r->a, r->entries, &r->n_entries);
    r->complete = r->code == CODE_OK;
    if (r->code != CODE_OK || m->calm)
        return;
    if (rng_below(&m->rng, 150) == 0) { /* cut short: part of the entries, and a code that says so */
        cover_fault(F_SIZE_LIMIT);
        r->code = CODE_SIZE_LIMIT;
        r->n_entries = rng_below(&m->rng, r->n_entries + 1);
        r->cursor = -1;
        r->complete = false;
    } else if (rng_below(&m->rng, 150) == 0) { /* result 0, but a page or a range is missing */
        cover_fault(F_OMITTED);
        r->n_entries = rng_below(&m->rng, r->n_entries + 1);
        r->cut = true;
    }
    if (r->cut)
        r->complete = false;
}

void serve_execute(struct sim *m, struct req *r)
{
    r->executed = true;
    for (size_t i = 0; i < m->n_reqs && r->write; i++)
        if (m->reqs[i]->write && !m->reqs[i]->executed && m->reqs[i]->dir == r->dir && m->reqs[i]->sent_us < r->sent_us)
            cover_fault(F_REORDERED);
    if (r->dir < 0)
        execute_store(m, r);
    else if (r->write)
        execute_write(m, r);
    else
        execute_search(m, r);
    if (r->detached)
        return;
    int64_t slow = r->dir < 0 ? 1 : 1 + m->slow[r->dir];
    int64_t at = m->now + rng_log(&m->rng, 50, 3000) * slow;
    if (r->dir < 0 && !is_scan(r->c.kind)) {
        at = at < m->store_free_us ? m->store_free_us : at; /* answers keep their order, too */
        m->store_free_us = at;
    }
    queue_add(&m->q, at, RUN_ANSWER, m->engine_no, r);
}

/* ---- answering ---- */

/* The last event of a request; what the event points to lives until the engine has taken it. */
static void answer_last(struct sim *m, struct req *r, struct pl_event *ev)
{
    if (r->write || r->dir < 0)
        sim_trace(m, "answer %llu%s code %d", (unsigned long long)r->id, r->failed ? " failed" : "", r->code);
    sim_request_forget(m, r);
    sim_event(m, ev);
    sim_request_free(m, r);
}

static void answer_rows(struct sim *m, struct req *r, enum pl_ev_kind row, enum pl_ev_kind done)
{
    while (r->next_row < r->rows.n && !r->failed) {
        struct row *v = &r->rows.v[r->next_row++];
        struct pl_event ev = {.kind = row, .req = r->id, .directory = r->c.directory};
        ev.row.cols = v->cols;
        ev.row.n = v->n;
        if (sim_event(m, &ev) == PL_PAUSE) {
            cover_fault(F_PAUSED);
            r->paused = true;
            return;
        }
    }
    struct pl_event ev = {.kind = done, .req = r->id, .directory = r->c.directory, .failed = r->failed};
    if (r->c.kind == PL_CMD_LOAD && r->c.load.class != PL_LOAD_PREVIEW && !r->failed)
        check_delivered(m, r);
    answer_last(m, r, &ev);
}

static void answer_search(struct sim *m, struct req *r)
{
    while (r->next_entry < r->n_entries) {
        struct pl_event ev = {.kind = PL_EV_ENTRY, .req = r->id, .directory = r->c.directory};
        ev.entry = &r->entries[r->next_entry++];
        if (sim_event(m, &ev) == PL_PAUSE) {
            r->paused = true;
            return;
        }
    }
    if (r->cursor >= 0 && r->paged) { /* the next page is a search of its own, later */
        queue_add(&m->q, m->now + rng_log(&m->rng, 100, 20000), RUN_EXECUTE, m->engine_no, r);
        return;
    }
    struct pl_event ev = {.kind = PL_EV_RESULT, .req = r->id, .directory = r->c.directory};
    ev.result.code = r->code;
    ev.result.complete = r->complete;
    answer_last(m, r, &ev);
}

static void answer_write(struct sim *m, struct req *r)
{
    struct pl_event ev = {.kind = PL_EV_RESULT, .req = r->id, .directory = r->c.directory};
    ev.result.code = r->code;
    if (r->code == CODE_OK)
        ev.result.version = r->version;
    answer_last(m, r, &ev);
}

static void answer_store(struct sim *m, struct req *r)
{
    struct pl_event ev = {.kind = PL_EV_STORE_DONE, .req = r->id, .directory = r->c.directory, .failed = r->failed};
    switch (r->c.kind) {
    case PL_CMD_SETTLE:
        check_settled(m, r->c.settle);
        break;
    case PL_CMD_TICK:
        ev.kind = PL_EV_TICKED;
        ev.ticked.next_us = r->next_us;
        break;
    case PL_CMD_RESERVE:
        ev.kind = PL_EV_RESERVED;
        ev.reserved.account_id = r->account_id;
        ev.reserved.login = pl_str_c(r->login);
        break;
    case PL_CMD_INTENTS:
        ev.kind = PL_EV_INTENDED;
        ev.intended.ids = r->ids;
        ev.intended.n = r->failed ? 0 : r->c.intents.n;
        break;
    default:
        break;
    }
    answer_last(m, r, &ev);
}

void serve_answer(struct sim *m, struct req *r)
{
    switch (r->c.kind) {
    case PL_CMD_LOAD:
        answer_rows(m, r, PL_EV_LOAD_ROW, PL_EV_LOAD_DONE);
        break;
    case PL_CMD_SCAN_ACCOUNTS:
    case PL_CMD_SCAN_GROUP:
    case PL_CMD_SCAN_GROUPS:
    case PL_CMD_WATCH_STATE:
    case PL_CMD_UNACKED:
        answer_rows(m, r, PL_EV_SCAN_ROW, PL_EV_SCAN_DONE);
        break;
    case PL_CMD_SEARCH:
        answer_search(m, r);
        break;
    case PL_CMD_MODIFY:
    case PL_CMD_ADD:
        answer_write(m, r);
        break;
    default:
        answer_store(m, r);
    }
}

void serve_resume(struct sim *m)
{
    for (size_t i = 0; i < m->n_reqs; i++) {
        struct req *r = m->reqs[i];
        if (r->paused && !r->dead && pl_engine_wants(m->e, r->id)) {
            r->paused = false;
            queue_add(&m->q, m->now, RUN_ANSWER, m->engine_no, r);
        }
    }
}
