// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_gen.c - arguments for the fuzzer
 *
 * The table says what each member of each struct stands for. A call starts as
 * a valid one; then now and then a member becomes a wrong one of its kind, the
 * size another, some byte any other, or the pointer to it all a bad one.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fuzz.h"

enum kind {
	END,
	FLAGS,		/* more: mask of known ones */
	TIER,
	ANY_TIER,
	REASON,
	WARMTH,
	POWER,
	NODE,
	NODES,
	AGENT_FD,
	LABEL,
	SWAP_PAGES,
	PID,
	ATTACHMENT,
	BYTES,
	OFFSET,
	LENGTH,
	NR,
	NR_REQUESTS,
	NR_MOVES,	/* pages to move at most */
	NR_ROOM,	/* entries of a buffer for a range */
	PAGES,
	STATUS,
	INFOS,
	REQUESTS,
	PAGE_NUMBER,
	ADDRESS,
	START,		/* an offset on a region, an address on the device */
	MASK,
	EVENTS,
	CAPACITY,
	STORE_FD,
	PERCENT,	/* more: how many; rising */
	LIMITS,
	KNOB,		/* more: which range */
	ENTRY_SIZE,	/* more: what this header has */
	OWNER,
};

struct member {
	enum kind kind;
	uint16_t offset;
	uint8_t bytes;
	uint16_t more;
};

struct row {
	const char *name;
	unsigned int nr;
	enum object on;
	enum object makes;	/* ON_DEVICE: nothing */
	uint16_t fd;		/* where the new fd is */
	uint16_t id;		/* where its id is, 0: nowhere */
	uint16_t size;
	uint16_t weight;
	const struct member *members;
};

#define M(_type, _member, _kind, _more)					\
	{ .kind = _kind, .offset = offsetof(struct _type, _member),	\
	  .bytes = sizeof(((struct _type *)0)->_member), .more = _more }

#define MEMBERS(_name, ...)						\
	static const struct member _name[] = { __VA_ARGS__, { .kind = END } }

MEMBERS(none, { .kind = END });
MEMBERS(tier_info, M(tw_tier_info, tier, TIER, 0));
MEMBERS(tier_bind, M(tw_tier_bind, tier, TIER, 0),
	M(tw_tier_bind, flags, FLAGS, TW_BIND_FLAGS),
	M(tw_tier_bind, fd, STORE_FD, 0),
	M(tw_tier_bind, capacity, CAPACITY, 0),
	M(tw_tier_bind, nodes, NODES, 0));
MEMBERS(tier_unbind, M(tw_tier_unbind, tier, TIER, 0),
	M(tw_tier_unbind, flags, FLAGS, TW_UNBIND_FLAGS));
MEMBERS(tier_resize, M(tw_tier_resize, tier, TIER, 0),
	M(tw_tier_resize, capacity, CAPACITY, 0));
MEMBERS(pressure, M(tw_pressure, tier, TIER, 0));
MEMBERS(region_create, M(tw_region_create, flags, FLAGS, TW_REGION_FLAGS),
	M(tw_region_create, bytes, BYTES, 0),
	/* A tier above CPU is a wrong one, so this is one of the two. */
	M(tw_region_create, affinity, FLAGS, 1),
	M(tw_region_create, agent_fd, AGENT_FD, 0));
MEMBERS(agent_create, M(tw_agent_create, flags, FLAGS, TW_AGENT_FLAGS),
	M(tw_agent_create, id, LABEL, 0),
	M(tw_agent_create, uid, FLAGS, 3),
	M(tw_agent_create, user_ns, FLAGS, 3));
MEMBERS(agent_stats, M(tw_agent_stats, flags, FLAGS, TW_AGENT_STATS_FLAGS),
	M(tw_agent_stats, agent_fd, AGENT_FD, 0),
	M(tw_agent_stats, id, LABEL, 0));
MEMBERS(stream_create, M(tw_stream_create, mask, MASK, 0),
	M(tw_stream_create, agent_fd, AGENT_FD, 0),
	M(tw_stream_create, events, EVENTS, 0));
MEMBERS(migrate_pages, M(tw_migrate_pages, to_tier, TIER, 0),
	M(tw_migrate_pages, from_tier, ANY_TIER, 0),
	M(tw_migrate_pages, reason, REASON, 0),
	M(tw_migrate_pages, nr, NR, 0),
	M(tw_migrate_pages, pages, PAGES, 0),
	M(tw_migrate_pages, status, STATUS, 0),
	M(tw_migrate_pages, owner, OWNER, 0));
