/* Checks of what our account may do, as far as a server tells without being written to. */
#include "preflight_table.h"

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
           (d->version_attr && strcasecmp(attr, d->version_attr) == 0) || strcasecmp(attr, "userAccountControl") == 0;
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
        if (k < n && (is_everywhere(p->dialect, attr) || (p->dialect_bit == PF_OPENLDAP && is_hidden(p, at[k], attr))))
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

/* ---- where the server tells ---- */

/* Rules may go by the number, so that those of nobody prove nothing. */
static bool is_judged(const struct pf_entry *e)
{
    return e->account && e->belongs && e->asked;
}

/* Whether the server answered; else the result says so. */
static bool told(struct pf *p, struct pf_result *r)
{
    if (p->rights_answer.code == 0)
        return true;
    pf_unknown(p, r, "the server does not tell what an account may do (result %d)", p->rights_answer.code);
    return false;
}

static void nobody_yet(struct pf *p, struct pf_result *r)
{
    pf_unknown(p, r, "no account belongs to anybody of the table yet");
}

/* Nothing of an account that AdminSDHolder watches over is ours to write, and lock_protected says so. */
static bool is_out_of_reach(const struct pf_entry *e)
{
    return e->guarded && !(e->may & PF_MAY_LOCK);
}

static void lacks(struct pf *p, struct pf_result *r, unsigned right)
{
    size_t tried = 0;
    if (!told(p, r))
        return;
    for (size_t i = 0; i < p->n_entries; i++) {
        const struct pf_entry *e = &p->entries[i];
        if (!is_judged(e) || is_out_of_reach(e))
            continue;
        tried++;
        if (!(e->may & right))
            pf_object(p, r, e->dn, (struct pl_str){"", 0});
    }
    if (tried == 0)
        nobody_yet(p, r);
    else
        pf_counted(p, r, "%zu of %zu account%s", tried - r->n_objects, tried, tried == 1 ? "" : "s");
}

void pf_rights_lock(struct pf *p, struct pf_result *r)
{
    lacks(p, r, PF_MAY_LOCK);
}

/* Reset Password, as far as the rules of the account may be read. */
void pf_rights_reset(struct pf *p, struct pf_result *r)
{
    size_t tried = 0, told_of = 0;
    if (!told(p, r))
        return;
    for (size_t i = 0; i < p->n_entries; i++) {
        const struct pf_entry *e = &p->entries[i];
        if (!is_judged(e) || is_out_of_reach(e))
            continue;
        tried++;
        told_of += (e->may & PF_MAY_TOLD) != 0;
        if ((e->may & (PF_MAY_TOLD | PF_MAY_PASSWORD)) == PF_MAY_TOLD)
            pf_object(p, r, e->dn, (struct pl_str){"", 0});
    }
    if (tried == 0) {
        nobody_yet(p, r);
    } else if (r->n_objects > 0 || told_of == tried) {
        pf_counted(p, r, "%zu of %zu account%s", told_of - r->n_objects, tried, tried == 1 ? "" : "s");
        r->why =
            pf_words(p, r,
                     "The service account may not set the password of {n} account{s} (Reset Password): no first one, "
                     "and after a departure the old one stays: {objects}",
                     false);
    } else {
        pf_unknown(p, r, "the access rules of %zu of %zu account%s may not be read", tried - told_of, tried,
                   tried == 1 ? "" : "s");
        r->why =
            pl_arena_str(p->arena, PL_STR("Whether the service account may set passwords (Reset Password) is not to "
                                          "be seen, because it may not read the access rules of all accounts: if it "
                                          "may not, that shows with the first departure, as the finding "
                                          "password_not_useless"));
        r->tell = true;
    }
}

