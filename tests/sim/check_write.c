/* Invariants of commands and of writes to directories: an open intent stands behind each, one at a time for an entry,
 * and only what is ours is touched. */
#include <stdio.h>
#include <string.h>
#include "../../lib/directory/dn.h"
#include "run.h"

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

const struct account *check_whose(struct sim *m, int dir, const struct dir_entry *e)
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

/* Only what shows a name that HR once said goes, and only such comes. */
static void name_write(struct sim *m, const struct pl_mod *mod, const struct account *a)
{
    const struct world *w = &m->w;
    bool known = false;
    for (int i = 0; mod->n == 1 && i <= w->n_former[a->person] && !known; i++) {
        const struct person *p = i < w->n_former[a->person] ? &w->former[a->person][i] : &w->persons[a->person];
        char whole[128], mail[128];
        snprintf(whole, sizeof whole, "%s %s", p->given, p->family);
        snprintf(mail, sizeof mail, "%s.%s@linn.test", p->given, p->family);
        known = pl_str_eq_c(mod->values[0], pl_str_ieq_c(mod->attr, "sn")     ? p->family
                                            : pl_str_ieq_c(mod->attr, "cn")   ? whole
                                            : pl_str_ieq_c(mod->attr, "mail") ? mail
                                                                              : p->given);
    }
    if (!known || mod->kind == PL_MOD_REPLACE)
        check_fail(m, "5: %.*s of account %s is written, and HR never said so", (int)mod->attr.len, mod->attr.s,
                   a->login);
}

static bool is_name(struct pl_str attr)
{
    return pl_str_ieq_c(attr, "cn") || pl_str_ieq_c(attr, "sn") || pl_str_ieq_c(attr, "givenName") ||
           pl_str_ieq_c(attr, "mail");
}

static void entry_write(struct sim *m, const struct pl_command *c, int dir, const struct dir_entry *e)
{
    const unsigned ops =
        (1u << PL_OP_OPEN) | (1u << PL_OP_LOCK) | (1u << PL_OP_CLOSE) | (1u << PL_OP_KEEP) | (1u << PL_OP_RENAME);
    const struct account *a = check_whose(m, dir, e);
    if (!a)
        check_fail(m, "5: a write to %.*s, which is not an entry of ours", (int)e->dn.len, e->dn.s);
    else if (!open_intent(m, dir, a, ops, -1))
        check_fail(m, "1: a write to %.*s without an open intent", (int)e->dn.len, e->dn.s);
    for (size_t i = 0; i < c->modify.n; i++) {
        struct pl_str at = c->modify.mods[i].attr;
        if (a && is_name(at) && open_intent(m, dir, a, 1u << PL_OP_RENAME, -1))
            name_write(m, &c->modify.mods[i], a);
        else if (at.len < 3 || (strncmp(at.s, "pwd", 3) != 0 && !pl_str_ieq_c(at, "userPassword")))
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
        if (pl_str_eq_c(uid, m->s.accounts[i].login) && open_intent(m, dir, &m->s.accounts[i], 1u << PL_OP_CREATE, -1))
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
    else if (e && (m->d[dir].assertion || check_whose(m, dir, e)))
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
    if (m->stop_us > 0 && m->stop_us < m->now &&
        (c->kind == PL_CMD_TICK || (c->kind == PL_CMD_LOAD && c->load.class != PL_LOAD_PREVIEW)))
        check_fail(m, "9: asked to stop, the daemon begins something new");
    if (c->kind == PL_CMD_HOLD && c->hold->preview && c->hold->n_seqs > 0)
        check_fail(m, "7: a dry run consumes dirty rows");
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
