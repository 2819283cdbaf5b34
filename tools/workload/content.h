/* SPDX-License-Identifier: GPL-2.0 */
/*
 * content.h - what is in a page, so that every access can check it
 *
 * Each of a page's 512 words is key + writes * step: the key follows from
 * (seed, page, word), the step is an odd constant, and writes says how often
 * the word was written. A write is one atomic addition of the step, so threads
 * need no lock. A word is right when (word - key) / step is a plausible number
 * of writes; with this step any wrong byte gives an implausible one.
 */
#ifndef _CONTENT_H
#define _CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "rng.h"

#define PAGE_BYTES	4096UL
#define PAGE_WORDS	(PAGE_BYTES / sizeof(uint64_t))

#define CONTENT_STEP	0xd1342543de82ef95ULL
#define CONTENT_MAX	(1ULL << 32)	/* writes to one word */

/* The step's inverse modulo 2^64, by Newton: each line doubles the bits. */
static inline uint64_t content_inverse(void)
{
	uint64_t x = CONTENT_STEP;		/* 3 bits */

	x *= 2 - CONTENT_STEP * x;
	x *= 2 - CONTENT_STEP * x;
	x *= 2 - CONTENT_STEP * x;
	x *= 2 - CONTENT_STEP * x;
	x *= 2 - CONTENT_STEP * x;
	return x;
}

static inline uint64_t content_key(uint64_t seed, uint64_t page,
				   unsigned int word)
{
	return rng_hash(seed, page * PAGE_WORDS + word);
}

/* How often a word was written, were it right. */
static inline uint64_t content_writes(uint64_t key, uint64_t value)
{
	return (value - key) * content_inverse();
}

static inline bool content_right(uint64_t key, uint64_t value)
{
	return content_writes(key, value) < CONTENT_MAX;
}

static inline void content_fill(uint64_t *page, uint64_t seed, uint64_t index)
{
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++)
		page[i] = content_key(seed, index, i);
}

#endif
