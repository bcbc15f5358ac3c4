/* Bytes written in hexadecimal, for tests. Blanks are passed over, so that elements can stand apart. */
#ifndef PL_TESTS_UNIT_HEX_H
#define PL_TESTS_UNIT_HEX_H

#include <stdlib.h>
#include <string.h>
#include "lib/base/str.h"

/* The bytes end where their memory does, so that a sanitizer sees every read beyond. Freed by hex_free. */
static inline struct pl_str hex(const char *text)
{
    size_t n = 0;
    unsigned char *out = malloc(strlen(text) / 2 + 1), *fit;

    for (const char *p = text; *p != '\0'; p++) {
        if (*p == ' ')
            continue;
        char two[3] = {p[0], p[1], '\0'}, *end;
        out[n++] = (unsigned char)strtoul(two, &end, 16);
        if (end != two + 2)
            abort();
        p++;
    }
    fit = malloc(n > 0 ? n : 1);
    memcpy(fit, out, n);
    free(out);
    return (struct pl_str){(char *)fit, n};
}

static inline void hex_free(struct pl_str s)
{
    free((void *)(uintptr_t)s.s);
}

#endif
