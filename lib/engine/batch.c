/* One LOAD becomes pairs (person, directory) and tasks (accounts). All tasks of a batch read and plan first; then the
 * brake counts the whole plan; only then may any of them write. */
#include "priv.h"

#include <stdlib.h>
#include <string.h>
#include "../directory/dn.h"

static struct pair **slot(struct dir *d, int64_t person_id)
{
    return &d->pairs[(uint64_t)person_id % PL_TARGET_SLOTS];
}

struct pair *pl_pair_find(struct dir *d, int64_t person_id)
{
    struct pair *p = *slot(d, person_id);
    while (p && p->person_id != person_id)
        p = p->next;
    return p;
}

/* Out of what is in work. The memory is the batch's. */
static void pair_unlink(struct pair *pair)
{
    for (struct pair **at = slot(pair->dir, pair->person_id); *at; at = &(*at)->next)
        if (*at == pair) {
            *at = pair->next;
            pair->dir->n_pairs--;
            return;
        }
}

static void pair_leave(const struct batch *b, struct pair *pair)
{
    if (b->class != PL_LOAD_PREVIEW && !pair->left)
        pair_unlink(pair);
    pair->left = true;
}

const struct group *pl_group_by_id(const struct batch *b, const struct dir *d, int64_t id)
{
    for (size_t i = 0; i < b->n_groups; i++)
        if (b->groups[i].dir == d && b->groups[i].role_group_id == id)
            return &b->groups[i];
    return NULL;
}

const struct group *pl_group_by_hash(const struct batch *b, const struct dir *d, uint64_t dn_hash)
{
    for (size_t i = 0; i < b->n_groups; i++)
        if (b->groups[i].dir == d && b->groups[i].dn_hash == dn_hash)
            return &b->groups[i];
    return NULL;
}

/* ---- asking ---- */

static struct batch *batch_new(struct pl_engine *e, struct dir *d, enum pl_load_class class)
{
    struct batch *b = pl_xcalloc(1, sizeof *b);
    b->any = e;
    b->dir = d;
    b->class = class;
    b->arena = pl_arena_new();
    b->loading = true;
    b->next = e->batches;
    e->batches = b;
    return b;
}

void pl_batch_load(struct dir *d, enum pl_load_class class)
{
    struct pl_engine *e = d->e;
    struct batch *b = batch_new(e, d, class);
    d->want[class] = false;
    d->loading[class] = true;
    if (class == PL_LOAD_BULK)
        d->bulk_running = b->bulk_first = true;
    struct pl_command *c = pl_e_emit(e, PL_CMD_LOAD, d);
    c->load.class = class;
    c->load.dirs = &d->conf.name;
    c->load.n_dirs = 1;
    c->load.limit = e->conf.bulk_limit + (int)d->n_pairs; /* who is in work stands at the head of the queue still */
    c->load.named_leavers = e->conf.named_leavers;
    c->load.named_per_hour = e->conf.named_per_hour;
    c->load.passed_us = d->passed.known ? 0 : e->conf.brake_window_us;
    b->asks_passed = c->load.passed_us > 0;
    pl_e_request(e, c, OWN_LOAD, b, NULL, 0);
}

void pl_batch_preview(struct pl_engine *e, int64_t control_id, struct dir *only, const int64_t *persons, size_t n)
{
    struct batch *b = batch_new(e, only, PL_LOAD_PREVIEW);
    b->control_id = control_id;
    struct pl_str *names = pl_arena_array(b->arena, e->n_dirs, sizeof *names);
    size_t k = 0;
    for (size_t i = 0; i < e->n_dirs; i++)
        if (e->dirs[i].up && (!only || only == &e->dirs[i]))
            names[k++] = e->dirs[i].conf.name;
    int64_t *copy = pl_arena_array(b->arena, n, sizeof *copy);
    if (n)
        memcpy(copy, persons, n * sizeof *copy);
    struct pl_command *c = pl_e_emit(e, PL_CMD_LOAD, only);
    c->load.class = PL_LOAD_PREVIEW;
    c->load.dirs = names;
    c->load.n_dirs = k;
    c->load.limit = e->conf.bulk_limit;
    c->load.named_leavers = e->conf.named_leavers;
    c->load.named_per_hour = e->conf.named_per_hour;
    c->load.persons = copy;
    c->load.n_persons = n;
    pl_e_request(e, c, OWN_LOAD, b, NULL, 0);
}

