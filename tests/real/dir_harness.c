/* Drives the LDAP side of the daemon alone: one JSON object a line in, one JSON object a line out.
 *
 *   dir_harness key=value...      options as in a [directory] section
 *   {"do": "search", "req": 1, "channel": "urgent", "base": "...", "scope": "sub", "filter": "...", "attrs": [...],
 *    "paged": true, "usability": true, "pause_after": 10}
 *   {"do": "modify", "req": 2, "dn": "...", "mods": [["replace", "sn", ["x"]]], "assertion": "(...)",
 *    "first_password": true, "login": "mari", "times": 1}
 *   {"do": "add", "req": 3, "dn": "...", "attrs": [["cn", ["x"]]]}
 *   {"do": "watch", "req": 4, "base": "..."}   by persistent search; out: that it stands, every thousandth entry, its end
 *   {"do": "resume", "req": 1}    the paused read may go on, until its next pause
 *   {"do": "quit"}
 * A value [n] stands for n bytes of 'x'. Out: up, down, entry, result. Values that are long or no text come as
 * {"len": n, "head": hex}. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "daemon/shell.h"

enum { MAX_PAUSES = 64 };

static struct pause {
    uint64_t req;
    long after, seen;
    bool paused;
} pauses[MAX_PAUSES];
static size_t n_pauses;
static long watched;

static struct pld_dir *dir;
static struct event_base *base;

static struct pause *find_pause(uint64_t req)
{
    for (size_t i = 0; i < n_pauses; i++)
        if (pauses[i].req == req)
            return &pauses[i];
    return NULL;
}

/* ---- out ---- */

static void put(json_t *line)
{
    char *s = json_dumps(line, JSON_COMPACT);
    printf("%s\n", s);
    fflush(stdout);
    free(s);
    json_decref(line);
}

static json_t *value_json(struct pl_str v)
{
    json_t *text = v.len <= 1000 ? json_stringn(v.s, v.len) : NULL;
    if (text && !(v.len && memchr(v.s, 0, v.len)))
        return text;
    json_decref(text);
    char hex[33] = "";
    for (size_t i = 0; i < v.len && i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned)(unsigned char)v.s[i]);
    return json_pack("{s:I,s:s}", "len", (json_int_t)v.len, "head", hex);
}

static json_t *entry_json(const struct pl_entry *e)
{
    json_t *attrs = json_object();
    for (size_t i = 0; i < e->n; i++) {
        json_t *list = json_array();
        for (size_t k = 0; k < e->attrs[i].n; k++)
            json_array_append_new(list, value_json(e->attrs[i].values[k]));
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)e->attrs[i].name.len, e->attrs[i].name.s);
        json_object_set_new(attrs, name, list);
    }
    return attrs;
}

static enum pl_flow emit(void *ctx, const struct pl_event *ev)
{
    (void)ctx;
    json_int_t req = (json_int_t)ev->req;
    struct pause *p = find_pause(ev->req);
    switch (ev->kind) {
    case PL_EV_DIR_UP:
        put(json_pack("{s:s,s:s%,s:b,s:b}", "event", "up", "identity", ev->up.identity.s, ev->up.identity.len,
                      "ppolicy", ev->up.ppolicy, "assertion", ev->up.assertion));
        break;
    case PL_EV_DIR_DOWN:
        put(json_pack("{s:s}", "event", "down"));
        break;
    case PL_EV_ENTRY:
        put(json_pack("{s:s,s:I,s:o,s:o}", "event", "entry", "req", req, "dn", value_json(ev->entry->dn), "attrs",
                      entry_json(ev->entry)));
        if (p && ++p->seen % p->after == 0) {
            p->paused = true;
            return PL_PAUSE;
        }
        break;
    case PL_EV_RESULT:
        put(json_pack("{s:s,s:I,s:i,s:b}", "event", "result", "req", req, "code", ev->result.code, "complete",
                      ev->result.complete));
        break;
    case PL_EV_WATCH:
        if (ev->watch.msg != PL_WATCH_ENTRY || ++watched % 1000 == 0)
            put(json_pack("{s:s,s:I,s:i,s:I}", "event", "watch", "req", req, "msg", (int)ev->watch.msg, "entries",
                          (json_int_t)watched));
        break;
    default:
        put(json_pack("{s:s,s:i}", "event", "other", "kind", (int)ev->kind));
    }
    return PL_CONTINUE;
}

