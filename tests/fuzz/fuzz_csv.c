/* The matrix as a CSV file, of cells with any bytes: a reader by RFC 4180 (section 2, with semicolons) that knows nothing of
 * the writer finds the same rows and columns and the same values, but for what is documented: an apostrophe before what a
 * spreadsheet takes for a formula, line ends as \n, and what cannot be seen shown as \x1b. Nothing begins a formula. */
#include "fuzz.h"
#include "daemon/ctl/matrix.h"
#include "daemon/ctl/outfile.h"

enum { REGISTERS_MAX = 3, ROWS_MAX = 4, FIRST = 5, COLUMNS_MAX = FIRST + REGISTERS_MAX };

/* Of the command line, which nothing here reaches. */
PGresult *ctl_exec(struct ctl *c, const char *sql, int *exit_code)
{
    (void)c, (void)sql, (void)exit_code;
    abort();
}
PGresult *ctl_query(struct ctl *c, const char *name, int n, const char *const *params, int *exit_code)
{
    (void)c, (void)name, (void)n, (void)params, (void)exit_code;
    abort();
}
bool ctl_outfile_open(struct ctl_outfile *o, const char *path)
{
    (void)o, (void)path;
    abort();
}
bool ctl_outfile_commit(struct ctl_outfile *o)
{
    (void)o;
    abort();
}
void ctl_matrix_html(const struct ctl_matrix *m, FILE *out)
{
    (void)m, (void)out;
    abort();
}

/* ---- the input: two counts, then texts that end with a NUL ---- */

struct texts {
    const char *at, *end;
};

static const char *next(struct texts *t)
{
    const char *s = t->at;
    t->at += t->at < t->end ? strlen(t->at) + 1 : 0;
    return s < t->end ? s : "";
}

static PGresult *table(int columns)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"};
    PGresAttDesc desc[11] = {0};
    PGresult *r = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    for (int i = 0; i < columns; i++)
        desc[i].name = (char *)(uintptr_t)names[i];
    RULE(r && PQsetResultAttrs(r, columns, desc));
    return r;
}

static void put(PGresult *r, int row, int column, const char *text)
{
    RULE(PQsetvalue(r, row, column, (char *)(uintptr_t)text, text ? (int)strlen(text) : -1));
}

/* ---- what a cell should hold ---- */

/* Appends what is predicted of a text; false: it holds letters that this does not know. */
static bool predict(struct pl_buf *out, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p == '\r') {
            p += p[1] == '\n';
            pl_buf_add_byte(out, '\n');
        } else if ((*p >= 0x20 && *p < 0x7f) || *p == '\t' || *p == '\n') {
            pl_buf_add_byte(out, (char)*p);
        } else if (*p < 0x80) {
            pl_buf_printf(out, "\\x%02x", (unsigned)*p);
        } else if (*p >= 0xc3 && *p <= 0xc5 && p[1] >= 0x80 && p[1] <= 0xbf) { /* Latin, with its marks */
            pl_buf_add(out, (struct pl_str){(const char *)p++, 2});
        } else {
            return false;
        }
    return true;
}

static bool starts_formula(struct pl_str s)
{
    static const char *const wide[] = {"＝", "＋", "－", "＠"};
    while (s.len > 0 && *s.s == ' ')
        s.s++, s.len--;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (s.len >= strlen(wide[i]) && memcmp(s.s, wide[i], strlen(wide[i])) == 0)
            return true;
    return s.len > 0 && memchr("=+-@\t\r\n", *s.s, 7) != NULL;
}

static void check(struct pl_str is, const char *text)
{
    struct pl_buf want = {0};
    bool known = predict(&want, text);
    RULE(!starts_formula(is) && pl_str_is_utf8(is));
    for (size_t i = 0; i < is.len; i++)
        RULE((unsigned char)is.s[i] >= 0x20 || is.s[i] == '\t' || is.s[i] == '\n');
    if (known && starts_formula(pl_buf_str(&want))) {
        RULE(is.len > 0 && *is.s == '\'');
        is.s++, is.len--;
    }
    if (known)
        RULE(pl_str_eq(is, pl_buf_str(&want)));
    pl_buf_free(&want);
}

/* ---- the reader ---- */

/* The next field, without its quotes, and whether it is the last of its record. */
static bool read_field(struct pl_str *in, struct pl_buf *field)
{
    pl_buf_clear(field);
    RULE(in->len > 0 && *in->s == '"');
    for (;;) {
        in->s++, in->len--;
        RULE(in->len > 0);
        if (*in->s == '"') {
            in->s++, in->len--;
            RULE(in->len > 0);
            if (*in->s != '"')
                break;
        }
        pl_buf_add_byte(field, *in->s);
    }
    bool last = *in->s == '\r';
    RULE(last ? in->len >= 2 && in->s[1] == '\n' : *in->s == ';');
    in->s += 1 + last, in->len -= 1u + last;
    return last;
}

