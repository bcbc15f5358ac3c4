/* The dialect of 389 Directory Server: what is seen of a lock, what is written, and what is not ours to take away. What
 * the server makes of each value was seen on 389 Directory Server 2.3.1 (tests/real/test_ds389.py shows it again). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/directory/dialect.h"

#define NOW (INT64_C(1769903999) * 1000000)

static const struct pl_dialect *d(void)
{
    const struct pl_dialect *found = pl_dialect_find(PL_STR("389ds"));

    assert_non_null(found);
    return found;
}

static void test_names(void **state)
{
    (void)state;
    static const char *const asked[] = {"nsUniqueId",  "uid",           "employeeNumber",
                                        "objectClass", "nsAccountLock", "nsRole"};
    struct pl_str id = PL_STR("e894839c-e59911f1-91ce9f69-5301460e");
    struct pl_attr attr = {PL_STR("nsuniqueid"), &id, 1};
    struct pl_entry e = {PL_STR("uid=x"), &attr, 1};
    char room[PL_NATIVE_ROOM];
    struct pl_buf b = {0};

    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        size_t k = 0;
        while (d()->person_attrs[k] && strcmp(d()->person_attrs[k], asked[i]) != 0)
            k++;
        assert_non_null(d()->person_attrs[k]);
    }
    assert_true(pl_str_eq(pl_dialect_native_id(d(), &e, room), id));
    pl_dialect_native_filter(d(), &b, id);
    assert_string_equal(b.s, "(nsUniqueId=e894839c-e59911f1-91ce9f69-5301460e)");
    pl_buf_free(&b);
    assert_false(d()->usability); /* the control fails a whole search of one who may not use it (50) */
    assert_null(d()->policy_attr);
}

static enum pl_lock seen(struct pl_str *values, size_t n)
{
    struct pl_dir_facts none = {0}, all = {true, true};
    struct pl_attr attrs[] = {{PL_STR("uid"), values, 1}, {PL_STR("NSACCOUNTLOCK"), values, n}};
    struct pl_entry e = {PL_STR("uid=x"), attrs, 2};
    enum pl_lock l = d()->lock_seen(&e, &none, NOW);

    assert_int_equal(d()->lock_seen(&e, &all, 0), l); /* it hangs on no policy and no clock */
    return l;
}

static void test_lock_seen(void **state)
{
    (void)state;
    struct pl_entry nothing = {0};
    struct pl_dir_facts f = {0};
    static const char *const open[] = {"false", "", "yes", "True ", " true", "truetrue", "tru", "1"};
    static const char *const locked[] = {"TRUE", "true", "True", "tRuE"};

    assert_int_equal(d()->lock_seen(&nothing, &f, NOW), PL_LOCK_OPEN);
    assert_int_equal(seen(NULL, 0), PL_LOCK_OPEN);
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        struct pl_str v[] = {pl_str_c(open[i]), PL_STR("TRUE")};
        assert_int_equal(seen(v, 1), PL_LOCK_OPEN);
        assert_int_equal(seen(v, 2), PL_LOCK_OPEN); /* the server looks at the first value only */
    }
    for (size_t i = 0; i < sizeof locked / sizeof locked[0]; i++) {
        struct pl_str v[] = {pl_str_c(locked[i]), PL_STR("false")};
        assert_int_equal(seen(v, 1), PL_LOCK_PROVEN);
        assert_int_equal(seen(v, 2), PL_LOCK_DOUBTFUL);
    }
    struct pl_str nul = {"true\0", 5};
    assert_int_equal(seen(&nul, 1), PL_LOCK_OPEN);
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
    assert_non_null(codes);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(codes[i], want[i]);
    assert_int_equal(codes[n], 0);
}

static void test_locks(void **state)
{
    (void)state;
    struct pl_arena *a = pl_arena_new();
    struct pl_step s[PL_STEPS_MAX];
    struct pl_attr born[4];
    struct pl_dir_facts f = {0};
    struct pl_change_in in = {.arena = a, .now_us = NOW};

    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_LOCK, &in, s), 1);
    mod_is(&s[0], PL_MOD_REPLACE, "nsAccountLock", "TRUE");
    assert_true(!s[0].also && !s[0].next_on && s[0].secret == PL_SECRET_NONE && s[0].stage == 0);

    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_CLOSE, &in, s), 3);
    mod_is(&s[0], PL_MOD_REPLACE, "nsAccountLock", "TRUE"); /* alone: a refused password does not take it along */
    assert_true(s[0].secret == PL_SECRET_NONE && s[0].stage == 0);
    assert_true(s[1].secret == PL_SECRET_USELESS && s[1].n_mods == 0 && s[1].stage == 1 && !s[1].also);
    codes_are(s[1].next_on, 2, (const int[]){19, 53});
    mod_is(&s[2], PL_MOD_DELETE, "userPassword", NULL);
    codes_are(s[2].also, 1, (const int[]){16});
    assert_true(s[2].secret == PL_SECRET_NONE && s[2].stage == 1 && !s[2].next_on);

    struct pl_entry open = {PL_STR("uid=x"), NULL, 0};
    in.entry = &open;
    in.end_us = NOW + 1;
    assert_null(d()->end_seen); /* the server knows of no end */
    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_KEEP, &in, s), 0);

    assert_int_equal(d()->born_locked(a, NOW, born), 1);
    assert_true(pl_str_eq_c(born[0].name, "nsAccountLock") && born[0].n == 1);
    struct pl_entry e = {PL_STR("uid=x"), born, 1};
    assert_int_equal(d()->lock_seen(&e, &f, NOW), PL_LOCK_PROVEN); /* what we write we see */
    pl_arena_free(a);
}

