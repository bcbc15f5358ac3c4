#include "dn.h"

#include <stdlib.h>
#include <string.h>
#include "../base/arena.h"

/* ---- writing ---- */

/* RFC 4514 section 2.4, and '=' beyond it, so that in our output a raw ',' '+' or '=' is always a separator. */
static bool special(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f || strchr("\"+,;<>=\\", c) != NULL;
}

static void escape_byte(struct pl_buf *out, char c)
{
    pl_buf_printf(out, "\\%02X", (unsigned)(unsigned char)c);
}

void pl_dn_escape(struct pl_buf *out, struct pl_str value)
{
    for (size_t i = 0, n; i < value.len; i += n) {
        char c = value.s[i];
        bool first = i == 0, last = i + 1 == value.len;

        n = pl_str_utf8_at(value, i);
        if (n > 1) {
            pl_buf_add(out, (struct pl_str){value.s + i, n});
            continue;
        }
        if (n == 0 || special(c) || (c == '#' && first) || (c == ' ' && (first || last))) {
            escape_byte(out, c);
        } else {
            pl_buf_add_byte(out, c);
        }
        n = 1;
    }
}

/* ---- reading ---- */

struct ava {
    struct pl_buf type;
    struct pl_buf value; /* as it will be written */
};

struct rdn {
    struct ava *avas;
    size_t n, cap;
};

struct parser {
    struct pl_str dn;
    size_t at;
    struct pl_err *err;
    struct pl_buf raw; /* one value, unescaped */
};

/* The position only: a DN is personal and errors go to standard error. */
static bool refuse(struct parser *p, const char *what)
{
    return pl_err_set(p->err, PL_ERR_INPUT, 0, "write it as RFC 4514 does: cn=name,ou=unit,dc=town,dc=ee",
                      "not a distinguished name: %s at byte %zu of %zu", what, p->at, p->dn.len);
}

static bool ended(const struct parser *p)
{
    return p->at >= p->dn.len;
}

static int peek(const struct parser *p)
{
    return ended(p) ? -1 : (unsigned char)p->dn.s[p->at];
}

