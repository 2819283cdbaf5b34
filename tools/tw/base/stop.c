// SPDX-License-Identifier: GPL-2.0
/*
 * Being told to stop, waiting, and spans of time.
 *
 * The signals only leave a note. They are let in while waiting and while
 * working, but not between looking at the note and beginning to wait, so none
 * is missed. There is no SA_RESTART: a write to somebody who doesn't read ends.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/stop.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	caught = sig;
}

void stop_catch(void)
{
	struct sigaction sa = { .sa_handler = on_signal }, old;
	unsigned int i;

	caught = 0;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		/* nohup, and jobs in the background of a script */
		if (!sigaction(signals[i], NULL, &old) &&
		    old.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &sa, NULL);
	}
}

int stop_signal(void)
{
	return caught;
}

int stop_code(int code)
{
	return caught ? 128 + caught : code;
}

static __u64 clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

__u64 now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

__u64 cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int stop_wait(int fd, __u64 deadline_ns)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct timespec ts, *timeout = NULL;
	sigset_t block, old;
	unsigned int i;
	__u64 now;
	int n = 0;

	sigemptyset(&block);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&block, signals[i]);
	sigprocmask(SIG_BLOCK, &block, &old);
	if (deadline_ns != ~0ULL) {
		now = now_ns();
		if (deadline_ns < now)
			deadline_ns = now;
		ts.tv_sec = (deadline_ns - now) / NS_PER_SEC;
		ts.tv_nsec = (deadline_ns - now) % NS_PER_SEC;
		timeout = &ts;
	}
	if (!caught) {
		n = ppoll(&pfd, fd >= 0, timeout, &old);
		if (n < 0)
			n = errno == EINTR ? 0 : -errno;
		else if (n && !(pfd.revents & (POLLIN | POLLHUP)))
			n = -EIO;
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return n;
}
