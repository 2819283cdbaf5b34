/* SPDX-License-Identifier: GPL-2.0 */
/* tw trace: which events, and how they look. */
#ifndef _TW_TRACE_H
#define _TW_TRACE_H

#include <stdbool.h>

#include "agent/agent_known.h"
#include "tw.h"

/* A direct-mapped memory of which threads are of --pid's process. */
#define TRACE_THREADS	256

/**
 * struct trace_filter - which events are shown
 * @tier: enum tw_tier that the page leaves or comes to; TW_TIER_NONE: any
 * @by_agent: only of agents labelled @agent
 * @agent: the label
 * @pid: only of this process's threads; 0: any
 * @slower_ns: only what took longer; 0: any
 * @thread: threads that were looked up
 */
struct trace_filter {
	int tier;
	bool by_agent;
	__u64 agent;
	__u32 pid;
	__u32 slower_ns;
	struct {
		__u32 tid;
		bool ours;
	} thread[TRACE_THREADS];
};

bool trace_wanted(struct trace_filter *f, const struct tw_event *e);
/* A line of text, ended by a newline. */
void trace_print(const struct tw_event *e, unsigned int cpu,
		 struct agents_known *agents);
/* A line of JSON. */
void trace_json(const struct tw_event *e, unsigned int cpu,
		struct agents_known *agents);

#endif /* _TW_TRACE_H */
