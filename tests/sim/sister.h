/* sister.c: the servers of a directory that are not in use. */
#ifndef SIM_SISTER_H
#define SIM_SISTER_H

#include "store.h"

struct sim;
struct req;

struct sisters {              /* the servers of one directory; one of them is in use */
    int n, in_use, read_only; /* read_only: -1 none */
    bool begun;               /* the directory was up since the daemon began */
    bool up[MAX_SERVERS];
    int64_t free_us[MAX_SERVERS], said_us[MAX_SERVERS]; /* one request, one answer after the other */
    int64_t heard_us[MAX_SERVERS];                      /* it was in use then, and so showed itself what stands there */
    int64_t back_us[MAX_SERVERS]; /* until then it is away: what it does late is done before it is seen again */
};

void sister_town(struct sim *m);
struct pl_str sister_in_use(const struct sim *m, int d);
void sister_dir_up(struct sim *m, int d); /* before the engine hears of it */
void sister_send(struct sim *m, const struct pl_command *c);
void sister_take(struct sim *m, struct req *r);
void sister_up(struct sim *m, int n);
bool sister_away(struct sim *m, int d);
void sister_crash(struct sim *m);
bool sister_blind(struct sim *m, struct req *r); /* the look sees nothing there */

#endif
