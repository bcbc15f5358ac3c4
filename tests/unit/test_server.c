/* Which kind of server a root entry is of, and whether the configured dialect may be spoken to it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/conf/conf.h"
#include "lib/directory/dialect.h"
#include "lib/directory/server.h"

static enum pl_server_fit check(const char *const pairs[], const char *dialect, struct pl_err *err)
{
    struct pl_str values[8];
    struct pl_attr attrs[8];
    struct pl_entry root = {PL_STR(""), attrs, 0};

    memset(err, 0, sizeof *err);
    for (; pairs[root.n * 2]; root.n++) {
        values[root.n] = pl_str_c(pairs[root.n * 2 + 1]);
        attrs[root.n] = (struct pl_attr){pl_str_c(pairs[root.n * 2]), &values[root.n], 1};
    }
    return pl_server_check(&root, pl_str_c(dialect), err);
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *pairs[9];
        const char *dialect;
    } all[] = {
        {{"objectClass", "OpenLDAProotDSE", "structuralObjectClass", "OpenLDAProotDSE"}, "openldap"},
        {{"structuralobjectclass", "openldaprootdse"}, "openldap"},
        {{"objectClass", "OpenLDAProotDSE", "vendorName", "Linn"}, "openldap"}, /* its administrator may set any */
        {{"objectClass", "top", "vendorName", "389 Project"}, "389ds"},
        {{"objectClass", "top", "supportedCapabilities", "1.2.840.113556.1.4.800"}, "ad"},
        {{"vendorName", "Samba Team (https://www.samba.org)", "supportedCapabilities", "1.2.840.113556.1.4.800"}, "ad"},
    };
    static const char *const dialects[] = {"openldap", "389ds", "ad", "other"};
    struct pl_err err;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (size_t k = 0; k < sizeof dialects / sizeof dialects[0]; k++) {
            bool fits = strcmp(dialects[k], all[i].dialect) == 0;
            char says[64];
            assert_int_equal(check(all[i].pairs, dialects[k], &err), fits ? PL_SERVER_FITS : PL_SERVER_OTHER);
            snprintf(says, sizeof says, "(dialect %s)", all[i].dialect);
            assert_true(fits ? err.text[0] == '\0' : strstr(err.text, says) && strstr(err.text, dialects[k]));
            assert_true(fits || err.class == PL_ERR_CONF);
        }
}

static void test_unknown(void **state)
{
    (void)state;
    struct pl_err err;
    const char *const nothing[] = {NULL, NULL}, *const plain[] = {"objectClass", "top", NULL};
    const char *const foreign[] = {"vendorName", "<b>Kuri Server</b>", NULL};
    const char *const odd[] = {"supportedCapabilities", "1.2.840.113556.1.4.8001", "objectClass", "OpenLDAProotDSEx",
                               NULL};

    assert_int_equal(check(nothing, "openldap", &err), PL_SERVER_UNSAID);
    assert_int_equal(check(plain, "389ds", &err), PL_SERVER_UNSAID);
    assert_int_equal(check(odd, "389ds", &err), PL_SERVER_UNSAID);
    assert_int_equal(check(foreign, "openldap", &err), PL_SERVER_OTHER);
    assert_null(strstr(err.text, "Kuri")); /* no text of a server in our sentences */
    assert_non_null(strstr(err.text, "dialect = openldap"));
}

/* What is asked for is what the kinds are told by. */
static void test_attrs(void **state)
{
    (void)state;
    static const char *const want[] = {"objectClass", "structuralObjectClass", "vendorName", "supportedCapabilities"};

    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        size_t k = 0;
        while (pl_server_attrs[k] && strcmp(pl_server_attrs[k], want[i]) != 0)
            k++;
        assert_non_null(pl_server_attrs[k]);
    }
}

/* Each word that the configuration takes is a dialect, and each dialect can be configured. */
static void test_words(void **state)
{
    (void)state;
    const char *words = NULL;
    struct pl_buf all = {0};

    for (size_t i = 0; i < pl_conf_n_options; i++)
        if (strcmp(pl_conf_options[i].section, "directory") == 0 && strcmp(pl_conf_options[i].name, "dialect") == 0)
            words = pl_conf_options[i].words;
    for (size_t i = 0; pl_dialects[i]; i++) {
        assert_ptr_equal(pl_dialect_find(pl_str_c(pl_dialects[i]->name)), pl_dialects[i]);
        pl_buf_printf(&all, "%s%s", i ? "|" : "", pl_dialects[i]->name);
    }
    assert_non_null(words);
    assert_string_equal(words, all.s);
    pl_buf_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_attrs),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
