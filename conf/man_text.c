#include "man_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include "lib/base/str.h"

/* One character that is not ASCII, as groff and mandoc name it: \[u00D5]. */
static size_t wide(FILE *out, const char *text, size_t len)
{
    size_t n = pl_str_utf8_at((struct pl_str){text, len}, 0);
    unsigned long code = (unsigned char)text[0];
    if (n < 2) { /* not UTF-8: the table of commands holds only UTF-8 */
        fputc('?', out);
        return 1;
    }
    code &= 0xffUL >> (n + 1);
    for (size_t i = 1; i < n; i++)
        code = code << 6 | ((unsigned char)text[i] & 0x3f);
    fprintf(out, "\\[u%04lX]", code);
    return n;
}

/* One character; how many bytes it took. */
static size_t sign(FILE *out, const char *text, size_t len)
{
    static const char special[] = "\\'`\"^~", *const names[] = {"\\(rs", "\\(aq", "\\(ga", "\\(dq", "\\(ha", "\\(ti"};
    const char *at = text[0] ? strchr(special, text[0]) : NULL;
    if ((unsigned char)text[0] >= 0x80)
        return wide(out, text, len);
    if (at)
        fputs(names[at - special], out);
    else
        fputc(text[0], out);
    return 1;
}

void man_literal(FILE *out, const char *text, size_t len)
{
    if (len > 0 && text[0] == '.')
        fputs("\\&", out); /* at the beginning of a line it would be a request */
    for (size_t i = 0; i < len;) {
        if (text[i] == '-') {
            fputs("\\-", out);
            i++;
        } else {
            i += sign(out, text + i, len - i);
        }
    }
}

void man_font(FILE *out, char font, const char *text, size_t len)
{
    fprintf(out, "\\f%c", font);
    man_literal(out, text, len);
    fputs("\\fR", out);
}

/* Whether a sentence ends before this space: after . ! or ? and before a capital or a backquote. */
static bool sentence_ends(const char *text, size_t i, size_t len)
{
    return i > 0 && i + 1 < len && strchr(".!?", text[i - 1]) &&
           (isupper((unsigned char)text[i + 1]) || text[i + 1] == '`');
}

void man_paragraph(FILE *out, const char *text, size_t len)
{
    bool begins = true;
    for (size_t i = 0; i < len;) {
        const char *end = text[i] == '`' ? memchr(text + i + 1, '`', len - i - 1) : NULL;
        if (begins && text[i] == '.')
            fputs("\\&", out);
        begins = false;
        if (end) {
            man_font(out, 'B', text + i + 1, (size_t)(end - text) - i - 1);
            i = (size_t)(end - text) + 1;
        } else if (text[i] == '\n' || (text[i] == ' ' && sentence_ends(text, i, len))) {
            fputc('\n', out);
            begins = true;
            i++;
        } else if (text[i] == '-' && !(i > 0 && isalnum((unsigned char)text[i - 1]))) {
            fputs("\\-", out); /* an option; within a word it stays a hyphen */
            i++;
        } else {
            i += sign(out, text + i, len - i);
        }
    }
    fputc('\n', out);
}

static void line_with_version(FILE *out, const char *line)
{
    static const char word[] = "@VERSION@";
    const char *at;
    while ((at = strstr(line, word))) {
        fwrite(line, 1, (size_t)(at - line), out);
        fputs(PL_VERSION, out);
        line = at + sizeof word - 1;
    }
    fputs(line, out);
}

int man_fill(const char *template_file, FILE *out, const char *marker, void (*write)(FILE *out))
{
    char line[4096];
    size_t n = strlen(marker), found = 0;
    FILE *in = fopen(template_file, "re");
    if (!in) {
        perror(template_file);
        return 1;
    }
    while (fgets(line, sizeof line, in)) {
        if (strncmp(line, marker, n) == 0 && line[n] == '\n') {
            write(out);
            found++;
        } else {
            line_with_version(out, line);
        }
    }
    bool ok = !ferror(in) && found == 1;
    fclose(in);
    if (!ok)
        fprintf(stderr, "%s: the line %s stands in it %zu times, not once\n", template_file, marker, found);
    return ok && fflush(out) == 0 && !ferror(out) ? 0 : 1;
}
