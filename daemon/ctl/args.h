/* The arguments of one command. Options stand anywhere; "--name value" and "--name=value" are the same; "--" ends them.
 *
 *     struct ctl_args a;
 *     ctl_args_start(&a, c, argc, argv);
 *     const char *ref = ctl_option(&a, "--ref");     (NULL when it is not given)
 *     bool all = ctl_flag(&a, "--all");
 *     if (!ctl_args_end(&a, 1, 2))                   (what is left: 1 to 2 words; else says so: return CTL_USAGE)
 *         return CTL_USAGE;
 *     use(a.word[0], a.n_words > 1 ? a.word[1] : NULL)
 */
#ifndef PAASLA_CTL_ARGS_H
#define PAASLA_CTL_ARGS_H

#include "ctl.h"
#include "moment.h"

enum { CTL_MAX_ARGS = 64 };

struct ctl_args {
    const struct ctl *c;
    const char *word[CTL_MAX_ARGS]; /* not taken yet; after ctl_args_end the positional words */
    bool literal[CTL_MAX_ARGS];     /* stands behind "--" */
    int n_words;
    const char *known[16]; /* options that were asked for: for suggestions */
    int n_known;
    bool bad; /* said already */
};

void ctl_args_start(struct ctl_args *a, const struct ctl *c, int argc, char **argv);
const char *ctl_option(struct ctl_args *a, const char *name);
bool ctl_flag(struct ctl_args *a, const char *name);
/* Value optional: "--wait" gives dflt, "--wait 30" (only digits are taken as value) gives "30", absent gives NULL. */
const char *ctl_option_number(struct ctl_args *a, const char *name, const char *dflt);
bool ctl_args_end(struct ctl_args *a, int min, int max);
bool ctl_need(struct ctl_args *a, const char *name, const char *value); /* says that an option is missing */
/* A day or a moment that exists, or says what is wrong and returns false. NULL is fine: not given. */
bool ctl_check_moment(const char *name, enum ctl_moment_kind kind, const char *text);
/* One of n words, or says which there are and returns false. NULL is fine: not given. */
bool ctl_check_word(const char *name, const char *text, const char *const *words, int n);
/* A document number: something is to be seen of it, and at most 60 characters. NULL is fine: not given. */
bool ctl_check_reference(const char *name, const char *text);
/* A whole number in range, or says what is wrong and returns false. */
bool ctl_to_long(const char *name, const char *text, long min, long max, long *out);
/* Says how the command is used, and which of its n verbs was meant. Returns CTL_USAGE. */
int ctl_wrong_verb(const struct ctl *c, const char *word, const char *const *verbs, int n);
/* The nearest of n names, or NULL when none is near. */
const char *ctl_nearest(const char *word, const char *const *names, int n);

#endif
