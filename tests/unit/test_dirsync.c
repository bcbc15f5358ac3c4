/* DirSync: bytes derived by hand from MS-ADTS 3.1.1.3.4.1.3, bytes that Samba 4.17 really sent, and what must be refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "hex.h"
#include "lib/directory/dirsync.h"

/* "MSDS", as Samba 4.17 gave it */
#define COOKIE                                                                                                         \
    "4d5344530300000080d4f2ccc479dd01000000000000000028000000780f0000000000000000000000000000780f000000000000"         \
    "22602fc2c016594199f8679937d482500100000000000000010000000000000022602fc2c016594199f8679937d48250780f000000000000"

static void asked(const char *cookie, const char *bytes)
{
    struct pl_buf out = {0};
    struct pl_str in = hex(cookie), want = hex(bytes);

    pl_buf_add_c(&out, "before");
    pl_dirsync_request(&out, in);
    assert_int_equal(out.len, 6 + want.len);
    assert_memory_equal(out.s + 6, want.s, want.len);
    pl_buf_free(&out);
    hex_free(in);
    hex_free(want);
}

static void test_request(void **state)
{
    (void)state;
    asked("", "300d 020480000001 0203100000 0400"); /* flags: 0x80000001, a negative number */
    asked("00ff", "300f 020480000001 0203100000 040200ff");
    asked(COOKIE, "3079 020480000001 0203100000 046c" COOKIE);
}

static void taken(const char *bytes, bool more, const char *cookie)
{
    struct pl_str in = hex(bytes), want = hex(cookie);
    struct pl_dirsync_answer a = {0};

    if (!pl_dirsync_answer_read(&a, in))
        fail_msg("refused: %s", bytes);
    assert_int_equal(a.more, more);
    assert_int_equal(a.cookie.len, want.len);
    assert_memory_equal(a.cookie.s, want.s, want.len);
    hex_free(in);
    hex_free(want);
}

static void test_taken(void **state)
{
    (void)state;
    taken("3074 020100 020100 046c" COOKIE, false, COOKIE);
    taken("3009 020101 020100 0401aa", true, "aa");
    taken("300a 02020100 020100 0401aa", true, "aa"); /* any but 0 */
    taken("300f 020400000000 020400000000 0401aa", false, "aa");
    taken("300a 020100 02020fff 0401aa", false, "aa");
    taken("308400000009 020100 020100 0401aa", false, "aa"); /* a length as Windows writes it */
    taken("300c 020100 020100 0401aa 800101", false, "aa");  /* a member of a later version */
}

static void refused(const char *bytes)
{
    struct pl_str in = hex(bytes);
    struct pl_dirsync_answer a;

    if (pl_dirsync_answer_read(&a, in))
        fail_msg("taken: %s", bytes);
    hex_free(in);
}

static void test_refused(void **state)
{
    (void)state;
    refused("");
    refused("30");
    refused("3000");
    refused("3008 020100 020100 0400"); /* no cookie: nobody could go on from there */
    refused("3006 020100 020100");
    refused("3006 020100 0401aa");
    refused("3008 0200 020100 0401aa"); /* a number without digits */
    refused("3008 020100 0200 0401aa");
    refused("3011 0209010203040506070809 020100 0401aa");
    refused("3009 0a0100 020100 0401aa");    /* an ENUMERATED */
    refused("3109 020100 020100 0401aa");    /* a SET */
    refused("3009 020100 020100 0402aa");    /* cut */
    refused("3009 020100 020100 0401aa 00"); /* something follows */
    refused("300c 020100 020100 0401aa 020100");
    refused("300b 020100 020100 0401aa 8001");
    refused("3080 020100 020100 0401aa 0000"); /* an indefinite length */
}

static void test_values(void **state)
{
    (void)state;
    assert_int_equal(pl_dirsync_values_of(PL_STR("member;range=1-1")), PL_DIRSYNC_CAME);
    assert_int_equal(pl_dirsync_values_of(PL_STR("member;Range=0-0")), PL_DIRSYNC_WENT);
    assert_int_equal(pl_dirsync_values_of(PL_STR("member")), PL_DIRSYNC_VALUES);
    assert_int_equal(pl_dirsync_values_of(PL_STR("member;range=0-1")), PL_DIRSYNC_VALUES);
    assert_int_equal(pl_dirsync_values_of(PL_STR("member;")), PL_DIRSYNC_VALUES);
    assert_int_equal(pl_dirsync_values_of(PL_STR("")), PL_DIRSYNC_VALUES);
}

static void round_trip(const struct pl_place *p, const char *text)
{
    struct pl_buf out = {0}, room = {0};
    struct pl_place back;

    pl_place_print(&out, p);
    assert_string_equal(out.s, text);
    assert_true(pl_place_parse(&back, &room, pl_buf_str(&out)));
    assert_int_equal(back.by_usn, p->by_usn);
    assert_true(pl_str_eq(back.server, p->server) && pl_str_eq(back.cookie, p->cookie));
    assert_int_equal(back.usn, p->usn);
    pl_buf_free(&out);
    pl_buf_free(&room);
}

static void test_place(void **state)
{
    (void)state;
    round_trip(&(struct pl_place){.server = PL_STR("c22f6022-16c0"), .usn = 3960, .cookie = PL_STR("MS\x00\xff")},
               "dirsync:c22f6022-16c0:3960:4d5300ff");
    round_trip(&(struct pl_place){.server = PL_STR("c22f"), .by_usn = true, .usn = INT64_MAX},
               "usn:c22f:9223372036854775807");
    round_trip(&(struct pl_place){.server = PL_STR("c22f"), .by_usn = true}, "usn:c22f:0");
}

static void test_no_place(void **state)
{
    static const char *const texts[] = {"",
                                        "dirsync:",
                                        "dirsync:a",
                                        "dirsync:a:",
                                        "dirsync::00",
                                        "usn:a:",
                                        "dirsync:a:0",
                                        "dirsync:a:0g",
                                        "dirsync:a:AA",
                                        "usn:a:-1",
                                        "usn:a:1x",
                                        "usn::1",
                                        "usn:1",
                                        "rid=000,csn=2026",
                                        "dirsync:a:1:00 ",
                                        "dirsync:a:1:0",
                                        "dirsync:a:1:",
                                        "dirsync:a:1:0g",
                                        "dirsync:a:1:AA",
                                        "dirsync:a:-1:00",
                                        "dirsync::1:00",
                                        "dirsync:a::00",
                                        "dirsync:a:1:2:00",
                                        "dirsync:a",
                                        "USN:a:1",
                                        " usn:a:1",
                                        "usn:a:99999999999999999999"};
    struct pl_buf room = {0};
    struct pl_place p;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (pl_place_parse(&p, &room, pl_str_c(texts[i])))
            fail_msg("taken: %s", texts[i]);
    pl_buf_free(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request), cmocka_unit_test(test_taken), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_values),  cmocka_unit_test(test_place), cmocka_unit_test(test_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
