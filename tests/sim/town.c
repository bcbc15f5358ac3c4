/* The first day of a seed: roles and their groups, people at work, and entries that stood in the directories before
 * Pääsla came. */
#include <stdio.h>
#include <string.h>
#include "../../lib/directory/dialect.h"
#include "deed.h"
#include "run.h"

static void role_groups(struct sim *m)
{
    struct world *w = &m->w;
    for (int r = 0; r < N_ROLES; r++) {
        w->roles[r].mode = rng_pct(&m->rng, 75) ? PL_MODE_ENFORCE : (enum pl_mode)rng_below(&m->rng, 2);
        w->roles[r].put_back = rng_pct(&m->rng, 50);
        for (int d = 0; d < N_DIRS; d++) {
            if (w->n_groups == MAX_GROUPS || (d == 1 && rng_pct(&m->rng, 40)))
                continue;
            struct role_group *g = &w->groups[w->n_groups++];
            g->role = r;
            g->dir = d;
            g->purpose = r == N_ROLES - 1 ? ADMIN : PERSONAL;
            g->posix = rng_pct(&m->rng, 30);
            snprintf(g->dn, sizeof g->dn, "cn=roll%d,%s", r + 1, GROUP_BASE);
            char cn[16];
            snprintf(cn, sizeof cn, "roll%d", r + 1);
            if (g->posix)
                directory_put(&m->d[d], g->dn, m->now, "objectClass", "posixGroup", "cn", cn, "ou", "managed", NULL);
            else
                directory_put(&m->d[d], g->dn, m->now, "objectClass", "groupOfNames", "cn", cn, "ou", "managed",
                              "member", PLACEHOLDER, NULL);
        }
    }
    for (int d = 0; d < N_DIRS; d++)
        directory_put(&m->d[d], "cn=muud," GROUP_BASE, m->now, "objectClass", "groupOfNames", "cn", "muud", "member",
                      PLACEHOLDER, NULL);
}

/* An entry that stood there before, with the number that proves whose it is. */
void happen_old_entry(struct sim *m, const struct employment *e, int dir)
{
    char dn[128], uid[24], number[24];
    struct directory *d = &m->d[dir];
    const struct person *p = &m->w.persons[e->person];
    snprintf(uid, sizeof uid, "vana%d", e->number);
    snprintf(dn, sizeof dn, "uid=%s,%s", uid, PEOPLE_BASE);
    snprintf(number, sizeof number, "%s-%d", institution_names[e->institution], e->number);
    if (directory_find(d, pl_str_c(dn)))
        return; /* no directory has two entries of one name */
    struct dir_entry *x = directory_put(d, dn, m->now, "objectClass", "inetOrgPerson", "uid", uid, "cn", p->given, "sn",
                                        p->family, "employeeNumber", number, NULL);
    dir_entry_add(d, x, "userPassword", PL_STR("old"));
    x->password_known = true;
    if (rng_pct(&m->rng, 25))
        dir_entry_add(d, x, "pwdEndTime", pl_gentime_print(d->a, m->now - US_HOUR));
    for (int g = 0; g < m->w.n_groups; g++) {
        const struct role_group *rg = &m->w.groups[g];
        struct dir_entry *ge = directory_find(d, pl_str_c(rg->dn));
        if (!ge || rg->dir != dir || rg->purpose != PERSONAL || !rng_pct(&m->rng, 35))
            continue;
        dir_entry_add(d, ge, rg->posix ? "memberUid" : "member", rg->posix ? pl_str_c(uid) : pl_str_c(dn));
        m->c.regrouped[e->person][dir][PERSONAL] |= 1u << g;
    }
    m->c.tampered[e->person][dir][PERSONAL] = true;
}

void happen_town(struct sim *m)
{
    struct world *w = &m->w;
    w->create_ahead[0][0] = w->create_ahead[0][1] = w->create_ahead[1][0] = US_HOUR;
    w->create_ahead[1][1] = -1;
    w->dir_mode[0] = PL_MODE_ENFORCE;
    w->dir_mode[1] = rng_pct(&m->rng, 80) ? PL_MODE_ENFORCE : PL_MODE_OBSERVE;
    for (int d = 0; d < N_DIRS; d++) {
        directory_init(&m->d[d], d);
        m->d[d].refint = rng_pct(&m->rng, 60);
        m->lock_observed[d] = rng_pct(&m->rng, 50);
    }
    m->d[1].assertion = rng_pct(&m->rng, 70);
    m->d[1].usability = rng_pct(&m->rng, 70);
    m->no_compare = rng_pct(&m->rng, 25);
    m->again_g = -1;
    for (int d = 0; d < N_DIRS; d++) {
        m->sync[d] = rng_pct(&m->rng, 75);
        m->post_read[d] = rng_pct(&m->rng, 80);
    }
    m->forgetful = rng_pct(&m->rng, 50);
    m->sets = m->seed % 2 != 0; /* no draw: the other seeds stay what they were */
    sister_town(m);
    poll_town(m);
    role_groups(m);
    for (int i = 0; i < 8; i++) {
        struct deed x = {.kind = HIRE,
                         .at_us = m->now,
                         .person = w->n_persons,
                         .institution = i % 3 == 2,
                         .flag = i == 1,
                         .from = m->now - rng_log(&m->rng, US_MINUTE, 100 * US_HOUR),
                         .to = NEVER};
        if (i == 7)
            x.from = m->now + rng_log(&m->rng, US_MINUTE, 5 * US_HOUR);
        deed_do(&x, &m->s);
        const struct employment *e = &w->employments[w->n_employments - 1];
        for (int d = 0; d < N_DIRS; d++)
            if (w->create_ahead[e->institution][d] >= 0 && rng_pct(&m->rng, 40))
                happen_old_entry(m, e, d);
    }
    for (int i = 0; i < 12; i++) {
        struct deed x;
        if (deed_draw(&x, GRANT, &m->s, &m->rng, m->now))
            deed_do(&x, &m->s);
    }
}
