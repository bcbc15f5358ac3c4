#include "progress.h"
#include "ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wait.h"

static bool shown; /* on the terminal, of which there is one */
static const double FIRST_S = 1, EVERY_S = 0.2;

struct ctl_progress ctl_progress_wait(void)
{
    const char *term = getenv("TERM");
    struct ctl_progress p = {.begun = ctl_clock(),
                             .wanted = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0};
    return p;
}

struct ctl_progress ctl_progress_steps(void)
{
    struct ctl_progress p = ctl_progress_wait();
    p.steps = true;
    return p;
}

void ctl_progress(struct ctl_progress *p, const char *fmt, ...)
{
    double now = ctl_clock();
    if (!p->wanted || (!p->steps && (now - p->begun < FIRST_S || now - p->told < EVERY_S)))
        return;
    va_list ap;
    va_start(ap, fmt);
    char text[60]; /* of a terminal's line, which it must not fill */
    vsnprintf(text, sizeof text, fmt, ap);
    fputs("\r\033[K", stderr);
    ctl_print_cell(stderr, text);
    if (!p->steps)
        fprintf(stderr, " (%.0f s)", now - p->begun);
    fflush(stderr);
    va_end(ap);
    p->told = now;
    shown = true;
}

void ctl_progress_end(void)
{
    if (shown)
        fputs("\r\033[K", stderr);
    fflush(stderr);
    shown = false;
}
