/* Writes paasla.conf(5) from conf/paasla.conf.5.in and the option rows: gen_conf_man TEMPLATE */
#include "lib/conf/conf.h"
#include "man_text.h"

#include <string.h>

static void text(FILE *out, const char *s)
{
    man_paragraph(out, s, strlen(s));
}

static bool is_number(const struct pl_conf_option *o)
{
    return o->type == PL_CONF_INT || o->type == PL_CONF_SECONDS;
}

/* What stands behind the name: what kind of value is meant. */
static const char *value_name(const struct pl_conf_option *o)
{
    switch (o->type) {
    case PL_CONF_INT:
    case PL_CONF_SECONDS:
        return "N";
    case PL_CONF_DN:
        return "DN";
    case PL_CONF_PATH:
        return "PATH";
    case PL_CONF_SECRET:
        return "SECRET";
    default:
        return "TEXT";
    }
}

static void words(FILE *out, const char *all)
{
    while (*all) {
        size_t n = strcspn(all, "|");
        man_font(out, 'B', all, n);
        all += n;
        if (*all == '|')
            all++, fputs(" | ", out);
    }
}

/* name = VALUE */
static void title(FILE *out, const struct pl_conf_option *o)
{
    const char *dot = strchr(o->name, '.'); /* attribute.NAME */
    fputs(".TP\n", out);
    man_font(out, 'B', o->name, dot ? (size_t)(dot + 1 - o->name) : strlen(o->name));
    if (dot)
        man_font(out, 'I', dot + 1, strlen(dot + 1));
    fputs(" = ", out);
    if (o->type == PL_CONF_WORD)
        words(out, o->words);
    else if (o->type == PL_CONF_BOOL)
        words(out, "yes|no");
    else
        man_font(out, 'I', value_name(o), strlen(value_name(o)));
    fputc('\n', out);
}

/* The example of attribute.NAME is whole lines. */
static void example(FILE *out, const struct pl_conf_option *o)
{
    const char *at = o->example;
    bool whole = strchr(o->name, '.') != NULL;
    fputs(".IP\n.EX\n", out);
    while (*at) {
        size_t n = strcspn(at, "\n");
        if (!whole) {
            man_literal(out, o->name, strlen(o->name));
            fputs(" = ", out);
        }
        man_literal(out, at, n);
        fputc('\n', out);
        at += n + (at[n] == '\n');
    }
    fputs(".EE\n", out);
}

static void option(FILE *out, const struct pl_conf_option *o)
{
    title(out, o);
    text(out, o->doc);
    if (is_number(o))
        fprintf(out, "From %lld to %lld%s%s.\n", (long long)o->min, (long long)o->max, *o->unit ? " " : "", o->unit);
    if (!o->fallback) {
        fputs("Must be given.\n", out);
    } else if (*o->fallback) {
        fputs("Default: ", out);
        man_font(out, 'B', o->fallback, strlen(o->fallback));
        fputs(".\n", out);
    }
    if (o->example)
        example(out, o);
}

static void options(FILE *out)
{
    const char *section = "";
    for (size_t i = 0; i < pl_conf_n_options; i++) {
        const struct pl_conf_option *o = &pl_conf_options[i];
        if (strcmp(section, o->section) != 0) {
            bool directory = strcmp(o->section, "directory") == 0;
            fprintf(out, ".SS [%s%s]\n", o->section, directory ? " \\fINAME\\fP" : "");
            section = o->section;
        }
        option(out, o);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: gen_conf_man TEMPLATE\n", stderr);
        return 2;
    }
    return man_fill(argv[1], stdout, "@OPTIONS@", options);
}
