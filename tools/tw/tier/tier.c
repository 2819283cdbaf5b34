// SPDX-License-Identifier: GPL-2.0
/*
 * tw tier list: what the tiers are made of.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/term.h"
#include "base/text.h"
#include "machine/sysfs.h"
#include "tier/commands.h"
#include "tier/tier.h"

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

void binding_text(char buf[WHERE_LEN], const struct tw_tier_info *t)
{
	char nodes[NODES_LEN], dev[DEVICE_NAME_LEN + 8], file[WHERE_LEN / 2];

	buf[0] = '\0';
	if (t->kind == TW_KIND_NUMA) {
		snprintf(buf, WHERE_LEN, "%s %s",
			 t->nodes & (t->nodes - 1) ? "nodes" : "node",
			 text_nodes(nodes, t->nodes));
	} else if (t->kind == TW_KIND_STORE) {
		device_text(dev, sizeof(dev), t->dev);
		if (device_file(file, sizeof(file), t->dev))
			snprintf(buf, WHERE_LEN, "%s", dev);
		else
			snprintf(buf, WHERE_LEN, "%s (%s)", dev,
				 text_shown(file));
	}
}

/* Tiers that are not bound are there, but not yet worth a look: dim. */
static void print_tier(const struct tw_tier_info *t, __u32 page_size)
{
	char cap[TEXT_LEN], used[TEXT_LEN], ns[TEXT_LEN], bw[TEXT_LEN];
	bool bound = t->kind != TW_KIND_NONE;
	char where[WHERE_LEN];

	binding_text(where, t);
	printf("%s%-5s %-6s %10s %10s %9s %11s/s%s%s%s\n",
	       bound ? "" : color_on(stdout, COLOR_DIM), tw_tier_name(t->tier),
	       kind_name(t->kind),
	       bound ? text_bytes(cap, t->capacity * page_size) : "-",
	       bound ? text_bytes(used, t->used * page_size) : "-",
	       text_ns(ns, bound ? t->latency_ns : t->nominal_latency_ns),
	       text_bytes(bw, bound ? t->bandwidth : t->nominal_bandwidth),
	       bound ? "  " : "*", where, bound ? "" : color_off(stdout));
}

void tier_json(const struct tw_tier_info *t, __u32 page_size)
{
	char text[WHERE_LEN];

	json_begin(JSON_TIER);
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
		device_text(text, sizeof(text), t->dev);
		json_str("device", text);
		if (!device_file(text, sizeof(text), t->dev))
			json_str("file", text);
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
			tier_json(&tiers[i], info.page_size);
		json_close(']');
		json_end();
		return cli_flush(EXIT_SUCCESS);
	}
	printf("%s%-5s %-6s %10s %10s %9s %13s  %s%s\n",
	       color_on(stdout, COLOR_BOLD), "TIER", "KIND", "CAPACITY", "USED",
	       "LATENCY", "BANDWIDTH", "WHERE", color_off(stdout));
	for (i = 0; i < TW_NR_TIERS; i++) {
		print_tier(&tiers[i], info.page_size);
		nominal |= tiers[i].kind == TW_KIND_NONE;
	}
	if (nominal)
		printf("* not bound: the specification's figures\n");
	return cli_flush(EXIT_SUCCESS);
}
