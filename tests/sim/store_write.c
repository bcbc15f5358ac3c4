/* The statements that write: RECOVER, TICK, RESERVE, INTENTS, SETTLE, HOLD, NOMINATE. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void copy_text(char *out, size_t size, struct pl_str s)
{
    size_t n = s.len < size ? s.len : size - 1;
    n = n > 0 ? strnlen(s.s, n) : 0;
    if (n > 0)
        memmove(out, s.s, n);
    out[n] = '\0';
}

void store_recover(struct store *s)
{
    bool marked[MAX_PERSONS][N_DIRS] = {{false}};
    int64_t xact = store_begin(s);
    for (size_t i = s->first_open_intent; i < s->n_intents; i++) {
        const struct account *a = &s->accounts[s->intents[i].account];
        if (s->intents[i].outcome >= 0 || marked[a->person][a->dir])
            continue;
        marked[a->person][a->dir] = true;
        store_mark(s, a->dir, a->person, "recovery", 0, xact);
    }
}

/* What fell due since the last time. A change that is committed later has dirty rows of its own. */
int64_t store_tick(struct store *s, int64_t now)
{
    int64_t xact = store_begin(s);
    for (int p = 0; p < s->w->n_persons; p++)
        if (world_falls_due(s->w, p, s->ticked_us, now))
            store_mark_all(s, p, "due", xact);
    s->ticked_us = now;
    int64_t next = world_next_change(s->w, now);
    return next == NEVER ? 0 : next;
}

static const struct login_name *login_of(const struct store *s, int person, enum purpose p)
{
    for (int i = 0; i < s->n_logins; i++)
        if (s->logins[i].person == person && s->logins[i].purpose == p)
            return &s->logins[i];
    return NULL;
}

static bool login_taken(const struct store *s, struct pl_str login)
{
    for (int i = 0; i < s->n_logins; i++)
        if (pl_str_eq_c(login, s->logins[i].login))
            return true;
    return false;
}

int store_reserve(struct store *s, int dir, int person, enum purpose p, const struct pl_str *candidates, size_t n)
{
    const struct login_name *l = login_of(s, person, p);
    for (size_t i = 0; i < n && !l; i++)
        if (!login_taken(s, candidates[i])) {
            struct login_name *fresh = &s->logins[s->n_logins++];
            copy_text(fresh->login, sizeof fresh->login, candidates[i]);
            fresh->person = person;
            fresh->purpose = p;
            l = fresh;
        }
    if (!l)
        return -1;
    int *slot = &s->account_of[person][dir][p];
    if (*slot < 0) {
        struct account *a = &s->accounts[s->n_accounts];
        memset(a, 0, sizeof *a);
        memset(a->present, -1, sizeof a->present);
        *slot = s->n_accounts++;
        a->person = person;
        a->dir = dir;
        a->purpose = p;
        a->state = PL_STATE_NONE;
        memcpy(a->login, l->login, sizeof a->login);
    }
    return *slot;
}

void store_intents(struct store *s, const struct pl_command *c, int64_t now, int64_t *ids)
{
    for (size_t i = 0; i < c->intents.n; i++) {
        const struct pl_intent *in = &c->intents.items[i];
        if (s->n_intents == s->cap_intents) {
            s->cap_intents = s->cap_intents ? s->cap_intents * 2 : 256;
            s->intents = pl_xrealloc_array(s->intents, s->cap_intents, sizeof *s->intents);
        }
        s->intents[s->n_intents++] = (struct intent){.account = (int)in->account_id - 1,
                                                     .group = (int)in->role_group_id - 1,
                                                     .op = in->op,
                                                     .row = in->row,
                                                     .put_back = in->put_back,
                                                     .counted = in->counted,
                                                     .at_us = now,
                                                     .ends = in->op == PL_OP_KEEP ? in->ends_us : NEVER,
                                                     .outcome = -1};
        ids[i] = (int64_t)s->n_intents;
        store_owe(s, s->n_intents, in->op, (int)in->account_id - 1);
    }
}

