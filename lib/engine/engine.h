/* The daemon's mind: a deterministic state machine without input or output of its own.
 *
 * Everything that may influence a decision comes in as an event with one `now`; everything it wants done goes out as a
 * command. The shell (daemon/) executes commands with libpq and libldap; the simulator (tests/sim) executes them on
 * models. The engine never blocks, never reads a clock, never draws a random number.
 *
 * How one change flows (the names are the commands and events below):
 *   DIRTY -> LOAD -> LOADED -> SEARCH (person, groups) -> plan -> brake -> INTENTS -> MODIFY/ADD -> SEARCH again -> SETTLE
 *
 * Rules for the shell:
 *   - every command with a `req` is answered by exactly one event with that `req` (DONE or failed; a WATCH by many, the last an
 *     END), or, when the store or the directory went down, by EV_STORE_DOWN / EV_DIR_DOWN alone: these answer all that is open;
 *   - a directory may list several servers. Commands go to the one in use. What is said of the others comes as EV_SERVER and
 *     EV_ACK, also while the directory is down; nothing ever waits for them;
 *   - slices in an event live until pl_engine_event returns; slices in a command until the next call of pl_engine_event or
 *     pl_engine_next, those of MODIFY, ADD, INTENTS, SETTLE, HOLD and SEARCH too: the shell copies what it needs longer;
 *   - after each event the shell calls pl_engine_next until it returns false. */
#ifndef PL_ENGINE_ENGINE_H
#define PL_ENGINE_ENGINE_H

#include <stdint.h>
#include "../base/err.h"
#include "../base/arena.h"
#include "../directory/dialect.h"
#include "../core/lifecycle.h"
#include "../core/member.h"
#include "../core/brake.h"
#include "record.h"

struct pl_engine;

/* ---- configuration, copied at creation ---- */

struct pl_template { /* one attribute of a new entry: text with {login}, {given}, {family}, {name}, {employee_no}, */
    struct pl_str attr; /* {unit}, {position}, {institution} */
    struct pl_str text;
};

struct pl_dir_conf {
    struct pl_str name, dialect; /* as in paasla.directory; "openldap" */
    struct pl_str people_base, group_base; /* DNs */
    struct pl_str canary_dn;   /* an entry that every complete read must show */
    struct pl_str placeholder_dn; /* member of an otherwise empty groupOfNames */
    struct pl_str policy_dn;   /* the default password policy entry; empty: none */
    struct pl_str login_attr;  /* "uid" */
    struct pl_str number_attr; /* "employeeNumber": institution-qualified number that proves whose entry it is */
    struct pl_str login_style, admin_prefix; /* see login.h; "adm-" */
    struct pl_str rdn_template; /* "uid={login},ou=inimesed,dc=linn,dc=test"; values escaped by us */
    const struct pl_template *templates; /* objectClass rows included, one row a value */
    size_t n_templates;
    bool first_password_file; /* true: a one-time password is set when the account opens */
    bool lock_leavers_observed; /* a named leaver is locked even in mode observe */
    struct pl_str fence_attr; /* for dialects that have a fence; empty: none */
    struct pl_str privileged_groups; /* DNs divided by '|': protected groups that are managed all the same */
    bool must_change_password;       /* a first password has to be changed at the first log-on */
    bool clear_certificates;         /* a departure takes certificates off the account; false: they are reported */
    struct pl_str keep_attributes, mail_alias; /* divided by spaces: follow HR's name; keeps a mail that was; empty: none */
    bool end_ahead;                  /* the directory is told beforehand when an account ends */
    int inflight;             /* persons worked on at once */
    int64_t watch_poll_us;    /* a watch that has to ask does so this often; 0: each second */
};

struct pl_engine_conf {
    const struct pl_dir_conf *dirs;
    size_t n_dirs;
    struct pl_brake_limits brake;
    int64_t compare_every_us; /* full compare interval; 0: only at start and on demand */
    int64_t poll_us;          /* look at the queue at least this often, hint or not */
    int64_t retry_min_us, retry_max_us;
    int named_leavers;  /* so many departures in one transaction are still "named" */
    int named_per_hour; /* and so many by one log-in in an hour */
    int64_t brake_window_us; /* what the brake let pass so lately counts with a plan; 0: each plan for itself */
    int bulk_limit;    /* pairs in one bulk batch */
};

