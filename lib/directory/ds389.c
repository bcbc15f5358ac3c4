/* 389 Directory Server 2.3 (also sold as Red Hat Directory Server). The lock is nsAccountLock: the server looks at it
 * before the password and before every password policy (pw.c, slapi_check_account_lock), so that it needs no policy to
 * hold. Of several values it looks at the first one only, and at nothing but the word "true" in whatever case.
 *
 * Roles and classes of service may compute the attribute ("dsidm role lock", ns-inactivate.pl): a computed value hides
 * what stands in the entry itself, and it is not ours to take away. */
#include "dialect.h"

#include <string.h>

#define LOCK     "nsAccountLock"
#define ROLE     "nsRole"
#define PASSWORD "userPassword"

static const char *const person_attrs[] = {
    "nsUniqueId",  "uid", "employeeNumber", "cn", "sn",
    "objectClass", LOCK, /* operational, as the next one: told only when asked for by name */
    ROLE,          NULL,
};
static const char *const key_attrs[] = {"nsSshPublicKey", "sshPublicKey", NULL}; /* its own schema's, openssh-lpk's */

/* The first is there when the USN plugin is on, and another with every write. Without it second and writer: two writes in
 * one second by our own account look the same, those of anybody else do not. */
static const char *const echo_attrs[] = {"entryusn", "modifyTimestamp", "modifiersName", NULL};

static const char *const member_attrs[] = {"member", "uniqueMember", "memberUid", NULL};
static const char *const group_attrs[] = {"objectClass", NULL};

static const int refused[] = {19, 53, 0}; /* a password policy does not like the random one, or likes none so soon */
static const int no_password[] = {16, 0}; /* noSuchAttribute: there is none to delete */

static bool is_true(struct pl_str value)
{
    return pl_str_ieq_c(value, "true");
}

/* More than one value: whether it holds depends on their order, which nobody promises to keep. */
static enum pl_lock lock_seen(const struct pl_entry *e, const struct pl_dir_facts *f, int64_t now_us)
{
    const struct pl_attr *a = pl_entry_attr(e, LOCK);

    (void)f;
    (void)now_us;
    if (a == NULL || a->n == 0 || !is_true(a->values[0])) {
        return PL_LOCK_OPEN;
    }
    return a->n == 1 ? PL_LOCK_PROVEN : PL_LOCK_DOUBTFUL;
}

/* cn=nsManagedDisabledRole and cn=nsDisabledRole, directly below a suffix: by these the old tools lock. */
static bool is_lock_role(struct pl_str dn)
{
    static const char *const names[] = {"cn=nsmanageddisabledrole,", "cn=nsdisabledrole,"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t len = strlen(names[i]);
        if (dn.len > len && pl_str_ieq_c((struct pl_str){dn.s, len}, names[i])) {
            return true;
        }
    }
    return false;
}

static bool locked_by_role(const struct pl_entry *e)
{
    const struct pl_attr *a = pl_entry_attr(e, ROLE);

    for (size_t i = 0; a != NULL && i < a->n; i++) {
        if (is_lock_role(a->values[i])) {
            return true;
        }
    }
    return false;
}

/* By itself and never with a password: a policy that refuses the password would refuse the lock with it. */
static size_t lock(const struct pl_change_in *in, struct pl_step out[PL_STEPS_MAX])
{
    pl_step_one(in->arena, &out[0], PL_MOD_REPLACE, LOCK, pl_one_value(in->arena, PL_STR("TRUE")), 1);
    return 1;
}

/* No hash that nothing matches: only a password administrator (passwordAdminDN) may set a ready hash, so a random
 * password that nobody learns, and where a policy refuses that, none at all. */
static size_t close_account(const struct pl_change_in *in, struct pl_step out[PL_STEPS_MAX])
{
    lock(in, out);
    out[1] = (struct pl_step){.stage = 1, .secret = PL_SECRET_USELESS, .next_on = refused};
    pl_step_one(in->arena, &out[2], PL_MOD_DELETE, PASSWORD, NULL, 0);
    out[2].stage = 1;
    out[2].also = no_password;
    return 3;
}

/* The values are named, so that a lock which somebody else put there since makes the write fail (16). */
static size_t open_account(const struct pl_change_in *in, struct pl_step out[PL_STEPS_MAX])
{
    const struct pl_attr *a = pl_entry_attr(in->entry, LOCK);

    if (a == NULL || a->n == 0 || locked_by_role(in->entry)) {
        return 0;
    }
    pl_step_one(in->arena, &out[0], PL_MOD_DELETE, LOCK, pl_copy_values(in->arena, a), a->n);
    if (in->opening == PL_SECRET_FIRST) {
        out[0].secret = PL_SECRET_FIRST;
    }
    return 1;
}

static size_t born_locked(struct pl_arena *a, int64_t now_us, struct pl_attr out[4])
{
    (void)now_us;
    out[0] = (struct pl_attr){PL_STR(LOCK), pl_one_value(a, PL_STR("TRUE")), 1};
    return 1;
}

const struct pl_dialect pl_dialect_389ds = {
    .name = "389ds",
    .native_id_attr = "nsUniqueId",
    .password_attr = PASSWORD,
    .member_attrs = member_attrs,
    .group_attrs = group_attrs,
    .key_attrs = key_attrs,
    .group_shape = pl_group_shape_of,
    .person_attrs = person_attrs,
    .watch = PL_WATCH_PERSISTENT,
    .echo_attrs = echo_attrs,
    .lock_seen = lock_seen,
    /* KEEP: the server knows of no end; accountPolicy counts from the last log-on. */
    .change = {[PL_CHANGE_OPEN] = open_account, [PL_CHANGE_LOCK] = lock, [PL_CHANGE_CLOSE] = close_account},
    .born_locked = born_locked,
};
