#include "dialect.h"

#include "filter.h"

const struct pl_dialect *const pl_dialects[] = {&pl_dialect_openldap, &pl_dialect_389ds, &pl_dialect_ad, NULL};

const struct pl_dialect *pl_dialect_find(struct pl_str name)
{
    for (size_t i = 0; pl_dialects[i] != NULL; i++) {
        if (pl_str_eq_c(name, pl_dialects[i]->name)) {
            return pl_dialects[i];
        }
    }
    return NULL;
}

/* ---- native ids ---- */

enum { GUID_LEN = 16, GUID_TEXT = PL_NATIVE_ROOM - 1 };

/* Where each octet stands in the text: the first three fields are little-endian integers. */
static const unsigned char guid_order[GUID_LEN] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

static bool dash_before(size_t octet)
{
    return octet == 4 || octet == 6 || octet == 8 || octet == 10;
}

struct pl_str pl_guid_text(struct pl_str octets, char out[PL_NATIVE_ROOM])
{
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;

    if (octets.len != GUID_LEN) {
        return (struct pl_str){"", 0};
    }
    for (size_t i = 0; i < GUID_LEN; i++) {
        unsigned char c = (unsigned char)octets.s[guid_order[i]];
        if (dash_before(i)) {
            out[n++] = '-';
        }
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    out[n] = '\0';
    return (struct pl_str){out, n};
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool guid_octets(struct pl_str text, char out[GUID_LEN])
{
    size_t at = 0;

    if (text.len != GUID_TEXT) {
        return false;
    }
    for (size_t i = 0; i < GUID_LEN; i++) {
        if (dash_before(i) && text.s[at++] != '-') {
            return false;
        }
        int high = hex_digit(text.s[at]), low = hex_digit(text.s[at + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[guid_order[i]] = (char)(high << 4 | low);
        at += 2;
    }
    return true;
}

struct pl_str pl_dialect_native_id(const struct pl_dialect *d, const struct pl_entry *e, char room[PL_NATIVE_ROOM])
{
    struct pl_str id = pl_entry_first(e, d->native_id_attr);

    return d->native_id_guid ? pl_guid_text(id, room) : id;
}

void pl_dialect_native_filter(const struct pl_dialect *d, struct pl_buf *b, struct pl_str id)
{
    char octets[GUID_LEN];

    if (!d->native_id_guid) {
        pl_filter_equal(b, d->native_id_attr, id);
    } else if (guid_octets(id, octets)) {
        pl_filter_equal(b, d->native_id_attr, (struct pl_str){octets, GUID_LEN});
    } else {
        pl_buf_add_c(b, "(!(objectClass=*))");
    }
}

/* ---- echoes ---- */

void pl_echo_text(struct pl_buf *out, const struct pl_str *values, size_t n)
{
    if (n > 0 && values[0].len > 0) {
        pl_buf_add(out, values[0]);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        if (values[i].len == 0) {
            return;
        }
    }
    for (size_t i = 1; i < n; i++) {
        pl_buf_add(out, values[i]);
        pl_buf_add_byte(out, '\n');
    }
}

void pl_echo_of(const struct pl_dialect *d, const struct pl_entry *e, struct pl_buf *out)
{
    struct pl_str values[PL_ECHO_MAX];
    size_t n = 0;

    for (; d->echo_attrs != NULL && d->echo_attrs[n] != NULL && n < PL_ECHO_MAX; n++) {
        values[n] = pl_entry_first(e, d->echo_attrs[n]);
    }
    pl_echo_text(out, values, n);
}

/* ---- steps ---- */

size_t pl_dialect_change(const struct pl_dialect *d, enum pl_change what, const struct pl_change_in *in,
                         struct pl_step out[PL_STEPS_MAX])
{
    return d->change[what] != NULL ? d->change[what](in, out) : 0;
}

void pl_step_one(struct pl_arena *a, struct pl_step *out, enum pl_mod_kind kind, const char *attr,
                 struct pl_str *values, size_t n)
{
    *out = (struct pl_step){.mods = pl_arena_array(a, 1, sizeof(*out->mods)), .n_mods = 1};
    out->mods[0] = (struct pl_mod){.kind = kind, .attr = pl_str_c(attr), .values = values, .n = n};
}

struct pl_str *pl_copy_values(struct pl_arena *a, const struct pl_attr *attr)
{
    struct pl_str *v = pl_arena_array(a, attr->n, sizeof(*v));

    for (size_t i = 0; i < attr->n; i++) {
        v[i] = pl_arena_str(a, attr->values[i]);
    }
    return v;
}

struct pl_str *pl_one_value(struct pl_arena *a, struct pl_str value)
{
    struct pl_str *v = pl_arena_array(a, 1, sizeof(*v));

    *v = value;
    return v;
}
