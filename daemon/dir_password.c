#include "dir_priv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* No letter or digit that another one looks like: people type this from paper. 56 signs, 16 of them: 92 bits. */
static const char signs[] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/* Each sign equally likely: bytes above the largest multiple are thrown away. `out` has room for n signs and a NUL. */
static bool draw(char *out, size_t want)
{
    const unsigned n = sizeof signs - 1, top = 256 / n * n;
    size_t have = 0;
    while (have < want) {
        unsigned char pool[64];
        ssize_t got = getrandom(pool, sizeof pool, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        for (ssize_t i = 0; i < got && have < want; i++)
            if (pool[i] < top)
                out[have++] = signs[pool[i] % n];
        explicit_bzero(pool, sizeof pool);
    }
    out[have] = '\0';
    return true;
}

/* Password policies like to see each kind; one draw in eleven lacks a digit and is drawn again. */
static bool has_each_kind(const char *p)
{
    bool lower = false, upper = false, digit = false;
    for (; *p; p++) {
        lower |= islower((unsigned char)*p) != 0;
        upper |= isupper((unsigned char)*p) != 0;
        digit |= isdigit((unsigned char)*p) != 0;
    }
    return lower && upper && digit;
}

/* A log-in becomes part of a path: only plain signs, nothing hidden, nothing that leaves the folder. */
static bool is_plain(const char *login)
{
    size_t n = strlen(login);
    if (n == 0 || n > 64 || login[0] == '.' || login[0] == '-')
        return false;
    return strspn(login, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

static int open_dir(const char *dir, struct pl_err *err)
{
    struct stat st;
    const char *hint = "Make it with: install -d -m 0700 -o <the daemon's user> DIR";
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        pl_err_set(err, PL_ERR_CONF, errno, hint, "first_password_dir %s: %s", dir, strerror(errno));
        goto fail;
    }
    if ((st.st_mode & 077) != 0 || st.st_uid != geteuid()) {
        pl_err_set(err, PL_ERR_CONF, 0, hint,
                   "first_password_dir %s must be the daemon's own and mode 0700, it is %04o", dir,
                   (unsigned)(st.st_mode & 07777));
        goto fail;
    }
    return fd;
fail:
    if (fd >= 0)
        close(fd);
    return -1;
}

/* LOGIN-20260131T235959Z; a second one in the same second gets a number. Never writes over anything. */
static int create(int dir_fd, const char *login, char *name, size_t cap)
{
    time_t now = time(NULL);
    struct tm tm;
    char stamp[32];
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
    for (int i = 1; i < 100; i++) {
        if (i == 1)
            snprintf(name, cap, "%s-%s", login, stamp);
        else
            snprintf(name, cap, "%s-%s.%d", login, stamp, i);
        int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

static bool write_line(int fd, const char *password)
{
    char line[DIR_PASSWORD_LEN + 1];
    memcpy(line, password, DIR_PASSWORD_LEN);
    line[DIR_PASSWORD_LEN] = '\n';
    ssize_t n = write(fd, line, sizeof line);
    explicit_bzero(line, sizeof line);
    if (n >= 0 && n != (ssize_t)sizeof line)
        errno = ENOSPC;
    return n == (ssize_t)sizeof line && fsync(fd) == 0;
}

static bool keep(const char *dir, const char *login, const char *password, char **file, struct pl_err *err)
{
    bool ok = false;
    char name[160];
    int fd = -1, dir_fd = open_dir(dir, err);
    if (dir_fd < 0)
        return false;
    fd = create(dir_fd, login, name, sizeof name);
    if (fd < 0 || !write_line(fd, password) || fsync(dir_fd) != 0) {
        pl_err_set(err, PL_ERR_IO, errno, "Make room and let the daemon write there; it tries again.",
                   "first_password_dir %s: %s", dir, strerror(errno));
        if (fd >= 0)
            unlinkat(dir_fd, name, 0);
        goto out;
    }
    size_t len = strlen(dir) + strlen(name) + 2;
    *file = pl_xcalloc(1, len);
    snprintf(*file, len, "%s/%s", dir, name);
    ok = true;
out:
    if (fd >= 0)
        close(fd);
    close(dir_fd);
    return ok;
}

static bool draw_good(char *out, size_t want, struct pl_err *err)
{
    do {
        if (!draw(out, want))
            return pl_err_set(err, PL_ERR_IO, errno, "", "no random numbers: %s", strerror(errno));
    } while (!has_each_kind(out));
    return true;
}

/* Our signs are ASCII: as UTF-16LE each is followed by a NUL. */
static void encode(const char *password, enum pl_password_form form, struct pl_buf *out)
{
    if (form == PL_PASSWORD_PLAIN) {
        pl_buf_add_c(out, password);
        return;
    }
    pl_buf_add(out, (struct pl_str){"\"\0", 2});
    for (; *password; password++)
        pl_buf_add(out, (struct pl_str){(const char[]){*password, '\0'}, 2});
    pl_buf_add(out, (struct pl_str){"\"\0", 2});
}

bool dir_password_first(const char *dir, const char *login, enum pl_password_form form, struct pl_buf *out, char **file,
                        struct pl_err *err)
{
    char password[DIR_PASSWORD_LEN + 1];
    *file = NULL;
    if (!is_plain(login))
        return pl_err_set(err, PL_ERR_INPUT, 0, "Give the person a log-in of letters, digits, dot and hyphen.",
                          "a log-in cannot be part of a file name");
    bool ok = draw_good(password, DIR_PASSWORD_LEN, err) && keep(dir, login, password, file, err);
    if (ok)
        encode(password, form, out);
    explicit_bzero(password, sizeof password);
    return ok;
}

bool dir_password_useless(enum pl_password_form form, struct pl_buf *out, struct pl_err *err)
{
    char password[DIR_USELESS_LEN + 1];
    bool ok = draw_good(password, DIR_USELESS_LEN, err);
    if (ok)
        encode(password, form, out);
    explicit_bzero(password, sizeof password);
    return ok;
}

bool dir_password_try(enum pl_password_form form, char plain[DIR_PASSWORD_LEN + 1], struct pl_buf *out,
                      struct pl_err *err)
{
    if (!draw_good(plain, DIR_PASSWORD_LEN, err))
        return false;
    encode(plain, form, out);
    return true;
}

void dir_password_unlink(const char *file)
{
    if (unlink(file) != 0)
        pld_log(4, "directory.first_password", "a first password that the server refused could not be deleted: %s",
                strerror(errno));
}

void dir_password_wipe(struct pl_buf *password)
{
    if (password->s)
        explicit_bzero(password->s, password->cap);
    pl_buf_free(password);
}
