/* One seed: a world, a store, two directories and the engine under one virtual clock. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "directory.h"
#include "fault.h"
#include "queue.h"
#include "rng.h"
#include "sister.h"
#include "store.h"

#define OWN_WORDS     "Käsitsi Kirjutatud"     /* what other hands write for a name */
#define SIM_FIRST_DAY (1772434800 * US_SECOND) /* 2026-03-02, a Monday */

enum run_kind {
    RUN_EXECUTE, /* a request reaches its server */
    RUN_ANSWER,  /* the next part of its answer reaches the daemon */
    RUN_LATE,    /* a write whose connection is gone is carried out all the same */
    RUN_TIMER,   /* the engine's timer */
    RUN_HAPPEN,  /* people, faults, other hands: one of the seed's events */
    RUN_COMMIT,  /* a transaction of people that took long */
    RUN_HINT,    /* NOTIFY */
    RUN_STORE_UP,
    RUN_DIR_UP,
    RUN_START,  /* the daemon after a crash */
    RUN_AMBUSH, /* a part goes away just when much depends on it */
    RUN_WATCH,  /* the next message of a watch */
    RUN_WAKE,   /* the same of a search that says when to ask; negative: DirSync is refused */
    RUN_END,    /* other hands take an end away once more */
    RUN_NAME,   /* other hands write a former name once more */
    RUN_MEND,   /* a passing fault of a directory ends */
    RUN_SISTER, /* another server takes a request, or its answer arrives */
    RUN_SERVER_UP,
};

struct req {
    uint64_t id;
    struct pl_arena *a;
    struct pl_command c; /* everything it points to is in `a` */
    int dir;             /* -1: the store */
    bool write, executed, dead, paged, paused;
    bool detached, late; /* its connection is gone; it is carried out all the same */
    int64_t sent_us;
    long load;         /* LOAD: its number; of another server: the daemon's */
    int server;        /* of another server */
    bool password_was; /* the entry had a password when this was sent */
    int64_t late_us;
    /* the answer, made when the request was executed */
    bool failed, cut;
    struct rows rows;
    size_t next_row;
    struct pl_entry *entries;
    int n_entries, next_entry, cursor;
    int code;
    bool complete;
    struct pl_str version;
    int64_t next_us, account_id;
    char login[24];
    int64_t *ids;
};

/* What a LOAD showed of one pair; the checks ask it whether a write was justified. */
struct shown {
    int64_t at_us;
    bool named, dir_enforced;
    enum pl_need need[N_PURPOSES];
    int64_t ends[N_PURPOSES];
    bool named_end[N_PURPOSES],
        crowd
            [N_PURPOSES]; /* crowd: by a list that names nobody, and more than the brake would let pass: not written ahead */
    unsigned wanted, enforced, believed; /* bits of groups */
};
enum { SHOWN = 12, MAX_FAIL = 400 };

struct check {
    char fail[MAX_FAIL]; /* the first broken invariant; empty: none */
    struct shown shown[MAX_PERSONS][N_DIRS][SHOWN];
    int n_shown[MAX_PERSONS][N_DIRS];
    bool in_work[MAX_PERSONS][N_DIRS];
    long work_load[MAX_PERSONS][N_DIRS];
    int64_t work_since[MAX_PERSONS][N_DIRS];
    bool refused[MAX_PERSONS][N_DIRS]; /* a write was denied: what is only kept is tried again by a compare */
    bool tampered[MAX_PERSONS][N_DIRS][N_PURPOSES];      /* somebody else touched the entry */
    bool named[MAX_PERSONS][N_DIRS][N_PURPOSES];         /* its name was written by hand */
    bool repassworded[MAX_PERSONS][N_DIRS][N_PURPOSES];  /* somebody else gave it a password, which nobody can see */
    unsigned regrouped[MAX_PERSONS][N_DIRS][N_PURPOSES]; /* bits of groups somebody else changed for it */
    unsigned denied_groups[N_DIRS];
    long loads, dropped[N_DIRS]; /* how many there were when a directory was lost last */
    int64_t quiet_since_us;      /* something is due and nothing is going on */
    /* brake: what each load let through, unnamed and not approved */
    long *load_locks, *load_removals;
    long cap_loads;
    long counted[MAX_PERSONS * N_DIRS * N_PURPOSES][MAX_GROUPS + 1]; /* load that this was counted in; last: the lock */
    int64_t passed_us[MAX_PERSONS * N_DIRS * N_PURPOSES][MAX_GROUPS + 1]; /* and when it began; 0 never */
    /* busy looping */
    int64_t second_us;
    int commands;
    int approvals;
};

struct watcher { /* one search that stays open */
    enum { WATCHER_OFF, WATCHER_ASKED, WATCHER_ON } phase;
    uint64_t req;
    long generation, queued; /* queued: the generation whose next message is on its way */
    long told;               /* the cookie's change; -1 none */
    int next;                /* of the directory's log */
};

struct waker {            /* a search that says when to ask */
    uint64_t req, refuse; /* refuse: a DirSync search that waits for its refusal */
    long generation, queued;
    bool stands, silent;
    int next; /* of the directory's log */
};

