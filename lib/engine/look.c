/* What a task reads, and how that becomes `seen`. Only complete answers count: a search that was cut short, a missing
 * canary or another server than the one our records were made against concludes nothing. */
#include "priv.h"

#include <stdlib.h>
#include <string.h>
#include "../core/login.h"
#include "../core/template.h"
#include "../directory/dn.h"
#include "../directory/filter.h"

enum { TAG_FIND = 1, TAG_LOOK, TAG_CANARY, TAG_GROUPS, TAG_POLICY, TAG_OWNER, TAG_SERVER, TAG_SHAPE = 100 };
enum { LDAP_NO_SUCH_OBJECT = 32, ENTRIES_MAX = 64, LOGIN_KEPT_MAX = 64 /* paasla.login_name */ };

static const char *const attrs_class[] = {"objectClass", NULL};
static const char *const attrs_none[] = {"1.1", NULL};

/* ---- names ---- */

static struct pl_words words_of(const struct task *t)
{
    return (struct pl_words){.login = t->p.login,
                             .given = t->p.given,
                             .family = t->p.family,
                             .employee_no = t->p.employee_no,
                             .unit = t->p.unit,
                             .position = t->p.position,
                             .institution = t->p.institution};
}

struct pl_str pl_render(struct pl_arena *a, struct pl_str text, const struct task *t, bool dn)
{
    struct pl_words words = words_of(t);
    return pl_template_render(a, text, &words, dn);
}

struct pl_str pl_look_number(struct task *t, struct pl_arena *a)
{
    const struct pl_dir_conf *c = &t->dir->conf;
    struct pl_words words = words_of(t);
    for (size_t i = 0; i < c->n_templates; i++)
        if (pl_str_ieq(c->templates[i].attr, c->number_attr))
            return pl_template_number(a, c->templates[i].text, &words, t->p.purpose);
    return (struct pl_str){"", 0};
}

static char *conf_word(struct task *t, struct pl_str s)
{
    return (char *)(uintptr_t)pl_arena_str(t->look_arena, s).s;
}

/* ---- asking ---- */

static struct pl_command *ask(struct task *t, int tag, struct pl_str base, enum pl_scope scope, struct pl_str filter,
                              const char *const *attrs)
{
    struct pl_engine *e = t->dir->e;
    struct pl_command *c = pl_e_emit(e, PL_CMD_SEARCH, t->dir);
    c->search.channel = t->batch->class == PL_LOAD_URGENT ? PL_CH_URGENT : PL_CH_BULK;
    c->search.base = pl_arena_str(e->out, base);
    c->search.scope = scope;
    c->search.filter = pl_arena_str(e->out, filter);
    c->search.attrs = attrs;
    t->waiting++;
    pl_e_request(e, c, OWN_TASK_LOOK, t, t->dir, tag);
    return c;
}

static void fresh_round(struct task *t)
{
    pl_arena_clear(t->look_arena);
    t->entries = pl_arena_array(t->look_arena, ENTRIES_MAX, sizeof *t->entries);
    t->n_entries = 0;
    t->entry = NULL;
    t->foreign = t->canary_asked = t->canary_seen = t->policy_stands = t->unreadable = t->reopened = false;
    t->mail_asked = (struct pl_str){"", 0};
    t->mail_taken = false;
    t->n_groups_seen = 0;
    t->waiting = 0;
}

