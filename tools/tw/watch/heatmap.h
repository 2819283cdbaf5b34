/* SPDX-License-Identifier: GPL-2.0 */
/* tw heatmap: a recording as a grid of cells, and the ways to show it. */
#ifndef _TW_HEATMAP_H
#define _TW_HEATMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "watch/record_file.h"

/* Heat that is drawn as hot as can be, unless there is more. */
#define HM_HEAT_FULL	128

/**
 * struct hm_cell - some pages during some time
 * @pages: pages there, on average; 0: none
 * @heat: their mean heat
 * @tier: enum tw_tier that most of them are in
 */
struct hm_cell {
	float pages;
	float heat;
	__u8 tier;
};

/**
 * struct hm_band - the rows of a region, or of a part of it behind a wide gap
 * @region: which one of the recording's
 * @first: first page shown
 * @pages: how many are shown
 * @row: first row
 * @rows: how many
 */
struct hm_band {
	__u32 region;
	__u64 first;
	__u64 pages;
	unsigned int row;
	unsigned int rows;
};

/**
 * struct hm_grid - a recording as rows of cells
 * @cols: columns, from the first sample's time on
 * @rows: rows, a space between bands included
 * @cell: @rows * @cols of them
 * @bands: @nr_bands of them, from above
 * @hidden: bands for which there was no row
 * @span_ns: time that the columns cover
 * @heat_max: the hottest page's heat
 */
struct hm_grid {
	unsigned int cols;
	unsigned int rows;
	struct hm_cell *cell;
	struct hm_band *bands;
	size_t nr_bands;
	size_t hidden;
	__u64 span_ns;
	unsigned int heat_max;
};

/**
 * struct hm_rgb - a colour, 0..255 each
 */
struct hm_rgb {
	__u8 r;
	__u8 g;
	__u8 b;
};

/* heatmap_data.c */

/*
 * @gap: rows left free between bands. @only: a region's number, 0: all.
 * Returns 0, -ENOMEM, or -ENODATA when there is no page.
 */
int hm_make(struct hm_grid *grid, const struct recording *rec,
	    unsigned int cols, unsigned int rows, unsigned int gap, __u64 only);
void hm_free(struct hm_grid *grid);
/* How hot a cell is drawn: 0..1, finer where it is cold. */
double hm_level(const struct hm_grid *grid, double heat);
/* A tier's colour, dark when cold. */
struct hm_rgb hm_colour(int tier, double level);
/* "region 3, tw-workload 1234, agent 7": whose it is, into @buf. */
void hm_label(char *buf, size_t size, const struct rec_region *region);

/*
 * Axes. Where a row of a band begins: its address in the process that had the
 * region mapped, or how far it is from the region's begin.
 */
const char *hm_place(char *buf, const struct hm_band *band,
		     const struct recording *rec, unsigned int row);
/* From mark to mark, a round time, so that there are @marks at most. */
__u64 hm_step(__u64 span_ns, unsigned int marks);
/* What is written at a mark. */
const char *hm_time(char *buf, __u64 ns);

/* heatmap_term.c */

/* Columns of a map's addresses, in front of it. */
#define HM_PLACE_COLS	15

void hm_print(const struct hm_grid *grid, const struct recording *rec,
	      bool axes, bool colour, bool utf8);

/* heatmap_cairo.c */

/* Draws into a file, as SVG or PNG. Returns 0 or an exit code. */
int hm_draw(const struct recording *rec, const char *path, bool svg,
	    unsigned int width, unsigned int height, __u64 only);

#endif /* _TW_HEATMAP_H */
