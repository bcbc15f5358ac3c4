/* A name that HR changes: what an entry shows of it, and what is written. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/core/names.h"

static void test_table(void **state)
{
    static const char expected[PL_NAME_COUNT][3] = {
        [PL_NAME_SAME] = "..", [PL_NAME_FORMER] = "w!", [PL_NAME_OTHER] = "!!", [PL_NAME_TAKEN] = "!!"};
    unsigned hits[16] = {0};

    (void)state;
    for (unsigned v = 0; v < PL_NAME_COUNT; v++)
        for (unsigned fought = 0; fought < 2; fought++) {
            const struct pl_name_row *r = pl_name_step((enum pl_name_seen)v, fought);
            char done = r->op == PL_OP_NONE ? '.' : r->op == PL_OP_RENAME ? 'w' : r->op == PL_OP_REPORT ? '!' : '?';

            assert_int_equal(done, expected[v][fought]);
            assert_int_equal(r->op == PL_OP_REPORT, r->finding != NULL);
            hits[r - pl_name_table]++;
        }
    for (size_t i = 0; i < pl_name_rows; i++) {
        assert_true(hits[i] > 0);
        assert_true(i == 0 || pl_name_table[i].id > pl_name_table[i - 1].id);
        assert_int_equal(pl_name_table[i].sentence[strlen(pl_name_table[i].sentence) - 1], '.');
    }
}

/* ---- what is seen ---- */

static const struct pl_words words = {
    .login = {"mari.tamm", 9}, .given = {"Mari", 4}, .family = {"Kask", 4}, .unit = {"Kantselei", 9}};
static const struct pl_name former[] = {{{"Mari", 4}, {"Tamm", 4}}, {{"Maria", 5}, {"Tamm", 4}}};

static enum pl_name_seen seen(const char *text, const char *const *values, const char *want, const char *was)
{
    struct pl_arena *a = pl_arena_new();
    struct pl_str v[4], w = {"", 0}, old = {"", 0};
    struct pl_attr attr = {PL_STR("DISPLAYNAME"), v, 0};
    struct pl_entry e = {PL_STR("uid=x"), &attr, 1};
    struct pl_kept k = {PL_STR("displayName"), pl_str_c(text)};

    for (; values[attr.n]; attr.n++)
        v[attr.n] = pl_str_c(values[attr.n]);
    enum pl_name_seen s = pl_name_seen(a, &k, &e, &words, former, 2, &w, &old);
    assert_true(pl_str_eq_c(w, want));
    assert_true(s != PL_NAME_FORMER || pl_str_eq_c(old, was));
    pl_arena_free(a);
    return s;
}
#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_seen(void **state)
{
    (void)state;
    const char *now = "Kask, Mari";

    assert_int_equal(seen("{family}, {given}", VALUES("Kask, Mari"), now, ""), PL_NAME_SAME);
    assert_int_equal(seen("{family}, {given}", VALUES("Tamm, Mari"), now, "Tamm, Mari"), PL_NAME_FORMER);
    assert_int_equal(seen("{family}, {given}", VALUES("Tamm, Maria"), now, "Tamm, Maria"), PL_NAME_FORMER);
    assert_int_equal(seen("{family}, {given}", VALUES("Tamm, Mari (puhkusel)"), now, ""), PL_NAME_OTHER);
    assert_int_equal(seen("{family}, {given}", VALUES("tamm, mari"), now, ""), PL_NAME_OTHER);
    assert_int_equal(seen("{family}, {given}", VALUES("Saar, Mari"), now, ""), PL_NAME_OTHER);
    assert_int_equal(seen("{family}, {given}", (const char *const[]){NULL}, now, ""), PL_NAME_OTHER);
    /* several values: one that is right is enough; else the one that is out of date */
    assert_int_equal(seen("{family}, {given}", VALUES("Tamm, Mari", "Kask, Mari"), now, ""), PL_NAME_SAME);
    assert_int_equal(seen("{family}, {given}", VALUES("M. T.", "Tamm, Mari"), now, "Tamm, Mari"), PL_NAME_FORMER);
    /* in the letters of an address; a name that has none for it gives no address, and nothing is written */
    assert_int_equal(seen("{given_ascii}.{family_ascii}@x", VALUES("mari.tamm@x"), "mari.kask@x", "mari.tamm@x"),
                     PL_NAME_FORMER);
    assert_int_equal(seen("{given_ascii}.{family_ascii}@x", VALUES("Mari.Tamm@x"), "mari.kask@x", ""), PL_NAME_OTHER);
    /* what of the name did not change is the same */
    assert_int_equal(seen("{given}", VALUES("Mari"), "Mari", ""), PL_NAME_SAME);
    assert_int_equal(seen("{given}", VALUES("Maria"), "Mari", "Maria"), PL_NAME_FORMER);
    assert_int_equal(
        seen("{name} ({login})", VALUES("Mari Tamm (mari.tamm)"), "Mari Kask (mari.tamm)", "Mari Tamm (mari.tamm)"),
        PL_NAME_FORMER);
}

