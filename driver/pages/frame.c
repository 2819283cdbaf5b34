// SPDX-License-Identifier: GPL-2.0
/*
 * frame.c - frames of managed pages: got, tied to their place, given back
 *
 * Owns what a frame carries while it belongs to a region: mapping and index
 * (shared futexes and rmap need them), and a cookie in page->private by which
 * a frame number is recognised as ours before its mapping is trusted.
 *
 * A frame is untied either frozen (reference count 0: nobody else can look) or
 * under the page lock.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/srcu.h>
#include <linux/wait_bit.h>

#include "agents/agent.h"
#include "base/stats.h"
#include "events/stream.h"
#include "events/trace.h"
#include "pages/frame.h"
#include "pages/group.h"
#include "pages/heat.h"
#include "pages/record.h"
#include "pages/region.h"
#include "tiers/headroom.h"
#include "tiers/hibernate.h"
#include "tiers/nodes.h"
#include "tiers/slots.h"
#include "tiers/tier.h"

static char tw_page_cookie;
#define TW_PAGE_COOKIE	((unsigned long)&tw_page_cookie)

DEFINE_STATIC_SRCU(tw_frames_srcu);

int tw_frames_enter(void)
{
	int token;

	if (!static_branch_unlikely(&tw_movable_key))
		return -1;
	token = srcu_read_lock(&tw_frames_srcu);
	__release(&tw_frames_srcu);	/* sparse cannot follow a condition */
	return token;
}

void tw_frames_leave(int token)
{
	if (token < 0)
		return;
	__acquire(&tw_frames_srcu);
	srcu_read_unlock(&tw_frames_srcu, token);
}

/* I/O left to its end: it has frames that nothing shows yet. */
static atomic_t tw_left;

void tw_frames_wait(void)
{
	synchronize_srcu(&tw_frames_srcu);
	___wait_var_event(&tw_left, !atomic_read(&tw_left), TASK_INTERRUPTIBLE,
			  0, 0, schedule());
}

void tw_left_begin(struct tw_region *r)
{
	tw_region_get(r);
	__module_get(THIS_MODULE);
	atomic_inc(&tw_left);
}

void tw_left_end(struct tw_region *r)
{
	tw_region_put(r);
	if (atomic_dec_and_test(&tw_left))	/* a full barrier, as it wants */
		wake_up_var(&tw_left);
	module_put(THIS_MODULE);
}

/* How far a memory tier may exceed its capacity when nothing can be demoted. */
static unsigned long tw_overrun(struct tw_tier_desc *t, unsigned int over)
{
	/* Nothing can be demoted until the image is made. */
	if (tw_stores_still())
		return ULONG_MAX;
	return over * clamp(READ_ONCE(t->capacity) / 32, 32UL, 2048UL);
}

/* The cheap question before tw_demote_check(), which asks it of all memory. */
static bool tw_tier_nearly_full(struct tw_tier_desc *t)
{
	unsigned long capacity = READ_ONCE(t->capacity);

	return tw_tier_used(t) + max(capacity / 32, 64UL) >= capacity;
}

static struct page *tw_page_try(int tier, gfp_t gfp, unsigned long over)
{
	struct tw_tier_desc *t = &tw_tiers[tier];
	struct page *page;

	if (!tw_tier_bound(tier) || !tw_tier_charge(t, 1, over))
		return NULL;
	page = tw_tier_alloc(t, gfp, NUMA_NO_NODE);
	if (!page)
		tw_tier_uncharge(t, 1);
	return page;
}

static bool tw_policy_leads_to(const struct mempolicy *policy, int tier)
{
	/* A wish: a tier that is being bound may seem to have no nodes, this once. */
	return data_race(nodes_intersects(policy->nodes, tw_tiers[tier].nodes));
}

/*
 * The tier to try first: the region's affinity, unless the task's memory policy
 * (numactl) has nodes, and of the memory tiers only others'.
 */
