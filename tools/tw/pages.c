// SPDX-License-Identifier: GPL-2.0
/*
 * tw migrate, tw page: pages by number.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* The page numbers in @argv, to be freed; NULL and *@code when wrong. */
static __u64 *page_args(int argc, char **argv, int *code)
{
	__u64 *pages = calloc(argc, sizeof(*pages));
	int i;

	if (!pages) {
		*code = cli_errno(-ENOMEM, "page numbers");
		return NULL;
	}
	for (i = 0; i < argc; i++) {
		if (parse_u64(argv[i], &pages[i])) {
			*code = cli_usage("not a page's number: %s", argv[i]);
			free(pages);
			return NULL;
		}
	}
	return pages;
}

static const char *outcome(int status)
{
	switch (status) {
	case 0:
		return "moved";
	case TW_MOVE_ALREADY:
		return "there already";
	case -ENOENT:
		return "no such page, not yours or never touched";
	case -EBUSY:
		return "pinned or on its way";
	case -ENOSPC:
		return "the tier is full";
	case -EINVAL:
		return "not in the tier it was to come from";
	case -EOPNOTSUPP:
		return "the tier is not bound";
	default:
		return strerror(-status);
	}
}

int cmd_migrate(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "from", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	int c, i, err, to, from = TW_TIER_NONE, nr;
	struct tw_move_sum sum;
	char page[TEXT_LEN];
	__s32 *status;
	struct tw *tw;
	__u64 *pages;

	while ((c = getopt_long(argc, argv, "f:", opts, NULL)) != -1) {
		if (c != 'f')
			return EXIT_USAGE;
		c = parse_tier_arg(optarg, &from);
		if (c)
			return c;
	}
	nr = argc - optind - 1;
	if (nr < 1)
		return cli_usage("migrate takes a tier and page numbers");
	c = parse_tier_arg(argv[optind], &to);
	if (c)
		return c;
	pages = page_args(nr, argv + optind + 1, &c);
	if (!pages)
		return c;
	status = calloc(nr, sizeof(*status));
	if (!status) {
		free(pages);
		return cli_errno(-ENOMEM, "page numbers");
	}
	c = cli_open(&tw);
	if (c)
		goto out;
	err = tw_migrate_pages(tw, pages, nr, to, from, TW_REASON_MANUAL,
			       status, &sum);
	tw_close(tw);
	for (i = 0; i < nr && (__u64)i < sum.done; i++)
		printf("%s: %s\n", text_page(page, pages[i]),
		       outcome(status[i]));
	if (err == -EOPNOTSUPP)
		c = cli_error("the %s tier is not bound. See: tw tier list",
			      tw_tier_name(to));
	else if (err)
		c = cli_errno(err, "moving to %s", tw_tier_name(to));
	else
		c = cli_flush(sum.failed ? EXIT_FAILURE : EXIT_SUCCESS);
out:
	free(status);
	free(pages);
	return c;
}

static void json_one(const struct tw_page *p)
{
	json_open(NULL, '{');
	json_page("page", p->page);
	json_s64("status", p->status);
	if (!p->status) {
		json_str("tier", tw_tier_name(p->tier));
		json_page("pfn", p->pfn);
		json_s64("node", p->node);
		json_u64("heat", p->heat);
		json_u64("age", p->age);
		json_bool("kept", p->flags & TW_PAGE_KEPT);
		json_bool("lost", p->flags & TW_PAGE_LOST);
		json_bool("busy", p->flags & TW_PAGE_BUSY);
	}
	json_close('}');
}

static void print_one(const struct tw_page *p)
{
	char page[TEXT_LEN], node[TEXT_LEN] = "-";

	if (p->status) {
		printf("%-20s %s\n", text_page(page, p->page),
		       p->status == -ENOENT ? "no such page, or not yours" :
					      strerror(-p->status));
		return;
	}
	if (p->node >= 0)
		snprintf(node, sizeof(node), "%d", p->node);
	printf("%-20s %-5s %4s %6u %4u%s%s%s\n", text_page(page, p->page),
	       tw_tier_name(p->tier), node, p->heat, p->age,
	       p->flags & TW_PAGE_KEPT ? " kept" : "",
	       p->flags & TW_PAGE_LOST ? " lost" : "",
	       p->flags & TW_PAGE_BUSY ? " busy" : "");
}

int cmd_page(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct tw_page *infos;
	bool json = false;
	struct tw *tw;
	__u64 *pages;
	int c, i, nr, err;

	while ((c = getopt_long(argc, argv, "j", opts, NULL)) != -1) {
		if (c != 'j')
			return EXIT_USAGE;
		json = true;
	}
	nr = argc - optind;
	if (nr < 1)
		return cli_usage("page takes page numbers");
	pages = page_args(nr, argv + optind, &c);
	if (!pages)
		return c;
	infos = calloc(nr, sizeof(*infos));
	if (!infos) {
		free(pages);
		return cli_errno(-ENOMEM, "page numbers");
	}
	c = cli_open(&tw);
	if (c)
		goto out;
	err = tw_page_info(tw, pages, nr, infos);
	tw_close(tw);
	if (err) {
		c = cli_errno(err, "looking pages up");
		goto out;
	}
	if (json) {
		json_open(NULL, '[');
		for (i = 0; i < nr; i++)
			json_one(&infos[i]);
		json_close(']');
		json_end();
	} else {
		printf("%-20s %-5s %4s %6s %4s\n", "PAGE", "TIER", "NODE",
		       "HEAT", "AGE");
		for (i = 0; i < nr; i++)
			print_one(&infos[i]);
	}
	c = cli_flush(EXIT_SUCCESS);
out:
	free(infos);
	free(pages);
	return c;
}
