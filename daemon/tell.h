/* What the daemon tells of itself while it works: to the service manager, to the log. */
#ifndef PLD_TELL_H
#define PLD_TELL_H

#include "shell.h"

struct pld_tell;

struct pld_tell_from { /* what is looked at */
    struct event_base *base;
    struct pl_engine *engine;
    struct pld_store *store;
    struct pld_dir *const *dirs;
    size_t n_dirs;
};

struct pld_tell *pld_tell_new(const struct pld_tell_from *from);
void pld_tell_free(struct pld_tell *t); /* NULL is fine */

void pld_tell_changed(struct pld_tell *t); /* a connection came or went: told from the loop, soon */
void pld_tell_event(struct pld_tell *t, const struct pl_event *ev);      /* each event, after the engine has had it */
void pld_tell_command(struct pld_tell *t, const struct pl_command *cmd); /* each command, before it is carried out */
void pld_tell_reloading(struct pld_tell *t);
void pld_tell_reloaded(struct pld_tell *t);
void pld_tell_stopping(struct pld_tell *t);

/* Whether answers still come for what the engine asked for. */
bool pld_tell_alive(struct pld_tell *t);

#endif
