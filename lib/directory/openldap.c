/* OpenLDAP slapd 2.5 with the ppolicy overlay. The lock is pwdEndTime: account_locked() of ppolicy.c looks at it before
 * pwdLockout, nothing the server does by itself removes it, and it works only where a policy applies to the entry. */
#include "dialect.h"

#define END_TIME "pwdEndTime"
/* The server compares with its own clock: a lock dated back this far holds even where that clock is behind ours. */
#define LOCK_MARGIN_US (INT64_C(300) * 1000000)

#define PASSWORD "userPassword"
#define USELESS  "{CRYPT}!" /* crypt(3) gives no such hash, so no password matches it */

static const char *const person_attrs[] = {
    "entryUUID",
    "uid",
    "employeeNumber",
    "cn",
    "sn",
    "objectClass",
    END_TIME,
    "pwdStartTime",
    "pwdAccountLockedTime",
    "pwdPolicySubentry",
    PASSWORD,
    "entryCSN",
    NULL,
};
static const char *const key_attrs[] = {"sshPublicKey", NULL}; /* of the schema openssh-lpk */

static const int no_password[] = {16, 0};       /* noSuchAttribute: there is none to delete */
static const int must_have[] = {65, 19, 53, 0}; /* the schema, a constraint or the server wants a password there */

static const char *const echo_attrs[] = {"entryCSN", NULL};
static const char *const member_attrs[] = {"member", "uniqueMember", "memberUid", NULL};
static const char *const group_attrs[] = {"objectClass", NULL};

/* The account usability control, which the shell puts into the entry. It also says FALSE for a password that is expired
 * or was mistyped too often, so alone it proves no lock. */
static bool usable_is(const struct pl_entry *e, const char *word)
{
    return pl_str_eq_c(pl_entry_first(e, "paaslaUsable"), word);
}

static bool only_useless_password(const struct pl_entry *e)
{
    const struct pl_attr *a = pl_entry_attr(e, PASSWORD);

    return a != NULL && a->n == 1 && pl_str_eq_c(a->values[0], USELESS);
}

static enum pl_lock lock_seen(const struct pl_entry *e, const struct pl_dir_facts *f, int64_t now_us)
{
    struct pl_str end = pl_entry_first(e, END_TIME);
    int64_t end_us;

    /* The administrator's lock of slapo-ppolicy(5). Without pwdLockout it is only a value, hence the server's word. */
    if (pl_str_eq_c(pl_entry_first(e, "pwdAccountLockedTime"), "000001010000Z") && usable_is(e, "FALSE")) {
        return PL_LOCK_PROVEN;
    }
    if (end.len == 0) {
        return PL_LOCK_OPEN;
    }
    if (!pl_gentime_parse(end, &end_us)) {
        return PL_LOCK_DOUBTFUL;
    }
    if (end_us > now_us) {
        return PL_LOCK_OPEN;
    }
    if ((f->ppolicy && f->policy_stands && !usable_is(e, "TRUE")) || only_useless_password(e)) {
        return PL_LOCK_PROVEN;
    }
    return PL_LOCK_DOUBTFUL;
}

static size_t lock(const struct pl_change_in *in, struct pl_step out[PL_STEPS_MAX])
{
    struct pl_str when = pl_gentime_print(in->arena, in->now_us - LOCK_MARGIN_US);

    pl_step_one(in->arena, &out[0], PL_MOD_REPLACE, END_TIME, pl_one_value(in->arena, when), 1);
    return 1;
}

/* Whether a password may be deleted, or must be there, is the schema's and the policy's affair. */
static size_t close_account(const struct pl_change_in *in, struct pl_step out[PL_STEPS_MAX])
{
    lock(in, out);
    pl_step_one(in->arena, &out[1], PL_MOD_DELETE, PASSWORD, NULL, 0);
    out[1].stage = 1;
    out[1].also = no_password;
    out[1].next_on = must_have;
    pl_step_one(in->arena, &out[2], PL_MOD_REPLACE, PASSWORD, pl_one_value(in->arena, PL_STR(USELESS)), 1);
    out[2].stage = 1;
    return 3;
}

/* The values are named, so that a lock which somebody else put there since makes the write fail (16). */
static size_t open_account(const struct pl_change_in *in, struct pl_step out[PL_STEPS_MAX])
{
    const struct pl_attr *end = pl_entry_attr(in->entry, END_TIME);

    if (end == NULL || end->n == 0) {
        return 0;
    }
    pl_step_one(in->arena, &out[0], PL_MOD_DELETE, END_TIME, pl_copy_values(in->arena, end), end->n);
    if (in->opening == PL_SECRET_FIRST) {
        out[0].secret = PL_SECRET_FIRST;
    }
    return 1;
}

/* One value or none (SINGLE-VALUE in the schema of ppolicy). */
static bool end_seen(const struct pl_entry *e, int64_t *us)
{
    struct pl_str end = pl_entry_first(e, END_TIME);

    *us = INT64_MAX;
    return end.len == 0 || pl_gentime_parse(end, us);
}

/* The lock's own attribute, dated ahead. The value that was read is named, so that whatever somebody else put there since
 * makes the write fail (16, or 19 and 20 where there was none). */
static size_t keep(const struct pl_change_in *in, struct pl_step out[PL_STEPS_MAX])
{
    struct pl_str was = pl_entry_first(in->entry, END_TIME);
    struct pl_mod *m = pl_arena_array(in->arena, 2, sizeof(*m));
    size_t n = 0;

    if (was.len > 0) {
        m[n++] =
            (struct pl_mod){PL_MOD_DELETE, PL_STR(END_TIME), pl_one_value(in->arena, pl_arena_str(in->arena, was)), 1};
    }
    if (in->end_us != INT64_MAX) {
        m[n++] = (struct pl_mod){PL_MOD_ADD, PL_STR(END_TIME),
                                 pl_one_value(in->arena, pl_gentime_print(in->arena, in->end_us)), 1};
    }
    out[0] = (struct pl_step){.mods = m, .n_mods = n};
    return n > 0;
}

static size_t born_locked(struct pl_arena *a, int64_t now_us, struct pl_attr out[4])
{
    out[0] = (struct pl_attr){PL_STR(END_TIME), pl_one_value(a, pl_gentime_print(a, now_us - LOCK_MARGIN_US)), 1};
    return 1;
}

const struct pl_dialect pl_dialect_openldap = {
    .name = "openldap",
    .native_id_attr = "entryUUID",
    .version_attr = "entryCSN",
    .password_attr = PASSWORD,
    .member_attrs = member_attrs,
    .person_attrs = person_attrs,
    .group_attrs = group_attrs,
    .key_attrs = key_attrs,
    .policy_attr = "pwdPolicySubentry",
    .usability = true,
    .watch = PL_WATCH_SYNC,
    .echo_attrs = echo_attrs,
    .lock_seen = lock_seen,
    .end_seen = end_seen,
    .end_grain_us = 1000000,
    .change = {[PL_CHANGE_OPEN] = open_account,
               [PL_CHANGE_LOCK] = lock,
               [PL_CHANGE_CLOSE] = close_account,
               [PL_CHANGE_KEEP] = keep},
    .born_locked = born_locked,
    .group_shape = pl_group_shape_of,
};
