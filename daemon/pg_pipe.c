#include "pg_pipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../sql/embed.h"
#include "pg_state.h"
#include "shell.h"

enum { MAX_PREPARED = 48 }; /* queries there are; more would only not be prepared */
enum { MAX_SHARE = 32, APART_AFTER_FAILURE = 256 };
/* Transactions that may be shared, sent and not ended: one at work, one ready. The next ones wait here and so come to share:
 * sent at once, each would wait for the disk by itself behind the others. */
enum { MAX_JOINT = 2 };
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
    struct pld_pg_job
        *current; /* in flight: whose answer comes next; those before it wait for their transaction's end */
    int joint;    /* transactions of jobs that may share, in flight */
    int apart;    /* so many jobs more do not share: one of those that did has failed */
    struct queue refused;
    struct event *pump;     /* activated by hand: sends, resumes, answers refused ones */
    struct event *patience; /* runs while an answer is owed */
    int patience_s;
    const char *prepared[MAX_PREPARED]; /* on this connection */
    size_t n_prepared;
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

static void fly(struct pld_pg_pipe *p, struct pld_pg_job *job)
{
    push(&p->flight, job);
    if (!p->current)
        p->current = job;
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
    if (p->current && p->current->stream && !p->current->preamble && PQsetSingleRowMode(pld_pg_link_conn(p->link)) != 1)
        pld_pg_link_fail(p->link, "libpq refused single-row mode");
}

/* ---- statements are parsed and planned once a connection: planning the load takes longer than running it ---- */

struct preparation {
    struct pld_pg_job job; /* first */
    struct pld_pg_pipe *pipe;
};

static void prepared(struct pld_pg_job *job, enum pld_pg_end how)
{
    struct pld_pg_pipe *p = ((struct preparation *)job)->pipe;
    for (size_t i = 0; how == PLD_PG_FAILED && i < p->n_prepared; i++)
        if (strcmp(p->prepared[i], job->query) == 0)
            p->prepared[i] = p->prepared[--p->n_prepared]; /* next time anew */
    free(job);
}

static bool is_prepared(const struct pld_pg_pipe *p, const char *query)
{
    for (size_t i = 0; i < p->n_prepared; i++)
        if (strcmp(p->prepared[i], query) == 0)
            return true;
    return false;
}

/* A transaction of its own in the pipeline, ahead of the first statement that uses it: no round trip is spent. */
static bool prepare(struct pld_pg_pipe *p, const char *query)
{
    struct preparation *x = pl_xcalloc(1, sizeof *x);
    PGconn *conn = pld_pg_link_conn(p->link);
    x->job.query = query;
    x->job.end = prepared;
    x->pipe = p;
    x->job.syncs = true;
    fly(p, &x->job);
    p->prepared[p->n_prepared++] = query;
    return PQsendPrepare(conn, query, pl_sql_query(query), 0, NULL) == 1 && PQpipelineSync(conn) == 1;
}

static bool send_one(struct pld_pg_pipe *p, struct pld_pg_job *job, bool syncs)
{
    PGconn *conn = pld_pg_link_conn(p->link);
    bool known = is_prepared(p, job->query), sent = true;

    if (!known && p->n_prepared < MAX_PREPARED)
        sent = known = prepare(p, job->query);
    fly(p, job);
    job->preamble = job->by_key && known;
    if (sent && job->preamble)
        sent = PQsendQueryParams(conn, pl_sql_query("plan_by_key"), 0, NULL, NULL, NULL, NULL, 0) == 1;
    if (sent)
        sent = known ? PQsendQueryPrepared(conn, job->query, job->n_params, job->params, NULL, NULL, 0) == 1
                     : PQsendQueryParams(conn, pl_sql_query(job->query), job->n_params, NULL, job->params, NULL, NULL,
                                         0) == 1;
    job->syncs = syncs;
    p->joint += job->joins && syncs;
    if (!sent || (syncs && PQpipelineSync(conn) != 1)) {
        pld_pg_link_fail(p->link, NULL);
        return false;
    }
    return true;
}

/* Whether the transaction goes on with the next one that waits. Never over a pause in sending: it would stay open. */
static bool may_share(struct pld_pg_pipe *p, const struct pld_pg_job *job, int sharing)
{
    const struct pld_pg_job *next = p->waiting.head;
    if (p->apart > 0) {
        p->apart--;
        return false;
    }
    return job->joins && next && next->joins && sharing < MAX_SHARE && p->flight.n + 2 < MAX_FLIGHT &&
           strcmp(job->query, next->query) == 0 && is_prepared(p, job->query);
}

static void send_waiting(struct pld_pg_pipe *p)
{
    bool any = false;
    int sharing = 0;

    while (p->waiting.head && p->flight.n < MAX_FLIGHT && pld_pg_link_open(p->link)) {
        if (sharing == 0 && p->waiting.head->joins && p->joint >= MAX_JOINT)
            break;
        struct pld_pg_job *job = pop(&p->waiting);
        bool first = p->flight.n == 0, shares = may_share(p, job, ++sharing);
        if (!shares)
            sharing = 0;
        if (!send_one(p, job, !shares))
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

/* The Sync behind the last statement is the end of the transaction: only now it is committed, or none of it is. */
static void take_end(struct pld_pg_pipe *p)
{
    struct queue ended;
    struct pld_pg_job *job;
    bool failed = false;
    int n = 0;

    queue_init(&ended);
    do {
        job = pop(&p->flight);
        failed = failed || job->failed;
        push(&ended, job);
        n++;
    } while (!job->syncs);
    p->joint -= job->joins;
    if (failed && n > 1)
        p->apart = APART_AFTER_FAILURE;
    p->current = p->flight.head;
    single_row(p);
    end_all(&ended, failed ? PLD_PG_FAILED : PLD_PG_DONE);
}

static void take_result(struct pld_pg_pipe *p, const PGresult *res)
{
    struct pld_pg_job *job = p->current;

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

/* A row of no interest or none, and the NULL behind it. */
static void take_preamble(struct pld_pg_pipe *p, const PGresult *res)
{
    struct pld_pg_job *job = p->current;
    if (!res) {
        job->preamble = false;
        single_row(p);
    } else if (PQresultStatus(res) == PGRES_FATAL_ERROR) {
        take_error(p, job, res);
    }
}

static void take_results(struct pld_pg_pipe *p)
{
    PGconn *conn = pld_pg_link_conn(p->link);

    while (p->flight.n && !p->paused && pld_pg_link_open(p->link) && !PQisBusy(conn)) {
        PGresult *res = PQgetResult(conn);
        p->nulls = res ? 0 : p->nulls + 1;
        if (p->current->preamble)
            take_preamble(p, res);
        else if (res)
            take_result(p, res);
        else if (p->nulls > 1)
            pld_pg_link_fail(p->link, "answers are out of step");
        else if (!p->current->syncs) /* its transaction goes on with the next one */
            p->current = p->current->next;
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
    p->n_prepared = 0;
    p->ops->up(p->ctx);
    event_active(p->pump, EV_TIMEOUT, 0);
}

static void lose(struct pld_pg_pipe *p)
{
    p->paused = false;
    p->current = NULL;
    p->joint = 0;
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
    return p->paused ? p->current : NULL;
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
