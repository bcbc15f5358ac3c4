/* A document that goes to standard output or, whole or not at all, into a file that only its owner reads.
 *
 *     struct ctl_outfile o;
 *     if (!ctl_outfile_open(&o, path))        (NULL and "-": standard output)
 *         return CTL_USAGE;
 *     fputs(..., o.f);
 *     if (!ctl_outfile_commit(&o))            (closes in every case)
 *         return CTL_USAGE;
 */
#ifndef PAASLA_CTL_OUTFILE_H
#define PAASLA_CTL_OUTFILE_H

#include "args.h"

struct ctl_outfile {
    FILE *f;
    char *path; /* NULL: standard output */
    char *temp; /* beside it, until it is renamed */
};

/* False: said already, nothing is left behind. */
bool ctl_outfile_open(struct ctl_outfile *o, const char *path);
bool ctl_outfile_commit(struct ctl_outfile *o);
void ctl_outfile_drop(struct ctl_outfile *o); /* instead of commit: the file stays as it was */

/* An option whose value is a file and may be left out: "--csv" gives "-", "--csv FILE" and "--csv=FILE" the file; absent
 * gives NULL. For commands that take no words of their own. */
const char *ctl_option_file(struct ctl_args *a, const char *name);

#endif
