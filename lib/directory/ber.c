#include "ber.h"

bool pl_ber_next(struct pl_str *in, unsigned char *tag, struct pl_str *contents)
{
    const unsigned char *p = (const unsigned char *)in->s;
    size_t at = 2, len;
    if (in->len < 2 || (p[0] & 0x1f) == 0x1f)
        return false;
    len = p[1];
    if (len & 0x80) {
        size_t n = len & 0x7f;
        if (n == 0 || n > sizeof(size_t) || n > in->len - 2)
            return false; /* indefinite, or more than there can be */
        len = 0;
        for (size_t i = 0; i < n; i++) /* leading zeros are BER, though not DER; no bit can fall out on the left */
            len = len << 8 | p[at++];
    }
    if (len > in->len - at)
        return false;
    *tag = p[0];
    *contents = (struct pl_str){in->s + at, len};
    *in = (struct pl_str){in->s + at + len, in->len - at - len};
    return true;
}

bool pl_ber_take(struct pl_str *in, unsigned char tag, struct pl_str *contents)
{
    struct pl_str rest = *in, inside;
    unsigned char got;
    if (!pl_ber_next(&rest, &got, &inside) || got != tag)
        return false;
    *contents = inside;
    *in = rest;
    return true;
}

bool pl_ber_whole(struct pl_str value, unsigned char tag, struct pl_str *contents)
{
    return pl_ber_take(&value, tag, contents) && value.len == 0;
}

bool pl_ber_tail_ok(struct pl_str rest)
{
    unsigned char tag;
    struct pl_str contents;
    while (rest.len > 0)
        if (!pl_ber_next(&rest, &tag, &contents) || (tag & 0xc0) == 0)
            return false;
    return true;
}

bool pl_ber_bool(struct pl_str contents, bool *out)
{
    if (contents.len != 1)
        return false;
    *out = contents.s[0] != 0;
    return true;
}

bool pl_ber_small(struct pl_str contents, unsigned *out)
{
    const unsigned char *p = (const unsigned char *)contents.s;
    if (contents.len < 1 || contents.len > 2 || p[0] & 0x80)
        return false;
    *out = contents.len == 1 ? p[0] : (unsigned)p[0] << 8 | p[1];
    return true;
}

void pl_ber_put(struct pl_buf *out, unsigned char tag, struct pl_str contents)
{
    pl_buf_add_byte(out, (char)tag);
    if (contents.len < 0x80) {
        pl_buf_add_byte(out, (char)contents.len);
    } else {
        size_t n = 1;
        while (n < sizeof(size_t) && contents.len >> (8 * n))
            n++;
        pl_buf_add_byte(out, (char)(0x80 | n));
        while (n-- > 0)
            pl_buf_add_byte(out, (char)(contents.len >> (8 * n) & 0xff));
    }
    pl_buf_add(out, contents);
}
