/* A line that says what is waited for, on a terminal and only there. It is wiped away again, and standard output never has
 * it. */
#ifndef PAASLA_CTL_PROGRESS_H
#define PAASLA_CTL_PROGRESS_H

#include <stdbool.h>

struct ctl_progress {
    double begun, told; /* ctl_clock() */
    bool wanted, steps;
};

/* Of a wait that is looked at again and again: it shows from the second second on, some times a second, with the seconds
 * that have passed. */
struct ctl_progress ctl_progress_wait(void);
/* Of steps during which nothing can be shown: each is told before it begins. */
struct ctl_progress ctl_progress_steps(void);
void ctl_progress(struct ctl_progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Wipes the line away, if one is shown: at the end, and before anything else is said. */
void ctl_progress_end(void);

#endif
