/* A connected socket becomes a bound handle, in the connector thread: options, TLS, bind; dir_probe.c then asks
 * what it is bound to. Top to bottom in the order in which it happens; the first step that fails ends it. Names of
 * people and texts of the server never get into a sentence. */
#include "dir_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <openldap.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct bringup {
    struct dir_opening *o;
    const LDAPURLDesc *url;
    LDAP *ld;
    int fd;
};

static struct timeval time_left(const struct dir_opening *o)
{
    int64_t ms = o->deadline_ms - dir_now_ms();
    if (ms < 1)
        ms = 1;
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static bool set_ptr(LDAP *ld, int option, const void *value)
{
    return ldap_set_option(ld, option, value) == LDAP_OPT_SUCCESS;
}

static bool set_num(LDAP *ld, int option, int value)
{
    return ldap_set_option(ld, option, &value) == LDAP_OPT_SUCCESS;
}

static void limit_pdu(LDAP *ld, int bytes)
{
    Sockbuf *sb = NULL;
    ber_len_t max = (ber_len_t)bytes;
    if (ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sb) == LDAP_OPT_SUCCESS && sb)
        ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &max);
}

/* The socket is shut first, so that freeing the handle sends nothing more, least of all unencrypted; by the duplicate,
 * because libldap may have closed its own number already. */
static void drop(struct bringup *b)
{
    pthread_mutex_lock(&b->o->lock);
    shutdown(b->o->cut_fd, SHUT_RDWR);
    pthread_mutex_unlock(&b->o->lock);
    ldap_unbind_ext(b->ld, NULL, NULL);
    b->ld = NULL;
}

/* ---- 1. options ---- */

static bool set_options(struct bringup *b)
{
    struct timeval left = time_left(b->o);
    bool ok = set_num(b->ld, LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3) &&
              set_ptr(b->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) && /* it would follow them anonymously, blocking */
              set_ptr(b->ld, LDAP_OPT_RESTART, LDAP_OPT_ON) && set_num(b->ld, LDAP_OPT_DEREF, LDAP_DEREF_NEVER) &&
              set_ptr(b->ld, LDAP_OPT_NETWORK_TIMEOUT, &left) && set_ptr(b->ld, LDAP_OPT_CONNECT_ASYNC, LDAP_OPT_ON);
    limit_pdu(b->ld, DIR_PDU_FIRST);
    return ok || pl_err_set(&b->o->err, PL_ERR_IO, 0, "", "libldap refused an option");
}

/* ---- 2. TLS ---- */

static bool readable(struct dir_opening *o, const char *what, struct pl_str path)
{
    if (path.len == 0 || access(path.s, R_OK) == 0)
        return true;
    return pl_err_set(&o->err, PL_ERR_CONF, errno, "Name a PEM file that the daemon's user may read.", "%s %s: %s",
                      what, path.s, strerror(errno));
}

/* libldap 2.5 with GnuTLS loses memory with every TLS context that it makes: the client's key, 15 kB. So connections with
 * the same files share one context, kept as long as the process lives; a renewed file gets a new one. */
static struct tls_kept {
    struct tls_kept *next;
    char *key; /* paths and times of the files, and how strict */
    void *ctx;
} * tls_contexts;
static pthread_mutex_t tls_lock = PTHREAD_MUTEX_INITIALIZER;

static void add_file_key(struct pl_buf *key, struct pl_str path)
{
    struct stat st = {0};
    if (path.len && stat(path.s, &st) == 0)
        pl_buf_printf(key, "%s %lld.%09ld %llu\n", path.s, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                      (unsigned long long)st.st_ino);
    pl_buf_add_byte(key, '\n');
}

/* All on the handle; NEWCTX last, or the process-wide context would be used and our CA ignored. No CIPHER_SUITE: each
 * context that has one loses 8 kB more, and check_version does what it would be for. */
