/* What the result of a write means: RFC 4511 appendix A and what slapd, 389-ds, Active Directory and Samba make of it. */
#include "dialect.h"

enum { ANY = -1 };

static const struct row {
    int kind; /* enum pl_write_kind or ANY */
    int code;
    enum pl_verdict verdict;
    const char *sentence;
} table[] = {
    /* First match wins: what is special to a kind of write comes first. */
    {PL_WRITE_ADD_ENTRY, 68, PL_VERDICT_VERIFY,
     "An entry with this name exists already; it is read again before anything is said about it."},
    {PL_WRITE_ADD_ENTRY, 32, PL_VERDICT_PERMANENT,
     "The place for new accounts does not exist; create it or correct the configured name of it."},
    {PL_WRITE_ACCOUNT, 16, PL_VERDICT_VERIFY,
     "The value to be taken away is not there any more; somebody else changed the entry and it is read again."},
    {PL_WRITE_ACCOUNT, 20, PL_VERDICT_VERIFY,
     "The value to be added is there already; somebody else changed the entry and it is read again."},
    {PL_WRITE_ACCOUNT, 32, PL_VERDICT_VERIFY, "The entry is not where it was; it is looked for again."},
    {PL_WRITE_ADD_VALUE, 16, PL_VERDICT_VERIFY,
     "The placeholder is not in the group any more; the group is read again."},
    {PL_WRITE_ADD_VALUE, 20, PL_VERDICT_DONE, "The account is in the group already."},
    {PL_WRITE_ADD_VALUE, 68, PL_VERDICT_VERIFY,
     "The server says that the account is in the group already; the group is read again."},
    {PL_WRITE_ADD_VALUE, 32, PL_VERDICT_VERIFY, "The group or the account is not where it was; both are looked for."},
    {PL_WRITE_ADD_VALUE, 19, PL_VERDICT_PERMANENT,
     "A rule of the server forbids this member; see what the server checks in its groups."},
    {PL_WRITE_REMOVE_VALUE, 16, PL_VERDICT_DONE, "The account is not in the group any more."},
    {PL_WRITE_REMOVE_VALUE, 53, PL_VERDICT_VERIFY,
     "The server refuses; the account may be gone from the group already, so the group is read again."},
    {PL_WRITE_REMOVE_VALUE, 65, PL_VERDICT_LAST_MEMBER,
     "The group may not be without members; configure a placeholder member for this directory."},
    {PL_WRITE_REMOVE_VALUE, 32, PL_VERDICT_VERIFY, "The group is not where it was; it is looked for again."},
    {PL_WRITE_REMOVE_VALUE, 20, PL_VERDICT_VERIFY, "The placeholder is in the group already; the group is read again."},

    {ANY, 0, PL_VERDICT_DONE, "Done."},
    {ANY, 80, PL_VERDICT_VERIFY,
     "The server had an error of its own and may have done the write or not; the entry is read again. See its log."},
    {ANY, 122, PL_VERDICT_VERIFY, "Somebody else changed the entry at the same moment; it is read again."},

    {ANY, 3, PL_VERDICT_RETRY, "The server ran out of its time limit; it is tried again."},
    {ANY, 11, PL_VERDICT_RETRY,
     "A limit of the server was reached; it is tried again. If it stays, raise the limits of our account."},
    {ANY, 51, PL_VERDICT_RETRY, "The server is busy; it is tried again."},
    {ANY, 52, PL_VERDICT_RETRY, "The server or its database is not available; it is tried again."},

    {ANY, 8, PL_VERDICT_DENIED, "The server wants a stronger log-on for this write; use TLS or change its rules."},
    {ANY, 13, PL_VERDICT_DENIED, "The server allows this write only over TLS; turn TLS on for this directory."},
    {ANY, 50, PL_VERDICT_DENIED,
     "Our account has no right to this write; give it the right on this entry, or keep the entry out of our care."},

    {ANY, 1, PL_VERDICT_PERMANENT, "The server cannot do this now; see its log."},
    {ANY, 2, PL_VERDICT_PERMANENT, "The server did not understand the request; see its log and report it to us."},
    {ANY, 10, PL_VERDICT_PERMANENT,
     "This server takes no writes and names another one; configure the server that may be written to."},
    {ANY, 12, PL_VERDICT_PERMANENT, "The server does not know a control that the write needs; see its version."},
    {ANY, 16, PL_VERDICT_PERMANENT, "The entry has no such attribute or value."},
    {ANY, 17, PL_VERDICT_PERMANENT,
     "The schema does not know an attribute; load its schema or overlay (ppolicy), or correct the configuration."},
    {ANY, 19, PL_VERDICT_PERMANENT,
     "A rule of the server forbids the value: it must be unique, or it fails the password policy."},
    {ANY, 20, PL_VERDICT_PERMANENT, "The entry has this value already."},
    {ANY, 21, PL_VERDICT_PERMANENT, "The value does not fit the syntax of its attribute; correct the configuration."},
    {ANY, 32, PL_VERDICT_PERMANENT, "The entry does not exist."},
    {ANY, 34, PL_VERDICT_PERMANENT, "The server does not take the name of the entry; correct the configured names."},
    {ANY, 49, PL_VERDICT_PERMANENT, "The server does not know our account any more; correct its password."},
    {ANY, 53, PL_VERDICT_PERMANENT,
     "The server is set not to do this; it may be read-only or have a rule against it. See its log."},
    {ANY, 64, PL_VERDICT_PERMANENT, "The schema does not allow this name; correct the configured form of names."},
    {ANY, 65, PL_VERDICT_PERMANENT,
     "The schema does not allow this; correct the object classes configured for new entries."},
    {ANY, 67, PL_VERDICT_PERMANENT, "The attribute is a part of the entry's name and cannot be changed so."},
    {ANY, 68, PL_VERDICT_PERMANENT, "An entry with this name exists already."},
    {ANY, 71, PL_VERDICT_PERMANENT, "The write would reach over several servers; configure the right one."},
    {ANY, 4096, PL_VERDICT_PERMANENT,
     "The server wants a watch to begin anew (e-syncRefreshRequired); to a write this is no answer, so see its log."},
};

static const struct row *find(enum pl_write_kind kind, int code)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].code == code && (table[i].kind == ANY || table[i].kind == (int)kind)) {
            return &table[i];
        }
    }
    return NULL;
}

enum pl_verdict pl_result_verdict(enum pl_write_kind kind, int code)
{
    const struct row *r = find(kind, code);

    if (r != NULL) {
        return r->verdict;
    }
    return code < 0 ? PL_VERDICT_VERIFY : PL_VERDICT_PERMANENT; /* negative: no answer came, so nobody knows */
}

const char *pl_result_sentence(enum pl_write_kind kind, int code)
{
    const struct row *r = find(kind, code);

    if (r != NULL) {
        return r->sentence;
    }
    return code < 0 ? "No answer came, so the write may have been done or not; the entry is read again."
                    : "The server refused with a result that we do not know; see its log.";
}
