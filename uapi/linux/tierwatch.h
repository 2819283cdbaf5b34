/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * TierWatch: the interface of /dev/tierwatch.
 *
 * Objects are file descriptors. /dev/tierwatch makes regions, agents and
 * streams. Each is an fd of its own, lives as long as the fd or a mapping of
 * it does, and can be passed to other processes like any fd.
 *
 * Every ioctl takes one struct whose first member is its size in bytes. A struct
 * that is shorter than the kernel's comes from an older header; its missing tail
 * reads as zero. A longer one is accepted if the tail that the kernel does not
 * know is all zero, else the call fails with E2BIG. A size below the first
 * published one (TW_*_SIZE_VER0, beside each struct) is EINVAL, and so are unknown
 * flags and reserved members that are not zero.
 *
 * Where a struct points to an array of structs, a member entry_size has the size of
 * one of these, which is the distance from one to the next. The same rules hold
 * for each of them. Members that the caller's structs lack read as zero and are
 * not written. Members that the kernel does not know must be zero where the array
 * is read (else E2BIG) and are set to zero where it is written. A size below the
 * first published one is EINVAL, and one above a page is E2BIG.
 *
 * Members that are added to a struct later do nothing while they are zero. A caller
 * that sets something says so by flags or a mask, and all else stays as it is.
 *
 * errno, for the whole device:
 *   ENOTTY      unknown command
 *   E2BIG       non-zero tail that this kernel does not know
 *   EOPNOTSUPP  known, but not possible now (tier not bound, page has no mover)
 *   EINVAL      wrong argument
 *   EFAULT      a pointer does not point to accessible memory
 *   ENOENT      no such object, or it is not the caller's
 *   EBADF       a member that must be an agent's fd is not an open fd
 *   EACCES      the fd is not open for this; EPERM  a capability is missing
 *   ENOSPC      full; EBUSY  pinned, in flight or in use
 *   EDQUOT      a cap of the user is reached or, in a user namespace, a cap of
 *               the user who made it. A first touch beyond the cap on pages is
 *               SIGBUS, with an event TW_EVENT_LIMIT whose status is -EDQUOT
 *   EAGAIN      queue full, try again
 *   EMSGSIZE    buffer too short, the needed count is written back
 *   EINTR       a signal came before anything was done, and its handler was set
 *               without SA_RESTART; with SA_RESTART the call begins again
 * A call that fails with one of these has changed nothing, unless its struct says
 * otherwise.
 *
 * Rights to pages: a number can be guessed, so knowing it gives no right. Below,
 * "the caller's own" pages ("yours") are those of a region that the calling process
 * has made (until it calls execve(2)), or whose file it has open for writing, or
 * over whose maker's user namespace it has CAP_SYS_PTRACE. A caller with
 * CAP_SYS_ADMIN in the initial user namespace may name all users' pages. The same
 * uid does not suffice; a process that may ptrace the maker can get the region's
 * file from it with pidfd_getfd(2). An agent belongs to a user, and all processes of
 * the user in that user namespace may name it.
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
 * @TW_TIER_GPU: memory of CPU-less NUMA nodes, or a block device that shows a card's
 *	memory; which of them is said when it is bound
 * @TW_TIER_CPU: memory of NUMA nodes with CPUs
 * @TW_TIER_NVME: a block device
 * @TW_TIER_SSD: a block device
 * @TW_TIER_HDD: a block device
 * @TW_NR_TIERS: number of tiers
 * @TW_TIER_NONE: no tier, of an untouched page; as an argument, any tier
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
 * These are the defaults, see TW_IOC_THRESHOLDS. For a store they are of its own
 * pages. A tier of memory is kept nearly full; for it they are of the pages of all
 * tiers together that its pages may go to, itself among them.
 *
 * A tier of memory is also at least MEDIUM from when faults wait 1 % of the last 10
 * seconds for room in it, or for pages that had to leave it too soon, until they
 * wait less than 0.5 %; and HIGH from 10 %, until below 5 %.
 */
enum tw_level {
	TW_PRESSURE_LOW		= 0,
	TW_PRESSURE_MEDIUM	= 1,
	TW_PRESSURE_HIGH	= 2,
	TW_PRESSURE_CRITICAL	= 3,
};

/**
 * enum tw_reason - why a page moves
 * @TW_REASON_MANUAL: a program asked for it
 * @TW_REASON_HOT: promotion, since the page is hot
 * @TW_REASON_COLD: demotion, since the page is cold
 * @TW_REASON_PRESSURE: demotion, since its tier needs room
 * @TW_REASON_NUMA: to the node whose CPUs touch the page
 * @TW_REASON_FAULT: the page was touched while in a store
 * @TW_REASON_EVACUATE: its tier is unbound or its memory goes offline
 * @TW_NR_REASONS: number of reasons
 *
 * Calls that move pages take the reasons before TW_REASON_FAULT, since a program may
 * have these as well as the driver; TW_MIGRATE_ASKED tells which it was. Others are
 * EINVAL.
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
 * Page numbers. A page is named by its stable number, which is the same in every
 * tier as long as the region lives, or, while it is in memory, by its frame number
 * (pfn).
 *
 * A stable number consists of TW_PAGE_STABLE, the number of the page's region
 * (1..TW_PAGE_OWNERS) and the page's index, which is wide enough for an address
 * space of 47 bits. A region has an id of 64 bits, which is never given to another
 * region. The region's number is the lower bits of its id, and TW_PAGE() takes
 * either. Two regions that are alive never have the same number. The number of a
 * region that has ended is given to another one, but only after TW_PAGE_OWNERS
 * further regions. So a program that keeps page numbers for long, and may name
 * pages that are not its own, should keep the region's id with them and have it
 * compared (@owner of struct tw_page and of the calls that take numbers).
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
#define TW_IOC_TIER_RESIZE	_IO(TW_IOC_TYPE, 0x1e)
/* On a region */
#define TW_IOC_REGION_INFO	_IO(TW_IOC_TYPE, 0x20)
#define TW_IOC_REGION_DISCARD	_IO(TW_IOC_TYPE, 0x21)
#define TW_IOC_REGION_PAGES	_IO(TW_IOC_TYPE, 0x22)
#define TW_IOC_REGION_SEAL	_IO(TW_IOC_TYPE, 0x23)
#define TW_IOC_REGION_VIEW	_IO(TW_IOC_TYPE, 0x24)
/* On /dev/tierwatch again. */
#define TW_IOC_SWAP_CREATE	_IO(TW_IOC_TYPE, 0x30)
#define TW_IOC_SWAP_DESTROY	_IO(TW_IOC_TYPE, 0x31)
#define TW_IOC_SWAP_INFO	_IO(TW_IOC_TYPE, 0x32)
#define TW_IOC_ATTACH		_IO(TW_IOC_TYPE, 0x33)
#define TW_IOC_DETACH		_IO(TW_IOC_TYPE, 0x34)
#define TW_IOC_ATTACHED		_IO(TW_IOC_TYPE, 0x35)
/* On a stream */
#define TW_IOC_STREAM_INFO	_IO(TW_IOC_TYPE, 0x40)

/**
 * struct tw_info - TW_IOC_INFO: properties of the driver
 * @size: sizeof(struct tw_info)
 * @flags: in: 0
 * @abi_version: out: TW_ABI_VERSION of the driver
 * @page_size: out: bytes
 * @nr_tiers: out: TW_NR_TIERS
 * @bound_mask: out: a bit for each tier that is bound now, 1 << enum tw_tier
 * @stats_size: out: bytes to mmap at offset 0 of /dev/tierwatch
 * @max_pages: out: the most pages, as numbers or as a range, that one call takes;
 *	at least 256
 * @nr_cpus: out: possible CPUs, which is the number of a stream's rings and of the
 *	statistics' CPU blocks
 * @region_dev: in: 0. out: device number of all regions' inodes, as in st_dev of a
 *	region's fd and in /proc/PID/maps; 0 if there is no region now. A file of any
 *	other device is no region, whatever its name
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
 * @kind: out: TW_KIND_*; TW_KIND_NONE if not bound
 * @capacity: out: pages
 * @used: out: pages that are there now
 * @kept: out: pages that are in memory now and of which the store still has a clean
 *	copy
 * @nominal_latency_ns: out: as the specification has it
 * @nominal_bandwidth: out: bytes per second, as the specification has it
 * @latency_ns: out: measured at bind, 0 if not bound
 * @bandwidth: out: bytes per second, measured at bind, 0 if not bound
 * @nodes: out: NUMA nodes 0..63 of a NUMA tier, a bit each
 * @dev: out: number of a store's block device, as in st_rdev, else 0
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
 * TW_BIND_SHARE: for NUMA tiers with @capacity 0. The tier takes all memory but for
 * a share of each node, which is left to the rest of the machine. The share is the
 * driver's parameter leave_percent (25), but no less than twice what the kernel keeps
 * free there (the high watermarks). Tiers that bind themselves when the driver is
 * loaded are bound in this way. The share follows memory that goes online or offline.
 *
 * TW_BIND_LEAVE(percent): the same with a share of 1..90 percent.
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
 *      reading and writing; NUMA tiers: -1. TW_TIER_GPU becomes a store with a device
 *      and a NUMA tier with -1; TW_TIER_CPU is always a NUMA tier, the others are stores
 * @capacity: in: pages; 0 for all there is. EINVAL if it is more than that, or for a
 *	store less than TW_STORE_PAGES_MIN
 * @nodes: in: NUMA tiers: nodes 0..63, a bit each; 0 for all that fit the
 *         tier (GPU: without CPUs, CPU: with CPUs); stores: 0
 *
 * Needs CAP_SYS_ADMIN (else EPERM). EBUSY: the tier is bound already, a node belongs
 * to the other tier, or the device is in use.
 *
 * NUMA tiers: EOPNOTSUPP: none of the nodes has memory, or only ZONE_MOVABLE without
 * TW_BIND_MOVABLE.
 *
 * Stores, checked in this order: EBADF: @fd is no open fd; ENOTBLK: it is no
 * block device; EACCES: it is not open for reading and writing. Then the device:
 * EROFS: it is read-only; EOPNOTSUPP: it is zoned; EOVERFLOW: its logical blocks are
 * larger than pages; EIO: it fails; ENOSPC: it is too small for a store;
 * EMEDIUMTYPE: it is not signed; ESTALE: it has shrunk since it was signed. Last
 * EINVAL for @capacity.
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
 * TW_UNBIND_FORCE: a page that the device cannot give back is lost (touching it is
 * SIGBUS), instead of the call failing with EIO. The tier is also unbound if the other
 * tiers have less room than is reserved. Reservations are then no longer sure, and the
 * kernel's log says by how many pages.
 */
