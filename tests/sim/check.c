/* Invariants that hold at every moment. Each command and each write is held against what the store and the directory
 * model know, never against what the engine says. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../lib/directory/dn.h"
#include "run.h"

enum { LEAVER_ROW = 760 }; /* of member.c */

void check_fail(struct sim *m, const char *fmt, ...)
{
    va_list ap;
    if (m->c.fail[0] != '\0')
        return; /* the first one is the cause */
    va_start(ap, fmt);
    vsnprintf(m->c.fail, sizeof m->c.fail, fmt, ap);
    va_end(ap);
    sim_trace(m, "BROKEN: %s", m->c.fail);
}

/* ---- what a LOAD showed ---- */

static struct shown *newest(struct sim *m, int p, int d)
{
    int n = m->c.n_shown[p][d];
    return n > 0 ? &m->c.shown[p][d][(n - 1) % SHOWN] : NULL;
}

static void show(struct sim *m, int p, int d, int64_t at_us)
{
    struct shown *last = newest(m, p, d), now, *x = &now;
    *x = (struct shown){.at_us = at_us,
                        .named = store_named(&m->s, p, d, m->naming, m->now),
                        .dir_enforced = m->w.dir_mode[d] == PL_MODE_ENFORCE};
    for (int k = 0; k < N_PURPOSES; k++) {
        x->need[k] = store_wanted(&m->s, p, d, (enum purpose)k, at_us).need;
        x->ends[k] = store_ends(&m->s, p, d, (enum purpose)k, at_us);
        x->named_end[k] = store_end_named(&m->s, p, x->ends[k], m->naming);
        x->crowd[k] = !x->named_end[k] && store_crowd(&m->s, x->ends[k], at_us) > m->brake.max_locks;
    }
    for (int g = 0; g < m->w.n_groups; g++) {
        const struct role_group *rg = &m->w.groups[g];
        const struct account *a = store_account(&m->s, p, d, rg->purpose);
        if (rg->dir != d)
            continue;
        x->wanted |= store_entitled(&m->s, p, g, at_us) ? 1u << g : 0;
        x->enforced |= m->w.roles[rg->role].mode == PL_MODE_ENFORCE ? 1u << g : 0;
        x->believed |= a && a->present[g] == 1 ? 1u << g : 0;
    }
    bool same = last && last->named == x->named && last->dir_enforced == x->dir_enforced &&
                last->need[ADMIN] == x->need[ADMIN] && last->need[PERSONAL] == x->need[PERSONAL] &&
                last->ends[ADMIN] == x->ends[ADMIN] && last->ends[PERSONAL] == x->ends[PERSONAL] &&
                last->crowd[ADMIN] == x->crowd[ADMIN] && last->crowd[PERSONAL] == x->crowd[PERSONAL] &&
                last->named_end[ADMIN] == x->named_end[ADMIN] && last->named_end[PERSONAL] == x->named_end[PERSONAL] &&
                last->wanted == x->wanted && last->enforced == x->enforced && last->believed == x->believed;
    if (!same)
        m->c.shown[p][d][m->c.n_shown[p][d]++ % SHOWN] = *x;
}

/* The number of a LOAD. It has it from the engine on: one that is answered after its directory was lost is nobody's. */
long check_load_number(struct sim *m)
{
    m->c.loads++;
    if (m->c.loads >= m->c.cap_loads) {
        long was = m->c.cap_loads;
        m->c.cap_loads = was ? was * 2 : 256;
        m->c.load_locks = pl_xrealloc_array(m->c.load_locks, (size_t)m->c.cap_loads, sizeof(long));
        m->c.load_removals = pl_xrealloc_array(m->c.load_removals, (size_t)m->c.cap_loads, sizeof(long));
        memset(m->c.load_locks + was, 0, (size_t)(m->c.cap_loads - was) * sizeof(long));
        memset(m->c.load_removals + was, 0, (size_t)(m->c.cap_loads - was) * sizeof(long));
    }
    return m->c.loads;
}

void check_loaded(struct sim *m, const struct pl_command *c, int64_t at_us)
{
    for (size_t i = 0; i < c->load.n_dirs; i++)
        for (int p = 0, d = store_dir(c->load.dirs[i]); p < m->w.n_persons; p++)
            if (store_is_dirty(&m->s, p, d))
                show(m, p, d, at_us);
}

