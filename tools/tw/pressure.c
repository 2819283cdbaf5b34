// SPDX-License-Identifier: GPL-2.0
/*
 * tw pressure.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "cli.h"

static void print_pressure(const struct tw_pressure *p, __u32 page_size)
{
	char cap[TEXT_LEN], used[TEXT_LEN];

	printf("%-5s %-9s %6.1f%% %10s %10s %10llu\n", tw_tier_name(p->tier),
	       tw_level_name(p->level), p->permille / 10.0,
	       text_bytes(used, p->used * page_size),
	       text_bytes(cap, p->capacity * page_size),
	       (unsigned long long)p->stalls);
}

static void json_pressure(const struct tw_pressure *p, __u32 page_size)
{
	json_open(NULL, '{');
	json_str("tier", tw_tier_name(p->tier));
	json_str("level", tw_level_name(p->level));
	json_u64("permille", p->permille);
	json_u64("page_size", page_size);
	json_u64("used", p->used);
	json_u64("capacity", p->capacity);
	json_u64("stalls", p->stalls);
	json_close('}');
}

int cmd_pressure(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c, i, err, only = -1, nr = 0;
	struct tw_pressure p[TW_NR_TIERS];
	bool json = false;
	struct tw_info info;
	struct tw *tw;

	while ((c = getopt_long(argc, argv, "j", opts, NULL)) != -1) {
		if (c != 'j')
			return EXIT_USAGE;
		json = true;
	}
	if (argc - optind > 1)
		return cli_usage("pressure takes one tier, or none for all");
	if (optind < argc) {
		c = parse_tier_arg(argv[optind], &only);
		if (c)
			return c;
	}
	c = cli_open(&tw);
	if (c)
		return c;
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
	tw_close(tw);
	if (err == -EOPNOTSUPP)
		return cli_error("the %s tier is not bound. See: tw tier list",
				 tw_tier_name(only));
	if (err)
		return cli_errno(err, "asking for the pressure");
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
		printf("%-5s %-9s %7s %10s %10s %10s\n", "TIER", "PRESSURE",
		       "FULL", "USED", "CAPACITY", "STALLS");
	for (i = 0; i < nr; i++)
		print_pressure(&p[i], info.page_size);
	return cli_flush(EXIT_SUCCESS);
}
