/* How the parts of the shell meet: each executes the engine's commands of its kind and emits events. */
#ifndef PLD_SHELL_H
#define PLD_SHELL_H

#include <event2/event.h>
#include <time.h>
#include "../lib/conf/conf.h"
#include "../lib/engine/engine.h"

/* Hands one event to the engine and returns its answer. Never called from inside pld_*_command (parts answer from the
 * event loop, or by a zero timer), so that the engine is never entered twice. */
typedef enum pl_flow pld_emit(void *ctx, const struct pl_event *ev);

/* Asks the engine whether a paused request may go on. */
typedef bool pld_wants(void *ctx, uint64_t req);

struct pld_host {
    struct event_base *base;
    pld_emit *emit;
    pld_wants *wants;
    void (*changed)(void *ctx); /* a connection came, went or was tried in vain; look later, not inside; may be NULL */
    void *ctx;
};
static inline void pld_changed(const struct pld_host *h)
{
    if (h->changed)
        h->changed(h->ctx);
}

/* Microseconds since 1970. */
static inline int64_t pld_wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* One line of logfmt to standard error: time (RFC 3339, UTC), level, event, fields, msg. No personal values, on no level.
 * The level is syslog's. When standard error is the journal it is written as <N> and the journal knows the time.
 *
 *   time=2026-03-01T08:00:00.123456Z level=notice event=directory.up directory=linn msg="connected with TLS"
 *
 * The event is a name for programs that stays, the fields are what it is about, msg is for people and may change. */
struct pld_field {
    const char *key;
    struct pl_str text; /* empty: left out */
    int64_t number;
    bool is_number;
};
#define PLD_TEXT(key, c_string)  ((struct pld_field){(key), pl_str_c(c_string), 0, false})
#define PLD_STR(key, slice)      ((struct pld_field){(key), (slice), 0, false})
#define PLD_NUMBER(key, integer) ((struct pld_field){(key), {NULL, 0}, (integer), true})
#define PLD_FIELDS(...)          ((const struct pld_field[]){__VA_ARGS__, {NULL, {NULL, 0}, 0, false}})
void pld_event(int level, const char *event, const struct pld_field *fields, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
#define pld_log(level, event, ...) pld_event((level), (event), NULL, __VA_ARGS__)
void pld_log_level(int level);
unsigned long pld_log_lines(int level); /* how many were written so far */

/* Where a secret lies: credential:NAME is what the service manager handed over, $CREDENTIALS_DIRECTORY/NAME (systemd.exec(5),
 * LoadCredential=); without such a folder it comes back as it is, and reading it says why. Everything else is a path. */
struct pl_str pld_secret_path(struct pl_arena *a, struct pl_str named);

/* Reads a secret, named as above: refuses a file others may read, one that is empty or larger than 4096 bytes; one
 * trailing newline is taken off. The caller wipes it with pld_secret_free. */
struct pld_secret {
    char *s;
    size_t len;
};
bool pld_secret_read(struct pl_str named, struct pld_secret *out, struct pl_err *err);
void pld_secret_free(struct pld_secret *s);
/* Could be read and is nobody else's; not what is in it. */
bool pld_secret_check(struct pl_str named, struct pl_err *err);

/* ---- store: PostgreSQL (store*.c) ---- */
struct pld_store;
struct pld_store *pld_store_new(const struct pld_host *host, const struct pl_conf *conf);
void pld_store_start(struct pld_store *s); /* connects, goes on trying; emits STORE_UP, DIRTY, CONTROL, STORE_DOWN */
void pld_store_command(struct pld_store *s, const struct pl_command *cmd); /* copies what it needs */
void pld_store_resume(struct pld_store *s); /* look again whether paused reads may go on */
void pld_store_free(struct pld_store *s);
struct pld_store_state {
    bool answered;    /* at least once a server answered and its schema was ours */
    bool up, standby; /* standby: another paaslad works on this database */
    int64_t since_us; /* wall clock: since when it is up, or not */
    const char *why;  /* not up: what is wrong, for people; may be empty */
};
void pld_store_state(const struct pld_store *s, struct pld_store_state *out);

struct pld_info {                                        /* who asks for the numbers of sql/queries/metrics.sql */
    void (*row)(void *ctx, const struct pl_str cols[4]); /* metric, two labels, value */
    void (*done)(void *ctx, bool ok);                    /* once, from the loop; never inside pld_store_info */
    void *ctx;
};
/* Who asks while a question is open gets its answer too. False: the database is away, or too many ask, and nobody will
 * answer. */
bool pld_store_info(struct pld_store *s, const struct pld_info *ask);

/* Notes about ourselves. What is passed is copied; it is written when the database is there, now or later, once. */
struct pld_setting {     /* an option in force */
    const char *name;    /* "daemon.poll_s", "directory linn.uris" */
    struct pl_str value; /* as text */
    const char *secret; /* of an option that names a file with a secret: a slow hash of what is in it, hex; else NULL */
};
struct pld_config_note {
    bool reload;
    const char *host, *file_sha256;
    int64_t started_us, loaded_us;
    const struct pld_setting *settings;
    size_t n_settings;
    const char *const *needs_restart; /* names of options of the file that are not in force yet */
    size_t n_needs_restart;
};
void pld_store_note_config(struct pld_store *s, const struct pld_config_note *n);
struct pld_connection; /* further down */
void pld_store_note_connections(struct pld_store *s, const struct pld_connection *dirs, size_t n);
void pld_store_reload(struct pld_store *s, const struct pl_conf *conf); /* counts from the next log-on */

/* ---- directory: LDAP (dir*.c), one object for each directory ---- */
struct pld_dir;
struct pld_dir *pld_dir_new(const struct pld_host *host, const struct pl_conf_directory *conf);
void pld_dir_start(struct pld_dir *d); /* brings both channels up, goes on trying; emits DIR_UP, DIR_DOWN */
void pld_dir_command(struct pld_dir *d, const struct pl_command *cmd); /* SEARCH, MODIFY, ADD; copies what it needs */
void pld_dir_resume(struct pld_dir *d);
void pld_dir_free(struct pld_dir *d);
/* For the end of a program: false when a log-on that was given up is still inside a library after `wait_ms`. Then leave by
 * _exit(): the libraries' clean-up at exit() would pull their memory away from under it. */
bool pld_dir_threads_ended(int wait_ms);
struct pld_dir_state {
    const char *name; /* the directory's */
    bool tried;       /* every address was tried at least once */
    bool up, refused; /* refused: the server does not take our credentials */
    int64_t since_us; /* wall clock: since when it is up, or not */
    const char *why;  /* not up: the last sentence about it; may be empty */
};
void pld_dir_state(const struct pld_dir *d, struct pld_dir_state *out);
enum pld_server_how { PLD_SERVER_UNTRIED, PLD_SERVER_UP, PLD_SERVER_AWAY, PLD_SERVER_REFUSED };
struct pld_server_state {
    const char *uri; /* as configured */
    bool in_use, read_only;
    enum pld_server_how how;
    int64_t since_us; /* wall clock: since when it is so */
    const char *why;  /* not up: the last sentence about it; may be empty */
};
/* The listed servers one by one; false when there are no more. */
bool pld_dir_server(const struct pld_dir *d, size_t i, struct pld_server_state *out);
struct pld_connection {
    struct pld_dir_state dir;
    const struct pld_server_state *servers;
    size_t n_servers;
};
/* Another configuration of the same directory. `anew`: its connections are made anew now, with what it and the files that
 * it names say. */
void pld_dir_reload(struct pld_dir *d, const struct pl_conf_directory *conf, bool anew);

#endif
