// SPDX-License-Identifier: GPL-2.0
/*
 * The library against a device that isn't there: what it asks for, what it
 * makes of the answers, and that a refused call changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake.h"
#include "ring_writer.h"
#include "tw.h"

#define PAGE		4096ULL
#define MAX_PAGES	8
#define CPUS		3
#define EVENTS		64
#define PATTERN		0xa5
#define ATTACHMENT	11

/* What the fake answers with, beyond what the arguments say. */
static int fail_with;		/* every ioctl but INFO fails */
static unsigned int fail_after;	/* only when this many have been made */
static unsigned int answered;
static struct tw_info the_info;
static __u64 the_map_size;

static int answer(int fd, unsigned long cmd, void *arg)
{
	unsigned int i;

	(void)fd;
	if (cmd == TW_IOC_INFO) {
		if (fail_with && !fail_after)
			return fail_with;
		the_info.size = ((struct tw_info *)arg)->size;
		memcpy(arg, &the_info, sizeof(the_info));
		return 0;
	}
	if (fail_with && answered++ >= fail_after) {
		/* As the driver does when it is half done. */
		if (cmd == TW_IOC_TIER_UNBIND)
			((struct tw_tier_unbind *)arg)->moved = 7;
		if (cmd == TW_IOC_ATTACH)
			((struct tw_attach *)arg)->id = ATTACHMENT;
		return fail_with;
	}
	switch (cmd) {
	case TW_IOC_REGION_CREATE:
		((struct tw_region_create *)arg)->fd = fake_new_fd();
		((struct tw_region_create *)arg)->id = 5;
		break;
	case TW_IOC_AGENT_CREATE:
		((struct tw_agent_create *)arg)->fd = fake_new_fd();
		break;
	case TW_IOC_AGENT_STATS:
		if (!(((struct tw_agent_stats *)arg)->flags & TW_AGENT_BY_ID))
			((struct tw_agent_stats *)arg)->id = 77;
		((struct tw_agent_stats *)arg)->pages[TW_TIER_HDD] = 3;
		break;
	case TW_IOC_STREAM_CREATE:
		((struct tw_stream_create *)arg)->fd = fake_new_fd();
		break;
	case TW_IOC_STREAM_INFO:
		((struct tw_stream_info *)arg)->map_size = the_map_size;
		((struct tw_stream_info *)arg)->nr_rings = CPUS;
		((struct tw_stream_info *)arg)->events = EVENTS;
		break;
	case TW_IOC_ATTACH:
		((struct tw_attach *)arg)->id = ATTACHMENT;
		break;
	case TW_IOC_ATTACHED:
		((struct tw_attached *)arg)->id = ATTACHMENT;
		break;
	case TW_IOC_CANDIDATES:
		((struct tw_candidates *)arg)->nr = 2;
		break;
	case TW_IOC_TIER_INFO:
		((struct tw_tier_info *)arg)->capacity = 1234;
		break;
	case TW_IOC_TIER_UNBIND:
		((struct tw_tier_unbind *)arg)->moved = 9;
		break;
	case TW_IOC_TIER_RESIZE:
		((struct tw_tier_resize *)arg)->capacity = 1234;
		((struct tw_tier_resize *)arg)->moved = 8;
		break;
	case TW_IOC_PRESSURE:
		((struct tw_pressure *)arg)->permille = 321;
		break;
	case TW_IOC_REGION_INFO:
		((struct tw_region_info *)arg)->id = 6;
		((struct tw_region_info *)arg)->bytes = 4 * PAGE;
		break;
	case TW_IOC_REGION_DISCARD:
		((struct tw_region_discard *)arg)->discarded = 2;
		break;
	case TW_IOC_REGION_SEAL:
		((struct tw_region_seal *)arg)->seals =
			((struct tw_region_seal *)arg)->add | TW_SEAL_SEAL;
		break;
	case TW_IOC_REGION_VIEW:
		((struct tw_region_view *)arg)->fd = fake_new_fd();
		break;
	case TW_IOC_MIGRATE_PAGES: {
		struct tw_migrate_pages *m = arg;
		const __u64 *pages = (const __u64 *)(uintptr_t)m->pages;
		__s32 *status = (__s32 *)(uintptr_t)m->status;

		/* Page number modulo 3: moved, there already, failed. */
		for (i = 0; i < m->nr; i++) {
			__s32 s = pages[i] % 3 == 2 ? -EBUSY :
						      (__s32)(pages[i] % 3);

			m->moved += s == 0;
			m->failed += s < 0;
			if (status)
				status[i] = s;
		}
		break;
	}
	case TW_IOC_MIGRATE_RANGE: {
		struct tw_migrate_range *m = arg;
		__s32 *status = (__s32 *)(uintptr_t)m->status;

		/* The first moved, the second untouched, the third failed. */
		for (i = 0; i < m->length / PAGE; i++) {
			m->moved += i == 0;
			m->untouched += i == 1;
			m->failed += i == 2;
			if (status)
				status[i] = i == 0 ? 0 : i == 1 ? -ENOENT :
					    i == 2 ? -EBUSY : TW_MOVE_ALREADY;
		}
		break;
	}
	case TW_IOC_PAGE_INFO: {
		struct tw_page_info *p = arg;

		for (i = 0; i < p->nr; i++)
			*(__u64 *)(uintptr_t)(p->infos + i * p->entry_size) =
				((__u64 *)(uintptr_t)p->pages)[i];
		break;
	}
	case TW_IOC_REGION_PAGES: {
		struct tw_region_pages *p = arg;

		for (i = 0; i < p->nr; i++)
			*(__u64 *)(uintptr_t)(p->infos + i * p->entry_size) =
				p->offset / PAGE + i;
		break;
	}
	default:
		break;
	}
	return 0;
}

static int setup(void **state)
{
	struct tw *tw;

	fake_reset();
	fake.answer = answer;
	fail_with = 0;
	fail_after = 0;
	answered = 0;
	the_map_size = 0;
	memset(&the_info, 0, sizeof(the_info));
	the_info.abi_version = TW_ABI_VERSION;
	the_info.page_size = PAGE;
	the_info.nr_tiers = TW_NR_TIERS;
	the_info.max_pages = MAX_PAGES;
	the_info.nr_cpus = CPUS;
	the_info.stats_size = 65536;
	if (tw_open(FAKE_DEVICE, &tw))
		return -1;
	*state = tw;
	return 0;
}

/* Nothing is left open or mapped. */
static int teardown(void **state)
{
	tw_close(*state);
	return fake_open_fds() || fake.maps ? -1 : 0;
}

/* The struct of the last call, of the size that was said. */
#define LAST(type, command) \
	((const struct type *)last_arg(command, sizeof(struct type)))
static const void *last_arg(unsigned long cmd, size_t size)
{
	const struct fake_call *call = fake_last();
	__u32 said;

	assert_int_equal(call->cmd, cmd);
	memcpy(&said, call->arg, sizeof(said));
	assert_int_equal(said, size);
	return call->arg;
}

static void expect_pattern(const void *p, size_t len)
{
	const unsigned char *c = p;

	while (len--)
		assert_int_equal(*c++, PATTERN);
}

static void test_open_errors(void **state)
{
	struct tw *tw, *const before = (struct tw *)0x1234;
	unsigned int fds = fake_open_fds();

	(void)state;
	tw = before;
	fake.open_errno = ENOENT;
	assert_int_equal(tw_open(NULL, &tw), -ENOENT);
	fake.open_errno = EACCES;
	assert_int_equal(tw_open(FAKE_DEVICE, &tw), -EACCES);
	fake.open_errno = 0;
	fail_with = -ENOTTY;
	assert_int_equal(tw_open(FAKE_DEVICE, &tw), -ENOTTY);
	fail_with = 0;
	the_info.abi_version = TW_ABI_VERSION + 1;
	assert_int_equal(tw_open(FAKE_DEVICE, &tw), -EPROTO);
	the_info.abi_version = TW_ABI_VERSION;
	the_info.max_pages = 0;
	assert_int_equal(tw_open(FAKE_DEVICE, &tw), -EPROTO);
	fake.calloc_fail = 1;
	assert_int_equal(tw_open(FAKE_DEVICE, &tw), -ENOMEM);
	assert_ptr_equal(tw, before);
	assert_int_equal(fake_open_fds(), fds);
}

static void test_open_default(void **state)
{
	struct tw *tw;

	(void)state;
	/* The fake stands in for the real path, too. */
	assert_int_equal(tw_open(NULL, &tw), 0);
	assert_true(tw_fd(tw) >= FAKE_FD);
	tw_close(tw);
	tw_close(NULL);
}

