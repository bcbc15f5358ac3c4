/* What differs between directory servers, as a table. Core and engine never ask which server it is. */
#ifndef PL_DIRECTORY_DIALECT_H
#define PL_DIRECTORY_DIALECT_H

#include <stdint.h>
#include "../base/arena.h"
#include "entry.h"

/* What is known of the server beside the entry itself. */
struct pl_dir_facts {
    bool ppolicy;       /* the server says it enforces password policies */
    bool policy_stands; /* the policy that applies to this entry was read and is a policy */
};

/* How an account stands, as far as the server lets us know. */
enum pl_lock { PL_LOCK_OPEN, PL_LOCK_PROVEN, PL_LOCK_DOUBTFUL };

/* One Modify to send. Steps of one list are sent one after the other; `also` says which result codes other than 0 mean
 * that the step has done its work or was needless, `next_on` which ones send the following step instead of failing.
 * When a step succeeds the rest of its ladder is skipped. */
struct pl_step {
    struct pl_mod *mods;
    size_t n_mods;
    const int *also;    /* ended by 0 */
    const int *next_on; /* ended by 0 */
};

struct pl_dialect {
    const char *name;
    const char *native_id_attr;           /* "entryUUID" */
    const char *const *person_attrs;      /* to ask for when an account is read; NULL-terminated */
    const char *policy_attr;              /* names the entry's own policy ("pwdPolicySubentry"), or NULL */
    bool usability;                       /* ask for the account usability control */
    enum pl_lock (*lock_seen)(const struct pl_entry *e, const struct pl_dir_facts *f, int64_t now_us);
    /* The lock: one Modify that alone ends log-on. */
    void (*lock)(struct pl_arena *a, int64_t now_us, struct pl_step *out);
    /* The useless password: a ladder of at most 4 steps, first that works. Returns how many. */
    size_t (*scramble)(struct pl_arena *a, struct pl_step out[4]);
    /* Takes our lock away from this entry, naming the values that were read. */
    void (*unlock)(struct pl_arena *a, const struct pl_entry *e, struct pl_step *out);
    /* Attributes that make a new entry locked from its first moment. Returns how many were put in out[4]. */
    size_t (*born_locked)(struct pl_arena *a, int64_t now_us, struct pl_attr out[4]);
};

extern const struct pl_dialect pl_dialect_openldap;

/* NULL when there is no such dialect. */
const struct pl_dialect *pl_dialect_find(struct pl_str name);

/* Text form of native ids: entryUUID as it is. Empty when the entry has none. */
struct pl_str pl_dialect_native_id(const struct pl_dialect *d, const struct pl_entry *e);

/* ---- groups ---- */

enum pl_group_shape { PL_GROUP_UNKNOWN, PL_GROUP_NAMES, PL_GROUP_UNIQUE, PL_GROUP_POSIX, PL_GROUP_UNWRITABLE };

/* From objectClass: groupOfNames, groupOfUniqueNames, posixGroup without member; groupOfURLs is unwritable. */
enum pl_group_shape pl_group_shape_of(const struct pl_entry *e);
const char *pl_group_attr(enum pl_group_shape s); /* "member", "uniqueMember", "memberUid"; NULL: not to be written */

/* One value more or less. `value` is a DN or a log-in by the shape. With `placeholder` not empty it is taken out
 * (add) or put in (remove) in the same Modify. A shape that is not to be written gives a step without mods. */
void pl_group_add(struct pl_arena *a, enum pl_group_shape s, struct pl_str value, struct pl_str placeholder,
                  struct pl_step *out);
void pl_group_remove(struct pl_arena *a, enum pl_group_shape s, struct pl_str value, struct pl_str placeholder,
                     struct pl_step *out);

/* ---- results ---- */

enum pl_verdict {
    PL_VERDICT_DONE,      /* it is as we asked (also: it was so already) */
    PL_VERDICT_VERIFY,    /* look again before saying anything: unknown outcome, raced, or codes that differ by server */
    PL_VERDICT_RETRY,     /* passing trouble */
    PL_VERDICT_DENIED,    /* no right to this object: a finding, not a loop */
    PL_VERDICT_PERMANENT, /* will fail again until somebody changes something */
    PL_VERDICT_LAST_MEMBER, /* the group would be empty: again with the placeholder */
};

enum pl_write_kind { PL_WRITE_ADD_ENTRY, PL_WRITE_ACCOUNT, PL_WRITE_ADD_VALUE, PL_WRITE_REMOVE_VALUE };

/* From a data table (notes of RFC 4511 appendix A and of each server). */
enum pl_verdict pl_result_verdict(enum pl_write_kind kind, int code);

/* A sentence for people: what the code means for this kind of write and what to do. Never NULL. */
const char *pl_result_sentence(enum pl_write_kind kind, int code);

/* ---- times of LDAP ---- */

/* Generalized time (RFC 4517 3.3.13) to microseconds since 1970 and back ("20260131235959Z"). */
bool pl_gentime_parse(struct pl_str s, int64_t *us);
struct pl_str pl_gentime_print(struct pl_arena *a, int64_t us);

#endif
