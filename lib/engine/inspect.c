#include "inspect.h"

#include "priv.h"

uint64_t pl_engine_oldest(const struct pl_engine *e)
{
    uint64_t oldest = 0;

    for (size_t i = 0; i < e->n_requests; i++)
        if (e->requests[i].req && (oldest == 0 || e->requests[i].req < oldest))
            oldest = e->requests[i].req;
    return oldest;
}
