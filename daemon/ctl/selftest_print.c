/* What came of it: sentences, a table, JSON, what is left, and how the OU is made. */
#include "selftest.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/directory/result_name.h"

void st_saw(struct st *s, struct st_result *r, const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        abort();
    va_end(ap);
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == ' ')
        n--;
    r->saw = r->saw.len ? pl_arena_printf(s->arena, "%s; %.*s", r->saw.s, (int)n, text)
                        : pl_arena_str(s->arena, (struct pl_str){text, n});
    free(text);
}

const char *st_state_word(const struct st_result *r)
{
    static const char *const words[] = {"ok", "note", "differs", "skipped"};
    return words[r->state];
}

size_t st_needs(const struct st *s)
{
    size_t n = s->n_left;
    for (size_t i = 0; i < s->n_results; i++)
        n += s->results[i].state == ST_DIFFERS;
    return n + (s->stopped != NULL) + s->unproven;
}

/* ---- words ---- */

static struct pl_str expected(const struct st *s, const struct st_result *r)
{
    const char *how = r->check->expect == ST_REFUSED ? "refused, " : "";
    if (r->check->expect == ST_INFORMS)
        return pl_str_c(r->check->expected);
    return pl_arena_printf(s->arena, "%s%d %s: %s", how, r->expected, pl_result_name(r->expected), r->check->expected);
}

static struct pl_str came(const struct st *s, const struct st_result *r)
{
    if (r->state == ST_SKIPPED || r->code == ST_NOT_TRIED)
        return pl_arena_printf(s->arena, "not tried: %s", r->saw.s ? r->saw.s : "");
    if (r->code == ST_NOTHING)
        return PL_STR("the dialect sees nothing that it could do");
    struct pl_str text =
        r->code < 0 ? PL_STR("no answer") : pl_arena_printf(s->arena, "%d %s", r->code, pl_result_name(r->code));
    return r->saw.len ? pl_arena_printf(s->arena, "%s (%s)", text.s, r->saw.s) : text;
}

static struct pl_str summary(const struct st *s)
{
    size_t differ = 0, done = 0;
    for (size_t i = 0; i < s->n_results; i++) {
        differ += s->results[i].state == ST_DIFFERS;
        done += s->results[i].state != ST_SKIPPED;
    }
    const char *head = pl_arena_printf(s->arena, "%s (%s, %s): ", s->conf->name.s, s->conf->dialect.s, s->uri).s;
    if (differ > 0)
        return pl_arena_printf(s->arena, "%s%zu check%s of %zu came out otherwise than the daemon needs.", head, differ,
                               differ == 1 ? "" : "s", done);
    if (s->stopped)
        return pl_arena_printf(s->arena, "%snot finished, %s. %zu check%s came out as the daemon needs.", head,
                               s->stopped, done, done == 1 ? "" : "s");
    return pl_arena_printf(s->arena, "%sthe server behaves as the daemon needs, in %zu checks; %zu were not tried.",
                           head, done, s->n_results - done);
}

/* ---- for people ---- */

static void say_results(const struct st *s)
{
    for (size_t i = 0; i < s->n_results; i++) {
        const struct st_result *r = &s->results[i];
        if (r->state != ST_DIFFERS)
            continue;
        printf("  differs (%s): awaited ", r->check->id);
        ctl_print_cell(stdout, expected(s, r).s);
        fputs("; came ", stdout);
        ctl_print_cell(stdout, came(s, r).s);
        printf(". %s %s\n", r->check->means, r->check->advice);
    }
    for (size_t i = 0; i < s->n_notes; i++) {
        fputs("  note: ", stdout);
        ctl_print_cell(stdout, s->notes[i].s);
        putchar('\n');
    }
}

static void set_cell(PGresult *t, int row, int col, const char *text)
{
    if (!PQsetvalue(t, row, col, (char *)(uintptr_t)text, (int)strlen(text))) /* libpq copies it */
        abort();
}

static void print_rows(const struct st *s)
{
    static const char *const names[] = {"check", "state", "expected", "came"};
    PGresAttDesc columns[4] = {{0}};
    PGresult *t = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    for (int i = 0; i < 4; i++)
        columns[i].name = (char *)(uintptr_t)names[i]; /* libpq copies it */
    if (!t || !PQsetResultAttrs(t, 4, columns))
        abort();
    for (size_t i = 0; i < s->n_results; i++) {
        const struct st_result *r = &s->results[i];
        set_cell(t, (int)i, 0, r->check->id);
        set_cell(t, (int)i, 1, st_state_word(r));
        set_cell(t, (int)i, 2, expected(s, r).s);
        set_cell(t, (int)i, 3, came(s, r).s);
    }
    ctl_print_table(t, NULL);
    PQclear(t);
}

