/* {words} in the texts of the table. A word comes from the configuration, from the directory or from PostgreSQL, so nothing
 * is believed of it: each form knows the place it goes to, and what cannot be put there safely leaves the text empty. */
#include "preflight_table.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/template.h"
#include "lib/directory/dn.h"
#include "lib/directory/filter.h"

enum { OBJECTS_SHOWN = 5 };

/* ---- what the words are ---- */

static struct pl_str count_word(struct pf *p, const struct pf_result *r, const char *name)
{
    static const struct {
        const char *name, *one, *many;
    } forms[] = {{"s", "", "s"},
                 {"y", "y", "ies"},
                 {"verb_s", "s", ""},
                 {"is", "is", "are"},
                 {"has", "has", "have"},
                 {"it", "it", "they"},
                 {"its", "its", "their"},
                 {"them", "it", "them"},
                 {"an_entry", "an entry", "entries"},
                 {"people", "person", "people"}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (strcmp(name, forms[i].name) == 0)
            return pl_str_c(r->n_objects == 1 ? forms[i].one : forms[i].many);
    return strcmp(name, "n") == 0 ? pl_arena_printf(p->arena, "%zu", r->n_objects) : (struct pl_str){NULL, 0};
}

static struct pl_str object_list(struct pf *p, const struct pf_result *r)
{
    struct pl_buf b = {0};
    for (size_t i = 0; i < r->n_objects && i < OBJECTS_SHOWN; i++) {
        pl_buf_add_c(&b, i ? "; " : "");
        pl_buf_add(&b, r->objects[i].name);
    }
    if (r->n_objects > OBJECTS_SHOWN)
        pl_buf_printf(&b, "; and %zu more", r->n_objects - OBJECTS_SHOWN);
    struct pl_str out = pl_arena_str(p->arena, pl_buf_str(&b));
    pl_buf_free(&b);
    return out;
}

/* A filter for the entries that bear a number of ours: of each institution what its template gives, whoever it is. */
static void add_number_filter(struct pf *p, struct pl_buf *b, struct pl_str institution)
{
    const struct pl_str any = PL_STR("\x01");
    struct pl_words w = {any, any, any, any, any, any, institution};
    struct pl_str text = PL_STR("{institution}-{employee_no}");
    for (size_t i = 0; i < p->conf->n_attributes; i++)
        if (pl_str_ieq(p->conf->attributes[i].name, p->conf->number_attribute))
            text = p->conf->attributes[i].text;
    struct pl_str number = pl_template_render(p->arena, text, &w, false);
    pl_buf_printf(b, "(%.*s=", (int)p->conf->number_attribute.len, p->conf->number_attribute.s);
    bool star = false;
    for (size_t i = 0; i < number.len;) {
        size_t n = 0;
        while (i + n < number.len && number.s[i + n] != 1)
            n++;
        if (n > 0)
            pl_filter_escape(b, (struct pl_str){number.s + i, n});
        else if (!star)
            pl_buf_add_byte(b, '*');
        star = n == 0;
        i += n > 0 ? n : 1;
    }
    pl_buf_add_c(b, star ? ")" : "*)"); /* an administrator's second account has more behind it */
}

static struct pl_str number_filter(struct pf *p)
{
    struct pl_buf b = {0};
    json_t *all = p->row < 0 ? NULL : ctl_json_value(p->table, p->row, PF_INSTITUTIONS);
    size_t n = json_array_size(all);
    for (size_t i = 0; i < n; i++)
        add_number_filter(p, &b, pl_arena_str(p->arena, pl_str_c(json_string_value(json_array_get(all, i)))));
    json_decref(all);
    if (n == 0)
        add_number_filter(p, &b, PL_STR("\x01"));
    struct pl_str out = n > 1 ? pl_arena_printf(p->arena, "(|%s)", b.s) : pl_arena_str(p->arena, pl_buf_str(&b));
    pl_buf_free(&b);
    return out;
}

/* Where new entries go; a place that differs by person is as wide as the people. */
struct pl_str pf_newcomers(const struct pf *p)
{
    struct pl_str parent = pl_dn_parent(p->conf->rdn_template);
    bool same = parent.len > 0 && memchr(parent.s, '{', parent.len) == NULL;
    return same ? parent : p->conf->people_base;
}

static struct pl_str or_below(struct pf *p, struct pl_str configured, const char *rdns)
{
    return configured.len > 0 ? configured
                              : pl_arena_printf(p->arena, "%s,%.*s", rdns, (int)p->suffix.len, p->suffix.s);
}

/* How the tools reach the server: the first address, with TLS as the configuration has it. */
static struct pl_str tool_options(struct pf *p)
{
    const char *uri = p->main ? p->main->uri : p->n_addresses ? p->addresses[0].uri : "ldapi:///";
    bool starttls = strncmp(uri, "ldap://", 7) == 0 && !pl_str_eq_c(p->conf->tls, "none");
    return pl_arena_printf(p->arena, "%s-H %s", starttls ? "-ZZ " : "", uri);
}

/* "Kask, Anu" of "CN=Kask\\, Anu,OU=inimesed": what stands in the first RDN, without its escapes. */
static struct pl_str rdn_value(struct pf *p, struct pl_str dn)
{
    struct pl_str parent = pl_dn_parent(dn);
    size_t end = parent.len ? (size_t)(parent.s - dn.s) : dn.len, i = 0;
    struct pl_buf b = {0};
    while (i < end && dn.s[i] != '=')
        i++;
    while (end > i && (dn.s[end - 1] == ',' || dn.s[end - 1] == ' '))
        end--;
    for (i++; i < end; i++)
        if (dn.s[i] != '\\' || ++i < end)
            pl_buf_add_byte(&b, dn.s[i]);
    struct pl_str out = pl_arena_str(p->arena, pl_buf_str(&b));
    pl_buf_free(&b);
    return out;
}

/* Who most likely may. */
static struct pl_str admin(struct pf *p)
{
    return p->dialect_bit == PF_389DS ? PL_STR("cn=Directory Manager")
                                      : or_below(p, (struct pl_str){NULL, 0}, "cn=admin");
}

static struct pl_str dsconf(struct pf *p)
{
    const char *uri = p->main ? p->main->uri : "INSTANCE";
    bool starttls = strncmp(uri, "ldap://", 7) == 0 && !pl_str_eq_c(p->conf->tls, "none");
    return pl_arena_printf(p->arena, "dsconf -D 'cn=Directory Manager' -W %s%s", starttls ? "-Z " : "", uri);
}

/* Our account by the name with which it logs on, as far as the configuration tells it. */
static struct pl_str account(struct pf *p)
{
    struct pl_str of_dn = rdn_value(p, p->conf->bind_dn), who = p->conf->principal;
    const char *at = who.len ? memchr(who.s, '@', who.len) : NULL;
    return who.len ? (struct pl_str){who.s, at ? (size_t)(at - who.s) : who.len} : of_dn.len ? of_dn : PL_STR("paasla");
}

static struct pl_str principal(struct pf *p)
{
    struct pl_str name = account(p), realm = pf_realm(p);
    return pl_arena_printf(p->arena, "%.*s@%.*s", (int)name.len, name.s, (int)realm.len, realm.s);
}

static bool find_word(struct pf *p, const struct pf_result *r, const char *name, struct pl_str *out)
{
    const struct pl_conf_directory *c = p->conf;
    const struct {
        const char *name;
        struct pl_str value;
    } plain[] = {
        {"directory", c->name},
        {"dialect", c->dialect},
        {"people_base", c->people_base},
        {"group_base", c->group_base},
        {"canary", c->canary_dn},
        {"suffix", p->suffix},
        {"service", p->service},
        {"sid", p->sid},
        {"canary_place", pl_dn_parent(c->canary_dn)},
        {"number_attribute", c->number_attribute},
        {"login_attribute", c->login_attribute},
        {"address", pl_str_c(r->address)},
        {"saw", r->saw},
        {"why", r->why},
    };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (strcmp(name, plain[i].name) == 0) {
            *out = plain[i].value;
            return true;
        }
    *out = strcmp(name, "objects") == 0     ? object_list(p, r)
           : strcmp(name, "numbers") == 0   ? number_filter(p)
           : strcmp(name, "newcomers") == 0 ? pf_newcomers(p)
           : strcmp(name, "guardian") == 0
               ? pl_arena_printf(p->arena, "CN=AdminSDHolder,CN=System,%.*s", (int)p->suffix.len, p->suffix.s)
           : strcmp(name, "account") == 0       ? account(p)
           : strcmp(name, "principal") == 0     ? principal(p)
           : strcmp(name, "plain_address") == 0 ? pf_plain_address(p, r)
           : strcmp(name, "written") == 0       ? pf_writes_words(p, false)
           : strcmp(name, "written_rule") == 0  ? pf_writes_words(p, true)
           : strcmp(name, "connect") == 0       ? tool_options(p)
           : strcmp(name, "placeholder") == 0   ? or_below(p, c->placeholder_dn, "cn=tyhi,ou=teenused")
           : strcmp(name, "policy") == 0        ? or_below(p, c->policy_dn, "cn=vaikimisi,ou=reeglid")
           : strcmp(name, "canary_name") == 0   ? rdn_value(p, c->canary_dn)
           : strcmp(name, "admin") == 0         ? admin(p)
           : strcmp(name, "dsconf") == 0        ? dsconf(p)
                                                : count_word(p, r, name);
    return out->s != NULL;
}

struct pl_str pf_option(struct pf *p, const char *name)
{
    struct pl_conf_value *values;
    size_t n = pl_conf_values(p->whole, p->arena, &values);
    struct pl_str full = pl_arena_printf(p->arena, "directory %.*s.%s", (int)p->conf->name.len, p->conf->name.s, name);
    for (size_t i = 0; i < n; i++)
        if (pl_str_eq(values[i].name, full))
            return values[i].text;
    return (struct pl_str){"", 0};
}

/* ---- the place they go to ---- */

/* Nothing that ends a line, moves a terminal or hides: such a name has to be typed by somebody who sees it. */
static bool is_visible(struct pl_str v)
{
    struct pl_buf b = {0};
    const char *at = v.s;
    while (at && *at && (size_t)(at - v.s) < v.len)
        ctl_next_shown(&at, &b);
    bool same = pl_str_eq(pl_buf_str(&b), v);
    pl_buf_free(&b);
    return same;
}

static void add_base64(struct pl_buf *b, struct pl_str v)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < v.len; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < v.len ? (unsigned char)v.s[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            pl_buf_add_byte(b, i + k > v.len ? '=' : digits[bits >> (18 - 6 * k) & 63]);
    }
}

