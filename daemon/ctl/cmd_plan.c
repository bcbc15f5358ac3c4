/* plan: what would be done now, and the plans that wait for somebody's word. */
#include "args.h"
#include "ask.h"

#include "lib/core/member.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Columns of ctl_plan_find and ctl_plan_items. */
enum {
    PLAN_ID,
    PLAN_DIRECTORY,
    PLAN_DIGEST,
    PLAN_STATE,
    PLAN_WHY,
    PLAN_LOCKS,
    PLAN_REMOVALS,
    PLAN_ITEMS,
    PLAN_CREATED
};
enum { ITEM_PERSON, ITEM_NUMBER, ITEM_LOGIN, ITEM_PURPOSE, ITEM_OP, ITEM_GROUP, ITEM_ROW, ITEM_WHY };

/* The sentence of the row that decided: of the table of memberships where a group is named. */
static const char *sentence(int row, bool member)
{
    for (size_t i = 0; member && i < pl_member_rows; i++)
        if (pl_member_table[i].id == row)
            return pl_member_table[i].sentence;
    for (size_t i = 0; !member && i < pl_life_rows; i++)
        if (pl_life_table[i].id == row)
            return pl_life_table[i].sentence;
    return "";
}

static PGresult *items_of(struct ctl *c, const char *plan_id, int *code)
{
    const char *params[] = {plan_id};
    PGresult *r = ctl_query(c, "ctl_plan_items", 1, params, code);
    PGresult *copy = r ? PQcopyResult(r, PG_COPYRES_TUPLES) : NULL;
    PQclear(r);
    for (int i = 0; copy && i < PQntuples(copy); i++) {
        const char *text = sentence(ctl_int(copy, i, ITEM_ROW), strstr(PQgetvalue(copy, i, ITEM_OP), "member") != NULL);
        char room[400];
        snprintf(room, sizeof room, "%s", text);
        PQsetvalue(copy, i, ITEM_WHY, room, (int)strlen(room));
    }
    return copy;
}

/* Prints a plan. Returns how many items it has, or -1 after an error. */
static int print_plan(struct ctl *c, const PGresult *p, int *code)
{
    PGresult *items = items_of(c, PQgetvalue(p, 0, PLAN_ID), code);
    if (!items)
        return -1;
    int n = PQntuples(items);
    if (c->json) {
        json_t *rows = ctl_json_rows(p), *o = json_incref(json_array_get(rows, 0));
        json_object_set_new(o, "list", ctl_json_rows(items));
        json_decref(rows);
        ctl_print_json_value(o);
    } else {
        ctl_print_table(items, NULL);
    }
    PQclear(items);
    return n;
}

static PGresult *find_plan(struct ctl *c, const char *id, const char *digest, int *code)
{
    const char *params[] = {id, digest};
    PGresult *p = ctl_query(c, "ctl_plan_find", 2, params, code);
    if (p && PQntuples(p) == 0) {
        ctl_complain("no plan has a digest that begins with %s; `paaslactl plan list` shows them.",
                     digest ? digest : id);
        *code = CTL_USAGE;
        PQclear(p);
        p = NULL;
    }
    return p;
}

static int preview(struct ctl *c, const char *directory, long seconds)
{
    int code = CTL_OK;
    PGresult *answer = ctl_ask(c, "preview", directory, seconds, &code);
    if (answer && !ctl_answered(answer))
        code = ctl_no_answer(answer, seconds);
    if (code != CTL_OK) {
        PQclear(answer);
        return code;
    }
    if (PQgetisnull(answer, 0, CTL_CONTROL_PLAN)) {
        const char *why = PQgetvalue(answer, 0, CTL_CONTROL_RESULT);
        ctl_complain("the daemon made no plan%s%s.", *why ? ": " : "", why);
        PQclear(answer);
        return CTL_NO_ANSWER;
    }
    PGresult *p = find_plan(c, PQgetvalue(answer, 0, CTL_CONTROL_PLAN), NULL, &code);
    PQclear(answer);
    if (!p)
        return code;
    int n = print_plan(c, p, &code);
    const char *why = PQgetvalue(p, 0, PLAN_WHY);
    bool whole = *why == 0;
    if (n == 0 && whole)
        ctl_say(c, "Nothing would be done.");
    else if (n > 0)
        ctl_say(c, "%d thing%s would be done; nothing was written.", n, n == 1 ? "" : "s");
    if (n >= 0 && !whole)
        ctl_complain("the plan may lack something: %s.", why);
    PQclear(p);
    return n < 0 ? code : n > 0 || !whole ? CTL_ATTENTION : CTL_OK;
}

static int show(struct ctl *c, const char *digest)
{
    int code = CTL_OK;
    PGresult *p = find_plan(c, NULL, digest, &code);
    if (!p)
        return code;
    const char *directory = PQgetvalue(p, 0, PLAN_DIRECTORY), *why = PQgetvalue(p, 0, PLAN_WHY);
    ctl_say(c, "Plan %.16s for %s of %s is %s: %s locks, %s removals.", PQgetvalue(p, 0, PLAN_DIGEST),
            *directory ? directory : "all directories", PQgetvalue(p, 0, PLAN_CREATED), PQgetvalue(p, 0, PLAN_STATE),
            PQgetvalue(p, 0, PLAN_LOCKS), PQgetvalue(p, 0, PLAN_REMOVALS));
    if (*why)
        ctl_say(c, "Why: %s.", why);
    print_plan(c, p, &code);
    PQclear(p);
    return code;
}

static int approve(struct ctl *c, const char *digest, const char *valid_for)
{
    char interval[32];
    if (valid_for && !ctl_span_read(valid_for, interval, sizeof interval)) {
        ctl_complain("--for cannot be %s: it is written '30 minutes' or 2h, and is at most a day.", valid_for);
        return CTL_USAGE;
    }
    const char *params[] = {digest, valid_for ? interval : NULL};
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_plan_approve", 2, params, &code);
    if (r && c->json)
        ctl_print_json(r);
    else if (r)
        ctl_say(c, "The plan of %s items for %s may run until %s; `paaslactl plan list` tells when it is done.",
                PQgetvalue(r, 0, 3), PQgetvalue(r, 0, 1), PQgetvalue(r, 0, 4));
    PQclear(r);
    return code;
}

int cmd_plan(struct ctl *c, int argc, char **argv)
{
    static const char *const verbs[] = {"list", "show", "approve"};
    struct ctl_args a;
    long seconds = 30;
    ctl_args_start(&a, c, argc, argv);
    const char *timeout = ctl_option(&a, "--timeout");
    const char *valid_for = ctl_option(&a, "--for");
    if (!ctl_args_end(&a, 0, 2) || (timeout && !ctl_to_long("--timeout", timeout, 0, 86400, &seconds)))
        return CTL_USAGE;
    const char *word = a.n_words > 0 ? a.word[0] : "";
    if (strcmp(word, "list") == 0 && a.n_words == 1 && !valid_for)
        return ctl_query_table(c, "ctl_plan_list", 0, NULL, "No plan was ever held.");
    if (strcmp(word, "show") == 0 && a.n_words == 2 && !valid_for)
        return show(c, a.word[1]);
    if (strcmp(word, "approve") == 0 && a.n_words == 2)
        return approve(c, a.word[1], valid_for);
    if (a.n_words <= 1 && !valid_for && strcmp(word, "show") != 0 && strcmp(word, "approve") != 0)
        return preview(c, a.n_words == 1 ? word : NULL, seconds);
    return ctl_wrong_verb(c, word, verbs, 3);
}
