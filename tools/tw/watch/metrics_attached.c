// SPDX-License-Identifier: GPL-2.0
/*
 * tw metrics: attached programs, the largest ones.
 */
#include <stdio.h>

#include "machine/process.h"
#include "program/attachments.h"
#include "watch/metrics.h"

/* An id is never used again; a pid and a name may be. */
static void put_labels(char *labels, size_t size, const struct tw_attached *a)
{
	char name[PROCESS_NAME_LEN] = "", value[METRIC_VALUE_LEN];

	if (a->pid)
		process_name(a->pid, name);
	snprintf(labels, size, "attachment=\"%llu\",pid=\"%d\",program=\"%s\"",
		 (unsigned long long)a->id, a->pid, metric_value(value, name));
}

static void put_tiers(FILE *f, const struct attachments *all, size_t nr,
		      __u32 page_size)
{
	static const struct metric used = {
		"attached_used_bytes", false,
		"Memory of an attached program in a tier; the largest programs."
	};
	char whose[METRIC_VALUE_LEN + 64], labels[METRIC_VALUE_LEN + 96];
	size_t i;
	int t;

	metric_begin(f, &used);
	for (i = 0; i < nr; i++) {
		put_labels(whose, sizeof(whose), &all->one[i]);
		for (t = 0; t < TW_NR_TIERS; t++) {
			snprintf(labels, sizeof(labels), "%s,tier=\"%s\"", whose,
				 tw_tier_name(t));
			metric_sample(f, &used, labels, all->one[i].pages[t],
				      METRIC_PAGES, page_size);
		}
	}
}

static void put_each(FILE *f, const struct metric *m, const struct attachments *all,
		     size_t nr, __u64 (*of)(const struct tw_attached *a),
		     enum metric_unit unit, __u32 page_size)
{
	char labels[METRIC_VALUE_LEN + 64];
	size_t i;

	metric_begin(f, m);
	for (i = 0; i < nr; i++) {
		put_labels(labels, sizeof(labels), &all->one[i]);
		metric_sample(f, m, labels, of(&all->one[i]), unit, page_size);
	}
}

static __u64 elsewhere(const struct tw_attached *a)
{
	return a->elsewhere;
}

static __u64 swapped(const struct tw_attached *a)
{
	return a->swapped;
}

static __u64 scans(const struct tw_attached *a)
{
	return a->scans;
}

static __u64 seen(const struct tw_attached *a)
{
	return !(a->state & (TW_ATTACHED_BLIND | TW_ATTACHED_PARTLY));
}

/* Of memory that is not watched there is none to tell where its process is not seen. */
static void put_beside(FILE *f, const struct attachments *all, size_t nr)
{
	static const struct metric metric[] = {
		{ "attached_file_bytes", false,
		  "Files that an attached program has mapped, in memory and not watched." },
		{ "attached_shared_bytes", false,
		  "Shared memory that an attached program has mapped, in memory and not watched." },
	};
	char labels[METRIC_VALUE_LEN + 64];
	struct process_memory m;
	size_t i, k;

	for (k = 0; k < 2; k++) {
		metric_begin(f, &metric[k]);
		for (i = 0; i < nr; i++) {
			if (!all->one[i].pid || process_memory(all->one[i].pid, &m))
				continue;
			put_labels(labels, sizeof(labels), &all->one[i]);
			metric_sample(f, &metric[k], labels, k ? m.shared : m.file,
				      METRIC_PLAIN, 0);
		}
	}
}

void metrics_attached(FILE *f, const struct attachments *all, size_t most,
		      __u32 page_size)
{
	static const struct metric programs = {
		"attached_programs", false,
		"Programs that are attached, as far as they may be seen."
	};
	static const struct metric outside = {
		"attached_elsewhere_bytes", false,
		"Memory of an attached program that is in no bound tier."
	};
	static const struct metric out = {
		"attached_swapped_bytes", false,
		"Memory of an attached program that is swapped out, anywhere."
	};
	static const struct metric times = {
		"attached_scans_total", true,
		"Times that an attached program was scanned."
	};
	static const struct metric whole = {
		"attached_seen", false,
		"1: all touches of an attached program are seen."
	};
	size_t nr = all->nr < most ? all->nr : most;

	metric_begin(f, &programs);
	metric_sample(f, &programs, NULL, all->nr, METRIC_PLAIN, 0);
	if (!nr)
		return;
	put_tiers(f, all, nr, page_size);
	put_each(f, &outside, all, nr, elsewhere, METRIC_PAGES, page_size);
	put_each(f, &out, all, nr, swapped, METRIC_PAGES, page_size);
	put_beside(f, all, nr);
	put_each(f, &times, all, nr, scans, METRIC_PLAIN, page_size);
	put_each(f, &whole, all, nr, seen, METRIC_PLAIN, page_size);
}
