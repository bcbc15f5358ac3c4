#include "cookie.h"

#include <assert.h>
#include <string.h>

void pl_cookie_clear(struct pl_cookie *c)
{
    memset(c, 0, sizeof *c);
}

/* Of text[*at], up to and without `end`. */
static struct pl_str part(struct pl_str text, size_t *at, char end)
{
    size_t from = *at;
    const char *stop = memchr(text.s + from, end, text.len - from);
    size_t to = stop ? (size_t)(stop - text.s) : text.len;
    *at = stop ? to + 1 : text.len;
    return (struct pl_str){text.s + from, to - from};
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* d: a decimal digit, h: a hexadecimal one in lower case, as slapd writes it. The width is fixed, or comparing as text
 * would mean nothing. CSNs of OpenLDAP 2.3 had no fraction: with such a server every reconnect is a full refresh. */
static const char shape[] = "dddddddddddddd.ddddddZ#hhhhhh#hhh#hhhhhh";
enum { SID_AT = 30 };
static_assert(sizeof shape == PL_CSN_LEN + 1 && PL_CSN_LEN < PL_CSN_MAX, "a CSN fits");

static bool csn_read(struct pl_str csn, unsigned *sid)
{
    if (csn.len != PL_CSN_LEN)
        return false;
    for (size_t i = 0; i < PL_CSN_LEN; i++) {
        int v = digit(csn.s[i]);
        if (shape[i] == 'd' ? v < 0 || v > 9 : shape[i] == 'h' ? v < 0 : csn.s[i] != shape[i])
            return false;
    }
    *sid = 0;
    for (size_t i = SID_AT; i < SID_AT + 3; i++)
        *sid = *sid << 4 | (unsigned)digit(csn.s[i]);
    return true;
}

static bool keep(struct pl_cookie *c, unsigned sid, struct pl_str csn)
{
    size_t i = 0;
    while (i < c->n && c->csn[i].sid < sid)
        i++;
    if (i == c->n || c->csn[i].sid != sid) {
        if (c->n == PL_COOKIE_SERVERS)
            return false;
        memmove(&c->csn[i + 1], &c->csn[i], (c->n - i) * sizeof c->csn[0]);
        memset(&c->csn[i], 0, sizeof c->csn[i]);
        c->csn[i].sid = sid;
        c->n++;
    }
    if (pl_str_cmp(csn, pl_str_c(c->csn[i].csn)) > 0) {
        memset(c->csn[i].csn, 0, PL_CSN_MAX);
        memcpy(c->csn[i].csn, csn.s, csn.len);
    }
    return true;
}

static bool parse_csns(struct pl_cookie *c, struct pl_str list)
{
    for (size_t at = 0; at < list.len;) {
        struct pl_str csn = part(list, &at, ';');
        unsigned sid;
        if (csn.len == 0)
            continue;
        if (!csn_read(csn, &sid) || !keep(c, sid, csn))
            return false;
    }
    return c->n > 0;
}

bool pl_cookie_parse(struct pl_cookie *c, struct pl_str text)
{
    pl_cookie_clear(c);
    for (size_t at = 0; at < text.len;) {
        struct pl_str p = part(text, &at, ',');
        if (p.len < 4 || memcmp(p.s, "csn=", 4) != 0)
            continue;
        if (parse_csns(c, (struct pl_str){p.s + 4, p.len - 4}))
            return true;
        break;
    }
    pl_cookie_clear(c);
    return false;
}

bool pl_cookie_merge(struct pl_cookie *c, const struct pl_cookie *news)
{
    bool all = true;
    for (size_t i = 0; i < news->n; i++)
        all = keep(c, news->csn[i].sid, pl_str_c(news->csn[i].csn)) && all;
    return all;
}

void pl_cookie_print(struct pl_buf *out, const struct pl_cookie *c)
{
    pl_buf_printf(out, "rid=%03d", PL_COOKIE_RID);
    for (size_t i = 0; i < c->n; i++)
        pl_buf_printf(out, "%s%s", i ? ";" : ",csn=", c->csn[i].csn);
}

enum pl_cookie_order pl_cookie_compare(const struct pl_cookie *a, const struct pl_cookie *b)
{
    bool older = false, newer = false;
    size_t i = 0, k = 0;
    while (i < a->n || k < b->n) {
        int by_sid = i == a->n                       ? 1
                     : k == b->n                     ? -1
                     : a->csn[i].sid < b->csn[k].sid ? -1
                                                     : a->csn[i].sid > b->csn[k].sid;
        int by_csn = by_sid ? 0 : strcmp(a->csn[i].csn, b->csn[k].csn);
        older = older || by_sid > 0 || by_csn < 0;
        newer = newer || by_sid < 0 || by_csn > 0;
        i += by_sid <= 0;
        k += by_sid >= 0;
    }
    return older && newer ? PL_COOKIE_DIVERGED : older ? PL_COOKIE_OLDER : newer ? PL_COOKIE_NEWER : PL_COOKIE_SAME;
}
