/* The connector thread. Name lookup, connecting, TLS and bind can each block inside libraries; here they block nobody.
 * The loop bounds them: when its deadline passes it calls shutdown() on a duplicate of the socket, and whatever the
 * thread was waiting for fails at once. */
#include "dir_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* ---- sockets ---- */

static void set_int(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value); /* best effort: each only makes a failure seen sooner */
}

/* Idle peers that vanish are noticed after about a minute, unacknowledged data after the LDAP timeout. */
static void tune(int fd, const struct pl_conf_directory *conf)
{
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)conf->timeout_ms);
}

/* Without these two the handshake of libldap 2.5 has no bound of its own when a peer stalls in the middle. */
static void bound_io(int fd)
{
    struct timeval second = {.tv_sec = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
}

/* Gives the loop its grip on the socket. False when the loop gave up already. */
static bool publish(struct dir_opening *o, int fd)
{
    pthread_mutex_lock(&o->lock);
    if (o->cut_fd >= 0)
        close(o->cut_fd);
    o->cut_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    bool go_on = !o->cut && o->cut_fd >= 0;
    pthread_mutex_unlock(&o->lock);
    return go_on;
}

static bool is_loopback(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr) >> 24) == 127;
    if (sa->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
    return false;
}

/* Non-blocking connect with the time that is left. Returns the socket, or -1 with errno. */
static int connect_one(struct dir_opening *o, const struct addrinfo *ai, int64_t until_ms)
{
    int err = 0;
    socklen_t len = sizeof err;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    tune(fd, &o->conf);
    bound_io(fd);
    if (!publish(o, fd)) {
        errno = ETIMEDOUT;
        goto fail;
    }
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
        return fd;
    if (errno != EINPROGRESS)
        goto fail;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int64_t left = until_ms - dir_now_ms();
    if (poll(&p, 1, left > 0 ? (int)left : 0) != 1) {
        errno = ETIMEDOUT;
        goto fail;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err == 0)
        return fd;
    errno = err;
fail:
    err = errno;
    close(fd);
    errno = err;
    return -1;
}

/* Several addresses share the time that is left, in the resolver's order. */
static int connect_all(struct dir_opening *o, const struct addrinfo *list, bool loopback_only)
{
    int n = 0, fd = -1;
    for (const struct addrinfo *ai = list; ai; ai = ai->ai_next)
        n++;
    o->step = "connecting";
    for (const struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next, n--) {
        if (loopback_only && !is_loopback(ai->ai_addr)) {
            pl_err_set(&o->err, PL_ERR_CONF, 0, "Set tls = starttls and ca_file, or use an ldaps:// address.",
                       "tls = none is only for ldapi:// and this host's own addresses; nothing was sent");
            return -1;
        }
        int64_t now = dir_now_ms();
        fd = connect_one(o, ai, now + (o->deadline_ms - now) / n);
        if (fd < 0)
            pl_err_set(&o->err, PL_ERR_IO, errno, "Is the server running, and may this host reach it?",
                       "not reachable: %s", strerror(errno));
    }
    return fd;
}

static int connect_tcp(struct dir_opening *o, const LDAPURLDesc *url)
{
    char port[16];
    struct addrinfo *list = NULL, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    bool bare = strcmp(url->lud_scheme, "ldap") == 0 && pl_str_eq_c(o->conf.tls, "none") &&
                !pl_str_eq_c(o->conf.sasl, "gssapi"); /* which seals, or fails */
    if (!url->lud_host || !*url->lud_host) {
        pl_err_set(&o->err, PL_ERR_CONF, 0, "Write the server's name: ldap://server.example.",
                   "no host in the address");
        return -1;
    }
    snprintf(port, sizeof port, "%d", url->lud_port);
    o->step = "looking up the name";
    int rc = getaddrinfo(url->lud_host, port, &hints, &list);
    if (rc != 0) {
        pl_err_set(&o->err, PL_ERR_IO, rc, "Check the name in uris and this host's resolver.",
                   "the server's name cannot be looked up: %s", gai_strerror(rc));
        return -1;
    }
    int fd = connect_all(o, list, bare);
    freeaddrinfo(list);
    return fd;
}

