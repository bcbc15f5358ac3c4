#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t REST_MAX = 12 * US_HOUR;
#define POLL_US (20 * US_MINUTE)
enum { STEPS_MAX = 400000 };

/* ---- the daemon ---- */

static const struct pl_template templates[] = {
    {{"objectClass", 11}, {"inetOrgPerson", 13}},
    {{"uid", 3}, {"{login}", 7}},
    {{"cn", 2}, {"{name}", 6}},
    {{"sn", 2}, {"{family}", 8}},
    {{"givenName", 9}, {"{given}", 7}},
    {{"mail", 4}, {"{given}.{family}@linn.test", 26}},
    {{"employeeNumber", 14}, {"{institution}-{employee_no}", 27}},
};

static struct pl_engine *engine_new(struct sim *m)
{
    struct pl_dir_conf dirs[N_DIRS];
    for (int d = 0; d < N_DIRS; d++)
        dirs[d] = (struct pl_dir_conf){.name = pl_str_c(dir_names[d]),
                                       .dialect = pl_str_c(m->polled[d] ? POLLED_DIALECT : "openldap"),
                                       .watch_poll_us = 10 * US_MINUTE,
                                       .people_base = PL_STR(PEOPLE_BASE),
                                       .group_base = PL_STR(GROUP_BASE),
                                       .canary_dn = PL_STR(CANARY_DN),
                                       .placeholder_dn = PL_STR(PLACEHOLDER),
                                       .policy_dn = PL_STR(POLICY_DN),
                                       .login_attr = PL_STR("uid"),
                                       .number_attr = PL_STR("employeeNumber"),
                                       .login_style = PL_STR("given.family"),
                                       .admin_prefix = PL_STR("adm-"),
                                       .rdn_template = PL_STR("uid={login}," PEOPLE_BASE),
                                       .templates = templates,
                                       .n_templates = sizeof templates / sizeof templates[0],
                                       .first_password_file = d == 0,
                                       .lock_leavers_observed = m->lock_observed[d],
                                       .end_ahead = true,
                                       .keep_attributes = PL_STR("cn sn givenName mail"),
                                       .inflight = 2 + (int)(m->seed % 11)};
    struct pl_engine_conf conf = {.dirs = dirs,
                                  .n_dirs = N_DIRS,
                                  .brake = m->brake,
                                  .compare_every_us = 2 * US_HOUR,
                                  .poll_us = POLL_US,
                                  .retry_min_us = US_SECOND / 2,
                                  .retry_max_us = 5 * US_MINUTE,
                                  .named_leavers = m->naming.leavers,
                                  .named_per_hour = m->naming.per_hour,
                                  .brake_window_us = m->brake_window_us,
                                  .bulk_limit = 3 + (int)(m->seed % 9)};
    struct pl_err err = {0};
    struct pl_engine *e = pl_engine_new(&conf, &err);
    if (!e)
        check_fail(m, "the engine refuses its configuration: %s", err.text);
    return e;
}

static void drain(struct sim *m)
{
    struct pl_command c;
    int n = 0;
    while (pl_engine_next(m->e, &c)) {
        if (m->trace)
            trace_command(m, &c);
        if (++n > 5000) {
            check_fail(m, "one event made more than 5000 commands");
            return;
        }
        if (c.kind == PL_CMD_LOG)
            continue;
        check_command(m, &c);
        if (c.kind == PL_CMD_TIMER) {
            queue_add(&m->q, c.at_us > m->now ? c.at_us : m->now, RUN_TIMER, ++m->timer_no, NULL);
            continue;
        }
        bool store = c.kind < PL_CMD_SEARCH;
        if (store ? !m->store_up : !m->dir_up[store_dir(c.directory)])
            check_fail(m, "a command for a part that is down");
        else
            serve_accept(m, &c);
    }
}

enum pl_flow sim_event(struct sim *m, struct pl_event *ev)
{
    if (!m->e)
        return PL_CONTINUE;
    m->engine_events++;
    enum pl_flow flow = pl_engine_event(m->e, ev, m->now);
    drain(m);
    serve_resume(m);
    return flow;
}

void sim_hint(struct sim *m)
{
    if (m->hinted)
        return; /* read together with the last one, which is still on its way */
    if (!m->calm && rng_pct(&m->rng, 12)) {
        cover_fault(F_HINT_LOST);
        m->hint_lost = true;
        return;
    }
    m->hinted = true;
    queue_add(&m->q, m->now + rng_log(&m->rng, 100, 50000), RUN_HINT, 0, NULL);
}

