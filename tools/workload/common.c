// SPDX-License-Identifier: GPL-2.0
/*
 * common.c - what the rooms of the generator share: complaints, and the signals
 * that end a run. It uses none of them.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/signalfd.h>

#include "workload.h"

static int signal_fd = -1;

void complain(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* In one piece, beside other threads and processes. */
	fprintf(stderr, "tw-workload: %s\n", text);
}

int interrupt_init(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	return signal_fd;
}

bool interrupted(struct workload *w)
{
	struct pollfd pfd = { .fd = signal_fd, .events = POLLIN };

	if (!w->interrupted && poll(&pfd, 1, 0) == 1)
		w->interrupted = true;
	return w->interrupted;
}