static void *new_context(struct bringup *b)
{
    const struct pl_conf_directory *c = &b->o->conf;
    void *ctx = NULL;
    bool ok = set_ptr(b->ld, LDAP_OPT_X_TLS_CACERTFILE, c->ca_file.s) &&
              (!c->cert_file.len || set_ptr(b->ld, LDAP_OPT_X_TLS_CERTFILE, c->cert_file.s)) &&
              (!c->key_file.len || set_ptr(b->ld, LDAP_OPT_X_TLS_KEYFILE, c->key_file.s)) &&
              set_num(b->ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2) &&
              set_num(b->ld, LDAP_OPT_X_TLS_NEWCTX, 0) &&
              ldap_get_option(b->ld, LDAP_OPT_X_TLS_CTX, &ctx) == LDAP_OPT_SUCCESS; /* takes a reference */
    return ok ? ctx : NULL;
}

static bool set_context(struct bringup *b, const char *key)
{
    bool ok = false;
    pthread_mutex_lock(&tls_lock);
    for (const struct tls_kept *k = tls_contexts; k && !ok; k = k->next)
        ok = strcmp(k->key, key) == 0 && set_ptr(b->ld, LDAP_OPT_X_TLS_CTX, k->ctx);
    void *fresh = ok ? NULL : new_context(b);
    if (fresh) {
        struct tls_kept *k = pl_xcalloc(1, sizeof *k);
        *k = (struct tls_kept){.next = tls_contexts, .key = strdup(key), .ctx = fresh};
        tls_contexts = k;
        ok = true;
    }
    pthread_mutex_unlock(&tls_lock);
    return ok;
}

static bool set_tls(struct bringup *b, int require)
{
    const struct pl_conf_directory *c = &b->o->conf;
    struct pl_buf key = {0};
    if (c->ca_file.len == 0)
        return pl_err_set(&b->o->err, PL_ERR_CONF, 0, "Set ca_file to the PEM file of the CA that signed the server.",
                          "TLS needs ca_file");
    if (!readable(b->o, "ca_file", c->ca_file) || !readable(b->o, "cert_file", c->cert_file) ||
        !readable(b->o, "key_file", c->key_file))
        return false;
    pl_buf_printf(&key, "%d\n", require);
    add_file_key(&key, c->ca_file);
    add_file_key(&key, c->cert_file);
    add_file_key(&key, c->key_file);
    bool ok = set_num(b->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, require) && set_context(b, key.s);
    pl_buf_free(&key);
    return ok ||
           pl_err_set(&b->o->err, PL_ERR_CONF, 0,
                      "Check that ca_file holds PEM certificates, and that cert_file and key_file belong together.",
                      "ca_file, cert_file or key_file cannot be used");
}

bool dir_await(struct dir_opening *o, LDAP *ld, int msgid, LDAPMessage **msg)
{
    struct timeval left = time_left(o);
    int type = ldap_result(ld, msgid, LDAP_MSG_ALL, &left, msg);
    if (type > 0)
        return true;
    return pl_err_set(&o->err, PL_ERR_IO, 0, "Look into the server's log.", "%s while %s",
                      type == 0 ? "no answer in time" : "the server ended the connection", o->step);
}

static bool start_tls(struct bringup *b)
{
    int msgid = 0, code = LDAP_OTHER;
    LDAPMessage *msg = NULL;
    b->o->step = "asking for StartTLS";
    if (ldap_start_tls(b->ld, NULL, NULL, &msgid) != LDAP_SUCCESS)
        return pl_err_set(&b->o->err, PL_ERR_IO, 0, "", "StartTLS cannot be sent");
    if (!dir_await(b->o, b->ld, msgid, &msg))
        return false;
    int rc = ldap_parse_result(b->ld, msg, &code, NULL, NULL, NULL, NULL, 1);
    if (rc == LDAP_SUCCESS && code == LDAP_SUCCESS)
        return true;
    return pl_err_set(&b->o->err, PL_ERR_CONF, code, "Give the server a certificate, or use its ldaps:// address.",
                      "the server refuses StartTLS (result %d)", code);
}

