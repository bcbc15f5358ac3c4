#include "row.h"

#include <string.h>

/* Walks the columns of one row; the first thing that is wrong is kept and the rest reads as empty. */
struct cursor {
    const struct pl_str *cols;
    size_t n, at;
    const char *kind;
    struct pl_err *err;
    bool bad;
};

static void refuse(struct cursor *c, const char *name, const char *what)
{
    if (!c->bad)
        pl_err_set(c->err, PL_ERR_INPUT, 0,
                   "Is the schema the one this paaslad was built for? `paaslactl db status` tells.",
                   "row %s, column %zu (%s): %s", c->kind, c->at, name, what);
    c->bad = true;
}

static struct pl_str text(struct cursor *c, const char *name)
{
    struct pl_str none = {"", 0};
    if (c->bad)
        return none;
    if (c->at >= c->n) {
        refuse(c, name, "is missing");
        return none;
    }
    return c->cols[c->at++];
}

static struct pl_str word(struct cursor *c, const char *name)
{
    struct pl_str s = text(c, name);
    if (!c->bad && (s.len == 0 || !pl_str_is_utf8(s)))
        refuse(c, name, s.len == 0 ? "is empty" : "is not UTF-8");
    return s;
}

static int64_t number(struct cursor *c, const char *name, bool empty_is_zero)
{
    struct pl_str s = text(c, name);
    int64_t v = 0;
    if (c->bad || (empty_is_zero && s.len == 0))
        return 0;
    if (!pl_str_to_i64(s, &v) || v < 0)
        refuse(c, name, "is not a number from 0 up");
    return v;
}

static int64_t id(struct cursor *c, const char *name)
{
    int64_t v = number(c, name, false);
    if (!c->bad && v == 0)
        refuse(c, name, "is not an id");
    return v;
}

static bool flag(struct cursor *c, const char *name)
{
    struct pl_str s = text(c, name);
    if (!c->bad && !pl_str_eq_c(s, "t") && !pl_str_eq_c(s, "f"))
        refuse(c, name, "is neither t nor f");
    return !c->bad && s.s[0] == 't';
}

static enum pl_mode mode(struct cursor *c, const char *name)
{
    enum pl_mode m = PL_MODE_OBSERVE;
    struct pl_str s = text(c, name);
    if (!c->bad && !pl_mode_parse(s, &m))
        refuse(c, name, "is not a mode");
    return m;
}

static enum pl_state state(struct cursor *c, const char *name)
{
    enum pl_state st = PL_STATE_NONE;
    struct pl_str s = text(c, name);
    if (!c->bad && s.len > 0 && !pl_state_parse(s, &st))
        refuse(c, name, "is not a state of an account");
    return st;
}

static enum pl_need need(struct cursor *c)
{
    enum pl_need out = PL_NEED_NONE;
    struct pl_str want = text(c, "want"), cause = text(c, "cause");
    if (!c->bad && !pl_need_parse(want, cause, &out))
        refuse(c, "want, cause", "are not a pair we know");
    return out;
}

static enum pl_op op(struct cursor *c)
{
    struct pl_str s = text(c, "op");
    for (int i = PL_OP_CREATE; !c->bad && i < PL_OP_COUNT; i++)
        if (pl_str_eq_c(s, pl_op_name((enum pl_op)i)))
            return (enum pl_op)i;
    refuse(c, "op", "is not an operation");
    return PL_OP_NONE;
}

static void person(struct cursor *c, struct pl_row_person *p)
{
    p->need = need(c);
    p->named = flag(c, "named");
    p->account_id = number(c, "account_id", true);
    p->login = text(c, "login");
    p->native_id = text(c, "native_id");
    p->dn = text(c, "dn");
    p->state = state(c, "state");
    p->given = text(c, "given");
    p->family = text(c, "family");
    p->employee_no = text(c, "employee_no");
    p->unit = text(c, "unit");
    p->position = text(c, "position");
    p->institution = text(c, "institution");
    p->dir_mode = mode(c, "dir_mode");
    p->since_us = number(c, "since", true);
    p->n_members = number(c, "n_members", false);
}

/* Numbers as they are written: no sign, no zero in front, at most 18 digits, one space between two. */
static struct pl_str numbers(struct cursor *c, const char *name, bool zero, const char *what)
{
    enum { DIGITS_MAX = 18 };
    struct pl_str s = text(c, name);
    size_t digits = 0;
    for (size_t i = 0; !c->bad && i < s.len; i++) {
        bool digit = s.s[i] >= '0' && s.s[i] <= '9';
        bool first = digits > 0 || s.s[i] != '0' || (zero && (i + 1 == s.len || s.s[i + 1] == ' '));
        bool right = digit ? first && digits < DIGITS_MAX : s.s[i] == ' ' && digits > 0 && i + 1 < s.len;
        digits = digit ? digits + 1 : 0;
        if (!right)
            refuse(c, name, what);
    }
    return s;
}

static struct pl_str moments(struct cursor *c, const char *name)
{
    return numbers(c, name, true, "is not a list of moments");
}

static int64_t end_or_never(struct cursor *c)
{
    int64_t us = number(c, "ends", true);
    return us == 0 ? PL_END_NEVER : us;
}

