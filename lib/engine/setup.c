/* An engine from its configuration, and its end. */
#include "priv.h"

#include <stdlib.h>
#include <string.h>
#include "../directory/dn.h"

static struct pl_str keep(struct pl_engine *e, struct pl_str s)
{
    return pl_arena_str(e->conf_arena, s);
}

static const char **join_attrs(struct pl_engine *e, const char *const *a, const char *const *b)
{
    size_t n = 0, m = 0;
    while (a[n])
        n++;
    while (b[m])
        m++;
    const char **out = pl_arena_array(e->conf_arena, n + m + 1, sizeof *out);
    memcpy(out, a, n * sizeof *out);
    memcpy(out + n, b, m * sizeof *out);
    return out;
}

/* DNs divided by '|', which a DN that has one writes as \7c. */
static bool read_privileged(struct pl_engine *e, struct dir *d, struct pl_err *err)
{
    struct pl_str rest = d->conf.privileged_groups;
    bool ok = true;
    struct pl_buf b = {0};
    d->privileged = pl_arena_array(e->conf_arena, rest.len / 2 + 1, sizeof *d->privileged);
    while (ok && rest.len > 0) {
        const char *end = memchr(rest.s, '|', rest.len);
        struct pl_str dn = {rest.s, end ? (size_t)(end - rest.s) : rest.len};
        rest.s += dn.len + (end != NULL);
        rest.len -= dn.len + (end != NULL);
        for (; dn.len > 0 && dn.s[0] == ' '; dn.len--)
            dn.s++;
        while (dn.len > 0 && dn.s[dn.len - 1] == ' ')
            dn.len--;
        pl_buf_clear(&b);
        if (dn.len == 0 || !pl_dn_normal(&b, dn, err))
            ok = pl_err_set(err, PL_ERR_CONF, 0, "Write whole DNs, divided by |.",
                            "directory %.*s: privileged_groups: \"%.*s\" is not a DN", (int)d->conf.name.len,
                            d->conf.name.s, (int)dn.len, dn.s);
        d->privileged[d->n_privileged++] = pl_dn_hash(dn);
    }
    pl_buf_free(&b);
    return ok;
}

/* The lowest entry above people and groups; for DirSync the whole domain or nothing. */
static struct pl_str watch_base(const struct dir *d)
{
    bool whole = d->dialect->watch == PL_WATCH_DIRSYNC;
    struct pl_str base = whole ? pl_dn_domain(d->conf.people_base) : d->conf.people_base;
    while (base.len > 0 && !pl_dn_under(d->conf.group_base, base))
        base = whole ? (struct pl_str){"", 0} : pl_dn_parent(base);
    return base;
}

