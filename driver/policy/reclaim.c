// SPDX-License-Identifier: GPL-2.0
/*
 * reclaim.c - memory given back to the rest of the machine, by node
 *
 * Owns a thread for each node that there can ever be, from load to unload; they sleep
 * until there is a space.
 *
 * Pages of spaces are on no LRU list. The kernel's reclaim sees them only through the
 * shrinker, and does not wait for a shrinker's I/O before it kills. So pages have to
 * leave early: a node's thread keeps the node's free memory above its high watermark,
 * the more so the faster it is used up, as long as spaces have pages there and a store
 * has room. Page cache that the kernel would take for idle goes before them: the thread
 * counts it as free memory, and while there is any, only the shrinker asks for pages of
 * spaces.
 *
 * Tasks that reclaim ask the same thread (shrinker.c) and wait for it, see askers.h.
 * region_file.c has the threads look when the first space is made.
 *
 * The thread frees memory for others. So it is made at load with all that it needs,
 * and its I/O may use the memory reserves (PF_MEMALLOC). It trylocks records, and
 * waits only for those of pages that it has just written, after it has freed all
 * pages whose records are not held. A fault that holds such a record may itself
 * reclaim and wait for those pages, but not for longer than its patience.
 *
 * Locks: none of its own; it takes those of movers.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/cpuset.h>
#include <linux/freezer.h>
#include <linux/kthread.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/vmstat.h>
#include <linux/wait.h>

#include "moving/move.h"
#include "moving/store_choice.h"
#include "pages/space.h"
#include "policy/askers.h"
#include "policy/reclaim.h"
#include "policy/reclaim_calc.h"
#include "policy/sweep.h"
#include "tiers/headroom.h"
#include "tiers/nodes.h"
#include "tiers/reserve.h"

/* How many pages a sweep is asked for: some batches, so that their I/O is worth it. */
#define TW_RECLAIM_PAGES	256UL
/* A reclaimer waits for no more pages than this before it tries its allocation again. */
#define TW_RECLAIM_ENOUGH	32L
/* How many pages all reclaimers together may ask for in advance. */
#define TW_RECLAIM_ASKED_MOST	4096L
/* Memory is taken to be used up no faster, in pages a second (1 GiB). */
#define TW_RECLAIM_FASTEST	262144L
/* Smaller changes of what MemAvailable counts are not worth telling. */
#define TW_RECLAIM_TOLD_STEP	64L

/**
 * struct tw_node - a node that may have pages of spaces
 * @nid: its number
 * @task: its thread
 * @kicked: wait queue of the thread
 * @watch: the thread is to look, since there are spaces now
 * @asked: how many pages reclaimers want
 * @askers: those reclaimers
 * @pace: of the thread: how fast memory is used up
 * @level: of the thread: how choosy the last sweep was
 * @told: of the thread: how many pages MemAvailable counts
 * @m: of the thread: its batch
 */
struct tw_node {
	int nid;
	struct task_struct *task;
	wait_queue_head_t kicked;
	bool watch;
	atomic_long_t asked;
	struct tw_askers askers;
	struct tw_pace pace;
	unsigned int level;
	long told;
	struct tw_move *m;
};

static struct tw_node **tw_nodes;	/* by number, for each node that can ever be */

/* -- how a node is doing ------------------------------------------------------- */

static unsigned long tw_pages_on(int nid)
{
	return max(atomic_long_read(&tw_numa_pages[nid]), 0L);
}

unsigned long tw_reclaim_pages(int nid)
{
	if (tw_demote_is_paused() || !tw_store_possible())
		return 0;
	return tw_pages_on(nid);
}

static unsigned long tw_node_cache(int nid)
{
	struct pglist_data *node = NODE_DATA(nid);
	long pages = atomic_long_read(&node->vm_stat[NR_ACTIVE_FILE]) +
		     atomic_long_read(&node->vm_stat[NR_INACTIVE_FILE]);

	return max(pages, 0L);
}

static unsigned long tw_zone_high(const struct zone *zone)
{
	/* The kernel may change it at any time, so the value is only a hint. */
	return data_race(high_wmark_pages(zone));
}

/*
 * How much a program can still take of a zone before that drops below its high
 * watermark; negative if it is below. A lower zone keeps a @reserve from programs, so
 * it may have nothing to give, but then it is not short by as much: that counts as 0.
 */
static long tw_zone_left(struct zone *zone, long reserve)
{
	long left = zone_page_state(zone, NR_FREE_PAGES) -
		    tw_zone_high(zone) - reserve;

	return left < 0 && reserve ? 0 : left;
}

/**
 * struct tw_node_state - a look at a node
 * @left: free pages above the high watermarks, and idle page cache
 * @high: the high watermarks
 * @pages: all pages
 */
struct tw_node_state {
	long left;
	unsigned long high;
	unsigned long pages;
};

