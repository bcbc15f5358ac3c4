/* A running engine takes over intervals and limits, and nothing else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/engine/inspect.h"

#define SECOND INT64_C(1000000)

static const struct pl_template number = {{"employeeNumber", 14}, {"{employee_no}", 13}};

static struct pl_dir_conf directory(const char *name)
{
    return (struct pl_dir_conf){.name = pl_str_c(name),
                                .dialect = PL_STR("openldap"),
                                .people_base = PL_STR("ou=p,dc=x"),
                                .group_base = PL_STR("ou=g,dc=x"),
                                .login_attr = PL_STR("uid"),
                                .number_attr = PL_STR("employeeNumber"),
                                .login_style = PL_STR("given.family"),
                                .rdn_template = PL_STR("uid={login},ou=p,dc=x"),
                                .templates = &number,
                                .n_templates = 1,
                                .inflight = 4};
}

static struct pl_engine_conf conf(const struct pl_dir_conf *dirs, size_t n, int64_t poll_s)
{
    return (struct pl_engine_conf){.dirs = dirs,
                                   .n_dirs = n,
                                   .compare_every_us = 3600 * SECOND,
                                   .poll_us = poll_s * SECOND,
                                   .retry_min_us = SECOND,
                                   .retry_max_us = 10 * SECOND,
                                   .named_leavers = 3,
                                   .bulk_limit = 500};
}

static struct pl_engine *engine(const struct pl_engine_conf *c)
{
    struct pl_err err;
    struct pl_engine *e = pl_engine_new(c, &err);

    if (!e)
        fail_msg("%s", err.text);
    return e;
}

/* Gives it the event, answers its looks at the queue and the clock at once, and returns when it wants to be woken (0: never). */
static int64_t feed(struct pl_engine *e, struct pl_event ev, int64_t now, int *loads, int *limit)
{
    struct pl_command c;
    struct pl_event answers[32];
    size_t n = 0;
    int64_t timer = 0;

    pl_engine_event(e, &ev, now);
    while (pl_engine_next(e, &c)) {
        if (c.kind == PL_CMD_TIMER)
            timer = c.at_us;
        if (c.kind == PL_CMD_LOAD) {
            ++*loads;
            *limit = c.load.limit;
        }
        enum pl_ev_kind kind = c.kind == PL_CMD_TICK   ? PL_EV_TICKED
                               : c.kind == PL_CMD_LOAD ? PL_EV_LOAD_DONE
                                                       : PL_EV_STORE_DONE;
        bool answered = c.kind == PL_CMD_TICK || c.kind == PL_CMD_LOAD || c.kind == PL_CMD_RECOVER;
        if (answered && n < 32)
            answers[n++] = (struct pl_event){.kind = kind, .req = c.req};
    }
    for (size_t i = 0; i < n; i++) {
        int64_t t = feed(e, answers[i], now, loads, limit);
        timer = t ? t : timer;
    }
    return timer;
}

static void test_a_shorter_poll_counts_at_once(void **state)
{
    struct pl_dir_conf d = directory("linn");
    struct pl_engine_conf c = conf(&d, 1, 30);
    struct pl_engine *e = engine(&c);
    struct pl_err err;
    int loads = 0, limit = 0;
    int64_t now = 1000 * SECOND;

    (void)state;
    assert_true(feed(e, (struct pl_event){.kind = PL_EV_STORE_UP}, now, &loads, &limit) == now + 30 * SECOND);
    now += SECOND;
    c = conf(&d, 1, 5);
    assert_true(pl_engine_reconfigure(e, &c, &err));
    assert_true(feed(e, (struct pl_event){.kind = PL_EV_TIMER}, now, &loads, &limit) <= now + 5 * SECOND);
    now += 5 * SECOND;
    assert_true(feed(e, (struct pl_event){.kind = PL_EV_TIMER}, now, &loads, &limit) == now + 5 * SECOND);
    pl_engine_free(e);
}

static void test_limits_count_from_the_next_load(void **state)
{
    struct pl_dir_conf d = directory("linn");
    struct pl_engine_conf c = conf(&d, 1, 30);
    struct pl_engine *e = engine(&c);
    struct pl_event up = {.kind = PL_EV_DIR_UP, .directory = PL_STR("linn")};
    struct pl_err err;
    int loads = 0, limit = 0;

    (void)state;
    up.up.identity = PL_STR("one");
    feed(e, (struct pl_event){.kind = PL_EV_STORE_UP}, SECOND, &loads, &limit);
    feed(e, up, SECOND, &loads, &limit);
    feed(e, (struct pl_event){.kind = PL_EV_DIRTY}, 2 * SECOND, &loads, &limit);
    feed(e, (struct pl_event){.kind = PL_EV_TIMER}, 3 * SECOND, &loads, &limit);
    assert_true(loads > 0);
    assert_int_equal(limit, 500);
    c.bulk_limit = 7;
    loads = 0;
    assert_true(pl_engine_reconfigure(e, &c, &err));
    feed(e, (struct pl_event){.kind = PL_EV_TIMER}, 4 * SECOND, &loads, &limit);
    feed(e, (struct pl_event){.kind = PL_EV_TIMER}, 5 * SECOND, &loads, &limit);
    assert_true(loads > 0); /* what the old limit left is looked for */
    assert_int_equal(limit, 7);
    pl_engine_free(e);
}

static void test_other_directories_are_refused(void **state)
{
    struct pl_dir_conf two[] = {directory("linn"), directory("kool")}, others[] = {directory("linn"), directory("aed")};
    struct pl_engine_conf c = conf(two, 2, 30);
    struct pl_engine *e = engine(&c);
    struct pl_err err;

    (void)state;
    c = conf(others, 2, 5);
    assert_false(pl_engine_reconfigure(e, &c, &err));
    assert_non_null(strstr(err.text, "other directories"));
    c = conf(two, 1, 5);
    assert_false(pl_engine_reconfigure(e, &c, &err));
    two[0] = directory("kool"), two[1] = directory("linn"); /* the order is nobody's business */
    c = conf(two, 2, 5);
    assert_true(pl_engine_reconfigure(e, &c, &err));
    pl_engine_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_shorter_poll_counts_at_once),
        cmocka_unit_test(test_limits_count_from_the_next_load),
        cmocka_unit_test(test_other_directories_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
