/* Active Directory: Windows by [MS-ADTS] and [MS-SAMR], Samba AD DC 4.17 as it was tried. The lock is ACCOUNTDISABLE in
 * userAccountControl, an integer that others write too: it is taken away and added by the value that was read, so that a
 * change of somebody else's is not overwritten (16), and no other bit is ever touched. The value may come back, though
 * (disabled, enabled, disabled): then a write of ours that was lost on the way would succeed late. For that the fence
 * attribute is swapped in the same Modify. No permissive modify: it would make both comparisons pass. */
#include "dialect.h"

#include <string.h>
#include "ad_repl.h"

#define UAC         "userAccountControl"
#define EXPIRES     "accountExpires"
#define LAST_SET    "pwdLastSet"
#define PASSWORD    "unicodePwd"
#define CERTIFICATE "altSecurityIdentities"
#define FENCE_ATTR  "adminDescription"
#define ORIGINS     "replPropertyMetaData"

/* MS-ADTS 2.2.16 */
#define DISABLED      INT64_C(0x2)
#define NEVER_EXPIRES INT64_C(0x10000)
#define SMARTCARD     INT64_C(0x40000)
#define NEW_ACCOUNT   "514" /* NORMAL_ACCOUNT, disabled; without PASSWD_NOTREQD, which would allow an empty password */

/* The form of our fence values: these words and a number. */
#define FENCE "paasla-fence:"

static const char *const person_attrs[] = {
    "objectGUID", "sAMAccountName", "employeeNumber", "cn",        "name",      "sn", "objectClass", UAC,
    EXPIRES,      LAST_SET,         "primaryGroupID", "objectSid", CERTIFICATE, NULL,
};
static const char *const member_attrs[] = {"member", NULL};
static const char *const group_attrs[] = {"objectClass", "groupType", "isCriticalSystemObject",
                                          "adminCount",  "objectSid", NULL};

static const int no_right[] = {50, 0};              /* insufficientAccessRights */
static const int no_right_or_taken[] = {50, 20, 0}; /* attributeOrValueExists: there is a value that we may not see */

/* ---- what is seen ---- */

/* A signed 32-bit integer (MS-ADTS 3.1.1.2.2.2.9). */
static bool read_uac(const struct pl_entry *e, int64_t *uac)
{
    return pl_str_to_i64(pl_entry_first(e, UAC), uac) && *uac >= INT32_MIN && *uac <= INT32_MAX;
}

static enum pl_lock lock_seen(const struct pl_entry *e, const struct pl_dir_facts *f, int64_t now_us)
{
    struct pl_str expires = pl_entry_first(e, EXPIRES);
    int64_t uac, ticks;

    (void)f;
    if (!read_uac(e, &uac)) {
        return PL_LOCK_DOUBTFUL; /* we may not see it */
    }
    if ((uac & DISABLED) != 0) {
        return PL_LOCK_PROVEN;
    }
    if (expires.len == 0) {
        return PL_LOCK_OPEN;
    }
    if (!pl_filetime_parse(expires, &ticks)) {
        return PL_LOCK_DOUBTFUL;
    }
    return !pl_filetime_never(ticks) && pl_filetime_us(ticks) <= now_us ? PL_LOCK_PROVEN : PL_LOCK_OPEN;
}

/* Every account has a value, if only "never": where there is none we may not see it. */
static bool end_seen(const struct pl_entry *e, int64_t *us)
{
    int64_t ticks;

    if (!pl_filetime_parse(pl_entry_first(e, EXPIRES), &ticks)) {
        return false;
    }
    *us = pl_filetime_never(ticks) ? INT64_MAX : pl_filetime_us(ticks);
    return true;
}

/* ---- the fence ---- */

/* The number of a value in our form; false when it is somebody else's. */
static bool fence_number(struct pl_str v, int64_t *n)
{
    size_t skip = strlen(FENCE);

    if (v.len <= skip || memcmp(v.s, FENCE, skip) != 0 || v.s[skip] == '-') {
        return false;
    }
    return pl_str_to_i64((struct pl_str){v.s + skip, v.len - skip}, n) && *n < INT64_MAX;
}

