/* A full compare of a town of a few people, its questions answered in any order: what differs is nominated, what cannot be
 * read proves nothing, and nobody else is named. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/arena.h"
#include "lib/engine/inspect.h"

#define PEOPLE "ou=p,dc=x"
#define NOBODY "cn=nobody,dc=x"
#define CANARY "uid=canary," PEOPLE
enum { PERSONS = 100, ACCOUNTS = 12, GROUPS = 7, MEMBERS = 16, OPEN_MAX = 3 };

struct account { /* as the store has it, and its entry */
    int person;
    const char *purpose, *login, *dn, *want;
    const char *entry;        /* DN; NULL: there is none */
    bool lost;                /* its entry has gone, it is suspended, and both are known */
    const char *ends, *shows; /* when by the table, NULL: nothing is said of it; by the entry, NULL: never */
    const char *family, *sn;  /* by the table, NULL: Kask; by the entry, NULL: Kask */
};

struct group {
    const char *dn, *purpose, *persons;
    const char *class, *attr, *members[MEMBERS];
    int code;
    bool cut; /* the read is not whole */
};

struct town {
    struct account accounts[ACCOUNTS];
    struct group groups[GROUPS];
    bool canary, people_cut, accounts_fail, groups_fail;
    const char *bad_persons; /* a row that makes no sense, after the first */
};

#define PERSON(n)                                                                                                      \
    {                                                                                                                  \
        n, "personal", "p" #n, "uid=p" #n "," PEOPLE, "open", "uid=p" #n "," PEOPLE                                    \
    }
#define DN(n) "uid=p" #n "," PEOPLE

/* Nothing differs. Person 5 has an account for administration, too; nobody has joined the fourth group; the sixth holds
 * log-ins, in its own order. */
static const struct town in_step = {
    .canary = true,
    .accounts = {PERSON(1),
                 PERSON(2),
                 PERSON(3),
                 PERSON(4),
                 PERSON(5),
                 {5, "admin", "adm-p5", "uid=adm-p5," PEOPLE, "open", "uid=adm-p5," PEOPLE}},
    .groups = {
        {"cn=a,dc=x", "personal", "1 2 3 4 5", "groupOfNames", "member", {DN(5), DN(1), DN(2), DN(4), DN(3)}, 0, false},
        {"cn=b,dc=x", "personal", "2 3", "groupOfNames", "member", {"UID=P3, ou=P,dc=x", DN(2)}, 0, false},
        {"cn=c,dc=x", "admin", "5", "groupOfUniqueNames", "uniqueMember", {"uid=adm-p5," PEOPLE}, 0, false},
        {"cn=d,dc=x", "personal", "", "groupOfNames", "member", {NOBODY}, 0, false},
        {"cn=e,dc=x", "personal", "1", "groupOfNames", "member", {DN(1)}, 0, false},
        {"cn=f,dc=x", "personal", "3 1", "posixGroup", "memberUid", {"p1", "P3"}, 0, false},
        {"cn=g,dc=x", "personal", "4", "groupOfNames", "member", {DN(4)}, 0, false}}};

/* ---- the shell ---- */

struct open { /* a command that is not answered yet */
    struct pl_command c;
    char base[64];
    size_t next; /* row or entry */
    bool paused;
};

struct shell {
    struct pl_engine *e;
    const struct town *t;
    struct open open[32];
    size_t n;
    uint32_t seed;
    bool noted, complete;
    char cause[PERSONS]; /* 1 compare, 2 a removal, which counts for both */
    char nominated[400], findings[400];
};

static void take_nominees(struct shell *s, const struct pl_command *c)
{
    for (size_t i = 0; i < c->nominate.n_persons; i++) {
        const struct pl_nominee *p = &c->nominate.persons[i];
        char cause = strcmp(p->cause, "compare_removal") == 0 ? 2 : 1;
        assert_in_range(p->person_id, 1, PERSONS - 1);
        if (cause <= s->cause[p->person_id])
            fail_msg("%lld is nominated again", (long long)p->person_id);
        s->cause[p->person_id] = cause;
    }
    for (size_t i = 0; i < c->nominate.n_findings; i++)
        snprintf(s->findings + strlen(s->findings), sizeof s->findings - strlen(s->findings), "%s %lld;",
                 c->nominate.findings[i].kind, (long long)c->nominate.findings[i].role_group_id);
}

