/* The groups of a full compare. The store tells a group and who should stand in it, then the group's entry is read and
 * the two are held against each other; while one is read the next ones are asked for. A few small groups are held at a
 * time, or one large one; the first of them while the people are still being read. */
#include "scan_priv.h"

#include <stdlib.h>
#include <string.h>
#include "../directory/dn.h"
#include "../directory/sync.h"

enum { OPEN_MAX = 3, WAITING_MAX = 50000 }; /* groups; memberships */
enum { VALUES_MAX = 32 };                   /* members that are looked up at once */

bool pl_scan_group_room(const struct scan *s)
{
    return s->n_used == 0 || (s->n_used < OPEN_MAX && s->waiting < WAITING_MAX);
}

/* ---- who should stand in it ---- */

static size_t free_place(struct scan *s)
{
    for (size_t i = 0; i < s->n_open; i++)
        if (!s->open[i].used)
            return i;
    struct open_group none = {.used = false};
    PUSH(s->open, s->n_open, none);
    return s->n_open - 1;
}

static void expect(struct scan *s, struct open_group *g, struct pl_str persons, bool admin)
{
    int64_t person_id;
    while ((person_id = pl_row_next_id(&persons)) != 0) {
        struct record *r = pl_index_account(&s->by_person, s->records, person_id, admin);
        if (r)
            PUSH(g->expected, g->n_expected, (uint32_t)(r - s->records));
        else /* hired since the accounts were read */
            pl_scan_nominate_unknown(s, person_id);
    }
}

static void search(struct scan *s, size_t place)
{
    pl_scan_search(s, SC_GROUP + (int)place, s->open[place].dn, PL_SCOPE_BASE, s->d->group_attrs);
}

void pl_scan_group_row(struct scan *s, const struct pl_event *ev)
{
    struct pl_row_scan_groups row;
    struct pl_err err;
    if (!pl_row_scan_groups(ev->row.cols, ev->row.n, &row, &err)) {
        s->bad_row = true;
        return;
    }
    size_t place = free_place(s);
    struct open_group *g = &s->open[place];
    *g = (struct open_group){.used = true, .role_group_id = row.role_group_id};
    char *dn = pl_xcalloc(row.dn.len + 1, 1);
    memcpy(dn, row.dn.s, row.dn.len);
    g->dn = (struct pl_str){dn, row.dn.len};
    expect(s, g, row.persons, pl_str_eq_c(row.purpose, "admin"));
    s->n_used++;
    s->waiting += g->n_expected;
    if (s->people_read)
        search(s, place);
}

/* ---- the whole of it ---- */

static void end_if_all(struct scan *s)
{
    if (s->all_rows && s->people_read && s->n_used == 0)
        pl_scan_note(s);
}

void pl_scan_groups_begin(struct scan *s)
{
    for (size_t i = 0; i < s->n_open; i++)
        if (s->open[i].used)
            search(s, i);
    end_if_all(s);
}

void pl_scan_groups_all(struct scan *s)
{
    s->all_rows = true;
    end_if_all(s);
}

/* ---- who does ---- */

