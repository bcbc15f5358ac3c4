#include "brake.h"

__extension__ typedef __int128 wide;

/* Says whether `n` of `of` is over the limits, and appends the sentence if so. A negative limit is read as 0. */
static bool over(struct pl_buf *why, const char *verb, const char *what, long n, long of, long max, long share,
                 long share_from)
{
    if (max < 0)
        max = 0;
    if (share < 0)
        share = 0;
    if (n <= 0)
        return false;
    if (n > max) {
        pl_buf_printf(why, "%swould %s %ld %s, the limit is %ld", why->len ? "; " : "", verb, n, what, max);
        return true;
    }
    /* n * 100 / of > share without overflow: n <= max here, but max may be large */
    if (of >= share_from && of > 0 && (wide)n * 100 > (wide)of * share) {
        pl_buf_printf(why, "%swould %s %ld of %ld %s, the limit is %ld %%", why->len ? "; " : "", verb, n, of, what,
                      share);
        return true;
    }
    return false;
}

bool pl_brake_allows(const struct pl_brake_limits *l, const struct pl_brake_count *c, struct pl_buf *why)
{
    bool locks =
        over(why, "lock", "accounts", c->locks, c->open_accounts, l->max_locks, l->max_lock_share, l->share_from);
    bool removals = over(why, "remove", "memberships", c->removals, c->memberships, l->max_removals,
                         l->max_removal_share, l->share_from);
    return !locks && !removals;
}
