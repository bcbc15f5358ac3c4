/* The listed servers of one directory: how each is, which one is tried next, and which ones take no writes. The one in use
 * stays in use as long as it works; the first of the list is preferred again only when a connection is to be made anyway. */
#include "dir_server.h"

#include <stdlib.h>
#include <string.h>

enum {
    READ_ONLY_MS = 600000, /* a server may be promoted while it runs: so long its refusal counts */
    SILENT_MS = 1000,      /* nothing came for so long though something is owed: it is asked whether it lives */
    ASKED_MS = 1000,       /* and so long it has for that */
    GIVE_UP_MS =
        600000, /* not left for this again so soon: both may only be slow, and timeout_ms is what counts then */
};

/* ---- the list ---- */

struct dir_server *dir_server_find(const struct pld_dir *d, struct pl_str uri)
{
    for (size_t i = 0; i < d->n_servers; i++)
        if (pl_str_eq_c(uri, d->servers[i].uri))
            return &d->servers[i];
    return NULL;
}

struct dir_server *dir_server_in_use(const struct pld_dir *d)
{
    return d->uri < d->n_uris ? dir_server_find(d, pl_str_c(d->uris[d->uri])) : NULL;
}

/* An address that is listed twice is one server. */
void dir_servers_make(struct pld_dir *d)
{
    d->servers = pl_xcalloc(d->n_uris + 1, sizeof *d->servers);
    d->tries = pl_xcalloc(d->n_uris + 1, sizeof *d->tries);
    for (size_t i = 0; i < d->n_uris; i++) {
        if (dir_server_find(d, pl_str_c(d->uris[i])))
            continue;
        struct dir_server *s = &d->servers[d->n_servers++];
        s->dir = d;
        s->uri = d->uris[i];
        s->since_us = pld_wall_us();
        dir_sister_init(s);
    }
}

void dir_servers_free(struct pld_dir *d)
{
    for (size_t i = 0; i < d->n_servers; i++)
        dir_sister_free(&d->servers[i]);
    free(d->servers);
    free(d->tries);
    d->servers = NULL;
    d->tries = NULL;
    d->n_servers = d->n_tries = 0;
}

/* ---- how they are ---- */

void dir_server_note(struct dir_server *s, enum pld_server_how how, const char *why)
{
    if (s->how != how)
        s->since_us = pld_wall_us();
    s->how = how;
    snprintf(s->why, sizeof s->why, "%s", why);
    pld_changed(&s->dir->host);
}

static void takes_no_writes(struct dir_server *s)
{
    bool news = !dir_server_read_only(s);
    s->read_only_until_ms = dir_now_ms() + READ_ONLY_MS;
    if (news) {
        pld_event(4, "directory.read_only", PLD_FIELDS(PLD_TEXT("directory", s->dir->name), PLD_TEXT("server", s->uri)),
                  "%s (%s): this server takes no writes; it is not followed to where it points", s->dir->name, s->uri);
        pld_changed(&s->dir->host);
    }
}

bool dir_server_read_only(const struct dir_server *s)
{
    return s->says_read_only || dir_now_ms() < s->read_only_until_ms;
}

/* A consumer of slapd that knows no other server says 53 with this text (OpenLDAP's modify.c and the like). */
static bool is_shadow(int code, const char *text)
{
    return code == LDAP_UNWILLING_TO_PERFORM && text && strstr(text, "shadow context");
}

void dir_server_answered(struct dir_link *l, int code, const char *text)
{
    struct pld_dir *d = l->dir;
    struct dir_server *s = l->channel == DIR_CH_SISTER ? dir_sister_of(l) : dir_server_in_use(d);
    if (s && code == LDAP_SUCCESS)
        s->read_only_until_ms = 0; /* it has been promoted */
    if ((code != LDAP_REFERRAL && !is_shadow(code, text)) || !s)
        return;
    takes_no_writes(s);
    if (l->channel != DIR_CH_SISTER && dir_servers_other_up(d)) {
        d->leave = true; /* from the event loop: we are inside a reading */
        dir_kick(d);
    }
}

/* ---- which one is tried next ---- */

/* Smaller is better: works as far as is known; was away the last time; takes no writes. */
static int rank(const struct dir_server *s)
{
    if (dir_server_read_only(s))
        return 2;
    return s->how == PLD_SERVER_AWAY || s->how == PLD_SERVER_REFUSED;
}

/* A round over all addresses, in their order among equals. */
void dir_servers_round(struct pld_dir *d)
{
    d->n_tries = d->tried_now = 0;
    for (int r = 0; r < 3; r++)
        for (size_t i = 0; i < d->n_uris; i++)
            if (rank(dir_server_find(d, pl_str_c(d->uris[i]))) == r)
                d->tries[d->n_tries++] = i;
    d->uri = d->n_tries ? d->tries[0] : 0;
}

bool dir_servers_next(struct pld_dir *d)
{
    if (d->tried_now + 1 >= d->n_tries)
        return false;
    d->uri = d->tries[++d->tried_now];
    return true;
}

bool dir_servers_other_up(const struct pld_dir *d)
{
    for (size_t i = 0; i < d->n_servers; i++)
        if (d->servers[i].how == PLD_SERVER_UP && rank(&d->servers[i]) == 0 && &d->servers[i] != dir_server_in_use(d))
            return true;
    return false;
}

/* ---- one that is silent ---- */

static bool is_silent(const struct dir_link *l, int64_t now)
{
    return l->n_sent > 0 && now - (l->heard_ms > l->owed_ms ? l->heard_ms : l->owed_ms) >= SILENT_MS;
}

static bool other_answered(const struct pld_dir *d)
{
    for (size_t i = 0; i < d->n_servers; i++)
        if (d->servers[i].link.ld && d->servers[i].link.heard_ms >= d->asked_ms && rank(&d->servers[i]) == 0)
            return true;
    return false;
}

static void ask_all(struct pld_dir *d, struct dir_link *used)
{
    d->asked_ms = dir_now_ms();
    dir_link_ask(used);
    for (size_t i = 0; i < d->n_servers; i++)
        if (d->servers[i].link.ld)
            dir_link_ask(&d->servers[i].link);
    dir_kick(d);
}

/* A slow answer is not silence: a server that works answers the question beside it. */
void dir_servers_silent(struct pld_dir *d)
{
    struct dir_link *used = &d->links[PL_CH_URGENT];
    int64_t now = dir_now_ms();
    if (!d->up || !is_silent(used, now) || !dir_servers_other_up(d) ||
        (d->given_up_ms && now - d->given_up_ms < GIVE_UP_MS)) {
        d->asked_ms = 0;
    } else if (d->asked_ms == 0) {
        ask_all(d, used);
    } else if (now - d->asked_ms >= ASKED_MS && other_answered(d)) {
        d->asked_ms = 0;
        d->given_up_ms = now;
        dir_down(d,
                 "it does not answer and another server does; what became of open requests is unknown and will be read "
                 "again",
                 "");
    }
}

/* ---- telling ---- */

bool pld_dir_server(const struct pld_dir *d, size_t i, struct pld_server_state *out)
{
    if (i >= d->n_servers)
        return false;
    const struct dir_server *s = &d->servers[i];
    *out = (struct pld_server_state){.uri = s->uri,
                                     .in_use = d->up && s == dir_server_in_use(d),
                                     .how = s->how,
                                     .read_only = dir_server_read_only(s),
                                     .since_us = s->since_us,
                                     .why = s->how == PLD_SERVER_UP ? "" : s->why};
    return true;
}
