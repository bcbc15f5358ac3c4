/* What goes wrong in a simulated town, each by its name in the summary. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>

enum fault {
    F_CRASH,
    F_STORE_DOWN,
    F_STORE_LOST,
    F_STORE_ANSWER_LOST,
    F_STORE_FAILED,
    F_LONG_TRANSACTION,
    F_HINT_LOST,
    F_DIR_DOWN,
    F_WRITE_LOST,
    F_WRITE_ANSWER_LOST,
    F_WRITE_LATE,
    F_WRITE_TIMEOUT,
    F_WRITE_BUSY,
    F_WRITE_DENIED,
    F_DIR_SLOW,
    F_REORDERED,
    F_SIZE_LIMIT,
    F_OMITTED,
    F_BLIND,
    F_POLICY_GONE,
    F_PASSWORD_REFUSED,
    F_OTHER_SERVER,
    F_MEMBER_ADDED,
    F_MEMBER_REMOVED,
    F_LOCKED_BY_HAND,
    F_UNLOCKED_BY_HAND,
    F_END_BY_HAND,
    F_NAME_BY_HAND,
    F_ENTRY_DELETED,
    F_ENTRY_RENAMED,
    F_ENTRY_FOREIGN,
    F_GROUP_DELETED,
    F_NO_COMPARE,
    F_STOPPED,
    F_WATCH_WHOLE,
    F_WATCH_RESUMED,
    F_WATCH_TOLD,
    F_WATCH_PRESENT,
    F_WATCH_PRESENT_SET,
    F_WATCH_GONE_SET,
    F_WATCH_GONE_LIVE,
    F_WATCH_STALE,
    F_WATCH_BACK,
    F_WATCH_LOST,
    F_POLL_TOLD,
    F_POLL_FAILED,
    F_WAKE_STANDS,
    F_WAKE_REFUSED,
    F_WAKE_SILENT,
    F_WAKE_TOLD,
    F_WAKE_NO_NEWS,
    F_WAKE_LEFT_OUT,
    F_WAKE_LOST,
    F_TOGETHER,
    F_TOGETHER_REFUSED,
    F_SISTER_DID,
    F_SISTER_AWAY,
    F_SISTER_FROZEN,
    F_SISTER_LATE,
    F_SISTER_PASSWORD,
    F_SISTER_REFUSED,
    F_SISTER_READ_ONLY,
    F_SISTER_BEHIND,
    F_SISTER_IN_USE,
    F_PAUSED,
    N_FAULTS
};
extern const char *const fault_names[N_FAULTS];

/* ---- cover.c ---- */
void cover_fault(enum fault f);
bool cover_print(void); /* false: something was never reached */

#endif
