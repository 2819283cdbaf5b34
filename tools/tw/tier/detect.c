// SPDX-License-Identifier: GPL-2.0
/*
 * tw tier detect: what this machine's tiers could be. It changes nothing.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/term.h"
#include "base/text.h"
#include "machine/cards.h"
#include "machine/disks.h"
#include "machine/sysfs.h"
#include "tier/card.h"
#include "tier/commands.h"
#include "tier/tier.h"

/* Room for remote_text(). */
#define REMOTE_LEN	256

/*
 * struct layout - what is proposed
 * @nodes: of gpu and cpu
 * @movable: nodes that have memory of the movable kind only
 * @disks: all
 * @pick: of each tier a disk or NULL
 * @bound: what the tiers have now; kind TW_KIND_NONE without the driver
 * @cards: @nr_cards of them, as OpenCL has them
 */
struct layout {
	__u64 nodes[2];
	__u64 movable;
	struct disks disks;
	const struct disk *pick[TW_NR_TIERS];
	struct tw_tier_info bound[TW_NR_TIERS];
	struct gpu_card *cards;
	size_t nr_cards;
};

static void find_nodes(struct layout *l)
{
	__u64 cpus = 0, memory = 0, normal = 0;

	sysfs_cpu_nodes(&cpus);
	sysfs_nodes("has_memory", &memory);
	sysfs_nodes("has_normal_memory", &normal);
	l->nodes[TW_TIER_CPU] = normal & cpus;
	l->nodes[TW_TIER_GPU] = normal & ~cpus;
	l->movable = memory & ~normal;
}

/* A store that is there first, then one of this machine, then the largest. */
static bool better(const struct disk *a, const struct disk *b)
{
	if (!b || a->is_signed != b->is_signed)
		return !b || a->is_signed;
	if (a->remote.is != b->remote.is)
		return b->remote.is;
	return a->bytes > b->bytes;
}

static void pick_disks(struct layout *l)
{
	unsigned int i;

	for (i = 0; i < l->disks.nr; i++) {
		const struct disk *d = &l->disks.disk[i];

		if (l->bound[d->tier].kind == TW_KIND_NONE && !*d->why &&
		    better(d, l->pick[d->tier]))
			l->pick[d->tier] = d;
	}
}

/* Without the driver, or the right to ask it, nothing counts as bound. */
static void ask_driver(struct layout *l)
{
	struct tw *tw;
	int i;

	if (tw_open(cli_device, &tw))
		return;
	for (i = 0; i < TW_NR_TIERS; i++)
		if (tw_tier_info(tw, i, &l->bound[i]))
			memset(&l->bound[i], 0, sizeof(l->bound[i]));
	tw_close(tw);
}

static bool is_bound(const struct layout *l, int tier)
{
	return l->bound[tier].kind != TW_KIND_NONE;
}

/* By what it is bound to; gpu, where that is free, by its nodes. */
static bool is_memory(const struct layout *l, int tier)
{
	return can_be_memory(tier) && l->bound[tier].kind != TW_KIND_STORE;
}

static __u64 bytes_of_nodes(__u64 nodes)
{
	__u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < 64; i++)
		if (nodes >> i & 1)
			bytes += sysfs_node_bytes(i);
	return bytes;
}

/* Why a disk that could be used isn't proposed. */
static const char *reason(const struct layout *l, const struct disk *d)
{
	if (*d->why)
		return d->why;
	return is_bound(l, d->tier) ? "its tier is bound already" :
				      "another one was chosen";
}

/* -- text ------------------------------------------------------------------ */

static void print_memory(const struct layout *l, int tier)
{
	char nodes[NODES_LEN], size[TEXT_LEN];
	__u64 mask = l->nodes[tier];

	printf("%-5s %10s  ", tw_tier_name(tier),
	       mask ? text_bytes(size, bytes_of_nodes(mask)) : "-");
	if (mask)
		printf("%s %s%s\n", mask & (mask - 1) ? "nodes" : "node",
		       text_nodes(nodes, mask),
		       is_bound(l, tier) ? ", bound" : "");
	else
		printf("no node of this kind\n");
}

/* ", NAME (ADDRESS), a read takes TIME" of a disk in another machine; else nothing. */
static const char *remote_text(char buf[REMOTE_LEN], const struct disk *d)
{
	char took[TEXT_LEN];

	*buf = '\0';
	if (d->remote.is)
		snprintf(buf, REMOTE_LEN, ", remote by %s%s%s%s, a read takes %s",
			 d->remote.transport, *d->remote.address ? " (" : "",
			 text_shown(d->remote.address), *d->remote.address ? ")" : "",
			 text_ns(took, d->read_ns));
	return buf;
}