static bool copy_dir(struct pl_engine *e, struct dir *d, const struct pl_dir_conf *c, struct pl_err *err)
{
    d->e = e;
    d->conf = *c;
    struct pl_str *texts[] = {
        &d->conf.name,        &d->conf.dialect,           &d->conf.people_base,     &d->conf.group_base,
        &d->conf.canary_dn,   &d->conf.policy_dn,         &d->conf.placeholder_dn,  &d->conf.login_attr,
        &d->conf.number_attr, &d->conf.login_style,       &d->conf.admin_prefix,    &d->conf.rdn_template,
        &d->conf.fence_attr,  &d->conf.privileged_groups, &d->conf.keep_attributes, &d->conf.mail_alias};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = keep(e, *texts[i]);
    struct pl_template *t = pl_arena_array(e->conf_arena, c->n_templates, sizeof *t);
    for (size_t i = 0; i < c->n_templates; i++)
        t[i] = (struct pl_template){keep(e, c->templates[i].attr), keep(e, c->templates[i].text)};
    d->conf.templates = t;
    struct pl_buf b = {0};
    d->dialect = pl_dialect_find(c->dialect);
    if (!d->dialect) {
        pl_buf_add_c(&b, "This version knows:");
        for (size_t i = 0; pl_dialects[i]; i++)
            pl_buf_printf(&b, "%s %s", i ? "," : "", pl_dialects[i]->name);
        pl_err_set(err, PL_ERR_CONF, 0, b.s, "directory %.*s: dialect \"%.*s\" is not known", (int)c->name.len,
                   c->name.s, (int)c->dialect.len, c->dialect.s);
        pl_buf_free(&b);
        return false;
    }
    const struct pl_str dns[] = {d->conf.people_base, d->conf.group_base, d->conf.canary_dn, d->conf.placeholder_dn,
                                 d->conf.policy_dn};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof dns / sizeof dns[0]; i++) {
        pl_buf_clear(&b);
        ok = (dns[i].len > 0 || i >= 2) && pl_dn_normal(&b, dns[i], err);
        if (!ok)
            pl_err_set(err, PL_ERR_CONF, 0, "Write it as in uid=x,ou=y,dc=z.", "directory %.*s: \"%.*s\" is not a DN",
                       (int)c->name.len, c->name.s, (int)dns[i].len, dns[i].s);
    }
    pl_buf_free(&b);
    const char *own[] = {d->conf.login_attr.s, d->conf.number_attr.s, /* terminated: keep() copies with a NUL */
                         d->conf.fence_attr.len ? d->conf.fence_attr.s : NULL, NULL};
    ok = ok && pl_rename_setup(d, e->conf_arena, err);
    const char *kept[PL_KEPT_MAX + 2] = {0};
    for (size_t i = 0; i < d->n_kept; i++)
        kept[i] = d->kept[i].attr.s;
    kept[d->n_kept] = d->n_kept > 0 && d->conf.mail_alias.len ? d->conf.mail_alias.s : NULL;
    d->attrs = join_attrs(e, join_attrs(e, d->dialect->person_attrs, own), kept);
    const char *origin[] = {"modifiersName", d->dialect->origin_attr, NULL}, *none[] = {NULL};
    const char *const *keys = d->dialect->key_attrs ? d->dialect->key_attrs : none;
    d->look_attrs = join_attrs(e, join_attrs(e, d->attrs, keys), origin);
    const char *id[] = {d->dialect->native_id_attr, NULL};
    d->group_attrs = join_attrs(e, join_attrs(e, d->dialect->group_attrs, d->dialect->member_attrs), id);
    ok = ok && read_privileged(e, d, err);
    bool proves = false;
    for (size_t i = 0; i < c->n_templates; i++)
        proves = proves || pl_str_ieq(t[i].attr, d->conf.number_attr);
    if (ok && !proves)
        ok =
            pl_err_set(err, PL_ERR_CONF, 0, "Write for example attribute.employeeNumber = {institution}-{employee_no}.",
                       "directory %.*s: no attribute template for %s, which proves whose entry it is", (int)c->name.len,
                       c->name.s, d->conf.number_attr.s);
    d->group_arena = pl_arena_new();
    d->watch = pl_watch_new(d);
    d->acks = pl_acks_new(d);
    d->watch_base = watch_base(d);
    if (d->conf.inflight < 1)
        d->conf.inflight = 1;
    return ok;
}

struct pl_engine *pl_engine_new(const struct pl_engine_conf *conf, struct pl_err *err)
{
    struct pl_engine *e = pl_xcalloc(1, sizeof *e);
    e->conf = *conf;
    e->conf_arena = pl_arena_new();
    e->out = pl_arena_new();
    e->n_dirs = conf->n_dirs;
    e->dirs = pl_xcalloc(conf->n_dirs ? conf->n_dirs : 1, sizeof *e->dirs);
    for (size_t i = 0; i < e->n_dirs; i++)
        if (!copy_dir(e, &e->dirs[i], &conf->dirs[i], err)) {
            pl_engine_free(e);
            return NULL;
        }
    if (e->conf.retry_min_us < 1000)
        e->conf.retry_min_us = 1000;
    if (e->conf.retry_max_us < e->conf.retry_min_us)
        e->conf.retry_max_us = e->conf.retry_min_us;
    return e;
}

void pl_engine_free(struct pl_engine *e)
{
    if (!e)
        return;
    pl_batch_drop_all(e, NULL);
    for (size_t i = 0; i < e->n_dirs; i++) {
        struct dir *d = &e->dirs[i];
        pl_scan_drop(d);
        pl_exec_targets_free(d);
        pl_watch_free(d->watch);
        pl_acks_free(d->acks);
        for (size_t k = 0; k < d->n_shapes; k++) {
            free(d->shapes[k].writer);
            free(d->shapes[k].strangers);
            pl_drift_forget(&d->shapes[k]);
        }
        pl_arena_free(d->group_arena);
        free(d->groups);
        pl_passed_free(&d->passed);
        free(d->shapes);
        free((void *)(uintptr_t)d->identity.s);
        free((void *)(uintptr_t)d->life.s);
        pl_origin_free(d);
    }
    free(e->dirs);
    free(e->previews);
    free(e->preview_persons);
    free(e->requests);
    free(e->queue);
    free(e->attempts);
    pl_arena_free(e->out);
    pl_arena_free(e->conf_arena);
    free(e);
}
