/* The DirSync control of Active Directory (MS-ADTS 3.1.1.3.4.1.3): bytes to values and back, and how far we have seen as a
 * text that the store keeps. Pure; slices point into what was given.
 *
 * A search with it tells what changed since its cookie, of each entry only the attributes that did, and answers with the
 * next cookie. Nothing stays open: whoever wants to know asks again. With OBJECT_SECURITY an account sees what it may
 * read and nothing else: of an entry that was deleted or went out of its sight nothing is told, not even that it did. */
#ifndef PL_DIRECTORY_DIRSYNC_H
#define PL_DIRECTORY_DIRSYNC_H

#include <stdbool.h>
#include <stdint.h>
#include "../base/str.h"

#define PL_OID_DIRSYNC "1.2.840.113556.1.4.841"

/* Appends the control's value: OBJECT_SECURITY, so that ordinary rights do, and INCREMENTAL_VALUES. An empty cookie asks
 * for everything. */
void pl_dirsync_request(struct pl_buf *out, struct pl_str cookie);

struct pl_dirsync_answer {
    bool more; /* ask again at once */
    struct pl_str cookie;
};
/* Exactly one value, with a cookie. False: *out holds nothing that may be used. */
bool pl_dirsync_answer_read(struct pl_dirsync_answer *out, struct pl_str value);

/* With INCREMENTAL_VALUES a linked attribute comes as "member;range=1-1" and "member;range=0-0". */
enum pl_dirsync_values {
    PL_DIRSYNC_VALUES, /* those that are */
    PL_DIRSYNC_CAME,
    PL_DIRSYNC_WENT,
};
enum pl_dirsync_values pl_dirsync_values_of(struct pl_str attribute);

/* How far we have seen, on which server: update numbers count for one server and one life of its data only, and a cookie
 * is believed for no other either. */
struct pl_place {
    struct pl_str server; /* its invocationId as text */
    int64_t usn;          /* its highestCommittedUSN when it was asked; a server that knows less has been restored */
    bool by_usn;          /* everything up to `usn` was seen, without DirSync; then there is no cookie */
    struct pl_str cookie; /* octets */
};
void pl_place_print(struct pl_buf *out, const struct pl_place *p);
/* The cookie's octets are put into `room`. False: not of this form. */
bool pl_place_parse(struct pl_place *p, struct pl_buf *room, struct pl_str text);

#endif