/* RFC 2849, but UTF-8 stays readable: the tools take it. */
static void add_ldif(struct pl_buf *b, struct pl_str v)
{
    if (v.len == 0 || (!strchr(" :<", v.s[0]) && v.s[v.len - 1] != ' ')) {
        pl_buf_add_byte(b, ' ');
        pl_buf_add(b, v);
    } else {
        pl_buf_add_c(b, ": ");
        add_base64(b, v);
    }
}

static void add_escaped(struct pl_buf *b, struct pl_str v, const char *special, const char *before)
{
    for (size_t i = 0; i < v.len; i++) {
        if (strchr(special, v.s[i]))
            pl_buf_add_c(b, before);
        pl_buf_add_byte(b, v.s[i]);
    }
}

/* A DN in an LDAP URL (RFC 4516 2.1). */
static void add_url(struct pl_buf *b, struct pl_str v)
{
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.s[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~=,+", c)))
            pl_buf_add_byte(b, (char)c);
        else
            pl_buf_printf(b, "%%%02X", c);
    }
}

/* Single quotation marks; the typographic ones (U+2018 to U+201B) are the same to PowerShell. */
static void add_powershell(struct pl_buf *b, struct pl_str v)
{
    pl_buf_add_byte(b, '\'');
    for (size_t i = 0; i < v.len; i++) {
        bool curly = v.len - i >= 3 && memcmp(v.s + i, "\xe2\x80", 2) == 0 && (unsigned char)v.s[i + 2] >= 0x98 &&
                     (unsigned char)v.s[i + 2] <= 0x9b;
        if (v.s[i] == '\'')
            pl_buf_add_byte(b, '\'');
        else if (curly)
            pl_buf_add(b, (struct pl_str){v.s + i, 3});
        pl_buf_add_byte(b, v.s[i]);
    }
    pl_buf_add_byte(b, '\'');
}

