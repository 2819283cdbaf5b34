/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libtw: TierWatch from userspace.
 *
 * Functions return 0, or a count where it says so, or a negative errno; errno
 * itself is not part of the interface. The errors of the device are listed in
 * <linux/tierwatch.h>, at the top and with each struct; they come through
 * unchanged, and only what the library adds is listed here. Unless said
 * otherwise a call that fails writes nothing through its pointers.
 *
 * Structs may grow in later versions. A call that takes or fills one is a macro, which
 * calls a function with a version in its name (tw_info_v1() for tw_info()) and passes
 * the size of the caller's struct as its last argument. The struct of a program that
 * was built with an older header is filled as far as it goes. Members that the
 * library or the driver does not know are set to zero.
 *
 * The library fills in and checks no more than it must, and passes values to the
 * driver as they are. Where a struct of <linux/tierwatch.h> is filled, the library
 * sets its size member and all inputs in it.
 *
 * Threads: any number of threads may use a struct tw, tw_region or tw_agent at once,
 * but none while it is being closed. A struct tw_stream belongs to one thread at a
 * time. There is no global state. A struct tw may be closed before the regions, agents
 * and streams that were made with it.
 */
#ifndef _TW_H
#define _TW_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/tierwatch.h>

#include "tw_ring.h"
#include "tw_stats.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tw;
struct tw_region;
struct tw_agent;
struct tw_stream;

/*
 * The device
 */

/**
 * tw_version - the library's version
 *
 * Return: "1.0.0"
 */
const char *tw_version(void);

/**
 * tw_open - open the device
 * @path: NULL for /dev/tierwatch
 * @tw: out: the handle
 *
 * Return: 0; -ENOENT or -ENODEV if the driver is not loaded, -EACCES without
 * the right to open it, -ENOTTY if @path is another device, -EPROTO if the
 * driver has another ABI version; or -errno of open() or of the driver.
 */
int tw_open(const char *path, struct tw **tw);

/**
 * tw_close - close the device
 * @tw: the handle, or NULL
 *
 * Regions, agents and streams that were made with it live on. The mapping of
 * tw_stats_map() ends.
 */
void tw_close(struct tw *tw);

/**
 * tw_fd - the device's file descriptor
 * @tw: the handle
 *
 * Return: the descriptor, which the handle keeps and closes.
 */
int tw_fd(const struct tw *tw);

/**
 * tw_info_v1 - properties of the driver, and which tiers are bound now
 * @tw: the handle
 * @info: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tw_info_v1(struct tw *tw, struct tw_info *info, size_t size);
#define tw_info(tw, info) \
	tw_info_v1((tw), (info), sizeof(struct tw_info))

/*
 * Names
 */

/**
 * tw_tier_name - a tier's name
 * @tier: enum tw_tier
 *
 * Return: "gpu", "cpu", "nvme", "ssd", "hdd", "none" or "?"; never NULL.
 */
const char *tw_tier_name(int tier);

/**
 * tw_tier_parse - a tier by its name
 * @name: name of one of the five tiers as of tw_tier_name(), in upper or lower case
 *
 * Return: enum tw_tier, or -EINVAL.
 */
int tw_tier_parse(const char *name);

/**
 * tw_level_name - a pressure level's name
 * @level: enum tw_level
 *
 * Return: "low", "medium", "high", "critical" or "?".
 */
const char *tw_level_name(int level);

/**
 * tw_reason_name - a move's reason
 * @reason: enum tw_reason
 *
 * Return: "manual", "hot", "cold", "pressure", "numa", "fault", "evacuate"
 * or "?".
 */
const char *tw_reason_name(int reason);

/**
 * tw_event_name - an event's name
 * @type: enum tw_event_type
 *
 * Return: "fault", "migrate", "pressure", "limit", "tier-bound",
 * "tier-unbound", "tier-error", "agent-created", "agent-ended", "request" or
 * "?".
 */
const char *tw_event_name(int type);

/*
 * Tiers
 */

/**
 * tw_tier_info_v1 - capacity, use and speed of one tier
 * @tw: the handle
 * @tier: enum tw_tier
 * @info: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tw_tier_info_v1(struct tw *tw, int tier, struct tw_tier_info *info,
		    size_t size);
#define tw_tier_info(tw, tier, info) \
	tw_tier_info_v1((tw), (tier), (info), sizeof(struct tw_tier_info))

/**
 * tw_tier_bind_nodes - give a NUMA tier its nodes
 * @tw: the handle
 * @tier: TW_TIER_GPU or TW_TIER_CPU
 * @nodes: a bit per node 0..63; 0 for all that fit the tier
 * @capacity: pages; 0 for all there is
 * @flags: TW_BIND_*
 *
 * Return: 0 or -errno.
 */
int tw_tier_bind_nodes(struct tw *tw, int tier, __u64 nodes, __u64 capacity,
		       unsigned int flags);

/**
 * tw_tier_bind_device - give a store tier its block device
 * @tw: the handle
 * @tier: TW_TIER_NVME, TW_TIER_SSD or TW_TIER_HDD; or TW_TIER_GPU, which is a store then
 * @path: a block device that `tw tier format` has signed
 * @capacity: pages; 0 for all there is
 * @flags: TW_BIND_*
 *
 * Return: 0 or -errno, also that of opening @path; -ENOTBLK if it is no block device.
 */
int tw_tier_bind_device(struct tw *tw, int tier, const char *path,
			__u64 capacity, unsigned int flags);

/**
 * tw_tier_unbind - move a tier's pages away and unbind it
 * @tw: the handle
 * @tier: enum tw_tier
 * @flags: TW_UNBIND_*
 * @moved: out: pages moved to other tiers, also if the call fails; or NULL
 *
 * Return: 0 or -errno.
 */
int tw_tier_unbind(struct tw *tw, int tier, unsigned int flags, __u64 *moved);

/**
 * tw_tier_resize - make a bound store larger or smaller
 * @tw: the handle
 * @tier: enum tw_tier
 * @capacity: in: pages, 0 for all that its device has room for now; out: pages that the
 *	store has now
 * @moved: out: pages moved out of the way; or NULL
 *
 * If it fails, the store has the size that it had before, and nothing is set.
 *
 * Return: 0 or -errno.
 */
int tw_tier_resize(struct tw *tw, int tier, __u64 *capacity, __u64 *moved);

