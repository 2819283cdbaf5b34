// SPDX-License-Identifier: GPL-2.0
/*
 * The tw command against a device that isn't there: what it prints, whether
 * its JSON is JSON, what it says and returns when something is wrong.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli.h"
#include "fake.h"

/* main() of the command, renamed when it is compiled for this. */
int tw_main(int argc, char **argv);

#define PAGE		4096
#define EVENTS		8192
#define EVENT_OFFSET	4096
#define STREAM_SIZE	(4096 + EVENT_OFFSET + EVENTS * sizeof(struct tw_event))

static char out[65536], err_out[65536];
static unsigned long fail_cmd;
static int fail_with;

static void tier_info(struct tw_tier_info *t)
{
	static const __u32 kinds[] = { TW_KIND_NONE, TW_KIND_NUMA,
				       TW_KIND_STORE, TW_KIND_NONE,
				       TW_KIND_STORE };

	t->kind = kinds[t->tier];
	t->nominal_latency_ns = 20000;
	t->nominal_bandwidth = 3ULL << 30;
	if (t->kind == TW_KIND_NONE)
		return;
	t->capacity = 1 << 18;
	t->used = 1 << 8;
	t->latency_ns = 123;
	t->bandwidth = 5ULL << 20;
	t->nodes = t->kind == TW_KIND_NUMA ? 5 : 0;
	/* No such device: shown by its numbers. */
	t->dev = t->kind == TW_KIND_STORE ? 0xff00 | 0xfe : 0;
}

static int answer(int fd, unsigned long cmd, void *arg)
{
	unsigned int i;

	(void)fd;
	if (fail_with && cmd == fail_cmd)
		return fail_with;
	switch (cmd) {
	case TW_IOC_INFO: {
		struct tw_info *info = arg;

		info->abi_version = TW_ABI_VERSION;
		info->page_size = PAGE;
		info->nr_tiers = TW_NR_TIERS;
		info->max_pages = 512;
		info->nr_cpus = 1;
		info->stats_size = 65536;
		break;
	}
	case TW_IOC_PAGE_LIST:
		((struct tw_page_list *)arg)->nr = 0;
		((struct tw_page_list *)arg)->cursor = 0;
		break;
	case TW_IOC_TIER_INFO:
		tier_info(arg);
		break;
	case TW_IOC_TIER_UNBIND:
		((struct tw_tier_unbind *)arg)->moved = 12;
		break;
	case TW_IOC_PRESSURE: {
		struct tw_pressure *p = arg;

		if (p->tier == TW_TIER_GPU)
			return -EOPNOTSUPP;
		p->level = TW_PRESSURE_HIGH;
		p->capacity = 1 << 18;
		p->used = 1 << 17;
		p->permille = 871;
		break;
	}
	case TW_IOC_AGENT_STATS: {
		struct tw_agent_stats *s = arg;

		if (s->flags & TW_AGENT_BY_ID && s->id != 7)
			return -ENOENT;
		s->is_default = !(s->flags & TW_AGENT_BY_ID);
		s->pages[TW_TIER_CPU] = 512;
		s->faults_minor[TW_TIER_CPU] = 600;
		break;
	}
	case TW_IOC_AGENT_CREATE:
		((struct tw_agent_create *)arg)->fd = fake_new_fd();
		break;
	case TW_IOC_STREAM_CREATE:
		((struct tw_stream_create *)arg)->fd = fake_new_fd();
		break;
	case TW_IOC_STREAM_INFO:
		((struct tw_stream_info *)arg)->map_size = STREAM_SIZE;
		break;
	case TW_IOC_MIGRATE_PAGES: {
		struct tw_migrate_pages *m = arg;

		for (i = 0; i < m->nr; i++)
			((__s32 *)(uintptr_t)m->status)[i] = i ? -EBUSY : 0;
		m->moved = 1;
		m->failed = m->nr - 1;
		break;
	}
	case TW_IOC_PAGE_INFO: {
		struct tw_page_info *p = arg;
		struct tw_page *infos = (struct tw_page *)(uintptr_t)p->infos;

		for (i = 0; i < p->nr; i++) {
			infos[i].page = ((__u64 *)(uintptr_t)p->pages)[i];
			infos[i].tier = TW_TIER_CPU;
			infos[i].node = 1;
			infos[i].heat = 99;
			infos[i].flags = TW_PAGE_KEPT;
			infos[i].status = i ? -ENOENT : 0;
		}
		break;
	}
	default:
		break;
	}
	return 0;
}

