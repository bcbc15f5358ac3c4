#include "inspect.h"

#include "priv.h"

static const struct pl_dir_conf *find(const struct pl_engine_conf *conf, struct pl_str name)
{
    for (size_t i = 0; i < conf->n_dirs; i++)
        if (pl_str_eq(conf->dirs[i].name, name))
            return &conf->dirs[i];
    return NULL;
}

/* A timer that was set by the old interval does not outlast the new one. */
static void not_later(int64_t *at, int64_t latest)
{
    if (*at > latest)
        *at = latest;
}

bool pl_engine_reconfigure(struct pl_engine *e, const struct pl_engine_conf *conf, struct pl_err *err)
{
    int64_t compare_before = e->conf.compare_every_us;

    for (size_t i = 0; i < e->n_dirs; i++)
        if (!find(conf, e->dirs[i].conf.name) || conf->n_dirs != e->n_dirs)
            return pl_err_set(err, PL_ERR_CONF, 0, "Restart paaslad.", "other directories than at the start are named");
    e->conf.brake = conf->brake;
    e->conf.compare_every_us = conf->compare_every_us;
    e->conf.poll_us = conf->poll_us;
    e->conf.retry_min_us = conf->retry_min_us < 1000 ? 1000 : conf->retry_min_us;
    e->conf.retry_max_us = conf->retry_max_us < e->conf.retry_min_us ? e->conf.retry_min_us : conf->retry_max_us;
    e->conf.named_leavers = conf->named_leavers;
    e->conf.named_per_hour = conf->named_per_hour;
    for (size_t i = 0; i < e->n_dirs; i++) /* a longer look back shows what is forgotten here */
        e->dirs[i].passed.known = e->dirs[i].passed.known && conf->brake_window_us <= e->conf.brake_window_us;
    e->conf.brake_window_us = conf->brake_window_us;
    for (size_t i = 0; i < e->n_dirs;
         i++) /* a batch under way may have been cut by the old limit, and look whole by the new */
        e->dirs[i].want[PL_LOAD_BULK] = e->dirs[i].want[PL_LOAD_BULK] || e->conf.bulk_limit != conf->bulk_limit;
    e->conf.bulk_limit = conf->bulk_limit;
    if (e->conf.poll_us > 0)
        not_later(&e->next_poll_us, e->now + e->conf.poll_us);
    for (size_t i = 0; i < e->n_dirs; i++) {
        struct dir *d = &e->dirs[i];
        const struct pl_dir_conf *c = find(conf, d->conf.name);
        d->conf.inflight = c->inflight < 1 ? 1 : c->inflight;
        d->conf.lock_leavers_observed = c->lock_leavers_observed;
        d->conf.watch_poll_us = c->watch_poll_us;
        pl_watch_poll_sooner(d->watch);
        if (e->conf.compare_every_us > 0 && compare_before == 0 && d->next_scan_us)
            d->next_scan_us = e->now + e->conf.compare_every_us; /* it was switched on: not at once */
        else if (e->conf.compare_every_us > 0)
            not_later(&d->next_scan_us, e->now + e->conf.compare_every_us);
    }
    return true;
}
