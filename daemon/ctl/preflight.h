/* preflight: what stands in the way, before anything is switched on. Nothing is written, in PostgreSQL or in a directory.
 *
 *   cmd_preflight.c      the command: arguments, the rows of PostgreSQL, one directory after the other
 *   preflight_table.h    the functions and texts that the table names
 *   preflight_table.c    the checks: id, for which servers, how bad, what is said, what puts it right and takes it back
 *   preflight_snippet.c  the texts that put things right; preflight_snippet_ad.c for Active Directory
 *   preflight_words.c    {words} of the table's texts
 *   preflight_read.c     the directory: its addresses, its root entry, its people and groups, read whole
 *   preflight_server.c   checks of the server and of the entries that the configuration names
 *   preflight_people.c   checks of accounts: whose they are, and what would not fit
 *   preflight_policy.c   checks of password policies: is a lock enforced
 *   preflight_groups.c   checks of the groups that roles hang on
 *   preflight_rights.c   checks of what our account may do
 *   preflight_writes.h   what the daemon writes of an account
 *   preflight_ways.c     Active Directory: the ways in where there is no certificate
 *   preflight_389.c      what 389 Directory Server tells of rights and of itself; preflight_ad.c, preflight_acl.c:
 *                        Active Directory; preflight_nested.c: groups in groups there
 *   preflight_print.c    sentences, table, JSON, snippets
 * --selftest, which writes in one OU, is another thing: selftest.h. */
#ifndef PAASLA_CTL_PREFLIGHT_H
#define PAASLA_CTL_PREFLIGHT_H

#include "ctl.h"
#include "preflight_writes.h"

#include "daemon/dir_once.h"
#include "lib/directory/dialect.h"

/* ---- the table ---- */

enum { PF_OPENLDAP = 1, PF_389DS = 2, PF_AD = 4, PF_ALL = 7 };

enum pf_severity {
    PF_NOTE,    /* good to know */
    PF_WARNING, /* something will not be as it should; a person decides */
    PF_STOPS,   /* nothing can be switched on before */
};

enum pf_needs {
    PF_NEEDS_NOTHING,
    PF_NEEDS_BIND,   /* a connection */
    PF_NEEDS_TABLE,  /* the directory stands in PostgreSQL */
    PF_NEEDS_PEOPLE, /* all people were read, and the directory stands in PostgreSQL */
};

struct pf;
struct pf_result;

struct pf_check {
    const char *id;    /* stays: programs look for it */
    unsigned dialects; /* which servers */
    enum pf_severity severity;
    enum pf_needs needs;
    bool each_address; /* once for each of uris */
    void (*run)(struct pf *p, struct pf_result *r);
    const char *sentence;       /* when it is not as it should be; with {words} */
    const char *advice;         /* what to do then */
    const char *snippet, *undo; /* with {words}; NULL: there is none */
    bool opt_in;                /* the snippet is only given to who asks for it: --protected-accounts */
};
extern const struct pf_check pf_checks[]; /* in the order in which they are told; ends with a NULL id */

/* ---- results ---- */

enum pf_state {
    PF_FINE,
    PF_FOUND,   /* not as it should be: see the check's severity */
    PF_UNKNOWN, /* cannot be known without writing, or not from here */
    PF_SKIPPED, /* something before it did not come true */
};

struct pf_object {
    struct pl_str name;  /* a DN, an attribute, a log-in: {objects} and {each} */
    struct pl_str value; /* what belongs to it: {value}; may be empty */
};

struct pf_result {
    const struct pf_check *check;
    const char *address; /* of a check of each address; else NULL */
    enum pf_state state;
    bool tell;         /* its sentence is said although it is only unknown */
    struct pl_str saw; /* what was seen, in a few words */
    struct pl_str why; /* {why} */
    struct pf_object *objects;
    size_t n_objects;
    struct pl_str sentence, advice, snippet, undo; /* made at the end; empty where there is nothing to say */
};

