/* What a new entry gets: texts with {login}, {given}, {family}, {name}, {employee_no}, {unit}, {position} and {institution};
 * {given_ascii} and {family_ascii} are written as in a log-in, for addresses. */
#ifndef PL_CORE_TEMPLATE_H
#define PL_CORE_TEMPLATE_H

#include <stdbool.h>
#include "../base/arena.h"
#include "../base/str.h"

struct pl_words {
    struct pl_str login, given, family, employee_no, unit, position, institution;
};

/* The text with its words in place. `dn`: it is a DN, and values are escaped so that none can change its shape. Everything
 * else in braces stays as it is; the configuration's check lets nothing such in. Empty when a name cannot be written in the
 * letters that its word asks for. */
struct pl_str pl_template_render(struct pl_arena *a, struct pl_str text, const struct pl_words *words, bool dn);

/* The number that proves whose entry it is, from its template: an account of another purpose than "personal" has the
 * purpose behind it. Empty when the template gives nothing. */
struct pl_str pl_template_number(struct pl_arena *a, struct pl_str text, const struct pl_words *words,
                                 struct pl_str purpose);

#endif
