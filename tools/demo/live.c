// SPDX-License-Identifier: GPL-2.0
/*
 * live.c - the consumer thread and its table
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"
#include "live.h"

#define RING_EVENTS	16384
#define WATERMARK	1024
#define DRAW_LIVE	0.4
#define DRAW_PLAIN	5.0
#define WAIT_MS		200
#define BAR		10
#define SCREEN_ROOM	8192

/* Faults of one tier since the last drawing. */
struct window {
	uint64_t faults;
	uint64_t ns;
};

struct live {
	pthread_t thread;
	struct tw_stream *stream;
	const struct tw_stats *stats;
	struct window window[TW_NR_TIERS];
	struct live_sum sum;
	uint64_t drawn_seen;
	double start;
	double drawn;
	bool ansi;
	bool stop;
	bool header;
	int lines;
	int used;
	char screen[SCREEN_ROOM];
};

/* -- consuming ----------------------------------------------------------- */

static void consume(struct live *live)
{
	const struct tw_event *event;
	unsigned int type, tier;
	uint64_t ns;

	while ((event = tw_stream_peek(live->stream, NULL))) {
		type = event->type;
		tier = event->tier;
		ns = event->latency_ns;
		if (!tw_stream_ok(live->stream, event))
			continue;
		if (type == TW_EVENT_FAULT && tier < TW_NR_TIERS) {
			live->sum.faults++;
			live->window[tier].faults++;
			live->window[tier].ns += ns;
		} else if (type == TW_EVENT_MIGRATE) {
			live->sum.moves++;
		} else if (type == TW_EVENT_PRESSURE) {
			live->sum.levels++;
		}
	}
	live->sum.seen = tw_stream_seen(live->stream);
	live->sum.lost = tw_stream_lost(live->stream);
}

/* -- drawing ------------------------------------------------------------- */

__attribute__((format(printf, 2, 3)))
static void put(struct live *live, const char *format, ...)
{
	size_t room = sizeof(live->screen) - live->used;
	va_list args;
	int got;

	va_start(args, format);
	got = vsnprintf(live->screen + live->used, room, format, args);
	va_end(args);
	if (got > 0 && (size_t)got < room)
		live->used += got;
}

static void end_line(struct live *live)
{
	put(live, live->ansi ? "\033[K\n" : "\n");
	live->lines++;
}

