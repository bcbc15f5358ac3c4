/* The guard through which every write of `preflight --selftest` goes: names that look as if they lay below the place and do
 * not, and names that do though they look otherwise. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/dir_place.h"

#define BASE "ou=paasla-selftest,dc=linn,dc=ee"
#define T(literal)                                                                                                     \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1                                                                                 \
    } /* in a table */

static const struct pld_place place = {{BASE, sizeof BASE - 1}};

static void test_below(void **state)
{
    (void)state;
    static const struct pl_str in[] = {
        T("uid=x," BASE),
        T("UID=x,OU=Paasla-Selftest,DC=LINN,DC=EE"),
        T("uid = x , ou = paasla-selftest , dc=linn , dc=ee"),
        T("cn=a,ou=b,ou=c," BASE),
        T("cn=Tamm\\, J\xc3\xbcri," BASE),
        T("cn=Tamm\\2c J\\c3\\bcri," BASE),
        T("cn=ou=inimesed\\,dc=linn\\,dc=ee," BASE),
        T("cn=x+uid=y," BASE),
        T("uid=x,ou=p\\61asla-selftest,dc=linn,dc=ee"),
    };
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
        if (!pld_place_holds(&place, in[i]))
            fail_msg("%s is below", in[i].s);
}

static const struct pl_str outside[] = {
    T(""),
    T(BASE),
    T("OU=Paasla-Selftest, DC=linn, DC=ee"),
    T("ou=paasla\\2dselftest,dc=linn,dc=ee"),
    T("dc=linn,dc=ee"),
    T("uid=x,ou=inimesed,dc=linn,dc=ee"),
    /* the same end as text, not as a name */
    T("uid=x\\," BASE),
    T("cn=x\\,ou=paasla-selftest,dc=linn,dc=ee"),
    T("x" BASE),
    T("uid=x,x" BASE),
    T("uid=xou=paasla-selftest,dc=linn,dc=ee"),
    T("cn=x\\2C" BASE),
    T("uid=x;" BASE),
    T("uid=\"x," BASE "\""),
    T("uid=\"x\"," BASE),
    T("cn=#04024869," BASE ",dc=com"),
    /* the same beginning */
    T(BASE ",dc=com"),
    T("uid=x," BASE ",dc=com"),
    T("uid=x," BASE "x"),
    T("uid=x," BASE "\\ "),
    T("uid=x," BASE "\\20"),
    T("uid=x," BASE "\\00"),
    /* a NUL, where a library would end the name */
    T("uid=x,ou=inimesed,dc=linn,dc=ee\0," BASE),
    T("uid=x\0," BASE),
    T("uid=x," BASE "\0"),
    /* no names */
    T("," BASE),
    T(" ," BASE),
    T("uid," BASE),
    T("=x," BASE),
    T("uid=x,," BASE),
    T("uid=x," BASE ","),
    T("uid=x\\"),
    T("uid=\xff\xfe," BASE),
    T("uid=x\\zz," BASE),
    /* Active Directory's ways to name an entry wherever it lies */
    T("<GUID=00112233445566778899aabbccddeeff>"),
    T("<GUID=00112233-4455-6677-8899-aabbccddeeff>;uid=x," BASE),
    T("<SID=S-1-5-21-1-2-3-500>;CN=x," BASE),
    T("<WKGUID=aa312825768811d1aded00c04fd8d5cd,dc=linn,dc=ee>," BASE),
    T("CN=<GUID=00112233445566778899aabbccddeeff>," BASE),
    /* other spellings of an attribute are not compared, so they are outside */
    T("uid=x,2.5.4.11=paasla-selftest,dc=linn,dc=ee"),
    T("uid=x,ou;lang-et=paasla-selftest,dc=linn,dc=ee"),
};

static void test_outside(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        if (pld_place_holds(&place, outside[i]))
            fail_msg("%zu: %s is not below", i, outside[i].s);
}

static void test_a_place_that_is_none(void **state)
{
    (void)state;
    static const struct pl_str bases[] = {T(""), T(" "), T("linn"), T("\0"), T("<GUID=1>"), {NULL, 0}};
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++)
        assert_false(pld_place_holds(&(struct pld_place){bases[i]}, PL_STR("uid=x," BASE)));
}

/* In a process of its own: how it ends. */
static int end_of(void (*act)(const struct pl_str *), const struct pl_str *args)
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
        (void)!freopen("/dev/null", "w", stderr);
        act(args);
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void hold(const struct pl_str *args)
{
    pld_place_must_hold(&place, args[0]);
}

static void take(const struct pl_str *args)
{
    pld_place_must_take(&place, args[0], args[1]);
}

static void test_the_program_ends(void **state)
{
    (void)state;
    const struct pl_str in = T("uid=x," BASE);
    assert_int_equal(end_of(hold, &in), 0);
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        assert_int_equal(end_of(hold, &outside[i]), SIGABRT);
}

static void test_new_names(void **state)
{
    (void)state;
    static const struct pl_str good[][2] = {
        {T("cn=x"), T(BASE)},
        {T("cn=x\\, y"), T("OU=b," BASE)},
        {T("cn=x+uid=y"), T("ou=Paasla-Selftest, dc=linn, dc=ee")},
    };
    static const struct pl_str bad[][2] = {
        {T("cn=x"), T("dc=linn,dc=ee")},
        {T("ou=paasla-selftest"), T("dc=linn,dc=ee")},
        {T("cn=x,ou=b"), T(BASE)},
        {T("cn=x,"), T(BASE)},
        {T(""), T(BASE)},
        {T("cn=x\\"), T(BASE)},
        {T("cn=\"x"), T(BASE)},
        {T("cn=x\0y"), T(BASE)},
        {T("cn=x," BASE), T("dc=linn,dc=ee")},
        {T("cn=x"), T("")},
        {T("cn=x"), T("ou=b\\," BASE)},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(end_of(take, good[i]), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (end_of(take, bad[i]) != SIGABRT)
            fail_msg("%zu: %s in %s", i, bad[i][0].s, bad[i][1].s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_outside),
        cmocka_unit_test(test_a_place_that_is_none),
        cmocka_unit_test(test_the_program_ends),
        cmocka_unit_test(test_new_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
