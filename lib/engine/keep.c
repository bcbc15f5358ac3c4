/* The end of an account that HR knows beforehand: what stands in the directory against what shall, and whose it is.
 *
 * An end is ours when we ever wrote it. That is known from the intents, which are stored before anything is written, so a
 * crash or a write that comes late makes no stranger's end of it. */
#include "priv.h"

void pl_keep_row(struct task *t, const struct pl_row_end *r)
{
    t->end_known = true;
    t->end_row = *r;
    t->end_row.sent = pl_arena_str(t->arena, r->sent);
    t->end_row.lately = pl_arena_str(t->arena, r->lately);
}

static long times_in(struct pl_str moments, int64_t us)
{
    long n = 0;
    for (int64_t x; pl_row_next_moment(&moments, &x);)
        n += x == us;
    return n;
}

static bool is_ours(const struct task *t, int64_t end)
{
    return t->end_known && end != PL_END_NEVER && times_in(t->end_row.sent, end) > 0;
}

static bool end_seen(const struct task *t, int64_t *end)
{
    const struct pl_dialect *dialect = t->dir->dialect;
    return t->entry && dialect->end_seen && dialect->end_seen(t->entry, end);
}

int64_t pl_keep_wanted(const struct dir *d, int64_t ends_us)
{
    return d->conf.end_ahead ? pl_end_round(ends_us, d->dialect->end_grain_us) : PL_END_NEVER;
}

bool pl_keep_ended(const struct task *t, const struct pl_dir_facts *facts)
{
    int64_t end;
    bool was_open = t->state == PL_STATE_OPEN || t->state == PL_STATE_OPENING;
    if (!was_open || !end_seen(t, &end) || end > t->dir->e->now || !is_ours(t, end))
        return false;
    return t->dir->dialect->lock_seen(t->entry, facts, end - 1) == PL_LOCK_OPEN; /* nothing else locks it */
}

bool pl_keep_shown(const struct task *t, int64_t ends_us)
{
    int64_t end;
    return end_seen(t, &end) && end == ends_us;
}

bool pl_keep_is_over(const struct task *t)
{
    int64_t end;
    return end_seen(t, &end) && end <= t->dir->e->now && is_ours(t, end);
}

static struct pl_str moment(struct pl_arena *a, int64_t us)
{
    return us == PL_END_NEVER ? pl_str_c("never") : pl_gentime_print(a, us);
}

static void report(struct task *t, const struct pl_keep_row *r, int64_t seen, int64_t wanted)
{
    struct pl_str dn = t->entry->dn, is = moment(t->arena, seen), shall = moment(t->arena, wanted);
    pl_task_finding(t, r->finding, "warning", 0,
                    pl_arena_printf(t->arena, "%.*s ends %.*s in the directory, by HR %.*s: %s", (int)dn.len, dn.s,
                                    (int)is.len, is.s, (int)shall.len, shall.s, r->sentence));
}

/* An end ahead is a lock that no brake can hold any more. So the ends of a crowd that nobody named are not written ahead:
 * a feed that lets everybody end tomorrow meets the brake tomorrow. */
static bool is_crowd(struct task *t)
{
    const struct dir *d = t->dir;
    const struct pl_row_total *total = pl_gate_total(t->batch, d);
    struct pl_brake_count count = {.locks = (long)t->end_row.crowd,
                                   .open_accounts = total ? (long)total->open_accounts : 0};
    struct pl_buf why = {0};
    bool crowd = !t->end_row.named && t->end_row.ends_us != PL_END_NEVER && d->conf.end_ahead &&
                 !pl_brake_allows(&d->e->conf.brake, &count, &why);
    if (crowd)
        pl_task_finding(
            t, "end_not_ahead", "info", 0,
            pl_arena_printf(t->arena,
                            "%.*s ends when many others do, by a list that names nobody: it is not written "
                            "ahead. When the moment comes the daemon locks it as far as the brake lets it (%s).",
                            (int)t->entry->dn.len, t->entry->dn.s, why.s));
    pl_buf_free(&why);
    return crowd;
}

void pl_keep_plan(struct task *t)
{
    const struct dir *d = t->dir;
    struct pl_step steps[PL_STEPS_MAX];
    int64_t seen, wanted = t->end_known && d->dialect->end_seen && !is_crowd(t) ? pl_keep_wanted(d, t->end_row.ends_us)
                                                                                : PL_END_NEVER;
    if (!t->end_known || !d->dialect->end_seen || wanted <= d->e->now) /* what has passed is a lock, and falls due */
        return;
    if (!end_seen(t, &seen)) {
        if (wanted != PL_END_NEVER)
            pl_task_finding(
                t, "end_unreadable", "warning", 0,
                pl_arena_printf(t->arena,
                                "When %.*s ends cannot be read from the directory, so its end that HR knows "
                                "beforehand is not written; it is locked when the moment comes.",
                                (int)t->entry->dn.len, t->entry->dn.s));
        return;
    }
    struct pl_keep_in in = {
        .seen = pl_end_compare(wanted, seen),
        .wanted = wanted != PL_END_NEVER,
        .ours = is_ours(t, seen),
        .fought = times_in(t->end_row.lately, wanted == PL_END_NEVER ? 0 : wanted) >= PL_KEEP_FOUGHT,
    };
    const struct pl_keep_row *r = pl_keep_step(&in);
    t->keep_end = wanted;
    if (r->op == PL_OP_REPORT)
        report(t, r, seen, wanted);
    else if (r->op == PL_OP_KEEP && pl_exec_steps(t, PL_OP_KEEP, t->look_arena, steps) > 0)
        pl_plan_write(t, PL_OP_KEEP, r->id, r->sentence, "info");
}
