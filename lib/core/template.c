#include "template.h"

#include <string.h>
#include "../directory/dn.h"

struct pl_str pl_template_render(struct pl_arena *a, struct pl_str text, const struct pl_words *words, bool dn)
{
    struct pl_str name =
        pl_arena_printf(a, "%.*s %.*s", (int)words->given.len, words->given.s, (int)words->family.len, words->family.s);
    const struct {
        const char *word;
        struct pl_str value;
    } known[] = {{"{login}", words->login},
                 {"{given}", words->given},
                 {"{family}", words->family},
                 {"{name}", name},
                 {"{employee_no}", words->employee_no},
                 {"{unit}", words->unit},
                 {"{position}", words->position},
                 {"{institution}", words->institution}};
    struct pl_buf b = {0};
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
        if (dn)
            pl_dn_escape(&b, known[k].value);
        else
            pl_buf_add(&b, known[k].value);
        i += strlen(known[k].word);
    }
    struct pl_str out = pl_arena_str(a, pl_buf_str(&b));
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