MEMBERS(page_info, M(tw_page_info, nr, NR, 0),
	M(tw_page_info, pages, PAGES, 0),
	M(tw_page_info, infos, INFOS, 0),
	M(tw_page_info, entry_size, ENTRY_SIZE, sizeof(struct tw_page)),
	M(tw_page_info, owner, OWNER, 0));
MEMBERS(migrate_range, M(tw_migrate_range, start, START, 0),
	M(tw_migrate_range, length, LENGTH, 0),
	M(tw_migrate_range, to_tier, TIER, 0),
	M(tw_migrate_range, from_tier, ANY_TIER, 0),
	M(tw_migrate_range, reason, REASON, 0),
	M(tw_migrate_range, nr_status, NR_ROOM, 0),
	M(tw_migrate_range, status, STATUS, 0));
MEMBERS(addr_page, M(tw_addr_page, addr, ADDRESS, 0));
MEMBERS(track, M(tw_track, flags, FLAGS, TW_TRACK_FLAGS),
	M(tw_track, tier, TIER, 0),
	M(tw_track, node, NODE, 0),
	M(tw_track, agent_fd, AGENT_FD, 0),
	M(tw_track, nr, NR, 0),
	M(tw_track, agent_id, LABEL, 0),
	M(tw_track, pages, PAGES, 0),
	M(tw_track, status, STATUS, 0));
MEMBERS(untrack, M(tw_untrack, nr, NR, 0),
	M(tw_untrack, pages, PAGES, 0),
	M(tw_untrack, status, STATUS, 0));
MEMBERS(track_report, M(tw_report, flags, FLAGS, TW_REPORT_FLAGS),
	M(tw_report, page, PAGE_NUMBER, 0),
	M(tw_report, addr, ADDRESS, 0),
	M(tw_report, owner, OWNER, 0));
MEMBERS(candidates, M(tw_candidates, flags, FLAGS, TW_CANDIDATES_ATTACHED),
	M(tw_candidates, from_tier, TIER, 0),
	M(tw_candidates, to_tier, TIER, 0),
	M(tw_candidates, nr, NR, 0),
	M(tw_candidates, candidates, INFOS, 0),
	M(tw_candidates, entry_size, ENTRY_SIZE, sizeof(struct tw_candidate)));
MEMBERS(request, M(tw_request_pages, flags, FLAGS, TW_REQUEST_FLAGS),
	M(tw_request_pages, nr, NR_REQUESTS, 0),
	M(tw_request_pages, requests, REQUESTS, 0),
	M(tw_request_pages, entry_size, ENTRY_SIZE, sizeof(struct tw_request)));
MEMBERS(page_list, M(tw_page_list, tier, ANY_TIER, 0),
	M(tw_page_list, temperature, WARMTH, 0),
	M(tw_page_list, nr, NR, 0),
	M(tw_page_list, cursor, PAGE_NUMBER, 0),
	M(tw_page_list, infos, INFOS, 0),
	M(tw_page_list, every, POWER, 0),
	M(tw_page_list, end, PAGE_NUMBER, 0),
	M(tw_page_list, entry_size, ENTRY_SIZE, sizeof(struct tw_page)));
MEMBERS(mark, M(tw_mark, temperature, WARMTH, 0),
	M(tw_mark, nr, NR, 0),
	M(tw_mark, pages, PAGES, 0),
	M(tw_mark, status, STATUS, 0),
	M(tw_mark, owner, OWNER, 0));
MEMBERS(fault_stats, M(tw_fault_stats, flags, FLAGS, TW_FAULT_STATS_FLAGS),
	M(tw_fault_stats, tier, TIER, 0));
MEMBERS(thresholds, M(tw_thresholds, flags, FLAGS, TW_THRESHOLDS_FLAGS),
	M(tw_thresholds, tier, TIER, 0),
	M(tw_thresholds, leave, PERCENT, 0),
	M(tw_thresholds, enter, PERCENT, 5));
MEMBERS(numa_stats, M(tw_numa_stats, node, NODE, 0));
MEMBERS(numa_balance, M(tw_numa_balance, nr, NR_MOVES, 0));
MEMBERS(agent_limits, M(tw_agent_limits, flags, FLAGS, TW_LIMITS_FLAGS),
	M(tw_agent_limits, agent_fd, AGENT_FD, 0),
	M(tw_agent_limits, id, LABEL, 0),
	M(tw_agent_limits, pages, LIMITS, 0));
