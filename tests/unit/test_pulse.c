/* The watchdog's question: is an answer owed for too long? */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/pulse.h"

static void test_nothing_open_is_well(void **state)
{
    struct pld_pulse p = {0};

    (void)state;
    assert_true(pld_pulse_beats(&p, 0, 5));
    assert_true(pld_pulse_beats(&p, 0, 5 + 10 * PLD_PULSE_S));
}

static void test_a_silent_request_ends_it(void **state)
{
    struct pld_pulse p = {0};

    (void)state;
    assert_true(pld_pulse_beats(&p, 7, 100));
    assert_true(pld_pulse_beats(&p, 7, 100 + PLD_PULSE_S - 1));
    assert_false(pld_pulse_beats(&p, 7, 100 + PLD_PULSE_S));
    assert_true(pld_pulse_beats(&p, 8, 100 + PLD_PULSE_S)); /* it was answered after all */
}

static void test_a_long_read_that_goes_on_is_well(void **state)
{
    struct pld_pulse p = {0};
    int64_t now = 100;

    (void)state;
    for (int i = 0; i < 50; i++) {
        assert_true(pld_pulse_beats(&p, 7, now));
        now += PLD_PULSE_S - 1;
        pld_pulse_heard(&p, 7, now); /* a row of it */
        pld_pulse_heard(&p, 9, now);
    }
    pld_pulse_heard(&p, 9, now + PLD_PULSE_S); /* rows of another one help the oldest not */
    assert_false(pld_pulse_beats(&p, 7, now + PLD_PULSE_S));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_open_is_well),
        cmocka_unit_test(test_a_silent_request_ends_it),
        cmocka_unit_test(test_a_long_read_that_goes_on_is_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
