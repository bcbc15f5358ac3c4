/* What the files of the store share. Nobody else includes this.
 *
 *   store.c          the object: its connections, up and down, hints
 *   store_control.c  what somebody asked for
 *   store_session.c  what must hold before a connection may be used: schema version, the daemon's lock
 *   store_cmd.c      an engine command becomes a query with parameters
 *   store_json.c     plans, intents and outcomes as JSON; the digest of a plan
 *   store_row.c      rows and ends become events
 *   store_scan.c     the connections for reads beside the work
 *   store_info.c     numbers for monitoring
 *   store_note.c     what the daemon notes about itself
 *
 * main carries every transaction. listen only listens, never in a transaction. scans carry the long reads that the
 * engine may pause: on main a paused read would hold up the leavers behind it. watch carries the short reads of those who
 * follow a directory: they do not wait until it is compared. info answers monitoring, if it asks. */
#ifndef PLD_STORE_PRIV_H
#define PLD_STORE_PRIV_H

#include "pg_pipe.h"
#include "pg_state.h"
#include "shell.h"

enum { PLD_CONTROLS = 64 }; /* more open rows than people can ask for; beyond that one may be handed on twice */

struct pld_controls {
    bool open, again; /* one look at a time; a call during a look asks for another one after it */
    bool looked;      /* in this session */
    int64_t seen[PLD_CONTROLS], fresh[PLD_CONTROLS];
    size_t n_seen, n_fresh;
};

enum { PLD_NOTES = 8, PLD_INFO_ASKS = 4 };
struct pld_note {
    const char *query;
    char *json; /* own */
};

struct pld_scan { /* one directory's */
    struct pld_scan *next;
    struct pld_pg_pipe *pipe;
    char directory[];
};

struct pld_store {
    struct pld_host host;
    const struct pl_conf *conf;
    struct pld_pg_pipe *main, *listen, *watch, *info;
    struct pld_scan *scans;
    bool up;        /* STORE_UP was emitted and STORE_DOWN was not */
    bool listening; /* hints arrive */
    bool closing;   /* nothing is emitted any more */
    bool said_standby;
    bool answered;    /* a server of our schema was there */
    int64_t since_us; /* wall clock: when `up` changed last */
    struct pld_controls controls;
    struct pld_note notes[PLD_NOTES];
    size_t n_notes;
    bool note_sent; /* the first of them */
    struct pld_info info_asks[PLD_INFO_ASKS];
    size_t n_info_asks;    /* more than 0: a question is open */
    struct event *hint;    /* EV_DIRTY, at most one each HINT_MS */
    struct event *standby; /* another daemon holds the lock: ask again */
    int64_t hinted_ms;     /* monotonic */
    char why[300];         /* last reason why the database could not be used, so that it is said once */
};

/* One command of the engine, or one of our own statements, on its way. */
struct pld_task {
    struct pld_pg_job job; /* first: the pipe hands back its address */
    struct pld_store *store;
    struct pl_arena *arena; /* parameters and results */
    enum pl_cmd_kind kind;
    uint64_t req;
    struct pl_str directory;
    int64_t number;      /* RESERVE: account_id; TICK: next_us; schema: version */
    struct pl_str login; /* RESERVE */
    int64_t *ids;        /* INTENTS */
    size_t n_ids, want_ids;
    bool malformed; /* the answer was not what the query promises */
};

struct pld_task *pld_task_new(struct pld_store *s, const char *query);
void pld_task_free(struct pld_task *t);
void pld_task_param(struct pld_task *t, const char *text);

/* store.c */
enum pl_flow pld_store_emit(struct pld_store *s, const struct pl_event *ev);
void pld_store_ready(struct pld_store *s); /* the session may work: STORE_UP */

/* store_control.c */
void pld_controls_look(struct pld_store *s);
void pld_controls_forget(struct pld_store *s); /* the session is over */

/* store_scan.c */
struct pld_pg_pipe *pld_watch_pipe(struct pld_store *s, struct event_base *base);
struct pld_pg_pipe *pld_scan_pipe(struct pld_store *s, struct pl_str directory); /* to be started */
void pld_scans_stop(struct pld_store *s);
void pld_scans_free(struct pld_store *s);

/* store_info.c */
struct pld_pg_pipe *pld_info_pipe(struct pld_store *s, struct event_base *base);

/* store_note.c */
void pld_notes_send(struct pld_store *s);
void pld_notes_free(struct pld_store *s);

/* store_session.c */
void pld_session_begin(struct pld_store *s); /* on main; ends in pld_store_ready or in a failed link */

/* store_cmd.c: NULL when the command is none of the store's. `*ok` false: it cannot be sent. */
struct pld_task *pld_task_of(struct pld_store *s, const struct pl_command *cmd, bool *ok);

/* store_row.c */
void pld_task_answers(struct pld_task *t); /* sets row, end and stream by kind */
size_t pld_row_columns(const PGresult *res, int row, struct pl_str *cols, size_t max);

/* store_json.c: text in the arena */
void pld_json_init(void);
struct json_t *pld_json_text(struct pl_str s); /* what is no character becomes U+FFFD */
const char *pld_json_intents(struct pl_arena *a, const struct pl_command *cmd);
const char *pld_json_settle(struct pl_arena *a, const struct pl_settle *s);
const char *pld_json_hold(struct pl_arena *a, const struct pl_hold *h);
const char *pld_json_acked(struct pl_arena *a, const struct pl_command *cmd);
const char *pld_json_nominate(struct pl_arena *a, const struct pl_command *cmd);
const char *pld_json_watched(struct pl_arena *a, const struct pl_command *cmd);
const char *pld_json_compare(struct pl_arena *a, const struct pl_command *cmd);

/* Lower-case hex SHA-256 over the sorted lines "op person account purpose role_group\n": the same plan has the same
 * digest in whatever order it was made, and no personal value is in it. */
struct pl_str pld_plan_digest(struct pl_arena *a, const struct pl_plan_item *items, size_t n);

#endif
