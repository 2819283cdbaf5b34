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

#include "base/cli.h"
#include "base/stop.h"
#include "base/term.h"
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

/* 9 pages of the HDD tier, whoever it is; of those that have some there is one, a user. */
static int group_limits(struct tw_group_limits *l)
{
	unsigned int i;

	if (l->flags & TW_GROUP_SET)
		return 0;
	if (l->flags & TW_GROUP_NEXT) {
		if (l->cursor++)
			return -ENOENT;
		l->kind = TW_GROUP_USER;
		l->uid = 12345;
		l->path_len = 0;
		l->used[TW_TIER_HDD] = 5;
	}
	for (i = 0; i < TW_NR_TIERS; i++)
		l->pages[i] = i == TW_TIER_HDD ? 9 : TW_NO_LIMIT;
	return 0;
}

/* Ours, another user's of the same label, two of others. */
static void agent_list(struct tw_agent_list *l)
{
	static const struct { __u32 uid; __u64 id; } there[] = {
		{ 1, 7 }, { 0, 7 }, { 1, 8 }, { 2, 8 },
	};
	struct tw_agent_entry *e = (struct tw_agent_entry *)(uintptr_t)l->agents;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(there); i++) {
		memset(&e[i], 0, sizeof(e[i]));
		memset(e[i].limit, 0xff, sizeof(e[i].limit));
		memset(e[i].hard, 0xff, sizeof(e[i].hard));
		e[i].id = there[i].id;
		e[i].uid = there[i].uid;
		e[i].flags = there[i].uid ? 0 : TW_AGENT_IS_MINE;
		e[i].pages[TW_TIER_CPU] = 512;
		e[i].faults_minor[TW_TIER_CPU] = 600;
		e[i].limit[TW_TIER_SSD] = 256;
	}
	l->nr = i;
	l->cursor = 0;
}

static void policy(struct tw_policy *p)
{
	if (p->set || p->mode_set)
		return;
	p->mode = TW_POLICY_AUTO;
	p->hot_threshold = 100;
	p->scan_max_ms = 2000;
}

/* The size of the swap device, which the kernel does not swap to; 0: there is none. */
static __u64 swap_pages;

static int swap_info(struct tw_swap_info *info)
{
	if (!swap_pages)
		return -ENOENT;
	/* No such device: nothing of the machine's is taken for it. */
	info->dev = 0xff00 | 0xfd;
	info->pages = swap_pages;
	info->used[TW_TIER_NVME] = 3;
	info->spare[TW_TIER_NVME] = 2;
	info->failed = 1;
	return 0;
}

/* This process, and one that has no number here. */
static int attached(struct tw_attached *a)
{
	bool next = a->flags & TW_ATTACHED_NEXT;

	if (next)
		a->id = a->id < 5 ? 5 : a->id < 9 ? 9 : 0;
	if (a->id != 5 && a->id != 9)
		return -ENOENT;
	if (a->id == 5) {
		a->pid = getpid();
		a->pages[TW_TIER_CPU] = 512;
		a->pages[TW_TIER_SSD] = 2;
		a->swapped = 3;
		a->scans = 2;
		return 0;
	}
	a->elsewhere = 1;
	a->scans = 1;
	a->state = TW_ATTACHED_BLIND | TW_ATTACHED_PARTLY;
	return 0;
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
	case TW_IOC_TIER_RESIZE:
		((struct tw_tier_resize *)arg)->moved = 34;
		if (!((struct tw_tier_resize *)arg)->capacity)
			((struct tw_tier_resize *)arg)->capacity = 1 << 18;
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
		p->room = 3 << 17;
		p->stalled10 = 125;
		p->stalled60 = 7;
		break;
	}
	case TW_IOC_THRESHOLDS: {
		struct tw_thresholds *t = arg;

		if (t->flags & TW_THRESHOLDS_SET)
			break;
		memcpy(t->enter, (__u32[]){ 70, 85, 95 }, sizeof(t->enter));
		memcpy(t->leave, (__u32[]){ 65, 80, 90 }, sizeof(t->leave));
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
	case TW_IOC_AGENT_LIST:
		agent_list(arg);
		break;
	case TW_IOC_MODULE_STATS: {
		struct tw_module_stats *m = arg;

		m->agents = 3;
		m->record_bytes = 16384;
		m->store_bytes = 4096;
		break;
	}
	case TW_IOC_POLICY:
		policy(arg);
		break;
	case TW_IOC_AGENT_CREATE: {
		struct tw_agent_create *a = arg;

		if ((a->flags & (TW_AGENT_OPEN | TW_AGENT_OF)) ==
		    TW_AGENT_OPEN && a->id != 7)
			return -ENOENT;
		a->fd = fake_new_fd();
		break;
	}
	case TW_IOC_GROUP_LIMITS:
		return group_limits(arg);
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
	case TW_IOC_SWAP_INFO:
		return swap_info(arg);
	case TW_IOC_ATTACH:
		((struct tw_attach *)arg)->id = 5;
		break;
	case TW_IOC_ATTACHED:
		return attached(arg);
	case TW_IOC_SWAP_DESTROY:
		return swap_pages ? 0 : -ENOENT;
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
		e[i].pid = getpid();
		e[i].agent = 7;
		e[i].addr = 48;
	}
	e[TW_EVENT_MIGRATE - 1].status = -EIO;
	e[TW_EVENT_PRESSURE - 1].status = TW_PRESSURE_CRITICAL;
	r->head = i;
}

static void *map(int fd, size_t len, int prot, int flags, off_t offset)
{
	char *m = aligned_alloc(4096, (len + 4095) & ~4095UL);
	struct tw_stats *s = (struct tw_stats *)m;
	struct tw_stats_counters *c;
	struct tw_stats_tier *t;
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
		s->head_size = sizeof(*s);
		s->tier_offset = 512;
		s->tier_stride = sizeof(struct tw_stats_tier) +
				 TW_HEAT_BANDS * sizeof(__u64);
		s->heat_offset = sizeof(struct tw_stats_tier);
		s->heat_bands = TW_HEAT_BANDS;
		s->nr_cpus = 1;
		s->cpu_offset = 4096;
		s->cpu_stride = 1024;
		s->counters_offset = sizeof(struct tw_stats_cpu);
		s->counters_stride = sizeof(struct tw_stats_counters);
		s->regions = 3;
		s->record_bytes = 16384;
		c = (struct tw_stats_counters *)(m + 4096 + s->counters_offset);
		for (i = 0; i < TW_NR_TIERS; i++)
			c[i].first = 1000 + i;
		c[TW_TIER_NVME].swap_out = 7;
		t = (struct tw_stats_tier *)(m + s->tier_offset +
					     TW_TIER_NVME * s->tier_stride);
		t->swap_used = 5;
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
	swap_pages = 0;
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
	cli_human = false;
	cli_command = "";
	color_parse("auto");
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
	if (!strncmp(p, "null", 4))
		return p + 4;
	if (!isdigit((unsigned char)*p) && *p != '-')
		return NULL;
	strtod(p, &end);
	return end > p ? end : NULL;
}

