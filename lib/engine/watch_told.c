/* One entry in the answer of a watch that asks. DirSync tells of an entry that changed what did: without its class nobody
 * knows what it is. Known people are found by its native id all the same, groups by name or id; an entry that got another
 * name or place is read, because it may be a unit with people in it, or a stranger's account that came to ours. */
#include "watch_priv.h"

#include <stdlib.h>
#include <string.h>
#include "../directory/dn.h"
#include "../directory/sync.h"

enum { VAGUE_MAX = 200, LDAP_NO_SUCH_OBJECT = 32 };

/* ---- what is told of it, in words that a look would use ---- */

/* Tells nothing that could change; or stands beside "name", which does. */
static bool is_frame(const struct watch *w, struct pl_str name)
{
    return pl_str_ieq_c(name, w->d->dialect->native_id_attr) || pl_str_ieq_c(name, "instanceType") ||
           pl_str_ieq_c(name, "parentGUID");
}

static const char *seen_by_look(const struct dir *d, struct pl_str name)
{
    for (const char *const *a = d->attrs; *a; a++)
        if (pl_str_ieq_c(name, *a))
            return *a;
    return NULL;
}

static bool is_member(struct pl_str name)
{
    return name.len >= 6 && pl_str_ieq_c((struct pl_str){name.s, 6}, "member") && (name.len == 6 || name.s[6] == ';');
}

static void echo_members(struct item *it, const struct pl_attr *a)
{
    enum pl_dirsync_values kind = pl_dirsync_values_of(a->name);
    it->strange = it->strange || kind == PL_DIRSYNC_VALUES;
    for (size_t i = 0; i < a->n && kind != PL_DIRSYNC_VALUES; i++)
        it->echoes[it->n_echoes++] = pl_echo_member(it->dn_hash, a->values[i], kind == PL_DIRSYNC_CAME);
}

static void echo_part(struct watch *w, struct item *it, const struct pl_entry *e)
{
    size_t room = e->n;
    for (size_t i = 0; i < e->n; i++)
        room += e->attrs[i].n;
    it->echoes = pl_arena_array(w->arena, room, sizeof *it->echoes);
    for (size_t i = 0; i < e->n; i++) {
        const struct pl_attr *a = &e->attrs[i];
        const char *seen = it->group ? NULL : seen_by_look(w->d, a->name);
        if (is_frame(w, a->name))
            continue;
        if (it->group && is_member(a->name))
            echo_members(it, a);
        else if (seen)
            it->echoes[it->n_echoes++] = pl_echo_values(it->dn_hash, seen, a);
        else
            it->strange = true;
    }
}

/* Of a whole entry also what is not there is known. */
static void echo_whole(struct watch *w, struct item *it, const struct pl_entry *e)
{
    size_t n = 0;
    while (w->d->attrs[n])
        n++;
    it->echoes = pl_arena_array(w->arena, n, sizeof *it->echoes);
    for (size_t i = 0; i < n && !it->group; i++)
        it->echoes[it->n_echoes++] = pl_echo_values(it->dn_hash, w->d->attrs[i], pl_entry_attr(e, w->d->attrs[i]));
}

/* ---- groups ---- */

static bool uuid_of(const struct watch *w, const struct pl_entry *e, unsigned char uuid[PL_UUID_BYTES])
{
    char room[PL_NATIVE_ROOM];
    return pl_uuid_read(uuid, pl_dialect_native_id(w->d->dialect, e, room));
}

static void learn_group(struct watch *w, const struct pl_entry *e, uint64_t dn_hash)
{
    unsigned char uuid[PL_UUID_BYTES];
    if (!uuid_of(w, e, uuid))
        return;
    struct shape *s = pl_shape(w->d, dn_hash, true);
    memcpy(s->uuid, uuid, PL_UUID_BYTES);
    s->has_uuid = true;
}

/* A group of ours that has another name now: who took it away from under the roles wrote it. */
static bool renamed_group(struct watch *w, const struct pl_entry *e, uint64_t dn_hash)
{
    unsigned char uuid[PL_UUID_BYTES];
    struct dir *d = w->d;
    if (!uuid_of(w, e, uuid))
        return false;
    for (size_t i = 0; i < d->n_shapes; i++) {
        struct shape *s = &d->shapes[i];
        if (!s->has_uuid || s->dn_hash == dn_hash || memcmp(s->uuid, uuid, PL_UUID_BYTES) != 0)
            continue;
        pl_watch_keep_item(w, e, (struct item){.group = true, .dn_hash = s->dn_hash});
        return true;
    }
    return false;
}

/* ---- by a read: everything of it ---- */

