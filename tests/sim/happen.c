/* One event of a seed: somebody changes the town, a part breaks, or another hand edits a directory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../lib/directory/dialect.h"
#include "deed.h"
#include "run.h"

const char *const fault_names[N_FAULTS] = {
    "daemon crashed", "store went away", "store lost a command", "store committed and lost the answer",
    "store refused a command", "transaction of people took long", "hint lost", "directory went away",
    "write lost", "write done, answer lost", "write done late, after its connection", "write timed out",
    "directory busy", "write denied", "directory slow", "writes overtook each other", "search cut short (4)",
    "search with a part missing", "people hidden by an access rule", "password policy deleted",
    "password change refused", "another server behind the same name", "member added by hand",
    "member removed by hand", "locked by hand", "unlocked by hand", "entry deleted", "entry renamed",
    "foreign entry with our log-in", "group deleted", "compares never get through"};

struct dir_entry *sim_entry(struct sim *m, int person, int dir, enum purpose p)
{
    const struct account *a = store_account(&m->s, person, dir, p);
    return a && a->native_id[0] ? directory_by_uuid(&m->d[dir], a->native_id) : NULL;
}

static struct pl_str gentime(struct sim *m, int dir, int64_t us)
{
    return pl_gentime_print(m->d[dir].a, us);
}

/* ---- people ---- */

void happen_commit(struct sim *m, void *deed)
{
    struct deed *x = deed;
    sim_trace(m, "commits: %s", deed_names[x->kind]);
    deed_do(x, &m->s);
    free(x);
    sim_hint(m);
}

static bool people(struct sim *m)
{
    static const int weight[N_DEEDS] = {[HIRE] = 12,        [REHIRE] = 5,    [DEPART] = 12,   [DEPART_LIST] = 4,
                                        [DEPART_AGAIN] = 3, [STAY] = 3,      [GRANT] = 26,    [REVOKE] = 10,
                                        [GRANT_END] = 5,    [ABSENT] = 5,    [BACK] = 3,      [IT_ADMIN] = 5,
                                        [ROLE_MODE] = 2,    [ROLE_DRIFT] = 1, [DIR_MODE] = 1, [APPROVE] = 4,
                                        [RECREATE] = 3};
    struct deed x;
    int sum = 0, kind = 0;
    for (int k = 0; k < N_DEEDS; k++)
        sum += weight[k];
    for (int at = rng_below(&m->rng, sum); at >= weight[kind]; kind++)
        at -= weight[kind];
    if (!deed_draw(&x, (enum deed_kind)kind, &m->s, &m->rng, m->now))
        return false;
    sim_trace(m, "deed: %s person %d employment %d role %d grant %d list %d", deed_names[kind], x.person + 1,
              x.employment + 1, x.role + 1, x.grant + 1, x.n_list);
    if (kind == APPROVE)
        m->c.approvals++;
    if (!m->calm && rng_pct(&m->rng, 8)) {
        cover_fault(F_LONG_TRANSACTION);
        x.first_seq = m->s.next_seq;
        m->s.next_seq += 2 * MAX_PERSONS * N_DIRS;
        struct deed *later = pl_xcalloc(1, sizeof *later);
        *later = x;
        queue_add(&m->q, m->now + rng_log(&m->rng, 1000, 20 * US_SECOND), RUN_COMMIT, 0, later);
        return true;
    }
    int hired = m->w.n_employments;
    deed_do(&x, &m->s);
    if (m->w.n_employments > hired && rng_pct(&m->rng, 15)) /* somebody made the entry before HR made the row */
        happen_old_entry(m, &m->w.employments[hired], 0);
    sim_hint(m);
    return true;
}

/* ---- other hands ---- */

static bool pick_entry(struct sim *m, int *person, int *dir, enum purpose *p, struct dir_entry **e)
{
    for (int tries = 0; tries < 10; tries++) {
        *person = rng_below(&m->rng, m->w.n_persons);
        *dir = rng_below(&m->rng, N_DIRS);
        *p = rng_pct(&m->rng, 30) ? ADMIN : PERSONAL;
        *e = sim_entry(m, *person, *dir, *p);
        if (*e)
            return true;
    }
    return false;
}

