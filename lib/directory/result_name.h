/* LDAP result codes by the names that RFC 4511 section 4.1.9 and later ones give them, for people who look at counts. */
#ifndef PL_DIRECTORY_RESULT_NAME_H
#define PL_DIRECTORY_RESULT_NAME_H

/* Never NULL. "unknown" for an answer that never came (-1), "unlisted" for a code that no document names: so a server
 * cannot make more names than stand in the table. */
const char *pl_result_name(int code);

#endif
