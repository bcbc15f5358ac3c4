/* A random history of one town as SQL statements, and what the model store says at checkpoints: tests/real/test_model.py
 * holds it against a real PostgreSQL. */
#ifndef SIM_HISTORY_H
#define SIM_HISTORY_H

#include "deed.h"

/* Prints one JSON object a line: {"do": SQL} is one transaction; {"check": WHAT, ..., "rows": [...]} is what a query
 * must answer. T(n) in a statement stands for the start of the history plus n microseconds. */
void history_print(uint64_t seed, int steps);

/* ---- history_sql.c: the model's steps as SQL ---- */
void history_setup(const struct world *w);
void history_deed(const struct store *s, const struct deed *x);
void history_do(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *history_time(int64_t us, int64_t now); /* "now()", "T(n)" or "NULL"; a few live at once */

/* ---- history_check.c: what must be answered ---- */
void history_check(struct store *s, struct rng *r, int64_t now);

#endif
