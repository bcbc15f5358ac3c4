/* One managed group that somebody changed: who should be in it (store), who is (directory), and who the others are. A
 * member that is missing is known by its person; a newcomer is looked up by its own entry, because a directory compares
 * names in its own way, and the store then says whose it is. */
#include "watch_priv.h"

#include <stdlib.h>
#include <string.h>
#include "../directory/dn.h"

enum { PART_STORE, PART_GROUP, PART_STRANGER, PART_CANARY = LOOK_PARTS - 1 };
enum { LDAP_NO_SUCH_OBJECT = 32 };

void pl_watch_look_free(struct group_look *g)
{
    free(g->wanted);
    free(g->strangers);
}

static int tag_of(const struct group_look *g, int part)
{
    return TAG_LOOKS + (int)(g - g->w->looks) * LOOK_PARTS + part;
}

static void search(struct group_look *g, int part, struct pl_str base, const char *const *attrs)
{
    struct dir *d = g->w->d;
    struct pl_command *c = pl_e_emit(d->e, PL_CMD_SEARCH, d);
    c->search.channel = PL_CH_BULK;
    c->search.base = pl_arena_str(d->e->out, base);
    c->search.scope = PL_SCOPE_BASE;
    c->search.filter = PL_STR("(objectClass=*)");
    c->search.attrs = attrs;
    pl_e_request(d->e, c, OWN_WATCH, g->w, d, tag_of(g, part));
}

void pl_watch_look_group(struct group_look *g)
{
    struct dir *d = g->w->d;
    struct pl_command *c = pl_e_emit(d->e, PL_CMD_SCAN_GROUP, d);
    c->scan_group.dn = pl_arena_str(d->e->out, g->dn);
    pl_e_request(d->e, c, OWN_WATCH, g->w, NULL, tag_of(g, PART_STORE));
}

static void search_group(struct group_look *g)
{
    const struct dir *d = g->w->d;
    size_t n = 0;
    while (d->group_attrs[n])
        n++;
    const char **attrs = pl_arena_array(d->e->out, n + 2, sizeof *attrs);
    memcpy(attrs, d->group_attrs, n * sizeof *attrs);
    attrs[n] = d->dialect->written_attr;
    attrs[n + 1] = NULL;
    struct shape *s = pl_shape(g->w->d, g->dn_hash, true);
    g->writes = s->writes;
    pl_drift_begin(s);
    search(g, PART_GROUP, g->dn, attrs);
}

static void ended(struct group_look *g)
{
    pl_drift_keep(g, pl_shape(g->w->d, g->dn_hash, true));
    pl_watch_look_ended(g);
}

/* ---- who should be in it ---- */

static void row(struct group_look *g, const struct pl_event *ev)
{
    struct pl_row_scan_group r;
    struct pl_err err;
    if (!pl_row_scan_group(ev->row.cols, ev->row.n, &r, &err)) {
        g->broken = true;
        return;
    }
    if ((g->n_wanted & (g->n_wanted - 1)) == 0)
        g->wanted = pl_xrealloc_array(g->wanted, g->n_wanted ? g->n_wanted * 2 : 1, sizeof *g->wanted);
    g->wanted[g->n_wanted++] = (struct wanted_member){
        .dn_hash = r.dn.len ? pl_dn_hash(r.dn) : 0, .login_hash = pl_str_ihash(r.login), .person_id = r.person_id};
}

static int by_dn(const void *a, const void *b)
{
    const struct wanted_member *x = a, *y = b;
    return x->dn_hash < y->dn_hash ? -1 : x->dn_hash > y->dn_hash;
}

static int by_login(const void *a, const void *b)
{
    const struct wanted_member *x = a, *y = b;
    return x->login_hash < y->login_hash ? -1 : x->login_hash > y->login_hash;
}

/* ---- who is in it ---- */

