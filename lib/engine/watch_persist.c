/* A watch by persistent search: the conversation. There is no cookie and no way to go on where one ended, and the server
 * does not say when the search has begun.
 *
 *   search -> an answer to what was asked behind it -> a moment -> live, and everything is compared once
 *
 * The search stands before the compare reads its first entry, so nothing falls between the two. */
#include "watch_priv.h"

#include <string.h>
#include "../directory/dn.h"
#include "../directory/persist.h"

/* The server works on two requests of one connection side by side: an answer to the second says that the first is being
 * worked on, and not more. It is through after some ten microseconds. */
#define MARGIN_US 100000

void pl_watch_persist_begin(struct watch *w)
{
    struct pl_buf control = {0};
    pl_persist_request(&control);
    w->resumed = false;
    w->stands_at_us = 0;
    pl_watch_search(w, pl_buf_str(&control));
    pl_buf_free(&control);
}

void pl_watch_clock(struct watch *w)
{
    if (w->phase != WATCH_ON || w->stands_at_us == 0 || w->d->e->now < w->stands_at_us)
        return;
    w->stands_at_us = 0;
    pl_watch_is_live(w, "begun");
}

/* ---- what it tells ---- */

static const struct group *group_at(const struct dir *d, struct pl_str dn)
{
    uint64_t h = dn.len ? pl_dn_hash(dn) : 0;
    for (size_t i = 0; h && i < d->n_groups; i++)
        if (d->groups[i].dn_hash == h)
            return &d->groups[i];
    return NULL;
}

/* Nothing is told of what lies below an entry that got another name. */
static bool holds_ours(const struct dir *d, struct pl_str dn)
{
    if (dn.len == 0 || pl_dn_under(dn, d->conf.people_base) || pl_dn_under(d->conf.people_base, dn))
        return true;
    for (size_t i = 0; i < d->n_groups; i++)
        if (pl_dn_under(d->groups[i].dn, dn))
            return true;
    return false;
}

static void changed(struct watch *w, const struct pl_entry *e, const struct pl_persist_change *c, struct pl_str id)
{
    struct item it;
    bool watched = pl_watch_item_of(w, e, &it);
    const struct group *was = c->kind == PL_PERSIST_RENAME ? group_at(w->d, c->previous_dn) : NULL;
    if (c->kind == PL_PERSIST_RENAME)
        it.version = 0; /* we rename nothing */
    if (pl_watch_is_own(w, it.version))
        return;
    if (was) /* its name is in the roles: whoever took it away is the writer */
        pl_watch_keep_item(w, e, (struct item){.group = true, .dn_hash = was->dn_hash});
    it.id = id;
    if (watched)
        pl_watch_keep_item(w, e, it);
    else if (c->kind == PL_PERSIST_RENAME && !was && holds_ours(w->d, c->previous_dn))
        pl_watch_missed(w);
}

/* The entry is as it was: that our own write was its last is no reason to pass over this. */
static void gone(struct watch *w, const struct pl_entry *e, struct pl_str id)
{
    const struct group *g = group_at(w->d, e->dn);
    if (g)
        pl_watch_add_item(w, (struct item){.group = true, .dn_hash = g->dn_hash});
    else if (id.len > 0)
        pl_watch_add_item(w, (struct item){.id = pl_arena_str(w->arena, id)});
    else
        pl_watch_missed(w);
}

bool pl_watch_persist_told(struct watch *w, const struct pl_event *ev)
{
    struct pl_persist_change c;
    char room[PL_NATIVE_ROOM];
    if (ev->watch.msg == PL_WATCH_STANDS) {
        w->stands_at_us = w->live ? 0 : w->d->e->now + MARGIN_US;
        return true;
    }
    if (ev->watch.msg != PL_WATCH_ENTRY)
        return true;
    if (!pl_persist_change_read(&c, ev->watch.value))
        return false;
    struct pl_str id = pl_dialect_native_id(w->d->dialect, ev->watch.entry, room);
    if (c.kind == PL_PERSIST_DELETE)
        gone(w, ev->watch.entry, id);
    else
        changed(w, ev->watch.entry, &c, id);
    return true;
}
