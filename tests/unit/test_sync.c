/* Content synchronisation (RFC 4533): bytes derived by hand from its ASN.1, bytes that slapd 2.5.13 with syncprov really
 * sent, and what must be refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "hex.h"
#include "lib/directory/sync.h"

#define UUID      "00112233445566778899aabbccddeeff"
#define UUID_TEXT "00112233-4455-6677-8899-aabbccddeeff"

static void check_uuid(const unsigned char *uuid, const char *text)
{
    char out[PL_UUID_TEXT + 1];
    pl_uuid_print(out, uuid);
    assert_string_equal(out, text);
}

/* ---- 2.2: what we send ---- */

static void check_request(const char *bytes, enum pl_sync_mode mode, struct pl_str cookie, bool hint)
{
    struct pl_buf out = {0};
    struct pl_str want = hex(bytes);

    pl_buf_add_c(&out, "before");
    pl_sync_request(&out, mode, cookie, hint);
    assert_int_equal(out.len, 6 + want.len);
    assert_memory_equal(out.s, "before", 6);
    assert_memory_equal(out.s + 6, want.s, want.len);
    pl_buf_free(&out);
    hex_free(want);
}

static void test_request(void **state)
{
    (void)state;
    const struct pl_str none = {NULL, 0};
    char big[200];

    check_request("3003 0a0101", PL_SYNC_REFRESH_ONLY, none, false);
    check_request("3003 0a0103", PL_SYNC_REFRESH_AND_PERSIST, none, false);
    check_request("3006 0a0103 0101ff", PL_SYNC_REFRESH_AND_PERSIST, none, true);
    check_request("3008 0a0103 0403610062", PL_SYNC_REFRESH_AND_PERSIST, PL_STR("a\0b"), false);
    check_request("300b 0a0101 0403616263 0101ff", PL_SYNC_REFRESH_ONLY, PL_STR("abc"), true);
    /* slapd took this and answered with what is new */
    check_request(
        "3039 0a0103 0434 7269643d3030332c63736e3d32303236313132313037333833332e3230323336385a23303030303030233030"
        "3123303030303030",
        PL_SYNC_REFRESH_AND_PERSIST, PL_STR("rid=003,csn=20261121073833.202368Z#000000#001#000000"), false);
    memset(big, 'x', sizeof big);
    struct pl_buf out = {0};
    pl_sync_request(&out, PL_SYNC_REFRESH_AND_PERSIST, (struct pl_str){big, sizeof big}, false);
    assert_int_equal(out.len, 3 + 3 + 3 + sizeof big);
    assert_memory_equal(out.s, "\x30\x81\xce\x0a\x01\x03\x04\x81\xc8xx", 11);
    pl_buf_free(&out);
}

/* ---- 2.3: with every entry ---- */

static void test_state(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum pl_sync_state_kind kind;
        const char *uuid, *cookie;
    } good[] = {
        {"3015 0a0100 0410" UUID, PL_SYNC_PRESENT, UUID_TEXT, ""},
        {"3015 0a0101 0410" UUID, PL_SYNC_ADD, UUID_TEXT, ""},
        {"3015 0a0102 0410" UUID, PL_SYNC_MODIFY, UUID_TEXT, ""},
        {"3015 0a0103 0410" UUID, PL_SYNC_DELETE, UUID_TEXT, ""},
        {"301a 0a0102 0410" UUID "0403616263", PL_SYNC_MODIFY, UUID_TEXT, "abc"},
        {"3017 0a0102 0410" UUID "0400", PL_SYNC_MODIFY, UUID_TEXT, ""},
        {"3018 0a0102 0410" UUID "800100", PL_SYNC_MODIFY, UUID_TEXT, ""}, /* a member of some later version */
        {"308115 0a0103 0410" UUID, PL_SYNC_DELETE, UUID_TEXT, ""},        /* a longer length than needed */
        /* slapd: an entry of the refresh, and one that was deleted while the search persisted */
        {"30150a010104104bb1809879ca104181e10dc37ba66cad", PL_SYNC_ADD, "4bb18098-79ca-1041-81e1-0dc37ba66cad", ""},
        {"30530a010304104c4ffd6879ca10419b2a4dde8791c51f043c7269643d3030302c7369643d3030312c63736e3d3230323631313231303"
         "7"
         "333833332e3230323336385a233030303030302330303123303030303030",
         PL_SYNC_DELETE, "4c4ffd68-79ca-1041-9b2a-4dde8791c51f",
         "rid=000,sid=001,csn=20261121073833.202368Z#000000#001#000000"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct pl_str value = hex(good[i].bytes);
        struct pl_sync_state s;
        if (!pl_sync_state_read(&s, value))
            fail_msg("%s was refused", good[i].bytes);
        assert_int_equal(s.state, good[i].kind);
        assert_true(pl_str_eq_c(s.cookie, good[i].cookie));
        check_uuid(s.uuid, good[i].uuid);
        hex_free(value);
    }
}

