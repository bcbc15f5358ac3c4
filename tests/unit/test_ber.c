/* The BER of controls: lengths in every form, and nothing read that was not given. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "hex.h"
#include "lib/directory/ber.h"

static void test_lengths(void **state)
{
    (void)state;
    /* X.690 8.1.3: short, long, long with leading zeros (BER allows that, DER does not) */
    static const struct {
        const char *bytes;
        size_t contents, rest;
    } good[] = {
        {"0400", 0, 0},
        {"0403 616263", 3, 0},
        {"0402 6162 30", 2, 1},
        {"04810161", 1, 0},
        {"04820001 61", 1, 0},
        {"048400000001 61 0400", 1, 2},
        {"04880000000000000001 61", 1, 0},
        {"048100", 0, 0},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct pl_str all = hex(good[i].bytes), in = all, contents;
        unsigned char tag;
        assert_true(pl_ber_next(&in, &tag, &contents));
        assert_int_equal(tag, PL_BER_OCTETS);
        assert_int_equal(contents.len, good[i].contents);
        assert_int_equal(in.len, good[i].rest);
        assert_ptr_equal(in.s + in.len, all.s + all.len);
        assert_ptr_equal(contents.s + contents.len, in.s);
        hex_free(all);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",                           /* nothing */
        "04",                         /* no length */
        "0401",                       /* no contents */
        "0403 6162",                  /* cut */
        "0480 6161 0000",             /* indefinite: RFC 4511 5.1 forbids it */
        "0481",                       /* the length is cut */
        "0482 01",                    /* the same */
        "0489 000000000000000001 61", /* a length of nine bytes */
        "04ff 61",                    /* a length of 127 bytes */
        "0488 ffffffffffffffff 61",   /* would wrap round */
        "0488 fffffffffffffff6 61",
        "0484 7fffffff 61",
        "1f81 0161", /* a tag of several bytes: LDAP has none */
        "bf20 0161",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pl_str all = hex(bad[i]), in = all, contents = PL_STR("as it was");
        unsigned char tag;
        if (pl_ber_next(&in, &tag, &contents) || pl_ber_take(&in, (unsigned char)(all.len ? all.s[0] : 4), &contents))
            fail_msg("%s was taken", bad[i]);
        assert_ptr_equal(in.s, all.s);
        assert_int_equal(in.len, all.len);
        assert_true(pl_str_eq(contents, PL_STR("as it was")));
        hex_free(all);
    }
}

static void test_take(void **state)
{
    (void)state;
    struct pl_str all = hex("0a0103 0401ff"), in = all, contents = PL_STR("as it was");

    assert_false(pl_ber_take(&in, PL_BER_OCTETS, &contents));
    assert_ptr_equal(in.s, all.s);
    assert_true(pl_str_eq(contents, PL_STR("as it was")));
    assert_true(pl_ber_take(&in, PL_BER_ENUMERATED, &contents));
    assert_true(pl_ber_take(&in, PL_BER_OCTETS, &contents));
    assert_true(pl_str_eq(contents, PL_STR("\xff")));
    assert_int_equal(in.len, 0);
    hex_free(all);
}

static void tail_is(const char *bytes, bool ok)
{
    struct pl_str in = hex(bytes);

    assert_int_equal(pl_ber_tail_ok(in), ok);
    hex_free(in);
}

static void test_whole_and_tail(void **state)
{
    (void)state;
    struct pl_str one = hex("3003 0a0103"), more = hex("3003 0a0103 00"), contents = PL_STR("as it was");

    assert_false(pl_ber_whole(one, PL_BER_SET, &contents));
    assert_true(pl_str_eq(contents, PL_STR("as it was")));
    assert_true(pl_ber_whole(one, PL_BER_SEQUENCE, &contents) && contents.len == 3);
    assert_false(pl_ber_whole(more, PL_BER_SEQUENCE, &contents));
    assert_false(pl_ber_whole(PL_STR(""), PL_BER_SEQUENCE, &contents));
    hex_free(one);
    hex_free(more);
    tail_is("", true);
    tail_is("8000", true);
    tail_is("800101 a103040178", true);
    tail_is("0401ff", false); /* a tag that we know, out of its place */
    tail_is("800101 0101ff", false);
    tail_is("8001", false);
    tail_is("80", false);
}

static void test_values(void **state)
{
    (void)state;
    bool b = false;
    unsigned n = 7;

    assert_true(pl_ber_bool(PL_STR("\xff"), &b) && b);
    assert_true(pl_ber_bool(PL_STR("\0"), &b) && !b);
    assert_true(pl_ber_bool(PL_STR("\x01"), &b) && b); /* X.690 8.2.2; RFC 4511 5.1 asks the sender for 0xff */
    assert_false(pl_ber_bool(PL_STR(""), &b));
    assert_false(pl_ber_bool(PL_STR("\0\xff"), &b));
    assert_true(pl_ber_small(PL_STR("\0"), &n) && n == 0);
    assert_true(pl_ber_small(PL_STR("\x7f"), &n) && n == 127);
    assert_true(pl_ber_small(PL_STR("\0\x80"), &n) && n == 128);
    assert_true(pl_ber_small(PL_STR("\x7f\xff"), &n) && n == 32767);
    n = 7;
    assert_false(pl_ber_small(PL_STR(""), &n));
    assert_false(pl_ber_small(PL_STR("\xff"), &n)); /* -1 */
    assert_false(pl_ber_small(PL_STR("\x80\0"), &n));
    assert_false(pl_ber_small(PL_STR("\0\0\x01"), &n));
    assert_int_equal(n, 7);
}

/* What is written is read again, and lengths are as short as can be. */
static void test_written(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536, 16777216};
    static const size_t heads[] = {2, 2, 2, 3, 3, 4, 4, 5, 6};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct pl_buf out = {0};
        char *bytes = calloc(1, sizes[i] + 1);
        struct pl_str in, contents;
        pl_ber_put(&out, PL_BER_SEQUENCE, (struct pl_str){bytes, sizes[i]});
        assert_int_equal(out.len, heads[i] + sizes[i]);
        in = pl_buf_str(&out);
        assert_true(pl_ber_take(&in, PL_BER_SEQUENCE, &contents));
        assert_int_equal(in.len, 0);
        assert_int_equal(contents.len, sizes[i]);
        free(bytes);
        pl_buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),        cmocka_unit_test(test_refused), cmocka_unit_test(test_take),
        cmocka_unit_test(test_whole_and_tail), cmocka_unit_test(test_values),  cmocka_unit_test(test_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
