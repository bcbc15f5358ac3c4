/* Everything that `why` knows about one person, read in one snapshot. */
#ifndef PAASLA_CTL_WHY_H
#define PAASLA_CTL_WHY_H

#include "verdict.h"
#include "who.h"

struct ctl_why {
    struct ctl_who who;
    const char *reg; /* or NULL: all */
    PGresult *state, *employments, *grants, *accounts, *servers, *work, *findings, *plans;
    struct ctl_facts facts;
    struct ctl_judgement judgement;
};

/* Columns of ctl_why_accounts. */
enum {
    ACC_ID,
    ACC_DIRECTORY,
    ACC_PURPOSE,
    ACC_LOGIN,
    ACC_DN,
    ACC_STATE,
    ACC_TEXT,
    ACC_STATE_AT,
    ACC_WANT,
    ACC_CAUSE,
    ACC_NOT_CLOSED,
    ACC_CHANGED_AT,
    ACC_LOCKED_AT,
    ACC_LOCK_MS,
    ACC_OUT_AT,
    ACC_GROUPS,
    ACC_MODE,
    ACC_OP,
    ACC_AT,
    ACC_OUTCOME,
    ACC_CODE,
    ACC_SETTLED_AT,
    ACC_COMPARED_AT,
    ACC_COMPARED_WHOLE,
    ACC_CLOSES_AT
};

void ctl_why_say(struct ctl *c, const struct ctl_why *w); /* in sentences */

/* why_servers.c; `r` is of ctl_why_servers. */
void ctl_why_say_servers(struct ctl *c, const PGresult *r, const char *account_id);
long ctl_why_servers_open(const PGresult *r); /* servers that are not known to have a lock */

#endif
