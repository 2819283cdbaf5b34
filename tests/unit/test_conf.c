// SPDX-License-Identifier: GPL-2.0
/*
 * Reading tierwatch.conf: what a right file says, that every wrong one is
 * refused, and that none, however broken, does harm.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/cgroup_pattern.h"
#include "base/cli.h"
#include "conf/conf.h"
#include "conf/conf_cgroup.h"

static const char right[] =
	"# a comment\n"
	"; another\n"
	"\n"
	"[tier NVMe]\n"
	"  device = /dev/disk/by-id/x # y\r\n"
	"capacity=1G\n"
	"format = yes\n"
	"[ tier cpu ]\n"
	"nodes = 0,2-3\n"
	"movable = on\n"
	"[tier hdd]\n"
	"bound = no\n"
	"[tier ssd]\n"
	"store = UUID=30313233-3435-3637-3839-61626364ab00\n"
	"optional = yes\n"
	"[swap]\n"
	"size = 2M\n"
	"priority = 32767\n"
	"[policy]\n"
	"enabled = on\n"
	"auto = off\n"
	"max_rate = 4294967295\n"
	"[agent 7]\n"
	"user = alice\n"
	"cpu = 8K\n"
	"ssd = none\n"
	"[agent 016]";

static char told[65536];

/* What was said is in told. */
static int read_text(struct conf *c, const char *text, size_t len)
{
	FILE *f = fmemopen((void *)text, len, "r"), *e = tmpfile();
	int saved, ret;
	size_t n;

	memset(c, 0, sizeof(*c));
	c->name = "conf";
	c->page_size = 4096;
	fflush(stderr);
	saved = dup(2);
	dup2(fileno(e), 2);
	ret = conf_read(c, f);
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	rewind(e);
	n = fread(told, 1, sizeof(told) - 1, e);
	told[n] = '\0';
	fclose(e);
	fclose(f);
	return ret;
}

static void test_right(void **state)
{
	struct tw_policy p = { .enabled = 0, .mode = TW_POLICY_MODES };
	struct conf c;

	(void)state;
	assert_int_equal(read_text(&c, right, strlen(right)), 0);
	assert_string_equal(told, "");
	assert_int_equal(c.tiers[TW_TIER_NVME].line, 4);
	/* What stands behind a value belongs to it. */
	assert_string_equal(c.tiers[TW_TIER_NVME].device,
			    "/dev/disk/by-id/x # y");
	assert_true(c.tiers[TW_TIER_NVME].capacity == 1 << 30);
	assert_true(c.tiers[TW_TIER_NVME].format);
	assert_true(c.tiers[TW_TIER_CPU].nodes == 0xd);
	assert_true(c.tiers[TW_TIER_CPU].movable);
	assert_true(c.tiers[TW_TIER_HDD].unbound);
	assert_false(c.tiers[TW_TIER_HDD].optional);
	assert_string_equal(c.tiers[TW_TIER_SSD].device, "");
	assert_string_equal(c.tiers[TW_TIER_SSD].store,
			    "UUID=30313233-3435-3637-3839-61626364ab00");
	assert_true(c.tiers[TW_TIER_SSD].optional);
	assert_int_equal(c.tiers[TW_TIER_GPU].line, 0);
	assert_int_equal(c.swap.line, 16);
	assert_true(c.swap.bytes == 2 << 20);
	assert_int_equal(c.swap.priority, 32767);
	assert_int_equal(c.policy_line, 19);
	assert_int_equal(conf_policy(&c, &p), 3);
	assert_int_equal(p.enabled, 1);
	assert_int_equal(p.mode, TW_POLICY_UNMAP);
	assert_int_equal(p.max_rate, ~0U);
	/* And again there is nothing to change. */
	assert_int_equal(conf_policy(&c, &p), 0);
	assert_int_equal(c.nr_agents, 2);
	assert_string_equal(c.agents[0].user, "alice");
	assert_int_equal(c.agents[0].set, 1 << TW_TIER_CPU | 1 << TW_TIER_SSD);
	assert_true(c.agents[0].bytes[TW_TIER_CPU] == 8192);
	assert_true(c.agents[0].bytes[TW_TIER_SSD] == TW_NO_LIMIT);
	assert_true(c.agents[1].id == 16);
	conf_free(&c);
}

