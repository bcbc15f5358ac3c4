/* What the files of one directory's LDAP side share. Nobody else includes this.
 *
 *   dir.c           the directory: both channels up or both down, back-off, the periodic look
 *   dir_server.c    the listed servers: how each is, which one is tried next
 *   dir_sister.c    warm connections to those that are not in use, for what goes everywhere
 *   dir_link.c      the connector thread: name lookup, TCP or local socket, hand-over
 *   dir_bind.c      a fresh socket becomes a bound handle: options, TLS, bind, sentences
 *   dir_probe.c     the first reads: which kind of server it is, what it offers, which data it holds
 *   dir_req.c       one request: copies of what a command wants
 *   dir_op.c        one connection's queue and table of requests in flight, sending, back-pressure
 *   dir_watch.c     the third connection, and a fourth: searches that stay open
 *   dir_recv.c      the drain loop, paged reads and their pauses, deadlines, keep-alive
 *   dir_range.c     an attribute that the server gives in parts
 *   dir_conv.c      LDAPMessage to pl_entry, pl_mod to LDAPMod
 *   dir_password.c  the one-time password and its file
 *   dir_once.c      the bring-up for a program without an event loop
 *
 * A handle belongs to the connector thread until it is handed over, and to the event loop's thread ever after. A handle
 * that failed once is closed, never used again: libldap would reconnect it by itself, blocking and unauthenticated. */
#ifndef PLD_DIR_PRIV_H
#define PLD_DIR_PRIV_H

#include <ldap.h>
#include <pthread.h>
#include "dir_tools.h"
#include "shell.h"

enum {
    DIR_IN_FLIGHT = 32, /* requests on one connection */
    DIR_PAGE = 500,     /* entries in a page */
    DIR_BUDGET = 64,    /* messages handled in one wake-up */
    DIR_TICKET_MARGIN_MS = 120000,
    DIR_FLUSH_MS = 5,         /* how often a full socket is tried again */
    DIR_KEEPALIVE_MS = 60000, /* a quiet connection is asked something this often */
    DIR_PAGED_PATIENCE = 4,   /* a paged read may be silent this many times timeout_ms */
    DIR_BACKOFF_MIN_MS = 250,
    DIR_BACKOFF_MAX_MS = 30000,
    DIR_REFUSED_MIN_MS = 30000, /* after a refused bind: slow, or the service account gets locked out */
    DIR_REFUSED_MAX_MS = 900000,
    DIR_PDU_FIRST = 1 << 20,   /* largest message accepted before the bind is through, bytes */
    DIR_READ_AHEAD = 32 << 10, /* buffer of a connection, bytes */
    DIR_PDU_MAX = 256 << 20,   /* and afterwards: one group with millions of members */
};

#define DIR_OID_PPOLICY   "1.3.6.1.4.1.42.2.27.8.5.1"
#define DIR_OID_ASSERTION "1.3.6.1.1.12"
#define DIR_OID_USABILITY "1.3.6.1.4.1.42.2.27.9.5.8"
#define DIR_USABLE_ATTR   "paaslaUsable"

int64_t dir_now_ms(void); /* monotonic */

/* ---- bring-up of one connection (dir_link.c, dir_bind.c) ---- */

struct dir_opened { /* what the thread hands over */
    LDAP *ld;
    int fd; /* inside ld */
    bool tls;
    bool ppolicy; /* on the database of the people */
    bool policy_in_force, assertion, watch, post_read;
    bool read_only; /* it says so of itself */
    bool unsaid;    /* it does not say which kind of server it is */
    char identity[128];
    int64_t ends_ms;                      /* when what we logged on with ends (a Kerberos ticket); 0: never */
    char life[PL_NATIVE_ROOM], self[512]; /* which of those with these data, in which life; its DN; empty: not told */
};

struct dir_opening { /* shared by the loop and one thread; the fields below `lock` are guarded by it */
    /* set before the thread starts, read-only afterwards */
    struct pl_arena *arena; /* owns every slice of conf and uri: the thread may outlive the configuration */
    struct pl_conf_directory conf;
    const char *uri;
    bool keep; /* a bound handle is left open although the first reads say that it is of no use */
    int64_t deadline_ms;
    int done_fd; /* eventfd, readable when the thread is through */
    pthread_t thread;
    bool threaded;
    /* written by the thread, read by the loop after done_fd */
    bool ok;
    bool refused; /* the server refused our credentials */
    struct dir_opened opened;
    struct pl_err err;
    const char *step; /* what it is at, for the sentence */

