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

static const int none[] = {0};
static const int no_password[] = {16, 0};       /* noSuchAttribute: there is none to delete */
static const int must_have[] = {65, 19, 53, 0}; /* the schema, a constraint or the server wants a password there */

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

/* A step of one modification; `values` may be NULL. */
static void one(struct pl_arena *a, struct pl_step *out, enum pl_mod_kind kind, const char *attr, struct pl_str *values,
                size_t n)
{
    *out = (struct pl_step){.also = none, .next_on = none};
    out->mods = pl_arena_array(a, 1, sizeof(*out->mods));
    out->n_mods = 1;
    out->mods[0] = (struct pl_mod){.kind = kind, .attr = pl_str_c(attr), .values = values, .n = n};
}

static struct pl_str *one_value(struct pl_arena *a, struct pl_str value)
{
    struct pl_str *v = pl_arena_array(a, 1, sizeof(*v));

    *v = value;
    return v;
}

static void lock(struct pl_arena *a, int64_t now_us, struct pl_step *out)
{
    one(a, out, PL_MOD_REPLACE, END_TIME, one_value(a, pl_gentime_print(a, now_us - LOCK_MARGIN_US)), 1);
}

static size_t scramble(struct pl_arena *a, struct pl_step out[4])
{
    one(a, &out[0], PL_MOD_DELETE, PASSWORD, NULL, 0);
    out[0].also = no_password;
    out[0].next_on = must_have;
    one(a, &out[1], PL_MOD_REPLACE, PASSWORD, one_value(a, PL_STR(USELESS)), 1);
    return 2;
}

/* The values are named, so that a lock which somebody else put there since makes the write fail (16). */
static void unlock(struct pl_arena *a, const struct pl_entry *e, struct pl_step *out)
{
    const struct pl_attr *end = pl_entry_attr(e, END_TIME);
    struct pl_str *values;

    *out = (struct pl_step){.also = none, .next_on = none};
    if (end == NULL || end->n == 0) {
        return;
    }
    values = pl_arena_array(a, end->n, sizeof(*values));
    for (size_t i = 0; i < end->n; i++) {
        values[i] = pl_arena_str(a, end->values[i]);
    }
    one(a, out, PL_MOD_DELETE, END_TIME, values, end->n);
}

static size_t born_locked(struct pl_arena *a, int64_t now_us, struct pl_attr out[4])
{
    out[0] = (struct pl_attr){PL_STR(END_TIME), one_value(a, pl_gentime_print(a, now_us - LOCK_MARGIN_US)), 1};
    return 1;
}

const struct pl_dialect pl_dialect_openldap = {
    .name = "openldap",
    .native_id_attr = "entryUUID",
    .person_attrs = person_attrs,
    .policy_attr = "pwdPolicySubentry",
    .usability = true,
    .lock_seen = lock_seen,
    .lock = lock,
    .scramble = scramble,
    .unlock = unlock,
    .born_locked = born_locked,
};
