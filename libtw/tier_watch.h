/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The documented names, on a handle that opens itself at the first call.
 *
 * Functions return 0, or a count where it says so, or a negative errno, which comes
 * from the driver (see <linux/tierwatch.h>) or from opening the device. Pages are named
 * as there: by stable number or, with CAP_SYS_ADMIN, by frame number.
 *
 * Threads: any thread may call any function at any time, except that no other call may
 * run during tier_watch_shutdown(). After fork() the child uses the same device and
 * agents; closing them in the child leaves those of the parent open.
 *
 * Structs may grow in later versions. A call that takes or fills one is a macro, which
 * calls a function with a version in its name and passes the size of the caller's
 * struct as well. The struct of a program that was built with an older header is
 * filled as far as it goes; members that the library does not know are set to zero.
 *
 * A program that defines TIER_WATCH_NO_U64 before it includes this can use the name u64
 * itself.
 */
#ifndef _TIER_WATCH_H
#define _TIER_WATCH_H

#include <stddef.h>
#include <linux/tier_watch_types.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef TIER_WATCH_NO_U64
typedef __u64 u64;
#endif

/* A flag of tier_watch_handle_fault(): the access was a write. */
#ifndef FAULT_FLAG_WRITE
#define FAULT_FLAG_WRITE	0x01
#endif

/**
 * get_page_pfn - the number of the page at an address
 * @addr: any address of the caller's
 *
 * The page is not touched.
 *
 * Return: the stable number, which is the same in every tier as long as the region
 * lives; 0 if no region is mapped there.
 */
__u64 get_page_pfn(const void *addr);

/**
 * tier_watch_track_page - keep track of a page
 * @pfn: page number
 * @tier: enum tier_watch_tier that it is in
 * @agent_id: label of its agent, which is made if there is none, and held until
 *	tier_watch_shutdown()
 *
 * Return: 0 or -errno, also the page's status as in struct tw_track.
 */
int tier_watch_track_page(__u64 pfn, int tier, __u64 agent_id);

/**
 * tier_watch_track_page_numa - keep track of a page on a NUMA node
 * @pfn: page number
 * @tier: enum tier_watch_tier that it is in
 * @agent_id: label of its agent, as for tier_watch_track_page()
 * @node: node of an external page, -1 for its frame's own
 *
 * Return: as tier_watch_track_page().
 */
int tier_watch_track_page_numa(__u64 pfn, int tier, __u64 agent_id, int node);

/**
 * tier_watch_untrack_page - stop tracking an external page
 * @pfn: page number
 *
 * Return: 0 or -errno, also the page's status as in struct tw_untrack.
 */
int tier_watch_untrack_page(__u64 pfn);

/**
 * tier_watch_handle_fault - report that a page was touched
 * @pfn: page number
 * @vaddr: address of the touch; not used
 * @flags: FAULT_FLAG_WRITE or 0
 *
 * Return: 0 or -errno.
 */
int tier_watch_handle_fault(__u64 pfn, __u64 vaddr, unsigned int flags);

/**
 * tier_watch_get_pressure_v1 - how full a tier is
 * @tier: enum tier_watch_tier
 * @pressure: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tier_watch_get_pressure_v1(int tier, struct tier_pressure *pressure,
			       size_t size);
#define tier_watch_get_pressure(tier, pressure) \
	tier_watch_get_pressure_v1((tier), (pressure), \
			    sizeof(struct tier_pressure))

/**
 * tier_watch_get_migration_candidates_v1 - pages worth moving, best first
 * @from: enum tier_watch_tier
 * @to: another tier; hot pages are found if it is faster, else cold ones
 * @candidates: out
 * @nr: entries in @candidates, not 0
 * @size: bytes of the caller's struct
 *
 * Return: how many were found, or -errno.
 */
int tier_watch_get_migration_candidates_v1(int from, int to,
					   struct migration_candidate *candidates,
					   size_t nr, size_t size);
#define tier_watch_get_migration_candidates(from, to, candidates, nr) \
	tier_watch_get_migration_candidates_v1((from), (to), (candidates), (nr), \
					sizeof(struct migration_candidate))

/**
 * tier_watch_migrate_page_v1 - move a page and wait for it
 * @request: page and tiers
 * @request_size: bytes of the caller's struct @request
 * @result: out, also if the call fails; or NULL
 * @size: bytes of the caller's struct @result
 *
 * Return: 0 if it has moved or was there already; or -errno, which is the status of
 * @result, too.
 */
