/* The commands, in the order in which --help lists them. */
#include "ctl.h"

#include <string.h>

const struct ctl_command ctl_commands[] = {
    {"db", "db migrate [--dry-run] | db status", "make or update the schema of the database",
     "  --dry-run  say what would be applied, and exit with 1 if anything would",
     "  paaslactl --dsn 'dbname=paasla user=postgres' db migrate\n  paaslactl db status", cmd_db},
    {0},
};

const struct ctl_command *ctl_find_command(const char *name)
{
    for (const struct ctl_command *k = ctl_commands; k->name; k++)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}
