#include "conf_parse.h"

#include <string.h>

static const char attribute_prefix[] = "attribute.";
#define PREFIX_LEN (sizeof attribute_prefix - 1)

static bool begins(struct pl_str s, const char *with)
{
    size_t n = strlen(with);

    return s.len >= n && memcmp(s.s, with, n) == 0;
}

static struct pl_str from(struct pl_str s, size_t at)
{
    return (struct pl_str){s.s + at, s.len - at};
}

/* ---- rows ---- */

const struct pl_conf_option *pl_conf_option_find(const char *kind, struct pl_str name)
{
    for (size_t i = 0; i < pl_conf_n_options; i++) {
        const struct pl_conf_option *o = &pl_conf_options[i];

        if (strcmp(o->section, kind) == 0 &&
            (strncmp(o->name, attribute_prefix, PREFIX_LEN) == 0 ? begins(name, attribute_prefix)
                                                                 : pl_str_eq_c(name, o->name)))
            return o;
    }
    return NULL;
}

/* Letters to put in, take out or change until a is b (Levenshtein); names longer than 40 bytes are far from all. */
static size_t distance(struct pl_str a, const char *b)
{
    size_t row[41], n = strlen(b);

    if (a.len > 40 || n > 40)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = corner + (a.s[i - 1] != b[j - 1]);

            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            corner = row[j];
            row[j] = best;
        }
    }
    return row[n];
}

const struct pl_conf_option *pl_conf_option_nearest(const char *kind, struct pl_str name)
{
    const struct pl_conf_option *best = NULL;
    size_t least = 1 + name.len / 3; /* further away it is no slip of the fingers */

    for (size_t i = 0; i < pl_conf_n_options; i++) {
        size_t d = strcmp(pl_conf_options[i].section, kind) == 0 ? distance(name, pl_conf_options[i].name) : SIZE_MAX;

        if (d <= least && (best == NULL || d < least)) {
            best = &pl_conf_options[i];
            least = d;
        }
    }
    return best;
}

/* ---- one value ---- */

static bool word_ok(const char *words, struct pl_str value)
{
    while (value.len > 0) {
        size_t n = strcspn(words, "|");

        if (n == value.len && memcmp(words, value.s, n) == 0)
            return true;
        if (words[n] == '\0')
            return false;
        words += n + 1;
    }
    return false;
}

static bool letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool say(struct pl_buf *why, const char *text)
{
    pl_buf_add_c(why, text);
    return false;
}

/* A whole path, or credential:NAME. The name becomes part of a path: it leads nowhere else. */
static bool secret_ok(struct pl_str value, struct pl_buf *why)
{
    struct pl_str name = from(value, begins(value, "credential:") ? 11 : 0);

    if (name.len == value.len)
        return value.s[0] == '/' ||
               say(why, "is neither a whole path (it does not begin with '/') nor credential:NAME");
    for (size_t i = 0; i < name.len; i++)
        if (!letter_or_digit(name.s[i]) && (i == 0 || strchr("-._", name.s[i]) == NULL))
            return say(why, "has a name after credential: that is not made of letters, digits, '-', '.' and '_'");
    return name.len > 0 || say(why, "names nothing after credential:");
}

static bool text_ok(const struct pl_conf_option *o, struct pl_str value, struct pl_buf *why)
{
    if (value.len == 0 && o->min > 0)
        return say(why, "is empty");
    if ((int64_t)value.len > o->max) {
        pl_buf_printf(why, "is longer than %lld bytes", (long long)o->max);
        return false;
    }
    if (value.len == 0)
        return true;
    if (o->type == PL_CONF_DN && memchr(value.s, '=', value.len) == NULL)
        return say(why, "is not a DN (it has no '=')");
    if (o->type == PL_CONF_PATH && value.s[0] != '/')
        return say(why, "is not a whole path (it does not begin with '/')");
    return o->type != PL_CONF_SECRET || secret_ok(value, why);
}

bool pl_conf_value_ok(const struct pl_conf_option *o, struct pl_str value, struct pl_buf *why)
{
    int64_t n = 0;

    switch (o->type) {
    case PL_CONF_INT:
    case PL_CONF_SECONDS:
        if (pl_str_to_i64(value, &n) && n >= o->min && n <= o->max)
            return true;
        pl_buf_printf(why, "must be a whole number from %lld to %lld%s%s", (long long)o->min, (long long)o->max,
                      o->unit[0] == '\0' ? "" : " ", o->unit);
        return false;
    case PL_CONF_BOOL:
        return word_ok("yes|no", value) || say(why, "must be yes or no");
    case PL_CONF_WORD:
        if (word_ok(o->words, value))
            return true;
        pl_buf_printf(why, "must be one of: %s", o->words);
        return false;
    default:
        return text_ok(o, value, why);
    }
}

