/* What the shell may ask the engine between two events, for those who look on, and what it may change while the engine
 * runs. Nothing here begins or ends any work. */
#ifndef PL_ENGINE_INSPECT_H
#define PL_ENGINE_INSPECT_H

#include "engine.h"

/* The request that has been open longest; 0: none is. Requests are numbered in the order in which they were made, so the
 * same answer after a long time and no event for it mean that somebody lost it. */
uint64_t pl_engine_oldest(const struct pl_engine *e);

/* Whether persons are being worked on or a directory is being compared. What only waits (for a directory to come back,
 * for a moment in time) is no work. */
bool pl_engine_busy(const struct pl_engine *e);

struct pl_comparing { /* a full compare or a dry run, as far as it is */
    bool running;
    struct pl_str directory;
    long entries;           /* read in the subtree of people */
    size_t group, n_groups; /* group: from 1, 0 while people are read */
};
/* The directories by number from 0, running or not; false when there is none of that number. (scan.c) */
bool pl_engine_comparing(const struct pl_engine *e, size_t number, struct pl_comparing *out);

/* Takes over what may change while the engine runs: intervals, limits and the brake, and of each directory `inflight`,
 * `lock_leavers_observed` and `watch_poll_us`. All else in `conf` is not looked at and counts from the next start. Give the engine a
 * EV_TIMER afterwards, so that it looks at its timers. False: other directories; nothing is changed. (reconf.c) */
bool pl_engine_reconfigure(struct pl_engine *e, const struct pl_engine_conf *conf, struct pl_err *err);

#endif
