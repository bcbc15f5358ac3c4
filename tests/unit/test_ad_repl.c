/* The stamps of replPropertyMetaData, as Samba writes them and as nobody should; the names of servers; and whose write it was
 * that an account shows: never a write of ours. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/directory/ad_repl.h"
#include "lib/directory/dialect.h"
#include "hex.h"

#define SERVER "4f51f45a 6b28b74c 824b80e6 daf627b8"
#define OTHER  "00000000 00000000 00000000 00000001"
/* attid, version; time; server; its number; the number here. Seconds since 1601: 0x321129444 is 2026-11-21 20:47:00 UTC. */
#define CLASS   "00000000 01000000 4494122103000000" SERVER "700f000000000000 700f000000000000"
#define CONTROL "08000900 04000000 4594122103000000" SERVER "730f000000000000 aa0f000000000000"
#define EXPIRES "9f000900 01000000 4594122103000000" SERVER "740f000000000000 aa0f000000000000"
#define FENCE   "e2000200 02000000 4594122103000000" SERVER "730f000000000000 aa0f000000000000"
#define AT      (INT64_C(1795294020) * 1000000)

static bool find(const char *bytes, uint32_t attid, struct pl_repl_stamp *out)
{
    struct pl_str in = hex(bytes);
    bool found = pl_repl_stamp_find(in, attid, out);

    hex_free(in);
    return found;
}

static void test_found(void **state)
{
    (void)state;
    static const char all[] = "0100000000000000 0400000000000000" CLASS CONTROL EXPIRES FENCE;
    struct pl_repl_stamp class, control, expires, fence, none = {.usn = -1};
    struct pl_str server = hex(SERVER);

    assert_true(find(all, PL_ATTID_OBJECT_CLASS, &class) && find(all, PL_ATTID_USER_ACCOUNT_CONTROL, &control));
    assert_true(find(all, PL_ATTID_ACCOUNT_EXPIRES, &expires) && find(all, PL_ATTID_ADMIN_DESCRIPTION, &fence));
    assert_int_equal(class.at_us, AT);
    assert_int_equal(control.at_us, AT + 1000000);
    assert_int_equal(class.usn, 0xf70);
    assert_int_equal(control.usn, 0xf73); /* where it was written, not here */
    assert_memory_equal(control.server, server.s, sizeof control.server);
    assert_true(pl_repl_stamp_same_write(&control, &fence));
    assert_false(pl_repl_stamp_same_write(&control, &expires)); /* in the same second */
    assert_false(pl_repl_stamp_same_write(&control, &class));
    fence.server[15] ^= 1;
    assert_false(pl_repl_stamp_same_write(&control, &fence)); /* another server's number */
    assert_false(find(all, 0x90009, &none));
    assert_int_equal(none.usn, -1);
    hex_free(server);
}

static void refused(const char *bytes)
{
    struct pl_repl_stamp s;

    if (find(bytes, PL_ATTID_USER_ACCOUNT_CONTROL, &s))
        fail_msg("taken: %s", bytes);
}

static void test_refused(void **state)
{
    (void)state;
    static const char whole[] = "0100000000000000 0200000000000000" CLASS CONTROL;
    struct pl_str in = hex(whole);
    struct pl_repl_stamp s;

    assert_true(pl_repl_stamp_find(in, PL_ATTID_USER_ACCOUNT_CONTROL, &s));
    for (size_t n = 0; n < in.len; n++) { /* cut anywhere; the memory ends there too */
        char *cut = malloc(n > 0 ? n : 1);
        memcpy(cut, in.s, n);
        assert_false(pl_repl_stamp_find((struct pl_str){cut, n}, PL_ATTID_USER_ACCOUNT_CONTROL, &s));
        free(cut);
    }
    hex_free(in);
    refused("0200000000000000 0100000000000000" CONTROL); /* a version that nobody knows */
    refused("0000000000000000 0100000000000000" CONTROL);
    refused("0100000000000000 0000000000000000" CONTROL); /* more than it counts */
    refused("0100000000000000 0200000000000000" CONTROL); /* less */
    refused("0100000000000000 ffffffff00000000" CONTROL);
    refused("0100000000000000 5655555500000000" CONTROL); /* 48 times that, in 32 bits, is a little number */
    refused("0100000000000000 0100000000000000" CONTROL "00");
    refused("0100000000000000 0000000000000000");
#define ODD(time, usn) "0100000000000000 0100000000000000 08000900 01000000" time SERVER usn "0100000000000000"
    refused(ODD("0000000000000000", "0100000000000000")); /* in 1601 */
    refused(ODD("ffffffffffffffff", "0100000000000000"));
    refused(ODD("ff9010b602000000", "0100000000000000")); /* a second before 1970 */
    refused(ODD("80d204b63d000000", "0100000000000000")); /* in the year 10000 */
    refused(ODD("4494122103000000", "0000000000000080")); /* no number of updates */
    assert_true(find(ODD("4494122103000000", "ffffffffffffff7f"), PL_ATTID_USER_ACCOUNT_CONTROL, &s));
    assert_true(find(ODD("009110b602000000", "0100000000000000"), PL_ATTID_USER_ACCOUNT_CONTROL, &s));
    assert_int_equal(s.at_us, 0);
    assert_true(find(ODD("7fd204b63d000000", "0100000000000000"), PL_ATTID_USER_ACCOUNT_CONTROL, &s));
    assert_int_equal(s.at_us, INT64_C(253402300799) * 1000000);
}

