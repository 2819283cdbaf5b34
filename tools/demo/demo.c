// SPDX-License-Identifier: GPL-2.0
/*
 * tw-demo - an inverted word index over real text in a managed region
 *
 * The same index is built twice by the same code: in ordinary memory, then in
 * a region several times larger than the memory tiers. Zipf-distributed
 * queries are answered from both. The five tiers fill by pressure alone: the
 * demo asks for no move. At the end bytes are read back from each tier and
 * compared with the ordinary memory.
 *
 * Exit code: 0 when all answers and bytes were equal and all five tiers held
 * pages; 1 otherwise; 2 for wrong usage; 130 when interrupted.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "corpus.h"
#include "demo.h"
#include "index.h"
#include "live.h"
#include "tiers.h"
#include "tw.h"
#include "verify.h"

#define DEFAULT_BYTES	(24ULL << 20)
#define MIN_BYTES	(4ULL << 20)
#define MAX_BYTES	(4ULL << 30)
#define DEFAULT_QUERIES	500
/* The most frequent words say nothing: queries leave them out. */
#define STOP_WORDS	50
#define DEFAULT_REREAD	512
#define MIN_FILE	(12ULL << 10)
/* Ordinary memory set aside for the index; what is not touched costs nothing */
#define INDEX_FACTOR	8
#define MAX_TREES	16
#define INTERRUPTED	130

struct options {
	const char *tree[MAX_TREES];
	int nr_trees;
	uint64_t bytes;
	uint64_t min_file;
	uint64_t queries;
	uint64_t reread;
	uint64_t seed;
	bool live;
	bool rebind;
};

/**
 * struct demo - one run
 * @options: how
 * @tw: the device
 * @info: of the device
 * @corpus: the text
 * @ordinary: the index in ordinary memory
 * @ordinary_room: bytes mapped for it
 * @managed: the index in the region
 * @agent: who the region is accounted to
 * @region: the region
 * @live: the consumer
 * @sum: what it saw
 * @capacity: pages given to each tier
 * @verify: what came of each tier
 * @asked: queries
 * @differ: of these, with another answer
 * @seconds: how long the steps took
 */
struct demo {
	struct options options;
	struct tw *tw;
	struct tw_info info;
	struct corpus corpus;
	struct index ordinary;
	uint64_t ordinary_room;
	struct index managed;
	struct tw_agent *agent;
	struct tw_region *region;
	struct live *live;
	struct live_sum sum;
	uint64_t capacity[TW_NR_TIERS];
	struct verify verify[TW_NR_TIERS];
	uint64_t asked;
	uint64_t differ;
	struct {
		double read;
		double ordinary;
		double managed;
		double ask;
		double verify;
	} seconds;
};

/* -- the job ------------------------------------------------------------- */

static int read_trees(struct corpus *corpus, const struct options *options)
{
	int i, ret;

	if (!options->nr_trees)
		corpus_add_default(corpus);
	for (i = 0; i < options->nr_trees; i++) {
		ret = corpus_add_tree(corpus, options->tree[i]);
		if (!ret)
			continue;
		demo_error("%s: %s; give a folder that has text files with --tree",
			   options->tree[i], strerror(-ret));
		return ret;
	}
	return 0;
}

static int read_corpus(struct demo *demo)
{
	struct corpus *corpus = &demo->corpus;
	double start = demo_now();
	int ret;

	progress_start("reading text", demo->options.bytes);
	ret = corpus_init(corpus, demo->options.bytes, demo->options.min_file);
	if (!ret)
		ret = read_trees(corpus, &demo->options);
	demo->seconds.read = demo_now() - start;
	if (ret || demo_stopped())
		return ret ? ret : -EINTR;
	if (corpus->bytes >= MIN_BYTES)
		return 0;
	demo_error("only %.1f MiB of text found, %.0f MiB are needed: name a folder with more by --tree DIR (files below %llu bytes are left out: --min-file)",
		   corpus->bytes / MIB, MIN_BYTES / MIB,
		   (unsigned long long)demo->options.min_file);
	return -ENODATA;
}

/* The whole index from the corpus, in memory at @base. */
static int build(const struct corpus *corpus, struct index *index, void *base,
		 uint64_t size, const char *phase)
{
	uint64_t length;
	uint32_t i;
	int ret;

	progress_start(phase, corpus->bytes);
	ret = index_init(index, base, size);
	for (i = 0; i < corpus->nr && !ret && !demo_stopped(); i++) {
		length = corpus->start[i + 1] - corpus->start[i];
		ret = index_add(index, corpus->text + corpus->start[i], length);
		progress_add(length);
	}
	if (!ret && !demo_stopped())
		ret = index_rank(index);
	return demo_stopped() ? -EINTR : ret;
}

