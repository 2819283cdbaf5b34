// SPDX-License-Identifier: GPL-2.0
/*
 * The ring reader: nothing wrong is taken for right, nothing is counted twice
 * or forgotten.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ring_writer.h"

#define NR	64

struct fixture {
	struct writer w;
	struct tw_ring r;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	writer_init(&f->w, NR);
	tw_ring_init(&f->r, f->w.header, f->w.slots, NR);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	writer_free(&f->w);
	free(f);
	return 0;
}

/* Reads one event that has to be there, whole, and number @i. */
static void expect_event(struct tw_ring *r, __u64 i)
{
	const struct tw_event *e = tw_ring_peek(r);
	__u64 copy[PAYLOAD_WORDS];

	assert_non_null(e);
	assert_int_equal(r->next, i);
	copy_words(copy, e, 0, PAYLOAD_WORDS);
	assert_true(tw_ring_ok(r, e));
	assert_true(copy_is_whole(copy, i));
}

static void expect_balance(const struct tw_ring *r, __u64 seen, __u64 lost)
{
	assert_int_equal(r->seen, seen);
	assert_int_equal(r->lost, lost);
	assert_int_equal(r->next, seen + lost);
}

static void test_empty(void **state)
{
	struct fixture *f = *state;

	assert_null(tw_ring_peek(&f->r));
	assert_null(tw_ring_peek(&f->r));
	assert_int_equal(tw_ring_pending(&f->r), 0);
	expect_balance(&f->r, 0, 0);
}

static void test_offline_untouched(void **state)
{
	struct fixture *f = *state;
	struct tw_ring r;

	/* As the kernel has it: nothing behind the slots. */
	f->w.header->online = 0;
	tw_ring_init(&r, f->w.header, NULL, NR);
	assert_false(tw_ring_online(&r));
	assert_null(tw_ring_peek(&r));
	/* Online later: seen without a new cursor. */
	f->w.header->online = 1;
	r.slots = f->w.slots;
	writer_write(&f->w, 1);
	expect_event(&r, 0);
}

static void test_in_order(void **state)
{
	struct fixture *f = *state;
	__u64 i;

	/* Many times around, never full. */
	for (i = 0; i < 10 * NR; i++) {
		writer_write(&f->w, 1);
		assert_int_equal(tw_ring_pending(&f->r), 1);
		expect_event(&f->r, i);
		assert_null(tw_ring_peek(&f->r));
	}
	expect_balance(&f->r, 10 * NR, 0);
	assert_int_equal(f->w.header->head, f->r.next);
}

static void test_exactly_full(void **state)
{
	struct fixture *f = *state;
	__u64 i;

	writer_write(&f->w, NR);
	for (i = 0; i < NR; i++)
		expect_event(&f->r, i);
	assert_null(tw_ring_peek(&f->r));
	expect_balance(&f->r, NR, 0);
}

static void test_peek_again(void **state)
{
	struct fixture *f = *state;
	const struct tw_event *e;

	writer_write(&f->w, 2);
	e = tw_ring_peek(&f->r);
	assert_ptr_equal(e, tw_ring_peek(&f->r));
	expect_balance(&f->r, 0, 0);
	assert_true(tw_ring_valid(&f->r, e));
	assert_true(tw_ring_ok(&f->r, e));
	/* Once more for the same one: nothing happens. */
	assert_false(tw_ring_ok(&f->r, e));
	expect_balance(&f->r, 1, 0);
	expect_event(&f->r, 1);
}

static void test_lapped_by_one(void **state)
{
	struct fixture *f = *state;
	__u64 i;

	f->r.slack = 0;
	writer_write(&f->w, NR + 1);
	assert_int_equal(tw_ring_pending(&f->r), NR + 1);
	for (i = 1; i <= NR; i++)
		expect_event(&f->r, i);
	assert_null(tw_ring_peek(&f->r));
	expect_balance(&f->r, NR, 1);
}

static void test_lapped_slack(void **state)
{
	struct fixture *f = *state;
	__u64 head = 1000 * NR + 7, i;

	assert_int_equal(f->r.slack, NR / 8);
	writer_write(&f->w, head);
	for (i = head - NR + NR / 8; i < head; i++)
		expect_event(&f->r, i);
	assert_null(tw_ring_peek(&f->r));
	expect_balance(&f->r, NR - NR / 8, head - NR + NR / 8);
	assert_int_equal(f->r.seen + f->r.lost, f->w.header->head);
}

