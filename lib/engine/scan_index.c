#include "scan_index.h"

#include <stdlib.h>
#include "../base/arena.h"

/* Ids are consecutive and some hashes are odd: every bit of them shall tell where to look first. */
static size_t place(const struct index *ix, uint64_t h)
{
    return (size_t)((h * UINT64_C(0x9e3779b97f4a7c15)) >> ix->shift);
}

static uint64_t hash_of(const struct record *r, size_t offset)
{
    return *(const uint64_t *)(const void *)((const char *)r + offset);
}

static void insert(struct index *ix, uint64_t h, size_t number)
{
    size_t at = place(ix, h);
    while (ix->slots[at])
        at = (at + 1) & (ix->n - 1);
    ix->slots[at] = (uint32_t)number + 1;
}

void pl_index_build(struct index *ix, const struct record *records, size_t n_records, size_t offset)
{
    ix->n = 64;
    ix->shift = 64 - 6;
    while (ix->n < n_records * 2) {
        ix->n *= 2;
        ix->shift--;
    }
    free(ix->slots);
    ix->slots = pl_xcalloc(ix->n, sizeof *ix->slots);
    for (int seen = 1; seen >= 0; seen--)
        for (size_t i = 0; i < n_records; i++)
            if (records[i].seen == (seen == 1) && hash_of(&records[i], offset) != 0)
                insert(ix, hash_of(&records[i], offset), i);
}

static uint32_t find(const struct index *ix, const struct record *records, size_t offset, uint64_t h)
{
    if (!ix->slots || h == 0)
        return PL_INDEX_NONE;
    for (size_t at = place(ix, h); ix->slots[at]; at = (at + 1) & (ix->n - 1))
        if (hash_of(&records[ix->slots[at] - 1], offset) == h)
            return ix->slots[at] - 1;
    return PL_INDEX_NONE;
}

struct record *pl_index_find(const struct index *ix, struct record *records, size_t offset, uint64_t h)
{
    uint32_t number = find(ix, records, offset, h);
    return number == PL_INDEX_NONE ? NULL : &records[number];
}

/* Where a hash lies is no secret of the processor's: while one is fetched from memory the next ones can be, too. */
void pl_index_find_many(const struct index *ix, const struct record *records, size_t offset, const uint64_t *hashes,
                        size_t n, uint32_t *out)
{
    for (size_t i = 0; i < n && ix->slots; i++)
        __builtin_prefetch(&ix->slots[place(ix, hashes[i])]);
    for (size_t i = 0; i < n && ix->slots; i++) {
        uint32_t number = ix->slots[place(ix, hashes[i])];
        if (number)
            __builtin_prefetch((const char *)&records[number - 1] + offset);
    }
    for (size_t i = 0; i < n; i++)
        out[i] = find(ix, records, offset, hashes[i]);
}

struct record *pl_index_account(const struct index *ix, struct record *records, int64_t person_id, bool admin)
{
    if (!ix->slots)
        return NULL;
    for (size_t at = place(ix, (uint64_t)person_id); ix->slots[at]; at = (at + 1) & (ix->n - 1)) {
        struct record *r = &records[ix->slots[at] - 1];
        if (r->person_id == person_id && r->admin == admin)
            return r;
    }
    return NULL;
}
