// SPDX-License-Identifier: GPL-2.0
/*
 * arena.c - malloc() and free() over one large region, by memkind's fixed kind
 *
 * cc -pthread arena.c $(pkg-config --cflags --libs libtw) -lmemkind
 *
 * Three threads allocate, grow and free, while the region's pages are sent to the slowest
 * store again and again. Each checks what it has written before it lets go of it, that
 * calloc() gives zeroes, and that all of it lies in the region.
 */
#include <errno.h>
#include <memkind.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tw.h>

/* The allocator sets pieces of 2 MiB aside for each thread. */
#define BYTES	(64UL << 20)
#define THREADS	3
#define ROUNDS	5000
#define HELD	300
#define LARGEST	20000

/**
 * struct piece - what a thread holds
 * @p: the memory, or NULL
 * @size: its bytes
 * @value: each of them
 */
struct piece {
	unsigned char *p;
	size_t size;
	unsigned char value;
};

/**
 * struct worker - a thread, and what it has found
 * @kind: where it allocates
 * @base: the region's first byte
 * @seed: of its own choices
 * @operations: calls of the allocator
 * @full: of these, those that found no room
 * @wrong: bytes or addresses that are not as they must be
 */
struct worker {
	pthread_t thread;
	memkind_t kind;
	unsigned char *base;
	unsigned int seed;
	unsigned long operations;
	unsigned long full;
	unsigned long wrong;
};

static unsigned long differing(const unsigned char *p, size_t size, unsigned char value)
{
	unsigned long nr = 0;
	size_t i;

	for (i = 0; i < size; i++)
		nr += p[i] != value;
	return nr;
}

/* Memory that the allocator has given, or NULL; it is counted. */
static unsigned char *given(struct worker *w, void *p, size_t size)
{
	unsigned char *at = p;

	w->operations++;
	if (!p)
		w->full++;
	else if (at < w->base || at + size > w->base + BYTES)
		w->wrong++;
	return at;
}

static void let_go(struct worker *w, struct piece *piece)
{
	w->wrong += differing(piece->p, piece->size, piece->value);
	memkind_free(w->kind, piece->p);
	w->operations++;
	piece->p = NULL;
}

static void grow(struct worker *w, struct piece *piece)
{
	size_t size = piece->size + rand_r(&w->seed) % LARGEST;
	unsigned char *p;

	p = given(w, memkind_realloc(w->kind, piece->p, size), size);
	if (!p)
		return;		/* the old one is still there */
	w->wrong += differing(p, piece->size, piece->value);
	piece->p = p;
	piece->size = size;
	memset(p, piece->value, size);
}

static void take(struct worker *w, struct piece *piece)
{
	piece->size = 1 + rand_r(&w->seed) % LARGEST;
	piece->value = 1 + rand_r(&w->seed) % 255;
	if (rand_r(&w->seed) % 2) {
		piece->p = given(w, memkind_malloc(w->kind, piece->size), piece->size);
	} else {
		piece->p = given(w, memkind_calloc(w->kind, 1, piece->size), piece->size);
		if (piece->p)
			w->wrong += differing(piece->p, piece->size, 0);
	}
	if (piece->p)
		memset(piece->p, piece->value, piece->size);
}

static void *work(void *arg)
{
	struct piece held[HELD] = { { 0 } };
	struct worker *w = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct piece *piece = &held[rand_r(&w->seed) % HELD];

		if (!piece->p)
			take(w, piece);
		else if (rand_r(&w->seed) % 3)
			let_go(w, piece);
		else
			grow(w, piece);
	}
	for (i = 0; i < HELD; i++)
		if (held[i].p)
			let_go(w, &held[i]);
	return NULL;
}

/* The slowest store that is bound, or TW_TIER_NONE. */
static int slowest_store(struct tw *tw)
{
	struct tw_tier_info info;
	int tier;

	for (tier = TW_NR_TIERS - 1; tier >= 0; tier--)
		if (!tw_tier_info(tw, tier, &info) && info.kind == TW_KIND_STORE)
			return tier;
	return TW_TIER_NONE;
}

/* Sends pages away while the threads work. How many went, or -errno. */
static long send_away(struct tw *tw, struct tw_region *region, struct worker *w)
{
	struct tw_move_sum sum = { 0 };
	int i, store = slowest_store(tw), err = 0;
	long moved = 0;

	for (i = 0; store != TW_TIER_NONE && !err && i < 20; i++) {
		err = tw_region_migrate(region, 0, BYTES, store, TW_TIER_NONE,
					TW_REASON_MANUAL, NULL, 0, &sum);
		moved += sum.moved;
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(w[i].thread, NULL);
	return err ? err : moved;
}

/* 0, or -errno: -EIO if a thread has found what must not be. */
static int run(struct tw *tw, struct tw_region *region, memkind_t kind)
{
	struct worker w[THREADS] = { { 0 } };
	unsigned long operations = 0, full = 0, wrong = 0;
	long moved;
	int i;

	for (i = 0; i < THREADS; i++) {
		w[i].kind = kind;
		w[i].base = tw_region_addr(region);
		w[i].seed = i + 1;
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			exit(1);
	}
	moved = send_away(tw, region, w);
	if (moved < 0)
		return moved;
	for (i = 0; i < THREADS; i++) {
		operations += w[i].operations;
		full += w[i].full;
		wrong += w[i].wrong;
	}
	printf("%d threads, %lu operations, %lu without room, %lu wrong\n", THREADS,
	       operations, full, wrong);
	printf("%ld pages went to a store meanwhile\n", moved);
	return wrong || full == operations ? -EIO : 0;
}

int main(void)
{
	struct tw_region *region = NULL;
	struct tw *tw = NULL;
	memkind_t kind;
	int err;

	err = tw_open(NULL, &tw);
	if (!err)
		err = tw_region_create(tw, BYTES, TW_TIER_CPU, 0, NULL, &region);
	if (!err && memkind_create_fixed(tw_region_addr(region), BYTES, &kind))
		err = -EINVAL;
	if (!err) {
		err = run(tw, region, kind);
		memkind_destroy_kind(kind);
	}
	if (err)
		fprintf(stderr, "arena: %s\n", strerror(-err));
	tw_region_close(region);
	tw_close(tw);
	return err ? 1 : 0;
}
