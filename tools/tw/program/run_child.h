/* SPDX-License-Identifier: GPL-2.0 */
/* A command that is run: how it begins and ends, and which signals reach it. */
#ifndef _TW_RUN_CHILD_H
#define _TW_RUN_CHILD_H

#include <signal.h>
#include <sys/types.h>

#include <linux/types.h>

struct run_group;

/* As shells say it of what is no command, or can't be executed. */
#define EXIT_NOT_EXECUTABLE	126
#define EXIT_NOT_FOUND		127

/**
 * struct run_child - the command
 * @argv: its words
 * @group: the cgroup that it is to be in
 * @agent_fd: descriptor of an agent that it gets, or -1
 * @pid: its process
 * @signals: signalfd(2) of those that are handed on, and of SIGCHLD
 * @mask: of signals, as it was and as the command has it
 * @chld: what SIGCHLD did, which is the command's as well
 */
struct run_child {
	char **argv;
	const struct run_group *group;
	int agent_fd;
	pid_t pid;
	int signals;
	sigset_t mask;
	struct sigaction chld;
};

/*
 * From now on signals wait to be handed on, and end nothing. 0, or the exit code and it
 * has said what is wrong.
 */
int run_child_signals(struct run_child *c);
/* Until then. */
void run_child_signals_end(struct run_child *c);
/*
 * Starts it: when this returns 0, the command's own program runs. Else the exit code,
 * and it has said what is wrong.
 */
int run_child_start(struct run_child *c);
/*
 * Hands signals on until the command has ended, or until @deadline_ns of
 * CLOCK_MONOTONIC (~0: none). Returns its exit code, 128 and the number of the signal
 * that has killed it, or -1 while it runs.
 */
int run_child_wait(struct run_child *c, __u64 deadline_ns);

#endif /* _TW_RUN_CHILD_H */
