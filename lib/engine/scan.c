/* The full compare of one directory. It streams: a small record a person, one group at a time. It concludes nothing
 * itself: PostgreSQL and a directory are never read at the same instant, so every difference only makes its person
 * dirty, and the ordinary path reads both sides again. */
#include "priv.h"

#include <stdlib.h>
#include <string.h>
#include "inspect.h"
#include "../directory/dn.h"

enum phase_scan { SC_ACCOUNTS, SC_CANARY, SC_POLICY, SC_PEOPLE, SC_GROUP_DIR, SC_GROUP_STORE, SC_NOTE };
enum { NOMINATE_BITE = 500, FINDINGS_MAX = 1000 };

/* One account as the store knows it. Hashes, not texts: a collision could only nominate a person too many. */
struct record {
    uint64_t id_hash, login_hash, dn_hash; /* native id; log-in; DN as the directory shows it, else as stored */
    int64_t person_id;
    uint8_t state, need;
    bool seen, nominated, known; /* known: there is an account row */
};

struct index {
    uint32_t *slots; /* record number + 1 */
    size_t n;
};

struct scan {
    struct dir *d;
    int64_t control_id;
    bool preview; /* gathers nominees and nominates nobody */
    struct record *records;
    size_t n_records;
    struct index by_id, by_login, by_dn;
    bool canary, policy, incomplete;
    const char *why;
    long entries, groups, nominated, orphans;
    size_t group; /* the group being compared */
    bool group_seen;
    uint64_t *members; /* hashes of its values, sorted */
    size_t n_members;
    bool *wanted; /* per member */
    bool by_login_value;
    struct pl_arena *arena; /* of the nominations that are gathered */
    struct pl_nominee *nominees;
    size_t n_nominees;
    struct pl_finding_cmd *findings;
    size_t n_findings;
    bool done;
};

#define PUSH(arr, n, item)                                                                                             \
    do {                                                                                                               \
        if (((n) & ((n)-1)) == 0)                                                                                      \
            (arr) = pl_xrealloc_array((arr), (n) ? (n)*2 : 1, sizeof *(arr));                                          \
        (arr)[(n)++] = (item);                                                                                         \
    } while (0)

/* ---- records ---- */

static void index_build(struct index *ix, const struct scan *s, size_t offset)
{
    ix->n = 64;
    while (ix->n < s->n_records * 2)
        ix->n *= 2;
    free(ix->slots);
    ix->slots = pl_xcalloc(ix->n, sizeof *ix->slots);
    for (size_t i = 0; i < s->n_records; i++) {
        uint64_t h = *(const uint64_t *)(const void *)((const char *)&s->records[i] + offset);
        if (h == 0)
            continue;
        size_t at = h & (ix->n - 1);
        while (ix->slots[at])
            at = (at + 1) & (ix->n - 1);
        ix->slots[at] = (uint32_t)i + 1;
    }
}

static struct record *lookup(const struct index *ix, const struct scan *s, size_t offset, uint64_t h)
{
    if (!ix->slots || h == 0)
        return NULL;
    for (size_t at = h & (ix->n - 1); ix->slots[at]; at = (at + 1) & (ix->n - 1)) {
        struct record *r = &s->records[ix->slots[at] - 1];
        if (*(const uint64_t *)(const void *)((const char *)r + offset) == h)
            return r;
    }
    return NULL;
}

static uint64_t lower_hash(struct pl_str v)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.s[i];
        h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 1099511628211u;
    }
    return v.len ? h | 1 : 0;
}

/* ---- nominations ---- */

static void flush(struct scan *s, bool all)
{
    struct pl_engine *e = s->d->e;
    if (s->preview || s->n_nominees + s->n_findings == 0 || (!all && s->n_nominees + s->n_findings < NOMINATE_BITE))
        return;
    struct pl_command *c = pl_e_emit(e, PL_CMD_NOMINATE, s->d);
    struct pl_nominee *p = pl_arena_array(e->out, s->n_nominees, sizeof *p);
    struct pl_finding_cmd *f = pl_arena_array(e->out, s->n_findings, sizeof *f);
    if (s->n_nominees)
        memcpy(p, s->nominees, s->n_nominees * sizeof *p);
    for (size_t i = 0; i < s->n_findings; i++) {
        f[i] = s->findings[i];
        f[i].key = pl_arena_str(e->out, f[i].key);
        f[i].text = pl_arena_str(e->out, f[i].text);
    }
    c->nominate.persons = p;
    c->nominate.n_persons = s->n_nominees;
    c->nominate.findings = f;
    c->nominate.n_findings = s->n_findings;
    pl_e_request(e, c, OWN_NONE, NULL, NULL, 0);
    s->n_nominees = s->n_findings = 0;
    pl_arena_free(s->arena);
    s->arena = pl_arena_new();
    s->d->want[0] = s->d->want[1] = true;
}

