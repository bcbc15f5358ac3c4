/* A watch that has to ask (DirSync, update numbers), its questions answered by hand: what it asks when, what it makes of
 * refusals, of a server that knows less and of one that shows half, and when it says how far it has seen. */
#include "watch_talk.h"

/* ---- */

static void test_nothing_new_is_asked_cheaply(void **state)
{
    struct shell s;
    (void)state;
    live(&s);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(s.root, 0);
        wait(&s, SECOND);
        root(&s, "100");
        assert_int_equal(s.watch, 0);
    }
    wait(&s, SECOND);
    root(&s, "101");
    assert_true(s.watch != 0);
    assert_memory_equal(s.sent + s.n_sent - 3,
                        "\x04\x01"
                        "a",
                        3);
    END(&s, "\x00", "b");
    assert_int_equal(s.stored, 0); /* nobody was told of: the cookie can wait */
    wait(&s, SECOND);
    root(&s, "101");
    wait(&s, 60 * SECOND);
    root(&s, "101");
    assert_int_equal(s.stored, 1);
    assert_string_equal(s.place, "dirsync:dc1:101:62");
    pl_engine_free(s.e);
}

static void test_what_changed_is_stored_with_its_cookie(void **state)
{
    struct shell s;
    (void)state;
    live(&s);
    wait(&s, SECOND);
    root(&s, "101");
    entry(&s, PL_EV_WATCH, s.watch, MARI, "userAccountControl", "512", NULL);
    assert_int_equal(s.stored, 0);
    END(&s, "\x01", "b"); /* there is more */
    assert_memory_equal(s.sent + s.n_sent - 3,
                        "\x04\x01"
                        "b",
                        3);
    assert_int_equal(s.stored, 0);
    END(&s, "\x00", "c");
    assert_int_equal(s.stored, 1);
    assert_int_equal(s.entries, 1);
    assert_string_equal(s.id, ID);
    assert_string_equal(s.place, "dirsync:dc1:101:63");
    pl_engine_free(s.e);
}

static void test_a_new_name_is_read(void **state)
{
    struct shell s;
    (void)state;
    live(&s);
    wait(&s, SECOND);
    root(&s, "101");
    entry(&s, PL_EV_WATCH, s.watch, MARI, "name", "mari", NULL);
    END(&s, "\x00", "b");
    assert_int_equal(s.stored, 0); /* its entry is awaited */
    assert_string_equal(s.base, MARI);
    uint64_t req = take(&s.read);
    entry(&s, PL_EV_ENTRY, req, MARI, "objectClass", "person", "sAMAccountName", "mari", NULL);
    done(&s, req, 0);
    assert_int_equal(s.stored, 1);
    assert_string_equal(s.login, "mari");
    assert_string_equal(s.place, "dirsync:dc1:101:62");
    pl_engine_free(s.e);
}

static void test_a_name_that_is_gone_again_and_one_that_cannot_be_read(void **state)
{
    struct shell s;
    (void)state;
    live(&s);
    no_compare(&s);
    for (int i = 0; i < 2; i++) {
        char usn[8];
        snprintf(usn, sizeof usn, "%d", 101 + i);
        wait(&s, SECOND);
        root(&s, usn);
        entry(&s, PL_EV_WATCH, s.watch, MARI, "name", "mari", NULL);
        END(&s, "\x00", "b");
        s.id[0] = '\0';
        done(&s, take(&s.read), i == 0 ? 32 : 51);
        assert_int_equal(s.entries, 1 + i);
        assert_string_equal(s.id, ID); /* whose it was is known by its id */
        assert_int_equal(s.compares, i);
    }
    pl_engine_free(s.e);
}

static void test_a_renamed_unit_is_compared(void **state)
{
    struct shell s;
    (void)state;
    live(&s);
    no_compare(&s);
    wait(&s, SECOND);
    root(&s, "101");
    entry(&s, PL_EV_WATCH, s.watch, "OU=muu,DC=linn,DC=test", "name", "muu", NULL);
    END(&s, "\x00", "b");
    uint64_t req = take(&s.read);
    entry(&s, PL_EV_ENTRY, req, "OU=muu,DC=linn,DC=test", "objectClass", "organizationalUnit", NULL);
    done(&s, req, 0);
    assert_int_equal(s.compares, 1);
    pl_engine_free(s.e);
}

