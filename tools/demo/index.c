// SPDX-License-Identifier: GPL-2.0
/*
 * index.c - building and asking the word index
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "demo.h"
#include "index.h"

#define POOL_BYTES	(64 << 10)
#define FIRST_SLOTS	4096
#define FIRST_ROOM	2
#define MOST_ROOM	128
#define MIN_WORD	2
#define MAX_WORD	40

/* -- building ------------------------------------------------------------ */

/* Letters and digits in lower case, 0 for what separates words. */
static unsigned char fold[256];

static void fold_init(void)
{
	int c;

	for (c = 'a'; c <= 'z'; c++)
		fold[c] = fold[c - 'a' + 'A'] = c;
	for (c = '0'; c <= '9'; c++)
		fold[c] = c;
}

/* The rest of a pool that is too short is left behind. */
static uint64_t pool_alloc(struct index *index, enum pool_kind kind,
			   uint64_t bytes)
{
	struct pool *pool = &index->root->pool[kind];
	uint64_t at;

	bytes = (bytes + 7) & ~7ULL;
	if (bytes > pool->end - pool->at) {
		at = arena_alloc(&index->arena, POOL_BYTES);
		if (!at)
			return 0;
		pool->at = at;
		pool->end = at + POOL_BYTES;
	}
	at = pool->at;
	pool->at += bytes;
	return at;
}

int index_init(struct index *index, void *base, uint64_t size)
{
	uint64_t at;

	fold_init();
	arena_init(&index->arena, base, size);
	at = arena_alloc(&index->arena, sizeof(*index->root));
	if (!at)
		return -ENOSPC;
	index->root = arena_at(&index->arena, at);
	at = arena_alloc(&index->arena, FIRST_SLOTS * sizeof(struct slot));
	if (!at)
		return -ENOSPC;
	index->root->slots = at;
	index->root->nr_slots = FIRST_SLOTS;
	return 0;
}

static inline struct word *word_at(const struct index *index, uint32_t unit)
{
	return arena_at(&index->arena, 8ULL * unit);
}

static struct slot *find_slot(struct slot *slots, uint64_t nr, uint32_t hash)
{
	uint64_t i;

	for (i = hash & (nr - 1); slots[i].word; i = (i + 1) & (nr - 1))
		;
	return &slots[i];
}

/* The old table stays behind, as a bump allocator has it. */
static int grow_table(struct index *index)
{
	struct index_root *root = index->root;
	struct slot *from = arena_at(&index->arena, root->slots), *to;
	uint64_t nr = 2 * root->nr_slots, at, i;

	at = arena_alloc(&index->arena, nr * sizeof(*to));
	if (!at)
		return -ENOSPC;
	to = arena_at(&index->arena, at);
	for (i = 0; i < root->nr_slots; i++)
		if (from[i].word)
			*find_slot(to, nr, from[i].hash) = from[i];
	root->slots = at;
	root->nr_slots = nr;
	return 0;
}

static struct word *new_word(struct index *index, const char *text,
			     uint32_t len, uint32_t hash)
{
	struct index_root *root = index->root;
	struct slot *slot;
	struct word *word;
	uint64_t at;

	if (4 * root->nr_words >= 3 * root->nr_slots && grow_table(index))
		return NULL;
	at = pool_alloc(index, POOL_WORDS, offsetof(struct word, text) + len);
	if (!at)
		return NULL;
	word = arena_at(&index->arena, at);
	word->len = len;
	memcpy(word->text, text, len);
	slot = find_slot(arena_at(&index->arena, root->slots), root->nr_slots,
			 hash);
	slot->hash = hash;
	slot->word = at / 8;
	root->nr_words++;
	return word;
}

static struct word *find_word(struct index *index, const char *text,
			      uint32_t len, uint32_t hash)
{
	struct slot *slots = arena_at(&index->arena, index->root->slots);
	uint64_t mask = index->root->nr_slots - 1, i;
	struct word *word;

	for (i = hash & mask; slots[i].word; i = (i + 1) & mask) {
		if (slots[i].hash != hash)
			continue;
		word = word_at(index, slots[i].word);
		if (word->len == len && !memcmp(word->text, text, len))
			return word;
	}
	return new_word(index, text, len, hash);
}

static struct block *new_block(struct index *index, struct word *word,
			       struct block *last)
{
	uint32_t room = last ? 2 * last->room : FIRST_ROOM;
	struct block *block;
	uint64_t at;

	if (room > MOST_ROOM)
		room = MOST_ROOM;
	at = pool_alloc(index, POOL_BLOCKS,
			sizeof(*block) + room * sizeof(struct posting));
	if (!at)
		return NULL;
	block = arena_at(&index->arena, at);
	block->room = room;
	if (last)
		last->next = at;
	else
		word->first = at / 8;
	word->last = at / 8;
	return block;
}

static int add_posting(struct index *index, struct word *word, uint32_t doc,
		       uint32_t pos)
{
	struct block *block = NULL;

	if (word->last)
		block = arena_at(&index->arena, 8ULL * word->last);
	if (!block || block->used == block->room)
		block = new_block(index, word, block);
	if (!block)
		return -ENOSPC;
	block->posting[block->used].doc = doc;
	block->posting[block->used++].pos = pos;
	if (!word->count++ || word->last_doc != doc)
		word->docs++;
	word->last_doc = doc;
	index->root->nr_postings++;
	return 0;
}