MEMBERS(agent_migrate, M(tw_agent_migrate, flags, FLAGS, TW_AGENT_BY_ID),
	M(tw_agent_migrate, agent_fd, AGENT_FD, 0),
	M(tw_agent_migrate, to_tier, TIER, 0),
	M(tw_agent_migrate, from_tier, ANY_TIER, 0),
	M(tw_agent_migrate, reason, REASON, 0),
	M(tw_agent_migrate, nr, NR_MOVES, 0),
	M(tw_agent_migrate, id, LABEL, 0));
MEMBERS(group_limits, M(tw_group_limits, flags, FLAGS, TW_GROUP_FLAGS),
	M(tw_group_limits, kind, FLAGS, 3),
	M(tw_group_limits, uid, FLAGS, 3),
	M(tw_group_limits, cursor, NR, 0),
	M(tw_group_limits, pages, LIMITS, 0));
MEMBERS(swap_create, M(tw_swap_create, pages, SWAP_PAGES, 0));
MEMBERS(attach, M(tw_attach, pid, PID, 0));
MEMBERS(detach, M(tw_detach, id, ATTACHMENT, 0));
MEMBERS(attached, M(tw_attached, flags, FLAGS, TW_ATTACHED_NEXT),
	M(tw_attached, id, ATTACHMENT, 0));
MEMBERS(agent_list, M(tw_agent_list, nr, NR, 0),
	M(tw_agent_list, cursor, NR, 0),
	M(tw_agent_list, agents, INFOS, 0),
	M(tw_agent_list, entry_size, ENTRY_SIZE, sizeof(struct tw_agent_entry)));
/* Most of what each knob may be; scans stay rare enough for the rest to go on. */
static const uint32_t knob_range[][2] = {
	{ 51, 1000 }, { 1, 50 }, { 1, 50 }, { 10, 100 }, { 100, 1000 },
	{ 1, 100 }, { 0, 20 }, { 0, 100000 },
};

MEMBERS(policy, M(tw_policy, set, FLAGS, TW_POLICY_SETS),
	M(tw_policy, mode_set, FLAGS, TW_POLICY_MODES),
	M(tw_policy, enabled, FLAGS, 1),
	M(tw_policy, mode, FLAGS, TW_POLICY_MODES),
	M(tw_policy, hot_threshold, KNOB, 0),
	M(tw_policy, cold_threshold, KNOB, 1),
	M(tw_policy, scan_permille, KNOB, 2),
	M(tw_policy, scan_min_ms, KNOB, 3),
	M(tw_policy, scan_max_ms, KNOB, 4),
	M(tw_policy, free_permille, KNOB, 5),
	M(tw_policy, min_stay, KNOB, 6),
	M(tw_policy, max_rate, KNOB, 7));
MEMBERS(discard, M(tw_region_discard, offset, OFFSET, 0),
	M(tw_region_discard, length, LENGTH, 0));
MEMBERS(region_pages, M(tw_region_pages, offset, OFFSET, 0),
	M(tw_region_pages, length, LENGTH, 0),
	M(tw_region_pages, nr, NR_ROOM, 0),
	M(tw_region_pages, infos, INFOS, 0),
	M(tw_region_pages, entry_size, ENTRY_SIZE, sizeof(struct tw_page)));

MEMBERS(region_seal, M(tw_region_seal, add, FLAGS, TW_SEALS));

#define ROW(_cmd, _type, _on, _weight, _members)			\
	{ .name = #_cmd, .nr = _IOC_NR(TW_IOC_##_cmd), .on = _on,	\
	  .size = sizeof(struct _type), .weight = _weight,		\
	  .members = _members }
#define MAKES(_cmd, _type, _weight, _members, _object, _id)		\
	{ .name = #_cmd, .nr = _IOC_NR(TW_IOC_##_cmd), .on = ON_DEVICE,	\
	  .makes = _object, .fd = offsetof(struct _type, fd), .id = _id, \
	  .size = sizeof(struct _type), .weight = _weight,		\
	  .members = _members }