static int build_ordinary(struct demo *demo)
{
	uint64_t room = INDEX_FACTOR * demo->corpus.bytes;
	double start = demo_now();
	void *base;
	int ret;

	base = mmap(NULL, room, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED) {
		demo_error("no memory for %.0f MiB of index: ask for less with --bytes",
			   room / MIB);
		return -ENOMEM;
	}
	demo->ordinary_room = room;
	ret = build(&demo->corpus, &demo->ordinary, base, room,
		    "index, ordinary memory");
	if (ret == -ENOSPC)
		demo_error("the index of this text is unusually large: give other text with --tree");
	demo->seconds.ordinary = demo_now() - start;
	return ret;
}

static uint64_t index_pages(const struct demo *demo)
{
	return (index_bytes(&demo->ordinary) + demo->info.page_size - 1) /
	       demo->info.page_size;
}

static int make_region(struct demo *demo)
{
	uint64_t bytes = index_pages(demo) * demo->info.page_size;
	int ret;

	ret = tw_region_create(demo->tw, bytes, TW_TIER_CPU, 0, demo->agent,
			       &demo->region);
	if (ret)
		demo_error("cannot make a region of %.0f MiB: %s; see dmesg",
			   bytes / MIB, strerror(-ret));
	return ret;
}

static int build_managed(struct demo *demo)
{
	double start = demo_now();
	int ret;

	ret = build(&demo->corpus, &demo->managed,
		    tw_region_addr(demo->region), tw_region_size(demo->region),
		    "index, managed region");
	demo->seconds.managed = demo_now() - start;
	if (ret == -ENOSPC)
		demo_error("the managed index became larger than the ordinary one: its bytes are wrong");
	return ret;
}

static uint64_t random64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* Rank r with a probability of about 1 / r. */
static uint64_t zipf(uint64_t *state, uint64_t nr)
{
	double u = (random64(state) >> 11) / 9007199254740992.0;
	uint64_t rank = exp(u * log(nr + 1.0)) - 1;

	return rank < nr ? rank : nr - 1;
}

/* Every fourth query is for one word, the others for two. */
static void ask(const struct index *index, uint64_t number, uint64_t a,
		uint64_t b, struct answer *answer)
{
	if (number % 4)
		index_both(index, index_word(index, a), index_word(index, b),
			   answer);
	else
		index_count(index, index_word(index, a), answer);
}

static int ask_all(struct demo *demo)
{
	uint64_t state = demo->options.seed, a, b, i;
	uint64_t nr = demo->ordinary.root->nr_words;
	uint64_t skip = nr > 2 * STOP_WORDS ? STOP_WORDS : 0;
	struct answer right, got;
	double start = demo_now();

	progress_start("queries", demo->options.queries);
	for (i = 0; i < demo->options.queries && !demo_stopped(); i++) {
		a = skip + zipf(&state, nr - skip);
		b = skip + zipf(&state, nr - skip);
		ask(&demo->ordinary, i, a, b, &right);
		ask(&demo->managed, i, a, b, &got);
		demo->asked++;
		if (got.count != right.count || got.sum != right.sum)
			demo->differ++;
		progress_add(1);
	}
	demo->seconds.ask = demo_now() - start;
	return demo_stopped() ? -EINTR : 0;
}

static int read_back(struct demo *demo)
{
	double start = demo_now();
	int ret;

	progress_start("reading tiers back", TW_NR_TIERS * index_pages(demo));
	ret = verify_tiers(demo->region, demo->ordinary.arena.base,
			   index_bytes(&demo->ordinary), demo->options.reread,
			   demo->info.page_size, demo->verify);
	if (ret && ret != -EINTR)
		demo_error("cannot look pages up: %s; see dmesg",
			   strerror(-ret));
	demo->seconds.verify = demo_now() - start;
	return ret;
}

/* -- the end ------------------------------------------------------------- */