    pthread_mutex_t lock;
    int cut_fd;  /* a duplicate of the socket for shutdown(); a number that cannot be reused behind our back */
    bool cut;    /* the loop's deadline has passed: give up */
    bool orphan; /* the loop is gone: the thread frees this */
    bool done;
};

/* Starts a thread; NULL with a sentence when there can be none. */
struct dir_opening *dir_opening_start(const struct pl_conf_directory *conf, const char *uri, struct pl_err *err);
/* The same for whoever wants to know everything that is wrong: `ok` may be false with `opened` in place. */
struct dir_opening *dir_opening_start_keep(const struct pl_conf_directory *conf, const char *uri, struct pl_err *err);
/* For dir_connect outside of a thread. */
struct dir_opening *dir_opening_alone(const struct pl_conf_directory *conf, const char *uri);
bool dir_opening_done(struct dir_opening *o); /* true: the thread is through and what it wrote may be read */
void dir_opening_cut(struct dir_opening *o);  /* makes the thread fail soon, wherever it is */
void dir_opening_free(struct dir_opening *o); /* cuts it, or frees what it left; NULL is fine */

/* In the thread: a connected socket, or -1 with o->err. The loop can cut it. */
int dir_connect(struct dir_opening *o, const LDAPURLDesc *url);

/* In the thread: turns a connected socket into a bound handle. Owns `fd` from the call on. False with o->err. */
bool dir_bind(struct dir_opening *o, const LDAPURLDesc *url, int fd);

/* In the thread, false with o->err: all messages of one request; what is it bound to, for o->opened. */
bool dir_await(struct dir_opening *o, LDAP *ld, int msgid, LDAPMessage **msg);
bool dir_probe(struct dir_opening *o, LDAP *ld);

/* ---- requests (dir_req.c, dir_op.c, dir_recv.c) ---- */

struct dir_req {
    struct dir_req *next;   /* in the queue */
    struct pl_arena *arena; /* owns what follows */
    uint64_t id;
    enum pl_cmd_kind kind;
    int code;    /* of one that is answered without being sent */
    bool probe;  /* our own keep-alive: nobody is told */
    bool stands; /* asked behind a search that does not say when it has begun */
    int msgid;   /* 0: not sent */
    int64_t deadline_ms;
    const char *dn; /* base of a search too */
    /* SEARCH */
    int scope;
    const char *filter;
    char **attrs;
    bool paged, usability;
    bool stays; /* WATCH, but for DIRSYNC: it has no end of its own */
    enum pl_watch_kind watch;
    struct pl_str control;   /* WATCH: value of its control */
    bool incomplete;         /* an open range or a reference was seen */
    struct dir_range *range; /* an attribute of its entry is being read in parts; else NULL */
    struct berval *cookie;   /* of the next page */
    bool paused;
    LDAPMessage **held; /* come while paused, from first_held on; at most a page */
    size_t first_held, n_held, cap_held;
    /* MODIFY, ADD */
    LDAPMod **mods;
    size_t n_mods;
    const char *assertion;
    int64_t account_id, intent_id;    /* for EV_ACK, when it went */
    bool everywhere, after;           /* and so to a server not in use; in order for each entry */
    struct pl_str post_read;          /* value of the control; empty: not asked */
    struct pl_str version;            /* what it answered */
    const char *const *version_attrs; /* what it was asked about */
    enum pl_secret secret;            /* a password that only we know goes with it */
    const char *password_attr;
    enum pl_password_form password_form;
    const char *login;      /* FIRST: for its file's name */
    struct pl_buf password; /* as it is sent, until then */
    char *password_file;    /* path below first_password_dir */
};

struct dir_link { /* one channel's connection */
    struct pld_dir *dir;
    int channel; /* enum pl_channel, or one of DIR_CH_* */
    LDAP *ld;    /* NULL: down */
    int fd;
    struct event *readable, *flush;
    bool reading;
    struct dir_req *queue, **queue_end;
    struct dir_req *sent[DIR_IN_FLIGHT];
    size_t n_sent;
    struct dir_req *paged; /* the one paged read under way: slapd keeps one page state for a connection */
    int busy_msgid;        /* half of this request is still in libldap: nothing else may be sent; 0 none */
    int64_t quiet_since_ms, ends_ms;
    int64_t heard_ms, owed_ms; /* the last message came; the first of what is in flight now went */
};

