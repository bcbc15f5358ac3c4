/* Numbers for monitoring, as Prometheus reads them (text format 0.0.4). What there is stands in one table
 * (metric_table.c); labels hold names of directories, operations, results and severities, never anything of a person. */
#ifndef PLD_METRIC_H
#define PLD_METRIC_H

#include "../lib/base/str.h"

enum pld_metric {
    PLD_M_BUILD_INFO,
    PLD_M_START_TIME,
    PLD_M_CONFIG_LOADED,
    PLD_M_CONFIG_OK,
    PLD_M_HEALTHY,
    PLD_M_UP,
    PLD_M_UP_SINCE,
    PLD_M_STANDBY,
    PLD_M_DATABASE_ANSWERED,
    PLD_M_LOCK_DELAY,
    PLD_M_OUT_DELAY,
    PLD_M_WRITES,
    PLD_M_PERSONS_OPEN,
    PLD_M_REQUESTS_OPEN,
    PLD_M_LOG_LINES,
    /* From here on the database knows; metrics.sql answers with these names. */
    PLD_M_QUEUE_ROWS,
    PLD_M_QUEUE_PERSONS,
    PLD_M_QUEUE_OLDEST,
    PLD_M_PLANS_HELD,
    PLD_M_FINDINGS,
    PLD_M_LOCKS_NOT_PROVEN,
    PLD_M_INTENTS_OPEN,
    PLD_M_WORK_ORDERS,
    PLD_M_COMPARE_TIME,
    PLD_M_COUNT,
    PLD_M_FIRST_OF_DATABASE = PLD_M_QUEUE_ROWS,
};

enum pld_metric_type { PLD_GAUGE, PLD_COUNTER, PLD_HISTOGRAM };
enum { PLD_METRIC_LABELS = 3 };

struct pld_metric_row {
    const char *name;
    enum pld_metric_type type;
    const char *labels[PLD_METRIC_LABELS]; /* as many as there are */
    const char *help;
};
extern const struct pld_metric_row pld_metric_rows[PLD_M_COUNT];

struct pld_metrics;
struct pld_metrics *pld_metrics_new(void);
void pld_metrics_free(struct pld_metrics *m);

/* Values of the labels in the order of the row; the others are empty. */
struct pld_labels {
    struct pl_str v[PLD_METRIC_LABELS];
};

void pld_metric_set(struct pld_metrics *m, enum pld_metric id, struct pld_labels labels, double value); /* a gauge */
void pld_metric_count(struct pld_metrics *m, enum pld_metric id, struct pld_labels labels, double by);  /* a counter */
void pld_metric_time(struct pld_metrics *m, enum pld_metric id, struct pld_labels labels, int64_t us); /* a histogram */
void pld_metric_none(struct pld_metrics *m, enum pld_metric id,
                     struct pld_labels labels); /* there is one, and it is 0 */
/* Gauges from `from` on are forgotten: what is not set again is not told. */
void pld_metrics_forget(struct pld_metrics *m, enum pld_metric from);
/* The row of a name, PLD_M_COUNT when there is none. */
enum pld_metric pld_metric_named(struct pl_str name);

void pld_metrics_write(const struct pld_metrics *m, struct pl_buf *out);

#endif
