/* Log-ins: names as they come from personnel records, candidates at the limit, what is refused and how it is said. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/core/login.h"

static const char *made(struct pl_str given, struct pl_str family, const char *style)
{
    static char out[PL_LOGIN_MAX + 1];
    struct pl_err err = {0};

    if (!pl_login_base(out, given, family, pl_str_c(style), &err))
        fail_msg("%s %s", err.text, err.hint);
    return out;
}

static void is(const char *given, const char *family, const char *want)
{
    assert_string_equal(made(pl_str_c(given), pl_str_c(family), "given.family"), want);
    assert_string_equal(made(pl_str_c(given), pl_str_c(family), ""), want);
}

static void test_names(void **state)
{
    (void)state;
    is("MARY ÄNN", "O’CONNEŽ-ŠUSLIK", "mary-ann.oconnez-sus");
    is("Õnne-Liis", "Jäär-Üürikke", "onne-liis.jaar-uurik");
    is("Jüri", "Õun", "juri.oun");
    is("Juri", "Oun", "juri.oun");
    is("Ju\xcc\x88ri", "O\xcc\x83un", "juri.oun"); /* NFD */
    is("O'Neil", "O`Neil", "oneil.oneil");
    is("O\xca\xbcNeil", "O\xc2\xb4Neil", "oneil.oneil");
    is("Kask Mets", "Kask-Mets", "kask-mets.kask-mets");
    is("  Anu ", " de  Vries ", "anu.de-vries");
    is("J. R. (Jaan)", "St. Pierre", "j-r-jaan.st-pierre");
    is("Łukasz", "Ødegård", "lukasz.odegard");
    is("Đorđe", "Ðþß", "dorde.dthss");
    is("Æsa", "Œuvré", "aesa.oeuvre");
    is("İbrahim", "Işık", "ibrahim.isik");
    is("STRAẞE", "ǽ", "strasse.ae");
    is("Ǆ", "ﬁn", "dz.fin");
    is("-Anna\xe2\x80\x93Liis-", "\xe2\x80\x9cTamm\xe2\x80\x9d", "anna-liis.tamm");
    is("a", "b", "a.b");
    assert_string_equal(made(pl_str_c("Õnne"), pl_str_c("Üürikke"), "gfamily"), "ouurikke");
    assert_string_equal(made(pl_str_c("Õnne"), pl_str_c("Üürikke"), "given.f"), "onne.u");
    assert_string_equal(made(pl_str_c("Þór"), pl_str_c("ß"), "gfamily"), "tss");
}

static void test_same(void **state)
{
    (void)state;
    static const char *const same[][2] = {{"jaan.oun", "Jaan.Õun"},       {"jaan.oun", "JAAN.O\xcc\x83UN"},
                                          {"zorz.suslik", "žorž.šuslik"}, {"strasse", "Straße"},
                                          {"a_b-c.d", "A_B-C.D"},         {"", ""},
                                          {"сергей", "сергей"},           {"\xff", "\xff"}};
    static const char *const apart[][2] = {{"jaan.oun", "jaanoun"},
                                           {"jaan.oun", "jaan.oun2"},
                                           {"jaan.oun", "jaan_oun"},
                                           {"jaan.oun", "jaan.oun "},
                                           {"a", ""},
                                           {"сергей", "сергеи"},
                                           {"\xff", "\xfe"},
                                           {"a-b", "a--b"}};

    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (!pl_login_same(pl_str_c(same[i][0]), pl_str_c(same[i][1])))
            fail_msg("%s and %s are not the same", same[i][0], same[i][1]);
    for (size_t i = 0; i < sizeof apart / sizeof apart[0]; i++)
        if (pl_login_same(pl_str_c(apart[i][0]), pl_str_c(apart[i][1])))
            fail_msg("%s and %s are the same", apart[i][0], apart[i][1]);
    assert_false(pl_login_same(PL_STR("a\0b"), PL_STR("a")));
}

static void refused(struct pl_str given, struct pl_str family, const char *has)
{
    char out[PL_LOGIN_MAX + 1] = "x";
    struct pl_err err = {0};

    if (pl_login_base(out, given, family, PL_STR("given.family"), &err))
        fail_msg("made %s", out);
    assert_string_equal(out, "");
    if (!strstr(err.text, has))
        fail_msg("\"%s\" does not say %s", err.text, has);
    assert_true(err.hint[0] != '\0');
    for (const char *c = err.text; *c; c++)
        assert_in_range((unsigned char)*c, ' ', '~'); /* the name itself is not repeated */
}

static void test_refused(void **state)
{
    (void)state;
    struct pl_str ok = PL_STR("Anu"), none = {NULL, 0};

    refused(PL_STR("Сергей"), ok, "U+0421");
    refused(ok, PL_STR("Tаmm"), "U+0430"); /* a Cyrillic letter that looks like the Latin one */
    refused(ok, PL_STR("Ωμ"), "U+03A9");
    refused(ok, PL_STR("\xf0\x9f\x98\x80"), "U+1F600");
    refused(ok, PL_STR("a\nb"), "U+000A");
    refused(ok,
            PL_STR("a\xe2\x80\x8b"
                   "b"),
            "U+200B");
    refused(ok, PL_STR("a=b"), "U+003D");
    refused(ok, PL_STR("a\0b"), "family name is not UTF-8");
    refused(PL_STR("a\xff"), ok, "given name is not UTF-8");
    refused(PL_STR("\xed\xa0\x80"), ok, "given name is not UTF-8");
    refused(none, ok, "given name");
    refused(ok, PL_STR(""), "family name");
    refused(ok, PL_STR("-"), "family name");
    refused(PL_STR("' . ()"), ok, "given name");
    refused(ok, PL_STR("\xcc\x83"), "family name"); /* a mark without its letter */
    char out[PL_LOGIN_MAX + 1];
    assert_false(pl_login_base(out, ok, ok, PL_STR("family"), NULL));
    assert_false(pl_login_base(out, ok, PL_STR("Ж"), PL_STR("gfamily"), NULL));
}

