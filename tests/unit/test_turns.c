/* What is asked of the store first when work comes in: leavers, then what fell due, then the others. No answer comes but
 * those that the test gives, so each stands for a store that is slow just there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/engine/engine.h"

#define SECOND INT64_C(1000000)

struct shell {
    struct pl_engine *e;
    int64_t now;
    char asked[64];    /* since the last look: u and b of the first directory, U and B of the second, t for a tick */
    uint64_t reqs[64]; /* 0: answered */
    enum pl_cmd_kind kinds[64];
    size_t n;
};

static char letter(const struct pl_command *c)
{
    bool second = pl_str_eq_c(c->directory, "kool"), bulk = c->load.class == PL_LOAD_BULK;
    return second ? (bulk ? 'B' : 'U') : bulk ? 'b' : 'u';
}

static void feed(struct shell *s, struct pl_event ev)
{
    struct pl_command c;
    pl_engine_event(s->e, &ev, s->now);
    while (pl_engine_next(s->e, &c)) {
        if (c.kind != PL_CMD_LOAD && c.kind != PL_CMD_TICK && c.kind != PL_CMD_RECOVER)
            continue;
        assert_true(s->n < sizeof s->asked - 1);
        s->asked[s->n] = c.kind == PL_CMD_LOAD ? letter(&c) : c.kind == PL_CMD_TICK ? 't' : 'r';
        s->kinds[s->n] = c.kind;
        s->reqs[s->n++] = c.req;
    }
}

static void row(struct shell *s, uint64_t req, const char *const *texts, size_t n)
{
    struct pl_str cols[32];
    struct pl_event ev = {.kind = PL_EV_LOAD_ROW, .req = req, .directory = PL_STR("")};
    for (size_t i = 0; i < n; i++)
        cols[i] = pl_str_c(texts[i]);
    ev.row.cols = cols;
    ev.row.n = n;
    feed(s, ev);
}

/* A leaver in the list of this letter: looked for in the directory, which never answers. */
static void names_a_leaver(struct shell *s, char which)
{
    static const char *const total[] = {"T", "linn", "0", "0", "one", ""}, *const seq[] = {"D", "7", "linn", "11"},
                             *const person[] = {"P",    "7", "linn", "personal", "locked",  "departed", "t",
                                                "",     "",  "",     "",         "none",    "Jaan",     "Kask",
                                                "1042", "",  "",     "LV",       "enforce", "1",        "0"};
    for (size_t i = 0; i < s->n; i++)
        if (s->asked[i] == which && s->reqs[i]) {
            row(s, s->reqs[i], total, sizeof total / sizeof *total);
            row(s, s->reqs[i], person, sizeof person / sizeof *person);
            row(s, s->reqs[i], seq, sizeof seq / sizeof *seq);
            return;
        }
    fail();
}

/* Answers the first one that is open and goes by this letter: there is no more to do. */
static void answer(struct shell *s, char which)
{
    const struct pl_str none = PL_STR("");
    for (size_t i = 0; i < s->n; i++)
        if (s->asked[i] == which && s->reqs[i]) {
            struct pl_event ev = {.req = s->reqs[i], .directory = none};
            ev.kind = s->kinds[i] == PL_CMD_LOAD   ? PL_EV_LOAD_DONE
                      : s->kinds[i] == PL_CMD_TICK ? PL_EV_TICKED
                                                   : PL_EV_STORE_DONE;
            s->reqs[i] = 0;
            feed(s, ev);
            return;
        }
    fail_msg("%c is not open in \"%s\"", which, s->asked);
}

static void answer_all(struct shell *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->reqs[i])
            answer(s, s->asked[i]);
    memset(s->asked, 0, sizeof s->asked);
    s->n = 0;
}

static void later(struct shell *s, int64_t us)
{
    s->now += us;
    feed(s, (struct pl_event){.kind = PL_EV_TIMER, .directory = PL_STR("")});
}

