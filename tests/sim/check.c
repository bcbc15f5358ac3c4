/* Invariants that hold at every moment. Each command and each write is held against what the store and the directory
 * model know, never against what the engine says. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../lib/directory/dn.h"
#include "run.h"

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

/* ---- busy looping ---- */

static void count_commands(struct sim *m)
{
    if (m->now / US_SECOND != m->c.second_us) {
        m->c.second_us = m->now / US_SECOND;
        m->c.commands = 0;
    }
    if (++m->c.commands > 3000)
        check_fail(m, "9: more than 3000 commands in one second");
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
                        .named = store_named(&m->s, p, d, m->named_leavers, m->now),
                        .dir_enforced = m->w.dir_mode[d] == PL_MODE_ENFORCE};
    for (int k = 0; k < N_PURPOSES; k++)
        x->need[k] = store_wanted(&m->s, p, d, (enum purpose)k, at_us).need;
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
                last->wanted == x->wanted && last->enforced == x->enforced && last->believed == x->believed;
    if (!same)
        m->c.shown[p][d][m->c.n_shown[p][d]++ % SHOWN] = *x;
}

void check_loaded(struct sim *m, const struct pl_command *c, int64_t at_us)
{
    m->c.loads++;
    if (m->c.loads >= m->c.cap_loads) {
        long was = m->c.cap_loads;
        m->c.cap_loads = was ? was * 2 : 256;
        m->c.load_locks = pl_xrealloc_array(m->c.load_locks, (size_t)m->c.cap_loads, sizeof(long));
        m->c.load_removals = pl_xrealloc_array(m->c.load_removals, (size_t)m->c.cap_loads, sizeof(long));
        m->c.load_open = pl_xrealloc_array(m->c.load_open, (size_t)m->c.cap_loads, sizeof(long));
        memset(m->c.load_open + was, 0, (size_t)(m->c.cap_loads - was) * sizeof(long));
        memset(m->c.load_locks + was, 0, (size_t)(m->c.cap_loads - was) * sizeof(long));
        memset(m->c.load_removals + was, 0, (size_t)(m->c.cap_loads - was) * sizeof(long));
    }
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
        if (!m->c.in_work[person - 1][d]) {
            m->c.work_load[person - 1][d] = r->load;
            m->c.work_since[person - 1][d] = m->now;
            m->c.load_open[r->load] += !m->c.in_work[person - 1][d];
        }
        m->c.in_work[person - 1][d] = true;
    }
}

/* A plan ends when all its pairs are settled; until then none of them is taken up anew. */
void check_settled(struct sim *m, const struct pl_settle *t)
{
    int person = (int)t->person_id - 1, dir = store_dir(t->directory);
    long load = m->c.work_load[person][dir];
    if (t->n_seqs == 0 || !m->c.in_work[person][dir] || --m->c.load_open[load] > 0)
        return;
    for (int p = 0; p < MAX_PERSONS; p++)
        for (int d = 0; d < N_DIRS; d++)
            if (m->c.work_load[p][d] == load)
                m->c.in_work[p][d] = false;
}

void check_dropped(struct sim *m, int dir)
{
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

static const struct shown *why(struct sim *m, const struct pl_intent *in, const struct account *a)
{
    int n = m->c.n_shown[a->person][a->dir];
    for (int i = n - 1; i >= 0 && i > n - 1 - SHOWN; i--) {
        const struct shown *x = &m->c.shown[a->person][a->dir][i % SHOWN];
        if (justified(m, x, in, a))
            return x;
    }
    return NULL;
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
        if (!again && e && !directory_refuses(&m->d[a->dir], e, m->now) && ++m->c.load_locks[load] > m->brake.max_locks)
            check_fail(m, "4: one plan locks more than %ld accounts that nobody named", m->brake.max_locks);
    } else if (in->op == PL_OP_REMOVE_MEMBER && m->c.counted[in->account_id - 1][g] != load) {
        m->c.counted[in->account_id - 1][g] = load;
        if (++m->c.load_removals[load] > m->brake.max_removals)
            check_fail(m, "4: one plan removes more than %ld memberships", m->brake.max_removals);
    }
}

