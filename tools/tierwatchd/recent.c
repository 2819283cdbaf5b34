// SPDX-License-Identifier: GPL-2.0
/*
 * What was done to which pages lately.
 *
 * A page's number names a set of four entries, and a new page takes the oldest one's
 * place. What is forgotten too soon may be tried again too soon, and no more than
 * that.
 */
#include <errno.h>
#include <stdlib.h>

#include "recent.h"

#define TD_SET_BITS	14
#define TD_SETS		(1U << TD_SET_BITS)
#define TD_WAYS		4U
#define TD_MARKS	(TD_SETS * TD_WAYS)

int td_recent_init(struct td_recent *r)
{
	r->mark = calloc(TD_MARKS, sizeof(*r->mark));
	return r->mark ? 0 : -ENOMEM;
}

void td_recent_end(struct td_recent *r)
{
	free(r->mark);
	r->mark = NULL;
}

static struct td_mark *set_of(const struct td_recent *r, __u64 page)
{
	__u64 hash = page * 0x9E3779B97F4A7C15ULL;

	return &r->mark[(hash >> (64 - TD_SET_BITS)) * TD_WAYS];
}

void td_recent_note(struct td_recent *r, __u64 page, __u32 pages,
		    enum td_what what, __u32 tick)
{
	struct td_mark *m = set_of(r, page), *end = m + TD_WAYS, *take = m;

	for (; m < end; m++) {
		if (m->what && m->page == page) {
			take = m;
			break;
		}
		if (take->what && (!m->what || tick - m->tick > tick - take->tick))
			take = m;
	}
	*take = (struct td_mark){
		.page = page, .tick = tick, .what = what, .pages = pages,
	};
}

enum td_what td_recent_of(const struct td_recent *r, __u64 page, __u32 tick)
{
	const struct td_mark *m = set_of(r, page), *end = m + TD_WAYS;
	__u32 lasts;

	for (; m < end; m++) {
		if (!m->what || m->page != page)
			continue;
		lasts = m->what == TD_REFUSED || m->what == TD_TOLD ?
			TD_REFUSED_TICKS : TD_LEAVE_TICKS;
		return tick - m->tick < lasts ? m->what : TD_NOTHING;
	}
	return TD_NOTHING;
}

size_t td_recent_sent(const struct td_recent *r, __u32 tick,
		      struct td_mark *out, size_t max)
{
	unsigned int i, at = tick * 7919U;
	size_t nr = 0;

	/* From elsewhere each time: those in front are no sample of all. */
	for (i = 0; i < TD_MARKS && nr < max; i++, at++) {
		const struct td_mark *m = &r->mark[at % TD_MARKS];

		if ((m->what == TD_SENT || m->what == TD_PAGED) &&
		    tick - m->tick == TD_JUDGE_TICKS)
			out[nr++] = *m;
	}
	return nr;
}