static void note_finding(struct store *s, int dir, const struct pl_finding_cmd *f)
{
    for (size_t i = 0; i < s->n_findings; i++) {
        struct finding *o = &s->findings[i];
        if (o->open && o->dir == dir && !strcmp(o->kind, f->kind) && pl_str_eq_c(f->key, o->key))
            return;
    }
    if (s->n_findings == s->cap_findings) {
        s->cap_findings = s->cap_findings ? s->cap_findings * 2 : 64;
        s->findings = pl_xrealloc_array(s->findings, s->cap_findings, sizeof *s->findings);
    }
    struct finding *o = &s->findings[s->n_findings++];
    copy_text(o->kind, sizeof o->kind, pl_str_c(f->kind));
    copy_text(o->key, sizeof o->key, f->key);
    o->dir = dir;
    o->person = (int)f->person_id - 1;
    o->account = (int)f->account_id - 1;
    o->group = (int)f->role_group_id - 1;
    o->open = true;
}

static bool listed(const struct finding *o, const struct pl_finding_cmd *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(o->kind, v[i].kind) && pl_str_eq_c(v[i].key, o->key))
            return true;
    return false;
}

/* Everything was read: what was not found again is over, and what is named in `resolved`, too. */
static void resolve_findings(struct store *s, int dir, const struct pl_settle *t)
{
    char mine[48];
    int len = snprintf(mine, sizeof mine, "%lld/%.*s", (long long)t->person_id, (int)t->purpose.len, t->purpose.s);
    for (size_t i = 0; i < s->n_findings && t->n_resolved > 0; i++) {
        struct finding *o = &s->findings[i];
        bool about = o->account >= 0 ? o->account == (int)t->account_id - 1
                                     : o->person == (int)t->person_id - 1 && !strncmp(o->key, mine, (size_t)len);
        if (o->open && o->dir == dir && about &&
            ((strcmp(o->kind, "opened_by_hand") != 0 && !listed(o, t->findings, t->n_findings)) ||
             listed(o, t->resolved, t->n_resolved)))
            o->open = false;
    }
}

/* It is somebody's now. */
static void no_orphan(struct store *s, int dir, const char *native_id)
{
    for (size_t i = 0; i < s->n_findings; i++)
        if (s->findings[i].dir == dir && !strcmp(s->findings[i].kind, "orphan_account") &&
            !strcmp(s->findings[i].key, native_id))
            s->findings[i].open = false;
}

void store_note_compare(struct store *s, int dir, const struct pl_command *c)
{
    /* The first complete compare says which server it is; another one later does not change that. */
    if (c->compare.complete && c->compare.identity.len > 0 && s->identity[dir][0] == '\0')
        copy_text(s->identity[dir], sizeof s->identity[dir], c->compare.identity);
}

void store_consume(struct store *s, const int64_t *seqs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < s->n_dirty; k++)
            if (s->dirty[k].seq == seqs[i]) {
                memmove(&s->dirty[k], &s->dirty[k + 1], (s->n_dirty - k - 1) * sizeof *s->dirty);
                s->n_dirty--;
                break;
            }
}

static bool native_id_taken(const struct store *s, const struct account *a, struct pl_str native_id)
{
    for (int i = 0; i < s->n_accounts; i++)
        if (&s->accounts[i] != a && s->accounts[i].dir == a->dir && pl_str_eq_c(native_id, s->accounts[i].native_id))
            return true;
    return false;
}

static void settle_intents(struct store *s, const struct pl_settle *t)
{
    for (size_t i = 0; i < t->n_intents; i++) {
        struct intent *in = &s->intents[t->intents[i].intent_id - 1];
        if (in->outcome < 0)
            in->outcome = t->intents[i].outcome;
    }
    while (s->first_open_intent < s->n_intents && s->intents[s->first_open_intent].outcome >= 0)
        s->first_open_intent++;
}