static void report_times(const struct demo *demo)
{
	const struct index_root *root = demo->ordinary.root;

	printf("text      %.1f MiB in %u files, read in %.1f s\n",
	       demo->corpus.bytes / MIB, demo->corpus.nr, demo->seconds.read);
	printf("index     %llu words at %llu places, %.1f MiB: %.1f s in ordinary memory, %.1f s in the region\n",
	       (unsigned long long)root->nr_words,
	       (unsigned long long)root->nr_postings,
	       index_bytes(&demo->ordinary) / MIB, demo->seconds.ordinary,
	       demo->seconds.managed);
	printf("queries   %llu in %.1f s, %llu answers differ\n",
	       (unsigned long long)demo->asked, demo->seconds.ask,
	       (unsigned long long)demo->differ);
	printf("events    %llu seen, %llu lost: %llu faults, %llu moves, %llu changes of pressure\n",
	       (unsigned long long)demo->sum.seen,
	       (unsigned long long)demo->sum.lost,
	       (unsigned long long)demo->sum.faults,
	       (unsigned long long)demo->sum.moves,
	       (unsigned long long)demo->sum.levels);
}

static int report_tiers(const struct demo *demo)
{
	const struct verify *v;
	int tier, bad = 0;

	printf("\ntier    pages held  read back  wrong\n");
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		v = &demo->verify[tier];
		printf("%-5s %12llu%11llu%7llu%s\n", tw_tier_name(tier),
		       (unsigned long long)v->pages,
		       (unsigned long long)v->reread,
		       (unsigned long long)v->wrong,
		       v->reread ? "" : "   held nothing");
		if (v->wrong)
			demo_error("tier %s: page %llu has other bytes than the ordinary memory; see dmesg for I/O errors",
				   tw_tier_name(tier),
				   (unsigned long long)v->first_wrong);
		bad |= !v->reread || v->wrong;
	}
	return bad;
}

/* Hints for tiers that stayed empty: this is where an ordinary machine ends. */
static void hint_empty(const struct demo *demo)
{
	int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		if (demo->verify[tier].reread)
			continue;
		demo_error("tier %s held no page%s", tw_tier_name(tier),
			   demo->options.rebind ? ": ask for more text with --bytes" :
			   ": the tiers are larger than the job. --rebind gives them small capacities (as root; whatever is in them moves), or ask for more text with --bytes");
		return;
	}
}

static int report(struct demo *demo)
{
	int bad;

	printf("\n");
	report_times(demo);
	bad = report_tiers(demo);
	hint_empty(demo);
	if (demo->differ)
		demo_error("%llu answers differ from ordinary memory: the region lost or changed bytes",
			   (unsigned long long)demo->differ);
	bad |= demo->differ || !demo->asked;
	printf("\n%s\n", bad ? "FAILED" :
	       "PASSED: all answers equal, all five tiers held pages, all bytes came back");
	return bad ? 1 : 0;
}

/* -- setup --------------------------------------------------------------- */

static int open_device(struct demo *demo)
{
	int ret = tw_open(NULL, &demo->tw);

	if (!ret)
		ret = tw_info(demo->tw, &demo->info);
	if (!ret)
		return tiers_check(demo->tw);
	if (ret == -ENOENT || ret == -ENODEV)
		demo_error("the driver isn't loaded: `insmod tier_watch.ko` as root, or run the demo in a guest: make demo");
	else if (ret == -EACCES || ret == -EPERM)
		demo_error("no right to open %s: run as root or as a member of group tierwatch",
			   TW_DEVICE);
	else
		demo_error("%s: %s; load the driver that belongs to this program",
			   TW_DEVICE, strerror(-ret));
	return ret;
}

/* Root listens to everything, others to an agent of their own. */
static int start_consumer(struct demo *demo)
{
	int ret;

	if (geteuid()) {
		ret = tw_agent_join(demo->tw, getpid(), &demo->agent);
		if (ret) {
			demo_error("cannot make an agent: %s; see `tw agent`",
				   strerror(-ret));
			return ret;
		}
	}
	return live_start(demo->tw, demo->agent,
			  demo->options.live || isatty(STDOUT_FILENO),
			  &demo->live);
}

static int prepare_tiers(struct demo *demo)
{
	tiers_plan(index_pages(demo), demo->capacity);
	if (!demo->options.rebind)
		return 0;
	progress_start("binding tiers", 0);
	return tiers_rebind(demo->tw, demo->capacity);
}