static void test_letters(void **state)
{
    static const struct {
        const char *given, *family, *mail;
    } t[] = {{"Õie-Mai", "Jäär", "oie-mai.jaar@x"},
             {"Žanna", "Šmidt", "zanna.smidt@x"},
             {"O'Connor, jr", "Ülo", "oconnor-jr.ulo@x"},
             {"Мари", "Tamm", ""},
             {"Mari", "", ""},
             {"Mari", "\x01", ""}};
    struct pl_arena *a = pl_arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct pl_words w = {.given = pl_str_c(t[i].given), .family = pl_str_c(t[i].family)};
        struct pl_str v = {"", 0}, want, was;
        struct pl_attr mail = {PL_STR("mail"), &v, 1};
        struct pl_entry e = {PL_STR("uid=x"), &mail, 1};
        struct pl_kept k = {PL_STR("mail"), PL_STR("{given_ascii}.{family_ascii}@x")};

        assert_int_equal(pl_name_seen(a, &k, &e, &w, NULL, 0, &want, &was), PL_NAME_OTHER);
        assert_true(pl_str_eq_c(want, t[i].mail));
    }
    pl_arena_free(a);
}

/* ---- what is written ---- */

static void writes(const char *attr, const char *alias, const char *const *aliases, const char *want)
{
    static const char kinds[] = {[PL_MOD_ADD] = '+', [PL_MOD_DELETE] = '-', [PL_MOD_REPLACE] = '='};
    struct pl_arena *a = pl_arena_new();
    struct pl_str v[4];
    struct pl_attr now = {pl_str_c(alias), v, 0};
    struct pl_entry e = {PL_STR("uid=x"), &now, 1};
    struct pl_mod mods[PL_NAME_MODS];
    struct pl_buf b = {0};

    for (; aliases[now.n]; now.n++)
        v[now.n] = pl_str_c(aliases[now.n]);
    e.n = now.n > 0;
    size_t n = pl_name_mods(a, &e, pl_str_c(attr), PL_STR("tamm@x"), PL_STR("kask@x"), pl_str_c(alias), mods);
    assert_in_range(n, 2, PL_NAME_MODS);
    for (size_t i = 0; i < n; i++) {
        pl_buf_printf(&b, "%s%c%.*s", i ? " " : "", kinds[mods[i].kind], (int)mods[i].attr.len, mods[i].attr.s);
        for (size_t k = 0; k < mods[i].n; k++)
            pl_buf_printf(&b, "|%.*s", (int)mods[i].values[k].len, mods[i].values[k].s);
    }
    assert_string_equal(b.s, want);
    pl_buf_free(&b);
    pl_arena_free(a);
}
#define NONE ((const char *const[]){NULL})

static void test_mods(void **state)
{
    (void)state;
#define MAIL "-mail|tamm@x +mail|kask@x"
    writes("sn", "", NONE, "-sn|tamm@x +sn|kask@x");
    writes("sn", "proxyAddresses", NONE, "-sn|tamm@x +sn|kask@x");
    writes("mail", "", NONE, MAIL);
    writes("MAIL", "mailAlias", NONE, "-MAIL|tamm@x +MAIL|kask@x +mailAlias|tamm@x");
    writes("mail", "mailAlias", VALUES("muu@x"), MAIL " +mailAlias|tamm@x");
    writes("mail", "mailAlias", VALUES("TAMM@x"), MAIL); /* it stands there */
    /* as Exchange has it: the one in use is written in capitals */
    writes("mail", "proxyAddresses", NONE, MAIL " +proxyAddresses|smtp:tamm@x");
    writes("mail", "proxyAddresses", VALUES("smtp:TAMM@x"), MAIL);
    writes("mail", "proxyAddresses", VALUES("X400:tamm@x", "SMTP:muu@x"), MAIL " +proxyAddresses|smtp:tamm@x");
    writes("mail", "proxyAddresses", VALUES("SMTP:tamm@x", "smtp:muu@x"),
           MAIL " -proxyAddresses|SMTP:tamm@x +proxyAddresses|SMTP:kask@x|smtp:tamm@x");
    writes("mail", "proxyAddresses", VALUES("SMTP:tamm@x", "smtp:Kask@x"), /* back to a name of before */
           MAIL " -proxyAddresses|SMTP:tamm@x|smtp:Kask@x +proxyAddresses|SMTP:kask@x|smtp:tamm@x");
}

/* ---- whose it is ---- */

static void asks(const char *address, const char *alias, bool exchange, const char *want)
{
    struct pl_arena *a = pl_arena_new();
    struct pl_buf b = {0};

    pl_name_owner_filter(&b, a, pl_str_c(address), pl_str_c(alias), exchange);
    assert_string_equal(b.s, want);
    pl_buf_free(&b);
    pl_arena_free(a);
}

static void test_owner(void **state)
{
    (void)state;
    asks("kask@x", "", false, "(|(mail=kask@x))");
    asks("kask@x", "mailAlias", false, "(|(mail=kask@x)(mailAlias=kask@x))");
    asks("kask@x", "proxyAddresses", false, "(|(mail=kask@x)(proxyAddresses=smtp:kask@x))");
    asks("kask@x", "", true, "(|(mail=kask@x)(proxyAddresses=smtp:kask@x))");
    asks("kask@x", "mailAlias", true, "(|(mail=kask@x)(proxyAddresses=smtp:kask@x)(mailAlias=kask@x))");
    asks("a*)(uid=x@x", "", false, "(|(mail=a\\2A\\29\\28uid=x@x))");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table), cmocka_unit_test(test_seen),  cmocka_unit_test(test_letters),
        cmocka_unit_test(test_mods),  cmocka_unit_test(test_owner),
    };

    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
