/* why, in sentences. */
#include "why.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

/* Columns of the other queries. */
enum {
    EMP_INSTITUTION,
    EMP_NUMBER,
    EMP_UNIT,
    EMP_POSITION,
    EMP_KIND,
    EMP_ADMIN,
    EMP_FROM,
    EMP_UNTIL,
    EMP_HIRE,
    EMP_LEFT,
    EMP_STATE
};
enum {
    GR_ID,
    GR_REG,
    GR_REGISTER,
    GR_CODE,
    GR_ROLE,
    GR_ROUTE,
    GR_PRIVILEGED,
    GR_STATE,
    GR_FROM,
    GR_UNTIL,
    GR_BY,
    GR_AT,
    GR_REF,
    GR_SHA,
    GR_REASON,
    GR_ORIGIN,
    GR_ASKED,
    GR_APPROVED,
    GR_ENDED,
    GR_GROUPS,
    GR_END_REF,
    GR_END_ASKED
};
enum {
    WO_ID,
    WO_REG,
    WO_REGISTER,
    WO_ROLE,
    WO_KIND,
    WO_CLASS,
    WO_DUE,
    WO_OVERDUE,
    WO_OPENED,
    WO_STATE,
    WO_BY,
    WO_NOTE
};

static const char *val(const PGresult *r, int row, int column)
{
    return PQgetvalue(r, row, column);
}

static bool has(const PGresult *r, int row, int column)
{
    return *val(r, row, column) != 0;
}

static bool is(const PGresult *r, int row, int column, const char *value)
{
    return strcmp(val(r, row, column), value) == 0;
}

/* "words value", when there is a value. */
static void add(struct pl_buf *b, const char *words, const PGresult *r, int row, int column)
{
    if (has(r, row, column))
        pl_buf_printf(b, "%s%s", words, val(r, row, column));
}

/* To the second; to the minute where that is all there is to say. */
static void add_time(struct pl_buf *b, const char *words, const PGresult *r, int row, int column)
{
    const char *v = val(r, row, column);
    if (*v)
        pl_buf_printf(b, "%s%.*s", words, strncmp(v + (strlen(v) > 16 ? 16 : 0), ":00+", 4) == 0 ? 16 : 19, v);
}

static void flush(struct ctl *c, struct pl_buf *b)
{
    pl_buf_add_c(b, ".");
    ctl_say(c, "%s", b->s);
    pl_buf_clear(b);
}

static void say_employments(struct ctl *c, const PGresult *r, struct pl_buf *b)
{
    if (PQntuples(r) == 0)
        ctl_say(c, "  HR has entered no employment.");
    for (int i = 0; i < PQntuples(r); i++) {
        bool ended = is(r, i, EMP_STATE, "ended");
        pl_buf_printf(b, "  %s at %s as number %s",
                      ended                        ? "Worked"
                      : is(r, i, EMP_STATE, "now") ? "Works"
                                                   : "Will work",
                      val(r, i, EMP_INSTITUTION), val(r, i, EMP_NUMBER));
        add(b, ", ", r, i, EMP_POSITION);
        add(b, " in ", r, i, EMP_UNIT);
        if (!is(r, i, EMP_KIND, "employee"))
            add(b, ", ", r, i, EMP_KIND);
        if (is(r, i, EMP_ADMIN, "t"))
            pl_buf_add_c(b, ", IT administrator");
        add_time(b, ", from ", r, i, EMP_FROM);
        add_time(b, " until ", r, i, EMP_UNTIL);
        add(b, "; hired on ", r, i, EMP_HIRE);
        add(b, ended ? "; left on " : "; leaves on ", r, i, EMP_LEFT);
        flush(c, b);
    }
}

