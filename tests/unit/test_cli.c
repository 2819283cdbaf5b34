// SPDX-License-Identifier: GPL-2.0
/*
 * What users type, what tw prints, and the signature of a store.
 */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/number.h"
#include "base/suggest.h"
#include "base/term.h"
#include "base/text.h"
#include "machine/check.h"
#include "machine/super.h"

static void test_tier_names(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < TW_NR_TIERS; i++)
		assert_int_equal(tw_tier_parse(tw_tier_name(i)), i);
	assert_int_equal(tw_tier_parse("NVMe"), TW_TIER_NVME);
	assert_int_equal(tw_tier_parse(""), -EINVAL);
	assert_int_equal(tw_tier_parse("none"), -EINVAL);
	assert_int_equal(tw_tier_parse("cpux"), -EINVAL);
	assert_int_equal(tw_tier_parse(NULL), -EINVAL);
	assert_string_equal(tw_tier_name(TW_TIER_NONE), "none");
	assert_string_equal(tw_tier_name(-1), "?");
	assert_string_equal(tw_tier_name(TW_NR_TIERS), "?");
}

static void test_other_names(void **state)
{
	int i, j;

	(void)state;
	for (i = 0; i < TW_NR_REASONS; i++)
		assert_string_not_equal(tw_reason_name(i), "?");
	assert_string_equal(tw_reason_name(TW_NR_REASONS), "?");
	for (i = 1; i < TW_NR_EVENTS; i++) {
		assert_string_not_equal(tw_event_name(i), "?");
		for (j = 1; j < i; j++)
			assert_string_not_equal(tw_event_name(i),
						tw_event_name(j));
	}
	assert_string_equal(tw_event_name(0), "?");
	assert_string_equal(tw_event_name(TW_NR_EVENTS), "?");
	assert_string_equal(tw_level_name(TW_PRESSURE_CRITICAL), "critical");
	assert_string_equal(tw_level_name(TW_PRESSURE_CRITICAL + 1), "?");
}

static void test_size(void **state)
{
	static const struct {
		const char *text;
		int err;
		__u64 bytes;
	} cases[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "64M", 0, 64ULL << 20 },
		{ "64m", 0, 64ULL << 20 },
		{ "64MiB", 0, 64ULL << 20 },
		{ "64MB", 0, 64ULL << 20 },
		{ "1G", 0, 1ULL << 30 },
		{ "2T", 0, 2ULL << 40 },
		{ "15E", 0, 15ULL << 60 },
		{ "16E", -ERANGE, 0 },
		{ "18446744073709551615", 0, ~0ULL },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ "1X", -EINVAL, 0 },
		{ "1Mx", -EINVAL, 0 },
		{ "1M ", -EINVAL, 0 },
		{ "M", -EINVAL, 0 },
		{ "1.5G", -EINVAL, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		__u64 bytes = 42;

		assert_int_equal(parse_size(cases[i].text, &bytes),
				 cases[i].err);
		/* What isn't a size leaves the old value. */
		if (cases[i].err)
			assert_int_equal(bytes, 42);
		else
			assert_true(bytes == cases[i].bytes);
	}
}

static void test_u64(void **state)
{
	__u64 v = 42;

	(void)state;
	assert_int_equal(parse_u64("x", &v), -EINVAL);
	assert_int_equal(parse_u64("-1", &v), -EINVAL);
	assert_int_equal(parse_u64("1 ", &v), -EINVAL);
	assert_int_equal(parse_u64("18446744073709551616", &v), -ERANGE);
	assert_int_equal(parse_u64("", &v), -EINVAL);
	assert_int_equal(parse_u64("0x10", &v), -EINVAL);
	assert_int_equal(v, 42);
	/* Zeroes at the beginning mean nothing. */
	assert_int_equal(parse_u64("0100", &v), 0);
	assert_int_equal(v, 100);
	assert_int_equal(parse_u64("09", &v), 0);
	assert_int_equal(v, 9);
	assert_int_equal(parse_u64("18446744073709551615", &v), 0);
	assert_true(v == ~0ULL);
}

static void test_addr(void **state)
{
	__u64 v = 42;

	(void)state;
	assert_int_equal(parse_addr("", &v), -EINVAL);
	assert_int_equal(parse_addr("0x", &v), -EINVAL);
	assert_int_equal(parse_addr("0xg", &v), -EINVAL);
	assert_int_equal(parse_addr("0x0x1", &v), -EINVAL);
	assert_int_equal(parse_addr("ff", &v), -EINVAL);
	assert_int_equal(parse_addr("-0x1", &v), -EINVAL);
	assert_int_equal(parse_addr("0x10000000000000000", &v), -ERANGE);
	assert_int_equal(v, 42);
	assert_int_equal(parse_addr("0x8000002800000001", &v), 0);
	assert_true(v == 0x8000002800000001ULL);
	assert_int_equal(parse_addr("0XfF", &v), 0);
	assert_int_equal(v, 255);
	assert_int_equal(parse_addr("010", &v), 0);
	assert_int_equal(v, 10);
}

