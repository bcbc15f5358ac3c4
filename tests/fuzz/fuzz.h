/* What the fuzz targets share. Each target holds what it tests against a rule, not only against a crash. */
#ifndef PL_TESTS_FUZZ_FUZZ_H
#define PL_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops with the rule that does not hold; libFuzzer keeps the input. */
#define RULE(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: the rule does not hold: %s\n", __FILE__, __LINE__, #condition);                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static inline struct pl_str fuzz_str(const uint8_t *data, size_t size)
{
    return (struct pl_str){(const char *)data, size};
}

/* The same bytes with 64 others behind them: what is read must not depend on those. Freed by free(). The input itself ends
 * where its memory does, so that the sanitizer sees every read beyond it. */
static inline struct pl_str fuzz_beside(const uint8_t *data, size_t size, int other)
{
    char *copy = malloc(size + 64);

    RULE(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    memset(copy + size, other, 64);
    return (struct pl_str){copy, size};
}

static inline void fuzz_free(struct pl_str s)
{
    free((void *)(uintptr_t)s.s);
}

/* `part` lies in `whole`, or is empty. */
static inline bool fuzz_inside(struct pl_str part, struct pl_str whole)
{
    return part.len == 0 || (part.s >= whole.s && part.len <= whole.len && part.s + part.len <= whole.s + whole.len);
}

#endif
