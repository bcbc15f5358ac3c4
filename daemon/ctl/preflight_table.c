/* The checks, in the order in which they are told. A sentence says what stands in the way, the advice what to do. */
#include "preflight_table.h"

const struct pf_check pf_checks[] = {
    /* ---- PostgreSQL and the connection ---- */
    {"in_table", PF_ALL, PF_STOPS, PF_NEEDS_NOTHING, false, pf_in_table,
     "PostgreSQL and the configuration do not say the same of this directory: {why}",
     "An administrator enters or corrects it in paasla.directory; or correct the configuration.", NULL, NULL},
    {"reach", PF_ALL, PF_STOPS, PF_NEEDS_NOTHING, true, pf_reach, "{address} cannot be reached: {why}", "", NULL, NULL},
    {"tls", PF_ALL, PF_STOPS, PF_NEEDS_NOTHING, true, pf_tls, "There is no TLS with {address}: {why}", "", NULL, NULL},
    {"ways_in", PF_AD, PF_NOTE, PF_NEEDS_NOTHING, true, pf_ad_ways_in,
     "{address} seems to have no certificate: {why}. There are two ways in: Kerberos, which seals the connection on "
     "port "
     "389 (sasl = gssapi with a keytab), or a certificate for the domain controller.",
     "The snippet has both, and what takes them back.", pf_do_ways_ad, pf_undo_ways_ad},
    {"certificate", PF_ALL, PF_WARNING, PF_NEEDS_NOTHING, true, pf_certificate,
     "The certificate of {address} ends soon: {saw}.", "Renew it on the server; nothing gets through after that day.",
     NULL, NULL},
    {"log_on", PF_ALL, PF_STOPS, PF_NEEDS_NOTHING, true, pf_log_on, "{address} does not let us in: {why}", "", NULL,
     NULL},
    {"first_reads", PF_ALL, PF_STOPS, PF_NEEDS_NOTHING, true, pf_first_reads,
     "The daemon would not work with {address}: {why}", "", NULL, NULL},
    {"plain", PF_OPENLDAP, PF_NOTE, PF_NEEDS_NOTHING, true, pf_plain,
     "{address} takes passwords without TLS. Ours is never sent so; those of other programs may be.",
     "Refuse them on the server.", pf_do_plain, pf_undo_plain},
    {"plain", PF_389DS, PF_NOTE, PF_NEEDS_NOTHING, true, pf_plain,
     "{address} takes passwords without TLS. Ours is never sent so; those of other programs may be.",
     "Refuse them on the server.", pf_do_plain_389, pf_undo_plain_389},
    {"plain", PF_AD, PF_NOTE, PF_NEEDS_NOTHING, true, pf_plain,
     "{address} takes passwords without TLS. Ours is never sent so; those of other programs may be.",
     "Refuse them on the server.", pf_do_plain_ad, pf_undo_plain_ad},
    {"same_server", PF_ALL, PF_STOPS, PF_NEEDS_BIND, false, pf_same_server,
     "This is not the directory that is meant: {why}",
     "Correct uris. Was the server's data loaded anew, an administrator says so: SELECT "
     "paasla.accept_server('{directory}').",
     NULL, NULL},
    {"clock", PF_ALL, PF_WARNING, PF_NEEDS_BIND, false, pf_clock,
     "The clocks of this host and of the server differ: {saw}. A lock that is dated by one may not hold by the other, "
     "and "
     "the log's times are worth less.",
     "Let both hosts take the time from the same source (chrony, systemd-timesyncd).", NULL, NULL},

    /* ---- what the configuration names ---- */
    {"people_base", PF_OPENLDAP, PF_STOPS, PF_NEEDS_BIND, false, pf_people_base, "people_base {people_base}: {why}",
     "Correct people_base, or let the service account read it.", pf_do_rights, pf_undo_rights},
    {"people_base", PF_389DS, PF_STOPS, PF_NEEDS_BIND, false, pf_people_base, "people_base {people_base}: {why}",
     "Correct people_base, or let the service account read it.", pf_do_rights_389, pf_undo_rights_389},
    {"people_base", PF_AD, PF_STOPS, PF_NEEDS_BIND, false, pf_people_base, "people_base {people_base}: {why}",
     "Correct people_base, or let the service account read it.", pf_do_rights_ad, pf_undo_rights_ad},
    {"group_base", PF_ALL, PF_STOPS, PF_NEEDS_BIND, false, pf_group_base, "group_base {group_base}: {why}",
     "Correct group_base, or let the service account read it.", NULL, NULL},
    {"canary", PF_OPENLDAP | PF_389DS, PF_STOPS, PF_NEEDS_BIND, false, pf_canary,
     "The canary {canary}: {why} A read that does not show it is not believed, so nothing would ever be done.",
     "Create the entry, or let the service account read all below people_base.", pf_do_canary, pf_undo_canary},
    {"canary", PF_AD, PF_STOPS, PF_NEEDS_BIND, false, pf_canary,
     "The canary {canary}: {why} A read that does not show it is not believed, so nothing would ever be done.",
     "Create the entry, or let the service account read all below people_base.", pf_do_canary_ad, pf_undo_canary_ad},
    {"placeholder", PF_OPENLDAP, PF_WARNING, PF_NEEDS_BIND, false, pf_placeholder,
     "{why} The last member of a group that may not be empty could not be taken out.",
     "Create the entry and name it in placeholder_dn.", pf_do_placeholder, pf_undo_placeholder},
    {"read_all", PF_OPENLDAP, PF_STOPS, PF_NEEDS_BIND, false, pf_read_all,
     "Not everything can be read: {why} What is not read whole is not believed, so nothing would ever be concluded.",
     "Lift the limits for the service account, and let it read all entries below people_base and group_base.",
     pf_do_limits, pf_undo_limits},
    {"read_all", PF_389DS, PF_STOPS, PF_NEEDS_BIND, false, pf_read_all,
     "Not everything can be read: {why} What is not read whole is not believed, so nothing would ever be concluded.",
     "Lift the limits for the service account (they count from its next log-on), and let it read all entries below "
     "people_base and group_base.",
     pf_do_limits_389, pf_undo_limits_389},

    {"read_all", PF_AD, PF_STOPS, PF_NEEDS_BIND, false, pf_read_all,
     "Not everything can be read: {why} What is not read whole is not believed, so nothing would ever be concluded.",
     "Let the service account read all below people_base and group_base.", pf_do_rights_ad, pf_undo_rights_ad},

    /* ---- does a lock hold, is a change heard of ---- */
    {"ppolicy", PF_OPENLDAP, PF_STOPS, PF_NEEDS_BIND, false, pf_ppolicy,
     "{why} A lock would be written, and would keep nobody out.", "Put the overlay on, with a default policy.",
     pf_do_ppolicy, pf_undo_ppolicy},
    {"policy", PF_OPENLDAP, PF_STOPS, PF_NEEDS_BIND, false, pf_policy,
     "The default password policy: {why} slapd enforces a lock only where a policy applies, so no departure could be "
     "proven.",
     "Create the policy, name it in olcPPolicyDefault of slapd and in policy_dn of the configuration.", pf_do_policy,
     pf_undo_policy},
    {"locks_hold", PF_OPENLDAP, PF_STOPS, PF_NEEDS_PEOPLE, false, pf_locks_hold,
     "{n} account{s} {is} locked by the entry (pwdEndTime lies in the past), but slapd does not enforce it: {objects}.",
     "See which policy applies to them: policy_dn must be what olcPPolicyDefault names.", NULL, NULL},
    {"locks_hold", PF_389DS, PF_STOPS, PF_NEEDS_PEOPLE, false, pf_locks_hold,
     "{n} account{s} {has} more than one value in nsAccountLock, and the server heeds one of them only: {objects}.",
     "Leave one value, TRUE or none.", NULL, NULL},
    {"lock_today", PF_OPENLDAP, PF_STOPS, PF_NEEDS_PEOPLE, false, pf_lock_today,
     "{n} account{s} could not be locked if {it} lost {its} owner today, because no password policy that stands "
     "applies: "
     "{objects}.",
     "Correct pwdPolicySubentry of these entries, or the default policy.", NULL, NULL},
    {"lock_today", PF_389DS, PF_STOPS, PF_NEEDS_PEOPLE, false, pf_rights_lock,
     "{n} account{s} could not be locked if {it} lost {its} owner today, because the service account may not write "
     "nsAccountLock there: {objects}.",
     "Give it the right.", pf_do_rights_389, pf_undo_rights_389},
    {"lock_today", PF_AD, PF_STOPS, PF_NEEDS_PEOPLE, false, pf_rights_lock,
     "{n} account{s} could not be locked if {it} lost {its} owner today, because the service account may not write "
     "userAccountControl there: {objects}.",
     "Give it the right; an account that inherits no rules has to inherit them again.", pf_do_rights_ad,
     pf_undo_rights_ad},
    {"lock_protected", PF_AD, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_ad_lock_protected,
     "{n} account{s} under the domain's protection (AdminSDHolder) could not be locked if {it} lost {its} owner today: "
     "{objects}. The departure would be not done: a critical finding, and a work order of class kohe for an "
     "administrator.",
     "Let no administrator work with an account of daily work: take the account out of the domain's own groups, clear "
     "its adminCount and let it inherit its rules again. Or lock it by hand when the day comes. The right that would "
     "let "
     "the daemon do it makes the daemon as mighty as an administrator of the domain; who wants that all the same adds "
     "--protected-accounts to --snippets.",
     pf_do_protected_ad, pf_undo_protected_ad, true},
    {"guarded", PF_AD, PF_NOTE, PF_NEEDS_PEOPLE, false, pf_ad_guarded,
     "{n} account{s} of the table's people {has} adminCount = 1: {objects}. On Windows, AdminSDHolder takes away each "
     "hour what we were given there; and adminCount stays when the reason is long gone.",
     "", NULL, NULL},
    {"watch", PF_389DS, PF_WARNING, PF_NEEDS_BIND, false, pf_persistent,
     "What others change is not told as it happens, only found by the full compare: the server does not offer "
     "persistent "
     "search.",
     "", NULL, NULL},
    {"usn", PF_389DS, PF_NOTE, PF_NEEDS_BIND, false, pf_usn,
     "The USN plug-in is off: what we wrote ourselves is told from what others wrote by its second and its writer "
     "only.",
     "Switch it on, and start the server anew.", pf_do_usn, pf_undo_usn},
    {"watch", PF_OPENLDAP, PF_WARNING, PF_NEEDS_BIND, false, pf_watch,
     "What others change is not told as it happens, only found by the full compare: {why}", "", pf_do_syncprov,
     pf_undo_syncprov},

    /* ---- rights ---- */
    {"rights_read", PF_OPENLDAP, PF_STOPS, PF_NEEDS_PEOPLE, false, pf_rights_read,
     "The service account may not see {objects} of the accounts ({saw}).", "Give it the right to read.", pf_do_rights,
     pf_undo_rights},
    {"rights_write", PF_OPENLDAP, PF_NOTE, PF_NEEDS_BIND, false, pf_rights_write,
     "slapd tells nobody what an account may write: whether the service account {service} may write {written}, and the "
     "members of groups, shows with the first write, as the finding write_denied.",
     "Compare its rules with those of the snippet.", pf_do_rights, pf_undo_rights},

    {"rights_read", PF_389DS, PF_STOPS, PF_NEEDS_PEOPLE, false, pf_rights_told,
     "The service account may not read {objects} of all accounts ({saw}).", "Give it the right to read.",
     pf_do_rights_389, pf_undo_rights_389},
    {"rights_password", PF_389DS, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_rights_password,
     "The password of {n} account{s} could not be made useless, because the service account may not write userPassword "
     "there: {objects}.",
     "Give it the right.", pf_do_rights_389, pf_undo_rights_389},
    {"rights_attributes", PF_389DS, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_rights_attributes,
     "The service account may not write all that the configuration has the daemon write: {why}.",
     "Give it the right. An attribute that no class of the entry allows counts as one that may not be written: add the "
     "class, or name another attribute.",
     pf_do_rights_389, pf_undo_rights_389},
    {"rights_create", PF_389DS, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_rights_create,
     "The service account may add no account like those that are there: nobody new gets one.",
     "Give it the right to add.", pf_do_rights_389, pf_undo_rights_389},
    {"rights_groups", PF_389DS, PF_WARNING, PF_NEEDS_TABLE, false, pf_rights_groups,
     "The service account may not change the members of {n} group{s} that a role hangs on: {objects}.",
     "Give it the right, or mark {them} where the rule asks for the mark.", pf_do_rights_389, pf_undo_rights_389},
    {"rights_too_many", PF_389DS, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_rights_too_many,
     "The service account may delete {n} entr{y} below people_base or change {its} access rules, which it never "
     "needs: {objects}.",
     "Take away all but the rights of the snippet.", pf_do_rights_389, pf_undo_rights_389},

    {"rights_read", PF_AD, PF_STOPS, PF_NEEDS_PEOPLE, false, pf_rights_read,
     "The service account may not see {objects} of the accounts ({saw}).", "Give it the right to read.",
     pf_do_rights_ad, pf_undo_rights_ad},
    {"rights_password", PF_AD, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_rights_reset, "{why}.",
     "Give it the right; compare its rights with those of the snippet.", pf_do_rights_ad, pf_undo_rights_ad},
    {"rights_attributes", PF_AD, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_rights_attributes,
     "The service account may not write all that the configuration has the daemon write: {why}.", "Give it the right.",
     pf_do_rights_ad, pf_undo_rights_ad},
    {"rights_create", PF_AD, PF_WARNING, PF_NEEDS_BIND, false, pf_ad_create,
     "The service account may add no user where new people go ({saw}).", "Give it the right to add.", pf_do_rights_ad,
     pf_undo_rights_ad},
    {"rights_groups", PF_AD, PF_WARNING, PF_NEEDS_TABLE, false, pf_rights_groups,
     "The service account may not change the members of {n} group{s} that a role hangs on: {objects}.",
     "Give it the right.", pf_do_rights_ad, pf_undo_rights_ad},
    {"rights_too_many", PF_AD, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_rights_too_many,
     "The service account may change more of {n} entr{y} below people_base than it ever needs, or {its} access rules: "
     "{objects}.",
     "Take away all but the rights of the snippet.", pf_do_rights_ad, pf_undo_rights_ad},

    /* ---- groups ---- */
    {"groups_there", PF_OPENLDAP, PF_WARNING, PF_NEEDS_BIND, false, pf_groups_there,
     "{n} group{s} that a role hangs on {is} not there or may not be seen: {objects}.",
     "Create {them}, or correct paasla.role_group.", pf_do_group, pf_undo_group},
    {"groups_there", PF_389DS, PF_WARNING, PF_NEEDS_BIND, false, pf_groups_there,
     "{n} group{s} that a role hangs on {is} not there or may not be seen: {objects}.",
     "Create {them}, or correct paasla.role_group.", pf_do_group_389, pf_undo_group},
    {"groups_there", PF_AD, PF_WARNING, PF_NEEDS_BIND, false, pf_groups_there,
     "{n} group{s} that a role hangs on {is} not there or may not be seen: {objects}.",
     "Create {them}, or correct paasla.role_group.", pf_do_group_ad, pf_undo_group_ad},
    {"groups_guarded", PF_AD, PF_WARNING, PF_NEEDS_TABLE, false, pf_ad_groups_guarded,
     "{n} group{s} that a role hangs on {is} the domain's own or under its protection, and privileged_groups does not "
     "name "
     "{them}: {objects}. Such a group is left alone.",
     "Take {them} from the role, or name {them} in privileged_groups.", NULL, NULL},
    {"groups_primary", PF_AD, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_ad_groups_primary,
     "{n} group{s} that a role hangs on {is} somebody's primary group (primaryGroupID), out of which nobody can be "
     "taken: "
     "{objects}.",
     "Give these people another primary group, Domain Users for example, or take {them} from the role.", NULL, NULL},
    {"groups_nested", PF_AD, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_ad_groups_nested,
     "{n} group{s} stand{verb_s} in a group that a role hangs on: {objects}. Whoever is in {them} has what the role "
     "gives, with a "
     "grant or without one; paaslad neither puts anybody in there nor takes anybody out.",
     "Take {them} out of the role's group, or keep a list of who is in {them} by other means.", NULL, NULL},
    {"groups_inside", PF_ALL, PF_WARNING, PF_NEEDS_BIND, false, pf_groups_inside,
     "{n} group{s} that a role hangs on {is} not below group_base, so memberships there are not seen: {objects}.",
     "Widen group_base, or take {them} from the role.", NULL, NULL},
    {"groups_writable", PF_ALL, PF_WARNING, PF_NEEDS_BIND, false, pf_groups_writable,
     "{n} group{s} that a role hangs on cannot be written, because the members are computed or the class is none that "
     "we know: {objects}.",
     "Take {them} from the role, or make {them} groupOfNames.", NULL, NULL},
    {"groups_marked", PF_OPENLDAP | PF_389DS, PF_NOTE, PF_NEEDS_BIND, false, pf_groups_marked,
     "{n} group{s} that a role hangs on {has} no mark (description: paasla): {objects}. With the rules of the snippet "
     "for rights, our account may not write there.",
     "The directory's administrator marks {them} when the role's turn comes.", pf_do_mark, pf_undo_mark},
    {"groups_nobodys", PF_ALL, PF_NOTE, PF_NEEDS_TABLE, false, pf_groups_nobodys,
     "{saw} below group_base hang on no role. They are left alone.", "", NULL, NULL},

    /* ---- people ---- */
    {"numbers_twice", PF_ALL, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_numbers_twice,
     "{n} number{s} in {number_attribute} stand{verb_s} in more than one entry: {objects}. Nobody can say whose the "
     "entries are; they are left alone.",
     "Leave each number in one entry.", NULL, NULL},
    {"number_missing", PF_OPENLDAP | PF_389DS, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_number_missing,
     "{n} {people} of the table would get a second account: the log-in of the name stands in an entry without a "
     "number: "
     "{objects}.",
     "Where it is the same person, enter the number in the entry.", pf_do_number, pf_undo_number},
    {"number_missing", PF_AD, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_number_missing,
     "{n} {people} of the table would get a second account: the log-in of the name stands in an entry without a "
     "number: "
     "{objects}.",
     "Where it is the same person, enter the number in the entry.", pf_do_number_ad, pf_undo_number_ad},
    {"log_in_taken", PF_ALL, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_log_in_taken,
     "{n} log-in{s} of people of the table collide{verb_s} with {an_entry} of somebody else: {objects}.",
     "Rename one of the two, or correct the number in the entry.", NULL, NULL},
    {"no_log_in", PF_ALL, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_no_log_in,
     "For {n} {people} of the table no log-in can be made of the name: {objects}.",
     "HR enters the legal Latin form of the name.", NULL, NULL},
    {"gone", PF_ALL, PF_WARNING, PF_NEEDS_PEOPLE, false, pf_gone,
     "{n} account{s} that we knew {is} not in the directory any more: {objects}.",
     "Restore {them}, or SELECT paasla.recreate_account(ID, 'why').", NULL, NULL},
    {"nobodys", PF_ALL, PF_NOTE, PF_NEEDS_PEOPLE, false, pf_nobodys,
     "{n} account{s} below people_base belong{verb_s} to nobody in the table: {objects}.",
     "Enter whoever is missing; the rest are left alone, and each is reported as orphan_account.", NULL, NULL},
    {0},
};
