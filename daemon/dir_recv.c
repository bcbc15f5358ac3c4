/* What comes back on one connection. Answers are read one message at a time until libldap has no more, because TLS and
 * libldap hold data that the socket does not show. A request that gets no answer in time takes the whole directory down:
 * what the server did with it is unknown. */
#include "dir_page.h"
#include "dir_server.h"
#include "../lib/directory/sync.h"

/* ---- one message ---- */

static struct dir_req *find_sent(struct dir_link *l, int msgid)
{
    for (size_t i = 0; i < l->n_sent; i++)
        if (l->sent[i]->msgid == msgid)
            return l->sent[i];
    return NULL;
}

static enum pl_flow tell_entry(struct dir_link *l, const struct dir_req *r, const struct pl_entry *entry)
{
    struct pld_host *h = &l->dir->host;
    struct pl_event ev = {.kind = PL_EV_ENTRY, .req = r->id, .directory = l->dir->conf->name, .entry = entry};
    return h->emit(h->ctx, &ev);
}

static enum dir_step take_entry(struct dir_link *l, struct dir_req *r, LDAPMessage *m)
{
    if (r->probe)
        return DIR_STEP_ON;
    bool part = false;
    struct pl_entry entry = {0};
    struct pl_arena *a = pl_arena_new();
    bool ok = dir_entry_read(l->ld, m, r->usability, a, &entry, &part);
    if (ok && r->range)
        dir_range_entry(r->range, &entry);
    else if (ok && part && !r->paged)
        r->range = dir_range_begin(&entry); /* told when it is whole */
    else if (ok)
        r->paused = tell_entry(l, r, &entry) == PL_PAUSE && r->paged;
    r->incomplete = r->incomplete || (part && r->paged);
    pl_arena_free(a);
    return ok ? DIR_STEP_ON : DIR_STEP_BROKEN;
}

/* Keeps the next page's cookie; none: that was all. */
static bool take_page(struct dir_req *r, LDAPControl **ctrls)
{
    struct pl_str cookie;
    bool ok = dir_page_next(ctrls, &cookie);
    struct berval bv = {cookie.len, (char *)(uintptr_t)cookie.s}; /* libldap does not write there */
    r->cookie = cookie.len ? ber_dupbv(NULL, &bv) : NULL;
    return ok;
}

/* The version that our write made: what a watch will tell of it is then known to be ours. */
static void take_version(struct dir_req *r, LDAPControl **ctrls)
{
    LDAPControl *c = ldap_control_find(PL_OID_POST_READ, ctrls, NULL);
    if (!c)
        return;
    struct pl_str value = {c->ldctl_value.bv_val, c->ldctl_value.bv_len}, values[PL_ECHO_MAX];
    struct pl_buf text = {0};
    size_t n = 0;
    for (; n < PL_ECHO_MAX && r->version_attrs[n]; n++)
        values[n] = pl_post_read_value(value, pl_str_c(r->version_attrs[n]));
    pl_echo_text(&text, values, n);
    r->version = pl_arena_str(r->arena, pl_buf_str(&text));
    pl_buf_free(&text);
}

/* A search for parts has ended: true when there is another one to send. */
static bool goes_on(struct dir_link *l, struct dir_req *r, int code)
{
    switch (dir_range_result(r->range, code)) {
    case DIR_RANGE_ON:
        return true;
    case DIR_RANGE_WHOLE:
        (void)tell_entry(l, r, dir_range_whole(r->range));
        return false;
    case DIR_RANGE_BROKEN:
        break;
    }
    r->incomplete = true;
    return false;
}

