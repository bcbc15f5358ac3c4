/* Checks of the place, of names and ids, and of what else the daemon relies on when the server offers it. */
#include "selftest.h"

#include <string.h>

#include "lib/directory/dn.h"
#include "lib/directory/filter.h"

enum { LDAP_OK = 0, ENTRY_EXISTS = 68, CONSTRAINT = 19, PAGE = 2 };

/* May our account make and remove here? Before there is more than one entry to be left behind. */
int st_place_usable(struct st *s, struct st_result *r)
{
    struct pl_str dn = {"", 0};
    int code = st_make_unit(s, &dn);
    if (code != LDAP_OK) {
        st_saw(s, r, "it may not make an entry");
        return code;
    }
    code = st_delete(s, dn);
    if (code != LDAP_OK)
        st_saw(s, r, "it may not remove what it has made");
    return code;
}

/* ---- names ---- */

/* Every letter of Estonian, and a comma, which a DN has to escape. */
int st_named(struct st *s, struct st_result *r)
{
    int code =
        st_make_account(s, &s->named, st_token(s), PL_STR("\xc3\x95\xc3\xa4\xc3\xb6\xc3\xbc\xc5\xa1\xc5\xbe, J"));
    if (code == LDAP_OK &&
        !memchr(s->named.dn.s, '\\',
                s->named.dn.len - s->place.base.len)) { /* the configured names do not show it: one of our own does */
        struct pl_str rdn =
            pl_arena_printf(s->arena, "cn=%s \xc3\x95\xc3\xa4\xc3\xb6\xc3\xbc\xc5\xa1\xc5\xbe\\, J", st_token(s).s);
        struct pl_str dn = pl_arena_printf(s->arena, "%s,%s", rdn.s, s->place.base.s);
        st_remember(s, dn);
        code = pld_once_rename(s->hands[ST_OURS], &s->place, s->named.dn, rdn, s->place.base, &s->err);
        s->lost = s->lost || code < 0;
        s->named.dn = code == LDAP_OK ? dn : s->named.dn;
        if (code == LDAP_OK)
            st_saw(s, r, "by a new name");
    }
    return code;
}

/* The account's entry, looked for by one attribute of its name. */
static int find(struct st *s, struct st_result *r, struct pl_str filter)
{
    struct pl_entry e;
    long n = 0;
    int code = st_find(s, filter, &e, &n);
    r->wrong = n != 1 || !pl_dn_equal(e.dn, s->named.dn);
    if (n != 1)
        st_saw(s, r, "%ld entries are found", n);
    else if (r->wrong)
        st_saw(s, r, "the server calls it %s", e.dn.s);
    return code;
}

int st_round_trip(struct st *s, struct st_result *r)
{
    struct pl_entry e;
    struct pl_buf f = {0};
    int code = st_read(s, s->named.dn, &e);
    const struct pl_attr *cn = pl_entry_attr(&e, "cn");
    struct pl_str value = {"", 0};
    for (size_t i = 0; cn && i < cn->n; i++)
        if (memchr(cn->values[i].s, ',', cn->values[i].len))
            value = cn->values[i];
    if (code != LDAP_OK || value.len == 0) {
        r->wrong = true;
        st_saw(s, r, "the name is not what was written");
        return code;
    }
    pl_filter_equal(&f, "cn", value);
    code = find(s, r, pl_buf_str(&f));
    pl_buf_free(&f);
    return code;
}

int st_rename(struct st *s, struct st_result *r)
{
    int code = s->unit.len ? LDAP_OK : st_make_unit(s, &s->unit);
    struct pl_str token = st_token(s);
    const char *sign = strchr(s->named.dn.s, '=');
    struct pl_str rdn =
        pl_arena_printf(s->arena, "%.*s=%s uus\\, nimi", (int)(sign - s->named.dn.s), s->named.dn.s, token.s);
    struct pl_str dn = pl_arena_printf(s->arena, "%s,%s", rdn.s, s->unit.s);
    if (code != LDAP_OK) {
        st_saw(s, r, "an OU in it could not be made");
        return code;
    }
    st_remember(s, dn);
    code = pld_once_rename(s->hands[ST_OURS], &s->place, s->named.dn, rdn, s->unit, &s->err);
    s->lost = s->lost || code < 0;
    if (code == LDAP_OK)
        s->named.dn = dn;
    return code;
}

/* However it is called now, and wherever it lies: found by what names it for its whole life. */
int st_by_id(struct st *s, struct st_result *r)
{
    struct pl_buf f = {0};
    pl_dialect_native_filter(s->dialect, &f, s->named.id);
    int code = find(s, r, pl_buf_str(&f));
    pl_buf_free(&f);
    return code;
}