struct sim {
    uint64_t seed;
    bool trace;
    int events_left;
    bool calm;                            /* no more faults: everything shall come to rest */
    struct rng rng, sister_rng, poll_rng; /* the others, so that seeds without such things stay what they were */
    int64_t now;
    struct queue q;
    struct world w;
    struct store s;
    struct directory d[N_DIRS];
    struct pl_engine *e;
    long engine_no, timer_no;
    bool hinted;     /* a hint is on its way */
    bool hint_lost;  /* since the last one that came */
    int64_t stop_us; /* when the daemon was asked to stop; 0: it was not */
    bool store_up, dir_up[N_DIRS], wrong_server[N_DIRS];
    int slow[N_DIRS];
    struct watcher watch[N_DIRS];
    struct waker waker[N_DIRS];
    bool polled[N_DIRS];                  /* its watch has to ask */
    bool sync[N_DIRS], post_read[N_DIRS]; /* what the servers offer */
    bool forgetful;                       /* servers lose track of what they told: half of the seeds */
    bool sets;                            /* servers tell what is gone, or there, by syncIdSet: half of the seeds */
    bool watched[N_DIRS], gap[N_DIRS];    /* a watch has begun; it may have missed something that a compare must find */
    bool lock_observed[N_DIRS], denied[MAX_PERSONS];
    bool no_compare;      /* full compares never get through: what people changed must be right without them */
    int again_p, again_g; /* the member that was changed by hand last: stubborn hands do it again */
    struct pl_brake_limits brake;
    struct naming naming;
    int64_t brake_window_us;
    int64_t store_free_us; /* the connection works one request after the other */
    int64_t next_control;
    struct req **reqs;
    size_t n_reqs, cap_reqs;
    struct sisters sisters[N_DIRS];
    struct req **sister_reqs;
    size_t n_sister_reqs, cap_sister_reqs;
    struct pl_arena *spare[16]; /* of requests that are over */
    size_t n_spare;
    struct check c;
    unsigned long engine_events;
};

/* Runs one seed; false: an invariant was broken, and fail says which. */
bool sim_run(uint64_t seed, int events, bool trace, char fail[MAX_FAIL]);

/* ---- run.c ---- */
void sim_trace(struct sim *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
enum pl_flow sim_event(struct sim *m, struct pl_event *ev); /* to the engine, and its commands from it */
void sim_hint(struct sim *m);
void sim_request_forget(struct sim *m, struct req *r); /* it is open no more */
void sim_request_free(struct sim *m, struct req *r);
void sim_start_daemon(struct sim *m);

/* ---- copy.c, trace.c ---- */
struct req *sim_request_new(struct sim *m);
void sim_request_drop(struct sim *m, struct req *r); /* what it holds; see sim_request_free */
void copy_command(struct req *r, const struct pl_command *c);
void trace_command(struct sim *m, const struct pl_command *c);

/* ---- serve.c: requests are accepted, executed, answered ---- */
void serve_accept(struct sim *m, const struct pl_command *c);
void serve_execute(struct sim *m, struct req *r);
void serve_answer(struct sim *m, struct req *r);
void serve_resume(struct sim *m);

/* ---- watch.c ---- */
void watch_begin(struct sim *m, const struct pl_command *c);
void watch_go_on(struct sim *m, int64_t n);
void watch_pump(struct sim *m);
void watch_off(struct sim *m, int d);
bool watch_saw_all(const struct sim *m, int d); /* every change by other hands since the first day */

/* ---- poll.c: a directory whose watch has to ask ---- */
#define POLLED_DIALECT "asked"
void poll_town(struct sim *m);
bool poll_question(struct sim *m, struct req *r);
void poll_begin(struct sim *m, const struct pl_command *c);
void wake_go_on(struct sim *m, int64_t n);
void wake_pump(struct sim *m);
void wake_off(struct sim *m, int d);

/* ---- lose.c ---- */
void serve_late(struct sim *m, struct req *r);
void serve_dead(struct sim *m, struct req *r);
void serve_drop(struct sim *m, int dir, bool crash); /* dir -1: the store; what is open there ends somehow */

/* ---- happen.c, hands.c, town.c ---- */
int happen_one(struct sim *m);              /* 1, or 0 when chance drew nothing that could be done */
void happen_ambush(struct sim *m, int dir); /* dir -1: the store or the daemon */
void happen_commit(struct sim *m, void *deed);
void happen_stopped(struct sim *m); /* the daemon has ended as asked */
void happen_mend(struct sim *m, int dir);
void happen_calm(struct sim *m);         /* all faults end */
void happen_town(struct sim *m);         /* the first day: people, roles, groups, entries that were there before us */
bool hands(struct sim *m, enum fault f); /* hands.c: false when nothing was there to change */
void hand_name_again(struct sim *m);
void hand_end_again(struct sim *m, int64_t which);
void happen_old_entry(struct sim *m, const struct employment *e, int dir);
struct dir_entry *sim_entry(struct sim *m, int person, int dir, enum purpose p); /* ours, or NULL */

/* ---- check.c, check_write.c, rest.c ---- */
void check_fail(struct sim *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_command(struct sim *m, const struct pl_command *c);
long check_load_number(struct sim *m);
void check_loaded(struct sim *m, const struct pl_command *c, int64_t at_us);
void check_delivered(struct sim *m, const struct req *r);
void check_settled(struct sim *m, const struct pl_settle *t);
void check_intents(struct sim *m, const struct pl_command *c);
void check_settle(struct sim *m, const struct pl_settle *t);
void check_applied(struct sim *m, const struct pl_command *c, int dir);
void check_dropped(struct sim *m, int dir); /* -1: everything */
void check_somebody_looks(struct sim *m);
const struct account *check_whose(struct sim *m, int dir, const struct dir_entry *e); /* NULL: nobody's */
void check_late(struct sim *m, const struct pl_command *c, int dir);
bool rest_reached(struct sim *m);
void rest_check(struct sim *m);

#endif
