#include "shell.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 2048 };

static atomic_int limit = 6;
static atomic_ulong lines[8];

static const char *const words[] = {"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"};

unsigned long pld_log_lines(int level)
{
    return lines[level];
}

void pld_log_level(int level)
{
    limit = level;
}

/* JOURNAL_STREAM names the stream that the manager connected to the journal; standard error may be another one by now. */
static bool is_journal(void)
{
    static atomic_int known; /* 1 yes, 2 no; two threads that ask at once find the same */
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char mine[64];

    if (known == 0 && stream && fstat(STDERR_FILENO, &st) == 0) {
        snprintf(mine, sizeof mine, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
        known = strcmp(mine, stream) == 0 ? 1 : 2;
    }
    return stream && known == 1;
}

/* ---- a line that never overflows; the last two bytes are kept for its end ---- */

struct line {
    char s[LINE];
    size_t len;
};

static void add(struct line *l, const char *s, size_t n)
{
    size_t room = LINE - 2 - l->len;
    if (n > room)
        n = room;
    memcpy(l->s + l->len, s, n);
    l->len += n;
}

static void add_c(struct line *l, const char *s)
{
    add(l, s, strlen(s));
}

/* C0, DEL, C1, and what ends a line for some readers (U+2028, U+2029) or turns one round (U+202A to U+202E, U+2066 to
 * U+2069). */
static bool is_control(const char *s, size_t n)
{
    const unsigned char *c = (const unsigned char *)s;
    if (n == 1)
        return c[0] < 0x20 || c[0] == 0x7f;
    if (n == 2)
        return c[0] == 0xc2 && c[1] < 0xa0;
    return n == 3 && c[0] == 0xe2 &&
           ((c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) || (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
}

/* Inside quotes, whole characters only. A control character becomes a space and a byte that is no UTF-8 a question mark:
 * a line is a line whatever a peer or a file put into it. */
static void add_escaped(struct line *l, struct pl_str s)
{
    for (size_t i = 0, n; i < s.len && l->len + 4 < LINE - 2; i += n ? n : 1) {
        unsigned char c = (unsigned char)s.s[i];
        n = pl_str_utf8_at(s, i);
        if (n == 0)
            add_c(l, "?");
        else if (is_control(s.s + i, n))
            add_c(l, " ");
        else if (c == '"' || c == '\\')
            add(l, (const char[2]){'\\', (char)c}, 2);
        else
            add(l, s.s + i, n);
    }
}

static bool is_word(struct pl_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.s[i] <= 0x20 || (unsigned char)s.s[i] >= 0x7f || strchr("\"\\=", s.s[i]))
            return false;
    return s.len > 0;
}

/* What is empty is left out. */
static void add_field(struct line *l, const struct pld_field *f)
{
    char number[24];
    struct pl_str v = f->text;
    if (f->is_number) {
        snprintf(number, sizeof number, "%lld", (long long)f->number);
        v = pl_str_c(number);
    }
    if (v.len == 0)
        return;
    add_c(l, " ");
    add_c(l, f->key);
    add_c(l, "=");
    if (is_word(v)) {
        add(l, v.s, v.len);
        return;
    }
    add_c(l, "\"");
    add_escaped(l, v);
    add_c(l, "\"");
}

/* "<4>" for the journal, which knows the time; else the time. */
static void add_head(struct line *l, int level)
{
    char head[80], day[32];
    struct timeval now;
    struct tm tm;
    if (is_journal()) {
        snprintf(head, sizeof head, "<%d>level=%s", level, words[level]);
    } else {
        gettimeofday(&now, NULL);
        gmtime_r(&now.tv_sec, &tm);
        strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(head, sizeof head, "time=%s.%06ldZ level=%s", day, (long)now.tv_usec, words[level]);
    }
    add_c(l, head);
}

/* One write for one line, so that lines of several threads do not mix. */
void pld_event(int level, const char *event, const struct pld_field *fields, const char *fmt, ...)
{
    struct line l = {.len = 0};
    char msg[LINE];
    va_list ap;

    level = level < 0 ? 0 : level > 7 ? 7 : level;
    if (level > limit)
        return;
    lines[level]++;
    va_start(ap, fmt);
    int n = vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    add_head(&l, level);
    add_c(&l, " event=");
    add_c(&l, event);
    for (; fields && fields->key; fields++)
        add_field(&l, fields);
    add_c(&l, " msg=\"");
    add_escaped(&l, pl_str_c(msg));
    l.s[l.len++] = '"'; /* in the room that add() keeps */
    l.s[l.len++] = '\n';
    if (write(STDERR_FILENO, l.s, l.len) < 0)
        return; /* nobody left to tell */
}