static bool well_formed(const char *s)
{
    size_t n = strlen(s);

    if (n == 0 || n > PL_LOGIN_MAX || strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool sep = s[i] == '.' || s[i] == '-';
        if (sep && (i == 0 || i + 1 == n || s[i + 1] == '.' || s[i + 1] == '-'))
            return false;
    }
    return true;
}

/* Whatever comes: well-formed or refused. Pieces are put together at random, always the same ones. */
static void test_any(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a", "Õ", "-",         " ", ".",  "'", "’", "ß", "(",
                                         ")", "Ž", "n\xcc\x83", "–", "bc", "_", "9", "ı", "\xc2\xa0"};
    static const char *const styles[] = {"given.family", "gfamily", "given.f"};
    uint32_t seed = 5;
    unsigned taken = 0;

    for (unsigned round = 0; round < 60000; round++) {
        struct pl_buf n[2] = {{0}, {0}};
        char out[PL_LOGIN_MAX + 1];

        for (unsigned k = 0; k < 2 + round % 30; k++) {
            seed = seed * 1664525u + 1013904223u;
            pl_buf_add_c(&n[seed >> 31], pieces[(seed >> 8) % (sizeof pieces / sizeof pieces[0])]);
        }
        if (pl_login_base(out, pl_buf_str(&n[0]), pl_buf_str(&n[1]), pl_str_c(styles[round % 3]), NULL)) {
            taken++;
            if (!well_formed(out))
                fail_msg("\"%s\" from \"%s\" and \"%s\"", out, n[0].s, n[1].s);
        }
        pl_buf_free(&n[0]);
        pl_buf_free(&n[1]);
    }
    assert_true(taken > 10000);
}

static void candidate(const char *prefix, const char *base, unsigned n, const char *want)
{
    char out[PL_LOGIN_MAX + 1];

    memset(out, 'x', sizeof out);
    pl_login_candidate(out, pl_str_c(prefix), pl_str_c(base), n);
    assert_string_equal(out, want);
}

static void test_candidates(void **state)
{
    (void)state;
    candidate("", "mari.tamm", 0, "mari.tamm");
    candidate("", "mari.tamm", 1, "mari.tamm");
    candidate("", "mari.tamm", 2, "mari.tamm2");
    candidate("", "abcdefghij.klmnopqrs", 1, "abcdefghij.klmnopqrs");
    candidate("", "abcdefghij.klmnopqrs", 2, "abcdefghij.klmnopqr2");
    candidate("", "abcdefghij.klmnopqrs", 10, "abcdefghij.klmnopq10");
    candidate("adm-", "abcdefghij.klmnopqrs", 1, "adm-abcdefghij.klmno");
    candidate("adm-", "abcdefghijklmno.pqrs", 1, "adm-abcdefghijklmno"); /* no '.' at the end */
    candidate("adm-", "abcdefghijklmno.pqrs", 2, "adm-abcdefghijklmno2");
    candidate("adm-", "abcdefghijklmn.opqrs", 2, "adm-abcdefghijklmn2"); /* nor before the number */
    candidate("", "abcdefghij.klmnopqrs", 4294967295u, "abcdefghij4294967295");
    candidate("a-prefix-that-is-far-too-long-", "mari", 12, "a-prefix-that-is-f12");
    candidate("", "", 3, "3");
    char out[PL_LOGIN_MAX + 1];
    pl_login_candidate(out, (struct pl_str){NULL, 0}, (struct pl_str){NULL, 0}, 1);
    assert_string_equal(out, "");
}

static void nfc(const char *name, const char *want)
{
    struct pl_buf b = {0};

    assert_true(pl_name_nfc(&b, pl_str_c(name), NULL));
    assert_string_equal(pl_buf_str(&b).s, want);
    pl_buf_free(&b);
}

static void test_nfc(void **state)
{
    (void)state;
    struct pl_buf b = {0};
    struct pl_err err = {0};

    nfc("Õunapuu", "õunapuu");
    nfc("O\xcc\x83unapuu", "õunapuu");
    nfc("Сергей", "сергей"); /* matching is not making a log-in */
    nfc("", "");
    nfc("STRASSE", "strasse");
    nfc("straße", "strasse");
    pl_buf_add_c(&b, "kept");
    assert_false(pl_name_nfc(&b, PL_STR("a\0b"), &err));
    assert_false(pl_name_nfc(&b, PL_STR("\xc3"), &err));
    assert_string_equal(b.s, "kept");
    assert_true(pl_name_nfc(&b, PL_STR("Ä"), &err));
    assert_string_equal(b.s, "keptä");
    pl_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names), cmocka_unit_test(test_same),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_any),   cmocka_unit_test(test_candidates), cmocka_unit_test(test_nfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