#define TW_UNBIND_FORCE		(1U << 0)
#define TW_UNBIND_FLAGS		(TW_UNBIND_FORCE)

/**
 * struct tw_tier_unbind - TW_IOC_TIER_UNBIND: move a tier's pages away, unbind it
 * @size: sizeof(struct tw_tier_unbind)
 * @tier: in: enum tw_tier
 * @flags: in: TW_UNBIND_*
 * @reserved: in: 0
 * @moved: out: pages moved to other tiers, also if the call fails
 *
 * Needs CAP_SYS_ADMIN (else EPERM). EOPNOTSUPP: the tier is not bound. ENOSPC: the
 * other tiers have no room, or would have less than is reserved (TW_REGION_RESERVE),
 * or the other stores less than is set aside for the swap device; these are checked
 * before any page moves. EBUSY: a page is pinned, or it is the
 * last memory tier and there are regions. EIO: a page cannot be read. EINTR: a signal
 * came. The tier then stays bound, and pages that have moved stay where they are.
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
 * struct tw_tier_resize - TW_IOC_TIER_RESIZE: a bound store gets larger or smaller
 * @size: sizeof(struct tw_tier_resize)
 * @tier: in: enum tw_tier
 * @flags: in: 0
 * @reserved: in: 0
 * @capacity: in: pages; 0 for all that the device has room for now, which may have grown
 *	since it was bound. out: pages that the store has now
 * @moved: out: pages that were moved, to other slots of the store or to other tiers
 *
 * A store that shrinks gives up the end of its device: nothing is read or written beyond
 * page @capacity of it any more, not counting TW_STORE_DATA in front, once the call has
 * returned 0. Until then the call may last, and a signal ends it (EINTR).
 *
 * Needs CAP_SYS_ADMIN (else EPERM). EOPNOTSUPP: the tier is not bound, or is no store.
 * EINVAL: the device has no room for so many pages, or they are fewer than
 * TW_STORE_PAGES_MIN. ENOSPC: there is no room elsewhere for what has to move, or less
 * would be left than is reserved (TW_REGION_RESERVE) or set aside for the swap device.
 * EBUSY: a page that has to move is in use, EIO: one cannot be read. ENOMEM. After any of
 * these the store has the size that it had before; pages that have moved stay where they
 * are.
 */
struct tw_tier_resize {
	__u32 size;
	__u32 tier;
	__u32 flags;
	__u32 reserved;
	__aligned_u64 capacity;
	__aligned_u64 moved;
};

#define TW_TIER_RESIZE_SIZE_VER0	32

/**
 * struct tw_pressure - TW_IOC_PRESSURE: how full a tier is
 * @size: sizeof(struct tw_pressure)
 * @tier: in: enum tw_tier
 * @flags: in: 0
 * @level: out: enum tw_level
 * @capacity: out: pages
 * @used: out: pages
 * @stalls: out: faults that waited for a demotion out of this tier
 * @permille: out: @used in thousandths of @capacity
 * @reserved: in: 0
 * @room: out: pages that are left where @level is judged by: of a store itself, of
 *	memory all tiers together that its pages may go to
 * @room_capacity: out: pages that these tiers hold
 * @waited_ns: out: how long faults have waited for room in this tier of memory, or
 *	for pages that had to leave it too soon, each fault by itself
 * @stalled10: out: that time in thousandths of the last 10 seconds, at most 1000; an
 *	average that follows every 2 seconds, in which the past fades away. Of a store,
 *	the time that its transfers took while these were much slower than it was measured
 * @stalled60: out: of the last 60 seconds
 *
 * EOPNOTSUPP: the tier is not bound.
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
	__aligned_u64 room;
	__aligned_u64 room_capacity;
	__aligned_u64 waited_ns;
	__u32 stalled10;
	__u32 stalled60;
};

#define TW_PRESSURE_SIZE_VER0		48

/*
 * TW_REGION_DONTDUMP: leave the region's mappings out of core dumps, as
 * madvise(MADV_DONTDUMP) does for one mapping. Without it they are dumped as
 * anonymous shared memory is (bit 1 of /proc/PID/coredump_filter, set by default).
 * Pages in stores are read for that, and pages that were never touched are holes.
 *
 * TW_REGION_RESERVE: reserve the region's whole size at creation, in the room of all
 * bound tiers together (tw_stats.room, .room_taken); ENOSPC if there is not enough.
 * From then on no touch of a page of the region is SIGBUS for want of room. Regions
 * without the flag share the room that is not reserved; when that is used up, a
 * first touch of such a region is SIGBUS. The room of a page that is discarded stays
 * reserved for the region; when the region ends, its reservation does, too. All
 * processes that map the region use the same reservation.
 *
 * Room is each slot of a bound store, and each page of a memory tier's capacity. A
 * slot is sure. Memory is shared with the rest of the machine, so a page of it may be
 * gone when the region touches it first. So pages that the stores alone cannot hold
 * are reserved only as far as memory is available at the time of the call. On a
 * machine that has to be sure, bind stores that can hold all that is reserved.
 *
 * A reservation does not cover pages whose bytes are lost, memory cgroups, a machine
 * that is out of memory altogether, memory that is all pinned, and stores that fail
 * (TW_EVENT_TIER_ERROR tells of these). Limits of agents, cgroups and users never
 * refuse a page. To unbind a tier or take memory offline fails with ENOSPC if that
 * would leave less room than is reserved.
 *
 * TW_REGION_HUGE: give the region folios of 2 MiB. The first touch of an aligned 2 MiB
 * of it gets one, if none of its pages was touched yet, the mapping has all of it at an
 * address that is a multiple of 2 MiB, and a memory tier, the limits and the memcg have
 * room for it, and the machine such a run of memory; else a page, as without the flag.
 * All 512 pages of a folio count as touched (tw_region_info.pages), and one accessed bit
 * tells of them all. TW_PAGE_HUGE marks them. A folio moves between memory tiers, and is
 * discarded, as a whole. To move or discard some of its pages, or to move it to a store,
 * dissolves it: from then on they are pages of 4 KiB, until all 512 have been discarded.
 * What is held by a device, O_DIRECT say, keeps all of its folio: moves of it are busy,
 * and what is discarded of it is filled with zeros and stays. If memory of a folio is
 * found bad, only the pages there are lost, but when the folio is freed all of it is kept
 * from use. Such a region's mappings cannot grow (mremap(2): EFAULT), have no neighbours
 * mapped along with a page of 4 KiB that is touched, and pages of a folio are not moved by
 * tw_numa_balance. It is for memory that is large, dense and mostly in memory tiers;
 * where pages come and go singly it only costs. EOPNOTSUPP: the machine cannot.
 */
#define TW_REGION_DONTDUMP	(1U << 0)
#define TW_REGION_RESERVE	(1U << 1)
#define TW_REGION_HUGE		(1U << 2)
#define TW_REGION_FLAGS		(TW_REGION_DONTDUMP | TW_REGION_RESERVE | \
				 TW_REGION_HUGE)

/**
 * struct tw_region_create - TW_IOC_REGION_CREATE: memory spread over the tiers
 * @size: sizeof(struct tw_region_create)
 * @flags: in: TW_REGION_*
 * @bytes: in: size of the region, a multiple of the page size, at most
 *         TW_REGION_MAX_PAGES pages. Untouched pages cost nothing
 * @affinity: in: TW_TIER_CPU or TW_TIER_GPU, the tier where pages go first
 * @agent_fd: in: agent that the pages are accounted to, or -1 for the default
 *            agent of the caller's cgroup
 * @fd: out: the region, O_CLOEXEC. mmap it MAP_SHARED
 * @reserved: in: 0
 * @id: out: the region's id, never given again while the driver is loaded. In
 *      /proc/PID/maps it is the inode number of the region's mappings. Its lower
 *      bits are in the stable numbers of the region's pages, see TW_PAGE()
 *
 * EDQUOT: the user has too many regions or, without CAP_SYS_RESOURCE, would reserve
 * more than the driver's parameters max_user_reserve_percent and
 * max_reserve_percent allow, or need more records than max_user_record_mib allows.
 * ENOSPC: the room cannot be reserved. EOPNOTSUPP: no memory tier is bound.
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

/* tw_policy.set: which members to set; the others stay as they are */
#define TW_POLICY_SET_ENABLED	(1U << 0)
#define TW_POLICY_SET_HOT	(1U << 1)	/* hot_threshold */
#define TW_POLICY_SET_COLD	(1U << 2)	/* cold_threshold */
#define TW_POLICY_SET_PERMILLE	(1U << 3)	/* scan_permille */
#define TW_POLICY_SET_MIN_MS	(1U << 4)	/* scan_min_ms */
#define TW_POLICY_SET_MAX_MS	(1U << 5)	/* scan_max_ms */
#define TW_POLICY_SET_FREE	(1U << 6)	/* free_permille */
#define TW_POLICY_SET_MIN_STAY	(1U << 7)	/* min_stay */
#define TW_POLICY_SET_MAX_RATE	(1U << 8)	/* max_rate */
#define TW_POLICY_SETS		((1U << 9) - 1)
/* tw_policy.enabled */
#define TW_POLICY_OFF		0
#define TW_POLICY_ON		1
#define TW_POLICY_WATCH		2
/* tw_policy.mode, see there */
#define TW_POLICY_AUTO		(1U << 0)
#define TW_POLICY_UNMAP		(1U << 1)
#define TW_POLICY_MODES		(TW_POLICY_AUTO | TW_POLICY_UNMAP)

