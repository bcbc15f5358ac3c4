/* What the letter says, and how much of it: a page and no more. */
#include "letter.h"

#include <stdlib.h>
#include <string.h>

/* {1} and {2} become the values; an empty value of a contact is a line to write on. */
static char *fill(const char *text, const char *one, const char *two)
{
    struct pl_buf b = {0};
    for (const char *p = text; *p;) {
        if (strncmp(p, "{1}", 3) == 0 || strncmp(p, "{2}", 3) == 0) {
            pl_buf_add_c(&b, p[1] == '1' ? one : two);
            p += 3;
        } else {
            pl_buf_add_byte(&b, *p++);
        }
    }
    char *out = strdup(b.s ? b.s : "");
    pl_buf_free(&b);
    if (!out)
        abort();
    return out;
}

/* Takes the texts; the second and third may be NULL. */
static void add(struct letter *l, enum letter_kind kind, char *a, char *b, char *c)
{
    if (l->n == LETTER_MAX) {
        free(a);
        free(b);
        free(c);
        return;
    }
    l->line[l->n++] = (struct letter_line){kind, {a, b, c}};
}

static char *copy(const char *text)
{
    return fill(text, "", "");
}

static char *say(const struct letter_facts *f, enum letter_word w, const char *one, const char *two)
{
    return fill(letter_text(f->lang, w), one, two);
}

static void pair(const struct letter_facts *f, struct letter *l, enum letter_word label, int column)
{
    const char *value = PQgetvalue(f->who, 0, column);
    if (*value)
        add(l, LK_PAIR, say(f, label, "", ""), copy(value), NULL);
}

static void person(const struct letter_facts *f, struct letter *l)
{
    add(l, LK_TITLE, say(f, LW_TITLE, "", ""), copy(PQgetvalue(f->moment, 0, PQfnumber(f->moment, "day"))), NULL);
    add(l, LK_WELCOME, say(f, LW_WELCOME, PQgetvalue(f->who, 0, LE_NAME), ""), NULL, NULL);
    pair(f, l, LW_INSTITUTION, LE_INSTITUTION);
    pair(f, l, LW_UNIT, LE_UNIT);
    pair(f, l, LW_POSITION, LE_POSITION);
    pair(f, l, LW_NUMBER, LE_NUMBER);
    pair(f, l, LW_FIRST_DAY, LE_FIRST);
    pair(f, l, LW_LAST_DAY, LE_LAST);
    pair(f, l, LW_MANAGER, LE_MANAGER);
}

static enum letter_word word_of(const char *state)
{
    static const struct {
        const char *state;
        enum letter_word word;
    } words[] = {{"open", LW_OPEN},           {"soon", LW_SOON},       {"first_day", LW_ON_FIRST_DAY},
                 {"suspended", LW_SUSPENDED}, {"observe", LW_OBSERVE}, {"auto", LW_AUTO},
                 {"order", LW_ORDER},         {"done", LW_DONE},       {"later", LW_LATER}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].state, state) == 0)
            return words[i].word;
    return LW_MANUAL;
}

static void accounts(const struct letter_facts *f, struct letter *l)
{
    const PGresult *r = f->accounts;
    add(l, LK_HEAD, say(f, LW_ACCOUNTS, "", ""), NULL, NULL);
    if (PQntuples(r) == 0)
        add(l, LK_PARA, say(f, LW_NO_ACCOUNTS, "", ""), NULL, NULL);
    for (int i = 0; i < PQntuples(r); i++) {
        const char *directory = PQgetvalue(r, i, LA_DIRECTORY), *login = PQgetvalue(r, i, LA_LOGIN);
        bool admin = strcmp(PQgetvalue(r, i, LA_PURPOSE), "admin") == 0;
        add(l, LK_ACCOUNT, admin ? say(f, LW_ADMIN_ACCOUNT, directory, "") : copy(directory),
            *login ? copy(login) : say(f, LW_NO_LOGIN, "", ""), say(f, word_of(PQgetvalue(r, i, LA_STATE)), "", ""));
    }
}

static void password(const struct letter_facts *f, struct letter *l)
{
    if (PQntuples(f->accounts) == 0)
        return;
    add(l, LK_HEAD, say(f, LW_PASSWORD, "", ""), NULL, NULL);
    if (f->password) {
        add(l, LK_SECRET, say(f, LW_PASSWORD_GIVEN, f->password_login, ""), copy(f->password), NULL);
        add(l, LK_PARA, say(f, LW_PASSWORD_GIVEN_DO, "", ""), NULL, NULL);
        if (PQntuples(f->accounts) > 1)
            add(l, LK_PARA, say(f, LW_PASSWORD_OTHERS, "", ""), NULL, NULL);
    } else {
        enum letter_word w = f->mode == LETTER_MODE_FILE   ? LW_PASSWORD_FILE
                             : f->mode == LETTER_MODE_NONE ? LW_PASSWORD_NONE
                                                           : LW_PASSWORD_ANY;
        add(l, LK_PARA, say(f, w, "", ""), NULL, NULL);
    }
    add(l, LK_PARA, say(f, LW_PASSWORD_RULE, "", ""), NULL, NULL);
}

