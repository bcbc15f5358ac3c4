#include "dir_once_priv.h"
#include "dir_page.h"

#include <openldap.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { CUT_GRACE_MS = 5000 }; /* a name lookup heeds no cut */

/* ---- opening ---- */

static bool wait_for(struct dir_opening *o, int64_t until_ms)
{
    struct pollfd p = {.fd = o->done_fd, .events = POLLIN};
    int64_t left;
    while (!dir_opening_done(o) && (left = until_ms - dir_now_ms()) > 0)
        (void)poll(&p, 1, (int)left);
    return dir_opening_done(o);
}

static int64_t time_us(const ASN1_TIME *t)
{
    struct tm tm;
    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) * 1000000 : 0;
}

static void look_at_certificate(LDAP *ld, struct pld_once_facts *f)
{
    struct berval der = {0};
    if (ldap_get_option(ld, LDAP_OPT_X_TLS_PEERCERT, &der) != LDAP_OPT_SUCCESS || !der.bv_val)
        return;
    const unsigned char *p = (const unsigned char *)der.bv_val;
    X509 *cert = d2i_X509(NULL, &p, (long)der.bv_len);
    ldap_memfree(der.bv_val);
    if (!cert)
        return;
    f->not_after_us = time_us(X509_get0_notAfter(cert));
    f->has_certificate = f->not_after_us != 0;
    (void)X509_NAME_get_text_by_NID(X509_get_issuer_name(cert), NID_commonName, f->issuer, sizeof f->issuer);
    X509_free(cert);
}

static void look_at_tls(LDAP *ld, struct pld_once_facts *f)
{
    char *version = NULL;
    if (!f->tls)
        return;
    if (ldap_get_option(ld, LDAP_OPT_X_TLS_VERSION, &version) == LDAP_OPT_SUCCESS && version)
        snprintf(f->tls_version, sizeof f->tls_version, "%s", version);
    ldap_memfree(version);
    look_at_certificate(ld, f);
}

