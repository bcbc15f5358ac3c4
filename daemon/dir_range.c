/* An attribute with more values than the server gives at once: Active Directory answers `member;range=0-1499` and wants to be
 * asked for the rest (MS-ADTS 3.1.1.3.1.3.3). The request that met it goes on until the last value is here, as further base
 * searches in its place. Between two parts somebody may change the group, so its uSNChanged is read before the first part
 * and after the last: when it differs everything is read again, and after a few tries the read counts as not complete. */
#include "dir_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 3 };
#define VERSION "uSNChanged"

enum phase { FIRST_ANSWER, BEFORE, PARTS, AFTER };

struct dir_range {
    struct pl_arena *arena;
    struct pl_entry entry; /* as it came, without the attribute, with room for it */
    struct pl_str attr;    /* "member" */
    const char *dn;
    enum phase phase;
    int tries;
    bool shown, last, bad; /* of the search under way */
    char version[24];
    char ask[96];
    char *attrs[2];
    struct pl_str *values;
    size_t n, cap;
};

/* ---- names with a range ---- */

static struct pl_str base_of(struct pl_str name)
{
    const char *semicolon = name.len ? memchr(name.s, ';', name.len) : NULL;
    return (struct pl_str){name.s, semicolon ? (size_t)(semicolon - name.s) : name.len};
}

static bool take_number(struct pl_str *s, size_t *out)
{
    size_t digits = 0;
    int64_t n;
    while (digits < s->len && s->s[digits] >= '0' && s->s[digits] <= '9')
        digits++;
    if (!pl_str_to_i64((struct pl_str){s->s, digits}, &n))
        return false;
    s->s += digits;
    s->len -= digits;
    *out = (size_t)n;
    return true;
}

/* Of "member;range=1500-2999" what follows "range="; false when the name has no such option. */
static bool find_range(struct pl_str name, struct pl_str *range)
{
    for (;;) {
        struct pl_str option = base_of(name);
        struct pl_str key = {option.s, option.len < 6 ? option.len : 6};
        *range = (struct pl_str){option.s + key.len, option.len - key.len};
        if (pl_str_ieq_c(key, "range="))
            return true;
        if (option.len == name.len)
            return false;
        name.s += option.len + 1;
        name.len -= option.len + 1;
    }
}

/* "1500-2999"; "3000-*" is the last part. */
static bool read_range(struct pl_str name, size_t *low, size_t *high, bool *last)
{
    struct pl_str at;
    if (!find_range(name, &at) || !take_number(&at, low) || at.len < 2 || at.s[0] != '-')
        return false;
    at.s++;
    at.len--;
    *last = pl_str_eq_c(at, "*");
    return *last || (take_number(&at, high) && at.len == 0);
}

bool dir_range_open(struct pl_str name)
{
    struct pl_str range;
    size_t low, high;
    bool last;
    return find_range(name, &range) && !(read_range(name, &low, &high, &last) && last);
}

/* ---- the entry that was cut short ---- */

static struct pl_str *copy_values(struct pl_arena *a, const struct pl_attr *attr)
{
    struct pl_str *out = pl_arena_array(a, attr->n ? attr->n : 1, sizeof *out);
    for (size_t i = 0; i < attr->n; i++)
        out[i] = pl_arena_str(a, attr->values[i]);
    return out;
}

struct dir_range *dir_range_begin(const struct pl_entry *e)
{
    struct dir_range *g = pl_xcalloc(1, sizeof *g);
    g->arena = pl_arena_new();
    g->entry.dn = pl_arena_str(g->arena, e->dn);
    g->dn = dir_cstr(g->arena, e->dn);
    g->entry.attrs = pl_arena_array(g->arena, e->n + 1, sizeof *g->entry.attrs);
    size_t open = 0;
    while (open < e->n && !dir_range_open(e->attrs[open].name))
        open++;
    g->attr = open < e->n ? pl_arena_str(g->arena, base_of(e->attrs[open].name)) : (struct pl_str){"", 0};
    for (size_t i = 0; i < e->n; i++) {
        const struct pl_attr *a = &e->attrs[i];
        if (pl_str_ieq(base_of(a->name), g->attr))
            continue;                               /* also an empty "member" beside the part */
        g->bad = g->bad || dir_range_open(a->name); /* a second one: none of our entries has that */
        g->entry.attrs[g->entry.n++] =
            (struct pl_attr){pl_arena_str(g->arena, a->name), copy_values(g->arena, a), a->n};
    }
    g->bad = g->bad || !g->dn || g->attr.len == 0 || g->attr.len > 60;
    return g;
}

