/* What the brake counted and let pass lately. Many small plans are one big plan: a feed that ends one thing a commit is
 * held after as many as a feed that ends all of them in one. A set: the same thing tried again is no second one. It is as
 * old as its last time: an account that was locked, opened by somebody and locked once more has just been locked. */
#include "passed.h"

#include <stdlib.h>

static int by_key(const void *x, const void *y)
{
    const struct passed *a = x, *b = y;
    if (a->account_id != b->account_id)
        return a->account_id < b->account_id ? -1 : 1;
    if (a->role_group_id != b->role_group_id)
        return a->role_group_id < b->role_group_id ? -1 : 1;
    return (a->at_us > b->at_us) - (a->at_us < b->at_us);
}

static bool same(const struct passed *a, const struct passed *b)
{
    return a->account_id == b->account_id && a->role_group_id == b->role_group_id;
}

/* Of those that say the same the latest stays. */
static void sort(struct passed_set *s)
{
    size_t n = 0;
    if (s->n == s->sorted)
        return;
    qsort(s->v, s->n, sizeof *s->v, by_key);
    for (size_t i = 0; i < s->n; i++)
        if (n > 0 && same(&s->v[n - 1], &s->v[i]))
            s->v[n - 1] = s->v[i];
        else
            s->v[n++] = s->v[i];
    s->n = s->sorted = n;
}

void pl_passed_free(struct passed_set *s)
{
    free(s->v);
    *s = (struct passed_set){0};
}

void pl_passed_note(struct passed_set *s, int64_t account_id, int64_t role_group_id, int64_t at_us)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 16;
        s->v = pl_xrealloc_array(s->v, s->cap, sizeof *s->v);
    }
    s->v[s->n++] = (struct passed){account_id, role_group_id, at_us};
}

void pl_passed_forget(struct passed_set *s, int64_t before_us)
{
    size_t n = 0;
    sort(s);
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].at_us > before_us)
            s->v[n++] = s->v[i];
    s->n = s->sorted = n;
}

struct passed *pl_passed_find(struct passed_set *s, int64_t account_id, int64_t role_group_id)
{
    sort(s);
    size_t from = 0, to = s->n;
    struct passed wanted = {account_id, role_group_id, INT64_MIN};
    while (from < to) { /* the first that is not before it */
        size_t mid = from + (to - from) / 2;
        if (by_key(&s->v[mid], &wanted) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from < s->n && same(&s->v[from], &wanted) ? &s->v[from] : NULL;
}

void pl_passed_count(struct passed_set *s, struct pl_brake_count *out)
{
    sort(s);
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].role_group_id > 0)
            out->removed++;
        else
            out->locked++;
}
