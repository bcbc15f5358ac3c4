/* Random numbers that depend on the seed alone: splitmix64 fills the state of xoshiro256** (Blackman, Vigna 2018). */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
int rng_below(struct rng *r, int n);                     /* 0 .. n-1; 0 when n < 1 */
int64_t rng_span(struct rng *r, int64_t lo, int64_t hi); /* lo .. hi, both included */
int64_t rng_log(struct rng *r, int64_t lo, int64_t hi);  /* the same, small values as likely as large ones */
bool rng_pct(struct rng *r, int percent);

#endif
