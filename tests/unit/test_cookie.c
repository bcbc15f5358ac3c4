/* OpenLDAP's cookie: what slapd 2.5.13 sent, what is merged from it, and what must be refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/directory/cookie.h"

#define ONE   "20261121073920.450359Z#000000#001#000000"
#define LATER "20261121073921.457665Z#000000#001#000000"
#define TWO   "20261121073921.457665Z#000000#002#000000"
#define THREE "20261121073900.000000Z#000000#00f#000000"

static struct pl_cookie parse(const char *text)
{
    struct pl_cookie c;
    if (!pl_cookie_parse(&c, pl_str_c(text)))
        fail_msg("%s was refused", text);
    return c;
}

static void check(const struct pl_cookie *c, const char *text)
{
    struct pl_buf out = {0};
    pl_cookie_print(&out, c);
    assert_string_equal(out.s, text);
    pl_buf_free(&out);
}

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sent;
    } good[] = {
        /* slapd, by itself and as one of two that replicate */
        {"rid=000,sid=001,csn=" ONE, "rid=003,csn=" ONE},
        {"rid=003,sid=002,csn=" ONE ";" TWO, "rid=003,csn=" ONE ";" TWO},
        {"rid=003,sid=001,csn=" ONE ",delcsn=" LATER, "rid=003,csn=" ONE},
        /* any order of parts and servers; parts that nobody has made yet */
        {"csn=" TWO ";" ONE, "rid=003,csn=" ONE ";" TWO},
        {"csn=" ONE ",rid=1", "rid=003,csn=" ONE},
        {"x,,future=1;2;#,csn=" ONE ",csn=" TWO, "rid=003,csn=" ONE},
        {"csn=" THREE ";" TWO ";" ONE ";", "rid=003,csn=" ONE ";" TWO ";" THREE},
        {"csn=" LATER ";" ONE, "rid=003,csn=" LATER}, /* one server twice: the later one */
        {"csn=" ONE ";" LATER, "rid=003,csn=" LATER},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct pl_cookie c = parse(good[i].text), again;
        check(&c, good[i].sent);
        again = parse(good[i].sent);
        assert_int_equal(pl_cookie_compare(&c, &again), PL_COOKIE_SAME);
    }
    struct pl_cookie c = parse("csn=" THREE ";" ONE);
    assert_int_equal(c.n, 2);
    assert_int_equal(c.csn[0].sid, 1);
    assert_int_equal(c.csn[1].sid, 15);
    pl_cookie_clear(&c);
    check(&c, "rid=003");
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "csn=",
        "csn=;",
        "rid=003",
        "rid=003,sid=001",
        "delcsn=" ONE,
        "xcsn=" ONE,
        "389.linn.test:389#cn=x:dc=linn:(uid=*)#17",     /* of 389 Directory Server */
        "csn=20261121073920Z#000000#00#000000",          /* of OpenLDAP 2.3 */
        "csn=20261121073920.450359Z#000000#001#00000",   /* short */
        "csn=20261121073920.450359Z#000000#001#0000000", /* long */
        "csn=20261121073920.450359Z#000000#0001#000000",
        "csn=20261121073920.450359Z#0000000#01#000000", /* long enough, but not where it should be */
        "csn=20261121073920.450359Z#000000#00A#000000", /* capitals would be in the wrong order */
        "csn=20261121073920.450359Z#000000#-01#000000",
        "csn=20261121073920.450359Z#000000#00g#000000",
        "csn=2026112107392a.450359Z#000000#001#000000", /* hexadecimal in the time */
        "csn=20261121073920,450359Z#000000#001#000000",
        "csn= 0261121073920.450359Z#000000#001#000000",
        "csn=" ONE ";x",
        "csn=" ONE " ",
        "csn=x;" ONE,
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pl_cookie c = parse("csn=" ONE);
        if (pl_cookie_parse(&c, pl_str_c(bad[i])))
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(c.n, 0);
    }
    struct pl_cookie c;
    assert_false(pl_cookie_parse(&c, (struct pl_str){NULL, 0}));
    assert_false(pl_cookie_parse(&c, PL_STR("csn=20261121073920.450359Z#000000#001#00000\0")));
    assert_false(pl_cookie_parse(&c, PL_STR("csn=2026112\0"
                                            "073920.450359Z#000000#001#000000")));
}

/* Persisting, slapd sends the CSN of one change; the others must stay. */
static void test_merge(void **state)
{
    (void)state;
    struct pl_cookie c = parse("csn=" ONE ";" TWO), news = parse("rid=003,sid=002,csn=" LATER);

    assert_true(pl_cookie_merge(&c, &news));
    check(&c, "rid=003,csn=" LATER ";" TWO);
    news = parse("csn=" ONE); /* an old one that comes late */
    assert_true(pl_cookie_merge(&c, &news));
    check(&c, "rid=003,csn=" LATER ";" TWO);
    news = parse("csn=" THREE);
    assert_true(pl_cookie_merge(&c, &news));
    check(&c, "rid=003,csn=" LATER ";" TWO ";" THREE);
    pl_cookie_clear(&news);
    assert_true(pl_cookie_merge(&c, &news));
    assert_true(pl_cookie_merge(&news, &c));
    assert_int_equal(pl_cookie_compare(&c, &news), PL_COOKIE_SAME);
    assert_true(pl_cookie_merge(&c, &c));
    check(&c, "rid=003,csn=" LATER ";" TWO ";" THREE);
}

