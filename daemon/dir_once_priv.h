/* What the two files of a waiting connection share: dir_once.c, which only reads, and dir_once_write.c. */
#ifndef PLD_DIR_ONCE_PRIV_H
#define PLD_DIR_ONCE_PRIV_H

#include "dir_once.h"
#include "dir_priv.h"

struct pld_once {
    LDAP *ld; /* NULL: it failed once, and is never used again */
    int64_t timeout_ms;
};

/* Drops the connection; -1 with err. */
int once_lost(struct pld_once *o, struct pl_err *err, const char *why);
bool once_alive(const struct pld_once *o, struct pl_err *err);
/* The next message of a request; its type, or -1 with err. */
int once_next(struct pld_once *o, int msgid, int patience, LDAPMessage **msg, struct pl_err *err);

#endif
