/* The matrix as a document: one row for each person and employee number, one column for each register. */
#ifndef PAASLA_CTL_MATRIX_H
#define PAASLA_CTL_MATRIX_H

#include "args.h"

#include "lib/base/str.h"

/* Columns of ctl_matrix_cells, ctl_matrix_registers and ctl_moment. */
enum {
    MX_NUMBER,
    MX_NAME,
    MX_INSTITUTION,
    MX_UNIT,
    MX_POSITION,
    MX_REGISTER,
    MX_ROLE,
    MX_PRIVILEGED,
    MX_UNTIL,
    MX_ORDER,
    MX_PERSON
};
enum { MXR_CODE, MXR_NAME };
enum { MOM_MOMENT, MOM_DAY, MOM_LOGIN, MOM_PERSON, MOM_DATABASE };

struct ctl_matrix {
    PGresult *cells, *registers, *moment; /* of one snapshot */
    const char *const *params; /* what it was narrowed to: register, person_id, institution; each may be NULL */
};

/* register, person_id, institution: each may be NULL. False: said, *exit_code set. ctl_matrix_free in every case. */
bool ctl_matrix_read(struct ctl *c, const char *const *params, struct ctl_matrix *m, int *exit_code);
void ctl_matrix_free(struct ctl_matrix *m);

/* The first row of cells that is not of the person and number of row `from`. */
int ctl_matrix_next(const struct ctl_matrix *m, int from);
/* What the rows [from, to) say of a register, in Estonian: "arveldaja, kuni 30.06.2026; vaataja". Returns how many
 * rights that is; *privileged: one of them is. Unescaped. */
int ctl_matrix_cell(const struct ctl_matrix *m, int from, int to, const char *code, struct pl_buf *out,
                    bool *privileged);

void ctl_matrix_csv(const struct ctl_matrix *m, FILE *out);
void ctl_matrix_html(const struct ctl_matrix *m, FILE *out);

/* matrix --csv, matrix --html. */
int ctl_matrix_document(struct ctl *c, const char *const *params, const char *csv, const char *html);

#endif
