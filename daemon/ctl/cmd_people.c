/* hire, depart: HR's two verbs. */
#include "args.h"
#include "progress.h"
#include "wait.h"

#include <jansson.h>
#include <string.h>

/* A manager whom nobody knows would be left out in silence. */
static int check_manager(struct ctl *c, const char *institution, const char *number)
{
    const char *params[] = {institution, number};
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_manager", 2, params, &code);
    if (r && *PQgetvalue(r, 0, 0) != 't') {
        ctl_complain("--manager cannot be %s: nobody at %s has that number.", number, institution);
        code = CTL_USAGE;
    }
    PQclear(r);
    return code;
}

int cmd_hire(struct ctl *c, int argc, char **argv)
{
    static const char *const kinds[] = {"official", "employee", "external", "trainee", "elected"};
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
    if (!ctl_args_end(&a, 3, 3) || !ctl_check_moment("--from", CTL_MOMENT, from) ||
        !ctl_check_word("--kind", kind, kinds, 5))
        return CTL_USAGE;
    const char *params[] = {institution,          a.word[0], a.word[1], a.word[2], from, unit, position, kind,
                            it_admin ? "t" : "f", code,      manager};
    int exit_code = manager ? check_manager(c, institution, manager) : CTL_OK;
    PGresult *r = exit_code == CTL_OK ? ctl_query(c, "ctl_hire", 11, params, &exit_code) : NULL;
    if (r && c->json)
        ctl_print_json(r);
    else if (r)
        ctl_say(c, "%s %s has number %s at %s: employment %s.", a.word[1], a.word[2], a.word[0], institution,
                PQgetvalue(r, 0, 0));
    PQclear(r);
    return exit_code;
}

enum { STATE_DIRECTORY, STATE_ANSWER };

/* What a directory's answer means, and whether the waiting is over with it. */
static const struct {
    const char *answer, *words;
    bool over;
} answers[] = {
    {"no account", "there is no account", true},
    {"out", "out", true},
    {"stays open", "stays open: something else still entitles the person to it", true},
    {"locked", "locked, NOT yet seen out of everything", false},
    {"not proven", "NOT proven: nothing shows that the lock is enforced, or the entry cannot be found", false},
    {"still open", "still OPEN, as far as is known", false},
};

/* An answer that we do not know is not over. */
static bool all_over(const PGresult *r)
{
    size_t known = 0;
    for (int i = 0; i < PQntuples(r); i++)
        for (size_t k = 0; k < sizeof answers / sizeof answers[0]; k++)
            known += answers[k].over && strcmp(PQgetvalue(r, i, STATE_ANSWER), answers[k].answer) == 0;
    return known == (size_t)PQntuples(r);
}

static void say_answers(struct ctl *c, const PGresult *r, double seconds)
{
    if (PQntuples(r) == 0)
        ctl_say(c, "There is no account to be locked.");
    for (int i = 0; i < PQntuples(r); i++) {
        const char *words = PQgetvalue(r, i, STATE_ANSWER);
        for (size_t k = 0; k < sizeof answers / sizeof answers[0]; k++)
            if (strcmp(PQgetvalue(r, i, STATE_ANSWER), answers[k].answer) == 0)
                words = answers[k].words;
        ctl_say(c, "%s: %s (after %.1f s).", PQgetvalue(r, i, STATE_DIRECTORY), words, seconds);
    }
}

/* Until all accounts of the person are out. *last: the last look, for JSON. */
static int wait_out(struct ctl *c, const char *const *params, long seconds, PGresult **last)
{
    int code = CTL_OK;
    double begun = ctl_clock();
    struct ctl_progress line = ctl_progress_wait();
    for (;;) {
        PQclear(*last);
        *last = ctl_query(c, "ctl_depart_state", 2, params, &code);
        if (!*last) {
            ctl_progress_end();
            ctl_complain("the departure itself is entered; only its carrying out could not be watched.");
            return code;
        }
        if (all_over(*last) || ctl_clock() - begun >= (double)seconds)
            break;
        ctl_progress(&line, "waiting until all accounts are out");
        ctl_sleep_ms(100);
    }
    ctl_progress_end();
    say_answers(c, *last, ctl_clock() - begun);
    if (all_over(*last))
        return CTL_OK;
    ctl_complain(
        "not all accounts were out after %ld s. The departure stands, and is carried out as soon as it can be. "
        "Whoever runs Pääsla sees why not yet: `paaslactl status`, `paaslactl why %s`.",
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
    if (!ctl_args_end(&a, 1, 1) || (wait && !ctl_to_long("--wait", wait, 0, 86400, &seconds)) ||
        !ctl_check_moment("--last-day", CTL_DAY, last_day) || !ctl_check_reference("--ref", ref))
        return CTL_USAGE;
    const char *params[] = {a.word[0], last_day, ref, institution};
    const char *state_params[] = {a.word[0], institution};
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_depart", 4, params, &code), *states = NULL;
    if (!r)
        return code;
    bool passed = *PQgetvalue(r, 0, 1) == 't';
    ctl_say(c, "Number %s %s at %s.", a.word[0], passed ? "departed" : "departs", PQgetvalue(r, 0, 0));
    if (wait && passed)
        code = wait_out(c, state_params, seconds, &states);
    else if (wait)
        ctl_say(c, "That is still to come; the accounts are locked at that moment.");
    if (c->json)
        ctl_print_json_value(json_pack("{s:s, s:o, s:b, s:o}", "employee_no", a.word[0], "departs_at",
                                       ctl_json_value(r, 0, 0), "passed", passed, "directories",
                                       states ? ctl_json_rows(states) : json_null()));
    PQclear(r);
    PQclear(states);
    return code;
}
