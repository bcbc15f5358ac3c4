/* The arguments of one command, and the suggestion for a wrong word. */
#include "args.h"

#include "lib/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ctl_args_start(struct ctl_args *a, const struct ctl *c, int argc, char **argv)
{
    *a = (struct ctl_args){.c = c};
    bool literal = false;
    for (int i = 1; i < argc; i++) {
        if (!literal && strcmp(argv[i], "--") == 0) {
            literal = true;
            continue;
        }
        if (a->n_words == CTL_MAX_ARGS) {
            ctl_complain("too many arguments.");
            a->bad = true;
            return;
        }
        a->literal[a->n_words] = literal;
        a->word[a->n_words++] = argv[i];
    }
}

static void take(struct ctl_args *a, int at, int n)
{
    size_t rest = (size_t)(a->n_words - at - n);
    memmove(a->word + at, a->word + at + n, rest * sizeof a->word[0]);
    memmove(a->literal + at, a->literal + at + n, rest * sizeof a->literal[0]);
    a->n_words -= n;
}

/* Where the option stands, or -1. *value: what follows "=", or NULL. */
static int find(struct ctl_args *a, const char *name, const char **value)
{
    size_t len = strlen(name);
    *value = NULL;
    if (a->n_known < (int)(sizeof a->known / sizeof a->known[0]))
        a->known[a->n_known++] = name;
    for (int i = 0; i < a->n_words; i++) {
        if (a->literal[i] || strncmp(a->word[i], name, len) != 0)
            continue;
        if (a->word[i][len] == '=')
            *value = a->word[i] + len + 1;
        if (*value || a->word[i][len] == 0)
            return i;
    }
    return -1;
}

static bool twice(struct ctl_args *a, const char *name)
{
    const char *value;
    if (find(a, name, &value) < 0)
        return false;
    a->n_known--;
    ctl_complain("%s is given twice.", name);
    a->bad = true;
    return true;
}

const char *ctl_option(struct ctl_args *a, const char *name)
{
    const char *value;
    int at = find(a, name, &value);
    if (at < 0)
        return NULL;
    if (!value) {
        if (at + 1 >= a->n_words || (!a->literal[at + 1] && strncmp(a->word[at + 1], "--", 2) == 0)) {
            ctl_complain("%s needs a value.", name);
            a->bad = true;
            take(a, at, 1);
            return NULL;
        }
        value = a->word[at + 1];
        take(a, at, 2);
    } else {
        take(a, at, 1);
    }
    return twice(a, name) ? NULL : value;
}

bool ctl_flag(struct ctl_args *a, const char *name)
{
    const char *value;
    int at = find(a, name, &value);
    if (at < 0)
        return false;
    if (value) {
        ctl_complain("%s takes no value.", name);
        a->bad = true;
    }
    take(a, at, 1);
    return !twice(a, name);
}

const char *ctl_option_number(struct ctl_args *a, const char *name, const char *dflt)
{
    const char *value;
    int at = find(a, name, &value);
    if (at < 0)
        return NULL;
    take(a, at, 1);
    if (!value && at < a->n_words && !a->literal[at] && *a->word[at] &&
        a->word[at][strspn(a->word[at], "0123456789")] == 0) {
        value = a->word[at];
        take(a, at, 1);
    }
    return twice(a, name) ? NULL : value ? value : dflt;
}

bool ctl_args_end(struct ctl_args *a, int min, int max)
{
    for (int i = 0; i < a->n_words && !a->bad; i++) {
        if (a->literal[i] || strncmp(a->word[i], "--", 2) != 0)
            continue;
        const char *near = ctl_nearest(a->word[i], a->known, a->n_known);
        ctl_complain("%s has no option %s.%s%s%s", a->c->command->name, a->word[i], near ? " Did you mean " : "",
                     near ? near : "", near ? "?" : "");
        a->bad = true;
    }
    if (!a->bad && (a->n_words < min || a->n_words > max)) {
        if (a->n_words < min)
            ctl_complain("%s needs more than that.", a->c->command->name);
        else
            ctl_complain("%s: %s is one word too many.", a->c->command->name, a->word[max]);
        a->bad = true;
    }
    if (a->bad)
        ctl_complain("usage: paaslactl %s", a->c->command->usage);
    return !a->bad;
}

bool ctl_need(struct ctl_args *a, const char *name, const char *value)
{
    if (!value && !a->bad) {
        ctl_complain("%s needs %s.", a->c->command->name, name);
        a->bad = true;
    }
    return value != NULL;
}

bool ctl_to_long(const char *name, const char *text, long min, long max, long *out)
{
    char *end;
    errno = 0;
    long v = strtol(text, &end, 10);
    if (errno || end == text || *end || v < min || v > max) {
        ctl_complain("%s is a whole number from %ld to %ld, not %s.", name, min, max, text);
        return false;
    }
    *out = v;
    return true;
}

bool ctl_check_moment(const char *name, enum ctl_moment_kind kind, const char *text)
{
    char why[160];
    if (!text || ctl_moment_read(kind, text, why, sizeof why))
        return true;
    ctl_complain("%s cannot be %s: %s.", name, text, why);
    return false;
}

bool ctl_check_word(const char *name, const char *text, const char *const *words, int n)
{
    struct pl_buf list = {0};
    for (int i = 0; i < n; i++) {
        if (!text || strcmp(text, words[i]) == 0) {
            pl_buf_free(&list);
            return true;
        }
        pl_buf_printf(&list, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", words[i]);
    }
    ctl_complain("%s is %s, not %s.", name, list.s, text);
    pl_buf_free(&list);
    return false;
}

bool ctl_check_reference(const char *name, const char *text)
{
    size_t characters = 0;
    for (const char *p = text; p && *p; p++)
        characters += ((unsigned char)*p & 0xc0) != 0x80;
    if (!text || (text[strspn(text, " ")] && characters <= 60))
        return true;
    ctl_complain("%s is a document number of 1 to 60 characters, not '%s'.", name, text);
    return false;
}

/* Edits between two short words: insert, remove, replace. */
static size_t distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b), row[64];
    if (la > 60 || lb > 60)
        return 99;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[lb];
}

const char *ctl_nearest(const char *word, const char *const *names, int n)
{
    const char *best = NULL;
    size_t least = strlen(word) / 2 < 3 ? strlen(word) / 2 + 1 : 4;
    for (int i = 0; i < n; i++) {
        size_t d = distance(word, names[i]);
        if (d > 1 && strlen(word) > 2 && strncmp(word, names[i], strlen(word)) == 0)
            d = 1; /* only begun */
        if (d < least) {
            least = d;
            best = names[i];
        }
    }
    return best;
}

int ctl_wrong_verb(const struct ctl *c, const char *word, const char *const *verbs, int n)
{
    const char *near = ctl_nearest(word, verbs, n);
    if (near && strcmp(near, word) != 0)
        ctl_complain("%s has no %s. Did you mean %s?", c->command->name, word, near);
    ctl_complain("usage: paaslactl %s", c->command->usage);
    return CTL_USAGE;
}