/* False with a sentence when the configuration cannot work (unknown dialect, base that is no DN, ...). */
struct pl_engine *pl_engine_new(const struct pl_engine_conf *conf, struct pl_err *err);
void pl_engine_free(struct pl_engine *e);

/* ---- commands ---- */

enum pl_cmd_kind {
    /* store (PostgreSQL); each is one transaction */
    PL_CMD_RECOVER,   /* after connecting: open intents make their persons dirty; -> EV_STORE_DONE */
    PL_CMD_TICK,      /* paasla.mark_due(): what fell due becomes dirty; -> EV_TICKED */
    PL_CMD_LOAD,      /* -> EV_LOAD_ROW*, EV_LOAD_DONE */
    PL_CMD_RESERVE,   /* -> EV_RESERVED */
    PL_CMD_INTENTS,   /* -> EV_INTENDED */
    PL_CMD_SETTLE,    /* -> EV_STORE_DONE */
    PL_CMD_HOLD,      /* store a held plan or a preview; -> EV_STORE_DONE */
    PL_CMD_NOMINATE,  /* full compare: persons become dirty, findings noted; -> EV_STORE_DONE */
    PL_CMD_SCAN_ACCOUNTS, /* -> EV_SCAN_ROW*, EV_SCAN_DONE */
    PL_CMD_SCAN_GROUP,    /* wanted members of one group -> EV_SCAN_ROW*, EV_SCAN_DONE */
    PL_CMD_SCAN_GROUPS,   /* every group with its wanted members -> EV_SCAN_ROW*, EV_SCAN_DONE; may be PAUSEd */
    PL_CMD_NOTE_COMPARE,  /* a full compare ended: counts, for status and for the control row; -> EV_STORE_DONE */
    PL_CMD_WATCH_STATE,   /* how far the directory was seen -> EV_SCAN_ROW (cookie, identity), EV_SCAN_DONE */
    PL_CMD_WATCHED,       /* what a watch told, and its cookie, in one transaction; -> EV_STORE_DONE */
    PL_CMD_ACKED,         /* which servers have a lock, or do not; -> EV_STORE_DONE */
    PL_CMD_UNACKED,       /* locks that a server is not known to have -> EV_SCAN_ROW*, EV_SCAN_DONE */
    /* directory (LDAP) */
    PL_CMD_SEARCH, /* -> EV_ENTRY*, EV_RESULT */
    PL_CMD_MODIFY, /* -> EV_RESULT */
    PL_CMD_ADD,    /* -> EV_RESULT */
    PL_CMD_WATCH,  /* a search on a connection of its own (WAKE: another one) -> EV_WATCH*, the last one an end; it stays */
                   /* open, but for DIRSYNC, where the connection does */
    /* the shell itself */
    PL_CMD_TIMER, /* call pl_engine_event(EV_TIMER) at `at_us`, replaces the former timer */
    PL_CMD_LOG,   /* one structured line; no personal values in it */
};

enum pl_channel { PL_CH_URGENT, PL_CH_BULK };
enum pl_scope { PL_SCOPE_BASE, PL_SCOPE_ONE, PL_SCOPE_SUB };
enum pl_load_class {
    PL_LOAD_URGENT, /* everything pending that may lock or remove, whole */
    PL_LOAD_BULK,   /* the rest, at most `limit` pairs */
    PL_LOAD_PREVIEW, /* everything pending plus the persons listed, for a dry run; nothing is consumed */
};

