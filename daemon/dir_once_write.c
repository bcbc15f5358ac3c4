#include "dir_once_write.h"
#include "dir_once_priv.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/directory/sync.h"

_Static_assert(PLD_ONCE_PASSWORD == DIR_PASSWORD_LEN + 1, "room for a first password");

/* ---- one write ---- */

/* What the control of the answer shows; nothing when the server sent none. */
static void take_told(LDAPControl **ctrls, const struct pld_once_change *change)
{
    LDAPControl *c = ldap_control_find(PL_OID_POST_READ, ctrls, NULL);
    struct pl_str values[PL_ECHO_MAX];
    size_t n = 0;
    if (!c)
        return;
    struct pl_str value = {c->ldctl_value.bv_val, c->ldctl_value.bv_len};
    for (; n < PL_ECHO_MAX && change->tell[n]; n++)
        values[n] = pl_post_read_value(value, pl_str_c(change->tell[n]));
    pl_echo_text(change->told, values, n);
}

/* The answer to what was sent. */
static int take_code(struct pld_once *o, int msgid, const struct pld_once_change *change, struct pl_err *err)
{
    LDAPControl **ctrls = NULL;
    LDAPMessage *m = NULL;
    int code = -1;
    if (once_next(o, msgid, 1, &m, err) < 0)
        return -1;
    if (ldap_parse_result(o->ld, m, &code, NULL, NULL, NULL, &ctrls, 1) != LDAP_SUCCESS)
        return once_lost(o, err, "an answer is not LDAP");
    if (change && change->tell && code == LDAP_SUCCESS && ctrls)
        take_told(ctrls, change);
    ldap_controls_free(ctrls);
    return code;
}

/* No name of ours holds a NUL: pld_place_must_hold has looked. */
static const char *name(struct pl_arena *a, struct pl_str dn)
{
    return pl_arena_str(a, dn).s;
}

int pld_once_add(struct pld_once *o, const struct pld_place *place, struct pl_str dn, const struct pl_attr *attrs,
                 size_t n, struct pl_err *err)
{
    struct pl_arena *a = pl_arena_new();
    LDAPMod **mods = dir_attrs_make(a, attrs, n);
    int msgid = 0, code = LDAP_OTHER;
    pld_place_must_hold(place, dn);
    if (!once_alive(o, err))
        code = -1;
    else if (mods && ldap_add_ext(o->ld, name(a, dn), mods, NULL, NULL, &msgid) != LDAP_SUCCESS)
        code = once_lost(o, err, "an Add cannot be sent");
    else if (mods)
        code = take_code(o, msgid, NULL, err);
    pl_arena_free(a);
    return code;
}

static int send_modify(struct pld_once *o, struct pl_arena *a, const struct pld_once_change *change, int *msgid)
{
    static char oid[] = PL_OID_POST_READ;
    LDAPMod **mods = dir_mods_make(a, change->mods, change->n_mods, 1);
    struct berval value = {.bv_val = (char *)(uintptr_t)change->password.s, .bv_len = change->password.len};
    struct berval *values[] = {&value, NULL};
    LDAPMod replace = {.mod_op = LDAP_MOD_REPLACE | LDAP_MOD_BVALUES,
                       .mod_type = (char *)(uintptr_t)change->password_attr,
                       .mod_bvalues = values};
    LDAPControl post = {.ldctl_oid = oid}, *assertion = NULL, *ctrls[3] = {NULL};
    struct pl_buf ask = {0};
    size_t n = 0;
    int rc = mods ? LDAP_SUCCESS : LDAP_ENCODING_ERROR;
    if (rc == LDAP_SUCCESS && change->assertion.len > 0)
        rc = ldap_create_assertion_control(o->ld, (char *)(uintptr_t)name(a, change->assertion), 1, &assertion);
    if (assertion)
        ctrls[n++] = assertion;
    if (change->tell) {
        pl_post_read_request(&ask, change->tell);
        post.ldctl_value = (struct berval){.bv_val = ask.s, .bv_len = ask.len};
        ctrls[n] = &post;
    }
    if (rc == LDAP_SUCCESS && change->password.len > 0)
        mods[change->n_mods] = &replace;
    if (rc == LDAP_SUCCESS)
        rc = ldap_modify_ext(o->ld, name(a, change->dn), mods, ctrls, NULL, msgid);
    if (assertion)
        ldap_control_free(assertion);
    pl_buf_free(&ask);
    return rc;
}