/**
 * tw_pressure_v1 - how full a tier is
 * @tw: the handle
 * @tier: enum tw_tier
 * @pressure: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tw_pressure_v1(struct tw *tw, int tier, struct tw_pressure *pressure,
		   size_t size);
#define tw_pressure(tw, tier, pressure) \
	tw_pressure_v1((tw), (tier), (pressure), sizeof(struct tw_pressure))

/**
 * tw_thresholds_get_v1 - thresholds of a tier's pressure
 * @tw: the handle
 * @tier: enum tw_tier
 * @thresholds: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tw_thresholds_get_v1(struct tw *tw, int tier,
			 struct tw_thresholds *thresholds, size_t size);
#define tw_thresholds_get(tw, tier, thresholds) \
	tw_thresholds_get_v1((tw), (tier), (thresholds), \
			     sizeof(struct tw_thresholds))

/**
 * tw_thresholds_set - set the thresholds of a tier's pressure
 * @tw: the handle
 * @tier: enum tw_tier
 * @enter: percent used from which it is on MEDIUM, HIGH and CRITICAL
 * @leave: percent used below which it leaves each level
 *
 * Return: 0 or -errno; needs CAP_SYS_ADMIN.
 */
int tw_thresholds_set(struct tw *tw, int tier, const __u32 enter[3],
		      const __u32 leave[3]);

/**
 * tw_fault_stats_v1 - a tier's faults since load or the last reset
 * @tw: the handle
 * @tier: enum tw_tier
 * @flags: TW_FAULT_STATS_RESET to begin to count at 0 again, which needs
 *	CAP_SYS_ADMIN; or 0
 * @stats: out: the figures up to this call; or NULL
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tw_fault_stats_v1(struct tw *tw, int tier, unsigned int flags,
		      struct tw_fault_stats *stats, size_t size);
#define tw_fault_stats(tw, tier, flags, stats) \
	tw_fault_stats_v1((tw), (tier), (flags), (stats), \
			  sizeof(struct tw_fault_stats))

/**
 * tw_numa_stats_v1 - memory and touches of a NUMA node
 * @tw: the handle
 * @node: its number
 * @stats: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno; -ENOENT if there is no such node.
 */
int tw_numa_stats_v1(struct tw *tw, int node, struct tw_numa_stats *stats,
		     size_t size);
#define tw_numa_stats(tw, node, stats) \
	tw_numa_stats_v1((tw), (node), (stats), sizeof(struct tw_numa_stats))

/**
 * tw_numa_balance_v1 - move pages to the node whose CPUs touch them
 * @tw: the handle
 * @nr: the most pages to move, 0 for all
 * @result: out: what was done; or NULL
 * @size: bytes of the caller's struct
 *
 * Moves the caller's own pages; with CAP_SYS_ADMIN those of all users.
 *
 * Return: 0 or -errno.
 */
int tw_numa_balance_v1(struct tw *tw, unsigned int nr,
		       struct tw_numa_balance *result, size_t size);
#define tw_numa_balance(tw, nr, result) \
	tw_numa_balance_v1((tw), (nr), (result), sizeof(struct tw_numa_balance))

/*
 * Agents
 */

/**
 * tw_agent_create - make an agent
 * @tw: the handle
 * @id: its label
 * @agent: out
 *
 * Return: 0 or -errno; -EEXIST if the user has an agent of this label.
 */
int tw_agent_create(struct tw *tw, __u64 id, struct tw_agent **agent);

/**
 * tw_agent_join - open the user's agent of a label, or make it if there is none
 * @tw: the handle
 * @id: its label
 * @agent: out
 *
 * Return: 0 or -errno.
 */
int tw_agent_join(struct tw *tw, __u64 id, struct tw_agent **agent);

/**
 * tw_agent_open_fd - use an agent that was passed as a file descriptor
 * @tw: the handle
 * @fd: the agent. On success @agent owns it and closes it; on an error the caller
 *	keeps it
 * @agent: out
 *
 * Return: 0 or -errno.
 */
int tw_agent_open_fd(struct tw *tw, int fd, struct tw_agent **agent);

/**
 * tw_agent_open - open an agent of the list of agents
 * @tw: the handle
 * @entry: as tw_agent_list() has filled it; also of another user, and also the default
 *	agent of a cgroup
 * @agent: out
 *
 * Return: 0 or -errno; -ENOENT if it has ended since.
 */
int tw_agent_open(struct tw *tw, const struct tw_agent_entry *entry,
		  struct tw_agent **agent);

/**
 * tw_agent_close - close an agent
 * @agent: the agent, or NULL
 *
 * The agent itself lives as long as any of its descriptors and regions.
 */
void tw_agent_close(struct tw_agent *agent);

/**
 * tw_agent_fd - an agent's file descriptor
 * @agent: the agent
 *
 * Return: the descriptor, which @agent keeps and closes.
 */
int tw_agent_fd(const struct tw_agent *agent);

/**
 * tw_agent_id - an agent's label
 * @agent: the agent
 *
 * Return: the label.
 */
__u64 tw_agent_id(const struct tw_agent *agent);

/**
 * tw_agent_stats_v1 - an agent's memory
 * @tw: the handle
 * @agent: the agent; NULL for the default one of the caller's cgroup
 * @stats: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tw_agent_stats_v1(struct tw *tw, const struct tw_agent *agent,
		      struct tw_agent_stats *stats, size_t size);
#define tw_agent_stats(tw, agent, stats) \
	tw_agent_stats_v1((tw), (agent), (stats), sizeof(struct tw_agent_stats))

/**
 * tw_agent_stats_by_id_v1 - the memory of one of the caller's own agents
 * @tw: the handle
 * @id: its label
 * @stats: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tw_agent_stats_by_id_v1(struct tw *tw, __u64 id,
			    struct tw_agent_stats *stats, size_t size);
#define tw_agent_stats_by_id(tw, id, stats) \
	tw_agent_stats_by_id_v1((tw), (id), (stats), \
				sizeof(struct tw_agent_stats))

/**
 * tw_agent_list_v1 - list agents, in the order in which they were made
 * @tw: the handle
 * @cursor: in: 0 to begin, else the value that the call before returned. out: where
 *	the next call goes on, 0 if there are no more
 * @agents: out
 * @nr: entries in @agents, not 0
 * @size: bytes of the caller's struct
 *
 * Goes on until @agents is full or there are no more. Lists the caller's own agents;
 * with CAP_SYS_ADMIN those of all users.
 *
 * Return: how many were written, or -errno of an error before the first.
 */
