#include "keep.h"

#define V(x)  (1u << PL_END_##x)
#define V_ANY ((1u << PL_END_COUNT) - 1)

/* First match wins; -1 does not care. Columns: seen, wanted ours fought. */
const struct pl_keep_row pl_keep_table[] = {
    {800, V(SAME), -1, -1, -1, PL_OP_NONE, NULL, "The end of the account stands in the directory as HR says."},
    {810, V(SOONER), -1, 0, -1, PL_OP_REPORT, "end_by_hand",
     "Somebody else lets the account end before HR says; it is reported and stays so."},
    {820, V_ANY, -1, -1, 1, PL_OP_REPORT, "end_fought",
     "Somebody else keeps changing the end of the account; it is reported and written no more for a while."},
    {830, V(LATER), -1, -1, 0, PL_OP_KEEP, NULL,
     "HR has entered when the account ends; the directory gets it ahead, so that the account closes by itself."},
    {840, V(SOONER), 1, 1, 0, PL_OP_KEEP, NULL, "HR has moved the end of the account; it is written anew."},
    {850, V(SOONER), 0, 1, 0, PL_OP_KEEP, NULL,
     "HR knows of no end of the account any more; the one that we wrote is taken away."},
};
const size_t pl_keep_rows = sizeof pl_keep_table / sizeof pl_keep_table[0];

static bool fits(int want, bool have)
{
    return want < 0 || (want == 1) == have;
}

const struct pl_keep_row *pl_keep_step(const struct pl_keep_in *in)
{
    for (size_t i = 0; i < pl_keep_rows; i++) {
        const struct pl_keep_row *r = &pl_keep_table[i];
        if ((r->seen & (1u << in->seen)) && fits(r->wanted, in->wanted) && fits(r->ours, in->ours) &&
            fits(r->fought, in->fought))
            return r;
    }
    __builtin_trap(); /* total: tests/unit/test_keep.c walks all inputs */
}

enum pl_end_seen pl_end_compare(int64_t wanted, int64_t seen)
{
    return seen == wanted ? PL_END_SAME : seen < wanted ? PL_END_SOONER : PL_END_LATER;
}

int64_t pl_end_round(int64_t end, int64_t grain)
{
    int64_t over = end % grain;
    if (end == PL_END_NEVER || over == 0)
        return end;
    return over > 0 ? end - over + grain : end - over;
}