/* For check_json, which holds them against their schemas. */
static void keep_documents(void)
{
	const char *path = getenv("TW_DOCUMENTS");
	FILE *f;

	if (!path)
		return;
	f = fopen(path, "ae");
	assert_non_null(f);
	assert_true(fputs(out, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* One document a line; returns how many. */
static unsigned int expect_json(void)
{
	const char *p = out;
	unsigned int n = 0;

	keep_documents();

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

/* What was printed fits a screen, with the line that called it. */
static void expect_screen(const char *words)
{
	const char *line = out, *end;
	unsigned int lines = 0;

	for (; *line; line = end + 1, lines++) {
		end = strchr(line, '\n');
		assert_non_null(end);
		if (end - line > 80)
			fail_msg("tw %s: %.*s", words, (int)(end - line), line);
	}
	if (!lines || lines > 23)
		fail_msg("tw %s: %u lines", words, lines);
}

static void expect_help(const char *name)
{
	char words[80];

	snprintf(words, sizeof(words), "help %s", name);
	assert_int_equal(tw(words), 0);
	assert_string_equal(err_out, "");
	expect_screen(words);
	expect(out, strchr(name, ' ') ? strchr(name, ' ') + 1 : name);
	snprintf(words, sizeof(words), "%s --help", name);
	assert_int_equal(tw(words), 0);
	expect_screen(words);
}

/* Every command of the table, and those below it. */
static void test_every_help(void **state)
{
	char all[4096], cmd[32], sub[80], *line, *at;
	unsigned int cmds = 0, subs = 0;

	(void)state;
	assert_int_equal(tw("help"), 0);
	expect_screen("help");
	strcpy(all, out);
	for (line = all; *line; line = strchr(line, '\n') + 1) {
		if (sscanf(line, "  %31s", cmd) != 1 || line[2] == ' ' ||
		    line[0] != ' ')
			continue;
		cmds++;
		expect_help(cmd);
		/* Its own help names the commands below it. */
		snprintf(sub, sizeof(sub), " tw %s ", cmd);
		for (at = out; (at = strstr(at, sub)); at++) {
			char name[32], again[sizeof(out)];

			if (sscanf(at + strlen(sub), "%31[a-z]", name) != 1)
				continue;
			subs++;
			snprintf(sub, sizeof(sub), "%s %s", cmd, name);
			memcpy(again, out, sizeof(out));
			expect_help(sub);
			memcpy(out, again, sizeof(out));
			snprintf(sub, sizeof(sub), " tw %s ", cmd);
		}
	}
	assert_true(cmds >= 8);
	assert_true(subs >= 4);
}

static void test_suggestions(void **state)
{
	(void)state;
	assert_int_equal(tw("teir list"), EXIT_USAGE);
	expect(err_out, "Did you mean tier?");
	assert_int_equal(tw("tier unbnid cpu"), EXIT_USAGE);
	expect(err_out, "Did you mean unbind?");
	assert_int_equal(tw("help prssure"), EXIT_USAGE);
	expect(err_out, "Did you mean pressure?");
	assert_int_equal(tw("tier unbind nmve"), EXIT_USAGE);
	expect(err_out, "Did you mean nvme?\nSee: tw help tier unbind\n");
	assert_int_equal(tw("tier unbind tape"), EXIT_USAGE);
	expect(err_out, "gpu, cpu, nvme, ssd and hdd");
	assert_null(strstr(err_out, "mean"));
	assert_int_equal(fake.nr_calls, 0);
}

/* They may stand before a command and after it. */
static void test_globals(void **state)
{
	(void)state;
	assert_int_equal(tw("--json tier list"), 0);
	assert_int_equal(expect_json(), 1);
	assert_int_equal(tw("tier --json list"), EXIT_USAGE);
	assert_int_equal(tw("--color=always tier unbind x"), EXIT_USAGE);
	expect(err_out, "\033[31m");
	assert_int_equal(tw("tier unbind x --color=never"), EXIT_USAGE);
	assert_null(strchr(err_out, '\033'));
	/* No terminal. */
	assert_int_equal(tw("--color auto tier unbind x"), EXIT_USAGE);
	assert_null(strchr(err_out, '\033'));
	assert_int_equal(tw("tier list --color=x"), EXIT_USAGE);
	assert_int_equal(tw("--color=x tier list"), EXIT_USAGE);
	assert_false(cli_human);
	assert_int_equal(tw("tier list --human"), 0);
	assert_true(cli_human);
	/* What follows -- is no option. */
	assert_int_equal(tw("tier unbind -- --human"), EXIT_USAGE);
	expect(err_out, "no such tier: --human");
}

static void test_help(void **state)
{
	(void)state;
	assert_int_equal(tw("help"), 0);
	expect(out, "  tier ");
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
		"tier bind ssd /fake/block --leave 25",
		"tier bind cpu --leave 91", "tier bind cpu --leave x",
		"tier bind cpu --leave 5 --capacity 1M",
		"tier bind ssd /fake/block --capacity 0",
		"tier bind ssd /fake/block --capacity 1X",
		"tier bind ssd /fake/block --capacity 4097",
		"tier bind cpu --nodes 64", "tier unbind", "tier unbind x",
		"tier resize", "tier resize ssd", "tier resize x 1M",
		"tier resize ssd 0", "tier resize ssd 1X", "tier resize ssd 4097",
		"tier resize cpu 1M", "tier resize ssd 1M x",
		"tier detect x", "tier detect --conf --json",
		"tier bind cpu --format", "apply x", "apply --conf",
		"help nothing", "help tier nothing", "help tier list x",
		"stats x", "pressure x", "pressure cpu gpu",
		"agent list x", "agent show", "agent show x", "agent show 7 8",
		"agent show --user no-such-user 7", "agent limit",
		"agent limit 7 cpu", "agent limit 7 tape=1M",
		"agent limit 7 cpu=x", "agent limit 7 cpu=4097",
		"agent limit 7 cpu=1M cpu=2M", "agent limit --all 7",
		"agent limit --cgroup a", "agent limit --cgroup /a 7",
		"agent limit --cgroup /a --user 1", "agent limit --user-ns 5",
		"agent limit --user 1 --user-ns 5 cpu=1M",
		"migrate --user 1 cpu 1", "policy show x", "policy set",
		"policy set x=1", "policy set auto", "policy set auto=1",
		"policy set max_rate=x", "policy set max_rate=4294967296",
		"policy set auto=on auto=off", "status x", "metrics x",
		"metrics --agents x", "pressure --wait x cpu",
		"pressure --wait high", "pressure --timeout 1 cpu",
		"pressure --wait high --timeout x cpu",
		"pressure --wait high --timeout -1 cpu", "migrate",
		"migrate --pid 0 cpu 1", "migrate --agent x cpu",
		"migrate --agent 7 cpu 1", "migrate --agent 7 --pid 1 cpu",
		"migrate cpu 5..5", "migrate cpu 5..4", "migrate cpu 5..",
		"page --pid x 1", "page 1..x",
		"trace x",
		"trace --event x", "trace --count 0", "trace --agent x",
		"trace --tier x", "trace --pid 0", "trace --slower x",
		"trace --slower 5s", "trace --duration 0", "trace --slots 65",
		"trace --slots 32", "trace --agent 7 --pid 1",
		"record x", "record --interval 0", "record --pid 0",
		"heatmap a b", "heatmap --size 1", "heatmap --size 5x5",
		"heatmap --output x.gif", "top x", "top --sort x",
		"top --interval 0", "bench x", "bench --size x",
		"bench --time 0", "bench --tiers x", "bench --size 4k",
		"migrate cpu", "migrate x 1", "migrate cpu x",
		"migrate --from x cpu 1", "page", "page x",
		"swap", "swap x", "swap on 1G", "swap on --size x",
		"swap on --size 0", "swap on --size 4097",
		"swap on --size 1020K", "swap on --size 17T",
		"swap on --priority 32768", "swap on --priority -1",
		"swap on --force", "swap off x", "swap off --size 1M",
		"swap status x",
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
		"pressure", "agent list", "agent show 7",
		"agent limit 7 cpu=1M", "migrate cpu 1", "page 1", "status",
		"policy show", "policy set auto=on", "metrics",
		"pressure --wait high cpu",
		"trace",
		"record", "top --once", "top", "bench",
		"swap on", "swap off", "swap status",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		fake.open_errno = ENOENT;
		assert_int_equal(tw(cmds[i]), EXIT_NO_DEVICE);
		expect(err_out, "modprobe tier_watch");
		fake.open_errno = EACCES;
		assert_int_equal(tw(cmds[i]), EXIT_NO_PERMISSION);
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
	assert_int_equal(in->flags, TW_BIND_MOVABLE | TW_BIND_SHARE);
	assert_int_equal(in->fd, -1);
	assert_int_equal(tw("tier bind --leave 40 --movable cpu"), 0);
	in = (const void *)fake.calls[fake.nr_calls - 2].arg;
	assert_int_equal(in->flags, TW_BIND_MOVABLE | TW_BIND_LEAVE(40));
	assert_int_equal(tw("tier bind --leave 0 cpu"), 0);
	in = (const void *)fake.calls[fake.nr_calls - 2].arg;
	assert_int_equal(in->flags, 0);
	assert_int_equal(tw("tier bind --capacity 1M cpu"), 0);
	in = (const void *)fake.calls[fake.nr_calls - 2].arg;
	assert_int_equal(in->flags, 0);
	assert_int_equal(tw("tier bind nvme /fake/file"), 1);
	expect(err_out, "neither a block device nor a file");
}

static int exit_code(int err)
{
	return err == -EPERM ? EXIT_NO_PERMISSION :
	       err == -EINTR ? EXIT_INTERRUPTED : EXIT_FAILURE;
}

static void test_bind_errors(void **state)
{
	static const struct {
		int err;
		const char *dev, *nodes;
	} cases[] = {
		{ -EPERM, "root", "root" },
		{ -EBUSY, "tw tier unbind hdd", "tw tier list" },
		{ -EINVAL, "less than the capacity", "numactl -H" },
		{ -EOPNOTSUPP, "is zoned", "--movable" },
		{ -EIO, "Input/output error", "Input/output error" },
		{ -EROFS, "is read-only", "" },
		{ -EOVERFLOW, "has blocks larger than pages", "" },
		{ -ENOSPC, "is too small", "" },
		{ -EMEDIUMTYPE, "tw tier format /fake/block", "" },
		{ -ESTALE, "has shrunk", "" },
	};
	size_t i;

	(void)state;
	fail_cmd = TW_IOC_TIER_BIND;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fail_with = cases[i].err;
		assert_int_equal(tw("tier bind hdd /fake/block"),
				 exit_code(cases[i].err));
		expect(err_out, cases[i].dev);
		assert_int_equal(tw("tier bind gpu"),
				 exit_code(cases[i].err));
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
	assert_int_equal(tw("tier unbind ssd --json"), 0);
	assert_int_equal(expect_json(), 1);
	assert_int_equal(tw("tier unbind ssd --force"), 0);
	assert_string_equal(out, "ssd: unbound, 12 pages moved elsewhere\n");
	assert_int_equal(((const struct tw_tier_unbind *)
			  (const void *)fake_last()->arg)->flags,
			 TW_UNBIND_FORCE);
	fail_cmd = TW_IOC_TIER_UNBIND;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		fail_with = -errors[i];
		assert_int_equal(tw("tier unbind ssd"), exit_code(fail_with));
		assert_string_not_equal(err_out, "");
	}
}

static void test_resize(void **state)
{
	static const int errors[] = { EPERM, EOPNOTSUPP, EINVAL, ENOSPC, EBUSY, EIO,
				      EINTR, ENOMEM };
	const struct tw_tier_resize *in;
	size_t i;

	(void)state;
	assert_int_equal(tw("tier resize ssd 1M --json"), 0);
	assert_int_equal(expect_json(), 1);
	in = (const void *)fake_last()->arg;
	assert_int_equal(in->tier, TW_TIER_SSD);
	assert_int_equal(in->capacity, (1 << 20) / PAGE);
	assert_int_equal(tw("tier resize ssd 1M"), 0);
	assert_string_equal(out, "ssd: 1.0 MiB, 34 pages moved elsewhere\n");
	assert_int_equal(tw("tier resize ssd all"), 0);
	assert_string_equal(out, "ssd: 1.0 GiB, 34 pages moved elsewhere\n");
	fail_cmd = TW_IOC_TIER_RESIZE;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		fail_with = -errors[i];
		assert_int_equal(tw("tier resize ssd 1M"), exit_code(fail_with));
		assert_string_not_equal(err_out, "");
		assert_string_equal(out, "");
	}
}

static void test_pressure(void **state)
{
	(void)state;
	assert_int_equal(tw("pressure"), 0);
	expect(out, "cpu   high        87.1%    512 MiB    1.0 GiB    1.5 GiB        0  12.5%   0.7%\n");
	expect(out, "hdd   high        87.1%    512 MiB    1.0 GiB    1.5 GiB        0      -      -\n");
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
	assert_int_equal(tw("pressure set hdd high=70,66"), 1);
	expect(err_out, "medium 70,65 high 70,66 critical 95,90");
	assert_int_equal(tw("--json pressure set hdd high=80,75 critical=90"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"high\":{\"enter\":80,\"leave\":75},\"critical\":{\"enter\":90,\"leave\":85}");
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
	expect(out, "\nnvme           5          0          7          0\n");
	assert_null(strstr(out, "\nssd            0          0          0          0\n"));
	assert_int_equal(tw("stats --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"first\":1004");
	expect(out, "\"swap_used\":5");
	fake.mmap_fail = 1;
	fake.mmap_errno = EPERM;
	assert_int_equal(tw("stats"), EXIT_NO_PERMISSION);
}

static void test_agent(void **state)
{
	(void)state;
	assert_int_equal(tw("agent list"), 0);
	expect(out, "7           root     agent       0 B  2.0 MiB");
	assert_int_equal(tw("agent list --json"), 0);
	assert_int_equal(expect_json(), 1);
	assert_int_equal(tw("agent show 7"), 0);
	expect(out, "agent 7 of root:");
	expect(out, "cpu      2.0 MiB       none        0 B       600");
	/* Ours is meant, unless somebody else's is asked for. */
	assert_int_equal(tw("agent show 7 --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"uid\":0,");
	expect(out, "\"limits\":{\"ssd\":256}");
	assert_int_equal(tw("agent show --user 1 7 --json"), 0);
	expect(out, "\"uid\":1,");
	assert_int_equal(tw("agent show 8"), 1);
	expect(err_out, "2 users");
	assert_int_equal(tw("agent show --user 2 8"), 0);
	assert_int_equal(tw("agent show 9"), 1);
	expect(err_out, "no agent 9");
	assert_int_equal(tw("agent show default"), 1);
	expect(err_out, "no agent yet");
	fail_cmd = TW_IOC_AGENT_LIST;
	fail_with = -ENOMEM;
	assert_int_equal(tw("agent list --json"), 1);
	assert_string_equal(out, "");
}

static void test_agent_limit(void **state)
{
	const struct tw_agent_limits *in;
	unsigned int i, nr;

	(void)state;
	assert_int_equal(tw("agent limit 7 --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"limits\":{\"ssd\":256},\"hard_limits\":{}}");
	assert_int_equal(tw("agent limit 7"), 0);
	expect(out, "ssd          0 B    1.0 MiB       none\n");
	nr = fake.nr_calls;
	assert_int_equal(tw("agent limit 7 cpu=1M gpu=0 ssd=none"), 0);
	for (i = nr; i < fake.nr_calls; i++)
		if (fake.calls[i].cmd == TW_IOC_AGENT_LIMITS)
			break;
	assert_true(i < fake.nr_calls);
	in = (const void *)fake.calls[i].arg;
	assert_int_equal(in->flags, TW_LIMITS_SET);
	assert_true(in->agent_fd >= 0);
	assert_int_equal(in->pages[TW_TIER_CPU], 256);
	assert_int_equal(in->pages[TW_TIER_GPU], 0);
	assert_true(in->pages[TW_TIER_SSD] == TW_NO_LIMIT);
	assert_true(in->pages[TW_TIER_HDD] == TW_NO_LIMIT);
	/* Somebody else's are not set, unless it is said whose. */
	assert_int_equal(tw("agent limit 9 cpu=1M"), 1);
	assert_int_equal(tw("agent limit --user 1 8 cpu=1M"), 0);
	assert_int_equal(tw("agent limit --user 1 --user-ns 5 8 cpu=1M"), 1);
	fail_cmd = TW_IOC_AGENT_LIMITS;
	fail_with = -EPERM;
	assert_int_equal(tw("agent limit 7 cpu=1G"), EXIT_NO_PERMISSION);
	expect(err_out, "CAP_SYS_RESOURCE");
	assert_string_equal(out, "");
}

static void test_group_limit(void **state)
{
	const struct tw_group_limits *in;

	(void)state;
	assert_int_equal(tw("agent limit --cgroup /a/b/ --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "{\"schema\":\"tierwatch/group-limit/1\",\"cgroup\":\"/a/b\",\"page_size\":");
	expect(out, "\"limits\":{\"hdd\":9}");
	assert_int_equal(tw("agent limit --user 1 cpu=1M"), 0);
	expect(out, "user ");
	in = (const void *)fake.calls[fake.nr_calls - 2].arg;
	assert_int_equal(in->flags, TW_GROUP_SET);
	assert_int_equal(in->kind, TW_GROUP_USER);
	assert_int_equal(in->uid, 1);
	assert_int_equal(in->pages[TW_TIER_CPU], 256);
	assert_int_equal(in->pages[TW_TIER_HDD], 9);
	fail_cmd = TW_IOC_GROUP_LIMITS;
	fail_with = -EPERM;
	assert_int_equal(tw("agent limit --cgroup / cpu=1G"),
			 EXIT_NO_PERMISSION);
	assert_int_equal(tw("agent limit --all --json"), EXIT_NO_PERMISSION);
	assert_string_equal(out, "");
}

static void test_policy(void **state)
{
	const struct tw_policy *in;

	(void)state;
	assert_int_equal(tw("policy show"), 0);
	expect(out, "hot_threshold          100 heat");
	assert_int_equal(tw("policy show --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "{\"schema\":\"tierwatch/policy/1\",\"enabled\":false,\"watch\":false,\"auto\":true,\"unmap\":false,");
	assert_int_equal(tw("policy set auto=off unmap=on enabled=on max_rate=7"),
			 0);
	in = (const void *)fake_last()->arg;
	/* What was named and nothing else. */
	assert_int_equal(in->flags, 0);
	assert_int_equal(in->set,
			 TW_POLICY_SET_ENABLED | TW_POLICY_SET_MAX_RATE);
	assert_int_equal(in->mode_set, TW_POLICY_AUTO | TW_POLICY_UNMAP);
	assert_int_equal(in->mode, TW_POLICY_UNMAP);
	assert_int_equal(in->enabled, 1);
	assert_int_equal(in->max_rate, 7);
	assert_int_equal(in->hot_threshold, 100);
	assert_int_equal(tw("policy set enabled=watch"), 0);
	in = (const void *)fake_last()->arg;
	assert_int_equal(in->enabled, TW_POLICY_WATCH);
	assert_int_equal(tw("policy set auto=watch"), EXIT_USAGE);
	fail_cmd = TW_IOC_POLICY;
	fail_with = -EPERM;
	assert_int_equal(tw("policy show"), EXIT_NO_PERMISSION);
}

static void test_status(void **state)
{
	(void)state;
	assert_int_equal(tw("status"), 0);
	expect(out, "objects   agents 3,");
	expect(out, "memory    20.0 KiB: records 16.0 KiB");
	expect(out, "gpu   -       not bound\n");
	expect(out, "\nswap      of that in use: nvme 20.0 KiB\n");
	assert_int_equal(tw("status --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"total\":20480");
	fail_cmd = TW_IOC_MODULE_STATS;
	fail_with = -EIO;
	assert_int_equal(tw("status --json"), 1);
	assert_string_equal(out, "");
}

static void test_metrics(void **state)
{
	(void)state;
	assert_int_equal(tw("metrics"), 0);
	expect(out, "# TYPE tierwatch_first_touches_total counter\n"
		    "tierwatch_first_touches_total{tier=\"gpu\"} 1000\n");
	expect(out, "tierwatch_driver_memory_bytes{use=\"records\"} 16384\n");
	expect(out, "\ntierwatch_up 1\n");
	assert_null(strstr(out, "tierwatch_agent_used_bytes"));
	assert_int_equal(tw("metrics --agents 1"), 0);
	expect(out, "tierwatch_agent_used_bytes{agent=\"7\",name=\"7\",uid=\"1\"");
	assert_null(strstr(out, "agent=\"8\""));
	expect(out, "tierwatch_group_used_bytes{name=\"12345\",kind=\"user\",tier=\"hdd\"} 20480\n");
	expect(out, "tierwatch_group_limit_bytes{name=\"12345\",kind=\"user\",tier=\"hdd\"} 36864\n");
	assert_int_equal(tw("metrics --agents 1 --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "{\"schema\":\"tierwatch/metric/1\",\"name\":\"tierwatch_driver_memory_bytes\",\"type\":\"gauge\",\"labels\":{\"use\":\"records\"},\"value\":16384}");
	fake.open_errno = ENOENT;
	assert_int_equal(tw("metrics"), EXIT_NO_DEVICE);
	expect(out, "# TYPE tierwatch_up gauge\ntierwatch_up 0\n");
	assert_int_equal(tw("metrics --json"), EXIT_NO_DEVICE);
	assert_string_equal(out, "[{\"schema\":\"tierwatch/metric/1\",\"name\":\"tierwatch_up\",\"type\":\"gauge\",\"labels\":{},\"value\":0}]\n");
	fake.open_errno = 0;
	assert_int_equal(tw("metrics --output /no/such/folder/x.prom"), 1);
	assert_string_equal(out, "");
	expect(err_out, "No such file");
}

static void test_swap_status(void **state)
{
	(void)state;
	assert_int_equal(tw("swap status"), 0);
	expect(out, "swap      off: there is no swap device. Make one with: tw swap on\n");
	assert_int_equal(tw("swap status --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "{\"schema\":\"tierwatch/swap/1\",\"state\":\"none\",\"device\":null,");
	expect(out, "\"priority\":null,\"failed\":0,");
	swap_pages = 1024;
	assert_int_equal(tw("swap status"), 0);
	expect(out, "off: 4.0 MiB on /dev/twswap that is not in use. Use it with: tw swap on\n");
	expect(out, "failed    1 pages could not be read");
	expect(out, "nvme    12.0 KiB    8.0 KiB        0 B   28.0 KiB        0 B\n");
	assert_int_equal(tw("swap status --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "{\"schema\":\"tierwatch/swap/1\",\"state\":\"made\",\"device\":\"/dev/twswap\",\"page_size\":");
	expect(out, "{\"tier\":\"nvme\",\"used\":3,\"spare\":2,\"in\":0,");
	fail_cmd = TW_IOC_SWAP_INFO;
	fail_with = -EIO;
	assert_int_equal(tw("swap status --json"), 1);
	assert_string_equal(out, "");
	expect(err_out, "asking for the swap device: Input/output error");
}

/* What the driver refuses, before anything is turned on. */
static void test_swap_on(void **state)
{
	static const struct {
		int err, code;
		const char *said;
	} cases[] = {
		{ -EPERM, EXIT_NO_PERMISSION, "Be root" },
		{ -ENOSPC, 1, "no room for 1.0 GiB of swap: the stores have 0 B that are" },
		{ -ENOMEM, 1, "20 bytes a page" },
		{ -EEXIST, 1, "File exists" },
	};
	const struct tw_swap_create *in;
	size_t i;

	(void)state;
	/* No store has a slot there. */
	assert_int_equal(tw("swap on"), 1);
	expect(err_out, "half of that is less than the 1.0 MiB");
	fail_cmd = TW_IOC_SWAP_CREATE;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fail_with = cases[i].err;
		assert_int_equal(tw("swap on --size 1G"), cases[i].code);
		expect(err_out, cases[i].said);
		assert_string_equal(out, "");
		assert_int_equal(fake_last()->cmd, TW_IOC_SWAP_CREATE);
		in = (const void *)fake_last()->arg;
		assert_true(in->pages == (1 << 30) / PAGE);
	}
	/* One that is there has another size. */
	swap_pages = 1024;
	assert_int_equal(tw("swap on --size 1G"), 1);
	expect(err_out, "of 4.0 MiB and not 1.0 GiB, that is not in use. To remove it: tw swap off\n");
}

static void test_swap_off(void **state)
{
	(void)state;
	assert_int_equal(tw("swap off"), 0);
	assert_string_equal(out, "swap: already off\n");
	assert_int_equal(tw("swap off --json"), 0);
	assert_int_equal(expect_json(), 1);
	fail_cmd = TW_IOC_SWAP_DESTROY;
	fail_with = -EPERM;
	assert_int_equal(tw("swap off --force"), EXIT_NO_PERMISSION);
	expect(err_out, "Be root");
	fail_with = -EIO;
	assert_int_equal(tw("swap off"), 1);
	expect(err_out, "removing the swap device: Input/output error");
}

static void test_attach(void **state)
{
	static const struct {
		int err, code;
		const char *said;
	} cases[] = {
		{ -EPERM, EXIT_NO_PERMISSION, ": attaching it needs CAP_SYS_PTRACE" },
		{ -ESRCH, 1, "there is no such process" },
		{ -EDQUOT, 1, "max_user_regions" },
		{ -EOPNOTSUPP, 1, "do not tell of touches" },
		{ -ENOTTY, 1, "older than this tw" },
		{ -ENOMEM, 1, "Cannot allocate memory" },
	};
	char words[64], wanted[128];
	const struct tw_attach *in;
	size_t i;

	(void)state;
	snprintf(words, sizeof(words), "attach %d", getpid());
	assert_int_equal(tw(words), 0);
	snprintf(wanted, sizeof(wanted), "process %d test_tw: attached, id 5\n",
		 getpid());
	assert_string_equal(out, wanted);
	in = (const void *)fake_last()->arg;
	assert_int_equal(in->pid, getpid());
	fail_cmd = TW_IOC_ATTACH;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fail_with = cases[i].err;
		assert_int_equal(tw(words), cases[i].code);
		expect(err_out, cases[i].said);
		assert_string_equal(out, "");
	}
	/* It was so before: that is as good, and the document is the list's. */
	fail_with = -EEXIST;
	assert_int_equal(tw(words), 0);
	expect(out, "test_tw: already attached, id ");
	strcat(words, " --json");
	assert_int_equal(tw(words), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, ",\"scanning\":false,\"attachments\":[{\"id\":5,\"pid\":");
	assert_int_equal(tw("attach --cgroup /no/such/cgroup"), 1);
	expect(err_out, "there is no cgroup /no/such/cgroup");
}

static void test_attached(void **state)
{
	char line[128];
	const char *at;

	(void)state;
	assert_int_equal(tw("attach"), 0);
	snprintf(line, sizeof(line), "     5 %8d test_tw               0 B   2.0 MiB   8.0 KiB       0 B  12.0 KiB ",
		 getpid());
	expect(out, line);
	/* Its own program, at least. */
	at = strstr(out, line) + strlen(line);
	assert_true(strtod(at, NULL) > 0);
	expect(out, "     9        - -                     0 B       0 B       0 B   4.0 KiB       0 B         -         -  blind, partly\n");
	expect(out, "      GPU       CPU       SSD ELSEWHERE   SWAPPED      FILE    SHARED\n");
	expect(out, "\nblind: ");
	expect(out, "\npartly: ");
	expect(out, "\nAutomatic migration is off, so nothing is scanned: ");
	assert_int_equal(tw("--json attach"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, ",\"program\":\"test_tw\",\"pages\":{\"gpu\":0,\"cpu\":512,");
	expect(out, "{\"id\":9,\"pid\":null,\"program\":null,");
	expect(out, ",\"file\":null,\"shared\":null,");
	expect(out, "\"blind\":true,\"partly\":true}");
	fail_cmd = TW_IOC_ATTACHED;
	fail_with = -ENOENT;
	assert_int_equal(tw("attach"), 0);
	expect(out, "Nothing is attached that you may see.");
	fail_with = -ENOTTY;
	assert_int_equal(tw("attach --json"), 1);
	expect(err_out, "older than this tw");
	assert_string_equal(out, "");
}

static void test_detach(void **state)
{
	char words[64], wanted[128];
	const struct tw_detach *in;

	(void)state;
	snprintf(words, sizeof(words), "detach %d", getpid());
	snprintf(wanted, sizeof(wanted), "process %d test_tw: detached\n",
		 getpid());
	assert_int_equal(tw(words), 0);
	assert_string_equal(out, wanted);
	in = (const void *)fake_last()->arg;
	assert_int_equal(in->id, 5);
	assert_int_equal(tw("detach --id 9"), 0);
	assert_string_equal(out, "attachment 9: detached\n");
	assert_int_equal(tw("detach --all"), 0);
	expect(out, wanted);
	expect(out, "attachment 9: detached\n");
	assert_int_equal(tw("detach --all --json"), 0);
	assert_int_equal(expect_json(), 1);
	/* One that is not there: the others stay as they are. */
	assert_int_equal(tw("detach --id 9 6"), 1);
	expect(err_out, "attachment 6 is not attached");
	assert_int_equal(fake_last()->cmd, TW_IOC_ATTACHED);
	assert_int_equal(tw("detach 2147483647"), 1);
	expect(err_out, "process 2147483647 is not attached");
	fail_cmd = TW_IOC_DETACH;
	fail_with = -ENOENT;
	assert_int_equal(tw("detach --id 9"), 0);
	fail_with = -EIO;
	assert_int_equal(tw("detach --id 9"), 1);
	expect(err_out, "detaching attachment 9: Input/output error");
}

static void test_attach_usage(void **state)
{
	static const char * const wrong[] = {
		"attach x", "attach 0", "attach -1", "attach --cgroup x",
		"attach --cgroup /x 5", "detach", "detach x", "detach --id",
		"detach --id 1 y", "detach --all 5", "detach --all --cgroup /x",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(tw(wrong[i]), EXIT_USAGE);
		assert_string_equal(out, "");
	}
	assert_int_equal(fake.nr_calls, 0);
}

/* The words of tw() have no spaces in them. */
static void test_run(void **state)
{
	(void)state;
	assert_int_equal(tw("run --no-attach -- true"), 0);
	assert_string_equal(err_out, "");
	assert_int_equal(tw("run --no-attach -- false"), 1);
	assert_int_equal(tw("run --no-attach -- sh -c exit${IFS}42"), 42);
	assert_int_equal(tw("run --no-attach -- sh -c kill${IFS}-9${IFS}$$"),
			 137);
	assert_int_equal(tw("run --no-attach -- /no/such/command"), 127);
	expect(err_out, "/no/such/command: there is no such command");
	assert_int_equal(tw("run --no-attach -- /etc/passwd"), 126);
	expect(err_out, "/etc/passwd: Permission denied");
	/* Its words are its own. */
	assert_int_equal(tw("run --no-attach -- echo --human --help -- x"), 0);
	assert_string_equal(out, "--human --help -- x\n");
	assert_int_equal(fake.nr_calls, 0);
}

/* It is attached, or runs without that. */
static void test_run_attached(void **state)
{
	const char *no = "the command runs all the same, and is not watched";
	bool seen = false;
	unsigned int i;

	(void)state;
	assert_int_equal(tw("run -- true"), 0);
	expect(err_out, "automatic migration is off, so nothing is scanned");
	for (i = 0; i < fake.nr_calls; i++)
		seen |= fake.calls[i].cmd == TW_IOC_ATTACH;
	assert_true(seen);
	fail_cmd = TW_IOC_ATTACH;
	fail_with = -EEXIST;
	assert_int_equal(tw("run -- false"), 1);
	assert_null(strstr(err_out, no));
	fail_with = -EPERM;
	assert_int_equal(tw("run -- false"), 1);
	expect(err_out, "CAP_SYS_PTRACE");
	expect(err_out, no);
	fake.open_errno = ENOENT;
	assert_int_equal(tw("run -- false"), 1);
	expect(err_out, "the driver is not loaded");
	expect(err_out, no);
	assert_int_equal(tw("run --agent 7 -- false"), EXIT_NO_DEVICE);
	assert_int_equal(tw("run --tiers cpu -- false"), EXIT_NO_DEVICE);
	assert_null(strstr(err_out, no));
}

/* Of the tiers there are cpu, and nvme and hdd as stores. */
static void test_run_tiers(void **state)
{
	static const struct {
		const char *list, *said;
	} cases[] = {
		{ "gpu", "the gpu tier is not bound" },
		{ "cpu,ssd", "the ssd tier is not bound" },
		{ "nvme,hdd", "name cpu or gpu, too" },
		{ "cpu,hdd", "all stores that are bound, nvme,hdd: memory can't be kept to hdd" },
		{ "cpu,nvme,hdd", "gets into nvme,hdd by the swap device alone, and swap is off" },
	};
	char words[64];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(words, sizeof(words), "run --tiers %s -- echo ran",
			 cases[i].list);
		assert_int_equal(tw(words), 1);
		expect(err_out, cases[i].said);
		assert_string_equal(out, "");
	}
}

static void test_run_usage(void **state)
{
	static const char * const wrong[] = {
		"run", "run --", "run ls", "run --limit 1G ls", "run --limit 0 -- ls",
		"run --limit x -- ls", "run --tiers x -- ls", "run --tiers cpu, -- ls",
		"run --agent x -- ls", "run --json -- ls", "--json run -- ls",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(tw(wrong[i]), EXIT_USAGE);
		assert_string_equal(out, "");
	}
	assert_int_equal(tw("run ls -l"), EXIT_USAGE);
	expect(err_out, "tw run [OPTION]... -- ls ...");
	assert_int_equal(fake.nr_calls, 0);
}

static void test_pressure_wait(void **state)
{
	(void)state;
	/* It is there already, the second one comes as an event. */
	assert_int_equal(tw("pressure --wait high cpu --json"), 0);
	assert_int_equal(expect_json(), 1);
	assert_int_equal(tw("pressure --wait critical nvme"), 0);
	assert_int_equal(tw("pressure --wait medium --falling --timeout 0 cpu"),
			 124);
	expect(out, "cpu   high");
	assert_int_equal(tw("pressure --wait high gpu"), 1);
	expect(err_out, "gpu tier is not bound");
	fail_cmd = TW_IOC_STREAM_CREATE;
	fail_with = -EPERM;
	assert_int_equal(tw("pressure --wait high cpu"), EXIT_NO_PERMISSION);
	expect(err_out, "CAP_PERFMON");
}

static void test_trace(void **state)
{
	char fault[160];

	(void)state;
	assert_int_equal(tw("trace --count 10"), 0);
	snprintf(fault, sizeof(fault), "1.000000007 cpu 0 fault write 0x8000002800000000 in nvme -> cpu major, addr 0x30, 25.0 us, agent 7, pid %d\n",
		 getpid());
	expect(out, fault);
	expect(out, "nvme -> cpu, fault, 25.0 us, failed: Input/output error");
	expect(out, "pressure nvme: critical, 48 pages used");
	expect(out, "agent-ended");
	expect(out, "request 48: done, 25.0 us, agent 7, pid ");
	expect(err_out, "tw: 10 events shown of 10 read in ");
	expect(err_out, "0 lost\n");
	assert_int_equal(tw("trace --count 9 --json"), 0);
	assert_int_equal(expect_json(), 10);
	expect(out, "\"number\":8,\"type\":\"agent-ended\"");
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

/* Events as JSON have what their type has, and nothing else. */
static void test_trace_fields(void **state)
{
	static const char * const rest[] = {
		"fault\",P,\"tier\":\"nvme\",\"to_tier\":\"cpu\",\"page\":\"0x8000002800000000\",\"agent\":7,\"agent_name\":\"7\",\"addr\":\"0x30\",\"latency_ns\":25000,\"write\":true,\"major\":true,\"first\":false}\n",
		"migrate\",P,\"tier\":\"nvme\",\"to_tier\":\"cpu\",\"page\":\"0x8000002800000001\",\"agent\":7,\"agent_name\":\"7\",\"reason\":\"fault\",\"latency_ns\":25000,\"status\":-5,\"asked\":false}\n",
		"pressure\",P,\"tier\":\"nvme\",\"level\":\"critical\",\"used\":48}\n",
		"limit\",P,\"tier\":\"nvme\",\"agent\":7,\"agent_name\":\"7\",\"page\":\"0x8000002800000003\",\"addr\":\"0x30\",\"status\":0}\n",
		"tier-bound\",P,\"tier\":\"nvme\",\"capacity\":48}\n",
		"tier-unbound\",P,\"tier\":\"nvme\"}\n",
		"tier-error\",P,\"tier\":\"nvme\",\"status\":0}\n",
		"agent-created\",P,\"agent\":7,\"agent_name\":\"7\"}\n",
		"agent-ended\",P,\"agent\":7,\"agent_name\":\"7\"}\n",
		"request\",P,\"request\":48,\"tier\":\"nvme\",\"to_tier\":\"cpu\",\"page\":\"0x8000002800000009\",\"agent\":7,\"agent_name\":\"7\",\"reason\":\"fault\",\"latency_ns\":25000,\"status\":0}\n",
	};
	char wanted[512];
	size_t i;

	(void)state;
	assert_int_equal(tw("trace --count 10 --json"), 0);
	assert_int_equal(expect_json(), 11);
	for (i = 0; i < ARRAY_SIZE(rest); i++) {
		const char *p = strchr(rest[i], 'P');

		snprintf(wanted, sizeof(wanted),
			 "{\"schema\":\"tierwatch/trace/1\",\"time_ns\":1000000007,\"cpu\":0,\"number\":%zu,\"type\":\"%.*s\"pid\":%d%s",
			 i, (int)(p - rest[i]), rest[i], getpid(), p + 1);
		expect(out, wanted);
	}
}

/* What this process has used so far is none of the work's. */
static void test_cpu_time(void **state)
{
	char path[] = "/tmp/tw-record-XXXXXX", cmd[128];
	int fd = mkstemp(path);
	const char *cpu;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	while (cpu_ns() < NS_PER_SEC / 2)
		;
	assert_int_equal(tw("trace --count 1 --quiet --json"), 0);
	cpu = strstr(out, "\"cpu_ns\":");
	assert_non_null(cpu);
	assert_true(strtoull(cpu + 9, NULL, 10) < NS_PER_SEC / 4);
	snprintf(cmd, sizeof(cmd), "record --count 1 -o %s --json", path);
	assert_int_equal(tw(cmd), 0);
	cpu = strstr(out, "\"cpu_ns\":");
	assert_non_null(cpu);
	assert_true(strtoull(cpu + 9, NULL, 10) < NS_PER_SEC / 4);
	unlink(path);
}

/* The filters, of the ten events that there are. */
static void test_trace_filters(void **state)
{
	char cmd[80];

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
	snprintf(cmd, sizeof(cmd), "trace --duration 1ms --pid %d --json",
		 getpid());
	assert_int_equal(tw(cmd), 0);
	assert_int_equal(expect_json(), 11);
	assert_int_equal(tw("trace --duration 1ms --pid 1 --json"), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"shown\":0,\"read\":10,");
	/* Beyond all numbers that processes have. */
	assert_int_equal(tw("trace --duration 1ms --pid 2147483647"), 1);
	assert_string_equal(out, "");
	expect(err_out, "there is no process 2147483647");
}

static void test_top(void **state)
{
	(void)state;
	assert_int_equal(tw("top --once --interval 100ms"), 0);
	expect(out, "regions 3, agents 0, streams 0");
	expect(out, "\ncpu   not bound\n");
	expect(out, "\nof it swap: nvme 20K\n");
	/* The policy is off there. */
	expect(out, "\nheat comes from faults alone, nothing scans: ");
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
	expect(out, "\"faults_only\":true}");
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
	assert_int_equal(tw("migrate cpu 0x8000002800000001"), 0);
	assert_string_equal(out, "0x8000002800000001: moved\n");
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
	fail_with = 0;
	assert_int_equal(tw("migrate cpu 1..3 --json"), 1);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"total\":2,\"done\":2,\"moved\":1,");
	expect(out, "\"failures\":{\"busy\":1}");
	assert_int_equal(tw("migrate cpu 1..3"), 1);
	expect(out, "1 pages (4.0 KiB) moved to cpu, 1 failed\n");
	assert_int_equal(tw("page 1 2"), 1);
	expect(out, "0x1                cpu   memory       1     99    0 warm 0 kept\n");
	expect(out, "no such page");
	assert_int_equal(tw("page 1"), 0);
	assert_int_equal(tw("page 1..3 --json"), 1);
	assert_int_equal(expect_json(), 1);
	assert_int_equal(tw("page --pid 2147483647 0x1000"), 1);
	expect(err_out, "no process 2147483647");
}

/* An address of an attached process is a page's, of one that is not it is none. */
static void test_page_attached(void **state)
{
	char words[96], wanted[96];

	(void)state;
	snprintf(words, sizeof(words), "page --pid %d 0x7010", getpid());
	snprintf(wanted, sizeof(wanted), "0x%llx ",
		 (unsigned long long)TW_PAGE(5, 7));
	assert_int_equal(tw(words), 0);
	expect(out, wanted);
	expect(out, " at 0x7000 kept");
	snprintf(words, sizeof(words), "page --json --pid %d 0x7000..0x8000",
		 getpid());
	assert_int_equal(tw(words), 0);
	assert_int_equal(expect_json(), 1);
	expect(out, "\"attached\":false}");
	/* Beyond all memory of a program. */
	snprintf(words, sizeof(words), "page --pid %d 0xffffffffff000000", getpid());
	assert_int_equal(tw(words), 1);
	expect(err_out, "is not in a region");
	snprintf(words, sizeof(words), "migrate --pid %d cpu 0x7000", getpid());
	assert_int_equal(tw(words), 1);
	expect(err_out, "is not in a region");
	fail_cmd = TW_IOC_ATTACHED;
	fail_with = -ENOENT;
	snprintf(words, sizeof(words), "page --pid %d 0x7000", getpid());
	assert_int_equal(tw(words), 1);
	expect(err_out, "is not in a region");
	/* An older driver knows of none. */
	fail_with = -ENOTTY;
	assert_int_equal(tw(words), 1);
	expect(err_out, "is not in a region");
	fail_with = -EIO;
	assert_int_equal(tw(words), 1);
	expect(err_out, "listing attachments: Input/output error");
}

static void test_format_refuses(void **state)
{
	char path[] = "/tmp/tw-format-XXXXXX", cmd[64], byte;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	snprintf(cmd, sizeof(cmd), "tier format --force %s", path);
	assert_int_equal(tw(cmd), 1);
	expect(err_out, "too small");
	assert_int_equal(read(fd, &byte, 1), 0);
	close(fd);
	unlink(path);
	assert_int_equal(tw("tier format /dev/null"), 1);
	expect(err_out, "neither a block device nor a file");
	assert_int_equal(tw("tier format /nowhere/at/all"), 1);
	expect(err_out, "No such file");
}

int main(void)
{
#define TW_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TW_TEST(test_help),
		TW_TEST(test_every_help),
		TW_TEST(test_suggestions),
		TW_TEST(test_globals),
		TW_TEST(test_usage),
		TW_TEST(test_no_device),
		TW_TEST(test_tier_list),
		TW_TEST(test_bind),
		TW_TEST(test_bind_errors),
		TW_TEST(test_unbind),
		TW_TEST(test_resize),
		TW_TEST(test_pressure),
		TW_TEST(test_stats),
		TW_TEST(test_agent),
		TW_TEST(test_agent_limit),
		TW_TEST(test_group_limit),
		TW_TEST(test_policy),
		TW_TEST(test_status),
		TW_TEST(test_metrics),
		TW_TEST(test_swap_status),
		TW_TEST(test_swap_on),
		TW_TEST(test_swap_off),
		TW_TEST(test_attach),
		TW_TEST(test_attached),
		TW_TEST(test_detach),
		TW_TEST(test_attach_usage),
		TW_TEST(test_run),
		TW_TEST(test_run_attached),
		TW_TEST(test_run_tiers),
		TW_TEST(test_run_usage),
		TW_TEST(test_pressure_wait),
		TW_TEST(test_trace),
		TW_TEST(test_trace_fields),
		TW_TEST(test_trace_filters),
		TW_TEST(test_cpu_time),
		TW_TEST(test_top),
		TW_TEST(test_record),
		TW_TEST(test_pages),
		TW_TEST(test_page_attached),
		TW_TEST(test_format_refuses),
	};

	return cmocka_run_group_tests_name("tw command", tests, NULL, NULL);
}