int tier_watch_migrate_page_v1(const struct migration_request *request,
			       size_t request_size,
			       struct migration_result *result, size_t size);
#define tier_watch_migrate_page(request, result) \
	tier_watch_migrate_page_v1((request), sizeof(struct migration_request), \
			    (result), sizeof(struct migration_result))

/**
 * tier_watch_queue_migration_v1 - queue a page to be moved, by priority
 * @request: page, tiers and priority
 * @request_size: bytes of the caller's struct
 * @id: out: number of the request, which its TW_EVENT_REQUEST has, too; or NULL
 *
 * Return: 0 if it is queued, or -errno; -EAGAIN if the queue is full.
 */
int tier_watch_queue_migration_v1(const struct migration_request *request,
				  size_t request_size, __u64 *id);
#define tier_watch_queue_migration(request, id) \
	tier_watch_queue_migration_v1((request), \
			       sizeof(struct migration_request), (id))

/**
 * tier_watch_migrate_batch_v1 - move pages and wait for them
 * @requests: @nr requests
 * @request_size: bytes of one of the caller's structs in @requests
 * @nr: how many
 * @results: out: @nr results, or NULL. If the driver fails in the middle, the later
 *	pages have its error as their status
 * @size: bytes of one of the caller's structs in @results
 *
 * Return: how many have moved or were there already; or -errno if a request is
 * malformed or the driver fails at the first pages.
 */
int tier_watch_migrate_batch_v1(const struct migration_request *requests,
				size_t request_size, size_t nr,
				struct migration_result *results, size_t size);
#define tier_watch_migrate_batch(requests, nr, results) \
	tier_watch_migrate_batch_v1((requests), \
			     sizeof(struct migration_request), (nr), (results), \
			     sizeof(struct migration_result))

/**
 * tier_watch_get_agent_memory_v1 - an agent's memory
 * @agent_id: label
 * @stats: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno; -ENOENT if there is no such agent.
 */
int tier_watch_get_agent_memory_v1(__u64 agent_id,
				   struct agent_memory_stats *stats,
				   size_t size);
#define tier_watch_get_agent_memory(agent_id, stats) \
	tier_watch_get_agent_memory_v1((agent_id), (stats), \
				sizeof(struct agent_memory_stats))

/**
 * tier_watch_get_numa_stats_v1 - memory and touches of a NUMA node
 * @node: its number
 * @stats: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno; -ENOENT if there is no such node.
 */
int tier_watch_get_numa_stats_v1(int node, struct numa_stats *stats,
				 size_t size);
#define tier_watch_get_numa_stats(node, stats) \
	tier_watch_get_numa_stats_v1((node), (stats), \
			      sizeof(struct numa_stats))

/**
 * tier_watch_get_optimal_numa_node - the best node for a page
 * @pfn: page number
 *
 * Return: the node whose CPUs touch it most; if that is not known, the node that it is
 * on; -ENODATA if it is on none; or another -errno.
 */
int tier_watch_get_optimal_numa_node(__u64 pfn);

/**
 * tier_watch_get_page_info_v1 - one page
 * @pfn: page number
 * @info: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno; -ENOENT if there is no such page.
 */
int tier_watch_get_page_info_v1(__u64 pfn, struct page_info *info, size_t size);
#define tier_watch_get_page_info(pfn, info) \
	tier_watch_get_page_info_v1((pfn), (info), sizeof(struct page_info))

/**
 * tier_watch_get_hot_pages_v1 - list hot pages
 * @tier: enum tier_watch_tier or TIER_ANY
 * @infos: out
 * @nr: entries in @infos, not 0
 * @size: bytes of the caller's struct
 *
 * Return: how many were written, or -errno.
 */
int tier_watch_get_hot_pages_v1(int tier, struct page_info *infos, size_t nr,
				size_t size);
#define tier_watch_get_hot_pages(tier, infos, nr) \
	tier_watch_get_hot_pages_v1((tier), (infos), (nr), \
			     sizeof(struct page_info))

/**
 * tier_watch_get_cold_pages_v1 - list cold pages
 * @tier: enum tier_watch_tier or TIER_ANY
 * @infos: out
 * @nr: entries in @infos, not 0
 * @size: bytes of the caller's struct
 *
 * Return: how many were written, or -errno.
 */
int tier_watch_get_cold_pages_v1(int tier, struct page_info *infos, size_t nr,
				 size_t size);
#define tier_watch_get_cold_pages(tier, infos, nr) \
	tier_watch_get_cold_pages_v1((tier), (infos), (nr), \
			      sizeof(struct page_info))