static void test_within(void **state)
{
	__u64 v = 42, w = 43;

	(void)state;
	assert_int_equal(parse_within("0", 1, 9, &v), -ERANGE);
	assert_int_equal(parse_within("10", 1, 9, &v), -ERANGE);
	assert_int_equal(parse_within("x", 1, 9, &v), -EINVAL);
	assert_int_equal(v, 42);
	assert_int_equal(parse_within("009", 1, 9, &v), 0);
	assert_int_equal(v, 9);
	assert_int_equal(parse_pair("1", 'x', &v, &w), -EINVAL);
	assert_int_equal(parse_pair("1x", 'x', &v, &w), -EINVAL);
	assert_int_equal(parse_pair("-1x2", 'x', &v, &w), -EINVAL);
	assert_int_equal(parse_pair("1x 2", 'x', &v, &w), -EINVAL);
	assert_int_equal(parse_pair("1x2x", 'x', &v, &w), -EINVAL);
	assert_int_equal(v, 9);
	assert_int_equal(w, 43);
	assert_int_equal(parse_pair("010x20", 'x', &v, &w), 0);
	assert_int_equal(v, 10);
	assert_int_equal(w, 20);
}

static void test_clean(void **state)
{
	static const struct {
		const char *dirty;
		const char *clean;
		const char *utf8;
	} cases[] = {
		{ "plain", "plain", "plain" },
		{ "", "", "" },
		{ "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		  "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		  "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		/* Cut inside a letter, and a letter's end alone */
		{ "cut\xe2\x82", "cut??", "cut??" },
		{ "\xc3", "?", "?" },
		{ "\xa9x", "?x", "?x" },
		/* Too long for what it says, half a pair, beyond the last */
		{ "\xc0\xaf", "??", "??" },
		{ "\xe0\x80\xaf", "???", "???" },
		{ "\xed\xa0\x80", "???", "???" },
		{ "\xf4\x90\x80\x80", "????", "????" },
		{ "\xff\xfe", "??", "??" },
		/* For the terminal, in JSON they are escaped */
		{ "\033[2J\a\n\t\177", "?[2J????", "\033[2J\a\n\t\177" },
		{ "\302\23331m", "??31m", "\302\23331m" },
		{ "a\342\200\256b", "a???b", "a\342\200\256b" },
	};
	char buf[32];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		strcpy(buf, cases[i].dirty);
		assert_ptr_equal(text_clean(buf), buf);
		assert_string_equal(buf, cases[i].clean);
		assert_true(text_is_clean(buf));
		assert_int_equal(text_is_clean(cases[i].dirty),
				 !strcmp(cases[i].dirty, buf));
		assert_string_equal(text_shown(cases[i].dirty), buf);
		strcpy(buf, cases[i].dirty);
		assert_string_equal(text_utf8(buf), cases[i].utf8);
	}
}

static void test_nodes(void **state)
{
	char buf[NODES_LEN];
	__u64 n = 42;

	(void)state;
	assert_int_equal(parse_nodes("", &n), -EINVAL);
	assert_int_equal(parse_nodes("1,", &n), -EINVAL);
	assert_int_equal(parse_nodes("3-1", &n), -EINVAL);
	assert_int_equal(parse_nodes("1-", &n), -EINVAL);
	assert_int_equal(parse_nodes("64", &n), -ERANGE);
	assert_int_equal(parse_nodes("0-99999999999999999999", &n), -ERANGE);
	assert_int_equal(n, 42);
	assert_int_equal(parse_nodes("0", &n), 0);
	assert_true(n == 1);
	assert_int_equal(parse_nodes("63,0,2-4", &n), 0);
	assert_true(n == ((1ULL << 63) | 0x1d));
	assert_string_equal(text_nodes(buf, n), "0,2-4,63");
	assert_int_equal(parse_nodes("0-63", &n), 0);
	assert_true(n == ~0ULL);
	assert_string_equal(text_nodes(buf, n), "0-63");
	/* The longest there is. */
	assert_true(strlen(text_nodes(buf, 0x5555555555555555ULL)) <
		    NODES_LEN);
	assert_string_equal(text_nodes(buf, 0), "");
}