/* ---- rows ---- */

static struct dir *dir_named(struct pl_engine *e, struct pl_str name)
{
    for (size_t i = 0; i < e->n_dirs; i++)
        if (pl_str_eq(e->dirs[i].conf.name, name))
            return &e->dirs[i];
    return NULL;
}

static struct task *task_for(struct batch *b, struct dir *d, int64_t person_id, struct pl_str purpose)
{
    for (size_t i = b->n_tasks; i-- > 0;) { /* rows of one pair stand together: it is among the last few */
        struct task *t = b->tasks[i];
        if (t->dir != d || t->p.person_id != person_id)
            return NULL;
        if (pl_str_eq(t->p.purpose, purpose))
            return t;
    }
    return NULL;
}

/* A wake-up of somebody who is in work already. One that the work did not begin with is looked at when it has ended. */
static void wake_busy(const struct batch *b, struct dir *d, int64_t person_id, int64_t seq)
{
    struct pair *busy = pl_pair_find(d, person_id);
    if (!busy) { /* it has just ended */
        d->want[b->class] = true;
        return;
    }
    size_t i = busy->n_seqs;
    while (i > 0 && busy->seqs[i - 1] != seq)
        i--;
    if (i == 0)
        busy->again = true;
}

/* NULL when the person is in work already. */
static struct pair *pair_new(struct batch *b, struct dir *d, int64_t person_id)
{
    if (b->class != PL_LOAD_PREVIEW && pl_pair_find(d, person_id)) {
        b->skip_person = person_id;
        b->skip_dir = d;
        return NULL;
    }
    struct pair *pair = pl_xcalloc(1, sizeof *pair);
    pair->person_id = person_id;
    pair->dir = d;
    PUSH(b->pairs, b->n_pairs, pair);
    if (b->class != PL_LOAD_PREVIEW) {
        pair->next = *slot(d, person_id);
        *slot(d, person_id) = pair;
        d->n_pairs++;
    }
    return pair;
}

static void row_person(struct batch *b, struct dir *d, const struct pl_row *r)
{
    struct pair *pair = b->n_pairs ? b->pairs[b->n_pairs - 1] : NULL;
    if (!pair || pair->person_id != r->person_id || pair->dir != d)
        pair = pair_new(b, d, r->person_id);
    if (!pair)
        return;
    if (pair->n_tasks == PL_PURPOSES_MAX)
        return;
    struct task *t = pl_xcalloc(1, sizeof *t);
    t->pair = pair;
    t->batch = b;
    t->dir = d;
    t->arena = pl_arena_new();
    t->p = r->person;
    struct pl_str *texts[] = {&t->p.directory, &t->p.purpose,  &t->p.login,      &t->p.native_id,
                              &t->p.dn,        &t->p.given,    &t->p.family,     &t->p.employee_no,
                              &t->p.unit,      &t->p.position, &t->p.institution};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = pl_arena_str(t->arena, *texts[i]);
    t->state = t->p.state;
    t->state_row = 0;
    pair->tasks[pair->n_tasks++] = t;
    pair->open_tasks++;
    PUSH(b->tasks, b->n_tasks, t);
}

