/* paasla-sim: the engine under a seeded world that breaks.
 *
 *   paasla-sim --seeds N [--from N] [--events N]   runs N seeds and says what was reached
 *   paasla-sim --trace SEED [--events N]           runs one seed and tells everything
 *   paasla-sim --history SEED [--events N]         prints a history for a real PostgreSQL, see history.h
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "history.h"
#include "run.h"

struct options {
    uint64_t seeds, from, one;
    bool trace, history;
    int events;
};

static bool number(const char *text, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

static bool parse(int argc, char **argv, struct options *o)
{
    uint64_t v = 0;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc || !number(argv[i + 1], &v))
            return false;
        if (!strcmp(argv[i], "--seeds"))
            o->seeds = v;
        else if (!strcmp(argv[i], "--from"))
            o->from = v;
        else if (!strcmp(argv[i], "--events"))
            o->events = (int)v;
        else if (!strcmp(argv[i], "--trace") || !strcmp(argv[i], "--history")) {
            o->history = !strcmp(argv[i], "--history");
            o->trace = !o->history;
            o->one = v;
        } else
            return false;
    }
    return o->trace || o->history || o->seeds > 0;
}

int main(int argc, char **argv)
{
    struct options o = {.from = 1, .events = 200};
    char fail[MAX_FAIL];
    uint64_t failed = 0;
    if (!parse(argc, argv, &o)) {
        fprintf(stderr,
                "usage: paasla-sim --seeds N [--from N] [--events N] | --trace SEED [--events N] | --history SEED\n");
        return 2;
    }
    if (o.history) {
        history_print(o.one, o.events);
        return 0;
    }
    if (o.trace) {
        bool ok = sim_run(o.one, o.events, true, fail);
        printf("seed %llu: %s\n", (unsigned long long)o.one, ok ? "passed" : fail);
        return ok ? 0 : 1;
    }
    for (uint64_t seed = o.from; seed < o.from + o.seeds; seed++)
        if (!sim_run(seed, o.events, false, fail)) {
            failed++;
            printf("seed %llu: %s\nreplay: paasla-sim --trace %llu --events %d\n", (unsigned long long)seed, fail,
                   (unsigned long long)seed, o.events);
            fflush(stdout);
        }
    bool all = cover_print();
    printf("%llu seeds, %llu failed\n", (unsigned long long)o.seeds, (unsigned long long)failed);
    return failed == 0 && all ? 0 : 1;
}
