/* What the shell may ask the engine between two events, for those who look on, and what it may change while the engine
 * runs. Nothing here begins or ends any work. */
#ifndef PL_ENGINE_INSPECT_H
#define PL_ENGINE_INSPECT_H

#include "engine.h"

/* The request that has been open longest; 0: none is. Requests are numbered in the order in which they were made, so the
 * same answer after a long time and no event for it mean that somebody lost it. */
uint64_t pl_engine_oldest(const struct pl_engine *e);

#endif
