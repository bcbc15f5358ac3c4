/* Rows from the store, each column in turn made wrong: what is not exactly right is refused with a sentence. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/engine/row.h"

#define COLS_MAX 24

/* Kinds of columns: i id (from 1), N number (from 0), n the same or empty, w word (not empty, UTF-8), t any text,
 * f flag, m mode, s state or empty, o operation, h held or approved, W want, C cause, l list of ids, e list of moments,
 * K the row's kind. */
struct shape {
    const char *kinds;
    const char *good[COLS_MAX];
};

static const struct shape load_shapes[] = {
    {"KwNNtn", {"T", "linn", "420", "1900", "srv-linn", "250000"}},
    {"Kwiiwmfw", {"G", "linn", "7", "3", "cn=wd,ou=ryhmad,dc=linn,dc=test", "enforce", "t", "personal"}},
    {"KiwwWCfntttsttttttmnN",
     {"P",
      "12",
      "linn",
      "personal",
      "open",
      "employed",
      "f",
      "34",
      "mari.tamm",
      "4d1c",
      "uid=mari.tamm,dc=x",
      "open",
      "Mari",
      "Tamm",
      "1042",
      "Kantselei",
      "spetsialist",
      "LV",
      "enforce",
      "1700000000000000",
      "4"}},
    {"Kiwwiffmfn", {"M", "12", "linn", "personal", "7", "t", "f", "propose", "t", "2"}},
    {"Kiwwionn", {"I", "12", "linn", "personal", "99", "lock", "", "1798754400000000"}},
    {"Kiwwhon", {"H", "12", "linn", "personal", "approved", "remove_member", "7"}},
    {"Kiwi", {"D", "12", "linn", "5"}},
    {"KwinN", {"W", "linn", "34", "7", "1500000"}},
    {"KiwwnfNee",
     {"E", "12", "linn", "personal", "1798754400000000", "t", "12", "1798754400000000 1798840800000000", "0 0"}},
    {"KiwwNww", {"N", "12", "linn", "personal", "1", "Mari", "Tamm"}},
};
#define N_SHAPES (sizeof load_shapes / sizeof load_shapes[0])

static const struct shape scan_account_shape = {
    "inwtttsWCntt",
    {"12", "34", "personal", "4d1c", "uid=m,dc=x", "mari.tamm", "out", "locked", "departed", "0", "Mari", "Kask"}};
static const struct shape scan_group_shape = {"iittm", {"12", "7", "uid=m,dc=x", "mari.tamm", "observe"}};
static const struct shape scan_groups_shape = {"iwwl", {"7", "cn=g,dc=x", "personal", "12 5 1042"}};

static size_t fill(const struct shape *s, struct pl_str cols[COLS_MAX])
{
    size_t n = strlen(s->kinds);

    for (size_t i = 0; i < n; i++)
        cols[i] = pl_str_c(s->good[i]);
    return n;
}

/* The columns in memory of their own exact size, so that the address sanitizer sees a step beyond. */
static bool decode(const struct shape *s, const struct pl_str *cols, size_t n, struct pl_err *err)
{
    struct pl_row row;
    struct pl_row_scan_account account;
    struct pl_row_scan_group group;
    struct pl_row_scan_groups groups;
    struct pl_str *own = n == 0 ? NULL : test_malloc(n * sizeof *own);
    bool ok;

    if (n > 0)
        memcpy(own, cols, n * sizeof *own);
    *err = (struct pl_err){0};
    if (s == &scan_account_shape)
        ok = pl_row_scan_account(own, n, &account, err);
    else if (s == &scan_group_shape)
        ok = pl_row_scan_group(own, n, &group, err);
    else if (s == &scan_groups_shape)
        ok = pl_row_scan_groups(own, n, &groups, err);
    else
        ok = pl_row_load(own, n, &row, err);
    if (n > 0)
        test_free(own);
    if (!ok) {
        assert_int_equal(err->class, PL_ERR_INPUT);
        assert_true(strlen(err->text) > 10);
    } else {
        assert_int_equal(err->text[0], '\0');
    }
    return ok;
}

static const struct shape *shape_at(size_t i)
{
    static const struct shape *const scans[] = {&scan_account_shape, &scan_group_shape, &scan_groups_shape};
    return i < N_SHAPES ? &load_shapes[i] : scans[i - N_SHAPES];
}
#define EVERY_SHAPE for (size_t sh = 0; sh < N_SHAPES + 3; sh++)

