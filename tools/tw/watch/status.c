// SPDX-License-Identifier: GPL-2.0
/*
 * tw status: all that an operator wants to know first, on one screen.
 */
#include <getopt.h>
#include <stdlib.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/stop.h"
#include "base/text.h"
#include "conf/policy_keys.h"
#include "watch/commands.h"

const char status_more[] =
	"Nothing is changed and nothing is counted anew: it is a look at the\n"
	"driver's statistics. A tier whose device has failed is named, and that\n"
	"nothing goes there for a while.\n";

/**
 * struct status - what there is to show
 * @info: the driver
 * @stats: all of it at a glance
 * @policy: the knobs
 * @tier: by enum tw_tier, as the statistics page has them
 * @room: pages that all tiers hold together
 * @room_taken: of them, in use or reserved
 * @room_reserved: of them, reserved for regions, touched or not
 * @errors: by tier: reads and writes that failed
 * @avoided_ns: by tier: for how long nothing goes there yet; 0: it is in use
 */
struct status {
	struct tw_info info;
	struct tw_module_stats stats;
	struct tw_policy policy;
	struct tw_stats_tier tier[TW_NR_TIERS];
	__u64 room, room_taken, room_reserved;
	__u64 errors[TW_NR_TIERS];
	__u64 avoided_ns[TW_NR_TIERS];
};

static int look(struct tw *tw, struct status *s)
{
	const struct tw_stats *stats;
	__u64 until, now;
	int i, err;

	err = tw_info(tw, &s->info);
	if (!err)
		err = tw_module_stats(tw, &s->stats);
	if (!err)
		err = tw_policy_get(tw, &s->policy);
	if (!err)
		err = tw_stats_map(tw, &stats);
	if (err)
		return err;
	s->room = __atomic_load_n(&stats->room, __ATOMIC_RELAXED);
	s->room_taken = __atomic_load_n(&stats->room_taken, __ATOMIC_RELAXED);
	s->room_reserved = __atomic_load_n(&stats->room_reserved,
					   __ATOMIC_RELAXED);
	now = now_ns();
	for (i = 0; i < TW_NR_TIERS; i++) {
		tw_stats_tier_read(stats, i, &s->tier[i]);
		s->errors[i] = tw_stats_counter(stats, i,
			offsetof(struct tw_stats_counters, io_errors));
		until = s->tier[i].avoided_until_ns;
		s->avoided_ns[i] = until > now ? until - now : 0;
	}
	return 0;
}

static const char *kind_name(__u32 kind)
{
	return kind == TW_KIND_NUMA ? "numa" :
	       kind == TW_KIND_STORE ? "store" : "-";
}

static double percent(__u64 part, __u64 whole)
{
	return whole ? 100.0 * part / whole : 0;
}

static __u64 own_memory(const struct tw_module_stats *m)
{
	return m->record_bytes + m->external_bytes + m->store_bytes +
	       m->stream_bytes;
}

static void json_tier(const struct status *s, int i)
{
	const struct tw_stats_tier *t = &s->tier[i];

	json_open(NULL, '{');
	json_str("tier", tw_tier_name(i));
	json_bool("bound", t->bound);
	if (t->bound) {
		json_str("kind", kind_name(t->kind));
		json_u64("used", t->used);
		json_u64("kept", t->kept);
		json_u64("swap_used", t->swap_used);
		json_u64("capacity", t->capacity);
		json_str("level", tw_level_name(t->level));
		json_bool("avoided", s->avoided_ns[i]);
		json_u64("avoided_ns", s->avoided_ns[i]);
		json_u64("io_errors", s->errors[i]);
	}
	json_close('}');
}

static void json_status(const struct status *s)
{
	const struct tw_module_stats *m = &s->stats;
	int i;

	json_begin(JSON_STATUS);
	json_str("tw", tw_version());
	json_u64("abi", s->info.abi_version);
	json_u64("page_size", s->info.page_size);
	json_open("tiers", '[');
	for (i = 0; i < TW_NR_TIERS; i++)
		json_tier(s, i);
	json_close(']');
	json_open("room", '{');
	json_u64("pages", s->room);
	json_u64("taken", s->room_taken);
	json_u64("reserved", s->room_reserved);
	json_close('}');
	json_open("policy", '{');
	json_bool("enabled", s->policy.enabled == TW_POLICY_ON);
	json_bool("watch", s->policy.enabled == TW_POLICY_WATCH);
	json_bool("auto", s->policy.mode & TW_POLICY_AUTO);
	json_close('}');
	json_u64("agents", m->agents);
	json_u64("regions", m->regions);
	json_u64("streams", m->streams);
	json_u64("pages", m->pages_tracked);
	json_u64("pages_external", m->pages_external);
	json_u64("pages_lost", m->lost);
	json_u64("faults", m->faults);
	json_u64("sigbus", m->sigbus);
	json_u64("migrations", m->migrations);
	json_u64("migrations_failed", m->migrations_failed);
	json_u64("requests_queued", m->requests_queued);
	json_u64("requests_failed", m->requests_failed);
	json_u64("events", m->events);
	json_open("memory_bytes", '{');
	json_u64("records", m->record_bytes);
	json_u64("external", m->external_bytes);
	json_u64("stores", m->store_bytes);
	json_u64("streams", m->stream_bytes);
	json_u64("total", own_memory(m));
	json_close('}');
	json_close('}');
	json_end();
}

