// SPDX-License-Identifier: GPL-2.0
/*
 * tw policy show, tw policy set: what moves pages by itself, and how.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/number.h"
#include "conf/commands.h"
#include "conf/policy_keys.h"

const char policy_show_more[] =
	"Shows each key of tw policy set, its value and its unit.\n";

const char policy_set_more[] =
	"  enabled=on|off      scan and move pages\n"
	"  enabled=watch       scan, and move none by itself: heat is seen, pages stay\n"
	"  auto=on|off         hot is what fits the faster tier; off: by thresholds\n"
	"  unmap=on|off        unmap pages to see touches: exact, and dearer\n"
	"  hot_threshold=N     heat above which a page is hot\n"
	"  cold_threshold=N    heat below which an idle page is cold\n"
	"  scan_permille=N     most of one CPU for scans, 1..1000 of 1000\n"
	"  scan_min_ms=N       least milliseconds from scan to scan, 10..scan_max_ms\n"
	"  scan_max_ms=N       most, up to 600000\n"
	"  free_permille=N     of each memory tier kept free, 1..500 of 1000\n"
	"  min_stay=N          scans that a page stays where it was put, 0..255\n"
	"  max_rate=N          most pages a second between two tiers, 0: no limit\n";

static void json_policy(const struct tw_policy *p)
{
	size_t i;

	json_begin(JSON_POLICY);
	for (i = 0; i < POLICY_NR_KEYS; i++) {
		__u32 value = policy_get(p, &policy_keys[i]);

		if (policy_keys[i].on_off)
			json_bool(policy_keys[i].name, value == TW_POLICY_ON);
		else
			json_u64(policy_keys[i].name, value);
		if (policy_keys[i].watch)
			json_bool("watch", value == TW_POLICY_WATCH);
	}
	json_close('}');
	json_end();
}

static void print_policy(const struct tw_policy *p)
{
	size_t i;

	printf("%-15s %10s %-8s %s\n", "KEY", "VALUE", "UNIT", "");
	for (i = 0; i < POLICY_NR_KEYS; i++) {
		const struct policy_key *k = &policy_keys[i];

		if (k->on_off)
			printf("%-15s %10s", k->name,
			       policy_switch_name(policy_get(p, k)));
		else
			printf("%-15s %10u", k->name, policy_get(p, k));
		printf(" %-8s %s\n", k->unit, k->text);
	}
}

static int show_policy(const struct tw_policy *p, bool json)
{
	if (json)
		json_policy(p);
	else
		print_policy(p);
	return cli_flush(EXIT_SUCCESS);
}

static int parse_number(const char *s, __u32 *value)
{
	__u64 v;
	int err = parse_within(s, 0, ~0U, &v);

	if (!err)
		*value = v;
	return err;
}

/**
 * struct changes - what is to be set
 * @set: bit by key
 * @value: by key
 */
struct changes {
	__u32 set;
	__u32 value[POLICY_NR_KEYS];
};

static const struct policy_key *find_key(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < POLICY_NR_KEYS; i++)
		if (strlen(policy_keys[i].name) == len &&
		    !strncmp(policy_keys[i].name, name, len))
			return &policy_keys[i];
	return NULL;
}

static int parse_change(const char *arg, struct changes *changes)
{
	const char *value = strchr(arg, '=');
	const struct policy_key *k;
	size_t i;

	if (!value)
		return cli_usage("not KEY=VALUE: %s", arg);
	k = find_key(arg, value - arg);
	if (!k)
		return cli_usage("no such key: %.*s. Keys are enabled, auto, unmap, hot_threshold, cold_threshold, scan_permille, scan_min_ms, scan_max_ms, free_permille, min_stay and max_rate",
				 (int)(value - arg), arg);
	value++;
	i = k - policy_keys;
	if (changes->set & 1U << i)
		return cli_usage("two values for %s", k->name);
	changes->set |= 1U << i;
	if (k->on_off ? policy_switch_parse(k, value, &changes->value[i]) :
			parse_number(value, &changes->value[i]))
		return cli_usage("%s is %s, not %s", k->name,
				 k->on_off ? policy_switch_values(k) : "a number", value);
	return 0;
}

static int refused(int err)
{
	if (err == -EPERM)
		return cli_no_permission("setting the policy needs CAP_SYS_ADMIN: be root. Nothing was changed");
	if (err == -EINVAL)
		return cli_error("a value is out of its range, so nothing was changed: enabled is on, off or (of drivers that know it) watch, cold_threshold is 1 or more and below hot_threshold, scan_permille 1..1000, scan_min_ms 10..scan_max_ms, scan_max_ms up to 600000, free_permille 1..500, min_stay up to 255");
	return cli_errno(err, "setting the policy");
}

static int run_policy(const struct changes *changes, bool json)
{
	struct tw_policy p;
	struct tw *tw;
	size_t i;
	int c, err;

	c = cli_open(&tw);
	if (c)
		return c;
	err = tw_policy_get(tw, &p);
	if (err) {
		c = cli_errno(err, "asking for the policy");
		goto out;
	}
	if (changes) {
		for (i = 0; i < POLICY_NR_KEYS; i++)
			if (changes->set & 1U << i)
				policy_put(&p, &policy_keys[i], changes->value[i]);
		err = tw_policy_set(tw, &p);
		if (err) {
			c = refused(err);
			goto out;
		}
	}
	c = show_policy(&p, json);
out:
	tw_close(tw);
	return c;
}

static int parse_json(int argc, char **argv, bool *json)
{
	static const struct option opts[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*json = false;
	while ((c = getopt_long(argc, argv, "j", opts, NULL)) != -1) {
		if (c != 'j')
			return EXIT_USAGE;
		*json = true;
	}
	return 0;
}

int cmd_policy_show(int argc, char **argv)
{
	bool json;
	int c;

	c = parse_json(argc, argv, &json);
	if (c)
		return c;
	if (optind != argc)
		return cli_usage("policy show takes no arguments but --json");
	return run_policy(NULL, json);
}

int cmd_policy_set(int argc, char **argv)
{
	struct changes changes = { 0 };
	bool json;
	int c, i;

	c = parse_json(argc, argv, &json);
	if (c)
		return c;
	if (optind == argc)
		return cli_usage("policy set takes KEY=VALUE. See: tw policy show");
	for (i = optind; !c && i < argc; i++)
		c = parse_change(argv[i], &changes);
	return c ? c : run_policy(&changes, json);
}