/* The slow ones weigh less: what counts is how they meet the others. */
static const struct row rows[] = {
	ROW(INFO, tw_info, ON_DEVICE, 100, none),
	ROW(TIER_INFO, tw_tier_info, ON_DEVICE, 200, tier_info),
	ROW(TIER_BIND, tw_tier_bind, ON_DEVICE, 6, tier_bind),
	ROW(TIER_UNBIND, tw_tier_unbind, ON_DEVICE, 1, tier_unbind),
	ROW(TIER_RESIZE, tw_tier_resize, ON_DEVICE, 4, tier_resize),
	ROW(PRESSURE, tw_pressure, ON_DEVICE, 200, pressure),
	MAKES(REGION_CREATE, tw_region_create, 40, region_create, ON_REGION,
	      offsetof(struct tw_region_create, id)),
	MAKES(AGENT_CREATE, tw_agent_create, 60, agent_create, ON_AGENT,
	      offsetof(struct tw_agent_create, id)),
	ROW(AGENT_STATS, tw_agent_stats, ON_DEVICE, 200, agent_stats),
	MAKES(STREAM_CREATE, tw_stream_create, 12, stream_create, ON_STREAM, 0),
	ROW(MIGRATE_PAGES, tw_migrate_pages, ON_DEVICE, 120, migrate_pages),
	ROW(PAGE_INFO, tw_page_info, ON_DEVICE, 300, page_info),
	ROW(MIGRATE_RANGE, tw_migrate_range, ON_DEVICE, 60, migrate_range),
	ROW(ADDR_PAGE, tw_addr_page, ON_DEVICE, 300, addr_page),
	ROW(TRACK, tw_track, ON_DEVICE, 250, track),
	ROW(UNTRACK, tw_untrack, ON_DEVICE, 100, untrack),
	ROW(REPORT, tw_report, ON_DEVICE, 800, track_report),
	ROW(CANDIDATES, tw_candidates, ON_DEVICE, 200, candidates),
	ROW(REQUEST, tw_request_pages, ON_DEVICE, 150, request),
	ROW(PAGE_LIST, tw_page_list, ON_DEVICE, 100, page_list),
	ROW(MARK, tw_mark, ON_DEVICE, 200, mark),
	ROW(FAULT_STATS, tw_fault_stats, ON_DEVICE, 150, fault_stats),
	ROW(THRESHOLDS, tw_thresholds, ON_DEVICE, 100, thresholds),
	ROW(MODULE_STATS, tw_module_stats, ON_DEVICE, 100, none),
	ROW(NUMA_STATS, tw_numa_stats, ON_DEVICE, 150, numa_stats),
	ROW(NUMA_BALANCE, tw_numa_balance, ON_DEVICE, 5, numa_balance),
	ROW(AGENT_LIMITS, tw_agent_limits, ON_DEVICE, 150, agent_limits),
	ROW(AGENT_MIGRATE, tw_agent_migrate, ON_DEVICE, 10, agent_migrate),
	ROW(POLICY, tw_policy, ON_DEVICE, 50, policy),
	ROW(AGENT_LIST, tw_agent_list, ON_DEVICE, 100, agent_list),
	ROW(SWAP_CREATE, tw_swap_create, ON_DEVICE, 2, swap_create),
	ROW(SWAP_DESTROY, tw_swap_destroy, ON_DEVICE, 4, none),
	ROW(SWAP_INFO, tw_swap_info, ON_DEVICE, 100, none),
	ROW(ATTACH, tw_attach, ON_DEVICE, 5, attach),
	ROW(DETACH, tw_detach, ON_DEVICE, 5, detach),
	ROW(ATTACHED, tw_attached, ON_DEVICE, 100, attached),
	ROW(GROUP_LIMITS, tw_group_limits, ON_DEVICE, 5, group_limits),
	/* Told apart from the device's by a name of its own. */
	{ .name = "MIGRATE_RANGE (region)", .nr = _IOC_NR(TW_IOC_MIGRATE_RANGE),
	  .on = ON_REGION, .size = sizeof(struct tw_migrate_range),
	  .weight = 60, .members = migrate_range },
	ROW(REGION_INFO, tw_region_info, ON_REGION, 150, none),
	ROW(REGION_DISCARD, tw_region_discard, ON_REGION, 100, discard),
	ROW(REGION_PAGES, tw_region_pages, ON_REGION, 200, region_pages),
	ROW(REGION_SEAL, tw_region_seal, ON_REGION, 10, region_seal),
	ROW(STREAM_INFO, tw_stream_info, ON_STREAM, 100, none),
};

#define NR_ROWS		(sizeof(rows) / sizeof(rows[0]))

