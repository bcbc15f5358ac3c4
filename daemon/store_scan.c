/* The connections for reads beside the work. Each directory's compare has one of its own, made when it is first needed:
 * a read that waits until its directory is read holds up no other directory's. Those who watch have one together. */
#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

enum { SCAN_PATIENCE_S = 900, WATCH_PATIENCE_S = 90 };
#define SCAN_TIMEOUT  "4h" /* counts while the engine pauses a read, too */
#define WATCH_TIMEOUT "60s"

static bool scan_params(void *ctx, struct pld_pg_params *out, struct pl_err *err)
{
    struct pld_store *s = ctx;
    return pld_pg_params_make(s->conf, "scan", SCAN_TIMEOUT, pld_pg_pipe_conn(s->main), out, err);
}

static bool watch_params(void *ctx, struct pld_pg_params *out, struct pl_err *err)
{
    struct pld_store *s = ctx;
    return pld_pg_params_make(s->conf, "watch", WATCH_TIMEOUT, pld_pg_pipe_conn(s->main), out, err);
}

static void up(void *ctx)
{
    (void)ctx; /* what waits is sent by the pipe */
}

static void scan_down(void *ctx, const char *why)
{
    (void)ctx;
    pld_log(4, "store.scan_lost", "a connection for long reads is lost: %s", why);
}

static void watch_down(void *ctx, const char *why)
{
    (void)ctx;
    pld_log(4, "store.watch_lost", "the connection for reads of the watch is lost: %s", why);
}

static const struct pld_pg_pipe_ops scan_ops = {scan_params, up, NULL, scan_down};
static const struct pld_pg_pipe_ops watch_ops = {watch_params, up, NULL, watch_down};

struct pld_pg_pipe *pld_watch_pipe(struct pld_store *s, struct event_base *base)
{
    return pld_pg_pipe_new(base, "store watch", WATCH_PATIENCE_S, &watch_ops, s);
}

struct pld_pg_pipe *pld_scan_pipe(struct pld_store *s, struct pl_str directory)
{
    struct pld_scan *c = s->scans;
    while (c && !pl_str_eq_c(directory, c->directory))
        c = c->next;
    if (!c) {
        c = pl_xcalloc(1, sizeof *c + directory.len + 1);
        memcpy(c->directory, directory.s, directory.len);
        c->pipe = pld_pg_pipe_new(s->host.base, "store scan", SCAN_PATIENCE_S, &scan_ops, s);
        c->next = s->scans;
        s->scans = c;
    }
    return c->pipe;
}

void pld_store_resume(struct pld_store *s)
{
    for (struct pld_scan *c = s->scans; c; c = c->next) {
        struct pld_pg_job *job = pld_pg_pipe_paused(c->pipe);
        if (job && s->host.wants(s->host.ctx, ((struct pld_task *)job)->req))
            pld_pg_pipe_resume(c->pipe);
    }
}

void pld_scans_stop(struct pld_store *s)
{
    for (struct pld_scan *c = s->scans; c; c = c->next)
        pld_pg_pipe_stop(c->pipe);
}

void pld_scans_free(struct pld_store *s)
{
    for (struct pld_scan *c; (c = s->scans);) {
        s->scans = c->next;
        pld_pg_pipe_free(c->pipe);
        free(c);
    }
}
