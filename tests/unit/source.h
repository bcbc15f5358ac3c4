/* Where the files of the source tree are, for tests that compare with one of them: relative to this header as the
 * compiler saw it (meson compiles and tests in the same folder), or to PL_SOURCE_ROOT when that is set. */
#ifndef PL_TESTS_UNIT_SOURCE_H
#define PL_TESTS_UNIT_SOURCE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a file named from the top of the tree, at most size - 1 bytes; -1 when it cannot be opened. */
static inline long source_read(const char *name, char *out, size_t size)
{
    const char *root = getenv("PL_SOURCE_ROOT"), *here = __FILE__, *end = strstr(here, "tests/unit/source.h");
    char path[4096];
    FILE *f;
    size_t n;

    if (root != NULL)
        (void)snprintf(path, sizeof path, "%s/%s", root, name);
    else
        (void)snprintf(path, sizeof path, "%.*s%s", end == NULL ? 0 : (int)(end - here), here, name);
    f = fopen(path, "re");
    if (f == NULL) {
        fprintf(stderr, "%s cannot be opened\n", path);
        return -1;
    }
    n = fread(out, 1, size - 1, f);
    fclose(f);
    out[n] = '\0';
    return (long)n;
}

#endif