static void test_info(void **state)
{
	struct tw_info info;

	memset(&info, PATTERN, sizeof(info));
	fail_with = -EFAULT;
	assert_int_equal(tw_info(*state, &info), -EFAULT);
	expect_pattern(&info, sizeof(info));
	fail_with = 0;
	assert_int_equal(tw_info(*state, &info), 0);
	assert_int_equal(info.max_pages, MAX_PAGES);
	assert_int_equal(((const struct tw_info *)
			  LAST(tw_info, TW_IOC_INFO))->flags, 0);
}

static void test_tier_info(void **state)
{
	const struct tw_tier_info *in;
	struct tw_tier_info info;

	memset(&info, PATTERN, sizeof(info));
	assert_int_equal(tw_tier_info(*state, TW_TIER_HDD, &info), 0);
	in = LAST(tw_tier_info, TW_IOC_TIER_INFO);
	assert_int_equal(in->tier, TW_TIER_HDD);
	assert_int_equal(in->flags, 0);
	assert_int_equal(in->capacity, 0);
	assert_int_equal(info.capacity, 1234);
	memset(&info, PATTERN, sizeof(info));
	fail_with = -EINVAL;
	assert_int_equal(tw_tier_info(*state, 17, &info), -EINVAL);
	expect_pattern(&info, sizeof(info));
}

static void test_bind_nodes(void **state)
{
	const struct tw_tier_bind *in;

	assert_int_equal(tw_tier_bind_nodes(*state, TW_TIER_GPU, 0x6, 99,
					    TW_BIND_MOVABLE), 0);
	in = LAST(tw_tier_bind, TW_IOC_TIER_BIND);
	assert_int_equal(in->tier, TW_TIER_GPU);
	assert_int_equal(in->flags, TW_BIND_MOVABLE);
	assert_int_equal(in->fd, -1);
	assert_int_equal(in->capacity, 99);
	assert_int_equal(in->nodes, 0x6);
	fail_with = -EPERM;
	assert_int_equal(tw_tier_bind_nodes(*state, TW_TIER_CPU, 0, 0, 0),
			 -EPERM);
}

static void test_bind_device(void **state)
{
	const struct tw_tier_bind *in;
	unsigned int fds = fake_open_fds(), calls;

	assert_int_equal(tw_tier_bind_device(*state, TW_TIER_SSD, FAKE_BLOCK,
					     55, 0), 0);
	in = LAST(tw_tier_bind, TW_IOC_TIER_BIND);
	assert_int_equal(in->tier, TW_TIER_SSD);
	assert_true(in->fd >= FAKE_FD && in->fd != tw_fd(*state));
	assert_int_equal(in->capacity, 55);
	assert_int_equal(in->nodes, 0);
	assert_int_equal(fake_open_fds(), fds);

	fail_with = -EBUSY;
	assert_int_equal(tw_tier_bind_device(*state, TW_TIER_SSD, FAKE_BLOCK,
					     0, 0), -EBUSY);
	assert_int_equal(fake_open_fds(), fds);
	calls = fake.nr_calls;
	assert_int_equal(tw_tier_bind_device(*state, TW_TIER_SSD, FAKE_FILE,
					     0, 0), -ENOTBLK);
	fake.open_errno = ENOENT;
	assert_int_equal(tw_tier_bind_device(*state, TW_TIER_SSD, FAKE_BLOCK,
					     0, 0), -ENOENT);
	assert_int_equal(fake.nr_calls, calls);
	assert_int_equal(fake_open_fds(), fds);
}

static void test_resize(void **state)
{
	__u64 capacity = 0, moved = 0;

	assert_int_equal(tw_tier_resize(*state, TW_TIER_NVME, &capacity, &moved), 0);
	assert_int_equal(LAST(tw_tier_resize, TW_IOC_TIER_RESIZE)->tier, TW_TIER_NVME);
	assert_int_equal(capacity, 1234);
	assert_int_equal(moved, 8);
	assert_int_equal(tw_tier_resize(*state, TW_TIER_NVME, &capacity, NULL), 0);
	/* Then nothing is told. */
	fail_with = -ENOSPC;
	capacity = 7;
	assert_int_equal(tw_tier_resize(*state, TW_TIER_NVME, &capacity, &moved), -ENOSPC);
	assert_int_equal(capacity, 7);
	assert_int_equal(moved, 8);
}

static void test_unbind(void **state)
{
	const struct tw_tier_unbind *in;
	__u64 moved = 0;

	assert_int_equal(tw_tier_unbind(*state, TW_TIER_NVME, TW_UNBIND_FORCE,
					&moved), 0);
	in = LAST(tw_tier_unbind, TW_IOC_TIER_UNBIND);
	assert_int_equal(in->tier, TW_TIER_NVME);
	assert_int_equal(in->flags, TW_UNBIND_FORCE);
	assert_int_equal(moved, 9);
	assert_int_equal(tw_tier_unbind(*state, TW_TIER_NVME, 0, NULL), 0);
	/* What has moved is told also when not all could. */
	fail_with = -ENOSPC;
	assert_int_equal(tw_tier_unbind(*state, TW_TIER_NVME, 0, &moved),
			 -ENOSPC);
	assert_int_equal(moved, 7);
}

static void test_pressure(void **state)
{
	struct tw_pressure p;

	memset(&p, PATTERN, sizeof(p));
	fail_with = -EOPNOTSUPP;
	assert_int_equal(tw_pressure(*state, TW_TIER_CPU, &p), -EOPNOTSUPP);
	expect_pattern(&p, sizeof(p));
	fail_with = 0;
	assert_int_equal(tw_pressure(*state, TW_TIER_CPU, &p), 0);
	assert_int_equal(((const struct tw_pressure *)
			  LAST(tw_pressure, TW_IOC_PRESSURE))->tier,
			 TW_TIER_CPU);
	assert_int_equal(p.permille, 321);
}

/* As the list has it: whose, and of which kind. */
static void test_agent_open(void **state)
{
	struct tw_agent_entry entry = {
		.id = 5,
		.flags = TW_AGENT_IS_MINE,
		.uid = 7,
		.user_ns = 9,
	};
	const struct tw_agent_create *in;
	struct tw_agent *a;

	assert_int_equal(tw_agent_open(*state, &entry, &a), 0);
	in = LAST(tw_agent_create, TW_IOC_AGENT_CREATE);
	assert_int_equal(in->flags, TW_AGENT_OPEN);
	assert_int_equal(in->id, 5);
	assert_int_equal(in->uid, 0);
	assert_int_equal(in->user_ns, 0);
	tw_agent_close(a);
	entry.flags = TW_AGENT_IS_DEFAULT;
	assert_int_equal(tw_agent_open(*state, &entry, &a), 0);
	in = LAST(tw_agent_create, TW_IOC_AGENT_CREATE);
	assert_int_equal(in->flags,
			 TW_AGENT_OPEN | TW_AGENT_CGROUP | TW_AGENT_OF);
	assert_int_equal(in->uid, 7);
	assert_int_equal(in->user_ns, 9);
	assert_int_equal(tw_agent_id(a), 5);
	tw_agent_close(a);
}

static void test_group_limits(void **state)
{
	static const __u64 pages[TW_NR_TIERS] = { 1, 2, 3, 4, TW_NO_LIMIT };
	const struct tw_group_limits *in;
	struct tw_group_limits out;
	char path[8] = "before";
	__u64 cursor = 0;

	assert_int_equal(tw_cgroup_limits_set(*state, "/a", pages), 0);
	in = LAST(tw_group_limits, TW_IOC_GROUP_LIMITS);
	assert_int_equal(in->flags, TW_GROUP_SET);
	assert_int_equal(in->kind, TW_GROUP_CGROUP);
	assert_int_equal(in->path_len, 3);
	assert_memory_equal(in->pages, pages, sizeof(pages));
	assert_int_equal(tw_user_limits_get(*state, 8, &out), 0);
	in = LAST(tw_group_limits, TW_IOC_GROUP_LIMITS);
	assert_int_equal(in->flags, 0);
	assert_int_equal(in->kind, TW_GROUP_USER);
	assert_int_equal(in->uid, 8);
	assert_int_equal(in->path_len, 0);
	assert_int_equal(tw_group_limits_next(*state, &cursor, path,
					      sizeof(path), &out), 0);
	in = LAST(tw_group_limits, TW_IOC_GROUP_LIMITS);
	assert_int_equal(in->flags, TW_GROUP_NEXT);
	assert_int_equal(in->path_len, sizeof(path));
	fail_with = -EPERM;
	assert_int_equal(tw_user_limits_set(*state, 8, pages), -EPERM);
	assert_int_equal(tw_cgroup_limits_get(*state, "/", &out), -EPERM);
	fail_with = 0;
}

