/* The Active Directory dialect: times, what is seen of a lock, each Modify that is written, groups that are left alone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/directory/dialect.h"

#define NOW       (INT64_C(1769904000) * 1000000) /* 2026-02-01 00:00:00 UTC */
#define NOW_TICKS "134143776000000000"

static const struct pl_dialect *d(void)
{
    const struct pl_dialect *found = pl_dialect_find(PL_STR("ad"));

    assert_non_null(found);
    return found;
}

/* ---- times ---- */

static void test_filetime(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "-1",  "9223372036854775808", "1.5", " 1",
                                      "1 ", "0x1", "18446744073709551615"};
    int64_t t = -1;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(pl_filetime_parse(pl_str_c(bad[i]), &t));
    assert_int_equal(t, -1);
    assert_true(pl_filetime_parse(PL_STR("0"), &t) && t == 0);
    assert_true(pl_filetime_never(t));
    assert_true(pl_filetime_parse(PL_STR("9223372036854775807"), &t) && t == INT64_MAX);
    assert_true(pl_filetime_never(t));
    assert_true(pl_filetime_parse(PL_STR("9223372036854775806"), &t) && t == INT64_MAX - 1);
    assert_false(pl_filetime_never(t));
    assert_false(pl_filetime_never(1));
    assert_int_equal(pl_filetime_us(0), INT64_C(-11644473600) * 1000000);
    assert_int_equal(pl_filetime_us(INT64_C(116444736000000000)), 0);
    assert_int_equal(pl_filetime_us(INT64_C(116444736000000019)), 1); /* rounded down */
    assert_true(pl_filetime_parse(PL_STR(NOW_TICKS), &t));
    assert_int_equal(pl_filetime_us(t), NOW);
    assert_int_equal(pl_filetime_us(INT64_MAX), INT64_MAX / 10 - INT64_C(11644473600) * 1000000);
    /* and back: exact to the tick, and never one of the two that mean "never" by accident */
    assert_int_equal(pl_filetime_of_us(NOW), t);
    assert_int_equal(pl_filetime_of_us(0), INT64_C(116444736000000000));
    assert_int_equal(pl_filetime_of_us(INT64_C(-11644473600) * 1000000 + 1), 10);
    assert_int_equal(pl_filetime_of_us(INT64_C(-11644473600) * 1000000), INT64_MAX);
    assert_int_equal(pl_filetime_of_us(INT64_MIN), INT64_MAX);
    assert_int_equal(pl_filetime_of_us(INT64_MAX), INT64_MAX);
    assert_int_equal(pl_filetime_of_us(INT64_MAX / 10 - INT64_C(11644473600) * 1000000), INT64_MAX / 10 * 10);
    assert_int_equal(pl_filetime_of_us(INT64_MAX / 10 - INT64_C(11644473600) * 1000000 + 1), INT64_MAX);
}

/* ---- entries ---- */

struct person {
    struct pl_attr attrs[8];
    struct pl_str values[8];
    struct pl_entry e;
};

static struct person *with(struct person *p, const char *attr, const char *value)
{
    size_t n = p->e.n++;

    p->e.dn = PL_STR("cn=x");
    p->e.attrs = p->attrs;
    p->values[n] = pl_str_c(value);
    p->attrs[n] = (struct pl_attr){pl_str_c(attr), &p->values[n], 1};
    return p;
}

static enum pl_lock seen(struct person p)
{
    struct pl_dir_facts facts = {0};

    p.e.attrs = p.attrs;
    for (size_t i = 0; i < p.e.n; i++)
        p.attrs[i].values = &p.values[i];
    return d()->lock_seen(&p.e, &facts, NOW);
}

static enum pl_lock seen_of(const char *uac, const char *expires)
{
    struct person p = {0};

    if (uac != NULL)
        with(&p, "USERACCOUNTCONTROL", uac);
    if (expires != NULL)
        with(&p, "accountExpires", expires);
    with(&p, "lockoutTime", NOW_TICKS); /* too many wrong passwords: it ends by itself, and is no lock */
    return seen(p);
}

