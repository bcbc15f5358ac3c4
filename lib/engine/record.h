/* What commands of the engine carry to the store: intents, outcomes, findings, plans. Slices and arrays belong to the
 * engine and live as long as engine.h says of the command. */
#ifndef PL_ENGINE_RECORD_H
#define PL_ENGINE_RECORD_H

#include <stdint.h>
#include "../base/str.h"
#include "../core/keep.h"
#include "../core/lifecycle.h"
#include "../core/member.h"

struct pl_intent {         /* one directory write that is about to happen */
    int64_t account_id;    /* 0: the account row is made by RESERVE first, so never 0 in practice */
    int64_t role_group_id; /* 0 unless a membership */
    enum pl_op op;
    int row;           /* lifecycle or membership row */
    bool put_back;     /* answers drift */
    bool counted;      /* the brake let it pass: neither named nor approved */
    int64_t ends_us;   /* KEEP: when the account shall close by itself, PL_END_NEVER: not; others: 0 */
    int64_t intent_id; /* filled in SETTLE */
    int outcome;       /* SETTLE: enum pl_outcome */
    int code;          /* SETTLE: LDAP result code, 0 when none */
    int64_t at_us;     /* SETTLE: when the server answered */
};
enum pl_outcome { PL_OUT_DONE, PL_OUT_FAILED, PL_OUT_NOT_DONE };

struct pl_finding_cmd {
    const char *kind;     /* stable English word: drift_member_added, account_lost, lock_not_proven, ... */
    const char *severity; /* "info", "warning", "critical" */
    int64_t person_id, account_id, role_group_id; /* 0: none */
    struct pl_str key;                            /* what makes it the same finding next time */
    struct pl_str login; /* orphan_account: the store knows whether it is somebody's by now; else empty */
    struct pl_str text;  /* for people; personal values allowed (operational table) */
};

struct pl_membership_cmd {
    int64_t role_group_id;
    bool present;
};

struct pl_settle {
    int64_t person_id;
    struct pl_str directory, purpose;
    int64_t account_id;       /* 0: no account row */
    enum pl_state was, state; /* was: as the store had it when the task began */
    int row;                  /* lifecycle row that led here */
    struct pl_str sentence;
    struct pl_str native_id, dn; /* empty: unchanged */
    const struct pl_intent *intents;
    size_t n_intents;
    const struct pl_membership_cmd *memberships;
    size_t n_memberships;
    const struct pl_finding_cmd *findings;
    size_t n_findings;
    const struct pl_finding_cmd *resolved; /* kind and key only */
    size_t n_resolved;
    bool lock_seen;                                 /* the last look showed it locked, by whom ever */
    int64_t changed_at_us, locked_at_us, out_at_us; /* delays: cause, lock confirmed, out of the groups; 0 none */
    const int64_t *seqs;                            /* dirty rows to consume: exactly those that were read */
    size_t n_seqs;
    int64_t retry_after_us;     /* 0: settled; else the person stays dirty and is looked at again after this delay */
    struct pl_str retry_reason; /* no personal values */
};

struct pl_plan_item {
    int64_t person_id, account_id, role_group_id;
    struct pl_str purpose;
    enum pl_op op;
    int row;
};

struct pl_hold {
    struct pl_str directory;
    bool preview; /* a dry run asked for by control_id, not a held plan */
    int64_t control_id;
    struct pl_str digest; /* lower-case hex SHA-256 of the canonical items (made by the shell when empty) */
    const struct pl_plan_item *items;
    size_t n_items;
    struct pl_str why;
    long locks, removals;
    const int64_t *seqs;
    size_t n_seqs;
};

struct pl_ack { /* whether one server of a directory has a lock */
    int64_t account_id, intent_id;
    struct pl_str server; /* as configured */
    int code;             /* what it answered to the lock: LDAP result code, UNKNOWN or NOT_SENT */
    bool seen;            /* a read there showed the lock; `code` says nothing then */
    bool after;           /* `code` is of the password after the lock: 0, or what it says that it is not gone */
    bool whole;           /* of the server in use: the password's answer is the intent's outcome */
    int64_t at_us;
};

struct pl_nominee {
    int64_t person_id;
    const char *cause; /* "compare", "compare_removal", ... */
};

/* An entry that somebody changed: its person is looked at; nobody's is the finding, if there is one. */
struct pl_changed {
    struct pl_str id;              /* native id; empty: not known */
    struct pl_str login;           /* finds the account whose id is not stored yet, and, without an id, any */
    struct pl_finding_cmd finding; /* kind NULL: none */
};

#endif
