/* Reading and writing the BER of LDAP controls (X.690, as restricted by RFC 4511 section 5.1: definite lengths only).
 * A reader is a slice that shrinks; nothing is copied and nothing read beyond its end. */
#ifndef PL_DIRECTORY_BER_H
#define PL_DIRECTORY_BER_H

#include <stdbool.h>
#include "../base/str.h"

enum pl_ber_tag {
    PL_BER_BOOLEAN = 0x01,
    PL_BER_INTEGER = 0x02,
    PL_BER_OCTETS = 0x04,
    PL_BER_ENUMERATED = 0x0a,
    PL_BER_SEQUENCE = 0x30,
    PL_BER_SET = 0x31
};

/* The next element whole: its tag (one byte; a longer one is refused) and its contents. `in` moves behind it. False: no
 * element there, an indefinite length, or one that reaches beyond the end; `in` is not moved. */
bool pl_ber_next(struct pl_str *in, unsigned char *tag, struct pl_str *contents);

/* The same, when the next element has this tag. False: it has not, or is none; *in and *contents are as they were. To
 * tell "left out" from "malformed" the caller looks at what is left in the end. */
bool pl_ber_take(struct pl_str *in, unsigned char tag, struct pl_str *contents);

/* The one element that a whole value is: false also when something follows it. */
bool pl_ber_whole(struct pl_str value, unsigned char tag, struct pl_str *contents);

/* What is left of a SEQUENCE when the members that we know are taken. Members that may be left out are only taken when
 * they are there and whole, so that what is cut, malformed or out of its place is still there, and this finds it: a broken
 * member must not pass for one that was left out. Members of a later version would have tags of their own and are passed
 * over (RFC 4511 section 4). */
bool pl_ber_tail_ok(struct pl_str rest);

bool pl_ber_bool(struct pl_str contents, bool *out);      /* one byte; any but 0 is true */
bool pl_ber_small(struct pl_str contents, unsigned *out); /* a number from 0 to 32767 */

void pl_ber_put(struct pl_buf *out, unsigned char tag, struct pl_str contents);

#endif