void pl_look_find(struct task *t)
{
    struct dir *d = t->dir;
    struct pl_err err = {0};
    char base[PL_LOGIN_MAX + 1], login[PL_LOGIN_MAX + 1];
    fresh_round(t);
    t->phase = PH_FIND;
    if (!pl_login_base(base, t->p.given, t->p.family, d->conf.login_style, &err)) {
        pl_task_finding(
            t, "name_unusable", "warning", 0,
            pl_arena_printf(t->arena, "No log-in can be made of this person's name: %s. %s", err.text, err.hint));
        t->trouble_later = "no log-in can be made of the name";
        t->no_login = true;
    }
    struct pl_buf f = {0};
    pl_buf_add_c(&f, "(|");
    struct pl_str number = pl_look_number(t, t->look_arena);
    if (number.len > 0)
        pl_filter_equal(&f, conf_word(t, d->conf.number_attr), number);
    struct pl_str prefix = pl_str_eq_c(t->p.purpose, "personal") ? (struct pl_str){"", 0} : d->conf.admin_prefix;
    t->candidates = pl_arena_array(t->arena, PL_CANDIDATES, sizeof *t->candidates);
    for (int i = 0; !t->no_login && i < PL_CANDIDATES; i++) {
        pl_login_candidate(login, prefix, pl_str_c(base), (unsigned)(t->candidate_from + i + 1));
        t->candidates[i] = pl_arena_str(t->arena, pl_str_c(login));
        pl_filter_equal(&f, conf_word(t, d->conf.login_attr), t->candidates[i]);
    }
    if (f.len == 2)
        pl_buf_add_c(&f, "(!(objectClass=*))");
    pl_buf_add_c(&f, ")");
    ask(t, TAG_FIND, d->conf.people_base, PL_SCOPE_SUB, pl_buf_str(&f), d->attrs);
    pl_buf_free(&f);
}

static void ask_groups(struct task *t, struct pl_str dn)
{
    struct dir *d = t->dir;
    struct pl_buf f = {0};
    pl_buf_add_c(&f, "(|");
    for (const char *const *attr = d->dialect->member_attrs; *attr; attr++)
        pl_filter_equal(&f, *attr, strcmp(*attr, "memberUid") == 0 ? t->p.login : dn);
    pl_buf_add_c(&f, ")");
    t->n_groups_seen = 0;
    ask(t, TAG_GROUPS, d->conf.group_base, PL_SCOPE_SUB, pl_buf_str(&f), d->dialect->group_attrs);
    pl_buf_free(&f);
}

/* slapd says nowhere which policy is the default, but it answers whether an account is usable only where one applies. So
 * one such answer about an entry without a policy of its own stands for all of them, while the connection lasts. */
static void learn_policy(struct dir *d, const struct pl_entry *e)
{
    const char *own = d->dialect->policy_attr;
    if (own && !pl_entry_attr(e, own) && pl_entry_attr(e, "paaslaUsable"))
        d->policy_in_force = true;
}

bool pl_policy_applies(const struct dir *d, const struct pl_entry *e)
{
    const char *own = d->dialect->policy_attr;
    return d->policy_in_force || (own && pl_entry_attr(e, own));
}

static void ask_policy(struct task *t, struct pl_str policy)
{
    t->policy_stands = false;
    if (policy.len > 0)
        ask(t, TAG_POLICY, policy, PL_SCOPE_BASE, PL_STR("(objectClass=*)"), attrs_class);
}

static void ask_owner(struct task *t)
{
    const struct pl_dir_conf *c = &t->dir->conf;
    struct pl_buf f = {0};
    if (pl_rename_owner_filter(t, &f)) {
        ask(t, TAG_OWNER, c->people_base, PL_SCOPE_SUB, pl_buf_str(&f), attrs_none);
        if (!pl_dn_under(c->group_base, c->people_base))
            ask(t, TAG_OWNER, c->group_base, PL_SCOPE_SUB, pl_buf_str(&f), attrs_none);
    }
    pl_buf_free(&f);
}

static void ask_server(struct task *t)
{
    struct pl_buf f = {0};
    struct pl_str base;
    if (pl_origin_asks(t, &f, &base))
        ask(t, TAG_SERVER, base, PL_SCOPE_SUB, pl_buf_str(&f), attrs_none);
    pl_buf_free(&f);
}

/* An account that we know by its id most likely still bears the name that we know: one round trip less. */
static void ask_ahead(struct task *t)
{
    t->ahead = t->p.native_id.len > 0 && t->p.dn.len > 0;
    if (t->ahead) {
        ask_groups(t, t->p.dn);
        ask_policy(t, t->dir->conf.policy_dn);
    }
}

