// SPDX-License-Identifier: GPL-2.0
/*
 * tw-workload: programs' accesses to memory, made up, and how well they are
 * served
 *
 * Owns the options and the order of things. See dist.h for the patterns,
 * content.h for what is in the pages, place.c for how their places are read
 * back, report.c for the output. Exit code 0: all was right, also when a
 * signal ended it; 1: a page was wrong; 2: wrong options; 3: something could
 * not be had.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workload.h"

#define MAX_THREADS	1024
#define MAX_AGENTS	1024

static const char usage[] =
"usage: tw-workload [OPTION]...\n"
"  --memory region|anon|shmem  what is accessed (region)\n"
"  --footprint BYTES           how much, with K, M, G (256M)\n"
"  --threads N                 that access it (1)\n"
"  --pin                       each to a CPU, round robin\n"
"  --agents N                  that many regions, an agent each; 0: one, of\n"
"                              the default agent (0)\n"
"  --agent-id ID               label of the first agent (1)\n"
"  --pattern PATTERN           zipf[:SKEW] (zipf:0.99),\n"
"                              phases[:HOT_FRACTION[:HOT_SHARE]] (0.1:0.9),\n"
"                              scan, gups, uniform\n"
"  --seconds S                 of each phase (10), or\n"
"  --ops N                     accesses of each phase, all threads together\n"
"  --phases N                  zipf scatters and phases heats other pages in\n"
"                              each (1)\n"
"  --write-percent P           accesses that write (0); gups always does\n"
"  --think NS                  pause after each access, slept in pieces (0)\n"
"  --seed S                    other pages, other accesses (1)\n"
"  --interval S                between reports (1)\n"
"  --fast-pages N              the oracle's memory (the CPU tier's capacity;\n"
"                              anon, shmem: all of the nodes with CPUs)\n"
"  --verify                    count all writes, check all pages at the end\n"
"  --json                      one JSON object a line, see report.c\n";

enum {
	OPT_MEMORY = 1, OPT_FOOTPRINT, OPT_THREADS, OPT_PIN, OPT_AGENTS,
	OPT_AGENT_ID, OPT_PATTERN, OPT_SECONDS, OPT_OPS, OPT_PHASES, OPT_WRITE,
	OPT_THINK, OPT_SEED, OPT_INTERVAL, OPT_FAST, OPT_VERIFY, OPT_JSON,
	OPT_CORRUPT, OPT_HELP,
};

static const struct option long_options[] = {
	{ "memory",		required_argument, NULL, OPT_MEMORY },
	{ "footprint",		required_argument, NULL, OPT_FOOTPRINT },
	{ "threads",		required_argument, NULL, OPT_THREADS },
	{ "pin",		no_argument,	   NULL, OPT_PIN },
	{ "agents",		required_argument, NULL, OPT_AGENTS },
	{ "agent-id",		required_argument, NULL, OPT_AGENT_ID },
	{ "pattern",		required_argument, NULL, OPT_PATTERN },
	{ "seconds",		required_argument, NULL, OPT_SECONDS },
	{ "ops",		required_argument, NULL, OPT_OPS },
	{ "phases",		required_argument, NULL, OPT_PHASES },
	{ "write-percent",	required_argument, NULL, OPT_WRITE },
	{ "think",		required_argument, NULL, OPT_THINK },
	{ "seed",		required_argument, NULL, OPT_SEED },
	{ "interval",		required_argument, NULL, OPT_INTERVAL },
	{ "fast-pages",		required_argument, NULL, OPT_FAST },
	{ "verify",		no_argument,	   NULL, OPT_VERIFY },
	{ "json",		no_argument,	   NULL, OPT_JSON },
	/* For tests only: break something on purpose. */
	{ "self-test-corrupt",	optional_argument, NULL, OPT_CORRUPT },
	{ "help",		no_argument,	   NULL, OPT_HELP },
	{ }
};

/* A whole number in a range; K, M and G multiply. */
static bool whole(const char *text, uint64_t low, uint64_t high,
		  uint64_t *value)
{
	static const char units[] = "KMG";
	const char *unit;
	unsigned int shift = 0;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 0);
	if (errno)
		return false;
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unit - units + 1);
		end++;
	}
	if (*end || *value > UINT64_MAX >> shift)
		return false;
	*value <<= shift;
	return *value >= low && *value <= high;
}

static bool small(const char *text, uint64_t low, uint64_t high,
		  unsigned int *value)
{
	uint64_t number;

	if (!whole(text, low, high, &number))
		return false;
	*value = number;
	return true;
}

static bool duration(const char *text, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && !*end && *value >= 0.001 && *value <= 1e6;
}

