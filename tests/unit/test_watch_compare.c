/* A full compare beside a watch that is told of no deletions: who was told before it and is stored after it may be gone, and
 * the compare has seen that. */
#include "watch_talk.h"

static void one_entry(struct shell *s, uint64_t req, const char *dn)
{
    entry(s, PL_EV_ENTRY, req, dn, "objectClass", "person", "sAMAccountName", "mari", NULL);
}

/* By update numbers, which show whole entries; the question stays open. */
static uint64_t told(struct shell *s)
{
    start(s, NULL);
    root(s, "99");
    end(s, "", 0, 50);
    root(s, "100");
    no_compare(s);
    wait(s, SECOND);
    root(s, "103");
    return take(&s->changed);
}

static void compare_begins(struct shell *s)
{
    feed(s, (struct pl_event){.kind = PL_EV_CONTROL});
    feed(s, (struct pl_event){.kind = PL_EV_SCAN_DONE, .req = take(&s->scan)});
    uint64_t canary = take(&s->read);
    one_entry(s, canary, CANARY);
    done(s, canary, 0);
}

static void compare_ends(struct shell *s, bool complete)
{
    done(s, take(&s->changed), complete ? 0 : 4);
}

static void compare(struct shell *s, bool complete)
{
    compare_begins(s);
    compare_ends(s, complete);
}

static void ends(struct shell *s, uint64_t question)
{
    s->stored = s->entries = 0;
    done(s, question, 0);
    assert_int_equal(s->stored, 1);
    assert_int_equal(s->entries, 1); /* a person of ours is looked at in any case */
    assert_string_equal(s->login, "mari");
}

static void test_told_before_the_compare_and_stored_after_it(void **state)
{
    struct shell s;
    (void)state;
    uint64_t question = told(&s);
    one_entry(&s, question, MARI);
    compare(&s, true);
    ends(&s, question);
    assert_string_equal(s.finding, "");
    pl_engine_free(s.e);
}

static void test_told_before_the_compare_and_stored_while_it_runs(void **state)
{
    struct shell s;
    (void)state;
    uint64_t question = told(&s);
    one_entry(&s, question, MARI);
    compare_begins(&s);
    ends(&s, question);
    assert_string_equal(s.finding, "");
    compare_ends(&s, true);
    pl_engine_free(s.e);
}

static void test_told_while_the_compare_runs(void **state)
{
    struct shell s;
    (void)state;
    uint64_t question = told(&s);
    compare_begins(&s);
    one_entry(&s, question, MARI);
    compare_ends(&s, true);
    ends(&s, question);
    assert_string_equal(s.finding, "orphan_account");
    pl_engine_free(s.e);
}

static void test_told_before_a_compare_that_was_cut_short(void **state)
{
    struct shell s;
    (void)state;
    uint64_t question = told(&s);
    one_entry(&s, question, MARI);
    compare(&s, false);
    ends(&s, question);
    assert_string_equal(s.finding, "orphan_account");
    pl_engine_free(s.e);
}

static void test_told_after_the_compare(void **state)
{
    struct shell s;
    (void)state;
    uint64_t question = told(&s);
    compare(&s, true);
    one_entry(&s, question, MARI);
    ends(&s, question);
    assert_string_equal(s.finding, "orphan_account");
    pl_engine_free(s.e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told_before_the_compare_and_stored_after_it),
        cmocka_unit_test(test_told_before_the_compare_and_stored_while_it_runs),
        cmocka_unit_test(test_told_while_the_compare_runs),
        cmocka_unit_test(test_told_before_a_compare_that_was_cut_short),
        cmocka_unit_test(test_told_after_the_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