/* "adminDescription (the fence) of 2 of 3 accounts, such as CN=..." */
static void add_lacking(struct pf *p, struct pf_result *r, size_t w, struct pl_buf *b)
{
    const struct pf_entry *first = NULL;
    size_t tried = 0, n = 0;
    for (size_t i = 0; i < p->n_entries; i++) {
        const struct pf_entry *e = &p->entries[i];
        if (!is_judged(e) || is_out_of_reach(e))
            continue;
        tried++;
        if (!(e->lacks >> w & 1))
            continue;
        n++;
        first = first ? first : e;
    }
    if (n == 0)
        return;
    pl_buf_printf(b, "%s%s (%s) of %zu of %zu account%s, such as ", b->len ? "; " : "", p->writes.at[w].name.s,
                  p->writes.at[w].purpose, n, tried, tried == 1 ? "" : "s");
    pl_buf_add(b, first->dn);
    pf_object(p, r, p->writes.at[w].name, first->dn);
}

/* What the daemon writes beside the lock and the password, on each account that it would write to. */
void pf_rights_attributes(struct pf *p, struct pf_result *r)
{
    struct pl_buf b = {0};
    size_t attributes = 0, tried = 0;
    if (!told(p, r))
        return;
    for (size_t i = 0; i < p->n_entries; i++)
        tried += is_judged(&p->entries[i]) && !is_out_of_reach(&p->entries[i]);
    for (size_t w = 0; w < p->writes.n; w++)
        if (!p->writes.at[w].own_check) {
            attributes++;
            add_lacking(p, r, w, &b);
        }
    if (attributes == 0)
        pf_skipped(p, r, "nothing but the lock and the password is written");
    else if (tried == 0)
        nobody_yet(p, r);
    else
        pf_counted(p, r, "%zu of %zu attributes on %zu account%s", attributes - r->n_objects, attributes, tried,
                   tried == 1 ? "" : "s");
    r->why = pl_arena_str(p->arena, pl_buf_str(&b));
    pl_buf_free(&b);
}

void pf_rights_password(struct pf *p, struct pf_result *r)
{
    lacks(p, r, PF_MAY_PASSWORD);
}

/* Whoever they belong to. */
void pf_rights_too_many(struct pf *p, struct pf_result *r)
{
    size_t tried = 0;
    if (!told(p, r))
        return;
    for (size_t i = 0; i < p->n_entries; i++) {
        tried += p->entries[i].asked;
        if (p->entries[i].may & PF_MAY_TOO_MUCH)
            pf_object(p, r, p->entries[i].dn, (struct pl_str){"", 0});
    }
    pf_counted(p, r, "%zu of %zu entries", r->n_objects, tried);
}

void pf_rights_create(struct pf *p, struct pf_result *r)
{
    size_t tried = 0, may = 0;
    if (!told(p, r))
        return;
    for (size_t i = 0; i < p->n_entries; i++)
        if (is_judged(&p->entries[i])) {
            tried++;
            may += (p->entries[i].may & PF_MAY_ADD) != 0;
        }
    if (tried == 0)
        nobody_yet(p, r);
    else if (may == 0)
        pf_found(p, r, "none like the %zu that are there", tried);
    else
        pf_fine(p, r, "as those that are there");
}

/* Attributes that the server says we may not read. */
void pf_rights_told(struct pf *p, struct pf_result *r)
{
    size_t tried = 0;
    uint32_t hidden = 0;
    if (!told(p, r))
        return;
    for (size_t i = 0; i < p->n_entries; i++)
        if (p->entries[i].account) {
            tried++;
            hidden |= ~p->entries[i].may_read;
        }
    for (size_t i = 0; p->dialect->person_attrs[i] && tried > 0; i++)
        if (hidden >> i & 1)
            pf_object(p, r, pl_str_c(p->dialect->person_attrs[i]), (struct pl_str){"", 0});
    if (tried == 0)
        pf_unknown(p, r, "there is no account to try it on");
    else
        pf_counted(p, r, "%zu account%s", tried, tried == 1 ? "" : "s");
}

void pf_rights_groups(struct pf *p, struct pf_result *r)
{
    size_t tried = 0;
    for (size_t i = 0; i < p->n_role_groups; i++) {
        const struct pf_group *g = &p->role_groups[i];
        if (g->code != 0)
            continue;
        tried++;
        if (!g->may_write)
            pf_object(p, r, g->dn, (struct pl_str){"", 0});
    }
    pf_counted(p, r, "%zu of %zu group%s", tried - r->n_objects, tried, tried == 1 ? "" : "s");
}
