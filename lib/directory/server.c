#include "server.h"

const char *const pl_server_attrs[] = {"objectClass", "structuralObjectClass", "vendorName", "supportedCapabilities",
                                       NULL};

/* Also kinds whose dialect this version does not speak: their name is what a wrong configuration gets told. */
static const struct kind {
    const char *attr, *value;
    const char *dialect, *name;
} kinds[] = {
    {"supportedCapabilities", "1.2.840.113556.1.4.800", "ad", "Active Directory or Samba"}, /* MS-ADTS 3.1.1.3.4.3.1 */
    {"vendorName", "389 Project", "389ds", "389 Directory Server"},
    {"structuralObjectClass", "OpenLDAProotDSE", "openldap", "OpenLDAP slapd"},
    {"objectClass", "OpenLDAProotDSE", "openldap", "OpenLDAP slapd"},
};

static const struct kind *kind_of(const struct pl_entry *root)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct pl_attr *a = pl_entry_attr(root, kinds[i].attr);
        for (size_t k = 0; a != NULL && k < a->n; k++) {
            if (pl_str_ieq_c(a->values[k], kinds[i].value)) {
                return &kinds[i];
            }
        }
    }
    return NULL;
}

enum pl_server_fit pl_server_check(const struct pl_entry *root, struct pl_str dialect, struct pl_err *err)
{
    const struct kind *kind = kind_of(root);

    if (kind != NULL && pl_str_eq_c(dialect, kind->dialect)) {
        return PL_SERVER_FITS;
    }
    if (kind != NULL) {
        pl_err_set(err, PL_ERR_CONF, 0, "Correct dialect or uris; nothing is read or written there until then.",
                   "this is %s (dialect %s), but the configuration says dialect = %.*s", kind->name, kind->dialect,
                   (int)dialect.len, dialect.s);
        return PL_SERVER_OTHER;
    }
    /* Its own words do not get into our sentences. */
    if (pl_entry_first(root, "vendorName").len > 0) {
        pl_err_set(err, PL_ERR_CONF, 0, "See vendorName of its root entry; nothing is read or written there.",
                   "this is a kind of server that we do not know, but the configuration says dialect = %.*s",
                   (int)dialect.len, dialect.s);
        return PL_SERVER_OTHER;
    }
    return PL_SERVER_UNSAID;
}