static void ask_account(struct task *t)
{
    struct dir *d = t->dir;
    t->phase = PH_LOOK;
    t->looked_us = d->e->now;
    struct pl_buf f = {0};
    /* Where we believe that there is no entry, one may stand under the name: an add would meet it. */
    bool by_name = t->p.native_id.len == 0 || t->state == PL_STATE_NONE || t->state == PL_STATE_CREATING ||
                   t->state == PL_STATE_FOREIGN;
    if (!by_name) {
        pl_dialect_native_filter(d->dialect, &f, t->p.native_id);
    } else {
        struct pl_str number = pl_look_number(t, t->look_arena);
        pl_buf_add_c(&f, "(|");
        if (t->p.native_id.len > 0)
            pl_dialect_native_filter(d->dialect, &f, t->p.native_id);
        pl_filter_equal(&f, conf_word(t, d->conf.login_attr), t->p.login);
        if (number.len > 0)
            pl_filter_equal(&f, conf_word(t, d->conf.number_attr), number);
        pl_buf_add_c(&f, ")");
    }
    ask(t, TAG_LOOK, d->conf.people_base, PL_SCOPE_SUB, pl_buf_str(&f), d->look_attrs)->search.usability =
        d->dialect->usability;
    pl_buf_free(&f);
    ask_ahead(t);
}

void pl_look_begin(struct task *t)
{
    struct dir *d = t->dir;
    fresh_round(t);
    if (d->known_identity_hash && d->known_identity_hash != pl_str_hash(d->identity)) {
        pl_task_fail(t, "the directory is not the server that our records were made against");
        return;
    }
    ask_account(t);
}

/* ---- answers ---- */

void pl_look_entry(struct task *t, int tag, const struct pl_entry *entry)
{
    switch (tag) {
    case TAG_FIND:
    case TAG_LOOK:
        learn_policy(t->dir, entry);
        if (t->n_entries < ENTRIES_MAX)
            t->entries[t->n_entries++] = *pl_entry_copy(t->look_arena, entry);
        break;
    case TAG_CANARY:
        t->canary_seen = true;
        break;
    case TAG_GROUPS:
        if ((t->n_groups_seen & (t->n_groups_seen + 1)) == 0) { /* room for 1, 3, 7, ... */
            struct pl_str *more = pl_arena_array(t->look_arena, t->n_groups_seen * 2 + 2, sizeof *more);
            uint64_t *hashes = pl_arena_array(t->look_arena, t->n_groups_seen * 2 + 2, sizeof *hashes);
            if (t->n_groups_seen) {
                memcpy(more, t->groups_seen, t->n_groups_seen * sizeof *more);
                memcpy(hashes, t->groups_seen_hash, t->n_groups_seen * sizeof *hashes);
            }
            t->groups_seen = more;
            t->groups_seen_hash = hashes;
        }
        t->groups_seen[t->n_groups_seen] = pl_arena_str(t->look_arena, entry->dn);
        t->groups_seen_hash[t->n_groups_seen] = pl_dn_hash(entry->dn);
        pl_shape_learn(t->dir, pl_shape(t->dir, t->groups_seen_hash[t->n_groups_seen], true), entry);
        t->n_groups_seen++;
        break;
    case TAG_POLICY:
        t->policy_stands = pl_entry_has_class(entry, "pwdPolicy");
        break;
    case TAG_OWNER:
        pl_rename_owner(t, entry->dn);
        break;
    case TAG_SERVER:
        pl_origin_answer(t, entry->dn);
        break;
    default:
        pl_shape_learn(t->dir, pl_shape(t->dir, t->ops[tag - TAG_SHAPE].group->dn_hash, true), entry);
    }
}