/* ---- what options say together ---- */

int pl_conf_line(const struct pl_conf_section *s, const char *name)
{
    const struct pl_conf_option *o = pl_conf_option_find(s->kind, pl_str_c(name));
    int line = o == NULL ? 0 : s->lines[o - pl_conf_options];

    return line != 0 ? line : s->line;
}

/* Whether conninfo carries a password: `password=` or `sslpassword=` in either form, or postgresql://user:secret@. */
static bool has_password(struct pl_str s)
{
    size_t at = begins(s, "postgresql://") ? 13 : begins(s, "postgres://") ? 11 : 0;
    bool colon = false;

    for (size_t i = 0; i + 8 <= s.len; i++) {
        size_t end = i + 8;

        while (end < s.len && (s.s[end] == ' ' || s.s[end] == '\t'))
            end++;
        if (pl_str_ieq_c((struct pl_str){s.s + i, 8}, "password") && end < s.len && s.s[end] == '=')
            return true;
    }
    for (size_t i = at; at > 0 && i < s.len && s.s[i] != '/' && s.s[i] != '?'; i++) {
        colon = colon || s.s[i] == ':';
        if (s.s[i] == '@')
            return colon;
    }
    return false;
}

static bool port_ok(struct pl_str s)
{
    int64_t n;

    return pl_str_to_i64(s, &n) && n >= 1 && n <= 65535;
}

/* Letters, digits, '-', '.', '_' and what else is named. */
static bool host_ok(struct pl_str s, const char *also)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.s[i];

        if (!letter_or_digit(c) && strchr("-._", c) == NULL && strchr(also, c) == NULL)
            return false;
    }
    return true;
}

enum far { FAR_SOCKET, FAR_THIS_HOST, FAR_AWAY };

/* One address: scheme://host[:port][/]. False with the reason; *where and *tls say how far it goes and whether the
 * scheme itself means TLS. */
static bool uri_ok(struct pl_str u, enum far *where, bool *tls, const char **why)
{
    struct pl_str host;
    size_t end = 0, colon;

    *tls = begins(u, "ldaps://");
    *why = "must begin with ldap://, ldaps:// or ldapi://";
    if (!*tls && !begins(u, "ldap://") && !begins(u, "ldapi://"))
        return false;
    host = from(u, begins(u, "ldap://") ? 7 : 8);
    if (host.len > 0 && host.s[host.len - 1] == '/')
        host.len--;
    *why = "may hold nothing after the host: no path, no base, no user";
    if (host.len > 0 &&
        (memchr(host.s, '/', host.len) || memchr(host.s, '?', host.len) || memchr(host.s, '@', host.len)))
        return false;
    *where = FAR_SOCKET;
    if (begins(u, "ldapi://")) {
        *why = "has a character that no host has (write %2f for / in the path of a socket)";
        return host_ok(host, "%");
    }
    if (host.len > 0 && host.s[0] == '[') {
        while (end < host.len && host.s[end] != ']')
            end++;
        end += end < host.len;
    } else {
        while (end < host.len && host.s[end] != ':')
            end++;
    }
    colon = end;
    *why = "names no host";
    if (end == 0)
        return false;
    *why = "has a port that is no number from 1 to 65535";
    if (colon < host.len && (host.s[colon] != ':' || !port_ok(from(host, colon + 1))))
        return false;
    host.len = end;
    *why = "has a character that no host has";
    if (!host_ok(host, host.s[0] == '[' ? "[]:" : ""))
        return false;
    *where = pl_str_eq_c(host, "127.0.0.1") || pl_str_eq_c(host, "[::1]") || pl_str_eq_c(host, "localhost")
                 ? FAR_THIS_HOST
                 : FAR_AWAY;
    return true;
}

struct pl_str pl_conf_next_word(struct pl_str *rest)
{
    size_t i = 0, n;
    struct pl_str w;

    while (i < rest->len && (rest->s[i] == ' ' || rest->s[i] == '\t'))
        i++;
    for (n = i; n < rest->len && rest->s[n] != ' ' && rest->s[n] != '\t';)
        n++;
    w = (struct pl_str){rest->s + i, n - i};
    *rest = from(*rest, n);
    return w;
}

