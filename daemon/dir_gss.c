/* Log-on by Kerberos (RFC 4752), in the connector thread: the ticket comes from a keytab, so nobody has to renew one and
 * no other ticket cache of the host is used. What the key distribution centre makes us wait, the loop does not. */
#include "dir_priv.h"

#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <sasl/sasl.h>
#include <stdio.h>
#include <string.h>

enum { SEALED_MIN = 56 }; /* bits: less is integrity without secrecy (RFC 4752 section 3.3) */

/* The library's words about the last call; they name principals and realms, never people. */
static bool explain(struct dir_opening *o, OM_uint32 major, OM_uint32 minor, const char *what)
{
    gss_buffer_desc said = GSS_C_EMPTY_BUFFER;
    OM_uint32 ignored, more = 0;
    const bool special = minor != 0;
    (void)gss_display_status(&ignored, special ? minor : major, special ? GSS_C_MECH_CODE : GSS_C_GSS_CODE,
                             special ? (gss_OID)(uintptr_t)gss_mech_krb5 : GSS_C_NO_OID, &more, &said);
    pl_err_set(
        &o->err, PL_ERR_CONF, 0,
        "Try: kinit -k -t KEYTAB PRINCIPAL; is the key distribution centre in /etc/krb5.conf, and are the clocks "
        "alike?",
        "%s: %.*s", what, (int)said.length, (const char *)said.value);
    gss_release_buffer(&ignored, &said);
    return false;
}

static bool import_name(struct dir_opening *o, gss_name_t *out)
{
    struct pl_str p = o->conf.principal;
    gss_buffer_desc text = {p.len, (void *)(uintptr_t)p.s};
    OM_uint32 minor, major = p.len ? gss_import_name(&minor, &text, GSS_KRB5_NT_PRINCIPAL_NAME, out) : GSS_S_COMPLETE;
    return !GSS_ERROR(major) || explain(o, major, minor, "principal is no name of Kerberos");
}

/* A cache in memory for each directory and principal: a connection that is opened anew needs no new ticket. */
static bool acquire(struct dir_opening *o, gss_cred_id_t *out)
{
    struct pl_str path = pld_secret_path(o->arena, o->conf.keytab_file);
    gss_key_value_element_desc store[] = {
        {"client_keytab", pl_arena_printf(o->arena, "FILE:%.*s", (int)path.len, path.s).s},
        {"ccache", pl_arena_printf(o->arena, "MEMORY:paaslad/%.*s/%.*s", (int)o->conf.name.len, o->conf.name.s,
                                   (int)o->conf.principal.len, o->conf.principal.s)
                       .s}};
    gss_key_value_set_desc stores = {2, store};
    gss_OID_set_desc mechs = {1, (gss_OID)(uintptr_t)gss_mech_krb5};
    gss_name_t name = GSS_C_NO_NAME;
    OM_uint32 minor = 0, major, seconds = 0, ignored;
    if (!import_name(o, &name))
        return false;
    major = gss_acquire_cred_from(&minor, name, GSS_C_INDEFINITE, &mechs, GSS_C_INITIATE, &stores, out, NULL, NULL);
    if (!GSS_ERROR(major)) /* the ticket is fetched when its life is asked for */
        major = gss_inquire_cred(&minor, *out, NULL, &seconds, NULL, NULL);
    gss_release_name(&ignored, &name);
    if (GSS_ERROR(major))
        return explain(o, major, minor, "no Kerberos ticket by keytab_file");
    o->opened.ends_ms = seconds == GSS_C_INDEFINITE ? 0 : dir_now_ms() + (int64_t)seconds * 1000;
    return true;
}

/* Kerberos asks for nobody's password and for no other name to act as. It asks before it looks for a ticket: only from then
 * on, and until it goes on, libldap has somewhere to put ours. */
