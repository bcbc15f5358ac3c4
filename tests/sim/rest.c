/* What must be true once nothing breaks any more and everything has come to rest. */
#include <string.h>
#include "run.h"

/* A lock that a server is not known to have, of an entry that is there and locked. */
static const struct owed *owed(struct sim *m, int d)
{
    const struct owed *o;
    const struct dir_entry *e;
    for (size_t i = 0; (o = store_owes(&m->s, d, &i));)
        if ((e = directory_by_uuid(&m->d[d], m->s.accounts[o->account].native_id)) &&
            directory_refuses(&m->d[d], e, m->now))
            return o;
    return NULL;
}

bool rest_reached(struct sim *m)
{
    if (!m->e || !m->store_up || m->n_reqs > 0 || m->s.n_dirty > 0 || !pl_engine_idle(m->e))
        return false;
    for (int d = 0; d < N_DIRS; d++)
        if (!m->dir_up[d] || owed(m, d))
            return false;
    for (size_t i = 0; i < m->q.n; i++)
        if (m->q.heap[i].kind != RUN_TIMER && m->q.heap[i].kind != RUN_MEND && m->q.heap[i].kind != RUN_HAPPEN)
            return false;
    return true;
}

struct look { /* one account at rest */
    int p, d;
    enum purpose k;
    const struct account *a;
    const struct dir_entry *e;
    struct wanted n;
    bool tampered, held;
};

static void complain(struct sim *m, const struct look *l, const char *what)
{
    check_fail(m, "3: person %d %s %s (state %s, wanted %s %s): %s", l->p + 1, dir_names[l->d], purpose_names[l->k],
               l->a ? pl_state_name(l->a->state) : "-", l->n.want, l->n.cause, what);
}

static bool is_held(struct sim *m, const struct look *l, enum pl_op op, int group)
{
    bool approved;
    return store_held(&m->s, l->p, l->d, l->k, op, group, m->now, &approved) && !approved;
}

static bool excused(struct sim *m, const struct look *l, int group)
{
    return l->tampered && store_finding(&m->s, l->d, l->p, group, NULL) != NULL;
}

static void groups(struct sim *m, const struct look *l)
{
    for (int g = 0; g < m->w.n_groups; g++) {
        const struct role_group *rg = &m->w.groups[g];
        if (rg->dir != l->d || rg->purpose != l->k || m->w.roles[rg->role].mode != PL_MODE_ENFORCE)
            continue;
        bool is = directory_is_member(&m->d[l->d], rg, l->e), want = store_entitled(&m->s, l->p, g, m->now);
        bool drift = m->c.regrouped[l->p][l->d][l->k] & (1u << g);
        if (drift && m->no_compare && !watch_saw_all(m, l->d))
            continue; /* nobody looked */
        if (is == want || (is && is_held(m, l, PL_OP_REMOVE_MEMBER, g)))
            continue;
        if (drift && !(is && l->n.need == PL_NEED_OUT) && store_finding(&m->s, l->d, l->p, g, NULL))
            continue;
        sim_trace(m, "group %d, regrouped %d", g + 1, drift);
        complain(m, l, is ? "stands in a managed group that nobody granted" : "a granted membership is missing");
    }
}

static void leaver(struct sim *m, const struct look *l)
{
    bool refused = directory_refuses(&m->d[l->d], l->e, m->now);
    bool held = is_held(m, l, PL_OP_CLOSE, -1) && !store_named(&m->s, l->p, l->d, m->naming, m->now);
    if (held)
        return;
    if (!refused)
        complain(m, l, "a leaver can still log on");
    else if (l->e->password_known && !m->c.repassworded[l->p][l->d][l->k])
        complain(m, l, "a leaver's password still works");
    else if (l->a->state != PL_STATE_OUT)
        complain(m, l, "a leaver's account is closed and not believed to be");
}

/* An entry made for one number and met under another, before its id was stored, is reported as a stranger's. */
static bool two_numbers(const struct sim *m, int p)
{
    int first = 0;
    for (int i = 0; i < m->w.n_employments; i++)
        if (m->w.employments[i].person == p) {
            if (first != 0 && first != m->w.employments[i].number)
                return true;
            first = m->w.employments[i].number;
        }
    return false;
}

/* The account closes by itself when HR says, should nobody be there any more by then. */
static void end_stands(struct sim *m, const struct look *l)
{
    int64_t ends = store_ends(&m->s, l->p, l->d, l->k, m->now), is = NEVER;
    struct pl_str value = dir_entry_value(l->e, "pwdEndTime");
    bool known = value.len == 0 || pl_gentime_parse(value, &is);
    bool right = ends == NEVER ? is == NEVER : is >= ends && is - ends < US_SECOND;
    if (is == NEVER && !store_end_named(&m->s, l->p, ends, m->naming))
        return; /* it may be one of a crowd, or have been when it was looked at */
    if (is == NEVER && store_finding(&m->s, l->d, l->p, -1, "end_not_ahead"))
        return; /* it was one then, and others of it are none now: the next compare tells */
    if (!(known && right) && !l->tampered)
        complain(m, l,
                 ends == NEVER ? "closes by itself and HR knows of no end" : "does not close by itself when HR says");
}

