// SPDX-License-Identifier: GPL-2.0
/*
 * tw top: the figures as lines of text, for a screen or a file.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cli.h"
#include "base/text.h"
#include "machine/process.h"
#include "tw.h"
#include "watch/top.h"

/* Bands of heat that fit 80 columns. The last one shown has all that is hotter. */
#define BANDS		10
#define BAND_COLS	7
#define NAME_COLS	17
/* The screen from which on there is room for READ/s and WRITTEN/s ... */
#define WIDE_COLS	97
/* ... and from which on programs have a column of their own. */
#define PROGRAM_COLS	112
/* Columns of the tiers' table without its history, narrow and wide. */
#define TIER_COLS	62
#define TIER_COLS_WIDE	80
#define LEAST_HISTORY	6
/* Lines from which on there is room for a section of history, and for air. */
#define TALL_ROWS	30

/**
 * struct page - the lines so far
 * @line: room for @rows
 * @rows: how many fit
 * @nr: how many there are
 * @cols: width
 * @view: the figures
 * @utf8: bars can be shown
 */
struct page {
	struct top_line *line;
	unsigned int rows;
	unsigned int nr;
	unsigned int cols;
	const struct top_view *view;
	bool utf8;
};

static void add(struct page *p, enum top_look_of look, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct page *p, enum top_look_of look, const char *fmt, ...)
{
	struct top_line *line = &p->line[p->nr];
	va_list ap;

	if (p->nr == p->rows)
		return;
	va_start(ap, fmt);
	vsnprintf(line->text, sizeof(line->text), fmt, ap);
	va_end(ap);
	line->look = look;
	p->nr++;
}

static const char *amount(const struct page *p, char *buf, __u64 pages)
{
	if (p->view->pages)
		return top_short(buf, pages, 1000);
	return top_short(buf, (double)pages * p->view->page_size, 1024);
}

static void add_head(struct page *p)
{
	const struct top_view *v = p->view;
	const struct top_snap *s = v->snap;
	double faults = 0, major = 0, moves = 0;
	char a[TEXT_LEN], b[TEXT_LEN], c[TEXT_LEN], d[TEXT_LEN], e[TEXT_LEN];
	time_t now = time(NULL);
	char clock[16];
	struct tm tm;
	int t;

	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	for (t = 0; t < TW_NR_TIERS; t++) {
		faults += v->tier[t].faults;
		major += v->tier[t].major;
		moves += v->tier[t].in;
	}
	add(p, TOP_TITLE, "tw top  %s  regions %llu, agents %llu, streams %llu  amounts in %s",
	    clock, (unsigned long long)s->regions,
	    (unsigned long long)s->nr_agents_alive,
	    (unsigned long long)s->streams, v->pages ? "pages" : "bytes");
	add(p, TOP_PLAIN,
	    "faults %s/s, major %s/s; moves %s/s, policy up %s/s, down %s/s",
	    top_short(a, faults, 1000), top_short(b, major, 1000),
	    top_short(c, moves, 1000), top_short(d, v->promoted, 1000),
	    top_short(e, v->demoted, 1000));
}

/* What of USED is swap's: by store, and only when there is some. */
static void add_swap(struct page *p)
{
	const struct top_snap *s = p->view->snap;
	char line[TW_NR_TIERS * TEXT_LEN] = "", used[TEXT_LEN];
	size_t len = 0;
	int t;

	for (t = 0; t < TW_NR_TIERS; t++)
		if (s->tier[t].now.swap_used)
			len += snprintf(line + len, sizeof(line) - len,
					"%s %s %s", len ? "," : "",
					tw_tier_name(t),
					amount(p, used,
					       s->tier[t].now.swap_used));
	if (len)
		add(p, TOP_PLAIN, "of it swap:%s", line);
}

/* Only when there is something to say. */
static void add_trouble(struct page *p)
{
	const struct top_snap *s = p->view->snap;
	char lost[TEXT_LEN], sigbus[TEXT_LEN];

	if (s->lost || s->sigbus)
		add(p, TOP_CRITICAL, "since load: %s pages lost, %s faults ended in SIGBUS",
		    top_short(lost, s->lost, 1000),
		    top_short(sigbus, s->sigbus, 1000));
}

