// SPDX-License-Identifier: GPL-2.0
/*
 * tw record: where pages are and how hot, again and again, into a file.
 *
 * Owns the options, the clock and the file. What is in it is whole at any
 * time: a sample is written in one piece, or not at all.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/agent_known.h"
#include "base/cli.h"
#include "base/json.h"
#include "base/number.h"
#include "base/output.h"
#include "base/progress.h"
#include "base/stop.h"
#include "base/text.h"
#include "machine/maps.h"
#include "watch/commands.h"
#include "watch/record_file.h"
#include "watch/sample.h"

#define DEFAULT_FILE	"tierwatch.rec"
#define MIN_INTERVAL_NS	1000000ULL
/* What a look costs grows with the pages that it is at: these are 256 MiB. */
#define DEFAULT_PAGES	65536
/* Fewer are not typical of the others. */
#define MIN_PAGES	(8 * TW_CHUNK)

const char record_more[] =
"  --output FILE    the recording (tierwatch.rec)\n"
"  --pid PID        only regions that a process has mapped, while it lives\n"
"  --agent N        only agents with this number\n"
"  --interval TIME  from look to look: 200ms, 1 (a second), ...\n"
"  --duration TIME  end after this time\n"
"  --count N        end after so many looks\n"
"  --pages N|all    look at so many at most, of chunks all over (65536)\n"
"  --json           the account at the end as JSON\n";

/**
 * struct record_job - what was asked for, and how far it is
 * @path: of the file
 * @pid: only what this process has mapped; 0: anything
 * @interval_ns: from sample to sample
 * @duration_ns: ~0: without end
 * @left: samples still to be taken
 * @json: the account at the end as JSON
 * @sampler: where samples come from
 * @maps: who has mapped what
 * @agents: what the regions' agents are called
 * @writer: where they go
 * @known: region ids, in the order they are written
 * @nr_known: how many
 * @runs: room for a sample's runs
 * @nr_pages: pages of the last sample
 * @every: the samples in the file have one chunk in so many from here on
 * @every_max: the most of these
 * @scanned: at a look at least, scans were on
 * @late: samples that took longer than the interval
 * @cpu_ns: CPU time of this process when the first sample was begun
 * @page_size: bytes
 * @progress: what is told meanwhile
 */
struct record_job {
	const char *path;
	__u32 pid;
	__u64 interval_ns;
	__u64 duration_ns;
	__u64 left;
	bool json;
	struct sampler sampler;
	struct map_list maps;
	struct agents_known agents;
	struct rec_writer writer;
	__u64 *known;
	size_t nr_known;
	struct rec_run *runs;
	size_t nr_pages;
	unsigned int every;
	unsigned int every_max;
	bool scanned;
	__u64 late;
	__u64 cpu_ns;
	__u32 page_size;
	struct progress progress;
};

/* -- the file ---------------------------------------------------------------- */

/* Only a recording is written over, or a new file made; or says why not. */
static int open_file(const char *path, FILE **f)
{
	int fd = output_open(path, REC_MAGIC, sizeof(REC_MAGIC) - 1), code;

	if (fd < 0)
		return -fd;
	*f = fdopen(fd, "we");
	if (*f)
		return 0;
	code = cli_errno(-errno, "%s", path);
	close(fd);
	return code;
}

static int begin_file(struct record_job *job, FILE *f, __u32 page_size,
		      __u64 start)
{
	struct rec_head head = {
		.page_size = page_size,
		.interval_ns = job->interval_ns,
		.start_ns = start,
	};
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	head.start_real_ns = ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
	return rec_begin(&job->writer, f, &head);
}

/* -- regions ------------------------------------------------------------------ */

/* Regions that are made later may be on another device than those before. */
static int find_device(struct record_job *job)
{
	struct tw_info info;
	int err = tw_info(job->sampler.tw, &info);

	if (!err)
		job->maps.dev = info.region_dev;
	return err;
}

