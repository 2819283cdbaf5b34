/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * TierWatch: the interface of /dev/tierwatch.
 *
 * Objects are file descriptors. /dev/tierwatch makes regions, agents and
 * streams; each is an fd of its own, lives as long as the fd or a mapping of
 * it does, and is passed on like any fd.
 *
 * Every ioctl takes one struct whose first member is its size in bytes. A
 * shorter struct than the kernel's is one from an older header: the missing
 * tail reads as zero. A longer one is accepted when the tail the kernel does
 * not know is all zero, else E2BIG. A size below the first published one
 * (TW_*_SIZE_VER0, beside each struct) is EINVAL, so are unknown flags and
 * non-zero reserved members.
 *
 * An array of structs has the size of one of them beside it (entry_size), by
 * which the kernel goes from one to the next. The same rules hold for each: what
 * the caller's entries lack reads as zero and is not told; what they have more
 * must be zero where they are read (E2BIG) and is zeroed where they are
 * written. A size below the first published one is EINVAL, one of more than a
 * page E2BIG.
 *
 * What a struct gains does nothing while it is zero: a caller that sets something
 * says what, by flags or a mask, and leaves the rest as it is.
 *
 * errno, for the whole device:
 *   ENOTTY      unknown command
 *   E2BIG       non-zero tail that this kernel does not know
 *   EOPNOTSUPP  known, but not possible here (tier not bound, no movers)
 *   EINVAL      wrong argument
 *   EFAULT      a pointer does not point to accessible memory
 *   ENOENT      no such object, or not yours
 *   EBADF       a member that must be one of our fds is not an open fd
 *   EACCES      the fd is not open for this; EPERM  a capability is missing
 *   ENOSPC      full; EBUSY  pinned, in flight or in use
 *   EDQUOT      a per-user cap is reached: in a user namespace also one of the
 *               user who made it. A first touch that finds the cap on pages
 *               reached is SIGBUS, with an event TW_EVENT_LIMIT that says EDQUOT
 *   EAGAIN      queue full, try again
 *   EMSGSIZE    buffer too short, the needed count is written back
 *   EINTR       a signal came before anything was done, and its handler was set
 *               without SA_RESTART; with it the call begins again
 * A refused call changes nothing.
 *
 * Whose a page is: a number can be guessed, so it gives nobody anything. "Yours" or
 * "the caller's own" are the pages of a region that the calling process has made
 * (until execve(2)), or has a file of that is open for writing, or over whose
 * maker's user namespace it has CAP_SYS_PTRACE; with CAP_SYS_ADMIN in the initial
 * one, everybody's. The same uid is not enough: whoever may look into another
 * process gets the region's file from it with pidfd_getfd(2). An agent is its
 * user's.
 *
 * Units: sizes and offsets of regions in bytes, capacities in pages of
 * tw_info.page_size bytes, times in nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef _UAPI_LINUX_TIERWATCH_H
#define _UAPI_LINUX_TIERWATCH_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TW_ABI_VERSION		1
#define TW_DEVICE		"/dev/tierwatch"

/**
 * enum tw_tier - the five tiers, numbered as documented
 * @TW_TIER_GPU: memory of CPU-less NUMA nodes
 * @TW_TIER_CPU: memory of NUMA nodes with CPUs
 * @TW_TIER_NVME: a block device
 * @TW_TIER_SSD: a block device
 * @TW_TIER_HDD: a block device
 * @TW_NR_TIERS: how many there are
 * @TW_TIER_NONE: no tier: an untouched page; "any" where a tier is asked for
 */
enum tw_tier {
	TW_TIER_GPU	= 0,
	TW_TIER_CPU	= 1,
	TW_TIER_NVME	= 2,
	TW_TIER_SSD	= 3,
	TW_TIER_HDD	= 4,
	TW_NR_TIERS	= 5,
	TW_TIER_NONE	= 0xff,
};

/**
 * enum tw_level - pressure of a tier, with hysteresis
 * @TW_PRESSURE_LOW: below 70 % used
 * @TW_PRESSURE_MEDIUM: from 70 %, until below 65 %
 * @TW_PRESSURE_HIGH: from 85 %, until below 80 %
 * @TW_PRESSURE_CRITICAL: from 95 %, until below 90 %
 *
 * Faults that had to wait for a demotion raise the level by one for a second.
 */
enum tw_level {
	TW_PRESSURE_LOW		= 0,
	TW_PRESSURE_MEDIUM	= 1,
	TW_PRESSURE_HIGH	= 2,
	TW_PRESSURE_CRITICAL	= 3,
};

/**
 * enum tw_reason - why a page moves
 * @TW_REASON_MANUAL: asked for by a program
 * @TW_REASON_HOT: hot promotion
 * @TW_REASON_COLD: cold demotion
 * @TW_REASON_PRESSURE: a tier needs room
 * @TW_REASON_NUMA: towards the node that touches it
 * @TW_REASON_FAULT: touched while in a store
 * @TW_REASON_EVACUATE: its tier or memory is going away
 * @TW_NR_REASONS: how many there are
 *
 * Calls take those before TW_REASON_FAULT, which a program may have as well as
 * the driver: see TW_MIGRATE_ASKED. Others are refused with EINVAL.
 */
enum tw_reason {
	TW_REASON_MANUAL	= 0,
	TW_REASON_HOT		= 1,
	TW_REASON_COLD		= 2,
	TW_REASON_PRESSURE	= 3,
	TW_REASON_NUMA		= 4,
	TW_REASON_FAULT		= 5,
	TW_REASON_EVACUATE	= 6,
	TW_NR_REASONS		= 7,
};

/*
 * Page numbers. A page is named by its stable number, the same in every tier
 * for life, or, while it is in memory, by its pfn.
 *
 * A stable number is TW_PAGE_STABLE, the owner's number (1..TW_PAGE_OWNERS) and
 * the page's index, which is wide enough for an address space of 47 bits. A
 * region is known by its id, which has 64 bits, is never given twice and can't
 * be used up. Its number is the id's lower bits: TW_PAGE() takes either. No two
 * regions that are alive have the same number. That of one that has gone is
 * given again, but only after all the others have been: TW_PAGE_OWNERS regions
 * later. So whoever keeps page numbers for long, and may act on more than what
 * is the caller's own, keeps the region's id with them and has it compared
 * (@owner of struct tw_page and of the calls that take numbers).
 */
#define TW_PAGE_STABLE		(1ULL << 63)
#define TW_PAGE_INDEX_BITS	35
#define TW_PAGE_OWNER_BITS	28
#define TW_PAGE_OWNERS		((1ULL << TW_PAGE_OWNER_BITS) - 1)
#define TW_PAGE_OWNER(region)	((__u64)(region) & TW_PAGE_OWNERS)
#define TW_PAGE(region, index)	(TW_PAGE_STABLE | \
				 (TW_PAGE_OWNER(region) << TW_PAGE_INDEX_BITS) | \
				 (__u64)(index))
#define TW_PAGE_REGION(page)	TW_PAGE_OWNER((page) >> TW_PAGE_INDEX_BITS)
#define TW_PAGE_INDEX(page)	((page) & ((1ULL << TW_PAGE_INDEX_BITS) - 1))

/* Region size limit: 2^35 pages. */
#define TW_REGION_MAX_PAGES	(1ULL << TW_PAGE_INDEX_BITS)

#define TW_IOC_TYPE		0xE7

/* On /dev/tierwatch */
#define TW_IOC_INFO		_IO(TW_IOC_TYPE, 0x00)
#define TW_IOC_TIER_INFO	_IO(TW_IOC_TYPE, 0x01)
#define TW_IOC_TIER_BIND	_IO(TW_IOC_TYPE, 0x02)
#define TW_IOC_TIER_UNBIND	_IO(TW_IOC_TYPE, 0x03)
#define TW_IOC_PRESSURE		_IO(TW_IOC_TYPE, 0x04)
#define TW_IOC_REGION_CREATE	_IO(TW_IOC_TYPE, 0x05)
#define TW_IOC_AGENT_CREATE	_IO(TW_IOC_TYPE, 0x06)
#define TW_IOC_AGENT_STATS	_IO(TW_IOC_TYPE, 0x07)
#define TW_IOC_STREAM_CREATE	_IO(TW_IOC_TYPE, 0x08)
#define TW_IOC_MIGRATE_PAGES	_IO(TW_IOC_TYPE, 0x09)
#define TW_IOC_PAGE_INFO	_IO(TW_IOC_TYPE, 0x0a)
/* On /dev/tierwatch (start is an address) and on a region (an offset) */
#define TW_IOC_MIGRATE_RANGE	_IO(TW_IOC_TYPE, 0x0b)
/* On /dev/tierwatch */
#define TW_IOC_ADDR_PAGE	_IO(TW_IOC_TYPE, 0x0c)
#define TW_IOC_TRACK		_IO(TW_IOC_TYPE, 0x0d)
#define TW_IOC_UNTRACK		_IO(TW_IOC_TYPE, 0x0e)
#define TW_IOC_REPORT		_IO(TW_IOC_TYPE, 0x0f)
#define TW_IOC_CANDIDATES	_IO(TW_IOC_TYPE, 0x10)
#define TW_IOC_REQUEST		_IO(TW_IOC_TYPE, 0x11)
#define TW_IOC_PAGE_LIST	_IO(TW_IOC_TYPE, 0x12)
#define TW_IOC_MARK		_IO(TW_IOC_TYPE, 0x13)
#define TW_IOC_FAULT_STATS	_IO(TW_IOC_TYPE, 0x14)
#define TW_IOC_THRESHOLDS	_IO(TW_IOC_TYPE, 0x15)
#define TW_IOC_MODULE_STATS	_IO(TW_IOC_TYPE, 0x16)
#define TW_IOC_NUMA_STATS	_IO(TW_IOC_TYPE, 0x17)
#define TW_IOC_NUMA_BALANCE	_IO(TW_IOC_TYPE, 0x18)
#define TW_IOC_AGENT_LIMITS	_IO(TW_IOC_TYPE, 0x19)
#define TW_IOC_AGENT_MIGRATE	_IO(TW_IOC_TYPE, 0x1a)
#define TW_IOC_POLICY		_IO(TW_IOC_TYPE, 0x1b)
#define TW_IOC_AGENT_LIST	_IO(TW_IOC_TYPE, 0x1c)
#define TW_IOC_GROUP_LIMITS	_IO(TW_IOC_TYPE, 0x1d)
/* On a region */
#define TW_IOC_REGION_INFO	_IO(TW_IOC_TYPE, 0x20)
#define TW_IOC_REGION_DISCARD	_IO(TW_IOC_TYPE, 0x21)
#define TW_IOC_REGION_PAGES	_IO(TW_IOC_TYPE, 0x22)
#define TW_IOC_REGION_SEAL	_IO(TW_IOC_TYPE, 0x23)
#define TW_IOC_REGION_VIEW	_IO(TW_IOC_TYPE, 0x24)
/* On a stream */
#define TW_IOC_STREAM_INFO	_IO(TW_IOC_TYPE, 0x40)

/**
 * struct tw_info - TW_IOC_INFO: what this driver is
 * @size: sizeof(struct tw_info)
 * @flags: in: 0
 * @abi_version: out: TW_ABI_VERSION of the driver
 * @page_size: out: bytes
 * @nr_tiers: out: TW_NR_TIERS
 * @bound_mask: out: bit per tier that is bound now
 * @stats_size: out: bytes to mmap at offset 0 of /dev/tierwatch
 * @max_pages: out: most pages (numbers or range) one migrate or info call
 *	takes, at least 256
 * @nr_cpus: out: possible CPUs: rings of a stream, counter blocks of the stats
 * @region_dev: in: 0. out: device number of all regions' inodes, as st_dev of a
 *	region's fd and /proc/PID/maps have it; 0: there is no region now. A file of
 *	any other device is no region, whatever it is called
 */
struct tw_info {
	__u32 size;
	__u32 flags;
	__u32 abi_version;
	__u32 page_size;
	__u32 nr_tiers;
	__u32 bound_mask;
	__u32 stats_size;
	__u32 max_pages;
	__u32 nr_cpus;
	__u32 region_dev;
};

