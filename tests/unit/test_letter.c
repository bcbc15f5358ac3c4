/* The letter's words in both languages, and that whatever stands in a line, it stays on its page. */
#include "../../daemon/ctl/letter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <utf8proc.h>

static size_t columns(const char *s, size_t len)
{
    size_t w = 0;
    for (const char *p = s; p < s + len;) {
        utf8proc_int32_t u;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)p, (utf8proc_ssize_t)(s + len - p), &u);
        assert_true(n > 0); /* whole characters only */
        w += (size_t)utf8proc_charwidth(u);
        p += n;
    }
    return w;
}

static bool has(const char *text, const char *what)
{
    return strstr(text, what) != NULL;
}

static void test_every_word_in_both_languages(void **state)
{
    (void)state;
    for (int w = 0; w < LW_COUNT; w++) {
        const char *et = letter_text(LETTER_ET, (enum letter_word)w), *en = letter_text(LETTER_EN, (enum letter_word)w);
        assert_non_null(et);
        assert_non_null(en);
        assert_true(*et && *en);
        assert_string_not_equal(et, en);
        for (const char *p = "123"; *p; p++) {
            char slot[] = {'{', *p, '}', '\0'};
            assert_int_equal(has(et, slot), has(en, slot));
            assert_true(*p != '3' || !has(et, slot));
        }
        assert_false(has(et, "  ") || has(en, "  ") || has(et, "\n") || has(en, "\n"));
        /* Estonian has no such letters; a wrong hand on the keyboard has. */
        for (const char *const *bad = (const char *const[]){"ō", "ã", "ó", "å", "ø", "ö̈", "ſ", "ÿ", NULL}; *bad; bad++)
            assert_false(has(et, *bad));
    }
}

static void test_labels_leave_room_for_values(void **state)
{
    (void)state;
    for (int w = LW_INSTITUTION; w <= LW_MANAGER; w++)
        for (int lang = 0; lang < 2; lang++) {
            const char *label = letter_text((enum letter_lang)lang, (enum letter_word)w);
            assert_true(columns(label, strlen(label)) <= 17);
        }
    for (int w = LW_OPEN; w <= LW_OBSERVE; w++) /* the third column of an account */
        for (int lang = 0; lang < 2; lang++) {
            const char *state_word = letter_text((enum letter_lang)lang, (enum letter_word)w);
            assert_true(columns(state_word, strlen(state_word)) <= 28);
        }
}

static void test_languages(void **state)
{
    enum letter_lang lang = LETTER_ET;
    (void)state;
    assert_true(letter_lang_parse("en", &lang));
    assert_int_equal(lang, LETTER_EN);
    assert_true(letter_lang_parse("et", &lang));
    assert_int_equal(lang, LETTER_ET);
    assert_false(letter_lang_parse("ru", &lang));
    assert_false(letter_lang_parse("", &lang));
    assert_string_equal(letter_code(LETTER_EN), "en");
}

static uint32_t seed = 1;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

/* Words of any length, some wide, some combining, some unseen, some no UTF-8. */
static char *any_text(void)
{
    static const char *const pieces[] = {"a",    "õ", "日", "𝕏", "e\xcc\x81", "\xe2\x80\xae", "\x1b",
                                         "\xff", "-", " ",  " ", "  ",        "\n",           "<b>"};
    struct pl_buf b = {0};
    for (uint32_t n = draw(4) == 0 ? draw(1200) : draw(120); n > 0; n--)
        pl_buf_add_c(&b, draw(6) ? "k" : pieces[draw(sizeof pieces / sizeof pieces[0])]);
    char *out = strdup(b.s ? b.s : "");
    pl_buf_free(&b);
    assert_non_null(out);
    return out;
}

