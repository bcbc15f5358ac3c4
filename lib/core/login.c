#include "login.h"

#include <stdio.h>
#include <string.h>
#include "login_fold.h"

/* The first `max` bytes without a separator at their end. */
static struct pl_str cut(struct pl_str s, size_t max)
{
    if (s.len > max)
        s.len = max;
    while (s.len > 0 && (s.s[s.len - 1] == '.' || s.s[s.len - 1] == '-'))
        s.len--;
    return s;
}

bool pl_login_base(char out[PL_LOGIN_MAX + 1], struct pl_str given, struct pl_str family, struct pl_str style,
                   struct pl_err *err)
{
    bool first_given = pl_str_eq_c(style, "gfamily"), first_family = pl_str_eq_c(style, "given.f"), ok;
    struct pl_buf g = {0}, f = {0};

    out[0] = '\0';
    if (!first_given && !first_family && style.len > 0 && !pl_str_eq_c(style, "given.family"))
        return pl_err_set(err, PL_ERR_CONF, 0, "Use given.family, gfamily or given.f.",
                          "there is no such form of log-ins");
    ok = pl_login_fold(&g, given, "given name", err) && pl_login_fold(&f, family, "family name", err);
    if (ok) {
        struct pl_str s;

        if (first_given)
            g.len = 1;
        else
            pl_buf_add_byte(&g, '.');
        pl_buf_add(&g, first_family ? (struct pl_str){f.s, 1} : pl_buf_str(&f));
        s = cut(pl_buf_str(&g), PL_LOGIN_MAX);
        memcpy(out, s.s, s.len);
        out[s.len] = '\0';
    }
    pl_buf_free(&g);
    pl_buf_free(&f);
    return ok;
}

void pl_login_candidate(char out[PL_LOGIN_MAX + 1], struct pl_str prefix, struct pl_str base, unsigned n)
{
    char number[16] = "";
    size_t digits = 0;

    if (n > 1)
        digits = (size_t)snprintf(number, sizeof number, "%u", n);
    if (prefix.len > PL_LOGIN_MAX - digits)
        prefix.len = PL_LOGIN_MAX - digits;
    base = cut(base, PL_LOGIN_MAX - digits - prefix.len);
    if (prefix.len > 0)
        memcpy(out, prefix.s, prefix.len);
    if (base.len > 0)
        memcpy(out + prefix.len, base.s, base.len);
    memcpy(out + prefix.len + base.len, number, digits + 1);
}
