/* What the files of the engine share. Nothing outside lib/engine includes this.
 *
 *   setup.c   an engine from its configuration, and its end
 *   engine.c  one event in, timers and loads started, commands out
 *   batch.c   rows of one LOAD become pairs and tasks; the brake at the barrier before the first write
 *   gate.c    the brake over a whole batch
 *   passed.c  what the brake let pass lately
 *   task.c    one account: read, plan, intents, writes, read again, settle
 *   look.c    what a task reads and how it becomes `seen`
 *   plan.c    the tables applied to one account: operations, findings, memberships
 *   keep.c    an account's end that HR knows beforehand
 *   origin.c  where and when an account was written
 *   rename.c  HR's name in an account
 *   early.c   a named leaver's intents, written while the directory is still read
 *   exec.c    writes of one round; one write in flight per entry
 *   scan*.c   the full compare, which only nominates
 *   preview.c a dry run
 *   watch*.c  what the directory tells by itself, which only nominates too
 *   acks.c    locks on every server of a directory: who has them, who does not yet
 */
#ifndef PL_ENGINE_PRIV_H
#define PL_ENGINE_PRIV_H

#include "engine.h"
#include "passed.h"
#include "row.h"
#include "../core/names.h"

#define PL_PURPOSES_MAX 4

/* One more at the end of an array that grows by doubling; n is how many there are. */
#define PUSH(arr, n, item)                                                                                             \
    do {                                                                                                               \
        if (((n) & ((n)-1)) == 0)                                                                                      \
            (arr) = pl_xrealloc_array((arr), (n) ? (n)*2 : 1, sizeof *(arr));                                          \
        (arr)[(n)++] = (item);                                                                                         \
    } while (0)

enum { PL_CANDIDATES = 9, PL_ROUNDS_MAX = 5, PL_TARGET_SLOTS = 1024 };

struct dir;
struct batch;
struct task;
struct scan;
struct watch;
struct acks;

/* A request that is out: who gets the answer. */
enum owner_kind {
    OWN_NONE,
    OWN_LOAD,
    OWN_TASK_LOOK,
    OWN_TASK_STORE,
    OWN_TASK_EARLY,
    OWN_WRITE,
    OWN_LOST_WRITE,
    OWN_HOLD,
    OWN_SCAN,
    OWN_TICK,
    OWN_RECOVER,
    OWN_WATCH,
    OWN_ACKS
};
struct request {
    uint64_t req; /* 0: free slot */
    enum owner_kind kind;
    void *owner;
    struct dir *dir; /* NULL: answered by the store */
    int tag;         /* for the owner */
};

/* A managed group of a directory, as the last LOAD told. */
struct group {
    struct dir *dir;
    int64_t role_group_id;
    struct pl_str dn, purpose; /* in the arena of the batch, or of the dir */
    uint64_t dn_hash;
    enum pl_mode mode;
    bool put_back;
};

/* What we learned of a group's shape; kept by DN hash over LOADs. */
struct shape {
    uint64_t dn_hash;
    enum pl_group_shape shape;
    uint64_t key;     /* see pl_dialect.group_key; 0: not known */
    bool placeholder; /* it holds the placeholder */
    unsigned char uuid[16];
    bool has_uuid;
    char *writer; /* who, not we, changed it last, as a watch told; malloced */
    int64_t writer_at_us;
    uint64_t *strangers; /* hashes of the members that are no accounts of ours, as last seen; sorted, malloced */
    size_t n_strangers;
    struct drift {         /* watch_drift.c */
        uint64_t key;      /* of the value; of somebody who is missing, of the log-in */
        bool in, seen, told; /* in: a member that should be none; told: the person was looked at since, the store knows */
        char *id, *login;  /* of a member; malloced, NULL not known */
        int64_t person_id; /* of somebody who is missing */
        int64_t at_us;     /* when it was found */
    } *drifts;            /* sorted, malloced */
    size_t n_drifts;
    unsigned writes; /* of ours to the group, begun and ended */
};

