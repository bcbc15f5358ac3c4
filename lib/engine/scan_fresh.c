/* Names of accounts that are made or taken over while a compare runs: the rows that it read do not know them, so it would
 * call them strangers where it meets them in a group. (The store itself knows whose a log-in is: paasla.nominate.) */
#include "priv.h"

#include <stdlib.h>

void pl_fresh_add(struct dir *d, uint64_t dn_hash)
{
    if (!d->scan)
        return;
    if ((d->n_fresh & (d->n_fresh - 1)) == 0)
        d->fresh = pl_xrealloc_array(d->fresh, d->n_fresh ? d->n_fresh * 2 : 1, sizeof *d->fresh);
    d->fresh[d->n_fresh++] = dn_hash;
}

bool pl_fresh_is(const struct dir *d, uint64_t dn_hash)
{
    for (size_t i = 0; i < d->n_fresh; i++)
        if (d->fresh[i] == dn_hash)
            return true;
    return false;
}

void pl_fresh_free(struct dir *d)
{
    free(d->fresh);
    d->fresh = NULL;
    d->n_fresh = 0;
}