static bool wants(void *ctx, uint64_t req)
{
    (void)ctx;
    struct pause *p = find_pause(req);
    return !p || !p->paused;
}

/* ---- in ---- */

static struct pl_str text(struct pl_arena *a, const json_t *v)
{
    if (json_is_array(v)) {
        size_t n = (size_t)json_integer_value(json_array_get(v, 0));
        char *x = pl_arena_alloc(a, n + 1);
        memset(x, 'x', n);
        return (struct pl_str){x, n};
    }
    return (struct pl_str){json_string_value(v), json_string_length(v)};
}

static struct pl_str *texts(struct pl_arena *a, const json_t *list, size_t *n)
{
    *n = json_array_size(list);
    struct pl_str *out = pl_arena_array(a, *n + 1, sizeof *out);
    for (size_t i = 0; i < *n; i++)
        out[i] = text(a, json_array_get(list, i));
    return out;
}

static void do_search(struct pl_arena *a, const json_t *j, struct pl_command *cmd)
{
    const char *scope = json_string_value(json_object_get(j, "scope"));
    const json_t *attrs = json_object_get(j, "attrs");
    const char **names = pl_arena_array(a, json_array_size(attrs) + 1, sizeof *names);
    for (size_t i = 0; i < json_array_size(attrs); i++)
        names[i] = json_string_value(json_array_get(attrs, i));
    json_int_t after = json_integer_value(json_object_get(j, "pause_after"));
    if (after > 0 && n_pauses < MAX_PAUSES)
        pauses[n_pauses++] = (struct pause){.req = cmd->req, .after = after};
    cmd->kind = PL_CMD_SEARCH;
    cmd->search.base = text(a, json_object_get(j, "base"));
    cmd->search.filter = text(a, json_object_get(j, "filter"));
    cmd->search.scope = !scope || *scope == 'b' ? PL_SCOPE_BASE : *scope == 'o' ? PL_SCOPE_ONE : PL_SCOPE_SUB;
    cmd->search.attrs = names;
    cmd->search.paged = json_is_true(json_object_get(j, "paged"));
    cmd->search.usability = json_is_true(json_object_get(j, "usability"));
}

static void do_modify(struct pl_arena *a, const json_t *j, struct pl_command *cmd)
{
    const json_t *list = json_object_get(j, "mods");
    size_t n = json_array_size(list);
    struct pl_mod *mods = pl_arena_array(a, n + 1, sizeof *mods);
    for (size_t i = 0; i < n; i++) {
        const json_t *m = json_array_get(list, i);
        const char *op = json_string_value(json_array_get(m, 0));
        mods[i].kind = *op == 'a' ? PL_MOD_ADD : *op == 'd' ? PL_MOD_DELETE : PL_MOD_REPLACE;
        mods[i].attr = text(a, json_array_get(m, 1));
        mods[i].values = texts(a, json_array_get(m, 2), &mods[i].n);
    }
    cmd->kind = PL_CMD_MODIFY;
    cmd->modify.dn = text(a, json_object_get(j, "dn"));
    cmd->modify.mods = mods;
    cmd->modify.n = n;
    cmd->modify.assertion = text(a, json_object_get(j, "assertion"));
    cmd->modify.secret = json_is_true(json_object_get(j, "first_password")) ? PL_SECRET_FIRST : PL_SECRET_NONE;
    cmd->modify.password_attr = "userPassword";
    cmd->modify.login = text(a, json_object_get(j, "login"));
}

static void do_add(struct pl_arena *a, const json_t *j, struct pl_command *cmd)
{
    const json_t *list = json_object_get(j, "attrs");
    size_t n = json_array_size(list);
    struct pl_attr *attrs = pl_arena_array(a, n + 1, sizeof *attrs);
    for (size_t i = 0; i < n; i++) {
        attrs[i].name = text(a, json_array_get(json_array_get(list, i), 0));
        attrs[i].values = texts(a, json_array_get(json_array_get(list, i), 1), &attrs[i].n);
    }
    cmd->kind = PL_CMD_ADD;
    cmd->add.dn = text(a, json_object_get(j, "dn"));
    cmd->add.attrs = attrs;
    cmd->add.n = n;
}

static void do_watch(struct pl_arena *a, const json_t *j, struct pl_command *cmd)
{
    static const char *const attrs[] = {"uid", NULL};
    cmd->kind = PL_CMD_WATCH;
    cmd->watch.kind = PL_WATCH_PERSISTENT;
    cmd->watch.base = text(a, json_object_get(j, "base"));
    cmd->watch.attrs = attrs;
}

