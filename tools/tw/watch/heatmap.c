// SPDX-License-Identifier: GPL-2.0
/*
 * tw heatmap: a recording as a picture.
 *
 * Owns the options, what a recording that can't be read is answered with, and
 * the JSON. See heatmap_data.c for what is shown, heatmap_term.c and
 * heatmap_cairo.c for how.
 */
#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
#include "watch/commands.h"
#include "watch/heatmap.h"
#include "watch/record_file.h"

#define DEFAULT_FILE	"tierwatch.rec"
#define MIN_COLS	20
#define MIN_ROWS	5
#define MIN_WIDTH	200
#define MIN_HEIGHT	120
#define MAX_SIZE	8192
/* Smaller maps have no axes. */
#define AXES_COLS	40
#define AXES_ROWS	8

const char heatmap_more[] =
"  FILE              of tw record (tierwatch.rec), - for the standard input\n"
"  --output PICTURE  draw a picture, NAME.png or NAME.svg\n"
"  --size WxH        of it in pixels (960x540), or of the terminal\n"
"  --region N        only this one\n"
"  --color WHEN      auto, always or never\n"
"  --json            the cells as JSON\n";

/**
 * struct heatmap_job - what was asked for
 * @path: the recording
 * @output: the picture, or NULL for the terminal
 * @width: of the picture or the terminal; 0: as it comes
 * @height: the same
 * @only: a region's number, or 0
 * @colour: 'y', 'n', or 'a' for what the terminal is
 * @json: the cells as JSON
 */
struct heatmap_job {
	const char *path;
	const char *output;
	unsigned int width;
	unsigned int height;
	__u64 only;
	char colour;
	bool json;
};

static int read_recording(const char *path, struct recording *rec)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	int err;

	if (!f && errno == ENOENT)
		return cli_error("there is no %s. Make one with: tw record --output %s",
				 path, path);
	if (!f)
		return cli_errno(-errno, "%s", path);
	err = rec_read(f, rec);
	if (f != stdin)
		fclose(f);
	switch (err) {
	case 0:
		break;
	case -ENOMSG:
		return cli_error("%s is not a recording of tw record", path);
	case -EPROTO:
		return cli_error("%s was made by a later version of tw record. Use the tw of that version",
				 path);
	case -EBADMSG:
		return cli_error("%s is damaged", path);
	default:
		return cli_errno(err, "reading %s", path);
	}
	if (!rec->complete)
		fprintf(stderr, "tw: %s was cut off: what is there are %zu samples\n",
			text_shown(path), rec->nr_samples);
	return 0;
}

/* -- ways to show it -------------------------------------------------------------- */

static bool want_colour(char colour)
{
	const char *no = getenv("NO_COLOR");

	if (colour != 'a')
		return colour == 'y';
	return isatty(STDOUT_FILENO) && !(no && *no);
}

/* The terminal's size, or what a terminal has. */
static void terminal_size(unsigned int *cols, unsigned int *rows)
{
	struct winsize w;

	*cols = 80;
	*rows = 24;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_col && w.ws_row) {
		*cols = w.ws_col;
		*rows = w.ws_row;
	}
	if (*cols < MIN_COLS)
		*cols = MIN_COLS;
	if (*rows < MIN_ROWS)
		*rows = MIN_ROWS;
}

static int make_grid(const struct heatmap_job *job, struct hm_grid *grid,
		     const struct recording *rec, unsigned int cols,
		     unsigned int rows, unsigned int gap)
{
	int err = hm_make(grid, rec, cols, rows, gap, job->only);

	if (err == -ENODATA)
		return cli_error("there is no page in this recording%s",
				 job->only ? " of that region" : "");
	return err ? cli_errno(err, "making the map") : 0;
}

static int to_terminal(const struct heatmap_job *job,
		       const struct recording *rec)
{
	bool colour = want_colour(job->colour), axes;
	unsigned int cols = job->width, rows = job->height;
	struct hm_grid grid;
	int c;

	if (!cols)
		terminal_size(&cols, &rows);
	axes = cols >= AXES_COLS && rows >= AXES_ROWS;
	if (axes) {
		cols -= HM_PLACE_COLS;
		rows--;
	}
	/* A label above each band, two lines below, and the prompt. */
	c = make_grid(job, &grid, rec, colour ? cols : (cols - 2) / 2,
		      rows - 4, 1);
	if (c)
		return c;
	hm_print(&grid, rec, axes, colour,
		 !strcmp(nl_langinfo(CODESET), "UTF-8"));
	hm_free(&grid);
	return cli_flush(EXIT_SUCCESS);
}