/* The rows of a LOAD are with the engine: what it does with these pairs from now on belongs to one plan, until it
 * settles them. A pair that is in work already stays in its older plan. */
void check_delivered(struct sim *m, const struct req *r)
{
    for (size_t i = 0; i < r->rows.n; i++) {
        const struct row *v = &r->rows.v[i];
        int64_t person = 0;
        if (!pl_str_eq_c(v->cols[0], "P") || !pl_str_to_i64(v->cols[1], &person))
            continue;
        int d = store_dir(v->cols[2]);
        if (r->load <= m->c.dropped[d]) /* nobody waits for this answer any more */
            continue;
        if (!m->c.in_work[person - 1][d]) {
            m->c.work_load[person - 1][d] = r->load;
            m->c.work_since[person - 1][d] = m->now;
        }
        m->c.in_work[person - 1][d] = true;
    }
}

/* A pair leaves its plan when it is settled; the next plan may be loaded while others of this one are still written. */
void check_settled(struct sim *m, const struct pl_settle *t)
{
    int person = (int)t->person_id - 1, dir = store_dir(t->directory);
    if (t->n_seqs > 0)
        m->c.in_work[person][dir] = false;
}

void check_dropped(struct sim *m, int dir)
{
    for (int d = 0; d < N_DIRS; d++)
        if (dir < 0 || d == dir)
            m->c.dropped[d] = m->c.loads;
    for (int p = 0; p < MAX_PERSONS; p++)
        for (int d = 0; d < N_DIRS; d++)
            if (dir < 0 || d == dir)
                m->c.in_work[p][d] = false;
}

/* ---- intents: 3, 4, 5 ---- */

static bool justified(struct sim *m, const struct shown *x, const struct pl_intent *in, const struct account *a)
{
    enum pl_need need = x->need[a->purpose];
    unsigned bit = in->role_group_id > 0 ? 1u << (in->role_group_id - 1) : 0;
    bool leaver = m->lock_observed[a->dir] && x->named && need == PL_NEED_OUT;
    if (!x->dir_enforced && !(leaver && (in->op == PL_OP_CLOSE || in->op == PL_OP_LOCK)))
        return false;
    switch (in->op) {
    case PL_OP_CREATE:
        return need == PL_NEED_OPEN || need == PL_NEED_READY;
    case PL_OP_OPEN:
        return need == PL_NEED_OPEN;
    case PL_OP_RENAME:
        return need == PL_NEED_OPEN && m->w.n_former[a->person] > 0;
    case PL_OP_KEEP:                     /* what HR says to the second, and never sooner */
        if (in->ends_us == PL_END_NEVER) /* a share of the open accounts may make a crowd, too */
            return need == PL_NEED_OPEN && (x->ends[a->purpose] == NEVER || !x->named_end[a->purpose]);
        return need == PL_NEED_OPEN && !x->crowd[a->purpose] && in->ends_us >= x->ends[a->purpose] &&
               in->ends_us - x->ends[a->purpose] < US_SECOND;
    case PL_OP_LOCK:
        return need == PL_NEED_READY || need == PL_NEED_PAUSED || need == PL_NEED_OUT;
    case PL_OP_CLOSE:
        return need == PL_NEED_OUT;
    case PL_OP_ADD_MEMBER:
        return (x->wanted & bit) && (x->enforced & bit);
    case PL_OP_REMOVE_MEMBER:
        return !(x->wanted & bit) && (x->enforced & bit);
    default:
        return false;
    }
}

/* The newest look that justifies it; one that named the person goes first, for the engine may still act on that. */
static const struct shown *why(struct sim *m, const struct pl_intent *in, const struct account *a)
{
    const struct shown *found = NULL;
    int n = m->c.n_shown[a->person][a->dir];
    for (int i = n - 1; i >= 0 && i > n - 1 - SHOWN; i--) {
        const struct shown *x = &m->c.shown[a->person][a->dir][i % SHOWN];
        if (justified(m, x, in, a) && (!found || (x->named && !found->named)))
            found = x;
    }
    return found;
}

/* How many locks (g MAX_GROUPS) or removals of a directory began lately. The window begins when the brake lets them pass,
 * which is a while before they begin: so a part of it only is looked at. */