static void row_group(struct batch *b, struct dir *d, const struct pl_row *r)
{
    /* The same groups come with every LOAD, in the same order: normalising their DNs each time would cost the most. */
    bool same = b->dir && b->n_groups < d->n_groups && pl_str_eq(d->groups[b->n_groups].dn, r->group.group_dn);
    struct group g = {.dir = d,
                      .role_group_id = r->group.role_group_id,
                      .dn = pl_arena_str(b->arena, r->group.group_dn),
                      .purpose = pl_arena_str(b->arena, r->group.purpose),
                      .dn_hash = same ? d->groups[b->n_groups].dn_hash : pl_dn_hash(r->group.group_dn),
                      .mode = r->group.mode,
                      .put_back = r->group.put_back};
    PUSH(b->groups, b->n_groups, g);
}

static void row_member(struct task *t, const struct pl_row_member *m)
{
    struct member x = {.row = *m, .group = pl_group_by_id(t->batch, t->dir, m->role_group_id)};
    PUSH(t->members, t->n_members, x);
    if (m->wanted)
        t->wanted_rows++;
}

/* The server that our records were made against; empty: whichever answers. */
static void known_server(struct dir *d, struct pl_str identity)
{
    uint64_t known = identity.len > 0 ? pl_str_hash(identity) : 0;
    bool other = d->known_identity_hash && d->known_identity_hash != pl_str_hash(d->identity);
    if (other && known != d->known_identity_hash)
        d->want_scan = true; /* somebody accepted this one: the compare was given up for that reason */
    d->known_identity_hash = known;
}

void pl_batch_row(struct batch *b, const struct pl_event *ev)
{
    struct pl_row r;
    struct pl_err err = {0};
    if (!pl_row_load(ev->row.cols, ev->row.n, &r, &err)) {
        b->bad = true; /* nothing of a batch with a row that we do not understand is believed */
        return;
    }
    struct dir *d = b->dir ? b->dir : dir_named(b->any, r.directory);
    if (!d || !pl_str_eq(d->conf.name, r.directory))
        return;
    if (r.kind == 'T') {
        PUSH(b->totals, b->n_totals, r.total);
        b->totals[b->n_totals - 1].directory = d->conf.name;
        b->totals[b->n_totals - 1].identity = (struct pl_str){0}; /* the row's bytes go */
        known_server(d, r.total.identity);
        if (r.total.due_in_us > 0) /* the store knows best when what was put off falls due: by another daemon, too */
            pl_e_wake(d, b->any->now + r.total.due_in_us);
        return;
    }
    if (r.kind == 'W') {
        pl_passed_note(&d->passed, r.passed.account_id, r.passed.role_group_id, b->any->now - r.passed.age_us);
        return;
    }
    if (r.kind == 'G') {
        row_group(b, d, &r);
        return;
    }
    if (b->skip_dir == d && b->skip_person == r.person_id) {
        if (r.kind == 'D')
            wake_busy(b, d, r.person_id, r.seq);
        return;
    }
    if (r.kind == 'P') {
        row_person(b, d, &r);
        return;
    }
    struct pair *pair = b->n_pairs ? b->pairs[b->n_pairs - 1] : NULL;
    bool same = pair && pair->person_id == r.person_id && pair->dir == d;
    if (r.kind == 'D') {
        if (!same && b->class != PL_LOAD_PREVIEW) { /* nothing is wanted for this person here: the rows are consumed */
            same = (pair = pair_new(b, d, r.person_id)) != NULL;
            if (!same)
                wake_busy(b, d, r.person_id, r.seq);
        }
        if (same)
            PUSH(pair->seqs, pair->n_seqs, r.seq);
        return;
    }
    if (!same)
        return;
    struct task *t = task_for(b, d, r.person_id, r.purpose);
    if (!t)
        return;
    if (r.kind == 'M')
        row_member(t, &r.member);
    else if (r.kind == 'E')
        pl_keep_row(t, &r.end);
    else if (r.kind == 'N')
        pl_rename_row(t, &r.name);
    else if (r.kind == 'I')
        PUSH(t->open_intents, t->n_open_intents, r.intent);
    else if (r.kind == 'H')
        PUSH(t->items, t->n_items, r.item);
}

/* ---- the end of a batch ---- */

static void pair_free(struct pair *p)
{
    free(p->seqs);
    free(p);
}