static void test_state_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "3000",
        "3003 0a0101",                      /* no entryUUID */
        "3015 0a0104 0410" UUID,            /* no such state */
        "3015 0a01ff 0410" UUID,            /* -1 */
        "3015 020101 0410" UUID,            /* INTEGER, not ENUMERATED */
        "3115 0a0101 0410" UUID,            /* SET, not SEQUENCE */
        "3080 0a0101 0410" UUID "0000",     /* indefinite */
        "3014 0a0101 040f" UUID,            /* 15 bytes, and one behind */
        "3016 0a0101 0411" UUID "00",       /* 17 bytes */
        "3015 0a0101 0410" UUID "0400",     /* the cookie is behind the sequence */
        "3015 0a0101 0410" UUID "00",       /* something is */
        "3019 0a0101 0410" UUID "04036162", /* the cookie is cut */
        "3016 0a0101 0410" UUID "04",
        "301a 0a0101 0410" UUID "0403616263 00",         /* bytes behind the value */
        "301f 0a0101 0410" UUID "0403616263 0403616263", /* two cookies */
        "3018 0a0101 0410" UUID "0101ff",                /* a BOOLEAN has no place here */
        "3017 0a0101 0410" UUID "8001",                  /* a cut member of some later version */
        "3018 0410" UUID "0a0101",                       /* out of order */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pl_str value = hex(bad[i]);
        struct pl_sync_state s;
        if (pl_sync_state_read(&s, value))
            fail_msg("%s was taken", bad[i]);
        hex_free(value);
    }
}

/* ---- 2.4: with the result ---- */

static void test_done(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *cookie;
        bool deletes;
    } good[] = {
        {"3000", "", false},
        {"3003 0101ff", "", true},
        {"3003 010100", "", false}, /* the default written out */
        {"3005 0403616263", "abc", false},
        {"3008 0403616263 0101ff", "abc", true},
        {"300b 0403616263 0101ff 800100", "abc", true},
        /* slapd: refreshOnly with a cookie; nothing new, and something new */
        {"30030101ff", "", true},
        {"3041043c7269643d3030332c7369643d3030312c63736e3d32303236313132313037333833362e3233383435365a23303030303030233"
         "030"
         "31233030303030300101ff",
         "rid=003,sid=001,csn=20261121073836.238456Z#000000#001#000000", true},
    };
    static const char *const bad[] = {
        "",
        "30",
        "3001 01",
        "3002 0101",
        "3004 0102ffff",
        "3008 0101ff 0403616263",
        "3006 0101ff 0101ff",
        "3000 00",
        "3004 04036162",
        "3003 0a0101",
        "8000",
        "3080 0000",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct pl_str value = hex(good[i].bytes);
        struct pl_sync_done d;
        if (!pl_sync_done_read(&d, value))
            fail_msg("%s was refused", good[i].bytes);
        assert_true(pl_str_eq_c(d.cookie, good[i].cookie));
        assert_int_equal(d.refresh_deletes, good[i].deletes);
        hex_free(value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pl_str value = hex(bad[i]);
        struct pl_sync_done d;
        if (pl_sync_done_read(&d, value))
            fail_msg("%s was taken", bad[i]);
        hex_free(value);
    }
}

/* ---- 2.5: between the entries ---- */

