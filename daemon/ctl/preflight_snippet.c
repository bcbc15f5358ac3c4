/* What puts a thing right, and what takes that back: ready to be typed by whoever may. {words} are those of
 * preflight_words.c; {word:acl} goes into the quotation marks of a rule, {word:ldif} behind the name of an attribute and its
 * colon, {word:sh} is one word of a shell. The RDN of a new entry is added by the server. */
#include "preflight_table.h"

#define CONFIG   "ldapmodify -Q -Y EXTERNAL -H ldapi:/// <<'LDIF'\n"   /* on the server's host, as root */
#define ADMIN    "ldapmodify -x {connect} -D {admin:sh} -W <<'LDIF'\n" /* as the directory's administrator */
#define END      "LDIF\n"
#define ON_HOST  "# On slapd's host as root. Where the database is not {1}mdb, change that line.\n"
#define AS_ADMIN "# As the directory's administrator (put the right name behind -D).\n"

/* ---- OpenLDAP: its configuration ---- */

/* 64: TLS, or the socket of the host itself (ldapi has 71). */
const char pf_do_plain[] =
    "# On slapd's host as root. Programs that log on without TLS are refused from then on.\n" CONFIG "dn: cn=config\n"
    "changetype: modify\n"
    "add: olcSecurity\n"
    "olcSecurity: simple_bind=64\n" END;
const char pf_undo_plain[] = CONFIG "dn: cn=config\n"
                                    "changetype: modify\n"
                                    "delete: olcSecurity\n"
                                    "olcSecurity: simple_bind=64\n" END;

const char pf_do_ppolicy[] =
    ON_HOST "# Where the module is loaded already, take the first change out.\n" CONFIG "dn: cn=module{0},cn=config\n"
            "changetype: modify\n"
            "add: olcModuleLoad\n"
            "olcModuleLoad: ppolicy\n"
            "\n"
            "dn: olcOverlay=ppolicy,olcDatabase={1}mdb,cn=config\n"
            "changetype: add\n"
            "objectClass: olcPPolicyConfig\n"
            "olcOverlay: ppolicy\n"
            "olcPPolicyDefault:{policy:ldif}\n"
            "olcPPolicyHashCleartext: TRUE\n" END;
const char pf_undo_ppolicy[] =
    "# Its number may be another one: ldapsearch -Q -LLL -Y EXTERNAL -H ldapi:/// -b cn=config dn\n"
    "# The module stays loaded, which does nothing by itself.\n" CONFIG
    "dn: olcOverlay={0}ppolicy,olcDatabase={1}mdb,cn=config\n"
    "changetype: delete\n" END;

const char pf_do_syncprov[] =
    ON_HOST "# Where the module is loaded already, take the first change out.\n" CONFIG "dn: cn=module{0},cn=config\n"
            "changetype: modify\n"
            "add: olcModuleLoad\n"
            "olcModuleLoad: syncprov\n"
            "\n"
            "dn: olcOverlay=syncprov,olcDatabase={1}mdb,cn=config\n"
            "changetype: add\n"
            "objectClass: olcSyncProvConfig\n"
            "olcOverlay: syncprov\n"
            "olcSpCheckpoint: 1000 5\n"
            "\n"
            "dn: olcDatabase={1}mdb,cn=config\n"
            "changetype: modify\n"
            "add: olcDbIndex\n"
            "olcDbIndex: entryUUID,entryCSN eq\n" END;
const char pf_undo_syncprov[] =
    "# Its number may be another one: ldapsearch -Q -LLL -Y EXTERNAL -H ldapi:/// -b cn=config dn\n" CONFIG
    "dn: olcOverlay={1}syncprov,olcDatabase={1}mdb,cn=config\n"
    "changetype: delete\n"
    "\n"
    "dn: olcDatabase={1}mdb,cn=config\n"
    "changetype: modify\n"
    "delete: olcDbIndex\n"
    "olcDbIndex: entryUUID,entryCSN eq\n" END;

const char pf_do_limits[] = ON_HOST CONFIG "dn: olcDatabase={1}mdb,cn=config\n"
                                           "changetype: modify\n"
                                           "add: olcLimits\n"
                                           "olcLimits: dn.exact=\"{service:acl}\" size=unlimited time=unlimited\n" END;
const char pf_undo_limits[] = CONFIG "dn: olcDatabase={1}mdb,cn=config\n"
                                     "changetype: modify\n"
                                     "delete: olcLimits\n"
                                     "olcLimits: dn.exact=\"{service:acl}\" size=unlimited time=unlimited\n" END;

