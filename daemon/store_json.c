#include "store_priv.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* ---- small parts ---- */

/* jansson would leave out a piece it has no memory for; half of a plan must never be sent. */
static void *never_null(size_t n)
{
    return pl_xcalloc(1, n);
}

void pld_json_init(void)
{
    json_set_alloc_funcs(never_null, free);
}

/* A directory may hold bytes that are no text (RFC 4511 promises UTF-8, servers do not all keep it), and jsonb has no
 * NUL. One such value must not stop a leaver from being settled: what is no character becomes U+FFFD. */
json_t *pld_json_text(struct pl_str s)
{
    if (s.len == 0)
        return json_string("");
    if (pl_str_is_utf8(s))
        return json_stringn(s.s, s.len);
    struct pl_buf b = {0};
    for (size_t i = 0, n; i < s.len; i += n) {
        n = pl_str_utf8_at(s, i);
        if (n == 0 || s.s[i] == '\0') {
            pl_buf_add_c(&b, "\xef\xbf\xbd");
            n = 1;
        } else {
            pl_buf_add(&b, (struct pl_str){s.s + i, n});
        }
    }
    json_t *j = json_stringn(b.s ? b.s : "", b.len);
    pl_buf_free(&b);
    return j;
}

static void put_text(json_t *o, const char *key, struct pl_str s)
{
    json_object_set_new(o, key, pld_json_text(s));
}

static void put_c(json_t *o, const char *key, const char *s)
{
    put_text(o, key, pl_str_c(s));
}

static void put_int(json_t *o, const char *key, int64_t v)
{
    json_object_set_new(o, key, json_integer(v));
}

static void put_bool(json_t *o, const char *key, bool v)
{
    json_object_set_new(o, key, json_boolean(v));
}

static json_t *put_array(json_t *o, const char *key)
{
    json_t *a = json_array();
    json_object_set_new(o, key, a);
    return a;
}

static void put_seqs(json_t *o, const int64_t *v, size_t n)
{
    json_t *a = put_array(o, "seqs");
    for (size_t i = 0; i < n; i++)
        json_array_append_new(a, json_integer(v[i]));
}

/* Takes the value. */
static const char *finish(struct pl_arena *a, json_t *j)
{
    char *s = json_dumps(j, JSON_COMPACT);
    const char *kept = s ? pl_arena_str(a, pl_str_c(s)).s : NULL;
    free(s);
    json_decref(j);
    return kept;
}

/* ---- pieces ---- */

/* As of now: a full compare says when it began by the same clock. */
static json_t *finding(const struct pl_finding_cmd *f)
{
    json_t *o = json_object();
    put_int(o, "as_of_us", pld_wall_us());
    put_c(o, "kind", f->kind);
    put_c(o, "severity", f->severity);
    put_int(o, "person_id", f->person_id);
    put_int(o, "account_id", f->account_id);
    put_int(o, "role_group_id", f->role_group_id);
    put_text(o, "key", f->key);
    if (f->login.len)
        put_text(o, "login", f->login);
    put_text(o, "text", f->text);
    return o;
}

static void put_findings(json_t *o, const struct pl_finding_cmd *f, size_t n)
{
    json_t *a = put_array(o, "findings");
    for (size_t i = 0; i < n; i++)
        json_array_append_new(a, finding(&f[i]));
}

static void put_resolved(json_t *o, const struct pl_finding_cmd *f, size_t n)
{
    json_t *a = put_array(o, "resolved");
    for (size_t i = 0; i < n; i++) {
        json_t *r = json_object();
        put_c(r, "kind", f[i].kind);
        put_text(r, "key", f[i].key);
        json_array_append_new(a, r);
    }
}

static void put_outcomes(json_t *o, const struct pl_intent *in, size_t n)
{
    static const char *const words[] = {
        [PL_OUT_DONE] = "done", [PL_OUT_FAILED] = "failed", [PL_OUT_NOT_DONE] = "not_done"};
    json_t *a = put_array(o, "intents");
    for (size_t i = 0; i < n; i++) {
        json_t *x = json_object();
        put_int(x, "id", in[i].intent_id);
        put_c(x, "outcome", words[in[i].outcome]);
        put_int(x, "code", in[i].code);
        put_int(x, "at_us", in[i].at_us);
        json_array_append_new(a, x);
    }
}

