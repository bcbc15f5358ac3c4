/* What a reload needs to know: the options in force one by one, and which of them a running daemon can take over. */
#include "conf.h"

#include <string.h>

static const char attribute[] = "attribute.";

static bool is_attribute(const struct pl_conf_option *o)
{
    return strncmp(o->name, attribute, sizeof attribute - 1) == 0;
}

static bool of_directory(const struct pl_conf_option *o)
{
    return strcmp(o->section, "directory") == 0;
}

static bool is_secret(const struct pl_conf_option *o)
{
    return strcmp(o->name, "password_file") == 0 || strcmp(o->name, "key_file") == 0 ||
           strcmp(o->name, "keytab_file") == 0;
}

/* ---- one by one ---- */

static struct pl_str text_of(const struct pl_conf_option *o, const void *target, struct pl_arena *a)
{
    const char *field = (const char *)target + o->offset;
    struct pl_str s;
    int64_t n;
    bool yes;

    switch (o->type) {
    case PL_CONF_INT:
    case PL_CONF_SECONDS:
        memcpy(&n, field, sizeof n);
        return pl_arena_printf(a, "%lld", (long long)n);
    case PL_CONF_BOOL:
        memcpy(&yes, field, sizeof yes);
        return pl_str_c(yes ? "yes" : "no");
    default:
        memcpy(&s, field, sizeof s);
        return pl_arena_str(a, s);
    }
}

struct list {
    struct pl_arena *a;
    struct pl_conf_value *v;
    size_t n;
};

static void add(struct list *l, const struct pl_conf_option *o, struct pl_str directory, struct pl_str name,
                struct pl_str text)
{
    struct pl_conf_value v = {.option = o, .directory = directory, .text = text, .secret = is_secret(o)};

    v.name = directory.len > 0
                 ? pl_arena_printf(l->a, "directory %.*s.%.*s", (int)directory.len, directory.s, (int)name.len, name.s)
                 : pl_arena_printf(l->a, "%s.%.*s", o->section, (int)name.len, name.s);
    l->v[l->n++] = v;
}

static void add_directory(struct list *l, const struct pl_conf_directory *d)
{
    struct pl_str name = pl_arena_str(l->a, d->name);

    for (size_t i = 0; i < pl_conf_n_options; i++) {
        const struct pl_conf_option *o = &pl_conf_options[i];

        if (of_directory(o) && !is_attribute(o))
            add(l, o, name, pl_str_c(o->name), text_of(o, d, l->a));
        for (size_t k = 0; is_attribute(o) && k < d->n_attributes; k++)
            add(l, o, name,
                pl_arena_printf(l->a, "%s%.*s", attribute, (int)d->attributes[k].name.len, d->attributes[k].name.s),
                pl_arena_str(l->a, d->attributes[k].text));
    }
}

size_t pl_conf_values(const struct pl_conf *c, struct pl_arena *a, struct pl_conf_value **out)
{
    size_t most = pl_conf_n_options * (c->n_dirs + 1);
    struct list l = {.a = a};

    for (size_t i = 0; i < c->n_dirs; i++)
        most += c->dirs[i].n_attributes;
    l.v = pl_arena_array(a, most, sizeof *l.v);
    for (size_t i = 0; i < pl_conf_n_options; i++)
        if (!of_directory(&pl_conf_options[i]))
            add(&l, &pl_conf_options[i], (struct pl_str){"", 0}, pl_str_c(pl_conf_options[i].name),
                text_of(&pl_conf_options[i], c, a));
    for (size_t i = 0; i < c->n_dirs; i++)
        add_directory(&l, &c->dirs[i]);
    *out = l.v;
    return l.n;
}

/* ---- what stays as it is ---- */

static void copy_attributes(struct pl_conf_directory *to, const struct pl_conf_directory *from, struct pl_arena *a)
{
    to->attributes = pl_arena_array(a, from->n_attributes, sizeof *to->attributes);
    to->n_attributes = from->n_attributes;
    for (size_t i = 0; i < from->n_attributes; i++)
        to->attributes[i] = (struct pl_conf_attribute){pl_arena_str(a, from->attributes[i].name),
                                                       pl_arena_str(a, from->attributes[i].text)};
}

static void copy_option(const struct pl_conf_option *o, void *to, const void *from, struct pl_arena *a)
{
    char *into = (char *)to + o->offset;
    const char *field = (const char *)from + o->offset;
    struct pl_str s;

    switch (o->type) {
    case PL_CONF_INT:
    case PL_CONF_SECONDS:
        memcpy(into, field, sizeof(int64_t));
        break;
    case PL_CONF_BOOL:
        memcpy(into, field, sizeof(bool));
        break;
    default:
        if (is_attribute(o)) {
            copy_attributes(to, from, a);
            break;
        }
        memcpy(&s, field, sizeof s);
        s = pl_arena_str(a, s);
        memcpy(into, &s, sizeof s);
    }
}

static void keep_directory(struct pl_conf_directory *d, const struct pl_conf_directory *running, struct pl_arena *a,
                           bool all)
{
    for (size_t i = 0; i < pl_conf_n_options; i++)
        if (of_directory(&pl_conf_options[i]) && (all || pl_conf_options[i].when == PL_CONF_RESTART))
            copy_option(&pl_conf_options[i], d, running, a);
    d->name = pl_arena_str(a, running->name);
}

void pl_conf_keep(struct pl_conf *fresh, const struct pl_conf *running)
{
    struct pl_conf_directory *dirs = pl_arena_array(fresh->arena, running->n_dirs, sizeof *dirs);

    for (size_t i = 0; i < pl_conf_n_options; i++)
        if (!of_directory(&pl_conf_options[i]) && pl_conf_options[i].when == PL_CONF_RESTART)
            copy_option(&pl_conf_options[i], fresh, running, fresh->arena);
    for (size_t i = 0; i < running->n_dirs; i++) {
        size_t k = 0;

        while (k < fresh->n_dirs && !pl_str_eq(fresh->dirs[k].name, running->dirs[i].name))
            k++;
        if (k < fresh->n_dirs)
            dirs[i] = fresh->dirs[k];
        keep_directory(&dirs[i], &running->dirs[i], fresh->arena, k == fresh->n_dirs);
    }
    fresh->dirs = dirs;
    fresh->n_dirs = running->n_dirs;
}