/* Takes the value away that was read and adds another one; adds the first one where there is none. Returns how many
 * modifications: none when what stands there is not ours. */
static size_t swap_fence(const struct pl_change_in *in, struct pl_mod *mods)
{
    const struct pl_attr *seen = in->fence_attr == NULL ? NULL : pl_entry_attr(in->entry, in->fence_attr);
    int64_t last = 0, next = in->now_us;
    size_t n = 0;

    if (in->fence_attr == NULL) {
        return 0;
    }
    if (seen != NULL && seen->n > 0) {
        if (seen->n != 1 || !fence_number(seen->values[0], &last)) {
            return 0;
        }
        mods[n++] = (struct pl_mod){PL_MOD_DELETE, pl_str_c(in->fence_attr), pl_copy_values(in->arena, seen), 1};
    }
    if (next <= last) {
        next = last + 1; /* the clock was set back: still a new value */
    }
    mods[n++] = (struct pl_mod){PL_MOD_ADD, pl_str_c(in->fence_attr),
                                pl_one_value(in->arena, pl_arena_printf(in->arena, FENCE "%lld", (long long)next)), 1};
    return n;
}

/* ---- where and when it was written ---- */

/* Two servers' clocks differ by no more where Kerberos works. */
#define CLOCKS_US (INT64_C(300) * 1000000)

static bool is_later(const struct pl_repl_stamp *a, const struct pl_repl_stamp *b)
{
    bool one_server = memcmp(a->server, b->server, sizeof(a->server)) == 0;

    return one_server ? a->usn > b->usn : a->at_us > b->at_us + CLOCKS_US;
}

/* Each write of ours swaps the fence: what was written after it is not ours. Of what was written before or with it nobody
 * knows, and neither where somebody else's words stand in the fence's place, or where we may not read it. */
static bool not_ours(const struct pl_entry *e, const char *fence_attr, struct pl_str stamps, uint32_t attid,
                     struct pl_repl_stamp *out)
{
    struct pl_str value = pl_entry_first(e, fence_attr);
    struct pl_repl_stamp fence, made;
    int64_t number;

    if (!pl_repl_stamp_find(stamps, attid, out)) {
        return false;
    }
    if (pl_repl_stamp_find(stamps, PL_ATTID_OBJECT_CLASS, &made) && pl_repl_stamp_same_write(out, &made)) {
        return false; /* as it was made, and that may have been us */
    }
    if (!pl_repl_stamp_find(stamps, PL_ATTID_ADMIN_DESCRIPTION, &fence)) {
        return value.len == 0;
    }
    return fence_number(value, &number) && is_later(out, &fence);
}

static bool origin(const struct pl_entry *e, const char *fence_attr, int64_t now_us, struct pl_origin *out)
{
    static const struct {
        const char *attr;
        uint32_t attid;
    } by[] = {{UAC, PL_ATTID_USER_ACCOUNT_CONTROL}, {EXPIRES, PL_ATTID_ACCOUNT_EXPIRES}};
    struct pl_str stamps = pl_entry_first(e, ORIGINS);
    struct pl_repl_stamp stamp;
    int64_t uac;

    if (fence_attr == NULL || !pl_str_ieq_c(pl_str_c(fence_attr), FENCE_ATTR) || !read_uac(e, &uac)) {
        return false;
    }
    /* Disabled, it is by the first; locked without that, by the second; open, by either. */
    bool disabled = (uac & DISABLED) != 0, locked = lock_seen(e, NULL, now_us) == PL_LOCK_PROVEN;
    for (size_t i = locked && !disabled ? 1 : 0; i < (disabled ? 1 : 2); i++) {
        if (not_ours(e, fence_attr, stamps, by[i].attid, &stamp)) {
            *out = (struct pl_origin){.attr = by[i].attr, .at_us = stamp.at_us};
            memcpy(out->server, stamp.server, sizeof(out->server));
            return true;
        }
    }
    return false;
}

