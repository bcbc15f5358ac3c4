#include "deed.h"

#include <string.h>

const char *const deed_names[N_DEEDS] = {
    "hire",   "rehire", "depart",   "depart_list", "depart_again", "stay",     "grant",   "revoke",   "grant_end",
    "absent", "back",   "it_admin", "role_mode",   "role_drift",   "dir_mode", "approve", "recreate", "name"};

/* Two share a name, one has an apostrophe, two have double names: log-ins must collide and fold. */
static const struct person names[] = {
    {"Mari", "Tamm"},       {"Jüri", "Põld"},  {"Mari", "Tamm"},      {"Anna-Liisa", "Kask"},  {"Õie", "Šmidt"},
    {"Peeter", "O'Connor"}, {"Kadri", "Mägi"}, {"Žanna", "Müürsepp"}, {"Toomas", "Saar-Lepp"}, {"Liis", "Rebane"},
    {"Jüri", "Pold"},       {"Ülle", "Ööbik"}, {"Mart", "Kukk"},      {"Tiina", "Ilves"},      {"Aare", "Kuusk"},
    {"Mari", "Tamm"},       {"Ene", "Aas"},    {"Rein", "Lill"},      {"Siim", "Koppel"},      {"Eha", "Luik"},
};
enum { N_NAMES = sizeof names / sizeof names[0] };

struct person deed_name(int n)
{
    return names[n % N_NAMES];
}

static int64_t last_end(const struct world *w, int person)
{
    int64_t last = 0;
    for (int i = 0; i < w->n_employments; i++)
        if (w->employments[i].person == person && w->employments[i].to > last)
            last = w->employments[i].to;
    return last;
}

/* paasla.cap_grants: grants end when nothing employs the person any more, and follow when that end moves. */
static void cap_grants(struct store *s, int person, int64_t now, int64_t xact)
{
    struct world *w = s->w;
    int64_t ends = last_end(w, person);
    bool changed = false;
    for (int i = 0; i < w->n_grants; i++) {
        struct grant *g = &w->grants[i];
        int64_t to = g->given_until < ends ? g->given_until : ends;
        if (g->person != person || g->from == g->to || g->to <= now || g->ended_by == GRANT_REVOKED || g->to == to)
            continue;
        g->to = to <= g->from ? g->from : to;
        g->ended_by = g->to == g->given_until ? GRANT_RUNS : GRANT_CAPPED;
        changed = true;
    }
    if (changed)
        store_mark_all(s, person, "revoked", xact);
}

/* An arrival that is called off becomes an employment of one microsecond, after the one before it. False: it is so. */
static bool call_off(const struct world *w, struct employment *e, int64_t now)
{
    int64_t free = now - 1;
    for (int i = 0; i < w->n_employments; i++) {
        const struct employment *o = &w->employments[i];
        if (o != e && o->person == e->person && o->institution == e->institution && o->to <= e->from && o->to > free)
            free = o->to;
    }
    if (e->from == free)
        return false;
    e->from = free;
    e->to = free + 1;
    return true;
}

static bool depart(struct store *s, int employment, int64_t to, int64_t now, int64_t xact)
{
    struct employment *e = &s->w->employments[employment];
    if (e->to <= to || e->to <= now)
        return false; /* somebody else was first */
    if (to > e->from)
        e->to = to;
    else if (e->from <= now || !call_off(s->w, e, now))
        return false;
    e->ended_xact = xact;
    store_say(s, e->person, xact, now);
    cap_grants(s, e->person, now, xact);
    store_mark_all(s, e->person, "departed", xact);
    return true;
}

static bool overlaps(const struct world *w, int person, int institution, int64_t from, int64_t to)
{
    for (int i = 0; i < w->n_employments; i++) {
        const struct employment *e = &w->employments[i];
        if (e->person == person && e->institution == institution && e->from < to && from < e->to)
            return true;
    }
    return false;
}