static int cmp_u64(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Who they are is known now: a watch need not look them up each time that somebody changes the group. */
static void keep_strangers(struct shape *shape, uint64_t *strangers, size_t n)
{
    if (n)
        qsort(strangers, n, sizeof *strangers, cmp_u64);
    free(shape->strangers);
    shape->strangers = strangers;
    shape->n_strangers = n;
}

static void report_stranger(struct scan *s, const struct open_group *g, struct pl_str value, uint64_t hash)
{
    pl_scan_report(
        s,
        (struct pl_finding_cmd){
            .kind = "unmanaged_member",
            .role_group_id = g->role_group_id,
            .key = pl_arena_printf(s->arena, "%lld/%016llx", (long long)g->role_group_id, (unsigned long long)hash),
            .text = pl_arena_printf(s->arena, "%.*s is a member of %.*s and no account of ours.", (int)value.len,
                                    value.s, (int)g->dn.len, g->dn.s)},
        hash);
}

/* Some of its values; `strangers` has room for them. */
static size_t take_values(struct scan *s, struct open_group *g, const struct pl_str *values, size_t n,
                          uint64_t *strangers)
{
    uint64_t hashes[VALUES_MAX], placeholder = pl_dn_hash(s->d->conf.placeholder_dn);
    uint32_t numbers[VALUES_MAX];
    size_t n_strangers = 0;
    for (size_t i = 0; i < n; i++)
        hashes[i] = g->by_login ? pl_str_ihash(values[i]) : pl_dn_hash(values[i]);
    if (g->by_login)
        pl_index_find_many(&s->by_login, s->records, offsetof(struct record, login_hash), hashes, n, numbers);
    else
        pl_index_find_many(&s->by_dn, s->records, offsetof(struct record, dn_hash), hashes, n, numbers);
    for (size_t i = 0; i < n; i++) {
        if (!g->by_login && s->d->conf.placeholder_dn.len > 0 && hashes[i] == placeholder) {
            g->placeholder = true;
        } else if (numbers[i] != PL_INDEX_NONE) {
            PUSH(g->members, g->n_members, numbers[i]);
        } else {
            strangers[n_strangers++] = hashes[i];
            report_stranger(s, g, values[i], hashes[i]);
        }
    }
    return n_strangers;
}

void pl_scan_group_entry(struct scan *s, struct open_group *g, const struct pl_entry *e)
{
    struct shape *shape = pl_shape(s->d, pl_dn_hash(g->dn), true);
    uint64_t *strangers = NULL;
    size_t n_strangers = 0;
    pl_shape_learn(s->d, shape, e);
    char room[PL_NATIVE_ROOM];
    shape->has_uuid = pl_uuid_read(shape->uuid, pl_dialect_native_id(s->d->dialect, e, room));
    g->by_login = shape->shape == PL_GROUP_POSIX;
    const char *name =
        pl_group_attr(shape->shape == PL_GROUP_PRIVILEGED ? PL_GROUP_NAMES : shape->shape); /* read only */
    const struct pl_attr *a = name ? pl_entry_attr(e, name) : NULL;
    for (size_t i = 0; a && i < a->n; i += VALUES_MAX) {
        uint64_t some[VALUES_MAX];
        size_t n = take_values(s, g, &a->values[i], a->n - i < VALUES_MAX ? a->n - i : VALUES_MAX, some);
        for (size_t k = 0; k < n; k++)
            PUSH(strangers, n_strangers, some[k]);
    }
    shape->placeholder = g->placeholder;
    keep_strangers(shape, strangers, n_strangers);
}

/* ---- the difference ---- */

/* Without an entry there is nobody to be a member; where one should be, that was nominated with the people. */
static bool is_missing(const struct open_group *g, const struct record *r)
{
    return !r->member && r->seen && (!g->by_login || r->login_hash != 0);
}

static void differ(struct scan *s, const struct open_group *g)
{
    for (size_t i = 0; i < g->n_members; i++)
        s->records[g->members[i]].member = true;
    for (size_t i = 0; i < g->n_expected; i++) {
        struct record *r = &s->records[g->expected[i]];
        r->wanted = true;
        if (is_missing(g, r))
            pl_scan_nominate(s, r, "compare");
    }
    for (size_t i = 0; i < g->n_members; i++) {
        struct record *r = &s->records[g->members[i]];
        if (!r->wanted)
            pl_scan_nominate(s, r, "compare_removal");
        r->member = false;
    }
    for (size_t i = 0; i < g->n_expected; i++)
        s->records[g->expected[i]].wanted = false;
}

static void drop(struct open_group *g)
{
    free((char *)(uintptr_t)g->dn.s);
    free(g->expected);
    free(g->members);
    *g = (struct open_group){.used = false};
}

void pl_scan_group_result(struct scan *s, struct open_group *g, bool ok)
{
    if (ok) {
        differ(s, g);
        s->groups++;
    } else {
        s->incomplete = true;
        s->why = "a group could not be read whole";
    }
    s->n_used--;
    s->waiting -= g->n_expected;
    drop(g);
    end_if_all(s);
}

void pl_scan_groups_free(struct scan *s)
{
    for (size_t i = 0; i < s->n_open; i++)
        drop(&s->open[i]);
    free(s->open);
}
