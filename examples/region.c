// SPDX-License-Identifier: GPL-2.0
/*
 * region.c - a region of memory: work in it, move a part of it away, look where its
 * pages are and how hot, and hear of the move as an event
 *
 * cc region.c $(pkg-config --cflags --libs libtw)
 *
 * The program is an agent of its own, so that it may listen to its events as any member
 * of the device's group.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tw.h>

#define LABEL	1001
#define PAGE	4096UL
#define PAGES	64UL

struct example {
	struct tw *tw;
	struct tw_agent *agent;
	struct tw_stream *stream;
	struct tw_region *region;
};

static int begin(struct example *e)
{
	int err;

	err = tw_open(NULL, &e->tw);
	if (!err)
		err = tw_agent_create(e->tw, LABEL, &e->agent);
	if (!err)
		err = tw_stream_create(e->tw, TW_EVENT_BIT(TW_EVENT_MIGRATE),
				       e->agent, 256, &e->stream);
	if (!err)
		err = tw_region_create(e->tw, PAGES * PAGE, TW_TIER_CPU, 0,
				       e->agent, &e->region);
	return err;
}

/* The slowest store that is bound. */
static int slowest_store(struct example *e)
{
	struct tw_tier_info info;
	int tier;

	for (tier = TW_NR_TIERS - 1; tier >= 0; tier--)
		if (!tw_tier_info(e->tw, tier, &info) && info.kind == TW_KIND_STORE)
			return tier;
	return -1;
}

/* Temperature is the driver's word for heat and age: see hot_threshold and cold_threshold. */
static int show_pages(struct example *e)
{
	static const char *const class[] = { "warm", "hot", "cold" };
	struct tw_page pages[PAGES];
	unsigned long i;
	int err;

	err = tw_region_pages(e->region, 0, PAGES * PAGE, pages, PAGES);
	if (err < 0)
		return err;
	for (i = 0; i < PAGES; i += PAGES / 4)
		printf("page %2lu: %-4s heat %3u, %s\n", i,
		       tw_tier_name(pages[i].tier), pages[i].heat,
		       pages[i].temperature < TW_NR_CLASSES ?
		       class[pages[i].temperature] : "?");
	return 0;
}

/* An event is in the driver's memory: what was read of it counts once ok() says so. */
static void show_moves(struct example *e)
{
	const struct tw_event *event;
	unsigned long moves = 0, ns = 0;
	__u32 latency;

	while ((event = tw_stream_peek(e->stream, NULL))) {
		latency = event->latency_ns;
		if (!tw_stream_ok(e->stream, event))
			continue;
		moves++;
		ns += latency;
	}
	printf("%lu moves were told of, %lu ns each, %llu lost\n", moves,
	       moves ? ns / moves : 0,
	       (unsigned long long)tw_stream_lost(e->stream));
}

static int work(struct example *e)
{
	struct tw_move_sum sum = { 0 };
	unsigned long i;
	char *memory = tw_region_addr(e->region);
	int store = slowest_store(e), err;

	memset(memory, 7, PAGES * PAGE);
	err = show_pages(e);
	if (err || store < 0)
		return err;
	err = tw_region_migrate(e->region, 0, PAGES * PAGE / 2, store,
				TW_TIER_NONE, TW_REASON_MANUAL, NULL, 0, &sum);
	if (err)
		return err;
	printf("%llu pages went to %s\n", (unsigned long long)sum.moved,
	       tw_tier_name(store));
	err = show_pages(e);
	if (err)
		return err;
	/* A touch brings a page back, with what was written. */
	for (i = 0; i < PAGES; i++)
		if (memory[i * PAGE] != 7)
			return -EIO;
	show_moves(e);
	return 0;
}

static void end(struct example *e)
{
	tw_region_close(e->region);
	tw_stream_close(e->stream);
	tw_agent_close(e->agent);
	tw_close(e->tw);
}

int main(void)
{
	struct example e = { 0 };
	int err = begin(&e);

	if (!err)
		err = work(&e);
	if (err)
		fprintf(stderr, "region: %s\n", strerror(-err));
	end(&e);
	return err ? 1 : 0;
}