_Static_assert(NR_ROWS < MAX_CALLS, "room in struct tally");

unsigned int fuzz_nr_calls(void)
{
	return NR_ROWS;
}

const char *fuzz_call_name(unsigned int row)
{
	return row < NR_ROWS ? rows[row].name : "unknown commands";
}

uint32_t fuzz_call_size(unsigned int row)
{
	return row < NR_ROWS ? rows[row].size : 0;
}

bool fuzz_errno_allowed(unsigned int row, int err)
{
	static const int contract[] = {
		ENOTTY, E2BIG, EOPNOTSUPP, EINVAL, EFAULT, ENOENT, EBADF,
		EACCES, EPERM, ENOSPC, EBUSY, EDQUOT, EAGAIN, EMSGSIZE,
		ENOMEM, EINTR, EEXIST, EHWPOISON, ENFILE, EMFILE, ECANCELED,
		ESRCH,
	};
	unsigned int i;

	for (i = 0; i < sizeof(contract) / sizeof(contract[0]); i++)
		if (err == contract[i])
			return true;
	return err == EIO && row < NR_ROWS &&
	       (rows[row].nr == _IOC_NR(TW_IOC_TIER_UNBIND) ||
		rows[row].nr == _IOC_NR(TW_IOC_TIER_RESIZE));
}

bool fuzz_status_allowed(int32_t status)
{
	return status == 0 || status == TW_MOVE_ALREADY || status == -EIO ||
	       (status < 0 && fuzz_errno_allowed(NR_ROWS, -status));
}

/* -- values ---------------------------------------------------------------- */

/* Any number that has made trouble somewhere. */
static uint64_t wild(struct fuzzer *f)
{
	static const uint64_t edge[] = {
		0, 1, 2, 7, 255, 256, 4095, 4096, 4097, 65536,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		TW_MAX_PFN - 1, TW_MAX_PFN, 0x7fffffffffffffff,
		TW_PAGE_STABLE, TW_PAGE_STABLE | 0x7ffffffff,
		0xfffffffffffff000, 0xffffffffffffffff,
	};
	uint64_t any = fuzz_random(f, UINT64_MAX);
	uint64_t one = edge[fuzz_random(f, sizeof(edge) / sizeof(edge[0]))];

	return one_in(f, 2) ? one : any >> (any & 63);
}

static const struct slot *any_slot(struct fuzzer *f, enum object kind)
{
	return &f->slot[kind][fuzz_random(f, NR_OBJECTS)];
}

static int strange_fd(struct fuzzer *f)
{
	return f->strange[fuzz_random(f, 4)];
}

static uint64_t any_page(struct fuzzer *f)
{
	/* Where everybody is busy a page is more likely to be there. */
	const struct slot *busy = &f->slot[ON_REGION][fuzz_random(f, NR_SHARED)];
	const struct slot *any = any_slot(f, ON_REGION);
	const struct slot *s = one_in(f, 3) ? any : busy;
	uint64_t index = fuzz_random(f, MAPPING_PAGES);
	uint64_t frame = (1ULL << 40) + fuzz_random(f, 1024);
	/* Real frames, too: of memory, of ours perhaps, or of holes. */
	uint64_t real = fuzz_random(f, 1 << 20);
	uint64_t bad = wild(f);

	switch (fuzz_random(f, 20)) {
	case 0:
		return bad;
	case 1:
		return real;
	case 2 ... 9:
		return frame;
	default:
		return TW_PAGE(s->id, s->pages ? index % s->pages : index);
	}
}

/* An address in a mapping of a region (which may be gone), page aligned. */
static uint64_t mapped_address(struct fuzzer *f)
{
	const struct mapping *m = &f->mapping[fuzz_random(f, NR_MAPPINGS)];
	uint64_t page = fuzz_random(f, MAPPING_PAGES);

	if (!m->at)
		return 0x10000;
	return (uintptr_t)m->at + page % (m->bytes / PAGE) * PAGE;
}

/* Where memory is not what the driver hopes for. */
static uint64_t bad_pointer(struct fuzzer *f)
{
	uint64_t address = mapped_address(f), any = wild(f);
	uint64_t back = fuzz_random(f, 128);

	switch (fuzz_random(f, 8)) {
	case 0:
		return 0;
	case 1:
		return (uintptr_t)f->arena.read_only;
	case 2:
		return (uintptr_t)f->arena.edge - back;
	case 3:
		return (uintptr_t)f->arena.infos + 1 + back % 7;
	case 4:
		return 0xffff888000000000 + (any & 0xfffff000);
	case 5:
		/* Not any number: it might be memory of this program. */
		return 0x1000 + back;
	default:
		return address;
	}
}