static enum top_look_of look_of_level(__u32 level)
{
	switch (level) {
	case TW_PRESSURE_MEDIUM:
		return TOP_MEDIUM;
	case TW_PRESSURE_HIGH:
		return TOP_HIGH;
	case TW_PRESSURE_CRITICAL:
		return TOP_CRITICAL;
	default:
		return TOP_PLAIN;
	}
}

/* How tall a bar is beside the tallest. */
static const char *bar(const struct page *p, double value, double most)
{
	static const char * const tall[] = { " ", "\u2581", "\u2582", "\u2583",
					     "\u2584", "\u2585", "\u2586",
					     "\u2587", "\u2588" };
	static const char * const plain[] = { " ", ".", ":", "-", "=", "+", "*",
					      "#", "@" };
	unsigned int i = most > 0 ? ceil(8 * value / most) : 0;

	if (i > 8)
		i = 8;
	return p->utf8 ? tall[i] : plain[i];
}

/* -- history ----------------------------------------------------------------- */

/*
 * The last looks of a tier, the latest at the right; at most @cols of them. A tier
 * is tall beside its own tallest, but in use of all that it has. What that is goes
 * into @most.
 */
static void put_history(const struct page *p, char *to, size_t size, int tier,
			unsigned int cols, double *most)
{
	const struct top_view *v = p->view;
	unsigned int nr = v->history->nr, i;
	size_t len = 0;

	*most = v->past == TOP_PAST_USE ? 100 : 0;
	if (nr > cols)
		nr = cols;
	if (nr > (size - 1) / 3)
		nr = (size - 1) / 3;
	if (nr > TOP_PAST_LOOKS)
		nr = TOP_PAST_LOOKS;
	for (i = 0; i < nr; i++)
		if (top_past_value(v, tier, i) > *most)
			*most = top_past_value(v, tier, i);
	*to = '\0';
	for (i = nr; i-- > 0; )
		len += snprintf(to + len, size - len, "%s",
				bar(p, top_past_value(v, tier, i), *most));
}

/* Columns of history behind the tiers' figures. */
static unsigned int history_cols(const struct page *p, bool wide)
{
	unsigned int used = (wide ? TIER_COLS_WIDE : TIER_COLS) + 1;

	if (!p->view->history || p->rows > TALL_ROWS ||
	    p->cols < used + LEAST_HISTORY)
		return 0;
	return p->cols - used;
}

/* On a tall screen: all of its width. */
static void add_history(struct page *p)
{
	const struct top_view *v = p->view;
	char bars[TOP_LINE_LEN], peak[TEXT_LEN];
	unsigned int cols = p->cols > 40 ? p->cols - 20 : 20;
	double most;
	int t;

	add(p, TOP_HEAD, "%-5s %s%s, a bar a look, the last one at the right",
	    "PAST", top_past_names[v->past],
	    v->past == TOP_PAST_USE ? " in %" : " a second");
	for (t = 0; t < TW_NR_TIERS; t++) {
		if (!v->snap->tier[t].now.bound)
			continue;
		put_history(p, bars, sizeof(bars), t, cols, &most);
		add(p, TOP_PLAIN, "%-5s %7s %s", tw_tier_name(t),
		    top_short(peak, most, 1000), bars);
	}
}

/* -- tiers ------------------------------------------------------------------- */

