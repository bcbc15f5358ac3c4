/* What the programs of the measurements share. Each one says its own name when it gives up. */
#ifndef PL_BENCH_BENCH_H
#define PL_BENCH_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The moment, in seconds of the real time: it is compared with PostgreSQL's clock. */
static inline double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void die(const char *what)
{
    fprintf(stderr, PROGRAM ": %s\n", what);
    exit(1);
}

#endif
