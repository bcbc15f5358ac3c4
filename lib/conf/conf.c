/* inih finds sections, names and comments; this file sees to it that nothing is cut, doubled or guessed on the way.
 *
 * inih reads lines into a buffer of 200 bytes, takes " ;" as the beginning of a comment and an indented line as more of
 * the value before it. So each line is looked at whole before inih gets (the beginning of) it, and the value is taken
 * from the whole line: it arrives as written or it is refused. */
#include "conf.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "conf_parse.h"

#define FILE_MAX_BYTES (1024 * 1024)
#define DIRS_MAX       64
#define ATTRIBUTES_MAX 64
#define TITLE_MAX      49 /* inih cuts longer ones */

struct parse {
    const char *file;
    struct pl_str text;
    size_t at;         /* where the next line begins */
    int line;          /* number of the current line, from 1 */
    struct pl_str raw; /* the current line, without its end and outer white space */
    bool bad;
    struct pl_err *err;
    struct pl_conf *conf;
    struct pl_conf_section sections[3 + DIRS_MAX];
    size_t n_sections;
};

bool pl_conf_say(struct pl_err *err, const char *file, int line, const char *hint, const char *fmt, ...)
{
    char text[1024]; /* longer than pl_err.text, which then ends at a whole character */
    va_list ap;

    va_start(ap, fmt);
    if (vsnprintf(text, sizeof text, fmt, ap) < 0)
        text[0] = '\0';
    va_end(ap);
    return line > 0 ? pl_err_set(err, PL_ERR_CONF, 0, hint, "%s:%d: %s", file, line, text)
                    : pl_err_set(err, PL_ERR_CONF, 0, hint, "%s: %s", file, text);
}

#define SAY(p, line, hint, ...) ((p)->bad = true, pl_conf_say((p)->err, (p)->file, (line), (hint), __VA_ARGS__))

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct pl_str strip(struct pl_str s)
{
    while (s.len > 0 && is_space(s.s[0])) {
        s.s++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.s[s.len - 1]))
        s.len--;
    return s;
}

/* ---- sections ---- */

static bool title_name_ok(struct pl_str s)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

    for (size_t i = 0; i < s.len; i++)
        if (s.s[i] == '\0' || strchr(ok, s.s[i]) == NULL)
            return false;
    return s.len > 0;
}