/**
 * struct tw_policy - TW_IOC_POLICY: settings of automatic migration
 * @size: sizeof(struct tw_policy)
 * @flags: in: 0
 * @enabled: TW_POLICY_ON to scan and move pages, TW_POLICY_OFF to do neither
 *	(parameter enable_auto_migration is 1 and 0 then), TW_POLICY_WATCH to scan
 *	and to move none by itself: there is heat, but only what makes room for
 *	faults, holds limits or was asked for moves (the parameter is 0)
 * @mode: with TW_POLICY_AUTO (default) the hottest pages that fit into the faster
 *	tier count as hot; without it those above @hot_threshold do, and those below
 *	@cold_threshold count as cold. With TW_POLICY_UNMAP scans unmap pages and see
 *	which ones fault, instead of reading accessed bits; that is exact, but
 *	costs more. They do so anyway where accessed bits cannot be read
 * @hot_threshold: heat above which a page is hot, default 100
 * @cold_threshold: heat below which a page that was not touched lately is cold,
 *	1..@hot_threshold - 1, default 10
 * @scan_permille: the most of one CPU's time that scanning takes, 1..1000,
 *	default 10
 * @scan_min_ms: the least time from scan to scan, 10..@scan_max_ms, default 50
 * @scan_max_ms: the most time from scan to scan, up to 600000, default 2000
 * @free_permille: how much of each memory tier is kept free so that faults need
 *	not wait, 1..500, default 20; when pages must be demoted for that, twice as
 *	much is made free. While pages go to stores and no fault waits, it goes
 *	down to a sixteenth of this; each fault that waits doubles it, and setting it
 *	begins with all of it
 * @min_stay: scans that a page stays where it was moved to, 0..255, default 2
 * @max_rate: the most pages per second from one tier to another, 0 for no limit;
 *	default 65536
 * @set: in: TW_POLICY_SET_* of the members to set. out: 0
 * @mode_set: in: bits of @mode that are to become as they are in @mode. out: 0
 *
 * While this is not TW_POLICY_OFF, heat comes from scans. Each scan takes an eighth of a page's
 * heat away, and adds 20 if the page was touched since the scan before; a fault
 * adds 10. When so many pages are touched that this tells nothing, a touch counts 20
 * only within a shorter window, and 3 before it.
 *
 * With @set and @mode_set 0 the call only reads the settings; setting takes
 * CAP_SYS_ADMIN (else EPERM). Members that are not to be set are ignored as input. On
 * return all members have the values that hold from then on. EINVAL: a value is out
 * of its range, or does not fit one that stays; nothing is set then.
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
 * struct tw_region_info - TW_IOC_REGION_INFO: properties and pages of a region
 * @size: sizeof(struct tw_region_info)
 * @flags: in: 0
 * @id: out: id, see struct tw_region_create
 * @bytes: out: size
 * @agent: out: label of its agent
 * @pages: out: pages in each tier, indexed by enum tw_tier
 * @lost: out: pages whose bytes are lost (checksum wrong, given up by a forced
 *        unbind); a touch of one is SIGBUS until it is discarded. A page that
 *        its device failed to read is not lost: the next touch tries again
 * @record_bytes: out: bytes of kernel memory that its page records take
 * @affinity: out: TW_TIER_CPU or TW_TIER_GPU
 * @reserved: in: 0
 * @room: out: pages reserved for it by TW_REGION_RESERVE, touched or not; else 0
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
 * Needs an fd open for writing (else EACCES). fallocate(FALLOC_FL_PUNCH_HOLE |
 * FALLOC_FL_KEEP_SIZE) does the same. EPERM: the region has TW_SEAL_DISCARD.
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
 * Seals forbid things to be done to a region, for good and for every process. A
 * program that maps a region which it got from another program should check that the
 * region has the seals that it relies on, and that it is reserved
 * (tw_region_info.room), so that its touches need none of the maker's quota.
 *
 * TW_SEAL_SEAL: no more seals can be added
 * TW_SEAL_DISCARD: no page is freed while the region lives; a discard is EPERM
 * TW_SEAL_WRITE: no mapping that is made from now on may write. mmap(2) for writing
 *	is EPERM, and a later mprotect(2) of such a mapping is EACCES. Mappings that
 *	exist already may write as before
 */
#define TW_SEAL_SEAL		(1U << 0)
#define TW_SEAL_DISCARD		(1U << 1)
#define TW_SEAL_WRITE		(1U << 2)
#define TW_SEALS		(TW_SEAL_SEAL | TW_SEAL_DISCARD | TW_SEAL_WRITE)

/**
 * struct tw_region_seal - TW_IOC_REGION_SEAL: seal a region, read its seals
 * @size: sizeof(struct tw_region_seal)
 * @flags: in: 0
 * @add: in: TW_SEAL_* to add, 0 to only read them
 * @seals: out: TW_SEAL_* that the region has. A seal is never removed
 *
 * Adding needs an fd open for writing (else EACCES). EPERM: the region has
 * TW_SEAL_SEAL. EBUSY: pages are being freed just now, try again.
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
 * @fd: out: the same region opened for reading, O_CLOEXEC, to be passed to programs
 *      that may read but not write it. It can be mapped PROT_READ, MAP_SHARED, but
 *      not be used to move, free or seal pages, and gives no right to name them by
 *      number
 * @reserved: in: 0
 *
 * Both the file that TW_IOC_REGION_CREATE made and such a view can make one. The
 * region lives as long as any of its files or mappings.
 */
struct tw_region_view {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 reserved;
};

#define TW_REGION_VIEW_SIZE_VER0	16

/*
 * Outcome of a page's move, one __s32 for each page: 0 moved, TW_MOVE_ALREADY it
 * was in the target tier already, or a negative errno and the page has not moved:
 * -ENOENT no such page, not yours, or never touched, -EBUSY pinned or in flight,
 * -ENOSPC target full, -EDQUOT a limit of its agent or group in the target is
 * reached, -EINVAL it is not in from_tier, -EIO it could not be read or written,
 * -EHWPOISON its memory is bad, -ENOMEM no memory for its checksum, -EOPNOTSUPP the
 * target is not bound or an external page has no mover, -EINTR a signal came before
 * its turn.
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
 * @pages: in: pointer to @nr __u64 page numbers. Stable numbers need the region
 *         to be yours (or CAP_SYS_ADMIN), frame numbers need CAP_SYS_ADMIN; else
 *         the page's status is -ENOENT
 * @status: in: pointer to @nr __s32 for the pages' outcomes, or 0
 * @moved: out: pages moved
 * @failed: out: pages with a negative status
 * @owner: in: id of the region that all of @pages must be of, or 0 for any. The
 *	status of pages of other regions is -ENOENT
 *
 * Returns 0 if the call was carried out, whatever the pages' outcomes.
 * EOPNOTSUPP: @to_tier is not bound. EINTR: a signal came before the first page.
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
 * @nr_status: in: entries in @status. If they are fewer than the range has pages, the
 *             call fails with EMSGSIZE, and the needed number is written here
 * @status: in: pointer to __s32, one for each page of the range, or 0
 * @moved: out: pages moved
 * @failed: out: touched pages with a negative status
 * @untouched: out: pages never touched (status -ENOENT)
 * @reserved: in: 0
 *
 * On /dev/tierwatch, EFAULT: no writable mapping of a region covers a part of the
 * range. On a region, EACCES: the fd is not open for writing. EOPNOTSUPP and EINTR as
 * for struct tw_migrate_pages.
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
#define TW_PAGE_KEPT	(1U << 0)	/* in memory, and a store has a clean copy */
#define TW_PAGE_LOST	(1U << 1)	/* its bytes are lost */
#define TW_PAGE_BUSY	(1U << 2)	/* moving between tiers */
#define TW_PAGE_EXTERNAL (1U << 3)	/* an external page, not of a region */
#define TW_PAGE_ATTACHED (1U << 4)	/* of an attached program, see TW_IOC_ATTACH */
#define TW_PAGE_HUGE	(1U << 5)	/* part of a folio of 2 MiB, see TW_REGION_HUGE */

/**
 * enum tw_class - a page's temperature
 * @TW_CLASS_WARM: neither hot nor cold
 * @TW_CLASS_HOT: heat above the driver's parameter hot_threshold (100)
 * @TW_CLASS_COLD: heat below the driver's parameter cold_threshold (10), and aged:
 *	@age of struct tw_page is not 0
 * @TW_NR_CLASSES: number of classes
 * @TW_CLASS_ANY: as an argument, any class
 *
 * A fault adds 10 to a page's heat, and a report by TW_IOC_REPORT adds 1. Without
 * automatic migration, sweeps of demotion look for touches while memory is short: a
 * sweep adds 10 if it finds the page touched and halves the heat if not. With
 * automatic migration scans do that instead, see struct tw_policy. The heat of an
 * external page is halved every ten seconds without a report.
 */