static int connect_local(struct dir_opening *o, const LDAPURLDesc *url)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    const char *path = url->lud_host && *url->lud_host ? url->lud_host : "/var/run/slapd/ldapi";
    if (strlen(path) >= sizeof sa.sun_path) {
        pl_err_set(&o->err, PL_ERR_CONF, 0, "A socket's path has at most 107 bytes.",
                   "the path in the address is too long");
        return -1;
    }
    memcpy(sa.sun_path, path, strlen(path)); /* zeroed before, so terminated */
    o->step = "connecting";
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        goto fail;
    bound_io(fd); /* a full queue of a stopped server: connect() ends after this time too */
    if (publish(o, fd) && connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0)
        return fd;
fail:
    pl_err_set(&o->err, PL_ERR_IO, errno, "Is the server running, and may the daemon's user open the socket?",
               "socket %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

int dir_connect(struct dir_opening *o, const LDAPURLDesc *url)
{
    return strcmp(url->lud_scheme, "ldapi") == 0 ? connect_local(o, url) : connect_tcp(o, url);
}

/* ---- the thread ---- */

static void bring_up(struct dir_opening *o)
{
    LDAPURLDesc *url = NULL;
    if (ldap_url_parse(o->uri, &url) != LDAP_URL_SUCCESS ||
        (strcmp(url->lud_scheme, "ldap") && strcmp(url->lud_scheme, "ldaps") && strcmp(url->lud_scheme, "ldapi"))) {
        pl_err_set(&o->err, PL_ERR_CONF, 0, "Write ldap://server, ldaps://server or ldapi://%2fpath%2fto%2fsocket.",
                   "this is no LDAP address");
    } else {
        int fd = dir_connect(o, url);
        if (fd >= 0)
            o->ok = dir_bind(o, url, fd);
    }
    if (url)
        ldap_free_urldesc(url);
}

static void destroy(struct dir_opening *o)
{
    if (o->opened.ld)
        ldap_unbind_ext(o->opened.ld, NULL, NULL);
    if (o->cut_fd >= 0)
        close(o->cut_fd);
    if (o->done_fd >= 0)
        close(o->done_fd);
    pthread_mutex_destroy(&o->lock);
    pl_arena_free(o->arena);
    free(o);
}

static void *run(void *arg)
{
    struct dir_opening *o = arg;
    bring_up(o);
    pthread_mutex_lock(&o->lock);
    if (!o->ok && (o->cut || dir_now_ms() >= o->deadline_ms))
        pl_err_set(&o->err, PL_ERR_IO, 0, "Is the server overloaded, or something between it and this host?",
                   "no end within %lld ms while %s", (long long)o->conf.connect_ms, o->step);
    o->done = true;
    bool orphan = o->orphan;
    uint64_t one = 1;
    if (!orphan && write(o->done_fd, &one, sizeof one) < 0)
        pld_log(3, "directory.thread", "eventfd: %s", strerror(errno)); /* cannot happen: the counter is at 0 */
    pthread_mutex_unlock(&o->lock);
    if (orphan)
        destroy(o);
    return NULL;
}

/* ---- threads whose opening is gone ---- */

static struct left {
    struct left *next;
    pthread_t thread;
} * left; /* the loop's thread alone reads and writes it */

static void leave(pthread_t thread)
{
    struct left *l = pl_xcalloc(1, sizeof *l);
    *l = (struct left){left, thread};
    left = l;
}

/* Takes up those that have ended by `until` on the wall clock, which is pthread_timedjoin_np()'s. True when none is left. */
static bool take_up(const struct timespec *until)
{
    for (struct left **at = &left; *at;) {
        struct left *l = *at;
        if ((until ? pthread_timedjoin_np(l->thread, NULL, until) : pthread_tryjoin_np(l->thread, NULL)) != 0) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        free(l);
    }
    return left == NULL;
}

bool pld_dir_threads_ended(int wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    return take_up(&until);
}

/* Signals are for the loop's thread; a SIGPIPE of this one dies with it. */
static int start_thread(struct dir_opening *o)
{
    sigset_t all, before;
    take_up(NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&o->thread, NULL, run, o);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    o->threaded = rc == 0;
    return rc;
}

static void copy_conf(struct dir_opening *o, const struct pl_conf_directory *c)
{
    struct pl_arena *a = o->arena;
    o->conf = (struct pl_conf_directory){
        .name = pl_arena_str(a, c->name),
        .dialect = pl_arena_str(a, c->dialect),
        .tls = pl_arena_str(a, c->tls),
        .ca_file = pl_arena_str(a, c->ca_file),
        .sasl = pl_arena_str(a, c->sasl),
        .cert_file = pl_arena_str(a, c->cert_file),
        .key_file = pld_secret_path(a, c->key_file),
        .bind_dn = pl_arena_str(a, c->bind_dn),
        .password_file = pl_arena_str(a, c->password_file),
        .keytab_file = pl_arena_str(a, c->keytab_file),
        .principal = pl_arena_str(a, c->principal),
        .people_base = pl_arena_str(a, c->people_base),
        .timeout_ms = c->timeout_ms,
        .connect_ms = c->connect_ms,
    };
}

static struct dir_opening *make(const struct pl_conf_directory *conf, const char *uri)
{
    struct dir_opening *o = pl_xcalloc(1, sizeof *o);
    o->arena = pl_arena_new();
    o->cut_fd = o->done_fd = -1;
    o->step = "starting";
    copy_conf(o, conf);
    o->uri = pl_arena_str(o->arena, pl_str_c(uri)).s;
    o->deadline_ms = dir_now_ms() + conf->connect_ms;
    pthread_mutex_init(&o->lock, NULL);
    return o;
}

static struct dir_opening *start(const struct pl_conf_directory *conf, const char *uri, bool keep, struct pl_err *err)
{
    struct dir_opening *o = make(conf, uri);
    o->keep = keep;
    o->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = o->done_fd < 0 ? errno : start_thread(o);
    if (rc == 0)
        return o;
    pl_err_set(err, PL_ERR_IO, rc, "Raise the unit's LimitNOFILE= or TasksMax=.", "no connector thread: %s",
               strerror(rc));
    destroy(o);
    return NULL;
}

struct dir_opening *dir_opening_start(const struct pl_conf_directory *conf, const char *uri, struct pl_err *err)
{
    return start(conf, uri, false, err);
}

struct dir_opening *dir_opening_start_keep(const struct pl_conf_directory *conf, const char *uri, struct pl_err *err)
{
    return start(conf, uri, true, err);
}

struct dir_opening *dir_opening_alone(const struct pl_conf_directory *conf, const char *uri)
{
    struct dir_opening *o = make(conf, uri);
    o->done = true;
    return o;
}

bool dir_opening_done(struct dir_opening *o)
{
    pthread_mutex_lock(&o->lock);
    bool done = o->done;
    pthread_mutex_unlock(&o->lock);
    return done;
}

void dir_opening_cut(struct dir_opening *o)
{
    pthread_mutex_lock(&o->lock);
    o->cut = true;
    if (o->cut_fd >= 0)
        shutdown(o->cut_fd, SHUT_RDWR);
    pthread_mutex_unlock(&o->lock);
}

void dir_opening_free(struct dir_opening *o)
{
    if (!o)
        return;
    pthread_mutex_lock(&o->lock);
    bool done = o->done;
    o->orphan = true;
    o->cut = true;
    if (o->cut_fd >= 0 && !done)
        shutdown(o->cut_fd, SHUT_RDWR);
    bool threaded = o->threaded;
    pthread_t thread = o->thread;
    pthread_mutex_unlock(&o->lock); /* from here on, if it was not done, it is the thread's */
    if (threaded && done)
        pthread_join(thread, NULL); /* nothing is left for it to do */
    else if (threaded)
        leave(thread);
    if (done)
        destroy(o);
}
