/* HR's name in the account: what it shows of the attributes that the configuration names, and what is written. */
#include "priv.h"

#include <string.h>
#include "../directory/dn.h"

void pl_rename_row(struct task *t, const struct pl_row_name *r)
{
    struct pl_name n = {pl_arena_str(t->arena, r->given), pl_arena_str(t->arena, r->family)};
    PUSH(t->former, t->n_former, n);
    t->renames_lately = r->lately;
}

static struct pl_words words_of(const struct task *t)
{
    return (struct pl_words){.login = t->p.login, .given = t->p.given, .family = t->p.family};
}

static enum pl_name_seen look(const struct task *t, const struct pl_kept *k, struct pl_str *want, struct pl_str *was)
{
    struct pl_words words = words_of(t);
    enum pl_name_seen seen = pl_name_seen(t->look_arena, k, t->entry, &words, t->former, t->n_former, want, was);
    return seen == PL_NAME_FORMER && t->mail_taken && pl_str_ieq_c(k->attr, "mail") ? PL_NAME_TAKEN : seen;
}

/* ---- an address that is somebody else's is never written ---- */

/* Two who are to get the same address at once find none who has it: the first of them gets it. */
static bool is_promised(const struct task *t, struct pl_str address)
{
    for (const struct batch *b = t->dir->e->batches; b; b = b->next)
        for (size_t i = 0; i < b->n_tasks; i++) {
            const struct task *o = b->tasks[i];
            if (o->p.person_id != t->p.person_id && o->dir == t->dir && o->phase < PH_SETTLE && o->mail_asked.len > 0 &&
                pl_str_ieq(o->mail_asked, address))
                return true;
        }
    return false;
}

bool pl_rename_owner_filter(struct task *t, struct pl_buf *filter)
{
    const struct dir *d = t->dir;
    struct pl_str want, was;
    size_t i = 0;
    while (i < d->n_kept && !pl_str_ieq_c(d->kept[i].attr, "mail"))
        i++;
    if (t->n_former == 0 || t->p.need != PL_NEED_OPEN || i == d->n_kept ||
        look(t, &d->kept[i], &want, &was) != PL_NAME_FORMER)
        return false;
    t->mail_taken = is_promised(t, want);
    if (t->mail_taken)
        return false;
    t->mail_asked = want;
    pl_name_owner_filter(filter, t->look_arena, want, d->conf.mail_alias, pl_str_eq_c(d->conf.dialect, "ad"));
    return true;
}

void pl_rename_owner(struct task *t, struct pl_str dn)
{
    bool own = pl_dn_equal(dn, t->entry->dn); /* or it is the person's other account */
    for (size_t i = 0; i < t->pair->n_tasks && !own; i++)
        own = pl_dn_equal(dn, t->pair->tasks[i]->p.dn);
    t->mail_taken = t->mail_taken || !own;
}

bool pl_rename_shown(const struct task *t)
{
    struct pl_words words = words_of(t);
    struct pl_str want, was;
    bool same = false;
    for (size_t i = 0; t->entry && i < t->dir->n_kept; i++) {
        enum pl_name_seen seen =
            pl_name_seen(t->look_arena, &t->dir->kept[i], t->entry, &words, t->former, t->n_former, &want, &was);
        if (seen == PL_NAME_FORMER) /* whoever has that address by now */
            return false;
        same = same || seen == PL_NAME_SAME;
    }
    return same;
}

/* All that is out of date in one Modify. The values that were read are named: somebody else's change in between makes the
 * whole of it fail (16, 20). */
size_t pl_rename_steps(const struct task *t, struct pl_arena *a, struct pl_step *out)
{
    const struct dir *d = t->dir;
    struct pl_mod *mods = pl_arena_array(a, d->n_kept * PL_NAME_MODS, sizeof *mods);
    struct pl_str want, was;
    size_t n = 0;
    for (size_t i = 0; i < d->n_kept; i++)
        if (look(t, &d->kept[i], &want, &was) == PL_NAME_FORMER)
            n += pl_name_mods(a, t->entry, d->kept[i].attr, was, want, d->conf.mail_alias, mods + n);
    *out = (struct pl_step){.mods = mods, .n_mods = n};
    return n > 0;
}