/* Whose entry is it? A number that is ours and a log-in that is ours make it ours. */
static void recognise(struct task *t)
{
    struct dir *d = t->dir;
    struct pl_str number = pl_look_number(t, t->look_arena);
    const char *login_attr = conf_word(t, d->conf.login_attr), *number_attr = conf_word(t, d->conf.number_attr);
    char room[PL_NATIVE_ROOM];
    for (size_t i = 0; i < t->n_entries; i++) {
        const struct pl_entry *e = &t->entries[i];
        if (t->p.native_id.len > 0) {
            if (pl_str_ieq(pl_dialect_native_id(d->dialect, e, room), t->p.native_id))
                t->entry = e;
            else if (pl_str_ieq(pl_entry_first(e, login_attr), t->p.login))
                t->foreign = true; /* the same name, another entry: deleted and made anew by somebody */
            continue;
        }
        bool ours = number.len > 0 && pl_str_eq(pl_entry_first(e, number_attr), number) &&
                    pl_str_ieq(pl_entry_first(e, login_attr), t->p.login);
        if (ours && !t->entry)
            t->entry = e;
        else
            t->foreign = true;
    }
    if (t->entry && t->p.native_id.len > 0)
        t->foreign = false; /* found by its id, whoever else bears the name */
    if (t->foreign)
        t->entry = NULL;
}

/* The log-in of an entry that is the person's already, in the form that the table keeps; empty when it has none. */
static struct pl_str kept_login(struct task *t, struct pl_str login)
{
    static const char signs[] = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
    char *low = pl_arena_array(t->dir->e->out, login.len + 1, 1);
    for (size_t i = 0; i < login.len; i++) {
        low[i] = login.s[i] >= 'A' && login.s[i] <= 'Z' ? (char)(login.s[i] + ('a' - 'A')) : login.s[i];
        if (!low[i] || !strchr(signs, low[i]))
            return (struct pl_str){"", 0};
    }
    bool fits = login.len > 0 && login.len <= LOGIN_KEPT_MAX && low[0] != '.' && low[0] != '-';
    return fits ? (struct pl_str){low, login.len} : (struct pl_str){"", 0};
}

/* An account with a log-in that we cannot keep: it is the person's, and nothing of ours. */
static void login_unusable(struct task *t, struct pl_str login)
{
    bool leaves = t->p.need == PL_NEED_OUT || t->p.need == PL_NEED_PAUSED;
    pl_task_finding(
        t, "login_unusable", leaves ? "critical" : "warning", 0,
        pl_arena_printf(t->arena,
                        "The person's account has the log-in %.*s, which has signs that we do not keep (letters "
                        "a to z, digits, . _ -); it is left alone.%s",
                        (int)login.len, login.s, leaves ? " Lock it by hand." : ""));
    t->trouble_later = "the account's log-in cannot be kept";
    t->n_entries = 0;
    t->p.need = PL_NEED_NONE; /* no second account is made */
    pl_task_looked(t);
}

/* Which of the candidates the directory takes for used. It has its own way to compare; an entry that it showed and that
 * is none of them to us may be any of them to it. */
static bool is_taken(struct task *t, struct pl_str candidate)
{
    const struct dir *d = t->dir;
    struct pl_str number = pl_look_number(t, t->look_arena);
    bool taken = false;
    for (size_t i = 0; i < t->n_entries && !taken; i++) {
        struct pl_str login = pl_entry_first(&t->entries[i], d->conf.login_attr.s);
        bool none = number.len == 0 || !pl_str_eq(pl_entry_first(&t->entries[i], d->conf.number_attr.s), number);
        for (int k = 0; none && k < PL_CANDIDATES; k++)
            none = !pl_login_same(login, t->candidates[k]);
        taken = none || pl_login_same(login, candidate);
    }
    return taken;
}