static void test_lock_seen(void **state)
{
    (void)state;
    static const char *const open[] = {"512", "66048", "262656", "544", "-2147483648"};
    static const char *const locked[] = {"514", "66050", "262658", "546", "2", "-2147483646"};
    static const char *const never[] = {NULL, "0", "9223372036854775807", "134143776000000010", "9223372036854775806"};
    static const char *const past[] = {NOW_TICKS, "1", "134143775999999999"};

    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        for (size_t k = 0; k < sizeof never / sizeof never[0]; k++)
            assert_int_equal(seen_of(open[i], never[k]), PL_LOCK_OPEN);
        for (size_t k = 0; k < sizeof past / sizeof past[0]; k++)
            assert_int_equal(seen_of(open[i], past[k]), PL_LOCK_PROVEN);
        assert_int_equal(seen_of(open[i], "-1"), PL_LOCK_DOUBTFUL);
    }
    for (size_t i = 0; i < sizeof locked / sizeof locked[0]; i++)
        for (size_t k = 0; k < sizeof never / sizeof never[0]; k++)
            assert_int_equal(seen_of(locked[i], never[k]), PL_LOCK_PROVEN);
    assert_int_equal(seen_of(NULL, "0"), PL_LOCK_DOUBTFUL); /* we may not see it */
    assert_int_equal(seen_of("", NULL), PL_LOCK_DOUBTFUL);
    assert_int_equal(seen_of("x", NULL), PL_LOCK_DOUBTFUL);
    assert_int_equal(seen_of("2147483650", NULL), PL_LOCK_DOUBTFUL);
}

/* ---- writes ---- */

/* A step as text: stage, secret, each modification, and after "!" what sends the next one. */
static void say(struct pl_buf *b, const struct pl_step *s)
{
    static const char kinds[] = {[PL_MOD_ADD] = '+', [PL_MOD_DELETE] = '-', [PL_MOD_REPLACE] = '='};
    static const char *const secrets[] = {"", " FIRST", " USELESS"};

    pl_buf_printf(b, "%d%s%s", s->stage, s->extra ? "?" : "", secrets[s->secret]);
    for (size_t i = 0; i < s->n_mods; i++) {
        const struct pl_mod *m = &s->mods[i];
        pl_buf_printf(b, " %c%.*s", kinds[m->kind], (int)m->attr.len, m->attr.s);
        for (size_t k = 0; k < m->n; k++)
            pl_buf_printf(b, ":%.*s", (int)m->values[k].len, m->values[k].s);
    }
    for (const int *c = s->next_on; c && *c; c++)
        pl_buf_printf(b, " !%d", *c);
    assert_null(s->also);
    pl_buf_add_byte(b, '\n');
}

static void writes(enum pl_change what, struct pl_change_in in, struct person p, const char *want)
{
    struct pl_step s[PL_STEPS_MAX];
    struct pl_buf b = {0};
    size_t n;

    in.arena = pl_arena_new();
    in.now_us = in.now_us ? in.now_us : 1000;
    p.e.attrs = p.attrs;
    for (size_t i = 0; i < p.e.n; i++)
        p.attrs[i].values = &p.values[i];
    in.entry = &p.e;
    n = pl_dialect_change(d(), what, &in, s);
    assert_in_range(n, 0, PL_STEPS_MAX);
    for (size_t i = 0; i < n; i++)
        say(&b, &s[i]);
    assert_string_equal(b.s ? b.s : "", want);
    pl_buf_free(&b);
    pl_arena_free(in.arena);
}

#define FENCED                                                                                                         \
    {                                                                                                                  \
        .fence_attr = "adminDescription"                                                                               \
    }
#define UAC(v)     (*with(&(struct person){0}, "userAccountControl", (v)))
#define UACF(v, f) (*with(with(&(struct person){0}, "userAccountControl", (v)), "adminDescription", (f)))

