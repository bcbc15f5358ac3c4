/* The letter's lines on paper: 80 columns and 60 lines of text, or a page of a browser. */
#include "html.h"
#include "letter.h"

#include <string.h>

/* ---- text ---- */

/* Writes one thing from a column on, breaking it at spaces, over at most so many lines; what does not fit ends with an
 * ellipsis. */
struct pen {
    struct pl_buf *out;
    size_t col, margin; /* where it is, and where further lines begin */
    int lines_left;     /* that may follow this one */
    bool words;         /* there is one on this line already */
};

static size_t width(const char *text, const char *end)
{
    struct pl_buf b = {0};
    size_t w = 0;
    while (text < end)
        w += ctl_next_shown(&text, &b);
    pl_buf_free(&b);
    return w;
}

static void spaces(struct pen *p, size_t upto)
{
    for (; p->col < upto; p->col++)
        pl_buf_add_byte(p->out, ' ');
}

static void new_line(struct pen *p)
{
    pl_buf_add_byte(p->out, '\n');
    p->col = 0;
    p->lines_left--;
    p->words = false;
    spaces(p, p->margin);
}

/* The last line keeps a column for the ellipsis when not all of the text fits. */
static size_t room(const struct pen *p, const char *text)
{
    bool cut = p->lines_left <= 0 && p->col + width(text, text + strlen(text)) > LETTER_COLUMNS;
    return cut ? LETTER_COLUMNS - 1 : LETTER_COLUMNS;
}

/* As many characters as there is room for, on as many lines as there may be. */
static bool fill_line(struct pen *p, const char **text, const char *end)
{
    size_t upto = room(p, *text);
    while (*text < end) {
        struct pl_buf b = {0};
        const char *next = *text;
        size_t w = ctl_next_shown(&next, &b);
        bool fits = p->col + w <= upto;
        if (fits) {
            pl_buf_add(p->out, pl_buf_str(&b));
            p->col += w;
            p->words = true;
            *text = next;
        }
        pl_buf_free(&b);
        if (!fits && p->lines_left <= 0) {
            pl_buf_add_c(p->out, "…");
            return false;
        }
        if (!fits) {
            new_line(p);
            upto = room(p, *text);
        }
    }
    return true;
}

static void write_text(struct pen *p, const char *text)
{
    while (*text) {
        const char *word = text + strspn(text, " "), *end = word + strcspn(word, " ");
        if (!*word)
            return;
        size_t need = p->words + width(word, end);
        if (p->words && p->lines_left > 0 && p->col + need > LETTER_COLUMNS && need <= LETTER_COLUMNS - p->margin)
            new_line(p);
        if (p->words && p->lines_left <= 0 && p->col >= LETTER_COLUMNS - 1) {
            pl_buf_add_c(p->out, "…");
            return;
        }
        if (p->words && p->col < LETTER_COLUMNS) {
            pl_buf_add_byte(p->out, ' ');
            p->col++;
        }
        text = word;
        if (!fill_line(p, &text, end))
            return;
    }
}

/* The prefix, the text from column `first` on, and further lines from `margin` on. */
static void block(struct pl_buf *out, const char *prefix, size_t first, size_t margin, int lines, const char *text)
{
    struct pen p = {
        .out = out, .col = width(prefix, prefix + strlen(prefix)), .margin = margin, .lines_left = lines - 1};
    pl_buf_add_c(out, prefix);
    spaces(&p, first);
    write_text(&p, text);
    pl_buf_add_byte(out, '\n');
}

static void rule(struct pl_buf *out, size_t from, char c)
{
    for (; from < LETTER_COLUMNS; from++)
        pl_buf_add_byte(out, c);
    pl_buf_add_byte(out, '\n');
}

/* Three columns; each value is cut to its own. */
static void account(struct pl_buf *out, char *const *text)
{
    static const size_t begins[] = {2, 24, 52, LETTER_COLUMNS + 1};
    size_t col = 0;
    for (int i = 0; i < 3; i++) {
        size_t room = begins[i + 1] - 1 - begins[i];
        const char *t = text[i], *end = t + strlen(t);
        bool cut = width(t, end) > room;
        for (; col < begins[i]; col++)
            pl_buf_add_byte(out, ' ');
        while (t < end) {
            struct pl_buf b = {0};
            size_t w = ctl_next_shown(&t, &b);
            bool fits = col + w <= begins[i] + room - cut;
            if (fits)
                pl_buf_add(out, pl_buf_str(&b));
            pl_buf_free(&b);
            if (!fits)
                break;
            col += w;
        }
        if (cut) {
            pl_buf_add_c(out, "…");
            col++;
        }
    }
    pl_buf_add_byte(out, '\n');
}

static void title(struct pl_buf *out, char *const *text)
{
    struct pen p = {.out = out};
    write_text(&p, text[0]);
    spaces(&p, LETTER_COLUMNS - strlen(text[1]));
    pl_buf_add_c(out, text[1]);
    pl_buf_add_byte(out, '\n');
    rule(out, 0, '=');
}

static void heading(struct pl_buf *out, const char *text)
{
    pl_buf_printf(out, "\n-- %s ", text);
    rule(out, 4 + width(text, text + strlen(text)), '-');
}

