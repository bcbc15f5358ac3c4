#include "pg_pipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../sql/embed.h"
#include "pg_state.h"
#include "shell.h"

enum { MAX_FLIGHT = 64 }; /* statements sent and not answered; the rest waits here, where it costs the server nothing */

struct queue {
    struct pld_pg_job *head, **tail;
    size_t n;
};

struct pld_pg_pipe {
    struct pld_pg_link *link;
    const char *name;
    const struct pld_pg_pipe_ops *ops;
    void *ctx;
    struct queue waiting; /* not sent */
    struct queue flight;  /* sent, in order of answers */
    struct queue refused;
    struct event *pump;     /* activated by hand: sends, resumes, answers refused ones */
    struct event *patience; /* runs while an answer is owed */
    int patience_s;
    int nulls;   /* PQgetResult answers NULL between two statements, never twice */
    bool paused; /* the head of flight */
};

/* ---- queues ---- */

static void queue_init(struct queue *q)
{
    *q = (struct queue){.tail = &q->head};
}

static void push(struct queue *q, struct pld_pg_job *job)
{
    job->next = NULL;
    *q->tail = job;
    q->tail = &job->next;
    q->n++;
}

static struct pld_pg_job *pop(struct queue *q)
{
    struct pld_pg_job *job = q->head;
    if (!job)
        return NULL;
    q->head = job->next;
    if (!q->head)
        q->tail = &q->head;
    q->n--;
    return job;
}

/* Takes the whole queue first: an end() may submit anew. */
static void end_all(struct queue *q, enum pld_pg_end how)
{
    struct queue all = *q;
    if (!all.head)
        return;
    queue_init(q);
    while (all.head) {
        struct pld_pg_job *job = all.head;
        all.head = job->next;
        job->end(job, how);
    }
}

/* ---- time ---- */

/* A host that froze answers neither statements nor keepalives in time; PQcancel would block on it too. */
static void on_patience(evutil_socket_t fd, short what, void *arg)
{
    struct pld_pg_pipe *p = arg;
    (void)fd;
    (void)what;
    pld_pg_link_fail(p->link, "the server owes an answer for too long");
}

static void watch(struct pld_pg_pipe *p)
{
    struct timeval tv = {p->patience_s, 0};
    if (p->flight.n && !p->paused)
        event_add(p->patience, &tv);
    else
        event_del(p->patience);
}

/* ---- sending ---- */

static void single_row(struct pld_pg_pipe *p)
{
    if (p->flight.head && p->flight.head->stream && PQsetSingleRowMode(pld_pg_link_conn(p->link)) != 1)
        pld_pg_link_fail(p->link, "libpq refused single-row mode");
}

static bool send_one(struct pld_pg_pipe *p, struct pld_pg_job *job)
{
    PGconn *conn = pld_pg_link_conn(p->link);
    const char *sql = pl_sql_query(job->query);

    if (PQsendQueryParams(conn, sql, job->n_params, NULL, job->params, NULL, NULL, 0) != 1 ||
        PQpipelineSync(conn) != 1) {
        pld_pg_link_fail(p->link, NULL);
        return false;
    }
    return true;
}

static void send_waiting(struct pld_pg_pipe *p)
{
    bool any = false;

    while (p->waiting.head && p->flight.n < MAX_FLIGHT && pld_pg_link_open(p->link)) {
        struct pld_pg_job *job = pop(&p->waiting);
        bool first = p->flight.n == 0;
        push(&p->flight, job);
        if (!send_one(p, job))
            return;
        if (first)
            single_row(p); /* a later one is set when its turn comes */
        any = true;
    }
    if (any) {
        pld_pg_link_flush(p->link);
        watch(p);
    }
}

/* ---- answers ---- */

/* Decides whether the connection is of further use. */
static void take_error(struct pld_pg_pipe *p, struct pld_pg_job *job, const PGresult *res)
{
    const char *code = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    job->failed = true;
    if (!code) { /* libpq's own: the connection is gone */
        pld_pg_link_fail(p->link, NULL);
        return;
    }
    snprintf(job->sqlstate, sizeof job->sqlstate, "%s", code);
    if (job->quiet)
        return;
    const struct pld_pg_state *state = pld_pg_state(code);
    pld_pg_log(p->name, job->query, res, state);
    if (state->verdict == PLD_PG_RECONNECT)
        pld_pg_link_fail(p->link, state->say);
}

static void take_rows(struct pld_pg_pipe *p, struct pld_pg_job *job, const PGresult *res)
{
    int n = job->row ? PQntuples(res) : 0;
    for (int i = 0; i < n; i++)
        if (job->row(job, res, i) == PL_PAUSE && PQresultStatus(res) == PGRES_SINGLE_TUPLE)
            p->paused = true;
}

/* The Sync after a statement is the end of its transaction: only now it is committed. */
static void take_end(struct pld_pg_pipe *p)
{
    struct pld_pg_job *job = pop(&p->flight);
    single_row(p);
    job->end(job, job->failed ? PLD_PG_FAILED : PLD_PG_DONE);
}

static void take_result(struct pld_pg_pipe *p, const PGresult *res)
{
    struct pld_pg_job *job = p->flight.head;

    switch (PQresultStatus(res)) {
    case PGRES_SINGLE_TUPLE:
    case PGRES_TUPLES_OK:
        take_rows(p, job, res);
        break;
    case PGRES_COMMAND_OK:
        break;
    case PGRES_PIPELINE_SYNC:
        take_end(p);
        break;
    case PGRES_PIPELINE_ABORTED: /* never run: something before it in the same transaction failed and was logged */
        job->failed = true;
        break;
    case PGRES_FATAL_ERROR:
        take_error(p, job, res);
        break;
    default:
        pld_pg_link_fail(p->link, "an answer of unknown kind came");
    }
}

