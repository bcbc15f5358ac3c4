/* What the brake counted and let pass lately, each account and each membership once, as of its last time. Neither a restart
 * nor a lost connection forgets it: paasla.intent keeps it, and LOAD tells it to an engine that asks (row W). */
#ifndef PL_ENGINE_PASSED_H
#define PL_ENGINE_PASSED_H

#include "../base/arena.h"
#include "../core/brake.h"

struct passed {
    int64_t account_id, role_group_id; /* role_group_id 0: a lock, else a removal */
    int64_t at_us;                     /* the last time */
};

struct passed_set {   /* all zero: nothing */
    struct passed *v; /* malloced; the first `sorted` are in order */
    size_t n, sorted, cap;
    bool known; /* what was before this engine's time too */
};

void pl_passed_free(struct passed_set *s);
void pl_passed_note(struct passed_set *s, int64_t account_id, int64_t role_group_id, int64_t at_us);
void pl_passed_forget(struct passed_set *s, int64_t before_us);
struct passed *pl_passed_find(struct passed_set *s, int64_t account_id, int64_t role_group_id); /* NULL: none */
void pl_passed_count(struct passed_set *s, struct pl_brake_count *out); /* adds to locked and removed */

#endif
