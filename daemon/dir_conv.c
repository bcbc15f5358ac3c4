#include "dir_priv.h"

#include <string.h>

const char *dir_cstr(struct pl_arena *a, struct pl_str s)
{
    if (s.len > 0 && memchr(s.s, '\0', s.len))
        return NULL;
    return pl_arena_str(a, s).s;
}

/* ---- entries ---- */

static bool is_usable_attr(struct pl_str name)
{
    const char *semicolon = name.len ? memchr(name.s, ';', name.len) : NULL;
    struct pl_str base = {name.s, semicolon ? (size_t)(semicolon - name.s) : name.len};
    return pl_str_ieq_c(base, DIR_USABLE_ATTR);
}

struct attr_list {
    struct pl_arena *arena;
    struct pl_attr *attrs;
    size_t n, cap;
};

static struct pl_attr *add_attr(struct attr_list *l)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        struct pl_attr *more = pl_arena_array(l->arena, cap, sizeof *more);
        if (l->n)
            memcpy(more, l->attrs, l->n * sizeof *more);
        l->attrs = more;
        l->cap = cap;
    }
    return &l->attrs[l->n++];
}

/* The answer to the account usability control as an attribute; without an answer there is none. */
static void add_usability(LDAP *ld, LDAPMessage *m, struct attr_list *l)
{
    LDAPControl **ctrls = NULL;
    if (ldap_get_entry_controls(ld, m, &ctrls) != LDAP_SUCCESS || !ctrls)
        return;
    int available = 0;
    LDAPAccountUsability more;
    LDAPControl *c = ldap_control_find(DIR_OID_USABILITY, ctrls, NULL);
    if (c && ldap_parse_accountusability_control(ld, c, &available, &more) == LDAP_SUCCESS) {
        struct pl_attr *a = add_attr(l);
        a->name = PL_STR(DIR_USABLE_ATTR);
        a->values = pl_arena_array(l->arena, 1, sizeof *a->values);
        a->values[0] = available ? PL_STR("TRUE") : PL_STR("FALSE");
        a->n = 1;
    }
    ldap_controls_free(ctrls);
}

static void add_values(struct attr_list *l, struct pl_str name, const struct berval *vals)
{
    size_t n = 0;
    while (vals && vals[n].bv_val)
        n++;
    struct pl_attr *a = add_attr(l);
    a->name = name;
    a->values = pl_arena_array(l->arena, n ? n : 1, sizeof *a->values);
    a->n = n;
    for (size_t i = 0; i < n; i++)
        a->values[i] = (struct pl_str){vals[i].bv_val, vals[i].bv_len};
}

bool dir_entry_read(LDAP *ld, LDAPMessage *m, bool usability, struct pl_arena *a, struct pl_entry *out,
                    bool *open_range)
{
    bool ok = false;
    struct attr_list l = {.arena = a};
    BerElement *ber = NULL;
    struct berval dn, name, *vals;
    if (usability) /* before the rest: reading in place changes the buffer */
        add_usability(ld, m, &l);
    if (ldap_get_dn_ber(ld, m, &ber, &dn) != LDAP_SUCCESS)
        goto out;
    for (;;) {
        vals = NULL;
        if (ldap_get_attribute_ber(ld, m, ber, &name, &vals) != LDAP_SUCCESS)
            goto out;
        if (!name.bv_val)
            break;
        struct pl_str n = {name.bv_val, name.bv_len};
        if (dir_range_open(n))
            *open_range = true;
        if (!is_usable_attr(n)) /* a server that sends this name itself is not believed */
            add_values(&l, n, vals);
        ber_memfree(vals);
    }
    *out = (struct pl_entry){.dn = {dn.bv_val, dn.bv_len}, .attrs = l.attrs, .n = l.n};
    ok = true;
out:
    if (ber)
        ber_free(ber, 0);
    return ok;
}

/* ---- modifications ---- */

static struct berval **copy_values(struct pl_arena *a, const struct pl_str *values, size_t n)
{
    if (n == 0)
        return NULL;
    struct berval **out = pl_arena_array(a, n + 1, sizeof *out);
    struct berval *store = pl_arena_array(a, n, sizeof *store);
    for (size_t i = 0; i < n; i++) {
        struct pl_str v = pl_arena_str(a, values[i]);
        store[i] =
            (struct berval){.bv_val = (char *)(uintptr_t)v.s, .bv_len = v.len}; /* libldap does not write there */
        out[i] = &store[i];
    }
    return out;
}

static LDAPMod *make_mod(struct pl_arena *a, int op, struct pl_str attr, const struct pl_str *values, size_t n)
{
    const char *type = dir_cstr(a, attr);
    if (!type || !*type || (op == LDAP_MOD_ADD && n == 0))
        return NULL;
    LDAPMod *m = pl_arena_alloc(a, sizeof *m);
    m->mod_op = op | LDAP_MOD_BVALUES;
    m->mod_type = (char *)(uintptr_t)type;
    m->mod_bvalues = copy_values(a, values, n);
    return m;
}

LDAPMod **dir_mods_make(struct pl_arena *a, const struct pl_mod *mods, size_t n, size_t spare)
{
    static const int ops[] = {
        [PL_MOD_ADD] = LDAP_MOD_ADD, [PL_MOD_DELETE] = LDAP_MOD_DELETE, [PL_MOD_REPLACE] = LDAP_MOD_REPLACE};
    LDAPMod **out = pl_arena_array(a, n + spare + 1, sizeof(LDAPMod *));
    for (size_t i = 0; i < n; i++)
        if (!(out[i] = make_mod(a, ops[mods[i].kind], mods[i].attr, mods[i].values, mods[i].n)))
            return NULL;
    return out;
}

LDAPMod **dir_attrs_make(struct pl_arena *a, const struct pl_attr *attrs, size_t n)
{
    LDAPMod **out = pl_arena_array(a, n + 1, sizeof(LDAPMod *));
    for (size_t i = 0; i < n; i++)
        if (!(out[i] = make_mod(a, LDAP_MOD_ADD, attrs[i].name, attrs[i].values, attrs[i].n)))
            return NULL;
    return out;
}