static bool hire(const struct deed *x, struct store *s, int64_t xact)
{
    struct world *w = s->w;
    int number = 0;
    if (x->kind == HIRE && x->person != w->n_persons)
        return false;
    if (overlaps(w, x->person, x->institution, x->from, x->to) || w->n_employments == MAX_EMPLOYMENTS)
        return false;
    if (x->kind == HIRE)
        w->persons[w->n_persons++] = names[(x->person * 7 + 3) % N_NAMES];
    for (int i = 0; i < w->n_employments; i++) /* a number is one person's for ever */
        if (w->employments[i].person == x->person && w->employments[i].institution == x->institution)
            number = w->employments[i].number;
    struct employment e = {.person = x->person,
                           .institution = x->institution,
                           .number = number ? number : 1001 + w->next_number++,
                           .it_admin = x->flag,
                           .was_it_admin = x->flag,
                           .from = x->from,
                           .to = x->to,
                           .ended_xact = x->to == NEVER ? 0 : xact};
    world_employ(w, &e);
    store_mark_all(s, x->person, "hired", xact);
    return true;
}

static bool grant(const struct deed *x, struct store *s, int64_t xact)
{
    struct world *w = s->w;
    int64_t last = last_end(w, x->person);
    struct grant g = {x->person, x->role, x->from, x->to, x->to, GRANT_RUNS};
    if (last <= (x->from > x->at_us ? x->from : x->at_us))
        return false; /* not employed then */
    if (g.to > last) {
        g.to = last;
        g.ended_by = GRANT_CAPPED;
    }
    for (int i = 0; i < w->n_grants; i++)
        if (w->grants[i].person == g.person && w->grants[i].role == g.role && w->grants[i].from < w->grants[i].to &&
            w->grants[i].from < g.to && g.from < w->grants[i].to)
            return false; /* no two for the same person and role at once */
    if (w->n_grants == MAX_GRANTS || g.to <= g.from)
        return false;
    w->grants[w->n_grants++] = g;
    store_mark_all(s, x->person, "granted", xact);
    return true;
}

static bool grant_change(const struct deed *x, struct store *s, int64_t xact)
{
    struct grant *g = &s->w->grants[x->grant];
    if (g->to <= x->to || g->to <= x->at_us || x->to <= g->from)
        return false;
    g->to = g->given_until = x->to;
    g->ended_by = x->to <= x->at_us ? GRANT_REVOKED : GRANT_RUNS;
    store_mark_all(s, g->person, "revoked", xact);
    return true;
}

static bool holds_role(const struct store *s, int person, int role, int64_t now)
{
    bool holds = world_granted(s->w, person, role, now);
    for (int i = 0; i < s->n_accounts && !holds; i++)
        for (int g = 0; g < s->w->n_groups && !holds; g++)
            holds = s->accounts[i].person == person && s->w->groups[g].role == role &&
                    (s->accounts[i].present[g] == 1 || store_finding(s, s->accounts[i].dir, person, g, NULL));
    return holds;
}

static void role_changed(struct store *s, int role, int64_t now, int64_t xact)
{
    for (int p = 0; p < s->w->n_persons; p++)
        if (holds_role(s, p, role, now))
            store_mark_all(s, p, "role", xact);
}

static bool dir_mode(const struct deed *x, struct store *s, int64_t xact)
{
    if (s->w->dir_mode[x->dir] == (enum pl_mode)x->mode)
        return false;
    s->w->dir_mode[x->dir] = (enum pl_mode)x->mode;
    for (int p = 0; p < s->w->n_persons; p++)
        if (store_wanted(s, p, x->dir, PERSONAL, x->at_us).row)
            store_mark(s, x->dir, p, "directory", 0, xact);
    return true;
}

/* A departure that has not come yet is taken back, or moved to later. */
static bool stay(const struct deed *x, struct store *s, int64_t xact)
{
    struct employment *e = &s->w->employments[x->employment];
    if (e->to <= x->at_us || e->to == NEVER || x->to <= e->to ||
        overlaps(s->w, e->person, e->institution, e->to, x->to))
        return false;
    e->to = x->to;
    e->ended_xact = e->to == NEVER ? 0 : xact;
    if (e->to != NEVER)
        store_say(s, e->person, xact, x->at_us);
    cap_grants(s, e->person, x->at_us, xact);
    store_mark_all(s, e->person, "departed", xact);
    return true;
}

