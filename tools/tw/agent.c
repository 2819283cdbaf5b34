// SPDX-License-Identifier: GPL-2.0
/*
 * tw agent stats.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "cli.h"

static void json_tiers(const char *key, const __u64 v[TW_NR_TIERS])
{
	int i;

	json_open(key, '{');
	for (i = 0; i < TW_NR_TIERS; i++)
		json_u64(tw_tier_name(i), v[i]);
	json_close('}');
}

static void json_agent(const struct tw_agent_stats *s, __u32 page_size)
{
	json_open(NULL, '{');
	json_u64("id", s->id);
	json_bool("default", s->is_default);
	json_u64("regions", s->regions);
	json_u64("fault_ns", s->fault_ns);
	json_u64("page_size", page_size);
	json_tiers("pages", s->pages);
	json_tiers("faults_minor", s->faults_minor);
	json_tiers("faults_major", s->faults_major);
	json_tiers("moves_in", s->moves_in);
	json_tiers("moves_out", s->moves_out);
	json_close('}');
	json_end();
}

static void print_agent(const struct tw_agent_stats *s, __u32 page_size)
{
	char buf[TEXT_LEN];
	int i;

	printf("agent %llu%s: %llu regions, %s in faults\n",
	       (unsigned long long)s->id,
	       s->is_default ? " (default of the cgroup)" : "",
	       (unsigned long long)s->regions, text_ns(buf, s->fault_ns));
	printf("%-5s %10s %12s %12s %12s %12s\n", "TIER", "MEMORY", "MINOR",
	       "MAJOR", "MOVES IN", "MOVES OUT");
	for (i = 0; i < TW_NR_TIERS; i++)
		printf("%-5s %10s %12llu %12llu %12llu %12llu\n",
		       tw_tier_name(i), text_bytes(buf, s->pages[i] * page_size),
		       (unsigned long long)s->faults_minor[i],
		       (unsigned long long)s->faults_major[i],
		       (unsigned long long)s->moves_in[i],
		       (unsigned long long)s->moves_out[i]);
}

int cmd_agent_stats(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "id", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	bool json = false, by_id = false;
	struct tw_agent_stats stats;
	struct tw_info info;
	struct tw *tw;
	__u64 id = 0;
	int c, err;

	while ((c = getopt_long(argc, argv, "i:j", opts, NULL)) != -1) {
		switch (c) {
		case 'i':
			if (parse_u64(optarg, &id))
				return cli_usage("not an agent's number: %s",
						 optarg);
			by_id = true;
			break;
		case 'j':
			json = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind != argc)
		return cli_usage("agent stats takes no arguments but --id and --json");
	c = cli_open(&tw);
	if (c)
		return c;
	err = tw_info(tw, &info);
	if (!err)
		err = by_id ? tw_agent_stats_by_id(tw, id, &stats) :
			      tw_agent_stats(tw, NULL, &stats);
	tw_close(tw);
	if (err == -ENOENT && by_id)
		return cli_error("you have no agent %llu. An agent lives as long as a program holds it or memory of it, and only its own user sees it",
				 (unsigned long long)id);
	if (err == -ENOENT)
		return cli_error("this cgroup has no agent yet: nothing in it has made a region");
	if (err)
		return cli_errno(err, "asking for the agent");
	if (json)
		json_agent(&stats, info.page_size);
	else
		print_agent(&stats, info.page_size);
	return cli_flush(EXIT_SUCCESS);
}
