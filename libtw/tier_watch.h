/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The documented names, on a handle that opens itself.
 *
 * Results are 0, or a count where it says so, or a negative errno: the
 * driver's, see <linux/tierwatch.h>, or that of opening the device. Pages are
 * named as there: by stable number, or by frame with CAP_SYS_ADMIN.
 *
 * Threads: all of it may be called at any time by any thread, but
 * tier_watch_shutdown(), which must be alone. After fork() the child goes on
 * with the same device and agents; closing them there leaves the parent's.
 *
 * Structs may grow. What takes one is a macro that tells a function with a
 * version in its name how long the caller's is: a shorter one of an older
 * program gets its part, the end of a longer one is zero.
 *
 * TIER_WATCH_NO_U64, defined before, leaves the name u64 to the program.
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

/* Flags of tier_watch_handle_fault(): the access was a write. */
#ifndef FAULT_FLAG_WRITE
#define FAULT_FLAG_WRITE	0x01
#endif

/**
 * get_page_pfn - the number of the page at an address
 * @addr: any address of the caller's
 *
 * Return: the stable number, the same in every tier for life; 0 when no
 * managed page is there. The page isn't touched.
 */
__u64 get_page_pfn(const void *addr);

/**
 * tier_watch_track_page - keep track of a page
 * @pfn: page number
 * @tier: enum memory_tier that it is in
 * @agent_id: label of its agent, made and held when there is none
 *
 * Return: 0 or -errno: the page's status of struct tw_track.
 */
int tier_watch_track_page(__u64 pfn, int tier, __u64 agent_id);

/**
 * tier_watch_track_page_numa - the same on a NUMA node
 * @pfn: page number
 * @tier: enum memory_tier that it is in
 * @agent_id: label of its agent, made and held when there is none
 * @node: node of an external page, -1: its frame's own
 *
 * Return: as tier_watch_track_page().
 */
int tier_watch_track_page_numa(__u64 pfn, int tier, __u64 agent_id, int node);

/**
 * tier_watch_untrack_page - forget an external page
 * @pfn: page number
 *
 * Return: 0 or -errno: the page's status of struct tw_untrack.
 */
int tier_watch_untrack_page(__u64 pfn);

/**
 * tier_watch_handle_fault - tell that a page was touched
 * @pfn: page number
 * @vaddr: where
 * @flags: FAULT_FLAG_WRITE or 0
 *
 * Return: 0 or -errno.
 */
int tier_watch_handle_fault(__u64 pfn, __u64 vaddr, unsigned int flags);

/**
 * tier_watch_get_pressure_v1 - how full a tier is
 * @tier: enum memory_tier
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
 * @from: enum memory_tier
 * @to: another one
 * @candidates: out
 * @nr: room in @candidates
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
 * @request: what is asked for
 * @request_size: bytes of the caller's struct
 * @result: out, also when it failed; or NULL
 * @size: bytes of the caller's struct
 *
 * Return: 0 moved, or there already; -errno, which is the result's status, too.
 */
int tier_watch_migrate_page_v1(const struct migration_request *request,
			       size_t request_size,
			       struct migration_result *result, size_t size);
#define tier_watch_migrate_page(request, result) \
	tier_watch_migrate_page_v1((request), sizeof(struct migration_request), \
			    (result), sizeof(struct migration_result))

/**
 * tier_watch_queue_migration_v1 - have a page moved by and by
 * @request: what is asked for
 * @request_size: bytes of the caller's struct
 * @id: out: the request's number, in its TW_EVENT_REQUEST; or NULL
 *
 * Return: 0 queued, or -errno; -EAGAIN: the queue is full.
 */
int tier_watch_queue_migration_v1(const struct migration_request *request,
				  size_t request_size, __u64 *id);
#define tier_watch_queue_migration(request, id) \
	tier_watch_queue_migration_v1((request), \
			       sizeof(struct migration_request), (id))

/**
 * tier_watch_migrate_batch_v1 - move pages and wait for them
 * @requests: @nr of them
 * @request_size: bytes of one of the caller's structs
 * @nr: how many
 * @results: out: @nr, of pages that were not come to, too; or NULL
 * @size: bytes of the caller's struct
 *
 * Return: how many moved or were there already; -errno when the driver refused
 * the first pages.
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
 * Return: 0 or -errno; -ENOENT: no such agent.
 */
int tier_watch_get_agent_memory_v1(__u64 agent_id,
				   struct agent_memory_stats *stats,
				   size_t size);
#define tier_watch_get_agent_memory(agent_id, stats) \
	tier_watch_get_agent_memory_v1((agent_id), (stats), \
				sizeof(struct agent_memory_stats))

