/* Checks of groups: one member more or less, alone and among others. */
#include "selftest.h"

#include <string.h>

#include "lib/directory/dn.h"

enum { LDAP_OK = 0 };

static struct pl_str value_of(struct st *s, const struct st_account *a)
{
    return s->shape == PL_GROUP_POSIX ? a->login : a->dn;
}

static bool is_member(struct st *s, const struct pl_entry *group, struct pl_str dn)
{
    const char *attr = pl_group_attr(s->shape);
    const struct pl_attr *a = attr ? pl_entry_attr(group, attr) : NULL;
    for (size_t i = 0; a && i < a->n; i++)
        if (pl_dn_equal(a->values[i], dn))
            return true;
    return false;
}

/* Whether the group has the two as it should. */
static bool holds(struct st *s, struct st_result *r, bool one, bool two)
{
    struct pl_entry e;
    if (st_read(s, s->group, &e) != LDAP_OK) {
        st_saw(s, r, "and the group cannot be read");
        return false;
    }
    bool has_one = is_member(s, &e, s->one.dn), has_two = is_member(s, &e, s->two.dn);
    bool same = has_one == one && has_two == two;
    if (!same)
        st_saw(s, r, "and the group has %s", has_one && has_two ? "both" : has_one || has_two ? "one" : "neither");
    return same;
}

/* The two values in one Modify, as the daemon gathers those that wait for one group. */
static int both(struct st *s, enum pl_mod_kind kind, const struct st_account *first, const struct st_account *second)
{
    struct pl_str values[] = {value_of(s, first), value_of(s, second)};
    struct pl_mod m = {kind, pl_str_c(pl_group_attr(s->shape)), values, 2};
    return st_mods(s, ST_OURS, s->group, &m, 1);
}

static int add(struct st *s, const struct st_account *a, struct pl_str placeholder)
{
    struct pl_step step;
    pl_group_add(s->arena, s->shape, value_of(s, a), placeholder, &step);
    return st_mods(s, ST_OURS, s->group, step.mods, step.n_mods);
}

static int take_out(struct st *s, const struct st_account *a, struct pl_str placeholder)
{
    struct pl_step step;
    pl_group_remove(s->arena, s->shape, value_of(s, a), placeholder, &step);
    return st_mods(s, ST_OURS, s->group, step.mods, step.n_mods);
}

/* ---- the checks ---- */

int st_group_create(struct st *s, struct st_result *r)
{
    struct pl_entry e;
    int code = s->pf.dialect_bit == PF_OPENLDAP ? st_make_placeholder(s) : LDAP_OK;
    if (code == LDAP_OK)
        code = st_make_group(s);
    if (code != LDAP_OK)
        return code;
    if ((code = st_read(s, s->group, &e)) == LDAP_OK)
        s->shape = s->dialect->group_shape(&e);
    if (!pl_group_attr(s->shape)) {
        r->wrong = true;
        st_saw(s, r, "%s",
               s->shape == PL_GROUP_PRIVILEGED ? "the daemon takes it for one of the server's own"
                                               : "the daemon does not see what kind of group it is");
    }
    return code;
}

int st_group_add(struct st *s, struct st_result *r)
{
    int code = add(s, &s->one, s->placeholder);
    if (code == LDAP_OK)
        r->wrong = !holds(s, r, true, false);
    return code;
}

int st_second(struct st *s, struct st_result *r)
{
    (void)r;
    return st_make_account(s, &s->two, st_token(s), PL_STR("Teine"));
}

int st_group_twice(struct st *s, struct st_result *r)
{
    int code = add(s, &s->one, (struct pl_str){"", 0});
    r->wrong = !holds(s, r, true, false);
    return code;
}

int st_group_twice_among(struct st *s, struct st_result *r)
{
    int code = both(s, PL_MOD_ADD, &s->two, &s->one);
    r->wrong = !holds(s, r, true, false);
    return code;
}

int st_group_absent(struct st *s, struct st_result *r)
{
    int code = take_out(s, &s->two, (struct pl_str){"", 0});
    r->wrong = !holds(s, r, true, false);
    return code;
}

int st_group_absent_among(struct st *s, struct st_result *r)
{
    int code = both(s, PL_MOD_DELETE, &s->one, &s->two);
    r->wrong = !holds(s, r, true, false);
    return code;
}

int st_group_last(struct st *s, struct st_result *r)
{
    int code = take_out(s, &s->one, (struct pl_str){"", 0});
    r->wrong = !holds(s, r, code != LDAP_OK, false);
    return code;
}

int st_group_placeholder(struct st *s, struct st_result *r)
{
    struct pl_entry e;
    int code = st_read(s, s->group, &e);
    if (code == LDAP_OK && !is_member(s, &e, s->one.dn)) /* a server that lets it be empty */
        code = add(s, &s->one, (struct pl_str){"", 0});
    if (code == LDAP_OK)
        code = take_out(s, &s->one, s->placeholder);
    if (code == LDAP_OK && (st_read(s, s->group, &e) != LDAP_OK || !is_member(s, &e, s->placeholder))) {
        r->wrong = true;
        st_saw(s, r, "and the placeholder is not there");
    }
    return code;
}

/* ---- members in parts ---- */

static void take_range(void *ctx, const struct pl_entry *e)
{
    const struct pl_attr *a = pl_entry_attr(e, "member");
    struct st_result *r = ctx;
    r->wrong = !a || !memchr(a->name.s, ';', a->name.len) || a->n != 1;
}

/* What a group of more than 1,500 members makes the server do by itself, asked for: two members in two parts. */
int st_ranged(struct st *s, struct st_result *r)
{
    static const char *const parts[][2] = {{"member;range=0-0", NULL}, {"member;range=1-*", NULL}};
    struct pld_once_answer a = {0};
    int code = add(s, &s->two, (struct pl_str){"", 0});
    bool wrong = false;
    for (size_t i = 0; code == LDAP_OK && i < 2; i++) {
        struct pld_once_ask ask = {
            .base = s->group, .scope = PL_SCOPE_BASE, .attrs = parts[i], .entry = take_range, .ctx = r};
        r->wrong = true;
        pld_once_search(s->hands[ST_OURS], &ask, &a);
        code = a.code;
        wrong = wrong || r->wrong;
    }
    r->wrong = wrong;
    if (wrong && code == LDAP_OK)
        st_saw(s, r, "the server does not give them in the parts that were asked for");
    return code == LDAP_OK ? take_out(s, &s->two, (struct pl_str){"", 0}) : code;
}
