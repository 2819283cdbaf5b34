// SPDX-License-Identifier: GPL-2.0
/*
 * tw swap status: the swap device, where its pages are, and what else is swapped to.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/term.h"
#include "base/text.h"
#include "swap/commands.h"
#include "swap/look.h"
#include "swap/show.h"
#include "tier/tier.h"

const char swap_status_more[] =
"USED and SPARE are what lies in the store now; SPARE is the part of it that is\n"
"in memory as well and gives way first. IN, OUT and SUNK are since load: read\n"
"back, swapped out to it, moved on from it to a slower store. No right is needed\n"
"but that to open the device.\n"
"  --json  one document; amounts in pages\n";

static void print_tiers(const struct swap_look *l, const struct tw_stats *stats)
{
	char used[TEXT_LEN], spare[TEXT_LEN], in[TEXT_LEN], out[TEXT_LEN];
	__u64 page_size = sysconf(_SC_PAGESIZE);
	struct tw_stats_counters c;
	char sunk[TEXT_LEN];
	int i;

	printf("\n%s%-5s %10s %10s %10s %10s %10s%s\n",
	       color_on(stdout, COLOR_BOLD), "TIER", "USED", "SPARE", "IN",
	       "OUT", "SUNK", color_off(stdout));
	for (i = 0; i < TW_NR_TIERS; i++) {
		if (!swap_shows(stats, i))
			continue;
		tw_stats_sum(stats, i, &c);
		printf("%-5s %10s %10s %10s %10s %10s\n", tw_tier_name(i),
		       text_bytes(used, l->info.used[i] * page_size),
		       text_bytes(spare, l->info.spare[i] * page_size),
		       text_bytes(in, c.swap_in * page_size),
		       text_bytes(out, c.swap_out * page_size),
		       text_bytes(sunk, c.swap_sunk * page_size));
	}
}

static void print_others(const struct swap_look *l)
{
	char size[TEXT_LEN], used[TEXT_LEN];
	size_t i;

	for (i = 0; i < l->nr; i++)
		if (&l->area[i] != l->ours)
			printf("other     %s: %s, used %s, priority %d%s\n",
			       text_shown(l->area[i].name),
			       text_bytes(size, l->area[i].size),
			       text_bytes(used, l->area[i].used),
			       l->area[i].priority,
			       l->ours && l->area[i].priority >=
			       l->ours->priority ? ", filled first" : "");
}

static void print_status(const struct swap_look *l,
			 const struct tw_stats *stats)
{
	unsigned int cluster = swap_page_cluster();
	char used[TEXT_LEN];

	printf("swap      ");
	swap_print(l);
	printf("%s\n", l->state == SWAP_NONE ?
	       ": there is no swap device. Make one with: tw swap on" :
	       l->state == SWAP_MADE ? ". Use it with: tw swap on" : "");
	if (l->ours)
		printf("used      %s by the kernel\n",
		       text_bytes(used, l->ours->used));
	if (l->info.failed)
		printf("failed    %llu pages could not be read, or were not as written\n",
		       (unsigned long long)l->info.failed);
	print_others(l);
	if (l->ours && cluster)
		printf("read-ahead of up to %u pages that lie scattered. Better: sysctl vm.page-cluster=0\n",
		       1U << cluster);
	print_tiers(l, stats);
}

int cmd_swap_status(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	const struct tw_stats *stats;
	struct swap_look l;
	bool json = false;
	struct tw *tw;
	int c, err;

	while ((c = getopt_long(argc, argv, "j", opts, NULL)) != -1) {
		if (c != 'j')
			return EXIT_USAGE;
		json = true;
	}
	if (optind != argc)
		return cli_usage("swap status takes no arguments but --json");
	c = cli_open(&tw);
	if (c)
		return c;
	err = tw_stats_map(tw, &stats);
	if (err) {
		tw_close(tw);
		return cli_errno(err, "mapping the statistics");
	}
	c = swap_look(tw, &l);
	if (!c) {
		if (json)
			swap_json(&l, stats);
		else
			print_status(&l, stats);
		c = cli_flush(EXIT_SUCCESS);
	}
	swap_look_free(&l);
	tw_close(tw);
	return c;
}
