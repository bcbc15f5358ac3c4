/* Checks of the server, of the connection to it, and of the entries that the configuration names. */
#include "preflight_table.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/directory/dn.h"
#include "lib/directory/sync.h"

enum {
    SUCCESS = 0,
    TIME_LIMIT = 3,
    SIZE_LIMIT = 4,
    STRONG_AUTH = 8,
    ADMIN_LIMIT = 11,
    CONFIDENTIALITY = 13,
    NO_SUCH_OBJECT = 32,
    BAD_CREDENTIALS = 49,
    DAYS_LEFT = 21,
    CLOCK_S = 60,
};

static const char *const attrs_class[] = {"objectClass", NULL};

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static void because(struct pf *p, struct pf_result *r, const char *text)
{
    r->why = pl_arena_str(p->arena, pl_str_c(text));
}

/* ---- PostgreSQL ---- */

void pf_in_table(struct pf *p, struct pf_result *r)
{
    if (p->row < 0) {
        pf_found(p, r, "not in paasla.directory");
        because(p, r, "paasla.directory has no such name.");
        return;
    }
    const char *dialect = PQgetvalue(p->table, p->row, PF_DIALECT);
    if (pl_str_eq_c(p->conf->dialect, dialect)) {
        pf_fine(p, r, "mode %s", PQgetvalue(p->table, p->row, PF_MODE));
        return;
    }
    pf_found(p, r, "another dialect");
    r->why = pl_arena_printf(p->arena, "paasla.directory says dialect %s, the configuration %.*s.", dialect,
                             (int)p->conf->dialect.len, p->conf->dialect.s);
}

/* ---- the way there ---- */

/* What the bring-up did with this step: skipped, found with the daemon's own sentence, or passed. */
static bool passed(struct pf *p, struct pf_result *r, enum pld_once_at step)
{
    const struct pld_once_facts *f = &p->at->facts;
    if (f->fit || f->at > step)
        return true;
    if (f->at < step) {
        pf_skipped(p, r, "not reached");
        return false;
    }
    pf_found(p, r, "failed");
    pf_because(p, r, &f->err);
    return false;
}

void pf_reach(struct pf *p, struct pf_result *r)
{
    if (passed(p, r, PLD_ONCE_REACH))
        pf_fine(p, r, "%s", p->at->uri);
}

void pf_tls(struct pf *p, struct pf_result *r)
{
    const struct pld_once_facts *f = &p->at->facts;
    if (!passed(p, r, PLD_ONCE_TLS))
        return;
    if (begins(p->at->uri, "ldapi:"))
        pf_fine(p, r, "a socket of this host");
    else if (!f->tls)
        pf_fine(p, r, "not encrypted, to this host's own address");
    else
        pf_fine(p, r, "%s, the certificate verified and for this name", f->bound ? f->tls_version : "in place");
}

void pf_certificate(struct pf *p, struct pf_result *r)
{
    const struct pld_once_facts *f = &p->at->facts;
    char day[32];
    if (!f->has_certificate) {
        pf_skipped(p, r, "none was shown");
        return;
    }
    time_t end = (time_t)(f->not_after_us / 1000000);
    struct tm tm;
    strftime(day, sizeof day, "%Y-%m-%d", gmtime_r(&end, &tm));
    int64_t days = (f->not_after_us - now_us()) / 1000000 / 86400;
    if (days < DAYS_LEFT)
        pf_found(p, r, "%s, in %lld day%s", day, (long long)days, days == 1 ? "" : "s");
    else
        pf_fine(p, r, "until %s (%lld days), from %s", day, (long long)days,
                *f->issuer ? f->issuer : "an unnamed authority");
}

void pf_log_on(struct pf *p, struct pf_result *r)
{
    const struct pl_conf_directory *c = p->conf;
    if (!passed(p, r, PLD_ONCE_LOG_ON))
        return;
    if (pl_str_eq_c(c->sasl, "external"))
        pf_fine(p, r, "SASL EXTERNAL");
    else
        pf_fine(p, r, "%.*s", (int)c->bind_dn.len, c->bind_dn.s);
}

/* That of people_base has a check of its own. */
void pf_first_reads(struct pf *p, struct pf_result *r)
{
    if (passed(p, r, PLD_ONCE_READ))
        pf_fine(p, r, "the root entry");
}

