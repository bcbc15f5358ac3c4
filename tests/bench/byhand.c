/* A departure on Active Directory done by hand, as far as a program can: over one warm connection the lock (the value that
 * was there taken away and the same with the disable bit added), a password that nobody knows, and this member taken out of
 * each group by name, all groups at once. No reading, no reading back, no fence, no database.
 *
 * usage: byhand LDAPS-URI CA-FILE BIND-DN PASSWORD GROUPS GROUP-BASE     (groups CN=r0,BASE and so on)
 * A line of standard input is userAccountControl as it is and the DN, "512 CN=p1,..."; it is answered with the moments at
 * which the lock was confirmed and at which all was done. */
#define PROGRAM "byhand"
#include "bench.h"

#include <ldap.h>
#include <string.h>
#include <sys/random.h>

enum { SIGNS = 24, GROUPS_MAX = 64 };

static LDAP *ld;

static int modify(const char *dn, LDAPMod **mods)
{
    int msgid = 0;
    if (ldap_modify_ext(ld, dn, mods, NULL, NULL, &msgid) != LDAP_SUCCESS)
        die("a Modify cannot be sent");
    return msgid;
}

static void await(int msgid)
{
    LDAPMessage *m = NULL;
    int code = LDAP_OTHER;
    if (ldap_result(ld, msgid, LDAP_MSG_ALL, NULL, &m) <= 0 ||
        ldap_parse_result(ld, m, &code, NULL, NULL, NULL, NULL, 1) != LDAP_SUCCESS || code != LDAP_SUCCESS) {
        fprintf(stderr, "byhand: result %d (%s)\n", code, ldap_err2string(code));
        exit(1);
    }
}

static void lock(const char *dn, long uac)
{
    char control[] = "userAccountControl", was[24], is[24];
    char *old[] = {was, NULL}, *new[] = {is, NULL};
    LDAPMod delete = {.mod_op = LDAP_MOD_DELETE, .mod_type = control, .mod_values = old};
    LDAPMod add = {.mod_op = LDAP_MOD_ADD, .mod_type = control, .mod_values = new};
    LDAPMod *mods[] = {&delete, &add, NULL};
    snprintf(was, sizeof was, "%ld", uac);
    snprintf(is, sizeof is, "%ld", uac | 2);
    await(modify(dn, mods));
}

/* In quotation marks and UTF-16, as unicodePwd has it. */
static void scramble(const char *dn)
{
    char name[] = "unicodePwd", value[2 * (SIGNS + 2)] = {0};
    unsigned char pool[SIGNS];
    struct berval v = {.bv_val = value, .bv_len = sizeof value}, *values[] = {&v, NULL};
    LDAPMod mod = {.mod_op = LDAP_MOD_REPLACE | LDAP_MOD_BVALUES, .mod_type = name, .mod_bvalues = values};
    LDAPMod *mods[] = {&mod, NULL};
    if (getrandom(pool, sizeof pool, 0) != (ssize_t)sizeof pool)
        die("no random octets");
    value[0] = value[2 * (SIGNS + 1)] = '"';
    for (int i = 0; i < SIGNS; i++)
        value[2 * (i + 1)] = (char)("aA2"[i % 3] + pool[i] % 8); /* a few signs of each kind: nobody attacks it */
    await(modify(dn, mods));
}

static void leave(char *dn, int groups, const char *group_base)
{
    char name[] = "member", group[256], *values[] = {dn, NULL};
    LDAPMod mod = {.mod_op = LDAP_MOD_DELETE, .mod_type = name, .mod_values = values}, *mods[] = {&mod, NULL};
    int ids[GROUPS_MAX];
    for (int g = 0; g < groups; g++) {
        snprintf(group, sizeof group, "CN=r%d,%s", g, group_base);
        ids[g] = modify(group, mods);
    }
    for (int g = 0; g < groups; g++)
        await(ids[g]);
}

static void connect_warm(char **argv)
{
    int version = LDAP_VERSION3, fresh = 0;
    struct berval cred = {.bv_val = argv[4], .bv_len = strlen(argv[4])};
    if (ldap_initialize(&ld, argv[1]) != LDAP_SUCCESS ||
        ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) != LDAP_OPT_SUCCESS ||
        ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) != LDAP_OPT_SUCCESS ||
        ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, argv[2]) != LDAP_OPT_SUCCESS ||
        ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &fresh) != LDAP_OPT_SUCCESS ||
        ldap_sasl_bind_s(ld, argv[3], LDAP_SASL_SIMPLE, &cred, NULL, NULL, NULL) != LDAP_SUCCESS)
        die("the bind fails");
}

int main(int argc, char **argv)
{
    char line[512];
    if (argc != 7 || atoi(argv[5]) > GROUPS_MAX)
        die("usage: byhand LDAPS-URI CA-FILE BIND-DN PASSWORD GROUPS GROUP-BASE");
    connect_warm(argv);
    while (fgets(line, sizeof line, stdin)) {
        char *dn = NULL;
        long uac = strtol(line, &dn, 10);
        double locked;
        if (*dn++ != ' ')
            die("a line of another form");
        dn[strcspn(dn, "\n")] = '\0';
        lock(dn, uac);
        locked = now_s();
        scramble(dn);
        scramble(dn); /* the one before the last is taken for an hour */
        leave(dn, atoi(argv[5]), argv[6]);
        printf("%.6f %.6f\n", locked, now_s());
        fflush(stdout);
    }
    ldap_unbind_ext_s(ld, NULL, NULL);
    return 0;
}
