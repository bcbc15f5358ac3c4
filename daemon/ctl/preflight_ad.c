/* Active Directory tells what we may do with an entry in attributes that it computes for whoever asks (MS-ADTS 3.1.1.4.5):
 * allowedAttributesEffective, allowedChildClassesEffective, sDRightsEffective. To set a password is a right of another kind,
 * see preflight_acl.c. */
#include "preflight_table.h"

#include <string.h>

#include "lib/directory/dn.h"

enum { RULES = 7 }; /* owner, group and rules of the security descriptor (MS-ADTS 3.1.1.4.5.4) */

static bool has(const struct pl_entry *e, const char *attr, const char *value)
{
    const struct pl_attr *a = pl_entry_attr(e, attr);
    for (size_t i = 0; a && i < a->n; i++)
        if (pl_str_ieq_c(a->values[i], value))
            return true;
    return false;
}

static int64_t number(const struct pl_entry *e, const char *attr)
{
    int64_t n = 0;
    return pl_str_to_i64(pl_entry_first(e, attr), &n) ? n : 0;
}

/* The domain's own, and what AdminSDHolder watches over. */
static bool is_guarded(const struct pl_entry *e)
{
    return number(e, "adminCount") > 0 || has(e, "isCriticalSystemObject", "TRUE");
}

/* More than the daemon ever writes of an account. */
static bool writes_more(const struct pf *p, const struct pl_entry *e)
{
    const struct pl_attr *a = pl_entry_attr(e, "allowedAttributesEffective");
    for (size_t i = 0; a && i < a->n; i++)
        if (!pf_writes_knows(p, a->values[i]))
            return true;
    return false;
}

static uint32_t lacks(const struct pf *p, const struct pl_entry *e)
{
    const struct pl_attr *a = pl_entry_attr(e, "allowedAttributesEffective");
    uint32_t out = 0;
    for (size_t w = 0; w < p->writes.n; w++) {
        bool may = false;
        for (size_t i = 0; a && i < a->n && !may; i++)
            may = pl_str_ieq(a->values[i], p->writes.at[w].name);
        out |= may ? 0 : UINT32_C(1) << w;
    }
    return out;
}

static void take_rights(void *ctx, const struct pl_entry *e)
{
    struct pf *p = ctx;
    char room[PL_NATIVE_ROOM];
    struct pf_entry *const *at;
    if (pf_lookup(&p->by_id, pf_lower(p, pl_dialect_native_id(p->dialect, e, room)), &at) == 0)
        return;
    struct pf_entry *of = *at;
    bool rules = (number(e, "sDRightsEffective") & RULES) != 0;
    of->asked = true;
    of->guarded = is_guarded(e);
    of->primary = number(e, "primaryGroupID");
    of->lacks = lacks(p, e);
    of->may = (has(e, "allowedAttributesEffective", "userAccountControl") ? PF_MAY_LOCK : 0u) |
              (rules || writes_more(p, e) ? PF_MAY_TOO_MUCH : 0u);
}

void pf_ad_rights(struct pf *p)
{
    const char *attrs[] = {p->dialect->native_id_attr,
                           "adminCount",
                           "isCriticalSystemObject",
                           "primaryGroupID",
                           "allowedAttributesEffective",
                           "sDRightsEffective",
                           NULL};
    struct pld_once_ask ask = {.base = p->conf->people_base,
                               .scope = PL_SCOPE_SUB,
                               .attrs = attrs,
                               .paged = true,
                               .control = PF_OID_DOMAIN_SCOPE,
                               .entry = take_rights,
                               .ctx = p};
    pld_once_search(p->main->once, &ask, &p->rights_answer);
    pf_ad_passwords(p);
}

/* A group with a role, as it was read with pf_ad_group_attrs. */
const char *const pf_ad_group_attrs[] = {
    "objectClass", "adminCount", "isCriticalSystemObject", "primaryGroupToken", "allowedAttributesEffective", NULL};

