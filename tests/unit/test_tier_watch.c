// SPDX-License-Identifier: GPL-2.0
/*
 * The documented names and the calls beneath them, against a device that isn't
 * there: what is asked for, and what is made of the answers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake.h"
#include "tier_watch.h"
#include "tw.h"

#define PAGE		4096U
#define MAX_PAGES	8
#define NR_LISTED	19

static int fail_with;		/* every ioctl but INFO and AGENT_CREATE */
static __s32 page_status;	/* of single pages */

static void set_status(__u64 status, __u32 nr)
{
	__s32 *s = (__s32 *)(uintptr_t)status;

	while (s && nr--)
		*s++ = page_status;
}

static void answer_list(struct tw_page_list *l)
{
	struct tw_page *p = (struct tw_page *)(uintptr_t)l->infos;
	__u32 i;

	/* Three at most a call; the first call of a list finds none. */
	for (i = 0; l->cursor && i < l->nr && i < 3 &&
		    l->cursor + i <= NR_LISTED; i++)
		p[i] = (struct tw_page) {
			.page = l->cursor + i, .temperature = l->temperature,
		};
	l->nr = i;
	l->cursor = l->cursor ? l->cursor + i : 1;
	if (l->cursor > NR_LISTED)
		l->cursor = 0;
}

/* In the same way. */
static void answer_agents(struct tw_agent_list *l)
{
	struct tw_agent_entry *a = (struct tw_agent_entry *)(uintptr_t)l->agents;
	__u32 i;

	for (i = 0; l->cursor && i < l->nr && i < 3 &&
		    l->cursor + i <= NR_LISTED; i++)
		a[i] = (struct tw_agent_entry) { .id = l->cursor + i };
	l->nr = i;
	l->cursor = l->cursor ? l->cursor + i : 1;
	if (l->cursor > NR_LISTED)
		l->cursor = 0;
}

static void answer_pages(unsigned long cmd, void *arg)
{
	struct tw_request_pages *r = arg;
	struct tw_candidates *c = arg;
	struct tw_page_info *info = arg;
	__u32 i;

	switch (cmd) {
	case TW_IOC_REQUEST:
		for (i = 0; i < r->nr; i++) {
			struct tw_request *q =
				&((struct tw_request *)(uintptr_t)r->requests)[i];

			q->id = 100 + i;
			if (!(r->flags & TW_REQUEST_WAIT))
				continue;
			q->status = q->page % 3 == 2 ? -EBUSY :
				    (__s32)(q->page % 3);
			q->latency_ns = 50;
			q->pfn = 60;
			r->done += q->status >= 0;
			r->failed += q->status < 0;
		}
		break;
	case TW_IOC_CANDIDATES:
		c->nr = c->nr < 5 ? c->nr : 5;
		for (i = 0; i < c->nr; i++)
			((struct tw_candidate *)(uintptr_t)c->candidates)[i] =
				(struct tw_candidate) {
					.page = i + 1, .agent = 2,
					.benefit_ns = -3, .heat = 4, .age = 5,
					.from_tier = c->from_tier,
					.to_tier = c->to_tier, .node = -1,
				};
		break;
	case TW_IOC_PAGE_INFO:
		*(struct tw_page *)(uintptr_t)info->infos = (struct tw_page) {
			.page = *(__u64 *)(uintptr_t)info->pages, .pfn = 1,
			.agent = 2, .tier = 3, .flags = 4, .heat = 5, .age = 6,
			.node = 7, .status = page_status, .best_node = 8,
			.temperature = 1,
		};
		break;
	}
}

