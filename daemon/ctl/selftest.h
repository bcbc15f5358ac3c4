/* preflight --selftest OU: how this very server behaves, tried in a throw-away OU of it. What is written is what the daemon
 * writes, built by its own dialect and sent over its own kind of connection; each write lies strictly below the OU.
 *
 *   selftest.c          which directory, the OU, one check after the other, how it ends
 *   selftest_table.c    the checks: what is needed before, what is expected, what another answer means and what to do
 *   selftest_account.c  checks of accounts: made locked, opened, locked, closed
 *   selftest_group.c    checks of groups
 *   selftest_name.c     checks of names, ids, and of what else the daemon relies on
 *   selftest_write.c    reading and writing; the dialect's steps as lib/engine/exec.c sends them
 *   selftest_make.c     entries with names that nobody else has
 *   selftest_clean.c    what lies in the OU, and how it is emptied
 *   selftest_snippet.c  how the OU is made, and given to our account
 *   selftest_print.c    table, sentences, JSON
 */
#ifndef PAASLA_CTL_SELFTEST_H
#define PAASLA_CTL_SELFTEST_H

#include "preflight.h"

#include "daemon/dir_once_write.h"

struct st_wish {
    const char *directory; /* NULL: the only one */
    const char *ou, *config, *snippets;
};
int st_main(struct ctl *c, const struct pl_conf *conf, const struct st_wish *w);

unsigned pf_dialect_bit(struct pl_str dialect); /* cmd_preflight.c: one of PF_OPENLDAP ... */

/* ---- the table ---- */

struct st;
struct st_result;

enum { /* what stands: given by one check, needed by others */
       ST_PLACE = 1,
       ST_ACCOUNT = 2,
       ST_PASSWORD = 4,
       ST_OPEN = 8,
       ST_LETS_IN = 16, /* a log-on went well, so that a refused one means something */
       ST_GROUP = 32,
       ST_MEMBER = 64,
       ST_SECOND = 128,
       ST_LOCKED = 256,
       ST_FIRST = 512, /* a log-on by a first password went well */
       ST_CLOSED = 1024,
       ST_NAMED = 2048,
};

enum st_expect {
    ST_CODE,    /* this result */
    ST_ADDED,   /* this one; another one after which the daemon believes the group, or looks at it, is told */
    ST_REMOVED, /* the same of a member taken out */
    ST_REFUSED, /* a log-on that is refused, by whatever code */
    ST_INFORMS, /* whatever comes is told: the daemon works with either */
};

enum { ST_NO_ANSWER = -1, ST_NOT_TRIED = -2, ST_NOTHING = -3 /* the dialect sees nothing that it could do */ };

struct st_check {
    const char *id;    /* stays: programs look for it */
    unsigned dialects; /* PF_OPENLDAP ... */
    unsigned needs, gives;
    enum st_expect expect;
    int code;
    const char *expected; /* what is done and awaited, in a few words */
    int (*run)(struct st *s, struct st_result *r);
    const char *means, *advice; /* when it is otherwise: for the daemon; what to do */
};
extern const struct st_check st_checks[]; /* in the order in which they run; ends with a NULL id */

/* ---- results ---- */

enum st_state { ST_FINE, ST_NOTE, ST_DIFFERS, ST_SKIPPED };