static int interact(LDAP *ld, unsigned flags, void *cred, void *asked)
{
    (void)flags;
    for (sasl_interact_t *i = asked; i->id != SASL_CB_LIST_END; i++) {
        i->result = "";
        i->len = 0;
    }
    return ldap_set_option(ld, LDAP_OPT_X_SASL_GSS_CREDS, cred) == LDAP_OPT_SUCCESS ? LDAP_SUCCESS : LDAP_LOCAL_ERROR;
}

/* Under TLS the server is proven and nobody reads along: Kerberos then binds itself to this very channel (RFC 5929
 * tls-server-end-point) and seals nothing twice, which Active Directory refuses. Without TLS it must seal. */
static bool prepare(struct dir_opening *o, LDAP *ld)
{
    int binding = LDAP_OPT_X_SASL_CBINDING_TLS_ENDPOINT;
    const char *how = o->opened.tls ? "noanonymous,noplain,maxssf=0" : "noanonymous,noplain,minssf=56";
    int64_t ms = o->deadline_ms - dir_now_ms();
    struct timeval left = {.tv_sec = ms < 1000 ? 1 : ms / 1000};
    bool ok = ldap_set_option(ld, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON) == LDAP_OPT_SUCCESS &&
              ldap_set_option(ld, LDAP_OPT_X_SASL_SECPROPS, how) == LDAP_OPT_SUCCESS &&
              ldap_set_option(ld, LDAP_OPT_TIMEOUT, &left) == LDAP_OPT_SUCCESS &&
              (!o->opened.tls || ldap_set_option(ld, LDAP_OPT_X_SASL_CBINDING, &binding) == LDAP_OPT_SUCCESS);
    return ok || pl_err_set(&o->err, PL_ERR_IO, 0, "", "libldap refused an option of SASL");
}

static bool refused(struct dir_opening *o, LDAP *ld, int code)
{
    char *text = NULL;
    bool local = code < 0;
    ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    o->refused = code == LDAP_INVALID_CREDENTIALS;
    if (code == LDAP_STRONG_AUTH_REQUIRED && o->opened.tls)
        return pl_err_set(
            &o->err, PL_ERR_CONF, code,
            "Use ldap://HOST with tls = none: Kerberos seals the connection. Or let Samba take it under TLS: ldap "
            "server require strong auth = allow_sasl_over_tls.",
            "the server takes Kerberos only where it seals, not under TLS (result %d)", code);
    pl_err_set(&o->err, PL_ERR_CONF, code,
               "uris must name the server as its Kerberos service is called (ldap/HOST); is the package "
               "libsasl2-modules-gssapi-mit installed?",
               "the log-on by Kerberos failed (result %d: %s)", code,
               local && text && *text ? text : ldap_err2string(code)); /* the server's own words stay out of the log */
    ldap_memfree(text);
    return false;
}

bool dir_gss_bind(struct dir_opening *o, LDAP *ld)
{
    struct timeval none = {.tv_sec = -1};
    gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
    OM_uint32 ignored;
    ber_len_t bits = 0;
    o->step = "getting a Kerberos ticket";
    bool ok = pld_secret_check(o->conf.keytab_file, &o->err) && acquire(o, &cred) && prepare(o, ld);
    if (ok) {
        o->step = "binding";
        int code = ldap_sasl_interactive_bind_s(ld, NULL, "GSSAPI", NULL, NULL, LDAP_SASL_QUIET, interact, cred);
        ok = code == LDAP_SUCCESS || refused(o, ld, code);
    }
    if (ok && !o->opened.tls)
        ok = (ldap_get_option(ld, LDAP_OPT_X_SASL_SSF, &bits) == LDAP_OPT_SUCCESS && bits >= SEALED_MIN) ||
             pl_err_set(&o->err, PL_ERR_CONF, 0, "Use ldaps:// or tls = starttls.",
                        "the server does not seal what Kerberos logged on");
    ldap_set_option(ld, LDAP_OPT_TIMEOUT, &none);
    if (cred != GSS_C_NO_CREDENTIAL)
        gss_release_cred(&ignored, &cred);
    return ok;
}
