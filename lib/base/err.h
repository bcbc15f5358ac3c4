/* Errors as values: a class for programs, one sentence for people, and a hint that says what to do. */
#ifndef PL_BASE_ERR_H
#define PL_BASE_ERR_H

#include <stdbool.h>

enum pl_err_class {
    PL_ERR_NONE = 0,
    PL_ERR_INPUT, /* bytes from HR, a file or the network are wrong */
    PL_ERR_CONF,  /* the configuration is wrong */
    PL_ERR_STATE, /* refused: schema, mode or rights do not allow it */
    PL_ERR_IO,    /* a file, socket or peer failed; trying again may help */
};

struct pl_err {
    enum pl_err_class class;
    int code;       /* the library's own code (LDAP result, errno), 0 where there is none */
    char text[512]; /* what went wrong and where; always terminated */
    char hint[256]; /* what to do; may be empty */
};

/* Fills *err (may be NULL) and returns false, so that a failing function ends with `return pl_err_set(...)`. */
bool pl_err_set(struct pl_err *err, enum pl_err_class class, int code, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Puts "prefix: " in front of the text, for callers that know where. Returns false. */
bool pl_err_prefix(struct pl_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