int tw_agent_list_v1(struct tw *tw, __u64 *cursor,
		     struct tw_agent_entry *agents, size_t nr, size_t size);
#define tw_agent_list(tw, cursor, agents, nr) \
	tw_agent_list_v1((tw), (cursor), (agents), (nr), \
			 sizeof(struct tw_agent_entry))

/**
 * tw_agent_limits_get_v1 - how much of each tier an agent takes at most
 * @tw: the handle
 * @agent: the agent; NULL for the default one of the caller's cgroup
 * @limits: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tw_agent_limits_get_v1(struct tw *tw, const struct tw_agent *agent,
			   struct tw_agent_limits *limits, size_t size);
#define tw_agent_limits_get(tw, agent, limits) \
	tw_agent_limits_get_v1((tw), (agent), (limits), \
			       sizeof(struct tw_agent_limits))

/**
 * tw_agent_limits_get_by_id_v1 - the same for one of the caller's own agents
 * @tw: the handle
 * @id: its label
 * @limits: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tw_agent_limits_get_by_id_v1(struct tw *tw, __u64 id,
				 struct tw_agent_limits *limits, size_t size);
#define tw_agent_limits_get_by_id(tw, id, limits) \
	tw_agent_limits_get_by_id_v1((tw), (id), (limits), \
				     sizeof(struct tw_agent_limits))

/**
 * tw_agent_limits_set - set how much of each tier an agent takes at most
 * @tw: the handle
 * @agent: the agent; NULL for the default one of the caller's cgroup
 * @pages: pages by enum tw_tier, TW_NO_LIMIT for no limit
 *
 * Return: 0 or -errno; -EPERM above the hard limits without CAP_SYS_RESOURCE.
 */
int tw_agent_limits_set(struct tw *tw, const struct tw_agent *agent,
			const __u64 pages[TW_NR_TIERS]);

/**
 * tw_agent_limits_set_by_id - the same for one of the caller's own agents
 * @tw: the handle
 * @id: its label
 * @pages: pages by enum tw_tier, TW_NO_LIMIT for no limit
 *
 * Return: as tw_agent_limits_set().
 */
int tw_agent_limits_set_by_id(struct tw *tw, __u64 id,
			      const __u64 pages[TW_NR_TIERS]);

/**
 * tw_swap_create - make the swap device
 * @tw: the handle
 * @pages: its size, TW_SWAP_PAGES_MIN to TW_SWAP_PAGES_MAX. As many slots of the stores
 *	are set aside
 * @dev: out: number of the block device as st_rdev has it; or NULL
 *
 * It appears as /dev/twswap, and is to be prepared and used like any other device for
 * swap: by mkswap(8) and swapon(8).
 *
 * Return: 0 or -errno; -EPERM without CAP_SYS_ADMIN, -EEXIST if there is one, -ENOSPC
 * if the stores have not that many slots left.
 */
int tw_swap_create(struct tw *tw, __u64 pages, __u32 *dev);

/**
 * tw_swap_destroy - remove the swap device
 * @tw: the handle
 *
 * Return: 0 or -errno; -EPERM without CAP_SYS_ADMIN, -ENOENT if there is none, -EBUSY
 * while it is in use as swap or open otherwise.
 */
int tw_swap_destroy(struct tw *tw);

/**
 * tw_swap_info_v1 - the swap device, and how many of its pages are in which tier
 * @tw: the handle
 * @info: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno; -ENOENT if there is none.
 */
int tw_swap_info_v1(struct tw *tw, struct tw_swap_info *info, size_t size);
#define tw_swap_info(tw, info) \
	tw_swap_info_v1((tw), (info), sizeof(struct tw_swap_info))

/**
 * tw_attach - have the memory of a program watched
 * @tw: the handle
 * @pid: its process id; 0 for the calling process
 * @id: out: id of the attachment, also with -EEXIST; or NULL
 *
 * The pages of its private anonymous memory have temperatures from then on, like those
 * of regions: TW_PAGE(id, address / page size) is the number of the page at an address.
 * The kernel still places them. The attachment ends with tw_detach() or with the
 * program's address space, also by execve(2); it does not end with @tw or the caller.
 *
 * Return: 0; -EPERM without CAP_SYS_PTRACE in the user namespace of the program's
 * memory, except for the caller's own; -ESRCH if there is no such process, if it has
 * ended during the call, when no other one that was given its number stays attached, or
 * if it has no memory of its own; -EEXIST if it is attached; or another -errno, also
 * of pidfd_open(2).
 */
int tw_attach(struct tw *tw, pid_t pid, __u64 *id);

/**
 * tw_detach - end an attachment
 * @tw: the handle
 * @id: its id
 *
 * Return: 0 or -errno; -ENOENT if there is none of that id, or none that the caller may
 * see.
 */
int tw_detach(struct tw *tw, __u64 id);

/**
 * tw_attached_v1 - what is known of an attachment
 * @tw: the handle
 * @id: its id; or with TW_ATTACHED_NEXT any number, of which the next higher id is
 *	looked up: 0 to begin with, and then the id that the call before has found
 * @flags: 0 or TW_ATTACHED_NEXT
 * @attached: out
 * @size: bytes of the caller's struct
 *
 * Return: 0; -ENOENT if there is none, or no other, that the caller may see; or another
 * -errno.
 */
int tw_attached_v1(struct tw *tw, __u64 id, unsigned int flags,
		   struct tw_attached *attached, size_t size);
#define tw_attached(tw, id, flags, attached) \
	tw_attached_v1((tw), (id), (flags), (attached), \
		       sizeof(struct tw_attached))

/**
 * tw_cgroup_limits_get_v1 - how much of each tier a cgroup takes at most
 * @tw: the handle
 * @path: the cgroup, as in /proc/PID/cgroup. It need not exist
 * @limits: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno; -EPERM for a cgroup that the caller is not in, without
 * CAP_SYS_RESOURCE or CAP_SYS_ADMIN.
 */
int tw_cgroup_limits_get_v1(struct tw *tw, const char *path,
			    struct tw_group_limits *limits, size_t size);
#define tw_cgroup_limits_get(tw, path, limits) \
	tw_cgroup_limits_get_v1((tw), (path), (limits), \
				sizeof(struct tw_group_limits))

