/* Other hands in the directories: an administrator, a script, another tool. */
#include <stdio.h>
#include "../../lib/directory/dialect.h"
#include "run.h"

static struct pl_str gentime(struct sim *m, int dir, int64_t us)
{
    return pl_gentime_print(m->d[dir].a, us);
}

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

static void end_again(struct sim *m, int p, int d, enum purpose k)
{
    queue_add(&m->q, m->now + rng_log(&m->rng, US_SECOND, 10 * US_MINUTE), RUN_END,
              (p * N_DIRS + d) * (int)N_PURPOSES + (int)k, NULL);
}

/* A program that takes every end away, and does not give in. */
void hand_end_again(struct sim *m, int64_t which)
{
    enum purpose k = (enum purpose)(which % N_PURPOSES);
    int d = (int)(which / N_PURPOSES % N_DIRS), p = (int)(which / N_PURPOSES / N_DIRS);
    struct dir_entry *e = sim_entry(m, p, d, k);
    if (m->calm || !e || directory_refuses(&m->d[d], e, m->now) || rng_pct(&m->rng, 15))
        return;
    if (dir_entry_attr(e, PL_STR("pwdEndTime"))) {
        dir_entry_drop(e, "pwdEndTime", (struct pl_str){"", 0});
        dir_entry_touch(&m->d[d], e, m->now);
        m->c.tampered[p][d][k] = true;
        sim_trace(m, "by hand: the end of person %d in %s is taken away again", p + 1, dir_names[d]);
    }
    end_again(m, p, d, k);
}

/* Sooner, later, or not at all: of an account that is open. */
static bool hand_end(struct sim *m)
{
    int p, d;
    enum purpose k;
    struct dir_entry *e;
    if (!pick_entry(m, &p, &d, &k, &e) || directory_refuses(&m->d[d], e, m->now))
        return false;
    bool had = dir_entry_attr(e, PL_STR("pwdEndTime"));
    if (had && rng_pct(&m->rng, 60)) {
        dir_entry_drop(e, "pwdEndTime", (struct pl_str){"", 0});
        end_again(m, p, d, k);
    } else {
        dir_entry_set(&m->d[d], e, "pwdEndTime", gentime(m, d, m->now + rng_log(&m->rng, US_MINUTE, 12 * US_HOUR)));
    }
    dir_entry_touch(&m->d[d], e, m->now);
    m->c.tampered[p][d][k] = true;
    sim_trace(m, "by hand: the end of person %d in %s is changed", p + 1, dir_names[d]);
    return true;
}

/* Somebody's own words: they are nobody's to overwrite. Or a former name, by a program that does not give in. */
static bool hand_name(struct sim *m)
{
    int p = m->w.renamed_last, d = (int)(m->seed % N_DIRS);
    enum purpose k = PERSONAL;
    struct dir_entry *e = sim_entry(m, p, d, k);
    bool former = rng_pct(&m->rng, 80) && e && m->w.n_former[p] > 0;
    if (!former && !pick_entry(m, &p, &d, &k, &e))
        return false;
    if (former)
        queue_add(&m->q, m->now + rng_log(&m->rng, US_MINUTE, 15 * US_MINUTE), RUN_NAME, 0, NULL);
    if (former)
        dir_entry_set(&m->d[d], e, "sn", pl_str_c(m->w.former[p][m->w.n_former[p] - 1].family));
    else
        dir_entry_set(&m->d[d], e, rng_pct(&m->rng, 50) ? "sn" : "cn", PL_STR(OWN_WORDS));
    dir_entry_touch(&m->d[d], e, m->now);
    m->c.named[p][d][k] = true;
    sim_trace(m, "by hand: the name of person %d in %s", p + 1, dir_names[d]);
    return true;
}

void hand_name_again(struct sim *m)
{
    if (!m->calm && rng_pct(&m->rng, 80))
        hand_name(m);
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
    directory_remove(d, e, m->now);
    for (int p = 0; p < MAX_PERSONS; p++)
        for (int k = 0; k < N_PURPOSES; k++)
            m->c.regrouped[p][d->index][k] |= 1u << g;
    sim_trace(m, "by hand: group %d deleted", g + 1);
    queue_add(&m->q, m->now + rng_log(&m->rng, US_SECOND, US_HOUR), RUN_MEND, d->index, NULL);
    return true;
}

bool hands(struct sim *m, enum fault f)
{
    for (int d = 0; d < N_DIRS; d++)
        m->gap[d] = m->gap[d] || !m->watched[d]; /* before anybody watched */
    bool done = f == F_MEMBER_ADDED || f == F_MEMBER_REMOVED       ? hand_member(m, f == F_MEMBER_ADDED)
                : f == F_LOCKED_BY_HAND || f == F_UNLOCKED_BY_HAND ? hand_lock(m, f == F_LOCKED_BY_HAND)
                : f == F_NAME_BY_HAND                              ? hand_name(m)
                : f == F_END_BY_HAND                               ? hand_end(m)
                : f == F_ENTRY_DELETED || f == F_ENTRY_RENAMED     ? hand_entry(m, f)
                : f == F_ENTRY_FOREIGN                             ? hand_foreign(m)
                                                                   : hand_group(m);
    if (done && f != F_MEMBER_ADDED && f != F_MEMBER_REMOVED)
        cover_fault(f);
    return done;
}
