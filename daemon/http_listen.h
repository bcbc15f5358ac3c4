/* The socket that /metrics and /healthz answer on. */
#ifndef PLD_HTTP_LISTEN_H
#define PLD_HTTP_LISTEN_H

#include <sys/types.h>
#include "../lib/base/err.h"
#include "../lib/base/str.h"

struct pld_listen {
    int fd;
    char path[108]; /* of a local socket; empty: none */
    dev_t dev;      /* which file it is, so that we take away no other one's */
    ino_t ino;
};

/* Bound and listening. A file that a dead process left is taken away; one where somebody answers is not. */
bool pld_listen_open(struct pl_str address, struct pld_listen *out, struct pl_err *err);
void pld_listen_forget(struct pld_listen *l); /* takes the file away; the socket is closed by whoever has it */

#endif
