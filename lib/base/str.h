/* Byte slices and a growing buffer. A slice is length-aware and need not be terminated: values from HR and from a
 * directory may hold NUL bytes. */
#ifndef PL_BASE_STR_H
#define PL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct pl_str {
    const char *s; /* not owned; may be NULL when len is 0 */
    size_t len;    /* bytes */
};

#define PL_STR(literal) ((struct pl_str){(literal), sizeof(literal) - 1})

/* Here and not in str.c: these are called everywhere, and lengths of literals are known to the compiler. */
static inline struct pl_str pl_str_c(const char *s) /* NULL gives the empty slice */
{
    return s == NULL ? (struct pl_str){0} : (struct pl_str){s, strlen(s)};
}

static inline bool pl_str_eq(struct pl_str a, struct pl_str b)
{
    return a.len == b.len && (a.len == 0 || (a.s[0] == b.s[0] && memcmp(a.s, b.s, a.len) == 0));
}

static inline bool pl_str_eq_c(struct pl_str a, const char *b)
{
    bool other = a.len > 0 && b != NULL && a.s[0] != b[0]; /* most are: their lengths need not be known */
    return !other && pl_str_eq(a, pl_str_c(b));
}

bool pl_str_ieq(struct pl_str a, struct pl_str b); /* ASCII letters compared without case, in no locale */

static inline bool pl_str_ieq_c(struct pl_str a, const char *b)
{
    struct pl_str s = pl_str_c(b);
    return a.len == s.len && pl_str_ieq(a, s);
}

int pl_str_cmp(struct pl_str a, struct pl_str b); /* bytes, shorter first */
uint64_t pl_str_hash(struct pl_str a);            /* FNV-1a; not for secrets, not against an adversary */
uint64_t pl_str_ihash(struct pl_str a); /* the same of ASCII letters without case; 0 for the empty slice only */
bool pl_str_is_utf8(struct pl_str a);   /* strict: no surrogates, no overlong forms, no NUL */
size_t pl_str_utf8_at(struct pl_str a, size_t at); /* bytes of the character there, 0 when it is none by those rules */
bool pl_str_to_i64(struct pl_str a, int64_t *out); /* the whole slice is one decimal number in range, or false */

/* A growing byte buffer; the bytes are always followed by a NUL that len does not count. */
struct pl_buf {
    char *s;
    size_t len, cap;
};

void pl_buf_add(struct pl_buf *b, struct pl_str s);
void pl_buf_add_c(struct pl_buf *b, const char *s);
void pl_buf_add_byte(struct pl_buf *b, char c);
void pl_buf_printf(struct pl_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3), nonnull(2)));
struct pl_str pl_buf_str(const struct pl_buf *b); /* borrowed until the next change */
void pl_buf_clear(struct pl_buf *b);              /* keeps the memory */
void pl_buf_free(struct pl_buf *b);               /* ready for reuse afterwards */

#endif
