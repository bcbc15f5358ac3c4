/* The control of paged results (RFC 2696): what is well made gives its cookie, nothing beside the value is read, what is cut
 * is not the last page, and what is refused gives none. */
#include "fuzz.h"
#include "daemon/dir_page.h"
#include "lib/directory/ber.h"

static bool reads(struct pl_str value, struct pl_str *cookie)
{
    LDAPControl other = {.ldctl_oid = "1.2.3", .ldctl_value = {value.len, (char *)(uintptr_t)value.s}}, ours = other;
    LDAPControl *both[] = {&other, &ours, NULL}, *none[] = {&other, NULL};

    ours.ldctl_oid = LDAP_CONTROL_PAGEDRESULTS;
    RULE(dir_page_next(none, cookie) && cookie->len == 0);
    RULE(dir_page_next(NULL, cookie) && cookie->len == 0);
    bool ok = dir_page_next(both, cookie);
    RULE(fuzz_inside(*cookie, value) && (ok || cookie->len == 0));
    ours.ldctl_value = (struct berval){0, NULL}; /* a control without a value */
    struct pl_str nothing;
    RULE(!dir_page_next(both, &nothing) && nothing.len == 0);
    return ok;
}

/* libldap reads it its own way, and what we take it takes for the same; it is not asked with nothing, which it reads. */
static bool by_libldap(struct pl_str value, struct berval *cookie)
{
    static LDAP *ld;
    LDAPControl c = {.ldctl_oid = LDAP_CONTROL_PAGEDRESULTS, .ldctl_value = {value.len, (char *)(uintptr_t)value.s}};
    ber_int_t estimate;

    if (!ld)
        RULE(ldap_initialize(&ld, "ldap://127.0.0.1:1") == LDAP_SUCCESS); /* never connected */
    return ldap_parse_pageresponse_control(ld, &c, &estimate, cookie) == LDAP_SUCCESS;
}

/* A cookie of these bytes, wrapped up as a server does: it comes out as it went in, and not when an end is missing. */
static void there_and_back(struct pl_str bytes)
{
    struct pl_buf inner = {0}, out = {0};
    struct pl_str cookie;
    struct berval theirs = {0};

    pl_ber_put(&inner, PL_BER_INTEGER, (struct pl_str){"\0", 1});
    pl_ber_put(&inner, PL_BER_OCTETS, bytes);
    pl_ber_put(&out, PL_BER_SEQUENCE, pl_buf_str(&inner));
    RULE(reads(pl_buf_str(&out), &cookie) && pl_str_eq(cookie, bytes));
    RULE(by_libldap(pl_buf_str(&out), &theirs) && pl_str_eq((struct pl_str){theirs.bv_val, theirs.bv_len}, bytes));
    ber_memfree(theirs.bv_val);
    for (size_t cut = 1; cut <= 3 && cut < out.len; cut++) {
        struct pl_buf less = {0}; /* the same inside a sequence whose length is right */
        RULE(!reads((struct pl_str){out.s, out.len - cut}, &cookie));
        pl_ber_put(&less, PL_BER_SEQUENCE, (struct pl_str){inner.s, inner.len - cut});
        RULE(!reads(pl_buf_str(&less), &cookie));
        pl_buf_free(&less);
    }
    pl_buf_free(&inner);
    pl_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_str in = fuzz_str(data, size), beside = fuzz_beside(data, size, size % 2 ? 0xff : 0x00), a, b;
    bool ok = reads(in, &a);

    RULE(reads(beside, &b) == ok && pl_str_eq(a, b));
    RULE(!ok || !reads((struct pl_str){beside.s, beside.len + 1}, &b));
    there_and_back(in);
    fuzz_free(beside);
    return 0;
}
