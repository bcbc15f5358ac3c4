/* What an SQLSTATE means for us, as a table of prefixes; the longest prefix that fits decides. */
#ifndef PLD_PG_STATE_H
#define PLD_PG_STATE_H

#include <libpq-fe.h>
#include <stdbool.h>

enum pld_pg_verdict {
    PLD_PG_RETRY,     /* nothing happened; the same again later may well succeed */
    PLD_PG_RECONNECT, /* this connection is of no more use, or the schema must be looked at again */
    PLD_PG_DATA,      /* the values were refused; another try with fresher ones may succeed */
    PLD_PG_PERMANENT, /* somebody has to change something first */
};

struct pld_pg_state {
    const char *prefix;
    enum pld_pg_verdict verdict;
    bool quote;      /* the server's own sentence may be logged: it cannot carry a value of a row */
    const char *say; /* what is wrong or what to do, for people */
};

/* Never NULL; a state we do not know is permanent. */
const struct pld_pg_state *pld_pg_state(const char *sqlstate);

/* One log line about a refused statement, without values of rows: names and log-ins do not belong on standard error. What
 * a function of the schema raises is written for whoever called it and may name people; only its place is told. */
void pld_pg_log(const char *part, const char *query, const PGresult *res, const struct pld_pg_state *state);

#endif