bool store_settle(struct store *s, const struct pl_settle *t, int64_t now)
{
    int dir = store_dir(t->directory);
    struct account *a = t->account_id > 0 ? &s->accounts[t->account_id - 1] : NULL;
    if (a && t->native_id.len > 0 && native_id_taken(s, a, t->native_id))
        return false;
    if (a) {
        a->state = t->state;
        if (t->native_id.len > 0 && !pl_str_eq_c(t->native_id, a->native_id)) {
            copy_text(a->native_id, sizeof a->native_id, t->native_id);
            no_orphan(s, dir, a->native_id);
        }
        if (t->dn.len > 0)
            copy_text(a->dn, sizeof a->dn, t->dn);
        if (t->locked_at_us > 0)
            a->locked_at = t->locked_at_us;
        for (size_t i = 0; i < t->n_memberships; i++)
            a->present[t->memberships[i].role_group_id - 1] = t->memberships[i].present;
    }
    settle_intents(s, t);
    if (a)
        store_close_again(s, (int)t->account_id - 1, now);
    for (size_t i = 0; i < t->n_findings; i++)
        note_finding(s, dir, &t->findings[i]);
    resolve_findings(s, dir, t);
    store_consume(s, t->seqs, t->n_seqs);
    if (t->retry_after_us > 0)
        store_mark(s, dir, (int)t->person_id - 1, "retry", now + t->retry_after_us, store_begin(s));
    store_close_plans(s, dir, (int)t->person_id - 1, now);
    return true;
}

static int by_entry(const struct store *s, int dir, const struct pl_changed *c)
{
    for (int i = 0; i < s->n_accounts; i++)
        if (s->accounts[i].dir == dir && c->id.len && pl_str_eq_c(c->id, s->accounts[i].native_id))
            return i;
    for (int i = 0; i < s->n_accounts; i++)
        if (s->accounts[i].dir == dir && c->login.len && pl_str_eq_c(c->login, s->accounts[i].login) &&
            (s->accounts[i].native_id[0] == '\0' || c->id.len == 0))
            return i;
    return -1;
}

static bool is_owned(const struct store *s, int dir, const struct pl_finding_cmd *f)
{
    struct pl_changed entry = {.id = f->key, .login = f->login};
    return !strcmp(f->kind, "orphan_account") && by_entry(s, dir, &entry) >= 0;
}

void store_nominate(struct store *s, int dir, const struct pl_command *c)
{
    int64_t xact = store_begin(s);
    for (size_t i = 0; i < c->nominate.n_persons; i++) {
        int person = (int)c->nominate.persons[i].person_id - 1;
        bool removal = !strcmp(c->nominate.persons[i].cause, "compare_removal");
        store_mark(s, dir, person, removal ? "compare_removal" : "compare", 0, xact);
    }
    for (size_t i = 0; i < c->nominate.n_findings; i++)
        if (!is_owned(s, dir, &c->nominate.findings[i]))
            note_finding(s, dir, &c->nominate.findings[i]);
}

void store_watched(struct store *s, int dir, const struct pl_command *c)
{
    int64_t xact = store_begin(s);
    for (size_t i = 0; i < c->watched.n_entries; i++) {
        int a = by_entry(s, dir, &c->watched.entries[i]);
        if (a >= 0)
            store_mark(s, dir, s->accounts[a].person, "watch", 0, xact);
        else if (c->watched.entries[i].finding.kind)
            note_finding(s, dir, &c->watched.entries[i].finding);
    }
    for (size_t i = 0; i < c->watched.n_persons; i++)
        store_mark(s, dir, (int)c->watched.persons[i].person_id - 1, "watch", 0, xact);
    for (size_t i = 0; i < c->watched.n_findings; i++)
        note_finding(s, dir, &c->watched.findings[i]);
    if (c->watched.cookie.len > 0) {
        copy_text(s->cookie[dir], sizeof s->cookie[dir], c->watched.cookie);
        copy_text(s->cookie_identity[dir], sizeof s->cookie_identity[dir], c->watched.identity);
    } else if (c->watched.forget) {
        s->cookie[dir][0] = '\0';
    }
}
