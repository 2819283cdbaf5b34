// SPDX-License-Identifier: GPL-2.0
/* What the server of a card's memory computes: segments, runs of requests, names of cards. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../../tools/tw-gpu/calc.h"

#define PAGE	4096U
#define MOST	(16 * PAGE)
#define MANY	64

static void test_parts(void **state)
{
	const size_t size = 4 * PAGE;
	struct gpu_part p;

	(void)state;
	p = gpu_part(0, PAGE, size);
	assert_true(p.segment == 0 && p.at == 0 && p.bytes == PAGE);
	p = gpu_part(3 * PAGE, PAGE, size);
	assert_true(p.segment == 0 && p.at == 3 * PAGE && p.bytes == PAGE);
	p = gpu_part(4 * PAGE, PAGE, size);
	assert_true(p.segment == 1 && p.at == 0 && p.bytes == PAGE);
	p = gpu_part(3 * PAGE + 1, 9 * PAGE, size);
	assert_true(p.segment == 0 && p.at == 3 * PAGE + 1 && p.bytes == PAGE - 1);
	p = gpu_part(5ULL << 40, PAGE, 1UL << 30);
	assert_true(p.segment == 5 << 10 && p.at == 0 && p.bytes == PAGE);
}

/* The parts of a span follow each other, without a gap, and are all of it. */
static void test_parts_of_spans(void **state)
{
	const size_t size = 3 * PAGE;
	uint64_t offset, at;
	size_t bytes, left;

	(void)state;
	for (offset = 0; offset < 4 * size; offset += 512) {
		for (bytes = 512; bytes < 3 * size; bytes += 1536) {
			for (at = offset, left = bytes; left;) {
				struct gpu_part p = gpu_part(at, left, size);

				assert_true(p.bytes && p.bytes <= left);
				assert_true(p.at + p.bytes <= size);
				assert_int_equal(p.segment * size + p.at, at);
				at += p.bytes;
				left -= p.bytes;
			}
			assert_int_equal(at, offset + bytes);
		}
	}
}

static void test_segment_size(void **state)
{
	(void)state;
	assert_int_equal(gpu_segment_size(1ULL << 34, 1UL << 30, PAGE), 1UL << 30);
	assert_int_equal(gpu_segment_size(PAGE * 10 + 5, 1UL << 30, PAGE), PAGE * 10);
	assert_int_equal(gpu_segment_size(PAGE - 1, 1UL << 30, PAGE), 0);
}

static void put(struct gpu_request **list, struct gpu_request *r, uint64_t page, uint32_t pages,
		bool write)
{
	*r = (struct gpu_request){ .offset = page * PAGE, .bytes = pages * PAGE, .write = write,
				   .queued = true };
	while (*list)
		list = &(*list)->next;
	*list = r;
}

static unsigned int length(const struct gpu_request *r)
{
	unsigned int n = 0;

	for (; r; r = r->next)
		n++;
	return n;
}

static void test_run_alone(void **state)
{
	struct gpu_request r[2], *waiting = NULL;
	struct gpu_run run;

	(void)state;
	put(&waiting, &r[0], 5, 1, true);
	put(&waiting, &r[1], 7, 1, true);
	run = gpu_run_take(&waiting, &r[0], MOST);
	assert_true(run.first == &r[0] && !r[0].next && !r[0].queued);
	assert_true(run.offset == 5 * PAGE && run.bytes == PAGE);
	assert_true(waiting == &r[1] && r[1].queued && !r[1].next);
}

/* In whatever order they came, and with the first of them anywhere among them. */
static void test_run_of_neighbours(void **state)
{
	static const unsigned int order[] = { 4, 0, 3, 1, 2 };
	struct gpu_request r[5], *waiting = NULL;
	struct gpu_run run;
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++)
		put(&waiting, &r[i], 10 + order[i], 1, false);
	run = gpu_run_take(&waiting, &r[2], MOST);
	assert_null(waiting);
	assert_int_equal(length(run.first), 5);
	assert_true(run.offset == 10 * PAGE && run.bytes == 5 * PAGE);
	for (i = 0; i < 5; i++)
		assert_false(r[i].queued);
}

static void test_run_has_one_direction(void **state)
{
	struct gpu_request r[3], *waiting = NULL;
	struct gpu_run run;

	(void)state;
	put(&waiting, &r[0], 1, 1, true);
	put(&waiting, &r[1], 2, 1, false);
	put(&waiting, &r[2], 3, 1, true);
	run = gpu_run_take(&waiting, &r[0], MOST);
	assert_true(run.bytes == PAGE && length(waiting) == 2);
	run = gpu_run_take(&waiting, &r[1], MOST);
	assert_true(run.bytes == PAGE && length(waiting) == 1);
}

