#include "store_priv.h"

#include <string.h>

/* The numbers that monitoring asks for, on a connection of their own: they hold up no leaver, and a long read of a full
 * compare holds up no number. It is opened by the first question and stays. One question is open at a time. */

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
    pld_log(7, "store.info_lost", "the connection for numbers is lost: %s", why);
}

static const struct pld_pg_pipe_ops info_ops = {info_params, info_up, NULL, info_down};

static enum pl_flow info_row(struct pld_pg_job *job, const PGresult *res, int row)
{
    struct pld_task *t = (struct pld_task *)job;
    struct pl_str cols[4];
    struct pld_store *s = t->store;
    t->malformed = t->malformed || pld_row_columns(res, row, cols, 4) != 4;
    for (size_t i = 0; i < s->n_info_asks && !t->malformed; i++)
        s->info_asks[i].row(s->info_asks[i].ctx, cols);
    return PL_CONTINUE;
}

static void info_end(struct pld_pg_job *job, enum pld_pg_end how)
{
    struct pld_task *t = (struct pld_task *)job;
    struct pld_store *s = t->store;
    struct pld_info asks[PLD_INFO_ASKS];
    size_t n = s->n_info_asks;
    bool ok = how == PLD_PG_DONE && !t->malformed;

    memcpy(asks, s->info_asks, sizeof asks);
    pld_task_free(t);
    s->n_info_asks = 0;
    for (size_t i = 0; i < n && !s->closing; i++)
        asks[i].done(asks[i].ctx, ok);
}

bool pld_store_info(struct pld_store *s, const struct pld_info *ask)
{
    if (!s->up || s->n_info_asks == PLD_INFO_ASKS)
        return false;
    s->info_asks[s->n_info_asks++] = *ask;
    if (s->n_info_asks > 1)
        return true; /* all rows come with one result: nobody has missed one */
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
