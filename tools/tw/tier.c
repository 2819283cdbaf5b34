// SPDX-License-Identifier: GPL-2.0
/*
 * tw tier list, bind, unbind.
 */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cli.h"

static bool is_store(int tier)
{
	return tier >= TW_TIER_NVME;
}

static const char *kind_name(__u32 kind)
{
	switch (kind) {
	case TW_KIND_NONE:
		return "-";
	case TW_KIND_NUMA:
		return "numa";
	case TW_KIND_STORE:
		return "store";
	default:
		return "?";
	}
}

/* The device's name in /dev, or its numbers. */
static void device_text(char *buf, size_t len, __u32 dev)
{
	char path[64], target[512];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(dev),
		 minor(dev));
	n = readlink(path, target, sizeof(target) - 1);
	if (n > 0) {
		target[n] = '\0';
		snprintf(buf, len, "/dev/%s", basename(target));
	} else {
		snprintf(buf, len, "%u:%u", major(dev), minor(dev));
	}
}

static void where_text(char *buf, size_t len, const struct tw_tier_info *t)
{
	char nodes[NODES_LEN];

	buf[0] = '\0';
	if (t->kind == TW_KIND_NUMA)
		snprintf(buf, len, "%s %s",
			 t->nodes & (t->nodes - 1) ? "nodes" : "node",
			 text_nodes(nodes, t->nodes));
	else if (t->kind == TW_KIND_STORE)
		device_text(buf, len, t->dev);
}

static void print_tier(const struct tw_tier_info *t, __u32 page_size)
{
	char cap[TEXT_LEN], used[TEXT_LEN], ns[TEXT_LEN], bw[TEXT_LEN];
	bool bound = t->kind != TW_KIND_NONE;
	char where[NODES_LEN + 16];

	where_text(where, sizeof(where), t);
	printf("%-5s %-6s %10s %10s %9s %11s/s%s%s\n", tw_tier_name(t->tier),
	       kind_name(t->kind),
	       bound ? text_bytes(cap, t->capacity * page_size) : "-",
	       bound ? text_bytes(used, t->used * page_size) : "-",
	       text_ns(ns, bound ? t->latency_ns : t->nominal_latency_ns),
	       text_bytes(bw, bound ? t->bandwidth : t->nominal_bandwidth),
	       bound ? "  " : "*", where);
}

static void json_tier(const struct tw_tier_info *t, __u32 page_size)
{
	char where[NODES_LEN + 16];

	json_open(NULL, '{');
	json_str("tier", tw_tier_name(t->tier));
	json_bool("bound", t->kind != TW_KIND_NONE);
	json_str("kind", t->kind ? kind_name(t->kind) : "none");
	json_u64("page_size", page_size);
	json_u64("capacity", t->capacity);
	json_u64("used", t->used);
	json_u64("kept", t->kept);
	json_u64("nominal_latency_ns", t->nominal_latency_ns);
	json_u64("nominal_bandwidth", t->nominal_bandwidth);
	json_u64("latency_ns", t->latency_ns);
	json_u64("bandwidth", t->bandwidth);
	if (t->kind == TW_KIND_NUMA) {
		unsigned int i;

		json_open("nodes", '[');
		for (i = 0; i < 64; i++)
			if (t->nodes >> i & 1)
				json_u64(NULL, i);
		json_close(']');
	} else if (t->kind == TW_KIND_STORE) {
		device_text(where, sizeof(where), t->dev);
		json_str("device", where);
		json_u64("major", major(t->dev));
		json_u64("minor", minor(t->dev));
	}
	json_close('}');
}

const char tier_list_more[] =
"  --json  one document: capacity and use in pages, latency in ns, bandwidth\n"
"          in bytes a second\n"
"Figures with a * are nominal ones of tiers that are not bound; the others were\n"
"measured when the tier was bound.\n";