static void test_swap(void **state)
{
	const struct tw_swap_create *in;
	struct tw_swap_info out = { .pages = 5 };
	__u32 dev = 7;

	assert_int_equal(tw_swap_create(*state, 1000, &dev), 0);
	in = LAST(tw_swap_create, TW_IOC_SWAP_CREATE);
	assert_int_equal(in->pages, 1000);
	assert_int_equal(in->dev, 0);
	assert_int_equal(dev, in->dev);
	assert_int_equal(tw_swap_create(*state, 1000, NULL), 0);
	assert_int_equal(tw_swap_info(*state, &out), 0);
	assert_non_null(LAST(tw_swap_info, TW_IOC_SWAP_INFO));
	assert_int_equal(tw_swap_destroy(*state), 0);
	assert_non_null(LAST(tw_swap_destroy, TW_IOC_SWAP_DESTROY));
	fail_with = -EBUSY;
	dev = 7;
	assert_int_equal(tw_swap_create(*state, 1000, &dev), -EBUSY);
	assert_int_equal(dev, 7);
	assert_int_equal(tw_swap_destroy(*state), -EBUSY);
	assert_int_equal(tw_swap_info(*state, &out), -EBUSY);
	fail_with = 0;
}

static void test_attach(void **state)
{
	const unsigned int fds = fake_open_fds();
	const struct tw_attach *in;
	__u64 id = 7;

	assert_int_equal(tw_attach(*state, 123, &id), 0);
	in = LAST(tw_attach, TW_IOC_ATTACH);
	assert_int_equal(in->pid, 123);
	assert_int_equal(in->id, 0);
	assert_int_equal(fake.pidfd_pid, 123);
	assert_int_equal(id, ATTACHMENT);
	assert_int_equal(tw_attach(*state, 123, NULL), 0);
	/* Of a thread, and of no process. */
	fake.pidfd_errno = EINVAL;
	assert_int_equal(tw_attach(*state, 124, &id), -ESRCH);
	fake.pidfd_errno = EMFILE;
	assert_int_equal(tw_attach(*state, 124, &id), -EMFILE);
	assert_int_equal(LAST(tw_attach, TW_IOC_ATTACH)->pid, 123);
	/* The caller itself needs none. */
	assert_int_equal(tw_attach(*state, 0, &id), 0);
	assert_int_equal(LAST(tw_attach, TW_IOC_ATTACH)->pid, 0);
	fake.pidfd_errno = 0;
	fail_with = -EEXIST;
	id = 7;
	assert_int_equal(tw_attach(*state, 123, &id), -EEXIST);
	assert_int_equal(id, ATTACHMENT);
	fail_with = -EPERM;
	id = 7;
	assert_int_equal(tw_attach(*state, 123, &id), -EPERM);
	assert_int_equal(id, 7);
	fail_with = 0;
	assert_int_equal(fake_open_fds(), fds);
}

/* What has taken the number of a process that has ended is not left attached. */
static void test_attach_of_what_has_ended(void **state)
{
	const unsigned int fds = fake_open_fds();
	__u64 id = 7;

	fake.poll_result = 1;
	fake.poll_revents = POLLIN;
	assert_int_equal(tw_attach(*state, 123, &id), -ESRCH);
	assert_int_equal(LAST(tw_detach, TW_IOC_DETACH)->id, ATTACHMENT);
	assert_int_equal(id, 7);
	/* Somebody else's attachment stays. */
	fail_with = -EEXIST;
	assert_int_equal(tw_attach(*state, 123, &id), -ESRCH);
	assert_int_equal(LAST(tw_attach, TW_IOC_ATTACH)->pid, 123);
	assert_int_equal(id, 7);
	fail_with = 0;
	assert_int_equal(tw_attach(*state, 0, &id), 0);
	assert_int_equal(fake_open_fds(), fds);
}

static void test_attached(void **state)
{
	const struct tw_attached *in;
	struct tw_attached out = { .scans = 5 };

	assert_int_equal(tw_attached(*state, 9, TW_ATTACHED_NEXT, &out), 0);
	in = LAST(tw_attached, TW_IOC_ATTACHED);
	assert_int_equal(in->id, 9);
	assert_int_equal(in->flags, TW_ATTACHED_NEXT);
	assert_int_equal(in->scans, 0);
	assert_int_equal(out.id, ATTACHMENT);
	assert_int_equal(tw_attached_v1(*state, 9, 0, &out, 3), -EINVAL);
	assert_int_equal(tw_detach(*state, 9), 0);
	assert_int_equal(LAST(tw_detach, TW_IOC_DETACH)->id, 9);
	fail_with = -ENOENT;
	out.scans = 5;
	assert_int_equal(tw_attached(*state, 9, 0, &out), -ENOENT);
	assert_int_equal(out.scans, 5);
	assert_int_equal(tw_detach(*state, 9), -ENOENT);
	fail_with = 0;
}

static void test_candidates(void **state)
{
	const struct tw_candidates *in;
	struct tw_candidate out[MAX_PAGES + 1];

	assert_int_equal(tw_candidates(*state, TW_TIER_CPU, TW_TIER_SSD, out, 3), 2);
	in = LAST(tw_candidates, TW_IOC_CANDIDATES);
	assert_int_equal(in->flags, 0);
	assert_int_equal(in->nr, 3);
	assert_int_equal(tw_candidates_flags(*state, TW_TIER_CPU, TW_TIER_SSD,
					     TW_CANDIDATES_ATTACHED, out,
					     MAX_PAGES + 1), 2);
	in = LAST(tw_candidates, TW_IOC_CANDIDATES);
	assert_int_equal(in->flags, TW_CANDIDATES_ATTACHED);
	assert_int_equal(in->from_tier, TW_TIER_CPU);
	assert_int_equal(in->to_tier, TW_TIER_SSD);
	assert_int_equal(in->nr, MAX_PAGES);
	assert_int_equal(in->entry_size, sizeof(out[0]));
	assert_ptr_equal(in->candidates, out);
}

static void test_agent(void **state)
{
	struct tw_agent *a = NULL, *b, *const before = (struct tw_agent *)0x18;
	const struct tw_agent_create *in;
	const struct tw_agent_stats *st;
	struct tw_agent_stats stats;
	int fd;

	assert_int_equal(tw_agent_create(*state, 0x1122334455667788ULL, &a), 0);
	in = LAST(tw_agent_create, TW_IOC_AGENT_CREATE);
	assert_true(in->id == 0x1122334455667788ULL);
	assert_int_equal(in->flags, 0);
	assert_true(tw_agent_id(a) == 0x1122334455667788ULL);
	assert_true(tw_agent_fd(a) >= FAKE_FD);

	assert_int_equal(tw_agent_join(*state, 4, &b), 0);
	in = LAST(tw_agent_create, TW_IOC_AGENT_CREATE);
	assert_int_equal(in->flags, TW_AGENT_JOIN);
	tw_agent_close(b);

	assert_int_equal(tw_agent_stats(*state, a, &stats), 0);
	st = LAST(tw_agent_stats, TW_IOC_AGENT_STATS);
	assert_int_equal(st->agent_fd, tw_agent_fd(a));
	assert_int_equal(st->flags, 0);
	assert_int_equal(stats.pages[TW_TIER_HDD], 3);
	assert_int_equal(tw_agent_stats(*state, NULL, &stats), 0);
	st = LAST(tw_agent_stats, TW_IOC_AGENT_STATS);
	assert_int_equal(st->agent_fd, -1);
	assert_int_equal(tw_agent_stats_by_id(*state, 9, &stats), 0);
	st = LAST(tw_agent_stats, TW_IOC_AGENT_STATS);
	assert_int_equal(st->agent_fd, -1);
	assert_int_equal(st->flags, TW_AGENT_BY_ID);
	assert_int_equal(st->id, 9);

	fd = fake_new_fd();
	assert_int_equal(tw_agent_open_fd(*state, fd, &b), 0);
	assert_int_equal(tw_agent_id(b), 77);
	assert_int_equal(tw_agent_fd(b), fd);
	tw_agent_close(b);

	b = before;
	fd = fake_new_fd();
	assert_int_equal(tw_agent_open_fd(*state, -1, &b), -EBADF);
	fake.calloc_fail = 1;
	assert_int_equal(tw_agent_open_fd(*state, fd, &b), -ENOMEM);
	fake.calloc_fail = 1;
	assert_int_equal(tw_agent_create(*state, 4, &b), -ENOMEM);
	fail_with = -EEXIST;
	assert_int_equal(tw_agent_create(*state, 4, &b), -EEXIST);
	assert_int_equal(tw_agent_open_fd(*state, fd, &b), -EEXIST);
	assert_ptr_equal(b, before);
	assert_true(fake.open[fd - FAKE_FD]);
	fake.open[fd - FAKE_FD] = false;
	memset(&stats, PATTERN, sizeof(stats));
	assert_int_equal(tw_agent_stats(*state, a, &stats), -EEXIST);
	assert_int_equal(tw_agent_stats_by_id(*state, 1, &stats), -EEXIST);
	expect_pattern(&stats, sizeof(stats));
	tw_agent_close(a);
	tw_agent_close(NULL);
}

