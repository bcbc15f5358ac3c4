/* The configuration file as the engine wants it. */
#ifndef PLD_WIRE_H
#define PLD_WIRE_H

#include "../lib/conf/conf.h"
#include "../lib/engine/engine.h"

/* Slices point into conf, arrays into the arena. */
void pld_wire(const struct pl_conf *conf, struct pl_arena *a, struct pl_engine_conf *out);

#endif
