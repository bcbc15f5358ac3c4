/* In, out, or not yet: nobody is called out while anything is open. */
#include "verdict.h"

struct ctl_judgement ctl_judge(const struct ctl_facts *f)
{
    struct ctl_judgement j = {CTL_UNKNOWN, {0}, 0};
    for (int i = 0; i < CTL_OPEN_COUNT; i++)
        if (f->open[i] != 0)
            j.reason[j.n_reasons++] = (enum ctl_open)i;
    if (f->employed)
        j.verdict = f->suspended ? CTL_ON_LEAVE : CTL_IN;
    else if (f->departed || !f->arriving)
        j.verdict = j.n_reasons > 0 ? CTL_NOT_YET_OUT
                    : f->arriving   ? CTL_ARRIVING
                    : f->departed   ? CTL_OUT
                                    : CTL_UNKNOWN;
    else
        j.verdict = CTL_ARRIVING;
    return j;
}

const char *ctl_verdict_name(enum ctl_verdict v)
{
    static const char *const names[] = {"in", "on_leave", "arriving", "not_yet_out", "out", "unknown"};
    return names[v];
}

const char *ctl_open_words(enum ctl_open what, long n)
{
    static const char *const words[CTL_OPEN_COUNT][2] = {
        {"account is not known to be closed", "accounts are not known to be closed"},
        {"group still has the account", "groups still have the account"},
        {"grant still holds", "grants still hold"},
        {"thing is to be done by hand", "things are to be done by hand"},
        {"finding is open", "findings are open"},
        {"step stands in a held plan", "steps stand in held plans"},
        {"change waits for the daemon", "changes wait for the daemon"},
        {"directory could not be compared whole", "directories could not be compared whole"},
        {"log-in to the database still works", "log-ins to the database still work"},
        {"server is not known to have the lock", "servers are not known to have the lock"},
    };
    return words[what][n == 1 ? 0 : 1];
}