/* Only enabled has a third value. */
static void test_watch(void **state)
{
	static const char text[] = "[policy]\nenabled = watch\n";
	static const char wrong[] = "[policy]\nauto = watch\n";
	struct tw_policy p = { .enabled = TW_POLICY_ON };
	struct conf c;

	(void)state;
	assert_int_equal(read_text(&c, text, strlen(text)), 0);
	assert_int_equal(conf_policy(&c, &p), 1);
	assert_int_equal(p.enabled, TW_POLICY_WATCH);
	conf_free(&c);
	assert_int_not_equal(read_text(&c, wrong, strlen(wrong)), 0);
	assert_non_null(strstr(told, "auto"));
	conf_free(&c);
}

#define NVME "[tier nvme]\ndevice = /dev/x\n"

/* Levels of pressure: by their own numbers, or 5 lower by itself. */
static void test_levels(void **state)
{
	static const char text[] = NVME "high = 75,60\ncritical = 90\n";
	static const char * const wrong[] = {
		NVME "high = 101\n", NVME "high = 75,75\n",
		NVME "high = 75,\n", NVME "high = 5\n",
		NVME "high = 75 60\n", NVME "low = 75\n",
		NVME "high = 75\nhigh = 76\n", "[policy]\nhigh = 75\n",
	};
	struct tw_thresholds t = { .enter = { 70, 85, 95 }, .leave = { 65, 80, 90 } };
	struct conf c;
	size_t i;

	(void)state;
	assert_int_equal(read_text(&c, text, strlen(text)), 0);
	assert_int_equal(c.tiers[TW_TIER_NVME].levels.set, 6);
	/* Leaving MEDIUM below 65 % and HIGH below 60 % do not fit. */
	assert_false(levels_merge(&c.tiers[TW_TIER_NVME].levels, &t));
	t.leave[0] = 50;
	assert_true(levels_merge(&c.tiers[TW_TIER_NVME].levels, &t));
	assert_int_equal(t.enter[1], 75);
	assert_int_equal(t.leave[1], 60);
	assert_int_equal(t.enter[2], 90);
	assert_int_equal(t.leave[2], 85);
	assert_int_equal(t.enter[0], 70);
	conf_free(&c);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_not_equal(read_text(&c, wrong[i], strlen(wrong[i])), 0);
		conf_free(&c);
	}
}

/* Limits of users and cgroups; no path is told apart by how it is written. */
static void test_groups(void **state)
{
	static const char text[] =
		"[user alice]\ncpu = 8K\n"
		"[cgroup /a/b/]\nhdd = none\n"
		"[cgroup /sys/fs/cgroup]\ngpu = 0\n";
	static const char * const wrong[] = {
		"[user alice]\n[user alice]\n", "[user]\n",
		"[user alice]\nuser = bob\n", "[cgroup a]\n", "[cgroup]\n",
		"[cgroup /a]\n[cgroup /sys/fs/cgroup/a/]\n",
		"[cgroup /a]\nuser = bob\n",
	};
	struct conf c;
	size_t i;

	(void)state;
	assert_int_equal(read_text(&c, text, strlen(text)), 0);
	assert_int_equal(c.nr_agents, 3);
	assert_int_equal(c.agents[0].whose, CONF_USER);
	assert_string_equal(c.agents[0].user, "alice");
	assert_int_equal(c.agents[1].whose, CONF_CGROUP);
	assert_string_equal(c.agents[1].path, "/a/b");
	assert_string_equal(c.agents[2].path, "/");
	assert_int_equal(c.agents[2].set, 1 << TW_TIER_GPU);
	conf_free(&c);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(read_text(&c, wrong[i], strlen(wrong[i])),
				 -EINVAL);
		conf_free(&c);
	}
}

