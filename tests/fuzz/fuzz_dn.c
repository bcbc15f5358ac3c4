/* DNs: the input once as a DN from somewhere, once as a value that somebody wants to smuggle into one. */
#include "fuzz.h"
#include "lib/directory/dn.h"

static void as_dn(struct pl_str in, struct pl_str beside)
{
    struct pl_buf once = {0}, twice = {0}, other = {0};
    struct pl_err err = {0};
    bool ok = pl_dn_normal(&once, in, &err);

    RULE(pl_dn_normal(&other, beside, NULL) == ok);
    RULE(pl_str_eq(pl_buf_str(&once), pl_buf_str(&other)));
    RULE(once.len <= 3 * in.len); /* each byte at most as \XX */
    if (ok) {
        RULE(pl_str_is_utf8(pl_buf_str(&once)));
        RULE(pl_dn_normal(&twice, pl_buf_str(&once), &err));
        RULE(pl_str_eq(pl_buf_str(&once), pl_buf_str(&twice)));
        RULE(pl_dn_equal(in, pl_buf_str(&once)));
        RULE(pl_dn_under(in, in));
        RULE(pl_dn_hash(in) == pl_dn_hash(pl_buf_str(&once)));
    } else {
        RULE(once.len == 0);
        RULE(err.text[0] != '\0');
        RULE(!pl_dn_equal(in, in));
        RULE(!pl_dn_under(in, in));
        (void)pl_dn_hash(in);
    }
    pl_buf_clear(&other);
    pl_buf_clear(&twice);
    pl_buf_add_byte(&other, ' '); /* spaces before a type mean nothing, and are never plain: the parser must agree */
    pl_buf_add(&other, in);
    if (in.len > 0) {
        RULE(pl_dn_normal(&twice, pl_buf_str(&other), NULL) == ok);
        RULE(pl_str_eq(pl_buf_str(&once), pl_buf_str(&twice)));
    }
    pl_buf_free(&once);
    pl_buf_free(&twice);
    pl_buf_free(&other);
}

/* Whatever the value: one RDN of one attribute, directly below the base. */
static void as_value(struct pl_str in)
{
    struct pl_buf dn = {0}, normal = {0};
    const struct pl_str base = PL_STR(",ou=inimesed,dc=linn,dc=test");
    struct pl_str rdn;

    pl_buf_add_c(&dn, "uid=");
    pl_dn_escape(&dn, in);
    RULE(dn.len <= 4 + 3 * in.len);
    pl_buf_add(&dn, base);
    RULE(pl_dn_normal(&normal, pl_buf_str(&dn), NULL));
    RULE(pl_str_is_utf8(pl_buf_str(&normal)));
    RULE(normal.len >= 4 + base.len && memcmp(normal.s, "uid=", 4) == 0);
    rdn = (struct pl_str){normal.s + 4, normal.len - 4 - base.len};
    RULE(memcmp(rdn.s + rdn.len, base.s, base.len) == 0);
    for (size_t i = 0; i < rdn.len; i++)
        RULE(strchr(",+=\";<>", rdn.s[i]) == NULL);
    RULE(pl_dn_under(pl_buf_str(&dn), PL_STR("OU=Inimesed, DC=linn,dc=test")));
    RULE(!pl_dn_under(pl_buf_str(&dn), PL_STR("ou=ryhmad,dc=linn,dc=test")));
    pl_buf_free(&dn);
    pl_buf_free(&normal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_str beside = fuzz_beside(data, size, ',');

    as_dn(fuzz_str(data, size), beside);
    as_value(fuzz_str(data, size));
    fuzz_free(beside);
    return 0;
}
