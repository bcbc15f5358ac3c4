/* paasla.conf: one option row = section, name, parser, limits, unit, default, documentation. The parser, the check, the
 * sample file and `paaslactl`'s help all read the same rows (conf_table.c).
 *
 * Format: INI as read by inih. Sections [database], [daemon], [brake] and one [directory NAME] for each directory. Several values: the
 * option is written once, values separated by white space (uris) or the option is repeated with a dotted suffix
 * (attribute.cn = {name}). An unknown section or option, a value out of range or a missing required option is an error
 * that names file and line. */
#ifndef PL_CONF_CONF_H
#define PL_CONF_CONF_H

#include <stdio.h>
#include "../base/arena.h"
#include "../base/err.h"

struct pl_conf_attribute { /* attribute.NAME = text */
    struct pl_str name, text;
};

struct pl_conf_directory {
    struct pl_str name;    /* from the section's title */
    struct pl_str dialect; /* openldap, 389ds, ad */
    struct pl_str uris;    /* ldap://host, ldaps://host:port, ldapi://%2fpath; separated by spaces, tried in order */
    struct pl_str tls;     /* starttls (default for ldap://), none (only ldapi:// and loopback); ldaps:// implies TLS */
    struct pl_str ca_file;
    struct pl_str sasl;                   /* none (simple bind), external, gssapi */
    struct pl_str keytab_file, principal; /* of gssapi */
    struct pl_str cert_file, key_file;
    struct pl_str bind_dn, password_file;
    struct pl_str people_base, group_base, canary_dn, placeholder_dn, policy_dn;
    struct pl_str login_attribute, number_attribute, login_style, admin_prefix;
    struct pl_str rdn_template;   /* the whole DN of a new entry: uid={login},ou=inimesed,dc=linn,dc=test */
    struct pl_str object_classes; /* separated by spaces */
    struct pl_conf_attribute *attributes;
    size_t n_attributes;
    struct pl_str first_password;     /* none, file */
    struct pl_str first_password_dir; /* 0700, the operator's */
    bool must_change_password;
    struct pl_str fence_attribute, privileged_groups, certificates; /* Active Directory; certificates: report, clear */
    bool lock_leavers_observed, end_ahead;
    struct pl_str keep_attributes, mail_alias_attribute; /* what follows HR's name; where a mail that was stays */
    int64_t watch_poll_ms;                               /* Active Directory: how often it is asked */
    int64_t inflight;
    int64_t timeout_ms; /* one LDAP answer */
    int64_t connect_ms; /* connect, TLS and bind together */
};

struct pl_conf {
    /* [database] */
    struct pl_str connection;    /* libpq conninfo */
    struct pl_str password_file; /* optional; its content is handed to libpq as password */
    /* [daemon] */
    int64_t compare_every_s, poll_s, retry_min_ms, retry_max_s;
    int64_t bulk_limit;
    int64_t log_level;     /* 3..7 */
    struct pl_str metrics; /* unix:/path or host:port of this host; empty: none */
    /* [brake] */
    int64_t max_locks, max_lock_share, max_removals, max_removal_share, share_from, window_s, named_leavers,
        named_per_hour;
    struct pl_conf_directory *dirs;
    size_t n_dirs;
    struct pl_arena *arena; /* owns every slice above */
};

enum pl_conf_type {
    PL_CONF_TEXT,
    PL_CONF_INT,
    PL_CONF_BOOL,
    PL_CONF_WORD,
    PL_CONF_DN,
    PL_CONF_PATH,
    PL_CONF_SECONDS,
    PL_CONF_SECRET, /* a whole path, or credential:NAME, which the service manager hands over */
};

/* What a reload (SIGHUP) does with a changed option. */
enum pl_conf_when {
    PL_CONF_RESTART,   /* it is said; the old value stays until the next start */
    PL_CONF_RECONNECT, /* the directory's connections are made anew */
    PL_CONF_LIVE,      /* the new value counts from then on */
};

struct pl_conf_option {
    const char *section; /* "database", "daemon", "brake", "directory" */
    const char *name;
    enum pl_conf_type type;
    size_t offset;    /* in struct pl_conf or struct pl_conf_directory */
    const char *unit; /* "s", "ms", "%", "" */
    int64_t min, max;
    const char *words;    /* WORD: allowed words separated by '|' */
    const char *fallback; /* default as text; NULL: required; "": empty allowed */
    const char *doc;      /* what it does, for people */
    const char *example;  /* value in the sample file when the default says nothing */
    enum pl_conf_when when;
};
extern const struct pl_conf_option pl_conf_options[];
extern const size_t pl_conf_n_options;

/* What stands in a file, as it is. False with a sentence. The caller frees it with pl_buf_free. */
bool pl_conf_text(const char *path, struct pl_buf *out, struct pl_err *err);

/* Reads a file. NULL with "FILE:LINE: what is wrong" and a hint. The caller frees with pl_conf_free. */
struct pl_conf *pl_conf_read(const char *path, struct pl_err *err);
struct pl_conf *pl_conf_parse(const char *name, struct pl_str text, struct pl_err *err); /* name: for messages */
void pl_conf_free(struct pl_conf *c);

/* One option in force (conf_reload.c). */
struct pl_conf_value {
    struct pl_str name, text; /* "daemon.poll_s", "directory linn.uris", "directory linn.attribute.cn" */
    const struct pl_conf_option *option;
    struct pl_str directory; /* empty: not of a directory */
    bool secret;             /* names a file with a secret */
};
/* All of them, defaults too, in the arena; in the order of the rows. */
size_t pl_conf_values(const struct pl_conf *c, struct pl_arena *a, struct pl_conf_value **out);

/* Makes `fresh` what a running daemon can take over: whatever needs a restart becomes as it is in `running`, which
 * directories there are and their order too. */
void pl_conf_keep(struct pl_conf *fresh, const struct pl_conf *running);

/* The commented sample, from the rows; and the same rows as a list for people. */
void pl_conf_write_sample(FILE *out);
void pl_conf_write_options(FILE *out);

#endif