static bool is_container(const struct pl_entry *e)
{
    return pl_entry_has_class(e, "organizationalUnit") || pl_entry_has_class(e, "container");
}

static bool holds_ours(const struct watch *w, struct pl_str dn)
{
    const struct pl_dir_conf *c = &w->d->conf;
    return pl_dn_under(dn, c->people_base) || pl_dn_under(c->people_base, dn) || pl_dn_under(dn, c->group_base) ||
           pl_dn_under(c->group_base, dn);
}

void pl_watch_told_whole(struct watch *w, const struct pl_entry *e, bool renamed)
{
    char room[PL_NATIVE_ROOM];
    struct item it;
    bool watched = pl_watch_item_of(w, e, &it);
    struct pl_str id = pl_dialect_native_id(w->d->dialect, e, room);
    if (it.group)
        learn_group(w, e, it.dn_hash);
    if (renamed_group(w, e, it.dn_hash) && !it.group)
        return;
    if (watched) {
        echo_whole(w, &it, e);
        it.id = id;
        pl_watch_keep_item(w, e, it);
    } else if (is_container(e) && (renamed || holds_ours(w, e->dn))) {
        pl_watch_missed(w); /* of the people in it, whose names are others now, nothing is told */
    }
}

/* ---- by DirSync: what changed of it ---- */

static void vague(struct watch *w, const struct pl_entry *e, struct pl_str id)
{
    struct dir *d = w->d;
    if (w->poll.n_vague == VAGUE_MAX) {
        pl_watch_missed(w);
        return;
    }
    w->poll.vague = pl_xrealloc_array(w->poll.vague, w->poll.n_vague + 1, sizeof *w->poll.vague);
    struct vague *v = &w->poll.vague[w->poll.n_vague++];
    *v = (struct vague){.id = {strndup(id.s, id.len), id.len}};
    struct pl_command *c = pl_e_emit(d->e, PL_CMD_SEARCH, d);
    c->search.channel = PL_CH_BULK;
    c->search.base = pl_arena_str(d->e->out, e->dn);
    c->search.scope = PL_SCOPE_BASE;
    c->search.filter = PL_STR("(objectClass=*)");
    c->search.attrs = d->attrs;
    pl_e_request(d->e, c, OWN_WATCH, w, d, TAG_VAGUE - (int)(w->poll.n_vague - 1));
    w->poll.vague_open++;
}

void pl_watch_told_vague(struct watch *w, int n, const struct pl_event *ev)
{
    struct vague *v = &w->poll.vague[n];
    if (ev->kind == PL_EV_ENTRY) {
        v->read = true;
        pl_watch_told_whole(w, ev->entry, true);
        return;
    }
    w->poll.vague_open--;
    if (!v->read) /* it has another name again, or is out of our sight: whose it was is still known by its id */
        pl_watch_add_item(w, (struct item){.id = pl_arena_str(w->arena, v->id)});
    if (!v->read && ev->result.code != LDAP_NO_SUCH_OBJECT)
        pl_watch_missed(w);
}

void pl_watch_vague_drop(struct watch *w)
{
    for (size_t i = 0; i < w->poll.n_vague; i++)
        free((void *)(uintptr_t)w->poll.vague[i].id.s);
    free(w->poll.vague);
    w->poll.vague = NULL;
    w->poll.n_vague = w->poll.vague_open = 0;
}

static bool says(const struct pl_entry *e, const char *name)
{
    const struct pl_attr *a = pl_entry_attr(e, name);
    return a && a->n > 0;
}

void pl_watch_told_part(struct watch *w, const struct pl_entry *e)
{
    char room[PL_NATIVE_ROOM];
    struct item it;
    bool watched = pl_watch_item_of(w, e, &it), whole = says(e, "objectClass");
    it.id = pl_dialect_native_id(w->d->dialect, e, room);
    if (it.group)
        learn_group(w, e, it.dn_hash);
    if (w->poll.whole) { /* what stands there anyway, and the full compare reads it */
        w->poll.canary = w->poll.canary || pl_dn_equal(e->dn, w->d->conf.canary_dn);
        return;
    }
    if (pl_str_ieq_c(pl_entry_first(e, "isDeleted"), "TRUE")) {
        pl_watch_gone(w, it.id);
        return;
    }
    bool renamed = says(e, "name") && !whole;
    if (renamed && renamed_group(w, e, it.dn_hash) && !it.group)
        return;
    if (renamed && !it.group) {
        vague(w, e, it.id);
    } else if (watched || !whole) {
        echo_part(w, &it, e);
        pl_watch_keep_item(w, e, it);
    }
}
