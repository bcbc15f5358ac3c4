#include "history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "run.h"

static const char *const outcomes[] = {"done", "failed", "not_done"};

static int any_account(const struct store *s, struct rng *r)
{
    return s->n_accounts > 0 ? rng_below(r, s->n_accounts) : -1;
}

static void reserve(struct store *s, struct rng *r, int64_t now)
{
    char a[32], b[32];
    int p = rng_below(r, s->w->n_persons), d = rng_below(r, N_DIRS);
    enum purpose k = rng_pct(r, 30) ? ADMIN : PERSONAL;
    if (!store_wanted(s, p, d, k, now).row)
        return;
    snprintf(a, sizeof a, "l%d", rng_below(r, 12));
    snprintf(b, sizeof b, "m%d", p);
    const struct pl_str candidates[] = {pl_str_c(a), pl_str_c(b)};
    store_reserve(s, d, p, k, candidates, 2);
    history_do("SELECT * FROM paasla.reserve('%s', %d, '%s', ARRAY['%s', '%s'])", dir_names[d], p + 1, purpose_names[k],
               a, b);
}

static void intents(struct store *s, struct rng *r, int64_t now)
{
    int at = any_account(s, r), g = rng_below(r, s->w->n_groups);
    if (at < 0)
        return;
    const struct account *a = &s->accounts[at];
    bool member = s->w->groups[g].dir == a->dir && s->w->groups[g].purpose == a->purpose;
    enum pl_op op = member ? (rng_pct(r, 50) ? PL_OP_ADD_MEMBER : PL_OP_REMOVE_MEMBER) : PL_OP_CLOSE;
    struct pl_intent in = {.account_id = at + 1, .role_group_id = member ? g + 1 : 0, .op = op, .row = 330};
    if (!member && rng_pct(r, 50)) {
        in.op = op = rng_pct(r, 70) ? PL_OP_KEEP : PL_OP_RENAME;
        in.ends_us = op == PL_OP_RENAME || rng_pct(r, 30) ? PL_END_NEVER : now + rng_log(r, US_HOUR, 400 * US_HOUR);
    }
    in.put_back = member && rng_pct(r, 50);
    in.counted = op != PL_OP_ADD_MEMBER && op != PL_OP_KEEP && op != PL_OP_RENAME && rng_pct(r, 50);
    struct pl_command c = {.kind = PL_CMD_INTENTS};
    int64_t id;
    c.intents.person_id = a->person + 1;
    c.intents.items = &in;
    c.intents.n = 1;
    store_intents(s, &c, now, &id);
    char ends[64] = "0";
    if (op == PL_OP_KEEP && in.ends_us != PL_END_NEVER)
        snprintf(ends, sizeof ends, "(extract(epoch FROM T(%lld)) * 1000000)::bigint",
                 (long long)(in.ends_us - SIM_FIRST_DAY));
    history_do("SELECT * FROM paasla.intend(jsonb_build_array(jsonb_build_object('ends_us', %s) || '{\"account_id\": "
               "%d, \"person_id\": %d, \"directory\": \"%s\", "
               "\"purpose\": \"%s\", \"role_group_id\": %lld, \"op\": \"%s\", \"row\": 330, \"put_back\": %s, "
               "\"counted\": %s}'::jsonb))",
               ends, at + 1, a->person + 1, dir_names[a->dir], purpose_names[a->purpose], (long long)in.role_group_id,
               pl_op_name(op), in.put_back ? "true" : "false", in.counted ? "true" : "false");
}