static void test_a_deletion_that_is_told(void **state)
{
    struct shell s;
    (void)state;
    live(&s);
    wait(&s, SECOND);
    root(&s, "101");
    entry(&s, PL_EV_WATCH, s.watch, "CN=mari\\0ADEL:x,CN=Deleted Objects,DC=linn,DC=test", "name", "mari\nDEL:x",
          "isDeleted", "TRUE", NULL);
    END(&s, "\x00", "b");
    assert_int_equal(s.read, 0);
    assert_string_equal(s.id, ID);
    pl_engine_free(s.e);
}

/* ---- going on, and not ---- */

static void test_it_goes_on_where_it_had_ended(void **state)
{
    struct shell s;
    (void)state;
    start(&s, "dirsync:dc1:90:aa");
    root(&s, "100");
    assert_memory_equal(s.sent + s.n_sent - 3, "\x04\x01\xaa", 3);
    entry(&s, PL_EV_WATCH, s.watch, MARI, "userAccountControl", "512", NULL);
    END(&s, "\x00", "b");
    assert_int_equal(s.entries, 1);
    assert_string_equal(s.place, "dirsync:dc1:100:62");
    pl_engine_free(s.e);
}

static void anew(const char *cookie)
{
    struct shell s;
    start(&s, cookie);
    root(&s, "100");
    assert_memory_equal(s.sent + s.n_sent - 2, "\x04\x00", 2);
    entry(&s, PL_EV_WATCH, s.watch, CANARY, "objectClass", "user", NULL);
    entry(&s, PL_EV_WATCH, s.watch, MARI, "objectClass", "user", NULL);
    END(&s, "\x00", "b");
    assert_int_equal(s.entries, 0); /* the compare reads what stands there */
    assert_int_equal(s.compares, 1);
    pl_engine_free(s.e);
}

static void test_what_is_not_of_this_server_is_not_believed(void **state)
{
    (void)state;
    anew(NULL);
    anew("dirsync:dc2:90:aa");
    anew("dirsync::90:aa");
    anew("rid=000,csn=20260101000000.000000Z#000000#000#000000");
}

static void test_a_cookie_that_is_refused_is_given_up_once(void **state)
{
    struct shell s;
    (void)state;
    start(&s, "dirsync:dc1:90:aa");
    root(&s, "100");
    end(&s, "", 0, 12);
    wait(&s, 1); /* the store still has it */
    root(&s, "100");
    assert_memory_equal(s.sent + s.n_sent - 2, "\x04\x00", 2);
    entry(&s, PL_EV_WATCH, s.watch, CANARY, "objectClass", "user", NULL);
    END(&s, "\x00", "b");
    assert_string_equal(s.place, "dirsync:dc1:100:62");
    assert_int_equal(s.went_back, 0);
    pl_engine_free(s.e);
}

static void test_a_server_that_knows_less_raises_the_alarm(void **state)
{
    struct shell s;
    (void)state;
    start(&s, "dirsync:dc1:90:aa");
    root(&s, "89");
    assert_int_equal(s.watch, 0);
    wait(&s, 1);
    root(&s, "89");
    assert_memory_equal(s.sent + s.n_sent - 2, "\x04\x00", 2);
    entry(&s, PL_EV_WATCH, s.watch, CANARY, "objectClass", "user", NULL);
    END(&s, "\x00", "b");
    assert_int_equal(s.went_back, 1);
    assert_string_equal(s.place, "dirsync:dc1:89:62");
    assert_int_equal(s.compares, 1);
    pl_engine_free(s.e);
}

/* ---- without DirSync ---- */