static void test_lapped_while_reading(void **state)
{
	struct fixture *f = *state;
	const struct tw_event *e;

	f->r.slack = 0;
	writer_write(&f->w, 1);
	e = tw_ring_peek(&f->r);
	writer_write(&f->w, NR);
	assert_false(tw_ring_valid(&f->r, e));
	assert_false(tw_ring_ok(&f->r, e));
	/* That one is lost once; the others are all there. */
	expect_balance(&f->r, 0, 1);
	expect_event(&f->r, 1);
	expect_balance(&f->r, 1, 1);
}

static void test_lapped_between_peeks(void **state)
{
	struct fixture *f = *state;
	const struct tw_event *e;

	f->r.slack = 0;
	writer_write(&f->w, 3);
	e = tw_ring_peek(&f->r);
	assert_non_null(e);
	writer_write(&f->w, NR);
	/* The second peek moves on: the first one's event can't be ok'd. */
	assert_ptr_not_equal(tw_ring_peek(&f->r), e);
	assert_int_equal(f->r.next, 3);
	assert_false(tw_ring_ok(&f->r, e));
	expect_balance(&f->r, 0, 3);
	expect_event(&f->r, 3);
}

static void test_half_written(void **state)
{
	struct fixture *f = *state;
	unsigned int k;
	__u64 i;

	/* In a fresh slot: not there yet. */
	i = writer_begin(&f->w);
	assert_null(tw_ring_peek(&f->r));
	for (k = 0; k < PAYLOAD_WORDS; k++) {
		writer_word(&f->w, i, k);
		assert_null(tw_ring_peek(&f->r));
	}
	writer_end(&f->w, i);
	expect_event(&f->r, 0);
	/* In a used one: the same. */
	writer_write(&f->w, NR - 1);
	for (i = 1; i < NR; i++)
		expect_event(&f->r, i);
	i = writer_begin(&f->w);
	assert_int_equal(i, NR);
	assert_null(tw_ring_peek(&f->r));
	expect_balance(&f->r, NR, 0);
	for (k = 0; k < PAYLOAD_WORDS; k++)
		writer_word(&f->w, i, k);
	writer_end(&f->w, i);
	expect_event(&f->r, NR);
}

static void test_torn_slot_is_lost(void **state)
{
	struct fixture *f = *state;
	const struct tw_event *e;
	__u64 i;

	/* The event at the cursor is being overwritten, head isn't there yet. */
	writer_write(&f->w, NR);
	i = writer_begin(&f->w);
	f->r.slack = 0;
	e = tw_ring_peek(&f->r);
	assert_non_null(e);
	assert_int_equal(f->r.next, 1);
	expect_balance(&f->r, 0, 1);
	writer_end(&f->w, i);
}

static void test_nested_writers(void **state)
{
	struct fixture *f = *state;
	unsigned int k;
	__u64 a, b;

	/* An interrupt's event is done before the one it interrupted. */
	a = writer_begin(&f->w);
	b = writer_begin(&f->w);
	for (k = 0; k < PAYLOAD_WORDS; k++)
		writer_word(&f->w, b, k);
	writer_end(&f->w, b);
	assert_null(tw_ring_peek(&f->r));
	for (k = 0; k < PAYLOAD_WORDS; k++)
		writer_word(&f->w, a, k);
	writer_end(&f->w, a);
	expect_event(&f->r, 0);
	expect_event(&f->r, 1);
	expect_balance(&f->r, 2, 0);
}

static void test_head_lags(void **state)
{
	struct fixture *f = *state;
	__u64 a, b, c;

	/*
	 * Three nested writers have begun to overwrite the oldest three, and
	 * the head tells of none of it: the cursor gets past them all the same.
	 */
	f->r.slack = 0;
	writer_write(&f->w, NR);
	a = writer_begin(&f->w);
	b = writer_begin(&f->w);
	c = writer_begin(&f->w);
	assert_int_equal(f->w.header->head, NR);
	expect_event(&f->r, 3);
	expect_balance(&f->r, 1, 3);
	writer_end(&f->w, c);
	writer_end(&f->w, b);
	writer_end(&f->w, a);
}

static void test_numbers_wrap(void **state)
{
	/* Around where 2i+2 wraps, and where i itself does. */
	static const __u64 starts[] = { (1ULL << 63) - 40, 0ULL - 40 };
	struct fixture *f = *state;
	size_t s;

	for (s = 0; s < 2; s++) {
		__u64 start = starts[s] & ~(__u64)(NR - 1), i;
		struct tw_ring *r = &f->r;

		for (i = start - NR; i != start; i++)
			writer_slot(&f->w, i)->seq = 2 * i + 2;
		f->w.reserved = start;
		f->w.header->head = start;
		tw_ring_init(r, f->w.header, f->w.slots, NR);
		r->slack = 0;
		r->next = start;
		assert_null(tw_ring_peek(r));
		for (i = start; i != start + 3 * NR; i++) {
			writer_write(&f->w, 1);
			expect_event(r, i);
			assert_null(tw_ring_peek(r));
		}
		assert_int_equal(r->seen, 3 * NR);
		assert_int_equal(r->lost, 0);
		/* And lapped across the wrap. */
		r->next = start;
		r->seen = 0;
		assert_int_equal(tw_ring_pending(r), 3 * NR);
		expect_event(r, start + 2 * NR);
		assert_int_equal(r->lost, 2 * NR);
	}
}