enum tw_class {
	TW_CLASS_WARM	= 0,
	TW_CLASS_HOT	= 1,
	TW_CLASS_COLD	= 2,
	TW_NR_CLASSES	= 3,
	TW_CLASS_ANY	= 0xff,
};

/*
 * Pages of a chunk, the unit of what @every of struct tw_page_list leaves out: page N
 * is in chunk N / TW_CHUNK of its region or address space.
 */
#define TW_CHUNK		512

/**
 * struct tw_page - one page
 * @page: stable number, or the frame number of an external page
 * @pfn: frame number if it is in memory and the caller has CAP_SYS_ADMIN, else 0
 * @owner: id of its region, see TW_PAGE(); 0 for an external page, or if @status is
 *	not 0
 * @agent: label of the agent it is accounted to
 * @tier: enum tw_tier; TW_TIER_NONE if it was never touched
 * @flags: TW_PAGE_*
 * @heat: heat, 0..65535, see enum tw_class
 * @age: sweeps or scans since it was last found touched, up to 255; for an external
 *	page tens of seconds without a report
 * @node: NUMA node if it is in memory, else -1
 * @status: 0, or -ENOENT if the number names no page of yours
 * @best_node: node of the CPUs that touch it most, -1 if not known
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
 * @infos: in: pointer to @nr struct tw_page, which are written
 * @owner: in: id of the region that all of @pages must be of, or 0 for any. The
 *	status of pages of other regions is -ENOENT
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
 * @nr: in: entries in @infos. If they are fewer than the range has pages, the call
 *      fails with EMSGSIZE, and the needed number is written here. out: pages written
 * @entry_size: in: sizeof(struct tw_page)
 * @infos: in: pointer to struct tw_page, which are written
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
 * TW_AGENT_JOIN: if the caller's user has an agent of this label already, open it
 * instead of failing with EEXIST.
 * TW_AGENT_OPEN: make nothing; ENOENT if there is no such agent.
 * TW_AGENT_CGROUP, with TW_AGENT_OPEN: @id is the id of a cgroup, whose default agent
 * is opened. That exists as long as something is accounted to it, even if the cgroup
 * does not.
 * TW_AGENT_OF, with TW_AGENT_OPEN: open the agent of user @uid in the user namespace
 * @user_ns. If it is not the caller's own, that takes CAP_SYS_ADMIN (else ENOENT).
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
 * EEXIST: the user has an agent of this label. EDQUOT: the user has too many agents.
 * ENOENT: there is no such agent to be opened.
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

/* tw_agent_stats.flags: the agent is named by @id, its label, among the caller's own. */
#define TW_AGENT_BY_ID		(1U << 0)
#define TW_AGENT_STATS_FLAGS	(TW_AGENT_BY_ID)

/**
 * struct tw_agent_stats - TW_IOC_AGENT_STATS: an agent's memory
 * @size: sizeof(struct tw_agent_stats)
 * @flags: in: TW_AGENT_BY_ID or 0
 * @agent_fd: in: an agent's fd; -1 for the default agent of the caller's cgroup, and
 *            with TW_AGENT_BY_ID
 * @is_default: out: 1 for a cgroup's default agent
 * @id: in with TW_AGENT_BY_ID; out: its label, which is the cgroup's id for a default
 *	agent
 * @pages: out: pages in each tier, indexed by enum tw_tier
 * @faults_minor: out: faults served from memory, by the tier of the page
 * @faults_major: out: faults that waited for a store, by that store
 * @moves_in: out: pages moved into each tier
 * @moves_out: out: pages moved out of each tier
 * @regions: out: regions alive
 * @fault_ns: out: time spent in faults
 * @external: out: external pages in each tier, not counted in @pages
 * @reported: out: faults reported for its pages
 *
 * The default agent of the caller's cgroup has zeros if it does not exist yet. ENOENT:
 * the caller has no agent of this label.
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
 * External pages are frames that other software owns, a GPU driver for example. The
 * driver knows them only by their frame number. It keeps their heat, accounts them to
 * an agent, and moves them only by a mover that their owner has registered in the
 * kernel. Calls from userspace about them need CAP_SYS_ADMIN.
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
 * @node: in: NUMA node of external pages; -1 for the frame's own, if it has one
 * @agent_fd: in: an agent's fd; -1 for the default agent of the caller's cgroup, and
 *	with TW_TRACK_BY_ID
 * @nr: in: how many, 1..tw_info.max_pages
 * @agent_id: in with TW_TRACK_BY_ID: label
 * @pages: in: pointer to @nr __u64 page numbers
 * @status: in: pointer to @nr __s32 for the pages' outcomes, or 0
 * @done: out: pages with status 0
 * @failed: out: pages with a negative status
 *
 * A region's page is always tracked. Its status is 0 if it is in @tier and accounted
 * to the agent, -EINVAL if it is in another tier or untouched, -EACCES if it is
 * accounted to another agent, -ENOENT if it is not yours. The status of an external
 * page is 0, -EEXIST if it is tracked already, -EPERM without CAP_SYS_ADMIN, -EINVAL
 * if it is no frame number, -EDQUOT if the user tracks too many, or -ENOMEM.
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
 * The status is 0, -ENOENT if there is no such page or without CAP_SYS_ADMIN,
 * -EOPNOTSUPP for a region's page, which is always tracked, or -EBUSY if it is being
 * moved. External pages are also untracked when their agent ends; a cgroup's default
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
 * @addr: in: address of the touch; not used
 * @owner: in: id of the region that @page must be of, or 0 for any
 *
 * A report adds to the page's heat and to the counters called "reported", not to those
 * of faults that the driver has served. Without CAP_SYS_ADMIN reports can make a page
 * hot, but no hotter. ENOENT: no such page, never touched, or not yours.
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
 * @benefit_ns: access time that the move saves, or costs if it is below 0: @heat times
 *	the difference of the tiers' latencies
 * @heat: heat, see struct tw_page
 * @age: age, see struct tw_page
 * @from_tier: enum tw_tier that it is in
 * @to_tier: enum tw_tier that it would move to
 * @node: NUMA node if it is in memory, else -1
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

/* Pages of attached programs, and no others. The driver does not move these. */
#define TW_CANDIDATES_ATTACHED	(1U << 0)

/**
 * struct tw_candidates - TW_IOC_CANDIDATES: pages worth moving, best first
 * @size: sizeof(struct tw_candidates)
 * @flags: in: 0 or TW_CANDIDATES_ATTACHED
 * @from_tier: in: enum tw_tier
 * @to_tier: in: another tier; hot pages are found if it is faster, else cold ones
 * @nr: in: entries in @candidates, 1..tw_info.max_pages. out: how many were found
 * @entry_size: in: sizeof(struct tw_candidate)
 * @candidates: in: pointer to struct tw_candidate, which are written
 *
 * Finds the caller's own pages, with CAP_SYS_ADMIN those of all users. The queues that
 * are searched are bounded, so the call finds good candidates quickly, but not all.
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

/* Highest priority of a request. */
#define TW_PRIORITY_MAX		100

/**
 * struct tw_request - a page to be moved
 * @page: in: page number
 * @id: out: number of the request, which its TW_EVENT_REQUEST has, too
 * @pfn: out with TW_REQUEST_WAIT: frame number after the move, as in struct tw_page
 * @latency_ns: out with TW_REQUEST_WAIT: time from the call to the request's end
 * @from_tier: in: enum tw_tier, or TW_TIER_NONE for any
 * @to_tier: in: enum tw_tier
 * @priority: in: 0..TW_PRIORITY_MAX, higher first; waiting raises it by one
 *	each 50 ms
 * @reason: in: enum tw_reason
 * @status: out with TW_REQUEST_WAIT: outcome as of struct tw_migrate_pages, or
 *	-ECANCELED if its region was closed
 * @reserved: in: 0
 * @owner: in: id of the region that @page must be of, or 0 for any
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

/* tw_request_pages.flags: return when all requests have ended. */
#define TW_REQUEST_WAIT		(1U << 0)
#define TW_REQUEST_FLAGS	(TW_REQUEST_WAIT)

/*
 * The most requests that wait or are under way at a time, and of one call. A user
 * without CAP_SYS_RESOURCE has at most TW_REQUEST_USER_MAX of them, so that one
 * user cannot fill the queue.
 */
#define TW_REQUEST_MAX		4096
#define TW_REQUEST_USER_MAX	1024

