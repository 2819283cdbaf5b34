// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of regions, as they are now: all of them, or those of one chunk in so many.
 *
 * How many are looked at is bounded. Where there are more, every other chunk is left
 * out, and every other of those that remain, until they are few enough. The chunks of a
 * look are so among those of the look before, or the other way round, and a page that
 * is seen at all is seen again and again.
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
		s->met_wanted = !s->only || maps_find(s->only, page.region);
		err = s->met_wanted ? label(s, page.region, p->agent) : 0;
		if (err)
			return err;
		s->met = page.region;
	}
	return s->met_wanted ? append(s, &page) : 0;
}

/* Pages from @cursor to @last; -EOVERFLOW: more than may be looked at. */
static int look_at(struct sampler *s, __u64 cursor, __u64 last)
{
	struct tw_page infos[BATCH];
	int i, n, err = 0;

	do {
		n = tw_page_sample(s->tw, s->every, &cursor, infos, BATCH);
		if (n < 0)
			return n;
		for (i = 0; i < n && !err; i++) {
			/* External pages, which are of no region, come last. */
			if (!(infos[i].page & TW_PAGE_STABLE) ||
			    infos[i].page > last)
				return 0;
			if (s->most && s->looked == s->most)
				return -EOVERFLOW;
			s->looked++;
			err = meet(s, &infos[i]);
		}
	} while (!err && cursor & TW_PAGE_STABLE && cursor <= last);
	return err;
}

/* The first page of the wanted region that has the lowest number from @from on, or 0. */
static __u64 next_wanted(const struct map_list *only, __u64 from)
{
	__u64 next = 0, page;
	size_t i;

	for (i = 0; i < only->nr; i++) {
		page = TW_PAGE(only->map[i].id, 0);
		if (page >= from && (!next || page < next))
			next = page;
	}
	return next;
}

static int look(struct sampler *s)
{
	__u64 page = 0, last;
	int err = 0;

	s->nr = 0;
	s->looked = 0;
	if (!s->only)
		return look_at(s, 0, ~0ULL);
	while (!err && (page = next_wanted(s->only, page))) {
		last = page | TW_PAGE_INDEX(~0ULL);
		err = look_at(s, page, last);
		page = last;
	}
	return err;
}

int sample_take(struct sampler *s)
{
	struct borrowed files = { 0 };
	int err;

	err = s->pid ? borrow_of(&files, s->pid) : borrow_of_all(&files);
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