int cmd_tier_list(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct tw_tier_info tiers[TW_NR_TIERS];
	bool json = false, nominal = false;
	struct tw_info info;
	struct tw *tw;
	int c, i, err;

	while ((c = getopt_long(argc, argv, "j", opts, NULL)) != -1) {
		if (c != 'j')
			return EXIT_USAGE;
		json = true;
	}
	if (optind != argc)
		return cli_usage("tier list takes no arguments");
	c = cli_open(&tw);
	if (c)
		return c;
	err = tw_info(tw, &info);
	for (i = 0; !err && i < TW_NR_TIERS; i++)
		err = tw_tier_info(tw, i, &tiers[i]);
	tw_close(tw);
	if (err)
		return cli_errno(err, "asking for the tiers");
	if (json) {
		json_open(NULL, '[');
		for (i = 0; i < TW_NR_TIERS; i++)
			json_tier(&tiers[i], info.page_size);
		json_close(']');
		json_end();
		return cli_flush(EXIT_SUCCESS);
	}
	printf("%-5s %-6s %10s %10s %9s %13s  %s\n", "TIER", "KIND",
	       "CAPACITY", "USED", "LATENCY", "BANDWIDTH", "WHERE");
	for (i = 0; i < TW_NR_TIERS; i++) {
		print_tier(&tiers[i], info.page_size);
		nominal |= tiers[i].kind == TW_KIND_NONE;
	}
	if (nominal)
		printf("* not bound: the specification's figures\n");
	return cli_flush(EXIT_SUCCESS);
}

static int bind_error(int err, int tier, const char *dev)
{
	const char *name = tw_tier_name(tier);

	switch (err) {
	case -EPERM:
		return cli_no_permission("binding a tier needs CAP_SYS_ADMIN. Be root");
	case -EACCES:
		return cli_no_permission("no permission to open %s for writing. Be root",
					 dev);
	case -EBUSY:
		if (dev)
			return cli_error("the %s tier is bound already, or %s is in use. See: tw tier list; lsblk %s",
					 name, dev, dev);
		return cli_error("the %s tier is bound already, or a node belongs to the other memory tier. See: tw tier list",
				 name);
	case -EINVAL:
		if (dev)
			return cli_error("%s is not signed, too small or has less than the capacity asked for. Sign it with: tw tier format %s",
					 dev, dev);
		return cli_error("the nodes don't fit the %s tier or have less than the capacity asked for. gpu takes nodes without CPUs, cpu those with CPUs. See: numactl -H",
				 name);
	case -EOPNOTSUPP:
		if (dev)
			break;
		return cli_error("no node for the %s tier has memory that may be used. For nodes with movable memory only: --movable (see tw(1) for its hazards)",
				 name);
	case -ENOTBLK:
		return cli_error("%s is not a block device. A file becomes one with: losetup --direct-io=on --show -f FILE",
				 dev);
	}
	if (dev)
		return cli_errno(err, "binding %s to %s", name, dev);
	return cli_errno(err, "binding %s", name);
}

const char tier_bind_more[] =
"  --capacity SIZE  use less than there is\n"
"  --nodes LIST     gpu and cpu: these NUMA nodes, like 0,2-3; else all that fit\n"
"  --movable        accept nodes of movable memory only, see tw-tier(1)\n";