static int new_region(struct record_job *job, __u64 id)
{
	const struct agent_known *agent;
	struct rec_region region = { .id = id };
	const struct map_region *map;
	char name[AGENT_TEXT_LEN];
	__u64 *more;

	more = reallocarray(job->known, job->nr_known + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	job->known = more;
	region.agent = sample_agent(&job->sampler, id);
	agent = agent_known_label(&job->agents, region.agent);
	snprintf(region.agent_name, sizeof(region.agent_name), "%s",
		 text_tail(agent_name(name, agent, region.agent),
			   sizeof(region.agent_name) - 1));
	map = maps_find(&job->maps, id);
	if (map) {
		region.pages = map->pages;
		region.addr = map->addr;
		region.pid = map->pid;
		memcpy(region.name, map->name, sizeof(map->name));
	}
	job->known[job->nr_known++] = id;
	return rec_region(&job->writer, &region);
}

/* Its place among the regions of the file, or -1. */
static long find_region(const struct record_job *job, __u64 id)
{
	size_t i = job->nr_known;

	while (i--)
		if (job->known[i] == id)
			return i;
	return -1;
}

/* The runs name regions by their place in the file, which must be there first. */
static int number_regions(struct record_job *job, struct rec_run *runs,
			  size_t nr)
{
	bool looked = job->pid;
	__u64 id = 0;
	long at = -1;
	size_t i;
	int err;

	for (i = 0; i < nr; i++) {
		if (runs[i].region != id) {
			id = runs[i].region;
			at = find_region(job, id);
		}
		if (at < 0) {
			/* Who has it? Once for all new ones of a sample. */
			if (!looked) {
				maps_free(&job->maps);
				err = find_device(job);
				if (!err)
					err = maps_of_all(&job->maps,
							  sysconf(_SC_PAGESIZE));
				if (!err)
					err = maps_attached(&job->maps,
							    job->sampler.tw, 0);
				if (err)
					return err;
				looked = true;
			}
			err = new_region(job, id);
			if (err)
				return err;
			at = job->nr_known - 1;
		}
		runs[i].region = at;
	}
	return 0;
}

/* -- sampling ----------------------------------------------------------------- */

/* The process's mappings anew: -ESRCH when it has ended. */
static int follow_process(struct record_job *job)
{
	int err;

	if (!job->pid)
		return 0;
	maps_free(&job->maps);
	err = find_device(job);
	if (err)
		return err;
	err = maps_of(&job->maps, job->pid, sysconf(_SC_PAGESIZE));
	if (!err)
		err = maps_attached(&job->maps, job->sampler.tw, job->pid);
	return err == -ENOENT ? -ESRCH : err;
}

/* Says which chunks were looked at, if they are others than before. */
static int note_sparse(struct record_job *job)
{
	struct rec_sparse sparse = {
		.every = job->sampler.every,
		.chunk = TW_CHUNK,
	};

	if (sparse.every == job->every)
		return 0;
	job->every = sparse.every;
	if (job->every_max < job->every)
		job->every_max = job->every;
	return rec_sparse(&job->writer, &sparse);
}

static int take_sample(struct record_job *job, __u64 start)
{
	struct sampler *s = &job->sampler;
	struct tw_policy policy;
	struct rec_run *runs;
	__u64 time;
	size_t nr;
	int err;

	err = follow_process(job);
	if (err)
		return err;
	time = now_ns() - start;
	err = sample_take(s);
	if (!err)
		err = tw_policy_get(s->tw, &policy);
	if (err)
		return err;
	job->scanned |= policy.enabled;
	runs = reallocarray(job->runs, s->nr + 1, sizeof(*runs));
	if (!runs)
		return -ENOMEM;
	job->runs = runs;
	job->nr_pages = s->nr;
	nr = sample_runs(s->pages, s->nr, s->every > 1, runs);
	err = number_regions(job, runs, nr);
	if (!err)
		err = note_sparse(job);
	return err ? err : rec_sample(&job->writer, time, runs, nr);
}

static void progress(struct record_job *job)
{
	char size[TEXT_LEN], part[TEXT_LEN] = "";

	if (job->every > 1)
		snprintf(part, sizeof(part), " of one chunk in %u", job->every);
	progress_say(&job->progress, "%llu samples, %zu pages%s now, %s",
		     (unsigned long long)job->writer.samples, job->nr_pages, part,
		     text_bytes(size, job->writer.bytes));
}

/* Until it is time to end; 0 or -errno. */
static int record(struct record_job *job, __u64 start)
{
	__u64 next = start, deadline = ~0ULL, now;
	int err;

	if (job->duration_ns < ~0ULL - start)
		deadline = start + job->duration_ns;
	for (;;) {
		err = take_sample(job, start);
		if (err)
			break;
		progress(job);
		if (job->left != ~0ULL && !--job->left)
			break;
		next += job->interval_ns;
		now = now_ns();
		if (next < now) {
			next = now;
			job->late++;
		}
		if (next > deadline)
			next = deadline;
		while (!stop_signal() && now_ns() < next)
			stop_wait(-1, next);
		if (stop_signal() || now_ns() >= deadline)
			break;
	}
	progress_end(&job->progress);
	return err;
}

/* -- the account --------------------------------------------------------------- */

static void report(const struct record_job *job, __u64 start, bool ended)
{
	__u64 elapsed = now_ns() - start, cpu = cpu_ns() - job->cpu_ns;
	char size[TEXT_LEN], each[TEXT_LEN];
	__u64 n = job->writer.samples;

	if (job->json) {
		json_begin(JSON_RECORD);
		json_str("file", job->path);
		json_u64("samples", n);
		json_u64("regions", job->nr_known);
		json_u64("pages", job->nr_pages);
		json_u64("every", job->every_max);
		json_u64("bytes", job->writer.bytes);
		json_u64("late", job->late);
		json_u64("elapsed_ns", elapsed);
		json_u64("cpu_ns", cpu);
		json_bool("process_ended", ended);
		json_bool("faults_only", !job->scanned);
		json_close('}');
		json_end();
		return;
	}
	printf("%s: %llu samples of %zu regions, %s; %s of CPU time each\n",
	       text_shown(job->path), (unsigned long long)n, job->nr_known,
	       text_bytes(size, job->writer.bytes),
	       text_ns(each, n ? cpu / n : 0));
	if (ended)
		printf("process %u has ended\n", job->pid);
	if (job->late)
		printf("%llu samples took longer than the interval: take a longer one with --interval\n",
		       (unsigned long long)job->late);
	if (job->every_max > 1)
		printf("there were more than %zu pages: of %u chunks of %s one was looked at. For more: --pages\n",
		       job->sampler.most, job->every_max,
		       text_bytes(size, TW_CHUNK * job->page_size));
	if (n && !job->scanned)
		printf("heat is of faults alone: nothing scanned. To change that: tw policy set enabled=watch, or enabled=on to have pages moved, too\n");
	if (n && !job->nr_known)
		printf("there was no page of a region in all this time\n");
}

static int complain(const struct record_job *job, int err)
{
	__u64 n = job->writer.samples;

	if (job->writer.err == -ENOSPC)
		return cli_error("%s: no space left on the disk. The %llu samples before that are kept: make room, or record elsewhere with --output",
				 job->path, (unsigned long long)n);
	if (job->writer.err)
		return cli_errno(job->writer.err, "writing %s", job->path);
	if (job->pid && err == -ESRCH)
		return cli_error("no process %u", job->pid);
	if (job->pid && (err == -EACCES || err == -EPERM)) {
		cli_error("no permission to look at process %u. Be its user or root",
			  job->pid);
		return EXIT_NO_PERMISSION;
	}
	if (err == -E2BIG)
		return cli_error("the driver is older than this tw, and can't be asked for a part of the pages. Load the one that came with it");
	return cli_errno(err, "looking at pages");
}

/* Is there anything that could be recorded? 0, or the exit code. */
static int check_process(struct record_job *job)
{
	int err = follow_process(job);

	if (err)
		return complain(job, err);
	if (job->pid && !job->maps.nr)
		return cli_error("process %u has no region mapped and is not attached", job->pid);
	return 0;
}

static int run(struct record_job *job, struct tw *tw)
{
	__u64 start = now_ns();
	struct tw_info info;
	bool ended;
	int err, c;
	FILE *f;

	err = tw_info(tw, &info);
	if (err)
		return cli_errno(err, "asking the driver");
	job->sampler.tw = tw;
	job->agents.tw = tw;
	job->sampler.only = job->pid ? &job->maps : NULL;
	job->sampler.pid = job->pid;
	err = sample_check(tw);
	c = err ? complain(job, err) : check_process(job);
	if (c)
		return c;
	/* What is opened will be a recording, come what may. */
	stop_catch();
	c = open_file(job->path, &f);
	if (c)
		return c;
	job->page_size = info.page_size;
	err = begin_file(job, f, info.page_size, start);
	job->cpu_ns = cpu_ns();
	if (!err)
		err = record(job, start);
	/* The process's end is the recording's. */
	ended = err == -ESRCH && job->writer.samples;
	if (ended)
		err = 0;
	if (!job->writer.err)
		rec_end(&job->writer,
			(stop_signal() ? REC_END_STOPPED : 0) |
			(job->scanned ? 0 : REC_END_FAULTS_ONLY));
	if (fclose(f) && !job->writer.err)
		job->writer.err = -errno;
	if (err || job->writer.err)
		return complain(job, err ? err : job->writer.err);
	report(job, start, ended);
	return stop_code(cli_flush(EXIT_SUCCESS));
}

/* -- options ------------------------------------------------------------------- */

static int record_option(struct record_job *job, int c)
{
	__u64 pages;

	switch (c) {
	case 'o':
		job->path = optarg;
		return 0;
	case 'p':
		return parse_pid(optarg, &job->pid);
	case 'a':
		if (parse_u64(optarg, &job->sampler.agent))
			return cli_usage("not an agent's number: %s", optarg);
		job->sampler.by_agent = true;
		return 0;
	case 'i':
		if (parse_span(optarg, NS_PER_SEC, &job->interval_ns) ||
		    job->interval_ns < MIN_INTERVAL_NS)
			return cli_usage("not an interval: %s. Say for example 1 or 200ms, 1ms at least",
					 optarg);
		return 0;
	case 'd':
		if (parse_span(optarg, NS_PER_SEC, &job->duration_ns) ||
		    !job->duration_ns)
			return cli_usage("not a duration: %s. Say for example 10 or 500ms",
					 optarg);
		return 0;
	case 'n':
		if (parse_u64(optarg, &job->left) || !job->left)
			return cli_usage("not a count: %s", optarg);
		return 0;
	case 'P':
		job->sampler.most = 0;
		if (!strcmp(optarg, "all"))
			return 0;
		if (parse_u64(optarg, &pages) || pages < MIN_PAGES ||
		    pages > SIZE_MAX)
			return cli_usage("not a number of pages, %u at least: %s. Say for example 10000, or all",
					 MIN_PAGES, optarg);
		job->sampler.most = pages;
		return 0;
	case 'j':
		job->json = true;
		return 0;
	default:
		return EXIT_USAGE;
	}
}

int cmd_record(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "pid", required_argument, NULL, 'p' },
		{ "agent", required_argument, NULL, 'a' },
		{ "interval", required_argument, NULL, 'i' },
		{ "duration", required_argument, NULL, 'd' },
		{ "count", required_argument, NULL, 'n' },
		{ "pages", required_argument, NULL, 'P' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct record_job job = {
		.path = DEFAULT_FILE,
		.interval_ns = NS_PER_SEC,
		.duration_ns = ~0ULL,
		.left = ~0ULL,
		.sampler.most = DEFAULT_PAGES,
		.every = 1,
		.every_max = 1,
	};
	struct tw *tw;
	int c;

	while ((c = getopt_long(argc, argv, "o:p:a:i:d:n:P:j", opts,
				NULL)) != -1) {
		c = record_option(&job, c);
		if (c)
			return c;
	}
	if (optind != argc)
		return cli_usage("record takes options only");
	c = cli_open(&tw);
	if (c)
		return c;
	c = run(&job, tw);
	sample_free(&job.sampler);
	maps_free(&job.maps);
	agents_known_free(&job.agents);
	rec_writer_free(&job.writer);
	free(job.known);
	free(job.runs);
	tw_close(tw);
	return c;
}
