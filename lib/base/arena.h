/* An arena: many small allocations that die together (one task, one batch, one message).
 *
 * Out of memory ends the process at once with a message. Every promise holds across a crash at any moment, so stopping
 * is safer than running on with half of a plan. */
#ifndef PL_BASE_ARENA_H
#define PL_BASE_ARENA_H

#include <stddef.h>
#include "str.h"

struct pl_arena;

struct pl_arena *pl_arena_new(void);
void pl_arena_free(struct pl_arena *a);                          /* NULL is fine */
void pl_arena_clear(struct pl_arena *a);                         /* as if new; a block may stay for what comes next */
void *pl_arena_alloc(struct pl_arena *a, size_t bytes);          /* zeroed, aligned for any type */
void *pl_arena_array(struct pl_arena *a, size_t n, size_t size); /* zeroed; overflow ends the process */
struct pl_str pl_arena_str(struct pl_arena *a, struct pl_str s); /* a copy, followed by a NUL */
struct pl_str pl_arena_printf(struct pl_arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));

/* malloc family that never returns NULL. */
void *pl_xcalloc(size_t n, size_t size);
void *pl_xrealloc_array(void *p, size_t n, size_t size);

#endif
