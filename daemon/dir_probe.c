/* The first reads of a bound connection, in the connector thread: which kind of server it is, what it offers, and which
 * incarnation of its data it holds. Names of people and texts of the server never get into a sentence. */
#include "dir_priv.h"
#include "../lib/directory/persist.h"
#include "../lib/directory/server.h"
#include "../lib/directory/sync.h"

#include <string.h>

enum { ROOT_ATTRS_MAX = 12 };

/* One base search; `out` lives in `a` and in *msg, which is the caller's to free. Returns the result code, or -1 with
 * o->err. */
static int read_entry(struct dir_opening *o, LDAP *ld, const char *base, const char *const *attrs, struct pl_arena *a,
                      struct pl_entry *out, LDAPMessage **msg)
{
    int msgid = 0, code = LDAP_OTHER;
    bool range = false;
    int rc = ldap_search_ext(ld, base, LDAP_SCOPE_BASE, "(objectClass=*)", (char **)(uintptr_t)attrs, 0, NULL, NULL,
                             NULL, 1, &msgid);
    if (rc != LDAP_SUCCESS) {
        pl_err_set(&o->err, PL_ERR_IO, 0, "", "a search cannot be sent while %s", o->step);
        return -1;
    }
    if (!dir_await(o, ld, msgid, msg))
        return -1;
    LDAPMessage *entry = ldap_first_entry(ld, *msg);
    if (ldap_parse_result(ld, *msg, &code, NULL, NULL, NULL, NULL, 0) != LDAP_SUCCESS ||
        (entry && !dir_entry_read(ld, entry, false, a, out, &range))) {
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
        break;
    }
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
    return fit != PL_SERVER_OTHER;
}

static bool read_root(struct dir_opening *o, LDAP *ld, const struct pl_dialect *dialect, struct pl_arena *a)
{
    const char *attrs[ROOT_ATTRS_MAX] = {"supportedControl"};
    struct pl_entry root = {0};
    LDAPMessage *msg = NULL;
    for (size_t i = 0; pl_server_attrs[i] && i + 2 < ROOT_ATTRS_MAX; i++)
        attrs[i + 1] = pl_server_attrs[i];
    o->step = "reading the root entry";
    int code = read_entry(o, ld, "", attrs, a, &root, &msg);
    bool ok = code == LDAP_SUCCESS && take_root(o, dialect, &root);
    ldap_msgfree(msg);
    if (code > 0)
        pl_err_set(&o->err, PL_ERR_CONF, code, "Let the service account read the root entry.",
                   "the root entry cannot be read (result %d)", code);
    return ok;
}

/* One attribute of an entry, one value; empty when it cannot be had. False: no answer. */
static bool read_value(struct dir_opening *o, LDAP *ld, const char *dn, const char *attr, struct pl_arena *a,
                       struct pl_str *out)
{
    const char *attrs[] = {attr, NULL};
    struct pl_entry entry = {0};
    LDAPMessage *msg = NULL;
    int code = read_entry(o, ld, dn, attrs, a, &entry, &msg);
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
    if (id.len > 0 && id.len < sizeof o->opened.server)
        memcpy(o->opened.server, id.s, id.len); /* zeroed before, so terminated */
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
    int code = read_entry(o, ld, base, attrs, a, &entry, &msg);
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

bool dir_probe(struct dir_opening *o, LDAP *ld)
{
    const struct pl_dialect *dialect = pl_dialect_find(o->conf.dialect);
    struct pl_arena *a = pl_arena_new();
    bool ok = dialect ? read_root(o, ld, dialect, a) && read_identity(o, ld, dialect, a)
                      : pl_err_set(&o->err, PL_ERR_CONF, 0, "", "the dialect is not known");
    pl_arena_free(a);
    return ok;
}
