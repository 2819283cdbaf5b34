/* SPDX-License-Identifier: GPL-2.0 */
/*
 * content.h - pages that say what they must be
 *
 * Word 0 is a seqlock: 2 * version when the page is complete, one less while
 * it is written. Word 1 is the page's index, word 2 checks (seed, index,
 * version), the others follow from that. A page of version 0 is all zeroes.
 */
#ifndef _CONTENT_H
#define _CONTENT_H

#include "hammer.h"

#define W_SEQ	0
#define W_INDEX	1
#define W_CHECK	2
#define W_BODY	3

static inline uint64_t content_key(uint64_t seed, uint64_t index,
				   uint64_t version)
{
	return mix64(seed ^ mix64(index * 0x9e3779b97f4a7c15ULL + version));
}

/* What word @i (not W_SEQ) of the page must be. */
static inline uint64_t content_word(uint64_t key, uint64_t index,
				    uint64_t version, unsigned int i)
{
	if (!version)
		return 0;
	if (i == W_INDEX)
		return index;
	return key + i * 0xd1342543de82ef95ULL;
}

static inline void content_fill(uint64_t *page, uint64_t seed, uint64_t index,
				uint64_t version)
{
	uint64_t key = content_key(seed, index, version);
	unsigned int i;

	__atomic_store_n(&page[W_SEQ], 2 * version - 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (i = W_INDEX; i < PAGE_WORDS; i++)
		__atomic_store_n(&page[i],
				 content_word(key, index, version, i),
				 __ATOMIC_RELAXED);
	__atomic_store_n(&page[W_SEQ], 2 * version, __ATOMIC_RELEASE);
}

/* The first word that is wrong, PAGE_WORDS if none is; *@got: what it was. */
static inline unsigned int content_check(const uint64_t *page, uint64_t seed,
					 uint64_t index, uint64_t version,
					 uint64_t *expected, uint64_t *got)
{
	uint64_t key = content_key(seed, index, version);
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++) {
		*expected = i == W_SEQ ? 2 * version :
			    content_word(key, index, version, i);
		*got = __atomic_load_n(&page[i], __ATOMIC_RELAXED);
		if (*got != *expected)
			break;
	}
	return i;
}

/* Check and complain: true when the page is right. */
static inline bool content_right(struct hammer *h, const struct worker *w,
				 const char *where, const uint64_t *page,
				 uint64_t index, uint64_t version)
{
	uint64_t expected, got;
	unsigned int word;

	word = content_check(page, h->options.seed, index, version, &expected,
			     &got);
	if (word == PAGE_WORDS)
		return true;
	hammer_mismatch(h, w, where, index, word, expected, got, page);
	return false;
}

#endif