static enum pl_channel channel(const json_t *j)
{
    const char *s = json_string_value(json_object_get(j, "channel"));
    return s && *s == 'u' ? PL_CH_URGENT : PL_CH_BULK;
}

/* Slices of a command die with the arena right after: the directory side must have copied them. */
static void run(const json_t *j)
{
    struct pl_arena *a = pl_arena_new();
    const char *what = json_string_value(json_object_get(j, "do"));
    struct pl_command cmd = {.req = (uint64_t)json_integer_value(json_object_get(j, "req"))};
    json_int_t times = json_integer_value(json_object_get(j, "times"));
    if (!what || strcmp(what, "quit") == 0) {
        event_base_loopexit(base, NULL);
    } else if (strcmp(what, "resume") == 0) {
        struct pause *p = find_pause(cmd.req);
        if (p)
            p->paused = false;
        pld_dir_resume(dir);
    } else if (strcmp(what, "watch") == 0) {
        do_watch(a, j, &cmd);
    } else if (strcmp(what, "search") == 0) {
        do_search(a, j, &cmd);
        cmd.search.channel = channel(j);
    } else if (strcmp(what, "modify") == 0) {
        do_modify(a, j, &cmd);
        cmd.modify.channel = channel(j);
    } else if (strcmp(what, "add") == 0) {
        do_add(a, j, &cmd);
        cmd.add.channel = channel(j);
    }
    for (json_int_t i = 0; cmd.kind && i < (times ? times : 1); i++, cmd.req++)
        pld_dir_command(dir, &cmd);
    pl_arena_free(a);
}

static void on_input(struct bufferevent *bev, void *arg)
{
    (void)arg;
    char *line;
    size_t len;
    while ((line = evbuffer_readln(bufferevent_get_input(bev), &len, EVBUFFER_EOL_LF))) {
        json_error_t err;
        json_t *j = json_loadb(line, len, JSON_ALLOW_NUL, &err);
        if (j)
            run(j);
        else
            fprintf(stderr, "bad line: %s\n", err.text);
        json_decref(j);
        free(line);
    }
}

static void on_end(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    (void)what;
    (void)arg;
    event_base_loopexit(base, NULL);
}

/* ---- configuration ---- */

static void set_option(struct pl_conf_directory *c, const char *key, const char *value)
{
    const struct {
        const char *name;
        struct pl_str *to;
    } rows[] = {{"uris", &c->uris},
                {"tls", &c->tls},
                {"ca_file", &c->ca_file},
                {"sasl", &c->sasl},
                {"cert_file", &c->cert_file},
                {"key_file", &c->key_file},
                {"bind_dn", &c->bind_dn},
                {"password_file", &c->password_file},
                {"people_base", &c->people_base},
                {"first_password_dir", &c->first_password_dir}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, key) == 0)
            *rows[i].to = pl_str_c(value);
    if (strcmp(key, "timeout_ms") == 0)
        c->timeout_ms = atoll(value);
    if (strcmp(key, "connect_ms") == 0)
        c->connect_ms = atoll(value);
}

int main(int argc, char **argv)
{
    struct pl_conf_directory conf = {.name = PL_STR("linn"),
                                     .dialect = PL_STR("openldap"),
                                     .tls = PL_STR("starttls"),
                                     .sasl = PL_STR("none"),
                                     .timeout_ms = 10000,
                                     .connect_ms = 5000};
    setenv("LDAPNOINIT", "1", 1);
    for (int i = 1; i < argc; i++) {
        char *eq = strchr(argv[i], '=');
        if (!eq)
            return 2;
        *eq = '\0';
        set_option(&conf, argv[i], eq + 1);
    }
    base = event_base_new();
    struct pld_host host = {.base = base, .emit = emit, .wants = wants};
    pld_log_level(7);
    dir = pld_dir_new(&host, &conf);
    pld_dir_start(dir);
    struct bufferevent *in = bufferevent_socket_new(base, STDIN_FILENO, 0);
    bufferevent_setcb(in, on_input, NULL, on_end, NULL);
    bufferevent_enable(in, EV_READ);
    event_base_dispatch(base);
    pld_dir_free(dir);
    bufferevent_free(in);
    event_base_free(base);
    if (!pld_dir_threads_ended(100))
        _exit(0);
    return 0;
}