/* The next bite of the rest may be loaded. */
static void make_way(struct batch *b)
{
    if (b->bulk_first)
        b->dir->bulk_running = b->bulk_first = false;
}

static void batch_free(struct pl_engine *e, struct batch *b)
{
    for (struct batch **at = &e->batches; *at; at = &(*at)->next)
        if (*at == b) {
            *at = b->next;
            break;
        }
    for (size_t i = 0; i < b->n_tasks; i++)
        pl_task_free(b->tasks[i]);
    for (size_t i = 0; i < b->n_pairs; i++) {
        if (b->pairs[i]->again && !b->pairs[i]->left) /* it had nothing to do here, and has by now */
            b->dir->want[PL_LOAD_URGENT] = b->dir->want[PL_LOAD_BULK] = true;
        pair_leave(b, b->pairs[i]);
        pair_free(b->pairs[i]);
    }
    pl_e_forget(e, b);
    make_way(b);
    if (b->class == PL_LOAD_URGENT && b->n_pairs > 0)
        b->dir->want[PL_LOAD_BULK] = true; /* they stood before the others in the queue */
    free(b->tasks);
    free(b->pairs);
    free(b->groups);
    free(b->totals);
    pl_arena_free(b->arena);
    free(b);
}

static void remember_groups(struct batch *b)
{
    struct dir *d = b->dir;
    bool same = b->n_groups == d->n_groups;
    for (size_t i = 0; same && i < b->n_groups; i++)
        same = b->groups[i].dn_hash == d->groups[i].dn_hash && b->groups[i].role_group_id == d->groups[i].role_group_id;
    if (!same)
        pl_drift_forget_all(d);
    pl_arena_clear(d->group_arena);
    d->groups = pl_xrealloc_array(d->groups, b->n_groups ? b->n_groups : 1, sizeof *d->groups);
    for (size_t i = 0; i < b->n_groups; i++) {
        d->groups[i] = b->groups[i];
        d->groups[i].dn = pl_arena_str(d->group_arena, b->groups[i].dn);
        d->groups[i].purpose = pl_arena_str(d->group_arena, b->groups[i].purpose);
    }
    d->n_groups = b->n_groups;
    d->groups_known = true;
}

/* Dirty rows of a person for whom nothing is wanted in this directory. */
static void consume(struct pl_engine *e, struct pair *p)
{
    struct pl_settle *s = pl_arena_alloc(e->out, sizeof *s);
    int64_t *seqs = pl_arena_array(e->out, p->n_seqs, sizeof *seqs);
    if (p->n_seqs)
        memcpy(seqs, p->seqs, p->n_seqs * sizeof *seqs);
    *s = (struct pl_settle){
        .person_id = p->person_id, .directory = p->dir->conf.name, .seqs = seqs, .n_seqs = p->n_seqs};
    struct pl_command *c = pl_e_emit(e, PL_CMD_SETTLE, p->dir);
    c->settle = s;
    pl_e_request(e, c, OWN_NONE, NULL, NULL, 0);
}

void pl_batch_loaded(struct batch *b, bool failed)
{
    struct pl_engine *e = b->any;
    struct dir *d = b->dir;
    b->loading = false;
    if (b->class != PL_LOAD_PREVIEW)
        d->loading[b->class] = false;
    if (failed || b->bad) {
        if (b->bad)
            pl_e_log(e, 3, d, "the work queue sent a row that this version does not understand; nothing of it is done");
        if (d)
            pl_e_wake(d, e->now + e->conf.retry_min_us * (b->bad ? 20 : 1));
        batch_free(e, b);
        return;
    }
    if (b->class != PL_LOAD_PREVIEW) {
        if (b->asks_passed)
            d->passed.known = true; /* what this daemon lets pass from here on it knows by itself */
        remember_groups(b);
        if (b->class == PL_LOAD_BULK && b->n_pairs > 0)
            d->want[PL_LOAD_BULK] = true; /* there may be more: the bite is taken from the head of the queue */
        for (size_t i = 0; i < b->n_pairs; i++)
            if (b->pairs[i]->n_tasks == 0)
                consume(e, b->pairs[i]);
        if (b->n_tasks == 0) {
            /* Nobody to be alone for. Asked for again and again it does not let those begin to wait anew who wait. */
            if (b->class == PL_LOAD_URGENT)
                d->bulk_after_us = d->want[PL_LOAD_BULK] ? e->now : 0;
            batch_free(e, b);
            return;
        }
    }
    pl_batch_pump(b);
}

