/* The model directory's side of a live watch (RFC 4533): a refresh of what changed since the cookie, then each change as
 * it is made, one message after the other. It may end at any time, forget, or not know. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../lib/directory/ber.h"
#include "../../lib/directory/sync.h"
#include "run.h"

enum { TAG_REFRESH_DELETE = 0xa1, TAG_REFRESH_PRESENT = 0xa2, TAG_ID_SET = 0xa3, UNWILLING = 53 };

bool watch_saw_all(const struct sim *m, int d)
{
    return m->watched[d] && !m->gap[d];
}

void watch_off(struct sim *m, int d)
{
    m->watch[d].phase = WATCHER_OFF;
    m->watch[d].generation++;
}

static void later(struct sim *m, int d)
{
    struct watcher *w = &m->watch[d];
    w->queued = w->generation;
    queue_add(&m->q, m->now + rng_log(&m->rng, 100, 50000), RUN_WATCH, w->generation * N_DIRS + d, NULL);
}

void watch_begin(struct sim *m, const struct pl_command *c)
{
    int d = store_dir(c->directory);
    struct watcher *w = &m->watch[d];
    struct pl_str in = c->watch.control, seq, mode, cookie = {"", 0};
    watch_off(m, d);
    w->phase = WATCHER_ASKED;
    w->req = c->req;
    w->told = -1;
    if (!pl_ber_take(&in, PL_BER_SEQUENCE, &seq) || !pl_ber_take(&seq, PL_BER_ENUMERATED, &mode) || mode.s[0] != 3)
        check_fail(m, "watch: not a Sync Request");
    if (pl_ber_take(&seq, PL_BER_OCTETS, &cookie)) {
        char text[64] = "";
        memcpy(text, cookie.s, cookie.len < 63 ? cookie.len : 63);
        w->told = strtol(text + strlen("rid=003,csn="), NULL, 10);
    }
    later(m, d);
}

/* ---- messages ---- */

static void cookie_text(char out[80], const struct directory *d, int next)
{
    snprintf(out, 80, "rid=003,csn=%s", next > 0 ? d->log[next - 1].csn : "00000000000000.000000Z#000000#000#000000");
}

/* False: that was the last message the engine wanted of this search. */
static bool send(struct sim *m, int d, struct pl_event *ev)
{
    long generation = m->watch[d].generation;
    ev->kind = PL_EV_WATCH;
    ev->req = m->watch[d].req;
    ev->directory = pl_str_c(dir_names[d]);
    sim_event(m, ev);
    return m->e && m->watch[d].generation == generation;
}

static bool send_end(struct sim *m, int d, int code)
{
    struct pl_event ev = {.watch = {.msg = PL_WATCH_END, .code = code}};
    struct watcher *w = &m->watch[d];
    uint64_t req = w->req;
    watch_off(m, d);
    ev.kind = PL_EV_WATCH;
    ev.req = req;
    ev.directory = pl_str_c(dir_names[d]);
    sim_trace(m, "watch of %s ends with %d", dir_names[d], code);
    sim_event(m, &ev);
    return false;
}

static bool send_info(struct sim *m, int d, unsigned char tag, const struct pl_buf *in)
{
    struct pl_buf out = {0};
    pl_ber_put(&out, tag, pl_buf_str(in));
    struct pl_event ev = {.watch = {.msg = PL_WATCH_INFO, .value = pl_buf_str(&out)}};
    bool on = send(m, d, &ev);
    pl_buf_free(&out);
    return on;
}

static bool send_refreshed(struct sim *m, int d, unsigned char tag)
{
    char cookie[80];
    struct pl_buf in = {0};
    cookie_text(cookie, &m->d[d], m->watch[d].next);
    pl_ber_put(&in, PL_BER_OCTETS, pl_str_c(cookie));
    bool on = send_info(m, d, tag, &in);
    pl_buf_free(&in);
    return on;
}

static void put_uuid(struct pl_buf *set, const struct dir_entry *e)
{
    unsigned char uuid[PL_UUID_BYTES];
    pl_uuid_read(uuid, pl_str_c(e->uuid));
    pl_ber_put(set, PL_BER_OCTETS, (struct pl_str){(const char *)uuid, sizeof uuid});
}

