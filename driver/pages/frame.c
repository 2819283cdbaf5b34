// SPDX-License-Identifier: GPL-2.0
/*
 * frame.c - frames of managed pages: got, tied to their place, held still, given back
 *
 * Owns what a frame carries while it belongs to a space: mapping and index
 * (shared futexes and rmap need them), and a cookie in page->private by which
 * a frame number is recognised as the driver's before its mapping is trusted. With
 * frame.h it is also the only file that looks at a frame's counts and flags: whether
 * it is mapped, held, written to or bad. All higher rooms may call it.
 *
 * A frame that is to be copied, or freed, is frozen: its reference count is 0, so
 * that no other task can get a reference to it. Freezing fails while anything else
 * holds a reference. A frame is untied either frozen or under the page lock.
 *
 * Locks: the page lock, innermost. A caller that changes a frame's place holds the
 * lock of its record.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <linux/wait_bit.h>

#include "agents/agent.h"
#include "base/compat.h"
#include "base/stats.h"
#include "events/stream.h"
#include "events/trace.h"
#include "pages/frame.h"
#include "pages/group.h"
#include "pages/heat.h"
#include "pages/record.h"
#include "pages/space.h"
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

/* How many transfers were left under way, with frames that no record shows yet. */
static atomic_t tw_left;

/* How many wait for those: nothing is read meanwhile that no task waits for. */
static atomic_t tw_frames_waiters;

void tw_frames_wait(void)
{
	atomic_inc(&tw_frames_waiters);
	synchronize_srcu(&tw_frames_srcu);
	___wait_var_event(&tw_left, !atomic_read(&tw_left), TASK_INTERRUPTIBLE,
			  0, 0, schedule());
	atomic_dec(&tw_frames_waiters);
}

bool tw_frames_awaited(void)
{
	return atomic_read(&tw_frames_waiters);
}

void tw_left_begin(struct tw_space *sp)
{
	tw_space_get(sp);
	__module_get(THIS_MODULE);
	atomic_inc(&tw_left);
}

void tw_left_end(struct tw_space *sp)
{
	tw_space_put(sp);
	if (atomic_dec_and_test(&tw_left))	/* the full barrier that the wake-up needs */
		wake_up_var(&tw_left);
	module_put(THIS_MODULE);
}

/* How far a memory tier may exceed its capacity when nothing can be demoted. */
static unsigned long tw_overrun(struct tw_tier_desc *t, unsigned int over)
{
	/* Nothing can be demoted until the image is made. */
	if (tw_stores_still() || over & TW_OVER_LEAVES)
		return ULONG_MAX;
	return over * clamp(READ_ONCE(t->capacity) / 32, 32UL, 2048UL);
}

/* Asked first, since tw_demote_check() looks at all memory tiers and costs more. */
static bool tw_tier_nearly_full(struct tw_tier_desc *t)
{
	unsigned long capacity = READ_ONCE(t->capacity);

	return tw_tier_used(t) + max(capacity / 32, 64UL) >= capacity;
}

static __always_inline struct page *tw_pages_try(struct tw_space *sp, int tier,
						 gfp_t gfp, unsigned int order,
						 unsigned long over)
{
	struct tw_tier_desc *t = &tw_tiers[tier];
	struct page *page;

	if (!tw_space_allows(sp, tier) || !tw_tier_bound(tier) ||
	    !tw_tier_charge(t, 1UL << order, over))
		return NULL;
	page = tw_tier_alloc(t, gfp, order, NUMA_NO_NODE);
	if (!page)
		tw_tier_uncharge(t, 1UL << order);
	return page;
}

static struct page *tw_page_try(struct tw_space *sp, int tier, gfp_t gfp,
				unsigned long over)
{
	return tw_pages_try(sp, tier, gfp, 0, over);
}

static bool tw_policy_leads_to(const struct mempolicy *policy, int tier)
{
	/* A tier that is being bound may seem to have no nodes, which does no harm. */
	return data_race(nodes_intersects(policy->nodes, tw_tiers[tier].nodes));
}

static noinline int tw_memory_by_policy(struct tw_space *sp)
{
	const struct mempolicy *policy = current->mempolicy;
	int tier;

	tw_for_each_memory_tier_from(sp->home, tier)
		if (tw_policy_leads_to(policy, tier))
			return tier;
	return sp->home;
}

/*
 * The tier to try first: the space's home, unless the task's memory policy (numactl)
 * has nodes of other memory tiers, and none of the home's.
 */
static int tw_first_memory(struct tw_space *sp)
{
	return likely(!current->mempolicy) ? sp->home : tw_memory_by_policy(sp);
}

/* Tries all memory tiers but @first, within their capacities and the limits. */
static noinline struct page *tw_page_elsewhere(struct tw_space *sp, gfp_t gfp,
					       int first, int *tier)
{
	struct page *page;

	tw_for_each_memory_tier_from(first, *tier) {
		if (*tier == first || !tw_space_room(sp, *tier))
			continue;
		page = tw_page_try(sp, *tier, gfp, 0);
		if (page)
			return page;
	}
	return NULL;
}

