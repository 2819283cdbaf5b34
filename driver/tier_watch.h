/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tier_watch.h - the documented API, for other kernel modules
 *
 * All functions are EXPORT_SYMBOL_GPL() and act with the kernel's own rights,
 * whichever process calls them. They may sleep and return 0 or a negative errno,
 * unless their kernel-doc in doors/kapi*.c says otherwise.
 *
 * Agents are named by their label and belong to the kernel (uid 0). A function that
 * accounts pages to an agent or limits it makes the agent if it does not exist; the
 * agent is held until tier_watch_release_agent() or unload. A page's number (pfn) is a
 * frame number or the stable number of a region's page, see linux/tier_watch_types.h.
 */
#ifndef _TIER_WATCH_H
#define _TIER_WATCH_H

#include <linux/types.h>
#include <linux/tier_watch_types.h>

int tier_watch_track_page(u64 pfn, int tier, u64 agent_id);
int tier_watch_track_page_numa(u64 pfn, int tier, u64 agent_id, int node);
int tier_watch_untrack_page(u64 pfn);
int tier_watch_handle_fault(u64 pfn, u64 vaddr, unsigned int flags);

int tier_watch_get_page_info(u64 pfn, struct page_info *info);
int tier_watch_get_optimal_numa_node(u64 pfn);
int tier_watch_mark_hot(u64 pfn);
int tier_watch_mark_cold(u64 pfn);
int tier_watch_get_migration_candidates(int from_tier, int to_tier,
					struct migration_candidate *candidates,
					int max);

int tier_watch_migrate_page(const struct migration_request *req,
			    struct migration_result *result);
int tier_watch_migrate_batch(const struct migration_request *reqs,
			     struct migration_result *results, int nr);
int tier_watch_queue_migration(const struct migration_request *req, u64 *id);

int tier_watch_get_tier_info(int tier, struct tier_info *info);
int tier_watch_get_pressure(int tier, struct tier_pressure *pressure);
int tier_watch_set_pressure_thresholds(int tier, const u32 enter[3],
				       const u32 leave[3]);
int tier_watch_get_fault_stats(int tier, struct fault_stats *stats);
int tier_watch_reset_fault_stats(int tier);
int tier_watch_get_module_stats(struct module_stats *stats);
int tier_watch_get_numa_stats(int node, struct numa_stats *stats);
int tier_watch_balance_numa(unsigned int max, u64 *moved);

int tier_watch_get_agent_memory(u64 agent_id, struct agent_memory_stats *stats);
int tier_watch_set_agent_limit(u64 agent_id, int tier, u64 pages);
int tier_watch_migrate_agent(u64 agent_id, int from_tier, int to_tier,
			     unsigned int max, u64 *moved);
int tier_watch_release_agent(u64 agent_id);

#endif
