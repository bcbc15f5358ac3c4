/* A model slapd: entries with entryUUID, Search, Modify and Add with the result codes of RFC 4511, the password policy
 * overlay as far as it locks log-ons, the assertion control (RFC 4528). Each operation runs whole at one virtual
 * instant; when that is, and whether the answer arrives, is run.c's business. */
#ifndef SIM_DIRECTORY_H
#define SIM_DIRECTORY_H

#include "../../lib/engine/engine.h"
#include "world.h"

#define SUFFIX      "dc=linn,dc=test"
#define PEOPLE_BASE "ou=inimesed," SUFFIX
#define GROUP_BASE  "ou=grupid," SUFFIX
#define CANARY_DN   "cn=kanaarilind," SUFFIX
#define PLACEHOLDER "cn=tyhi," SUFFIX
#define POLICY_DN   "cn=vaikimisi,ou=reeglid," SUFFIX

enum { N_UNITS = 3 }; /* below PEOPLE_BASE, for entries that others move */
enum {
    CODE_OK = 0,
    CODE_SIZE_LIMIT = 4,
    CODE_ASSERTION = 122,
    CODE_BUSY = 51,
    CODE_DENIED = 50,
    CODE_EMPTY_GROUP = 65
};

enum { ATTR_NAME = 24 };
struct dir_attr {
    char name[ATTR_NAME];
    size_t len;
    int number; /* of the name */
    bool operational;
    struct pl_str *raw, *norm; /* as written, and as compared */
    int n;
};

struct dir_entry {
    int id;
    bool live;
    struct pl_str dn, norm, was; /* was: the name before the last rename */
    char uuid[40];
    struct dir_attr *attrs;
    int n_attrs;
    bool password_known; /* somebody could log on with it */
    int64_t changed_us;
};

struct dir_change { /* its number, from 1, is the time in its CSN */
    int entry;
    bool deleted;
    struct pl_str dn;
    char csn[48];
};

struct directory {
    int index;
    struct pl_arena *a; /* everything, until the end of the seed */
    struct dir_entry **v;
    int n, cap;
    bool ppolicy, assertion, usability;
    bool blind;        /* an access rule hides the people and the canary */
    bool refint;       /* members follow a rename */
    int password_code; /* what a Replace of userPassword is answered with; 0 is success */
    int delete_code;   /* the same for deleting it */
    uint64_t uuids;
    struct dir_change *log; /* every change, in order */
    int n_log, cap_log;
};

void directory_init(struct directory *d, int index);
void directory_free(struct directory *d);

/* Attributes are given as name, value, name, value, ... NULL. */
struct dir_entry *directory_put(struct directory *d, const char *dn, int64_t now, ...) __attribute__((sentinel));
struct dir_entry *directory_find(struct directory *d, struct pl_str dn);
struct dir_entry *directory_by_uuid(struct directory *d, const char *uuid);
void directory_remove(struct directory *d, struct dir_entry *e, int64_t now); /* behind our back */
void directory_rename(struct directory *d, struct dir_entry *e, const char *dn, int64_t now);

struct dir_attr *dir_entry_attr(const struct dir_entry *e, struct pl_str name);
struct dir_attr *dir_entry_numbered(const struct dir_entry *e, int number);
int attr_number(struct pl_str name); /* attr_name.c: the same for the same name, whatever its case; -1: nobody's */
struct pl_str dir_entry_value(const struct dir_entry *e, const char *name); /* empty: none */
bool dir_entry_has(const struct dir_entry *e, const char *name, struct pl_str value);
void dir_entry_set(struct directory *d, struct dir_entry *e, const char *name, struct pl_str value); /* replaces */
void dir_entry_add(struct directory *d, struct dir_entry *e, const char *name, struct pl_str value); /* once more */
void dir_entry_drop(struct dir_entry *e, const char *name, struct pl_str value); /* empty value: all */
void dir_entry_touch(struct directory *d, struct dir_entry *e, int64_t now);     /* it was changed: a new entryCSN */
struct pl_str dir_normal(struct pl_arena *a, struct pl_str attr, struct pl_str value);

/* Whether the server refuses a log-on of this entry whatever the password. */
bool directory_refuses(struct directory *d, const struct dir_entry *e, int64_t now);
bool directory_policy_stands(struct directory *d, const struct dir_entry *e);
bool directory_is_member(struct directory *d, const struct role_group *g, const struct dir_entry *person);

/* ---- requests ---- */
int directory_modify(struct directory *d, const struct pl_command *c, int64_t now);
int directory_create(struct directory *d, const struct pl_command *c, int64_t now);

/* Up to `max` entries from *cursor on, copied into `a`; *cursor is -1 after the last. Returns the result code. */
int directory_search(struct directory *d, const struct pl_command *c, int64_t now, int *cursor, int max,
                     struct pl_arena *a, struct pl_entry *out, int *n);

/* ---- filters (filter.c) ---- */
struct match;
struct match *match_parse(struct pl_arena *a, struct pl_str filter); /* NULL: not a filter */
bool match_entry(const struct match *m, const struct dir_entry *e);

#endif
