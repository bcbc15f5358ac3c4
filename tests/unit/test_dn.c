/* Names, with libldap as the judge: whatever the value, it stays one value of one RDN. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <ldap.h>

#include "lib/directory/dn.h"

static const char base[] = ",ou=inimesed,dc=linn,dc=test";

/* libldap reads uid=VALUE,base as four RDNs, the first of one pair, its value byte by byte what was put in. */
static void judge(struct pl_str value)
{
    struct pl_buf dn = {0}, normal = {0};
    struct berval bv;
    LDAPDN parsed = NULL;
    size_t n = 0;

    pl_buf_add_c(&dn, "uid=");
    pl_dn_escape(&dn, value);
    pl_buf_add_c(&dn, base);
    assert_true(pl_str_is_utf8(pl_buf_str(&dn)));
    bv = (struct berval){dn.len, dn.s};
    if (ldap_bv2dn(&bv, &parsed, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        fail_msg("libldap does not read %s", dn.s);
    while (parsed[n])
        n++;
    assert_int_equal(n, 4);
    assert_non_null(parsed[0][0]);
    assert_null(parsed[0][1]);
    if (parsed[0][0]->la_value.bv_len != value.len ||
        (value.len > 0 && memcmp(parsed[0][0]->la_value.bv_val, value.s, value.len) != 0))
        fail_msg("libldap reads another value from %s", dn.s);
    assert_true(pl_dn_normal(&normal, pl_buf_str(&dn), NULL));
    assert_true(pl_dn_equal(pl_buf_str(&dn), pl_buf_str(&normal)));
    assert_true(pl_dn_under(pl_buf_str(&dn), PL_STR("OU=Inimesed , DC=linn,dc=TEST")));
    assert_false(pl_dn_under(pl_buf_str(&dn), PL_STR("ou=ryhmad,dc=linn,dc=test")));
    ldap_dnfree(parsed);
    pl_buf_free(&dn);
    pl_buf_free(&normal);
}

static void test_smuggling(void **state)
{
    (void)state;
    const struct pl_str hostile[] = {
        PL_STR("x,ou=admins"),  PL_STR("x+cn=y"),       PL_STR("a\0b"),     PL_STR("\0"),    PL_STR("\\"),
        PL_STR("\\2C"),         PL_STR("#04024869"),    PL_STR(" "),        PL_STR("  "),    PL_STR(" a "),
        PL_STR("\"a,b\""),      PL_STR("a;b<c>d=e"),    PL_STR("\xff\xfe"), PL_STR("a\xc3"), PL_STR("\xc3\xb5\xc3"),
        PL_STR("\xed\xa0\x80"), PL_STR("\r\n\t"),       PL_STR("\x7f"),     PL_STR("a\\"),   PL_STR("a\\ "),
        PL_STR("Õun, Jüri"),    PL_STR("O’Connež"),     PL_STR("*)(uid=*"), PL_STR("#"),     PL_STR("a#"),
        PL_STR("a =b = c "),    PL_STR("\xe2\x80\xae,")};
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++)
        judge(hostile[i]);
    for (unsigned i = 0; i < 65536; i += i < 4096 ? 1 : 7) {
        char two[] = {(char)(i & 255), (char)(i >> 8)};
        judge((struct pl_str){two, 2});
        judge((struct pl_str){two, 1});
    }
}

static void normal_is(const char *dn, const char *want)
{
    struct pl_buf out = {0};
    struct pl_err err = {0};

    pl_buf_add_c(&out, "kept:");
    if (pl_dn_normal(&out, pl_str_c(dn), &err) != (want != NULL))
        fail_msg("%s: %s", dn, err.text);
    if (strcmp(out.s + 5, want ? want : "") != 0)
        fail_msg("%s gives %s", dn, out.s + 5);
    if (!want && err.text[0] == '\0')
        fail_msg("%s: refused without a sentence", dn);
    pl_buf_free(&out);
}

static void test_normal(void **state)
{
    (void)state;
    normal_is("", "");
    normal_is("UID = Mari.Tamm , OU=X", "uid=mari.tamm,ou=x");
    normal_is("cn=b+CN=A+uid=1", "cn=a+cn=b+uid=1");
    normal_is("cn=a  b   c", "cn=a b c");
    normal_is("cn=a\\2Cb", "cn=a\\2Cb");
    normal_is("cn=a\\,b", "cn=a\\2Cb");
    normal_is("cn=\\C3\\95un", "cn=\xc3\x95un"); /* only ASCII is folded */
    normal_is("cn=a\\ ", "cn=a\\20");
    normal_is("cn=\\ a", "cn=\\20a");
    normal_is("2.5.4.3=x", "2.5.4.3=x");
    normal_is("cn=#04AB", "cn=#04ab");
    normal_is("cn=\\#04AB", "cn=\\2304ab");
    normal_is("cn=", "cn=");
    normal_is("cn=\\00", "cn=\\00");
    static const char *const bad[] = {"x",       ",",        "cn=a,",   ",cn=a",    "cn=a,,dc=b", "=a",       "cn",
                                      "cn=a+",   "cn=a;b",   "cn=<a>",  "cn=\"a\"", "cn=a\\",     "cn=a\\x1", "cn=a\\1",
                                      "cn=\xff", "cn=#0",    "cn=#zz",  "c_n=a",    "2=a",        "2.05=a",   "2..5=a",
                                      "1cn=a",   "cn =a b,", "cn=#04x", "-cn=a",    "cn=a\xc3"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        normal_is(bad[i], NULL);
    struct pl_buf out = {0};
    assert_false(pl_dn_normal(&out, PL_STR("cn=a\0b"), NULL));
    assert_int_equal(out.len, 0);
    pl_buf_free(&out);
}

/* Plain DNs never reach the parser; a space in front, which means nothing, sends them there. Both must say the same. */
static void agree(struct pl_str dn)
{
    struct pl_buf spaced = {0}, a = {0}, b = {0};

    pl_buf_add_byte(&spaced, ' ');
    pl_buf_add(&spaced, dn);
    bool ok = pl_dn_normal(&a, dn, NULL);
    if (pl_dn_normal(&b, pl_buf_str(&spaced), NULL) != ok || !pl_str_eq(pl_buf_str(&a), pl_buf_str(&b)))
        fail_msg("%.*s: %s, and by the parser %s", (int)dn.len, dn.s, a.s ? a.s : "-", b.s ? b.s : "-");
    if (ok && (pl_dn_hash(dn) != pl_str_hash(pl_buf_str(&a)) || pl_dn_hash(pl_buf_str(&spaced)) != pl_dn_hash(dn)))
        fail_msg("%.*s: another hash", (int)dn.len, dn.s);
    pl_buf_free(&spaced);
    pl_buf_free(&a);
    pl_buf_free(&b);
}

static void test_plain(void **state)
{
    static const char *const pieces[] = {"a",  "Z",  "cn=", "ou=", "=",        "0",        "-",    ".",        ",",
                                         ", ", " ",  "  ",  "#",   "\xc3\xb5", "\xc3\x95", "\xc3", "\\2C",     "\\,",
                                         "+",  "\"", ";",   "<",   "\x1f",     "\x7f",     "_",    "2.5.4.3=", "~"};
    uint32_t seed = 7;
    char s[600] = "cn=";

    (void)state;
    for (unsigned round = 0; round < 200000; round++) {
        struct pl_buf b = {0};
        pl_buf_add_c(&b, round % 3 ? "uid=" : "");
        for (unsigned i = 0; i < 1 + round % 9; i++) {
            seed = seed * 1664525u + 1013904223u;
            pl_buf_add_c(&b, pieces[(seed >> 16) % (sizeof pieces / sizeof pieces[0])]);
        }
        agree(pl_buf_str(&b));
        pl_buf_free(&b);
    }
    memset(s + 3, 'X', sizeof s - 3);
    for (size_t len = 505; len < 520; len++)
        agree((struct pl_str){s, len});
}

static void test_compare(void **state)
{
    (void)state;
    assert_true(pl_dn_equal(PL_STR("CN=A, DC=b"), PL_STR("cn=\\61,dc=B")));
    assert_false(pl_dn_equal(PL_STR("cn=a,dc=b"), PL_STR("cn=a\\,dc=b")));
    assert_false(pl_dn_equal(PL_STR("broken"), PL_STR("broken")));
    assert_true(pl_dn_hash(PL_STR("CN=A, DC=b")) == pl_dn_hash(PL_STR("cn=a,dc=b")));
    assert_true(pl_dn_hash(PL_STR("broken")) != pl_dn_hash(PL_STR("Broken")));
    assert_true(pl_dn_under(PL_STR("cn=a,dc=b"), PL_STR("dc=b")));
    assert_true(pl_dn_under(PL_STR("cn=a,dc=b"), PL_STR("")));
    assert_true(pl_dn_under(PL_STR(""), PL_STR("")));
    assert_false(pl_dn_under(PL_STR("cn=xdc=b"), PL_STR("dc=b")));
    assert_false(pl_dn_under(PL_STR("cn=x\\,dc=b"), PL_STR("dc=b")));
    assert_false(pl_dn_under(PL_STR("xdc=b"), PL_STR("dc=b")));
    assert_false(pl_dn_under(PL_STR("cn=a+dc=b"), PL_STR("dc=b")));
    assert_false(pl_dn_under(PL_STR("dc=b"), PL_STR("cn=a,dc=b")));
}

/* What we take for a DN libldap takes too, with as many RDNs; the other way round we are stricter. */
static void test_never_looser(void **state)
{
    (void)state;
    static const char letters[] = "aAcn==,,++\\\\\"#;<> 02Fx.\xc3\xb5";
    uint32_t seed = 17;
    unsigned taken = 0;

    for (unsigned round = 0; round < 200000; round++) {
        char s[24];
        size_t len = 3 + round % 20, want = 1, got = 0;
        struct pl_buf out = {0};
        LDAPDN parsed = NULL;

        memcpy(s, "a=", 2);
        for (size_t i = 2; i < len; i++) {
            seed = seed * 1664525u + 1013904223u;
            s[i] = letters[(seed >> 16) % (sizeof letters - 1)];
        }
        s[len] = '\0'; /* libldap looks beyond the length */
        if (pl_dn_normal(&out, (struct pl_str){s, len}, NULL)) {
            struct berval bv = {len, s};
            taken++;
            if (ldap_bv2dn(&bv, &parsed, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
                fail_msg("only we read %.*s", (int)len, s);
            for (const char *c = out.s; *c; c++)
                want += *c == ',';
            while (parsed && parsed[got])
                got++;
            if (got != want)
                fail_msg("%.*s: %zu RDNs, libldap has %zu", (int)len, s, want, got);
            ldap_dnfree(parsed);
        }
        pl_buf_free(&out);
    }
    assert_true(taken > 1000);
}

static void test_domain(void **state)
{
    static const char *const cases[][2] = {{"CN=x,OU=p,DC=linn,DC=test", "DC=linn,DC=test"},
                                           {"dc=linn , dc = test", "dc=linn , dc = test"},
                                           {"OU=p, dc=linn", " dc=linn"},
                                           {"DC=a,OU=p,DC=b,DC=c", "DC=b,DC=c"},
                                           {"CN=a\\,DC=b,DC=c", "DC=c"},
                                           {"OU=p,O=linn", ""},
                                           {"DCX=a", ""},
                                           {"DC=a,O=b", ""},
                                           {"", ""},
                                           {"dc", ""}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pl_str got = pl_dn_domain(pl_str_c(cases[i][0]));
        if (!pl_str_eq_c(got, cases[i][1]))
            fail_msg("%s: %.*s", cases[i][0], (int)got.len, got.s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smuggling), cmocka_unit_test(test_normal),       cmocka_unit_test(test_plain),
        cmocka_unit_test(test_compare),   cmocka_unit_test(test_never_looser), cmocka_unit_test(test_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
