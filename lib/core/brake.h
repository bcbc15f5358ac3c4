/* The first brake: counts a whole plan before its first write, together with what it let pass lately: many small plans
 * are one big plan. What would lock or remove more than the limits allow is held; a leaver whom HR named (few people in
 * one transaction, and not too many in an hour) is never held up. */
#ifndef PL_CORE_BRAKE_H
#define PL_CORE_BRAKE_H

#include <stdbool.h>
#include <stddef.h>
#include "../base/str.h"

struct pl_brake_limits {
    long max_locks;         /* accounts locked by one plan and those shortly before it */
    long max_lock_share;    /* per cent of the open accounts of the directory */
    long max_removals;      /* memberships removed, likewise */
    long max_removal_share; /* per cent of the memberships believed present */
    long share_from; /* shares count only from this many accounts or memberships on; below, the numbers alone do */
};

struct pl_brake_count {
    long locks, removals;            /* what the plan would do, named leavers and approved items not counted */
    long locked, removed;            /* what the brake let pass lately, counted likewise */
    long open_accounts, memberships; /* what stands now in this directory */
};

/* True when the plan may run. False fills `why` with a sentence without personal values ("would lock 40 accounts, the
 * limit is 20"). */
bool pl_brake_allows(const struct pl_brake_limits *limits, const struct pl_brake_count *count, struct pl_buf *why);

#endif
