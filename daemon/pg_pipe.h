/* Statements in a pipeline over one link: sent in order, answered in order, each its own transaction (one Sync each); those
 * that may share one share it when they wait side by side, because a commit is a wait for the disk. */
#ifndef PLD_PG_PIPE_H
#define PLD_PG_PIPE_H

#include "../lib/engine/engine.h"
#include "pg_link.h"

struct pld_pg_pipe;

enum pld_pg_end {
    PLD_PG_DONE,   /* committed */
    PLD_PG_FAILED, /* rolled back or never run: nothing happened */
    PLD_PG_LOST,   /* the connection went first: nobody knows */
};

enum { PLD_PG_PARAMS = 8 };

/* Embedded in the caller's own object; stays where it is until end() was called, which happens exactly once and never
 * inside pld_pg_pipe_submit. */
struct pld_pg_job {
    const char *query; /* name below sql/queries */
    const char *params[PLD_PG_PARAMS];
    int n_params;
    bool quiet;  /* the owner says in its own words what a failure means; nothing is logged or given up here */
    bool by_key; /* planned as sql/queries/plan_by_key.sql says */
    bool joins;  /* may share its transaction with others of its query: they are committed together or not at all */
    bool stream; /* row by row: memory stays bounded, row() may pause */
    enum pl_flow (*row)(struct pld_pg_job *job, const PGresult *res, int row); /* NULL: rows are ignored */
    void (*end)(struct pld_pg_job *job, enum pld_pg_end how);

    /* the pipe's own */
    struct pld_pg_job *next;
    bool failed, preamble;
    bool syncs;       /* the last of its transaction */
    char sqlstate[6]; /* of the failure, for the owner to read in end() */
};

struct pld_pg_pipe_ops {
    bool (*params)(void *ctx, struct pld_pg_params *out, struct pl_err *err);
    void (*up)(void *ctx);
    void (*notify)(void *ctx, const char *channel, int sender); /* PID of a backend; may be NULL */
    void (*down)(void *ctx, const char *why);                   /* after every open job has ended as LOST */
};

/* `name` goes into log lines. `patience_s`: the server may be silent for so long while it owes an answer. */
struct pld_pg_pipe *pld_pg_pipe_new(struct event_base *base, const char *name, int patience_s,
                                    const struct pld_pg_pipe_ops *ops, void *ctx);
void pld_pg_pipe_free(struct pld_pg_pipe *p); /* open jobs end first */

void pld_pg_pipe_start(struct pld_pg_pipe *p);
void pld_pg_pipe_stop(struct pld_pg_pipe *p); /* open jobs end as LOST; no down() */
void pld_pg_pipe_fail(struct pld_pg_pipe *p, const char *why);

void pld_pg_pipe_submit(struct pld_pg_pipe *p, struct pld_pg_job *job);
void pld_pg_pipe_refuse(struct pld_pg_pipe *p, struct pld_pg_job *job); /* ends as FAILED from the loop, unsent */

/* The job whose row() said PAUSE, or NULL. */
struct pld_pg_job *pld_pg_pipe_paused(const struct pld_pg_pipe *p);
void pld_pg_pipe_resume(struct pld_pg_pipe *p);

PGconn *pld_pg_pipe_conn(const struct pld_pg_pipe *p); /* NULL while not open */

#endif