static void nominate(struct scan *s, struct record *r, const char *cause)
{
    if (r->nominated)
        return;
    r->nominated = true;
    s->nominated++;
    struct pl_nominee n = {r->person_id, cause};
    PUSH(s->nominees, s->n_nominees, n);
    flush(s, false);
}

static void report(struct scan *s, const char *kind, int64_t role_group_id, struct pl_str key, struct pl_str text)
{
    if (++s->orphans > FINDINGS_MAX || s->preview)
        return; /* more of the same helps nobody; the count is in the compare's note */
    struct pl_finding_cmd f = {.kind = kind,
                               .severity = "warning",
                               .role_group_id = role_group_id,
                               .key = pl_arena_str(s->arena, key),
                               .text = pl_arena_str(s->arena, text)};
    PUSH(s->findings, s->n_findings, f);
    flush(s, false);
}

/* ---- steps ---- */

static void search(struct scan *s, int tag, struct pl_str base, enum pl_scope scope, const char *filter,
                   const char *const *attrs)
{
    struct pl_command *c = pl_e_emit(s->d->e, PL_CMD_SEARCH, s->d);
    c->search.channel = PL_CH_BULK;
    c->search.base = pl_arena_str(s->d->e->out, base);
    c->search.scope = scope;
    c->search.filter = pl_str_c(filter);
    c->search.attrs = attrs;
    c->search.paged = tag == SC_PEOPLE;
    pl_e_request(s->d->e, c, OWN_SCAN, s, s->d, tag);
}

static const char *const attrs_none[] = {"1.1", NULL};
static const char *const attrs_class[] = {"objectClass", NULL};
static const char *const attrs_group[] = {"objectClass", "member", "uniqueMember", "memberUid", NULL};

static void note(struct scan *s)
{
    struct pl_engine *e = s->d->e;
    flush(s, true);
    if (s->preview) {
        s->done = true;
        if (s->incomplete)
            e->preview_why = s->why;
        pl_scan_drop(s->d);
        return;
    }
    struct pl_command *c = pl_e_emit(e, PL_CMD_NOTE_COMPARE, s->d);
    c->compare.control_id = s->control_id;
    c->compare.complete = !s->incomplete;
    c->compare.entries = s->entries;
    c->compare.accounts = (long)s->n_records;
    c->compare.groups = s->groups;
    c->compare.nominated = s->nominated;
    c->compare.orphans = s->orphans;
    c->compare.identity = s->d->identity;
    c->compare.why = pl_str_c(s->why ? s->why : "");
    pl_e_request(e, c, OWN_SCAN, s, NULL, SC_NOTE);
    pl_e_log(e, s->incomplete ? 4 : 6, s->d,
             "full compare: %ld entries, %zu accounts, %ld groups, %ld persons to look at%s%s", s->entries,
             s->n_records, s->groups, s->nominated, s->why ? "; " : "", s->why ? s->why : "");
}

static void give_up(struct scan *s, const char *why)
{
    s->incomplete = true;
    s->why = why;
    note(s);
}

void pl_scan_start(struct dir *d, bool preview)
{
    struct scan *s = pl_xcalloc(1, sizeof *s);
    s->d = d;
    s->preview = preview;
    s->arena = pl_arena_new();
    if (!preview) {
        s->control_id = d->scan_control;
        d->scan_control = 0;
        d->want_scan = false;
    }
    d->scan = s;
    struct pl_command *c = pl_e_emit(d->e, PL_CMD_SCAN_ACCOUNTS, d);
    pl_e_request(d->e, c, OWN_SCAN, s, NULL, SC_ACCOUNTS);
}