#define TW_INFO_SIZE_VER0		40

/* tw_tier_info.kind */
#define TW_KIND_NONE	0
#define TW_KIND_NUMA	1
#define TW_KIND_STORE	2

/**
 * struct tw_tier_info - TW_IOC_TIER_INFO: one tier
 * @size: sizeof(struct tw_tier_info)
 * @tier: in: enum tw_tier
 * @flags: in: 0
 * @kind: out: TW_KIND_*; TW_KIND_NONE when not bound
 * @capacity: out: pages
 * @used: out: pages that are there now
 * @kept: out: clean copies of pages that are in memory now, in pages
 * @nominal_latency_ns: out: the specification's figure
 * @nominal_bandwidth: out: bytes per second, the specification's figure
 * @latency_ns: out: measured at bind, 0 when not bound
 * @bandwidth: out: bytes per second, measured at bind
 * @nodes: out: NUMA nodes 0..63 of a NUMA tier, a bit each
 * @dev: out: block device number of a store (as st_rdev: makedev), else 0
 * @reserved: in: 0
 */
struct tw_tier_info {
	__u32 size;
	__u32 tier;
	__u32 flags;
	__u32 kind;
	__aligned_u64 capacity;
	__aligned_u64 used;
	__aligned_u64 kept;
	__aligned_u64 nominal_latency_ns;
	__aligned_u64 nominal_bandwidth;
	__aligned_u64 latency_ns;
	__aligned_u64 bandwidth;
	__aligned_u64 nodes;
	__u32 dev;
	__u32 reserved;
};

#define TW_TIER_INFO_SIZE_VER0		88

/*
 * TW_BIND_MOVABLE: accept nodes that have only ZONE_MOVABLE memory. Long-term
 * pins of such memory fail, and its offlining has to wait for pinned pages.
 *
 * TW_BIND_SHARE: NUMA tiers with @capacity 0: all there is but for a share of each
 * node, which is left to the machine's other users: as many percent as the
 * driver's parameter leave_percent says (25), but no less than twice what
 * the kernel itself keeps free there (its high watermarks). So are the tiers bound
 * that bind themselves when the driver is loaded. TW_BIND_LEAVE(percent): the same
 * with another share, 1..90 percent. The share follows memory that is added or
 * taken away.
 */
#define TW_BIND_MOVABLE		(1U << 0)
#define TW_BIND_SHARE		(1U << 1)
#define TW_BIND_LEAVE_SHIFT	8
#define TW_BIND_LEAVE_MASK	(127U << TW_BIND_LEAVE_SHIFT)
#define TW_BIND_LEAVE(percent)	(TW_BIND_SHARE | \
				 (__u32)(percent) << TW_BIND_LEAVE_SHIFT)
#define TW_BIND_FLAGS		(TW_BIND_MOVABLE | TW_BIND_SHARE | \
				 TW_BIND_LEAVE_MASK)

/**
 * struct tw_tier_bind - TW_IOC_TIER_BIND: give a tier its memory or device
 * @size: sizeof(struct tw_tier_bind)
 * @tier: in: enum tw_tier
 * @flags: in: TW_BIND_*
 * @fd: in: stores: a block device that `tw tier format` has signed, open for
 *      reading and writing; NUMA tiers: -1
 * @capacity: in: pages; 0 for all there is. More than there is: EINVAL; of a
 *	store, so are fewer than TW_STORE_PAGES_MIN
 * @nodes: in: NUMA tiers: nodes 0..63, a bit each; 0 for all that fit the
 *         tier (GPU: without CPUs, CPU: with CPUs); stores: 0
 *
 * Needs CAP_SYS_ADMIN. EBUSY: bound already, a node belongs to the other
 * tier, or the device is in use.
 *
 * NUMA tiers: EOPNOTSUPP: no such node has memory, or only ZONE_MOVABLE without
 * the flag.
 *
 * Stores, what is looked at in this order: EBADF: no open fd; ENOTBLK: it is no
 * block device; EACCES: it is not open for reading and writing; then of the
 * device: EROFS: it is read-only; EOPNOTSUPP: it is zoned; EOVERFLOW: its logical
 * blocks are larger than pages; EIO: it fails; ENOSPC: it is too small for a
 * store; EMEDIUMTYPE: it is not signed; ESTALE: it has shrunk since it was; and
 * last EINVAL of @capacity.
 */
struct tw_tier_bind {
	__u32 size;
	__u32 tier;
	__u32 flags;
	__s32 fd;
	__aligned_u64 capacity;
	__aligned_u64 nodes;
};

#define TW_TIER_BIND_SIZE_VER0		32

/*
 * TW_UNBIND_FORCE: a page that its dead device will not give back is given up
 * (touching it is SIGBUS) instead of refusing with EIO. And the tier goes though
 * more room is reserved than the others have: what is promised beyond that is
 * promised no more, and the kernel's log says how much.
 */
#define TW_UNBIND_FORCE		(1U << 0)
#define TW_UNBIND_FLAGS		(TW_UNBIND_FORCE)

/**
 * struct tw_tier_unbind - TW_IOC_TIER_UNBIND: move its pages away, let it go
 * @size: sizeof(struct tw_tier_unbind)
 * @tier: in: enum tw_tier
 * @flags: in: TW_UNBIND_*
 * @reserved: in: 0
 * @moved: out: pages moved elsewhere, also when the call failed
 *
 * Needs CAP_SYS_ADMIN. ENOSPC: the other tiers have no room, or would have less
 * than there is reserved (TW_REGION_RESERVE); the latter is found out before
 * anything moves. EBUSY: a page is
 * pinned or it is the last memory tier and regions exist, EIO: a page cannot
 * be read. The tier then stays bound and what has moved stays moved.
 * EINTR: a signal came.
 */
struct tw_tier_unbind {
	__u32 size;
	__u32 tier;
	__u32 flags;
	__u32 reserved;
	__aligned_u64 moved;
};

#define TW_TIER_UNBIND_SIZE_VER0	24

/**
 * struct tw_pressure - TW_IOC_PRESSURE: how full a tier is
 * @size: sizeof(struct tw_pressure)
 * @tier: in: enum tw_tier
 * @flags: in: 0
 * @level: out: enum tw_level
 * @capacity: out: pages
 * @used: out: pages
 * @stalls: out: faults that waited for a demotion out of this tier
 * @permille: out: used of 1000
 * @reserved: in: 0
 *
 * EOPNOTSUPP: not bound.
 */
struct tw_pressure {
	__u32 size;
	__u32 tier;
	__u32 flags;
	__u32 level;
	__aligned_u64 capacity;
	__aligned_u64 used;
	__aligned_u64 stalls;
	__u32 permille;
	__u32 reserved;
};

#define TW_PRESSURE_SIZE_VER0		48

/*
 * TW_REGION_DONTDUMP: leave the region's mappings out of core dumps, as
 * madvise(MADV_DONTDUMP) does for one mapping. Without, they are in them as
 * anonymous shared memory is (bit 1 of /proc/PID/coredump_filter, set by default):
 * pages in stores are read for that, pages that were never touched are holes.
 *
 * TW_REGION_RESERVE: the region's whole size is set aside at creation, in the
 * room of all bound tiers together (tw_stats.room, .room_taken), or the call is
 * refused: ENOSPC. From then on no touch of a page of it is SIGBUS for want of
 * room. Others may use what they find beside that room and no more: where it
 * ends, a first touch of a region without the flag is SIGBUS. A page that is
 * discarded goes back to the region's room; the last close of the region gives
 * all of it back. Regions are shared by whoever maps them, and so is the room.
 *
 * What counts as room: each slot of a bound store, and each page of a memory
 * tier's capacity. A slot is sure. Memory is the machine's, and pages that a
 * region hasn't touched yet may be gone when it does: what the stores alone
 * can't hold is reserved only as far as memory is available at the time of the
 * call. A machine that has to be sure binds stores that hold what is reserved.
 *
 * What the promise isn't about: limits of agents, cgroups and users (none refuses
 * a page), memory cgroups, pages whose bytes are lost, a machine that is out of
 * memory altogether, memory that is all pinned, and stores that fail: of those
 * TW_EVENT_TIER_ERROR tells. Unbinding a tier, or taking memory offline, that
 * would leave less room than there is reserved is refused with ENOSPC.
 */
#define TW_REGION_DONTDUMP	(1U << 0)
#define TW_REGION_RESERVE	(1U << 1)
#define TW_REGION_FLAGS		(TW_REGION_DONTDUMP | TW_REGION_RESERVE)

/**
 * struct tw_region_create - TW_IOC_REGION_CREATE: memory spread over the tiers
 * @size: sizeof(struct tw_region_create)
 * @flags: in: TW_REGION_*
 * @bytes: in: size of the region, a multiple of the page size, at most
 *         TW_REGION_MAX_PAGES pages. Untouched pages cost nothing
 * @affinity: in: TW_TIER_CPU or TW_TIER_GPU: where pages go first
 * @agent_fd: in: agent that the pages are accounted to, or -1 for the default
 *            agent of the caller's cgroup
 * @fd: out: the region, O_CLOEXEC. mmap it MAP_SHARED
 * @reserved: in: 0
 * @id: out: never used again while the driver is loaded; in /proc/PID/maps it
 *      is the inode of mappings of the region. Its lower bits are in the stable
 *      numbers of the region's pages, see TW_PAGE()
 *
 * EDQUOT: the user has too many regions, or without CAP_SYS_RESOURCE reserves
 * more than the driver's parameters max_user_reserve_percent and
 * max_reserve_percent let, or more records than max_user_record_mib.
 * ENOSPC: there is not the room to reserve. EOPNOTSUPP: no memory tier is
 * bound.
 */
struct tw_region_create {
	__u32 size;
	__u32 flags;
	__aligned_u64 bytes;
	__u32 affinity;
	__s32 agent_fd;
	__s32 fd;
	__u32 reserved;
	__aligned_u64 id;
};

#define TW_REGION_CREATE_SIZE_VER0	40

/* tw_policy.set: which members are set; what is not among them stays as it is */
#define TW_POLICY_SET_ENABLED	(1U << 0)
#define TW_POLICY_SET_HOT	(1U << 1)	/* hot_threshold */
#define TW_POLICY_SET_COLD	(1U << 2)	/* cold_threshold */
#define TW_POLICY_SET_PERMILLE	(1U << 3)	/* scan_permille */
#define TW_POLICY_SET_MIN_MS	(1U << 4)	/* scan_min_ms */
#define TW_POLICY_SET_MAX_MS	(1U << 5)	/* scan_max_ms */
#define TW_POLICY_SET_FREE	(1U << 6)	/* free_permille */
#define TW_POLICY_SET_MIN_STAY	(1U << 7)
#define TW_POLICY_SET_MAX_RATE	(1U << 8)
#define TW_POLICY_SETS		((1U << 9) - 1)
/* tw_policy.mode */
#define TW_POLICY_AUTO		(1U << 0)
#define TW_POLICY_UNMAP		(1U << 1)
#define TW_POLICY_MODES		(TW_POLICY_AUTO | TW_POLICY_UNMAP)