/**
 * tw_cgroup_limits_set - set how much of each tier a cgroup takes at most
 * @tw: the handle
 * @path: the cgroup, as in /proc/PID/cgroup. It need not exist
 * @pages: pages by enum tw_tier, of it and all cgroups below it together;
 *	TW_NO_LIMIT for no limit
 *
 * Return: 0 or -errno; -EPERM without CAP_SYS_RESOURCE.
 */
int tw_cgroup_limits_set(struct tw *tw, const char *path,
			 const __u64 pages[TW_NR_TIERS]);

/**
 * tw_user_limits_get_v1 - how much of each tier a user takes at most
 * @tw: the handle
 * @uid: the user
 * @limits: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno; -EPERM for another user, without CAP_SYS_RESOURCE or
 * CAP_SYS_ADMIN.
 */
int tw_user_limits_get_v1(struct tw *tw, __u32 uid,
			  struct tw_group_limits *limits, size_t size);
#define tw_user_limits_get(tw, uid, limits) \
	tw_user_limits_get_v1((tw), (uid), (limits), \
			      sizeof(struct tw_group_limits))

/**
 * tw_user_limits_set - set how much of each tier a user takes at most
 * @tw: the handle
 * @uid: the user
 * @pages: pages by enum tw_tier, of all of its agents together; TW_NO_LIMIT for no
 *	limit
 *
 * Return: 0 or -errno; -EPERM without CAP_SYS_RESOURCE.
 */
int tw_user_limits_set(struct tw *tw, __u32 uid,
		       const __u64 pages[TW_NR_TIERS]);

/**
 * tw_group_limits_next_v1 - the cgroups and users that have limits, one by one
 * @tw: the handle
 * @cursor: in: 0 to begin, else the value that the call before returned. out: the
 *	value for the next call
 * @path: out: the path of a cgroup, empty for a user
 * @path_len: bytes at @path; 4096 always suffice
 * @limits: out: limits->kind tells whether it is a cgroup or a user
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno; -ENOENT after the last, -EPERM without CAP_SYS_RESOURCE or
 * CAP_SYS_ADMIN.
 */
int tw_group_limits_next_v1(struct tw *tw, __u64 *cursor, char *path,
			    size_t path_len, struct tw_group_limits *limits,
			    size_t size);
#define tw_group_limits_next(tw, cursor, path, path_len, limits) \
	tw_group_limits_next_v1((tw), (cursor), (path), (path_len), (limits), \
				sizeof(struct tw_group_limits))

/**
 * tw_agent_migrate - move an agent's pages
 * @tw: the handle
 * @agent: the agent; NULL for the default one of the caller's cgroup
 * @to: enum tw_tier
 * @from: enum tw_tier, or TW_TIER_NONE for any
 * @reason: enum tw_reason
 * @nr: the most pages to move, 0 for all
 * @moved: out: pages moved; or NULL
 * @failed: out: pages that could not be moved; or NULL
 *
 * Ends early, without an error, when @to is full.
 *
 * Return: 0 or -errno.
 */
int tw_agent_migrate(struct tw *tw, const struct tw_agent *agent, int to,
		     int from, int reason, unsigned int nr, __u64 *moved,
		     __u64 *failed);

/**
 * tw_agent_migrate_by_id - the same for one of the caller's own agents
 * @tw: the handle
 * @id: its label
 * @to: enum tw_tier
 * @from: enum tw_tier, or TW_TIER_NONE for any
 * @reason: enum tw_reason
 * @nr: the most pages to move, 0 for all
 * @moved: out: pages moved; or NULL
 * @failed: out: pages that could not be moved; or NULL
 *
 * Return: as tw_agent_migrate().
 */
int tw_agent_migrate_by_id(struct tw *tw, __u64 id, int to, int from,
			   int reason, unsigned int nr, __u64 *moved,
			   __u64 *failed);

/*
 * Regions
 */

/**
 * tw_region_create - make a region and map it
 * @tw: the handle
 * @bytes: its size, a multiple of the page size, not 0
 * @affinity: TW_TIER_CPU or TW_TIER_GPU, the tier where pages go first
 * @flags: TW_REGION_*
 * @agent: the agent that the pages are accounted to; NULL for the default agent
 *	of the caller's cgroup
 * @region: out
 *
 * With TW_REGION_RESERVE room for all of it is reserved, so that no touch of it is
 * SIGBUS for want of room; <linux/tierwatch.h> tells what counts as room. With
 * TW_REGION_HUGE it has folios of 2 MiB where they fit, and cannot grow by mremap(2).
 *
 * Return: 0 or -errno, also that of mmap(). With TW_REGION_RESERVE -ENOSPC if the room
 * cannot be reserved, -EDQUOT if it is more than the user may reserve.
 */
int tw_region_create(struct tw *tw, __u64 bytes, int affinity,
		     unsigned int flags, const struct tw_agent *agent,
		     struct tw_region **region);

/**
 * tw_region_open_fd - map a region that was passed as a file descriptor
 * @tw: a handle, or NULL for a process that has none
 * @fd: the region. On success @region owns it and closes it; on an error the caller
 *	keeps it
 * @region: out
 *
 * The mapping can be written to if @fd is open for writing.
 *
 * Return: 0 or -errno; -ENOTTY if @fd is no region.
 */
int tw_region_open_fd(struct tw *tw, int fd, struct tw_region **region);

/**
 * tw_region_close - unmap a region and close it
 * @region: the region, or NULL
 *
 * Its memory is freed when no other descriptor or mapping of it is left.
 */
void tw_region_close(struct tw_region *region);

/**
 * tw_region_addr - where a region is mapped
 * @region: the region
 *
 * Return: its first byte.
 */
void *tw_region_addr(const struct tw_region *region);

/**
 * tw_region_size - a region's size
 * @region: the region
 *
 * Return: bytes.
 */
__u64 tw_region_size(const struct tw_region *region);

/**
 * tw_region_fd - a region's file descriptor
 * @region: the region
 *
 * Return: the descriptor, which @region keeps and closes.
 */
int tw_region_fd(const struct tw_region *region);

/**
 * tw_region_id - a region's id
 * @region: the region
 *
 * Return: the id, which is never given to another region. Its lower bits are in the
 * stable numbers of the region's pages, see TW_PAGE() in <linux/tierwatch.h>.
 */
__u64 tw_region_id(const struct tw_region *region);

/**
 * tw_region_page - the stable number of the page at an address
 * @region: the region
 * @addr: any address from tw_region_addr() on, less than tw_region_size() behind it
 *
 * The page is not touched.
 *
 * Return: the number, which is the same in every tier as long as the region lives; 0 if
 * @addr is not within the region.
 */
