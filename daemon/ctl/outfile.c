/* Files beside their place, renamed when they are whole. */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(struct ctl_outfile *o, const char *what)
{
    ctl_complain("%s cannot be %s: %s. Nothing was changed there.", o->path, what, strerror(errno));
    ctl_outfile_drop(o);
    return false;
}

bool ctl_outfile_open(struct ctl_outfile *o, const char *path)
{
    *o = (struct ctl_outfile){.f = stdout};
    if (!path || strcmp(path, "-") == 0)
        return true;
    struct stat st;
    o->f = NULL;
    o->path = strdup(path);
    if (!o->path || asprintf(&o->temp, "%s.XXXXXX", path) < 0)
        abort();
    /* A rename over a device or a pipe would replace it. */
    if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        ctl_complain("%s is not an ordinary file; use - and a redirection for anything else.", path);
        free(o->temp);
        o->temp = NULL;
        ctl_outfile_drop(o);
        return false;
    }
    int fd = mkostemp(o->temp, O_CLOEXEC); /* 0600 */
    if (fd < 0) {
        free(o->temp);
        o->temp = NULL;
        return fail(o, "written");
    }
    o->f = fdopen(fd, "w");
    if (!o->f) {
        close(fd);
        return fail(o, "written");
    }
    return true;
}

bool ctl_outfile_commit(struct ctl_outfile *o)
{
    if (!o->path) /* main() looks whether it could be written */
        return true;
    if (ferror(o->f) || fflush(o->f) != 0 || fsync(fileno(o->f)) != 0)
        return fail(o, "written");
    int closed = fclose(o->f);
    o->f = NULL;
    if (closed != 0 || rename(o->temp, o->path) != 0)
        return fail(o, "written");
    free(o->temp);
    o->temp = NULL;
    ctl_outfile_drop(o);
    return true;
}

void ctl_outfile_drop(struct ctl_outfile *o)
{
    if (o->path && o->f)
        fclose(o->f);
    if (o->temp)
        unlink(o->temp);
    free(o->temp);
    free(o->path);
    *o = (struct ctl_outfile){0};
}

const char *ctl_option_file(struct ctl_args *a, const char *name)
{
    size_t len = strlen(name);
    for (int i = 0; i < a->n_words; i++)
        if (!a->literal[i] && strcmp(a->word[i], name) == 0 &&
            (i + 1 >= a->n_words || (!a->literal[i + 1] && strncmp(a->word[i + 1], "--", 2) == 0)))
            return ctl_flag(a, name) ? "-" : NULL;
        else if (!a->literal[i] && strncmp(a->word[i], name, len) == 0 && strcmp(a->word[i] + len, "=") == 0) {
            ctl_complain("%s= needs a file.", name);
            a->bad = true;
        }
    return ctl_option(a, name);
}