/**
 * struct tw_request_pages - TW_IOC_REQUEST: queue pages to be moved, by priority
 * @size: sizeof(struct tw_request_pages)
 * @flags: in: TW_REQUEST_*
 * @nr: in: how many, 1..TW_REQUEST_MAX
 * @entry_size: in: sizeof(struct tw_request)
 * @requests: in: pointer to @nr struct tw_request, whose ids are written and, with
 *	TW_REQUEST_WAIT, their outcomes
 * @done: out with TW_REQUEST_WAIT: requests with a status that is not negative
 * @failed: out with TW_REQUEST_WAIT: requests with a negative status
 *
 * All requests are queued, or none. EAGAIN: there is no room for so many now
 * (TW_REQUEST_MAX in all, TW_REQUEST_USER_MAX of one user). ENOENT: a page does not
 * exist or is not yours. EINVAL: a request is wrong. EOPNOTSUPP: a target is not
 * bound. EINTR: a signal came during the wait; the requests stay queued.
 *
 * Users are served in turn, so priorities order only the requests of one user.
 * Requests are carried out in parallel by the slowest tier that they are about: those
 * of each store, and those within memory, so that a move within memory does not wait
 * for a disk. Requests for the same page are carried out in order only if that tier
 * is the same.
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
 * @temperature: in: enum tw_class, or TW_CLASS_ANY
 * @nr: in: entries in @infos, 1..tw_info.max_pages. out: how many were written
 * @entry_size: in: sizeof(struct tw_page)
 * @cursor: in: 0 to begin, else the value that the call before returned, or
 *	TW_PAGE() to begin there. out: where the next call goes on, 0 if there are no
 *	more pages
 * @infos: in: pointer to struct tw_page, which are written
 * @every: in: 0 or 1 to look at all pages; else a power of 2: of every so many chunks
 *	of TW_CHUNK pages, which begin at a multiple of so many, at one. Which of them
 *	is left to chance, but always the same, and is one of those of a lower @every.
 *	External pages are left out then
 * @looked: out: how many pages were looked at, whether they are wanted or not
 * @end: in: the first stable number that is not looked at, or 0. With one, external
 *	pages are left out
 *
 * Lists the caller's own pages in the order of their numbers; with CAP_SYS_ADMIN
 * those of all users, external ones last. A call looks at a bounded number of pages,
 * so it may return none although there are more.
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
	__u32 every;
	__u32 looked;
	__aligned_u64 end;
};

#define TW_PAGE_LIST_SIZE_VER0		40
#define TW_PAGE_LIST_SIZE_VER1		56

/**
 * struct tw_mark - TW_IOC_MARK: mark pages as hot or cold
 * @size: sizeof(struct tw_mark)
 * @flags: in: 0
 * @temperature: in: TW_CLASS_HOT or TW_CLASS_COLD
 * @nr: in: how many, 1..tw_info.max_pages
 * @pages: in: pointer to @nr __u64 page numbers
 * @status: in: pointer to @nr __s32 for the pages' outcomes, or 0
 * @done: out: pages with status 0
 * @failed: out: pages with a negative status (-ENOENT)
 * @owner: in: id of the region that all of @pages must be of, or 0 for any. The
 *	status of pages of other regions is -ENOENT
 *
 * Sets heat and age so that the page is of that class now. Later touches, sweeps and
 * scans change them as ever.
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

/* tw_fault_stats.flags: begin to count at 0 again. Needs CAP_SYS_ADMIN (else EPERM). */
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
 * A call that resets returns the figures up to the reset. The counters of the
 * statistics page go on.
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

/* tw_thresholds.flags: set them. Needs CAP_SYS_ADMIN (else EPERM). */
#define TW_THRESHOLDS_SET	(1U << 0)
#define TW_THRESHOLDS_FLAGS	(TW_THRESHOLDS_SET)

/**
 * struct tw_thresholds - TW_IOC_THRESHOLDS: thresholds of a tier's pressure
 * @size: sizeof(struct tw_thresholds)
 * @flags: in: TW_THRESHOLDS_*
 * @tier: in: enum tw_tier
 * @reserved: in: 0
 * @enter: in with TW_THRESHOLDS_SET, else out: percent of the room (see enum
 *	tw_level) used from which the tier is on MEDIUM, HIGH and CRITICAL; rising,
 *	1..100
 * @leave: in with TW_THRESHOLDS_SET, else out: percent used below which it leaves each
 *	level; rising, each at least 1 and below @enter
 * @reserved2: in: 0
 *
 * They hold until the driver is unloaded, whatever is bound to the tier.
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
 * struct tw_module_stats - TW_IOC_MODULE_STATS: totals of the driver
 * @size: sizeof(struct tw_module_stats)
 * @flags: in: 0
 * @pages_tracked: out: pages of regions, and external pages
 * @pages_external: out: external pages
 * @faults: out: faults that the driver served
 * @faults_reported: out: faults reported
 * @migrations: out: pages moved
 * @migrations_failed: out: moves that failed
 * @migration_ns: out: time spent moving; divided by @migrations, the time of a page
 * @events: out: events published
 * @sigbus: out: faults that ended in SIGBUS
 * @lost: out: pages whose bytes were lost
 * @requests_queued: out: requests waiting or under way
 * @requests_done: out: requests that ended with a status that is not negative
 * @requests_failed: out: requests that ended with a negative status
 * @requests_cancelled: out: the part of @requests_failed that was cancelled
 * @regions: out: regions alive
 * @agents: out: agents alive
 * @streams: out: streams alive
 * @record_bytes: out: bytes of the driver's memory in page records
 * @external_bytes: out: bytes of the driver's memory in records of external pages
 * @store_bytes: out: bytes of the driver's memory in slot tables and checksums
 * @stream_bytes: out: bytes of the driver's memory in rings
 * @batch_size: out: the driver's parameter migration_batch
 * @hot_threshold: out: the driver's parameter of that name
 * @cold_threshold: out: the driver's parameter of that name
 * @auto_migration: out: the driver's parameter enable_auto_migration
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
 * @total: out: its memory, in pages
 * @free: out: its free memory, in pages
 * @pages: out: pages of regions that are on it
 * @local: out: faults on its pages by its own CPUs
 * @remote: out: faults on its pages by CPUs of other nodes
 * @moved_in: out: pages moved to it by TW_IOC_NUMA_BALANCE
 * @reserved: 0
 *
 * Reported faults count, too. ENOENT: there is no such node, or it is not online.
 * EACCES: the caller may not read /proc/swarm/numa, which has the same figures.
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
 * struct tw_numa_balance - TW_IOC_NUMA_BALANCE: move pages to nodes that touch them
 * @size: sizeof(struct tw_numa_balance)
 * @flags: in: 0
 * @nr: in: the most pages to move, 0 for all
 * @reserved: in: 0
 * @looked: out: pages of the CPU tier looked at
 * @moved: out: pages moved
 * @failed: out: pages that could not be moved
 *
 * Moves pages of the CPU tier to the node whose CPUs touch them, if one node clearly
 * touches them most: the caller's own pages, with CAP_SYS_ADMIN those of all users.
 * EINTR: a signal came before the first page. EOPNOTSUPP: the CPU tier is not bound.
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

/* In arrays of limits: no limit. */
#define TW_NO_LIMIT		(~0ULL)

/* tw_agent_limits.flags, beside TW_AGENT_BY_ID: set the limits. */
#define TW_LIMITS_SET		(1U << 1)
#define TW_LIMITS_FLAGS		(TW_AGENT_BY_ID | TW_LIMITS_SET)

/**
 * struct tw_agent_limits - TW_IOC_AGENT_LIMITS: how much of each tier an agent takes
 * @size: sizeof(struct tw_agent_limits)
 * @flags: in: TW_LIMITS_SET, TW_AGENT_BY_ID
 * @agent_fd: in: an agent's fd; -1 for the default agent of the caller's cgroup, and
 *	with TW_AGENT_BY_ID
 * @reserved: in: 0
 * @id: in with TW_AGENT_BY_ID: label. out: label
 * @pages: in with TW_LIMITS_SET, and out: pages of its regions by enum tw_tier,
 *	TW_NO_LIMIT for no limit
 * @hard: out: how high @pages may be set without CAP_SYS_RESOURCE. A caller with
 *	CAP_SYS_RESOURCE that sets @pages sets @hard to the same
 *
 * A limit never refuses a page: it goes to the next tier instead. A page that is
 * touched must be in memory, so there may be more pages in memory than both memory
 * tiers' limits allow; these are demoted in the background. Pages beyond the limit of
 * a store go to the next slower store with room. A move by a call to a tier whose
 * limit is reached is -EDQUOT.
 *
 * The limit is that of this agent alone, not of other agents of its user nor, for a
 * default agent, of cgroups below; struct tw_group_limits has limits for those.
 *
 * EPERM: above @hard. ENOENT: there is no such agent, it is not yours, or limits are
 * set for a default agent to which nothing is accounted. A default agent ends, and its
 * limits with it, when the last of its regions and external pages does.
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
 * @nr: in: the most pages to move, 0 for all
 * @reserved: in: 0
 * @id: in with TW_AGENT_BY_ID: label
 * @moved: out: pages moved
 * @failed: out: pages that could not be moved
 *
 * Moves pages of the agent's regions, not its external pages. The call ends early,
 * without an error, when @to_tier is full or a limit there is reached. EOPNOTSUPP:
 * @to_tier is not bound. EINTR: a signal came before the first page. ENOENT: there is
 * no such agent, or it is not yours.
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
#define TW_AGENT_IS_DEFAULT	(1U << 0)	/* default agent of the cgroup @id */
#define TW_AGENT_IS_MINE	(1U << 1)	/* the caller's own */

