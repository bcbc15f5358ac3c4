/* The groups of a full compare. The store tells a group and who should stand in it, then the group's entry is read and
 * the two are held against each other; while one is read the next ones are asked for. A few small groups are held at a
 * time, or one large one. */
#include "scan_priv.h"

#include <stdlib.h>
#include <string.h>
#include "../directory/dn.h"
#include "../directory/sync.h"

enum { OPEN_MAX = 3, WAITING_MAX = 50000 }; /* groups; memberships */

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
    pl_scan_search(s, SC_GROUP + (int)place, g->dn, PL_SCOPE_BASE, s->d->group_attrs);
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

void pl_scan_group_entry(struct scan *s, struct open_group *g, const struct pl_entry *e)
{
    struct pl_str nobody = s->d->conf.placeholder_dn;
    struct shape *shape = pl_shape(s->d, pl_dn_hash(g->dn), true);
    uint64_t *strangers = NULL, placeholder = nobody.len > 0 ? pl_dn_hash(nobody) : 0;
    size_t n_strangers = 0;
    pl_shape_learn(s->d, shape, e);
    shape->placeholder = false;
    shape->has_uuid = pl_uuid_read(shape->uuid, pl_entry_first(e, "entryUUID"));
    g->by_login = shape->shape == PL_GROUP_POSIX;
    const char *name =
        pl_group_attr(shape->shape == PL_GROUP_PRIVILEGED ? PL_GROUP_NAMES : shape->shape); /* read only */
    const struct pl_attr *a = name ? pl_entry_attr(e, name) : NULL;
    for (size_t i = 0; a && i < a->n; i++) {
        uint64_t h = g->by_login ? pl_str_ihash(a->values[i]) : pl_dn_hash(a->values[i]);
        const struct record *r = g->by_login
                                     ? pl_index_find(&s->by_login, s->records, offsetof(struct record, login_hash), h)
                                     : pl_index_find(&s->by_dn, s->records, offsetof(struct record, dn_hash), h);
        if (!g->by_login && nobody.len > 0 && h == placeholder) {
            shape->placeholder = true;
        } else if (r) {
            PUSH(g->members, g->n_members, (uint32_t)(r - s->records));
        } else {
            PUSH(strangers, n_strangers, h);
            report_stranger(s, g, a->values[i], h);
        }
    }
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
    if (s->all_rows && s->n_used == 0)
        pl_scan_note(s);
}

void pl_scan_groups_free(struct scan *s)
{
    for (size_t i = 0; i < s->n_open; i++)
        drop(&s->open[i]);
    free(s->open);
}
