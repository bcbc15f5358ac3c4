/* log: who did what, to whom, when and on what; and what the daemon did about it. */
#include "args.h"
#include "wait.h"
#include "who.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

/* Columns of ctl_log. */
enum {
    COL_ID,
    COL_LOCAL,
    COL_AT,
    COL_SESSION,
    COL_ACTING_ID,
    COL_ACTING,
    COL_ACTION,
    COL_PERSON_ID,
    COL_NUMBER,
    COL_PERSON,
    COL_FIRST_OBJECT,
    COL_LAST_OBJECT = 25,
    COL_DETAIL,
    COL_PRIVATE
};
/* Parameters. */
enum { P_PERSON, P_REGISTER, P_SINCE, P_BEFORE, P_ACTION, P_LIMIT, P_FROM, P_BELOW, P_COUNT };

enum { POLL_MS = 300 };

/* What an opening holds, by the action it belongs to: the first that fits. */
static const char *label(const char *action, const char *key)
{
    static const struct {
        const char *action, *key, *label;
    } labels[] = {
        {"grant.", "value", "reference"},          {"grant.", "text", "reason"},
        {"employment.started", "value", "number"}, {"employment.", "text", "reference"},
        {"work_order.", "text", "note"},
    };
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (strncmp(action, labels[i].action, strlen(labels[i].action)) == 0 && strcmp(key, labels[i].key) == 0)
            return labels[i].label;
    return key;
}

static bool said_already(const PGresult *r, int i, const char *key, const char *value)
{
    if (strcmp(key, "name") == 0)
        return strcmp(value, PQgetvalue(r, i, COL_PERSON)) == 0;
    for (int j = COL_FIRST_OBJECT; j <= COL_LAST_OBJECT; j++)
        if (strcmp(key, PQfname(r, j)) == 0 && strcmp(value, PQgetvalue(r, i, j)) == 0)
            return true;
    return false;
}

/* ", key value" for each member; an object inside stays JSON. */
static void add_members(struct pl_buf *b, const PGresult *r, int i, int column)
{
    const char *text = PQgetvalue(r, i, column), *key;
    json_t *o = json_loads(text, 0, NULL), *v;
    if (!json_is_object(o)) {
        if (*text)
            pl_buf_printf(b, ", %s", text);
        json_decref(o);
        return;
    }
    json_object_foreach(o, key, v)
    {
        char *other = json_is_string(v) ? NULL : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
        const char *shown = other ? other : json_string_value(v);
        const char *name = column == COL_PRIVATE ? label(PQgetvalue(r, i, COL_ACTION), key) : key;
        if (shown && !said_already(r, i, name, shown))
            pl_buf_printf(b, ", %s %s", name, shown);
        free(other);
    }
    json_decref(o);
}

/* time  who  action  person: objects, detail */
static void print_line(struct ctl *c, const PGresult *r, int i, struct pl_buf *b)
{
    const char *acting = PQgetvalue(r, i, COL_ACTING), *person = PQgetvalue(r, i, COL_PERSON);
    pl_buf_clear(b);
    for (int j = COL_FIRST_OBJECT; j <= COL_LAST_OBJECT; j++)
        if (*PQgetvalue(r, i, j))
            pl_buf_printf(b, ", %s %s", PQfname(r, j), PQgetvalue(r, i, j));
    add_members(b, r, i, COL_DETAIL);
    add_members(b, r, i, COL_PRIVATE);
    ctl_say(c, "%s  %s  %s%s%s%s%s%s%s", PQgetvalue(r, i, COL_LOCAL), *acting ? acting : PQgetvalue(r, i, COL_SESSION),
            PQgetvalue(r, i, COL_ACTION), *person ? "  " : "", person, *PQgetvalue(r, i, COL_NUMBER) ? " " : "",
            PQgetvalue(r, i, COL_NUMBER), b->len > 0 ? ": " : "", b->len > 0 ? b->s + 2 : "");
}

/* The event without what is empty; detail as the object that it is. */
static json_t *event(const PGresult *r, int i)
{
    json_t *o = json_object();
    for (int j = 0; j < PQnfields(r); j++) {
        json_t *v = NULL;
        if (j == COL_LOCAL || PQgetisnull(r, i, j))
            continue;
        if (j == COL_DETAIL)
            v = json_loads(PQgetvalue(r, i, j), JSON_DECODE_ANY, NULL);
        json_object_set_new(o, PQfname(r, j), v ? v : ctl_json_value(r, i, j));
    }
    return o;
}

