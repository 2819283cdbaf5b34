/* SPDX-License-Identifier: GPL-2.0 */
/*
 * arena.h - an ordinary bump allocator over any memory
 *
 * What is allocated is named by its offset, never by its address, so that the
 * same program leaves the same bytes in any arena. Memory is never freed.
 */
#ifndef _ARENA_H
#define _ARENA_H

#include <stdint.h>

struct arena {
	unsigned char *base;
	uint64_t size;
	uint64_t used;
};

/* Offsets below are never handed out: 0 means nothing. */
#define ARENA_FIRST	64

static inline void arena_init(struct arena *arena, void *base, uint64_t size)
{
	arena->base = base;
	arena->size = size;
	arena->used = ARENA_FIRST;
}

/* Zeroed memory, aligned to 8 bytes; 0 when the arena is full. */
static inline uint64_t arena_alloc(struct arena *arena, uint64_t bytes)
{
	uint64_t at = arena->used;

	bytes = (bytes + 7) & ~7ULL;
	if (bytes > arena->size - at)
		return 0;
	arena->used = at + bytes;
	return at;
}

static inline void *arena_at(const struct arena *arena, uint64_t offset)
{
	return arena->base + offset;
}

#endif
