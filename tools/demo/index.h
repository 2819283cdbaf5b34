/* SPDX-License-Identifier: GPL-2.0 */
/*
 * index.h - an inverted word index in an arena: for each word the places where
 * it occurs, in order
 *
 * Building it from the same files leaves the same bytes in any arena.
 */
#ifndef _INDEX_H
#define _INDEX_H

#include <stdint.h>

#include "arena.h"

/**
 * struct posting - one occurrence of a word
 * @doc: number of the file
 * @pos: the how manieth word of it
 */
struct posting {
	uint32_t doc;
	uint32_t pos;
};

/**
 * struct block - some postings of one word
 * @next: the next block, 0 at the end
 * @used: of @room
 * @room: postings that fit
 * @posting: in order of doc, pos
 */
struct block {
	uint64_t next;
	uint32_t used;
	uint32_t room;
	struct posting posting[];
};

/**
 * struct word - a word; offsets are in units of 8 bytes
 * @first: its first block
 * @last: its last block
 * @count: occurrences
 * @docs: files that it occurs in
 * @last_doc: the last of them
 * @len: of @text
 * @text: in lower case, without a NUL
 */
struct word {
	uint32_t first;
	uint32_t last;
	uint32_t count;
	uint32_t docs;
	uint32_t last_doc;
	uint8_t len;
	char text[];
};

/* A slot of the hash table: @word is an offset in units of 8 bytes, too. */
struct slot {
	uint32_t hash;
	uint32_t word;
};

/*
 * What is small and asked for often lies together, apart from the postings:
 * each kind is allocated from pools of its own, which the arena hands out.
 */
enum pool_kind {
	POOL_WORDS,
	POOL_BLOCKS,
	POOL_NR,
};

struct pool {
	uint64_t at;
	uint64_t end;
};

/**
 * struct index_root - first thing in the arena
 * @pool: where the next word and the next block go
 * @slots: the hash table, open addressing
 * @nr_slots: a power of two
 * @nr_words: words
 * @nr_docs: files
 * @nr_postings: occurrences
 * @ranks: words in order of their counts, the most frequent first: u32
 *	offsets in units of 8 bytes
 */
struct index_root {
	struct pool pool[POOL_NR];
	uint64_t slots;
	uint64_t nr_slots;
	uint64_t nr_words;
	uint64_t nr_docs;
	uint64_t nr_postings;
	uint64_t ranks;
};

struct index {
	struct arena arena;
	struct index_root *root;
};

/* All return 0 or -ENOSPC when the arena is full. */
int index_init(struct index *index, void *base, uint64_t size);
int index_add(struct index *index, const char *text, uint64_t bytes);
int index_rank(struct index *index);

static inline uint64_t index_bytes(const struct index *index)
{
	return index->arena.used;
}

/* The word of a rank, below root->nr_words. */
const struct word *index_word(const struct index *index, uint64_t rank);

/**
 * struct answer - what a query gives
 * @count: files, or occurrences
 * @sum: checksum over the postings that were looked at
 */
struct answer {
	uint64_t count;
	uint64_t sum;
};

/* Files that have both words. */
void index_both(const struct index *index, const struct word *a,
		const struct word *b, struct answer *answer);
/* Occurrences of a word. */
void index_count(const struct index *index, const struct word *word,
		 struct answer *answer);

#endif
