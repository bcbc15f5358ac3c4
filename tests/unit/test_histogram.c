#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/histogram.h"

static void test_bounds_rise(void **state)
{
    (void)state;
    assert_true(pl_histogram_bounds_us[0] > 0);
    for (size_t i = 1; i < PL_HISTOGRAM_BUCKETS; i++)
        assert_true(pl_histogram_bounds_us[i] > pl_histogram_bounds_us[i - 1]);
}

/* Each bound, one less and one more: counted below what they are not longer than, and nowhere else. */
static void test_bounds_belong_below(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_HISTOGRAM_BUCKETS; i++)
        for (int64_t more = -1; more <= 1; more++) {
            struct pl_histogram h = {0};
            int64_t us = pl_histogram_bounds_us[i] + more;

            pl_histogram_add(&h, us);
            for (size_t k = 0; k < PL_HISTOGRAM_BUCKETS; k++)
                assert_int_equal(pl_histogram_at_most(&h, k), us <= pl_histogram_bounds_us[k]);
            assert_int_equal(h.n, 1);
            assert_int_equal(h.sum_us, us);
        }
}

static void test_extremes(void **state)
{
    struct pl_histogram h = {0};

    (void)state;
    pl_histogram_add(&h, -5);
    pl_histogram_add(&h, INT64_MIN);
    assert_int_equal(h.sum_us, 0);
    assert_int_equal(pl_histogram_at_most(&h, 0), 2);
    pl_histogram_add(&h, INT64_MAX);
    pl_histogram_add(&h, INT64_MAX);
    assert_int_equal(h.n, 4);
    assert_true(h.sum_us == INT64_MAX);
    assert_int_equal(pl_histogram_at_most(&h, PL_HISTOGRAM_BUCKETS - 1), 2);
    assert_int_equal(pl_histogram_at_most(&h, PL_HISTOGRAM_BUCKETS + 5), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_rise),
        cmocka_unit_test(test_bounds_belong_below),
        cmocka_unit_test(test_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
