/* The commands, in the order in which --help lists them. */
#include "ctl.h"

#include <string.h>

const struct ctl_command ctl_commands[] = {
    {"db", "db migrate [--dry-run] | db status", "make or update the schema of the database",
     "  --dry-run  say what would be applied, and exit with 1 if anything would",
     "  paaslactl --dsn 'dbname=paasla user=postgres' db migrate\n  paaslactl db status", cmd_db},
    {"hire", "hire NUMBER GIVEN FAMILY --institution I [options]", "enter a person who begins to work",
     "  --institution I   where\n"
     "  --from DATE       from that day or moment; without it from now on\n"
     "  --unit U          department\n"
     "  --position P      what they work as\n"
     "  --kind K          official, employee (without the option), external, trainee or elected\n"
     "  --it-admin        is an IT administrator: has a second account for that\n"
     "  --code ISIKUKOOD  the personal code\n"
     "  --manager NO      employee number of the manager",
     "  paaslactl hire 1042 Õie Mägi-Tamm --institution linn --from 2025-12-01 --unit Rahandus", cmd_hire},
    {"depart", "depart NUMBER --ref R [options]", "end a person's work and lock the accounts",
     "  --ref R           the document it rests on\n"
     "  --last-day DATE   the last working day; without it the work ends now\n"
     "  --institution I   where two institutions use the number\n"
     "  --wait [SECONDS]  wait until all accounts are out (60 s if not said); exit 5 if they are not by then",
     "  paaslactl depart 1042 --ref 'KK 2025/17' --wait\n  paaslactl depart 1042 --ref 'KK 2025/18' --last-day "
     "2025-12-31",
     cmd_depart},
    {0},
};

const struct ctl_command *ctl_find_command(const char *name)
{
    for (const struct ctl_command *k = ctl_commands; k->name; k++)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}