static void fill_stream(char *m)
{
	struct tw_stream_header *h = (struct tw_stream_header *)m;
	struct tw_ring_header *r = (struct tw_ring_header *)(m + 4096);
	struct tw_event *e = (struct tw_event *)(m + 4096 + EVENT_OFFSET);
	unsigned int i;

	h->version = TW_STREAM_VERSION;
	h->compat_version = TW_STREAM_VERSION;
	h->size = STREAM_SIZE;
	h->nr_rings = 1;
	h->events = EVENTS;
	h->ring_offset = 4096;
	h->event_offset = EVENT_OFFSET;
	h->ring_stride = STREAM_SIZE - 4096;
	h->event_size = sizeof(*e);
	r->online = 1;
	/* One of each type. */
	for (i = 0; i + 1 < TW_NR_EVENTS; i++) {
		e[i].seq = 2 * i + 2;
		e[i].type = i + 1;
		e[i].time_ns = 1000000007;
		e[i].page = TW_PAGE(5, i);
		e[i].tier = TW_TIER_NVME;
		e[i].to_tier = TW_TIER_CPU;
		e[i].reason = TW_REASON_FAULT;
		e[i].flags = TW_FAULT_WRITE | TW_FAULT_MAJOR;
		e[i].latency_ns = 25000;
		e[i].pid = 42;
	}
	e[TW_EVENT_MIGRATE - 1].status = -EIO;
	e[TW_EVENT_PRESSURE - 1].status = TW_PRESSURE_CRITICAL;
	r->head = i;
}

static void *map(int fd, size_t len, int prot, int flags, off_t offset)
{
	char *m = aligned_alloc(4096, (len + 4095) & ~4095UL);
	struct tw_stats *s = (struct tw_stats *)m;
	unsigned int i;

	(void)fd;
	(void)prot;
	(void)flags;
	memset(m, 0, len);
	if (len == STREAM_SIZE) {
		fill_stream(m);
	} else if (!offset) {
		s->version = TW_STATS_VERSION;
		s->compat_version = TW_STATS_VERSION;
		s->size = 65536;
		s->nr_tiers = TW_NR_TIERS;
		s->tier_offset = 256;
		s->tier_stride = sizeof(struct tw_stats_tier);
		s->nr_cpus = 1;
		s->cpu_offset = 4096;
		s->cpu_stride = sizeof(struct tw_stats_cpu);
		s->regions = 3;
		s->record_bytes = 16384;
		for (i = 0; i < TW_NR_TIERS; i++)
			((struct tw_stats_cpu *)(m + 4096))->tier[i].first =
				1000 + i;
	}
	return m;
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	fake.answer = answer;
	fake.map = map;
	fail_cmd = 0;
	fail_with = 0;
	cli_device = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return fake_open_fds() || fake.maps ? -1 : 0;
}

static void slurp(FILE *f, char *buf, size_t size)
{
	size_t n;

	rewind(f);
	n = fread(buf, 1, size - 1, f);
	buf[n] = '\0';
	fclose(f);
}

/* Runs tw with these words; what it wrote is in out and err_out. */
static int tw(const char *words)
{
	FILE *o = tmpfile(), *e = tmpfile();
	int saved_out, saved_err, argc = 1, ret;
	char *copy = strdup(words), *argv[20] = { "tw" }, *word;

	for (word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	fflush(stdout);
	fflush(stderr);
	saved_out = dup(1);
	saved_err = dup(2);
	dup2(fileno(o), 1);
	dup2(fileno(e), 2);
	optind = 0;
	cli_device = NULL;
	ret = tw_main(argc, argv);
	fflush(stdout);
	fflush(stderr);
	dup2(saved_out, 1);
	dup2(saved_err, 2);
	close(saved_out);
	close(saved_err);
	slurp(o, out, sizeof(out));
	slurp(e, err_out, sizeof(err_out));
	free(copy);
	return ret;
}

/* A JSON value; returns what follows it, or NULL when it isn't one. */
static const char *json_value(const char *p);

static const char *json_string(const char *p)
{
	if (*p++ != '"')
		return NULL;
	for (; *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p == '\\' && !strchr("\"\\/bfnrtu", *++p))
			return NULL;
	}
	return p + 1;
}