static int cmp_u64(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static bool known_stranger(const struct dir *d, uint64_t group, uint64_t h)
{
    for (size_t i = 0; i < d->n_shapes; i++)
        if (d->shapes[i].dn_hash == group)
            return d->shapes[i].n_strangers &&
                   bsearch(&h, d->shapes[i].strangers, d->shapes[i].n_strangers, sizeof h, cmp_u64);
    return false;
}

/* Several roles may share the group, so that a person stands there more than once. */
static bool seen(struct group_look *g, uint64_t h, bool posix)
{
    size_t lo = 0, hi = g->n_wanted;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if ((posix ? g->wanted[mid].login_hash : g->wanted[mid].dn_hash) < h)
            lo = mid + 1;
        else
            hi = mid;
    }
    bool found = false;
    for (; h && lo < g->n_wanted && (posix ? g->wanted[lo].login_hash : g->wanted[lo].dn_hash) == h; lo++)
        found = g->wanted[lo].seen = true;
    return found;
}

/* A server that does not tell who wrote it may tell when. */
static void learn_writer(struct group_look *g, struct shape *s, const struct pl_entry *e)
{
    const char *attr = g->w->d->dialect->written_attr;
    int64_t at;
    if (g->writer.len > 0 || !attr || !pl_gentime_parse(pl_entry_first(e, attr), &at))
        return;
    struct pl_str when = pl_utc_words(g->w->round_arena, at);
    g->writer =
        pl_arena_printf(g->w->round_arena, "somebody whom the directory does not name, at %.*s", (int)when.len, when.s);
    free(s->writer);
    s->writer = strndup(g->writer.s, g->writer.len);
    s->writer_at_us = g->w->d->e->now;
}

static void entry_group(struct group_look *g, const struct pl_entry *e)
{
    struct watch *w = g->w;
    struct shape *s = pl_shape(w->d, g->dn_hash, true);
    pl_shape_learn(w->d, s, e);
    learn_writer(g, s, e);
    bool posix = s->shape == PL_GROUP_POSIX;
    const char *name = pl_group_attr(s->shape == PL_GROUP_PRIVILEGED ? PL_GROUP_NAMES : s->shape); /* read only */
    const struct pl_attr *a = name ? pl_entry_attr(e, name) : NULL;
    if (g->n_wanted)
        qsort(g->wanted, g->n_wanted, sizeof *g->wanted, posix ? by_login : by_dn);
    for (size_t i = 0; a && i < a->n; i++) {
        uint64_t h = posix ? pl_str_ihash(a->values[i]) : pl_dn_hash(a->values[i]);
        if (seen(g, h, posix) || known_stranger(w->d, g->dn_hash, h) ||
            (!posix && pl_dn_equal(a->values[i], w->d->conf.placeholder_dn)))
            continue;
        if (pl_drift_known(s, true, h, w->d->e->now))
            continue;
        if (g->n_strangers == STRANGERS_MAX) {
            g->crowded = true;
            break;
        }
        if ((g->n_strangers & (g->n_strangers - 1)) == 0)
            g->strangers =
                pl_xrealloc_array(g->strangers, g->n_strangers ? g->n_strangers * 2 : 1, sizeof *g->strangers);
        g->strangers[g->n_strangers++] =
            (struct stranger){.value = pl_arena_str(w->round_arena, a->values[i]), .hash = h, .is_dn = !posix};
    }
}

/* ---- who the others are ---- */

static void report(struct group_look *g, const struct stranger *s)
{
    struct watch *w = g->w;
    uint64_t h = s->is_dn ? pl_dn_hash(s->value) : pl_str_ihash(s->value);
    struct pl_changed c = {.id = s->id};
    if (!s->is_dn)
        c.login = s->value;
    c.finding =
        (struct pl_finding_cmd){.kind = "unmanaged_member", .severity = "warning", .role_group_id = g->role_group_id};
    c.finding.key = pl_arena_printf(w->round_arena, "%lld/%016llx", (long long)g->role_group_id, (unsigned long long)h);
    c.finding.text =
        pl_arena_printf(w->round_arena, "%.*s is a member of %.*s and no account of ours.%s%.*s", (int)s->value.len,
                        s->value.s, (int)g->dn.len, g->dn.s, g->writer.len ? " The group was last written by " : "",
                        (int)g->writer.len, g->writer.s);
    pl_watch_add_changed(w, &c);
}

