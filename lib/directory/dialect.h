/* What differs between directory servers, as a table. Core and engine never ask which server it is. */
#ifndef PL_DIRECTORY_DIALECT_H
#define PL_DIRECTORY_DIALECT_H

#include <stdint.h>
#include "../base/arena.h"
#include "entry.h"

/* What is known of the server beside the entry itself. */
struct pl_dir_facts {
    bool ppolicy;       /* the server enforces password policies where this entry lies */
    bool policy_stands; /* the policy that applies to this entry was read and is a policy, and was seen to apply */
};

/* How an account stands, as far as the server lets us know. */
enum pl_lock { PL_LOCK_OPEN, PL_LOCK_PROVEN, PL_LOCK_DOUBTFUL };

/* A password that only the shell may know: it adds a Replace of the dialect's password attribute to the Modify. */
enum pl_secret {
    PL_SECRET_NONE,
    PL_SECRET_FIRST,   /* a new one-time value, kept in a file that only the operator may read */
    PL_SECRET_USELESS, /* a random value that nobody ever learns */
};
enum pl_password_form {
    PL_PASSWORD_PLAIN, /* the octets of the password (RFC 4519 section 2.41) */
    PL_PASSWORD_AD,    /* in quotation marks, UTF-16LE (MS-ADTS 3.1.1.3.1.5.1) */
};

/* One Modify to send. The steps of one change are sent one after the other. Steps with the same stage are alternatives:
 * the first that works ends the stage; `also` says which result codes other than 0 mean that a step has done its work or
 * was needless, `next_on` which ones send the following alternative instead of failing. */
struct pl_step {
    struct pl_mod *mods;
    size_t n_mods;
    int stage;
    enum pl_secret secret;
    const int *also;    /* ended by 0; NULL: none */
    const int *next_on; /* ended by 0; NULL: none */
    bool extra; /* of a stage after the lock: nobody logs on by what is left when it fails; the entry still shows it */
};
enum { PL_STEPS_MAX = 5 };

enum pl_change {
    PL_CHANGE_OPEN, /* takes our lock away */
    PL_CHANGE_LOCK, /* stage 0 alone ends log-on */
    PL_CHANGE_CLOSE, /* as LOCK; the stages after it make the password useless, and so on, each whatever became of the rest */
    PL_CHANGE_KEEP, /* of an open account: its end, and nothing that locks or opens */
    PL_CHANGE_COUNT,
};

struct pl_change_in {
    struct pl_arena *arena;       /* of the steps */
    const struct pl_entry *entry; /* as it was read: what is taken away names the values that stand there */
    int64_t now_us;
    enum pl_secret opening; /* OPEN: NONE keeps the password; USELESS: there is none to give */
    /* As configured, for dialects that know of such things. */
    const char
        *fence_attr;  /* its value is swapped in each of our writes: a write of ours that was lost and comes late */
                      /* finds another one and is refused. NULL: none */
    bool must_change; /* OPEN with FIRST: its owner has to choose another password at the first log-on */
    bool clear_certificates; /* CLOSE: the names of certificates that log on as the account are taken away */
    int64_t end_us; /* KEEP: when the account shall close by itself, INT64_MAX: never; a multiple of end_grain_us */
    bool clear_end; /* OPEN: the end that the entry shows has passed and is ours too: it is taken away with the lock */
};

enum pl_group_shape {
    PL_GROUP_UNKNOWN,
    PL_GROUP_NAMES,
    PL_GROUP_UNIQUE,
    PL_GROUP_POSIX,
    PL_GROUP_UNWRITABLE, /* its members are computed */
    PL_GROUP_PRIVILEGED, /* the server's own, or protected by it: left alone unless it is named in the configuration */
};

/* Where and when what an account shows was written. */
struct pl_origin {
    const char *attr; /* by which it stands as it does */
    int64_t at_us;
    unsigned char server[16]; /* as in server_id_attr */
};

/* How the server tells by itself that something changed. */
enum pl_watch_kind {
    PL_WATCH_NONE,       /* it does not: others' changes are found by the full compare only */
    PL_WATCH_SYNC,       /* RFC 4533, sync.h: with a cookie, so that a watch goes on where it had ended */
    PL_WATCH_PERSISTENT, /* persist.h: from the moment on at which the search stands */
    PL_WATCH_DIRSYNC,    /* dirsync.h: when it is asked, with a cookie; or by the update numbers of its entries */
    PL_WATCH_WAKE,       /* of a search only, beside DIRSYNC: says that something changed, see wake_control */
};

