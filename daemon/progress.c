#include "progress.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../lib/engine/inspect.h"

enum {
    LONG_MS = 1000, /* what is done sooner needs no word */
    SAY_MS = 5000,  /* between two words */
};

struct pld_progress {
    struct pld_progress_from from;
    struct event *tick;    /* only while work is long */
    int64_t since_ms;      /* when it began; 0: nothing is being done */
    int64_t said_ms;       /* 0: nothing was said of it */
    long done;             /* persons, since it began */
    long waiting, counted; /* persons in the queue: as last told, and as they are being told */
    bool asked;
    char *text; /* what was said last */
};

static int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- how much is left: only the queue knows ---- */

static void on_row(void *ctx, const struct pl_str cols[4])
{
    struct pld_progress *p = ctx;
    int64_t n = 0;
    if (pl_str_eq_c(cols[0], "paasla_queue_persons") && pl_str_to_i64(cols[3], &n))
        p->counted += (long)n;
}

static void say(struct pld_progress *p);

static void on_counted(void *ctx, bool ok)
{
    struct pld_progress *p = ctx;
    p->asked = false;
    p->waiting = ok ? p->counted : -1;
    if (p->since_ms && evtimer_pending(p->tick, NULL))
        say(p);
}

/* ---- the words ---- */

static void add_compares(const struct pld_progress *p, struct pl_buf *b)
{
    struct pl_comparing c;
    for (size_t i = 0; pl_engine_comparing(p->from.engine, i, &c); i++) {
        if (!c.running)
            continue;
        pl_buf_printf(b, "%scomparing %.*s: ", b->len ? "; " : "", (int)c.directory.len, c.directory.s);
        if (c.group > 0)
            pl_buf_printf(b, "%ld entries read, group %zu of %zu", c.entries, c.group, c.n_groups);
        else
            pl_buf_printf(b, "%ld entries read", c.entries);
    }
}

static void say(struct pld_progress *p)
{
    struct pl_buf b = {0};
    add_compares(p, &b);
    if (p->done > 0 && p->waiting > 0)
        pl_buf_printf(&b, "%s%ld of about %ld persons done", b.len ? "; " : "", p->done, p->done + p->waiting);
    else if (p->done > 0)
        pl_buf_printf(&b, "%s%ld persons done", b.len ? "; " : "", p->done);
    if (b.len > 0 && (!p->text || strcmp(p->text, b.s) != 0)) {
        p->said_ms = monotonic_ms();
        pld_event(6, "progress",
                  PLD_FIELDS(PLD_NUMBER("seconds", (p->said_ms - p->since_ms) / 1000), PLD_NUMBER("done", p->done)),
                  "%s", b.s);
        p->from.say(p->from.ctx, b.s);
        free(p->text);
        p->text = b.s;
        return;
    }
    pl_buf_free(&b);
}

static void over(struct pld_progress *p)
{
    if (p->said_ms) {
        pld_event(6, "progress.over",
                  PLD_FIELDS(PLD_NUMBER("seconds", (monotonic_ms() - p->since_ms) / 1000), PLD_NUMBER("done", p->done)),
                  "done: %ld persons in %lld s", p->done, (long long)(monotonic_ms() - p->since_ms) / 1000);
        p->from.say(p->from.ctx, NULL);
    }
    free(p->text);
    p->text = NULL;
    p->since_ms = p->said_ms = 0;
    p->done = 0;
}

/* ---- when ---- */

static void rearm(struct pld_progress *p)
{
    struct timeval tv = {LONG_MS / 1000, 0};
    event_add(p->tick, &tv);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct pld_progress *p = arg;
    struct pld_info ask = {on_row, on_counted, p};
    (void)fd;
    (void)what;
    if (!pl_engine_busy(p->from.engine)) {
        over(p);
        return;
    }
    rearm(p);
    if (p->asked || (p->said_ms && monotonic_ms() - p->said_ms < SAY_MS))
        return;
    p->counted = 0;
    p->waiting = -1;
    p->asked = p->done > 0 && pld_store_info(p->from.store, &ask);
    if (!p->asked)
        say(p);
}

/* Two pieces of work with a breath between them are one: the tick looks a second later. */
void pld_progress_event(struct pld_progress *p)
{
    if (evtimer_pending(p->tick, NULL))
        return;
    if (!pl_engine_busy(p->from.engine))
        over(p);
    else if (p->since_ms == 0)
        p->since_ms = monotonic_ms();
    else if (monotonic_ms() - p->since_ms >= LONG_MS)
        rearm(p);
}

void pld_progress_command(struct pld_progress *p, const struct pl_command *cmd)
{
    if (cmd->kind == PL_CMD_SETTLE && cmd->settle->n_seqs > 0)
        p->done++;
}

/* ---- life ---- */

struct pld_progress *pld_progress_new(const struct pld_progress_from *from)
{
    struct pld_progress *p = pl_xcalloc(1, sizeof *p);
    p->from = *from;
    p->tick = evtimer_new(from->base, on_tick, p);
    return p;
}

void pld_progress_free(struct pld_progress *p)
{
    if (!p)
        return;
    event_free(p->tick);
    free(p->text);
    free(p);
}
