/* The controls and the intermediate message of content synchronisation (RFC 4533), the text form of an entryUUID
 * (RFC 4530) and the post-read control (RFC 4527): bytes to values and back. Pure; slices point into what was given.
 *
 * The readers take exactly one value: false when it is cut, when bytes follow it, or when a member is malformed or out of
 * its place; *out then holds nothing that may be used. Members that we do not know are passed over (RFC 4511 section 4). */
#ifndef PL_DIRECTORY_SYNC_H
#define PL_DIRECTORY_SYNC_H

#include <stdbool.h>
#include "../base/str.h"

#define PL_OID_SYNC_REQUEST "1.3.6.1.4.1.4203.1.9.1.1"
#define PL_OID_SYNC_STATE   "1.3.6.1.4.1.4203.1.9.1.2"
#define PL_OID_SYNC_DONE    "1.3.6.1.4.1.4203.1.9.1.3"
#define PL_OID_SYNC_INFO    "1.3.6.1.4.1.4203.1.9.1.4"
#define PL_OID_POST_READ    "1.3.6.1.1.13.2"

enum {
    PL_UUID_BYTES = 16,
    PL_UUID_TEXT = 36,               /* without the NUL */
    PL_SYNC_REFRESH_REQUIRED = 4096, /* result code e-syncRefreshRequired */
};

enum pl_sync_mode { PL_SYNC_REFRESH_ONLY = 1, PL_SYNC_REFRESH_AND_PERSIST = 3 };

/* Appends the value of a Sync Request control (2.2). An empty cookie is left out. */
void pl_sync_request(struct pl_buf *out, enum pl_sync_mode mode, struct pl_str cookie, bool reload_hint);

enum pl_sync_state_kind { PL_SYNC_PRESENT, PL_SYNC_ADD, PL_SYNC_MODIFY, PL_SYNC_DELETE };
struct pl_sync_state { /* 2.3 */
    enum pl_sync_state_kind state;
    unsigned char uuid[PL_UUID_BYTES];
    struct pl_str cookie; /* empty: none */
};
bool pl_sync_state_read(struct pl_sync_state *out, struct pl_str value);

struct pl_sync_done { /* 2.4 */
    struct pl_str cookie;
    bool refresh_deletes;
};
bool pl_sync_done_read(struct pl_sync_done *out, struct pl_str value);

enum pl_sync_info_kind { PL_SYNC_NEW_COOKIE, PL_SYNC_REFRESH_DELETE, PL_SYNC_REFRESH_PRESENT, PL_SYNC_ID_SET };
struct pl_sync_info { /* 2.5 */
    enum pl_sync_info_kind kind;
    struct pl_str cookie;
    bool refresh_done;    /* REFRESH_DELETE, REFRESH_PRESENT */
    bool refresh_deletes; /* ID_SET: these entries are gone; otherwise these are there, unchanged */
    struct pl_str uuids;  /* ID_SET: what pl_sync_info_next has not given yet */
};
/* Checks the whole message, every entryUUID of a set included. */
bool pl_sync_info_read(struct pl_sync_info *out, struct pl_str value);
/* The next of the set: 16 bytes inside the message. */
bool pl_sync_info_next(struct pl_sync_info *i, const unsigned char **uuid);

void pl_uuid_print(char out[PL_UUID_TEXT + 1], const unsigned char uuid[PL_UUID_BYTES]);
bool pl_uuid_read(unsigned char out[PL_UUID_BYTES], struct pl_str text);

/* RFC 4527 3.2: value of the request control that asks for some attributes (ended by NULL), and the first value of one of
 * them in the answer (a SearchResultEntry); empty when it is not there. */
void pl_post_read_request(struct pl_buf *out, const char *const *attrs);
struct pl_str pl_post_read_value(struct pl_str value, struct pl_str attr);

#endif
