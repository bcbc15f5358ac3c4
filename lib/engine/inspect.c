#include "inspect.h"

#include "priv.h"

/* Kinds that somebody owes an answer to. One that stays open as long as all is well is none. */
static bool is_owed(enum owner_kind kind)
{
    switch (kind) {
    case OWN_NONE:
    case OWN_LOAD:
    case OWN_TASK_LOOK:
    case OWN_TASK_STORE:
    case OWN_WRITE:
    case OWN_LOST_WRITE:
    case OWN_HOLD:
    case OWN_SCAN:
    case OWN_TICK:
    case OWN_RECOVER:
    case OWN_ACKS:
        return true;
    default:
        return false;
    }
}

uint64_t pl_engine_oldest(const struct pl_engine *e)
{
    uint64_t oldest = 0;

    for (size_t i = 0; i < e->n_requests; i++)
        if (e->requests[i].req && is_owed(e->requests[i].kind) && (oldest == 0 || e->requests[i].req < oldest))
            oldest = e->requests[i].req;
    return oldest;
}

bool pl_engine_busy(const struct pl_engine *e)
{
    bool busy = e->batches != NULL;

    for (size_t i = 0; i < e->n_dirs && !busy; i++)
        busy = e->dirs[i].scan != NULL;
    return busy;
}