static void next_group(struct scan *s)
{
    if (s->group == s->d->n_groups) {
        note(s);
        return;
    }
    free(s->members);
    s->members = NULL;
    s->n_members = 0;
    s->group_seen = s->by_login_value = false;
    search(s, SC_GROUP_DIR, s->d->groups[s->group].dn, PL_SCOPE_BASE, "(objectClass=*)", attrs_group);
}

/* ---- people ---- */

static void row_account(struct scan *s, const struct pl_event *ev)
{
    struct pl_row_scan_account a;
    struct pl_err err;
    if (!pl_row_scan_account(ev->row.cols, ev->row.n, &a, &err)) {
        s->incomplete = true;
        return;
    }
    struct record r = {.id_hash = lower_hash(a.native_id),
                       .login_hash = lower_hash(a.login),
                       .dn_hash = a.dn.len ? pl_dn_hash(a.dn) : 0,
                       .person_id = a.person_id,
                       .state = (uint8_t)a.state,
                       .need = (uint8_t)a.need,
                       .known = a.account_id != 0};
    PUSH(s->records, s->n_records, r);
}

static enum pl_seen seen_of(const struct scan *s, const struct pl_entry *e)
{
    struct pl_dir_facts facts = {.ppolicy = s->d->ppolicy, .policy_stands = s->policy};
    enum pl_lock l = s->d->dialect->lock_seen(e, &facts, s->d->e->now);
    return l == PL_LOCK_OPEN ? PL_SEEN_OPEN : l == PL_LOCK_PROVEN ? PL_SEEN_LOCKED : PL_SEEN_DOUBTFUL;
}

/* A server may tell only the classes that were written, without those they are made of. */
static bool is_account(const struct pl_entry *e)
{
    static const char *const classes[] = {"person", "organizationalPerson", "inetOrgPerson", "account", "posixAccount"};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (pl_entry_has_class(e, classes[i]))
            return true;
    return false;
}

static void entry_person(struct scan *s, const struct pl_entry *e)
{
    const struct dir *d = s->d;
    struct pl_str id = pl_dialect_native_id(d->dialect, e);
    s->entries++;
    if (id.len == 0) {
        s->incomplete = true; /* without ids we could not tell whose entries these are */
        return;
    }
    struct record *r = lookup(&s->by_id, s, offsetof(struct record, id_hash), lower_hash(id));
    if (!r) {
        struct pl_str login = pl_entry_first(e, d->conf.login_attr.s);
        struct record *named = lookup(&s->by_login, s, offsetof(struct record, login_hash), lower_hash(login));
        if (named && named->id_hash == 0) {
            named->dn_hash = pl_dn_hash(e->dn); /* its memberships are not a stranger's */
            nominate(s, named, "compare");      /* ours whose id we have not stored, or a stranger in its place */
        } else if (is_account(e) && !pl_dn_equal(e->dn, d->conf.canary_dn) &&
                   !pl_dn_equal(e->dn, d->conf.placeholder_dn))
            report(s, "orphan_account", 0, id,
                   pl_arena_printf(s->arena, "%.*s is an account that belongs to no person in the table.",
                                   (int)e->dn.len, e->dn.s));
        return;
    }
    uint64_t dn_hash = pl_dn_hash(e->dn);
    const struct pl_life_row *row = pl_life_step((enum pl_state)r->state, (enum pl_need)r->need, seen_of(s, e));
    if (row->op != PL_OP_NONE || (row->next != PL_STATE_COUNT && row->next != (enum pl_state)r->state) ||
        dn_hash != r->dn_hash)
        nominate(s, r, "compare");
    r->seen = true;
    r->dn_hash = dn_hash;
}

static void people_done(struct scan *s)
{
    for (size_t i = 0; i < s->n_records; i++) {
        struct record *r = &s->records[i];
        bool needed = r->need == PL_NEED_OPEN || r->need == PL_NEED_READY;
        if (!r->seen && (needed || (r->known && r->state != PL_STATE_NONE && r->state != PL_STATE_LOST)))
            nominate(s, r, "compare");
    }
    index_build(&s->by_dn, s, offsetof(struct record, dn_hash));
    next_group(s);
}

/* ---- groups ---- */