static void flush(struct live *live)
{
	const char *at = live->screen;
	ssize_t got;

	while (live->used > 0) {
		got = write(STDOUT_FILENO, at, live->used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		at += got;
		live->used -= got;
	}
	live->used = 0;
}

static const char *duration(uint64_t ns, char *text, size_t room)
{
	if (!ns)
		snprintf(text, room, "-");
	else if (ns < 10000)
		snprintf(text, room, "%llu ns", (unsigned long long)ns);
	else if (ns < 10000000)
		snprintf(text, room, "%llu us", (unsigned long long)ns / 1000);
	else
		snprintf(text, room, "%llu ms",
			 (unsigned long long)ns / 1000000);
	return text;
}

static void put_bar(struct live *live, unsigned int percent)
{
	unsigned int i, full = (percent * BAR + 50) / 100;

	for (i = 0; i < BAR; i++)
		put(live, "%s", i < full ? "#" : ".");
}

static void draw_tier(struct live *live, int tier)
{
	const struct window *window = &live->window[tier];
	struct tw_stats_counters sum;
	struct tw_stats_tier block;
	unsigned int percent = 0;
	char latency[24];

	tw_stats_tier_read(live->stats, tier, &block);
	tw_stats_sum(live->stats, tier, &sum);
	if (block.capacity)
		percent = block.used * 100 / block.capacity;
	duration(window->faults ? window->ns / window->faults : 0, latency,
		 sizeof(latency));
	put(live, "%-5s%7llu ", tw_tier_name(tier),
	    (unsigned long long)block.used);
	put_bar(live, percent < 100 ? percent : 100);
	put(live, "%4u%% %-8s%8llu%7llu%8llu%8llu%9s", percent,
	    block.bound ? tw_level_name(block.level) : "unbound",
	    (unsigned long long)(sum.minor_read + sum.minor_write),
	    (unsigned long long)(sum.major_read + sum.major_write),
	    (unsigned long long)sum.moves_in,
	    (unsigned long long)sum.moves_out, latency);
	end_line(live);
}

static unsigned int percent_done(void)
{
	uint64_t total = __atomic_load_n(&demo_progress.total,
					 __ATOMIC_RELAXED);
	uint64_t done = __atomic_load_n(&demo_progress.done, __ATOMIC_RELAXED);

	if (!total)
		return 0;
	return done < total ? done * 100 / total : 100;
}

static const char *phase(void)
{
	const char *text = __atomic_load_n(&demo_progress.phase,
					   __ATOMIC_ACQUIRE);

	return text ? text : "starting";
}

static unsigned long rate(const struct live *live, double now)
{
	if (now - live->drawn < 0.001)
		return 0;
	return (live->sum.seen - live->drawn_seen) / (now - live->drawn);
}

/* The table, over the one that was drawn before. */
static void draw_screen(struct live *live, double now)
{
	static const int order[] = { TW_TIER_CPU, TW_TIER_GPU, TW_TIER_NVME,
				     TW_TIER_SSD, TW_TIER_HDD };
	int i;

	if (live->lines)
		put(live, "\033[%dA", live->lines);
	live->lines = 0;
	put(live, "TierWatch: %s, %u%% ", phase(), percent_done());
	put_bar(live, percent_done());
	end_line(live);
	end_line(live);
	put(live, "tier   pages used            pressure   minor  major      in     out  latency");
	end_line(live);
	for (i = 0; i < TW_NR_TIERS; i++)
		draw_tier(live, order[i]);
	end_line(live);
	put(live, "%lu events/s, %llu seen, %llu lost, %.0f s",
	    rate(live, now), (unsigned long long)live->sum.seen,
	    (unsigned long long)live->sum.lost, now - live->start);
	end_line(live);
}

/* One line, for logs. */
static void draw_line(struct live *live, double now)
{
	static const int order[] = { TW_TIER_CPU, TW_TIER_GPU, TW_TIER_NVME,
				     TW_TIER_SSD, TW_TIER_HDD };
	uint64_t minor = 0, major = 0, moves = 0;
	struct tw_stats_counters sum;
	struct tw_stats_tier block;
	int i;

	if (!live->header)
		put(live, " time job                             cpu    gpu   nvme    ssd    hdd    minor  major   moves  ev/s   lost\n");
	live->header = true;
	put(live, "%4.0fs %-24s%3u%%", now - live->start, phase(),
	    percent_done());
	for (i = 0; i < TW_NR_TIERS; i++) {
		tw_stats_tier_read(live->stats, order[i], &block);
		tw_stats_sum(live->stats, order[i], &sum);
		put(live, "%7llu", (unsigned long long)block.used);
		minor += sum.minor_read + sum.minor_write;
		major += sum.major_read + sum.major_write;
		moves += sum.moves_out;
	}
	put(live, " %8llu%7llu%8llu%6lu%7llu\n", (unsigned long long)minor,
	    (unsigned long long)major, (unsigned long long)moves,
	    rate(live, now), (unsigned long long)live->sum.lost);
}

static void draw(struct live *live)
{
	double now = demo_now();

	if (live->ansi)
		draw_screen(live, now);
	else
		draw_line(live, now);
	flush(live);
	live->drawn = now;
	live->drawn_seen = live->sum.seen;
	memset(live->window, 0, sizeof(live->window));
}

/* -- the thread ---------------------------------------------------------- */

static void *run(void *arg)
{
	struct live *live = arg;
	double pause = live->ansi ? DRAW_LIVE : DRAW_PLAIN;

	while (!__atomic_load_n(&live->stop, __ATOMIC_ACQUIRE)) {
		tw_stream_wait(live->stream, WAIT_MS);
		consume(live);
		if (demo_now() - live->drawn >= pause)
			draw(live);
	}
	consume(live);
	draw(live);
	live->sum.elapsed = demo_now() - live->start;
	return NULL;
}

static int fail(struct live *live, const char *what, int ret)
{
	demo_error("%s: %s; %s", what, strerror(-ret),
		   ret == -EPERM || ret == -EACCES ?
		   "run as root or as a member of group tierwatch" :
		   "see dmesg, then load the driver again");
	if (live)
		tw_stream_close(live->stream);
	free(live);
	return ret;
}

int live_start(struct tw *tw, const struct tw_agent *agent, bool ansi,
	       struct live **out)
{
	uint64_t mask = TW_EVENT_BIT(TW_EVENT_FAULT) |
			TW_EVENT_BIT(TW_EVENT_MIGRATE) |
			TW_EVENT_BIT(TW_EVENT_PRESSURE);
	struct live *live = calloc(1, sizeof(*live));
	int ret;

	if (!live)
		return fail(live, "memory", -ENOMEM);
	ret = tw_stats_map(tw, &live->stats);
	if (ret)
		return fail(live, "mapping the statistics", ret);
	ret = tw_stream_create(tw, mask, agent, RING_EVENTS, &live->stream);
	if (ret)
		return fail(live, "making an event stream", ret);
	tw_stream_set_watermark(live->stream, WATERMARK);
	live->ansi = ansi;
	live->start = demo_now();
	live->drawn = live->start;
	ret = pthread_create(&live->thread, NULL, run, live);
	if (ret)
		return fail(live, "starting a thread", -ret);
	*out = live;
	return 0;
}

void live_stop(struct live *live, struct live_sum *sum)
{
	__atomic_store_n(&live->stop, true, __ATOMIC_RELEASE);
	pthread_join(live->thread, NULL);
	*sum = live->sum;
	tw_stream_close(live->stream);
	free(live);
}
