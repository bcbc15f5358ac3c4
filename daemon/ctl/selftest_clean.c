/* What lies in the OU: nothing, or the run ends before it has written anything; and how it is emptied again. An entry is
 * removed only when it bears our mark, has a name of ours and lies below the OU. */
#include "selftest.h"

#include <stdlib.h>
#include <string.h>

#include "lib/directory/dn.h"
#include "lib/directory/result_name.h"

enum { LDAP_OK = 0, NO_SUCH_OBJECT = 32, SHOWN = 5, ROUNDS = 3 };

/* ---- what lies there ---- */

struct scan {
    struct st *s;
    struct pl_str *ours, *others;
    size_t n_ours, n_others;
};

static void add(struct st *s, struct pl_str **list, size_t *n, struct pl_str dn)
{
    if ((*n & (*n + 1)) == 0) { /* room for 1, 3, 7, ... */
        struct pl_str *more = pl_arena_array(s->arena, *n * 2 + 1, sizeof *more);
        if (*n)
            memcpy(more, *list, *n * sizeof *more);
        *list = more;
    }
    (*list)[(*n)++] = pl_arena_str(s->arena, dn);
}

static void take(void *ctx, const struct pl_entry *e)
{
    struct scan *x = ctx;
    if (pl_dn_equal(e->dn, x->s->place.base))
        return;
    if (st_is_ours(x->s, e))
        add(x->s, &x->ours, &x->n_ours, e->dn);
    else
        add(x->s, &x->others, &x->n_others, e->dn);
}

static int look(struct st *s, struct scan *x)
{
    static const char *const attrs[] = {"description", NULL};
    struct pld_once_ask ask = {
        .base = s->place.base, .scope = PL_SCOPE_SUB, .attrs = attrs, .paged = true, .entry = take, .ctx = x};
    struct pld_once_answer a;
    *x = (struct scan){.s = s};
    pld_once_search(s->hands[ST_OURS], &ask, &a);
    s->err = a.err;
    return a.code;
}

/* ---- emptying it ---- */

static size_t depth(struct pl_str dn)
{
    size_t n = 0;
    for (; dn.len > 0; dn = pl_dn_parent(dn))
        n++;
    return n;
}

static int deeper_first(const void *a, const void *b)
{
    const struct pl_str *x = a, *y = b;
    size_t dx = depth(*x), dy = depth(*y);
    return dx < dy ? 1 : dx > dy ? -1 : pl_str_cmp(*x, *y);
}

static void keep_left(struct st *s, struct pl_str dn, int code)
{
    if ((s->n_left & (s->n_left + 1)) == 0) { /* room for 1, 3, 7, ... */
        struct st_left *more = pl_arena_array(s->arena, s->n_left * 2 + 1, sizeof *more);
        if (s->n_left)
            memcpy(more, s->left, s->n_left * sizeof *more);
        s->left = more;
    }
    s->left[s->n_left++] = (struct st_left){pl_arena_str(s->arena, dn), st_delete_command(s, dn), code};
}

/* Returns how many went. What is gone already is no trouble. */
static size_t remove_all(struct st *s, struct pl_str *list, size_t n)
{
    size_t gone = 0;
    if (n > 0)
        qsort(list, n, sizeof *list, deeper_first);
    for (size_t i = 0; i < n; i++) {
        int code = st_delete(s, list[i]);
        if (code == LDAP_OK)
            gone++;
        else if (code != NO_SUCH_OBJECT)
            keep_left(s, list[i], code);
    }
    return gone;
}

/* A connection that is gone comes back once: what lies there matters more than the rest of the checks. */
static bool come_back(struct st *s)
{
    struct pld_once_facts facts;
    if (s->lost) {
        pld_once_close(s->hands[ST_OURS]);
        s->hands[ST_OURS] = pld_once_open(s->conf, s->uri, &facts);
        s->lost = s->hands[ST_OURS] == NULL;
    }
    return !s->lost;
}

/* What is there is asked, not remembered: a write that was lost on the way may have been done, or be done yet. */
static int sweep(struct st *s)
{
    struct scan x;
    int code = LDAP_OK;
    for (int round = 0; round < ROUNDS && code == LDAP_OK; round++) {
        s->n_left = 0;
        if ((code = look(s, &x)) != LDAP_OK || x.n_ours == 0)
            break;
        s->removed += remove_all(s, x.ours, x.n_ours);
    }
    return code;
}

void st_clean(struct st *s)
{
    int code = come_back(s) ? sweep(s) : ST_NO_ANSWER;
    if (code < 0 && !s->lost) { /* it was lost, and nobody had noticed */
        s->lost = true;
        code = come_back(s) ? sweep(s) : ST_NO_ANSWER;
    }
    if (code == LDAP_OK)
        return;
    s->n_left = 0;
    /* The OU has another name by now: what is in it does too, and "no such object" would not mean that it is gone. */
    if (code > 0 && code != NO_SUCH_OBJECT) /* it cannot be looked at: what we know of */
        s->removed += remove_all(s, s->made, s->n_made);
    else
        for (size_t i = s->n_made; i > 0; i--)
            keep_left(s, s->made[i - 1], code > 0 ? code : ST_NO_ANSWER);
}