/* ---- changes ---- */

enum { WITH_FENCE = 1, WITH_MUST_CHANGE = 2, MODS_MAX = 7 };

/* The value that was read goes and the new one comes, so that somebody else's in between makes the write fail (16, 20). */
static size_t swap_end(const struct pl_change_in *in, int64_t end_us, struct pl_mod *mods)
{
    const struct pl_attr *was = pl_entry_attr(in->entry, EXPIRES);
    int64_t ticks = end_us == INT64_MAX ? INT64_MAX : pl_filetime_of_us(end_us);
    size_t n = 0;

    if (was != NULL && was->n > 0) {
        mods[n++] = (struct pl_mod){PL_MOD_DELETE, PL_STR(EXPIRES), pl_copy_values(in->arena, was), was->n};
    }
    mods[n++] = (struct pl_mod){PL_MOD_ADD, PL_STR(EXPIRES),
                                pl_one_value(in->arena, pl_arena_printf(in->arena, "%lld", (long long)ticks)), 1};
    return n;
}

static void add_step(const struct pl_change_in *in, struct pl_step *out, int64_t uac, int with)
{
    struct pl_arena *a = in->arena;
    struct pl_str was = pl_arena_str(a, pl_entry_first(in->entry, UAC));
    struct pl_mod *m = pl_arena_array(a, MODS_MAX, sizeof(*m));
    size_t n = 0;

    m[n++] = (struct pl_mod){PL_MOD_DELETE, PL_STR(UAC), pl_one_value(a, was), 1};
    m[n++] = (struct pl_mod){PL_MOD_ADD, PL_STR(UAC), pl_one_value(a, pl_arena_printf(a, "%lld", (long long)uac)), 1};
    if ((with & WITH_FENCE) != 0) {
        n += swap_fence(in, m + n);
    }
    if ((with & WITH_MUST_CHANGE) != 0) {
        m[n++] = (struct pl_mod){PL_MOD_REPLACE, PL_STR(LAST_SET), pl_one_value(a, PL_STR("0")), 1};
    }
    if (in->clear_end && (uac & DISABLED) == 0) {
        n += swap_end(in, INT64_MAX, m + n);
    }
    *out = (struct pl_step){.mods = m, .n_mods = n};
}

/* userAccountControl becomes `uac`, with all of `with` that can be had: what we have no right to is left out. */
static size_t write_uac(const struct pl_change_in *in, struct pl_step *out, int64_t uac, int with, int stage)
{
    struct pl_mod probe[2];
    size_t fence = swap_fence(in, probe), n = 0;

    if (fence == 0) {
        with &= ~WITH_FENCE;
    }
    for (int less = with; less >= 0; less--) {
        if ((less & ~with) != 0) {
            continue;
        }
        add_step(in, &out[n], uac, less);
        out[n].stage = stage;
        out[n].next_on = less == 0 ? NULL : no_right;
        n++;
    }
    /* A lock is right whoever else writes; an opening that meets a fence which it did not see is looked at again. */
    if (fence == 1 && (uac & DISABLED) != 0) {
        out[0].next_on = no_right_or_taken;
    }
    return n;
}

/* Also where the bit is set already: then the fence is swapped, and an opening of ours that comes late is refused. */
static size_t lock(const struct pl_change_in *in, struct pl_step out[PL_STEPS_MAX])
{
    int64_t uac;

    return read_uac(in->entry, &uac) ? write_uac(in, out, uac | DISABLED, WITH_FENCE, 0) : 0;
}

/* Of the shell's password there is nothing in the step but that it goes with it. */
static void password(struct pl_step *out, enum pl_secret secret, int stage)
{
    *out = (struct pl_step){.secret = secret, .stage = stage};
}

