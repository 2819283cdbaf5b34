// SPDX-License-Identifier: GPL-2.0
/*
 * tw trace: which events are shown, and how one looks.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "tw.h"
#include "watch/trace.h"

/* Events name the thread; one that has ended already belongs to nobody. */
static bool thread_of(struct trace_filter *f, __u32 tid)
{
	unsigned int slot = tid % TRACE_THREADS;
	char path[64];

	if (tid == f->pid)
		return true;
	if (f->thread[slot].tid != tid) {
		snprintf(path, sizeof(path), "/proc/%u/task/%u", f->pid, tid);
		f->thread[slot].tid = tid;
		f->thread[slot].ours = !access(path, F_OK);
	}
	return f->thread[slot].ours;
}

bool trace_wanted(struct trace_filter *f, const struct tw_event *e)
{
	bool moves = e->type == TW_EVENT_FAULT || e->type == TW_EVENT_MIGRATE;

	if (f->tier != TW_TIER_NONE && e->tier != f->tier &&
	    !(moves && e->to_tier == f->tier))
		return false;
	if (f->by_agent && e->agent != f->agent)
		return false;
	if (f->slower_ns && e->latency_ns <= f->slower_ns)
		return false;
	return !f->pid || (e->pid && thread_of(f, e->pid));
}

static void print_fault(const struct tw_event *e)
{
	char page[TEXT_LEN], ns[TEXT_LEN];

	printf(" %s %s in %s", e->flags & TW_FAULT_WRITE ? "write" : "read",
	       text_page(page, e->page), tw_tier_name(e->tier));
	if (e->to_tier != e->tier)
		printf(" -> %s", tw_tier_name(e->to_tier));
	printf("%s%s, addr 0x%llx, %s",
	       e->flags & TW_FAULT_MAJOR ? " major" : "",
	       e->flags & TW_FAULT_FIRST ? " first" : "",
	       (unsigned long long)e->addr, text_ns(ns, e->latency_ns));
}

static void print_migrate(const struct tw_event *e)
{
	char page[TEXT_LEN], ns[TEXT_LEN];

	printf(" %s %s -> %s, %s, %s", text_page(page, e->page),
	       tw_tier_name(e->tier), tw_tier_name(e->to_tier),
	       tw_reason_name(e->reason), text_ns(ns, e->latency_ns));
	if (e->flags & TW_MIGRATE_ASKED)
		printf(", asked for");
	if (e->status < 0)
		printf(", failed: %s", strerror(-e->status));
}

/* What there is to say of the events that are about more than a page. */
static void print_rest(const struct tw_event *e)
{
	char page[TEXT_LEN], ns[TEXT_LEN];

	switch (e->type) {
	case TW_EVENT_PRESSURE:
		printf(" %s: %s, %llu pages used", tw_tier_name(e->tier),
		       tw_level_name(e->status), (unsigned long long)e->addr);
		break;
	case TW_EVENT_TIER_BOUND:
		printf(" %s: %llu pages", tw_tier_name(e->tier),
		       (unsigned long long)e->addr);
		break;
	case TW_EVENT_TIER_UNBOUND:
		printf(" %s", tw_tier_name(e->tier));
		break;
	case TW_EVENT_TIER_ERROR:
		printf(" %s: %s", tw_tier_name(e->tier),
		       strerror(e->status < 0 ? -e->status : e->status));
		break;
	case TW_EVENT_LIMIT:
		printf(" %s, addr 0x%llx", text_page(page, e->page),
		       (unsigned long long)e->addr);
		break;
	case TW_EVENT_REQUEST:
		printf(" %llu: %s, %s", (unsigned long long)e->addr,
		       e->status < 0 ? strerror(-e->status) : "done",
		       text_ns(ns, e->latency_ns));
		break;
	default:
		break;
	}
}

void trace_print(const struct tw_event *e, unsigned int cpu)
{
	printf("%llu.%09llu cpu %u %s", (unsigned long long)e->time_ns / 1000000000,
	       (unsigned long long)e->time_ns % 1000000000, cpu,
	       tw_event_name(e->type));
	if (e->type == TW_EVENT_FAULT)
		print_fault(e);
	else if (e->type == TW_EVENT_MIGRATE)
		print_migrate(e);
	else
		print_rest(e);
	if (e->agent)
		printf(", agent %llu", (unsigned long long)e->agent);
	if (e->pid)
		printf(", pid %u", e->pid);
	putchar('\n');
}

static const char *yes(__u32 flag)
{
	return flag ? "true" : "false";
}

/*
 * In one go, since there may be a hundred thousand a second: building a
 * document of 16 members and taking it apart again is most of the time then.
 * All strings are words that need no escapes.
 */
void trace_json(const struct tw_event *e, unsigned int cpu)
{
	printf("{\"time_ns\":%llu,\"cpu\":%u,\"number\":%llu,\"type\":\"%s\","
	       "\"tier\":\"%s\",\"to_tier\":\"%s\",\"reason\":\"%s\","
	       "\"page\":\"0x%llx\",\"addr\":\"0x%llx\",\"agent\":%llu,"
	       "\"pid\":%u,\"latency_ns\":%u,\"status\":%d,",
	       (unsigned long long)e->time_ns, cpu,
	       (unsigned long long)e->seq / 2 - 1, tw_event_name(e->type),
	       tw_tier_name(e->tier), tw_tier_name(e->to_tier),
	       tw_reason_name(e->reason), (unsigned long long)e->page,
	       (unsigned long long)e->addr, (unsigned long long)e->agent,
	       e->pid, e->latency_ns, e->status);
	if (e->type == TW_EVENT_PRESSURE)
		printf("\"level\":\"%s\",", tw_level_name(e->status));
	printf("\"write\":%s,\"major\":%s,\"first\":%s,\"asked\":%s}\n",
	       yes(e->flags & TW_FAULT_WRITE), yes(e->flags & TW_FAULT_MAJOR),
	       yes(e->flags & TW_FAULT_FIRST),
	       yes(e->flags & TW_MIGRATE_ASKED));
}
