#include "pg_state.h"

#include <stddef.h>
#include <string.h>
#include "shell.h"

/* Whole states stand among their classes; the order does not matter, the length does. A class whose messages quote rows
 * (22, 23, P0) is never quoted: names and log-ins do not belong on standard error. */
static const struct pld_pg_state states[] = {
    {"08", PLD_PG_RECONNECT, true, "the connection to PostgreSQL failed"},
    {"57P", PLD_PG_RECONNECT, true, "PostgreSQL is stopping, starting or was told to end this session"},
    {"25006", PLD_PG_RECONNECT, true, "this server only reads (a standby); looking for the one that writes"},
    {"25P03", PLD_PG_RECONNECT, true, "the session stood idle in a transaction for too long"},
    {"57014", PLD_PG_RETRY, true, "the statement was cancelled or took longer than statement_timeout"},
    {"55P03", PLD_PG_RETRY, true, "a lock was not free within lock_timeout"},
    {"55006", PLD_PG_RETRY, true, "an object is in use"},
    {"40", PLD_PG_RETRY, true, "two transactions met; one has to try again"},
    {"53", PLD_PG_RETRY, true, "PostgreSQL is short of memory, disk or connections"},
    {"58", PLD_PG_RETRY, true, "the database host reports an error of its own"},
    {"0A000", PLD_PG_RECONNECT, true, "a plan no longer fits its tables"},
    {"22", PLD_PG_DATA, false, "PostgreSQL refused a value"},
    {"23", PLD_PG_DATA, false, "a constraint refused the row"},
    {"44", PLD_PG_DATA, false, "a view refused the row"},
    {"P0", PLD_PG_DATA, false, "a function of the schema refused"},
    /* Somebody migrated the schema under us: the check after connecting says so in words. */
    {"42883", PLD_PG_RECONNECT, true, "a function is missing; is the schema the one this paaslad was built for?"},
    {"42P01", PLD_PG_RECONNECT, true, "Pääsla's tables are missing in this database; run paaslactl db migrate"},
    {"42703", PLD_PG_RECONNECT, true, "a column is missing; is the schema the one this paaslad was built for?"},
    {"3F000", PLD_PG_RECONNECT, true, "schema paasla is missing in this database; run paaslactl db migrate"},
    {"42501", PLD_PG_PERMANENT, true, "the daemon's role lacks a right; is it a member of paasla_daemon?"},
    {"42", PLD_PG_PERMANENT, true, "the schema is not the one this paaslad was built for"},
    {"28", PLD_PG_PERMANENT, true, "PostgreSQL refused the log-on"},
    {"3D000", PLD_PG_PERMANENT, true, "there is no such database"},
    {"XX", PLD_PG_PERMANENT, true, "PostgreSQL reports damage or an error of its own; look into its log"},
    {"", PLD_PG_PERMANENT, false, "PostgreSQL refused; look into its log"},
};

const struct pld_pg_state *pld_pg_state(const char *sqlstate)
{
    const struct pld_pg_state *best = NULL;
    size_t best_len = 0;

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        size_t len = strlen(states[i].prefix);
        if ((!best || len > best_len) && strncmp(sqlstate, states[i].prefix, len) == 0) {
            best = &states[i];
            best_len = len;
        }
    }
    return best;
}

static const char *field(const PGresult *res, int code)
{
    const char *s = PQresultErrorField(res, code);
    return s ? s : "";
}

/* "PL/pgSQL function paasla.settle(text) line 40 at RAISE": says where, and holds no value. Other lines of the context
 * may quote data. */
static struct pl_str where(const char *context)
{
    static const char mark[] = "PL/pgSQL function ";
    for (const char *line = context; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, mark, sizeof mark - 1) == 0)
            return (struct pl_str){line, strcspn(line, "\n")};
    }
    return (struct pl_str){"", 0};
}

void pld_pg_log(const char *part, const char *query, const PGresult *res, const struct pld_pg_state *state)
{
    bool quote = state->quote && strcmp(field(res, PG_DIAG_SOURCE_FUNCTION), "exec_stmt_raise") != 0;
    const char *constraint = field(res, PG_DIAG_CONSTRAINT_NAME);
    struct pl_str at = where(field(res, PG_DIAG_CONTEXT));

    pld_event(state->verdict == PLD_PG_RETRY ? 5 : 3, "store.statement_failed",
              PLD_FIELDS(PLD_TEXT("link", part), PLD_TEXT("query", query),
                         PLD_TEXT("sqlstate", field(res, PG_DIAG_SQLSTATE))),
              "%s failed, SQLSTATE %s: %s%s%s%s%s%s%.*s", query, field(res, PG_DIAG_SQLSTATE), state->say,
              quote ? ": " : "", quote ? field(res, PG_DIAG_MESSAGE_PRIMARY) : "", *constraint ? "; constraint " : "",
              constraint, at.len ? "; in " : "", (int)at.len, at.s);
}
