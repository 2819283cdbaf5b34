// SPDX-License-Identifier: GPL-2.0
/*
 * check.c - gpu-check: how fast a card's memory is, and whether it gives back what it got
 *
 * Copies as the server does: from and to pinned buffers, each lane by a thread of its
 * own, pieces of 4 KiB to 4 MiB at depths of 1 to 64. First the bytes of all of the
 * memory are written, read back and compared. A table of GB/s and microseconds, or JSON.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calc.h"
#include "card.h"

#define LANE_BYTES	(4UL << 20)
#define LANES		64U
#define CHECK_BYTES	(512ULL << 20)
#define NS_PER_SEC	1000000000ULL

/**
 * struct job - what a thread does
 * @card: with it
 * @lane: its own
 * @piece: bytes of a copy
 * @write: towards the card
 * @all: bytes of the card's memory that are used
 * @until_ns: when it ends
 * @copies: out: how many it made
 * @failed: out: one of them failed
 */
struct job {
	pthread_t thread;
	struct card *card;
	unsigned int lane;
	size_t piece;
	bool write;
	uint64_t all;
	uint64_t until_ns;
	uint64_t copies;
	bool failed;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static void *copy(void *arg)
{
	struct job *j = arg;
	uint64_t random = (j->lane + 1) * 0x9e3779b97f4a7c15ULL;

	do {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		j->failed |= card_copy(j->card, j->lane,
				       (random >> 33) % (j->all / j->piece) * j->piece,
				       j->piece, j->write) != 0;
		j->copies++;
	} while (now_ns() < j->until_ns && !j->failed);
	return NULL;
}

/* Of one size and depth; prints a line of the table. */
static int measure(struct card *c, uint64_t all, size_t piece, unsigned int depth, bool write,
		   uint64_t ns)
{
	struct job job[LANES] = { 0 };
	uint64_t begin = now_ns(), copies = 0, took;
	unsigned int i, begun;
	bool failed = false;

	for (begun = 0; begun < depth; begun++) {
		job[begun] = (struct job){ .card = c, .lane = begun, .piece = piece,
					   .write = write, .all = all, .until_ns = begin + ns };
		if (pthread_create(&job[begun].thread, NULL, copy, &job[begun]))
			break;
	}
	for (i = 0; i < begun; i++) {
		pthread_join(job[i].thread, NULL);
		copies += job[i].copies;
		failed |= job[i].failed;
	}
	took = now_ns() - begin;
	if (failed || begun < depth)
		return -1;
	printf("%-8s %7zu KiB %6u %10.3f GB/s %10.1f us\n", write ? "to card" : "to host",
	       piece >> 10, depth, (double)copies * piece / took,
	       (double)took * depth / copies / 1000);
	return 0;
}

static uint64_t word(uint64_t at)
{
	return (at + 1) * 0xc2b2ae3d27d4eb4fULL;
}

/* All of it is written before any of it is read. */
static int verify(struct card *c, uint64_t all)
{
	uint64_t *mem = card_lane(c, 0), at, i;

	for (at = 0; at < all; at += LANE_BYTES) {
		for (i = 0; i < LANE_BYTES / 8; i++)
			mem[i] = word(at / 8 + i);
		if (card_copy(c, 0, at, LANE_BYTES, true))
			return -1;
	}
	for (at = 0; at < all; at += LANE_BYTES) {
		memset(mem, 0, LANE_BYTES);
		if (card_copy(c, 0, at, LANE_BYTES, false))
			return -1;
		for (i = 0; i < LANE_BYTES / 8; i++)
			if (mem[i] != word(at / 8 + i))
				return -1;
	}
	return 0;
}

/* Three quarters go and come again, as far as others leave them, and what stays is whole. */
static int give_back(struct card *c, uint64_t all)
{
	const uint64_t kept = all / 4;
	uint64_t before, after, *mem = card_lane(c, 0), i;
	bool known = !card_free(c, &before);
	char why[512];

	if (card_resize(c, kept, why, sizeof(why)))
		return -1;
	known = known && !card_free(c, &after);
	if (card_resize(c, all, why, sizeof(why))) {
		fprintf(stderr, "gpu-check: %s\n", why);
		return -1;
	}
	if (card_copy(c, 0, 0, LANE_BYTES, false))
		return -1;
	for (i = 0; i < LANE_BYTES / 8; i++)
		if (mem[i] != word(i))
			return -1;
	if (known)
		printf("given back: %llu MiB; free were %llu, then %llu MiB\n",
		       (unsigned long long)(all - kept) >> 20, (unsigned long long)before >> 20,
		       (unsigned long long)after >> 20);
	else
		printf("given back: %llu MiB; the card does not tell what is free\n",
		       (unsigned long long)(all - kept) >> 20);
	return 0;
}

static int table(struct card *c, uint64_t all, uint64_t ns)
{
	unsigned int depth;
	size_t piece;
	int write;

	printf("%-8s %11s %6s %15s %13s\n", "WAY", "PIECE", "DEPTH", "RATE", "EACH");
	for (write = 1; write >= 0; write--)
		for (piece = 4096; piece <= LANE_BYTES; piece *= 4)
			for (depth = 1; depth <= LANES; depth *= 4)
				if (measure(c, all, piece, depth, write, ns))
					return -1;
	return 0;
}

static int say_usage(void)
{
	fprintf(stderr, "usage: gpu-check [MILLISECONDS [PLATFORM:DEVICE]]\nEach of 48 figures is measured for so long, 1 to 3000 ms (1000)\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct card_wish wish = { .bytes = CHECK_BYTES, .lanes = LANES, .lane_bytes = LANE_BYTES };
	unsigned long ms = 1000;
	char why[512], *end;
	struct card *c;
	int code = 1;

	if (argc > 1) {
		ms = strtoul(argv[1], &end, 10);
		if (*end || !ms || ms > 3000)
			return say_usage();
	}
	wish.given = argc > 2;
	if (argc > 3 || (argc > 2 && !gpu_parse_device(argv[2], &wish.platform, &wish.device)))
		return say_usage();
	c = card_open(&wish, why, sizeof(why));
	if (!c) {
		fprintf(stderr, "gpu-check: %s\n", why);
		return 1;
	}
	printf("card: %s, %llu MiB of its memory, pinned buffers\n", card_name(c),
	       CHECK_BYTES >> 20);
	if (verify(c, CHECK_BYTES))
		fprintf(stderr, "gpu-check: %s gave back other bytes than it got, or failed\n",
			card_name(c));
	else if (puts("bytes: all as they were written") < 0 || give_back(c, CHECK_BYTES))
		fprintf(stderr, "gpu-check: %s did not give its memory back and take it again\n",
			card_name(c));
	else if (table(c, CHECK_BYTES, ms * 1000000))
		fprintf(stderr, "gpu-check: a copy failed\n");
	else
		code = fflush(stdout) ? 1 : 0;
	card_close(c);
	return code;
}