/* One account ends as anything; its open intents are settled, the pair's dirty rows consumed. */
static void settle(struct store *s, struct rng *r, int64_t now)
{
    struct pl_intent done[16];
    struct pl_membership_cmd facts[MAX_GROUPS];
    int64_t seqs[256];
    char intents_json[1024] = "", facts_json[512] = "", native[40] = "", dn[80] = "";
    size_t ni = 0, nf = 0;
    int at = any_account(s, r);
    if (at < 0)
        return;
    const struct account *a = &s->accounts[at];
    struct pl_settle t = {.person_id = a->person + 1,
                          .directory = pl_str_c(dir_names[a->dir]),
                          .purpose = pl_str_c(purpose_names[a->purpose]),
                          .account_id = at + 1,
                          .state = (enum pl_state)rng_below(r, PL_STATE_COUNT),
                          .retry_after_us = rng_pct(r, 25) ? 5 * US_HOUR : 0};
    for (size_t i = 0; i < s->n_intents && t.n_intents < 16; i++) {
        if (s->intents[i].account != at || s->intents[i].outcome >= 0)
            continue;
        int outcome = rng_below(r, 3);
        ni += (size_t)snprintf(intents_json + ni, sizeof intents_json - ni, "%s{\"id\": %zu, \"outcome\": \"%s\"}",
                               ni ? ", " : "", i + 1, outcomes[outcome]);
        done[t.n_intents++] = (struct pl_intent){.intent_id = (int64_t)i + 1, .outcome = outcome};
    }
    for (int g = 0; g < s->w->n_groups; g++) {
        if (s->w->groups[g].dir != a->dir || s->w->groups[g].purpose != a->purpose || rng_pct(r, 60))
            continue;
        bool present = rng_pct(r, 60);
        nf += (size_t)snprintf(facts_json + nf, sizeof facts_json - nf, "%s{\"role_group_id\": %d, \"present\": %s}",
                               nf ? ", " : "", g + 1, present ? "true" : "false");
        facts[t.n_memberships++] = (struct pl_membership_cmd){g + 1, present};
    }
    for (size_t i = 0; i < s->n_dirty && t.n_seqs < 256; i++)
        if (s->dirty[i].person == a->person && s->dirty[i].dir == a->dir)
            seqs[t.n_seqs++] = s->dirty[i].seq;
    if (rng_pct(r, 50)) {
        snprintf(native, sizeof native, "id-%d", at);
        snprintf(dn, sizeof dn, "uid=%s,%s", a->login, PEOPLE_BASE);
    }
    t.native_id = pl_str_c(native);
    t.dn = pl_str_c(dn);
    t.intents = done;
    t.memberships = facts;
    t.seqs = seqs;
    store_settle(s, &t, now);
    history_do(
        "SELECT paasla.settle(jsonb_build_object('person_id', %d, 'directory', '%s', 'purpose', '%s', 'account_id', "
        "%d, 'state', '%s', 'row', 0, 'sentence', '', 'native_id', '%s', 'dn', '%s', 'intents', '[%s]'::jsonb, "
        "'memberships', '[%s]'::jsonb, 'findings', '[]'::jsonb, 'resolved', '[]'::jsonb, 'changed_at_us', 0, "
        "'locked_at_us', 0, 'out_at_us', 0, 'retry_after_us', %lld::bigint, 'retry_reason', 'x', 'seqs', "
        "(SELECT coalesce(jsonb_agg(seq), '[]') FROM paasla.dirty WHERE directory = '%s' AND person_id = %d)))",
        a->person + 1, dir_names[a->dir], purpose_names[a->purpose], at + 1, pl_state_name(t.state), native, dn,
        intents_json, facts_json, (long long)t.retry_after_us, dir_names[a->dir], a->person + 1);
}

/* A plan of one or two closures. */
static void hold(struct store *s, struct rng *r, int64_t now)
{
    static unsigned long held;
    struct pl_plan_item items[2];
    char json[512] = "", digest[24] = "";
    struct pl_hold h = {.items = items};
    int first = any_account(s, r), dir = first < 0 ? 0 : s->accounts[first].dir;
    size_t n = 0;
    if (first < 0 || s->n_plans > 9)
        return;
    for (int i = 0; i < s->n_accounts && h.n_items < 2; i++) {
        int at = (first + i) % s->n_accounts;
        const struct account *a = &s->accounts[at];
        if (a->dir != dir || (h.n_items == 1 && rng_pct(r, 50)))
            continue;
        items[h.n_items++] = (struct pl_plan_item){.person_id = a->person + 1,
                                                   .account_id = at + 1,
                                                   .purpose = pl_str_c(purpose_names[a->purpose]),
                                                   .op = PL_OP_CLOSE};
        n += (size_t)snprintf(json + n, sizeof json - n,
                              "%s{\"person_id\": %d, \"account_id\": %d, \"purpose\": \"%s\", \"role_group_id\": 0, "
                              "\"op\": \"close\", \"row\": 330}",
                              n ? ", " : "", a->person + 1, at + 1, purpose_names[a->purpose]);
    }
    h.directory = pl_str_c(dir_names[dir]);
    if (!store_hold(s, &h, now))
        return;
    snprintf(digest, sizeof digest, "%08lx", ++held);
    history_do("SELECT paasla.hold('{\"directory\": \"%s\", \"digest\": \"%s\", \"why\": \"x\", \"locks\": 1, "
               "\"removals\": 0, \"items\": [%s], \"seqs\": []}')",
               dir_names[dir], digest, json);
}

