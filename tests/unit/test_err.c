/* Errors as texts: whatever is put in, they stay terminated, whole characters, and say where. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

#define LONGEST (sizeof((struct pl_err *)0)->text - 1)

/* `lead` bytes of 'a' and then characters of three bytes: each lead puts the cut at another place in a character. */
static const char *euros(size_t lead)
{
    static char s[3000];
    size_t n = lead;

    memset(s, 'a', lead);
    for (; n + 3 < sizeof s; n += 3) {
        memcpy(s + n, "\xe2\x82\xac", 3);
    }
    s[n] = '\0';
    return s;
}

static void whole(const struct pl_err *e)
{
    assert_non_null(memchr(e->text, 0, sizeof e->text));
    assert_non_null(memchr(e->hint, 0, sizeof e->hint));
    assert_true(pl_str_is_utf8(pl_str_c(e->text)));
    assert_true(pl_str_is_utf8(pl_str_c(e->hint)));
}

static void test_cut(void **state)
{
    (void)state;
    for (size_t lead = 0; lead < 6; lead++) {
        struct pl_err e = {0};

        assert_false(pl_err_set(&e, PL_ERR_INPUT, 0, euros(lead), "%s", euros(lead)));
        whole(&e);
        assert_in_range(strlen(e.text), LONGEST - 2, LONGEST);
        assert_in_range(strlen(e.hint), sizeof e.hint - 3, sizeof e.hint - 1);

        assert_false(pl_err_prefix(&e, "%s", "line 7")); /* pushes the end out */
        whole(&e);
        assert_int_equal(strncmp(e.text, "line 7: ", 8), 0);

        assert_false(pl_err_prefix(&e, "%s", euros(lead))); /* leaves no room for the rest */
        whole(&e);
        assert_in_range(strlen(e.text), LONGEST - 2, LONGEST);

        for (size_t n = LONGEST - 4; n <= LONGEST + 1; n++) { /* the prefix ends where the text must */
            assert_false(pl_err_set(&e, PL_ERR_INPUT, 0, NULL, "\xc3\xb5\xc3\xa4"));
            assert_false(pl_err_prefix(&e, "%.*s", (int)n, euros(n)));
            whole(&e);
            assert_true(strlen(e.text) >= LONGEST - 2);
        }
    }
}

static void test_own_text(void **state)
{
    (void)state;
    struct pl_err e = {0};

    assert_false(pl_err_set(&e, PL_ERR_IO, 110, "wait", "no answer"));
    assert_int_equal(e.class, PL_ERR_IO);
    assert_int_equal(e.code, 110);
    assert_false(pl_err_set(&e, PL_ERR_STATE, -1, e.hint, "%s and %s", e.text, e.hint));
    assert_string_equal(e.text, "no answer and wait");
    assert_string_equal(e.hint, "wait");
    assert_false(pl_err_set(&e, PL_ERR_STATE, -1, e.text, "%s", e.hint)); /* the hint is the old text */
    assert_string_equal(e.text, "wait");
    assert_string_equal(e.hint, "no answer and wait");
    assert_false(pl_err_prefix(&e, "%s", e.text));
    assert_string_equal(e.text, "wait: wait");
    assert_int_equal(e.class, PL_ERR_STATE);
    assert_int_equal(e.code, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_own_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