struct st_result {
    const struct st_check *check;
    enum st_state state;
    int expected, code; /* LDAP results */
    bool wrong;         /* set by a check: the code is right, and what it left is not */
    bool informs;       /* set by a check: told whatever came */
    struct pl_str saw;  /* beside the code; may be empty */
};
void st_saw(struct st *s, struct st_result *r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- one run ---- */

struct st_account {
    struct pl_str dn, login, id; /* id: as text */
    char password[PLD_ONCE_PASSWORD];
};

struct st_left {
    struct pl_str dn, command;
    int code; /* of the last try */
};

enum st_hand { ST_OURS, ST_OTHERS }; /* whose connection: the second one plays somebody else */

struct st {
    struct ctl *ctl;
    struct pl_arena *arena;
    struct pf pf; /* for its words: configuration, dialect, address, our account */
    const struct pl_conf_directory *conf;
    const struct pl_dialect *dialect;
    const char *uri;
    struct pld_once_facts facts;
    struct pld_once *hands[2]; /* by enum st_hand; the second one is opened when it is needed */
    struct pld_place place;
    struct pl_str marker; /* description of all that this run makes */
    struct pl_err err;    /* of the last answer that did not come */
    bool lost;            /* the connection is gone */
    unsigned stands;
    const char *stopped; /* why nothing more is tried; NULL: goes on */
    bool unproven;       /* no log-on could be tried */

    struct st_account one, two, named, joiner;
    struct pl_str unit, group, placeholder; /* DNs; empty: not made */
    enum pl_group_shape shape;

    struct pl_str *made; /* every DN that was ever sent in an Add or a ModifyDN */
    size_t n_made;
    struct st_result *results;
    size_t n_results;
    struct st_left *left;
    size_t n_left, removed, former; /* former: of a run before this one */
    struct pl_str notes[8];
    size_t n_notes;
    struct pl_str snippet, undo;
};

/* ---- selftest_write.c. Codes: LDAP results, or ST_NO_ANSWER with s->err. ---- */

int st_read(struct st *s, struct pl_str dn, struct pl_entry *out);
/* The first entry below the OU that the filter finds; *n: how many. */
int st_find(struct st *s, struct pl_str filter, struct pl_entry *out, long *n);
int st_add(struct st *s, struct pl_str dn, const struct pl_attr *attrs, size_t n);
int st_delete(struct st *s, struct pl_str dn);
int st_mods(struct st *s, enum st_hand hand, struct pl_str dn, const struct pl_mod *mods, size_t n);
/* A first password, by itself; the account keeps it in plain. */
int st_password(struct st *s, struct st_account *a);
/* What the daemon writes for this change of the entry as it was read. */
int st_change(struct st *s, enum st_hand hand, struct st_account *a, enum pl_change what, enum pl_secret opening,
              const struct pl_entry *as_read);
int st_log_on(struct st *s, const struct st_account *a, struct st_result *r);
enum pl_lock st_lock_of(struct st *s, const struct pl_entry *e);
int64_t st_now_us(void);
const struct pl_entry *st_keep(struct st *s, const struct pl_entry *e);

/* ---- selftest_make.c ---- */

struct pl_str st_token(struct st *s);   /* "paasla-selftest-" and four letters or digits */
struct pl_str st_rdn(struct pl_str dn); /* the name's own part of a DN, as it is written there */
bool st_is_ours(const struct st *s, const struct pl_entry *e);
/* As the daemon would make this person's account, but for its place and its mark. */
int st_make_account(struct st *s, struct st_account *a, struct pl_str login, struct pl_str given);
int st_make_unit(struct st *s, struct pl_str *dn);
int st_make_placeholder(struct st *s);
int st_make_group(struct st *s);
void st_remember(struct st *s, struct pl_str dn);

/* ---- selftest_clean.c ---- */

/* Before anything is written: true when the OU is there and empty, but for what a former run left, which is removed. */
bool st_prepare(struct st *s, const char *ou, int *code);
void st_clean(struct st *s);

/* ---- selftest_snippet.c ---- */

void st_snippets(struct st *s);
struct pl_str st_delete_command(struct st *s, struct pl_str dn);

/* ---- selftest_print.c ---- */

size_t st_needs(const struct st *s);
const char *st_state_word(const struct st_result *r);
void st_print(struct st *s);
void st_print_snippets(FILE *out, const struct st *s);

/* ---- the checks ---- */

typedef int st_run(struct st *s, struct st_result *r);
st_run st_place_usable;
st_run st_born, st_born_proven, st_password_locked, st_log_on_one, st_open, st_fence_other, st_fence_late,
    st_open_other, st_lock, st_lock_proven, st_first, st_close, st_by_hand, st_log_on_first;
st_run st_group_create, st_group_add, st_second, st_group_twice, st_group_twice_among, st_group_absent,
    st_group_absent_among, st_group_last, st_group_placeholder, st_ranged;
st_run st_named, st_round_trip, st_rename, st_by_id, st_assertion, st_post_read, st_paged, st_alike;

#endif