/* Which kind a title is; the name of a directory into *name. NULL with the error said. */
static const char *title_kind(struct parse *p, struct pl_str title, struct pl_str *name)
{
    static const char prefix[] = "directory ";
    static const char *const kinds[] = {"database", "daemon", "brake"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (pl_str_eq_c(title, kinds[i]))
            return kinds[i];
    if (title.len >= sizeof prefix - 1 && memcmp(title.s, prefix, sizeof prefix - 1) == 0) {
        *name = strip((struct pl_str){title.s + sizeof prefix - 1, title.len - (sizeof prefix - 1)});
        if (title_name_ok(*name))
            return "directory";
        SAY(p, p->line, "Letters, digits, '-', '_' and '.' may be in it.", "'%.*s' is no name of a directory",
            (int)name->len, name->s);
        return NULL;
    }
    SAY(p, p->line, "Known are [database], [daemon], [brake] and [directory NAME].", "unknown section [%.*s]",
        (int)title.len, title.s);
    return NULL;
}

static bool begin_section(struct parse *p)
{
    struct pl_str title = {p->raw.s + 1, p->raw.len - 1}, name = {0};
    struct pl_conf_section *s = &p->sections[p->n_sections];

    if (title.len == 0 || title.s[title.len - 1] != ']')
        return SAY(p, p->line, "A title stands alone on its line: [daemon].",
                   "the title of a section does not end with ]");
    title.len--;
    if (title.len > TITLE_MAX)
        return SAY(p, p->line, "", "the title of a section is longer than %d bytes", TITLE_MAX);
    *s = (struct pl_conf_section){.title = title, .line = p->line, .target = p->conf};
    s->kind = title_kind(p, title, &name);
    if (s->kind == NULL)
        return false;
    for (size_t i = 0; i < p->n_sections; i++)
        if (strcmp(p->sections[i].kind, s->kind) == 0 &&
            (name.len == 0 || pl_str_eq(((struct pl_conf_directory *)p->sections[i].target)->name, name)))
            return SAY(p, p->line, "Put its options together in one section.",
                       "section [%.*s] stands here again, first on line %d", (int)title.len, title.s,
                       p->sections[i].line);
    if (name.len > 0) {
        if (p->conf->n_dirs == DIRS_MAX)
            return SAY(p, p->line, "", "more than %d directories", DIRS_MAX);
        struct pl_conf_directory *d = &p->conf->dirs[p->conf->n_dirs++];

        d->name = pl_arena_str(p->conf->arena, name);
        d->attributes = pl_arena_array(p->conf->arena, ATTRIBUTES_MAX, sizeof *d->attributes);
        s->target = d;
        s->attribute_lines = pl_arena_array(p->conf->arena, ATTRIBUTES_MAX, sizeof(int));
    }
    s->lines = pl_arena_array(p->conf->arena, pl_conf_n_options, sizeof(int));
    p->n_sections++;
    return true;
}

/* ---- options ---- */

static bool is_attribute(const struct pl_conf_option *o)
{
    return strcmp(o->name, "attribute.NAME") == 0;
}

/* The value is known to be good. */
static void store(struct pl_conf *conf, const struct pl_conf_option *o, void *target, struct pl_str value)
{
    char *field = (char *)target + o->offset;
    int64_t n = 0;

    switch (o->type) {
    case PL_CONF_INT:
    case PL_CONF_SECONDS:
        (void)pl_str_to_i64(value, &n);
        memcpy(field, &n, sizeof n);
        break;
    case PL_CONF_BOOL: {
        bool yes = pl_str_eq_c(value, "yes");

        memcpy(field, &yes, sizeof yes);
        break;
    }
    default: {
        struct pl_str copy = pl_arena_str(conf->arena, value);

        memcpy(field, &copy, sizeof copy);
    }
    }
}

static bool set_attribute(struct parse *p, struct pl_conf_section *s, struct pl_str name, struct pl_str value)
{
    struct pl_conf_directory *d = s->target;
    size_t skip = strlen("attribute.");

    name.s += skip;
    name.len -= skip;
    for (size_t i = 0; i < d->n_attributes; i++)
        if (pl_str_ieq(d->attributes[i].name, name))
            return SAY(p, p->line, "", "'attribute.%.*s' stands here again, first on line %d", (int)name.len, name.s,
                       s->attribute_lines[i]);
    if (d->n_attributes == ATTRIBUTES_MAX)
        return SAY(p, p->line, "", "more than %d attributes", ATTRIBUTES_MAX);
    s->attribute_lines[d->n_attributes] = p->line;
    d->attributes[d->n_attributes++] =
        (struct pl_conf_attribute){pl_arena_str(p->conf->arena, name), pl_arena_str(p->conf->arena, value)};
    return true;
}

static bool unknown_option(struct parse *p, const struct pl_conf_section *s, struct pl_str name)
{
    static const char *const kinds[] = {"database", "daemon", "brake", "directory"};
    const struct pl_conf_option *near = pl_conf_option_nearest(s->kind, name);
    char hint[200] = "The sample paasla.conf names every option.";

    if (near != NULL)
        (void)snprintf(hint, sizeof hint, "Is '%s' meant?", near->name);
    for (size_t i = 0; near == NULL && i < sizeof kinds / sizeof kinds[0]; i++)
        if (pl_conf_option_find(kinds[i], name) != NULL)
            (void)snprintf(hint, sizeof hint, "It belongs in section [%s].", kinds[i]);
    return SAY(p, p->line, hint, "section [%.*s] has no option '%.*s'", (int)s->title.len, s->title.s, (int)name.len,
               name.s);
}

static bool set_option(struct parse *p, struct pl_str name, struct pl_str value)
{
    struct pl_conf_section *s = p->n_sections == 0 ? NULL : &p->sections[p->n_sections - 1];
    const struct pl_conf_option *o;
    struct pl_buf why = {0};
    int *line;
    bool ok;

    if (s == NULL)
        return SAY(p, p->line, "", "option '%.*s' stands before the first section", (int)name.len, name.s);
    o = pl_conf_option_find(s->kind, name);
    if (o == NULL)
        return unknown_option(p, s, name);
    line = &s->lines[o - pl_conf_options];
    if (*line != 0 && !is_attribute(o))
        return SAY(p, p->line, "Several values stand on one line, separated by spaces.",
                   "option '%s' stands here again, first on line %d", o->name, *line);
    *line = p->line;
    ok = pl_conf_value_ok(o, value, &why);
    if (!ok)
        SAY(p, p->line, o->doc, "%.*s %s", (int)name.len, name.s, why.s);
    pl_buf_free(&why);
    if (!ok)
        return false;
    if (is_attribute(o))
        return set_attribute(p, s, name, value);
    store(p->conf, o, s->target, value);
    return true;
}

/* ---- between the text and inih ---- */

/* As fgets for inih: looks at the next line whole and hands over as much of it as fits. */
static char *next_line(char *out, int size, void *stream)
{
    struct parse *p = stream;
    const char *from = p->text.s + p->at, *end;
    size_t len, fits;

    if (p->bad || p->at >= p->text.len || size < 3)
        return NULL;
    end = memchr(from, '\n', p->text.len - p->at);
    len = end == NULL ? p->text.len - p->at : (size_t)(end - from);
    p->at += len + 1;
    p->line++;
    p->raw = strip((struct pl_str){from, len});
    if (p->raw.len > 0 && p->raw.s[0] != '#' && p->raw.s[0] != ';') {
        if (p->raw.s != from) {
            SAY(p, p->line, "A value stands on one line; take the spaces away.", "the line begins with a space");
            return NULL;
        }
        if (p->raw.s[0] == '[' && !begin_section(p))
            return NULL;
    }
    fits = p->raw.len < (size_t)size - 2 ? p->raw.len : (size_t)size - 2;
    memcpy(out, p->raw.s, fits);
    out[fits] = '\n';
    out[fits + 1] = '\0';
    return out;
}

/* inih found an option; what it found is held against the whole line. */
static int on_option(void *user, const char *section, const char *name, const char *value)
{
    struct parse *p = user;
    size_t cut = 0;
    struct pl_str whole, left;

    if (p->bad || value == NULL)
        return 0;
    while (cut < p->raw.len && p->raw.s[cut] != '=' && p->raw.s[cut] != ':')
        cut++;
    left = strip((struct pl_str){p->raw.s, cut});
    whole = cut == p->raw.len ? (struct pl_str){0} : (struct pl_str){p->raw.s + cut + 1, p->raw.len - cut - 1};
    for (size_t i = 1; i < whole.len; i++)
        if (whole.s[i] == ';' && is_space(whole.s[i - 1]))
            return SAY(p, p->line, "A comment stands on a line of its own. In a DN write \\; for a semicolon.",
                       "' ;' after '%.*s' would begin a comment", (int)left.len, left.s);
    whole = strip(whole);
    if (!pl_str_eq_c(left, name) || strncmp(whole.s == NULL ? "" : whole.s, value, strlen(value)) != 0 ||
        (p->n_sections > 0 && !pl_str_eq_c(p->sections[p->n_sections - 1].title, section)))
        return SAY(p, p->line, "", "the line cannot be read whole");
    return set_option(p, left, whole);
}

/* Bytes that no line may hold: not UTF-8, NUL, control characters other than tab and line ends. */
static bool check_bytes(struct parse *p)
{
    int line = 1;

    for (size_t i = 0, n; i < p->text.len; i += n) {
        unsigned char c = (unsigned char)p->text.s[i];

        n = pl_str_utf8_at(p->text, i);
        if (c == '\0')
            return SAY(p, line, "", "the line holds a NUL byte");
        if (n == 0)
            return SAY(p, line, "Save the file as UTF-8.", "the line is not UTF-8");
        if (c == '\n')
            line++;
        else if (c == '\r' ? i + 1 < p->text.len && p->text.s[i + 1] != '\n' : (c < 0x20 && c != '\t') || c == 0x7f)
            return SAY(p, line, "", "the line holds a control character (0x%02x)", c);
    }
    return true;
}

/* ---- the whole ---- */

/* The dialect's row comes first, so that it is known. */
static const char *default_of(const struct pl_conf_option *o, const struct pl_conf_section *s)
{
    bool directory = s != NULL && strcmp(s->kind, "directory") == 0;

    return pl_conf_default(o, directory ? ((const struct pl_conf_directory *)s->target)->dialect : pl_str_c(""));
}

/* Defaults, and what must be there. `s` NULL: the section is not in the file. */
static bool complete(struct parse *p, const char *kind, const struct pl_conf_section *s)
{
    for (size_t i = 0; i < pl_conf_n_options; i++) {
        const struct pl_conf_option *o = &pl_conf_options[i];

        if (strcmp(o->section, kind) != 0 || (s != NULL && s->lines[i] != 0) || is_attribute(o))
            continue;
        if (o->fallback == NULL && s == NULL)
            return SAY(p, 0, o->doc, "section [%s] is missing", kind);
        if (o->fallback == NULL)
            return SAY(p, s->line, o->doc, "section [%.*s] lacks the option '%s'", (int)s->title.len, s->title.s,
                       o->name);
        store(p->conf, o, s == NULL ? p->conf : s->target, pl_str_c(default_of(o, s)));
    }
    return s == NULL || pl_conf_check(s, p->file, p->err);
}

static bool complete_all(struct parse *p)
{
    static const char *const kinds[] = {"database", "daemon", "brake"};
    const struct pl_conf_section *s;

    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        s = NULL;
        for (size_t i = 0; i < p->n_sections; i++)
            if (strcmp(p->sections[i].kind, kinds[k]) == 0)
                s = &p->sections[i];
        if (!complete(p, kinds[k], s))
            return false;
    }
    for (size_t i = 0; i < p->n_sections; i++)
        if (strcmp(p->sections[i].kind, "directory") == 0 && !complete(p, "directory", &p->sections[i]))
            return false;
    if (p->conf->n_dirs == 0)
        return SAY(p, 0, "One [directory NAME] stands for each directory.", "no directory is named");
    return true;
}

