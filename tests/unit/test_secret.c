/* Secrets: from a file or from what the service manager handed over, and from nothing that others may read. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/shell.h"

static char dir[] = "/tmp/paasla-secret.XXXXXX";

static const char *path_of(const char *name)
{
    static char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void put(const char *name, const char *text, mode_t mode)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void reads(const char *named, const char *text)
{
    struct pld_secret s;
    struct pl_err err = {0};
    if (!pld_secret_read(pl_str_c(named), &s, &err))
        fail_msg("%s: %s", named, err.text);
    assert_int_equal(s.len, strlen(text));
    assert_string_equal(s.s, text);
    pld_secret_free(&s);
    assert_null(s.s);
}

static void refuses(const char *named, const char *says, const char *hint)
{
    struct pld_secret s;
    struct pl_err err = {0};
    if (pld_secret_read(pl_str_c(named), &s, &err))
        fail_msg("%s was read", named);
    assert_null(s.s);
    if (!strstr(err.text, says) || !strstr(err.hint, hint))
        fail_msg("'%s' and '%s' lack '%s' or '%s'", err.text, err.hint, says, hint);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(dir) && unsetenv("CREDENTIALS_DIRECTORY") == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"plain", "open", "empty"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unlink(path_of(names[i]));
    return rmdir(dir);
}

static void test_files(void **state)
{
    (void)state;
    put("plain", "saladus\n", 0400);
    reads(path_of("plain"), "saladus");
    put("open", "saladus", 0604);
    refuses(path_of("open"), "may be read or changed by others", "chmod 0400");
    put("empty", "\n", 0600);
    refuses(path_of("empty"), "is empty", "one line");
    refuses(path_of("none"), strerror(ENOENT), "Make the file readable");
}

static void test_credentials(void **state)
{
    (void)state;
    put("plain", "saladus\n", 0440); /* an access list of systemd's shows as group bits */
    refuses("credential:plain", "nobody handed over credentials", "CREDENTIALS_DIRECTORY");
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "", 1), 0);
    refuses("credential:plain", "nobody handed over credentials", "CREDENTIALS_DIRECTORY");
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
    reads("credential:plain", "saladus");
    refuses("credential:none", path_of("none"), "systemctl restart paaslad");
    put("open", "saladus", 0644); /* no looser because it was handed over */
    refuses("credential:open", "may be read or changed by others", "chmod 0400");
    reads(path_of("plain"), "saladus"); /* a path stays a path */
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

/* For libraries that want a path: the client's key. */
static void test_paths(void **state)
{
    struct pl_arena *a = pl_arena_new();
    (void)state;
    assert_string_equal(pld_secret_path(a, pl_str_c("credential:key")).s, "credential:key");
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/run/c", 1), 0);
    assert_string_equal(pld_secret_path(a, pl_str_c("credential:key")).s, "/run/c/key");
    assert_string_equal(pld_secret_path(a, pl_str_c("/etc/key")).s, "/etc/key");
    assert_string_equal(pld_secret_path(a, pl_str_c("")).s, "");
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    pl_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