static void test_lock(void **state)
{
    (void)state;
    struct pl_change_in plain = {0}, fenced = FENCED;

    writes(PL_CHANGE_LOCK, plain, UAC("512"), "0 -userAccountControl:512 +userAccountControl:514\n");
    writes(PL_CHANGE_LOCK, plain, UAC("66048"), "0 -userAccountControl:66048 +userAccountControl:66050\n");
    writes(PL_CHANGE_LOCK, plain, UAC("262656"), "0 -userAccountControl:262656 +userAccountControl:262658\n");
    /* the first fence; a value that we may not see stops no lock */
    writes(PL_CHANGE_LOCK, fenced, UAC("512"),
           "0 -userAccountControl:512 +userAccountControl:514 +adminDescription:paasla-fence:1000 !50 !20\n"
           "0 -userAccountControl:512 +userAccountControl:514\n");
    writes(PL_CHANGE_LOCK, fenced, UACF("512", "paasla-fence:77"),
           "0 -userAccountControl:512 +userAccountControl:514 -adminDescription:paasla-fence:77 "
           "+adminDescription:paasla-fence:1000 !50\n"
           "0 -userAccountControl:512 +userAccountControl:514\n");
    /* the clock was set back: a new value all the same */
    writes(PL_CHANGE_LOCK, fenced, UACF("512", "paasla-fence:1000"),
           "0 -userAccountControl:512 +userAccountControl:514 -adminDescription:paasla-fence:1000 "
           "+adminDescription:paasla-fence:1001 !50\n"
           "0 -userAccountControl:512 +userAccountControl:514\n");
    /* somebody else's words stay */
    static const char *const theirs[] = {"a user of the library",
                                         "paasla-fence:",
                                         "paasla-fence:1x",
                                         "paasla-fence:-1",
                                         "xpaasla-fence:1",
                                         "paasla-fence: 1",
                                         "paasla-fence:9223372036854775807"};
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++)
        writes(PL_CHANGE_LOCK, fenced, UACF("512", theirs[i]), "0 -userAccountControl:512 +userAccountControl:514\n");
    struct pl_str two[] = {PL_STR("paasla-fence:1"), PL_STR("paasla-fence:2")};
    struct pl_step s[PL_STEPS_MAX];
    struct person p = UACF("512", "paasla-fence:1");
    p.e.attrs = p.attrs;
    p.attrs[0].values = &p.values[0];
    p.attrs[1] = (struct pl_attr){PL_STR("adminDescription"), two, 2};
    fenced.arena = pl_arena_new();
    fenced.entry = &p.e;
    assert_int_equal(pl_dialect_change(d(), PL_CHANGE_LOCK, &fenced, s), 1);
    assert_int_equal(s[0].n_mods, 2);
    pl_arena_free(fenced.arena);
    /* locked already: what is written is the fence, and that the value is still the same */
    writes(PL_CHANGE_LOCK, (struct pl_change_in)FENCED, UACF("514", "paasla-fence:5"),
           "0 -userAccountControl:514 +userAccountControl:514 -adminDescription:paasla-fence:5 "
           "+adminDescription:paasla-fence:1000 !50\n"
           "0 -userAccountControl:514 +userAccountControl:514\n");
    writes(PL_CHANGE_LOCK, plain, UAC("5x"), "");
    writes(PL_CHANGE_LOCK, plain, (struct person){0}, "");
    writes(PL_CHANGE_CLOSE, plain, (struct person){0}, "");
}

static void test_close(void **state)
{
    (void)state;
    struct pl_change_in plain = {0}, clear = {.clear_certificates = true};
    struct person p = UAC("512");

    with(&p, "altSecurityIdentities", "X509:<I>CN=ESTEID<S>SERIALNUMBER=PNOEE-1");
    writes(PL_CHANGE_CLOSE, plain, p, "0 -userAccountControl:512 +userAccountControl:514\n1 USELESS\n2 USELESS\n");
    writes(PL_CHANGE_CLOSE, clear, p,
           "0 -userAccountControl:512 +userAccountControl:514\n1 USELESS\n2 USELESS\n"
           "3? -altSecurityIdentities:X509:<I>CN=ESTEID<S>SERIALNUMBER=PNOEE-1\n");
    writes(PL_CHANGE_CLOSE, clear, UAC("512"),
           "0 -userAccountControl:512 +userAccountControl:514\n1 USELESS\n2 USELESS\n");
    writes(PL_CHANGE_LOCK, clear, p, "0 -userAccountControl:512 +userAccountControl:514\n");
    /* at most: fence, without it, password, once more, certificates */
    clear.fence_attr = "adminDescription";
    writes(PL_CHANGE_CLOSE, clear, *with(&p, "adminDescription", "paasla-fence:1"),
           "0 -userAccountControl:512 +userAccountControl:514 -adminDescription:paasla-fence:1 "
           "+adminDescription:paasla-fence:1000 !50\n"
           "0 -userAccountControl:512 +userAccountControl:514\n1 USELESS\n2 USELESS\n"
           "3? -altSecurityIdentities:X509:<I>CN=ESTEID<S>SERIALNUMBER=PNOEE-1\n");
}

