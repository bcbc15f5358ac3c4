/* The main loop: events to the engine, its commands to the store, the directories and the timer. */
#ifndef PLD_RUN_H
#define PLD_RUN_H

#include "../lib/conf/conf.h"
#include "../lib/engine/engine.h"

/* Runs until SIGTERM or SIGINT; then what is in flight is finished, for at most 8 s. The exit status of the program. */
int pld_run(const struct pl_conf *conf, struct pl_engine *engine);

#endif
