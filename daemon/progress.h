/* How far long work is: said after its first second and then every few seconds, as long as it goes on and there is news.
 * While nothing is to be done no timer runs. */
#ifndef PLD_PROGRESS_H
#define PLD_PROGRESS_H

#include "shell.h"

struct pld_progress;

struct pld_progress_from {
    struct event_base *base;
    struct pl_engine *engine;
    struct pld_store *store;
    void (*say)(void *ctx, const char *text); /* NULL: the work is done */
    void *ctx;
};

struct pld_progress *pld_progress_new(const struct pld_progress_from *from);
void pld_progress_free(struct pld_progress *p); /* NULL is fine */

void pld_progress_event(struct pld_progress *p);                                 /* after each event of the engine */
void pld_progress_command(struct pld_progress *p, const struct pl_command *cmd); /* each of its commands */

#endif
