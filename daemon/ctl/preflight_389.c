/* 389 Directory Server tells what an account may do: the control Get Effective Rights (draft-ietf-ldapext-acl-model). Of
 * oneself one may ask without a right of one's own. */
#include "preflight_table.h"

#include <string.h>

#define OID_EFFECTIVE_RIGHTS  "1.3.6.1.4.1.42.2.27.9.5.2"
#define OID_PERSISTENT_SEARCH "2.16.840.1.113730.3.4.3"

/* "cn:rsc, nsAccountLock:rscwo, sn:none": read, search, compare, write, obliterate (delete values). */
static bool may(struct pl_str rights, const char *attr, char right)
{
    size_t len = strlen(attr);
    for (size_t i = 0; i < rights.len;) {
        const char *at = rights.s + i, *end = memchr(at, ',', rights.len - i);
        size_t n = end ? (size_t)(end - at) : rights.len - i;
        if (n > len && at[len] == ':' && pl_str_ieq_c((struct pl_str){at, len}, attr)) {
            struct pl_str letters = {at + len + 1, n - len - 1};
            return !pl_str_eq_c(letters, "none") && memchr(letters.s, right, letters.len) != NULL;
        }
        i += n + (end != NULL);
        while (i < rights.len && rights.s[i] == ' ')
            i++;
    }
    return false;
}

static bool entry_may(const struct pl_entry *e, char right)
{
    struct pl_str letters = pl_entry_first(e, "entryLevelRights");
    return letters.len > 0 && !pl_str_eq_c(letters, "none") && memchr(letters.s, right, letters.len) != NULL;
}

static void take_rights(void *ctx, const struct pl_entry *e)
{
    struct pf *p = ctx;
    char room[PL_NATIVE_ROOM];
    struct pl_str rights = pl_entry_first(e, "attributeLevelRights");
    struct pf_entry *const *at;
    if (rights.len == 0 || pf_lookup(&p->by_id, pf_lower(p, pl_dialect_native_id(p->dialect, e, room)), &at) == 0)
        return;
    struct pf_entry *of = *at;
    of->asked = true;
    for (size_t i = 0; p->dialect->person_attrs[i]; i++)
        if (may(rights, p->dialect->person_attrs[i], 'r'))
            of->may_read |= UINT32_C(1) << i;
    of->lacks = 0;
    for (size_t i = 0; i < p->writes.n; i++)
        if (!may(rights, p->writes.at[i].name.s, 'w'))
            of->lacks |= UINT32_C(1) << i;
    of->may = (may(rights, "nsAccountLock", 'w') ? PF_MAY_LOCK : 0u) |
              (may(rights, p->dialect->password_attr, 'w') ? PF_MAY_PASSWORD : 0u) |
              (entry_may(e, 'a') ? PF_MAY_ADD : 0u) |
              (entry_may(e, 'd') || may(rights, "aci", 'w') ? PF_MAY_TOO_MUCH : 0u);
}

static void take_group_rights(void *ctx, const struct pl_entry *e)
{
    struct pf_group *g = ctx;
    struct pl_str rights = pl_entry_first(e, "attributeLevelRights");
    const char *attr = pl_group_attr(g->shape);
    g->may_write = attr && may(rights, attr, 'w');
}

static struct pld_once_ask ask_rights(struct pf *p, const char *const *attrs)
{
    return (struct pld_once_ask){
        .attrs = attrs,
        .control = OID_EFFECTIVE_RIGHTS,
        .control_value = pl_arena_printf(p->arena, "dn: %.*s", (int)p->service.len, p->service.s),
        .control_critical = true,
    };
}

static void ask_groups(struct pf *p)
{
    static const char *const attrs[] = {"member", "uniqueMember", "memberUid", NULL};
    struct pld_once_ask ask = ask_rights(p, attrs);
    struct pld_once_answer a;
    ask.scope = PL_SCOPE_BASE;
    ask.entry = take_group_rights;
    for (size_t i = 0; i < p->n_role_groups; i++) {
        ask.base = p->role_groups[i].dn;
        ask.ctx = &p->role_groups[i];
        if (p->role_groups[i].code == 0)
            pld_once_search(p->main->once, &ask, &a);
    }
}

void pf_389_rights(struct pf *p)
{
    const char *attrs[36 + PF_WRITES_MAX] = {p->dialect->password_attr, "aci"};
    size_t n = 2;
    for (size_t i = 0; i < p->writes.n; i++)
        attrs[n++] = p->writes.at[i].name.s;
    for (size_t i = 0; p->dialect->person_attrs[i] && i < 32; i++)
        attrs[n++] = p->dialect->person_attrs[i];
    struct pld_once_ask ask = ask_rights(p, attrs);
    ask.base = p->conf->people_base;
    ask.scope = PL_SCOPE_SUB;
    ask.paged = true;
    ask.entry = take_rights;
    ask.ctx = p;
    pld_once_search(p->main->once, &ask, &p->rights_answer);
    ask_groups(p);
}

/* ---- watching ---- */

void pf_persistent(struct pf *p, struct pf_result *r)
{
    if (pf_root_has(p, "supportedControl", OID_PERSISTENT_SEARCH))
        pf_fine(p, r, "told as it happens");
    else
        pf_found(p, r, "no persistent search");
}

void pf_usn(struct pf *p, struct pf_result *r)
{
    if (pf_root_has(p, "lastusn", NULL))
        pf_fine(p, r, "on");
    else
        pf_found(p, r, "off");
}