static void test_skip_to_end(void **state)
{
	struct fixture *f = *state;

	writer_write(&f->w, 3 * NR + 5);
	tw_ring_skip_to_end(&f->r);
	expect_balance(&f->r, 0, 3 * NR + 5);
	assert_null(tw_ring_peek(&f->r));
	writer_write(&f->w, 1);
	expect_event(&f->r, 3 * NR + 5);
	tw_ring_skip_to_end(&f->r);
	expect_balance(&f->r, 1, 3 * NR + 5);
}

static void test_two_readers(void **state)
{
	struct fixture *f = *state;
	struct tw_ring other;
	__u64 i;

	tw_ring_init(&other, f->w.header, f->w.slots, NR);
	writer_write(&f->w, 10);
	for (i = 0; i < 10; i++)
		expect_event(&f->r, i);
	for (i = 0; i < 10; i++)
		expect_event(&other, i);
}

/*
 * The negative control. A reader is overtaken half way through an event, at
 * every word. One that doesn't ask afterwards takes a torn event for a good
 * one; tw_ring_ok() never lets that pass.
 */
static bool read_overtaken(struct fixture *f, unsigned int at, bool ask,
			   bool *torn)
{
	__u64 copy[PAYLOAD_WORDS], i;
	const struct tw_event *e;
	bool accepted;

	e = tw_ring_peek(&f->r);
	assert_non_null(e);
	i = f->r.next;
	copy_words(copy, e, 0, at);
	writer_write(&f->w, NR);
	copy_words(copy, e, at, PAYLOAD_WORDS);
	accepted = tw_ring_ok(&f->r, e);
	if (!ask)
		accepted = true;
	*torn = !copy_is_whole(copy, i);
	return accepted;
}

static void test_negative_control(void **state)
{
	struct fixture *f = *state;
	unsigned int at, torn_taken = 0;
	bool torn;

	for (at = 0; at < PAYLOAD_WORDS; at++) {
		tw_ring_skip_to_end(&f->r);
		writer_write(&f->w, 1);
		if (read_overtaken(f, at, false, &torn) && torn)
			torn_taken++;
	}
	assert_int_equal(torn_taken, PAYLOAD_WORDS);
	for (at = 0; at <= PAYLOAD_WORDS; at++) {
		tw_ring_skip_to_end(&f->r);
		writer_write(&f->w, 1);
		assert_false(read_overtaken(f, at, true, &torn));
	}
}

/*
 * Every interleaving of the writer's steps with the reader's that chance
 * brings, interrupted writers included, in one thread: what fails here fails
 * again with the same seed.
 */