static bool hand_member(struct sim *m, bool add)
{
    int p, d, g = rng_below(&m->rng, m->w.n_groups);
    enum purpose k;
    struct dir_entry *e;
    bool again = m->again_g >= 0 && rng_pct(&m->rng, 60);
    if (again) {
        g = m->again_g;
        p = m->again_p;
        d = m->w.groups[g].dir;
        k = m->w.groups[g].purpose;
        e = sim_entry(m, p, d, k);
    } else if (!pick_entry(m, &p, &d, &k, &e)) {
        return false;
    }
    const struct role_group *rg = &m->w.groups[g];
    struct dir_entry *ge = directory_find(&m->d[d], pl_str_c(rg->dn));
    if (!e || !ge || rg->dir != d || rg->purpose != k)
        return false;
    struct pl_str value = rg->posix ? dir_entry_value(e, "uid") : e->dn;
    const char *attr = rg->posix ? "memberUid" : "member";
    if (again)
        add = !dir_entry_has(ge, attr, value);
    if (dir_entry_has(ge, attr, value) == add)
        return false;
    const struct dir_attr *at = dir_entry_attr(ge, pl_str_c(attr));
    if (!add && !rg->posix && at && at->n == 1)
        dir_entry_add(&m->d[d], ge, attr, PL_STR(PLACEHOLDER));
    if (add)
        dir_entry_add(&m->d[d], ge, attr, value);
    else
        dir_entry_drop(ge, attr, value);
    dir_entry_touch(&m->d[d], ge, m->now);
    m->c.regrouped[p][d][k] |= 1u << g;
    m->again_p = p;
    m->again_g = g;
    cover_fault(add ? F_MEMBER_ADDED : F_MEMBER_REMOVED);
    sim_trace(m, "by hand: person %d %s in group %d", p + 1, add ? "put" : "no longer", g + 1);
    return true;
}

static bool hand_lock(struct sim *m, bool lock)
{
    int p, d;
    enum purpose k;
    struct dir_entry *e;
    if (!pick_entry(m, &p, &d, &k, &e) || directory_refuses(&m->d[d], e, m->now) == lock)
        return false;
    if (lock)
        dir_entry_set(&m->d[d], e, "pwdEndTime", gentime(m, d, m->now));
    else
        dir_entry_drop(e, "pwdEndTime", (struct pl_str){"", 0});
    if (!lock && rng_pct(&m->rng, 50)) {
        dir_entry_set(&m->d[d], e, "userPassword", PL_STR("told by telephone"));
        e->password_known = m->c.repassworded[p][d][k] = true;
    }
    dir_entry_touch(&m->d[d], e, m->now);
    m->c.tampered[p][d][k] = true;
    sim_trace(m, "by hand: person %d %s in %s", p + 1, lock ? "locked" : "unlocked", dir_names[d]);
    return true;
}

static bool hand_entry(struct sim *m, enum fault f)
{
    int p, d;
    enum purpose k;
    struct dir_entry *e;
    char dn[160];
    if (!pick_entry(m, &p, &d, &k, &e))
        return false;
    if (f == F_ENTRY_DELETED) {
        m->c.tampered[p][d][k] = true;
        directory_remove(&m->d[d], e, m->now);
    } else {
        int ou = rng_below(&m->rng, N_UNITS + 1);
        struct pl_str uid = dir_entry_value(e, "uid");
        if (ou == N_UNITS)
            snprintf(dn, sizeof dn, "uid=%.*s,%s", (int)uid.len, uid.s, PEOPLE_BASE);
        else
            snprintf(dn, sizeof dn, "uid=%.*s,ou=osakond%d,%s", (int)uid.len, uid.s, ou, PEOPLE_BASE);
        if (directory_find(&m->d[d], pl_str_c(dn)))
            return false;
        directory_rename(&m->d[d], e, dn, m->now);
    }
    m->c.regrouped[p][d][k] = ~0u;
    sim_trace(m, "by hand: entry of person %d in %s %s%s", p + 1, dir_names[d],
              f == F_ENTRY_DELETED ? "deleted" : "renamed to ", f == F_ENTRY_DELETED ? "" : dn);
    return true;
}

