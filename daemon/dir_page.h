/* Where the next page of a read begins (RFC 2696), out of what stands beside a search's result. */
#ifndef PLD_DIR_PAGE_H
#define PLD_DIR_PAGE_H

#include <ldap.h>
#include <stdbool.h>
#include "../lib/base/str.h"

/* *cookie: the next page's, inside the control; empty: that was all, or the server gives no pages. False: there is a
 * control and it is malformed, so nobody knows whether that was all. Not by libldap: ldap_parse_pageresponse_control
 * (2.5) reads through a null pointer when the control has no value, and takes members of other types. */
bool dir_page_next(LDAPControl **ctrls, struct pl_str *cookie);

#endif