/* The rules of README's chapter Install; tests/real/test_preflight.py holds the two together. */
#define RULE(n, to, what) "olcAccess: {" #n "}to " to "\n  by dn.exact=\"{service:acl}\" " what " by * break\n"
const char pf_do_rights[] = ON_HOST
    "# In front of the rules that are there; everybody else keeps the rights they had. Of the people our account "
    "writes\n"
    "# only those with a number of ours, of the groups only those with the mark, description: paasla.\n" CONFIG
    "dn: olcDatabase={1}mdb,cn=config\n"
    "changetype: modify\n"
    "add: olcAccess\n"
    /* clang-format off */
    RULE(0, "dn.exact=\"{service:acl}\" attrs=userPassword", "=c")
    RULE(1, "dn.subtree=\"{people_base:acl}\" filter=\"{numbers:acl}\" attrs=userPassword", "=mw")
    RULE(2, "dn.subtree=\"{suffix:acl}\" attrs=userPassword", "none")
    RULE(3, "dn.subtree=\"{people_base:acl}\" filter=\"{numbers:acl}\" attrs={written_rule}", "write")
    RULE(4, "dn.exact=\"{newcomers:acl}\" attrs=children", "=arscxd")
    RULE(5, "dn.one=\"{newcomers:acl}\" attrs=entry", "=arscxd")
    RULE(6, "dn.subtree=\"{group_base:acl}\" filter=\"(description=paasla)\" attrs=member,memberUid,uniqueMember", "write")
    RULE(7, "dn.subtree=\"{suffix:acl}\"", "read") END;
/* clang-format on */
#undef RULE
const char pf_undo_rights[] = "# While they still are the first eight: ldapsearch -Q -LLL -Y EXTERNAL -H ldapi:/// -b "
                              "cn=config olcAccess\n" CONFIG "dn: olcDatabase={1}mdb,cn=config\n"
                              "changetype: modify\n"
                              "delete: olcAccess\nolcAccess: {7}\n-\n"
                              "delete: olcAccess\nolcAccess: {6}\n-\n"
                              "delete: olcAccess\nolcAccess: {5}\n-\n"
                              "delete: olcAccess\nolcAccess: {4}\n-\n"
                              "delete: olcAccess\nolcAccess: {3}\n-\n"
                              "delete: olcAccess\nolcAccess: {2}\n-\n"
                              "delete: olcAccess\nolcAccess: {1}\n-\n"
                              "delete: olcAccess\nolcAccess: {0}\n" END;

/* ---- entries ---- */

const char pf_do_canary[] = AS_ADMIN ADMIN "dn:{canary:ldif}\n"
                                           "changetype: add\n"
                                           "objectClass: inetOrgPerson\n"
                                           "cn: Kanaarilind\n"
                                           "sn: Kanaarilind\n" END;
const char pf_undo_canary[] = ADMIN "dn:{canary:ldif}\n"
                                    "changetype: delete\n" END;

const char pf_do_placeholder[] =
    AS_ADMIN "# In the configuration: placeholder_dn = {placeholder}\n" ADMIN "dn:{placeholder:ldif}\n"
             "changetype: add\n"
             "objectClass: organizationalRole\n" END;
const char pf_undo_placeholder[] = ADMIN "dn:{placeholder:ldif}\n"
                                         "changetype: delete\n" END;

const char pf_do_policy[] = AS_ADMIN "# The same name in olcPPolicyDefault of slapd, and in the configuration: "
                                     "policy_dn = {policy}\n" ADMIN "dn:{policy:ldif}\n"
                                     "changetype: add\n"
                                     "objectClass: device\n"
                                     "objectClass: pwdPolicy\n"
                                     "pwdAttribute: userPassword\n" END;
const char pf_undo_policy[] = ADMIN "dn:{policy:ldif}\n"
                                    "changetype: delete\n" END;

const char pf_do_group[] =
    AS_ADMIN "# Only where the name is right; otherwise correct paasla.role_group.\n" ADMIN "{each}dn:{object:ldif}\n"
             "changetype: add\n"
             "objectClass: groupOfNames\n"
             "description: paasla\n"
             "member:{placeholder:ldif}\n"
             "\n{/each}" END;
const char pf_undo_group[] = ADMIN "{each}dn:{object:ldif}\n"
                                   "changetype: delete\n"
                                   "\n{/each}" END;

const char pf_do_mark[] = AS_ADMIN ADMIN "{each}dn:{object:ldif}\n"
                                         "changetype: modify\n"
                                         "add: description\n"
                                         "description: paasla\n"
                                         "\n{/each}" END;
const char pf_undo_mark[] = ADMIN "{each}dn:{object:ldif}\n"
                                  "changetype: modify\n"
                                  "delete: description\n"
                                  "description: paasla\n"
                                  "\n{/each}" END;

