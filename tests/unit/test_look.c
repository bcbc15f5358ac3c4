/* Which log-in a new account gets when the directory shows entries that stand in its way: scripted answers to the engine's
 * own search. A directory compares its own way - one without case, another without the marks of letters, too - so an entry
 * comes back that is no candidate letter by letter. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/engine/engine.h"

#define SECOND INT64_C(1000000)
#define PEOPLE "ou=p,dc=linn,dc=test"

struct shell {
    struct pl_engine *e;
    const char *login_attr;
    bool loaded;     /* the one row of work is out */
    uint64_t search; /* not answered yet */
    char filter[1024];
    int searches;
    char reserved[512]; /* the candidates of the first reservation, a space between */
};

static const char *const person[] = {"P",    "7", "linn", "personal", "open",    "employed", "t",
                                     "",     "",  "",     "",         "none",    "Jaan",     "Õun",
                                     "1042", "",  "",     "LV",       "enforce", "1",        "0"};

static void feed(struct shell *s, struct pl_event ev);

static void row(struct shell *s, uint64_t req, const char *const *texts, size_t n)
{
    struct pl_str cols[32];
    for (size_t i = 0; i < n; i++)
        cols[i] = pl_str_c(texts[i]);
    struct pl_event ev = {.kind = PL_EV_LOAD_ROW, .req = req};
    ev.row.cols = cols;
    ev.row.n = n;
    feed(s, ev);
}

static void load(struct shell *s, uint64_t req)
{
    static const char *const total[] = {"T", "linn", "0", "0", "one", ""}, *const seq[] = {"D", "7", "linn", "11"};
    if (!s->loaded) {
        s->loaded = true;
        row(s, req, total, sizeof total / sizeof *total);
        row(s, req, person, sizeof person / sizeof *person);
        row(s, req, seq, sizeof seq / sizeof *seq);
    }
    feed(s, (struct pl_event){.kind = PL_EV_LOAD_DONE, .req = req});
}

static void note(struct shell *s, const struct pl_command *c)
{
    if (c->kind == PL_CMD_SEARCH) {
        s->search = c->req;
        s->searches++;
        snprintf(s->filter, sizeof s->filter, "%.*s", (int)c->search.filter.len, c->search.filter.s);
    } else if (c->kind == PL_CMD_RESERVE && !s->reserved[0]) {
        size_t at = 0;
        for (size_t i = 0; i < c->reserve.n_candidates; i++)
            at += (size_t)snprintf(s->reserved + at, sizeof s->reserved - at, "%s%.*s", i ? " " : "",
                                   (int)c->reserve.candidates[i].len, c->reserve.candidates[i].s);
    }
}

static void feed(struct shell *s, struct pl_event ev)
{
    struct pl_command c;
    struct {
        enum pl_cmd_kind kind;
        uint64_t req;
    } asked[32];
    size_t n = 0;

    ev.directory = PL_STR("linn");
    pl_engine_event(s->e, &ev, 1000 * SECOND);
    while (pl_engine_next(s->e, &c)) {
        note(s, &c);
        assert_true(n < 32);
        asked[n].kind = c.kind;
        asked[n++].req = c.req;
    }
    for (size_t i = 0; i < n; i++) /* the store answers; what comes of reading everything is not asked here */
        if (asked[i].kind == PL_CMD_LOAD)
            load(s, asked[i].req);
        else if (asked[i].kind == PL_CMD_TICK)
            feed(s, (struct pl_event){.kind = PL_EV_TICKED, .req = asked[i].req});
        else if (asked[i].kind == PL_CMD_RECOVER)
            feed(s, (struct pl_event){.kind = PL_EV_STORE_DONE, .req = asked[i].req});
}

static void start(struct shell *s, const char *dialect, const char *login_attr)
{
    static const struct pl_template number = {{"employeeNumber", 14}, {"{employee_no}", 13}};
    struct pl_dir_conf d = {.name = PL_STR("linn"),
                            .dialect = pl_str_c(dialect),
                            .people_base = PL_STR(PEOPLE),
                            .group_base = PL_STR("ou=g,dc=linn,dc=test"),
                            .canary_dn = PL_STR("cn=canary," PEOPLE),
                            .login_attr = pl_str_c(login_attr),
                            .number_attr = PL_STR("employeeNumber"),
                            .login_style = PL_STR("given.family"),
                            .rdn_template = PL_STR("cn={login}," PEOPLE),
                            .templates = &number,
                            .n_templates = 1,
                            .inflight = 4};
    struct pl_engine_conf c = {
        .dirs = &d, .n_dirs = 1, .retry_min_us = SECOND, .retry_max_us = 10 * SECOND, .bulk_limit = 500};
    struct pl_err err;
    struct pl_event up = {.kind = PL_EV_DIR_UP};

    *s = (struct shell){.e = pl_engine_new(&c, &err), .login_attr = login_attr};
    assert_non_null(s->e);
    up.up.identity = PL_STR("one");
    feed(s, (struct pl_event){.kind = PL_EV_STORE_UP});
    feed(s, up);
    assert_int_equal(s->searches, 1);
    assert_non_null(strstr(s->filter, "=jaan.oun)"));
    assert_non_null(strstr(s->filter, "=jaan.oun2)"));
}

