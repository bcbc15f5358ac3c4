/* Drives the store without the engine: commands come as lines on standard input, events go as lines to standard output.
 *
 *   store_harness CONNINFO [PASSWORD_FILE]
 *
 * Each command's second word is its req. See `commands` below for the others. `burst N WORD ...` sends one command N times
 * with rising req; `pause N` makes the N-th scan row and each after it answer PAUSE until `resume`. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "../../daemon/shell.h"

enum { MAX_WORDS = 16, MAX_LIST = 64 };

static struct {
    struct event_base *base;
    struct pld_store *store;
    long scan_rows, load_rows, pause_at;
    bool wants, show_rows, inside;
    char line[65536];
    size_t len;
} h = {.wants = true};

/* ---- events ---- */

static const char *name(enum pl_ev_kind k)
{
    static const char *const names[] = {
        [PL_EV_STORE_UP] = "STORE_UP", [PL_EV_STORE_DOWN] = "STORE_DOWN", [PL_EV_DIRTY] = "DIRTY",
        [PL_EV_CONTROL] = "CONTROL",   [PL_EV_STORE_DONE] = "STORE_DONE", [PL_EV_TICKED] = "TICKED",
        [PL_EV_LOAD_ROW] = "LOAD_ROW", [PL_EV_LOAD_DONE] = "LOAD_DONE",   [PL_EV_RESERVED] = "RESERVED",
        [PL_EV_INTENDED] = "INTENDED", [PL_EV_SCAN_ROW] = "SCAN_ROW",     [PL_EV_SCAN_DONE] = "SCAN_DONE",
    };
    return k < sizeof names / sizeof names[0] && names[k] ? names[k] : "?";
}

static void print_row(const struct pl_event *ev)
{
    printf("%s %llu", name(ev->kind), (unsigned long long)ev->req);
    for (size_t i = 0; i < ev->row.n; i++)
        printf("%c%.*s", i ? '|' : ' ', (int)ev->row.cols[i].len, ev->row.cols[i].s);
    putchar('\n');
}

static enum pl_flow on_row(const struct pl_event *ev)
{
    long n = ev->kind == PL_EV_SCAN_ROW ? ++h.scan_rows : ++h.load_rows;
    if (h.show_rows)
        print_row(ev);
    if (ev->kind != PL_EV_SCAN_ROW || !h.pause_at || n < h.pause_at)
        return PL_CONTINUE;
    h.wants = false;
    printf("PAUSED %llu rows=%ld\n", (unsigned long long)ev->req, n);
    return PL_PAUSE;
}

static void print_rest(const struct pl_event *ev)
{
    switch (ev->kind) {
    case PL_EV_TICKED:
        printf(" next=%lld", (long long)ev->ticked.next_us);
        break;
    case PL_EV_RESERVED:
        printf(" account=%lld login=%.*s", (long long)ev->reserved.account_id, (int)ev->reserved.login.len,
               ev->reserved.login.s ? ev->reserved.login.s : "");
        break;
    case PL_EV_INTENDED:
        for (size_t i = 0; i < ev->intended.n; i++)
            printf("%s%lld", i ? "," : " ids=", (long long)ev->intended.ids[i]);
        break;
    case PL_EV_CONTROL:
        printf(" control=%lld preview=%d dir=%.*s", (long long)ev->control.control_id, ev->control.preview,
               (int)ev->control.directory.len, ev->control.directory.s);
        break;
    case PL_EV_SCAN_DONE:
    case PL_EV_LOAD_DONE:
        printf(" rows=%ld", ev->kind == PL_EV_SCAN_DONE ? h.scan_rows : h.load_rows);
        *(ev->kind == PL_EV_SCAN_DONE ? &h.scan_rows : &h.load_rows) = 0;
        break;
    default:
        break;
    }
}

static enum pl_flow on_emit(void *ctx, const struct pl_event *ev)
{
    enum pl_flow flow = PL_CONTINUE;
    (void)ctx;
    if (h.inside)
        abort(); /* the engine would be entered twice */
    h.inside = true;
    if (ev->kind == PL_EV_SCAN_ROW || ev->kind == PL_EV_LOAD_ROW) {
        flow = on_row(ev);
    } else {
        printf("%s %llu%s", name(ev->kind), (unsigned long long)ev->req, ev->failed ? " failed" : "");
        print_rest(ev);
        putchar('\n');
    }
    fflush(stdout);
    h.inside = false;
    return flow;
}

static bool on_wants(void *ctx, uint64_t req)
{
    (void)ctx;
    (void)req;
    return h.wants;
}

/* ---- commands ---- */

static int64_t num(const char *s)
{
    return s ? strtoll(s, NULL, 10) : 0;
}

/* a,b,c */
static size_t texts(char *s, struct pl_str *out)
{
    size_t n = 0;
    char *save = NULL;
    for (char *w = s ? strtok_r(s, ",", &save) : NULL; w && n < MAX_LIST; w = strtok_r(NULL, ",", &save))
        out[n++] = pl_str_c(w);
    return n;
}