static bool hand_foreign(struct sim *m)
{
    if (m->s.n_logins == 0)
        return false;
    const struct login_name *l = &m->s.logins[rng_below(&m->rng, m->s.n_logins)];
    int d = rng_below(&m->rng, N_DIRS);
    char dn[128], number[16];
    struct dir_entry *e = sim_entry(m, l->person, d, l->purpose);
    if (e) { /* ours goes, a stranger takes its name */
        if (!rng_pct(&m->rng, 20))
            return false;
        directory_remove(&m->d[d], e, m->now);
    }
    snprintf(dn, sizeof dn, "uid=%s,%s", l->login, PEOPLE_BASE);
    snprintf(number, sizeof number, "X-%d", rng_below(&m->rng, 10000));
    if (directory_find(&m->d[d], pl_str_c(dn)))
        return false;
    directory_put(&m->d[d], dn, m->now, "objectClass", "inetOrgPerson", "uid", l->login, "employeeNumber", number,
                  NULL);
    m->c.tampered[l->person][d][l->purpose] = true;
    m->c.regrouped[l->person][d][l->purpose] = ~0u;
    sim_trace(m, "by hand: a foreign entry takes the log-in of person %d in %s", l->person + 1, dir_names[d]);
    return true;
}

static bool hand_group(struct sim *m)
{
    int g = rng_below(&m->rng, m->w.n_groups);
    struct directory *d = &m->d[m->w.groups[g].dir];
    struct dir_entry *e = directory_find(d, pl_str_c(m->w.groups[g].dn));
    if (!e || !rng_pct(&m->rng, 15))
        return false;
    e->live = false;
    for (int p = 0; p < MAX_PERSONS; p++)
        for (int k = 0; k < N_PURPOSES; k++)
            m->c.regrouped[p][d->index][k] |= 1u << g;
    sim_trace(m, "by hand: group %d deleted", g + 1);
    queue_add(&m->q, m->now + rng_log(&m->rng, US_SECOND, US_HOUR), RUN_MEND, d->index, NULL);
    return true;
}

/* ---- faults ---- */

static bool store_down(struct sim *m)
{
    if (!m->store_up)
        return false;
    sim_trace(m, "fault: the store goes away");
    cover_fault(F_STORE_DOWN);
    m->store_up = false;
    serve_drop(m, -1, false);
    queue_add(&m->q, m->now + rng_log(&m->rng, 10000, 20 * US_SECOND), RUN_STORE_UP, m->engine_no, NULL);
    struct pl_event ev = {.kind = PL_EV_STORE_DOWN};
    check_dropped(m, -1);
    sim_event(m, &ev);
    return true;
}

static bool dir_down(struct sim *m, int d)
{
    if (!m->dir_up[d])
        return false;
    sim_trace(m, "fault: %s goes away", dir_names[d]);
    cover_fault(F_DIR_DOWN);
    m->dir_up[d] = false;
    serve_drop(m, d, false);
    if (m->s.identity[d][0] && m->s.identity_shown[d] && rng_pct(&m->rng, 10)) {
        cover_fault(F_OTHER_SERVER);
        m->wrong_server[d] = true;
        queue_add(&m->q, m->now + rng_log(&m->rng, US_MINUTE, 20 * US_MINUTE), RUN_MEND, d, NULL);
    } else {
        m->wrong_server[d] = false;
    }
    queue_add(&m->q, m->now + rng_log(&m->rng, 10000, US_MINUTE), RUN_DIR_UP, d, NULL);
    struct pl_event ev = {.kind = PL_EV_DIR_DOWN, .directory = pl_str_c(dir_names[d])};
    check_dropped(m, d);
    sim_event(m, &ev);
    return true;
}

static bool crash(struct sim *m)
{
    if (!m->e)
        return false;
    sim_trace(m, "fault: the daemon crashes");
    cover_fault(F_CRASH);
    serve_drop(m, 0, true);
    pl_engine_free(m->e);
    m->e = NULL;
    m->engine_no++;
    m->store_up = false;
    check_dropped(m, -1);
    queue_add(&m->q, m->now + rng_log(&m->rng, 10000, 10 * US_SECOND), RUN_START, 0, NULL);
    return true;
}

static bool break_directory(struct sim *m, enum fault f)
{
    int d = rng_below(&m->rng, N_DIRS);
    int64_t lasts = rng_log(&m->rng, US_SECOND, 20 * US_MINUTE);
    struct dir_entry *policy = directory_find(&m->d[d], PL_STR(POLICY_DN));
    if (f == F_DIR_SLOW)
        m->slow[d] = 20 + rng_below(&m->rng, 200);
    else if (f == F_BLIND)
        m->d[d].blind = true;
    else if (f == F_POLICY_GONE && policy)
        policy->live = false;
    else if (f == F_PASSWORD_REFUSED) {
        m->d[d].password_code = rng_pct(&m->rng, 50) ? 19 : CODE_DENIED;
        m->d[d].delete_code = rng_pct(&m->rng, 70) ? 0 : CODE_DENIED;
    } else if (f == F_WRITE_DENIED)
        m->denied[rng_below(&m->rng, m->w.n_persons)] = true;
    else
        return false;
    if (f != F_WRITE_DENIED && f != F_PASSWORD_REFUSED)
        cover_fault(f);
    sim_trace(m, "fault: %s in %s for %lld s", fault_names[f], dir_names[d], (long long)(lasts / US_SECOND));
    queue_add(&m->q, m->now + lasts, RUN_MEND, d, NULL);
    return true;
}

