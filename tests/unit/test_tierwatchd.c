// SPDX-License-Identifier: GPL-2.0
/*
 * test_tierwatchd.c - what the daemon decides, and how it reads the kernel's texts
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bound.h"
#include "budget.h"
#include "plan.h"
#include "recent.h"
#include "room.h"
#include "yield_calc.h"

#define HUGE	512

/* -- plans ----------------------------------------------------------------- */

/* Node 0 is fast, node 1 slow; both have 1,000 pages above a line of 100. */
static struct td_situation roomy(void)
{
	return (struct td_situation){
		.node = { { 1100, 100, 200, 1 }, { 1100, 100, 200, 1 } },
		.fast = 1, .slow = 2, .swap = 10000, .budget = 100000,
		.scans = 60, .cost_ns = 1000,
	};
}

static struct td_unit unit(int node, __u32 heat)
{
	return (struct td_unit){
		.may = ~0ULL, .pages = 1, .heat = heat, .node = node,
		.benefit_ns = (node ? 100 : -100) * (__s64)heat,
	};
}

static struct td_list list_of(struct td_unit *u, size_t nr)
{
	return (struct td_list){ u, nr };
}

static void hot_goes_up(void **state)
{
	struct td_situation s = roomy();
	struct td_unit u[2] = { unit(1, 150), unit(1, 150) };
	struct td_list hot = list_of(u, 2);

	(void)state;
	u[1].may = 2;	/* bound to where it is */
	assert_int_equal(td_plan_hot(&s, &hot), 0);
	assert_int_equal(u[0].fate, TD_MOVE);
	assert_int_equal(u[0].to, 0);
	assert_int_equal(u[1].fate, TD_STAY);
	assert_int_equal(s.node[0].free, 1099);
	assert_int_equal(s.budget, 99999);
}

static void room_is_promised_once(void **state)
{
	struct td_situation s = roomy();
	struct td_unit u[4];
	struct td_list hot = list_of(u, 4);
	int i, moved = 0;

	(void)state;
	s.node[0].free = 102;
	for (i = 0; i < 4; i++)
		u[i] = unit(1, 150);
	assert_int_equal(td_plan_hot(&s, &hot), 2);
	for (i = 0; i < 4; i++)
		moved += u[i].fate == TD_MOVE;
	assert_int_equal(moved, 2);
}

static void a_move_must_pay(void **state)
{
	struct td_situation s = roomy();
	struct td_unit u = unit(1, 50);

	(void)state;
	/* 50 * 100 ns * 60 / 153: 1,960 ns in a minute */
	assert_true(td_pays(&s, &u, false));
	assert_false(td_pays(&s, &u, true));
	s.cost_ns = 1970;
	assert_false(td_pays(&s, &u, false));
	/* Touched all the time: nobody knows how often. */
	u.heat = 120;
	assert_true(td_pays(&s, &u, true));
	u.benefit_ns = 0;
	assert_false(td_pays(&s, &u, false));
}

static void budget_is_kept(void **state)
{
	struct td_situation s = roomy();
	struct td_unit u[3] = { unit(1, 150), unit(1, 150), unit(1, 150) };
	struct td_list hot = list_of(u, 3);

	(void)state;
	u[0].pages = HUGE;
	s.budget = 1;
	td_plan_hot(&s, &hot);
	assert_int_equal(u[0].fate, TD_STAY);
	assert_int_equal(u[1].fate, TD_MOVE);
	assert_int_equal(u[2].fate, TD_STAY);
	assert_int_equal(s.budget, 0);
}

static void huge_ones_need_a_huge_one(void **state)
{
	struct td_situation s = roomy();
	struct td_unit u[2] = { unit(1, 150), unit(1, 150) };
	struct td_list hot = list_of(u, 2);

	(void)state;
	u[0].pages = HUGE;
	u[1].pages = HUGE;
	s.node[0].free = 10000;
	td_plan_hot(&s, &hot);
	assert_int_equal(u[0].fate, TD_MOVE);
	assert_int_equal(u[1].fate, TD_STAY);
	assert_int_equal(s.node[0].free, 10000 - HUGE);
}

