#include "lifecycle.h"

/* Masks, so that the table is a plain constant in every compiler. */
#define S(x)    (1u << PL_STATE_##x)
#define N(x)    (1u << PL_NEED_##x)
#define V(x)    (1u << PL_SEEN_##x)
#define S_ANY   ((1u << PL_STATE_COUNT) - 1)
#define N_ANY   ((1u << PL_NEED_COUNT) - 1)
#define STAY    PL_STATE_COUNT
#define S_KNOWN (S(READY) | S(OPENING) | S(OPEN) | S(LOCKING) | S(CLOSING) | S(PAUSED) | S(OUT) | S(LOST))

/* First match wins. Sections follow what the directory shows: 1xx somebody else's entry, 2xx no entry, 3xx open,
 * 4xx locked and proven, 5xx locked but nothing shows that it is enforced, 6xx closed by the end that was written ahead. */
const struct pl_life_row pl_life_table[] = {
    {100, S_ANY, N_ANY, V(FOREIGN), PL_OP_REPORT, PL_STATE_FOREIGN, "entry_foreign",
     "An entry that is not this person's stands in the place of the account; nothing is written."},

    {200, S(NONE) | S(CREATING) | S(FOREIGN), N(READY), V(ABSENT), PL_OP_CREATE, PL_STATE_CREATING, NULL,
     "The employment begins soon and there is no account; it is created locked."},
    {210, S(NONE) | S(CREATING) | S(FOREIGN), N(OPEN), V(ABSENT), PL_OP_CREATE, PL_STATE_CREATING, NULL,
     "The person is employed and has no account; it is created locked and then opened."},
    {220, S(NONE) | S(CREATING) | S(FOREIGN), N_ANY, V(ABSENT), PL_OP_NONE, PL_STATE_NONE, NULL,
     "There is no account and none is needed."},
    {230, S_KNOWN, N_ANY, V(ABSENT), PL_OP_REPORT, PL_STATE_LOST, "account_lost",
     "The account that we knew is gone from the directory; we deleted nothing and do not create it anew unasked."},

    {290, S(CLOSING), N(OPEN), V(OPEN), PL_OP_OPEN, PL_STATE_OPENING, NULL,
     "The account stayed open and its password was made useless, and the person goes on; it is given a new one."},
    {300, S_ANY, N(OPEN), V(OPEN), PL_OP_NONE, PL_STATE_OPEN, NULL, "The account is open, as wanted."},
    {310, S_ANY, N(READY), V(OPEN), PL_OP_LOCK, PL_STATE_LOCKING, NULL,
     "The account is open before the first working day; it is locked until then."},
    {320, S_ANY, N(PAUSED), V(OPEN), PL_OP_LOCK, PL_STATE_LOCKING, NULL,
     "The person is absent for long; the account is locked, password and groups stay."},
    {330, S_ANY, N(OUT), V(OPEN), PL_OP_CLOSE, PL_STATE_CLOSING, NULL,
     "Nothing entitles the person to this account any more; it is locked and its password made useless."},
    {340, S_ANY, N(NONE), V(OPEN), PL_OP_REPORT, STAY, "account_unwanted",
     "The account is open though no employment ever asked for it; it is reported and left alone."},

    {400, S(NONE) | S(OPEN) | S(LOST) | S(FOREIGN), N(OPEN), V(LOCKED), PL_OP_REPORT, PL_STATE_OPEN, "locked_by_hand",
     "The person is employed and somebody else locked the account; it is reported and stays locked."},
    {410, S_ANY, N(OPEN), V(LOCKED), PL_OP_OPEN, PL_STATE_OPENING, NULL,
     "The person is employed and the lock is ours; the account is opened."},
    {420, S_ANY, N(READY), V(LOCKED), PL_OP_NONE, PL_STATE_READY, NULL,
     "The account is locked and waits for the first working day."},
    {430, S_ANY, N(PAUSED), V(LOCKED), PL_OP_NONE, PL_STATE_PAUSED, NULL, "The account is locked for the absence."},
    {440, S(CLOSING) | S(OUT), N(OUT), V(LOCKED), PL_OP_NONE, PL_STATE_OUT, NULL,
     "The lock is in the directory and the server enforces it."},
    {450, S_ANY, N(OUT), V(LOCKED), PL_OP_CLOSE, PL_STATE_CLOSING, NULL,
     "The account is locked already; the lock is set to ours and the password made useless."},
    {460, S_ANY, N(NONE), V(LOCKED) | V(ENDED), PL_OP_NONE, STAY, NULL,
     "The account is locked and nobody asks for it."},

    {500, S(NONE) | S(OPEN) | S(LOST) | S(FOREIGN), N(OPEN), V(DOUBTFUL), PL_OP_REPORT, PL_STATE_OPEN, "locked_by_hand",
     "The person is employed and the account carries somebody else's lock that may not be enforced; it is reported."},
    {510, S_ANY, N(OPEN), V(DOUBTFUL), PL_OP_OPEN, PL_STATE_OPENING, NULL,
     "The person is employed and the lock is ours; the account is opened."},
    {520, S_ANY, N(READY), V(DOUBTFUL), PL_OP_REPORT, PL_STATE_READY, "lock_not_proven",
     "The account waits for the first working day, but nothing shows that the server enforces its lock."},
    {530, S_ANY, N(PAUSED), V(DOUBTFUL), PL_OP_REPORT, PL_STATE_PAUSED, "lock_not_proven",
     "The account is locked for the absence, but nothing shows that the server enforces the lock."},
    {540, S(CLOSING), N(OUT), V(DOUBTFUL), PL_OP_REPORT, PL_STATE_CLOSING, "lock_not_proven",
     "The lock was written, but nothing shows that the server enforces it; the departure is not done."},
    {550, S_ANY, N(OUT), V(DOUBTFUL), PL_OP_CLOSE, PL_STATE_CLOSING, NULL,
     "The account must be closed and its lock is not enforced; lock and useless password are written."},
    {560, S_ANY, N(NONE), V(DOUBTFUL), PL_OP_NONE, STAY, NULL, "The account carries a lock and nobody asks for it."},

    {600, S_ANY, N(OPEN), V(ENDED), PL_OP_KEEP, PL_STATE_OPENING, NULL,
     "The account closed by itself at an end that HR has moved since; the end is written anew."},
    {610, S_ANY, N(READY), V(ENDED), PL_OP_LOCK, PL_STATE_LOCKING, NULL,
     "The account closed by itself at the end that HR had entered, and work begins again later; the lock is set to "
     "ours."},
    {620, S_ANY, N(PAUSED), V(ENDED), PL_OP_LOCK, PL_STATE_LOCKING, NULL,
     "The person is absent for long, and the account closed by itself; the lock is set to ours."},
    {630, S_ANY, N(OUT), V(ENDED), PL_OP_CLOSE, PL_STATE_CLOSING, NULL,
     "The account closed by itself at the end that HR had entered; the lock is set to ours and the password made "
     "useless."},
};
const size_t pl_life_rows = sizeof pl_life_table / sizeof pl_life_table[0];

