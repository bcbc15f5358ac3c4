/* OpenLDAP's synchronisation cookie: "rid=NNN[,sid=HHH],csn=CSN;CSN...". A CSN is
 * "YYYYmmddHHMMSS.ffffffZ#count#sid#mod", all of fixed width, so that later is greater as text. In the persist phase
 * slapd sends the CSN of one change only; a consumer keeps the greatest of each server id, or every reconnect to a
 * multi-provider set is a full refresh. */
#ifndef PL_DIRECTORY_COOKIE_H
#define PL_DIRECTORY_COOKIE_H

#include <stdbool.h>
#include "../base/str.h"

enum { PL_COOKIE_SERVERS = 64, PL_CSN_LEN = 40, PL_CSN_MAX = 48, PL_COOKIE_RID = 3 };

struct pl_cookie {
    struct pl_cookie_csn {
        unsigned sid; /* 0 to 0xfff */
        char csn[PL_CSN_MAX];
    } csn[PL_COOKIE_SERVERS]; /* sorted by sid */
    size_t n;
};

void pl_cookie_clear(struct pl_cookie *c);

/* False: not of this form, or more servers than we keep; `c` is empty then. Parts that we do not know are passed over. */
bool pl_cookie_parse(struct pl_cookie *c, struct pl_str text);

/* Every server's later CSN stays. False: there was no room for a server. */
bool pl_cookie_merge(struct pl_cookie *c, const struct pl_cookie *news);

/* What to send. Never with sid=: to slapd that is the server that asks, and it would keep changes back that were made
 * there, because that server has them already. Nobody is named by our own rid either; it only marks lines of its log. */
void pl_cookie_print(struct pl_buf *out, const struct pl_cookie *c);

/* How far two consumers have seen. */
enum pl_cookie_order { PL_COOKIE_SAME, PL_COOKIE_OLDER, PL_COOKIE_NEWER, PL_COOKIE_DIVERGED };
enum pl_cookie_order pl_cookie_compare(const struct pl_cookie *a, const struct pl_cookie *b);

#endif