static void cold_stays_while_there_is_room(void **state)
{
	struct td_situation s = roomy();
	struct td_unit u = unit(0, 0);
	struct td_list cold = list_of(&u, 1);

	(void)state;
	td_plan_cold(&s, &cold, 0);
	assert_int_equal(u.fate, TD_STAY);
	/* but for hot ones that wait */
	td_plan_cold(&s, &cold, 1);
	assert_int_equal(u.fate, TD_MOVE);
	assert_int_equal(u.to, 1);
}

static void a_short_node_gets_its_headroom(void **state)
{
	struct td_situation s = roomy();
	struct td_unit u[400];
	struct td_list cold = list_of(u, 400);
	int i, moved = 0;

	(void)state;
	for (i = 0; i < 400; i++)
		u[i] = unit(0, 0);
	s.node[0].free = 99;
	assert_true(td_short(&s.node[0]));
	td_plan_cold(&s, &cold, 0);
	for (i = 0; i < 400; i++)
		moved += u[i].fate == TD_MOVE && u[i].to == 1;
	assert_int_equal(moved, 201);
	for (i = 0; i < 400; i++)
		assert_int_not_equal(u[i].fate, TD_PAGEOUT);
}

static void no_other_memory_means_swap(void **state)
{
	struct td_situation s = roomy();
	struct td_unit u[3] = { unit(0, 0), unit(0, 0), unit(0, 0) };
	struct td_list cold = list_of(u, 3);

	(void)state;
	s.node[0].free = 50;
	s.node[1].free = 300;	/* no room to spare */
	s.swap = 2;
	td_plan_cold(&s, &cold, 0);
	assert_int_equal(u[0].fate, TD_PAGEOUT);
	assert_int_equal(u[1].fate, TD_PAGEOUT);
	assert_int_equal(u[2].fate, TD_STAY);	/* swap is full */
	assert_int_equal(s.swap, 0);
}

static void bound_pages_may_be_swapped_but_not_moved(void **state)
{
	struct td_situation s = roomy();
	struct td_unit u = unit(0, 0);
	struct td_list cold = list_of(&u, 1);

	(void)state;
	u.may = 1;
	s.node[0].free = 50;
	td_plan_cold(&s, &cold, 0);
	assert_int_equal(u.fate, TD_PAGEOUT);
}

static void the_other_fast_node_is_better_than_swap(void **state)
{
	struct td_situation s = roomy();
	struct td_unit u = unit(0, 0);
	struct td_list cold = list_of(&u, 1);

	(void)state;
	s.fast = 5;
	s.slow = 0;
	s.node[2] = s.node[0];
	s.node[0].free = 50;
	td_plan_cold(&s, &cold, 0);
	assert_int_equal(u.fate, TD_MOVE);
	assert_int_equal(u.to, 2);
}

static void a_scarce_node_has_the_kernel_told(void **state)
{
	struct td_situation s = roomy();
	struct td_unit u[2] = { unit(1, 0), unit(1, 0) };
	struct td_list cold = list_of(u, 2);

	(void)state;
	s.node[1].free = 150;
	u[1].told = true;
	assert_true(td_any_scarce(&s, s.slow));
	assert_false(td_any_scarce(&s, s.fast));
	td_plan_cold(&s, &cold, 0);
	assert_int_equal(u[0].fate, TD_COLD);
	assert_int_equal(u[1].fate, TD_STAY);
	/* Without swap the kernel could do nothing with that. */
	s.swap = 0;
	u[0].fate = TD_STAY;
	td_plan_cold(&s, &cold, 0);
	assert_int_equal(u[0].fate, TD_STAY);
}

static void shortage_has_half_of_the_budget(void **state)
{
	struct td_situation s = roomy();
	struct td_unit h[10], c[10];
	struct td_list hot = list_of(h, 10), cold = list_of(c, 10);
	int i, up = 0, out = 0;

	(void)state;
	for (i = 0; i < 10; i++) {
		h[i] = unit(1, 150);
		c[i] = unit(1, 0);
	}
	s.budget = 10;
	s.node[1].free = 50;
	td_plan_hot(&s, &hot);
	td_plan_cold(&s, &cold, 0);
	for (i = 0; i < 10; i++) {
		up += h[i].fate == TD_MOVE;
		out += c[i].fate == TD_PAGEOUT;
	}
	assert_int_equal(up, 5);
	assert_int_equal(out, 5);
}