void happen_mend(struct sim *m, int d)
{
    if (m->wrong_server[d])
        dir_down(m, d);
    m->wrong_server[d] = false;
    m->slow[d] = 0;
    m->d[d].blind = false;
    m->d[d].password_code = m->d[d].delete_code = 0;
    memset(m->denied, 0, sizeof m->denied);
    for (int i = 0; i < m->d[d].n; i++) { /* the policy, and groups that were deleted: new entries, empty */
        struct dir_entry *e = m->d[d].v[i];
        bool group = dir_entry_attr(e, PL_STR("cn")) && pl_str_eq_c(dir_entry_value(e, "ou"), "managed");
        if (e->live || (!group && !pl_str_eq_c(e->dn, POLICY_DN)))
            continue;
        e->live = true;
        dir_entry_touch(&m->d[d], e, m->now);
        dir_entry_drop(e, "memberUid", (struct pl_str){"", 0});
        if (dir_entry_attr(e, PL_STR("member")))
            dir_entry_set(&m->d[d], e, "member", PL_STR(PLACEHOLDER));
    }
}

void happen_calm(struct sim *m)
{
    m->calm = true;
    for (int d = 0; d < N_DIRS; d++) {
        happen_mend(m, d);
    }
}

static bool hands(struct sim *m, enum fault f)
{
    bool done = f == F_MEMBER_ADDED || f == F_MEMBER_REMOVED         ? hand_member(m, f == F_MEMBER_ADDED)
                : f == F_LOCKED_BY_HAND || f == F_UNLOCKED_BY_HAND   ? hand_lock(m, f == F_LOCKED_BY_HAND)
                : f == F_ENTRY_DELETED || f == F_ENTRY_RENAMED       ? hand_entry(m, f)
                : f == F_ENTRY_FOREIGN                               ? hand_foreign(m)
                                                                     : hand_group(m);
    if (done && f != F_MEMBER_ADDED && f != F_MEMBER_REMOVED)
        cover_fault(f);
    return done;
}

static bool ask_control(struct sim *m)
{
    struct pl_event ev = {.kind = PL_EV_CONTROL};
    ev.control.control_id = ++m->next_control;
    ev.control.preview = rng_pct(&m->rng, 50);
    if (rng_pct(&m->rng, 50))
        ev.control.directory = pl_str_c(dir_names[rng_below(&m->rng, N_DIRS)]);
    sim_trace(m, "asked for a %s", ev.control.preview ? "preview" : "full compare");
    if (m->e && m->store_up)
        sim_event(m, &ev);
    return true;
}

int happen_one(struct sim *m)
{
    static const enum fault by_hand[] = {F_MEMBER_ADDED,   F_MEMBER_ADDED,     F_MEMBER_REMOVED, F_MEMBER_REMOVED,
                                         F_LOCKED_BY_HAND, F_UNLOCKED_BY_HAND, F_ENTRY_DELETED,  F_ENTRY_RENAMED,
                                         F_ENTRY_FOREIGN,  F_GROUP_DELETED};
    static const enum fault broken[] = {F_DIR_SLOW, F_BLIND, F_POLICY_GONE, F_PASSWORD_REFUSED, F_WRITE_DENIED};
    int what = rng_below(&m->rng, 100);
    if (what < 72)
        return people(m);
    if (what < 86)
        return hands(m, by_hand[rng_below(&m->rng, 10)]);
    if (what < 88)
        return store_down(m);
    if (what < 91)
        return dir_down(m, rng_below(&m->rng, N_DIRS));
    if (what < 92)
        return crash(m);
    if (what < 97)
        return break_directory(m, broken[rng_below(&m->rng, 5)]);
    return ask_control(m);
}

void happen_ambush(struct sim *m, int dir)
{
    if (m->calm)
        return;
    if (rng_pct(&m->rng, 30))
        crash(m);
    else if (dir >= 0)
        dir_down(m, dir);
    else
        store_down(m);
}
