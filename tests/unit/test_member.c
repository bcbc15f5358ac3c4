/* The life of a membership: all 32 inputs against what they must give, written out by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/core/member.h"

static struct pl_member_in input(unsigned i)
{
    return (struct pl_member_in){
        .wanted = i & 16, .believed = i & 8, .seen = i & 4, .leaver = i & 2, .put_back = i & 1};
}

static bool fits(int want, bool have)
{
    return want < 0 || (want != 0) == have;
}

static bool row_fits(const struct pl_member_row *r, const struct pl_member_in *in)
{
    return fits(r->wanted, in->wanted) && fits(r->believed, in->believed) && fits(r->seen, in->seen) &&
           fits(r->leaver, in->leaver) && fits(r->put_back, in->put_back);
}

/* What is done: . nothing, + added, - removed, ! reported only. Capital D where it is drift. The columns are leaver and
 * put_back: 00 01 10 11. */
static const struct {
    bool wanted, believed, seen;
    const char *done, *drift;
} expected[] = {
    {false, false, false, "....", "    "}, {false, false, true, "!---", "DDDD"}, {false, true, false, "....", "    "},
    {false, true, true, "----", "    "},   {true, false, false, "++++", "    "}, {true, false, true, "....", "    "},
    {true, true, false, "!+!+", "DDDD"},   {true, true, true, "....", "    "},
};

static void test_every_input(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        struct pl_member_in in = input(i);
        const struct pl_member_row *r = pl_member_step(&in);
        char done;

        assert_non_null(r);
        assert_int_equal(expected[i >> 2].wanted, in.wanted);
        assert_int_equal(expected[i >> 2].believed, in.believed);
        assert_int_equal(expected[i >> 2].seen, in.seen);
        assert_true(row_fits(r, &in));
        done = r->op == PL_OP_ADD_MEMBER      ? '+'
               : r->op == PL_OP_REMOVE_MEMBER ? '-'
               : r->op == PL_OP_REPORT        ? '!'
               : r->op == PL_OP_NONE          ? '.'
                                              : '?';
        if (done != expected[i >> 2].done[i & 3])
            fail_msg("input %u, row %d: does %c, not %c", i, r->id, done, expected[i >> 2].done[i & 3]);
        if (r->drift != (expected[i >> 2].drift[i & 3] == 'D'))
            fail_msg("input %u, row %d: drift %d", i, r->id, r->drift);
    }
}

static void test_first_match_and_no_shadow(void **state)
{
    unsigned hits[64] = {0};

    (void)state;
    assert_in_range(pl_member_rows, 1, 64);
    for (unsigned i = 0; i < 32; i++) {
        struct pl_member_in in = input(i);
        size_t k = 0;

        while (k < pl_member_rows && !row_fits(&pl_member_table[k], &in))
            k++;
        assert_true(k < pl_member_rows);
        assert_ptr_equal(pl_member_step(&in), &pl_member_table[k]);
        hits[k]++;
    }
    for (size_t k = 0; k < pl_member_rows; k++)
        if (hits[k] == 0)
            fail_msg("row %d is never the first that fits", pl_member_table[k].id);
}

static void test_rules(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        struct pl_member_in in = input(i);
        const struct pl_member_row *r = pl_member_step(&in);

        if (in.wanted)
            assert_int_not_equal(r->op, PL_OP_REMOVE_MEMBER);
        else
            assert_int_not_equal(r->op, PL_OP_ADD_MEMBER);
        if (r->op == PL_OP_ADD_MEMBER)
            assert_false(in.seen);
        if (r->op == PL_OP_REMOVE_MEMBER)
            assert_true(in.seen);
        if (in.leaver && !in.wanted && in.seen) /* a leaver loses the groups, whoever put them there */
            assert_int_equal(r->op, PL_OP_REMOVE_MEMBER);
        if (r->drift) /* it changed without us: what we believed and what stands differ */
            assert_int_not_equal(in.believed, in.seen);
        if (r->op == PL_OP_NONE) /* at rest: we come to believe what is seen */
            assert_int_equal(r->present, in.seen);
        if (r->op == PL_OP_ADD_MEMBER)
            assert_true(r->present);
        if (r->op == PL_OP_REMOVE_MEMBER)
            assert_false(r->present);
    }
}

/* Drift that is only reported stays drift: the same look again must report the same and not take it for granted. */
static void test_reported_drift_stays(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        struct pl_member_in in = input(i);
        const struct pl_member_row *r = pl_member_step(&in);

        if (r->op != PL_OP_REPORT)
            continue;
        in.believed = r->present;
        assert_ptr_equal(pl_member_step(&in), r);
    }
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < pl_member_rows; i++) {
        const struct pl_member_row *r = &pl_member_table[i];
        size_t len = r->sentence == NULL ? 0 : strlen(r->sentence);

        assert_true(r->id > 0 && (i == 0 || r->id > pl_member_table[i - 1].id));
        assert_true(len > 10);
        assert_int_equal(r->sentence[len - 1], '.');
        assert_true(r->sentence[0] >= 'A' && r->sentence[0] <= 'Z');
        assert_null(strchr(r->sentence, '%'));
        assert_int_equal(r->drift, r->finding != NULL);
        if (r->op == PL_OP_REPORT)
            assert_non_null(r->finding);
        if (r->finding != NULL)
            assert_int_equal(strspn(r->finding, "abcdefghijklmnopqrstuvwxyz_"), strlen(r->finding));
        for (size_t k = 0; k < len; k++)
            assert_true(r->sentence[k] >= 0x20 && r->sentence[k] < 0x7f);
    }
}

static void test_modes(void **state)
{
    static const char *const bad[] = {"", "?", "Enforce", "enforce ", "observed"};
    enum pl_mode out;

    (void)state;
    for (unsigned i = 0; i < PL_MODE_COUNT; i++) {
        assert_true(pl_mode_parse(pl_str_c(pl_mode_name((enum pl_mode)i)), &out));
        assert_int_equal(out, i);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(pl_mode_parse(pl_str_c(bad[i]), &out));
    assert_false(pl_mode_parse((struct pl_str){"observe\0", 8}, &out));
    assert_string_equal(pl_mode_name(PL_MODE_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_input), cmocka_unit_test(test_first_match_and_no_shadow),
        cmocka_unit_test(test_rules),       cmocka_unit_test(test_reported_drift_stays),
        cmocka_unit_test(test_rows),        cmocka_unit_test(test_modes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
