/* Slices, buffers and the arena: lengths, NUL bytes, UTF-8 as RFC 3629 has it, numbers at the edge. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"

static void test_compare(void **state)
{
    (void)state;
    struct pl_str nul = PL_STR("a\0b"), empty = {NULL, 0};

    assert_true(pl_str_eq(nul, PL_STR("a\0b")));
    assert_false(pl_str_eq(nul, PL_STR("a\0c")));
    assert_false(pl_str_eq_c(nul, "a"));
    assert_true(pl_str_eq(empty, pl_str_c("")));
    assert_true(pl_str_eq(empty, pl_str_c(NULL)));
    assert_true(pl_str_ieq_c(PL_STR("MemberUID"), "memberuid"));
    assert_false(pl_str_ieq_c(PL_STR("member[id"), "member{id"));
    assert_false(pl_str_ieq(PL_STR("\xc3\x95"), PL_STR("\xc3\xb5"))); /* ASCII only */
    assert_true(pl_str_cmp(PL_STR("a"), PL_STR("a\0")) < 0);
    assert_true(pl_str_cmp(PL_STR("\xff"), PL_STR("a")) > 0);
    assert_int_equal(pl_str_cmp(empty, PL_STR("")), 0);
    assert_true(pl_str_hash(PL_STR("a")) != pl_str_hash(PL_STR("a\0")));
    assert_true(pl_str_hash(empty) == UINT64_C(0xcbf29ce484222325)); /* the published offset of FNV-1a */
    assert_true(pl_str_hash(PL_STR("foobar")) == UINT64_C(0x85944171f73967e8));
}

/* Every sequence of up to three bytes and the edges of four, against the table of RFC 3629 section 4. */
static void test_utf8(void **state)
{
    (void)state;
    const struct {
        struct pl_str s;
        bool ok;
    } four[] = {
        {PL_STR("\xf0\x90\x80\x80"), true},
        {PL_STR("\xf4\x8f\xbf\xbf"), true},
        {PL_STR("\xf0\x8f\xbf\xbf"), false},
        {PL_STR("\xf4\x90\x80\x80"), false},
        {PL_STR("\xf5\x80\x80\x80"), false},
        {PL_STR("\xf1\x80\x80"), false},
        {PL_STR("\xf1\x80\x80\xc0"), false},
        {PL_STR("\xe2\x82"), false},
        {PL_STR("a\x80"), false},
        {PL_STR("\xed\x9f\xbf"
                "x"),
         true},
        {PL_STR("\xed\xa0\x80"), false},
        {PL_STR("\xe0\x9f\xbf"), false},
        {PL_STR("\xc3\xb5\xc3\xa4"), true},
        {PL_STR("a\0b"), false},
        {PL_STR(""), true},
        {PL_STR("\xef\xbf\xbf"), true},
    };
    for (size_t i = 0; i < sizeof four / sizeof four[0]; i++)
        if (pl_str_is_utf8(four[i].s) != four[i].ok)
            fail_msg("utf-8 case %zu", i);
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            char two[] = {(char)a, (char)b};
            bool ascii = a >= 1 && a < 128 && b >= 1 && b < 128, pair = a >= 0xc2 && a <= 0xdf && (b & 0xc0) == 0x80;
            assert_int_equal(pl_str_is_utf8((struct pl_str){two, 2}), ascii || pair);
        }
    assert_int_equal(pl_str_utf8_at(PL_STR("a\xc3\xb5"), 1), 2);
    assert_int_equal(pl_str_utf8_at(PL_STR("a\xc3\xb5"), 2), 0);
    assert_int_equal(pl_str_utf8_at(PL_STR("a"), 1), 0);
    assert_int_equal(pl_str_utf8_at((struct pl_str){"\xc3\xb5", 1}, 0), 0); /* the slice ends inside */
}

static void test_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "0x1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "1e3",
                                      "--1",
                                      "99999999999999999999999999"};
    int64_t v = 7;

    assert_true(pl_str_to_i64(PL_STR("9223372036854775807"), &v) && v == INT64_MAX);
    assert_true(pl_str_to_i64(PL_STR("-9223372036854775808"), &v) && v == INT64_MIN);
    assert_true(pl_str_to_i64(PL_STR("-0"), &v) && v == 0);
    assert_true(pl_str_to_i64((struct pl_str){"123", 2}, &v) && v == 12);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (pl_str_to_i64(pl_str_c(bad[i]), &v))
            fail_msg("\"%s\" is no number", bad[i]);
    assert_false(pl_str_to_i64(PL_STR("1\0"), &v));
}

static void test_buffer(void **state)
{
    (void)state;
    struct pl_buf b = {0};

    assert_int_equal(pl_buf_str(&b).len, 0);
    pl_buf_clear(&b);
    for (int i = 0; i < 1000; i++)
        pl_buf_add_byte(&b, (char)(i % 256));
    assert_int_equal(b.len, 1000);
    assert_int_equal((unsigned char)b.s[999], 999 % 256);
    assert_int_equal(b.s[b.len], 0);
    pl_buf_clear(&b);
    pl_buf_printf(&b, "%s-%0200d", "x", 7);
    assert_int_equal(b.len, 202);
    pl_buf_add(&b, PL_STR("\0\0"));
    pl_buf_add(&b, (struct pl_str){NULL, 0});
    assert_int_equal(b.len, 204);
    pl_buf_free(&b);
    assert_null(b.s);
    pl_buf_free(&b);
}