static int answer(int fd, unsigned long cmd, void *arg)
{
	struct tw_info *info = arg;
	int i;

	(void)fd;
	switch (cmd) {
	case TW_IOC_INFO:
		info->abi_version = TW_ABI_VERSION;
		info->page_size = PAGE;
		info->max_pages = MAX_PAGES;
		return 0;
	case TW_IOC_AGENT_CREATE:
		((struct tw_agent_create *)arg)->fd = fake_new_fd();
		return 0;
	}
	if (fail_with)
		return fail_with;
	answer_pages(cmd, arg);
	switch (cmd) {
	case TW_IOC_REGION_CREATE:
		((struct tw_region_create *)arg)->fd = fake_new_fd();
		break;
	case TW_IOC_ADDR_PAGE:
		((struct tw_addr_page *)arg)->page = TW_PAGE(3, 4);
		break;
	case TW_IOC_TRACK: {
		struct tw_track *t = arg;

		set_status(t->status, t->nr);
		*(page_status ? &t->failed : &t->done) = t->nr;
		break;
	}
	case TW_IOC_UNTRACK: {
		struct tw_untrack *t = arg;

		set_status(t->status, t->nr);
		*(page_status ? &t->failed : &t->done) = t->nr;
		break;
	}
	case TW_IOC_MARK: {
		struct tw_mark *t = arg;

		set_status(t->status, t->nr);
		*(page_status ? &t->failed : &t->done) = t->nr;
		break;
	}
	case TW_IOC_AGENT_LIST:
		answer_agents(arg);
		break;
	case TW_IOC_PAGE_LIST:
		answer_list(arg);
		break;
	case TW_IOC_PRESSURE: {
		struct tw_pressure *p = arg;

		p->level = 2;
		p->capacity = 10;
		p->used = 9;
		p->stalls = 8;
		p->permille = 900;
		break;
	}
	case TW_IOC_TIER_INFO:
		((struct tw_tier_info *)arg)->kind = TW_KIND_STORE;
		((struct tw_tier_info *)arg)->capacity = 44;
		((struct tw_tier_info *)arg)->nominal_latency_ns = 45;
		break;
	case TW_IOC_AGENT_STATS:
		for (i = 0; i < TW_NR_TIERS; i++) {
			((struct tw_agent_stats *)arg)->pages[i] = i;
			((struct tw_agent_stats *)arg)->external[i] = 1;
		}
		break;
	case TW_IOC_AGENT_LIMITS:
		if (!(((struct tw_agent_limits *)arg)->flags & TW_LIMITS_SET))
			((struct tw_agent_limits *)arg)->pages[1] = 17;
		break;
	case TW_IOC_AGENT_MIGRATE:
		((struct tw_agent_migrate *)arg)->moved = 12;
		((struct tw_agent_migrate *)arg)->failed = 2;
		break;
	case TW_IOC_NUMA_STATS:
		((struct tw_numa_stats *)arg)->local = 21;
		((struct tw_numa_stats *)arg)->moved_in = 22;
		break;
	case TW_IOC_NUMA_BALANCE:
		((struct tw_numa_balance *)arg)->moved = 23;
		break;
	case TW_IOC_FAULT_STATS: {
		struct tw_fault_stats *s = arg;

		s->minor_read = 1;
		s->minor_write = 2;
		s->major_read = 4;
		s->major_write = 8;
		s->first = 16;
		s->reported = 32;
		break;
	}
	case TW_IOC_THRESHOLDS:
		((struct tw_thresholds *)arg)->enter[2] = 95;
		break;
	case TW_IOC_MODULE_STATS: {
		struct tw_module_stats *s = arg;

		s->pages_tracked = 7;
		s->migrations = 4;
		s->migration_ns = 40;
		s->record_bytes = 1;
		s->external_bytes = 2;
		s->store_bytes = 4;
		s->stream_bytes = 8;
		break;
	}
	}
	return 0;
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	fake.answer = answer;
	fail_with = 0;
	page_status = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tier_watch_shutdown();
	return fake_open_fds() || fake.maps ? -1 : 0;
}

#define LAST(type, command) ((const struct type *)last_arg(command))
static const void *last_arg(unsigned long cmd)
{
	assert_int_equal(fake_last()->cmd, cmd);
	return fake_last()->arg;
}

static void test_page_number(void **state)
{
	int here = 0;

	(void)state;
	assert_true(get_page_pfn(&here) == TW_PAGE(3, 4));
	assert_true(LAST(tw_addr_page, TW_IOC_ADDR_PAGE)->addr ==
		    (uintptr_t)&here);
	fail_with = -EFAULT;
	assert_true(get_page_pfn(&here) == 0);
}