/* No former name is shown, unless somebody writes it again and again, or writes it where neither a watch nor a compare sees. */
static void name_stands(struct sim *m, const struct look *l)
{
    const struct person *now = &m->w.persons[l->p];
    if (m->no_compare && m->c.named[l->p][l->d][l->k] && !watch_saw_all(m, l->d))
        return;
    for (int i = 0; i < m->w.n_former[l->p]; i++) {
        const struct person *old = &m->w.former[l->p][i];
        bool family = strcmp(old->family, now->family) && pl_str_eq_c(dir_entry_value(l->e, "sn"), old->family);
        bool given = strcmp(old->given, now->given) && pl_str_eq_c(dir_entry_value(l->e, "givenName"), old->given);
        if ((family || given) && !store_finding(&m->s, l->d, l->p, -1, "name_fought"))
            complain(m, l, "shows a name that the person bears no more");
    }
}

static bool wrote_end(const struct sim *m, const struct look *l, int64_t end)
{
    for (size_t i = 0; i < m->s.n_intents; i++)
        if (m->s.intents[i].op == PL_OP_KEEP && &m->s.accounts[m->s.intents[i].account] == l->a &&
            m->s.intents[i].ends == end)
            return true;
    return false;
}

/* Somebody else let it end, and it ended when nobody looked any more: no watch tells of a moment that passes. */
static bool ended_unseen(struct sim *m, const struct look *l)
{
    struct pl_str value = dir_entry_value(l->e, "pwdEndTime");
    int64_t end;
    return m->no_compare && l->tampered && value.len > 0 && pl_gentime_parse(value, &end) &&
           !directory_refuses(&m->d[l->d], l->e, end - 1) && !wrote_end(m, l, end);
}

static void account(struct sim *m, const struct look *l)
{
    bool gone = l->a && (l->a->state == PL_STATE_LOST || l->a->state == PL_STATE_FOREIGN);
    bool wants_entry = l->n.need == PL_NEED_OPEN || l->n.need == PL_NEED_PAUSED || l->n.need == PL_NEED_READY;
    if (m->w.dir_mode[l->d] != PL_MODE_ENFORCE || (m->no_compare && l->tampered && !watch_saw_all(m, l->d)))
        return;
    if (gone || !l->e) {
        if (gone && !l->tampered && !two_numbers(m, l->p))
            complain(m, l, "given up though nobody touched it");
        else if (!gone && wants_entry && l->n.need != PL_NEED_PAUSED)
            complain(m, l, "there is no account");
        return;
    }
    bool refused = directory_refuses(&m->d[l->d], l->e, m->now);
    if (l->n.need == PL_NEED_OPEN && !refused && !(m->no_compare && m->c.refused[l->p][l->d])) {
        end_stands(m, l);
        name_stands(m, l);
    }
    if (l->n.need == PL_NEED_OUT)
        leaver(m, l);
    else if (l->n.need == PL_NEED_OPEN && refused && !excused(m, l, -1) && !two_numbers(m, l->p) && !ended_unseen(m, l))
        complain(m, l, "should be open and is locked");
    else if ((l->n.need == PL_NEED_PAUSED || l->n.need == PL_NEED_READY) && !refused && !is_held(m, l, PL_OP_LOCK, -1))
        complain(m, l, "should be locked and is open");
    if (l->n.need != PL_NEED_NONE)
        groups(m, l);
}

static void store_at_rest(struct sim *m)
{
    for (size_t i = 0; i < m->s.n_intents; i++)
        if (m->s.intents[i].outcome < 0) {
            check_fail(m, "1: intent %zu (%s of account %d) has no outcome", i + 1, pl_op_name(m->s.intents[i].op),
                       m->s.intents[i].account + 1);
            return;
        }
    for (size_t i = 0; i < m->s.n_dirty; i++)
        check_fail(m, "3: person %d in %s is still dirty (%s)", m->s.dirty[i].person + 1, dir_names[m->s.dirty[i].dir],
                   m->s.dirty[i].cause);
    for (int i = 0; i < m->s.n_logins; i++)
        for (int k = 0; k < i; k++)
            if (!strcmp(m->s.logins[i].login, m->s.logins[k].login))
                check_fail(m, "6: log-in %s is two persons'", m->s.logins[i].login);
}

void rest_check(struct sim *m)
{
    for (int p = 0; p < m->w.n_persons && !m->c.fail[0]; p++)
        for (int d = 0; d < N_DIRS; d++)
            for (int k = 0; k < N_PURPOSES; k++) {
                struct look l = {p,
                                 d,
                                 (enum purpose)k,
                                 store_account(&m->s, p, d, (enum purpose)k),
                                 sim_entry(m, p, d, (enum purpose)k),
                                 store_wanted(&m->s, p, d, (enum purpose)k, m->now),
                                 m->c.tampered[p][d][k],
                                 false};
                if (l.n.row)
                    account(m, &l);
            }
    store_at_rest(m);
    for (int d = 0; d < N_DIRS; d++)
        if (owed(m, d))
            check_fail(m, "11: server %d of %s is not known to have the lock of account %d", owed(m, d)->server + 1,
                       dir_names[d], owed(m, d)->account + 1);
    if (!rest_reached(m))
        check_fail(m, "3: it does not come to rest");
}
