/* paaslactl: the operator's command line. Global options, help, and the way to a command. */
#include "args.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../shell.h"

static void print_help(void)
{
    puts("paaslactl: who may do what, and whether it is so.\n\n"
         "Usage: paaslactl [--dsn CONNINFO] [--json] COMMAND ...\n");
    for (const struct ctl_command *k = ctl_commands; k->name; k++)
        printf("  %-11s %s\n", k->name, k->summary);
    puts("\nOptions of all commands:\n"
         "  --dsn CONNINFO  where the database is; without it libpq's environment (PGHOST, PGUSER, PGSERVICE ...) "
         "counts,\n"
         "                  and dbname=paasla\n"
         "  --json          print JSON for programs\n"
         "  --help          after a command: what it takes, with examples\n"
         "  --version       print the version\n\n"
         "Exit codes: 0 done, 1 something needs you or would change, 2 wrong usage or input, or nobody of that name,\n"
         "3 refused by PostgreSQL, 4 the database cannot be reached, 5 the daemon did not answer in time.\n\n"
         "Examples:\n"
         "  paaslactl status\n"
         "  paaslactl depart 1042 --ref 'KK 2025/17' --wait");
}

static void print_command_help(const struct ctl_command *k)
{
    printf("%s\n\nUsage: paaslactl %s\n", k->summary, k->usage);
    if (k->options)
        printf("\nOptions:\n%s\n", k->options);
    printf("\nExamples:\n%s\n", k->examples);
}

static int unknown(const char *word)
{
    const char *names[32];
    int n = 0;
    for (const struct ctl_command *k = ctl_commands; k->name && n < 32; k++)
        names[n++] = k->name;
    const char *near = ctl_nearest(word, names, n);
    ctl_complain("there is no command %s.%s%s%s", word, near ? " Did you mean " : " `paaslactl --help` lists them.",
                 near ? near : "", near ? "?" : "");
    return CTL_USAGE;
}

static int finish(struct ctl *c, int code)
{
    if (c->db)
        PQfinish(c->db);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        ctl_complain("the output could not be written.");
        return code == CTL_OK ? CTL_USAGE : code;
    }
    return code;
}

int main(int argc, char **argv)
{
    struct ctl c = {0};
    bool help = false, literal = false;
    int n = 0;
    char **words = calloc((size_t)argc + 1, sizeof *words);
    if (!words)
        abort();
    for (int i = 1; i < argc; i++) {
        literal = literal || strcmp(argv[i], "--") == 0;
        if (literal) {
            words[n++] = argv[i];
        } else if (strcmp(argv[i], "--json") == 0) {
            c.json = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help = true;
        } else if (strcmp(argv[i], "--version") == 0) {
            puts("paaslactl " PL_VERSION);
            free(words);
            return CTL_OK;
        } else if (strcmp(argv[i], "--dsn") == 0 && i + 1 < argc) {
            c.dsn = argv[++i];
        } else if (strncmp(argv[i], "--dsn=", 6) == 0) {
            c.dsn = argv[i] + 6;
        } else if (strcmp(argv[i], "--dsn") == 0) {
            ctl_complain("--dsn needs a value.");
            free(words);
            return CTL_USAGE;
        } else if (n == 0 && strncmp(argv[i], "-", 1) == 0) {
            static const char *const known[] = {"--dsn", "--json", "--help", "--version"};
            const char *near = ctl_nearest(argv[i], known, 4);
            ctl_complain("there is no option %s.%s%s%s", argv[i],
                         near ? " Did you mean " : " `paaslactl --help` lists them.", near ? near : "",
                         near ? "?" : "");
            free(words);
            return CTL_USAGE;
        } else {
            words[n++] = argv[i];
        }
    }
    if (n > 0 && strcmp(words[0], "help") == 0) {
        help = true;
        words[0] = n > 1 ? words[1] : NULL;
        n--;
    }
    int code = CTL_USAGE;
    if (n == 0) {
        print_help();
        code = help ? CTL_OK : CTL_USAGE;
    } else if (!(c.command = ctl_find_command(words[0]))) {
        code = unknown(words[0]);
    } else if (help) {
        print_command_help(c.command);
        code = CTL_OK;
    } else {
        code = c.command->run(&c, n, words);
    }
    free(words);
    code = finish(&c, code);
    if (!pld_dir_threads_ended(0)) /* preflight gave a server up that its library still waits for */
        _exit(code);
    return code;
}
