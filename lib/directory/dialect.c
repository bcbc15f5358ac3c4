#include "dialect.h"

static const struct pl_dialect *const all[] = {&pl_dialect_openldap};

const struct pl_dialect *pl_dialect_find(struct pl_str name)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (pl_str_eq_c(name, all[i]->name)) {
            return all[i];
        }
    }
    return NULL;
}

struct pl_str pl_dialect_native_id(const struct pl_dialect *d, const struct pl_entry *e)
{
    return pl_entry_first(e, d->native_id_attr);
}