/* Nobody logs on to /metrics, so it answers nobody on another host. */
static bool check_metrics(const struct check *c, struct pl_str m)
{
    static const char local[] = "unix:";
    static const char hint[] = "For other hosts put a web server with TLS and log-on in front of it.";
    struct pl_str path = begins(m, local) ? from(m, sizeof local - 1) : (struct pl_str){"", 0};
    size_t colon = m.len;

    if (m.len == 0)
        return true;
    if (begins(m, local)) {
        if (path.len == 0 || path.s[0] != '/')
            return COMPLAIN(c, "metrics", "", "metrics: the path of the socket must begin with /");
        if (path.len > 107)
            return COMPLAIN(c, "metrics", "", "metrics: the path of a socket may have 107 bytes, this one has %zu",
                            path.len);
        return true;
    }
    while (colon > 0 && m.s[colon - 1] != ':')
        colon--;
    if (colon == 0 || !port_ok(from(m, colon)))
        return COMPLAIN(c, "metrics", "", "metrics is unix:/path or host:port with a port from 1 to 65535");
    m.len = colon - 1;
    if (!pl_str_eq_c(m, "127.0.0.1") && !pl_str_eq_c(m, "[::1]") && !pl_str_eq_c(m, "localhost"))
        return COMPLAIN(c, "metrics", hint,
                        "metrics answers on 127.0.0.1, [::1], localhost or unix:/path only, not on '%.*s'", (int)m.len,
                        m.s);
    return true;
}

static bool check_uris(const struct check *c, const struct pl_conf_directory *d)
{
    struct pl_str rest = d->uris, u;

    while ((u = pl_conf_next_word(&rest)).len > 0) {
        enum far where = FAR_AWAY;
        const char *why = "";
        bool tls = false;

        if (!uri_ok(u, &where, &tls, &why))
            return COMPLAIN(c, "uris", "", "uris: '%.*s' %s", (int)u.len, u.s, why);
        if (pl_str_eq_c(d->tls, "none") && tls)
            return COMPLAIN(c, "tls", "Leave tls away.", "tls = none contradicts '%.*s'", (int)u.len, u.s);
        if (pl_str_eq_c(d->tls, "none") && where == FAR_AWAY && !pl_str_eq_c(d->sasl, "gssapi"))
            return COMPLAIN(c, "tls", "Use tls = starttls or an ldaps:// address.",
                            "tls = none would send passwords in the clear to '%.*s'", (int)u.len, u.s);
    }
    return true;
}

static bool check_logon(const struct check *c, const struct pl_conf_directory *d)
{
    if ((d->cert_file.len == 0) != (d->key_file.len == 0))
        return COMPLAIN(c, d->cert_file.len == 0 ? "key_file" : "cert_file", "", "cert_file and key_file go together");
    if (pl_str_eq_c(d->sasl, "gssapi")) {
        if (d->bind_dn.len > 0 || d->password_file.len > 0)
            return COMPLAIN(
                c, d->bind_dn.len > 0 ? "bind_dn" : "password_file", "",
                "with sasl = gssapi keytab_file says who we are; bind_dn and password_file say something else");
        return d->keytab_file.len > 0 ||
               COMPLAIN(c, "sasl", "Give keytab_file: on AD, samba-tool domain exportkeytab or ktpass.",
                        "section [%.*s] lacks the option 'keytab_file'", (int)c->section->title.len,
                        c->section->title.s);
    }
    if (d->keytab_file.len > 0 || d->principal.len > 0)
        return COMPLAIN(c, d->keytab_file.len > 0 ? "keytab_file" : "principal", "Set sasl = gssapi.",
                        "keytab_file and principal are for sasl = gssapi");
    if (pl_str_eq_c(d->sasl, "external")) {
        if (d->bind_dn.len > 0 || d->password_file.len > 0)
            return COMPLAIN(c, d->bind_dn.len > 0 ? "bind_dn" : "password_file", "",
                            "with sasl = external the server itself knows who we are; bind_dn and password_file say "
                            "something else");
        struct pl_str rest = d->uris, u;
        while (d->cert_file.len == 0 && (u = pl_conf_next_word(&rest)).len > 0)
            if (!begins(u, "ldapi://"))
                return COMPLAIN(c, "sasl", "Give cert_file and key_file, or reach the server by ldapi://.",
                                "sasl = external at '%.*s' needs a certificate", (int)u.len, u.s);
        return true;
    }
    if (d->bind_dn.len == 0 || d->password_file.len == 0)
        return COMPLAIN(c, "sasl", "Give bind_dn and password_file, or sasl = external, or sasl = gssapi.",
                        "section [%.*s] lacks the option '%s'", (int)c->section->title.len, c->section->title.s,
                        d->bind_dn.len == 0 ? "bind_dn" : "password_file");
    return true;
}

/* As much of `s` as a message needs, in whole characters. */
static struct pl_str beginning(struct pl_str s)
{
    size_t n = 0;

    while (n < 40 && n < s.len)
        n += pl_str_utf8_at(s, n);
    return (struct pl_str){s.s, n};
}

