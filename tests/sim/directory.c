#include "directory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../lib/directory/dialect.h"
#include "../../lib/directory/dn.h"

static bool is_dn(struct pl_str attr)
{
    return pl_str_ieq_c(attr, "member") || pl_str_ieq_c(attr, "uniqueMember");
}

/* Eight bytes at a time. */
static uint64_t quick_hash(struct pl_str v)
{
    uint64_t h = v.len, part;
    for (; v.len >= sizeof part; v = (struct pl_str){v.s + sizeof part, v.len - sizeof part}) {
        memcpy(&part, v.s, sizeof part);
        h = (h ^ part) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    for (; v.len > 0; v.len--)
        h = (h ^ (unsigned char)v.s[v.len - 1]) * 0x100000001b3u;
    return h ^ (h >> 29);
}

/* The same few hundred names come again and again; a place is kept for each hash. */
static struct pl_str remembered_dn(struct pl_str value)
{
    enum { PLACES = 2048 };
    static struct {
        struct pl_buf raw, norm;
    } places[PLACES];
    uint64_t at = quick_hash(value) % PLACES;
    if (places[at].norm.s && pl_str_eq(pl_buf_str(&places[at].raw), value))
        return pl_buf_str(&places[at].norm);
    pl_buf_clear(&places[at].raw);
    pl_buf_clear(&places[at].norm);
    pl_buf_add(&places[at].raw, value);
    if (!pl_dn_normal(&places[at].norm, value, NULL)) {
        pl_buf_clear(&places[at].norm);
        pl_buf_add(&places[at].norm, value);
    }
    return pl_buf_str(&places[at].norm);
}

struct pl_str dir_normal(struct pl_arena *a, struct pl_str attr, struct pl_str value)
{
    if (is_dn(attr))
        return pl_arena_str(a, remembered_dn(value));
    char *low = pl_arena_alloc(a, value.len + 1);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.s[i];
        low[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
    }
    return (struct pl_str){low, value.len};
}

static struct pl_str normal_dn(struct pl_arena *a, struct pl_str dn)
{
    return dir_normal(a, PL_STR("member"), dn);
}

struct dir_attr *dir_entry_numbered(const struct dir_entry *e, int number)
{
    for (int i = 0; number >= 0 && i < e->n_attrs; i++)
        if (e->attrs[i].number == number)
            return &e->attrs[i];
    return NULL;
}

struct dir_attr *dir_entry_attr(const struct dir_entry *e, struct pl_str name)
{
    return dir_entry_numbered(e, attr_number(name));
}

struct pl_str dir_entry_value(const struct dir_entry *e, const char *name)
{
    const struct dir_attr *at = dir_entry_attr(e, pl_str_c(name));
    return at && at->n > 0 ? at->raw[0] : (struct pl_str){"", 0};
}

static int find_value(const struct dir_attr *at, struct pl_str norm)
{
    for (int i = 0; i < at->n; i++)
        if (pl_str_eq(at->norm[i], norm))
            return i;
    return -1;
}

bool dir_entry_has(const struct dir_entry *e, const char *name, struct pl_str value)
{
    const struct dir_attr *at = dir_entry_attr(e, pl_str_c(name));
    if (!at)
        return false;
    struct pl_arena *a = pl_arena_new();
    bool has = find_value(at, dir_normal(a, pl_str_c(name), value)) >= 0;
    pl_arena_free(a);
    return has;
}

/* Arrays grow by copies in the arena, which lives as long as the seed. */
void dir_entry_add(struct directory *d, struct dir_entry *e, const char *name, struct pl_str value)
{
    struct dir_attr *at = dir_entry_attr(e, pl_str_c(name));
    if (!at) {
        struct dir_attr *more = pl_arena_array(d->a, (size_t)e->n_attrs + 1, sizeof *more);
        if (e->n_attrs > 0)
            memcpy(more, e->attrs, (size_t)e->n_attrs * sizeof *more);
        e->attrs = more;
        at = &e->attrs[e->n_attrs++];
        snprintf(at->name, sizeof at->name, "%s", name);
        at->len = strlen(at->name);
        at->number = attr_number(pl_str_c(at->name));
        at->operational = !strncmp(name, "pwd", 3) || !strncmp(name, "entry", 5);
    }
    struct pl_str *raw = pl_arena_array(d->a, (size_t)at->n + 1, sizeof *raw);
    struct pl_str *norm = pl_arena_array(d->a, (size_t)at->n + 1, sizeof *norm);
    if (at->n > 0) {
        memcpy(raw, at->raw, (size_t)at->n * sizeof *raw);
        memcpy(norm, at->norm, (size_t)at->n * sizeof *norm);
    }
    raw[at->n] = pl_arena_str(d->a, value);
    norm[at->n] = dir_normal(d->a, pl_str_c(name), value);
    at->raw = raw;
    at->norm = norm;
    at->n++;
}

void dir_entry_drop(struct dir_entry *e, const char *name, struct pl_str value)
{
    struct dir_attr *at = dir_entry_attr(e, pl_str_c(name));
    if (!at)
        return;
    if (value.len > 0) {
        struct pl_arena *a = pl_arena_new();
        int i = find_value(at, dir_normal(a, pl_str_c(name), value));
        pl_arena_free(a);
        if (i < 0)
            return;
        at->n--;
        for (; i < at->n; i++) {
            at->raw[i] = at->raw[i + 1];
            at->norm[i] = at->norm[i + 1];
        }
    }
    if (value.len == 0 || at->n == 0)
        *at = e->attrs[--e->n_attrs];
}

void dir_entry_set(struct directory *d, struct dir_entry *e, const char *name, struct pl_str value)
{
    dir_entry_drop(e, name, (struct pl_str){"", 0});
    dir_entry_add(d, e, name, value);
}

static const struct dir_change *note_change(struct directory *d, const struct dir_entry *e, bool deleted)
{
    if (d->n_log == d->cap_log) {
        d->cap_log = d->cap_log ? d->cap_log * 2 : 256;
        d->log = pl_xrealloc_array(d->log, (size_t)d->cap_log, sizeof *d->log);
    }
    struct dir_change *c = &d->log[d->n_log++];
    *c = (struct dir_change){.entry = e->id, .deleted = deleted, .dn = e->dn};
    snprintf(c->csn, sizeof c->csn, "%014d.000000Z#000000#000#000000", d->n_log);
    return c;
}

void dir_entry_touch(struct directory *d, struct dir_entry *e, int64_t now)
{
    e->changed_us = now;
    dir_entry_set(d, e, "entryCSN", pl_str_c(note_change(d, e, false)->csn));
}

static struct dir_entry *entry_new(struct directory *d, struct pl_str dn, int64_t now)
{
    if (d->n == d->cap) {
        d->cap = d->cap ? d->cap * 2 : 64;
        d->v = pl_xrealloc_array(d->v, (size_t)d->cap, sizeof(struct dir_entry *));
    }
    struct dir_entry *e = pl_arena_alloc(d->a, sizeof *e);
    e->id = d->n;
    e->live = true;
    e->dn = pl_arena_str(d->a, dn);
    e->norm = normal_dn(d->a, dn);
    dir_entry_touch(d, e, now);
    snprintf(e->uuid, sizeof e->uuid, "%08x-0000-4000-8000-%012llx", (unsigned)d->index + 1,
             (unsigned long long)++d->uuids);
    dir_entry_add(d, e, "entryUUID", pl_str_c(e->uuid));
    d->v[d->n++] = e;
    return e;
}

struct dir_entry *directory_put(struct directory *d, const char *dn, int64_t now, ...)
{
    struct dir_entry *e = entry_new(d, pl_str_c(dn), now);
    va_list ap;
    va_start(ap, now);
    for (const char *name = va_arg(ap, const char *); name; name = va_arg(ap, const char *))
        dir_entry_add(d, e, name, pl_str_c(va_arg(ap, const char *)));
    va_end(ap);
    return e;
}

void directory_init(struct directory *d, int index)
{
    memset(d, 0, sizeof *d);
    d->index = index;
    d->a = pl_arena_new();
    d->ppolicy = d->assertion = d->usability = true;
    directory_put(d, SUFFIX, 0, "objectClass", "domain", NULL);
    directory_put(d, PEOPLE_BASE, 0, "objectClass", "organizationalUnit", "ou", "inimesed", NULL);
    for (int i = 0; i < N_UNITS; i++) {
        char dn[64], ou[16];
        snprintf(ou, sizeof ou, "osakond%d", i);
        snprintf(dn, sizeof dn, "ou=%s,%s", ou, PEOPLE_BASE);
        directory_put(d, dn, 0, "objectClass", "organizationalUnit", "ou", ou, NULL);
    }
    directory_put(d, GROUP_BASE, 0, "objectClass", "organizationalUnit", "ou", "grupid", NULL);
    directory_put(d, CANARY_DN, 0, "objectClass", "device", "cn", "kanaarilind", NULL);
    directory_put(d, POLICY_DN, 0, "objectClass", "pwdPolicy", "objectClass", "device", "cn", "vaikimisi",
                  "pwdAttribute", "userPassword", NULL);
}

void directory_free(struct directory *d)
{
    free(d->v);
    free(d->log);
    pl_arena_free(d->a);
}

struct dir_entry *directory_find(struct directory *d, struct pl_str dn)
{
    struct pl_str norm = remembered_dn(dn);
    for (int i = 0; i < d->n; i++)
        if (d->v[i]->live && pl_str_eq(d->v[i]->norm, norm))
            return d->v[i];
    return NULL;
}

struct dir_entry *directory_by_uuid(struct directory *d, const char *uuid)
{
    for (int i = 0; i < d->n; i++)
        if (d->v[i]->live && !strcmp(d->v[i]->uuid, uuid))
            return d->v[i];
    return NULL;
}

/* memberOf and refint: values that name the entry go, or follow it. */
static void values_follow(struct directory *d, struct pl_str was, const char *to, int64_t now)
{
    for (int i = 0; i < d->n; i++) {
        struct dir_entry *g = d->v[i];
        const struct dir_attr *at = dir_entry_attr(g, PL_STR("member"));
        if (!g->live || !at || find_value(at, was) < 0)
            continue;
        if (!to && at->n == 1)
            continue; /* refint leaves the last member of a groupOfNames */
        dir_entry_drop(g, "member", was);
        if (to)
            dir_entry_add(d, g, "member", pl_str_c(to));
        dir_entry_touch(d, g, now);
    }
}

void directory_remove(struct directory *d, struct dir_entry *e, int64_t now)
{
    e->live = false;
    e->changed_us = now;
    note_change(d, e, true);
    if (d->refint)
        values_follow(d, e->norm, NULL, now);
}

void directory_rename(struct directory *d, struct dir_entry *e, const char *dn, int64_t now)
{
    struct pl_str was = e->norm;
    e->was = e->dn;
    e->dn = pl_arena_str(d->a, pl_str_c(dn));
    e->norm = normal_dn(d->a, e->dn);
    dir_entry_touch(d, e, now);
    if (d->refint)
        values_follow(d, was, dn, now);
}

bool directory_policy_stands(struct directory *d, const struct dir_entry *e)
{
    struct pl_str own = dir_entry_value(e, "pwdPolicySubentry");
    return directory_find(d, own.len > 0 ? own : PL_STR(POLICY_DN)) != NULL;
}

bool directory_refuses(struct directory *d, const struct dir_entry *e, int64_t now)
{
    int64_t end = 0, start = 0;
    if (!d->ppolicy || !directory_policy_stands(d, e))
        return false;
    if (pl_gentime_parse(dir_entry_value(e, "pwdStartTime"), &start) && start > now)
        return true;
    return pl_gentime_parse(dir_entry_value(e, "pwdEndTime"), &end) && end <= now;
}

bool directory_is_member(struct directory *d, const struct role_group *g, const struct dir_entry *person)
{
    const struct dir_entry *e = directory_find(d, pl_str_c(g->dn));
    if (!e || !person)
        return false;
    return g->posix ? dir_entry_has(e, "memberUid", dir_entry_value(person, "uid"))
                    : dir_entry_has(e, "member", person->dn);
}
