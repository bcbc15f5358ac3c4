/* What a reload works on: every option by its name and text, and what stays as it is in a running daemon. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/conf/conf.h"

#define HEAD "[database]\nconnection = host=/run/postgresql dbname=paasla\n"
#define DIRECTORY(name, base, extra)                                                                                   \
    "[directory " name "]\nuris = ldapi://%2frun%2fldapi\nsasl = external\npeople_base = " base                        \
    "\ngroup_base = ou=g,dc=x\ncanary_dn = uid=c,ou=p,dc=x\nrdn_template = uid={login},ou=p,dc=x\n" extra

static struct pl_conf *read_text(const char *text)
{
    struct pl_err err;
    struct pl_conf *c = pl_conf_parse("x.conf", pl_str_c(text), &err);

    if (c == NULL)
        fail_msg("%s", err.text);
    return c;
}

/* The text of an option in force; fails when there is none, or two. */
static const char *text_in(const struct pl_conf *c, const char *name)
{
    static char out[4096];
    struct pl_arena *a = pl_arena_new();
    struct pl_conf_value *v;
    size_t n = pl_conf_values(c, a, &v), found = 0;

    for (size_t i = 0; i < n; i++)
        if (pl_str_eq_c(v[i].name, name)) {
            (void)snprintf(out, sizeof out, "%.*s", (int)v[i].text.len, v[i].text.s);
            found++;
        }
    pl_arena_free(a);
    assert_int_equal(found, 1);
    return out;
}

static void test_every_option_has_its_value(void **state)
{
    struct pl_conf *c = read_text(HEAD "[brake]\nmax_locks = 3\n" DIRECTORY(
        "linn", "ou=p,dc=x", "attribute.cn = {name}\nlock_leavers_observed = yes\n")
                                      DIRECTORY("kool", "ou=k,dc=x", ""));
    struct pl_arena *a = pl_arena_new();
    struct pl_conf_value *v;
    size_t n = pl_conf_values(c, a, &v), top = 0, of_directory = 0;

    (void)state;
    for (size_t i = 0; i < pl_conf_n_options; i++)
        if (strcmp(pl_conf_options[i].section, "directory") == 0)
            of_directory += strcmp(pl_conf_options[i].name, "attribute.NAME") != 0;
        else
            top++;
    assert_int_equal(n, top + 2 * of_directory + 1);
    pl_arena_free(a);
    assert_string_equal(text_in(c, "brake.max_locks"), "3");
    assert_string_equal(text_in(c, "daemon.poll_s"), "30");
    assert_string_equal(text_in(c, "daemon.metrics"), "");
    assert_string_equal(text_in(c, "directory linn.lock_leavers_observed"), "yes");
    assert_string_equal(text_in(c, "directory kool.lock_leavers_observed"), "no");
    assert_string_equal(text_in(c, "directory linn.attribute.cn"), "{name}");
    assert_string_equal(text_in(c, "directory kool.people_base"), "ou=k,dc=x");
    pl_conf_free(c);
}

static void test_secrets_are_marked(void **state)
{
    struct pl_conf *c = read_text(HEAD DIRECTORY("linn", "ou=p,dc=x", ""));
    struct pl_arena *a = pl_arena_new();
    struct pl_conf_value *v;
    size_t n = pl_conf_values(c, a, &v), secrets = 0;

    (void)state;
    for (size_t i = 0; i < n; i++)
        secrets += v[i].secret;
    assert_int_equal(secrets, 4); /* the passwords of database and directory, the key of its certificate, its keytab */
    pl_arena_free(a);
    pl_conf_free(c);
}

/* What needs a restart is kept, all else is taken; other directories are neither added nor lost, in the order of before. */
static void test_keep(void **state)
{
    struct pl_conf *running = read_text(HEAD DIRECTORY("linn", "ou=p,dc=x", "attribute.cn = {name}\n")
                                            DIRECTORY("kool", "ou=k,dc=x", "inflight = 5\n"));
    struct pl_conf *fresh = read_text("[database]\nconnection = host=other\n[daemon]\npoll_s = 7\n" DIRECTORY(
        "uus", "ou=u,dc=x", "") DIRECTORY("linn", "ou=moved,dc=x", "inflight = 9\nattribute.sn = {family}\n"));

    (void)state;
    pl_conf_keep(fresh, running);
    pl_conf_free(running); /* nothing of it is pointed to */
    assert_string_equal(text_in(fresh, "database.connection"), "host=/run/postgresql dbname=paasla");
    assert_string_equal(text_in(fresh, "daemon.poll_s"), "7");
    assert_int_equal(fresh->n_dirs, 2);
    assert_true(pl_str_eq_c(fresh->dirs[0].name, "linn") && pl_str_eq_c(fresh->dirs[1].name, "kool"));
    assert_string_equal(text_in(fresh, "directory linn.people_base"), "ou=p,dc=x");
    assert_string_equal(text_in(fresh, "directory linn.inflight"), "9");
    assert_string_equal(text_in(fresh, "directory linn.attribute.cn"), "{name}");
    assert_int_equal(fresh->dirs[0].n_attributes, 1);
    assert_string_equal(text_in(fresh, "directory kool.inflight"), "5");
    assert_string_equal(text_in(fresh, "directory kool.people_base"), "ou=k,dc=x");
    pl_conf_free(fresh);
}

/* People are told of every option what a reload does with it. */
static void test_people_are_told(void **state)
{
    char *sample = NULL, *list = NULL;
    size_t n_sample = 0, n_list = 0;
    FILE *f = open_memstream(&sample, &n_sample), *g = open_memstream(&list, &n_list);
    static const char *const words[] = {"Needs a restart.", "A reload connects anew with it.",
                                        "A reload changes it at once."};
    size_t want[3] = {0};

    (void)state;
    pl_conf_write_sample(f);
    pl_conf_write_options(g);
    fclose(f);
    fclose(g);
    for (size_t i = 0; i < pl_conf_n_options; i++)
        want[pl_conf_options[i].when]++;
    for (size_t w = 0; w < 3; w++) {
        size_t in_sample = 0, in_list = 0;

        for (const char *p = sample; (p = strstr(p, words[w])) != NULL; p++)
            in_sample++;
        for (const char *p = list; (p = strstr(p, words[w])) != NULL; p++)
            in_list++;
        assert_int_equal(in_sample, want[w]);
        assert_int_equal(in_list, want[w]);
        assert_true(want[w] > 0);
    }
    free(sample);
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_option_has_its_value),
        cmocka_unit_test(test_secrets_are_marked),
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_people_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