static size_t close_account(const struct pl_change_in *in, struct pl_step out[PL_STEPS_MAX])
{
    const struct pl_attr *names = pl_entry_attr(in->entry, CERTIFICATE);
    size_t n = lock(in, out);

    if (n == 0) {
        return 0;
    }
    /* Twice: for an hour a domain takes the password before the last one, too, should somebody open the account again
     * (Windows: OldPasswordAllowedPeriod; Samba: tests/real/test_ad_facts.py). */
    password(&out[n++], PL_SECRET_USELESS, 1);
    password(&out[n++], PL_SECRET_USELESS, 2);
    if (in->clear_certificates && names != NULL && names->n > 0) {
        pl_step_one(in->arena, &out[n], PL_MOD_DELETE, CERTIFICATE, pl_copy_values(in->arena, names), names->n);
        out[n].stage = 3;
        out[n++].extra = true;
    }
    return n;
}

/* An account without a password is not opened by the server, or by an empty one. Somebody may have set one in the
 * meantime: then that is kept where we have none to give. Who logs on with a card needs none. */
static enum pl_secret secret_of(const struct pl_change_in *in, int64_t uac)
{
    int64_t set;

    if ((uac & SMARTCARD) != 0) {
        return PL_SECRET_NONE;
    }
    if (in->opening == PL_SECRET_USELESS && pl_filetime_parse(pl_entry_first(in->entry, LAST_SET), &set) && set > 0) {
        return PL_SECRET_NONE;
    }
    return in->opening;
}

static size_t open_account(const struct pl_change_in *in, struct pl_step out[PL_STEPS_MAX])
{
    enum pl_secret secret;
    int64_t uac;
    int with = WITH_FENCE;
    size_t n = 0;

    if (!read_uac(in->entry, &uac) || ((uac & DISABLED) == 0 && !in->clear_end)) {
        return 0;
    }
    secret = secret_of(in, uac);
    if (secret != PL_SECRET_NONE) {
        password(&out[n++], secret, 0);
    }
    if (secret == PL_SECRET_FIRST && in->must_change && (uac & NEVER_EXPIRES) == 0) {
        with |= WITH_MUST_CHANGE;
    }
    return n + write_uac(in, out + n, uac & ~DISABLED, with, 1);
}

/* With the fence, as each of our writes; where we have no right to the fence, without. */
static size_t keep(const struct pl_change_in *in, struct pl_step out[PL_STEPS_MAX])
{
    struct pl_mod fence[2];
    size_t n = 0;

    for (int with = swap_fence(in, fence) > 0; with >= 0; with--) {
        struct pl_mod *m = pl_arena_array(in->arena, MODS_MAX, sizeof(*m));
        size_t n_mods = swap_end(in, in->end_us, m);
        if (with) {
            n_mods += swap_fence(in, m + n_mods);
        }
        out[n++] = (struct pl_step){.mods = m, .n_mods = n_mods, .next_on = with ? no_right : NULL};
    }
    return n;
}

static size_t born_locked(struct pl_arena *a, int64_t now_us, struct pl_attr out[4])
{
    (void)now_us;
    out[0] = (struct pl_attr){PL_STR(UAC), pl_one_value(a, PL_STR(NEW_ACCOUNT)), 1};
    return 1;
}

/* ---- groups ---- */

/* MS-DTYP 2.4.2.2: revision, count, six octets of authority, and as many little-endian numbers, of which the last one
 * names the object within its domain. */
enum { SID_HEAD = 8, SID_NUMBER = 4, SID_NUMBERS_MAX = 15, FIRST_RID_OF_USERS = 1000 };

static bool is_sid(struct pl_str sid)
{
    return sid.len > SID_HEAD && sid.s[0] == 1 && sid.s[1] >= 1 && sid.s[1] <= SID_NUMBERS_MAX &&
           sid.len == SID_HEAD + SID_NUMBER * (size_t)sid.s[1];
}

static int64_t rid_of(struct pl_str sid)
{
    const unsigned char *p = (const unsigned char *)sid.s + sid.len - SID_NUMBER;

    return (int64_t)p[0] | (int64_t)p[1] << 8 | (int64_t)p[2] << 16 | (int64_t)p[3] << 24;
}

