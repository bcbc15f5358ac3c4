/* One event of a seed: somebody changes the town, a part breaks, or another hand edits a directory. */
#include <stdlib.h>
#include <string.h>
#include "deed.h"
#include "run.h"

const char *const fault_names[N_FAULTS] = {"daemon crashed",
                                           "store went away",
                                           "store lost a command",
                                           "store committed and lost the answer",
                                           "store refused a command",
                                           "transaction of people took long",
                                           "hint lost",
                                           "directory went away",
                                           "write lost",
                                           "write done, answer lost",
                                           "write done late, after its connection",
                                           "write timed out",
                                           "directory busy",
                                           "write denied",
                                           "directory slow",
                                           "writes overtook each other",
                                           "search cut short (4)",
                                           "search with a part missing",
                                           "people hidden by an access rule",
                                           "password policy deleted",
                                           "password change refused",
                                           "another server behind the same name",
                                           "member added by hand",
                                           "member removed by hand",
                                           "locked by hand",
                                           "unlocked by hand",
                                           "end set or taken away by hand",
                                           "name written by hand",
                                           "entry deleted",
                                           "entry renamed",
                                           "foreign entry with our log-in",
                                           "group deleted",
                                           "compares never get through",
                                           "daemon asked to stop",
                                           "watch told everything",
                                           "watch resumed by its cookie",
                                           "watch told a change",
                                           "watch told what is still there",
                                           "watch told what is still there by a set",
                                           "watch told what is gone since by a set",
                                           "watch told what went by a set",
                                           "watch's cookie too old (4096)",
                                           "watch's cookie newer than the server",
                                           "watch lost",
                                           "a question of what changed, answered",
                                           "a question of what changed, failed",
                                           "a search for wake-ups stands",
                                           "a search for wake-ups refused",
                                           "a search for wake-ups silent for good",
                                           "a wake-up told a change",
                                           "a wake-up told without a change",
                                           "a wake-up left out",
                                           "a search for wake-ups lost",
                                           "several members in one write",
                                           "several members in one write, refused",
                                           "another server took a lock",
                                           "another server went away",
                                           "another server froze",
                                           "another server wrote late",
                                           "another server brought an old password back",
                                           "another server refused a lock",
                                           "another server takes no writes",
                                           "another server looked at was behind",
                                           "another server came into use",
                                           "a read that the engine paused"};

struct dir_entry *sim_entry(struct sim *m, int person, int dir, enum purpose p)
{
    const struct account *a = store_account(&m->s, person, dir, p);
    return a && a->native_id[0] ? directory_by_uuid(&m->d[dir], a->native_id) : NULL;
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
    static const int weight[N_DEEDS] = {
        [HIRE] = 12,     [REHIRE] = 5,     [DEPART] = 12,   [DEPART_LIST] = 4, [DEPART_AGAIN] = 3, [STAY] = 3,
        [GRANT] = 26,    [REVOKE] = 10,    [GRANT_END] = 5, [ABSENT] = 5,      [BACK] = 3,         [IT_ADMIN] = 5,
        [ROLE_MODE] = 2, [ROLE_DRIFT] = 1, [DIR_MODE] = 1,  [APPROVE] = 4,     [RECREATE] = 3,     [NAME] = 4};
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
        m->wrong_server[d] = m->gap[d] = true;
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

static void end_daemon(struct sim *m)
{
    serve_drop(m, 0, true);
    sister_crash(m);
    pl_engine_free(m->e);
    m->e = NULL;
    m->engine_no++;
    m->stop_us = 0;
    m->store_up = false;
    check_dropped(m, -1);
    queue_add(&m->q, m->now + rng_log(&m->rng, 10000, 10 * US_SECOND), RUN_START, 0, NULL);
}

static bool crash(struct sim *m)
{
    if (!m->e)
        return false;
    sim_trace(m, "fault: the daemon crashes");
    cover_fault(F_CRASH);
    end_daemon(m);
    return true;
}

static bool ask_to_stop(struct sim *m)
{
    struct pl_event ev = {.kind = PL_EV_SHUTDOWN};
    if (!m->e || m->stop_us > 0)
        return false;
    sim_trace(m, "the daemon is asked to stop");
    cover_fault(F_STOPPED);
    m->stop_us = m->now;
    sim_event(m, &ev);
    return true;
}

void happen_stopped(struct sim *m)
{
    sim_trace(m, "the daemon stops as asked");
    end_daemon(m);
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
    for (int d = 0; d < N_DIRS; d++)
        happen_mend(m, d);
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
    if (m->sisters[0].n > 1 && rng_pct(&m->sister_rng, 4))
        sister_away(m, rng_below(&m->sister_rng, N_DIRS));
    static const enum fault by_hand[] = {F_MEMBER_ADDED,   F_MEMBER_ADDED,     F_MEMBER_REMOVED, F_MEMBER_REMOVED,
                                         F_LOCKED_BY_HAND, F_UNLOCKED_BY_HAND, F_END_BY_HAND,    F_NAME_BY_HAND,
                                         F_ENTRY_DELETED,  F_ENTRY_RENAMED,    F_ENTRY_FOREIGN,  F_GROUP_DELETED};
    static const enum fault broken[] = {F_DIR_SLOW, F_BLIND, F_POLICY_GONE, F_PASSWORD_REFUSED, F_WRITE_DENIED};
    int what = rng_below(&m->rng, 100);
    if (what < 72)
        return people(m);
    if (what < 86)
        return hands(m, by_hand[rng_below(&m->rng, 12)]);
    if (what < 88)
        return store_down(m);
    if (what < 91)
        return dir_down(m, rng_below(&m->rng, N_DIRS));
    if (what < 92)
        return crash(m);
    if (what < 93)
        return ask_to_stop(m);
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
