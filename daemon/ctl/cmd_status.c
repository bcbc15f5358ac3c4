/* status: does anything need a person, and how are things. The database says it all: what paaslad sees of its
 * connections it writes there when it changes, so that PostgreSQL's roles decide who may see it. */
#include "args.h"

#include "lib/base/arena.h"
#include "lib/core/health.h"
#include "sql/embed.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Columns of ctl_status. */
enum {
    COL_VERSION,
    COL_WAITING,
    COL_OLDEST,
    COL_OLDEST_S,
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
/* Columns of ctl_status_daemon. */
enum { DAEMON_WORKS, DAEMON_VERSION, DAEMON_HOST, DAEMON_STARTED, DAEMON_LOADED, DAEMON_NAMES, DAEMON_RESTARTS };
/* Columns of ctl_status_directories. */
enum { DIR_NAME, DIR_MODE, DIR_CONNECTION, DIR_SINCE, DIR_FOR_S };

/* What was asked, in this order. */
enum { Q_COUNTS, Q_DAEMON, Q_DIRECTORIES, Q_ACCOUNTS, Q_DELAYS, Q_WRITES, Q_COUNT };
static const char *const queries[Q_COUNT] = {"ctl_status",          "ctl_status_daemon", "ctl_status_directories",
                                             "ctl_status_accounts", "ctl_status_delays", "ctl_status_writes"};

static bool works(const PGresult *daemon)
{
    return *PQgetvalue(daemon, 0, DAEMON_WORKS) == 't';
}

static void read_directories(const PGresult *r, struct pl_health_dir *out)
{
    for (int i = 0; i < PQntuples(r); i++) {
        const char *state = PQgetvalue(r, i, DIR_CONNECTION);
        int64_t for_s = 0;
        (void)pl_str_to_i64(pl_str_c(PQgetvalue(r, i, DIR_FOR_S)), &for_s);
        out[i] = (struct pl_health_dir){
            .name = pl_str_c(PQgetvalue(r, i, DIR_NAME)),
            .up = *state == '\0' || strcmp(state, "up") == 0, /* without a daemon nobody knows */
            .refused = strcmp(state, "refused") == 0,
            .for_s = for_s,
        };
    }
}

/* What needs a person, in words. Returns how many things. */
static long judge(PGresult *const r[Q_COUNT], struct pl_buf *words)
{
    const PGresult *c = r[Q_COUNTS];
    int n = PQntuples(r[Q_DIRECTORIES]);
    struct pl_health_dir *dirs = pl_xcalloc((size_t)n + 1, sizeof *dirs);
    struct pl_health h = {
        .no_daemon = !works(r[Q_DAEMON]),
        .other_schema = ctl_int(c, 0, COL_VERSION) != pl_sql_schema_version(),
        .oldest_s = ctl_int(c, 0, COL_OLDEST_S),
        .critical = ctl_int(c, 0, COL_CRITICAL),
        .warning = ctl_int(c, 0, COL_WARNING),
        .held_plans = ctl_int(c, 0, COL_HELD),
        .work_orders = ctl_int(c, 0, COL_OPEN_ORDERS),
        .overdue = ctl_int(c, 0, COL_OVERDUE),
        .incomplete = ctl_int(c, 0, COL_INCOMPLETE),
        .unanswered = ctl_int(c, 0, COL_UNANSWERED),
        .needs_restart = works(r[Q_DAEMON]) ? ctl_int(r[Q_DAEMON], 0, DAEMON_RESTARTS) : 0,
        .dirs = dirs,
        .n_dirs = (size_t)n,
    };
    read_directories(r[Q_DIRECTORIES], dirs);
    long things = pl_health_say(&h, PL_HEALTH_PERSON, ", ", words);
    free(dirs);
    return things;
}

static void print_daemon(const PGresult *r)
{
    if (PQgetisnull(r, 0, DAEMON_VERSION))
        printf("\nDaemon: %s\n", works(r) ? "works, and has not noted itself yet" : "none has worked here yet");
    else
        printf("\nDaemon: %s, version %s on %s, started %.19s, configuration of %.19s\n",
               works(r) ? "works" : "does not work now; the last one was", PQgetvalue(r, 0, DAEMON_VERSION),
               PQgetvalue(r, 0, DAEMON_HOST), PQgetvalue(r, 0, DAEMON_STARTED), PQgetvalue(r, 0, DAEMON_LOADED));
}

static void print_rest(PGresult *const r[Q_COUNT])
{
    const PGresult *c = r[Q_COUNTS];
    const char *oldest = PQgetvalue(c, 0, COL_OLDEST);
    print_daemon(r[Q_DAEMON]);
    printf("Waiting for the daemon: %d", ctl_int(c, 0, COL_WAITING));
    if (*oldest)
        printf(", the oldest since %.19s", oldest);
    printf("; to be tried again later: %d\n", ctl_int(c, 0, COL_LATER));
    printf("Held plans: %d\n", ctl_int(c, 0, COL_HELD));
    printf("Work orders: %d open, %d overdue\n", ctl_int(c, 0, COL_OPEN_ORDERS), ctl_int(c, 0, COL_OVERDUE));
    printf("Open findings: %d critical, %d warning, %d info\n", ctl_int(c, 0, COL_CRITICAL), ctl_int(c, 0, COL_WARNING),
           ctl_int(c, 0, COL_INFO));
    printf("Schema: version %d; this program's: %d\n\n", ctl_int(c, 0, COL_VERSION), pl_sql_schema_version());
    ctl_print_table(r[Q_DIRECTORIES], "No directory is entered.");
    putchar('\n');
    ctl_print_table(r[Q_ACCOUNTS], "There is no account yet.");
    puts("\nLast 24 hours, from a change to the lock and until out of the groups (milliseconds):");
    ctl_print_table(r[Q_DELAYS], "Nobody was locked.");
    puts("\nLast 24 hours, writes to the directories:");
    ctl_print_table(r[Q_WRITES], "There was none.");
}

static int tell(struct ctl *c, PGresult *const r[Q_COUNT])
{
    struct pl_buf words = {0};
    long n = judge(r, &words);
    pl_buf_add_c(&words, "");
    if (n == 0)
        ctl_say(c, "Nothing needs you.");
    else
        ctl_say(c, "%ld thing%s need%s a person: %s.", n, n == 1 ? "" : "s", n == 1 ? "s" : "", words.s);
    if (c->json)
        ctl_print_json_value(json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "needs", (json_int_t)n, "text",
                                       n ? words.s : "", "counts", ctl_json_rows(r[Q_COUNTS]), "daemon",
                                       ctl_json_rows(r[Q_DAEMON]), "directories", ctl_json_rows(r[Q_DIRECTORIES]),
                                       "accounts", ctl_json_rows(r[Q_ACCOUNTS]), "delays", ctl_json_rows(r[Q_DELAYS]),
                                       "writes", ctl_json_rows(r[Q_WRITES])));
    else
        print_rest(r);
    pl_buf_free(&words);
    return n > 0 ? CTL_ATTENTION : CTL_OK;
}

int cmd_status(struct ctl *c, int argc, char **argv)
{
    struct ctl_args a;
    ctl_args_start(&a, c, argc, argv);
    if (!ctl_args_end(&a, 0, 0))
        return CTL_USAGE;
    int code = CTL_OK, i = 0;
    PGresult *r[Q_COUNT] = {NULL};
    while (i < Q_COUNT && (r[i] = ctl_query(c, queries[i], 0, NULL, &code)))
        i++;
    if (i == Q_COUNT)
        code = tell(c, r);
    for (i = 0; i < Q_COUNT; i++)
        PQclear(r[i]);
    return code;
}
