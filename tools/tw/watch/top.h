/* SPDX-License-Identifier: GPL-2.0 */
/* tw top: what is looked at, what is made of it, and how it is shown. */
#ifndef _TW_TOP_H
#define _TW_TOP_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/agent_known.h"
#include "program/attachments.h"
#include "tw.h"

/* Bytes of a line: three for each column of a bar. */
#define TOP_LINE_LEN	2048

/**
 * struct top_tier - a tier at a time
 * @now: its block of the statistics
 * @sum: its counters
 * @heat: its pages by heat
 */
struct top_tier {
	struct tw_stats_tier now;
	struct tw_stats_counters sum;
	__u64 heat[TW_HEAT_BANDS];
};

/**
 * struct top_agent - an agent at a time
 * @id: label
 * @uid: whose it is
 * @user_ns: of this user namespace
 * @is_default: of a cgroup
 * @known: what it is called
 * @pages: by enum tw_tier, external ones included
 * @faults: since it came to be
 * @regions: alive
 */
struct top_agent {
	__u64 id;
	__u32 uid;
	__u64 user_ns;
	bool is_default;
	struct agent_known known;
	__u64 pages[TW_NR_TIERS];
	__u64 faults;
	__u64 regions;
};

/**
 * struct top_snap - everything at a time
 * @time_ns: CLOCK_MONOTONIC
 * @tier: by enum tw_tier
 * @regions: alive
 * @nr_agents_alive: as the driver counts them
 * @streams: alive
 * @lost: pages
 * @sigbus: faults that ended so
 * @promoted: by the policy
 * @demoted: by the policy
 * @scanning: pages are scanned, or nobody can tell
 * @agent: @nr_agents of them
 * @agents_err: why there are none: -errno
 * @attached: programs, the largest ones first
 */
struct top_snap {
	__u64 time_ns;
	struct top_tier tier[TW_NR_TIERS];
	__u64 regions;
	__u64 nr_agents_alive;
	__u64 streams;
	__u64 lost;
	__u64 sigbus;
	__u64 promoted;
	__u64 demoted;
	bool scanning;
	struct top_agent *agent;
	size_t nr_agents;
	int agents_err;
	struct attachments attached;
};

enum top_sort {
	TOP_SORT_PAGES,
	TOP_SORT_MEMORY,
	TOP_SORT_FAULTS,
	TOP_SORT_ID,
	TOP_NR_SORTS,
};

extern const char * const top_sort_names[TOP_NR_SORTS];

/* Of what there is a history; a second, but for the share of a tier in use. */
enum top_past {
	TOP_PAST_FAULTS,
	TOP_PAST_MAJOR,
	TOP_PAST_MOVES,
	TOP_PAST_USE,
	TOP_NR_PASTS,
};

extern const char * const top_past_names[TOP_NR_PASTS];

/* As many looks as the widest screen has columns. */
#define TOP_PAST_LOOKS	512

/**
 * struct top_history - the last looks
 * @value: by tier and enum top_past; look n is at n % TOP_PAST_LOOKS
 * @nr: looks so far
 */
struct top_history {
	double value[TW_NR_TIERS][TOP_NR_PASTS][TOP_PAST_LOOKS];
	unsigned int nr;
};

/**
 * struct top_tier_row - a tier's figures, rates a second
 */
struct top_tier_row {
	double faults;
	double major;
	double in;
	double out;
	double read;
	double written;
};

/**
 * struct top_agent_row - an agent's figures
 * @agent: see there
 * @total: pages in all tiers
 * @memory: of them, in memory
 * @faults: a second
 */
struct top_agent_row {
	struct top_agent agent;
	__u64 total;
	__u64 memory;
	double faults;
};

/**
 * struct top_view - what there is to show
 * @snap: the later of two
 * @seconds: between them
 * @tier: by enum tw_tier
 * @agent: sorted, @snap->nr_agents of them
 * @promoted: a second
 * @demoted: a second
 * @sort: by what
 * @reverse: the other way round
 * @pages: amounts are pages, not bytes
 * @page_size: bytes
 * @history: of the looks before, this one included; NULL: there is none
 * @past: what of it is shown
 */
struct top_view {
	const struct top_snap *snap;
	double seconds;
	struct top_tier_row tier[TW_NR_TIERS];
	struct top_agent_row *agent;
	double promoted;
	double demoted;
	enum top_sort sort;
	bool reverse;
	bool pages;
	__u32 page_size;
	struct top_history *history;
	enum top_past past;
};

/* top_agents.c */

/* All agents, to be freed; -errno when they can't be listed. */
int top_agents(struct agents_known *known, struct top_agent **agents,
	       size_t *nr);
/* @known: what it is called, or NULL. */
void top_agent_of(struct top_agent *a, const struct tw_agent_entry *e,
		  const struct agent_known *known);

/* top_data.c */
void top_look(struct top_snap *snap, struct agents_known *known,
	      const struct tw_stats *stats);
void top_snap_free(struct top_snap *snap);
/* Fills the view's figures from two snaps; 0 or -ENOMEM. */
int top_compare(struct top_view *view, const struct top_snap *before,
		const struct top_snap *now);
/* Sorts them anew. */
void top_sort_agents(struct top_view *view);
/* Adds what is shown now to the history. */
void top_remember(struct top_view *view);
/* The value of @back looks ago, 0 being the last; there are view->history->nr. */
double top_past_value(const struct top_view *view, int tier, unsigned int back);
/* A count (base 1000) or bytes (1024) in five characters: "12345", "1.2M". */
const char *top_short(char *buf, double value, unsigned int base);

/* top_text.c */

enum top_look_of {
	TOP_PLAIN, TOP_HEAD, TOP_TITLE, TOP_MEDIUM, TOP_HIGH, TOP_CRITICAL,
};

/**
 * struct top_line - a line to show
 * @text: of it
 * @look: enum top_look_of
 */
struct top_line {
	char text[TOP_LINE_LEN];
	enum top_look_of look;
};

/* Up to @rows lines for a screen that is @cols wide; how many. */
unsigned int top_text(const struct top_view *view, struct top_line *line,
		      unsigned int rows, unsigned int cols, bool utf8);

/* The same of what the screen's keys do and its words mean. */
unsigned int top_help(struct top_line *line, unsigned int rows);

/* top_screen.c */

/* Until the user quits; the exit code. */
int top_screen(struct agents_known *known, const struct tw_stats *stats,
	       struct top_view *view, __u64 interval_ns);

#endif /* _TW_TOP_H */