static void say_left(const struct st *s)
{
    if (s->former > 0)
        printf("%zu entr%s of a former run removed first.\n", s->former, s->former == 1 ? "y was" : "ies were");
    if (s->n_left == 0) {
        fputs("Nothing is left of it in ", stdout);
        ctl_print_cell(stdout, s->place.base.s);
        fputs(".\n", stdout);
        return;
    }
    fputs("Left behind, remove by hand:\n", stdout);
    for (size_t i = 0; i < s->n_left; i++) {
        const struct st_left *l = &s->left[i];
        fputs("  ", stdout);
        ctl_print_cell(stdout, l->dn.s);
        if (l->code >= 0)
            printf(" (%d %s)\n    ", l->code, pl_result_name(l->code));
        else
            fputs(" (perhaps: the server cannot be asked)\n    ", stdout);
        ctl_print_cell(stdout, l->command.s ? l->command.s : "");
        putchar('\n');
    }
}

/* ---- for programs ---- */

static json_t *text(struct pl_str s)
{
    json_t *j = s.len ? json_stringn(s.s, s.len) : json_null();
    return j ? j : json_null(); /* not UTF-8: a directory may hold such a name */
}

static json_t *json_check(const struct st *s, const struct st_result *r)
{
    bool differs = r->state == ST_DIFFERS;
    json_t *code = r->state != ST_SKIPPED && r->code >= 0 ? json_integer(r->code) : json_null();
    return json_pack("{s:s, s:s, s:b, s:i, s:o, s:o, s:o, s:s?, s:s?}", "check", r->check->id, "state",
                     st_state_word(r), "needs_person", (int)differs, "expected_code", r->expected, "expected",
                     text(expected(s, r)), "code", code, "came", text(came(s, r)), "text",
                     differs ? r->check->means : NULL, "advice", differs ? r->check->advice : NULL);
}

static json_t *json_all(const struct st *s)
{
    json_t *checks = json_array(), *left = json_array(), *notes = json_array();
    for (size_t i = 0; i < s->n_results; i++)
        json_array_append_new(checks, json_check(s, &s->results[i]));
    for (size_t i = 0; i < s->n_left; i++)
        json_array_append_new(left, json_pack("{s:o, s:o, s:i}", "dn", text(s->left[i].dn), "command",
                                              text(s->left[i].command), "code", s->left[i].code));
    for (size_t i = 0; i < s->n_notes; i++)
        json_array_append_new(notes, text(s->notes[i]));
    return json_pack("{s:I, s:s, s:s, s:s, s:o, s:s?, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "needs",
                     (json_int_t)st_needs(s), "directory", s->conf->name.s, "dialect", s->conf->dialect.s, "address",
                     s->uri, "ou", text(s->place.base), "stopped", s->stopped, "removed", (json_int_t)s->removed,
                     "removed_of_former", (json_int_t)s->former, "left", left, "notes", notes, "checks", checks,
                     "snippet", text(s->snippet), "undo", text(s->undo));
}

void st_print(struct st *s)
{
    if (s->ctl->json) {
        ctl_print_json_value(json_all(s));
        return;
    }
    ctl_print_cell(stdout, summary(s).s);
    putchar('\n');
    say_results(s);
    putchar('\n');
    print_rows(s);
    putchar('\n');
    say_left(s);
    if (s->n_results > 0 && s->results[0].state == ST_DIFFERS)
        puts("How the OU is made and given to our account, and how both are taken back: add --snippets -");
}

void st_print_snippets(FILE *out, const struct st *s)
{
    fputs("# An OU for `paaslactl preflight --selftest`, and the rights of our account in it. Read it before you run "
          "it.\n",
          out);
    if (s->snippet.len == 0) {
        fputs("# Its name, or that of our account, cannot be told or cannot be typed: this has to be done by hand.\n",
              out);
        return;
    }
    fputs(s->snippet.s, out);
    fputs("# To take it back:\n", out);
    for (const char *at = s->undo.s; at && *at;) {
        size_t len = strcspn(at, "\n");
        fprintf(out, "#%s%.*s\n", len ? " " : "", (int)len, at);
        at += len + (at[len] == '\n');
    }
}
