/* Group shapes, the Modify that each change becomes, and lookups in entries. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/directory/dialect.h"

static enum pl_group_shape shape(const char *one, const char *two, const char *attr)
{
    struct pl_str classes[] = {pl_str_c(one), pl_str_c(two)}, value = PL_STR("x");
    struct pl_attr attrs[] = {{PL_STR("OBJECTCLASS"), classes, 2}, {pl_str_c(attr), &value, 1}};
    struct pl_entry e = {PL_STR("cn=g"), attrs, 2};

    return pl_group_shape_of(&e);
}

static void test_shapes(void **state)
{
    (void)state;
    assert_int_equal(shape("top", "GroupOfNames", "member"), PL_GROUP_NAMES);
    assert_int_equal(shape("groupOfMembers", "posixGroup", "cn"), PL_GROUP_NAMES);
    assert_int_equal(shape("top", "groupOfUniqueNames", "cn"), PL_GROUP_UNIQUE);
    assert_int_equal(shape("top", "posixGroup", "memberUid"), PL_GROUP_POSIX);
    assert_int_equal(shape("top", "posixGroup", "member;range=0-1499"), PL_GROUP_NAMES);
    assert_int_equal(shape("groupOfNames", "groupOfURLs", "member"), PL_GROUP_UNWRITABLE);
    assert_int_equal(shape("dynamicGroup", "posixGroup", "cn"), PL_GROUP_UNWRITABLE);
    assert_int_equal(shape("top", "groupOfName", "member"), PL_GROUP_UNKNOWN);
    struct pl_entry nothing = {0};
    assert_int_equal(pl_group_shape_of(&nothing), PL_GROUP_UNKNOWN);
    assert_string_equal(pl_group_attr(PL_GROUP_NAMES), "member");
    assert_string_equal(pl_group_attr(PL_GROUP_UNIQUE), "uniqueMember");
    assert_string_equal(pl_group_attr(PL_GROUP_POSIX), "memberUid");
    assert_null(pl_group_attr(PL_GROUP_UNKNOWN));
    assert_null(pl_group_attr(PL_GROUP_UNWRITABLE));
}

static void mod_is(const struct pl_mod *m, enum pl_mod_kind kind, const char *attr, struct pl_str value)
{
    assert_int_equal(m->kind, kind);
    assert_true(pl_str_eq_c(m->attr, attr));
    assert_int_equal(m->n, 1);
    assert_true(pl_str_eq(m->values[0], value));
}

static void test_changes(void **state)
{
    (void)state;
    struct pl_arena *a = pl_arena_new();
    struct pl_str who = PL_STR("uid=a\0b,dc=x"), none = {NULL, 0}, holder = PL_STR("cn=keegi,dc=x");
    struct pl_step s;

    pl_group_add(a, PL_GROUP_NAMES, who, none, &s);
    assert_int_equal(s.n_mods, 1);
    mod_is(&s.mods[0], PL_MOD_ADD, "member", who);
    assert_true(s.also[0] == 20 && s.also[1] == 0 && !s.next_on);
    assert_ptr_not_equal(s.mods[0].values[0].s, who.s); /* a copy that lives as long as the arena */

    pl_group_add(a, PL_GROUP_UNIQUE, who, holder, &s);
    assert_int_equal(s.n_mods, 2);
    mod_is(&s.mods[0], PL_MOD_ADD, "uniqueMember", who);
    mod_is(&s.mods[1], PL_MOD_DELETE, "uniqueMember", holder);

    pl_group_remove(a, PL_GROUP_POSIX, PL_STR("mari"), none, &s);
    assert_int_equal(s.n_mods, 1);
    mod_is(&s.mods[0], PL_MOD_DELETE, "memberUid", PL_STR("mari"));
    assert_null(s.also); /* "was not there" is looked at, not believed */

    pl_group_remove(a, PL_GROUP_NAMES, who, holder, &s);
    assert_int_equal(s.n_mods, 2);
    mod_is(&s.mods[0], PL_MOD_DELETE, "member", who);
    mod_is(&s.mods[1], PL_MOD_ADD, "member", holder);

    pl_group_add(a, PL_GROUP_UNWRITABLE, who, holder, &s);
    assert_int_equal(s.n_mods, 0);
    pl_group_remove(a, PL_GROUP_UNKNOWN, who, holder, &s);
    assert_int_equal(s.n_mods, 0);
    pl_arena_free(a);
}

static void test_entries(void **state)
{
    (void)state;
    struct pl_str v[] = {PL_STR("a\0b"), PL_STR("c")};
    struct pl_attr attrs[] = {
        {PL_STR("uid\0"), v, 1}, {PL_STR("cn;lang-et"), v, 2}, {PL_STR("empty"), NULL, 0}, {PL_STR(""), v, 1}};
    struct pl_entry e = {PL_STR("cn=x"), attrs, 4};

    assert_null(pl_entry_attr(&e, "uid")); /* the name has a NUL in it */
    assert_ptr_equal(pl_entry_attr(&e, "CN"), &attrs[1]);
    assert_null(pl_entry_attr(&e, "cn;lang"));
    assert_true(pl_str_eq(pl_entry_first(&e, "cn"), PL_STR("a\0b")));
    assert_int_equal(pl_entry_first(&e, "empty").len, 0);
    assert_int_equal(pl_entry_first(&e, "sn").len, 0);
    assert_false(pl_entry_has_class(&e, "top"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
