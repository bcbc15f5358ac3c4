#include "dialect.h"

#define US INT64_C(1000000)

/* Days since 1970-01-01 in the Gregorian calendar, also before it was invented. Years begin in March here, so that the
 * leap day is the last one. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;

    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2));
}

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && leap(year) ? 29 : days[month - 1];
}

static bool digit_at(struct pl_str s, size_t i)
{
    return i < s.len && s.s[i] >= '0' && s.s[i] <= '9';
}

/* Takes exactly `width` digits, value within low..high. */
static bool take(struct pl_str *s, size_t width, int low, int high, int *out)
{
    int v = 0;

    for (size_t i = 0; i < width; i++) {
        if (!digit_at(*s, i)) {
            return false;
        }
        v = v * 10 + (s->s[i] - '0');
    }
    s->s += width;
    s->len -= width;
    *out = v;
    return v >= low && v <= high;
}

/* A fraction of the smallest unit that was given, rounded down to microseconds. Nine digits of an hour are 4 us. */
static bool take_fraction(struct pl_str *s, int64_t unit_us, int64_t *us)
{
    int64_t v = 0, scale = 1;
    size_t n = 0;

    if (s->len == 0 || (s->s[0] != '.' && s->s[0] != ',')) {
        return true;
    }
    for (n = 1; digit_at(*s, n); n++) {
        if (n <= 9) {
            v = v * 10 + (s->s[n] - '0');
            scale *= 10;
        }
    }
    *us += unit_us * v / scale;
    s->s += n;
    s->len -= n;
    return n > 1;
}

/* "Z" or the difference from UTC, which is east when positive. */
static bool take_zone(struct pl_str *s, int64_t *us)
{
    int hours, minutes = 0;
    bool west;

    if (s->len == 0) {
        return false;
    }
    if (s->s[0] == 'Z') {
        return s->len == 1;
    }
    if (s->s[0] != '+' && s->s[0] != '-') {
        return false;
    }
    west = s->s[0] == '-';
    s->s++;
    s->len--;
    if (!take(s, 2, 0, 23, &hours) || (s->len > 0 && !take(s, 2, 0, 59, &minutes)) || s->len > 0) {
        return false;
    }
    *us += (west ? 1 : -1) * (hours * 3600 + minutes * 60) * US;
    return true;
}

bool pl_gentime_parse(struct pl_str s, int64_t *us)
{
    int year, month, day, hour, minute = 0, second = 0;
    int64_t unit = 3600 * US, t;

    if (!take(&s, 4, 0, 9999, &year) || !take(&s, 2, 1, 12, &month) || !take(&s, 2, 1, 31, &day) ||
        !take(&s, 2, 0, 23, &hour) || day > month_days(year, month)) {
        return false;
    }
    if (digit_at(s, 0)) {
        unit = 60 * US;
        if (!take(&s, 2, 0, 59, &minute)) {
            return false;
        }
        if (digit_at(s, 0)) { /* 60 is a leap second: the first moment of the next minute for us */
            unit = US;
            if (!take(&s, 2, 0, 60, &second)) {
                return false;
            }
        }
    }
    t = (days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * US;
    if (!take_fraction(&s, unit, &t) || !take_zone(&s, &t)) {
        return false;
    }
    *us = t;
    return true;
}

struct pl_str pl_gentime_print(struct pl_arena *a, int64_t us)
{
    const int64_t first = days_of(0, 1, 1) * 86400, last = days_of(10000, 1, 1) * 86400 - 1;
    int64_t s = us / US - (us % US < 0), days, left;
    int year, month, day;

    s = s < first ? first : s > last ? last : s; /* four digits of a year are all there are */
    days = s / 86400 - (s % 86400 < 0);
    left = s - days * 86400;
    date_of(days, &year, &month, &day);
    return pl_arena_printf(a, "%04d%02d%02d%02d%02d%02dZ", year, month, day, (int)(left / 3600), (int)(left / 60 % 60),
                           (int)(left % 60));
}
