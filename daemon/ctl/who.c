/* A person by number, log-in or name; never a guess where it could be two. */
#include "who.h"
#include "args.h"

#include <string.h>

enum { COL_ID, COL_NUMBER, COL_NAME, COL_POSITION, MOST = 20 };

static void list(const PGresult *r, const char *word)
{
    int n = PQntuples(r);
    ctl_complain("%s may be %s%d persons; give the number:", word, n > MOST ? "more than " : "", n > MOST ? MOST : n);
    for (int i = 0; i < n && i < MOST; i++)
        ctl_complain("  %s  %s%s%s", PQgetvalue(r, i, COL_NUMBER), PQgetvalue(r, i, COL_NAME),
                     PQgetisnull(r, i, COL_POSITION) ? "" : ", ", PQgetvalue(r, i, COL_POSITION));
}

int ctl_find_person(struct ctl *c, const char *word, struct ctl_who *out)
{
    const char *params[] = {word};
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_find", 1, params, &code);
    if (!r)
        return code;
    if (PQntuples(r) == 1) {
        snprintf(out->id, sizeof out->id, "%s", PQgetvalue(r, 0, COL_ID));
        snprintf(out->number, sizeof out->number, "%s", PQgetvalue(r, 0, COL_NUMBER));
        snprintf(out->name, sizeof out->name, "%s", PQgetvalue(r, 0, COL_NAME));
    } else {
        code = CTL_USAGE;
        if (PQntuples(r) == 0)
            ctl_complain("nobody has the number, log-in or name %s. `paaslactl person` lists everybody.", word);
        else
            list(r, word);
    }
    PQclear(r);
    return code;
}

int ctl_check_code(struct ctl *c, const char *what, const char *query, const char *code)
{
    int exit_code = CTL_OK;
    bool there = false;
    const char *names[500];
    int n = 0;
    PGresult *r = ctl_query(c, query, 0, NULL, &exit_code);
    if (!r)
        return exit_code;
    for (int i = 0; i < PQntuples(r); i++) {
        there = there || strcmp(PQgetvalue(r, i, 0), code) == 0;
        if (n < 500)
            names[n++] = PQgetvalue(r, i, 0);
    }
    if (!there) {
        const char *near = ctl_nearest(code, names, n);
        ctl_complain("there is no %s %s.%s%s%s", what, code, near ? " Did you mean " : "", near ? near : "",
                     near ? "?" : "");
    }
    PQclear(r);
    return there ? CTL_OK : CTL_USAGE;
}

int ctl_check_register(struct ctl *c, const char *code)
{
    return ctl_check_code(c, "register", "ctl_register_codes", code);
}