struct pl_conf *pl_conf_parse(const char *name, struct pl_str text, struct pl_err *err)
{
    struct parse *p = pl_xcalloc(1, sizeof *p);
    struct pl_conf *conf = NULL;
    int line;

    *p = (struct parse){.file = name, .text = text, .err = err};
    p->conf = pl_xcalloc(1, sizeof *p->conf);
    p->conf->arena = pl_arena_new();
    p->conf->dirs = pl_arena_array(p->conf->arena, DIRS_MAX, sizeof *p->conf->dirs);
    if (text.len > FILE_MAX_BYTES) {
        SAY(p, 0, "", "larger than %d bytes", FILE_MAX_BYTES);
        goto out;
    }
    if (p->text.len >= 3 && memcmp(p->text.s, "\xef\xbb\xbf", 3) == 0) {
        p->text.s += 3;
        p->text.len -= 3;
    }
    if (!check_bytes(p))
        goto out;
    line = ini_parse_stream(next_line, p, on_option, p);
    if (line != 0 && !p->bad)
        SAY(p, line > 0 ? line : 0, "A line is [section], option = value or a # comment.", "the line cannot be read");
    if (p->bad || !complete_all(p))
        goto out;
    conf = p->conf;
    p->conf = NULL;
out:
    pl_conf_free(p->conf);
    free(p);
    return conf;
}