/* jaan.oun and jaan.\xc3\xb5un: log-ins that differ by the mark of a letter only. */
int st_alike(struct st *s, struct st_result *r)
{
    struct st_account plain, marked;
    struct pl_str token = st_token(s);
    int len = (int)token.len - 1, code;
    struct pl_str one = pl_arena_printf(s->arena, "%.*so", len, token.s);
    struct pl_str two = pl_arena_printf(s->arena, "%.*s\xc3\xb5", len, token.s);
    if ((code = st_make_account(s, &plain, one, PL_STR("Jaan O"))) != LDAP_OK) {
        st_saw(s, r, "the first of the two could not be made");
        return code < 0 ? code : ST_NOT_TRIED;
    }
    code = st_make_account(s, &marked, two, PL_STR("Jaan Y"));
    /* 19 is what Windows says of a second userPrincipalName; elsewhere it is a rule about letters (389: 7-bit check). */
    bool same = code == ENTRY_EXISTS || (code == CONSTRAINT && s->pf.dialect_bit == PF_AD);
    st_saw(s, r, "%s",
           code == LDAP_OK ? "it takes both: to it they are two log-ins"
           : same          ? "to it they are one log-in"
                           : "it does not take the letter in a log-in");
    return code;
}

/* ---- what is used where the server offers it ---- */

int st_assertion(struct st *s, struct st_result *r)
{
    const char *login = s->conf->login_attribute.s;
    struct pl_buf f = {0};
    struct pl_entry before, after;
    if (!s->facts.assertion) {
        st_saw(s, r, "the server does not offer it");
        return ST_NOT_TRIED;
    }
    pl_filter_equal(&f, login, PL_STR("paasla-selftest-nobody"));
    struct pl_mod m = {PL_MOD_REPLACE, PL_STR("description"), &s->marker, 1};
    struct pld_once_change c = {.dn = s->one.dn, .mods = &m, .n_mods = 1, .assertion = pl_buf_str(&f)};
    int code = st_read(s, s->one.dn, &before);
    if (code == LDAP_OK)
        code = pld_once_modify(s->hands[ST_OURS], &s->place, &c, &s->err);
    s->lost = s->lost || code < 0;
    const char *version = s->dialect->version_attr;
    if (version && st_read(s, s->one.dn, &after) == LDAP_OK)
        r->wrong = !pl_str_eq(pl_entry_first(&before, version), pl_entry_first(&after, version));
    if (r->wrong)
        st_saw(s, r, "and the entry was written");
    pl_buf_free(&f);
    return code;
}

int st_post_read(struct st *s, struct st_result *r)
{
    struct pl_mod m = {PL_MOD_REPLACE, PL_STR("description"), &s->marker, 1};
    struct pl_buf told = {0};
    struct pl_entry e;
    if (!s->facts.post_read || !s->dialect->echo_attrs) {
        st_saw(s, r, s->dialect->echo_attrs ? "the server does not offer it" : "not used with this kind of server");
        return ST_NOT_TRIED;
    }
    struct pld_once_change c = {
        .dn = s->one.dn, .mods = &m, .n_mods = 1, .tell = s->dialect->echo_attrs, .told = &told};
    int code = pld_once_modify(s->hands[ST_OURS], &s->place, &c, &s->err);
    s->lost = s->lost || code < 0;
    r->wrong = code == LDAP_OK && told.len == 0;
    if (r->wrong)
        st_saw(s, r, "the answer does not show the entry");
    else if (s->dialect->version_attr && st_read(s, s->one.dn, &e) == LDAP_OK &&
             !pl_str_eq(pl_buf_str(&told), pl_entry_first(&e, s->dialect->version_attr))) {
        r->wrong = true;
        st_saw(s, r, "the answer shows another state of the entry");
    }
    pl_buf_free(&told);
    return code;
}

int st_paged(struct st *s, struct st_result *r)
{
    static const char *const none[] = {"1.1", NULL};
    struct pld_once_ask ask = {.base = s->place.base, .scope = PL_SCOPE_SUB, .attrs = none};
    struct pld_once_answer whole, paged;
    pld_once_search(s->hands[ST_OURS], &ask, &whole);
    ask.paged = true;
    ask.page = PAGE;
    pld_once_search(s->hands[ST_OURS], &ask, &paged);
    r->wrong = whole.code != LDAP_OK || paged.entries != whole.entries || whole.entries <= PAGE;
    st_saw(s, r, "%ld of %ld entries", paged.entries, whole.entries);
    s->lost = s->lost || paged.code < 0;
    return paged.code;
}
