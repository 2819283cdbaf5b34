// SPDX-License-Identifier: GPL-2.0
/*
 * What is to become of each page.
 *
 * Hot pages go to a node of the faster tier as long as that has room above its line.
 * Cold ones leave a node that is short: for the slower tier, for another node of their
 * own, or for swap. What is taken is taken from the situation, so that a plan never
 * promises the same room twice; room that a plan makes is there for the next one only,
 * when it has been seen.
 */
#include <string.h>

#include "plan.h"

bool td_short(const struct td_node *n)
{
	return n->free < n->line;
}

bool td_scarce(const struct td_node *n)
{
	return n->free < n->line + n->headroom;
}

bool td_any_scarce(const struct td_situation *s, __u64 nodes)
{
	int i;

	for (i = 0; i < TD_NODES; i++)
		if (nodes >> i & 1 && td_scarce(&s->node[i]))
			return true;
	return false;
}

/*
 * A touch adds as much heat for a huge page as for a small one, and moving it costs
 * as much as moving all of its pages. Pages that are touched in most scans may be
 * touched any number of times in each, so for these a move always pays; the driver
 * has the same rule for regions.
 */
bool td_pays(const struct td_situation *s, const struct td_unit *u,
	     bool exchange)
{
	double saved = (double)u->benefit_ns * s->scans / TD_HEAT_FULL;
	double cost = (double)s->cost_ns * u->pages * (exchange ? 2 : 1);

	if (u->benefit_ns <= 0)
		return false;
	return u->heat >= TD_HEAT_STEADY || saved > cost;
}

/* The node with the most room above its line and @keep headrooms more, or -1. */
static int roomiest(const struct td_situation *s, __u64 nodes,
		    const struct td_unit *u, unsigned int keep)
{
	__u64 most = 0, above, room;
	int i, found = -1;

	nodes &= u->may & ~(1ULL << u->node);
	for (i = 0; i < TD_NODES; i++) {
		const struct td_node *n = &s->node[i];

		if (!(nodes >> i & 1))
			continue;
		above = n->line + keep * n->headroom;
		room = n->free > above ? n->free - above : 0;
		/* The kernel would split a huge page for which it has no other. */
		if (room < u->pages || room <= most ||
		    (u->pages > 1 && !n->huge))
			continue;
		most = room;
		found = i;
	}
	return found;
}

static void move(struct td_situation *s, struct td_unit *u, int to)
{
	u->fate = TD_MOVE;
	u->to = to;
	s->node[to].free -= u->pages;
	if (u->pages > 1)
		s->node[to].huge--;
	s->budget -= u->pages;
}

__u64 td_plan_hot(struct td_situation *s, struct td_list *hot)
{
	__u64 waiting = 0, kept = 0;
	struct td_unit *u;
	int to;

	/* What is short of room must not wait for what is hot. */
	if (td_any_scarce(s, s->fast | s->slow))
		kept = s->budget / 2;
	s->budget -= kept;
	for (u = hot->unit; u < hot->unit + hot->nr; u++) {
		if (u->pages > s->budget || !td_pays(s, u, false))
			continue;
		to = roomiest(s, s->fast, u, 0);
		if (to >= 0)
			move(s, u, to);
		else if (s->fast & u->may && td_pays(s, u, true))
			waiting += u->pages;
	}
	s->budget += kept;
	return waiting;
}

/* Where a cold page goes: other memory with room to spare, best the slower one; or -1. */
static int colder(const struct td_situation *s, const struct td_unit *u,
		  bool spread)
{
	bool fast = s->fast >> u->node & 1;
	int to = roomiest(s, s->slow, u, 1);

	return to < 0 && fast && spread ? roomiest(s, s->fast, u, 1) : to;
}

/* Decides about a cold page of a node where @missing pages have to be made free. */
static bool make_room(struct td_situation *s, struct td_unit *u, bool missing)
{
	int to;

	if (u->pages > s->budget)
		return false;
	to = colder(s, u, missing);
	if (to >= 0) {
		move(s, u, to);
		return true;
	}
	if (!missing || s->swap < u->pages)
		return false;
	u->fate = TD_PAGEOUT;
	s->swap -= u->pages;
	s->budget -= u->pages;
	return true;
}

static __u64 less(__u64 from, __u64 pages)
{
	return from > pages ? from - pages : 0;
}

void td_plan_cold(struct td_situation *s, struct td_list *cold, __u64 waiting)
{
	__u64 missing[TD_NODES], told[TD_NODES];
	struct td_unit *u;
	int i;

	for (i = 0; i < TD_NODES; i++) {
		struct td_node *n = &s->node[i];

		missing[i] = td_short(n) ? n->line + n->headroom - n->free : 0;
		told[i] = td_scarce(n) ? n->headroom : 0;
	}
	for (u = cold->unit; u < cold->unit + cold->nr; u++) {
		__u64 *lacks = &missing[u->node];

		if ((*lacks || (waiting && s->fast >> u->node & 1)) &&
		    make_room(s, u, *lacks)) {
			waiting = less(waiting, *lacks ? 0 : u->pages);
			*lacks = less(*lacks, u->pages);
		} else if (told[u->node] && !u->told && s->swap &&
			   u->pages <= s->budget) {
			u->fate = TD_COLD;
			told[u->node] = less(told[u->node], u->pages);
			s->budget -= u->pages;
		}
	}
}
