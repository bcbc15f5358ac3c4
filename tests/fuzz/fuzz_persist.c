/* The control that a persistent search puts beside each entry: what is taken can be written again and is then the same. */
#include "fuzz.h"
#include "lib/directory/ber.h"
#include "lib/directory/persist.h"

static bool same(const struct pl_persist_change *a, const struct pl_persist_change *b)
{
    return a->kind == b->kind && pl_str_eq(a->previous_dn, b->previous_dn);
}

static void write_change(struct pl_buf *out, const struct pl_persist_change *c)
{
    struct pl_buf inner = {0};
    char kind = (char)c->kind;

    pl_ber_put(&inner, PL_BER_ENUMERATED, (struct pl_str){&kind, 1});
    if (c->previous_dn.len > 0)
        pl_ber_put(&inner, PL_BER_OCTETS, c->previous_dn);
    pl_ber_put(out, PL_BER_SEQUENCE, pl_buf_str(&inner));
    pl_buf_free(&inner);
}

/* The value with the last byte of its contents cut off, lengths put right: its last member is then malformed. */
static void cut(struct pl_buf *out, struct pl_str value)
{
    struct pl_str inner = {0};

    RULE(pl_ber_whole(value, PL_BER_SEQUENCE, &inner) && inner.len > 0);
    inner.len--;
    pl_ber_put(out, PL_BER_SEQUENCE, inner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_str in = fuzz_str(data, size), beside = fuzz_beside(data, size, size % 2 ? 0xff : 0x00);
    struct pl_persist_change c, other;
    struct pl_buf out = {0};
    bool ok = pl_persist_change_read(&c, in);

    RULE(pl_persist_change_read(&other, beside) == ok);
    if (ok) {
        RULE(same(&c, &other) && fuzz_inside(c.previous_dn, in));
        RULE(c.kind == 1 || c.kind == 2 || c.kind == 4 || c.kind == 8);
        RULE(!pl_persist_change_read(&other, (struct pl_str){beside.s, beside.len + 1}));
        write_change(&out, &c);
        RULE(out.len <= in.len);
        RULE(pl_persist_change_read(&other, pl_buf_str(&out)) && same(&c, &other));
        pl_buf_clear(&out);
        cut(&out, in);
        RULE(!pl_persist_change_read(&other, pl_buf_str(&out)));
    }
    pl_buf_free(&out);
    fuzz_free(beside);
    return 0;
}
