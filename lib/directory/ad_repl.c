#include "ad_repl.h"

#include <string.h>
#include "dn.h"

/* version, reserved, count, reserved; then of each attribute: attid, version (32 bits each), time, invocationId, its update
 * number there and here (64 bits each). All little-endian. */
enum { HEAD = 16, COUNT_AT = 8, ROW = 48, TIME_AT = 8, SERVER_AT = 16, USN_AT = 32 };

/* Seconds since 1601 of 1970 and of the year 10000. */
#define EPOCH    UINT64_C(11644473600)
#define TOO_LATE (EPOCH + UINT64_C(253402300800))

static uint64_t number(const char *p, size_t n)
{
    uint64_t out = 0;

    for (size_t i = n; i > 0; i--) {
        out = out << 8 | (unsigned char)p[i - 1];
    }
    return out;
}

static bool read_row(const char *row, struct pl_repl_stamp *out)
{
    uint64_t at = number(row + TIME_AT, 8), usn = number(row + USN_AT, 8);

    if (at < EPOCH || at >= TOO_LATE || usn > INT64_MAX) {
        return false;
    }
    memcpy(out->server, row + SERVER_AT, sizeof(out->server));
    out->usn = (int64_t)usn;
    out->at_us = (int64_t)(at - EPOCH) * 1000000;
    return true;
}

bool pl_repl_stamp_find(struct pl_str octets, uint32_t attid, struct pl_repl_stamp *out)
{
    uint64_t rows;

    if (octets.len < HEAD || number(octets.s, 4) != 1) {
        return false;
    }
    rows = number(octets.s + COUNT_AT, 4);
    if ((octets.len - HEAD) % ROW != 0 || rows != (octets.len - HEAD) / ROW) {
        return false;
    }
    for (const char *row = octets.s + HEAD; rows > 0; rows--, row += ROW) {
        if (number(row, 4) == attid) {
            return read_row(row, out);
        }
    }
    return false;
}

bool pl_repl_stamp_same_write(const struct pl_repl_stamp *a, const struct pl_repl_stamp *b)
{
    return a->usn == b->usn && memcmp(a->server, b->server, sizeof(a->server)) == 0;
}

/* "CN=value" at the beginning of a DN: its value, or empty. */
static struct pl_str first_cn(struct pl_str dn, struct pl_str above)
{
    const size_t skip = 3;
    size_t n;

    if (above.len == 0 || dn.len <= skip || !pl_str_ieq_c((struct pl_str){dn.s, skip}, "cn=")) {
        return (struct pl_str){"", 0};
    }
    n = (size_t)(above.s - dn.s);
    while (n > skip && (dn.s[n - 1] == ',' || dn.s[n - 1] == ' ')) {
        n--;
    }
    for (size_t i = skip; i < n; i++) {
        if (dn.s[i] == '\\' || dn.s[i] == '+' || dn.s[i] == '"' || (unsigned char)dn.s[i] < ' ') {
            return (struct pl_str){"", 0};
        }
    }
    return (struct pl_str){dn.s + skip, n - skip};
}

struct pl_str pl_repl_server_name(struct pl_str settings)
{
    struct pl_str server = pl_dn_parent(settings);

    return first_cn(server, pl_dn_parent(server));
}

struct pl_str pl_repl_servers_base(struct pl_str settings)
{
    struct pl_str base = settings;

    for (int up = 0; up < 4; up++) { /* its settings, the server, CN=Servers, the site */
        base = pl_dn_parent(base);
    }
    return base;
}
