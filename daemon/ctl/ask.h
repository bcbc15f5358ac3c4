#ifndef PAASLA_CTL_ASK_H
#define PAASLA_CTL_ASK_H

#include "ctl.h"

/* Columns of the answer. */
enum { CTL_CONTROL_ID, CTL_CONTROL_STARTED, CTL_CONTROL_DONE, CTL_CONTROL_PLAN, CTL_CONTROL_RESULT };

/* NULL when there was none: said, and *exit_code set. directory may be NULL: all. */
PGresult *ctl_ask(struct ctl *c, const char *kind, const char *directory, long seconds, int *exit_code);

#endif