static uint64_t tier_of(struct fuzzer *f, bool none)
{
	uint64_t tier = fuzz_random(f, TW_NR_TIERS);

	return none && one_in(f, 2) ? TW_TIER_NONE : tier;
}

static uint64_t some(struct fuzzer *f)
{
	uint64_t few = 1 + fuzz_random(f, 6), many = 1 + fuzz_random(f, 256);

	return one_in(f, 50) ? many : few;
}

static uint64_t start_of(struct fuzzer *f, const struct row *row)
{
	uint64_t address = mapped_address(f);
	uint64_t offset = fuzz_random(f, 64) * PAGE;

	return row->on == ON_DEVICE ? address : offset;
}

static void fill_pages(struct fuzzer *f, uint64_t nr)
{
	uint64_t i;

	for (i = 0; i < nr; i++)
		f->arena.pages[i] = any_page(f);
}

static void fill_requests(struct fuzzer *f, uint64_t nr)
{
	struct tw_request *r = (struct tw_request *)f->arena.pages;
	uint64_t i;

	for (i = 0; i < nr; i++) {
		r[i] = (struct tw_request){
			.page = TW_PAGE(any_slot(f, ON_REGION)->id,
					fuzz_random(f, 16)),
			.from_tier = tier_of(f, true),
			.to_tier = tier_of(f, false),
			.priority = fuzz_random(f, TW_PRIORITY_MAX + 1),
			.reason = fuzz_random(f, TW_NR_REASONS),
		};
		if (one_in(f, 100))
			((uint32_t *)&r[i])[fuzz_random(f, sizeof(*r) / 4)] =
				wild(f);
	}
}

static uint64_t rising(struct fuzzer *f, unsigned int base, unsigned int i)
{
	/* 30..., 50..., 70...: below those of the levels' entries. */
	return 30 + 20 * i + base + fuzz_random(f, 5);
}

/* A value that is right, for all that can be known here. */
static uint64_t good_value(struct fuzzer *f, const struct row *row,
			   const struct member *m, struct call *call)
{
	unsigned char *arg = f->arena.arg;
	uint64_t nr;

	switch (m->kind) {
	case FLAGS:
		return fuzz_random(f, 1 << 16) & m->more;
	case TIER:
		return tier_of(f, false);
	case ANY_TIER:
		return tier_of(f, true);
	case REASON:
		return fuzz_random(f, TW_NR_REASONS);
	case POWER:
		return 1U << fuzz_random(f, 32);
	case WARMTH:
		return fuzz_random(f, 8) ? fuzz_random(f, TW_NR_CLASSES) : TW_CLASS_ANY;
	case NODE:
		return fuzz_random(f, 4) - 1;
	case NODES:
		nr = fuzz_random(f, 2);
		return nr ? fuzz_tiers[*(uint32_t *)(arg + 4) % TW_NR_TIERS].nodes : 0;
	case AGENT_FD:
		nr = any_slot(f, ON_AGENT)->fd;
		return one_in(f, 3) ? (uint64_t)-1 : nr;
	case LABEL:
		return 1 + fuzz_random(f, 8);
	case SWAP_PAGES:
		return TW_SWAP_PAGES_MIN + fuzz_random(f, 64);
	case PID:
		/* This program: what is attached is to end with it. */
		return 0;
	case ATTACHMENT:
		return one_in(f, 4) ? 0 : f->attachment;
	case BYTES:
		return (1 + fuzz_random(f, MAPPING_PAGES)) * PAGE;
	case OFFSET:
		return fuzz_random(f, 64) * PAGE;
	case START:
		return start_of(f, row);
	case LENGTH:
		call->nr_status = some(f);
		return call->nr_status * PAGE;
	case NR:
		call->nr_status = some(f);
		return call->nr_status;
	case NR_REQUESTS:
		nr = some(f);
		return one_in(f, 100) ? 512 : nr;
	case NR_MOVES:
		return some(f) * 8;
	case NR_ROOM:
		nr = fuzz_random(f, 8);
		return nr ? MAX_NR : call->nr_status / 2;
	case PAGES:
		fill_pages(f, call->nr_status);
		return (uintptr_t)f->arena.pages;
	case REQUESTS:
		nr = ((struct tw_request_pages *)arg)->nr;
		fill_requests(f, nr < 512 ? nr : 512);
		return (uintptr_t)f->arena.pages;
	case STATUS:
		return one_in(f, 3) ? 0 : (uintptr_t)f->arena.status;
	case INFOS:
		return (uintptr_t)f->arena.infos;
	case PAGE_NUMBER:
		return any_page(f);
	case ENTRY_SIZE:
		if (!one_in(f, 8))
			return m->more;
		return one_in(f, 4) ? wild(f) : m->more + 8 * fuzz_random(f, 8);
	case OWNER:
		return one_in(f, 4) ? any_slot(f, ON_REGION)->id : 0;
	case ADDRESS:
		return mapped_address(f) + fuzz_random(f, PAGE);
	case MASK:
		nr = TW_EVENT_BIT(1 + fuzz_random(f, TW_NR_EVENTS - 1));
		return nr | (fuzz_random(f, TW_EVENT_ALL) & TW_EVENT_ALL);
	case EVENTS:
		return TW_STREAM_MIN_EVENTS << fuzz_random(f, 3);
	case CAPACITY:
		nr = 2048 + fuzz_random(f, 8192);
		return one_in(f, 2) ? 0 : nr;
	case KNOB:
		nr = knob_range[m->more][1] - knob_range[m->more][0] + 1;
		return knob_range[m->more][0] + fuzz_random(f, nr);
	case STORE_FD:
		return fuzz_store_fd[*(uint32_t *)(arg + 4) % TW_NR_TIERS];
	default:
		return 0;
	}
}

