/* Days, moments and spans: whether they are written as we say and exist in the calendar. */
#include "moment.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes exactly n digits. */
static bool digits(const char **p, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (!isdigit((unsigned char)**p))
            return false;
        *out = *out * 10 + (**p - '0');
    }
    return !isdigit((unsigned char)**p);
}

static bool take(const char **p, const char *any)
{
    if (**p == 0 || !strchr(any, **p))
        return false;
    (*p)++;
    return true;
}

static bool say(char *why, size_t size, const char *text)
{
    snprintf(why, size, "%s", text);
    return false;
}

static bool say_form(enum ctl_moment_kind kind, char *why, size_t size)
{
    static const char *const forms[] = {
        [CTL_DAY] = "a day is written 2026-03-01, or today",
        [CTL_MOMENT] = "a day is written 2026-03-01, a moment 2026-03-01T08:00:00+02:00, or today",
        [CTL_BACKWARD] =
            "a day is written 2026-03-01, a moment 2026-03-01T08:00:00+02:00, or today, or back from now -2h, -30m",
    };
    return say(why, size, forms[kind]);
}

static bool day_exists(int year, int month, int day, char *why, size_t size)
{
    static const char *const names[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1)
        return say(why, size, "there was no year 0; a day is written year-month-day, 2026-03-01");
    if (month < 1 || month > 12) {
        snprintf(why, size, "there is no month %d; a day is written year-month-day, 2026-03-01", month);
        return false;
    }
    int length = lengths[month - 1] + (leap && month == 2);
    if (day >= 1 && day <= length)
        return true;
    snprintf(why, size, "%s %04d has the days 1 to %d; the last is written %04d-%02d-%02d", names[month - 1], year,
             length, year, month, length);
    return false;
}

/* hh:mm, hh:mm:ss, hh:mm:ss.ffffff; then nothing, Z, +hh or +hh:mm. *form: it is written so at all. */
static bool clock_exists(const char *p, bool *form)
{
    int hour, minute, second = 0, zone = 0, zone_minute = 0;
    *form = digits(&p, 2, &hour) && take(&p, ":") && digits(&p, 2, &minute);
    if (*form && take(&p, ":")) {
        *form = digits(&p, 2, &second);
        if (*form && take(&p, ".")) {
            size_t n = strspn(p, "0123456789");
            *form = n >= 1 && n <= 6;
            p += n;
        }
    }
    if (*form && *p == 'Z')
        p++;
    else if (*form && take(&p, "+-"))
        *form = digits(&p, 2, &zone) && (!take(&p, ":") || digits(&p, 2, &zone_minute));
    *form = *form && *p == 0;
    return *form && hour <= 23 && minute <= 59 && second <= 59 && zone <= 15 && zone_minute <= 59;
}

bool ctl_moment_read(enum ctl_moment_kind kind, const char *text, char *why, size_t size)
{
    const char *p = text;
    char interval[32];
    int year, month, day;
    bool form;
    if (strcmp(text, "today") == 0 || (kind == CTL_BACKWARD && ctl_moment_back(text, interval, sizeof interval)))
        return true;
    if (!digits(&p, 4, &year) || !take(&p, "-") || !digits(&p, 2, &month) || !take(&p, "-") || !digits(&p, 2, &day) ||
        (*p && (kind == CTL_DAY || !take(&p, "T "))))
        return say_form(kind, why, size);
    if (!day_exists(year, month, day, why, size))
        return false;
    if (p == text + 10 || clock_exists(p, &form))
        return true;
    return form ? say(why, size, "a clock shows 00:00:00 to 23:59:59, and a zone is at most 15 hours away")
                : say_form(kind, why, size);
}

bool ctl_moment_back(const char *text, char *interval, size_t size)
{
    static const char *const units[] = {"seconds", "minutes", "hours", "days"};
    if (*text != '-')
        return false;
    size_t n = strspn(text + 1, "0123456789");
    const char *unit = n > 0 && n < 7 && text[n + 1] && !text[n + 2] ? strchr("smhd", text[n + 1]) : NULL;
    if (!unit)
        return false;
    snprintf(interval, size, "%.*s %s", (int)n, text + 1, units[unit - "smhd"]);
    return true;
}

bool ctl_span_read(const char *text, char *interval, size_t size)
{
    static const struct {
        const char *name;
        long minutes;
    } units[] = {{"m", 1}, {"min", 1}, {"minute", 1}, {"minutes", 1}, {"h", 60}, {"hour", 60}, {"hours", 60}};
    size_t n = strspn(text, "0123456789");
    if (n < 1 || n > 4)
        return false;
    const char *unit = text + n + strspn(text + n, " ");
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        long minutes = strtol(text, NULL, 10) * units[i].minutes;
        if (strcmp(unit, units[i].name) == 0 && minutes >= 1 && minutes <= 24 * 60) {
            snprintf(interval, size, "%ld minutes", minutes);
            return true;
        }
    }
    return false;
}
