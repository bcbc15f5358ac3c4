/* A command lives until the engine is called again: what a request needs is copied into its arena. */
#include <stdlib.h>
#include <string.h>
#include "run.h"

static struct pl_str *copy_strs(struct pl_arena *a, const struct pl_str *v, size_t n)
{
    struct pl_str *out = pl_arena_array(a, n + 1, sizeof *out);
    for (size_t i = 0; i < n; i++)
        out[i] = pl_arena_str(a, v[i]);
    return out;
}

static void *copy_array(struct pl_arena *a, const void *v, size_t n, size_t size)
{
    void *out = pl_arena_array(a, n + 1, size);
    if (n > 0)
        memcpy(out, v, n * size);
    return out;
}

static const struct pl_finding_cmd *copy_findings(struct pl_arena *a, const struct pl_finding_cmd *v, size_t n)
{
    struct pl_finding_cmd *out = copy_array(a, v, n, sizeof *v);
    for (size_t i = 0; i < n; i++) {
        out[i].kind = pl_arena_str(a, pl_str_c(v[i].kind)).s;
        out[i].key = pl_arena_str(a, v[i].key);
        out[i].login = pl_arena_str(a, v[i].login);
        out[i].text = pl_arena_str(a, v[i].text);
    }
    return out;
}

static const struct pl_settle *copy_settle(struct pl_arena *a, const struct pl_settle *v)
{
    struct pl_settle *t = copy_array(a, v, 1, sizeof *v);
    t->directory = pl_arena_str(a, v->directory);
    t->purpose = pl_arena_str(a, v->purpose);
    t->native_id = pl_arena_str(a, v->native_id);
    t->dn = pl_arena_str(a, v->dn);
    t->retry_reason = pl_arena_str(a, v->retry_reason);
    t->intents = copy_array(a, v->intents, v->n_intents, sizeof *v->intents);
    t->memberships = copy_array(a, v->memberships, v->n_memberships, sizeof *v->memberships);
    t->findings = copy_findings(a, v->findings, v->n_findings);
    t->resolved = copy_findings(a, v->resolved, v->n_resolved);
    t->seqs = copy_array(a, v->seqs, v->n_seqs, sizeof *v->seqs);
    return t;
}

static const struct pl_hold *copy_hold(struct pl_arena *a, const struct pl_hold *v)
{
    struct pl_hold *h = copy_array(a, v, 1, sizeof *v);
    h->directory = pl_arena_str(a, v->directory);
    struct pl_plan_item *items = copy_array(a, v->items, v->n_items, sizeof *v->items);
    for (size_t i = 0; i < v->n_items; i++)
        items[i].purpose = pl_arena_str(a, v->items[i].purpose);
    h->items = items;
    h->seqs = copy_array(a, v->seqs, v->n_seqs, sizeof *v->seqs);
    return h;
}

static void copy_search(struct pl_arena *a, struct pl_command *c)
{
    size_t n = 0;
    while (c->search.attrs && c->search.attrs[n])
        n++;
    const char **attrs = pl_arena_array(a, n + 1, sizeof(char *));
    for (size_t i = 0; i < n; i++)
        attrs[i] = pl_arena_str(a, pl_str_c(c->search.attrs[i])).s;
    c->search.attrs = attrs;
    c->search.server = pl_arena_str(a, c->search.server);
    c->search.base = pl_arena_str(a, c->search.base);
    c->search.filter = pl_arena_str(a, c->search.filter);
}

static void copy_write(struct pl_arena *a, struct pl_command *c)
{
    if (c->kind == PL_CMD_MODIFY) {
        struct pl_mod *mods = copy_array(a, c->modify.mods, c->modify.n, sizeof *mods);
        for (size_t i = 0; i < c->modify.n; i++) {
            mods[i].attr = pl_arena_str(a, mods[i].attr);
            mods[i].values = copy_strs(a, mods[i].values, mods[i].n);
        }
        c->modify.mods = mods;
        c->modify.dn = pl_arena_str(a, c->modify.dn);
        c->modify.assertion = pl_arena_str(a, c->modify.assertion);
    } else {
        struct pl_attr *attrs = copy_array(a, c->add.attrs, c->add.n, sizeof *attrs);
        for (size_t i = 0; i < c->add.n; i++) {
            attrs[i].name = pl_arena_str(a, attrs[i].name);
            attrs[i].values = copy_strs(a, attrs[i].values, attrs[i].n);
        }
        c->add.attrs = attrs;
        c->add.dn = pl_arena_str(a, c->add.dn);
    }
}

