/* preflight: what stands in the way, before anything is switched on. It runs as the daemon would: with its configuration,
 * its credentials and its bring-up. */
#include "args.h"
#include "outfile.h"
#include "preflight.h"
#include "progress.h"
#include "selftest.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf/conf.h"

struct wish {
    const char *directory, *config, *snippets, *ou;
    bool protected_accounts;
};

static bool take(struct ctl *c, int argc, char **argv, struct wish *w)
{
    struct ctl_args a;
    ctl_args_start(&a, c, argc, argv);
    w->config = ctl_option(&a, "--config");
    w->snippets = ctl_option(&a, "--snippets");
    w->ou = ctl_option(&a, "--selftest");
    w->protected_accounts = ctl_flag(&a, "--protected-accounts");
    if (!ctl_args_end(&a, 0, 1))
        return false;
    w->directory = a.n_words ? a.word[0] : NULL;
    if (!w->config)
        w->config = PL_SYSCONFDIR "/paasla/paasla.conf";
    if (w->protected_accounts && (w->ou || (!c->json && !w->snippets))) {
        ctl_complain(
            "--protected-accounts is said with --snippets or --json: it adds one more text to what they give.");
        return false;
    }
    if (c->json && w->snippets) {
        ctl_complain("--json holds the snippets already; --snippets is for people.");
        return false;
    }
    return true;
}

static struct pl_conf *read_conf(const struct wish *w)
{
    struct pl_err err = {0};
    struct pl_conf *conf = pl_conf_read(w->config, &err);
    if (!conf)
        ctl_complain("%s.%s%s", err.text, *err.hint ? " " : "", err.hint);
    return conf;
}

/* ---- PostgreSQL: one snapshot, read only ---- */

struct tables {
    PGresult *directories, **groups, **people; /* of each directory of the configuration; NULL: not in the table */
};

static int row_of(const PGresult *directories, struct pl_str name)
{
    for (int i = 0; i < PQntuples(directories); i++)
        if (pl_str_eq_c(name, PQgetvalue(directories, i, PF_DIRECTORY)))
            return i;
    return -1;
}

