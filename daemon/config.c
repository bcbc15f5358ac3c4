#include "config.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "pg_params.h"
#include "wire.h"

/* Guessing a service account's password from its print is slow; a few milliseconds at each load are nothing. */
enum { PRINT_ROUNDS = 20000 };

static void to_hex(char hex[65], const unsigned char sum[32])
{
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
}

/* ---- secrets ---- */

/* The database keys it once more with a salt of its own before it keeps it, so that a copy of the database alone does not
 * even allow to compare two installations. */
static bool print_of(const struct pl_conf_value *v, char hex[65])
{
    struct pld_secret secret;
    unsigned char sum[32];
    struct pl_err err;

    hex[0] = '\0';
    if (v->text.len == 0 || !pld_secret_read(v->text, &secret, &err))
        return false;
    bool ok = PKCS5_PBKDF2_HMAC(secret.s, (int)secret.len, (const unsigned char *)v->name.s, (int)v->name.len,
                                PRINT_ROUNDS, EVP_sha256(), sizeof sum, sum) == 1;
    pld_secret_free(&secret);
    if (ok)
        to_hex(hex, sum);
    explicit_bzero(sum, sizeof sum);
    return ok;
}

void pld_config_look(struct pld_config *c)
{
    pl_arena_free(c->arena);
    c->arena = pl_arena_new();
    c->n_values = pl_conf_values(c->conf, c->arena, &c->values);
    c->prints = pl_arena_array(c->arena, c->n_values, sizeof *c->prints);
    c->n_prints = 0;
    for (size_t i = 0; i < c->n_values; i++) {
        const struct pl_conf_value *v = &c->values[i];
        if (!v->secret || v->text.len == 0)
            continue;
        struct pld_print *p = &c->prints[c->n_prints++];
        p->name = v->name;
        (void)print_of(v, p->hex);
    }
}

const char *pld_config_print(const struct pld_config *c, struct pl_str name)
{
    for (size_t i = 0; i < c->n_prints; i++)
        if (pl_str_eq(c->prints[i].name, name))
            return c->prints[i].hex;
    return "";
}

/* ---- loading ---- */

struct pl_engine *pld_config_engine(const struct pl_conf *conf, struct pl_err *err)
{
    struct pl_arena *a = pl_arena_new();
    struct pl_engine_conf ec;
    pld_wire(conf, a, &ec);
    struct pl_engine *e = pl_engine_new(&ec, err);
    pl_arena_free(a);
    return e;
}

/* What only the parts can say of it. */
static bool check(const struct pl_conf *conf, struct pl_err *err)
{
    if (!pld_pg_params_check(conf, err))
        return false;
    struct pl_engine *trial = pld_config_engine(conf, err);
    pl_engine_free(trial);
    return trial != NULL;
}

struct pld_config *pld_config_load(const char *path, struct pl_err *err)
{
    struct pld_config *c = pl_xcalloc(1, sizeof *c);
    struct pl_buf text = {0};
    unsigned char sum[32];
    unsigned len = sizeof sum;

    c->path = path;
    c->loaded_us = pld_wall_us();
    if (!pl_conf_text(path, &text, err) || !(c->conf = pl_conf_parse(path, pl_buf_str(&text), err)) ||
        !check(c->conf, err)) {
        pld_config_free(c);
        c = NULL;
        goto out;
    }
    if (EVP_Digest(text.s ? text.s : "", text.len, sum, &len, EVP_sha256(), NULL) == 1)
        to_hex(c->sha256, sum);
    pld_config_look(c);
out:
    pl_buf_free(&text);
    return c;
}

void pld_config_free(struct pld_config *c)
{
    if (!c)
        return;
    pl_conf_free(c->conf);
    pl_arena_free(c->arena);
    free(c);
}

/* ---- the event ---- */

void pld_config_note(const struct pld_config *c, struct pld_store *store, bool reload, int64_t started_us,
                     const char *const *needs_restart, size_t n_needs_restart)
{
    struct pld_setting *s = pl_xcalloc(c->n_values + 1, sizeof *s);
    char host[256] = "";

    (void)gethostname(host, sizeof host - 1);
    for (size_t i = 0; i < c->n_values; i++) {
        const char *print = pld_config_print(c, c->values[i].name);
        s[i] = (struct pld_setting){c->values[i].name.s, c->values[i].text, *print ? print : NULL};
    }
    pld_store_note_config(store, &(struct pld_config_note){.reload = reload,
                                                           .host = host,
                                                           .file_sha256 = c->sha256,
                                                           .started_us = started_us,
                                                           .loaded_us = c->loaded_us,
                                                           .settings = s,
                                                           .n_settings = c->n_values,
                                                           .needs_restart = needs_restart,
                                                           .n_needs_restart = n_needs_restart});
    free(s);
}
