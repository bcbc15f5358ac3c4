/* The file with a first password: its place, its name and its mode are judged before a byte of it is believed. */
#include "letter.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* paaslad names it LOGIN-20260131T235959Z, with .2 behind a second one. Another person's password must not come into
 * this letter, so the name counts. */
static const char *login_of(const char *path, const PGresult *accounts)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    for (int i = 0; i < PQntuples(accounts); i++) {
        const char *login = PQgetvalue(accounts, i, LA_LOGIN);
        size_t n = strlen(login);
        if (n == 0 || strncmp(base, login, n) != 0 || base[n] != '-' || !isdigit((unsigned char)base[n + 1]))
            continue;
        if (base[n + 1 + strspn(base + n + 1, "0123456789TZ.")] == '\0')
            return login;
    }
    ctl_complain("%s is no first password of this person: paaslad names the file LOGIN-TIME, after one of the person's "
                 "log-ins.",
                 path);
    return NULL;
}

static bool mode_ok(int fd, const char *path)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        ctl_complain("%s: %s.", path, strerror(errno));
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        ctl_complain("%s is not an ordinary file.", path);
        return false;
    }
    if (st.st_mode & 077) {
        ctl_complain(
            "%s may be read or changed by others (mode %04o): have another first password set, and keep this one "
            "out of the letter.",
            path, (unsigned)(st.st_mode & 07777));
        return false;
    }
    return true;
}

/* One line of visible ASCII, as it is typed from paper. */
static bool content_ok(const char *path, char *text, ssize_t n)
{
    if (n > 0 && text[n - 1] == '\n')
        n--;
    bool ok = n >= 8 && n <= LETTER_PASSWORD_MAX;
    for (ssize_t i = 0; i < n && ok; i++)
        ok = text[i] > ' ' && text[i] <= '~';
    if (!ok)
        ctl_complain("%s does not hold a first password: one line of 8 to %d visible characters.", path,
                     LETTER_PASSWORD_MAX);
    else
        text[n] = '\0';
    return ok;
}

bool letter_password_read(const char *path, const PGresult *accounts, const char **login, char *out)
{
    bool ok = false;
    char text[LETTER_PASSWORD_MAX + 3];
    ssize_t n = 0, got = 1;
    *login = login_of(path, accounts);
    if (!*login)
        return false;
    /* Never waits, not even on a FIFO, and follows no link that somebody laid there. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0) {
        ctl_complain("%s cannot be read: %s.", path, errno == ELOOP ? "it is a symbolic link" : strerror(errno));
        return false;
    }
    if (!mode_ok(fd, path))
        goto out;
    while (n < (ssize_t)sizeof text - 1 && got > 0) {
        got = read(fd, text + n, sizeof text - 1 - (size_t)n);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            n += got;
    }
    if (got < 0) {
        ctl_complain("%s cannot be read: %s.", path, strerror(errno));
        goto out;
    }
    ok = content_ok(path, text, n);
    if (ok)
        memcpy(out, text, strlen(text) + 1);
out:
    explicit_bzero(text, sizeof text);
    close(fd);
    return ok;
}
