/* work: what people do in registers that hang on no directory, and say that they did. */
#include "args.h"

#include <string.h>

static int close_order(struct ctl *c, const char *id, const char *state, const char *note)
{
    long number;
    if (!ctl_to_long("the work order", id, 1, 0x7fffffffffffffffL, &number))
        return CTL_USAGE;
    const char *params[] = {id, state, note};
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_work_close", 3, params, &code);
    if (r && c->json)
        ctl_print_json(r);
    else if (r)
        ctl_say(c, "Work order %s is %s.", id, state);
    PQclear(r);
    return code;
}

int cmd_work(struct ctl *c, int argc, char **argv)
{
    static const char *const verbs[] = {"list", "done", "cancel"};
    struct ctl_args a;
    ctl_args_start(&a, c, argc, argv);
    const char *note = ctl_option(&a, "--note");
    bool all = ctl_flag(&a, "--all");
    if (!ctl_args_end(&a, 1, 2))
        return CTL_USAGE;
    const char *verb = a.word[0];
    if (strcmp(verb, "list") == 0 && a.n_words == 1 && !note) {
        const char *params[] = {all ? "t" : "f"};
        return ctl_query_table(c, "ctl_work_list", 1, params,
                               all ? "There never was a work order." : "No work order is open.");
    }
    if (strcmp(verb, "done") == 0 && a.n_words == 2 && !all)
        return close_order(c, a.word[1], "done", note);
    if (strcmp(verb, "cancel") == 0 && a.n_words == 2 && !all) {
        ctl_need(&a, "--note: why it need not be done", note);
        return note ? close_order(c, a.word[1], "cancelled", note) : CTL_USAGE;
    }
    return ctl_wrong_verb(c, verb, verbs, 3);
}
