/* Distinguished names (RFC 4514): parse, escape, compare. Length-aware; a name cannot inject an RDN. */
#ifndef PL_DIRECTORY_DN_H
#define PL_DIRECTORY_DN_H

#include "../base/err.h"
#include "../base/str.h"

/* Appends `value` escaped as an attribute value of an RDN: specials, leading '#' and space, trailing space, NUL and
 * control bytes as \XX; valid UTF-8 stays as it is. */
void pl_dn_escape(struct pl_buf *out, struct pl_str value);

/* Appends the normal form of `dn`: attribute types in lower case, multi-valued RDNs sorted, values unescaped, ASCII case
 * folded, runs of spaces made one, then escaped again; no spaces round separators. Two DNs name the same entry for us
 * when their normal forms are equal bytes. False (with err) when `dn` is not a DN. The empty DN is the empty form. */
bool pl_dn_normal(struct pl_buf *out, struct pl_str dn, struct pl_err *err);

/* Hash of the normal form; of the raw bytes when it is not a DN. */
uint64_t pl_dn_hash(struct pl_str dn);

bool pl_dn_equal(struct pl_str a, struct pl_str b); /* false when either is not a DN */
/* The name above: what follows the first RDN; empty when there is none or `dn` is no DN. A part of `dn` itself. */
struct pl_str pl_dn_parent(struct pl_str dn);

/* The domain that a name lies in (RFC 2247): its last parts as far as they are dc=; empty when there is none. */
struct pl_str pl_dn_domain(struct pl_str dn);

bool pl_dn_under(struct pl_str dn, struct pl_str base); /* equal to base or below it */

#endif
