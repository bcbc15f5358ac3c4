/* Checks of accounts: whose they are, and what would not fit. Who belongs to whom is decided as lib/engine/look.c does:
 * by the id that we stored, else by the number. */
#include "preflight_table.h"

#include <string.h>

#include "lib/core/lifecycle.h"
#include "lib/core/login.h"
#include "lib/core/template.h"
#include "lib/directory/dn.h"

static struct pl_str column(const struct pf *p, int row, int col)
{
    return pl_str_c(PQgetvalue(p->people, row, col));
}

static struct pl_str number_of(struct pf *p, int row)
{
    struct pl_words w = {.login = column(p, row, PF_LOGIN),
                         .given = column(p, row, PF_GIVEN),
                         .family = column(p, row, PF_FAMILY),
                         .employee_no = column(p, row, PF_EMPLOYEE_NO),
                         .institution = column(p, row, PF_INSTITUTION)};
    for (size_t i = 0; i < p->conf->n_attributes && w.employee_no.len > 0; i++)
        if (pl_str_ieq(p->conf->attributes[i].name, p->conf->number_attribute))
            return pl_template_number(p->arena, p->conf->attributes[i].text, &w, column(p, row, PF_PURPOSE));
    return (struct pl_str){"", 0};
}

bool pf_is_needed(const struct pf_person *who)
{
    return who->need == PL_NEED_OPEN || who->need == PL_NEED_READY;
}

static struct pf_entry *find_by_number(struct pf *p, const struct pf_person *who)
{
    struct pf_entry *const *at;
    if (pf_lookup(&p->by_number, who->number, &at) != 1)
        return NULL;
    /* A log-in was reserved for this person; an entry with another one is not taken over. */
    return who->login.len == 0 || pl_str_eq(who->login, (*at)->login) ? *at : NULL;
}

void pf_match(struct pf *p)
{
    int n = p->people ? PQntuples(p->people) : 0;
    p->persons = pl_arena_array(p->arena, (size_t)n + 1, sizeof *p->persons);
    for (int i = 0; i < n; i++) {
        struct pf_person *who = &p->persons[p->n_persons++];
        struct pf_entry *const *at;
        *who = (struct pf_person){.row = i,
                                  .number = number_of(p, i),
                                  .login = pf_lower(p, column(p, i, PF_LOGIN)),
                                  .id = pf_lower(p, column(p, i, PF_NATIVE_ID))};
        if (!pl_need_parse(column(p, i, PF_WANT), column(p, i, PF_CAUSE), &who->need))
            who->need = PL_NEED_NONE;
        if (who->id.len > 0)
            who->entry = pf_lookup(&p->by_id, who->id, &at) > 0 ? *at : NULL;
        else
            who->entry = find_by_number(p, who);
        if (who->entry)
            who->entry->belongs = true;
    }
}

/* A person for people to read: names, and the number. */
static struct pl_str person_words(struct pf *p, const struct pf_person *who)
{
    struct pl_str given = column(p, who->row, PF_GIVEN), family = column(p, who->row, PF_FAMILY),
                  no = column(p, who->row, PF_EMPLOYEE_NO);
    return pl_arena_printf(p->arena, "%.*s %.*s (%.*s)", (int)given.len, given.s, (int)family.len, family.s,
                           (int)no.len, no.s);
}

/* ---- numbers and log-ins ---- */

void pf_numbers_twice(struct pf *p, struct pf_result *r)
{
    const struct pf_index *x = &p->by_number;
    for (size_t i = 0, end; i < x->n; i = end) {
        for (end = i + 1; end < x->n && pl_str_eq(x->by[end]->number, x->by[i]->number);)
            end++;
        if (end - i > 1)
            pf_object(p, r, x->by[i]->number, x->by[i]->dn);
    }
    pf_counted(p, r, "%zu numbers", x->n);
}