static void start(struct shell *s)
{
    static const struct pl_template number = {{"employeeNumber", 14}, {"{employee_no}", 13}};
    struct pl_dir_conf dirs[2] = {{.name = PL_STR("linn"),
                                   .dialect = PL_STR("openldap"),
                                   .people_base = PL_STR("ou=p,dc=test"),
                                   .group_base = PL_STR("ou=g,dc=test"),
                                   .canary_dn = PL_STR("cn=canary,dc=test"),
                                   .login_attr = PL_STR("uid"),
                                   .number_attr = PL_STR("employeeNumber"),
                                   .login_style = PL_STR("given.family"),
                                   .rdn_template = PL_STR("uid={login},ou=p,dc=test"),
                                   .templates = &number,
                                   .n_templates = 1,
                                   .inflight = 4}};
    struct pl_engine_conf c = {
        .dirs = dirs, .n_dirs = 2, .retry_min_us = SECOND, .retry_max_us = 10 * SECOND, .bulk_limit = 500};
    struct pl_err err;
    dirs[1] = dirs[0];
    dirs[1].name = PL_STR("kool");
    *s = (struct shell){.now = 1000 * SECOND, .e = pl_engine_new(&c, &err)};
    assert_non_null(s->e);
    feed(s, (struct pl_event){.kind = PL_EV_STORE_UP, .directory = PL_STR("")});
    for (size_t i = 0; i < 2; i++) {
        struct pl_event up = {.kind = PL_EV_DIR_UP, .directory = dirs[i].name};
        up.up.identity = PL_STR("one");
        feed(s, up);
    }
    for (int i = 0; i < 10; i++) { /* whatever the start wants */
        answer_all(s);
        later(s, 2 * SECOND);
    }
    answer_all(s);
    assert_int_equal(s->n, 0);
}

static void end(struct shell *s)
{
    pl_engine_free(s->e);
}

static void dirty(struct shell *s)
{
    feed(s, (struct pl_event){.kind = PL_EV_DIRTY, .directory = PL_STR("")});
}

static void test_leavers_then_what_fell_due_then_the_others(void **state)
{
    struct shell s;
    (void)state;
    start(&s);
    dirty(&s);
    assert_string_equal(s.asked, "uU");
    answer(&s, 'u');
    answer(&s, 'U');
    assert_string_equal(s.asked, "uUtbB"); /* one behind the other in one session: the tick is done before */
    end(&s);
}

/* Who began by the same change that woke us fell due by it too. Looked at before the tick, they would be twice. */
static void test_a_slow_store_does_not_let_the_others_pass_the_tick(void **state)
{
    struct shell s;
    (void)state;
    start(&s);
    dirty(&s);
    answer(&s, 'U');
    later(&s, SECOND / 2);
    assert_null(strchr(s.asked, 'b'));
    answer(&s, 'u');
    assert_non_null(strstr(s.asked, "t"));
    assert_true(strchr(s.asked, 't') < strchr(s.asked, 'b'));
    end(&s);
}

static void test_nobody_waits_for_the_tick_longer_than_a_second(void **state)
{
    struct shell s;
    (void)state;
    start(&s);
    dirty(&s);
    later(&s, SECOND + 1);
    assert_non_null(strchr(s.asked, 't'));
    assert_true(strchr(s.asked, 't') < strchr(s.asked, 'b'));
    end(&s);
}

static void test_no_directory_waits_for_the_leavers_of_another(void **state)
{
    struct shell s;
    (void)state;
    start(&s);
    dirty(&s);
    names_a_leaver(&s, 'u');
    answer(&s, 'u');
    answer(&s, 'U');
    assert_string_equal(s.asked, "uUB");
    later(&s, SECOND / 2);
    assert_null(strchr(s.asked, 't')); /* is it news that their moment has passed? it is not once they are out */
    end(&s);
}

/* Changes come faster than the list of leavers is answered, so that it is asked for without a pause. */
static void test_a_storm_of_changes_lets_the_others_pass(void **state)
{
    int passed = 0;
    (void)state;
    for (int answers_in = 2; answers_in <= 50; answers_in += 6) { /* hints */
        struct shell s;
        int bites = 0;
        start(&s);
        for (int i = 0; i < 1500; i++) {
            s.now += 2000;
            dirty(&s);
            size_t open = i % answers_in == 0 ? s.n : 0;
            for (size_t k = 0; k < open; k++)
                answer(&s, s.asked[k]);
            for (size_t k = 0; k < open; k++)
                bites += s.asked[k] == 'b';
            memmove(s.asked, s.asked + open, sizeof s.asked - open);
            memmove(s.reqs, s.reqs + open, (sizeof s.reqs / sizeof *s.reqs - open) * sizeof *s.reqs);
            memmove(s.kinds, s.kinds + open, (sizeof s.kinds / sizeof *s.kinds - open) * sizeof *s.kinds);
            s.n -= open;
        }
        passed += bites >= 2; /* in three seconds */
        end(&s);
    }
    assert_int_equal(passed, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leavers_then_what_fell_due_then_the_others),
        cmocka_unit_test(test_a_slow_store_does_not_let_the_others_pass_the_tick),
        cmocka_unit_test(test_nobody_waits_for_the_tick_longer_than_a_second),
        cmocka_unit_test(test_no_directory_waits_for_the_leavers_of_another),
        cmocka_unit_test(test_a_storm_of_changes_lets_the_others_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
