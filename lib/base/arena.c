#include "arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_EXACT 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_EXACT 1
#endif
#endif

/* Under the address sanitizer each allocation is a block of its own, so that one byte too many is seen. */
#ifdef ARENA_EXACT
#define BLOCK_FIRST 0
#define BLOCK_MAX   0
#define BLOCK_KEPT  0
#else
#define BLOCK_FIRST 992 /* with its head it still fits what malloc keeps at hand */
#define BLOCK_MAX   65536
#define BLOCK_KEPT  16384
#endif
enum { SHORT_TEXT = 256 };

struct block {
    struct block *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

struct pl_arena {
    struct block *blocks; /* the one that still has room comes first */
    size_t next_size;
};

static void die(void) __attribute__((noreturn));
static void die(void)
{
    static const char text[] = "out of memory: stopping; what was begun is settled at the next start\n";

    (void)fwrite(text, 1, sizeof(text) - 1, stderr);
    abort();
}

void *pl_xcalloc(size_t n, size_t size)
{
    void *p = calloc(n == 0 ? 1 : n, size == 0 ? 1 : size);

    if (p == NULL) {
        die();
    }
    return p;
}

void *pl_xrealloc_array(void *p, size_t n, size_t size)
{
    void *q = reallocarray(p, n == 0 ? 1 : n, size == 0 ? 1 : size);

    if (q == NULL) {
        die();
    }
    return q;
}

struct pl_arena *pl_arena_new(void)
{
    struct pl_arena *a = pl_xrealloc_array(NULL, 1, sizeof(*a));

    *a = (struct pl_arena){.next_size = BLOCK_FIRST};
    return a;
}

static void blocks_free(struct block *b)
{
    for (struct block *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
}

/* The first block is the newest and the largest of those that grow: with it, the next use needs no other. */
void pl_arena_clear(struct pl_arena *a)
{
    struct block *kept = a->blocks;

    a->next_size = BLOCK_FIRST;
    if (kept != NULL && kept->size > BLOCK_KEPT) {
        blocks_free(kept);
        a->blocks = NULL;
    } else if (kept != NULL) {
        blocks_free(kept->next);
        kept->next = NULL;
        kept->used = 0;
        a->next_size = kept->size * 2;
    }
}

void pl_arena_free(struct pl_arena *a)
{
    if (a == NULL) {
        return;
    }
    blocks_free(a->blocks);
    free(a);
}

static struct block *block_new(size_t size)
{
    size_t whole;
    struct block *b;

    if (__builtin_add_overflow(sizeof(*b), size, &whole)) {
        die();
    }
    b = malloc(whole); /* zeroed piece by piece: most blocks are never full */
    if (b == NULL) {
        die();
    }
    *b = (struct block){.size = size};
    return b;
}

/* The first block has no room for `bytes`. A large piece gets one of its own behind it, so that it keeps its room. */
static struct block *__attribute__((noinline)) block_more(struct pl_arena *a, size_t bytes)
{
    struct block *b = a->blocks;

    if (b != NULL && bytes > a->next_size / 4) {
        struct block *own = block_new(bytes);

        own->next = b->next;
        b->next = own;
        return own;
    }
    b = block_new(bytes > a->next_size ? bytes : a->next_size);
    b->next = a->blocks;
    a->blocks = b;
    a->next_size = a->next_size * 2 > BLOCK_MAX ? BLOCK_MAX : a->next_size * 2;
    return b;
}

/* A piece as it comes from malloc. */
static void *piece(struct pl_arena *a, size_t bytes)
{
    struct block *b;
    void *p;

#ifndef ARENA_EXACT
    const size_t unit = alignof(max_align_t);

    if (__builtin_add_overflow(bytes, unit - 1, &bytes)) {
        die();
    }
    bytes -= bytes % unit;
#endif
    b = a->blocks;
    if (b == NULL || b->size - b->used < bytes) {
        b = block_more(a, bytes);
    }
    p = b->data + b->used;
    b->used += bytes;
    return p;
}

void *pl_arena_alloc(struct pl_arena *a, size_t bytes)
{
    bytes = bytes == 0 ? 1 : bytes;
    return memset(piece(a, bytes), 0, bytes);
}

void *pl_arena_array(struct pl_arena *a, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes)) {
        die();
    }
    return pl_arena_alloc(a, bytes);
}

struct pl_str pl_arena_str(struct pl_arena *a, struct pl_str s)
{
    char *copy = piece(a, s.len + 1); /* cannot wrap: the slice itself lies in memory */

    if (s.len > 0) {
        memcpy(copy, s.s, s.len);
    }
    copy[s.len] = '\0';
    return (struct pl_str){copy, s.len};
}

struct pl_str pl_arena_printf(struct pl_arena *a, const char *fmt, ...)
{
    va_list ap;
    char text[SHORT_TEXT];
    int n;
    char *s;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0) {
        return (struct pl_str){"", 0};
    }
    if ((size_t)n < sizeof(text)) { /* most are: formatted once */
        return pl_arena_str(a, (struct pl_str){text, (size_t)n});
    }
    s = pl_arena_alloc(a, (size_t)n + 1);
    va_start(ap, fmt);
    (void)vsnprintf(s, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return (struct pl_str){s, (size_t)n};
}