static void print_tier(const struct status *s, int i)
{
	char used[TEXT_LEN], cap[TEXT_LEN], left[TEXT_LEN];
	const struct tw_stats_tier *t = &s->tier[i];

	if (!t->bound) {
		printf("%-5s -       not bound\n", tw_tier_name(i));
		return;
	}
	printf("%-5s %-6s %10s %10s %6.1f%% %-9s", tw_tier_name(i),
	       kind_name(t->kind), text_bytes(used, t->used * s->info.page_size),
	       text_bytes(cap, t->capacity * s->info.page_size),
	       percent(t->used, t->capacity), tw_level_name(t->level));
	if (s->avoided_ns[i])
		printf(" failed, avoided %s",
		       text_ns(left, s->avoided_ns[i]));
	else if (s->errors[i])
		printf(" %llu I/O errors", (unsigned long long)s->errors[i]);
	else
		printf(" ok");
	putchar('\n');
}

static void print_memory(const struct tw_module_stats *m)
{
	char all[TEXT_LEN], a[TEXT_LEN], b[TEXT_LEN], c[TEXT_LEN], d[TEXT_LEN];

	printf("memory    %s: records %s, external %s, stores %s, streams %s\n",
	       text_bytes(all, own_memory(m)), text_bytes(a, m->record_bytes),
	       text_bytes(b, m->external_bytes), text_bytes(c, m->store_bytes),
	       text_bytes(d, m->stream_bytes));
}

static void print_room(const struct status *s)
{
	char all[TEXT_LEN], taken[TEXT_LEN], reserved[TEXT_LEN];

	printf("\nroom      %s in all tiers: taken %s, reserved for regions %s\n",
	       text_bytes(all, s->room * s->info.page_size),
	       text_bytes(taken, s->room_taken * s->info.page_size),
	       text_bytes(reserved, s->room_reserved * s->info.page_size));
}

/* The part of the stores' use that the swap device has, if it has any. */
static void print_swap(const struct status *s)
{
	const char *lead = "swap      of that in use: ";
	char used[TEXT_LEN];
	bool any = false;
	int i;

	for (i = 0; i < TW_NR_TIERS; i++) {
		if (!s->tier[i].swap_used)
			continue;
		printf("%s%s %s", any ? ", " : lead, tw_tier_name(i),
		       text_bytes(used, s->tier[i].swap_used *
				  s->info.page_size));
		any = true;
	}
	if (any)
		putchar('\n');
}

#define N(v) ((unsigned long long)(v))

static void print_status(const struct status *s)
{
	const struct tw_module_stats *m = &s->stats;
	int i;

	printf("driver    loaded, interface %u; tw %s\n", s->info.abi_version,
	       tw_version());
	printf("policy    %s%s\n", policy_switch_name(s->policy.enabled),
	       s->policy.enabled == TW_POLICY_WATCH ? ", pages stay where they are" :
	       !s->policy.enabled ? "" : s->policy.mode & TW_POLICY_AUTO ?
	       ", thresholds chosen by itself" : ", fixed thresholds");
	printf("\n%-5s %-6s %10s %10s %7s %-9s %s\n", "TIER", "KIND", "USED",
	       "CAPACITY", "FULL", "PRESSURE", "STATE");
	for (i = 0; i < TW_NR_TIERS; i++)
		print_tier(s, i);
	print_room(s);
	print_swap(s);
	printf("objects   agents %llu, regions %llu, streams %llu, external pages %llu\n",
	       N(m->agents), N(m->regions), N(m->streams),
	       N(m->pages_external));
	printf("moves     done %llu, failed %llu; requests queued %llu, failed %llu\n",
	       N(m->migrations), N(m->migrations_failed),
	       N(m->requests_queued), N(m->requests_failed));
	printf("faults    served %llu, SIGBUS %llu; pages lost %llu\n",
	       N(m->faults), N(m->sigbus), N(m->lost));
	printf("events    published %llu\n", N(m->events));
	print_memory(m);
	if (!s->info.bound_mask)
		printf("\nNo tier is bound. See: tw tier bind --help\n");
}

int cmd_status(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	bool json = false;
	struct status s;
	struct tw *tw;
	int c, err;

	while ((c = getopt_long(argc, argv, "j", opts, NULL)) != -1) {
		if (c != 'j')
			return EXIT_USAGE;
		json = true;
	}
	if (optind != argc)
		return cli_usage("status takes no arguments but --json");
	c = cli_open(&tw);
	if (c)
		return c;
	err = look(tw, &s);
	tw_close(tw);
	if (err)
		return cli_errno(err, "asking for the status");
	if (json)
		json_status(&s);
	else
		print_status(&s);
	return cli_flush(EXIT_SUCCESS);
}