#define SLAPD_IDS                                                                                                      \
    "a38185046c7269643d3030332c7369643d3030312c63736e3d32303236313132313037333833332e3230323336385a233030303030302330" \
    "3031"                                                                                                             \
    "233030303030302c64656c63736e3d32303236313132313037333833342e3231393435325a233030303030302330303123303030303030"   \
    "0101ff311204104c4feb3479ca10419b294dde8791c51f"
#define SLAPD_TWO                                                                                                      \
    "a16704657269643d3030302c7369643d3030322c63736e3d32303236313132313037333932302e3435303335395a23303030303030233030" \
    "31"                                                                                                               \
    "233030303030303b32303236313132313037333932312e3435373636355a233030303030302330303223303030303030"
#define SLAPD_PRESENT                                                                                                  \
    "a381a53181a204104bb17ee079ca104181e00dc37ba66cad04104bb1810679ca104181e20dc37ba66cad04104bb1818879ca104181e40dc3" \
    "7b"                                                                                                               \
    "a66cad04104bb1809879ca104181e10dc37ba66cad04104bb1814c79ca104181e30dc37ba66cad04104bb1827879ca104181e60dc37ba66c" \
    "ad"                                                                                                               \
    "04104bb1831879ca104181e80dc37ba66cad04104bb182c879ca104181e70dc37ba66cad04104bb181e279ca104181e50dc37ba66cad"

static const struct info {
    const char *bytes;
    enum pl_sync_info_kind kind;
    const char *cookie;
    bool done, deletes;
    size_t n;
} infos[] = {
    {"8003 616263", PL_SYNC_NEW_COOKIE, "abc", true, false, 0},
    {"8000", PL_SYNC_NEW_COOKIE, "", true, false, 0},
    {"a100", PL_SYNC_REFRESH_DELETE, "", true, false, 0}, /* refreshDone is TRUE when it is left out */
    {"a103 010100", PL_SYNC_REFRESH_DELETE, "", false, false, 0},
    {"a105 0403616263", PL_SYNC_REFRESH_DELETE, "abc", true, false, 0},
    {"a108 0403616263 010100", PL_SYNC_REFRESH_DELETE, "abc", false, false, 0},
    {"a200", PL_SYNC_REFRESH_PRESENT, "", true, false, 0},
    {"a203 0101ff", PL_SYNC_REFRESH_PRESENT, "", true, false, 0},
    {"a208 0403616263 010100", PL_SYNC_REFRESH_PRESENT, "abc", false, false, 0},
    {"a302 3100", PL_SYNC_ID_SET, "", true, false, 0},
    {"a314 3112 0410" UUID, PL_SYNC_ID_SET, "", true, false, 1},
    {"a317 0101ff 3112 0410" UUID, PL_SYNC_ID_SET, "", true, true, 1},
    {"a31c 0403616263 0101ff 3112 0410" UUID, PL_SYNC_ID_SET, "abc", true, true, 1},
    {"a329 010100 3124 0410" UUID "0410" UUID, PL_SYNC_ID_SET, "", true, false, 2},
    {"a305 3100 800100", PL_SYNC_ID_SET, "", true, false, 0},
    /* slapd */
    {SLAPD_IDS, PL_SYNC_ID_SET,
     "rid=003,sid=001,csn=20261121073833.202368Z#000000#001#000000,delcsn=20261121073834.219452Z#000000#001#000000",
     true, true, 1},
    {SLAPD_PRESENT, PL_SYNC_ID_SET, "", true, false, 9},
    {SLAPD_TWO, PL_SYNC_REFRESH_DELETE,
     "rid=000,sid=002,csn=20261121073920.450359Z#000000#001#000000;20261121073921.457665Z#000000#002#000000", true,
     false, 0},
    {"a1020400", PL_SYNC_REFRESH_DELETE, "", true, false, 0}, /* to a cookie that it could not read */
};

