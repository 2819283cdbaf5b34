// SPDX-License-Identifier: GPL-2.0
/*
 * tw tier bind, unbind: a tier gets its NUMA nodes, its device or its file, and
 * lets them go.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/cli.h"
#include "base/json.h"
#include "base/number.h"
#include "base/progress.h"
#include "base/term.h"
#include "base/text.h"
#include "machine/check.h"
#include "machine/loop.h"
#include "machine/sysfs.h"
#include "machine/users.h"
#include "tier/bind.h"
#include "tier/card.h"
#include "tier/commands.h"
#include "tier/format.h"
#include "tier/tier.h"

/* What --yield keeps free for others. */
#define YIELD_FREE	(512ULL << 20)

static int nodes_error(int err, const char *name)
{
	switch (err) {
	case -EBUSY:
		return cli_error("the %s tier is bound already, or a node belongs to the other memory tier. See: tw tier list",
				 name);
	case -EINVAL:
		return cli_error("the nodes don't fit the %s tier or have less than the capacity asked for. gpu takes nodes without CPUs, cpu those with CPUs. See: numactl -H",
				 name);
	case -EOPNOTSUPP:
		return cli_error("no node for the %s tier has memory that may be used. For nodes with movable memory only: --movable (see tw-tier(1) for its hazards)",
				 name);
	default:
		return cli_errno(err, "binding %s", name);
	}
}

static bool is_bound(struct tw *tw, int tier)
{
	struct tw_tier_info t;

	return !tw_tier_info(tw, tier, &t) && t.kind != TW_KIND_NONE;
}

static int bound_already(int tier)
{
	const char *name = tw_tier_name(tier);

	return cli_error("the %s tier is bound already. To bind it anew, first: tw tier unbind %s. See: tw tier list",
			 name, name);
}

/*
 * What the driver said, of a device that was looked at before: somebody else was
 * quicker, or the driver is not of this version. @path is what the user said, @dev
 * what was to be bound.
 */
static int device_error(struct tw *tw, int err, int tier, const char *path,
			const char *dev)
{
	const char *name = tw_tier_name(tier);
	char users[USERS_LEN] = "";
	struct stat st;

	switch (err) {
	case -EACCES:
		return cli_no_permission("no permission to open %s for writing. Be root",
					 dev);
	case -EBUSY:
		if (is_bound(tw, tier))
			return bound_already(tier);
		if (!stat(dev, &st))
			device_users(users, sizeof(users), st.st_rdev);
		return cli_error("%s is in use%s%s. See: lsblk %s; tw tier list",
				 path, *users ? ": " : "", users, dev);
	case -EINVAL:
		return cli_error("%s has less than the capacity asked for", path);
	case -ENOTBLK:
		return cli_error("%s is neither a block device nor a file",
				 path);
	case -EROFS:
		return cli_error("%s is read-only", path);
	case -EOPNOTSUPP:
		return cli_error("%s is zoned, and a store is written in any order",
				 path);
	case -EOVERFLOW:
		return cli_error("%s has blocks larger than pages", path);
	case -ENOSPC:
		return cli_error("%s is too small for a store", path);
	case -EMEDIUMTYPE:
		return cli_error("%s is not signed. Sign it with: tw tier format %s",
				 path, path);
	case -ESTALE:
		return cli_error("%s has shrunk since it was signed. To sign it again: tw tier format --force %s",
				 path, path);
	default:
		return cli_errno(err, "binding %s to %s", name, path);
	}
}

/* What can't be bound is found before a file gets a loop device. */
static int check_store(struct tw *tw, const struct binding *b)
{
	struct device_wrong wrong;
	struct device_look look;
	int fd;

	if (is_bound(tw, b->tier))
		return bound_already(b->tier);
	fd = device_check(&look, b->path, CHECK_WRITE | CHECK_STORE, &wrong);
	if (fd < 0)
		return device_refuse(b->path, &wrong);
	close(fd);
	if (device_has_room(&look, b->capacity * sysconf(_SC_PAGESIZE), &wrong))
		return 0;
	return device_refuse(b->path, &wrong);
}

static int bind_file(struct tw *tw, const struct binding *b)
{
	char dev[DEVICE_NAME_LEN];
	int fd, code, err;

	fd = loop_attach(b->path, dev, &code);
	if (fd < 0)
		return code;
	err = tw_tier_bind_device(tw, b->tier, dev, b->capacity, b->flags);
	if (err)
		code = device_error(tw, err, b->tier, b->path, dev);
	/* Bound, the tier keeps it; else this was the last to have it open. */
	close(fd);
	return code;
}

