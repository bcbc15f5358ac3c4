/* The full compare of one directory. It streams: a small record a person, one group at a time. It concludes nothing
 * itself: PostgreSQL and a directory are never read at the same instant, so every difference only makes its person
 * dirty, and the ordinary path reads both sides again. */
#include "scan_priv.h"

#include <stdlib.h>
#include <string.h>
#include "inspect.h"
#include "../directory/dn.h"

enum { NOMINATE_BITE = 500, FINDINGS_MAX = 1000 };

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
void pl_scan_nominate(struct scan *s, struct record *r, const char *cause)
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

void pl_scan_nominate_unknown(struct scan *s, int64_t person_id)
{
    struct record *r =
        pl_index_find(&s->by_person, s->records, offsetof(struct record, person_id), (uint64_t)person_id);
    struct pl_nominee n = {person_id, "compare"};
    if (r) { /* of another purpose */
        pl_scan_nominate(s, r, "compare");
        return;
    }
    s->nominated++;
    PUSH(s->nominees, s->n_nominees, n);
    flush(s, false);
}

void pl_scan_report(struct scan *s, struct pl_finding_cmd f, uint64_t about)
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

void pl_scan_search(struct scan *s, int tag, struct pl_str base, enum pl_scope scope, const char *const *attrs)
{
    struct pl_command *c = pl_e_emit(s->d->e, PL_CMD_SEARCH, s->d);
    c->search.channel = PL_CH_BULK;
    c->search.base = pl_arena_str(s->d->e->out, base);
    c->search.scope = scope;
    c->search.filter = PL_STR("(objectClass=*)");
    c->search.attrs = attrs;
    c->search.paged = tag == SC_PEOPLE;
    pl_e_request(s->d->e, c, OWN_SCAN, s, s->d, tag);
}

static const char *const attrs_none[] = {"1.1", NULL};
static const char *const attrs_class[] = {"objectClass", NULL};

static void search_people(struct scan *s)
{
    pl_scan_search(s, SC_PEOPLE, s->d->conf.people_base, PL_SCOPE_SUB, s->d->attrs);
}

static void search_canary(struct scan *s)
{
    if (s->d->conf.canary_dn.len > 0)
        pl_scan_search(s, SC_CANARY, s->d->conf.canary_dn, PL_SCOPE_BASE, attrs_none);
    else
        search_people(s);
}

static void search_policy(struct scan *s)
{
    if (s->d->conf.policy_dn.len > 0)
        pl_scan_search(s, SC_POLICY, s->d->conf.policy_dn, PL_SCOPE_BASE, attrs_class);
    else
        search_canary(s);
}

void pl_scan_note(struct scan *s)
{
    struct pl_engine *e = s->d->e;
    s->ended = true;
    flush(s, true);
    if (s->preview) {
        s->done = true;
        if (s->incomplete)
            e->preview_why = s->why;
        pl_scan_drop(s->d);
        return;
    }
    pl_watch_compare_ends(s->d->watch, !s->incomplete);
    struct pl_command *c = pl_e_emit(e, PL_CMD_NOTE_COMPARE, s->d);
    c->compare.control_id = s->control_id;
    c->compare.began_us = s->began_us;
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
    pl_scan_note(s);
}

void pl_scan_start(struct dir *d, bool preview)
{
    struct scan *s = pl_xcalloc(1, sizeof *s);
    s->d = d;
    s->preview = preview;
    s->began_us = d->e->now;
    s->arena = pl_arena_new();
    s->row_arena = pl_arena_new();
    if (!preview) {
        s->control_id = d->scan_control;
        d->scan_control = 0;
        d->want_scan = false;
        pl_watch_compare_begins(d->watch);
    }
    d->scan = s;
    struct pl_command *c = pl_e_emit(d->e, PL_CMD_SCAN_ACCOUNTS, d);
    c->scan_accounts.names = d->n_kept > 0;
    pl_e_request(d->e, c, OWN_SCAN, s, NULL, SC_ACCOUNTS);
}

/* ---- people ---- */

