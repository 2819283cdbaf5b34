/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * TierWatch: the documented names, for programs (tier_watch.h of libtw) and for
 * kernel modules (tier_watch.h of the driver) alike.
 *
 * Structs may grow at their end. Pages are named by number: a region's page by
 * its stable number or, while it is in memory, by its frame's; an external page
 * by its frame's number. Units: pages, nanoseconds, bytes per second.
 */
#ifndef _UAPI_LINUX_TIER_WATCH_TYPES_H
#define _UAPI_LINUX_TIER_WATCH_TYPES_H

#include <linux/types.h>

/**
 * enum memory_tier - the five tiers
 * @TIER_GPU: CPU-less NUMA nodes
 * @TIER_CPU: NUMA nodes with CPUs
 * @TIER_NVME: a block device
 * @TIER_SSD: a block device
 * @TIER_HDD: a block device
 * @TIER_COUNT: how many there are
 * @TIER_ANY: where "any tier" may be asked for
 */
enum memory_tier {
	TIER_GPU	= 0,
	TIER_CPU	= 1,
	TIER_NVME	= 2,
	TIER_SSD	= 3,
	TIER_HDD	= 4,
	TIER_COUNT	= 5,
	TIER_ANY	= 0xff,
};

/**
 * enum pressure_level - how full a tier is
 * @PRESSURE_LOW: plenty of room
 * @PRESSURE_MEDIUM: filling
 * @PRESSURE_HIGH: little room
 * @PRESSURE_CRITICAL: next to none
 */
enum pressure_level {
	PRESSURE_LOW		= 0,
	PRESSURE_MEDIUM		= 1,
	PRESSURE_HIGH		= 2,
	PRESSURE_CRITICAL	= 3,
};

/**
 * enum migration_reason - why a page moves
 * @MIGRATION_MANUAL: asked for by a program or module
 * @MIGRATION_HOT_PROMOTION: it is hot
 * @MIGRATION_COLD_DEMOTION: it is cold
 * @MIGRATION_PRESSURE: its tier needs room
 * @MIGRATION_NUMA: towards the node that touches it
 */
enum migration_reason {
	MIGRATION_MANUAL	= 0,
	MIGRATION_HOT_PROMOTION	= 1,
	MIGRATION_COLD_DEMOTION	= 2,
	MIGRATION_PRESSURE	= 3,
	MIGRATION_NUMA		= 4,
};

/**
 * struct tier_pressure - pressure of a tier
 * @level: enum pressure_level
 * @permille: used of 1000
 * @capacity: pages
 * @used: pages
 * @stalls: faults that waited for room
 */
struct tier_pressure {
	__u32 level;
	__u32 permille;
	__u64 capacity;
	__u64 used;
	__u64 stalls;
};

/**
 * struct migration_candidate - a page worth moving
 * @pfn: page number
 * @agent_id: label of its agent
 * @benefit_ns: access time that the move saves, below 0: costs
 * @heat: heat
 * @age: how long it has not been touched, see struct tw_page
 * @from_tier: enum memory_tier
 * @to_tier: enum memory_tier
 * @node: NUMA node while in memory, else -1
 * @reserved: 0
 */
struct migration_candidate {
	__u64 pfn;
	__u64 agent_id;
	__s64 benefit_ns;
	__u32 heat;
	__u32 age;
	__u32 from_tier;
	__u32 to_tier;
	__s32 node;
	__u32 reserved;
};

/**
 * struct migration_request - a page to be moved
 * @pfn: page number
 * @from_tier: enum memory_tier that it must be in, or TIER_ANY
 * @to_tier: enum memory_tier
 * @priority: 0..100, higher first
 * @reason: enum migration_reason
 */
struct migration_request {
	__u64 pfn;
	__u32 from_tier;
	__u32 to_tier;
	__u32 priority;
	__u32 reason;
};

/**
 * struct migration_result - what came of it
 * @status: 0 moved, 1 it was there already, or a negative errno
 * @from_tier: as asked for
 * @to_tier: as asked for
 * @reserved: 0
 * @pfn: frame that the page is in now, 0 when it is in none or may not be told
 * @latency_ns: from the call to its end
 * @id: number of the request
 */
struct migration_result {
	__s32 status;
	__u32 from_tier;
	__u32 to_tier;
	__u32 reserved;
	__u64 pfn;
	__u64 latency_ns;
	__u64 id;
};

