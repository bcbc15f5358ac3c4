#include "deed.h"

#include <string.h>

const char *const deed_names[N_DEEDS] = {
    "hire",   "rehire", "depart",   "depart_list", "depart_again", "stay",     "grant",   "revoke",  "grant_end",
    "absent", "back",   "it_admin", "role_mode",   "role_drift",   "dir_mode", "approve", "recreate"};

/* Two share a name, one has an apostrophe, two have double names: log-ins must collide and fold. */
static const struct person names[] = {
    {"Mari", "Tamm"},       {"Jüri", "Põld"},  {"Mari", "Tamm"},      {"Anna-Liisa", "Kask"},  {"Õie", "Šmidt"},
    {"Peeter", "O'Connor"}, {"Kadri", "Mägi"}, {"Žanna", "Müürsepp"}, {"Toomas", "Saar-Lepp"}, {"Liis", "Rebane"},
    {"Jüri", "Pold"},       {"Ülle", "Ööbik"}, {"Mart", "Kukk"},      {"Tiina", "Ilves"},      {"Aare", "Kuusk"},
    {"Mari", "Tamm"},       {"Ene", "Aas"},    {"Rein", "Lill"},      {"Siim", "Koppel"},      {"Eha", "Luik"},
};
enum { N_NAMES = sizeof names / sizeof names[0] };

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
        if (g->person != person || g->from == g->to || g->to <= now)
            continue;
        if (!(ends != NEVER && g->to > ends) && !(g->by_departure && g->to != ends))
            continue;
        g->to = ends <= g->from ? g->from : ends;
        g->by_departure = ends != NEVER;
        changed = true;
    }
    if (changed)
        store_mark_all(s, person, "revoked", xact);
}

