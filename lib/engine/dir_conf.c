/* What a directory's configuration and its dialect come to together: which attributes are asked for, and which protected
 * groups are managed all the same. */
#include "priv.h"

#include <string.h>
#include "../directory/dn.h"

static const char **join(struct pl_arena *arena, const char *const *a, const char *const *b)
{
    size_t n = 0, m = 0;
    while (a[n])
        n++;
    while (b[m])
        m++;
    const char **out = pl_arena_array(arena, n + m + 1, sizeof *out);
    memcpy(out, a, n * sizeof *out);
    memcpy(out + n, b, m * sizeof *out);
    return out;
}

/* Takes the text before the next '|', which a DN that has one writes as \7c, without outer spaces. */
static struct pl_str next_dn(struct pl_str *rest)
{
    const char *end = memchr(rest->s, '|', rest->len);
    struct pl_str dn = {rest->s, end ? (size_t)(end - rest->s) : rest->len};
    rest->s += dn.len + (end != NULL);
    rest->len -= dn.len + (end != NULL);
    for (; dn.len > 0 && dn.s[0] == ' '; dn.len--)
        dn.s++;
    while (dn.len > 0 && dn.s[dn.len - 1] == ' ')
        dn.len--;
    return dn;
}

static bool privileged(struct dir *d, struct pl_err *err)
{
    struct pl_str rest = d->conf.privileged_groups;
    size_t n = 0;
    bool ok = true;
    struct pl_buf b = {0};
    d->privileged = pl_arena_array(d->e->conf_arena, rest.len / 2 + 2, sizeof *d->privileged);
    while (ok && rest.len > 0) {
        struct pl_str dn = next_dn(&rest);
        pl_buf_clear(&b);
        if (dn.len == 0 || !pl_dn_normal(&b, dn, err))
            ok = pl_err_set(err, PL_ERR_CONF, 0, "Write whole DNs, divided by |.",
                            "directory %.*s: privileged_groups: \"%.*s\" is not a DN", (int)d->conf.name.len,
                            d->conf.name.s, (int)dn.len, dn.s);
        d->privileged[n++] = pl_dn_hash(dn);
    }
    pl_buf_free(&b);
    return ok;
}

/* The names in `conf` are terminated: they were copied with a NUL. */
bool pl_dir_learn(struct dir *d, struct pl_err *err)
{
    struct pl_arena *a = d->e->conf_arena;
    const char *own[] = {d->conf.login_attr.s, d->conf.number_attr.s,
                         d->conf.fence_attr.len ? d->conf.fence_attr.s : NULL, NULL};
    const char *id[] = {d->dialect->native_id_attr, NULL};
    d->attrs = join(a, d->dialect->person_attrs, own);
    d->group_attrs = join(a, join(a, d->dialect->group_attrs, d->dialect->member_attrs), id);
    return privileged(d, err);
}

void pl_shape_learn(const struct dir *d, struct shape *s, const struct pl_entry *group)
{
    s->shape = d->dialect->group_shape(group);
    s->key = d->dialect->group_key ? d->dialect->group_key(group) : 0;
    for (size_t i = 0; s->shape == PL_GROUP_PRIVILEGED && d->privileged[i]; i++)
        if (d->privileged[i] == s->dn_hash)
            s->shape = PL_GROUP_NAMES;
}