static void test_events(void **state)
{
	__u64 m = 42;

	(void)state;
	assert_int_equal(parse_events("", &m), -EINVAL);
	assert_int_equal(parse_events("fault,", &m), -EINVAL);
	assert_int_equal(parse_events("faul", &m), -EINVAL);
	assert_int_equal(parse_events("faults", &m), -EINVAL);
	assert_int_equal(m, 42);
	assert_int_equal(parse_events("fault,tier-unbound", &m), 0);
	assert_true(m == (TW_EVENT_BIT(TW_EVENT_FAULT) |
			  TW_EVENT_BIT(TW_EVENT_TIER_UNBOUND)));
	assert_int_equal(parse_events("all", &m), 0);
	assert_true(m == TW_EVENT_ALL);
}

static void test_texts(void **state)
{
	char buf[TEXT_LEN];

	(void)state;
	assert_string_equal(text_bytes(buf, 0), "0 B");
	assert_string_equal(text_bytes(buf, 1023), "1023 B");
	assert_string_equal(text_bytes(buf, 1536), "1.5 KiB");
	assert_string_equal(text_bytes(buf, 300ULL << 30), "300 GiB");
	assert_string_equal(text_bytes(buf, ~0ULL), "16.0 EiB");
	assert_string_equal(text_ns(buf, 50), "50 ns");
	assert_string_equal(text_ns(buf, 20000), "20.0 us");
	assert_string_equal(text_ns(buf, 10000000), "10.0 ms");
	assert_string_equal(text_ns(buf, 12345ULL * 1000000000), "12345 s");
	assert_string_equal(text_page(buf, TW_PAGE(5, 1)),
			    "0x8000002800000001");
}

static void test_crc32c(void **state)
{
	__u8 buf[32];
	int i;

	(void)state;
	/* Check value, and test vectors of RFC 3720, B.4. */
	assert_int_equal(super_crc32c("123456789", 9), 0xe3069283);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(super_crc32c(buf, 32), 0x8a9136aa);
	memset(buf, 0xff, sizeof(buf));
	assert_int_equal(super_crc32c(buf, 32), 0x62a8ab43);
	for (i = 0; i < 32; i++)
		buf[i] = i;
	assert_int_equal(super_crc32c(buf, 32), 0x46dd794e);
	assert_int_equal(super_crc32c(buf, 0), 0);
}

static void test_super(void **state)
{
	static const __u8 uuid[16] = "0123456789abcde";
	__u8 block[TW_STORE_SUPER_SIZE + 1];
	char label[100];
	struct tw_store_super s;
	struct super read;
	size_t i;
	__u32 crc;

	(void)state;
	memset(block, 0xa5, sizeof(block));
	memset(label, 'x', sizeof(label));
	label[99] = '\0';
	assert_false(super_is_ours(block));
	super_make(block, 0x123456789aULL, uuid, label, TW_TIER_SSD);
	assert_true(super_is_ours(block));
	/* The layout, by the byte: it is on disks. */
	assert_memory_equal(block, "TIERWTCH\1\0\0\0", 12);
	assert_memory_equal(block + 16, "\x9a\x78\x56\x34\x12\0\0\0", 8);
	assert_memory_equal(block + 24, uuid, 16);
	for (i = 0; i < 63; i++)
		assert_int_equal(block[40 + i], 'x');
	assert_memory_equal(block + 103, "\0\4\0\0\0", 5);
	for (i = 108; i < TW_STORE_SUPER_SIZE; i++)
		assert_int_equal(block[i], 0);
	assert_int_equal(block[TW_STORE_SUPER_SIZE], 0xa5);
	assert_true(super_read(&read, block));
	assert_int_equal(read.bytes, 0x123456789aULL);
	assert_int_equal(read.tier, TW_TIER_SSD);
	assert_int_equal(strlen(read.label), 63);
	assert_string_equal(read.uuid, "30313233-3435-3637-3839-616263646500");
	/* Any byte of it that is not as it was: it is ours, and says nothing. */
	for (i = 8; i < TW_STORE_SUPER_SIZE; i += i < 120 ? 1 : 997) {
		block[i] ^= 1;
		assert_true(super_is_ours(block));
		assert_false(super_read(&read, block));
		assert_int_equal(read.tier, TW_TIER_NONE);
		block[i] ^= 1;
	}
	memcpy(&s, block, sizeof(s));
	crc = le32toh(s.crc);
	s.crc = 0;
	memcpy(block, &s, sizeof(s));
	assert_int_equal(crc, super_crc32c(block, TW_STORE_SUPER_SIZE));
	super_make(block, 1, uuid, NULL, TW_TIER_NONE);
	assert_int_equal(block[40], 0);
	assert_int_equal(block[104], 0);
	assert_true(super_read(&read, block));
	assert_int_equal(read.tier, TW_TIER_NONE);
}

