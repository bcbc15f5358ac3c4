/* Attributes that a server gives in parts; see dir_range.c. */
#ifndef PLD_DIR_RANGE_H
#define PLD_DIR_RANGE_H

#include "../lib/directory/entry.h"

struct dir_range;
bool dir_range_open(struct pl_str name); /* "member;range=0-1499": there are more */
struct dir_range *dir_range_begin(const struct pl_entry *e); /* of an entry that has such an attribute; copies it */
void dir_range_free(struct dir_range *g);
/* What to search for next, once the first answer has ended. */
void dir_range_search(struct dir_range *g, const char **base, int *scope, const char **filter, char ***attrs);
void dir_range_entry(struct dir_range *g, const struct pl_entry *e); /* what each search shows */
enum dir_range_state { DIR_RANGE_ON, DIR_RANGE_WHOLE, DIR_RANGE_BROKEN };
enum dir_range_state dir_range_result(struct dir_range *g, int code); /* and how it ended */
const struct pl_entry *dir_range_whole(struct dir_range *g); /* once, after WHOLE; lives as long as `g` */

#endif