/* -- the budget ------------------------------------------------------------ */

static void pages_are_earned(void **state)
{
	struct td_budget b = { 0 };

	(void)state;
	td_budget_rate(&b, 10000);
	assert_int_equal(td_budget_earn(&b, 100000000, HUGE), 1000);
	td_budget_spend(&b, 1000);
	assert_int_equal(td_budget_earn(&b, 0, HUGE), 0);
	/* No more than a second's. */
	assert_int_equal(td_budget_earn(&b, 3600000000000ULL, HUGE), 10000);
	/* A small rate still gathers a huge page. */
	td_budget_spend(&b, 10000);
	td_budget_rate(&b, 10);
	assert_int_equal(td_budget_earn(&b, 60000000000ULL, HUGE), HUGE);
	/* No limit is a large one. */
	td_budget_rate(&b, 0);
	assert_true(td_budget_earn(&b, 1000000000, HUGE) > 1000000);
}

static void what_comes_back_halves_it(void **state)
{
	struct td_budget b = { 0 };
	int i;

	(void)state;
	td_budget_rate(&b, 1000);
	assert_false(td_budget_judge(&b, 1000, 100));
	assert_true(b.share == 1);
	assert_true(td_budget_judge(&b, 1000, 500));
	assert_true(b.share == 0.5);
	/* The evidence is used up. */
	assert_false(td_budget_judge(&b, 0, 0));
	assert_true(b.share > 0.5 && b.share < 0.6);
	for (i = 0; i < 40; i++)
		td_budget_judge(&b, 100, 0);
	assert_true(b.share == 1);
	/* It never ends altogether. */
	for (i = 0; i < 40; i++)
		td_budget_judge(&b, 100, 100);
	assert_true(b.share >= 1.0 / 64 && b.share < 1.0 / 16);
	/* A few are no evidence. */
	b = (struct td_budget){ .rate = 1000, .share = 1 };
	assert_false(td_budget_judge(&b, 15, 15));
}

/* -- what was done lately -------------------------------------------------- */

static void marks_last_for_a_while(void **state)
{
	struct td_recent r;
	struct td_mark sent[4];

	(void)state;
	assert_int_equal(td_recent_init(&r), 0);
	td_recent_note(&r, 1, 1, TD_REFUSED, 100);
	td_recent_note(&r, 2, HUGE, TD_PAGED, 100);
	td_recent_note(&r, 3, 1, TD_CAME, 100);
	assert_int_equal(td_recent_of(&r, 1, 100), TD_REFUSED);
	assert_int_equal(td_recent_of(&r, 1, 100 + TD_REFUSED_TICKS), TD_NOTHING);
	assert_int_equal(td_recent_of(&r, 3, 104), TD_CAME);
	assert_int_equal(td_recent_of(&r, 3, 105), TD_NOTHING);
	assert_int_equal(td_recent_of(&r, 4, 100), TD_NOTHING);
	assert_int_equal(td_recent_sent(&r, 100 + TD_JUDGE_TICKS, sent, 4), 1);
	assert_int_equal(sent[0].page, 2);
	assert_int_equal(sent[0].pages, HUGE);
	assert_int_equal(td_recent_sent(&r, 101 + TD_JUDGE_TICKS, sent, 4), 0);
	/* A page has one mark, the last one. */
	td_recent_note(&r, 2, HUGE, TD_CAME, 101);
	assert_int_equal(td_recent_sent(&r, 100 + TD_JUDGE_TICKS, sent, 4), 0);
	td_recent_end(&r);
}

static void the_oldest_is_forgotten(void **state)
{
	struct td_recent r;
	int i, known = 0;

	(void)state;
	assert_int_equal(td_recent_init(&r), 0);
	for (i = 0; i < 200000; i++)
		td_recent_note(&r, i, 1, TD_REFUSED, i / 20000);
	for (i = 190000; i < 200000; i++)
		known += td_recent_of(&r, i, 10) == TD_REFUSED;
	assert_true(known > 9900);
	for (i = known = 0; i < 10000; i++)
		known += td_recent_of(&r, i, 10) == TD_REFUSED;
	assert_true(known < 100);
	td_recent_end(&r);
}

/* -- texts ----------------------------------------------------------------- */

