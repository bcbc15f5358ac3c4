/* The matrix as a file that Excel in Estonia opens by double click: UTF-8 with a byte order mark, semicolons, CRLF, quotes
 * as in RFC 4180. A spreadsheet takes a cell that begins like a formula for one; such a cell gets an apostrophe first. */
#include "html.h"
#include "matrix.h"

#include <string.h>

/* What a spreadsheet may take for the beginning of a formula; the last four are the wide forms of the first. */
static bool begins_a_formula(const char *value)
{
    static const char *const starts[] = {"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"};
    value += strspn(value, " "); /* which some programs take off first */
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (strncmp(value, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static void cell(FILE *out, const char *value, bool last)
{
    struct pl_buf b = {0};
    for (const char *p = value; *p;)
        ctl_document_next(&p, &b);
    fputc('"', out);
    if (begins_a_formula(value))
        fputc('\'', out);
    for (size_t i = 0; i < b.len; i++) {
        if (b.s[i] == '"')
            fputc('"', out);
        fputc(b.s[i], out);
    }
    fputs(last ? "\"\r\n" : "\";", out);
    pl_buf_free(&b);
}

static void heading(const struct ctl_matrix *m, FILE *out)
{
    static const char *const titles[] = {"Nimi", "Number", "Asutus", "Üksus", "Ametikoht"};
    struct pl_buf b = {0};
    int n = PQntuples(m->registers);
    for (int i = 0; i < 5; i++)
        cell(out, titles[i], n == 0 && i == 4);
    for (int r = 0; r < n; r++) {
        const char *code = PQgetvalue(m->registers, r, MXR_CODE), *name = PQgetvalue(m->registers, r, MXR_NAME);
        pl_buf_clear(&b);
        pl_buf_add_c(&b, code);
        if (strcmp(code, name) != 0)
            pl_buf_printf(&b, ": %s", name);
        cell(out, b.s, r == n - 1);
    }
    pl_buf_free(&b);
}

void ctl_matrix_csv(const struct ctl_matrix *m, FILE *out)
{
    static const int columns[] = {MX_NAME, MX_NUMBER, MX_INSTITUTION, MX_UNIT, MX_POSITION};
    struct pl_buf b = {0};
    bool privileged;
    int n = PQntuples(m->registers);
    fputs("\xef\xbb\xbf", out);
    heading(m, out);
    for (int from = 0, to; from < PQntuples(m->cells); from = to) {
        to = ctl_matrix_next(m, from);
        for (int i = 0; i < 5; i++)
            cell(out, PQgetvalue(m->cells, from, columns[i]), n == 0 && i == 4);
        for (int r = 0; r < n; r++) {
            ctl_matrix_cell(m, from, to, PQgetvalue(m->registers, r, MXR_CODE), &b, &privileged);
            cell(out, b.s ? b.s : "", r == n - 1);
        }
    }
    pl_buf_free(&b);
}