/* Which attributes are so, in words; none in them of what they hold. */
static void report(struct task *t, const struct pl_name_row *r)
{
    struct pl_buf which = {0};
    struct pl_str want, was;
    for (size_t i = 0; i < t->dir->n_kept; i++)
        if (look(t, &t->dir->kept[i], &want, &was) == r->seen) {
            pl_buf_add_c(&which, which.len ? ", " : "");
            pl_buf_add(&which, t->dir->kept[i].attr);
        }
    pl_task_finding(
        t, r->finding, r->seen == PL_NAME_OTHER ? "info" : "warning", 0,
        pl_arena_printf(t->arena, "%.*s, %s: %s", (int)t->entry->dn.len, t->entry->dn.s, which.s, r->sentence));
    pl_buf_free(&which);
}

void pl_rename_plan(struct task *t)
{
    const struct dir *d = t->dir;
    const struct pl_name_row *of[PL_NAME_COUNT] = {0};
    struct pl_str want, was;
    for (size_t i = 0; i < d->n_kept; i++) {
        enum pl_name_seen seen = look(t, &d->kept[i], &want, &was);
        of[seen] = pl_name_step(seen, t->renames_lately >= PL_NAMES_FOUGHT);
    }
    for (size_t s = 0; s < PL_NAME_COUNT; s++)
        if (of[s] && of[s]->op == PL_OP_REPORT)
            report(t, of[s]);
        else if (of[s] && of[s]->op == PL_OP_RENAME)
            pl_plan_write(t, PL_OP_RENAME, of[s]->id, of[s]->sentence, "info");
}

/* ---- the full compare: hashes of what each kept attribute should show ---- */

void pl_rename_hashes(const struct dir *d, struct pl_arena *a, const struct pl_row_scan_account *row, uint64_t *out)
{
    struct pl_words words = {.login = row->login, .given = row->given, .family = row->family};
    for (size_t i = 0; i < d->n_kept; i++)
        out[i] = pl_str_hash(pl_template_render(a, d->kept[i].text, &words, false));
}

bool pl_rename_differs(const struct dir *d, const struct pl_entry *e, const uint64_t *hashes)
{
    for (size_t i = 0; i < d->n_kept; i++) {
        const struct pl_attr *a =
            pl_entry_attr(e, d->kept[i].attr.s); /* terminated: kept in the configuration's arena */
        bool shows = false;
        for (size_t k = 0; a && k < a->n && !shows; k++)
            shows = pl_str_hash(a->values[k]) == hashes[i];
        if (!shows)
            return true;
    }
    return false;
}

/* ---- from the configuration ---- */

static const struct pl_template *template_of(const struct dir *d, struct pl_str attr)
{
    for (size_t i = 0; i < d->conf.n_templates; i++)
        if (pl_str_ieq(d->conf.templates[i].attr, attr))
            return &d->conf.templates[i];
    return NULL;
}

bool pl_rename_setup(struct dir *d, struct pl_arena *a, struct pl_err *err)
{
    struct pl_str rest = d->conf.keep_attributes;
    d->kept = pl_arena_array(a, PL_KEPT_MAX, sizeof *d->kept);
    while (rest.len > 0) {
        size_t n = 0;
        while (n < rest.len && rest.s[n] != ' ' && rest.s[n] != '\t')
            n++;
        struct pl_str word = {rest.s, n};
        const struct pl_template *t = n > 0 ? template_of(d, word) : NULL;
        if (n > 0 && (!t || d->n_kept == PL_KEPT_MAX))
            return pl_err_set(err, PL_ERR_CONF, 0, "Name attributes that have a line attribute.NAME, eight at most.",
                              "directory %.*s: keep_attributes: \"%.*s\"", (int)d->conf.name.len, d->conf.name.s,
                              (int)word.len, word.s);
        if (t)
            d->kept[d->n_kept++] = (struct pl_kept){pl_arena_str(a, t->attr), pl_arena_str(a, t->text)};
        n += n < rest.len;
        rest = (struct pl_str){rest.s + n, rest.len - n};
    }
    return true;
}