static int add_word(struct index *index, const char *text, uint32_t len,
		    uint32_t hash, uint32_t pos)
{
	struct word *word;

	if (len < MIN_WORD || len > MAX_WORD)
		return 0;
	word = find_word(index, text, len, hash);
	if (!word)
		return -ENOSPC;
	return add_posting(index, word, index->root->nr_docs, pos);
}

int index_add(struct index *index, const char *text, uint64_t bytes)
{
	uint32_t len = 0, pos = 0, hash = 2166136261u;
	char word[MAX_WORD];
	unsigned char c;
	uint64_t i;

	for (i = 0; i <= bytes; i++) {
		c = i < bytes ? fold[(unsigned char)text[i]] : 0;
		if (c) {
			hash = (hash ^ c) * 16777619u;
			if (len < MAX_WORD)
				word[len] = c;
			len++;
		} else if (len) {
			if (add_word(index, word, len, hash, pos++))
				return -ENOSPC;
			len = 0;
			hash = 2166136261u;
		}
	}
	index->root->nr_docs++;
	return 0;
}

/* -- ranks --------------------------------------------------------------- */

struct ranked {
	uint32_t count;
	uint32_t unit;
};

/* Units are unique, so that the order is. */
static int by_count(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->unit < y->unit ? -1 : 1;
}

int index_rank(struct index *index)
{
	struct index_root *root = index->root;
	struct slot *slots = arena_at(&index->arena, root->slots);
	struct ranked *order = calloc(root->nr_words + 1, sizeof(*order));
	uint64_t i, nr = 0, at;
	uint32_t *ranks;

	at = arena_alloc(&index->arena, root->nr_words * sizeof(*ranks));
	if (!order || !at) {
		free(order);
		return -ENOSPC;
	}
	for (i = 0; i < root->nr_slots; i++) {
		if (!slots[i].word)
			continue;
		order[nr].count = word_at(index, slots[i].word)->count;
		order[nr++].unit = slots[i].word;
	}
	qsort(order, nr, sizeof(*order), by_count);
	ranks = arena_at(&index->arena, at);
	for (i = 0; i < nr; i++)
		ranks[i] = order[i].unit;
	root->ranks = at;
	free(order);
	return 0;
}

/* -- asking -------------------------------------------------------------- */

const struct word *index_word(const struct index *index, uint64_t rank)
{
	const uint32_t *ranks = arena_at(&index->arena, index->root->ranks);

	return word_at(index, ranks[rank]);
}

static inline uint64_t mix(uint64_t sum, const struct posting *posting)
{
	uint64_t v = (uint64_t)posting->doc << 32 | posting->pos;

	sum = (sum ^ v) * 0x9e3779b97f4a7c15ULL;
	return sum ^ sum >> 29;
}

/* A place in a word's postings. */
struct cursor {
	const struct index *index;
	const struct block *block;
	uint32_t at;
};

static void cursor_init(struct cursor *cursor, const struct index *index,
			const struct word *word)
{
	cursor->index = index;
	cursor->block = arena_at(&index->arena, 8ULL * word->first);
	cursor->at = 0;
}

static const struct posting *cursor_get(struct cursor *cursor)
{
	while (cursor->block && cursor->at == cursor->block->used) {
		cursor->at = 0;
		cursor->block = !cursor->block->next ? NULL :
			arena_at(&cursor->index->arena, cursor->block->next);
	}
	return cursor->block ? &cursor->block->posting[cursor->at] : NULL;
}

/* On to the first posting of @doc or a later file; whole blocks are skipped. */
static const struct posting *cursor_seek(struct cursor *cursor, uint32_t doc)
{
	const struct posting *posting = cursor_get(cursor);
	const struct block *block;

	while (posting && posting->doc < doc) {
		block = cursor->block;
		if (block->posting[block->used - 1].doc < doc)
			cursor->at = block->used;
		else
			cursor->at++;
		posting = cursor_get(cursor);
	}
	return posting;
}

void index_both(const struct index *index, const struct word *a,
		const struct word *b, struct answer *answer)
{
	const struct posting *p, *q;
	struct cursor x, y;

	answer->count = 0;
	answer->sum = 0;
	cursor_init(&x, index, a);
	cursor_init(&y, index, b);
	p = cursor_get(&x);
	q = cursor_get(&y);
	while (p && q) {
		if (p->doc == q->doc) {
			answer->count++;
			answer->sum = mix(mix(answer->sum, p), q);
			p = cursor_seek(&x, p->doc + 1);
		} else if (p->doc < q->doc) {
			p = cursor_seek(&x, q->doc);
		} else {
			q = cursor_seek(&y, p->doc);
		}
	}
}

void index_count(const struct index *index, const struct word *word,
		 struct answer *answer)
{
	const struct posting *posting;
	struct cursor cursor;

	answer->count = 0;
	answer->sum = 0;
	cursor_init(&cursor, index, word);
	for (; (posting = cursor_get(&cursor)); cursor.at++) {
		answer->count++;
		answer->sum = mix(answer->sum, posting);
	}
}