static void body(struct cursor *c, struct pl_row *out)
{
    switch (out->kind) {
    case 'P':
        person(c, &out->person);
        out->person.person_id = out->person_id;
        out->person.directory = out->directory;
        out->person.purpose = out->purpose;
        break;
    case 'M':
        out->member.role_group_id = id(c, "role_group_id");
        out->member.wanted = flag(c, "wanted");
        out->member.believed = flag(c, "believed");
        out->member.mode = mode(c, "mode");
        out->member.put_back = flag(c, "drift");
        out->member.put_backs = number(c, "put_backs", true);
        break;
    case 'I':
        out->intent.intent_id = id(c, "intent_id");
        out->intent.op = op(c);
        out->intent.role_group_id = number(c, "role_group_id", true);
        out->intent.ends_us = end_or_never(c);
        break;
    case 'N':
        out->name.lately = number(c, "lately", false);
        out->name.given = word(c, "given");
        out->name.family = word(c, "family");
        break;
    case 'E':
        out->end.ends_us = end_or_never(c);
        out->end.named = flag(c, "named");
        out->end.crowd = number(c, "crowd", false);
        out->end.sent = moments(c, "sent");
        out->end.lately = moments(c, "lately");
        break;
    default: { /* H */
        struct pl_str s = text(c, "plan_state");
        out->item.approved = pl_str_eq_c(s, "approved");
        if (!c->bad && !out->item.approved && !pl_str_eq_c(s, "held"))
            refuse(c, "plan_state", "is neither held nor approved");
        out->item.op = op(c);
        out->item.role_group_id = number(c, "role_group_id", true);
    }
    }
}

bool pl_row_load(const struct pl_str *cols, size_t n, struct pl_row *out, struct pl_err *err)
{
    struct cursor c = {cols, n, 1, "?", err, false};
    memset(out, 0, sizeof *out);
    if (n == 0 || cols[0].len != 1 || !strchr("TWGPMENIHD", cols[0].s[0]) || cols[0].s[0] == '\0')
        return pl_err_set(err, PL_ERR_INPUT, 0, "", "a row of unknown kind came from the store");
    out->kind = cols[0].s[0];
    char kind[2] = {out->kind, '\0'};
    c.kind = kind;
    switch (out->kind) {
    case 'T':
        out->directory = out->total.directory = word(&c, "directory");
        out->total.open_accounts = number(&c, "open_accounts", false);
        out->total.memberships = number(&c, "memberships", false);
        out->total.identity = text(&c, "identity");
        out->total.due_in_us = number(&c, "due_in_us", true);
        break;
    case 'W':
        out->directory = word(&c, "directory");
        out->passed.account_id = id(&c, "account_id");
        out->passed.role_group_id = number(&c, "role_group_id", true);
        out->passed.age_us = number(&c, "age_us", false);
        break;
    case 'G':
        out->directory = out->group.directory = word(&c, "directory");
        out->group.role_group_id = id(&c, "role_group_id");
        out->group.role_id = id(&c, "role_id");
        out->group.group_dn = word(&c, "group_dn");
        out->group.mode = mode(&c, "mode");
        out->group.put_back = flag(&c, "drift");
        out->purpose = out->group.purpose = word(&c, "purpose");
        break;
    case 'D':
        out->person_id = id(&c, "person_id");
        out->directory = word(&c, "directory");
        out->seq = id(&c, "seq");
        break;
    default:
        out->person_id = id(&c, "person_id");
        out->directory = word(&c, "directory");
        out->purpose = word(&c, "purpose");
        body(&c, out);
    }
    return !c.bad;
}

bool pl_row_scan_account(const struct pl_str *cols, size_t n, struct pl_row_scan_account *out, struct pl_err *err)
{
    struct cursor c = {cols, n, 0, "of an account", err, false};
    memset(out, 0, sizeof *out);
    out->person_id = id(&c, "person_id");
    out->account_id = number(&c, "account_id", true);
    out->purpose = word(&c, "purpose");
    out->native_id = text(&c, "native_id");
    out->dn = text(&c, "dn");
    out->login = text(&c, "login");
    out->state = state(&c, "state");
    out->need = need(&c);
    out->end_known = c.at < n && cols[c.at].len > 0;
    out->ends_us = end_or_never(&c);
    out->given = text(&c, "given");
    out->family = text(&c, "family");
    return !c.bad;
}

bool pl_row_scan_group(const struct pl_str *cols, size_t n, struct pl_row_scan_group *out, struct pl_err *err)
{
    struct cursor c = {cols, n, 0, "of a member", err, false};
    memset(out, 0, sizeof *out);
    out->person_id = id(&c, "person_id");
    out->role_group_id = id(&c, "role_group_id");
    out->dn = text(&c, "dn");
    out->login = text(&c, "login");
    out->mode = mode(&c, "mode");
    return !c.bad;
}

/* The next number and the space behind it; 0: there is none. */
static int64_t take_number(struct pl_str *list)
{
    int64_t v = 0;
    size_t i = 0;
    for (; i < list->len && list->s[i] != ' '; i++)
        v = v * 10 + (list->s[i] - '0');
    i += i < list->len;
    *list = (struct pl_str){list->s + i, list->len - i};
    return v;
}

int64_t pl_row_next_id(struct pl_str *persons)
{
    return take_number(persons);
}

bool pl_row_next_moment(struct pl_str *moments, int64_t *us)
{
    if (moments->len == 0)
        return false;
    *us = take_number(moments);
    return true;
}

bool pl_row_scan_groups(const struct pl_str *cols, size_t n, struct pl_row_scan_groups *out, struct pl_err *err)
{
    struct cursor c = {cols, n, 0, "of a group", err, false};
    memset(out, 0, sizeof *out);
    out->role_group_id = id(&c, "role_group_id");
    out->dn = word(&c, "group_dn");
    out->purpose = word(&c, "purpose");
    out->persons = numbers(&c, "persons", false, "is not a list of ids");
    return !c.bad;
}
