/* The life of an account: every input, every row. `test_lifecycle dump` writes what lifecycle.txt must say. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/core/lifecycle.h"
#include "source.h"

#define BIT(x) (1u << (unsigned)(x))

/* Walks every input as s, n, v. */
#define EVERY_INPUT                                                                                                    \
    for (unsigned s = 0; s < PL_STATE_COUNT; s++)                                                                      \
        for (unsigned n = 0; n < PL_NEED_COUNT; n++)                                                                   \
            for (unsigned v = 0; v < PL_SEEN_COUNT; v++)

static const struct pl_life_row *first_match(unsigned s, unsigned n, unsigned v)
{
    for (size_t i = 0; i < pl_life_rows; i++) {
        const struct pl_life_row *r = &pl_life_table[i];

        if ((r->state & BIT(s)) != 0 && (r->need & BIT(n)) != 0 && (r->seen & BIT(v)) != 0)
            return r;
    }
    return NULL;
}

static const struct pl_life_row *step(unsigned s, unsigned n, unsigned v)
{
    return pl_life_step((enum pl_state)s, (enum pl_need)n, (enum pl_seen)v);
}

static unsigned next_state(unsigned s, const struct pl_life_row *r)
{
    return r->next == PL_STATE_COUNT ? s : (unsigned)r->next;
}

static bool writes(enum pl_op op)
{
    return op != PL_OP_NONE && op != PL_OP_REPORT;
}

static void fail_at(const char *what, unsigned s, unsigned n, unsigned v, const struct pl_life_row *r)
{
    fail_msg("%s: state %s, need %s, seen %s, row %d", what, pl_state_name((enum pl_state)s),
             pl_need_name((enum pl_need)n), pl_seen_name((enum pl_seen)v), r == NULL ? 0 : r->id);
}

static void test_no_gap(void **state)
{
    (void)state;
    EVERY_INPUT
    {
        const struct pl_life_row *r = first_match(s, n, v);

        if (r == NULL)
            fail_at("no row", s, n, v, NULL);
        if (step(s, n, v) != r)
            fail_at("not the first row that fits", s, n, v, r);
    }
}

static void test_no_shadowed_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < pl_life_rows; i++) {
        unsigned hits = 0;

        EVERY_INPUT
        hits += first_match(s, n, v) == &pl_life_table[i];
        if (hits == 0)
            fail_msg("row %d is never the first that fits", pl_life_table[i].id);
    }
}

static void test_ids_ascend(void **state)
{
    (void)state;
    for (size_t i = 0; i < pl_life_rows; i++) {
        const struct pl_life_row *r = &pl_life_table[i];

        assert_true(r->id > 0);
        assert_true(i == 0 || r->id > pl_life_table[i - 1].id);
        assert_int_equal(r->state >> PL_STATE_COUNT, 0);
        assert_int_equal(r->need >> PL_NEED_COUNT, 0);
        assert_int_equal(r->seen >> PL_SEEN_COUNT, 0);
        assert_in_range(r->next, 0, PL_STATE_COUNT);
        assert_true((r->op >= 0 && r->op < PL_OP_ADD_MEMBER) || r->op == PL_OP_KEEP);
    }
}

static void test_every_state_can_be_left(void **state)
{
    (void)state;
    for (unsigned from = 0; from < PL_STATE_COUNT; from++) {
        unsigned ways = 0;

        EVERY_INPUT
        if (s == from)
            ways += next_state(s, step(s, n, v)) != from;
        if (ways == 0)
            fail_msg("state %s cannot be left", pl_state_name((enum pl_state)from));
    }
}

static void test_every_state_can_be_reached(void **state)
{
    unsigned reached = BIT(PL_STATE_NONE), before = 0;

    (void)state;
    while (reached != before) {
        before = reached;
        EVERY_INPUT
        if ((reached & BIT(s)) != 0)
            reached |= BIT(next_state(s, step(s, n, v)));
    }
    for (unsigned s = 0; s < PL_STATE_COUNT; s++)
        if ((reached & BIT(s)) == 0)
            fail_msg("state %s is never reached", pl_state_name((enum pl_state)s));
}

/* A state advances only when the directory shows the change. */
static void test_a_write_is_only_begun(void **state)
{
    (void)state;
    EVERY_INPUT
    {
        const struct pl_life_row *r = step(s, n, v);
        unsigned to = next_state(s, r);

        if ((r->op == PL_OP_CREATE && to != PL_STATE_CREATING) || (r->op == PL_OP_OPEN && to != PL_STATE_OPENING) ||
            (r->op == PL_OP_KEEP && to != PL_STATE_OPENING) || (r->op == PL_OP_LOCK && to != PL_STATE_LOCKING) ||
            (r->op == PL_OP_CLOSE && to != PL_STATE_CLOSING))
            fail_at("the write leads on without a look", s, n, v, r);
        if (to != s && ((to == PL_STATE_CREATING && r->op != PL_OP_CREATE) ||
                        (to == PL_STATE_OPENING && r->op != PL_OP_OPEN && r->op != PL_OP_KEEP) ||
                        (to == PL_STATE_LOCKING && r->op != PL_OP_LOCK) ||
                        (to == PL_STATE_CLOSING && s != PL_STATE_CLOSING && r->op != PL_OP_CLOSE)))
            fail_at("something is believed begun that was not written", s, n, v, r);
        if (writes(r->op) && BIT(to) & (BIT(PL_STATE_OPEN) | BIT(PL_STATE_READY) | BIT(PL_STATE_PAUSED) |
                                        BIT(PL_STATE_OUT) | BIT(PL_STATE_LOST) | BIT(PL_STATE_FOREIGN)))
            fail_at("a confirmed state is reached by a write", s, n, v, r);
    }
}