__u64 tw_region_page(const struct tw_region *region, const void *addr);

/**
 * tw_region_info_v1 - properties and pages of a region
 * @region: the region
 * @info: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tw_region_info_v1(struct tw_region *region, struct tw_region_info *info,
		      size_t size);
#define tw_region_info(region, info) \
	tw_region_info_v1((region), (info), sizeof(struct tw_region_info))

/**
 * tw_region_discard - free the pages of a range
 * @region: the region
 * @offset: bytes, page aligned
 * @length: bytes, page aligned, not 0
 * @discarded: out: pages freed; or NULL
 *
 * The pages read as zeroes afterwards.
 *
 * Return: 0 or -errno.
 */
int tw_region_discard(struct tw_region *region, __u64 offset, __u64 length,
		      __u64 *discarded);

/**
 * tw_region_seal - forbid things to be done to a region, for good
 * @region: the region
 * @add: TW_SEAL_* (see <linux/tierwatch.h>), or 0 to only read the seals
 * @seals: out: TW_SEAL_* that the region has then; or NULL
 *
 * A program that is given a region should check that it has the seals that the
 * program relies on, and that it is reserved (@room of struct tw_region_info). Then no
 * other program that has the region can free its pages or make touches of it fail.
 *
 * Return: 0; -EACCES if the region's file is open for reading only, -EPERM if the
 * region has TW_SEAL_SEAL, -EBUSY if pages are being freed just now; or another -errno.
 */
int tw_region_seal(struct tw_region *region, unsigned int add,
		   unsigned int *seals);

/**
 * tw_region_view - open a region for reading only
 * @region: the region
 *
 * The descriptor is to be passed to programs that may read but not write the region.
 * They map it with tw_region_open_fd().
 *
 * Return: the descriptor (O_CLOEXEC), which the caller closes, or -errno.
 */
int tw_region_view(struct tw_region *region);

/*
 * Moving pages
 *
 * These functions take any number of pages, and call the driver several times for more
 * than tw_info.max_pages. If one of these calls fails, the function returns its error.
 * The pages before it have been dealt with (struct tw_move_sum counts them), and the
 * others are as they were. A signal ends the function in the same way, with -EINTR.
 */

/**
 * struct tw_move_sum - outcome of a move
 * @done: pages dealt with, which are all if the call succeeds. Their statuses are
 *	written, those of later pages are not
 * @moved: pages moved
 * @already: pages that were in the tier already
 * @failed: pages with a negative status
 * @untouched: pages of a range that were never touched (status -ENOENT); they do not
 *	count as @failed
 *
 * @done == @moved + @already + @failed + @untouched. The sum is written
 * whether the call succeeds or not.
 */
struct tw_move_sum {
	__u64 done;
	__u64 moved;
	__u64 already;
	__u64 failed;
	__u64 untouched;
};

/**
 * tw_migrate_pages_v1 - move pages by number
 * @tw: the handle
 * @pages: @nr stable numbers, or pfns with CAP_SYS_ADMIN
 * @nr: how many; 0 does nothing
 * @to: enum tw_tier
 * @from: enum tw_tier, or TW_TIER_NONE for any
 * @reason: enum tw_reason
 * @status: out: @nr outcomes: 0 if it has moved, TW_MOVE_ALREADY, or -errno and the
 *	page is as it was; or NULL
 * @sum: out; or NULL
 * @size: bytes of the caller's struct
 *
 * Return: 0 if it was carried out, whatever the pages' outcomes; or -errno.
 */
int tw_migrate_pages_v1(struct tw *tw, const __u64 *pages, size_t nr, int to,
			int from, int reason, __s32 *status,
			struct tw_move_sum *sum, size_t size);
#define tw_migrate_pages(tw, pages, nr, to, from, reason, status, sum) \
	tw_migrate_pages_v1((tw), (pages), (nr), (to), (from), (reason), \
			    (status), (sum), sizeof(struct tw_move_sum))

/**
 * tw_migrate_addr_v1 - move a range of the caller's memory
 * @tw: the handle
 * @addr: page aligned, in writable mappings of regions
 * @length: bytes, page aligned, not 0
 * @to: enum tw_tier
 * @from: enum tw_tier, or TW_TIER_NONE for any
 * @reason: enum tw_reason
 * @status: out: an outcome for each page of the range; or NULL
 * @nr: entries in @status; -EMSGSIZE if they are fewer than the range's pages
 * @sum: out; or NULL
 * @size: bytes of the caller's struct
 *
 * Return: as tw_migrate_pages().
 */
int tw_migrate_addr_v1(struct tw *tw, const void *addr, size_t length, int to,
		       int from, int reason, __s32 *status, size_t nr,
		       struct tw_move_sum *sum, size_t size);
#define tw_migrate_addr(tw, addr, length, to, from, reason, status, nr, sum) \
	tw_migrate_addr_v1((tw), (addr), (length), (to), (from), (reason), \
			   (status), (nr), (sum), sizeof(struct tw_move_sum))

/**
 * tw_region_migrate_v1 - move a range of a region
 * @region: the region
 * @offset: bytes, page aligned
 * @length: bytes, page aligned, not 0
 * @to: enum tw_tier
 * @from: enum tw_tier, or TW_TIER_NONE for any
 * @reason: enum tw_reason
 * @status: out: an outcome for each page of the range; or NULL
 * @nr: entries in @status; -EMSGSIZE if they are fewer than the range's pages
 * @sum: out; or NULL
 * @size: bytes of the caller's struct
 *
 * Return: as tw_migrate_pages().
 */
int tw_region_migrate_v1(struct tw_region *region, __u64 offset, __u64 length,
			 int to, int from, int reason, __s32 *status, size_t nr,
			 struct tw_move_sum *sum, size_t size);
#define tw_region_migrate(region, offset, length, to, from, \
		reason, status, nr, sum) \
	tw_region_migrate_v1((region), (offset), (length), (to), (from), \
			     (reason), (status), (nr), (sum), \
			     sizeof(struct tw_move_sum))

