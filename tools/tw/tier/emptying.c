// SPDX-License-Identifier: GPL-2.0
/*
 * Unbinding a tier is one call that lasts as long as its pages take to move. A
 * thread beside it tells how many are left.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/term.h"
#include "base/text.h"
#include "tier/emptying.h"
#include "tw.h"

#define EVERY_NS	500000000

/**
 * struct emptying - what is told of
 * @tw: the device
 * @tier: what is being emptied
 * @progress: the line on the terminal; only the thread writes it
 * @thread: that tells
 * @lock: of @done
 * @wake: @done has changed
 * @done: it is over
 */
struct emptying {
	struct tw *tw;
	int tier;
	struct progress progress;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
};

static void tell(struct emptying *e)
{
	struct tw_tier_info t;
	char left[TEXT_LEN];

	if (tw_tier_info(e->tw, e->tier, &t))
		return;
	progress_say(&e->progress, "%s: %s pages left", tw_tier_name(e->tier),
		     text_count(left, t.used));
}

static void *run(void *arg)
{
	struct emptying *e = arg;
	struct timespec at;

	pthread_mutex_lock(&e->lock);
	while (!e->done) {
		clock_gettime(CLOCK_REALTIME, &at);
		at.tv_nsec += EVERY_NS;
		at.tv_sec += at.tv_nsec / 1000000000;
		at.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&e->wake, &e->lock, &at);
		if (e->done)
			break;
		tell(e);
	}
	pthread_mutex_unlock(&e->lock);
	progress_end(&e->progress);
	return NULL;
}

struct emptying *emptying_show(struct tw *tw, int tier)
{
	struct emptying *e;
	sigset_t all, old;
	int err;

	if (!progress_wanted())
		return NULL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->tw = tw;
	e->tier = tier;
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->wake, NULL);
	/* Ctrl-C is for the thread that waits in the call. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&e->thread, NULL, run, e);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err)
		return e;
	free(e);
	return NULL;
}

void emptying_end(struct emptying *e)
{
	if (!e)
		return;
	pthread_mutex_lock(&e->lock);
	e->done = true;
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
	pthread_join(e->thread, NULL);
	free(e);
}