/* A request lies in its own arena, which the next one takes over: there are ten thousand in a seed. */
struct req *sim_request_new(struct sim *m)
{
    struct pl_arena *a = m->n_spare > 0 ? m->spare[--m->n_spare] : pl_arena_new();
    struct req *r = pl_arena_alloc(a, sizeof *r);
    r->a = a;
    return r;
}

void sim_request_drop(struct sim *m, struct req *r)
{
    struct pl_arena *a = r->a;
    free(r->rows.v);
    pl_arena_clear(a);
    if (m->n_spare < sizeof m->spare / sizeof m->spare[0])
        m->spare[m->n_spare++] = a;
    else
        pl_arena_free(a);
}

void copy_command(struct req *r, const struct pl_command *c)
{
    struct pl_arena *a = r->a;
    r->c = *c;
    r->c.directory = pl_arena_str(a, c->directory);
    switch (c->kind) {
    case PL_CMD_LOAD:
        r->c.load.dirs = copy_strs(a, c->load.dirs, c->load.n_dirs);
        r->c.load.persons = copy_array(a, c->load.persons, c->load.n_persons, sizeof(int64_t));
        break;
    case PL_CMD_RESERVE:
        r->c.reserve.purpose = pl_arena_str(a, c->reserve.purpose);
        r->c.reserve.candidates = copy_strs(a, c->reserve.candidates, c->reserve.n_candidates);
        break;
    case PL_CMD_INTENTS:
        r->c.intents.items = copy_array(a, c->intents.items, c->intents.n, sizeof(struct pl_intent));
        break;
    case PL_CMD_SETTLE:
        r->c.settle = copy_settle(a, c->settle);
        break;
    case PL_CMD_HOLD:
        r->c.hold = copy_hold(a, c->hold);
        break;
    case PL_CMD_NOMINATE: {
        struct pl_nominee *v = copy_array(a, c->nominate.persons, c->nominate.n_persons, sizeof *v);
        for (size_t i = 0; i < c->nominate.n_persons; i++)
            v[i].cause = pl_arena_str(a, pl_str_c(v[i].cause)).s;
        r->c.nominate.persons = v;
        r->c.nominate.findings = copy_findings(a, c->nominate.findings, c->nominate.n_findings);
        break;
    }
    case PL_CMD_WATCHED: {
        struct pl_changed *v = copy_array(a, c->watched.entries, c->watched.n_entries, sizeof *v);
        for (size_t i = 0; i < c->watched.n_entries; i++) {
            v[i].id = pl_arena_str(a, v[i].id);
            v[i].login = pl_arena_str(a, v[i].login);
            if (v[i].finding.kind)
                v[i].finding = *copy_findings(a, &v[i].finding, 1);
        }
        r->c.watched.entries = v;
        r->c.watched.persons = copy_array(a, c->watched.persons, c->watched.n_persons, sizeof(struct pl_nominee));
        r->c.watched.findings = copy_findings(a, c->watched.findings, c->watched.n_findings);
        r->c.watched.cookie = pl_arena_str(a, c->watched.cookie);
        r->c.watched.identity = pl_arena_str(a, c->watched.identity);
        break;
    }
    case PL_CMD_ACKED: {
        struct pl_ack *v = copy_array(a, c->acked.items, c->acked.n, sizeof *v);
        for (size_t i = 0; i < c->acked.n; i++)
            v[i].server = pl_arena_str(a, v[i].server);
        r->c.acked.items = v;
        break;
    }
    case PL_CMD_UNACKED:
        r->c.unacked.servers = copy_strs(a, c->unacked.servers, c->unacked.n);
        break;
    case PL_CMD_SCAN_GROUP:
        r->c.scan_group.dn = pl_arena_str(a, c->scan_group.dn);
        break;
    case PL_CMD_NOTE_COMPARE:
        r->c.compare.identity = pl_arena_str(a, c->compare.identity);
        break;
    case PL_CMD_SEARCH:
        copy_search(a, &r->c);
        break;
    case PL_CMD_MODIFY:
    case PL_CMD_ADD:
        copy_write(a, &r->c);
        break;
    default:
        break;
    }
}