static void put_memberships(json_t *o, const struct pl_membership_cmd *m, size_t n)
{
    json_t *a = put_array(o, "memberships");
    for (size_t i = 0; i < n; i++) {
        json_t *x = json_object();
        put_int(x, "role_group_id", m[i].role_group_id);
        put_bool(x, "present", m[i].present);
        json_array_append_new(a, x);
    }
}

/* ---- whole parameters ---- */

const char *pld_json_intents(struct pl_arena *a, const struct pl_command *cmd)
{
    json_t *all = json_array();
    const struct pl_intent *items = cmd->intents.items;
    for (size_t i = 0; i < cmd->intents.n; i++) {
        json_t *o = json_object();
        put_int(o, "account_id", items[i].account_id);
        put_int(o, "person_id", cmd->intents.person_id);
        put_text(o, "directory", cmd->directory);
        put_text(o, "purpose", cmd->intents.purpose);
        put_int(o, "role_group_id", items[i].role_group_id);
        put_c(o, "op", pl_op_name(items[i].op));
        put_int(o, "row", items[i].row);
        put_bool(o, "put_back", items[i].put_back);
        put_bool(o, "counted", items[i].counted);
        if (items[i].op == PL_OP_KEEP)
            put_int(o, "ends_us", items[i].ends_us == PL_END_NEVER ? 0 : items[i].ends_us);
        json_array_append_new(all, o);
    }
    return finish(a, all);
}

const char *pld_json_settle(struct pl_arena *a, const struct pl_settle *s)
{
    json_t *o = json_object();
    put_int(o, "person_id", s->person_id);
    put_text(o, "directory", s->directory);
    put_text(o, "purpose", s->purpose);
    put_int(o, "account_id", s->account_id);
    put_c(o, "state", pl_state_name(s->state));
    put_int(o, "row", s->row);
    put_text(o, "sentence", s->sentence);
    put_text(o, "native_id", s->native_id);
    put_text(o, "dn", s->dn);
    put_outcomes(o, s->intents, s->n_intents);
    put_memberships(o, s->memberships, s->n_memberships);
    put_findings(o, s->findings, s->n_findings);
    put_resolved(o, s->resolved, s->n_resolved);
    put_bool(o, "lock_seen", s->lock_seen);
    put_int(o, "changed_at_us", s->changed_at_us);
    put_int(o, "locked_at_us", s->locked_at_us);
    put_int(o, "out_at_us", s->out_at_us);
    put_seqs(o, s->seqs, s->n_seqs);
    put_int(o, "retry_after_us", s->retry_after_us);
    put_text(o, "retry_reason", s->retry_reason);
    return finish(a, o);
}

const char *pld_json_hold(struct pl_arena *a, const struct pl_hold *h)
{
    json_t *o = json_object();
    put_text(o, "directory", h->directory);
    put_bool(o, "preview", h->preview);
    put_int(o, "control_id", h->control_id);
    put_text(o, "digest", h->digest.len ? h->digest : pld_plan_digest(a, h->items, h->n_items));
    put_text(o, "why", h->why);
    put_int(o, "locks", h->locks);
    put_int(o, "removals", h->removals);
    json_t *items = put_array(o, "items");
    for (size_t i = 0; i < h->n_items; i++) {
        json_t *x = json_object();
        put_int(x, "person_id", h->items[i].person_id);
        put_int(x, "account_id", h->items[i].account_id);
        put_text(x, "purpose", h->items[i].purpose);
        put_int(x, "role_group_id", h->items[i].role_group_id);
        put_c(x, "op", pl_op_name(h->items[i].op));
        put_int(x, "row", h->items[i].row);
        json_array_append_new(items, x);
    }
    put_seqs(o, h->seqs, h->n_seqs);
    return finish(a, o);
}

static void put_nominees(json_t *o, const struct pl_nominee *persons, size_t n)
{
    json_t *a = put_array(o, "persons");
    for (size_t i = 0; i < n; i++) {
        json_t *x = json_object();
        put_int(x, "person_id", persons[i].person_id);
        put_c(x, "cause", persons[i].cause);
        json_array_append_new(a, x);
    }
}

