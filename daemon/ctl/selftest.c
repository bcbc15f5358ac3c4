/* preflight --selftest OU: one directory, its OU, one check after the other; and whatever happens, the OU is emptied. */
#include "selftest.h"
#include "outfile.h"
#include "progress.h"

#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/directory/result_name.h"

/* ---- stopping ---- */

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int number)
{
    (void)number;
    asked_to_stop = 1;
}

/* From then on a check ends before the run does. */
static void heed_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&a.sa_mask);
    (void)sigaction(SIGINT, &a, NULL);
    (void)sigaction(SIGTERM, &a, NULL);
    (void)sigaction(SIGHUP, &a, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* a server that hangs up is a sentence */
}

/* ---- which directory ---- */

static const struct pl_conf_directory *choose(const struct pl_conf *conf, const struct st_wish *w)
{
    for (size_t i = 0; w->directory && i < conf->n_dirs; i++)
        if (pl_str_eq_c(conf->dirs[i].name, w->directory))
            return &conf->dirs[i];
    if (w->directory)
        ctl_complain("there is no [directory %s] in %s.", w->directory, w->config);
    else if (conf->n_dirs == 1)
        return &conf->dirs[0];
    else
        ctl_complain("%s has %zu directories; say which: preflight DIRECTORY --selftest OU.", w->config, conf->n_dirs);
    return NULL;
}

/* The first address that answers, as the daemon would take it. */
static bool open_first(struct st *s)
{
    struct pl_str uris = pl_arena_str(s->arena, s->conf->uris);
    char *rest = (char *)(uintptr_t)uris.s; /* our own copy */
    for (char *uri; !s->hands[ST_OURS] && (uri = strsep(&rest, " \t"));) {
        if (!*uri)
            continue;
        s->uri = uri;
        s->hands[ST_OURS] = pld_once_open(s->conf, uri, &s->facts);
        if (!s->hands[ST_OURS])
            ctl_complain("%s, %s: %s. %s", s->conf->name.s, uri, s->facts.err.text, s->facts.err.hint);
    }
    return s->hands[ST_OURS] != NULL;
}

/* A log-on is a connection of its own. Behind a name of many servers it may meet one that has not heard of the account. */
static void look_at_name(struct st *s)
{
    const char *host = strstr(s->uri, "://");
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    int n[2] = {0, 0};
    if (strncmp(s->uri, "ldapi:", 6) == 0 || !host || host[3] == '[')
        return;
    struct pl_str name = {host + 3, strcspn(host + 3, ":/")};
    if (getaddrinfo(pl_arena_str(s->arena, name).s, NULL, &hints, &all) != 0)
        return;
    for (const struct addrinfo *a = all; a; a = a->ai_next)
        n[a->ai_family == AF_INET6]++;
    freeaddrinfo(all);
    if (n[0] > 1 || n[1] > 1)
        s->notes[s->n_notes++] = pl_arena_printf(
            s->arena, "%.*s has several addresses: a log-on may have met another server. Name one server in uris.",
            (int)name.len, name.s);
}

static void begin(struct st *s, struct ctl *c, const struct pl_conf *conf, const struct pl_conf_directory *dir)
{
    struct pl_arena *a = pl_arena_new();
    *s = (struct st){.ctl = c, .arena = a, .conf = dir, .dialect = pl_dialect_find(dir->dialect)};
    s->pf = (struct pf){.ctl = c,
                        .whole = conf,
                        .arena = a,
                        .conf = dir,
                        .dialect = s->dialect,
                        .dialect_bit = pf_dialect_bit(dir->dialect),
                        .row = -1,
                        .suffix = dir->people_base,
                        .service = dir->bind_dn};
    s->marker = pl_arena_printf(a, "paasla selftest %.*s", 15, pl_gentime_print(a, st_now_us()).s);
}

/* What the words of the snippets are made of. */
static void introduce(struct st *s)
{
    struct pf_address *at = pl_arena_array(s->arena, 1, sizeof *at);
    *at = (struct pf_address){.uri = s->uri, .once = s->hands[ST_OURS], .facts = s->facts};
    s->pf.addresses = s->pf.main = at;
    s->pf.n_addresses = 1;
    pf_read_self(&s->pf);
}

