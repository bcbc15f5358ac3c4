#include "store_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- tasks ---- */

struct pld_task *pld_task_new(struct pld_store *s, const char *query)
{
    struct pld_task *t = pl_xcalloc(1, sizeof *t);
    t->store = s;
    t->arena = pl_arena_new();
    t->job.query = query;
    return t;
}

void pld_task_free(struct pld_task *t)
{
    pl_arena_free(t->arena);
    free(t);
}

void pld_task_param(struct pld_task *t, const char *text)
{
    if (t->job.n_params == PLD_PG_PARAMS)
        abort(); /* a query with more parameters than there is room for: sent whole or not at all */
    t->job.params[t->job.n_params++] = text;
}

/* ---- parameters as text ---- */

/* PostgreSQL takes no NUL and no broken UTF-8; a C string would silently end early. */
static bool put_str(struct pld_task *t, struct pl_str s)
{
    pld_task_param(t, pl_arena_str(t->arena, s).s);
    return s.len == 0 || pl_str_is_utf8(s);
}

static void put_i64(struct pld_task *t, int64_t v)
{
    pld_task_param(t, pl_arena_printf(t->arena, "%" PRId64, v).s);
}

/* {"a","b"}: quoted always, so that NULL, braces and commas are only text. */
static bool put_texts(struct pld_task *t, const struct pl_str *v, size_t n)
{
    struct pl_buf b = {0};
    bool ok = true;

    pl_buf_add_byte(&b, '{');
    for (size_t i = 0; i < n; i++) {
        pl_buf_add_c(&b, i ? ",\"" : "\"");
        for (size_t k = 0; k < v[i].len; k++) {
            if (v[i].s[k] == '"' || v[i].s[k] == '\\')
                pl_buf_add_byte(&b, '\\');
            pl_buf_add_byte(&b, v[i].s[k]);
        }
        pl_buf_add_byte(&b, '"');
        ok = ok && (v[i].len == 0 || pl_str_is_utf8(v[i]));
    }
    pl_buf_add_byte(&b, '}');
    pld_task_param(t, pl_arena_str(t->arena, pl_buf_str(&b)).s);
    pl_buf_free(&b);
    return ok;
}

static void put_i64s(struct pld_task *t, const int64_t *v, size_t n)
{
    struct pl_buf b = {0};

    pl_buf_add_byte(&b, '{');
    for (size_t i = 0; i < n; i++)
        pl_buf_printf(&b, "%s%" PRId64, i ? "," : "", v[i]);
    pl_buf_add_byte(&b, '}');
    pld_task_param(t, pl_arena_str(t->arena, pl_buf_str(&b)).s);
    pl_buf_free(&b);
}

static bool put_json(struct pld_task *t, const char *json)
{
    pld_task_param(t, json);
    return json != NULL;
}

/* ---- one function for each kind; false: cannot be sent ---- */

static bool none(struct pld_task *t, const struct pl_command *c)
{
    (void)t;
    (void)c;
    return true;
}

static bool load(struct pld_task *t, const struct pl_command *c)
{
    static const char *const classes[] = {"urgent", "bulk", "preview"};
    pld_task_param(t, classes[c->load.class]);
    t->job.by_key = true;
    bool ok = put_texts(t, c->load.dirs, c->load.n_dirs);
    put_i64(t, c->load.limit);
    put_i64(t, c->load.named_leavers);
    put_i64s(t, c->load.persons, c->load.n_persons);
    put_i64(t, c->load.named_per_hour);
    put_i64(t, c->load.passed_us);
    return ok;
}

static bool reserve(struct pld_task *t, const struct pl_command *c)
{
    bool ok = put_str(t, c->directory);
    put_i64(t, c->reserve.person_id);
    ok = put_str(t, c->reserve.purpose) && ok;
    return put_texts(t, c->reserve.candidates, c->reserve.n_candidates) && ok;
}

static bool intents(struct pld_task *t, const struct pl_command *c)
{
    t->want_ids = c->intents.n;
    t->ids = pl_arena_array(t->arena, c->intents.n, sizeof *t->ids);
    return put_json(t, pld_json_intents(t->arena, c));
}