/* Drift is put back three times in an hour and then only reported; a leaver's is taken away each time. */
static void fight(struct sim *m, const struct pl_intent *in, const struct account *a, const struct shown *x)
{
    int times = 0;
    for (size_t i = m->s.n_intents; i > 0 && m->s.intents[i - 1].at_us > m->now - US_HOUR; i--) {
        const struct intent *o = &m->s.intents[i - 1];
        times += o->put_back && o->account == (int)in->account_id - 1 && o->group == (int)in->role_group_id - 1;
    }
    if (in->put_back && times >= 3 && x->need[a->purpose] != PL_NEED_OUT)
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
        fight(m, in, a, x);
        bool approved;
        if (!store_was_approved(&m->s, a->person, a->dir, a->purpose, in->op, (int)in->role_group_id - 1) &&
            store_held(&m->s, a->person, a->dir, a->purpose, in->op, (int)in->role_group_id - 1, x->at_us, &approved) &&
            !approved && !x->named)
            check_fail(m, "4: %s of account %lld stands in a held plan and is begun", pl_op_name(in->op),
                       (long long)in->account_id);
    }
}

/* ---- writes: 1, 2, 5 ---- */

static const struct role_group *group_at(struct sim *m, int dir, struct pl_str dn, int *g)
{
    for (*g = 0; *g < m->w.n_groups; ++*g)
        if (m->w.groups[*g].dir == dir && pl_dn_equal(dn, pl_str_c(m->w.groups[*g].dn)))
            return &m->w.groups[*g];
    return NULL;
}

static bool open_intent(struct sim *m, int dir, const struct account *a, unsigned ops, int group)
{
    for (size_t i = m->s.first_open_intent; i < m->s.n_intents; i++) {
        const struct intent *in = &m->s.intents[i];
        if (in->outcome < 0 && (ops & (1u << in->op)) && in->group == group && m->s.accounts[in->account].dir == dir &&
            &m->s.accounts[in->account] == a)
            return true;
    }
    return false;
}

static const struct account *account_of_entry(struct sim *m, int dir, const struct dir_entry *e)
{
    for (int i = 0; i < m->s.n_accounts; i++) {
        const struct account *a = &m->s.accounts[i];
        if (a->dir == dir && a->native_id[0] && !strcmp(a->native_id, e->uuid))
            return a;
    }
    for (int i = 0; i < m->s.n_accounts; i++) { /* made or met just now; the native id is stored with the outcome */
        const struct account *a = &m->s.accounts[i];
        char number[40];
        if (a->dir != dir || a->native_id[0] || !pl_str_ieq_c(dir_entry_value(e, "uid"), a->login))
            continue;
        for (int k = 0; k < m->w.n_employments; k++) {
            const struct employment *x = &m->w.employments[k];
            snprintf(number, sizeof number, "%s-%d%s", institution_names[x->institution], x->number,
                     a->purpose == ADMIN ? "/admin" : "");
            if (x->person == a->person && pl_str_eq_c(dir_entry_value(e, "employeeNumber"), number))
                return a;
        }
    }
    return NULL;
}

static const struct account *account_of_member(struct sim *m, int dir, const struct role_group *rg, struct pl_str v)
{
    for (int i = 0; i < m->s.n_accounts; i++) {
        const struct account *a = &m->s.accounts[i];
        const struct dir_entry *e = a->dir == dir ? sim_entry(m, a->person, dir, a->purpose) : NULL;
        if (a->dir != dir)
            continue;
        if (rg->posix ? pl_str_eq_c(v, a->login) : pl_dn_equal(v, e ? e->dn : pl_str_c(a->dn)))
            return a;
        if (!rg->posix && e && e->was.len > 0 && pl_dn_equal(v, e->was))
            return a; /* renamed between the read and the write */
        size_t n = strlen(a->login);
        if (!rg->posix && !e && v.len > 4 + n && !strncmp(v.s + 4, a->login, n) && v.s[4 + n] == ',')
            return a; /* its entry was made a moment ago */
    }
    return NULL;
}

static void group_write(struct sim *m, const struct pl_command *c, int dir, const struct role_group *rg, int g)
{
    for (size_t i = 0; i < c->modify.n; i++) {
        const struct pl_mod *mod = &c->modify.mods[i];
        if (mod->kind == PL_MOD_REPLACE || mod->n == 0) {
            check_fail(m, "5: a whole attribute of a group is replaced");
            continue;
        }
        for (size_t k = 0; k < mod->n; k++) {
            if (pl_str_eq_c(mod->values[k], PLACEHOLDER))
                continue;
            const struct account *a = account_of_member(m, dir, rg, mod->values[k]);
            unsigned op = 1u << (mod->kind == PL_MOD_ADD ? PL_OP_ADD_MEMBER : PL_OP_REMOVE_MEMBER);
            if (!a || !open_intent(m, dir, a, op, g))
                check_fail(m, "1: a write to group %d without an open intent for %.*s", g + 1, (int)mod->values[k].len,
                           mod->values[k].s);
        }
    }
}

