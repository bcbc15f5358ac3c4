/* Checks of what our account may do, as far as a server tells without being written to. */
#include "preflight.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 20, NO_RIGHT = 50, NO_SUCH_OBJECT = 32 };

/* Accounts to try on: those that belong to somebody first. */
static size_t sample(const struct pf *p, const struct pf_entry *out[SAMPLE])
{
    size_t n = 0;
    for (int belongs = 1; belongs >= 0; belongs--)
        for (size_t i = 0; i < p->n_entries && n < SAMPLE; i++)
            if (p->entries[i].account && p->entries[i].belongs == belongs)
                out[n++] = &p->entries[i];
    return n;
}

/* What each entry has. */
static bool is_everywhere(const struct pl_dialect *d, const char *attr)
{
    return strcasecmp(attr, d->native_id_attr) == 0 || strcasecmp(attr, "objectClass") == 0 ||
           (d->version_attr && strcasecmp(attr, d->version_attr) == 0);
}

/* An absent attribute looks like one that may not be seen; Compare tells the two apart (RFC 4511 4.10). */
static bool is_hidden(struct pf *p, const struct pf_entry *e, const char *attr)
{
    struct pl_err err;
    struct pl_str value = strncmp(attr, "pwd", 3) != 0                 ? PL_STR("x")
                          : strcasecmp(attr, "pwdPolicySubentry") == 0 ? p->suffix
                                                                       : PL_STR("19700101000000Z");
    int code = pld_once_compare(p->main->once, e->dn, attr, value, &err);
    return code == NO_RIGHT || code == NO_SUCH_OBJECT;
}

void pf_rights_read(struct pf *p, struct pf_result *r)
{
    const struct pf_entry *at[SAMPLE];
    size_t n = sample(p, at), tried = 0;
    for (size_t i = 0; p->dialect->person_attrs[i]; i++) {
        const char *attr = p->dialect->person_attrs[i];
        size_t k = 0;
        if (strcasecmp(attr, p->dialect->password_attr) == 0) /* nobody has to read what a password is kept as */
            continue;
        while (k < n && at[k]->attrs >> i & 1)
            k++;
        tried++;
        if (k < n && (is_everywhere(p->dialect, attr) || is_hidden(p, at[k], attr)))
            pf_object(p, r, pl_str_c(attr), (struct pl_str){"", 0});
    }
    if (n == 0)
        pf_unknown(p, r, "there is no account to try it on");
    else
        pf_counted(p, r, "%zu attributes on %zu account%s", tried, n, n == 1 ? "" : "s");
}

void pf_rights_write(struct pf *p, struct pf_result *r)
{
    pf_unknown(p, r, "slapd does not tell");
    r->tell = true;
}