static void test_open(void **state)
{
    (void)state;
    struct pl_change_in keep = {0}, first = {.opening = PL_SECRET_FIRST}, useless = {.opening = PL_SECRET_USELESS};
#define OPENED "1 -userAccountControl:514 +userAccountControl:512\n"

    writes(PL_CHANGE_OPEN, keep, UAC("514"), OPENED);
    writes(PL_CHANGE_OPEN, keep, UAC("66050"), "1 -userAccountControl:66050 +userAccountControl:66048\n");
    writes(PL_CHANGE_OPEN, first, UAC("514"), "0 FIRST\n" OPENED);
    writes(PL_CHANGE_OPEN, useless, UAC("514"), "0 USELESS\n" OPENED);
    /* somebody has set a password: it is kept where we have none to give */
    struct person p = *with(&UAC("514"), "pwdLastSet", "134143776000000000");
    writes(PL_CHANGE_OPEN, useless, p, OPENED);
    writes(PL_CHANGE_OPEN, first, p, "0 FIRST\n" OPENED);
    writes(PL_CHANGE_OPEN, useless, *with(&UAC("514"), "pwdLastSet", "0"), "0 USELESS\n" OPENED);
    /* with a card there is no password to give */
    writes(PL_CHANGE_OPEN, first, UAC("262658"), "1 -userAccountControl:262658 +userAccountControl:262656\n");
    /* nothing of ours: open, or expired, or not to be seen */
    writes(PL_CHANGE_OPEN, first, UAC("512"), "");
    writes(PL_CHANGE_OPEN, first, *with(&UAC("512"), "accountExpires", "1"), "");
    writes(PL_CHANGE_OPEN, first, (struct person){0}, "");

    first.must_change = useless.must_change = keep.must_change = true;
    writes(PL_CHANGE_OPEN, keep, UAC("514"), OPENED);
    writes(PL_CHANGE_OPEN, useless, UAC("514"), "0 USELESS\n" OPENED);
    writes(PL_CHANGE_OPEN, first, UAC("514"),
           "0 FIRST\n1 -userAccountControl:514 +userAccountControl:512 =pwdLastSet:0 !50\n" OPENED);
    writes(PL_CHANGE_OPEN, first, UAC("66050"), "0 FIRST\n1 -userAccountControl:66050 +userAccountControl:66048\n");
    first.fence_attr =
        "adminDescription"; /* five steps are the most; a fence that was not seen is no reason to go on */
    writes(PL_CHANGE_OPEN, first, UAC("514"),
           "0 FIRST\n"
           "1 -userAccountControl:514 +userAccountControl:512 +adminDescription:paasla-fence:1000 =pwdLastSet:0 !50\n"
           "1 -userAccountControl:514 +userAccountControl:512 =pwdLastSet:0 !50\n"
           "1 -userAccountControl:514 +userAccountControl:512 +adminDescription:paasla-fence:1000 !50\n" OPENED);
}

/* ---- the end ---- */

static void test_end_seen(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t us; /* 0: cannot be read */
    } all[] = {{"0", INT64_MAX}, {"9223372036854775807", INT64_MAX},
               {NOW_TICKS, NOW}, {"116444736000000010", 1},
               {"-1", 0},        {"", 0},
               {"x", 0}};
    int64_t us = -1;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct person p = *with(&(struct person){0}, "ACCOUNTEXPIRES", all[i].value);
        p.e.attrs = p.attrs;
        p.attrs[0].values = &p.values[0];
        assert_int_equal(d()->end_seen(&p.e, &us), all[i].us != 0);
        assert_true(all[i].us == 0 || us == all[i].us);
    }
    struct pl_entry none = {0};
    assert_false(d()->end_seen(&none, &us)); /* we may not see it */
    assert_int_equal(d()->end_grain_us, 1);
}

