/* hire, depart: HR's two verbs. */
#include "args.h"
#include "wait.h"

#include <jansson.h>
#include <string.h>

int cmd_hire(struct ctl *c, int argc, char **argv)
{
    struct ctl_args a;
    ctl_args_start(&a, c, argc, argv);
    const char *institution = ctl_option(&a, "--institution");
    const char *from = ctl_option(&a, "--from");
    const char *unit = ctl_option(&a, "--unit");
    const char *position = ctl_option(&a, "--position");
    const char *kind = ctl_option(&a, "--kind");
    const char *code = ctl_option(&a, "--code");
    const char *manager = ctl_option(&a, "--manager");
    bool it_admin = ctl_flag(&a, "--it-admin");
    ctl_need(&a, "--institution", institution);
    if (!ctl_args_end(&a, 3, 3))
        return CTL_USAGE;
    const char *params[] = {institution,          a.word[0], a.word[1], a.word[2], from, unit, position, kind,
                            it_admin ? "t" : "f", code,      manager};
    int exit_code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_hire", 11, params, &exit_code);
    if (r && c->json)
        ctl_print_json(r);
    else if (r)
        ctl_say(c, "%s %s has number %s at %s: employment %s.", a.word[1], a.word[2], a.word[0], institution,
                PQgetvalue(r, 0, 0));
    PQclear(r);
    return exit_code;
}

/* Columns of ctl_depart_state. */
enum {
    COL_DIRECTORY,
    COL_PURPOSE,
    COL_LOGIN,
    COL_STATE,
    COL_STATE_TEXT,
    COL_MODE,
    COL_WANTED,
    COL_LOCK_TOOK,
    COL_OUT,
    COL_PENDING
};

static bool all_out(const PGresult *r)
{
    for (int i = 0; i < PQntuples(r); i++)
        if (*PQgetvalue(r, i, COL_OUT) != 't')
            return false;
    return true;
}

static void say_accounts(struct ctl *c, const PGresult *r)
{
    if (PQntuples(r) == 0)
        ctl_say(c, "There is no account to be locked.");
    for (int i = 0; i < PQntuples(r); i++) {
        const char *took = PQgetvalue(r, i, COL_LOCK_TOOK), *why = PQgetvalue(r, i, COL_STATE_TEXT);
        const char *login = PQgetvalue(r, i, COL_LOGIN), *directory = PQgetvalue(r, i, COL_DIRECTORY);
        if (strcmp(PQgetvalue(r, i, COL_WANTED), "open") == 0)
            ctl_say(c, "%s in %s stays open: another employment stands.", login, directory);
        else if (*PQgetvalue(r, i, COL_OUT) == 't')
            ctl_say(c, "%s in %s is out%s%s%s.", login, directory, *took ? "; the lock took " : "", took,
                    *took ? " s" : "");
        else
            ctl_say(c, "%s in %s is NOT out: %s%s%s%s%s%s.", login, directory, PQgetvalue(r, i, COL_STATE),
                    *why ? ", " : "", why, *took ? "; locked after " : "", took, *took ? " s" : "");
        if (*PQgetvalue(r, i, COL_OUT) != 't' && strcmp(PQgetvalue(r, i, COL_MODE), "observe") == 0)
            ctl_say(c, "Directory %s is in mode observe: nothing is written to it.", directory);
    }
}

/* Until all accounts of the person are out. *last: the last look, for JSON. */
static int wait_out(struct ctl *c, const char *const *params, long seconds, PGresult **last)
{
    int code = CTL_OK;
    double until = ctl_clock() + (double)seconds;
    for (;;) {
        PQclear(*last);
        *last = ctl_query(c, "ctl_depart_state", 2, params, &code);
        if (!*last) {
            ctl_complain("the departure itself is entered; only its carrying out could not be watched.");
            return code;
        }
        if (all_out(*last) || ctl_clock() >= until)
            break;
        ctl_sleep_ms(100);
    }
    say_accounts(c, *last);
    if (all_out(*last))
        return CTL_OK;
    ctl_complain(
        "not all accounts were out after %ld s. Is paaslad running? `paaslactl status` and `paaslactl why %s` tell "
        "more; the departure stands, and is carried out as soon as it can be.",
        seconds, params[0]);
    return CTL_NO_ANSWER;
}

int cmd_depart(struct ctl *c, int argc, char **argv)
{
    struct ctl_args a;
    long seconds = 0;
    ctl_args_start(&a, c, argc, argv);
    const char *last_day = ctl_option(&a, "--last-day");
    const char *ref = ctl_option(&a, "--ref");
    const char *institution = ctl_option(&a, "--institution");
    const char *wait = ctl_option_number(&a, "--wait", "60");
    ctl_need(&a, "--ref", ref);
    if (!ctl_args_end(&a, 1, 1) || (wait && !ctl_to_long("--wait", wait, 0, 86400, &seconds)))
        return CTL_USAGE;
    const char *params[] = {a.word[0], last_day, ref, institution};
    const char *state_params[] = {a.word[0], institution};
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_depart", 4, params, &code), *accounts = NULL;
    if (!r)
        return code;
    bool passed = *PQgetvalue(r, 0, 1) == 't';
    ctl_say(c, "Number %s %s at %s.", a.word[0], passed ? "departed" : "departs", PQgetvalue(r, 0, 0));
    if (wait && passed)
        code = wait_out(c, state_params, seconds, &accounts);
    else if (wait)
        ctl_say(c, "That is still to come; the accounts are locked at that moment.");
    if (c->json)
        ctl_print_json_value(json_pack("{s:s, s:o, s:b, s:o}", "employee_no", a.word[0], "departs_at",
                                       ctl_json_value(r, 0, 0), "passed", passed, "accounts",
                                       accounts ? ctl_json_rows(accounts) : json_null()));
    PQclear(r);
    PQclear(accounts);
    return code;
}
