#include "health.h"

#include <stddef.h>

/* What is counted, in the order of weight. `one` is said of 1 thing, `many` with the number in front of it. A row without
 * `many` is there or not and counts once. */
static const struct row {
    unsigned views; /* enum pl_health_view */
    size_t offset;  /* of a long in struct pl_health */
    const char *one, *many;
} rows[] = {
#define ROW(field) offsetof(struct pl_health, field)
    {PL_HEALTH_MACHINE | PL_HEALTH_PERSON, ROW(database_away), "PostgreSQL is away", NULL},
    {PL_HEALTH_MACHINE, ROW(database_silent), "PostgreSQL does not answer in time", NULL},
    {PL_HEALTH_PERSON, ROW(no_daemon), "no paaslad works on this database", NULL},
    {PL_HEALTH_MACHINE | PL_HEALTH_PERSON, ROW(stuck), "an answer is owed for too long; paaslad has to be started anew",
     NULL},
    {PL_HEALTH_PERSON, ROW(other_schema), "a schema of another version than this program's: `paaslactl db status`",
     NULL},
    {PL_HEALTH_MACHINE, ROW(locks_not_proven), "1 lock is not proven to be enforced",
     "locks are not proven to be enforced"},
    {PL_HEALTH_PERSON, ROW(critical), "1 critical finding", "critical findings"},
    {PL_HEALTH_PERSON, ROW(warning), "1 warning", "warnings"},
    {PL_HEALTH_PERSON, ROW(held_plans), "1 held plan", "held plans"},
    {PL_HEALTH_PERSON, ROW(work_orders), "1 open work order", "open work orders"},
    {PL_HEALTH_PERSON, ROW(incomplete), "1 directory without a complete compare",
     "directories without a complete compare"},
    {PL_HEALTH_PERSON, ROW(unanswered), "1 question that the daemon did not answer",
     "questions that the daemon did not answer"},
    {PL_HEALTH_PERSON, ROW(needs_restart), "1 changed option that needs a restart of paaslad",
     "changed options that need a restart of paaslad"},
};

static void part(struct pl_buf *out, const char *between, bool *any)
{
    if (*any)
        pl_buf_add_c(out, between);
    *any = true;
}

/* "90 s", "12 min", "3 h", "2 d": as rough as one says it. */
static void add_time(struct pl_buf *out, int64_t s)
{
    static const struct {
        int64_t seconds, upto;
        const char *unit;
    } units[] = {{1, 120, "s"}, {60, 7200, "min"}, {3600, 172800, "h"}, {86400, INT64_MAX, "d"}};
    size_t i = 0;
    while (s >= units[i].upto)
        i++;
    pl_buf_printf(out, "%lld %s", (long long)(s / units[i].seconds), units[i].unit);
}

static long say_directories(const struct pl_health *h, const char *between, struct pl_buf *out, bool *any)
{
    long n = 0;
    for (size_t i = 0; i < h->n_dirs; i++) {
        const struct pl_health_dir *d = &h->dirs[i];
        if (d->up || (d->for_s < PL_HEALTH_AWAY_S && !d->refused))
            continue;
        part(out, between, any);
        pl_buf_printf(out, "directory %.*s %s ", (int)d->name.len, d->name.s,
                      d->refused ? "refuses our log-on and is away for" : "is away for");
        add_time(out, d->for_s);
        n++;
    }
    return n;
}

long pl_health_say(const struct pl_health *h, enum pl_health_view view, const char *between, struct pl_buf *out)
{
    long n = 0;
    bool any = false;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        long count = *(const long *)(const void *)((const char *)h + r->offset);
        if (!(r->views & (unsigned)view) || count <= 0)
            continue;
        part(out, between, &any);
        if (count == 1 || !r->many)
            pl_buf_add_c(out, r->one);
        else
            pl_buf_printf(out, "%ld %s", count, r->many);
        if (r->offset == offsetof(struct pl_health, work_orders) && h->overdue > 0)
            pl_buf_printf(out, " (%ld overdue)", h->overdue);
        n += r->many ? count : 1;
    }
    if (h->oldest_s >= PL_HEALTH_QUEUE_S) {
        part(out, between, &any);
        pl_buf_add_c(out, "a change has waited for ");
        add_time(out, h->oldest_s);
        n++;
    }
    return n + say_directories(h, between, out, &any);
}
