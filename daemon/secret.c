#include "shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_MAX = 4096 };

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

bool pld_secret_read(const char *path, struct pld_secret *out, struct pl_err *err)
{
    bool ok = false;
    *out = (struct pld_secret){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* never waits, not even on a FIFO */
    if (fd < 0)
        return pl_err_set(err, PL_ERR_CONF, errno, "Make the file readable for the daemon's user and nobody else.",
                          "secret %s: %s", path, strerror(errno));
    if (!check_file(fd, path, err))
        goto out;
    out->s = pl_xcalloc(1, SECRET_MAX + 2);
    ok = read_all(fd, path, out, err);
out:
    close(fd);
    if (!ok)
        pld_secret_free(out);
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