static FILE *text(const char *s)
{
	FILE *f = fmemopen((void *)s, strlen(s), "r");

	assert_non_null(f);
	return f;
}

static const char zoneinfo[] =
	"Node 0, zone      DMA\n  pages free     3776\n        high     284\n"
	"  pagesets\n    cpu: 0\n              high:  12\n"
	"Node 0, zone    DMA32\n        high     1000\n"
	"Node 1, zone   Normal\n        high     77\n"
	"Node 64, zone   Normal\n        high     99\n";

static void a_node_s_room(void **state)
{
	struct td_rooms r = { .page_size = 4096, .huge = HUGE, .free_permille = 20 };
	FILE *f = text(zoneinfo);

	(void)state;
	td_room_zoneinfo(&r, f);
	fclose(f);
	assert_int_equal(r.mark[0], 1284);
	assert_int_equal(r.mark[1], 77);
	f = text("Node 1 MemTotal:       400000 kB\n"
		 "Node 1 MemFree:         40000 kB\n"
		 "Node 1 Inactive(anon):  99999 kB\n"
		 "Node 1 Inactive(file):   8000 kB\n"
		 "Node 1 Dirty:            1000 kB\n"
		 "Node 1 Writeback:        3000 kB\n");
	td_room_meminfo(&r, f);
	fclose(f);
	assert_int_equal(r.node[1].free, 11000);
	assert_int_equal(r.node[1].headroom, 2000);
	assert_int_equal(r.node[1].line, 2077);
	f = text("Node 0, zone   DMA32  9 9 9 9 9 9 9 9 9 2 3\n"
		 "Node 1, zone  Normal  9 9 9 9 9 9 9 9 9 0 0\n"
		 "Node 0, zone  Normal  0 0 0 0 0 0 0 0 0 1 0\n");
	td_room_buddyinfo(&r, f);
	fclose(f);
	assert_int_equal(r.node[0].huge, 9);
	assert_int_equal(r.node[1].huge, 0);
	f = text("SwapCached: 5 kB\nSwapTotal: 8000 kB\nSwapFree: 4000 kB\n");
	td_room_swap(&r, f);
	fclose(f);
	assert_int_equal(r.swap, 1000);
}

static __u64 nodes_of(const char *policy)
{
	char line[256];
	struct td_mapping m;

	snprintf(line, sizeof(line), "7f0000000000 %s anon=3 dirty=3 N0=3\n",
		 policy);
	assert_int_equal(td_bound_line(line, &m), 0);
	assert_int_equal(m.start, 0x7f0000000000);
	return m.nodes;
}

static void policies(void **state)
{
	struct td_mapping m;

	(void)state;
	assert_int_equal(nodes_of("default"), ~0ULL);
	assert_int_equal(nodes_of("local"), ~0ULL);
	assert_int_equal(nodes_of("bind:0-1"), 3);
	assert_int_equal(nodes_of("bind=static:2"), 4);
	assert_int_equal(nodes_of("bind=relative|balancing:0,3"), 9);
	assert_int_equal(nodes_of("prefer:1"), 2);
	assert_int_equal(nodes_of("prefer (many):0,2"), 5);
	assert_int_equal(nodes_of("interleave:0-1"), 0);
	assert_int_equal(nodes_of("weighted interleave:0-1"), 0);
	assert_int_equal(nodes_of("defaults"), 0);
	assert_int_equal(nodes_of("bind:0-99"), 0);
	assert_int_equal(td_bound_line("\n", &m), -EINVAL);
}

static void where_pages_may_be(void **state)
{
	struct td_bound b = { 0 };
	FILE *f = text("00400000 default file=/x\n00500000 default\n"
		       "00600000 bind:1 anon=1\n7f0000000000 default stack\n");

	(void)state;
	assert_int_equal(td_bound_maps(&b, f), 0);
	fclose(f);
	f = text("Name:\tx\nMems_allowed:\t00000007\nMems_allowed_list:\t0-2\n");
	td_bound_status(&b, f);
	fclose(f);
	assert_int_equal(td_bound_at(&b, 0x1000), 0);
	assert_int_equal(td_bound_at(&b, 0x400000), 7);
	assert_int_equal(td_bound_at(&b, 0x5ff000), 7);
	assert_int_equal(td_bound_at(&b, 0x600000), 2);
	assert_int_equal(td_bound_at(&b, 0x7fffffff0000), 7);
	/* A program that has ended has no text. */
	f = fopen("/dev/null", "r");
	td_bound_status(&b, f);
	assert_int_equal(td_bound_maps(&b, f), 0);
	fclose(f);
	assert_int_equal(td_bound_at(&b, 0x400000), 0);
	td_bound_free(&b);
}

