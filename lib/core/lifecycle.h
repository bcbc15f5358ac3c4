/* The life of one account, as a table.
 *
 * What we believe (state), what is wanted (need) and what the directory shows (seen) choose exactly one row; the row
 * says what to do, what we believe after it, and why, in one sentence. The row's number stands in every log record that
 * it caused. A state advances only when the directory shows the change: the write rows lead to CREATING, OPENING, LOCKING
 * and CLOSING, and only a later look leads out of them. */
#ifndef PL_CORE_LIFECYCLE_H
#define PL_CORE_LIFECYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include "../base/str.h"

/* What we believe; stored in paasla.account.state under the names of pl_state_name(). */
enum pl_state {
    PL_STATE_NONE,     /* no entry in the directory (a log-in may be reserved) */
    PL_STATE_CREATING, /* an add was sent */
    PL_STATE_READY,    /* exists, locked, waits for the first working day */
    PL_STATE_OPENING,  /* an unlock was sent */
    PL_STATE_OPEN,     /* its owner can log on */
    PL_STATE_LOCKING,  /* a lock alone was sent */
    PL_STATE_CLOSING,  /* a lock and a useless password were sent, and the password's answer was seen */
    PL_STATE_PAUSED,   /* locked for an absence; password and groups kept */
    PL_STATE_OUT,      /* locked for good, password useless */
    PL_STATE_LOST,     /* we knew it and the directory no longer has it */
    PL_STATE_FOREIGN,  /* an entry that is not this person's stands in its place */
    PL_STATE_COUNT
};

/* What is wanted; from `want` and `cause` of paasla.wanted_account. */
enum pl_need {
    PL_NEED_NONE,   /* want none: nobody asked for this account */
    PL_NEED_READY,  /* locked, arriving: the employment begins soon */
    PL_NEED_OPEN,   /* open */
    PL_NEED_PAUSED, /* locked, suspended: a long absence */
    PL_NEED_OUT,    /* locked, departed or no longer administrator */
    PL_NEED_COUNT
};

/* What a complete read of the directory showed. */
enum pl_seen {
    PL_SEEN_ABSENT,   /* a complete search found nothing */
    PL_SEEN_OPEN,     /* a log-on would succeed as far as the directory tells */
    PL_SEEN_LOCKED,   /* proven: the lock is there and the server enforces it */
    PL_SEEN_DOUBTFUL, /* a lock is there but nothing shows that the server enforces it */
    PL_SEEN_FOREIGN,  /* an entry is there but it is not this person's */
    PL_SEEN_ENDED,    /* it was open until an end that we wrote ahead (keep.h) has passed; nothing else locks it */
    PL_SEEN_COUNT
};

enum pl_op {
    PL_OP_NONE,   /* nothing to write; the next state is noted if it differs */
    PL_OP_CREATE, /* add the entry, locked */
    PL_OP_OPEN,   /* take the lock away, first password as configured */
    PL_OP_LOCK,   /* lock only */
    PL_OP_CLOSE,  /* lock, then make the password useless */
    PL_OP_REPORT, /* write nothing, open a finding */
    /* memberships (member.h) */
    PL_OP_ADD_MEMBER,
    PL_OP_REMOVE_MEMBER,
    PL_OP_KEEP,   /* the end of an open account, as HR knows it beforehand (keep.h) */
    PL_OP_RENAME, /* the name in an open account, as HR changed it (names.h) */
    PL_OP_COUNT
};

struct pl_life_row {
    int id;                     /* stable; never reused */
    unsigned state, need, seen; /* bit masks: 1u << enum */
    enum pl_op op;
    enum pl_state next;   /* PL_STATE_COUNT: unchanged */
    const char *finding;  /* kind of the finding to open, or NULL */
    const char *sentence; /* for people: logged, stored and shown by `why` */
};

extern const struct pl_life_row pl_life_table[];
extern const size_t pl_life_rows;

/* The row for an input; never NULL (a test proves it for all inputs). */
const struct pl_life_row *pl_life_step(enum pl_state state, enum pl_need need, enum pl_seen seen);

const char *pl_state_name(enum pl_state s);
const char *pl_need_name(enum pl_need n);
const char *pl_seen_name(enum pl_seen s);
const char *pl_op_name(enum pl_op o);
bool pl_state_parse(struct pl_str s, enum pl_state *out);

/* want is "none", "open" or "locked"; cause as in paasla.wanted_account. False for an unknown pair: then the row is
 * not believed and nothing is done. */
bool pl_need_parse(struct pl_str want, struct pl_str cause, enum pl_need *out);

#endif