/**
 * struct agent_memory_stats - an agent's memory, by enum memory_tier
 * @agent_id: label
 * @pages: pages of its regions
 * @external: external pages
 * @faults_minor: faults served from memory
 * @faults_major: faults that waited for a store
 * @migrations_in: pages moved into each tier
 * @migrations_out: pages moved out of each tier
 * @limit: pages that its regions should not exceed, ~0: none
 * @total_pages: @pages and @external of all tiers
 * @faults_reported: faults reported for its pages
 */
struct agent_memory_stats {
	__u64 agent_id;
	__u64 pages[5];
	__u64 external[5];
	__u64 faults_minor[5];
	__u64 faults_major[5];
	__u64 migrations_in[5];
	__u64 migrations_out[5];
	__u64 limit[5];
	__u64 total_pages;
	__u64 faults_reported;
};

/**
 * struct numa_stats - a NUMA node
 * @node: its number
 * @tier: enum memory_tier that it backs, or TIER_ANY: none
 * @total_pages: its memory
 * @free_pages: of it, free
 * @pages: pages of regions there
 * @local_accesses: faults on these by CPUs of the node
 * @remote_accesses: faults on these by other CPUs
 * @migrations_in: pages moved there by balancing
 */
struct numa_stats {
	__s32 node;
	__u32 tier;
	__u64 total_pages;
	__u64 free_pages;
	__u64 pages;
	__u64 local_accesses;
	__u64 remote_accesses;
	__u64 migrations_in;
};

/**
 * struct page_info - one page
 * @pfn: page number, a stable one for a region's page
 * @frame: its frame's number while in memory and the caller may know, else 0
 * @agent_id: label of its agent
 * @tier: enum memory_tier, TIER_ANY: never touched
 * @heat: heat
 * @age: see struct tw_page
 * @flags: TW_PAGE_*
 * @node: NUMA node while in memory, else -1
 * @optimal_node: node whose CPUs touch it most, -1: nobody has
 * @temperature: 0 warm, 1 hot, 2 cold
 * @reserved: 0
 */
struct page_info {
	__u64 pfn;
	__u64 frame;
	__u64 agent_id;
	__u32 tier;
	__u32 heat;
	__u32 age;
	__u32 flags;
	__s32 node;
	__s32 optimal_node;
	__u32 temperature;
	__u32 reserved;
};

/**
 * struct tier_info - a tier
 * @tier: enum memory_tier
 * @bound: 1 when it has memory or a device
 * @capacity: pages
 * @used: pages
 * @latency_ns: measured when it was bound
 * @bandwidth: measured when it was bound
 * @nominal_latency_ns: the specification's
 * @nominal_bandwidth: the specification's
 */
struct tier_info {
	__u32 tier;
	__u32 bound;
	__u64 capacity;
	__u64 used;
	__u64 latency_ns;
	__u64 bandwidth;
	__u64 nominal_latency_ns;
	__u64 nominal_bandwidth;
};

/**
 * struct fault_stats - a tier's faults since load or the last reset
 * @minor: served from memory
 * @major: waited for this store
 * @reads: of both
 * @writes: of both
 * @first: of the minor ones, first touches
 * @reported: reported by others
 * @total_ns: time spent in them, without those reported
 */
struct fault_stats {
	__u64 minor;
	__u64 major;
	__u64 reads;
	__u64 writes;
	__u64 first;
	__u64 reported;
	__u64 total_ns;
};

/**
 * struct module_stats - all of the driver
 * @pages_tracked: pages of regions and external ones
 * @pages_external: of these, external
 * @faults: served
 * @faults_reported: reported by others
 * @migrations: pages moved
 * @migrations_failed: moves that failed
 * @migration_avg_ns: time a page's move took
 * @requests_queued: requests that wait
 * @memory_bytes: memory that the driver takes for itself
 * @batch_size: pages moved at a time
 * @hot_threshold: heat above which a page is hot
 * @cold_threshold: heat below which an aged page is cold
 * @auto_migration: 1 when pages are moved by themselves
 */
struct module_stats {
	__u64 pages_tracked;
	__u64 pages_external;
	__u64 faults;
	__u64 faults_reported;
	__u64 migrations;
	__u64 migrations_failed;
	__u64 migration_avg_ns;
	__u64 requests_queued;
	__u64 memory_bytes;
	__u32 batch_size;
	__u32 hot_threshold;
	__u32 cold_threshold;
	__u32 auto_migration;
};

#endif /* _UAPI_LINUX_TIER_WATCH_TYPES_H */
