// SPDX-License-Identifier: GPL-2.0
/*
 * tw top: tiers, agents and heat, live or once.
 *
 * Owns the options and the output that isn't a screen's. See top_data.c for
 * the figures, top_text.c for how they look, top_screen.c for the terminal.
 */
#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/number.h"
#include "base/stop.h"
#include "program/show.h"
#include "watch/commands.h"
#include "watch/top.h"

#define ONCE_ROWS	4096
#define ONCE_COLS	120

const char top_more[] =
"  --interval TIME  from look to look, 100ms to 1h (1s)\n"
"  --sort KEY       agents by pages, memory, faults or id\n"
"  --reverse        the other way round\n"
"  --pages          amounts in pages, not in bytes\n"
"  --once           look twice, print it, end: takes no terminal\n"
"  --json           the same as JSON\n"
"  --past KEY       history of faults, major, moves or use (of a tier)\n"
"Keys: q quits, ? explains the others and what is shown.\n";

static void json_tier(const struct top_view *v, int tier)
{
	const struct top_tier *t = &v->snap->tier[tier];
	const struct top_tier_row *r = &v->tier[tier];
	int i;

	json_open(NULL, '{');
	json_str("tier", tw_tier_name(tier));
	json_bool("bound", t->now.bound);
	json_str("level", tw_level_name(t->now.level));
	json_u64("capacity", t->now.capacity);
	json_u64("used", t->now.used);
	json_u64("kept", t->now.kept);
	json_u64("swap_used", t->now.swap_used);
	json_u64("faults_per_second", r->faults + 0.5);
	json_u64("major_faults_per_second", r->major + 0.5);
	json_u64("moves_in_per_second", r->in + 0.5);
	json_u64("moves_out_per_second", r->out + 0.5);
	json_u64("bytes_read_per_second", r->read + 0.5);
	json_u64("bytes_written_per_second", r->written + 0.5);
	json_open("heat", '[');
	for (i = 0; i < TW_HEAT_BANDS; i++)
		json_u64(NULL, t->heat[i]);
	json_close(']');
	json_close('}');
}

static void json_agent(const struct top_agent_row *r)
{
	char name[AGENT_TEXT_LEN];
	int t;

	json_open(NULL, '{');
	json_u64("id", r->agent.id);
	json_str("name", agent_name(name, &r->agent.known, r->agent.id));
	json_str("program", r->agent.known.program);
	json_u64("uid", r->agent.uid);
	json_bool("default", r->agent.is_default);
	json_open("pages", '{');
	for (t = 0; t < TW_NR_TIERS; t++)
		json_u64(tw_tier_name(t), r->agent.pages[t]);
	json_close('}');
	json_u64("regions", r->agent.regions);
	json_u64("faults_per_second", r->faults + 0.5);
	json_close('}');
}

static void json_view(const struct top_view *v)
{
	const struct top_snap *s = v->snap;
	size_t i;

	json_begin(JSON_TOP);
	json_u64("interval_ns", v->seconds * NS_PER_SEC);
	json_u64("page_size", v->page_size);
	json_u64("regions", s->regions);
	json_u64("streams", s->streams);
	json_u64("lost", s->lost);
	json_u64("sigbus", s->sigbus);
	json_u64("promoted_per_second", v->promoted + 0.5);
	json_bool("scanning", s->scanning);
	json_u64("demoted_per_second", v->demoted + 0.5);
	json_open("tiers", '[');
	for (i = 0; i < TW_NR_TIERS; i++)
		json_tier(v, i);
	json_close(']');
	json_bool("agents_listed", !s->agents_err);
	json_open("agents", '[');
	for (i = 0; i < s->nr_agents; i++)
		json_agent(&v->agent[i]);
	json_close(']');
	json_open("attached", '[');
	for (i = 0; i < s->attached.nr; i++)
		json_attachment(&s->attached.one[i]);
	json_close(']');
	json_close('}');
	json_end();
}

