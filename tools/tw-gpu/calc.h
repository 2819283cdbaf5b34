/* SPDX-License-Identifier: GPL-2.0 */
/*
 * calc.h - what the server of a card's memory computes
 *
 * Arithmetic and lists alone, without threads, OpenCL or nbdkit: tests/unit/test_gpu.c
 * runs it. A card gives memory in segments, and a request may lie in several. Requests
 * that wait for a buffer are a list; those of it that follow each other make a run,
 * which is copied as one.
 */
#ifndef _TW_GPU_CALC_H
#define _TW_GPU_CALC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Numbers of a platform and of a device of it, as clinfo -l shows them. */
#define GPU_NUMBER_MAX	255UL

/**
 * struct gpu_part - what of a span lies in one segment
 * @segment: its number
 * @at: where in it
 * @bytes: how much
 */
struct gpu_part {
	size_t segment;
	size_t at;
	size_t bytes;
};

/* The first part of @bytes at @offset, with segments of @size bytes each. */
static inline struct gpu_part gpu_part(uint64_t offset, size_t bytes, size_t size)
{
	struct gpu_part part = { offset / size, offset % size, bytes };

	if (part.bytes > size - part.at)
		part.bytes = size - part.at;
	return part;
}

/*
 * How large segments are of a card that gives at most @most bytes at once: a multiple
 * of @unit, so that no page lies in two, and no more than @wanted. 0: not even a unit.
 */
static inline size_t gpu_segment_size(uint64_t most, size_t wanted, size_t unit)
{
	uint64_t size = most < wanted ? most : wanted;

	return size / unit * unit;
}

/* Segments are what is given back, so a server of little memory has small ones. */
#define GPU_SEGMENT_LEAST	(1UL << 20)
#define GPU_SEGMENT_MOST	(64UL << 20)
#define GPU_SEGMENTS		16

/* How large segments of @bytes of memory are to be. */
static inline size_t gpu_segment_wish(uint64_t bytes)
{
	uint64_t part = (bytes / GPU_SEGMENTS + GPU_SEGMENT_LEAST - 1) /
			GPU_SEGMENT_LEAST * GPU_SEGMENT_LEAST;

	if (part < GPU_SEGMENT_LEAST)
		return GPU_SEGMENT_LEAST;
	return part < GPU_SEGMENT_MOST ? part : GPU_SEGMENT_MOST;
}

/* How many segments of @size bytes it takes to have @bytes. */
static inline size_t gpu_segments(uint64_t bytes, size_t size)
{
	return bytes / size + !!(bytes % size);
}

/**
 * struct gpu_gate - which requests may come in, and which are under way
 * @end: requests that go beyond it are refused
 * @turn: that new ones belong to
 * @inside: how many are under way, of each turn
 *
 * Once the end has been lowered and the turn has changed, nothing is under way beyond
 * the end when the turn before has nobody inside.
 */
struct gpu_gate {
	uint64_t end;
	unsigned int turn;
	unsigned long inside[2];
};

/* A request comes in: its turn, to be given to gpu_gate_leave(); -1: it may not. */
static inline int gpu_gate_enter(struct gpu_gate *g, uint64_t offset, uint64_t bytes)
{
	if (bytes > g->end || offset > g->end - bytes)
		return -1;
	g->inside[g->turn]++;
	return g->turn;
}

/* It has ended. True if it was the last one of its turn. */
static inline bool gpu_gate_leave(struct gpu_gate *g, int turn)
{
	return !--g->inside[turn];
}

/* Sets the end; returns the turn that has to be empty before what is beyond it is. */
static inline int gpu_gate_move(struct gpu_gate *g, uint64_t end)
{
	int before = g->turn;

	g->end = end;
	g->turn = !g->turn;
	return before;
}

/**
 * struct gpu_request - what a client asks for; on the stack of the thread that serves it
 * @next: the next one that waits
 * @offset: where in the card's memory
 * @bytes: how much
 * @write: towards the card
 * @data: of the client
 * @queued: it waits for a buffer
 * @done: it has ended
 * @error: how; 0 or an errno
 */
struct gpu_request {
	struct gpu_request *next;
	uint64_t offset;
	uint32_t bytes;
	bool write;
	char *data;
	bool queued;
	bool done;
	int error;
};

/**
 * struct gpu_run - requests that are copied as one
 * @first: the list of them, in any order
 * @offset: where they begin
 * @bytes: how long they are together
 */
struct gpu_run {
	struct gpu_request *first;
	uint64_t offset;
	uint64_t bytes;
};

/* Takes @r from the list that begins at @list. */
static inline void gpu_unlink(struct gpu_request **list, struct gpu_request *r)
{
	while (*list != r)
		list = &(*list)->next;
	*list = r->next;
	r->next = NULL;
}

static inline void gpu_run_add(struct gpu_run *run, struct gpu_request *r)
{
	if (r->offset < run->offset)
		run->offset = r->offset;
	run->bytes += r->bytes;
	r->next = run->first;
	run->first = r;
}

/* Is @r the next, or the one before, of the run, in the same direction? */
static inline bool gpu_run_joins(const struct gpu_run *run,
				 const struct gpu_request *r, bool write,
				 uint64_t most)
{
	return r->write == write && run->bytes + r->bytes <= most &&
	       (r->offset == run->offset + run->bytes ||
		r->offset + r->bytes == run->offset);
}

/*
 * Takes @r and its neighbours, @most bytes in all, from the waiting ones. A request
 * that is larger is a run by itself.
 */
static inline struct gpu_run gpu_run_take(struct gpu_request **waiting,
					  struct gpu_request *r, uint64_t most)
{
	struct gpu_run run = { NULL, r->offset, 0 };
	struct gpu_request *next;

	do {
		r->queued = false;
		gpu_unlink(waiting, r);
		gpu_run_add(&run, r);
		for (next = *waiting; next; next = next->next)
			if (gpu_run_joins(&run, next, r->write, most))
				break;
		r = next;
	} while (r);
	return run;
}

/* "PLATFORM:DEVICE", two numbers; false and nothing set: it is none. */
static inline bool gpu_parse_device(const char *text, unsigned int *platform,
				    unsigned int *device)
{
	unsigned long p, d;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	p = strtoul(text, &end, 10);
	if (*end != ':' || end[1] < '0' || end[1] > '9')
		return false;
	d = strtoul(end + 1, &end, 10);
	if (*end || p > GPU_NUMBER_MAX || d > GPU_NUMBER_MAX)
		return false;
	*platform = p;
	*device = d;
	return true;
}

#endif
