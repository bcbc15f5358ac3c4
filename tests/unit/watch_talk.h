/* What the server of watch_shell.h says, and a watch that is begun. */
#ifndef UNIT_WATCH_TALK_H
#define UNIT_WATCH_TALK_H

#include "watch_shell.h"

static inline void wait(struct shell *s, int64_t us)
{
    s->now += us;
    feed(s, (struct pl_event){.kind = PL_EV_TIMER});
}

static inline uint64_t take(uint64_t *req)
{
    uint64_t r = *req;
    *req = 0;
    assert_true(r != 0);
    return r;
}

static inline void done(struct shell *s, uint64_t req, int code)
{
    feed(s, (struct pl_event){.kind = PL_EV_RESULT, .req = req, .result = {.code = code, .complete = code == 0}});
}

/* The compare that each start brings comes to nothing. */
static inline void no_compare(struct shell *s)
{
    feed(s, (struct pl_event){.kind = PL_EV_SCAN_DONE, .req = take(&s->scan), .failed = true});
    assert_int_equal(s->scan, 0);
    s->compares = 0;
}

static inline void root(struct shell *s, const char *usn)
{
    struct pl_str v = pl_str_c(usn);
    struct pl_attr a = {PL_STR("highestCommittedUSN"), &v, 1};
    struct pl_entry e = {{"", 0}, &a, 1};
    uint64_t req = take(&s->root);
    feed(s, (struct pl_event){.kind = PL_EV_ENTRY, .req = req, .entry = &e});
    done(s, req, 0);
}

/* Entries of a few attributes, "name", "value", ..., NULL; the id of each is GUID. */
static inline void entry(struct shell *s, enum pl_ev_kind kind, uint64_t req, const char *dn, ...)
{
    struct pl_attr attrs[12];
    struct pl_str values[12] = {{GUID, 16}};
    struct pl_entry e = {pl_str_c(dn), attrs, 1};
    va_list ap;

    attrs[0] = (struct pl_attr){PL_STR("objectGUID"), values, 1};
    va_start(ap, dn);
    for (const char *name; (name = va_arg(ap, const char *)); e.n++) {
        values[e.n] = pl_str_c(va_arg(ap, const char *));
        attrs[e.n] = (struct pl_attr){pl_str_c(name), &values[e.n], 1};
    }
    va_end(ap);
    struct pl_event ev = {.kind = kind, .req = req};
    if (kind == PL_EV_WATCH)
        ev.watch.entry = &e;
    else
        ev.entry = &e;
    feed(s, ev);
}

static inline void end(struct shell *s, const char *value, size_t len, int code)
{
    uint64_t req = take(&s->watch);
    struct pl_event ev = {.kind = PL_EV_WATCH, .req = req};
    ev.watch.msg = PL_WATCH_END;
    ev.watch.value = (struct pl_str){value, len};
    ev.watch.code = code;
    feed(s, ev);
}

#define END(s, more, cookie) end(s, "\x30\x09\x02\x01" more "\x02\x01\x00\x04\x01" cookie, 11, 0)

static const struct pl_template number = {{"employeeNumber", 14}, {"{employee_no}", 13}};

static inline void start(struct shell *s, const char *cookie)
{
    struct pl_dir_conf d = {.name = PL_STR("linn"),
                            .dialect = PL_STR("ad"),
                            .people_base = PL_STR(PEOPLE),
                            .group_base = PL_STR("OU=g,DC=linn,DC=test"),
                            .canary_dn = PL_STR(CANARY),
                            .login_attr = PL_STR("sAMAccountName"),
                            .number_attr = PL_STR("employeeNumber"),
                            .login_style = PL_STR("given.family"),
                            .rdn_template = PL_STR("CN={login}," PEOPLE),
                            .templates = &number,
                            .n_templates = 1,
                            .inflight = 4};
    struct pl_engine_conf c = {
        .dirs = &d, .n_dirs = 1, .retry_min_us = SECOND, .retry_max_us = 10 * SECOND, .bulk_limit = 500};
    struct pl_err err;
    struct pl_event up = {.kind = PL_EV_DIR_UP};

    *s = (struct shell){.now = 1000 * SECOND, .cookie = cookie, .identity = "one", .e = pl_engine_new(&c, &err)};
    assert_non_null(s->e);
    up.up.identity = PL_STR("one");
    up.up.life = PL_STR("dc1");
    up.up.watch = true;
    feed(s, (struct pl_event){.kind = PL_EV_STORE_UP});
    feed(s, up);
}

static inline void live(struct shell *s) /* from nothing, at 100, with the cookie "a" */
{
    start(s, NULL);
    root(s, "100");
    assert_int_equal(s->compares, 0); /* not before the watch stands */
    entry(s, PL_EV_WATCH, s->watch, CANARY, "objectClass", "user", NULL);
    END(s, "\x00", "a");
    assert_string_equal(s->place, "dirsync:dc1:100:61");
    assert_int_equal(s->compares, 1);
    s->stored = 0;
}

#endif
