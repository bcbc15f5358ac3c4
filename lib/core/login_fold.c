#include "login_fold.h"

#include <stdlib.h>
#include <utf8proc.h>
#include "../base/arena.h"
#include "login.h"

/* The letters of Estonian names, and those that do not fall apart into a letter and a mark. Sorted by code point. */
static const struct {
    utf8proc_int32_t from;
    const char *to;
} letters[] = {
    {0x00c4, "a"},  /* Ä */
    {0x00c6, "ae"}, /* Æ */
    {0x00d0, "d"},  /* Ð */
    {0x00d5, "o"},  /* Õ */
    {0x00d6, "o"},  /* Ö */
    {0x00d8, "o"},  /* Ø */
    {0x00dc, "u"},  /* Ü */
    {0x00de, "th"}, /* Þ */
    {0x00df, "ss"}, /* ß */
    {0x00e4, "a"},  /* ä */
    {0x00e6, "ae"}, /* æ */
    {0x00f0, "d"},  /* ð */
    {0x00f5, "o"},  /* õ */
    {0x00f6, "o"},  /* ö */
    {0x00f8, "o"},  /* ø */
    {0x00fc, "u"},  /* ü */
    {0x00fe, "th"}, /* þ */
    {0x0110, "d"},  /* Đ */
    {0x0111, "d"},  /* đ */
    {0x0126, "h"},  /* Ħ */
    {0x0127, "h"},  /* ħ */
    {0x0131, "i"},  /* ı */
    {0x0141, "l"},  /* Ł */
    {0x0142, "l"},  /* ł */
    {0x014a, "n"},  /* Ŋ */
    {0x014b, "n"},  /* ŋ */
    {0x0152, "oe"}, /* Œ */
    {0x0153, "oe"}, /* œ */
    {0x0160, "s"},  /* Š */
    {0x0161, "s"},  /* š */
    {0x0166, "t"},  /* Ŧ */
    {0x0167, "t"},  /* ŧ */
    {0x017d, "z"},  /* Ž */
    {0x017e, "z"},  /* ž */
    {0x018f, "e"},  /* Ə, as in passports (ICAO 9303) */
    {0x0259, "e"},  /* ə */
    {0x1e9e, "ss"}, /* capital ß */
};

static const char *letter(utf8proc_int32_t c)
{
    size_t low = 0, high = sizeof letters / sizeof letters[0];

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (letters[mid].from == c)
            return letters[mid].to;
        if (letters[mid].from < c)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* What people type for an apostrophe and Unicode does not call punctuation. */
static bool apostrophe(utf8proc_int32_t c)
{
    return c == '`' || c == 0x00b4 || (c >= 0x02b9 && c <= 0x02bd);
}

/* '-' only between two letters: a name may not begin with it, and the end is cut by the caller. */
static void separate(struct pl_buf *out, size_t start)
{
    if (out->len > start && out->s[out->len - 1] != '-')
        pl_buf_add_byte(out, '-');
}

/* One code point that has no compatibility decomposition. False when it has no place in a name. */
static bool fold_one(struct pl_buf *out, size_t start, utf8proc_int32_t c)
{
    const char *to = letter(c);

    if (to) {
        pl_buf_add_c(out, to);
        return true;
    }
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
        pl_buf_add_byte(out, (char)c);
        return true;
    }
    if (c >= 'A' && c <= 'Z') {
        pl_buf_add_byte(out, (char)(c + ('a' - 'A')));
        return true;
    }
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_ZS: /* spaces */
    case UTF8PROC_CATEGORY_PD: /* dashes */
    case UTF8PROC_CATEGORY_PC: /* '_' */
        separate(out, start);
        return true;
    case UTF8PROC_CATEGORY_MN: /* the marks of letters that fell apart */
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_PS: /* all other punctuation: . ' ( ) and quotation marks */
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
        return true;
    default:
        return apostrophe(c);
    }
}

