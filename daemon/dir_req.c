/* One request: copies of what a command wants, in an arena of its own, in the form libldap takes. */
#include "dir_priv.h"

#include <stdlib.h>
#include <string.h>
#include "../lib/directory/sync.h"

static char **copy_attrs(struct pl_arena *a, const char *const *attrs)
{
    size_t n = 0;
    while (attrs && attrs[n])
        n++;
    if (n == 0)
        return NULL;
    char **out = pl_arena_array(a, n + 1, sizeof *out);
    for (size_t i = 0; i < n; i++)
        out[i] = (char *)(uintptr_t)pl_arena_str(a, pl_str_c(attrs[i])).s;
    return out;
}

static int fill_search(struct dir_req *r, const struct pl_command *cmd)
{
    static const int scopes[] = {
        [PL_SCOPE_BASE] = LDAP_SCOPE_BASE, [PL_SCOPE_ONE] = LDAP_SCOPE_ONELEVEL, [PL_SCOPE_SUB] = LDAP_SCOPE_SUBTREE};
    r->dn = dir_cstr(r->arena, cmd->search.base);
    r->filter = dir_cstr(r->arena, cmd->search.filter.len ? cmd->search.filter : PL_STR("(objectClass=*)"));
    r->scope = scopes[cmd->search.scope];
    r->attrs = copy_attrs(r->arena, cmd->search.attrs);
    r->paged = cmd->search.paged;
    r->usability = cmd->search.usability;
    if (!r->dn)
        return LDAP_INVALID_DN_SYNTAX;
    return r->filter ? LDAP_SUCCESS : LDAP_OTHER;
}

static void ask_version(struct dir_req *r, const char *const *attrs)
{
    struct pl_buf b = {0};
    pl_post_read_request(&b, attrs);
    r->version_attrs = attrs; /* a dialect's own list: it lives as long as the program */
    r->post_read = pl_arena_str(r->arena, pl_buf_str(&b));
    pl_buf_free(&b);
}

static int fill_modify(struct dir_req *r, const struct pl_command *cmd)
{
    r->dn = dir_cstr(r->arena, cmd->modify.dn);
    r->mods = dir_mods_make(r->arena, cmd->modify.mods, cmd->modify.n, 1);
    r->n_mods = cmd->modify.n;
    if (cmd->modify.tell_version)
        ask_version(r, cmd->modify.tell_version);
    if (cmd->modify.assertion.len && !(r->assertion = dir_cstr(r->arena, cmd->modify.assertion)))
        return LDAP_OTHER;
    r->secret = cmd->modify.secret;
    r->password_attr = cmd->modify.password_attr;
    r->password_form = cmd->modify.password_form;
    if (r->secret == PL_SECRET_FIRST && !(r->login = dir_cstr(r->arena, cmd->modify.login)))
        return LDAP_OTHER;
    if (!r->dn)
        return LDAP_INVALID_DN_SYNTAX;
    return r->mods ? LDAP_SUCCESS : LDAP_OTHER;
}

/* Only the shape of a search: base, what to tell, the control. */
static int fill_watch(struct dir_req *r, const struct pl_command *cmd)
{
    r->dn = dir_cstr(r->arena, cmd->watch.base);
    r->attrs = copy_attrs(r->arena, cmd->watch.attrs);
    r->watch = cmd->watch.kind;
    r->control = pl_arena_str(r->arena, cmd->watch.control);
    r->stays = r->watch != PL_WATCH_DIRSYNC;
    return r->dn ? LDAP_SUCCESS : LDAP_INVALID_DN_SYNTAX;
}

static int fill_add(struct dir_req *r, const struct pl_command *cmd)
{
    r->dn = dir_cstr(r->arena, cmd->add.dn);
    r->mods = dir_attrs_make(r->arena, cmd->add.attrs, cmd->add.n);
    if (cmd->add.tell_version)
        ask_version(r, cmd->add.tell_version);
    if (!r->dn)
        return LDAP_INVALID_DN_SYNTAX;
    return r->mods ? LDAP_SUCCESS : LDAP_OTHER;
}

struct dir_req *dir_req_new(const struct pl_command *cmd, int *code)
{
    struct dir_req *r = pl_xcalloc(1, sizeof *r);
    r->arena = pl_arena_new();
    r->id = cmd->req;
    r->kind = cmd->kind;
    *code = cmd->kind == PL_CMD_SEARCH  ? fill_search(r, cmd)
            : cmd->kind == PL_CMD_WATCH ? fill_watch(r, cmd)
            : cmd->kind == PL_CMD_ADD   ? fill_add(r, cmd)
                                        : fill_modify(r, cmd);
    return r;
}

void dir_req_free(struct dir_req *r)
{
    for (size_t i = r->first_held; i < r->n_held; i++)
        ldap_msgfree(r->held[i]);
    free(r->held);
    if (r->cookie)
        ber_bvfree(r->cookie);
    dir_range_free(r->range);
    dir_password_wipe(&r->password);
    free(r->password_file);
    pl_arena_free(r->arena);
    free(r);
}