int pld_once_modify(struct pld_once *o, const struct pld_place *place, const struct pld_once_change *change,
                    struct pl_err *err)
{
    struct pl_arena *a = pl_arena_new();
    int msgid = 0, code = -1;
    pld_place_must_hold(place, change->dn);
    if (!once_alive(o, err))
        goto out;
    code = send_modify(o, a, change, &msgid) == LDAP_SUCCESS ? take_code(o, msgid, change, err)
                                                             : once_lost(o, err, "a Modify cannot be sent");
out:
    pl_arena_free(a);
    return code;
}

int pld_once_delete(struct pld_once *o, const struct pld_place *place, struct pl_str dn, struct pl_err *err)
{
    struct pl_arena *a = pl_arena_new();
    int msgid = 0, code = -1;
    pld_place_must_hold(place, dn);
    if (!once_alive(o, err))
        goto out;
    code = ldap_delete_ext(o->ld, name(a, dn), NULL, NULL, &msgid) == LDAP_SUCCESS
               ? take_code(o, msgid, NULL, err)
               : once_lost(o, err, "a Delete cannot be sent");
out:
    pl_arena_free(a);
    return code;
}

int pld_once_rename(struct pld_once *o, const struct pld_place *place, struct pl_str dn, struct pl_str rdn,
                    struct pl_str parent, struct pl_err *err)
{
    struct pl_arena *a = pl_arena_new();
    int msgid = 0, code = -1;
    pld_place_must_hold(place, dn);
    pld_place_must_take(place, rdn, parent);
    if (!once_alive(o, err))
        goto out;
    code = ldap_rename(o->ld, name(a, dn), name(a, rdn), name(a, parent), 1, NULL, NULL, &msgid) == LDAP_SUCCESS
               ? take_code(o, msgid, NULL, err)
               : once_lost(o, err, "a ModifyDN cannot be sent");
out:
    pl_arena_free(a);
    return code;
}

/* ---- log-ons ---- */

/* A file that only this process has, for as long as it is open. */
static int keep(struct pl_str password, struct pl_err *err)
{
    int fd = memfd_create("paaslactl", MFD_CLOEXEC);
    if (fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, password.s, password.len) == (ssize_t)password.len)
        return fd;
    pl_err_set(err, PL_ERR_IO, 0, "", "there is no room for a password");
    if (fd >= 0)
        close(fd);
    return -1;
}

int pld_once_log_on(const struct pl_conf_directory *conf, const char *uri, struct pl_str dn, struct pl_str password,
                    struct pl_err *why)
{
    struct pl_arena *a = pl_arena_new();
    struct pl_conf_directory as = *conf;
    struct pld_once_facts facts;
    int code = -1, fd = keep(password, why);
    if (fd < 0)
        goto out;
    as.sasl = PL_STR("none");
    as.bind_dn = pl_arena_str(a, dn);
    as.password_file = pl_arena_printf(a, "/proc/self/fd/%d", fd);
    pld_once_close(pld_once_open(&as, uri, &facts));
    *why = facts.err;
    /* Whoever may not read what the daemon reads first was let in all the same. */
    if (facts.bound || facts.at == PLD_ONCE_READ || facts.at == PLD_ONCE_IDENTITY)
        code = 0;
    else if (facts.at == PLD_ONCE_LOG_ON && facts.err.code > 0)
        code = facts.err.code;
out:
    if (fd >= 0)
        close(fd);
    pl_arena_free(a);
    return code;
}

bool pld_once_first_password(enum pl_password_form form, char plain[PLD_ONCE_PASSWORD], struct pl_buf *out,
                             struct pl_err *err)
{
    return dir_password_try(form, plain, out, err);
}

bool pld_once_useless_password(enum pl_password_form form, struct pl_buf *out, struct pl_err *err)
{
    return dir_password_useless(form, out, err);
}

void pld_once_forget(struct pl_buf *password)
{
    dir_password_wipe(password);
}
