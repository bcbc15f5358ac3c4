/* What /metrics and /healthz say, and the counting behind it. */
#ifndef PLD_PAGE_H
#define PLD_PAGE_H

#include "tell.h"

struct pld_page;

struct pld_page *pld_page_new(const struct pld_tell_from *from, struct pld_tell *tell);
void pld_page_close(struct pld_page *p); /* nobody is answered any more; before the parts in `from` go */
void pld_page_free(struct pld_page *p);  /* NULL is fine */

/* Listens on this address (option metrics) from now on, on nothing when it is empty. False with a sentence: things are
 * as they were. */
bool pld_page_listen(struct pld_page *p, struct pl_str address, struct pl_err *err);

void pld_page_loaded(struct pld_page *p, int64_t loaded_us,
                     bool ok); /* the configuration; ok: the last try went well */
void pld_page_command(struct pld_page *p,
                      const struct pl_command *cmd); /* each one of the engine, before it is carried out */

#endif
