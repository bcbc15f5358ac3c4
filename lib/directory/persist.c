#include "persist.h"

#include "ber.h"

void pl_persist_request(struct pl_buf *out)
{
    struct pl_buf in = {0};

    pl_ber_put(&in, PL_BER_INTEGER, (struct pl_str){(const char[]){PL_PERSIST_ALL}, 1});
    pl_ber_put(&in, PL_BER_BOOLEAN, PL_STR("\xff")); /* changesOnly */
    pl_ber_put(&in, PL_BER_BOOLEAN, PL_STR("\xff")); /* returnECs */
    pl_ber_put(out, PL_BER_SEQUENCE, pl_buf_str(&in));
    pl_buf_free(&in);
}

/* changeNumber INTEGER OPTIONAL. False: there is one, and it is empty. */
static bool skip_number(struct pl_str *in)
{
    struct pl_str number;

    return !pl_ber_take(in, PL_BER_INTEGER, &number) || number.len > 0;
}

bool pl_persist_change_read(struct pl_persist_change *out, struct pl_str value)
{
    struct pl_str in, kind, dn;
    unsigned n;

    if (!pl_ber_whole(value, PL_BER_SEQUENCE, &in) || !pl_ber_take(&in, PL_BER_ENUMERATED, &kind) ||
        !pl_ber_small(kind, &n)) {
        return false;
    }
    if (n != PL_PERSIST_ADD && n != PL_PERSIST_DELETE && n != PL_PERSIST_MODIFY && n != PL_PERSIST_RENAME) {
        return false;
    }
    out->kind = (enum pl_persist_kind)n;
    out->previous_dn = pl_ber_take(&in, PL_BER_OCTETS, &dn) ? dn : (struct pl_str){"", 0};
    return skip_number(&in) && pl_ber_tail_ok(in);
}