static long lately(const struct sim *m, int dir, bool locks)
{
    int64_t since = m->now - m->brake_window_us + m->brake_window_us / 4;
    long n = 0;
    for (int a = 0; a < m->s.n_accounts; a++)
        for (int g = 0; g <= MAX_GROUPS && m->s.accounts[a].dir == dir; g++)
            n += (g == MAX_GROUPS) == locks && m->c.passed_us[a][g] > 0 && m->c.passed_us[a][g] > since;
    return n;
}

/* What lately passed, unnamed and not approved, stays inside the limits, however many plans it was. */
static void brake_window(struct sim *m, int account, int slot)
{
    if (m->brake_window_us == 0)
        return;
    m->c.passed_us[account][slot] = m->now; /* the same thing once more is no second one */
    bool lock = slot == MAX_GROUPS;
    long n = lately(m, m->s.accounts[account].dir, lock), max = lock ? m->brake.max_locks : m->brake.max_removals;
    for (int a = 0; n > max && a < m->s.n_accounts; a++)
        if (m->c.passed_us[a][slot] > 0 && m->s.accounts[a].dir == m->s.accounts[account].dir)
            sim_trace(m, "account %d passed %lld s ago", a + 1,
                      (long long)((m->now - m->c.passed_us[a][slot]) / US_SECOND));
    if (n > max)
        check_fail(m, "4: %ld %s that nobody named pass one after the other, the limit is %ld", n,
                   lock ? "locks" : "removals", max);
}

/* What one plan lets through, unnamed and not approved, stays inside the limits. Locks count for accounts that stand
 * open. */
static void brake(struct sim *m, const struct pl_intent *in, const struct account *a, const struct shown *x)
{
    int g = (int)in->role_group_id - 1;
    long load = m->c.work_load[a->person][a->dir];
    if (x->named || store_was_approved(&m->s, a->person, a->dir, a->purpose, in->op, g))
        return;
    if (in->op == PL_OP_LOCK || in->op == PL_OP_CLOSE) {
        const struct dir_entry *e = sim_entry(m, a->person, a->dir, a->purpose);
        long *counted = &m->c.counted[in->account_id - 1][MAX_GROUPS];
        bool again = *counted == load; /* the same one tried anew */
        *counted = load;
        brake_window(m, (int)in->account_id - 1, MAX_GROUPS);
        if (again || !e || directory_refuses(&m->d[a->dir], e, m->now))
            return;
        if (++m->c.load_locks[load] > m->brake.max_locks)
            check_fail(m, "4: one plan locks more than %ld accounts that nobody named", m->brake.max_locks);
    } else if (in->op == PL_OP_REMOVE_MEMBER && m->c.counted[in->account_id - 1][g] != load) {
        m->c.counted[in->account_id - 1][g] = load;
        if (++m->c.load_removals[load] > m->brake.max_removals)
            check_fail(m, "4: one plan removes more than %ld memberships", m->brake.max_removals);
        brake_window(m, (int)in->account_id - 1, g);
    }
}

/* Drift is put back three times in an hour and then only reported; a leaver's is taken away each time. */
static void fight(struct sim *m, const struct pl_intent *in)
{
    int times = 0;
    for (size_t i = m->s.n_intents; i > 0 && m->s.intents[i - 1].at_us > m->now - US_HOUR; i--) {
        const struct intent *o = &m->s.intents[i - 1];
        times += o->put_back && o->outcome == PL_OUT_DONE && o->account == (int)in->account_id - 1 &&
                 o->group == (int)in->role_group_id - 1;
    }
    if (in->put_back && times >= 3 && in->row != LEAVER_ROW)
        check_fail(m, "5: drift of account %lld in group %lld is put back more than three times in an hour",
                   (long long)in->account_id, (long long)in->role_group_id);
}

