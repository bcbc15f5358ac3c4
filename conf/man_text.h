/* Text for people as man(7) source: what the programs that write parts of man pages share. ASCII comes out, whatever goes
 * in, so that every formatter reads it. */
#ifndef PL_CONF_MAN_TEXT_H
#define PL_CONF_MAN_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* Running text, escaped; `words` between backquotes become bold; a sentence begins on a line of its own. Ends its line. */
void man_paragraph(FILE *out, const char *text, size_t len);

/* Something to type, escaped as it stands, every - a minus; no font, no end of line. */
void man_literal(FILE *out, const char *text, size_t len);

/* A word as \fBbold\fR or \fIitalic\fR literal. */
void man_font(FILE *out, char font, const char *text, size_t len);

/* Copies a template: @VERSION@ becomes the program's version, a line that is `marker` becomes what write() writes. Returns
 * the program's exit status: 1 with the reason on standard error when the template cannot be read, lacks the marker, or the
 * output cannot be written. */
int man_fill(const char *template_file, FILE *out, const char *marker, void (*write)(FILE *out));

#endif
