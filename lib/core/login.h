/* Log-in names: folded from a person's names, at most 20 characters, and reserved in SQL for ever before a directory
 * sees them. */
#ifndef PL_CORE_LOGIN_H
#define PL_CORE_LOGIN_H

#include "../base/err.h"
#include "../base/str.h"

#define PL_LOGIN_MAX 20 /* sAMAccountName of a user: MS-SAMR 3.1.1.6; the same everywhere so that one name serves all */

/* Writes given "." family, folded, to out (terminated). `style` is "given.family" (mari.tamm), "gfamily" (mtamm) or
 * "given" + first letters ("given.f"). False with a sentence when a name is empty, not UTF-8, or holds letters that
 * are not Latin (Cyrillic: HR must give the legal Latin form; we do not transliterate). */
bool pl_login_base(char out[PL_LOGIN_MAX + 1], struct pl_str given, struct pl_str family, struct pl_str style,
                   struct pl_err *err);

/* The n-th candidate for a base (1 is the base itself, 2 is base "2", ...), shortened so that the number fits.
 * `prefix` goes in front and counts ("adm-" for administrative accounts). */
void pl_login_candidate(char out[PL_LOGIN_MAX + 1], struct pl_str prefix, struct pl_str base, unsigned n);

/* Whether a directory may take the two for one log-in: without case and without the marks of letters. Windows compares
 * sAMAccountName so (jaan.oun with and without a tilde are one), others keep such names apart. */
bool pl_login_same(struct pl_str a, struct pl_str b);

/* Appends the display fold used for matching names (NFC, no case). False when not UTF-8. */
bool pl_name_nfc(struct pl_buf *out, struct pl_str name, struct pl_err *err);

#endif