/* Later is later in the time, then in the count, then in the modification: the order of the text. */
static void test_later(void **state)
{
    (void)state;
    static const char *const rising[] = {
        "19991231235959.999999Z#ffffff#001#ffffff", "20261121073920.450359Z#000000#001#000000",
        "20261121073920.450359Z#000000#001#000001", "20261121073920.450359Z#000000#001#00000a",
        "20261121073920.450359Z#000000#001#000010", "20261121073920.450359Z#000001#001#000000",
        "20261121073920.450359Z#00000a#001#000000", "20261121073920.450360Z#000000#001#000000",
        "20261121073921.000000Z#000000#001#000000", "20270101000000.000000Z#000000#001#000000",
    };
    enum { N = sizeof rising / sizeof rising[0] };
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < N; k++) {
            struct pl_cookie a, b;
            char text[64];
            (void)snprintf(text, sizeof text, "csn=%s", rising[i]);
            a = parse(text);
            (void)snprintf(text, sizeof text, "csn=%s", rising[k]);
            b = parse(text);
            assert_int_equal(pl_cookie_compare(&a, &b), i == k  ? PL_COOKIE_SAME
                                                        : i < k ? PL_COOKIE_OLDER
                                                                : PL_COOKIE_NEWER);
        }
}

static void test_compare(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        enum pl_cookie_order order;
    } rows[] = {
        {"csn=" ONE ";" TWO, "rid=9,sid=00a,csn=" TWO ";" ONE, PL_COOKIE_SAME},
        {"csn=" ONE, "csn=" LATER, PL_COOKIE_OLDER},
        {"csn=" ONE, "csn=" ONE ";" TWO, PL_COOKIE_OLDER}, /* b knows a server more */
        {"csn=" TWO, "csn=" ONE ";" TWO, PL_COOKIE_OLDER},
        {"csn=" LATER, "csn=" ONE ";" TWO, PL_COOKIE_DIVERGED},
        {"csn=" ONE, "csn=" TWO, PL_COOKIE_DIVERGED},
        {"csn=" LATER ";" TWO, "csn=" ONE ";" TWO, PL_COOKIE_NEWER},
        {"csn=" LATER ";" TWO ";" THREE, "csn=" ONE ";" TWO, PL_COOKIE_NEWER},
        {"csn=" ONE ";" THREE, "csn=" ONE ";" TWO, PL_COOKIE_DIVERGED},
    };
    static const enum pl_cookie_order opposite[] = {[PL_COOKIE_SAME] = PL_COOKIE_SAME,
                                                    [PL_COOKIE_OLDER] = PL_COOKIE_NEWER,
                                                    [PL_COOKIE_NEWER] = PL_COOKIE_OLDER,
                                                    [PL_COOKIE_DIVERGED] = PL_COOKIE_DIVERGED};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pl_cookie a = parse(rows[i].a), b = parse(rows[i].b);
        assert_int_equal(pl_cookie_compare(&a, &b), rows[i].order);
        assert_int_equal(pl_cookie_compare(&b, &a), opposite[rows[i].order]);
    }
    struct pl_cookie none, one = parse("csn=" ONE);
    pl_cookie_clear(&none);
    assert_int_equal(pl_cookie_compare(&none, &one), PL_COOKIE_OLDER);
    assert_int_equal(pl_cookie_compare(&none, &none), PL_COOKIE_SAME);
}

/* As many servers as we keep, and one more; with the greatest number that a server can have. */
static void test_many(void **state)
{
    (void)state;
    struct pl_buf text = {0};
    struct pl_cookie c, more;

    pl_buf_add_c(&text, "csn=");
    for (unsigned i = 0; i < PL_COOKIE_SERVERS; i++)
        pl_buf_printf(&text, "20261121073920.450359Z#000000#%03x#000000;", 0xfff - i);
    assert_true(pl_cookie_parse(&c, pl_buf_str(&text)));
    assert_int_equal(c.n, PL_COOKIE_SERVERS);
    assert_int_equal(c.csn[PL_COOKIE_SERVERS - 1].sid, 0xfff);
    for (size_t i = 1; i < c.n; i++)
        assert_true(c.csn[i - 1].sid < c.csn[i].sid);
    more = parse("csn=" ONE ";"
                 "20991121073920.450359Z#000000#fff#000000");
    assert_false(pl_cookie_merge(&c, &more)); /* no room for 001; fff is merged all the same */
    assert_int_equal(c.n, PL_COOKIE_SERVERS);
    assert_memory_equal(c.csn[PL_COOKIE_SERVERS - 1].csn, "2099", 4);
    pl_buf_add_c(&text, ONE);
    assert_false(pl_cookie_parse(&c, pl_buf_str(&text)));
    assert_int_equal(c.n, 0);
    pl_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse), cmocka_unit_test(test_refused), cmocka_unit_test(test_merge),
        cmocka_unit_test(test_later), cmocka_unit_test(test_compare), cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
