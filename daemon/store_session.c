#include "store_priv.h"

#include <stdio.h>
#include "../sql/embed.h"

/* Before a connection may be used: the schema is the one this program was built for, and no other daemon works. The
 * version comes first, so that a daemon of the wrong version does not hold the lock; and it is read again with each try
 * for the lock, since somebody may migrate while we wait. */

enum { STANDBY_S = 2 };

static enum pl_flow number_row(struct pld_pg_job *job, const PGresult *res, int row)
{
    struct pld_task *t = (struct pld_task *)job;
    struct pl_str col;
    if (pld_row_columns(res, row, &col, 1) != 1 || !pl_str_to_i64(col, &t->number))
        t->number = -1;
    return PL_CONTINUE;
}

static void ask(struct pld_store *s, const char *query, void (*end)(struct pld_pg_job *, enum pld_pg_end))
{
    struct pld_task *t = pld_task_new(s, query);
    t->job.row = number_row;
    t->job.end = end;
    t->job.quiet = true;
    t->number = -1;
    pld_pg_pipe_submit(s->main, &t->job);
}

static void wait_for_lock(struct pld_store *s)
{
    struct timeval tv = {STANDBY_S, 0};
    if (!s->said_standby) {
        pld_log(5, "store.standby",
                "another paaslad (or a lost session of this one) works on this database; waiting until it ends");
        s->said_standby = true;
        pld_changed(&s->host);
    }
    event_add(s->standby, &tv);
}

/* Said once for the same reason, however often it is tried (store.c). */
static void refused(struct pld_store *s, const struct pld_task *t)
{
    char why[300];
    const char *code = t->job.sqlstate;
    snprintf(why, sizeof why, "%s (%s, SQLSTATE %s)",
             *code ? pld_pg_state(code)->say : "an answer of another shape came", t->job.query, *code ? code : "none");
    pld_pg_pipe_fail(s->main, why);
}

static void lock_end(struct pld_pg_job *job, enum pld_pg_end how)
{
    struct pld_task *t = (struct pld_task *)job;
    struct pld_store *s = t->store;
    bool got = t->number == 1;

    bool bad = how == PLD_PG_FAILED || (how == PLD_PG_DONE && t->number < 0);

    if (bad)
        refused(s, t);
    pld_task_free(t);
    if (bad || how == PLD_PG_LOST)
        return;
    if (!got) {
        wait_for_lock(s);
        return;
    }
    s->said_standby = false;
    pld_store_ready(s);
}

static void version_end(struct pld_pg_job *job, enum pld_pg_end how)
{
    struct pld_task *t = (struct pld_task *)job;
    struct pld_store *s = t->store;
    int64_t have = t->number, need = pl_sql_schema_version();
    bool bad = how == PLD_PG_FAILED || (how == PLD_PG_DONE && have < 0);
    char why[200];

    if (bad)
        refused(s, t);
    pld_task_free(t);
    if (bad || how == PLD_PG_LOST)
        return;
    if (have < need) {
        snprintf(why, sizeof why, "the schema is at version %lld, this paaslad needs %lld: run paaslactl db migrate",
                 (long long)have, (long long)need);
        pld_pg_pipe_fail(s->main, why);
    } else if (have > need) {
        snprintf(why, sizeof why,
                 "this paaslad is older than the schema (it knows version %lld, the schema is at %lld): "
                 "install the newer paaslad",
                 (long long)need, (long long)have);
        pld_pg_pipe_fail(s->main, why);
    } else {
        s->answered = true;
        ask(s, "daemon_lock", lock_end);
    }
}

void pld_session_begin(struct pld_store *s)
{
    ask(s, "schema_version", version_end);
}
