/* SIGHUP: the file is read again. What can change while the daemon runs does, what cannot is said, and a file with a
 * mistake changes nothing. */
#ifndef PLD_RELOAD_H
#define PLD_RELOAD_H

#include "config.h"
#include "page.h"

struct pld_reload {
    struct pld_config **config; /* replaced by what is in force afterwards */
    struct pl_engine *engine;
    struct pld_store *store;
    struct pld_dir *const *dirs; /* as config->conf->dirs */
    struct pld_page *page;
    int64_t started_us;
};

/* From the event loop; may end in events to the engine. False: nothing was changed, and it was said why. */
bool pld_reload(const struct pld_reload *r);

#endif
