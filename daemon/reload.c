#include "reload.h"

#include <stdlib.h>
#include <string.h>
#include "../lib/engine/inspect.h"
#include "wire.h"

static const struct pl_conf_value *find(const struct pld_config *c, struct pl_str name)
{
    for (size_t i = 0; i < c->n_values; i++)
        if (pl_str_eq(c->values[i].name, name))
            return &c->values[i];
    return NULL;
}

static bool differs(const struct pld_config *c, const struct pl_conf_value *v)
{
    const struct pl_conf_value *other = find(c, v->name);
    return !other || !pl_str_eq(other->text, v->text);
}

static const struct pl_conf_directory *directory(const struct pl_conf *conf, struct pl_str name)
{
    for (size_t i = 0; i < conf->n_dirs; i++)
        if (pl_str_eq(conf->dirs[i].name, name))
            return &conf->dirs[i];
    return NULL;
}

/* ---- what cannot change now ---- */

struct names {
    const char **v;
    size_t n;
};

/* Each option once: a directory that came or went is one thing to say. */
static void add_name(struct names *all, const struct pl_conf_value *v, bool whole, struct pl_arena *a)
{
    const char *name = whole ? pl_arena_printf(a, "directory %.*s", (int)v->directory.len, v->directory.s).s
                             : pl_arena_str(a, v->name).s;
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->v[i], name) == 0)
            return;
    all->v[all->n++] = name;
}

/* What of the one file is not so in the other. */
static void add_restarts(struct names *all, const struct pld_config *of, const struct pld_config *in,
                         struct pl_arena *a)
{
    for (size_t i = 0; i < of->n_values; i++) {
        const struct pl_conf_value *v = &of->values[i];
        bool gone = v->directory.len > 0 && !directory(in->conf, v->directory);
        if (gone || (v->option->when == PL_CONF_RESTART && differs(in, v)))
            add_name(all, v, gone, a);
    }
}

static struct names needs_restart(const struct pld_config *now, const struct pld_config *fresh, struct pl_arena *a)
{
    struct names all = {pl_arena_array(a, now->n_values + fresh->n_values, sizeof *all.v), 0};
    add_restarts(&all, fresh, now, a);
    add_restarts(&all, now, fresh, a);
    return all;
}

/* ---- what can ---- */

/* A log-on that works must not be given up for one that cannot work. */
static bool secrets_readable(const struct pld_config *fresh)
{
    for (size_t i = 0; i < fresh->n_values; i++) {
        const struct pl_conf_value *v = &fresh->values[i];
        struct pld_secret secret;
        struct pl_err err;
        if (!v->secret || v->text.len == 0 || strcmp(v->option->name, "password_file") != 0)
            continue;
        if (!pld_secret_read(v->text, &secret, &err)) {
            pld_event(3, "config.refused", PLD_FIELDS(PLD_STR("option", v->name)),
                      "the configuration stays as it was: %.*s: %s. %s", (int)v->name.len, v->name.s, err.text,
                      err.hint);
            return false;
        }
        pld_secret_free(&secret);
    }
    return true;
}

/* By options, or by what is in the files that they name. */
static bool connects_anew(const struct pld_config *now, const struct pld_config *fresh, struct pl_str name)
{
    for (size_t i = 0; i < fresh->n_values; i++) {
        const struct pl_conf_value *v = &fresh->values[i];
        if (!pl_str_eq(v->directory, name) || v->option->when != PL_CONF_RECONNECT)
            continue;
        const char *before = pld_config_print(now, v->name), *after = pld_config_print(fresh, v->name);
        if (differs(now, v) || (v->secret && strcmp(before, after) != 0))
            return true;
    }
    return false;
}

static size_t say_changes(const struct pld_config *now, const struct pld_config *fresh)
{
    size_t n = 0;
    for (size_t i = 0; i < fresh->n_values; i++) {
        const struct pl_conf_value *v = &fresh->values[i];
        if (!differs(now, v))
            continue;
        n++;
        pld_event(5, "config.option", PLD_FIELDS(PLD_STR("option", v->name)), "%.*s changed%s", (int)v->name.len,
                  v->name.s, v->option->when == PL_CONF_RECONNECT ? "; connecting anew" : "");
    }
    return n;
}

static void say_restarts(const struct names *all)
{
    struct pl_buf b = {0};
    for (size_t i = 0; i < all->n; i++)
        pl_buf_printf(&b, "%s%s", i ? ", " : "", all->v[i]);
    if (all->n > 0)
        pld_event(4, "config.needs_restart", PLD_FIELDS(PLD_NUMBER("options", (int64_t)all->n)), "needs a restart: %s",
                  b.s);
    pl_buf_free(&b);
}

static bool door_opens(struct pld_page *page, const struct pld_config *now, const struct pld_config *fresh)
{
    struct pl_err err;
    if (pl_str_eq(fresh->conf->metrics, now->conf->metrics) || pld_page_listen(page, fresh->conf->metrics, &err))
        return true;
    pld_log(3, "config.refused", "the configuration stays as it was: %s. %s", err.text, err.hint);
    return false;
}

/* From here on nothing can fail. `fresh` holds what is in force. */
static void take_over(const struct pld_reload *r, struct pld_config *fresh, const bool *anew)
{
    struct pl_arena *a = pl_arena_new();
    struct pl_engine_conf ec;
    struct pl_err err;

    pld_wire(fresh->conf, a, &ec);
    if (!pl_engine_reconfigure(r->engine, &ec, &err)) {
        pld_log(2, "daemon.defect", "the engine does not take what was made for it: %s", err.text);
        abort();
    }
    pl_arena_free(a);
    pld_log_level((int)fresh->conf->log_level);
    pld_store_reload(r->store, fresh->conf);
    for (size_t i = 0; i < fresh->conf->n_dirs; i++)
        pld_dir_reload(r->dirs[i], &fresh->conf->dirs[i], anew[i]);
}

bool pld_reload(const struct pld_reload *r)
{
    struct pld_config *now = *r->config;
    struct pl_err err;
    struct pld_config *fresh = pld_config_load(now->path, &err);

    if (!fresh) {
        pld_log(3, "config.refused", "the configuration stays as it was: %s%s%s", err.text, err.hint[0] ? ". " : "",
                err.hint);
        return false;
    }
    if (!secrets_readable(fresh) || !door_opens(r->page, now, fresh)) {
        pld_config_free(fresh);
        return false;
    }
    struct pl_arena *a = pl_arena_new();
    struct names restarts = needs_restart(now, fresh, a);
    pl_conf_keep(fresh->conf, now->conf);
    pld_config_look(fresh);
    bool *anew = pl_arena_array(a, fresh->conf->n_dirs + 1, sizeof *anew);
    for (size_t i = 0; i < fresh->conf->n_dirs; i++)
        anew[i] = connects_anew(now, fresh, fresh->conf->dirs[i].name);
    size_t n = say_changes(now, fresh);
    take_over(r, fresh, anew);
    *r->config = fresh;
    pld_event(5, "config.reloaded", PLD_FIELDS(PLD_NUMBER("changed", (int64_t)n), PLD_TEXT("sha256", fresh->sha256)),
              "%s is read again; changed options: %zu", fresh->path, n);
    say_restarts(&restarts);
    pld_config_note(fresh, r->store, true, r->started_us, restarts.v, restarts.n);
    pld_config_free(now);
    pl_arena_free(a);
    return true;
}