/* A syncIdSet (RFC 4533 2.5). FALSE is the default of refreshDeletes, so it is left out (RFC 4511 5.1). */
static bool send_set(struct sim *m, int d, const struct pl_buf *uuids, bool gone, const char *cookie)
{
    struct pl_buf in = {0};
    if (cookie)
        pl_ber_put(&in, PL_BER_OCTETS, pl_str_c(cookie));
    if (gone)
        pl_ber_put(&in, PL_BER_BOOLEAN, (struct pl_str){"\xff", 1});
    pl_ber_put(&in, PL_BER_SET, pl_buf_str(uuids));
    bool on = send_info(m, d, TAG_ID_SET, &in);
    pl_buf_free(&in);
    return on;
}

static bool send_entry(struct sim *m, int d, const struct dir_change *c, bool with_cookie, bool fresh)
{
    struct directory *dir = &m->d[d];
    const struct dir_entry *e = dir->v[c->entry];
    char state = c->deleted ? PL_SYNC_DELETE : fresh ? PL_SYNC_ADD : PL_SYNC_MODIFY, cookie[80];
    unsigned char uuid[PL_UUID_BYTES];
    struct pl_buf in = {0}, out = {0};
    if (dir->blind && !c->deleted) { /* an access rule hides it */
        m->gap[d] = true;
        return true;
    }
    pl_uuid_read(uuid, pl_str_c(e->uuid));
    pl_ber_put(&in, PL_BER_ENUMERATED, (struct pl_str){&state, 1});
    pl_ber_put(&in, PL_BER_OCTETS, (struct pl_str){(const char *)uuid, sizeof uuid});
    if (with_cookie) {
        cookie_text(cookie, dir, (int)(c - dir->log) + 1);
        pl_ber_put(&in, PL_BER_OCTETS, pl_str_c(cookie));
    }
    pl_ber_put(&out, PL_BER_SEQUENCE, pl_buf_str(&in));
    const struct dir_attr *oc = dir_entry_attr(e, PL_STR("objectClass"));
    struct pl_str csn = pl_str_c(c->csn), uid = dir_entry_value(e, "uid"), writer = PL_STR("cn=keegi," SUFFIX);
    struct pl_attr attrs[] = {{PL_STR("objectClass"), oc ? oc->raw : NULL, oc ? (size_t)oc->n : 0},
                              {PL_STR("entryCSN"), &csn, 1},
                              {PL_STR("modifiersName"), &writer, 1},
                              {PL_STR("uid"), &uid, uid.len > 0}};
    struct pl_entry entry = {c->dn, attrs, c->deleted ? 0 : 4};
    struct pl_event ev = {.watch = {.msg = PL_WATCH_ENTRY, .entry = &entry, .value = pl_buf_str(&out)}};
    bool on = send(m, d, &ev);
    pl_buf_free(&in);
    pl_buf_free(&out);
    return on;
}

/* ---- phases ---- */

static bool is_last(const struct directory *dir, int change)
{
    for (int k = change + 1; k < dir->n_log; k++)
        if (dir->log[k].entry == dir->log[change].entry)
            return false;
    return true;
}

/* Delete phase: what went since the cookie, in one message before everything else, as slapd does out of its session log. */
static bool set_of_gone(struct sim *m, int d, int since)
{
    struct directory *dir = &m->d[d];
    struct pl_buf uuids = {0};
    bool on = true;
    for (int i = since; i < dir->n_log; i++)
        if (dir->log[i].deleted && is_last(dir, i))
            put_uuid(&uuids, dir->v[dir->log[i].entry]);
    if (uuids.len > 0) {
        cover_fault(F_WATCH_GONE_SET);
        on = send_set(m, d, &uuids, true, NULL);
    }
    pl_buf_free(&uuids);
    return on;
}