/* What patterns match, and what may have such below it. */
static void test_pattern_matches(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool matches, reaches;
	} t[] = {
		{ "/a/*/c", "/a/b/c", true, false },
		{ "/a/*/c", "/a/b/c/d", false, false },
		{ "/a/*/c", "/a/b", false, true },
		{ "/a/*/c", "/b", false, false },
		{ "/a/*/c", "/a/b/b/c", false, false },
		{ "/a/*/c", "/", false, true },
		{ "/*", "/a", true, false },
		{ "/*", "/a/b", false, false },
		{ "/*/x", "/.a", false, true },
		{ "/a?[0-9]", "/ab7", true, false },
		{ "/a?[0-9]", "/ab", false, false },
		{ "/a[!b]", "/ab", false, false },
		{ "/a\\x2d*", "/a\\x2db", true, false },
		{ "/a\\x2d*", "/a-b", false, false },
		{ "/a", "/a", true, false },
		{ "/", "/", true, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		if (pattern_matches(t[i].pattern, t[i].path) != t[i].matches ||
		    pattern_reaches(t[i].pattern, t[i].path) != t[i].reaches)
			fail_msg("%s and %s", t[i].pattern, t[i].path);
	}
}

static void test_patterns_read(void **state)
{
	static const char text[] =
		"[agent /k/*/pod-[ab]]\ncpu = 8K\n"
		"[agent /sys/fs/cgroup/k/*/]\ncpu = 4K\nhdd = none\n"
		"[cgroup /k/b/pod-a]\ncpu = 0\n"
		"[agent /k/*/pod-?]\ncpu = 12K\n";
	static const char * const wrong[] = {
		"[agent /a/**]\n", "[agent /a[b]\n", "[agent /a//b]\n", "[agent /a/../b]\n",
		"[agent /a/*]\n[agent /a/*]\n", "[agent /a/*]\nuser = bob\n", "[agent a/*]\n",
		"[agent /a]\n[cgroup /a]\n", "[agent /a/*]\ncpu = 1\n", "[agent /a/*]\nx = 1\n",
		"[agent /a/*] b\n", "[agent /a/.]\n",
	};
	const struct conf_agent *a;
	__u64 then[TW_NR_TIERS];
	struct conf c;
	size_t i;

	(void)state;
	assert_int_equal(read_text(&c, text, strlen(text)), 0);
	assert_int_equal(c.nr_agents, 4);
	assert_string_equal(c.agents[0].path, "/k/*/pod-[ab]");
	assert_string_equal(c.agents[1].path, "/k/*");
	/* A [cgroup] comes before all; then the last of those as specific. */
	assert_null(conf_pattern_of(&c, "/k/b/pod-a"));
	a = conf_pattern_of(&c, "/k/c/pod-a");
	assert_ptr_equal(a, &c.agents[3]);
	assert_ptr_equal(conf_pattern_of(&c, "/k/c"), &c.agents[1]);
	assert_null(conf_pattern_of(&c, "/k/c/pod-ab"));
	assert_null(conf_pattern_of(&c, "/k"));
	assert_int_equal(conf_limits(&c, &c.agents[1], (const __u64[]){ 1, 2, 3, 4, 5 }, then),
			 1 << TW_TIER_CPU | 1 << TW_TIER_HDD);
	assert_memory_equal(then, ((const __u64[]){ 1, 1, 3, 4, TW_NO_LIMIT }), sizeof(then));
	conf_free(&c);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (read_text(&c, wrong[i], strlen(wrong[i])) != -EINVAL ||
		    !strstr(told, "conf:"))
			fail_msg("%s: %s", wrong[i], told);
		conf_free(&c);
	}
}

/* A literal name is more specific than a wildcard in its place. */
static void test_pattern_weight(void **state)
{
	(void)state;
	assert_int_equal(pattern_weight("/a/*"), 3);
	assert_int_equal(pattern_weight("/a/[bc]d?"), 4);
	assert_true(pattern_weight("/k/*/pod-a") > pattern_weight("/k/*/pod-*"));
	assert_true(pattern_weight("/k/b/pod-*") > pattern_weight("/k/*/pod-*"));
}

