// SPDX-License-Identifier: GPL-2.0
/*
 * A grid as a picture, drawn by cairo.
 *
 * Each pixel of the plot is a cell of its own; in an SVG the plot is an image
 * among drawn lines and letters. Cairo brings two dozen libraries with it, so
 * it is looked for only when there is something to draw: every other command
 * starts without it, and a server need not have it.
 */
#include <cairo/cairo.h>
#include <cairo/cairo-svg.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/output.h"
#include "base/text.h"
#include "watch/heatmap.h"
#include "watch/record_file.h"

/* With the addresses. */
#define LEFT	120
#define RIGHT	12
#define TOP	12
#define BOTTOM	44
/* Above each band. */
#define LABEL	18
#define FONT	12
/* From address to address, and from time to time, at least. */
#define PLACE_ROWS	40
#define TIME_COLS	90

/* What is used of it, under its own names. */
static struct {
	__typeof__(cairo_image_surface_create) *cairo_image_surface_create;
	__typeof__(cairo_image_surface_get_data) *cairo_image_surface_get_data;
	__typeof__(cairo_image_surface_get_stride) *cairo_image_surface_get_stride;
	__typeof__(cairo_svg_surface_create_for_stream) *cairo_svg_surface_create_for_stream;
	__typeof__(cairo_surface_write_to_png_stream) *cairo_surface_write_to_png_stream;
	__typeof__(cairo_surface_mark_dirty) *cairo_surface_mark_dirty;
	__typeof__(cairo_surface_finish) *cairo_surface_finish;
	__typeof__(cairo_surface_status) *cairo_surface_status;
	__typeof__(cairo_surface_destroy) *cairo_surface_destroy;
	__typeof__(cairo_create) *cairo_create;
	__typeof__(cairo_status) *cairo_status;
	__typeof__(cairo_destroy) *cairo_destroy;
	__typeof__(cairo_set_source_rgb) *cairo_set_source_rgb;
	__typeof__(cairo_set_source_surface) *cairo_set_source_surface;
	__typeof__(cairo_paint) *cairo_paint;
	__typeof__(cairo_rectangle) *cairo_rectangle;
	__typeof__(cairo_fill) *cairo_fill;
	__typeof__(cairo_select_font_face) *cairo_select_font_face;
	__typeof__(cairo_set_font_size) *cairo_set_font_size;
	__typeof__(cairo_move_to) *cairo_move_to;
	__typeof__(cairo_show_text) *cairo_show_text;
	__typeof__(cairo_text_extents) *cairo_text_extents;
	__typeof__(cairo_status_to_string) *cairo_status_to_string;
} lib;

static const struct {
	const char *name;
	void *where;
} calls[] = {
#define CALL(f) { #f, &lib.f }
	CALL(cairo_image_surface_create),
	CALL(cairo_image_surface_get_data),
	CALL(cairo_image_surface_get_stride),
	CALL(cairo_svg_surface_create_for_stream),
	CALL(cairo_surface_write_to_png_stream),
	CALL(cairo_surface_mark_dirty),
	CALL(cairo_surface_finish),
	CALL(cairo_surface_status),
	CALL(cairo_surface_destroy),
	CALL(cairo_create),
	CALL(cairo_status),
	CALL(cairo_destroy),
	CALL(cairo_set_source_rgb),
	CALL(cairo_set_source_surface),
	CALL(cairo_paint),
	CALL(cairo_rectangle),
	CALL(cairo_fill),
	CALL(cairo_select_font_face),
	CALL(cairo_set_font_size),
	CALL(cairo_move_to),
	CALL(cairo_show_text),
	CALL(cairo_text_extents),
	CALL(cairo_status_to_string),
#undef CALL
};

/**
 * struct picture - what is drawn, and with what
 * @cr: cairo
 * @grid: the cells of the plot
 * @rec: the recording
 * @width: pixels
 * @height: pixels
 */
struct picture {
	cairo_t *cr;
	const struct hm_grid *grid;
	const struct recording *rec;
	unsigned int width;
	unsigned int height;
};

static int load(void)
{
	void *so = dlopen("libcairo.so.2", RTLD_NOW | RTLD_LOCAL), *f;
	size_t i;

	if (!so)
		return cli_error("drawing needs cairo, which is not here. Install it with: apt install libcairo2");
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		f = dlsym(so, calls[i].name);
		if (!f)
			return cli_error("libcairo.so.2 has no %s",
					 calls[i].name);
		/* A function's pointer, as POSIX has dlsym() give it. */
		memcpy(calls[i].where, &f, sizeof(f));
	}
	return 0;
}

