/* The statements that read: LOAD and the two scans. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct row *row_new(struct rows *out, size_t n)
{
    if (out->n == out->cap) {
        out->cap = out->cap ? out->cap * 2 : 32;
        out->v = pl_xrealloc_array(out->v, out->cap, sizeof *out->v);
    }
    struct row *r = &out->v[out->n++];
    r->cols = pl_arena_array(out->a, n, sizeof *r->cols);
    r->n = 0;
    return r;
}

static void put(struct row *r, const char *s) /* s lives as long as the world or the answer */
{
    r->cols[r->n++] = pl_str_c(s);
}

static void put_copy(struct rows *out, struct row *r, const char *s)
{
    r->cols[r->n++] = pl_arena_str(out->a, pl_str_c(s));
}

static void put_n(struct rows *out, struct row *r, int64_t v)
{
    char text[24], *at = text + sizeof text;
    uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do /* most of what an answer holds are numbers: snprintf is most of its cost */
        *--at = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (v < 0)
        *--at = '-';
    r->cols[r->n++] = pl_arena_str(out->a, (struct pl_str){at, (size_t)(text + sizeof text - at)});
}

static void put_flag(struct row *r, bool v)
{
    put(r, v ? "t" : "f");
}

static struct row *pair_row(struct rows *out, const char *kind, int person, int dir, const char *purpose)
{
    struct row *r = row_new(out, 21);
    put(r, kind);
    put_n(out, r, person + 1);
    put(r, dir_names[dir]);
    if (purpose)
        put(r, purpose);
    return r;
}

static bool in_work(enum pl_state st)
{
    return st == PL_STATE_OPEN || st == PL_STATE_OPENING || st == PL_STATE_LOCKING || st == PL_STATE_CLOSING;
}

static bool sharp(const char *cause)
{
    static const char *const causes[] = {"compare_removal", "watch", "recovery", "departed", "revoked"};
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        if (!strcmp(cause, causes[i]))
            return true;
    return false;
}

static bool pair_urgent(struct store *s, int person, int dir, int64_t now)
{
    for (size_t i = 0; i < s->n_dirty; i++)
        if (s->dirty[i].person == person && s->dirty[i].dir == dir && sharp(s->dirty[i].cause))
            return true;
    for (int p = 0; p < N_PURPOSES; p++) {
        const struct account *a = store_account(s, person, dir, (enum purpose)p);
        if (!a)
            continue;
        struct wanted n = store_wanted(s, person, dir, (enum purpose)p, now);
        if (n.row && !strcmp(n.want, "locked") && in_work(a->state))
            return true;
        for (int g = 0; g < s->w->n_groups; g++)
            if (a->present[g] == 1 && !store_entitled(s, person, g, now))
                return true;
    }
    return false;
}

static int member_rows(struct store *s, const struct account *a, int person, int dir, enum purpose p, int64_t now,
                       struct rows *out)
{
    int wanted = 0;
    for (int g = 0; g < s->w->n_groups; g++) {
        const struct role_group *rg = &s->w->groups[g];
        if (rg->dir != dir || rg->purpose != p)
            continue;
        bool want = store_entitled(s, person, g, now);
        if (!world_granted(s->w, person, rg->role, now) && (!a || a->present[g] < 0))
            continue;
        wanted += want;
        if (!out)
            continue;
        int put_backs = 0;
        for (size_t i = s->n_intents; i > 0 && a && s->intents[i - 1].at_us > now - US_HOUR; i--) {
            const struct intent *in = &s->intents[i - 1];
            put_backs += in->put_back && in->group == g && &s->accounts[in->account] == a;
        }
        struct row *r = pair_row(out, "M", person, dir, purpose_names[p]);
        put_n(out, r, g + 1);
        put_flag(r, want);
        put_flag(r, a && a->present[g] == 1);
        put(r, pl_mode_name(s->w->roles[rg->role].mode));
        put_flag(r, s->w->roles[rg->role].put_back);
        put_n(out, r, put_backs);
    }
    return wanted;
}

static void person_row(struct store *s, int person, int dir, enum purpose p, const struct wanted *n, struct naming most,
                       int64_t now, struct rows *out)
{
    const struct account *a = store_account(s, person, dir, p);
    int e = world_main_employment(s->w, person, dir);
    struct row *r = pair_row(out, "P", person, dir, purpose_names[p]);
    put(r, n->want);
    put(r, n->cause);
    put_flag(r, store_named(s, person, dir, most, now));
    put_n(out, r, a ? a - s->accounts + 1 : 0);
    put_copy(out, r, a ? a->login : "");
    put_copy(out, r, a ? a->native_id : "");
    put_copy(out, r, a ? a->dn : "");
    put(r, pl_state_name(a ? a->state : PL_STATE_NONE));
    put(r, s->w->persons[person].given);
    put(r, s->w->persons[person].family);
    if (e >= 0)
        put_n(out, r, s->w->employments[e].number);
    else
        put(r, "");
    put(r, "kantselei");
    put(r, "spetsialist");
    put(r, e >= 0 ? institution_names[s->w->employments[e].institution] : "");
    put(r, pl_mode_name(s->w->dir_mode[dir]));
    put_n(out, r, n->since);
    put_n(out, r, member_rows(s, a, person, dir, p, now, NULL));
}