static void test_store_tags(void **state)
{
	static const char * const good[] = {
		"UUID=30313233-3435-3637-3839-61626364ab00",
		"uuid=30313233-3435-3637-3839-61626364AB00", "LABEL=x",
		"label=a b=c",
	}, * const bad[] = {
		"", "x", "UUID=", "LABEL=", "PARTUUID=30313233-3435-3637-3839-61626364ab00",
		"UUID=30313233-3435-3637-3839-61626364ab0",
		"UUID=30313233-3435-3637-3839-61626364ab000",
		"UUID=30313233-3435-3637-3839-61626364ab0g",
		"UUID=303132333435-3637-3839-61626364ab0000",
		"LABEL=0123456789012345678901234567890123456789012345678901234567890123",
	};
	struct super super = { .label = "x",
			       .uuid = "30313233-3435-3637-3839-61626364ab00" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(store_tag_ok(good[i]));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(store_tag_ok(bad[i]));
	for (i = 0; i < 3; i++)
		assert_true(store_tag_is(good[i], &super));
	assert_false(store_tag_is(good[3], &super));
	assert_false(store_tag_is("LABEL=X", &super));
	super.uuid[0] = '4';
	assert_false(store_tag_is(good[0], &super));
}

/* What sysfs says of a device, and what is said of it then. */
static void test_device_fits(void **state)
{
	static const struct {
		struct device_look look;
		const char *why;
	} cases[] = {
		{ { .bytes = 1 << 30 }, NULL },
		{ { .bytes = 1 << 30, .block = 4096 }, NULL },
		{ { .bytes = TW_STORE_DATA + 16 * 4096 }, NULL },
		{ { .bytes = TW_STORE_DATA + 16 * 4096 - 1 }, "is too small" },
		{ { .bytes = 0 }, "is too small" },
		{ { .bytes = 1 << 30, .read_only = true }, "is read-only" },
		{ { .bytes = 1 << 30, .zoned = true }, "is zoned" },
		{ { .bytes = 1 << 30, .block = 8192 },
		  "has blocks of 8192 bytes, larger than pages of 4096" },
	};
	const struct device_look small = { .bytes = TW_STORE_DATA + 20 * 4096 };
	struct device_wrong wrong;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (!cases[i].why) {
			assert_true(device_fits(&cases[i].look, &wrong));
			continue;
		}
		assert_false(device_fits(&cases[i].look, &wrong));
		assert_non_null(strstr(wrong.why, cases[i].why));
		assert_int_equal(wrong.code, EXIT_FAILURE);
	}
	assert_true(device_has_room(&small, 0, &wrong));
	assert_true(device_has_room(&small, 20 * 4096, &wrong));
	assert_false(device_has_room(&small, 21 * 4096, &wrong));
	assert_non_null(strstr(wrong.why, "less than the capacity asked for, 84.0 KiB"));
	assert_false(device_has_room(&small, 15 * 4096, &wrong));
	assert_non_null(strstr(wrong.why, "65536 at least"));
}

static void test_json(void **state)
{
	char out[512] = "";
	int pipefd[2], saved;
	ssize_t n;

	(void)state;
	fflush(stdout);
	assert_int_equal(pipe(pipefd), 0);
	saved = dup(1);
	dup2(pipefd[1], 1);
	json_begin(JSON_TIER);
	json_u64("u", ~0ULL);
	json_s64("s", -5);
	json_str("t", "a\"b\\c\nd");
	json_str("cut", "\xe2\x82");
	json_open("empty", '[');
	json_close(']');
	json_open("list", '[');
	json_u64(NULL, 1);
	json_open(NULL, '{');
	json_close('}');
	json_bool(NULL, true);
	json_close(']');
	json_page("p", 255);
	json_close('}');
	json_end();
	json_open(NULL, '[');
	json_close(']');
	json_end();
	json_open(NULL, '[');
	json_begin(JSON_AGENT);
	json_close('}');
	json_begin(JSON_AGENT);
	json_open("within", '{');
	json_close('}');
	json_close('}');
	json_close(']');
	json_end();
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	close(pipefd[1]);
	n = read(pipefd[0], out, sizeof(out) - 1);
	close(pipefd[0]);
	assert_true(n > 0);
	assert_string_equal(out,
			    "{\"schema\":\"tierwatch/tier/1\",\"u\":18446744073709551615,\"s\":-5,"
			    "\"t\":\"a\\\"b\\\\c\\nd\",\"cut\":\"??\",\"empty\":[],"
			    "\"list\":[1,{},true],\"p\":\"0xff\"}\n[]\n"
			    "[{\"schema\":\"tierwatch/agent/1\"},"
			    "{\"schema\":\"tierwatch/agent/1\",\"within\":{}}]\n");
}

