/* What the checks look at: every address as the daemon would use it, and the people and groups read whole, as the full
 * compare reads them. */
#include "preflight_table.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/directory/dn.h"
#include "lib/directory/filter.h"

enum { LDAP_OK = 0, UNAVAILABLE_CRITICAL_EXTENSION = 12, ATTRS_MAX = 32 };

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- addresses ---- */

void pf_connect(struct pf *p)
{
    struct pl_str uris = pl_arena_str(p->arena, p->conf->uris);
    p->addresses = pl_arena_array(p->arena, uris.len / 2 + 1, sizeof *p->addresses);
    char *rest = (char *)(uintptr_t)uris.s; /* our own copy */
    for (char *uri; (uri = strsep(&rest, " \t"));) {
        if (!*uri)
            continue;
        struct pf_address *a = &p->addresses[p->n_addresses++];
        a->uri = uri;
        a->once = pld_once_open(p->conf, uri, &a->facts);
        if (a->once && !p->main)
            p->main = a;
    }
}

void pf_free(struct pf *p)
{
    for (size_t i = 0; i < p->n_addresses; i++)
        pld_once_close(p->addresses[i].once);
    free(p->entries);
    free(p->results);
    free(p->policies);
    free(p->by_id.by);
    free(p->by_login.by);
    free(p->by_number.by);
    pl_arena_free(p->arena);
}

/* ---- one entry ---- */

static bool has_value(const struct pl_entry *e, const char *attr, const char *value)
{
    const struct pl_attr *a = pl_entry_attr(e, attr);
    for (size_t i = 0; a && i < a->n; i++)
        if (pl_str_ieq_c(a->values[i], value))
            return true;
    return false;
}

struct copy {
    struct pl_arena *arena;
    struct pl_entry *out;
};

static void copy_entry(void *ctx, const struct pl_entry *e)
{
    struct copy *c = ctx;
    *c->out = (struct pl_entry){.dn = pl_arena_str(c->arena, e->dn), .n = e->n};
    c->out->attrs = pl_arena_array(c->arena, e->n, sizeof *c->out->attrs);
    for (size_t i = 0; i < e->n; i++) {
        const struct pl_attr *from = &e->attrs[i];
        struct pl_attr *to = &c->out->attrs[i];
        *to = (struct pl_attr){.name = pl_arena_str(c->arena, from->name), .n = from->n};
        to->values = pl_arena_array(c->arena, from->n, sizeof *to->values);
        for (size_t k = 0; k < from->n; k++)
            to->values[k] = pl_arena_str(c->arena, from->values[k]);
    }
}

int pf_read_entry(struct pf *p, struct pl_str dn, const char *const *attrs, struct pl_entry *out, struct pl_err *err)
{
    struct copy c = {p->arena, out};
    struct pld_once_ask ask = {.base = dn, .scope = PL_SCOPE_BASE, .attrs = attrs, .entry = copy_entry, .ctx = &c};
    struct pld_once_answer a;
    *out = (struct pl_entry){0};
    pld_once_search(p->main->once, &ask, &a);
    *err = a.err;
    return a.code == LDAP_OK && a.entries == 0 ? 32 : a.code; /* no right to the entry itself: success and nothing */
}

/* Whether the database that holds the people knows a control: a critical one that it does not know is refused (RFC 4511
 * 4.1.11). The root entry tells of loaded modules, also of those that are on no database of ours. */
bool pf_takes_control(struct pf *p, const char *oid, struct pl_str value)
{
    static const char *const attrs[] = {"1.1", NULL};
    struct pld_once_ask ask = {.base = p->conf->people_base,
                               .scope = PL_SCOPE_BASE,
                               .attrs = attrs,
                               .control = oid,
                               .control_value = value,
                               .control_critical = true};
    struct pld_once_answer a;
    pld_once_search(p->main->once, &ask, &a);
    return a.code != UNAVAILABLE_CRITICAL_EXTENSION && a.code >= 0;
}