static bool number_is(const struct pl_entry *e, const char *attr, int64_t want)
{
    int64_t n;

    return pl_str_to_i64(pl_entry_first(e, attr), &n) && n == want;
}

/* The server's own groups, and those that AdminSDHolder guards. One whose number we may not see could be any of them. */
static bool is_privileged(const struct pl_entry *e)
{
    struct pl_str sid = pl_entry_first(e, "objectSid");

    return !is_sid(sid) || rid_of(sid) < FIRST_RID_OF_USERS || number_is(e, "adminCount", 1) ||
           pl_str_ieq_c(pl_entry_first(e, "isCriticalSystemObject"), "TRUE");
}

static enum pl_group_shape group_shape(const struct pl_entry *e)
{
    int64_t type;

    if (!pl_entry_has_class(e, "group")) {
        return PL_GROUP_UNKNOWN;
    }
    /* GROUP_TYPE_APP_BASIC_GROUP, GROUP_TYPE_APP_QUERY_GROUP (MS-ADTS 2.2.12): of Authorization Manager */
    if (pl_str_to_i64(pl_entry_first(e, "groupType"), &type) && (type & 0x30) != 0) {
        return PL_GROUP_UNWRITABLE;
    }
    return is_privileged(e) ? PL_GROUP_PRIVILEGED : PL_GROUP_NAMES;
}

static uint64_t group_key(const struct pl_entry *group)
{
    struct pl_str sid = pl_entry_first(group, "objectSid");

    return is_sid(sid) ? pl_str_hash(sid) : 0;
}

/* Its number is in the account's own domain. */
static uint64_t primary_group(const struct pl_entry *account)
{
    struct pl_str sid = pl_entry_first(account, "objectSid");
    char octets[SID_HEAD + SID_NUMBER * SID_NUMBERS_MAX];
    int64_t rid;

    if (!is_sid(sid) || !pl_str_to_i64(pl_entry_first(account, "primaryGroupID"), &rid) || rid < 0 ||
        rid > UINT32_MAX) {
        return 0;
    }
    memcpy(octets, sid.s, sid.len);
    for (size_t i = 0; i < SID_NUMBER; i++) {
        octets[sid.len - SID_NUMBER + i] = (char)(rid >> (8 * i) & 0xff);
    }
    return pl_str_hash((struct pl_str){octets, sid.len});
}

const struct pl_dialect pl_dialect_ad = {
    .name = "ad",
    .native_id_attr = "objectGUID",
    .native_id_guid = true,
    .password_attr = PASSWORD,
    .password_form = PL_PASSWORD_AD,
    .person_attrs = person_attrs,
    .member_attrs = member_attrs,
    .group_attrs = group_attrs,
    .certificate_attr = CERTIFICATE,
    .search_control = "1.2.840.113556.1.4.1339", /* LDAP_SERVER_DOMAIN_SCOPE_OID: no references to other domains */
    .watch = PL_WATCH_DIRSYNC,
    .wake_control = "1.2.840.113556.1.4.528", /* LDAP_SERVER_NOTIFICATION_OID (MS-ADTS 3.1.1.3.4.1.9) */
    .server_attr = "dsServiceName",
    .server_id_attr = "invocationId",
    .server_name = pl_repl_server_name,
    .servers_base = pl_repl_servers_base,
    .written_attr = "whenChanged",
    .origin_attr = ORIGINS,
    .origin = origin,
    .lock_seen = lock_seen,
    .end_seen = end_seen,
    .end_grain_us = 1,
    .change = {[PL_CHANGE_OPEN] = open_account,
               [PL_CHANGE_LOCK] = lock,
               [PL_CHANGE_CLOSE] = close_account,
               [PL_CHANGE_KEEP] = keep},
    .born_locked = born_locked,
    .group_shape = group_shape,
    .group_key = group_key,
    .primary_group = primary_group,
};
