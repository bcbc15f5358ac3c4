#include "conf.h"

#include <string.h>

#define WIDTH 96

/* A paragraph as comment lines. */
static void comment(FILE *out, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");

        if (column > 0 && column + 1 + word > WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        fputs(column == 0 ? "# " : " ", out);
        fwrite(text, 1, word, out);
        column += (column == 0 ? 2 : 1) + word;
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void limits(FILE *out, const struct pl_conf_option *o)
{
    switch (o->type) {
    case PL_CONF_INT:
    case PL_CONF_SECONDS:
        fprintf(out, "# From %lld to %lld%s%s", (long long)o->min, (long long)o->max, o->unit[0] == '\0' ? "" : " ",
                o->unit);
        break;
    case PL_CONF_BOOL:
        fputs("# yes or no", out);
        break;
    default:
        fputs(o->fallback == NULL ? "# Must be given.\n" : "", out);
        return;
    }
    fprintf(out, "; default %s.\n", o->fallback);
}

/* What a reload does with it. */
static const char *reload(const struct pl_conf_option *o)
{
    return o->when == PL_CONF_LIVE        ? "A reload changes it at once."
           : o->when == PL_CONF_RECONNECT ? "A reload connects anew with it."
                                          : "Needs a restart.";
}

/* The sample logs on with a password, so that it can be used as it stands. */
static bool shown(const struct pl_conf_option *o)
{
    return o->fallback == NULL || strcmp(o->name, "bind_dn") == 0 ||
           (strcmp(o->name, "password_file") == 0 && strcmp(o->section, "directory") == 0);
}

/* The example of attribute.NAME is whole lines. */
static void lines(FILE *out, const struct pl_conf_option *o)
{
    const char *value = o->example != NULL ? o->example : o->fallback;

    if (strncmp(o->name, "attribute.", strlen("attribute.")) == 0)
        fprintf(out, "%s\n", value);
    else
        fprintf(out, "%s%s = %s\n", shown(o) ? "" : "#", o->name, value);
}

void pl_conf_write_sample(FILE *out)
{
    const char *section = "";

    comment(out, "paasla.conf: how paaslad reaches PostgreSQL and the directories, and when it brakes.");
    fputs("#\n", out);
    comment(out, "An option that begins with # is shown with its default or with an example; it need not be written. "
                 "A comment stands on a line of its own. `paaslad -t` checks the file; `systemctl reload paaslad` (or "
                 "SIGHUP) has it read again: what can change while the daemon runs does, for the rest it says that it "
                 "needs a restart, and a file with a mistake changes nothing. This sample is made from the same table "
                 "as the check.");
    for (size_t i = 0; i < pl_conf_n_options; i++) {
        const struct pl_conf_option *o = &pl_conf_options[i];

        if (strcmp(section, o->section) != 0) {
            section = o->section;
            if (strcmp(section, "directory") == 0) {
                fputs("\n", out);
                comment(out, "One section for each directory; its name is the one in paasla.directory.");
                fputs("[directory linn]\n", out);
            } else {
                fprintf(out, "\n[%s]\n", section);
            }
        } else {
            fputc('\n', out);
        }
        comment(out, o->doc);
        limits(out, o);
        fprintf(out, "# %s\n", reload(o));
        lines(out, o);
    }
}

/* A paragraph, indented. */
static void indented(FILE *out, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");

        if (column > 0 && column + 1 + word > WIDTH - 6) {
            fputc('\n', out);
            column = 0;
        }
        fputs(column == 0 ? "      " : " ", out);
        fwrite(text, 1, word, out);
        column += (column == 0 ? 0 : 1) + word;
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void pl_conf_write_options(FILE *out)
{
    const char *section = "";

    for (size_t i = 0; i < pl_conf_n_options; i++) {
        const struct pl_conf_option *o = &pl_conf_options[i];
        bool number = o->type == PL_CONF_INT || o->type == PL_CONF_SECONDS;

        if (strcmp(section, o->section) != 0)
            fprintf(out, "%s[%s]\n", i > 0 ? "\n" : "",
                    strcmp(o->section, "directory") == 0 ? "directory NAME" : o->section);
        section = o->section;
        fprintf(out, "  %s", o->name);
        if (o->fallback == NULL)
            fputs(", must be given", out);
        else if (o->fallback[0] != '\0')
            fprintf(out, ", default %s", o->fallback);
        if (number)
            fprintf(out, ", from %lld to %lld%s%s", (long long)o->min, (long long)o->max, o->unit[0] == '\0' ? "" : " ",
                    o->unit);
        else if (o->words != NULL)
            fprintf(out, ", one of %s", o->words);
        else if (o->type == PL_CONF_BOOL)
            fputs(", yes or no", out);
        fputc('\n', out);
        indented(out, o->doc);
        indented(out, reload(o));
    }
}
