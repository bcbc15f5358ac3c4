/* Reading and writing for the checks: one connection as the daemon's, and a second one for what somebody else does. */
#include "selftest.h"

#include <string.h>
#include <time.h>

#include "lib/directory/filter.h"

enum { LDAP_OK = 0, NO_SUCH_OBJECT = 32, ATTRS_MAX = 40 };

int64_t st_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- reading ---- */

const struct pl_entry *st_keep(struct st *s, const struct pl_entry *e)
{
    struct pl_entry *out = pl_arena_alloc(s->arena, sizeof *out);
    *out = (struct pl_entry){.dn = pl_arena_str(s->arena, e->dn), .n = e->n};
    out->attrs = pl_arena_array(s->arena, e->n, sizeof *out->attrs);
    for (size_t i = 0; i < e->n; i++) {
        const struct pl_attr *from = &e->attrs[i];
        struct pl_attr *to = &out->attrs[i];
        *to = (struct pl_attr){.name = pl_arena_str(s->arena, from->name), .n = from->n};
        to->values = pl_arena_array(s->arena, from->n, sizeof *to->values);
        for (size_t k = 0; k < from->n; k++)
            to->values[k] = pl_arena_str(s->arena, from->values[k]);
    }
    return out;
}

struct taken {
    struct st *s;
    struct pl_entry *out;
    long n;
};

static void take(void *ctx, const struct pl_entry *e)
{
    struct taken *t = ctx;
    if (t->n++ == 0)
        *t->out = *st_keep(t->s, e);
}

/* What the daemon asks for, and what the checks want to see beside it. */
static const char **attrs_of(struct st *s)
{
    const char *const more[] = {"description", "cn", s->dialect->member_attrs[0]};
    const char **out = pl_arena_array(s->arena, ATTRS_MAX, sizeof *out);
    size_t n = 0;
    for (; s->dialect->person_attrs[n] && n < ATTRS_MAX - 12; n++)
        out[n] = s->dialect->person_attrs[n];
    for (size_t i = 0; s->dialect->group_attrs[i] && n < ATTRS_MAX - 7; i++)
        out[n++] = s->dialect->group_attrs[i];
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        out[n++] = more[i];
    out[n++] = s->conf->login_attribute.s;
    if (s->conf->fence_attribute.len)
        out[n++] = s->conf->fence_attribute.s;
    return out;
}

static int search(struct st *s, struct pl_str base, enum pl_scope scope, const char *filter, struct taken *t)
{
    struct pld_once_ask ask = {.base = base,
                               .scope = scope,
                               .filter = filter,
                               .attrs = attrs_of(s),
                               .usability = s->dialect->usability,
                               .entry = take,
                               .ctx = t};
    struct pld_once_answer a;
    *t->out = (struct pl_entry){0};
    if (!pld_once_search(s->hands[ST_OURS], &ask, &a) && a.code < 0) {
        s->err = a.err;
        s->lost = true;
    }
    return a.code;
}

int st_read(struct st *s, struct pl_str dn, struct pl_entry *out)
{
    struct taken t = {s, out, 0};
    int code = search(s, dn, PL_SCOPE_BASE, NULL, &t);
    return code == LDAP_OK && t.n == 0 ? NO_SUCH_OBJECT : code;
}

int st_find(struct st *s, struct pl_str filter, struct pl_entry *out, long *n)
{
    struct taken t = {s, out, 0};
    int code = search(s, s->place.base, PL_SCOPE_SUB, pl_arena_str(s->arena, filter).s, &t);
    *n = t.n;
    return code;
}

/* ---- whether a lock holds, as the engine judges it ---- */

static bool is_policy(struct st *s, struct pl_str dn)
{
    struct pl_entry e;
    return dn.len > 0 && st_read(s, dn, &e) == LDAP_OK && pl_entry_has_class(&e, "pwdPolicy");
}

