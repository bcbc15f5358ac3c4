#include "member.h"

/* First match wins; -1 does not care. Columns: wanted believed seen leaver put_back. */
const struct pl_member_row pl_member_table[] = {
    {710, 1, -1, 1, -1, -1, PL_OP_NONE, true, false, NULL, "The membership stands, as granted."},
    {720, 1, 0, 0, -1, -1, PL_OP_ADD_MEMBER, true, false, NULL, "A grant asks for the membership; it is added."},
    {730, 1, 1, 0, -1, 1, PL_OP_ADD_MEMBER, true, true, "drift_member_removed",
     "Somebody else removed a granted membership; the role says that it is put back."},
    {740, 1, 1, 0, -1, 0, PL_OP_REPORT, true, true, "drift_member_removed",
     "Somebody else removed a granted membership; it is reported."},
    {750, 0, 1, 1, -1, -1, PL_OP_REMOVE_MEMBER, false, false, NULL,
     "No grant asks for the membership any more; it is removed."},
    {760, 0, 0, 1, 1, -1, PL_OP_REMOVE_MEMBER, false, true, "drift_member_added",
     "A leaver stands in a managed group to which somebody else added the account; it is removed."},
    {770, 0, 0, 1, 0, 1, PL_OP_REMOVE_MEMBER, false, true, "drift_member_added",
     "Somebody else added a membership that nobody granted; the role says that it is put back."},
    {780, 0, 0, 1, 0, 0, PL_OP_REPORT, false, true, "drift_member_added",
     "Somebody else added a membership that nobody granted; it is reported."},
    {790, 0, -1, 0, -1, -1, PL_OP_NONE, false, false, NULL, "There is no membership and none is granted."},
};
const size_t pl_member_rows = sizeof pl_member_table / sizeof pl_member_table[0];

static bool fits(int want, bool have)
{
    return want < 0 || (want == 1) == have;
}

const struct pl_member_row *pl_member_step(const struct pl_member_in *in)
{
    for (size_t i = 0; i < pl_member_rows; i++) {
        const struct pl_member_row *r = &pl_member_table[i];
        if (fits(r->wanted, in->wanted) && fits(r->believed, in->believed) && fits(r->seen, in->seen) &&
            fits(r->leaver, in->leaver) && fits(r->put_back, in->put_back))
            return r;
    }
    __builtin_trap(); /* total: tests/unit/test_member.c walks all 32 inputs */
}

static const char *const mode_names[] = {"observe", "propose", "enforce"};

const char *pl_mode_name(enum pl_mode m)
{
    return (unsigned)m < PL_MODE_COUNT ? mode_names[m] : "?";
}

bool pl_mode_parse(struct pl_str s, enum pl_mode *out)
{
    for (unsigned i = 0; i < PL_MODE_COUNT; i++)
        if (pl_str_eq_c(s, mode_names[i])) {
            *out = (enum pl_mode)i;
            return true;
        }
    return false;
}