static void test_good_rows(void **state)
{
    (void)state;
    EVERY_SHAPE
    {
        struct pl_str cols[COLS_MAX] = {{0}};
        struct pl_err err;
        size_t n = fill(shape_at(sh), cols);

        if (!decode(shape_at(sh), cols, n, &err))
            fail_msg("%s: %s", shape_at(sh)->kinds, err.text);
        while (n < COLS_MAX) /* the store answers all kinds with one width; what is unused is empty */
            cols[n++] = (struct pl_str){"", 0};
        assert_true(decode(shape_at(sh), cols, n, &err));
    }
}

static void test_missing_columns(void **state)
{
    (void)state;
    EVERY_SHAPE
    {
        struct pl_str cols[COLS_MAX];
        struct pl_err err;
        size_t whole = fill(shape_at(sh), cols);

        for (size_t n = 0; n < whole; n++)
            if (decode(shape_at(sh), cols, n, &err))
                fail_msg("%s: %zu columns are enough", shape_at(sh)->kinds, n);
    }
}

struct hostile {
    struct pl_str s;
    const char *fine; /* kinds of columns that may say so */
};

#define BYTES(x)                                                                                                       \
    {                                                                                                                  \
        (x), sizeof(x) - 1                                                                                             \
    }
static const struct hostile hostile[] = {
    {BYTES(""), "tnsle"},
    {BYTES("0"), "twNne"},
    {BYTES("-1"), "tw"},
    {BYTES("-0"), "twNn"},
    {BYTES("+1"), "tw"},
    {BYTES(" 1"), "tw"},
    {BYTES("1 "), "tw"},
    {BYTES("1\n"), "tw"},
    {BYTES("1\0"), "t"},
    {BYTES("\0"), "t"},
    {BYTES("1.0"), "tw"},
    {BYTES("1e3"), "tw"},
    {BYTES("0x10"), "tw"},
    {BYTES("007"), "twiNn"},
    {BYTES("9223372036854775807"), "twiNn"},
    {BYTES("9223372036854775808"), "tw"},
    {BYTES("-9223372036854775808"), "tw"},
    {BYTES("18446744073709551617"), "tw"},
    {BYTES("99999999999999999999999999999999999999999"), "tw"},
    {BYTES("\xd9\xa1"), "tw"}, /* an Arabic digit */
    {BYTES("NULL"), "tw"},
    {BYTES("true"), "tw"},
    {BYTES("T"), "twK"},
    {BYTES("t "), "tw"},
    {BYTES("t\0"), "t"},
    {BYTES("Open"), "tw"},
    {BYTES("opened"), "tw"},
    {BYTES("open\0"), "t"},
    {BYTES("enforce "), "tw"},
    {BYTES("none"), "tws"},
    {BYTES("report"), "two"},
    {BYTES("held "), "tw"},
    {BYTES("Z"), "tw"},
    {BYTES("\xff\xfe"), "t"},
    {BYTES("\xc0\xaf"), "t"},
    {BYTES("\xed\xa0\x80"), "t"},
    {BYTES("%s%n%s%n"), "tw"},
    {BYTES("5 6"), "twle"},
    {BYTES("5  6"), "tw"},
    {BYTES("5 6 "), "tw"},
    {BYTES("5 06"), "tw"},
    {BYTES("5 0 6"), "twe"},
    {BYTES("0 0"), "twe"},
    {BYTES("00"), "twNn"},
    {BYTES("0 00"), "tw"},
    {BYTES("5,6"), "tw"},
    {BYTES("5 -6"), "tw"},
    {BYTES("5 999999999999999999"), "twle"},
    {BYTES("5 1000000000000000000"), "tw"},
};

static void test_hostile_columns(void **state)
{
    (void)state;
    EVERY_SHAPE
    {
        const struct shape *s = shape_at(sh);
        size_t n = strlen(s->kinds);

        for (size_t at = 0; at < n; at++)
            for (size_t h = 0; h < sizeof hostile / sizeof hostile[0]; h++) {
                struct pl_str cols[COLS_MAX];
                struct pl_err err;
                bool fine = strchr(hostile[h].fine, s->kinds[at]) != NULL;

                if (s->kinds[at] == 'K') /* another kind: another shape */
                    fine = false;
                if (s->kinds[at] == 'K' && pl_str_eq_c(hostile[h].s, s->good[0]))
                    continue;
                if (s->kinds[at] == 'K' && pl_str_eq_c(hostile[h].s, "T"))
                    continue;
                (void)fill(s, cols);
                cols[at] = hostile[h].s;
                if (decode(s, cols, n, &err) != fine)
                    fail_msg("%s, column %zu (%c), value %zu '%s': %s", s->kinds, at, s->kinds[at], h, hostile[h].s.s,
                             fine ? err.text : "taken");
            }
    }
}

