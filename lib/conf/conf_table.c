#include "conf.h"

#define ONE_DAY  86400
#define ONE_YEAR (366 * ONE_DAY)

/* Columns: section, name, type, offset, unit, min, max, words, default (NULL: required), documentation, example, what a
 * reload does with it (left out: it needs a restart). Of a text, min and max bound its length in bytes. The rows stand in
 * the order of the sample file. */
#define TOP(field) offsetof(struct pl_conf, field)
#define DIR(field) offsetof(struct pl_conf_directory, field)

const struct pl_conf_option pl_conf_options[] = {
    /* ---- [database] ---- */
    {"database", "connection", PL_CONF_TEXT, TOP(connection), "", 1, 4000, NULL, NULL,
     "How to reach PostgreSQL: key=value pairs or a postgresql:// address, as libpq reads them. No password here; it "
     "stands in a file of its own.",
     "host=/run/postgresql dbname=paasla user=paasla"},
    {"database", "password_file", PL_CONF_SECRET, TOP(password_file), "", 0, 4000, NULL, "",
     "File with the password for PostgreSQL, readable only by the daemon, or credential:NAME for one that the unit "
     "hands "
     "over. Empty: no password is sent (peer authentication or a client certificate).",
     "credential:secret_database", PL_CONF_LIVE},

    /* ---- [daemon] ---- */
    {"daemon", "compare_every_s", PL_CONF_SECONDS, TOP(compare_every_s), "s", 0, ONE_YEAR, NULL, "3600",
     "How often each directory is read whole and compared with what is wanted. 0: only at the start and when somebody "
     "asks (`paaslactl sync`).",
     NULL, PL_CONF_LIVE},
    {"daemon", "poll_s", PL_CONF_SECONDS, TOP(poll_s), "s", 1, ONE_DAY, NULL, "30",
     "PostgreSQL wakes the daemon at each change. Should that call be lost, the queue is looked at anyway after so "
     "long.",
     NULL, PL_CONF_LIVE},
    {"daemon", "retry_min_ms", PL_CONF_INT, TOP(retry_min_ms), "ms", 10, 3600000, NULL, "500",
     "Pause after the first failure (database or directory gone, entry busy). It doubles with each further failure.",
     NULL, PL_CONF_LIVE},
    {"daemon", "retry_max_s", PL_CONF_SECONDS, TOP(retry_max_s), "s", 1, ONE_DAY, NULL, "300",
     "The longest pause between two tries.", NULL, PL_CONF_LIVE},
    {"daemon", "bulk_limit", PL_CONF_INT, TOP(bulk_limit), "", 1, 100000, NULL, "500",
     "How many persons one batch of work without haste (joiners, movers, comparisons) takes from the queue. Leavers do "
     "not wait for batches.",
     NULL, PL_CONF_LIVE},
    {"daemon", "log_level", PL_CONF_INT, TOP(log_level), "", 3, 7, NULL, "6",
     "What is written to standard error: 3 errors, 4 warnings too, 5 notices, 6 the ordinary course, 7 everything.",
     NULL, PL_CONF_LIVE},

    {"daemon", "metrics", PL_CONF_TEXT, TOP(metrics), "", 0, 200, NULL, "",
     "Where /metrics (for Prometheus) and /healthz answer over HTTP, without log-on and without anything about "
     "persons: "
     "unix:/path of a socket, or a port of this very host (127.0.0.1:9464, [::1]:9464). Empty: nowhere.",
     "unix:/run/paasla/metrics.sock", PL_CONF_LIVE},

    /* ---- [brake] ---- */
    {"brake", "max_locks", PL_CONF_INT, TOP(max_locks), "", 0, 1000000, NULL, "10",
     "A plan that would lock more accounts than this in one directory is held before its first write, until an "
     "approver releases it (`paaslactl plan approve`). What was locked in the last window_s counts too; named leavers "
     "and what an approver released do not.",
     NULL, PL_CONF_LIVE},
    {"brake", "max_lock_share", PL_CONF_INT, TOP(max_lock_share), "%", 0, 100, NULL, "5",
     "The same, as a share of the directory's open accounts.", NULL, PL_CONF_LIVE},
    {"brake", "max_removals", PL_CONF_INT, TOP(max_removals), "", 0, 10000000, NULL, "200",
     "A plan that would remove more memberships than this in one directory is held, with those of the last window_s.",
     NULL, PL_CONF_LIVE},
    {"brake", "max_removal_share", PL_CONF_INT, TOP(max_removal_share), "%", 0, 100, NULL, "10",
     "The same, as a share of the memberships known to stand in the directory.", NULL, PL_CONF_LIVE},
    {"brake", "share_from", PL_CONF_INT, TOP(share_from), "", 0, 1000000, NULL, "20",
     "Shares say little about few accounts: below this many open accounts (or memberships) only the numbers count.",
     NULL, PL_CONF_LIVE},
    {"brake", "window_s", PL_CONF_INT, TOP(window_s), "s", 0, 604800, NULL, "3600",
     "Many small plans are one big plan: what was locked and removed in this time counts with each plan, also after a "
     "restart. 0: each plan is counted by itself.",
     NULL, PL_CONF_LIVE},
    {"brake", "named_leavers", PL_CONF_INT, TOP(named_leavers), "", 0, 1000, NULL, "3",
     "Persons whom HR marks as departed, at most so many in one transaction, are named: their locks are never held "
     "up. 0: every departure is counted.",
     NULL, PL_CONF_LIVE},
    {"brake", "named_per_hour", PL_CONF_INT, TOP(named_per_hour), "", 0, 1000000, NULL, "20",
     "And at most so many in one hour by one log-in: more is no person who names, but a list that comes in pieces. "
     "The first ones stay named, those after them are counted.",
     NULL, PL_CONF_LIVE},

    /* ---- [directory NAME] ---- */
    {"directory", "dialect", PL_CONF_WORD, DIR(dialect), "", 0, 0, "openldap|389ds|ad", "openldap",
     "Which kind of directory server this is. openldap: OpenLDAP slapd with ppolicy. 389ds: 389 Directory Server. ad: "
     "Active "
     "Directory, of Windows or Samba. A server that says it is of another kind is left alone.",
     NULL},
    {"directory", "uris", PL_CONF_TEXT, DIR(uris), "", 1, 4000, NULL, NULL,
     "Where it answers: ldap://host, ldaps://host:port or ldapi://%2frun%2fslapd%2fldapi. Several, separated by "
     "spaces, are tried in this order; they must all be the same directory. The one that is in use stays in use while "
     "it "
     "answers; a leaver's lock goes to all of them at once.",
     "ldap://ldap1.linn.test ldap://ldap2.linn.test", PL_CONF_RECONNECT},
    {"directory", "tls", PL_CONF_WORD, DIR(tls), "", 0, 0, "starttls|none", "starttls",
     "starttls: ldap:// is encrypted before anything else is said. none: only for ldapi:// and for this very host "
     "(127.0.0.1, [::1], localhost). ldaps:// is always encrypted.",
     NULL, PL_CONF_RECONNECT},
    {"directory", "ca_file", PL_CONF_PATH, DIR(ca_file), "", 1, 4000, NULL, "/etc/ssl/certs/ca-certificates.crt",
     "PEM file with the authorities that may vouch for the server.", NULL, PL_CONF_RECONNECT},
    {"directory", "sasl", PL_CONF_WORD, DIR(sasl), "", 0, 0, "none|external|gssapi", "none",
     "none: log on with bind_dn and password_file. external: the server knows us by the socket (ldapi://) or by our "
     "certificate (cert_file and key_file). gssapi: by Kerberos with keytab_file; uris then names the server as its "
     "service is called (ldap/HOST), and tls = none is allowed, because Kerberos seals the connection.",
     NULL, PL_CONF_RECONNECT},
    {"directory", "keytab_file", PL_CONF_SECRET, DIR(keytab_file), "", 0, 4000, NULL, "",
     "The keytab of our account in Kerberos, for sasl = gssapi: a file readable only by the daemon, or "
     "credential:NAME.",
     "credential:secret_paaslad.keytab", PL_CONF_RECONNECT},
    {"directory", "principal", PL_CONF_TEXT, DIR(principal), "", 0, 1000, NULL, "",
     "Whose key of keytab_file is used, with its realm or in the default one. Empty: the first one's.", "paaslad",
     PL_CONF_RECONNECT},
    {"directory", "cert_file", PL_CONF_PATH, DIR(cert_file), "", 0, 4000, NULL, "",
     "Our own certificate, PEM, shown to the server. Empty: none.", "/etc/paasla/paaslad.crt", PL_CONF_RECONNECT},
    {"directory", "key_file", PL_CONF_SECRET, DIR(key_file), "", 0, 4000, NULL, "",
     "The key that belongs to cert_file: a file readable only by the daemon, or credential:NAME.",
     "credential:secret_paaslad.key", PL_CONF_RECONNECT},
    {"directory", "bind_dn", PL_CONF_DN, DIR(bind_dn), "", 0, 4000, NULL, "",
     "The entry the daemon logs on as. It needs the right to read people and groups whole, to add people, and to write "
     "the lock, the password and the members of managed groups.",
     "cn=paaslad,ou=teenused,dc=linn,dc=test", PL_CONF_RECONNECT},
    {"directory", "password_file", PL_CONF_SECRET, DIR(password_file), "", 0, 4000, NULL, "",
     "File with the password of bind_dn, readable only by the daemon, or credential:NAME for one that the unit hands "
     "over: "
     "/etc/paasla/secret/linn is credential:secret_linn.",
     "credential:secret_linn", PL_CONF_RECONNECT},
    {"directory", "people_base", PL_CONF_DN, DIR(people_base), "", 1, 4000, NULL, NULL,
     "People live in this subtree. No account outside of it is looked at or written.", "ou=inimesed,dc=linn,dc=test"},
    {"directory", "group_base", PL_CONF_DN, DIR(group_base), "", 1, 4000, NULL, NULL, "Groups live in this subtree.",
     "ou=ryhmad,dc=linn,dc=test"},
    {"directory", "canary_dn", PL_CONF_DN, DIR(canary_dn), "", 1, 4000, NULL, NULL,
     "An entry below people_base that every whole read must show and that is nobody's account. A read without it "
     "(rights cut, wrong replica) is incomplete, and nothing is concluded from what it lacks.",
     "uid=kanaarilind,ou=inimesed,dc=linn,dc=test"},
    {"directory", "placeholder_dn", PL_CONF_DN, DIR(placeholder_dn), "", 0, 4000, NULL, "",
     "groupOfNames may not be empty: this value stands in for the last member. Empty: the last member of such a group "
     "cannot be removed, which is then reported.",
     "cn=tyhi,ou=ryhmad,dc=linn,dc=test"},
    {"directory", "policy_dn", PL_CONF_DN, DIR(policy_dn), "", 0, 4000, NULL, "",
     "The default password policy of the server (ppolicy_default). With it a lock can be proven to be enforced; "
     "without it a departure stays \"not proven\".",
     "cn=vaikimisi,ou=reeglid,dc=linn,dc=test"},
    {"directory", "login_attribute", PL_CONF_TEXT, DIR(login_attribute), "", 1, 60, NULL, "uid",
     "The attribute that holds the log-in; dialect ad: sAMAccountName, if nothing else is written. A new entry gets it "
     "also when neither its DN nor an attribute line has it.",
     NULL},
    {"directory", "number_attribute", PL_CONF_TEXT, DIR(number_attribute), "", 1, 60, NULL, "employeeNumber",
     "The attribute that proves whose account it is: institution and employee number, written when it is made.", NULL},
    {"directory", "login_style", PL_CONF_WORD, DIR(login_style), "", 0, 0, "given.family|gfamily|given.f",
     "given.family", "How a new log-in is made from Mari Tamm: mari.tamm, mtamm or mari.t.", NULL},
    {"directory", "admin_prefix", PL_CONF_TEXT, DIR(admin_prefix), "", 1, 8, NULL, "adm-",
     "What stands in front of the log-in of an administrator's second account.", NULL},
    {"directory", "rdn_template", PL_CONF_DN, DIR(rdn_template), "", 1, 4000, NULL, NULL,
     "The whole DN of a new entry. {login} must be in it; {given}, {family}, {name}, {employee_no}, {unit}, {position} "
     "and {institution} may be. Values are escaped.",
     "uid={login},ou=inimesed,dc=linn,dc=test"},
    {"directory", "object_classes", PL_CONF_TEXT, DIR(object_classes), "", 1, 1000, NULL, "inetOrgPerson",
     "Object classes of a new entry, separated by spaces; dialect ad: user, if nothing else is written.", NULL},
    {"directory", "attribute.NAME", PL_CONF_TEXT, DIR(attributes), "", 1, 4000, NULL, "",
     "One line for each further attribute of a new entry, with the words in braces of rdn_template. The one that "
     "number_attribute names must be among them; a new entry of inetOrgPerson needs cn and sn. {given_ascii} and "
     "{family_ascii} are the names as in a log-in (without accents, in lower case), for addresses.",
     "attribute.employeeNumber = {institution}-{employee_no}\nattribute.cn = {name}\nattribute.sn = {family}\n"
     "attribute.givenName = {given}\nattribute.ou = {unit}\nattribute.title = {position}"},
    {"directory", "first_password", PL_CONF_WORD, DIR(first_password), "", 0, 0, "none|file", "none",
     "none: a new account has no password until somebody sets one. file: the account gets a one-time password when it "
     "opens, kept in a file of first_password_dir.",
     NULL},
    {"directory", "first_password_dir", PL_CONF_PATH, DIR(first_password_dir), "", 0, 4000, NULL, "",
     "Folder for the files with one-time passwords, readable only by the daemon and whoever hands them out (mode "
     "0700).",
     "/var/lib/paasla/first"},
    {"directory", "must_change_password", PL_CONF_BOOL, DIR(must_change_password), "", 0, 0, NULL, "yes",
     "Dialect ad: whoever got a first password has to choose another one at the first log-on.", NULL},
    {"directory", "fence_attribute", PL_CONF_TEXT, DIR(fence_attribute), "", 0, 60, NULL, "",
     "Dialect ad: an attribute of one value that the daemon changes together with the lock; a write that was lost on "
     "the "
     "way and arrives late is then refused by the server. A value that is not the daemon's is left alone. Dialect ad: "
     "adminDescription, if nothing else is written. Empty: none.",
     "adminDescription"},
    {"directory", "privileged_groups", PL_CONF_TEXT, DIR(privileged_groups), "", 0, 4000, NULL, "",
     "Dialect ad: the domain's own groups and those under its protection (adminCount) are never written, whatever "
     "roles "
     "say. Here stand the DNs of those that are managed all the same, divided by |.",
     "CN=Print Operators,CN=Builtin,DC=linn,DC=test"},
    {"directory", "certificates", PL_CONF_WORD, DIR(certificates), "", 0, 0, "report|clear", "report",
     "Dialect ad: what becomes of certificates that can log on as the account of a leaver (altSecurityIdentities). "
     "report: they are told. clear: they are taken away with the departure.",
     NULL},
    {"directory", "end_ahead", PL_CONF_BOOL, DIR(end_ahead), "", 0, 0, NULL, "yes",
     "An end of employment that HR enters beforehand is written into the account ahead, so that it closes by itself at "
     "that moment even if the daemon is down: accountExpires (dialect ad), pwdEndTime (openldap). 389ds knows of no "
     "such "
     "end; there only the daemon closes the account. no: ends that were written are taken away again.",
     NULL},
    {"directory", "keep_attributes", PL_CONF_TEXT, DIR(keep_attributes), "", 0, 600, NULL, "",
     "Attributes that follow the name when HR changes it, divided by spaces: each has a line attribute.NAME made of "
     "{given}, {family}, {name}, {given_ascii}, {family_ascii} and {login}. A value that shows a former name is "
     "brought up to date; one that shows another is somebody's own, reported and left alone. The log-in and the "
     "entry's name "
     "never change. An address that another entry below people_base or group_base has is not written but reported "
     "(mail_taken). No brake counts names: a list that gives many people wrong ones is written through.",
     "displayName sn givenName mail"},
    {"directory", "mail_alias_attribute", PL_CONF_TEXT, DIR(mail_alias_attribute), "", 0, 60, NULL, "",
     "Where the old address stays when mail follows the name: proxyAddresses (with smtp: in front, as Exchange has "
     "it), or an attribute of plain addresses. Mail follows the name only with it.",
     "proxyAddresses"},
    {"directory", "lock_leavers_observed", PL_CONF_BOOL, DIR(lock_leavers_observed), "", 0, 0, NULL, "no",
     "A directory in mode observe is never written. yes: with one exception, a leaver whom HR named is locked even so.",
     NULL, PL_CONF_LIVE},
    {"directory", "watch_poll_ms", PL_CONF_INT, DIR(watch_poll_ms), "ms", 100, 3600000, NULL, "1000",
     "Dialect ad: the server is asked at least this often whether anything was written, because what it tells by "
     "itself "
     "may be incomplete. The question is small; what changed is asked only then. Where the server tells that something "
     "was written, it is asked sooner, in a busy domain about once a second.",
     NULL, PL_CONF_LIVE},
    {"directory", "inflight", PL_CONF_INT, DIR(inflight), "", 1, 1000, NULL, "256",
     "How many persons are worked on at once in this directory.", NULL, PL_CONF_LIVE},
    {"directory", "timeout_ms", PL_CONF_INT, DIR(timeout_ms), "ms", 100, 600000, NULL, "15000",
     "How long one answer of the directory may take. A write that was not answered counts as unknown and is looked up.",
     NULL, PL_CONF_LIVE},
    {"directory", "connect_ms", PL_CONF_INT, DIR(connect_ms), "ms", 100, 600000, NULL, "5000",
     "How long connecting, TLS and logging on may take together.", NULL, PL_CONF_LIVE},
};
const size_t pl_conf_n_options = sizeof pl_conf_options / sizeof pl_conf_options[0];
