/* paaslactl: what the commands share. A command asks with a query of sql/queries (one statement, text parameters), prints
 * a table for people or JSON for programs (--json), and returns one of the exit codes below. */
#ifndef PAASLA_CTL_H
#define PAASLA_CTL_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum ctl_exit {
    CTL_OK = 0,
    CTL_ATTENTION = 1, /* something needs a person, or would change */
    CTL_USAGE = 2,     /* unknown command or option, a value that cannot be, nobody or nothing of that name */
    CTL_REFUSED = 3,   /* PostgreSQL refused the statement */
    CTL_NO_DB = 4,     /* the database cannot be reached */
    CTL_NO_ANSWER = 5, /* the daemon did not answer in time */
};

struct ctl_command;

struct ctl {
    PGconn *db;                        /* NULL until the first query: wrong arguments are said without a database */
    bool json;                         /* --json */
    const char *dsn;                   /* as given; never printed: it may hold a password */
    const struct ctl_command *command; /* the one that runs */
};

/* argv[0] is the command's name; the global options are taken out. */
struct ctl_command {
    const char *name;
    const char *usage;    /* without the program's name: "hire NUMBER GIVEN FAMILY --institution I" */
    const char *summary;  /* one line for the list of commands */
    const char *options;  /* lines, each indented by two; may be NULL */
    const char *examples; /* lines, each indented by two */
    int (*run)(struct ctl *c, int argc, char **argv);
};

extern const struct ctl_command ctl_commands[]; /* commands.c; ends with a NULL name */
const struct ctl_command *ctl_find_command(const char *name);

/* db.c. Times come back in Tallinn's zone and ISO form. Queries connect by themselves; who needs c->db calls
 * ctl_connect first, which returns CTL_OK or CTL_NO_DB (said already). */
int ctl_connect(struct ctl *c);
/* NULL after a refusal or a lost connection: the sentence is printed and *exit_code set. params[i] may be NULL. */
PGresult *ctl_query(struct ctl *c, const char *query_name, int n, const char *const *params, int *exit_code);
/* The same for our own embedded text, which may hold many statements. */
PGresult *ctl_exec(struct ctl *c, const char *sql, int *exit_code);
/* Runs the query and prints all of it; empty_text (may be NULL) stands for no rows. Not for use inside other JSON. */
int ctl_query_table(struct ctl *c, const char *query_name, int n, const char *const *params, const char *empty_text);

/* table.c. Headings are the columns' names with spaces for underscores. */
void ctl_print_table(const PGresult *r, const char *empty_text);
void ctl_print_json(const PGresult *r); /* one array of objects, by column type */
void ctl_print_result(struct ctl *c, const PGresult *r, const char *empty_text); /* table or JSON */
struct json_t;
struct json_t *ctl_json_rows(const PGresult *r);                       /* new reference: an array of objects */
struct json_t *ctl_json_value(const PGresult *r, int row, int column); /* new reference: by the column's type */
void ctl_print_json_value(struct json_t *v);                           /* prints one line and takes the reference */
/* A value as it may go to a terminal: control characters, bidirectional marks and bytes that are not UTF-8 come as
 * \n, \x1b or \u202e. NULL prints nothing. Returns the columns that it took. */
size_t ctl_print_cell(FILE *out, const char *value);
size_t ctl_cell_width(const char *value);
/* One character or byte of *p as ctl_print_cell shows it, added to out; moves *p on. Returns the columns. */
struct pl_buf;
size_t ctl_next_shown(const char **p, struct pl_buf *out);

/* Sentences: one line each, escaped as a whole, the newline is added. ctl_say: standard output, silent under --json. */
void ctl_say(const struct ctl *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ctl_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* standard error, "paaslactl: " first */

/* First half. */
int cmd_status(struct ctl *c, int argc, char **argv);
int cmd_db(struct ctl *c, int argc, char **argv);
int cmd_hire(struct ctl *c, int argc, char **argv);
int cmd_depart(struct ctl *c, int argc, char **argv);
int cmd_undo_depart(struct ctl *c, int argc, char **argv);
int cmd_grant(struct ctl *c, int argc, char **argv);
int cmd_revoke(struct ctl *c, int argc, char **argv);
int cmd_request(struct ctl *c, int argc, char **argv);
int cmd_work(struct ctl *c, int argc, char **argv);
int cmd_plan(struct ctl *c, int argc, char **argv);
int cmd_sync(struct ctl *c, int argc, char **argv);
int cmd_preflight(struct ctl *c, int argc, char **argv);

/* Second half. */
int cmd_why(struct ctl *c, int argc, char **argv);
int cmd_person(struct ctl *c, int argc, char **argv);
int cmd_letter(struct ctl *c, int argc, char **argv);
int cmd_register(struct ctl *c, int argc, char **argv);
int cmd_matrix(struct ctl *c, int argc, char **argv);
int cmd_findings(struct ctl *c, int argc, char **argv);
int cmd_log(struct ctl *c, int argc, char **argv);

/* A whole number from the database; 0 for NULL and for anything else. */
int ctl_int(const PGresult *r, int row, int column);

#endif
