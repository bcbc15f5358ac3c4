/* Which person a word on the command line means. */
#ifndef PAASLA_CTL_WHO_H
#define PAASLA_CTL_WHO_H

#include "ctl.h"

struct ctl_who {
    char id[24];      /* person_id, as a parameter */
    char number[600]; /* institution/number, several by commas */
    char name[820];   /* two names of 100 characters, of 4 bytes each */
};

/* CTL_OK, CTL_USAGE (nobody, or several: said) or what the database said. */
int ctl_find_person(struct ctl *c, const char *word, struct ctl_who *out);
/* CTL_OK when the query lists the code in its first column. */
int ctl_check_code(struct ctl *c, const char *what, const char *query, const char *code);
int ctl_check_register(struct ctl *c, const char *code);

#endif