static void test_opening(void **state)
{
    (void)state;
    struct pl_arena *a = pl_arena_new();
    struct pl_step s[PL_STEPS_MAX];
    char text[] = "true";
    struct pl_str values[] = {pl_str_c(text), PL_STR("no")};
    struct pl_attr attrs[] = {{PL_STR("nsAccountLock"), values, 1}, {PL_STR("nsRole"), NULL, 0}};
    struct pl_entry e = {PL_STR("uid=x"), attrs, 1};
    struct pl_change_in in = {.arena = a, .now_us = NOW, .entry = &e};

    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_OPEN, &in, s), 1);
    text[0] = 'x'; /* the step has a copy */
    mod_is(&s[0], PL_MOD_DELETE, "nsAccountLock", "true");
    assert_int_equal(s[0].secret, PL_SECRET_NONE);
    text[0] = 't';
    in.opening = PL_SECRET_FIRST;
    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_OPEN, &in, s), 1);
    assert_int_equal(s[0].secret, PL_SECRET_FIRST);
    in.opening = PL_SECRET_USELESS;
    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_OPEN, &in, s), 1);
    assert_int_equal(s[0].secret, PL_SECRET_NONE);
    attrs[0].n = 2;
    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_OPEN, &in, s), 1);
    assert_true(s[0].mods[0].n == 2 && pl_str_eq_c(s[0].mods[0].values[1], "no"));
    e.n = 0;
    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_OPEN, &in, s), 0);
    pl_arena_free(a);
}

/* A role that locks computes the attribute: the lock is proven, and not ours to take away. */
static void test_roles(void **state)
{
    (void)state;
    static const struct {
        const char *role;
        bool locks;
    } all[] = {
        {"cn=nsmanageddisabledrole,dc=linn,dc=test", true},
        {"cn=nsManagedDisabledRole,dc=linn,dc=test", true},
        {"cn=nsdisabledrole,dc=linn,dc=test", true},
        {"cn=nsdisabledroles,dc=linn,dc=test", false},
        {"cn=juhid,ou=cn=nsdisabledrole,dc=test", false},
        {"cn=nsdisabledrole", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct pl_arena *a = pl_arena_new();
        struct pl_step s[PL_STEPS_MAX];
        struct pl_str lock = PL_STR("true"), roles[] = {PL_STR("cn=juhid,dc=linn,dc=test"), pl_str_c(all[i].role)};
        struct pl_attr attrs[] = {{PL_STR("nsAccountLock"), &lock, 1}, {PL_STR("nsrole"), roles, 2}};
        struct pl_entry e = {PL_STR("uid=x"), attrs, 2};
        struct pl_change_in in = {.arena = a, .now_us = NOW, .entry = &e};
        struct pl_dir_facts f = {0};
        assert_int_equal(d()->lock_seen(&e, &f, NOW), PL_LOCK_PROVEN);
        assert_int_equal(pl_dialect_change(d(), PL_CHANGE_OPEN, &in, s), all[i].locks ? 0 : 1);
        pl_arena_free(a);
    }
}

static void echo_is(const struct pl_dialect *dialect, const char *const pairs[], const char *want)
{
    struct pl_str values[6];
    struct pl_attr attrs[6];
    struct pl_entry e = {PL_STR("uid=x"), attrs, 0};
    struct pl_buf out = {0};

    for (; pairs[e.n * 2]; e.n++) {
        values[e.n] = pl_str_c(pairs[e.n * 2 + 1]);
        attrs[e.n] = (struct pl_attr){pl_str_c(pairs[e.n * 2]), &values[e.n], 1};
    }
    pl_echo_of(dialect, &e, &out);
    if (!pl_str_eq_c(pl_buf_str(&out), want))
        fail_msg("'%.*s' is not '%s'", (int)out.len, out.s, want);
    pl_buf_free(&out);
}

/* By what our own writes are known when the watch tells of them. */
static void test_echo(void **state)
{
    (void)state;
#define WHEN "modifytimestamp", "20261121105705Z"
#define WHO  "modifiersName", "uid=paasla,dc=x"
    const struct pl_dialect none = {.name = "none"};
    const char *const with_usn[] = {WHO, WHEN, "ENTRYUSN", "0", NULL}, *const without[] = {WHO, WHEN, NULL};
    const char *const nobody[] = {WHEN, NULL}, *const never[] = {WHO, NULL}, *const nothing[] = {NULL};
    const char *const csn[] = {"entryCSN", "20261121073833.202368Z#000000#001#000000", WHEN, WHO, NULL};

    echo_is(d(), with_usn, "0");
    echo_is(d(), without, "20261121105705Z\nuid=paasla,dc=x\n");
    echo_is(d(), nobody, ""); /* a second alone is anybody's */
    echo_is(d(), never, "");
    echo_is(d(), nothing, "");
    echo_is(&none, with_usn, "");
    echo_is(pl_dialect_find(PL_STR("openldap")), csn, "20261121073833.202368Z#000000#001#000000");
    echo_is(pl_dialect_find(PL_STR("openldap")), without, "");
    assert_int_equal(d()->watch, PL_WATCH_PERSISTENT);
    assert_int_equal(pl_dialect_find(PL_STR("openldap"))->watch, PL_WATCH_SYNC);
    for (size_t i = 0; pl_dialects[i]; i++) {
        size_t n = 0;
        while (pl_dialects[i]->echo_attrs && pl_dialects[i]->echo_attrs[n])
            n++;
        assert_true(n <= PL_ECHO_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),   cmocka_unit_test(test_lock_seen), cmocka_unit_test(test_locks),
        cmocka_unit_test(test_opening), cmocka_unit_test(test_roles),     cmocka_unit_test(test_echo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
