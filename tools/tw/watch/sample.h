/* SPDX-License-Identifier: GPL-2.0 */
/* Pages of regions, as they are now. */
#ifndef _TW_SAMPLE_H
#define _TW_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "machine/maps.h"
#include "tw.h"
#include "watch/record_file.h"

/**
 * struct sample_page - a page
 * @region: its region's id
 * @index: in the region
 * @heat: 0..65535
 * @tier: enum tw_tier
 */
struct sample_page {
	__u64 region;
	__u64 index;
	__u16 heat;
	__u8 tier;
};

/**
 * struct sample_label - a region that was met
 * @region: its id
 * @agent: label of its agent
 */
struct sample_label {
	__u64 region;
	__u64 agent;
};

/**
 * struct sampler - what is looked at, and what was seen
 * @tw: the device
 * @by_agent: only pages of agents labelled @agent
 * @agent: the label
 * @only: regions; NULL: any
 * @pid: whose files are borrowed meanwhile, by a caller that needs it; 0: all that
 *	lend theirs
 * @most: how many pages may be looked at; 0: all
 * @every: each how many-th chunk is looked at, a power of 2; 0 before the first look
 * @looked: pages that were looked at, touched or not, wanted or not
 * @pages: @nr of them, region by region and in order
 * @room: pages that @pages has room for
 * @labels: the @nr_labels regions ever met, in no particular order
 * @wanted: with @only: the first pages of these @nr_wanted regions
 * @met: the region of the page met last, or 0
 */
struct sampler {
	struct tw *tw;
	bool by_agent;
	__u64 agent;
	const struct map_list *only;
	unsigned int pid;
	size_t most;
	unsigned int every;
	size_t looked;
	struct sample_page *pages;
	size_t nr;
	size_t room;
	struct sample_label *labels;
	size_t nr_labels;
	__u64 *wanted;
	size_t nr_wanted;
	__u64 met;
};

/* Does the driver know how to leave pages out? 0 or -errno, -E2BIG if not. */
int sample_check(struct tw *tw);
/* Looks at pages; 0 or -errno. */
int sample_take(struct sampler *s);
/* Label of a region's agent. */
__u64 sample_agent(const struct sampler *s, __u64 region);
void sample_free(struct sampler *s);

/*
 * Makes runs of pages, with the regions' own ids in rec_run.region; @runs has room for
 * @nr. With @sparse, each is of one chunk: its neighbour stands for another group.
 * Returns how many.
 */
size_t sample_runs(const struct sample_page *pages, size_t nr, bool sparse,
		   struct rec_run *runs);

#endif /* _TW_SAMPLE_H */
