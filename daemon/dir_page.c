#include "dir_page.h"
#include "../lib/directory/ber.h"

/* SEQUENCE { INTEGER size, OCTET STRING cookie } */
static bool read_value(struct pl_str value, struct pl_str *cookie)
{
    struct pl_str in, size;
    return pl_ber_whole(value, PL_BER_SEQUENCE, &in) && pl_ber_take(&in, PL_BER_INTEGER, &size) &&
           pl_ber_take(&in, PL_BER_OCTETS, cookie) && pl_ber_tail_ok(in);
}

bool dir_page_next(LDAPControl **ctrls, struct pl_str *cookie)
{
    LDAPControl *c = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, ctrls, NULL);
    *cookie = (struct pl_str){"", 0};
    if (!c)
        return true;
    struct pl_str value = {c->ldctl_value.bv_val ? c->ldctl_value.bv_val : "", c->ldctl_value.bv_len};
    if (read_value(value, cookie))
        return true;
    *cookie = (struct pl_str){"", 0};
    return false;
}
