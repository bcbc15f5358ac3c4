/* Reset Password is a right of its own kind, and no computed attribute of Active Directory tells of it. But the access rules
 * of an account may be read by whoever has the snippet's rights, and so may the groups of our own: what the server would
 * decide is decided here in the same way (MS-DTYP 2.4.6, 2.5.3.2; MS-ADTS 5.1.3.3.4). */
#include "preflight_table.h"

#include <string.h>

#define OID_SD_FLAGS "1.2.840.113556.1.4.801"

enum {
    DACL_PRESENT = 4,
    INHERIT_ONLY = 8,
    ALLOWED = 0,
    DENIED = 1,
    ALLOWED_OBJECT = 5,
    DENIED_OBJECT = 6,
    HAS_TYPE = 1,
    HAS_HEIR = 2,
    GUID = 16,
};
#define CONTROL_ACCESS UINT32_C(0x100)
#define GENERIC_ALL    UINT32_C(0x10000000)

/* 00299570-246d-11d0-a768-00aa006e0529 as it is stored. */
static const unsigned char reset_password[GUID] = {0x70, 0x95, 0x29, 0x00, 0x6d, 0x24, 0xd0, 0x11,
                                                   0xa7, 0x68, 0x00, 0xaa, 0x00, 0x6e, 0x05, 0x29};
/* Everyone; Authenticated Users; Network. */
static const char *const everybody[] = {"\x01\x01\0\0\0\0\0\x01\0\0\0\0", "\x01\x01\0\0\0\0\0\x05\x0b\0\0\0",
                                        "\x01\x01\0\0\0\0\0\x05\x02\0\0\0"};
enum { SHORT_SID = 12 };

struct token {
    struct pf *p;
    struct pl_entry self; /* objectSid, tokenGroups */
};

static uint32_t number(struct pl_str s, size_t at, size_t octets)
{
    uint32_t out = 0;
    for (size_t i = 0; i < octets; i++)
        out |= (uint32_t)(unsigned char)s.s[at + i] << (8 * i);
    return out;
}

static bool is_me(const struct token *t, struct pl_str sid)
{
    static const char *const attrs[] = {"objectSid", "tokenGroups"};
    for (size_t i = 0; i < 2; i++) {
        const struct pl_attr *a = pl_entry_attr(&t->self, attrs[i]);
        for (size_t k = 0; a && k < a->n; k++)
            if (pl_str_eq(a->values[k], sid))
                return true;
    }
    for (size_t i = 0; i < sizeof everybody / sizeof everybody[0]; i++)
        if (pl_str_eq((struct pl_str){everybody[i], SHORT_SID}, sid))
            return true;
    return false;
}

/* Whether the rule speaks of this right of ours; then *allows says how. */
static bool decides(const struct token *t, struct pl_str ace, bool *allows)
{
    unsigned type = (unsigned char)ace.s[0];
    size_t at = 8;
    if (ace.len < at || ((unsigned char)ace.s[1] & INHERIT_ONLY) ||
        !(number(ace, 4, 4) & (CONTROL_ACCESS | GENERIC_ALL)))
        return false;
    if (type == ALLOWED_OBJECT || type == DENIED_OBJECT) {
        uint32_t has = ace.len >= at + 4 ? number(ace, at, 4) : 0;
        at += 4;
        if (has & HAS_TYPE) {
            if (ace.len < at + GUID || memcmp(ace.s + at, reset_password, GUID) != 0)
                return false;
            at += GUID;
        }
        at += has & HAS_HEIR ? GUID : 0;
    } else if (type != ALLOWED && type != DENIED) {
        return false;
    }
    *allows = type == ALLOWED || type == ALLOWED_OBJECT;
    if (ace.len < at + 8 || ace.len < at + 8 + 4 * (size_t)(unsigned char)ace.s[at + 1])
        return false;
    return is_me(t, (struct pl_str){ace.s + at, 8 + 4 * (size_t)(unsigned char)ace.s[at + 1]});
}

/* The first rule that speaks of it; without one it is refused. False: this is no list of rules. */
static bool judge(const struct token *t, struct pl_str sd, bool *may)
{
    *may = false;
    if (sd.len < 20)
        return false;
    size_t at = number(sd, 16, 4);
    if (at == 0 || !(number(sd, 2, 2) & DACL_PRESENT)) /* no list: everything is allowed */
        return *may = true;
    if (at > sd.len || sd.len - at < 8)
        return false;
    uint32_t left = number(sd, at + 4, 2);
    for (at += 8; left > 0; left--) {
        size_t size = sd.len - at >= 4 ? number(sd, at + 2, 2) : 0;
        if (size < 8 || size > sd.len - at)
            return false;
        if (decides(t, (struct pl_str){sd.s + at, size}, may))
            return true;
        *may = false;
        at += size;
    }
    return true;
}

static void take_rules(void *ctx, const struct pl_entry *e)
{
    struct token *t = ctx;
    char room[PL_NATIVE_ROOM];
    struct pf_entry *const *at;
    bool may;
    if (!judge(t, pl_entry_first(e, "nTSecurityDescriptor"), &may) ||
        pf_lookup(&t->p->by_id, pf_lower(t->p, pl_dialect_native_id(t->p->dialect, e, room)), &at) == 0)
        return;
    (*at)->may |= PF_MAY_TOLD | (may ? PF_MAY_PASSWORD : 0u);
}

void pf_ad_passwords(struct pf *p)
{
    static const char *const self[] = {"objectSid", "tokenGroups", NULL};
    const char *attrs[] = {p->dialect->native_id_attr, "nTSecurityDescriptor", NULL};
    struct token t = {.p = p};
    struct pl_err err;
    struct pld_once_answer a;
    if (pf_read_entry(p, p->service, self, &t.self, &err) != 0 || !pl_entry_attr(&t.self, "objectSid") ||
        !pl_entry_attr(&t.self, "tokenGroups"))
        return; /* nobody knows who we are */
    struct pld_once_ask ask = {.base = p->conf->people_base,
                               .scope = PL_SCOPE_SUB,
                               .attrs = attrs,
                               .paged = true,
                               .control = OID_SD_FLAGS,
                               .control_value = {"\x30\x03\x02\x01\x04", 5}, /* the rules, of all that is in it */
                               .control_critical = true,
                               .entry = take_rules,
                               .ctx = &t};
    pld_once_search(p->main->once, &ask, &a);
}
