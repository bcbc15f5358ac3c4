/* The steps of a history as SQL, in the ways in which people and the daemon write. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "history.h"
#include "run.h"

void history_do(const char *fmt, ...)
{
    char sql[4096];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(sql, sizeof sql, fmt, ap);
    va_end(ap);
    printf("{\"do\": \"");
    for (const char *c = sql; *c; c++) {
        if (*c == '"' || *c == '\\')
            putchar('\\');
        putchar(*c);
    }
    printf("\"}\n");
}

const char *history_time(int64_t us, int64_t now)
{
    static char texts[8][32];
    static unsigned at;
    char *out = texts[at++ % 8];
    if (us == NEVER)
        return "NULL";
    if (us == now)
        return "now()";
    snprintf(out, sizeof texts[0], "T(%lld)", (long long)(us - SIM_FIRST_DAY));
    return out;
}

void history_setup(const struct world *w)
{
    history_do("UPDATE paasla.clock_tick SET last_at = T(0)");
    for (int i = 0; i < N_INSTITUTIONS; i++)
        history_do("INSERT INTO paasla.institution VALUES ('%s', '%s')", institution_names[i], institution_names[i]);
    for (int d = 0; d < N_DIRS; d++)
        history_do("INSERT INTO paasla.directory (directory, dialect, mode) VALUES ('%s', 'openldap', '%s')",
                   dir_names[d], pl_mode_name(w->dir_mode[d]));
    for (int i = 0; i < N_INSTITUTIONS; i++)
        for (int d = 0; d < N_DIRS; d++)
            if (w->create_ahead[i][d] >= 0)
                history_do("INSERT INTO paasla.institution_directory VALUES ('%s', '%s', '%lld seconds')",
                           institution_names[i], dir_names[d], (long long)(w->create_ahead[i][d] / US_SECOND));
    history_do("INSERT INTO paasla.register (register_code, name, route) VALUES ('R', 'R', 'directory')");
    for (int r = 0; r < N_ROLES; r++)
        history_do("INSERT INTO paasla.register_role (register_code, role_code, name, mode, on_drift) "
                   "VALUES ('R', 'r%d', 'r%d', '%s', '%s')",
                   r + 1, r + 1, pl_mode_name(w->roles[r].mode), w->roles[r].put_back ? "put_back" : "report");
    for (int g = 0; g < w->n_groups; g++)
        history_do(
            "INSERT INTO paasla.role_group (role_id, directory, group_dn, purpose) VALUES (%d, '%s', '%s', '%s')",
            w->groups[g].role + 1, dir_names[w->groups[g].dir], w->groups[g].dn, purpose_names[w->groups[g].purpose]);
    history_do("INSERT INTO paasla.request (reference) VALUES ('D-1')");
}

static void quoted(char *out, size_t size, const char *s)
{
    size_t n = 0;
    for (; *s && n + 3 < size; s++) {
        if (*s == '\'')
            out[n++] = '\'';
        out[n++] = *s;
    }
    out[n] = '\0';
}

static void hire(const struct store *s, const struct deed *x)
{
    const struct employment *e = &s->w->employments[s->w->n_employments - 1];
    const char *inst = institution_names[e->institution], *admin = e->it_admin ? "true" : "false";
    const char *from = history_time(e->from, x->at_us), *to = history_time(e->to, x->at_us);
    char given[64], family[64];
    quoted(given, sizeof given, s->w->persons[e->person].given);
    quoted(family, sizeof family, s->w->persons[e->person].family);
    if (x->kind == HIRE)
        history_do(
            "SELECT paasla.hire('%s', '%d', '%s', '%s', %s, 'kantselei', 'spetsialist', it_admin => %s, until => "
            "%s)",
            inst, e->number, given, family, from, admin, to);
    else /* the second institution does not know the person by its number: written plainly */
        history_do(
            "INSERT INTO paasla.employee_number VALUES ('%s', '%d', %d) ON CONFLICT DO NOTHING; INSERT INTO "
            "paasla.employment (person_id, institution, employee_no, unit, position, it_admin, period) VALUES (%d, "
            "'%s', '%d', 'kantselei', 'spetsialist', %s, tstzrange(%s, %s))",
            inst, e->number, e->person + 1, e->person + 1, inst, e->number, admin, from, to);
}

