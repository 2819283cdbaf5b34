// SPDX-License-Identifier: GPL-2.0
/*
 * A recording as a grid: columns are time, rows are pages, region by region.
 *
 * Regions get rows in proportion to their pages, from the first that was ever
 * touched to the last; one with a wide gap, as an attached program's address space has
 * several, is as many bands as it has parts. A cell is the mean over its pages and its time, whether
 * a page takes several rows or a row several pages.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/text.h"
#include "tw.h"
#include "watch/heatmap.h"
#include "watch/record_file.h"

/*
 * Pages that were never touched and separate two bands of a region: 64 MiB, or what some
 * chunks stand for.
 */
#define GAP_PAGES	16384
#define GAP_CHUNKS	2

/* -- bands --------------------------------------------------------------------- */

static int earlier(const void *a, const void *b)
{
	const struct hm_band *x = a, *y = b;

	if (x->region != y->region)
		return x->region < y->region ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

static int larger(const void *a, const void *b)
{
	const struct hm_band *x = a, *y = b;

	if (x->pages != y->pages)
		return x->pages > y->pages ? -1 : 1;
	return earlier(a, b);
}

/* The bands of the wanted runs, one for each, in the order of their pages. */
static size_t run_bands(struct hm_band *bands, const struct recording *rec,
			__u64 only, unsigned int *heat_max)
{
	size_t i, nr = 0;

	for (i = 0; i < rec->nr_runs; i++) {
		const struct rec_run *run = &rec->runs[i];

		if (only && rec->regions[run->region].id != only)
			continue;
		bands[nr++] = (struct hm_band){
			.region = run->region,
			.first = run->index,
			.pages = run->nr,
		};
		if (run->heat > *heat_max)
			*heat_max = run->heat;
	}
	qsort(bands, nr, sizeof(*bands), earlier);
	return nr;
}

static __u64 widest_gap(const struct recording *rec)
{
	__u64 pages = (__u64)GAP_CHUNKS * rec->every_max * rec->sparse.chunk;

	return pages > GAP_PAGES ? pages : GAP_PAGES;
}

/* Joins those of a region that are not far from each other; returns how many are left. */
static size_t join_bands(struct hm_band *bands, size_t nr, __u64 gap)
{
	size_t i, left = 0;

	for (i = 0; i < nr; i++) {
		struct hm_band *last = left ? &bands[left - 1] : NULL;
		const struct hm_band *b = &bands[i];
		__u64 end = b->first + b->pages;

		if (!last || last->region != b->region ||
		    b->first > last->first + last->pages + gap)
			bands[left++] = *b;
		else if (end > last->first + last->pages)
			last->pages = end - last->first;
	}
	return left;
}

/* All regions that have pages, with the pages to show. */
static int find_bands(struct hm_grid *g, const struct recording *rec,
		      __u64 only)
{
	g->bands = calloc(rec->nr_runs + 1, sizeof(*g->bands));
	if (!g->bands)
		return -ENOMEM;
	g->nr_bands = join_bands(g->bands, run_bands(g->bands, rec, only,
						     &g->heat_max),
				 widest_gap(rec));
	return g->nr_bands ? 0 : -ENODATA;
}

/* The largest get a row at least; those that there is no room for are counted. */
static void place_bands(struct hm_grid *g, unsigned int gap)
{
	unsigned int most = (g->rows + gap) / (1 + gap), left, row = 0;
	__u64 pages = 0;
	size_t i;

	qsort(g->bands, g->nr_bands, sizeof(*g->bands), larger);
	if (g->nr_bands > most) {
		g->hidden = g->nr_bands - most;
		g->nr_bands = most;
	}
	for (i = 0; i < g->nr_bands; i++)
		pages += g->bands[i].pages;
	left = g->rows - (g->nr_bands - 1) * gap;
	/* From the smallest, so that what its least row takes is shared. */
	for (i = g->nr_bands; i-- > 0; ) {
		struct hm_band *b = &g->bands[i];

		b->rows = (double)left * b->pages / pages + 0.5;
		if (!b->rows)
			b->rows = 1;
		left -= b->rows;
		pages -= b->pages;
	}
	qsort(g->bands, g->nr_bands, sizeof(*g->bands), earlier);
	for (i = 0; i < g->nr_bands; i++) {
		g->bands[i].row = row;
		row += g->bands[i].rows + gap;
	}
}

/* The last band that begins at or before a page, if the page is in it. */
static const struct hm_band *band_of(const struct hm_grid *g, __u32 region,
				     __u64 index)
{
	size_t low = 0, high = g->nr_bands;
	const struct hm_band *b;

	while (low < high) {
		size_t mid = (low + high) / 2;

		b = &g->bands[mid];
		if (b->region < region || (b->region == region && b->first <= index))
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return NULL;
	b = &g->bands[low - 1];
	return b->region == region && index < b->first + b->pages ? b : NULL;
}

/* -- cells ----------------------------------------------------------------------- */

/**
 * struct sum - what a cell of the present column is made of
 * @pages: by tier
 * @heat: times pages
 */
struct sum {
	double pages[TW_NR_TIERS];
	double heat;
};

/* A run's share of each row that it touches. */
static void add_run(struct sum *sums, const struct hm_band *b,
		    const struct rec_run *run)
{
	double scale = (double)b->rows / b->pages;
	double from = (run->index - b->first) * scale;
	double to = from + run->nr * scale;
	unsigned int row;

	for (row = from; row < b->rows && row < to; row++) {
		double low = row > from ? row : from;
		double high = row + 1 < to ? row + 1 : to;
		double pages = (high - low) / scale;
		struct sum *sum = &sums[b->row + row];

		/* What rounding leaves is not a page. */
		if (pages < 1e-6)
			continue;
		sum->pages[run->tier] += pages;
		sum->heat += pages * run->heat;
	}
}

static void add_sample(struct sum *sums, const struct hm_grid *g,
		       const struct recording *rec, const struct rec_sample *s)
{
	size_t i;

	for (i = s->first; i < s->first + s->nr; i++) {
		const struct rec_run *run = &rec->runs[i];
		const struct hm_band *b = band_of(g, run->region, run->index);

		if (b)
			add_run(sums, b, run);
	}
}

static void make_cell(struct hm_cell *cell, const struct sum *sum, size_t nr)
{
	double pages = 0;
	int t;

	for (t = 0; t < TW_NR_TIERS; t++) {
		if (sum->pages[t] > sum->pages[cell->tier])
			cell->tier = t;
		pages += sum->pages[t];
	}
	if (pages > 0)
		cell->heat = sum->heat / pages;
	cell->pages = pages / nr;
}

/*
 * The samples of a column: those that begin in it, or the one whose time it is.
 */
static void column(const struct hm_grid *g, const struct recording *rec,
		   unsigned int col, size_t *first, size_t *nr)
{
	__u64 start = rec->samples[0].time_ns;
	__u64 from = start + (double)g->span_ns * col / g->cols;
	__u64 to = start + (double)g->span_ns * (col + 1) / g->cols;
	size_t i;

	for (i = *first; i < rec->nr_samples && rec->samples[i].time_ns < from;
	     i++)
		;
	for (*nr = 0; i + *nr < rec->nr_samples &&
	     rec->samples[i + *nr].time_ns < to; ++*nr)
		;
	if (!*nr) {
		*nr = 1;
		i = i ? i - 1 : 0;
	}
	*first = i;
}

static int fill(struct hm_grid *g, const struct recording *rec)
{
	size_t first = 0, nr, i;
	unsigned int col, row;
	struct sum *sums;

	g->cell = calloc((size_t)g->rows * g->cols, sizeof(*g->cell));
	sums = calloc(g->rows, sizeof(*sums));
	if (!g->cell || !sums) {
		free(sums);
		return -ENOMEM;
	}
	for (col = 0; col < g->cols; col++) {
		column(g, rec, col, &first, &nr);
		memset(sums, 0, g->rows * sizeof(*sums));
		for (i = first; i < first + nr; i++)
			add_sample(sums, g, rec, &rec->samples[i]);
		for (row = 0; row < g->rows; row++)
			make_cell(&g->cell[(size_t)row * g->cols + col],
				  &sums[row], nr);
	}
	free(sums);
	return 0;
}

int hm_make(struct hm_grid *grid, const struct recording *rec,
	    unsigned int cols, unsigned int rows, unsigned int gap, __u64 only)
{
	const struct rec_sample *last;
	__u64 interval = rec->head.interval_ns;
	int err;

	memset(grid, 0, sizeof(*grid));
	grid->cols = cols;
	grid->rows = rows;
	if (!rec->nr_samples)
		return -ENODATA;
	err = find_bands(grid, rec, only);
	if (err)
		goto fail;
	place_bands(grid, gap);
	last = &rec->samples[rec->nr_samples - 1];
	grid->span_ns = last->time_ns - rec->samples[0].time_ns +
			(interval ? interval : 1);
	err = fill(grid, rec);
	if (!err)
		return 0;
fail:
	hm_free(grid);
	return err;
}

void hm_free(struct hm_grid *grid)
{
	free(grid->cell);
	free(grid->bands);
	memset(grid, 0, sizeof(*grid));
}

/* -- axes -------------------------------------------------------------------------- */

const char *hm_place(char *buf, const struct hm_band *band,
		     const struct recording *rec, unsigned int row)
{
	const struct rec_region *region = &rec->regions[band->region];
	__u64 page = band->first + (double)row * band->pages / band->rows;
	char size[TEXT_LEN];

	/* Of an address space the first byte is at 0, and its process is known. */
	if (region->addr || region->pid)
		snprintf(buf, TEXT_LEN, "0x%llx",
			 (unsigned long long)region->addr +
			 page * rec->head.page_size);
	else
		snprintf(buf, TEXT_LEN, "+%s",
			 text_bytes(size, page * rec->head.page_size));
	return buf;
}

__u64 hm_step(__u64 span_ns, unsigned int marks)
{
	static const unsigned int parts[] = { 1, 2, 5 };
	double least = (double)span_ns / marks;
	__u64 ten;
	unsigned int i;

	for (ten = 1; ten <= 1000000000000000000ULL; ten *= 10)
		for (i = 0; i < ARRAY_SIZE(parts); i++)
			if (ten * parts[i] >= least)
				return ten * parts[i];
	return ~0ULL;
}

const char *hm_time(char *buf, __u64 ns)
{
	char *point;

	text_ns(buf, ns);
	if (!ns)
		strcpy(buf, "0");
	/* "2 s", but "2.5 s" */
	point = strstr(buf, ".0 ");
	if (point)
		memmove(point, point + 2, strlen(point + 2) + 1);
	return buf;
}

/* -- how it looks ------------------------------------------------------------------ */

double hm_level(const struct hm_grid *grid, double heat)
{
	double full = grid->heat_max > HM_HEAT_FULL ? grid->heat_max :
						      HM_HEAT_FULL;
	double level = sqrt(heat / full);

	return level < 0 ? 0 : level > 1 ? 1 : level;
}

struct hm_rgb hm_colour(int tier, double level)
{
	static const struct hm_rgb bright[TW_NR_TIERS] = {
		[TW_TIER_GPU]	= { 0xd0, 0x70, 0xff },
		[TW_TIER_CPU]	= { 0xff, 0x50, 0x30 },
		[TW_TIER_NVME]	= { 0xff, 0xd0, 0x30 },
		[TW_TIER_SSD]	= { 0x50, 0xd8, 0x70 },
		[TW_TIER_HDD]	= { 0x40, 0x90, 0xff },
	};
	struct hm_rgb c = bright[tier];
	double part = 0.3 + 0.7 * level;

	c.r = c.r * part;
	c.g = c.g * part;
	c.b = c.b * part;
	return c;
}

/* Is there no name of the agent but its label? */
static bool is_label(const struct rec_region *region)
{
	char label[TEXT_LEN];

	snprintf(label, sizeof(label), "%llu",
		 (unsigned long long)region->agent);
	return !region->agent_name[0] || !strcmp(region->agent_name, label);
}

void hm_label(char *buf, size_t size, const struct rec_region *region)
{
	int n = snprintf(buf, size, "region %llu",
			 (unsigned long long)region->id);

	if (region->pid && n >= 0 && (size_t)n < size)
		n += snprintf(buf + n, size - n, ", %s %u", region->name,
			      region->pid);
	if (n < 0 || (size_t)n >= size)
		return;
	/* A cgroup's path says it all; the program may have been said already. */
	if (region->agent_name[0] == '/')
		snprintf(buf + n, size - n, ", agent %s", region->agent_name);
	else if (region->pid && !strcmp(region->agent_name, region->name))
		snprintf(buf + n, size - n, ", agent %llu",
			 (unsigned long long)region->agent);
	else
		snprintf(buf + n, size - n, ", agent %llu%s%s",
			 (unsigned long long)region->agent,
			 is_label(region) ? "" : " ",
			 is_label(region) ? "" : region->agent_name);
}