/**
 * struct tw_policy - TW_IOC_POLICY: what moves pages by itself, and how
 * @size: sizeof(struct tw_policy)
 * @flags: in: 0
 * @enabled: 1: scan and move; 0: neither (parameter enable_auto_migration)
 * @mode: TW_POLICY_AUTO (default): hot is what fits the faster tier, hottest
 *	first; without: what is above @hot_threshold, and cold below
 *	@cold_threshold. TW_POLICY_UNMAP: scans don't trust accessed bits but
 *	unmap what is mapped and see what faults come, as they do anyway where
 *	those bits can't be had; exact, and dearer
 * @hot_threshold: heat above which a page is called hot, default 100
 * @cold_threshold: heat below which a page not touched lately is called cold,
 *	1..@hot_threshold - 1, default 10
 * @scan_permille: most of one CPU that scanning takes, 1..1000, default 10
 * @scan_min_ms: least time from scan to scan, 10..@scan_max_ms, default 50
 * @scan_max_ms: most, up to 600000, default 2000
 * @free_permille: of each memory tier, kept free so that faults need not wait,
 *	1..500, default 20; twice that once it has to be made. Down to a sixteenth
 *	of it while pages go to stores and no fault waits; each that does doubles
 *	it, and setting begins with all of it
 * @min_stay: scans that a page stays where it was put, 0..255, default 2
 * @max_rate: most pages a second from one tier to another, 0: no limit;
 *	default 65536
 * @set: in: TW_POLICY_SET_* of the members to set. out: 0
 * @mode_set: in: bits of @mode to set or clear, as they are there. out: 0
 *
 * Heat by scans: each takes an eighth off and adds 20 when the page was touched
 * since the one before; a fault adds 10. Where most pages are, a touch within a
 * shorter window adds 20, and one before it 3.
 *
 * With @set and @mode_set 0 the call only looks; setting takes CAP_SYS_ADMIN.
 * What is not set is not looked at on the way in. All members are as they are
 * from then on when it returns. EINVAL: a value is out of its range, or does not
 * fit one that stays; nothing is set then.
 */
struct tw_policy {
	__u32 size;
	__u32 flags;
	__u32 enabled;
	__u32 mode;
	__u32 hot_threshold;
	__u32 cold_threshold;
	__u32 scan_permille;
	__u32 scan_min_ms;
	__u32 scan_max_ms;
	__u32 free_permille;
	__u32 min_stay;
	__u32 max_rate;
	__u32 set;
	__u32 mode_set;
};

#define TW_POLICY_SIZE_VER0		56

/**
 * struct tw_region_info - TW_IOC_REGION_INFO
 * @size: sizeof(struct tw_region_info)
 * @flags: in: 0
 * @id: out: as created
 * @bytes: out: size
 * @agent: out: label of its agent
 * @pages: out: pages in each tier, indexed by enum tw_tier
 * @lost: out: pages whose bytes are lost (checksum wrong, given up by a forced
 *        unbind); a touch of one is SIGBUS until it is discarded. A page that
 *        its device failed to read is not lost: the next touch tries again
 * @record_bytes: out: kernel memory that the page records take
 * @affinity: out: TW_TIER_CPU or TW_TIER_GPU
 * @reserved: in: 0
 * @room: out: pages of room set aside for it by TW_REGION_RESERVE, touched or
 *	not; else 0
 */
struct tw_region_info {
	__u32 size;
	__u32 flags;
	__aligned_u64 id;
	__aligned_u64 bytes;
	__aligned_u64 agent;
	__aligned_u64 pages[TW_NR_TIERS];
	__aligned_u64 lost;
	__aligned_u64 record_bytes;
	__u32 affinity;
	__u32 reserved;
	__aligned_u64 room;
};

#define TW_REGION_INFO_SIZE_VER0	96

/**
 * struct tw_region_discard - TW_IOC_REGION_DISCARD: free a range's pages
 * @size: sizeof(struct tw_region_discard)
 * @flags: in: 0
 * @offset: in: bytes, page aligned
 * @length: in: bytes, page aligned, not 0; the range lies within the region
 * @discarded: out: pages freed. They read as zeroes from now on
 *
 * Needs an fd open for writing. fallocate(FALLOC_FL_PUNCH_HOLE |
 * FALLOC_FL_KEEP_SIZE) does the same. EPERM: TW_SEAL_DISCARD is there.
 */
struct tw_region_discard {
	__u32 size;
	__u32 flags;
	__aligned_u64 offset;
	__aligned_u64 length;
	__aligned_u64 discarded;
};

#define TW_REGION_DISCARD_SIZE_VER0	32

/*
 * Seals: what can no longer be done to a region, by anybody. A program that
 * maps a region which another one gave it asks for those that it relies on, and
 * for TW_REGION_RESERVE (tw_region_info.room): then its touches need none of the
 * maker's quota.
 *
 * TW_SEAL_SEAL: no more seals
 * TW_SEAL_DISCARD: no page is freed while the region lives; discards are refused
 *	with EPERM
 * TW_SEAL_WRITE: no mapping made from now on may write; mmap(2) for writing is
 *	refused with EPERM, and so is a later mprotect(2), with EACCES. Mappings
 *	that are there keep what they may
 */
#define TW_SEAL_SEAL		(1U << 0)
#define TW_SEAL_DISCARD		(1U << 1)
#define TW_SEAL_WRITE		(1U << 2)
#define TW_SEALS		(TW_SEAL_SEAL | TW_SEAL_DISCARD | TW_SEAL_WRITE)

/**
 * struct tw_region_seal - TW_IOC_REGION_SEAL: seal a region, look at its seals
 * @size: sizeof(struct tw_region_seal)
 * @flags: in: 0
 * @add: in: TW_SEAL_* to add, 0: only look
 * @seals: out: TW_SEAL_* there are. Those never go
 *
 * Adding needs an fd open for writing: EACCES. EPERM: TW_SEAL_SEAL is there.
 * EBUSY: pages are being freed just now, try again.
 */
struct tw_region_seal {
	__u32 size;
	__u32 flags;
	__u32 add;
	__u32 seals;
};

#define TW_REGION_SEAL_SIZE_VER0	16

/**
 * struct tw_region_view - TW_IOC_REGION_VIEW: a file that only reads a region
 * @size: sizeof(struct tw_region_view)
 * @flags: in: 0
 * @fd: out: the same region opened for reading, O_CLOEXEC. To be passed to those
 *      that shall look but not write: it maps PROT_READ, MAP_SHARED; it neither
 *      moves, frees nor seals pages, and gives no right to name them by number
 * @reserved: in: 0
 *
 * From either kind of the region's files. The region lives as long as one of
 * them or a mapping does.
 */
struct tw_region_view {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 reserved;
};

#define TW_REGION_VIEW_SIZE_VER0	16

/*
 * Outcome of a page's move, one __s32 a page: 0 moved, TW_MOVE_ALREADY it was
 * there, or a negative errno and the page is untouched: -ENOENT no such page
 * or never touched, -EBUSY pinned or in flight, -ENOSPC target full, -EINVAL
 * it is not in from_tier, -EIO it could not be read or written, -EHWPOISON
 * its memory is bad, -ENOMEM no memory for its checksum, -EOPNOTSUPP target not
 * bound, -EINTR a signal came before its turn.
 */
#define TW_MOVE_ALREADY		1

/**
 * struct tw_migrate_pages - TW_IOC_MIGRATE_PAGES: move pages by number
 * @size: sizeof(struct tw_migrate_pages)
 * @flags: in: 0
 * @to_tier: in: enum tw_tier
 * @from_tier: in: enum tw_tier, or TW_TIER_NONE for any
 * @reason: in: enum tw_reason
 * @nr: in: how many, 1..tw_info.max_pages
 * @pages: in: pointer to @nr __u64 page numbers. Stable ones need the region
 *         to be yours (or CAP_SYS_ADMIN), pfns CAP_SYS_ADMIN; else the page's
 *         status is -ENOENT
 * @status: in: pointer to @nr __s32 for the pages' outcomes, or 0
 * @moved: out: pages moved
 * @failed: out: pages with a negative status
 * @owner: in: id of the region that all of @pages must be of, or 0: any. Others
 *	are as if they did not exist
 *
 * Returns 0 when the call was carried out, whatever the pages' outcomes.
 * EOPNOTSUPP: @to_tier is not bound. EINTR: a signal came before the first.
 */
struct tw_migrate_pages {
	__u32 size;
	__u32 flags;
	__u32 to_tier;
	__u32 from_tier;
	__u32 reason;
	__u32 nr;
	__aligned_u64 pages;
	__aligned_u64 status;
	__u32 moved;
	__u32 failed;
	__aligned_u64 owner;
};

#define TW_MIGRATE_PAGES_SIZE_VER0	56

/**
 * struct tw_migrate_range - TW_IOC_MIGRATE_RANGE: move a range of pages
 * @size: sizeof(struct tw_migrate_range)
 * @flags: in: 0
 * @start: in: page aligned; on /dev/tierwatch an address in the caller's
 *         mappings of regions, on a region's fd an offset into it
 * @length: in: bytes, page aligned, not 0, at most tw_info.max_pages pages
 * @to_tier: in: enum tw_tier
 * @from_tier: in: enum tw_tier, or TW_TIER_NONE for any
 * @reason: in: enum tw_reason
 * @nr_status: in: room in @status; less than the range's pages: EMSGSIZE with
 *             the needed count here
 * @status: in: pointer to __s32, one a page of the range, or 0
 * @moved: out: pages moved
 * @failed: out: touched pages with a negative status
 * @untouched: out: pages never touched (status -ENOENT)
 * @reserved: in: 0
 *
 * On /dev/tierwatch a part of the range that no writable mapping of a region
 * covers is EFAULT. On a region the fd must be open for writing (EACCES).
 */
struct tw_migrate_range {
	__u32 size;
	__u32 flags;
	__aligned_u64 start;
	__aligned_u64 length;
	__u32 to_tier;
	__u32 from_tier;
	__u32 reason;
	__u32 nr_status;
	__aligned_u64 status;
	__u32 moved;
	__u32 failed;
	__u32 untouched;
	__u32 reserved;
};

#define TW_MIGRATE_RANGE_SIZE_VER0	64

/* struct tw_page.flags */
#define TW_PAGE_KEPT	(1U << 0)	/* a store holds a clean copy, too */
#define TW_PAGE_LOST	(1U << 1)	/* its bytes are lost */
#define TW_PAGE_BUSY	(1U << 2)	/* on its way between tiers */
#define TW_PAGE_EXTERNAL (1U << 3)	/* tracked, not of a region */

/**
 * enum tw_class - a page's temperature
 * @TW_CLASS_WARM: neither of these
 * @TW_CLASS_HOT: heat above the driver's parameter hot_threshold (100)
 * @TW_CLASS_COLD: heat below its cold_threshold (10), and aged
 *
 * Heat: a fault adds 10 and so does a sweep that finds the page touched; each
 * fault reported by TW_IOC_REPORT adds 1; a sweep that finds it untouched
 * halves it. Sweeps run while memory is short. An external page's heat halves
 * every ten seconds without a report. Aged: @age of struct tw_page is not 0.
 */
enum tw_class {
	TW_CLASS_WARM	= 0,
	TW_CLASS_HOT	= 1,
	TW_CLASS_COLD	= 2,
	TW_NR_CLASSES	= 3,
};

/**
 * struct tw_page - one page
 * @page: stable number; an external page's is its frame number
 * @pfn: while in memory and the caller has CAP_SYS_ADMIN, else 0
 * @owner: id of its region, see TW_PAGE(); an external page's, and with a
 *	@status: 0
 * @agent: label of the agent it is accounted to
 * @tier: enum tw_tier; TW_TIER_NONE when never touched
 * @flags: TW_PAGE_*
 * @heat: heat, 0..65535
 * @age: sweeps since it was last seen touched, up to 255; of an external page:
 *	tens of seconds without a report
 * @node: NUMA node while in memory, else -1
 * @status: 0, or -ENOENT for a number that names no page of yours
 * @best_node: node of the CPUs that touch it most, -1 when nobody has
 * @temperature: enum tw_class
 */
struct tw_page {
	__aligned_u64 page;
	__aligned_u64 pfn;
	__aligned_u64 owner;
	__aligned_u64 agent;
	__u32 tier;
	__u32 flags;
	__u32 heat;
	__u32 age;
	__s32 node;
	__s32 status;
	__s32 best_node;
	__u32 temperature;
};

#define TW_PAGE_SIZE_VER0		64

/**
 * struct tw_page_info - TW_IOC_PAGE_INFO: look pages up by number
 * @size: sizeof(struct tw_page_info)
 * @flags: in: 0
 * @nr: in: how many, 1..tw_info.max_pages
 * @entry_size: in: sizeof(struct tw_page)
 * @pages: in: pointer to @nr __u64 page numbers, see struct tw_migrate_pages
 * @infos: in: pointer to @nr struct tw_page
 * @owner: in: id of the region that all of @pages must be of, or 0: any. Others
 *	are as if they did not exist
 */
