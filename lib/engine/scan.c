/* The full compare of one directory. It streams: a small record a person, one group at a time. It concludes nothing
 * itself: PostgreSQL and a directory are never read at the same instant, so every difference only makes its person
 * dirty, and the ordinary path reads both sides again. */
#include "priv.h"
#include "scan_index.h"

#include <stdlib.h>
#include <string.h>
#include "inspect.h"
#include "../directory/dn.h"
#include "../directory/sync.h"

enum phase_scan { SC_ACCOUNTS, SC_CANARY, SC_POLICY, SC_PEOPLE, SC_GROUP_DIR, SC_GROUP_STORE, SC_NOTE };
enum { NOMINATE_BITE = 500, FINDINGS_MAX = 1000 };
enum { BITE_FIRST = 4, BITE_MAX = 256, ROWS_FEW = 50000, ROWS_MANY = 200000 };

/* Who should stand in which group, of a bite of groups: asked for together, because the store joins a hundred thousand
 * rows once as fast as it looks up a few thousand. */
struct expected {
    uint64_t group, dn_hash, login_hash; /* group: hash of its DN */
    int64_t person_id;
};

struct scan {
    struct dir *d;
    int64_t control_id;
    bool preview; /* gathers nominees and nominates nobody */
    struct record *records;
    size_t n_records;
    struct index by_id, by_login, by_dn, by_person;
    bool canary, policy, incomplete;
    const char *why;
    long entries, groups, nominated, orphans;
    size_t group;          /* the group being compared */
    size_t bite_end, bite; /* groups that were asked for; how many at once */
    struct expected *expected;
    size_t n_expected;
    bool group_seen;
    uint64_t *members; /* hashes of its values, sorted */
    size_t n_members;
    uint64_t *strangers; /* of them, those that are no accounts of ours */
    size_t n_strangers;
    bool *wanted; /* per member */
    bool by_login_value;
    struct pl_arena *arena; /* of the nominations that are gathered */
    struct pl_nominee *nominees;
    size_t n_nominees;
    struct pl_finding_cmd *findings;
    uint64_t *about; /* per finding: hash of the name that it calls a stranger's; 0: no member */
    size_t n_findings;
    bool done;
};

#define PUSH(arr, n, item)                                                                                             \
    do {                                                                                                               \
        if (((n) & ((n)-1)) == 0)                                                                                      \
            (arr) = pl_xrealloc_array((arr), (n) ? (n)*2 : 1, sizeof *(arr));                                          \
        (arr)[(n)++] = (item);                                                                                         \
    } while (0)

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
    size_t n = 0;
    for (size_t i = 0; i < s->n_findings; i++) {
        if (pl_fresh_is(s->d, s->about[i]))
            continue;
        f[n] = s->findings[i];
        f[n].key = pl_arena_str(e->out, f[n].key);
        f[n].login = pl_arena_str(e->out, f[n].login);
        f[n++].text = pl_arena_str(e->out, s->findings[i].text);
    }
    c->nominate.persons = p;
    c->nominate.n_persons = s->n_nominees;
    c->nominate.findings = f;
    c->nominate.n_findings = n;
    pl_e_request(e, c, OWN_NONE, NULL, NULL, 0);
    s->n_nominees = s->n_findings = 0;
    pl_arena_free(s->arena);
    s->arena = pl_arena_new();
    s->d->want[0] = s->d->want[1] = true;
}

/* A person counts once, whatever differs: the first account's record keeps the mark. */
static void nominate(struct scan *s, struct record *r, const char *cause)
{
    struct record *first =
        pl_index_find(&s->by_person, s->records, offsetof(struct record, person_id), (uint64_t)r->person_id);
    struct record *of = first ? first : r;
    bool removal = strcmp(cause, "compare_removal") == 0;
    if (of->nominated && (of->removal || !removal))
        return;
    s->nominated += !of->nominated;
    of->nominated = true;
    of->removal = removal;
    struct pl_nominee n = {r->person_id, cause};
    PUSH(s->nominees, s->n_nominees, n);
    flush(s, false);
}