static void take_results(struct pld_pg_pipe *p)
{
    PGconn *conn = pld_pg_link_conn(p->link);

    while (p->flight.n && !p->paused && pld_pg_link_open(p->link) && !PQisBusy(conn)) {
        PGresult *res = PQgetResult(conn);
        p->nulls = res ? 0 : p->nulls + 1;
        if (res)
            take_result(p, res);
        else if (p->nulls > 1)
            pld_pg_link_fail(p->link, "answers are out of step");
        PQclear(res);
    }
    if (p->paused)
        pld_pg_link_reading(p->link, false);
    watch(p);
}

static void take_notifies(struct pld_pg_pipe *p)
{
    PGnotify *n;
    if (!p->ops->notify)
        return;
    while (pld_pg_link_open(p->link) && (n = PQnotifies(pld_pg_link_conn(p->link)))) {
        p->ops->notify(p->ctx, n->relname, n->be_pid);
        PQfreemem(n);
    }
}

/* ---- the link's callbacks ---- */

static void on_pump(evutil_socket_t fd, short what, void *arg)
{
    struct pld_pg_pipe *p = arg;
    (void)fd;
    (void)what;
    end_all(&p->refused, PLD_PG_FAILED);
    if (!pld_pg_link_open(p->link))
        return;
    take_results(p); /* rows that lay ready when a pause ended */
    send_waiting(p);
}

static void link_input(void *ctx)
{
    struct pld_pg_pipe *p = ctx;
    take_results(p);
    take_notifies(p);
    send_waiting(p);
}

static void link_up(void *ctx)
{
    struct pld_pg_pipe *p = ctx;
    p->nulls = 0;
    p->ops->up(p->ctx);
    event_active(p->pump, EV_TIMEOUT, 0);
}

static void lose(struct pld_pg_pipe *p)
{
    p->paused = false;
    event_del(p->patience);
    end_all(&p->refused, PLD_PG_FAILED);
    end_all(&p->flight, PLD_PG_LOST);
    end_all(&p->waiting, PLD_PG_LOST);
}

static void link_down(void *ctx, const char *why)
{
    struct pld_pg_pipe *p = ctx;
    lose(p);
    p->ops->down(p->ctx, why);
}

static bool link_params(void *ctx, struct pld_pg_params *out, struct pl_err *err)
{
    struct pld_pg_pipe *p = ctx;
    return p->ops->params(p->ctx, out, err);
}

static const struct pld_pg_link_ops link_ops = {link_params, link_up, link_input, link_down};

/* ---- life ---- */

struct pld_pg_pipe *pld_pg_pipe_new(struct event_base *base, const char *name, int patience_s,
                                    const struct pld_pg_pipe_ops *ops, void *ctx)
{
    struct pld_pg_pipe *p = pl_xcalloc(1, sizeof *p);
    p->name = name;
    p->ops = ops;
    p->ctx = ctx;
    p->patience_s = patience_s;
    queue_init(&p->waiting);
    queue_init(&p->flight);
    queue_init(&p->refused);
    p->link = pld_pg_link_new(base, &link_ops, p);
    p->pump = event_new(base, -1, 0, on_pump, p);
    p->patience = evtimer_new(base, on_patience, p);
    return p;
}

void pld_pg_pipe_start(struct pld_pg_pipe *p)
{
    pld_pg_link_start(p->link);
}

void pld_pg_pipe_stop(struct pld_pg_pipe *p)
{
    pld_pg_link_stop(p->link);
    lose(p);
}

void pld_pg_pipe_fail(struct pld_pg_pipe *p, const char *why)
{
    pld_pg_link_fail(p->link, why);
}

void pld_pg_pipe_free(struct pld_pg_pipe *p)
{
    if (!p)
        return;
    pld_pg_pipe_stop(p);
    pld_pg_link_free(p->link);
    event_free(p->pump);
    event_free(p->patience);
    free(p);
}

void pld_pg_pipe_submit(struct pld_pg_pipe *p, struct pld_pg_job *job)
{
    if (!pl_sql_query(job->query)) {
        pld_log(3, "store.not_sent", "query %s is not built in", job->query);
        pld_pg_pipe_refuse(p, job);
        return;
    }
    push(&p->waiting, job);
    event_active(p->pump, EV_TIMEOUT, 0);
}

void pld_pg_pipe_refuse(struct pld_pg_pipe *p, struct pld_pg_job *job)
{
    push(&p->refused, job);
    event_active(p->pump, EV_TIMEOUT, 0);
}

struct pld_pg_job *pld_pg_pipe_paused(const struct pld_pg_pipe *p)
{
    return p->paused ? p->flight.head : NULL;
}

void pld_pg_pipe_resume(struct pld_pg_pipe *p)
{
    if (!p->paused)
        return;
    p->paused = false;
    pld_pg_link_reading(p->link, true);
    event_active(p->pump, EV_TIMEOUT, 0);
}

PGconn *pld_pg_pipe_conn(const struct pld_pg_pipe *p)
{
    return pld_pg_link_open(p->link) ? pld_pg_link_conn(p->link) : NULL;
}