static __u32 random_next(__u32 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

#define MAX_DEPTH	3

struct model {
	struct writer w;
	struct {
		__u64 i;
		unsigned int k;
	} stack[MAX_DEPTH];
	unsigned int depth;
};

static void writer_step(struct model *m, __u32 rnd)
{
	unsigned int top = m->depth - 1;
	bool room;

	/*
	 * Those that interrupt a writer must not come round to the slot it is
	 * in: nobody could tell whose words are in it then.
	 */
	room = m->depth < MAX_DEPTH &&
	       (!m->depth || m->w.reserved - m->stack[0].i < m->w.nr);
	if (!m->depth || (room && rnd % 16 == 0)) {
		m->stack[m->depth].i = writer_begin(&m->w);
		m->stack[m->depth].k = 0;
		m->depth++;
	} else if (m->stack[top].k < PAYLOAD_WORDS) {
		writer_word(&m->w, m->stack[top].i, m->stack[top].k++);
	} else {
		writer_end(&m->w, m->stack[top].i);
		m->depth--;
	}
}

static void interleave(__u32 seed, __u32 nr, unsigned int slack)
{
	__u64 copy[PAYLOAD_WORDS], delivered = 0, last = 0;
	const struct tw_event *e = NULL;
	__u32 speed = 1 + seed % 13;
	struct model m = { .depth = 0 };
	unsigned int k = 0;
	struct tw_ring r;
	int step;

	writer_init(&m.w, nr);
	tw_ring_init(&r, m.w.header, m.w.slots, nr);
	r.slack = slack;
	for (step = 0; step < 20000; step++) {
		__u32 rnd = random_next(&seed);

		/* Now and then one of the two is fast for a while. */
		if (step % 1000 == 0)
			speed = 1 + rnd % 64;
		if (rnd >> 16 < 65536 / 64 * speed) {
			writer_step(&m, rnd & 0xffff);
			continue;
		}
		if (!e) {
			e = tw_ring_peek(&r);
			k = 0;
		} else if (k < PAYLOAD_WORDS) {
			copy_words(copy, e, k, k + 1);
			k++;
		} else {
			__u64 i = r.next;

			if (tw_ring_ok(&r, e)) {
				assert_true(copy_is_whole(copy, i));
				assert_true(!delivered || i > last);
				last = i;
				delivered++;
			}
			e = NULL;
		}
		assert_int_equal(r.seen, delivered);
		assert_int_equal(r.seen + r.lost, r.next);
		assert_true(r.next <= m.w.reserved);
	}
	while (m.depth)
		writer_step(&m, 1);
	if (e)
		delivered += tw_ring_ok(&r, e);
	while ((e = tw_ring_peek(&r))) {
		__u64 i = r.next;

		copy_words(copy, e, 0, PAYLOAD_WORDS);
		assert_true(tw_ring_ok(&r, e));
		assert_true(copy_is_whole(copy, i));
		delivered++;
	}
	assert_int_equal(r.seen, delivered);
	assert_int_equal(r.seen + r.lost, m.w.header->head);
	writer_free(&m.w);
}

static void test_interleavings(void **state)
{
	__u32 seed;

	(void)state;
	for (seed = 1; seed <= 200; seed++) {
		__u32 nr = 1U << (2 + seed % 5);

		interleave(seed * 2654435761U, nr, 0);
		interleave(seed * 2654435761U, nr, nr / 8);
	}
}

/* The same with a writer that doesn't wait, on real CPUs. */
#define RACE_EVENTS	3000000

struct race {
	struct writer w;
	unsigned int pause;
	bool done;
};

static void *race_writer(void *arg)
{
	struct race *race = arg;
	unsigned int i;

	for (i = 0; i < RACE_EVENTS; i++) {
		writer_write(&race->w, 1);
		if (race->pause && i % race->pause == 0)
			sched_yield();
	}
	__atomic_store_n(&race->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void race_once(__u32 nr, unsigned int pause)
{
	struct race race = { .pause = pause };
	__u64 copy[PAYLOAD_WORDS], refused = 0;
	const struct tw_event *e;
	struct tw_ring r;
	pthread_t thread;
	bool done;

	writer_init(&race.w, nr);
	tw_ring_init(&r, race.w.header, race.w.slots, nr);
	assert_int_equal(pthread_create(&thread, NULL, race_writer, &race), 0);
	do {
		done = __atomic_load_n(&race.done, __ATOMIC_ACQUIRE);
		while ((e = tw_ring_peek(&r))) {
			__u64 i = r.next;

			copy_words(copy, e, 0, PAYLOAD_WORDS);
			if (tw_ring_ok(&r, e))
				assert_true(copy_is_whole(copy, i));
			else
				refused++;
		}
	} while (!done);
	pthread_join(thread, NULL);
	assert_int_equal(race.w.header->head, RACE_EVENTS);
	assert_int_equal(r.seen + r.lost, RACE_EVENTS);
	assert_int_equal(r.next, RACE_EVENTS);
	assert_true(r.seen > 0);
	print_message("%u slots: %llu seen, %llu lost, %llu of them while being read\n",
		      nr, (unsigned long long)r.seen,
		      (unsigned long long)r.lost, (unsigned long long)refused);
	writer_free(&race.w);
}

static void test_race(void **state)
{
	(void)state;
	race_once(64, 0);
	race_once(64, 16);
	race_once(4096, 512);
}

int main(void)
{
#define RING_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	static const struct CMUnitTest tests[] = {
		RING_TEST(test_empty),
		RING_TEST(test_offline_untouched),
		RING_TEST(test_in_order),
		RING_TEST(test_exactly_full),
		RING_TEST(test_peek_again),
		RING_TEST(test_lapped_by_one),
		RING_TEST(test_lapped_slack),
		RING_TEST(test_lapped_while_reading),
		RING_TEST(test_lapped_between_peeks),
		RING_TEST(test_half_written),
		RING_TEST(test_torn_slot_is_lost),
		RING_TEST(test_nested_writers),
		RING_TEST(test_head_lags),
		RING_TEST(test_numbers_wrap),
		RING_TEST(test_skip_to_end),
		RING_TEST(test_two_readers),
		RING_TEST(test_negative_control),
		cmocka_unit_test(test_interleavings),
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