static void test_arena(void **state)
{
    (void)state;
    struct pl_arena *a = pl_arena_new();
    size_t sizes[] = {0, 1, 7, 15, 17, 4095, 4097, 100000};

    for (size_t round = 0; round < 200; round++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            unsigned char *p = pl_arena_alloc(a, sizes[i]);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            for (size_t k = 0; k < sizes[i]; k++)
                if (p[k])
                    fail_msg("byte %zu of %zu is not zero", k, sizes[i]);
            memset(p, 0xff, sizes[i]);
        }
    struct pl_str s = pl_arena_str(a, PL_STR("a\0b"));
    assert_true(pl_str_eq(s, PL_STR("a\0b")) && s.s[3] == 0);
    assert_string_equal(pl_arena_str(a, (struct pl_str){NULL, 0}).s, "");
    s = pl_arena_printf(a, "%0*d", 5000, 1);
    assert_int_equal(s.len, 5000);
    pl_arena_free(a);
    pl_arena_free(NULL);
}

/* However full it was, after a clear it gives zeroed pieces again, and copies that end with a NUL. */
static void test_arena_clear(void **state)
{
    (void)state;
    struct pl_arena *a = pl_arena_new();
    size_t fills[] = {0, 1, 900, 991, 993, 3000, 20000, 200000};

    pl_arena_clear(a);
    for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++)
        for (size_t piece = 64; piece <= 4096; piece *= 8) {
            for (size_t done = 0; done < fills[i]; done += piece)
                memset(pl_arena_alloc(a, piece), 0xff, piece);
            pl_arena_clear(a);
            struct pl_str s = pl_arena_str(a, PL_STR("copy"));
            assert_true(pl_str_eq_c(s, "copy") && s.s[4] == 0);
            unsigned char *p = pl_arena_alloc(a, 2 * piece);
            for (size_t k = 0; k < 2 * piece; k++)
                assert_int_equal(p[k], 0);
            assert_string_equal(s.s, "copy");
        }
    pl_arena_free(a);
}

/* A byte that is no text is met wherever it stands: eight of them are looked at together. */
static void test_utf8_anywhere(void **state)
{
    (void)state;
    static const char bad[] = {'\0', '\x80', '\xff', '\xc3'};
    char text[25];
    for (size_t len = 1; len <= sizeof text; len++)
        for (size_t at = 0; at < len; at++)
            for (size_t b = 0; b < sizeof bad; b++) {
                memset(text, at % 2 ? '\x7f' : '\x01', sizeof text);
                assert_true(pl_str_is_utf8((struct pl_str){text, len}));
                text[at] = bad[b];
                assert_false(pl_str_is_utf8((struct pl_str){text, len}));
            }
    memcpy(text,
           "1234567\xc3\xb5"
           "9012345\xc3\xb5",
           18); /* a character across the eighth byte */
    assert_true(pl_str_is_utf8((struct pl_str){text, 18}));
    assert_false(pl_str_is_utf8((struct pl_str){text, 17}));
    assert_false(pl_str_is_utf8((struct pl_str){text, 8}));
}

/* As long as its room, one shorter and one longer; behind what stands there already. */
static void test_printf_room(void **state)
{
    (void)state;
    for (int head = 0; head <= 70; head++)
        for (int n = 0; n <= 140; n++) {
            struct pl_buf b = {0};
            for (int i = 0; i < head; i++)
                pl_buf_add_byte(&b, 'h');
            pl_buf_printf(&b, "%0*d", n, 7);
            size_t len = (size_t)head + (n > 0 ? (size_t)n : 1);
            assert_true(b.len == len && strlen(b.s) == len && b.s[len - 1] == '7');
            pl_buf_free(&b);
        }
}

static void test_errors(void **state)
{
    (void)state;
    struct pl_err e = {0};
    char longer[2000];

    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_false(pl_err_set(&e, PL_ERR_IO, 5, longer, "%s", longer));
    assert_true(strlen(e.text) < sizeof e.text && strlen(e.hint) < sizeof e.hint);
    assert_false(pl_err_set(&e, PL_ERR_CONF, 1, NULL, "wrong"));
    assert_false(pl_err_prefix(&e, "line %d", 3));
    assert_string_equal(e.text, "line 3: wrong");
    assert_string_equal(e.hint, "");
    assert_false(pl_err_set(NULL, PL_ERR_IO, 5, "h", "x"));
    assert_false(pl_err_prefix(NULL, "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),       cmocka_unit_test(test_utf8),        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_buffer),        cmocka_unit_test(test_arena),       cmocka_unit_test(test_arena_clear),
        cmocka_unit_test(test_utf8_anywhere), cmocka_unit_test(test_printf_room), cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
