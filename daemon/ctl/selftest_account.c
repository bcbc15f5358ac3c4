/* Checks of accounts: made locked, opened, locked, closed; and writes that come when somebody else has written. */
#include "selftest.h"

#include <string.h>

#include "lib/directory/result_name.h"

enum { LDAP_OK = 0, INVALID_CREDENTIALS = 49, ASSERTION_FAILED = 122, UAC_NEVER_EXPIRES = 0x10000, UAC_DISABLED = 2 };

#define UAC "userAccountControl"

static const char *const lock_words[] = {
    [PL_LOCK_OPEN] = "open", [PL_LOCK_PROVEN] = "locked, proven", [PL_LOCK_DOUBTFUL] = "locked, not proven"};

/* Reads the account and says how it stands; true: so. */
static bool stands_so(struct st *s, struct st_result *r, const struct st_account *a, enum pl_lock want)
{
    struct pl_entry e;
    int code = st_read(s, a->dn, &e);
    if (code != LDAP_OK) {
        st_saw(s, r, "it cannot be read: %d %s", code, pl_result_name(code));
        return false;
    }
    enum pl_lock lock = st_lock_of(s, &e);
    st_saw(s, r, "%s", lock_words[lock]);
    return lock == want;
}

/* One change of the account as it stands now. */
static int change(struct st *s, struct st_account *a, enum pl_change what, enum pl_secret opening)
{
    struct pl_entry e;
    int code = st_read(s, a->dn, &e);
    return code == LDAP_OK ? st_change(s, ST_OURS, a, what, opening, &e) : code;
}

/* ---- made, opened ---- */

int st_born(struct st *s, struct st_result *r)
{
    int code = st_make_account(s, &s->one, st_token(s), PL_STR("Proov"));
    if (code == LDAP_OK) {
        r->wrong = s->one.id.len == 0;
        st_saw(s, r, "%s %s", s->dialect->native_id_attr, s->one.id.len ? s->one.id.s : "cannot be read");
    }
    return code;
}

int st_born_proven(struct st *s, struct st_result *r)
{
    r->wrong = !stands_so(s, r, &s->one, PL_LOCK_PROVEN);
    return LDAP_OK;
}

int st_password_locked(struct st *s, struct st_result *r)
{
    (void)r;
    return st_password(s, &s->one);
}

int st_log_on_one(struct st *s, struct st_result *r)
{
    return st_log_on(s, &s->one, r);
}

int st_open(struct st *s, struct st_result *r)
{
    int code = change(s, &s->one, PL_CHANGE_OPEN, PL_SECRET_NONE);
    if (code == LDAP_OK)
        r->wrong = !stands_so(s, r, &s->one, PL_LOCK_OPEN);
    return code;
}

int st_lock(struct st *s, struct st_result *r)
{
    (void)r;
    return change(s, &s->one, PL_CHANGE_LOCK, PL_SECRET_NONE);
}

int st_lock_proven(struct st *s, struct st_result *r)
{
    r->wrong = !stands_so(s, r, &s->one, PL_LOCK_PROVEN);
    return LDAP_OK;
}

/* The first password of a joiner goes with the opening, or just before it. */
int st_first(struct st *s, struct st_result *r)
{
    int code = change(s, &s->one, PL_CHANGE_OPEN, PL_SECRET_FIRST);
    if (code == LDAP_OK)
        r->wrong = !stands_so(s, r, &s->one, PL_LOCK_OPEN);
    return code;
}

int st_log_on_first(struct st *s, struct st_result *r)
{
    int code = st_log_on(s, &s->one, r);
    if (s->pf.dialect_bit == PF_AD && s->conf->must_change_password) { /* until it is changed */
        r->expected = INVALID_CREDENTIALS;
        r->wrong = !r->saw.s || !strstr(r->saw.s, "changed");
    }
    return code;
}

int st_close(struct st *s, struct st_result *r)
{
    int code = change(s, &s->one, PL_CHANGE_CLOSE, PL_SECRET_NONE);
    if (code == LDAP_OK)
        r->wrong = !stands_so(s, r, &s->one, PL_LOCK_PROVEN);
    return code;
}

/* An administrator opens the account again and thinks of no password. */
int st_by_hand(struct st *s, struct st_result *r)
{
    struct pl_entry e;
    int code = st_read(s, s->one.dn, &e);
    if (code == LDAP_OK)
        code = st_change(s, ST_OTHERS, &s->one, PL_CHANGE_OPEN, PL_SECRET_NONE, &e);
    if (code != LDAP_OK) {
        st_saw(s, r, "the account could not be opened by hand");
        r->wrong = true;
        return code;
    }
    return st_log_on(s, &s->one, r);
}