/**
 * tw_request_v1 - queue pages to be moved, by priority
 * @tw: the handle
 * @requests: in and out: @nr requests, see struct tw_request
 * @nr: how many, 1..TW_REQUEST_MAX; all are queued, or none
 * @flags: TW_REQUEST_WAIT to return when all have ended; or 0
 * @done: out with TW_REQUEST_WAIT: requests with a status that is not negative; or NULL
 * @failed: out with TW_REQUEST_WAIT: requests with a negative status; or NULL
 * @size: bytes of the caller's struct
 *
 * Return: 0 if it was carried out, whatever the requests' outcomes; or -errno.
 * -EAGAIN: there is no room in the queue. -EINTR: a signal came during the wait; the
 * requests stay queued.
 */
int tw_request_v1(struct tw *tw, struct tw_request *requests, size_t nr,
		  unsigned int flags, __u32 *done, __u32 *failed, size_t size);
#define tw_request(tw, requests, nr, flags, done, failed) \
	tw_request_v1((tw), (requests), (nr), (flags), (done), (failed), \
		      sizeof(struct tw_request))

/**
 * tw_candidates_v1 - pages worth moving, best first
 * @tw: the handle
 * @from: enum tw_tier
 * @to: another tier; hot pages are found if it is faster, else cold ones
 * @candidates: out
 * @nr: entries in @candidates, not 0; of these tw_info.max_pages are used at most
 * @size: bytes of the caller's struct
 *
 * Return: how many were found, or -errno.
 */
int tw_candidates_v1(struct tw *tw, int from, int to,
		     struct tw_candidate *candidates, size_t nr, size_t size);
#define tw_candidates(tw, from, to, candidates, nr) \
	tw_candidates_v1((tw), (from), (to), (candidates), (nr), \
			 sizeof(struct tw_candidate))

/**
 * tw_candidates_flags_v1 - the same, also of attached programs
 * @tw: the handle
 * @from: enum tw_tier
 * @to: another tier; hot pages are found if it is faster, else cold ones
 * @flags: 0; or TW_CANDIDATES_ATTACHED for pages of attached programs and no others,
 *	which the driver does not move: move_pages(2) and process_madvise(2) do
 * @candidates: out
 * @nr: entries in @candidates, not 0; of these tw_info.max_pages are used at most
 * @size: bytes of the caller's struct
 *
 * Return: how many were found, or -errno.
 */
int tw_candidates_flags_v1(struct tw *tw, int from, int to, unsigned int flags,
			   struct tw_candidate *candidates, size_t nr,
			   size_t size);
#define tw_candidates_flags(tw, from, to, flags, candidates, nr) \
	tw_candidates_flags_v1((tw), (from), (to), (flags), (candidates), (nr), \
			       sizeof(struct tw_candidate))

/*
 * Tracking pages
 *
 * These functions, too, take any number of pages and call the driver several times if
 * needed. If one of these calls fails, the function returns its error; struct tw_sum
 * counts the pages that have been dealt with before.
 */

/**
 * struct tw_sum - outcome of a call for many pages
 * @done: pages dealt with, which are all if the call succeeds. Their statuses are
 *	written, those of later pages are not
 * @ok: pages with status 0
 * @failed: pages with a negative status
 *
 * The sum is written whether the call succeeds or not.
 */
struct tw_sum {
	__u64 done;
	__u64 ok;
	__u64 failed;
};

/**
 * tw_track_v1 - keep track of pages
 * @tw: the handle
 * @pages: @nr stable numbers; or frame numbers of external pages, which need
 *	CAP_SYS_ADMIN
 * @nr: how many; 0 does nothing
 * @tier: enum tw_tier that they are in
 * @node: NUMA node of external pages, or -1 for the frames' own
 * @agent: agent that they are accounted to; NULL for the default agent of the
 *	caller's cgroup
 * @status: out: @nr outcomes, 0 or -errno, see struct tw_track; or NULL
 * @sum: out; or NULL
 * @size: bytes of the caller's struct
 *
 * Return: 0 if it was carried out, whatever the pages' outcomes; or -errno.
 */
int tw_track_v1(struct tw *tw, const __u64 *pages, size_t nr, int tier,
		int node, const struct tw_agent *agent, __s32 *status,
		struct tw_sum *sum, size_t size);
#define tw_track(tw, pages, nr, tier, node, agent, status, sum) \
	tw_track_v1((tw), (pages), (nr), (tier), (node), (agent), (status), \
		    (sum), sizeof(struct tw_sum))

/**
 * tw_track_by_id_v1 - the same for one of the caller's own agents
 * @tw: the handle
 * @pages: as for tw_track()
 * @nr: how many; 0 does nothing
 * @tier: enum tw_tier that they are in
 * @node: NUMA node of external pages, or -1 for the frames' own
 * @id: the agent's label
 * @status: out: @nr outcomes; or NULL
 * @sum: out; or NULL
 * @size: bytes of the caller's struct
 *
 * Return: as tw_track().
 */
int tw_track_by_id_v1(struct tw *tw, const __u64 *pages, size_t nr, int tier,
		      int node, __u64 id, __s32 *status, struct tw_sum *sum,
		      size_t size);
#define tw_track_by_id(tw, pages, nr, tier, node, id, status, sum) \
	tw_track_by_id_v1((tw), (pages), (nr), (tier), (node), (id), (status), \
			  (sum), sizeof(struct tw_sum))

/**
 * tw_untrack_v1 - stop tracking external pages
 * @tw: the handle
 * @pages: @nr frame numbers
 * @nr: how many; 0 does nothing
 * @status: out: @nr outcomes, 0 or -errno, see struct tw_untrack; or NULL
 * @sum: out; or NULL
 * @size: bytes of the caller's struct
 *
 * Return: as tw_track().
 */
int tw_untrack_v1(struct tw *tw, const __u64 *pages, size_t nr, __s32 *status,
		  struct tw_sum *sum, size_t size);
#define tw_untrack(tw, pages, nr, status, sum) \
	tw_untrack_v1((tw), (pages), (nr), (status), (sum), \
		      sizeof(struct tw_sum))

/**
 * tw_mark_v1 - mark pages as hot or cold
 * @tw: the handle
 * @pages: @nr page numbers
 * @nr: how many; 0 does nothing
 * @temperature: TW_CLASS_HOT or TW_CLASS_COLD
 * @status: out: @nr outcomes, 0 or -errno; or NULL
 * @sum: out; or NULL
 * @size: bytes of the caller's struct
 *
 * Return: as tw_track().
 */
int tw_mark_v1(struct tw *tw, const __u64 *pages, size_t nr, int temperature,
	       __s32 *status, struct tw_sum *sum, size_t size);
