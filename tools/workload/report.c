// SPDX-License-Identifier: GPL-2.0
/*
 * report.c - what the run says on stdout: lines for people, or JSON
 *
 * With --json there is one object a line, and `event` says which:
 *
 * "start", once the memory is filled:
 *   memory, pattern       as the options
 *   skew                  of zipf
 *   hot_fraction, hot_share, hot_pages   of phases
 *   footprint, pages      bytes and pages of 4096 bytes
 *   threads, agents, write_percent, think_ns, seed
 *   fast_pages            that the oracle has
 *   best                  the largest share of accesses that so many pages
 *                         can serve
 * "interval", at a phase's beginning and every --interval seconds, and "phase",
 * at a phase's end; at both ends all threads stand still. All counts are since
 * the phase's beginning:
 *   phase                 from 0
 *   seconds               without the time between phases
 *   operations, writes
 *   major_faults, minor_faults   of the process, as getrusage() has them
 *   pages, share          by place ("gpu", "cpu", "nvme", "ssd", "hdd",
 *                         "swap", "other"): pages that are there now, and the
 *                         true probability that an access goes to one of them
 *   nodes                 [{node, pages, share}], of pages in memory
 *   best                  as above
 *   placement             share.cpu / best; null when best is 0
 * "end", the last one:
 *   phases                that were begun
 *   seconds, operations, writes, major_faults, minor_faults   of all phases
 *   interrupted           a signal ended it
 *   wrong                 a page was found wrong
 */
#include <inttypes.h>

#include "workload.h"

static const char * const memory_name[] = { "region", "anon", "shmem" };

static const char *place_name(int place)
{
	if (place == PLACE_SWAP)
		return "swap";
	return place == PLACE_OTHER ? "other" : tw_tier_name(place);
}

static void start_json(const struct workload *w)
{
	const struct options *o = &w->options;

	printf("{\"event\":\"start\",\"memory\":\"%s\",\"pattern\":\"%s\"",
	       memory_name[o->memory], dist_name(w->dist.pattern));
	if (w->dist.pattern == DIST_ZIPF)
		printf(",\"skew\":%g", w->dist.skew);
	if (w->dist.pattern == DIST_PHASES)
		printf(",\"hot_fraction\":%g,\"hot_share\":%g,\"hot_pages\":%"
		       PRIu64, w->dist.hot_fraction, w->dist.hot_share,
		       w->dist.hot);
	printf(",\"footprint\":%" PRIu64 ",\"pages\":%" PRIu64
	       ",\"threads\":%u,\"agents\":%u,\"write_percent\":%u",
	       o->footprint, w->pages, o->threads, o->agents,
	       o->write_percent);
	printf(",\"think_ns\":%" PRIu64 ",\"seed\":%" PRIu64
	       ",\"fast_pages\":%" PRIu64 ",\"best\":%.9f}\n", o->think_ns,
	       o->seed, w->fast_pages, w->best);
}

void report_start(const struct workload *w)
{
	const struct options *o = &w->options;

	if (o->json) {
		start_json(w);
		return;
	}
	printf("%s over %" PRIu64 " pages of %s, %u threads, seed %" PRIu64
	       "; %" PRIu64 " fast pages can serve %.2f %%\n",
	       dist_name(w->dist.pattern), w->pages, memory_name[o->memory],
	       o->threads, o->seed, w->fast_pages, 100 * w->best);
}

static void nodes_json(const struct tally *tally)
{
	bool first = true;
	int i;

	printf(",\"nodes\":[");
	for (i = 0; i < MAX_NODES; i++) {
		if (!tally->node_pages[i])
			continue;
		printf("%s{\"node\":%d,\"pages\":%" PRIu64 ",\"share\":%.9f}",
		       first ? "" : ",", i, tally->node_pages[i],
		       tally->node_share[i]);
		first = false;
	}
	putchar(']');
}

static void work_json(const struct work *work)
{
	printf("\"seconds\":%.6f,\"operations\":%" PRIu64 ",\"writes\":%" PRIu64
	       ",\"major_faults\":%" PRIu64 ",\"minor_faults\":%" PRIu64,
	       work->seconds, work->operations, work->writes,
	       work->major_faults, work->minor_faults);
}

static void tally_json(const struct workload *w, const char *event,
		       unsigned int phase, const struct work *work,
		       const struct tally *tally)
{
	double placement = tally_placement(tally, w->best);
	int i;

	printf("{\"event\":\"%s\",\"phase\":%u,", event, phase);
	work_json(work);
	for (i = 0; i < NR_PLACES; i++)
		printf("%s\"%s\":%" PRIu64, i ? "," : ",\"pages\":{",
		       place_name(i), tally->pages[i]);
	for (i = 0; i < NR_PLACES; i++)
		printf("%s\"%s\":%.9f", i ? "," : "},\"share\":{",
		       place_name(i), tally->share[i]);
	putchar('}');
	nodes_json(tally);
	printf(",\"best\":%.9f,\"placement\":", w->best);
	if (placement < 0)
		printf("null}\n");
	else
		printf("%.9f}\n", placement);
}

void report_tally(const struct workload *w, const char *event,
		  unsigned int phase, const struct work *work,
		  const struct tally *tally)
{
	double placement = tally_placement(tally, w->best);
	int i;

	if (w->options.json) {
		tally_json(w, event, phase, work, tally);
		return;
	}
	printf("%s %u: %8.2f s %12" PRIu64 " operations, %" PRIu64
	       " major faults;", event, phase, work->seconds, work->operations,
	       work->major_faults);
	for (i = 0; i < NR_PLACES; i++)
		if (tally->pages[i])
			printf(" %s %" PRIu64 " pages %.2f %%", place_name(i),
			       tally->pages[i], 100 * tally->share[i]);
	if (placement >= 0)
		printf("; placement %.4f", placement);
	putchar('\n');
}

void report_end(const struct workload *w)
{
	const struct work *total = &w->total;

	if (w->options.json) {
		printf("{\"event\":\"end\",\"phases\":%u,", w->begun);
		work_json(total);
		printf(",\"interrupted\":%s,\"wrong\":%s}\n",
		       w->interrupted ? "true" : "false",
		       w->wrong ? "true" : "false");
		return;
	}
	printf("%s: %u phases, %.2f s, %" PRIu64 " operations, %" PRIu64
	       " writes, %" PRIu64 " major and %" PRIu64 " minor faults\n",
	       w->wrong ? "a page was WRONG" :
	       w->interrupted ? "interrupted" : "done", w->begun,
	       total->seconds, total->operations, total->writes,
	       total->major_faults, total->minor_faults);
}