static void test_keep(void **state)
{
    (void)state;
    struct pl_change_in at = {.end_us = NOW}, never = {.end_us = INT64_MAX};
    struct person p = *with(&UAC("512"), "accountExpires", "9223372036854775807");

    writes(PL_CHANGE_KEEP, at, p, "0 -accountExpires:9223372036854775807 +accountExpires:" NOW_TICKS "\n");
    writes(PL_CHANGE_KEEP, at, *with(&UAC("512"), "accountExpires", "0"),
           "0 -accountExpires:0 +accountExpires:" NOW_TICKS "\n");
    writes(PL_CHANGE_KEEP, never, *with(&UAC("512"), "accountExpires", NOW_TICKS),
           "0 -accountExpires:" NOW_TICKS " +accountExpires:9223372036854775807\n");
    /* the flags are no business of it; the fence is, where it is ours */
    at.fence_attr = "adminDescription";
    writes(PL_CHANGE_KEEP, at, *with(&p, "adminDescription", "paasla-fence:5"),
           "0 -accountExpires:9223372036854775807 +accountExpires:" NOW_TICKS
           " -adminDescription:paasla-fence:5 +adminDescription:paasla-fence:1000 !50\n"
           "0 -accountExpires:9223372036854775807 +accountExpires:" NOW_TICKS "\n");
    writes(PL_CHANGE_KEEP, at, *with(with(&UAC("512"), "accountExpires", "0"), "adminDescription", "raamatukogu"),
           "0 -accountExpires:0 +accountExpires:" NOW_TICKS "\n");
}

/* An end of ours that has passed would keep the account closed. */
static void test_open_clears_the_end(void **state)
{
    (void)state;
    struct pl_change_in in = {.clear_end = true}, first = {.clear_end = true, .opening = PL_SECRET_FIRST};
#define CLEARED " -accountExpires:" NOW_TICKS " +accountExpires:9223372036854775807\n"

    writes(PL_CHANGE_OPEN, in, *with(&UAC("514"), "accountExpires", NOW_TICKS),
           "1 -userAccountControl:514 +userAccountControl:512" CLEARED);
    writes(PL_CHANGE_OPEN, in, *with(&UAC("512"), "accountExpires", NOW_TICKS),
           "1 -userAccountControl:512 +userAccountControl:512" CLEARED);
    first.must_change = true;
    first.fence_attr = "adminDescription"; /* no step leaves it out */
    writes(PL_CHANGE_OPEN, first, *with(&UAC("514"), "accountExpires", NOW_TICKS),
           "0 FIRST\n"
           "1 -userAccountControl:514 +userAccountControl:512 +adminDescription:paasla-fence:1000 =pwdLastSet:0"
           " -accountExpires:" NOW_TICKS " +accountExpires:9223372036854775807 !50\n"
           "1 -userAccountControl:514 +userAccountControl:512 =pwdLastSet:0"
           " -accountExpires:" NOW_TICKS " +accountExpires:9223372036854775807 !50\n"
           "1 -userAccountControl:514 +userAccountControl:512 +adminDescription:paasla-fence:1000"
           " -accountExpires:" NOW_TICKS " +accountExpires:9223372036854775807 !50\n"
           "1 -userAccountControl:514 +userAccountControl:512" CLEARED);
    /* nothing that locks touches it */
    in.end_us = NOW;
    writes(PL_CHANGE_LOCK, in, *with(&UAC("512"), "accountExpires", NOW_TICKS),
           "0 -userAccountControl:512 +userAccountControl:514\n");
}

static void test_born(void **state)
{
    (void)state;
    struct pl_arena *a = pl_arena_new();
    struct pl_attr born[4];
    struct pl_dir_facts facts = {0};

    assert_int_equal(d()->born_locked(a, NOW, born), 1);
    assert_true(pl_str_eq_c(born[0].name, "userAccountControl") && born[0].n == 1);
    assert_true(pl_str_eq_c(born[0].values[0], "514"));
    struct pl_entry e = {PL_STR("cn=x"), born, 1};
    assert_int_equal(d()->lock_seen(&e, &facts, NOW), PL_LOCK_PROVEN); /* what we write we see */
    assert_int_equal(d()->password_form, PL_PASSWORD_AD);
    assert_true(d()->native_id_guid);
    pl_arena_free(a);
}

/* ---- groups ---- */

/* S-1-5-21-1-2-3-RID */
static struct pl_str sid(char room[28], unsigned rid)
{
    static const char head[] = "\1\5\0\0\0\0\0\5\25\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0";

    memcpy(room, head, 24);
    for (int i = 0; i < 4; i++)
        room[24 + i] = (char)(rid >> (8 * i));
    return (struct pl_str){room, 28};
}