/* ---- before anything is written ---- */

static bool refuse(int *code, int with)
{
    *code = with;
    return false;
}

/* Nothing that the daemon looks after, logs on with or relies on may lie in it, or be it. */
static bool keeps_away(struct st *s, int *code)
{
    const struct pl_conf_directory *c = s->conf;
    const struct {
        const char *option;
        struct pl_str dn;
        bool within; /* it may lie in this one */
    } all[] = {{"people_base", c->people_base, true},
               {"group_base", c->group_base, true},
               {"the place of new entries in rdn_template", pf_newcomers(&s->pf), true},
               {"canary_dn", c->canary_dn, false},
               {"placeholder_dn", c->placeholder_dn, false},
               {"policy_dn", c->policy_dn, false},
               {"bind_dn", s->pf.service, false}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].dn.len == 0)
            continue;
        if (pl_dn_under(all[i].dn, s->place.base) || (!all[i].within && pl_dn_under(s->place.base, all[i].dn))) {
            ctl_complain("--selftest %s: %s (%s) is that or lies in it. Make an OU for the test alone.",
                         s->place.base.s, all[i].option, all[i].dn.s);
            return refuse(code, CTL_USAGE);
        }
    }
    for (size_t i = 0; i < 2; i++)
        if (pl_dn_under(s->place.base, all[i].dn))
            s->notes[s->n_notes++] = pl_arena_printf(
                s->arena, "The OU lies below %s: a daemon that runs meanwhile sees its entries, which are nobody's.",
                all[i].option);
    return true;
}

static bool is_there(struct st *s, int *code)
{
    struct pl_entry e;
    int got = st_read(s, s->place.base, &e);
    if (got < 0) {
        ctl_complain("%s: %s. %s", s->conf->name.s, s->err.text, s->err.hint);
        return refuse(code, CTL_NO_DB);
    }
    if (got != LDAP_OK) {
        ctl_complain(
            "--selftest %s: it does not exist, or our account may not see it (%d %s). How it is made and given "
            "to our account: add --snippets -",
            s->place.base.s, got, pl_result_name(got));
        return refuse(code, CTL_USAGE);
    }
    if (!pl_dn_equal(e.dn, s->place.base)) {
        ctl_complain("--selftest %s: the server calls it %s. Name it so.", s->place.base.s, e.dn.s);
        return refuse(code, CTL_USAGE);
    }
    s->place.base = e.dn; /* in the server's own spelling */
    return true;
}

static bool is_empty(struct st *s, const struct scan *x, int *code)
{
    if (x->n_others == 0)
        return true;
    ctl_complain("--selftest %s: it is not empty, so nothing is written. %zu entr%s that no self-test left:",
                 s->place.base.s, x->n_others, x->n_others == 1 ? "y" : "ies");
    for (size_t i = 0; i < x->n_others && i < SHOWN; i++)
        ctl_complain("  %s", x->others[i].s);
    if (x->n_others > SHOWN)
        ctl_complain("  and %zu more", x->n_others - SHOWN);
    return refuse(code, CTL_USAGE);
}

bool st_prepare(struct st *s, const char *ou, int *code)
{
    struct pl_buf normal = {0};
    struct pl_err err;
    struct scan x;
    s->place.base = pl_arena_str(s->arena, pl_str_c(ou));
    bool name = s->place.base.len > 0 && pl_dn_normal(&normal, s->place.base, &err);
    pl_buf_free(&normal);
    if (!name) {
        ctl_complain("--selftest %s: this is no DN, like ou=paasla-selftest,dc=linn,dc=ee.", ou);
        return refuse(code, CTL_USAGE);
    }
    struct pl_str rdn = st_rdn(s->conf->rdn_template);
    if (!memmem(rdn.s, rdn.len, "{login}", 7)) { /* by it the test's accounts are known, and removed */
        ctl_complain("--selftest needs {login} in the first part of rdn_template.");
        return refuse(code, CTL_USAGE);
    }
    if (!keeps_away(s, code) || !is_there(s, code))
        return false;
    int got = look(s, &x);
    if (got != LDAP_OK) {
        ctl_complain("--selftest %s: what lies in it cannot be read whole, in pages (%d %s), so nothing is written.",
                     s->place.base.s, got, pl_result_name(got));
        return refuse(code, got < 0 ? CTL_NO_DB : CTL_ATTENTION);
    }
    if (!is_empty(s, &x, code))
        return false;
    s->former = remove_all(s, x.ours, x.n_ours);
    return true;
}