#define tw_mark(tw, pages, nr, temperature, status, sum) \
	tw_mark_v1((tw), (pages), (nr), (temperature), (status), (sum), \
		   sizeof(struct tw_sum))

/**
 * tw_report - report that a page was touched
 * @tw: the handle
 * @page: its number
 * @addr: address of the touch; not used
 * @flags: TW_REPORT_*
 *
 * Return: 0 or -errno.
 */
int tw_report(struct tw *tw, __u64 page, __u64 addr, unsigned int flags);

/*
 * Looking pages up
 *
 * These functions, too, take any number of pages and call the driver several times if
 * needed, so the answer is not of one instant. On an error the pages that were looked up
 * before it have been written.
 */

/**
 * tw_page_info_v1 - look pages up by number
 * @tw: the handle
 * @pages: @nr stable numbers, or pfns with CAP_SYS_ADMIN
 * @nr: how many; 0 does nothing
 * @infos: out: @nr entries
 * @size: bytes of the caller's struct
 *
 * Return: 0, whatever the pages' status; or -errno.
 */
int tw_page_info_v1(struct tw *tw, const __u64 *pages, size_t nr,
		    struct tw_page *infos, size_t size);
#define tw_page_info(tw, pages, nr, infos) \
	tw_page_info_v1((tw), (pages), (nr), (infos), sizeof(struct tw_page))

/**
 * tw_addr_page - which page is at an address of the caller's
 * @tw: the handle
 * @addr: any address in a mapping of a region
 * @page: out: its stable number. The page is not touched
 *
 * Return: 0 or -errno; -EFAULT if no region is mapped there.
 */
int tw_addr_page(struct tw *tw, const void *addr, __u64 *page);

/**
 * tw_page_list_v1 - pages of a temperature, in the order of their numbers
 * @tw: the handle
 * @tier: enum tw_tier, or TW_TIER_NONE for any
 * @temperature: enum tw_class, or TW_CLASS_ANY
 * @cursor: in: 0 to begin, else the value that the call before returned. out: where
 *	the next call goes on, 0 if there are no more
 * @infos: out
 * @nr: entries in @infos, not 0
 * @size: bytes of the caller's struct
 *
 * Goes on until @infos is full or there are no more. Lists the caller's own pages;
 * with CAP_SYS_ADMIN those of all users.
 *
 * Return: how many were written, or -errno of an error before the first.
 */
int tw_page_list_v1(struct tw *tw, int tier, int temperature, __u64 *cursor,
		    struct tw_page *infos, size_t nr, size_t size);
#define tw_page_list(tw, tier, temperature, cursor, infos, nr) \
	tw_page_list_v1((tw), (tier), (temperature), (cursor), (infos), (nr), \
			sizeof(struct tw_page))

/**
 * tw_page_sample_v1 - pages of one chunk in so many, in the order of their numbers
 * @tw: the handle
 * @every: 0 or 1 to look at all pages; else a power of 2: looks at one chunk of
 *	TW_CHUNK pages of every so many, see struct tw_page_list
 * @cursor: in: 0 to begin, the value that the call before returned, or TW_PAGE() to
 *	begin with a page of a region. out: where the next call goes on, 0 if there
 *	are no more
 * @end: the first page that is not looked at, by TW_PAGE(); or 0
 * @looked: out: how many pages were looked at, which is what the call costs; or NULL
 * @infos: out: touched pages of any temperature, in any tier
 * @nr: entries in @infos, not 0
 * @size: bytes of the caller's struct
 *
 * Looks at a part of the pages, where tw_page_list() visits all. A call looks at a
 * bounded number of pages, so it may find none although there are more. Lists the
 * caller's own pages; with CAP_SYS_ADMIN those of all users, and external ones last
 * unless there is @every or @end.
 *
 * Return: how many were written, or -errno; -E2BIG: the driver is older than this call.
 */
int tw_page_sample_v1(struct tw *tw, unsigned int every, __u64 *cursor,
		      __u64 end, unsigned int *looked, struct tw_page *infos,
		      size_t nr, size_t size);
#define tw_page_sample(tw, every, cursor, end, looked, infos, nr) \
	tw_page_sample_v1((tw), (every), (cursor), (end), (looked), (infos), \
			  (nr), sizeof(struct tw_page))

/**
 * tw_region_pages_v1 - look up the pages of a range
 * @region: the region
 * @offset: bytes, page aligned
 * @length: bytes, page aligned, not 0
 * @infos: out: an entry for each page of the range
 * @nr: entries in @infos; -EMSGSIZE if they are fewer than the range's pages
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tw_region_pages_v1(struct tw_region *region, __u64 offset, __u64 length,
		       struct tw_page *infos, size_t nr, size_t size);
#define tw_region_pages(region, offset, length, infos, nr) \
	tw_region_pages_v1((region), (offset), (length), (infos), (nr), \
			   sizeof(struct tw_page))

/*
 * Statistics
 */

/**
 * tw_stats_map - map the statistics
 * @tw: the handle
 * @stats: out: the mapping, which is read-only and ends with tw_close(). Another call
 *	returns the same mapping
 *
 * tw_stats.h has functions that read it without system calls.
 *
 * Return: 0 or -errno, also that of mmap(); -EPROTO if the driver's layout is too new.
 */
int tw_stats_map(struct tw *tw, const struct tw_stats **stats);

/**
 * tw_stats_get_tier_v1 - tw_stats_tier_read() as a function
 * @tw: the handle
 * @tier: enum tw_tier
 * @copy: out
 * @size: bytes of the caller's struct
 *
 * Return: 0; -EINVAL for a tier that the driver does not have; or an error of
 * tw_stats_map(), which it calls.
 */
int tw_stats_get_tier_v1(struct tw *tw, int tier, struct tw_stats_tier *copy,
			 size_t size);
#define tw_stats_get_tier(tw, tier, copy) \
	tw_stats_get_tier_v1((tw), (tier), (copy), sizeof(struct tw_stats_tier))

/**
 * tw_stats_get_counters_v1 - tw_stats_sum() as a function
 * @tw: the handle
 * @tier: enum tw_tier
 * @sum: out
 * @size: bytes of the caller's struct
 *
 * Return: as tw_stats_get_tier().
 */
int tw_stats_get_counters_v1(struct tw *tw, int tier,
			     struct tw_stats_counters *sum, size_t size);
#define tw_stats_get_counters(tw, tier, sum) \
	tw_stats_get_counters_v1((tw), (tier), (sum), \
				 sizeof(struct tw_stats_counters))

