/* The SQL of sql/, embedded at build time by embed.py: nothing is read from the disk at run time. */
#ifndef PL_SQL_EMBED_H
#define PL_SQL_EMBED_H

#include <stddef.h>

struct pl_sql {
    const char *name; /* file name without .sql */
    const char *text; /* terminated */
    size_t len;
    int version;        /* migrations: the number in front of the name; queries: 0 */
    const char *sha256; /* of the text, lower-case hex */
};

extern const struct pl_sql pl_sql_migrations[]; /* by version, ascending */
extern const size_t pl_sql_n_migrations;

int pl_sql_schema_version(void);            /* the newest migration's */
const char *pl_sql_query(const char *name); /* NULL when there is none of that name */

#endif
