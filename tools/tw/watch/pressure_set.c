// SPDX-License-Identifier: GPL-2.0
/*
 * tw pressure set: from which use on a tier is on which level.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/json.h"
#include "tier/levels.h"
#include "watch/pressure.h"

static int parse_change(const char *arg, struct levels *l)
{
	const char *value = strchr(arg, '=');
	int level;

	if (!value)
		return cli_usage("not LEVEL=ENTER or LEVEL=ENTER,LEAVE: %s", arg);
	level = levels_find(arg, value - arg);
	if (level < 0)
		return cli_usage("no such level: %.*s. Levels with a threshold are medium, high and critical",
				 (int)(value - arg), arg);
	if (l->set >> level & 1)
		return cli_usage("two values for %.*s", (int)(value - arg), arg);
	if (levels_parse(l, level, value + 1))
		return cli_usage("%.*s is a percentage from 2 to 100, and behind a comma the lower one at which it ends, like 85,80; not %s",
				 (int)(value - arg), arg, value + 1);
	return 0;
}

static int show(int tier, const struct tw_thresholds *t, bool json)
{
	char text[LEVELS_LEN];
	int i;

	if (!json) {
		printf("%-5s %s\n", tw_tier_name(tier), levels_text(text, t));
		return cli_flush(EXIT_SUCCESS);
	}
	json_begin(JSON_PRESSURE_SET);
	json_str("tier", tw_tier_name(tier));
	for (i = 0; i < NR_LEVELS; i++) {
		json_open(tw_level_name(TW_PRESSURE_MEDIUM + i), '{');
		json_u64("enter", t->enter[i]);
		json_u64("leave", t->leave[i]);
		json_close('}');
	}
	json_close('}');
	json_end();
	return cli_flush(EXIT_SUCCESS);
}

static int set(int tier, const struct levels *l, bool json)
{
	struct tw_thresholds t;
	struct tw *tw;
	int c, err;

	c = cli_open(&tw);
	if (c)
		return c;
	err = tw_thresholds_get(tw, tier, &t);
	if (err) {
		c = cli_errno(err, "asking for the thresholds");
	} else if (l->set && !levels_merge(l, &t)) {
		c = cli_error("thresholds have to rise from medium to critical, those at which levels end, too, so nothing was changed. As they would be: medium %u,%u high %u,%u critical %u,%u",
			      t.enter[0], t.leave[0], t.enter[1], t.leave[1],
			      t.enter[2], t.leave[2]);
	} else {
		if (l->set)
			err = tw_thresholds_set(tw, tier, t.enter, t.leave);
		if (err == -EPERM)
			c = cli_no_permission("setting thresholds needs CAP_SYS_ADMIN: be root. Nothing was changed");
		else if (err)
			c = cli_errno(err, "setting the thresholds");
		else
			c = show(tier, &t, json);
	}
	tw_close(tw);
	return c;
}

int pressure_set(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct levels l = { 0 };
	bool json = false;
	int c, i, tier = -1;

	while ((c = getopt_long(argc, argv, "j", opts, NULL)) != -1) {
		if (c != 'j')
			return EXIT_USAGE;
		json = true;
	}
	/* The first word is "set". */
	if (argc - optind < 2)
		return cli_usage("pressure set takes a tier, and LEVEL=ENTER[,LEAVE]... to change its thresholds");
	c = parse_tier_arg(argv[optind + 1], &tier);
	for (i = optind + 2; !c && i < argc; i++)
		c = parse_change(argv[i], &l);
	return c ? c : set(tier, &l, json);
}
