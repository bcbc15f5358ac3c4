/* What each kind of server adds, and what the table of checks names: the functions that look, the texts that put things
 * right. */
#ifndef PAASLA_CTL_PREFLIGHT_TABLE_H
#define PAASLA_CTL_PREFLIGHT_TABLE_H

#include "preflight.h"

/* ---- what each kind of server adds ---- */

/* preflight_policy.c: whether a password policy applies to an entry, so that a lock is enforced. */
void pf_policy_overlay(struct pf *p); /* before the people are read */
void pf_policy_look(struct pf *p);    /* after that */
bool pf_policy_applies(struct pf *p, const struct pf_entry *e);

/* preflight_ad.c: the same; a group with a role is read with these attributes. */
#define PF_OID_DOMAIN_SCOPE "1.2.840.113556.1.4.1339"
void pf_ad_rights(struct pf *p);
void pf_ad_passwords(struct pf *p); /* preflight_acl.c */
extern const char *const pf_ad_group_attrs[];
void pf_ad_group(struct pf_group *g, const struct pl_entry *e);

/* preflight_389.c: what our account may do with each entry and each group with a role; after the people were read. */
void pf_389_rights(struct pf *p);

/* ---- the checks ---- */

typedef void pf_run(struct pf *p, struct pf_result *r);
/* preflight_server.c */
pf_run pf_in_table, pf_reach, pf_tls, pf_certificate, pf_log_on, pf_first_reads, pf_plain, pf_same_server, pf_clock,
    pf_people_base, pf_group_base, pf_canary, pf_placeholder, pf_read_all, pf_watch;
/* preflight_policy.c */
pf_run pf_ppolicy, pf_policy, pf_lock_today, pf_locks_hold;
/* preflight_people.c */
pf_run pf_numbers_twice, pf_number_missing, pf_log_in_taken, pf_no_log_in, pf_gone, pf_nobodys;
/* preflight_groups.c */
pf_run pf_groups_there, pf_groups_inside, pf_groups_writable, pf_groups_marked, pf_groups_nobodys;
/* preflight_rights.c */
pf_run pf_rights_read, pf_rights_write, pf_rights_told, pf_rights_lock, pf_rights_password, pf_rights_create,
    pf_rights_groups, pf_rights_too_many, pf_rights_attributes, pf_rights_reset;
/* preflight_389.c */
pf_run pf_persistent, pf_usn;

/* preflight_ad.c */
pf_run pf_ad_create, pf_ad_lock_protected, pf_ad_guarded, pf_ad_groups_guarded, pf_ad_groups_primary,
    pf_ad_groups_nested;

/* preflight_ways.c */
pf_run pf_ad_ways_in;
struct pl_str pf_plain_address(struct pf *p, const struct pf_result *r); /* words of its text */
struct pl_str pf_realm(struct pf *p);
extern const char pf_do_ways_ad[], pf_undo_ways_ad[];

/* preflight_snippet_ad.c */
extern const char pf_do_plain_ad[], pf_undo_plain_ad[], pf_do_rights_ad[], pf_undo_rights_ad[], pf_do_protected_ad[],
    pf_undo_protected_ad[], pf_do_canary_ad[], pf_undo_canary_ad[], pf_do_group_ad[], pf_undo_group_ad[],
    pf_do_number_ad[], pf_undo_number_ad[];
/* preflight_snippet.c */
extern const char pf_do_plain[], pf_undo_plain[], pf_do_canary[], pf_undo_canary[], pf_do_placeholder[],
    pf_undo_placeholder[], pf_do_ppolicy[], pf_undo_ppolicy[], pf_do_policy[], pf_undo_policy[], pf_do_limits[],
    pf_undo_limits[], pf_do_syncprov[], pf_undo_syncprov[], pf_do_rights[], pf_undo_rights[], pf_do_group[],
    pf_undo_group[], pf_do_plain_389[], pf_undo_plain_389[], pf_do_limits_389[], pf_undo_limits_389[], pf_do_usn[],
    pf_undo_usn[], pf_do_rights_389[], pf_undo_rights_389[], pf_do_group_389[], pf_do_mark[], pf_undo_mark[],
    pf_do_number[], pf_undo_number[];

#endif
