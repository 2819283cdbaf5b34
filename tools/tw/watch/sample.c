// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of regions, as they are now: all of them, or those of one chunk in so many.
 *
 * How many are looked at is bounded. Where there are more, one of two chunks is left
 * out, and one of two of those that remain, until they are few enough. The chunks of a
 * look are so among those of the look before, or the other way round, and a page that
 * is seen at all is seen again and again. A chunk that is left out is stepped over, and
 * does not count.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "machine/borrow.h"
#include "machine/maps.h"
#include "tw.h"
#include "watch/record_file.h"
#include "watch/sample.h"

#define BATCH		256
/* Half as many chunks are left out once this part of what may be looked at would do. */
#define FEW		4
#define EVERY_MAX	(1U << 30)

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

/* A page that was listed, if it is wanted. */
static int meet(struct sampler *s, const struct tw_page *p)
{
	struct sample_page page = {
		.region = p->owner,
		.index = TW_PAGE_INDEX(p->page),
		.heat = p->heat,
		.tier = p->tier,
	};
	int err;

	if (p->tier >= TW_NR_TIERS || (s->by_agent && p->agent != s->agent))
		return 0;
	/* Pages of a region come in a row. */
	if (page.region != s->met) {
		err = label(s, page.region, p->agent);
		if (err)
			return err;
		s->met = page.region;
	}
	return append(s, &page);
}

/* Pages from @cursor to before @end; -EOVERFLOW: more than may be looked at. */
static int look_at(struct sampler *s, __u64 cursor, __u64 end)
{
	struct tw_page infos[BATCH];
	unsigned int looked;
	int i, n, err = 0;

	do {
		n = tw_page_sample(s->tw, s->every, &cursor, end, &looked, infos,
				   BATCH);
		if (n < 0)
			return n;
		s->looked += looked;
		if (s->most && s->looked > s->most)
			return -EOVERFLOW;
		for (i = 0; i < n && !err; i++)
			err = meet(s, &infos[i]);
	} while (!err && cursor);
	return err;
}

static int compare(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The first pages of the regions that are wanted, in order, each once. */
static int find_wanted(struct sampler *s)
{
	const struct map_list *only = s->only;
	__u64 *more;
	size_t i;

	more = reallocarray(s->wanted, only->nr + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->wanted = more;
	for (i = 0; i < only->nr; i++)
		more[i] = TW_PAGE(only->map[i].id, 0);
	qsort(more, only->nr, sizeof(*more), compare);
	s->nr_wanted = 0;
	for (i = 0; i < only->nr; i++)
		if (!i || more[i] != more[s->nr_wanted - 1])
			more[s->nr_wanted++] = more[i];
	return 0;
}

static int look(struct sampler *s)
{
	size_t i;
	int err = 0;

	s->nr = 0;
	s->met = 0;
	s->looked = 0;
	if (!s->only)
		return look_at(s, 0, ~0ULL);
	for (i = 0; i < s->nr_wanted && !err; i++)
		err = look_at(s, s->wanted[i],
			      s->wanted[i] + TW_REGION_MAX_PAGES);
	return err;
}

int sample_check(struct tw *tw)
{
	__u64 cursor = TW_PAGE(1, 0);
	struct tw_page info;
	int n = tw_page_sample(tw, 1, &cursor, cursor, NULL, &info, 1);

	return n < 0 ? n : 0;
}

int sample_take(struct sampler *s)
{
	struct borrowed files = { 0 };
	int err;

	err = s->pid ? borrow_of(&files, s->pid) : borrow_of_all(&files);
	if (!err && s->only)
		err = find_wanted(s);
	if (err)
		goto out;
	if (!s->every)
		s->every = 1;
	else if (s->every > 1 && s->looked < s->most / FEW)
		s->every /= 2;
	while ((err = look(s)) == -EOVERFLOW && s->every < EVERY_MAX)
		s->every *= 2;
out:
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
	free(s->labels);
	free(s->wanted);
}

size_t sample_runs(const struct sample_page *pages, size_t nr, bool sparse,
		   struct rec_run *runs)
{
	struct rec_run *run = NULL;
	size_t i, n = 0;

	for (i = 0; i < nr; i++) {
		const struct sample_page *p = &pages[i];

		if (run && run->region == p->region &&
		    run->index + run->nr == p->index &&
		    !(sparse && p->index % TW_CHUNK == 0) &&
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
