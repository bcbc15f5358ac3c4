#include "sync.h"

#include <string.h>
#include "ber.h"

enum {
    TAG_NEW_COOKIE = 0x80,
    TAG_REFRESH_DELETE = 0xa1,
    TAG_REFRESH_PRESENT = 0xa2,
    TAG_ID_SET = 0xa3,
    TAG_ENTRY = 0x64
};

static struct pl_str empty(void)
{
    return (struct pl_str){"", 0};
}

void pl_sync_request(struct pl_buf *out, enum pl_sync_mode mode, struct pl_str cookie, bool reload_hint)
{
    struct pl_buf in = {0};
    char m = (char)mode;
    pl_ber_put(&in, PL_BER_ENUMERATED, (struct pl_str){&m, 1});
    if (cookie.len)
        pl_ber_put(&in, PL_BER_OCTETS, cookie);
    if (reload_hint)
        pl_ber_put(&in, PL_BER_BOOLEAN, PL_STR("\xff"));
    pl_ber_put(out, PL_BER_SEQUENCE, pl_buf_str(&in));
    pl_buf_free(&in);
}

/* cookie syncCookie OPTIONAL */
static struct pl_str take_cookie(struct pl_str *in)
{
    struct pl_str cookie;
    return pl_ber_take(in, PL_BER_OCTETS, &cookie) ? cookie : empty();
}

/* A BOOLEAN that may be left out. False: there is one, and it is malformed. */
static bool take_bool(struct pl_str *in, bool *out)
{
    struct pl_str v;
    return !pl_ber_take(in, PL_BER_BOOLEAN, &v) || pl_ber_bool(v, out);
}

bool pl_sync_state_read(struct pl_sync_state *out, struct pl_str value)
{
    struct pl_str in, state, uuid;
    unsigned n;
    if (!pl_ber_whole(value, PL_BER_SEQUENCE, &in) || !pl_ber_take(&in, PL_BER_ENUMERATED, &state) ||
        !pl_ber_small(state, &n) || n > PL_SYNC_DELETE || !pl_ber_take(&in, PL_BER_OCTETS, &uuid) ||
        uuid.len != PL_UUID_BYTES)
        return false;
    out->state = (enum pl_sync_state_kind)n;
    memcpy(out->uuid, uuid.s, PL_UUID_BYTES);
    out->cookie = take_cookie(&in);
    return pl_ber_tail_ok(in);
}

bool pl_sync_done_read(struct pl_sync_done *out, struct pl_str value)
{
    struct pl_str in;
    if (!pl_ber_whole(value, PL_BER_SEQUENCE, &in))
        return false;
    out->cookie = take_cookie(&in);
    out->refresh_deletes = false;
    return take_bool(&in, &out->refresh_deletes) && pl_ber_tail_ok(in);
}

bool pl_sync_info_read(struct pl_sync_info *out, struct pl_str value)
{
    struct pl_str in;
    unsigned char tag;
    const unsigned char *uuid;
    if (!pl_ber_next(&value, &tag, &in) || value.len > 0)
        return false;
    *out = (struct pl_sync_info){.refresh_done = true, .cookie = {"", 0}, .uuids = {"", 0}};
    switch (tag) {
    case TAG_NEW_COOKIE:
        out->kind = PL_SYNC_NEW_COOKIE;
        out->cookie = in;
        return true;
    case TAG_REFRESH_DELETE:
    case TAG_REFRESH_PRESENT:
        out->kind = tag == TAG_REFRESH_DELETE ? PL_SYNC_REFRESH_DELETE : PL_SYNC_REFRESH_PRESENT;
        out->cookie = take_cookie(&in);
        return take_bool(&in, &out->refresh_done) && pl_ber_tail_ok(in);
    case TAG_ID_SET:
        out->kind = PL_SYNC_ID_SET;
        out->cookie = take_cookie(&in);
        if (!take_bool(&in, &out->refresh_deletes) || !pl_ber_take(&in, PL_BER_SET, &out->uuids) || !pl_ber_tail_ok(in))
            return false;
        for (struct pl_sync_info all = *out; all.uuids.len > 0;)
            if (!pl_sync_info_next(&all, &uuid))
                return false;
        return true;
    default:
        return false;
    }
}

bool pl_sync_info_next(struct pl_sync_info *i, const unsigned char **uuid)
{
    struct pl_str v;
    if (!pl_ber_take(&i->uuids, PL_BER_OCTETS, &v) || v.len != PL_UUID_BYTES)
        return false;
    *uuid = (const unsigned char *)v.s;
    return true;
}

/* ---- RFC 4530 ---- */

static bool is_dash(size_t at)
{
    return at == 8 || at == 13 || at == 18 || at == 23;
}

void pl_uuid_print(char out[PL_UUID_TEXT + 1], const unsigned char uuid[PL_UUID_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < PL_UUID_BYTES; i++) {
        if (is_dash(at))
            out[at++] = '-';
        out[at++] = hex[uuid[i] >> 4];
        out[at++] = hex[uuid[i] & 15];
    }
    out[at] = '\0';
}

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool pl_uuid_read(unsigned char out[PL_UUID_BYTES], struct pl_str text)
{
    size_t n = 0;
    if (text.len != PL_UUID_TEXT)
        return false;
    for (size_t at = 0; at < PL_UUID_TEXT;) {
        if (is_dash(at)) {
            if (text.s[at++] != '-')
                return false;
            continue;
        }
        int hi = digit(text.s[at]), lo = digit(text.s[at + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[n++] = (unsigned char)(hi << 4 | lo);
        at += 2;
    }
    return true;
}

/* ---- RFC 4527 ---- */

void pl_post_read_request(struct pl_buf *out, const char *const *attrs)
{
    struct pl_buf in = {0};
    for (; *attrs; attrs++)
        pl_ber_put(&in, PL_BER_OCTETS, pl_str_c(*attrs));
    pl_ber_put(out, PL_BER_SEQUENCE, pl_buf_str(&in));
    pl_buf_free(&in);
}

struct pl_str pl_post_read_value(struct pl_str value, struct pl_str attr)
{
    struct pl_str entry, dn, attrs, one, name, values, first;
    if (!pl_ber_whole(value, TAG_ENTRY, &entry) || !pl_ber_take(&entry, PL_BER_OCTETS, &dn) ||
        !pl_ber_take(&entry, PL_BER_SEQUENCE, &attrs))
        return empty();
    while (pl_ber_take(&attrs, PL_BER_SEQUENCE, &one))
        if (pl_ber_take(&one, PL_BER_OCTETS, &name) && pl_str_ieq(name, attr) &&
            pl_ber_take(&one, PL_BER_SET, &values) && pl_ber_take(&values, PL_BER_OCTETS, &first))
            return first;
    return empty();
}