enum pl_lock st_lock_of(struct st *s, const struct pl_entry *e)
{
    const char *attr = s->dialect->policy_attr;
    struct pl_str own = attr ? pl_entry_first(e, attr) : (struct pl_str){"", 0};
    bool applies = own.len > 0 || s->facts.policy_in_force || pl_entry_attr(e, "paaslaUsable") != NULL;
    struct pl_dir_facts facts = {
        .ppolicy = s->facts.ppolicy,
        .policy_stands = attr && applies && is_policy(s, own.len > 0 ? own : s->conf->policy_dn),
    };
    return s->dialect->lock_seen(e, &facts, st_now_us());
}

/* ---- writing ---- */

static int answered(struct st *s, enum st_hand hand, int code)
{
    if (code < 0 && hand == ST_OURS)
        s->lost = true;
    return code;
}

/* The second connection comes up when it is needed first. */
static struct pld_once *hand_of(struct st *s, enum st_hand hand)
{
    struct pld_once_facts facts;
    if (!s->hands[hand]) {
        s->hands[hand] = pld_once_open(s->conf, s->uri, &facts);
        s->err = facts.err;
    }
    return s->hands[hand];
}

int st_add(struct st *s, struct pl_str dn, const struct pl_attr *attrs, size_t n)
{
    st_remember(s, dn);
    return answered(s, ST_OURS, pld_once_add(s->hands[ST_OURS], &s->place, dn, attrs, n, &s->err));
}

int st_delete(struct st *s, struct pl_str dn)
{
    return answered(s, ST_OURS, pld_once_delete(s->hands[ST_OURS], &s->place, dn, &s->err));
}

static int modify(struct st *s, enum st_hand hand, const struct pld_once_change *change)
{
    struct pld_once *o = hand_of(s, hand);
    return o ? answered(s, hand, pld_once_modify(o, &s->place, change, &s->err)) : ST_NO_ANSWER;
}

int st_mods(struct st *s, enum st_hand hand, struct pl_str dn, const struct pl_mod *mods, size_t n)
{
    return modify(s, hand, &(struct pld_once_change){.dn = dn, .mods = mods, .n_mods = n});
}

/* ---- passwords ---- */

/* False: none could be drawn. */
static bool draw(struct st *s, enum pl_secret secret, struct st_account *a, struct pl_buf *out)
{
    if (secret == PL_SECRET_FIRST)
        return pld_once_first_password(s->dialect->password_form, a->password, out, &s->err);
    return pld_once_useless_password(s->dialect->password_form, out, &s->err);
}

int st_password(struct st *s, struct st_account *a)
{
    struct pl_buf word = {0};
    int code = ST_NO_ANSWER;
    if (draw(s, PL_SECRET_FIRST, a, &word))
        code = modify(s, ST_OURS,
                      &(struct pld_once_change){
                          .dn = a->dn, .password_attr = s->dialect->password_attr, .password = pl_buf_str(&word)});
    pld_once_forget(&word);
    return code;
}

/* Kerberos seals the daemon's own connection; a password of somebody else's would go in the clear. */
static bool may_be_tried(struct st *s, struct st_result *r)
{
    bool bare =
        pl_str_eq_c(s->conf->sasl, "gssapi") && pl_str_eq_c(s->conf->tls, "none") && strncmp(s->uri, "ldap://", 7) == 0;
    if (!bare)
        return true;
    st_saw(s, r, "a password does not go out without TLS");
    if (!s->unproven)
        s->notes[s->n_notes++] = PL_STR("Whether a lock ends log-ons was not tried: the connection has no TLS. For the "
                                        "test alone, give a configuration with an ldaps:// address or StartTLS.");
    s->unproven = true;
    return false;
}

