/* What the files of the watch share. Nobody else includes this.
 *
 *   watch.c          begins, ends, begins again; what comes goes to the conversation of the dialect's kind
 *   watch_sync.c     the conversation by RFC 4533
 *   watch_persist.c  the conversation by persistent search
 *   watch_dirsync.c  the conversation by DirSync, or by update numbers: asked again and again
 *   watch_wake.c     the search that says when to ask
 *   watch_told.c     what an answer of that tells of one entry
 *   watch_echo.c     what we know already: our own writes without a version
 *   watch_round.c    what was told is looked at and stored
 *   watch_group.c    the look at one group
 *   watch_drift.c    what it found the last time */
#ifndef PL_ENGINE_WATCH_PRIV_H
#define PL_ENGINE_WATCH_PRIV_H

#include "priv.h"
#include "../directory/cookie.h"
#include "../directory/dirsync.h"

enum watch_phase {
    WATCH_OFF,   /* nothing is asked; begins at retry_at_us */
    WATCH_STATE, /* SYNC, DIRSYNC: the store is asked how far we have seen */
    WATCH_ON     /* the search is open; DIRSYNC: it is asked again and again */
};

/* One thing that can be seen of an entry, and how it stood: an attribute and its values, or a member that came or went. */
struct echo {
    uint64_t key, value; /* hashes; key 0: free */
};

struct item { /* one entry that changed */
    bool group;
    uint64_t dn_hash;
    uint64_t version; /* of the write that left it so; 0: not told, and never our own */
    struct pl_str dn, id, login, writer;
    bool account;        /* it looks like one, and stands where ours stand */
    struct echo *echoes; /* DIRSYNC: what is told of it; all known: it is no news */
    size_t n_echoes;
    bool strange;  /* and something that a look does not see */
    uint64_t turn; /* when it was told */
};

struct watch {
    struct dir *d;
    enum watch_phase phase;
    uint64_t req;
    bool offered;         /* nothing says that this server cannot */
    bool live;            /* from here on every change is told: the refresh is over, the search stands */
    bool resumed;         /* it began with a cookie */
    bool missed;          /* something may have been missed: a full compare is due */
    bool distrust;        /* what the store keeps is of no use: until the watch is live, and stores what is */
    bool went_back;       /* the server has forgotten what it told us: said with the next store */
    int64_t stands_at_us; /* PERSISTENT: when it counts as live; 0: not known yet */
    int64_t retry_at_us, retry_delay_us;
    int failures;            /* since it was live */
    struct pl_cookie cookie; /* SYNC */
    struct poll {            /* DIRSYNC */
        bool by_usn;         /* the server takes no DirSync from us */
        bool open;           /* an answer is waited for */
        bool whole;          /* without a cookie: everything is told, and the canary must be among it */
        bool canary;
        int64_t at_us, asked_us; /* the next one; when this one began */
        int64_t soonest_us;      /* the next one when something is known to have changed */
        struct wake {            /* the search that says so; nothing else of it is believed */
            uint64_t req;        /* 0: it is not open */
            bool off;            /* refused or lost: not again before the directory has come up anew */
            bool told;           /* since the last question began */
            int64_t gap_us;      /* between a question and the next one that it causes */
            int64_t last_us;     /* when it caused one last */
        } wake;
        int64_t usn, usn_now; /* how far we have seen; how far the server is */
        struct pl_buf octets; /* cookie */
        struct vague {        /* told in part only: its entry is read */
            struct pl_str id; /* malloced */
            bool read;
        } * vague;
        size_t n_vague, vague_open;
        bool ended; /* but for these */
    } poll;
    bool cookie_news, cookie_known;
    int64_t store_at_us; /* a cookie that only our own writes moved on waits until then */
    struct item *items;  /* not looked at yet */
    size_t n_items;
    struct pl_arena *arena; /* of the items */
    int64_t look_again_us;  /* a look came to nothing: not before then */
    int broken_looks;       /* in a row */
    bool round;             /* one is under way */
    uint64_t turn;          /* counts what is told, and rounds: a clock may be set back */
    uint64_t round_turn;    /* where the round began */
    uint64_t comparing;     /* where the compare that runs began; 0: none does */
    uint64_t compared;      /* where the last one that saw everything began */
    bool storing;           /* its answer is waited for: a later cookie must not overtake what it stands for */
    struct pl_arena *round_arena;
    struct pl_str round_cookie; /* what may be stored with it; empty: items were left behind */
    struct group_look *looks;
    size_t n_looks, looks_open;
    struct pl_changed *changed;
    size_t n_changed;
    struct pl_nominee *persons;
    size_t n_persons;
    struct echo *echo; /* DIRSYNC: rows by key, in which the ninth pushes the oldest out; malloced */
    /* Versions that our writes made: rows by hash, in which the ninth pushes the oldest out. With one a row, some hundreds
     * of writes at once push out one that the watch has yet to tell of: it is a stranger's then. */
    uint64_t *own;
};

/* A managed group that somebody changed: who should be in it, who is, and who the others are. */
struct wanted_member {
    uint64_t dn_hash, login_hash;
    int64_t person_id;
    bool seen;
};
struct stranger {
    struct pl_str value, id;
    uint64_t hash;
    bool is_dn, absent; /* absent: there is no such entry, if the canary can be seen */
};
struct group_look {
    struct watch *w;
    struct pl_str dn, writer;
    uint64_t dn_hash;
    int64_t role_group_id;
    struct wanted_member *wanted;
    size_t n_wanted;
    struct stranger *strangers;
    size_t n_strangers, open;
    unsigned writes; /* of ours, when it began */
    bool canary;     /* seen */
    bool broken;     /* nothing was learned */
    bool crowded;    /* too many newcomers for us: a full compare sees to it */
};

