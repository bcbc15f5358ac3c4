/* The model directory's side of a watch that has to ask: a server that takes no DirSync and tells by update numbers. The
 * number of an entry is that of its last change in the directory's log, and one more.
 *
 * Beside that it has the search that says when to ask, the worst of its kind: it is refused, ends, is silent for good,
 * leaves out what it should tell, tells it late, twice, or without any reason. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../lib/directory/dialect.h"
#include "run.h"

enum { SIZE_LIMIT = 4, UNWILLING = 53 };

/* ---- the dialect: as the other directories', but for the watch ---- */

const struct pl_dialect *__wrap_pl_dialect_find(struct pl_str name);
const struct pl_dialect *__real_pl_dialect_find(struct pl_str name);

const struct pl_dialect *__wrap_pl_dialect_find(struct pl_str name)
{
    static struct pl_dialect asked;
    if (!pl_str_eq_c(name, POLLED_DIALECT))
        return __real_pl_dialect_find(name);
    asked = *__real_pl_dialect_find(PL_STR("openldap"));
    asked.name = POLLED_DIALECT;
    asked.watch = PL_WATCH_DIRSYNC;
    asked.wake_control = "1.2.3";
    asked.echo_attrs = NULL; /* our own writes are known as on such servers */
    return &asked;
}

void poll_town(struct sim *m)
{
    rng_seed(&m->poll_rng, m->seed ^ 0x9011ed);
    for (int d = 0; d < N_DIRS; d++) {
        m->polled[d] = rng_pct(&m->poll_rng, 25);
        m->sync[d] = m->sync[d] || m->polled[d];
        m->gap[d] = m->polled[d]; /* of what is gone it tells nothing: that is the compare's */
    }
}

/* ---- questions ---- */

static long usn_of(const struct directory *d, int entry)
{
    for (int i = d->n_log - 1; i >= 0; i--)
        if (d->log[i].entry == entry)
            return i + 2;
    return 1;
}

static void root(struct sim *m, struct req *r)
{
    char text[24];
    snprintf(text, sizeof text, "%d", m->d[r->dir].n_log + 1);
    r->entries = pl_arena_array(r->a, 1, sizeof *r->entries);
    r->entries[0] = (struct pl_entry){{"", 0}, pl_arena_array(r->a, 1, sizeof(struct pl_attr)), 1};
    struct pl_str *value = pl_arena_array(r->a, 1, sizeof *value);
    *value = pl_arena_str(r->a, pl_str_c(text));
    r->entries[0].attrs[0] = (struct pl_attr){PL_STR("highestCommittedUSN"), value, 1};
    r->n_entries = 1;
}

/* Whatever the directory shows, less what has not changed since. */
static void changed(struct sim *m, struct req *r, long from)
{
    struct directory *d = &m->d[r->dir];
    int n = 0;
    struct pl_command all = r->c;
    all.search.filter = PL_STR("(objectClass=*)");
    r->entries = pl_arena_array(r->a, (size_t)d->n + 1, sizeof *r->entries);
    r->code = directory_search(d, &all, m->now, &r->cursor, d->n + 1, r->a, r->entries, &r->n_entries);
    for (int i = 0; i < r->n_entries; i++) {
        const struct dir_entry *e = directory_find(d, r->entries[i].dn);
        if (e && usn_of(d, e->id) >= from)
            r->entries[n++] = r->entries[i];
    }
    r->n_entries = n;
    if (n > 0)
        cover_fault(F_POLL_TOLD);
}

/* False: this is a question of somebody else's. */
bool poll_question(struct sim *m, struct req *r)
{
    static const char changes[] = "(uSNChanged>=";
    const struct pl_command *c = &r->c;
    bool is_root = c->search.base.len == 0 && c->search.attrs && c->search.attrs[0] &&
                   strcmp(c->search.attrs[0], "highestCommittedUSN") == 0;
    bool is_changed =
        c->search.filter.len > sizeof changes && memcmp(c->search.filter.s, changes, sizeof changes - 1) == 0;
    if (!is_root && !is_changed)
        return false;
    r->next_entry = 0;
    r->cursor = 0;
    if (is_root)
        root(m, r);
    else
        changed(m, r, strtol(c->search.filter.s + sizeof changes - 1, NULL, 10));
    r->cursor = -1;
    r->complete = r->code == CODE_OK;
    if (!m->calm && rng_below(&m->poll_rng, 60) == 0) {
        cover_fault(F_POLL_FAILED);
        r->code = is_changed && rng_pct(&m->poll_rng, 50) ? SIZE_LIMIT : CODE_BUSY;
        r->n_entries = rng_below(&m->poll_rng, r->n_entries + 1);
        r->complete = false;
    }
    return true;
}