static void check_page(const char *page, int lines)
{
    int n = 0;
    for (const char *p = page, *end; *p; p = end + 1, n++) {
        end = strchr(p, '\n');
        assert_non_null(end);
        if (columns(p, (size_t)(end - p)) > LETTER_COLUMNS)
            fail_msg("%zu columns: %.*s", columns(p, (size_t)(end - p)), (int)(end - p), p);
    }
    assert_int_equal(n, lines);
}

static void test_no_line_is_too_wide(void **state)
{
    static const int most[] = {
        [LK_TITLE] = 2, [LK_WELCOME] = 4, [LK_PAIR] = 2, [LK_HEAD] = 2,  [LK_ACCOUNT] = 1, [LK_RIGHT] = 4,
        [LK_PARA] = 4,  [LK_SECRET] = 4,  [LK_DUTY] = 5, [LK_SMALL] = 4, [LK_SIGN] = 2};
    (void)state;
    for (int i = 0; i < 4000; i++) {
        struct letter l = {.n = 1};
        struct pl_buf page = {0};
        enum letter_kind k = (enum letter_kind)draw(LK_SIGN + 1);
        l.line[0].kind = k;
        for (int t = 0; t < 3; t++)
            l.line[0].text[t] = any_text();
        if (k == LK_TITLE || k == LK_HEAD || k == LK_PAIR) { /* ours */
            free(l.line[0].text[0]);
            l.line[0].text[0] = strdup("Ametikoht");
        }
        if (k == LK_TITLE) {
            free(l.line[0].text[1]);
            l.line[0].text[1] = strdup("01.02.2026");
        }
        int lines = letter_print_text(&l, &page);
        check_page(page.s, lines);
        assert_true(lines <= most[k]);
        pl_buf_free(&page);
        letter_free(&l);
    }
}

static char *text_of(enum letter_kind k, const char *a, const char *b)
{
    struct letter l = {.n = 1};
    struct pl_buf page = {0};
    l.line[0] = (struct letter_line){k, {strdup(a), b ? strdup(b) : NULL, NULL}};
    letter_print_text(&l, &page);
    letter_free(&l);
    return page.s;
}

static void expect(enum letter_kind k, const char *a, const char *b, const char *want)
{
    char *got = text_of(k, a, b);
    assert_string_equal(got, want);
    free(got);
}

#define TEN     "abcdefghij"
#define SEVENTY TEN TEN TEN TEN TEN TEN TEN

static void test_where_lines_break(void **state)
{
    (void)state;
    expect(LK_PARA, "üks kaks", NULL, "  üks kaks\n");
    expect(LK_PARA, SEVENTY " abcdefg", NULL, "  " SEVENTY " abcdefg\n");      /* exactly 80 */
    expect(LK_PARA, SEVENTY " abcdefgh", NULL, "  " SEVENTY "\n  abcdefgh\n"); /* one more */
    expect(LK_PARA, SEVENTY TEN "12345", NULL, "  " SEVENTY "abcdefgh\n  ij12345\n");
    expect(LK_PARA, "", NULL, "  \n");
    expect(LK_RIGHT, SEVENTY "12345678", NULL, "  " SEVENTY "12345678\n");
    expect(LK_RIGHT, SEVENTY "123456789", NULL, "  " SEVENTY "1234567…\n");
    expect(LK_RIGHT, SEVENTY "1234567 9", NULL, "  " SEVENTY "1234567…\n");
    expect(LK_RIGHT, SEVENTY "123456 89", NULL, "  " SEVENTY "123456 …\n");
    expect(LK_RIGHT, "A: b c", NULL, "  A: b c\n");
    expect(LK_RIGHT, "STAR", "kontakt", "  STAR\n      kontakt\n");
    expect(LK_PAIR, "Ametikoht", "juht", "Ametikoht:         juht\n");
    expect(LK_PARA,
           "a\xe2\x80\xae"
           "b\x1b",
           NULL, "  a\\u202eb\\x1b\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_word_in_both_languages),
        cmocka_unit_test(test_labels_leave_room_for_values),
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_no_line_is_too_wide),
        cmocka_unit_test(test_where_lines_break),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