static void add_tier(struct page *p, int tier, bool wide)
{
	const struct tw_stats_tier *t = &p->view->snap->tier[tier].now;
	const struct top_tier_row *r = &p->view->tier[tier];
	char used[TEXT_LEN], size[TEXT_LEN], f[TEXT_LEN], m[TEXT_LEN];
	char in[TEXT_LEN], out[TEXT_LEN], rd[TEXT_LEN], wr[TEXT_LEN];
	char io[64] = "", bars[TOP_LINE_LEN / 2] = "";
	unsigned int cols = history_cols(p, wide);
	double most;

	if (!t->bound) {
		add(p, TOP_PLAIN, "%-5s not bound", tw_tier_name(tier));
		return;
	}
	if (wide)
		snprintf(io, sizeof(io), " %7s %9s",
			 top_short(rd, r->read, 1024),
			 top_short(wr, r->written, 1024));
	if (cols)
		put_history(p, bars, sizeof(bars), tier, cols, &most);
	add(p, look_of_level(t->level),
	    "%-5s %-8s %6s %6s %3.0f%% %8s %7s %5s %5s%s%s%s",
	    tw_tier_name(tier), tw_level_name(t->level),
	    amount(p, used, t->used), amount(p, size, t->capacity),
	    t->capacity ? 100.0 * t->used / t->capacity : 0,
	    top_short(f, r->faults, 1000), top_short(m, r->major, 1000),
	    top_short(in, r->in, 1000), top_short(out, r->out, 1000), io,
	    *bars ? " " : "", bars);
}

static void add_tiers(struct page *p)
{
	bool wide = p->cols >= WIDE_COLS;
	char past[TEXT_LEN] = "";
	int t;

	if (history_cols(p, wide))
		snprintf(past, sizeof(past), " PAST: %s",
			 top_past_names[p->view->past]);
	add(p, TOP_HEAD, "%-5s %-8s %6s %6s %4s %8s %7s %5s %5s%s%s", "TIER",
	    "PRESSURE", "USED", "SIZE", "USE", "FAULTS/s", "MAJOR/s", "IN/s",
	    "OUT/s", wide ? "  READ/s WRITTEN/s" : "", past);
	for (t = 0; t < TW_NR_TIERS; t++)
		add_tier(p, t, wide);
}

/* -- heat -------------------------------------------------------------------- */

static unsigned int nr_bands(const struct page *p)
{
	unsigned int nr = (p->cols - 5) / BAND_COLS;

	if (p->cols < 5 || nr < BANDS)
		return BANDS;
	return nr < TW_HEAT_BANDS ? nr : TW_HEAT_BANDS;
}

static void add_heat_of(struct page *p, int tier)
{
	const __u64 *heat = p->view->snap->tier[tier].heat;
	char line[TOP_LINE_LEN], number[TEXT_LEN];
	__u64 band[TW_HEAT_BANDS] = { 0 }, most = 0;
	int i, len, bands = nr_bands(p);

	for (i = 0; i < TW_HEAT_BANDS; i++)
		band[i < bands ? i : bands - 1] += heat[i];
	for (i = 0; i < bands; i++)
		if (band[i] > most)
			most = band[i];
	len = snprintf(line, sizeof(line), "%-5s", tw_tier_name(tier));
	for (i = 0; i < bands; i++)
		len += snprintf(line + len, sizeof(line) - len, " %s%5s",
				bar(p, band[i], most),
				band[i] ? top_short(number, band[i], 1000) :
					  "");
	add(p, TOP_PLAIN, "%s", line);
}

static void add_heat(struct page *p)
{
	char line[TOP_LINE_LEN], number[TEXT_LEN];
	int i, len, t, bands = nr_bands(p);

	len = snprintf(line, sizeof(line), "%-5s", "HEAT");
	for (i = 0; i < bands; i++) {
		snprintf(number, sizeof(number), "%u%s", i ? 1U << (i - 1) : 0,
			 i + 1 == bands && bands < TW_HEAT_BANDS ? "+" : "");
		len += snprintf(line + len, sizeof(line) - len, " %*s",
				BAND_COLS - 1, number);
	}
	add(p, TOP_HEAD, "%s", line);
	for (t = 0; t < TW_NR_TIERS; t++)
		if (p->view->snap->tier[t].now.bound)
			add_heat_of(p, t);
	if (!p->view->snap->scanning)
		add(p, TOP_PLAIN, "heat comes from faults alone, nothing scans: tw policy set enabled=watch");
}

/* -- agents ------------------------------------------------------------------ */

static bool begins_letter(char c)
{
	return (c & 0xc0) != 0x80;
}

static unsigned int letters(const char *s)
{
	unsigned int n = 0;

	for (; *s; s++)
		n += begins_letter(*s);
	return n;
}