int binding_make(struct tw *tw, const struct binding *b)
{
	struct stat st;
	int err;

	if (b->path && !stat(b->path, &st)) {
		err = check_store(tw, b);
		if (err)
			return err;
		if (S_ISREG(st.st_mode))
			return bind_file(tw, b);
	}
	if (b->path)
		err = tw_tier_bind_device(tw, b->tier, b->path, b->capacity,
					  b->flags);
	else
		err = tw_tier_bind_nodes(tw, b->tier, b->nodes, b->capacity,
					 b->flags);
	if (!err)
		return 0;
	if (err == -EPERM)
		return cli_no_permission("binding a tier needs CAP_SYS_ADMIN. Be root");
	if (b->path)
		return device_error(tw, err, b->tier, b->path, b->path);
	return nodes_error(err, tw_tier_name(b->tier));
}

/**
 * struct emptying - a tier that is being unbound
 */
struct emptying {
	struct tw *tw;
	int tier;
};

static void tell_left(struct progress *p, void *arg)
{
	const struct emptying *e = arg;
	struct tw_tier_info t;
	char left[TEXT_LEN];

	if (!tw_tier_info(e->tw, e->tier, &t))
		progress_say(p, "%s: %s pages left", tw_tier_name(e->tier),
			     text_count(left, t.used));
}

void binding_card(struct tw *tw, int tier, char name[DEVICE_NAME_LEN])
{
	struct tw_tier_info t;

	if (tw_tier_info(tw, tier, &t) || t.kind != TW_KIND_STORE ||
	    device_name(name, t.dev) || !card_is_ours(name))
		name[0] = '\0';
}

int binding_undo(struct tw *tw, int tier, unsigned int flags, __u64 *moved)
{
	const char *name = tw_tier_name(tier);
	struct emptying emptying = { tw, tier };
	char card[DEVICE_NAME_LEN];
	struct beside *shown;
	unsigned long long n;
	int err;

	binding_card(tw, tier, card);
	if (*card && (flags & TW_UNBIND_FORCE))
		card_give_up(card);
	shown = beside_begin(tell_left, &emptying);
	err = tw_tier_unbind(tw, tier, flags, moved);
	n = *moved;
	beside_end(shown);

	switch (err) {
	case 0:
		return *card ? card_end(card) : 0;
	case -EPERM:
		return cli_no_permission("unbinding a tier needs CAP_SYS_ADMIN. Be root");
	case -EOPNOTSUPP:
		return cli_error("the %s tier is not bound. See: tw tier list",
				 name);
	case -ENOSPC:
		return cli_error("the other tiers have no room for the pages of %s, or swap has as much set aside (tw swap status); %llu were moved. Make room or bind another tier, then try again",
				 name, n);
	case -EBUSY:
		return cli_error("a page of %s is pinned, or it is the last memory tier and there are regions; %llu pages were moved. End the programs that use it, then try again",
				 name, n);
	case -EIO:
		return cli_error("a page of %s can't be read; %llu pages were moved. To give such pages up, with what is in them: tw tier unbind --force %s",
				 name, n, name);
	case -EINTR:
		cli_error("interrupted: %s is still bound, %llu pages were moved",
			  name, n);
		return EXIT_INTERRUPTED;
	default:
		return cli_errno(err, "unbinding %s (%llu pages were moved)",
				 name, n);
	}
}

const char tier_bind_more[] =
"DEV is a block device, or a file, which gets a loop device with direct I/O.\n"
"  --capacity SIZE  use less than there is\n"
"  --leave PERCENT  gpu and cpu: of each node to others, 0 to 90; else as much as\n"
"                   the driver's leave_percent says\n"
"  --format         sign DEV first, if there is nothing on it\n"
"  --nodes LIST     gpu and cpu: these NUMA nodes, like 0,2-3; else all that fit\n"
"  --movable        accept nodes of movable memory only, see tw-tier(1)\n"
"  --opencl [PLATFORM:DEVICE]  gpu: memory of a graphics card, by a server that\n"
"                   is started for it; else of the one with most memory\n"
"  --size SIZE      of the card's memory\n"
"  --yield[=FREE]   give it back when others find less than that free (512M);\n"
"                   tierwatchd does, if it runs\n"
"  --free-from FILE  says how much is free, for cards that don't\n"
"  --json           what the tier is made of now\n";

struct bind_args {
	struct binding b;
	__u64 bytes;
	bool format, json, leave;
	struct card_store card;
};