static void skip_spaces(struct parser *p)
{
    while (peek(p) == ' ') {
        p->at++;
    }
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool is_alpha(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int hex(int c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* numericoid: numbers without leading zeros, at least two of them. */
static bool is_oid(struct pl_str s)
{
    size_t dots = 0, start = 0;

    for (size_t i = 0; i <= s.len; i++) {
        if (i < s.len && s.s[i] != '.') {
            if (!is_digit((unsigned char)s.s[i])) {
                return false;
            }
            continue;
        }
        if (i == start || (s.s[start] == '0' && i - start > 1)) {
            return false;
        }
        dots += i < s.len;
        start = i + 1;
    }
    return dots > 0;
}

/* descr (keystring) or numericoid, in lower case. */
static bool parse_type(struct parser *p, struct pl_buf *type)
{
    size_t from = p->at;
    int c = peek(p);

    while (is_alpha(c) || is_digit(c) || c == '-' || c == '.') {
        pl_buf_add_byte(type, lower((char)c));
        p->at++;
        c = peek(p);
    }
    if (type->len == 0) {
        return refuse(p, "no attribute type");
    }
    if (is_alpha((unsigned char)type->s[0]) ? strchr(type->s, '.') != NULL : !is_oid(pl_buf_str(type))) {
        p->at = from;
        return refuse(p, "a wrong attribute type");
    }
    return true;
}

/* "#04..": the BER form. It stays what it is: decoding it would need the schema. */
static bool parse_hexstring(struct parser *p, struct pl_buf *value)
{
    size_t digits = 0;

    pl_buf_add_byte(value, '#');
    for (p->at++; hex(peek(p)) >= 0; p->at++, digits++) {
        int c = peek(p);

        pl_buf_add_byte(value, (char)(c >= 'A' && c <= 'F' ? c | 0x20 : c));
    }
    if (digits == 0 || digits % 2 != 0) {
        return refuse(p, "a wrong hexadecimal value");
    }
    return true;
}

/* After a '\': two hexadecimal digits or one of the characters that may follow it. */
static bool parse_escape(struct parser *p)
{
    int c, high, low;

    p->at++;
    c = peek(p);
    if (c > 0 && strchr("\"+,;<>=\\ #", c) != NULL) {
        pl_buf_add_byte(&p->raw, (char)c);
        p->at++;
        return true;
    }
    high = hex(c);
    if (high >= 0) {
        p->at++;
        low = hex(peek(p));
        if (low >= 0) {
            p->at++;
            pl_buf_add_byte(&p->raw, (char)(unsigned char)(high * 16 + low));
            return true;
        }
    }
    return refuse(p, "a wrong escape");
}

/* One string value up to its separator, into p->raw; spaces before the separator do not belong to it. */
static bool parse_string(struct parser *p)
{
    size_t keep = 0;

    pl_buf_clear(&p->raw);
    for (int c = peek(p); c != -1 && c != ',' && c != '+'; c = peek(p)) {
        size_t n = pl_str_utf8_at(p->dn, p->at);

        if (c == '\\') {
            if (!parse_escape(p)) {
                return false;
            }
            keep = p->raw.len;
            continue;
        }
        if (n == 0) {
            return refuse(p, "a byte that is not UTF-8 text");
        }
        if (strchr("\";<>", c) != NULL) {
            return refuse(p, "a special character without '\\'");
        }
        pl_buf_add(&p->raw, (struct pl_str){p->dn.s + p->at, n});
        p->at += n;
        keep = c == ' ' ? keep : p->raw.len;
    }
    p->raw.len = keep;
    return true;
}

/* ASCII case folded, runs of spaces made one. */
static void fold(struct pl_buf *raw)
{
    size_t n = 0;

    for (size_t i = 0; i < raw->len; i++) {
        char c = raw->s[i];

        if (c == ' ' && n > 0 && raw->s[n - 1] == ' ') {
            continue;
        }
        raw->s[n++] = lower(c);
    }
    raw->len = n;
}

static struct ava *rdn_next(struct rdn *r)
{
    if (r->n == r->cap) {
        size_t cap = r->cap == 0 ? 4 : r->cap * 2;

        r->avas = pl_xrealloc_array(r->avas, cap, sizeof(*r->avas));
        memset(r->avas + r->cap, 0, (cap - r->cap) * sizeof(*r->avas));
        r->cap = cap;
    }
    pl_buf_clear(&r->avas[r->n].type);
    pl_buf_clear(&r->avas[r->n].value);
    return &r->avas[r->n++];
}

static bool parse_ava(struct parser *p, struct rdn *r)
{
    struct ava *a = rdn_next(r);

    skip_spaces(p);
    if (!parse_type(p, &a->type)) {
        return false;
    }
    skip_spaces(p);
    if (peek(p) != '=') {
        return refuse(p, "no '='");
    }
    p->at++;
    skip_spaces(p);
    if (peek(p) == '#') {
        if (!parse_hexstring(p, &a->value)) {
            return false;
        }
        skip_spaces(p);
    } else {
        if (!parse_string(p)) {
            return false;
        }
        fold(&p->raw);
        pl_dn_escape(&a->value, pl_buf_str(&p->raw));
    }
    if (!ended(p) && peek(p) != ',' && peek(p) != '+') {
        return refuse(p, "no separator");
    }
    return true;
}

static int ava_cmp(const void *a, const void *b)
{
    const struct ava *x = a, *y = b;
    int d = pl_str_cmp(pl_buf_str(&x->type), pl_buf_str(&y->type));

    return d != 0 ? d : pl_str_cmp(pl_buf_str(&x->value), pl_buf_str(&y->value));
}

static void rdn_write(struct rdn *r, struct pl_buf *out)
{
    qsort(r->avas, r->n, sizeof(*r->avas), ava_cmp);
    for (size_t i = 0; i < r->n; i++) {
        if (i > 0) {
            pl_buf_add_byte(out, '+');
        }
        pl_buf_add(out, pl_buf_str(&r->avas[i].type));
        pl_buf_add_byte(out, '=');
        pl_buf_add(out, pl_buf_str(&r->avas[i].value));
    }
}

static void rdn_free(struct rdn *r)
{
    for (size_t i = 0; i < r->cap; i++) {
        pl_buf_free(&r->avas[i].type);
        pl_buf_free(&r->avas[i].value);
    }
    free(r->avas);
}

static bool normal_of_any(struct pl_buf *out, struct pl_str dn, struct pl_err *err)
{
    struct parser p = {.dn = dn, .err = err};
    struct rdn r = {0};
    size_t start = out->len;
    bool ok = false;

    for (;;) {
        if (!parse_ava(&p, &r)) {
            goto out;
        }
        if (peek(&p) == '+') {
            p.at++;
            continue;
        }
        rdn_write(&r, out);
        r.n = 0;
        if (ended(&p)) {
            break;
        }
        p.at++;
        pl_buf_add_byte(out, ',');
    }
    ok = true;
out:
    if (!ok && out->s != NULL) { /* nothing half-written stays behind */
        out->len = start;
        out->s[start] = '\0';
    }
    rdn_free(&r);
    pl_buf_free(&p.raw);
    return ok;
}

/* ---- nearly every DN is as plain as its normal form: a full compare sees a million of them ---- */

enum { PLAIN_MAX = 512 }; /* bytes; longer ones are rare */

/* One "type=" in front of a value; where the value begins, or 0. An OID is for the parser. */
static size_t plain_type(struct pl_str dn, size_t at, char *to)
{
    size_t from = at;

    for (; at < dn.len && dn.s[at] != '='; at++) {
        if (!is_alpha((unsigned char)dn.s[at]) &&
            (at == from || (!is_digit((unsigned char)dn.s[at]) && dn.s[at] != '-'))) {
            return 0;
        }
        to[at] = lower(dn.s[at]);
    }
    if (at == from || at == dn.len) {
        return 0;
    }
    to[at] = '=';
    return at + 1;
}

/* Bytes of a character that is written as it is, 0: it is none. */
static size_t plain_char(struct pl_str dn, size_t at)
{
    unsigned char c = (unsigned char)dn.s[at];
    size_t n = 1;

    if (is_alpha(c) || is_digit(c)) { /* most are */
        return 1;
    }
    switch (c) {
    case '"':
    case '+':
    case ';':
    case '<':
    case '=':
    case '>':
    case '\\':
    case 0x7f:
        return 0;
    default:
        if (c >= 0x80) {
            n = pl_str_utf8_at(dn, at);
        }
        return c < 0x20 ? 0 : n;
    }
}

/* A value in which nothing is escaped, nothing would be, and each space stands alone between two other characters. Where
 * it ends: at a ',' or at the end of the DN; SIZE_MAX: not plain. */
static size_t plain_value(struct pl_str dn, size_t at, char *to)
{
    char before = ' ';

    if (at < dn.len && dn.s[at] == '#') {
        return SIZE_MAX;
    }
    for (; at < dn.len && dn.s[at] != ','; at++) {
        size_t n = plain_char(dn, at);

        if (n == 0 || (dn.s[at] == ' ' && before == ' ')) {
            return SIZE_MAX;
        }
        before = dn.s[at];
        to[at] = lower(before);
        for (; n > 1; n--) {
            at++;
            to[at] = dn.s[at];
        }
    }
    return before == ' ' ? SIZE_MAX : at;
}

/* Writes the normal form, which has as many bytes, to `to`. False: the parser has to look. */
static bool normal_of_plain(struct pl_str dn, char *to)
{
    for (size_t at = 0; at < dn.len; at++) {
        at = plain_type(dn, at, to);
        at = at == 0 ? SIZE_MAX : plain_value(dn, at, to);
        if (at == SIZE_MAX) {
            return false;
        }
        if (at == dn.len) {
            return true;
        }
        to[at] = ',';
    }
    return false; /* it ends with a ',' */
}

bool pl_dn_normal(struct pl_buf *out, struct pl_str dn, struct pl_err *err)
{
    char plain[PLAIN_MAX];

    if (dn.len == 0) {
        return true;
    }
    if (dn.len > PLAIN_MAX || !normal_of_plain(dn, plain)) {
        return normal_of_any(out, dn, err);
    }
    pl_buf_add(out, (struct pl_str){plain, dn.len});
    return true;
}

/* ---- comparing ---- */

uint64_t pl_dn_hash(struct pl_str dn)
{
    struct pl_buf normal = {0};
    char plain[PLAIN_MAX];
    uint64_t h;

    if (dn.len <= PLAIN_MAX && normal_of_plain(dn, plain)) {
        return pl_str_hash((struct pl_str){plain, dn.len});
    }
    h = pl_dn_normal(&normal, dn, NULL) ? pl_str_hash(pl_buf_str(&normal)) : pl_str_hash(dn);
    pl_buf_free(&normal);
    return h;
}

bool pl_dn_equal(struct pl_str a, struct pl_str b)
{
    struct pl_buf x = {0}, y = {0};
    char plain_a[PLAIN_MAX], plain_b[PLAIN_MAX];
    bool equal;

    if (a.len == b.len && a.len > 0 && a.len <= PLAIN_MAX && normal_of_plain(a, plain_a) &&
        normal_of_plain(b, plain_b)) {
        return memcmp(plain_a, plain_b, a.len) == 0;
    }
    equal = pl_dn_normal(&x, a, NULL) && pl_dn_normal(&y, b, NULL) && pl_str_eq(pl_buf_str(&x), pl_buf_str(&y));
    pl_buf_free(&x);
    pl_buf_free(&y);
    return equal;
}

bool pl_dn_under(struct pl_str dn, struct pl_str base)
{
    struct pl_buf x = {0}, y = {0};
    bool under = false;

    if (!pl_dn_normal(&x, dn, NULL) || !pl_dn_normal(&y, base, NULL) || x.len < y.len) {
        goto out;
    }
    /* A raw ',' of a normal form is a separator: inside values it is \2C. */
    under = memcmp(pl_buf_str(&x).s + (x.len - y.len), pl_buf_str(&y).s, y.len) == 0 &&
            (x.len == y.len || y.len == 0 || x.s[x.len - y.len - 1] == ',');
out:
    pl_buf_free(&x);
    pl_buf_free(&y);
    return under;
}

struct pl_str pl_dn_parent(struct pl_str dn)
{
    for (size_t i = 0; i < dn.len; i++) {
        if (dn.s[i] == '\\')
            i++;
        else if (dn.s[i] == ',')
            return (struct pl_str){dn.s + i + 1, dn.len - i - 1};
    }
    return (struct pl_str){"", 0};
}

static bool is_dc(struct pl_str dn)
{
    while (dn.len > 0 && dn.s[0] == ' ') {
        dn.s++;
        dn.len--;
    }
    if (dn.len < 3 || !pl_str_ieq_c((struct pl_str){dn.s, 2}, "dc")) {
        return false;
    }
    for (size_t i = 2; i < dn.len && (dn.s[i] == ' ' || dn.s[i] == '='); i++) {
        if (dn.s[i] == '=') {
            return true;
        }
    }
    return false;
}

struct pl_str pl_dn_domain(struct pl_str dn)
{
    struct pl_str domain = {"", 0};

    for (struct pl_str at = dn; at.len > 0; at = pl_dn_parent(at)) {
        if (!is_dc(at)) {
            domain = (struct pl_str){"", 0};
        } else if (domain.len == 0) {
            domain = at;
        }
    }
    return domain;
}