/*
 * Tries tier @first, then the others, within their capacities and the limits. Nearly
 * all pages come from the first, so the others are tried out of line.
 */
static struct page *tw_page_within(struct tw_space *sp, gfp_t gfp, int first,
				   int *tier)
{
	struct page *page = NULL;

	*tier = first;
	if (likely(tw_space_room(sp, first) && tw_tier_is_memory(first)))
		page = tw_page_try(sp, first, gfp, 0);
	return likely(page) ? page : tw_page_elsewhere(sp, gfp, first, tier);
}

/*
 * A touched page has to go somewhere, so limits are soft, and with @over capacities
 * are, too. The background takes back what is beyond a limit.
 */
static noinline struct page *tw_page_beyond(struct tw_space *sp, gfp_t gfp,
					    unsigned int over, int first, int *tier)
{
	struct page *page = NULL;
	int second;

	*tier = first;
	if (!tw_space_room(sp, first))
		page = tw_page_try(sp, first, gfp, 0);
	tw_for_each_memory_tier_from(first, second) {
		if (page)
			return page;
		if (second == first || (!over && tw_space_room(sp, second)))
			continue;
		*tier = second;
		page = tw_page_try(sp, second, gfp,
				   tw_overrun(&tw_tiers[second], over));
	}
	if (!page && over) {
		*tier = first;
		page = tw_page_try(sp, first, gfp,
				   tw_overrun(&tw_tiers[first], over));
	}
	return page;
}

struct page *tw_page_get(struct tw_space *sp, struct mem_cgroup *memcg,
			 gfp_t gfp, unsigned int over, int *tier)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	int first = tw_first_memory(sp);
	struct page *page;

	page = tw_page_within(sp, gfp, first, tier);
	if (!page && (over & TW_OVER_LIMIT))
		page = tw_page_beyond(sp, gfp, over & ~TW_OVER_LIMIT, first,
				      tier);
	set_active_memcg(old);
	if (!page || tw_tier_nearly_full(&tw_tiers[*tier]))
		tw_demote_check();
	return page;
}

struct page *tw_page_get_huge(struct tw_space *sp, gfp_t gfp, int *tier)
{
	struct mem_cgroup *old = set_active_memcg(sp->memcg);
	struct page *page = NULL;

	*tier = tw_first_memory(sp);
	if (tw_space_room(sp, *tier) >= TW_CHUNK_PAGES && tw_tier_is_memory(*tier))
		page = tw_pages_try(sp, *tier, gfp, TW_CHUNK_SHIFT, 0);
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

/* -- tied to their place ------------------------------------------------------- */

void tw_page_attach(struct tw_space *sp, unsigned long idx, struct page *page)
{
	tw_numa_page_add(page, compound_nr(page));
	WRITE_ONCE(page->mapping, sp->mapping);
	page_folio(page)->index = idx;
	/* Has a write barrier: the bytes are there before the page can be mapped. */
	__SetPageUptodate(page);
	/* Pairs with tw_page_space(): the cookie is seen after mapping and index. */
	smp_store_release(&page->private, TW_PAGE_COOKIE);
}

/* WRITE_ONCE(), since tw_page_space() reads both without a lock. */
void tw_page_untie(struct page *page)
{
	WRITE_ONCE(page->private, 0);
	WRITE_ONCE(page->mapping, NULL);
}

void tw_page_free_frozen(struct page *page, int tier)
{
	tw_numa_page_add(page, -1);
	tw_page_untie(page);
	tw_page_unfreeze(page);
	put_page(page);
	tw_tier_uncharge(&tw_tiers[tier], 1);
}

void tw_page_drop(struct page *page)
{
	tw_numa_page_add(page, -1);
	lock_page(page);
	tw_page_untie(page);
	unlock_page(page);
	put_page(page);
}

/* -- held still ---------------------------------------------------------------- */

void tw_page_unmap(struct tw_space *sp, unsigned long idx, struct page *page)
{
	/* A fault may have handed it to the kernel, which is about to map it. */
	if (sp->huge) {
		lock_page(page);
		unlock_page(page);
	}
	if (tw_page_mapcount(page))
		tw_space_unmap(sp, idx, 1);
}

bool tw_page_freeze_clean(struct page *page)
{
	if (tw_page_mapcount(page) || tw_page_dirty(page) || tw_page_bad(page) ||
	    !tw_page_freeze(page))
		return false;
	if (!tw_page_dirty(page))
		return true;
	tw_page_unfreeze(page);		/* the last holder of a pin has written to it */
	return false;
}

int tw_page_copy(struct page *to, struct page *from)
{
	if (tw_page_bad(from))
		return -EHWPOISON;
	if (copy_mc_to_kernel(page_address(to), page_address(from), PAGE_SIZE)) {
		/* memory_failure() does no more than this to a page that is on no LRU. */
		SetPageHWPoison(from);
		return -EHWPOISON;
	}
	return 0;
}

void tw_page_replace(struct tw_space *sp, unsigned long idx, struct page *page,
		     struct page *to)
{
	tw_page_move_charge(to, page);
	if (TestClearPageDirty(page))
		SetPageDirty(to);
	tw_page_attach(sp, idx, to);
}

/* -- by number ----------------------------------------------------------------- */

/*
 * The space of a page to which the caller holds a reference, with a reference; or NULL.
 * Under RCU.
 */
static struct tw_space *tw_page_space(struct page *page)
{
	struct address_space *mapping;
	struct tw_space *sp;