static void test_no_device(void **state)
{
	struct migration_request q = { .pfn = 1 };
	struct migration_result m;

	(void)state;
	fake.open_errno = ENOENT;
	assert_true(get_page_pfn(&q) == 0);
	assert_int_equal(tier_watch_mark_hot(1), -ENOENT);
	assert_int_equal(tier_watch_migrate_page(&q, &m), -ENOENT);
	assert_int_equal(m.status, -ENOENT);
	/* It is tried again each time. */
	fake.open_errno = 0;
	assert_int_equal(tier_watch_mark_hot(1), 0);
}

static void test_track(void **state)
{
	const struct tw_track *t;
	unsigned int fds;

	(void)state;
	assert_int_equal(tier_watch_mark_hot(1), 0);
	fds = fake_open_fds();
	/* An agent that was made for a call that failed does not stay. */
	page_status = -EACCES;
	assert_int_equal(tier_watch_track_page(9, TIER_CPU, 70), -EACCES);
	assert_int_equal(fake_open_fds(), fds);
	fail_with = -EINVAL;
	assert_int_equal(tier_watch_track_page(9, TIER_CPU, 70), -EINVAL);
	assert_int_equal(fake_open_fds(), fds);
	fail_with = page_status = 0;
	assert_int_equal(tier_watch_track_page(9, TIER_CPU, 70), 0);
	t = LAST(tw_track, TW_IOC_TRACK);
	assert_int_equal(t->node, -1);
	assert_int_equal(t->tier, TW_TIER_CPU);
	assert_int_equal(t->nr, 1);
	assert_int_equal(fake_open_fds(), fds + 1);
	/* The same agent, held once, and later failures leave it. */
	page_status = -EEXIST;
	assert_int_equal(tier_watch_track_page_numa(9, TIER_HDD, 70, 1),
			 -EEXIST);
	assert_int_equal(LAST(tw_track, TW_IOC_TRACK)->node, 1);
	assert_int_equal(fake_open_fds(), fds + 1);
	assert_int_equal(tier_watch_untrack_page(9), -EEXIST);
	page_status = 0;
	assert_int_equal(tier_watch_untrack_page(9), 0);
}

static void test_fault(void **state)
{
	(void)state;
	assert_int_equal(tier_watch_handle_fault(5, 6, FAULT_FLAG_WRITE), 0);
	assert_int_equal(LAST(tw_report, TW_IOC_REPORT)->flags,
			 TW_REPORT_WRITE);
	assert_int_equal(LAST(tw_report, TW_IOC_REPORT)->addr, 6);
	assert_int_equal(tier_watch_handle_fault(5, 6, 0), 0);
	assert_int_equal(LAST(tw_report, TW_IOC_REPORT)->flags, 0);
	assert_int_equal(tier_watch_handle_fault(5, 6, 2), -EINVAL);
}

static void test_sizes(void **state)
{
	struct { struct tier_pressure p; __u64 more; } longer;
	struct tier_pressure p;

	(void)state;
	assert_int_equal(tier_watch_get_pressure(TIER_CPU, &p), 0);
	assert_int_equal(p.level, PRESSURE_HIGH);
	assert_int_equal(p.permille, 900);
	assert_int_equal(p.stalls, 8);
	memset(&p, 0xa5, sizeof(p));
	assert_int_equal(tier_watch_get_pressure_v1(TIER_CPU, &p, 8), 0);
	assert_int_equal(p.permille, 900);
	assert_true(p.capacity == 0xa5a5a5a5a5a5a5a5ULL);
	memset(&longer, 0xa5, sizeof(longer));
	assert_int_equal(tier_watch_get_pressure_v1(TIER_CPU, &longer.p,
						    sizeof(longer)), 0);
	assert_int_equal(longer.more, 0);
	fail_with = -EOPNOTSUPP;
	memset(&p, 0xa5, sizeof(p));
	assert_int_equal(tier_watch_get_pressure(TIER_CPU, &p), -EOPNOTSUPP);
	assert_int_equal(p.level, 0xa5a5a5a5);
}

