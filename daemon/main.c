#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../lib/conf/conf.h"
#include "../lib/engine/engine.h"
#include "config.h"
#include "run.h"
#include "shell.h"

#define DEFAULT_CONF PL_SYSCONFDIR "/paasla/paasla.conf"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, THREADS_END_MS = 100 };

static const char help[] =
    "paaslad keeps the accounts and group memberships of LDAP directories in step with PostgreSQL.\n"
    "\n"
    "Usage: paaslad [-c FILE] [-t]\n"
    "       paaslad --help-options\n"
    "\n"
    "  -c, --config FILE  read FILE instead of " DEFAULT_CONF "\n"
    "  -t, --test         check the configuration, name file and line of a mistake, and end\n"
    "  -v, --version      print the version and end\n"
    "  -h, --help         print this and end\n"
    "      --help-options explain every option of the file and what a reload does with it\n"
    "\n"
    "The first time:\n"
    "  paaslactl db migrate                           creates or updates the schema in PostgreSQL\n"
    "  paaslad -t                                     says what is still wrong\n"
    "  paaslad                                        works in the foreground, writes to standard error\n"
    "\n"
    "A new directory is only observed: nothing is written to it until somebody switches it on with paaslactl.\n"
    "One paaslad works on a database; a second one waits and takes over when the first ends.\n"
    "SIGHUP reads the configuration again: what can change does, what cannot is said, a file with a mistake changes\n"
    "nothing.\n"
    "SIGTERM and SIGINT finish what is in flight and end within 10 s. It may be killed at any moment: what was begun "
    "is\n"
    "settled at the next start by reading the directory.\n"
    "\n"
    "Exit status: 0 ended as asked, 1 failure, 2 wrong option or configuration.\n";

struct options {
    const char *conf;
    bool check;
};

/* The exit status when the program is to end at once, or -1. */
static int read_options(int argc, char **argv, struct options *out)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'}, {"test", no_argument, NULL, 't'},
                                          {"version", no_argument, NULL, 'v'},      {"help", no_argument, NULL, 'h'},
                                          {"help-options", no_argument, NULL, 'o'}, {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "c:tvh", longs, NULL)) != -1) {
        switch (c) {
        case 'c':
            out->conf = optarg;
            break;
        case 't':
            out->check = true;
            break;
        case 'v':
            puts("paaslad " PL_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            fputs(help, stdout);
            return EXIT_SUCCESS;
        case 'o':
            pl_conf_write_options(stdout);
            return EXIT_SUCCESS;
        default:
            fputs("Try: paaslad --help\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "paaslad: %s is no option\nTry: paaslad --help\n", argv[optind]);
        return EXIT_USAGE;
    }
    return -1;
}

/* libevent's own words, in lines like ours. */
static void on_libevent(int severity, const char *text)
{
    static const int levels[] = {7, 6, 4, 3};
    pld_log(severity >= 0 && severity <= EVENT_LOG_ERR ? levels[severity] : 4, "daemon.libevent", "%s", text);
}

static void complain(const struct pl_err *err)
{
    fprintf(stderr, "paaslad: %s\n", err->text);
    if (err->hint[0])
        fprintf(stderr, "%s\n", err->hint);
}

static int work(const struct options *o)
{
    struct pl_err err = {0};
    struct pl_engine *engine = NULL;
    int status = EXIT_USAGE;
    struct pld_config *config = pld_config_load(o->conf, &err);

    if (!config || !(engine = pld_config_engine(config->conf, &err))) {
        complain(&err);
        goto out;
    }
    if (o->check) {
        printf("%s is in order: directories: %zu\n", o->conf, config->conf->n_dirs);
        status = EXIT_SUCCESS;
        goto out;
    }
    pld_log_level((int)config->conf->log_level);
    status = pld_run(&config, engine) == 0 ? EXIT_SUCCESS : EXIT_FAILED;
out:
    pl_engine_free(engine);
    pld_config_free(config);
    return status;
}

int main(int argc, char **argv)
{
    mallopt(M_ARENA_MAX, 1); /* one thread works; those that connect need no heap of their own */
    struct options o = {.conf = DEFAULT_CONF};
    int status = read_options(argc, argv, &o);

    if (status >= 0)
        return status;
    umask(077);
    event_set_log_callback(on_libevent);
    /* libldap must not read ldap.conf, ~/.ldaprc or LDAP* variables: the configuration says everything. */
    if (setenv("LDAPNOINIT", "1", 1) != 0)
        return EXIT_FAILED;
    status = work(&o);
    if (!pld_dir_threads_ended(THREADS_END_MS)) {
        fflush(NULL);
        _exit(status);
    }
    return status;
}
