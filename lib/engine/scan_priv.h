/* What the files of the full compare share. Nobody else includes this.
 *
 *   scan.c        its steps, the people, what it nominates
 *   scan_group.c  the groups: who should stand in them against who does
 *   scan_index.c  the records' indexes
 */
#ifndef PL_ENGINE_SCAN_PRIV_H
#define PL_ENGINE_SCAN_PRIV_H

#include "priv.h"
#include "scan_index.h"

/* What an answer is to. Tags from SC_GROUP on are those of the open groups, by place. */
enum phase_scan { SC_ACCOUNTS, SC_CANARY, SC_POLICY, SC_PEOPLE, SC_GROUPS, SC_NOTE, SC_GROUP };

/* A group whose row has come and whose entry has not been compared yet. Members are numbers of records. */
struct open_group {
    bool used;
    int64_t role_group_id;
    struct pl_str dn; /* malloced */
    uint32_t *expected, *members;
    size_t n_expected, n_members;
    bool by_login;    /* its values are log-ins, not DNs */
    bool placeholder; /* it holds the placeholder */
};

struct scan {
    struct dir *d;
    int64_t control_id, began_us;
    bool preview; /* gathers nominees and nominates nobody */
    struct record *records;
    size_t n_records;
    uint64_t *kept; /* for each record what its kept attributes should show, as hashes; NULL: none are kept */
    struct index by_id, by_login, by_dn, by_person;
    bool canary, policy, incomplete;
    bool bad_row; /* one that cannot be read: nothing may be concluded from the others */
    bool people_read;
    bool all_rows; /* of the groups */
    bool ended;    /* what comes now is of no use any more */
    const char *why;
    long entries, groups, nominated, orphans;
    struct open_group *open;
    size_t n_open, n_used;      /* places; groups in them */
    size_t waiting;             /* memberships that are held in them */
    struct pl_arena *arena;     /* of the nominations that are gathered */
    struct pl_arena *row_arena; /* of the names of the rows that are read; emptied now and then */
    struct pl_nominee *nominees;
    size_t n_nominees;
    struct pl_finding_cmd *findings;
    uint64_t *about; /* per finding: hash of the name that it calls a stranger's; 0: no member */
    size_t n_findings;
    bool done;
};

/* scan.c */
void pl_scan_search(struct scan *s, int tag, struct pl_str base, enum pl_scope scope, const char *const *attrs);
void pl_scan_nominate(struct scan *s, struct record *r, const char *cause);
void pl_scan_nominate_unknown(struct scan *s, int64_t person_id);             /* there is no record of that person */
void pl_scan_report(struct scan *s, struct pl_finding_cmd f, uint64_t about); /* `f` without its severity */
void pl_scan_note(struct scan *s);                                            /* it ends; `s` may be gone afterwards */

/* scan_group.c */
void pl_scan_groups_begin(struct scan *s); /* the people are known: entries may be read. `s` may be gone afterwards */
void pl_scan_groups_all(struct scan *s);   /* there are no more rows. `s` may be gone afterwards */
void pl_scan_group_row(struct scan *s, const struct pl_event *ev);
void pl_scan_group_entry(struct scan *s, struct open_group *g, const struct pl_entry *e);
void pl_scan_group_result(struct scan *s, struct open_group *g, bool ok); /* `s` may be gone afterwards */
bool pl_scan_group_room(const struct scan *s);                            /* one more may be opened */
void pl_scan_groups_free(struct scan *s);

#endif