/* A message from the decoder must not carry what the column held: it may be somebody's name. */
static void test_sentence_has_no_values(void **state)
{
    static const char secret[] = "Tammsaare-Kuusk";

    (void)state;
    EVERY_SHAPE
    {
        const struct shape *s = shape_at(sh);
        size_t n = strlen(s->kinds);

        for (size_t at = 0; at < n; at++) {
            struct pl_str cols[COLS_MAX];
            struct pl_err err;

            (void)fill(s, cols);
            cols[at] = pl_str_c(secret);
            if (!decode(s, cols, n, &err)) {
                assert_null(strstr(err.text, "Tammsaare"));
                assert_null(strstr(err.hint, "Tammsaare"));
            }
        }
    }
}

/* Every pair of columns swapped: never more than a refusal, and never two different kinds taken for each other when one
 * of them is a number. */
static void test_swapped_columns(void **state)
{
    (void)state;
    EVERY_SHAPE
    {
        const struct shape *s = shape_at(sh);
        size_t n = strlen(s->kinds);

        for (size_t a = 0; a < n; a++)
            for (size_t b = a + 1; b < n; b++) {
                struct pl_str cols[COLS_MAX], keep;
                struct pl_err err;
                bool number = strchr("iN", s->kinds[a]) != NULL, word = strchr("wfmhoWC", s->kinds[b]) != NULL;

                (void)fill(s, cols);
                keep = cols[a];
                cols[a] = cols[b];
                cols[b] = keep;
                if (decode(s, cols, n, &err) && number && word)
                    fail_msg("%s: columns %zu and %zu swapped are taken", s->kinds, a, b);
            }
    }
}

static void test_values_arrive(void **state)
{
    struct pl_str cols[COLS_MAX];
    struct pl_row r;
    struct pl_row_scan_account a;
    struct pl_row_scan_group g;
    struct pl_row_scan_groups gs;
    struct pl_err err;

    (void)state;
    assert_true(pl_row_load(cols, fill(&load_shapes[0], cols), &r, &err));
    assert_int_equal(r.kind, 'T');
    assert_true(pl_str_eq_c(r.directory, "linn") && pl_str_eq_c(r.total.directory, "linn"));
    assert_int_equal(r.total.open_accounts, 420);
    assert_int_equal(r.total.memberships, 1900);
    assert_true(pl_str_eq_c(r.total.identity, "srv-linn"));
    assert_int_equal(r.total.due_in_us, 250000);

    assert_true(pl_row_load(cols, fill(&load_shapes[1], cols), &r, &err));
    assert_int_equal(r.group.role_group_id, 7);
    assert_int_equal(r.group.role_id, 3);
    assert_int_equal(r.group.mode, PL_MODE_ENFORCE);
    assert_true(r.group.put_back && pl_str_eq_c(r.group.purpose, "personal"));

    assert_true(pl_row_load(cols, fill(&load_shapes[2], cols), &r, &err));
    assert_int_equal(r.person_id, 12);
    assert_int_equal(r.person.person_id, 12);
    assert_int_equal(r.person.account_id, 34);
    assert_int_equal(r.person.need, PL_NEED_OPEN);
    assert_int_equal(r.person.state, PL_STATE_OPEN);
    assert_int_equal(r.person.dir_mode, PL_MODE_ENFORCE);
    assert_false(r.person.named);
    assert_true(pl_str_eq_c(r.person.family, "Tamm") && pl_str_eq_c(r.person.institution, "LV"));
    assert_true(pl_str_eq_c(r.person.directory, "linn") && pl_str_eq_c(r.person.purpose, "personal"));
    assert_int_equal(r.person.since_us, 1700000000000000);
    assert_int_equal(r.person.n_members, 4);
    cols[7] = cols[11] = cols[19] = (struct pl_str){NULL, 0};
    assert_true(pl_row_load(cols, 21, &r, &err));
    assert_int_equal(r.person.account_id, 0);
    assert_int_equal(r.person.state, PL_STATE_NONE);
    assert_int_equal(r.person.since_us, 0);

    assert_true(pl_row_load(cols, fill(&load_shapes[3], cols), &r, &err));
    assert_int_equal(r.member.role_group_id, 7);
    assert_true(r.member.wanted && !r.member.believed && r.member.put_back);
    assert_int_equal(r.member.put_backs, 2);
    assert_int_equal(r.member.mode, PL_MODE_PROPOSE);

    assert_true(pl_row_load(cols, fill(&load_shapes[4], cols), &r, &err));
    assert_int_equal(r.intent.intent_id, 99);
    assert_int_equal(r.intent.op, PL_OP_LOCK);
    assert_int_equal(r.intent.role_group_id, 0);
    assert_int_equal(r.intent.ends_us, 1798754400000000);
    cols[7] = (struct pl_str){NULL, 0};
    assert_true(pl_row_load(cols, 8, &r, &err));
    assert_true(r.intent.ends_us == PL_END_NEVER);

    assert_true(pl_row_load(cols, fill(&load_shapes[5], cols), &r, &err));
    assert_true(r.item.approved);
    assert_int_equal(r.item.op, PL_OP_REMOVE_MEMBER);
    cols[4] = pl_str_c("held");
    assert_true(pl_row_load(cols, 7, &r, &err));
    assert_false(r.item.approved);

    assert_true(pl_row_load(cols, fill(&load_shapes[6], cols), &r, &err));
    assert_int_equal(r.seq, 5);
    assert_int_equal(r.person_id, 12);

    assert_true(pl_row_scan_account(cols, fill(&scan_account_shape, cols), &a, &err));
    assert_int_equal(a.account_id, 34);
    assert_int_equal(a.state, PL_STATE_OUT);
    assert_int_equal(a.need, PL_NEED_OUT);
    assert_true(pl_row_scan_group(cols, fill(&scan_group_shape, cols), &g, &err));
    assert_int_equal(g.role_group_id, 7);
    assert_int_equal(g.mode, PL_MODE_OBSERVE);
    assert_true(pl_row_scan_groups(cols, fill(&scan_groups_shape, cols), &gs, &err));
    assert_int_equal(gs.role_group_id, 7);
    assert_true(pl_str_eq_c(gs.dn, "cn=g,dc=x") && pl_str_eq_c(gs.purpose, "personal"));
    assert_int_equal(pl_row_next_id(&gs.persons), 12);
    assert_int_equal(pl_row_next_id(&gs.persons), 5);
    assert_int_equal(pl_row_next_id(&gs.persons), 1042);
    assert_int_equal(pl_row_next_id(&gs.persons), 0);
}