struct pl_command {
    enum pl_cmd_kind kind;
    uint64_t req;
    struct pl_str directory; /* for directory commands and those of one directory */
    union {
        struct {
            enum pl_load_class class;
            const struct pl_str *dirs; /* only these directories */
            size_t n_dirs;
            int limit;
            int named_leavers, named_per_hour;
            int64_t passed_us; /* asks what the brake let pass so lately (rows W); 0: is known */
            const int64_t *persons; /* PREVIEW */
            size_t n_persons;
        } load;
        struct {
            int64_t person_id;
            struct pl_str purpose;
            const struct pl_str *candidates; /* in order of preference; the first free one is reserved */
            size_t n_candidates;
        } reserve;
        struct {
            int64_t person_id;
            struct pl_str purpose;
            const struct pl_intent *items;
            size_t n;
            bool alone; /* somebody waits for this commit: it is not shared with what follows */
        } intents;
        const struct pl_settle *settle;
        const struct pl_hold *hold;
        struct {
            const struct pl_nominee *persons;
            size_t n_persons;
            const struct pl_finding_cmd *findings;
            size_t n_findings;
        } nominate;
        struct { struct pl_str dn; } scan_group;
        struct { bool names; } scan_accounts; /* given and family names are asked for, too */
        struct { /* the shell adds the control of this kind, critical, and hands on what comes */
            enum pl_watch_kind kind;
            struct pl_str base;
            const char *const *attrs; /* NULL-terminated */
            struct pl_str control;    /* its value; empty: none */
        } watch;
        struct {
            struct pl_str cookie, identity; /* empty: unchanged */
            bool forget;                    /* the stored cookie is of no use any more */
            const struct pl_changed *entries;
            size_t n_entries;
            const struct pl_nominee *persons;
            size_t n_persons;
            const struct pl_finding_cmd *findings;
            size_t n_findings;
        } watched;
        struct {
            int64_t control_id; /* 0: not asked for */
            int64_t began_us;
            bool complete; /* false: nothing was concluded */
            long entries, accounts, groups, nominated, orphans;
            struct pl_str identity, why; /* identity: the directory's as read */
        } compare;
        struct {
            const struct pl_ack *items;
            size_t n;
        } acked;
        struct {
            const struct pl_str *servers; /* only of these */
            size_t n;
            int64_t before; /* without an answer only intents with a smaller number: for the others one will come */
        } unacked;
        struct {
            enum pl_channel channel;
            struct pl_str server; /* another one than that in use; not up: answered with UNKNOWN. Empty: the one in use */
            struct pl_str base;
            enum pl_scope scope;
            struct pl_str filter;
            const char *const *attrs; /* NULL-terminated */
            bool paged;               /* a long read: paging control, may be PAUSEd */
            bool usability;           /* ask for the account usability control; the answer comes as attribute */
                                      /* "paaslaUsable" = TRUE or FALSE in the entry */
        } search;
        struct {
            enum pl_channel channel;
            struct pl_str dn;
            const struct pl_mod *mods;
            size_t n;
            struct pl_str assertion; /* filter for RFC 4528, critical; empty: none */
            const char *const *tell_version; /* ask for these as the write leaves them (RFC 4527 post-read); NULL: nothing */
            enum pl_secret secret;   /* the shell adds a Replace of password_attr; a first password it keeps in a */
                                     /* file that only the operator may read, before it sends */
            const char *password_attr;
            enum pl_password_form password_form;
            struct pl_str login;     /* for that file's name */
            struct { /* to every other server too, to each in the order of these commands; each tells by EV_ACK */
                bool on, after;                /* after: not the lock itself, it follows it */
                int64_t account_id, intent_id; /* come back with what it tells */
            } everywhere;
        } modify;
        struct {
            enum pl_channel channel;
            struct pl_str dn;
            const struct pl_attr *attrs;
            size_t n;
            const char *const *tell_version; /* as in modify */
        } add;
        int64_t at_us;
        struct {
            int level; /* as syslog: 3 error, 4 warning, 5 notice, 6 info, 7 debug */
            struct pl_str text;
        } log;
    };
};

/* Pops the next command; false when there is none. */
bool pl_engine_next(struct pl_engine *e, struct pl_command *out);

/* ---- events ---- */

enum pl_ev_kind {
    PL_EV_STORE_UP,   /* connected, schema right, the daemon's lock held */
    PL_EV_STORE_DOWN,
    PL_EV_DIR_UP,     /* bound and probed; `identity` says which server it is */
    PL_EV_DIR_DOWN,
    PL_EV_DIRTY,      /* a hint: there may be rows in paasla.dirty */
    PL_EV_CONTROL,    /* somebody asked for a full compare or a preview */
    PL_EV_TIMER,
    PL_EV_STORE_DONE, /* answers RECOVER, SETTLE, HOLD, NOMINATE, NOTE_COMPARE */
    PL_EV_TICKED,
    PL_EV_LOAD_ROW,
    PL_EV_LOAD_DONE,
    PL_EV_RESERVED,
    PL_EV_INTENDED,
    PL_EV_SCAN_ROW,
    PL_EV_SCAN_DONE,
    PL_EV_ENTRY,
    PL_EV_RESULT,
    PL_EV_WATCH,    /* one message of a WATCH */
    PL_EV_SERVER,   /* another server than the one in use came up or went down */
    PL_EV_ACK,      /* what another server said to a MODIFY that went everywhere */
    PL_EV_SHUTDOWN, /* finish what is in flight, begin nothing */
};