static int run(struct demo *demo)
{
	static int (*const step[])(struct demo *) = {
		open_device, start_consumer, read_corpus, build_ordinary,
		prepare_tiers, make_region, build_managed, ask_all, read_back,
	};
	size_t i;
	int ret = 0;

	for (i = 0; i < sizeof(step) / sizeof(*step) && !ret; i++)
		ret = step[i](demo);
	progress_start(ret ? "ended" : "done", 1);
	progress_add(!ret);
	if (demo->live)
		live_stop(demo->live, &demo->sum);
	return ret;
}

static void clean_up(struct demo *demo)
{
	tw_region_close(demo->region);
	tw_agent_close(demo->agent);
	tw_close(demo->tw);
	corpus_exit(&demo->corpus);
	if (demo->ordinary_room)
		munmap(demo->ordinary.arena.base, demo->ordinary_room);
}

/* -- command line -------------------------------------------------------- */

static const char usage[] =
"usage: tw-demo [options]\n"
"\n"
"Builds a word index in a managed region, asks it, and compares everything\n"
"with ordinary memory, while a table shows where the pages are.\n"
"\n"
"  --tree DIR      text files below DIR (up to 16 times; default: headers)\n"
"  --bytes N       of text, suffixes K, M, G (default 24M)\n"
"  --min-file N    leave out smaller files (default 12K)\n"
"  --queries N     how many (default 500)\n"
"  --reread N      pages to compare from each tier (default 512)\n"
"  --seed N        of the queries (default 1)\n"
"  --rebind        give the tiers small capacities first, so that all of them\n"
"                  fill; needs root, moves what is in them, isn't undone\n"
"  --live          redraw the table in place even when stdout is no terminal\n";

static const struct option long_options[] = {
	{ "tree", required_argument, NULL, 't' },
	{ "bytes", required_argument, NULL, 'b' },
	{ "min-file", required_argument, NULL, 'm' },
	{ "queries", required_argument, NULL, 'q' },
	{ "reread", required_argument, NULL, 'r' },
	{ "seed", required_argument, NULL, 's' },
	{ "rebind", no_argument, NULL, 'R' },
	{ "live", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static int parse_number(const char *text, uint64_t *number)
{
	static const char suffixes[] = "KMG";
	const char *suffix;
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 0);
	if (errno || end == text || *text == '-')
		return -EINVAL;
	if (!*end)
		return 0;
	suffix = strchr(suffixes, *end);
	if (!suffix || end[1] || *number >> 32)
		return -EINVAL;
	*number <<= 10 * (suffix - suffixes + 1);
	return 0;
}

static int set_option(struct options *options, int which)
{
	switch (which) {
	case 't':
		if (options->nr_trees == MAX_TREES)
			return -EINVAL;
		options->tree[options->nr_trees++] = optarg;
		return 0;
	case 'b':
		return parse_number(optarg, &options->bytes);
	case 'm':
		return parse_number(optarg, &options->min_file);
	case 'q':
		return parse_number(optarg, &options->queries);
	case 'r':
		return parse_number(optarg, &options->reread);
	case 's':
		return parse_number(optarg, &options->seed);
	case 'R':
		options->rebind = true;
		return 0;
	case 'l':
		options->live = true;
		return 0;
	default:
		return -EINVAL;
	}
}

/* 0, or 1 when only help was asked for, or -EINVAL. */
static int parse(int argc, char **argv, struct options *options)
{
	int which;

	while ((which = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		if (which == 'h')
			return 1;
		if (which == '?' || set_option(options, which))
			return -EINVAL;
	}
	if (optind != argc || options->bytes < MIN_BYTES ||
	    options->bytes > MAX_BYTES)
		return -EINVAL;
	return 0;
}

static void on_signal(int number)
{
	(void)number;
	__atomic_store_n(&demo_stop, true, __ATOMIC_RELAXED);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	static struct demo demo = {
		.options = {
			.bytes = DEFAULT_BYTES,
			.min_file = MIN_FILE,
			.queries = DEFAULT_QUERIES,
			.reread = DEFAULT_REREAD,
			.seed = 1,
		},
	};
	int ret = parse(argc, argv, &demo.options);

	if (ret) {
		fputs(usage, ret > 0 ? stdout : stderr);
		return ret > 0 ? 0 : 2;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	ret = run(&demo);
	if (demo_stopped())
		fprintf(stderr, "tw-demo: interrupted\n");
	else if (!ret)
		ret = report(&demo);
	clean_up(&demo);
	return demo_stopped() ? INTERRUPTED : ret ? 1 : 0;
}
