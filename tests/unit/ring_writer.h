/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's side of a ring, in steps, for testing the reader's.
 */
#ifndef _RING_WRITER_H
#define _RING_WRITER_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tw_ring.h"

/* Words of an event after its seq. */
#define PAYLOAD_WORDS	(sizeof(struct tw_event) / 8 - 1)

struct writer {
	struct tw_ring_header *header;
	struct tw_event *slots;
	__u32 nr;
	__u64 reserved;		/* number of the next event */
	unsigned int depth;	/* interrupted writers */
};

static inline void writer_init(struct writer *w, __u32 nr)
{
	memset(w, 0, sizeof(*w));
	w->header = calloc(1, sizeof(*w->header));
	w->slots = aligned_alloc(64, nr * sizeof(*w->slots));
	memset(w->slots, 0, nr * sizeof(*w->slots));
	w->nr = nr;
	w->header->online = 1;
}

static inline void writer_free(struct writer *w)
{
	free(w->header);
	free(w->slots);
}

static inline struct tw_event *writer_slot(struct writer *w, __u64 i)
{
	return &w->slots[i & (w->nr - 1)];
}

/* What word k of event i holds. */
static inline __u64 payload(__u64 i, unsigned int k)
{
	return (i + 1) * 0x9e3779b97f4a7c15ULL + k;
}

static inline void writer_word(struct writer *w, __u64 i, unsigned int k)
{
	__u64 *words = (__u64 *)writer_slot(w, i) + 1;

	__atomic_store_n(&words[k], payload(i, k), __ATOMIC_RELAXED);
}

/* The steps of writing an event: begin, words 0..PAYLOAD_WORDS-1, end. */
static inline __u64 writer_begin(struct writer *w)
{
	__u64 i = w->reserved++;

	w->depth++;
	__atomic_store_n(&writer_slot(w, i)->seq, 2 * i + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return i;
}

static inline void writer_end(struct writer *w, __u64 i)
{
	__atomic_store_n(&writer_slot(w, i)->seq, 2 * i + 2, __ATOMIC_RELEASE);
	/* Who was interrupted publishes for those that interrupted it. */
	if (--w->depth == 0)
		__atomic_store_n(&w->header->head, w->reserved,
				 __ATOMIC_RELEASE);
}

static inline void writer_write(struct writer *w, __u64 nr)
{
	while (nr--) {
		__u64 i = writer_begin(w);
		unsigned int k;

		for (k = 0; k < PAYLOAD_WORDS; k++)
			writer_word(w, i, k);
		writer_end(w, i);
	}
}

/* Reads words from .. to of an event that may be changing. */
static inline void copy_words(__u64 *copy, const struct tw_event *event,
			      unsigned int from, unsigned int to)
{
	const __u64 *words = (const __u64 *)event + 1;

	for (; from < to; from++)
		copy[from] = __atomic_load_n(&words[from], __ATOMIC_RELAXED);
}

/* Is a copy all of one event i? */
static inline bool copy_is_whole(const __u64 *copy, __u64 i)
{
	unsigned int k;

	for (k = 0; k < PAYLOAD_WORDS; k++)
		if (copy[k] != payload(i, k))
			return false;
	return true;
}

#endif /* _RING_WRITER_H */
