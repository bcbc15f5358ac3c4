/* letter: one page for a joiner. It holds no password but one that the operator names a file of. */
#include "args.h"
#include "letter.h"
#include "outfile.h"
#include "who.h"

#include <jansson.h>
#include <string.h>

#include "lib/conf/conf.h"

struct wish {
    const char *person, *out, *password_file, *conf;
    enum letter_lang lang;
    bool html;
};

static bool take(struct ctl *c, int argc, char **argv, struct wish *w)
{
    struct ctl_args a;
    ctl_args_start(&a, c, argc, argv);
    const char *lang = ctl_option(&a, "--lang");
    w->html = ctl_flag(&a, "--html");
    w->out = ctl_option(&a, "--out");
    w->password_file = ctl_option(&a, "--password-file");
    w->conf = ctl_option(&a, "--conf");
    if (!ctl_args_end(&a, 1, 1))
        return false;
    w->person = a.word[0];
    if (lang && !letter_lang_parse(lang, &w->lang)) {
        ctl_complain("--lang is et or en, not %s.", lang);
        return false;
    }
    if (c->json && (w->html || w->out || w->password_file)) {
        ctl_complain(
            "--json tells what the letter rests on; --html, --out and --password-file are for the letter itself.");
        return false;
    }
    return true;
}

static bool read_facts(struct ctl *c, const struct wish *w, struct letter_facts *f, int *code)
{
    struct ctl_who who;
    PGresult *begun = ctl_exec(c, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", code);
    if (!begun)
        return false;
    PQclear(begun);
    *code = ctl_find_person(c, w->person, &who);
    if (*code != CTL_OK)
        return false;
    const char *params[] = {who.id, w->person};
    if (!(f->who = ctl_query(c, "ctl_letter", 2, params, code)))
        return false;
    if (PQntuples(f->who) == 0) {
        ctl_complain("%s (%s) is not employed, and no employment begins later: there is nobody to write to.", who.name,
                     who.number);
        *code = CTL_USAGE;
        return false;
    }
    const char *place[] = {who.id, PQgetvalue(f->who, 0, LE_CODE), PQgetvalue(f->who, 0, LE_NUMBER)};
    if (!(f->accounts = ctl_query(c, "ctl_letter_accounts", 3, place, code)) ||
        !(f->rights = ctl_query(c, "ctl_letter_rights", 1, params, code)) ||
        !(f->moment = ctl_query(c, "ctl_moment", 0, NULL, code)))
        return false;
    PQclear(ctl_exec(c, "COMMIT", code));
    return *code == CTL_OK;
}

/* What the daemon's configuration says of the person's directories, when it says the same of all. */
static bool read_mode(const char *path, struct letter_facts *f)
{
    struct pl_err err = {0};
    struct pl_conf *conf = pl_conf_read(path, &err);
    if (!conf) {
        ctl_complain("%s%s%s", err.text, *err.hint ? " " : "", err.hint);
        return false;
    }
    bool file = false, none = false, other = false;
    for (int i = 0; i < PQntuples(f->accounts); i++) {
        bool found = false;
        for (size_t d = 0; d < conf->n_dirs && !found; d++) {
            if (!pl_str_eq_c(conf->dirs[d].name, PQgetvalue(f->accounts, i, LA_DIRECTORY)))
                continue;
            found = true;
            *(pl_str_eq_c(conf->dirs[d].first_password, "file") ? &file : &none) = true;
        }
        other = other || !found;
    }
    f->mode = other || file == none ? LETTER_MODE_UNKNOWN : file ? LETTER_MODE_FILE : LETTER_MODE_NONE;
    pl_conf_free(conf);
    return true;
}

/* Lines to be filled in by hand are a pity; who may change that is told how. */
static void say_missing(const struct letter_facts *f)
{
    static const struct {
        int column;
        const char *purpose, *what;
    } contacts[] = {{LE_HELP, "help", "questions about accounts"}, {LE_INCIDENT, "incident", "security incidents"}};
    const char *code = PQgetvalue(f->who, 0, LE_CODE);
    for (int i = 0; i < 2; i++)
        if (PQgetisnull(f->who, 0, contacts[i].column))
            ctl_complain(
                "note: %s has no contact for %s, so the letter has a line to write on. An administrator enters it: "
                "INSERT INTO paasla.institution_contact VALUES ('%s', '%s', 'name, e-mail, telephone')",
                code, contacts[i].what, code, contacts[i].purpose);
}

static void print_json(const struct letter_facts *f)
{
    json_t *who = ctl_json_rows(f->who);
    ctl_print_json_value(json_pack("{s:O, s:o, s:o}", "person", json_array_get(who, 0), "accounts",
                                   ctl_json_rows(f->accounts), "rights", ctl_json_rows(f->rights)));
    json_decref(who);
}

static bool print_letter(const struct wish *w, const struct letter_facts *f)
{
    struct letter l;
    struct ctl_outfile o;
    struct pl_buf page = {0};
    if (!ctl_outfile_open(&o, w->out))
        return false;
    letter_build(f, &l);
    if (w->html) {
        letter_print_html(&l, f->lang, o.f);
    } else {
        letter_print_text(&l, &page);
        fputs(page.s, o.f);
        explicit_bzero(page.s, page.cap);
    }
    letter_free(&l);
    pl_buf_free(&page);
    return ctl_outfile_commit(&o);
}

int cmd_letter(struct ctl *c, int argc, char **argv)
{
    struct wish w = {0};
    char password[LETTER_PASSWORD_MAX + 1] = "";
    int code = CTL_OK;
    if (!take(c, argc, argv, &w))
        return CTL_USAGE;
    struct letter_facts f = {.lang = w.lang};
    if (!read_facts(c, &w, &f, &code))
        goto out;
    if ((w.conf && !read_mode(w.conf, &f)) ||
        (w.password_file && !letter_password_read(w.password_file, f.accounts, &f.password_login, password))) {
        code = CTL_USAGE;
        goto out;
    }
    if (w.password_file)
        f.password = password;
    if (c->json)
        print_json(&f);
    else if (!print_letter(&w, &f))
        code = CTL_USAGE;
    if (code == CTL_OK)
        say_missing(&f);
    if (code == CTL_OK && f.password)
        ctl_complain("note: the letter holds the first password of %s. Hand it over in person, and then remove %s.",
                     f.password_login, w.password_file);
out:
    explicit_bzero(password, sizeof password);
    PQclear(f.who);
    PQclear(f.accounts);
    PQclear(f.rights);
    PQclear(f.moment);
    return code;
}
