/* The OpenLDAP dialect: what is seen of a lock in every combination, and what is written. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/directory/dialect.h"

#define NOW (INT64_C(1769903999) * 1000000 + 999999) /* 20260131235959.999999Z */

static const struct pl_dialect *d(void)
{
    const struct pl_dialect *found = pl_dialect_find(PL_STR("openldap"));

    assert_non_null(found);
    return found;
}

static void test_find(void **state)
{
    (void)state;
    struct pl_str id = PL_STR("597ae2f6-16a6-1027-98f4-d28b5365dc14");
    struct pl_attr attr = {PL_STR("ENTRYUUID"), &id, 1};
    struct pl_entry e = {PL_STR("uid=x"), &attr, 1}, nothing = {0};
    static const char *const asked[] = {"entryUUID",    "uid",         "employeeNumber",    "cn",
                                        "sn",           "objectClass", "pwdEndTime",        "pwdStartTime",
                                        "userPassword", "entryCSN",    "pwdPolicySubentry", "pwdAccountLockedTime"};

    assert_null(pl_dialect_find(PL_STR("OpenLDAP")));
    assert_null(pl_dialect_find(PL_STR("openldap\0")));
    assert_null(pl_dialect_find(PL_STR("")));
    char room[PL_NATIVE_ROOM];
    assert_true(pl_str_eq(pl_dialect_native_id(d(), &e, room), id));
    assert_int_equal(pl_dialect_native_id(d(), &nothing, room).len, 0);
    assert_string_equal(d()->policy_attr, "pwdPolicySubentry");
    assert_true(d()->usability);
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        size_t k = 0;
        while (d()->person_attrs[k] && strcmp(d()->person_attrs[k], asked[i]) != 0)
            k++;
        assert_non_null(d()->person_attrs[k]);
    }
}

enum { ENDS = 5, USABLES = 3, PASSWORDS = 5, ALLS = ENDS * USABLES * PASSWORDS * 2 * 2 * 2 };

/* One of all combinations; what must be seen is said again here in words of its own. */
static void one_combination(unsigned i)
{
    static const char *const ends[] = {"20260131235959Z", "20260201000000Z", NULL, "never", "19990101000000+0200"};
    static const char *const usables[] = {NULL, "TRUE", "FALSE"};
    unsigned end = i % ENDS, usable = i / ENDS % USABLES, password = i / (ENDS * USABLES) % PASSWORDS;
    unsigned rest = i / (ENDS * USABLES * PASSWORDS);
    struct pl_dir_facts f = {.ppolicy = rest & 1, .policy_stands = rest & 2};
    bool by_hand = rest & 4;
    struct pl_str end_v = pl_str_c(ends[end]), usable_v = pl_str_c(usables[usable]), locked = PL_STR("000001010000Z");
    struct pl_str passwords[] = {PL_STR("{CRYPT}!"), PL_STR("{SSHA}x")}, longer = PL_STR("{CRYPT}!\0");
    struct pl_attr attrs[5];
    struct pl_entry e = {PL_STR("uid=x"), attrs, 0};
    enum pl_lock want;

    if (end_v.len)
        attrs[e.n++] = (struct pl_attr){PL_STR("pwdendtime"), &end_v, 1};
    if (usable_v.len)
        attrs[e.n++] = (struct pl_attr){PL_STR("paaslaUsable"), &usable_v, 1};
    if (password == 1 || password == 2) /* the useless one alone; with another one */
        attrs[e.n++] = (struct pl_attr){PL_STR("userPassword"), passwords, password};
    if (password == 3)
        attrs[e.n++] = (struct pl_attr){PL_STR("userPassword"), &passwords[1], 1};
    if (password == 4)
        attrs[e.n++] = (struct pl_attr){PL_STR("userPassword"), &longer, 1};
    if (by_hand)
        attrs[e.n++] = (struct pl_attr){PL_STR("pwdAccountLockedTime"), &locked, 1};

    bool past = end == 0 || end == 4;
    if (by_hand && usable == 2)
        want = PL_LOCK_PROVEN;
    else if (past && (password == 1 || (f.ppolicy && f.policy_stands && usable != 1)))
        want = PL_LOCK_PROVEN;
    else
        want = past || end == 3 ? PL_LOCK_DOUBTFUL : PL_LOCK_OPEN;
    if (d()->lock_seen(&e, &f, NOW) != want)
        fail_msg("combination %u: end %u usable %u password %u rest %u", i, end, usable, password, rest);
}

