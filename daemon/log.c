#include "shell.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static atomic_int limit = 6;
static atomic_ulong lines[8];

unsigned long pld_log_lines(int level)
{
    return lines[level];
}

void pld_log_level(int level)
{
    limit = level;
}

static const char *const words[] = {"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"};

/* "<4>" for the journal, then RFC 3339 time in UTC, the level's word and the part. Returns how many bytes. */
static size_t write_head(char *line, size_t cap, int level, const char *part)
{
    struct timeval now;
    struct tm tm;
    gettimeofday(&now, NULL);
    gmtime_r(&now.tv_sec, &tm);
    size_t n = 0;
    if (getenv("JOURNAL_STREAM"))
        n = (size_t)snprintf(line, cap, "<%d>", level);
    char day[32];
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    int more = snprintf(line + n, cap - n, "%s.%06ldZ %s %s: ", day, (long)now.tv_usec, words[level], part);
    n += (size_t)more;
    return n < cap ? n : cap - 1;
}

/* One write for one line, so that lines of several threads do not mix. Control characters become spaces: a line is a
 * line whatever a peer or a file put into it. */
void pld_log(int level, const char *part, const char *fmt, ...)
{
    if (level < 0)
        level = 0;
    if (level > 7)
        level = 7;
    if (level > limit)
        return;
    lines[level]++;
    char line[2048];
    size_t head = write_head(line, sizeof line - 1, level, part);
    va_list ap;
    va_start(ap, fmt);
    int more = vsnprintf(line + head, sizeof line - 1 - head, fmt, ap);
    va_end(ap);
    if (more < 0)
        return;
    size_t len = head + (size_t)more;
    if (len > sizeof line - 2)
        len = sizeof line - 2;
    for (size_t i = head; i < len; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return; /* nobody left to tell */
}
