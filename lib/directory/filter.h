/* Search filters (RFC 4515). Values are escaped by length, so no value can change a filter's shape. */
#ifndef PL_DIRECTORY_FILTER_H
#define PL_DIRECTORY_FILTER_H

#include "../base/str.h"

/* Appends `value` with '*', '(', ')', '\', NUL and every byte outside printable ASCII as \XX. */
void pl_filter_escape(struct pl_buf *out, struct pl_str value);

/* Appends "(attr=value)". `attr` must be an attribute description of ours (letters, digits, '-', ';', '.'); anything
 * else ends the process, because it could only be a bug. */
void pl_filter_equal(struct pl_buf *out, const char *attr, struct pl_str value);

#endif
