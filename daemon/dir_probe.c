/* The first reads of a bound connection, in the connector thread: which kind of server it is, what it offers, which
 * incarnation of its data it holds, and whether its password policy is in force. Names of people and texts of the server
 * never get into a sentence. */
#include "dir_server.h"
#include "../lib/directory/dn.h"
#include "../lib/directory/persist.h"
#include "../lib/directory/server.h"
#include "../lib/directory/sync.h"

#include <string.h>

enum { ROOT_ATTRS_MAX = 12 };
enum usability { UNASKED, ASKED, REQUIRED };

/* One base search; `out` lives in `a` and in *msg, which is the caller's to free. Returns the result code, or -1 with
 * o->err. */
static int read_entry(struct dir_opening *o, LDAP *ld, const char *base, const char *const *attrs,
                      enum usability usability, struct pl_arena *a, struct pl_entry *out, LDAPMessage **msg)
{
    int msgid = 0, code = LDAP_OTHER;
    bool range = false;
    LDAPControl control = {.ldctl_oid = (char[]){DIR_OID_USABILITY}, .ldctl_iscritical = usability == REQUIRED};
    LDAPControl *ctrls[] = {usability ? &control : NULL, NULL};
    int rc = ldap_search_ext(ld, base, LDAP_SCOPE_BASE, "(objectClass=*)", (char **)(uintptr_t)attrs, 0, ctrls, NULL,
                             NULL, 1, &msgid);
    if (rc != LDAP_SUCCESS) {
        pl_err_set(&o->err, PL_ERR_IO, 0, "", "a search cannot be sent while %s", o->step);
        return -1;
    }
    if (!dir_await(o, ld, msgid, msg))
        return -1;
    LDAPMessage *entry = ldap_first_entry(ld, *msg);
    if (ldap_parse_result(ld, *msg, &code, NULL, NULL, NULL, NULL, 0) != LDAP_SUCCESS ||
        (entry && !dir_entry_read(ld, entry, usability != UNASKED, a, out, &range))) {
        pl_err_set(&o->err, PL_ERR_IO, 0, "", "an answer is not LDAP while %s", o->step);
        return -1;
    }
    return code;
}

static bool offers(const struct pl_entry *root, const char *oid)
{
    const struct pl_attr *a = pl_entry_attr(root, "supportedControl");
    for (size_t i = 0; a && i < a->n; i++)
        if (pl_str_eq_c(a->values[i], oid))
            return true;
    return false;
}

static bool offers_watch(const struct pl_entry *root, enum pl_watch_kind kind)
{
    switch (kind) {
    case PL_WATCH_SYNC:
        return offers(root, PL_OID_SYNC_REQUEST);
    case PL_WATCH_PERSISTENT:
        return offers(root, PL_OID_PERSIST_REQUEST);
    case PL_WATCH_DIRSYNC: /* or, without it, by the numbers that every such server has */
        return true;
    case PL_WATCH_NONE:
    case PL_WATCH_WAKE: /* no dialect's */
        break;
    }
    return false;
}

static bool is_rodc(const struct pl_entry *root)
{
    const struct pl_attr *a = pl_entry_attr(root, "supportedCapabilities");
    for (size_t i = 0; a && i < a->n; i++)
        if (pl_str_eq_c(a->values[i], DIR_OID_AD_RODC))
            return true;
    return false;
}

static bool take_root(struct dir_opening *o, const struct pl_dialect *dialect, const struct pl_entry *root)
{
    enum pl_server_fit fit = pl_server_check(root, o->conf.dialect, &o->err);
    o->opened.unsaid = fit == PL_SERVER_UNSAID;
    o->opened.ppolicy = offers(root, DIR_OID_PPOLICY);
    o->opened.watch = offers_watch(root, dialect->watch);
    o->opened.post_read = offers(root, PL_OID_POST_READ);
    o->opened.assertion = offers(root, DIR_OID_ASSERTION);
    o->opened.read_only = is_rodc(root);
    return fit != PL_SERVER_OTHER;
}

