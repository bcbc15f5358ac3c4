/* How the parts of the shell meet: each executes the engine's commands of its kind and emits events. */
#ifndef PLD_SHELL_H
#define PLD_SHELL_H

#include <event2/event.h>
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
    void *ctx;
};

/* One line to standard error: RFC 3339 UTC time, level, part, text. No personal values below level debug, nor there.
 * The level is syslog's; systemd's prefix <N> is added when JOURNAL_STREAM is set. */
void pld_log(int level, const char *part, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void pld_log_level(int level);

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

/* ---- store: PostgreSQL (store*.c) ---- */
struct pld_store;
struct pld_store *pld_store_new(const struct pld_host *host, const struct pl_conf *conf);
void pld_store_start(struct pld_store *s);  /* connects, goes on trying; emits STORE_UP, DIRTY, CONTROL, STORE_DOWN */
void pld_store_command(struct pld_store *s, const struct pl_command *cmd); /* copies what it needs */
void pld_store_resume(struct pld_store *s); /* look again whether paused reads may go on */
void pld_store_free(struct pld_store *s);

/* ---- directory: LDAP (dir*.c), one object for each directory ---- */
struct pld_dir;
struct pld_dir *pld_dir_new(const struct pld_host *host, const struct pl_conf_directory *conf);
void pld_dir_start(struct pld_dir *d);      /* brings both channels up, goes on trying; emits DIR_UP, DIR_DOWN */
void pld_dir_command(struct pld_dir *d, const struct pl_command *cmd); /* SEARCH, MODIFY, ADD; copies what it needs */
void pld_dir_resume(struct pld_dir *d);
void pld_dir_free(struct pld_dir *d);

#endif