/* One planned operation of a task. */
struct op {
    enum pl_op op;
    int row;
    const char *sentence;
    bool put_back;
    const struct group *group; /* memberships */
    struct pl_str group_dn;    /* copied into the task's arena */
    int64_t role_group_id;
    int64_t ends_us; /* KEEP: as in its intent */
    bool counted;    /* it locks or removes: the brake looks at it */
    bool judged;     /* it counted for the brake */
    bool lately;     /* it did so a while ago, and comes once more */
    bool allowed;    /* the brake let it pass */
    /* in execution */
    int64_t intent_id;
    struct pl_step steps[PL_STEPS_MAX];
    size_t n_steps, step;
    bool begun, sent, ended, with_placeholder;
    bool useless, unseen; /* CLOSE: the password is gone, whatever became of the lock; OPEN of what is open, to give one */
    size_t left;   /* LOCK, CLOSE: 1 + the first step that failed and was not the end of it; 0: none */
    int left_code; /* what it was answered */
    int code;
    enum pl_verdict verdict;
    int64_t at_us;
    struct task *task;
    struct op *next_waiting; /* for the same entry */
    struct op *mates;        /* other members' operations that go with this one in one Modify */
    bool is_mate;            /* it goes with another one */
    bool alone;              /* tried together in vain: by itself from now on */
    uint64_t target;
};

struct member {
    struct pl_row_member row;
    const struct group *group;
    bool seen;
};

/* EARLY: waits for the answer to intents that went ahead of the plan, LATE: the same at the end of the task. */
enum phase {
    PH_WAIT,
    PH_FIND,
    PH_RESERVE,
    PH_LOOK,
    PH_CANARY,
    PH_MORE,
    PH_SHAPES,
    PH_GATE,
    PH_EARLY,
    PH_INTENTS,
    PH_WRITE,
    PH_LAST,
    PH_LATE,
    PH_SETTLE,
    PH_END
};

/* One account of one person in one directory, being worked on. */
struct task {
    struct pair *pair;
    struct batch *batch;
    struct dir *dir;
    struct pl_arena *arena;
    struct pl_row_person p;
    struct member *members;
    size_t n_members, wanted_rows;
    struct pl_row_intent *open_intents;
    size_t n_open_intents;
    size_t n_recovered; /* of them, whose outcome this task has settled */
    struct pl_row_item *items;
    size_t n_items;
    enum phase phase;
    int round;
    int waiting;         /* answers outstanding in this phase */
    bool unreadable;     /* a read of this round was not complete */
    const char *trouble; /* why the task ends without a conclusion; no personal values */
    /* the read */
    struct pl_arena *look_arena; /* of the current round */
    struct pl_entry *entries;
    size_t n_entries;
    const struct pl_entry *entry; /* ours, or NULL */
    bool foreign, canary_asked, canary_seen, policy_stands, reopened;
    bool ahead; /* groups and policy were asked for together with the account, as we believe its name */
    enum pl_seen seen;
    bool end_known; /* the store said something of its end: */
    struct pl_row_end end_row;
    int64_t keep_end;       /* which the next KEEP writes */
    struct pl_name *former; /* names that the person bore before */
    size_t n_former;
    int64_t renames_lately;
    struct pl_str mail_asked; /* the address that this round may write: nobody else's, as far as was seen */
    bool mail_taken;          /* it is somebody else's */
    struct pl_str *groups_seen;
    uint64_t *groups_seen_hash;
    size_t n_groups_seen;
    /* the plan of this round */
    struct op *ops;
    size_t n_ops;
    const struct pl_life_row *life;
    enum pl_state state; /* what the store will be told */
    int state_row;
    const char *sentence;
    struct pl_intent *early;        /* intents that went ahead of the plan and are not used yet */
    size_t n_early, n_early_groups; /* [0] is the lock's, the groups' follow */
    unsigned early_out;             /* whose answer has not come: EARLY_LOCK, EARLY_GROUPS */
    /* gathered for SETTLE */
    struct pl_intent *done;
    size_t n_done;
    struct pl_finding_cmd *findings;
    size_t n_findings;
    struct pl_membership_cmd *facts;
    size_t n_facts;
    bool gated;           /* passed the brake once */
    struct op *gated_ops; /* those the brake saw, for later rounds */
    size_t n_gated_ops;
    const char *trouble_later; /* settles, and is looked at again after a while for this reason */
    int candidate_from;
    struct pl_str new_dn;      /* of an entry to be added */
    struct pl_str *candidates; /* log-ins to try, PL_CANDIDATES of them */
    bool no_login;
    bool again; /* look at the person again soon */
    bool held;  /* something stays undone until a plan is approved */
    int64_t locked_at_us, out_at_us, looked_us; /* looked_us: the last look at the account was begun */
};

/* Person and directory: what dirty rows are about. */
struct pair {
    int64_t person_id;
    struct dir *dir;
    struct task *tasks[PL_PURPOSES_MAX];
    size_t n_tasks, open_tasks;
    size_t sent;       /* SETTLEs that are out */
    struct task *last; /* waits for the others' answers: it consumes the dirty rows */
    int64_t *seqs;
    size_t n_seqs;
    bool trouble;
    bool left;         /* nothing of it is in work any more; it waits for the end of its batch */
    bool again;        /* a load met something new while it was in work */
    struct pair *next; /* in the dir's hash of pairs in work */
};

