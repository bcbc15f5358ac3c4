/* The main loop: events to the engine, its commands to the store, the directories and the timer. SIGHUP reads the
 * configuration again. */
#ifndef PLD_RUN_H
#define PLD_RUN_H

#include "../lib/engine/engine.h"
#include "config.h"

/* Runs until SIGTERM or SIGINT; then what is in flight is finished, for at most 8 s. The exit status of the program. */
int pld_run(struct pld_config **config,
            struct pl_engine *engine); /* *config is what is in force, then and afterwards */

#endif
