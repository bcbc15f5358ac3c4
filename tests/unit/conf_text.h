/* Words for tests of paasla.conf. */
#ifndef TEST_CONF_TEXT_H
#define TEST_CONF_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/conf/conf.h"
#include "source.h"

/* The least that is a configuration. */
#define DATABASE "[database]\nconnection = host=/run/postgresql dbname=paasla\n"
#define DIRECTORY_NAMED(name, extra)                                                                                   \
    "[directory " name "]\nuris = ldapi://%2frun%2fldapi\nsasl = external\npeople_base = ou=p,dc=x\n"                  \
    "group_base = ou=g,dc=x\ncanary_dn = uid=c,ou=p,dc=x\nrdn_template = uid={login},ou=p,dc=x\n" extra
#define DIRECTORY(extra) DIRECTORY_NAMED("linn", extra)
#define WITHOUT_LOGON                                                                                                  \
    "[directory linn]\npeople_base = ou=p,dc=x\ngroup_base = ou=g,dc=x\ncanary_dn = uid=c,ou=p,dc=x\n"                 \
    "rdn_template = uid={login},ou=p,dc=x\n"
#define PASSWORD "bind_dn = cn=a,dc=x\npassword_file = /p\n"

static inline struct pl_conf *parse(struct pl_str text, struct pl_err *err)
{
    char *own = test_malloc(text.len + 1); /* of exact size and without a NUL: one byte too far is seen */
    struct pl_conf *c;

    *err = (struct pl_err){0};
    memcpy(own, text.s, text.len);
    c = pl_conf_parse("x.conf", (struct pl_str){own, text.len}, err);
    test_free(own);
    return c;
}

static inline struct pl_conf *good(const char *text)
{
    struct pl_err err;
    struct pl_conf *c = parse(pl_str_c(text), &err);

    if (c == NULL)
        fail_msg("refused: %s", err.text);
    return c;
}

static inline void accepted(const char *text)
{
    pl_conf_free(good(text));
}

static inline void refused_bytes(struct pl_str text, const char *says)
{
    struct pl_err err;
    struct pl_conf *c = parse(text, &err);

    if (c != NULL)
        fail_msg("taken, though: %s", says);
    assert_int_equal(err.class, PL_ERR_CONF);
    assert_true(pl_str_is_utf8(pl_str_c(err.text)) && pl_str_is_utf8(pl_str_c(err.hint)));
    if (strncmp(err.text, "x.conf:", 7) != 0 || strstr(err.text, says) == NULL)
        fail_msg("'%s' lacks '%s'", err.text, says);
}

static inline void refused(const char *text, const char *says)
{
    refused_bytes(pl_str_c(text), says);
}

static inline void assert_text(struct pl_str got, const char *want)
{
    if (!pl_str_eq_c(got, want))
        fail_msg("'%.*s' is not '%s'", (int)got.len, got.s, want);
}

#endif