static void row_account(struct scan *s, const struct pl_event *ev)
{
    struct pl_row_scan_account a;
    struct pl_err err;
    if (!pl_row_scan_account(ev->row.cols, ev->row.n, &a, &err)) {
        s->bad_row = true;
        return;
    }
    struct record r = {.id_hash = pl_str_ihash(a.native_id),
                       .login_hash = pl_str_ihash(a.login),
                       .dn_hash = a.dn.len ? pl_dn_hash(a.dn) : 0,
                       .person_id = a.person_id,
                       .state = (uint8_t)a.state,
                       .need = (uint8_t)a.need,
                       .known = a.account_id != 0,
                       .ends_us = a.end_known ? a.ends_us : 0,
                       .admin = pl_str_eq_c(a.purpose, "admin")};
    PUSH(s->records, s->n_records, r);
    size_t n = s->d->n_kept;
    if (n == 0)
        return;
    if ((s->n_records & (s->n_records - 1)) == 0) /* room for twice as many, as the records have */
        s->kept = pl_xrealloc_array(s->kept, s->n_records * 2 * n, sizeof *s->kept);
    pl_rename_hashes(s->d, s->row_arena, &a, s->kept + (s->n_records - 1) * n);
    if (s->n_records % 1024 == 0) {
        pl_arena_free(s->row_arena);
        s->row_arena = pl_arena_new();
    }
}

static enum pl_seen seen_of(const struct scan *s, const struct pl_entry *e)
{
    struct pl_dir_facts facts = {.ppolicy = s->d->ppolicy, .policy_stands = s->policy && pl_policy_applies(s->d, e)};
    enum pl_lock l = s->d->dialect->lock_seen(e, &facts, s->d->e->now);
    return l == PL_LOCK_OPEN ? PL_SEEN_OPEN : l == PL_LOCK_PROVEN ? PL_SEEN_LOCKED : PL_SEEN_DOUBTFUL;
}

/* The end that HR knows beforehand does not stand there, or one stands that we may have written. */
static bool end_differs(const struct scan *s, const struct record *r, const struct pl_entry *e)
{
    const struct dir *d = s->d;
    int64_t seen;
    if (r->ends_us == 0 || r->need != PL_NEED_OPEN || !d->dialect->end_seen || !d->dialect->end_seen(e, &seen))
        return false;
    int64_t wanted = pl_keep_wanted(d, r->ends_us);
    return seen != wanted && wanted > d->e->now;
}

static bool name_differs(const struct scan *s, const struct record *r, const struct pl_entry *e)
{
    size_t at = (size_t)(r - s->records);
    return s->kept && r->need == PL_NEED_OPEN && pl_rename_differs(s->d, e, s->kept + at * s->d->n_kept);
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
            named->dn_hash = pl_dn_hash(e->dn);    /* its memberships are not a stranger's */
            pl_scan_nominate(s, named, "compare"); /* ours whose id we have not stored, or a stranger in its place */
        } else if (pl_entry_is_account(e) && !pl_dn_equal(e->dn, d->conf.canary_dn) &&
                   !pl_dn_equal(e->dn, d->conf.placeholder_dn))
            pl_scan_report(
                s,
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
        dn_hash != r->dn_hash || end_differs(s, r, e) || name_differs(s, r, e))
        pl_scan_nominate(s, r, "compare");
    r->seen = true;
    r->dn_hash = dn_hash;
}

static void people_done(struct scan *s)
{
    for (size_t i = 0; i < s->n_records; i++) {
        struct record *r = &s->records[i];
        bool needed = r->need == PL_NEED_OPEN || r->need == PL_NEED_READY;
        if (!r->seen && (needed || (r->known && r->state != PL_STATE_NONE && r->state != PL_STATE_LOST)))
            pl_scan_nominate(s, r, "compare");
    }
    pl_index_build(&s->by_dn, s->records, s->n_records, offsetof(struct record, dn_hash));
    s->people_read = true;
    pl_scan_groups_begin(s);
}

/* ---- answers ---- */