struct tw_page_info {
	__u32 size;
	__u32 flags;
	__u32 nr;
	__u32 entry_size;
	__aligned_u64 pages;
	__aligned_u64 infos;
	__aligned_u64 owner;
};

#define TW_PAGE_INFO_SIZE_VER0		40

/**
 * struct tw_region_pages - TW_IOC_REGION_PAGES: look a range of pages up
 * @size: sizeof(struct tw_region_pages)
 * @flags: in: 0
 * @offset: in: bytes, page aligned
 * @length: in: bytes, page aligned, not 0, at most tw_info.max_pages pages
 * @nr: in: room in @infos; less than the range's pages: EMSGSIZE with the
 *      needed count here. out: pages written
 * @entry_size: in: sizeof(struct tw_page)
 * @infos: in: pointer to struct tw_page
 */
struct tw_region_pages {
	__u32 size;
	__u32 flags;
	__aligned_u64 offset;
	__aligned_u64 length;
	__u32 nr;
	__u32 entry_size;
	__aligned_u64 infos;
};

#define TW_REGION_PAGES_SIZE_VER0	40

/*
 * TW_AGENT_JOIN: an agent of this id that exists already for the caller's
 * user is opened instead of EEXIST.
 * TW_AGENT_OPEN: nothing is made; ENOENT if there is no such agent.
 * TW_AGENT_CGROUP, with TW_AGENT_OPEN: @id is a cgroup's, whose default agent is
 * opened. It is there as long as something is accounted to it, even if its cgroup
 * is not.
 * TW_AGENT_OF, with TW_AGENT_OPEN: that of @uid in the user namespace @user_ns. Any
 * but one's own takes CAP_SYS_ADMIN, and is ENOENT without.
 */
#define TW_AGENT_JOIN		(1U << 0)
#define TW_AGENT_OPEN		(1U << 1)
#define TW_AGENT_CGROUP		(1U << 2)
#define TW_AGENT_OF		(1U << 3)
#define TW_AGENT_FLAGS		(TW_AGENT_JOIN | TW_AGENT_OPEN | \
				 TW_AGENT_CGROUP | TW_AGENT_OF)

/**
 * struct tw_agent_create - TW_IOC_AGENT_CREATE: a group to account memory to
 * @size: sizeof(struct tw_agent_create)
 * @flags: in: TW_AGENT_*
 * @id: in: label, unique per user namespace and user
 * @fd: out: the agent, O_CLOEXEC. It lives as long as this fd or a region
 * @reserved: in: 0
 * @uid: in: with TW_AGENT_OF, as in struct tw_agent_entry; else 0
 * @reserved2: in: 0
 * @user_ns: in: with TW_AGENT_OF, as in struct tw_agent_entry; else 0
 *
 * EEXIST: the user has it already. EDQUOT: the user has too many. ENOENT: there is
 * none to be opened.
 */
struct tw_agent_create {
	__u32 size;
	__u32 flags;
	__aligned_u64 id;
	__s32 fd;
	__u32 reserved;
	__u32 uid;
	__u32 reserved2;
	__aligned_u64 user_ns;
};

#define TW_AGENT_CREATE_SIZE_VER0	24

/* tw_agent_stats.flags: look the agent up by @id among the caller's own. */
#define TW_AGENT_BY_ID		(1U << 0)
#define TW_AGENT_STATS_FLAGS	(TW_AGENT_BY_ID)

/**
 * struct tw_agent_stats - TW_IOC_AGENT_STATS: an agent's memory
 * @size: sizeof(struct tw_agent_stats)
 * @flags: in: TW_AGENT_BY_ID or 0
 * @agent_fd: in: an agent; -1 for the default one of the caller's cgroup, and
 *            with TW_AGENT_BY_ID
 * @is_default: out: 1 for a cgroup's default agent
 * @id: in with TW_AGENT_BY_ID; out: its label (default: the cgroup's id)
 * @pages: out: pages in each tier, indexed by enum tw_tier
 * @faults_minor: out: faults served from memory, by the tier of the page
 * @faults_major: out: faults that waited for a store, by that store
 * @moves_in: out: pages moved into each tier
 * @moves_out: out: pages moved out of each tier
 * @regions: out: regions alive
 * @fault_ns: out: time spent in faults
 * @external: out: external pages in each tier, not counted in @pages
 * @reported: out: faults reported for its pages
 */
struct tw_agent_stats {
	__u32 size;
	__u32 flags;
	__s32 agent_fd;
	__u32 is_default;
	__aligned_u64 id;
	__aligned_u64 pages[TW_NR_TIERS];
	__aligned_u64 faults_minor[TW_NR_TIERS];
	__aligned_u64 faults_major[TW_NR_TIERS];
	__aligned_u64 moves_in[TW_NR_TIERS];
	__aligned_u64 moves_out[TW_NR_TIERS];
	__aligned_u64 regions;
	__aligned_u64 fault_ns;
	__aligned_u64 external[TW_NR_TIERS];
	__aligned_u64 reported;
};

#define TW_AGENT_STATS_SIZE_VER0	288

/**
 * struct tw_addr_page - TW_IOC_ADDR_PAGE: which page is at an address
 * @size: sizeof(struct tw_addr_page)
 * @flags: in: 0
 * @addr: in: any address in one of the caller's mappings of regions
 * @page: out: stable number. The page isn't touched
 *
 * EFAULT: no mapping of a region there.
 */
struct tw_addr_page {
	__u32 size;
	__u32 flags;
	__aligned_u64 addr;
	__aligned_u64 page;
};

#define TW_ADDR_PAGE_SIZE_VER0		24

/*
 * External pages: frames of somebody else, a GPU driver's for example, that
 * the driver only knows by number. It keeps their heat and accounts them to an
 * agent; it moves them only through a mover that their owner has registered in
 * the kernel. From userspace they need CAP_SYS_ADMIN.
 */

/* Frame numbers of external pages lie below this. */
#define TW_MAX_PFN		(1ULL << 52)

/* tw_track.flags: the agent is named by @agent_id, among the caller's own. */
#define TW_TRACK_BY_ID		(1U << 0)
#define TW_TRACK_FLAGS		(TW_TRACK_BY_ID)

/**
 * struct tw_track - TW_IOC_TRACK: keep track of pages
 * @size: sizeof(struct tw_track)
 * @flags: in: TW_TRACK_*
 * @tier: in: enum tw_tier that they are in
 * @node: in: NUMA node of external pages; -1: the frame's own, if it has one
 * @agent_fd: in: an agent; -1: the default one of the caller's cgroup, and
 *	with TW_TRACK_BY_ID
 * @nr: in: how many, 1..tw_info.max_pages
 * @agent_id: in with TW_TRACK_BY_ID: label
 * @pages: in: pointer to @nr __u64 page numbers
 * @status: in: pointer to @nr __s32 for the pages' outcomes, or 0
 * @done: out: pages with status 0
 * @failed: out: pages with a negative status
 *
 * A region's page is tracked for life: its status is 0 when it is in @tier and
 * accounted to the agent, -EINVAL when it is in another tier or untouched,
 * -EACCES when it is another agent's, -ENOENT when it is not yours. An external
 * page: 0; -EEXIST tracked already, -EPERM without CAP_SYS_ADMIN, -EINVAL no
 * frame number, -EDQUOT too many, -ENOMEM.
 * ENOENT: no such agent.
 */
struct tw_track {
	__u32 size;
	__u32 flags;
	__u32 tier;
	__s32 node;
	__s32 agent_fd;
	__u32 nr;
	__aligned_u64 agent_id;
	__aligned_u64 pages;
	__aligned_u64 status;
	__u32 done;
	__u32 failed;
};

#define TW_TRACK_SIZE_VER0		56

/**
 * struct tw_untrack - TW_IOC_UNTRACK: forget external pages
 * @size: sizeof(struct tw_untrack)
 * @flags: in: 0
 * @nr: in: how many, 1..tw_info.max_pages
 * @reserved: in: 0
 * @pages: in: pointer to @nr __u64 frame numbers
 * @status: in: pointer to @nr __s32 for the pages' outcomes, or 0
 * @done: out: pages with status 0
 * @failed: out: pages with a negative status
 *
 * Status: 0; -ENOENT no such page (or without CAP_SYS_ADMIN), -EOPNOTSUPP a
 * region's page, which is tracked for life, -EBUSY it is being moved.
 * External pages are forgotten, too, when their agent ends; a cgroup's default
 * agent does not end while it has any.
 */
struct tw_untrack {
	__u32 size;
	__u32 flags;
	__u32 nr;
	__u32 reserved;
	__aligned_u64 pages;
	__aligned_u64 status;
	__u32 done;
	__u32 failed;
};

#define TW_UNTRACK_SIZE_VER0		40

/* tw_report.flags */
#define TW_REPORT_WRITE		(1U << 0)	/* the access was a write */
#define TW_REPORT_FLAGS		(TW_REPORT_WRITE)

/**
 * struct tw_report - TW_IOC_REPORT: a page was touched
 * @size: sizeof(struct tw_report)
 * @flags: in: TW_REPORT_*
 * @page: in: page number
 * @addr: in: where it was touched; for the record only
 * @owner: in: id of the region that @page must be of, or 0: any
 *
 * Feeds the page's heat and the counters called "reported", never those of the
 * faults that the driver sees itself. Without CAP_SYS_ADMIN reports make a page
 * hot and no hotter. ENOENT: no such page, or not yours.
 */
struct tw_report {
	__u32 size;
	__u32 flags;
	__aligned_u64 page;
	__aligned_u64 addr;
	__aligned_u64 owner;
};

#define TW_REPORT_SIZE_VER0		32

/**
 * struct tw_candidate - a page worth moving
 * @page: page number
 * @agent: label of its agent
 * @benefit_ns: access time that the move saves (below 0: costs) over what the
 *	page's heat stands for
 * @heat: heat
 * @age: age
 * @from_tier: where it is
 * @to_tier: where it would go
 * @node: NUMA node while in memory, else -1
 * @reserved: 0
 */
struct tw_candidate {
	__aligned_u64 page;
	__aligned_u64 agent;
	__s64 benefit_ns;
	__u32 heat;
	__u32 age;
	__u32 from_tier;
	__u32 to_tier;
	__s32 node;
	__u32 reserved;
};

#define TW_CANDIDATE_SIZE_VER0		48

/**
 * struct tw_candidates - TW_IOC_CANDIDATES: pages worth moving, best first
 * @size: sizeof(struct tw_candidates)
 * @flags: in: 0
 * @from_tier: in: enum tw_tier
 * @to_tier: in: another one: hot pages when it is faster, cold ones when slower
 * @nr: in: room in @candidates, 1..tw_info.max_pages. out: how many were found
 * @entry_size: in: sizeof(struct tw_candidate)
 * @candidates: in: pointer to struct tw_candidate
 *
 * The caller's own pages; with CAP_SYS_ADMIN everybody's. The queues behind it
 * are bounded: it gives good pages quickly, not all that there are.
 */
struct tw_candidates {
	__u32 size;
	__u32 flags;
	__u32 from_tier;
	__u32 to_tier;
	__u32 nr;
	__u32 entry_size;
	__aligned_u64 candidates;
};

#define TW_CANDIDATES_SIZE_VER0		32

#define TW_PRIORITY_MAX		100

/**
 * struct tw_request - a page to be moved
 * @page: in: page number
 * @id: out: the request's, in its TW_EVENT_REQUEST
 * @pfn: out with TW_REQUEST_WAIT: where it is now, as in struct tw_page
 * @latency_ns: out with TW_REQUEST_WAIT: from the call to its end
 * @from_tier: in: enum tw_tier, or TW_TIER_NONE for any
 * @to_tier: in: enum tw_tier
 * @priority: in: 0..TW_PRIORITY_MAX, higher first; waiting raises it by one
 *	each 50 ms
 * @reason: in: enum tw_reason
 * @status: out with TW_REQUEST_WAIT: outcome as in struct tw_migrate_pages, or
 *	-ECANCELED: its page went away
 * @reserved: in: 0
 * @owner: in: id of the region that @page must be of, or 0: any
 */
