/* What Active Directory keeps of each attribute of an entry for its replication (replPropertyMetaData, MS-ADTS 3.1.1.1.9):
 * on which server it was written last, and when. Pure; the octets may be anything.
 *
 * Not in it: linked attributes as `member`, whose values have stamps of their own that Samba does not tell. */
#ifndef PL_DIRECTORY_AD_REPL_H
#define PL_DIRECTORY_AD_REPL_H

#include <stdbool.h>
#include <stdint.h>
#include "../base/str.h"

/* ATTRTYP (MS-DRSR 5.16.4): the same in every domain for the attributes of the base schema. */
enum {
    PL_ATTID_OBJECT_CLASS = 0x00000000,
    PL_ATTID_ADMIN_DESCRIPTION = 0x000200e2,
    PL_ATTID_USER_ACCOUNT_CONTROL = 0x00090008,
    PL_ATTID_ACCOUNT_EXPIRES = 0x0009009f,
};

enum { PL_INVOCATION_LEN = 16 };

struct pl_repl_stamp {
    unsigned char server[PL_INVOCATION_LEN]; /* invocationId of the server that took the write from a client */
    int64_t usn;                             /* its update number there: one for all attributes of one write */
    int64_t at_us;                           /* since 1970, to the second */
};

/* The stamp of one attribute. False: there is none, or these octets are not of this form. */
bool pl_repl_stamp_find(struct pl_str octets, uint32_t attid, struct pl_repl_stamp *out);

/* Written by one and the same Modify or Add. */
bool pl_repl_stamp_same_write(const struct pl_repl_stamp *a, const struct pl_repl_stamp *b);

/* What people call a server, from the DN of its settings: "CN=NTDS Settings,CN=DC1,CN=Servers,..." is DC1. Empty when it is
 * no such DN, or a name that needs escapes. A part of `settings`. */
struct pl_str pl_repl_server_name(struct pl_str settings);

/* Below which the settings of all servers of the forest lie: "CN=Sites,..."; empty when it is no such DN. */
struct pl_str pl_repl_servers_base(struct pl_str settings);

#endif
