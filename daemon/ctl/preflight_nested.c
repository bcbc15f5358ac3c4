/* Groups that stand in the groups of roles, on Active Directory: whoever is in them has what the role gives, though no grant
 * says so. They are told of and never managed. The server finds them by itself (MS-ADTS 3.1.1.3.4.4.3). */
#include "preflight_table.h"

#include "lib/directory/dn.h"
#include "lib/directory/filter.h"

#define IN_CHAIN     "memberOf:1.2.840.113556.1.4.1941:"
#define DOMAIN_SCOPE "1.2.840.113556.1.4.1339" /* no word of other naming contexts (MS-ADTS 3.1.1.3.4.1.4) */

enum { GROUPS_MAX = 1000, NAMES_MAX = 5 };

struct found {
    struct pf *p;
    struct pl_str role;
    struct pl_str dn[GROUPS_MAX];
    int64_t primary[GROUPS_MAX]; /* its number as somebody's primary group */
    size_t n;
    bool more;
};

struct people {
    size_t n;
    struct pl_buf names; /* of the first */
};

/* class: a part of a filter. */
static bool search(struct pf *p, const char *class, const char *rule, struct pl_str group, const char *const *attrs,
                   void (*entry)(void *ctx, const struct pl_entry *e), void *ctx)
{
    struct pl_buf f = {0};
    struct pld_once_answer a;
    pl_buf_add_c(&f, "(&(objectClass=");
    pl_buf_add_c(&f, class);
    pl_buf_add_c(&f, ")(");
    pl_buf_add_c(&f, rule);
    pl_buf_add_c(&f, "=");
    pl_filter_escape(&f, group);
    pl_buf_add_c(&f, "))");
    struct pld_once_ask ask = {.base = p->suffix,
                               .scope = PL_SCOPE_SUB,
                               .filter = f.s,
                               .attrs = attrs,
                               .paged = true,
                               .control = DOMAIN_SCOPE,
                               .entry = entry,
                               .ctx = ctx};
    bool ok = pld_once_search(p->main->once, &ask, &a);
    pl_buf_free(&f);
    return ok;
}

static void take_group(void *ctx, const struct pl_entry *e)
{
    struct found *f = ctx;
    if (f->n == GROUPS_MAX) {
        f->more = true;
        return;
    }
    if (pl_dn_equal(e->dn, f->role)) /* it stands in one that stands in it */
        return;
    f->primary[f->n] = 0;
    (void)pl_str_to_i64(pl_entry_first(e, "primaryGroupToken"), &f->primary[f->n]);
    f->dn[f->n++] = pl_arena_str(f->p->arena, e->dn);
}

static void add_name(struct people *x, struct pl_str name)
{
    if (x->n < NAMES_MAX) {
        pl_buf_add_c(&x->names, x->n ? ", " : "");
        pl_buf_add(&x->names, name);
    }
    x->n++;
}

static void take_person(void *ctx, const struct pl_entry *e)
{
    add_name(ctx, pl_entry_first(e, "sAMAccountName"));
}

/* Who stands in a group in a group by itself. Of those who have it as their primary group it says nothing. */
static bool who_is_in(const struct found *f, size_t i, struct people *x)
{
    static const char *const attrs[] = {"sAMAccountName", NULL};
    bool ok = search(f->p, "user)(!(objectClass=computer)", "memberOf", f->dn[i], attrs, take_person, x);
    for (size_t k = 0; f->primary[i] != 0 && k < f->p->n_entries; k++)
        if (f->p->entries[k].primary == f->primary[i])
            add_name(x, f->p->entries[k].login);
    return ok;
}

static bool look_into(struct pf *p, struct pf_result *r, const struct pf_group *g, struct found *f)
{
    static const char *const attrs[] = {"primaryGroupToken", NULL};
    f->p = p;
    f->role = g->dn;
    f->n = 0;
    bool ok = search(p, "group", IN_CHAIN, g->dn, attrs, take_group, f);
    for (size_t i = 0; ok && i < f->n; i++) {
        struct people x = {0};
        ok = who_is_in(f, i, &x);
        pl_buf_add_c(&x.names, "");
        pf_object(p, r,
                  pl_arena_printf(p->arena, "%.*s in %.*s (%zu account%s%s%s%s)", (int)f->dn[i].len, f->dn[i].s,
                                  (int)g->dn.len, g->dn.s, x.n, x.n == 1 ? "" : "s", x.n ? ": " : "", x.names.s,
                                  x.n > NAMES_MAX ? ", ..." : ""),
                  (struct pl_str){"", 0});
        pl_buf_free(&x.names);
    }
    return ok && !f->more;
}

void pf_ad_groups_nested(struct pf *p, struct pf_result *r)
{
    struct found *f = pl_arena_array(p->arena, 1, sizeof *f);
    bool all = true;
    f->more = false;
    for (size_t i = 0; i < p->n_role_groups; i++)
        if (p->role_groups[i].code == 0)
            all = look_into(p, r, &p->role_groups[i], f) && all;
    if (all || r->n_objects > 0)
        pf_counted(p, r, "%zu group%s in them%s", r->n_objects, r->n_objects == 1 ? "" : "s",
                   all ? "" : ", and not all could be read");
    else
        pf_unknown(p, r, "the groups in them could not be read");
}
