/* What a directory does with Search, Modify and Add. */
#include <string.h>
#include "directory.h"
#include "../../lib/directory/dn.h"

enum {
    NO_ATTRIBUTE = 16,
    UNDEFINED_TYPE = 17,
    CONSTRAINT = 19,
    VALUE_EXISTS = 20,
    NO_OBJECT = 32,
    ALREADY_EXISTS = 68
};

static bool below(struct pl_str norm, struct pl_str base)
{
    if (norm.len <= base.len || (base.len > 0 && norm.s[norm.len - base.len - 1] != ','))
        return false;
    return memcmp(norm.s + norm.len - base.len, base.s, base.len) == 0;
}

static bool in_scope(const struct dir_entry *e, struct pl_str base, enum pl_scope scope)
{
    if (pl_str_eq(e->norm, base))
        return scope != PL_SCOPE_ONE;
    if (scope == PL_SCOPE_BASE || !below(e->norm, base))
        return false;
    /* Names in the model hold no escaped commas, so the next one ends the RDN. */
    const char *comma = memchr(e->norm.s, ',', e->norm.len);
    return scope == PL_SCOPE_SUB || (size_t)(comma - e->norm.s) + 1 + base.len == e->norm.len;
}

static bool hidden(const struct directory *d, const struct dir_entry *e)
{
    return d->blind && (dir_entry_attr(e, PL_STR("uid")) || pl_str_ieq(e->dn, PL_STR(CANARY_DN)));
}

struct wish {                 /* the attributes that a search asks for */
    bool users, operationals; /* all of them */
    int secret;               /* the daemon's identity may write it, not read it */
    int *numbers;
    size_t n;
};

static struct wish wish_of(struct pl_arena *a, const char *const *attrs)
{
    struct wish w = {.users = !attrs || !attrs[0], .secret = attr_number(PL_STR("userPassword"))};
    while (attrs && attrs[w.n])
        w.n++;
    w.numbers = pl_arena_array(a, w.n, sizeof *w.numbers);
    for (size_t i = 0; i < w.n; i++) {
        w.numbers[i] = attr_number(pl_str_c(attrs[i]));
        w.users |= !strcmp(attrs[i], "*");
        w.operationals |= !strcmp(attrs[i], "+");
    }
    return w;
}

static bool selected(const struct wish *w, const struct dir_attr *at)
{
    bool yes = at->operational ? w->operationals : w->users;
    for (size_t i = 0; i < w->n && !yes; i++)
        yes = w->numbers[i] == at->number;
    return yes && at->number != w->secret;
}

static void copy_entry(struct directory *d, const struct dir_entry *e, bool usability, const struct wish *w,
                       int64_t now, struct pl_arena *a, struct pl_entry *out)
{
    out->dn = pl_arena_str(a, e->dn);
    out->attrs = pl_arena_array(a, (size_t)e->n_attrs + 1, sizeof *out->attrs);
    out->n = 0;
    for (int i = 0; i < e->n_attrs; i++) {
        const struct dir_attr *at = &e->attrs[i];
        if (!selected(w, at))
            continue;
        struct pl_attr *o = &out->attrs[out->n++];
        o->name = pl_arena_str(a, (struct pl_str){at->name, at->len});
        o->n = (size_t)at->n;
        o->values = pl_arena_array(a, o->n, sizeof *o->values);
        for (int k = 0; k < at->n; k++)
            o->values[k] = pl_arena_str(a, at->raw[k]);
    }
    if (usability && d->usability && d->ppolicy && dir_entry_attr(e, PL_STR("uid"))) {
        struct pl_attr *o = &out->attrs[out->n++];
        o->name = PL_STR("paaslaUsable");
        o->n = 1;
        o->values = pl_arena_array(a, 1, sizeof *o->values);
        o->values[0] = directory_refuses(d, e, now) ? PL_STR("FALSE") : PL_STR("TRUE");
    }
}

int directory_search(struct directory *d, const struct pl_command *c, int64_t now, int *cursor, int max,
                     struct pl_arena *a, struct pl_entry *out, int *n)
{
    struct match *m = match_parse(a, c->search.filter);
    struct pl_str base = dir_normal(a, PL_STR("member"), c->search.base);
    *n = 0;
    if (!m)
        return 2; /* protocolError: libldap itself refuses such a filter */
    const struct dir_entry *top = directory_find(d, c->search.base);
    if (!top || (c->search.scope == PL_SCOPE_BASE && hidden(d, top))) {
        *cursor = -1;
        return NO_OBJECT;
    }
    struct wish w = wish_of(a, c->search.attrs);
    int i = *cursor;
    for (; i < d->n && *n < max; i++) {
        const struct dir_entry *e = d->v[i];
        if (e->live && in_scope(e, base, c->search.scope) && !hidden(d, e) && match_entry(m, e))
            copy_entry(d, e, c->search.usability, &w, now, a, &out[(*n)++]);
    }
    *cursor = i < d->n ? i : -1;
    return CODE_OK;
}

static struct dir_entry *clone(struct directory *d, const struct dir_entry *e)
{
    struct dir_entry *x = pl_arena_alloc(d->a, sizeof *x);
    *x = *e;
    x->attrs = pl_arena_array(d->a, (size_t)e->n_attrs, sizeof *x->attrs);
    for (int i = 0; i < e->n_attrs; i++) {
        size_t n = (size_t)e->attrs[i].n;
        x->attrs[i] = e->attrs[i];
        x->attrs[i].raw = pl_arena_array(d->a, n, sizeof(struct pl_str));
        x->attrs[i].norm = pl_arena_array(d->a, n, sizeof(struct pl_str));
        memcpy(x->attrs[i].raw, e->attrs[i].raw, n * sizeof(struct pl_str));
        memcpy(x->attrs[i].norm, e->attrs[i].norm, n * sizeof(struct pl_str));
    }
    return x;
}