void check_intents(struct sim *m, const struct pl_command *c)
{
    for (size_t i = 0; i < c->intents.n; i++) {
        const struct pl_intent *in = &c->intents.items[i];
        if (in->account_id < 1 || in->account_id > m->s.n_accounts) {
            check_fail(m, "1: an intent without an account");
            return;
        }
        const struct account *a = &m->s.accounts[in->account_id - 1];
        const struct shown *x = why(m, in, a);
        if (!x || a->person != (int)c->intents.person_id - 1) {
            check_fail(m, "5: nothing that was loaded asks for %s of account %lld, group %lld", pl_op_name(in->op),
                       (long long)in->account_id, (long long)in->role_group_id);
            return;
        }
        brake(m, in, a, x);
        fight(m, in);
        bool approved;
        if (!store_was_approved(&m->s, a->person, a->dir, a->purpose, in->op, (int)in->role_group_id - 1) &&
            store_held(&m->s, a->person, a->dir, a->purpose, in->op, (int)in->role_group_id - 1, x->at_us, &approved) &&
            !approved && !x->named)
            check_fail(m, "4: %s of account %lld stands in a held plan and is begun", pl_op_name(in->op),
                       (long long)in->account_id);
    }
}

/* ---- settles: 7, 8 ---- */

void check_settle(struct sim *m, const struct pl_settle *t)
{
    int dir = store_dir(t->directory), p = (int)t->person_id - 1;
    enum purpose k = store_purpose(t->purpose);
    const struct shown *x = newest(m, p, dir);
    const struct account *a = t->account_id > 0 ? &m->s.accounts[t->account_id - 1] : NULL;
    const struct dir_entry *e = sim_entry(m, p, dir, k);
    if (!x) {
        check_fail(m, "7: person %d is settled in %s and was never loaded", p + 1, dir_names[dir]);
        return;
    }
    for (size_t i = 0; i < t->n_seqs; i++)
        for (size_t n = 0; n < m->s.n_dirty; n++)
            if (m->s.dirty[n].seq == t->seqs[i] && (m->s.dirty[n].person != p || m->s.dirty[n].dir != dir))
                check_fail(m, "7: a dirty row of somebody else is consumed");
    int64_t began = m->c.work_since[p][dir];
    if (a && t->state == PL_STATE_LOST && a->state != PL_STATE_LOST && e && e->changed_us < began)
        check_fail(m, "8: account %lld is called lost and its entry stands", (long long)t->account_id);
    if (a && t->state == PL_STATE_FOREIGN && a->state != PL_STATE_FOREIGN && e && e->changed_us < began &&
        !m->c.tampered[p][dir][k])
        check_fail(m, "8: account %lld is called foreign and its entry stands", (long long)t->account_id);
    for (size_t i = 0; i < t->n_memberships && e; i++) {
        int g = (int)t->memberships[i].role_group_id - 1;
        const struct role_group *rg = &m->w.groups[g];
        const struct dir_entry *ge = directory_find(&m->d[dir], pl_str_c(rg->dn));
        bool says = t->memberships[i].present, was = a && a->present[g] == 1;
        if (says != was && ge && ge->changed_us < began && e->changed_us < began &&
            directory_is_member(&m->d[dir], rg, e) != says)
            check_fail(m, "8: account %lld %s group %d says the outcome, and the directory shows otherwise",
                       (long long)t->account_id, says ? "in" : "out of", g + 1);
    }
}

#define LOOKS_WITHIN_US (6 * US_MINUTE) /* longer than the longest wait after something that failed */

static const struct dirty *due(const struct sim *m)
{
    for (size_t i = 0; i < m->s.n_dirty; i++)
        if (m->dir_up[m->s.dirty[i].dir] && m->s.dirty[i].not_before < m->now)
            return &m->s.dirty[i];
    return NULL;
}

/* The queue has an end only if the engine takes up what stands in it; the poll is for hints that got lost, and for no more. */
void check_somebody_looks(struct sim *m)
{
    bool quiet =
        m->e && m->store_up && !m->hinted && !m->hint_lost && m->stop_us == 0 && m->n_reqs == 0 && pl_engine_idle(m->e);
    const struct dirty *y = quiet ? due(m) : NULL;
    if (!y)
        m->c.quiet_since_us = 0;
    else if (m->c.quiet_since_us == 0)
        m->c.quiet_since_us = m->now;
    else if (m->now - m->c.quiet_since_us > LOOKS_WITHIN_US)
        check_fail(m, "12: person %d %s lies in the queue (%s), and nobody looks", y->person + 1, dir_names[y->dir],
                   y->cause);
}