/* ---- somebody else's hand ---- */

static int set_uac(struct st *s, enum st_hand hand, const struct st_account *a, struct pl_str old, int64_t value)
{
    struct pl_str text = pl_arena_printf(s->arena, "%lld", (long long)value);
    struct pl_mod mods[] = {{PL_MOD_DELETE, PL_STR(UAC), &old, 1}, {PL_MOD_ADD, PL_STR(UAC), &text, 1}};
    return st_mods(s, hand, a->dn, mods, 2);
}

static bool has_uac(struct st *s, int64_t want, struct st_result *r)
{
    struct pl_entry e;
    int64_t uac = -1;
    bool read = st_read(s, s->one.dn, &e) == LDAP_OK && pl_str_to_i64(pl_entry_first(&e, UAC), &uac);
    if (!read || uac != want)
        st_saw(s, r, "and " UAC " is %lld, not %lld", (long long)uac, (long long)want);
    return read && uac == want;
}

/* Between our read and our write somebody else changes the flags. */
int st_fence_other(struct st *s, struct st_result *r)
{
    struct pl_entry e, after;
    int64_t uac = 0, theirs;
    int code = st_read(s, s->one.dn, &e);
    if (code != LDAP_OK)
        return code;
    (void)pl_str_to_i64(pl_entry_first(&e, UAC), &uac);
    theirs = uac ^ UAC_NEVER_EXPIRES;
    if ((code = set_uac(s, ST_OTHERS, &s->one, pl_entry_first(&e, UAC), theirs)) != LDAP_OK) {
        st_saw(s, r, "the other change was refused");
        r->wrong = true;
        return code;
    }
    code = st_change(s, ST_OURS, &s->one, PL_CHANGE_LOCK, PL_SECRET_NONE, &e);
    r->wrong = !has_uac(s, theirs, r);
    if (st_read(s, s->one.dn, &after) == LDAP_OK) /* as it was, for the checks that follow */
        (void)set_uac(s, ST_OTHERS, &s->one, pl_entry_first(&after, UAC), uac);
    return code;
}

/* A disabling that was lost on the way and comes when the account was disabled and enabled again: the flags are those that
 * it expects, and only the fence is another. */
int st_fence_late(struct st *s, struct st_result *r)
{
    struct pl_entry old;
    int64_t uac = 0;
    int code = st_read(s, s->one.dn, &old);
    (void)pl_str_to_i64(pl_entry_first(&old, UAC), &uac);
    if (code == LDAP_OK)
        code = change(s, &s->one, PL_CHANGE_LOCK, PL_SECRET_NONE);
    if (code == LDAP_OK)
        code = change(s, &s->one, PL_CHANGE_OPEN, PL_SECRET_NONE);
    if (code != LDAP_OK) {
        st_saw(s, r, "the account could not be disabled and enabled again");
        r->wrong = true;
        return code;
    }
    code = st_change(s, ST_OURS, &s->one, PL_CHANGE_LOCK, PL_SECRET_NONE, &old);
    r->wrong = !has_uac(s, uac & ~UAC_DISABLED, r);
    return code;
}

/* Somebody else locks the account anew after we have read it: our opening must not take that away. */
int st_open_other(struct st *s, struct st_result *r)
{
    static const char end[] = "pwdEndTime";
    struct pl_str theirs = pl_gentime_print(s->arena, st_now_us() - INT64_C(3600) * 1000000);
    struct pl_mod lock = {PL_MOD_REPLACE, pl_str_c(end), &theirs, 1};
    struct pl_entry e;
    int code = st_read(s, s->one.dn, &e);
    if (s->facts.assertion && s->dialect->version_attr && pl_entry_attr(&e, s->dialect->version_attr))
        r->expected = ASSERTION_FAILED; /* without it the values that are named are compared */
    if (code == LDAP_OK && (code = st_mods(s, ST_OTHERS, s->one.dn, &lock, 1)) != LDAP_OK) {
        st_saw(s, r, "the other change was refused");
        r->wrong = true;
    }
    if (code != LDAP_OK)
        return code;
    code = st_change(s, ST_OURS, &s->one, PL_CHANGE_OPEN, PL_SECRET_NONE, &e);
    if (st_read(s, s->one.dn, &e) != LDAP_OK || !pl_str_eq(pl_entry_first(&e, end), theirs)) {
        st_saw(s, r, "and the other lock is gone");
        r->wrong = true;
    }
    return code;
}