/* {words} of a template; *login becomes true when {login} is among them. */
static bool check_template(const struct check *c, int line, const char *what, struct pl_str t, bool *login)
{
    static const char *const known[] = {"{login}", "{given}",    "{family}",      "{name}",        "{employee_no}",
                                        "{unit}",  "{position}", "{institution}", "{given_ascii}", "{family_ascii}"};

    for (size_t i = 0; i < t.len; i++) {
        struct pl_str word = from(t, i);
        size_t k = 0;

        if (t.s[i] == '}')
            return pl_conf_say(c->err, c->file, line, "", "%s: a } without its {", what);
        if (t.s[i] != '{')
            continue;
        while (k < sizeof known / sizeof known[0] && !begins(word, known[k]))
            k++;
        if (k == sizeof known / sizeof known[0])
            return pl_conf_say(c->err, c->file, line,
                               "Known are {login} {given} {family} {name} {employee_no} {unit} {position} "
                               "{institution} {given_ascii} {family_ascii}.",
                               "%s: unknown word in braces: %.*s", what, (int)beginning(word).len, word.s);
        *login = *login || k == 0;
        i += strlen(known[k]) - 1;
    }
    return true;
}

static bool attribute_name_ok(struct pl_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char ch = s.s[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');

        if (!letter && (i == 0 || !((ch >= '0' && ch <= '9') || ch == '-')))
            return false;
    }
    return s.len > 0 && s.len <= 60;
}

static bool check_entry(const struct check *c, const struct pl_conf_directory *d)
{
    /* The daemon sets these itself; a template for them would fight it or put a secret here. */
    static const char *const ours[] = {"objectClass", "userPassword", "pwdEndTime", "pwdAccountLockedTime"};
    struct pl_str rest = d->object_classes, w;
    bool login = false, ignored = false;

    if (!attribute_name_ok(d->login_attribute))
        return COMPLAIN(c, "login_attribute", "", "login_attribute is no name of an attribute");
    if (!attribute_name_ok(d->number_attribute))
        return COMPLAIN(c, "number_attribute", "", "number_attribute is no name of an attribute");
    if (d->fence_attribute.len > 0 && !attribute_name_ok(d->fence_attribute))
        return COMPLAIN(c, "fence_attribute", "", "fence_attribute is no name of an attribute");
    while ((w = pl_conf_next_word(&rest)).len > 0)
        if (!attribute_name_ok(w))
            return COMPLAIN(c, "object_classes", "", "'%.*s' is no name of an object class", (int)w.len, w.s);
    if (!check_template(c, pl_conf_line(c->section, "rdn_template"), "rdn_template", d->rdn_template, &login))
        return false;
    if (!login)
        return COMPLAIN(c, "rdn_template", "", "rdn_template lacks {login}: two people could get one entry");
    for (size_t i = 0; i < d->n_attributes; i++) {
        struct pl_str name = d->attributes[i].name;
        int line = c->section->attribute_lines[i];

        if (!attribute_name_ok(name))
            return pl_conf_say(c->err, c->file, line, "", "'%.*s' is no name of an attribute", (int)name.len, name.s);
        for (size_t k = 0; k < sizeof ours / sizeof ours[0]; k++)
            if (pl_str_ieq_c(name, ours[k]))
                return pl_conf_say(c->err, c->file, line, "Take the line away.",
                                   "%s is written by the daemon itself and has no template", ours[k]);
        if (!check_template(c, line, "the template", d->attributes[i].text, &ignored))
            return false;
    }
    return true;
}

bool pl_conf_check(const struct pl_conf_section *s, const char *file, struct pl_err *err)
{
    const struct check here = {s, s->target, file, err}, *c = &here;

    if (strcmp(s->kind, "database") == 0) {
        const struct pl_conf *t = s->target;

        if (has_password(t->connection))
            return COMPLAIN(c, "connection", "Put it alone in a file and name that in password_file.",
                            "connection holds a password");
    } else if (strcmp(s->kind, "daemon") == 0) {
        const struct pl_conf *t = s->target;

        if (t->retry_min_ms > t->retry_max_s * 1000)
            return COMPLAIN(c, "retry_min_ms", "", "retry_min_ms is longer than retry_max_s");
        if (!check_metrics(c, t->metrics))
            return false;
    } else if (strcmp(s->kind, "directory") == 0) {
        const struct pl_conf_directory *d = s->target;

        if (!check_uris(c, d) || !check_logon(c, d) || !check_entry(c, d))
            return false;
        if (pl_str_eq_c(d->first_password, "file") && d->first_password_dir.len == 0)
            return COMPLAIN(c, "first_password", "", "first_password = file needs first_password_dir");
        return pl_conf_check_keep(s, file, err) && pl_conf_check_dialect(s, file, err);
    }
    return true;
}
