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
    char place[128], id[40], login[40], finding[40];
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
        snprintf(s->finding, sizeof s->finding, "%s",
                 c->watched.entries[0].finding.text.len ? c->watched.entries[0].finding.kind : "");
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
    case PL_CMD_SCAN_GROUPS: /* there are none */
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

#endif