/* -- a card's memory --------------------------------------------------------- */

#define MB	(1ULL << 20)

/* 1 GiB of a card, in steps of 64 MiB, of which 512 MiB are to be free. */
static struct td_yield_seen card_with(__u64 bytes, __u64 left)
{
	return (struct td_yield_seen){
		.bytes = bytes * MB, .most = 1000 * MB, .step = 64 * MB,
		.free = left * MB, .wanted = 512 * MB,
	};
}

static __u64 yield_of(__u64 bytes, __u64 left, unsigned int *calm)
{
	struct td_yield_seen s = card_with(bytes, left);

	return td_yield_size(&s, calm) / MB;
}

static void card_gives_way(void **state)
{
	unsigned int calm = 0;

	(void)state;
	assert_int_equal(yield_of(1000, 512, &calm), 1000);
	/* Whole steps, and no less than what is missing. */
	assert_int_equal(yield_of(1000, 511, &calm), 960);
	assert_int_equal(yield_of(960, 448, &calm), 896);
	assert_int_equal(yield_of(960, 447, &calm), 832);
	/* The last step stays. */
	assert_int_equal(yield_of(128, 0, &calm), 64);
	assert_int_equal(yield_of(64, 0, &calm), 64);
	assert_int_equal(yield_of(32, 0, &calm), 32);
}

static void card_is_taken_again(void **state)
{
	unsigned int calm = 0, i;

	(void)state;
	for (i = 1; i < TD_YIELD_CALM; i++)
		assert_int_equal(yield_of(64, 5000, &calm), 64);
	assert_int_equal(yield_of(64, 5000, &calm), 1000);
	/* One look that finds too little, and it begins again. */
	for (i = 1; i < TD_YIELD_CALM; i++)
		assert_int_equal(yield_of(64, 5000, &calm), 64);
	assert_int_equal(yield_of(64, 700, &calm), 64);
	assert_int_equal(calm, 0);
	assert_int_equal(yield_of(64, 5000, &calm), 64);
}

/* What it takes when it grows is never missing at the next look. */
static void card_does_not_sway(void **state)
{
	__u64 bytes, left, next;
	unsigned int calm;

	(void)state;
	for (bytes = 64; bytes <= 1000; bytes += 39) {
		for (left = 512; left < 2500; left += 17) {
			calm = TD_YIELD_CALM - 1;
			next = yield_of(bytes, left, &calm);
			assert_true(next >= bytes && next <= 1000);
			assert_true(left - (next - bytes) >= (next > bytes ? 640 : 512));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(card_gives_way),
		cmocka_unit_test(card_is_taken_again),
		cmocka_unit_test(card_does_not_sway),
		cmocka_unit_test(hot_goes_up),
		cmocka_unit_test(room_is_promised_once),
		cmocka_unit_test(a_move_must_pay),
		cmocka_unit_test(budget_is_kept),
		cmocka_unit_test(huge_ones_need_a_huge_one),
		cmocka_unit_test(cold_stays_while_there_is_room),
		cmocka_unit_test(a_short_node_gets_its_headroom),
		cmocka_unit_test(no_other_memory_means_swap),
		cmocka_unit_test(bound_pages_may_be_swapped_but_not_moved),
		cmocka_unit_test(the_other_fast_node_is_better_than_swap),
		cmocka_unit_test(a_scarce_node_has_the_kernel_told),
		cmocka_unit_test(shortage_has_half_of_the_budget),
		cmocka_unit_test(pages_are_earned),
		cmocka_unit_test(what_comes_back_halves_it),
		cmocka_unit_test(marks_last_for_a_while),
		cmocka_unit_test(the_oldest_is_forgotten),
		cmocka_unit_test(a_node_s_room),
		cmocka_unit_test(policies),
		cmocka_unit_test(where_pages_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