static bool add_form(struct pl_buf *b, struct pl_str v, struct pl_str form)
{
    if (form.len == 0) {
        pl_buf_add(b, v);
    } else if (pl_str_eq_c(form, "acl")) {
        add_escaped(b, v, "\\\"", "\\");
    } else if (pl_str_eq_c(form, "ldif")) {
        add_ldif(b, v);
    } else if (pl_str_eq_c(form, "sh")) {
        pl_buf_add_byte(b, '\'');
        for (size_t i = 0; i < v.len; i++)
            if (v.s[i] == '\'')
                pl_buf_add_c(b, "'\\''");
            else
                pl_buf_add_byte(b, v.s[i]);
        pl_buf_add_byte(b, '\'');
    } else if (pl_str_eq_c(form, "ps")) {
        add_powershell(b, v);
    } else if (pl_str_eq_c(form, "url")) {
        add_url(b, v);
    } else if (pl_str_eq_c(form, "aci")) { /* in quotation marks, which nothing there can escape */
        pl_buf_add(b, v);
        return v.len == 0 || memchr(v.s, '"', v.len) == NULL;
    } else {
        return false;
    }
    return true;
}

/* ---- a text ---- */

struct text {
    struct pf *p;
    const struct pf_result *r;
    const struct pf_object *object; /* inside {each} */
    const struct pf_write *write;   /* inside {writes}, {ids}, {no_ids} */
    struct pl_buf out;
    bool to_type; /* somebody will type it: nothing may break out of its place or hide */
    bool bad;
};

