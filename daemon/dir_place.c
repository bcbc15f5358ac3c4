#include "dir_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/directory/dn.h"

static bool is_name(struct pl_str dn)
{
    struct pl_buf normal = {0};
    bool ok = dn.len > 0 && memchr(dn.s, '\0', dn.len) == NULL && pl_dn_normal(&normal, dn, NULL) && normal.len > 0;
    pl_buf_free(&normal);
    return ok;
}

bool pld_place_holds(const struct pld_place *place, struct pl_str dn)
{
    return is_name(place->base) && is_name(dn) && pl_dn_under(dn, place->base) && !pl_dn_equal(dn, place->base);
}

static void stop(void)
{
    fputs("paaslactl: a write outside of the place that was given: this is a fault of the program, nothing was sent.\n",
          stderr);
    abort();
}

void pld_place_must_hold(const struct pld_place *place, struct pl_str dn)
{
    if (!pld_place_holds(place, dn))
        stop();
}

void pld_place_must_take(const struct pld_place *place, struct pl_str rdn, struct pl_str parent)
{
    struct pl_buf whole = {0};
    bool inside = pl_dn_equal(parent, place->base) || pld_place_holds(place, parent);
    pl_buf_add(&whole, rdn);
    pl_buf_add_byte(&whole, ',');
    pl_buf_add(&whole, parent);
    bool one = is_name(rdn) && pl_dn_equal(pl_dn_parent(pl_buf_str(&whole)), parent) && pl_dn_parent(rdn).len == 0;
    if (!inside || !one || !pld_place_holds(place, pl_buf_str(&whole)))
        stop();
    pl_buf_free(&whole);
}