static void on_result(struct scan *s, int tag, const struct pl_event *ev)
{
    bool ok = ev->result.code == 0 && ev->result.complete;
    switch (tag) {
    case SC_POLICY:
        search_canary(s);
        return;
    case SC_CANARY:
        if (ok && s->canary)
            search_people(s);
        else
            give_up(s, "the canary entry is not visible, so absence would prove nothing");
        return;
    case SC_PEOPLE:
        if (ok && !s->incomplete)
            people_done(s);
        else
            give_up(s, "the read of the people was not complete");
        return;
    default: /* no such entry: nobody is a member */
        pl_scan_group_result(s, &s->open[tag - SC_GROUP], ok || ev->result.code == 32);
    }
}

static void noted(struct scan *s)
{
    struct dir *d = s->d;
    s->done = true;
    d->e->last_compare_us = d->e->now;
    d->next_scan_us = d->e->now + (s->incomplete ? 60 * 1000000LL : d->e->conf.compare_every_us);
    pl_scan_drop(d);
}

static void on_store(struct scan *s, int tag, const struct pl_event *ev)
{
    struct dir *d = s->d;
    if (ev->failed || s->bad_row) {
        give_up(s, "the table could not be read whole");
    } else if (d->known_identity_hash && d->known_identity_hash != pl_str_hash(d->identity)) {
        give_up(s, "the directory is not the server that our records were made against");
    } else if (tag == SC_ACCOUNTS) {
        pl_index_build(&s->by_id, s->records, s->n_records, offsetof(struct record, id_hash));
        pl_index_build(&s->by_login, s->records, s->n_records, offsetof(struct record, login_hash));
        pl_index_build(&s->by_person, s->records, s->n_records, offsetof(struct record, person_id));
        search_policy(s);
        /* The store can find out who should stand where while we read the people. */
        pl_e_request(d->e, pl_e_emit(d->e, PL_CMD_SCAN_GROUPS, d), OWN_SCAN, s, NULL, SC_GROUPS);
    } else {
        pl_scan_groups_all(s);
    }
}

static void on_entry(struct scan *s, int tag, const struct pl_entry *e)
{
    switch (tag) {
    case SC_CANARY:
        s->canary = true;
        return;
    case SC_POLICY:
        s->policy = pl_entry_has_class(e, "pwdPolicy");
        return;
    case SC_PEOPLE:
        entry_person(s, e);
        return;
    default:
        pl_scan_group_entry(s, &s->open[tag - SC_GROUP], e);
    }
}

void pl_scan_reply(struct scan *s, const struct request *r, const struct pl_event *ev)
{
    if (r->tag == SC_NOTE) {
        noted(s);
        return;
    }
    if (s->ended) /* groups that were being read when it was given up */
        return;
    switch (ev->kind) {
    case PL_EV_SCAN_ROW:
        if (r->tag == SC_ACCOUNTS)
            row_account(s, ev);
        else
            pl_scan_group_row(s, ev);
        break;
    case PL_EV_ENTRY:
        on_entry(s, r->tag, ev->entry);
        break;
    case PL_EV_RESULT:
        on_result(s, r->tag, ev);
        break;
    default:
        on_store(s, r->tag, ev);
    }
}

bool pl_scan_wants(const struct scan *s, int tag)
{
    return tag != SC_GROUPS || s->ended || pl_scan_group_room(s);
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
    pl_watch_compare_ends(d->watch, false);
    pl_fresh_free(d);
    if (s->preview)
        pl_e_preview_part(d->e, s->nominees, s->n_nominees, s->done);
    pl_e_forget(d->e, s);
    free(s->about);
    free(s->records);
    free(s->kept);
    pl_arena_free(s->row_arena);
    free(s->by_id.slots);
    free(s->by_login.slots);
    free(s->by_dn.slots);
    free(s->by_person.slots);
    pl_scan_groups_free(s);
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
        out->n_groups = e->dirs[number].n_groups;
        out->group = (size_t)s->groups < out->n_groups ? (size_t)s->groups + 1 : out->n_groups;
        if (!s->people_read)
            out->group = 0;
    }
    return true;
}