/* `f` without its severity; `about`: see struct scan. */
static void report(struct scan *s, struct pl_finding_cmd f, uint64_t about)
{
    if (++s->orphans > FINDINGS_MAX || s->preview)
        return; /* more of the same helps nobody; the count is in the compare's note */
    f.severity = "warning";
    f.key = pl_arena_str(s->arena, f.key);
    f.login = pl_arena_str(s->arena, f.login);
    f.text = pl_arena_str(s->arena, f.text);
    if ((s->n_findings & (s->n_findings - 1)) == 0)
        s->about = pl_xrealloc_array(s->about, s->n_findings ? s->n_findings * 2 : 1, sizeof *s->about);
    s->about[s->n_findings] = about;
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
             "full compare: %ld entries, %zu accounts, %ld groups; persons that differ: %ld%s%s", s->entries,
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

static void ask_bite(struct scan *s)
{
    struct dir *d = s->d;
    if (s->bite == 0)
        s->bite = BITE_FIRST;
    else if (s->n_expected < ROWS_FEW && s->bite < BITE_MAX)
        s->bite *= 2;
    else if (s->n_expected > ROWS_MANY && s->bite > 1)
        s->bite /= 2;
    free(s->expected);
    s->expected = NULL;
    s->n_expected = 0;
    s->bite_end = s->group + s->bite < d->n_groups ? s->group + s->bite : d->n_groups;
    struct pl_command *c = pl_e_emit(d->e, PL_CMD_SCAN_GROUP, d);
    struct pl_str *dns = pl_arena_array(d->e->out, s->bite, sizeof *dns);
    for (size_t i = s->group; i < s->bite_end; i++)
        dns[i - s->group] = pl_arena_str(d->e->out, d->groups[i].dn);
    c->scan_group.dns = dns;
    c->scan_group.n = s->bite_end - s->group;
    pl_e_request(d->e, c, OWN_SCAN, s, NULL, SC_GROUP_STORE);
}

static void next_group(struct scan *s)
{
    if (s->group == s->d->n_groups) {
        note(s);
        return;
    }
    if (s->group == s->bite_end) {
        ask_bite(s);
        return;
    }
    free(s->members);
    s->members = NULL;
    s->n_members = 0;
    s->group_seen = s->by_login_value = false;
    search(s, SC_GROUP_DIR, s->d->groups[s->group].dn, PL_SCOPE_BASE, "(objectClass=*)",
           s->d->group_attrs);
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
    struct record r = {.id_hash = pl_str_ihash(a.native_id),
                       .login_hash = pl_str_ihash(a.login),
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

static void entry_person(struct scan *s, const struct pl_entry *e)
{
    const struct dir *d = s->d;
    char room[PL_NATIVE_ROOM];
    struct pl_str id = pl_dialect_native_id(d->dialect, e, room);
    s->entries++;
    if (id.len == 0) {
        s->incomplete = true; /* without ids we could not tell whose entries these are */
        return;
    }
    struct record *r = pl_index_find(&s->by_id, s->records, offsetof(struct record, id_hash), pl_str_ihash(id));
    if (!r) {
        struct pl_str login = pl_entry_first(e, d->conf.login_attr.s);
        struct record *named =
            pl_index_find(&s->by_login, s->records, offsetof(struct record, login_hash), pl_str_ihash(login));
        if (named && named->id_hash == 0) {
            named->dn_hash = pl_dn_hash(e->dn); /* its memberships are not a stranger's */
            nominate(s, named, "compare");      /* ours whose id we have not stored, or a stranger in its place */
        } else if (pl_entry_is_account(e) && !pl_dn_equal(e->dn, d->conf.canary_dn) &&
                   !pl_dn_equal(e->dn, d->conf.placeholder_dn))
            report(s,
                   (struct pl_finding_cmd){
                       .kind = "orphan_account",
                       .key = id,
                       .login = login,
                       .text = pl_arena_printf(s->arena, "%.*s is an account that belongs to no person in the table.",
                                               (int)e->dn.len, e->dn.s)},
                   0);
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
    pl_index_build(&s->by_dn, s->records, s->n_records, offsetof(struct record, dn_hash));
    next_group(s);
}

/* ---- groups ---- */

static int cmp_u64(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Who they are is known now: a watch need not look them up each time that somebody changes the group. */
static void keep_strangers(struct scan *s, struct shape *shape)
{
    if (s->n_strangers)
        qsort(s->strangers, s->n_strangers, sizeof *s->strangers, cmp_u64);
    free(shape->strangers);
    shape->strangers = s->strangers;
    shape->n_strangers = s->n_strangers;
    s->strangers = NULL;
    s->n_strangers = 0;
}

static void entry_group(struct scan *s, const struct pl_entry *e)
{
    const struct group *g = &s->d->groups[s->group];
    struct shape *shape = pl_shape(s->d, g->dn_hash, true);
    uint64_t placeholder = pl_dn_hash(s->d->conf.placeholder_dn);
    pl_shape_learn(s->d, shape, e);
    shape->placeholder = false;
    s->group_seen = true;
    shape->has_uuid = pl_uuid_read(shape->uuid, pl_entry_first(e, "entryUUID"));
    s->by_login_value = shape->shape == PL_GROUP_POSIX;
    const char *name = pl_group_attr(shape->shape == PL_GROUP_PRIVILEGED ? PL_GROUP_NAMES : shape->shape); /* read only */
    const struct pl_attr *a = name ? pl_entry_attr(e, name) : NULL;
    for (size_t i = 0; a && i < a->n; i++) {
        uint64_t h = s->by_login_value ? pl_str_ihash(a->values[i]) : pl_dn_hash(a->values[i]);
        if (!s->by_login_value && h == placeholder && s->d->conf.placeholder_dn.len > 0) {
            shape->placeholder = true;
            continue;
        }
        PUSH(s->members, s->n_members, h);
        struct record *r = s->by_login_value
                               ? pl_index_find(&s->by_login, s->records, offsetof(struct record, login_hash), h)
                               : pl_index_find(&s->by_dn, s->records, offsetof(struct record, dn_hash), h);
        if (r)
            continue;
        PUSH(s->strangers, s->n_strangers, h);
        report(s,
               (struct pl_finding_cmd){
                   .kind = "unmanaged_member",
                   .role_group_id = g->role_group_id,
                   .key = pl_arena_printf(s->arena, "%lld/%016llx", (long long)g->role_group_id, (unsigned long long)h),
                   .text = pl_arena_printf(s->arena, "%.*s is a member of %.*s and no account of ours.",
                                           (int)a->values[i].len, a->values[i].s, (int)g->dn.len, g->dn.s)},
               h);
    }
    if (s->n_members)
        qsort(s->members, s->n_members, sizeof *s->members, cmp_u64);
    keep_strangers(s, shape);
}

static void row_group(struct scan *s, const struct pl_event *ev)
{
    struct pl_row_scan_group w;
    struct pl_err err;
    if (!pl_row_scan_group(ev->row.cols, ev->row.n, &w, &err)) {
        s->incomplete = true;
        return;
    }
    struct expected x = {
        .dn_hash = w.dn.len ? pl_dn_hash(w.dn) : 0, .login_hash = pl_str_ihash(w.login), .person_id = w.person_id};
    for (size_t i = s->group; i < s->bite_end && x.group == 0; i++)
        if (s->d->groups[i].role_group_id == w.role_group_id)
            x.group = s->d->groups[i].dn_hash;
    if (x.group) /* else of a role that is newer than our list: its group's turn comes with the next compare */
        PUSH(s->expected, s->n_expected, x);
}

static int by_group(const void *a, const void *b)
{
    const struct expected *x = a, *y = b;
    return x->group < y->group ? -1 : x->group > y->group;
}

static void expect(struct scan *s, const struct expected *w)
{
    uint64_t h = s->by_login_value ? w->login_hash : w->dn_hash;
    uint64_t *at = h && s->n_members ? bsearch(&h, s->members, s->n_members, sizeof *s->members, cmp_u64) : NULL;
    if (at) {
        s->wanted[at - s->members] = true;
        return;
    }
    struct record *r = s->by_login_value
                           ? pl_index_find(&s->by_login, s->records, offsetof(struct record, login_hash), h)
                           : pl_index_find(&s->by_dn, s->records, offsetof(struct record, dn_hash), h);
    if (h == 0 || (r && !r->seen))
        return; /* there is no entry: where one should be, that was nominated with the people */
    if (!r)     /* moved, or not among the accounts that were read */
        r = pl_index_find(&s->by_person, s->records, offsetof(struct record, person_id), (uint64_t)w->person_id);
    if (r)
        nominate(s, r, "compare");
    else {
        struct pl_nominee n = {w->person_id, "compare"};
        s->nominated++;
        PUSH(s->nominees, s->n_nominees, n);
        flush(s, false);
    }
}

static void group_done(struct scan *s)
{
    uint64_t group = s->d->groups[s->group].dn_hash;
    size_t lo = 0, hi = s->n_expected;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->expected[mid].group < group)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < s->n_expected && s->expected[lo].group == group; lo++)
        expect(s, &s->expected[lo]);
    for (size_t i = 0; i < s->n_members; i++) {
        if (s->wanted[i])
            continue;
        struct record *r =
            s->by_login_value
                ? pl_index_find(&s->by_login, s->records, offsetof(struct record, login_hash), s->members[i])
                : pl_index_find(&s->by_dn, s->records, offsetof(struct record, dn_hash), s->members[i]);
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
        group_done(s);
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
        pl_index_build(&s->by_id, s->records, s->n_records, offsetof(struct record, id_hash));
        pl_index_build(&s->by_login, s->records, s->n_records, offsetof(struct record, login_hash));
        pl_index_build(&s->by_person, s->records, s->n_records, offsetof(struct record, person_id));
        if (d->conf.policy_dn.len > 0)
            search(s, SC_POLICY, d->conf.policy_dn, PL_SCOPE_BASE, "(objectClass=*)", attrs_class);
        else if (d->conf.canary_dn.len > 0)
            search(s, SC_CANARY, d->conf.canary_dn, PL_SCOPE_BASE, "(objectClass=*)", attrs_none);
        else
            search(s, SC_PEOPLE, d->conf.people_base, PL_SCOPE_SUB, "(objectClass=*)", d->attrs);
    } else {
        if (s->n_expected)
            qsort(s->expected, s->n_expected, sizeof *s->expected, by_group);
        next_group(s);
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
    if (s->control_id && !s->done) { /* asked for and not ended: begun anew later; for a newer wish, if there is one */
        d->scan_control = d->scan_control ? d->scan_control : s->control_id;
        d->want_scan = true;
    }
    d->scan = NULL;
    pl_fresh_free(d);
    if (s->preview)
        pl_e_preview_part(d->e, s->nominees, s->n_nominees, s->done);
    pl_e_forget(d->e, s);
    free(s->about);
    free(s->records);
    free(s->by_id.slots);
    free(s->by_login.slots);
    free(s->by_dn.slots);
    free(s->by_person.slots);
    free(s->members);
    free(s->strangers);
    free(s->expected);
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
