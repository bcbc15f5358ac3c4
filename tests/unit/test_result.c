/* Result codes: every verdict that is not PERMANENT, written out by hand; all other codes up to 5000 are. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/directory/dialect.h"
#include "lib/directory/result_name.h"

enum { KINDS = 4 };

/* One letter for each of ADD_ENTRY, ACCOUNT, ADD_VALUE, REMOVE_VALUE. */
static const struct {
    int code;
    const char *verdicts;
} expected[] = {
    {0, "oooo"},  {3, "rrrr"},  {8, "dddd"},  {11, "rrrr"}, {13, "dddd"}, {16, ".vvo"}, {20, ".vov"}, {32, ".vvv"},
    {50, "dddd"}, {51, "rrrr"}, {52, "rrrr"}, {53, "...v"}, {65, "...1"}, {68, "v.v."}, {80, "vvvv"}, {122, "vvvv"},
};

static char letter(enum pl_verdict v)
{
    switch (v) {
    case PL_VERDICT_DONE:
        return 'o';
    case PL_VERDICT_VERIFY:
        return 'v';
    case PL_VERDICT_RETRY:
        return 'r';
    case PL_VERDICT_DENIED:
        return 'd';
    case PL_VERDICT_PERMANENT:
        return '.';
    case PL_VERDICT_LAST_MEMBER:
        return '1';
    }
    return '?';
}

static char wanted(int kind, int code)
{
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        if (expected[i].code == code)
            return expected[i].verdicts[kind];
    return code < 0 ? 'v' : '.'; /* no answer: nobody knows */
}

static void test_verdicts(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (int code = -20; code < 5000; code++)
            if (letter(pl_result_verdict((enum pl_write_kind)kind, code)) != wanted(kind, code))
                fail_msg("kind %d, code %d: %c, not %c", kind, code,
                         letter(pl_result_verdict((enum pl_write_kind)kind, code)), wanted(kind, code));
    assert_int_equal(letter(pl_result_verdict(PL_WRITE_ACCOUNT, INT32_MIN)), 'v');
    assert_int_equal(letter(pl_result_verdict(PL_WRITE_ACCOUNT, INT32_MAX)), '.');
}

/* Sentences are for people: a capital, a full stop, no personal values (they are constants), short enough for one line
 * of a finding. */
static void test_sentences(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (int code = -20; code < 5000; code++) {
            const char *s = pl_result_sentence((enum pl_write_kind)kind, code);
            assert_non_null(s);
            assert_in_range(strlen(s), 5, 160);
            assert_in_range(s[0], 'A', 'Z');
            assert_int_equal(s[strlen(s) - 1], '.');
        }
    assert_string_not_equal(pl_result_sentence(PL_WRITE_REMOVE_VALUE, 65), pl_result_sentence(PL_WRITE_ADD_ENTRY, 65));
    assert_non_null(strstr(pl_result_sentence(PL_WRITE_REMOVE_VALUE, 65), "placeholder"));
    assert_non_null(strstr(pl_result_sentence(PL_WRITE_ACCOUNT, 50), "right"));
}

/* The names that people know; a server cannot make new ones. */
static void test_names(void **state)
{
    (void)state;
    assert_string_equal(pl_result_name(0), "success");
    assert_string_equal(pl_result_name(-1), "unknown");
    assert_string_equal(pl_result_name(50), "insufficientAccessRights");
    assert_string_equal(pl_result_name(51), "busy");
    assert_string_equal(pl_result_name(4096), "e-syncRefreshRequired");
    assert_string_equal(pl_result_name(9), "unlisted"); /* reserved by RFC 4511 */
    assert_string_equal(pl_result_name(-2), "unlisted");
    for (int code = 200; code < 4000; code++)
        assert_string_equal(pl_result_name(code), "unlisted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