/*
 * An agent's name in a column of @cols. Of a cgroup's path its end is shown, of
 * others their beginning, which has the label. Where letters can't be shown, each
 * is a "?".
 */
static void put_name(const struct page *p, char *to, size_t size,
		     const char *name, unsigned int cols)
{
	unsigned int nr = letters(name), skip, n = 0;
	char *end = to + size - 1;

	if (nr > cols && *name == '/') {
		to = stpcpy(to, "..");
		n = 2;
		for (skip = nr - cols + n; skip; )
			skip -= begins_letter(*++name);
	}
	for (; *name; name++) {
		if (begins_letter(*name) && n++ == cols)
			break;
		if (to < end && (p->utf8 || begins_letter(*name)))
			*to++ = *name & 0x80 && !p->utf8 ? '?' : *name;
	}
	for (; n < cols && to < end; n++)
		*to++ = ' ';
	*to = '\0';
}

/* Without programs' column they are in the name. */
static unsigned int name_cols(const struct page *p)
{
	return p->cols < PROGRAM_COLS ? NAME_COLS : NAME_COLS + p->cols - 104;
}

static void put_agent(const struct page *p, const struct top_agent *a,
		      char *to, size_t size)
{
	struct agent_known known = a->known;
	char name[AGENT_TEXT_LEN];

	if (p->cols < PROGRAM_COLS) {
		agent_text(name, &known, a->id);
		put_name(p, to, size, name, NAME_COLS);
		return;
	}
	known.program[0] = '\0';
	agent_text(name, &known, a->id);
	put_name(p, to, size, name, name_cols(p));
	to += strlen(to);
	*to++ = ' ';
	put_name(p, to, AGENT_TEXT_LEN, a->known.program,
		 sizeof(a->known.program) - 1);
	to += strlen(to);
	if (a->known.pid)
		snprintf(to, TEXT_LEN, " %7u", a->known.pid);
	else
		snprintf(to, TEXT_LEN, " %7s", "");
}

static void add_agent(struct page *p, const struct top_agent_row *r)
{
	char amounts[TW_NR_TIERS][TEXT_LEN], total[TEXT_LEN], f[TEXT_LEN];
	char name[TOP_LINE_LEN + AGENT_TEXT_LEN + TEXT_LEN];
	int t;

	put_agent(p, &r->agent, name, TOP_LINE_LEN);
	for (t = 0; t < TW_NR_TIERS; t++)
		amount(p, amounts[t], r->agent.pages[t]);
	add(p, TOP_PLAIN, "%s %5u %6s %6s %6s %6s %6s %7s %9s", name,
	    r->agent.uid, amounts[0], amounts[1], amounts[2], amounts[3],
	    amounts[4], amount(p, total, r->total),
	    top_short(f, r->faults, 1000));
}

static void add_agents(struct page *p)
{
	const struct top_snap *s = p->view->snap;
	size_t i;

	add(p, TOP_HEAD, "%-*s%s %5s %6s %6s %6s %6s %6s %7s %9s",
	    name_cols(p), "AGENT",
	    p->cols < PROGRAM_COLS ? "" : " PROGRAM             PID", "UID",
	    "GPU", "CPU", "NVME", "SSD", "HDD", "TOTAL", "FAULTS/s");
	if (s->agents_err)
		add(p, TOP_PLAIN, "agents can't be listed: %s",
		    strerror(-s->agents_err));
	for (i = 0; i < s->nr_agents; i++) {
		/* The last line tells of those that don't fit. */
		if (p->nr + 1 == p->rows && i + 1 < s->nr_agents) {
			add(p, TOP_PLAIN, "... and %zu more agents",
			    s->nr_agents - i);
			break;
		}
		add_agent(p, &p->view->agent[i]);
	}
}

/* -- attached programs --------------------------------------------------------- */

/* Lines for them: all there are, but a third of the room at most. */
static unsigned int attached_rows(const struct page *p)
{
	size_t nr = p->view->snap->attached.nr;
	unsigned int most = (p->rows - p->nr) / 3;

	if (!nr || most < 2)
		return 0;
	return nr + 1 < most ? nr + 1 : most;
}

