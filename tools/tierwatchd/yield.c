// SPDX-License-Identifier: GPL-2.0
/*
 * A store on a card's memory gives way to other programs there (tw tier bind --yield).
 *
 * Owns a thread, since what lies at the end of a store may take its time to go elsewhere.
 * Should the process end meanwhile, the driver breaks off and the store has its size.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "../tw-gpu/calc.h"
#include "base/cli.h"
#include "base/stop.h"
#include "machine/card_resize.h"
#include "say.h"
#include "yield.h"
#include "yield_calc.h"

/* Often, as others do not wait for us. */
#define LOOK_NS		(NS_PER_SEC / 4)
/* Looks that are left out when it cannot be changed: a second, and up to a minute. */
#define PAUSE_LEAST	4
#define PAUSE_MOST	240
#define NAME_LEN	32
#define ENDING		".yield"

/**
 * struct yielding - the store that gives way; the tier of GPUs is one
 * @name: of its block device
 * @calm: see td_yield_size()
 * @blind: errno of the last look that failed, which has been said
 * @stuck: errno of the last change that failed, which has been said
 * @pause: looks that are left out after one that fails
 * @skip: how many of these are left
 */
struct yielding {
	char name[NAME_LEN];
	unsigned int calm;
	int blind;
	int stuck;
	unsigned int pause;
	unsigned int skip;
};

/* -- which -------------------------------------------------------------------- */

/* The first one that has a file; false: there is none. */
static bool find_name(char name[NAME_LEN])
{
	DIR *dir = opendir(CARD_RUN_DIR);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (len <= strlen(ENDING) || len >= NAME_LEN ||
		    strcmp(entry->d_name + len - strlen(ENDING), ENDING))
			continue;
		memcpy(name, entry->d_name, len - strlen(ENDING));
		name[len - strlen(ENDING)] = '\0';
		found = true;
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Is it what the tier of GPUs is bound to? */
static bool is_bound(struct tw *tw, const char *name)
{
	char path[NAME_LEN + sizeof("/dev/")];
	struct tw_tier_info t;
	struct stat st;

	snprintf(path, sizeof(path), "/dev/%s", name);
	return !tw_tier_info(tw, TW_TIER_GPU, &t) && t.kind == TW_KIND_STORE &&
	       !stat(path, &st) && st.st_rdev == t.dev;
}

/* -- a look ------------------------------------------------------------------- */

static void failed(const struct yielding *y, int *before, int err, const char *what,
		   const char *said)
{
	if (err == *before)
		return;
	*before = err;
	td_say(TD_WARNING, "%s: %s: %s", y->name, what, *said ? said : strerror(-err));
}

/* Has the store be of @bytes; half of what it is to give, as long as there is no room. */
static int resize(struct yielding *y, struct tw *tw, const struct td_yield_seen *s,
		  __u64 *bytes, struct card_resized *done)
{
	__u64 less;
	int err;

	for (;;) {
		err = card_resize(tw, TW_TIER_GPU, y->name, *bytes, done);
		if (err != -ENOSPC || *bytes >= s->bytes)
			return err;
		less = (s->bytes - *bytes) / 2 / s->step * s->step;
		if (!less)
			return err;
		*bytes = s->bytes - less;
	}
}

static void change(struct yielding *y, struct tw *tw, const struct td_yield_seen *s,
		   __u64 bytes)
{
	const __u64 before = s->bytes;
	struct card_resized done;
	int err = resize(y, tw, s, &bytes, &done);

	if (err) {
		failed(y, &y->stuck, err, bytes < before ?
		       "no memory is given back to the card" :
		       "no memory is taken of the card", done.said);
		y->pause = y->pause ? y->pause * 2 : PAUSE_LEAST;
		if (y->pause > PAUSE_MOST)
			y->pause = PAUSE_MOST;
		y->skip = y->pause;
		return;
	}
	y->stuck = 0;
	y->pause = 0;
	td_say(TD_NOTICE, "%s: %llu MiB of the card's memory, %llu before; %llu pages went elsewhere",
	       y->name, (unsigned long long)bytes >> 20, (unsigned long long)before >> 20,
	       (unsigned long long)done.moved);
}

static void look(struct yielding *y, struct tw *tw)
{
	struct td_yield_seen seen;
	struct card_yield wish;
	struct card_size size;
	__u64 bytes;
	int err;

	if (y->skip) {
		y->skip--;
		return;
	}
	err = card_yield_read(y->name, &wish);
	if (!err)
		err = card_look(y->name, &size);
	if (!err && !size.free_known)
		err = -ENODATA;
	if (err) {
		failed(y, &y->blind, err,
		       "it is not known how much of the card's memory is free", "");
		return;
	}
	y->blind = 0;
	seen = (struct td_yield_seen){
		.bytes = size.bytes,
		.most = wish.most < size.most ? wish.most : size.most,
		.step = gpu_segment_wish(size.most),
		.free = size.free,
		.wanted = wish.free,
	};
	/* One segment has to be a store. */
	if (seen.step < 2 * GPU_SEGMENT_LEAST)
		seen.step = 2 * GPU_SEGMENT_LEAST;
	bytes = td_yield_size(&seen, &y->calm);
	if (bytes != size.bytes)
		change(y, tw, &seen, bytes);
}

/* -- the thread ---------------------------------------------------------------- */

static void *watch(void *arg)
{
	const __u64 period = *(const __u64 *)arg;
	const struct timespec ts = { period / NS_PER_SEC, period % NS_PER_SEC };
	struct yielding y = { 0 };
	char name[NAME_LEN];
	struct tw *tw;

	for (;;) {
		nanosleep(&ts, NULL);
		if (!find_name(name))
			continue;
		if (strcmp(name, y.name)) {
			y = (struct yielding){ 0 };
			strcpy(y.name, name);
		}
		/* Anew each time, as in tick.c. */
		if (tw_open(cli_device, &tw))
			continue;
		if (is_bound(tw, name))
			look(&y, tw);
		tw_close(tw);
	}
	return NULL;
}

int td_yield_begin(__u64 interval_ns)
{
	static __u64 period;
	sigset_t all, before;
	pthread_t thread;
	int err;

	period = interval_ns < LOOK_NS ? interval_ns : LOOK_NS;
	/* Signals are for the thread that waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, NULL, watch, &period);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_detach(thread);
	return -err;
}
