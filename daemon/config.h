/* The configuration in force: the file it came from, its hash, and what the secrets in it were. */
#ifndef PLD_CONFIG_H
#define PLD_CONFIG_H

#include "shell.h"

struct pld_print {      /* of a secret: tells whether it is still the same, and nothing else */
    struct pl_str name; /* of the option that names its file */
    char hex[65];       /* empty: the file could not be read */
};

struct pld_config {
    const char *path;
    struct pl_conf *conf;
    char sha256[65]; /* of the file */
    int64_t loaded_us;
    struct pl_arena *arena; /* of what follows */
    struct pl_conf_value *values;
    size_t n_values;
    struct pld_print *prints;
    size_t n_prints;
};

/* Reads and checks the file as a start would. NULL with file, line and a hint. */
struct pld_config *pld_config_load(const char *path, struct pl_err *err);
void pld_config_free(struct pld_config *c); /* NULL is fine */

/* An engine of this configuration. NULL with a sentence. */
struct pl_engine *pld_config_engine(const struct pl_conf *conf, struct pl_err *err);

/* Looks at conf again: values and secrets, after it was changed. */
void pld_config_look(struct pld_config *c);
/* Empty when there is none of that name or it could not be read. */
const char *pld_config_print(const struct pld_config *c, struct pl_str name);

/* Leaves an event in the log: what is in force, and what of the file is not yet. */
void pld_config_note(const struct pld_config *c, struct pld_store *store, bool reload, int64_t started_us,
                     const char *const *needs_restart, size_t n_needs_restart);

#endif
