/* Whether answers still come: the request that is open longest, and since when nothing was heard of it. Time is passed
 * in, in seconds of a clock that only goes forward. */
#ifndef PLD_PULSE_H
#define PLD_PULSE_H

#include <stdbool.h>
#include <stdint.h>

/* Longer than anybody may be silent who owes an answer: 900 s for a long read of the store, a minute for a page of a
 * directory. What is silent even longer was lost on the way, and nothing but a new start brings it back. */
enum { PLD_PULSE_S = 1000 };

struct pld_pulse {
    uint64_t oldest; /* 0: none was open when we looked last */
    int64_t heard_s; /* when it became the oldest, or something came for it */
};

static inline void pld_pulse_heard(struct pld_pulse *p, uint64_t req, int64_t now_s)
{
    if (req != 0 && req == p->oldest)
        p->heard_s = now_s;
}

static inline bool pld_pulse_beats(struct pld_pulse *p, uint64_t oldest, int64_t now_s)
{
    if (oldest != p->oldest) {
        p->oldest = oldest;
        p->heard_s = now_s;
    }
    return oldest == 0 || now_s - p->heard_s < PLD_PULSE_S;
}

#endif