static enum pl_group_shape shape(const char *class, unsigned rid, const char *attr, const char *value)
{
    char room[28];
    struct pl_str classes[] = {PL_STR("top"), pl_str_c(class)}, s = sid(room, rid), v = pl_str_c(value);
    struct pl_attr attrs[] = {
        {PL_STR("objectClass"), classes, 2}, {PL_STR("objectSid"), &s, 1}, {pl_str_c(attr), &v, 1}};
    struct pl_entry e = {PL_STR("cn=g"), attrs, attr ? 3 : 2};

    return d()->group_shape(&e);
}

static void test_groups(void **state)
{
    (void)state;
    assert_int_equal(shape("group", 1104, NULL, NULL), PL_GROUP_NAMES);
    assert_int_equal(shape("GROUP", 1000, "groupType", "-2147483646"), PL_GROUP_NAMES);
    assert_int_equal(shape("group", 1104, "isCriticalSystemObject", "FALSE"), PL_GROUP_NAMES);
    assert_int_equal(shape("group", 1104, "adminCount", "0"), PL_GROUP_NAMES);
    assert_int_equal(shape("group", 0x10000, NULL, NULL), PL_GROUP_NAMES);
    assert_int_equal(shape("group", 999, NULL, NULL), PL_GROUP_PRIVILEGED);
    assert_int_equal(shape("group", 512, NULL, NULL), PL_GROUP_PRIVILEGED);
    assert_int_equal(shape("group", 1104, "adminCount", "1"), PL_GROUP_PRIVILEGED);
    assert_int_equal(shape("group", 1104, "isCriticalSystemObject", "TRUE"), PL_GROUP_PRIVILEGED);
    assert_int_equal(shape("group", 1104, "groupType", "32"), PL_GROUP_UNWRITABLE);
    assert_int_equal(shape("group", 1104, "groupType", "16"), PL_GROUP_UNWRITABLE);
    assert_int_equal(shape("groupOfNames", 1104, NULL, NULL), PL_GROUP_UNKNOWN);

    /* a group whose number cannot be seen could be any */
    struct pl_str class = PL_STR("group"), broken = PL_STR("\1\5\0\0\0\0\0\5\25\0\0\0");
    struct pl_attr attrs[] = {{PL_STR("objectClass"), &class, 1}, {PL_STR("objectSid"), &broken, 1}};
    struct pl_entry e = {PL_STR("cn=g"), attrs, 1};
    assert_int_equal(d()->group_shape(&e), PL_GROUP_PRIVILEGED);
    assert_int_equal(d()->group_key(&e), 0);
    e.n = 2;
    assert_int_equal(d()->group_shape(&e), PL_GROUP_PRIVILEGED);
    assert_int_equal(d()->group_key(&e), 0);
    assert_string_equal(pl_group_attr(PL_GROUP_NAMES), "member");
    assert_null(pl_group_attr(PL_GROUP_PRIVILEGED));
}

static uint64_t primary(unsigned own, const char *id)
{
    char room[28];
    struct pl_str s = sid(room, own), v = pl_str_c(id);
    struct pl_attr attrs[] = {{PL_STR("objectSid"), &s, 1}, {PL_STR("primaryGroupID"), &v, 1}};
    struct pl_entry e = {PL_STR("cn=x"), attrs, 2};

    return d()->primary_group(&e);
}

static void test_primary_group(void **state)
{
    (void)state;
    char room[28];
    struct pl_str s = sid(room, 0x01020304);
    struct pl_attr attr = {PL_STR("objectSid"), &s, 1};
    struct pl_entry group = {PL_STR("cn=g"), &attr, 1}, nothing = {0};

    assert_int_not_equal(d()->group_key(&group), 0);
    assert_int_equal(primary(5000, "16909060"), d()->group_key(&group));
    assert_int_not_equal(primary(5000, "513"), d()->group_key(&group));
    assert_int_equal(primary(5000, ""), 0);
    assert_int_equal(primary(5000, "-1"), 0);
    assert_int_equal(primary(5000, "4294967296"), 0);
    assert_int_equal(d()->primary_group(&nothing), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filetime),
        cmocka_unit_test(test_lock_seen),
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_born),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_primary_group),
        cmocka_unit_test(test_end_seen),
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_open_clears_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