static void by_numbers(struct shell *s)
{
    assert_string_equal(s->place, "usn:dc1:100");
    wait(s, SECOND);
    root(s, "100");
    assert_int_equal(s->changed, 0);
    wait(s, SECOND);
    root(s, "103");
    assert_string_equal(s->filter, "(uSNChanged>=101)");
    uint64_t req = take(&s->changed);
    entry(s, PL_EV_ENTRY, req, MARI, "objectClass", "person", "sAMAccountName", "mari", NULL);
    done(s, req, 0);
    assert_int_equal(s->entries, 1);
    assert_string_equal(s->place, "usn:dc1:103");
    assert_int_equal(s->watch, 0);
}

static void test_refused(void **state)
{
    static const int codes[] = {1, 12, 50, 53};
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct shell s;
        start(&s, NULL);
        root(&s, "99");
        end(&s, "", 0, codes[i]);
        root(&s, "100");
        by_numbers(&s);
        pl_engine_free(s.e);
    }
}

static void test_a_success_that_shows_nothing(void **state)
{
    struct shell s;
    (void)state;
    start(&s, NULL);
    root(&s, "99");
    entry(&s, PL_EV_WATCH, s.watch, MARI, "objectClass", "user", NULL);
    END(&s, "\x00", "b");
    root(&s, "100");
    by_numbers(&s);
    pl_engine_free(s.e);
}

static void test_more_than_the_server_tells_at_once_is_compared(void **state)
{
    struct shell s;
    (void)state;
    start(&s, "usn:dc1:100");
    root(&s, "100");
    no_compare(&s);
    wait(&s, SECOND);
    root(&s, "3000");
    done(&s, take(&s.changed), 4);
    assert_int_equal(s.compares, 1);
    pl_engine_free(s.e);
}

static void test_a_busy_server_is_asked_again_later(void **state)
{
    struct shell s;
    (void)state;
    live(&s);
    wait(&s, SECOND);
    root(&s, "101");
    end(&s, "", 0, 51);
    assert_int_equal(s.root, 0);
    s.cookie = s.place; /* what the store has by now */
    wait(&s, SECOND);
    root(&s, "101");
    assert_memory_equal(s.sent + s.n_sent - 3,
                        "\x04\x01"
                        "a",
                        3);
    END(&s, "\x00", "b");
    wait(&s, 61 * SECOND);
    root(&s, "101");
    assert_string_equal(s.place, "dirsync:dc1:101:62");
    pl_engine_free(s.e);
}

static void test_an_answer_that_is_none(void **state)
{
    struct shell s;
    (void)state;
    live(&s);
    wait(&s, SECOND);
    root(&s, "101");
    end(&s, "\x30\x00", 2, 0);
    assert_int_equal(s.root, 0);
    wait(&s, SECOND);
    assert_true(s.root != 0);
    pl_engine_free(s.e);
}

/* The pause is four times as long as the answer took. */
static void test_a_slow_server_is_asked_less_often(void **state)
{
    struct shell s;
    (void)state;
    live(&s);
    wait(&s, SECOND);
    root(&s, "101");
    s.now += 2 * SECOND;
    END(&s, "\x00", "b");
    wait(&s, 7 * SECOND);
    assert_int_equal(s.root, 0);
    wait(&s, SECOND);
    assert_true(s.root != 0);
    pl_engine_free(s.e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_new_is_asked_cheaply),
        cmocka_unit_test(test_what_changed_is_stored_with_its_cookie),
        cmocka_unit_test(test_a_new_name_is_read),
        cmocka_unit_test(test_a_name_that_is_gone_again_and_one_that_cannot_be_read),
        cmocka_unit_test(test_a_renamed_unit_is_compared),
        cmocka_unit_test(test_a_deletion_that_is_told),
        cmocka_unit_test(test_it_goes_on_where_it_had_ended),
        cmocka_unit_test(test_what_is_not_of_this_server_is_not_believed),
        cmocka_unit_test(test_a_cookie_that_is_refused_is_given_up_once),
        cmocka_unit_test(test_a_server_that_knows_less_raises_the_alarm),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_a_success_that_shows_nothing),
        cmocka_unit_test(test_more_than_the_server_tells_at_once_is_compared),
        cmocka_unit_test(test_a_busy_server_is_asked_again_later),
        cmocka_unit_test(test_an_answer_that_is_none),
        cmocka_unit_test(test_a_slow_server_is_asked_less_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