int st_log_on(struct st *s, const struct st_account *a, struct st_result *r)
{
    struct pl_err why = {0};
    if (!may_be_tried(s, r))
        return ST_NOT_TRIED;
    int code = pld_once_log_on(s->conf, s->uri, a->dn, pl_str_c(a->password), &why);
    const char *reason = strstr(why.text, "service account: "); /* the daemon's sentence is about its own */
    if (code == ST_NO_ANSWER)
        s->err = why;
    else if (code > 0 && reason)
        st_saw(s, r, "%.*s", (int)strcspn(reason + 17, "("), reason + 17);
    return code;
}

/* ---- the steps of a change, as lib/engine/exec.c sends them ---- */

static bool listed(const int *codes, int code)
{
    for (; codes && *codes; codes++)
        if (*codes == code)
            return true;
    return false;
}

/* The entry must still be the one that was read: its id, and for an unlock its very version. */
static struct pl_str assertion(struct st *s, enum pl_change what, const struct pl_entry *as_read)
{
    char room[PL_NATIVE_ROOM];
    struct pl_str id = pl_dialect_native_id(s->dialect, as_read, room), none = {"", 0};
    struct pl_str seen = s->dialect->version_attr ? pl_entry_first(as_read, s->dialect->version_attr) : none;
    struct pl_buf b = {0};
    bool version = what == PL_CHANGE_OPEN && seen.len > 0;
    if (!s->facts.assertion || id.len == 0)
        return none;
    if (version)
        pl_buf_add_c(&b, "(&");
    pl_dialect_native_filter(s->dialect, &b, id);
    if (version) {
        pl_filter_equal(&b, s->dialect->version_attr, seen);
        pl_buf_add_c(&b, ")");
    }
    struct pl_str out = pl_arena_str(s->arena, pl_buf_str(&b));
    pl_buf_free(&b);
    return out;
}

static int send_step(struct st *s, enum st_hand hand, struct st_account *a, const struct pl_step *step,
                     struct pl_str asserted)
{
    struct pl_buf word = {0}, told = {0};
    struct pld_once_change c = {.dn = a->dn,
                                .mods = step->mods,
                                .n_mods = step->n_mods,
                                .assertion = asserted,
                                .tell = s->facts.post_read && s->facts.watch ? s->dialect->echo_attrs : NULL,
                                .told = &told};
    int code = ST_NO_ANSWER;
    if (step->secret != PL_SECRET_NONE && !draw(s, step->secret, a, &word))
        goto out;
    c.password_attr = s->dialect->password_attr;
    c.password = pl_buf_str(&word);
    code = modify(s, hand, &c);
out:
    pld_once_forget(&word);
    pl_buf_free(&told);
    return code;
}

int st_change(struct st *s, enum st_hand hand, struct st_account *a, enum pl_change what, enum pl_secret opening,
              const struct pl_entry *as_read)
{
    struct pl_step steps[PL_STEPS_MAX];
    struct pl_change_in in = {.arena = s->arena,
                              .entry = as_read,
                              .now_us = st_now_us(),
                              .opening = opening,
                              .fence_attr = s->conf->fence_attribute.len ? s->conf->fence_attribute.s : NULL,
                              .must_change = opening == PL_SECRET_FIRST && s->conf->must_change_password,
                              .clear_certificates = pl_str_eq_c(s->conf->certificates, "clear")};
    size_t n = pl_dialect_change(s->dialect, what, &in, steps);
    struct pl_str asserted = assertion(s, what, as_read);
    int left = 0; /* of a stage behind the lock */
    for (size_t i = 0; i < n;) {
        int code = send_step(s, hand, a, &steps[i], asserted), stage = steps[i].stage;
        bool ok = code == LDAP_OK || listed(steps[i].also, code);
        bool next = !ok && listed(steps[i].next_on, code) && i + 1 < n && steps[i + 1].stage == stage;
        if (!ok && !next && (code < 0 || what == PL_CHANGE_OPEN || stage == 0))
            return code;
        if (!ok && !next && !steps[i].extra && left == 0)
            left = code;
        for (i++; !next && i < n && steps[i].stage == stage;)
            i++;
    }
    return n == 0 ? ST_NOTHING : left;
}
