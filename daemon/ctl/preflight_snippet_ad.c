/* What puts a thing right in Active Directory, and what takes that back: PowerShell, on a host with the administration
 * tools, as an administrator of the domain. {word:ps} is one word of PowerShell. */
#include "preflight_table.h"

#define AS_ADMIN "# PowerShell, as an administrator of the domain.\n"

const char pf_do_plain_ad[] =
    AS_ADMIN "# On each domain controller; programs that log on without TLS or signing are refused from then on.\n"
             "# (Samba: ldap server require strong auth = yes)\n"
             "Set-ItemProperty 'HKLM:\\SYSTEM\\CurrentControlSet\\Services\\NTDS\\Parameters' LDAPServerIntegrity 2 "
             "-Type DWord\n";
const char pf_undo_plain_ad[] = "Set-ItemProperty 'HKLM:\\SYSTEM\\CurrentControlSet\\Services\\NTDS\\Parameters' "
                                "LDAPServerIntegrity 1 -Type DWord\n";

/* dsacls takes the SID, so that nobody has to know what the account is called. */
#define WHO  "$who = '{sid}'\n"
#define USER "bf967aba-0de6-11d0-a285-00aa003049e2"
/* What is written of accounts, and of that only what the configuration wants: preflight_writes.c. */
const char pf_do_rights_ad[] = AS_ADMIN WHO
    "# Everything below the two places is read.\n"
    "dsacls {people_base:ps} /I:T /G \"${who}:GR\"\n"
    "dsacls {group_base:ps} /I:T /G \"${who}:GR\"\n"
    "# What the daemon writes of accounts; and a new password, also one that nobody knows.\n"
    "{writes}dsacls {people_base:ps} /I:S /G \"${who}:WP;{attribute};user\"\n{/writes}"
    "dsacls {people_base:ps} /I:S /G \"${who}:CA;Reset Password;user\"\n"
    "# New people, and no entry deleted.\n"
    "dsacls {newcomers:ps} /I:T /G \"${who}:CC;user\"\n"
    "# Members of groups.\n"
    "dsacls {group_base:ps} /I:S /G \"${who}:WP;member;group\"\n"
    "# The same with Samba, on a domain controller as root:\n"
    "# samba-tool dsacl set --objectdn={people_base:sh} --sddl='(A;CI;LCRPLORC;;;{sid})"
    "{ids}(OA;CIIO;WP;{attribute_id};" USER ";{sid}){/ids}"
    "(OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;" USER ";{sid})'\n"
    "{no_ids}# ... and write {attribute}, of which the schema did not tell us the number (schemaIDGUID).\n{/no_ids}"
    "# samba-tool dsacl set --objectdn={newcomers:sh} --sddl='(OA;CI;CC;" USER ";;{sid})'\n"
    "# samba-tool dsacl set --objectdn={group_base:sh} --sddl='(A;CI;LCRPLORC;;;{sid})"
    "(OA;CIIO;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;bf967a9c-0de6-11d0-a285-00aa003049e2;{sid})'\n";
const char pf_undo_rights_ad[] =
    WHO "# All that the account was given on these two places.\n"
        "dsacls {people_base:ps} /R $who\n"
        "dsacls {newcomers:ps} /R $who\n"
        "dsacls {group_base:ps} /R $who\n"
        "# Samba 4.17 takes nothing away again by a command; samba-tool dsacl get shows what there is.\n";

/* AdminSDHolder's list is copied as it stands, so the rights are given on itself and inherited by nothing. */
#define AT_ONCE                                                                                                        \
    "# The domain's PDC emulator copies the list within the hour (SDProp). At once:\n"                                 \
    "# $root = [ADSI](\"LDAP://\" + (Get-ADDomain).PDCEmulator + \"/RootDSE\")\n"                                      \
    "# $root.Put('runProtectAdminGroupsTask', 1); $root.SetInfo()\n"
const char pf_do_protected_ad[] =
    "# Read this before anything else. Whoever can reset the password of a domain administrator is as mighty as\n"
    "# one. With these rights the daemon is: its host, whoever is root there, its keytab or password, its\n"
    "# configuration, first_password_dir and the backups of them belong to tier 0 then, guarded like a domain\n"
    "# controller. The rights count for every protected account of the domain, the built-in Administrator too, not\n"
    "# only for people of the table. Without them the departure of such a person is a work order for an\n"
    "# administrator, and nothing else is different.\n" AS_ADMIN WHO "dsacls {guardian:ps} /G \"${who}:GR\"\n"
    "{writes}dsacls {guardian:ps} /G \"${who}:WP;{attribute}\"\n{/writes}"
    "dsacls {guardian:ps} /G \"${who}:CA;Reset Password\"\n" AT_ONCE;
const char pf_undo_protected_ad[] = WHO "# All that the account was given there.\n"
                                        "dsacls {guardian:ps} /R $who\n" AT_ONCE
                                        "# Then give the account a new password or keytab, and let its host be an "
                                        "ordinary one again.\n";
#undef AT_ONCE

const char pf_do_canary_ad[] =
    AS_ADMIN "New-ADUser -Name {canary_name:ps} -SamAccountName {canary_name:ps} -Path {canary_place:ps} "
             "-Enabled $false\n";
const char pf_undo_canary_ad[] = "Remove-ADUser {canary:ps} -Confirm:$false\n";

const char pf_do_group_ad[] =
    AS_ADMIN "# Only where the name is right; otherwise correct paasla.role_group.\n"
             "{each}New-ADGroup -Name {object_name:ps} -GroupScope Global -Path {object_place:ps}\n{/each}";
const char pf_undo_group_ad[] = "{each}Remove-ADGroup {object:ps} -Confirm:$false\n{/each}";

const char pf_do_number_ad[] =
    AS_ADMIN "# Only those who are the same person: a number makes the account theirs. Take the others out.\n"
             "{each}Set-ADUser {object:ps} -Replace @{ {number_attribute}={value:ps} }\n{/each}";
const char pf_undo_number_ad[] = "{each}Set-ADUser {object:ps} -Clear {number_attribute}\n{/each}";