static void depart_list(const struct store *s, const struct deed *x)
{
    char ids[256];
    int n = 0;
    for (int i = 0; i < x->n_list; i++)
        n += snprintf(ids + n, sizeof ids - (size_t)n, "%s%d", i ? ", " : "", x->list[i] + 1);
    (void)s;
    history_do("UPDATE paasla.staff SET departed_at = %s, departure_ref = 'KK-1' WHERE employment_id IN (%s)",
               history_time(x->to, x->at_us), ids);
}

/* After the model has carried the deed out. */
void history_deed(const struct store *s, const struct deed *x)
{
    const struct world *w = s->w;
    const struct absence *a = x->kind == ABSENT ? &w->absences[w->n_absences - 1] : NULL;
    const struct grant *g = x->kind == GRANT ? &w->grants[w->n_grants - 1] : NULL;
    switch (x->kind) {
    case HIRE:
    case REHIRE:
        hire(s, x);
        break;
    case DEPART:
        history_do("UPDATE paasla.staff SET departed_at = %s, departure_ref = 'KK-1' WHERE employment_id = %d",
                   history_time(x->to, x->at_us), x->employment + 1);
        break;
    case DEPART_LIST:
        depart_list(s, x);
        break;
    case DEPART_AGAIN:
        history_do("SELECT paasla.depart('%d', NULL, NULL, '%s')", w->employments[x->employment].number,
                   institution_names[x->institution]);
        break;
    case STAY:
        if (x->to == NEVER)
            history_do("UPDATE paasla.staff SET departed_at = NULL WHERE employment_id = %d", x->employment + 1);
        else
            history_do("UPDATE paasla.staff SET departed_at = %s, departure_ref = 'KK-1' WHERE employment_id = %d",
                       history_time(x->to, x->at_us), x->employment + 1);
        break;
    case GRANT:
        history_do("INSERT INTO paasla.access_grant (person_id, role_id, valid, reference, reason) VALUES (%d, %d, "
                   "tstzrange(%s, %s), 'D-1', 'x')",
                   g->person + 1, g->role + 1, history_time(g->from, x->at_us), history_time(x->to, x->at_us));
        break;
    case REVOKE:
    case GRANT_END:
        history_do("UPDATE paasla.access_grant SET valid = tstzrange(lower(valid), %s) WHERE "
                   "grant_id = %d",
                   history_time(x->to, x->at_us), x->grant + 1);
        break;
    case ABSENT:
        history_do("INSERT INTO paasla.absence (person_id, period, suspend) VALUES (%d, tstzrange(%s, %s), %s)",
                   a->person + 1, history_time(a->from, x->at_us), history_time(a->to, x->at_us),
                   a->suspend ? "true" : "false");
        break;
    case BACK:
        history_do("UPDATE paasla.absence SET period = tstzrange(lower(period), now()) WHERE absence_id = %d",
                   x->absence + 1);
        break;
    case IT_ADMIN:
        history_do("UPDATE paasla.staff SET it_admin = NOT it_admin WHERE employment_id = %d", x->employment + 1);
        break;
    case ROLE_MODE:
        history_do("UPDATE paasla.register_role SET mode = '%s' WHERE role_id = %d",
                   pl_mode_name((enum pl_mode)x->mode), x->role + 1);
        break;
    case ROLE_DRIFT:
        history_do("UPDATE paasla.register_role SET on_drift = '%s' WHERE role_id = %d",
                   x->flag ? "put_back" : "report", x->role + 1);
        break;
    case DIR_MODE:
        history_do("UPDATE paasla.directory SET mode = '%s' WHERE directory = '%s'",
                   pl_mode_name((enum pl_mode)x->mode), dir_names[x->dir]);
        break;
    case NAME: {
        char given[64], family[64];
        quoted(given, sizeof given, x->name.given);
        quoted(family, sizeof family, x->name.family);
        history_do("UPDATE paasla.person SET given_name = '%s', family_name = '%s' WHERE person_id = %d", given, family,
                   x->person + 1);
        break;
    }
    case RECREATE:
        history_do("SELECT paasla.recreate_account(%d, 'x')", x->account + 1);
        break;
    default:
        history_do("SELECT paasla.approve_plan((SELECT digest FROM paasla.plan WHERE plan_id = %zu))", x->plan + 1);
    }
}
