#include "store_priv.h"

/* A row of load_work.sql has 21 columns, the widest there is. */
enum { MAX_COLUMNS = 32 };

/* NULL reads as empty text, as the engine wants it. Slices live as long as the result. */
size_t pld_row_columns(const PGresult *res, int row, struct pl_str *cols, size_t max)
{
    int n = PQnfields(res);
    if (n < 0 || (size_t)n > max)
        return 0;
    for (int i = 0; i < n; i++)
        cols[i] = (struct pl_str){PQgetvalue(res, row, i), (size_t)PQgetlength(res, row, i)};
    return (size_t)n;
}

/* ---- rows ---- */

/* An unreadable row is handed on with no columns: the engine refuses it and with it the whole answer. */
static enum pl_flow emit_row(struct pld_task *t, enum pl_ev_kind kind, const PGresult *res, int row)
{
    struct pl_str cols[MAX_COLUMNS];
    struct pl_event ev = {.kind = kind, .req = t->req, .directory = t->directory};
    ev.row.n = pld_row_columns(res, row, cols, MAX_COLUMNS);
    ev.row.cols = cols;
    return pld_store_emit(t->store, &ev);
}

/* The main connection never pauses: leavers come behind. A load is bounded by its limit and by the urgent persons. */
static enum pl_flow load_row(struct pld_pg_job *job, const PGresult *res, int row)
{
    emit_row((struct pld_task *)job, PL_EV_LOAD_ROW, res, row);
    return PL_CONTINUE;
}

static enum pl_flow scan_row(struct pld_pg_job *job, const PGresult *res, int row)
{
    return emit_row((struct pld_task *)job, PL_EV_SCAN_ROW, res, row);
}

static enum pl_flow tick_row(struct pld_pg_job *job, const PGresult *res, int row)
{
    struct pld_task *t = (struct pld_task *)job;
    struct pl_str cols[MAX_COLUMNS];
    if (pld_row_columns(res, row, cols, MAX_COLUMNS) < 1 || (cols[0].len && !pl_str_to_i64(cols[0], &t->number)))
        t->malformed = true;
    return PL_CONTINUE;
}

static enum pl_flow reserve_row(struct pld_pg_job *job, const PGresult *res, int row)
{
    struct pld_task *t = (struct pld_task *)job;
    struct pl_str cols[MAX_COLUMNS];
    if (pld_row_columns(res, row, cols, MAX_COLUMNS) < 2 || (cols[0].len && !pl_str_to_i64(cols[0], &t->number)))
        t->malformed = true;
    else
        t->login = pl_arena_str(t->arena, cols[1]);
    return PL_CONTINUE;
}

static enum pl_flow intents_row(struct pld_pg_job *job, const PGresult *res, int row)
{
    struct pld_task *t = (struct pld_task *)job;
    struct pl_str cols[MAX_COLUMNS];
    if (t->n_ids == t->want_ids || pld_row_columns(res, row, cols, MAX_COLUMNS) < 1 ||
        !pl_str_to_i64(cols[0], &t->ids[t->n_ids++]))
        t->malformed = true;
    return PL_CONTINUE;
}

/* ---- ends ---- */

static const struct answer {
    enum pl_cmd_kind kind;
    enum pl_ev_kind event;
    bool stream;
    enum pl_flow (*row)(struct pld_pg_job *, const PGresult *, int);
} answers[] = {
    {PL_CMD_RECOVER, PL_EV_STORE_DONE, false, NULL},
    {PL_CMD_TICK, PL_EV_TICKED, false, tick_row},
    {PL_CMD_LOAD, PL_EV_LOAD_DONE, true, load_row},
    {PL_CMD_RESERVE, PL_EV_RESERVED, false, reserve_row},
    {PL_CMD_INTENTS, PL_EV_INTENDED, false, intents_row},
    {PL_CMD_SETTLE, PL_EV_STORE_DONE, false, NULL},
    {PL_CMD_HOLD, PL_EV_STORE_DONE, false, NULL},
    {PL_CMD_NOMINATE, PL_EV_STORE_DONE, false, NULL},
    {PL_CMD_SCAN_ACCOUNTS, PL_EV_SCAN_DONE, true, scan_row},
    {PL_CMD_SCAN_GROUP, PL_EV_SCAN_DONE, true, scan_row},
    {PL_CMD_SCAN_GROUPS, PL_EV_SCAN_DONE, true, scan_row},
    {PL_CMD_NOTE_COMPARE, PL_EV_STORE_DONE, false, NULL},
    {PL_CMD_WATCH_STATE, PL_EV_SCAN_DONE, true, scan_row},
    {PL_CMD_WATCHED, PL_EV_STORE_DONE, false, NULL},
    {PL_CMD_ACKED, PL_EV_STORE_DONE, false, NULL},
    {PL_CMD_UNACKED, PL_EV_SCAN_DONE, true, scan_row},
};

static const struct answer *answer_of(enum pl_cmd_kind kind)
{
    size_t i = 0;
    while (answers[i].kind != kind)
        i++; /* store_cmd.c makes no other kinds */
    return &answers[i];
}

static void fill(const struct pld_task *t, struct pl_event *ev)
{
    switch (t->kind) {
    case PL_CMD_TICK:
        ev->ticked.next_us = t->number;
        break;
    case PL_CMD_RESERVE:
        ev->reserved.account_id = t->number;
        ev->reserved.login = t->login;
        break;
    case PL_CMD_INTENTS:
        ev->intended.ids = t->ids;
        ev->intended.n = t->n_ids;
        break;
    default:
        break;
    }
}

static bool complete(const struct pld_task *t)
{
    if (t->malformed)
        return false;
    return t->kind == PL_CMD_INTENTS ? t->n_ids == t->want_ids : true;
}

/* What is committed must not be called failed: an answer that makes no sense costs the connection, and recovery finds
 * out what stands. */
static void end(struct pld_pg_job *job, enum pld_pg_end how)
{
    struct pld_task *t = (struct pld_task *)job;
    struct pld_store *s = t->store;
    const struct answer *a = answer_of(t->kind);
    struct pl_event ev = {.kind = a->event, .req = t->req, .directory = t->directory, .failed = how != PLD_PG_DONE};

    if (how == PLD_PG_DONE && !complete(t)) {
        pld_log(3, "store.malformed", "%s answered with rows of another shape", job->query);
        pld_pg_pipe_fail(s->main, "the schema answers in another way than this paaslad expects");
        how = PLD_PG_LOST;
    }
    if (how == PLD_PG_FAILED && t->kind == PL_CMD_RECOVER) {
        /* Nothing may begin before open intents are known, so there is nothing else to do than to begin anew, slowly. */
        pld_pg_pipe_fail(s->main, "open intents could not be read");
        how = PLD_PG_LOST;
    }
    /* LOST on main is answered by STORE_DOWN, as is everything once that was said. A lost scan is only a scan. */
    bool scan = a->event == PL_EV_SCAN_DONE;
    if (how == PLD_PG_DONE)
        fill(t, &ev);
    if (how != PLD_PG_LOST || (scan && s->up))
        pld_store_emit(s, &ev);
    pld_task_free(t);
}

void pld_task_answers(struct pld_task *t)
{
    const struct answer *a = answer_of(t->kind);
    t->job.row = a->row;
    t->job.stream = a->stream;
    t->job.end = end;
}
