// SPDX-License-Identifier: GPL-2.0
/*
 * tw top: the figures as lines of text, for a screen or a file.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "tw.h"
#include "watch/top.h"

/* The last band of the screen has all that is hotter. */
#define BANDS	10
#define NAME_COLS	17

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

static void add_tier(struct page *p, int tier, bool wide)
{
	const struct tw_stats_tier *t = &p->view->snap->tier[tier].now;
	const struct top_tier_row *r = &p->view->tier[tier];
	char used[TEXT_LEN], size[TEXT_LEN], f[TEXT_LEN], m[TEXT_LEN];
	char in[TEXT_LEN], out[TEXT_LEN], rd[TEXT_LEN], wr[TEXT_LEN];
	char io[64] = "";

	if (!t->bound) {
		add(p, TOP_PLAIN, "%-5s not bound", tw_tier_name(tier));
		return;
	}
	if (wide)
		snprintf(io, sizeof(io), " %9s %9s",
			 top_short(rd, r->read, 1024),
			 top_short(wr, r->written, 1024));
	add(p, look_of_level(t->level),
	    "%-5s %-8s %9s %9s %4.0f%% %9s %8s %8s %8s%s", tw_tier_name(tier),
	    tw_level_name(t->level), amount(p, used, t->used),
	    amount(p, size, t->capacity),
	    t->capacity ? 100.0 * t->used / t->capacity : 0,
	    top_short(f, r->faults, 1000), top_short(m, r->major, 1000),
	    top_short(in, r->in, 1000), top_short(out, r->out, 1000), io);
}

static void add_tiers(struct page *p)
{
	bool wide = p->cols >= 97;
	int t;

	add(p, TOP_HEAD, "%-5s %-8s %9s %9s %5s %9s %8s %8s %8s%s", "TIER",
	    "PRESSURE", "USED", "SIZE", "USE", "FAULTS/s", "MAJOR/s", "IN/s",
	    "OUT/s", wide ? "    READ/s WRITTEN/s" : "");
	for (t = 0; t < TW_NR_TIERS; t++)
		add_tier(p, t, wide);
}

/* How tall a bar is beside the tallest of the tier. */
static const char *bar(const struct page *p, __u64 value, __u64 most)
{
	static const char * const tall[] = { " ", "\u2581", "\u2582", "\u2583",
					     "\u2584", "\u2585", "\u2586",
					     "\u2587", "\u2588" };
	static const char * const plain[] = { " ", ".", ":", "-", "=", "+", "*",
					      "#", "@" };
	unsigned int i = most ? (8 * value + most - 1) / most : 0;

	return p->utf8 ? tall[i] : plain[i];
}

static void add_heat_of(struct page *p, int tier)
{
	const __u64 *heat = p->view->snap->tier[tier].heat;
	char line[TOP_LINE_LEN], number[TEXT_LEN];
	__u64 band[BANDS] = { 0 }, most = 0;
	int i, len;

	for (i = 0; i < TW_HEAT_BANDS; i++)
		band[i < BANDS ? i : BANDS - 1] += heat[i];
	for (i = 0; i < BANDS; i++)
		if (band[i] > most)
			most = band[i];
	len = snprintf(line, sizeof(line), "%-5s", tw_tier_name(tier));
	for (i = 0; i < BANDS; i++)
		len += snprintf(line + len, sizeof(line) - len, " %s%5s",
				bar(p, band[i], most),
				band[i] ? top_short(number, band[i], 1000) :
					  "");
	add(p, TOP_PLAIN, "%s", line);
}

static void add_heat(struct page *p)
{
	int t;

	add(p, TOP_HEAD, "%-5s %6s %6s %6s %6s %6s %6s %6s %6s %6s %6s",
	    "HEAT", "0", "1", "2", "4", "8", "16", "32", "64", "128",
	    "256+");
	for (t = 0; t < TW_NR_TIERS; t++)
		if (p->view->snap->tier[t].now.bound)
			add_heat_of(p, t);
}

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

static void add_agent(struct page *p, const struct top_agent_row *r)
{
	char amounts[TW_NR_TIERS][TEXT_LEN], total[TEXT_LEN], f[TEXT_LEN];
	char name[AGENT_TEXT_LEN], column[AGENT_TEXT_LEN];
	int t;

	agent_text(name, &r->agent.known, r->agent.id);
	put_name(p, column, sizeof(column), name, NAME_COLS);
	for (t = 0; t < TW_NR_TIERS; t++)
		amount(p, amounts[t], r->agent.pages[t]);
	add(p, TOP_PLAIN, "%s %5u %6s %6s %6s %6s %6s %7s %9s", column,
	    r->agent.uid, amounts[0], amounts[1], amounts[2], amounts[3],
	    amounts[4], amount(p, total, r->total),
	    top_short(f, r->faults, 1000));
}

static void add_agents(struct page *p)
{
	const struct top_snap *s = p->view->snap;
	size_t i;

	add(p, TOP_HEAD, "%-*s %5s %6s %6s %6s %6s %6s %7s %9s", NAME_COLS,
	    "AGENT", "UID", "GPU", "CPU", "NVME", "SSD", "HDD", "TOTAL", "FAULTS/s");
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
	bool airy = rows > 30;

	add_head(&p);
	if (airy)
		add(&p, TOP_PLAIN, "%s", "");
	add_tiers(&p);
	add_trouble(&p);
	if (airy)
		add(&p, TOP_PLAIN, "%s", "");
	add_heat(&p);
	if (airy)
		add(&p, TOP_PLAIN, "%s", "");
	add_agents(&p);
	return p.nr;
}
