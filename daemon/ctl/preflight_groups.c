/* Checks of the groups that roles hang on. */
#include "preflight_table.h"

#include "lib/directory/dn.h"

enum { SUCCESS = 0 };

typedef bool is_bad(const struct pf *p, const struct pf_group *g);

static void each(struct pf *p, struct pf_result *r, is_bad *bad)
{
    for (size_t i = 0; i < p->n_role_groups; i++)
        if (bad(p, &p->role_groups[i]))
            pf_object(p, r, p->role_groups[i].dn, (struct pl_str){"", 0});
}

static bool is_missing(const struct pf *p, const struct pf_group *g)
{
    (void)p;
    return g->code != SUCCESS;
}

static bool is_outside(const struct pf *p, const struct pf_group *g)
{
    return !pl_dn_under(g->dn, p->conf->group_base);
}

static bool is_unwritable(const struct pf *p, const struct pf_group *g)
{
    (void)p;
    return g->code == SUCCESS && pl_group_attr(g->shape) == NULL;
}

static bool is_unmarked(const struct pf *p, const struct pf_group *g)
{
    (void)p;
    return g->code == SUCCESS && !g->marked;
}

void pf_groups_there(struct pf *p, struct pf_result *r)
{
    each(p, r, is_missing);
    pf_counted(p, r, "%zu of %zu", p->n_role_groups - r->n_objects, p->n_role_groups);
}

void pf_groups_inside(struct pf *p, struct pf_result *r)
{
    each(p, r, is_outside);
    pf_counted(p, r, "%zu of %zu", p->n_role_groups - r->n_objects, p->n_role_groups);
}

void pf_groups_writable(struct pf *p, struct pf_result *r)
{
    each(p, r, is_unwritable);
    pf_counted(p, r, "%zu not to be written", r->n_objects);
}

void pf_groups_marked(struct pf *p, struct pf_result *r)
{
    each(p, r, is_unmarked);
    pf_counted(p, r, "%zu without", r->n_objects);
}

void pf_groups_nobodys(struct pf *p, struct pf_result *r)
{
    long ours = 0;
    if (p->group_answer.code != SUCCESS) {
        pf_skipped(p, r, "the groups could not be read whole");
        return;
    }
    for (size_t i = 0; i < p->n_role_groups; i++)
        ours += p->role_groups[i].code == SUCCESS && !is_outside(p, &p->role_groups[i]) &&
                p->role_groups[i].shape != PL_GROUP_UNKNOWN;
    long left = p->group_entries - ours;
    if (left > 0)
        pf_found(p, r, "%ld of %ld group%s", left, p->group_entries, p->group_entries == 1 ? "" : "s");
    else
        pf_fine(p, r, "%ld of %ld have one", ours, p->group_entries);
}