static void test_lock_seen(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ALLS; i++)
        one_combination(i);

    /* A lock of slapd itself after too many wrong passwords is no lock of an administrator. */
    struct pl_str since = PL_STR("20260131000000Z"), no = PL_STR("FALSE");
    struct pl_attr attrs[] = {{PL_STR("pwdAccountLockedTime"), &since, 1}, {PL_STR("paaslaUsable"), &no, 1}};
    struct pl_entry e = {PL_STR("uid=x"), attrs, 2}, nothing = {0};
    struct pl_dir_facts f = {true, true};
    assert_int_equal(d()->lock_seen(&e, &f, NOW), PL_LOCK_OPEN);
    assert_int_equal(d()->lock_seen(&nothing, &f, NOW), PL_LOCK_OPEN);
}

static void mod_is(const struct pl_step *s, enum pl_mod_kind kind, const char *attr, const char *value)
{
    assert_int_equal(s->n_mods, 1);
    assert_int_equal(s->mods[0].kind, kind);
    assert_true(pl_str_eq_c(s->mods[0].attr, attr));
    assert_int_equal(s->mods[0].n, value ? 1 : 0);
    if (value)
        assert_true(pl_str_eq_c(s->mods[0].values[0], value));
}

static void codes_are(const int *codes, size_t n, const int *want)
{
    if (n == 0 && !codes)
        return;
    assert_non_null(codes);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(codes[i], want[i]);
    assert_int_equal(codes[n], 0);
}

static void test_writes(void **state)
{
    (void)state;
    struct pl_arena *a = pl_arena_new();
    struct pl_step s[PL_STEPS_MAX];
    struct pl_attr born[4];
    struct pl_dir_facts f = {true, true};
    struct pl_change_in in = {.arena = a, .now_us = NOW};

    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_LOCK, &in, s), 1);
    mod_is(&s[0], PL_MOD_REPLACE, "pwdEndTime",
           "20260131235459Z"); /* dated back: it holds whatever the server's clock says */
    codes_are(s[0].also, 0, NULL);
    codes_are(s[0].next_on, 0, NULL);

    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_CLOSE, &in, s), 3);
    mod_is(&s[0], PL_MOD_REPLACE, "pwdEndTime", "20260131235459Z");
    mod_is(&s[1], PL_MOD_DELETE, "userPassword", NULL);
    codes_are(s[1].also, 1, (const int[]){16});
    codes_are(s[1].next_on, 3, (const int[]){65, 19, 53});
    mod_is(&s[2], PL_MOD_REPLACE, "userPassword", "{CRYPT}!");
    codes_are(s[2].also, 0, NULL);
    codes_are(s[2].next_on, 0, NULL);
    assert_true(s[0].stage == 0 && s[1].stage == 1 && s[2].stage == 1);

    assert_int_equal(d()->born_locked(a, NOW, born), 1);
    assert_true(pl_str_eq_c(born[0].name, "pwdEndTime") && born[0].n == 1);
    struct pl_entry e = {PL_STR("uid=x"), born, 1};
    assert_int_equal(d()->lock_seen(&e, &f, NOW), PL_LOCK_PROVEN); /* what we write we see */
    assert_int_equal(d()->lock_seen(&e, &f, NOW - INT64_C(302000000)), PL_LOCK_OPEN);

    char stale[] = "20250101000000.5+02";
    struct pl_str v = pl_str_c(stale), locked = PL_STR("000001010000Z");
    struct pl_attr attrs[] = {{PL_STR("pwdAccountLockedTime"), &locked, 1}, {PL_STR("pwdEndTime"), &v, 1}};
    e = (struct pl_entry){PL_STR("uid=x"), attrs, 2};
    in.entry = &e;
    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_OPEN, &in, s), 1);
    stale[0] = 'x'; /* the step has a copy */
    mod_is(&s[0], PL_MOD_DELETE, "pwdEndTime", "20250101000000.5+02");
    assert_int_equal(s[0].secret, PL_SECRET_NONE);
    in.opening = PL_SECRET_FIRST;
    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_OPEN, &in, s), 1);
    assert_int_equal(s[0].secret, PL_SECRET_FIRST);
    e.n = 1;
    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_OPEN, &in, s),
                     0); /* somebody else's lock is not ours to take away */
    pl_arena_free(a);
}