/* The log-in that would be tried first; false where none can be made. */
static bool first_choice(struct pf *p, const struct pf_person *who, char out[PL_LOGIN_MAX + 1])
{
    char name[PL_LOGIN_MAX + 1];
    struct pl_err err;
    bool personal = pl_str_eq_c(column(p, who->row, PF_PURPOSE), "personal");
    if (!pl_login_base(name, column(p, who->row, PF_GIVEN), column(p, who->row, PF_FAMILY), p->conf->login_style, &err))
        return false;
    pl_login_candidate(out, personal ? (struct pl_str){"", 0} : p->conf->admin_prefix, pl_str_c(name), 1);
    return true;
}

/* Nothing of theirs is in the directory, and no log-in is reserved. */
static bool is_new(struct pf *p, const struct pf_person *who)
{
    struct pf_entry *const *at;
    return pf_is_needed(who) && !who->entry && who->id.len == 0 && who->login.len == 0 &&
           pf_lookup(&p->by_number, who->number, &at) == 0;
}

void pf_number_missing(struct pf *p, struct pf_result *r)
{
    char login[PL_LOGIN_MAX + 1];
    struct pf_entry *const *at;
    size_t tried = 0;
    for (size_t i = 0; i < p->n_persons; i++) {
        const struct pf_person *who = &p->persons[i];
        if (!is_new(p, who) || !first_choice(p, who, login))
            continue;
        tried++;
        if (pf_lookup(&p->by_login, pl_str_c(login), &at) > 0 && !(*at)->belongs && (*at)->number.len == 0)
            pf_object(p, r, (*at)->dn, who->number);
    }
    pf_counted(p, r, "%zu of %zu people without an account", r->n_objects, tried);
}

void pf_log_in_taken(struct pf *p, struct pf_result *r)
{
    struct pf_entry *const *at;
    size_t tried = 0;
    for (size_t i = 0; i < p->n_persons; i++) {
        const struct pf_person *who = &p->persons[i];
        if (who->entry || who->login.len == 0 || who->need == PL_NEED_NONE)
            continue;
        tried++;
        size_t by_login = pf_lookup(&p->by_login, who->login, &at);
        if (by_login == 0 && who->id.len == 0 && pf_lookup(&p->by_number, who->number, &at) == 1)
            by_login = 1; /* the number stands in an entry with another log-in */
        if (by_login > 0)
            pf_object(p, r, who->login, (*at)->dn);
    }
    pf_counted(p, r, "%zu of %zu reserved", r->n_objects, tried);
}

void pf_no_log_in(struct pf *p, struct pf_result *r)
{
    char login[PL_LOGIN_MAX + 1];
    size_t tried = 0;
    for (size_t i = 0; i < p->n_persons; i++)
        if (is_new(p, &p->persons[i])) {
            tried++;
            if (!first_choice(p, &p->persons[i], login))
                pf_object(p, r, person_words(p, &p->persons[i]), (struct pl_str){"", 0});
        }
    pf_counted(p, r, "%zu of %zu people without an account", r->n_objects, tried);
}

/* ---- who is who ---- */

void pf_gone(struct pf *p, struct pf_result *r)
{
    size_t known = 0;
    for (size_t i = 0; i < p->n_persons; i++) {
        const struct pf_person *who = &p->persons[i];
        struct pl_str state = column(p, who->row, PF_ACCOUNT_STATE);
        if (who->id.len == 0 || pl_str_eq_c(state, "none") || pl_str_eq_c(state, "lost"))
            continue;
        known++;
        if (!who->entry)
            pf_object(p, r, column(p, who->row, PF_DN), (struct pl_str){"", 0});
    }
    pf_counted(p, r, "%zu of %zu are there", known - r->n_objects, known);
}

void pf_nobodys(struct pf *p, struct pf_result *r)
{
    size_t accounts = 0;
    for (size_t i = 0; i < p->n_entries; i++) {
        const struct pf_entry *e = &p->entries[i];
        if (!e->account || pl_dn_equal(e->dn, p->conf->canary_dn) || pl_dn_equal(e->dn, p->conf->placeholder_dn))
            continue;
        accounts++;
        if (!e->belongs)
            pf_object(p, r, e->dn, (struct pl_str){"", 0});
    }
    pf_counted(p, r, "%zu of %zu accounts", r->n_objects, accounts);
}
