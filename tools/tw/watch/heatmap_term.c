// SPDX-License-Identifier: GPL-2.0
/*
 * A grid in the terminal.
 *
 * With colours a cell's character says how hot it is and its colour where. With
 * none there are two maps beside each other, of heat and of tiers.
 */
#include <stdio.h>

#include <string.h>

#include "base/cli.h"
#include "base/text.h"
#include "watch/heatmap.h"
#include "watch/record_file.h"

static const char * const shades_utf8[] = { "\u00b7", "\u2591", "\u2592",
					    "\u2593", "\u2588" };
static const char * const shades_ascii[] = { ".", ":", "-", "=", "+", "*", "#",
					     "%", "@" };
static const char tier_letters[] = "GCNSH";
/* A row in so many has its address in front, the first of a band always. */
#define PLACE_ROWS	4
/* A mark of time and what is written at it. */
#define TIME_COLS	9

static const char *shade(double level, bool utf8)
{
	unsigned int nr = utf8 ? ARRAY_SIZE(shades_utf8) :
				 ARRAY_SIZE(shades_ascii);
	unsigned int i = level * nr;

	if (i == nr)
		i--;
	return utf8 ? shades_utf8[i] : shades_ascii[i];
}

/* In the colour cube of 256-colour terminals. */
static unsigned int cube(int tier, double level)
{
	struct hm_rgb c = hm_colour(tier, level);

	return 16 + 36 * (c.r * 6 / 256) + 6 * (c.g * 6 / 256) + c.b * 6 / 256;
}

static void print_row(const struct hm_grid *g, unsigned int row, bool colour,
		      bool utf8)
{
	unsigned int col, now, last = 0;

	for (col = 0; col < g->cols; col++) {
		const struct hm_cell *c = &g->cell[(size_t)row * g->cols + col];

		if (c->pages <= 0) {
			putchar(' ');
			continue;
		}
		now = cube(c->tier, hm_level(g, c->heat));
		if (colour && now != last)
			printf("\033[38;5;%um", now);
		last = now;
		fputs(shade(hm_level(g, c->heat), utf8), stdout);
	}
	if (colour)
		fputs("\033[0m", stdout);
}

static void print_tiers(const struct hm_grid *g, unsigned int row)
{
	unsigned int col;

	fputs(" |", stdout);
	for (col = 0; col < g->cols; col++) {
		const struct hm_cell *c = &g->cell[(size_t)row * g->cols + col];

		putchar(c->pages > 0 ? tier_letters[c->tier] : ' ');
	}
}

static void print_place(const struct hm_band *b, const struct recording *rec,
			unsigned int row)
{
	char place[TEXT_LEN] = "";

	if (row % PLACE_ROWS == 0)
		hm_place(place, b, rec, row);
	printf("%*s ", HM_PLACE_COLS - 1, place);
}

/* Marks below a map, each where its time begins, with the time behind it. */
static void print_times(const struct hm_grid *g)
{
	unsigned int marks = g->cols / TIME_COLS, col = 0, at;
	__u64 step = hm_step(g->span_ns, marks ? marks : 1), ns;
	char time[TEXT_LEN];

	for (ns = 0;; ns += step) {
		at = (double)ns / g->span_ns * g->cols;
		col += printf("%*s|", at > col ? (int)(at - col) : 0, "");
		if (col + strlen(hm_time(time, ns)) > g->cols)
			break;
		col += printf("%s", time);
		if (g->span_ns - ns <= step)
			break;
	}
	printf("%*s", col < g->cols ? (int)(g->cols - col) : 0, "");
}

/* Rows, each band below its label. */
static void print_band(const struct hm_grid *g, const struct hm_band *b,
		       const struct recording *rec, bool axes, bool colour,
		       bool utf8)
{
	const struct rec_region *region = &rec->regions[b->region];
	char label[128], size[TEXT_LEN];
	unsigned int row;

	hm_label(label, sizeof(label), region);
	printf("%s: %s", label,
	       text_bytes(size, b->pages * rec->head.page_size));
	if (region->addr)
		printf(" at 0x%llx", (unsigned long long)region->addr +
		       b->first * rec->head.page_size);
	putchar('\n');
	for (row = b->row; row < b->row + b->rows; row++) {
		if (axes)
			print_place(b, rec, row - b->row);
		print_row(g, row, colour, utf8);
		if (!colour)
			print_tiers(g, row);
		putchar('\n');
	}
}

static void print_legend(const struct hm_grid *g, bool colour, bool utf8)
{
	unsigned int i, nr = utf8 ? ARRAY_SIZE(shades_utf8) :
				    ARRAY_SIZE(shades_ascii);
	int t;

	fputs("heat 0 ", stdout);
	for (i = 0; i < nr; i++)
		fputs(utf8 ? shades_utf8[i] : shades_ascii[i], stdout);
	printf(" %u ", g->heat_max > HM_HEAT_FULL ? g->heat_max : HM_HEAT_FULL);
	for (t = 0; t < TW_NR_TIERS; t++) {
		putchar(' ');
		if (colour) {
			printf("\033[38;5;%um%s%s\033[0m", cube(t, 1),
			       shade(1, utf8), tw_tier_name(t));
		} else {
			printf("%c=%s", tier_letters[t], tw_tier_name(t));
		}
	}
	putchar('\n');
}

void hm_print(const struct hm_grid *grid, const struct recording *rec,
	      bool axes, bool colour, bool utf8)
{
	char span[TEXT_LEN];
	size_t i;

	for (i = 0; i < grid->nr_bands; i++)
		print_band(grid, &grid->bands[i], rec, axes, colour, utf8);
	if (axes) {
		printf("%*s", HM_PLACE_COLS, "");
		print_times(grid);
		if (!colour) {
			fputs("  ", stdout);
			print_times(grid);
		}
		putchar('\n');
	}
	printf("0 s to %s, %zu samples", text_ns(span, grid->span_ns),
	       rec->nr_samples);
	if (rec->every_max > 1)
		printf(", one chunk in %u", rec->every_max);
	if (rec->faults_only)
		fputs("; heat is of faults alone", stdout);
	if (grid->hidden)
		printf("; %zu smaller regions are not shown: see --size, --region",
		       grid->hidden);
	putchar('\n');
	print_legend(grid, colour, utf8);
}
