#include "store_priv.h"

#include <string.h>

/* Somebody asked for something (`paaslactl sync`, `paaslactl plan preview`): rows of paasla.control that nobody started.
 * Each is handed on once in a session. The first look of a session takes what is unfinished, whoever began it: a daemon
 * may have died over it. */

static bool seen(const struct pld_controls *c, int64_t id)
{
    for (size_t i = 0; i < c->n_seen; i++)
        if (c->seen[i] == id)
            return true;
    return false;
}

static enum pl_flow control_row(struct pld_pg_job *job, const PGresult *res, int row)
{
    struct pld_store *s = ((struct pld_task *)job)->store;
    struct pld_controls *c = &s->controls;
    struct pl_str cols[3];
    struct pl_event ev = {.kind = PL_EV_CONTROL};

    if (pld_row_columns(res, row, cols, 3) != 3 || !pl_str_to_i64(cols[0], &ev.control.control_id)) {
        pld_log(3, "store.malformed", "controls.sql answered with a row of another shape");
        return PL_CONTINUE;
    }
    if (c->n_fresh < PLD_CONTROLS)
        c->fresh[c->n_fresh++] = ev.control.control_id;
    ev.control.preview = pl_str_eq_c(cols[1], "preview");
    ev.control.directory = cols[2];
    if (s->up && !seen(c, ev.control.control_id))
        pld_store_emit(s, &ev);
    return PL_CONTINUE;
}

static void control_end(struct pld_pg_job *job, enum pld_pg_end how)
{
    struct pld_store *s = ((struct pld_task *)job)->store;
    struct pld_controls *c = &s->controls;

    c->open = false;
    pld_task_free((struct pld_task *)job);
    if (how == PLD_PG_LOST)
        return;
    memcpy(c->seen, c->fresh, sizeof c->seen);
    c->n_seen = c->n_fresh;
    if (c->again)
        pld_controls_look(s);
}

void pld_controls_look(struct pld_store *s)
{
    struct pld_controls *c = &s->controls;
    c->again = c->open;
    if (c->open || !s->up)
        return;
    struct pld_task *t = pld_task_new(s, c->looked ? "controls" : "controls_unfinished");
    t->job.row = control_row;
    t->job.end = control_end;
    c->again = c->again || !c->looked;
    c->open = c->looked = true;
    c->n_fresh = 0;
    pld_pg_pipe_submit(s->main, &t->job);
}

void pld_controls_forget(struct pld_store *s)
{
    s->controls.n_seen = 0;
    s->controls.again = s->controls.looked = false;
}
