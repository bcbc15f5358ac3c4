/* The libpq keywords of one connection: what the operator wrote, plus what every session of ours needs. */
#ifndef PLD_PG_PARAMS_H
#define PLD_PG_PARAMS_H

#include <libpq-fe.h>
#include "../lib/base/arena.h"
#include "../lib/base/err.h"
#include "../lib/conf/conf.h"

struct pld_pg_params {
    const char **keys, **values; /* NULL-terminated; in the arena */
    int connect_s;               /* connect_timeout of the operator, or our own */
    struct pl_arena *arena;      /* holds the password too: wiped by pld_pg_params_free */
    char *password;
};

/* Reads the password file again at each call, so that a changed password needs no restart. `role` tells sessions apart
 * in pg_stat_activity. `timeout` is the session's statement_timeout. `like` is a connection to the server this one
 * must reach too, or NULL: its address is reused, which also spares a (blocking) name lookup. */
bool pld_pg_params_make(const struct pl_conf *conf, const char *role, const char *timeout, PGconn *like,
                        struct pld_pg_params *out, struct pl_err *err);
void pld_pg_params_free(struct pld_pg_params *p);

/* Whether the text of the configuration is a connection string at all. */
bool pld_pg_params_check(const struct pl_conf *conf, struct pl_err *err);

#endif
