// SPDX-License-Identifier: GPL-2.0
/*
 * tierwatchd: moves the pages of attached programs, has the store on a card's memory give
 * way to other programs on the card, and keeps limits of cgroups that come and go.
 *
 * The driver says how hot they are, and the kernel's own calls move them. The daemon
 * keeps nothing that a later one would need: when it ends, however it does, pages stay
 * where they are.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cli.h"
#include "base/number.h"
#include "base/stop.h"
#include "keep.h"
#include "rights.h"
#include "say.h"
#include "tick.h"
#include "yield.h"

#define INTERVAL_MIN_NS	(10 * NS_PER_SEC / 1000)
#define INTERVAL_MAX_NS	(3600 * NS_PER_SEC)
/* Cgroups come in crowds: their limits are looked after no more often. */
#define CROWD_NS	(50 * NS_PER_SEC / 1000)

static const char help[] =
	"usage: tierwatchd [OPTION]...\n"
	"Moves the pages of attached programs: hot ones to fast memory, cold ones away\n"
	"from memory that is short. Gives memory of a graphics card back to others, where\n"
	"the gpu tier was bound with --yield. Sets limits of cgroups that come later, by\n"
	"[agent PATTERN] of tierwatch.conf.\n"
	"\n"
	"  --interval TIME  from one look to the next (1s)\n"
	"  --rate PAGES     the most pages a second (the policy's max_rate)\n"
	"  --once           look once, then end\n"
	"  --dry-run        say what would be moved, and move nothing\n"
	"  --json           a line of JSON for each look\n"
	"  --verbose        say what each look has moved\n"
	"  --conf PATH      instead of " CONF_PATH ", up to 4 times\n"
	"  --device PATH    instead of " TW_DEVICE "\n"
	"  --help\n"
	"\n"
	"More: man tierwatchd\n";

static int usage(const char *said, const char *value)
{
	td_say(TD_ERROR, "%s: %s. See: tierwatchd --help", said, value);
	return EXIT_USAGE;
}

/* Returns 0 or the exit code. *@ended: there is nothing more to do. */
static int parse(int argc, char **argv, struct td_options *o, bool *ended)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "rate", required_argument, NULL, 'r' },
		{ "once", no_argument, NULL, 'o' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "conf", required_argument, NULL, 'c' },
		{ "device", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'i':
			if (parse_span(optarg, NS_PER_SEC, &o->interval_ns) ||
			    o->interval_ns < INTERVAL_MIN_NS ||
			    o->interval_ns > INTERVAL_MAX_NS)
				return usage("no time from 10ms to 1h", optarg);
			break;
		case 'r':
			if (parse_within(optarg, 1, 1ULL << 32, &o->rate))
				return usage("no number of pages", optarg);
			break;
		case 'o':
			o->once = true;
			break;
		case 'n':
			o->dry_run = true;
			break;
		case 'j':
			o->json = true;
			break;
		case 'v':
			td_verbose = true;
			break;
		case 'c':
			if (o->nr_confs == TD_CONFS)
				return usage("a file too many", optarg);
			o->conf[o->nr_confs++] = optarg;
			break;
		case 'd':
			cli_device = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			*ended = true;
			return cli_flush(0);
		default:
			return EXIT_USAGE;
		}
	}
	return optind < argc ? usage("no such option", argv[optind]) : 0;
}

/* Whether the driver is there, and knows of attached programs. Returns an exit code. */
static int check_driver(void)
{
	struct tw_attached info;
	struct tw *tw;
	int err, code = cli_open(&tw);

	if (code)
		return code;
	err = tw_attached(tw, 0, TW_ATTACHED_NEXT, &info);
	tw_close(tw);
	if (!err || err == -ENOENT)
		return 0;
	if (err == -ENOTTY)
		td_say(TD_ERROR, "the driver is older and knows of no attached programs. Install tierwatchd and tier_watch of the same version");
	else
		td_say(TD_ERROR, "attached programs: %s", strerror(-err));
	return EXIT_FAILURE;
}

/* A driver that is unloaded may come back. */
static bool goes_on(struct td_daemon *d, int err)
{
	if (!err && d->gone)
		td_say(TD_NOTICE, "the driver is back");
	if (err == -ENODEV && !d->gone)
		td_say(TD_WARNING, "the driver is not loaded any more; waiting for it");
	d->gone = err == -ENODEV;
	if (err && !d->gone)
		td_say(TD_ERROR, "%s", strerror(-err));
	return !err || d->gone;
}

/* Until the next look; cgroups that come have their limits at once. */
static void wait_for_next(struct td_keep *k, __u64 next)
{
	/* Whoever makes cgroups all the time must not keep the next look from coming. */
	while (!stop_signal() && now_ns() < next && stop_wait(k->fd, next) > 0) {
		__u64 began = now_ns(), pause;

		td_keep(k, false);
		pause = now_ns() - began;
		if (pause < CROWD_NS)
			pause = CROWD_NS;
		if (now_ns() + pause < next)
			stop_wait(-1, now_ns() + pause);
		else
			stop_wait(-1, next);
	}
}

static int run(struct td_daemon *d, struct td_keep *k)
{
	__u64 next = now_ns();
	bool gone;

	while (!stop_signal()) {
		gone = d->gone;
		if (!goes_on(d, td_tick(d)))
			return EXIT_FAILURE;
		if (!d->gone)
			td_keep(k, gone);
		if (d->options.once)
			break;
		/* What took too long is not made up for. */
		next += d->options.interval_ns;
		if (next < now_ns())
			next = now_ns() + d->options.interval_ns;
		wait_for_next(k, next);
	}
	return 0;
}

/* It has two files open for each program that is attached. */
static void raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		td_say(TD_WARNING, "open files: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	struct td_daemon d = { .options.interval_ns = NS_PER_SEC };
	struct td_keep keep = { 0 };
	bool ended = false;
	int code;

	cli_program = "tierwatchd";
	code = parse(argc, argv, &d.options, &ended);
	if (code || ended)
		return code;
	code = check_driver();
	if (code)
		return code;
	td_rights_say();
	raise_files();
	stop_catch();
	if (td_daemon_init(&d)) {
		td_say(TD_ERROR, "no memory");
		return EXIT_FAILURE;
	}
	if (!d.options.once && !d.options.dry_run) {
		code = td_yield_begin(d.options.interval_ns);
		if (code)
			td_say(TD_WARNING, "no card's memory is given back to others: %s",
			       strerror(-code));
	}
	if (!d.options.nr_confs)
		d.options.conf[d.options.nr_confs++] = CONF_PATH;
	memcpy(keep.path, d.options.conf, sizeof(keep.path));
	keep.dry_run = d.options.dry_run;
	td_keep_begin(&keep);
	code = run(&d, &keep);
	td_keep_end(&keep);
	td_daemon_end(&d);
	return code;
}
