/* How the OU is made and given to our account, and how both are taken back. It is a place for the test alone, so the account
 * may do everything with what lies below it (389: and bears the mark), and nothing with the OU itself. */
#include "selftest.h"

#define ADMIN  "ldapmodify -x {connect} -D {admin:sh} -W <<'LDIF'\n" /* as the directory's administrator */
#define CONFIG "ldapmodify -Q -Y EXTERNAL -H ldapi:/// <<'LDIF'\n"   /* on the server's host, as root */
#define END    "LDIF\n"
#define UNIT   "dn:{object:ldif}\nchangetype: add\nobjectClass: organizationalUnit\n"
#define GONE   "dn:{object:ldif}\nchangetype: delete\n"

#define RULE(n, to, what) "olcAccess: {" #n "}to " to "\n  by dn.exact=\"{service:acl}\" " what " by * break\n"
static const char do_openldap[] =
    "{each}# As the directory's administrator (put the right name behind -D).\n" ADMIN UNIT END
    "# On slapd's host as root. Where the database is not {1}mdb, change that line.\n" CONFIG
    "dn: olcDatabase={1}mdb,cn=config\n"
    "changetype: modify\n"
    "add: olcAccess\n"
    /* clang-format off */
    RULE(0, "dn.children=\"{object:acl}\" attrs=userPassword", "=mw")
    RULE(1, "dn.children=\"{object:acl}\"", "write")
    RULE(2, "dn.exact=\"{object:acl}\" attrs=children", "write")
    RULE(3, "dn.exact=\"{object:acl}\"", "read") END "{/each}";
/* clang-format on */
static const char undo_openldap[] = "{each}# While they still are the first four: ldapsearch -Q -LLL -Y EXTERNAL -H "
                                    "ldapi:/// -b cn=config olcAccess\n" CONFIG "dn: olcDatabase={1}mdb,cn=config\n"
                                    "changetype: modify\n"
                                    "delete: olcAccess\nolcAccess: {3}\n-\n"
                                    "delete: olcAccess\nolcAccess: {2}\n-\n"
                                    "delete: olcAccess\nolcAccess: {1}\n-\n"
                                    "delete: olcAccess\nolcAccess: {0}\n" END ADMIN GONE END "{/each}";

static const char do_389[] =
    "{each}# As the directory's administrator (put the right name behind -D).\n" ADMIN UNIT
    "aci: (targetattr=\"*\")(version 3.0; acl \"paasla selftest reads\"; allow (read,search,compare) "
    "userdn=\"ldap:///{service:url}\";)\n"
    "aci: (targetattr=\"*\")(targetfilter=\"(description=paasla selftest*)\")(version 3.0; acl \"paasla selftest\"; "
    "allow (all) "
    "userdn=\"ldap:///{service:url}\";)\n" END "{/each}";
static const char undo_389[] = "{each}" ADMIN GONE END "{/each}";

static const char do_ad[] =
    "{each}# PowerShell, as an administrator of the domain.\n"
    "New-ADOrganizationalUnit -Name {object_name:ps} -Path {object_place:ps} -ProtectedFromAccidentalDeletion $false\n"
    "$who = '{sid}'\n"
    "# In it entries are made and removed; with what lies below it our account may do everything.\n"
    "dsacls {object:ps} /G \"${who}:GR\" \"${who}:CCDC\"\n"
    "dsacls {object:ps} /I:S /G \"${who}:GA\"\n"
    "# The same with Samba, on a domain controller as root:\n"
    "# samba-tool ou create {object:sh}\n"
    "# samba-tool dsacl set --objectdn={object:sh} --sddl='(A;;LCRPLORCCCDC;;;{sid})(A;CIIO;GA;;;{sid})'\n{/each}";
static const char undo_ad[] = "{each}# With all that lies in it, and the rights.\n"
                              "Remove-ADOrganizationalUnit {object:ps} -Recursive -Confirm:$false\n"
                              "# Samba: samba-tool ou delete {object:sh}\n{/each}";

static const struct {
    unsigned dialect;
    const char *make, *undo, *remove;
} texts[] = {
    {PF_OPENLDAP, do_openldap, undo_openldap, "{each}ldapdelete -x {connect} -D {admin:sh} -W {object:sh}{/each}"},
    {PF_389DS, do_389, undo_389, "{each}ldapdelete -x {connect} -D {admin:sh} -W {object:sh}{/each}"},
    {PF_AD, do_ad, undo_ad, "{each}Remove-ADObject {object:ps} -Confirm:$false{/each}"},
};

static struct pl_str text(struct st *s, struct pl_str dn, int which)
{
    struct pf_result r = {0};
    pf_object(&s->pf, &r, dn, (struct pl_str){"", 0});
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].dialect == s->pf.dialect_bit)
            return pf_words(&s->pf, &r,
                            which == 0   ? texts[i].make
                            : which == 1 ? texts[i].undo
                                         : texts[i].remove,
                            true);
    return (struct pl_str){"", 0};
}

void st_snippets(struct st *s)
{
    s->snippet = text(s, s->place.base, 0);
    s->undo = text(s, s->place.base, 1);
}

struct pl_str st_delete_command(struct st *s, struct pl_str dn)
{
    return text(s, dn, 2);
}