static enum dir_step take_result(struct dir_link *l, struct dir_req *r, LDAPMessage *m)
{
    int code = LDAP_OTHER;
    char *text = NULL;
    LDAPControl **ctrls = NULL;
    if (ldap_parse_result(l->ld, m, &code, NULL, &text, NULL, &ctrls, 0) != LDAP_SUCCESS)
        return DIR_STEP_BROKEN;
    if (r->kind != PL_CMD_SEARCH)
        dir_server_answered(l, code, text);
    ldap_memfree(text);
    ber_bvfree(r->cookie);
    r->cookie = NULL;
    bool ok = !r->paged || code != LDAP_SUCCESS || take_page(r, ctrls);
    if (r->post_read.len && code == LDAP_SUCCESS && ctrls)
        take_version(r, ctrls);
    if (ctrls)
        ldap_controls_free(ctrls);
    if (!ok)
        return DIR_STEP_BROKEN; /* there may be more, so this must not pass for all */
    dir_link_forget(l, r);
    if (r->stands)
        dir_watch_stands(l);
    if (r->cookie || (r->range && goes_on(l, r, code))) {
        dir_link_push_front(l, r);
        return DIR_STEP_ENDED;
    }
    if (r->kind == PL_CMD_SEARCH && (code == LDAP_SIZELIMIT_EXCEEDED || code == LDAP_ADMINLIMIT_EXCEEDED))
        dir_say(l->dir, 4, "the server's size limit cuts a read short",
                "Lift it for the service account (slapd: limits dn.exact=\"...\" size=unlimited time=unlimited; 389ds: "
                "nsSizeLimit, nsLookThroughLimit and nsPagedSizeLimit of its entry).");
    if (r->kind == PL_CMD_SEARCH && code == LDAP_REFERRAL)
        dir_say(l->dir, 4, "the server refers a read to another server, and nobody follows it there",
                "Is each configured DN in the server's own part of the tree?");
    dir_link_finish(l, r, code, r->kind == PL_CMD_SEARCH && code == LDAP_SUCCESS && !r->incomplete);
    return DIR_STEP_ENDED;
}

static enum dir_step take_message(struct dir_link *l, struct dir_req *r, LDAPMessage *m)
{
    static const int results[] = {
        [PL_CMD_SEARCH] = LDAP_RES_SEARCH_RESULT, [PL_CMD_MODIFY] = LDAP_RES_MODIFY, [PL_CMD_ADD] = LDAP_RES_ADD};
    int type = ldap_msgtype(m);
    if (r->kind == PL_CMD_WATCH)
        return dir_watch_message(l, r, m);
    if (type == results[r->kind])
        return take_result(l, r, m);
    if (r->kind != PL_CMD_SEARCH)
        return DIR_STEP_BROKEN;
    dir_link_arm(l, r);
    switch (type) {
    case LDAP_RES_SEARCH_ENTRY:
        return take_entry(l, r, m);
    case LDAP_RES_SEARCH_REFERENCE: /* a part lies elsewhere: this read proves no absence */
        r->incomplete = true;
        return DIR_STEP_ON;
    case LDAP_RES_INTERMEDIATE:
        return DIR_STEP_ON;
    default:
        return DIR_STEP_BROKEN;
    }
}

static void hold(struct dir_req *r, LDAPMessage *m)
{
    if (r->n_held == r->cap_held) {
        r->cap_held = r->cap_held ? r->cap_held * 2 : 64;
        r->held = pl_xrealloc_array(r->held, r->cap_held, sizeof(LDAPMessage *));
    }
    r->held[r->n_held++] = m;
}

/* Hands on what a paused read has received, once the engine wants more. */
static bool resume(struct dir_link *l)
{
    struct dir_req *r = l->paged;
    struct pld_host *h = &l->dir->host;
    if (!r || !r->paused || !h->wants(h->ctx, r->id))
        return true;
    r->paused = false;
    dir_link_arm(l, r);
    while (!r->paused && r->n_held > 0) {
        LDAPMessage *m = r->held[r->first_held++];
        if (r->first_held == r->n_held) /* before it is handled: the result ends or moves the request */
            r->first_held = r->n_held = 0;
        enum dir_step s = take_message(l, r, m);
        ldap_msgfree(m);
        if (s != DIR_STEP_ON)
            return s == DIR_STEP_ENDED;
    }
    return true;
}

/* Not while the only answer to come is one that nobody wants now: TCP then slows the server down. */
static bool may_read(const struct dir_link *l)
{
    return !(l->paged && l->paged->paused && l->n_sent == 1 && l->sent[0] == l->paged);
}

static bool dispatch(struct dir_link *l, LDAPMessage *m, const char **why)
{
    int msgid = ldap_msgid(m);
    struct dir_req *r = msgid == LDAP_RES_UNSOLICITED ? NULL : find_sent(l, msgid);
    if (msgid == LDAP_RES_UNSOLICITED) {
        *why = "the server ends the connection (notice of disconnection)";
        ldap_msgfree(m);
        return false;
    }
    if (r && r->paused) {
        hold(r, m);
        return true;
    }
    *why = "the server sent something that is no answer to what was asked";
    bool ok = !r || take_message(l, r, m) != DIR_STEP_BROKEN; /* no request: a late answer */
    ldap_msgfree(m);
    return ok;
}

