// SPDX-License-Identifier: GPL-2.0
/*
 * Candidates of the driver, as pages that may be moved.
 *
 * The kernel moves a huge page whole when any of its pages is named once, and splits
 * it when only a part of it is to be paged out. So all of a huge page's candidates
 * become one unit, at the place in the order of the best of them.
 *
 * The driver looks seldom at pages that are not touched, so it may say for a while that
 * a page is where it was before it was moved or paged out. So the kernel is asked where
 * each page is.
 */
#include <errno.h>
#include <stdlib.h>

#include "gather.h"

/* Of td_unit.node, until it is found out, and if there is none. */
#define UNKNOWN		(-1)
#define NOWHERE		(-2)
/* Pages of a program that are asked for at a time. */
#define LOCATE_MAX	1024

/**
 * struct blocks - aligned pieces of memory that a huge page could have
 * @key: number of the first page, 0 where there is none
 * @huge: whether a huge page is there
 * @mask: of places, one less than a power of two
 */
struct blocks {
	__u64 *key;
	bool *huge;
	size_t mask;
};

static int blocks_init(struct blocks *b, size_t nr)
{
	size_t room = 64;

	while (room < 2 * nr)
		room *= 2;
	b->key = calloc(room, sizeof(*b->key));
	b->huge = calloc(room, sizeof(*b->huge));
	b->mask = room - 1;
	return b->key && b->huge ? 0 : -ENOMEM;
}

static void blocks_free(struct blocks *b)
{
	free(b->key);
	free(b->huge);
}

/* The place of a block. *@is_new: it was not there yet. */
static size_t blocks_at(struct blocks *b, __u64 key, bool *is_new)
{
	size_t i = (key * 0x9E3779B97F4A7C15ULL) >> 32 & b->mask;

	while (b->key[i] && b->key[i] != key)
		i = (i + 1) & b->mask;
	*is_new = !b->key[i];
	b->key[i] = key;
	return i;
}

/**
 * struct gathering - one call
 * @programs: the attached programs
 * @recent: what was done lately
 * @blocks: where huge pages are
 * @last: the program that was found last
 * @last_number: the number of its attachment
 */
struct gathering {
	struct td_programs *programs;
	const struct td_recent *recent;
	struct blocks blocks;
	struct td_program *last;
	__u64 last_number;
};

static struct td_program *program_of(struct gathering *g, __u64 page)
{
	if (g->last_number != TW_PAGE_REGION(page)) {
		g->last_number = TW_PAGE_REGION(page);
		g->last = td_program_of(g->programs, page);
		if (g->last && !td_program_ready(g->last))
			g->last = NULL;
	}
	return g->last;
}

/* Fills in which pages it is. False: they are there already. */
static bool whole(struct gathering *g, const struct td_program *p,
		  struct td_unit *u, __u64 page)
{
	__u32 huge = g->programs->huge;
	__u64 block = page - TW_PAGE_INDEX(page) % huge;
	bool is_new;
	size_t at = blocks_at(&g->blocks, block, &is_new);

	if (is_new)
		g->blocks.huge[at] = td_program_huge(g->programs, p,
						     TW_PAGE_INDEX(block));
	u->page = g->blocks.huge[at] ? block : page;
	u->pages = g->blocks.huge[at] ? huge : 1;
	return is_new || !g->blocks.huge[at];
}

static bool take(struct gathering *g, const struct tw_candidate *c,
		 struct td_unit *u)
{
	struct td_program *p = program_of(g, c->page);
	enum td_what what;

	if (!p || !whole(g, p, u, c->page))
		return false;
	what = td_recent_of(g->recent, u->page, g->programs->tick);
	if (what != TD_NOTHING && what != TD_TOLD)
		return false;
	u->told = what == TD_TOLD;
	u->program = p - g->programs->program;
	u->heat = c->heat;
	u->benefit_ns = c->benefit_ns;
	u->node = UNKNOWN;
	u->to = -1;
	u->fate = TD_STAY;
	u->may = td_bound_at(&p->bound, TW_PAGE_INDEX(u->page) *
			     g->programs->page_size);
	return true;
}

/* -- where they are -------------------------------------------------------- */

/* Asks for some of the pages of a program, from the @i-th on. */
static void locate(struct td_programs *programs, struct td_list *list, size_t i)
{
	struct td_unit *unit[LOCATE_MAX] = { &list->unit[i] };
	__u64 page[LOCATE_MAX] = { list->unit[i].page };
	__u32 whose = list->unit[i].program;
	int node[LOCATE_MAX];
	size_t nr = 1, k;
	bool known;

	for (i++; i < list->nr && nr < LOCATE_MAX; i++) {
		struct td_unit *u = &list->unit[i];

		if (u->program != whose || u->node != UNKNOWN)
			continue;
		page[nr] = u->page;
		unit[nr++] = u;
	}
	known = td_program_where(programs, &programs->program[whose], page, nr,
				 node);
	for (k = 0; k < nr; k++)
		unit[k]->node = known && node[k] >= 0 ? node[k] : NOWHERE;
}

/* Keeps what is on one of @nodes. */
static void keep_there(struct td_programs *programs, struct td_list *list,
		       __u64 nodes)
{
	size_t i, kept = 0;

	for (i = 0; i < list->nr; i++) {
		struct td_unit *u = &list->unit[i];

		if (u->node == UNKNOWN)
			locate(programs, list, i);
		if (u->node >= 0 && u->node < TD_NODES && nodes >> u->node & 1)
			list->unit[kept++] = *u;
	}
	list->nr = kept;
}

int td_gather(struct td_list *list, struct td_programs *programs,
	      const struct td_recent *recent, struct tw *tw, int from,
	      __u64 nodes, int to, size_t want)
{
	struct gathering g = { .programs = programs, .recent = recent };
	struct tw_candidate *found = calloc(want, sizeof(*found));
	int i, nr = -ENOMEM;

	list->nr = 0;
	list->unit = calloc(want, sizeof(*list->unit));
	if (!found || !list->unit || blocks_init(&g.blocks, want))
		goto out;
	nr = tw_candidates_flags(tw, from, to, TW_CANDIDATES_ATTACHED, found,
				 want);
	for (i = 0; i < nr; i++)
		if (take(&g, &found[i], &list->unit[list->nr]))
			list->nr++;
	keep_there(programs, list, nodes);
out:
	blocks_free(&g.blocks);
	free(found);
	return nr < 0 ? nr : 0;
}
