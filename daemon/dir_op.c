/* One connection's requests: the queue, the table of those in flight, sending and back-pressure. Nothing here waits: a
 * full socket is LDAP_BUSY, and then libldap keeps half a request and takes no other until that is flushed. */
#include "dir_server.h"

#include <stdlib.h>
#include <string.h>
#include "../lib/directory/dirsync.h"
#include "../lib/directory/persist.h"
#include "../lib/directory/sync.h"

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    dir_link_work(arg);
}

/* ---- life of a link ---- */

void dir_link_init(struct dir_link *l, struct pld_dir *d, int ch)
{
    *l = (struct dir_link){.dir = d, .channel = ch, .fd = -1};
    l->queue_end = &l->queue;
    l->flush = evtimer_new(d->host.base, on_readable, l);
}

bool dir_link_adopt(struct dir_link *l, const struct dir_opened *o)
{
    l->ld = o->ld;
    l->fd = o->fd;
    l->ends_ms = o->ends_ms;
    l->busy_msgid = 0;
    l->quiet_since_ms = dir_now_ms();
    l->readable = event_new(l->dir->host.base, l->fd, EV_READ | EV_PERSIST, on_readable, l);
    l->reading = l->readable && event_add(l->readable, NULL) == 0;
    return l->reading;
}

void dir_link_close(struct dir_link *l)
{
    if (l->readable)
        event_free(l->readable);
    l->readable = NULL;
    l->reading = false;
    event_del(l->flush);
    l->paged = NULL;
    for (size_t i = 0; i < l->n_sent; i++) /* whether the server took a first password is unknown: its file stays */
        dir_req_free(l->sent[i]);
    l->n_sent = 0;
    for (struct dir_req *r; (r = l->queue);) {
        l->queue = r->next;
        if (r->password_file) /* never sent */
            dir_password_unlink(r->password_file);
        dir_req_free(r);
    }
    l->queue_end = &l->queue;
    if (l->ld)
        ldap_unbind_ext(l->ld, NULL, NULL); /* closes the socket too */
    l->ld = NULL;
    l->fd = -1;
}

/* ---- queue and table ---- */

void dir_link_submit(struct dir_link *l, struct dir_req *r)
{
    r->next = NULL;
    *l->queue_end = r;
    l->queue_end = &r->next;
}

void dir_link_push_front(struct dir_link *l, struct dir_req *r)
{
    r->next = l->queue;
    l->queue = r;
    if (!r->next)
        l->queue_end = &r->next;
}

/* What goes everywhere keeps its order for each entry, and servers do not keep it for what is in flight together. */
static bool must_wait(const struct dir_link *l, const struct dir_req *r)
{
    for (size_t i = 0; i < l->n_sent && r->everywhere; i++)
        if (l->sent[i]->everywhere && strcmp(l->sent[i]->dn, r->dn) == 0)
            return true;
    return r->paged && l->paged && l->paged != r;
}

/* The first that may go: a second paged read waits until the first has its last page. */
static struct dir_req *take_next(struct dir_link *l)
{
    for (struct dir_req **at = &l->queue, *r; (r = *at); at = &r->next) {
        if (must_wait(l, r))
            continue;
        *at = r->next;
        if (!*at)
            l->queue_end = at;
        r->next = NULL;
        return r;
    }
    return NULL;
}

void dir_link_forget(struct dir_link *l, struct dir_req *r)
{
    for (size_t i = 0; i < l->n_sent; i++)
        if (l->sent[i] == r) {
            l->sent[i] = l->sent[--l->n_sent];
            break;
        }
    if (l->busy_msgid == r->msgid)
        l->busy_msgid = 0;
    r->msgid = 0;
}

/* Answers a request that is in no list any more. */
void dir_link_finish(struct dir_link *l, struct dir_req *r, int code, bool complete)
{
    if (l->paged == r)
        l->paged = NULL;
    if (r->password_file && code != LDAP_SUCCESS)
        dir_password_unlink(r->password_file);
    else if (r->password_file)
        pld_log(5, "directory.first_password", "%s: a first password lies in %s", l->dir->name,
                l->dir->first_password_dir);
    if (r->everywhere)
        dir_sister_answer(l, r, code);
    else if (!r->probe)
        dir_emit_result(l->dir, r, code, complete);
    dir_req_free(r);
}