void pf_plain(struct pf *p, struct pf_result *r)
{
    struct pl_err err = {0};
    if (!begins(p->at->uri, "ldap:") || pl_str_eq_c(p->conf->tls, "none")) {
        pf_skipped(p, r, begins(p->at->uri, "ldap:") ? "this host's own address" : "no plain address is configured");
        return;
    }
    if (p->at->facts.at == PLD_ONCE_REACH && !p->at->facts.fit) {
        pf_skipped(p, r, "not reached");
        return;
    }
    int code = pld_once_plain(p->conf, p->at->uri, &err);
    if (code == CONFIDENTIALITY || code == STRONG_AUTH)
        pf_fine(p, r, "a password without TLS is refused (result %d)", code);
    else if (code == BAD_CREDENTIALS || code == NO_SUCH_OBJECT)
        pf_found(p, r, "a password without TLS is looked at (result %d)", code);
    else if (code < 0)
        pf_unknown(p, r, "%s", err.text);
    else
        pf_unknown(p, r, "a log-on without TLS is answered with result %d", code);
}

void pf_same_server(struct pf *p, struct pf_result *r)
{
    const char *known = p->row < 0 ? "" : PQgetvalue(p->table, p->row, PF_IDENTITY), *here = p->main->facts.identity;
    size_t n = 0;
    for (size_t i = 0; i < p->n_addresses; i++) {
        const struct pld_once_facts *f = &p->addresses[i].facts;
        if (!f->identity[0])
            continue;
        n++;
        if (strcmp(f->identity, here) != 0) {
            pf_found(p, r, "the addresses differ");
            r->why = pl_arena_printf(p->arena, "%s and %s hold different data.", p->main->uri, p->addresses[i].uri);
            return;
        }
    }
    if (n == 0) {
        pf_skipped(p, r, "people_base cannot be read");
    } else if (*known && strcmp(known, here) != 0) {
        pf_found(p, r, "another one than before");
        because(p, r, "it is another one than our records were made against, or its data was loaded anew.");
    } else {
        pf_fine(p, r, *known ? "as our records know it" : "new to our records");
    }
}

/* ---- clocks ---- */

static const struct clock_source {
    unsigned dialects;
    const char *dn, *attr;
} clocks[] = {
    {PF_OPENLDAP, "cn=Current,cn=Time,cn=Monitor", "monitorTimestamp"},
    {PF_389DS, "cn=monitor", "currenttime"},
    {PF_AD, "", "currentTime"},
};

/* The server tells whole seconds and tells them between our two looks at our own clock. */
void pf_clock(struct pf *p, struct pf_result *r)
{
    const struct clock_source *c = clocks;
    struct pl_entry e;
    struct pl_err err;
    int64_t theirs, before, after, behind, ahead;
    while (!(c->dialects & p->dialect_bit))
        c++;
    const char *const attrs[] = {c->attr, NULL};
    before = now_us();
    int code = pf_read_entry(p, pl_str_c(c->dn), attrs, &e, &err);
    after = now_us();
    if (code != SUCCESS || !pl_gentime_parse(pl_entry_first(&e, c->attr), &theirs)) {
        pf_unknown(p, r, "the server tells its time in %s, which is not there or may not be seen",
                   *c->dn ? c->dn : c->attr);
        return;
    }
    behind = (before - theirs - 1000000) / 1000000; /* at least so many seconds is the server behind us */
    ahead = (theirs - after) / 1000000;
    int64_t off = behind > 0 ? behind : ahead > 0 ? ahead : 0;
    const char *how = behind > 0 ? "behind" : "ahead";
    if (off >= CLOCK_S)
        pf_found(p, r, "the server is %lld s %s", (long long)off, how);
    else if (off > 0)
        pf_fine(p, r, "the server is %lld s %s", (long long)off, how);
    else
        pf_fine(p, r, "as far as whole seconds tell");
}

/* ---- entries ---- */

bool pf_there(struct pf *p, struct pf_result *r, struct pl_str dn, struct pl_entry *e)
{
    struct pl_err err = {0};
    int code = pf_read_entry(p, dn, attrs_class, e, &err);
    if (code == SUCCESS)
        return true;
    pf_found(p, r, code == NO_SUCH_OBJECT ? "not to be seen" : "not read");
    if (code < 0)
        pf_because(p, r, &err);
    else if (code == NO_SUCH_OBJECT)
        because(p, r, "it does not exist or may not be seen.");
    else
        r->why = pl_arena_printf(p->arena, "it cannot be read (result %d).", code);
    return false;
}

static void base(struct pf *p, struct pf_result *r, struct pl_str dn)
{
    struct pl_entry e;
    if (pf_there(p, r, dn, &e))
        pf_fine(p, r, "%.*s", (int)dn.len, dn.s);
}