/* A value that is wrong, or strange, for its kind. */
static uint64_t bad_value(struct fuzzer *f, const struct member *m)
{
	uint64_t any = wild(f), pointer = bad_pointer(f);
	int fd = one_in(f, 2) ? f->slot[fuzz_random(f, NR_OBJECT_KINDS)][0].fd :
				strange_fd(f);

	switch (m->kind) {
	case AGENT_FD:
	case STORE_FD:
		return fd;
	case PAGES:
	case REQUESTS:
	case INFOS:
	case STATUS:
		return pointer;
	case PID:
		/* Beyond what any process has: no other is to stay attached. */
		return any | 1 << 22;
	case NR:
		/* Thousands of pages are right, too, but take their time. */
		return any <= fuzz_max_pages && fuzz_random(f, 16) ? 0 : any;
	default:
		return any;
	}
}

static void put(unsigned char *arg, const struct member *m, uint64_t value)
{
	memcpy(arg + m->offset, &value, m->bytes);
}

static void put_array(struct fuzzer *f, const struct member *m, bool bad)
{
	unsigned char *to = f->arena.arg + m->offset;
	uint64_t value;
	uint32_t number;
	unsigned int i;

	if (m->kind == PERCENT) {
		for (i = 0; i < 3; i++) {
			number = bad ? wild(f) : rising(f, m->more, i);
			memcpy(to + i * sizeof(number), &number, sizeof(number));
		}
		return;
	}
	for (i = 0; i < TW_NR_TIERS; i++) {
		value = bad ? wild(f) : fuzz_random(f, 4096);
		if (one_in(f, 2))
			value = TW_NO_LIMIT;
		memcpy(to + i * sizeof(value), &value, sizeof(value));
	}
}

static bool has_status(const struct row *row)
{
	const struct member *m;

	for (m = row->members; m->kind != END; m++)
		if (m->kind == STATUS)
			return true;
	return false;
}

static void fill_members(struct fuzzer *f, const struct row *row,
			 struct call *call, unsigned int bad)
{
	const struct member *m;
	bool known = has_status(row);
	uint64_t value;
	unsigned int i;

	for (m = row->members, i = 0; m->kind != END; m++, i++) {
		bool wrong = i == bad;

		if (m->kind == PERCENT || m->kind == LIMITS) {
			put_array(f, m, wrong);
			continue;
		}
		value = good_value(f, row, m, call);
		if (wrong)
			value = bad_value(f, m);
		put(f->arena.arg, m, value);
		/* Who can tell where the outcomes are then, or how many? */
		if (wrong || (m->kind == STATUS && !value))
			known = false;
	}
	if (!known)
		call->nr_status = 0;
}

