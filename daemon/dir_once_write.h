/* Writes of a program without an event loop, in the form in which the daemon sends them: the same conversions, controls and
 * passwords. Each goes through pld_place_must_hold: a DN outside of the place ends the program. */
#ifndef PLD_DIR_ONCE_WRITE_H
#define PLD_DIR_ONCE_WRITE_H

#include "../lib/directory/dialect.h"
#include "dir_once.h"
#include "dir_place.h"

/* The codes are those of the LDAP result; -1: no answer or no connection any more, see err. */

struct pld_once_change { /* one Modify */
    struct pl_str dn;
    const struct pl_mod *mods;
    size_t n_mods;
    const char *password_attr; /* with `password`: a Replace of it goes behind the mods */
    struct pl_str password;    /* in the form that the server wants; empty: none */
    struct pl_str assertion;   /* RFC 4528, critical; empty: none */
    const char *const *tell;   /* RFC 4527: to be told of the entry as it is afterwards; NULL: not asked */
    struct pl_buf *told;       /* what it showed, as the daemon keeps it (pl_echo_text) */
};

int pld_once_add(struct pld_once *o, const struct pld_place *place, struct pl_str dn, const struct pl_attr *attrs,
                 size_t n, struct pl_err *err);
int pld_once_modify(struct pld_once *o, const struct pld_place *place, const struct pld_once_change *change,
                    struct pl_err *err);
int pld_once_delete(struct pld_once *o, const struct pld_place *place, struct pl_str dn, struct pl_err *err);
/* Renames and moves; the old name's value goes. */
int pld_once_rename(struct pld_once *o, const struct pld_place *place, struct pl_str dn, struct pl_str rdn,
                    struct pl_str parent, struct pl_err *err);

/* A log-on with a name and a password on a connection of its own, with the directory's address and TLS rules. 0: it is let
 * in; the server's code; -1: there was none. `why`: what the server said of it, as far as the daemon understands it. */
int pld_once_log_on(const struct pl_conf_directory *conf, const char *uri, struct pl_str dn, struct pl_str password,
                    struct pl_err *why);

/* Passwords in the form of the dialect; `out` is the caller's to wipe with pld_once_forget. */
enum { PLD_ONCE_PASSWORD = 17 };
bool pld_once_first_password(enum pl_password_form form, char plain[PLD_ONCE_PASSWORD], struct pl_buf *out,
                             struct pl_err *err);
bool pld_once_useless_password(enum pl_password_form form, struct pl_buf *out, struct pl_err *err);
void pld_once_forget(struct pl_buf *password);

#endif