/* Each sets the state and what was seen; pf_counted: found with so many objects, or fine. */
void pf_fine(struct pf *p, struct pf_result *r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void pf_found(struct pf *p, struct pf_result *r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void pf_unknown(struct pf *p, struct pf_result *r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void pf_skipped(struct pf *p, struct pf_result *r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void pf_because(struct pf *p, struct pf_result *r, const struct pl_err *err); /* {why}: its sentence and its hint */
void pf_object(struct pf *p, struct pf_result *r, struct pl_str name, struct pl_str value);
void pf_counted(struct pf *p, struct pf_result *r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool pf_needs_person(const struct pf_result *r);
const char *pf_state_word(const struct pf_result *r); /* ok, note, warning, stops, unknown, skipped */

/* ---- one directory ---- */

enum { PF_DIRECTORY, PF_DIALECT, PF_MODE, PF_IDENTITY, PF_INSTITUTIONS }; /* preflight_directories */
enum { PF_GROUP_DN, PF_REGISTER, PF_ROLE, PF_ROLE_MODE };                 /* preflight_groups */
enum {                                                                    /* preflight_people */
       PF_PERSON_ID,
       PF_PURPOSE,
       PF_WANT,
       PF_CAUSE,
       PF_NATIVE_ID,
       PF_DN,
       PF_LOGIN,
       PF_ACCOUNT_STATE,
       PF_GIVEN,
       PF_FAMILY,
       PF_EMPLOYEE_NO,
       PF_INSTITUTION,
};

struct pf_address {
    const char *uri;
    struct pld_once_facts facts;
    struct pld_once *once; /* NULL: not bound */
};

struct pf_entry {                                /* below people_base */
    struct pl_str dn, id, login, number, policy; /* id and login in small letters, for comparing; policy: of its own */
    uint32_t attrs;                              /* which of the dialect's person_attrs it showed, by bit */
    bool account;                                /* its classes are those of an account */
    bool told, usable;                           /* the account usability control was answered, and how */
    enum pl_lock lock[2];                        /* how it stands when no policy applies to it, and when one does */
    bool belongs;                                /* to an account of the table, or to a person who has its number */
    bool asked;                                  /* the server told what we may do with it: the next two */
    uint32_t may_read;                           /* which of person_attrs, by bit */
    uint32_t lacks;                              /* of pf.writes, by bit: may not be written */
    unsigned may;                                /* PF_MAY_... */
    bool guarded;                                /* Active Directory: AdminSDHolder watches over it */
    int64_t primary;                             /* the number of its primary group; 0: none */
};

struct pf_person { /* a row of preflight_people and the entry that is, or would be, this account's */
    int row;
    struct pl_str number, login, id; /* login and id in small letters; empty: none yet */
    enum pl_need need;
    struct pf_entry *entry;
};

struct pf_group { /* that a role hangs on */
    struct pl_str dn;
    int code; /* of reading it; 32: not there */
    enum pl_group_shape shape;
    bool needs_member; /* its class wants one */
    bool marked;       /* description: paasla */
    bool may_write;    /* the server says that we may change its members */
    bool guarded;      /* as of an entry */
    int64_t primary;   /* its number as somebody's primary group */
};

struct pf_policy_entry { /* that some entry names as its own */
    struct pl_str dn;
    bool stands;
};

struct pf_index { /* entries by one of their texts */
    struct pf_entry **by;
    size_t n, field;
};

struct pf {
    struct ctl *ctl;
    struct pl_arena *arena;
    const struct pl_conf_directory *conf;
    const struct pl_conf *whole; /* that it is a section of */
    const struct pl_dialect *dialect;
    unsigned dialect_bit;
    const PGresult *table; /* preflight_directories */
    int row;               /* in it; -1: not in the table */
    const PGresult *groups, *people;

    struct pf_address *addresses;
    size_t n_addresses;
    const struct pf_address *at; /* of the check that runs */
    struct pf_address *main;     /* the first that is bound; NULL: none */

    struct pl_entry root;
    struct pl_str suffix, group_suffix; /* naming contexts of the two bases */
    struct pl_str service;              /* our account's DN */
    struct pl_str sid;                  /* Active Directory: of our account, as text */
    struct pf_writes writes;
    bool protected_accounts; /* asked for: snippets that are opt-in */
    struct pf_group *role_groups;
    size_t n_role_groups;
    struct pf_entry *entries;
    size_t n_entries, no_id; /* no_id: entries without a native id */
    struct pf_policy_entry *policies;
    size_t n_policies;
    struct pf_index by_id, by_login, by_number;
    struct pf_person *persons; /* pf_match */
    size_t n_persons;
    struct pld_once_answer people_answer, group_answer, rights_answer;
    long group_entries;
    int64_t people_ms;
    bool canary_read;
    bool ppolicy;       /* the overlay is on the database of the people */
    bool policy_stands; /* policy_dn names a policy */
    enum pf_effect {    /* the default policy of the server, as far as it shows */
                     PF_EFFECT_UNKNOWN,
                     PF_EFFECT_NONE, /* it applies to nobody */
                     PF_EFFECT_PROVEN,
    } effect;

    struct pf_result *results;
    size_t n_results;
};

/* preflight_read.c */
void pf_connect(struct pf *p);   /* all addresses */
void pf_read(struct pf *p);      /* what the checks look at; needs p->main */
void pf_read_self(struct pf *p); /* of that the root entry, and who we are */
void pf_free(struct pf *p);
/* The entry's attributes into the arena; the result code, -1 with err. */
int pf_read_entry(struct pf *p, struct pl_str dn, const char *const *attrs, struct pl_entry *out, struct pl_err *err);
/* Whether the entry can be read; false: found, with {why}. */
bool pf_there(struct pf *p, struct pf_result *r, struct pl_str dn, struct pl_entry *e);
/* The entries whose text is this one: the first, and how many. */
size_t pf_lookup(const struct pf_index *x, struct pl_str text, struct pf_entry *const **first);

/* The root entry shows the attribute, with this value if one is given. */
bool pf_root_has(struct pf *p, const char *attr, const char *value);
bool pf_takes_control(struct pf *p, const char *oid, struct pl_str value);

/* An option of this directory by its name, as text; empty when it is not set. */
struct pl_str pf_option(struct pf *p, const char *name);
struct pl_str pf_lower(struct pf *p, struct pl_str s); /* in small ASCII letters */

/* preflight_people.c: which entry belongs to whom, by the rules of lib/engine/look.c. */
void pf_match(struct pf *p);
bool pf_is_needed(const struct pf_person *who); /* its account is wanted, open or waiting */

/* preflight_words.c: a text of the table with its words. `to_type`: empty when a word would break out of its place or
 * hides something. */
struct pl_str pf_newcomers(const struct pf *p); /* where new entries go */
struct pl_str pf_words(struct pf *p, const struct pf_result *r, const char *text, bool to_type);

/* preflight_print.c. Returns how many things need a person. */
size_t pf_needs(const struct pf *p);
void pf_print(struct ctl *c, struct pf *dirs, size_t n);
void pf_print_snippets(FILE *out, struct pf *dirs, size_t n);

#endif
