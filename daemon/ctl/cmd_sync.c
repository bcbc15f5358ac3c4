/* sync: compare everything now, and wait until what came of it is done. */
#include "args.h"
#include "ask.h"
#include "wait.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { PENDING_DUE, PENDING_LATER, PENDING_HELD, PENDING_INCOMPLETE };

static int count(const PGresult *r, int column)
{
    return ctl_int(r, 0, column);
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
    PGresult *answer = ctl_ask(c, "sync", directory, seconds, &code);
    if (!answer)
        return code;
    const char *params[] = {directory};
    PGresult *r = NULL;
    do {
        if (r)
            ctl_sleep_ms(100);
        PQclear(r);
        r = ctl_query(c, "ctl_pending", 1, params, &code);
    } while (r && count(r, PENDING_DUE) > 0 && ctl_clock() < until);
    if (r) {
        ctl_say(c, "%s", PQgetvalue(answer, 0, CTL_CONTROL_RESULT));
        if (count(r, PENDING_LATER) > 0)
            ctl_say(c, "%d persons will be tried again later.", count(r, PENDING_LATER));
        if (count(r, PENDING_HELD) > 0)
            ctl_say(c, "%d plans are held and wait for somebody: `paaslactl plan list`.", count(r, PENDING_HELD));
        if (count(r, PENDING_INCOMPLETE) > 0)
            ctl_say(c, "%d directories have no complete compare: `paaslactl status` tells why.",
                    count(r, PENDING_INCOMPLETE));
        if (c->json)
            ctl_print_json_value(json_pack("{s:o, s:o}", "result", ctl_json_value(answer, 0, CTL_CONTROL_RESULT),
                                           "pending", ctl_json_rows(r)));
        if (count(r, PENDING_DUE) > 0) {
            ctl_complain("%d persons still wait for the daemon after %ld s.", count(r, PENDING_DUE), seconds);
            code = CTL_NO_ANSWER;
        } else if (count(r, PENDING_LATER) + count(r, PENDING_HELD) + count(r, PENDING_INCOMPLETE) > 0) {
            code = CTL_ATTENTION;
        } else {
            ctl_say(c, "Nothing is left to be done.");
        }
    }
    PQclear(r);
    PQclear(answer);
    return code;
}
