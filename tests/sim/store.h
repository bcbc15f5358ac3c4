/* A model of the PostgreSQL database: the daemon's own tables beside the truth of world.h, and the statements of
 * sql/queries. Every function here is one transaction that sees one snapshot: it runs whole at one virtual instant,
 * its answer travels later. */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include "../../lib/engine/engine.h"
#include "world.h"

struct dirty {
    int64_t seq, not_before, xact;
    int dir, person;
    const char *cause;
};

struct account {
    int person, dir;
    enum purpose purpose;
    enum pl_state state;
    char login[24], native_id[40], dn[128];
    signed char present[MAX_GROUPS]; /* paasla.membership: -1 no row */
    int64_t locked_at;
};

struct intent {
    int account, group; /* group -1: none */
    enum pl_op op;
    int row;
    bool put_back, counted;
    int64_t at_us;
    int64_t ends; /* KEEP: NEVER takes it away */
    int outcome;  /* -1 open, else enum pl_outcome */
};

enum { MAX_SERVERS = 3 };
struct owed { /* paasla.lock_ack */
    int account;
    size_t intent;    /* its id */
    int server, code; /* code -100: not answered */
    bool seen, acked, password_gone, close_again;
    bool did; /* not of the table: the server really took it */
};

struct finding {
    char kind[32], key[96];
    int dir, person, account, group; /* -1 none */
    bool open;
};

enum plan_state { PLAN_HELD, PLAN_APPROVED, PLAN_DONE, PLAN_SUPERSEDED, PLAN_PREVIEW };

struct plan_item {
    int person, group;
    enum purpose purpose;
    enum pl_op op;
    bool over; /* done, so already, or nobody wants it any more */
};

struct plan {
    int dir;
    enum plan_state state;
    int64_t approved_us, expires_us;
    struct plan_item *items;
    size_t n;
};

struct login_name {
    char login[24];
    int person;
    enum purpose purpose;
};

struct row { /* one row of an answer, as text */
    struct pl_str *cols;
    size_t n;
};
struct rows {
    struct pl_arena *a;
    struct row *v;
    size_t n, cap;
};

struct said { /* paasla.departure_said */
    int person;
    int64_t xact, at_us;
};

struct store {
    char cookie[N_DIRS][96], cookie_identity[N_DIRS][16];
    struct world *w;
    struct dirty *dirty;
    struct intent *intents; /* index + 1 is the id */
    struct finding *findings;
    struct plan *plans;
    struct owed *owed;
    size_t n_owed, cap_owed;
    int n_servers[N_DIRS]; /* paasla.directory_server */
    struct pl_str servers[N_DIRS][MAX_SERVERS];
    struct said *said;
    size_t n_dirty, n_intents, n_findings, n_plans, cap_dirty, cap_intents, cap_findings, cap_plans, n_said, cap_said;
    struct account accounts[MAX_PERSONS * N_DIRS * N_PURPOSES]; /* index + 1 is the id */
    struct login_name logins[MAX_PERSONS * N_PURPOSES];
    int account_of[MAX_PERSONS][N_DIRS][N_PURPOSES]; /* -1 none */
    int n_accounts, n_logins;
    int64_t next_seq, next_xact, ticked_us;
    size_t first_open_intent;
    int64_t reserved_seq;      /* not 0: numbers drawn when a long transaction began */
    char identity[N_DIRS][24]; /* paasla.directory.identity: the server our records were made against */
    bool identity_shown[N_DIRS];
};

void store_init(struct store *s, struct world *w, int64_t now);
void store_free(struct store *s);

/* ---- what triggers do inside a transaction of people ---- */
int64_t store_begin(struct store *s);
void store_say(struct store *s, int person, int64_t xact, int64_t now); /* a departure is set, moved or said again */
void store_mark(struct store *s, int dir, int person, const char *cause, int64_t not_before, int64_t xact);
void store_mark_all(struct store *s, int person, const char *cause,
                    int64_t xact); /* in every directory that concerns */

/* ---- looking at the tables ---- */
struct account *store_account(struct store *s, int person, int dir, enum purpose p); /* NULL: no row */
struct wanted store_wanted(const struct store *s, int person, int dir, enum purpose p, int64_t now);
int64_t store_ends(const struct store *s, int person, int dir, enum purpose p, int64_t now); /* NEVER: none */
bool store_entitled(const struct store *s, int person, int group, int64_t now);
struct naming { /* how many departures name their leavers: of one transaction, of one hour */
    int leavers, per_hour;
};
/* Whether HR named the end as it names a leaver; if not, how many employments end within a day of it. */
bool store_end_named(const struct store *s, int person, int64_t ends, struct naming most);
int store_crowd(const struct store *s, int64_t ends, int64_t now);
bool store_named(const struct store *s, int person, int dir, struct naming most, int64_t now);
bool store_is_due(const struct store *s, int person, int dir, int64_t now);
bool store_is_dirty(const struct store *s, int person, int dir);
const struct finding *store_finding(const struct store *s, int dir, int person, int group, const char *kind);
bool store_held(const struct store *s, int person, int dir, enum purpose p, enum pl_op op, int group, int64_t now,
                bool *approved);
bool store_was_approved(const struct store *s, int person, int dir, enum purpose p, enum pl_op op,
                        int group); /* ever */

/* ---- the daemon's statements ---- */
void store_recover(struct store *s);
int64_t store_tick(struct store *s, int64_t now); /* the next change, 0 none */
void store_load(struct store *s, const struct pl_command *c, int64_t now, struct rows *out);
void store_scan_accounts(struct store *s, int dir, bool names, int64_t now, struct rows *out);
void store_scan_group(struct store *s, int dir, struct pl_str group_dn, int64_t now, struct rows *out);
void store_scan_groups(struct store *s, int dir, int64_t now, struct rows *out);
int store_reserve(struct store *s, int dir, int person, enum purpose p, const struct pl_str *candidates, size_t n);
void store_intents(struct store *s, const struct pl_command *c, int64_t now, int64_t *ids);
bool store_settle(struct store *s, const struct pl_settle *t, int64_t now); /* false: a constraint refused it */
bool store_hold(struct store *s, const struct pl_hold *h, int64_t now);     /* false: all of it was held before */
void store_watch_state(struct store *s, int dir, struct rows *out);
void store_watched(struct store *s, int dir, const struct pl_command *c);
bool store_acked(struct store *s, int dir, const struct pl_command *c, int64_t now); /* false: it was not so */
void store_unacked(struct store *s, int dir, const struct pl_command *c, struct rows *out);
void store_owe(struct store *s, size_t intent, enum pl_op op, int account); /* the intent's trigger */
void store_close_again(struct store *s, int account, int64_t now); /* the account's trigger, when it has become out */
void store_did(struct store *s, int64_t intent, struct pl_str server);
const struct owed *store_owes(const struct store *s, int dir,
                              size_t *from); /* those that are looked for; NULL: no more */
void store_nominate(struct store *s, int dir, const struct pl_command *c);
void store_note_compare(struct store *s, int dir, const struct pl_command *c);
void store_consume(struct store *s, const int64_t *seqs, size_t n);
void store_close_plans(struct store *s, int dir, int person, int64_t now);
void store_approve(struct store *s, size_t plan, int64_t now, int64_t xact);

int store_dir(struct pl_str name); /* -1 unknown */
enum purpose store_purpose(struct pl_str name);

#endif