static void group_read(struct group_look *g, const struct pl_event *ev)
{
    struct dir *d = g->w->d;
    struct shape *s = pl_shape(d, g->dn_hash, true);
    if (!(ev->result.code == 0 && ev->result.complete) && ev->result.code != LDAP_NO_SUCH_OBJECT) {
        g->broken = true;
        ended(g);
        return;
    }
    if (ev->result.code == LDAP_NO_SUCH_OBJECT)
        s->shape = PL_GROUP_UNKNOWN;
    for (size_t i = 0; i < g->n_wanted; i++)
        if (!g->wanted[i].seen && !pl_drift_known(s, false, g->wanted[i].login_hash, d->e->now))
            pl_watch_add_person(g->w, g->wanted[i].person_id);
    pl_drift_end(g, s);
    for (size_t i = 0; i < g->n_strangers; i++) {
        if (!g->strangers[i].is_dn) {
            report(g, &g->strangers[i]);
            continue;
        }
        const char **attrs = pl_arena_array(d->e->out, 2, sizeof *attrs);
        attrs[0] = d->dialect->native_id_attr;
        g->open++;
        search(g, PART_STRANGER + (int)i, g->strangers[i].value, attrs);
    }
    if (g->open == 0)
        ended(g);
}

static void report_absent(struct group_look *g)
{
    for (size_t i = 0; i < g->n_strangers; i++)
        if (g->strangers[i].absent)
            report(g, &g->strangers[i]);
}

/* A name without an entry is a stranger's only while the canary can be seen. */
static void strangers_read(struct group_look *g)
{
    static const char *const none[] = {"1.1", NULL};
    struct pl_str canary = g->w->d->conf.canary_dn;
    bool absent = false;
    for (size_t i = 0; i < g->n_strangers; i++)
        absent = absent || g->strangers[i].absent;
    if (absent && canary.len > 0) {
        search(g, PART_CANARY, canary, none);
        return;
    }
    report_absent(g);
    ended(g);
}

static void stranger_read(struct group_look *g, struct stranger *s, const struct pl_event *ev)
{
    char room[PL_NATIVE_ROOM];
    if (ev->kind == PL_EV_ENTRY) {
        s->id = pl_arena_str(g->w->round_arena, pl_dialect_native_id(g->w->d->dialect, ev->entry, room));
        return;
    }
    s->absent = s->id.len == 0 && ev->result.code == LDAP_NO_SUCH_OBJECT;
    if (s->id.len == 0 && !s->absent && !(ev->result.code == 0 && ev->result.complete))
        g->broken = true; /* nobody knows whose it is: not a stranger's yet */
    else if (!s->absent)
        report(g, s);
    if (--g->open == 0)
        strangers_read(g);
}

static void canary_read(struct group_look *g, const struct pl_event *ev)
{
    if (ev->kind == PL_EV_ENTRY) {
        g->canary = true;
        return;
    }
    if (g->canary)
        report_absent(g);
    else
        g->broken = true; /* people are hidden from us: it may be anybody's */
    ended(g);
}

void pl_watch_look_reply(struct group_look *g, int part, const struct pl_event *ev)
{
    if (part == PART_STORE && ev->kind == PL_EV_SCAN_ROW) {
        row(g, ev);
    } else if (part == PART_STORE && (ev->failed || g->broken)) {
        g->broken = true;
        ended(g);
    } else if (part == PART_STORE) {
        search_group(g);
    } else if (part == PART_GROUP && ev->kind == PL_EV_ENTRY) {
        entry_group(g, ev->entry);
    } else if (part == PART_GROUP) {
        group_read(g, ev);
    } else if (part == PART_CANARY) {
        canary_read(g, ev);
    } else {
        stranger_read(g, &g->strangers[part - PART_STRANGER], ev);
    }
}
