/* Days, moments and spans as people type them. Pure, so that a test can try them all; PostgreSQL reads what passes. */
#ifndef PAASLA_CTL_MOMENT_H
#define PAASLA_CTL_MOMENT_H

#include <stdbool.h>
#include <stddef.h>

enum ctl_moment_kind {
    CTL_DAY,      /* 2026-03-01, today */
    CTL_MOMENT,   /* also 2026-03-01T08:00, with seconds and zone if wanted; a day is its beginning in Tallinn */
    CTL_BACKWARD, /* also -2h, -30m, -1d, -10s: back from now */
};

/* False: *why says what is wrong and how it is written, as the rest of a sentence that begins with the option. */
bool ctl_moment_read(enum ctl_moment_kind kind, const char *text, char *why, size_t size);
/* "-2h" as the interval "2 hours"; false when it is no such thing. */
bool ctl_moment_back(const char *text, char *interval, size_t size);
/* "30 minutes", "1 hour", "45m", "2h" as an interval of at least a minute and at most a day; false when it is none. */
bool ctl_span_read(const char *text, char *interval, size_t size);

#endif
