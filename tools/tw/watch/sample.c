// SPDX-License-Identifier: GPL-2.0
/*
 * All pages of regions, as they are now.
 *
 * The driver lists pages by temperature, one call after the other. One that
 * changes its temperature meanwhile may be met twice or not at all: those that
 * were there the time before and are missing now are looked up by number.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/borrow.h"
#include "machine/maps.h"
#include "tw.h"
#include "watch/record_file.h"
#include "watch/sample.h"

#define BATCH	256

static int append(struct sampler *s, const struct sample_page *page)
{
	struct sample_page *more;
	size_t room = s->room;

	if (s->nr == room) {
		room = room ? 2 * room : 1024;
		more = reallocarray(s->pages, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		s->pages = more;
		s->room = room;
	}
	s->pages[s->nr++] = *page;
	return 0;
}

/* Remembers whose a region is. */
static int label(struct sampler *s, __u64 region, __u64 agent)
{
	struct sample_label *more;
	size_t i = s->nr_labels;

	while (i--)
		if (s->labels[i].region == region)
			return 0;
	more = reallocarray(s->labels, s->nr_labels + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->labels = more;
	s->labels[s->nr_labels].region = region;
	s->labels[s->nr_labels++].agent = agent;
	return 0;
}

/* A page that was listed or looked up, if it is wanted. */
static int meet(struct sampler *s, const struct tw_page *p)
{
	struct sample_page page = {
		.region = p->owner,
		.index = TW_PAGE_INDEX(p->page),
		.heat = p->heat,
		.tier = p->tier,
	};
	int err;

	if (p->status || p->tier >= TW_NR_TIERS ||
	    p->flags & TW_PAGE_EXTERNAL ||
	    (s->by_agent && p->agent != s->agent))
		return 0;
	/* Pages of a region come in a row. */
	if (page.region != s->met) {
		s->met_wanted = !s->only || maps_find(s->only, page.region);
		err = s->met_wanted ? label(s, page.region, p->agent) : 0;
		if (err)
			return err;
		s->met = page.region;
	}
	return s->met_wanted ? append(s, &page) : 0;
}

static int list(struct sampler *s, int temperature)
{
	struct tw_page infos[BATCH];
	__u64 cursor = 0;
	int i, n, err = 0;

	do {
		n = tw_page_list(s->tw, TW_TIER_NONE, temperature, &cursor,
				 infos, BATCH);
		if (n < 0)
			return n;
		for (i = 0; i < n && !err; i++)
			err = meet(s, &infos[i]);
	} while (cursor && !err);
	return err;
}

static int compare(const struct sample_page *a, const struct sample_page *b)
{
	if (a->region != b->region)
		return a->region < b->region ? -1 : 1;
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	return 0;
}

/*
 * The lists are each in order, so merging them by halves is quick; and it is
 * stable, which qsort() need not be.
 */
static void merge_sort(struct sample_page *pages, size_t nr,
		       struct sample_page *spare)
{
	size_t half = nr / 2, i = 0, j = half, k = 0;

	if (nr < 2)
		return;
	merge_sort(pages, half, spare);
	merge_sort(pages + half, nr - half, spare);
	if (compare(&pages[half - 1], &pages[half]) <= 0)
		return;
	while (i < half && j < nr)
		spare[k++] = compare(&pages[i], &pages[j]) <= 0 ?
			     pages[i++] : pages[j++];
	while (i < half)
		spare[k++] = pages[i++];
	/* What is left of the second half is where it belongs. */
	memcpy(pages, spare, k * sizeof(*pages));
}

size_t sample_sort(struct sample_page *pages, size_t nr)
{
	struct sample_page *spare = calloc(nr + 1, sizeof(*spare));
	size_t i, k = 0;

	if (!spare)
		return 0;
	merge_sort(pages, nr, spare);
	free(spare);
	for (i = 0; i < nr; i++) {
		if (k && !compare(&pages[k - 1], &pages[i]))
			pages[k - 1] = pages[i];
		else
			pages[k++] = pages[i];
	}
	return k;
}

static int sort(struct sampler *s)
{
	size_t nr = s->nr;

	s->nr = sample_sort(s->pages, nr);
	return nr && !s->nr ? -ENOMEM : 0;
}

static int look_up(struct sampler *s, const __u64 *numbers, size_t nr)
{
	struct tw_page infos[BATCH];
	size_t i;
	int err;

	err = tw_page_info(s->tw, numbers, nr, infos);
	for (i = 0; i < nr && !err; i++)
		err = meet(s, &infos[i]);
	return err;
}

/* Those of the last time that are missing now. */
static int find_missing(struct sampler *s)
{
	size_t i, k = 0, nr = 0, there = s->nr;
	__u64 numbers[BATCH];
	int err = 0;

	for (i = 0; i < s->nr_last && !err; i++) {
		const struct sample_page *p = &s->last[i];

		while (k < there && compare(&s->pages[k], p) < 0)
			k++;
		if (k < there && !compare(&s->pages[k], p))
			continue;
		numbers[nr++] = TW_PAGE(p->region, p->index);
		if (nr == BATCH) {
			err = look_up(s, numbers, nr);
			nr = 0;
		}
	}
	if (!err && nr)
		err = look_up(s, numbers, nr);
	if (!err && s->nr > there)
		err = sort(s);
	return err;
}

int sample_take(struct sampler *s)
{
	struct sample_page *pages = s->last;
	struct borrowed files = { 0 };
	size_t room = s->room_last;
	int t, err;

	err = s->pid ? borrow_of(&files, s->pid) : borrow_of_all(&files);
	/* What there was becomes what was last; its memory is used again. */
	s->last = s->pages;
	s->nr_last = s->nr;
	s->room_last = s->room;
	s->pages = pages;
	s->room = room;
	s->nr = 0;
	for (t = 0; t < TW_NR_CLASSES && !err; t++)
		err = list(s, t);
	if (!err)
		err = sort(s);
	if (!err)
		err = find_missing(s);
	/* Not kept until the next time: what its program has left should end. */
	borrow_return(&files);
	return err;
}

__u64 sample_agent(const struct sampler *s, __u64 region)
{
	size_t i;

	for (i = 0; i < s->nr_labels; i++)
		if (s->labels[i].region == region)
			return s->labels[i].agent;
	return 0;
}

void sample_free(struct sampler *s)
{
	free(s->pages);
	free(s->last);
	free(s->labels);
}

size_t sample_runs(const struct sample_page *pages, size_t nr,
		   struct rec_run *runs)
{
	struct rec_run *run = NULL;
	size_t i, n = 0;

	for (i = 0; i < nr; i++) {
		const struct sample_page *p = &pages[i];

		if (run && run->region == p->region &&
		    run->index + run->nr == p->index &&
		    run->heat == p->heat && run->tier == p->tier) {
			run->nr++;
			continue;
		}
		run = &runs[n++];
		run->region = p->region;
		run->index = p->index;
		run->nr = 1;
		run->heat = p->heat;
		run->tier = p->tier;
	}
	return n;
}