static int map_prot;

static void *map_region(int fd, size_t len, int prot, int flags, off_t offset)
{
	(void)fd;
	(void)len;
	assert_int_equal(flags, MAP_SHARED);
	assert_int_equal(offset, 0);
	map_prot = prot;
	return NULL;
}

static void test_region(void **state)
{
	struct tw_region *r, *const before = (struct tw_region *)0x18;
	const struct tw_region_create *in;
	struct tw_region_info info;
	struct tw_agent *a;
	unsigned int fds;
	char *p;

	fake.map = map_region;
	assert_int_equal(tw_agent_create(*state, 1, &a), 0);
	assert_int_equal(tw_region_create(*state, 16 * PAGE, TW_TIER_GPU,
					  TW_REGION_DONTDUMP, a, &r), 0);
	in = LAST(tw_region_create, TW_IOC_REGION_CREATE);
	assert_int_equal(in->bytes, 16 * PAGE);
	assert_int_equal(in->affinity, TW_TIER_GPU);
	assert_int_equal(in->flags, TW_REGION_DONTDUMP);
	assert_int_equal(in->agent_fd, tw_agent_fd(a));
	assert_int_equal(map_prot, PROT_READ | PROT_WRITE);
	assert_int_equal(tw_region_size(r), 16 * PAGE);
	assert_int_equal(tw_region_id(r), 5);
	assert_true(tw_region_fd(r) >= FAKE_FD);
	p = tw_region_addr(r);
	assert_true(tw_region_page(r, p) == TW_PAGE(5, 0));
	assert_true(tw_region_page(r, p + PAGE - 1) == TW_PAGE(5, 0));
	assert_true(tw_region_page(r, p + 15 * PAGE) == TW_PAGE(5, 15));
	assert_true(tw_region_page(r, p + 16 * PAGE) == 0);
	assert_true(tw_region_page(r, p - 1) == 0);
	assert_true(tw_region_page(r, NULL) == 0);
	assert_int_equal(tw_region_info(r, &info), 0);
	assert_int_equal(fake_last()->fd, tw_region_fd(r));
	assert_int_equal(info.id, 6);
	memset(&info, PATTERN, sizeof(info));
	fail_with = -EFAULT;
	assert_int_equal(tw_region_info(r, &info), -EFAULT);
	expect_pattern(&info, sizeof(info));
	fail_with = 0;
	tw_agent_close(a);

	fds = fake_open_fds();
	tw_region_close(r);
	assert_int_equal(fake_open_fds(), fds - 1);
	assert_int_equal(fake.maps, 0);
	tw_region_close(NULL);

	r = before;
	fds = fake_open_fds();
	fail_with = -EDQUOT;
	assert_int_equal(tw_region_create(*state, PAGE, TW_TIER_CPU, 0, NULL,
					  &r), -EDQUOT);
	in = LAST(tw_region_create, TW_IOC_REGION_CREATE);
	assert_int_equal(in->agent_fd, -1);
	fail_with = 0;
	fake.mmap_fail = 1;
	fake.mmap_errno = ENOMEM;
	assert_int_equal(tw_region_create(*state, PAGE, TW_TIER_CPU, 0, NULL,
					  &r), -ENOMEM);
	fake.calloc_fail = 1;
	assert_int_equal(tw_region_create(*state, PAGE, TW_TIER_CPU, 0, NULL,
					  &r), -ENOMEM);
	assert_ptr_equal(r, before);
	assert_int_equal(fake_open_fds(), fds);
}

static void test_region_open_fd(void **state)
{
	struct tw_region *r, *const before = (struct tw_region *)0x18;
	int fd = fake_new_fd();

	fake.map = map_region;
	assert_int_equal(tw_region_open_fd(NULL, fd, &r), 0);
	assert_int_equal(tw_region_size(r), 4 * PAGE);
	assert_int_equal(tw_region_id(r), 6);
	assert_int_equal(map_prot, PROT_READ | PROT_WRITE);
	tw_region_close(r);

	fd = fake_new_fd();
	fake.fl = O_RDONLY;
	assert_int_equal(tw_region_open_fd(*state, fd, &r), 0);
	assert_int_equal(map_prot, PROT_READ);
	tw_region_close(r);

	/* Who can't have it keeps the descriptor. */
	r = before;
	fd = fake_new_fd();
	fail_with = -ENOTTY;
	assert_int_equal(tw_region_open_fd(*state, fd, &r), -ENOTTY);
	fail_with = 0;
	fake.mmap_fail = 1;
	fake.mmap_errno = EAGAIN;
	assert_int_equal(tw_region_open_fd(*state, fd, &r), -EAGAIN);
	fake.calloc_fail = 1;
	assert_int_equal(tw_region_open_fd(*state, fd, &r), -ENOMEM);
	assert_ptr_equal(r, before);
	assert_true(fake.open[fd - FAKE_FD]);
	fake.open[fd - FAKE_FD] = false;
}

static void test_region_discard(void **state)
{
	const struct tw_region_discard *in;
	struct tw_region *r;
	__u64 n = 0;

	assert_int_equal(tw_region_create(*state, 16 * PAGE, TW_TIER_CPU, 0,
					  NULL, &r), 0);
	assert_int_equal(tw_region_discard(r, 2 * PAGE, 3 * PAGE, &n), 0);
	in = LAST(tw_region_discard, TW_IOC_REGION_DISCARD);
	assert_int_equal(in->offset, 2 * PAGE);
	assert_int_equal(in->length, 3 * PAGE);
	assert_int_equal(fake_last()->fd, tw_region_fd(r));
	assert_int_equal(n, 2);
	assert_int_equal(tw_region_discard(r, 0, PAGE, NULL), 0);
	fail_with = -EACCES;
	n = 99;
	assert_int_equal(tw_region_discard(r, 0, PAGE, &n), -EACCES);
	assert_int_equal(n, 99);
	tw_region_close(r);
}

static void test_region_seal(void **state)
{
	const struct tw_region_seal *in;
	unsigned int seals = 99;
	struct tw_region *r;
	int fd;

	assert_int_equal(tw_region_create(*state, 16 * PAGE, TW_TIER_CPU, 0,
					  NULL, &r), 0);
	assert_int_equal(tw_region_seal(r, TW_SEAL_WRITE, &seals), 0);
	in = LAST(tw_region_seal, TW_IOC_REGION_SEAL);
	assert_int_equal(in->add, TW_SEAL_WRITE);
	assert_int_equal(fake_last()->fd, tw_region_fd(r));
	assert_int_equal(seals, TW_SEAL_WRITE | TW_SEAL_SEAL);
	assert_int_equal(tw_region_seal(r, 0, NULL), 0);
	fd = tw_region_view(r);
	assert_true(fd >= 0 && fd != tw_region_fd(r));
	assert_true(fake.open[fd - FAKE_FD]);
	fake.open[fd - FAKE_FD] = false;
	fail_with = -EPERM;
	seals = 99;
	assert_int_equal(tw_region_seal(r, TW_SEAL_WRITE, &seals), -EPERM);
	assert_int_equal(seals, 99);
	assert_int_equal(tw_region_view(r), -EPERM);
	tw_region_close(r);
}

static void expect_sum(const struct tw_move_sum *s, __u64 done, __u64 moved,
		       __u64 already, __u64 failed, __u64 untouched)
{
	assert_int_equal(s->done, done);
	assert_int_equal(s->moved, moved);
	assert_int_equal(s->already, already);
	assert_int_equal(s->failed, failed);
	assert_int_equal(s->untouched, untouched);
}