static void found(struct task *t)
{
    struct dir *d = t->dir;
    struct pl_engine *e = d->e;
    struct pl_str number = pl_look_number(t, t->look_arena), theirs = {"", 0};
    const char *login_attr = conf_word(t, d->conf.login_attr), *number_attr = conf_word(t, d->conf.number_attr);
    size_t by_number = 0, n = 0;
    struct pl_str *free_ones = pl_arena_array(e->out, PL_CANDIDATES + 1, sizeof *free_ones);
    for (size_t i = 0; i < t->n_entries; i++)
        if (number.len > 0 && pl_str_eq(pl_entry_first(&t->entries[i], number_attr), number)) {
            by_number++;
            theirs = pl_entry_first(&t->entries[i], login_attr);
            pl_fresh_add(d, pl_dn_hash(t->entries[i].dn));
        }
    if (by_number > 1) {
        t->foreign = true;
        pl_task_looked(t);
        return;
    }
    if (by_number == 1 && theirs.len > 0) {
        free_ones[0] = kept_login(t, theirs);
        if (free_ones[0].len == 0) {
            login_unusable(t, theirs);
            return;
        }
        n = 1;
    } else {
        for (int i = 0; !t->no_login && i < PL_CANDIDATES; i++)
            if (!is_taken(t, t->candidates[i]))
                free_ones[n++] = t->candidates[i];
    }
    bool needed = t->p.need == PL_NEED_OPEN || t->p.need == PL_NEED_READY;
    bool writes = t->batch->class != PL_LOAD_PREVIEW && t->p.dir_mode == PL_MODE_ENFORCE;
    if (n == 0 && !t->no_login && needed) { /* all of these stand in the directory: the next ones */
        t->candidate_from += PL_CANDIDATES;
        if (t->candidate_from > 900)
            pl_task_fail(t, "no log-in is free");
        else
            pl_look_find(t);
        return;
    }
    if (by_number == 0 && (!needed || t->no_login || !writes)) {
        if (n > 0)
            t->p.login = pl_arena_str(t->arena, free_ones[0]);
        t->n_entries = 0;
        if (t->no_login && needed)
            t->p.need = PL_NEED_NONE; /* cannot be made; the finding says so */
        pl_task_looked(t);
        return;
    }
    if (t->batch->class == PL_LOAD_PREVIEW) {
        t->p.login = pl_arena_str(t->arena, theirs);
        pl_look_begin(t);
        return;
    }
    t->phase = PH_RESERVE;
    struct pl_command *c = pl_e_emit(e, PL_CMD_RESERVE, d);
    c->reserve.person_id = t->p.person_id;
    c->reserve.purpose = t->p.purpose;
    c->reserve.candidates = free_ones;
    c->reserve.n_candidates = n;
    pl_e_request(e, c, OWN_TASK_STORE, t, NULL, PH_RESERVE);
}

/* What was asked ahead stands when the account bears that name, and has no policy of its own. */
static void groups_and_policy(struct task *t)
{
    struct dir *d = t->dir;
    struct pl_str own =
        d->dialect->policy_attr ? pl_entry_first(t->entry, d->dialect->policy_attr) : (struct pl_str){"", 0};
    struct pl_str policy = own.len > 0 ? own : d->conf.policy_dn;
    t->phase = PH_MORE;
    if (!t->ahead || !pl_dn_equal(t->p.dn, t->entry->dn))
        ask_groups(t, t->entry->dn);
    if (!t->ahead || (policy.len > 0 && !pl_dn_equal(policy, d->conf.policy_dn)))
        ask_policy(t, policy);
    ask_owner(t);
    ask_server(t);
    if (t->waiting == 0)
        pl_task_looked(t);
}

static void looked_at_account(struct task *t)
{
    struct dir *d = t->dir;
    recognise(t);
    if (t->entry && t->batch->class != PL_LOAD_PREVIEW) /* nothing follows from a preview */
        pl_watch_seen(d->watch, t->entry);
    if (t->entry)
        groups_and_policy(t);
    else if (!t->foreign && d->conf.canary_dn.len > 0 && !t->canary_asked) {
        t->phase = PH_CANARY;
        t->canary_asked = true;
        ask(t, TAG_CANARY, d->conf.canary_dn, PL_SCOPE_BASE, PL_STR("(objectClass=*)"), attrs_none);
    } else {
        t->n_groups_seen = 0; /* groups may still name an entry that is gone: no account, no memberships */
        pl_task_looked(t);
    }
}

