/* why: one person, what stands behind every right, and what may still live. */
#include "args.h"
#include "why.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static bool is(const PGresult *r, int row, int column, const char *value)
{
    return strcmp(PQgetvalue(r, row, column), value) == 0;
}

static long number(const PGresult *r, int row, int column)
{
    return strtol(PQgetvalue(r, row, column), NULL, 10);
}

static bool ask(struct ctl *c, struct ctl_why *w, int *code)
{
    const char *params[] = {w->who.id, w->reg};
    return (w->state = ctl_query(c, "ctl_why", 1, params, code)) &&
           (w->employments = ctl_query(c, "ctl_why_employments", 1, params, code)) &&
           (w->grants = ctl_query(c, "ctl_why_grants", 2, params, code)) &&
           (w->accounts = ctl_query(c, "ctl_why_accounts", 1, params, code)) &&
           (w->servers = ctl_query(c, "ctl_why_servers", 1, params, code)) &&
           (w->work = ctl_query(c, "ctl_why_work", 1, params, code)) &&
           (w->findings = ctl_query(c, "ctl_why_findings", 1, params, code)) &&
           (w->plans = ctl_query(c, "ctl_why_plans", 1, params, code));
}

/* Columns of ctl_why. */
enum { ST_EMPLOYED, ST_SUSPENDED, ST_ARRIVING, ST_DEPARTED, ST_GRANTS, ST_PENDING, ST_LOGINS };

/* A directory counts once, though the person may have two accounts there: the rows stand in their order. */
static bool unseen(const PGresult *r, int i)
{
    return is(r, i, ACC_COMPARED_WHOLE, "f") && !is(r, i, ACC_STATE, "none") &&
           (i == 0 || !is(r, i - 1, ACC_COMPARED_WHOLE, "f") || is(r, i - 1, ACC_STATE, "none") ||
            !is(r, i, ACC_DIRECTORY, PQgetvalue(r, i - 1, ACC_DIRECTORY)));
}

/* The counts; the register of the question does not narrow them: a person is out of everything or not out. Of somebody
 * who is not employed everything counts that is open. */
static void count(struct ctl_why *w)
{
    struct ctl_facts *f = &w->facts;
    f->employed = is(w->state, 0, ST_EMPLOYED, "t");
    f->suspended = is(w->state, 0, ST_SUSPENDED, "t");
    f->arriving = is(w->state, 0, ST_ARRIVING, "t");
    f->departed = is(w->state, 0, ST_DEPARTED, "t");
    f->open[CTL_OPEN_GRANT] = f->employed ? 0 : number(w->state, 0, ST_GRANTS);
    f->open[CTL_OPEN_PENDING] = number(w->state, 0, ST_PENDING);
    f->open[CTL_OPEN_LOGIN] = f->employed ? 0 : number(w->state, 0, ST_LOGINS);
    for (int i = 0; i < PQntuples(w->accounts); i++) {
        bool stays = is(w->accounts, i, ACC_WANT, "open") || is(w->accounts, i, ACC_CAUSE, "suspended");
        f->open[CTL_OPEN_ACCOUNT] += is(w->accounts, i, ACC_NOT_CLOSED, "t");
        f->open[CTL_OPEN_GROUP] += stays ? 0 : number(w->accounts, i, ACC_GROUPS);
        f->open[CTL_OPEN_UNSEEN] += !f->employed && unseen(w->accounts, i);
    }
    f->open[CTL_OPEN_SERVER] = ctl_why_servers_open(w->servers);
    for (int i = 0; i < PQntuples(w->work); i++)
        f->open[CTL_OPEN_WORK] += !is(w->work, i, 9, "cancelled") && (!f->employed || !is(w->work, i, 4, "add"));
    for (int i = 0; i < PQntuples(w->findings); i++)
        f->open[CTL_OPEN_FINDING] += !f->employed || is(w->findings, i, 1, "critical");
    for (int i = 0; i < PQntuples(w->plans); i++)
        f->open[CTL_OPEN_HELD] += number(w->plans, i, 4);
    w->judgement = ctl_judge(f);
}

static void print_json(const struct ctl_why *w)
{
    json_t *open = json_object();
    for (int i = 0; i < w->judgement.n_reasons; i++) {
        static const char *const keys[CTL_OPEN_COUNT] = {"accounts", "groups",     "grants",  "work_orders",
                                                         "findings", "held_steps", "pending", "uncompared",
                                                         "logins",   "servers"};
        enum ctl_open what = w->judgement.reason[i];
        json_object_set_new(open, keys[what], json_integer(w->facts.open[what]));
    }
    ctl_print_json_value(json_pack("{s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "person_id",
                                   (json_int_t)strtoll(w->who.id, NULL, 10), "number", w->who.number, "name",
                                   w->who.name, "verdict", ctl_verdict_name(w->judgement.verdict), "open", open,
                                   "employments", ctl_json_rows(w->employments), "grants", ctl_json_rows(w->grants),
                                   "accounts", ctl_json_rows(w->accounts), "servers", ctl_json_rows(w->servers),
                                   "work_orders", ctl_json_rows(w->work), "findings", ctl_json_rows(w->findings),
                                   "held_plans", ctl_json_rows(w->plans)));
}

int cmd_why(struct ctl *c, int argc, char **argv)
{
    struct ctl_args a;
    ctl_args_start(&a, c, argc, argv);
    if (!ctl_args_end(&a, 1, 2))
        return CTL_USAGE;
    int code = CTL_OK;
    struct ctl_why w = {.reg = a.n_words > 1 ? a.word[1] : NULL};
    PGresult *begun = ctl_exec(c, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", &code);
    if (!begun)
        return code;
    PQclear(begun);
    code = ctl_find_person(c, a.word[0], &w.who);
    if (code == CTL_OK && w.reg)
        code = ctl_check_register(c, w.reg);
    if (code == CTL_OK && ask(c, &w, &code)) {
        count(&w);
        if (c->json)
            print_json(&w);
        else
            ctl_why_say(c, &w);
        code = w.judgement.verdict == CTL_NOT_YET_OUT ? CTL_ATTENTION : CTL_OK;
    }
    PGresult *all[] = {w.state, w.employments, w.grants, w.accounts, w.servers, w.work, w.findings, w.plans};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        PQclear(all[i]);
    return code;
}
