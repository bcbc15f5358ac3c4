/* Where and when what an account shows was written, as far as the server tells; only findings speak of it. A server's name
 * is asked for beside what is read of the account anyway, seldom, and never for a leaver's sake: the lock does not wait for
 * a name. One that is not known is no trouble either. */
#include "priv.h"

#include <stdlib.h>
#include <string.h>
#include "../directory/filter.h"

#define ASK_AGAIN_US INT64_C(3600000000) /* after an answer without a name, or none at all */
#define TOGETHER_US  INT64_C(10000000)   /* so long others ask too, who would have to do without otherwise */
enum { NAMES_MAX = 1000 };               /* of servers; a forest has fewer */

struct server_name {
    unsigned char id[16];
    char *name; /* malloced; NULL: not known */
    int64_t asked_us;
    bool answered;
};

void pl_origin_up(struct dir *d, struct pl_str self)
{
    free(d->self);
    d->self = self.len ? strndup(self.s, self.len) : NULL;
}

void pl_origin_free(struct dir *d)
{
    for (size_t i = 0; i < d->n_servers; i++)
        free(d->servers[i].name);
    free(d->servers);
    free(d->self);
}

static struct server_name *find(const struct dir *d, const unsigned char id[16])
{
    for (size_t i = 0; i < d->n_servers; i++)
        if (memcmp(d->servers[i].id, id, sizeof d->servers[i].id) == 0)
            return &d->servers[i];
    return NULL;
}

/* Noted before the answer: a question that costs the connection is not asked again and again. */
static bool may_ask(struct dir *d, const unsigned char id[16])
{
    struct server_name *s = find(d, id), new = {.asked_us = d->e->now};
    if (!s && d->n_servers < NAMES_MAX) {
        memcpy(new.id, id, sizeof new.id);
        PUSH(d->servers, d->n_servers, new);
        return true;
    }
    if (!s || s->name)
        return false;
    int64_t since = d->e->now - s->asked_us;
    if (since >= ASK_AGAIN_US) {
        s->asked_us = d->e->now;
        s->answered = false;
        return true;
    }
    return !s->answered && since < TOGETHER_US;
}

/* Of what the entry shows in this round. */
static bool origin_of(const struct task *t, struct pl_origin *out)
{
    const struct dir *d = t->dir;
    const char *fence = d->conf.fence_attr.len ? d->conf.fence_attr.s : NULL; /* terminated: copied with a NUL */
    return t->entry && d->dialect->origin && d->dialect->origin(t->entry, fence, d->e->now, out);
}

/* The server in use is known by name without asking. Empty: not known. */
static struct pl_str name_of(const struct dir *d, const struct pl_origin *o)
{
    char room[PL_NATIVE_ROOM];
    const struct server_name *known = find(d, o->server);
    struct pl_str guid = pl_guid_text((struct pl_str){(const char *)o->server, sizeof o->server}, room);
    if (known && known->name)
        return pl_str_c(known->name);
    if (d->self && d->dialect->server_name && pl_str_ieq(guid, d->life))
        return d->dialect->server_name(pl_str_c(d->self));
    return (struct pl_str){"", 0};
}

bool pl_origin_asks(const struct task *t, struct pl_buf *filter, struct pl_str *base)
{
    struct dir *d = t->dir;
    struct pl_origin o;
    bool hurry = t->p.need == PL_NEED_OUT && t->round == 0; /* its lock waits for this look */
    if (hurry || !d->self || !d->dialect->servers_base || !origin_of(t, &o) || name_of(d, &o).len > 0)
        return false;
    *base = d->dialect->servers_base(pl_str_c(d->self));
    pl_filter_equal(filter, d->dialect->server_id_attr, (struct pl_str){(const char *)o.server, sizeof o.server});
    return base->len > 0 && may_ask(d, o.server);
}

void pl_origin_answer(const struct task *t, struct pl_str dn)
{
    struct dir *d = t->dir;
    struct pl_origin o;
    struct server_name *s = origin_of(t, &o) ? find(d, o.server) : NULL;
    struct pl_str name = dn.len > 0 ? d->dialect->server_name(dn) : (struct pl_str){"", 0};
    if (!s)
        return;
    s->answered = true;
    if (!s->name && name.len > 0)
        s->name = strndup(name.s, name.len);
}

struct pl_str pl_origin_said(const struct task *t)
{
    char room[PL_NATIVE_ROOM];
    struct pl_origin o;
    if (!origin_of(t, &o))
        return (struct pl_str){"", 0};
    struct pl_str guid = pl_guid_text((struct pl_str){(const char *)o.server, sizeof o.server}, room);
    struct pl_str name = name_of(t->dir, &o), when = pl_utc_words(t->arena, o.at_us);
    if (name.len > 0)
        return pl_arena_printf(t->arena, " %s was last written on %.*s at %.*s.", o.attr, (int)name.len, name.s,
                               (int)when.len, when.s);
    return pl_arena_printf(t->arena, " %s was last written on a server without a known name (%.*s) at %.*s.", o.attr,
                           (int)guid.len, guid.s, (int)when.len, when.s);
}

struct pl_str pl_utc_words(struct pl_arena *a, int64_t us)
{
    struct pl_str t = pl_gentime_print(a, us);
    return pl_arena_printf(a, "%.4s-%.2s-%.2s %.2s:%.2s:%.2s UTC", t.s, t.s + 4, t.s + 6, t.s + 8, t.s + 10, t.s + 12);
}
