/* The two controls of a persistent search (draft-ietf-ldapext-psearch-03, as 389 Directory Server and its kin have them):
 * bytes to values and back. Pure; slices point into what was given.
 *
 * Nothing is ever told twice: there is no cookie, and what happens while no such search stands is not told at all. */
#ifndef PL_DIRECTORY_PERSIST_H
#define PL_DIRECTORY_PERSIST_H

#include <stdbool.h>
#include "../base/str.h"

#define PL_OID_PERSIST_REQUEST "2.16.840.1.113730.3.4.3"
#define PL_OID_PERSIST_CHANGE  "2.16.840.1.113730.3.4.7"

enum pl_persist_kind {
    PL_PERSIST_ADD = 1,
    PL_PERSIST_DELETE = 2,
    PL_PERSIST_MODIFY = 4,
    PL_PERSIST_RENAME = 8,
    PL_PERSIST_ALL = 15
};

/* Appends the value of a PersistentSearch control (section 2): every kind of change, nothing of what stands there already,
 * and with each entry the control below. */
void pl_persist_request(struct pl_buf *out);

struct pl_persist_change { /* EntryChangeNotification (section 4); its changeNumber is of no use to us */
    enum pl_persist_kind kind;
    struct pl_str previous_dn; /* RENAME: the name before; empty: not told */
};
/* Exactly one value, with one kind of change. False: *out holds nothing that may be used. */
bool pl_persist_change_read(struct pl_persist_change *out, struct pl_str value);

#endif
