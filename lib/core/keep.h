/* The end of an open account that HR knows beforehand, as a table.
 *
 * The directory gets the end ahead, so that the account closes by itself even if the daemon is down. "Never" is the
 * latest end of all: whether HR knows none or the entry shows none, it is compared like any other. */
#ifndef PL_CORE_KEEP_H
#define PL_CORE_KEEP_H

#include <stdint.h>
#include "lifecycle.h"

/* Ends are microseconds since 1970; this one stands for "never". */
#define PL_END_NEVER INT64_MAX

/* After so many writes of the same end in an hour somebody else is known to undo them: it is reported only. */
enum { PL_KEEP_FOUGHT = 3 };

enum pl_end_seen {
    PL_END_SAME,   /* it stands as HR says */
    PL_END_SOONER, /* the account would close before HR says */
    PL_END_LATER,  /* it would not close by itself when HR says */
    PL_END_COUNT
};

/* Inputs; each independent. */
struct pl_keep_in {
    enum pl_end_seen seen;
    bool wanted; /* HR knows an end */
    bool ours;   /* the end that the entry shows is one that we wrote */
    bool fought; /* it was written PL_KEEP_FOUGHT times lately and does not stay */
};

struct pl_keep_row {
    int id;                   /* stable; never reused */
    unsigned seen;            /* bit mask: 1u << enum */
    int wanted, ours, fought; /* 1 wants true, 0 wants false, -1 does not care */
    enum pl_op op;            /* NONE, KEEP, REPORT */
    const char *finding;      /* kind of the finding to open, or NULL */
    const char *sentence;
};

extern const struct pl_keep_row pl_keep_table[];
extern const size_t pl_keep_rows;

const struct pl_keep_row *pl_keep_step(const struct pl_keep_in *in); /* never NULL */

enum pl_end_seen pl_end_compare(int64_t wanted, int64_t seen);

/* The end as a directory can hold it that counts in steps of `grain` microseconds: never sooner than it was said. */
int64_t pl_end_round(int64_t end, int64_t grain);

#endif