struct tw_request {
	__aligned_u64 page;
	__aligned_u64 id;
	__aligned_u64 pfn;
	__aligned_u64 latency_ns;
	__u32 from_tier;
	__u32 to_tier;
	__u32 priority;
	__u32 reason;
	__s32 status;
	__u32 reserved;
	__aligned_u64 owner;
};

#define TW_REQUEST_SIZE_VER0		64

/* tw_request_pages.flags: return when all have ended. */
#define TW_REQUEST_WAIT		(1U << 0)
#define TW_REQUEST_FLAGS	(TW_REQUEST_WAIT)

/*
 * Most requests that wait or are under way at a time, and of one call. A user
 * without CAP_SYS_RESOURCE has at most TW_REQUEST_USER_MAX of them, so that
 * nobody fills the queue alone.
 */
#define TW_REQUEST_MAX		4096
#define TW_REQUEST_USER_MAX	1024

/**
 * struct tw_request_pages - TW_IOC_REQUEST: move pages by and by
 * @size: sizeof(struct tw_request_pages)
 * @flags: in: TW_REQUEST_*
 * @nr: in: how many, 1..TW_REQUEST_MAX
 * @entry_size: in: sizeof(struct tw_request)
 * @requests: in: pointer to @nr struct tw_request
 * @done: out with TW_REQUEST_WAIT: requests with a status that is not negative
 * @failed: out with TW_REQUEST_WAIT: requests with a negative status
 *
 * All of them are queued, or none: EAGAIN, there is no room for so many now
 * (TW_REQUEST_MAX in all, TW_REQUEST_USER_MAX of one user);
 * ENOENT, a page is not there or not yours; EINVAL, one of them is wrong;
 * EOPNOTSUPP, a target is not bound. EINTR: a signal came while waiting; they
 * stay queued.
 *
 * Users take turns, so a priority is one among a user's own requests. And those
 * that take another store, or none, are carried out beside each other: a move
 * within memory does not wait for a disk, and requests for the same page are in
 * order only if the slowest tier that they are about is the same.
 */
struct tw_request_pages {
	__u32 size;
	__u32 flags;
	__u32 nr;
	__u32 entry_size;
	__aligned_u64 requests;
	__u32 done;
	__u32 failed;
};

#define TW_REQUEST_PAGES_SIZE_VER0	32

/**
 * struct tw_page_list - TW_IOC_PAGE_LIST: pages of a temperature
 * @size: sizeof(struct tw_page_list)
 * @flags: in: 0
 * @tier: in: enum tw_tier, or TW_TIER_NONE for any
 * @temperature: in: enum tw_class
 * @nr: in: room in @infos, 1..tw_info.max_pages. out: how many were written
 * @entry_size: in: sizeof(struct tw_page)
 * @cursor: in: 0 to begin, else as the call before left it. out: where to go
 *	on; 0: that was all
 * @infos: in: pointer to struct tw_page
 *
 * The caller's own pages in the order of their numbers; with CAP_SYS_ADMIN
 * everybody's, external ones last. A call looks at a bounded number of pages
 * and may find none before the end.
 */
struct tw_page_list {
	__u32 size;
	__u32 flags;
	__u32 tier;
	__u32 temperature;
	__u32 nr;
	__u32 entry_size;
	__aligned_u64 cursor;
	__aligned_u64 infos;
};

#define TW_PAGE_LIST_SIZE_VER0		40

/**
 * struct tw_mark - TW_IOC_MARK: call pages hot or cold
 * @size: sizeof(struct tw_mark)
 * @flags: in: 0
 * @temperature: in: TW_CLASS_HOT or TW_CLASS_COLD
 * @nr: in: how many, 1..tw_info.max_pages
 * @pages: in: pointer to @nr __u64 page numbers
 * @status: in: pointer to @nr __s32 for the pages' outcomes, or 0
 * @done: out: pages with status 0
 * @failed: out: pages with a negative status (-ENOENT)
 * @owner: in: id of the region that all of @pages must be of, or 0: any. Others
 *	are as if they did not exist
 *
 * Sets the heat (and age) so that the page is of that class now; what happens
 * to it next changes that again.
 */
struct tw_mark {
	__u32 size;
	__u32 flags;
	__u32 temperature;
	__u32 nr;
	__aligned_u64 pages;
	__aligned_u64 status;
	__u32 done;
	__u32 failed;
	__aligned_u64 owner;
};

#define TW_MARK_SIZE_VER0		48

/* tw_fault_stats.flags: count from here on. Needs CAP_SYS_ADMIN. */
#define TW_FAULT_STATS_RESET	(1U << 0)
#define TW_FAULT_STATS_FLAGS	(TW_FAULT_STATS_RESET)

/**
 * struct tw_fault_stats - TW_IOC_FAULT_STATS: a tier's faults
 * @size: sizeof(struct tw_fault_stats)
 * @flags: in: TW_FAULT_STATS_*
 * @tier: in: enum tw_tier
 * @reserved: in: 0
 * @minor_read: out: as in struct tw_stats_counters, since load or the last reset
 * @minor_write: out: the same
 * @major_read: out: the same
 * @major_write: out: the same
 * @first: out: the same
 * @reported: out: the same
 * @fault_ns: out: the same
 *
 * A reset gives the figures up to it. The counters of the statistics page are
 * not touched by it.
 */
struct tw_fault_stats {
	__u32 size;
	__u32 flags;
	__u32 tier;
	__u32 reserved;
	__aligned_u64 minor_read;
	__aligned_u64 minor_write;
	__aligned_u64 major_read;
	__aligned_u64 major_write;
	__aligned_u64 first;
	__aligned_u64 reported;
	__aligned_u64 fault_ns;
};

#define TW_FAULT_STATS_SIZE_VER0	72

/* tw_thresholds.flags: set them. Needs CAP_SYS_ADMIN. */
#define TW_THRESHOLDS_SET	(1U << 0)
#define TW_THRESHOLDS_FLAGS	(TW_THRESHOLDS_SET)

/**
 * struct tw_thresholds - TW_IOC_THRESHOLDS: a tier's levels of pressure
 * @size: sizeof(struct tw_thresholds)
 * @flags: in: TW_THRESHOLDS_*
 * @tier: in: enum tw_tier
 * @reserved: in: 0
 * @enter: in or out: percent used from which the tier is on MEDIUM, HIGH,
 *	CRITICAL: rising, 1..100
 * @leave: in or out: percent used below which it leaves them: rising, each
 *	at least 1 and below @enter
 * @reserved2: in: 0
 *
 * They stay with the tier, whatever is bound to it.
 */
struct tw_thresholds {
	__u32 size;
	__u32 flags;
	__u32 tier;
	__u32 reserved;
	__u32 enter[3];
	__u32 leave[3];
	__u32 reserved2[2];
};

#define TW_THRESHOLDS_SIZE_VER0		48

/**
 * struct tw_module_stats - TW_IOC_MODULE_STATS: all of the driver at a glance
 * @size: sizeof(struct tw_module_stats)
 * @flags: in: 0
 * @pages_tracked: out: pages of regions and external ones
 * @pages_external: out: of these, external
 * @faults: out: faults that the driver served
 * @faults_reported: out: faults reported
 * @migrations: out: pages moved
 * @migrations_failed: out: moves that failed
 * @migration_ns: out: time spent moving; over @migrations: a page's share
 * @events: out: events published
 * @sigbus: out: faults that ended in SIGBUS
 * @lost: out: pages whose bytes were lost
 * @requests_queued: out: requests waiting or under way
 * @requests_done: out: requests that ended well
 * @requests_failed: out: requests that ended otherwise
 * @requests_cancelled: out: of these, cancelled
 * @regions: out: alive
 * @agents: out: alive
 * @streams: out: alive
 * @record_bytes: out: memory: page records
 * @external_bytes: out: memory: records of external pages
 * @store_bytes: out: memory: slot tables and checksums
 * @stream_bytes: out: memory: rings
 * @batch_size: out: parameter migration_batch
 * @hot_threshold: out: parameter
 * @cold_threshold: out: parameter
 * @auto_migration: out: parameter enable_auto_migration
 */
struct tw_module_stats {
	__u32 size;
	__u32 flags;
	__aligned_u64 pages_tracked;
	__aligned_u64 pages_external;
	__aligned_u64 faults;
	__aligned_u64 faults_reported;
	__aligned_u64 migrations;
	__aligned_u64 migrations_failed;
	__aligned_u64 migration_ns;
	__aligned_u64 events;
	__aligned_u64 sigbus;
	__aligned_u64 lost;
	__aligned_u64 requests_queued;
	__aligned_u64 requests_done;
	__aligned_u64 requests_failed;
	__aligned_u64 requests_cancelled;
	__aligned_u64 regions;
	__aligned_u64 agents;
	__aligned_u64 streams;
	__aligned_u64 record_bytes;
	__aligned_u64 external_bytes;
	__aligned_u64 store_bytes;
	__aligned_u64 stream_bytes;
	__u32 batch_size;
	__u32 hot_threshold;
	__u32 cold_threshold;
	__u32 auto_migration;
};

#define TW_MODULE_STATS_SIZE_VER0	192

/**
 * struct tw_numa_stats - TW_IOC_NUMA_STATS: one NUMA node
 * @size: sizeof(struct tw_numa_stats)
 * @flags: in: 0
 * @node: in: its number
 * @tier: out: enum tw_tier that it backs, or TW_TIER_NONE
 * @total: out: its memory, pages
 * @free: out: free memory, pages
 * @pages: out: pages of regions that are there
 * @local: out: faults on pages there by its own CPUs
 * @remote: out: faults on pages there by CPUs of other nodes
 * @moved_in: out: pages moved there by TW_IOC_NUMA_BALANCE
 * @reserved: 0
 *
 * Reported faults count, too. ENOENT: no such node, or it is not online. EACCES:
 * the caller may not read /proc/swarm/numa, which says the same.
 */
struct tw_numa_stats {
	__u32 size;
	__u32 flags;
	__s32 node;
	__u32 tier;
	__aligned_u64 total;
	__aligned_u64 free;
	__aligned_u64 pages;
	__aligned_u64 local;
	__aligned_u64 remote;
	__aligned_u64 moved_in;
	__aligned_u64 reserved;
};

#define TW_NUMA_STATS_SIZE_VER0		72

/**
 * struct tw_numa_balance - TW_IOC_NUMA_BALANCE: pages to the nodes that touch them
 * @size: sizeof(struct tw_numa_balance)
 * @flags: in: 0
 * @nr: in: most pages to move, 0: all
 * @reserved: in: 0
 * @looked: out: pages of the CPU tier looked at
 * @moved: out: pages moved
 * @failed: out: pages that could not be moved
 *
 * Moves pages of the CPU tier to the node whose CPUs touch them, where that is
 * clear. The caller's own pages; with CAP_SYS_ADMIN everybody's. EINTR: a
 * signal came before the first; EOPNOTSUPP: the CPU tier is not bound.
 */
struct tw_numa_balance {
	__u32 size;
	__u32 flags;
	__u32 nr;
	__u32 reserved;
	__aligned_u64 looked;
	__aligned_u64 moved;
	__aligned_u64 failed;
};

#define TW_NUMA_BALANCE_SIZE_VER0	40

#define TW_NO_LIMIT		(~0ULL)

/* tw_agent_limits.flags, with TW_AGENT_BY_ID: set them. */
#define TW_LIMITS_SET		(1U << 1)
#define TW_LIMITS_FLAGS		(TW_AGENT_BY_ID | TW_LIMITS_SET)

