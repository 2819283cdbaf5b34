// SPDX-License-Identifier: GPL-2.0
/*
 * tw swap on: the kernel swaps over the tiers.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/number.h"
#include "swap/commands.h"
#include "swap/show.h"
#include "swap/turn_on.h"

const char swap_on_more[] =
"Makes /dev/twswap, whose pages lie in the stores, and has the kernel swap to\n"
"it. Programs need not know of it. Be root.\n"
"  --size SIZE   1M at least; else half of what the stores have that is neither\n"
"                in use nor set aside. It is set aside for swap, and none of it\n"
"                is left for regions\n"
"  --priority N  0 to 32767, the highest is filled first; else above all others\n"
"  --json        what there is then, as tw swap status\n"
"What is on already stays as it is. When something fails all is undone.\n";

static int parse_pages(const char *text, __u64 *pages)
{
	__u64 bytes, page_size = sysconf(_SC_PAGESIZE);

	if (parse_size(text, &bytes))
		return cli_usage("not a size: %s. Write it like 512M or 8G",
				 text);
	if (bytes % page_size)
		return cli_usage("the size has to be a multiple of the page size, %llu bytes",
				 (unsigned long long)page_size);
	*pages = bytes / page_size;
	if (!swap_pages_ok(*pages))
		return cli_usage("swap can't have a size of %s: %llu bytes are the least",
				 text, TW_SWAP_PAGES_MIN *
				 (unsigned long long)page_size);
	return 0;
}

int cmd_swap_on(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "size", required_argument, NULL, 's' },
		{ "priority", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct swap_wish wish = { .priority = SWAP_PRIORITY_ABOVE };
	bool json = false, already;
	__u64 priority;
	struct tw *tw;
	int c;

	while ((c = getopt_long(argc, argv, "s:p:j", opts, NULL)) != -1) {
		switch (c) {
		case 's':
			c = parse_pages(optarg, &wish.pages);
			if (c)
				return c;
			break;
		case 'p':
			if (parse_within(optarg, 0, SWAP_PRIORITY_MAX,
					 &priority))
				return cli_usage("not a priority from 0 to %u: %s",
						 SWAP_PRIORITY_MAX, optarg);
			wish.priority = priority;
			break;
		case 'j':
			json = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind != argc)
		return cli_usage("swap on takes options only. For a size: --size %s",
				 argv[optind]);
	c = cli_open(&tw);
	if (c)
		return c;
	c = swap_turn_on(tw, &wish, &already);
	if (!c)
		c = swap_show(tw, already, json);
	tw_close(tw);
	return c;
}