void pf_people_base(struct pf *p, struct pf_result *r)
{
    const struct pld_once_facts *f = &p->main->facts;
    base(p, r, p->conf->people_base);
    if (r->state == PF_FINE && !f->fit && f->at == PLD_ONCE_IDENTITY) { /* there, and still not for the daemon */
        pf_found(p, r, "not as the daemon needs it");
        pf_because(p, r, &f->err);
    }
}

void pf_group_base(struct pf *p, struct pf_result *r)
{
    base(p, r, p->conf->group_base);
}

void pf_canary(struct pf *p, struct pf_result *r)
{
    struct pl_entry e;
    if (!pl_dn_under(p->conf->canary_dn, p->conf->people_base)) {
        pf_found(p, r, "not below people_base");
        because(p, r, "it does not lie below people_base.");
    } else if (pf_there(p, r, p->conf->canary_dn, &e)) {
        pf_fine(p, r, "visible%s", p->canary_read ? ", also among all people" : "");
        if (p->people_answer.code == SUCCESS && !p->canary_read) {
            pf_found(p, r, "not among all people");
            because(p, r, "it is there, but the read of all people does not show it.");
        }
    }
}

void pf_placeholder(struct pf *p, struct pf_result *r)
{
    struct pl_str dn = p->conf->placeholder_dn;
    struct pl_entry e;
    size_t n = 0;
    for (size_t i = 0; i < p->n_role_groups; i++)
        n += p->role_groups[i].needs_member;
    if (dn.len > 0) {
        if (pf_there(p, r, dn, &e))
            pf_fine(p, r, "%.*s", (int)dn.len, dn.s);
        else
            r->why =
                pl_arena_printf(p->arena, "The placeholder %.*s does not exist or may not be seen.", (int)dn.len, dn.s);
    } else if (n > 0) {
        pf_found(p, r, "not set");
        r->why = pl_arena_printf(p->arena, "placeholder_dn is not set, and %zu group%s with a role may not be empty.",
                                 n, n == 1 ? "" : "s");
    } else {
        pf_fine(p, r, "none needed so far");
    }
}

/* ---- reading everything ---- */

static bool read_whole(struct pf *p, struct pf_result *r, const char *what, const struct pld_once_answer *a)
{
    if (a->code == SUCCESS && !a->partial)
        return true;
    const char *because_of = a->code == SIZE_LIMIT    ? "the server's size limit ended it"
                             : a->code == TIME_LIMIT  ? "the server's time limit ended it"
                             : a->code == ADMIN_LIMIT ? "an administrative limit of the server ended it"
                             : a->code == SUCCESS     ? "a part of it lies on another server"
                             : a->code < 0            ? a->err.text
                                                      : "the server refused";
    pf_found(p, r, "result %d after %ld entries of the %s", a->code, a->entries, what);
    r->why = pl_arena_printf(p->arena, "the %s came to %ld entries, then %s (result %d).", what, a->entries, because_of,
                             a->code);
    return false;
}

void pf_read_all(struct pf *p, struct pf_result *r)
{
    if (!read_whole(p, r, "people", &p->people_answer) || !read_whole(p, r, "groups", &p->group_answer))
        return;
    if (p->no_id > 0) {
        pf_found(p, r, "%zu without %s", p->no_id, p->dialect->native_id_attr);
        r->why = pl_arena_printf(p->arena, "%zu entries do not show their %s.", p->no_id, p->dialect->native_id_attr);
        return;
    }
    pf_fine(p, r, "%ld entries below people_base in %.1f s, %ld below group_base", p->people_answer.entries,
            (double)p->people_ms / 1000, p->group_answer.entries);
}

static bool may_be_watched(struct pf *p)
{
    struct pl_buf value = {0};
    pl_sync_request(&value, PL_SYNC_REFRESH_ONLY, (struct pl_str){"", 0}, false);
    bool ok = pf_takes_control(p, PL_OID_SYNC_REQUEST, pl_buf_str(&value));
    pl_buf_free(&value);
    return ok;
}

void pf_watch(struct pf *p, struct pf_result *r)
{
    if (!may_be_watched(p)) {
        pf_found(p, r, "no overlay syncprov");
        because(p, r, "slapd has no overlay syncprov on the database of the people.");
    } else if (!pl_dn_equal(p->suffix, p->group_suffix)) {
        pf_found(p, r, "two databases");
        because(p, r, "people_base and group_base lie in different databases, and one watch sees one of them.");
    } else {
        pf_fine(p, r, "told as it happens");
    }
}