static void test_migrate_pages(void **state)
{
	static const size_t sizes[] = { 1, 7, 8, 9, 16, 100 };
	__u64 pages[100];
	__s32 status[101];
	size_t s, i;

	for (i = 0; i < 100; i++)
		pages[i] = i;
	for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		size_t nr = sizes[s], calls = (nr + MAX_PAGES - 1) / MAX_PAGES;
		unsigned int first = fake.nr_calls;
		struct tw_move_sum sum;

		memset(status, PATTERN, sizeof(status));
		assert_int_equal(tw_migrate_pages(*state, pages, nr,
						  TW_TIER_SSD, TW_TIER_NONE,
						  TW_REASON_COLD, status, &sum),
				 0);
		assert_int_equal(fake.nr_calls - first, calls);
		for (i = 0; i < calls; i++) {
			const struct tw_migrate_pages *m =
				(const void *)fake.calls[first + i].arg;

			assert_int_equal(fake.calls[first + i].cmd,
					 TW_IOC_MIGRATE_PAGES);
			assert_int_equal(m->size, sizeof(*m));
			assert_int_equal(m->flags, 0);
			assert_int_equal(m->to_tier, TW_TIER_SSD);
			assert_int_equal(m->from_tier, TW_TIER_NONE);
			assert_int_equal(m->reason, TW_REASON_COLD);
			assert_int_equal(m->nr, i + 1 < calls ? MAX_PAGES :
					 nr - i * MAX_PAGES);
			assert_int_equal(m->moved, 0);
		}
		expect_sum(&sum, nr, (nr + 2) / 3, (nr + 1) / 3, nr / 3, 0);
		for (i = 0; i < nr; i++)
			assert_int_equal(status[i],
					 i % 3 == 2 ? -EBUSY : (int)(i % 3));
		expect_pattern(&status[nr], sizeof(status[0]));
	}
}

static void test_migrate_pages_edges(void **state)
{
	__u64 pages[20] = { 0 };
	struct tw_move_sum sum;
	unsigned int calls;
	__s32 status[20];

	calls = fake.nr_calls;
	assert_int_equal(tw_migrate_pages(*state, NULL, 0, 0, 0, 0, NULL, &sum),
			 0);
	assert_int_equal(fake.nr_calls, calls);
	expect_sum(&sum, 0, 0, 0, 0, 0);
	assert_int_equal(tw_migrate_pages(*state, pages, 20, 0, 1, 0, NULL,
					  NULL), 0);
	assert_int_equal(((const struct tw_migrate_pages *)
			  LAST(tw_migrate_pages, TW_IOC_MIGRATE_PAGES))->status,
			 0);

	/* The first call is refused: nothing has happened. */
	memset(status, PATTERN, sizeof(status));
	memset(&sum, PATTERN, sizeof(sum));
	fail_with = -EOPNOTSUPP;
	assert_int_equal(tw_migrate_pages(*state, pages, 20, 0, 1, 0, status,
					  &sum), -EOPNOTSUPP);
	expect_pattern(status, sizeof(status));
	expect_sum(&sum, 0, 0, 0, 0, 0);

	/* The third is: two have happened, and it says so. */
	fail_with = -EINTR;
	fail_after = 2;
	answered = 0;
	assert_int_equal(tw_migrate_pages(*state, pages, 20, 0, 1, 0, status,
					  &sum), -EINTR);
	expect_sum(&sum, 16, 16, 0, 0, 0);
	assert_int_equal(status[15], 0);
	expect_pattern(&status[16], 4 * sizeof(status[0]));
}

static void test_migrate_range(void **state)
{
	const struct tw_migrate_range *in;
	struct tw_move_sum sum;
	struct tw_region *r;
	__s32 status[20];
	unsigned int first;

	assert_int_equal(tw_region_create(*state, 32 * PAGE, TW_TIER_CPU, 0,
					  NULL, &r), 0);
	first = fake.nr_calls;
	memset(status, PATTERN, sizeof(status));
	assert_int_equal(tw_region_migrate(r, 3 * PAGE, 18 * PAGE, TW_TIER_GPU,
					   TW_TIER_CPU, TW_REASON_HOT, status,
					   20, &sum), 0);
	assert_int_equal(fake.nr_calls - first, 3);
	in = (const void *)fake.calls[first].arg;
	assert_int_equal(fake.calls[first].fd, tw_region_fd(r));
	assert_int_equal(fake.calls[first].cmd, TW_IOC_MIGRATE_RANGE);
	assert_int_equal(in->start, 3 * PAGE);
	assert_int_equal(in->length, 8 * PAGE);
	assert_int_equal(in->nr_status, 8);
	assert_int_equal(in->to_tier, TW_TIER_GPU);
	assert_int_equal(in->from_tier, TW_TIER_CPU);
	assert_int_equal(in->reason, TW_REASON_HOT);
	in = LAST(tw_migrate_range, TW_IOC_MIGRATE_RANGE);
	assert_int_equal(in->start, 19 * PAGE);
	assert_int_equal(in->length, 2 * PAGE);
	assert_int_equal(in->nr_status, 2);
	assert_ptr_equal((void *)(uintptr_t)in->status, &status[16]);
	/* 8 + 8 + 2 pages: moved, untouched and failed but for the last. */
	expect_sum(&sum, 18, 3, 10, 2, 3);
	assert_int_equal(status[17], -ENOENT);
	expect_pattern(&status[18], 2 * sizeof(status[0]));

	/* Too little room is seen before anything moves. */
	first = fake.nr_calls;
	assert_int_equal(tw_region_migrate(r, 0, 18 * PAGE, 0, 1, 0, status,
					   17, &sum), -EMSGSIZE);
	assert_int_equal(fake.nr_calls, first);
	expect_sum(&sum, 0, 0, 0, 0, 0);
	/* Without statuses no room is needed. */
	assert_int_equal(tw_region_migrate(r, 0, 18 * PAGE, 0, 1, 0, NULL, 0,
					   NULL), 0);
	in = LAST(tw_migrate_range, TW_IOC_MIGRATE_RANGE);
	assert_int_equal(in->status, 0);
	assert_int_equal(in->nr_status, 0);
	/* An empty range goes to the driver, which refuses it. */
	fail_with = -EINVAL;
	first = fake.nr_calls;
	assert_int_equal(tw_region_migrate(r, 0, 0, 0, 1, 0, NULL, 0, NULL),
			 -EINVAL);
	assert_int_equal(fake.nr_calls, first + 1);
	fail_with = -ENOSPC;
	fail_after = 1;
	answered = 0;
	assert_int_equal(tw_region_migrate(r, 0, 18 * PAGE, 0, 1, 0, NULL, 0,
					   &sum), -ENOSPC);
	assert_int_equal(sum.done, 8);
	tw_region_close(r);
}

static void test_migrate_addr(void **state)
{
	const struct tw_migrate_range *in;
	char *addr = (char *)(uintptr_t)0x7000000;
	struct tw_move_sum sum;

	assert_int_equal(tw_migrate_addr(*state, addr, 9 * PAGE, TW_TIER_HDD,
					 TW_TIER_NONE, 0, NULL, 0, &sum), 0);
	in = LAST(tw_migrate_range, TW_IOC_MIGRATE_RANGE);
	assert_int_equal(fake_last()->fd, tw_fd(*state));
	assert_int_equal(in->start, 0x7000000 + 8 * PAGE);
	assert_int_equal(in->length, PAGE);
	assert_int_equal(sum.done, 9);
}

static void test_page_info(void **state)
{
	struct tw_page infos[21];
	__u64 pages[20], i;
	unsigned int first = fake.nr_calls;

	for (i = 0; i < 20; i++)
		pages[i] = TW_PAGE(3, i);
	memset(infos, PATTERN, sizeof(infos));
	assert_int_equal(tw_page_info(*state, pages, 20, infos), 0);
	assert_int_equal(fake.nr_calls - first, 3);
	for (i = 0; i < 20; i++)
		assert_true(infos[i].page == TW_PAGE(3, i));
	expect_pattern(&infos[20], sizeof(infos[0]));
	assert_int_equal(tw_page_info(*state, NULL, 0, NULL), 0);
	memset(infos, PATTERN, sizeof(infos));
	fail_with = -EFAULT;
	assert_int_equal(tw_page_info(*state, pages, 20, infos), -EFAULT);
	expect_pattern(infos, sizeof(infos));
}

static void test_region_pages(void **state)
{
	struct tw_page infos[21];
	struct tw_region *r;
	unsigned int first;
	__u64 i;

	assert_int_equal(tw_region_create(*state, 32 * PAGE, TW_TIER_CPU, 0,
					  NULL, &r), 0);
	memset(infos, PATTERN, sizeof(infos));
	first = fake.nr_calls;
	assert_int_equal(tw_region_pages(r, 2 * PAGE, 20 * PAGE, infos, 21), 0);
	assert_int_equal(fake.nr_calls - first, 3);
	for (i = 0; i < 20; i++)
		assert_int_equal(infos[i].page, i + 2);
	expect_pattern(&infos[20], sizeof(infos[0]));
	first = fake.nr_calls;
	assert_int_equal(tw_region_pages(r, 0, 20 * PAGE, infos, 19),
			 -EMSGSIZE);
	assert_int_equal(fake.nr_calls, first);
	fail_with = -EINVAL;
	assert_int_equal(tw_region_pages(r, 0, 0, infos, 19), -EINVAL);
	tw_region_close(r);
}