static void print_store(const struct layout *l, int tier)
{
	const struct disk *d = l->pick[tier];
	char size[TEXT_LEN], where[WHERE_LEN], remote[REMOTE_LEN];

	if (is_bound(l, tier)) {
		binding_text(where, &l->bound[tier]);
		printf("%-5s %10s  %s, bound\n", tw_tier_name(tier), "", where);
	} else if (d) {
		printf("%-5s %10s  %s%s%s%s%s, ", tw_tier_name(tier),
		       text_bytes(size, d->bytes), d->path,
		       *d->model ? " (" : "", d->model, *d->model ? ")" : "",
		       remote_text(remote, d));
		if (d->is_signed)
			printf("the store UUID=%s%s%s\n", d->super.uuid,
			       *d->super.label ? ", LABEL=" : "",
			       text_shown(d->super.label));
		else
			printf("empty\n");
	} else {
		printf("%-5s %10s  no disk of this kind is free\n",
		       tw_tier_name(tier), "-");
	}
}

/* Cards, whose memory the gpu tier may be; what OpenCL calls one and is a CPU, too. */
static void print_cards(const struct layout *l)
{
	char size[TEXT_LEN], left[TEXT_LEN];
	size_t i;

	if (l->nr_cards)
		printf("\nCards (gpu: tw tier bind gpu --opencl PLATFORM:DEVICE --size SIZE):\n");
	for (i = 0; i < l->nr_cards; i++) {
		const struct gpu_card *c = &l->cards[i];

		printf("  %u:%u %10s  %s", c->platform, c->device,
		       text_bytes(size, c->bytes), text_shown(c->name));
		if (c->free_known)
			printf(", %s free", text_bytes(left, c->free_bytes));
		if (c->width)
			printf(", %s, %u lanes of %s", c->bus, c->width,
			       text_shown(c->speed));
		printf("%s\n", c->is_cpu ?
		       ": a CPU, whose memory is memory already" : "");
	}
}

static void print_steps(const struct layout *l)
{
	bool any = false;
	int i;

	for (i = TW_TIER_NVME; i < TW_NR_TIERS; i++)
		any |= l->pick[i] != NULL;
	if (any)
		printf("\nTo use it, whole disks and all: tw tier detect --conf >/etc/tierwatch.conf,\nread that file, then: tw apply\n");
}

static void print_text(const struct layout *l)
{
	char nodes[NODES_LEN];
	bool any = false;
	unsigned int i;

	printf("%s%-5s %10s  %s%s\n", color_on(stdout, COLOR_BOLD), "TIER",
	       "SIZE", "WHAT", color_off(stdout));
	for (i = 0; i < TW_NR_TIERS; i++)
		if (is_memory(l, i))
			print_memory(l, i);
		else
			print_store(l, i);
	for (i = 0; i < l->disks.nr; i++) {
		const struct disk *d = &l->disks.disk[i];

		if (d == l->pick[d->tier])
			continue;
		printf("%s  %s: %s\n", any ? "" : "\nLeft alone:\n", d->path,
		       reason(l, d));
		any = true;
	}
	if (l->movable)
		printf("%s  node %s: movable memory only, see --movable in tw-tier(1)\n",
		       any ? "" : "\nLeft alone:\n",
		       text_nodes(nodes, l->movable));
	print_cards(l);
	print_steps(l);
}

/* -- tierwatch.conf -------------------------------------------------------- */

/* Its block device is gone at the next boot, and the file has no word for the card. */
static bool conf_card(const struct tw_tier_info *t)
{
	char name[DEVICE_NAME_LEN];

	if (t->kind != TW_KIND_STORE || device_name(name, t->dev) ||
	    !card_is_ours(name))
		return false;
	printf("\n# [tier %s]: a card's memory is bound by: tw tier bind %s --opencl PLATFORM:DEVICE --size SIZE\n",
	       tw_tier_name(t->tier), tw_tier_name(t->tier));
	return true;
}

static void conf_store(const struct layout *l, int tier)
{
	const struct disk *d = l->pick[tier];
	const struct tw_tier_info *t = &l->bound[tier];
	char text[WHERE_LEN], remote[REMOTE_LEN];

	if (conf_card(t))
		return;
	if (!d && t->kind == TW_KIND_NONE) {
		printf("\n# [tier %s]: no disk of this kind is free\n",
		       tw_tier_name(tier));
		return;
	}
	printf("\n[tier %s]\n", tw_tier_name(tier));
	if (d) {
		if (*d->model)
			printf("# %s\n", d->model);
		if (d->remote.is)
			printf("# %s\n", remote_text(remote, d) + strlen(", "));
		/* A name that another disk may have after the next boot won't do. */
		if (d->is_signed && strncmp(d->path, BY_ID, strlen(BY_ID)))
			printf("# %s when this was written\nstore = UUID=%s\n",
			       d->path, d->super.uuid);
		else
			printf("device = %s\n", d->path);
		if (!d->is_signed)
			printf("# nothing is on it; it is signed when it is bound\nformat = yes\n");
		return;
	}
	if (device_file(text, sizeof(text), t->dev))
		device_text(text, sizeof(text), t->dev);
	/* A line of its own, whatever its letters: or it would be two. */
	if (text_is_clean(text))
		printf("device = %s\n", text);
	else
		printf("# the name of its file is no text, so it can't stand here: %s\n",
		       text_shown(text));
}