static void entry_write(struct sim *m, const struct pl_command *c, int dir, const struct dir_entry *e)
{
    const unsigned ops = (1u << PL_OP_OPEN) | (1u << PL_OP_LOCK) | (1u << PL_OP_CLOSE);
    const struct account *a = account_of_entry(m, dir, e);
    if (!a)
        check_fail(m, "5: a write to %.*s, which is not an entry of ours", (int)e->dn.len, e->dn.s);
    else if (!open_intent(m, dir, a, ops, -1))
        check_fail(m, "1: a write to %.*s without an open intent", (int)e->dn.len, e->dn.s);
    for (size_t i = 0; i < c->modify.n; i++) {
        struct pl_str at = c->modify.mods[i].attr;
        if (at.len < 3 || (strncmp(at.s, "pwd", 3) != 0 && !pl_str_ieq_c(at, "userPassword")))
            check_fail(m, "5: a write to attribute %.*s", (int)at.len, at.s);
    }
}

static void entry_add(struct sim *m, const struct pl_command *c, int dir)
{
    struct pl_str uid = {"", 0};
    for (size_t i = 0; i < c->add.n; i++)
        if (pl_str_ieq_c(c->add.attrs[i].name, "uid"))
            uid = c->add.attrs[i].values[0];
    for (int i = 0; i < m->s.n_accounts; i++)
        if (pl_str_eq_c(uid, m->s.accounts[i].login) &&
            open_intent(m, dir, &m->s.accounts[i], 1u << PL_OP_CREATE, -1))
            return;
    check_fail(m, "1: an entry is added without an open intent for its log-in");
}

/* A directory has just carried a write out. */
void check_applied(struct sim *m, const struct pl_command *c, int dir)
{
    int g;
    if (c->kind == PL_CMD_ADD) {
        entry_add(m, c, dir);
        return;
    }
    const struct role_group *rg = group_at(m, dir, c->modify.dn, &g);
    const struct dir_entry *e = directory_find(&m->d[dir], c->modify.dn);
    if (rg)
        group_write(m, c, dir, rg, g);
    else if (e && (dir_entry_attr(e, PL_STR("uid")) == NULL))
        check_fail(m, "5: a write to %.*s, which is no account and no managed group", (int)e->dn.len, e->dn.s);
    else if (e && (m->d[dir].assertion || account_of_entry(m, dir, e)))
        entry_write(m, c, dir, e); /* without assertions a stranger may have taken the name a moment ago */
}

/* A late write can undo what was done after it: whatever it touched counts as changed by another hand. */
void check_late(struct sim *m, const struct pl_command *c, int dir)
{
    int g = 0;
    const struct role_group *rg = c->kind == PL_CMD_MODIFY ? group_at(m, dir, c->modify.dn, &g) : NULL;
    for (int p = 0; p < m->w.n_persons; p++)
        for (int k = 0; k < N_PURPOSES; k++) {
            if (rg)
                m->c.regrouped[p][dir][k] |= 1u << g;
            const struct dir_entry *e = rg ? NULL : sim_entry(m, p, dir, (enum purpose)k);
            if (c->kind == PL_CMD_ADD || (e && pl_dn_equal(e->dn, c->modify.dn)))
                m->c.tampered[p][dir][k] = true;
        }
}

/* At the moment the engine says it. */
void check_command(struct sim *m, const struct pl_command *c)
{
    count_commands(m);
    if (c->kind != PL_CMD_MODIFY && c->kind != PL_CMD_ADD)
        return;
    int dir = store_dir(c->directory);
    struct pl_str dn = c->kind == PL_CMD_ADD ? c->add.dn : c->modify.dn;
    for (size_t i = 0; i < m->n_reqs; i++) {
        const struct req *r = m->reqs[i];
        if (r->write && r->dir == dir && pl_dn_equal(dn, r->c.kind == PL_CMD_ADD ? r->c.add.dn : r->c.modify.dn))
            check_fail(m, "2: two writes in flight to %.*s", (int)dn.len, dn.s);
    }
    if (m->wrong_server[dir])
        check_fail(m, "5: a write to a server that is not the one our records were made against");
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