static enum pld_once_at step_of(const char *step)
{
    static const struct {
        const char *text;
        enum pld_once_at step;
    } steps[] = {{"setting TLS up", PLD_ONCE_TLS},
                 {"asking for StartTLS", PLD_ONCE_TLS},
                 {"doing the TLS handshake", PLD_ONCE_TLS},
                 {"binding", PLD_ONCE_LOG_ON},
                 {"reading people_base", PLD_ONCE_IDENTITY}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (strcmp(step, steps[i].text) == 0)
            return steps[i].step;
    return strncmp(step, "reading ", 8) == 0 ? PLD_ONCE_READ : PLD_ONCE_REACH;
}

static void take_facts(const struct dir_opening *o, struct pld_once_facts *f)
{
    const struct dir_opened *was = &o->opened;
    f->bound = was->ld != NULL;
    f->fit = o->ok;
    f->refused = o->refused;
    f->step = o->step;
    f->ppolicy = was->ppolicy;
    f->watch = was->watch;
    f->assertion = was->assertion;
    f->post_read = was->post_read;
    f->policy_in_force = was->policy_in_force;
    f->tls = was->tls;
    snprintf(f->identity, sizeof f->identity, "%s", was->identity);
    if (!f->fit)
        f->err = o->err;
    f->at = step_of(o->step);
}

struct pld_once *pld_once_open(const struct pl_conf_directory *conf, const char *uri, struct pld_once_facts *facts)
{
    struct pld_once *out = NULL;
    *facts = (struct pld_once_facts){.step = "starting"};
    struct dir_opening *o = dir_opening_start_keep(conf, uri, &facts->err);
    if (!o)
        return NULL;
    if (!wait_for(o, o->deadline_ms)) {
        dir_opening_cut(o);
        if (!wait_for(o, dir_now_ms() + CUT_GRACE_MS)) {
            pl_err_set(&facts->err, PL_ERR_IO, 0, "Check the name in uris and this host's resolver.",
                       "no end within %lld ms", (long long)conf->connect_ms);
            dir_opening_free(o);
            return NULL;
        }
    }
    take_facts(o, facts);
    if (o->opened.ld) {
        out = pl_xcalloc(1, sizeof *out);
        *out = (struct pld_once){.ld = o->opened.ld, .timeout_ms = conf->timeout_ms};
        o->opened.ld = NULL;
        look_at_tls(out->ld, facts);
    }
    dir_opening_free(o);
    return out;
}

static void drop(struct pld_once *o)
{
    if (o->ld)
        ldap_unbind_ext(o->ld, NULL, NULL);
    o->ld = NULL;
}

void pld_once_close(struct pld_once *o)
{
    if (!o)
        return;
    drop(o);
    free(o);
}

/* ---- asking ---- */

int once_lost(struct pld_once *o, struct pl_err *err, const char *why)
{
    drop(o);
    pl_err_set(err, PL_ERR_IO, 0, "Look into the server's log.", "%s", why);
    return -1;
}

bool once_alive(const struct pld_once *o, struct pl_err *err)
{
    return o->ld || pl_err_set(err, PL_ERR_IO, 0, "", "the connection is gone");
}

int once_next(struct pld_once *o, int msgid, int patience, LDAPMessage **msg, struct pl_err *err)
{
    int64_t ms = o->timeout_ms * patience;
    struct timeval left = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    int type = ldap_result(o->ld, msgid, LDAP_MSG_ONE, &left, msg);
    if (type > 0)
        return type;
    return once_lost(o, err, type == 0 ? "no answer in time" : "the server ended the connection");
}

static int send_search(struct pld_once *o, const struct pld_once_ask *ask, struct berval *cookie, struct pl_arena *a,
                       int *msgid)
{
    LDAPControl usable = {.ldctl_oid = (char[]){DIR_OID_USABILITY}}, more = {0}, *page = NULL, *ctrls[4] = {NULL};
    size_t n = 0;
    if (ask->paged &&
        ldap_create_page_control(o->ld, ask->page ? ask->page : DIR_PAGE, cookie, 0, &page) != LDAP_SUCCESS)
        return LDAP_NO_MEMORY;
    if (page)
        ctrls[n++] = page;
    if (ask->usability)
        ctrls[n++] = &usable;
    if (ask->control) {
        struct pl_str v = pl_arena_str(a, ask->control_value); /* libldap does not write there */
        more.ldctl_oid = (char *)(uintptr_t)ask->control;
        more.ldctl_value = (struct berval){.bv_val = v.len ? (char *)(uintptr_t)v.s : NULL, .bv_len = v.len};
        more.ldctl_iscritical = (char)ask->control_critical;
        ctrls[n++] = &more;
    }
    int rc =
        ldap_search_ext(o->ld, pl_arena_str(a, ask->base).s, ask->scope, ask->filter ? ask->filter : "(objectClass=*)",
                        (char **)(uintptr_t)ask->attrs, 0, n ? ctrls : NULL, NULL, NULL, LDAP_NO_LIMIT, msgid);
    if (page)
        ldap_control_free(page);
    return rc;
}

static bool take_entry(struct pld_once *o, const struct pld_once_ask *ask, LDAPMessage *m, struct pld_once_answer *out)
{
    struct pl_arena *a = pl_arena_new();
    struct pl_entry e = {0};
    bool ok = dir_entry_read(o->ld, m, ask->usability, a, &e, &out->partial);
    if (ok && ask->entry)
        ask->entry(ask->ctx, &e);
    out->entries += ok;
    pl_arena_free(a);
    return ok;
}

/* Where the next page begins, in memory of its own. */
static bool take_page(LDAPControl **ctrls, struct berval *cookie)
{
    struct pl_str told;
    bool ok = dir_page_next(ctrls, &told);
    struct berval bv = {told.len, (char *)(uintptr_t)told.s}; /* libldap does not write there */
    if (told.len)
        ber_dupbv(cookie, &bv);
    return ok;
}

/* The code at the end, and where the next page begins; *cookie is the caller's to free. */
static int take_end(struct pld_once *o, const struct pld_once_ask *ask, LDAPMessage *m, struct berval *cookie)
{
    LDAPControl **ctrls = NULL;
    int code = LDAP_OTHER;
    if (ldap_parse_result(o->ld, m, &code, NULL, NULL, NULL, &ctrls, 0) != LDAP_SUCCESS)
        return LDAP_PROTOCOL_ERROR;
    if (ask->paged && code == LDAP_SUCCESS && !take_page(ctrls, cookie))
        code = LDAP_PROTOCOL_ERROR;
    ldap_controls_free(ctrls);
    return code;
}

/* One page. The code, or -1 with out->err. */
static int one_page(struct pld_once *o, const struct pld_once_ask *ask, struct berval *cookie, struct pl_arena *a,
                    struct pld_once_answer *out)
{
    int msgid = 0, code = -2, type;
    if (send_search(o, ask, cookie->bv_val ? cookie : NULL, a, &msgid) != LDAP_SUCCESS)
        return once_lost(o, &out->err, "a search cannot be sent");
    ber_memfree(cookie->bv_val);
    *cookie = (struct berval){0};
    while (code == -2) {
        LDAPMessage *m = NULL;
        if ((type = once_next(o, msgid, ask->paged ? DIR_PAGED_PATIENCE : 1, &m, &out->err)) < 0)
            return -1;
        if (type == LDAP_RES_SEARCH_ENTRY && !take_entry(o, ask, m, out))
            code = LDAP_PROTOCOL_ERROR;
        else if (type == LDAP_RES_SEARCH_REFERENCE)
            out->partial = true;
        else if (type == LDAP_RES_SEARCH_RESULT)
            code = take_end(o, ask, m, cookie);
        ldap_msgfree(m);
    }
    return code;
}

bool pld_once_search(struct pld_once *o, const struct pld_once_ask *ask, struct pld_once_answer *out)
{
    struct berval cookie = {0};
    struct pl_arena *a = pl_arena_new();
    *out = (struct pld_once_answer){.code = -1};
    if (once_alive(o, &out->err))
        do
            out->code = one_page(o, ask, &cookie, a, out);
        while (out->code == LDAP_SUCCESS && cookie.bv_len > 0);
    ber_memfree(cookie.bv_val);
    pl_arena_free(a);
    return out->code == LDAP_SUCCESS;
}

int pld_once_compare(struct pld_once *o, struct pl_str dn, const char *attr, struct pl_str value, struct pl_err *err)
{
    struct pl_arena *a = pl_arena_new();
    struct pl_str v = pl_arena_str(a, value);
    struct berval bv = {.bv_val = (char *)(uintptr_t)v.s, .bv_len = v.len}; /* libldap does not write there */
    LDAPMessage *m = NULL;
    int msgid = 0, code = -1;
    if (!once_alive(o, err))
        goto out;
    if (ldap_compare_ext(o->ld, pl_arena_str(a, dn).s, attr, &bv, NULL, NULL, &msgid) != LDAP_SUCCESS)
        once_lost(o, err, "a compare cannot be sent");
    else if (once_next(o, msgid, 1, &m, err) > 0 &&
             ldap_parse_result(o->ld, m, &code, NULL, NULL, NULL, NULL, 0) != LDAP_SUCCESS)
        code = LDAP_PROTOCOL_ERROR;
    ldap_msgfree(m);
out:
    pl_arena_free(a);
    return code;
}

struct pl_str pld_once_whoami(struct pld_once *o, struct pl_arena *a)
{
    struct pl_str out = {"", 0};
    struct berval *name = NULL;
    struct pl_err err;
    LDAPMessage *m = NULL;
    int msgid = 0, code = LDAP_OTHER;
    if (!once_alive(o, &err) || ldap_whoami(o->ld, NULL, NULL, &msgid) != LDAP_SUCCESS ||
        once_next(o, msgid, 1, &m, &err) < 0)
        goto out;
    if (ldap_parse_result(o->ld, m, &code, NULL, NULL, NULL, NULL, 0) == LDAP_SUCCESS && code == LDAP_SUCCESS &&
        ldap_parse_whoami(o->ld, m, &name) == LDAP_SUCCESS && name && name->bv_len > 0)
        out = pl_arena_str(a, (struct pl_str){name->bv_val, name->bv_len});
out:
    ber_bvfree(name);
    ldap_msgfree(m);
    return out;
}

/* ---- without TLS ---- */

/* A name and a password that nobody has. */
static int bind_as_nobody(LDAP *ld, const char *name, struct timeval *left, struct pl_err *err)
{
    struct berval word = {.bv_val = (char[]){"nobody's password"}, .bv_len = 17};
    LDAPMessage *m = NULL;
    int version = LDAP_VERSION3, msgid = 0, code = LDAP_OTHER;
    bool sent = ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
                ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
                ldap_sasl_bind(ld, name, LDAP_SASL_SIMPLE, &word, NULL, NULL, &msgid) == LDAP_SUCCESS;
    if (!sent || ldap_result(ld, msgid, LDAP_MSG_ALL, left, &m) <= 0 ||
        ldap_parse_result(ld, m, &code, NULL, NULL, NULL, NULL, 0) != LDAP_SUCCESS) {
        pl_err_set(err, PL_ERR_IO, 0, "", "no answer without TLS");
        code = -1;
    }
    ldap_msgfree(m);
    return code;
}

int pld_once_plain(const struct pl_conf_directory *conf, const char *uri, struct pl_err *err)
{
    struct dir_opening *o = dir_opening_alone(conf, uri);
    LDAPURLDesc *url = NULL;
    LDAP *ld = NULL;
    int code = -1, fd = -1;
    if (ldap_url_parse(uri, &url) != LDAP_URL_SUCCESS || strcmp(url->lud_scheme, "ldap") != 0)
        pl_err_set(err, PL_ERR_CONF, 0, "", "this is no ldap:// address");
    else if ((fd = dir_connect(o, url)) < 0)
        *err = o->err;
    else if (ldap_init_fd(fd, LDAP_PROTO_TCP, uri, &ld) != LDAP_SUCCESS)
        pl_err_set(err, PL_ERR_IO, 0, "", "libldap does not take the socket");
    if (ld) {
        int64_t ms = o->deadline_ms - dir_now_ms();
        struct timeval left = {.tv_sec = ms > 0 ? ms / 1000 : 0, .tv_usec = ms > 0 ? ms % 1000 * 1000 : 1};
        /* Below people_base, so that the rules of that database are asked. */
        struct pl_str name = pl_arena_printf(o->arena, "cn=nobody of paaslactl preflight,%s", conf->people_base.s);
        code = bind_as_nobody(ld, name.s, &left, err);
        ldap_unbind_ext(ld, NULL, NULL);
    } else if (fd >= 0) {
        close(fd);
    }
    if (url)
        ldap_free_urldesc(url);
    dir_opening_free(o);
    return code;
}