static const char *json_list(const char *p, char close, bool keys)
{
	p++;
	if (*p == close)
		return p + 1;
	for (;;) {
		if (keys) {
			p = json_string(p);
			if (!p || *p++ != ':')
				return NULL;
		}
		p = json_value(p);
		if (!p)
			return NULL;
		if (*p == close)
			return p + 1;
		if (*p++ != ',')
			return NULL;
	}
}

static const char *json_value(const char *p)
{
	char *end;

	if (*p == '{')
		return json_list(p, '}', true);
	if (*p == '[')
		return json_list(p, ']', false);
	if (*p == '"')
		return json_string(p);
	if (!strncmp(p, "true", 4))
		return p + 4;
	if (!strncmp(p, "false", 5))
		return p + 5;
	if (!isdigit((unsigned char)*p) && *p != '-')
		return NULL;
	if (*p == '-')
		strtoll(p, &end, 10);
	else
		strtoull(p, &end, 10);
	return end > p ? end : NULL;
}

/* One document a line; returns how many. */
static unsigned int expect_json(void)
{
	const char *p = out;
	unsigned int n = 0;

	while (*p) {
		p = json_value(p);
		assert_non_null(p);
		assert_int_equal(*p++, '\n');
		n++;
	}
	return n;
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part)) {
		print_error("%s\nis not in:\n%s", part, text);
		fail();
	}
}

static void test_help(void **state)
{
	(void)state;
	assert_int_equal(tw("help"), 0);
	expect(out, "tw tier format [--force]");
	assert_int_equal(tw("--help"), 0);
	assert_int_equal(tw("--version"), 0);
	assert_string_equal(out, "tw 1.0.0\n");
	assert_int_equal(tw("tier bind --help"), 0);
	expect(out, "usage: tw tier bind TIER [DEV]");
}

static void test_usage(void **state)
{
	static const char * const wrong[] = {
		"", "nothing", "tier", "tier nothing", "--bogus", "agent",
		"tier list x", "tier list --bogus", "tier format",
		"tier format a b", "tier bind", "tier bind x", "tier bind ssd",
		"tier bind cpu /fake/block", "tier bind cpu a b",
		"tier bind ssd /fake/block --nodes 1",
		"tier bind ssd /fake/block --movable",
		"tier bind ssd /fake/block --capacity 0",
		"tier bind ssd /fake/block --capacity 1X",
		"tier bind ssd /fake/block --capacity 4097",
		"tier bind cpu --nodes 64", "tier unbind", "tier unbind x",
		"stats x", "pressure x", "pressure cpu gpu", "trace x",
		"trace --event x", "trace --count 0", "trace --agent x",
		"trace --tier x", "trace --pid 0", "trace --slower x",
		"trace --slower 5s", "trace --duration 0", "trace --slots 65",
		"trace --slots 32", "trace --agent 7 --pid 1",
		"record x", "record --interval 0", "record --pid 0",
		"heatmap a b", "heatmap --size 1", "heatmap --size 5x5",
		"heatmap --output x.gif", "top x", "top --sort x",
		"top --interval 0", "bench x", "bench --size x",
		"bench --time 0", "bench --tiers x", "bench --size 4k",
		"agent stats x", "agent stats --id x", "migrate",
		"migrate cpu", "migrate x 1", "migrate cpu x",
		"migrate --from x cpu 1", "page", "page x",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (tw(wrong[i]) != EXIT_USAGE)
			fail_msg("tw %s is no usage error", wrong[i]);
		assert_string_equal(out, "");
		assert_string_not_equal(err_out, "");
	}
}

