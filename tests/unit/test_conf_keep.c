/* Which attributes may follow HR's name. */
#include "conf_text.h"

#define NAMES                                                                                                          \
    "attribute.cn = {name}\nattribute.sn = {family}\nattribute.mail = {given}.{family}@x\nattribute.ou = {unit}\n"
#define KEEP(of) DATABASE DIRECTORY(NAMES "keep_attributes = " of "\n")

static void test_keep(void **state)
{
    (void)state;
    struct pl_conf *c = good(KEEP("cn SN  mail") "mail_alias_attribute = mailAlias\n");

    assert_text(c->dirs[0].keep_attributes, "cn SN  mail");
    assert_text(c->dirs[0].mail_alias_attribute, "mailAlias");
    pl_conf_free(c);
    c = good(DATABASE DIRECTORY(""));
    assert_text(c->dirs[0].keep_attributes, "");
    assert_text(c->dirs[0].mail_alias_attribute, "");
    pl_conf_free(c);
    refused(KEEP("cn displayName"), "x.conf:14: keep_attributes: there is no template for 'displayName'");
    refused(KEEP("ou"), "'ou' is not made of the name alone");
    refused(KEEP("l") "attribute.l = Tartu\n", "'l' is not made of the name alone");
    refused(KEEP("l") "attribute.l = {login}\n", "'l' is not made of the name alone");
    refused(KEEP("l") "attribute.l = {name}, {position}\n", "'l' is not made of the name alone");
    accepted(KEEP("l") "attribute.l = {name} ({login})\n");
    accepted(KEEP("l") "attribute.l = {given_ascii}.{family_ascii}@x\n");
    refused(KEEP("cn sn CN"), "'CN' twice");
    refused(KEEP("employeeNumber") "attribute.employeeNumber = {family}\n", "'employeeNumber' never changes");
    refused(KEEP("uid") "attribute.uid = {login}{family}\n", "'uid' is the entry's own name");
    refused(KEEP("cn") "mail_alias_attribute = mailAlias\n", "mail does not follow the name");
    refused(KEEP("cn mail"), "the old address would be gone");
    refused(KEEP("mail") "mail_alias_attribute = mail\n", "is no name of another attribute");
    refused(KEEP("mail") "mail_alias_attribute = a b\n", "is no name of another attribute");
    refused(KEEP("a b c d e f g h i") "attribute.a = {name}\nattribute.b = {name}\nattribute.c = {name}\n"
                                      "attribute.d = {name}\nattribute.e = {name}\nattribute.f = {name}\nattribute.g = "
                                      "{name}\n"
                                      "attribute.h = {name}\nattribute.i = {name}\n",
            "more than 8 attributes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
