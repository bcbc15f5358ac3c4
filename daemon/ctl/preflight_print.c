/* What came of it: sentences, a table, JSON, and the texts that put things right. */
#include "preflight.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- results ---- */

static void set(struct pf *p, struct pf_result *r, enum pf_state state, const char *fmt, va_list ap)
{
    char *text = NULL;
    if (vasprintf(&text, fmt, ap) < 0)
        abort();
    r->state = state;
    r->saw = pl_arena_str(p->arena, pl_str_c(text));
    free(text);
}

#define SETTER(name, state)                                                                                            \
    void name(struct pf *p, struct pf_result *r, const char *fmt, ...)                                                 \
    {                                                                                                                  \
        va_list ap;                                                                                                    \
        va_start(ap, fmt);                                                                                             \
        set(p, r, (state), fmt, ap);                                                                                   \
        va_end(ap);                                                                                                    \
    }
SETTER(pf_fine, PF_FINE)
SETTER(pf_found, PF_FOUND)
SETTER(pf_unknown, PF_UNKNOWN)
SETTER(pf_skipped, PF_SKIPPED)
SETTER(pf_counted, r->n_objects > 0 ? PF_FOUND : PF_FINE)

void pf_because(struct pf *p, struct pf_result *r, const struct pl_err *err)
{
    r->why = pl_arena_printf(p->arena, "%s.%s%s", err->text, *err->hint ? " " : "", err->hint);
}

void pf_object(struct pf *p, struct pf_result *r, struct pl_str name, struct pl_str value)
{
    if ((r->n_objects & (r->n_objects + 1)) == 0) { /* room for 1, 3, 7, ... */
        struct pf_object *more = pl_arena_array(p->arena, r->n_objects * 2 + 1, sizeof *more);
        if (r->n_objects)
            memcpy(more, r->objects, r->n_objects * sizeof *more);
        r->objects = more;
    }
    r->objects[r->n_objects++] = (struct pf_object){pl_arena_str(p->arena, name), pl_arena_str(p->arena, value)};
}

bool pf_needs_person(const struct pf_result *r)
{
    return r->state == PF_FOUND && r->check->severity != PF_NOTE;
}

const char *pf_state_word(const struct pf_result *r)
{
    static const char *const found[] = {"note", "warning", "stops"};
    switch (r->state) {
    case PF_FINE:
        return "ok";
    case PF_FOUND:
        return found[r->check->severity];
    case PF_UNKNOWN:
        return "unknown";
    case PF_SKIPPED:
        return "skipped";
    }
    return "";
}

size_t pf_needs(const struct pf *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_results; i++)
        n += pf_needs_person(&p->results[i]);
    return n;
}

/* ---- for people ---- */

static void say_results(const struct pf *p)
{
    for (size_t i = 0; i < p->n_results; i++) {
        const struct pf_result *r = &p->results[i];
        if (r->sentence.len == 0)
            continue;
        printf("  %s (%s): ", pf_state_word(r), r->check->id);
        ctl_print_cell(stdout, r->sentence.s);
        if (r->advice.len) {
            putchar(' ');
            ctl_print_cell(stdout, r->advice.s);
        }
        putchar('\n');
    }
}

static void set_cell(PGresult *t, int row, int col, const char *text)
{
    if (!PQsetvalue(t, row, col, (char *)(uintptr_t)text, (int)strlen(text))) /* libpq copies it */
        abort();
}

static void print_rows(const struct pf *p)
{
    static const char *const names[] = {"check", "state", "seen"};
    PGresAttDesc columns[3] = {{0}};
    PGresult *t = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    for (int i = 0; i < 3; i++)
        columns[i].name = (char *)(uintptr_t)names[i]; /* libpq copies it */
    if (!t || !PQsetResultAttrs(t, 3, columns))
        abort();
    for (size_t i = 0; i < p->n_results; i++) {
        const struct pf_result *r = &p->results[i];
        set_cell(t, (int)i, 0, r->check->id);
        set_cell(t, (int)i, 1, pf_state_word(r));
        set_cell(t, (int)i, 2, r->saw.s ? r->saw.s : "");
    }
    ctl_print_table(t, NULL);
    PQclear(t);
}

static void print_directory(const struct ctl *c, const struct pf *p)
{
    size_t n = pf_needs(p);
    const char *mode = p->row < 0 ? "not in the table" : PQgetvalue(p->table, p->row, PF_MODE);
    if (n == 0)
        ctl_say(c, "%s (%s, mode %s): nothing stands in the way.", p->conf->name.s, p->conf->dialect.s, mode);
    else
        ctl_say(c, "%s (%s, mode %s): %zu thing%s need%s a person.", p->conf->name.s, p->conf->dialect.s, mode, n,
                n == 1 ? "" : "s", n == 1 ? "s" : "");
    say_results(p);
    putchar('\n');
    print_rows(p);
}