/* A program with a newer header: what nobody here knows is zero. */
static void test_longer_structs(void **state)
{
	struct { struct tw_info known; __u64 more; } info;
	struct { struct tw_sum known; __u64 more; } sum;
	struct { struct tw_page known; __u64 more; } pages[20];
	__u64 numbers[20];
	unsigned int i;

	memset(&info, PATTERN, sizeof(info));
	assert_int_equal(tw_info_v1(*state, &info.known, sizeof(info)), 0);
	assert_int_equal(info.known.size, sizeof(info));
	assert_int_equal(info.known.max_pages, MAX_PAGES);
	assert_int_equal(info.more, 0);
	/* The driver was asked for all of it: it may know what we don't. */
	assert_int_equal(((struct tw_info *)fake_last()->arg)->size,
			 sizeof(info));
	for (i = 0; i < 20; i++)
		numbers[i] = 1000 + i;
	memset(&sum, PATTERN, sizeof(sum));
	assert_int_equal(tw_mark_v1(*state, numbers, 20, TW_CLASS_HOT, NULL,
				    &sum.known, sizeof(sum)), 0);
	assert_int_equal(sum.known.done, 20);
	assert_int_equal(sum.more, 0);
	/* In several calls, each of which begins where the last one ended. */
	assert_int_equal(tw_page_info_v1(*state, numbers, 20, &pages[0].known,
					 sizeof(pages[0])), 0);
	for (i = 0; i < 20; i++)
		assert_int_equal(pages[i].known.page, 1000 + i);
}

/* One with an older header: nothing is written behind its struct. */
static void test_shorter_structs(void **state)
{
	struct tw_info info;
	struct tw_sum sum;
	__u64 number = 7;

	memset(&info, PATTERN, sizeof(info));
	assert_int_equal(tw_info_v1(*state, &info, 20), 0);
	assert_int_equal(info.size, 20);
	assert_int_equal(info.page_size, PAGE);
	expect_pattern((char *)&info + 20, sizeof(info) - 20);
	memset(&sum, PATTERN, sizeof(sum));
	assert_int_equal(tw_mark_v1(*state, &number, 1, TW_CLASS_HOT, NULL,
				    &sum, 8), 0);
	assert_int_equal(sum.done, 1);
	expect_pattern((char *)&sum + 8, sizeof(sum) - 8);
}

static void test_impossible_structs(void **state)
{
	struct tw_policy policy = { .set = TW_POLICY_SET_ENABLED };
	unsigned int first = fake.nr_calls;
	struct tw_info info;

	memset(&info, PATTERN, sizeof(info));
	assert_int_equal(tw_info_v1(*state, &info, 3), -EINVAL);
	assert_int_equal(tw_info_v1(*state, &info, 4097), -E2BIG);
	expect_pattern(&info, sizeof(info));
	assert_int_equal(tw_policy_set_v1(*state, &policy,
					  TW_POLICY_SIZE_VER0 - 1), -EINVAL);
	policy.set = 0;
	assert_int_equal(tw_policy_set(*state, &policy), -EINVAL);
	assert_int_equal(fake.nr_calls, first);
}

/*
 * A statistics mapping of a driver that has more than we know, everywhere: its
 * header, its blocks, a counter in the middle of each CPU's, a band of heat.
 */
#define HEAD		(sizeof(struct tw_stats) + 8)
#define HEAT_OFFSET	(sizeof(struct tw_stats_tier) + 8)
#define BANDS		(TW_HEAT_BANDS + 1)
#define TIER_STRIDE	(HEAT_OFFSET + BANDS * 8 + 64)
#define COUNTERS_OFFSET	(sizeof(struct tw_stats_cpu) + 8)
#define COUNTERS	(sizeof(struct tw_stats_counters) + 8)
#define CPU_STRIDE	(COUNTERS_OFFSET + TW_NR_TIERS * COUNTERS + 64)

static struct tw_stats stats_template;

static void *map_stats(int fd, size_t len, int prot, int flags, off_t offset)
{
	struct tw_stats *s = aligned_alloc(4096, len);

	(void)fd;
	assert_int_equal(prot, PROT_READ);
	assert_int_equal(flags, MAP_SHARED);
	assert_int_equal(offset, 0);
	assert_int_equal(len, 65536);
	memset(s, 0, len);
	*s = stats_template;
	return s;
}

static int setup_stats(void **state)
{
	int err = setup(state);

	stats_template = (struct tw_stats){
		.version = TW_STATS_VERSION,
		.compat_version = TW_STATS_VERSION,
		.size = 65536,
		.nr_tiers = TW_NR_TIERS,
		.tier_offset = 512,
		.tier_stride = TIER_STRIDE,
		.nr_cpus = CPUS,
		.cpu_offset = 4096,
		.cpu_stride = CPU_STRIDE,
		.head_size = HEAD,
		.counters_offset = COUNTERS_OFFSET,
		.counters_stride = COUNTERS,
		.heat_offset = HEAT_OFFSET,
		.heat_bands = BANDS,
	};
	fake.map = map_stats;
	return err;
}

static void test_stats_map(void **state)
{
	const struct tw_stats *s, *again, *const before = (const void *)0x18;

	s = before;
	fake.mmap_fail = 1;
	fake.mmap_errno = EPERM;
	assert_int_equal(tw_stats_map(*state, &s), -EPERM);
	assert_ptr_equal(s, before);
	assert_int_equal(tw_stats_map(*state, &s), 0);
	assert_int_equal(tw_stats_map(*state, &again), 0);
	assert_ptr_equal(s, again);
	assert_int_equal(fake.maps, 1);
}

static void test_stats_layouts(void **state)
{
	const struct tw_stats good = stats_template, *s = NULL;

#define REFUSE(member, value) do { \
		stats_template = good; \
		stats_template.member = (value); \
		assert_int_equal(tw_stats_map(*state, &s), -EPROTO); \
		assert_null(s); \
		assert_int_equal(fake.maps, 0); \
	} while (0)
	REFUSE(version, 0);
	REFUSE(compat_version, TW_STATS_VERSION + 1);
	REFUSE(nr_tiers, TW_NR_TIERS - 1);
	REFUSE(tier_stride, HEAT_OFFSET + BANDS * 8 - 8);
	REFUSE(tier_stride, TIER_STRIDE + 4);
	REFUSE(cpu_stride, COUNTERS_OFFSET + TW_NR_TIERS * COUNTERS - 8);
	REFUSE(head_size, TW_STATS_SIZE_VER0 - 8);
	REFUSE(head_size, 520);
	REFUSE(counters_offset, TW_STATS_CPU_SIZE_VER0 - 8);
	REFUSE(counters_stride, TW_STATS_COUNTERS_SIZE_VER0 - 8);
	REFUSE(counters_stride, 1U << 31);
	REFUSE(heat_offset, TW_STATS_TIER_SIZE_VER0 - 8);
	REFUSE(heat_offset, HEAT_OFFSET + 4);
	REFUSE(heat_bands, TW_HEAT_BANDS - 1);
	REFUSE(heat_bands, 1U << 31);
	REFUSE(tier_offset, 65536);
	REFUSE(cpu_offset, 0xffffffff);
	REFUSE(nr_cpus, 1U << 31);
#undef REFUSE
	/* A newer one that says it still is ours. */
	stats_template = good;
	stats_template.version = TW_STATS_VERSION + 7;
	assert_int_equal(tw_stats_map(*state, &s), 0);
}

/* Writes a CPU's block as such a driver would. */
static void write_counters(const struct tw_stats *s, unsigned int cpu)
{
	char *c = (char *)tw_stats_cpu_block(s, cpu);
	struct tw_stats_cpu *head = (struct tw_stats_cpu *)c;
	__u64 *words = (__u64 *)(c + COUNTERS_OFFSET + TW_TIER_SSD * COUNTERS);
	unsigned int i;

	/* The last one is the counter more. */
	for (i = 0; i < COUNTERS / 8; i++)
		words[i] = (1ULL << 40) * (i + 1) + cpu;
	head->events = 10 + cpu;
	head->sigbus = cpu;
}