int cmd_tier_bind(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "capacity", required_argument, NULL, 'c' },
		{ "nodes", required_argument, NULL, 'n' },
		{ "movable", no_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};
	__u64 bytes = 0, capacity, nodes = 0;
	char size[TEXT_LEN], where[NODES_LEN + 16];
	const char *dev = NULL;
	struct tw_tier_info t;
	unsigned int flags = 0;
	struct tw_info info;
	int c, tier, err;
	struct tw *tw;

	while ((c = getopt_long(argc, argv, "c:n:m", opts, NULL)) != -1) {
		switch (c) {
		case 'c':
			if (parse_size(optarg, &bytes) || !bytes)
				return cli_usage("not a size: %s. Write it like 64M or 1G",
						 optarg);
			break;
		case 'n':
			if (parse_nodes(optarg, &nodes))
				return cli_usage("not a list of nodes 0..63: %s. Write it like 0,2-3",
						 optarg);
			break;
		case 'm':
			flags |= TW_BIND_MOVABLE;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (argc - optind < 1 || argc - optind > 2)
		return cli_usage("tier bind takes a tier, and for nvme, ssd and hdd a device");
	c = parse_tier_arg(argv[optind], &tier);
	if (c)
		return c;
	if (argc - optind == 2)
		dev = argv[optind + 1];
	if (is_store(tier) && !dev)
		return cli_usage("the %s tier needs a device", argv[optind]);
	if (!is_store(tier) && dev)
		return cli_usage("the %s tier is made of NUMA nodes, not of a device: see --nodes",
				 argv[optind]);
	if (is_store(tier) && (nodes || flags))
		return cli_usage("--nodes and --movable are for gpu and cpu");
	c = cli_open(&tw);
	if (c)
		return c;
	err = tw_info(tw, &info);
	if (err) {
		c = cli_errno(err, "asking the driver");
		goto out;
	}
	capacity = bytes / info.page_size;
	if (capacity * info.page_size != bytes) {
		c = cli_usage("the capacity has to be a multiple of the page size, %u bytes",
			      info.page_size);
		goto out;
	}
	if (dev)
		err = tw_tier_bind_device(tw, tier, dev, capacity, flags);
	else
		err = tw_tier_bind_nodes(tw, tier, nodes, capacity, flags);
	if (err) {
		c = bind_error(err, tier, dev);
		goto out;
	}
	if (!tw_tier_info(tw, tier, &t)) {
		where_text(where, sizeof(where), &t);
		printf("%s: %s on %s\n", tw_tier_name(tier),
		       text_bytes(size, t.capacity * info.page_size), where);
	}
	c = cli_flush(EXIT_SUCCESS);
out:
	tw_close(tw);
	return c;
}

const char tier_unbind_more[] =
"  --force  give up pages that a broken device doesn't give back: who touches\n"
"           one gets SIGBUS\n";

int cmd_tier_unbind(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "force", no_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned int flags = 0;
	int c, tier, err;
	__u64 moved = 0;
	struct tw *tw;
	const char *name;

	while ((c = getopt_long(argc, argv, "f", opts, NULL)) != -1) {
		if (c != 'f')
			return EXIT_USAGE;
		flags |= TW_UNBIND_FORCE;
	}
	if (argc - optind != 1)
		return cli_usage("tier unbind takes one tier");
	c = parse_tier_arg(argv[optind], &tier);
	if (c)
		return c;
	name = tw_tier_name(tier);
	c = cli_open(&tw);
	if (c)
		return c;
	err = tw_tier_unbind(tw, tier, flags, &moved);
	tw_close(tw);
	switch (err) {
	case 0:
		printf("%s: unbound, %llu pages moved elsewhere\n", name,
		       (unsigned long long)moved);
		return cli_flush(EXIT_SUCCESS);
	case -EPERM:
		return cli_no_permission("unbinding a tier needs CAP_SYS_ADMIN. Be root");
	case -EOPNOTSUPP:
		return cli_error("the %s tier is not bound", name);
	case -ENOSPC:
		return cli_error("the other tiers have no room for the pages of %s; %llu were moved. Make room or bind another tier, then try again",
				 name, (unsigned long long)moved);
	case -EBUSY:
		return cli_error("a page of %s is pinned, or it is the last memory tier and there are regions; %llu pages were moved. End the programs that use it, then try again",
				 name, (unsigned long long)moved);
	case -EIO:
		return cli_error("a page of %s can't be read; %llu pages were moved. To give such pages up, with what is in them: tw tier unbind --force %s",
				 name, (unsigned long long)moved, name);
	default:
		return cli_errno(err, "unbinding %s (%llu pages were moved)",
				 name, (unsigned long long)moved);
	}
}
