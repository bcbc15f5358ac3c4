#include "filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 4515 section 3 asks this only of '*', '(', ')', '\' and NUL. Escaping all beyond printable ASCII as well keeps
 * filters readable in any log and safe from whatever a peer makes of bytes that are not UTF-8. */
static bool plain(char c)
{
    return c >= ' ' && c <= '~' && strchr("*()\\", c) == NULL;
}

void pl_filter_escape(struct pl_buf *out, struct pl_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (plain(value.s[i])) {
            pl_buf_add_byte(out, value.s[i]);
        } else {
            pl_buf_printf(out, "\\%02X", (unsigned)(unsigned char)value.s[i]);
        }
    }
}

static bool is_description(const char *attr)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-;.";

    return attr != NULL && attr[0] != '\0' && attr[strspn(attr, allowed)] == '\0';
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