static void say_grants(struct ctl *c, const struct ctl_why *w, struct pl_buf *b)
{
    const PGresult *r = w->grants;
    if (PQntuples(r) == 0)
        ctl_say(c, "  There is no grant%s%s.", w->reg ? " in " : "", w->reg ? w->reg : "");
    for (int i = 0; i < PQntuples(r); i++) {
        pl_buf_printf(b, "  %s: %s (%s)%s %s", val(r, i, GR_REG), val(r, i, GR_ROLE), val(r, i, GR_CODE),
                      is(r, i, GR_PRIVILEGED, "t") ? ", privileged," : "",
                      is(r, i, GR_STATE, "holds")   ? "holds"
                      : is(r, i, GR_STATE, "later") ? "will hold"
                                                    : "held");
        add_time(b, " from ", r, i, GR_FROM);
        add_time(b, " until ", r, i, GR_UNTIL);
        if (has(r, i, GR_ENDED))
            pl_buf_add_c(b, is(r, i, GR_ENDED, "revoke") ? ", revoked" : ", ended by the departure");
        if (!is(r, i, GR_ENDED, "departure")) {
            add(b, " on ", r, i, GR_END_REF);
            add(b, ", as requested by ", r, i, GR_END_ASKED);
        }
        add(b, "; given by ", r, i, GR_BY);
        add_time(b, " at ", r, i, GR_AT);
        if (has(r, i, GR_REF))
            add(b, " on ", r, i, GR_REF);
        else
            pl_buf_printf(b, " without a document (%s)", val(r, i, GR_ORIGIN));
        add(b, ", requested by ", r, i, GR_ASKED);
        add(b, ", approved by ", r, i, GR_APPROVED);
        add(b, "; reason: ", r, i, GR_REASON);
        flush(c, b);
        if (has(r, i, GR_GROUPS))
            ctl_say(c, "    Groups: %s.", val(r, i, GR_GROUPS));
        else if (is(r, i, GR_ROUTE, "manual"))
            ctl_say(c, "    The register hangs on no directory: a person gives and takes this role by hand.");
    }
}

static const char *state_words(const char *state)
{
    static const char *const words[][2] = {
        {"none", "does not exist"},
        {"creating", "is being made"},
        {"ready", "exists, locked until work begins"},
        {"opening", "is being opened"},
        {"open", "is open"},
        {"locking", "is being locked: the directory has not shown it yet"},
        {"closing", "is being closed: its password is useless, and not all of the rest was seen done yet"},
        {"paused", "is locked for an absence"},
        {"out", "is locked for good"},
        {"lost", "is lost: the directory no longer has it"},
        {"foreign", "is taken: somebody else's entry stands in its place"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(state, words[i][0]) == 0)
            return words[i][1];
    return state;
}

static void say_accounts(struct ctl *c, const struct ctl_why *w, struct pl_buf *b)
{
    const PGresult *r = w->accounts;
    if (PQntuples(r) == 0)
        ctl_say(c, "  There is no account.");
    for (int i = 0; i < PQntuples(r); i++) {
        pl_buf_printf(b, "  %s, %s account in %s, %s", val(r, i, ACC_LOGIN), val(r, i, ACC_PURPOSE),
                      val(r, i, ACC_DIRECTORY), state_words(val(r, i, ACC_STATE)));
        add_time(b, ", since ", r, i, ACC_STATE_AT);
        add(b, "; ", r, i, ACC_DN);
        flush(c, b);
        if (has(r, i, ACC_TEXT))
            ctl_say(c, "    %s%s", val(r, i, ACC_TEXT),
                    strchr(".!?", val(r, i, ACC_TEXT)[strlen(val(r, i, ACC_TEXT)) - 1]) ? "" : ".");
        if (has(r, i, ACC_CLOSES_AT)) {
            add_time(b, "    It closes by itself at ", r, i, ACC_CLOSES_AT);
            pl_buf_add_c(b, " even if this daemon is down");
            flush(c, b);
        }
        if (has(r, i, ACC_LOCK_MS)) {
            add_time(b, "    Locked at ", r, i, ACC_LOCKED_AT);
            pl_buf_printf(b, ", %s ms after the change", val(r, i, ACC_LOCK_MS));
            flush(c, b);
        }
        ctl_why_say_servers(c, w->servers, val(r, i, ACC_ID));
        if (is(r, i, ACC_COMPARED_WHOLE, "f"))
            ctl_say(c, "    The directory could not be compared whole at %.19s: what changed there since is not known.",
                    val(r, i, ACC_COMPARED_AT));
        if (is(r, i, ACC_MODE, "observe"))
            ctl_say(c, "    The directory is in mode observe: nothing is written to it.");
        if (!has(r, i, ACC_OP)) {
            ctl_say(c, "    Nothing was ever written to it by us.");
            continue;
        }
        pl_buf_printf(b, "    Last write: %s", val(r, i, ACC_OP));
        add_time(b, " at ", r, i, ACC_AT);
        pl_buf_printf(b, ", %s", has(r, i, ACC_OUTCOME) ? val(r, i, ACC_OUTCOME) : "without an outcome yet");
        if (has(r, i, ACC_CODE) && !is(r, i, ACC_CODE, "0"))
            add(b, ", code ", r, i, ACC_CODE);
        flush(c, b);
    }
}

/* What has no row of its own to tell of. Returns how many lines. */
static int say_counted(struct ctl *c, const struct ctl_why *w)
{
    static const struct {
        enum ctl_open what;
        const char *advice;
    } lines[] = {
        {CTL_OPEN_GROUP, "the daemon takes it out, unless the role's mode is observe"},
        {CTL_OPEN_GRANT, "`paaslactl revoke` ends what no employment ends"},
        {CTL_OPEN_PENDING, "if that lasts, `paaslactl status` tells whether paaslad runs"},
        {CTL_OPEN_SERVER, "the daemon looks there until it does; one that is gone for good is taken out of `uris`"},
        {CTL_OPEN_LOGIN, "an owner of the database ends it: ALTER ROLE ... NOLOGIN"},
    };
    int said = 0;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        long n = w->facts.open[lines[i].what];
        if (n != 0) {
            ctl_say(c, "  %ld %s; %s.", n, ctl_open_words(lines[i].what, n), lines[i].advice);
            said++;
        }
    }
    return said;
}

