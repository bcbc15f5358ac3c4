/* Search filters as a server evaluates them (RFC 4515): and, or, not, equality, presence. */
#include <string.h>
#include "directory.h"

struct match {
    char kind;                  /* '&' '|' '!' '=' '*' */
    struct pl_str attr, value;  /* the value as compared */
    int number;                 /* of the attribute */
    struct match *first, *next; /* operands */
};

struct reader {
    struct pl_arena *a;
    struct pl_str s;
    size_t at;
};

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool next_is(struct reader *r, char c)
{
    if (r->at >= r->s.len || r->s.s[r->at] != c)
        return false;
    r->at++;
    return true;
}

static struct match *item(struct reader *r)
{
    struct match *m = pl_arena_alloc(r->a, sizeof *m);
    size_t from = r->at;
    for (; r->at < r->s.len; r->at++) {
        char c = r->s.s[r->at];
        if (c == '=' || c == '(' || c == ')' || c == '*' || c == '\\')
            break;
    }
    m->attr = (struct pl_str){r->s.s + from, r->at - from};
    if (m->attr.len == 0 || !next_is(r, '='))
        return NULL;
    m->number = attr_number(m->attr);
    if (r->at + 1 < r->s.len && r->s.s[r->at] == '*' && r->s.s[r->at + 1] == ')') {
        r->at++;
        m->kind = '*';
        return m;
    }
    char *v = pl_arena_alloc(r->a, r->s.len - r->at + 1);
    size_t n = 0;
    while (r->at < r->s.len && r->s.s[r->at] != ')') {
        char c = r->s.s[r->at++];
        if (c == '(' || c == '*')
            return NULL; /* substrings are none of our filters */
        if (c == '\\') {
            int hi = r->at + 1 < r->s.len ? hex(r->s.s[r->at]) : -1;
            int lo = hi >= 0 ? hex(r->s.s[r->at + 1]) : -1;
            if (lo < 0)
                return NULL;
            c = (char)(hi * 16 + lo);
            r->at += 2;
        }
        v[n++] = c;
    }
    m->kind = '=';
    m->value = dir_normal(r->a, m->attr, (struct pl_str){v, n});
    return m;
}

static struct match *node(struct reader *r)
{
    if (!next_is(r, '('))
        return NULL;
    struct match *m = NULL;
    if (r->at < r->s.len && strchr("&|!", r->s.s[r->at])) {
        m = pl_arena_alloc(r->a, sizeof *m);
        m->kind = r->s.s[r->at++];
        struct match **last = &m->first;
        while (r->at < r->s.len && r->s.s[r->at] == '(') {
            *last = node(r);
            if (!*last)
                return NULL;
            last = &(*last)->next;
        }
        if (m->kind == '!' && (!m->first || m->first->next))
            return NULL;
    } else {
        m = item(r);
    }
    return m && next_is(r, ')') ? m : NULL;
}

struct match *match_parse(struct pl_arena *a, struct pl_str filter)
{
    struct reader r = {a, filter, 0};
    struct match *m = node(&r);
    return m && r.at == filter.len ? m : NULL;
}

bool match_entry(const struct match *m, const struct dir_entry *e)
{
    const struct dir_attr *at = NULL;
    switch (m->kind) {
    case '&':
        for (const struct match *o = m->first; o; o = o->next)
            if (!match_entry(o, e))
                return false;
        return true;
    case '|':
        for (const struct match *o = m->first; o; o = o->next)
            if (match_entry(o, e))
                return true;
        return false;
    case '!':
        return !match_entry(m->first, e);
    default:
        at = dir_entry_numbered(e, m->number);
        if (!at)
            return false;
        for (int i = 0; i < at->n; i++)
            if (m->kind == '*' || pl_str_eq(at->norm[i], m->value))
                return true;
        return false;
    }
}
