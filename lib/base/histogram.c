#include "histogram.h"

#define MS (INT64_C(1000))
#define S  (INT64_C(1000) * MS)

/* Dense where a departure should be, wide where it should not: from 10 ms to an hour. */
const int64_t pl_histogram_bounds_us[PL_HISTOGRAM_BUCKETS] = {10 * MS,  25 * MS, 50 * MS,   100 * MS, 250 * MS,
                                                              500 * MS, 1 * S,   2500 * MS, 5 * S,    10 * S,
                                                              30 * S,   60 * S,  600 * S,   3600 * S};

void pl_histogram_add(struct pl_histogram *h, int64_t us)
{
    size_t i = 0;

    if (us < 0)
        us = 0;
    while (i < PL_HISTOGRAM_BUCKETS && us > pl_histogram_bounds_us[i])
        i++;
    if (i < PL_HISTOGRAM_BUCKETS)
        h->counts[i]++;
    h->n++;
    h->sum_us = us > INT64_MAX - h->sum_us ? INT64_MAX : h->sum_us + us;
}

uint64_t pl_histogram_at_most(const struct pl_histogram *h, size_t bucket)
{
    uint64_t n = 0;

    for (size_t i = 0; i <= bucket && i < PL_HISTOGRAM_BUCKETS; i++)
        n += h->counts[i];
    return n;
}
