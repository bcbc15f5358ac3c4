#include "store_priv.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What the daemon notes about itself. A note waits until the database is there and is written in its turn, one at a time.
 * When nobody knows whether one arrived it is sent again: it is known there by its number. How the connections are is
 * only worth knowing as it is now, so a newer such note takes the place of one that still waits. */

static struct pld_note *last_of(struct pld_store *s, const char *query)
{
    for (size_t i = s->n_notes; i > (s->note_sent ? 1u : 0u); i--)
        if (s->notes[i - 1].query == query)
            return &s->notes[i - 1];
    return NULL;
}

static void drop_first(struct pld_store *s)
{
    free(s->notes[0].json);
    memmove(s->notes, s->notes + 1, --s->n_notes * sizeof *s->notes);
}

static void note_end(struct pld_pg_job *job, enum pld_pg_end how)
{
    struct pld_task *t = (struct pld_task *)job;
    struct pld_store *s = t->store;
    bool again = how == PLD_PG_LOST;

    if (how == PLD_PG_FAILED && pld_pg_state(job->sqlstate)->verdict == PLD_PG_RETRY)
        again = true;
    else if (how == PLD_PG_FAILED)
        pld_log(3, "store.note_lost", "%s was refused; this note is lost", job->query);
    pld_task_free(t);
    s->note_sent = false;
    if (again)
        return; /* with the next note, or when the database is back */
    drop_first(s);
    pld_notes_send(s);
}

void pld_notes_send(struct pld_store *s)
{
    if (!s->up || s->note_sent || s->n_notes == 0)
        return;
    struct pld_task *t = pld_task_new(s, s->notes[0].query);
    pld_task_param(t, pl_arena_str(t->arena, pl_str_c(s->notes[0].json)).s);
    t->job.end = note_end;
    s->note_sent = true;
    pld_pg_pipe_submit(s->main, &t->job);
}

/* Takes the value. */
static void note(struct pld_store *s, const char *query, json_t *j, bool replaces)
{
    char *json = json_dumps(j, JSON_COMPACT); /* never NULL: every text went through pld_json_text or is our own */
    struct pld_note *old = replaces || s->n_notes == PLD_NOTES ? last_of(s, query) : NULL;

    json_decref(j);
    if (old) {
        free(old->json);
        old->json = json;
    } else if (s->n_notes < PLD_NOTES) {
        s->notes[s->n_notes++] = (struct pld_note){query, json};
    } else {
        free(json); /* eight loads wait already; how the connections are is told again when the database is back */
    }
    pld_notes_send(s);
}

void pld_notes_free(struct pld_store *s)
{
    while (s->n_notes > 0)
        drop_first(s);
}

/* ---- the notes ---- */

static const char connections_query[] = "note_connections", config_query[] = "note_config";

static json_t *servers(const struct pld_connection *c)
{
    static const char *const how[] = {[PLD_SERVER_UNTRIED] = "untried",
                                      [PLD_SERVER_UP] = "up",
                                      [PLD_SERVER_AWAY] = "away",
                                      [PLD_SERVER_REFUSED] = "refused"};
    json_t *all = json_array();
    for (size_t i = 0; i < c->n_servers; i++) {
        const struct pld_server_state *s = &c->servers[i];
        json_array_append_new(all, json_pack("{s:o, s:I, s:b, s:s, s:b, s:I, s:o}", "server",
                                             pld_json_text(pl_str_c(s->uri)), "listed", (json_int_t)i + 1, "in_use",
                                             s->in_use, "state", how[s->how], "read_only", s->read_only, "since_us",
                                             (json_int_t)s->since_us, "why", pld_json_text(pl_str_c(s->why))));
    }
    return all;
}

void pld_store_note_connections(struct pld_store *s, const struct pld_connection *dirs, size_t n)
{
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct pld_dir_state *d = &dirs[i].dir;
        const char *state = d->up ? "up" : d->refused ? "refused" : "away";
        json_array_append_new(all, json_pack("{s:s, s:s, s:I, s:o, s:o}", "directory", d->name, "state", state,
                                             "since_us", (json_int_t)d->since_us, "why",
                                             pld_json_text(pl_str_c(d->why)), "servers", servers(&dirs[i])));
    }
    note(s, connections_query, all, true);
}

void pld_store_note_config(struct pld_store *s, const struct pld_config_note *n)
{
    unsigned char id[16];
    char hex[2 * sizeof id + 1];
    json_t *values = json_object(), *secrets = json_object(), *restart = json_array();

    evutil_secure_rng_get_bytes(id, sizeof id);
    for (size_t i = 0; i < sizeof id; i++)
        snprintf(hex + 2 * i, 3, "%02x", id[i]);
    for (size_t i = 0; i < n->n_settings; i++) {
        const struct pld_setting *v = &n->settings[i];
        json_object_set_new(values, v->name, pld_json_text(v->value));
        if (v->secret)
            json_object_set_new(secrets, v->name, json_string(v->secret));
    }
    for (size_t i = 0; i < n->n_needs_restart; i++)
        json_array_append_new(restart, json_string(n->needs_restart[i]));
    note(s, config_query,
         json_pack("{s:s, s:s, s:s, s:o, s:s, s:I, s:I, s:o, s:o, s:o}", "note_id", hex, "kind",
                   n->reload ? "reload" : "start", "version", PL_VERSION, "host", pld_json_text(pl_str_c(n->host)),
                   "file_sha256", n->file_sha256, "started_us", (json_int_t)n->started_us, "loaded_us",
                   (json_int_t)n->loaded_us, "values", values, "secrets", secrets, "needs_restart", restart),
         false);
}