/* -- the plot ---------------------------------------------------------------------- */

/* The cells as an image, a pixel each. */
static cairo_surface_t *plot(const struct hm_grid *g)
{
	cairo_surface_t *s = lib.cairo_image_surface_create(CAIRO_FORMAT_RGB24,
							    g->cols, g->rows);
	unsigned int row, col;
	unsigned char *data;
	int stride;

	if (lib.cairo_surface_status(s))
		return s;
	data = lib.cairo_image_surface_get_data(s);
	stride = lib.cairo_image_surface_get_stride(s);
	for (row = 0; row < g->rows; row++) {
		__u32 *pixel = (__u32 *)(data + (size_t)row * stride);

		for (col = 0; col < g->cols; col++) {
			const struct hm_cell *c =
				&g->cell[(size_t)row * g->cols + col];
			struct hm_rgb rgb = { 0x12, 0x12, 0x18 };

			if (c->pages > 0)
				rgb = hm_colour(c->tier, hm_level(g, c->heat));
			pixel[col] = rgb.r << 16 | rgb.g << 8 | rgb.b;
		}
	}
	lib.cairo_surface_mark_dirty(s);
	return s;
}

/* -- letters ------------------------------------------------------------------------- */

static double text_width(struct picture *p, const char *text)
{
	cairo_text_extents_t e;

	lib.cairo_text_extents(p->cr, text, &e);
	return e.x_advance;
}

/* At @x, or ending there; where it ends. */
static double text(struct picture *p, double x, double y, bool ends,
		   const char *what)
{
	double width = text_width(p, what);

	if (ends)
		x -= width;
	lib.cairo_set_source_rgb(p->cr, 0.82, 0.82, 0.86);
	lib.cairo_move_to(p->cr, x, y);
	lib.cairo_show_text(p->cr, what);
	return x + width;
}

static void box(struct picture *p, double x, double y, double w, double h,
		struct hm_rgb c)
{
	lib.cairo_set_source_rgb(p->cr, c.r / 255.0, c.g / 255.0, c.b / 255.0);
	lib.cairo_rectangle(p->cr, x, y, w, h);
	lib.cairo_fill(p->cr);
}

/* What doesn't fit is left out behind, letter by letter. */
static void fit(struct picture *p, char *what, double width)
{
	char *end = what + strlen(what);

	while (end > what && text_width(p, what) > width) {
		do
			end--;
		while (end > what && (*end & 0xc0) == 0x80);
		*end = '\0';
	}
}

static void mark(struct picture *p, double x, double y, double w, double h)
{
	static const struct hm_rgb grey = { 0x80, 0x80, 0x88 };

	box(p, x, y, w, h, grey);
}

/* Addresses at the left of each band, and times below all of them. */
static void draw_axes(struct picture *p)
{
	const struct hm_grid *g = p->grid;
	unsigned int marks = g->cols / TIME_COLS, row;
	__u64 step = hm_step(g->span_ns, marks ? marks : 1), ns;
	double x, y = p->height - BOTTOM;
	char what[TEXT_LEN];
	size_t i;

	for (i = 0; i < g->nr_bands; i++) {
		const struct hm_band *b = &g->bands[i];

		for (row = 0; row < b->rows; row += PLACE_ROWS) {
			mark(p, LEFT - 5, TOP + LABEL + b->row + row, 4, 1);
			text(p, LEFT - 8, TOP + LABEL + b->row + row + 5, true,
			     hm_place(what, b, p->rec, row));
		}
	}
	for (ns = 0;; ns += step) {
		x = LEFT + (double)ns / g->span_ns * g->cols;
		if (x + 3 + text_width(p, hm_time(what, ns)) > p->width)
			break;
		mark(p, x, y + 1, 1, 14);
		text(p, x + 3, y + 15, false, what);
		if (g->span_ns - ns <= step)
			break;
	}
}

static void draw_labels(struct picture *p)
{
	const struct hm_grid *g = p->grid;
	char label[160], size[TEXT_LEN];
	double end;
	size_t i;

	for (i = 0; i < g->nr_bands; i++) {
		const struct hm_band *b = &g->bands[i];
		double y = TOP + LABEL + b->row - 5;

		hm_label(label, sizeof(label), &p->rec->regions[b->region]);
		text_bytes(size, b->pages * p->rec->head.page_size);
		end = p->width - RIGHT - text_width(p, size);
		fit(p, label, end - LEFT - 8);
		text(p, LEFT, y, false, label);
		text(p, end, y, false, size);
	}
}