/**
 * struct tw_agent_entry - an agent in a list
 * @id: label, which is the cgroup's id for a default agent
 * @uid: its user, as a uid in the caller's user namespace
 * @flags: TW_AGENT_IS_*. An agent that is the caller's own and no default agent can
 *	be named by its label (TW_AGENT_BY_ID); TW_AGENT_OPEN opens any agent
 * @pages: pages of its regions in each tier, indexed by enum tw_tier
 * @external: external pages in each tier
 * @limit: as @pages of struct tw_agent_limits
 * @hard: as in struct tw_agent_limits
 * @faults_minor: as in struct tw_agent_stats
 * @faults_major: as in struct tw_agent_stats
 * @moves_in: as in struct tw_agent_stats
 * @moves_out: as in struct tw_agent_stats
 * @regions: regions alive
 * @fault_ns: time spent in faults
 * @reported: faults reported for its pages
 * @user_ns: inode number of its user namespace, as of /proc/PID/ns/user. @id and @uid
 *	name one agent only together with this
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
 * struct tw_agent_list - TW_IOC_AGENT_LIST: the agents that exist
 * @size: sizeof(struct tw_agent_list)
 * @flags: in: 0
 * @nr: in: entries in @agents, 1..tw_info.max_pages. out: how many were written
 * @entry_size: in: sizeof(struct tw_agent_entry)
 * @cursor: in: 0 to begin, else the value that the call before returned. out: where
 *	the next call goes on, 0 if there are no more agents
 * @agents: in: pointer to struct tw_agent_entry, which are written
 *
 * Lists the caller's own agents, default ones included, in the order in which they
 * were made; with CAP_SYS_ADMIN those of all users. An agent that is made or ends
 * between two calls may be in the list or not. A call looks at a bounded number of
 * agents, so it may return none although there are more.
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
 * tw_group_limits.flags. TW_GROUP_SET: set the limits, which takes CAP_SYS_RESOURCE.
 * TW_GROUP_NEXT: read those of the next cgroup or user that has some, after @cursor.
 */
#define TW_GROUP_SET		(1U << 0)
#define TW_GROUP_NEXT		(1U << 1)
#define TW_GROUP_FLAGS		(TW_GROUP_SET | TW_GROUP_NEXT)

/**
 * enum tw_group_kind - kind of a group
 * @TW_GROUP_CGROUP: a cgroup with all cgroups below it
 * @TW_GROUP_USER: a user with the user namespaces that the user has made
 */
enum tw_group_kind {
	TW_GROUP_CGROUP = 1,
	TW_GROUP_USER = 2,
};

/**
 * struct tw_group_limits - TW_IOC_GROUP_LIMITS: limits of a cgroup or a user
 * @size: sizeof(struct tw_group_limits)
 * @flags: in: TW_GROUP_SET, TW_GROUP_NEXT, or 0 to read the limits
 * @kind: in: enum tw_group_kind. With TW_GROUP_NEXT in: 0, out: the kind found
 * @uid: in: for TW_GROUP_USER the uid in the caller's user namespace, else 0. With
 *	TW_GROUP_NEXT in: 0, out: the user
 * @path: in: for TW_GROUP_CGROUP pointer to its path as in /proc/PID/cgroup
 *	("0::PATH"), which begins with / and, but for the root, does not end with it;
 *	else 0. With TW_GROUP_NEXT pointer to a buffer for the path
 * @path_len: in: bytes at @path with the zero at the end, at most 4096. With
 *	TW_GROUP_NEXT in: bytes of the buffer, out: how many were written, 0 for a user
 * @reserved: in: 0
 * @cursor: in: 0. With TW_GROUP_NEXT in: 0 to begin, else the value that the call
 *	before returned, out: the value for the next call
 * @pages: in with TW_GROUP_SET, else out: pages of regions by enum tw_tier,
 *	TW_NO_LIMIT for no limit
 * @used: out: pages now. Pages are counted only while there are limits, so it is 0
 *	without
 *
 * A limit holds for the sum of all regions that were made by processes in the
 * cgroup or below it, or by the user, whichever agents they are accounted to. It
 * has the same effect as an agent's limit (struct tw_agent_limits), but causes no
 * events. A page has to be within the limits of its agent and of each of its groups.
 *
 * The path need not exist. A cgroup that is made later, or again, is under the limits
 * of its path, and pages of a removed cgroup stay under them. Limits end when they are
 * set to TW_NO_LIMIT in all tiers, and when the driver is unloaded.
 *
 * EPERM: limits are set without CAP_SYS_RESOURCE; or without that or CAP_SYS_ADMIN
 * limits are read of another user or of a cgroup that the caller is not in, or with
 * TW_GROUP_NEXT. EINVAL: the path is malformed. ENOENT: there is no next group.
 * EMSGSIZE: @path_len is too short, the needed length is written back. ENOSPC: 1024
 * groups have limits already.
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

/*
 * The swap device is a block device whose pages lie in the stores. `swapon` takes it
 * like any other, and the kernel then swaps to it what programs have that know
 * nothing of tiers. There is at most one. Each page that is written to it goes to the
 * fastest store with room; those that have been there longest are moved on to slower
 * ones. What is read is checked against the checksum of what was written: a page that
 * cannot be read, or reads wrong, is an I/O error, which the kernel turns into
 * SIGBUS for the program that touches it.
 *
 * The device has as many slots of the stores set aside as it has pages, so that
 * regions cannot leave it without, nor it regions without theirs.
 */
#define TW_SWAP_PAGES_MIN	256
#define TW_SWAP_PAGES_MAX	0xfffffff0U

/**
 * struct tw_swap_create - TW_IOC_SWAP_CREATE: make the swap device
 * @size: sizeof(struct tw_swap_create)
 * @flags: in: 0
 * @pages: in: its size, TW_SWAP_PAGES_MIN to TW_SWAP_PAGES_MAX; a power of two is not
 *	needed. The first is for the signature that mkswap(8) writes
 * @dev: in: 0; out: number of the block device as st_rdev has it
 * @reserved: in: 0
 *
 * The block device appears as /dev/twswap, empty. It is there until
 * TW_IOC_SWAP_DESTROY, or until the driver is unloaded, which it does not prevent as
 * long as nothing has it open; a device in use as swap is open.
 *
 * Needs CAP_SYS_ADMIN (else EPERM). EEXIST: there is one. ENOSPC: the stores have not
 * that many slots that are neither in use nor set aside, or so much room would be
 * reserved that what is in use already does not fit. ENOMEM: its tables, 20 bytes a
 * page, do not fit into memory.
 */
struct tw_swap_create {
	__u32 size;
	__u32 flags;
	__aligned_u64 pages;
	__u32 dev;
	__u32 reserved;
};

#define TW_SWAP_CREATE_SIZE_VER0	24

/**
 * struct tw_swap_destroy - TW_IOC_SWAP_DESTROY: remove the swap device
 * @size: sizeof(struct tw_swap_destroy)
 * @flags: in: 0
 *
 * What was written to it is gone. Needs CAP_SYS_ADMIN (else EPERM). ENOENT: there is
 * none. EBUSY: it is open, as it is while it is in use as swap.
 */
struct tw_swap_destroy {
	__u32 size;
	__u32 flags;
};

#define TW_SWAP_DESTROY_SIZE_VER0	8

/**
 * struct tw_swap_info - TW_IOC_SWAP_INFO: the swap device and where its pages are
 * @size: sizeof(struct tw_swap_info)
 * @flags: in: 0
 * @dev: out: number of the block device as st_rdev has it
 * @open: out: 1 while something has it open, else 0
 * @pages: out: its size
 * @failed: out: pages that could not be read, or not as they had been written, since
 *	it was made
 * @used: out: by enum tw_tier, its pages that lie there
 * @spare: out: the part of @used that is in memory as well and will be written again
 *	before it is needed: given up first, without I/O, when the tier needs room
 *
 * The traffic is in the statistics (tw_stats_counters.swap_in and its neighbours).
 * ENOENT: there is none.
 */
struct tw_swap_info {
	__u32 size;
	__u32 flags;
	__u32 dev;
	__u32 open;
	__aligned_u64 pages;
	__aligned_u64 failed;
	__aligned_u64 used[TW_NR_TIERS];
	__aligned_u64 spare[TW_NR_TIERS];
};

#define TW_SWAP_INFO_SIZE_VER0		112

/*
 * A program that knows nothing of tiers can be attached: the scans of automatic
 * migration then look at its private anonymous memory, too, and its pages have
 * temperatures like those of regions. They stay the kernel's, which places them: calls
 * that move pages leave them alone (EOPNOTSUPP), and limits and agents do not count
 * them. move_pages(2) and process_madvise(2) move them.
 *
 * What is attached is the address space that the program has at that moment. With its
 * end, also by execve(2), the attachment ends, within seconds. Children of fork(2) are
 * not attached.
 *
 * It has an id as a region has, and TW_PAGE(id, address / page size) is the number of
 * the page at an address; its TW_PAGE_ATTACHED is set. What is swapped out to the swap
 * device is in a store. What is swapped out elsewhere, and memory on a node that no tier
 * has, is in no tier (TW_TIER_NONE). What only page tables of
 * others tell of touches, such as those of a virtual machine's guest, is not seen.
 */

/**
 * struct tw_attach - TW_IOC_ATTACH: have the memory of a program watched
 * @size: sizeof(struct tw_attach)
 * @flags: in: 0
 * @pid: in: its process id, in the caller's pid namespace; 0 for the caller's own
 * @reserved: in: 0
 * @id: out: id of the attachment; also with EEXIST
 *
 * It lasts until TW_IOC_DETACH or the end of the address space, or until the driver is
 * unloaded, which it does not prevent. Records of 16 bytes for each page that has ever
 * been present count among those of the caller's user, and the attachment among its
 * regions.
 *
 * The caller needs CAP_SYS_PTRACE in the user namespace that the program's memory
 * belongs to (else EPERM), except for its own. ESRCH: there is no such process, or it has
 * no memory of its own, as kernel threads have none. EEXIST: its memory is attached.
 * EDQUOT: the user has too many regions and attachments. EOPNOTSUPP: the architecture's
 * page tables do not tell of touches.
 */
struct tw_attach {
	__u32 size;
	__u32 flags;
	__s32 pid;
	__u32 reserved;
	__aligned_u64 id;
};

