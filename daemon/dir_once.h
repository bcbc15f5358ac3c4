/* A directory asked by a program without an event loop: each call waits for its answer. The connection comes up exactly as
 * the daemon's do (dir_link.c, dir_bind.c): the same TLS rules, the same log-on, the same first reads. Nothing here can
 * write; dir_once_write.h can, in one place. */
#ifndef PLD_DIR_ONCE_H
#define PLD_DIR_ONCE_H

#include "../lib/base/arena.h"
#include "../lib/base/err.h"
#include "../lib/conf/conf.h"
#include "../lib/directory/entry.h"
#include "../lib/engine/engine.h"

struct pld_once;

struct pld_once_facts { /* of a connection */
    bool bound;         /* TLS and log-on went well: the handle may be asked */
    bool fit;           /* and the daemon's first reads too */
    bool refused;       /* the server refuses our credentials */
    struct pl_err err;  /* not fit: the daemon's own sentence */
    const char *step;   /* not bound: at what it ended; a literal */
    bool ppolicy, watch, assertion, post_read;
    bool policy_in_force; /* the default policy was seen to apply */
    char identity[128];   /* of people_base; empty: not read */
    bool tls;
    char tls_version[16]; /* "TLS1.3" */
    bool has_certificate; /* the next two are known */
    int64_t not_after_us; /* the server's certificate ends, microseconds since 1970 */
    char issuer[128];     /* the common name of who signed it; may be empty */
    /* `step` for programs. */
    enum pld_once_at {
        PLD_ONCE_REACH,
        PLD_ONCE_TLS,
        PLD_ONCE_LOG_ON,
        PLD_ONCE_READ,
        PLD_ONCE_IDENTITY, /* the first read of people_base */
    } at;
};

/* NULL: not bound, facts->err says why. The caller closes it. */
struct pld_once *pld_once_open(const struct pl_conf_directory *conf, const char *uri, struct pld_once_facts *facts);
void pld_once_close(struct pld_once *o); /* NULL is fine */

struct pld_once_ask {
    struct pl_str base;
    enum pl_scope scope;
    const char *filter;       /* NULL: everything */
    const char *const *attrs; /* NULL-terminated */
    bool paged, usability;    /* as in the engine's SEARCH */
    int page;                 /* entries in a page; 0: as many as the daemon asks for */
    const char *control;      /* OID of one more; NULL: none */
    struct pl_str control_value;
    bool control_critical;
    void (*entry)(void *ctx, const struct pl_entry *e); /* slices live until it returns; NULL: only count */
    void *ctx;
};
struct pld_once_answer {
    int code; /* LDAP result; -1: no answer or no connection any more, see err */
    long entries;
    bool partial; /* an attribute came in part, or the server pointed elsewhere */
    struct pl_err err;
};
/* True: the code is 0. */
bool pld_once_search(struct pld_once *o, const struct pld_once_ask *ask, struct pld_once_answer *out);

/* Compare (RFC 4511 4.10): 6 true, 5 false, 16 no such attribute, 50 no right; -1 as above. */
int pld_once_compare(struct pld_once *o, struct pl_str dn, const char *attr, struct pl_str value, struct pl_err *err);

/* Whom the server takes us for (RFC 4532, RFC 4513 5.2.1.8): "dn:...", "u:..."; empty when it does not say. */
struct pl_str pld_once_whoami(struct pld_once *o, struct pl_arena *a);

/* Whether the server would take a password without TLS: the result code of a log-on with a name and a password that
 * nobody has, sent in the clear; -1 with err. Only for ldap:// addresses. */
int pld_once_plain(const struct pl_conf_directory *conf, const char *uri, struct pl_err *err);

#endif