	/* Pairs with the release in tw_page_attach(): the mapping is set before. */
	if (smp_load_acquire(&page->private) != TW_PAGE_COOKIE)
		return NULL;
	/*
	 * Since it is held, it is not reused. If it was untied meanwhile, it has no
	 * mapping. The inode and the space are freed after a grace period.
	 */
	mapping = READ_ONCE(page->mapping);
	if (!mapping)
		return NULL;
	sp = mapping->host->i_private;
	return kref_get_unless_zero(&sp->ref) ? sp : NULL;
}

struct tw_space *tw_space_by_pfn(u64 pfn, unsigned long *idx)
{
	struct tw_space *sp = NULL;
	struct page *page, *head;

	if (pfn > ULONG_MAX >> PAGE_SHIFT)
		return NULL;
	page = pfn_to_online_page(pfn);
	if (!page)
		return NULL;
	head = compound_head(page);
	if (READ_ONCE(head->private) != TW_PAGE_COOKIE ||
	    !get_page_unless_zero(head))
		return NULL;
	/* It may have been freed, and be another page's head, before it was held. */
	if (compound_head(page) == head) {
		rcu_read_lock();
		sp = tw_page_space(head);
		if (sp)
			*idx = page_folio(head)->index + (page - head);
		rcu_read_unlock();
	}
	put_page(head);
	return sp;
}

/* -- counting pages, and publishing their moves -------------------------------- */

void tw_pages_add(struct tw_space *sp, int tier, long n)
{
	tw_space_count(sp, tier, n);
	tw_agent_pages(sp->agent, tier, n);
	if (n > 0 && unlikely(!tw_space_room(sp, tier)) &&
	    tw_tier_is_memory(tier))
		tw_demote_queue();	/* it may be beyond a limit */
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

void tw_rec_poison(struct tw_space *sp, struct tw_rec *rec)
{
	int tier = tw_w_tier(tw_rec_w(rec));

	bool huge = tw_w_huge(tw_rec_w(rec));

	tw_slot_drop(rec);
	tw_rec_set(rec, tw_w_make(TW_POISON, 0));
	if (!huge)	/* else the tier is charged for the folio until all have left */
		tw_tier_used_add(&tw_tiers[tier], -1);
	tw_pages_add(sp, tier, -1);
	tw_space_give(sp, 1);
	atomic_long_inc(&sp->lost);
	tw_global_add(lost, 1);
}

/* Counts @n pages that have moved in @ns each. */
static __always_inline void tw_moved_count(struct tw_agent *agent, int from, int to,
					   u64 ns, unsigned int n)
{
	tw_count(from, moves_out, n);
	tw_count(from, move_ns, ns * n);
	tw_count(to, moves_in, n);
	tw_agent_moved(agent, from, to, n);
	do {
		tw_latency_count(TW_LATENCY_MOVE(from, to), ns);
	} while (--n);
}

static bool tw_moved_wanted(void)
{
	return trace_tier_watch_migrate_enabled() ||
	       tw_event_wanted(TW_EVENT_MIGRATE);
}

/* Traces and publishes one page's move. */
static __always_inline void tw_moved_tell(struct tw_agent *agent, u64 page, int from,
					  int to, int reason, int status, u64 ns)
{
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

void tw_moved(struct tw_agent *agent, u64 page, int from, int to, int reason,
	      int status, u64 ns)
{
	if (status)
		tw_count(from, moves_failed, 1);
	else
		tw_moved_count(agent, from, to, ns, 1);
	tw_moved_tell(agent, page, from, to, reason, status, ns);
}

void tw_page_moved(struct tw_space *sp, unsigned long idx, int from, int to,
		   int reason, int status, u64 ns)
{
	u64 page = tw_space_page(sp, idx);

	/* The rings of candidates have it under another tier. */
	if (!status && from != to)
		tw_heat_banded(page, to, READ_ONCE(tw_rec_find(sp, idx)->heat));
	tw_moved(sp->agent, page, from, to, reason, status, ns);
}

void tw_chunk_moved(struct tw_space *sp, struct tw_chunk *c, int from, int to,
		    int reason, u64 ns)
{
	bool tell = tw_moved_wanted();
	unsigned int i;

	tw_moved_count(sp->agent, from, to, ns, TW_CHUNK_PAGES);
	/* One of them stands for all, which would take up a whole ring of candidates. */
	tw_heat_banded(tw_space_page(sp, c->base), to, READ_ONCE(c->rec[0].heat));
	for (i = 0; tell && i < TW_CHUNK_PAGES; i++)
		tw_moved_tell(sp->agent, tw_space_page(sp, c->base + i), from, to,
			      reason, 0, ns);
}
