/* Whether all is well, in words: one table for /healthz, which asks after the machine, and for the first line of
 * `paaslactl status`, which asks what needs a person. */
#ifndef PL_CORE_HEALTH_H
#define PL_CORE_HEALTH_H

#include "../base/str.h"

enum {
    PL_HEALTH_AWAY_S = 120,  /* a directory may be away for so long: it restarts */
    PL_HEALTH_QUEUE_S = 300, /* and a change may wait for so long: a big batch is at work */
};

enum pl_health_view {
    PL_HEALTH_MACHINE = 1, /* does it work */
    PL_HEALTH_PERSON = 2,  /* does anybody have to do anything */
};

struct pl_health_dir { /* a directory of the configuration */
    struct pl_str name;
    bool up, refused;
    int64_t for_s; /* since when */
};

struct pl_health {                       /* all zero: all is well */
    long database_away, database_silent; /* 1: there is none, or it does not answer in time */
    long no_daemon;                      /* 1: no paaslad works on this database */
    long stuck;                          /* 1: an answer is owed for too long */
    long other_schema;                   /* 1: of another version than the program's */
    int64_t oldest_s;                    /* how long the oldest change that is due has waited */
    long locks_not_proven;
    long critical, warning; /* open findings */
    long held_plans, work_orders, overdue;
    long incomplete; /* directories whose last full compare did not see everything */
    long unanswered; /* what people asked for and the daemon did not do */
    long needs_restart;
    const struct pl_health_dir *dirs;
    size_t n_dirs;
};

/* Adds what is wrong in that view to `out`, parts divided by `between`. Returns how many things it is, 0: all is well. */
long pl_health_say(const struct pl_health *h, enum pl_health_view view, const char *between, struct pl_buf *out);

#endif