static void test_stats_counters(void **state)
{
	struct tw_stats_counters sum;
	const struct tw_stats *s;
	unsigned int cpu, i;

	assert_int_equal(tw_stats_map(*state, &s), 0);
	for (cpu = 0; cpu < CPUS; cpu++)
		write_counters(s, cpu);
	assert_int_equal(tw_stats_get_counters(*state, TW_TIER_SSD, &sum), 0);
	for (i = 0; i < sizeof(sum) / 8; i++)
		assert_true(((__u64 *)&sum)[i] == (3ULL << 40) * (i + 1) + 3);
	assert_true(tw_stats_counter(s, TW_TIER_SSD,
				     offsetof(struct tw_stats_counters,
					      minor_write)) ==
		    (6ULL << 40) + 3);
	assert_int_equal(tw_stats_counter(s, TW_TIER_CPU, 0), 0);
	assert_int_equal(tw_stats_counter(s, TW_TIER_HDD, 0), 0);
	/* A program that knows the counter more, and one that knows another. */
	assert_true(tw_stats_counter(s, TW_TIER_SSD, sizeof(sum)) ==
		    (3ULL << 40) * (COUNTERS / 8) + 3);
	assert_int_equal(tw_stats_counter(s, TW_TIER_SSD, COUNTERS), 0);
	assert_int_equal(tw_stats_events(s), 33);
	assert_int_equal(tw_stats_sigbus(s), 3);
	assert_int_equal(tw_stats_get_counters(*state, TW_NR_TIERS, &sum),
			 -EINVAL);
	assert_int_equal(tw_stats_get_counters(*state, -1, &sum), -EINVAL);
}

static void test_stats_heat(void **state)
{
	const struct tw_stats *s;
	unsigned int i;
	__u64 *heat;

	assert_int_equal(tw_stats_map(*state, &s), 0);
	heat = (__u64 *)((char *)tw_stats_tier_block(s, TW_TIER_NVME) +
			 HEAT_OFFSET);
	for (i = 0; i < BANDS; i++)
		heat[i] = 100 + i;
	for (i = 0; i < BANDS; i++)
		assert_int_equal(tw_stats_heat(s, TW_TIER_NVME, i), 100 + i);
	assert_int_equal(tw_stats_heat(s, TW_TIER_NVME, BANDS), 0);
	assert_int_equal(tw_stats_heat(s, TW_TIER_SSD, 0), 0);
	assert_true(tw_stats_has(s, room_reserved));
	((struct tw_stats *)s)->head_size = TW_STATS_SIZE_VER0 - 8;
	assert_false(tw_stats_has(s, room_reserved));
}

static bool stats_done;