/* Ends of intents that we meant to write for an account: each once and in order, or those of the last hour that were. */
static void ends_of(struct store *s, const struct account *a, int64_t since, struct rows *out, struct row *r)
{
    struct pl_buf b = {0};
    int64_t last = 0;
    for (size_t n = 0; since > 0 && n < s->n_intents; n++) {
        const struct intent *in = &s->intents[n];
        if (a && &s->accounts[in->account] == a && in->op == PL_OP_KEEP && in->outcome == PL_OUT_DONE &&
            in->at_us > since)
            pl_buf_printf(&b, b.len ? " %lld" : "%lld", (long long)(in->ends == NEVER ? 0 : in->ends));
    }
    for (bool more = since == 0; more;) {
        int64_t next = NEVER;
        for (size_t n = 0; n < s->n_intents; n++) {
            const struct intent *in = &s->intents[n];
            if (a && &s->accounts[in->account] == a && in->ends > last && in->ends < next)
                next = in->ends;
        }
        more = next != NEVER;
        if (more)
            pl_buf_printf(&b, b.len ? " %lld" : "%lld", (long long)next);
        last = next;
    }
    r->cols[r->n++] = pl_arena_str(out->a, pl_buf_str(&b));
    pl_buf_free(&b);
}

static bool ever_kept(const struct store *s, const struct account *a)
{
    for (size_t n = 0; n < s->n_intents; n++)
        if (a && &s->accounts[s->intents[n].account] == a && s->intents[n].ends != NEVER)
            return true;
    return false;
}

static void end_row(struct store *s, int person, int dir, enum purpose p, bool open, struct naming most, int64_t now,
                    struct rows *out)
{
    const struct account *a = store_account(s, person, dir, p);
    bool believed = a && (a->state == PL_STATE_OPEN || a->state == PL_STATE_OPENING);
    int64_t ends = open ? store_ends(s, person, dir, p, now) : NEVER;
    if ((!open && !believed) || (ends == NEVER && !ever_kept(s, a)))
        return;
    struct row *r = pair_row(out, "E", person, dir, purpose_names[p]);
    if (ends == NEVER)
        put(r, "");
    else
        put_n(out, r, ends);
    bool named = store_end_named(s, person, ends, most);
    put_flag(r, named);
    put_n(out, r, named ? 0 : store_crowd(s, ends, now));
    ends_of(s, a, 0, out, r);
    ends_of(s, open ? a : NULL, now - US_HOUR, out, r);
}

static void name_rows(struct store *s, int person, int dir, enum purpose p, int64_t now, struct rows *out)
{
    const struct account *a = store_account(s, person, dir, p);
    int lately = 0;
    for (size_t i = s->n_intents; i > s->w->renamed_at[person] && s->intents[i - 1].at_us > now - US_HOUR; i--)
        lately += a && &s->accounts[s->intents[i - 1].account] == a && s->intents[i - 1].op == PL_OP_RENAME &&
                  s->intents[i - 1].outcome == PL_OUT_DONE;
    for (int i = s->w->n_former[person]; i > 0; i--) {
        struct row *r = pair_row(out, "N", person, dir, purpose_names[p]);
        put_n(out, r, lately);
        put(r, s->w->former[person][i - 1].given);
        put(r, s->w->former[person][i - 1].family);
    }
}