static void tw_node_look(int nid, struct tw_node_state *s)
{
	struct zone *zones = NODE_DATA(nid)->node_zones;
	unsigned long low = 0;
	int i;

	*s = (struct tw_node_state){ };
	for (i = 0; i < MAX_NR_ZONES; i++) {
		struct zone *zone = &zones[i];

		if (!zone_managed_pages(zone))
			continue;
		s->left += tw_zone_left(zone,
					zone->lowmem_reserve[ZONE_MOVABLE]);
		s->high += tw_zone_high(zone);
		s->pages += zone_managed_pages(zone);
		/* This is only a hint, too. */
		low += data_race(low_wmark_pages(zone));
	}
	s->left += tw_cache_spare(tw_node_cache(nid), low);
}

/*
 * A task that waits for memory there has reclaimed page cache already, so only free
 * pages count. Those of ZONE_MOVABLE do not, if there are other zones, since page
 * tables and the like cannot be there.
 */
bool tw_reclaim_short(int nid)
{
	struct zone *zones = NODE_DATA(nid)->node_zones;
	long left = 0, movable;
	int i;

	if (!node_state(nid, N_MEMORY))
		return false;
	for (i = 0; i < ZONE_MOVABLE; i++)
		if (zone_managed_pages(&zones[i]))
			left += tw_zone_left(&zones[i],
				zones[i].lowmem_reserve[ZONE_NORMAL]);
	movable = zone_managed_pages(&zones[ZONE_MOVABLE]) ?
		  tw_zone_left(&zones[ZONE_MOVABLE], 0) : 0;
	return left <= 0 && (left || movable <= 0);
}

/* -- the thread ---------------------------------------------------------------- */

/* How many pages should leave the node now. */
static long tw_node_due(struct tw_node *n)
{
	long asked = atomic_long_read(&n->asked), ahead;
	struct tw_node_state s;

	if (!tw_reclaim_pages(n->nid))
		return 0;
	tw_node_look(n->nid, &s);
	tw_pace_look(&n->pace, s.left, tw_askers_done(&n->askers),
		     ktime_get_ns());
	ahead = (long)tw_pace_keep(&n->pace, s.high, s.pages) - s.left;
	return max(asked, ahead);
}

/* How long to sleep: half the time that what is left lasts at least. */
static long tw_node_sleep(struct tw_node *n)
{
	struct tw_node_state s;

	if (!tw_spaces_exist() && !tw_pages_on(n->nid) && !n->told)
		return MAX_SCHEDULE_TIMEOUT;
	if (!tw_reclaim_pages(n->nid) || tw_askers_idle(&n->askers))
		return HZ / 4;
	tw_node_look(n->nid, &s);
	return clamp(s.left * HZ / TW_RECLAIM_FASTEST / 2, 1L, HZ / 4L);
}

/*
 * Has MemAvailable count pages of spaces like caches that can be shrunk: as many of
 * them as there is room for elsewhere.
 */
static void tw_node_tell(struct tw_node *n)
{
	unsigned long all = 0, here = tw_pages_on(n->nid);
	long now = 0;
	int nid;

	if (here) {
		for_each_node_state(nid, N_MEMORY)
			all += tw_pages_on(nid);
		now = tw_room_share(here, max(all, here), tw_store_room_all());
	}
	if (now == n->told || (now && abs(now - n->told) < TW_RECLAIM_TOLD_STEP))
		return;
	mod_node_page_state(NODE_DATA(n->nid), NR_KERNEL_MISC_RECLAIMABLE,
			    now - n->told);
	atomic_long_add(now - n->told, &tw_room_told);
	WRITE_ONCE(n->told, now);
}

/* Tells reclaimers that @done pages have been freed, or with 0 that none could be. */
static void tw_node_account(struct tw_node *n, unsigned long done)
{
	long asked = atomic_long_read(&n->asked);

	/* Subtracts, since more may have been asked for meanwhile. */
	if (asked > 0)
		atomic_long_sub(done ? min_t(long, asked, done) : asked,
				&n->asked);
	if (done)
		tw_askers_freed(&n->askers, done);
	else
		tw_askers_nothing(&n->askers);
}

static void tw_node_run(struct tw_node *n)
{
	unsigned long done;
	long due;

	do {
		tw_node_tell(n);
		/* There are no pages to free, so whatever was asked for is dropped. */
		if (!tw_reclaim_pages(n->nid))
			atomic_long_set(&n->asked, 0);
		due = tw_node_due(n);
		if (due <= 0) {
			n->level = 0;
			return;
		}
		done = tw_demote_node(n->m, n->nid,
				      min_t(unsigned long, due, TW_RECLAIM_PAGES),
				      &n->level);
		tw_node_account(n, done);
		cond_resched();
	} while (done && !kthread_should_stop());
}

static bool tw_node_wanted(struct tw_node *n)
{
	return kthread_should_stop() || READ_ONCE(n->watch) ||
	       (atomic_long_read(&n->asked) > 0 && !tw_askers_idle(&n->askers));
}

