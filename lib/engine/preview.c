/* A dry run: a full compare that nominates nobody, then a batch that stops at the barrier. */
#include "priv.h"

#include <string.h>

void pl_preview_start(struct pl_engine *e)
{
    if (e->n_previews == 0 || e->preview_runs)
        return;
    const struct preview *p = &e->previews[0];
    for (size_t i = 0; i < e->n_dirs; i++)
        if ((!p->only || p->only == &e->dirs[i]) && (!e->dirs[i].up || e->dirs[i].scan || !e->dirs[i].groups_known))
            return; /* a dry run that saw only a part would say "nothing" */
    e->preview_runs = true;
    e->preview_left = 1;
    for (size_t i = 0; i < e->n_dirs; i++)
        if (e->dirs[i].up && (!p->only || p->only == &e->dirs[i])) {
            e->preview_left++;
            pl_scan_start(&e->dirs[i], true);
        }
    pl_e_preview_part(e, NULL, 0, true);
}

void pl_e_preview_part(struct pl_engine *e, const struct pl_nominee *persons, size_t n, bool whole)
{
    e->preview_broken = e->preview_broken || !whole;
    e->preview_persons =
        pl_xrealloc_array(e->preview_persons, e->n_preview_persons + n + 1, sizeof *e->preview_persons);
    for (size_t i = 0; i < n; i++)
        e->preview_persons[e->n_preview_persons++] = persons[i].person_id;
    if (--e->preview_left > 0)
        return;
    if (e->preview_broken) {
        e->preview_broken = e->preview_runs = false;
        e->n_preview_persons = 0;
        return;
    }
    struct preview p = e->previews[0];
    memmove(e->previews, e->previews + 1, --e->n_previews * sizeof *e->previews);
    e->preview_runs = false;
    if (e->store_up)
        pl_batch_preview(e, p.control_id, p.only, e->preview_persons, e->n_preview_persons);
    e->n_preview_persons = 0;
}
