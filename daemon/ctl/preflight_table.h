/* What the table of checks names: the functions that look, and the texts that put things right. */
#ifndef PAASLA_CTL_PREFLIGHT_TABLE_H
#define PAASLA_CTL_PREFLIGHT_TABLE_H

#include "preflight.h"

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
    pf_rights_groups, pf_rights_too_many;
/* preflight_389.c */
pf_run pf_persistent, pf_usn;

/* preflight_snippet.c */
extern const char pf_do_plain[], pf_undo_plain[], pf_do_canary[], pf_undo_canary[], pf_do_placeholder[],
    pf_undo_placeholder[], pf_do_ppolicy[], pf_undo_ppolicy[], pf_do_policy[], pf_undo_policy[], pf_do_limits[],
    pf_undo_limits[], pf_do_syncprov[], pf_undo_syncprov[], pf_do_rights[], pf_undo_rights[], pf_do_group[],
    pf_undo_group[], pf_do_plain_389[], pf_undo_plain_389[], pf_do_limits_389[], pf_undo_limits_389[], pf_do_usn[],
    pf_undo_usn[], pf_do_rights_389[], pf_undo_rights_389[], pf_do_group_389[], pf_do_mark[], pf_undo_mark[],
    pf_do_number[], pf_undo_number[];

#endif
