#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Copies at most size - 1 bytes and never leaves half a UTF-8 sequence at the end: texts go on into JSON and SQL. */
static void copy_text(char *out, size_t size, const char *text)
{
    size_t n = strlen(text);

    if (n >= size) {
        n = size - 1;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) {
            n--;
        }
    }
    memmove(out, text, n);
    out[n] = '\0';
}

bool pl_err_set(struct pl_err *err, enum pl_err_class class, int code, const char *hint, const char *fmt, ...)
{
    /* Formatted aside first, because the arguments may be texts of the same *err. */
    char text[2 * sizeof(err->text)];
    char advice[sizeof(err->hint)];
    va_list ap;

    if (err == NULL) {
        return false;
    }
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof(text), fmt, ap) < 0) {
        text[0] = '\0';
    }
    va_end(ap);
    copy_text(advice, sizeof(advice), hint == NULL ? "" : hint);

    err->class = class;
    err->code = code;
    copy_text(err->text, sizeof(err->text), text);
    copy_text(err->hint, sizeof(err->hint), advice);
    return false;
}

bool pl_err_prefix(struct pl_err *err, const char *fmt, ...)
{
    char text[2 * sizeof(err->text)];
    int n;
    va_list ap;

    if (err == NULL) {
        return false;
    }
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0) {
        return false;
    }
    /* A prefix that fills err->text by itself is cut below like any text, so what is lost here does not matter. */
    if ((size_t)n < sizeof(text)) {
        (void)snprintf(text + n, sizeof(text) - (size_t)n, ": %s", err->text);
    }
    copy_text(err->text, sizeof(err->text), text);
    return false;
}