enum { /* tags of requests; a look's are TAG_LOOKS + look * LOOK_PARTS + part */
       TAG_STATE = 1,
       TAG_WATCH,
       TAG_STORED,
       TAG_ROOT,    /* DIRSYNC: how far is the server? */
       TAG_CHANGED, /* by update numbers: what changed? */
       TAG_WAKE,
       TAG_LOOKS = 10,
       STRANGERS_MAX = 200, /* newcomers in one group that are looked up one by one; more are left to a full compare */
       LOOK_PARTS = STRANGERS_MAX + 3,
       TAG_VAGUE = -1 /* and below: one entry */
};

enum { BROKEN_LOOKS_MAX = 5 };

/* watch.c: for the conversations */
void pl_watch_open(struct watch *w, struct pl_str control);   /* sends the search */
void pl_watch_search(struct watch *w, struct pl_str control); /* the same, and this is where the watch begins */
const char *const *pl_watch_attrs(const struct watch *w);     /* what is asked of entries */
void pl_watch_is_live(struct watch *w, const char *how);      /* and compares everything when something was missed */
void pl_watch_missed(struct watch *w);                        /* compares everything soon */
void pl_watch_again_later(struct watch *w);                   /* it is at an end */
bool pl_watch_is_own(const struct watch *w, uint64_t version);
/* Where an entry belongs; false: to nothing that we watch. Its texts and its id are kept by the next one. */
bool pl_watch_item_of(const struct watch *w, const struct pl_entry *e, struct item *out);
void pl_watch_keep_item(struct watch *w, const struct pl_entry *e, struct item it);
void pl_watch_add_item(struct watch *w, struct item it);

void pl_watch_gone(struct watch *w, struct pl_str id); /* the entry with this native id is deleted */
/* The rows that answer go to the conversation, and then its end. */
void pl_watch_ask_state(struct watch *w);
/* From here on the server is asked without what it once told. Back: it knows less than that, which is an alarm. */
void pl_watch_forget(struct watch *w, bool went_back);

/* watch_sync.c, watch_persist.c: begin; what came, false: not of this protocol; an end that has a meaning of its own */
void pl_watch_sync_begin(struct watch *w);
void pl_watch_sync_state(struct watch *w, const struct pl_event *ev);
bool pl_watch_sync_told(struct watch *w, const struct pl_event *ev);
bool pl_watch_sync_ended(struct watch *w, int code);
void pl_watch_persist_begin(struct watch *w);
bool pl_watch_persist_told(struct watch *w, const struct pl_event *ev);

/* watch_dirsync.c */
void pl_watch_poll_begin(struct watch *w);
void pl_watch_poll_state(struct watch *w, const struct pl_event *ev);
void pl_watch_poll_pump(struct watch *w);                            /* asks when it is time */
bool pl_watch_poll_told(struct watch *w, const struct pl_event *ev); /* of the search; false: no DirSync */
bool pl_watch_poll_ended(struct watch *w, int code);                 /* an end that has a meaning of its own */
void pl_watch_poll_reply(struct watch *w, int tag, const struct pl_event *ev); /* of reads beside it */
void pl_watch_poll_place(const struct watch *w, struct pl_buf *out);           /* how far we have seen */
void pl_watch_poll_stop(struct watch *w);
void pl_watch_poll_free(struct watch *w);

/* watch_wake.c */
void pl_watch_wake_begin(struct watch *w); /* sends the search, once */
void pl_watch_wake_told(struct watch *w, const struct pl_event *ev);
void pl_watch_wake_hurries(struct watch *w); /* brings the next question forward */
void pl_watch_wake_asks(struct watch *w);    /* a question begins */
void pl_watch_wake_asked(struct watch *w);   /* and has ended */
void pl_watch_wake_forget(struct watch *w);  /* its request */

/* watch_told.c: one entry */
void pl_watch_told_part(struct watch *w, const struct pl_entry *e);                /* by DirSync: what changed of it */
void pl_watch_told_whole(struct watch *w, const struct pl_entry *e, bool renamed); /* by a read: everything */
void pl_watch_told_vague(struct watch *w, int n, const struct pl_event *ev);
void pl_watch_vague_drop(struct watch *w);

/* watch_echo.c */
struct echo pl_echo_values(uint64_t target, const char *attr, const struct pl_attr *a); /* a NULL: no values */
struct echo pl_echo_member(uint64_t group, struct pl_str member, bool came);
bool pl_watch_is_echo(const struct watch *w, const struct item *it); /* nothing of it is news */
void pl_watch_not_echo(struct watch *w, const struct item *it);      /* it is news: what we knew is over */

/* watch_round.c: what changed is looked at and stored */
void pl_watch_round(struct watch *w); /* begins one when there is anything to do */
void pl_watch_look_ended(struct group_look *g);
void pl_watch_round_drop(struct watch *w);
void pl_watch_items_drop(struct watch *w);
void pl_watch_add_changed(struct watch *w, const struct pl_changed *c);
void pl_watch_add_person(struct watch *w, int64_t person_id);

/* watch_drift.c */
/* Amiss as it was the last time, and nobody need look: its person was looked at since. It is marked as seen either way. */
bool pl_drift_known(struct shape *s, bool in, uint64_t key, int64_t now_us);
void pl_drift_begin(struct shape *s);                            /* nobody of them is seen yet */
void pl_drift_end(struct group_look *g, struct shape *s);        /* whoever was not seen is looked at, and forgotten */
void pl_drift_keep(const struct group_look *g, struct shape *s); /* what this look found: its round tells the store */

/* watch_group.c */
void pl_watch_look_group(struct group_look *g); /* asks */
void pl_watch_look_reply(struct group_look *g, int part, const struct pl_event *ev);
void pl_watch_look_free(struct group_look *g);

#endif