static size_t numbers(char *s, int64_t *out)
{
    struct pl_str t[MAX_LIST];
    size_t n = texts(s, t);
    for (size_t i = 0; i < n; i++)
        pl_str_to_i64(t[i], &out[i]);
    return n;
}

static void submit(struct pl_command *c)
{
    pld_store_command(h.store, c);
}

static void plain(struct pl_command *c, char **w)
{
    (void)w;
    submit(c);
}

static void load(struct pl_command *c, char **w) /* load REQ CLASS DIRS LIMIT [PERSONS] */
{
    struct pl_str dirs[MAX_LIST];
    int64_t persons[MAX_LIST];
    c->load.class = strcmp(w[2], "urgent") == 0 ? PL_LOAD_URGENT
                    : strcmp(w[2], "bulk") == 0 ? PL_LOAD_BULK
                                                : PL_LOAD_PREVIEW;
    c->load.n_dirs = texts(w[3], dirs);
    c->load.dirs = dirs;
    c->load.limit = (int)num(w[4]);
    c->load.named_leavers = 3;
    c->load.named_per_hour = 20;
    c->load.n_persons = numbers(w[5], persons);
    c->load.persons = persons;
    submit(c);
}

static void reserve(struct pl_command *c, char **w) /* reserve REQ DIR PERSON PURPOSE CANDIDATES */
{
    struct pl_str names[MAX_LIST];
    c->directory = pl_str_c(w[2]);
    c->reserve.person_id = num(w[3]);
    c->reserve.purpose = pl_str_c(w[4]);
    c->reserve.n_candidates = texts(w[5], names);
    c->reserve.candidates = names;
    submit(c);
}

static void intents(struct pl_command *c, char **w) /* intents REQ DIR PERSON ACCOUNTS */
{
    int64_t accounts[MAX_LIST];
    struct pl_intent items[MAX_LIST] = {0};
    c->directory = pl_str_c(w[2]);
    c->intents.person_id = num(w[3]);
    c->intents.purpose = PL_STR("personal");
    c->intents.n = numbers(w[4], accounts);
    for (size_t i = 0; i < c->intents.n; i++)
        items[i] = (struct pl_intent){.account_id = accounts[i], .op = PL_OP_LOCK, .row = 350};
    c->intents.items = items;
    submit(c);
}

static void settle(struct pl_command *c, char **w) /* settle REQ DIR PERSON PURPOSE ACCOUNT INTENTS SEQS [RETRY_US] */
{
    int64_t ids[MAX_LIST], seqs[MAX_LIST];
    struct pl_intent items[MAX_LIST] = {0};
    struct pl_finding_cmd finding = {"lock_not_proven",      "warning", num(w[3]), 0, 0, PL_STR("k"),
                                     PL_STR("bad \xff byte")};
    struct pl_settle s = {.directory = pl_str_c(w[2]),
                          .person_id = num(w[3]),
                          .purpose = pl_str_c(w[4]),
                          .account_id = num(w[5]),
                          .state = PL_STATE_OUT,
                          .row = 350,
                          .sentence = PL_STR("locked"),
                          .findings = &finding,
                          .n_findings = 1,
                          .resolved = &finding,
                          .n_resolved = 1};
    s.n_intents = numbers(w[6], ids);
    for (size_t i = 0; i < s.n_intents; i++)
        items[i] = (struct pl_intent){.intent_id = ids[i], .outcome = PL_OUT_DONE, .at_us = 1700000000000000};
    s.intents = items;
    s.n_seqs = numbers(w[7], seqs);
    s.seqs = seqs;
    s.retry_after_us = num(w[8]);
    c->settle = &s;
    submit(c);
}

static void hold(struct pl_command *c, char **w) /* hold REQ DIR PERSONS SEQS */
{
    int64_t persons[MAX_LIST], seqs[MAX_LIST];
    struct pl_plan_item items[MAX_LIST] = {0};
    struct pl_hold x = {
        .directory = pl_str_c(w[2]), .items = items, .seqs = seqs, .why = PL_STR("would lock too many")};
    x.n_items = numbers(w[3], persons);
    for (size_t i = 0; i < x.n_items; i++)
        items[i] = (struct pl_plan_item){
            .person_id = persons[i], .account_id = 0, .purpose = PL_STR("personal"), .op = PL_OP_CLOSE, .row = 350};
    x.locks = (long)x.n_items;
    x.n_seqs = numbers(w[4], seqs);
    c->hold = &x;
    submit(c);
}

static void nominate(struct pl_command *c, char **w) /* nominate REQ DIR PERSONS */
{
    int64_t persons[MAX_LIST];
    struct pl_nominee who[MAX_LIST];
    c->directory = pl_str_c(w[2]);
    c->nominate.n_persons = numbers(w[3], persons);
    for (size_t i = 0; i < c->nominate.n_persons; i++)
        who[i] = (struct pl_nominee){persons[i], "compare"};
    c->nominate.persons = who;
    submit(c);
}

