/* Holds a persistent search open (RFC 4533) and prints the moment at which each change arrives, and its DN.
 * usage: holder LDAP-URI BIND-DN PASSWORD BASE */
#define PROGRAM "holder"
#include "bench.h"

#include <ldap.h>
#include <string.h>

int main(int argc, char **argv)
{
    LDAP *ld = NULL;
    int version = LDAP_VERSION3, msgid = 0;
    if (argc != 5)
        die("usage: holder LDAP-URI BIND-DN PASSWORD BASE");
    struct berval cred = {.bv_val = argv[3], .bv_len = strlen(argv[3])};
    if (ldap_initialize(&ld, argv[1]) != LDAP_SUCCESS ||
        ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) != LDAP_OPT_SUCCESS ||
        ldap_sasl_bind_s(ld, argv[2], LDAP_SASL_SIMPLE, &cred, NULL, NULL, NULL) != LDAP_SUCCESS)
        die("the bind fails");
    char oid[] = "1.3.6.1.4.1.4203.1.9.1.1", value[] = {0x30, 0x03, 0x0a, 0x01, 0x03}, one[] = "1.1";
    LDAPControl sync = {
        .ldctl_oid = oid, .ldctl_value = {.bv_val = value, .bv_len = sizeof value}, .ldctl_iscritical = 1};
    LDAPControl *ctrls[] = {&sync, NULL};
    char *attrs[] = {one, NULL};
    if (ldap_search_ext(ld, argv[4], LDAP_SCOPE_SUBTREE, "(objectClass=*)", attrs, 0, ctrls, NULL, NULL, LDAP_NO_LIMIT,
                        &msgid) != LDAP_SUCCESS)
        die("the search cannot be sent");
    for (;;) {
        LDAPMessage *m = NULL;
        int type = ldap_result(ld, msgid, LDAP_MSG_ONE, NULL, &m);
        double at = now_s();
        if (type == LDAP_RES_INTERMEDIATE) {
            puts("0 ready");
        } else if (type == LDAP_RES_SEARCH_ENTRY) {
            char *dn = ldap_get_dn(ld, m);
            printf("%.6f %s\n", at, dn);
            ldap_memfree(dn);
        } else {
            die("the search ended");
        }
        fflush(stdout);
        ldap_msgfree(m);
    }
}
