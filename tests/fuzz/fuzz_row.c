/* Rows from the store: columns are cut out of the input at each 0x1f. */
#include "fuzz.h"
#include "lib/engine/row.h"

#define COLS_MAX 24

static void check_load(const struct pl_row *r)
{
    RULE(r->kind != '\0' && strchr("TWGPMENIHD", r->kind) != NULL);
    RULE(r->directory.len > 0 && pl_str_is_utf8(r->directory));
    switch (r->kind) {
    case 'T':
        RULE(r->total.open_accounts >= 0 && r->total.memberships >= 0 && r->total.due_in_us >= 0);
        break;
    case 'W':
        RULE(r->passed.account_id > 0 && r->passed.role_group_id >= 0 && r->passed.age_us >= 0);
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
    case 'N':
        RULE(r->name.lately >= 0 && r->name.given.len > 0 && r->name.family.len > 0);
        break;
    case 'E':
        RULE(r->end.ends_us > 0);
        break;
    case 'H':
        RULE(r->item.op > PL_OP_NONE && r->item.op < PL_OP_COUNT && r->item.role_group_id >= 0);
        break;
    default:
        RULE(r->seq > 0 && r->person_id > 0);
    }
}

static bool same_load(const struct pl_row *a, const struct pl_row *b)
{
    bool same = a->kind == b->kind && a->person_id == b->person_id && pl_str_eq(a->directory, b->directory) &&
                pl_str_eq(a->purpose, b->purpose);

    switch (a->kind) {
    case 'T':
        return same && a->total.open_accounts == b->total.open_accounts &&
               a->total.memberships == b->total.memberships && a->total.due_in_us == b->total.due_in_us &&
               pl_str_eq(a->total.identity, b->total.identity);
    case 'W':
        return same && a->passed.account_id == b->passed.account_id && a->passed.age_us == b->passed.age_us &&
               a->passed.role_group_id == b->passed.role_group_id;
    case 'G':
        return same && a->group.role_group_id == b->group.role_group_id && a->group.role_id == b->group.role_id &&
               a->group.mode == b->group.mode && pl_str_eq(a->group.group_dn, b->group.group_dn);
    case 'P':
        return same && a->person.account_id == b->person.account_id && a->person.need == b->person.need &&
               a->person.state == b->person.state && a->person.since_us == b->person.since_us &&
               a->person.n_members == b->person.n_members && pl_str_eq(a->person.dn, b->person.dn) &&
               pl_str_eq(a->person.login, b->person.login) && pl_str_eq(a->person.native_id, b->person.native_id);
    case 'M':
        return same && a->member.role_group_id == b->member.role_group_id && a->member.wanted == b->member.wanted &&
               a->member.believed == b->member.believed && a->member.put_backs == b->member.put_backs;
    case 'I':
        return same && a->intent.intent_id == b->intent.intent_id && a->intent.op == b->intent.op;
    case 'N':
        return same && a->name.lately == b->name.lately && pl_str_eq(a->name.given, b->name.given) &&
               pl_str_eq(a->name.family, b->name.family);
    case 'E':
        return same && a->end.ends_us == b->end.ends_us && a->end.named == b->end.named &&
               a->end.crowd == b->end.crowd && pl_str_eq(a->end.sent, b->end.sent) &&
               pl_str_eq(a->end.lately, b->end.lately);
    case 'H':
        return same && a->item.op == b->item.op && a->item.role_group_id == b->item.role_group_id;
    default:
        return same && a->seq == b->seq;
    }
}

static size_t cut_columns(struct pl_str in, struct pl_str marks, struct pl_str *cols)
{
    size_t n = 0, from = 0;

    for (size_t i = 0; i <= in.len && n < COLS_MAX; i++)
        if (i == in.len || marks.s[i] == 0x1f) {
            cols[n++] = (struct pl_str){in.s + from, i - from};
            from = i + 1;
        }
    return n;
}

/* Written again as they were read: the same bytes. */
static void check_ids(struct pl_str persons)
{
    struct pl_buf again = {0};
    struct pl_str left = persons;

    for (int64_t id = pl_row_next_id(&left); id != 0; id = pl_row_next_id(&left)) {
        RULE(id > 0);
        pl_buf_printf(&again, again.len ? " %lld" : "%lld", (long long)id);
    }
    RULE(left.len == 0 && pl_str_eq(pl_buf_str(&again), persons));
    pl_buf_free(&again);
}

static void check_scans(const struct pl_str *cols, size_t n)
{
    struct pl_row_scan_account account;
    struct pl_row_scan_group group;
    struct pl_row_scan_groups groups;
    struct pl_err err = {0};

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
    err.text[0] = '\0';
    if (pl_row_scan_groups(cols, n, &groups, &err))
        check_ids(groups.persons);
    else
        RULE(err.text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_str *cols = calloc(COLS_MAX, sizeof *cols), in = fuzz_str(data, size);
    struct pl_str beside = fuzz_beside(data, size, '7');
    struct pl_err err = {0};
    struct pl_row row, other;
    size_t n;
    bool ok;

    RULE(cols != NULL);
    for (size_t i = 0; i < size; i++) /* a column that was read beyond its end would go on with a digit */
        if (data[i] == 0x1f)
            ((char *)(uintptr_t)beside.s)[i] = '7';
    n = cut_columns(in, in, cols);
    ok = pl_row_load(cols, n, &row, &err);
    RULE(ok || err.text[0] != '\0');
    if (ok)
        check_load(&row);
    check_scans(cols, n);
    n = cut_columns(beside, in, cols);
    RULE(pl_row_load(cols, n, &other, &err) == ok);
    RULE(!ok || same_load(&row, &other));
    fuzz_free(beside);
    free(cols);
    return 0;
}