#define TW_ATTACH_SIZE_VER0		24

/**
 * struct tw_detach - TW_IOC_DETACH: end an attachment
 * @size: sizeof(struct tw_detach)
 * @flags: in: 0
 * @id: in: its id
 *
 * ENOENT: there is none of that id that the caller may see, see struct tw_attached.
 */
struct tw_detach {
	__u32 size;
	__u32 flags;
	__aligned_u64 id;
};

#define TW_DETACH_SIZE_VER0		16

/* Looks for the attachment with the next higher id. */
#define TW_ATTACHED_NEXT	(1U << 0)

/* struct tw_attached.state */
#define TW_ATTACHED_BLIND	(1U << 0)	/* others have page tables of the memory, too */
#define TW_ATTACHED_PARTLY	(1U << 1)	/* there were not enough records */

/**
 * struct tw_attached - TW_IOC_ATTACHED: what is known of an attachment
 * @size: sizeof(struct tw_attached)
 * @flags: in: 0 or TW_ATTACHED_NEXT
 * @id: in: its id, or with TW_ATTACHED_NEXT any number, 0 to begin with. out: its id
 * @pid: out: process id in the caller's pid namespace, 0 if it has none there or the
 *	process has ended and left its memory to another
 * @state: out: TW_ATTACHED_* of the last scan: BLIND if there are page tables beside
 *	the program's own, as a virtual machine has, of whose touches nothing is known;
 *	PARTLY if the memory, the cap of the user or the memcg was too small for records of
 *	all pages, so that some are not watched
 * @pages: out: by enum tw_tier: pages of its private anonymous memory that the last
 *	scan has found there; in stores, those that are swapped out to the swap device
 * @elsewhere: out: pages in memory that belongs to no bound tier
 * @swapped: out: pages that are swapped out, to the swap device or another one
 * @record_bytes: out: memory that its records take
 * @scans: out: how often it was scanned
 *
 * A page that has not been touched for long is not looked at in each scan, so it counts
 * where it was last found.
 *
 * The caller sees attachments of its own memory, and those for which it has
 * CAP_SYS_PTRACE in the user namespace of the memory. ENOENT: there is none, or no
 * other.
 */
struct tw_attached {
	__u32 size;
	__u32 flags;
	__aligned_u64 id;
	__s32 pid;
	__u32 state;
	__aligned_u64 pages[TW_NR_TIERS];
	__aligned_u64 elsewhere;
	__aligned_u64 swapped;
	__aligned_u64 record_bytes;
	__aligned_u64 scans;
};

#define TW_ATTACHED_SIZE_VER0		96

/**
 * enum tw_event_type - what happened
 * @TW_EVENT_FAULT: a fault was served. tier: where the page was found, or put at a
 *	first touch; to_tier: where it is now; addr: address of the touch
 * @TW_EVENT_MIGRATE: a page was moved from tier to to_tier, or could not be; status:
 *	0 or -errno
 * @TW_EVENT_PRESSURE: the level of tier changed; status: the new level;
 *	addr: pages used
 * @TW_EVENT_LIMIT: a fault on page found no room and ended in SIGBUS; addr: address of
 *	the touch; status: -ENOMEM, or -EDQUOT for a cap of the user. Or, with page 0
 *	and status -EDQUOT, the agent exceeded its limit in tier; addr: its pages there.
 *	The latter comes again only after the agent was an eighth below the limit
 * @TW_EVENT_TIER_BOUND: tier was bound; addr: capacity in pages
 * @TW_EVENT_TIER_UNBOUND: tier was unbound
 * @TW_EVENT_TIER_ERROR: I/O on tier failed or a checksum was wrong; status: -errno
 * @TW_EVENT_AGENT_CREATED: an agent has been made
 * @TW_EVENT_AGENT_ENDED: an agent has ended
 * @TW_EVENT_REQUEST: a request of TW_IOC_REQUEST has ended; addr: its id;
 *	status: its outcome; latency_ns: time since its call
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
/* struct tw_event.flags of a move: a call asked for it and gave its reason */
#define TW_MIGRATE_ASKED (1U << 3)

/**
 * struct tw_event - one slot of a ring, 64 bytes
 * @seq: of event number i of its ring: 2i+1 while it is written, 2i+2 when complete
 * @time_ns: CLOCK_MONOTONIC
 * @page: stable number of the page, or 0. For an external page its frame number (the
 *	one before a move), and 0 in streams of one agent
 * @agent: label of the agent, or 0
 * @addr: see enum tw_event_type. An address is 0 in streams of one agent, unless it is
 *	one in the process that made the stream, or that process had CAP_PERFMON or
 *	CAP_SYS_PTRACE over the toucher's user namespace
 * @latency_ns: time of the fault, move or request; saturates
 * @pid: thread that faulted or called, in the initial pid namespace; 0 in streams of
 *	one agent
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
 * struct tw_stream_create - TW_IOC_STREAM_CREATE: a stream of events
 * @size: sizeof(struct tw_stream_create)
 * @flags: in: 0
 * @mask: in: TW_EVENT_BIT() of each type wanted, not 0
 * @agent_fd: in: an agent's fd for the events of that agent; -1 for all events,
 *            which needs CAP_PERFMON or CAP_SYS_ADMIN (else EPERM)
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
 * struct tw_stream_info - TW_IOC_STREAM_INFO: properties of a stream
 * @size: sizeof(struct tw_stream_info)
 * @flags: in: 0
 * @mask: out: as in struct tw_stream_create
 * @map_size: out: as in struct tw_stream_create
 * @events: out: as in struct tw_stream_create
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
 * A stream is mapped read-only at offset 0. The mapping begins with struct
 * tw_stream_header. At ring_offset + cpu * ring_stride there is a ring for each
 * possible CPU, which is a struct tw_ring_header and, at event_offset of the ring, its
 * slots. The ring of a CPU that has not been online since the stream was made has
 * online == 0; its slots must not be read, since they are SIGBUS.
 *
 * Any number of readers may read, and nothing is consumed. Event i of a ring is read
 * like this:
 *
 *	slot = &events[i & (nr - 1)];
 *	seq = load_acquire(&slot->seq);		pairs with the release of 2i+2
 *	if (seq < 2 * i + 2)	nothing there yet
 *	if (seq > 2 * i + 2)	overwritten: go on at head - nr (+ some), count lost
 *	... use the event in place ...
 *	fence_acquire();			pairs with the wmb after 2j+1
 *	if (load_relaxed(&slot->seq) != seq)	overwritten meanwhile: what has
 *						been read is not valid
 *
 * Numbers start at 0 when the stream is made; @head is the number of the next event.
 * An interrupt whose event would overwrite one that is still being written on its own
 * CPU drops the event. That event has no number, so no count of lost events has it.
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
 * @online: 1 once the CPU has been online
 * @cpu: CPU number
 */
struct tw_ring_header {
	__aligned_u64 head;
	__u32 online;
	__u32 cpu;
};

/*
 * A stream's control page is one page at this offset of its fd, mapped for reading and
 * writing. poll() reports POLLIN when a ring has at least @watermark (0 counts as 1)
 * events from cursor[cpu] on; the kernel reads the page for nothing else. The rings of
 * CPUs from TW_STREAM_CTL_CURSORS on have no cursor and do not count for poll().
 * poll() reports POLLHUP when the agent of the stream has ended; the events in the
 * rings stay.
 */
#define TW_STREAM_CTL_OFFSET	(1ULL << 40)
#define TW_STREAM_CTL_CURSORS	511

/**
 * struct tw_stream_ctl - when poll() reports events
 * @watermark: how many unread events in a ring are worth a wakeup
 * @reserved: 0
 * @cursor: for each CPU's ring the number of the next event that the reader wants
 */
struct tw_stream_ctl {
	__u32 watermark;
	__u32 reserved;
	__aligned_u64 cursor[TW_STREAM_CTL_CURSORS];
};

/*
 * The statistics are tw_info.stats_size bytes that are mapped read-only at offset 0
 * of /dev/tierwatch. Counters only grow; 64-bit ones are read with one load. The copy
 * of a tier block is consistent if it is read like this:
 *
 *	do {
 *		seq = load_acquire(&tier->seq);		odd: being written
 *		... copy what is needed ...
 *		fence_acquire();
 *	} while ((seq & 1) || load_relaxed(&tier->seq) != seq);
 *
 * This does not hold for @used, @kept and @swap_used, which are always current. A counter of a
 * tier is the sum over the CPU blocks.
 *
 * Every struct may grow at its end, so blocks and members of blocks are found by the
 * offsets and strides in struct tw_stats, not by sizeof. A counter that lies beyond
 * counters_stride is one that the driver does not have. A program of 32 bits must
 * load 64 bits in one piece.
 */
#define TW_STATS_VERSION	1

/* Bands of heat, by powers of two: 0, 1, 2-3, 4-7, ... and from 32768 on. */
#define TW_HEAT_BANDS		17