/**
 * tier_watch_mark_hot - mark a page as hot
 * @pfn: page number
 *
 * Return: 0 or -errno.
 */
int tier_watch_mark_hot(__u64 pfn);

/**
 * tier_watch_mark_cold - mark a page as cold
 * @pfn: page number
 *
 * Return: 0 or -errno.
 */
int tier_watch_mark_cold(__u64 pfn);

/**
 * tier_watch_get_fault_stats_v1 - a tier's faults since load or the last reset
 * @tier: enum tier_watch_tier
 * @stats: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tier_watch_get_fault_stats_v1(int tier, struct fault_stats *stats,
				  size_t size);
#define tier_watch_get_fault_stats(tier, stats) \
	tier_watch_get_fault_stats_v1((tier), (stats), \
			       sizeof(struct fault_stats))

/**
 * tier_watch_reset_fault_stats - have a tier's fault statistics begin at 0 again
 * @tier: enum tier_watch_tier
 *
 * Return: 0 or -errno; needs CAP_SYS_ADMIN.
 */
int tier_watch_reset_fault_stats(int tier);

/**
 * tier_watch_get_tier_info_v1 - capacity, use and speed of one tier
 * @tier: enum tier_watch_tier
 * @info: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tier_watch_get_tier_info_v1(int tier, struct tier_info *info, size_t size);
#define tier_watch_get_tier_info(tier, info) \
	tier_watch_get_tier_info_v1((tier), (info), sizeof(struct tier_info))

/**
 * tier_watch_migrate_agent - move an agent's pages
 * @agent_id: label
 * @from: enum tier_watch_tier or TIER_ANY
 * @to: enum tier_watch_tier
 * @nr: the most pages to move, 0 for all
 *
 * Return: how many have moved, or -errno.
 */
int tier_watch_migrate_agent(__u64 agent_id, int from, int to, unsigned int nr);

/**
 * tier_watch_set_agent_limits - set how much of each tier an agent takes at most
 * @agent_id: label of the agent, as for tier_watch_track_page()
 * @pages: pages by enum tier_watch_tier, ~0 for no limit
 *
 * Return: 0 or -errno.
 */
int tier_watch_set_agent_limits(__u64 agent_id, const __u64 pages[TIER_COUNT]);

/**
 * tier_watch_get_agent_limits - how much of each tier an agent takes at most
 * @agent_id: label
 * @pages: out: pages by enum tier_watch_tier, ~0 for no limit
 *
 * Return: 0 or -errno.
 */
int tier_watch_get_agent_limits(__u64 agent_id, __u64 pages[TIER_COUNT]);

/**
 * tier_watch_set_thresholds - set the thresholds of a tier's pressure
 * @tier: enum tier_watch_tier
 * @enter: percent used from which it is on MEDIUM, HIGH and CRITICAL
 * @leave: percent used below which it leaves each level
 *
 * Return: 0 or -errno; needs CAP_SYS_ADMIN.
 */
int tier_watch_set_thresholds(int tier, const __u32 enter[3],
			      const __u32 leave[3]);

/**
 * tier_watch_get_module_stats_v1 - totals of the driver
 * @stats: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tier_watch_get_module_stats_v1(struct module_stats *stats, size_t size);
#define tier_watch_get_module_stats(stats) \
	tier_watch_get_module_stats_v1((stats), sizeof(struct module_stats))

/**
 * tier_watch_numa_balance - move pages to the node whose CPUs touch them
 * @nr: the most pages to move, 0 for all
 *
 * Return: how many have moved, or -errno.
 */
int tier_watch_numa_balance(unsigned int nr);

/**
 * tier_watch_alloc - make and map a region for an agent
 * @agent_id: label of the agent, as for tier_watch_track_page()
 * @bytes: its size, rounded up to pages
 * @addr: out: where it is mapped
 *
 * Return: 0 or -errno.
 */
int tier_watch_alloc(__u64 agent_id, size_t bytes, void **addr);

/**
 * tier_watch_free - unmap and free a region of tier_watch_alloc()
 * @addr: address of tier_watch_alloc(), or NULL
 *
 * Return: 0, or -EINVAL for another address.
 */
int tier_watch_free(void *addr);

/**
 * tier_watch_shutdown - close the handle and its agents
 *
 * Memory of tier_watch_alloc() stays. The next call opens the handle again.
 */
void tier_watch_shutdown(void);

#ifdef __cplusplus
}
#endif

#endif /* _TIER_WATCH_H */