static void test_a_leaver_is_closed(void **state)
{
    (void)state;
    EVERY_INPUT
    {
        const struct pl_life_row *r = step(s, n, v);

        if (n == PL_NEED_OUT && (v == PL_SEEN_OPEN || v == PL_SEEN_ENDED) && r->op != PL_OP_CLOSE)
            fail_at("a leaver's account is not closed by us", s, n, v, r);
        if (next_state(s, r) == PL_STATE_OUT && s != PL_STATE_OUT && v != PL_SEEN_LOCKED)
            fail_at("out without a proven lock", s, n, v, r);
        if (next_state(s, r) == PL_STATE_OUT && r->next != PL_STATE_COUNT && n != PL_NEED_OUT)
            fail_at("out though nobody asked for it", s, n, v, r);
        if ((n == PL_NEED_READY || n == PL_NEED_PAUSED) && v == PL_SEEN_OPEN && r->op != PL_OP_LOCK)
            fail_at("an account that must be locked stays open", s, n, v, r);
        if ((n == PL_NEED_READY || n == PL_NEED_PAUSED) && r->op == PL_OP_CLOSE)
            fail_at("a password is made useless for a while only", s, n, v, r);
    }
}

static void test_only_need_opens(void **state)
{
    (void)state;
    EVERY_INPUT
    {
        const struct pl_life_row *r = step(s, n, v);

        if ((r->op == PL_OP_OPEN || r->op == PL_OP_KEEP) && n != PL_NEED_OPEN)
            fail_at("opened though nothing asks for it", s, n, v, r);
        if (r->op == PL_OP_CREATE && n != PL_NEED_OPEN && n != PL_NEED_READY)
            fail_at("created though nothing asks for it", s, n, v, r);
        if (r->op == PL_OP_CREATE && v != PL_SEEN_ABSENT)
            fail_at("created though it is there", s, n, v, r);
        if ((r->next == PL_STATE_OPEN || r->next == PL_STATE_OPENING) && n != PL_NEED_OPEN)
            fail_at("open though nothing asks for it", s, n, v, r);
        if (n == PL_NEED_OPEN && (r->op == PL_OP_LOCK || r->op == PL_OP_CLOSE))
            fail_at("an account that is wanted open is locked", s, n, v, r);
    }
}

/* Nothing outside what we manage is written; nobody's wish is no wish. */
static void test_hands_off(void **state)
{
    (void)state;
    EVERY_INPUT
    {
        const struct pl_life_row *r = step(s, n, v);

        if (v == PL_SEEN_FOREIGN && (writes(r->op) || next_state(s, r) != PL_STATE_FOREIGN))
            fail_at("somebody else's entry", s, n, v, r);
        if (n == PL_NEED_NONE && writes(r->op))
            fail_at("a write that nobody asked for", s, n, v, r);
        if (v == PL_SEEN_ABSENT && writes(r->op) && r->op != PL_OP_CREATE)
            fail_at("a write to an entry that is not there", s, n, v, r);
    }
}

/* After each write the directory shows what was written: then the same need must find rest within a few steps. */
static void test_need_comes_to_rest(void **state)
{
    (void)state;
    EVERY_INPUT
    {
        unsigned at = s, seen = v, steps = 0;
        const struct pl_life_row *r = step(at, n, seen);

        while (writes(r->op) && steps++ < 4) {
            at = next_state(at, r);
            seen = r->op == PL_OP_OPEN || r->op == PL_OP_KEEP ? PL_SEEN_OPEN : PL_SEEN_LOCKED;
            r = step(at, n, seen);
        }
        if (writes(r->op))
            fail_at("written again and again", s, n, v, r);
        if (steps > 0 && r->op != PL_OP_NONE)
            fail_at("a write that worked ends in a finding", s, n, v, r);
        if (steps > 0 && next_state(at, r) != (n == PL_NEED_READY    ? PL_STATE_READY
                                               : n == PL_NEED_OPEN   ? PL_STATE_OPEN
                                               : n == PL_NEED_PAUSED ? PL_STATE_PAUSED
                                                                     : PL_STATE_OUT))
            fail_at("a write that worked does not end where it should", s, n, v, r);
    }
}