static int tw_first_memory(struct tw_region *r)
{
	const struct mempolicy *policy = current->mempolicy;
	int tier;

	if (likely(!policy))
		return r->affinity;
	tw_for_each_memory_tier_from(r->affinity, tier)
		if (tw_policy_leads_to(policy, tier))
			return tier;
	return r->affinity;
}

/* Within the tiers' capacity and the agent's limits, tier @first at first. */
static struct page *tw_page_within(struct tw_region *r, gfp_t gfp, int first,
				   int *tier)
{
	struct page *page;

	tw_for_each_memory_tier_from(first, *tier) {
		if (unlikely(!tw_region_room(r, *tier)))
			continue;
		page = tw_page_try(*tier, gfp, 0);
		if (likely(page))
			return page;
	}
	return NULL;
}

/*
 * A touched page must be somewhere: limits are soft, and so, with @over, are
 * capacities. The background takes back what is beyond a limit.
 */
static struct page *tw_page_beyond(struct tw_region *r, gfp_t gfp,
				   unsigned int over, int first, int *tier)
{
	struct page *page = NULL;
	int second;

	*tier = first;
	if (!tw_region_room(r, first))
		page = tw_page_try(first, gfp, 0);
	tw_for_each_memory_tier_from(first, second) {
		if (page)
			return page;
		if (second == first || (!over && tw_region_room(r, second)))
			continue;
		*tier = second;
		page = tw_page_try(second, gfp, tw_overrun(&tw_tiers[second],
							   over));
	}
	if (!page && over) {
		*tier = first;
		page = tw_page_try(first, gfp, tw_overrun(&tw_tiers[first],
							  over));
	}
	return page;
}

struct page *tw_page_get(struct tw_region *r, struct mem_cgroup *memcg,
			 gfp_t gfp, unsigned int over, int *tier)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	int first = tw_first_memory(r);
	struct page *page;

	page = tw_page_within(r, gfp, first, tier);
	if (!page && (over & TW_OVER_LIMIT))
		page = tw_page_beyond(r, gfp, over & ~TW_OVER_LIMIT, first,
				      tier);
	set_active_memcg(old);
	if (!page || tw_tier_nearly_full(&tw_tiers[*tier]))
		tw_demote_check();
	return page;
}

void tw_page_unget(struct page *page, int tier)
{
	put_page(page);
	tw_tier_uncharge(&tw_tiers[tier], 1);
}

void tw_page_attach(struct tw_region *r, unsigned long idx, struct page *page)
{
	tw_numa_page_add(page, 1);
	WRITE_ONCE(page->mapping, r->inode->i_mapping);
	page_folio(page)->index = idx;
	/* Its barrier: the bytes are there before anyone can map it. */
	__SetPageUptodate(page);
	/* With the place in it; a lookup takes the page lock and looks again. */
	smp_store_release(&page->private, TW_PAGE_COOKIE);
}

/* A lookup of frames by number reads both without a lock. */
static void tw_page_untie(struct page *page)
{
	WRITE_ONCE(page->private, 0);
	WRITE_ONCE(page->mapping, NULL);
}

void tw_page_free_frozen(struct page *page)
{
	tw_numa_page_add(page, -1);
	tw_page_untie(page);
	page_ref_unfreeze(page, 1);
	put_page(page);
}

void tw_page_drop(struct page *page)
{
	tw_numa_page_add(page, -1);
	lock_page(page);
	tw_page_untie(page);
	unlock_page(page);
	put_page(page);
}

/* The region that a page we hold belongs to, or NULL. Under RCU. */
static struct tw_region *tw_page_region(struct page *page)
{
	struct address_space *mapping;
	struct tw_region *r;

