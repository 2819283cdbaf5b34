// SPDX-License-Identifier: GPL-2.0
/*
 * stream.c - what events cost: publishing, reading, being told
 *
 * Publishing is the difference between the same faults with nobody listening
 * and with a stream that wants them.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

#include "bench.h"

#define PAGES		8192
#define FAULTS		(PAGES / WINDOW)
#define EVENTS		4096
#define MAX_STREAMS	2

static struct tw_event copies[EVENTS];

static struct tw_stream *stream_open(struct tw *tw, unsigned int type,
				     struct tw_agent *agent)
{
	struct tw_stream *s;
	int err;

	err = tw_stream_create(tw, TW_EVENT_BIT(type), agent, EVENTS, &s);
	if (err)
		die("tw_stream_create", err);
	return s;
}

/* -- publishing -------------------------------------------------------------- */

static uint64_t some_faults(struct area *a, const uint32_t *order)
{
	struct watch w;

	area_unmap_pages(a);
	watch_start(&w);
	touch_read(a->addr, order, FAULTS);
	watch_stop(&w);
	return w.busy;
}

/* The faults with @nr streams that want them; each gets an event a fault. */
static uint64_t heard_faults(struct tw *tw, struct area *a,
			     const uint32_t *order, struct tw_agent *agent,
			     unsigned int nr)
{
	struct tw_stream *s[MAX_STREAMS];
	unsigned int i;
	uint64_t ns;

	for (i = 0; i < nr; i++)
		s[i] = stream_open(tw, TW_EVENT_FAULT, agent);
	ns = some_faults(a, order);
	for (i = 0; i < nr; i++) {
		if (tw_stream_read(s[i], copies, EVENTS) != FAULTS)
			die("not one event a fault", 0);
		tw_stream_close(s[i]);
	}
	return ns;
}

/*
 * What a stream costs besides @others. Rounds take turns, so that both sides
 * see the same of whatever drifts.
 */
static void publish(struct tw *tw, const char *name, struct tw_agent *agent,
		    unsigned int others)
{
	struct samples without = { .nr = 0 }, with = { .nr = 0 };
	struct samples cost = { .nr = 0 };
	struct area a = { .kind = AREA_REGION, .pages = PAGES, .fd = -1 };
	const uint32_t *order;
	char text[64];
	int err;

	err = tw_region_create(tw, PAGES * page_size, TW_TIER_CPU, 0, agent,
			       &a.region);
	if (err)
		die("tw_region_create", err);
	a.addr = tw_region_addr(a.region);
	area_write(&a);
	order = order_windows(PAGES);
	while (cost.nr < MAX_ROUNDS) {
		uint64_t less = heard_faults(tw, &a, order, agent, others);
		uint64_t more = heard_faults(tw, &a, order, agent, others + 1);

		sample(&without, less, FAULTS);
		sample(&with, more, FAULTS);
		sample(&cost, more > less ? more - less : 0, FAULTS);
	}
	report(name, &cost);
	snprintf(text, sizeof(text), "%s-fault-without", name);
	report(text, &without);
	snprintf(text, sizeof(text), "%s-fault-with", name);
	report(text, &with);
	area_close(&a);
}

/* -- reading ----------------------------------------------------------------- */

static void read_peek(struct tw_stream *s, unsigned int *seen)
{
	const struct tw_event *ev;
	uint64_t sum = 0;

	while ((ev = tw_stream_peek(s, NULL))) {
		sum += ev->page + ev->latency_ns;
		*seen += tw_stream_ok(s, ev);
	}
	asm volatile("" : : "r" (sum));
}

/* The inline functions on one CPU's ring. */
static void read_ring(struct tw_stream *s, unsigned int *seen)
{
	const struct tw_event *ev;
	uint64_t sum = 0;
	unsigned int cpu;

	for (cpu = 0; cpu < tw_stream_nr_rings(s); cpu++) {
		struct tw_ring *ring = tw_stream_ring(s, cpu);

		while ((ev = tw_ring_peek(ring))) {
			sum += ev->page + ev->latency_ns;
			*seen += tw_ring_ok(ring, ev);
		}
	}
	asm volatile("" : : "r" (sum));
}