/* Present phase: what is there and did not change, a few a message. */
static bool sets_of_present(struct sim *m, int d, int since)
{
    enum { A_FEW = 7 };
    struct directory *dir = &m->d[d];
    struct pl_buf uuids = {0};
    bool on = true;
    for (int i = 0, n = 0; i < dir->n && on; i++) {
        bool changed = false;
        for (int k = since; k < dir->n_log && !changed; k++)
            changed = dir->log[k].entry == i;
        if (dir->v[i]->live && !changed) {
            put_uuid(&uuids, dir->v[i]);
            n++;
        }
        if (n > 0 && (n == A_FEW || i + 1 == dir->n)) {
            cover_fault(F_WATCH_PRESENT_SET);
            on = send_set(m, d, &uuids, false, NULL);
            pl_buf_clear(&uuids);
            n = 0;
        }
    }
    pl_buf_free(&uuids);
    return on;
}

/* The last change of each entry since the cookie; what lay between is not told. In a present phase what is gone is told
 * by not being named. */
static bool refresh(struct sim *m, int d, long told)
{
    struct directory *dir = &m->d[d];
    int since = told > 0 ? (int)told : 0, end = dir->n_log;
    bool present = told >= 0 && m->forgetful && !m->calm && rng_pct(&m->rng, 10), sets = told >= 0 && m->sets;
    m->watch[d].next = end;
    if (present) {
        cover_fault(F_WATCH_PRESENT);
        m->gap[d] = true;
    }
    if (sets && !(present ? sets_of_present(m, d, since) : set_of_gone(m, d, since)))
        return false;
    for (int i = since; i < end; i++) {
        const struct dir_change *c = &dir->log[i];
        bool silent = c->deleted && (told < 0 || present || sets);
        if (is_last(dir, i) && !silent && !send_entry(m, d, c, false, told < 0))
            return false;
    }
    return send_refreshed(m, d, present ? TAG_REFRESH_PRESENT : TAG_REFRESH_DELETE);
}

static bool asked(struct sim *m, int d)
{
    struct watcher *w = &m->watch[d];
    if (m->forgetful && !m->calm && w->told >= 0 && rng_pct(&m->rng, 8)) {
        cover_fault(F_WATCH_STALE);
        m->gap[d] = true;
        return send_end(m, d, PL_SYNC_REFRESH_REQUIRED);
    }
    if (m->forgetful && !m->calm && w->told >= 0 && rng_pct(&m->rng, 4)) {
        cover_fault(F_WATCH_BACK);
        m->gap[d] = true;
        return send_end(m, d, UNWILLING);
    }
    if (w->told > m->d[d].n_log)
        check_fail(m, "watch: the cookie is newer than the directory");
    w->phase = WATCHER_ON;
    m->watched[d] = true;
    cover_fault(w->told >= 0 ? F_WATCH_RESUMED : F_WATCH_WHOLE);
    return refresh(m, d, w->told);
}

/* The next change; one that is gone also by a set of one (RFC 4533 3.4.2 lets a server choose). */
static void tell(struct sim *m, int d)
{
    const struct dir_change *c = &m->d[d].log[m->watch[d].next++];
    char cookie[80];
    struct pl_buf uuid = {0};
    if (!c->deleted || !m->sets) {
        send_entry(m, d, c, true, false);
        return;
    }
    cover_fault(F_WATCH_GONE_LIVE);
    cookie_text(cookie, &m->d[d], m->watch[d].next);
    put_uuid(&uuid, m->d[d].v[c->entry]);
    send_set(m, d, &uuid, true, cookie);
    pl_buf_free(&uuid);
}

void watch_go_on(struct sim *m, int64_t n)
{
    int d = (int)(n % N_DIRS);
    struct watcher *w = &m->watch[d];
    if (n / N_DIRS != w->generation || !m->e || !m->dir_up[d])
        return;
    w->queued = 0;
    if (w->phase == WATCHER_ASKED) {
        asked(m, d);
    } else if (w->phase == WATCHER_ON && !m->calm && rng_below(&m->rng, 60) == 0) {
        cover_fault(F_WATCH_LOST);
        send_end(m, d, PL_RESULT_UNKNOWN);
    } else if (w->phase == WATCHER_ON && w->next < m->d[d].n_log) {
        cover_fault(F_WATCH_TOLD);
        tell(m, d);
    }
}

void watch_pump(struct sim *m)
{
    for (int d = 0; d < N_DIRS; d++)
        if (m->watch[d].phase == WATCHER_ON && m->watch[d].next < m->d[d].n_log &&
            m->watch[d].queued != m->watch[d].generation)
            later(m, d);
}