void dir_link_arm(struct dir_link *l, struct dir_req *r)
{
    bool much = r->paged || r->kind == PL_CMD_WATCH;
    r->deadline_ms = r->stays ? INT64_MAX : dir_now_ms() + l->dir->conf->timeout_ms * (much ? DIR_PAGED_PATIENCE : 1);
}

/* ---- sending ---- */

static int send_search(struct dir_link *l, struct dir_req *r, int *msgid)
{
    LDAPControl *page = NULL, usable = {.ldctl_oid = (char[]){DIR_OID_USABILITY}}, *ctrls[4] = {NULL};
    const struct pl_dialect *dialect = pl_dialect_find(l->dir->conf->dialect);
    LDAPControl own = {.ldctl_oid = (char *)(uintptr_t)(dialect ? dialect->search_control : NULL)};
    size_t n = 0;
    if (r->paged) {
        int rc = ldap_create_page_control(l->ld, DIR_PAGE, r->cookie, 0, &page);
        if (rc != LDAP_SUCCESS)
            return rc;
        ctrls[n++] = page;
    }
    if (r->usability)
        ctrls[n++] = &usable;
    if (own.ldctl_oid)
        ctrls[n++] = &own;
    const char *base = r->dn, *filter = r->filter;
    int scope = r->scope;
    char **attrs = r->attrs;
    if (r->range)
        dir_range_search(r->range, &base, &scope, &filter, &attrs);
    int rc = ldap_search_ext(l->ld, base, scope, filter, attrs, 0, n ? ctrls : NULL, NULL, NULL, LDAP_NO_LIMIT, msgid);
    if (page)
        ldap_control_free(page);
    return rc;
}

static int send_watch(struct dir_link *l, struct dir_req *r, int *msgid)
{
    static char oids[][32] = {[PL_WATCH_SYNC] = PL_OID_SYNC_REQUEST,
                              [PL_WATCH_PERSISTENT] = PL_OID_PERSIST_REQUEST,
                              [PL_WATCH_DIRSYNC] = PL_OID_DIRSYNC,
                              [PL_WATCH_WAKE] = ""}; /* the dialect's */
    LDAPControl control = {.ldctl_oid = oids[r->watch], .ldctl_iscritical = 1}, *ctrls[] = {&control, NULL};
    if (r->watch == PL_WATCH_WAKE)
        control.ldctl_oid = (char *)(uintptr_t)pl_dialect_find(l->dir->conf->dialect)->wake_control;
    if (r->control.len)
        control.ldctl_value = (struct berval){.bv_val = (char *)(uintptr_t)r->control.s, .bv_len = r->control.len};
    return ldap_search_ext(l->ld, r->dn, LDAP_SCOPE_SUBTREE, "(objectClass=*)", r->attrs, 0, ctrls, NULL, NULL,
                           LDAP_NO_LIMIT, msgid);
}

static LDAPControl post_read_control(const struct dir_req *r)
{
    static char oid[] = PL_OID_POST_READ;
    return (LDAPControl){.ldctl_oid = oid,
                         .ldctl_value = {.bv_val = (char *)(uintptr_t)r->post_read.s, .bv_len = r->post_read.len}};
}

static int send_add(struct dir_link *l, struct dir_req *r, int *msgid)
{
    LDAPControl post = post_read_control(r), *ctrls[] = {r->post_read.len ? &post : NULL, NULL};
    return ldap_add_ext(l->ld, r->dn, r->mods, ctrls, NULL, msgid);
}

static int send_modify(struct dir_link *l, struct dir_req *r, int *msgid)
{
    LDAPControl post = post_read_control(r), *assertion = NULL, *ctrls[3] = {NULL};
    size_t n = 0;
    if (r->assertion) {
        int rc = ldap_create_assertion_control(l->ld, (char *)(uintptr_t)r->assertion, 1, &assertion);
        if (rc != LDAP_SUCCESS)
            return rc;
        ctrls[n++] = assertion;
    }
    if (r->post_read.len)
        ctrls[n] = &post;
    struct berval value = {.bv_val = r->password.s, .bv_len = r->password.len}, *values[] = {&value, NULL};
    LDAPMod replace = {.mod_op = LDAP_MOD_REPLACE | LDAP_MOD_BVALUES, .mod_type = (char *)(uintptr_t)r->password_attr};
    replace.mod_bvalues = values;
    if (r->password.len)
        r->mods[r->n_mods] = &replace;
    int rc = ldap_modify_ext(l->ld, r->dn, r->mods, ctrls, NULL, msgid);
    r->mods[r->n_mods] = NULL;
    if (assertion)
        ldap_control_free(assertion);
    return rc;
}

