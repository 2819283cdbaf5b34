/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * TierWatch: the types of the documented API, for programs (tier_watch.h of libtw)
 * and for kernel modules (tier_watch.h of the driver).
 *
 * Structs may grow at their end. A page number (pfn) is the stable number of a region's
 * page (see linux/tierwatch.h) or, while the page is in memory, its frame number; for
 * an external page it is the frame number. Units: pages, nanoseconds, bytes per second.
 */
#ifndef _UAPI_LINUX_TIER_WATCH_TYPES_H
#define _UAPI_LINUX_TIER_WATCH_TYPES_H

#include <linux/types.h>

/**
 * enum tier_watch_tier - the five tiers
 * @TIER_GPU: CPU-less NUMA nodes
 * @TIER_CPU: NUMA nodes with CPUs
 * @TIER_NVME: a block device
 * @TIER_SSD: a block device
 * @TIER_HDD: a block device
 * @TIER_COUNT: number of tiers
 * @TIER_ANY: as an argument, any tier; as a result, no tier
 */
enum tier_watch_tier {
	TIER_GPU	= 0,
	TIER_CPU	= 1,
	TIER_NVME	= 2,
	TIER_SSD	= 3,
	TIER_HDD	= 4,
	TIER_COUNT	= 5,
	TIER_ANY	= 0xff,
};

/**
 * enum tier_watch_level - pressure of a tier, by default thresholds
 * @PRESSURE_LOW: below 70 % used: of a store itself, of memory all tiers together that
 *	its pages may go to. Faults that wait for memory raise it, to HIGH at most
 * @PRESSURE_MEDIUM: from 70 % used
 * @PRESSURE_HIGH: from 85 % used
 * @PRESSURE_CRITICAL: from 95 % used
 */
enum tier_watch_level {
	PRESSURE_LOW		= 0,
	PRESSURE_MEDIUM		= 1,
	PRESSURE_HIGH		= 2,
	PRESSURE_CRITICAL	= 3,
};

/**
 * enum tier_watch_reason - why a page moves
 * @MIGRATION_MANUAL: a program or module asked for it
 * @MIGRATION_HOT_PROMOTION: the page is hot
 * @MIGRATION_COLD_DEMOTION: the page is cold
 * @MIGRATION_PRESSURE: its tier needs room
 * @MIGRATION_NUMA: to the node whose CPUs touch the page
 */
enum tier_watch_reason {
	MIGRATION_MANUAL	= 0,
	MIGRATION_HOT_PROMOTION	= 1,
	MIGRATION_COLD_DEMOTION	= 2,
	MIGRATION_PRESSURE	= 3,
	MIGRATION_NUMA		= 4,
};

/**
 * struct tier_pressure - pressure of a tier
 * @level: enum tier_watch_level
 * @permille: @used in thousandths of @capacity
 * @capacity: pages
 * @used: pages
 * @stalls: faults that waited for a demotion out of this tier
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
 * @benefit_ns: access time that the move saves, or costs if it is below 0
 * @heat: heat, see enum tw_class in linux/tierwatch.h
 * @age: how long it has not been touched, see struct tw_page in linux/tierwatch.h
 * @from_tier: enum tier_watch_tier that it is in
 * @to_tier: enum tier_watch_tier that it would move to
 * @node: NUMA node if it is in memory, else -1
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
 * @from_tier: enum tier_watch_tier that it must be in, or TIER_ANY
 * @to_tier: enum tier_watch_tier
 * @priority: 0..100, higher first
 * @reason: enum tier_watch_reason
 */
struct migration_request {
	__u64 pfn;
	__u32 from_tier;
	__u32 to_tier;
	__u32 priority;
	__u32 reason;
};

/**
 * struct migration_result - outcome of a request
 * @status: 0 if the page has moved, 1 if it was in the tier already, or a negative errno
 * @from_tier: as in the request
 * @to_tier: as in the request
 * @reserved: 0
 * @pfn: frame number of the page now; 0 if it is in no frame, or the caller may not
 *	know it
 * @latency_ns: time from the call to the request's end
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
 * struct agent_memory_stats - an agent's memory, by enum tier_watch_tier
 * @agent_id: label
 * @pages: pages of its regions
 * @external: external pages
 * @faults_minor: faults served from memory
 * @faults_major: faults that waited for a store
 * @migrations_in: pages moved into each tier
 * @migrations_out: pages moved out of each tier
 * @limit: pages that its regions should not exceed, ~0 for no limit
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
 * struct numa_stats - memory and touches of a NUMA node
 * @node: its number
 * @tier: enum tier_watch_tier that it backs, TIER_ANY for none
 * @total_pages: its memory
 * @free_pages: its free memory
 * @pages: pages of regions that are on it
 * @local_accesses: faults on its pages by its own CPUs
 * @remote_accesses: faults on its pages by CPUs of other nodes
 * @migrations_in: pages moved to it by balancing
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
 * @pfn: page number, the stable number for a region's page
 * @frame: frame number if it is in memory and the caller may know it, else 0
 * @agent_id: label of its agent
 * @tier: enum tier_watch_tier, TIER_ANY if it was never touched
 * @heat: heat, see enum tw_class in linux/tierwatch.h
 * @age: how long it has not been touched, see struct tw_page in linux/tierwatch.h
 * @flags: TW_PAGE_* of linux/tierwatch.h
 * @node: NUMA node if it is in memory, else -1
 * @optimal_node: node whose CPUs touch it most, -1 if not known
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
 * struct tier_info - capacity, use and speed of a tier
 * @tier: enum tier_watch_tier
 * @bound: 1 if it has memory or a device
 * @capacity: pages
 * @used: pages
 * @latency_ns: measured at bind
 * @bandwidth: measured at bind
 * @nominal_latency_ns: as the specification has it
 * @nominal_bandwidth: as the specification has it
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
 * @minor: faults served from memory
 * @major: faults that waited for this store
 * @reads: the part of both that were reads
 * @writes: the part of both that were writes
 * @first: the part of @minor that were first touches
 * @reported: faults reported by programs and modules; not in the other counts
 * @total_ns: time spent in @minor and @major
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
 * struct module_stats - totals and settings of the driver
 * @pages_tracked: pages of regions, and external pages
 * @pages_external: external pages
 * @faults: faults that the driver served
 * @faults_reported: faults reported by programs and modules
 * @migrations: pages moved
 * @migrations_failed: moves that failed
 * @migration_avg_ns: average time of a page's move
 * @requests_queued: requests waiting or under way
 * @memory_bytes: memory that the driver uses itself
 * @batch_size: the most pages moved together
 * @hot_threshold: heat above which a page is hot
 * @cold_threshold: heat below which an aged page is cold
 * @auto_migration: 1 if automatic migration is on
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