/* Writes blocks whose members are all the same number. */
static void *stats_writer(void *arg)
{
	struct tw_stats_tier *t = arg;
	__u32 i;

	for (i = 1; i <= 400000; i++) {
		__atomic_store_n(&t->seq, t->seq + 1, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		__atomic_store_n(&t->bound, i, __ATOMIC_RELAXED);
		__atomic_store_n(&t->capacity, i, __ATOMIC_RELAXED);
		__atomic_store_n(&t->latency_ns, i, __ATOMIC_RELAXED);
		__atomic_store_n(&t->level_changes, i, __ATOMIC_RELAXED);
		__atomic_store_n(&t->seq, t->seq + 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&stats_done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void test_stats_consistent(void **state)
{
	const struct tw_stats *s;
	struct tw_stats_tier t;
	pthread_t thread;

	assert_int_equal(tw_stats_map(*state, &s), 0);
	stats_done = false;
	pthread_create(&thread, NULL, stats_writer,
		       (void *)tw_stats_tier_block(s, TW_TIER_NVME));
	while (!__atomic_load_n(&stats_done, __ATOMIC_ACQUIRE)) {
		assert_int_equal(tw_stats_get_tier(*state, TW_TIER_NVME, &t),
				 0);
		assert_int_equal(t.seq & 1, 0);
		assert_int_equal(t.bound, t.capacity);
		assert_int_equal(t.bound, t.latency_ns);
		assert_int_equal(t.bound, t.level_changes);
	}
	pthread_join(thread, NULL);
	assert_int_equal(tw_stats_get_tier(*state, TW_NR_TIERS, &t), -EINVAL);
}

/* Ends a write that was begun, after a while. */
static void *stats_finisher(void *arg)
{
	struct tw_stats_tier *t = arg;

	usleep(50000);
	__atomic_store_n(&t->capacity, 2, __ATOMIC_RELAXED);
	__atomic_store_n(&t->seq, 2, __ATOMIC_RELEASE);
	return NULL;
}

static void test_stats_being_written(void **state)
{
	const struct tw_stats *s;
	struct tw_stats_tier t, *block;
	pthread_t thread;

	assert_int_equal(tw_stats_map(*state, &s), 0);
	block = (struct tw_stats_tier *)tw_stats_tier_block(s, TW_TIER_CPU);
	block->seq = 1;
	block->capacity = 1;
	pthread_create(&thread, NULL, stats_finisher, block);
	tw_stats_tier_read(s, TW_TIER_CPU, &t);
	pthread_join(thread, NULL);
	assert_int_equal(t.seq, 2);
	assert_int_equal(t.capacity, 2);
}

/* A stream's mapping. */
#define RING_OFFSET	4096
#define RING_STRIDE	(4096 + EVENTS * sizeof(struct tw_event))
#define MAP_SIZE	(RING_OFFSET + CPUS * RING_STRIDE)

static struct tw_stream_header stream_template;
static char *stream_map;
static struct tw_stream_ctl *stream_ctl;

static void *map_stream(int fd, size_t len, int prot, int flags, off_t offset)
{
	unsigned int cpu;

	(void)fd;
	assert_int_equal(flags, MAP_SHARED);
	if ((__u64)offset == TW_STREAM_CTL_OFFSET) {
		assert_int_equal(prot, PROT_READ | PROT_WRITE);
		assert_int_equal(len, 4096);
		stream_ctl = aligned_alloc(4096, 4096);
		memset(stream_ctl, 0, 4096);
		return stream_ctl;
	}
	assert_int_equal(offset, 0);
	assert_int_equal(prot, PROT_READ);
	assert_int_equal(len, the_map_size);
	stream_map = aligned_alloc(4096, (MAP_SIZE + 4095) & ~4095UL);
	memset(stream_map, 0, MAP_SIZE);
	*(struct tw_stream_header *)stream_map = stream_template;
	for (cpu = 0; cpu < CPUS; cpu++) {
		struct tw_ring_header *h = (struct tw_ring_header *)
			(stream_map + RING_OFFSET + cpu * RING_STRIDE);

		h->online = 1;
		h->cpu = cpu;
	}
	return stream_map;
}

static int setup_stream(void **state)
{
	int err = setup(state);

	the_map_size = MAP_SIZE;
	stream_template = (struct tw_stream_header){
		.version = TW_STREAM_VERSION,
		.compat_version = TW_STREAM_VERSION,
		.size = MAP_SIZE,
		.nr_rings = CPUS,
		.events = EVENTS,
		.ring_offset = RING_OFFSET,
		.event_offset = 4096,
		.ring_stride = RING_STRIDE,
		.event_size = sizeof(struct tw_event),
	};
	fake.map = map_stream;
	return err;
}

static struct writer cpu_writer(unsigned int cpu)
{
	char *ring = stream_map + RING_OFFSET + cpu * RING_STRIDE;
	struct writer w = {
		.header = (struct tw_ring_header *)ring,
		.slots = (struct tw_event *)(ring + 4096),
		.nr = EVENTS,
	};

	w.reserved = w.header->head;
	return w;
}

static void publish(unsigned int cpu, __u64 nr)
{
	struct writer w = cpu_writer(cpu);

	writer_write(&w, nr);
}

static void test_stream_create(void **state)
{
	struct tw_stream *s, *const before = (struct tw_stream *)0x18;
	unsigned int fds = fake_open_fds(), i;
	const struct tw_stream_create *in;
	struct tw_agent *a;

	assert_int_equal(tw_agent_create(*state, 1, &a), 0);
	assert_int_equal(tw_stream_create(*state, TW_EVENT_ALL, a, EVENTS, &s),
			 0);
	in = (const void *)fake.calls[fake.nr_calls - 2].arg;
	assert_int_equal(fake.calls[fake.nr_calls - 2].cmd,
			 TW_IOC_STREAM_CREATE);
	assert_int_equal(in->size, sizeof(*in));
	assert_int_equal(in->mask, TW_EVENT_ALL);
	assert_int_equal(in->agent_fd, tw_agent_fd(a));
	assert_int_equal(in->events, EVENTS);
	assert_int_equal(tw_stream_nr_rings(s), CPUS);
	assert_non_null(tw_stream_ring(s, CPUS - 1));
	assert_null(tw_stream_ring(s, CPUS));
	tw_agent_close(a);
	assert_int_equal(fake.maps, 2);
	tw_stream_close(s);
	tw_stream_close(NULL);
	assert_int_equal(fake.maps, 0);

	s = before;
	fail_with = -EPERM;
	assert_int_equal(tw_stream_create(*state, 2, NULL, EVENTS, &s), -EPERM);
	in = LAST(tw_stream_create, TW_IOC_STREAM_CREATE);
	assert_int_equal(in->agent_fd, -1);
	/* INFO fails, and each of the two mappings. */
	fail_after = 1;
	answered = 0;
	assert_int_equal(tw_stream_create(*state, 2, NULL, EVENTS, &s), -EPERM);
	fail_with = 0;
	for (i = 1; i <= 2; i++) {
		fake.mmap_fail = i;
		fake.mmap_errno = ENOMEM;
		assert_int_equal(tw_stream_create(*state, 2, NULL, EVENTS, &s),
				 -ENOMEM);
	}
	fake.calloc_fail = 1;
	assert_int_equal(tw_stream_create(*state, 2, NULL, EVENTS, &s),
			 -ENOMEM);
	assert_ptr_equal(s, before);
	assert_int_equal(fake.maps, 0);
	assert_int_equal(fake_open_fds(), fds);
}

static void test_stream_layouts(void **state)
{
	const struct tw_stream_header good = stream_template;
	struct tw_stream *s = NULL;
	int fd = fake_new_fd();

	(void)state;
#define REFUSE(member, value) do { \
		stream_template = good; \
		stream_template.member = (value); \
		assert_int_equal(tw_stream_open_fd(fd, &s), -EPROTO); \
		assert_null(s); \
		assert_int_equal(fake.maps, 0); \
	} while (0)
	REFUSE(version, 0);
	REFUSE(compat_version, TW_STREAM_VERSION + 1);
	REFUSE(event_size, 128);
	REFUSE(events, 0);
	REFUSE(events, 63);
	REFUSE(events, 1U << 31);
	REFUSE(nr_rings, 0);
	REFUSE(nr_rings, CPUS + 1);
	REFUSE(ring_offset, MAP_SIZE + 1);
	REFUSE(event_offset, 8);
	REFUSE(event_offset, 8192);
	REFUSE(ring_stride, 0);
	REFUSE(ring_stride, ~0ULL);
#undef REFUSE
	stream_template = good;
	the_map_size = 8;
	assert_int_equal(tw_stream_open_fd(fd, &s), -EPROTO);
	the_map_size = MAP_SIZE;
	assert_int_equal(tw_stream_open_fd(fd, &s), 0);
	assert_int_equal(tw_stream_fd(s), fd);
	tw_stream_close(s);
}

static void test_stream_read(void **state)
{
	__u64 next[CPUS] = { 0 }, total = 0;
	const struct tw_event *e;
	struct tw_stream *s;
	unsigned int cpu = 99;

	assert_int_equal(tw_stream_create(*state, 2, NULL, EVENTS, &s), 0);
	assert_null(tw_stream_peek(s, &cpu));
	assert_int_equal(cpu, 99);
	publish(0, 3);
	publish(2, 5);
	while ((e = tw_stream_peek(s, &cpu))) {
		__u64 copy[PAYLOAD_WORDS];

		assert_ptr_equal(e, tw_stream_peek(s, NULL));
		copy_words(copy, e, 0, PAYLOAD_WORDS);
		assert_true(tw_stream_ok(s, e));
		assert_true(copy_is_whole(copy, next[cpu]++));
		total++;
	}
	assert_int_equal(total, 8);
	assert_int_equal(next[0], 3);
	assert_int_equal(next[2], 5);
	assert_int_equal(tw_stream_seen(s), 8);
	assert_int_equal(tw_stream_lost(s), 0);
	/* Overtaken while looking. */
	publish(1, 1);
	e = tw_stream_peek(s, &cpu);
	assert_int_equal(cpu, 1);
	publish(1, EVENTS);
	assert_false(tw_stream_ok(s, e));
	assert_int_equal(tw_stream_lost(s), 1);
	tw_stream_close(s);
}

static void test_stream_fair(void **state)
{
	unsigned int cpu, i, from_other = 0;
	const struct tw_event *e;
	struct tw_stream *s;

	assert_int_equal(tw_stream_create(*state, 2, NULL, EVENTS, &s), 0);
	publish(1, 3);
	/* A ring that never gets empty doesn't shut the others out. */
	for (i = 0; i < 300; i++) {
		publish(0, 1);
		e = tw_stream_peek(s, &cpu);
		assert_non_null(e);
		from_other += cpu == 1;
		tw_stream_ok(s, e);
	}
	assert_int_equal(from_other, 3);
	tw_stream_close(s);
}

static void test_stream_copy(void **state)
{
	struct tw_event events[20];
	struct tw_stream *s;
	size_t i;

	assert_int_equal(tw_stream_create(*state, 2, NULL, EVENTS, &s), 0);
	assert_int_equal(tw_stream_read(s, events, 20), 0);
	publish(0, 25);
	memset(events, PATTERN, sizeof(events));
	assert_int_equal(tw_stream_read(s, events, 19), 19);
	for (i = 0; i < 19; i++)
		assert_true(copy_is_whole((__u64 *)&events[i] + 1, i));
	expect_pattern(&events[19], sizeof(events[0]));
	assert_int_equal(tw_stream_read(s, events, 20), 6);
	assert_int_equal(tw_stream_seen(s), 25);
	tw_stream_close(s);
}

static void test_stream_wait(void **state)
{
	struct tw_event e;
	struct tw_stream *s;

	assert_int_equal(tw_stream_create(*state, 2, NULL, EVENTS, &s), 0);
	assert_int_equal(tw_stream_wait(s, 250), 0);
	assert_int_equal(fake.polls, 1);
	assert_int_equal(fake.poll_timeout, 250);
	fake.poll_result = 1;
	fake.poll_revents = POLLIN;
	assert_int_equal(tw_stream_wait(s, -1), 1);
	assert_int_equal(fake.poll_timeout, -1);
	fake.poll_revents = POLLERR;
	assert_int_equal(tw_stream_wait(s, -1), -EIO);
	fake.poll_errno = EINTR;
	assert_int_equal(tw_stream_wait(s, -1), -EINTR);
	/* With events there no system call is made. */
	publish(1, 2);
	fake.polls = 0;
	assert_int_equal(tw_stream_wait(s, -1), 1);
	assert_int_equal(fake.polls, 0);
	/* The kernel is told what is read, and how many are wanted. */
	assert_int_equal(tw_stream_read(s, &e, 1), 1);
	tw_stream_set_watermark(s, 5);
	assert_int_equal(stream_ctl->watermark, 5);
	assert_false(tw_stream_arm(s));
	assert_int_equal(stream_ctl->cursor[0], 0);
	assert_int_equal(stream_ctl->cursor[1], 1);
	publish(1, 3);
	assert_false(tw_stream_arm(s));
	publish(1, 1);
	assert_true(tw_stream_arm(s));
	tw_stream_close(s);
}

int main(void)
{
#define LIB_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
#define STATS_TEST(t) cmocka_unit_test_setup_teardown(t, setup_stats, teardown)
#define STREAM_TEST(t) \
	cmocka_unit_test_setup_teardown(t, setup_stream, teardown)
	static const struct CMUnitTest tests[] = {
		LIB_TEST(test_open_errors),
		LIB_TEST(test_open_default),
		LIB_TEST(test_info),
		LIB_TEST(test_tier_info),
		LIB_TEST(test_bind_nodes),
		LIB_TEST(test_bind_device),
		LIB_TEST(test_resize),
		LIB_TEST(test_unbind),
		LIB_TEST(test_pressure),
		LIB_TEST(test_agent),
		LIB_TEST(test_agent_open),
		LIB_TEST(test_group_limits),
		LIB_TEST(test_swap),
		LIB_TEST(test_attach),
		LIB_TEST(test_attach_of_what_has_ended),
		LIB_TEST(test_attached),
		LIB_TEST(test_candidates),
		LIB_TEST(test_region),
		LIB_TEST(test_region_open_fd),
		LIB_TEST(test_region_discard),
		LIB_TEST(test_region_seal),
		LIB_TEST(test_migrate_pages),
		LIB_TEST(test_migrate_pages_edges),
		LIB_TEST(test_migrate_range),
		LIB_TEST(test_migrate_addr),
		LIB_TEST(test_page_info),
		LIB_TEST(test_region_pages),
		LIB_TEST(test_longer_structs),
		LIB_TEST(test_shorter_structs),
		LIB_TEST(test_impossible_structs),
		STATS_TEST(test_stats_map),
		STATS_TEST(test_stats_layouts),
		STATS_TEST(test_stats_counters),
		STATS_TEST(test_stats_heat),
		STATS_TEST(test_stats_consistent),
		STATS_TEST(test_stats_being_written),
		STREAM_TEST(test_stream_create),
		STREAM_TEST(test_stream_layouts),
		STREAM_TEST(test_stream_read),
		STREAM_TEST(test_stream_fair),
		STREAM_TEST(test_stream_copy),
		STREAM_TEST(test_stream_wait),
	};

	return cmocka_run_group_tests_name("libtw", tests, NULL, NULL);
}