bool pf_root_has(struct pf *p, const char *attr, const char *value)
{
    return value ? has_value(&p->root, attr, value) : pl_entry_attr(&p->root, attr) != NULL;
}

/* ---- people ---- */

/* Small ASCII letters, as the engine compares ids and log-ins. */
struct pl_str pf_lower(struct pf *p, struct pl_str s)
{
    char *out = pl_arena_alloc(p->arena, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        out[i] = s.s[i] >= 'A' && s.s[i] <= 'Z' ? (char)(s.s[i] - 'A' + 'a') : s.s[i];
    return (struct pl_str){out, s.len};
}

static uint32_t attrs_seen(const struct pl_dialect *d, const struct pl_entry *e)
{
    uint32_t seen = 0;
    for (size_t i = 0; d->person_attrs[i] && i < ATTRS_MAX; i++)
        if (pl_entry_attr(e, d->person_attrs[i]))
            seen |= UINT32_C(1) << i;
    return seen;
}

static void take_person(void *ctx, const struct pl_entry *e)
{
    struct pf *p = ctx;
    struct timespec now;
    struct pl_dir_facts none = {.ppolicy = p->ppolicy}, one = {none.ppolicy, true};
    struct pl_str usable = pl_entry_first(e, "paaslaUsable");
    int64_t us;
    char room[PL_NATIVE_ROOM];
    struct pl_str id = pl_dialect_native_id(p->dialect, e, room);
    p->no_id += id.len == 0;
    p->canary_read = p->canary_read || pl_dn_equal(e->dn, p->conf->canary_dn);
    if ((p->n_entries & (p->n_entries + 1)) == 0) /* room for 1, 3, 7, ... */
        p->entries = pl_xrealloc_array(p->entries, p->n_entries * 2 + 1, sizeof *p->entries);
    clock_gettime(CLOCK_REALTIME, &now);
    us = (int64_t)now.tv_sec * 1000000;
    p->entries[p->n_entries++] = (struct pf_entry){
        .dn = pl_arena_str(p->arena, e->dn),
        .id = pf_lower(p, id),
        .login = pf_lower(p, pl_entry_first(e, p->conf->login_attribute.s)),
        .number = pl_arena_str(p->arena, pl_entry_first(e, p->conf->number_attribute.s)),
        .policy = p->dialect->policy_attr ? pl_arena_str(p->arena, pl_entry_first(e, p->dialect->policy_attr))
                                          : (struct pl_str){"", 0},
        .attrs = attrs_seen(p->dialect, e),
        .account = pl_entry_is_account(e),
        .told = usable.len > 0,
        .usable = pl_str_eq_c(usable, "TRUE"),
        .lock = {p->dialect->lock_seen(e, &none, us), p->dialect->lock_seen(e, &one, us)},
    };
}

/* Active Directory does not point to other servers then. */
static const char *domain_scope(const struct pf *p)
{
    return p->dialect_bit == PF_AD ? PF_OID_DOMAIN_SCOPE : NULL;
}

/* Everything the daemon reads of a person but the password. */
static void read_people(struct pf *p)
{
    const char *attrs[ATTRS_MAX + 3] = {NULL};
    size_t n = 0;
    int64_t begun = now_ms();
    for (size_t i = 0; p->dialect->person_attrs[i] && i < ATTRS_MAX; i++)
        if (strcasecmp(p->dialect->person_attrs[i], p->dialect->password_attr) != 0)
            attrs[n++] = p->dialect->person_attrs[i];
    attrs[n++] = p->conf->login_attribute.s;
    attrs[n++] = p->conf->number_attribute.s;
    struct pld_once_ask ask = {.base = p->conf->people_base,
                               .scope = PL_SCOPE_SUB,
                               .attrs = attrs,
                               .paged = true,
                               .usability = p->dialect->usability,
                               .control = domain_scope(p),
                               .entry = take_person,
                               .ctx = p};
    pld_once_search(p->main->once, &ask, &p->people_answer);
    p->people_ms = now_ms() - begun;
}

/* ---- looking them up ---- */

static struct pl_str text_of(const struct pf_entry *e, size_t field)
{
    return *(const struct pl_str *)(const void *)((const char *)e + field);
}

static int compare(const void *a, const void *b, void *field)
{
    const struct pf_entry *const *x = a, *const *y = b;
    return pl_str_cmp(text_of(*x, *(size_t *)field), text_of(*y, *(size_t *)field));
}

static void index_by(const struct pf *p, struct pf_index *x, size_t field)
{
    x->field = field;
    x->by = pl_xcalloc(p->n_entries + 1, sizeof(*x->by));
    for (size_t i = 0; i < p->n_entries; i++)
        if (text_of(&p->entries[i], field).len > 0)
            x->by[x->n++] = &p->entries[i];
    qsort_r(x->by, x->n, sizeof(*x->by), compare, &field);
}

size_t pf_lookup(const struct pf_index *x, struct pl_str text, struct pf_entry *const **first)
{
    size_t lo = 0, hi = x->n, end;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (pl_str_cmp(text_of(x->by[mid], x->field), text) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (end = lo; end < x->n && text.len > 0 && pl_str_eq(text_of(x->by[end], x->field), text);)
        end++;
    *first = x->by + lo;
    return end - lo;
}

/* ---- groups ---- */

static void read_role_groups(struct pf *p)
{
    static const char *const attrs[] = {"objectClass", "description", NULL};
    int n = p->groups ? PQntuples(p->groups) : 0;
    p->role_groups = pl_arena_array(p->arena, (size_t)n + 1, sizeof *p->role_groups);
    for (int i = 0; i < n; i++) {
        struct pf_group *g = &p->role_groups[p->n_role_groups++];
        struct pl_entry e;
        struct pl_err err;
        g->dn = pl_str_c(PQgetvalue(p->groups, i, PF_GROUP_DN));
        g->code = pf_read_entry(p, g->dn, p->dialect_bit == PF_AD ? pf_ad_group_attrs : attrs, &e, &err);
        g->shape = pl_group_shape_of(&e);
        if (p->dialect_bit == PF_AD)
            pf_ad_group(g, &e);
        g->needs_member = pl_entry_has_class(&e, "groupOfNames") || pl_entry_has_class(&e, "groupOfUniqueNames");
        g->marked = has_value(&e, "description", "paasla");
    }
}

static void take_group(void *ctx, const struct pl_entry *e)
{
    struct pf *p = ctx;
    p->group_entries += pl_group_shape_of(e) != PL_GROUP_UNKNOWN || pl_entry_has_class(e, "group");
}

static void read_groups(struct pf *p)
{
    static const char *const attrs[] = {"objectClass", NULL};
    struct pld_once_ask ask = {.base = p->conf->group_base,
                               .scope = PL_SCOPE_SUB,
                               .attrs = attrs,
                               .paged = true,
                               .control = domain_scope(p),
                               .entry = take_group,
                               .ctx = p};
    pld_once_search(p->main->once, &ask, &p->group_answer);
}

/* ---- all of it ---- */

/* The naming context that holds it; the DN itself where the server names none. */
static struct pl_str context_of(const struct pl_entry *root, struct pl_str dn)
{
    const struct pl_attr *a = pl_entry_attr(root, "namingContexts");
    struct pl_str best = {"", 0};
    for (size_t i = 0; a && i < a->n; i++)
        if (a->values[i].len > best.len && pl_dn_under(dn, a->values[i]))
            best = a->values[i];
    return best.len ? best : dn;
}

static void take_dn(void *ctx, const struct pl_entry *e)
{
    struct pf *p = ctx;
    p->service = pl_arena_str(p->arena, e->dn);
}

/* The name with which our account logs on to Active Directory: "u:LINN\\paasla" (MS-ADTS 3.1.1.3.4.2.4); Samba 4.17 does
 * not say, then it is that of the ticket. */
static struct pl_str log_on_name(struct pf *p, struct pl_str who)
{
    const char *slash = who.len > 2 ? memchr(who.s, '\\', who.len) : NULL, *at;
    if (slash)
        return (struct pl_str){slash + 1, who.len - (size_t)(slash + 1 - who.s)};
    who = p->conf->principal;
    at = who.len > 0 ? memchr(who.s, '@', who.len) : NULL;
    return at ? (struct pl_str){who.s, (size_t)(at - who.s)} : who;
}

/* Our account's DN where the configuration does not have it. */
static struct pl_str read_whoami(struct pf *p)
{
    static const char *const attrs[] = {"1.1", NULL};
    struct pl_str who = pld_once_whoami(p->main->once, p->arena), name = log_on_name(p, who);
    struct pl_buf filter = {0};
    struct pld_once_answer a;
    if (who.len > 3 && strncasecmp(who.s, "dn:", 3) == 0)
        return (struct pl_str){who.s + 3, who.len - 3};
    p->service = (struct pl_str){"", 0};
    if (p->dialect_bit != PF_AD || name.len == 0)
        return p->service;
    pl_buf_add_c(&filter, "(sAMAccountName=");
    pl_filter_escape(&filter, name);
    pl_buf_add_c(&filter, ")");
    struct pld_once_ask ask = {.base = p->suffix,
                               .scope = PL_SCOPE_SUB,
                               .filter = filter.s,
                               .attrs = attrs,
                               .control = PF_OID_DOMAIN_SCOPE,
                               .entry = take_dn,
                               .ctx = p};
    pld_once_search(p->main->once, &ask, &a);
    pl_buf_free(&filter);
    return p->service;
}

/* Of our account, as text (MS-DTYP 2.4.2.1, 2.4.2.2); empty when it may not be seen. */
static struct pl_str read_sid(struct pf *p)
{
    static const char *const attrs[] = {"objectSid", NULL};
    struct pl_buf b = {0};
    struct pl_entry e;
    struct pl_err err;
    (void)pf_read_entry(p, p->service, attrs, &e, &err);
    struct pl_str sid = pl_entry_first(&e, "objectSid");
    const unsigned char *o = (const unsigned char *)sid.s;
    if (sid.len < 8 || sid.len != 8 + (size_t)4 * o[1])
        return (struct pl_str){"", 0};
    pl_buf_printf(&b, "S-%u-%u", o[0], (unsigned)o[7]); /* the authority's higher octets are 0 in every domain */
    for (size_t i = 8; i < sid.len; i += 4)
        pl_buf_printf(&b, "-%lu",
                      (unsigned long)o[i] | (unsigned long)o[i + 1] << 8 | (unsigned long)o[i + 2] << 16 |
                          (unsigned long)o[i + 3] << 24);
    struct pl_str out = pl_arena_str(p->arena, pl_buf_str(&b));
    pl_buf_free(&b);
    return out;
}

void pf_read_self(struct pf *p)
{
    static const char *const root_attrs[] = {"namingContexts", "supportedControl", "lastusn", "schemaNamingContext",
                                             NULL};
    struct pl_err err;
    (void)pf_read_entry(p, PL_STR(""), root_attrs, &p->root, &err);
    p->suffix = context_of(&p->root, p->conf->people_base);
    p->group_suffix = context_of(&p->root, p->conf->group_base);
    p->service = p->conf->bind_dn.len ? p->conf->bind_dn : read_whoami(p);
    if (p->dialect_bit == PF_AD)
        p->sid = read_sid(p);
}

void pf_read(struct pf *p)
{
    pf_read_self(p);
    pf_policy_overlay(p);
    read_role_groups(p);
    read_people(p);
    read_groups(p);
    pf_policy_look(p);
    index_by(p, &p->by_id, offsetof(struct pf_entry, id));
    index_by(p, &p->by_login, offsetof(struct pf_entry, login));
    index_by(p, &p->by_number, offsetof(struct pf_entry, number));
    if (p->dialect_bit == PF_389DS)
        pf_389_rights(p);
    if (p->dialect_bit == PF_AD) {
        pf_writes_ids(p);
        pf_ad_rights(p);
    }
}
