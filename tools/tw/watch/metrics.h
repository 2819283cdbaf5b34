/* SPDX-License-Identifier: GPL-2.0 */
/* The text format of Prometheus, and what goes into it. */
#ifndef _TW_METRICS_H
#define _TW_METRICS_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

#include "tw.h"

/* What a figure is in, and how it becomes a base unit. */
enum metric_unit { METRIC_PLAIN, METRIC_PAGES, METRIC_NS, METRIC_US, METRIC_MS };

/**
 * struct metric - a metric
 * @name: without the prefix
 * @counter: it only grows; else a gauge
 * @help: one line
 * @histogram: it is one, of parts
 */
struct metric {
	const char *name;
	bool counter;
	const char *help;
	bool histogram;
};

/* metrics_text.c: all go to @f; NULL: to the JSON document. */
void metric_begin(FILE *f, const struct metric *m);
/*
 * A sample of it. @labels, without braces, may be NULL. Pages become bytes by
 * @page_size, times become seconds.
 */
void metric_sample(FILE *f, const struct metric *m, const char *labels,
		   __u64 value, enum metric_unit unit, __u32 page_size);

/* A sample of a histogram: @part is _bucket, _sum or _count. */
void metric_part(FILE *f, const struct metric *m, const char *part,
		 const char *labels, __u64 value, enum metric_unit unit);

/*
 * Any text as a label's value, without the quotes around it. A long one is cut
 * in front. Into a buffer of METRIC_VALUE_LEN, which is returned.
 */
#define METRIC_VALUE_LEN	520
const char *metric_value(char *buf, const char *text);

struct agents_known;
struct attachments;

void metrics_latency(FILE *f, const struct tw_stats *stats);

/* The first @nr, which are to be the largest ones; @known: what they are called. */
void metrics_agents(FILE *f, struct agents_known *known,
		    const struct tw_agent_entry *a, size_t nr, __u32 page_size);

/**
 * struct metric_groups - cgroups and users that have limits, the largest first
 * @group: they; @path is a cgroup's, empty of a user
 * @nr: how many
 */
struct metric_groups {
	struct metric_group {
		char *path;
		struct tw_group_limits limits;
	} *group;
	size_t nr;
};

/* metrics_groups.c: of a caller who may not know of any there are none. 0 or -errno */
int metric_groups_load(struct tw *tw, struct metric_groups *all);
void metric_groups_free(struct metric_groups *all);
/* The first @most. */
void metrics_groups(FILE *f, const struct metric_groups *all, size_t most, __u32 page_size);

/* Of attached programs the first @most, which are to be the largest ones. */
void metrics_attached(FILE *f, const struct attachments *all, size_t most,
		      __u32 page_size);

#endif /* _TW_METRICS_H */