static void depart(struct store *s, int employment, int64_t to, int64_t now, int64_t xact)
{
    struct employment *e = &s->w->employments[employment];
    if (e->to <= to || e->to <= now)
        return;                                      /* somebody else was first */
    e->to = to > e->from ? to : e->from + US_SECOND; /* a period is never empty */
    e->ended_xact = xact;
    s->xact_leavers[xact]++;
    cap_grants(s, e->person, now, xact);
    store_mark_all(s, e->person, "departed", xact);
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

static void hire(const struct deed *x, struct store *s, int64_t xact)
{
    struct world *w = s->w;
    int number = 0;
    if (x->kind == HIRE && x->person != w->n_persons)
        return;
    if (overlaps(w, x->person, x->institution, x->from, x->to) || w->n_employments == MAX_EMPLOYMENTS)
        return;
    if (x->kind == HIRE)
        w->persons[w->n_persons++] = names[(x->person * 7 + 3) % N_NAMES];
    for (int i = 0; i < w->n_employments; i++) /* a number is one person's for ever */
        if (w->employments[i].person == x->person && w->employments[i].institution == x->institution)
            number = w->employments[i].number;
    w->employments[w->n_employments++] = (struct employment){
        x->person, x->institution,           number ? number : 1001 + w->next_number++, x->flag, x->from,
        x->to,     x->to == NEVER ? 0 : xact};
    s->xact_leavers[xact] += x->to != NEVER;
    store_mark_all(s, x->person, "hired", xact);
}

static void grant(const struct deed *x, struct store *s, int64_t xact)
{
    struct world *w = s->w;
    int64_t last = last_end(w, x->person);
    struct grant g = {x->person, x->role, x->from, x->to, false};
    if (last <= (x->from > x->at_us ? x->from : x->at_us))
        return; /* not employed then */
    if (g.to > last) {
        g.to = last;
        g.by_departure = true;
    }
    for (int i = 0; i < w->n_grants; i++)
        if (w->grants[i].person == g.person && w->grants[i].role == g.role && w->grants[i].from < w->grants[i].to &&
            w->grants[i].from < g.to && g.from < w->grants[i].to)
            return; /* no two for the same person and role at once */
    if (w->n_grants == MAX_GRANTS || g.to <= g.from)
        return;
    w->grants[w->n_grants++] = g;
    store_mark_all(s, x->person, "granted", xact);
}

static void grant_change(const struct deed *x, struct store *s, int64_t xact)
{
    struct grant *g = &s->w->grants[x->grant];
    if (g->to <= x->to || g->to <= x->at_us || x->to <= g->from)
        return;
    g->to = x->to;
    g->by_departure = false;
    store_mark_all(s, g->person, "revoked", xact);
}

static bool holds_role(const struct store *s, int person, int role, int64_t now)
{
    bool holds = world_granted(s->w, person, role, now);
    for (int i = 0; i < s->n_accounts && !holds; i++)
        for (int g = 0; g < s->w->n_groups && !holds; g++)
            holds = s->accounts[i].person == person && s->w->groups[g].role == role && s->accounts[i].present[g] == 1;
    return holds;
}

static void role_changed(struct store *s, int role, int64_t now, int64_t xact)
{
    for (int p = 0; p < s->w->n_persons; p++)
        if (holds_role(s, p, role, now))
            store_mark_all(s, p, "role", xact);
}

static void dir_mode(const struct deed *x, struct store *s, int64_t xact)
{
    if (s->w->dir_mode[x->dir] == (enum pl_mode)x->mode)
        return;
    s->w->dir_mode[x->dir] = (enum pl_mode)x->mode;
    for (int p = 0; p < s->w->n_persons; p++)
        if (store_wanted(s, p, x->dir, PERSONAL, x->at_us).row)
            store_mark(s, x->dir, p, "directory", 0, xact);
}

/* A departure that has not come yet is taken back. */
static void stay(const struct deed *x, struct store *s, int64_t xact)
{
    struct employment *e = &s->w->employments[x->employment];
    if (e->to <= x->at_us || e->to == NEVER || overlaps(s->w, e->person, e->institution, e->to, NEVER))
        return;
    e->to = NEVER;
    e->ended_xact = 0;
    cap_grants(s, e->person, x->at_us, xact);
    store_mark_all(s, e->person, "departed", xact);
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
static void recreate(const struct deed *x, struct store *s, int64_t xact)
{
    struct account *a = &s->accounts[x->account];
    if (a->state != PL_STATE_LOST)
        return;
    a->state = PL_STATE_NONE;
    a->native_id[0] = a->dn[0] = '\0';
    for (int g = 0; g < MAX_GROUPS; g++)
        a->present[g] = a->present[g] == 1 ? 0 : a->present[g];
    store_mark(s, a->dir, a->person, "recreate", 0, xact);
}

void deed_do(const struct deed *x, struct store *s)
{
    struct world *w = s->w;
    int64_t xact = store_begin(s);
    s->reserved_seq = x->first_seq;
    switch (x->kind) {
    case HIRE:
    case REHIRE:
        hire(x, s, xact);
        break;
    case DEPART:
        depart(s, x->employment, x->to, x->at_us, xact);
        break;
    case DEPART_LIST:
        for (int i = 0; i < x->n_list; i++)
            depart(s, x->list[i], x->to, x->at_us, xact);
        break;
    case DEPART_AGAIN:
        store_mark_all(s, x->person, "departed", xact);
        break;
    case STAY:
        stay(x, s, xact);
        break;
    case GRANT:
        grant(x, s, xact);
        break;
    case REVOKE:
    case GRANT_END:
        grant_change(x, s, xact);
        break;
    case ABSENT:
    case BACK:
        absence(x, s, xact);
        break;
    case IT_ADMIN:
        w->employments[x->employment].it_admin ^= true;
        store_mark_all(s, w->employments[x->employment].person, "employment", xact);
        break;
    case ROLE_MODE:
        w->roles[x->role].mode = (enum pl_mode)x->mode;
        role_changed(s, x->role, x->at_us, xact);
        break;
    case ROLE_DRIFT:
        w->roles[x->role].put_back = x->flag;
        role_changed(s, x->role, x->at_us, xact);
        break;
    case DIR_MODE:
        dir_mode(x, s, xact);
        break;
    case RECREATE:
        recreate(x, s, xact);
        break;
    default:
        if (s->plans[x->plan].state == PLAN_HELD)
            store_approve(s, x->plan, x->at_us, xact);
    }
    s->reserved_seq = 0;
}
