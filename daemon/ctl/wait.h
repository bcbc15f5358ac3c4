/* Waiting for the daemon: a clock that nobody sets, and a nap. */
#ifndef PAASLA_CTL_WAIT_H
#define PAASLA_CTL_WAIT_H

#include <time.h>

static inline double ctl_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void ctl_sleep_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

#endif
