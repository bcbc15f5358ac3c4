#include "dialect.h"

#define TICKS_PER_US 10
/* From 1601-01-01 to 1970-01-01: 134774 days. */
#define EPOCH_US (INT64_C(134774) * 86400 * 1000000)

bool pl_filetime_parse(struct pl_str s, int64_t *ticks)
{
    int64_t n;

    if (!pl_str_to_i64(s, &n) || n < 0) {
        return false;
    }
    *ticks = n;
    return true;
}

bool pl_filetime_never(int64_t ticks)
{
    return ticks == 0 || ticks == INT64_MAX;
}

/* No sum here leaves 64 bits: the last tick is in the year 30828. */
int64_t pl_filetime_us(int64_t ticks)
{
    return ticks / TICKS_PER_US - EPOCH_US;
}

/* Never 0, which would be "never" too: that moment is in 1601. */
int64_t pl_filetime_of_us(int64_t us)
{
    if (us <= -EPOCH_US || us > INT64_MAX / TICKS_PER_US - EPOCH_US) {
        return INT64_MAX;
    }
    return (us + EPOCH_US) * TICKS_PER_US;
}