static bool read_tables(struct ctl *c, const struct pl_conf *conf, struct tables *t, int *code)
{
    t->groups = pl_xcalloc(conf->n_dirs + 1, sizeof(*t->groups));
    t->people = pl_xcalloc(conf->n_dirs + 1, sizeof(*t->people));
    PQclear(ctl_exec(c, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", code));
    if (*code == CTL_OK)
        t->directories = ctl_query(c, "preflight_directories", 0, NULL, code);
    for (size_t i = 0; *code == CTL_OK && i < conf->n_dirs; i++) {
        const char *params[] = {conf->dirs[i].name.s};
        if (row_of(t->directories, conf->dirs[i].name) < 0)
            continue;
        t->groups[i] = ctl_query(c, "preflight_groups", 1, params, code);
        if (t->groups[i])
            t->people[i] = ctl_query(c, "preflight_people", 1, params, code);
    }
    if (*code == CTL_OK)
        PQclear(ctl_exec(c, "COMMIT", code));
    return *code == CTL_OK;
}

static void free_tables(struct tables *t, size_t n)
{
    for (size_t i = 0; i < n && t->groups; i++) {
        PQclear(t->groups[i]);
        PQclear(t->people[i]);
    }
    free(t->groups);
    free(t->people);
    PQclear(t->directories);
}

/* ---- one directory ---- */

unsigned pf_dialect_bit(struct pl_str dialect)
{
    static const struct {
        const char *name;
        unsigned bit;
    } bits[] = {{"openldap", PF_OPENLDAP}, {"389ds", PF_389DS}, {"ad", PF_AD}};
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        if (pl_str_eq_c(dialect, bits[i].name))
            return bits[i].bit;
    return 0;
}

static const char *missing(const struct pf *p, enum pf_needs needs)
{
    if (needs != PF_NEEDS_NOTHING && !p->main)
        return "no connection";
    if ((needs == PF_NEEDS_TABLE || needs == PF_NEEDS_PEOPLE) && p->row < 0)
        return "not in paasla.directory";
    if (needs == PF_NEEDS_PEOPLE && (p->people_answer.code != 0 || p->people_answer.partial))
        return "the people could not be read whole";
    return NULL;
}

static void run_check(struct pf *p, const struct pf_check *check, struct pf_address *at)
{
    if ((p->n_results & (p->n_results + 1)) == 0) /* room for 1, 3, 7, ... */
        p->results = pl_xrealloc_array(p->results, p->n_results * 2 + 1, sizeof *p->results);
    struct pf_result *r = &p->results[p->n_results++];
    *r = (struct pf_result){.check = check, .address = check->each_address ? at->uri : NULL};
    p->at = at;
    const char *why = missing(p, check->needs);
    if (why)
        pf_skipped(p, r, "%s", why);
    else
        check->run(p, r);
    if (r->state != PF_FOUND && !r->tell)
        return;
    r->sentence = pf_words(p, r, check->sentence, false);
    r->advice = pf_words(p, r, check->advice, false);
    if (check->opt_in && !p->protected_accounts)
        return;
    r->snippet = pf_words(p, r, check->snippet, true);
    r->undo = pf_words(p, r, check->undo, true);
}

static void run_step(struct pf *p, const struct pf_check *check, struct pf_address *at)
{
    struct ctl_progress line = ctl_progress_steps();
    ctl_progress(&line, "%.*s: %s ...", (int)p->conf->name.len, p->conf->name.s, check->id);
    run_check(p, check, at);
}

static void run_checks(struct pf *p)
{
    for (const struct pf_check *k = pf_checks; k->id; k++) {
        if (!(k->dialects & p->dialect_bit))
            continue;
        for (size_t i = 0; i < (k->each_address ? p->n_addresses : 1); i++)
            run_step(p, k, k->each_address ? &p->addresses[i] : p->main);
    }
    ctl_progress_end();
}

static void look(struct ctl *c, struct pf *p, const struct pl_conf *whole, const struct tables *t, size_t number,
                 const struct wish *w)
{
    const struct pl_conf_directory *conf = &whole->dirs[number];
    *p = (struct pf){.ctl = c,
                     .whole = whole,
                     .protected_accounts = w->protected_accounts,
                     .arena = pl_arena_new(),
                     .conf = conf,
                     .dialect = pl_dialect_find(conf->dialect),
                     .dialect_bit = pf_dialect_bit(conf->dialect),
                     .table = t->directories,
                     .row = row_of(t->directories, conf->name),
                     .groups = t->groups[number],
                     .people = t->people[number],
                     .suffix = conf->people_base,
                     .service = conf->bind_dn};
    pf_writes_list(p);
    pf_connect(p);
    if (p->main) {
        pf_read(p);
        pf_match(p);
    }
    run_checks(p);
}

static int look_at_all(struct ctl *c, const struct pl_conf *conf, const struct wish *w, const struct tables *t)
{
    struct pf *dirs = pl_xcalloc(conf->n_dirs + 1, sizeof *dirs);
    size_t n = 0, needs = 0;
    struct ctl_outfile o;
    int code = CTL_USAGE;
    for (size_t i = 0; i < conf->n_dirs; i++)
        if (!w->directory || pl_str_eq_c(conf->dirs[i].name, w->directory)) {
            look(c, &dirs[n], conf, t, i, w);
            needs += pf_needs(&dirs[n++]);
        }
    if (!w->snippets || strcmp(w->snippets, "-") != 0)
        pf_print(c, dirs, n);
    if (w->snippets) {
        if (!ctl_outfile_open(&o, w->snippets))
            goto out;
        pf_print_snippets(o.f, dirs, n);
        if (!ctl_outfile_commit(&o))
            goto out;
    }
    code = needs ? CTL_ATTENTION : CTL_OK;
out:
    for (size_t i = 0; i < n; i++)
        pf_free(&dirs[i]);
    free(dirs);
    return code;
}

/* A directory that only one of the two knows is left out by the daemon. */
static int say_unknown(const struct pl_conf *conf, const struct tables *t, const struct wish *w)
{
    int n = 0;
    bool found = !w->directory;
    for (size_t i = 0; i < conf->n_dirs; i++)
        found = found || pl_str_eq_c(conf->dirs[i].name, w->directory);
    if (!found) {
        ctl_complain("there is no [directory %s] in %s.", w->directory, w->config);
        return -1;
    }
    for (int i = 0; i < PQntuples(t->directories) && !w->directory; i++) {
        bool known = false;
        for (size_t k = 0; k < conf->n_dirs; k++)
            known = known || pl_str_eq_c(conf->dirs[k].name, PQgetvalue(t->directories, i, PF_DIRECTORY));
        if (!known) {
            ctl_complain("paasla.directory has %s, and %s has no section for it: the daemon would leave it alone.",
                         PQgetvalue(t->directories, i, PF_DIRECTORY), w->config);
            n++;
        }
    }
    return n;
}

/* It asks PostgreSQL nothing. */
static int selftest(struct ctl *c, const struct wish *w)
{
    struct pl_conf *conf = read_conf(w);
    if (!conf)
        return CTL_USAGE;
    setenv("LDAPNOINIT", "1", 1); /* no ldap.conf, no ~/.ldaprc: as in the daemon */
    int code = st_main(c, conf, &(struct st_wish){w->directory, w->ou, w->config, w->snippets});
    pl_conf_free(conf);
    return code;
}

int cmd_preflight(struct ctl *c, int argc, char **argv)
{
    struct wish w = {0};
    struct tables t = {0};
    struct pl_conf *conf = NULL;
    if (!take(c, argc, argv, &w))
        return CTL_USAGE;
    if (w.ou)
        return selftest(c, &w);
    int code = ctl_connect(c), unknown = 0;
    if (code != CTL_OK)
        return code;
    code = CTL_USAGE;
    if (!(conf = read_conf(&w)))
        goto out;
    code = CTL_OK;
    if (!read_tables(c, conf, &t, &code))
        goto out;
    code = CTL_USAGE;
    if ((unknown = say_unknown(conf, &t, &w)) < 0)
        goto out;
    setenv("LDAPNOINIT", "1", 1);   /* no ldap.conf, no ~/.ldaprc: as in the daemon */
    (void)signal(SIGPIPE, SIG_IGN); /* a server that hangs up is a sentence */
    code = look_at_all(c, conf, &w, &t);
    if (code == CTL_OK && unknown > 0)
        code = CTL_ATTENTION;
out:
    free_tables(&t, conf ? conf->n_dirs : 0);
    pl_conf_free(conf);
    return code;
}
