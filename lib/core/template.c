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

static struct pl_str full_name(struct pl_arena *a, const struct pl_words *words)
{
    size_t given = words->given.len, family = words->family.len;
    char *name = pl_arena_array(a, given + family + 2, 1);
    if (given > 0)
        memcpy(name, words->given.s, given);
    name[given] = ' ';
    if (family > 0)
        memcpy(name + given + 1, words->family.s, family);
    return (struct pl_str){name, given + 1 + family};
}

struct word {
    struct pl_str word, value; /* the name is put together when it is met */
    bool folded, name;
};

/* The word that stands at the head of the text; NULL: a brace that is none. */
static const struct word *word_at(const struct word *known, size_t n, struct pl_str text)
{
    for (size_t k = 0; k < n; k++)
        if (text.len >= known[k].word.len && memcmp(text.s, known[k].word.s, known[k].word.len) == 0)
            return &known[k];
    return NULL;
}

struct pl_str pl_template_render(struct pl_arena *a, struct pl_str text, const struct pl_words *words, bool dn)
{
    const struct word known[] = {{.word = PL_STR("{given" ASCII "}"), .value = words->given, .folded = true},
                                 {.word = PL_STR("{family" ASCII "}"), .value = words->family, .folded = true},
                                 {.word = PL_STR("{login}"), .value = words->login},
                                 {.word = PL_STR("{given}"), .value = words->given},
                                 {.word = PL_STR("{family}"), .value = words->family},
                                 {.word = PL_STR("{name}"), .name = true},
                                 {.word = PL_STR("{employee_no}"), .value = words->employee_no},
                                 {.word = PL_STR("{unit}"), .value = words->unit},
                                 {.word = PL_STR("{position}"), .value = words->position},
                                 {.word = PL_STR("{institution}"), .value = words->institution}};
    struct pl_buf b = {0};
    bool whole = true;
    while (text.len > 0) {
        const char *brace = memchr(text.s, '{', text.len);
        size_t n = brace ? (size_t)(brace - text.s) : text.len;
        pl_buf_add(&b, (struct pl_str){text.s, n}); /* what stands between words */
        text = (struct pl_str){text.s + n, text.len - n};
        if (text.len == 0)
            break;
        const struct word *w = word_at(known, sizeof known / sizeof known[0], text);
        struct pl_str value = {text.s, 1};
        if (w)
            value = w->folded ? folded(a, w->value) : w->name ? full_name(a, words) : w->value;
        whole = whole && !(w && w->folded && value.len == 0);
        if (w && dn)
            pl_dn_escape(&b, value);
        else
            pl_buf_add(&b, value);
        n = w ? w->word.len : 1;
        text = (struct pl_str){text.s + n, text.len - n};
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