static void pair_rows(struct store *s, int person, int dir, struct naming most, int64_t now, struct rows *out)
{
    struct wanted n[N_PURPOSES];
    for (int p = 0; p < N_PURPOSES; p++) {
        n[p] = store_wanted(s, person, dir, (enum purpose)p, now);
        if (n[p].row)
            person_row(s, person, dir, (enum purpose)p, &n[p], most, now, out);
    }
    for (int p = 0; p < N_PURPOSES; p++)
        if (n[p].row)
            member_rows(s, store_account(s, person, dir, (enum purpose)p), person, dir, (enum purpose)p, now, out);
    for (int p = 0; p < N_PURPOSES; p++)
        if (n[p].row)
            end_row(s, person, dir, (enum purpose)p, n[p].need == PL_NEED_OPEN, most, now, out);
    for (int p = 0; p < N_PURPOSES; p++)
        if (n[p].row && n[p].need == PL_NEED_OPEN)
            name_rows(s, person, dir, (enum purpose)p, now, out);
    for (size_t i = s->first_open_intent; i < s->n_intents; i++) {
        const struct intent *in = &s->intents[i];
        const struct account *a = &s->accounts[in->account];
        if (in->outcome >= 0 || a->person != person || a->dir != dir)
            continue;
        struct row *r = pair_row(out, "I", person, dir, purpose_names[a->purpose]);
        put_n(out, r, (int64_t)i + 1);
        put(r, pl_op_name(in->op));
        put_n(out, r, in->group + 1);
        if (in->ends == NEVER)
            put(r, "");
        else
            put_n(out, r, in->ends);
    }
    for (size_t i = 0; i < s->n_plans; i++) {
        const struct plan *pl = &s->plans[i];
        bool live = pl->state == PLAN_HELD || (pl->state == PLAN_APPROVED && pl->expires_us > now);
        for (size_t k = 0; live && pl->dir == dir && k < pl->n; k++)
            if (pl->items[k].person == person && !pl->items[k].over) {
                struct row *r = pair_row(out, "H", person, dir, purpose_names[pl->items[k].purpose]);
                put(r, pl->state == PLAN_HELD ? "held" : "approved");
                put(r, pl_op_name(pl->items[k].op));
                put_n(out, r, pl->items[k].group + 1);
            }
    }
    for (size_t i = 0; i < s->n_dirty; i++)
        if (s->dirty[i].person == person && s->dirty[i].dir == dir)
            put_n(out, pair_row(out, "D", person, dir, NULL), s->dirty[i].seq);
}

static int64_t next_due(const struct store *s, int dir, int64_t now)
{
    int64_t in = 0;
    for (size_t i = 0; i < s->n_dirty; i++)
        if (s->dirty[i].dir == dir && s->dirty[i].not_before > now && (!in || s->dirty[i].not_before - now < in))
            in = s->dirty[i].not_before - now;
    return in;
}

static void total_row(struct store *s, int dir, int64_t now, struct rows *out)
{
    int open = 0, members = 0;
    for (int i = 0; i < s->n_accounts; i++) {
        const struct account *a = &s->accounts[i];
        if (a->dir != dir)
            continue;
        open += a->state == PL_STATE_OPEN;
        for (int g = 0; g < s->w->n_groups; g++)
            members += a->present[g] == 1;
    }
    struct row *r = row_new(out, 6);
    put(r, "T");
    put(r, dir_names[dir]);
    put_n(out, r, open);
    put_n(out, r, members);
    put_copy(out, r, s->identity[dir]);
    if (next_due(s, dir, now))
        put_n(out, r, next_due(s, dir, now));
    else
        put(r, "");
    s->identity_shown[dir] |= s->identity[dir][0] != '\0';
}

/* What the brake let pass in the last `us`: each thing once, as old as its newest. */
static void passed_rows(struct store *s, int dir, int64_t now, int64_t us, struct rows *out)
{
    for (size_t i = 0; i < s->n_intents && us > 0; i++) {
        const struct intent *in = &s->intents[i];
        bool last = in->counted && s->accounts[in->account].dir == dir && in->at_us > now - us;
        for (size_t k = i + 1; k < s->n_intents && last; k++)
            last = !(s->intents[k].counted && s->intents[k].account == in->account && s->intents[k].group == in->group);
        if (!last)
            continue;
        struct row *r = row_new(out, 5);
        put(r, "W");
        put(r, dir_names[dir]);
        put_n(out, r, in->account + 1);
        put_n(out, r, in->group + 1);
        put_n(out, r, now - in->at_us);
    }
}

static void group_row(struct store *s, int g, struct rows *out)
{
    const struct role_group *rg = &s->w->groups[g];
    struct row *r = row_new(out, 8);
    put(r, "G");
    put(r, dir_names[rg->dir]);
    put_n(out, r, g + 1);
    put_n(out, r, rg->role + 1);
    put(r, rg->dn);
    put(r, pl_mode_name(s->w->roles[rg->role].mode));
    put_flag(r, s->w->roles[rg->role].put_back);
    put(r, purpose_names[rg->purpose]);
}

static bool asked(const struct pl_command *c, int dir)
{
    for (size_t i = 0; i < c->load.n_dirs; i++)
        if (pl_str_eq_c(c->load.dirs[i], dir_names[dir]))
            return true;
    return false;
}

static bool listed(const struct pl_command *c, int person)
{
    for (size_t i = 0; i < c->load.n_persons; i++)
        if (c->load.persons[i] == person + 1)
            return true;
    return false;
}

