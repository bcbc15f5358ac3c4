#include "entry.h"

#include <string.h>

/* RFC 4512 section 2.5: an attribute description is the type and then options, each after a ';'. */
static struct pl_str type_of(struct pl_str description)
{
    const char *semi = description.len == 0 ? NULL : memchr(description.s, ';', description.len);

    if (semi != NULL) {
        description.len = (size_t)(semi - description.s);
    }
    return description;
}

const struct pl_attr *pl_entry_attr(const struct pl_entry *e, const char *name)
{
    struct pl_str wanted = pl_str_c(name);

    for (size_t i = 0; i < e->n; i++) {
        struct pl_str d = e->attrs[i].name;
        bool may = d.len == wanted.len || (d.len > wanted.len && d.s[wanted.len] == ';');
        if (may && pl_str_ieq(type_of(d), wanted)) {
            return &e->attrs[i];
        }
    }
    return NULL;
}

struct pl_str pl_entry_first(const struct pl_entry *e, const char *name)
{
    const struct pl_attr *a = pl_entry_attr(e, name);

    return a == NULL || a->n == 0 ? (struct pl_str){0} : a->values[0];
}

bool pl_entry_has_class(const struct pl_entry *e, const char *name)
{
    const struct pl_attr *a = pl_entry_attr(e, "objectClass");

    for (size_t i = 0; a != NULL && i < a->n; i++) {
        if (pl_str_ieq_c(a->values[i], name)) {
            return true;
        }
    }
    return false;
}

/* A server may tell only the classes that were written, without those they are made of. */
bool pl_entry_is_account(const struct pl_entry *e)
{
    static const char *const classes[] = {"person", "organizationalPerson", "inetOrgPerson", "account", "posixAccount"};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (pl_entry_has_class(e, classes[i]))
            return true;
    return false;
}
