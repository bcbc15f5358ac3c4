/* Asking the daemon: a row in paasla.control, and waiting until it is answered. */
#include "ask.h"
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
    for (;;) {
        PQclear(r);
        r = ctl_query(c, "ctl_control", 1, id_params, exit_code);
        if (!r || *PQgetvalue(r, 0, CTL_CONTROL_DONE) == 't')
            return r;
        if (ctl_clock() >= until)
            break;
        ctl_sleep_ms(100);
    }
    ctl_complain(*PQgetvalue(r, 0, CTL_CONTROL_STARTED) == 't'
                     ? "the daemon has begun but not answered within %ld s; a longer --timeout may help."
                     : "the daemon has not answered within %ld s. Is paaslad running, and on this database?",
                 seconds);
    PQclear(r);
    *exit_code = CTL_NO_ANSWER;
    return NULL;
}
