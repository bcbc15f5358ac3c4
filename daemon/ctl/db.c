/* The connection, and queries as sentences. */
#include "ctl.h"

#include "lib/base/str.h"
#include "sql/embed.h"

#include <stdlib.h>
#include <limits.h>
#include <string.h>

/* PostgreSQL's message as a sentence: "prefix: text. Hint." */
static void say_result(const char *prefix, const PGresult *r, const char *other_hint)
{
    const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    const char *hint = PQresultErrorField(r, PG_DIAG_MESSAGE_HINT);
    if (!text)
        text = PQresultErrorMessage(r);
    if (!hint)
        hint = other_hint;
    size_t n = strlen(text);
    while (n > 0 && strchr("\n.", text[n - 1]))
        n--;
    ctl_complain("%s%.*s.%s%s", prefix, (int)n, text, hint ? " " : "", hint ? hint : "");
}

static void on_notice(void *arg, const PGresult *r)
{
    (void)arg;
    const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
    say_result(severity && strcmp(severity, "WARNING") == 0 ? "warning: " : "note: ", r, NULL);
}

static const char *hint_for(const struct ctl *c, const PGresult *r)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (!state)
        return NULL;
    if (strcmp(state, "42501") == 0 && strcmp(c->command->name, "db") == 0)
        return "`db migrate` is for the owner of the database, `db status` for every role of ours.";
    if (strcmp(state, "42501") == 0)
        return "This log-in lacks the role for it: paasla_hr, paasla_grantor, paasla_approver, paasla_admin or "
               "paasla_auditor.";
    if (strcmp(state, "3F000") == 0 || strcmp(state, "42P01") == 0 || strcmp(state, "42883") == 0 ||
        strcmp(state, "42703") == 0)
        return "Is this the right database, and its schema up to date? `paaslactl db status` tells.";
    return NULL;
}

/* libpq's own message: lines become one sentence. */
static void say_connection(const char *what, PGconn *db)
{
    char text[600];
    snprintf(text, sizeof text, "%s", PQerrorMessage(db));
    for (char *p = text; *p; p++)
        if (*p == '\n' || *p == '\t')
            *p = ' ';
    ctl_complain("%s: %s", what, text);
}

/* Whether the words were wrong, or the wish is refused: nobody and nothing of that name, a name that means two, a value
 * that cannot be; everything else is a rule or a right. */
static bool wrong_input(const PGresult *r)
{
    static const char *const states[] = {"P0002", "42P08", "23503"};
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (!state)
        return false;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(state, states[i]) == 0)
            return true;
    return strncmp(state, "22", 2) == 0;
}

static int failed(struct ctl *c, const PGresult *r)
{
    if (PQstatus(c->db) != CONNECTION_OK) {
        say_connection("the connection to the database was lost", c->db);
        return CTL_NO_DB;
    }
    say_result("", r, hint_for(c, r));
    return wrong_input(r) && strcmp(c->command->name, "db") != 0 ? CTL_USAGE : CTL_REFUSED;
}

int ctl_connect(struct ctl *c)
{
    if (c->db)
        return CTL_OK;
    const char *keys[] = {"dbname", "client_encoding", "fallback_application_name", "connect_timeout", NULL};
    const char *db = c->dsn;
    if (!db && !getenv("PGDATABASE") && !getenv("PGSERVICE"))
        db = "dbname=paasla";
    const char *timeout = getenv("PGCONNECT_TIMEOUT") ? NULL : "10";
    const char *values[] = {db, "UTF8", "paaslactl", timeout, NULL};
    c->db = PQconnectdbParams(keys, values, 1);
    if (PQstatus(c->db) != CONNECTION_OK) {
        say_connection("cannot reach the database", c->db);
        ctl_complain("give --dsn, or PGHOST and the like; see paaslactl --help.");
        PQfinish(c->db);
        c->db = NULL;
        return CTL_NO_DB;
    }
    PQsetNoticeReceiver(c->db, on_notice, NULL);
    int code = CTL_OK;
    PQclear(ctl_exec(c, "SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET timezone = 'Europe/Tallinn'",
                     &code));
    return code == CTL_OK ? CTL_OK : CTL_NO_DB;
}

static PGresult *checked(struct ctl *c, PGresult *r, int *exit_code)
{
    ExecStatusType s = PQresultStatus(r);
    if (s == PGRES_TUPLES_OK || s == PGRES_COMMAND_OK)
        return r;
    *exit_code = failed(c, r);
    PQclear(r);
    return NULL;
}

PGresult *ctl_exec(struct ctl *c, const char *sql, int *exit_code)
{
    if (!c->db && (*exit_code = ctl_connect(c)) != CTL_OK)
        return NULL;
    return checked(c, PQexec(c->db, sql), exit_code);
}

PGresult *ctl_query(struct ctl *c, const char *query_name, int n, const char *const *params, int *exit_code)
{
    const char *sql = pl_sql_query(query_name);
    if (!sql) {
        ctl_complain("no query %s is built in: this is a defect of the program.", query_name);
        *exit_code = CTL_USAGE;
        return NULL;
    }
    int code = ctl_connect(c);
    if (code != CTL_OK) {
        *exit_code = code;
        return NULL;
    }
    return checked(c, PQexecParams(c->db, sql, n, NULL, params, NULL, NULL, 0), exit_code);
}

int ctl_query_table(struct ctl *c, const char *query_name, int n, const char *const *params, const char *empty_text)
{
    int code = CTL_OK;
    PGresult *r = ctl_query(c, query_name, n, params, &code);
    if (r)
        ctl_print_result(c, r, empty_text);
    PQclear(r);
    return code;
}

int ctl_int(const PGresult *r, int row, int column)
{
    int64_t v = 0;
    if (!pl_str_to_i64(pl_str_c(PQgetvalue(r, row, column)), &v) || v > INT_MAX || v < INT_MIN)
        return 0;
    return (int)v;
}