struct batch {
    struct dir *dir; /* NULL: a preview over all */
    enum pl_load_class class;
    struct pl_arena *arena;
    struct pair **pairs;
    size_t n_pairs;
    struct task **tasks;
    size_t n_tasks, started, planned, ended;
    struct group *groups; /* in one snapshot with the pairs: modes are never older than what they decide */
    size_t n_groups;
    struct pl_row_total *totals;
    size_t n_totals;
    struct pl_engine *any;
    size_t released;
    bool loading, asks_passed, gated, bad, holding, stirred;
    bool bulk_first;     /* no other bite of the rest is begun before all of this one may write */
    int64_t skip_person; /* rows of a pair that is in work already are passed over */
    struct dir *skip_dir;
    int64_t control_id;
    struct batch *next;
};

struct target { /* an entry that a write goes to */
    uint64_t hash;
    bool busy;
    struct op *head, *tail;
    struct target *next;
};

struct dir {
    struct pl_engine *e;
    struct pl_dir_conf conf;
    const struct pl_dialect *dialect;
    const char **attrs;       /* to ask for when an account is read */
    const char **look_attrs;  /* the same, and what a task alone wants to know */
    const char **group_attrs; /* of a group, with its members */
    struct pl_kept *kept;     /* attributes that follow HR's name */
    size_t n_kept;
    uint64_t *privileged; /* hashes of protected groups that are managed all the same */
    size_t n_privileged;
    bool up, ppolicy, policy_in_force, assertion, watchable, post_read;
    struct pl_str identity;      /* malloced copy */
    struct pl_str life;          /* the same: which of the servers that hold these data */
    char *self;                  /* malloced: the DN of its own entry; NULL: not told */
    struct server_name *servers; /* those asked for, see origin.c; malloced */
    size_t n_servers;
    struct pl_str watch_base;     /* the lowest entry above people and groups; empty: none */
    uint64_t known_identity_hash; /* of the server that our records were made against; 0: not known */
    struct pl_arena *group_arena; /* the groups of the last LOAD, for the full compare */
    struct group *groups;
    size_t n_groups;
    bool groups_known;
    struct passed_set passed;
    struct shape *shapes;
    size_t n_shapes;
    struct pair *pairs[PL_TARGET_SLOTS];
    long n_pairs;
    struct target *targets[PL_TARGET_SLOTS];
    int running; /* tasks between start and barrier or after it */
    bool want[2], loading[2];
    bool bulk_running;
    int64_t wake_us;               /* a retry falls due */
    int64_t bulk_after_us;         /* the rest waits so long for a leaver's intents: they share one connection */
    struct scan *scan;
    uint64_t *fresh; /* names of accounts that are made while it runs, hashed; malloced */
    size_t n_fresh;
    bool want_scan, scanned;
    int64_t scan_control, next_scan_us;
    struct watch *watch; /* for life */
    struct acks *acks;   /* for life */
};

struct attempt { /* how often a pair failed in a row */
    int64_t person_id;
    struct dir *dir;
    int n;
};

struct pl_engine {
    struct pl_engine_conf conf;
    struct pl_arena *conf_arena;
    struct dir *dirs;
    size_t n_dirs;
    bool store_up, recovered, stopping, stirred; /* stirred: a batch is */
    struct request *requests;
    size_t n_requests, last_answered; /* last_answered: a slot */
    uint64_t last_req;
    struct pl_command *queue;
    size_t q_head, q_len, q_cap;
    struct pl_arena *out; /* what queued commands point to */
    struct batch *batches;
    struct attempt *attempts;
    size_t n_attempts;
    bool ticking, want_tick;
    int64_t tick_waits_us; /* want_tick: at the latest then */
    int64_t next_tick_us, next_poll_us, timer_us;
    int64_t now;
    int64_t last_compare_us;
    long held_plans;
    struct preview { /* dry runs, one after the other; [0] is the one in work when preview_left >= 0 */
        int64_t control_id;
        struct dir *only;
    } *previews;
    size_t n_previews;
    bool preview_runs, preview_broken;
    const char *preview_why; /* what it could not see */
    size_t preview_left;     /* directories still being compared for it */
    int64_t *preview_persons;
    size_t n_preview_persons;
};

#include "parts.h"

#endif