static enum pl_flow feed(struct shell *s, const struct pl_event *ev)
{
    struct pl_command c;
    enum pl_flow flow = pl_engine_event(s->e, ev, 1000000);
    size_t groups = 0;

    while (pl_engine_next(s->e, &c)) {
        if (c.req == 0)
            continue;
        assert_in_range(s->n, 0, 31);
        struct open *o = &s->open[s->n++];
        *o = (struct open){.c = c};
        if (c.kind == PL_CMD_SEARCH)
            snprintf(o->base, sizeof o->base, "%.*s", (int)c.search.base.len, c.search.base.s);
        if (c.kind == PL_CMD_NOMINATE)
            take_nominees(s, &c);
        if (c.kind == PL_CMD_NOTE_COMPARE) {
            assert_false(s->noted);
            s->noted = true;
            s->complete = c.compare.complete;
        }
    }
    for (size_t i = 0; i < s->n; i++)
        groups += s->open[i].c.kind == PL_CMD_SEARCH && strncmp(s->open[i].base, "cn=", 3) == 0;
    assert_in_range(groups, 0, OPEN_MAX);
    return flow;
}

static enum pl_flow feed_row(struct shell *s, uint64_t req, const char *const *texts, size_t n)
{
    struct pl_str cols[12];
    struct pl_event ev = {.kind = PL_EV_SCAN_ROW, .req = req, .directory = PL_STR("linn")};

    for (size_t i = 0; i < n; i++)
        cols[i] = pl_str_c(texts[i]);
    ev.row.cols = cols;
    ev.row.n = n;
    return feed(s, &ev);
}

static void end(struct shell *s, size_t at, enum pl_ev_kind kind, bool failed)
{
    struct pl_event ev = {.kind = kind, .req = s->open[at].c.req, .directory = PL_STR("linn"), .failed = failed};

    s->open[at] = s->open[--s->n];
    feed(s, &ev);
}

static void end_search(struct shell *s, size_t at, int code, bool complete)
{
    struct pl_event ev = {.kind = PL_EV_RESULT, .req = s->open[at].c.req, .directory = PL_STR("linn")};

    ev.result.code = code;
    ev.result.complete = complete && code == 0;
    s->open[at] = s->open[--s->n];
    feed(s, &ev);
}

/* ---- answers, one step each ---- */

static void accounts(struct shell *s, size_t at)
{
    const struct open *o = &s->open[at];
    const struct account *a = &s->t->accounts[o->next];
    char person[24], id[24];

    if (o->next == ACCOUNTS || a->person == 0) {
        end(s, at, PL_EV_SCAN_DONE, s->t->accounts_fail);
        return;
    }
    snprintf(person, sizeof person, "%d", a->person);
    snprintf(id, sizeof id, "id-%s", a->login);
    const char *const texts[] = {person,
                                 person,
                                 a->purpose,
                                 id,
                                 a->dn,
                                 a->login,
                                 a->lost ? "lost" : "open",
                                 a->lost ? "locked" : a->want,
                                 a->lost ? "suspended" : "employed",
                                 a->ends ? a->ends : "",
                                 "Mari",
                                 a->family ? a->family : "Kask"};
    s->open[at].next++;
    feed_row(s, o->c.req, texts, 12);
}

static void groups(struct shell *s, size_t at)
{
    size_t g = s->open[at].next;
    char id[24];

    if (g == GROUPS || s->t->groups[g].dn == NULL) {
        end(s, at, PL_EV_SCAN_DONE, s->t->groups_fail);
        return;
    }
    snprintf(id, sizeof id, "%zu", g + 1);
    const char *persons = s->t->bad_persons && g == 1 ? s->t->bad_persons : s->t->groups[g].persons;
    const char *const texts[] = {id, s->t->groups[g].dn, s->t->groups[g].purpose, persons};
    uint64_t req = s->open[at].c.req;
    s->open[at].next++;
    s->open[at].paused = feed_row(s, req, texts, 4) == PL_PAUSE;
}

