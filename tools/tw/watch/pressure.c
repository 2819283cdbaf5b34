// SPDX-License-Identifier: GPL-2.0
/*
 * tw pressure: how full the tiers are, or wait until one is.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/number.h"
#include "base/stop.h"
#include "base/term.h"
#include "base/text.h"
#include "tier/tier.h"
#include "watch/commands.h"
#include "watch/pressure.h"

const char pressure_more[] =
	"  --wait LEVEL        until TIER is at LEVEL (low, medium, high, critical) or\n"
	"                      above; needs CAP_PERFMON or root\n"
	"  --falling           or below, instead\n"
	"  --timeout SECONDS   at most so long, then exit with 124; 0 only looks\n"
	"It sleeps until the driver tells of a change.\n"
	"  set TIER            shows the thresholds of its levels, and with\n"
	"                      LEVEL=ENTER[,LEAVE]... changes them: percent of the room\n"
	"                      used from which it is on medium, high or critical, and\n"
	"                      below which it leaves that\n"
	"A store is judged by its own room, memory by that of all tiers together and by\n"
	"the share of the last 10 and 60 seconds that faults waited for it.\n";

static void print_head(void)
{
	printf("%-5s %-9s %7s %10s %10s %10s %8s %6s %6s\n", "TIER", "PRESSURE",
	       "FULL", "USED", "CAPACITY", "ROOM", "STALLS", "10S", "60S");
}

static void print_pressure(const struct tw_pressure *p, __u32 page_size)
{
	char cap[TEXT_LEN], used[TEXT_LEN], room[TEXT_LEN], stalls[TEXT_LEN];

	printf("%-5s %-9s %6.1f%% %10s %10s %10s %8s", tw_tier_name(p->tier),
	       tw_level_name(p->level), p->permille / 10.0,
	       text_bytes(used, p->used * page_size),
	       text_bytes(cap, p->capacity * page_size),
	       text_bytes(room, p->room * page_size),
	       text_count(stalls, p->stalls));
	if (!can_be_memory(p->tier))
		printf(" %6s %6s\n", "-", "-");
	else
		printf(" %5.1f%% %5.1f%%\n", p->stalled10 / 10.0,
		       p->stalled60 / 10.0);
}

static void json_pressure(const struct tw_pressure *p, __u32 page_size)
{
	json_begin(JSON_PRESSURE);
	json_str("tier", tw_tier_name(p->tier));
	json_str("level", tw_level_name(p->level));
	json_u64("permille", p->permille);
	json_u64("page_size", page_size);
	json_u64("used", p->used);
	json_u64("capacity", p->capacity);
	json_u64("stalls", p->stalls);
	json_u64("room", p->room);
	json_u64("room_capacity", p->room_capacity);
	json_u64("waited_ns", p->waited_ns);
	json_u64("stalled10_permille", p->stalled10);
	json_u64("stalled60_permille", p->stalled60);
	json_close('}');
}

static int show(struct tw *tw, int only, bool json)
{
	struct tw_pressure p[TW_NR_TIERS];
	int i, err, nr = 0;
	struct tw_info info;

	err = tw_info(tw, &info);
	for (i = 0; !err && i < TW_NR_TIERS; i++) {
		if (only >= 0 && i != only)
			continue;
		err = tw_pressure(tw, i, &p[nr]);
		if (!err)
			nr++;
		else if (err == -EOPNOTSUPP && only < 0)
			err = 0;
	}
	if (err)
		return pressure_error(err, only);
	if (json) {
		json_open(NULL, '[');
		for (i = 0; i < nr; i++)
			json_pressure(&p[i], info.page_size);
		json_close(']');
		json_end();
		return cli_flush(EXIT_SUCCESS);
	}
	if (!nr)
		printf("No tier is bound. See: tw tier bind --help\n");
	else
		print_head();
	for (i = 0; i < nr; i++)
		print_pressure(&p[i], info.page_size);
	return cli_flush(EXIT_SUCCESS);
}

static int parse_level(const char *s, int *level)
{
	int i;

	for (i = TW_PRESSURE_LOW; i <= TW_PRESSURE_CRITICAL; i++) {
		if (!strcasecmp(s, tw_level_name(i))) {
			*level = i;
			return 0;
		}
	}
	return cli_usage("no such level: %s. Levels are low, medium, high and critical",
			 s);
}

static int parse_timeout(const char *s, __s64 *ns)
{
	__u64 v;

	if (s[strspn(s, "0123456789.")] || parse_span(s, NS_PER_SEC, &v))
		return cli_usage("not a number of seconds: %s", s);
	*ns = v;
	return 0;
}

/**
 * struct pressure_args - the command line
 * @wait: what for; @wait.tier is the one to show, -1: all
 * @waits: --wait was given
 * @json: for programs
 */
struct pressure_args {
	struct pressure_wait wait;
	bool waits;
	bool json;
};

static int parse_options(int argc, char **argv, struct pressure_args *a)
{
	static const struct option opts[] = {
		{ "wait", required_argument, NULL, 'w' },
		{ "falling", no_argument, NULL, 'f' },
		{ "timeout", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c, ret = 0;

	while (!ret && (c = getopt_long(argc, argv, "w:ft:j", opts,
					NULL)) != -1) {
		switch (c) {
		case 'w':
			ret = parse_level(optarg, &a->wait.level);
			a->waits = true;
			break;
		case 'f':
			a->wait.falling = true;
			break;
		case 't':
			ret = parse_timeout(optarg, &a->wait.timeout_ns);
			break;
		case 'j':
			a->json = true;
			break;
		default:
			ret = EXIT_USAGE;
		}
	}
	return ret;
}

int cmd_pressure(int argc, char **argv)
{
	struct pressure_args a = { .wait = { .tier = -1, .timeout_ns = -1 } };
	struct tw *tw;
	int c, i;

	/* "set" stands before its tier, and only --json before it. */
	for (i = 1; i < argc && (!strcmp(argv[i], "--json") || !strcmp(argv[i], "-j")); i++)
		;
	if (i < argc && !strcmp(argv[i], "set"))
		return pressure_set(argc, argv);
	c = parse_options(argc, argv, &a);
	if (c)
		return c;
	if (argc - optind > 1)
		return cli_usage("pressure takes one tier, or none for all");
	if (optind < argc)
		c = parse_tier_arg(argv[optind], &a.wait.tier);
	if (c)
		return c;
	if (a.waits && a.wait.tier < 0)
		return cli_usage("--wait takes a tier, too");
	if (!a.waits && (a.wait.falling || a.wait.timeout_ns >= 0))
		return cli_usage("--falling and --timeout go with --wait");
	if (a.waits)
		stop_catch();
	c = cli_open(&tw);
	if (c)
		return c;
	if (a.waits)
		c = pressure_wait(tw, &a.wait);
	if (!c || c == EXIT_TIMEOUT) {
		int shown = show(tw, a.wait.tier, a.json);

		if (c && !shown)
			cli_error("%s was not at %s within %g s",
				  tw_tier_name(a.wait.tier),
				  tw_level_name(a.wait.level),
				  a.wait.timeout_ns / 1e9);
		c = shown ? shown : c;
	}
	tw_close(tw);
	return c;
}