static void nominate(struct store *s, struct rng *r, int64_t now)
{
    struct pl_nominee v = {rng_below(r, s->w->n_persons) + 1, rng_pct(r, 50) ? "compare" : "compare_removal"};
    struct pl_command c = {.kind = PL_CMD_NOMINATE};
    int d = rng_below(r, N_DIRS);
    if (!store_wanted(s, (int)v.person_id - 1, d, PERSONAL, now).row)
        return;
    c.nominate.persons = &v;
    c.nominate.n_persons = 1;
    store_nominate(s, d, &c);
    history_do(
        "SELECT paasla.nominate('%s', '{\"persons\": [{\"person_id\": %lld, \"cause\": \"%s\"}], \"findings\": []}')",
        dir_names[d], (long long)v.person_id, v.cause);
}

static void daemon_step(struct store *s, struct rng *r, int64_t now)
{
    int what = rng_below(r, 100);
    if (what < 35)
        reserve(s, r, now);
    else if (what < 50)
        intents(s, r, now);
    else if (what < 75)
        settle(s, r, now);
    else if (what < 82)
        hold(s, r, now);
    else if (what < 90)
        nominate(s, r, now);
    else if (what < 95) {
        store_recover(s);
        history_do("SELECT paasla.recover()");
    } else {
        store_tick(s, now);
        history_do("SELECT paasla.mark_due()");
    }
}

static void people_step(struct store *s, struct rng *r, int64_t now)
{
    struct deed x;
    enum deed_kind kind = rng_pct(r, 40) ? (rng_pct(r, 50) ? HIRE : GRANT) : (enum deed_kind)rng_below(r, N_DEEDS);
    if (!deed_draw(&x, kind, s, r, now))
        return;
    if (kind == HIRE && rng_pct(r, 40))
        x.from = now - rng_log(r, US_HOUR, 100 * US_HOUR);
    if (deed_do(&x, s))
        history_deed(s, &x);
}

static void town(struct world *w, struct rng *r)
{
    w->create_ahead[0][0] = w->create_ahead[0][1] = w->create_ahead[1][0] = US_HOUR;
    w->create_ahead[1][1] = -1;
    w->dir_mode[0] = PL_MODE_ENFORCE;
    w->dir_mode[1] = PL_MODE_OBSERVE;
    for (int i = 0; i < N_ROLES; i++) {
        w->roles[i].mode = (enum pl_mode)rng_below(r, PL_MODE_COUNT);
        w->roles[i].put_back = rng_pct(r, 50);
        for (int d = 0; d < N_DIRS && w->n_groups < MAX_GROUPS; d++) {
            struct role_group *g = &w->groups[w->n_groups++];
            *g = (struct role_group){.role = i, .dir = d, .purpose = i == N_ROLES - 1 ? ADMIN : PERSONAL};
            snprintf(g->dn, sizeof g->dn, "cn=roll%d,%s", i + 1, GROUP_BASE);
        }
    }
}

void history_print(uint64_t seed, int steps)
{
    struct world *w = pl_xcalloc(1, sizeof *w);
    struct store *s = pl_xcalloc(1, sizeof *s);
    struct rng r;
    int64_t now = SIM_FIRST_DAY;
    rng_seed(&r, seed);
    town(w, &r);
    store_init(s, w, now);
    history_setup(w);
    for (int i = 0; i < steps; i++) {
        now += 1000;
        if (w->n_persons == 0 || rng_pct(&r, 60)) {
            struct deed x = {.kind = HIRE, .at_us = now, .from = now - US_HOUR * 60, .to = NEVER};
            if (w->n_persons > 0)
                people_step(s, &r, now);
            else if (deed_do(&x, s))
                history_deed(s, &x);
        } else {
            daemon_step(s, &r, now);
        }
        if (i % 12 == 11)
            history_check(s, &r, now);
    }
    store_free(s);
    free(s);
    free(w);
}