static void feed_entry(struct shell *s, uint64_t req, const char *dn, const char *class, const char *const *pair,
                       const char *name, const char *const *values, const struct account *of)
{
    struct pl_str many[MEMBERS], first = pl_str_c(class), second = pl_str_c(pair[1]);
    struct pl_str sn = pl_str_c(of && of->sn ? of->sn : "Kask"), end = pl_str_c(of && of->shows ? of->shows : "");
    struct pl_attr attrs[] = {{PL_STR("objectClass"), &first, 1},
                              {pl_str_c(pair[0]), &second, 1},
                              {pl_str_c(name), many, 0},
                              {PL_STR("SN"), &sn, 1},
                              {PL_STR("pwdEndTime"), &end, 1}};
    struct pl_entry entry = {.dn = pl_str_c(dn), .attrs = attrs, .n = !of ? 3 : of->shows ? 5 : 4};
    struct pl_event ev = {.kind = PL_EV_ENTRY, .req = req, .directory = PL_STR("linn"), .entry = &entry};

    for (; values[attrs[2].n] && attrs[2].n < MEMBERS; attrs[2].n++)
        many[attrs[2].n] = pl_str_c(values[attrs[2].n]);
    feed(s, &ev);
}

static void people(struct shell *s, size_t at)
{
    while (s->open[at].next < ACCOUNTS && s->t->accounts[s->open[at].next].person &&
           !s->t->accounts[s->open[at].next].entry)
        s->open[at].next++;
    size_t i = s->open[at].next++;
    if (i >= ACCOUNTS || s->t->accounts[i].person == 0) {
        end_search(s, at, 0, !s->t->people_cut);
        return;
    }
    const struct account *a = &s->t->accounts[i];
    char id[24];
    snprintf(id, sizeof id, "id-%s", a->login);
    const char *const pair[] = {"entryUUID", id}, *const uid[] = {a->login, NULL};
    feed_entry(s, s->open[at].c.req, a->entry, "inetOrgPerson", pair, "uid", uid, a);
}

static void one_entry(struct shell *s, size_t at)
{
    struct open *o = &s->open[at];
    const struct group *g = NULL;
    const char *const id[] = {"entryUUID", "id-x"};

    for (size_t i = 0; i < GROUPS; i++)
        if (s->t->groups[i].dn && strcmp(o->base, s->t->groups[i].dn) == 0)
            g = &s->t->groups[i];
    if (o->next++ == 0 && (g ? g->code == 0 : s->t->canary)) {
        if (g)
            feed_entry(s, o->c.req, g->dn, g->class, id, g->attr, g->members, NULL);
        else
            feed_entry(s, o->c.req, CANARY, "inetOrgPerson", id, "uid", (const char *const[]){"canary", NULL}, NULL);
        return;
    }
    end_search(s, at, g ? g->code : s->t->canary ? 0 : 32, !g || !g->cut);
}

static void answer(struct shell *s, size_t at)
{
    switch (s->open[at].c.kind) {
    case PL_CMD_SCAN_ACCOUNTS:
        accounts(s, at);
        break;
    case PL_CMD_SCAN_GROUPS:
        groups(s, at);
        break;
    case PL_CMD_SEARCH:
        if (strcmp(s->open[at].base, PEOPLE) == 0)
            people(s, at);
        else
            one_entry(s, at);
        break;
    case PL_CMD_TICK:
        end(s, at, PL_EV_TICKED, false);
        break;
    case PL_CMD_LOAD:
        end(s, at, PL_EV_LOAD_DONE, false);
        break;
    default:
        end(s, at, PL_EV_STORE_DONE, false);
    }
}

/* ---- one compare ---- */

static struct pl_engine *engine(void)
{
    static const struct pl_template templates[] = {{{"employeeNumber", 14}, {"{employee_no}", 13}},
                                                   {{"sn", 2}, {"{family}", 8}}};
    struct pl_dir_conf d = {.name = PL_STR("linn"),
                            .dialect = PL_STR("openldap"),
                            .people_base = PL_STR(PEOPLE),
                            .group_base = PL_STR("dc=x"),
                            .canary_dn = PL_STR(CANARY),
                            .placeholder_dn = PL_STR(NOBODY),
                            .login_attr = PL_STR("uid"),
                            .number_attr = PL_STR("employeeNumber"),
                            .login_style = PL_STR("given.family"),
                            .rdn_template = PL_STR("uid={login}," PEOPLE),
                            .templates = templates,
                            .n_templates = 2,
                            .keep_attributes = PL_STR(" sn "),
                            .end_ahead = true,
                            .inflight = 4};
    struct pl_engine_conf c = {.dirs = &d, .n_dirs = 1, .retry_min_us = 1000, .retry_max_us = 1000};
    struct pl_err err;
    struct pl_engine *e = pl_engine_new(&c, &err);

