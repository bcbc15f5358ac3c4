/* Small things for the files of a directory's connections: conversions, attributes in parts, passwords. */
#ifndef PAASLA_DIR_TOOLS_H
#define PAASLA_DIR_TOOLS_H

#include <ldap.h>
#include "../lib/base/arena.h"
#include "../lib/base/err.h"
#include "../lib/directory/dialect.h"

struct dir_req;
struct dir_opening;
struct pl_command;

/* A request from a command, with copies of all it needs. *code is 0, or the result to answer when it cannot be
 * sent as it is. */
struct dir_req *dir_req_new(const struct pl_command *cmd, int *code);
void dir_req_free(struct dir_req *r);

/* ---- conversions (dir_conv.c) ---- */

/* The entry's slices point into the message, its arrays into the arena. False: not LDAP. May be called once a message. */
bool dir_entry_read(LDAP *ld, LDAPMessage *m, bool usability, struct pl_arena *a, struct pl_entry *out,
                    bool *open_range);
/* Arrays ended by NULL with room for `spare` more; everything copied into the arena. NULL: cannot be sent. */
LDAPMod **dir_mods_make(struct pl_arena *a, const struct pl_mod *mods, size_t n, size_t spare);
LDAPMod **dir_attrs_make(struct pl_arena *a, const struct pl_attr *attrs, size_t n);
/* A copy as a C string, or NULL when there is a NUL inside. */
const char *dir_cstr(struct pl_arena *a, struct pl_str s);

/* ---- attributes in parts (dir_range.c) ---- */

struct dir_range;
bool dir_range_open(struct pl_str name);                     /* "member;range=0-1499": there are more */
struct dir_range *dir_range_begin(const struct pl_entry *e); /* of an entry that has such an attribute; copies it */
void dir_range_free(struct dir_range *g);
/* What to search for next, once the first answer has ended. */
void dir_range_search(struct dir_range *g, const char **base, int *scope, const char **filter, char ***attrs);
void dir_range_entry(struct dir_range *g, const struct pl_entry *e); /* what each search shows */
enum dir_range_state { DIR_RANGE_ON, DIR_RANGE_WHOLE, DIR_RANGE_BROKEN };
enum dir_range_state dir_range_result(struct dir_range *g, int code); /* and how it ended */
const struct pl_entry *dir_range_whole(struct dir_range *g);          /* once, after WHOLE; lives as long as `g` */

/* ---- Kerberos (dir_gss.c) ---- */

bool dir_gss_bind(struct dir_opening *o, LDAP *ld); /* SASL GSSAPI by keytab_file; sealed where there is no TLS */

/* ---- the first password (dir_password.c) ---- */

enum { DIR_PASSWORD_LEN = 16, DIR_USELESS_LEN = 64 };

/* Draws a password and, a first one, keeps it in a new file of `dir`. `out` is in the form the server wants and is the
 * caller's to wipe with dir_password_wipe, as `file` is to free. False: nothing was kept, nothing may be sent. */
bool dir_password_first(const char *dir, const char *login, enum pl_password_form form, struct pl_buf *out, char **file,
                        struct pl_err *err);
bool dir_password_useless(enum pl_password_form form, struct pl_buf *out, struct pl_err *err);
/* A password like a first one that is kept nowhere: for a try. `plain` is the caller's to wipe, too. */
bool dir_password_try(enum pl_password_form form, char plain[DIR_PASSWORD_LEN + 1], struct pl_buf *out,
                      struct pl_err *err);
void dir_password_unlink(const char *file); /* the server did not take it */
void dir_password_wipe(struct pl_buf *password);

#endif