static void add_word(struct text *t, struct pl_str word)
{
    const char *colon = memchr(word.s, ':', word.len);
    size_t len = colon ? (size_t)(colon - word.s) : word.len;
    struct pl_str form = {word.s + len + (colon != NULL), word.len - len - (colon != NULL)}, value = {NULL, 0};
    const char *name = pl_arena_str(t->p->arena, (struct pl_str){word.s, len}).s;
    bool known = true;
    if (t->object && strcmp(name, "object") == 0)
        value = t->object->name;
    else if (t->object && strcmp(name, "value") == 0)
        value = t->object->value;
    else if (t->object && strcmp(name, "object_name") == 0)
        value = rdn_value(t->p, t->object->name);
    else if (t->object && strcmp(name, "object_place") == 0)
        value = pl_dn_parent(t->object->name);
    else if (t->write && strcmp(name, "attribute") == 0)
        value = t->write->name;
    else if (t->write && strcmp(name, "attribute_id") == 0)
        value = t->write->id;
    else
        known = find_word(t->p, t->r, name, &value);
    if (!known || (t->to_type && (value.len == 0 || !is_visible(value))) || !add_form(&t->out, value, form))
        t->bad = true;
}

static void add_text(struct text *t, struct pl_str text);

/* {each}...{/each} is said of each object; {writes} of each attribute that the daemon writes, {ids} of those whose number in
 * the schema is known, {no_ids} of the others. Returns how much was taken; 0: none of them begins here. */
static size_t add_block(struct text *t, struct pl_str rest)
{
    static const char *const marks[][2] = {
        {"{each}", "{/each}"}, {"{writes}", "{/writes}"}, {"{ids}", "{/ids}"}, {"{no_ids}", "{/no_ids}"}};
    size_t which = 0, begin = 0;
    while (which < 4 &&
           (begin = strlen(marks[which][0]), rest.len < begin || memcmp(rest.s, marks[which][0], begin) != 0))
        which++;
    if (which == 4)
        return 0;
    const char *end = marks[which][1], *from = rest.s + begin, *to = memmem(from, rest.len - begin, end, strlen(end));
    if (!to) {
        t->bad = true;
        return rest.len;
    }
    size_t n = which == 0 ? t->r->n_objects : t->p->writes.n;
    for (size_t k = 0; k < n; k++) {
        const struct pf_write *w = which == 0 ? NULL : &t->p->writes.at[k];
        if (which >= 2 && (w->id.len > 0) != (which == 2))
            continue;
        t->object = which == 0 ? &t->r->objects[k] : NULL;
        t->write = w;
        add_text(t, (struct pl_str){from, (size_t)(to - from)});
    }
    t->object = NULL;
    t->write = NULL;
    return (size_t)(to - rest.s) + strlen(end);
}

static void add_text(struct text *t, struct pl_str text)
{
    for (size_t i = 0, taken; i < text.len; i += taken) {
        struct pl_str rest = {text.s + i, text.len - i};
        const char *close = rest.s[0] == '{' ? memchr(rest.s, '}', rest.len) : NULL;
        /* {1}mdb is slapd's, ${who} and @{ } are PowerShell's */
        bool plain = !close || strchr("0123456789- ", rest.s[1]) || (i > 0 && strchr("$%", text.s[i - 1]));
        if (!plain && (taken = add_block(t, rest)) > 0)
            continue;
        taken = plain ? 1 : (size_t)(close - rest.s) + 1;
        if (plain)
            pl_buf_add_byte(&t->out, rest.s[0]);
        else
            add_word(t, (struct pl_str){rest.s + 1, taken - 2});
    }
}

struct pl_str pf_words(struct pf *p, const struct pf_result *r, const char *text, bool to_type)
{
    struct text t = {.p = p, .r = r, .to_type = to_type};
    if (text)
        add_text(&t, pl_str_c(text));
    struct pl_str out = t.bad || !text ? (struct pl_str){"", 0} : pl_arena_str(p->arena, pl_buf_str(&t.out));
    pl_buf_free(&t.out);
    return out;
}
