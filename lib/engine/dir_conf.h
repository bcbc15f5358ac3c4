/* A directory as its configuration and its dialect make it, and what we know of its groups. A part of priv.h. */
#ifndef PL_ENGINE_DIR_CONF_H
#define PL_ENGINE_DIR_CONF_H

#include "priv.h"

bool pl_dir_learn(struct dir *d, struct pl_err *err); /* from d->conf and d->dialect */

struct shape *pl_shape(struct dir *d, uint64_t dn_hash, bool make);
void pl_shape_learn(const struct dir *d, struct shape *s, const struct pl_entry *group);
const struct group *pl_group_by_id(const struct batch *b, const struct dir *d, int64_t id);
const struct group *pl_group_by_hash(const struct batch *b, const struct dir *d, uint64_t dn_hash);

#endif
