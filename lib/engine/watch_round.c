/* What a watch told is looked at in rounds: all that has come, the groups among it compared with who should be in them,
 * and the result stored in one transaction with the cookie that stands for it. */
#include "watch_priv.h"

#include <stdlib.h>
#include <string.h>

void pl_watch_items_drop(struct watch *w)
{
    free(w->items);
    w->items = NULL;
    w->n_items = 0;
    pl_arena_clear(w->arena);
}

void pl_watch_round_drop(struct watch *w)
{
    for (size_t i = 0; i < w->n_looks; i++)
        pl_watch_look_free(&w->looks[i]);
    free(w->looks);
    free(w->changed);
    free(w->persons);
    w->looks = NULL;
    w->changed = NULL;
    w->persons = NULL;
    w->n_looks = w->looks_open = w->n_changed = w->n_persons = 0;
    w->round = false;
    pl_arena_clear(w->round_arena);
}

void pl_watch_add_changed(struct watch *w, const struct pl_changed *c)
{
    if ((w->n_changed & (w->n_changed - 1)) == 0)
        w->changed = pl_xrealloc_array(w->changed, w->n_changed ? w->n_changed * 2 : 1, sizeof *w->changed);
    w->changed[w->n_changed++] = *c;
}

void pl_watch_add_person(struct watch *w, int64_t person_id)
{
    struct pl_nominee n = {person_id, "watch"};
    if ((w->n_persons & (w->n_persons - 1)) == 0)
        w->persons = pl_xrealloc_array(w->persons, w->n_persons ? w->n_persons * 2 : 1, sizeof *w->persons);
    w->persons[w->n_persons++] = n;
}

/* Where deletions are not told, what was told of a stranger before a compare began and is stored later would stand until the
 * compare after it. So no finding comes of it: the compare that runs tells of who is there, or the one that follows when it
 * does not come to an end. Persons are looked at all the same. */
static bool is_old(const struct watch *w, uint64_t turn)
{
    return turn <= (w->comparing ? w->comparing : w->compared);
}

void pl_watch_compare_begins(struct watch *w)
{
    w->comparing = ++w->turn;
}

void pl_watch_compare_ends(struct watch *w, bool complete)
{
    if (complete && w->comparing)
        w->compared = w->comparing;
    w->comparing = 0;
}

/* ---- a round ---- */

static void take_entry(struct watch *w, const struct item *it)
{
    struct pl_changed c = {.id = pl_arena_str(w->round_arena, it->id)};
    if (it->account)
        c.login = pl_arena_str(w->round_arena, it->login);
    if (it->account && !is_old(w, it->turn)) {
        c.finding = (struct pl_finding_cmd){.kind = "orphan_account", .severity = "warning", .key = c.id};
        c.finding.text =
            pl_arena_printf(w->round_arena, "%.*s is an account that belongs to no person in the table.%s%.*s%s",
                            (int)it->dn.len, it->dn.s, it->writer.len ? " Last written by " : "", (int)it->writer.len,
                            it->writer.s, it->writer.len ? "." : "");
    }
    pl_watch_add_changed(w, &c);
}

/* Also kept with the group, for the findings about members that somebody took out. */
static void remember_writer(struct watch *w, const struct item *it)
{
    struct shape *s = pl_shape(w->d, it->dn_hash, true);
    free(s->writer);
    s->writer = it->writer.len ? strndup(it->writer.s, it->writer.len) : NULL;
    s->writer_at_us = w->d->e->now;
}

static void take_group(struct watch *w, const struct item *it)
{
    const struct dir *d = w->d;
    if (it->dn.len)
        remember_writer(w, it);
    for (size_t i = 0; i < w->n_looks; i++)
        if (w->looks[i].dn_hash == it->dn_hash)
            return;
    for (size_t i = 0; i < d->n_groups; i++) {
        const struct group *g = &d->groups[i];
        if (g->dn_hash != it->dn_hash)
            continue;
        if ((w->n_looks & (w->n_looks - 1)) == 0)
            w->looks = pl_xrealloc_array(w->looks, w->n_looks ? w->n_looks * 2 : 1, sizeof *w->looks);
        w->looks[w->n_looks++] = (struct group_look){.w = w,
                                                     .dn = pl_arena_str(w->round_arena, g->dn),
                                                     .dn_hash = g->dn_hash,
                                                     .writer = pl_arena_str(w->round_arena, it->writer),
                                                     .role_group_id = g->role_group_id};
        return; /* several roles may share a group; the look asks who should be in it for all of them */
    }
}

static bool take_items(struct watch *w)
{
    size_t left = 0;
    for (size_t i = 0; i < w->n_items; i++) {
        const struct item *it = &w->items[i];
        if (pl_watch_is_own(w, it->version) || pl_watch_is_echo(w, it))
            continue;
        if ((it->version || it->n_echoes) &&
            pl_target_busy(w->d, it->dn_hash)) { /* our own write may be what this tells of */
            w->items[left++] = *it;
            continue;
        }
        pl_watch_not_echo(w, it);
        if (it->group)
            take_group(w, it);
        else
            take_entry(w, it);
    }
    w->n_items = left;
    if (left == 0)
        pl_watch_items_drop(w);
    return left == 0;
}

