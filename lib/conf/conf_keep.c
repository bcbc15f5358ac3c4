/* Which attributes may follow HR's name. */
#include "conf_parse.h"

#include <string.h>

enum { KEPT_MAX = 8 };

/* The words of the name are there, and no word that changes for another reason than the name. */
static bool of_names_alone(struct pl_str text, bool *any)
{
    static const char *const names[] = {"{given}", "{family}", "{name}", "{given_ascii}", "{family_ascii}", "{login}"};
    enum { N_NAMES = 6, LOGIN = 5 };

    *any = false;
    for (size_t i = 0; i < text.len; i++) {
        size_t k = 0;

        if (text.s[i] != '{')
            continue;
        while (k < N_NAMES && (text.len - i < strlen(names[k]) || memcmp(text.s + i, names[k], strlen(names[k])) != 0))
            k++;
        if (k == N_NAMES)
            return false;
        *any = *any || k < LOGIN;
    }
    return true;
}

static bool template_of(const struct pl_conf_directory *d, struct pl_str name, struct pl_str *text)
{
    for (size_t i = 0; i < d->n_attributes; i++)
        if (pl_str_ieq(d->attributes[i].name, name)) {
            *text = d->attributes[i].text;
            return true;
        }
    return false;
}

static bool names_the_entry(struct pl_str rdn, struct pl_str attr)
{
    return rdn.len > attr.len && pl_str_ieq((struct pl_str){rdn.s, attr.len}, attr) &&
           (rdn.s[attr.len] == '=' || rdn.s[attr.len] == ' ');
}

static bool one(const struct check *c, struct pl_str w)
{
    struct pl_str text = {"", 0};
    bool any;

    if (!template_of(c->d, w, &text))
        return COMPLAIN(c, "keep_attributes", "Write one line attribute.NAME that says what it is made of.",
                        "keep_attributes: there is no template for '%.*s'", (int)w.len, w.s);
    if (names_the_entry(c->d->rdn_template, w))
        return COMPLAIN(c, "keep_attributes", "Take it away; entries keep their names.",
                        "keep_attributes: '%.*s' is the entry's own name", (int)w.len, w.s);
    if (pl_str_ieq(w, c->d->login_attribute) || pl_str_ieq(w, c->d->number_attribute))
        return COMPLAIN(c, "keep_attributes", "Take it away.", "keep_attributes: '%.*s' never changes", (int)w.len,
                        w.s);
    if (!of_names_alone(text, &any) || !any)
        return COMPLAIN(
            c, "keep_attributes",
            "Only {given}, {family}, {name}, {given_ascii}, {family_ascii} and {login} may be in its template.",
            "keep_attributes: '%.*s' is not made of the name alone", (int)w.len, w.s);
    return true;
}

bool pl_conf_check_keep(const struct pl_conf_section *s, const char *file, struct pl_err *err)
{
    const struct check here = {s, s->target, file, err}, *c = &here;
    struct pl_str rest = c->d->keep_attributes, w, seen[KEPT_MAX], alias = c->d->mail_alias_attribute, last;
    size_t n = 0;
    bool mail = false;

    while ((w = pl_conf_next_word(&rest)).len > 0) {
        for (size_t i = 0; i < n; i++)
            if (pl_str_ieq(seen[i], w))
                return COMPLAIN(c, "keep_attributes", "", "keep_attributes: '%.*s' twice", (int)w.len, w.s);
        if (n == KEPT_MAX)
            return COMPLAIN(c, "keep_attributes", "", "keep_attributes: more than %d attributes", KEPT_MAX);
        if (!one(c, w))
            return false;
        mail = mail || pl_str_ieq_c(w, "mail");
        seen[n++] = w;
    }
    if (alias.len == 0 && mail) /* a name that was entered wrong would make a town's mail bounce */
        return COMPLAIN(c, "keep_attributes",
                        "Say with mail_alias_attribute where the old address stays, or leave mail out.",
                        "keep_attributes: mail would follow the name and the old address would be gone");
    if (alias.len == 0)
        return true;
    rest = alias;
    last = pl_conf_next_word(&rest);
    if (last.len != alias.len || pl_str_ieq_c(alias, "mail") || memchr(alias.s, ';', alias.len) ||
        memchr(alias.s, '(', alias.len) || memchr(alias.s, '=', alias.len))
        return COMPLAIN(c, "mail_alias_attribute", "For example proxyAddresses.",
                        "mail_alias_attribute is no name of another attribute");
    if (!mail)
        return COMPLAIN(c, "mail_alias_attribute", "Name mail in keep_attributes, or take the line away.",
                        "mail_alias_attribute: mail does not follow the name");
    return true;
}