	/* Pairs with tw_page_attach(): with the cookie comes the mapping. */
	if (smp_load_acquire(&page->private) != TW_PAGE_COOKIE)
		return NULL;
	/*
	 * Held, it is not given to anybody else; untied meanwhile, it has no
	 * mapping. The inode and the region are freed by RCU.
	 */
	mapping = READ_ONCE(page->mapping);
	if (!mapping)
		return NULL;
	r = mapping->host->i_private;
	return kref_get_unless_zero(&r->ref) ? r : NULL;
}

struct tw_region *tw_region_by_pfn(u64 pfn, unsigned long *idx)
{
	struct tw_region *r;
	struct page *page;

	if (pfn > ULONG_MAX >> PAGE_SHIFT)
		return NULL;
	page = pfn_to_online_page(pfn);
	if (!page || READ_ONCE(page->private) != TW_PAGE_COOKIE ||
	    !get_page_unless_zero(page))
		return NULL;
	rcu_read_lock();
	r = tw_page_region(page);
	if (r)
		*idx = page_folio(page)->index;
	rcu_read_unlock();
	put_page(page);
	return r;
}

void tw_pages_add(struct tw_region *r, int tier, long n)
{
	tw_region_count(r, tier, n);
	tw_agent_pages(r->agent, tier, n);
	if (n > 0 && unlikely(!tw_region_room(r, tier)) &&
	    tw_tier_is_memory(tier))
		tw_demote_queue();	/* perhaps beyond its limit */
}

void tw_slot_drop(struct tw_rec *rec)
{
	unsigned long w = tw_rec_w(rec);
	struct tw_tier_desc *t;

	tw_rec_assert_locked(rec);
	if (!(w & TW_W_SLOT))
		return;
	t = &tw_tiers[tw_w_slot_tier(w)];
	if (tw_w_state(w) == TW_MEM)
		atomic64_dec(tw_tier_kept_ctr(t));
	tw_rec_set(rec, w & ~(TW_W_SLOT | TW_W_SLOT_TIER_MASK));
	tw_slots_free(t, rec->slot);
}

void tw_rec_poison(struct tw_region *r, struct tw_rec *rec)
{
	int tier = tw_w_tier(tw_rec_w(rec));

	tw_slot_drop(rec);
	tw_rec_set(rec, tw_w_make(TW_POISON, 0));
	tw_tier_used_add(&tw_tiers[tier], -1);
	tw_pages_add(r, tier, -1);
	tw_region_give(r);
	atomic_long_inc(&r->lost);
	tw_global_add(lost, 1);
}

void tw_moved(struct tw_agent *agent, u64 page, int from, int to, int reason,
	      int status, u64 ns)
{
	if (status) {
		tw_count(from, moves_failed, 1);
	} else {
		tw_count(from, moves_out, 1);
		tw_count(from, move_ns, ns);
		tw_count(to, moves_in, 1);
		tw_agent_moved(agent, from, to, 1);
	}
	trace_tier_watch_migrate(page, agent->id, from, to,
				 reason & ~TW_BY_CALLER, status, ns);
	if (tw_event_wanted(TW_EVENT_MIGRATE)) {
		struct tw_event ev = {
			.page = page,
			.latency_ns = min_t(u64, ns, U32_MAX),
			.pid = current->pid,
			.type = TW_EVENT_MIGRATE,
			.tier = from,
			.to_tier = to,
			.reason = reason & ~TW_BY_CALLER,
			.status = status,
			.flags = reason & TW_BY_CALLER ? TW_MIGRATE_ASKED : 0,
		};

		tw_agent_emit(agent, &ev);
	}
}

void tw_page_moved(struct tw_region *r, unsigned long idx, int from, int to,
		   int reason, int status, u64 ns)
{
	u64 page = tw_region_page(r, idx);

	/* Queues of candidates knew it by another tier. */
	if (!status && from != to)
		tw_heat_banded(page, to, READ_ONCE(tw_rec_find(r, idx)->heat));
	tw_moved(r->agent, page, from, to, reason, status, ns);
}
