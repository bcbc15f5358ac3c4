/* Which servers of a directory have an account's lock, in a sentence. */
#include "why.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

/* Columns of ctl_why_servers. */
enum { SRV_ACCOUNT, SRV_DIRECTORY, SRV_SERVER, SRV_IN_USE, SRV_STATE, SRV_READ_ONLY, SRV_CODE, SRV_SEEN, SRV_AT };

static const char *val(const PGresult *r, int row, int column)
{
    return PQgetvalue(r, row, column);
}

static bool is(const PGresult *r, int row, int column, const char *value)
{
    return strcmp(val(r, row, column), value) == 0;
}

/* The host, and the port when it is named. */
static void add_name(struct pl_buf *b, const char *uri)
{
    const char *host = strstr(uri, "://");
    bool plain = strncmp(uri, "ldap://", 7) == 0 || strncmp(uri, "ldaps://", 8) == 0;
    host = plain && host ? host + 3 : uri;
    pl_buf_add(b, (struct pl_str){host, plain ? strcspn(host, "/") : strlen(host)});
}

/* How things are there now comes before what was once answered. */
static void add_reason(struct pl_buf *b, const PGresult *r, int i)
{
    long code = strtol(val(r, i, SRV_CODE), NULL, 10);
    if (is(r, i, SRV_STATE, "away") || is(r, i, SRV_STATE, "untried"))
        pl_buf_add_c(b, "the daemon cannot reach it");
    else if (is(r, i, SRV_STATE, "refused"))
        pl_buf_add_c(b, "it refuses the daemon's log-on");
    else if (is(r, i, SRV_READ_ONLY, "t") || code == 10)
        pl_buf_add_c(b, "it takes no writes, and replication has not shown the lock there");
    else if (PQgetisnull(r, i, SRV_CODE))
        pl_buf_add_c(b, "it has not answered yet");
    else if (code < 0)
        pl_buf_printf(b, "%s, and it has not shown the lock since",
                      code == -1 ? "no answer came" : "it could not be reached then");
    else
        pl_buf_printf(b, "it answered with result %ld and does not show the lock", code);
}

void ctl_why_say_servers(struct ctl *c, const PGresult *r, const char *account_id)
{
    struct pl_buf has = {0}, not_yet = {0};
    for (int i = 0; i < PQntuples(r); i++) {
        if (!is(r, i, SRV_ACCOUNT, account_id))
            continue;
        struct pl_buf *b = PQgetisnull(r, i, SRV_AT) ? &not_yet : &has;
        pl_buf_add_c(b, b->len > 0 ? ", on " : b == &has ? "Locked on " : "not yet on ");
        add_name(b, val(r, i, SRV_SERVER));
        if (b == &has) {
            pl_buf_printf(b, " at %.19s%s", val(r, i, SRV_AT), is(r, i, SRV_SEEN, "t") ? " (seen there)" : "");
        } else {
            pl_buf_add_c(b, " (");
            add_reason(b, r, i);
            pl_buf_add_c(b, ")");
        }
    }
    if (not_yet.len > 0)
        *not_yet.s = has.len > 0 ? 'n' : 'N'; /* it begins the sentence, or goes on */
    if (has.len > 0 || not_yet.len > 0)
        ctl_say(c, "    %s%s%s.", has.len > 0 ? has.s : "", has.len > 0 && not_yet.len > 0 ? "; " : "",
                not_yet.len > 0 ? not_yet.s : "");
    pl_buf_free(&has);
    pl_buf_free(&not_yet);
}

long ctl_why_servers_open(const PGresult *r)
{
    long n = 0;
    for (int i = 0; i < PQntuples(r); i++)
        n += PQgetisnull(r, i, SRV_AT);
    return n;
}
