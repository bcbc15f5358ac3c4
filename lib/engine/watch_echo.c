/* What we know already, for servers whose answers to a write tell no version: how the attributes of an account stood when
 * it was looked at last, and which member we put into or took out of which group. What a watch tells and what stands here
 * in the same words is no news, whoever wrote it; what differs is, and is then forgotten here until it is looked at again:
 * so a change that somebody made and took back is never mistaken for what we knew. */
#include "watch_priv.h"

#include <string.h>
#include "../directory/dn.h"

enum { ROWS = 4096, WAYS = 8 };

static uint64_t mix(uint64_t h)
{
    h ^= h >> 31;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

struct echo pl_echo_values(uint64_t target, const char *attr, const struct pl_attr *a)
{
    struct echo out = {mix(target ^ pl_str_ihash(pl_str_c(attr))) | 1, 0};
    for (size_t i = 0; a && i < a->n; i++) /* values are a set */
        out.value += mix(pl_str_hash(a->values[i]));
    return out;
}

struct echo pl_echo_member(uint64_t group, struct pl_str member, bool came)
{
    return (struct echo){mix(group ^ mix(pl_dn_hash(member))) | 1, came};
}

static struct echo *row_of(const struct watch *w, uint64_t key)
{
    return w->echo + key / 2 % ROWS * WAYS;
}

static void forget(struct watch *w, uint64_t key)
{
    struct echo *row = row_of(w, key);
    for (int i = 0; i < WAYS; i++)
        if (row[i].key == key)
            row[i].key = 0;
}

static void learn(struct watch *w, struct echo e)
{
    if (!w->echo)
        w->echo = pl_xcalloc(ROWS * WAYS, sizeof *w->echo);
    struct echo *row = row_of(w, e.key);
    int at = WAYS - 1;
    forget(w, e.key);
    for (int i = WAYS - 1; i >= 0; i--)
        if (row[i].key == 0)
            at = i;
    memmove(row + 1, row, (size_t)at * sizeof *row);
    row[0] = e;
}

static bool known(const struct watch *w, struct echo e)
{
    const struct echo *row = w->echo ? row_of(w, e.key) : NULL;
    for (int i = 0; row && i < WAYS; i++)
        if (row[i].key == e.key)
            return row[i].value == e.value;
    return false;
}

bool pl_watch_is_echo(const struct watch *w, const struct item *it)
{
    for (size_t i = 0; i < it->n_echoes; i++)
        if (!known(w, it->echoes[i]))
            return false;
    return it->n_echoes > 0 && !it->strange;
}

void pl_watch_not_echo(struct watch *w, const struct item *it)
{
    for (size_t i = 0; w->echo && i < it->n_echoes; i++)
        forget(w, it->echoes[i].key);
}

void pl_watch_seen(struct watch *w, const struct pl_entry *e)
{
    if (w->d->dialect->watch != PL_WATCH_DIRSYNC)
        return;
    uint64_t target = pl_dn_hash(e->dn);
    for (const char *const *a = w->d->attrs; *a; a++)
        learn(w, pl_echo_values(target, *a, pl_entry_attr(e, *a)));
}

/* Of a write that was refused, or that was not answered, nothing is known. */
void pl_watch_wrote(struct watch *w, const struct op *o, int code)
{
    if (w->d->dialect->watch != PL_WATCH_DIRSYNC || code != 0 || !o->group)
        return;
    const struct pl_step *s = &o->steps[o->step];
    for (size_t i = 0; i < s->n_mods; i++)
        for (size_t k = 0; k < s->mods[i].n && s->mods[i].kind != PL_MOD_REPLACE; k++)
            learn(w, pl_echo_member(o->target, s->mods[i].values[k], s->mods[i].kind == PL_MOD_ADD));
}