int letter_print_text(const struct letter *l, struct pl_buf *out)
{
    int duty = 0, lines = 0;
    for (int i = 0; i < l->n; i++) {
        const struct letter_line *x = &l->line[i];
        char prefix[64];
        switch (x->kind) {
        case LK_TITLE:
            title(out, x->text);
            break;
        case LK_WELCOME:
            block(out, "", 0, 0, 3, x->text[0]);
            pl_buf_add_byte(out, '\n');
            break;
        case LK_PAIR:
            snprintf(prefix, sizeof prefix, "%s:", x->text[0]);
            block(out, prefix, 19, 19, 2, x->text[1]);
            break;
        case LK_HEAD:
            heading(out, x->text[0]);
            break;
        case LK_ACCOUNT:
            account(out, x->text);
            break;
        case LK_RIGHT:
            block(out, "", 2, 4, x->text[1] ? 2 : 1, x->text[0]);
            if (x->text[1])
                block(out, "", 6, 6, 2, x->text[1]);
            break;
        case LK_PARA:
        case LK_SMALL:
            block(out, "", 2, 2, 4, x->text[0]);
            break;
        case LK_SECRET:
            block(out, "", 2, 2, 2, x->text[0]);
            block(out, "", 6, 6, 2, x->text[1]);
            break;
        case LK_DUTY:
            snprintf(prefix, sizeof prefix, "  %d.", ++duty);
            block(out, prefix, 5, 5, 5, x->text[0]);
            break;
        case LK_SIGN:
            pl_buf_add_byte(out, '\n');
            block(out, "", 0, 0, 1, x->text[0]);
            break;
        }
    }
    for (size_t i = 0; i < out->len; i++)
        lines += out->s[i] == '\n';
    return lines;
}

/* ---- page ---- */

static const char style[] =
    "body { font: 10.5pt/1.3 system-ui, sans-serif; color: #111; background: #fff; max-width: 174mm; margin: 1rem "
    "auto; "
    "padding: 0 .5rem; }\n"
    "header { display: flex; justify-content: space-between; align-items: baseline; border-bottom: 2px solid #111; }\n"
    "h1 { font-size: 15pt; margin: 0; }\n"
    "h2 { font-size: 11pt; margin: .8em 0 .2em; border-bottom: 1px solid #999; }\n"
    "p, ol, dl, table { margin: .25em 0; }\n"
    ".welcome { font-size: 12pt; font-weight: 600; margin: .6em 0; overflow-wrap: anywhere; }\n"
    "dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1em; }\n"
    "dt { color: #444; }\n"
    "dd { margin: 0; overflow-wrap: anywhere; }\n"
    "table { border-collapse: collapse; width: 100%; }\n"
    "td { padding: .1em 1em .1em 0; vertical-align: top; overflow-wrap: anywhere; }\n"
    ".right { margin: .1em 0; }\n"
    ".right small, .basis { display: block; font-size: 9pt; color: #444; }\n"
    "ol { padding-left: 1.5em; }\n"
    ".secret { font: 600 13pt ui-monospace, monospace; border: 1px solid #111; padding: .1em .5em; white-space: "
    "nowrap; }\n"
    ".sign { margin-top: 1.6em; }\n"
    "@page { size: A4; margin: 14mm 18mm; }\n"
    "@media print { body { margin: 0; padding: 0; max-width: none; font-size: 9.5pt; } }\n";

/* The element around lines of one kind, or NULL. */
static const char *group(enum letter_kind k)
{
    return k == LK_PAIR ? "dl" : k == LK_ACCOUNT ? "table" : k == LK_DUTY ? "ol" : NULL;
}

static void html_line(const struct letter_line *x, FILE *out)
{
    switch (x->kind) {
    case LK_TITLE:
        fputs("<header>", out);
        ctl_html_element(out, "h1", NULL, x->text[0]);
        ctl_html_element(out, "span", NULL, x->text[1]);
        fputs("</header>", out);
        break;
    case LK_PAIR:
        ctl_html_element(out, "dt", NULL, x->text[0]);
        ctl_html_element(out, "dd", NULL, x->text[1]);
        break;
    case LK_ACCOUNT:
        fputs("<tr>", out);
        for (int i = 0; i < 3; i++)
            ctl_html_element(out, "td", NULL, x->text[i]);
        fputs("</tr>", out);
        break;
    case LK_RIGHT:
        fputs("<div class=\"right\">", out);
        ctl_html_text(out, x->text[0]);
        if (x->text[1])
            ctl_html_element(out, "small", NULL, x->text[1]);
        fputs("</div>", out);
        break;
    case LK_SECRET:
        fputs("<p>", out);
        ctl_html_text(out, x->text[0]);
        fputs(": ", out);
        ctl_html_element(out, "span", "class=\"secret\"", x->text[1]);
        fputs("</p>", out);
        break;
    case LK_HEAD:
        ctl_html_element(out, "h2", NULL, x->text[0]);
        break;
    case LK_DUTY:
        ctl_html_element(out, "li", NULL, x->text[0]);
        break;
    case LK_WELCOME:
        ctl_html_element(out, "p", "class=\"welcome\"", x->text[0]);
        break;
    case LK_PARA:
        ctl_html_element(out, "p", NULL, x->text[0]);
        break;
    case LK_SMALL:
        ctl_html_element(out, "p", "class=\"basis\"", x->text[0]);
        break;
    case LK_SIGN:
        ctl_html_element(out, "p", "class=\"sign\"", x->text[0]);
        break;
    }
    fputc('\n', out);
}

void letter_print_html(const struct letter *l, enum letter_lang lang, FILE *out)
{
    const char *open = NULL;
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
            "base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, "
            "initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n",
            letter_code(lang));
    ctl_html_element(out, "title", NULL, letter_text(lang, LW_TITLE));
    fprintf(out, "\n<style>\n%s</style>\n</head>\n<body>\n", style);
    for (int i = 0; i < l->n; i++) {
        const char *g = group(l->line[i].kind);
        if (open && open != g)
            fprintf(out, "</%s>\n", open);
        if (g && open != g)
            fprintf(out, "<%s>\n", g);
        open = g;
        html_line(&l->line[i], out);
    }
    if (open)
        fprintf(out, "</%s>\n", open);
    fputs("</body>\n</html>\n", out);
}
