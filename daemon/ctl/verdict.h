/* Is a person in or out? A pure function, so that a test walks through every combination. */
#ifndef PAASLA_CTL_VERDICT_H
#define PAASLA_CTL_VERDICT_H

#include <stdbool.h>

enum ctl_verdict {
    CTL_IN,          /* employed now */
    CTL_ON_LEAVE,    /* employed, locked for the time of an absence */
    CTL_ARRIVING,    /* an employment begins later */
    CTL_NOT_YET_OUT, /* no employment, and something is open */
    CTL_OUT,         /* an employment has ended, and nothing is open */
    CTL_UNKNOWN,     /* no employment was ever entered, and nothing is open */
};

/* What may be open. */
enum ctl_open {
    CTL_OPEN_ACCOUNT, /* accounts that should be closed and are not known to be */
    CTL_OPEN_GROUP,   /* groups that such an account is still in */
    CTL_OPEN_GRANT,   /* grants that still hold although no employment does */
    CTL_OPEN_WORK,    /* what is to be done by hand; of somebody employed, to take something away */
    CTL_OPEN_FINDING, /* findings; of somebody employed, the critical ones */
    CTL_OPEN_HELD,    /* held plan items */
    CTL_OPEN_PENDING, /* wake-ups, moments that have passed untaken, directory writes without an outcome */
    CTL_OPEN_UNSEEN,  /* directories of the person's accounts whose last full compare was not complete */
    CTL_OPEN_LOGIN,   /* log-ins to the database of a person who is not employed */
    CTL_OPEN_SERVER,  /* servers of a directory that are not known to have an account's lock */
    CTL_OPEN_COUNT
};

struct ctl_facts {
    bool employed;  /* has a current employment */
    bool suspended; /* an absence that locks */
    bool arriving;  /* has an employment that begins later */
    bool departed;  /* has an employment that has ended */
    long open[CTL_OPEN_COUNT];
};

struct ctl_judgement {
    enum ctl_verdict verdict;
    enum ctl_open reason[CTL_OPEN_COUNT]; /* in the order above; only what is not zero */
    int n_reasons;
};

struct ctl_judgement ctl_judge(const struct ctl_facts *f);
const char *ctl_verdict_name(enum ctl_verdict v); /* for programs: "not_yet_out" */
/* "account is", "accounts are": what stands behind the number. */
const char *ctl_open_words(enum ctl_open what, long n);

#endif
