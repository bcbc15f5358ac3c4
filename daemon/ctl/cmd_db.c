/* db migrate, db status: the schema, from the SQL that is built in. */
#include "args.h"
#include "progress.h"

#include "sql/embed.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What the database has. *r stays NULL when there is no schema of ours. */
static int read_applied(struct ctl *c, PGresult **r)
{
    int code = CTL_OK;
    *r = NULL;
    PGresult *there = ctl_query(c, "ctl_schema_exists", 0, NULL, &code);
    if (there && *PQgetvalue(there, 0, 0) == 't')
        *r = ctl_query(c, "ctl_schema_versions", 0, NULL, &code);
    PQclear(there);
    return code;
}

/* Tells of differences; sets *have to the newest version that is applied. */
static int compare(const PGresult *r, int *have)
{
    *have = 0;
    for (int i = 0; r && i < PQntuples(r); i++) {
        int v = ctl_int(r, i, 0);
        if (v > *have)
            *have = v;
        if (v < 1 || v > pl_sql_schema_version())
            continue;
        const char *hash = PQgetvalue(r, i, 2);
        if (*hash && strcmp(hash, pl_sql_migrations[v - 1].sha256) != 0)
            ctl_complain("warning: migration %d (%s) was applied from another text than this program holds.", v,
                         PQgetvalue(r, i, 1));
    }
    if (*have > pl_sql_schema_version()) {
        ctl_complain("the schema is at version %d, newer than this program, which knows %d: nothing was done. Install "
                     "the newer paaslactl.",
                     *have, pl_sql_schema_version());
        return CTL_REFUSED;
    }
    return CTL_OK;
}

static int apply(struct ctl *c, const struct pl_sql *m)
{
    int code = CTL_OK;
    char version[16];
    snprintf(version, sizeof version, "%d", m->version);
    const char *params[] = {version, m->name, m->sha256, "paaslactl " PL_VERSION};
    struct ctl_progress line = ctl_progress_steps();
    ctl_progress(&line, "applying %s (of %d) ...", m->name, pl_sql_schema_version());
    PQclear(ctl_exec(c, "BEGIN; SET LOCAL timezone = 'Europe/Tallinn'", &code));
    if (code == CTL_OK)
        PQclear(ctl_exec(c, m->text, &code));
    if (code == CTL_OK)
        PQclear(ctl_query(c, "ctl_schema_note", 4, params, &code));
    if (code == CTL_OK)
        PQclear(ctl_exec(c, "COMMIT", &code));
    ctl_progress_end();
    if (code != CTL_OK) {
        int ignored;
        if (PQstatus(c->db) == CONNECTION_OK)
            PQclear(ctl_exec(c, "ROLLBACK", &ignored));
        ctl_complain("migration %s failed and was rolled back; those before it stay.", m->name);
    } else {
        ctl_say(c, "applied %s", m->name);
    }
    return code;
}

/* The lock is the session's: it ends with this process however that ends. */
static int lock(struct ctl *c)
{
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_schema_try_lock", 0, NULL, &code);
    bool got = r && *PQgetvalue(r, 0, 0) == 't';
    PQclear(r);
    if (code == CTL_OK && !got) {
        ctl_complain("note: another migration is running; waiting for its end.");
        PQclear(ctl_query(c, "ctl_schema_lock", 0, NULL, &code));
    }
    return code;
}

static int migrate(struct ctl *c, bool dry)
{
    int have, done = 0;
    int code = dry ? CTL_OK : lock(c);
    PGresult *r = NULL;
    if (code == CTL_OK)
        code = read_applied(c, &r);
    if (code == CTL_OK)
        code = compare(r, &have);
    PQclear(r);
    if (code != CTL_OK)
        return code;
    json_t *list = json_array();
    for (size_t i = (size_t)have; i < pl_sql_n_migrations && code == CTL_OK; i++) {
        if (dry)
            ctl_say(c, "would apply %s", pl_sql_migrations[i].name);
        else
            code = apply(c, &pl_sql_migrations[i]);
        if (code == CTL_OK) {
            json_array_append_new(list, json_string(pl_sql_migrations[i].name));
            done++;
        }
    }
    if (c->json)
        ctl_print_json_value(
            json_pack("{s:b, s:o, s:i}", "dry_run", dry, "migrations", list, "version", dry ? have : have + done));
    else
        json_decref(list);
    if (code == CTL_OK && done == 0)
        ctl_say(c, "The schema is up to date: version %d.", have);
    return code != CTL_OK ? code : dry && done > 0 ? CTL_ATTENTION : CTL_OK;
}

static int status(struct ctl *c)
{
    int have, newer, code;
    PGresult *r = NULL;
    if ((code = read_applied(c, &r)) != CTL_OK)
        return code;
    newer = compare(r, &have);
    if (r)
        ctl_print_result(c, r, NULL);
    else if (c->json)
        ctl_print_json_value(json_array());
    else
        puts("No schema of Pääsla is in this database; `paaslactl db migrate` makes it.");
    PQclear(r);
    if (have < pl_sql_schema_version() && have > 0)
        ctl_say(c, "%d newer migrations are not applied: `paaslactl db migrate`.", pl_sql_schema_version() - have);
    return newer != CTL_OK ? newer : have < pl_sql_schema_version() ? CTL_ATTENTION : CTL_OK;
}

int cmd_db(struct ctl *c, int argc, char **argv)
{
    static const char *const verbs[] = {"migrate", "status"};
    struct ctl_args a;
    ctl_args_start(&a, c, argc, argv);
    bool dry = ctl_flag(&a, "--dry-run");
    if (!ctl_args_end(&a, 1, 1))
        return CTL_USAGE;
    if (strcmp(a.word[0], "migrate") == 0)
        return migrate(c, dry);
    if (strcmp(a.word[0], "status") == 0 && !dry)
        return status(c);
    return ctl_wrong_verb(c, a.word[0], verbs, 2);
}
