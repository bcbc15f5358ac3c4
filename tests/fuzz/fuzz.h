/* What the fuzz targets share. Each target holds what it tests against a rule, not only against a crash. */
#ifndef PL_TESTS_FUZZ_FUZZ_H
#define PL_TESTS_FUZZ_FUZZ_H

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

#endif
