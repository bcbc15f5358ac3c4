/* What the daemon writes of an account that is there, as the dialect has it and the configuration wants it: the one list by
 * which the checks of rights go and from which the snippets for rights are made. */
#ifndef PAASLA_CTL_PREFLIGHT_WRITES_H
#define PAASLA_CTL_PREFLIGHT_WRITES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/str.h"

struct pf;

/* What our account may do with an entry, beside its attributes. */
enum {
    PF_MAY_LOCK = 1,
    PF_MAY_PASSWORD = 2,
    PF_MAY_ADD = 4,      /* it, were it not there */
    PF_MAY_TOO_MUCH = 8, /* delete it, or change its rules */
    PF_MAY_TOLD = 16,    /* Active Directory: whether its password is known */
};

struct pf_write {
    struct pl_str name;
    const char *purpose; /* for people */
    bool own_check;      /* a check of its own tells where the right lacks */
    bool password;       /* slapd has rules of their own for it */
    struct pl_str id;    /* Active Directory: its schemaIDGUID as text, by which SDDL names it; empty: not known */
};

enum { PF_WRITES_MAX = 32 }; /* of kept names there are at most eight */

struct pf_writes {
    struct pf_write at[PF_WRITES_MAX];
    size_t n;
};

void pf_writes_list(struct pf *p); /* of the configuration alone */
void pf_writes_ids(struct pf *p);  /* Active Directory: what the schema calls them; needs a connection */
/* The dialect writes it in one configuration or another: no right too many, even when this one does without. */
bool pf_writes_knows(const struct pf *p, struct pl_str attribute);
/* Their names, those of a rule of this dialect without the ones that another rule gives. */
struct pl_str pf_writes_words(struct pf *p, bool of_rule);

#endif