void pl_look_result(struct task *t, int tag, int code, bool complete)
{
    t->waiting--;
    bool missing = code == LDAP_NO_SUCH_OBJECT;
    if (tag >= TAG_SHAPE) {
        if (missing)
            pl_shape(t->dir, t->ops[tag - TAG_SHAPE].group->dn_hash, true)->shape = PL_GROUP_UNKNOWN;
        else if (code != 0)
            t->unreadable = true;
        if (t->waiting == 0) {
            if (t->unreadable)
                pl_task_fail(t, "a group could not be read");
            else
                pl_task_shapes_known(t);
        }
        return;
    }
    if (tag == TAG_OWNER && code > 0 && pl_result_verdict(PL_WRITE_ACCOUNT, code) != PL_VERDICT_RETRY)
        t->mail_taken = true; /* the server does not say */
    else if (tag == TAG_SERVER && code >= 0)
        pl_origin_answer(t, (struct pl_str){"", 0}); /* it has no name, or the answer before this one told it */
    else if (!(code == 0 && complete) && !(missing && (tag == TAG_POLICY || tag == TAG_CANARY)))
        t->unreadable = true;
    if (t->waiting > 0)
        return;
    if (t->unreadable) {
        pl_task_fail(t, "the directory's answer was not complete");
    } else if (tag == TAG_FIND) {
        found(t);
    } else if (t->phase == PH_LOOK) {
        looked_at_account(t);
    } else if (tag == TAG_CANARY && !t->canary_seen) {
        pl_task_fail(t, "the canary entry is not visible, so absence proves nothing");
    } else if (tag == TAG_CANARY) { /* it proves nothing about an earlier search: look once more, now that we see */
        t->n_entries = 0;
        ask_account(t);
    } else {
        pl_task_looked(t);
    }
}

bool pl_plan_shapes(struct task *t)
{
    bool asked = false;
    for (size_t i = 0; i < t->n_ops; i++) {
        struct op *o = &t->ops[i];
        if (!o->group || pl_shape(t->dir, o->group->dn_hash, true)->shape != PL_GROUP_UNKNOWN)
            continue;
        ask(t, TAG_SHAPE + (int)i, o->group->dn, PL_SCOPE_BASE, PL_STR("(objectClass=*)"),
            t->dir->dialect->group_attrs);
        asked = true;
    }
    return asked;
}

/* ---- small things ---- */

struct pl_entry *pl_entry_copy(struct pl_arena *a, const struct pl_entry *e)
{
    struct pl_entry *out = pl_arena_alloc(a, sizeof *out);
    out->dn = pl_arena_str(a, e->dn);
    out->n = e->n;
    out->attrs = pl_arena_array(a, e->n, sizeof *out->attrs);
    for (size_t i = 0; i < e->n; i++) {
        out->attrs[i].name = pl_arena_str(a, e->attrs[i].name);
        out->attrs[i].n = e->attrs[i].n;
        out->attrs[i].values = pl_arena_array(a, e->attrs[i].n, sizeof *out->attrs[i].values);
        for (size_t k = 0; k < e->attrs[i].n; k++)
            out->attrs[i].values[k] = pl_arena_str(a, e->attrs[i].values[k]);
    }
    return out;
}

struct shape *pl_shape(struct dir *d, uint64_t dn_hash, bool make)
{
    for (size_t i = 0; i < d->n_shapes; i++)
        if (d->shapes[i].dn_hash == dn_hash)
            return &d->shapes[i];
    if (!make)
        return NULL;
    struct shape s = {.dn_hash = dn_hash, .shape = PL_GROUP_UNKNOWN};
    PUSH(d->shapes, d->n_shapes, s);
    return &d->shapes[d->n_shapes - 1];
}

void pl_shape_learn(const struct dir *d, struct shape *s, const struct pl_entry *group)
{
    s->shape = d->dialect->group_shape(group);
    s->key = d->dialect->group_key ? d->dialect->group_key(group) : 0;
    for (size_t i = 0; s->shape == PL_GROUP_PRIVILEGED && i < d->n_privileged; i++)
        if (d->privileged[i] == s->dn_hash)
            s->shape = PL_GROUP_NAMES;
}
