/* The search beside a watch that has to ask: what it tells brings the next question forward and nothing else. */
#include "watch_talk.h"

#define MS INT64_C(1000)

static void tell(struct shell *s, enum pl_watch_msg msg, int code)
{
    struct pl_entry e = {PL_STR(MARI), NULL, 0};
    struct pl_event ev = {.kind = PL_EV_WATCH, .req = s->wake};

    assert_true(s->wake != 0);
    ev.watch.msg = msg;
    ev.watch.entry = &e;
    ev.watch.code = code;
    feed(s, ev);
}

static void woken(struct shell *s)
{
    tell(s, PL_WATCH_ENTRY, 0);
}

static void asked(struct shell *s) /* and there was nothing */
{
    root(s, "100");
    assert_int_equal(s->root, 0);
}

/* It answers in no time, so that only the pauses count. */
static void standing(struct shell *s)
{
    live(s);
    no_compare(s);
    wait(s, SECOND);
    asked(s);
    s->stored = 0;
}

static void test_it_is_asked_at_once(void **state)
{
    struct shell s;
    (void)state;
    standing(&s);
    assert_int_equal(s.wakes, 1);
    wait(&s, 300 * MS);
    assert_int_equal(s.root, 0);
    woken(&s);
    root(&s, "101");
    assert_true(s.watch != 0); /* and what changed is what is told then */
    assert_int_equal(s.stored, 0);
    entry(&s, PL_EV_WATCH, s.watch, MARI, "userAccountControl", "512", NULL);
    END(&s, "\x00", "b");
    assert_int_equal(s.stored, 1);
    assert_int_equal(s.entries, 1);
    wait(&s, SECOND); /* the pause is as it was */
    root(&s, "101");
    pl_engine_free(s.e);
    pl_arena_free(s.a);
}

static void test_a_burst_costs_a_few_questions(void **state)
{
    struct shell s;
    int questions = 0;
    (void)state;
    standing(&s);
    for (int i = 0; i < 10000; i++) { /* one change a millisecond */
        woken(&s);
        if (s.root) {
            asked(&s);
            questions++;
        }
        wait(&s, MS);
        if (s.root) {
            asked(&s);
            questions++;
        }
    }
    assert_in_range(questions, 10, 16); /* 50, 100, 200, 400, 800 ms, and then no more than without it */
    wait(&s, 50 * MS);
    if (s.root)
        asked(&s);
    for (int i = 0; i < 4; i++) { /* quiet again */
        wait(&s, SECOND);
        if (s.root)
            asked(&s);
    }
    wait(&s, 60 * MS);
    woken(&s);
    asked(&s);
    woken(&s);
    assert_int_equal(s.root, 0);
    wait(&s, 50 * MS);
    asked(&s);
    pl_engine_free(s.e);
    pl_arena_free(s.a);
}

static void test_what_comes_while_it_is_asked_is_asked_behind_it(void **state)
{
    struct shell s;
    (void)state;
    standing(&s);
    wait(&s, SECOND);
    assert_true(s.root != 0);
    woken(&s);
    woken(&s);
    asked(&s);
    wait(&s, 49 * MS);
    assert_int_equal(s.root, 0);
    assert_int_equal(s.timer, s.now + MS);
    wait(&s, MS);
    asked(&s);
    wait(&s, 999 * MS);
    assert_int_equal(s.root, 0); /* told once, asked once */
    pl_engine_free(s.e);
    pl_arena_free(s.a);
}

static void test_a_slow_server_is_spared(void **state)
{
    struct shell s;
    (void)state;
    standing(&s);
    wait(&s, SECOND);
    s.now += 2 * SECOND;
    woken(&s);
    asked(&s);
    wait(&s, 8 * SECOND - 1);
    assert_int_equal(s.root, 0);
    wait(&s, 1);
    asked(&s);
    pl_engine_free(s.e);
    pl_arena_free(s.a);
}

static void test_that_it_stands_is_a_reason_to_ask(void **state)
{
    struct shell s;
    (void)state;
    standing(&s);
    wait(&s, 100 * MS);
    tell(&s, PL_WATCH_STANDS, 0);
    asked(&s);
    pl_engine_free(s.e);
    pl_arena_free(s.a);
}

/* Refused, or lost: the questions go on, and it is tried again with the next connection and not before. */
static void test_without_it(void **state)
{
    static const int codes[] = {0, 1, 11, 12, 50, 51, 53, PL_RESULT_UNKNOWN};
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct shell s;
        struct pl_event up = {.kind = PL_EV_DIR_UP};
        standing(&s);
        tell(&s, PL_WATCH_END, codes[i]);
        assert_int_equal(s.compares, 0); /* nothing is missed */
        for (int k = 0; k < 3; k++) {
            wait(&s, SECOND);
            asked(&s);
        }
        assert_int_equal(s.wakes, 1);
        up.up.identity = PL_STR("one");
        up.up.life = PL_STR("dc1");
        up.up.watch = true;
        feed(&s, (struct pl_event){.kind = PL_EV_DIR_DOWN});
        s.root = s.wake = 0;
        feed(&s, up);
        assert_int_equal(s.wakes, 2);
        pl_engine_free(s.e);
        pl_arena_free(s.a);
    }
}

static void test_the_store_comes_and_goes(void **state)
{
    struct shell s;
    (void)state;
    standing(&s);
    uint64_t old = s.wake;
    feed(&s, (struct pl_event){.kind = PL_EV_STORE_DOWN});
    woken(&s); /* of the search that nobody listens to */
    feed(&s, (struct pl_event){.kind = PL_EV_STORE_UP});
    assert_int_equal(s.wakes, 2);
    assert_true(s.wake != old);
    pl_engine_free(s.e);
    pl_arena_free(s.a);
}

static void test_before_the_watch_is_live(void **state)
{
    struct shell s;
    (void)state;
    start(&s, NULL);
    woken(&s);
    tell(&s, PL_WATCH_STANDS, 0);
    woken(&s);
    root(&s, "100");
    woken(&s);
    assert_int_equal(s.root, 0);
    entry(&s, PL_EV_WATCH, s.watch, CANARY, "objectClass", "user", NULL);
    END(&s, "\x00", "a");
    assert_string_equal(s.place, "dirsync:dc1:100:61");
    wait(&s, 50 * MS);
    asked(&s);
    pl_engine_free(s.e);
    pl_arena_free(s.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_it_is_asked_at_once),
                                       cmocka_unit_test(test_a_burst_costs_a_few_questions),
                                       cmocka_unit_test(test_what_comes_while_it_is_asked_is_asked_behind_it),
                                       cmocka_unit_test(test_a_slow_server_is_spared),
                                       cmocka_unit_test(test_that_it_stands_is_a_reason_to_ask),
                                       cmocka_unit_test(test_without_it),
                                       cmocka_unit_test(test_the_store_comes_and_goes),
                                       cmocka_unit_test(test_before_the_watch_is_live)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
