/* What people do in one transaction: HR, grantors, administrators, approvers. */
#ifndef SIM_DEED_H
#define SIM_DEED_H

#include "rng.h"
#include "store.h"

enum deed_kind {
    HIRE,
    REHIRE,
    DEPART,
    DEPART_LIST,
    DEPART_AGAIN,
    STAY,
    GRANT,
    REVOKE,
    GRANT_END,
    ABSENT,
    BACK,
    IT_ADMIN,
    ROLE_MODE,
    ROLE_DRIFT,
    DIR_MODE,
    APPROVE,
    RECREATE,
    NAME,
    N_DEEDS
};
extern const char *const deed_names[N_DEEDS];

struct deed {
    enum deed_kind kind;
    int64_t at_us;     /* now() of the transaction */
    int64_t first_seq; /* not 0: dirty rows get these numbers, though it commits later */
    int person, institution, employment, role, grant, absence, dir, mode, account;
    bool flag;
    int64_t from, to;
    size_t plan;
    struct person name;
    int list[MAX_PERSONS], n_list; /* employments of a departure list */
};

/* Name number n of those that people bear here. */
struct person deed_name(int n);

/* Draws one that makes sense now; false when this kind finds nobody. */
bool deed_draw(struct deed *x, enum deed_kind kind, const struct store *s, struct rng *r, int64_t now);

/* Carries it out; false when it has become impossible since it was drawn, and nothing was done. */
bool deed_do(const struct deed *x, struct store *s);

#endif
