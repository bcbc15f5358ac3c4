#include "metric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/base/arena.h"
#include "../lib/base/histogram.h"

struct series {
    enum pld_metric id;
    struct pld_labels labels; /* slices of own memory */
    double value;
    struct pl_histogram *times; /* of a histogram */
};

struct pld_metrics {
    struct series *series;
    size_t n, cap;
};

/* ---- finding and making ---- */

static bool same_labels(const struct pld_labels *a, const struct pld_labels *b)
{
    for (size_t i = 0; i < PLD_METRIC_LABELS; i++)
        if (!pl_str_eq(a->v[i], b->v[i]))
            return false;
    return true;
}

static struct series *find(const struct pld_metrics *m, enum pld_metric id, const struct pld_labels *labels)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->series[i].id == id && same_labels(&m->series[i].labels, labels))
            return &m->series[i];
    return NULL;
}

static struct series *make(struct pld_metrics *m, enum pld_metric id, const struct pld_labels *labels)
{
    struct series *s = find(m, id, labels);
    if (s)
        return s;
    if (m->n == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 64;
        m->series = pl_xrealloc_array(m->series, m->cap, sizeof *m->series);
    }
    s = &m->series[m->n++];
    *s = (struct series){.id = id};
    for (size_t i = 0; i < PLD_METRIC_LABELS; i++) {
        size_t len = labels->v[i].len;
        char *copy = len ? pl_xcalloc(len, 1) : NULL;
        if (len)
            memcpy(copy, labels->v[i].s, len);
        s->labels.v[i] = (struct pl_str){copy, len};
    }
    if (pld_metric_rows[id].type == PLD_HISTOGRAM)
        s->times = pl_xcalloc(1, sizeof *s->times);
    return s;
}

static void drop(struct series *s)
{
    for (size_t i = 0; i < PLD_METRIC_LABELS; i++)
        free((void *)(uintptr_t)s->labels.v[i].s);
    free(s->times);
}

/* ---- values ---- */

void pld_metric_set(struct pld_metrics *m, enum pld_metric id, struct pld_labels labels, double value)
{
    make(m, id, &labels)->value = value;
}

void pld_metric_count(struct pld_metrics *m, enum pld_metric id, struct pld_labels labels, double by)
{
    make(m, id, &labels)->value += by;
}

void pld_metric_time(struct pld_metrics *m, enum pld_metric id, struct pld_labels labels, int64_t us)
{
    pl_histogram_add(make(m, id, &labels)->times, us);
}

void pld_metric_none(struct pld_metrics *m, enum pld_metric id, struct pld_labels labels)
{
    make(m, id, &labels);
}

void pld_metrics_forget(struct pld_metrics *m, enum pld_metric from)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->n; i++) {
        if (m->series[i].id >= from && pld_metric_rows[m->series[i].id].type == PLD_GAUGE)
            drop(&m->series[i]);
        else
            m->series[kept++] = m->series[i];
    }
    m->n = kept;
}

enum pld_metric pld_metric_named(struct pl_str name)
{
    size_t i = 0;
    while (i < PLD_M_COUNT && !pl_str_eq_c(name, pld_metric_rows[i].name))
        i++;
    return (enum pld_metric)i;
}

/* ---- the page ---- */

static void write_escaped(struct pl_buf *out, struct pl_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.s[i] == '\n')
            pl_buf_add_c(out, "\\n");
        else {
            if (s.s[i] == '\\' || s.s[i] == '"')
                pl_buf_add_byte(out, '\\');
            pl_buf_add_byte(out, s.s[i]);
        }
    }
}

/* {a="x",b="y"}, and le="..." in a histogram's buckets. Nothing without labels. */
static void write_labels(struct pl_buf *out, const struct series *s, const char *le)
{
    const struct pld_metric_row *row = &pld_metric_rows[s->id];
    const char *between = "{";
    for (size_t i = 0; i < PLD_METRIC_LABELS && row->labels[i]; i++) {
        pl_buf_printf(out, "%s%s=\"", between, row->labels[i]);
        write_escaped(out, s->labels.v[i]);
        pl_buf_add_byte(out, '"');
        between = ",";
    }
    if (le) {
        pl_buf_printf(out, "%sle=\"%s\"", between, le);
        between = ",";
    }
    if (*between == ',')
        pl_buf_add_byte(out, '}');
}

static void write_histogram(struct pl_buf *out, const struct series *s)
{
    const char *name = pld_metric_rows[s->id].name;
    char le[32];
    for (size_t i = 0; i < PL_HISTOGRAM_BUCKETS; i++) {
        snprintf(le, sizeof le, "%.15g", (double)pl_histogram_bounds_us[i] / 1e6);
        pl_buf_printf(out, "%s_bucket", name);
        write_labels(out, s, le);
        pl_buf_printf(out, " %llu\n", (unsigned long long)pl_histogram_at_most(s->times, i));
    }
    pl_buf_printf(out, "%s_bucket", name);
    write_labels(out, s, "+Inf");
    pl_buf_printf(out, " %llu\n%s_sum", (unsigned long long)s->times->n, name);
    write_labels(out, s, NULL);
    pl_buf_printf(out, " %.15g\n%s_count", (double)s->times->sum_us / 1e6, name);
    write_labels(out, s, NULL);
    pl_buf_printf(out, " %llu\n", (unsigned long long)s->times->n);
}

static void write_series(struct pl_buf *out, const struct series *s)
{
    if (s->times) {
        write_histogram(out, s);
        return;
    }
    pl_buf_add_c(out, pld_metric_rows[s->id].name);
    write_labels(out, s, NULL);
    pl_buf_printf(out, " %.16g\n", s->value);
}

void pld_metrics_write(const struct pld_metrics *m, struct pl_buf *out)
{
    static const char *const types[] = {"gauge", "counter", "histogram"};
    for (size_t id = 0; id < PLD_M_COUNT; id++) {
        const struct pld_metric_row *row = &pld_metric_rows[id];
        bool first = true;
        for (size_t i = 0; i < m->n; i++) {
            if (m->series[i].id != id)
                continue;
            if (first)
                pl_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, types[row->type]);
            first = false;
            write_series(out, &m->series[i]);
        }
    }
}

/* ---- life ---- */

struct pld_metrics *pld_metrics_new(void)
{
    return pl_xcalloc(1, sizeof(struct pld_metrics));
}

void pld_metrics_free(struct pld_metrics *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n; i++)
        drop(&m->series[i]);
    free(m->series);
    free(m);
}