static void separate(struct pl_buf *b, const char *sep, char *text)
{
    pl_buf_add_c(b, b->len ? sep : "");
    pl_buf_add_c(b, text);
    free(text);
}

/* Role and days in the first line; what is done for it and whom to ask in the second, which a brief one lacks. */
static void right(const struct letter_facts *f, struct letter *l, int i, bool brief)
{
    const PGresult *r = f->rights;
    struct pl_buf what = {0}, how = {0};
    const char *code = PQgetvalue(r, i, LR_CODE), *name = PQgetvalue(r, i, LR_REGISTER);
    const char *contact = PQgetvalue(r, i, LR_CONTACT), *state = PQgetvalue(r, i, LR_STATE);
    pl_buf_printf(&what, "%s: %s", brief ? code : name, PQgetvalue(r, i, LR_ROLE));
    if (!PQgetisnull(r, i, LR_FROM))
        separate(&what, ", ", say(f, LW_FROM, PQgetvalue(r, i, LR_FROM), ""));
    if (!PQgetisnull(r, i, LR_UNTIL))
        separate(&what, ", ", say(f, LW_UNTIL, PQgetvalue(r, i, LR_UNTIL), ""));
    if (strcmp(state, "later") != 0 || !brief)
        separate(&how, "; ", say(f, word_of(state), PQgetvalue(r, i, LR_ORDER), PQgetvalue(r, i, LR_DUE)));
    if (*contact && strcmp(state, "auto") != 0)
        separate(&how, "; ", say(f, LW_CONTACT, contact, ""));
    if (brief && how.len) {
        pl_buf_printf(&what, " (%s)", how.s);
        pl_buf_clear(&how);
    }
    add(l, LK_RIGHT, copy(what.s), how.len ? copy(how.s) : NULL, NULL);
    pl_buf_free(&what);
    pl_buf_free(&how);
}

/* The first `most` of them. */
static void rights(const struct letter_facts *f, struct letter *l, bool brief, int most)
{
    int n = PQntuples(f->rights);
    add(l, LK_HEAD, say(f, LW_RIGHTS, "", ""), NULL, NULL);
    if (n == 0)
        add(l, LK_PARA, say(f, LW_NO_RIGHTS, "", ""), NULL, NULL);
    for (int i = 0; i < n && i < most; i++)
        right(f, l, i, brief);
    if (n > most) {
        char count[16];
        snprintf(count, sizeof count, "%d", n - most);
        add(l, LK_PARA, say(f, n - most == 1 ? LW_MORE_ONE : LW_MORE, count, ""), NULL, NULL);
    }
}

/* A contact that nobody has entered is a line to write on. */
static const char *contact(const struct letter_facts *f, int column)
{
    return PQgetisnull(f->who, 0, column) ? "______________________________" : PQgetvalue(f->who, 0, column);
}

static void duties(const struct letter_facts *f, struct letter *l)
{
    static const enum letter_word words[] = {LW_DUTY_SECRECY, LW_DUTY_USE, LW_DUTY_PASSWORD, LW_DUTY_INCIDENT,
                                             LW_DUTY_CHANGE};
    add(l, LK_HEAD, say(f, LW_DUTIES, "", ""), NULL, NULL);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        add(l, LK_DUTY, say(f, words[i], contact(f, LE_INCIDENT), ""), NULL, NULL);
    add(l, LK_SMALL, say(f, LW_BASIS, "", ""), NULL, NULL);
    add(l, LK_HEAD, say(f, LW_ASK, "", ""), NULL, NULL);
    add(l, LK_PARA, say(f, LW_ASK_HELP, contact(f, LE_HELP), ""), NULL, NULL);
    if (PQntuples(f->rights) > 0)
        add(l, LK_PARA, say(f, LW_ASK_REGISTER, "", ""), NULL, NULL);
    add(l, LK_SIGN, say(f, LW_SIGN, "", ""), NULL, NULL);
}

static bool fits(const struct letter_facts *f, struct letter *l, bool brief, int most)
{
    struct pl_buf page = {0};
    letter_free(l);
    person(f, l);
    accounts(f, l);
    password(f, l);
    rights(f, l, brief, most);
    duties(f, l);
    bool ok = l->n < LETTER_MAX && letter_print_text(l, &page) <= LETTER_LINES;
    if (page.s)
        explicit_bzero(page.s, page.cap);
    pl_buf_free(&page);
    return ok;
}

void letter_build(const struct letter_facts *f, struct letter *l)
{
    int most = PQntuples(f->rights);
    *l = (struct letter){0};
    if (fits(f, l, false, most))
        return;
    most = most > LETTER_LINES ? LETTER_LINES : most;
    while (!fits(f, l, true, most) && most > 0)
        most--;
}

void letter_free(struct letter *l)
{
    for (int i = 0; i < l->n; i++)
        for (int k = 0; k < 3; k++) {
            char *text = l->line[i].text[k];
            if (text && l->line[i].kind == LK_SECRET)
                explicit_bzero(text, strlen(text));
            free(text);
        }
    *l = (struct letter){0};
}