/* ---- for programs ---- */

static json_t *text(struct pl_str s)
{
    json_t *j = s.len ? json_stringn(s.s, s.len) : json_null();
    return j ? j : json_null(); /* not UTF-8: a directory may hold such a name */
}

static json_t *json_objects(const struct pf_result *r)
{
    json_t *all = json_array();
    for (size_t i = 0; i < r->n_objects; i++)
        json_array_append_new(
            all, json_pack("{s:o, s:o}", "name", text(r->objects[i].name), "value", text(r->objects[i].value)));
    return all;
}

static json_t *json_directory(const struct pf *p)
{
    json_t *checks = json_array();
    for (size_t i = 0; i < p->n_results; i++) {
        const struct pf_result *r = &p->results[i];
        json_array_append_new(checks, json_pack("{s:s, s:s?, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "check",
                                                r->check->id, "address", r->address, "state", pf_state_word(r),
                                                "needs_person", (int)pf_needs_person(r), "seen", text(r->saw), "text",
                                                text(r->sentence), "advice", text(r->advice), "objects",
                                                json_objects(r), "snippet", text(r->snippet), "undo", text(r->undo)));
    }
    return json_pack("{s:s, s:s, s:o, s:I, s:o}", "directory", p->conf->name.s, "dialect", p->conf->dialect.s, "mode",
                     p->row < 0 ? json_null() : ctl_json_value(p->table, p->row, PF_MODE), "needs",
                     (json_int_t)pf_needs(p), "checks", checks);
}

void pf_print(struct ctl *c, struct pf *dirs, size_t n)
{
    size_t needs = 0, snippets = 0;
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++) {
        needs += pf_needs(&dirs[i]);
        for (size_t k = 0; k < dirs[i].n_results; k++)
            snippets += dirs[i].results[k].snippet.len > 0;
        if (c->json)
            json_array_append_new(all, json_directory(&dirs[i]));
        else {
            print_directory(c, &dirs[i]);
            putchar('\n');
        }
    }
    if (c->json)
        ctl_print_json_value(json_pack("{s:I, s:o}", "needs", (json_int_t)needs, "directories", all));
    else
        json_decref(all);
    if (snippets > 0)
        ctl_say(c, "What puts %s right, and how to take it back: add --snippets -", snippets == 1 ? "it" : "them");
}

/* ---- what puts it right ---- */

static void print_commented(FILE *out, struct pl_str text_lines)
{
    for (size_t at = 0; at < text_lines.len;) {
        const char *end = memchr(text_lines.s + at, '\n', text_lines.len - at);
        size_t len = end ? (size_t)(end - text_lines.s) - at : text_lines.len - at;
        fprintf(out, "#%s%.*s\n", len ? " " : "", (int)len, text_lines.s + at);
        at += len + 1;
    }
}

static void print_snippet(FILE *out, const struct pf *p, const struct pf_result *r)
{
    fprintf(out, "\n# ---- %s, %s ----\n# ", p->conf->name.s, r->check->id);
    ctl_print_cell(out, r->sentence.s);
    if (r->snippet.len == 0) {
        fputs("\n# A name in it has a character that cannot be seen: this has to be typed by hand.\n", out);
        return;
    }
    fprintf(out, "\n%s", r->snippet.s);
    if (r->undo.len) {
        fputs("# To take it back:\n", out);
        print_commented(out, r->undo);
    }
}

/* One text for a rule that two checks name. */
static bool is_told(const struct pf *p, size_t before)
{
    for (size_t i = 0; i < before; i++)
        if (p->results[i].sentence.len && p->results[i].check->snippet == p->results[before].check->snippet &&
            pl_str_eq(p->results[i].snippet, p->results[before].snippet))
            return true;
    return false;
}

void pf_print_snippets(FILE *out, struct pf *dirs, size_t n)
{
    fputs("# Read each before you run it. What takes it back stands below it as a comment.\n", out);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < dirs[i].n_results; k++) {
            const struct pf_result *r = &dirs[i].results[k];
            if (r->check->opt_in && !dirs[i].protected_accounts)
                continue;
            if (r->sentence.len && r->check->snippet && !is_told(&dirs[i], k))
                print_snippet(out, &dirs[i], r);
        }
}
