#include "template.h"

#include <string.h>
#include "../directory/dn.h"
#include "login_fold.h"

#define ASCII "_ascii"

/* As in a log-in; empty when it cannot be. */
static struct pl_str folded(struct pl_arena *a, struct pl_str name)
{
    struct pl_buf b = {0};
    struct pl_err err = {0};
    struct pl_str out = {"", 0};
    if (pl_login_fold(&b, name, "", &err))
        out = pl_arena_str(a, pl_buf_str(&b));
    pl_buf_free(&b);
    return out;
}

struct pl_str pl_template_render(struct pl_arena *a, struct pl_str text, const struct pl_words *words, bool dn)
{
    struct pl_str name =
        pl_arena_printf(a, "%.*s %.*s", (int)words->given.len, words->given.s, (int)words->family.len, words->family.s);
    const bool folds = memmem(text.s, text.len, ASCII "}", sizeof ASCII) != NULL;
    const struct {
        const char *word;
        struct pl_str value;
    } known[] = {{"{given" ASCII "}", folds ? folded(a, words->given) : (struct pl_str){"", 0}},
                 {"{family" ASCII "}", folds ? folded(a, words->family) : (struct pl_str){"", 0}},
                 {"{login}", words->login},
                 {"{given}", words->given},
                 {"{family}", words->family},
                 {"{name}", name},
                 {"{employee_no}", words->employee_no},
                 {"{unit}", words->unit},
                 {"{position}", words->position},
                 {"{institution}", words->institution}};
    enum { N_FOLDED = 2 };
    struct pl_buf b = {0};
    bool whole = true;
    for (size_t i = 0; i < text.len;) {
        size_t k = 0, n = sizeof known / sizeof known[0];
        for (; k < n; k++) {
            size_t len = strlen(known[k].word);
            if (text.len - i >= len && memcmp(text.s + i, known[k].word, len) == 0)
                break;
        }
        if (k == n) {
            pl_buf_add_byte(&b, text.s[i++]);
            continue;
        }
        whole = whole && (k >= N_FOLDED || known[k].value.len > 0);
        if (dn)
            pl_dn_escape(&b, known[k].value);
        else
            pl_buf_add(&b, known[k].value);
        i += strlen(known[k].word);
    }
    struct pl_str out = whole ? pl_arena_str(a, pl_buf_str(&b)) : (struct pl_str){"", 0};
    pl_buf_free(&b);
    return out;
}

struct pl_str pl_template_number(struct pl_arena *a, struct pl_str text, const struct pl_words *words,
                                 struct pl_str purpose)
{
    struct pl_str number = pl_template_render(a, text, words, false);
    if (number.len == 0 || pl_str_eq_c(purpose, "personal"))
        return number;
    return pl_arena_printf(a, "%.*s/%.*s", (int)number.len, number.s, (int)purpose.len, purpose.s);
}