/**
 * struct tw_stats_tier - state of one tier
 * @seq: odd while the block is written
 * @bound: 1 if bound
 * @level: enum tw_level
 * @kind: TW_KIND_*
 * @capacity: pages
 * @used: pages that are there now
 * @kept: pages that are in memory now and of which the store still has a clean copy
 * @nominal_latency_ns: as the specification has it
 * @nominal_bandwidth: bytes per second, as the specification has it
 * @latency_ns: measured at bind
 * @bandwidth: bytes per second, measured at bind
 * @level_changes: how often @level changed
 * @avoided_until_ns: CLOCK_MONOTONIC time until which pages go to other tiers if they
 *	can, since the tier's device has failed; 0 if it never has
 * @swap_used: pages of the swap device that are there now, the part of @used that is
 *	no region's
 * @stalled10: see struct tw_pressure; not in step with the other members
 * @stalled60: the same
 *
 * At tw_stats.heat_offset of the block are tw_stats.heat_bands u64: the number of
 * regions' pages in each band of heat at the last scan, see TW_HEAT_BANDS.
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
	__aligned_u64 swap_used;
	__u32 stalled10;
	__u32 stalled60;
};

#define TW_STATS_TIER_SIZE_VER0		88

/**
 * struct tw_stats_counters - counters of one tier on one CPU
 * @minor_read: faults by reads on pages found in this tier's memory, or put there
 * @minor_write: faults by writes on such pages
 * @major_read: faults by reads that waited for this store
 * @major_write: faults by writes that waited for this store
 * @first: the part of the minor faults that were first touches
 * @fault_ns: time spent in all of these faults
 * @moves_in: pages moved into this tier
 * @moves_out: pages moved out of this tier
 * @moves_failed: moves out of this tier that failed
 * @move_ns: time spent moving out of this tier
 * @bytes_read: bytes read from the store
 * @bytes_written: bytes written to the store
 * @io_errors: failed reads and writes, and wrong checksums
 * @stalls: faults that waited for a demotion out of this tier
 * @taken_back: pages that stayed in memory, since they were touched while they were
 *	written to this store
 * @reported: faults reported by TW_IOC_REPORT for pages in this tier
 * @refaults: pages brought back from this store by a fault on them
 * @refaults_early: the part of @refaults that came back so soon that memory should
 *	have kept them: fewer pages than memory holds left it between the page's
 *	leaving and the fault
 * @swap_in: pages of the swap device that were read back from this store
 * @swap_out: pages that were swapped out to this store
 * @swap_sunk: pages of the swap device that were moved from this store to a slower one
 * @waited_ns: time that faults waited for room in this tier of memory, or for pages
 *	that had to leave it too soon (@refaults_early of the stores)
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
	__aligned_u64 swap_in;
	__aligned_u64 swap_out;
	__aligned_u64 swap_sunk;
	__aligned_u64 waited_ns;
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

#define TW_LATENCY_BUCKETS	40
/* Histograms of a CPU: of waiting by tier, and then of moves from tier to tier. */
#define TW_LATENCY_WAIT(tier)		(tier)
#define TW_LATENCY_MOVE(from, to)	(TW_NR_TIERS + (from) * TW_NR_TIERS + (to))
#define TW_LATENCIES			(TW_NR_TIERS + TW_NR_TIERS * TW_NR_TIERS)

/**
 * struct tw_stats_latency - how long something took, on one CPU
 * @sum_ns: all of it together
 * @bucket: how often it took less than 2^n ns and not less than half of that, by n; the
 *	last one also has all that took longer
 *
 * By tier: of a store, faults that waited for a page there; of memory, faults that
 * waited for room, and how long they waited for that. Faults that wait for nothing
 * are in none. By pair of tiers: moves that went well.
 */
struct tw_stats_latency {
	__aligned_u64 sum_ns;
	__aligned_u64 bucket[TW_LATENCY_BUCKETS];
};

#define TW_STATS_LATENCY_SIZE_VER0	328

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
 * @head_size: bytes of this struct that the driver has; members beyond must not be
 *	read
 * @counters_offset: bytes from a CPU block to its first tier's counters
 * @counters_stride: bytes from one tier's counters to the next
 * @heat_offset: bytes from a tier block to its numbers of pages by band of heat
 * @heat_bands: number of bands, at least TW_HEAT_BANDS
 * @reserved: 0
 * @regions: regions alive
 * @agents: agents alive
 * @streams: streams alive
 * @record_bytes: bytes of the driver's memory in page records
 * @store_bytes: bytes of the driver's memory in slot tables and checksums of stores, and in
 *	tables of the swap device
 * @stream_bytes: bytes of the driver's memory in rings
 * @lost: pages whose bytes were lost since load
 * @external: external pages tracked
 * @external_bytes: bytes of the driver's memory in records of external pages
 * @requests_queued: requests of TW_IOC_REQUEST waiting or under way
 * @requests_done: requests that ended with a status that is not negative, since load
 * @requests_failed: requests that ended with a negative status, since load
 * @requests_cancelled: the part of @requests_failed that was cancelled
 * @scans: how often all pages have been scanned
 * @scan_ns: CPU time spent scanning
 * @scan_pages: pages looked at by scans
 * @scan_skipped: the part of @scan_pages that did not have to be looked at one by one,
 *	since their 2 MiB were untouched
 * @scan_period_ms: time from one scan to the next at present
 * @scan_window_us: time before the last scan within which a touch counted in full; 0
 *	for all the time since the scan before
 * @auto_considered: pages that automatic migration wanted to move
 * @auto_promoted: the part of these that was moved to a faster tier
 * @auto_demoted: the part that was moved to a slower tier
 * @auto_busy: the part that was not moved, since the pages were pinned or in use
 * @auto_full: the part that was not moved for want of room or by an agent's limit
 * @auto_unpaid: pages that were not considered although they were hotter than others
 *	in the faster tier: they are touched so seldom that a move costs more than it
 *	saves in a minute
 * @auto_stayed: the part of @auto_considered that was not moved, since the pages had
 *	been moved less than tw_policy.min_stay scans before
 * @auto_limited: the part that was not moved, since tw_policy.max_rate was reached
 * @auto_thrash: the part of @auto_demoted that was promoted less than ten scans before
 * @auto_margin: how far a page's heat must be from the threshold at present to be
 *	moved; it grows while pages are moved to and fro
 * @auto_ns: time that automatic moves have taken, with the waiting for I/O
 * @room: pages that all bound tiers can hold together
 * @room_taken: pages of that in use by regions or reserved; more than @room while
 *	memory tiers are beyond their capacity
 * @room_reserved: pages reserved by TW_REGION_RESERVE, touched or not
 * @latency_offset: bytes from a CPU block to its first struct tw_stats_latency
 * @latency_stride: bytes from one of these to the next; they are in the order of
 *	TW_LATENCY_WAIT() and TW_LATENCY_MOVE()
 * @latencies: how many there are
 * @latency_buckets: buckets of each
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
	__u32 latency_offset;
	__u32 latency_stride;
	__u32 latencies;
	__u32 latency_buckets;
};

#define TW_STATS_SIZE_VER0		328

/*
 * `tw tier format` writes this at byte 0 of a store's device, little endian. Slots
 * start at byte TW_STORE_DATA. Stores are not persistent: like those of swap, their
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
 * @tier: tier that it was signed for, enum tw_tier plus one, or 0 for any. It is for
 *	programs that configure tiers; the driver binds the device to any store
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
 * Checks of the layout, by compilers that can. The first published part of a struct
 * ends with the member that is named here; the struct may grow after that.
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
/* The argument of an ioctl, which begins with its size. */
#define TW_LAYOUT_CALL(type, last, bytes) \
	TW_LAYOUT(__builtin_offsetof(struct type, size) == 0 && \
		  TW_LAYOUT_IS(type, last, bytes))

TW_LAYOUT_CALL(tw_info, region_dev, TW_INFO_SIZE_VER0);
TW_LAYOUT_CALL(tw_tier_info, reserved, TW_TIER_INFO_SIZE_VER0);
TW_LAYOUT_CALL(tw_tier_bind, nodes, TW_TIER_BIND_SIZE_VER0);
TW_LAYOUT_CALL(tw_tier_unbind, moved, TW_TIER_UNBIND_SIZE_VER0);
TW_LAYOUT_CALL(tw_tier_resize, moved, TW_TIER_RESIZE_SIZE_VER0);
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
TW_LAYOUT_CALL(tw_page_list, end, TW_PAGE_LIST_SIZE_VER1);
TW_LAYOUT_AT(tw_page_list, every, TW_PAGE_LIST_SIZE_VER0);
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
TW_LAYOUT_CALL(tw_swap_create, reserved, TW_SWAP_CREATE_SIZE_VER0);
TW_LAYOUT_CALL(tw_swap_destroy, flags, TW_SWAP_DESTROY_SIZE_VER0);
TW_LAYOUT_CALL(tw_swap_info, spare, TW_SWAP_INFO_SIZE_VER0);
TW_LAYOUT_CALL(tw_attach, id, TW_ATTACH_SIZE_VER0);
TW_LAYOUT_CALL(tw_detach, id, TW_DETACH_SIZE_VER0);
TW_LAYOUT_CALL(tw_attached, scans, TW_ATTACHED_SIZE_VER0);
TW_LAYOUT_CALL(tw_stream_create, map_size, TW_STREAM_CREATE_SIZE_VER0);
TW_LAYOUT_CALL(tw_stream_info, nr_rings, TW_STREAM_INFO_SIZE_VER0);
TW_LAYOUT_VER0(tw_stats_tier, avoided_until_ns, TW_STATS_TIER_SIZE_VER0);
TW_LAYOUT_VER0(tw_stats_counters, refaults_early, TW_STATS_COUNTERS_SIZE_VER0);
TW_LAYOUT_VER0(tw_stats_cpu, sigbus, TW_STATS_CPU_SIZE_VER0);
TW_LAYOUT_VER0(tw_stats_latency, bucket, TW_STATS_LATENCY_SIZE_VER0);
TW_LAYOUT_VER0(tw_stats, room_reserved, TW_STATS_SIZE_VER0);

/* Structs in shared mappings and on devices, which are read in place. */
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
