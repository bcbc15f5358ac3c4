/* What --trace prints: every event of the seed, every command of the engine and its answer. */
#include <stdarg.h>
#include <stdio.h>
#include "run.h"

void sim_trace(struct sim *m, const char *fmt, ...)
{
    if (!m->trace)
        return;
    va_list ap;
    va_start(ap, fmt);
    int64_t t = m->now - SIM_FIRST_DAY;
    printf("%6lld.%06lld ", (long long)(t / US_SECOND), (long long)(t % US_SECOND));
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
}

void trace_command(struct sim *m, const struct pl_command *c)
{
    static const char *const names[] = {
        "RECOVER",       "TICK",       "LOAD",        "RESERVE",      "INTENTS",     "SETTLE",  "HOLD",  "NOMINATE",
        "SCAN_ACCOUNTS", "SCAN_GROUP", "SCAN_GROUPS", "NOTE_COMPARE", "WATCH_STATE", "WATCHED", "ACKED", "UNACKED",
        "SEARCH",        "MODIFY",     "ADD",         "WATCH",        "TIMER",       "LOG"};
    char more[600] = "";
    int n = 0;
    switch (c->kind) {
    case PL_CMD_LOAD:
        snprintf(more, sizeof more, "class %d", (int)c->load.class);
        break;
    case PL_CMD_INTENTS:
        for (size_t i = 0; i < c->intents.n && n < 500; i++)
            n += snprintf(more + n, sizeof more - (size_t)n, "account %lld %s group %lld row %d; ",
                          (long long)c->intents.items[i].account_id, pl_op_name(c->intents.items[i].op),
                          (long long)c->intents.items[i].role_group_id, c->intents.items[i].row);
        break;
    case PL_CMD_SETTLE: {
        const struct pl_settle *t = c->settle;
        n = snprintf(more, sizeof more, "person %lld %.*s account %lld state %s row %d seqs %zu retry %lld (%.*s)",
                     (long long)t->person_id, (int)t->purpose.len, t->purpose.s, (long long)t->account_id,
                     pl_state_name(t->state), t->row, t->n_seqs, (long long)t->retry_after_us, (int)t->retry_reason.len,
                     t->retry_reason.s ? t->retry_reason.s : "");
        for (size_t i = 0; i < t->n_intents && n < 500; i++)
            n += snprintf(more + n, sizeof more - (size_t)n, " intent %lld=%d", (long long)t->intents[i].intent_id,
                          t->intents[i].outcome);
        for (size_t i = 0; i < t->n_memberships && n < 500; i++)
            n += snprintf(more + n, sizeof more - (size_t)n, " group %lld=%d",
                          (long long)t->memberships[i].role_group_id, t->memberships[i].present);
        for (size_t i = 0; i < t->n_findings && n < 500; i++)
            n += snprintf(more + n, sizeof more - (size_t)n, " [%s]", t->findings[i].kind);
        break;
    }
    case PL_CMD_HOLD:
        snprintf(more, sizeof more, "%zu items %.*s", c->hold->n_items, (int)c->hold->why.len,
                 c->hold->why.s ? c->hold->why.s : "");
        break;
    case PL_CMD_NOMINATE:
        for (size_t i = 0; i < c->nominate.n_persons && n < 500; i++)
            n += snprintf(more + n, sizeof more - (size_t)n, "person %lld ",
                          (long long)c->nominate.persons[i].person_id);
        break;
    case PL_CMD_NOTE_COMPARE:
        snprintf(more, sizeof more, "complete %d %.*s", c->compare.complete, (int)c->compare.why.len,
                 c->compare.why.s ? c->compare.why.s : "");
        break;
    case PL_CMD_SEARCH:
        snprintf(more, sizeof more, "%.*s %.*s", (int)c->search.base.len, c->search.base.s, (int)c->search.filter.len,
                 c->search.filter.s);
        break;
    case PL_CMD_MODIFY:
        n = snprintf(more, sizeof more, "%.*s", (int)c->modify.dn.len, c->modify.dn.s);
        for (size_t i = 0; i < c->modify.n && n < 500; i++)
            n += snprintf(more + n, sizeof more - (size_t)n, " %c%.*s=%.*s", "+-="[c->modify.mods[i].kind],
                          (int)c -> modify.mods[i].attr.len, c->modify.mods[i].attr.s,
                          c->modify.mods[i].n ? (int)c->modify.mods[i].values[0].len : 0,
                          c->modify.mods[i].n ? c->modify.mods[i].values[0].s : "");
        break;
    case PL_CMD_ADD:
        snprintf(more, sizeof more, "%.*s", (int)c->add.dn.len, c->add.dn.s);
        break;
    case PL_CMD_LOG:
        snprintf(more, sizeof more, "%.*s", (int)c->log.text.len, c->log.text.s);
        break;
    default:
        break;
    }
    sim_trace(m, "  %s %llu %.*s %s", names[c->kind], (unsigned long long)c->req, (int)c->directory.len,
              c->directory.s ? c->directory.s : "", more);
}
