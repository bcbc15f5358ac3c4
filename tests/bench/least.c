/* The least program that could do a departure: LISTENs, and on each notification sends the writes that paaslad sends
 * (lock, useless password, one removal a group; one in flight an entry) over one warm connection, and INSERTs one row.
 * No belief, no plan, no brake, no intent, no reading back, no recovery.
 *
 * usage: least CONNINFO LDAP-URI BIND-DN PASSWORD GROUPS GROUP-BASE     (groups cn=r0,BASE and so on)
 * The payload of a notification is the number of the person, "%d UID-DN". */
#define PROGRAM "least"
#include "bench.h"

#include <ldap.h>
#include <libpq-fe.h>
#include <poll.h>
#include <string.h>

static LDAP *ld;
static PGconn *pg;

static int modify(const char *dn, int op, const char *attr, const char *value)
{
    char *values[] = {(char *)(unsigned long)value, NULL};
    LDAPMod mod = {.mod_op = op, .mod_type = (char *)(unsigned long)attr}, *mods[] = {&mod, NULL};
    int msgid = 0;
    mod.mod_values = value ? values : NULL;
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
        fprintf(stderr, "least: result %d (%s)\n", code, ldap_err2string(code));
        exit(1);
    }
}

static void depart(const char *payload, int groups, const char *group_base)
{
    char dn[256], when[32], number[24], locked[40], out[40], group[256];
    int n = atoi(payload), ids[64];
    const char *at = strchr(payload, ' ');
    time_t t = time(NULL) - 300;
    struct tm tm;
    if (!at || groups > 64)
        die("a payload of another form");
    snprintf(dn, sizeof dn, "%s", at + 1);
    gmtime_r(&t, &tm);
    strftime(when, sizeof when, "%Y%m%d%H%M%SZ", &tm);
    await(modify(dn, LDAP_MOD_REPLACE, "pwdEndTime", when));
    snprintf(locked, sizeof locked, "%.6f", now_s());
    await(modify(dn, LDAP_MOD_DELETE, "userPassword", NULL));
    for (int g = 0; g < groups; g++) { /* each another entry: all at once */
        snprintf(group, sizeof group, "cn=r%d,%s", g, group_base);
        ids[g] = modify(group, LDAP_MOD_DELETE, "member", dn);
    }
    for (int g = 0; g < groups; g++)
        await(ids[g]);
    snprintf(out, sizeof out, "%.6f", now_s());
    snprintf(number, sizeof number, "%d", n);
    const char *params[] = {number, locked, out};
    PGresult *r = PQexecParams(pg, "INSERT INTO least.done VALUES ($1, $2, $3)", 3, NULL, params, NULL, NULL, 0);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        die(PQerrorMessage(pg));
    PQclear(r);
}

int main(int argc, char **argv)
{
    int version = LDAP_VERSION3;
    if (argc != 7)
        die("usage: least CONNINFO LDAP-URI BIND-DN PASSWORD GROUPS GROUP-BASE");
    pg = PQconnectdb(argv[1]);
    if (PQstatus(pg) != CONNECTION_OK)
        die(PQerrorMessage(pg));
    struct berval cred = {.bv_val = argv[4], .bv_len = strlen(argv[4])};
    if (ldap_initialize(&ld, argv[2]) != LDAP_SUCCESS ||
        ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) != LDAP_OPT_SUCCESS ||
        ldap_sasl_bind_s(ld, argv[3], LDAP_SASL_SIMPLE, &cred, NULL, NULL, NULL) != LDAP_SUCCESS)
        die("the bind fails");
    PQclear(PQexec(pg, "LISTEN least"));
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct pollfd p = {.fd = PQsocket(pg), .events = POLLIN};
        PGnotify *n;
        if (poll(&p, 1, -1) < 0 || PQconsumeInput(pg) != 1)
            die("the database is gone");
        while ((n = PQnotifies(pg))) {
            depart(n->extra, atoi(argv[5]), argv[6]);
            PQfreemem(n);
        }
    }
}
