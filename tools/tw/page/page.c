// SPDX-License-Identifier: GPL-2.0
/*
 * tw page: where pages are, and how hot.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_values.h"
#include "base/cli.h"
#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
#include "machine/borrow.h"
#include "page/commands.h"
#include "page/pages.h"
#include "page/procmap.h"
#include "program/attachments.h"

const char page_more[] =
	"PAGE is a number as watch shows it, or a frame's, for which you must be root.\n"
	"RANGE is A..B, from A up to but without B.\n"
	"  --pid PID     they are addresses in this process, which must be yours: in\n"
	"                regions, or anywhere if it is attached; without any, its\n"
	"                regions are shown\n";

static const char *temperature_name(__u32 temperature)
{
	static const char * const names[] = {
		[TW_CLASS_WARM] = "warm", [TW_CLASS_HOT] = "hot",
		[TW_CLASS_COLD] = "cold",
	};

	return temperature < ARRAY_SIZE(names) ? names[temperature] : "?";
}

static const char *state_name(const struct tw_page *p)
{
	if (p->flags & TW_PAGE_LOST)
		return "lost";
	if (p->flags & TW_PAGE_BUSY)
		return "busy";
	if (p->tier == TW_TIER_NONE)
		return p->flags & TW_PAGE_ATTACHED ? "elsewhere" : "untouched";
	/* The tier of GPUs is memory or a store; what is in memory has a node. */
	if (p->tier == TW_TIER_GPU && !(p->flags & TW_PAGE_EXTERNAL))
		return p->node >= 0 ? "memory" : "store";
	return p->tier <= TW_TIER_CPU ? "memory" : "store";
}

static void json_one(const struct tw_page *p, const struct span *s, __u64 addr)
{
	json_begin(JSON_PAGE);
	json_page("page", p->page);
	if (s->has_addr)
		json_page("addr", addr);
	json_s64("status", p->status);
	if (!p->status) {
		json_str("tier", tw_tier_name(p->tier));
		json_str("state", state_name(p));
		json_page("pfn", p->pfn);
		json_s64("node", p->node);
		json_s64("best_node", p->best_node);
		json_u64("heat", p->heat);
		json_u64("age", p->age);
		json_str("temperature", temperature_name(p->temperature));
		json_u64("agent", p->agent);
		json_bool("kept", p->flags & TW_PAGE_KEPT);
		json_bool("lost", p->flags & TW_PAGE_LOST);
		json_bool("busy", p->flags & TW_PAGE_BUSY);
		json_bool("external", p->flags & TW_PAGE_EXTERNAL);
		json_bool("huge", p->flags & TW_PAGE_HUGE);
		json_bool("attached", p->flags & TW_PAGE_ATTACHED);
	}
	json_close('}');
}

static void print_head(void)
{
	printf("%-18s %-5s %-9s %4s %6s %4s %-4s %s\n", "PAGE", "TIER",
	       "STATE", "NODE", "HEAT", "AGE", "TEMP", "AGENT");
}

static void print_one(const struct tw_page *p, const struct span *s, __u64 addr)
{
	char page[TEXT_LEN], node[TEXT_LEN] = "-", frame[TEXT_LEN];

	text_page(page, p->page);
	if (p->status) {
		printf("%-18s %s\n", page, p->status == -ENOENT ?
		       "no such page, or not yours" : strerror(-p->status));
		return;
	}
	if (p->node >= 0)
		snprintf(node, sizeof(node), "%d", p->node);
	printf("%-18s %-5s %-9s %4s %6u %4u %-4s %llu", page,
	       tw_tier_name(p->tier), state_name(p), node, p->heat, p->age,
	       temperature_name(p->temperature), (unsigned long long)p->agent);
	if (s->has_addr)
		printf(" at 0x%llx", (unsigned long long)addr);
	if (p->pfn)
		printf(" frame %s", text_page(frame, p->pfn));
	if (p->flags & TW_PAGE_KEPT)
		printf(" kept");
	if (p->flags & TW_PAGE_EXTERNAL)
		printf(" external");
	if (p->flags & TW_PAGE_HUGE)
		printf(" huge");
	if (p->flags & TW_PAGE_ATTACHED)
		printf(" attached");
	putchar('\n');
}

/* Shows a step's worth; counts what isn't there. */
static int show_step(struct tw *tw, const struct pages_step *step, bool json,
		     __u64 *absent)
{
	struct tw_page infos[PAGES_STEP];
	size_t i;
	int err;

	err = tw_page_info(tw, step->page, step->nr, infos);
	if (err)
		return err;
	for (i = 0; i < step->nr; i++) {
		(json ? json_one : print_one)(&infos[i], step->span[i],
					      step->addr[i]);
		*absent += infos[i].status == -ENOENT;
	}
	return ferror(stdout) ? -EIO : 0;
}

