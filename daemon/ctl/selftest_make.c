/* Entries with names that nobody else has, and a mark by which a later run knows what is left of this one. */
#include "selftest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/core/template.h"
#include "lib/directory/dn.h"

#define NAME "paasla-selftest-" /* with four more it is as long as a sAMAccountName may be */
#define MARK "paasla selftest "

enum { TAIL = 4, TAIL_MIN = 3, CLASSES_MAX = 16, NORMAL = 0 };

/* ---- names ---- */

struct pl_str st_token(struct st *s)
{
    static const char signs[] = "abcdefghijklmnopqrstuvwxyz234567"; /* 32: each byte gives one */
    unsigned char pool[TAIL];
    char tail[TAIL + 1] = {0};
    if (getrandom(pool, sizeof pool, 0) != (ssize_t)sizeof pool)
        abort();
    for (size_t i = 0; i < TAIL; i++)
        tail[i] = signs[pool[i] % 32];
    return pl_arena_printf(s->arena, NAME "%s", tail);
}

struct pl_str st_rdn(struct pl_str dn)
{
    struct pl_str parent = pl_dn_parent(dn);
    return parent.len ? (struct pl_str){dn.s, (size_t)(parent.s - dn.s) - 1} : dn;
}

static bool has_token(struct pl_str rdn)
{
    const char *at = memmem(rdn.s, rdn.len, NAME, sizeof NAME - 1);
    size_t n = 0, rest = at ? rdn.len - (size_t)(at - rdn.s) - (sizeof NAME - 1) : 0;
    for (at = at ? at + sizeof NAME - 1 : NULL; n < rest && n < TAIL_MIN; n++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz234567", at[n]) || !at[n])
            break;
    return n == TAIL_MIN;
}

bool st_is_ours(const struct st *s, const struct pl_entry *e)
{
    const struct pl_attr *a = pl_entry_attr(e, "description");
    bool marked = false;
    for (size_t i = 0; a && i < a->n; i++)
        marked = marked || (a->values[i].len > sizeof MARK - 1 && memcmp(a->values[i].s, MARK, sizeof MARK - 1) == 0);
    return marked && has_token(st_rdn(e->dn)) && pld_place_holds(&s->place, e->dn);
}

void st_remember(struct st *s, struct pl_str dn)
{
    if ((s->n_made & (s->n_made + 1)) == 0) { /* room for 1, 3, 7, ... */
        struct pl_str *more = pl_arena_array(s->arena, s->n_made * 2 + 1, sizeof *more);
        if (s->n_made)
            memcpy(more, s->made, s->n_made * sizeof *more);
        s->made = more;
    }
    s->made[s->n_made++] = pl_arena_str(s->arena, dn);
}

/* ---- attributes ---- */

struct attrs {
    struct st *s;
    struct pl_attr list[64];
    size_t n;
};

static void put(struct attrs *a, struct pl_str name, struct pl_str value)
{
    size_t k = 0;
    if (value.len == 0)
        return;
    while (k < a->n && !pl_str_ieq(a->list[k].name, name))
        k++;
    if (k == a->n) {
        if (a->n + 8 > sizeof a->list / sizeof a->list[0])
            return;
        a->list[a->n++] =
            (struct pl_attr){name, pl_arena_array(a->s->arena, CLASSES_MAX, sizeof *a->list[0].values), 0};
    }
    if (a->list[k].n < CLASSES_MAX)
        a->list[k].values[a->list[k].n++] = value;
}

static void put_c(struct attrs *a, const char *name, const char *value)
{
    put(a, pl_str_c(name), pl_str_c(value));
}

/* ---- accounts ---- */

static struct pl_str next_word(struct pl_str *rest)
{
    while (rest->len && strchr(" \t", rest->s[0]))
        rest->s++, rest->len--;
    struct pl_str w = {rest->s, 0};
    while (w.len < rest->len && !strchr(" \t", w.s[w.len]))
        w.len++;
    rest->s += w.len;
    rest->len -= w.len;
    return w;
}

static bool begins_with(struct pl_str rdn, struct pl_str attr)
{
    const char *sign = memchr(rdn.s, '=', rdn.len);
    size_t len = sign ? (size_t)(sign - rdn.s) : 0;
    while (len > 0 && rdn.s[len - 1] == ' ')
        len--;
    return pl_str_ieq((struct pl_str){rdn.s, len}, attr);
}

/* The configured form of names, which holds the log-in (st_prepare has looked). */
static struct pl_str account_dn(struct st *s, const struct pl_words *w)
{
    struct pl_str rdn = pl_template_render(s->arena, st_rdn(s->conf->rdn_template), w, true);
    return pl_arena_printf(s->arena, "%.*s,%.*s", (int)rdn.len, rdn.s, (int)s->place.base.len, s->place.base.s);
}

/* As daemon/wire.c hands the templates over and lib/engine/exec.c fills them; the description is the mark. */
static void put_templates(struct attrs *a, const struct pl_words *w)
{
    const struct pl_conf_directory *c = a->s->conf;
    struct pl_str rest = c->object_classes, word;
    bool has_login = begins_with(c->rdn_template, c->login_attribute);
    while ((word = next_word(&rest)).len)
        put(a, PL_STR("objectClass"), word);
    for (size_t i = 0; i < c->n_attributes; i++) {
        const struct pl_conf_attribute *t = &c->attributes[i];
        bool number = pl_str_ieq(t->name, c->number_attribute);
        has_login = has_login || pl_str_ieq(t->name, c->login_attribute);
        if (!pl_str_ieq_c(t->name, "description"))
            put(a, t->name,
                number ? pl_template_number(a->s->arena, t->text, w, PL_STR("personal"))
                       : pl_template_render(a->s->arena, t->text, w, false));
    }
    if (!has_login)
        put(a, c->login_attribute, w->login);
    put(a, PL_STR("description"), a->s->marker);
}

int st_make_account(struct st *s, struct st_account *out, struct pl_str login, struct pl_str given)
{
    struct attrs a = {.s = s};
    struct pl_attr born[4];
    struct pl_str token = st_token(s);
    struct pl_words w = {.login = login,
                         .given = given,
                         .family = token,
                         .employee_no = pl_arena_printf(s->arena, "st-%s", token.s + token.len - TAIL),
                         .institution = PL_STR("selftest")};
    struct pl_entry e;
    char room[PL_NATIVE_ROOM];
    *out = (struct st_account){.login = login, .dn = account_dn(s, &w)};
    put_templates(&a, &w);
    size_t n = s->dialect->born_locked(s->arena, st_now_us(), born);
    for (size_t i = 0; i < n; i++)
        a.list[a.n++] = born[i];
    int code = st_add(s, out->dn, a.list, a.n);
    if (code == NORMAL && st_read(s, out->dn, &e) == NORMAL)
        out->id = pl_arena_str(s->arena, pl_dialect_native_id(s->dialect, &e, room));
    return code;
}

/* ---- other entries ---- */

static int make(struct st *s, const char *rdn, struct pl_str token, struct attrs *a, struct pl_str *dn)
{
    put(a, PL_STR("description"), s->marker);
    put_c(a, rdn, token.s);
    struct pl_str name = pl_arena_printf(s->arena, "%s=%s,%.*s", rdn, token.s, (int)s->place.base.len, s->place.base.s);
    int code = st_add(s, name, a->list, a->n);
    if (code == NORMAL)
        *dn = name;
    return code;
}

int st_make_unit(struct st *s, struct pl_str *dn)
{
    struct attrs a = {.s = s};
    put_c(&a, "objectClass", "organizationalUnit");
    return make(s, "ou", st_token(s), &a, dn);
}

/* Stands for the configured one, so that nothing points to that. */
int st_make_placeholder(struct st *s)
{
    struct attrs a = {.s = s};
    put_c(&a, "objectClass", "organizationalRole");
    return make(s, "cn", st_token(s), &a, &s->placeholder);
}

int st_make_group(struct st *s)
{
    struct attrs a = {.s = s};
    struct pl_str token = st_token(s);
    bool ad = s->pf.dialect_bit == PF_AD;
    put_c(&a, "objectClass", ad ? "group" : "groupOfNames");
    if (ad)
        put(&a, PL_STR("sAMAccountName"), token);
    put(&a, PL_STR("member"), s->placeholder);
    return make(s, "cn", token, &a, &s->group);
}
