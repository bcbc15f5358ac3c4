/* The neutral form of what a directory holds: entries, attributes, modifications. No libldap types. */
#ifndef PL_DIRECTORY_ENTRY_H
#define PL_DIRECTORY_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include "../base/str.h"

struct pl_attr {
    struct pl_str name; /* as the server wrote it; may carry options ("member;range=0-1499") */
    struct pl_str *values;
    size_t n;
};

struct pl_entry {
    struct pl_str dn;
    struct pl_attr *attrs;
    size_t n;
};

enum pl_mod_kind { PL_MOD_ADD, PL_MOD_DELETE, PL_MOD_REPLACE };

/* One line of a Modify (RFC 4511 section 4.6). DELETE with no values deletes the attribute. */
struct pl_mod {
    enum pl_mod_kind kind;
    struct pl_str attr;
    struct pl_str *values;
    size_t n;
};

/* The attribute whose name before any ';' equals `name` without case, or NULL. */
const struct pl_attr *pl_entry_attr(const struct pl_entry *e, const char *name);

/* Its first value, or the empty slice when there is none. */
struct pl_str pl_entry_first(const struct pl_entry *e, const char *name);

/* Whether an objectClass value equals `name` without case. */
bool pl_entry_has_class(const struct pl_entry *e, const char *name);

/* Whether its classes are those of a person or an account. */
bool pl_entry_is_account(const struct pl_entry *e);

#endif
