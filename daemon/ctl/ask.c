/* Asking the daemon: a row in paasla.control, and waiting until it is answered. */
#include "ask.h"
#include "progress.h"
#include "wait.h"

#include <string.h>

PGresult *ctl_ask(struct ctl *c, const char *kind, const char *directory, long seconds, int *exit_code)
{
    const char *params[] = {kind, directory};
    PGresult *r = ctl_query(c, "ctl_ask", 2, params, exit_code);
    if (!r)
        return NULL;
    char id[32];
    snprintf(id, sizeof id, "%s", PQgetvalue(r, 0, 0));
    const char *id_params[] = {id};
    double until = ctl_clock() + (double)seconds;
    struct ctl_progress line = ctl_progress_wait();
    for (;;) {
        PQclear(r);
        r = ctl_query(c, "ctl_control", 1, id_params, exit_code);
        if (!r || ctl_answered(r) || ctl_clock() >= until)
            break;
        ctl_progress(&line, *PQgetvalue(r, 0, CTL_CONTROL_STARTED) == 't' ? "paaslad is at it"
                                                                          : "waiting for paaslad to begin");
        ctl_sleep_ms(100);
    }
    ctl_progress_end();
    return r;
}

bool ctl_answered(const PGresult *answer)
{
    return *PQgetvalue(answer, 0, CTL_CONTROL_DONE) == 't';
}

int ctl_no_answer(const PGresult *answer, long seconds)
{
    ctl_complain(
        *PQgetvalue(answer, 0, CTL_CONTROL_STARTED) == 't'
            ? "the daemon has begun but not answered within %ld s. A directory that cannot be reached, or is not "
              "in paaslad's configuration, keeps it waiting: its log says which; a longer --timeout may help."
            : "the daemon has not answered within %ld s. Is paaslad running, and on this database?",
        seconds);
    return CTL_NO_ANSWER;
}