/* GnuTLS ignores PROTOCOL_MIN, so the outcome is looked at: "TLS1.3" or "TLSv1.3". Nothing secret was sent yet. */
static bool check_version(struct bringup *b)
{
    char *version = NULL;
    ldap_get_option(b->ld, LDAP_OPT_X_TLS_VERSION, &version);
    bool ok = version && (strstr(version, "1.2") || strstr(version, "1.3"));
    if (!ok)
        pl_err_set(&b->o->err, PL_ERR_CONF, 0, "Let the server offer TLS 1.2 or 1.3.", "the server only speaks %s",
                   version ? version : "an unknown version of TLS");
    ldap_memfree(version);
    return ok;
}

/* What is wrong with the certificate, most telling first. */
static bool judge(struct bringup *b, X509 *cert)
{
    struct pl_err *err = &b->o->err;
    const char *host = b->url->lud_host, *ca = b->o->conf.ca_file.s;
    bool named = X509_check_host(cert, host, 0, 0, NULL) == 1 || X509_check_ip_asc(cert, host, 0) == 1;
    if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
        return pl_err_set(err, PL_ERR_CONF, 0, "Renew it on the server.", "the server's certificate has expired");
    if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
        return pl_err_set(err, PL_ERR_CONF, 0, "Check the clocks of both hosts.",
                          "the server's certificate is not valid yet");
    if (strcasecmp(host, "localhost") == 0)
        return pl_err_set(err, PL_ERR_CONF, 0, "Write this host's own name or 127.0.0.1, as the certificate has it.",
                          "libldap compares the certificate with this host's own name when uris says localhost");
    if (!named)
        return pl_err_set(err, PL_ERR_CONF, 0,
                          "Write a name that is in the certificate into uris, or issue a "
                          "certificate for this one.",
                          "the server's certificate is not for the name %s", host);
    return pl_err_set(err, PL_ERR_CONF, 0, "Put the PEM certificate of the CA that signed the server into ca_file.",
                      "the server's certificate is not from the CA in %s", ca);
}

static X509 *peer_certificate(struct bringup *b)
{
    struct berval der = {0};
    if (!set_options(b) || !set_tls(b, LDAP_OPT_X_TLS_ALLOW) ||
        (strcmp(b->url->lud_scheme, "ldaps") != 0 && !start_tls(b)) || ldap_install_tls(b->ld) != LDAP_SUCCESS ||
        ldap_get_option(b->ld, LDAP_OPT_X_TLS_PEERCERT, &der) != LDAP_OPT_SUCCESS || !der.bv_val)
        return NULL;
    const unsigned char *p = (const unsigned char *)der.bv_val;
    X509 *cert = d2i_X509(NULL, &p, (long)der.bv_len);
    ldap_memfree(der.bv_val);
    return cert;
}

/* libldap with GnuTLS only says that the handshake failed. So the server is asked once more for its certificate, on a
 * connection that accepts any and on which nothing is ever sent. Always false. */
static bool explain_tls(struct bringup *b)
{
    struct bringup again = {.o = b->o, .url = b->url};
    drop(b);
    again.fd = dir_connect(b->o, b->url);
    if (again.fd < 0)
        return false;
    if (ldap_init_fd(again.fd, LDAP_PROTO_TCP, b->o->uri, &again.ld) != LDAP_SUCCESS) {
        close(again.fd);
        return pl_err_set(&b->o->err, PL_ERR_IO, 0, "", "the TLS handshake failed");
    }
    X509 *cert = peer_certificate(&again);
    if (cert)
        judge(&again, cert);
    else
        pl_err_set(&b->o->err, PL_ERR_IO, 0, "Does it want a client certificate, or only speak old versions of TLS?",
                   "the server ended the TLS handshake");
    X509_free(cert);
    drop(&again);
    b->o->step = "doing the TLS handshake"; /* that is what failed */
    return false;
}

