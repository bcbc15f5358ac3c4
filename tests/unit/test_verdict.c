/* In or out: every combination of what is known about the person and what is open. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/ctl/verdict.h"

enum { KNOWN = 1u << 4, OPEN = 1u << CTL_OPEN_COUNT };

static struct ctl_facts facts(unsigned known, unsigned open, long n)
{
    struct ctl_facts f = {(known & 1) != 0, (known & 2) != 0, (known & 4) != 0, (known & 8) != 0, {0}};
    for (unsigned i = 0; i < CTL_OPEN_COUNT; i++)
        f.open[i] = (open >> i & 1) != 0 ? n : 0;
    return f;
}

static enum ctl_verdict expected(const struct ctl_facts *f, bool any)
{
    if (f->employed && f->suspended)
        return CTL_ON_LEAVE;
    if (f->employed)
        return CTL_IN;
    if (!f->departed && f->arriving)
        return CTL_ARRIVING;
    if (any)
        return CTL_NOT_YET_OUT;
    if (f->arriving)
        return CTL_ARRIVING;
    return f->departed ? CTL_OUT : CTL_UNKNOWN;
}

static void test_all(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (unsigned known = 0; known < KNOWN; known++) {
        for (unsigned open = 0; open < OPEN; open++) {
            for (long n = 1; n <= 2; n++) {
                struct ctl_facts f = facts(known, open, n);
                struct ctl_judgement j = ctl_judge(&f);
                assert_int_equal(j.verdict, expected(&f, open != 0));
                unsigned told = 0;
                for (int i = 0; i < j.n_reasons; i++) {
                    assert_true(i == 0 || j.reason[i] > j.reason[i - 1]);
                    told |= 1u << j.reason[i];
                }
                assert_int_equal(told, open);
                seen |= 1u << j.verdict;
            }
        }
    }
    assert_int_equal(seen, (1u << (CTL_UNKNOWN + 1)) - 1);
}

static void test_never_out_while_open(void **state)
{
    (void)state;
    for (unsigned known = 0; known < KNOWN; known++) {
        for (unsigned open = 1; open < OPEN; open++) {
            struct ctl_facts f = facts(known, open, 1);
            assert_int_not_equal(ctl_judge(&f).verdict, CTL_OUT);
        }
        struct ctl_facts odd = facts(known, 1, -1); /* a count that cannot be: not a reason to say out */
        assert_int_not_equal(ctl_judge(&odd).verdict, CTL_OUT);
    }
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(ctl_verdict_name(CTL_NOT_YET_OUT), "not_yet_out");
    assert_string_equal(ctl_verdict_name(CTL_UNKNOWN), "unknown");
    for (int i = 0; i < CTL_OPEN_COUNT; i++)
        assert_string_not_equal(ctl_open_words((enum ctl_open)i, 1), ctl_open_words((enum ctl_open)i, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_never_out_while_open),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
