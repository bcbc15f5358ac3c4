/* The town as HR and the grantors know it: the truth that store and directories must follow. Everything here is what
 * paasla.person, employment, absence, access_grant, register_role and role_group would hold; store.h keeps the rest. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../../lib/core/member.h"

#define NEVER     INT64_MAX /* the end of a period that has none */
#define US_SECOND ((int64_t)1000000)
#define US_MINUTE (60 * US_SECOND)
#define US_HOUR   (60 * US_MINUTE)

enum {
    MAX_PERSONS = 20,
    MAX_EMPLOYMENTS = 120,
    MAX_ABSENCES = 60,
    MAX_GRANTS = 300,
    N_DIRS = 2,
    N_INSTITUTIONS = 2,
    N_ROLES = 4,
    MAX_GROUPS = 8,
    MAX_FORMER = 12
};

/* Administrative accounts come first everywhere, as in the rows of LOAD. */
enum purpose { ADMIN, PERSONAL, N_PURPOSES };
extern const char *const purpose_names[N_PURPOSES];
extern const char *const institution_names[N_INSTITUTIONS];
extern const char *const dir_names[N_DIRS];

struct person {
    const char *given, *family;
};

struct employment {
    int person, institution;
    int number;                  /* employee number, printed as text */
    bool it_admin, was_it_admin; /* now; ever */
    int64_t from, to;            /* [from, to) */
    int64_t ended_xact;          /* the transaction that set the end; 0 none */
    int64_t said_again_xact;     /* the newest that said the departure once more; 0 none */
};

struct absence {
    int person;
    int64_t from, to;
    bool suspend;
};

struct grant {
    int person, role;
    int64_t from, to; /* from == to: it never began */
    int64_t given_until;
    enum { GRANT_RUNS, GRANT_REVOKED, GRANT_CAPPED } ended_by; /* capped: the end follows the employment's */
};

struct role {
    enum pl_mode mode;
    bool put_back;
};

struct role_group {
    int role, dir;
    enum purpose purpose;
    bool posix; /* memberUid instead of member */
    char dn[80];
};

struct world {
    int64_t create_ahead[N_INSTITUTIONS][N_DIRS]; /* negative: the institution does not use the directory */
    enum pl_mode dir_mode[N_DIRS];                /* PL_MODE_OBSERVE or PL_MODE_ENFORCE */
    struct person persons[MAX_PERSONS], former[MAX_PERSONS][MAX_FORMER]; /* names borne before, the newest last */
    int n_former[MAX_PERSONS], renamed_last;
    size_t renamed_at[MAX_PERSONS]; /* so many intents there were when the name changed last */
    struct employment employments[MAX_EMPLOYMENTS];
    struct absence absences[MAX_ABSENCES];
    struct grant grants[MAX_GRANTS];
    struct role roles[N_ROLES];
    struct role_group groups[MAX_GROUPS];
    int n_persons, n_employments, n_absences, n_grants, n_groups;
    int first_of[MAX_PERSONS], next_of[MAX_EMPLOYMENTS]; /* a person's employments, in order: index + 1; 0 no more */
    int next_number;
};

struct wanted {
    bool row; /* false: paasla.wanted_account has no row */
    const char *want, *cause;
    enum pl_need need;
    int64_t since; /* when it became so, as far as HR's periods tell */
};

/* paasla.wanted_account_at(t). `has_account`: a row of paasla.account exists for it. */
struct wanted world_wanted(const struct world *w, int person, int dir, enum purpose p, bool has_account, int64_t t);

/* paasla.known_end_at(t): when an account that is wanted open now ends, as far as HR knows; NEVER if it does not. */
int64_t world_ends(const struct world *w, int person, int dir, enum purpose p, int64_t t);

/* paasla.entitlement_at(t): is the person to be in the group? */
bool world_entitled(const struct world *w, int person, int group, bool has_account, int64_t t);

bool world_granted(const struct world *w, int person, int role, int64_t t);
bool world_employed(const struct world *w, int person, int dir, int64_t t); /* dir -1: anywhere */

/* The first moment after `t` at which a period begins or ends, or an arrival comes near; NEVER if none. */
int64_t world_next_change(const struct world *w, int64_t t);

/* Whether a period of this person begins or ends in (since, upto], or an arrival comes near. */
bool world_falls_due(const struct world *w, int person, int64_t since, int64_t upto);

void world_employ(struct world *w, const struct employment *e);

/* The employment that gives a person its number and unit in a directory: the oldest, so that the number stays. -1 none. */
int world_main_employment(const struct world *w, int person, int dir);

#endif
