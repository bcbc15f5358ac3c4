/* Times of LDAP: forms of RFC 4517, what is none, and every day of 400 years against the C library. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "lib/directory/dialect.h"

#define US INT64_C(1000000)

static void parses(const char *s, int64_t want)
{
    int64_t us = 0;

    if (!pl_gentime_parse(pl_str_c(s), &us))
        fail_msg("%s is a time", s);
    if (us != want)
        fail_msg("%s is %lld", s, (long long)us);
}

static void test_forms(void **state)
{
    (void)state;
    parses("19700101000000Z", 0);
    parses("20260131235959Z", INT64_C(1769903999) * US);
    parses("2026013123Z", INT64_C(1769900400) * US);
    parses("202601312359Z", INT64_C(1769903940) * US);
    parses("20260131235959.5Z", INT64_C(1769903999) * US + US / 2);
    parses("20260131235959,000001Z", INT64_C(1769903999) * US + 1);
    parses("20260131235959.9999999999999999999999999999Z", INT64_C(1769903999) * US + 999999);
    parses("2026013123.5Z", INT64_C(1769902200) * US);
    parses("20260201015959+0200", INT64_C(1769903999) * US);
    parses("20260131185959-05", INT64_C(1769903999) * US);
    parses("20161231235960Z", INT64_C(1483228800) * US); /* a leap second */
    parses("00000101000000Z", INT64_C(-62167219200) * US);
    parses("99991231235959Z", INT64_C(253402300799) * US);
    parses("20000229000000Z", INT64_C(951782400) * US);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "Z",
        "2026",
        "20260131",
        "20260131235959",
        "20260131235959z",
        "20260131235959ZZ",
        "20260131235959.Z",
        "20260229000000Z",
        "19000229000000Z",
        "20261301000000Z",
        "20260001000000Z",
        "20260100000000Z",
        "20260132000000Z",
        "20260431000000Z",
        "20260131240000Z",
        "20260131236000Z",
        "20260131235961Z",
        "2026013123595Z",
        " 20260131235959Z",
        "20260131235959+2400",
        "20260131235959+0260",
        "20260131235959+2",
        "20260131235959+02000",
        "2026-01-31T23:59:59Z",
        "-0260131235959Z",
        "20260131235959 Z",
        "never",
        "000001010000",
        "20260131235959+",
    };
    int64_t us;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (pl_gentime_parse(pl_str_c(bad[i]), &us))
            fail_msg("%s is no time", bad[i]);
    assert_false(pl_gentime_parse(PL_STR("20260131235959Z\0"), &us));
    assert_false(pl_gentime_parse((struct pl_str){"20260131235959Z", 14}, &us)); /* the Z lies outside */
    assert_true(pl_gentime_parse(PL_STR("000001010000Z"), &us));                 /* what slapd calls "for ever" */
}

static void test_round(void **state)
{
    (void)state;
    struct pl_arena *a = pl_arena_new();

    assert_string_equal(pl_gentime_print(a, 0).s, "19700101000000Z");
    assert_string_equal(pl_gentime_print(a, -1).s, "19691231235959Z"); /* rounded down, not to zero */
    assert_string_equal(pl_gentime_print(a, US - 1).s, "19700101000000Z");
    assert_string_equal(pl_gentime_print(a, INT64_MAX).s, "99991231235959Z");
    assert_string_equal(pl_gentime_print(a, INT64_MIN).s, "00000101000000Z");
    for (int64_t day = -40000; day < 150000; day++) {
        time_t t = (time_t)(day * 86400 + (day * 7919) % 86400);
        struct tm tm;
        char want[32];
        int64_t back;

        if (day % 1000 == 0) {
            pl_arena_free(a);
            a = pl_arena_new();
        }
        gmtime_r(&t, &tm);
        strftime(want, sizeof want, "%Y%m%d%H%M%SZ", &tm);
        struct pl_str s = pl_gentime_print(a, (int64_t)t * US);
        assert_string_equal(s.s, want);
        assert_true(pl_gentime_parse(s, &back) && back == (int64_t)t * US);
    }
    pl_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