/**
 * struct walked - what a walk came by: the paths, a space behind each
 */
struct walked {
	char matched[256];
	char entered[256];
	size_t top;
};

static int took(const char *path, void *arg)
{
	struct walked *w = arg;

	snprintf(w->matched + strlen(w->matched), 64, "%s ", path);
	return !strcmp(path, "/stop");
}

static void entered(const char *dir, void *arg)
{
	struct walked *w = arg;

	snprintf(w->entered + strlen(w->entered), 64, "%s ", dir + w->top);
}

/* Only folders that may hold some are read, and files are none. */
static void test_pattern_walk(void **state)
{
	static const char * const folders[] = { "/k", "/k/b", "/k/b/p", "/k/b/q", "/k/b/p/x",
						"/o", "/o/b", "/o/b/p", "/stop" };
	static const char * const patterns[] = { "/k/*/p", "/stop" };
	char top[] = "/tmp/cgroups-XXXXXX", path[128];
	struct walked w = { "", "", sizeof(top) - 1 };
	struct pattern_walk walk = { patterns, 1, top, entered, took, &w };
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(top));
	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s%s", top, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(path, sizeof(path), "%s/k/p", top);
	assert_int_equal(close(creat(path, 0600)), 0);
	assert_int_equal(pattern_walk(&walk), 0);
	assert_string_equal(w.matched, "/k/b/p ");
	assert_string_equal(w.entered, " /k /k/b ");
	walk.nr = 2;
	assert_int_equal(pattern_walk(&walk), 1);
	walk.top = "/nowhere";
	assert_int_equal(pattern_walk(&walk), -ENOENT);
	unlink(path);
	for (i = ARRAY_SIZE(folders); i--;) {
		snprintf(path, sizeof(path), "%s%s", top, folders[i]);
		assert_int_equal(rmdir(path), 0);
	}
	rmdir(top);
}

/* Each key of the policy: its name, and no value beyond its range. */
static void test_policy_ranges(void **state)
{
	static const struct {
		const char *name;
		unsigned long min, max;
	} keys[] = {
		{ "hot_threshold", 2, 65535 }, { "cold_threshold", 1, 65534 },
		{ "scan_permille", 1, 1000 }, { "scan_min_ms", 10, 600000 },
		{ "scan_max_ms", 10, 600000 }, { "free_permille", 1, 500 },
		{ "min_stay", 0, 255 }, { "max_rate", 0, ~0U },
	};
	char text[128];
	struct conf c;
	size_t i;
	int step;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		for (step = 0; step <= 1; step++) {
			snprintf(text, sizeof(text), "[policy]\n%s = %lu\n",
				 keys[i].name, keys[i].max + step);
			assert_int_equal(read_text(&c, text, strlen(text)),
					 step ? -EINVAL : 0);
			snprintf(text, sizeof(text), "[policy]\n%s = %lu\n",
				 keys[i].name, keys[i].min - step);
			assert_int_equal(read_text(&c, text, strlen(text)),
					 step ? -EINVAL : 0);
		}
	}
}

/* All of [swap] may be left to what there is. */
static void test_swap(void **state)
{
	struct conf c;

	(void)state;
	assert_int_equal(read_text(&c, "[swap]\n", 7), 0);
	assert_int_equal(c.swap.line, 1);
	assert_true(!c.swap.bytes && c.swap.priority < 0);
	conf_free(&c);
}

/* Numbers are decimal, also with zeroes before them. */
static void test_zeroes(void **state)
{
	static const char text[] =
		"[policy]\nhot_threshold = 0100\n[agent 010]\n[tier cpu]\nleave = 08\n";
	struct conf c;

	(void)state;
	assert_int_equal(read_text(&c, text, strlen(text)), 0);
	assert_int_equal(c.agents[0].id, 10);
	assert_int_equal(c.tiers[TW_TIER_CPU].leave, 8);
	conf_free(&c);
	assert_int_equal(read_text(&c, "[agent 010]\n[agent 8]\n", 22), 0);
	conf_free(&c);
	assert_int_equal(read_text(&c, "[agent 010]\n[agent 10]\n", 23),
			 -EINVAL);
	conf_free(&c);
}

