#include "http_listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16 };

static bool fail(struct pl_err *err, struct pl_str address, const char *what)
{
    return pl_err_set(err, PL_ERR_IO, errno, "Choose another address for metrics, or end the program that has it.",
                      "metrics = %.*s: %s: %s", (int)address.len, address.s, what, strerror(errno));
}

/* The folder decides who may come, as it does for the loopback address: everybody on this host. */
enum { SOCKET_MODE = 0666 };

/* True when nobody listens on the file that is there. */
static bool is_stale(const struct sockaddr_un *sa)
{
    struct stat st;
    if (lstat(sa->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool stale = fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof *sa) != 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return stale;
}

static bool bind_local(int fd, const struct sockaddr_un *sa)
{
    if (bind(fd, (const struct sockaddr *)sa, sizeof *sa) == 0)
        return true;
    if (errno != EADDRINUSE)
        return false;
    if (!is_stale(sa))
        return errno = EADDRINUSE, false;
    return unlink(sa->sun_path) == 0 && bind(fd, (const struct sockaddr *)sa, sizeof *sa) == 0;
}

static bool open_local(struct pl_str path, struct pld_listen *out)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct stat st;
    if (path.len >= sizeof sa.sun_path)
        return errno = ENAMETOOLONG, false;
    memcpy(sa.sun_path, path.s, path.len);
    out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (out->fd < 0 || !bind_local(out->fd, &sa))
        return false;
    memcpy(out->path, sa.sun_path, sizeof out->path);
    if (chmod(out->path, SOCKET_MODE) != 0 || lstat(out->path, &st) != 0)
        return false;
    out->dev = st.st_dev;
    out->ino = st.st_ino;
    return listen(out->fd, BACKLOG) == 0;
}

static bool open_loopback(struct pl_str address, struct pld_listen *out)
{
    size_t colon = address.len;
    int64_t port = 0;
    int one = 1;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool six = address.len > 0 && address.s[0] == '[';

    while (colon > 0 && address.s[colon - 1] != ':')
        colon--;
    if (!pl_str_to_i64((struct pl_str){address.s + colon, address.len - colon}, &port) || port < 1 || port > 65535)
        return errno = EINVAL, false;
    v4.sin_port = v6.sin6_port = htons((uint16_t)port);
    out->fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (out->fd < 0 || setsockopt(out->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0)
        return false;
    if (six)
        return bind(out->fd, (const struct sockaddr *)&v6, sizeof v6) == 0 && listen(out->fd, BACKLOG) == 0;
    return bind(out->fd, (const struct sockaddr *)&v4, sizeof v4) == 0 && listen(out->fd, BACKLOG) == 0;
}

bool pld_listen_open(struct pl_str address, struct pld_listen *out, struct pl_err *err)
{
    static const char local[] = "unix:";
    const size_t n = sizeof local - 1;
    bool is_local = address.len > n && memcmp(address.s, local, n) == 0, ok;

    *out = (struct pld_listen){.fd = -1};
    ok = is_local ? open_local((struct pl_str){address.s + n, address.len - n}, out) : open_loopback(address, out);
    if (ok)
        return true;
    fail(err, address, "nobody can listen there");
    if (out->fd >= 0)
        close(out->fd);
    pld_listen_forget(out);
    out->fd = -1;
    return false;
}

void pld_listen_forget(struct pld_listen *l)
{
    struct stat st;
    if (l->path[0] && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
        unlink(l->path);
    l->path[0] = '\0';
}