/* An account that paaslad may not write. */
static void say_lock_order(struct ctl *c, const PGresult *r, int i, struct pl_buf *b)
{
    pl_buf_printf(b, "  paaslad may not lock %s in %s: whoever has the right to must lock it by hand, ",
                  val(r, i, WO_ROLE), val(r, i, WO_REGISTER));
    if (is(r, i, WO_STATE, "cancelled")) {
        pl_buf_printf(b, "but work order %s to do so was cancelled by %s: %s", val(r, i, WO_ID), val(r, i, WO_BY),
                      val(r, i, WO_NOTE));
        ctl_say(c, "%s", b->s);
        pl_buf_clear(b);
        return;
    }
    pl_buf_printf(b, "at once (kohe). Work order %s", val(r, i, WO_ID));
    add_time(b, is(r, i, WO_OVERDUE, "t") ? ", OVERDUE since " : ", due ", r, i, WO_DUE);
    pl_buf_add_c(b, "; it closes when the directory shows the lock");
    flush(c, b);
}

static void say_open(struct ctl *c, const struct ctl_why *w, struct pl_buf *b)
{
    int said = 0;
    for (int i = 0; i < PQntuples(w->accounts); i++) {
        const PGresult *r = w->accounts;
        if (is(r, i, ACC_NOT_CLOSED, "t")) {
            ctl_say(c, "  %s in %s is not known to be closed.", val(r, i, ACC_LOGIN), val(r, i, ACC_DIRECTORY));
            said++;
        }
        if (has(r, i, ACC_LOCKED_AT) && !is(r, i, ACC_WANT, "open")) {
            pl_buf_printf(b, "  Sessions and tickets of %s in %s begun before", val(r, i, ACC_LOGIN),
                          val(r, i, ACC_DIRECTORY));
            add_time(b, " ", r, i, ACC_LOCKED_AT);
            pl_buf_add_c(b, " go on until they close; a lock ends none of them");
            flush(c, b);
            said++;
        }
    }
    for (int i = 0; i < PQntuples(w->work); i++, said++) {
        const PGresult *r = w->work;
        if (is(r, i, WO_KIND, "lock")) {
            say_lock_order(c, r, i, b);
            continue;
        }
        if (is(r, i, WO_STATE, "missing")) {
            ctl_say(
                c,
                "  %s in %s was given by hand, and nobody is asked to take it away: the register has been moved to a "
                "directory since.",
                val(r, i, WO_ROLE), val(r, i, WO_REGISTER));
            continue;
        }
        if (is(r, i, WO_STATE, "cancelled")) {
            ctl_say(c, "  Work order %s, to take away %s in %s, was cancelled by %s: %s", val(r, i, WO_ID),
                    val(r, i, WO_ROLE), val(r, i, WO_REGISTER), val(r, i, WO_BY), val(r, i, WO_NOTE));
            continue;
        }
        pl_buf_printf(b, "  Work order %s is open: %s %s in %s, %s", val(r, i, WO_ID),
                      is(r, i, WO_KIND, "remove") ? "take away" : "give", val(r, i, WO_ROLE), val(r, i, WO_REGISTER),
                      is(r, i, WO_CLASS, "kohe") ? "at once (kohe)" : "ordinary (tavaline)");
        add_time(b, is(r, i, WO_OVERDUE, "t") ? ", OVERDUE since " : ", due ", r, i, WO_DUE);
        flush(c, b);
    }
    for (int i = 0; i < PQntuples(w->findings); i++, said++) {
        const PGresult *r = w->findings;
        pl_buf_printf(b, "  Finding %s, %s (%s in %s): %s", val(r, i, 0), val(r, i, 1), val(r, i, 2), val(r, i, 3),
                      val(r, i, 4));
        add_time(b, "; since ", r, i, 5);
        flush(c, b);
    }
    for (int i = 0; i < PQntuples(w->plans); i++, said++) {
        const PGresult *r = w->plans;
        ctl_say(
            c,
            "  Plan %.12s for %s is held with %s steps for this person: %s. `paaslactl plan approve %.12s` lets it go.",
            val(r, i, 1), val(r, i, 0), val(r, i, 4), val(r, i, 2), val(r, i, 1));
    }
    said += say_counted(c, w);
    if (said == 0)
        ctl_say(c, "  Nothing that we know of.");
}

