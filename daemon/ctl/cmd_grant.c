/* grant, revoke, request: access rests on a document, and a document on somebody else's approval. */
#include "args.h"

#include <string.h>

/* An end that is no end is told before anything is tried. */
static int check_order(struct ctl *c, const char *from, const char *until)
{
    const char *params[] = {until, from};
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_after", 2, params, &code);
    if (r && *PQgetvalue(r, 0, 0) != 't') {
        ctl_complain("--until cannot be %s: that is not after %s. The right would be over before it begins.", until,
                     from ? from : "now");
        code = CTL_USAGE;
    }
    PQclear(r);
    return code;
}

int cmd_grant(struct ctl *c, int argc, char **argv)
{
    struct ctl_args a;
    ctl_args_start(&a, c, argc, argv);
    const char *ref = ctl_option(&a, "--ref");
    const char *reason = ctl_option(&a, "--reason");
    const char *until = ctl_option(&a, "--until");
    const char *from = ctl_option(&a, "--from");
    const char *institution = ctl_option(&a, "--institution");
    ctl_need(&a, "--ref", ref);
    if (!ctl_args_end(&a, 3, 3) || !ctl_check_moment("--from", CTL_MOMENT, from) ||
        !ctl_check_moment("--until", CTL_MOMENT, until) || !ctl_check_reference("--ref", ref))
        return CTL_USAGE;
    const char *params[] = {a.word[0], a.word[1], a.word[2], ref, reason, until, from, institution};
    int code = until ? check_order(c, from, until) : CTL_OK;
    PGresult *r = code == CTL_OK ? ctl_query(c, "ctl_grant", 8, params, &code) : NULL;
    if (r && c->json)
        ctl_print_json(r);
    else if (r)
        ctl_say(c, "Number %s has %s %s by %s%s%s%s%s%s: grant %s.", a.word[0], a.word[1], a.word[2], ref,
                from ? " from " : "", from ? from : "", until ? " until " : "",
                until && strlen(until) == 10 ? "the beginning of " : "", until ? until : "", PQgetvalue(r, 0, 0));
    PQclear(r);
    return code;
}

int cmd_revoke(struct ctl *c, int argc, char **argv)
{
    struct ctl_args a;
    ctl_args_start(&a, c, argc, argv);
    const char *ref = ctl_option(&a, "--ref");
    const char *institution = ctl_option(&a, "--institution");
    if (!ctl_args_end(&a, 3, 3) || !ctl_check_reference("--ref", ref))
        return CTL_USAGE;
    const char *params[] = {a.word[0], a.word[1], a.word[2], ref, institution};
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_revoke", 5, params, &code);
    if (r && c->json) {
        ctl_print_json(r);
    } else if (r) {
        /* Entered is not carried out: the directory and the register's people still have to do it. */
        ctl_say(c,
                "The grant of %s %s to number %s ended at %s%s%s. `paaslactl why %s %s` tells when it is carried out.",
                a.word[1], a.word[2], a.word[0], PQgetvalue(r, 0, 0), *PQgetvalue(r, 0, 1) ? " on " : "",
                PQgetvalue(r, 0, 1), a.word[0], a.word[1]);
    }
    PQclear(r);
    return code;
}

static int file_request(struct ctl *c, struct ctl_args *a, const char *by, const char *sha256)
{
    if (sha256 && (strlen(sha256) != 64 || sha256[strspn(sha256, "0123456789abcdefABCDEF")] != 0)) {
        ctl_complain("--sha256 is 64 hexadecimal digits, as sha256sum prints them.");
        return CTL_USAGE;
    }
    const char *params[] = {a->word[1], by, sha256};
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_request_file", 3, params, &code);
    if (r && c->json)
        ctl_print_json(r);
    else if (r)
        ctl_say(c, "Request %s is filed.", a->word[1]);
    PQclear(r);
    return code;
}

static int approve_request(struct ctl *c, struct ctl_args *a)
{
    const char *params[] = {a->word[1]};
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_request_approve", 1, params, &code);
    if (r && c->json)
        ctl_print_json(r);
    else if (r)
        ctl_say(c, "Request %s is approved.", a->word[1]);
    PQclear(r);
    return code;
}

int cmd_request(struct ctl *c, int argc, char **argv)
{
    static const char *const verbs[] = {"file", "approve"};
    struct ctl_args a;
    ctl_args_start(&a, c, argc, argv);
    const char *by = ctl_option(&a, "--by");
    const char *sha256 = ctl_option(&a, "--sha256");
    if (!ctl_args_end(&a, 2, 2) || !ctl_check_reference("REF", a.word[1]))
        return CTL_USAGE;
    if (strcmp(a.word[0], "file") == 0) {
        ctl_need(&a, "--by", by);
        return by ? file_request(c, &a, by, sha256) : CTL_USAGE;
    }
    if (strcmp(a.word[0], "approve") == 0 && !by && !sha256)
        return approve_request(c, &a);
    return ctl_wrong_verb(c, a.word[0], verbs, 2);
}