static void end(struct st *s)
{
    pld_once_close(s->hands[ST_OURS]);
    pld_once_close(s->hands[ST_OTHERS]);
    explicit_bzero(s->one.password, sizeof s->one.password);
    pl_arena_free(s->arena);
    free(s->results);
}

/* ---- one check ---- */

/* What the daemon makes of another code. */
static bool is_heeded(const struct st_check *k, int code)
{
    if (k->expect != ST_ADDED && k->expect != ST_REMOVED)
        return false;
    enum pl_verdict v = pl_result_verdict(k->expect == ST_ADDED ? PL_WRITE_ADD_VALUE : PL_WRITE_REMOVE_VALUE, code);
    return v == PL_VERDICT_DONE || v == PL_VERDICT_VERIFY;
}

static enum st_state judge(const struct st_result *r)
{
    const struct st_check *k = r->check;
    if (r->code == ST_NOT_TRIED)
        return ST_SKIPPED;
    if (r->code < 0 || r->wrong)
        return ST_DIFFERS;
    if (k->expect == ST_INFORMS)
        return ST_NOTE;
    if (r->code == r->expected)
        return ST_FINE;
    if (k->expect == ST_REFUSED && r->code > 0)
        return ST_NOTE;
    return is_heeded(k, r->code) ? ST_NOTE : ST_DIFFERS;
}

static void run_check(struct st *s, const struct st_check *k)
{
    if ((s->n_results & (s->n_results + 1)) == 0) /* room for 1, 3, 7, ... */
        s->results = pl_xrealloc_array(s->results, s->n_results * 2 + 1, sizeof *s->results);
    struct st_result *r = &s->results[s->n_results++];
    *r = (struct st_result){.check = k, .expected = k->code, .code = ST_NOT_TRIED, .state = ST_SKIPPED};
    if (asked_to_stop)
        s->stopped = "interrupted";
    else if (s->lost && !s->stopped)
        s->stopped = "the connection was lost";
    if (s->stopped || (s->stands & k->needs) != k->needs) {
        st_saw(s, r, "%s", s->stopped ? s->stopped : "something before it did not come true");
        return;
    }
    r->code = k->run(s, r);
    if (r->code == ST_NO_ANSWER && s->err.text[0])
        st_saw(s, r, "%s", s->err.text);
    r->state = judge(r);
    if (r->state == ST_FINE || r->state == ST_NOTE)
        s->stands |= k->gives;
}

static int run_all(struct st *s, const char *ou)
{
    int code = CTL_OK;
    if (!st_prepare(s, ou, &code))
        return code;
    look_at_name(s);
    struct ctl_progress line = ctl_progress_steps();
    for (const struct st_check *k = st_checks; k->id; k++)
        if (k->dialects & s->pf.dialect_bit) {
            ctl_progress(&line, "checking %s ...", k->id);
            run_check(s, k);
        }
    ctl_progress(&line, "cleaning up ...");
    st_clean(s);
    ctl_progress_end();
    st_snippets(s);
    st_print(s);
    return st_needs(s) > 0 ? CTL_ATTENTION : CTL_OK;
}

static int write_snippets(struct st *s, const struct st_wish *w)
{
    struct ctl_outfile o;
    s->place.base = pl_str_c(w->ou);
    st_snippets(s);
    if (!ctl_outfile_open(&o, w->snippets))
        return CTL_USAGE;
    st_print_snippets(o.f, s);
    return ctl_outfile_commit(&o) ? CTL_OK : CTL_USAGE;
}

int st_main(struct ctl *c, const struct pl_conf *conf, const struct st_wish *w)
{
    const struct pl_conf_directory *dir = choose(conf, w);
    struct st s;
    if (!dir)
        return CTL_USAGE;
    int code = CTL_NO_DB;
    begin(&s, c, conf, dir);
    heed_signals();
    if (!open_first(&s))
        goto out;
    introduce(&s);
    code = CTL_ATTENTION;
    if (w->snippets)
        code = write_snippets(&s, w);
    else if (!s.facts.fit)
        ctl_complain("%s, %s: %s. %s", dir->name.s, s.uri, s.facts.err.text, s.facts.err.hint);
    else
        code = run_all(&s, w->ou);
out:
    end(&s);
    return code;
}