/* The entries that the search shows: their log-ins; ended by NULL. All are somebody else's, by their number. */
static void shows(struct shell *s, const char *const *logins)
{
    uint64_t req = s->search;
    s->search = 0;
    assert_true(req != 0);
    for (int i = 0; logins[i]; i++) {
        struct pl_str login = pl_str_c(logins[i]), no = PL_STR("9"), class = PL_STR("user");
        struct pl_attr attrs[] = {{pl_str_c(s->login_attr), &login, 1},
                                  {PL_STR("employeeNumber"), &no, 1},
                                  {PL_STR("objectClass"), &class, 1}};
        char dn[80];
        snprintf(dn, sizeof dn, "cn=e%d," PEOPLE, i);
        struct pl_entry e = {pl_str_c(dn), attrs, 3};
        feed(s, (struct pl_event){.kind = PL_EV_ENTRY, .req = req, .entry = &e});
    }
    feed(s, (struct pl_event){.kind = PL_EV_RESULT, .req = req, .result = {.code = 0, .complete = true}});
}

/* Others' entries, and the candidates that are left, the best first. */
static void taken(const char *dialect, const char *login_attr, const char *const *logins, const char *left)
{
    struct shell s;
    start(&s, dialect, login_attr);
    shows(&s, logins);
    assert_int_equal(s.searches, 1);
    assert_string_equal(s.reserved, left);
    pl_engine_free(s.e);
}

#define FROM_3 "jaan.oun3 jaan.oun4 jaan.oun5 jaan.oun6 jaan.oun7 jaan.oun8 jaan.oun9"
#define FROM_2 "jaan.oun2 " FROM_3

static void test_nobody_has_it(void **state)
{
    (void)state;
    taken("ad", "sAMAccountName", (const char *const[]){NULL}, "jaan.oun " FROM_2);
}

static void test_somebody_has_it_letter_by_letter(void **state)
{
    (void)state;
    taken("ad", "sAMAccountName", (const char *const[]){"jaan.oun", NULL}, FROM_2);
    taken("openldap", "uid", (const char *const[]){"Jaan.Oun", NULL}, FROM_2);
}

static void test_somebody_has_it_with_marks(void **state)
{
    (void)state;
    taken("ad", "sAMAccountName", (const char *const[]){"jaan.õun", NULL}, FROM_2);
    taken("ad", "sAMAccountName", (const char *const[]){"Jaan.O\xcc\x83UN", NULL}, FROM_2); /* o and a tilde apart */
    taken("ad", "sAMAccountName", (const char *const[]){"jaan.õun2", "JAAN.ÕUN", NULL}, FROM_3);
    taken("openldap", "uid", (const char *const[]){"jaan.õun", NULL},
          FROM_2); /* it has shown it: so it is the same to it */
}

static void test_one_in_the_middle_does_not_take_the_others(void **state)
{
    (void)state;
    taken("ad", "sAMAccountName", (const char *const[]){"jaan.õun2", NULL}, "jaan.oun " FROM_3);
}

/* The directory shows an entry for these names that is none of them to us: any of them may be it to the directory. */
static void test_one_that_we_cannot_explain_takes_them_all(void **state)
{
    struct shell s;
    (void)state;
    start(&s, "ad", "sAMAccountName");
    shows(&s, (const char *const[]){"jaan.юн", NULL});
    assert_string_equal(s.reserved, "");
    assert_int_equal(s.searches, 2);
    assert_null(strstr(s.filter, "=jaan.oun9)"));
    assert_non_null(strstr(s.filter, "=jaan.oun10)"));
    shows(&s, (const char *const[]){"jaan.õun10", NULL});
    assert_int_equal(strncmp(s.reserved, "jaan.oun11 ", 11), 0);
    pl_engine_free(s.e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_has_it),
        cmocka_unit_test(test_somebody_has_it_letter_by_letter),
        cmocka_unit_test(test_somebody_has_it_with_marks),
        cmocka_unit_test(test_one_in_the_middle_does_not_take_the_others),
        cmocka_unit_test(test_one_that_we_cannot_explain_takes_them_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