static void store(struct watch *w)
{
    struct dir *d = w->d;
    struct pl_engine *e = d->e;
    if (w->n_changed + w->n_persons == 0 && w->round_cookie.len == 0 && !w->went_back) {
        pl_watch_round_drop(w); /* every look came to nothing */
        return;
    }
    struct pl_command *c = pl_e_emit(e, PL_CMD_WATCHED, d);
    struct pl_changed *changed = pl_arena_array(e->out, w->n_changed, sizeof *changed);
    struct pl_nominee *persons = pl_arena_array(e->out, w->n_persons, sizeof *persons);
    for (size_t i = 0; i < w->n_changed; i++) {
        changed[i] = w->changed[i];
        changed[i].id = pl_arena_str(e->out, changed[i].id);
        changed[i].login = pl_arena_str(e->out, changed[i].login);
        if (is_old(w, w->round_turn))
            changed[i].finding = (struct pl_finding_cmd){0};
        changed[i].finding.key = pl_arena_str(e->out, changed[i].finding.key);
        changed[i].finding.text = pl_arena_str(e->out, changed[i].finding.text);
    }
    if (w->n_persons)
        memcpy(persons, w->persons, w->n_persons * sizeof *persons);
    c->watched.entries = changed;
    c->watched.n_entries = w->n_changed;
    c->watched.persons = persons;
    c->watched.n_persons = w->n_persons;
    c->watched.cookie = pl_arena_str(e->out, w->round_cookie);
    c->watched.identity = d->identity;
    if (w->went_back) {
        struct pl_finding_cmd *f = pl_arena_alloc(e->out, sizeof *f);
        *f = (struct pl_finding_cmd){
            .kind = "directory_went_back",
            .severity = "critical",
            .key = d->conf.name,
            .text =
                PL_STR("The directory has forgotten changes that it had told us of: it was restored from a backup, or "
                       "another server answers. Everything is compared; look at what its accounts may do now.")};
        c->watched.findings = f;
        c->watched.n_findings = 1;
        c->watched.forget = true;
        w->went_back = false;
    }
    pl_e_request(e, c, OWN_WATCH, w, NULL, TAG_STORED);
    w->storing = true;
    if (w->round_cookie.len)
        w->cookie_news = false;
    if (w->n_changed + w->n_persons > 0) /* in the same pipeline, behind this: no need to wait for the hint */
        d->want[PL_LOAD_URGENT] = d->want[PL_LOAD_BULK] = true;
    pl_watch_round_drop(w);
}

/* It is looked at again after a while, and until then no cookie says that it was. */
static void once_more(struct watch *w, const struct group_look *g)
{
    struct item it = {.group = true,
                      .dn_hash = g->dn_hash,
                      .dn = pl_arena_str(w->arena, g->dn),
                      .writer = pl_arena_str(w->arena, g->writer)};
    w->round_cookie = (struct pl_str){"", 0};
    int64_t pause = w->d->e->conf.retry_min_us;
    for (int i = 1; i < w->broken_looks && pause < w->d->e->conf.retry_max_us; i++)
        pause *= 2;
    w->look_again_us = w->d->e->now + pause;
    pl_watch_add_item(w, it);
}

void pl_watch_look_ended(struct group_look *g)
{
    struct watch *w = g->w;
    if (g->broken) {
        w->broken_looks++;
        once_more(w, g);
    }
    if (g->crowded || w->broken_looks == BROKEN_LOOKS_MAX)
        w->d->want_scan = true;
    if (!g->broken)
        w->broken_looks = 0;
    if (--w->looks_open == 0)
        store(w);
}

void pl_watch_round(struct watch *w)
{
    const struct pl_engine *e = w->d->e;
    bool due = w->cookie_news && w->live && e->now >= w->store_at_us;
    if (w->poll.open) /* the cookie that stands for what was told comes at the end of the answer */
        return;
    if (w->round || w->storing || e->now < w->look_again_us || (w->n_items == 0 && !due && !w->went_back))
        return;
    bool all = take_items(w);
    if (w->n_changed + w->n_looks == 0 && !(all && due) && !w->went_back)
        return; /* only our own, or nothing that can be looked at yet */
    w->round = true;
    w->round_turn = ++w->turn;
    /* Before the refresh is over a cookie stands for nothing (RFC 4533 3.3.1). */
    w->round_cookie = (struct pl_str){"", 0};
    if (all && w->cookie_news && w->live) {
        struct pl_buf b = {0};
        if (w->d->dialect->watch == PL_WATCH_DIRSYNC)
            pl_watch_poll_place(w, &b);
        else
            pl_cookie_print(&b, &w->cookie);
        w->round_cookie = pl_arena_str(w->round_arena, pl_buf_str(&b));
        pl_buf_free(&b);
    }
    w->looks_open = w->n_looks;
    if (w->n_looks == 0)
        store(w);
    else
        for (size_t i = 0, n = w->n_looks; i < n; i++)
            pl_watch_look_group(&w->looks[i]);
}