static bool settle(struct pld_task *t, const struct pl_command *c)
{
    return put_json(t, pld_json_settle(t->arena, c->settle));
}

static bool hold(struct pld_task *t, const struct pl_command *c)
{
    return put_json(t, pld_json_hold(t->arena, c->hold));
}

static bool nominate(struct pld_task *t, const struct pl_command *c)
{
    bool ok = put_str(t, c->directory);
    return put_json(t, pld_json_nominate(t->arena, c)) && ok;
}

static bool compare(struct pld_task *t, const struct pl_command *c)
{
    bool ok = put_str(t, c->directory);
    return put_json(t, pld_json_compare(t->arena, c)) && ok;
}

static bool watched(struct pld_task *t, const struct pl_command *c)
{
    bool ok = put_str(t, c->directory);
    return put_json(t, pld_json_watched(t->arena, c)) && ok;
}

static bool acked(struct pld_task *t, const struct pl_command *c)
{
    bool ok = put_str(t, c->directory);
    return put_json(t, pld_json_acked(t->arena, c)) && ok;
}

static bool unacked(struct pld_task *t, const struct pl_command *c)
{
    bool ok = put_str(t, c->directory);
    ok = put_texts(t, c->unacked.servers, c->unacked.n) && ok;
    put_i64(t, c->unacked.before);
    return ok;
}

static bool scan(struct pld_task *t, const struct pl_command *c)
{
    return put_str(t, c->directory);
}

static bool scan_accounts(struct pld_task *t, const struct pl_command *c)
{
    bool ok = put_str(t, c->directory);
    return put_str(t, c->scan_accounts.names ? PL_STR("t") : PL_STR("f")) && ok;
}

static bool scan_group(struct pld_task *t, const struct pl_command *c)
{
    bool ok = put_str(t, c->directory);
    return put_str(t, c->scan_group.dn) && ok;
}

static const struct kind {
    enum pl_cmd_kind kind;
    const char *query;
    bool (*fill)(struct pld_task *t, const struct pl_command *c);
} kinds[] = {
    {PL_CMD_RECOVER, "recover", none},
    {PL_CMD_TICK, "tick", none},
    {PL_CMD_LOAD, "load_work", load},
    {PL_CMD_RESERVE, "reserve", reserve},
    {PL_CMD_INTENTS, "intents", intents},
    {PL_CMD_SETTLE, "settle", settle},
    {PL_CMD_HOLD, "hold", hold},
    {PL_CMD_NOMINATE, "nominate", nominate},
    {PL_CMD_SCAN_ACCOUNTS, "scan_accounts", scan_accounts},
    {PL_CMD_SCAN_GROUP, "scan_group", scan_group},
    {PL_CMD_SCAN_GROUPS, "scan_groups", scan},
    {PL_CMD_NOTE_COMPARE, "note_compare", compare},
    {PL_CMD_WATCH_STATE, "watch_state", scan},
    {PL_CMD_WATCHED, "watched", watched},
    {PL_CMD_ACKED, "acked", acked},
    {PL_CMD_UNACKED, "unacked", unacked},
};

struct pld_task *pld_task_of(struct pld_store *s, const struct pl_command *cmd, bool *ok)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].kind != cmd->kind)
            continue;
        struct pld_task *t = pld_task_new(s, kinds[i].query);
        t->kind = cmd->kind;
        t->job.joins = (cmd->kind == PL_CMD_INTENTS && !cmd->intents.alone) || cmd->kind == PL_CMD_SETTLE ||
                       cmd->kind == PL_CMD_RESERVE;
        t->req = cmd->req;
        t->directory = pl_arena_str(t->arena, cmd->directory);
        *ok = kinds[i].fill(t, cmd);
        if (!*ok)
            pld_log(3, "store.not_sent", "%s: a value is not UTF-8 or holds a NUL; not sent", kinds[i].query);
        pld_task_answers(t);
        return t;
    }
    return NULL;
}
