#include "page.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "../lib/core/health.h"
#include "../lib/directory/result_name.h"
#include "http.h"
#include "metric.h"

struct pld_page {
    struct pld_tell_from from;
    struct pld_tell *tell;
    struct pld_metrics *metrics;
    struct pld_http *http; /* NULL: nobody listens */
    double started_s;      /* Unix time */
    /* What the last answer of the database said. */
    bool asking; /* an answer is under way */
    bool answered;
    double oldest_s, locks_not_proven;
};

static const struct pld_labels none;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct pld_labels labels(const char *a, const char *b)
{
    return (struct pld_labels){{pl_str_c(a), pl_str_c(b)}};
}

/* ---- counted as it happens ---- */

static const char *result_of(const struct pl_intent *i)
{
    return pl_result_name(i->code > 0 ? i->code : i->outcome == PL_OUT_DONE ? 0 : PL_RESULT_UNKNOWN);
}

/* A leaver who was out before and is put right again is no departure: his delay would count from the day he left. */
static void count_delays(struct pld_page *p, const struct pl_settle *s)
{
    struct pld_labels dir = {{s->directory}};
    if (s->was == PL_STATE_OUT || s->changed_at_us == 0)
        return;
    if (s->locked_at_us)
        pld_metric_time(p->metrics, PLD_M_LOCK_DELAY, dir, s->locked_at_us - s->changed_at_us);
    if (s->out_at_us)
        pld_metric_time(p->metrics, PLD_M_OUT_DELAY, dir, s->out_at_us - s->changed_at_us);
}

void pld_page_command(struct pld_page *p, const struct pl_command *cmd)
{
    if (cmd->kind != PL_CMD_SETTLE)
        return;
    const struct pl_settle *s = cmd->settle;
    count_delays(p, s);
    for (size_t i = 0; i < s->n_intents; i++) {
        const struct pl_intent *w = &s->intents[i];
        struct pld_labels l = {{s->directory, pl_str_c(pl_op_name(w->op)), pl_str_c(result_of(w))}};
        if (w->at_us) /* else of a former life, which counted for itself */
            pld_metric_count(p->metrics, PLD_M_WRITES, l, 1);
    }
}

void pld_page_loaded(struct pld_page *p, int64_t loaded_us, bool ok)
{
    pld_metric_set(p->metrics, PLD_M_CONFIG_LOADED, none, (double)loaded_us / 1e6);
    pld_metric_set(p->metrics, PLD_M_CONFIG_OK, none, ok);
}

/* ---- what the database says ---- */

static void on_row(void *ctx, const struct pl_str cols[4])
{
    struct pld_page *p = ctx;
    enum pld_metric id = pld_metric_named(cols[0]);
    double value = strtod(cols[3].s, NULL); /* libpq ends it with a NUL */

    if (id < PLD_M_FIRST_OF_DATABASE || id == PLD_M_COUNT) {
        pld_log(3, "http.unknown_metric", "metrics.sql names a number that is not in the table");
        return;
    }
    struct pld_labels l = {{cols[1]}};
    if (pld_metric_rows[id].labels[1])
        l.v[1] = cols[2];
    pld_metric_set(p->metrics, id, l, value);
    if (id == PLD_M_QUEUE_OLDEST && value > p->oldest_s)
        p->oldest_s = value;
    if (id == PLD_M_LOCKS_NOT_PROVEN)
        p->locks_not_proven += value;
}

static void on_rows_done(void *ctx, bool ok)
{
    struct pld_page *p = ctx;
    p->asking = false;
    p->answered = ok;
    if (!ok)
        pld_metrics_forget(p->metrics, PLD_M_FIRST_OF_DATABASE);
    pld_http_gathered(p->http);
}

static void gather(void *ctx)
{
    struct pld_page *p = ctx;
    struct pld_info ask = {on_row, on_rows_done, p};

    pld_metrics_forget(p->metrics, PLD_M_FIRST_OF_DATABASE);
    p->answered = false;
    p->oldest_s = p->locks_not_proven = 0;
    p->asking = p->asking || pld_store_info(p->from.store, &ask);
    if (!p->asking)
        pld_http_gathered(p->http);
}

/* ---- what we see ourselves ---- */

static long judge(struct pld_page *p, struct pl_buf *why)
{
    struct pld_store_state s;
    struct pl_health_dir *dirs = pl_xcalloc(p->from.n_dirs + 1, sizeof *dirs);
    struct pl_health h = {.dirs = dirs, .n_dirs = p->from.n_dirs};

    pld_store_state(p->from.store, &s);
    for (size_t i = 0; i < p->from.n_dirs; i++) {
        struct pld_dir_state d;
        pld_dir_state(p->from.dirs[i], &d);
        dirs[i] =
            (struct pl_health_dir){pl_str_c(d.name), d.up, d.refused, (int64_t)(now_s() - (double)d.since_us / 1e6)};
    }
    h.database_away = !s.up && !s.standby;
    h.database_silent = s.up && !p->answered;
    h.stuck = !pld_tell_alive(p->tell);
    h.oldest_s = (int64_t)p->oldest_s;
    h.locks_not_proven = (long)p->locks_not_proven;
    long n = pl_health_say(&h, PL_HEALTH_MACHINE, "\n", why);
    free(dirs);
    return n;
}

