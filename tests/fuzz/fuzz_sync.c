/* The controls and messages of RFC 4533: what is taken can be written again and is then the same; what is written is read.
 *
 * The control of paged results (RFC 2696) has no target: libldap reads it (daemon/dir_recv.c), we do not. */
#include "fuzz.h"
#include "lib/directory/ber.h"
#include "lib/directory/sync.h"

static void put_bool(struct pl_buf *out, bool value)
{
    pl_ber_put(out, PL_BER_BOOLEAN, value ? PL_STR("\xff") : PL_STR("\0"));
}

static void put_cookie(struct pl_buf *out, struct pl_str cookie)
{
    if (cookie.len > 0)
        pl_ber_put(out, PL_BER_OCTETS, cookie);
}

/* The value with the last byte of its contents cut off, lengths put right: its last member is then malformed. */
static void cut(struct pl_buf *out, struct pl_str value)
{
    struct pl_str inner = {0};
    unsigned char tag = 0;

    RULE(pl_ber_next(&value, &tag, &inner) && value.len == 0);
    inner.len -= inner.len > 0;
    pl_ber_put(out, tag, inner);
}

/* ---- 2.3 ---- */

static bool same_state(const struct pl_sync_state *a, const struct pl_sync_state *b)
{
    return a->state == b->state && memcmp(a->uuid, b->uuid, PL_UUID_BYTES) == 0 && pl_str_eq(a->cookie, b->cookie);
}

static void check_state(struct pl_str in, struct pl_str beside)
{
    struct pl_sync_state s, other;
    struct pl_buf inner = {0}, out = {0};
    char state;
    bool ok = pl_sync_state_read(&s, in);

    RULE(pl_sync_state_read(&other, beside) == ok);
    if (!ok)
        return;
    RULE(same_state(&s, &other) && fuzz_inside(s.cookie, in) && (unsigned)s.state <= PL_SYNC_DELETE);
    RULE(!pl_sync_state_read(&other, (struct pl_str){beside.s, beside.len + 1}));
    state = (char)s.state;
    pl_ber_put(&inner, PL_BER_ENUMERATED, (struct pl_str){&state, 1});
    pl_ber_put(&inner, PL_BER_OCTETS, (struct pl_str){(const char *)s.uuid, PL_UUID_BYTES});
    put_cookie(&inner, s.cookie);
    pl_ber_put(&out, PL_BER_SEQUENCE, pl_buf_str(&inner));
    RULE(out.len <= in.len);
    RULE(pl_sync_state_read(&other, pl_buf_str(&out)) && same_state(&s, &other));
    pl_buf_clear(&out);
    cut(&out, in);
    RULE(!pl_sync_state_read(&other, pl_buf_str(&out)));
    pl_buf_free(&inner);
    pl_buf_free(&out);
}

/* ---- 2.4 ---- */

static void check_done(struct pl_str in, struct pl_str beside)
{
    struct pl_sync_done d, other;
    struct pl_buf inner = {0}, out = {0};
    bool ok = pl_sync_done_read(&d, in);

    RULE(pl_sync_done_read(&other, beside) == ok);
    if (!ok)
        return;
    RULE(pl_str_eq(d.cookie, other.cookie) && d.refresh_deletes == other.refresh_deletes && fuzz_inside(d.cookie, in));
    RULE(!pl_sync_done_read(&other, (struct pl_str){beside.s, beside.len + 1}));
    put_cookie(&inner, d.cookie);
    if (d.refresh_deletes)
        put_bool(&inner, true);
    pl_ber_put(&out, PL_BER_SEQUENCE, pl_buf_str(&inner));
    RULE(out.len <= in.len);
    RULE(pl_sync_done_read(&other, pl_buf_str(&out)));
    RULE(pl_str_eq(d.cookie, other.cookie) && d.refresh_deletes == other.refresh_deletes);
    pl_buf_clear(&out);
    cut(&out, in);
    RULE(out.len == 2 || !pl_sync_done_read(&other, pl_buf_str(&out))); /* 3000 has nothing that could be cut */
    pl_buf_free(&inner);
    pl_buf_free(&out);
}

/* ---- 2.5 ---- */

static bool same_info(const struct pl_sync_info *a, const struct pl_sync_info *b)
{
    struct pl_sync_info x = *a, y = *b;
    const unsigned char *u, *v;

    while (pl_sync_info_next(&x, &u))
        if (!pl_sync_info_next(&y, &v) || memcmp(u, v, PL_UUID_BYTES) != 0)
            return false;
    return x.uuids.len == 0 && y.uuids.len == 0 && a->kind == b->kind && pl_str_eq(a->cookie, b->cookie) &&
           a->refresh_done == b->refresh_done && a->refresh_deletes == b->refresh_deletes;
}

/* Without what may be left out, as RFC 4511 5.1 wants it. */
static void write_info(struct pl_buf *out, const struct pl_sync_info *i)
{
    static const unsigned char tags[] = {0x80, 0xa1, 0xa2, 0xa3};
    struct pl_sync_info all = *i;
    struct pl_buf inner = {0}, set = {0};
    const unsigned char *uuid;

    if (i->kind == PL_SYNC_NEW_COOKIE) {
        pl_ber_put(out, tags[i->kind], i->cookie);
        return;
    }
    put_cookie(&inner, i->cookie);
    if (i->kind == PL_SYNC_ID_SET) {
        if (i->refresh_deletes)
            put_bool(&inner, true);
        while (pl_sync_info_next(&all, &uuid))
            pl_ber_put(&set, PL_BER_OCTETS, (struct pl_str){(const char *)uuid, PL_UUID_BYTES});
        pl_ber_put(&inner, PL_BER_SET, pl_buf_str(&set));
    } else if (!i->refresh_done) {
        put_bool(&inner, false);
    }
    pl_ber_put(out, tags[i->kind], pl_buf_str(&inner));
    pl_buf_free(&inner);
    pl_buf_free(&set);
}

