/* The control that answers a DirSync search: what is taken can be written again and is then the same; and the text in which
 * the store keeps how far we have seen. */
#include "fuzz.h"
#include "lib/directory/ber.h"
#include "lib/directory/dirsync.h"

static bool same(const struct pl_dirsync_answer *a, const struct pl_dirsync_answer *b)
{
    return a->more == b->more && pl_str_eq(a->cookie, b->cookie);
}

static void write_answer(struct pl_buf *out, const struct pl_dirsync_answer *a)
{
    struct pl_buf inner = {0};

    pl_ber_put(&inner, PL_BER_INTEGER, (struct pl_str){a->more ? "\x01" : "\x00", 1});
    pl_ber_put(&inner, PL_BER_INTEGER, (struct pl_str){"\x00", 1});
    pl_ber_put(&inner, PL_BER_OCTETS, a->cookie);
    pl_ber_put(out, PL_BER_SEQUENCE, pl_buf_str(&inner));
    pl_buf_free(&inner);
}

static void answer(struct pl_str in, struct pl_str beside)
{
    struct pl_dirsync_answer a, other;
    struct pl_buf out = {0};
    bool ok = pl_dirsync_answer_read(&a, in);

    RULE(pl_dirsync_answer_read(&other, beside) == ok);
    if (ok) {
        RULE(same(&a, &other) && fuzz_inside(a.cookie, in) && a.cookie.len > 0);
        RULE(!pl_dirsync_answer_read(&other, (struct pl_str){beside.s, beside.len + 1}));
        write_answer(&out, &a);
        RULE(out.len <= in.len);
        RULE(pl_dirsync_answer_read(&other, pl_buf_str(&out)) && same(&a, &other));
        pl_buf_clear(&out);
        pl_dirsync_request(&out, a.cookie);
        RULE(out.len > a.cookie.len);
    }
    pl_buf_free(&out);
}

/* What is taken is written in exactly the same way, but for zeros in front of a number. */
static void place(struct pl_str in)
{
    struct pl_place p, back;
    struct pl_buf room = {0}, room2 = {0}, out = {0};

    if (pl_place_parse(&p, &room, in)) {
        RULE(fuzz_inside(p.server, in) && p.server.len > 0 && p.usn >= 0);
        pl_place_print(&out, &p);
        RULE(out.len <= in.len && p.by_usn == (p.cookie.len == 0));
        RULE(pl_place_parse(&back, &room2, pl_buf_str(&out)));
        RULE(pl_str_eq(back.server, p.server) && pl_str_eq(back.cookie, p.cookie) && back.usn == p.usn);
    }
    pl_buf_free(&out);
    pl_buf_free(&room);
    pl_buf_free(&room2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_str in = fuzz_str(data, size), beside = fuzz_beside(data, size, size % 2 ? 0xff : 0x00);

    answer(in, beside);
    place(in);
    (void)pl_dirsync_values_of(in);
    fuzz_free(beside);
    return 0;
}