const char *pld_json_watched(struct pl_arena *a, const struct pl_command *cmd)
{
    json_t *o = json_object();
    json_t *entries = put_array(o, "entries");
    for (size_t i = 0; i < cmd->watched.n_entries; i++) {
        const struct pl_changed *c = &cmd->watched.entries[i];
        json_t *x = c->finding.kind ? finding(&c->finding) : json_object();
        put_text(x, "id", c->id);
        put_text(x, "login", c->login);
        json_array_append_new(entries, x);
    }
    put_nominees(o, cmd->watched.persons, cmd->watched.n_persons);
    put_findings(o, cmd->watched.findings, cmd->watched.n_findings);
    put_text(o, "cookie", cmd->watched.cookie);
    put_text(o, "identity", cmd->watched.identity);
    put_bool(o, "forget", cmd->watched.forget);
    return finish(a, o);
}

const char *pld_json_acked(struct pl_arena *a, const struct pl_command *cmd)
{
    json_t *all = json_array();
    for (size_t i = 0; i < cmd->acked.n; i++) {
        const struct pl_ack *k = &cmd->acked.items[i];
        json_t *x = json_object();
        put_int(x, "account_id", k->account_id);
        put_int(x, "intent_id", k->intent_id);
        put_text(x, "server", k->server);
        put_int(x, "code", k->code);
        put_bool(x, "seen", k->seen);
        put_bool(x, "after", k->after);
        put_bool(x, "whole", k->whole);
        put_int(x, "at_us", k->at_us);
        json_array_append_new(all, x);
    }
    return finish(a, all);
}

const char *pld_json_nominate(struct pl_arena *a, const struct pl_command *cmd)
{
    json_t *o = json_object();
    put_nominees(o, cmd->nominate.persons, cmd->nominate.n_persons);
    put_findings(o, cmd->nominate.findings, cmd->nominate.n_findings);
    return finish(a, o);
}

const char *pld_json_compare(struct pl_arena *a, const struct pl_command *cmd)
{
    json_t *o = json_object();
    put_int(o, "control_id", cmd->compare.control_id);
    put_int(o, "began_us", cmd->compare.began_us);
    put_bool(o, "complete", cmd->compare.complete);
    put_int(o, "entries", cmd->compare.entries);
    put_int(o, "accounts", cmd->compare.accounts);
    put_int(o, "groups", cmd->compare.groups);
    put_int(o, "nominated", cmd->compare.nominated);
    put_int(o, "orphans", cmd->compare.orphans);
    put_text(o, "identity", cmd->compare.identity);
    put_text(o, "why", cmd->compare.why);
    return finish(a, o);
}

/* ---- the digest ---- */

static int by_bytes(const void *x, const void *y)
{
    return pl_str_cmp(*(const struct pl_str *)x, *(const struct pl_str *)y);
}

struct pl_str pld_plan_digest(struct pl_arena *a, const struct pl_plan_item *items, size_t n)
{
    struct pl_str *lines = pl_arena_array(a, n, sizeof *lines);
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct pl_buf all = {0}, hex = {0};

    for (size_t i = 0; i < n; i++)
        lines[i] = pl_arena_printf(a, "%s %lld %lld %.*s %lld\n", pl_op_name(items[i].op),
                                   (long long)items[i].person_id, (long long)items[i].account_id,
                                   (int)items[i].purpose.len, items[i].purpose.s, (long long)items[i].role_group_id);
    qsort(lines, n, sizeof *lines, by_bytes);
    for (size_t i = 0; i < n; i++)
        pl_buf_add(&all, lines[i]);
    if (EVP_Digest(all.s ? all.s : "", all.len, sum, &len, EVP_sha256(), NULL) != 1)
        len = 0; /* an empty digest is refused by hold.sql */
    for (unsigned i = 0; i < len; i++)
        pl_buf_printf(&hex, "%02x", sum[i]);
    struct pl_str out = pl_arena_str(a, pl_buf_str(&hex));
    pl_buf_free(&all);
    pl_buf_free(&hex);
    return out;
}