static void check_info(struct pl_str in, struct pl_str beside)
{
    struct pl_sync_info i, all, other;
    struct pl_buf out = {0};
    const unsigned char *uuid;
    size_t n = 0;
    bool ok = pl_sync_info_read(&i, in);

    RULE(pl_sync_info_read(&other, beside) == ok);
    if (!ok)
        return;
    RULE(same_info(&i, &other) && fuzz_inside(i.cookie, in) && (unsigned)i.kind <= PL_SYNC_ID_SET);
    RULE(!pl_sync_info_read(&other, (struct pl_str){beside.s, beside.len + 1}));
    for (all = i; pl_sync_info_next(&all, &uuid); n++)
        RULE(fuzz_inside((struct pl_str){(const char *)uuid, PL_UUID_BYTES}, in));
    RULE(n * (2 + PL_UUID_BYTES) <= in.len && (n == 0 || i.kind == PL_SYNC_ID_SET));
    write_info(&out, &i);
    RULE(out.len <= in.len);
    RULE(pl_sync_info_read(&other, pl_buf_str(&out)) && same_info(&i, &other));
    pl_buf_clear(&out);
    cut(&out, in);
    RULE(out.len == 2 || i.kind == PL_SYNC_NEW_COOKIE || !pl_sync_info_read(&other, pl_buf_str(&out)));
    pl_buf_free(&out);
}

/* ---- what we send ---- */

static void check_request(struct pl_str in)
{
    struct pl_buf out = {0};
    struct pl_str all, inner, part, cookie = PL_STR("");
    bool persist = in.len > 0 && (in.s[0] & 1), hint = in.len > 0 && (in.s[0] & 2), seen = false;
    unsigned mode = 0;

    if (in.len > 1)
        cookie = (struct pl_str){in.s + 1, in.len - 1};
    pl_sync_request(&out, persist ? PL_SYNC_REFRESH_AND_PERSIST : PL_SYNC_REFRESH_ONLY, cookie, hint);
    RULE(out.len <= cookie.len + 24);
    all = pl_buf_str(&out);
    RULE(pl_ber_take(&all, PL_BER_SEQUENCE, &inner) && all.len == 0);
    RULE(pl_ber_take(&inner, PL_BER_ENUMERATED, &part) && pl_ber_small(part, &mode) && mode == (persist ? 3 : 1));
    RULE(pl_ber_take(&inner, PL_BER_OCTETS, &part) == (cookie.len > 0));
    RULE(cookie.len == 0 || pl_str_eq(part, cookie));
    RULE(pl_ber_take(&inner, PL_BER_BOOLEAN, &part) == hint && (!hint || (pl_ber_bool(part, &seen) && seen)));
    RULE(inner.len == 0);
    pl_buf_free(&out);
}

/* ---- RFC 4530 and 4527 ---- */

static void check_uuid(struct pl_str in)
{
    unsigned char uuid[PL_UUID_BYTES], again[PL_UUID_BYTES];
    char text[PL_UUID_TEXT + 1];

    if (in.len >= PL_UUID_BYTES) {
        memcpy(uuid, in.s, PL_UUID_BYTES);
        pl_uuid_print(text, uuid);
        RULE(strlen(text) == PL_UUID_TEXT);
        RULE(pl_uuid_read(again, pl_str_c(text)) && memcmp(uuid, again, PL_UUID_BYTES) == 0);
    }
    if (pl_uuid_read(uuid, in)) {
        pl_uuid_print(text, uuid);
        RULE(pl_str_ieq(in, pl_str_c(text)));
    }
}

static void check_post_read(struct pl_str in, struct pl_str beside)
{
    struct pl_buf values = {0}, one = {0}, rows = {0}, entry = {0}, out = {0};
    struct pl_str found = pl_post_read_value(in, PL_STR("entryCSN"));

    RULE(fuzz_inside(found, in));
    RULE(pl_str_eq(found, pl_post_read_value(beside, PL_STR("entryCSN"))));
    pl_ber_put(&values, PL_BER_OCTETS, in); /* and now with the input as the value */
    pl_ber_put(&one, PL_BER_OCTETS, PL_STR("ENTRYcsn"));
    pl_ber_put(&one, PL_BER_SET, pl_buf_str(&values));
    pl_ber_put(&rows, PL_BER_SEQUENCE, pl_buf_str(&one));
    pl_ber_put(&entry, PL_BER_OCTETS, PL_STR("dc=x"));
    pl_ber_put(&entry, PL_BER_SEQUENCE, pl_buf_str(&rows));
    pl_ber_put(&out, 0x64, pl_buf_str(&entry));
    RULE(pl_str_eq(pl_post_read_value(pl_buf_str(&out), PL_STR("entryCSN")), in));
    pl_buf_free(&values);
    pl_buf_free(&one);
    pl_buf_free(&rows);
    pl_buf_free(&entry);
    pl_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_str in = fuzz_str(data, size), beside = fuzz_beside(data, size, size % 2 ? 0xff : 0x00);

    check_state(in, beside);
    check_done(in, beside);
    check_info(in, beside);
    check_request(in);
    check_uuid(in);
    check_post_read(in, beside);
    fuzz_free(beside);
    return 0;
}