    if (!e)
        fail_msg("%s", err.text);
    return e;
}

static void compare(struct shell *s, const struct town *t, uint32_t seed)
{
    *s = (struct shell){.e = engine(), .t = t, .seed = seed};
    struct pl_event dir = {.kind = PL_EV_DIR_UP, .directory = PL_STR("linn")};
    dir.up.identity = PL_STR("server|base");

    feed(s, &(struct pl_event){.kind = PL_EV_STORE_UP});
    feed(s, &dir);
    for (int steps = 0; s->n > 0 && steps < 10000; steps++) {
        s->seed = s->seed * 1664525u + 1013904223u;
        size_t at = (s->seed >> 16) % s->n;
        struct open *o = &s->open[at];
        if (o->paused && pl_engine_wants(s->e, o->c.req))
            o->paused = false;
        bool later = o->c.kind == PL_CMD_NOTE_COMPARE && s->n > 1 && seed % 2; /* after what else is open */
        if (!o->paused && !later)
            answer(s, at);
    }
    assert_int_equal(s->n, 0);
    assert_true(s->noted);
    pl_engine_free(s->e);
    for (int i = 0; i < PERSONS; i++)
        if (s->cause[i])
            snprintf(s->nominated + strlen(s->nominated), sizeof s->nominated - strlen(s->nominated), "%d %s;", i,
                     s->cause[i] == 2 ? "compare_removal" : "compare");
}

static bool same_words(const char *got, const char *want)
{
    char word[64];
    size_t n = 0;

    for (const char *p = want; *p; p = strchr(p, ';') + 1, n++) {
        snprintf(word, sizeof word, "%.*s", (int)(strchr(p, ';') + 1 - p), p);
        if (!strstr(got, word))
            return false;
    }
    for (const char *p = got; *p; p++)
        n -= *p == ';';
    return n == 0;
}

/* `nominated` by person, `findings` in any order; each ended by a ';'. */
static void expect(const struct town *t, const char *nominated, const char *findings, bool complete)
{
    for (uint32_t seed = 1; seed <= 200; seed++) {
        struct shell s;
        compare(&s, t, seed);
        if (strcmp(s.nominated, nominated) != 0 || !same_words(s.findings, findings) || s.complete != complete)
            fail_msg("seed %u: nominated %s findings %s complete %d", seed, s.nominated, s.findings, s.complete);
    }
}

/* ---- cases ---- */

static void test_nothing_differs(void **state)
{
    (void)state;
    expect(&in_step, "", "", true);
}

static void test_members(void **state)
{
    struct town t = in_step;

    (void)state;
    t.groups[0].members[4] = NULL; /* 3 is missing */
    expect(&t, "3 compare;", "", true);
    t = in_step;
    t.groups[1].members[2] = DN(4);
    expect(&t, "4 compare_removal;", "", true);
    t = in_step;
    t.groups[1].members[0] = DN(4); /* one for another */
    expect(&t, "3 compare;4 compare_removal;", "", true);
    t = in_step;
    t.groups[5].members[1] = "p2"; /* log-ins */
    expect(&t, "2 compare_removal;3 compare;", "", true);
    t = in_step;
    t.groups[3].members[0] = "uid=who,dc=y";
    expect(&t, "", "unmanaged_member 4;", true);
    t = in_step;
    t.groups[0].members[4] = t.groups[1].members[1] = NULL; /* once each, however much differs */
    t.groups[3].members[0] = DN(2);
    t.groups[4].members[1] = DN(3);
    expect(&t, "2 compare_removal;3 compare_removal;", "", true);
}

static void test_purposes(void **state)
{
    struct town t = in_step;

    (void)state;
    t.groups[2].members[0] = DN(5); /* the person's other account */
    expect(&t, "5 compare_removal;", "", true);
    t = in_step;
    t.groups[2].persons = "4"; /* who has no account for administration */
    expect(&t, "4 compare;5 compare_removal;", "", true);
    t = in_step;
    t.groups[4].persons = "1 77"; /* hired after the accounts were read */
    expect(&t, "77 compare;", "", true);
}