static int change_password(struct directory *d, struct dir_entry *e, const struct pl_mod *m)
{
    bool gone = m->kind == PL_MOD_DELETE || m->n == 0;
    if (gone && d->delete_code != 0)
        return d->delete_code;
    if (!gone && d->password_code != 0)
        return d->password_code;
    if (gone && !dir_entry_attr(e, m->attr))
        return m->kind == PL_MOD_DELETE ? NO_ATTRIBUTE : 0;
    e->password_known = false;
    dir_entry_drop(e, "userPassword", (struct pl_str){"", 0});
    dir_entry_drop(e, "pwdAccountLockedTime", (struct pl_str){"", 0}); /* as the overlay does */
    if (!gone)
        dir_entry_add(d, e, "userPassword", m->values[0]);
    return 0;
}

static int change(struct directory *d, struct dir_entry *e, const struct pl_mod *m)
{
    char name[24] = {0};
    if (pl_str_ieq_c(m->attr, "userPassword"))
        return change_password(d, e, m);
    if (!d->ppolicy && m->attr.len > 3 && !memcmp(m->attr.s, "pwd", 3))
        return UNDEFINED_TYPE;
    memcpy(name, m->attr.s, m->attr.len < sizeof name ? m->attr.len : sizeof name - 1);
    if (m->kind == PL_MOD_REPLACE || (m->kind == PL_MOD_DELETE && m->n == 0)) {
        if (m->kind == PL_MOD_DELETE && !dir_entry_attr(e, m->attr))
            return NO_ATTRIBUTE;
        dir_entry_drop(e, name, (struct pl_str){"", 0});
    }
    for (size_t i = 0; i < m->n; i++) {
        bool has = dir_entry_has(e, name, m->values[i]);
        if (m->kind == PL_MOD_DELETE) {
            if (!has)
                return NO_ATTRIBUTE;
            dir_entry_drop(e, name, m->values[i]);
        } else {
            if (has)
                return VALUE_EXISTS;
            if (!strcmp(name, "pwdEndTime") && dir_entry_attr(e, m->attr))
                return CONSTRAINT; /* one value only */
            dir_entry_add(d, e, name, m->values[i]);
        }
    }
    return 0;
}

int directory_modify(struct directory *d, const struct pl_command *c, int64_t now)
{
    struct dir_entry *e = directory_find(d, c->modify.dn);
    if (!e)
        return NO_OBJECT;
    if (c->modify.assertion.len > 0) {
        struct pl_arena *a = pl_arena_new();
        struct match *m = match_parse(a, c->modify.assertion);
        bool holds = m && match_entry(m, e);
        pl_arena_free(a);
        if (!d->assertion)
            return 12; /* unavailableCriticalExtension */
        if (!holds)
            return CODE_ASSERTION;
    }
    struct dir_entry *x = clone(d, e);
    for (size_t i = 0; i < c->modify.n; i++) {
        int code = change(d, x, &c->modify.mods[i]);
        if (code != 0)
            return code;
    }
    if (c->modify.secret == PL_SECRET_FIRST) {
        if (d->password_code == CODE_DENIED)
            return CODE_DENIED;
        dir_entry_set(d, x, "userPassword", PL_STR("one-time"));
        x->password_known = true;
    }
    if (dir_entry_has(x, "objectClass", PL_STR("groupOfNames")) && !dir_entry_attr(x, PL_STR("member")))
        return CODE_EMPTY_GROUP;
    *e = *x;
    dir_entry_touch(d, e, now);
    return CODE_OK;
}

int directory_create(struct directory *d, const struct pl_command *c, int64_t now)
{
    struct pl_arena *a = pl_arena_new();
    struct pl_str norm = dir_normal(a, PL_STR("member"), c->add.dn);
    const char *comma = memchr(norm.s, ',', norm.len);
    int code = CODE_OK;
    if (directory_find(d, c->add.dn))
        code = ALREADY_EXISTS;
    else if (!comma || !directory_find(d, (struct pl_str){comma + 1, norm.len - (size_t)(comma + 1 - norm.s)}))
        code = NO_OBJECT;
    for (size_t i = 0; i < c->add.n && code == CODE_OK; i++)
        if (!d->ppolicy && c->add.attrs[i].name.len > 3 && !memcmp(c->add.attrs[i].name.s, "pwd", 3))
            code = UNDEFINED_TYPE;
    if (code == CODE_OK) {
        char dn[256];
        memcpy(dn, c->add.dn.s, c->add.dn.len);
        dn[c->add.dn.len] = '\0';
        struct dir_entry *e = directory_put(d, dn, now, NULL);
        for (size_t i = 0; i < c->add.n; i++)
            for (size_t k = 0; k < c->add.attrs[i].n; k++) {
                char name[24] = {0};
                memcpy(name, c->add.attrs[i].name.s, c->add.attrs[i].name.len);
                dir_entry_add(d, e, name, c->add.attrs[i].values[k]);
            }
    }
    pl_arena_free(a);
    return code;
}
