/* sync: compare everything now, and wait until every directory has answered and what came of it is done. */
#include "args.h"
#include "ask.h"
#include "progress.h"
#include "wait.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { PENDING_DUE, PENDING_LATER, PENDING_HELD, PENDING_INCOMPLETE };
/* Columns of ctl_control_answers. */
enum { ANSWER_DIRECTORY, ANSWER_AT, ANSWER_COMPLETE, ANSWER_RESULT, ANSWER_FINDINGS = 10 };

static int count(const PGresult *r, int column)
{
    return ctl_int(r, 0, column);
}

/* What each directory found, and who is still silent. */
static void say_answers(struct ctl *c, const PGresult *r)
{
    int findings = 0;
    if (PQntuples(r) == 0)
        ctl_say(c, "No directory is entered: there is nothing to compare.");
    for (int i = 0; i < PQntuples(r); i++) {
        bool there = !PQgetisnull(r, i, ANSWER_AT);
        ctl_say(c, "%s: %s.", PQgetvalue(r, i, ANSWER_DIRECTORY),
                there ? PQgetvalue(r, i, ANSWER_RESULT) : "NOT compared yet");
        findings += ctl_int(r, i, ANSWER_FINDINGS);
    }
    if (findings > 0)
        ctl_say(c, "%d finding%s open: `paaslactl findings`.", findings, findings == 1 ? " is" : "s are");
}

/* Until the daemon has taken everybody who differs. */
static PGresult *wait_done(struct ctl *c, const char *directory, double until, int *code)
{
    const char *params[] = {directory};
    PGresult *r = NULL;
    struct ctl_progress line = ctl_progress_wait();
    do {
        if (r)
            ctl_sleep_ms(100);
        PQclear(r);
        r = ctl_query(c, "ctl_pending", 1, params, code);
        if (r)
            ctl_progress(&line, "persons who differ and wait for paaslad: %d", count(r, PENDING_DUE));
    } while (r && count(r, PENDING_DUE) > 0 && ctl_clock() < until);
    ctl_progress_end();
    return r;
}

static int say_pending(struct ctl *c, const PGresult *r, long seconds)
{
    int later = count(r, PENDING_LATER), held = count(r, PENDING_HELD), incomplete = count(r, PENDING_INCOMPLETE);
    if (later > 0)
        ctl_say(c, "%d person%s will be tried again later.", later, later == 1 ? "" : "s");
    if (held > 0)
        ctl_say(c, "%d plan%s held and wait%s for somebody: `paaslactl plan list`.", held, held == 1 ? " is" : "s are",
                held == 1 ? "s" : "");
    if (incomplete > 0)
        ctl_say(c, "%d director%s no complete compare: `paaslactl status` tells why.", incomplete,
                incomplete == 1 ? "y has" : "ies have");
    if (count(r, PENDING_DUE) > 0) {
        ctl_complain("%d person%s still wait%s for the daemon after %ld s.", count(r, PENDING_DUE),
                     count(r, PENDING_DUE) == 1 ? "" : "s", count(r, PENDING_DUE) == 1 ? "s" : "", seconds);
        return CTL_NO_ANSWER;
    }
    if (later + held + incomplete > 0)
        return CTL_ATTENTION;
    ctl_say(c, "Nothing is left for the daemon to do.");
    return CTL_OK;
}

int cmd_sync(struct ctl *c, int argc, char **argv)
{
    struct ctl_args a;
    long seconds = 120;
    ctl_args_start(&a, c, argc, argv);
    const char *timeout = ctl_option(&a, "--timeout");
    if (!ctl_args_end(&a, 0, 1) || (timeout && !ctl_to_long("--timeout", timeout, 0, 86400, &seconds)))
        return CTL_USAGE;
    const char *directory = a.n_words == 1 ? a.word[0] : NULL;
    double until = ctl_clock() + (double)seconds;
    int code = CTL_OK;
    PGresult *asked = ctl_ask(c, "sync", directory, seconds, &code), *answers = NULL, *pending = NULL;
    if (asked) {
        const char *params[] = {PQgetvalue(asked, 0, CTL_CONTROL_ID)};
        answers = ctl_query(c, "ctl_control_answers", 1, params, &code);
    }
    if (answers) {
        say_answers(c, answers);
        if (!ctl_answered(asked))
            code = ctl_no_answer(asked, seconds);
        else if ((pending = wait_done(c, directory, until, &code)))
            code = say_pending(c, pending, seconds);
        if (c->json && (pending || code == CTL_NO_ANSWER))
            ctl_print_json_value(json_pack("{s:b, s:o, s:o}", "answered", ctl_answered(asked), "directories",
                                           ctl_json_rows(answers), "pending",
                                           pending ? ctl_json_rows(pending) : json_null()));
    }
    PQclear(asked);
    PQclear(answers);
    PQclear(pending);
    return code;
}