/* What colours and brightness mean, and what is missing. */
static void draw_legend(struct picture *p)
{
	unsigned int full = p->grid->heat_max > HM_HEAT_FULL ?
			    p->grid->heat_max : HM_HEAT_FULL;
	double x = 12, y = p->height - 12;
	char note[128], part[32] = "";
	int t, i;

	if (p->rec->every_max > 1)
		snprintf(part, sizeof(part), ", one chunk in %u",
			 p->rec->every_max);

	for (t = 0; t < TW_NR_TIERS; t++) {
		for (i = 0; i < 4; i++)
			box(p, x + 7 * i, y - 10, 7, 11,
			    hm_colour(t, i / 3.0));
		x = text(p, x + 32, y, false, tw_tier_name(t)) + 14;
	}
	if (p->grid->hidden)
		snprintf(note, sizeof(note), "%zu smaller regions not shown",
			 p->grid->hidden);
	else
		snprintf(note, sizeof(note), "dark: heat 0, bright: %u%s%s", full,
			 p->rec->faults_only ? ", of faults alone" : "", part);
	if (x + text_width(p, note) < p->width - RIGHT)
		text(p, p->width - RIGHT, y, true, note);
}

static void draw(struct picture *p)
{
	cairo_surface_t *cells = plot(p->grid);

	lib.cairo_set_source_rgb(p->cr, 0x12 / 255.0, 0x12 / 255.0,
				 0x18 / 255.0);
	lib.cairo_paint(p->cr);
	lib.cairo_set_source_surface(p->cr, cells, LEFT, TOP + LABEL);
	lib.cairo_paint(p->cr);
	lib.cairo_surface_destroy(cells);
	lib.cairo_select_font_face(p->cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
				   CAIRO_FONT_WEIGHT_NORMAL);
	lib.cairo_set_font_size(p->cr, FONT);
	draw_labels(p);
	draw_axes(p);
	draw_legend(p);
}

/* -- the file -------------------------------------------------------------------------- */

static cairo_status_t keep(void *closure, const unsigned char *data,
			   unsigned int len)
{
	return fwrite(data, 1, len, closure) == len ?
	       CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static cairo_status_t draw_to(struct picture *p, FILE *f, bool svg)
{
	cairo_status_t status;
	cairo_surface_t *s;

	if (svg)
		s = lib.cairo_svg_surface_create_for_stream(keep, f, p->width,
							    p->height);
	else
		s = lib.cairo_image_surface_create(CAIRO_FORMAT_RGB24, p->width,
						   p->height);
	p->cr = lib.cairo_create(s);
	draw(p);
	status = lib.cairo_status(p->cr);
	lib.cairo_destroy(p->cr);
	if (!status && !svg)
		status = lib.cairo_surface_write_to_png_stream(s, keep, f);
	lib.cairo_surface_finish(s);
	if (!status)
		status = lib.cairo_surface_status(s);
	lib.cairo_surface_destroy(s);
	return status;
}

/* In memory first: a picture that was there stays until this one is whole. */
static int draw_file(struct picture *p, const char *path, bool svg)
{
	cairo_status_t status;
	char *data = NULL;
	size_t len = 0;
	int code;
	FILE *f;

	f = open_memstream(&data, &len);
	if (!f)
		return cli_errno(-ENOMEM, "drawing %s", path);
	status = draw_to(p, f, svg);
	if (fclose(f))
		code = cli_errno(-ENOMEM, "drawing %s", path);
	else if (status)
		code = cli_error("drawing %s: %s", path,
				 lib.cairo_status_to_string(status));
	else
		code = output_write(path, data, len);
	free(data);
	return code;
}

int hm_draw(const struct recording *rec, const char *path, bool svg,
	    unsigned int width, unsigned int height, __u64 only)
{
	struct hm_grid grid;
	struct picture p = {
		.grid = &grid,
		.rec = rec,
		.width = width,
		.height = height,
	};
	int err, code = load();

	if (code)
		return code;
	err = hm_make(&grid, rec, width - LEFT - RIGHT,
		      height - TOP - LABEL - BOTTOM, LABEL, only);
	if (err == -ENODATA)
		return cli_error("there is no page in this recording%s",
				 only ? " of that region" : "");
	if (err)
		return cli_errno(err, "drawing");
	code = draw_file(&p, path, svg);
	hm_free(&grid);
	return code;
}
