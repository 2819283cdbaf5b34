/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rng.h - random numbers that are the same for the same seed on every machine
 *
 * Owns the mixing of numbers (splitmix64's finaliser) and a generator for each
 * thread (xoshiro256**, Blackman and Vigna).
 */
#ifndef _RNG_H
#define _RNG_H

#include <stdint.h>

#define RNG_GOLDEN	0x9e3779b97f4a7c15ULL

struct rng {
	uint64_t s[4];
};

/* A bijection of 64-bit numbers that leaves no pattern. */
static inline uint64_t rng_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* Number @n of the sequence that belongs to @seed. */
static inline uint64_t rng_hash(uint64_t seed, uint64_t n)
{
	return rng_mix(rng_mix(seed + RNG_GOLDEN) + (n + 1) * RNG_GOLDEN);
}

static inline void rng_seed(struct rng *r, uint64_t seed, uint64_t stream)
{
	uint64_t base = rng_hash(seed, stream);
	unsigned int i;

	for (i = 0; i < 4; i++)
		r->s[i] = rng_hash(base, i);
}

static inline uint64_t rng_rotate(uint64_t x, unsigned int by)
{
	return x << by | x >> (64 - by);
}

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t result = rng_rotate(r->s[1] * 5, 7) * 9;
	uint64_t t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = rng_rotate(r->s[3], 45);
	return result;
}

/* Below @n; that some come up more often by @n / 2^64 cannot be seen. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return (__uint128_t)rng_next(r) * n >> 64;
}

/* 0 <= and < 1, in steps of 2^-53. */
static inline double rng_unit(struct rng *r)
{
	return (rng_next(r) >> 11) * 0x1p-53;
}

#endif
