/* What becomes of requests when their connection ends: not done, done with the answer lost, or done later. */
#include <stdlib.h>
#include "run.h"

static bool changes_store(enum pl_cmd_kind k)
{
    return k == PL_CMD_RECOVER || k == PL_CMD_TICK || k == PL_CMD_RESERVE || k == PL_CMD_INTENTS ||
           k == PL_CMD_SETTLE || k == PL_CMD_HOLD || k == PL_CMD_NOMINATE || k == PL_CMD_WATCHED || k == PL_CMD_ACKED;
}

/* Requests of one connection are carried out in order: the first that is lost takes the others with it. */
static void end_store(struct sim *m, struct req *r, bool *lost)
{
    if (r->executed) {
        if (changes_store(r->c.kind))
            cover_fault(F_STORE_ANSWER_LOST);
        return;
    }
    if (*lost || rng_pct(&m->rng, 50)) {
        *lost = true;
        cover_fault(F_STORE_LOST);
        return;
    }
    serve_execute(m, r); /* its answer finds nobody */
    if (changes_store(r->c.kind))
        cover_fault(F_STORE_ANSWER_LOST);
}

static void later(struct sim *m, struct req *r)
{
    cover_fault(F_WRITE_LATE);
    queue_add(&m->q, m->now + rng_log(&m->rng, 1000, 5 * US_SECOND), RUN_LATE, 0, r);
}

void serve_late(struct sim *m, struct req *r)
{
    struct directory *d = &m->d[r->dir];
    sim_trace(m, "late: request %llu is carried out", (unsigned long long)r->id);
    check_late(m, &r->c, r->dir);
    if (r->c.kind == PL_CMD_ADD)
        directory_create(d, &r->c, m->now);
    else
        directory_modify(d, &r->c, m->now);
    sim_request_free(m, r);
}

/* A write whose answer will never come. True: it is carried out later and the request lives until then. */
static bool end_write(struct sim *m, struct req *r)
{
    if (r->executed) {
        cover_fault(F_WRITE_ANSWER_LOST);
        return false;
    }
    int what = rng_below(&m->rng, 100);
    if (what < 40) {
        cover_fault(F_WRITE_LOST);
    } else if (what < 80) {
        serve_execute(m, r);
        cover_fault(F_WRITE_ANSWER_LOST);
    } else {
        return true;
    }
    return false;
}

static struct req *first_open(struct sim *m, int dir, bool all)
{
    struct req *best = NULL;
    for (size_t i = 0; i < m->n_reqs; i++)
        if (!m->reqs[i]->dead && (all || m->reqs[i]->dir == dir) && (!best || m->reqs[i]->id < best->id))
            best = m->reqs[i];
    return best;
}

/* Each open request stands in the queue exactly once, unless it is paused; there it is freed when its time comes. A
 * request that is executed here gets a second place, which must not happen to one that stays alive. */
void serve_drop(struct sim *m, int dir, bool crash)
{
    bool lost = false;
    for (int d = 0; d < N_DIRS; d++)
        if (crash || d == dir) {
            watch_off(m, d);
            wake_off(m, d);
        }
    for (struct req *r = first_open(m, dir, crash); r; r = first_open(m, dir, crash)) {
        bool lives_on = false;
        r->detached = true;
        if (r->dir < 0)
            end_store(m, r, &lost);
        else if (r->write)
            lives_on = end_write(m, r);
        sim_request_forget(m, r);
        r->dead = true;
        if (r->paused)
            sim_request_free(m, r);
        else if (lives_on)
            r->late = true;
    }
}

/* The queue came to a request whose connection is gone. */
void serve_dead(struct sim *m, struct req *r)
{
    if (r->late) {
        r->late = false;
        later(m, r);
    } else {
        sim_request_free(m, r);
    }
}