bool pl_conf_text(const char *path, struct pl_buf *out, struct pl_err *err)
{
    char *text = pl_xcalloc(FILE_MAX_BYTES + 1, 1);
    bool ok = false;
    FILE *f = fopen(path, "re");
    size_t n;

    if (f == NULL) {
        pl_err_set(err, PL_ERR_IO, errno, "Is the path right, and may this user read it?", "%s: %s", path,
                   strerror(errno));
        goto out;
    }
    errno = 0;
    n = fread(text, 1, FILE_MAX_BYTES + 1, f);
    if (ferror(f)) {
        pl_err_set(err, PL_ERR_IO, errno, "", "%s: %s", path, strerror(errno));
        goto out;
    }
    pl_buf_add(out, (struct pl_str){text, n});
    ok = true;
out:
    if (f != NULL)
        fclose(f);
    free(text);
    return ok;
}

struct pl_conf *pl_conf_read(const char *path, struct pl_err *err)
{
    struct pl_buf text = {0};
    struct pl_conf *conf = pl_conf_text(path, &text, err) ? pl_conf_parse(path, pl_buf_str(&text), err) : NULL;

    pl_buf_free(&text);
    return conf;
}

void pl_conf_free(struct pl_conf *c)
{
    if (c == NULL)
        return;
    pl_arena_free(c->arena);
    free(c);
}