void dir_link_init(struct dir_link *l, struct pld_dir *d, int ch);
void dir_link_broken(struct dir_link *l, const char *why, const char *hint); /* down with what hangs on it */
bool dir_link_adopt(struct dir_link *l, const struct dir_opened *o);         /* takes the handle */
void dir_link_close(struct dir_link *l); /* drops handle and requests, tells nobody */
void dir_link_submit(struct dir_link *l, struct dir_req *r);
void dir_link_work(struct dir_link *l);        /* reads, resumes, sends; may end in dir_down */
void dir_link_tick(struct dir_link *l);        /* deadlines, keep-alive */
bool dir_link_quiet(const struct dir_link *l); /* nothing is owed */

enum dir_step { DIR_STEP_ON, DIR_STEP_ENDED, DIR_STEP_BROKEN };
bool dir_link_send(struct dir_link *l);                          /* as many as may go; false: broken */
void dir_link_push_front(struct dir_link *l, struct dir_req *r); /* goes next */
void dir_link_forget(struct dir_link *l, struct dir_req *r);     /* out of the table */
void dir_link_arm(struct dir_link *l, struct dir_req *r);        /* deadline from now */
struct dir_req *dir_link_ask(struct dir_link *l);                /* something, only for the answer's sake */
void dir_link_finish(struct dir_link *l, struct dir_req *r, int code, bool complete); /* answers and frees */

/* ---- the watch (dir_watch.c) ---- */

enum { DIR_CH_WATCH = 2, DIR_CH_WAKE, DIR_CH_SISTER };

struct dir_watch {
    struct dir_link link;
    struct dir_opening *opening;
    struct event *opened, *cut;
    struct dir_req *waiting, *next; /* until the connection is up; next: begun from the event loop */
    uint64_t req;                   /* the engine's; 0: none */
    bool ended;                     /* to be closed from the event loop */
};

void dir_watch_init(struct dir_watch *w, struct pld_dir *d, int ch);
void dir_watch_free(struct dir_watch *w);                       /* tells nobody */
void dir_watch_drop(struct dir_watch *w);                       /* neither, and it may begin again */
void dir_watch_command(struct dir_watch *w, struct dir_req *r); /* takes `r`; ends an older one silently */
void dir_watch_work(struct dir_watch *w);                       /* from the event loop: begins, ends, reads */
void dir_watch_broken(struct dir_link *l, const char *why, const char *hint);
enum dir_step dir_watch_message(struct dir_link *l, struct dir_req *r, LDAPMessage *m);
void dir_watch_stands(struct dir_link *l); /* what was asked behind it is answered */

/* ---- the directory (dir.c) ---- */

struct pld_dir {
    struct pld_host host;
    const struct pl_conf_directory *conf; /* must outlive this */
    char *name, *first_password_dir;
    char **uris;
    size_t n_uris, uri;
    struct dir_server *servers;                   /* each address once */
    size_t n_servers, *tries, n_tries, tried_now; /* tries: places in uris, this round */
    bool leave;                                   /* the server in use takes no writes, and another one does */
    int64_t hurried_ms;                           /* when another server was tried without a pause last */
    int64_t asked_ms,
        given_up_ms;          /* dir_servers_silent: since when it is asked whether it lives; when one was left last */
    bool tick_soon;           /* the next look is at an answer that is owed, not at a quiet connection */
    struct dir_link links[2]; /* by enum pl_channel */
    struct dir_watch watch, wake; /* wake: PL_WATCH_WAKE alone */
    bool up;                      /* up: DIR_UP was emitted */
    bool tried;                   /* a whole round over the addresses has ended, either way */
    int64_t since_us;             /* wall clock: when `up` changed last */
    struct dir_opening *opening;
    enum pl_channel opening_for;
    struct event *opened, *cut, *kick, *tick, *retry;
    struct dir_opened first;            /* what the urgent channel saw */
    struct dir_req *stray, **stray_end; /* to answer without sending */
    int64_t up_since_ms, backoff_ms;
    int64_t refused_ms, refused_until_ms; /* 0: not refused */
    int64_t secret_changed_ns;            /* of the password file, at the refusal */
    char said[768];                       /* last sentence, to say it once */
    int64_t said_ms;
};

void dir_kick(struct pld_dir *d); /* work from the event loop, soon */
/* Tears both channels down, answers all that is open by one DIR_DOWN, and comes back later. Only from the event loop. */
void dir_down(struct pld_dir *d, const char *why, const char *hint);
void dir_emit_result(struct pld_dir *d, const struct dir_req *r, int code, bool complete);

/* One log line about this directory; the same one again only after a while. */
void dir_say(struct pld_dir *d, int level, const char *text, const char *hint);

#endif