static void json_band(const struct hm_grid *g, const struct hm_band *b,
		      const struct recording *rec)
{
	const struct rec_region *r = &rec->regions[b->region];
	unsigned int row, col;

	json_open(NULL, '{');
	json_u64("region", r->id);
	json_u64("agent", r->agent);
	json_str("agent_name", r->agent_name);
	json_u64("pid", r->pid);
	json_str("command", r->name);
	json_page("addr", r->addr);
	json_u64("first_page", b->first);
	json_u64("pages", b->pages);
	json_open("rows", '[');
	for (row = b->row; row < b->row + b->rows; row++) {
		json_open(NULL, '[');
		for (col = 0; col < g->cols; col++) {
			const struct hm_cell *c =
				&g->cell[(size_t)row * g->cols + col];

			json_open(NULL, '{');
			json_str("tier", c->pages > 0 ? tw_tier_name(c->tier) :
							"none");
			json_u64("heat", c->heat + 0.5);
			json_close('}');
		}
		json_close(']');
	}
	json_close(']');
	json_close('}');
}

static int to_json(const struct heatmap_job *job, const struct recording *rec)
{
	struct hm_grid grid;
	size_t i;
	int c;

	c = make_grid(job, &grid, rec, job->width ? job->width : 80,
		      job->height ? job->height : 24, 0);
	if (c)
		return c;
	json_begin(JSON_HEATMAP);
	json_u64("samples", rec->nr_samples);
	json_bool("complete", rec->complete);
	json_bool("stopped", rec->stopped);
	json_bool("faults_only", rec->faults_only);
	json_u64("every", rec->every_max);
	json_u64("page_size", rec->head.page_size);
	json_u64("interval_ns", rec->head.interval_ns);
	json_u64("span_ns", grid.span_ns);
	json_u64("columns", grid.cols);
	json_u64("heat_max", grid.heat_max);
	json_u64("hidden", grid.hidden);
	json_open("regions", '[');
	for (i = 0; i < grid.nr_bands; i++)
		json_band(&grid, &grid.bands[i], rec);
	json_close(']');
	json_close('}');
	json_end();
	hm_free(&grid);
	return cli_flush(EXIT_SUCCESS);
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && !strcasecmp(s + n - m, end);
}

static int show(const struct heatmap_job *job, const struct recording *rec)
{
	if (job->output)
		return hm_draw(rec, job->output, ends_with(job->output, ".svg"),
			       job->width ? job->width : 960,
			       job->height ? job->height : 540, job->only);
	return job->json ? to_json(job, rec) : to_terminal(job, rec);
}

/* -- options --------------------------------------------------------------------------- */

static int parse_dimensions(const char *s, struct heatmap_job *job)
{
	__u64 width, height;

	if (parse_pair(s, 'x', &width, &height) || width > MAX_SIZE ||
	    height > MAX_SIZE)
		return cli_usage("not a size: %s. Say for example 120x40, or 1280x720 for a picture, %ux%u at most",
				 s, MAX_SIZE, MAX_SIZE);
	job->width = width;
	job->height = height;
	return 0;
}

static int parse_colour(const char *s, char *colour)
{
	if (!strcmp(s, "auto"))
		*colour = 'a';
	else if (!strcmp(s, "always"))
		*colour = 'y';
	else if (!strcmp(s, "never"))
		*colour = 'n';
	else
		return cli_usage("--color is auto, always or never");
	return 0;
}

static int heatmap_option(struct heatmap_job *job, int c)
{
	switch (c) {
	case 'o':
		job->output = optarg;
		if (!ends_with(optarg, ".png") && !ends_with(optarg, ".svg"))
			return cli_usage("%s: a picture's name ends in .png or .svg",
					 optarg);
		return 0;
	case 's':
		return parse_dimensions(optarg, job);
	case 'r':
		if (parse_u64(optarg, &job->only) || !job->only)
			return cli_usage("not a region's number: %s", optarg);
		return 0;
	case 'c':
		return parse_colour(optarg, &job->colour);
	case 'j':
		job->json = true;
		return 0;
	default:
		return EXIT_USAGE;
	}
}

static int check_options(const struct heatmap_job *job)
{
	unsigned int width = job->output ? MIN_WIDTH : MIN_COLS;
	unsigned int height = job->output ? MIN_HEIGHT : MIN_ROWS;

	if (job->output && job->json)
		return cli_usage("--output and --json don't go together");
	if (job->width && (job->width < width || job->height < height))
		return cli_usage("too small: %ux%u. It takes %ux%u at least",
				 job->width, job->height, width, height);
	return 0;
}

int cmd_heatmap(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "size", required_argument, NULL, 's' },
		{ "region", required_argument, NULL, 'r' },
		{ "colour", required_argument, NULL, 'c' },
		{ "color", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct heatmap_job job = { .path = DEFAULT_FILE, .colour = 'a' };
	struct recording rec;
	int c;

	while ((c = getopt_long(argc, argv, "o:s:r:c:j", opts, NULL)) != -1) {
		c = heatmap_option(&job, c);
		if (c)
			return c;
	}
	if (argc - optind > 1)
		return cli_usage("heatmap takes one recording");
	if (optind < argc)
		job.path = argv[optind];
	c = check_options(&job);
	if (c)
		return c;
	setlocale(LC_CTYPE, "");
	c = read_recording(job.path, &rec);
	if (c)
		return c;
	c = show(&job, &rec);
	rec_free(&rec);
	return c;
}
