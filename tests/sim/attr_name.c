/* Names of attributes, whatever their case, as small numbers: searches compare them a thousand times for each time one is
 * written down. */
#include <assert.h>
#include <string.h>
#include "directory.h"

enum { SLOTS = 256 };

int attr_number(struct pl_str name)
{
    static struct {
        char name[ATTR_NAME];
        size_t len;
    } slots[SLOTS];
    if (name.len == 0 || name.len >= ATTR_NAME)
        return -1; /* the model has none of that length */
    size_t at =
        (name.len * 37 + ((unsigned char)name.s[0] | 32u) * 11 + ((unsigned char)name.s[name.len - 1] | 32u)) % SLOTS;
    for (int tries = 0; slots[at].len > 0; at = (at + 1) % SLOTS) {
        struct pl_str known = {slots[at].name, slots[at].len};
        if (pl_str_eq(known, name) || pl_str_ieq(known, name))
            return (int)at;
        assert(++tries < SLOTS);
    }
    memcpy(slots[at].name, name.s, name.len);
    slots[at].len = name.len;
    return (int)at;
}
