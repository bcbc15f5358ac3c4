/* The search beside a watch that has to ask: it stays open, and what it tells is taken for "something changed, ask now" and
 * for nothing else. So it may leave out, repeat, be silent or end as it likes: the questions go on as without it, and what
 * is asked is the same. Refused or lost it is not tried again before the directory comes up anew. (MS-ADTS 3.1.1.3.4.1.9:
 * only this filter, and below the root of a naming context since Windows Server 2003.)
 *
 * It tells of our own writes too, and a domain may be busy all day: while it tells one thing after the other, the pause
 * between questions that it causes doubles, up to a second. */
#include "watch_priv.h"

#define GAP_MIN_US 50000
#define GAP_MAX_US 1000000
#define QUIET_US   2000000 /* without a question of its own: it begins with the shortest pause again */

void pl_watch_wake_begin(struct watch *w)
{
    static const char *const attrs[] = {"1.1", NULL};
    struct dir *d = w->d;
    struct wake *k = &w->poll.wake;
    if (!d->dialect->wake_control || k->req || k->off)
        return;
    struct pl_command *c = pl_e_emit(d->e, PL_CMD_WATCH, d);
    c->watch.kind = PL_WATCH_WAKE;
    c->watch.base = d->watch_base;
    c->watch.attrs = attrs;
    k->req = pl_e_request(d->e, c, OWN_WATCH, w, d, TAG_WAKE);
}

static void ended(struct watch *w, int code)
{
    w->poll.wake.req = 0;
    w->poll.wake.off = true;
    pl_e_log(w->d->e, 6, w->d,
             "live watch: the server does not tell when something changed (result %d); it is asked as often as "
             "configured, and nothing is lost",
             code);
}

/* That it stands is told like a change: what was written before is not told by it. */
void pl_watch_wake_told(struct watch *w, const struct pl_event *ev)
{
    if (ev->watch.msg == PL_WATCH_END) {
        ended(w, ev->watch.code);
        return;
    }
    if (ev->watch.msg == PL_WATCH_STANDS)
        pl_e_log(w->d->e, 6, w->d, "live watch: the server tells when something changed, and is asked then");
    w->poll.wake.told = true;
}

/* Not while persons are being worked on, and a moment longer, because the next ones may follow: it is our own writes that
 * it tells of then, and what they left behind is known only when it was looked at. The ordinary question comes all the
 * same. */
void pl_watch_wake_hurries(struct watch *w)
{
    int64_t soon = w->d->e->now + GAP_MIN_US;
    if (w->d->running > 0 && w->poll.soonest_us < soon)
        w->poll.soonest_us = soon;
    if (w->poll.wake.told && !w->poll.open && w->d->running == 0 && w->poll.at_us > w->poll.soonest_us)
        w->poll.at_us = w->poll.soonest_us;
}

static bool was_quiet(const struct watch *w)
{
    const struct wake *k = &w->poll.wake;
    return k->gap_us == 0 || w->d->e->now - k->last_us >= QUIET_US;
}

void pl_watch_wake_asks(struct watch *w)
{
    struct wake *k = &w->poll.wake;
    if (!k->told)
        return;
    k->gap_us = was_quiet(w) ? GAP_MIN_US : k->gap_us * 2 < GAP_MAX_US ? k->gap_us * 2 : GAP_MAX_US;
    k->last_us = w->d->e->now;
    k->told = false;
}

void pl_watch_wake_asked(struct watch *w)
{
    int64_t soonest = w->d->e->now + (was_quiet(w) ? GAP_MIN_US : w->poll.wake.gap_us);
    if (w->poll.soonest_us < soonest)
        w->poll.soonest_us = soonest;
}

void pl_watch_wake_forget(struct watch *w)
{
    struct wake *k = &w->poll.wake;
    struct pl_engine *e = w->d->e;
    for (size_t i = 0; i < e->n_requests && k->req; i++)
        if (e->requests[i].req == k->req)
            e->requests[i].req = 0; /* nobody will ever answer it: the shell ends it when another one begins */
    k->req = 0;
    k->told = false;
}
