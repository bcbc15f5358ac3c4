/* Between the parser (conf.c) and the check of what options say together (conf_check.c). */
#ifndef PL_CONF_CONF_PARSE_H
#define PL_CONF_CONF_PARSE_H

#include "conf.h"

/* One section of the file while it is read. */
struct pl_conf_section {
    struct pl_str title;  /* "database", "directory linn" */
    const char *kind;     /* as in pl_conf_option.section */
    int line;             /* where its title stands */
    int *lines;           /* for each row of pl_conf_options: where it was set, 0 not at all */
    int *attribute_lines; /* the same for pl_conf_directory.attributes */
    void *target;         /* struct pl_conf or struct pl_conf_directory */
};

/* The row for a name in a kind of section; attribute.X is found under attribute.NAME. NULL when there is none. */
const struct pl_conf_option *pl_conf_option_find(const char *kind, struct pl_str name);
const struct pl_conf_option *pl_conf_option_nearest(const char *kind, struct pl_str name);

/* "FILE:LINE: text" into err. Returns false. */
bool pl_conf_say(struct pl_err *err, const char *file, int line, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* What a check of one section needs at hand. */
struct check {
    const struct pl_conf_section *section;
    const struct pl_conf_directory *d; /* the section's target, where it is a directory's */
    const char *file;
    struct pl_err *err;
};

/* pl_conf_say() about the line of option `name`. */
#define COMPLAIN(c, name, hint, ...)                                                                                   \
    pl_conf_say((c)->err, (c)->file, pl_conf_line((c)->section, (name)), (hint), __VA_ARGS__)

/* Whether one value may stand on its own: shape, range, words. False with the reason in `why`. */
bool pl_conf_value_ok(const struct pl_conf_option *o, struct pl_str value, struct pl_buf *why);

/* What an option is by default where the dialect has a default of its own; else the row's. (conf_dialect.c) */
const char *pl_conf_default(const struct pl_conf_option *o, struct pl_str dialect);

/* What the dialect of a directory needs, and what it has no use for. (conf_dialect.c) */
bool pl_conf_check_dialect(const struct pl_conf_section *s, const char *file, struct pl_err *err);

/* What may follow HR's name. (conf_keep.c) */
bool pl_conf_check_keep(const struct pl_conf_section *s, const char *file, struct pl_err *err);

/* The line of an option, or of its section when it was not written. */
int pl_conf_line(const struct pl_conf_section *s, const char *name);

/* The next word of *rest, separated by spaces and tabs; empty at the end. */
struct pl_str pl_conf_next_word(struct pl_str *rest);

/* What the options of one section say together: secrets, addresses and TLS, log-on, templates. */
bool pl_conf_check(const struct pl_conf_section *s, const char *file, struct pl_err *err);

#endif
