#include "names.h"

#include "../directory/filter.h"

const struct pl_name_row pl_name_table[] = {
    {900, PL_NAME_SAME, -1, PL_OP_NONE, NULL, "The account shows the name that HR says."},
    {910, PL_NAME_FORMER, 0, PL_OP_RENAME, NULL, "HR has changed the name; it is written through as configured."},
    {920, PL_NAME_FORMER, 1, PL_OP_REPORT, "name_fought",
     "Somebody else keeps writing the former name; it is reported and written no more for a while."},
    {930, PL_NAME_OTHER, -1, PL_OP_REPORT, "name_by_hand",
     "It shows neither the name that HR says nor a former one; it is somebody's own, reported and left alone."},
    {940, PL_NAME_TAKEN, -1, PL_OP_REPORT, "mail_taken",
     "The address that the new name gives belongs to another entry, or nobody can tell; the one before stays."},
};
const size_t pl_name_rows = sizeof pl_name_table / sizeof pl_name_table[0];

const struct pl_name_row *pl_name_step(enum pl_name_seen seen, bool fought)
{
    for (size_t i = 0; i < pl_name_rows; i++)
        if (pl_name_table[i].seen == seen && (pl_name_table[i].fought < 0 || (pl_name_table[i].fought == 1) == fought))
            return &pl_name_table[i];
    __builtin_trap(); /* total: tests/unit/test_names.c walks all inputs */
}

/* The attribute by its name, options and case aside; the entry's own names end with a NUL no more than ours do. */
static const struct pl_attr *attr_of(const struct pl_entry *e, struct pl_str name)
{
    for (size_t i = 0; i < e->n; i++)
        if (pl_str_ieq(e->attrs[i].name, name))
            return &e->attrs[i];
    return NULL;
}

static const struct pl_str *value_of(const struct pl_attr *a, struct pl_str value, bool any_case)
{
    for (size_t i = 0; a && i < a->n; i++)
        if (any_case ? pl_str_ieq(a->values[i], value) : pl_str_eq(a->values[i], value))
            return &a->values[i];
    return NULL;
}

enum pl_name_seen pl_name_seen(struct pl_arena *a, const struct pl_kept *k, const struct pl_entry *e,
                               const struct pl_words *words, const struct pl_name *former, size_t n_former,
                               struct pl_str *want, struct pl_str *was)
{
    const struct pl_attr *values = attr_of(e, k->attr);
    *want = pl_template_render(a, k->text, words, false);
    if (want->len == 0) /* no address can be made of this name */
        return PL_NAME_OTHER;
    if (value_of(values, *want, false))
        return PL_NAME_SAME;
    for (size_t i = 0; i < n_former; i++) {
        struct pl_words then = *words;
        then.given = former[i].given;
        then.family = former[i].family;
        const struct pl_str *old = value_of(values, pl_template_render(a, k->text, &then, false), false);
        if (old) {
            *was = pl_arena_str(a, *old);
            return PL_NAME_FORMER;
        }
    }
    return PL_NAME_OTHER;
}

void pl_name_owner_filter(struct pl_buf *b, struct pl_arena *a, struct pl_str address, struct pl_str alias,
                          bool exchange)
{
    const char *name = pl_arena_str(a, alias).s; /* ends with a NUL */
    pl_buf_add_c(b, "(|");
    pl_filter_equal(b, "mail", address);
    if (exchange || pl_str_ieq_c(alias, "proxyAddresses"))
        pl_filter_equal(b, "proxyAddresses", pl_arena_printf(a, "smtp:%.*s", (int)address.len, address.s));
    if (alias.len > 0 && !pl_str_ieq_c(alias, "proxyAddresses"))
        pl_filter_equal(b, name, address);
    pl_buf_add_c(b, ")");
}

/* ---- writing ---- */

static struct pl_str *one(struct pl_arena *a, struct pl_str value)
{
    struct pl_str *v = pl_arena_array(a, 1, sizeof *v);
    *v = pl_arena_str(a, value);
    return v;
}

static struct pl_str with(struct pl_arena *a, const char *prefix, struct pl_str address)
{
    return pl_arena_printf(a, "%s%.*s", prefix, (int)address.len, address.s);
}

/* Exchange's form: one value "SMTP:" is the address in use, "smtp:" are the others. The directory compares without case,
 * so what only changes its case is taken away and added. */
static size_t proxy_mods(struct pl_arena *a, const struct pl_attr *now, struct pl_str attr, struct pl_str was,
                         struct pl_str want, struct pl_mod *mods)
{
    const struct pl_str *primary = value_of(now, with(a, "SMTP:", was), false);
    const struct pl_str *old = value_of(now, with(a, "smtp:", was), true);
    const struct pl_str *fresh = value_of(now, with(a, "smtp:", want), true);
    struct pl_str *gone = pl_arena_array(a, 2, sizeof *gone), *come = pl_arena_array(a, 2, sizeof *come);
    size_t n_gone = 0, n_come = 0, n = 0;
    if (primary) {
        gone[n_gone++] = pl_arena_str(a, *primary);
        if (fresh)
            gone[n_gone++] = pl_arena_str(a, *fresh);
        come[n_come++] = with(a, "SMTP:", want);
    }
    if (primary || !old)
        come[n_come++] = with(a, "smtp:", was);
    if (n_gone > 0)
        mods[n++] = (struct pl_mod){PL_MOD_DELETE, attr, gone, n_gone};
    if (n_come > 0)
        mods[n++] = (struct pl_mod){PL_MOD_ADD, attr, come, n_come};
    return n;
}

static size_t alias_mods(struct pl_arena *a, const struct pl_entry *e, struct pl_str attr, struct pl_str was,
                         struct pl_str want, struct pl_mod *mods)
{
    const struct pl_attr *now = attr_of(e, attr);
    if (pl_str_ieq_c(attr, "proxyAddresses"))
        return proxy_mods(a, now, attr, was, want, mods);
    if (value_of(now, was, true))
        return 0;
    mods[0] = (struct pl_mod){PL_MOD_ADD, attr, one(a, was), 1};
    return 1;
}

size_t pl_name_mods(struct pl_arena *a, const struct pl_entry *e, struct pl_str attr, struct pl_str was,
                    struct pl_str want, struct pl_str alias, struct pl_mod *mods)
{
    size_t n = 0;
    mods[n++] = (struct pl_mod){PL_MOD_DELETE, attr, one(a, was), 1};
    mods[n++] = (struct pl_mod){PL_MOD_ADD, attr, one(a, want), 1};
    if (alias.len > 0 && pl_str_ieq_c(attr, "mail"))
        n += alias_mods(a, e, alias, was, want, mods + n);
    return n;
}