static void print_rows(struct ctl *c, const PGresult *r, bool lines)
{
    struct pl_buf b = {0};
    json_t *all = c->json && !lines ? json_array() : NULL;
    for (int i = 0; i < PQntuples(r); i++) {
        if (all)
            json_array_append_new(all, event(r, i));
        else if (c->json)
            ctl_print_json_value(event(r, i));
        else
            print_line(c, r, i, &b);
    }
    if (all)
        ctl_print_json_value(all);
    pl_buf_free(&b);
}

/* A moment as the database writes it: both pages of a --follow count from the same one. */
static int moment(struct ctl *c, const char *text, char *out, size_t size)
{
    char interval[32];
    bool back = ctl_moment_back(text, interval, sizeof interval);
    const char *params[2] = {back ? NULL : text, back ? interval : NULL};
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_time", 2, params, &code);
    if (r)
        snprintf(out, size, "%s", PQgetvalue(r, 0, 0));
    PQclear(r);
    return code;
}

static int horizon(struct ctl *c, char *out, size_t size)
{
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_log_horizon", 0, NULL, &code);
    if (r)
        snprintf(out, size, "%s", PQgetvalue(r, 0, 0));
    PQclear(r);
    return code;
}

/* A row shows when every transaction with a smaller number has ended, so none that is committed late is passed over. */
static int follow(struct ctl *c, const char **params, char *below, size_t size)
{
    char from[32];
    int code = CTL_OK;
    while (code == CTL_OK && !ferror(stdout)) {
        snprintf(from, sizeof from, "%s", below);
        ctl_sleep_ms(POLL_MS);
        code = horizon(c, below, size);
        if (code != CTL_OK || strcmp(from, below) == 0)
            continue;
        params[P_FROM] = from;
        params[P_LIMIT] = NULL;
        PGresult *r = ctl_query(c, "ctl_log", P_COUNT, params, &code);
        if (r)
            print_rows(c, r, true);
        PQclear(r);
    }
    return code;
}

int cmd_log(struct ctl *c, int argc, char **argv)
{
    struct ctl_args a;
    struct ctl_who who;
    char since[64], before[64], below[32];
    const char *params[P_COUNT] = {0};
    long n;
    ctl_args_start(&a, c, argc, argv);
    const char *person = ctl_option(&a, "--person"), *from = ctl_option(&a, "--since"),
               *until = ctl_option(&a, "--until");
    params[P_REGISTER] = ctl_option(&a, "--register");
    params[P_ACTION] = ctl_option(&a, "--action");
    const char *limit = ctl_option(&a, "--limit");
    bool follows = ctl_flag(&a, "--follow");
    if (!ctl_args_end(&a, 0, 0) || (limit && !ctl_to_long("--limit", limit, 0, 1000000, &n)) ||
        !ctl_check_moment("--since", CTL_BACKWARD, from) || !ctl_check_moment("--until", CTL_BACKWARD, until))
        return CTL_USAGE;
    if (follows && until) {
        ctl_complain("--follow has no end; leave --until away.");
        return CTL_USAGE;
    }
    int code = person ? ctl_find_person(c, person, &who) : CTL_OK;
    if (code == CTL_OK && params[P_REGISTER])
        code = ctl_check_register(c, params[P_REGISTER]);
    if (code == CTL_OK && from)
        code = moment(c, from, since, sizeof since);
    if (code == CTL_OK && until)
        code = moment(c, until, before, sizeof before);
    if (code == CTL_OK && follows)
        code = horizon(c, below, sizeof below);
    if (code != CTL_OK)
        return code;
    params[P_PERSON] = person ? who.id : NULL;
    params[P_SINCE] = from ? since : NULL;
    params[P_BEFORE] = until ? before : NULL;
    params[P_LIMIT] = limit ? limit : follows ? "20" : "200";
    params[P_BELOW] = follows ? below : NULL;
    PGresult *r = ctl_query(c, "ctl_log", P_COUNT, params, &code);
    if (!r)
        return code;
    print_rows(c, r, follows);
    if (!follows && PQntuples(r) == 0)
        ctl_say(c, "The log holds nothing of that kind.");
    if (!limit && !follows && PQntuples(r) == 200)
        ctl_complain("these are the newest 200; --limit N shows more.");
    PQclear(r);
    return follows ? follow(c, params, below, sizeof below) : CTL_OK;
}