/* libldap ends with "nothing yet" after each piece of a message, also while the next pieces already lie in its own buffers
 * or those of TLS: the socket shows nothing of them, and nobody would wake us. */
static bool holds_more(const struct dir_link *l)
{
    Sockbuf *sb = NULL;
    return ldap_get_option(l->ld, LDAP_OPT_SOCKBUF, &sb) == LDAP_OPT_SUCCESS && sb &&
           ber_sockbuf_ctrl(sb, LBER_SB_OPT_DATA_READY, NULL) > 0;
}

static bool drain(struct dir_link *l, const char **why)
{
    for (int budget = DIR_BUDGET; may_read(l); budget--) {
        LDAPMessage *m = NULL;
        struct timeval none = {0};
        if (budget == 0) {
            dir_kick(l->dir);
            return true;
        }
        int type = ldap_result(l->ld, LDAP_RES_ANY, LDAP_MSG_ONE, &none, &m);
        if (type == 0 && holds_more(l))
            continue;
        if (type == 0)
            return true;
        *why = "the connection was lost";
        if (type < 0)
            return false;
        l->quiet_since_ms = l->heard_ms = dir_now_ms();
        if (!dispatch(l, m, why))
            return false;
    }
    return true;
}

static void set_reading(struct dir_link *l)
{
    bool want = may_read(l);
    if (want == l->reading)
        return;
    if (want)
        event_add(l->readable, NULL);
    else
        event_del(l->readable);
    l->reading = want;
}

void dir_link_work(struct dir_link *l)
{
    const char *why = "the server sent something that is no answer to what was asked";
    if (!l->ld)
        return;
    if (!resume(l) || !drain(l, &why)) {
        dir_link_broken(l, why, "");
        return;
    }
    if (!dir_link_send(l)) {
        dir_link_broken(l, "the connection was lost", "");
        return;
    }
    set_reading(l);
}

/* ---- time ---- */

static bool is_overdue(const struct dir_link *l, int64_t now)
{
    for (size_t i = 0; i < l->n_sent; i++)
        if (!l->sent[i]->paused && l->sent[i]->deadline_ms <= now)
            return true;
    /* libldap takes nothing, though nothing is in flight: cannot be, but must not last */
    return l->n_sent == 0 && l->queue && now - l->quiet_since_ms > l->dir->conf->timeout_ms;
}

bool dir_link_quiet(const struct dir_link *l)
{
    return !l->queue && (l->n_sent == 0 || (l->n_sent == 1 && l->sent[0]->stays));
}

void dir_link_broken(struct dir_link *l, const char *why, const char *hint)
{
    if (l->channel == DIR_CH_WATCH || l->channel == DIR_CH_WAKE)
        dir_watch_broken(l, why, hint);
    else if (l->channel == DIR_CH_SISTER)
        dir_sister_broken(l, why, hint);
    else
        dir_down(l->dir, why, hint);
}

struct dir_req *dir_link_ask(struct dir_link *l)
{
    static const char *const attrs[] = {LDAP_NO_ATTRS, NULL};
    struct pl_command cmd = {.kind = PL_CMD_SEARCH,
                             .search = {.scope = PL_SCOPE_BASE, .filter = PL_STR("(objectClass=*)"), .attrs = attrs}};
    int code = 0;
    struct dir_req *r = dir_req_new(&cmd, &code);
    r->probe = true;
    dir_link_submit(l, r);
    return r;
}

void dir_link_tick(struct dir_link *l)
{
    dir_link_work(l); /* answers that wait in the socket are in time */
    int64_t now = dir_now_ms();
    if (!l->ld)
        return;
    if (is_overdue(l, now)) {
        dir_link_broken(l, "no answer in time; what became of open requests is unknown and will be read again",
                        "Is the server overloaded? timeout_ms says how long to wait.");
        return;
    }
    if (l->ends_ms && now > l->ends_ms - DIR_TICKET_MARGIN_MS && dir_link_quiet(l)) {
        dir_link_broken(l, "the Kerberos ticket of this connection ends soon; a new connection takes a new one", "");
        return;
    }
    if (dir_link_quiet(l) && now - l->quiet_since_ms >= DIR_KEEPALIVE_MS) {
        dir_link_ask(l); /* so that a dead one is noticed before somebody leaves */
        dir_link_work(l);
    }
}
