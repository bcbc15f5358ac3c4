#ifndef PAASLA_CTL_ASK_H
#define PAASLA_CTL_ASK_H

#include "ctl.h"

/* Columns of the answer. */
enum { CTL_CONTROL_ID, CTL_CONTROL_STARTED, CTL_CONTROL_DONE, CTL_CONTROL_PLAN, CTL_CONTROL_RESULT };

/* Asks, and waits so long: the question as it stands then, answered (CTL_CONTROL_DONE) or not. NULL when the database
 * refused: said, and *exit_code set. directory may be NULL: all. */
PGresult *ctl_ask(struct ctl *c, const char *kind, const char *directory, long seconds, int *exit_code);
bool ctl_answered(const PGresult *answer);
/* Says what may keep the daemon from answering. Returns CTL_NO_ANSWER. */
int ctl_no_answer(const PGresult *answer, long seconds);

#endif