static void up(struct sim *m, int d)
{
    static const char *const ids[2][N_DIRS] = {{"srv-linn", "srv-kool"}, {"srv-x", "srv-y"}};
    struct pl_event ev = {.kind = PL_EV_DIR_UP, .directory = pl_str_c(dir_names[d])};
    if (!m->e || m->dir_up[d])
        return;
    m->dir_up[d] = true;
    sister_dir_up(m, d);
    ev.up.server = sister_in_use(m, d);
    ev.up.several = m->sisters[d].n > 1;
    ev.up.identity = pl_str_c(ids[m->wrong_server[d]][d]);
    ev.up.ppolicy = ev.up.policy_in_force = m->d[d].ppolicy;
    ev.up.assertion = m->d[d].assertion;
    ev.up.watch = m->sync[d];
    ev.up.life = m->polled[d] ? ev.up.identity : ev.up.life;
    ev.up.post_read = m->post_read[d];
    sim_trace(m, "%s is up%s", dir_names[d], m->wrong_server[d] ? " (another server)" : "");
    sim_event(m, &ev);
}

void sim_start_daemon(struct sim *m)
{
    m->e = engine_new(m);
    for (int d = 0; d < N_DIRS; d++) {
        m->dir_up[d] = false;
        queue_add(&m->q, m->now + rng_log(&m->rng, 1000, US_SECOND), RUN_DIR_UP, d, NULL);
    }
    queue_add(&m->q, m->now + rng_log(&m->rng, 1000, US_SECOND), RUN_STORE_UP, m->engine_no, NULL);
    sim_trace(m, "the daemon starts");
}

void sim_request_forget(struct sim *m, struct req *r)
{
    for (size_t i = 0; i < m->n_reqs; i++)
        if (m->reqs[i] == r) {
            m->reqs[i] = m->reqs[--m->n_reqs];
            return;
        }
}

void sim_request_free(struct sim *m, struct req *r)
{
    sim_request_forget(m, r);
    sim_request_drop(m, r);
}

/* ---- the loop ---- */

static int64_t gap(struct sim *m)
{
    int what = rng_below(&m->rng, 1000);
    if (what < 15)
        return rng_span(&m->rng, US_HOUR, 4 * US_HOUR);
    if (what < 70)
        return rng_span(&m->rng, US_MINUTE, 20 * US_MINUTE);
    return rng_log(&m->rng, 1, 20 * US_SECOND);
}

static void next_happening(struct sim *m)
{
    if (m->events_left > 0)
        queue_add(&m->q, m->now + gap(m), RUN_HAPPEN, 0, NULL);
    else
        queue_add(&m->q, m->now + US_MINUTE, RUN_HAPPEN, 1, NULL);
}

static void ask_compare(struct sim *m)
{
    struct pl_event ev = {.kind = PL_EV_CONTROL};
    ev.control.control_id = ++m->next_control;
    if (m->e && m->store_up)
        sim_event(m, &ev);
}

/* After the last event: faults end, a full compare is asked for now and then until everything rests. */
static void settle_down(struct sim *m)
{
    if (!m->calm) {
        sim_trace(m, "calm");
        happen_calm(m);
    }
    ask_compare(m);
}

static void take(struct sim *m, const struct happening *h)
{
    struct pl_event ev = {0};
    struct req *r = h->what;
    switch ((enum run_kind)h->kind) {
    case RUN_EXECUTE:
    case RUN_ANSWER:
        if (r->dead)
            serve_dead(m, r);
        else if (h->kind == RUN_EXECUTE)
            serve_execute(m, r);
        else
            serve_answer(m, r);
        break;
    case RUN_LATE:
        serve_late(m, r);
        break;
    case RUN_TIMER:
        ev.kind = PL_EV_TIMER;
        if (h->n == m->timer_no)
            sim_event(m, &ev);
        break;
    case RUN_HAPPEN:
        if (h->n == 0 && m->events_left > 0) {
            m->events_left -= happen_one(m);
            next_happening(m);
        } else {
            settle_down(m);
        }
        break;
    case RUN_COMMIT:
        happen_commit(m, h->what);
        break;
    case RUN_HINT:
        ev.kind = PL_EV_DIRTY;
        m->hinted = m->hint_lost = false;
        if (m->store_up)
            sim_event(m, &ev);
        break;
    case RUN_STORE_UP:
        if (!m->e || m->store_up || h->n != m->engine_no)
            break;
        m->store_up = true;
        m->store_free_us = m->now;
        ev.kind = PL_EV_STORE_UP;
        sim_trace(m, "the store is up");
        sim_event(m, &ev);
        break;
    case RUN_DIR_UP:
        up(m, (int)h->n);
        break;
    case RUN_START:
        sim_start_daemon(m);
        break;
    case RUN_AMBUSH:
        happen_ambush(m, (int)h->n);
        break;
    case RUN_WATCH:
        watch_go_on(m, h->n);
        break;
    case RUN_WAKE:
        wake_go_on(m, h->n);
        break;
    case RUN_END:
        hand_end_again(m, h->n);
        break;
    case RUN_NAME:
        hand_name_again(m);
        break;
    case RUN_MEND:
        happen_mend(m, (int)h->n);
        break;
    case RUN_SISTER:
        sister_take(m, r);
        break;
    case RUN_SERVER_UP:
        sister_up(m, (int)h->n);
        break;
    }
}

