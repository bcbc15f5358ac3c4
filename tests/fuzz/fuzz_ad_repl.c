/* The stamps of an entry's attributes, and the DN of a server's settings: what is found does not depend on what lies behind
 * the octets, and a name that is cut out of a DN lies in it. */
#include "fuzz.h"
#include "lib/directory/ad_repl.h"

static void stamps(struct pl_str in, struct pl_str beside)
{
    static const uint32_t attids[] = {PL_ATTID_OBJECT_CLASS, PL_ATTID_ADMIN_DESCRIPTION, PL_ATTID_USER_ACCOUNT_CONTROL,
                                      PL_ATTID_ACCOUNT_EXPIRES};
    struct pl_repl_stamp a, b;

    for (size_t i = 0; i < sizeof attids / sizeof attids[0]; i++) {
        bool found = pl_repl_stamp_find(in, attids[i], &a);
        RULE(pl_repl_stamp_find(beside, attids[i], &b) == found);
        if (!found)
            continue;
        RULE(pl_repl_stamp_same_write(&a, &b) && a.at_us == b.at_us);
        RULE(a.usn >= 0 && a.at_us >= 0 && a.at_us % 1000000 == 0 && a.at_us / 1000000 < INT64_C(253402300800));
        RULE(!pl_repl_stamp_find((struct pl_str){in.s, in.len - 1}, attids[i], &b));
    }
}

static void names(struct pl_str in)
{
    struct pl_str name = pl_repl_server_name(in), base = pl_repl_servers_base(in);

    RULE(fuzz_inside(name, in) && fuzz_inside(base, in));
    RULE(name.len == 0 || (!memchr(name.s, ',', name.len) && !memchr(name.s, '\\', name.len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_str in = fuzz_str(data, size), beside = fuzz_beside(data, size, size % 2 ? 0xff : 0x00);

    stamps(in, beside);
    names(in);
    fuzz_free(beside);
    return 0;
}
