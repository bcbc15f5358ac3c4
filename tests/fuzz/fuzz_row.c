/* Rows from the store: columns are cut out of the input at each 0x1f. */
#include "fuzz.h"
#include "lib/engine/row.h"

#define COLS_MAX 24

static void check_load(const struct pl_row *r)
{
    RULE(r->kind != '\0' && strchr("TGPMIHD", r->kind) != NULL);
    RULE(r->directory.len > 0 && pl_str_is_utf8(r->directory));
    switch (r->kind) {
    case 'T':
        RULE(r->total.open_accounts >= 0 && r->total.memberships >= 0);
        break;
    case 'G':
        RULE(r->group.role_group_id > 0 && r->group.role_id > 0 && r->group.group_dn.len > 0);
        RULE((unsigned)r->group.mode < PL_MODE_COUNT);
        break;
    case 'P':
        RULE(r->person.person_id > 0 && r->person.person_id == r->person_id && r->person.account_id >= 0);
        RULE((unsigned)r->person.need < PL_NEED_COUNT && (unsigned)r->person.state < PL_STATE_COUNT);
        RULE((unsigned)r->person.dir_mode < PL_MODE_COUNT && r->person.n_members >= 0 && r->person.since_us >= 0);
        break;
    case 'M':
        RULE(r->member.role_group_id > 0 && r->member.put_backs >= 0 && (unsigned)r->member.mode < PL_MODE_COUNT);
        break;
    case 'I':
        RULE(r->intent.intent_id > 0 && r->intent.op > PL_OP_NONE && r->intent.op < PL_OP_COUNT);
        break;
    case 'H':
        RULE(r->item.op > PL_OP_NONE && r->item.op < PL_OP_COUNT && r->item.role_group_id >= 0);
        break;
    default:
        RULE(r->seq > 0 && r->person_id > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_str *cols = calloc(COLS_MAX, sizeof *cols);
    struct pl_row_scan_account account;
    struct pl_row_scan_group group;
    struct pl_err err = {0};
    struct pl_row row;
    size_t n = 0, from = 0;

    RULE(cols != NULL);
    for (size_t i = 0; i <= size && n < COLS_MAX; i++)
        if (i == size || data[i] == 0x1f) {
            cols[n++] = fuzz_str(data + from, i - from);
            from = i + 1;
        }
    if (pl_row_load(cols, n, &row, &err))
        check_load(&row);
    else
        RULE(err.text[0] != '\0');
    err.text[0] = '\0';
    if (pl_row_scan_account(cols, n, &account, &err))
        RULE(account.person_id > 0 && account.account_id >= 0 && (unsigned)account.state < PL_STATE_COUNT &&
             (unsigned)account.need < PL_NEED_COUNT);
    else
        RULE(err.text[0] != '\0');
    err.text[0] = '\0';
    if (pl_row_scan_group(cols, n, &group, &err))
        RULE(group.person_id > 0 && group.role_group_id > 0 && (unsigned)group.mode < PL_MODE_COUNT);
    else
        RULE(err.text[0] != '\0');
    free(cols);
    return 0;
}