static void finish(struct sim *m)
{
    struct happening h;
    while (queue_take(&m->q, &h))
        if (h.kind == RUN_COMMIT)
            free(h.what);
        else if (h.kind == RUN_SISTER)
            sim_request_drop(m, h.what);
        else if ((h.kind == RUN_EXECUTE || h.kind == RUN_ANSWER || h.kind == RUN_LATE) && h.what) {
            struct req *r = h.what;
            if (r->dead || h.kind == RUN_LATE)
                sim_request_free(m, r);
        }
    while (m->n_reqs > 0)
        sim_request_free(m, m->reqs[0]);
    while (m->n_spare > 0)
        pl_arena_free(m->spare[--m->n_spare]);
    pl_engine_free(m->e);
    for (int d = 0; d < N_DIRS; d++)
        directory_free(&m->d[d]);
    store_free(&m->s);
    queue_free(&m->q);
    free(m->reqs);
    free(m->sister_reqs);
    free(m->c.load_locks);
    free(m->c.load_removals);
    free(m);
}

static void begin(struct sim *m)
{
    m->now = SIM_FIRST_DAY;
    store_init(&m->s, &m->w, m->now);
    m->brake = (struct pl_brake_limits){.max_locks = 2 + rng_below(&m->rng, 4),
                                        .max_lock_share = 40,
                                        .max_removals = 4 + rng_below(&m->rng, 8),
                                        .max_removal_share = 50,
                                        .share_from = 8};
    m->naming.leavers = 1 + rng_below(&m->rng, 2);
    m->naming.per_hour = m->seed % 3 == 0 ? 2 : 1000;
    m->brake_window_us = m->seed % 2 == 0 ? US_HOUR : 0;
    happen_town(m);
    sim_start_daemon(m);
    next_happening(m);
}

bool sim_run(uint64_t seed, int events, bool trace, char fail[MAX_FAIL])
{
    struct sim *m = pl_xcalloc(1, sizeof *m);
    struct happening h;
    m->seed = seed;
    m->trace = trace;
    m->events_left = events;
    rng_seed(&m->rng, seed);
    begin(m);
    int64_t calm_since = 0, asked = 0;
    long steps = 0;
    int rests = 0;
    while (m->c.fail[0] == '\0' && queue_take(&m->q, &h)) {
        m->now = h.at_us;
        take(m, &h);
        watch_pump(m);
        wake_pump(m);
        check_somebody_looks(m);
        if (m->e && m->stop_us > 0 && pl_engine_idle(m->e))
            happen_stopped(m);
        else if (m->e && m->stop_us > 0 && m->now > m->stop_us + 10 * US_MINUTE)
            check_fail(m, "9: asked to stop, and ten minutes later something is still open");
        if (++steps > STEPS_MAX)
            check_fail(m, "no rest after %d steps", STEPS_MAX);
        if (!m->calm || m->c.fail[0] != '\0')
            continue;
        if (calm_since == 0)
            calm_since = asked = m->now;
        if (m->now - calm_since > REST_MAX)
            rest_check(m); /* says what is left */
        /* A hint that was lost may have told of a nearer change in time: without a compare it is the poll that finds it. */
        if (m->no_compare && m->now - calm_since <= POLL_US)
            continue;
        if (rest_reached(m)) {
            if (++rests > 2) { /* two full compares in a row found nothing more to do */
                rest_check(m);
                break;
            }
            asked = m->now;
            ask_compare(m);
        } else if (m->now - asked > US_HOUR) {
            asked = m->now;
            ask_compare(m);
        }
    }
    memcpy(fail, m->c.fail, MAX_FAIL);
    bool ok = fail[0] == '\0';
    finish(m);
    return ok;
}