static void add_program(struct page *p, const struct tw_attached *a)
{
	char amounts[TW_NR_TIERS][TEXT_LEN], other[TEXT_LEN], out[TEXT_LEN];
	char name[PROCESS_NAME_LEN] = "", pid[TEXT_LEN] = "-";
	int t;

	if (a->pid) {
		process_name(a->pid, name);
		snprintf(pid, sizeof(pid), "%d", a->pid);
	}
	for (t = 0; t < TW_NR_TIERS; t++)
		amount(p, amounts[t], a->pages[t]);
	add(p, TOP_PLAIN, "%-15s %7s %6s %6s %6s %6s %6s %9s %7s", *name ? name : "-",
	    pid, amounts[0], amounts[1], amounts[2], amounts[3], amounts[4],
	    amount(p, other, a->elsewhere), amount(p, out, a->swapped));
}

/* In @rows lines, the last of which tells of those that don't fit. */
static void add_attached(struct page *p, unsigned int rows)
{
	const struct attachments *all = &p->view->snap->attached;
	unsigned int i, shown = rows - 1;

	if (!rows)
		return;
	if (shown < all->nr)
		shown--;
	add(p, TOP_HEAD, "%-15s %7s %6s %6s %6s %6s %6s %9s %7s", "ATTACHED", "PID",
	    "GPU", "CPU", "NVME", "SSD", "HDD", "ELSEWHERE", "SWAPPED");
	for (i = 0; i < shown; i++)
		add_program(p, &all->one[i]);
	if (shown < all->nr)
		add(p, TOP_PLAIN, "... and %zu more programs", all->nr - shown);
}

/* -- all of it --------------------------------------------------------------- */

unsigned int top_text(const struct top_view *view, struct top_line *line,
		      unsigned int rows, unsigned int cols, bool utf8)
{
	struct page p = {
		.line = line,
		.rows = rows,
		.cols = cols,
		.view = view,
		.utf8 = utf8,
	};
	/* Room for agents comes before beauty. */
	bool airy = rows > TALL_ROWS;
	unsigned int attached;

	add_head(&p);
	if (airy)
		add(&p, TOP_PLAIN, "%s", "");
	add_tiers(&p);
	add_swap(&p);
	add_trouble(&p);
	if (airy && view->history) {
		add(&p, TOP_PLAIN, "%s", "");
		add_history(&p);
	}
	if (airy)
		add(&p, TOP_PLAIN, "%s", "");
	add_heat(&p);
	if (airy)
		add(&p, TOP_PLAIN, "%s", "");
	attached = attached_rows(&p);
	p.rows -= attached;
	add_agents(&p);
	p.rows += attached;
	add_attached(&p, attached);
	return p.nr;
}

unsigned int top_help(struct top_line *line, unsigned int rows)
{
	static const char * const text[] = {
		"q        quits",
		"s        sorts agents by the next: pages, pages in memory, faults, number",
		"r        turns the order round",
		"p        amounts in pages, or in bytes",
		"h        what the past is of: faults, major faults, moves, use",
		"+ -      doubles, halves the time from look to look",
		"Space    looks at once",
		"?        this; any key takes it away",
		"",
		"TIER     FAULTS/s of its pages, MAJOR/s those that waited for its device,",
		"         IN/s and OUT/s pages moved; READ/s and WRITTEN/s bytes of a store",
		"PAST     a bar a look, as tall as it is beside the tallest; use: of all",
		"HEAT     pages by heat at the last scan: 0, 1, 2 to 3, 4 to 7, ...",
		"AGENT    its cgroup, or its label and program, and its pages by tier",
		"ATTACHED programs that are watched, see tw attach: where their memory is",
	};
	struct page p = { .line = line, .rows = rows };
	size_t i;

	add(&p, TOP_HEAD, "tw top: keys and columns");
	for (i = 0; i < ARRAY_SIZE(text); i++)
		add(&p, TOP_PLAIN, "%s", text[i]);
	return p.nr;
}