/* `root` lives as long as *msg, which is the caller's to free. */
static bool read_root(struct dir_opening *o, LDAP *ld, const struct pl_dialect *dialect, struct pl_arena *a,
                      struct pl_entry *root, LDAPMessage **msg)
{
    const char *attrs[ROOT_ATTRS_MAX] = {"supportedControl", "namingContexts"};
    for (size_t i = 0; pl_server_attrs[i] && i + 3 < ROOT_ATTRS_MAX; i++)
        attrs[i + 2] = pl_server_attrs[i];
    o->step = "reading the root entry";
    int code = read_entry(o, ld, "", attrs, UNASKED, a, root, msg);
    if (code > 0)
        pl_err_set(&o->err, PL_ERR_CONF, code, "Let the service account read the root entry.",
                   "the root entry cannot be read (result %d)", code);
    return code == LDAP_SUCCESS && take_root(o, dialect, root);
}

/* One attribute of an entry, one value; empty when it cannot be had. False: no answer. */
static bool read_value(struct dir_opening *o, LDAP *ld, const char *dn, const char *attr, struct pl_arena *a,
                       struct pl_str *out)
{
    const char *attrs[] = {attr, NULL};
    struct pl_entry entry = {0};
    LDAPMessage *msg = NULL;
    int code = read_entry(o, ld, dn, attrs, UNASKED, a, &entry, &msg);
    if (code == LDAP_SUCCESS)
        *out = pl_arena_str(a, pl_entry_first(&entry, attr));
    ldap_msgfree(msg);
    return code >= 0;
}

/* Which of the servers that hold these data, and which life of them. One that does not say is none that we know again. */
static bool read_server(struct dir_opening *o, LDAP *ld, const struct pl_dialect *dialect, struct pl_arena *a)
{
    struct pl_str dn = {"", 0}, octets = {"", 0}, id;
    char room[PL_NATIVE_ROOM];
    o->step = "asking which server it is";
    if (!dialect->server_attr)
        return true;
    if (!read_value(o, ld, "", dialect->server_attr, a, &dn) ||
        (dn.len > 0 && !read_value(o, ld, dn.s, dialect->server_id_attr, a, &octets)))
        return false;
    id = pl_guid_text(octets, room);
    if (id.len > 0 && id.len < sizeof o->opened.life)
        memcpy(o->opened.life, id.s, id.len); /* zeroed before, so terminated */
    if (dn.len < sizeof o->opened.self)
        memcpy(o->opened.self, dn.s, dn.len);
    return true;
}

/* Which server, and which incarnation of its data: the native id of people_base changes when the data is loaded anew. */
static bool read_identity(struct dir_opening *o, LDAP *ld, const struct pl_dialect *dialect, struct pl_arena *a)
{
    const char *attrs[] = {dialect->native_id_attr, NULL}, *base = o->conf.people_base.s;
    struct pl_entry entry = {0};
    struct pl_str id = {"", 0};
    char room[PL_NATIVE_ROOM];
    LDAPMessage *msg = NULL;
    o->step = "reading people_base";
    int code = read_entry(o, ld, base, attrs, UNASKED, a, &entry, &msg);
    if (code == LDAP_SUCCESS)
        id = pl_dialect_native_id(dialect, &entry, room);
    if (id.len > 0 && id.len < sizeof o->opened.identity)
        memcpy(o->opened.identity, id.s, id.len); /* zeroed before, so terminated */
    ldap_msgfree(msg);
    if (code < 0)
        return false;
    if (code == LDAP_NO_SUCH_OBJECT)
        return pl_err_set(&o->err, PL_ERR_CONF, code, "Correct people_base, or let the service account read it.",
                          "people_base %s does not exist or may not be seen", base);
    if (code != LDAP_SUCCESS || !o->opened.identity[0])
        return pl_err_set(&o->err, PL_ERR_CONF, code, "Let the service account read people_base and all below it.",
                          "the service account may not read %s of people_base %s (result %d)", dialect->native_id_attr,
                          base, code);
    return read_server(o, ld, dialect, a);
}

/* ---- the password policy of slapd ---- */

/* The root entry names a control that the overlay of any database brings, and policy_dn may be a policy that nobody applies.
 * A database with the overlay takes the control as critical; and of an entry with a password it answers it if, and only if,
 * a policy applies to it, to whoever may compare that password. One such entry is our own: what applies to it, if it names
 * no policy of its own, is the default. */

