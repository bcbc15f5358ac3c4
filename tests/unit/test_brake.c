/* The first brake at its edges. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <limits.h>
#include <string.h>
#include <cmocka.h>

#include "lib/core/brake.h"

static const struct pl_brake_limits usual = {
    .max_locks = 10, .max_lock_share = 5, .max_removals = 200, .max_removal_share = 10, .share_from = 20};

/* Locks only; `says` must stand in the sentence when the plan is held. */
static void locks(struct pl_brake_limits l, long n, long open, bool allowed, const char *says)
{
    struct pl_brake_count c = {.locks = n, .open_accounts = open};
    struct pl_buf why = {0};
    bool got = pl_brake_allows(&l, &c, &why);

    if (got != allowed)
        fail_msg("%ld locks of %ld: %s (%s)", n, open, got ? "allowed" : "held", why.s == NULL ? "" : why.s);
    if (allowed)
        assert_int_equal(why.len, 0);
    else if (strstr(why.s, says) == NULL)
        fail_msg("'%s' lacks '%s'", why.s, says);
    pl_buf_free(&why);

    /* The same for memberships: the rule is one. */
    l.max_removals = l.max_locks;
    l.max_removal_share = l.max_lock_share;
    c = (struct pl_brake_count){.removals = n, .memberships = open};
    assert_int_equal(pl_brake_allows(&l, &c, &why), allowed);
    assert_int_equal(why.len == 0, allowed);
    pl_buf_free(&why);
}

static void test_numbers(void **state)
{
    (void)state;
    locks(usual, 0, 0, true, "");
    locks(usual, 10, 1000, true, "");
    locks(usual, 11, 1000, false, "11 accounts, the limit is 10");
    locks(usual, 10, 0, true, "");
    locks(usual, 11, 0, false, "limit is 10");
    locks(usual, LONG_MAX, LONG_MAX, false, "limit is 10");
}

static void test_zero_and_negative_limits(void **state)
{
    struct pl_brake_limits l = usual;

    (void)state;
    l.max_locks = 0;
    locks(l, 0, 100, true, "");
    locks(l, 1, 100000, false, "limit is 0");
    l.max_locks = -5;
    locks(l, 0, 100, true, "");
    locks(l, 1, 100000, false, "limit is 0");
    l.max_locks = LONG_MIN;
    locks(l, 1, 100000, false, "limit is 0");

    l = usual;
    l.max_lock_share = 0;
    locks(l, 0, 100, true, "");
    locks(l, 1, 100000, false, "limit is 0 %");
    locks(l, 1, 19, true, ""); /* below share_from the share says nothing */
    l.max_lock_share = LONG_MIN;
    locks(l, 1, 100, false, "limit is 0 %");

    l = usual;
    l.share_from = 0;
    locks(l, 1, 0, true, ""); /* a share of nothing */
    locks(l, 1, 1, false, "1 of 1");
    l.share_from = -1;
    locks(l, 1, 0, true, "");
    locks(l, 1, -7, true, "");
    locks(l, 1, 19, false, "1 of 19");
}

static void test_nothing_to_do(void **state)
{
    struct pl_brake_limits none = {0};

    (void)state;
    locks(none, 0, 0, true, "");
    locks(none, 0, LONG_MAX, true, "");
    locks(none, -1, 100, true, "");
    locks(none, LONG_MIN, 100, true, "");
}

/* 5 % of n, neither rounded up nor down: one more than the exact share is over. */
static void test_share_is_exact(void **state)
{
    struct pl_brake_limits l = usual;

    (void)state;
    locks(l, 1, 19, true, "");
    locks(l, 2, 19, true, "");
    locks(l, 1, 20, true, "");
    locks(l, 2, 20, false, "2 of 20 accounts, the limit is 5 %");
    locks(l, 1, 21, true, "");
    locks(l, 2, 39, false, "2 of 39");
    locks(l, 2, 40, true, "");
    locks(l, 10, 199, false, "10 of 199");
    locks(l, 10, 200, true, "");
    l.max_locks = LONG_MAX;
    for (long of = 20; of < 2000; of++) {
        locks(l, of / 20, of, true, "");
        locks(l, of / 20 + 1, of, false, "limit is 5 %");
    }
    l.max_lock_share = 100;
    locks(l, 50, 50, true, "");
    locks(l, 51, 50, false, "51 of 50");
}