/* The end is the lock's attribute, dated ahead: a whole second, and the value that was read named. */
static void test_keep(void **state)
{
    (void)state;
    struct pl_arena *a = pl_arena_new();
    struct pl_step s[PL_STEPS_MAX];
    struct pl_str v = PL_STR("20260201000000Z");
    struct pl_attr attr = {PL_STR("PWDENDTIME"), &v, 1};
    struct pl_entry none = {PL_STR("uid=x"), NULL, 0}, e = {PL_STR("uid=x"), &attr, 1};
    struct pl_change_in in = {.arena = a, .now_us = NOW, .entry = &none, .end_us = NOW + 1}; /* a whole second */
    struct pl_dir_facts f = {true, true};
    int64_t us = 0;

    assert_true(d()->end_seen(&none, &us) && us == INT64_MAX);
    assert_int_equal(d()->end_grain_us, 1000000);
    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_KEEP, &in, s), 1);
    mod_is(&s[0], PL_MOD_ADD, "pwdEndTime", "20260201000000Z");
    assert_true(d()->end_seen(&e, &us) && us == in.end_us); /* what we write we see */
    assert_int_equal(d()->lock_seen(&e, &f, NOW), PL_LOCK_OPEN);
    assert_int_equal(d()->lock_seen(&e, &f, in.end_us - 1), PL_LOCK_OPEN);
    assert_int_equal(d()->lock_seen(&e, &f, in.end_us), PL_LOCK_PROVEN);
    in.entry = &e;
    in.end_us += 3600 * INT64_C(1000000);
    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_KEEP, &in, s), 1);
    assert_int_equal(s[0].n_mods, 2);
    assert_true(s[0].mods[0].kind == PL_MOD_DELETE && pl_str_eq(s[0].mods[0].values[0], v));
    assert_true(s[0].mods[1].kind == PL_MOD_ADD && pl_str_eq_c(s[0].mods[1].values[0], "20260201010000Z"));
    in.end_us = INT64_MAX;
    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_KEEP, &in, s), 1);
    mod_is(&s[0], PL_MOD_DELETE, "pwdEndTime", "20260201000000Z");
    in.entry = &none;
    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_KEEP, &in, s), 0);
    v = PL_STR("soon");
    assert_false(d()->end_seen(&e, &us));
    pl_arena_free(a);
}

/* MS-DTYP 2.3.4.2: three little-endian integers, then eight octets in order. */
static void test_guid(void **state)
{
    (void)state;
    const struct pl_dialect guid = {.native_id_attr = "objectGUID", .native_id_guid = true};
    char octets[] = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x2a", room[PL_NATIVE_ROOM];
    struct pl_str v = {octets, 16}, text = PL_STR("04030201-0605-0807-090a-0b0c0d0e0f2a");
    struct pl_attr attr = {PL_STR("objectGUID"), &v, 1};
    struct pl_entry e = {PL_STR("cn=x"), &attr, 1};
    assert_true(pl_str_eq(pl_dialect_native_id(&guid, &e, room), text));
    v.len = 15;
    assert_int_equal(pl_dialect_native_id(&guid, &e, room).len, 0);

    static const struct {
        const char *id, *filter;
    } all[] = {
        {"04030201-0605-0807-090A-0b0c0d0e0f2A",
         "(objectGUID=\\01\\02\\03\\04\\05\\06\\07\\08\\09\\0A\\0B\\0C\\0D\\0E\\0F\\2A)"},
        {"04030201-0605-0807-090a-0b0c0d0e0f2", "(!(objectClass=*))"},
        {"04030201-0605-0807-090a-0b0c0d0e0f2g", "(!(objectClass=*))"},
        {"0403020100605-0807-090a-0b0c0d0e0f2a", "(!(objectClass=*))"},
        {"*", "(!(objectClass=*))"},
        {"", "(!(objectClass=*))"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct pl_buf b = {0};
        pl_dialect_native_filter(&guid, &b, pl_str_c(all[i].id));
        assert_true(pl_str_eq_c(pl_buf_str(&b), all[i].filter));
        pl_buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find), cmocka_unit_test(test_lock_seen), cmocka_unit_test(test_writes),
        cmocka_unit_test(test_keep), cmocka_unit_test(test_guid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
