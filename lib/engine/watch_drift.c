/* What was found amiss in a group the last time and is the persons' own affair since: the store has them in its queue. At
 * the next change of that group only the others are looked up, and whoever is not amiss any more. Without this every change
 * would cost a look at each member that somebody put in before it.
 *
 * Nothing is remembered across a write of our own: what we take out and somebody puts in again is a new drift. Neither
 * across the end of a watch. The full compare knows nothing of this and looks at everybody. */
#include "watch_priv.h"

#include <stdlib.h>
#include <string.h>
#include "../directory/dn.h"

#define SETTLED_US 10000000 /* until then its person may be being looked at, unless the end of that is known */
enum { DRIFTS_MAX = 4096 }; /* in one group; the others are looked up each time */

static int by_key(const void *a, const void *b)
{
    const struct drift *x = a, *y = b;
    if (x->in != y->in)
        return x->in ? 1 : -1;
    return x->key < y->key ? -1 : x->key > y->key;
}

static struct drift *find(struct shape *s, size_t n, bool in, uint64_t key)
{
    struct drift wanted = {.key = key, .in = in};
    return n ? bsearch(&wanted, s->drifts, n, sizeof wanted, by_key) : NULL;
}

bool pl_drift_known(struct shape *s, bool in, uint64_t key, int64_t now_us)
{
    struct drift *x = find(s, s->n_drifts, in, key);
    if (x)
        x->seen = true;
    return x && (x->told || now_us - x->at_us >= SETTLED_US);
}

static void told(struct shape *s, bool in, uint64_t key, int64_t looked_us)
{
    struct drift *x = find(s, s->n_drifts, in, key);
    if (x && looked_us > x->at_us)
        x->told = true;
}

void pl_drift_told(const struct task *t)
{
    uint64_t dn = pl_dn_hash(t->entry->dn), login = pl_str_ihash(t->p.login);
    for (size_t i = 0; i < t->dir->n_shapes; i++) {
        struct shape *s = &t->dir->shapes[i];
        told(s, true, s->shape == PL_GROUP_POSIX ? login : dn, t->looked_us);
        told(s, false, login, t->looked_us);
    }
}

static void drift_free(struct drift *x)
{
    free(x->id);
    free(x->login);
}

void pl_drift_forget(struct shape *s)
{
    for (size_t i = 0; i < s->n_drifts; i++)
        drift_free(&s->drifts[i]);
    free(s->drifts);
    s->drifts = NULL;
    s->n_drifts = 0;
}

void pl_drift_wrote(struct shape *s)
{
    s->writes++;
    pl_drift_forget(s);
}

void pl_drift_forget_all(struct dir *d)
{
    for (size_t i = 0; i < d->n_shapes; i++)
        pl_drift_forget(&d->shapes[i]);
}

void pl_drift_begin(struct shape *s)
{
    for (size_t i = 0; i < s->n_drifts; i++)
        s->drifts[i].seen = false;
}

/* Whose drift is over: the finding about it is, too. */
static void over(struct group_look *g, const struct drift *x)
{
    struct watch *w = g->w;
    if (!x->in) {
        pl_watch_add_person(w, x->person_id);
    } else if (x->id || x->login) {
        struct pl_changed c = {.id = pl_arena_str(w->round_arena, pl_str_c(x->id ? x->id : "")),
                               .login = pl_arena_str(w->round_arena, pl_str_c(x->login ? x->login : ""))};
        pl_watch_add_changed(w, &c);
    }
}

void pl_drift_end(struct group_look *g, struct shape *s)
{
    size_t left = 0;
    for (size_t i = 0; i < s->n_drifts; i++) {
        struct drift *x = &s->drifts[i];
        if (x->seen) {
            s->drifts[left++] = *x;
            continue;
        }
        over(g, x);
        drift_free(x);
    }
    s->n_drifts = left;
}

static void keep(struct shape *s, struct drift x)
{
    if ((s->n_drifts & (s->n_drifts - 1)) == 0)
        s->drifts = pl_xrealloc_array(s->drifts, s->n_drifts ? s->n_drifts * 2 : 1, sizeof *s->drifts);
    s->drifts[s->n_drifts++] = x;
}

static char *copy(struct pl_str t)
{
    return t.len ? strndup(t.s, t.len) : NULL;
}

/* Several roles may share the group, so that a person is missing there more than once. */
static void once_each(struct shape *s)
{
    size_t left = 0;
    if (s->n_drifts)
        qsort(s->drifts, s->n_drifts, sizeof *s->drifts, by_key);
    for (size_t i = 0; i < s->n_drifts; i++)
        if (left > 0 && by_key(&s->drifts[left - 1], &s->drifts[i]) == 0)
            drift_free(&s->drifts[i]);
        else
            s->drifts[left++] = s->drifts[i];
    s->n_drifts = left;
}

void pl_drift_keep(const struct group_look *g, struct shape *s)
{
    if (g->broken || s->writes != g->writes || s->n_drifts + g->n_strangers + g->n_wanted > DRIFTS_MAX)
        return;
    size_t before = s->n_drifts; /* these are in order */
    int64_t now = g->w->d->e->now;
    for (size_t i = 0; i < g->n_strangers; i++) {
        const struct stranger *x = &g->strangers[i];
        if (find(s, before, true, x->hash))
            continue;
        keep(s, (struct drift){.key = x->hash,
                               .in = true,
                               .id = copy(x->id),
                               .login = x->is_dn ? NULL : copy(x->value),
                               .at_us = now});
    }
    for (size_t i = 0; i < g->n_wanted; i++) {
        const struct wanted_member *x = &g->wanted[i];
        if (!x->seen && !find(s, before, false, x->login_hash))
            keep(s, (struct drift){.key = x->login_hash, .person_id = x->person_id, .at_us = now});
    }
    once_each(s);
}
