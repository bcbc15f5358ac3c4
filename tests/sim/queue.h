/* What will happen when: a heap ordered by virtual time, then by the order of asking. */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct happening {
    int64_t at_us;
    uint64_t order;
    int kind;   /* enum run_kind */
    long n;     /* what the kind needs */
    void *what; /* the same; owned by whoever takes the happening */
};

struct queue {
    struct happening *heap;
    size_t n, cap;
    uint64_t order;
};

void queue_add(struct queue *q, int64_t at_us, int kind, long n, void *what);
bool queue_take(struct queue *q, struct happening *out); /* false when empty */
void queue_free(struct queue *q);                        /* does not free `what` */

#endif
