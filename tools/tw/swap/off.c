// SPDX-License-Identifier: GPL-2.0
/*
 * tw swap off: what is swapped out comes back into memory, and the device goes.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/swap.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/cli.h"
#include "base/progress.h"
#include "base/stop.h"
#include "base/text.h"
#include "swap/commands.h"
#include "swap/device.h"
#include "swap/look.h"
#include "swap/memory.h"
#include "swap/show.h"

const char swap_off_more[] =
"Looks first whether memory, and each cgroup's memory.max, can hold what is\n"
"swapped out; if not, says what is missing and leaves it on. Ctrl-C ends it, and\n"
"swap stays on.\n"
"  --force  try all the same: programs may be killed for want of memory\n"
"  --json   what there is then, as tw swap status\n"
"When swap is off already there is nothing to do.\n";

/**
 * struct leaving - swap that is being turned off
 * @tw: the device
 * @pages: that were swapped out when it began
 */
struct leaving {
	struct tw *tw;
	__u64 pages;
};

static void tell_back(struct progress *p, void *arg)
{
	const struct leaving *leaving = arg;
	struct swap_look now;
	__u64 left;

	if (!swap_look(leaving->tw, &now) && now.ours) {
		left = now.ours->used / sysconf(_SC_PAGESIZE);
		p->what = "back in memory";
		p->total = leaving->pages;
		progress_show(p, left < p->total ? p->total - left : 0);
	}
	swap_look_free(&now);
}

/* How much is there still, for messages. */
static const char *text_left(struct tw *tw, char *buf)
{
	struct swap_look now;

	if (swap_look(tw, &now) || !now.ours)
		text_bytes(buf, 0);
	else
		text_bytes(buf, now.ours->used);
	swap_look_free(&now);
	return buf;
}

static int stays_on(struct tw *tw, int err)
{
	char left[TEXT_LEN];

	text_left(tw, left);
	switch (err) {
	case -EINTR:
		cli_error("interrupted: swap stays on, with %s in it", left);
		return stop_code(EXIT_INTERRUPTED);
	case -ENOMEM:
		return cli_error("the kernel found no memory for what is swapped out, or with vm.overcommit_memory=2 for what programs were promised: swap stays on, with %s in it. End programs or add other swap, then try again",
				 left);
	case -EPERM:
		return cli_no_permission("swapoff needs CAP_SYS_ADMIN. Be root");
	default:
		return cli_errno(err, "swapoff (%s are in it)", left);
	}
}

/* It is on, and is not any more. */
static int leave(struct tw *tw, const struct swap_look *l, bool force)
{
	struct leaving leaving = {
		tw, l->ours->used / sysconf(_SC_PAGESIZE)
	};
	struct beside *shown;
	int err = 0, code = force ? 0 : swap_memory_holds(l);

	if (code)
		return code;
	stop_catch();
	shown = beside_begin(tell_back, &leaving);
	if (swapoff(l->ours->name))
		err = -errno;
	beside_end(shown);
	return err ? stays_on(tw, err) : 0;
}

static int end_device(struct tw *tw)
{
	int err = swap_device_remove(tw);

	if (err == -EBUSY)
		return cli_error(SWAP_PATH " stays: something that is no swap has it open. See: lsblk " SWAP_PATH "; fuser -v " SWAP_PATH);
	/* Somebody else was quicker. */
	if (err && err != -ENOENT)
		return cli_errno(err, "removing the swap device");
	return 0;
}

/* Whether it was off goes into @already. */
static int turn_off(struct tw *tw, bool force, bool *already)
{
	struct swap_look l;
	int code, err;

	/* This is refused before anything, and while it is in use as swap. */
	err = tw_swap_destroy(tw);
	*already = err == -ENOENT;
	if (!err || *already)
		return 0;
	if (err == -EPERM)
		return cli_no_permission("turning swap off needs CAP_SYS_ADMIN. Be root");
	if (err != -EBUSY)
		return cli_errno(err, "removing the swap device");
	code = swap_look(tw, &l);
	if (!code && l.state == SWAP_ON)
		code = leave(tw, &l, force);
	swap_look_free(&l);
	return code ? code : end_device(tw);
}

int cmd_swap_off(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	bool force = false, json = false, already;
	struct tw *tw;
	int c;

	while ((c = getopt_long(argc, argv, "fj", opts, NULL)) != -1) {
		if (c == 'f')
			force = true;
		else if (c == 'j')
			json = true;
		else
			return EXIT_USAGE;
	}
	if (optind != argc)
		return cli_usage("swap off takes options only");
	c = cli_open(&tw);
	if (c)
		return c;
	c = turn_off(tw, force, &already);
	if (!c)
		c = swap_show(tw, already, json);
	tw_close(tw);
	return c;
}
