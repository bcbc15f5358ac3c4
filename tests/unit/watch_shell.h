/* The shell of a watch that has to ask (DirSync, update numbers), for tests: it keeps what the engine asks, and the test
 * answers by hand. */
#ifndef UNIT_WATCH_SHELL_H
#define UNIT_WATCH_SHELL_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/arena.h"
#include "lib/directory/dirsync.h"
#include "lib/engine/engine.h"

#define SECOND INT64_C(1000000)
#define PEOPLE "OU=p,DC=linn,DC=test"
#define GROUP  "CN=g,OU=g,DC=linn,DC=test"
#define CANARY "CN=canary," PEOPLE
#define MARI   "CN=mari," PEOPLE
#define GUID   "\x01\x00\x00\x00\x02\x00\x03\x00\x04\x05\x06\x07\x08\x09\x0a\x0b"
#define ID     "00000001-0002-0003-0405-060708090a0b"

struct shell {
    struct pl_engine *e;
    struct pl_arena *a;
    int64_t now, timer;
    const char *cookie, *identity; /* in the store */
    /* what was asked and not answered */
    uint64_t root, watch, wake, changed, read, scan;
    int wakes; /* how often the search was sent that says when to ask */
    char filter[64], base[80], sent[64];
    size_t n_sent;
    /* what was stored */
    int stored, persons, entries, went_back;
    char place[128], id[40], login[40];
    int compares;
};

static inline void feed(struct shell *s, struct pl_event ev);

static inline void told_store(struct shell *s, const struct pl_command *c)
{
    s->stored++;
    s->entries += (int)c->watched.n_entries;
    s->persons += (int)c->watched.n_persons;
    s->went_back += c->watched.n_findings > 0 && strcmp(c->watched.findings[0].kind, "directory_went_back") == 0;
    if (c->watched.cookie.len)
        snprintf(s->place, sizeof s->place, "%.*s", (int)c->watched.cookie.len, c->watched.cookie.s);
    if (c->watched.n_entries) {
        snprintf(s->id, sizeof s->id, "%.*s", (int)c->watched.entries[0].id.len, c->watched.entries[0].id.s);
        snprintf(s->login, sizeof s->login, "%.*s", (int)c->watched.entries[0].login.len,
                 c->watched.entries[0].login.s);
    }
}

static inline void searched(struct shell *s, const struct pl_command *c)
{
    snprintf(s->base, sizeof s->base, "%.*s", (int)c->search.base.len, c->search.base.s);
    if (c->search.base.len == 0) {
        s->root = c->req;
    } else if (c->search.scope == PL_SCOPE_SUB) {
        s->changed = c->req;
        snprintf(s->filter, sizeof s->filter, "%.*s", (int)c->search.filter.len, c->search.filter.s);
    } else {
        s->read = c->req;
    }
}

static inline void watched(struct shell *s, const struct pl_command *c)
{
    assert_true(pl_str_eq_c(c->watch.base, "DC=linn,DC=test"));
    if (c->watch.kind == PL_WATCH_WAKE) {
        s->wake = c->req;
        s->wakes++;
        return;
    }
    assert_int_equal(c->watch.kind, PL_WATCH_DIRSYNC);
    s->watch = c->req;
    s->n_sent = c->watch.control.len < sizeof s->sent ? c->watch.control.len : sizeof s->sent;
    memcpy(s->sent, c->watch.control.s, s->n_sent);
}

/* The store answers at once; returns whether there is an answer in *out. */
static inline bool answer(struct shell *s, const struct pl_command *c, struct pl_event *out)
{
    *out = (struct pl_event){.req = c->req};
    switch (c->kind) {
    case PL_CMD_TICK:
        out->kind = PL_EV_TICKED;
        return true;
    case PL_CMD_LOAD:
        out->kind = PL_EV_LOAD_DONE;
        return true;
    case PL_CMD_SCAN_ACCOUNTS: /* a full compare begins; it waits there */
        s->scan = c->req;
        s->compares++;
        return false;
    case PL_CMD_WATCH_STATE:
        out->kind = PL_EV_SCAN_DONE;
        return true;
    case PL_CMD_WATCHED:
        told_store(s, c);
        out->kind = PL_EV_STORE_DONE;
        return true;
    case PL_CMD_RECOVER:
    case PL_CMD_NOMINATE:
    case PL_CMD_NOTE_COMPARE:
        out->kind = PL_EV_STORE_DONE;
        return true;
    case PL_CMD_SEARCH:
        searched(s, c);
        return false;
    case PL_CMD_WATCH:
        watched(s, c);
        return false;
    case PL_CMD_TIMER:
        s->timer = c->at_us;
        return false;
    default:
        return false;
    }
}

static inline void feed(struct shell *s, struct pl_event ev)
{
    struct pl_command c;
    struct pl_event answers[32];
    uint64_t state = 0;
    size_t n = 0;

    ev.directory = PL_STR("linn");
    pl_engine_event(s->e, &ev, s->now);
    while (pl_engine_next(s->e, &c)) {
        if (c.kind == PL_CMD_WATCH_STATE)
            state = c.req;
        assert_true(n < 32);
        n += answer(s, &c, &answers[n]);
    }
    if (state && s->cookie) {
        struct pl_str cols[] = {pl_str_c(s->cookie), pl_str_c(s->identity)};
        feed(s, (struct pl_event){.kind = PL_EV_SCAN_ROW, .req = state, .row = {cols, 2}});
    }
    for (size_t i = 0; i < n; i++)
        feed(s, answers[i]);
}

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