static void absence(const struct deed *x, struct store *s, int64_t xact)
{
    struct world *w = s->w;
    if (x->kind == BACK)
        w->absences[x->absence].to = x->to;
    else
        w->absences[w->n_absences++] = (struct absence){x->person, x->from, x->to, x->flag};
    store_mark_all(s, x->kind == BACK ? w->absences[x->absence].person : x->person, "absence", xact);
}

/* paasla.recreate_account: a lost account is made anew only when somebody says so. */
static bool recreate(const struct deed *x, struct store *s, int64_t xact)
{
    struct account *a = &s->accounts[x->account];
    if (a->state != PL_STATE_LOST)
        return false;
    a->state = PL_STATE_NONE;
    a->native_id[0] = a->dn[0] = '\0';
    for (int g = 0; g < MAX_GROUPS; g++)
        a->present[g] = a->present[g] == 1 ? 0 : a->present[g];
    store_mark(s, a->dir, a->person, "recreate", 0, xact);
    return true;
}

static bool depart_list(const struct deed *x, struct store *s, int64_t xact)
{
    bool any = false;
    for (int i = 0; i < x->n_list; i++)
        any |= depart(s, x->list[i], x->to, x->at_us, xact);
    return any;
}

static bool same_name(struct person a, struct person b)
{
    return !strcmp(a.given, b.given) && !strcmp(a.family, b.family);
}

/* HR changes a name: the one before is remembered, as the newest. */
static bool rename_person(const struct deed *x, struct store *s, int64_t xact)
{
    struct world *w = s->w;
    struct person *was = &w->persons[x->person], *old = w->former[x->person];
    int *n = &w->n_former[x->person], at = 0;
    if (same_name(*was, x->name) || *n == MAX_FORMER)
        return false;
    while (at < *n && !same_name(old[at], *was))
        at++;
    if (at < *n)
        memmove(&old[at], &old[at + 1], (size_t)(--*n - at) * sizeof *old);
    old[(*n)++] = *was;
    *was = x->name;
    w->renamed_last = x->person;
    w->renamed_at[x->person] = s->n_intents;
    store_mark_all(s, x->person, "person", xact);
    return true;
}

/* What nothing can stand in the way of. */
static bool set(const struct deed *x, struct store *s, int64_t xact)
{
    struct world *w = s->w;
    if (x->kind == DEPART_AGAIN) {
        w->employments[x->employment].said_again_xact = xact;
        store_say(s, x->person, xact, x->at_us);
        store_mark_all(s, x->person, "departed", xact);
    } else if (x->kind == ABSENT || x->kind == BACK) {
        absence(x, s, xact);
    } else if (x->kind == IT_ADMIN) {
        w->employments[x->employment].it_admin ^= true;
        w->employments[x->employment].was_it_admin = true; /* it was or it is */
        store_mark_all(s, w->employments[x->employment].person, "employment", xact);
    } else {
        if (x->kind == ROLE_MODE)
            w->roles[x->role].mode = (enum pl_mode)x->mode;
        else
            w->roles[x->role].put_back = x->flag;
        role_changed(s, x->role, x->at_us, xact);
    }
    return true;
}

static bool carry_out(const struct deed *x, struct store *s, int64_t xact)
{
    switch (x->kind) {
    case HIRE:
    case REHIRE:
        return hire(x, s, xact);
    case DEPART:
        return depart(s, x->employment, x->to, x->at_us, xact);
    case DEPART_LIST:
        return depart_list(x, s, xact);
    case STAY:
        return stay(x, s, xact);
    case GRANT:
        return grant(x, s, xact);
    case REVOKE:
    case GRANT_END:
        return grant_change(x, s, xact);
    case DIR_MODE:
        return dir_mode(x, s, xact);
    case RECREATE:
        return recreate(x, s, xact);
    case NAME:
        return rename_person(x, s, xact);
    case APPROVE:
        if (s->plans[x->plan].state != PLAN_HELD)
            return false;
        store_approve(s, x->plan, x->at_us, xact);
        return true;
    default:
        return set(x, s, xact);
    }
}

bool deed_do(const struct deed *x, struct store *s)
{
    int64_t xact = store_begin(s);
    s->reserved_seq = x->first_seq;
    bool done = carry_out(x, s, xact);
    s->reserved_seq = 0;
    return done;
}