/* A first password lies in its file before it goes out: a crash can lose neither the person nor the way in. */
static bool prepare_password(struct dir_link *l, struct dir_req *r)
{
    struct pl_err err = {0};
    if (r->secret == PL_SECRET_NONE || r->password.len)
        return true;
    if (r->secret == PL_SECRET_FIRST ? dir_password_first(l->dir->first_password_dir, r->login, r->password_form,
                                                          &r->password, &r->password_file, &err)
                                     : dir_password_useless(r->password_form, &r->password, &err))
        return true;
    dir_say(l->dir, 3, err.text, err.hint);
    return false;
}

static int send_any(struct dir_link *l, struct dir_req *r, int *msgid)
{
    switch (r->kind) {
    case PL_CMD_SEARCH:
        return send_search(l, r, msgid);
    case PL_CMD_ADD:
        return send_add(l, r, msgid);
    case PL_CMD_WATCH:
        return send_watch(l, r, msgid);
    default:
        return send_modify(l, r, msgid);
    }
}

/* Takes `r` over. */
static enum dir_step send_one(struct dir_link *l, struct dir_req *r)
{
    int msgid = -1, fd = -1, state = LDAP_SUCCESS;
    ldap_get_option(l->ld, LDAP_OPT_DESC, &fd);
    if (fd != l->fd) {
        dir_link_push_front(l, r);
        return DIR_STEP_BROKEN; /* libldap lost the socket and would open another one, unauthenticated */
    }
    if (!prepare_password(l, r)) {
        dir_link_finish(l, r, LDAP_OTHER, false);
        return DIR_STEP_ON;
    }
    int rc = send_any(l, r, &msgid);
    ldap_get_option(l->ld, LDAP_OPT_RESULT_CODE, &state);
    if (rc == LDAP_BUSY) { /* the one before is still being flushed */
        dir_link_push_front(l, r);
        return DIR_STEP_ENDED;
    }
    if (rc == LDAP_SERVER_DOWN || rc == LDAP_CONNECT_ERROR || rc == LDAP_TIMEOUT || rc == LDAP_LOCAL_ERROR) {
        l->sent[l->n_sent++] = r; /* perhaps in part */
        return DIR_STEP_BROKEN;
    }
    if (rc != LDAP_SUCCESS) { /* a filter or value that libldap cannot encode; nothing left this process */
        pld_log(3, "directory.not_sent", "%s: a request could not be encoded (libldap %d)", l->dir->name, rc);
        dir_link_finish(l, r, LDAP_OTHER, false);
        return DIR_STEP_ON;
    }
    dir_password_wipe(&r->password);
    r->msgid = msgid;
    l->sent[l->n_sent++] = r;
    if (r->paged)
        l->paged = r;
    dir_link_arm(l, r);
    l->quiet_since_ms = dir_now_ms();
    if (l->n_sent == 1)
        l->owed_ms = l->quiet_since_ms;
    if (state != LDAP_BUSY)
        return DIR_STEP_ON;
    l->busy_msgid = msgid;
    return DIR_STEP_ENDED;
}

bool dir_link_send(struct dir_link *l)
{
    while (!l->busy_msgid && l->n_sent < DIR_IN_FLIGHT) {
        struct dir_req *r = take_next(l);
        if (!r)
            return true;
        enum dir_step s = send_one(l, r);
        if (s == DIR_STEP_BROKEN)
            return false;
        if (s == DIR_STEP_ENDED)
            break;
    }
    if (l->busy_msgid || (l->queue && l->n_sent < DIR_IN_FLIGHT)) {
        struct timeval soon = {.tv_usec = DIR_FLUSH_MS * 1000};
        event_add(l->flush, &soon);
    }
    return true;
}