static bool fold_point(struct pl_buf *out, size_t start, utf8proc_int32_t c)
{
    utf8proc_int32_t parts[32]; /* the longest decomposition of Unicode has 18 */
    utf8proc_ssize_t n;
    int boundary = 0;

    if (letter(c) || apostrophe(c))
        return fold_one(out, start, c);
    n = utf8proc_decompose_char(c, parts, 32, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &boundary);
    if (n < 0 || n > 32)
        return false;
    for (utf8proc_ssize_t i = 0; i < n; i++)
        if (!fold_one(out, start, parts[i]))
            return false;
    return true;
}

static bool not_utf8(const char *what, struct pl_err *err)
{
    return pl_err_set(err, PL_ERR_INPUT, 0, "Correct the encoding of the personnel records.",
                      "the %s is not UTF-8 text", what);
}

bool pl_login_fold(struct pl_buf *out, struct pl_str name, const char *what, struct pl_err *err)
{
    size_t start = out->len;

    if (!pl_str_is_utf8(name))
        return not_utf8(what, err);
    for (size_t i = 0; i < name.len;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n =
            utf8proc_iterate((const utf8proc_uint8_t *)name.s + i, (utf8proc_ssize_t)(name.len - i), &c);

        if (n <= 0)
            return not_utf8(what, err);
        i += (size_t)n;
        if (!fold_point(out, start, c))
            return pl_err_set(err, PL_ERR_INPUT, 0, "The personnel records must have the legal form in Latin letters.",
                              "the %s holds U+%04X, which is not a Latin letter", what, (unsigned)c);
    }
    if (out->len > start && out->s[out->len - 1] == '-')
        out->s[--out->len] = '\0';
    if (out->len == start)
        return pl_err_set(err, PL_ERR_INPUT, 0, "The personnel records must have both names.", "the %s has no letters",
                          what);
    return true;
}

/* The whole log-in with all its signs; only letters beyond ASCII are folded. What cannot be folded stays as it is. */
static void fold_login(struct pl_buf *out, struct pl_str login)
{
    for (size_t i = 0; i < login.len;) {
        utf8proc_int32_t c = (unsigned char)login.s[i];
        utf8proc_ssize_t n = 1;
        size_t before = out->len;

        if (c >= 0x80)
            n = utf8proc_iterate((const utf8proc_uint8_t *)login.s + i, (utf8proc_ssize_t)(login.len - i), &c);
        if (n > 0 && c < 0x80) {
            pl_buf_add_byte(out, (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
        } else if (n <= 0 || !fold_point(out, before, c)) {
            n = n > 0 ? n : 1;
            out->len = before; /* what was folded of it */
            pl_buf_add(out, (struct pl_str){login.s + i, (size_t)n});
        }
        i += (size_t)n;
    }
}

bool pl_login_same(struct pl_str a, struct pl_str b)
{
    struct pl_buf x = {0}, y = {0};
    bool same;

    fold_login(&x, a);
    fold_login(&y, b);
    same = pl_str_eq(pl_buf_str(&x), pl_buf_str(&y));
    pl_buf_free(&x);
    pl_buf_free(&y);
    return same;
}

bool pl_name_nfc(struct pl_buf *out, struct pl_str name, struct pl_err *err)
{
    const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD;
    const utf8proc_uint8_t *s = (const utf8proc_uint8_t *)name.s;
    utf8proc_ssize_t len = (utf8proc_ssize_t)name.len, n;
    utf8proc_int32_t *points;

    if (!pl_str_is_utf8(name))
        return not_utf8("name", err);
    if (name.len == 0)
        return true;
    n = utf8proc_decompose(s, len, NULL, 0, options);
    if (n < 0)
        return not_utf8("name", err);
    points = pl_xcalloc((size_t)n + 1, sizeof *points); /* the bytes come into the same memory, and a NUL after them */
    n = utf8proc_decompose(s, len, points, n, options);
    n = n < 0 ? n : utf8proc_reencode(points, n, options);
    if (n > 0)
        pl_buf_add(out, (struct pl_str){(const char *)points, (size_t)n});
    free(points);
    return n >= 0 ? true : not_utf8("name", err);
}
