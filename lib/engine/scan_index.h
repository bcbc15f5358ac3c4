/* The small records of a full compare, one an account, and their indexes by hash. Nobody but scan*.c includes this. */
#ifndef PL_ENGINE_SCAN_INDEX_H
#define PL_ENGINE_SCAN_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One account as the store knows it. Hashes, not texts: a collision could only nominate a person too many. */
struct record {
    uint64_t id_hash, login_hash, dn_hash; /* native id; log-in; DN as the directory shows it, else as stored */
    int64_t person_id;
    int64_t ends_us; /* 0: nothing is known of its end */
    uint8_t state, need;
    bool seen, nominated, removal, known; /* removal: nominated for one; known: there is an account row */
    bool admin;                           /* the account's purpose; else personal */
    bool member, wanted;                  /* of the group that is being looked at; false between two */
};

struct index {
    uint32_t *slots; /* record number + 1 */
    size_t n;        /* a power of two */
    int shift;       /* 64 less its exponent */
};

/* By the hash that lies at `offset` in a record; a hash of 0 is in no index. Of several with one hash, those that the
 * directory has shown are found first. The slots are malloced anew. */
void pl_index_build(struct index *ix, const struct record *records, size_t n_records, size_t offset);
struct record *pl_index_find(const struct index *ix, struct record *records, size_t offset, uint64_t h);

/* The same for `n` hashes at once; `out` gets numbers of records or PL_INDEX_NONE. */
#define PL_INDEX_NONE UINT32_MAX
void pl_index_find_many(const struct index *ix, const struct record *records, size_t offset, const uint64_t *hashes,
                        size_t n, uint32_t *out);

/* `ix` is by person_id. */
struct record *pl_index_account(const struct index *ix, struct record *records, int64_t person_id, bool admin);

#endif
