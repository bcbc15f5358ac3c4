/* The listed servers of one directory, for the files of its LDAP side. */
#ifndef PLD_DIR_SERVER_H
#define PLD_DIR_SERVER_H

#include "dir_priv.h"

/* ---- the listed servers (dir_server.c, dir_sister.c) ---- */

/* LDAP_CAP_ACTIVE_DIRECTORY_PARTIAL_SECRETS_OID: a read-only domain controller (MS-ADTS 3.1.1.3.4.3.5) */
#define DIR_OID_AD_RODC "1.2.840.113556.1.4.1920"

struct dir_server {
    struct pld_dir *dir;
    const char *uri; /* of dir->uris */
    enum pld_server_how how;
    int64_t since_us; /* wall clock: when `how` changed last */
    char why[300];
    bool says_read_only;
    int64_t read_only_until_ms; /* it has refused a write */
    /* while another one is in use */
    struct dir_link link;
    struct dir_opening *opening;
    struct event *opened, *cut, *retry;
    int64_t backoff_ms;
    char identity[128];
    bool told_up; /* the engine was told */
};

void dir_servers_make(struct pld_dir *d); /* from dir->uris */
void dir_servers_free(struct pld_dir *d); /* tells nobody */
struct dir_server *dir_server_find(const struct pld_dir *d, struct pl_str uri);
struct dir_server *dir_server_in_use(const struct pld_dir *d); /* or being tried; NULL: no address */
void dir_server_note(struct dir_server *s, enum pld_server_how how, const char *why);
void dir_server_answered(struct dir_link *l, int code, const char *text); /* a write */
bool dir_server_read_only(const struct dir_server *s);
void dir_servers_round(struct pld_dir *d);          /* begins a round over all addresses */
bool dir_servers_next(struct pld_dir *d);           /* false: the round is over */
bool dir_servers_other_up(const struct pld_dir *d); /* another one works, and takes writes */

/* The server in use has stopped answering, and another one answers: the first is left long before timeout_ms. */
void dir_servers_silent(struct pld_dir *d);

void dir_hurry(struct pld_dir *d); /* a server has come up: the pause ends (dir.c) */

void dir_sister_init(struct dir_server *s);
void dir_sister_free(struct dir_server *s);
struct dir_server *dir_sister_of(struct dir_link *l);
void dir_sister_answer(struct dir_link *l, struct dir_req *r, int code);
void dir_sister_broken(struct dir_link *l, const char *why, const char *hint);
void dir_sisters_follow(struct pld_dir *d); /* the directory is up: all but the server in use are kept warm */
void dir_sisters_stop(struct pld_dir *d);
void dir_sisters_send(struct pld_dir *d, const struct pl_command *cmd);
void dir_sisters_work(struct pld_dir *d);
void dir_sisters_tick(struct pld_dir *d);
bool dir_sisters_quiet(const struct pld_dir *d);

#endif
