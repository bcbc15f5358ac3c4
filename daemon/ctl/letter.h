/* The joiner's letter: one page, Estonian or English, as text or to print from a browser.
 *
 *   cmd_letter.c       arguments, queries, files
 *   letter_build.c     what the database knows becomes lines of meaning
 *   letter_text.c      every word of it, in both languages side by side
 *   letter_print.c     the lines as text of 60 lines by 80 columns, or as a page
 *   letter_password.c  a first password that the operator hands over with it
 */
#ifndef PAASLA_CTL_LETTER_H
#define PAASLA_CTL_LETTER_H

#include "ctl.h"

#include "lib/base/str.h"

enum { LETTER_COLUMNS = 80, LETTER_LINES = 60, LETTER_PASSWORD_MAX = 128 };

enum letter_lang { LETTER_ET, LETTER_EN };

/* {1} and {2} stand for values. */
enum letter_word {
    LW_TITLE,
    LW_WELCOME, /* name */
    LW_INSTITUTION,
    LW_UNIT,
    LW_POSITION,
    LW_NUMBER,
    LW_FIRST_DAY,
    LW_LAST_DAY,
    LW_MANAGER,
    LW_ACCOUNTS, /* heading */
    LW_NO_ACCOUNTS,
    LW_NO_LOGIN,
    LW_ADMIN_ACCOUNT, /* directory */
    LW_OPEN,
    LW_SOON,
    LW_ON_FIRST_DAY,
    LW_SUSPENDED,
    LW_OBSERVE,
    LW_PASSWORD, /* heading */
    LW_PASSWORD_FILE,
    LW_PASSWORD_NONE,
    LW_PASSWORD_ANY,
    LW_PASSWORD_GIVEN, /* login */
    LW_PASSWORD_GIVEN_DO,
    LW_PASSWORD_OTHERS,
    LW_PASSWORD_RULE,
    LW_RIGHTS, /* heading */
    LW_NO_RIGHTS,
    LW_FROM,  /* day */
    LW_UNTIL, /* day */
    LW_AUTO,
    LW_ORDER, /* number, day */
    LW_DONE,
    LW_LATER,
    LW_MANUAL,
    LW_CONTACT, /* contact */
    LW_MORE_ONE,
    LW_MORE,   /* how many */
    LW_DUTIES, /* heading */
    LW_DUTY_SECRECY,
    LW_DUTY_USE,
    LW_DUTY_PASSWORD,
    LW_DUTY_INCIDENT, /* contact */
    LW_DUTY_CHANGE,
    LW_BASIS,
    LW_ASK,      /* heading */
    LW_ASK_HELP, /* contact */
    LW_ASK_REGISTER,
    LW_SIGN,
    LW_COUNT
};

const char *letter_text(enum letter_lang lang, enum letter_word w);
const char *letter_code(enum letter_lang lang); /* et, en */
bool letter_lang_parse(const char *code, enum letter_lang *out);

/* How a directory gives first passwords, as far as it is known. */
enum letter_mode { LETTER_MODE_UNKNOWN, LETTER_MODE_FILE, LETTER_MODE_NONE };

/* Columns of ctl_letter, ctl_letter_accounts and ctl_letter_rights. */
enum {
    LE_NAME,
    LE_CODE,
    LE_INSTITUTION,
    LE_UNIT,
    LE_POSITION,
    LE_NUMBER,
    LE_FIRST,
    LE_LAST,
    LE_BEGUN,
    LE_MANAGER,
    LE_HELP,
    LE_INCIDENT
};
enum { LA_DIRECTORY, LA_PURPOSE, LA_LOGIN, LA_STATE };
enum { LR_CODE, LR_REGISTER, LR_ROLE, LR_CONTACT, LR_STATE, LR_ORDER, LR_DUE, LR_FROM, LR_UNTIL };

struct letter_facts {
    enum letter_lang lang;
    PGresult *who, *accounts, *rights, *moment; /* of one snapshot */
    enum letter_mode mode;                      /* of all directories where there is an account */
    const char *password_login;                 /* NULL: no password is handed over */
    const char *password;
};

enum letter_kind {
    LK_TITLE, /* title, day */
    LK_WELCOME,
    LK_PAIR, /* label, value */
    LK_HEAD,
    LK_ACCOUNT, /* directory, login, state */
    LK_RIGHT,   /* what, how or empty */
    LK_PARA,
    LK_SECRET, /* label, password */
    LK_DUTY,
    LK_SMALL,
    LK_SIGN
};

enum { LETTER_MAX = 256 };

struct letter {
    struct letter_line {
        enum letter_kind kind;
        char *text[3]; /* owned; NULL behind the last */
    } line[LETTER_MAX];
    int n;
};

/* As much as fits on a page: first with two lines for a right, then with one, then with fewer rights. */
void letter_build(const struct letter_facts *f, struct letter *l);
void letter_free(struct letter *l); /* a password in it is wiped */

int letter_print_text(const struct letter *l, struct pl_buf *out); /* returns the lines */
void letter_print_html(const struct letter *l, enum letter_lang lang, FILE *out);

/* The first password that paaslad left in `path`, LOGIN-TIME. login: one of `accounts` that the file's name begins with.
 * out: LETTER_PASSWORD_MAX + 1 bytes. False: said, without a word of the content. */
bool letter_password_read(const char *path, const PGresult *accounts, const char **login, char *out);

#endif