static unsigned int count_members(const struct row *row)
{
	unsigned int nr = 0;

	while (row->members[nr].kind != END)
		nr++;
	return nr;
}

/* Another size: shorter, longer with an empty tail or not, or any. */
static uint32_t other_size(struct fuzzer *f, const struct row *row)
{
	uint64_t at = row->size + fuzz_random(f, 64), any = wild(f);

	switch (fuzz_random(f, 4)) {
	case 0:
		return fuzz_random(f, row->size);
	case 1:
		return row->size + 4 * fuzz_random(f, 64);
	case 2:
		f->arena.arg[at] = 1;
		return at + 8;
	default:
		return any;
	}
}

static unsigned int choose_row(struct fuzzer *f)
{
	static unsigned int total;
	unsigned int i, at;

	if (!total) {
		unsigned int sum = 0;

		for (i = 0; i < NR_ROWS; i++)
			sum += rows[i].weight;
		total = sum;
	}
	at = fuzz_random(f, total);
	for (i = 0; at >= rows[i].weight; i++)
		at -= rows[i].weight;
	return i;
}

static int choose_fd(struct fuzzer *f, enum object on)
{
	int right = any_slot(f, on)->fd;
	int wrong = f->slot[fuzz_random(f, NR_OBJECT_KINDS)][0].fd;
	int strange = strange_fd(f);

	if (on == ON_DEVICE)
		right = f->device;
	if (!one_in(f, 50))
		return right;
	return one_in(f, 2) ? wrong : strange;
}

static void choose_arg(struct fuzzer *f, struct call *call)
{
	uint64_t pointer = bad_pointer(f);
	uint32_t back = fuzz_random(f, 64), size = fuzz_call_size(call->row);

	call->arg = f->arena.arg;
	call->own = true;
	if (!one_in(f, 40))
		return;
	call->own = false;
	call->nr_status = 0;
	/* Half of them end at the edge of what is mapped, or behind it. */
	if (one_in(f, 2)) {
		call->arg = (void *)(uintptr_t)pointer;
		return;
	}
	back = back & 1 ? size : size - back / 2 % size;
	call->arg = f->arena.edge - back;
	memcpy(call->arg, f->arena.arg, back);
}

void fuzz_generate(struct fuzzer *f, struct call *call)
{
	const struct row *row;
	uint32_t size;
	unsigned int bad;
	bool mutate, odd_size;

	memset(call, 0, sizeof(*call));
	call->row = choose_row(f);
	row = &rows[call->row];
	call->slot = NR_SHARED + fuzz_random(f, NR_OBJECTS - NR_SHARED);
	mutate = one_in(f, 4);
	odd_size = one_in(f, 30);
	bad = fuzz_random(f, 16) % (count_members(row) + 1);
	memset(f->arena.arg, 0, 1024);
	fill_members(f, row, call, mutate ? bad : ~0U);
	size = odd_size ? other_size(f, row) : row->size;
	if (one_in(f, 40)) {
		f->arena.arg[fuzz_random(f, row->size)] ^=
			1 << fuzz_random(f, 8);
		call->nr_status = 0;
	}
	memcpy(f->arena.arg, &size, sizeof(size));
	call->cmd = _IO(TW_IOC_TYPE, row->nr);
	call->fd = choose_fd(f, row->on);
	choose_arg(f, call);
	if (one_in(f, 100)) {
		call->cmd ^= 1UL << fuzz_random(f, 30);
		call->row = NR_ROWS;
		call->nr_status = 0;
	}
}

bool fuzz_keep(struct fuzzer *f, const struct call *call)
{
	const struct row *row = &rows[call->row];
	unsigned int at = call->slot;
	const unsigned char *arg = call->arg;
	struct slot made = { .fd = -1 };

	if (call->row >= NR_ROWS)
		return true;
	if (call->cmd == TW_IOC_ATTACH)
		f->attachment = ((const struct tw_attach *)arg)->id;
	if (!row->makes)
		return true;
	memcpy(&made.fd, arg + row->fd, sizeof(made.fd));
	if (row->id)
		memcpy(&made.id, arg + row->id, sizeof(made.id));
	if (row->makes == ON_REGION)
		made.pages = ((const struct tw_region_create *)arg)->bytes / PAGE;
	if (made.fd < 0)
		return false;
	if (f->slot[row->makes][at].fd >= 0)
		close(f->slot[row->makes][at].fd);
	f->slot[row->makes][at] = made;
	return true;
}