void dir_range_free(struct dir_range *g)
{
    if (!g)
        return;
    pl_arena_free(g->arena);
    free(g->values);
    free(g);
}

/* ---- asking on ---- */

static void next_search(struct dir_range *g, enum phase phase)
{
    g->phase = phase;
    g->shown = g->last = false;
    if (phase == PARTS)
        snprintf(g->ask, sizeof g->ask, "%.*s;range=%zu-*", (int)g->attr.len, g->attr.s, g->n);
    else
        snprintf(g->ask, sizeof g->ask, "%s", VERSION);
    g->attrs[0] = g->ask;
}

void dir_range_search(struct dir_range *g, const char **base, int *scope, const char **filter, char ***attrs)
{
    *base = g->dn;
    *scope = LDAP_SCOPE_BASE;
    *filter = "(objectClass=*)";
    *attrs = g->attrs;
}

static bool take_part(struct dir_range *g, const struct pl_attr *a)
{
    size_t low = 0, high = 0;
    if (!read_range(a->name, &low, &high, &g->last) || low != g->n ||
        (!g->last && (a->n == 0 || high != low + a->n - 1)))
        return false;
    while (g->n + a->n > g->cap) {
        g->cap = g->cap ? g->cap * 2 : 4096;
        g->values = pl_xrealloc_array(g->values, g->cap, sizeof *g->values);
    }
    for (size_t i = 0; i < a->n; i++)
        g->values[g->n++] = pl_arena_str(g->arena, a->values[i]);
    return true;
}

static void take_version(struct dir_range *g, const struct pl_entry *e)
{
    struct pl_str v = pl_entry_first(e, VERSION);
    char text[sizeof g->version] = "";
    if (v.len == 0 || v.len >= sizeof text) {
        g->bad = true; /* without it nobody knows whether the parts belong together */
        return;
    }
    memcpy(text, v.s, v.len);
    if (g->phase == AFTER && strcmp(g->version, text) != 0)
        g->last = true; /* somebody changed it meanwhile: once more */
    memcpy(g->version, text, sizeof text);
}

void dir_range_entry(struct dir_range *g, const struct pl_entry *e)
{
    if (g->phase == FIRST_ANSWER || g->shown) { /* a second entry: what was asked is not of one group */
        g->bad = true;
        return;
    }
    g->shown = true;
    if (g->phase != PARTS) {
        take_version(g, e);
        return;
    }
    const struct pl_attr *part = NULL;
    for (size_t i = 0; i < e->n; i++)
        if (pl_str_ieq(base_of(e->attrs[i].name), g->attr) && (e->attrs[i].n > 0 || e->attrs[i].name.len > g->attr.len))
            part = &e->attrs[i];
    if (!part)
        g->last = true; /* no values are left; what is missing then shows in the version */
    else if (!take_part(g, part))
        g->bad = true;
}

static void again(struct dir_range *g)
{
    g->n = 0; /* the former values stay in the arena until the end: a few hundred kilobytes, three times at most */
    next_search(g, BEFORE);
}

enum dir_range_state dir_range_result(struct dir_range *g, int code)
{
    if (code != LDAP_SUCCESS || g->bad || (g->phase != FIRST_ANSWER && !g->shown))
        return DIR_RANGE_BROKEN;
    switch (g->phase) {
    case FIRST_ANSWER:
        again(g);
        return DIR_RANGE_ON;
    case BEFORE:
        next_search(g, PARTS);
        return DIR_RANGE_ON;
    case PARTS:
        next_search(g, g->last ? AFTER : PARTS);
        return DIR_RANGE_ON;
    case AFTER:
        break;
    }
    if (!g->last)
        return DIR_RANGE_WHOLE;
    if (++g->tries == TRIES)
        return DIR_RANGE_BROKEN;
    again(g);
    return DIR_RANGE_ON;
}

const struct pl_entry *dir_range_whole(struct dir_range *g)
{
    g->entry.attrs[g->entry.n++] = (struct pl_attr){g->attr, g->values, g->n};
    return &g->entry;
}