static void test_sentences(void **state)
{
    (void)state;
    for (size_t i = 0; i < pl_life_rows; i++) {
        const struct pl_life_row *r = &pl_life_table[i];
        size_t len = r->sentence == NULL ? 0 : strlen(r->sentence);

        assert_true(len > 10);
        assert_int_equal(r->sentence[len - 1], '.');
        assert_true(r->sentence[0] >= 'A' && r->sentence[0] <= 'Z');
        assert_null(strchr(r->sentence, '%'));
        assert_int_equal(r->op == PL_OP_REPORT, r->finding != NULL);
        if (r->finding != NULL)
            assert_int_equal(strspn(r->finding, "abcdefghijklmnopqrstuvwxyz_"), strlen(r->finding));
        for (size_t k = 0; k < len; k++)
            assert_true(r->sentence[k] >= 0x20 && r->sentence[k] < 0x7f);
    }
}

static void test_names(void **state)
{
    static const char *const bad[] = {"", "?", "Open", "open ", "opened", "ope", "done"};
    enum pl_state out;

    (void)state;
    for (unsigned i = 0; i < PL_STATE_COUNT; i++) {
        assert_true(pl_state_parse(pl_str_c(pl_state_name((enum pl_state)i)), &out));
        assert_int_equal(out, i);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(pl_state_parse(pl_str_c(bad[i]), &out));
    assert_false(pl_state_parse((struct pl_str){"open\0", 5}, &out));
    assert_string_equal(pl_state_name(PL_STATE_COUNT), "?");
    assert_string_equal(pl_need_name(PL_NEED_COUNT), "?");
    assert_string_equal(pl_seen_name(PL_SEEN_COUNT), "?");
    assert_string_equal(pl_op_name(PL_OP_COUNT), "?");
    for (unsigned i = 0; i < PL_OP_COUNT; i++)
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(pl_op_name((enum pl_op)i), pl_op_name((enum pl_op)k));
}

static void test_need_from_words(void **state)
{
    static const char *const wants[] = {"open", "locked", "none", "", "OPEN", "open "};
    static const char *const causes[] = {"employed", "arriving", "departed", "suspended", "not_admin",
                                         "never",    "",         "unknown",  "departed "};
    static const char expected[sizeof wants / sizeof wants[0]][sizeof causes / sizeof causes[0] + 1] = {
        "O........", ".RXPX....", ".....N...", ".........", ".........", ".........",
    };

    (void)state;
    for (size_t w = 0; w < sizeof wants / sizeof wants[0]; w++)
        for (size_t c = 0; c < sizeof causes / sizeof causes[0]; c++) {
            enum pl_need need = PL_NEED_COUNT;
            bool ok = pl_need_parse(pl_str_c(wants[w]), pl_str_c(causes[c]), &need);
            char got = !ok ? '.' : "NROPX"[need];

            if (got != expected[w][c])
                fail_msg("want '%s', cause '%s': %c, not %c", wants[w], causes[c], got, expected[w][c]);
            if (!ok)
                assert_int_equal(need, PL_NEED_COUNT);
        }
}

static void dump(FILE *out)
{
    EVERY_INPUT
    {
        const struct pl_life_row *r = step(s, n, v);

        fprintf(out, "%-8s %-6s %-8s -> %d %-6s %s%s%s\n", pl_state_name((enum pl_state)s),
                pl_need_name((enum pl_need)n), pl_seen_name((enum pl_seen)v), r->id, pl_op_name(r->op),
                pl_state_name((enum pl_state)next_state(s, r)), r->finding == NULL ? "" : " ! ",
                r->finding == NULL ? "" : r->finding);
    }
}

/* A change of the table shows as a change of this file, so that a reviewer sees what it means for every input. */
static void test_golden(void **state)
{
    char *have = NULL, *want = calloc(1, 1 << 18), *a, *b;
    size_t n = 0;
    FILE *f = open_memstream(&have, &n);
    int line = 1;

    (void)state;
    assert_non_null(f);
    assert_non_null(want);
    dump(f);
    fclose(f);
    assert_true(source_read("tests/unit/lifecycle.txt", want, 1 << 18) > 0);
    for (a = have, b = want; *a != '\0' && *a == *b; a++, b++)
        line += *a == '\n';
    if (*a != *b)
        fail_msg("lifecycle.txt differs from the table on line %d; `test_lifecycle dump` writes it", line);
    free(have);
    free(want);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_gap),
        cmocka_unit_test(test_no_shadowed_row),
        cmocka_unit_test(test_ids_ascend),
        cmocka_unit_test(test_every_state_can_be_left),
        cmocka_unit_test(test_every_state_can_be_reached),
        cmocka_unit_test(test_a_write_is_only_begun),
        cmocka_unit_test(test_a_leaver_is_closed),
        cmocka_unit_test(test_only_need_opens),
        cmocka_unit_test(test_hands_off),
        cmocka_unit_test(test_need_comes_to_rest),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_need_from_words),
        cmocka_unit_test(test_golden),
    };

    if (argc > 1 && strcmp(argv[1], "dump") == 0) {
        dump(stdout);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
