/* What paasla.conf says of Active Directory. */
#include "conf_text.h"

#define AD_WITHOUT_DN                                                                                                  \
    DATABASE "[directory linn]\ndialect = ad\npeople_base = a=b\ngroup_base = a=b\ncanary_dn = a=b\n" PASSWORD
#define AD(more) AD_WITHOUT_DN "rdn_template = CN={name} ({login}),a=b\n" more

static void test_active_directory(void **state)
{
    (void)state;
    struct pl_conf *c = good(AD("uris = ldaps://dc1\n"));

    assert_text(c->dirs[0].dialect, "ad");
    assert_text(c->dirs[0].login_attribute, "sAMAccountName");
    assert_text(c->dirs[0].number_attribute, "employeeNumber");
    assert_text(c->dirs[0].object_classes, "user");
    assert_text(c->dirs[0].fence_attribute, "adminDescription");
    assert_text(c->dirs[0].certificates, "report");
    assert_true(c->dirs[0].must_change_password && c->dirs[0].end_ahead);
    pl_conf_free(c);
    /* what is written counts, and so does what is written to be empty; another directory keeps its own defaults */
    c = good(
        AD("uris = ldap://dc1:389 ldaps://dc2:636/\nfence_attribute =\nlogin_attribute = uid\nobject_classes = top "
           "inetOrgPerson\nattribute.userPrincipalName = {login}@linn.test\n[directory kool]\nuris = ldapi:///\n"
           "sasl = external\npeople_base = a=b\ngroup_base = a=b\ncanary_dn = a=b\nrdn_template = uid={login},a=b\n"));
    assert_text(c->dirs[0].fence_attribute, "");
    assert_text(c->dirs[0].login_attribute, "uid");
    assert_text(c->dirs[0].object_classes, "top inetOrgPerson");
    assert_text(c->dirs[1].fence_attribute, "");
    assert_text(c->dirs[1].login_attribute, "uid");
    assert_text(c->dirs[1].object_classes, "inetOrgPerson");
    pl_conf_free(c);

    refused(AD("uris = ldap://dc1:3268\n"), "x.conf:11: uris: 'ldap://dc1:3268' is a global catalog");
    refused(AD("uris = ldaps://dc1 ldaps://dc2:3269/\n"), "is a global catalog");
    accepted(AD("uris = ldaps://dc3268\n"));
    accepted(DATABASE DIRECTORY("tls = starttls\n"));
    refused(AD("uris = ldapi:///\n"), "Active Directory has no such socket");
    refused(AD("uris = ldap://127.0.0.1\ntls = none\n"), "x.conf:12: Active Directory takes passwords only encrypted");
    refused(AD("uris = ldaps://a\nattribute.UserAccountControl = 512\n"),
            "UserAccountControl is written by the daemon");
    refused(AD("uris = ldaps://a\nattribute.unicodepwd = x\n"), "is written by the daemon itself");
    refused(AD("uris = ldaps://a\nattribute.adminDescription = x\n"), "is written by the daemon itself");
    accepted(AD("uris = ldaps://a\nattribute.adminDescription = x\nfence_attribute =\n"));
    refused(AD("uris = ldaps://a\nattribute.accountexpires = 0\n"), "is written by the daemon itself");
    refused(AD("uris = ldaps://a\nattribute.cn = {name}\n"), "cn comes from rdn_template");
    refused(AD("uris = ldaps://a\nobject_classes = top person\n"), "is a user or an inetOrgPerson");
    refused(AD("uris = ldaps://a\nplaceholder_dn = a=b\n"), "may be empty: no placeholder_dn");
    refused(AD("uris = ldaps://a\npolicy_dn = a=b\n"), "no policy_dn");
    refused(AD("uris = ldaps://a\nfence_attribute = a)(b\n"), "fence_attribute is no name of an attribute");
    refused(AD("uris = ldaps://a\ncertificates = keep\n"), "must be one of: report|clear");
    refused(AD_WITHOUT_DN "rdn_template = uid={login},a=b\nuris = ldaps://a\n", "is named by CN=");
    refused(DATABASE DIRECTORY("fence_attribute = description\n"),
            "x.conf:10: fence_attribute is an option of dialect ad");
    refused(DATABASE DIRECTORY("certificates = clear\n"), "certificates is an option of dialect ad");
    accepted(DATABASE DIRECTORY("end_ahead = no\n"));
    accepted(AD("uris = ldaps://a\nend_ahead = no\n"));
    refused(DATABASE DIRECTORY("dialect = 389ds\nend_ahead = no\n"),
            "x.conf:11: end_ahead: an account of 389 Directory Server has no end");
    refused(DATABASE DIRECTORY("dialect = samba\n"), "must be one of: openldap|389ds|ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_active_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
