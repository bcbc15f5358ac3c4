/* A domain controller answers without TLS until somebody gives it a certificate. Then there are two ways in, and preflight
 * names them: Kerberos, which seals the connection on port 389 by itself, or a certificate. */
#include "preflight_table.h"

#include <ldap.h>
#include <string.h>

#include "lib/directory/dn.h"

/* ---- is that what is missing? ---- */

static bool is_ldaps(const char *uri)
{
    return strncmp(uri, "ldaps:", 6) == 0;
}

/* The same host at the port without TLS. */
static struct pl_str plain_address(struct pf *p, const char *uri)
{
    LDAPURLDesc *url = NULL;
    struct pl_str out = {"", 0};
    if (ldap_url_parse(uri, &url) == LDAP_URL_SUCCESS && url->lud_host && *url->lud_host)
        out = pl_arena_printf(p->arena, strchr(url->lud_host, ':') ? "ldap://[%s]" : "ldap://%s", url->lud_host);
    if (url)
        ldap_free_urldesc(url);
    return out;
}

/* Nobody listens for ldaps, or nobody lets us through, while the same host speaks LDAP. */
static bool speaks_ldap(struct pf *p)
{
    struct pl_err err = {0};
    struct pl_str uri = plain_address(p, p->at->uri);
    return uri.len > 0 && pld_once_plain(p->conf, uri.s, &err) >= 0;
}

void pf_ad_ways_in(struct pf *p, struct pf_result *r)
{
    const struct pld_once_facts *f = &p->at->facts;
    const char *step = f->step ? f->step : "", *uri = p->at->uri;
    if (f->fit || f->at > PLD_ONCE_TLS) {
        pf_fine(p, r, f->tls ? "the server has a certificate" : "none is needed");
    } else if (strcmp(step, "asking for StartTLS") == 0 && f->err.code > 0) {
        pf_found(p, r, "StartTLS is refused (result %d)", f->err.code);
        r->why = pl_arena_printf(p->arena, "it refuses StartTLS (result %d)", f->err.code);
    } else if (strcmp(step, "doing the TLS handshake") == 0 && f->err.class == PL_ERR_IO) {
        pf_found(p, r, "the server ends the TLS handshake");
        r->why = pl_arena_str(p->arena, PL_STR("it ends the TLS handshake without having shown one"));
    } else if (f->at == PLD_ONCE_REACH && strcmp(step, "connecting") == 0 && is_ldaps(uri) && speaks_ldap(p)) {
        pf_found(p, r, "no answer there, but LDAP without TLS");
        r->why = pl_arena_str(p->arena, PL_STR("nobody answers there, while the same host speaks LDAP without TLS"));
    } else {
        pf_skipped(p, r, f->at == PLD_ONCE_TLS ? "something else is wrong with TLS" : "not reached");
    }
}

/* ---- words ---- */

struct pl_str pf_plain_address(struct pf *p, const struct pf_result *r)
{
    return r->address ? plain_address(p, r->address) : (struct pl_str){"", 0};
}

/* LINN.TEST of "OU=inimesed,DC=linn,DC=test": a domain of Active Directory and its realm have one name. */
struct pl_str pf_realm(struct pf *p)
{
    struct pl_buf b = {0};
    for (struct pl_str dn = p->conf->people_base; dn.len > 3; dn = pl_dn_parent(dn)) {
        if (!pl_str_ieq_c((struct pl_str){dn.s, 3}, "DC="))
            continue;
        if (b.len > 0)
            pl_buf_add_byte(&b, '.');
        for (size_t i = 3; i < dn.len && dn.s[i] != ','; i++)
            pl_buf_add_byte(&b, dn.s[i] >= 'a' && dn.s[i] <= 'z' ? (char)(dn.s[i] - 'a' + 'A') : dn.s[i]);
    }
    struct pl_str out = pl_arena_str(p->arena, b.len ? pl_buf_str(&b) : PL_STR("REALM"));
    pl_buf_free(&b);
    return out;
}

/* ---- what puts it right ---- */

/* Alternatives, so all of it is commented: whoever chose one takes its # off. */
const char pf_do_ways_ad[] =
    "# One of the two, not both.\n"
    "#\n"
    "# ---- A. Kerberos: it seals the connection on port 389, no certificate is needed ----\n"
    "# 1. A keytab for the service account. {account} below is taken from the configuration; its log-on name\n"
    "#    (sAMAccountName) has to stand there, in the same capitals. ktpass gives the account a new password that\n"
    "#    nobody knows, so that bind_dn with the old one ends. PowerShell, as an administrator of the domain:\n"
    "# Set-ADUser {account:ps} -KerberosEncryptionType AES256\n"
    "# ktpass /princ {principal:ps} /mapuser {account:ps} /pType KRB5_NT_PRINCIPAL /crypto AES256-SHA1 +rndPass "
    "/out {directory}.keytab\n"
    "#    With Samba, on a domain controller as root; it leaves the password as it is:\n"
    "# samba-tool domain exportkeytab {directory}.keytab --principal={principal:sh}\n"
    "# 2. On the daemon's host, as root; the package libsasl2-modules-gssapi-mit and the realm in /etc/krb5.conf are\n"
    "#    needed, and the clocks have to agree within five minutes:\n"
    "# install -m 0600 {directory}.keytab /etc/paasla/secret/{directory}.keytab && rm {directory}.keytab\n"
    "# 3. In paasla.conf, section [directory {directory}]: these lines, and bind_dn and password_file go. The host is\n"
    "#    written as the domain controller's own name, by which Kerberos knows it (ldap/HOST):\n"
    "# uris = {plain_address}\n"
    "# tls = none\n"
    "# sasl = gssapi\n"
    "# keytab_file = credential:secret_{directory}.keytab\n"
    "# principal = {principal}\n"
    "#\n"
    "# ---- B. A certificate for the domain controller ----\n"
    "#    For server authentication (1.3.6.1.5.5.7.3.1), with the name that uris has in its subjectAltName, and its "
    "key,\n"
    "#    in the computer's own store (Personal). PowerShell, on the domain controller as an administrator.\n"
    "#    With AD Certificate Services and auto-enrolment, or asked for by hand:\n"
    "# gpupdate /target:computer /force; certutil -pulse\n"
    "# Get-Certificate -Template DomainControllerAuthentication -CertStoreLocation Cert:\\LocalMachine\\My\n"
    "#    From another authority:\n"
    "# Import-PfxCertificate -FilePath dc.pfx -CertStoreLocation Cert:\\LocalMachine\\My -Password (Read-Host "
    "-AsSecureString)\n"
    "#    Samba: tls enabled = yes, tls certfile, tls keyfile and tls cafile in smb.conf, and a new start.\n"
    "#    Then ca_file of this directory names the authority's certificate (PEM).\n";
const char pf_undo_ways_ad[] =
    "# A: the lines of paasla.conf as they were, and the keytab away; whoever has a copy of it has the account until "
    "its\n"
    "#    password is a new one.\n"
    "# rm /etc/paasla/secret/{directory}.keytab\n"
    "# Set-ADAccountPassword {account:ps} -Reset\n"
    "# Set-ADUser {account:ps} -KerberosEncryptionType None\n"
    "# B: THUMBPRINT is what Get-ChildItem Cert:\\LocalMachine\\My shows; all that logs on by ldaps ends with it.\n"
    "# Remove-Item Cert:\\LocalMachine\\My\\THUMBPRINT\n";
