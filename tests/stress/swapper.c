// SPDX-License-Identifier: GPL-2.0
/*
 * swapper: a program that knows nothing of tiers, with checked memory.
 *
 *	swapper [--huge] [--forever] PAGES ROUNDS SEED
 *
 * Fills PAGES anonymous pages, then touches them in random order, ROUNDS times as many
 * as there are: each touch checks the page, and every third writes it anew. Says how
 * many pages it has found wrong, and ends with 1 if any was. With --forever it goes on
 * until it is killed, and says "wrong" at once.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define WORDS	512	/* of a page */

static uint64_t state;

static uint64_t random64(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* What a page holds is told by its number, how often it was written, and the seed. */
static uint64_t word(size_t page, uint32_t version, uint64_t seed, int at)
{
	return (page + 1) * 0x9e3779b97f4a7c15ULL ^ (uint64_t)version << 40 ^ seed << 20 ^ at;
}

static void write_page(uint64_t *to, size_t page, uint32_t version, uint64_t seed)
{
	int i;

	for (i = 0; i < WORDS; i++)
		to[i] = word(page, version, seed, i);
}

static bool good(const uint64_t *from, size_t page, uint32_t version, uint64_t seed)
{
	int i;

	for (i = 0; i < WORDS; i += 37)
		if (from[i] != word(page, version, seed, i))
			return false;
	return from[WORDS - 1] == word(page, version, seed, WORDS - 1);
}

static void misused(void)
{
	fprintf(stderr, "usage: swapper [--huge] [--forever] PAGES ROUNDS SEED\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "huge", no_argument, NULL, 'h' },
		{ "forever", no_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	bool huge = false, forever = false;
	size_t pages, touches, wrong = 0, i;
	uint64_t (*memory)[WORDS], seed;
	uint32_t *version;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'h':
			huge = true;
			break;
		case 'f':
			forever = true;
			break;
		default:
			misused();
		}
	}
	if (argc - optind != 3)
		misused();
	pages = strtoul(argv[optind], NULL, 0);
	touches = strtoul(argv[optind + 1], NULL, 0) * pages;
	seed = strtoul(argv[optind + 2], NULL, 0);
	state = seed * 2654435761U + 88172645463325252ULL;

	/* Its own text and data are not what is tried. */
	mlockall(MCL_CURRENT);
	memory = mmap(NULL, pages * sizeof(*memory), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	version = calloc(pages, sizeof(*version));
	if (memory == MAP_FAILED || !version) {
		perror("swapper");
		return 2;
	}
	madvise(memory, pages * sizeof(*memory), huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);

	for (i = 0; i < pages; i++)
		write_page(memory[i], i, 0, seed);
	while (forever || touches--) {
		i = random64() % pages;
		if (!good(memory[i], i, version[i], seed)) {
			wrong++;
			printf("wrong: page %zu\n", i);
			fflush(stdout);
		}
		if (random64() % 3 == 0)
			write_page(memory[i], i, ++version[i], seed);
	}
	for (i = 0; i < pages; i++)
		wrong += !good(memory[i], i, version[i], seed);
	printf("%zu of %zu pages wrong\n", wrong, pages);
	return wrong != 0;
}
