/* status: does anything need a person, and how are things. */
#include "args.h"

#include "lib/base/str.h"
#include "sql/embed.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Columns of ctl_status. */
enum {
    COL_VERSION,
    COL_WAITING,
    COL_OLDEST,
    COL_STALE,
    COL_LATER,
    COL_HELD,
    COL_OPEN_ORDERS,
    COL_OVERDUE,
    COL_CRITICAL,
    COL_WARNING,
    COL_INFO,
    COL_INCOMPLETE,
    COL_UNANSWERED
};

static int count(const PGresult *r, int column)
{
    return ctl_int(r, 0, column);
}

/* Adds "n of them" to the first line. Returns n. */
static int need(struct pl_buf *b, int n, const char *one, const char *many)
{
    if (n > 0)
        pl_buf_printf(b, "%s%d %s", b->len ? ", " : "", n, n == 1 ? one : many);
    return n;
}

/* What needs a person, in words. Returns how many things. */
static int needs(const PGresult *r, struct pl_buf *b)
{
    int n = need(b, count(r, COL_CRITICAL), "critical finding", "critical findings");
    n += need(b, count(r, COL_WARNING), "warning", "warnings");
    n += need(b, count(r, COL_HELD), "held plan", "held plans");
    n += need(b, count(r, COL_OPEN_ORDERS), "open work order", "open work orders");
    if (count(r, COL_OVERDUE) > 0)
        pl_buf_printf(b, " (%d overdue)", count(r, COL_OVERDUE));
    n += need(b, count(r, COL_INCOMPLETE), "directory without a complete compare",
              "directories without a complete compare");
    n += need(b, count(r, COL_STALE), "wake-up that the daemon does not take: is paaslad running",
              "wake-ups that the daemon does not take: is paaslad running");
    n += need(b, count(r, COL_UNANSWERED), "question that the daemon did not answer",
              "questions that the daemon did not answer");
    if (count(r, COL_VERSION) != pl_sql_schema_version())
        n += need(b, 1, "schema of another version than this program's: `paaslactl db status`", "");
    return n;
}

static void print_rest(const PGresult *r, const PGresult *accounts, const PGresult *directories)
{
    const char *oldest = PQgetvalue(r, 0, COL_OLDEST);
    printf("\nWaiting for the daemon: %d", count(r, COL_WAITING));
    if (*oldest)
        printf(", the oldest since %.19s", oldest);
    printf("; to be tried again later: %d\n", count(r, COL_LATER));
    printf("Held plans: %d\n", count(r, COL_HELD));
    printf("Work orders: %d open, %d overdue\n", count(r, COL_OPEN_ORDERS), count(r, COL_OVERDUE));
    printf("Open findings: %d critical, %d warning, %d info\n", count(r, COL_CRITICAL), count(r, COL_WARNING),
           count(r, COL_INFO));
    printf("Schema: version %d; this program's: %d\n\n", count(r, COL_VERSION), pl_sql_schema_version());
    ctl_print_table(directories, "No directory is entered.");
    putchar('\n');
    ctl_print_table(accounts, "There is no account yet.");
}

int cmd_status(struct ctl *c, int argc, char **argv)
{
    struct ctl_args a;
    ctl_args_start(&a, c, argc, argv);
    if (!ctl_args_end(&a, 0, 0))
        return CTL_USAGE;
    int code = CTL_OK, n = 0;
    struct pl_buf words = {0};
    PGresult *accounts = NULL, *directories = NULL;
    PGresult *r = ctl_query(c, "ctl_status", 0, NULL, &code);
    if (r)
        accounts = ctl_query(c, "ctl_status_accounts", 0, NULL, &code);
    if (accounts)
        directories = ctl_query(c, "ctl_status_directories", 0, NULL, &code);
    if (directories) {
        n = needs(r, &words);
        pl_buf_add_c(&words, "");
        if (n == 0)
            ctl_say(c, "Nothing needs you.");
        else
            ctl_say(c, "%d thing%s need%s you: %s.", n, n == 1 ? "" : "s", n == 1 ? "s" : "", words.s);
        if (c->json)
            ctl_print_json_value(json_pack("{s:i, s:s, s:o, s:o, s:o}", "needs", n, "text", n ? words.s : "", "counts",
                                           ctl_json_rows(r), "directories", ctl_json_rows(directories), "accounts",
                                           ctl_json_rows(accounts)));
        else
            print_rest(r, accounts, directories);
        code = n > 0 ? CTL_ATTENTION : CTL_OK;
    }
    pl_buf_free(&words);
    PQclear(r);
    PQclear(accounts);
    PQclear(directories);
    return code;
}