static void read_back(struct pl_str in, char *expected[][COLUMNS_MAX], int rows, int columns)
{
    struct pl_buf field = {0};
    RULE(in.len >= 3 && memcmp(in.s, "\xef\xbb\xbf", 3) == 0);
    in.s += 3, in.len -= 3;
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++) {
            RULE(read_field(&in, &field) == (c == columns - 1));
            check(pl_buf_str(&field), expected[r][c]);
        }
    RULE(in.len == 0);
    pl_buf_free(&field);
}

static char *join(const char *a, const char *b, const char *c, const char *d, const char *e)
{
    struct pl_buf out = {0};
    const char *const parts[] = {a, b, c, d, e};
    for (size_t i = 0; i < 5; i++)
        pl_buf_add_c(&out, parts[i]);
    char *text = strdup(out.s ? out.s : "");
    pl_buf_free(&out);
    return text;
}

static void person(struct texts *t, PGresult *cells, PGresult *registers, int row, char *expected[COLUMNS_MAX])
{
    static const int shown[] = {MX_NAME, MX_NUMBER, MX_INSTITUTION, MX_UNIT, MX_POSITION};
    const char *text[MX_PERSON + 1], *how = next(t);
    bool until = strchr(how, 'u'), open = strchr(how, 'o'), privileged = strchr(how, 'p');
    int n = PQntuples(registers);
    char id[16];
    snprintf(id, sizeof id, "%d", row + 1);
    for (int i = 0; i < MX_PERSON; i++)
        text[i] = i == MX_REGISTER && n > 0 ? PQgetvalue(registers, (int)(strlen(how) % (size_t)n), 0) : next(t);
    text[MX_PERSON] = id; /* nobody twice, so each is a line */
    text[MX_PRIVILEGED] = privileged ? "t" : "f";
    text[MX_ORDER] = open ? "open" : "";
    for (int i = 0; i <= MX_PERSON; i++)
        put(cells, row, i, i == MX_UNTIL && !until ? NULL : text[i]);
    for (int i = 0; i < FIRST; i++)
        expected[i] = strdup(text[shown[i]]);
    for (int r = 0; r < n; r++)
        expected[FIRST + r] = strcmp(text[MX_REGISTER], PQgetvalue(registers, r, 0)) != 0
                                  ? strdup("")
                                  : join(text[MX_ROLE], privileged ? " (eelisõigus)" : "", until ? ", kuni " : "",
                                         until ? text[MX_UNTIL] : "", open ? ", veel registrisse lisamata" : "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const titles[] = {"Nimi", "Number", "Asutus", "Üksus", "Ametikoht"};
    int n = size > 0 ? data[0] % (REGISTERS_MAX + 1) : 0, rows = size > 1 ? data[1] % (ROWS_MAX + 1) : 0;
    char *copy = calloc(1, size + 1), *file = NULL, *expected[ROWS_MAX + 1][COLUMNS_MAX] = {{NULL}};
    size_t len = 0;
    RULE(copy != NULL);
    if (size > 2)
        memcpy(copy, data + 2, size - 2);
    struct texts t = {copy, copy + (size > 2 ? size - 2 : 0)};
    struct ctl_matrix m = {.cells = table(MX_PERSON + 1), .registers = table(2)};
    for (int i = 0; i < FIRST; i++)
        expected[0][i] = strdup(titles[i]);
    for (int r = 0; r < n; r++) {
        const char *code = next(&t), *name = next(&t);
        put(m.registers, r, MXR_CODE, code);
        put(m.registers, r, MXR_NAME, name);
        expected[0][FIRST + r] = strcmp(code, name) ? join(code, ": ", name, "", "") : strdup(code);
    }
    for (int r = 0; r < rows; r++)
        person(&t, m.cells, m.registers, r, expected[r + 1]);
    FILE *out = open_memstream(&file, &len);
    RULE(out != NULL);
    ctl_matrix_csv(&m, out);
    RULE(fclose(out) == 0);
    read_back((struct pl_str){file, len}, expected, rows + 1, FIRST + n);
    for (int r = 0; r <= rows; r++)
        for (int c = 0; c < FIRST + n; c++)
            free(expected[r][c]);
    PQclear(m.cells);
    PQclear(m.registers);
    free(file);
    free(copy);
    return 0;
}
