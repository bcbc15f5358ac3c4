/* Text in a page of our own: nothing of it becomes markup, and nothing of it hides. */
#ifndef PAASLA_CTL_HTML_H
#define PAASLA_CTL_HTML_H

#include "ctl.h"

/* One character of *p as a document holds it, added to out; moves *p on. Lines and tabs stay, a line's end becomes \n;
 * whatever else one cannot see is shown. */
struct pl_buf;
void ctl_document_next(const char **p, struct pl_buf *out);
/* Between tags and in quoted attributes. */
void ctl_html_text(FILE *out, const char *value);
/* <TAG>value</TAG>; attributes (may be NULL) are ours and go out as they are. */
void ctl_html_element(FILE *out, const char *tag, const char *attributes, const char *value);

#endif
