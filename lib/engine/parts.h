/* What each file of the engine offers the others. Included by priv.h alone, which has the structures. */
#ifndef PL_ENGINE_PARTS_H
#define PL_ENGINE_PARTS_H

/* engine.c */
struct pl_command *pl_e_emit(struct pl_engine *e, enum pl_cmd_kind kind, struct dir *d);
uint64_t pl_e_request(struct pl_engine *e, struct pl_command *c, enum owner_kind k, void *owner, struct dir *d,
                      int tag);
void pl_e_log(struct pl_engine *e, int level, struct dir *d, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void pl_e_forget(struct pl_engine *e, const void *owner); /* answers to it are dropped from now on */
int64_t pl_e_retry_delay(struct pl_engine *e, int64_t person_id, struct dir *d);
void pl_e_retry_clear(struct pl_engine *e, int64_t person_id, struct dir *d);
void pl_e_wake(struct dir *d, int64_t at_us);

/* batch.c */
void pl_batch_load(struct dir *d, enum pl_load_class class);
void pl_batch_preview(struct pl_engine *e, int64_t control_id, struct dir *only, const int64_t *persons, size_t n);
void pl_batch_row(struct batch *b, const struct pl_event *ev);
void pl_batch_loaded(struct batch *b, bool failed);
void pl_batch_planned(struct task *t);  /* it stands at the barrier */
void pl_batch_task_end(struct task *t); /* settled or given up */
void pl_batch_hold_done(struct batch *b, bool failed);
void pl_batch_pump(struct batch *b);
void pl_batch_pump_all(struct pl_engine *e);
void pl_batch_drop_all(struct pl_engine *e, struct dir *d); /* d NULL: everywhere */
struct pair *pl_pair_find(struct dir *d, int64_t person_id);

/* task.c */
void pl_task_start(struct task *t);
void pl_task_release(struct task *t); /* the brake has spoken */
void pl_task_reply(struct task *t, const struct request *r, const struct pl_event *ev);
void pl_task_fail(struct task *t, const char *why);
void pl_task_settle(struct task *t);
void pl_task_looked(struct task *t); /* look.c has read everything */
void pl_task_written(struct task *t);
void pl_task_shapes_known(struct task *t);
void pl_task_free(struct task *t);
bool pl_task_raced(int64_t role_group_id, int code);                  /* a write that somebody else's change overtook */
bool pl_task_gives_up(const struct task *t, enum pl_op op, int code); /* refused, and not tried again for that reason */
void pl_task_outcome(struct task *t, const struct pl_intent *in);     /* for SETTLE */
void pl_task_finding(struct task *t, const char *kind, const char *severity, int64_t role_group_id, struct pl_str text);

/* gate.c */
void pl_gate_judge(struct batch *b);
const struct pl_row_total *pl_gate_total(const struct batch *b, const struct dir *d); /* NULL: not told */

/* look.c */
void pl_look_find(struct task *t);  /* no account row yet: who has these names */
void pl_look_begin(struct task *t); /* the account, its groups, its policy */
void pl_look_entry(struct task *t, int tag, const struct pl_entry *entry);
void pl_look_result(struct task *t, int tag, int code, bool complete);
bool pl_policy_applies(const struct dir *d, const struct pl_entry *e); /* whichever it is, to this entry */
struct pl_str pl_look_number(struct task *t, struct pl_arena *a);
struct pl_str pl_render(struct pl_arena *a, struct pl_str text, const struct task *t, bool dn);

/* plan.c */
void pl_plan_make(struct task *t);
void pl_plan_settle_open_intents(struct task *t);
void pl_plan_drop_unwritable(struct task *t);
bool pl_plan_shapes(struct task *t); /* asks for the shape of groups not known; true when something was asked */

/* An operation on the account itself; where we may not write, the finding that it would be done. */
void pl_plan_write(struct task *t, enum pl_op op, int row, const char *sentence, const char *severity);

/* keep.c */
void pl_keep_row(struct task *t, const struct pl_row_end *r); /* copied */
int64_t pl_keep_wanted(const struct dir *d, int64_t ends_us); /* as this directory shall show it; PL_END_NEVER: not */
bool pl_keep_ended(const struct task *t, const struct pl_dir_facts *facts); /* PL_SEEN_ENDED */
bool pl_keep_shown(const struct task *t, int64_t ends_us);                  /* the entry shows this end */
bool pl_keep_is_over(const struct task *t); /* the end that it shows has passed and is one that we wrote */
void pl_keep_plan(struct task *t);          /* of an account that is open, or was until its end */

/* origin.c */
void pl_origin_up(struct dir *d, struct pl_str self);
void pl_origin_free(struct dir *d);
bool pl_origin_asks(const struct task *t, struct pl_buf *filter, struct pl_str *base); /* true: for a server's name */
void pl_origin_answer(const struct task *t, struct pl_str dn); /* the server's own entry; empty: it has none */
struct pl_str pl_origin_said(const struct task *t);            /* a sentence behind a finding's, or empty */
struct pl_str pl_utc_words(struct pl_arena *a, int64_t us);

/* rename.c */
void pl_rename_row(struct task *t, const struct pl_row_name *r);    /* copied */
void pl_rename_plan(struct task *t);                                /* of an account that is open */
bool pl_rename_owner_filter(struct task *t, struct pl_buf *filter); /* true: is to be asked whose the address is */
void pl_rename_owner(struct task *t, struct pl_str dn);             /* this entry has it */
bool pl_rename_shown(const struct task *t);                         /* nothing of it shows a former name */
size_t pl_rename_steps(const struct task *t, struct pl_arena *a, struct pl_step *out);
void pl_rename_hashes(const struct dir *d, struct pl_arena *a, const struct pl_row_scan_account *row, uint64_t *out);
bool pl_rename_differs(const struct dir *d, const struct pl_entry *e, const uint64_t *hashes);
bool pl_rename_setup(struct dir *d, struct pl_arena *a, struct pl_err *err);

/* early.c */
enum { EARLY_LOCK = 1, EARLY_GROUPS = 2 };
void pl_early_ask(struct task *t);
void pl_early_answer(struct task *t, int tag, const struct pl_event *ev);
size_t pl_early_use(struct task *t);
void pl_early_close(struct task *t);

/* exec.c */
void pl_exec_round(struct task *t);
void pl_exec_more(struct task *t); /* later intents are there */
void pl_exec_skip(struct task *t); /* or could not be stored: what has none is not written */
size_t pl_exec_steps(struct task *t, enum pl_op op, struct pl_arena *a, struct pl_step out[PL_STEPS_MAX]);
void pl_exec_result(struct op *o, int code);
void pl_exec_abandon(struct task *t); /* the task goes; its writes in flight keep their entries busy */
void pl_exec_lost_result(struct target *target, struct dir *d);
void pl_exec_targets_free(struct dir *d);

/* scan.c */
void pl_scan_start(struct dir *d, bool preview);
/* preview.c */
void pl_preview_start(struct pl_engine *e);
/* One directory compared; `whole` false: given up, and the dry run begins anew when it can. */
void pl_e_preview_part(struct pl_engine *e, const struct pl_nominee *persons, size_t n, bool whole);
void pl_scan_reply(struct scan *s, const struct request *r, const struct pl_event *ev);
bool pl_scan_wants(const struct scan *s, int tag); /* more of that answer */
void pl_scan_drop(struct dir *d);
/* scan_fresh.c */
void pl_fresh_add(struct dir *d, uint64_t dn_hash); /* this account is ours, or will be */
bool pl_fresh_is(const struct dir *d, uint64_t dn_hash);
void pl_fresh_free(struct dir *d);

/* watch*.c */
struct watch *pl_watch_new(struct dir *d);
void pl_watch_free(struct watch *w);
void pl_watch_dir_up(struct watch *w);
void pl_watch_stop(struct watch *w);         /* the directory or the store is down: what is not stored is told again */
void pl_watch_clock(struct watch *w);        /* the moment that it waits for may be over; before a compare is begun */
void pl_watch_pump(struct watch *w);         /* starts, goes on, stores; after every event */
int64_t pl_watch_due(const struct watch *w); /* when it wants a timer; 0: never */
void pl_watch_reply(struct watch *w, const struct request *r, const struct pl_event *ev);
void pl_watch_own(struct watch *w, uint64_t target, struct pl_str version); /* a write of ours made this version */
void pl_watch_seen(struct watch *w,
                   const struct pl_entry *e); /* an account that was looked at: what is told so is no news */
void pl_watch_wrote(struct watch *w, const struct op *o, int code); /* before the answer is worked on */
void pl_watch_poll_sooner(struct watch *w);                         /* the pause is another one now */
bool pl_watch_covers(const struct watch *w);   /* nothing was missed since the last full compare, as far as is known */
bool pl_watch_comes_up(const struct watch *w); /* a compare is to wait: it must begin after the watch */
void pl_watch_compare_begins(struct watch *w);
void pl_watch_compare_ends(struct watch *w, bool complete); /* once more does nothing */
bool pl_watch_stays(const struct request *r);               /* the open search: never answered for good */
bool pl_target_busy(const struct dir *d, uint64_t hash);

/* acks.c */
struct acks *pl_acks_new(struct dir *d);
void pl_acks_free(struct acks *k);
void pl_acks_dir_up(struct acks *k, struct pl_str server, bool several);
void pl_acks_event(struct acks *k, const struct pl_event *ev); /* SERVER, ACK */
bool pl_acks_everywhere(struct acks *k, int64_t intent_id);    /* there are others, and this lock goes to them */
void pl_acks_in_use(const struct op *o, int code);             /* what the server in use said to a lock */
void pl_acks_not_done(struct acks *k);                         /* a lock or a close was settled as not done */
void pl_acks_out(struct acks *k); /* an account was settled as out, or what a server said of one was stored */
void pl_acks_reply(struct acks *k, const struct request *r, const struct pl_event *ev);
void pl_acks_pump(struct acks *k);
int64_t pl_acks_due(const struct acks *k); /* 0: never */
bool pl_acks_idle(const struct acks *k);   /* nothing is left to be stored */
void pl_acks_stop(struct acks *k, bool store_too);

/* copies */
struct pl_entry *pl_entry_copy(struct pl_arena *a, const struct pl_entry *e);
struct shape *pl_shape(struct dir *d, uint64_t dn_hash, bool make);
void pl_drift_wrote(struct shape *s);     /* a write of ours to the group begins or has ended */
void pl_drift_told(const struct task *t); /* its settle is stored */
void pl_drift_forget(struct shape *s);
void pl_drift_forget_all(struct dir *d);
void pl_shape_learn(const struct dir *d, struct shape *s, const struct pl_entry *group);
const struct group *pl_group_by_id(const struct batch *b, const struct dir *d, int64_t id);
const struct group *pl_group_by_hash(const struct batch *b, const struct dir *d, uint64_t dn_hash);

#endif