static void test_groups(void **state)
{
    struct town t = in_step;

    (void)state;
    t.groups[1].code = 32; /* no such entry */
    expect(&t, "2 compare;3 compare;", "", true);
    t = in_step;
    t.groups[1].code = 51;
    expect(&t, "", "", false);
    t = in_step;
    t.groups[0].members[3] = NULL; /* a part of the values: no proof of anything */
    t.groups[0].cut = true;
    expect(&t, "", "", false);
    t = in_step;
    memset(t.groups, 0, sizeof t.groups);
    expect(&t, "", "", true);
    t.accounts[1].entry = NULL;
    expect(&t, "2 compare;", "", true);
}

static void test_people(void **state)
{
    struct town t = in_step;

    (void)state;
    t.accounts[1].entry = NULL; /* said once; its memberships went with it or hang in the air */
    expect(&t, "2 compare;", "", true);
    t.groups[0].members[2] = t.groups[1].members[1] = NULL;
    t.groups[0].members[2] = DN(4);
    t.groups[0].members[3] = DN(3);
    t.groups[0].members[4] = NULL;
    expect(&t, "2 compare;", "", true);
    t = in_step;
    t.accounts[0].entry = "uid=p1,ou=moved,dc=x"; /* the groups still have the old name, which is nobody's now */
    expect(&t, "1 compare;", "unmanaged_member 1;unmanaged_member 5;", true);
    t = in_step;
    t.accounts[6] = t.accounts[0]; /* somebody's account that is gone had the name that 1 has now */
    t.accounts[0] = (struct account){6, "personal", "p6", DN(1), "locked", NULL, true};
    t.groups[4].persons = "1 6";
    expect(&t, "", "", true);
    t = in_step;
    t.accounts[3].want = "locked";
    expect(&t, "", "", false); /* "employed" and "locked" are no pair: such a table is not believed */
}

/* The end that HR knows beforehand has to stand there, to the second and never sooner. */
static void test_ends(void **state)
{
    static const struct {
        const char *ends, *shows;
        bool differs;
    } all[] = {
        {NULL, NULL, false},
        {NULL, "19700101001640Z", false}, /* somebody else's, and nothing of ours was ever there */
        {"0", NULL, false},
        {"0", "19700101001640Z", true}, /* perhaps one that we wrote */
        {"1000000000", "19700101001640Z", false},
        {"999000001", "19700101001640Z", false},
        {"999000000", "19700101001640Z", true},
        {"1000000001", "19700101001640Z", true},
        {"1000000000", NULL, true},
        {"1000000", NULL, false}, /* it is over: that falls due by itself */
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct town t = in_step;
        t.accounts[1].ends = all[i].ends;
        t.accounts[1].shows = all[i].shows;
        expect(&t, all[i].differs ? "2 compare;" : "", "", true);
    }
}

static void test_names(void **state)
{
    struct town t = in_step;

    (void)state;
    t.accounts[1].sn = "Tamm"; /* whatever it is, the person is looked at */
    t.accounts[2].sn = "kask";
    t.accounts[3].family = "Saar";
    expect(&t, "2 compare;3 compare;4 compare;", "", true);
    t.accounts[3].sn = "Saar";
    expect(&t, "2 compare;3 compare;", "", true);
}

static void test_what_cannot_be_read(void **state)
{
    struct town t = in_step;

    (void)state;
    t.groups[0].members[4] = NULL;
    t.canary = false;
    expect(&t, "", "", false);
    t.canary = true;
    t.people_cut = true;
    expect(&t, "", "", false);
    t.people_cut = false;
    t.accounts_fail = true;
    expect(&t, "", "", false);
    t = in_step;
    t.groups_fail = true;
    expect(&t, "", "", false);
    memset(t.groups, 0, sizeof t.groups);
    t.people_cut = true; /* given up twice, said once */
    expect(&t, "", "", false);
    t = in_step;
    t.bad_persons = "2 x";
    expect(&t, "", "", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_differs), cmocka_unit_test(test_members),
        cmocka_unit_test(test_purposes),        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_names),           cmocka_unit_test(test_ends),
        cmocka_unit_test(test_people),          cmocka_unit_test(test_what_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