/**
 * tw_module_stats_v1 - totals of the driver
 * @tw: the handle
 * @stats: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tw_module_stats_v1(struct tw *tw, struct tw_module_stats *stats,
		       size_t size);
#define tw_module_stats(tw, stats) \
	tw_module_stats_v1((tw), (stats), sizeof(struct tw_module_stats))

/**
 * tw_policy_get_v1 - read the settings of automatic migration
 * @tw: the handle
 * @policy: out
 * @size: bytes of the caller's struct
 *
 * Return: 0 or -errno.
 */
int tw_policy_get_v1(struct tw *tw, struct tw_policy *policy, size_t size);
#define tw_policy_get(tw, policy) \
	tw_policy_get_v1((tw), (policy), sizeof(struct tw_policy))

/**
 * tw_policy_set_v1 - change settings of automatic migration
 * @tw: the handle
 * @policy: @policy->set (TW_POLICY_SET_*) tells which members to set, and
 *	@policy->mode_set which bits of @policy->mode; the others are ignored and stay
 *	as they are
 * @size: bytes of the caller's struct
 *
 * Either all of them are set or none.
 *
 * Return: 0 or -errno; -EINVAL if a value is out of its range, or none is to be set;
 * -EPERM without CAP_SYS_ADMIN.
 */
int tw_policy_set_v1(struct tw *tw, const struct tw_policy *policy,
		     size_t size);
#define tw_policy_set(tw, policy) \
	tw_policy_set_v1((tw), (policy), sizeof(struct tw_policy))

/*
 * Streams
 */

/**
 * tw_stream_create - make a stream of events and map it
 * @tw: the handle
 * @mask: TW_EVENT_BIT() of each type wanted
 * @agent: agent whose events to get; NULL for all events, which needs CAP_PERFMON or
 *	CAP_SYS_ADMIN
 * @events: slots per CPU ring, a power of two, TW_STREAM_MIN_EVENTS to
 *	TW_STREAM_MAX_EVENTS
 * @stream: out
 *
 * Return: 0 or -errno, also that of mmap(); -EPROTO if the driver's layout is too new.
 */
int tw_stream_create(struct tw *tw, __u64 mask, const struct tw_agent *agent,
		     unsigned int events, struct tw_stream **stream);

/**
 * tw_stream_open_fd - read a stream that was passed as a file descriptor
 * @fd: the stream. On success @stream owns it and closes it; on an error the caller
 *	keeps it
 * @stream: out
 *
 * The cursors start at the stream's first event. Each handle has its own cursors, but
 * all handles of a stream share the control page, which tells poll() what to wait for.
 *
 * Return: 0 or -errno.
 */
int tw_stream_open_fd(int fd, struct tw_stream **stream);

/**
 * tw_stream_close - unmap a stream and close it
 * @stream: the stream, or NULL
 */
void tw_stream_close(struct tw_stream *stream);

/**
 * tw_stream_fd - a stream's file descriptor
 * @stream: the stream
 *
 * Call tw_stream_arm() before poll().
 *
 * Return: the descriptor, which @stream keeps and closes.
 */
int tw_stream_fd(const struct tw_stream *stream);

/**
 * tw_stream_nr_rings - rings of a stream, one for each possible CPU
 * @stream: the stream
 *
 * Return: how many.
 */
unsigned int tw_stream_nr_rings(const struct tw_stream *stream);

/**
 * tw_stream_ring - the cursor of one ring, for the functions of tw_ring.h
 * @stream: the stream
 * @cpu: below tw_stream_nr_rings()
 *
 * Return: the cursor, which belongs to @stream; NULL if there is no ring @cpu.
 */
struct tw_ring *tw_stream_ring(struct tw_stream *stream, unsigned int cpu);

/**
 * tw_stream_peek - the next event of any ring, in place
 * @stream: the stream
 * @cpu: out: CPU of its ring, unchanged if there is no event; or NULL
 *
 * Events of one CPU come in order, those of different CPUs in no particular
 * order; struct tw_event has the time. The rings are read in turn, so a busy ring does
 * not hold up the others.
 *
 * Return: the event in the mapping, see tw_ring_peek(); NULL if no ring has one.
 */
const struct tw_event *tw_stream_peek(struct tw_stream *stream,
				      unsigned int *cpu);

/**
 * tw_stream_ok - check that an event was intact until now, and go on to the next
 * @stream: the stream
 * @event: what tw_stream_peek() returned last
 *
 * Return: true if all that was read from @event is valid; see tw_ring_ok().
 */
bool tw_stream_ok(struct tw_stream *stream, const struct tw_event *event);

/**
 * tw_stream_read - copy events out
 * @stream: the stream
 * @events: out
 * @nr: entries in @events
 *
 * Does not wait.
 *
 * Return: how many were copied, all of them valid; 0 if there are none.
 */
size_t tw_stream_read(struct tw_stream *stream, struct tw_event *events,
		      size_t nr);

/**
 * tw_stream_set_watermark - set how many unread events in a ring wake a waiter
 * @stream: the stream
 * @events: 0 counts as 1
 */
void tw_stream_set_watermark(struct tw_stream *stream, unsigned int events);

/**
 * tw_stream_arm - tell the kernel which events have been read
 * @stream: the stream
 *
 * To be called before every poll() of tw_stream_fd(); tw_stream_wait() does so itself.
 *
 * Return: true if a ring has enough events already, so that poll() would not wait.
 */
bool tw_stream_arm(struct tw_stream *stream);

/**
 * tw_stream_wait - wait until a ring has enough events
 * @stream: the stream
 * @timeout_ms: milliseconds; 0 does not wait, -1 waits without limit
 *
 * Return: 1 if there are events, 0 if the time is over, or -errno; -EINTR if a signal
 * came, -EIO if the stream's agent has ended, so that no more events come.
 */
int tw_stream_wait(struct tw_stream *stream, int timeout_ms);

/**
 * tw_stream_seen - how many events have been read intact
 * @stream: the stream
 *
 * Return: the sum over the rings.
 */
__u64 tw_stream_seen(const struct tw_stream *stream);

/**
 * tw_stream_lost - how many events were overwritten before or while they were read
 * @stream: the stream
 *
 * Return: the exact sum over the rings.
 */
__u64 tw_stream_lost(const struct tw_stream *stream);

#ifdef __cplusplus
}
#endif

#endif /* _TW_H */
