/* Filters: whatever the value, the filter keeps its shape and the value comes back byte by byte. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <lber.h>
#include <ldap.h>

#include "lib/directory/filter.h"

/* libldap's own encoder (ldap_put_vrFilter) makes of the text one equality filter of our attribute and value. */
extern int ldap_pvt_put_filter(BerElement *ber, const char *filter);

static void judge(struct pl_str value)
{
    struct pl_buf f = {0};
    struct berval attr, got;
    BerElement *ber = ber_alloc_t(LBER_USE_DER), *in;
    struct berval *flat = NULL;
    ber_tag_t tag;

    pl_filter_equal(&f, "employeeNumber;x-a", value);
    for (size_t i = 0; i < f.len; i++)
        assert_in_range((unsigned char)f.s[i], ' ', '~');
    if (ldap_pvt_put_filter(ber, f.s) != 0)
        fail_msg("libldap does not read %s", f.s);
    assert_int_equal(ber_flatten(ber, &flat), 0);
    in = ber_init(flat);
    tag = ber_scanf(in, "{mm}", &attr, &got);
    assert_int_not_equal(tag, LBER_ERROR);
    assert_int_equal((unsigned char)flat->bv_val[0], LDAP_FILTER_EQUALITY);
    assert_int_equal(attr.bv_len, strlen("employeeNumber;x-a"));
    if (got.bv_len != value.len || (value.len && memcmp(got.bv_val, value.s, value.len) != 0))
        fail_msg("libldap reads another value from %s", f.s);
    ber_free(in, 1);
    ber_bvfree(flat);
    ber_free(ber, 1);
    pl_buf_free(&f);
}

static void test_values(void **state)
{
    (void)state;
    const struct pl_str hostile[] = {PL_STR("*"),         PL_STR("*)(uid=*"), PL_STR("a\0b"),     PL_STR("\\"),
                                     PL_STR("\\2a"),      PL_STR("(("),       PL_STR("))|(cn=a"), PL_STR("\xff"),
                                     PL_STR("Õun"),       PL_STR(" a "),      PL_STR("a\nb"),     PL_STR("&|!~<>="),
                                     PL_STR("cn=a,dc=b"), PL_STR("a*b"),      PL_STR("\0"),       PL_STR("\xc3")};
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++)
        judge(hostile[i]);
    for (unsigned i = 0; i < 65536; i += i < 2048 ? 1 : 13) {
        char two[] = {(char)(i & 255), (char)(i >> 8)};
        judge((struct pl_str){two, 2});
    }
}

static void test_text(void **state)
{
    (void)state;
    struct pl_buf f = {0};

    pl_filter_equal(&f, "uid", PL_STR("a*(b)\\\0\xc3\xb5"));
    assert_string_equal(f.s, "(uid=a\\2A\\28b\\29\\5C\\00\\C3\\B5)");
    pl_buf_clear(&f);
    pl_filter_equal(&f, "2.5.4.3", (struct pl_str){NULL, 0});
    assert_string_equal(f.s, "(2.5.4.3=)");
    pl_buf_free(&f);
}

/* An attribute that is none can only be a bug of ours: the process ends. */
static void test_attributes(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "uid)", "a=b", "a b", "*", "\xc3\xb5", NULL};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            struct pl_buf f = {0};
            signal(SIGABRT, SIG_DFL);
            (void)!freopen("/dev/null", "w", stderr);
            pl_filter_equal(&f, bad[i], PL_STR("x"));
            _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
            fail_msg("attribute %zu was taken", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
