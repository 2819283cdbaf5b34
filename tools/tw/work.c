// SPDX-License-Identifier: GPL-2.0
/*
 * Long work: it ends at Ctrl-C between two steps, and shows how far it is on a
 * terminal.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "work.h"

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

void cli_catch_interrupt(void)
{
	/* Without SA_RESTART: what waits is to come back. */
	struct sigaction sa = { .sa_handler = on_signal };

	interrupted = 0;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

bool cli_interrupted(void)
{
	return interrupted;
}

/*
 * A signal may come after the question and before the wait: they are let in
 * only while it sleeps.
 */
int cli_poll(int fd, int timeout_ms)
{
	const struct timespec timeout = {
		.tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000L,
	};
	struct pollfd p = { .fd = fd, .events = POLLIN };
	sigset_t ours, before;
	int ret;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_BLOCK, &ours, &before);
	if (interrupted)
		ret = -EINTR;
	else if (ppoll(&p, 1, &timeout, &before) < 0)
		ret = -errno;
	else
		ret = 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ret;
}

__u64 cli_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Ten times a second are enough for eyes. */
#define PROGRESS_NS	100000000ULL

void progress_show(struct progress *p, __u64 done)
{
	__u64 now;

	if (!isatty(STDERR_FILENO))
		return;
	now = cli_now_ns();
	if (p->shown_ns && now - p->shown_ns < PROGRESS_NS)
		return;
	p->shown_ns = now;
	if (p->total)
		fprintf(stderr, "\r%s: %llu of %llu pages (%llu %%)\033[K",
			p->what, (unsigned long long)done,
			(unsigned long long)p->total,
			(unsigned long long)(100 * (double)done / p->total));
	else
		fprintf(stderr, "\r%s: %llu pages\033[K", p->what,
			(unsigned long long)done);
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->shown_ns)
		fputs("\r\033[K", stderr);
	p->shown_ns = 0;
}