/* ---- the search that says when to ask ---- */

static void later(struct sim *m, int d)
{
    struct waker *k = &m->waker[d];
    k->queued = k->generation;
    queue_add(&m->q, m->now + rng_log(&m->poll_rng, 100, 200000), RUN_WAKE, k->generation * N_DIRS + d, NULL);
}

void wake_off(struct sim *m, int d)
{
    m->waker[d].req = 0;
    m->waker[d].generation++;
}

static void tell(struct sim *m, int d, uint64_t req, enum pl_watch_msg msg, int code)
{
    struct pl_entry nothing = {PL_STR("cn=whatever"), NULL, 0};
    struct pl_event ev = {.kind = PL_EV_WATCH, .req = req, .directory = pl_str_c(dir_names[d])};
    ev.watch.msg = msg;
    ev.watch.entry = msg == PL_WATCH_ENTRY ? &nothing : NULL;
    ev.watch.code = code;
    sim_event(m, &ev);
}

void poll_begin(struct sim *m, const struct pl_command *c)
{
    int d = store_dir(c->directory);
    struct waker *k = &m->waker[d];
    bool wake = c->watch.kind == PL_WATCH_WAKE;
    if (!wake && c->watch.kind != PL_WATCH_DIRSYNC)
        check_fail(m, "watch: of a kind that this directory has not");
    if (wake && c->watch.control.len > 0)
        check_fail(m, "watch: the control that wakes has no value");
    if (!wake) {
        k->refuse = c->req;
        queue_add(&m->q, m->now + rng_log(&m->poll_rng, 100, 5000), RUN_WAKE, -1 - d, NULL);
        return;
    }
    wake_off(m, d);
    k->req = c->req;
    k->stands = false;
    k->next = m->d[d].n_log;
    k->silent = rng_pct(&m->poll_rng, 15);
    if (k->silent)
        cover_fault(F_WAKE_SILENT);
    else
        later(m, d);
}

static void wake_ends(struct sim *m, int d)
{
    static const int codes[] = {0, 1, 11, 12, 50, 51, 53, PL_RESULT_UNKNOWN};
    uint64_t req = m->waker[d].req;
    wake_off(m, d);
    tell(m, d, req, PL_WATCH_END, codes[rng_below(&m->poll_rng, (int)(sizeof codes / sizeof codes[0]))]);
}

static void wake_stands(struct sim *m, int d)
{
    struct waker *k = &m->waker[d];
    if (!m->calm && rng_pct(&m->poll_rng, 25)) {
        cover_fault(F_WAKE_REFUSED);
        wake_ends(m, d);
        return;
    }
    cover_fault(F_WAKE_STANDS);
    k->stands = true;
    tell(m, d, k->req, PL_WATCH_STANDS, 0);
}

static void wake_tells(struct sim *m, int d)
{
    struct waker *k = &m->waker[d];
    bool news = k->next < m->d[d].n_log;
    k->next += news;
    if (!m->calm && rng_below(&m->poll_rng, 40) == 0) {
        cover_fault(F_WAKE_LOST);
        wake_ends(m, d);
    } else if (!m->calm && news && rng_pct(&m->poll_rng, 25)) {
        cover_fault(F_WAKE_LEFT_OUT);
    } else {
        cover_fault(news ? F_WAKE_TOLD : F_WAKE_NO_NEWS);
        tell(m, d, k->req, PL_WATCH_ENTRY, 0);
    }
}

void wake_go_on(struct sim *m, int64_t n)
{
    int d = (int)(n < 0 ? -1 - n : n % N_DIRS);
    struct waker *k = &m->waker[d];
    uint64_t req = k->refuse;
    if (n < 0 && req && m->e && m->dir_up[d]) {
        k->refuse = 0;
        tell(m, d, req, PL_WATCH_END, UNWILLING);
    }
    if (n < 0 || n / N_DIRS != k->generation || !m->e || !m->dir_up[d])
        return;
    k->queued = -1;
    if (!k->stands)
        wake_stands(m, d);
    else
        wake_tells(m, d);
}

void wake_pump(struct sim *m)
{
    for (int d = 0; d < N_DIRS; d++) {
        const struct waker *k = &m->waker[d];
        if (k->req && !k->silent && k->stands && k->queued != k->generation &&
            (k->next < m->d[d].n_log || (!m->calm && rng_below(&m->poll_rng, 400) == 0)))
            later(m, d);
    }
}
