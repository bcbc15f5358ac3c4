/* Escaping for pages. */
#include "html.h"

#include <string.h>

#include "lib/base/str.h"

void ctl_document_next(const char **p, struct pl_buf *out)
{
    if (**p == '\r' && (*p)[1] == '\n')
        (*p)++;
    if (!strchr("\t\r\n", **p)) {
        ctl_next_shown(p, out);
        return;
    }
    pl_buf_add_byte(out, **p == '\r' ? '\n' : **p);
    (*p)++;
}

void ctl_html_text(FILE *out, const char *value)
{
    struct pl_buf b = {0};
    for (const char *p = value; *p;) {
        pl_buf_clear(&b);
        ctl_document_next(&p, &b);
        const char *entity = b.len != 1     ? NULL
                             : *b.s == '&'  ? "&amp;"
                             : *b.s == '<'  ? "&lt;"
                             : *b.s == '>'  ? "&gt;"
                             : *b.s == '"'  ? "&quot;"
                             : *b.s == '\'' ? "&#39;"
                                            : NULL;
        fputs(entity ? entity : b.s, out);
    }
    pl_buf_free(&b);
}

void ctl_html_element(FILE *out, const char *tag, const char *attributes, const char *value)
{
    fprintf(out, "<%s%s%s>", tag, attributes ? " " : "", attributes ? attributes : "");
    ctl_html_text(out, value);
    fprintf(out, "</%s>", tag);
}
