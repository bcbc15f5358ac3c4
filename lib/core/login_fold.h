/* From a name as people write it to the letters of a log-in. */
#ifndef PL_CORE_LOGIN_FOLD_H
#define PL_CORE_LOGIN_FOLD_H

#include "../base/err.h"
#include "../base/str.h"

/* Appends `name` in [a-z0-9-], without '-' at its ends or twice in a row. `what` is "given name" or so, for the
 * sentence. False when nothing is left, the name is not UTF-8 or has a letter that is not Latin. */
bool pl_login_fold(struct pl_buf *out, struct pl_str name, const char *what, struct pl_err *err);

#endif