static void test_no_device(void **state)
{
	static const char * const cmds[] = {
		"tier list", "tier bind cpu", "tier unbind cpu", "stats",
		"pressure", "trace", "agent stats", "migrate cpu 1", "page 1",
		"record", "top --once", "top", "bench",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		fake.open_errno = ENOENT;
		assert_int_equal(tw(cmds[i]), 1);
		expect(err_out, "modprobe tier_watch");
		fake.open_errno = EACCES;
		assert_int_equal(tw(cmds[i]), 1);
		expect(err_out, "usermod -aG tierwatch");
		assert_string_equal(out, "");
	}
}

static void test_tier_list(void **state)
{
	(void)state;
	assert_int_equal(tw("tier list"), 0);
	expect(out, "cpu   numa      1.0 GiB    1.0 MiB    123 ns     5.0 MiB/s  nodes 0,2\n");
	expect(out, "gpu   -               -          -   20.0 us     3.0 GiB/s*\n");
	expect(out, "255:254\n");
	assert_int_equal(tw("tier list --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"nodes\":[0,2]");
	expect(out, "\"device\":\"255:254\"");
	fail_cmd = TW_IOC_TIER_INFO;
	fail_with = -EINVAL;
	assert_int_equal(tw("tier list --json"), 1);
	assert_string_equal(out, "");
}

static void test_bind(void **state)
{
	const struct tw_tier_bind *in;

	(void)state;
	assert_int_equal(tw("--device /fake/tierwatch tier bind nvme /fake/block --capacity 64M"), 0);
	assert_string_equal(out, "nvme: 1.0 GiB on 255:254\n");
	in = (const void *)fake.calls[fake.nr_calls - 2].arg;
	assert_int_equal(fake.calls[fake.nr_calls - 2].cmd, TW_IOC_TIER_BIND);
	assert_int_equal(in->tier, TW_TIER_NVME);
	assert_int_equal(in->capacity, (64 << 20) / PAGE);
	/* Options before the arguments are the same. */
	assert_int_equal(tw("tier bind --movable --nodes 0,2 cpu"), 0);
	in = (const void *)fake.calls[fake.nr_calls - 2].arg;
	assert_int_equal(in->nodes, 5);
	assert_int_equal(in->flags, TW_BIND_MOVABLE);
	assert_int_equal(in->fd, -1);
	assert_int_equal(tw("tier bind nvme /fake/file"), 1);
	expect(err_out, "losetup");
}

static void test_bind_errors(void **state)
{
	static const struct {
		int err;
		const char *dev, *nodes;
	} cases[] = {
		{ -EPERM, "root", "root" },
		{ -EBUSY, "lsblk /fake/block", "tw tier list" },
		{ -EINVAL, "tw tier format /fake/block", "numactl -H" },
		{ -EOPNOTSUPP, "not supported", "--movable" },
		{ -EIO, "Input/output error", "Input/output error" },
	};
	size_t i;

	(void)state;
	fail_cmd = TW_IOC_TIER_BIND;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fail_with = cases[i].err;
		assert_int_equal(tw("tier bind hdd /fake/block"), 1);
		expect(err_out, cases[i].dev);
		assert_int_equal(tw("tier bind gpu"), 1);
		expect(err_out, cases[i].nodes);
		assert_string_equal(out, "");
	}
}

static void test_unbind(void **state)
{
	static const int errors[] = { EPERM, EOPNOTSUPP, ENOSPC, EBUSY, EIO,
				      EINTR };
	size_t i;

	(void)state;
	assert_int_equal(tw("tier unbind ssd --force"), 0);
	assert_string_equal(out, "ssd: unbound, 12 pages moved elsewhere\n");
	assert_int_equal(((const struct tw_tier_unbind *)
			  (const void *)fake_last()->arg)->flags,
			 TW_UNBIND_FORCE);
	fail_cmd = TW_IOC_TIER_UNBIND;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		fail_with = -errors[i];
		assert_int_equal(tw("tier unbind ssd"), 1);
		assert_string_not_equal(err_out, "");
	}
}

