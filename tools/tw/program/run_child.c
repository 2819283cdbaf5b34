// SPDX-License-Identifier: GPL-2.0
/*
 * The command of a run. It stays in the process group of tw, so that a terminal treats
 * both as one job: Ctrl-C, Ctrl-\ and Ctrl-Z reach it from there, and only what is sent to
 * tw itself is handed on.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/stop.h"
#include "base/text.h"
#include "program/run_child.h"
#include "program/run_group.h"

/* The number of the agent's descriptor, for the command. */
#define AGENT_VARIABLE	"TIERWATCH_AGENT_FD"

static const int handed_on[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2,
};

int run_child_signals(struct run_child *c)
{
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	struct sigaction now;
	sigset_t caught;
	size_t i;

	sigemptyset(&caught);
	sigaddset(&caught, SIGCHLD);
	for (i = 0; i < ARRAY_SIZE(handed_on); i++)
		/* What is ignored is not to end it, as under nohup. */
		if (!sigaction(handed_on[i], NULL, &now) &&
		    now.sa_handler != SIG_IGN)
			sigaddset(&caught, handed_on[i]);
	/* If it is ignored no exit code is kept. */
	sigaction(SIGCHLD, &normal, &c->chld);
	sigprocmask(SIG_BLOCK, &caught, &c->mask);
	c->signals = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
	if (c->signals >= 0)
		return 0;
	i = cli_errno(-errno, "signals");
	run_child_signals_end(c);
	return i;
}

void run_child_signals_end(struct run_child *c)
{
	if (c->signals >= 0)
		close(c->signals);
	c->signals = -1;
	sigaction(SIGCHLD, &c->chld, NULL);
	sigprocmask(SIG_SETMASK, &c->mask, NULL);
}

/**
 * struct failure - why the command has not begun
 * @in_group: it could not go into its cgroup
 * @err: -errno
 */
struct failure {
	bool in_group;
	int err;
};

static int hand_agent(int fd)
{
	char number[16];

	if (fd < 0)
		return 0;
	snprintf(number, sizeof(number), "%d", fd);
	if (fcntl(fd, F_SETFD, 0) || setenv(AGENT_VARIABLE, number, 1))
		return -errno;
	return 0;
}

/* In the new process. */
static void become(const struct run_child *c, int report)
{
	struct failure f = { .err = run_group_enter(c->group) };

	f.in_group = f.err;
	if (!f.err)
		f.err = hand_agent(c->agent_fd);
	if (!f.err) {
		sigaction(SIGCHLD, &c->chld, NULL);
		sigprocmask(SIG_SETMASK, &c->mask, NULL);
		execvp(c->argv[0], c->argv);
		f.err = -errno;
	}
	/* What can't be reported is still an exit code. */
	_exit(write(report, &f, sizeof(f)) == sizeof(f) ? EXIT_SUCCESS :
							  EXIT_NOT_EXECUTABLE);
}

static int not_begun(const struct run_child *c, const struct failure *f)
{
	const char *shown = text_shown(c->argv[0]);

	if (f->in_group)
		return cli_errno(f->err, "going into the cgroup %s",
				 c->group->path);
	if (f->err == -ENOENT) {
		cli_error("%s: there is no such command, or its interpreter is missing",
			  shown);
		return EXIT_NOT_FOUND;
	}
	cli_errno(f->err, "%s", shown);
	return EXIT_NOT_EXECUTABLE;
}

int run_child_start(struct run_child *c)
{
	struct failure f;
	int fds[2], err;
	ssize_t got;

	/* The other end closes when the command's own program begins. */
	if (pipe2(fds, O_CLOEXEC))
		return cli_errno(-errno, "starting %s", c->argv[0]);
	fflush(stdout);
	c->pid = fork();
	err = c->pid < 0 ? -errno : 0;
	if (!c->pid) {
		close(fds[0]);
		become(c, fds[1]);
	}
	close(fds[1]);
	got = err ? 0 : read(fds[0], &f, sizeof(f));
	close(fds[0]);
	if (err)
		return cli_errno(err, "starting %s", c->argv[0]);
	if (got != sizeof(f))
		return 0;
	waitpid(c->pid, NULL, 0);
	return not_begun(c, &f);
}

/*
 * The kernel sends what a terminal's keys mean, to all of the job; but that a terminal
 * has gone only to the leader of its session, which may be this process.
 */
static bool is_for_us(const struct signalfd_siginfo *info)
{
	return info->ssi_code != SI_KERNEL ||
	       (info->ssi_signo == SIGHUP && getsid(0) == getpid());
}

static void hand_on(const struct run_child *c)
{
	struct signalfd_siginfo info;

	while (read(c->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD && is_for_us(&info))
			kill(c->pid, info.ssi_signo);
}

int run_child_wait(struct run_child *c, __u64 deadline_ns)
{
	struct pollfd p = { .fd = c->signals, .events = POLLIN };
	struct timespec ts, *timeout = NULL;
	__u64 now;
	int status;

	for (;;) {
		hand_on(c);
		if (waitpid(c->pid, &status, WNOHANG) == c->pid)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
						     WEXITSTATUS(status);
		now = now_ns();
		if (now >= deadline_ns)
			return -1;
		if (deadline_ns != ~0ULL) {
			ts.tv_sec = (deadline_ns - now) / NS_PER_SEC;
			ts.tv_nsec = (deadline_ns - now) % NS_PER_SEC;
			timeout = &ts;
		}
		ppoll(&p, 1, timeout, NULL);
	}
}
