/* Persistent search: bytes derived by hand from the draft's ASN.1, bytes that 389 Directory Server 2.3.1 really sent, and
 * what must be refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "hex.h"
#include "lib/directory/persist.h"

static void test_request(void **state)
{
    (void)state;
    struct pl_buf out = {0};
    struct pl_str want = hex("3009 02010f 0101ff 0101ff"); /* 389 Directory Server took this */

    pl_buf_add_c(&out, "before");
    pl_persist_request(&out);
    assert_int_equal(out.len, 6 + want.len);
    assert_memory_equal(out.s + 6, want.s, want.len);
    pl_buf_free(&out);
    hex_free(want);
}

static void taken(const char *bytes, enum pl_persist_kind kind, const char *previous)
{
    struct pl_str in = hex(bytes);
    struct pl_persist_change c = {0};

    if (!pl_persist_change_read(&c, in))
        fail_msg("refused: %s", bytes);
    assert_int_equal(c.kind, kind);
    assert_true(pl_str_eq_c(c.previous_dn, previous));
    hex_free(in);
}

static void test_taken(void **state)
{
    (void)state;
    taken("3003 0a0101", PL_PERSIST_ADD, "");
    taken("3003 0a0104", PL_PERSIST_MODIFY, "");
    taken("3027 0a0108 0422 7569643d7a312c6f753d696e696d657365642c64633d6c696e6e2c64633d74657374", PL_PERSIST_RENAME,
          "uid=z1,ou=inimesed,dc=linn,dc=test");
    taken("3003 0a0102", PL_PERSIST_DELETE, "");
    /* the change log of a server that has one */
    taken("3006 0a0104 020107", PL_PERSIST_MODIFY, "");
    taken("300b 0a0108 0402783d 02020100", PL_PERSIST_RENAME, "x=");
    taken("3005 0a0108 0400", PL_PERSIST_RENAME, "");
    taken("300d 0a0101 0208 7fffffffffffffff", PL_PERSIST_ADD, "");
    /* a member of a later version, and lengths of more than one byte */
    taken("3006 0a0101 800101", PL_PERSIST_ADD, "");
    taken("308103 0a0101", PL_PERSIST_ADD, "");
    taken("3004 0a020001", PL_PERSIST_ADD, "");
}

static void refused(const char *bytes)
{
    struct pl_str in = hex(bytes);
    struct pl_persist_change c;

    if (pl_persist_change_read(&c, in))
        fail_msg("taken: %s", bytes);
    hex_free(in);
}

static void test_refused(void **state)
{
    (void)state;
    refused("");
    refused("30");
    refused("3000");
    refused("3003 0a01");
    refused("3003 0a0101 00"); /* something follows */
    refused("3103 0a0101");    /* a SET */
    refused("3003 020101");    /* an INTEGER */
    refused("3002 0a00");
    refused("3003 0a0100"); /* no kind */
    refused("3003 0a0103"); /* two kinds */
    refused("3003 0a010f");
    refused("3003 0a0110");
    refused("3004 0a020101"); /* 257 */
    refused("3003 0a01ff");
    refused("3005 0a0104 0402");          /* a name that is cut */
    refused("3005 0a0104 0200");          /* a number without digits */
    refused("3009 0a0104 020107 040178"); /* out of its place */
    refused("3009 0a0104 020107 020107");
    refused("3006 0a0104 0101ff");
    refused("3080 0a0101 0000"); /* an indefinite length */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
