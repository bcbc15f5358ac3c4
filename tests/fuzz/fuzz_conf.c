/* paasla.conf: what is accepted keeps to the rows; what is refused says where. */
#include "fuzz.h"
#include "lib/conf/conf.h"

static void check_fields(const char *section, const void *target)
{
    for (size_t i = 0; i < pl_conf_n_options; i++) {
        const struct pl_conf_option *o = &pl_conf_options[i];
        const char *field = (const char *)target + o->offset;
        struct pl_str text;
        int64_t n;

        if (strcmp(o->section, section) != 0 || strcmp(o->name, "attribute.NAME") == 0 || o->type == PL_CONF_BOOL)
            continue;
        if (o->type == PL_CONF_INT || o->type == PL_CONF_SECONDS) {
            memcpy(&n, field, sizeof n);
            RULE(n >= o->min && n <= o->max);
            continue;
        }
        memcpy(&text, field, sizeof text);
        RULE(text.s != NULL && text.s[text.len] == '\0');
        RULE(pl_str_is_utf8(text));
        RULE(text.len > 0 || (o->fallback != NULL && o->fallback[0] == '\0'));
        RULE(o->type != PL_CONF_PATH || text.len == 0 || text.s[0] == '/');
        RULE(o->type != PL_CONF_WORD || strstr(o->words, text.s) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_err err = {0};
    struct pl_conf *c = pl_conf_parse("x.conf", fuzz_str(data, size), &err), *other;
    struct pl_str beside = fuzz_beside(data, size, '\n');
    struct pl_err err2 = {0};

    other = pl_conf_parse("x.conf", beside, &err2);
    RULE((c == NULL) == (other == NULL));
    RULE(strcmp(err.text, err2.text) == 0);
    RULE(c == NULL || c->n_dirs == other->n_dirs);
    pl_conf_free(other);
    fuzz_free(beside);
    if (c == NULL) {
        RULE(err.class == PL_ERR_CONF);
        RULE(strncmp(err.text, "x.conf:", 7) == 0);
        RULE(pl_str_is_utf8(pl_str_c(err.text)) && pl_str_is_utf8(pl_str_c(err.hint)));
        return 0;
    }
    RULE(c->n_dirs > 0);
    check_fields("database", c);
    check_fields("daemon", c);
    check_fields("brake", c);
    for (size_t i = 0; i < c->n_dirs; i++) {
        check_fields("directory", &c->dirs[i]);
        RULE(c->dirs[i].name.len > 0);
        for (size_t k = 0; k < c->dirs[i].n_attributes; k++)
            RULE(c->dirs[i].attributes[k].name.len > 0 && c->dirs[i].attributes[k].text.len > 0);
    }
    pl_conf_free(c);
    return 0;
}
