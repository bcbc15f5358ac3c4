/* Values on a terminal: escaped, measured, in columns; or as JSON. */
#include "ctl.h"
#include "progress.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "lib/base/str.h"

enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_JSON = 114,
    OID_FLOAT8 = 701,
    OID_TIMESTAMPTZ = 1184,
    OID_JSONB = 3802
};

/* Controls, direction marks and whatever else moves the text or hides in it. */
static bool unseen(utf8proc_int32_t u)
{
    switch (utf8proc_category(u)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return true;
    default:
        return false;
    }
}

size_t ctl_next_shown(const char **p, struct pl_buf *out)
{
    utf8proc_int32_t u;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)*p, -1, &u);
    if (n <= 0 || u < 0) {
        pl_buf_printf(out, "\\x%02x", (unsigned char)**p);
        (*p)++;
        return 4;
    }
    const char *at = *p;
    *p += n;
    size_t before = out->len;
    if (!unseen(u)) {
        pl_buf_add(out, (struct pl_str){at, (size_t)n});
        return (size_t)utf8proc_charwidth(u);
    }
    if (u == '\n' || u == '\r' || u == '\t')
        pl_buf_printf(out, "\\%c", u == '\n' ? 'n' : u == '\r' ? 'r' : 't');
    else if (u < 0x80)
        pl_buf_printf(out, "\\x%02x", (unsigned)u);
    else
        pl_buf_printf(out, u > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)u);
    return out->len - before;
}

static size_t shown(const char *value, struct pl_buf *out)
{
    size_t width = 0;
    while (value && *value)
        width += ctl_next_shown(&value, out);
    return width;
}

size_t ctl_print_cell(FILE *out, const char *value)
{
    struct pl_buf b = {0};
    size_t width = shown(value, &b);
    if (b.len)
        fwrite(b.s, 1, b.len, out);
    pl_buf_free(&b);
    return width;
}

size_t ctl_cell_width(const char *value)
{
    struct pl_buf b = {0};
    size_t width = shown(value, &b);
    pl_buf_free(&b);
    return width;
}

static void say_line(FILE *out, const char *prefix, const char *fmt, va_list ap)
{
    char *text = NULL;
    if (vasprintf(&text, fmt, ap) < 0)
        abort();
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == '\n')
        text[--n] = 0;
    ctl_progress_end();
    fputs(prefix, out);
    ctl_print_cell(out, text);
    fputc('\n', out);
    free(text);
}

void ctl_say(const struct ctl *c, const char *fmt, ...)
{
    if (c->json)
        return;
    va_list ap;
    va_start(ap, fmt);
    say_line(stdout, "", fmt, ap);
    va_end(ap);
    fflush(stdout);
}

void ctl_complain(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say_line(stderr, "paaslactl: ", fmt, ap);
    va_end(ap);
}

/* ---- tables ---- */

static const char *cell(const PGresult *r, int row, int col, char *room, size_t size)
{
    const char *v = PQgetisnull(r, row, col) ? "" : PQgetvalue(r, row, col);
    if (PQftype(r, col) == OID_BOOL)
        return *v == 't' ? "yes" : *v == 'f' ? "no" : "";
    const char *dot = PQftype(r, col) == OID_TIMESTAMPTZ ? strchr(v, '.') : NULL;
    if (!dot)
        return v;
    snprintf(room, size, "%.*s%s", (int)(dot - v), v,
             dot + 1 + strspn(dot + 1, "0123456789")); /* whole seconds will do */
    return room;
}

static bool is_number(const PGresult *r, int col)
{
    Oid t = PQftype(r, col);
    return t == OID_INT2 || t == OID_INT4 || t == OID_INT8;
}

static void pad(size_t n)
{
    while (n-- > 0)
        putchar(' ');
}

static void heading(char *room, size_t size, const char *name)
{
    snprintf(room, size, "%s", name);
    for (char *p = room; *p; p++)
        if (*p == '_')
            *p = ' ';
}

void ctl_print_table(const PGresult *r, const char *empty_text)
{
    int rows = PQntuples(r), cols = PQnfields(r);
    char room[80];
    if (rows == 0) {
        if (empty_text)
            puts(empty_text);
        return;
    }
    size_t width[64];
    if (cols > 64)
        cols = 64;
    for (int j = 0; j < cols; j++) {
        width[j] = ctl_cell_width(PQfname(r, j));
        for (int i = 0; i < rows; i++) {
            size_t w = ctl_cell_width(cell(r, i, j, room, sizeof room));
            width[j] = w > width[j] ? w : width[j];
        }
    }
    for (int i = -1; i < rows; i++) {
        for (int j = 0; j < cols; j++) {
            const char *v;
            if (i < 0)
                heading(room, sizeof room, PQfname(r, j));
            v = i < 0 ? room : cell(r, i, j, room, sizeof room);
            size_t gap = width[j] - ctl_cell_width(v);
            if (is_number(r, j))
                pad(gap);
            ctl_print_cell(stdout, v);
            if (j + 1 < cols)
                pad((is_number(r, j) ? 0 : gap) + 2);
        }
        putchar('\n');
    }
}

/* ---- JSON ---- */

json_t *ctl_json_value(const PGresult *r, int row, int column)
{
    if (PQgetisnull(r, row, column))
        return json_null();
    const char *v = PQgetvalue(r, row, column);
    json_t *j = NULL;
    switch (PQftype(r, column)) {
    case OID_BOOL:
        return json_boolean(*v == 't');
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
        return json_integer(strtoll(v, NULL, 10));
    case OID_FLOAT8:
        return json_real(strtod(v, NULL));
    case OID_JSON:
    case OID_JSONB:
        j = json_loads(v, JSON_DECODE_ANY, NULL);
        break;
    default:
        break;
    }
    if (!j)
        j = json_string(v);
    return j ? j : json_null(); /* not UTF-8: the server does not send that under client_encoding UTF8 */
}

json_t *ctl_json_rows(const PGresult *r)
{
    json_t *all = json_array();
    for (int i = 0; i < PQntuples(r); i++) {
        json_t *o = json_object();
        for (int j = 0; j < PQnfields(r); j++)
            json_object_set_new(o, PQfname(r, j), ctl_json_value(r, i, j));
        json_array_append_new(all, o);
    }
    return all;
}

/* JSON lets C1 controls and direction marks pass; they end on a terminal all the same. Letters stay as they are. */
void ctl_print_json_value(json_t *v)
{
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    json_decref(v);
    if (!text)
        abort();
    for (const char *p = text; *p;) {
        utf8proc_int32_t u;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)p, -1, &u);
        if (n <= 0)
            abort(); /* Jansson writes UTF-8 */
        if (!unseen(u))
            fwrite(p, 1, (size_t)n, stdout);
        else if (u < 0x10000)
            printf("\\u%04x", (unsigned)u);
        else
            printf("\\u%04x\\u%04x", 0xd800U + (((unsigned)u - 0x10000U) >> 10), 0xdc00U + ((unsigned)u & 0x3ffU));
        p += n;
    }
    putchar('\n');
    fflush(stdout);
    free(text);
}

void ctl_print_json(const PGresult *r)
{
    ctl_print_json_value(ctl_json_rows(r));
}

void ctl_print_result(struct ctl *c, const PGresult *r, const char *empty_text)
{
    if (c->json)
        ctl_print_json(r);
    else
        ctl_print_table(r, empty_text);
}
