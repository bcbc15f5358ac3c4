/* The one place below which a program may write. A DN is compared as a DN, never as text, and what cannot be compared is
 * outside: so a mistake of ours ends the program, and no entry of anybody's is touched. */
#ifndef PLD_DIR_PLACE_H
#define PLD_DIR_PLACE_H

#include "../lib/base/str.h"

struct pld_place {
    struct pl_str base; /* its entry is not ours to write: only what lies below it */
};

/* Strictly below. False for the base itself, for what is no DN (RFC 4514), for a base that is none or is the empty name,
 * and for the forms by which Active Directory names an entry without its place (<GUID=...>). */
bool pld_place_holds(const struct pld_place *place, struct pl_str dn);

/* Ends the program (abort) when it is not so. Every write goes through here. */
void pld_place_must_hold(const struct pld_place *place, struct pl_str dn);

/* The same of the name that an entry gets: `rdn` must be one RDN, `parent` the place or an entry in it. */
void pld_place_must_take(const struct pld_place *place, struct pl_str rdn, struct pl_str parent);

#endif