static void test_candidates(void **state)
{
	struct migration_candidate c[100];

	(void)state;
	assert_int_equal(tier_watch_get_migration_candidates(TIER_NVME,
							     TIER_CPU, c, 100),
			 5);
	assert_int_equal(LAST(tw_candidates, TW_IOC_CANDIDATES)->nr, MAX_PAGES);
	assert_int_equal(c[4].pfn, 5);
	assert_int_equal(c[4].benefit_ns, -3);
	assert_int_equal(c[4].from_tier, TIER_NVME);
	assert_int_equal(c[4].to_tier, TIER_CPU);
	fail_with = -EINVAL;
	assert_int_equal(tier_watch_get_migration_candidates(1, 1, c, 100),
			 -EINVAL);
}

static void test_requests(void **state)
{
	struct { struct migration_request r; __u64 more; } longer = {
		.r.pfn = 3, .more = 1,
	};
	struct migration_request q[40] = { { .pfn = 3, .from_tier = TIER_HDD,
		.to_tier = TIER_SSD, .priority = 80,
		.reason = MIGRATION_HOT_PROMOTION } };
	struct migration_result m[40];
	__u64 id = 0;
	int i;

	(void)state;
	assert_int_equal(tier_watch_migrate_page(q, m), 0);
	assert_int_equal(LAST(tw_request_pages, TW_IOC_REQUEST)->flags,
			 TW_REQUEST_WAIT);
	assert_int_equal(m->latency_ns, 50);
	assert_int_equal(m->to_tier, TIER_SSD);
	q->pfn = 5;
	assert_int_equal(tier_watch_migrate_page(q, NULL), -EBUSY);
	assert_int_equal(tier_watch_migrate_page(q, m), -EBUSY);
	assert_int_equal(m->status, -EBUSY);
	assert_int_equal(tier_watch_queue_migration(q, &id), 0);
	assert_int_equal(id, 100);
	assert_int_equal(tier_watch_queue_migration(q, NULL), 0);
	assert_int_equal(tier_watch_queue_migration_v1(&longer.r,
						       sizeof(longer), NULL),
			 -E2BIG);
	longer.more = 0;
	assert_int_equal(tier_watch_queue_migration_v1(&longer.r,
						       sizeof(longer), NULL),
			 0);
	for (i = 0; i < 40; i++)
		q[i].pfn = i;
	assert_int_equal(tier_watch_migrate_batch(q, 40, m), 27);
	assert_int_equal(m[38].status, -EBUSY);
	assert_int_equal(m[39].status, 0);
	fail_with = -EAGAIN;
	assert_int_equal(tier_watch_migrate_batch(q, 40, m), -EAGAIN);
	assert_int_equal(m[39].status, -EAGAIN);
	assert_int_equal(tier_watch_queue_migration(q, &id), -EAGAIN);
}

static void test_pages(void **state)
{
	struct page_info p, list[NR_LISTED + 1];

	(void)state;
	assert_int_equal(tier_watch_get_page_info(31, &p), 0);
	assert_int_equal(p.pfn, 31);
	assert_int_equal(p.frame, 1);
	assert_int_equal(p.optimal_node, 8);
	assert_int_equal(tier_watch_get_optimal_numa_node(31), 8);
	assert_int_equal(tier_watch_mark_cold(31), 0);
	assert_int_equal(LAST(tw_mark, TW_IOC_MARK)->temperature,
			 TW_CLASS_COLD);
	assert_int_equal(tier_watch_mark_hot(31), 0);
	assert_int_equal(LAST(tw_mark, TW_IOC_MARK)->temperature, TW_CLASS_HOT);
	assert_int_equal(tier_watch_get_hot_pages(TIER_ANY, list,
						  NR_LISTED + 1), NR_LISTED);
	assert_int_equal(list[NR_LISTED - 1].pfn, NR_LISTED);
	assert_int_equal(list[0].temperature, TW_CLASS_HOT);
	assert_int_equal(tier_watch_get_cold_pages(TIER_CPU, list, 2), 2);
	assert_int_equal(list[1].temperature, TW_CLASS_COLD);
	page_status = -ENOENT;
	assert_int_equal(tier_watch_get_page_info(31, &p), -ENOENT);
	assert_int_equal(tier_watch_get_optimal_numa_node(31), -ENOENT);
	assert_int_equal(tier_watch_mark_cold(31), -ENOENT);
}