static void named(const char *dn, const char *name, const char *base)
{
    struct pl_str n = pl_repl_server_name(pl_str_c(dn)), b = pl_repl_servers_base(pl_str_c(dn));

    if (!pl_str_eq_c(n, name) || !pl_str_eq_c(b, base))
        fail_msg("%s: \"%.*s\" below \"%.*s\"", dn, (int)n.len, n.s, (int)b.len, b.s);
}

static void test_names_of_servers(void **state)
{
    (void)state;
    named("CN=NTDS Settings,CN=DC1,CN=Servers,CN=Tallinn,CN=Sites,CN=Configuration,DC=linn,DC=test", "DC1",
          "CN=Sites,CN=Configuration,DC=linn,DC=test");
    named("cn=NTDS Settings,cn=dc-2,cn=Servers,cn=a\\,b,cn=Sites,dc=x", "dc-2", "cn=Sites,dc=x");
    named("CN=NTDS Settings,CN=A\\2CB,CN=Servers,CN=S,CN=Sites,DC=x", "", "CN=Sites,DC=x");
    named("CN=NTDS Settings,OU=A,CN=Servers,CN=S,CN=Sites,DC=x", "", "CN=Sites,DC=x");
    named("CN=NTDS Settings,CN=,CN=Servers,CN=S,CN=Sites,DC=x", "", "CN=Sites,DC=x");
    named("CN=NTDS Settings,CN=DC1", "", "");
    named("CN=NTDS Settings,CN=DC1,CN=Servers", "DC1", "");
    named("CN=x", "", "");
    named("", "", "");
}

/* ---- whose write it was ---- */

enum { MADE, CONTROL_AT, EXPIRES_AT, FENCE_AT, STAMPS }; /* rows of a blob, in the order of attids */
struct stamp {
    int64_t s; /* seconds after AT; NEVER: no such row */
    int usn;
    char server;
};
#define NEVER INT64_MIN

static size_t blob(char *out, const struct stamp rows[STAMPS])
{
    static const uint32_t attids[STAMPS] = {PL_ATTID_OBJECT_CLASS, PL_ATTID_USER_ACCOUNT_CONTROL,
                                            PL_ATTID_ACCOUNT_EXPIRES, PL_ATTID_ADMIN_DESCRIPTION};
    size_t n = 0;

    memset(out, 0, 16 + 48 * STAMPS);
    out[0] = 1;
    for (size_t i = 0; i < STAMPS; i++) {
        if (rows[i].s == NEVER)
            continue;
        char *row = out + 16 + 48 * n++;
        uint64_t at = (uint64_t)(AT / 1000000 + rows[i].s) + UINT64_C(11644473600);
        for (int k = 0; k < 4; k++)
            row[k] = (char)(attids[i] >> (8 * k) & 0xff);
        for (int k = 0; k < 8; k++)
            row[8 + k] = (char)(at >> (8 * k) & 0xff);
        row[16] = rows[i].server;
        row[32] = (char)rows[i].usn;
    }
    out[8] = (char)n;
    return 16 + 48 * n;
}

/* The attribute that is told, and of which server; "" when nothing is. */
static const char *told(const char *uac, const char *expires, const char *fence, struct stamp c, struct stamp x,
                        struct stamp f, char *server)
{
    char octets[16 + 48 * STAMPS];
    const struct stamp rows[STAMPS] = {{0, 1, 'a'}, c, x, f};
    struct pl_str values[] = {pl_str_c(uac), pl_str_c(expires), pl_str_c(fence), {octets, blob(octets, rows)}};
    struct pl_attr attrs[] = {{PL_STR("userAccountControl"), &values[0], 1},
                              {PL_STR("accountExpires"), &values[1], 1},
                              {PL_STR("replPropertyMetaData"), &values[3], 1},
                              {PL_STR("adminDescription"), &values[2], 1}};
    struct pl_entry e = {PL_STR("cn=x"), attrs, fence[0] ? 4 : 3};
    const struct pl_dialect *ad = pl_dialect_find(PL_STR("ad"));
    struct pl_origin o, same;