/**
 * struct tw_agent_limits - TW_IOC_AGENT_LIMITS: how much of each tier it takes
 * @size: sizeof(struct tw_agent_limits)
 * @flags: in: TW_LIMITS_SET, TW_AGENT_BY_ID
 * @agent_fd: in: an agent; -1: the default one of the caller's cgroup, and
 *	with TW_AGENT_BY_ID
 * @reserved: in: 0
 * @id: in with TW_AGENT_BY_ID: label
 * @pages: in or out: pages of regions by enum tw_tier; TW_NO_LIMIT: no limit
 * @hard: out: how high @pages may be set without CAP_SYS_RESOURCE. A caller that
 *	has it sets both
 *
 * A limit never blocks: a page goes to the next tier instead. What is in
 * memory beyond the limits of both memory tiers, as a touched page must be,
 * is demoted in the background; what is beyond that of a store goes to the next
 * lower one with room. A move to a tier at its limit is -EDQUOT.
 * It is the limit of this agent alone: not of its user's other agents, nor of
 * those of the cgroups below a default one's. See struct tw_group_limits.
 * EPERM: above @hard. ENOENT: no such agent, or not yours, or set for a default
 * agent that nothing belongs to: it ends, and its limits with it, when the last
 * of its regions and external pages does.
 */
struct tw_agent_limits {
	__u32 size;
	__u32 flags;
	__s32 agent_fd;
	__u32 reserved;
	__aligned_u64 id;
	__aligned_u64 pages[TW_NR_TIERS];
	__aligned_u64 hard[TW_NR_TIERS];
};

#define TW_AGENT_LIMITS_SIZE_VER0	104

/**
 * struct tw_agent_migrate - TW_IOC_AGENT_MIGRATE: move an agent's pages
 * @size: sizeof(struct tw_agent_migrate)
 * @flags: in: TW_AGENT_BY_ID or 0
 * @agent_fd: in: as in struct tw_agent_limits
 * @to_tier: in: enum tw_tier
 * @from_tier: in: enum tw_tier, or TW_TIER_NONE for any
 * @reason: in: enum tw_reason
 * @nr: in: most pages to move, 0: all
 * @reserved: in: 0
 * @id: in with TW_AGENT_BY_ID: label
 * @moved: out: pages moved
 * @failed: out: pages that could not be moved
 *
 * Pages of its regions. It ends early, without an error, when @to_tier is
 * full. EOPNOTSUPP: @to_tier is not bound. EINTR: a signal came before the
 * first. ENOENT: no such agent, or not yours.
 */
struct tw_agent_migrate {
	__u32 size;
	__u32 flags;
	__s32 agent_fd;
	__u32 to_tier;
	__u32 from_tier;
	__u32 reason;
	__u32 nr;
	__u32 reserved;
	__aligned_u64 id;
	__aligned_u64 moved;
	__aligned_u64 failed;
};

#define TW_AGENT_MIGRATE_SIZE_VER0	56

/* tw_agent_entry.flags */
#define TW_AGENT_IS_DEFAULT	(1U << 0)	/* of a cgroup, whose id @id is */
#define TW_AGENT_IS_MINE	(1U << 1)	/* the caller's own */

/**
 * struct tw_agent_entry - an agent in a list
 * @id: its label; a default agent's is its cgroup's id
 * @uid: its user, as the caller's user namespace has it
 * @flags: TW_AGENT_IS_*. One that is the caller's own and no default one can be
 *	named by its label (TW_AGENT_BY_ID). TW_AGENT_OPEN gives any of them
 * @pages: pages of its regions in each tier, indexed by enum tw_tier
 * @external: external pages in each tier
 * @limit: pages of regions by tier that it takes at most, TW_NO_LIMIT: all
 * @hard: how high its user may set @limit
 * @faults_minor: as in struct tw_agent_stats
 * @faults_major: the same
 * @moves_in: the same
 * @moves_out: the same
 * @regions: regions alive
 * @fault_ns: time spent in faults
 * @reported: faults reported for its pages
 * @user_ns: inode number of its user namespace, as of /proc/PID/ns/user: @id
 *	and @uid are only within it a name of one agent
 */
struct tw_agent_entry {
	__aligned_u64 id;
	__u32 uid;
	__u32 flags;
	__aligned_u64 pages[TW_NR_TIERS];
	__aligned_u64 external[TW_NR_TIERS];
	__aligned_u64 limit[TW_NR_TIERS];
	__aligned_u64 hard[TW_NR_TIERS];
	__aligned_u64 faults_minor[TW_NR_TIERS];
	__aligned_u64 faults_major[TW_NR_TIERS];
	__aligned_u64 moves_in[TW_NR_TIERS];
	__aligned_u64 moves_out[TW_NR_TIERS];
	__aligned_u64 regions;
	__aligned_u64 fault_ns;
	__aligned_u64 reported;
	__aligned_u64 user_ns;
};

#define TW_AGENT_ENTRY_SIZE_VER0	368

/**
 * struct tw_agent_list - TW_IOC_AGENT_LIST: the agents there are
 * @size: sizeof(struct tw_agent_list)
 * @flags: in: 0
 * @nr: in: room in @agents, 1..tw_info.max_pages. out: how many were written
 * @entry_size: in: sizeof(struct tw_agent_entry)
 * @cursor: in: 0 to begin, else as the call before left it. out: where to go
 *	on; 0: that was all
 * @agents: in: pointer to struct tw_agent_entry
 *
 * The caller's own agents, default ones included, in the order in which they
 * were made; with CAP_SYS_ADMIN everybody's. What comes or goes meanwhile may be
 * in the list or not. A call looks at a bounded number of agents and may find
 * none before the end.
 */
struct tw_agent_list {
	__u32 size;
	__u32 flags;
	__u32 nr;
	__u32 entry_size;
	__aligned_u64 cursor;
	__aligned_u64 agents;
};

#define TW_AGENT_LIST_SIZE_VER0		32

/*
 * tw_group_limits.flags. TW_GROUP_SET: set them, which takes CAP_SYS_RESOURCE.
 * TW_GROUP_NEXT: show the next one that has limits, after @cursor.
 */
#define TW_GROUP_SET		(1U << 0)
#define TW_GROUP_NEXT		(1U << 1)
#define TW_GROUP_FLAGS		(TW_GROUP_SET | TW_GROUP_NEXT)

/**
 * enum tw_group_kind - whose limits
 * @TW_GROUP_CGROUP: a cgroup's, and of all cgroups below it
 * @TW_GROUP_USER: a user's, and of the user namespaces that it has made
 */
enum tw_group_kind {
	TW_GROUP_CGROUP = 1,
	TW_GROUP_USER = 2,
};

/**
 * struct tw_group_limits - TW_IOC_GROUP_LIMITS: limits of a cgroup or a user
 * @size: sizeof(struct tw_group_limits)
 * @flags: in: TW_GROUP_SET, or TW_GROUP_NEXT, or 0 to ask
 * @kind: in: enum tw_group_kind. With TW_GROUP_NEXT in: 0, out: what it is
 * @uid: in: of TW_GROUP_USER, as the caller's user namespace has it; else 0. With
 *	TW_GROUP_NEXT in: 0, out: the user
 * @path: in: pointer to the path of TW_GROUP_CGROUP, as /proc/PID/cgroup has it
 *	("0::PATH"): it begins with / and doesn't end with it, but for the root's;
 *	else 0. With TW_GROUP_NEXT: pointer to room for one
 * @path_len: in: bytes at @path with the zero at the end, at most 4096. With
 *	TW_GROUP_NEXT in: room, out: how much was written, 0 for a user
 * @reserved: in: 0
 * @cursor: in: 0. With TW_GROUP_NEXT in: 0 to begin, else as the call before left it
 * @pages: in or out: pages of regions by enum tw_tier; TW_NO_LIMIT: no limit
 * @used: out: pages now. 0 where there are no limits: nothing is counted then
 *
 * A limit holds for the sum of all regions that were made by processes in the
 * cgroup or below it, or by the user, whichever agents they are accounted to. It
 * does what an agent's limit does (struct tw_agent_limits), but for its events; a
 * page has to be within its agent's limit and within each of these. A path need not be there: a cgroup
 * that is made later, or again, is under the limits of its path, and so are pages
 * of one that is gone. Limits end when they are set to TW_NO_LIMIT in all tiers,
 * and when the driver is unloaded.
 *
 * EPERM: set without CAP_SYS_RESOURCE; asked for another user's or for a cgroup
 * that the caller is not in, without that or CAP_SYS_ADMIN, and so for
 * TW_GROUP_NEXT. EINVAL: no such path. ENOENT: there is no next one. EMSGSIZE:
 * @path_len is too short, the needed length is written back. ENOSPC: there are
 * 1024 with limits.
 */
struct tw_group_limits {
	__u32 size;
	__u32 flags;
	__u32 kind;
	__u32 uid;
	__aligned_u64 path;
	__u32 path_len;
	__u32 reserved;
	__aligned_u64 cursor;
	__aligned_u64 pages[TW_NR_TIERS];
	__aligned_u64 used[TW_NR_TIERS];
};

#define TW_GROUP_LIMITS_SIZE_VER0	120

/**
 * enum tw_event_type - what happened
 * @TW_EVENT_FAULT: a fault was served. tier: where the page was found (a
 *	first touch: where it was put); to_tier: where it is now; addr: where
 *	it was touched
 * @TW_EVENT_MIGRATE: a page left @tier for to_tier; status 0 or -errno
 * @TW_EVENT_PRESSURE: the level of @tier changed; status: the new level;
 *	addr: pages used
 * @TW_EVENT_LIMIT: memory ran out for a fault, which ended in SIGBUS; with
 *	status -EDQUOT: the agent got over its limit in @tier, told of once until
 *	it has been an eighth below; addr: its pages there
 * @TW_EVENT_TIER_BOUND: @tier was bound; addr: capacity in pages
 * @TW_EVENT_TIER_UNBOUND: @tier was unbound
 * @TW_EVENT_TIER_ERROR: I/O on @tier failed or a checksum was wrong; status
 * @TW_EVENT_AGENT_CREATED: an agent came to be
 * @TW_EVENT_AGENT_ENDED: an agent is gone
 * @TW_EVENT_REQUEST: a request of TW_IOC_REQUEST has ended; addr: its id;
 *	status: its outcome; latency_ns: from its call on
 * @TW_NR_EVENTS: one past the last
 */
enum tw_event_type {
	TW_EVENT_FAULT		= 1,
	TW_EVENT_MIGRATE	= 2,
	TW_EVENT_PRESSURE	= 3,
	TW_EVENT_LIMIT		= 4,
	TW_EVENT_TIER_BOUND	= 5,
	TW_EVENT_TIER_UNBOUND	= 6,
	TW_EVENT_TIER_ERROR	= 7,
	TW_EVENT_AGENT_CREATED	= 8,
	TW_EVENT_AGENT_ENDED	= 9,
	TW_EVENT_REQUEST	= 10,
	TW_NR_EVENTS		= 11,
};

#define TW_EVENT_BIT(type)	(1ULL << (type))
#define TW_EVENT_ALL		(TW_EVENT_BIT(TW_NR_EVENTS) - 2)

/* struct tw_event.flags of a fault */
#define TW_FAULT_WRITE	(1U << 0)	/* the access was a write */
#define TW_FAULT_MAJOR	(1U << 1)	/* it waited for a store */
#define TW_FAULT_FIRST	(1U << 2)	/* first touch: a zeroed page */
/* ... and of TW_EVENT_MIGRATE: its reason is what a caller has said */
#define TW_MIGRATE_ASKED (1U << 3)

/**
 * struct tw_event - one slot of a ring, 64 bytes
 * @seq: event number i of its ring: 2i+1 while it is written, 2i+2 when done
 * @time_ns: CLOCK_MONOTONIC
 * @page: stable number of the page, or 0; an external page's frame number (the
 *	one it had before a move), 0 in streams of one agent
 * @agent: label of the agent, or 0
 * @addr: see enum tw_event_type. In streams of one agent an address is told only
 *	if it is one of the process that made the stream, or if that had
 *	CAP_PERFMON or CAP_SYS_PTRACE over the toucher's user namespace; else 0
 * @latency_ns: of the fault or move; saturates
 * @pid: thread that faulted or asked, in the initial pid namespace for
 *	streams of everything; 0 in streams of one agent
 * @type: enum tw_event_type
 * @tier: enum tw_tier
 * @to_tier: enum tw_tier
 * @reason: enum tw_reason
 * @status: see enum tw_event_type
 * @flags: TW_FAULT_*, TW_MIGRATE_ASKED
 * @reserved: 0
 */