static void test_overflow(void **state)
{
    struct pl_brake_limits l = {
        .max_locks = LONG_MAX, .max_lock_share = 5, .max_removals = LONG_MAX, .max_removal_share = 5, .share_from = 20};

    (void)state;
    locks(l, LONG_MAX, LONG_MAX, false, "limit is 5 %");
    locks(l, LONG_MAX / 100, LONG_MAX, true, "");
    locks(l, LONG_MAX / 20, LONG_MAX, true, "");
    locks(l, LONG_MAX / 20 + 1, LONG_MAX, false, "limit is 5 %");
    locks(l, LONG_MAX / 10, LONG_MAX, false, "limit is 5 %");
    l.max_lock_share = LONG_MAX;
    locks(l, LONG_MAX, LONG_MAX, true, "");
    locks(l, LONG_MAX / 5, 20, true, "");
    locks(l, LONG_MAX / 5 + 1, 20, false, " of 20 accounts");
}

static void test_both_are_said(void **state)
{
    struct pl_brake_count c = {.locks = 40, .removals = 4000, .open_accounts = 100, .memberships = 5000};
    struct pl_buf why = {0};

    (void)state;
    assert_false(pl_brake_allows(&usual, &c, &why));
    assert_string_equal(why.s,
                        "would lock 40 accounts, the limit is 10; would remove 4000 memberships, the limit is 200");
    pl_buf_free(&why);

    c.locks = 0;
    assert_false(pl_brake_allows(&usual, &c, &why));
    assert_string_equal(why.s, "would remove 4000 memberships, the limit is 200");
    pl_buf_free(&why);
}

static bool lately(long n, long before, long of, const char *says)
{
    struct pl_brake_count c = {
        .locks = n, .locked = before, .open_accounts = of, .removals = n, .removed = before, .memberships = of};
    struct pl_brake_limits l = usual;
    struct pl_buf why = {0};

    l.max_removals = l.max_locks;
    l.max_removal_share = l.max_lock_share;
    bool allowed = pl_brake_allows(&l, &c, &why);
    if (!allowed && strstr(why.s, says) == NULL)
        fail_msg("'%s' lacks '%s'", why.s, says);
    pl_buf_free(&why);
    return allowed;
}

/* What passed lately counts with the plan; a plan that does nothing is not held for it. */
static void test_lately(void **state)
{
    (void)state;
    assert_true(lately(1, 9, 1000, ""));
    assert_false(lately(1, 10, 1000, "lock 1 accounts after 10 lately, the limit is 10"));
    assert_false(lately(2, 9, 1000, "remove 2 memberships after 9 lately, the limit is 10"));
    assert_true(lately(0, 500, 1000, ""));
    assert_true(lately(-3, 500, 1000, ""));
    assert_true(lately(1, -500, 1000, ""));
    assert_false(lately(1, LONG_MAX, 1000, "the limit is 10"));
    assert_false(lately(LONG_MAX, LONG_MAX, LONG_MAX, "the limit is 10"));
    /* 20 stood: one may go, and the second one is not let through because 19 are few. */
    assert_true(lately(1, 0, 20, ""));
    assert_false(lately(1, 1, 19, "1 of 20 accounts after 1 lately, the limit is 5 %"));
    assert_true(lately(1, 4, 96, ""));
    assert_false(lately(1, 5, 95, "1 of 100 accounts after 5 lately, the limit is 5 %"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),       cmocka_unit_test(test_zero_and_negative_limits),
        cmocka_unit_test(test_nothing_to_do), cmocka_unit_test(test_share_is_exact),
        cmocka_unit_test(test_overflow),      cmocka_unit_test(test_both_are_said),
        cmocka_unit_test(test_lately),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