    assert_false(ad->origin(&e, NULL, AT, &o)); /* without a fence nobody knows which writes are ours */
    assert_false(ad->origin(&e, "description", AT, &o));
    if (!ad->origin(&e, "adminDescription", AT, &o))
        return "";
    assert_true(ad->origin(&e, "ADMINDESCRIPTION", AT, &same) && same.at_us == o.at_us);
    *server = (char)o.server[0];
    assert_int_equal(o.at_us, AT + (strcmp(o.attr, "userAccountControl") == 0 ? c : x).s * 1000000);
    return o.attr;
}

static const struct stamp made = {0, 1, 'a'}, no = {NEVER, 0, 0};
#define OPEN_TILL "9223372036854775807"
#define ENDED     "116444736000000000"
#define OUR_FENCE "paasla-fence:1795294020000000"

static void expect(const char *want, const char *uac, const char *expires, const char *fence, struct stamp c,
                   struct stamp x, struct stamp f, char on)
{
    char server = 0;
    const char *got = told(uac, expires, fence, c, x, f, &server);

    if (strcmp(got, want) != 0 || server != on)
        fail_msg("%s, %s, %s: \"%s\" on %d, not \"%s\" on %d", uac, expires, fence, got, server, want, on);
}

static void test_whose_write(void **state)
{
    (void)state;
    const struct stamp ours = {10, 5, 'a'}, next = {10, 6, 'a'}, before = {9, 4, 'a'};
    const char *control = "userAccountControl", *end = "accountExpires";

    expect(control, "514", OPEN_TILL, OUR_FENCE, next, made, ours, 'a');
    expect("", "514", OPEN_TILL, OUR_FENCE, ours, made, ours, 0);   /* the fence was swapped with it */
    expect("", "514", OPEN_TILL, OUR_FENCE, before, made, ours, 0); /* our open, and then an end of ours */
    expect("", "514", OPEN_TILL, OUR_FENCE, ours, next, ours, 0);   /* not by its end is it locked */
    expect(control, "514", OPEN_TILL, "", next, made, no, 'a');     /* we never wrote it */
    expect("", "514", OPEN_TILL, "", made, made, no, 0);            /* as it was made */
    expect("", "514", OPEN_TILL, "", next, made, ours, 0);          /* there is a fence, and we may not see it */
    expect("", "514", OPEN_TILL, "paasla", next, made, ours, 0);    /* our writes go without a fence there */
    expect("", "514", OPEN_TILL, "paasla", next, made, no, 0);
    expect("", "514", OPEN_TILL, OUR_FENCE, no, made, ours, 0);
    expect(control, "512", OPEN_TILL, OUR_FENCE, next, made, ours, 'a'); /* opened */
    expect(end, "512", OPEN_TILL, OUR_FENCE, ours, next, ours, 'a');     /* or given another end */
    expect("", "512", OPEN_TILL, OUR_FENCE, ours, ours, ours, 0);
    expect(end, "512", ENDED, OUR_FENCE, ours, next, ours, 'a'); /* locked by its end, whatever the flags are */
    expect(end, "512", ENDED, OUR_FENCE, next, next, ours, 'a');
    expect("", "512", ENDED, OUR_FENCE, next, ours, ours, 0);
    expect(control, "514", ENDED, OUR_FENCE, next, next, ours, 'a');
    expect("", "viga", OPEN_TILL, OUR_FENCE, next, next, ours, 0);
}

/* Numbers are one server's own, and two servers' clocks differ. */
static void test_on_another_server(void **state)
{
    (void)state;
    const struct stamp ours = {1000, 100, 'a'};
    const char *control = "userAccountControl";

    expect("", "514", OPEN_TILL, OUR_FENCE, (struct stamp){1000, 120, 'b'}, made, ours, 0);
    expect("", "514", OPEN_TILL, OUR_FENCE, (struct stamp){1300, 120, 'b'}, made, ours, 0);
    expect(control, "514", OPEN_TILL, OUR_FENCE, (struct stamp){1301, 2, 'b'}, made, ours, 'b');
    expect("", "514", OPEN_TILL, OUR_FENCE, (struct stamp){10, 120, 'b'}, made, ours, 0);
    expect(control, "514", OPEN_TILL, OUR_FENCE, (struct stamp){10, 120, 'a'}, made, ours, 'a'); /* its clock was set */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_names_of_servers),
        cmocka_unit_test(test_whose_write),
        cmocka_unit_test(test_on_another_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
