#include "dialect.h"

#include <string.h>

enum pl_group_shape pl_group_shape_of(const struct pl_entry *e)
{
    /* Computed members look like any others, but a write would not reach what they are computed from. */
    if (pl_entry_has_class(e, "groupOfURLs") || pl_entry_has_class(e, "dynamicGroup")) {
        return PL_GROUP_UNWRITABLE;
    }
    if (pl_entry_has_class(e, "groupOfNames") || pl_entry_has_class(e, "groupOfMembers")) {
        return PL_GROUP_NAMES;
    }
    if (pl_entry_has_class(e, "groupOfUniqueNames")) {
        return PL_GROUP_UNIQUE;
    }
    if (pl_entry_has_class(e, "posixGroup")) {
        return pl_entry_attr(e, "member") != NULL ? PL_GROUP_NAMES : PL_GROUP_POSIX;
    }
    return PL_GROUP_UNKNOWN;
}

const char *pl_group_attr(enum pl_group_shape s)
{
    switch (s) {
    case PL_GROUP_NAMES:
        return "member";
    case PL_GROUP_UNIQUE:
        return "uniqueMember";
    case PL_GROUP_POSIX:
        return "memberUid";
    case PL_GROUP_UNKNOWN:
    case PL_GROUP_UNWRITABLE:
    case PL_GROUP_PRIVILEGED:
        break;
    }
    return NULL;
}

static void fill(struct pl_arena *a, struct pl_mod *m, enum pl_mod_kind kind, const char *attr, struct pl_str value)
{
    m->kind = kind;
    m->attr = pl_str_c(attr);
    m->values = pl_arena_array(a, 1, sizeof(*m->values));
    m->values[0] = pl_arena_str(a, value);
    m->n = 1;
}

/* The value comes first: the only code that means "it was so already" can then not come from the placeholder. */
static void change(struct pl_arena *a, enum pl_group_shape s, enum pl_mod_kind kind, struct pl_str value,
                   struct pl_str placeholder, struct pl_step *out)
{
    const char *attr = pl_group_attr(s);

    *out = (struct pl_step){0};
    if (attr == NULL) {
        return;
    }
    out->mods = pl_arena_array(a, 2, sizeof(*out->mods));
    fill(a, &out->mods[out->n_mods++], kind, attr, value);
    if (placeholder.len > 0) {
        fill(a, &out->mods[out->n_mods++], kind == PL_MOD_ADD ? PL_MOD_DELETE : PL_MOD_ADD, attr, placeholder);
    }
}

static const int was_there[] = {20, 0}; /* typeOrValueExists */

void pl_group_add(struct pl_arena *a, enum pl_group_shape s, struct pl_str value, struct pl_str placeholder,
                  struct pl_step *out)
{
    change(a, s, PL_MOD_ADD, value, placeholder, out);
    out->also = was_there;
}

void pl_group_remove(struct pl_arena *a, enum pl_group_shape s, struct pl_str value, struct pl_str placeholder,
                     struct pl_step *out)
{
    change(a, s, PL_MOD_DELETE, value, placeholder, out);
    /* 16 and 53 are looked at before they are believed: see the result table */
}