static void test_agents(void **state)
{
	__u64 limits[TIER_COUNT] = { 1, 2, 3, 4, TW_NO_LIMIT };
	struct agent_memory_stats s;

	(void)state;
	assert_int_equal(tier_watch_get_agent_memory(70, &s), 0);
	assert_int_equal(s.agent_id, 70);
	assert_int_equal(s.total_pages, 15);
	assert_int_equal(s.limit[1], 17);
	assert_int_equal(tier_watch_set_agent_limits(70, limits), 0);
	assert_memory_equal(LAST(tw_agent_limits, TW_IOC_AGENT_LIMITS)->pages,
			    limits, sizeof(limits));
	assert_int_equal(tier_watch_get_agent_limits(70, limits), 0);
	assert_int_equal(limits[1], 17);
	assert_int_equal(tier_watch_migrate_agent(70, TIER_ANY, TIER_HDD, 0),
			 12);
	assert_int_equal(LAST(tw_agent_migrate, TW_IOC_AGENT_MIGRATE)->to_tier,
			 TW_TIER_HDD);
	fail_with = -EPERM;
	assert_int_equal(tier_watch_set_agent_limits(71, limits), -EPERM);
}

static void test_figures(void **state)
{
	const __u32 enter[3] = { 1, 2, 3 }, leave[3] = { 0, 1, 2 };
	struct module_stats m;
	struct fault_stats f;
	struct tier_info t;
	struct numa_stats n;

	(void)state;
	assert_int_equal(tier_watch_get_fault_stats(TIER_CPU, &f), 0);
	assert_int_equal(f.minor, 3);
	assert_int_equal(f.major, 12);
	assert_int_equal(f.reads, 5);
	assert_int_equal(f.writes, 10);
	assert_int_equal(tier_watch_reset_fault_stats(TIER_CPU), 0);
	assert_int_equal(LAST(tw_fault_stats, TW_IOC_FAULT_STATS)->flags,
			 TW_FAULT_STATS_RESET);
	assert_int_equal(tier_watch_get_tier_info(TIER_SSD, &t), 0);
	assert_int_equal(t.bound, 1);
	assert_int_equal(t.capacity, 44);
	assert_int_equal(tier_watch_get_numa_stats(1, &n), 0);
	assert_int_equal(n.node, 1);
	assert_int_equal(n.local_accesses, 21);
	assert_int_equal(tier_watch_numa_balance(5), 23);
	assert_int_equal(tier_watch_set_thresholds(TIER_CPU, enter, leave), 0);
	assert_memory_equal(LAST(tw_thresholds, TW_IOC_THRESHOLDS)->enter,
			    enter, sizeof(enter));
	assert_int_equal(tier_watch_get_module_stats(&m), 0);
	assert_int_equal(m.migration_avg_ns, 10);
	assert_int_equal(m.memory_bytes, 15);
}

static void test_memory(void **state)
{
	void *addr = NULL;

	(void)state;
	assert_int_equal(tier_watch_alloc(70, PAGE + 1, &addr), 0);
	assert_int_equal(LAST(tw_region_create, TW_IOC_REGION_CREATE)->bytes,
			 2 * PAGE);
	assert_int_equal(tier_watch_free((char *)addr + 1), -EINVAL);
	assert_int_equal(tier_watch_free(addr), 0);
	assert_int_equal(tier_watch_free(addr), -EINVAL);
	assert_int_equal(tier_watch_free(NULL), 0);
	assert_int_equal(tier_watch_alloc(70, SIZE_MAX, &addr), -EINVAL);
	fail_with = -EDQUOT;
	assert_int_equal(tier_watch_alloc(71, PAGE, &addr), -EDQUOT);
}