/* No line is passed over: each of these is an error, and is the only one. */
static void test_wrong(void **state)
{
	static const char * const lines[] = {
		"x", "= 1", "x = 1", "[", "[]", "[policy", "[policy] x",
		"[policy x]", "[tier]", "[tier tape]", "[agent]", "[agent x]",
		"[agent -1]", "[policy]\nmin_stay", "[policy]\nmin_stay =",
		"[policy]\nmin_stay = -1", "[policy]\nmin_stay = 1 # x",
		"[policy]\nenabled = 1", "[tier ssd]\n",
		"[tier ssd]\ndevice = /x\nbound = no",
		"[tier ssd]\ndevice = /x\ncapacity = 0",
		"[tier gpu]\ndevice = /x\nnodes = 1",
		"[tier gpu]\nstore = LABEL=x\nleave = 5",
		"[tier gpu]\nformat = yes", "[tier cpu]\ndevice = /x",
		"[tier cpu]\nformat = no", "[tier cpu]\nnodes = 3-1",
		"[agent 1]\ncpu = 1", "[agent 1]\ncpu = all",
		"[tier ssd]\noptional = yes", "[tier cpu]\nstore = LABEL=x",
		"[tier cpu]\noptional = no", "[tier ssd]\nstore = /dev/sda",
		"[tier ssd]\nstore = UUID=1", "[tier ssd]\nstore = LABEL=",
		"[tier ssd]\nstore = LABEL=x\nformat = yes",
		"[tier ssd]\nstore = LABEL=x\noptional = perhaps",
		"[tier ssd]\nstore = LABEL=x\nbound = no",
		"[swap x]", "[swap]\n[swap]", "[swap]\nsize", "[swap]\nsize = x",
		"[swap]\nsize = 1020K", "[swap]\nsize = 2097153",
		"[swap]\npriority = -1", "[swap]\npriority = 32768",
		"[swap]\nenabled = on", "[swap]\nsize = 1G\nsize = 1G",
		/* One wrong value is one error. */
		"[tier ssd]\ndevice = /x\ncapacity = x",
		"[tier ssd]\nbound = perhaps", "[tier ssd]\ndevice = x",
		"[tier cpu]\nnodes = x\ncapacity = 1M\nleave = 5",
		/* Hexadecimal is for addresses. */
		"[agent 0x10]", "[policy]\nhot_threshold = 0x64",
		"[agent 1]\nuser = a_name_of_more_than_thirty_two_letters",
	};
	struct conf c;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		if (read_text(&c, lines[i], strlen(lines[i])) != -EINVAL ||
		    c.errors != 1)
			fail_msg("%s: %u errors: %s", lines[i], c.errors, told);
		assert_non_null(strstr(told, "conf:"));
		conf_free(&c);
	}
}

/* Bytes of a right file changed, lost and doubled: the sanitizers look on. */
static void test_broken(void **state)
{
	char text[2 * sizeof(right)];
	unsigned int i, refused = 0;
	struct conf c;
	size_t len, at;

	(void)state;
	srand(1);
	for (i = 0; i < 2000; i++) {
		len = strlen(right);
		memcpy(text, right, len);
		at = rand() % len;
		switch (i % 3) {
		case 0:
			text[at] = rand();
			break;
		case 1:
			len = at + 1;
			break;
		case 2:
			memmove(text + at, text + at / 2, len - at / 2);
			len += at - at / 2;
			break;
		}
		refused += read_text(&c, text, len) != 0;
		conf_free(&c);
	}
	assert_true(refused > 200 && refused < 2000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_pattern_matches),
		cmocka_unit_test(test_patterns_read),
		cmocka_unit_test(test_pattern_weight),
		cmocka_unit_test(test_pattern_walk),
		cmocka_unit_test(test_policy_ranges),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_zeroes),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests_name("tierwatch.conf", tests, NULL, NULL);
}
