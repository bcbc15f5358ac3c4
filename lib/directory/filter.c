#include "filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 4515 section 3 asks this only of '*', '(', ')', '\' and NUL. Escaping all beyond printable ASCII as well keeps
 * filters readable in any log and safe from whatever a peer makes of bytes that are not UTF-8. */
static bool plain(char c)
{
    return c >= ' ' && c <= '~' && c != '*' && c != '(' && c != ')' && c != '\\';
}

void pl_filter_escape(struct pl_buf *out, struct pl_str value)
{
    for (size_t i = 0, from = 0; from < value.len; from = ++i) {
        while (i < value.len && plain(value.s[i])) {
            i++;
        }
        pl_buf_add(out, (struct pl_str){value.s + from, i - from});
        if (i < value.len) {
            pl_buf_printf(out, "\\%02X", (unsigned)(unsigned char)value.s[i]);
        }
    }
}

static bool letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_description(const char *attr)
{
    size_t n = 0;

    while (attr != NULL && (letter_or_digit(attr[n]) || attr[n] == '-' || attr[n] == ';' || attr[n] == '.')) {
        n++;
    }
    return n > 0 && attr[n] == '\0';
}

void pl_filter_equal(struct pl_buf *out, const char *attr, struct pl_str value)
{
    if (!is_description(attr)) {
        (void)fputs("pl_filter_equal: the attribute is not an attribute description; this is a bug\n", stderr);
        abort();
    }
    pl_buf_add_byte(out, '(');
    pl_buf_add_c(out, attr);
    pl_buf_add_byte(out, '=');
    pl_filter_escape(out, value);
    pl_buf_add_byte(out, ')');
}
