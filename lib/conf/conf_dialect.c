/* What the kind of directory server changes in a [directory] section: its own defaults, what it needs and what would be
 * a mistake there. */
#include "conf_parse.h"

#include <string.h>

/* ---- defaults ---- */

static const struct {
    const char *dialect, *option, *value;
} defaults[] = {
    {"ad", "login_attribute", "sAMAccountName"},
    {"ad", "object_classes", "user"},
    {"ad", "fence_attribute", "adminDescription"},
};

const char *pl_conf_default(const struct pl_conf_option *o, struct pl_str dialect)
{
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        if (strcmp(o->section, "directory") == 0 && strcmp(defaults[i].option, o->name) == 0 &&
            pl_str_eq_c(dialect, defaults[i].dialect))
            return defaults[i].value;
    return o->fallback;
}

/* ---- the check ---- */

static bool ends_with(struct pl_str s, const char *end)
{
    size_t n = strlen(end);

    return s.len >= n && memcmp(s.s + s.len - n, end, n) == 0;
}

/* The ports of the global catalog answer searches of the whole forest and take no writes (MS-ADTS 3.1.1.3.1.10). */
static bool check_ad_uris(const struct check *c)
{
    struct pl_str rest = c->d->uris, u;

    while ((u = pl_conf_next_word(&rest)).len > 0) {
        struct pl_str host = u;

        if (ends_with(host, "/"))
            host.len--;
        if (ends_with(host, ":3268") || ends_with(host, ":3269"))
            return COMPLAIN(
                c, "uris", "Take the port away, or write :389 or :636.",
                "uris: '%.*s' is a global catalog, which takes no writes and shows only a part of each entry",
                (int)u.len, u.s);
        if (u.len >= 5 && memcmp(u.s, "ldapi", 5) == 0)
            return COMPLAIN(c, "uris", "Write ldap:// or ldaps:// and the name of a domain controller.",
                            "uris: '%.*s': Active Directory has no such socket", (int)u.len, u.s);
    }
    if (pl_str_eq_c(c->d->tls, "none") && !pl_str_eq_c(c->d->sasl, "gssapi"))
        return COMPLAIN(c, "tls", "Use tls = starttls or an ldaps:// address, or sasl = gssapi.",
                        "Active Directory takes passwords only encrypted; tls = none does not work with it");
    return true;
}

/* The daemon writes these itself, or the server makes them of the DN. */
static bool check_ad_attributes(const struct check *c)
{
    static const char *const ours[] = {"userAccountControl", "unicodePwd", "pwdLastSet", "altSecurityIdentities",
                                       "accountExpires"};
    static const char *const of_dn[] = {"cn", "name", "distinguishedName"};

    for (size_t i = 0; i < c->d->n_attributes; i++) {
        struct pl_str name = c->d->attributes[i].name;
        int line = c->section->attribute_lines[i];
        bool fence = c->d->fence_attribute.len > 0 && pl_str_ieq(name, c->d->fence_attribute);

        for (size_t k = 0; k < sizeof ours / sizeof ours[0]; k++)
            if (fence || pl_str_ieq_c(name, ours[k]))
                return pl_conf_say(c->err, c->file, line, "Take the line away.",
                                   "%.*s is written by the daemon itself and has no template", (int)name.len, name.s);
        for (size_t k = 0; k < sizeof of_dn / sizeof of_dn[0]; k++)
            if (pl_str_ieq_c(name, of_dn[k]))
                return pl_conf_say(c->err, c->file, line, "Take the line away.",
                                   "%.*s comes from rdn_template in Active Directory", (int)name.len, name.s);
    }
    return true;
}

static bool check_ad_entry(const struct check *c)
{
    struct pl_str rest = c->d->object_classes, w;
    bool user = false;

    while ((w = pl_conf_next_word(&rest)).len > 0)
        user = user || pl_str_ieq_c(w, "user") || pl_str_ieq_c(w, "inetOrgPerson");
    if (!user)
        return COMPLAIN(c, "object_classes", "Leave object_classes away.",
                        "object_classes: a person in Active Directory is a user or an inetOrgPerson");
    if (c->d->rdn_template.len < 3 || !pl_str_ieq_c((struct pl_str){c->d->rdn_template.s, 3}, "CN="))
        return COMPLAIN(c, "rdn_template", "Write for example CN={name} ({login}),OU=Inimesed,DC=linn,DC=test.",
                        "rdn_template: a user in Active Directory is named by CN=");
    if (c->d->placeholder_dn.len > 0)
        return COMPLAIN(c, "placeholder_dn", "Take the line away.",
                        "groups of Active Directory may be empty: no placeholder_dn");
    if (c->d->policy_dn.len > 0)
        return COMPLAIN(c, "policy_dn", "Take the line away.",
                        "a lock of Active Directory needs no policy to be enforced: no policy_dn");
    return true;
}

bool pl_conf_check_dialect(const struct pl_conf_section *s, const char *file, struct pl_err *err)
{
    const struct check here = {s, s->target, file, err}, *c = &here;
    static const char *const only_ad[] = {"fence_attribute", "privileged_groups", "certificates",
                                          "must_change_password", "watch_poll_ms"};

    if (pl_str_eq_c(c->d->dialect, "ad"))
        return check_ad_uris(c) && check_ad_attributes(c) && check_ad_entry(c);
    if (pl_str_eq_c(c->d->dialect, "389ds") && pl_conf_line(s, "end_ahead") != s->line)
        return COMPLAIN(c, "end_ahead", "Take the line away.",
                        "end_ahead: an account of 389 Directory Server has no end that could be written ahead");
    for (size_t i = 0; i < sizeof only_ad / sizeof only_ad[0]; i++)
        if (pl_conf_line(s, only_ad[i]) != s->line)
            return COMPLAIN(c, only_ad[i], "Take the line away.", "%s is an option of dialect ad", only_ad[i]);
    return true;
}
