/* Days, moments and spans on the command line: what passes exists, and what does not is told in a sentence. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "daemon/ctl/moment.h"

static void reads(enum ctl_moment_kind kind, const char *text)
{
    char why[160] = "";
    if (!ctl_moment_read(kind, text, why, sizeof why))
        fail_msg("%s is refused: %s", text, why);
}

static void refuses(enum ctl_moment_kind kind, const char *text, const char *says)
{
    char why[160] = "";
    if (ctl_moment_read(kind, text, why, sizeof why))
        fail_msg("%s passes", text);
    if (!strstr(why, says))
        fail_msg("%s is refused with: %s", text, why);
}

static void test_written_as_we_say(void **state)
{
    (void)state;
    reads(CTL_DAY, "2026-03-01");
    reads(CTL_DAY, "today");
    reads(CTL_MOMENT, "2026-03-01");
    reads(CTL_MOMENT, "2026-03-01T08:00");
    reads(CTL_MOMENT, "2026-03-01 08:00:59");
    reads(CTL_MOMENT, "2026-03-01T08:00:00.123456Z");
    reads(CTL_MOMENT, "2026-03-01T23:59:59+02:00");
    reads(CTL_MOMENT, "2026-03-01 08:00:00-03");
    reads(CTL_BACKWARD, "-2h");
    reads(CTL_BACKWARD, "-999999d");
    static const char *const wrong[] = {
        "",
        "soon",
        "yesterday",
        "1.3.2026",
        "2026-3-1",
        "26-03-01",
        "2026-03-1",
        "02026-03-01",
        "2026-03-01T",
        "2026-03-01T8:00",
        "2026-03-01T08",
        "2026-03-01T08:00:",
        "2026/03/01",
        "2026-03-01 ",
        " 2026-03-01",
        "2026-03-01T08:00z",
        "2026-03-01T08:00+",
        "2026-03-01T08:00+2",
        "2026-03-01x",
        "2026-03-01Z",
        "2026-03-01T08:00:00.1234567",
        "2026-03-01T08:00:00.",
        "2026-03-01T08:00:00+02:0",
        "2026-03-01T08:00:00+0200",
        "-2h30m",
        "-h",
        "-2",
        "-1234567s",
        "2h",
        "--2h",
        "-2w",
        "infinity",
        "now",
        "2026-03-\xff\xff",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        refuses(CTL_BACKWARD, wrong[i], "a day is written 2026-03-01");
    refuses(CTL_DAY, "2026-03-01T08:00", "a day is written");
    refuses(CTL_MOMENT, "-2h", "a day is written");
}

/* Every day that mktime knows passes, and no other. */
static void test_every_day_of_the_calendar(void **state)
{
    (void)state;
    static const int years[] = {1900, 1999, 2000, 2023, 2024, 2026, 2100, 2400};
    char text[32], why[160];
    for (size_t y = 0; y < sizeof years / sizeof years[0]; y++) {
        for (int m = 0; m <= 13; m++) {
            for (int d = 0; d <= 32; d++) {
                struct tm t = {.tm_year = years[y] - 1900, .tm_mon = m - 1, .tm_mday = d, .tm_hour = 12};
                time_t at = timegm(&t);
                bool exists = m >= 1 && m <= 12 && at != (time_t)-1 && t.tm_mon == m - 1 && t.tm_mday == d;
                snprintf(text, sizeof text, "%04d-%02d-%02d", years[y], m, d);
                assert_int_equal(ctl_moment_read(CTL_DAY, text, why, sizeof why), exists);
            }
        }
    }
}

static void test_what_does_not_exist_is_named(void **state)
{
    (void)state;
    refuses(CTL_MOMENT, "2026-02-31", "February 2026 has the days 1 to 28; the last is written 2026-02-28");
    refuses(CTL_MOMENT, "2024-02-30T08:00", "February 2024 has the days 1 to 29");
    refuses(CTL_DAY, "2026-04-00", "April 2026 has the days 1 to 30");
    refuses(CTL_DAY, "2026-13-01", "there is no month 13");
    refuses(CTL_DAY, "2026-00-01", "there is no month 0");
    refuses(CTL_DAY, "0000-01-01", "there was no year 0");
    refuses(CTL_MOMENT, "2026-03-01T24:00", "a clock shows");
    refuses(CTL_MOMENT, "2026-03-01T23:60", "a clock shows");
    refuses(CTL_MOMENT, "2026-03-01T23:59:60", "a clock shows");
    refuses(CTL_MOMENT, "2026-03-01T23:59+16", "at most 15 hours");
    refuses(CTL_MOMENT, "2026-03-01T23:59+02:60", "at most 15 hours");
}

static void test_back_and_spans(void **state)
{
    (void)state;
    char out[32];
    assert_true(ctl_moment_back("-30m", out, sizeof out));
    assert_string_equal(out, "30 minutes");
    assert_true(ctl_moment_back("-1d", out, sizeof out));
    assert_string_equal(out, "1 days");
    assert_false(ctl_moment_back("2026-03-01", out, sizeof out));
    static const struct {
        const char *text, *interval;
    } spans[] = {{"30 minutes", "30 minutes"}, {"1 hour", "60 minutes"},  {"2h", "120 minutes"},  {"45m", "45 minutes"},
                 {"24 hours", "1440 minutes"}, {"1 minute", "1 minutes"}, {"90min", "90 minutes"}};
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        assert_true(ctl_span_read(spans[i].text, out, sizeof out));
        assert_string_equal(out, spans[i].interval);
    }
    static const char *const wrong[] = {"",      "1",    "hour",     "-1 hour", "0 minutes", "25 hours",
                                        "1441m", "1.5h", "1 hour 5", "99999m",  "1 week"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(ctl_span_read(wrong[i], out, sizeof out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_as_we_say),
        cmocka_unit_test(test_every_day_of_the_calendar),
        cmocka_unit_test(test_what_does_not_exist_is_named),
        cmocka_unit_test(test_back_and_spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