static bool handshake(struct bringup *b)
{
    bool ldaps = strcmp(b->url->lud_scheme, "ldaps") == 0;
    if (strcmp(b->url->lud_scheme, "ldapi") == 0 || (!ldaps && pl_str_eq_c(b->o->conf.tls, "none")))
        return true; /* dir_link.c has checked that the address is this host's own */
    b->o->step = "setting TLS up";
    if (!set_tls(b, LDAP_OPT_X_TLS_DEMAND) || (!ldaps && !start_tls(b)))
        return false;
    b->o->step = "doing the TLS handshake";
    if (ldap_install_tls(b->ld) != LDAP_SUCCESS)
        return explain_tls(b);
    if (ldap_tls_inplace(b->ld) != 1)
        return pl_err_set(&b->o->err, PL_ERR_IO, 0, "", "TLS is not in place after the handshake");
    b->o->opened.tls = true;
    return check_version(b);
}

/* ---- 3. bind ---- */

/* Active Directory says why in its text: "..., data 533, ..." (MS-ADTS 5.1.1.1.1 with the codes of MS-ERREF 2.2). */
static const char *ad_reason(const char *text)
{
    static const struct {
        const char *data, *reason;
    } reasons[] = {
        {"525", "there is no such account"},
        {"52e", "the password is wrong"},
        {"530", "the account may not log on at this time"},
        {"532", "the password has expired; set one that does not"},
        {"533", "the account is disabled"},
        {"701", "the account has expired"},
        {"773", "the password must be changed first"},
        {"775", "the account is locked out after too many wrong passwords"},
    };
    const char *at = text ? strstr(text, ", data ") : NULL;
    for (size_t i = 0; at && i < sizeof reasons / sizeof reasons[0]; i++)
        if (strncasecmp(at + 7, reasons[i].data, 3) == 0 && strchr(", ", at[10]))
            return reasons[i].reason;
    return NULL;
}

static bool explain_bind(struct bringup *b, int code, const char *text)
{
    struct pl_err *err = &b->o->err;
    const char *reason = code == LDAP_INVALID_CREDENTIALS ? ad_reason(text) : NULL;
    switch (code) {
    case LDAP_INVALID_CREDENTIALS:
        if (reason) {
            b->o->refused = true;
            return pl_err_set(err, PL_ERR_CONF, code,
                              "Put it right in the directory, or correct bind_dn and password_file.",
                              "the server refuses the service account: %s (result %d)", reason, code);
        }
        /* fall through */
    case LDAP_INAPPROPRIATE_AUTH:
        b->o->refused = true;
        return pl_err_set(err, PL_ERR_CONF, code, "Check bind_dn and password_file; the account may also be locked.",
                          "the server refuses the service account's credentials (result %d)", code);
    case LDAP_CONFIDENTIALITY_REQUIRED:
    case LDAP_STRONG_AUTH_REQUIRED:
        return pl_err_set(err, PL_ERR_CONF, code, "Set tls = starttls or use an ldaps:// address.",
                          "the server wants TLS before a password (result %d)", code);
    case LDAP_AUTH_METHOD_NOT_SUPPORTED:
        return pl_err_set(err, PL_ERR_CONF, code, "Check sasl; EXTERNAL needs ldapi:// or a client certificate.",
                          "the server does not offer this way to bind (result %d)", code);
    default:
        b->o->refused = code == LDAP_UNWILLING_TO_PERFORM;
        return pl_err_set(err, PL_ERR_IO, code, "Look into the server's log.",
                          "the server refuses the bind (result %d: %s)", code, ldap_err2string(code));
    }
}