const char pf_do_number[] =
    AS_ADMIN "# Only those who are the same person: a number makes the account theirs. Take the others out.\n" ADMIN
             "{each}dn:{object:ldif}\n"
             "changetype: modify\n"
             "add: {number_attribute}\n"
             "{number_attribute}:{value:ldif}\n"
             "\n{/each}" END;
const char pf_undo_number[] = ADMIN "{each}dn:{object:ldif}\n"
                                    "changetype: modify\n"
                                    "delete: {number_attribute}\n"
                                    "{number_attribute}:{value:ldif}\n"
                                    "\n{/each}" END;

/* ---- 389 Directory Server ---- */

#define DSCONF "{dsconf} "

const char pf_do_plain_389[] = "# Programs that log on without TLS are refused from then on.\n" DSCONF
                               "config replace nsslapd-require-secure-binds=on\n";
const char pf_undo_plain_389[] = DSCONF "config replace nsslapd-require-secure-binds=off\n";

const char pf_do_limits_389[] = AS_ADMIN ADMIN "dn:{service:ldif}\n"
                                               "changetype: modify\n"
                                               "replace: nsSizeLimit\nnsSizeLimit: -1\n-\n"
                                               "replace: nsTimeLimit\nnsTimeLimit: -1\n-\n"
                                               "replace: nsLookThroughLimit\nnsLookThroughLimit: -1\n-\n"
                                               "replace: nsPagedSizeLimit\nnsPagedSizeLimit: -1\n-\n"
                                               "replace: nsPagedLookThroughLimit\nnsPagedLookThroughLimit: -1\n-\n"
                                               "replace: nsIdleTimeout\nnsIdleTimeout: -1\n" END;
const char pf_undo_limits_389[] = ADMIN "dn:{service:ldif}\n"
                                        "changetype: modify\n"
                                        "delete: nsSizeLimit\n-\n"
                                        "delete: nsTimeLimit\n-\n"
                                        "delete: nsLookThroughLimit\n-\n"
                                        "delete: nsPagedSizeLimit\n-\n"
                                        "delete: nsPagedLookThroughLimit\n-\n"
                                        "delete: nsIdleTimeout\n" END;

const char pf_do_usn[] =
    "# It counts from the server's next start (on its host: dsctl INSTANCE restart).\n" DSCONF "plugin usn enable\n";
const char pf_undo_usn[] = DSCONF "plugin usn disable\n";

#define READS "aci: (targetattr!=\"userPassword\")(version 3.0; acl \"paasla reads "
#define ALLOW "\"; allow (read,search,compare) userdn=\"ldap:///{service:url}\";)\n"
#define LOCKS                                                                                                          \
    "aci: (targetattr=\"{written_rule:aci}\")(targetfilter=\"{numbers:aci}\")(version 3.0; acl "                       \
    "\"paasla locks\"; allow (write) userdn=\"ldap:///{service:url}\";)\n"
#define ADDS                                                                                                           \
    "aci: (targetattr=\"*\")(targetfilter=\"{numbers:aci}\")(version 3.0; acl \"paasla adds people\"; allow (add) "    \
    "userdn=\"ldap:///{service:url}\";)\n"
#define GROUPS                                                                                                         \
    "aci: (targetattr=\"member || uniqueMember || memberUid\")(targetfilter=\"(description=paasla)\")(version 3.0; "   \
    "acl \"paasla manages members\"; allow (write) userdn=\"ldap:///{service:url}\";)\n"
const char pf_do_rights_389[] = AS_ADMIN
    "# Of the people our account writes only those with a number of ours, of the groups only those with the mark,\n"
    "# description: paasla. Take out what is there already.\n" ADMIN "dn:{people_base:ldif}\n"
    "changetype: modify\n"
    "add: aci\n" READS "people" ALLOW LOCKS ADDS "\n"
    "dn:{group_base:ldif}\n"
    "changetype: modify\n"
    "add: aci\n" READS "groups" ALLOW GROUPS END;
const char pf_undo_rights_389[] = ADMIN "dn:{people_base:ldif}\n"
                                        "changetype: modify\n"
                                        "delete: aci\n" READS "people" ALLOW LOCKS ADDS "\n"
                                        "dn:{group_base:ldif}\n"
                                        "changetype: modify\n"
                                        "delete: aci\n" READS "groups" ALLOW GROUPS END;

/* Such a group may be empty. */
const char pf_do_group_389[] =
    AS_ADMIN "# Only where the name is right; otherwise correct paasla.role_group.\n" ADMIN "{each}dn:{object:ldif}\n"
             "changetype: add\n"
             "objectClass: groupOfNames\n"
             "description: paasla\n"
             "\n{/each}" END;