struct tw_event {
	__aligned_u64 seq;
	__aligned_u64 time_ns;
	__aligned_u64 page;
	__aligned_u64 agent;
	__aligned_u64 addr;
	__u32 latency_ns;
	__u32 pid;
	__u8 type;
	__u8 tier;
	__u8 to_tier;
	__u8 reason;
	__s32 status;
	__u32 flags;
	__u32 reserved;
};

#define TW_STREAM_MIN_EVENTS	64
#define TW_STREAM_MAX_EVENTS	(1U << 20)

/**
 * struct tw_stream_create - TW_IOC_STREAM_CREATE: listen to events
 * @size: sizeof(struct tw_stream_create)
 * @flags: in: 0
 * @mask: in: TW_EVENT_BIT() of each type wanted, not 0
 * @agent_fd: in: an agent, or -1 for everything, which needs CAP_PERFMON or
 *            CAP_SYS_ADMIN
 * @events: in: slots per CPU ring, a power of two,
 *          TW_STREAM_MIN_EVENTS..TW_STREAM_MAX_EVENTS
 * @fd: out: the stream, O_CLOEXEC
 * @reserved: in: 0
 * @map_size: out: bytes to mmap read-only at offset 0
 *
 * EDQUOT: the user has too many streams or too much ring memory.
 */
struct tw_stream_create {
	__u32 size;
	__u32 flags;
	__aligned_u64 mask;
	__s32 agent_fd;
	__u32 events;
	__s32 fd;
	__u32 reserved;
	__aligned_u64 map_size;
};

#define TW_STREAM_CREATE_SIZE_VER0	40

/**
 * struct tw_stream_info - TW_IOC_STREAM_INFO
 * @size: sizeof(struct tw_stream_info)
 * @flags: in: 0
 * @mask: out: as created
 * @map_size: out: as created
 * @events: out: as created
 * @nr_rings: out: rings in the mapping
 */
struct tw_stream_info {
	__u32 size;
	__u32 flags;
	__aligned_u64 mask;
	__aligned_u64 map_size;
	__u32 events;
	__u32 nr_rings;
};

#define TW_STREAM_INFO_SIZE_VER0	32

/*
 * A stream's mapping, read-only, at offset 0: struct tw_stream_header, then at
 * ring_offset + cpu * ring_stride a ring for each possible CPU: struct
 * tw_ring_header, and at event_offset of the ring its slots. The ring of a
 * CPU that was never online while the stream lives has online == 0 and must
 * not be looked into: its slots are SIGBUS.
 *
 * Reading event i of a ring (any number of readers, nothing is consumed):
 *
 *	slot = &events[i & (nr - 1)];
 *	seq = load_acquire(&slot->seq);		pairs with the release of 2i+2
 *	if (seq < 2 * i + 2)	nothing there yet
 *	if (seq > 2 * i + 2)	lapped: go on at head - nr (+ some), count lost
 *	... use the event in place ...
 *	fence_acquire();			pairs with the wmb after 2j+1
 *	if (load_relaxed(&slot->seq) != seq)	lapped while you looked:
 *						what you have seen is not valid
 *
 * Numbers start at 0 with the stream; @head is the number of the next event.
 * An interrupt that would lap an event still being written on its own CPU drops
 * what it has: such an event has no number and is in nobody's count.
 */
#define TW_STREAM_VERSION	1

/**
 * struct tw_stream_header - first bytes of a stream's mapping
 * @version: TW_STREAM_VERSION
 * @compat_version: oldest version whose readers understand this layout
 * @size: bytes of the whole mapping
 * @nr_rings: possible CPUs
 * @events: slots per ring, a power of two
 * @ring_offset: bytes to the first ring
 * @event_offset: bytes from a ring to its slots
 * @ring_stride: bytes from ring to ring
 * @event_size: sizeof(struct tw_event)
 * @reserved: 0
 */
struct tw_stream_header {
	__u32 version;
	__u32 compat_version;
	__aligned_u64 size;
	__u32 nr_rings;
	__u32 events;
	__u32 ring_offset;
	__u32 event_offset;
	__aligned_u64 ring_stride;
	__u32 event_size;
	__u32 reserved;
};

/**
 * struct tw_ring_header - first bytes of a ring
 * @head: number of the next event, released after the event's seq
 * @online: 1 from when the CPU was first online
 * @cpu: CPU number
 */
struct tw_ring_header {
	__aligned_u64 head;
	__u32 online;
	__u32 cpu;
};

/*
 * A stream's control page, read-write, one page at this offset of its fd.
 * poll() reports POLLHUP when the agent of the stream has ended, what is in the rings
 * stays; and POLLIN when a ring has at least @watermark (0 counts as 1)
 * events past cursor[cpu]. The kernel reads it for nothing else. The rings of
 * CPUs from TW_STREAM_CTL_CURSORS on have no cursor and don't count for poll().
 */
#define TW_STREAM_CTL_OFFSET	(1ULL << 40)
#define TW_STREAM_CTL_CURSORS	511

/**
 * struct tw_stream_ctl - what a reader tells poll()
 * @watermark: events
 * @reserved: 0
 * @cursor: number of the next event the reader wants, per CPU ring
 */
struct tw_stream_ctl {
	__u32 watermark;
	__u32 reserved;
	__aligned_u64 cursor[TW_STREAM_CTL_CURSORS];
};

/*
 * The statistics: mmap tw_info.stats_size bytes read-only at offset 0 of
 * /dev/tierwatch. Counters only grow; 64-bit ones are read with one load. A
 * tier block is consistent when read as
 *
 *	do {
 *		seq = load_acquire(&tier->seq);		odd: being written
 *		... copy what you need ...
 *		fence_acquire();
 *	} while ((seq & 1) || load_relaxed(&tier->seq) != seq);
 *
 * but for @used and @kept, which are always current. Counters of a tier are
 * summed over the per-CPU blocks.
 *
 * Everything may grow at its end, so nothing is found by sizeof: header, blocks
 * and what lies in them are found by the offsets and strides of struct tw_stats.
 * A counter that does not fit into counters_stride is one that the driver
 * doesn't have. On machines of 32 bits a reader sees to it that 64 bits are
 * loaded in one piece.
 */
#define TW_STATS_VERSION	1

/* Heat by powers of two: 0, 1, 2-3, 4-7, ... and from 32768 on. */
#define TW_HEAT_BANDS		17

/**
 * struct tw_stats_tier - a tier, as of now
 * @seq: odd while the block is written
 * @bound: 1 when bound
 * @level: enum tw_level
 * @kind: TW_KIND_*
 * @capacity: pages
 * @used: pages that are there now
 * @kept: clean copies, pages
 * @nominal_latency_ns: the specification's
 * @nominal_bandwidth: bytes per second, the specification's
 * @latency_ns: measured
 * @bandwidth: bytes per second, measured
 * @level_changes: how often @level changed
 * @avoided_until_ns: CLOCK_MONOTONIC; until then no page goes there that can go
 *	elsewhere, since its device failed; 0: it never did
 *
 * At tw_stats.heat_offset of the block are tw_stats.heat_bands u64: pages of
 * regions by heat at the last scan, see TW_HEAT_BANDS.
 */
struct tw_stats_tier {
	__u32 seq;
	__u32 bound;
	__u32 level;
	__u32 kind;
	__aligned_u64 capacity;
	__aligned_u64 used;
	__aligned_u64 kept;
	__aligned_u64 nominal_latency_ns;
	__aligned_u64 nominal_bandwidth;
	__aligned_u64 latency_ns;
	__aligned_u64 bandwidth;
	__aligned_u64 level_changes;
	__aligned_u64 avoided_until_ns;
};

#define TW_STATS_TIER_SIZE_VER0		88

/**
 * struct tw_stats_counters - counters of one tier on one CPU
 * @minor_read: faults served from memory, page found (or put) in this tier
 * @minor_write: the same, the access was a write
 * @major_read: faults that waited for this store
 * @major_write: the same, the access was a write
 * @first: of the minor ones, first touches
 * @fault_ns: time spent in all of these
 * @moves_in: pages moved into this tier
 * @moves_out: pages moved out of this tier
 * @moves_failed: moves out of this tier that failed
 * @move_ns: time spent moving out of this tier
 * @bytes_read: read from the store
 * @bytes_written: written to the store
 * @io_errors: failed reads and writes, wrong checksums
 * @stalls: faults that waited for a demotion out of this tier
 * @taken_back: pages touched while they were written to this store
 * @reported: faults reported by TW_IOC_REPORT for pages in this tier
 * @refaults: pages brought back from this store by a fault for them
 * @refaults_early: of them, those that left memory when fewer pages than it holds
 *	were still to leave before the fault: it should have kept them
 */
struct tw_stats_counters {
	__aligned_u64 minor_read;
	__aligned_u64 minor_write;
	__aligned_u64 major_read;
	__aligned_u64 major_write;
	__aligned_u64 first;
	__aligned_u64 fault_ns;
	__aligned_u64 moves_in;
	__aligned_u64 moves_out;
	__aligned_u64 moves_failed;
	__aligned_u64 move_ns;
	__aligned_u64 bytes_read;
	__aligned_u64 bytes_written;
	__aligned_u64 io_errors;
	__aligned_u64 stalls;
	__aligned_u64 taken_back;
	__aligned_u64 reported;
	__aligned_u64 refaults;
	__aligned_u64 refaults_early;
};

#define TW_STATS_COUNTERS_SIZE_VER0	144

/**
 * struct tw_stats_cpu - one CPU's counters
 * @events: events published to streams
 * @sigbus: faults that ended in SIGBUS
 *
 * At tw_stats.counters_offset of the block are the tw_stats.nr_tiers struct
 * tw_stats_counters of the CPU, tw_stats.counters_stride apart.
 */
struct tw_stats_cpu {
	__aligned_u64 events;
	__aligned_u64 sigbus;
};

#define TW_STATS_CPU_SIZE_VER0		16

/**
 * struct tw_stats - first bytes of the statistics
 * @version: TW_STATS_VERSION
 * @compat_version: oldest version whose readers understand this layout
 * @size: bytes of the whole mapping
 * @nr_tiers: tier blocks
 * @tier_offset: bytes to the first tier block
 * @tier_stride: bytes from tier block to tier block
 * @nr_cpus: CPU blocks
 * @cpu_offset: bytes to the first CPU block
 * @cpu_stride: bytes from CPU block to CPU block
 * @head_size: bytes of this struct that the driver knows: of members behind
 *	them there is nothing to read
 * @counters_offset: bytes from a CPU block to its first tier's counters
 * @counters_stride: bytes from one tier's counters to the next
 * @heat_offset: bytes from a tier block to its pages by heat
 * @heat_bands: how many of these there are, at least TW_HEAT_BANDS
 * @reserved: 0
 * @regions: regions alive
 * @agents: agents alive
 * @streams: streams alive
 * @record_bytes: the driver's memory: page records
 * @store_bytes: the driver's memory: slot tables and checksums of the stores
 * @stream_bytes: the driver's memory: rings
 * @lost: pages whose bytes were lost since load
 * @external: external pages tracked
 * @external_bytes: the driver's memory: records of external pages
 * @requests_queued: requests of TW_IOC_REQUEST waiting or under way
 * @requests_done: requests that ended well since load
 * @requests_failed: requests that ended otherwise, cancelled ones included
 * @requests_cancelled: requests whose page went away while they waited
 * @scans: times that all pages have been scanned
 * @scan_ns: CPU time spent scanning
 * @scan_pages: pages looked at
 * @scan_skipped: of them, known to be untouched by their 2 MiB
 * @scan_period_ms: from one scan to the next at present
 * @scan_window_us: within which a touch counted in full in the last scan; 0: all
 *	the time since the scan before
 * @auto_considered: pages that the policy wanted elsewhere
 * @auto_promoted: of them, moved to a faster tier
 * @auto_demoted: of them, moved to a slower one
 * @auto_busy: of them, pinned or in use, and left
 * @auto_full: of them, left since there was no room, or by an agent's limit
 * @auto_unpaid: pages that were hotter than others there but are touched so seldom
 *	that moving them costs more than it saves in a minute
 * @auto_stayed: of them, left since they had only just come
 * @auto_limited: of them, left for the rate limit
 * @auto_thrash: of the demoted, promoted less than ten scans before
 * @auto_margin: heat by which a page must be clear of the cut to move at present:
 *	more while pages go to and fro
 * @auto_ns: time that these moves have taken, waiting included
 * @room: pages that all bound tiers hold together
 * @room_taken: of them, in use by regions or set aside; more than @room when
 *	memory tiers are beyond their capacity for a while
 * @room_reserved: pages set aside by TW_REGION_RESERVE, touched or not
 */