/**
 * tier_watch_get_numa_stats_v1 - a NUMA node
 * @node: its number
 * @stats: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno; -ENOENT: no such node.
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
 * Return: the node whose CPUs touch it most; the one it is on when nobody has;
 * -ENODATA when it is on none; -errno.
 */
int tier_watch_get_optimal_numa_node(__u64 pfn);

/**
 * tier_watch_get_page_info_v1 - one page
 * @pfn: page number
 * @info: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno; -ENOENT: no such page.
 */
int tier_watch_get_page_info_v1(__u64 pfn, struct page_info *info, size_t size);
#define tier_watch_get_page_info(pfn, info) \
	tier_watch_get_page_info_v1((pfn), (info), sizeof(struct page_info))

/**
 * tier_watch_get_hot_pages_v1 - hot pages
 * @tier: enum memory_tier or TIER_ANY
 * @infos: out
 * @nr: room in @infos
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
 * tier_watch_get_cold_pages_v1 - cold pages
 * @tier: enum memory_tier or TIER_ANY
 * @infos: out
 * @nr: room in @infos
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
 * tier_watch_mark_hot - call a page hot
 * @pfn: page number
 *
 * Return: 0 or -errno.
 */
int tier_watch_mark_hot(__u64 pfn);

/**
 * tier_watch_mark_cold - call a page cold
 * @pfn: page number
 *
 * Return: 0 or -errno.
 */
int tier_watch_mark_cold(__u64 pfn);

/**
 * tier_watch_get_fault_stats_v1 - a tier's faults
 * @tier: enum memory_tier
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
 * tier_watch_reset_fault_stats - count a tier's faults from here on
 * @tier: enum memory_tier
 *
 * Return: 0 or -errno; needs CAP_SYS_ADMIN.
 */
int tier_watch_reset_fault_stats(int tier);

/**
 * tier_watch_get_tier_info_v1 - one tier
 * @tier: enum memory_tier
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
 * @from: enum memory_tier or TIER_ANY
 * @to: enum memory_tier
 * @nr: most pages to move, 0: all
 *
 * Return: how many moved, or -errno.
 */
int tier_watch_migrate_agent(__u64 agent_id, int from, int to, unsigned int nr);

/**
 * tier_watch_set_agent_limits - set how much of each tier an agent takes
 * @agent_id: label, made and held when there is no such agent
 * @pages: by enum memory_tier; ~0: no limit
 *
 * Return: 0 or -errno.
 */
int tier_watch_set_agent_limits(__u64 agent_id, const __u64 pages[TIER_COUNT]);

/**
 * tier_watch_get_agent_limits - how much of each tier an agent takes at most
 * @agent_id: label
 * @pages: out: by enum memory_tier; ~0: no limit
 *
 * Return: 0 or -errno.
 */
int tier_watch_get_agent_limits(__u64 agent_id, __u64 pages[TIER_COUNT]);

/**
 * tier_watch_set_thresholds - set a tier's levels of pressure
 * @tier: enum memory_tier
 * @enter: percent used from which it is on MEDIUM, HIGH, CRITICAL
 * @leave: percent used below which it leaves them
 *
 * Return: 0 or -errno; needs CAP_SYS_ADMIN.
 */
int tier_watch_set_thresholds(int tier, const __u32 enter[3],
			      const __u32 leave[3]);

/**
 * tier_watch_get_module_stats_v1 - all of the driver
 * @stats: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tier_watch_get_module_stats_v1(struct module_stats *stats, size_t size);
#define tier_watch_get_module_stats(stats) \
	tier_watch_get_module_stats_v1((stats), sizeof(struct module_stats))

/**
 * tier_watch_numa_balance - move pages to the node that touches them
 * @nr: most pages to move, 0: all
 *
 * Return: how many moved, or -errno.
 */
int tier_watch_numa_balance(unsigned int nr);

/**
 * tier_watch_alloc - managed memory for an agent
 * @agent_id: label, made and held when there is no such agent
 * @bytes: how much, rounded up to pages
 * @addr: out: where it is mapped
 *
 * Return: 0 or -errno.
 */
int tier_watch_alloc(__u64 agent_id, size_t bytes, void **addr);

/**
 * tier_watch_free - free it
 * @addr: what tier_watch_alloc() gave; or NULL
 *
 * Return: 0, or -EINVAL for another address.
 */
int tier_watch_free(void *addr);

/**
 * tier_watch_shutdown - close the default handle, let its agents go
 */
void tier_watch_shutdown(void);

#ifdef __cplusplus
}
#endif

#endif /* _TIER_WATCH_H */
