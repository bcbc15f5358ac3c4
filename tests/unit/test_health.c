/* One table says what is wrong, to monitoring and to people: every field is said by somebody, and nothing is said of
 * what is well. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/core/health.h"

static void says(const struct pl_health *h, enum pl_health_view view, long n, const char *text)
{
    struct pl_buf b = {0};
    long got = pl_health_say(h, view, "; ", &b);

    if (got != n || strcmp(b.len ? b.s : "", text) != 0)
        fail_msg("%ld: '%s' instead of %ld: '%s'", got, b.len ? b.s : "", n, text);
    pl_buf_free(&b);
}

static void test_all_is_well(void **state)
{
    struct pl_health_dir up = {.name = PL_STR("linn"), .up = true, .for_s = 100000};
    struct pl_health h = {.dirs = &up, .n_dirs = 1, .oldest_s = PL_HEALTH_QUEUE_S - 1};

    (void)state;
    says(&h, PL_HEALTH_MACHINE, 0, "");
    says(&h, PL_HEALTH_PERSON, 0, "");
}

/* Every number that can be wrong, alone, is said in at least one view. */
static void test_no_field_is_forgotten(void **state)
{
    const size_t longs[] = {
        offsetof(struct pl_health, database_away), offsetof(struct pl_health, database_silent),
        offsetof(struct pl_health, no_daemon),     offsetof(struct pl_health, stuck),
        offsetof(struct pl_health, other_schema),  offsetof(struct pl_health, locks_not_proven),
        offsetof(struct pl_health, critical),      offsetof(struct pl_health, warning),
        offsetof(struct pl_health, held_plans),    offsetof(struct pl_health, work_orders),
        offsetof(struct pl_health, incomplete),    offsetof(struct pl_health, unanswered),
        offsetof(struct pl_health, needs_restart),
    };

    (void)state;
    for (size_t i = 0; i < sizeof longs / sizeof longs[0]; i++) {
        struct pl_health h = {0};
        struct pl_buf b = {0};
        long one = 1, n;

        memcpy((char *)&h + longs[i], &one, sizeof one);
        n = pl_health_say(&h, PL_HEALTH_MACHINE, "; ", &b) + pl_health_say(&h, PL_HEALTH_PERSON, "; ", &b);
        assert_true(n == 1 || n == 2);
        assert_true(b.len > 0);
        pl_buf_free(&b);
    }
}

static void test_words(void **state)
{
    struct pl_health h = {.critical = 1, .warning = 2, .held_plans = 2, .work_orders = 3, .overdue = 1};

    (void)state;
    says(&h, PL_HEALTH_PERSON, 8, "1 critical finding; 2 warnings; 2 held plans; 3 open work orders (1 overdue)");
    says(&h, PL_HEALTH_MACHINE, 0, ""); /* people's work is no fault of the machine */
    h = (struct pl_health){.locks_not_proven = 2, .database_away = 1};
    says(&h, PL_HEALTH_MACHINE, 3, "PostgreSQL is away; 2 locks are not proven to be enforced");
}

static void test_times(void **state)
{
    struct pl_health_dir dirs[] = {{.name = PL_STR("linn"), .for_s = PL_HEALTH_AWAY_S - 1},
                                   {.name = PL_STR("kool"), .refused = true, .for_s = 1},
                                   {.name = PL_STR("aed"), .for_s = PL_HEALTH_AWAY_S}};
    struct pl_health h = {.dirs = dirs, .n_dirs = 3};

    (void)state;
    says(&h, PL_HEALTH_MACHINE, 2,
         "directory kool refuses our log-on and is away for 1 s; directory aed is away for 2 min");
    says(&h, PL_HEALTH_PERSON, 2,
         "directory kool refuses our log-on and is away for 1 s; directory aed is away for 2 min");
    h = (struct pl_health){.oldest_s = PL_HEALTH_QUEUE_S};
    says(&h, PL_HEALTH_MACHINE, 1, "a change has waited for 5 min");
    h.oldest_s = 7200;
    says(&h, PL_HEALTH_PERSON, 1, "a change has waited for 2 h");
    h.oldest_s = 86400 * 3 + 5;
    says(&h, PL_HEALTH_PERSON, 1, "a change has waited for 3 d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_well),
        cmocka_unit_test(test_no_field_is_forgotten),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