static int print_view(const struct top_view *v)
{
	bool utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	struct top_line *line = calloc(ONCE_ROWS, sizeof(*line));
	unsigned int nr, i;

	if (!line)
		return cli_errno(-ENOMEM, "the output");
	nr = top_text(v, line, ONCE_ROWS, ONCE_COLS, utf8);
	for (i = 0; i < nr; i++)
		puts(line[i].text);
	free(line);
	return 0;
}

/* Two looks, an interval apart. */
static int once(struct agents_known *known, const struct tw_stats *stats,
		struct top_view *view, __u64 interval_ns, bool json)
{
	struct top_snap before, now;
	__u64 deadline;
	int err, code;

	stop_catch();
	top_look(&before, known, stats);
	deadline = before.time_ns + interval_ns;
	while (!stop_signal() && now_ns() < deadline)
		stop_wait(-1, deadline);
	top_look(&now, known, stats);
	err = top_compare(view, &before, &now);
	if (err)
		code = cli_errno(err, "comparing");
	else if (json)
		code = (json_view(view), 0);
	else
		code = print_view(view);
	top_snap_free(&before);
	top_snap_free(&now);
	return code ? code : stop_code(cli_flush(EXIT_SUCCESS));
}

/* Which of the @nr names @s is, or -1. */
static int name_index(const char *s, const char * const *names, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(s, names[i]))
			return i;
	return -1;
}

static int parse_past(const char *s, enum top_past *past)
{
	int i = name_index(s, top_past_names, TOP_NR_PASTS);

	if (i >= 0) {
		*past = i;
		return 0;
	}
	return cli_usage("no history of: %s. There is one of faults, major, moves and use",
			 s);
}

static int parse_sort(const char *s, enum top_sort *sort)
{
	int i = name_index(s, top_sort_names, TOP_NR_SORTS);

	if (i >= 0) {
		*sort = i;
		return 0;
	}
	return cli_usage("nothing to sort by: %s. Agents are sorted by pages, memory, faults or id",
			 s);
}

static int show(struct top_view *view, __u64 interval_ns, bool batch, bool json)
{
	struct agents_known known = { 0 };
	const struct tw_stats *stats;
	struct tw_info info;
	struct tw *tw;
	int c, err;

	c = cli_open(&tw);
	if (c)
		return c;
	err = tw_info(tw, &info);
	if (!err)
		err = tw_stats_map(tw, &stats);
	if (err) {
		c = cli_errno(err, "mapping the statistics");
		goto out;
	}
	view->page_size = info.page_size;
	known.tw = tw;
	c = batch ? once(&known, stats, view, interval_ns, json) :
		    top_screen(&known, stats, view, interval_ns);
	agents_known_free(&known);
out:
	free(view->agent);
	tw_close(tw);
	return c;
}

int cmd_top(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "sort", required_argument, NULL, 's' },
		{ "past", required_argument, NULL, 'P' },
		{ "reverse", no_argument, NULL, 'r' },
		{ "pages", no_argument, NULL, 'p' },
		{ "once", no_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	__u64 interval_ns = NS_PER_SEC;
	struct top_view view = { .snap = NULL };
	bool batch = false, json = false;
	int c;

	while ((c = getopt_long(argc, argv, "i:s:P:rpoj", opts, NULL)) != -1) {
		switch (c) {
		case 'i':
			if (parse_span(optarg, NS_PER_SEC, &interval_ns) ||
			    interval_ns < 100000000 ||
			    interval_ns > 3600 * NS_PER_SEC)
				return cli_usage("not an interval: %s. It is from 100ms to 1h",
						 optarg);
			break;
		case 's':
			c = parse_sort(optarg, &view.sort);
			if (c)
				return c;
			break;
		case 'P':
			c = parse_past(optarg, &view.past);
			if (c)
				return c;
			break;
		case 'r':
			view.reverse = true;
			break;
		case 'p':
			view.pages = true;
			break;
		case 'j':
			json = true;
			batch = true;
			break;
		case 'o':
			batch = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind != argc)
		return cli_usage("top takes options only");
	setlocale(LC_CTYPE, "");
	return show(&view, interval_ns, batch, json);
}