static void test_info(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof infos / sizeof infos[0]; i++) {
        struct pl_str value = hex(infos[i].bytes);
        const unsigned char *uuid, *last = NULL;
        struct pl_sync_info s;
        size_t n = 0;
        if (!pl_sync_info_read(&s, value))
            fail_msg("%s was refused", infos[i].bytes);
        assert_int_equal(s.kind, infos[i].kind);
        assert_true(pl_str_eq_c(s.cookie, infos[i].cookie));
        assert_int_equal(s.refresh_done, infos[i].done);
        assert_int_equal(s.refresh_deletes, infos[i].deletes);
        while (pl_sync_info_next(&s, &uuid)) {
            last = uuid;
            n++;
        }
        assert_int_equal(n, infos[i].n);
        assert_int_equal(s.uuids.len, 0);
        if (strstr(infos[i].bytes, UUID) != NULL)
            check_uuid(last, UUID_TEXT);
        hex_free(value);
    }
}

static void test_info_order(void **state)
{
    (void)state;
    struct pl_str value = hex(SLAPD_PRESENT);
    const unsigned char *uuid;
    struct pl_sync_info s;

    assert_true(pl_sync_info_read(&s, value));
    assert_true(pl_sync_info_next(&s, &uuid));
    check_uuid(uuid, "4bb17ee0-79ca-1041-81e0-0dc37ba66cad");
    assert_true(pl_sync_info_next(&s, &uuid));
    check_uuid(uuid, "4bb18106-79ca-1041-81e2-0dc37ba66cad");
    for (int i = 2; i < 9; i++)
        assert_true(pl_sync_info_next(&s, &uuid));
    check_uuid(uuid, "4bb181e2-79ca-1041-81e5-0dc37ba66cad");
    assert_false(pl_sync_info_next(&s, &uuid));
    hex_free(value);
}

static void test_info_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "a1",
        "8004 616263",    /* cut */
        "8003 616263 00", /* a byte behind */
        "a003 616263",    /* constructed where it is primitive, and the other way round */
        "8100",
        "8200",
        "8302 3100",
        "a400", /* no such message */
        "3000",
        "a102 0101", /* a refreshDone that is cut does not mean TRUE */
        "a101 01",
        "a202 0101",
        "a204 01020000",
        "a204 04036162",
        "a208 010100 0403616263", /* out of order */
        "a206 010100 0101ff",     /* twice */
        "a300",                   /* no set */
        "a303 0101ff",
        "a302 3000",           /* a SEQUENCE */
        "a313 3111 0410" UUID, /* cut anywhere */
        "a314 3112 0411" UUID,
        "a313 3111 040f" UUID,
        "a315 3113 0410" UUID "00",
        "a325 3123 0410" UUID "040f" UUID,
        "a314 3112 0c10" UUID,          /* not OCTET STRINGs */
        "a317 3112 0410" UUID "0101ff", /* out of order */
        "a328 3112 0410" UUID "3112 0410" UUID,
        "a380 3100 0000",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pl_str value = hex(bad[i]);
        struct pl_sync_info s;
        if (pl_sync_info_read(&s, value))
            fail_msg("%s was taken", bad[i]);
        hex_free(value);
    }
}

/* Each of slapd's messages cut at each byte, and each of its bytes changed to each other: nothing is read outside (the
 * sanitizers look on), and a cut message is never taken for a whole one. */
static void test_info_cut(void **state)
{
    (void)state;
    static const char *const real[] = {SLAPD_IDS, SLAPD_TWO, SLAPD_PRESENT};
    for (size_t i = 0; i < sizeof real / sizeof real[0]; i++) {
        struct pl_str value = hex(real[i]);
        const unsigned char *uuid;
        struct pl_sync_info s;
        for (size_t n = 0; n < value.len; n++) {
            char *exact = malloc(n + 1);
            memcpy(exact, value.s, n);
            assert_false(pl_sync_info_read(&s, (struct pl_str){exact, n}));
            free(exact);
        }
        for (size_t n = 0; n < value.len; n++)
            for (int change = 1; change < 256; change++) {
                ((char *)(uintptr_t)value.s)[n] ^= (char)change;
                if (pl_sync_info_read(&s, value))
                    while (pl_sync_info_next(&s, &uuid))
                        assert_true((const char *)uuid >= value.s && (const char *)uuid + 16 <= value.s + value.len);
                ((char *)(uintptr_t)value.s)[n] ^= (char)change;
            }
        hex_free(value);
    }
}