static int show_pages(struct tw *tw, const struct spans *spans,
		      __u32 page_size, bool json)
{
	struct pages_step step = { .nr = 0 };
	__u64 absent = 0, done = 0;
	int err = 0;

	if (json)
		json_open(NULL, '[');
	else
		print_head();
	do {
		done += step.nr;
		spans_step(spans, done, page_size, &step);
		if (step.nr)
			err = show_step(tw, &step, json, &absent);
	} while (!err && step.nr);
	if (json) {
		json_close(']');
		/* A part of the list is no document. */
		if (!err)
			json_end();
	}
	if (err && !ferror(stdout))
		return cli_errno(err, "looking pages up");
	if (absent)
		return cli_flush(cli_error("%llu of %llu pages are not there, or not yours",
					   (unsigned long long)absent,
					   (unsigned long long)done));
	return cli_flush(EXIT_SUCCESS);
}

static void json_region(const struct proc_map *m)
{
	json_begin(JSON_PAGE_REGION);
	json_page("start", m->at.start);
	json_page("end", m->at.end);
	json_u64("offset", m->at.offset);
	json_u64("region", m->at.inode);
	json_page("first_page", TW_PAGE(m->at.inode, 0));
	json_bool("known", m->known);
	if (m->known) {
		json_u64("bytes", m->info.bytes);
		json_u64("agent", m->info.agent);
		json_u64("lost", m->info.lost);
		json_tiers("pages", m->info.pages);
	}
	json_close('}');
}

static void print_region(const struct proc_map *m, __u32 page_size)
{
	char buf[TEXT_LEN];
	int i;

	printf("0x%llx..0x%llx ", (unsigned long long)m->at.start,
	       (unsigned long long)m->at.end);
	printf("%10llu", (unsigned long long)m->at.inode);
	if (!m->known) {
		printf(" its descriptor is closed\n");
		return;
	}
	for (i = 0; i < TW_NR_TIERS; i++)
		printf(" %8s", text_bytes(buf, m->info.pages[i] * page_size));
	putchar('\n');
}

static int show_regions(const struct proc_maps *maps, __u32 page_size, bool json)
{
	size_t i;

	if (json) {
		json_open(NULL, '[');
		for (i = 0; i < maps->nr; i++)
			json_region(&maps->map[i]);
		json_close(']');
		json_end();
		return cli_flush(EXIT_SUCCESS);
	}
	if (!maps->nr)
		printf("Process %u has no regions mapped%s.\n", maps->pid, maps->attached ?
		       ". It is attached: name addresses of its memory" : "");
	else
		printf("%-28s %10s %8s %8s %8s %8s %8s\n", "ADDRESSES", "NR",
		       "GPU", "CPU", "NVME", "SSD", "HDD");
	for (i = 0; i < maps->nr; i++)
		print_region(&maps->map[i], page_size);
	return cli_flush(EXIT_SUCCESS);
}

/* Has the other addresses of an attached process be pages, too. The exit code, or 0. */
static int read_attached(struct proc_maps *maps, struct tw *tw)
{
	struct attachments all = { 0 };
	const struct tw_attached *a;
	int err = attachments_list(tw, &all);

	/* An older driver has none. */
	if (err == -ENOTTY)
		err = 0;
	a = attachments_find(&all, maps->pid);
	maps->attached = a ? a->id : 0;
	attachments_free(&all);
	return err ? cli_errno(err, "listing attachments") : 0;
}

static int page(struct tw *tw, unsigned int pid, const struct range *ranges,
		int nr, bool json)
{
	struct proc_maps maps = { 0 };
	struct borrowed files = { 0 };
	struct spans spans = { 0 };
	struct tw_info info;
	int c, err;

	err = tw_info(tw, &info);
	if (err)
		return cli_errno(err, "looking pages up");
	if (pid) {
		c = proc_maps_read(&maps, tw, pid);
		if (!c)
			c = read_attached(&maps, tw);
		if (!c && borrow_of(&files, pid))
			c = cli_errno(-ENOMEM, "looking into process %u", pid);
		if (!c && !nr)
			c = proc_maps_learn(&maps, tw);
		if (c)
			goto out;
	}
	c = spans_resolve(&spans, ranges, nr, pid ? &maps : NULL,
			  info.page_size);
	if (!c)
		c = nr ? show_pages(tw, &spans, info.page_size, json) :
			 show_regions(&maps, info.page_size, json);
out:
	spans_free(&spans);
	borrow_return(&files);
	proc_maps_free(&maps);
	return c;
}

int cmd_page(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct range *ranges;
	unsigned int pid = 0;
	bool json = false;
	struct tw *tw;
	int c;

	while ((c = getopt_long(argc, argv, "p:j", opts, NULL)) != -1) {
		switch (c) {
		case 'p':
			c = parse_pid(optarg, &pid);
			if (c)
				return c;
			break;
		case 'j':
			json = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind == argc && !pid)
		return cli_usage("page takes page numbers, or --pid and addresses");
	c = ranges_parse(argc - optind, argv + optind, pid, &ranges);
	if (c)
		return c;
	c = cli_open(&tw);
	if (!c) {
		c = page(tw, pid, ranges, argc - optind, json);
		tw_close(tw);
	}
	free(ranges);
	return c;
}
