/* Is a lock enforced? slapd enforces one only where a password policy applies to the entry, and says nowhere which one does:
 * the default stands in its configuration. But to whoever may compare userPassword it answers the account usability
 * control for an entry that has a password if, and only if, a policy applies (slapd 2.5: no answer without the overlay on
 * this database, without a default policy, and with one that does not exist). Our own account has a password: we have just
 * logged on with it. */
#include "preflight_table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/directory/dn.h"

enum { COMPARE_FALSE = 5, COMPARE_TRUE = 6 };

#define OID_USABILITY "1.3.6.1.4.1.42.2.27.9.5.8"

static bool is_policy(struct pf *p, struct pl_str dn)
{
    static const char *const attrs[] = {"objectClass", NULL};
    struct pl_entry e;
    struct pl_err err;
    return pf_read_entry(p, dn, attrs, &e, &err) == 0 && pl_entry_has_class(&e, "pwdPolicy");
}

/* ---- the default policy ---- */

struct own {
    bool seen, told, policy;
};

static void take_own(void *ctx, const struct pl_entry *e)
{
    struct own *o = ctx;
    o->seen = true;
    o->told = pl_entry_attr(e, "paaslaUsable") != NULL;
    o->policy = pl_entry_attr(e, "pwdPolicySubentry") != NULL;
}

/* True or false is an answer, whatever the value; not a log-on, so nobody counts it as a failed one. */
static bool may_compare(struct pf *p)
{
    struct pl_err err;
    int code = pld_once_compare(p->main->once, p->service, p->dialect->password_attr, PL_STR("x"), &err);
    return code == COMPARE_FALSE || code == COMPARE_TRUE;
}

/* What our own entry shows; nothing when it lies in another database, has a policy of its own or logs on without a
 * password. */
static enum pf_effect own_effect(struct pf *p)
{
    static const char *const attrs[] = {"pwdPolicySubentry", NULL};
    struct own own = {0};
    struct pld_once_answer a;
    struct pld_once_ask ask = {
        .base = p->service, .scope = PL_SCOPE_BASE, .attrs = attrs, .usability = true, .entry = take_own, .ctx = &own};
    if (p->conf->bind_dn.len == 0 || !pl_dn_under(p->service, p->suffix))
        return PF_EFFECT_UNKNOWN;
    if (!pld_once_search(p->main->once, &ask, &a) || !own.seen || own.policy)
        return PF_EFFECT_UNKNOWN;
    return own.told ? PF_EFFECT_PROVEN : may_compare(p) ? PF_EFFECT_NONE : PF_EFFECT_UNKNOWN;
}

void pf_policy_overlay(struct pf *p)
{
    p->ppolicy =
        p->main->facts.ppolicy && p->dialect->usability && pf_takes_control(p, OID_USABILITY, (struct pl_str){"", 0});
}

void pf_policy_look(struct pf *p)
{
    if (!p->dialect->usability)
        return;
    p->policy_stands = p->conf->policy_dn.len > 0 && is_policy(p, p->conf->policy_dn);
    for (size_t i = 0; i < p->n_entries && p->effect != PF_EFFECT_PROVEN; i++)
        if (p->entries[i].told && p->entries[i].policy.len == 0)
            p->effect = PF_EFFECT_PROVEN;
    if (p->effect != PF_EFFECT_PROVEN)
        p->effect = own_effect(p);
}

void pf_ppolicy(struct pf *p, struct pf_result *r)
{
    if (!p->ppolicy) {
        pf_found(p, r, "no overlay");
        r->why = pl_arena_str(p->arena, PL_STR("slapd has no overlay ppolicy on the database of the people."));
    } else if (p->effect == PF_EFFECT_NONE) {
        pf_found(p, r, "no default policy is in force");
        r->why =
            pl_arena_str(p->arena, PL_STR("slapd has the overlay ppolicy loaded, but not for this database, or with no "
                                          "default policy that exists (olcPPolicyDefault)."));
    } else if (p->effect == PF_EFFECT_PROVEN) {
        pf_fine(p, r, "a default policy is in force");
    } else {
        pf_unknown(p, r,
                   "the overlay is there; whether a default policy is in force shows only to who may compare "
                   "userPassword: let our "
                   "account compare its own, or no lock counts as proven");
    }
}

void pf_policy(struct pf *p, struct pf_result *r)
{
    struct pl_str dn = p->conf->policy_dn;
    struct pl_entry e;
    if (dn.len == 0) {
        pf_found(p, r, "policy_dn is not set");
        r->why = pl_arena_str(p->arena, PL_STR("policy_dn is not set, so the daemon does not look at it."));
    } else if (!pf_there(p, r, dn, &e)) {
        r->why = pl_arena_printf(p->arena, "%.*s: %.*s", (int)dn.len, dn.s, (int)r->why.len, r->why.s);
    } else if (!p->policy_stands) {
        pf_found(p, r, "no policy");
        r->why = pl_arena_printf(p->arena, "%.*s is no pwdPolicy entry.", (int)dn.len, dn.s);
    } else {
        pf_fine(p, r, "%.*s", (int)dn.len, dn.s);
    }
}

/* ---- each account ---- */

/* Many entries share few policies: each is asked for once. */
static bool own_policy_stands(struct pf *p, struct pl_str dn)
{
    for (size_t i = 0; i < p->n_policies; i++)
        if (pl_dn_equal(p->policies[i].dn, dn))
            return p->policies[i].stands;
    if ((p->n_policies & (p->n_policies + 1)) == 0) /* room for 1, 3, 7, ... */
        p->policies = pl_xrealloc_array(p->policies, p->n_policies * 2 + 1, sizeof *p->policies);
    p->policies[p->n_policies] = (struct pf_policy_entry){dn, is_policy(p, dn)};
    return p->policies[p->n_policies++].stands;
}

bool pf_policy_applies(struct pf *p, const struct pf_entry *e)
{
    if (e->told)
        return true;
    if (!p->ppolicy)
        return false;
    if (e->policy.len > 0)
        return own_policy_stands(p, e->policy);
    return p->effect == PF_EFFECT_PROVEN || (p->effect == PF_EFFECT_UNKNOWN && p->policy_stands);
}

void pf_lock_today(struct pf *p, struct pf_result *r)
{
    size_t tried = 0;
    for (size_t i = 0; i < p->n_persons; i++) {
        const struct pf_entry *e = p->persons[i].entry;
        if (!e || !pf_is_needed(&p->persons[i]))
            continue;
        tried++;
        if (!pf_policy_applies(p, e))
            pf_object(p, r, e->dn, (struct pl_str){"", 0});
    }
    pf_counted(p, r, "%zu of %zu accounts of the table's people could be", tried - r->n_objects, tried);
}

void pf_locks_hold(struct pf *p, struct pf_result *r)
{
    size_t locked = 0;
    for (size_t i = 0; i < p->n_entries; i++) {
        const struct pf_entry *e = &p->entries[i];
        if (e->lock[0] == PL_LOCK_OPEN && e->lock[1] == PL_LOCK_OPEN)
            continue;
        locked++;
        bool applies = !p->dialect->usability || pf_policy_applies(p, e); /* only slapd's needs one */
        if (e->lock[applies] == PL_LOCK_DOUBTFUL || (e->told && e->usable))
            pf_object(p, r, e->dn, (struct pl_str){"", 0});
    }
    pf_counted(p, r, "%zu of %zu locks are enforced", locked - r->n_objects, locked);
}