/* What would be printed without saying what it is ends the program: a mistake. */
static void test_json_nameless(void **state)
{
	int how, status;
	pid_t pid;

	(void)state;
	for (how = 0; how < 3; how++) {
		pid = fork();
		assert_true(pid >= 0);
		if (!pid) {
			signal(SIGABRT, SIG_DFL);
			if (how == 1)
				json_open(NULL, '[');
			if (how == 2) {
				json_begin(JSON_TIER);
				json_begin(JSON_TIER);
			}
			json_open(NULL, '{');
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
	}
}

static void test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned int distance;
	} cases[] = {
		{ "", "", 0 }, { "", "nvme", 4 }, { "nvme", "", 4 },
		{ "nvme", "NVMe", 0 }, { "nvm", "nvme", 1 },
		{ "nvmee", "nvme", 1 }, { "nwme", "nvme", 1 },
		{ "nmve", "nvme", 1 }, { "mnve", "nvme", 2 },
		{ "kitten", "sitting", 3 }, { "hdd", "ssd", 2 },
		/* A swapped pair isn't changed a second time. */
		{ "ca", "abc", 3 },
	};
	char longest[40];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(suggest_distance(cases[i].a, cases[i].b),
				 cases[i].distance);
	memset(longest, 'x', sizeof(longest));
	longest[32] = '\0';
	assert_int_equal(suggest_distance(longest, longest), 0);
	longest[32] = 'x';
	longest[33] = '\0';
	assert_int_equal(suggest_distance(longest, longest), ~0U);
}

static void test_suggest(void **state)
{
	static const char * const names[] = {
		"gpu", "cpu", "nvme", "ssd", "hdd", "migrate", "policy",
	};
	static const struct {
		const char *word, *meant;
	} cases[] = {
		{ "nmve", "nvme" }, { "NVM", "nvme" }, { "sdd", "ssd" },
		{ "hd", "hdd" }, { "migarte", "migrate" }, { "mig", "migrate" },
		{ "polcy", "policy" }, { "xpu", "gpu" }, { "m", NULL },
		{ "", NULL }, { "tape", NULL }, { "disk", NULL },
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", NULL },
	};
	const char *meant;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		meant = suggest(cases[i].word, names, ARRAY_SIZE(names));
		assert_int_equal(!meant, !cases[i].meant);
		if (meant)
			assert_string_equal(meant, cases[i].meant);
	}
	assert_null(suggest("nvme", names, 0));
}

static void test_counts(void **state)
{
	char buf[TEXT_LEN];

	(void)state;
	cli_human = false;
	assert_string_equal(text_count(buf, 1234567), "1234567");
	cli_human = true;
	assert_string_equal(text_count(buf, 999), "999");
	assert_string_equal(text_count(buf, 1000), "1.0k");
	assert_string_equal(text_count(buf, 1234567), "1.2M");
	assert_string_equal(text_count(buf, 999999), "1.0M");
	assert_string_equal(text_count(buf, ~0ULL), "18.4E");
	cli_human = false;
}

static void test_colors(void **state)
{
	(void)state;
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	assert_int_equal(color_parse("always"), 0);
	assert_string_equal(color_on(stdout, COLOR_BAD), "\033[31m");
	assert_string_equal(color_off(stdout), "\033[0m");
	assert_int_equal(color_parse("never"), 0);
	assert_string_equal(color_on(stdout, COLOR_BAD), "");
	assert_string_equal(color_off(stdout), "");
	assert_int_equal(color_parse("sometimes"), -EINVAL);
	assert_int_equal(color_parse("auto"), 0);
	assert_int_equal(color_of_level(TW_PRESSURE_LOW), COLOR_GOOD);
	assert_int_equal(color_of_level(TW_PRESSURE_CRITICAL), COLOR_BAD);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tier_names),
		cmocka_unit_test(test_other_names),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_addr),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_crc32c),
		cmocka_unit_test(test_super),
		cmocka_unit_test(test_store_tags),
		cmocka_unit_test(test_device_fits),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_nameless),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_suggest),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_colors),
	};

	return cmocka_run_group_tests_name("tw", tests, NULL, NULL);
}