const struct pl_life_row *pl_life_step(enum pl_state state, enum pl_need need, enum pl_seen seen)
{
    for (size_t i = 0; i < pl_life_rows; i++) {
        const struct pl_life_row *r = &pl_life_table[i];
        if ((r->state & (1u << state)) && (r->need & (1u << need)) && (r->seen & (1u << seen)))
            return r;
    }
    __builtin_trap(); /* the table is total: tests/unit/test_lifecycle.c walks every input */
}

static const char *const state_names[] = {"none",    "creating", "ready", "opening", "open",   "locking",
                                          "closing", "paused",   "out",   "lost",    "foreign"};
static const char *const need_names[] = {"none", "ready", "open", "paused", "out"};
static const char *const seen_names[] = {"absent", "open", "locked", "doubtful", "foreign", "ended"};
static const char *const op_names[] = {"none",   "create",     "open",          "lock", "close",
                                       "report", "add_member", "remove_member", "keep", "rename"};

const char *pl_state_name(enum pl_state s)
{
    return (unsigned)s < PL_STATE_COUNT ? state_names[s] : "?";
}

const char *pl_need_name(enum pl_need n)
{
    return (unsigned)n < PL_NEED_COUNT ? need_names[n] : "?";
}

const char *pl_seen_name(enum pl_seen s)
{
    return (unsigned)s < PL_SEEN_COUNT ? seen_names[s] : "?";
}

const char *pl_op_name(enum pl_op o)
{
    return (unsigned)o < PL_OP_COUNT ? op_names[o] : "?";
}

bool pl_state_parse(struct pl_str s, enum pl_state *out)
{
    for (unsigned i = 0; i < PL_STATE_COUNT; i++)
        if (pl_str_eq_c(s, state_names[i])) {
            *out = (enum pl_state)i;
            return true;
        }
    return false;
}

bool pl_need_parse(struct pl_str want, struct pl_str cause, enum pl_need *out)
{
    static const struct {
        const char *want, *cause;
        enum pl_need need;
    } pairs[] = {
        {"open", "employed", PL_NEED_OPEN},      {"locked", "arriving", PL_NEED_READY},
        {"locked", "departed", PL_NEED_OUT},     {"locked", "not_admin", PL_NEED_OUT},
        {"locked", "suspended", PL_NEED_PAUSED}, {"none", "never", PL_NEED_NONE},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pl_str_eq_c(want, pairs[i].want) && pl_str_eq_c(cause, pairs[i].cause)) {
            *out = pairs[i].need;
            return true;
        }
    return false;
}
