#include "rng.h"

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void rng_seed(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        r->s[i] = z ^ (z >> 31);
    }
}

uint64_t rng_next(struct rng *r)
{
    uint64_t *s = r->s, out = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return out;
}

int rng_below(struct rng *r, int n)
{
    return n < 1 ? 0 : (int)(rng_next(r) % (uint64_t)n);
}

int64_t rng_span(struct rng *r, int64_t lo, int64_t hi)
{
    return lo + (int64_t)(rng_next(r) % (uint64_t)(hi - lo + 1));
}

int64_t rng_log(struct rng *r, int64_t lo, int64_t hi)
{
    int64_t top = lo > 0 ? lo : 1;
    int doublings = 0;
    while (top < hi / 2) {
        top *= 2;
        doublings++;
    }
    top = (lo > 0 ? lo : 1) << rng_below(r, doublings + 2);
    return rng_span(r, lo, top > hi ? hi : top);
}

bool rng_pct(struct rng *r, int percent)
{
    return rng_below(r, 100) < percent;
}