/* One of a list of names: its number. */
static bool one_of(const char *text, const char * const *names, int nr,
		   int *value)
{
	for (*value = 0; *value < nr; ++*value)
		if (!strcmp(text, names[*value]))
			return true;
	return false;
}

static bool memory_option(const char *text, int *memory)
{
	static const char * const names[] = { "region", "anon", "shmem" };

	return one_of(text, names, 3, memory);
}

static bool corrupt_option(const char *text, int *corrupt)
{
	static const char * const names[] = { "nothing", "bytes", "write" };

	return one_of(text ? text : "bytes", names, 3, corrupt);
}

static bool set_option(struct workload *w, int option, const char *text)
{
	struct options *o = &w->options;

	switch (option) {
	case OPT_MEMORY:
		return memory_option(text, &o->memory);
	case OPT_FOOTPRINT:
		return whole(text, PAGE_BYTES, 1ULL << 50, &o->footprint);
	case OPT_THREADS:
		return small(text, 1, MAX_THREADS, &o->threads);
	case OPT_PIN:
		return o->pin = true;
	case OPT_AGENTS:
		return small(text, 0, MAX_AGENTS, &o->agents);
	case OPT_AGENT_ID:
		return whole(text, 0, UINT64_MAX, &o->agent_id);
	case OPT_PATTERN:
		return !dist_parse(&w->dist, text);
	case OPT_SECONDS:
		o->operations = 0;
		return duration(text, &o->seconds);
	case OPT_OPS:
		return whole(text, 1, UINT64_MAX, &o->operations);
	case OPT_PHASES:
		return small(text, 1, UINT32_MAX, &o->phases);
	case OPT_WRITE:
		return small(text, 0, 100, &o->write_percent);
	case OPT_THINK:
		return whole(text, 0, 1000000000, &o->think_ns);
	case OPT_SEED:
		return whole(text, 0, UINT64_MAX, &o->seed);
	case OPT_INTERVAL:
		return duration(text, &o->interval);
	case OPT_FAST:
		return whole(text, 0, NO_PAGES - 1, &o->fast_pages);
	case OPT_VERIFY:
		return o->verify = true;
	case OPT_JSON:
		return o->json = true;
	case OPT_CORRUPT:
		return corrupt_option(text, &o->corrupt);
	default:
		return false;
	}
}

static bool parse(struct workload *w, int argc, char **argv)
{
	int option, which;

	w->options = (struct options){
		.footprint = 256UL << 20, .threads = 1, .agent_id = 1,
		.seconds = 10, .interval = 1, .phases = 1, .seed = 1,
		.fast_pages = NO_PAGES,
	};
	dist_parse(&w->dist, "zipf");
	while ((option = getopt_long(argc, argv, "", long_options, &which)) >
	       0) {
		if (option == OPT_HELP) {
			fputs(usage, stdout);
			exit(0);
		}
		if (option == '?')
			return false;
		if (set_option(w, option, optarg))
			continue;
		complain("--%s %s: not possible", long_options[which].name,
			 optarg ? optarg : "");
		return false;
	}
	if (optind < argc)
		return false;
	if (w->options.agents && w->options.memory != MEMORY_REGION) {
		complain("only regions have agents");
		return false;
	}
	return true;
}

static bool settle(struct workload *w)
{
	w->nr_areas = w->options.agents ? w->options.agents : 1;
	/* As much in each area. */
	w->pages = w->options.footprint / PAGE_BYTES / w->nr_areas *
		   w->nr_areas;
	w->options.footprint = w->pages * PAGE_BYTES;
	w->dist.pages = w->pages;
	w->dist.seed = w->options.seed;
	if (!dist_init(&w->dist))
		return true;
	complain("the footprint is too small or too large");
	return false;
}

static int work(struct workload *w)
{
	int ret = run_init(w);

	if (!ret)
		ret = memory_get(w);
	if (!ret)
		ret = place_init(w);
	if (ret)
		return EXIT_SYSTEM;
	memory_fill(w);
	report_start(w);
	if (w->options.corrupt == CORRUPT_BYTES)
		memory_corrupt(w);
	ret = run_phases(w);
	if (w->options.corrupt == CORRUPT_WRITE)
		memory_corrupt(w);
	if (!ret && !w->wrong && !w->interrupted && w->options.verify)
		memory_verify(w);
	report_end(w);
	if (w->wrong)
		return EXIT_WRONG;
	return ret ? EXIT_SYSTEM : 0;
}

int main(int argc, char **argv)
{
	static struct workload w;
	int code;

	if (!parse(&w, argc, argv) || !settle(&w)) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (sysconf(_SC_PAGESIZE) != (long)PAGE_BYTES) {
		complain("pages of %lu bytes only", PAGE_BYTES);
		return EXIT_SYSTEM;
	}
	/* A reader may be waiting for each report. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	code = work(&w);
	memory_put(&w);
	return code;
}
