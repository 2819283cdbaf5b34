/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace.h - tracepoints tier_watch:tier_watch_fault and :tier_watch_migrate
 *
 * They carry the same facts as events of a stream, for ftrace, perf and BPF. @page
 * is a page's stable number and @agent a label, as in uapi; times are in ns.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tier_watch

#if !defined(_TW_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TW_TRACE_H

#include <linux/tierwatch.h>
#include <linux/tracepoint.h>

/* Lets tools that read the format files know the values of these enums. */
TRACE_DEFINE_ENUM(TW_TIER_GPU);
TRACE_DEFINE_ENUM(TW_TIER_CPU);
TRACE_DEFINE_ENUM(TW_TIER_NVME);
TRACE_DEFINE_ENUM(TW_TIER_SSD);
TRACE_DEFINE_ENUM(TW_TIER_HDD);
TRACE_DEFINE_ENUM(TW_TIER_NONE);
TRACE_DEFINE_ENUM(TW_REASON_MANUAL);
TRACE_DEFINE_ENUM(TW_REASON_HOT);
TRACE_DEFINE_ENUM(TW_REASON_COLD);
TRACE_DEFINE_ENUM(TW_REASON_PRESSURE);
TRACE_DEFINE_ENUM(TW_REASON_NUMA);
TRACE_DEFINE_ENUM(TW_REASON_FAULT);
TRACE_DEFINE_ENUM(TW_REASON_EVACUATE);

/* TW_PAGE_REGION() and TW_PAGE_INDEX() in a form that such tools can parse. */
#define tw_trace_region(page)	(((page) << 1) >> 36)
#define tw_trace_index(page)	((page) & 0x7ffffffff)

#define tw_trace_tier(tier) __print_symbolic(tier,			\
	{ TW_TIER_GPU,	"gpu" },					\
	{ TW_TIER_CPU,	"cpu" },					\
	{ TW_TIER_NVME,	"nvme" },					\
	{ TW_TIER_SSD,	"ssd" },					\
	{ TW_TIER_HDD,	"hdd" },					\
	{ TW_TIER_NONE,	"none" })

#define tw_trace_reason(reason) __print_symbolic(reason,		\
	{ TW_REASON_MANUAL,	"manual" },				\
	{ TW_REASON_HOT,	"hot" },				\
	{ TW_REASON_COLD,	"cold" },				\
	{ TW_REASON_PRESSURE,	"pressure" },				\
	{ TW_REASON_NUMA,	"numa" },				\
	{ TW_REASON_FAULT,	"fault" },				\
	{ TW_REASON_EVACUATE,	"evacuate" })

#define tw_trace_fault_flags(flags) __print_flags(flags, "|",		\
	{ TW_FAULT_WRITE,	"write" },				\
	{ TW_FAULT_MAJOR,	"major" },				\
	{ TW_FAULT_FIRST,	"first" })

TRACE_EVENT(tier_watch_fault,

	TP_PROTO(u64 page, u64 agent, unsigned long addr, int tier,
		 int to_tier, u32 flags, u64 latency_ns),

	TP_ARGS(page, agent, addr, tier, to_tier, flags, latency_ns),

	TP_STRUCT__entry(
		__field(u64, page)
		__field(u64, agent)
		__field(unsigned long, addr)
		__field(u64, latency_ns)
		__field(u32, flags)
		__field(u8, tier)
		__field(u8, to_tier)
	),

	TP_fast_assign(
		__entry->page = page;
		__entry->agent = agent;
		__entry->addr = addr;
		__entry->latency_ns = latency_ns;
		__entry->flags = flags;
		__entry->tier = tier;
		__entry->to_tier = to_tier;
	),

	TP_printk("page=0x%llx region=%llu index=%llu agent=%llu addr=0x%lx tier=%s to=%s flags=%s latency_ns=%llu",
		  __entry->page, tw_trace_region(__entry->page),
		  tw_trace_index(__entry->page), __entry->agent, __entry->addr,
		  tw_trace_tier(__entry->tier), tw_trace_tier(__entry->to_tier),
		  tw_trace_fault_flags(__entry->flags), __entry->latency_ns)
);

TRACE_EVENT(tier_watch_migrate,

	TP_PROTO(u64 page, u64 agent, int from, int to, int reason, int status,
		 u64 latency_ns),

	TP_ARGS(page, agent, from, to, reason, status, latency_ns),

	TP_STRUCT__entry(
		__field(u64, page)
		__field(u64, agent)
		__field(u64, latency_ns)
		__field(int, status)
		__field(u8, from)
		__field(u8, to)
		__field(u8, reason)
	),

	TP_fast_assign(
		__entry->page = page;
		__entry->agent = agent;
		__entry->latency_ns = latency_ns;
		__entry->status = status;
		__entry->from = from;
		__entry->to = to;
		__entry->reason = reason;
	),

	TP_printk("page=0x%llx region=%llu index=%llu agent=%llu from=%s to=%s reason=%s status=%d latency_ns=%llu",
		  __entry->page, tw_trace_region(__entry->page),
		  tw_trace_index(__entry->page), __entry->agent,
		  tw_trace_tier(__entry->from), tw_trace_tier(__entry->to),
		  tw_trace_reason(__entry->reason), __entry->status,
		  __entry->latency_ns)
);

#endif /* _TW_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
