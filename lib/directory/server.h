/* Which kind of server answers: a dialect spoken to another kind would lock nobody and say that it did. */
#ifndef PL_DIRECTORY_SERVER_H
#define PL_DIRECTORY_SERVER_H

#include "../base/err.h"
#include "entry.h"

/* What to ask of the root entry (RFC 4512 section 5.1) for this; NULL-terminated. */
extern const char *const pl_server_attrs[];

enum pl_server_fit {
    PL_SERVER_FITS,
    PL_SERVER_UNSAID, /* the root entry says nothing of its kind (hidden, or a proxy's): the configuration is believed */
    PL_SERVER_OTHER,  /* it is another kind, in a sentence in *err: nothing may be read or written there */
};

enum pl_server_fit pl_server_check(const struct pl_entry *root, struct pl_str dialect, struct pl_err *err);

#endif