static bool send_bind(struct bringup *b, int *msgid)
{
    const struct pl_conf_directory *c = &b->o->conf;
    struct pld_secret secret = {0};
    struct berval cred = {.bv_val = NULL, .bv_len = 0};
    int rc;
    if (pl_str_eq_c(c->sasl, "external")) {
        cred.bv_val = (char[]){""};
        rc = ldap_sasl_bind(b->ld, NULL, "EXTERNAL", &cred, NULL, NULL, msgid);
    } else if (c->bind_dn.len == 0) {
        return pl_err_set(&b->o->err, PL_ERR_CONF, 0, "Set bind_dn and password_file, or sasl = external.",
                          "no bind_dn: this would be an anonymous bind");
    } else {
        if (!pld_secret_read(c->password_file, &secret, &b->o->err))
            return false;
        cred = (struct berval){.bv_val = secret.s, .bv_len = secret.len};
        rc = ldap_sasl_bind(b->ld, c->bind_dn.s, LDAP_SASL_SIMPLE, &cred, NULL, NULL, msgid);
        pld_secret_free(&secret);
    }
    return rc == LDAP_SUCCESS || pl_err_set(&b->o->err, PL_ERR_IO, 0, "", "the bind cannot be sent");
}

static bool bind_to(struct bringup *b)
{
    int msgid = 0, code = LDAP_OTHER;
    char *text = NULL;
    LDAPMessage *msg = NULL;
    b->o->step = "binding";
    if (!send_bind(b, &msgid) || !dir_await(b->o, b->ld, msgid, &msg))
        return false;
    int rc = ldap_parse_result(b->ld, msg, &code, NULL, &text, NULL, NULL, 1);
    bool ok = rc == LDAP_SUCCESS && (code == LDAP_SUCCESS || explain_bind(b, code, text));
    if (rc != LDAP_SUCCESS)
        pl_err_set(&b->o->err, PL_ERR_IO, rc, "", "the answer to the bind is not LDAP");
    ldap_memfree(text);
    return ok;
}

/* ---- 4. hand-over ---- */

/* libldap reads each message in two steps, its head and the rest: many entries come with one read of the socket then. The
 * layer lies below that of TLS, and is asked like that one whether it holds something that the socket does not show. */
static bool read_ahead(LDAP *ld)
{
    Sockbuf *sb = NULL;
    int bytes = DIR_READ_AHEAD;
    return ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sb) == LDAP_OPT_SUCCESS && sb &&
           ber_sockbuf_add_io(sb, &ber_sockbuf_io_readahead, LBER_SBIOD_LEVEL_PROVIDER, &bytes) == 0;
}

/* A handshake leaves the socket blocking; the loop must never block. */
static bool hand_over(struct bringup *b)
{
    int fd = -1, flags;
    ldap_get_option(b->ld, LDAP_OPT_DESC, &fd);
    if (fd != b->fd || (flags = fcntl(fd, F_GETFL)) < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return pl_err_set(&b->o->err, PL_ERR_IO, errno, "", "the socket changed during the bring-up");
    limit_pdu(b->ld, DIR_PDU_MAX);
    if (!read_ahead(b->ld))
        return pl_err_set(&b->o->err, PL_ERR_IO, 0, "", "libldap takes no buffer");
    return set_ptr(b->ld, LDAP_OPT_CONNECT_ASYNC, LDAP_OPT_OFF);
}

bool dir_bind(struct dir_opening *o, const LDAPURLDesc *url, int fd)
{
    struct bringup b = {.o = o, .url = url, .fd = fd};
    bool local = strcmp(url->lud_scheme, "ldapi") == 0;
    if (ldap_init_fd(fd, local ? LDAP_PROTO_IPC : LDAP_PROTO_TCP, o->uri, &b.ld) != LDAP_SUCCESS) {
        close(fd);
        return pl_err_set(&o->err, PL_ERR_IO, 0, "", "libldap does not take the socket");
    }
    bool bound = set_options(&b) && handshake(&b) && bind_to(&b);
    bool fit = bound && dir_probe(o, b.ld);
    /* What the server answered may be looked into; a connection that failed is never used again. */
    if ((fit || (bound && o->keep && o->err.class == PL_ERR_CONF)) && hand_over(&b)) {
        o->opened.ld = b.ld;
        o->opened.fd = fd;
        return fit;
    }
    if (b.ld)
        drop(&b);
    return false;
}