/* Starts tasks while the directory has room; urgent ones always have. Ends the batch when all have ended. */
void pl_batch_pump(struct batch *b)
{
    struct pl_engine *e = b->any;
    if (b->loading)
        return;
    while (b->started < b->n_tasks) {
        struct task *t = b->tasks[b->started];
        if (b->class != PL_LOAD_URGENT && t->dir->running >= t->dir->conf.inflight)
            break;
        b->started++;
        t->dir->running++;
        pl_task_start(t);
    }
    if (b->planned == b->n_tasks && !b->gated)
        pl_gate_judge(b);
    if (b->gated && !b->holding)
        while (b->released < b->n_tasks) {
            struct task *t = b->tasks[b->released];
            if (b->class != PL_LOAD_URGENT && t->phase == PH_GATE && t->dir->running >= t->dir->conf.inflight)
                break;
            b->released++;
            if (t->phase == PH_GATE) {
                t->dir->running++;
                pl_task_release(t);
            }
        }
    if (b->gated && !b->holding && b->released == b->n_tasks)
        make_way(b); /* the last of it are being written: the next ones can be read meanwhile */
    if (b->gated && !b->holding && b->ended == b->n_tasks)
        batch_free(e, b);
}

/* Room in a directory is everybody's: any batch may have waited for it. */
static void stir(struct dir *d)
{
    for (struct batch *b = d->e->batches; b; b = b->next)
        b->stirred = d->e->stirred = true;
}

void pl_batch_planned(struct task *t)
{
    t->dir->running--;
    t->batch->planned++;
    stir(t->dir);
}

void pl_batch_task_end(struct task *t)
{
    struct pair *pair = t->pair;
    if (!t->gated) { /* it never stood at the barrier */
        t->batch->planned++;
    }
    t->dir->running--;
    t->phase = PH_END;
    t->batch->ended++;
    /* What comes for this person from the end on is new work, whatever the others of the batch do. */
    if (--pair->open_tasks == 0) {
        if (pair->again) /* by the work it may have become another class's */
            t->dir->want[PL_LOAD_URGENT] = t->dir->want[PL_LOAD_BULK] = true;
        pair_leave(t->batch, pair);
    }
    if (pair->open_tasks == 1 && pair->last && pair->last != t) {
        struct task *last = pair->last;
        pair->last = NULL;
        pl_task_settle(last);
    }
    stir(t->dir);
}

void pl_batch_pump_all(struct pl_engine *e)
{
    while (e->stirred) {
        e->stirred = false;
        for (struct batch *b = e->batches, *next; b; b = next) {
            next = b->next;
            if (b->stirred) {
                b->stirred = false;
                pl_batch_pump(b);
            }
        }
    }
}

void pl_batch_drop_all(struct pl_engine *e, struct dir *d)
{
    for (struct batch *b = e->batches, *next; b; b = next) {
        next = b->next;
        if (d && b->dir && b->dir != d)
            continue;
        if (b->class != PL_LOAD_PREVIEW)
            b->dir->loading[b->class] = false;
        for (size_t i = 0; i < b->n_tasks; i++)
            if (b->tasks[i]->phase != PH_WAIT && b->tasks[i]->phase != PH_END && b->tasks[i]->phase != PH_GATE)
                b->tasks[i]->dir->running--;
        if (b->control_id && d)
            pl_e_log(e, 4, d, "a preview was given up because the directory went away; ask again");
        batch_free(e, b);
    }
}