/* ---- RFC 4530 ---- */

static void test_uuid(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-aabbccddeefff",
        "00112233445566778899aabbccddeeff",
        "{0112233-4455-6677-8899-aabbccddeef}",
        "00112233-4455-6677-8899-aabbccddeefg",
        "0011223--4455-6677-8899-aabbccddeeff",
        "00112233x4455-6677-8899-aabbccddeeff",
        "-0112233-4455-6677-8899-aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddee f",
    };
    unsigned char out[PL_UUID_BYTES], upper[PL_UUID_BYTES];

    assert_true(pl_uuid_read(out, PL_STR(UUID_TEXT)));
    assert_memory_equal(out, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
    check_uuid(out, UUID_TEXT);
    assert_true(pl_uuid_read(upper, PL_STR("00112233-4455-6677-8899-AABBCCDDEEFF")));
    assert_memory_equal(out, upper, 16);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (pl_uuid_read(out, pl_str_c(bad[i])))
            fail_msg("%s was taken", bad[i]);
}

/* ---- RFC 4527 ---- */

/* Of slapd, after a Modify with the control. */
#define SLAPD_ENTRY                                                                                                    \
    "6467042b7569643d6b616e616172696c696e642c6f753d696e696d657365642c64633d6c696e6e2c64633d7465737430383036"           \
    "0408656e74727943534e312a042832303236313132313037343334382e3638313134325a233030303030302330303023303030303030"

static void check_read(const char *bytes, const char *attr, struct pl_str want)
{
    struct pl_str value = hex(bytes);
    if (!pl_str_eq(pl_post_read_value(value, pl_str_c(attr)), want))
        fail_msg("%s of %s", attr, bytes);
    hex_free(value);
}

static void test_post_read(void **state)
{
    (void)state;
    struct pl_buf out = {0};
    const struct pl_str none = PL_STR("");

    pl_post_read_request(&out, (const char *const[]){"entryCSN", NULL});
    assert_int_equal(out.len, 12);
    assert_memory_equal(out.s,
                        "\x30\x0a\x04\x08"
                        "entryCSN",
                        12);
    pl_buf_clear(&out);
    pl_post_read_request(&out, (const char *const[]){"cn", "sn", NULL});
    assert_int_equal(out.len, 10);
    assert_memory_equal(out.s,
                        "\x30\x08\x04\x02"
                        "cn"
                        "\x04\x02"
                        "sn",
                        10);
    pl_buf_free(&out);
    check_read(SLAPD_ENTRY, "entryCSN", PL_STR("20261121074348.681142Z#000000#000#000000"));
    check_read(SLAPD_ENTRY, "ENTRYcsn", PL_STR("20261121074348.681142Z#000000#000#000000"));
    check_read(SLAPD_ENTRY, "entryCS", none);
    check_read(SLAPD_ENTRY "00", "entryCSN", none);
    check_read("6404 0400 3000", "entryCSN", none);
    check_read("640b 0400 3007 3005 040161 3100", "a", none); /* no value */
    check_read("640e 0400 300a 3008 040161 3103 040178", "a", PL_STR("x"));
    check_read("6418 0400 3014 3008 040162 3103 040179 3008 040161 3103 040178", "a", PL_STR("x")); /* the second */
    check_read("6411 0400 300d 300b 040161 3106 040178 040179", "a", PL_STR("x")); /* the first of two */
    check_read("300e 0400 300a 3008 040161 3103 040178", "a", none);               /* no entry */
    check_read("640e 0400 300a 3008 040161 3103 040278", "a", none);               /* cut */
    check_read("640e 0400 300b 3008 040161 3103 040178", "a", none);
    check_read("", "a", none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),      cmocka_unit_test(test_state),    cmocka_unit_test(test_state_refused),
        cmocka_unit_test(test_done),         cmocka_unit_test(test_info),     cmocka_unit_test(test_info_order),
        cmocka_unit_test(test_info_refused), cmocka_unit_test(test_info_cut), cmocka_unit_test(test_uuid),
        cmocka_unit_test(test_post_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