static int cmp_u64(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void entry_group(struct scan *s, const struct pl_entry *e)
{
    const struct group *g = &s->d->groups[s->group];
    struct shape *shape = pl_shape(s->d, g->dn_hash, true);
    uint64_t placeholder = pl_dn_hash(s->d->conf.placeholder_dn);
    shape->shape = pl_group_shape_of(e);
    shape->placeholder = false;
    s->group_seen = true;
    s->by_login_value = shape->shape == PL_GROUP_POSIX;
    const char *name = pl_group_attr(shape->shape);
    const struct pl_attr *a = name ? pl_entry_attr(e, name) : NULL;
    for (size_t i = 0; a && i < a->n; i++) {
        uint64_t h = s->by_login_value ? lower_hash(a->values[i]) : pl_dn_hash(a->values[i]);
        if (!s->by_login_value && h == placeholder && s->d->conf.placeholder_dn.len > 0) {
            shape->placeholder = true;
            continue;
        }
        PUSH(s->members, s->n_members, h);
        struct record *r = s->by_login_value ? lookup(&s->by_login, s, offsetof(struct record, login_hash), h)
                                             : lookup(&s->by_dn, s, offsetof(struct record, dn_hash), h);
        if (!r)
            report(s, "unmanaged_member", g->role_group_id,
                   pl_arena_printf(s->arena, "%lld/%016llx", (long long)g->role_group_id, (unsigned long long)h),
                   pl_arena_printf(s->arena, "%.*s is a member of %.*s and no account of ours.", (int)a->values[i].len,
                                   a->values[i].s, (int)g->dn.len, g->dn.s));
    }
    if (s->n_members)
        qsort(s->members, s->n_members, sizeof *s->members, cmp_u64);
}

static void row_group(struct scan *s, const struct pl_event *ev)
{
    struct pl_row_scan_group w;
    struct pl_err err;
    if (!pl_row_scan_group(ev->row.cols, ev->row.n, &w, &err)) {
        s->incomplete = true;
        return;
    }
    uint64_t h = s->by_login_value ? lower_hash(w.login) : w.dn.len ? pl_dn_hash(w.dn) : 0;
    uint64_t *at = h && s->n_members ? bsearch(&h, s->members, s->n_members, sizeof *s->members, cmp_u64) : NULL;
    if (at) {
        s->wanted[at - s->members] = true;
        return;
    }
    struct record *r = h == 0              ? NULL
                       : s->by_login_value ? lookup(&s->by_login, s, offsetof(struct record, login_hash), h)
                                           : lookup(&s->by_dn, s, offsetof(struct record, dn_hash), h);
    if (r)
        nominate(s, r, "compare");
    else {
        struct pl_nominee n = {w.person_id, "compare"};
        s->nominated++;
        PUSH(s->nominees, s->n_nominees, n);
        flush(s, false);
    }
}

static void group_done(struct scan *s)
{
    for (size_t i = 0; i < s->n_members; i++) {
        if (s->wanted[i])
            continue;
        struct record *r = s->by_login_value
                               ? lookup(&s->by_login, s, offsetof(struct record, login_hash), s->members[i])
                               : lookup(&s->by_dn, s, offsetof(struct record, dn_hash), s->members[i]);
        if (r)
            nominate(s, r, "compare_removal");
    }
    free(s->wanted);
    s->wanted = NULL;
    s->groups++;
    s->group++;
    next_group(s);
}

/* ---- answers ---- */

static void on_result(struct scan *s, int tag, const struct pl_event *ev)
{
    bool ok = ev->result.code == 0 && ev->result.complete;
    struct dir *d = s->d;
    switch (tag) {
    case SC_CANARY:
        if (!ok || !s->canary) {
            give_up(s, "the canary entry is not visible, so absence would prove nothing");
            return;
        }
        search(s, SC_PEOPLE, d->conf.people_base, PL_SCOPE_SUB, "(objectClass=*)", d->attrs);
        return;
    case SC_POLICY:
        if (d->conf.canary_dn.len > 0)
            search(s, SC_CANARY, d->conf.canary_dn, PL_SCOPE_BASE, "(objectClass=*)", attrs_none);
        else
            search(s, SC_PEOPLE, d->conf.people_base, PL_SCOPE_SUB, "(objectClass=*)", d->attrs);
        return;
    case SC_PEOPLE:
        if (!ok || s->incomplete)
            give_up(s, "the read of the people was not complete");
        else
            people_done(s);
        return;
    default: { /* SC_GROUP_DIR */
        if (!ok && ev->result.code != 32) {
            s->incomplete = true;
            s->why = "a group could not be read whole";
            s->group++;
            next_group(s);
            return;
        }
        s->wanted = pl_xcalloc(s->n_members ? s->n_members : 1, sizeof *s->wanted);
        struct pl_command *c = pl_e_emit(d->e, PL_CMD_SCAN_GROUP, d);
        c->scan_group.group_dn = pl_arena_str(d->e->out, d->groups[s->group].dn);
        pl_e_request(d->e, c, OWN_SCAN, s, NULL, SC_GROUP_STORE);
    }
    }
}

static void on_store(struct scan *s, int tag, const struct pl_event *ev)
{
    struct dir *d = s->d;
    if (tag == SC_NOTE) {
        s->done = true;
        d->e->last_compare_us = d->e->now;
        d->next_scan_us = d->e->now + (s->incomplete ? 60 * 1000000LL : d->e->conf.compare_every_us);
        pl_scan_drop(d);
        return;
    }
    if (ev->failed || s->incomplete) {
        give_up(s, "the table could not be read whole");
        return;
    }
    if (d->known_identity_hash && d->known_identity_hash != pl_str_hash(d->identity)) {
        give_up(s, "the directory is not the server that our records were made against");
        return;
    }
    if (tag == SC_ACCOUNTS) {
        index_build(&s->by_id, s, offsetof(struct record, id_hash));
        index_build(&s->by_login, s, offsetof(struct record, login_hash));
        if (d->conf.policy_dn.len > 0)
            search(s, SC_POLICY, d->conf.policy_dn, PL_SCOPE_BASE, "(objectClass=*)", attrs_class);
        else if (d->conf.canary_dn.len > 0)
            search(s, SC_CANARY, d->conf.canary_dn, PL_SCOPE_BASE, "(objectClass=*)", attrs_none);
        else
            search(s, SC_PEOPLE, d->conf.people_base, PL_SCOPE_SUB, "(objectClass=*)", d->attrs);
    } else {
        group_done(s);
    }
}

void pl_scan_reply(struct scan *s, const struct request *r, const struct pl_event *ev)
{
    switch (ev->kind) {
    case PL_EV_SCAN_ROW:
        if (r->tag == SC_ACCOUNTS)
            row_account(s, ev);
        else
            row_group(s, ev);
        break;
    case PL_EV_ENTRY:
        if (r->tag == SC_CANARY)
            s->canary = true;
        else if (r->tag == SC_POLICY)
            s->policy = pl_entry_has_class(ev->entry, "pwdPolicy");
        else if (r->tag == SC_PEOPLE)
            entry_person(s, ev->entry);
        else
            entry_group(s, ev->entry);
        break;
    case PL_EV_RESULT:
        on_result(s, r->tag, ev);
        break;
    default:
        on_store(s, r->tag, ev);
    }
}

void pl_scan_drop(struct dir *d)
{
    struct scan *s = d->scan;
    if (!s)
        return;
    if (s->control_id && !s->done) { /* asked for and not ended: begun anew later */
        d->scan_control = s->control_id;
        d->want_scan = true;
    }
    d->scan = NULL;
    if (s->preview)
        pl_e_preview_part(d->e, s->nominees, s->n_nominees, s->done);
    pl_e_forget(d->e, s);
    free(s->records);
    free(s->by_id.slots);
    free(s->by_login.slots);
    free(s->by_dn.slots);
    free(s->members);
    free(s->wanted);
    free(s->nominees);
    free(s->findings);
    pl_arena_free(s->arena);
    free(s);
}

bool pl_engine_comparing(const struct pl_engine *e, size_t number, struct pl_comparing *out)
{
    if (number >= e->n_dirs)
        return false;
    const struct scan *s = e->dirs[number].scan;
    *out = (struct pl_comparing){.running = s != NULL, .directory = e->dirs[number].conf.name};
    if (s) {
        out->entries = s->entries;
        out->group = s->by_dn.slots ? s->group + 1 : 0; /* made when all people are read */
        out->n_groups = e->dirs[number].n_groups;
    }
    return true;
}
