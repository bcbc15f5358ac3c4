/* How long things took, counted in fixed buckets: bounded memory however many there are. Times are microseconds. */
#ifndef PL_BASE_HISTOGRAM_H
#define PL_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { PL_HISTOGRAM_BUCKETS = 14 };

/* The upper bounds, rising; a time that is just as long belongs below. What is longer than all counts in none. */
extern const int64_t pl_histogram_bounds_us[PL_HISTOGRAM_BUCKETS];

struct pl_histogram { /* all zero: empty */
    uint64_t counts[PL_HISTOGRAM_BUCKETS];
    uint64_t n;
    int64_t sum_us; /* stays at its greatest value rather than to wrap */
};

/* A negative time is one of two clocks that differ: it counts as 0. */
void pl_histogram_add(struct pl_histogram *h, int64_t us);
/* How many took at most as long as bound `bucket`. */
uint64_t pl_histogram_at_most(const struct pl_histogram *h, size_t bucket);

#endif