void store_load(struct store *s, const struct pl_command *c, int64_t now, struct rows *out)
{
    bool taken[MAX_PERSONS][N_DIRS] = {{false}}, seen[MAX_PERSONS][N_DIRS] = {{false}};
    struct naming most = {c->load.named_leavers, c->load.named_per_hour};
    int pairs = 0, looked = 0;
    bool wanted[N_DIRS];
    for (int d = 0; d < N_DIRS; d++) {
        wanted[d] = asked(c, d);
        if (wanted[d]) {
            total_row(s, d, now, out);
            passed_rows(s, d, now, c->load.passed_us, out);
        }
    }
    for (int g = 0; g < s->w->n_groups; g++)
        if (wanted[s->w->groups[g].dir])
            group_row(s, g, out);
    for (int p = 0; p < s->w->n_persons && c->load.class == PL_LOAD_PREVIEW; p++)
        for (int d = 0; d < N_DIRS; d++)
            if (wanted[d] && (listed(c, p) || store_is_dirty(s, p, d)))
                pair_rows(s, p, d, most, now, out);
    for (size_t i = 0; i < s->n_dirty && c->load.class != PL_LOAD_PREVIEW; i++) {
        struct dirty y = s->dirty[i];
        if (y.not_before > now || !wanted[y.dir] || taken[y.person][y.dir])
            continue;
        looked += !seen[y.person][y.dir];
        seen[y.person][y.dir] = true;
        if (c->load.class == PL_LOAD_BULK && looked > 4 * c->load.limit)
            break;
        if (pair_urgent(s, y.person, y.dir, now) != (c->load.class == PL_LOAD_URGENT))
            continue;
        taken[y.person][y.dir] = true;
        if (c->load.class == PL_LOAD_BULK && ++pairs > c->load.limit)
            break;
        pair_rows(s, y.person, y.dir, most, now, out);
    }
}

static void scan_row(struct store *s, int person, int dir, enum purpose p, const struct wanted *n, bool names,
                     int64_t now, struct rows *out)
{
    const struct account *a = store_account(s, person, dir, p);
    int64_t ends = store_ends(s, person, dir, p, now);
    struct row *r = row_new(out, 12);
    put_n(out, r, person + 1);
    if (a)
        put_n(out, r, a - s->accounts + 1);
    else
        put(r, "");
    put(r, purpose_names[p]);
    put_copy(out, r, a ? a->native_id : "");
    put_copy(out, r, a ? a->dn : "");
    put_copy(out, r, a ? a->login : "");
    put(r, pl_state_name(a ? a->state : PL_STATE_NONE));
    put(r, n->want);
    put(r, n->cause);
    if (ends != NEVER)
        put_n(out, r, ends);
    else
        put(r, n->need == PL_NEED_OPEN && ever_kept(s, a) ? "0" : "");
    put(r, names ? s->w->persons[person].given : "");
    put(r, names ? s->w->persons[person].family : "");
}

void store_scan_accounts(struct store *s, int dir, bool names, int64_t now, struct rows *out)
{
    for (int person = 0; person < s->w->n_persons; person++)
        for (int p = 0; p < N_PURPOSES; p++) {
            struct wanted n = store_wanted(s, person, dir, (enum purpose)p, now);
            if (n.row)
                scan_row(s, person, dir, (enum purpose)p, &n, names, now, out);
        }
}

void store_scan_group(struct store *s, int dir, struct pl_str group_dn, int64_t now, struct rows *out)
{
    for (int g = 0; g < s->w->n_groups; g++) {
        const struct role_group *rg = &s->w->groups[g];
        if (rg->dir != dir || !pl_str_eq_c(group_dn, rg->dn))
            continue;
        for (int p = 0; p < s->w->n_persons; p++) {
            const struct account *a = store_account(s, p, dir, rg->purpose);
            if (!store_entitled(s, p, g, now))
                continue;
            struct row *r = row_new(out, 5);
            put_n(out, r, p + 1);
            put_n(out, r, g + 1);
            put_copy(out, r, a ? a->dn : "");
            put_copy(out, r, a ? a->login : "");
            put(r, pl_mode_name(s->w->roles[rg->role].mode));
        }
    }
}

void store_scan_groups(struct store *s, int dir, int64_t now, struct rows *out)
{
    for (int g = 0; g < s->w->n_groups; g++) {
        char persons[MAX_PERSONS * 8] = "";
        size_t n = 0;
        if (s->w->groups[g].dir != dir)
            continue;
        for (int p = 0; p < s->w->n_persons; p++)
            if (store_entitled(s, p, g, now))
                n += (size_t)snprintf(persons + n, sizeof persons - n, n ? " %d" : "%d", p + 1);
        struct row *r = row_new(out, 4);
        put_n(out, r, g + 1);
        put(r, s->w->groups[g].dn);
        put(r, purpose_names[s->w->groups[g].purpose]);
        put_copy(out, r, persons);
    }
}

void store_watch_state(struct store *s, int dir, struct rows *out)
{
    struct row *r = row_new(out, 2);
    put_copy(out, r, s->cookie[dir]);
    put_copy(out, r, s->cookie_identity[dir]);
}