static void set_connections(struct pld_page *p)
{
    struct pld_store_state s;
    pld_store_state(p->from.store, &s);
    pld_metric_set(p->metrics, PLD_M_UP, labels("database", "postgresql"), s.up);
    pld_metric_set(p->metrics, PLD_M_UP_SINCE, labels("database", "postgresql"), (double)s.since_us / 1e6);
    pld_metric_set(p->metrics, PLD_M_STANDBY, none, s.standby);
    for (size_t i = 0; i < p->from.n_dirs; i++) {
        struct pld_dir_state d;
        pld_dir_state(p->from.dirs[i], &d);
        pld_metric_set(p->metrics, PLD_M_UP, labels("directory", d.name), d.up);
        pld_metric_set(p->metrics, PLD_M_UP_SINCE, labels("directory", d.name), (double)d.since_us / 1e6);
    }
}

static void set_own(struct pld_page *p, bool healthy)
{
    static const char *const levels[] = {"emergency", "alert",  "critical", "error",
                                         "warning",   "notice", "info",     "debug"};
    struct pl_engine_status st;
    pl_engine_status(p->from.engine, &st);
    pld_metric_set(p->metrics, PLD_M_BUILD_INFO, labels(PL_VERSION, ""), 1);
    pld_metric_set(p->metrics, PLD_M_START_TIME, none, p->started_s);
    pld_metric_set(p->metrics, PLD_M_HEALTHY, none, healthy);
    pld_metric_set(p->metrics, PLD_M_DATABASE_ANSWERED, none, p->answered);
    pld_metric_set(p->metrics, PLD_M_PERSONS_OPEN, none, (double)st.open_pairs);
    pld_metric_set(p->metrics, PLD_M_REQUESTS_OPEN, none, (double)st.in_flight);
    for (int i = 2; i < 8; i++)
        pld_metric_set(p->metrics, PLD_M_LOG_LINES, labels(levels[i], ""), (double)pld_log_lines(i));
    set_connections(p);
}

static void write_well(const struct pld_page *p, struct pl_buf *out)
{
    struct pld_store_state s;
    size_t up = 0;
    pld_store_state(p->from.store, &s);
    for (size_t i = 0; i < p->from.n_dirs; i++) {
        struct pld_dir_state d;
        pld_dir_state(p->from.dirs[i], &d);
        up += d.up;
    }
    if (s.standby)
        pl_buf_add_c(out, "ok: another paaslad works on this database, this one waits\n");
    else
        pl_buf_printf(out, "ok: PostgreSQL and %zu of %zu directories connected, no change waits for long\n", up,
                      p->from.n_dirs);
}

static int write_page(void *ctx, enum pld_http_page page, struct pl_buf *out)
{
    struct pld_page *p = ctx;
    struct pl_buf why = {0};
    bool healthy = judge(p, &why) == 0;

    if (page == PLD_HTTP_METRICS) {
        set_own(p, healthy);
        pld_metrics_write(p->metrics, out);
    } else if (healthy) {
        write_well(p, out);
    } else {
        pl_buf_add(out, pl_buf_str(&why));
        pl_buf_add_byte(out, '\n');
    }
    pl_buf_free(&why);
    return page == PLD_HTTP_METRICS || healthy ? 200 : 503;
}

/* ---- life ---- */

bool pld_page_listen(struct pld_page *p, struct pl_str address, struct pl_err *err)
{
    static const struct pld_http_ops ops = {gather, write_page};
    struct pld_http *http = NULL;

    if (address.len > 0 && !(http = pld_http_new(p->from.base, address, &ops, p, err)))
        return false;
    pld_http_free(p->http);
    p->http = http;
    if (http)
        pld_log(6, "http.listening", "/metrics and /healthz answer on %.*s", (int)address.len, address.s);
    return true;
}

struct pld_page *pld_page_new(const struct pld_tell_from *from, struct pld_tell *tell)
{
    struct pld_page *p = pl_xcalloc(1, sizeof *p);
    p->from = *from;
    p->tell = tell;
    p->metrics = pld_metrics_new();
    p->started_s = now_s();
    for (size_t i = 0; i < from->n_dirs;
         i++) { /* a series that is there from the start can be told from one that is not */
        struct pld_dir_state d;
        pld_dir_state(from->dirs[i], &d);
        pld_metric_none(p->metrics, PLD_M_LOCK_DELAY, labels(d.name, ""));
        pld_metric_none(p->metrics, PLD_M_OUT_DELAY, labels(d.name, ""));
    }
    return p;
}

void pld_page_close(struct pld_page *p)
{
    if (!p)
        return;
    pld_http_free(p->http);
    p->http = NULL;
}

void pld_page_free(struct pld_page *p)
{
    if (!p)
        return;
    pld_page_close(p);
    pld_metrics_free(p->metrics);
    free(p);
}
