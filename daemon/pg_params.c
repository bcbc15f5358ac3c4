#include "pg_params.h"

#include <stdlib.h>
#include <string.h>
#include "shell.h"

/* Sent with the start-up packet, so that no statement ever runs without them and no round trip is spent.
 * row_security=off: a policy that would hide rows raises an error instead. The keepalives are the server's side: they
 * free the daemon's lock when our host is gone without a word. A statement is planned once for all its parameters (ANALYZE
 * makes it be planned anew): each plan costs more than what it is made for. */
static const char session[] = "-c search_path=pg_catalog,pg_temp -c row_security=off -c lock_timeout=10s"
                              " -c idle_in_transaction_session_timeout=60s -c client_min_messages=warning"
                              " -c default_transaction_isolation=read\\ committed -c datestyle=ISO"
                              " -c tcp_keepalives_idle=20 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
                              " -c tcp_user_timeout=50000 -c statement_timeout=";

struct extra {
    const char *key, *value;
};

/* Only where the operator says nothing. */
static const struct extra defaults[] = {
    {"keepalives_idle", "20"},
    {"keepalives_interval", "10"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "50000"},
};

enum { MAX_KEYS = 64, CONNECT_S = 10, MAX_CONNECT_S = 120 };

struct list {
    struct pld_pg_params *out;
    size_t n;
};

static void put(struct list *l, const char *key, const char *value)
{
    size_t i = 0;
    while (i < l->n && strcmp(l->out->keys[i], key) != 0)
        i++;
    if (i == MAX_KEYS)
        return; /* libpq 15 knows 42 keywords */
    l->out->keys[i] = key;
    l->out->values[i] = value;
    if (i == l->n)
        l->n++;
}

static const char *find(const struct list *l, const char *key)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->out->keys[i], key) == 0)
            return l->out->values[i];
    return NULL;
}

static const char *keep(struct list *l, const char *s)
{
    return pl_arena_str(l->out->arena, pl_str_c(s)).s;
}

/* libpq's complaint may quote a piece of the string; with a password in it, that piece could be the password. */
static PQconninfoOption *parse(const char *conninfo, struct pl_err *err)
{
    char *why = NULL;
    PQconninfoOption *opts = PQconninfoParse(conninfo, &why);
    if (!opts)
        pl_err_set(err, PL_ERR_CONF, 0, "Example: connection = host=/run/postgresql dbname=paasla user=paaslad",
                   "[database] connection is not a libpq connection string%s%s", why ? ": " : "",
                   !why                           ? ""
                   : strstr(conninfo, "password") ? "(not shown, it may hold a password)"
                                                  : why);
    PQfreemem(why);
    return opts;
}

static bool take_operator(struct list *l, const struct pl_conf *conf, struct pl_err *err)
{
    const char *conninfo = pl_arena_str(l->out->arena, conf->connection).s;
    PQconninfoOption *opts = parse(conninfo, err);
    if (!opts)
        return false;
    for (PQconninfoOption *o = opts; o->keyword; o++)
        if (o->val)
            put(l, keep(l, o->keyword), keep(l, o->val));
    PQconninfoFree(opts);
    return true;
}

static bool take_password(struct list *l, const struct pl_conf *conf, struct pl_err *err)
{
    struct pld_secret secret = {0};
    if (conf->password_file.len == 0)
        return true;
    if (!pld_secret_read(conf->password_file, &secret, err))
        return false;
    if (memchr(secret.s, '\0', secret.len)) {
        pld_secret_free(&secret);
        return pl_err_set(err, PL_ERR_CONF, 0, "", "the password file of [database] holds a NUL byte");
    }
    l->out->password = pl_xcalloc(1, secret.len + 1);
    memcpy(l->out->password, secret.s, secret.len);
    pld_secret_free(&secret);
    put(l, "password", l->out->password);
    return true;
}

static void take_ours(struct list *l, const char *role, const char *timeout)
{
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        if (!find(l, defaults[i].key))
            put(l, defaults[i].key, defaults[i].value);
    if (!find(l, "application_name"))
        put(l, "application_name", pl_arena_printf(l->out->arena, "paaslad%s%s", *role ? " " : "", role).s);
    put(l, "client_encoding", "UTF8");
    const char *theirs = find(l, "options");
    put(l, "options", pl_arena_printf(l->out->arena, "%s %s%s", theirs ? theirs : "", session, timeout).s);
}

/* One exact server out of the list that the operator may have given. */
static void take_address(struct list *l, PGconn *like)
{
    const char *addr = PQhostaddr(like);
    if (PQhost(like))
        put(l, "host", keep(l, PQhost(like)));
    put(l, "hostaddr", addr && PQhost(like) && PQhost(like)[0] != '/' ? keep(l, addr) : "");
    if (PQport(like))
        put(l, "port", keep(l, PQport(like)));
}

bool pld_pg_params_make(const struct pl_conf *conf, const char *role, const char *timeout, PGconn *like,
                        struct pld_pg_params *out, struct pl_err *err)
{
    struct list l = {out, 0};
    memset(out, 0, sizeof *out);
    out->arena = pl_arena_new();
    out->keys = pl_arena_array(out->arena, MAX_KEYS + 1, sizeof *out->keys);
    out->values = pl_arena_array(out->arena, MAX_KEYS + 1, sizeof *out->values);
    if (!take_operator(&l, conf, err) || !take_password(&l, conf, err)) {
        pld_pg_params_free(out);
        return false;
    }
    take_ours(&l, role, timeout);
    if (like)
        take_address(&l, like);
    /* PQconnectPoll does not look at connect_timeout; the link's own timer does. */
    int64_t wait = 0;
    bool given = pl_str_to_i64(pl_str_c(find(&l, "connect_timeout")), &wait) && wait > 0;
    out->connect_s = !given ? CONNECT_S : wait > MAX_CONNECT_S ? MAX_CONNECT_S : (int)wait;
    return true;
}

void pld_pg_params_free(struct pld_pg_params *p)
{
    if (p->password)
        explicit_bzero(p->password, strlen(p->password));
    free(p->password);
    pl_arena_free(p->arena);
    memset(p, 0, sizeof *p);
}

bool pld_pg_params_check(const struct pl_conf *conf, struct pl_err *err)
{
    struct pl_arena *a = pl_arena_new();
    PQconninfoOption *opts = parse(pl_arena_str(a, conf->connection).s, err);
    if (opts)
        PQconninfoFree(opts);
    pl_arena_free(a);
    return opts != NULL;
}