static void scan(struct pl_command *c, char **w) /* scan_accounts REQ DIR; scan_groups REQ DIR; scan_group REQ DIR DN */
{
    c->directory = pl_str_c(w[2]);
    if (c->kind == PL_CMD_SCAN_GROUP)
        c->scan_group.dn = pl_str_c(w[3]);
    submit(c);
}

static void compare(struct pl_command *c, char **w) /* compare REQ DIR */
{
    c->directory = pl_str_c(w[2]);
    c->compare.complete = true;
    c->compare.entries = 5;
    c->compare.identity = PL_STR("cn=config|x");
    submit(c);
}

static const struct word {
    const char *word;
    enum pl_cmd_kind kind;
    void (*run)(struct pl_command *c, char **w);
} commands[] = {
    {"recover", PL_CMD_RECOVER, plain},
    {"tick", PL_CMD_TICK, plain},
    {"load", PL_CMD_LOAD, load},
    {"reserve", PL_CMD_RESERVE, reserve},
    {"intents", PL_CMD_INTENTS, intents},
    {"settle", PL_CMD_SETTLE, settle},
    {"hold", PL_CMD_HOLD, hold},
    {"nominate", PL_CMD_NOMINATE, nominate},
    {"scan_accounts", PL_CMD_SCAN_ACCOUNTS, scan},
    {"scan_group", PL_CMD_SCAN_GROUP, scan},
    {"scan_groups", PL_CMD_SCAN_GROUPS, scan},
    {"compare", PL_CMD_NOTE_COMPARE, compare},
};

static void run_command(char **w)
{
    for (size_t i = 0; w[1] && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(w[0], commands[i].word) != 0)
            continue;
        struct pl_command c = {.kind = commands[i].kind, .req = (uint64_t)num(w[1])};
        commands[i].run(&c, w);
        return;
    }
    printf("UNKNOWN %s\n", w[0]);
}

/* burst N tick 100: one command N times, req 100, 101, ... */
static void burst(char *words)
{
    char *rest = NULL, copy[4096], req[32];
    long n = strtol(words, &rest, 10);
    for (long i = 0; i < n; i++) {
        char *w[MAX_WORDS] = {0}, *save = NULL;
        snprintf(copy, sizeof copy, "%s", rest);
        size_t k = 0;
        for (char *x = strtok_r(copy, " ", &save); x && k < MAX_WORDS - 1; x = strtok_r(NULL, " ", &save))
            w[k++] = x;
        snprintf(req, sizeof req, "%lld", (long long)(num(w[1]) + i));
        w[1] = req;
        run_command(w);
    }
}

static void resume(void)
{
    h.wants = true;
    h.pause_at = 0;
    pld_store_resume(h.store);
}

static void memory(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("MAXRSS %ld\n", u.ru_maxrss);
}

static void on_line(char *line)
{
    char *w[MAX_WORDS] = {0}, *save = NULL;
    size_t k = 0;
    if (strncmp(line, "burst ", 6) == 0) {
        burst(line + 6);
        return;
    }
    for (char *x = strtok_r(line, " ", &save); x && k < MAX_WORDS - 1; x = strtok_r(NULL, " ", &save))
        w[k++] = x;
    if (!w[0])
        return;
    if (strcmp(w[0], "quit") == 0)
        event_base_loopbreak(h.base);
    else if (strcmp(w[0], "pause") == 0)
        h.pause_at = (long)num(w[1]);
    else if (strcmp(w[0], "resume") == 0)
        resume();
    else if (strcmp(w[0], "rows") == 0)
        h.show_rows = true;
    else if (strcmp(w[0], "memory") == 0)
        memory();
    else
        run_command(w);
    fflush(stdout);
}

static void on_input(evutil_socket_t fd, short what, void *arg)
{
    ssize_t got = read(fd, h.line + h.len, sizeof h.line - h.len - 1);
    char *nl;
    (void)what;
    (void)arg;
    if (got <= 0) {
        event_base_loopbreak(h.base);
        return;
    }
    h.len += (size_t)got;
    while ((nl = memchr(h.line, '\n', h.len))) {
        *nl = '\0';
        size_t used = (size_t)(nl + 1 - h.line);
        on_line(h.line);
        h.len -= used;
        memmove(h.line, nl + 1, h.len);
    }
}

int main(int argc, char **argv)
{
    struct pl_conf conf = {.poll_s = 30, .log_level = 7};
    struct pld_host host = {.emit = on_emit, .wants = on_wants};

    if (argc < 2)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    pld_log_level(6);
    conf.connection = pl_str_c(argv[1]);
    conf.password_file = pl_str_c(argc > 2 ? argv[2] : "");
    h.base = host.base = event_base_new();
    h.store = pld_store_new(&host, &conf);
    struct event *in = event_new(h.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, NULL);
    event_add(in, NULL);
    pld_store_start(h.store);
    event_base_dispatch(h.base);
    pld_store_free(h.store);
    event_free(in);
    event_base_free(h.base);
    return 0;
}
