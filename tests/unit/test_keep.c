/* The end of an account that is known beforehand: every input against what it must give. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/core/keep.h"

/* Walks every input. */
#define EVERY_INPUT                                                                                                    \
    for (unsigned v = 0; v < PL_END_COUNT; v++)                                                                        \
        for (unsigned bits = 0; bits < 8; bits++)

static struct pl_keep_in input(unsigned v, unsigned bits)
{
    return (struct pl_keep_in){.seen = (enum pl_end_seen)v, .wanted = bits & 4, .ours = bits & 2, .fought = bits & 1};
}

static bool fits(int want, bool have)
{
    return want < 0 || (want != 0) == have;
}

static bool row_fits(const struct pl_keep_row *r, const struct pl_keep_in *in)
{
    return (r->seen >> in->seen & 1) && fits(r->wanted, in->wanted) && fits(r->ours, in->ours) &&
           fits(r->fought, in->fought);
}

/* What is done: . nothing, k kept, ! reported. Columns: bits 0..7, which are wanted, ours, fought. */
static const char *const expected[PL_END_COUNT] = {
    [PL_END_SAME] = "........",
    [PL_END_SOONER] = "!!k!!!k!", /* a stranger's stays, ours is moved or taken away */
    [PL_END_LATER] = "k!k!k!k!",  /* whosever: HR's is written */
};

static void test_every_input(void **state)
{
    (void)state;
    EVERY_INPUT
    {
        struct pl_keep_in in = input(v, bits);
        const struct pl_keep_row *r = pl_keep_step(&in);
        char done = r->op == PL_OP_NONE ? '.' : r->op == PL_OP_KEEP ? 'k' : '!';

        assert_true(r->op == PL_OP_NONE || r->op == PL_OP_KEEP || r->op == PL_OP_REPORT);
        if (done != expected[v][bits])
            fail_msg("seen %u, bits %u: %c by row %d", v, bits, done, r->id);
    }
}

static void test_no_shadowed_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < pl_keep_rows; i++) {
        const struct pl_keep_row *r = &pl_keep_table[i];
        unsigned hits = 0;

        EVERY_INPUT
        {
            struct pl_keep_in in = input(v, bits);
            hits += pl_keep_step(&in) == r;
            assert_true(pl_keep_step(&in) != r || row_fits(r, &in));
        }
        if (hits == 0)
            fail_msg("row %d is never the first that fits", r->id);
        assert_true(i == 0 || r->id > pl_keep_table[i - 1].id);
        assert_int_equal(r->seen >> PL_END_COUNT, 0);
    }
}

static void test_sentences(void **state)
{
    (void)state;
    for (size_t i = 0; i < pl_keep_rows; i++) {
        const struct pl_keep_row *r = &pl_keep_table[i];
        size_t len = strlen(r->sentence);

        assert_true(len > 10 && r->sentence[len - 1] == '.' && r->sentence[0] >= 'A' && r->sentence[0] <= 'Z');
        assert_int_equal(r->op == PL_OP_REPORT, r->finding != NULL);
    }
}

static void test_compare(void **state)
{
    (void)state;
    assert_int_equal(pl_end_compare(5, 5), PL_END_SAME);
    assert_int_equal(pl_end_compare(5, 4), PL_END_SOONER);
    assert_int_equal(pl_end_compare(5, 6), PL_END_LATER);
    assert_int_equal(pl_end_compare(5, PL_END_NEVER), PL_END_LATER);
    assert_int_equal(pl_end_compare(PL_END_NEVER, 5), PL_END_SOONER);
    assert_int_equal(pl_end_compare(PL_END_NEVER, PL_END_NEVER), PL_END_SAME);
}

/* Never sooner than HR says. */
static void test_round(void **state)
{
    (void)state;
    static const int64_t ends[] = {0, 1, 999999, 1000000, 1000001, -1, -999999, -1000000, -1000001, 1798754399999999};

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        int64_t r = pl_end_round(ends[i], 1000000);

        assert_int_equal(r % 1000000, 0);
        assert_true(r >= ends[i] && r - ends[i] < 1000000);
        assert_int_equal(pl_end_round(ends[i], 1), ends[i]);
    }
    assert_int_equal(pl_end_round(PL_END_NEVER, 1000000), PL_END_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_input), cmocka_unit_test(test_no_shadowed_row), cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_compare),     cmocka_unit_test(test_round),
    };

    return cmocka_run_group_tests_name("keep", tests, NULL, NULL);
}
