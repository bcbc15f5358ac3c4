#include "str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arena.h"

/* tolower() asks the locale; a Turkish one would make 'I' something else. */
static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool pl_str_ieq(struct pl_str a, struct pl_str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (a.s[i] != b.s[i] && lower(a.s[i]) != lower(b.s[i])) {
            return false;
        }
    }
    return true;
}

int pl_str_cmp(struct pl_str a, struct pl_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int d = n == 0 ? 0 : memcmp(a.s, b.s, n);

    if (d != 0) {
        return d < 0 ? -1 : 1;
    }
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

uint64_t pl_str_hash(struct pl_str a)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < a.len; i++) {
        h ^= (unsigned char)a.s[i];
        h *= UINT64_C(0x100000001b3);
    }
    return h;
}

uint64_t pl_str_ihash(struct pl_str a)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < a.len; i++) {
        unsigned char c = (unsigned char)a.s[i];
        h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 1099511628211u;
    }
    return a.len ? h | 1 : 0;
}

/* Length of the UTF-8 sequence at s, 0 when it is none. The bounds of the second byte are those of Unicode table 3-7:
 * they shut out overlong forms, surrogates and everything above U+10FFFF. */
static size_t sequence(const unsigned char *s, size_t left)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t n;

    if (s[0] >= 0x01 && s[0] <= 0x7f) {
        return 1;
    }
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        n = 2;
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        n = 3;
        low = s[0] == 0xe0 ? 0xa0 : low;
        high = s[0] == 0xed ? 0x9f : high;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        n = 4;
        low = s[0] == 0xf0 ? 0x90 : low;
        high = s[0] == 0xf4 ? 0x8f : high;
    } else {
        return 0;
    }
    if (left < n || s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

size_t pl_str_utf8_at(struct pl_str a, size_t at)
{
    return at >= a.len ? 0 : sequence((const unsigned char *)a.s + at, a.len - at);
}

/* Eight bytes, none of them NUL or beyond ASCII. A byte that is 0 borrows from its highest bit. */
static bool eight_ascii(const char *s)
{
    const uint64_t high = UINT64_C(0x8080808080808080), ones = UINT64_C(0x0101010101010101);
    uint64_t v;

    memcpy(&v, s, sizeof(v));
    return ((v | (v - ones)) & high) == 0;
}

bool pl_str_is_utf8(struct pl_str a)
{
    size_t from = 0;

    while (a.len - from >= 8 && eight_ascii(a.s + from)) {
        from += 8;
    }
    for (size_t i = from, n; i < a.len; i += n) {
        n = (signed char)a.s[i] > 0 ? 1 : pl_str_utf8_at(a, i);
        if (n == 0) {
            return false;
        }
    }
    return true;
}

bool pl_str_to_i64(struct pl_str a, int64_t *out)
{
    bool negative = a.len > 0 && a.s[0] == '-';
    int64_t v = 0;

    if (a.len == (negative ? 1u : 0u)) {
        return false;
    }
    /* Counted downwards: INT64_MIN has no positive counterpart. */
    for (size_t i = negative ? 1 : 0; i < a.len; i++) {
        if (a.s[i] < '0' || a.s[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_sub_overflow(v, (int64_t)(a.s[i] - '0'), &v)) {
            return false;
        }
    }
    if (!negative && v == INT64_MIN) {
        return false;
    }
    *out = negative ? v : -v;
    return true;
}

static void grow(struct pl_buf *b, size_t n)
{
    size_t need, cap = b->cap == 0 ? 64 : b->cap;

    if (__builtin_add_overflow(b->len, n, &need) || __builtin_add_overflow(need, 1u, &need)) {
        need = SIZE_MAX; /* cannot be had: ends the process with the usual message */
    }
    while (cap < need) {
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    }
    b->s = pl_xrealloc_array(b->s, cap, 1);
    b->cap = cap;
}

/* Room for n more bytes and the NUL. */
static void reserve(struct pl_buf *b, size_t n)
{
    if (n >= b->cap - b->len) { /* len is below cap, or both are 0 */
        grow(b, n);
    }
}

void pl_buf_add(struct pl_buf *b, struct pl_str s)
{
    reserve(b, s.len);
    if (s.len > 0) {
        memcpy(b->s + b->len, s.s, s.len);
    }
    b->len += s.len;
    b->s[b->len] = '\0';
}

void pl_buf_add_c(struct pl_buf *b, const char *s)
{
    pl_buf_add(b, pl_str_c(s));
}

void pl_buf_add_byte(struct pl_buf *b, char c)
{
    reserve(b, 1);
    b->s[b->len++] = c;
    b->s[b->len] = '\0';
}

void pl_buf_printf(struct pl_buf *b, const char *fmt, ...)
{
    va_list ap;
    size_t room = b->cap - b->len;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(b->s == NULL ? NULL : b->s + b->len, room, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n >= room) { /* cut short: once more, with room for all of it */
        reserve(b, (size_t)n);
        va_start(ap, fmt);
        (void)vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    if (n >= 0) {
        b->len += (size_t)n;
    } else if (b->s != NULL) {
        b->s[b->len] = '\0';
    }
}

struct pl_str pl_buf_str(const struct pl_buf *b)
{
    return (struct pl_str){b->s == NULL ? "" : b->s, b->len};
}

void pl_buf_clear(struct pl_buf *b)
{
    b->len = 0;
    if (b->s != NULL) {
        b->s[0] = '\0';
    }
}

void pl_buf_free(struct pl_buf *b)
{
    free(b->s);
    *b = (struct pl_buf){0};
}
