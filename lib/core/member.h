/* The life of one membership, as a table: is it wanted, do we believe it is there, is it there, and what may we do. */
#ifndef PL_CORE_MEMBER_H
#define PL_CORE_MEMBER_H

#include "lifecycle.h"

enum pl_mode { PL_MODE_OBSERVE, PL_MODE_PROPOSE, PL_MODE_ENFORCE, PL_MODE_COUNT };

/* Inputs of a membership decision, each bit independent. */
struct pl_member_in {
    bool wanted;   /* an entitlement stands now */
    bool believed; /* paasla.membership says present: we put it there or adopted it */
    bool seen;     /* the directory shows it */
    bool leaver;   /* the account's need is OUT */
    bool put_back; /* the role says that drift is put back (and has not been fought over) */
};

struct pl_member_row {
    int id;
    /* 1 wants true, 0 wants false, -1 does not care */
    int wanted, believed, seen, leaver, put_back;
    enum pl_op op;       /* NONE, ADD_MEMBER, REMOVE_MEMBER, REPORT */
    bool present;        /* what paasla.membership shall say once the directory shows it */
    bool drift;          /* somebody else changed it: a finding, whatever is done about it */
    const char *finding; /* kind of the finding, or NULL */
    const char *sentence;
};

extern const struct pl_member_row pl_member_table[];
extern const size_t pl_member_rows;

const struct pl_member_row *pl_member_step(const struct pl_member_in *in); /* never NULL */

const char *pl_mode_name(enum pl_mode m);
bool pl_mode_parse(struct pl_str s, enum pl_mode *out);

#endif
