#include "wire.h"

#include <string.h>

/* The next word of a list separated by white space; empty at the end. */
static struct pl_str next_word(struct pl_str *rest)
{
    struct pl_str w;
    while (rest->len && strchr(" \t\r\n", rest->s[0])) {
        rest->s++;
        rest->len--;
    }
    w.s = rest->s;
    w.len = 0;
    while (w.len < rest->len && !strchr(" \t\r\n", w.s[w.len]))
        w.len++;
    rest->s += w.len;
    rest->len -= w.len;
    return w;
}

static size_t count_words(struct pl_str s)
{
    size_t n = 0;
    while (next_word(&s).len)
        n++;
    return n;
}

/* Whether a DN's first attribute is this one. */
static bool begins_with_attribute(struct pl_str dn, struct pl_str attr)
{
    struct pl_str type = {dn.s, 0};
    while (type.len < dn.len && dn.s[type.len] != '=' && dn.s[type.len] != ' ')
        type.len++;
    return pl_str_ieq(type, attr);
}

/* One row a value: the object classes first, then the attributes of the file. */
static void templates(const struct pl_conf_directory *c, struct pl_arena *a, struct pl_dir_conf *out)
{
    size_t classes = count_words(c->object_classes), n = 0;
    struct pl_template *t = pl_arena_array(a, classes + c->n_attributes + 1, sizeof *t);
    struct pl_str rest = c->object_classes, w;
    bool has_login = begins_with_attribute(c->rdn_template, c->login_attribute);

    while ((w = next_word(&rest)).len)
        t[n++] = (struct pl_template){PL_STR("objectClass"), w};
    for (size_t i = 0; i < c->n_attributes; i++) {
        t[n++] = (struct pl_template){c->attributes[i].name, c->attributes[i].text};
        has_login = has_login || pl_str_ieq(c->attributes[i].name, c->login_attribute);
    }
    if (!has_login)
        t[n++] = (struct pl_template){c->login_attribute, PL_STR("{login}")};
    out->templates = t;
    out->n_templates = n;
}

static void directory(const struct pl_conf_directory *c, struct pl_arena *a, struct pl_dir_conf *out)
{
    *out = (struct pl_dir_conf){
        .name = c->name,
        .dialect = c->dialect,
        .people_base = c->people_base,
        .group_base = c->group_base,
        .canary_dn = c->canary_dn,
        .placeholder_dn = c->placeholder_dn,
        .policy_dn = c->policy_dn,
        .login_attr = c->login_attribute,
        .number_attr = c->number_attribute,
        .login_style = c->login_style,
        .admin_prefix = c->admin_prefix,
        .rdn_template = c->rdn_template,
        .first_password_file = pl_str_eq_c(c->first_password, "file"),
        .lock_leavers_observed = c->lock_leavers_observed,
        .fence_attr = c->fence_attribute,
        .privileged_groups = c->privileged_groups,
        .must_change_password = c->must_change_password,
        .end_ahead = c->end_ahead,
        .keep_attributes = c->keep_attributes,
        .mail_alias = c->mail_alias_attribute,
        .clear_certificates = pl_str_eq_c(c->certificates, "clear"),
        .inflight = (int)c->inflight,
        .watch_poll_us = c->watch_poll_ms * 1000,
    };
    templates(c, a, out);
}

void pld_wire(const struct pl_conf *conf, struct pl_arena *a, struct pl_engine_conf *out)
{
    struct pl_dir_conf *dirs = pl_arena_array(a, conf->n_dirs, sizeof *dirs);

    for (size_t i = 0; i < conf->n_dirs; i++)
        directory(&conf->dirs[i], a, &dirs[i]);
    *out = (struct pl_engine_conf){
        .dirs = dirs,
        .n_dirs = conf->n_dirs,
        .brake = {.max_locks = conf->max_locks,
                  .max_lock_share = conf->max_lock_share,
                  .max_removals = conf->max_removals,
                  .max_removal_share = conf->max_removal_share,
                  .share_from = conf->share_from},
        .compare_every_us = conf->compare_every_s * 1000000,
        .poll_us = conf->poll_s * 1000000,
        .retry_min_us = conf->retry_min_ms * 1000,
        .retry_max_us = conf->retry_max_s * 1000000,
        .named_leavers = (int)conf->named_leavers,
        .named_per_hour = (int)conf->named_per_hour,
        .brake_window_us = conf->window_s * 1000000,
        .bulk_limit = (int)conf->bulk_limit,
    };
}
