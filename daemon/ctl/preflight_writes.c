#include "preflight_table.h"

#include <string.h>

#include "lib/conf/conf_parse.h"
#include "lib/directory/filter.h"

static bool always(const struct pl_conf_directory *c)
{
    (void)c;
    return true;
}

static bool ends_ahead(const struct pl_conf_directory *c)
{
    return c->end_ahead;
}

/* Also where no first passwords are given yet: the option says what is wanted of them. */
static bool must_change(const struct pl_conf_directory *c)
{
    return c->must_change_password;
}

static bool clears_certificates(const struct pl_conf_directory *c)
{
    return pl_str_eq_c(c->certificates, "clear");
}

/* What a dialect writes by itself. unicodePwd is none of them: to set it is the right Reset Password, not one to an
 * attribute. The numbers are the schema's (MS-ADA1, MS-ADA3). */
static const struct candidate {
    unsigned dialect;
    const char *name;
    bool (*wanted)(const struct pl_conf_directory *c);
    const char *purpose;
    bool own_check, password;
    const char *id;
} candidates[] = {
    {PF_AD, "userAccountControl", always, "the lock", true, false, "bf967a68-0de6-11d0-a285-00aa003049e2"},
    {PF_AD, "accountExpires", ends_ahead, "an end that is known beforehand", false, false,
     "bf967915-0de6-11d0-a285-00aa003049e2"},
    {PF_AD, "pwdLastSet", must_change, "a first password has to be changed", false, false,
     "bf967a0a-0de6-11d0-a285-00aa003049e2"},
    {PF_AD, "altSecurityIdentities", clears_certificates, "certificates go with a departure", false, false,
     "00fbf30c-91fe-11d1-aebc-0000f80367c1"},
    {PF_389DS, "nsAccountLock", always, "the lock", true, false, NULL},
    {PF_389DS, "userPassword", always, "passwords", true, true, NULL},
    {PF_OPENLDAP, "pwdEndTime", always, "the lock", true, false, NULL},
    {PF_OPENLDAP, "userPassword", always, "passwords", true, true, NULL},
};
enum { CANDIDATES = sizeof candidates / sizeof candidates[0] };

/* Attributes that only the configuration names, of which the schema's number is known here. */
static const char admin_description[] = "adminDescription",
                  admin_description_id[] = "bf967919-0de6-11d0-a285-00aa003049e2";

static void add(struct pf *p, struct pf_write w)
{
    struct pf_writes *all = &p->writes;
    for (size_t i = 0; i < all->n; i++)
        if (pl_str_ieq(all->at[i].name, w.name))
            return;
    if (all->n < PF_WRITES_MAX && w.name.len > 0) {
        w.name = pl_arena_str(p->arena, w.name); /* also with its end, for libldap */
        all->at[all->n++] = w;
    }
}

void pf_writes_list(struct pf *p)
{
    const struct pl_conf_directory *c = p->conf;
    struct pl_str rest = c->keep_attributes, word;
    p->writes.n = 0;
    for (size_t i = 0; i < CANDIDATES; i++)
        if (candidates[i].dialect == p->dialect_bit && candidates[i].wanted(c))
            add(p, (struct pf_write){pl_str_c(candidates[i].name), candidates[i].purpose, candidates[i].own_check,
                                     candidates[i].password, pl_str_c(candidates[i].id ? candidates[i].id : "")});
    if (p->dialect_bit == PF_AD)
        add(p, (struct pf_write){
                   .name = c->fence_attribute,
                   .purpose = "the fence, by which a write that comes late is refused",
                   .id = pl_str_c(pl_str_ieq_c(c->fence_attribute, admin_description) ? admin_description_id : "")});
    while ((word = pl_conf_next_word(&rest)).len > 0)
        add(p, (struct pf_write){.name = word, .purpose = "follows the name"});
    add(p, (struct pf_write){.name = c->mail_alias_attribute, .purpose = "keeps the address that was"});
}

bool pf_writes_knows(const struct pf *p, struct pl_str attribute)
{
    for (size_t i = 0; i < p->writes.n; i++)
        if (pl_str_ieq(attribute, p->writes.at[i].name))
            return true;
    for (size_t i = 0; i < CANDIDATES; i++)
        if (candidates[i].dialect == p->dialect_bit && pl_str_ieq_c(attribute, candidates[i].name))
            return true;
    return p->dialect_bit == PF_AD &&
           (pl_str_ieq_c(attribute, admin_description) || pl_str_ieq_c(attribute, p->dialect->password_attr));
}

/* ---- what the schema calls them ---- */

static void take_id(void *ctx, const struct pl_entry *e)
{
    struct pf *p = ctx;
    char room[PL_NATIVE_ROOM];
    struct pl_str id = pl_guid_text(pl_entry_first(e, "schemaIDGUID"), room);
    for (size_t i = 0; i < p->writes.n; i++)
        if (pl_str_ieq(p->writes.at[i].name, pl_entry_first(e, "lDAPDisplayName")))
            p->writes.at[i].id = pl_arena_str(p->arena, id);
}

void pf_writes_ids(struct pf *p)
{
    static const char *const attrs[] = {"lDAPDisplayName", "schemaIDGUID", NULL};
    struct pl_str schema = pl_entry_first(&p->root, "schemaNamingContext");
    struct pl_buf filter = {0};
    struct pld_once_answer a;
    size_t n = 0;
    pl_buf_add_c(&filter, "(|");
    for (size_t i = 0; i < p->writes.n; i++) {
        if (p->writes.at[i].id.len > 0)
            continue;
        pl_buf_add_c(&filter, "(lDAPDisplayName=");
        pl_filter_escape(&filter, p->writes.at[i].name);
        pl_buf_add_c(&filter, ")");
        n++;
    }
    pl_buf_add_c(&filter, ")");
    if (n > 0 && schema.len > 0)
        pld_once_search(
            p->main->once,
            &(struct pld_once_ask){
                .base = schema, .scope = PL_SCOPE_ONE, .filter = filter.s, .attrs = attrs, .entry = take_id, .ctx = p},
            &a);
    pl_buf_free(&filter);
}

/* ---- words ---- */

struct pl_str pf_writes_words(struct pf *p, bool of_rule)
{
    const char *between = !of_rule ? ", " : p->dialect_bit == PF_389DS ? " || " : ",";
    struct pl_buf b = {0};
    for (size_t i = 0; i < p->writes.n; i++) {
        const struct pf_write *w = &p->writes.at[i];
        if (of_rule && w->password && p->dialect_bit == PF_OPENLDAP)
            continue;
        pl_buf_add_c(&b, b.len ? between : "");
        pl_buf_add(&b, w->name);
    }
    struct pl_str out = pl_arena_str(p->arena, pl_buf_str(&b));
    pl_buf_free(&b);
    return out;
}
