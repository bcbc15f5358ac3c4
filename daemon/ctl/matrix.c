/* The matrix of one snapshot, and which document it becomes. */
#include "matrix.h"
#include "outfile.h"

#include <string.h>

bool ctl_matrix_read(struct ctl *c, const char *const *params, struct ctl_matrix *m, int *exit_code)
{
    PGresult *begun = ctl_exec(c, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", exit_code);
    if (!begun)
        return false;
    PQclear(begun);
    m->params = params;
    if (!(m->cells = ctl_query(c, "ctl_matrix_cells", 3, params, exit_code)) ||
        !(m->registers = ctl_query(c, "ctl_matrix_registers", 2, params, exit_code)) ||
        !(m->moment = ctl_query(c, "ctl_moment", 0, NULL, exit_code)))
        return false;
    PQclear(ctl_exec(c, "COMMIT", exit_code));
    return *exit_code == CTL_OK;
}

void ctl_matrix_free(struct ctl_matrix *m)
{
    PQclear(m->cells);
    PQclear(m->registers);
    PQclear(m->moment);
    *m = (struct ctl_matrix){0};
}

int ctl_matrix_next(const struct ctl_matrix *m, int from)
{
    int to = from + 1, n = PQntuples(m->cells);
    const char *number = PQgetvalue(m->cells, from, MX_NUMBER), *who = PQgetvalue(m->cells, from, MX_PERSON);
    while (to < n && strcmp(PQgetvalue(m->cells, to, MX_NUMBER), number) == 0 &&
           strcmp(PQgetvalue(m->cells, to, MX_PERSON), who) == 0)
        to++;
    return to;
}

int ctl_matrix_cell(const struct ctl_matrix *m, int from, int to, const char *code, struct pl_buf *out,
                    bool *privileged)
{
    int n = 0;
    *privileged = false;
    pl_buf_clear(out);
    for (int i = from; i < to; i++) {
        if (strcmp(PQgetvalue(m->cells, i, MX_REGISTER), code) != 0)
            continue;
        pl_buf_add_c(out, n++ ? "; " : "");
        pl_buf_add_c(out, PQgetvalue(m->cells, i, MX_ROLE));
        if (*PQgetvalue(m->cells, i, MX_PRIVILEGED) == 't') {
            *privileged = true;
            pl_buf_add_c(out, " (eelisõigus)");
        }
        if (!PQgetisnull(m->cells, i, MX_UNTIL))
            pl_buf_printf(out, ", kuni %s", PQgetvalue(m->cells, i, MX_UNTIL));
        if (strcmp(PQgetvalue(m->cells, i, MX_ORDER), "open") == 0)
            pl_buf_add_c(out, ", veel registrisse lisamata");
    }
    return n;
}

int ctl_matrix_document(struct ctl *c, const char *const *params, const char *csv, const char *html)
{
    struct ctl_matrix m = {0};
    struct ctl_outfile o = {0};
    int code = CTL_OK;
    if (ctl_matrix_read(c, params, &m, &code)) {
        if (ctl_outfile_open(&o, csv ? csv : html)) {
            (csv ? ctl_matrix_csv : ctl_matrix_html)(&m, o.f);
            code = ctl_outfile_commit(&o) ? CTL_OK : CTL_USAGE;
        } else {
            code = CTL_USAGE;
        }
    }
    ctl_matrix_free(&m);
    return code;
}
