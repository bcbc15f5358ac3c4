#include "brake.h"

#include <limits.h>

__extension__ typedef __int128 wide;

/* What a plan would do of one kind, and what it is held against. */
struct measure {
    const char *verb, *what;
    long n, before, of; /* by the plan, lately, and of how many that stand */
    long max, share;
};

/* Appends "would lock 3 accounts after 9 lately, the limit is ". */
static void begin(struct pl_buf *why, const struct measure *m, wide of)
{
    pl_buf_printf(why, "%swould %s %ld ", why->len ? "; " : "", m->verb, m->n);
    if (of > 0)
        pl_buf_printf(why, "of %ld ", of > LONG_MAX ? LONG_MAX : (long)of);
    pl_buf_add_c(why, m->what);
    if (m->before > 0)
        pl_buf_printf(why, " after %ld lately", m->before);
    pl_buf_add_c(why, ", the limit is ");
}

/* Says whether it is over the limits, and appends the sentence if so. A negative limit is read as 0. */
static bool over(struct pl_buf *why, struct measure m, long share_from)
{
    if (m.max < 0)
        m.max = 0;
    if (m.share < 0)
        m.share = 0;
    if (m.before < 0)
        m.before = 0;
    if (m.n <= 0)
        return false;
    wide all = (wide)m.n + m.before;
    if (all > m.max) {
        begin(why, &m, 0);
        pl_buf_printf(why, "%ld", m.max);
        return true;
    }
    wide of = (wide)m.of + m.before; /* what was locked lately stood before */
    if (of >= share_from && of > 0 && all * 100 > of * m.share) {
        begin(why, &m, of);
        pl_buf_printf(why, "%ld %%", m.share);
        return true;
    }
    return false;
}

bool pl_brake_allows(const struct pl_brake_limits *l, const struct pl_brake_count *c, struct pl_buf *why)
{
    bool locks = over(
        why,
        (struct measure){"lock", "accounts", c->locks, c->locked, c->open_accounts, l->max_locks, l->max_lock_share},
        l->share_from);
    bool removals = over(why,
                         (struct measure){"remove", "memberships", c->removals, c->removed, c->memberships,
                                          l->max_removals, l->max_removal_share},
                         l->share_from);
    return !locks && !removals;
}
