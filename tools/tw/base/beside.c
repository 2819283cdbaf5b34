// SPDX-License-Identifier: GPL-2.0
/*
 * Some work is one call that lasts: unbinding a tier, turning swap off. A thread
 * beside it tells how far it is.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/beside.h"
#include "base/progress.h"

#define EVERY_NS	500000000

/**
 * struct beside - what is told of
 * @tell: tells it
 * @arg: for @tell
 * @progress: the line on the terminal; only the thread writes it
 * @thread: that tells
 * @lock: of @done
 * @wake: @done has changed
 * @done: it is over
 */
struct beside {
	void (*tell)(struct progress *p, void *arg);
	void *arg;
	struct progress progress;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
};

static void *run(void *arg)
{
	struct beside *b = arg;
	struct timespec at;

	pthread_mutex_lock(&b->lock);
	while (!b->done) {
		clock_gettime(CLOCK_REALTIME, &at);
		at.tv_nsec += EVERY_NS;
		at.tv_sec += at.tv_nsec / 1000000000;
		at.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&b->wake, &b->lock, &at);
		if (b->done)
			break;
		b->tell(&b->progress, b->arg);
	}
	pthread_mutex_unlock(&b->lock);
	progress_end(&b->progress);
	return NULL;
}

struct beside *beside_begin(void (*tell)(struct progress *p, void *arg),
			    void *arg)
{
	struct beside *b;
	sigset_t all, old;
	int err;

	if (!progress_wanted())
		return NULL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->tell = tell;
	b->arg = arg;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->wake, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&b->thread, NULL, run, b);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err)
		return b;
	free(b);
	return NULL;
}

void beside_end(struct beside *b)
{
	if (!b)
		return;
	pthread_mutex_lock(&b->lock);
	b->done = true;
	pthread_cond_signal(&b->wake);
	pthread_mutex_unlock(&b->lock);
	pthread_join(b->thread, NULL);
	free(b);
}