static void test_run_ends(void **state)
{
	struct gpu_request r[20], *waiting = NULL;
	struct gpu_run run;
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++)
		put(&waiting, &r[i], i, 1, true);
	run = gpu_run_take(&waiting, &r[0], MOST);
	assert_true(run.bytes == MOST && length(run.first) == 16 && length(waiting) == 4);
	/* One that is too large for a buffer goes alone. */
	waiting = NULL;
	put(&waiting, &r[0], 0, 100, true);
	put(&waiting, &r[1], 100, 1, true);
	run = gpu_run_take(&waiting, &r[0], MOST);
	assert_true(run.bytes == 100 * PAGE && length(run.first) == 1 && waiting == &r[1]);
}

/* Each request is in one run, and a run's are neighbours, whatever comes. */
static void test_runs_of_any(void **state)
{
	struct gpu_request r[MANY], *waiting, *one, *other;
	unsigned int seed, i, n, served;
	uint64_t x = 1;

	(void)state;
	for (seed = 0; seed < 200; seed++) {
		waiting = NULL;
		for (i = 0; i < MANY; i++) {
			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
			/* Spans of three pages each, of which the last is a gap at times. */
			put(&waiting, &r[i], 3 * ((i * 37) % MANY), 2 + (x >> 40 & 1), x >> 41 & 1);
		}
		for (served = 0; waiting; served += n) {
			struct gpu_run run = gpu_run_take(&waiting, waiting, MOST);
			uint64_t bytes = 0;

			n = 0;
			for (one = run.first; one; one = one->next, n++) {
				bytes += one->bytes;
				assert_true(one->offset >= run.offset);
				assert_true(one->offset + one->bytes <= run.offset + run.bytes);
				assert_true(one->write == run.first->write);
				for (other = one->next; other; other = other->next)
					assert_true(other->offset != one->offset);
			}
			assert_true(n && bytes == run.bytes && bytes <= MOST);
		}
		assert_int_equal(served, MANY);
	}
}

static void test_devices(void **state)
{
	static const char * const bad[] = {
		"", ":", "0", "0:", ":0", "0:0 ", " 0:0", "0:-1", "-1:0", "+1:0", "0:+1", "0x1:0",
		"256:0", "0:256", "99999999999999999999:0", "0:0:0", "plain",
	};
	unsigned int p = 77, d = 88;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_false(gpu_parse_device(bad[i], &p, &d));
		assert_true(p == 77 && d == 88);
	}
	assert_true(gpu_parse_device("0:0", &p, &d) && p == 0 && d == 0);
	assert_true(gpu_parse_device("12:255", &p, &d) && p == 12 && d == 255);
}

static void test_segments(void **state)
{
	(void)state;
	assert_int_equal(gpu_segment_wish(1), 1 << 20);
	assert_int_equal(gpu_segment_wish(16 << 20), 1 << 20);
	assert_int_equal(gpu_segment_wish((16 << 20) + 1), 1 << 20);
	assert_int_equal(gpu_segment_wish(17 << 20), 2 << 20);
	assert_int_equal(gpu_segment_wish(1ULL << 30), 64 << 20);
	assert_int_equal(gpu_segment_wish(1ULL << 40), 64 << 20);
	assert_int_equal(gpu_segments(0, PAGE), 0);
	assert_int_equal(gpu_segments(1, PAGE), 1);
	assert_int_equal(gpu_segments(3 * PAGE, PAGE), 3);
	assert_int_equal(gpu_segments(3 * PAGE + 1, PAGE), 4);
}

static void test_gate(void **state)
{
	struct gpu_gate g = { .end = 10 * PAGE };
	int old, one, two;

	(void)state;
	one = gpu_gate_enter(&g, 9 * PAGE, PAGE);
	two = gpu_gate_enter(&g, 0, 10 * PAGE);
	assert_true(one >= 0 && one == two);
	assert_int_equal(gpu_gate_enter(&g, 9 * PAGE, 2 * PAGE), -1);
	assert_int_equal(gpu_gate_enter(&g, 11 * PAGE, PAGE), -1);
	assert_int_equal(gpu_gate_enter(&g, UINT64_MAX, 2), -1);
	old = gpu_gate_move(&g, 5 * PAGE);
	assert_int_equal(old, one);
	/* What comes in from now on is not waited for, and not beyond. */
	assert_int_equal(gpu_gate_enter(&g, 5 * PAGE, 1), -1);
	two = gpu_gate_enter(&g, 4 * PAGE, PAGE);
	assert_int_equal(two, !one);
	assert_int_equal(g.inside[old], 2);
	assert_false(gpu_gate_leave(&g, one));
	assert_true(gpu_gate_leave(&g, one));
	assert_int_equal(g.inside[old], 0);
	assert_true(gpu_gate_leave(&g, two));
	assert_int_equal(gpu_gate_move(&g, 10 * PAGE), two);
	assert_int_equal(gpu_gate_enter(&g, 9 * PAGE, PAGE), one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_parts_of_spans),
		cmocka_unit_test(test_segment_size),
		cmocka_unit_test(test_run_alone),
		cmocka_unit_test(test_run_of_neighbours),
		cmocka_unit_test(test_run_has_one_direction),
		cmocka_unit_test(test_run_ends),
		cmocka_unit_test(test_runs_of_any),
		cmocka_unit_test(test_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