static void read_copy(struct tw_stream *s, unsigned int *seen)
{
	*seen += tw_stream_read(s, copies, EVENTS);
}

static void reading(struct tw *tw, const char *name,
		    void (*read_all)(struct tw_stream *, unsigned int *))
{
	struct tw_stream *s = stream_open(tw, TW_EVENT_FAULT, NULL);
	struct samples samples = { .nr = 0 };
	struct watch w;
	struct area a;

	area_open(&a, tw, AREA_REGION, PAGES);
	area_write(&a);
	/* Its mapping is in the page tables when it has been read once. */
	while (samples.nr < MAX_ROUNDS) {
		unsigned int seen = 0;

		read_all(s, &seen);
		some_faults(&a, order_windows(PAGES));
		seen = 0;
		watch_start(&w);
		read_all(s, &seen);
		watch_stop(&w);
		if (seen != FAULTS)
			die("events are missing", 0);
		sample(&samples, w.busy, FAULTS);
	}
	report(name, &samples);
	area_close(&a);
	tw_stream_close(s);
}

/* -- being told -------------------------------------------------------------- */

/**
 * struct told - a thread that waits for events
 * @stream: of migrations
 * @ready: about to wait
 * @done: has it
 * @late: ns from the event's time until it was there
 */
struct told {
	struct tw_stream *stream;
	sem_t ready;
	sem_t done;
	uint64_t late;
};

static void *wait_for_events(void *arg)
{
	struct told *t = arg;
	unsigned int i;

	for (i = 0; i < MAX_ROUNDS; i++) {
		const struct tw_event *ev;
		uint64_t at = 0;

		sem_post(&t->ready);
		while (!(ev = tw_stream_peek(t->stream, NULL)))
			tw_stream_wait(t->stream, -1);
		at = ev->time_ns;
		if (!tw_stream_ok(t->stream, ev))
			die("an event is lost", 0);
		t->late = now_ns() - at;
		sem_post(&t->done);
	}
	return NULL;
}

/* From a move's event to a thread that slept until it came. */
static void telling(struct tw *tw)
{
	struct told t = { .stream = stream_open(tw, TW_EVENT_MIGRATE, NULL) };
	struct samples s = { .nr = 0 };
	struct timespec ms = { .tv_nsec = 1000000 };
	struct tw_move_sum sum;
	pthread_t thread;
	struct area a;

	sem_init(&t.ready, 0, 0);
	sem_init(&t.done, 0, 0);
	area_open(&a, tw, AREA_REGION, WINDOW);
	area_write(&a);
	if (pthread_create(&thread, NULL, wait_for_events, &t))
		die("pthread_create", EAGAIN);
	while (s.nr < MAX_ROUNDS) {
		sem_wait(&t.ready);
		/* Until it sleeps. */
		nanosleep(&ms, NULL);
		tw_region_migrate(a.region, 0, page_size,
				  s.nr & 1 ? TW_TIER_CPU : TW_TIER_GPU,
				  TW_TIER_NONE, TW_REASON_MANUAL, NULL, 0,
				  &sum);
		if (sum.moved != 1)
			die("a page did not move", 0);
		sem_wait(&t.done);
		sample(&s, t.late, 1);
	}
	pthread_join(thread, NULL);
	report("migrate-event-woken", &s);
	area_close(&a);
	tw_stream_close(t.stream);
}

void bench_stream(struct tw *tw)
{
	struct tw_agent *agent;
	int err = tw_agent_join(tw, 1, &agent);

	if (err)
		die("tw_agent_join", err);
	publish(tw, "publish", NULL, 0);
	publish(tw, "publish-agent", agent, 0);
	publish(tw, "publish-further", NULL, 1);
	tw_agent_close(agent);
	reading(tw, "event-read-peek", read_peek);
	reading(tw, "event-read-ring", read_ring);
	reading(tw, "event-read-copy", read_copy);
	telling(tw);
}
