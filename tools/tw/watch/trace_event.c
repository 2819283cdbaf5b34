// SPDX-License-Identifier: GPL-2.0
/*
 * tw trace: which events are shown, and how one looks.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
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

/*
 * An event of this type tells of a fault that found no room, or of an agent
 * that has got over its limit; that one names no tier that a page is to go to.
 */
static bool is_excess(const struct tw_event *e)
{
	return e->type == TW_EVENT_LIMIT && e->to_tier == TW_TIER_NONE;
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
		if (is_excess(e))
			printf(" %s: %llu pages, over the agent's limit",
			       tw_tier_name(e->tier),
			       (unsigned long long)e->addr);
		else
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

void trace_print(const struct tw_event *e, unsigned int cpu,
		 struct agents_known *agents)
{
	char agent[AGENT_TEXT_LEN];

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
		printf(", agent %s",
		       agent_text(agent, agent_known_label(agents, e->agent),
				  e->agent));
	if (e->pid)
		printf(", pid %u", e->pid);
	putchar('\n');
}

static const char *yes(__u32 flag)
{
	return flag ? "true" : "false";
}

/* A name is clean text, of which only these two mean something in a string. */
static void json_agent(const struct tw_event *e, struct agents_known *agents)
{
	char name[AGENT_TEXT_LEN];
	const char *c;

	printf(",\"agent\":%llu,\"agent_name\":\"",
	       (unsigned long long)e->agent);
	for (c = agent_name(name, agent_known_label(agents, e->agent),
			    e->agent); *c; c++) {
		if (*c == '"' || *c == '\\')
			putchar('\\');
		putchar(*c);
	}
	putchar('"');
}

static void json_page_of(const struct tw_event *e)
{
	printf(",\"page\":\"0x%llx\"", (unsigned long long)e->page);
}

/* Where a page was and is to be. */
static void json_move(const struct tw_event *e)
{
	printf(",\"tier\":\"%s\",\"to_tier\":\"%s\"", tw_tier_name(e->tier),
	       tw_tier_name(e->to_tier));
}

static void json_tier(const struct tw_event *e)
{
	printf(",\"tier\":\"%s\"", tw_tier_name(e->tier));
}

static void json_outcome(const struct tw_event *e)
{
	printf(",\"reason\":\"%s\",\"latency_ns\":%u,\"status\":%d",
	       tw_reason_name(e->reason), e->latency_ns, e->status);
}

static void json_fault(const struct tw_event *e, struct agents_known *agents)
{
	json_move(e);
	json_page_of(e);
	json_agent(e, agents);
	printf(",\"addr\":\"0x%llx\",\"latency_ns\":%u,\"write\":%s,\"major\":%s,\"first\":%s",
	       (unsigned long long)e->addr, e->latency_ns,
	       yes(e->flags & TW_FAULT_WRITE), yes(e->flags & TW_FAULT_MAJOR),
	       yes(e->flags & TW_FAULT_FIRST));
}

static void json_limit(const struct tw_event *e, struct agents_known *agents)
{
	json_tier(e);
	json_agent(e, agents);
	if (is_excess(e)) {
		printf(",\"used\":%llu", (unsigned long long)e->addr);
	} else {
		json_page_of(e);
		printf(",\"addr\":\"0x%llx\"", (unsigned long long)e->addr);
	}
	printf(",\"status\":%d", e->status);
}

/* What only events of this type have. */
static void json_rest(const struct tw_event *e, struct agents_known *agents)
{
	switch (e->type) {
	case TW_EVENT_FAULT:
		json_fault(e, agents);
		break;
	case TW_EVENT_MIGRATE:
		json_move(e);
		json_page_of(e);
		json_agent(e, agents);
		json_outcome(e);
		printf(",\"asked\":%s", yes(e->flags & TW_MIGRATE_ASKED));
		break;
	case TW_EVENT_PRESSURE:
		json_tier(e);
		printf(",\"level\":\"%s\",\"used\":%llu",
		       tw_level_name(e->status), (unsigned long long)e->addr);
		break;
	case TW_EVENT_LIMIT:
		json_limit(e, agents);
		break;
	case TW_EVENT_TIER_BOUND:
		json_tier(e);
		printf(",\"capacity\":%llu", (unsigned long long)e->addr);
		break;
	case TW_EVENT_TIER_UNBOUND:
		json_tier(e);
		break;
	case TW_EVENT_TIER_ERROR:
		json_tier(e);
		printf(",\"status\":%d", e->status);
		break;
	case TW_EVENT_AGENT_CREATED:
	case TW_EVENT_AGENT_ENDED:
		json_agent(e, agents);
		break;
	case TW_EVENT_REQUEST:
		printf(",\"request\":%llu", (unsigned long long)e->addr);
		json_move(e);
		json_page_of(e);
		json_agent(e, agents);
		json_outcome(e);
		break;
	default:
		break;
	}
}

/*
 * Printed as it is, since there may be a hundred thousand a second: building a
 * document and taking it apart again is most of the time then. All strings
 * but an agent's name are words that need no escapes.
 */
void trace_json(const struct tw_event *e, unsigned int cpu,
		struct agents_known *agents)
{
	static char schema[JSON_SCHEMA_LEN];

	if (!*schema)
		json_schema(schema, JSON_TRACE);
	printf("{\"schema\":\"%s\",\"time_ns\":%llu,\"cpu\":%u,\"number\":%llu,\"type\":\"%s\",\"pid\":%u",
	       schema, (unsigned long long)e->time_ns, cpu,
	       (unsigned long long)e->seq / 2 - 1, tw_event_name(e->type),
	       e->pid);
	json_rest(e, agents);
	fputs("}\n", stdout);
}
