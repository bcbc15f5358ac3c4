#include "shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_MAX = 4096 };

/* ---- where it lies ---- */

static const char credential[] = "credential:";

static bool is_credential(struct pl_str named)
{
    return named.len >= sizeof credential - 1 && memcmp(named.s, credential, sizeof credential - 1) == 0;
}

static const char *credentials_dir(void)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    return dir && *dir ? dir : NULL;
}

struct pl_str pld_secret_path(struct pl_arena *a, struct pl_str named)
{
    const size_t n = sizeof credential - 1;
    if (!is_credential(named) || !credentials_dir())
        return pl_arena_str(a, named);
    return pl_arena_printf(a, "%s/%.*s", credentials_dir(), (int)(named.len - n), named.s + n);
}

static int open_file(struct pl_str named, const char *path, struct pl_err *err)
{
    const char *hint = "Make the file readable for the daemon's user and nobody else.";
    if (is_credential(named) && !credentials_dir()) {
        pl_err_set(err, PL_ERR_CONF, 0,
                   "Start paaslad by its unit, or set CREDENTIALS_DIRECTORY to a folder with the secrets.",
                   "secret %s: nobody handed over credentials", path);
        return -1;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* never waits, not even on a FIFO */
    if (fd >= 0)
        return fd;
    if (is_credential(named))
        hint = "Credentials are handed over when the unit starts: put the file in its place, then `systemctl restart "
               "paaslad`.";
    pl_err_set(err, PL_ERR_CONF, errno, hint, "secret %s: %s", path, strerror(errno));
    return -1;
}

/* ---- what is in it ---- */

/* Group-readable is allowed: systemd hands credentials over with an access list, which shows as group bits. */
static bool check_file(int fd, const char *path, struct pl_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return pl_err_set(err, PL_ERR_IO, errno, "", "secret %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return pl_err_set(err, PL_ERR_CONF, 0, "Name an ordinary file.", "secret %s is not a file", path);
    if (st.st_mode & (S_IRWXO | S_IWGRP))
        return pl_err_set(err, PL_ERR_CONF, 0, "chmod 0400 the file, and change the password: others may have read it.",
                          "secret %s may be read or changed by others (mode %04o)", path,
                          (unsigned)(st.st_mode & 07777));
    return true;
}

/* Reads into one buffer that never moves, so that no copy stays behind in freed memory. */
static bool read_all(int fd, const char *path, struct pld_secret *out, struct pl_err *err)
{
    while (out->len <= SECRET_MAX) {
        ssize_t n = read(fd, out->s + out->len, SECRET_MAX + 1 - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pl_err_set(err, PL_ERR_IO, errno, "", "secret %s: %s", path, strerror(errno));
        if (n == 0)
            break;
        out->len += (size_t)n;
    }
    if (out->len > SECRET_MAX)
        return pl_err_set(err, PL_ERR_CONF, 0, "The file holds the secret and nothing else.",
                          "secret %s is larger than %d bytes", path, SECRET_MAX);
    if (out->len > 0 && out->s[out->len - 1] == '\n')
        out->s[--out->len] = '\0';
    if (out->len == 0)
        return pl_err_set(err, PL_ERR_CONF, 0, "Write the secret into the file: one line, nothing else.",
                          "secret %s is empty", path);
    if (memchr(out->s, '\0', out->len))
        return pl_err_set(err, PL_ERR_CONF, 0, "The file holds the secret as text.", "secret %s holds a NUL byte",
                          path);
    return true;
}

bool pld_secret_read(struct pl_str named, struct pld_secret *out, struct pl_err *err)
{
    bool ok = false;
    struct pl_arena *a = pl_arena_new();
    const char *path = pld_secret_path(a, named).s;
    *out = (struct pld_secret){0};
    int fd = open_file(named, path, err);
    if (fd < 0 || !check_file(fd, path, err))
        goto out;
    out->s = pl_xcalloc(1, SECRET_MAX + 2);
    ok = read_all(fd, path, out, err);
out:
    if (fd >= 0)
        close(fd);
    if (!ok)
        pld_secret_free(out);
    pl_arena_free(a);
    return ok;
}

bool pld_secret_check(struct pl_str named, struct pl_err *err)
{
    struct pl_arena *a = pl_arena_new();
    const char *path = pld_secret_path(a, named).s;
    int fd = open_file(named, path, err);
    bool ok = fd >= 0 && check_file(fd, path, err);
    if (fd >= 0)
        close(fd);
    pl_arena_free(a);
    return ok;
}

void pld_secret_free(struct pld_secret *s)
{
    if (s->s) {
        explicit_bzero(s->s, SECRET_MAX + 2);
        free(s->s);
    }
    *s = (struct pld_secret){0};
}