void pf_ad_group(struct pf_group *g, const struct pl_entry *e)
{
    g->shape = pl_entry_has_class(e, "group") ? PL_GROUP_NAMES : PL_GROUP_UNKNOWN;
    g->guarded = is_guarded(e);
    g->primary = number(e, "primaryGroupToken");
    g->may_write = has(e, "allowedAttributesEffective", "member");
}

/* ---- the checks ---- */

void pf_ad_create(struct pf *p, struct pf_result *r)
{
    static const char *const attrs[] = {"allowedChildClassesEffective", NULL};
    struct pl_str where = pf_newcomers(p);
    struct pl_entry e;
    struct pl_err err;
    int code = pf_read_entry(p, where, attrs, &e, &err);
    if (code != 0)
        pf_unknown(p, r, "%.*s cannot be read (result %d)", (int)where.len, where.s, code);
    else if (has(&e, "allowedChildClassesEffective", "user"))
        pf_fine(p, r, "in %.*s", (int)where.len, where.s);
    else
        pf_found(p, r, "not in %.*s", (int)where.len, where.s);
}

/* An ordinary delegation reaches none of these: their rules are AdminSDHolder's, and nothing is inherited. */
void pf_ad_lock_protected(struct pf *p, struct pf_result *r)
{
    size_t tried = 0;
    for (size_t i = 0; i < p->n_entries; i++) {
        const struct pf_entry *e = &p->entries[i];
        if (!e->account || !e->belongs || !e->asked || !e->guarded)
            continue;
        tried++;
        if (!(e->may & PF_MAY_LOCK))
            pf_object(p, r, e->dn, (struct pl_str){"", 0});
    }
    pf_counted(p, r, "%zu of %zu protected account%s", tried - r->n_objects, tried, tried == 1 ? "" : "s");
}

void pf_ad_guarded(struct pf *p, struct pf_result *r)
{
    size_t tried = 0;
    for (size_t i = 0; i < p->n_entries; i++) {
        const struct pf_entry *e = &p->entries[i];
        if (!e->account || !e->belongs)
            continue;
        tried++;
        if (e->guarded)
            pf_object(p, r, e->dn, (struct pl_str){"", 0});
    }
    pf_counted(p, r, "%zu of %zu accounts of the table's people", r->n_objects, tried);
}

/* One of the DNs of privileged_groups, which are divided by |. */
static bool is_named(struct pl_str list, struct pl_str dn)
{
    while (list.len > 0) {
        const char *end = memchr(list.s, '|', list.len);
        struct pl_str one = {list.s, end ? (size_t)(end - list.s) : list.len};
        if (pl_dn_equal(one, dn))
            return true;
        list.s += one.len + (end != NULL);
        list.len -= one.len + (end != NULL);
    }
    return false;
}

void pf_ad_groups_guarded(struct pf *p, struct pf_result *r)
{
    struct pl_str named = pf_option(p, "privileged_groups");
    for (size_t i = 0; i < p->n_role_groups; i++)
        if (p->role_groups[i].guarded && !is_named(named, p->role_groups[i].dn))
            pf_object(p, r, p->role_groups[i].dn, (struct pl_str){"", 0});
    pf_counted(p, r, "%zu of %zu", r->n_objects, p->n_role_groups);
}

/* Of a primary group nobody is a member, and who belongs to it so cannot be taken out. */
void pf_ad_groups_primary(struct pf *p, struct pf_result *r)
{
    for (size_t i = 0; i < p->n_role_groups; i++) {
        const struct pf_group *g = &p->role_groups[i];
        bool used = false;
        for (size_t k = 0; g->primary != 0 && k < p->n_entries && !used; k++)
            used = p->entries[k].primary == g->primary;
        if (used)
            pf_object(p, r, g->dn, (struct pl_str){"", 0});
    }
    pf_counted(p, r, "%zu of %zu", r->n_objects, p->n_role_groups);
}