/* The last line. */
static void say_verdict(struct ctl *c, const struct ctl_why *w, struct pl_buf *b)
{
    static const char *const words[] = {"is in",          "is on leave", "is still to come",
                                        "is NOT yet out", "is out",      "was never entered by HR"};
    const struct ctl_judgement *j = &w->judgement;
    pl_buf_printf(b, "%s %s", w->who.name, words[j->verdict]);
    for (int i = 0; i < j->n_reasons; i++) {
        long n = w->facts.open[j->reason[i]];
        pl_buf_printf(b, "%s%ld %s",
                      i > 0                           ? ", "
                      : j->verdict == CTL_NOT_YET_OUT ? ": "
                                                      : "; but ",
                      n, ctl_open_words(j->reason[i], n));
    }
    flush(c, b);
}

void ctl_why_say(struct ctl *c, const struct ctl_why *w)
{
    struct pl_buf b = {0};
    ctl_say(c, "%s, %s", w->who.name, *w->who.number ? w->who.number : "no number");
    say_employments(c, w->employments, &b);
    ctl_say(c, "%s", w->facts.employed ? "Grants:" : "Grants (ended ones too):");
    say_grants(c, w, &b);
    ctl_say(c, "Accounts:");
    say_accounts(c, w, &b);
    ctl_say(c, "%s", w->facts.employed ? "Open:" : "What may still live:");
    say_open(c, w, &b);
    say_verdict(c, w, &b);
    pl_buf_free(&b);
}
