#include "scan_index.h"

#include <stdlib.h>
#include "../base/arena.h"

void pl_index_build(struct index *ix, const struct record *records, size_t n_records, size_t offset)
{
    ix->n = 64;
    while (ix->n < n_records * 2)
        ix->n *= 2;
    free(ix->slots);
    ix->slots = pl_xcalloc(ix->n, sizeof *ix->slots);
    for (size_t i = 0; i < n_records; i++) {
        uint64_t h = *(const uint64_t *)(const void *)((const char *)&records[i] + offset);
        if (h == 0)
            continue;
        size_t at = h & (ix->n - 1);
        while (ix->slots[at])
            at = (at + 1) & (ix->n - 1);
        ix->slots[at] = (uint32_t)i + 1;
    }
}

struct record *pl_index_find(const struct index *ix, struct record *records, size_t offset, uint64_t h)
{
    if (!ix->slots || h == 0)
        return NULL;
    for (size_t at = h & (ix->n - 1); ix->slots[at]; at = (at + 1) & (ix->n - 1)) {
        struct record *r = &records[ix->slots[at] - 1];
        if (*(const uint64_t *)(const void *)((const char *)r + offset) == h)
            return r;
    }
    return NULL;
}