static void test_fork(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(tier_watch_mark_hot(1), 0);
	pid = fork();
	if (!pid)
		_exit(tier_watch_mark_cold(1) != 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(tier_watch_mark_cold(1), 0);
}

/* More pages than a call of the driver takes. */
static void test_long_arrays(void **state)
{
	__u64 pages[MAX_PAGES + 1] = { 0 }, cursor = 0, moved = 0;
	struct tw_thresholds thresholds;
	struct tw_agent_limits limits;
	__s32 status[MAX_PAGES + 1];
	struct tw_agent_entry agents[NR_LISTED];
	struct tw_page infos[NR_LISTED];
	struct tw_sum sum;
	struct tw *tw;

	(void)state;
	assert_int_equal(tw_open(FAKE_DEVICE, &tw), 0);
	assert_int_equal(tw_track_by_id(tw, pages, MAX_PAGES + 1, 1, -1, 7,
					status, &sum), 0);
	assert_int_equal(LAST(tw_track, TW_IOC_TRACK)->nr, 1);
	assert_int_equal(LAST(tw_track, TW_IOC_TRACK)->agent_id, 7);
	assert_int_equal(LAST(tw_track, TW_IOC_TRACK)->flags, TW_TRACK_BY_ID);
	assert_int_equal(sum.done, MAX_PAGES + 1);
	assert_int_equal(sum.ok, MAX_PAGES + 1);
	page_status = -ENOENT;
	assert_int_equal(tw_untrack(tw, pages, MAX_PAGES + 1, status, &sum), 0);
	assert_int_equal(sum.failed, MAX_PAGES + 1);
	assert_int_equal(status[MAX_PAGES], -ENOENT);
	assert_int_equal(tw_mark(tw, pages, MAX_PAGES + 1, 1, NULL, NULL), 0);
	assert_int_equal(tw_page_list(tw, TW_TIER_NONE, TW_CLASS_HOT, &cursor,
				      infos, 10), 10);
	assert_int_equal(cursor, 11);
	assert_int_equal(tw_page_list(tw, TW_TIER_NONE, TW_CLASS_HOT, &cursor,
				      infos, 10), 9);
	assert_int_equal(cursor, 0);
	assert_int_equal(tw_agent_list(tw, &cursor, agents, 10), 10);
	assert_int_equal(cursor, 11);
	assert_int_equal(agents[9].id, 10);
	assert_int_equal(tw_agent_list(tw, &cursor, agents, 10), 9);
	assert_int_equal(agents[8].id, 19);
	assert_int_equal(cursor, 0);
	assert_int_equal(tw_thresholds_get(tw, 1, &thresholds), 0);
	assert_int_equal(thresholds.enter[2], 95);
	assert_int_equal(tw_agent_limits_get(tw, NULL, &limits), 0);
	assert_int_equal(limits.agent_fd, -1);
	assert_int_equal(tw_agent_limits_set_by_id(tw, 7, limits.pages), 0);
	assert_int_equal(LAST(tw_agent_limits, TW_IOC_AGENT_LIMITS)->flags,
			 TW_AGENT_BY_ID | TW_LIMITS_SET);
	assert_int_equal(tw_agent_migrate(tw, NULL, 4, 1, 0, 3, &moved, NULL),
			 0);
	assert_int_equal(moved, 12);
	tw_close(tw);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_page_number),
		TEST(test_no_device),
		TEST(test_track),
		TEST(test_fault),
		TEST(test_sizes),
		TEST(test_candidates),
		TEST(test_requests),
		TEST(test_pages),
		TEST(test_agents),
		TEST(test_figures),
		TEST(test_memory),
		TEST(test_fork),
		TEST(test_long_arrays),
	};

	return cmocka_run_group_tests_name("tier_watch", tests, NULL, NULL);
}