static int tw_node_fn(void *arg)
{
	unsigned int flags = memalloc_noreclaim_save();
	struct tw_node *n = arg;

	set_freezable();
	while (!kthread_should_stop()) {
		wait_event_freezable_timeout(n->kicked, tw_node_wanted(n),
					     tw_node_sleep(n));
		/* Pairs with tw_reclaim_watch(): the space is seen, or ->watch stays. */
		smp_store_mb(n->watch, false);
		tw_node_run(n);
	}
	memalloc_noreclaim_restore(flags);
	return 0;
}

void tw_reclaim_watch(void)
{
	int nid;

	/* The caller has made a space; pairs with smp_store_mb() in tw_node_fn(). */
	smp_mb();
	for_each_node(nid) {
		struct tw_node *n = tw_nodes[nid];

		/* A thread whose node has pages already wakes up by itself. */
		if (tw_pages_on(nid))
			continue;
		WRITE_ONCE(n->watch, true);
		wake_up(&n->kicked);
	}
}

/* -- for reclaimers ------------------------------------------------------------ */

static void tw_node_ask(struct tw_node *n, long nr)
{
	if (atomic_long_read(&n->asked) < TW_RECLAIM_ASKED_MOST)
		atomic_long_add(nr, &n->asked);
	wake_up(&n->kicked);
}

unsigned long tw_reclaim_ask(int nid, unsigned long nr, long patience)
{
	struct tw_node *n = tw_nodes[nid];
	long since;

	if (!tw_reclaim_pages(nid))
		return 0;
	since = tw_askers_begin(&n->askers);
	tw_node_ask(n, nr);
	return tw_askers_wait(&n->askers, since,
			      min_t(long, nr, TW_RECLAIM_ENOUGH), nr, patience);
}

/* May the caller's next try take a page from the node? */
static bool tw_node_allowed(int nid)
{
	struct mempolicy *policy = current->mempolicy;

	return node_isset(nid, cpuset_current_mems_allowed) &&
	       (!policy || policy->mode != MPOL_BIND ||
		node_isset(nid, policy->nodes));
}

/* How many pages were freed since load on nodes that the caller may use. */
static long tw_nodes_freed(void)
{
	long done = 0;
	int nid;

	for_each_node_state(nid, N_MEMORY)
		if (tw_node_allowed(nid))
			done += tw_askers_done(&tw_nodes[nid]->askers);
	return done;
}

/* Asks all nodes that can help the caller. False if there is none. */
static bool tw_nodes_ask(void)
{
	bool any = false;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		if (!tw_node_allowed(nid) || !tw_reclaim_pages(nid) ||
		    !tw_reclaim_short(nid))
			continue;
		tw_node_ask(tw_nodes[nid], TW_RECLAIM_PAGES);
		any = true;
	}
	return any;
}

/*
 * It makes no claims (askers.h). The kernel's OOM killer lets in one caller at a time,
 * and looks at the free pages only before it asks, so it only matters whether any
 * pages are freed.
 */
unsigned long tw_reclaim_last_resort(long patience)
{
	unsigned long end = jiffies + patience;
	long before = tw_nodes_freed(), now = before;

	while (now == before && tw_nodes_ask() &&
	       !fatal_signal_pending(current) && time_before(jiffies, end)) {
		schedule_timeout_killable(max(HZ / 100, 1));
		now = tw_nodes_freed();
	}
	return now - before;
}

/* -- life ---------------------------------------------------------------------- */

static void tw_node_free(struct tw_node *n)
{
	if (!n)
		return;
	if (n->task)
		kthread_stop(n->task);
	if (n->told)
		mod_node_page_state(NODE_DATA(n->nid),
				    NR_KERNEL_MISC_RECLAIMABLE, -n->told);
	tw_move_free(n->m);
	kfree(n);
}

static struct tw_node *tw_node_make(int nid)
{
	struct tw_node *n = kzalloc(sizeof(*n), GFP_KERNEL);

	if (!n)
		return NULL;
	n->nid = nid;
	init_waitqueue_head(&n->kicked);
	tw_askers_init(&n->askers);
	n->m = tw_move_alloc(GFP_KERNEL);
	if (n->m)
		n->task = kthread_run(tw_node_fn, n, "tw_reclaim%d", nid);
	if (!n->m || IS_ERR(n->task)) {
		n->task = NULL;
		tw_node_free(n);
		return NULL;
	}
	return n;
}

int tw_reclaim_init(void)
{
	int nid;

	tw_nodes = kcalloc(nr_node_ids, sizeof(*tw_nodes), GFP_KERNEL);
	if (!tw_nodes)
		return -ENOMEM;
	for_each_node(nid) {
		tw_nodes[nid] = tw_node_make(nid);
		if (!tw_nodes[nid])
			goto fail;
	}
	return 0;

fail:
	tw_reclaim_exit();
	return -ENOMEM;
}

/* No reclaimer asks any more, since the shrinkers are gone (tw_pressed_exit()). */
void tw_reclaim_exit(void)
{
	int nid;

	for_each_node(nid)
		tw_node_free(tw_nodes[nid]);
	kfree(tw_nodes);
	tw_nodes = NULL;
}