static void print_conf(const struct layout *l)
{
	char nodes[NODES_LEN];
	int i;

	printf("# As tw tier detect found it. See tierwatch.conf(5).\n");
	for (i = 0; i < TW_NR_TIERS; i++) {
		if (!is_memory(l, i))
			conf_store(l, i);
		else if (l->nodes[i])
			printf("\n[tier %s]\nnodes = %s\n", tw_tier_name(i),
			       text_nodes(nodes, l->nodes[i]));
		else
			printf("\n# [tier %s]: no node of this kind\n",
			       tw_tier_name(i));
	}
}

/* -- JSON ------------------------------------------------------------------ */

static void json_disk(const struct disk *d)
{
	json_str("device", d->path);
	json_u64("bytes", d->bytes);
	json_str("model", *d->model ? d->model : NULL);
	json_bool("remote", d->remote.is);
	json_str("transport", *d->remote.transport ? d->remote.transport : NULL);
	json_str("address", *d->remote.address ? d->remote.address : NULL);
	if (d->read_ns)
		json_u64("read_ns", d->read_ns);
	else
		json_str("read_ns", NULL);
}

static void json_proposal(const struct layout *l, int tier)
{
	const struct disk *d = l->pick[tier];
	unsigned int i;

	json_open(NULL, '{');
	json_str("tier", tw_tier_name(tier));
	json_bool("bound", is_bound(l, tier));
	if (can_be_memory(tier)) {
		json_u64("bytes", bytes_of_nodes(l->nodes[tier]));
		json_open("nodes", '[');
		for (i = 0; i < 64; i++)
			if (l->nodes[tier] >> i & 1)
				json_u64(NULL, i);
		json_close(']');
	} else if (d) {
		json_disk(d);
		json_bool("signed", d->is_signed);
		json_str("uuid", d->is_signed ? d->super.uuid : NULL);
		json_str("label", *d->super.label ? d->super.label : NULL);
	} else {
		json_str("device", NULL);
	}
	json_close('}');
}

static void json_card(const struct gpu_card *c)
{
	json_open(NULL, '{');
	json_u64("platform", c->platform);
	json_u64("device", c->device);
	json_str("name", c->name);
	json_bool("cpu", c->is_cpu);
	json_u64("bytes", c->bytes);
	if (c->free_known)
		json_u64("free", c->free_bytes);
	else
		json_str("free", NULL);
	json_str("bus", *c->bus ? c->bus : NULL);
	json_u64("pcie_width", c->width);
	json_str("pcie_speed", *c->speed ? c->speed : NULL);
	json_close('}');
}

static void print_json(const struct layout *l)
{
	unsigned int i;

	json_begin(JSON_TIER_DETECT);
	json_open("tiers", '[');
	for (i = 0; i < TW_NR_TIERS; i++)
		json_proposal(l, i);
	json_close(']');
	json_open("cards", '[');
	for (i = 0; i < l->nr_cards; i++)
		json_card(&l->cards[i]);
	json_close(']');
	json_open("left_alone", '[');
	for (i = 0; i < l->disks.nr; i++) {
		const struct disk *d = &l->disks.disk[i];

		if (d == l->pick[d->tier])
			continue;
		json_open(NULL, '{');
		json_disk(d);
		json_str("tier", tw_tier_name(d->tier));
		json_str("why", reason(l, d));
		json_close('}');
	}
	json_close(']');
	json_close('}');
	json_end();
}

/* A disk that nobody could look into may be just the one. */
static int check_denied(const struct layout *l)
{
	unsigned int i;

	for (i = 0; i < l->disks.nr; i++)
		if (l->disks.disk[i].denied)
			return cli_no_permission("no permission to read %s and see what is on it. Be root, or a member of its group",
						 l->disks.disk[i].path);
	return EXIT_SUCCESS;
}

const char tier_detect_more[] =
"  --conf  in the form of tierwatch.conf(5)\n"
"  --json  one document\n"
"It changes nothing. Disks that hold anything or are in use are left alone.\n";

int cmd_tier_detect(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "conf", no_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	void (*print)(const struct layout *l) = print_text;
	struct layout l = { 0 };
	int c, code;

	while ((c = getopt_long(argc, argv, "cj", opts, NULL)) != -1) {
		if (c != 'c' && c != 'j')
			return EXIT_USAGE;
		if (print != print_text)
			return cli_usage("--conf and --json are two forms of the same: take one");
		print = c == 'c' ? print_conf : print_json;
	}
	if (optind != argc)
		return cli_usage("tier detect takes options only");
	ask_driver(&l);
	find_nodes(&l);
	if (disks_find(&l.disks) || cards_find(&l.cards, &l.nr_cards)) {
		code = cli_errno(-ENOMEM, "looking at the disks and cards");
		goto out;
	}
	pick_disks(&l);
	print(&l);
	code = cli_flush(EXIT_SUCCESS);
	if (!code)
		code = check_denied(&l);
out:
	disks_free(&l.disks);
	free(l.cards);
	return code;
}