static void test_pressure(void **state)
{
	(void)state;
	assert_int_equal(tw("pressure"), 0);
	expect(out, "hdd   high        87.1%    512 MiB    1.0 GiB          0\n");
	/* Those that aren't bound are left out, unless asked for. */
	assert_null(strstr(out, "gpu"));
	assert_int_equal(tw("pressure --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"permille\":871");
	assert_int_equal(tw("pressure cpu --json"), 0);
	assert_int_equal(expect_json(), 1);
	assert_null(strstr(out, "hdd"));
	assert_int_equal(tw("pressure gpu"), 1);
	expect(err_out, "gpu tier is not bound");
	fail_cmd = TW_IOC_PRESSURE;
	fail_with = -EOPNOTSUPP;
	assert_int_equal(tw("pressure --json"), 0);
	assert_string_equal(out, "[]\n");
}

static void test_stats(void **state)
{
	(void)state;
	assert_int_equal(tw("stats"), 0);
	expect(out, "hdd             0           0        1004");
	expect(out, "3 regions");
	expect(out, "records 16.0 KiB");
	assert_int_equal(tw("stats --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"first\":1004");
	fake.mmap_fail = 1;
	fake.mmap_errno = EPERM;
	assert_int_equal(tw("stats"), 1);
}

static void test_agent(void **state)
{
	(void)state;
	assert_int_equal(tw("agent stats"), 0);
	expect(out, "default");
	expect(out, "cpu      2.0 MiB          600");
	assert_int_equal(tw("agent stats --id 7 --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"id\":7,\"default\":false");
	assert_int_equal(tw("agent stats --id 8"), 1);
	expect(err_out, "no agent 8");
}

static void test_trace(void **state)
{
	(void)state;
	assert_int_equal(tw("trace --count 10"), 0);
	expect(out, "1.000000007 cpu 0 fault write 0x8000000500000000 in nvme -> cpu major, addr 0x0, 25.0 us, pid 42\n");
	expect(out, "nvme -> cpu, fault, 25.0 us, failed: Input/output error");
	expect(out, "pressure nvme: critical, 0 pages used");
	expect(out, "agent-ended");
	expect(out, "request 0: done, 25.0 us, pid 42");
	expect(err_out, "tw: 10 events shown of 10 read in ");
	expect(err_out, "0 lost\n");
	assert_int_equal(tw("trace --count 9 --json"), 0);
	assert_int_equal(expect_json(), 10);
	expect(out, "\"number\":8,\"type\":\"agent-ended\"");
	expect(out, "\"level\":\"critical\"");
	expect(out, "\"type\":\"summary\",\"shown\":9,\"read\":9,\"lost\":0");
	assert_int_equal(tw("trace --count 2 --agent 7 --event fault"), 0);
	assert_int_equal(tw("trace --count 3 --quiet"), 0);
	assert_string_equal(out, "");
	fail_cmd = TW_IOC_STREAM_CREATE;
	fail_with = -EPERM;
	assert_int_equal(tw("trace"), 4);
	expect(err_out, "CAP_PERFMON");
	assert_int_equal(tw("trace --count 2 --agent 8"), 4);
	expect(err_out, "no agent 8");
	fail_with = -EDQUOT;
	assert_int_equal(tw("trace"), 1);
	expect(err_out, "too many streams");
}

/* The filters, of the ten events that there are. */
static void test_trace_filters(void **state)
{
	(void)state;
	assert_int_equal(tw("trace --duration 1ms --tier cpu --json"), 0);
	assert_int_equal(expect_json(), 3);
	expect(out, "\"type\":\"fault\"");
	expect(out, "\"type\":\"migrate\"");
	assert_int_equal(tw("trace --duration 1ms --tier nvme --json"), 0);
	assert_int_equal(expect_json(), 11);
	assert_int_equal(tw("trace --duration 1ms --tier hdd --json"), 0);
	assert_int_equal(expect_json(), 1);
	assert_int_equal(tw("trace --duration 1ms --slower 25us --json"), 0);
	assert_int_equal(expect_json(), 1);
	assert_int_equal(tw("trace --duration 1ms --slower 24.9us --json"), 0);
	assert_int_equal(expect_json(), 11);
	assert_int_equal(tw("trace --duration 1ms --pid 42 --json"), 0);
	assert_int_equal(expect_json(), 11);
	assert_int_equal(tw("trace --duration 1ms --pid 43 --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"shown\":0,\"read\":10,");
}

static void test_top(void **state)
{
	(void)state;
	assert_int_equal(tw("top --once --interval 100ms"), 0);
	expect(out, "regions 3, agents 0, streams 0");
	expect(out, "\ncpu   not bound\n");
	assert_int_equal(tw("top --json --interval 100ms"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"regions\":3,");
	expect(out, "\"heat\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]");
	/* Its output is a file here. */
	assert_int_equal(tw("top"), 1);
	expect(err_out, "tw top --once");
}

static void test_record(void **state)
{
	char path[] = "/tmp/tw-record-XXXXXX", cmd[128];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	snprintf(cmd, sizeof(cmd), "record --count 2 --interval 1ms -o %s --json",
		 path);
	assert_int_equal(tw(cmd), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"samples\":2,\"regions\":0,\"pages\":0,");
	snprintf(cmd, sizeof(cmd), "heatmap %s", path);
	assert_int_equal(tw(cmd), 1);
	expect(err_out, "there is no page in this recording");
	fail_cmd = TW_IOC_PAGE_LIST;
	fail_with = -EIO;
	snprintf(cmd, sizeof(cmd), "record --count 2 -o %s", path);
	assert_int_equal(tw(cmd), 1);
	expect(err_out, "looking at pages: Input/output error");
	unlink(path);
	assert_int_equal(tw("heatmap /nowhere.rec"), 1);
	expect(err_out, "tw record --output /nowhere.rec");
}

static void test_pages(void **state)
{
	const struct tw_migrate_pages *in;

	(void)state;
	assert_int_equal(tw("migrate cpu 0x8000000500000001"), 0);
	assert_string_equal(out, "0x8000000500000001: moved\n");
	assert_int_equal(tw("migrate --from ssd cpu 1 2"), 1);
	assert_string_equal(out, "0x1: moved\n0x2: pinned or on its way\n");
	in = (const void *)fake_last()->arg;
	assert_int_equal(in->from_tier, TW_TIER_SSD);
	assert_int_equal(in->to_tier, TW_TIER_CPU);
	fail_cmd = TW_IOC_MIGRATE_PAGES;
	fail_with = -EOPNOTSUPP;
	assert_int_equal(tw("migrate cpu 1"), 1);
	expect(err_out, "not bound");
	assert_string_equal(out, "");
	assert_int_equal(tw("page 1 2"), 0);
	expect(out, "0x1                  cpu      1     99    0 kept\n");
	expect(out, "no such page");
	assert_int_equal(tw("page 1 2 --json"), 0);
	assert_int_equal(expect_json(), 1);
}

static void test_format_refuses(void **state)
{
	char path[] = "/tmp/tw-format-XXXXXX", cmd[64], byte;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	snprintf(cmd, sizeof(cmd), "tier format --force %s", path);
	assert_int_equal(tw(cmd), 1);
	expect(err_out, "losetup --direct-io=on");
	assert_int_equal(read(fd, &byte, 1), 0);
	close(fd);
	unlink(path);
	assert_int_equal(tw("tier format /dev/null"), 1);
	expect(err_out, "not a block device");
	assert_int_equal(tw("tier format /nowhere/at/all"), 1);
	expect(err_out, "No such file");
}

int main(void)
{
#define TW_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TW_TEST(test_help),
		TW_TEST(test_usage),
		TW_TEST(test_no_device),
		TW_TEST(test_tier_list),
		TW_TEST(test_bind),
		TW_TEST(test_bind_errors),
		TW_TEST(test_unbind),
		TW_TEST(test_pressure),
		TW_TEST(test_stats),
		TW_TEST(test_agent),
		TW_TEST(test_trace),
		TW_TEST(test_trace_filters),
		TW_TEST(test_top),
		TW_TEST(test_record),
		TW_TEST(test_pages),
		TW_TEST(test_format_refuses),
	};

	return cmocka_run_group_tests_name("tw command", tests, NULL, NULL);
}
