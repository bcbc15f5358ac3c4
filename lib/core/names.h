/* What HR's change of a name changes in an account: attributes that the configuration names, made of templates.
 *
 * A value that shows a name which the person bore before is brought up to date. One that shows neither the present nor a
 * former name is somebody's own: it is told and left alone. The log-in never changes. */
#ifndef PL_CORE_NAMES_H
#define PL_CORE_NAMES_H

#include "../directory/entry.h"
#include "lifecycle.h"
#include "template.h"

/* After so many writes in an hour somebody else is known to undo them: it is reported only. */
enum { PL_NAMES_FOUGHT = 3, PL_KEPT_MAX = 8 };

struct pl_name {
    struct pl_str given, family;
};

enum pl_name_seen {
    PL_NAME_SAME,   /* the present name is among the values */
    PL_NAME_FORMER, /* it is not, and one shows a former name */
    PL_NAME_OTHER,  /* neither; also: there is no value */
    PL_NAME_TAKEN,  /* as FORMER, and the address to come is somebody else's (never by pl_name_seen) */
    PL_NAME_COUNT
};

struct pl_name_row {
    int id; /* stable; never reused */
    enum pl_name_seen seen;
    int fought;          /* 1 wants true, 0 wants false, -1 does not care */
    enum pl_op op;       /* NONE, RENAME, REPORT */
    const char *finding; /* kind of the finding to open, or NULL */
    const char *sentence;
};

extern const struct pl_name_row pl_name_table[];
extern const size_t pl_name_rows;

const struct pl_name_row *pl_name_step(enum pl_name_seen seen, bool fought); /* never NULL */

/* One attribute of an entry. */
struct pl_kept {
    struct pl_str attr, text; /* its template, of {login}, {given}, {family} and {name} alone */
};

/* What the entry shows of it. *want is what it should show; with FORMER, *was is the value that is out of date, as it
 * stands there. `words` are of today, `former` the names before, in any order. All in `a`. */
enum pl_name_seen pl_name_seen(struct pl_arena *a, const struct pl_kept *k, const struct pl_entry *e,
                               const struct pl_words *words, const struct pl_name *former, size_t n_former,
                               struct pl_str *want, struct pl_str *was);

/* The modifications that put `want` in the place of `was`; for mail with `alias` not empty the old address stays in that
 * attribute ("proxyAddresses": with smtp: in front, and SMTP: for the one that is used, where there is such a value).
 * `mods` has room for PL_NAME_MODS. Returns how many. */
enum { PL_NAME_MODS = 4 };
size_t pl_name_mods(struct pl_arena *a, const struct pl_entry *e, struct pl_str attr, struct pl_str was,
                    struct pl_str want, struct pl_str alias, struct pl_mod *mods);

/* Adds a filter for whoever has this address, as mail, in `alias` (may be empty), or, `exchange`, in proxyAddresses. */
void pl_name_owner_filter(struct pl_buf *b, struct pl_arena *a, struct pl_str address, struct pl_str alias,
                          bool exchange);

#endif