struct tw_stats {
	__u32 version;
	__u32 compat_version;
	__aligned_u64 size;
	__u32 nr_tiers;
	__u32 tier_offset;
	__u32 tier_stride;
	__u32 nr_cpus;
	__u32 cpu_offset;
	__u32 cpu_stride;
	__u32 head_size;
	__u32 counters_offset;
	__u32 counters_stride;
	__u32 heat_offset;
	__u32 heat_bands;
	__u32 reserved;
	__aligned_u64 regions;
	__aligned_u64 agents;
	__aligned_u64 streams;
	__aligned_u64 record_bytes;
	__aligned_u64 store_bytes;
	__aligned_u64 stream_bytes;
	__aligned_u64 lost;
	__aligned_u64 external;
	__aligned_u64 external_bytes;
	__aligned_u64 requests_queued;
	__aligned_u64 requests_done;
	__aligned_u64 requests_failed;
	__aligned_u64 requests_cancelled;
	__aligned_u64 scans;
	__aligned_u64 scan_ns;
	__aligned_u64 scan_pages;
	__aligned_u64 scan_skipped;
	__aligned_u64 scan_period_ms;
	__aligned_u64 scan_window_us;
	__aligned_u64 auto_considered;
	__aligned_u64 auto_promoted;
	__aligned_u64 auto_demoted;
	__aligned_u64 auto_busy;
	__aligned_u64 auto_full;
	__aligned_u64 auto_unpaid;
	__aligned_u64 auto_stayed;
	__aligned_u64 auto_limited;
	__aligned_u64 auto_thrash;
	__aligned_u64 auto_margin;
	__aligned_u64 auto_ns;
	__aligned_u64 room;
	__aligned_u64 room_taken;
	__aligned_u64 room_reserved;
};

#define TW_STATS_SIZE_VER0		328

/*
 * What `tw tier format` writes at byte 0 of a store's device, little endian.
 * Slots start at TW_STORE_DATA. Stores are not persistent: like swap, their
 * contents mean nothing after the tier is unbound.
 */
#define TW_STORE_MAGIC		"TIERWTCH"
#define TW_STORE_VERSION	1
#define TW_STORE_DATA		(1U << 20)
#define TW_STORE_SUPER_SIZE	4096
#define TW_STORE_PAGES_MIN	16

/**
 * struct tw_store_super - signature of a store
 * @magic: TW_STORE_MAGIC
 * @version: TW_STORE_VERSION
 * @crc: crc32c (seed ~0, inverted) of the TW_STORE_SUPER_SIZE bytes with this
 *	member 0
 * @bytes: size of the device when it was formatted
 * @uuid: random
 * @label: text, NUL padded
 * @tier: the tier that it was signed for, enum tw_tier and one; 0: any. For what
 *	configures tiers; the driver binds it to whichever is asked for
 * @reserved: 0
 */
struct tw_store_super {
	__u8 magic[8];
	__le32 version;
	__le32 crc;
	__le64 bytes;
	__u8 uuid[16];
	__u8 label[64];
	__le32 tier;
	__le32 reserved;
};

/*
 * The layout, checked by every compiler that can. A struct may grow behind the
 * member named here, where what was first published ends.
 */
#if defined(__cplusplus)
#if __cplusplus >= 201103L
#define TW_LAYOUT(condition)	static_assert(condition, #condition)
#endif
#elif defined(__KERNEL__) || \
	(defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L)
#define TW_LAYOUT(condition)	_Static_assert(condition, #condition)
#endif

#ifdef TW_LAYOUT
#define TW_LAYOUT_AT(type, member, offset) \
	TW_LAYOUT(__builtin_offsetof(struct type, member) == (offset))
#define TW_LAYOUT_IS(type, last, bytes) \
	(__builtin_offsetof(struct type, last) + \
	 sizeof(((struct type *)0)->last) == (bytes) && \
	 sizeof(struct type) % 8 == 0)
#define TW_LAYOUT_VER0(type, last, bytes) \
	TW_LAYOUT(TW_LAYOUT_IS(type, last, bytes))
/* An ioctl's: its size is in front. */
#define TW_LAYOUT_CALL(type, last, bytes) \
	TW_LAYOUT(__builtin_offsetof(struct type, size) == 0 && \
		  TW_LAYOUT_IS(type, last, bytes))

TW_LAYOUT_CALL(tw_info, region_dev, TW_INFO_SIZE_VER0);
TW_LAYOUT_CALL(tw_tier_info, reserved, TW_TIER_INFO_SIZE_VER0);
TW_LAYOUT_CALL(tw_tier_bind, nodes, TW_TIER_BIND_SIZE_VER0);
TW_LAYOUT_CALL(tw_tier_unbind, moved, TW_TIER_UNBIND_SIZE_VER0);
TW_LAYOUT_CALL(tw_pressure, reserved, TW_PRESSURE_SIZE_VER0);
TW_LAYOUT_CALL(tw_region_create, id, TW_REGION_CREATE_SIZE_VER0);
TW_LAYOUT_CALL(tw_policy, mode_set, TW_POLICY_SIZE_VER0);
TW_LAYOUT_CALL(tw_region_info, reserved, TW_REGION_INFO_SIZE_VER0);
TW_LAYOUT_CALL(tw_region_discard, discarded, TW_REGION_DISCARD_SIZE_VER0);
TW_LAYOUT_CALL(tw_region_seal, seals, TW_REGION_SEAL_SIZE_VER0);
TW_LAYOUT_CALL(tw_region_view, reserved, TW_REGION_VIEW_SIZE_VER0);
TW_LAYOUT_CALL(tw_migrate_pages, owner, TW_MIGRATE_PAGES_SIZE_VER0);
TW_LAYOUT_CALL(tw_migrate_range, reserved, TW_MIGRATE_RANGE_SIZE_VER0);
TW_LAYOUT_VER0(tw_page, temperature, TW_PAGE_SIZE_VER0);
TW_LAYOUT_CALL(tw_page_info, owner, TW_PAGE_INFO_SIZE_VER0);
TW_LAYOUT_CALL(tw_region_pages, infos, TW_REGION_PAGES_SIZE_VER0);
TW_LAYOUT_CALL(tw_agent_create, reserved, TW_AGENT_CREATE_SIZE_VER0);
TW_LAYOUT_CALL(tw_agent_stats, reported, TW_AGENT_STATS_SIZE_VER0);
TW_LAYOUT_CALL(tw_addr_page, page, TW_ADDR_PAGE_SIZE_VER0);
TW_LAYOUT_CALL(tw_track, failed, TW_TRACK_SIZE_VER0);
TW_LAYOUT_CALL(tw_untrack, failed, TW_UNTRACK_SIZE_VER0);
TW_LAYOUT_CALL(tw_report, owner, TW_REPORT_SIZE_VER0);
TW_LAYOUT_VER0(tw_candidate, reserved, TW_CANDIDATE_SIZE_VER0);
TW_LAYOUT_CALL(tw_candidates, candidates, TW_CANDIDATES_SIZE_VER0);
TW_LAYOUT_VER0(tw_request, owner, TW_REQUEST_SIZE_VER0);
TW_LAYOUT_CALL(tw_request_pages, failed, TW_REQUEST_PAGES_SIZE_VER0);
TW_LAYOUT_CALL(tw_page_list, infos, TW_PAGE_LIST_SIZE_VER0);
TW_LAYOUT_CALL(tw_mark, owner, TW_MARK_SIZE_VER0);
TW_LAYOUT_CALL(tw_fault_stats, fault_ns, TW_FAULT_STATS_SIZE_VER0);
TW_LAYOUT_CALL(tw_thresholds, reserved2, TW_THRESHOLDS_SIZE_VER0);
TW_LAYOUT_CALL(tw_module_stats, auto_migration, TW_MODULE_STATS_SIZE_VER0);
TW_LAYOUT_CALL(tw_numa_stats, reserved, TW_NUMA_STATS_SIZE_VER0);
TW_LAYOUT_CALL(tw_numa_balance, failed, TW_NUMA_BALANCE_SIZE_VER0);
TW_LAYOUT_CALL(tw_agent_limits, hard, TW_AGENT_LIMITS_SIZE_VER0);
TW_LAYOUT_CALL(tw_agent_migrate, failed, TW_AGENT_MIGRATE_SIZE_VER0);
TW_LAYOUT_VER0(tw_agent_entry, user_ns, TW_AGENT_ENTRY_SIZE_VER0);
TW_LAYOUT_CALL(tw_agent_list, agents, TW_AGENT_LIST_SIZE_VER0);
TW_LAYOUT_CALL(tw_group_limits, used, TW_GROUP_LIMITS_SIZE_VER0);
TW_LAYOUT_CALL(tw_stream_create, map_size, TW_STREAM_CREATE_SIZE_VER0);
TW_LAYOUT_CALL(tw_stream_info, nr_rings, TW_STREAM_INFO_SIZE_VER0);
TW_LAYOUT_VER0(tw_stats_tier, avoided_until_ns, TW_STATS_TIER_SIZE_VER0);
TW_LAYOUT_VER0(tw_stats_counters, refaults_early, TW_STATS_COUNTERS_SIZE_VER0);
TW_LAYOUT_VER0(tw_stats_cpu, sigbus, TW_STATS_CPU_SIZE_VER0);
TW_LAYOUT_VER0(tw_stats, room_reserved, TW_STATS_SIZE_VER0);

/* Read in place. */
TW_LAYOUT(sizeof(struct tw_event) == 64);
TW_LAYOUT(sizeof(struct tw_ring_header) == 16);
TW_LAYOUT(sizeof(struct tw_stream_header) == 48);
TW_LAYOUT(sizeof(struct tw_stream_ctl) == 4096);
TW_LAYOUT(sizeof(struct tw_store_super) == 112);
TW_LAYOUT_AT(tw_store_super, tier, 104);
TW_LAYOUT_AT(tw_event, page, 16);
TW_LAYOUT_AT(tw_event, addr, 32);
TW_LAYOUT_AT(tw_event, latency_ns, 40);
TW_LAYOUT_AT(tw_event, type, 48);
TW_LAYOUT_AT(tw_event, status, 52);
TW_LAYOUT_AT(tw_event, flags, 56);
TW_LAYOUT_AT(tw_ring_header, online, 8);
TW_LAYOUT_AT(tw_stream_header, ring_stride, 32);
TW_LAYOUT_AT(tw_stream_ctl, cursor, 8);
TW_LAYOUT_AT(tw_stats, tier_offset, 20);
TW_LAYOUT_AT(tw_stats, cpu_offset, 32);
TW_LAYOUT_AT(tw_stats, head_size, 40);
TW_LAYOUT_AT(tw_stats, regions, 64);
TW_LAYOUT_AT(tw_stats_tier, capacity, 16);
TW_LAYOUT_AT(tw_stats_counters, reported, 120);

#undef TW_LAYOUT_CALL
#undef TW_LAYOUT_VER0
#undef TW_LAYOUT_AT
#undef TW_LAYOUT
#endif

#endif /* _UAPI_LINUX_TIERWATCH_H */