/* LDAP results beyond RFC 4511: the shell says "unknown" when an answer never came. */
#define PL_RESULT_UNKNOWN  (-1)
#define PL_RESULT_NOT_SENT (-2) /* EV_ACK: that server cannot be reached */

enum pl_watch_msg {
    PL_WATCH_ENTRY,
    PL_WATCH_INFO,
    PL_WATCH_STANDS, /* PERSISTENT, WAKE: the server has answered what was asked behind the search */
    PL_WATCH_END,
};

struct pl_event {
    enum pl_ev_kind kind;
    uint64_t req;
    struct pl_str directory;
    bool failed;  /* STORE_DONE, LOAD_DONE, RESERVED, INTENDED, SCAN_DONE: nothing happened, the engine tries again */
    union {
        struct {
            struct pl_str identity;
            bool ppolicy;         /* the database of the people enforces password policies */
            bool policy_in_force; /* its default policy applies to who has none of their own, as seen on an entry */
            bool assertion, post_read; /* RFC 4528, RFC 4527 are offered */
            bool watch, several;       /* the dialect's kind of watch is offered; other servers are configured too */
            struct pl_str server; /* the one in use, as configured */
            struct pl_str life, self; /* which of those with these data, in which life; its entry's DN; empty: not told */
        } up;
        struct {
            struct pl_str name;
            bool up;
        } server; /* one of those configured */
        struct {
            struct pl_str server, version; /* version: as in result */
            bool after;                    /* of the command, as the ids are */
            int64_t account_id, intent_id;
            int code;                      /* LDAP result code, UNKNOWN or NOT_SENT */
        } ack;
        struct { /* LOAD_ROW, SCAN_ROW: columns as text; see row.h */
            const struct pl_str *cols;
            size_t n;
        } row;
        struct {
            int64_t account_id;
            struct pl_str login; /* empty: all candidates were taken */
        } reserved;
        struct {
            const int64_t *ids; /* one per intent, in order */
            size_t n;
        } intended;
        struct {
            int64_t next_us; /* when wanted state changes next by time; 0: never */
        } ticked;
        struct {
            int64_t control_id;
            bool preview;
            struct pl_str directory; /* empty: all */
        } control;
        const struct pl_entry *entry;
        struct {
            int code;  /* LDAP result code or PL_RESULT_UNKNOWN */
            bool complete; /* SEARCH: result 0, all pages, no open range */
            struct pl_str version; /* pl_echo_text of what a write was asked to tell; empty: not told */
        } result;
        struct {
            enum pl_watch_msg msg;
            const struct pl_entry *entry; /* ENTRY */
            struct pl_str value; /* SYNC: ENTRY Sync State, INFO Sync Info Message, END Sync Done; PERSISTENT: ENTRY */
                                 /* Entry Change Notification; DIRSYNC: END its answer; may be empty */
            int code;            /* END: LDAP result code, PL_RESULT_UNKNOWN when the connection ended */
        } watch;
    };
};

enum pl_flow { PL_CONTINUE, PL_PAUSE };

/* Takes one event. PAUSE (only after SCAN_ROW, and ENTRY of a paged read) asks the shell to stop reading that request
 * until pl_engine_wants(e, req) is true again. */
enum pl_flow pl_engine_event(struct pl_engine *e, const struct pl_event *ev, int64_t now_us);
bool pl_engine_wants(const struct pl_engine *e, uint64_t req);

/* For status: nothing open, nothing waiting. */
bool pl_engine_idle(const struct pl_engine *e);

struct pl_engine_status {
    long open_pairs, in_flight, held_plans;
    int64_t last_compare_us;
};
void pl_engine_status(const struct pl_engine *e, struct pl_engine_status *out);

#endif