static int parse_bind(int argc, char **argv, struct bind_args *a)
{
	static const struct option opts[] = {
		{ "capacity", required_argument, NULL, 'c' },
		{ "leave", required_argument, NULL, 'l' },
		{ "format", no_argument, NULL, 'f' },
		{ "nodes", required_argument, NULL, 'n' },
		{ "movable", no_argument, NULL, 'm' },
		{ "opencl", optional_argument, NULL, 'o' },
		{ "size", required_argument, NULL, 's' },
		{ "yield", optional_argument, NULL, 'y' },
		{ "free-from", required_argument, NULL, 'F' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	__u64 percent;
	int c;

	while ((c = getopt_long(argc, argv, "c:l:fn:mj", opts, NULL)) != -1) {
		switch (c) {
		case 'c':
			if (parse_size(optarg, &a->bytes) || !a->bytes)
				return cli_usage("not a size: %s. Write it like 64M or 1G",
						 optarg);
			break;
		case 'l':
			if (parse_within(optarg, 0, LEAVE_MAX, &percent))
				return cli_usage("not a percentage from 0 to %u: %s",
						 LEAVE_MAX, optarg);
			a->leave = true;
			a->b.flags = (a->b.flags & TW_BIND_MOVABLE) |
				     leave_flags(percent);
			break;
		case 'f':
			a->format = true;
			break;
		case 'n':
			if (parse_nodes(optarg, &a->b.nodes))
				return cli_usage("not a list of nodes 0..63: %s. Write it like 0,2-3",
						 optarg);
			break;
		case 'm':
			a->b.flags |= TW_BIND_MOVABLE;
			break;
		case 'o':
			/* It may stand behind the option, as well as be part of it. */
			if (!optarg && optind < argc &&
			    card_is_named(argv[optind]))
				optarg = argv[optind++];
			if (optarg && !card_is_named(optarg))
				return cli_usage("not a card: %s. Write it like 0:0. See: tw tier detect",
						 optarg);
			a->card.which = optarg ? optarg : "";
			break;
		case 's':
			if (parse_size(optarg, &a->card.bytes) || !a->card.bytes)
				return cli_usage("not a size: %s. Write it like 64M or 1G",
						 optarg);
			break;
		case 'y':
			a->card.yield = YIELD_FREE;
			if (optarg && (parse_size(optarg, &a->card.yield) || !a->card.yield))
				return cli_usage("not a size: %s. Write it like 64M or 1G",
						 optarg);
			break;
		case 'F':
			a->card.free_from = optarg;
			break;
		case 'j':
			a->json = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (argc - optind < 1 || argc - optind > 2)
		return cli_usage("tier bind takes a tier, and for a store a device or file");
	c = parse_tier_arg(argv[optind], &a->b.tier);
	if (!c && argc - optind == 2)
		a->b.path = argv[optind + 1];
	return c;
}

static int check_card(const struct bind_args *a)
{
	if (!a->card.which && (a->card.yield || a->card.free_from))
		return cli_usage("--yield and --free-from are for --opencl");
	if (!a->card.which)
		return a->card.bytes ?
			cli_usage("--size is for --opencl. To use less than there is: --capacity") : 0;
	if (a->card.free_from && !a->card.yield)
		return cli_usage("--free-from is for --yield");
	/* A unit's options are words. */
	if (a->card.free_from && (*a->card.free_from != '/' ||
				  strpbrk(a->card.free_from, " \t\n\"'\\$%")))
		return cli_usage("--free-from takes a path that begins with / and has no spaces or quotes");
	if (a->b.tier != TW_TIER_GPU)
		return cli_usage("--opencl is for gpu");
	if (!a->card.bytes)
		return cli_usage("--opencl needs --size, so much of the card's memory. See: tw tier detect");
	if (a->b.path || a->format || a->b.nodes || a->b.flags || a->leave ||
	    a->bytes)
		return cli_usage("--opencl goes with --size, --yield, --free-from and --json alone");
	return 0;
}

static int check_bind(const struct bind_args *a)
{
	const char *name = tw_tier_name(a->b.tier);
	int code = check_card(a);

	if (code)
		return code;

	if (!can_be_memory(a->b.tier) && !a->b.path)
		return cli_usage("the %s tier needs a device or a file. See: tw tier detect",
				 name);
	if (!can_be_store(a->b.tier) && a->b.path)
		return cli_usage("the %s tier is made of NUMA nodes, not of a device: see --nodes",
				 name);
	if (a->format && !a->b.path)
		return cli_usage("--format signs a device or a file, and there is none. See: tw tier bind --help");
	if (a->b.path && (a->b.nodes || a->b.flags || a->leave))
		return cli_usage("--nodes, --leave and --movable are for gpu and cpu, where those are made of NUMA nodes");
	if (a->leave && a->bytes)
		return cli_usage("--capacity and --leave say the same thing twice");
	return 0;
}

static void show_bound(struct tw *tw, int tier, __u32 page_size, bool json)
{
	char size[TEXT_LEN], where[WHERE_LEN];
	struct tw_tier_info t;

	if (tw_tier_info(tw, tier, &t))
		return;
	if (json) {
		tier_json(&t, page_size);
		json_end();
		return;
	}
	binding_text(where, &t);
	printf("%s: %s on %s\n", tw_tier_name(tier),
	       text_bytes(size, t.capacity * page_size), where);
}

/* The device of a card's server is signed by whoever makes it, and is empty. */
static int bind_card(struct tw *tw, struct bind_args *a, __u32 page_size)
{
	char dev[DEVICE_NAME_LEN];
	struct format_result made;
	int code;

	if (is_bound(tw, a->b.tier))
		return bound_already(a->b.tier);
	if (a->card.bytes % page_size || a->card.bytes < TW_STORE_DATA +
	    (__u64)TW_STORE_PAGES_MIN * page_size)
		return cli_usage("--size has to be a multiple of the page size, %u bytes, and 1M or more",
				 page_size);
	code = card_begin(&a->card);
	if (code)
		return code;
	snprintf(dev, sizeof(dev), "/dev/%s", a->card.name);
	a->b.path = dev;
	code = format_store(dev, NULL, a->b.tier, FORMAT_FORCE, &made);
	if (!code)
		code = binding_make(tw, &a->b);
	if (code)
		card_end(a->card.name);
	else if (a->card.yield && !card_daemon_runs())
		fprintf(stderr, "%s: bound, but nothing gives memory back before tierwatchd runs: systemctl start tierwatchd\n",
			cli_program);
	a->b.path = NULL;
	return code;
}

int cmd_tier_bind(int argc, char **argv)
{
	struct bind_args a = { 0 };
	struct format_result made;
	struct tw_info info;
	struct tw *tw;
	int code, err;

	code = parse_bind(argc, argv, &a);
	if (!code)
		code = check_bind(&a);
	if (code)
		return code;
	code = cli_open(&tw);
	if (code)
		return code;
	err = tw_info(tw, &info);
	if (err) {
		code = cli_errno(err, "asking the driver");
		goto out;
	}
	if (!a.b.path && !a.card.which && !a.leave && !a.bytes)
		a.b.flags |= TW_BIND_SHARE;
	a.b.capacity = a.bytes / info.page_size;
	if (a.b.capacity * info.page_size != a.bytes) {
		code = cli_usage("the capacity has to be a multiple of the page size, %u bytes",
				 info.page_size);
		goto out;
	}
	if (a.format)
		code = format_store(a.b.path, NULL, a.b.tier, 0, &made);
	if (!code)
		code = a.card.which ? bind_card(tw, &a, info.page_size) :
				      binding_make(tw, &a.b);
	if (code)
		goto out;
	show_bound(tw, a.b.tier, info.page_size, a.json);
	code = cli_flush(EXIT_SUCCESS);
out:
	tw_close(tw);
	return code;
}

const char tier_unbind_more[] =
"  --force  give up pages that a broken device doesn't give back: who touches\n"
"           one gets SIGBUS\n"
"  --json   what was done, as one document\n"
"A server of a card's memory ends with the binding.\n";

int cmd_tier_unbind(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	char count[TEXT_LEN];
	unsigned int flags = 0;
	bool json = false;
	int c, tier;
	__u64 moved = 0;
	struct tw *tw;

	while ((c = getopt_long(argc, argv, "fj", opts, NULL)) != -1) {
		if (c == 'f')
			flags |= TW_UNBIND_FORCE;
		else if (c == 'j')
			json = true;
		else
			return EXIT_USAGE;
	}
	if (argc - optind != 1)
		return cli_usage("tier unbind takes one tier");
	c = parse_tier_arg(argv[optind], &tier);
	if (c)
		return c;
	c = cli_open(&tw);
	if (c)
		return c;
	c = binding_undo(tw, tier, flags, &moved);
	tw_close(tw);
	if (c)
		return c;
	if (json) {
		json_begin(JSON_TIER_UNBIND);
		json_str("tier", tw_tier_name(tier));
		json_u64("moved", moved);
		json_close('}');
		json_end();
	} else {
		printf("%s: unbound, %s pages moved elsewhere\n",
		       tw_tier_name(tier), text_count(count, moved));
	}
	return cli_flush(EXIT_SUCCESS);
}
