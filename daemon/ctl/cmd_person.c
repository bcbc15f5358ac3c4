/* person, register, matrix, findings: tables to look around with. */
#include "args.h"
#include "matrix.h"
#include "outfile.h"
#include "who.h"

#include <string.h>

int cmd_person(struct ctl *c, int argc, char **argv)
{
    struct ctl_args a;
    struct ctl_who who;
    ctl_args_start(&a, c, argc, argv);
    if (!ctl_args_end(&a, 0, 1))
        return CTL_USAGE;
    const char *params[] = {NULL};
    if (a.n_words == 1) {
        int code = ctl_find_person(c, a.word[0], &who);
        if (code != CTL_OK)
            return code;
        params[0] = who.id;
    }
    return ctl_query_table(c, "ctl_person", 1, params, "Nobody is entered.");
}

int cmd_register(struct ctl *c, int argc, char **argv)
{
    struct ctl_args a;
    ctl_args_start(&a, c, argc, argv);
    if (!ctl_args_end(&a, 0, 1))
        return CTL_USAGE;
    if (a.n_words == 0)
        return ctl_query_table(c, "ctl_register", 0, NULL, "No register is entered.");
    int code = ctl_check_register(c, a.word[0]);
    if (code != CTL_OK)
        return code;
    const char *params[] = {a.word[0]};
    return ctl_query_table(c, "ctl_register_roles", 1, params, NULL);
}

int cmd_matrix(struct ctl *c, int argc, char **argv)
{
    struct ctl_args a;
    struct ctl_who who;
    ctl_args_start(&a, c, argc, argv);
    const char *reg = ctl_option(&a, "--register");
    const char *person = ctl_option(&a, "--person");
    const char *institution = ctl_option(&a, "--institution");
    const char *csv = ctl_option_file(&a, "--csv"), *html = ctl_option_file(&a, "--html");
    if (!ctl_args_end(&a, 0, 0))
        return CTL_USAGE;
    if ((csv != NULL) + (html != NULL) + c->json > 1) {
        ctl_complain("matrix: one of --csv, --html and --json.");
        return CTL_USAGE;
    }
    int code = reg ? ctl_check_register(c, reg) : CTL_OK;
    if (code == CTL_OK && institution)
        code = ctl_check_code(c, "institution", "ctl_institutions", institution);
    if (code == CTL_OK && person)
        code = ctl_find_person(c, person, &who);
    if (code != CTL_OK)
        return code;
    const char *params[] = {reg, person ? who.id : NULL, institution};
    if (csv || html)
        return ctl_matrix_document(c, params, csv, html);
    return ctl_query_table(c, "ctl_matrix", 3, params, "Nobody has a right there now.");
}

int cmd_findings(struct ctl *c, int argc, char **argv)
{
    static const char *const severities[] = {"info", "warning", "critical"};
    struct ctl_args a;
    ctl_args_start(&a, c, argc, argv);
    bool all = ctl_flag(&a, "--all");
    const char *severity = ctl_option(&a, "--severity");
    if (!ctl_args_end(&a, 0, 0) || !ctl_check_word("--severity", severity, severities, 3))
        return CTL_USAGE;
    const char *params[] = {all ? "t" : "f", severity};
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_findings", 2, params, &code);
    if (!r)
        return code;
    ctl_print_result(c, r, all ? "Nothing was ever found." : "Nothing is open.");
    int sev = PQfnumber(r, "severity"), state = PQfnumber(r, "state");
    for (int i = 0; i < PQntuples(r); i++)
        if (strcmp(PQgetvalue(r, i, sev), "critical") == 0 && strcmp(PQgetvalue(r, i, state), "open") == 0)
            code = CTL_ATTENTION;
    PQclear(r);
    return code;
}
