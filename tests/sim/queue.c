#include "queue.h"

#include <stdlib.h>
#include "../../lib/base/arena.h"

static bool before(const struct happening *a, const struct happening *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void queue_add(struct queue *q, int64_t at_us, int kind, long n, void *what)
{
    if (q->n == q->cap) {
        q->cap = q->cap ? q->cap * 2 : 256;
        q->heap = pl_xrealloc_array(q->heap, q->cap, sizeof *q->heap);
    }
    struct happening h = {at_us, q->order++, kind, n, what};
    size_t i = q->n++;
    for (; i > 0 && before(&h, &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
        q->heap[i] = q->heap[(i - 1) / 2];
    q->heap[i] = h;
}

bool queue_take(struct queue *q, struct happening *out)
{
    if (q->n == 0)
        return false;
    *out = q->heap[0];
    struct happening last = q->heap[--q->n];
    size_t i = 0;
    for (;;) {
        size_t c = 2 * i + 1;
        if (c >= q->n)
            break;
        if (c + 1 < q->n && before(&q->heap[c + 1], &q->heap[c]))
            c++;
        if (!before(&q->heap[c], &last))
            break;
        q->heap[i] = q->heap[c];
        i = c;
    }
    if (q->n > 0)
        q->heap[i] = last;
    return true;
}

void queue_free(struct queue *q)
{
    free(q->heap);
    *q = (struct queue){0};
}
