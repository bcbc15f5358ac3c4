/* Rows from the store, as text columns, made into values. The decoder trusts nothing: a number that is none, a word it
 * does not know or a missing column refuses the row with a sentence.
 *
 * LOAD answers rows of these shapes (first column is the kind; sql/queries/load_work.sql makes them):
 *   T  directory open_accounts memberships identity due_in_us    (the next rows that wait for their time; empty: none)
 *   W  directory account_id role_group_id age_us    (what the brake let pass lately, the last time; only when LOAD asks)
 *   G  directory role_group_id role_id group_dn mode drift purpose
 *   P  person_id directory purpose want cause named account_id login native_id dn state given family employee_no unit
 *      position institution dir_mode since_us n_members
 *   M  person_id directory purpose role_group_id wanted believed mode drift put_backs
 *   E  person_id directory purpose ends_us named crowd sent lately    (of an account that is wanted open or that we
 *                believe so, when there is something to say of its end: when it is, empty for never; whether HR named it as it
 *                names a leaver, and how many employments end within a day of it if not; the ends that we ever wrote; those
 *                that we wrote in the last hour, one a write, 0 for one that was taken away. Microseconds, a space between)
 *   N  person_id directory purpose lately given family    (a name that the person bore before, of an account that is wanted
 *                open; lately: how often a name was written in the last hour, and since HR
 *                changed it last)
 *   I  person_id directory purpose intent_id op role_group_id ends_us
 *   H  person_id directory purpose plan_state op role_group_id
 *   D  person_id directory seq
 * In this order of kinds: T and W of each directory, all G, then for each pair (person, directory): its P rows (one a purpose, admin first),
 * then M, E, N, I, H, D. Empty text stands for NULL. Booleans are t and f. Times are microseconds since 1970 UTC.
 *
 * SCAN_ACCOUNTS: person_id account_id purpose native_id dn login state want cause ends_us given family
 *                (ends_us empty: nothing is known of its end; 0: it has none, and we once wrote one. Names only if asked for)
 * SCAN_GROUP:    person_id role_group_id dn login mode    (who should be in the group now)
 * SCAN_GROUPS:   role_group_id group_dn purpose persons    (their person_id, a space between two: who should be in the
 *                group now; may be empty)
 */
#ifndef PL_ENGINE_ROW_H
#define PL_ENGINE_ROW_H

#include <stdint.h>
#include "../base/err.h"
#include "../base/str.h"
#include "../core/lifecycle.h"
#include "../core/keep.h"
#include "../core/member.h"

struct pl_row_total {
    struct pl_str directory;
    int64_t open_accounts, memberships;
    struct pl_str identity; /* of the server that our records were made against */
    int64_t due_in_us;      /* of the rows that wait for their time, the next ones'; 0 none */
};
struct pl_row_passed {
    int64_t account_id, role_group_id, age_us; /* role_group_id 0: a lock */
};
struct pl_row_group {
    struct pl_str directory, group_dn, purpose;
    int64_t role_group_id, role_id;
    enum pl_mode mode;
    bool put_back;
};
struct pl_row_person {
    int64_t person_id, account_id; /* account_id 0: none yet */
    struct pl_str directory, purpose, login, native_id, dn;
    struct pl_str given, family, employee_no, unit, position, institution;
    enum pl_need need;
    enum pl_state state;
    enum pl_mode dir_mode;
    bool named;
    int64_t since_us;
    int64_t n_members; /* M rows with wanted = t that belong to it: fewer means a row was lost */
};
struct pl_row_member {
    int64_t role_group_id;
    bool wanted, believed, put_back;
    enum pl_mode mode;
    int64_t put_backs; /* in the last hour */
};
struct pl_row_end {
    int64_t ends_us; /* PL_END_NEVER: none */
    bool named;
    int64_t crowd;
    struct pl_str sent, lately; /* looked through: moments and nothing else */
};
struct pl_row_name {
    struct pl_str given, family;
    int64_t lately;
};
struct pl_row_intent {
    int64_t intent_id, role_group_id;
    enum pl_op op;
    int64_t ends_us; /* KEEP: what was to be written; PL_END_NEVER: none */
};
struct pl_row_item { /* an item of a plan that is held or approved */
    bool approved;
    enum pl_op op;
    int64_t role_group_id;
};

struct pl_row {
    char kind; /* T W G P M E N I H D */
    int64_t person_id;
    struct pl_str directory, purpose;
    union {
        struct pl_row_total total;
        struct pl_row_passed passed;
        struct pl_row_group group;
        struct pl_row_person person;
        struct pl_row_member member;
        struct pl_row_end end;
        struct pl_row_name name;
        struct pl_row_intent intent;
        struct pl_row_item item;
        int64_t seq;
    };
};

/* Slices of *out point into the columns. */
bool pl_row_load(const struct pl_str *cols, size_t n, struct pl_row *out, struct pl_err *err);

struct pl_row_scan_account {
    int64_t person_id, account_id;
    struct pl_str purpose, native_id, dn, login, given, family;
    enum pl_state state;
    enum pl_need need;
    bool end_known;
    int64_t ends_us; /* PL_END_NEVER: none */
};
bool pl_row_scan_account(const struct pl_str *cols, size_t n, struct pl_row_scan_account *out, struct pl_err *err);

struct pl_row_scan_group {
    int64_t person_id, role_group_id;
    struct pl_str dn, login;
    enum pl_mode mode;
};
bool pl_row_scan_group(const struct pl_str *cols, size_t n, struct pl_row_scan_group *out, struct pl_err *err);

struct pl_row_scan_groups {
    int64_t role_group_id;
    struct pl_str dn, purpose;
    struct pl_str persons; /* looked through: ids and nothing else */
};
bool pl_row_scan_groups(const struct pl_str *cols, size_t n, struct pl_row_scan_groups *out, struct pl_err *err);
/* Takes the first id off the persons of such a row; 0 when there is none left. */
int64_t pl_row_next_id(struct pl_str *persons);
/* Takes the first moment off such a list of them. False when there is none left. */
bool pl_row_next_moment(struct pl_str *moments, int64_t *us);

#endif