/* Whether people_base and the DN lie in one database: the deepest naming context above both is the same. */
static bool same_database(const struct pl_entry *root, struct pl_str people, struct pl_str dn)
{
    const struct pl_attr *a = pl_entry_attr(root, "namingContexts");
    struct pl_str best[2] = {{"", 0}, {"", 0}}, of[2] = {people, dn};
    for (size_t i = 0; a && i < a->n; i++)
        for (size_t k = 0; k < 2; k++)
            if (pl_dn_under(of[k], a->values[i]) && (best[k].len == 0 || pl_dn_under(a->values[i], best[k])))
                best[k] = a->values[i];
    return best[0].len > 0 && pl_dn_equal(best[0], best[1]);
}

/* Our own DN: as we bind, or as the server maps it (RFC 4532); empty when it says nothing. */
static struct pl_str own_dn(struct dir_opening *o, LDAP *ld, struct pl_arena *a)
{
    struct pl_str own = o->conf.bind_dn;
    struct berval *said = NULL;
    LDAPMessage *msg = NULL;
    int msgid = 0;
    if (own.len == 0 && ldap_whoami(ld, NULL, NULL, &msgid) == LDAP_SUCCESS && dir_await(o, ld, msgid, &msg) &&
        ldap_parse_whoami(ld, msg, &said) == LDAP_SUCCESS && said && said->bv_len > 3 &&
        !memcmp(said->bv_val, "dn:", 3))
        own = pl_arena_str(a, (struct pl_str){said->bv_val + 3, said->bv_len - 3});
    ber_bvfree(said);
    ldap_msgfree(msg);
    return own;
}

/* Each is false only when no answer came; *yes is what it said. Who cannot tell has not proven it. */
static bool overlay_is_there(struct dir_opening *o, LDAP *ld, struct pl_arena *a, bool *yes)
{
    static const char *const attrs[] = {LDAP_NO_ATTRS, NULL};
    struct pl_entry entry = {0};
    LDAPMessage *msg = NULL;
    int code = read_entry(o, ld, o->conf.people_base.s, attrs, REQUIRED, a, &entry, &msg);
    ldap_msgfree(msg);
    *yes = code == LDAP_SUCCESS;
    return code >= 0;
}

static bool default_in_force(struct dir_opening *o, LDAP *ld, const struct pl_dialect *dialect,
                             const struct pl_entry *root, struct pl_arena *a, bool *yes)
{
    const char *attrs[] = {dialect->policy_attr, NULL};
    struct pl_str own = own_dn(o, ld, a);
    const char *base = own.len && same_database(root, o->conf.people_base, own) ? dir_cstr(a, own) : NULL;
    struct pl_entry entry = {0};
    LDAPMessage *msg = NULL;
    int code = base ? read_entry(o, ld, base, attrs, ASKED, a, &entry, &msg) : LDAP_NO_SUCH_OBJECT;
    *yes =
        code == LDAP_SUCCESS && pl_entry_attr(&entry, DIR_USABLE_ATTR) && !pl_entry_attr(&entry, dialect->policy_attr);
    ldap_msgfree(msg);
    return code >= 0;
}

static bool read_policy(struct dir_opening *o, LDAP *ld, const struct pl_dialect *dialect, const struct pl_entry *root,
                        struct pl_arena *a)
{
    if (!dialect->usability || !o->opened.ppolicy)
        return true;
    o->step = "asking for the password policy";
    return overlay_is_there(o, ld, a, &o->opened.ppolicy) &&
           (!o->opened.ppolicy || default_in_force(o, ld, dialect, root, a, &o->opened.policy_in_force));
}

bool dir_probe(struct dir_opening *o, LDAP *ld)
{
    const struct pl_dialect *dialect = pl_dialect_find(o->conf.dialect);
    struct pl_arena *a = pl_arena_new();
    struct pl_entry root = {0};
    LDAPMessage *msg = NULL;
    bool ok = dialect ? read_root(o, ld, dialect, a, &root, &msg) && read_identity(o, ld, dialect, a) &&
                            read_policy(o, ld, dialect, &root, a)
                      : pl_err_set(&o->err, PL_ERR_CONF, 0, "", "the dialect is not known");
    ldap_msgfree(msg);
    pl_arena_free(a);
    return ok;
}
