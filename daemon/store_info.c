#include "store_priv.h"

/* The numbers that monitoring asks for, on a connection of their own: they hold up no leaver, and a long read of a full
 * compare holds up no number. It is opened by the first question and stays. One question at a time. */

enum { INFO_PATIENCE_S = 10 };
#define INFO_TIMEOUT "2s"

static bool info_params(void *ctx, struct pld_pg_params *out, struct pl_err *err)
{
    struct pld_store *s = ctx;
    return pld_pg_params_make(s->conf, "info", INFO_TIMEOUT, pld_pg_pipe_conn(s->main), out, err);
}

static void info_up(void *ctx)
{
    (void)ctx; /* what waits is sent by the pipe */
}

static void info_down(void *ctx, const char *why)
{
    (void)ctx;
    pld_log(7, "store", "the connection for numbers is lost: %s", why);
}

static const struct pld_pg_pipe_ops info_ops = {info_params, info_up, NULL, info_down};

static enum pl_flow info_row(struct pld_pg_job *job, const PGresult *res, int row)
{
    struct pld_task *t = (struct pld_task *)job;
    struct pl_str cols[4];
    if (pld_row_columns(res, row, cols, 4) != 4)
        t->malformed = true;
    else
        t->store->info_ask.row(t->store->info_ask.ctx, cols);
    return PL_CONTINUE;
}

static void info_end(struct pld_pg_job *job, enum pld_pg_end how)
{
    struct pld_task *t = (struct pld_task *)job;
    struct pld_store *s = t->store;
    struct pld_info ask = s->info_ask;
    bool ok = how == PLD_PG_DONE && !t->malformed;

    pld_task_free(t);
    s->info_asked = false;
    if (!s->closing)
        ask.done(ask.ctx, ok);
}

bool pld_store_info(struct pld_store *s, const struct pld_info *ask)
{
    if (!s->up || s->info_asked)
        return s->info_asked;
    s->info_asked = true;
    s->info_ask = *ask;
    struct pld_task *t = pld_task_new(s, "metrics");
    t->job.row = info_row;
    t->job.end = info_end;
    pld_pg_pipe_start(s->info);
    pld_pg_pipe_submit(s->info, &t->job);
    return true;
}

struct pld_pg_pipe *pld_info_pipe(struct pld_store *s, struct event_base *base)
{
    return pld_pg_pipe_new(base, "store info", INFO_PATIENCE_S, &info_ops, s);
}