struct pl_dialect {
    const char *name;
    const char *native_id_attr; /* "entryUUID": names an entry for its whole life */
    bool native_id_guid;        /* 16 octets, not text (MS-DTYP 2.3.4.2) */
    const char *version_attr;   /* changes with every write ("entryCSN"), or NULL */
    const char *password_attr;  /* "userPassword" */
    enum pl_password_form password_form;
    const char *const *person_attrs; /* to ask for when an account is read; NULL-terminated */
    const char *const *member_attrs; /* of groups, by which an account's groups are found; NULL-terminated */
    const char *const *group_attrs;  /* of groups, beside their members: what they are; NULL-terminated */
    const char *certificate_attr; /* names certificates that log on as the account ("altSecurityIdentities"), or NULL */
    const char *const
        *key_attrs; /* of keys by which programs that read them let the account in, locked or not; to be asked for;
                                   * NULL-terminated; NULL: none known */
    const char *search_control; /* OID of a control without value that goes with each search, not critical; or NULL */
    const char *policy_attr;    /* names the entry's own policy ("pwdPolicySubentry"), or NULL */
    bool usability;             /* ask for the account usability control */
    enum pl_watch_kind watch;
    const char *wake_control; /* OID of a control without value, by which a search stays open and tells of entries that
                                 * change, for watch DIRSYNC; what it leaves out is told when it is asked. NULL: none */
    const char *server_attr;  /* of the root entry: DN of the server's own entry, or NULL */
    const char *server_id_attr; /* of that: 16 octets, others for each server and for each life of its data */
    /* From the DN that server_attr gives, parts of it, empty when it says nothing: what people call that server, and
     * below which name the like of all others lie, each with its server_id_attr. NULL: nothing of it is known. */
    struct pl_str (*server_name)(struct pl_str dn);
    struct pl_str (*servers_base)(struct pl_str dn);
    const char *written_attr; /* when an entry was written last, for people; NULL: none */
    const char *origin_attr;  /* where and when its attributes were, to ask for with an account; NULL: none */
    /* Of what makes the account open or locked. False when the server does not tell, or when it may be a write of ours. */
    bool (*origin)(const struct pl_entry *e, const char *fence_attr, int64_t now_us, struct pl_origin *out);
    const char *const
        *echo_attrs; /* by these our own writes are known in what a watch tells, see pl_echo_text; ended by
                                    * NULL; NULL: there are none, and our own writes wake their persons once more */
    enum pl_lock (*lock_seen)(const struct pl_entry *e, const struct pl_dir_facts *f, int64_t now_us);
    /* When the account closes by itself, in microseconds since 1970, INT64_MAX: never. False when what stands there is no
     * time, or we may not see it. NULL: the server knows of no such thing. */
    bool (*end_seen)(const struct pl_entry *e, int64_t *us);
    int64_t end_grain_us; /* in such steps it counts */
    /* Each returns how many steps; 0 when there is nothing that we could do (OPEN: the lock is not of our kind). NULL: the
     * server knows of no such thing. Called by pl_dialect_change(). */
    size_t (*change[PL_CHANGE_COUNT])(const struct pl_change_in *in, struct pl_step out[PL_STEPS_MAX]);
    /* Attributes that make a new entry locked from its first moment. Returns how many were put in out[4]. */
    size_t (*born_locked)(struct pl_arena *a, int64_t now_us, struct pl_attr out[4]);
    enum pl_group_shape (*group_shape)(const struct pl_entry *e);
    /* A number for a group, and that of the group to which an account belongs without being a member. 0: not known. NULL:
     * there are no such groups. */
    uint64_t (*group_key)(const struct pl_entry *group);
    uint64_t (*primary_group)(const struct pl_entry *account);
};

extern const struct pl_dialect pl_dialect_openldap, pl_dialect_389ds, pl_dialect_ad;
extern const struct pl_dialect *const pl_dialects[]; /* all of them; NULL-terminated */

/* NULL when there is no such dialect. */
const struct pl_dialect *pl_dialect_find(struct pl_str name);

/* Text form of native ids: entryUUID and nsUniqueId as they are, a GUID as Windows writes it, without braces. Borrowed
 * from the entry or from `room`. Empty when the entry has none or it is none. */
enum { PL_NATIVE_ROOM = 37 };
struct pl_str pl_dialect_native_id(const struct pl_dialect *d, const struct pl_entry *e, char room[PL_NATIVE_ROOM]);

/* 16 octets as Windows writes a GUID, in `room`; empty when they are none. */
struct pl_str pl_guid_text(struct pl_str octets, char room[PL_NATIVE_ROOM]);

/* Adds the filter "the entry with this native id". An id that is none of this dialect gives one that matches nothing. */
void pl_dialect_native_filter(const struct pl_dialect *d, struct pl_buf *b, struct pl_str id);

/* Appends what an entry shows of the write that left it so: the first value alone, or without it all the others together;
 * nothing when one of those is missing too. `values` are those of echo_attrs in their order, empty where there is none. */
enum { PL_ECHO_MAX = 4 };
void pl_echo_text(struct pl_buf *out, const struct pl_str *values, size_t n);
void pl_echo_of(const struct pl_dialect *d, const struct pl_entry *e, struct pl_buf *out);

/* How many steps the change takes, which are put into `out`; 0: it cannot be made. */
size_t pl_dialect_change(const struct pl_dialect *d, enum pl_change what, const struct pl_change_in *in,
                         struct pl_step out[PL_STEPS_MAX]);

/* Fills a step with one modification; `values` may be NULL. For dialects. */
void pl_step_one(struct pl_arena *a, struct pl_step *out, enum pl_mod_kind kind, const char *attr,
                 struct pl_str *values, size_t n);
/* The values of an attribute, copied. */
struct pl_str *pl_copy_values(struct pl_arena *a, const struct pl_attr *attr);
/* An array of one value, not copied. */
struct pl_str *pl_one_value(struct pl_arena *a, struct pl_str value);

/* ---- groups ---- */

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
    PL_VERDICT_DONE,   /* it is as we asked (also: it was so already) */
    PL_VERDICT_VERIFY, /* look again before saying anything: unknown outcome, raced, or codes that differ by server */
    PL_VERDICT_RETRY,  /* passing trouble */
    PL_VERDICT_DENIED, /* no right to this object: a finding, not a loop */
    PL_VERDICT_PERMANENT,   /* will fail again until somebody changes something */
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

/* Windows' time (FILETIME, MS-DTYP 2.3.3) in an attribute: 100 ns since 1601, a 64-bit number that is never negative. */
bool pl_filetime_parse(struct pl_str s, int64_t *ticks);
bool pl_filetime_never(int64_t ticks); /* 0 and 2^63-1 stand for "never" (MS-ADTS, accountExpires) */
int64_t pl_filetime_us(int64_t ticks); /* microseconds since 1970, rounded down */
int64_t pl_filetime_of_us(int64_t us); /* the other way; what does not fit is "never" */

#endif
