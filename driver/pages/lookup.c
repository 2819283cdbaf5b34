// SPDX-License-Identifier: GPL-2.0
/*
 * lookup.c - pages by number, and what callers may know of them
 *
 * Owns nothing. It tells which space a page's number belongs to, and what the page's
 * record says. All higher rooms may call it. It asks the space whether the caller may
 * name its pages.
 *
 * Locks: none. A record is read once, without its lock.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/memory_hotplug.h>
#include <linux/mm.h>

#include "agents/agent.h"
#include "pages/frame.h"
#include "pages/heat.h"
#include "pages/huge.h"
#include "pages/lookup.h"
#include "pages/record.h"
#include "pages/space.h"
#include "tiers/nodes.h"

struct tw_space *tw_page_lookup(u64 page, unsigned long *idx, bool admin)
{
	struct tw_space *sp;

	if (!(page & TW_PAGE_STABLE))
		return admin ? tw_space_by_pfn(page, idx) : NULL;
	sp = tw_space_by_number(TW_PAGE_REGION(page));
	*idx = TW_PAGE_INDEX(page);
	if (sp && (*idx >= sp->nr_pages || !(admin || tw_space_mine(sp)))) {
		tw_space_put_async(sp);
		sp = NULL;
	}
	return sp;
}

struct tw_space *tw_page_lookup_of(u64 owner, u64 page, unsigned long *idx,
				    bool admin)
{
	struct tw_space *sp = tw_page_lookup(page, idx, admin);

	if (sp && owner && sp->id != owner) {
		tw_space_put_async(sp);
		sp = NULL;
	}
	return sp;
}

void tw_page_describe(struct tw_space *sp, unsigned long idx,
		      struct tw_page *p, bool admin)
{
	struct tw_rec *rec = tw_rec_find(sp, idx);
	unsigned long w = rec ? tw_rec_w(rec) : 0;
	struct page *page;

	*p = (struct tw_page){
		.page = tw_space_page(sp, idx),
		.owner = sp->id,
		.agent = sp->agent->id,
		.tier = TW_TIER_NONE,
		.node = -1,
		.best_node = -1,
	};
	if (sp->foreign)
		p->flags = TW_PAGE_ATTACHED;
	if (!rec || tw_w_state(w) == TW_NONE)
		return;
	p->heat = READ_ONCE(rec->heat);
	p->age = READ_ONCE(rec->age);
	p->temperature = tw_heat_class(p->heat, p->age);
	p->best_node = tw_w_best_node(w);
	if (tw_w_state(w) == TW_POISON) {
		p->flags = TW_PAGE_LOST;
		return;
	}
	p->tier = tw_w_tier(w);
	if (tw_w_in_flight(w))
		p->flags |= TW_PAGE_BUSY;
	if (!tw_w_in_memory(w))
		return;
	if (tw_w_state(w) == TW_MEM && (w & TW_W_SLOT))
		p->flags |= TW_PAGE_KEPT;
	if (tw_w_huge(w) && tw_chunk_whole(tw_chunk_find(sp, idx)))
		p->flags |= TW_PAGE_HUGE;
	/* The frame of a foreign page may have gone, and its memory with it. */
	page = sp->foreign ? pfn_to_online_page(w >> TW_W_PFN_SHIFT) : tw_w_page(w);
	if (!page)
		return;
	p->node = tw_page_nid(page);
	if (admin)
		p->pfn = w >> TW_W_PFN_SHIFT;
}