static void test_ends_arrive(void **state)
{
    struct pl_str cols[COLS_MAX];
    struct pl_row_scan_account a;
    struct pl_err err = {0};
    struct pl_row r;
    int64_t us;

    (void)state;
    assert_true(pl_row_load(cols, fill(&load_shapes[8], cols), &r, &err));
    assert_int_equal(r.end.ends_us, 1798754400000000);
    assert_true(r.end.named && r.end.crowd == 12);
    assert_true(pl_row_next_moment(&r.end.sent, &us) && us == 1798754400000000);
    assert_true(pl_row_next_moment(&r.end.sent, &us) && us == 1798840800000000);
    assert_false(pl_row_next_moment(&r.end.sent, &us));
    assert_true(pl_row_next_moment(&r.end.lately, &us) && us == 0);
    assert_true(pl_row_next_moment(&r.end.lately, &us) && us == 0);
    assert_false(pl_row_next_moment(&r.end.lately, &us));
    cols[4] = (struct pl_str){NULL, 0};
    assert_true(pl_row_load(cols, 9, &r, &err));
    assert_true(r.end.ends_us == PL_END_NEVER);

    assert_true(pl_row_scan_account(cols, fill(&scan_account_shape, cols), &a, &err));
    assert_true(a.end_known && a.ends_us == PL_END_NEVER);
    cols[9] = pl_str_c("1798754400000000");
    assert_true(pl_row_scan_account(cols, 12, &a, &err));
    assert_true(a.end_known && a.ends_us == 1798754400000000);
    assert_true(pl_str_eq_c(a.given, "Mari") && pl_str_eq_c(a.family, "Kask"));
    cols[9] = (struct pl_str){NULL, 0};
    assert_true(pl_row_scan_account(cols, 12, &a, &err));
    assert_false(a.end_known);

    assert_true(pl_row_load(cols, fill(&load_shapes[9], cols), &r, &err));
    assert_int_equal(r.name.lately, 1);
    assert_true(pl_str_eq_c(r.name.given, "Mari") && pl_str_eq_c(r.name.family, "Tamm"));
}

static void test_kinds(void **state)
{
    struct pl_str one = {NULL, 1};
    struct pl_row r;
    struct pl_err err;

    (void)state;
    assert_false(pl_row_load(NULL, 0, &r, &err));
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;

        one.s = &byte;
        assert_false(pl_row_load(&one, 1, &r, &err)); /* a kind alone is no row */
    }
    assert_false(pl_row_load(&(struct pl_str){NULL, 0}, 1, &r, NULL)); /* nobody asks for the sentence */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_rows),       cmocka_unit_test(test_missing_columns),
        cmocka_unit_test(test_hostile_columns), cmocka_unit_test(test_sentence_has_no_values),
        cmocka_unit_test(test_swapped_columns), cmocka_unit_test(test_values_arrive),
        cmocka_unit_test(test_ends_arrive),     cmocka_unit_test(test_kinds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
