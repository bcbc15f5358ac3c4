#include "dirsync.h"

#include <string.h>
#include "ber.h"

/* LDAP_DIRSYNC_OBJECT_SECURITY and LDAP_DIRSYNC_INCREMENTAL_VALUES: the second is the highest bit of a signed integer. */
#define FLAGS PL_STR("\x80\x00\x00\x01")
/* Octets in one answer. Windows takes less than this for this. */
#define ANSWER_SIZE PL_STR("\x10\x00\x00")

enum { COOKIE_MAX = 1 << 20, NUMBER_MAX = 8 };

void pl_dirsync_request(struct pl_buf *out, struct pl_str cookie)
{
    struct pl_buf in = {0};

    pl_ber_put(&in, PL_BER_INTEGER, FLAGS);
    pl_ber_put(&in, PL_BER_INTEGER, ANSWER_SIZE);
    pl_ber_put(&in, PL_BER_OCTETS, cookie);
    pl_ber_put(out, PL_BER_SEQUENCE, pl_buf_str(&in));
    pl_buf_free(&in);
}

/* Any number of octets, as some encoders write 0 in four. */
static bool is_number(struct pl_str contents, bool *not_zero)
{
    *not_zero = false;
    for (size_t i = 0; i < contents.len; i++) {
        *not_zero = *not_zero || contents.s[i] != 0;
    }
    return contents.len > 0 && contents.len <= NUMBER_MAX;
}

bool pl_dirsync_answer_read(struct pl_dirsync_answer *out, struct pl_str value)
{
    struct pl_str in, more, unused;
    bool any;

    return pl_ber_whole(value, PL_BER_SEQUENCE, &in) && pl_ber_take(&in, PL_BER_INTEGER, &more) &&
           is_number(more, &out->more) && pl_ber_take(&in, PL_BER_INTEGER, &unused) && is_number(unused, &any) &&
           pl_ber_take(&in, PL_BER_OCTETS, &out->cookie) && out->cookie.len > 0 && out->cookie.len <= COOKIE_MAX &&
           pl_ber_tail_ok(in);
}

enum pl_dirsync_values pl_dirsync_values_of(struct pl_str attribute)
{
    const char *semicolon = attribute.len == 0 ? NULL : memchr(attribute.s, ';', attribute.len);
    struct pl_str option;

    if (semicolon == NULL) {
        return PL_DIRSYNC_VALUES;
    }
    option = (struct pl_str){semicolon + 1, attribute.len - (size_t)(semicolon + 1 - attribute.s)};
    return pl_str_ieq_c(option, "range=1-1")   ? PL_DIRSYNC_CAME
           : pl_str_ieq_c(option, "range=0-0") ? PL_DIRSYNC_WENT
                                               : PL_DIRSYNC_VALUES;
}

/* ---- how far we have seen ---- */

#define BY_COOKIE "dirsync:"
#define BY_USN    "usn:"

void pl_place_print(struct pl_buf *out, const struct pl_place *p)
{
    pl_buf_add_c(out, p->by_usn ? BY_USN : BY_COOKIE);
    pl_buf_add(out, p->server);
    pl_buf_printf(out, p->by_usn ? ":%lld" : ":%lld:", (long long)p->usn);
    for (size_t i = 0; !p->by_usn && i < p->cookie.len; i++) {
        pl_buf_printf(out, "%02x", (unsigned)(unsigned char)p->cookie.s[i]);
    }
}

static bool skip(struct pl_str *text, const char *word)
{
    size_t n = strlen(word);

    if (text->len < n || memcmp(text->s, word, n) != 0) {
        return false;
    }
    *text = (struct pl_str){text->s + n, text->len - n};
    return true;
}

/* Lower case only: what we write ourselves. */
static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool octets(struct pl_buf *room, struct pl_str text)
{
    pl_buf_clear(room);
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        int high = digit(text.s[i]), low = digit(text.s[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        pl_buf_add_byte(room, (char)(high << 4 | low));
    }
    return text.len > 0 && text.len % 2 == 0;
}

/* What stands before the next ':', which must be there. */
static bool part(struct pl_str *text, struct pl_str *out)
{
    const char *colon = text->len == 0 ? NULL : memchr(text->s, ':', text->len);

    if (colon == NULL || colon == text->s) {
        return false;
    }
    *out = (struct pl_str){text->s, (size_t)(colon - text->s)};
    *text = (struct pl_str){colon + 1, text->len - out->len - 1};
    return true;
}

bool pl_place_parse(struct pl_place *p, struct pl_buf *room, struct pl_str text)
{
    struct pl_str number;

    *p = (struct pl_place){0};
    p->by_usn = skip(&text, BY_USN);
    if (!p->by_usn && !skip(&text, BY_COOKIE)) {
        return false;
    }
    if (!part(&text, &p->server)) {
        return false;
    }
    number = text;
    if (!p->by_usn && !part(&text, &number)) {
        return false;
    }
    if (!pl_str_to_i64(number, &p->usn) || p->usn < 0) {
        return false;
    }
    if (p->by_usn) {
        return true;
    }
    if (!octets(room, text)) {
        return false;
    }
    p->cookie = pl_buf_str(room);
    return true;
}
