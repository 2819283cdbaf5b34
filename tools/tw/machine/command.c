// SPDX-License-Identifier: GPL-2.0
/* Programs that tw starts: their output goes to a file, for what is said of a failure. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine/command.h"

#define LINE_LEN	512
/*
 * The stack of each thread of a program that locks all its memory is real memory. This
 * is what threads get by default, and the limit is that of the program's start too.
 */
#define STACK_BYTES	(1UL << 20)
#define NEW_PARENT_US	1000
#define OOM_SCORE	"-900"

/* Never returns. */
static void become(const char *log, const char *const argv[])
{
	int in = open("/dev/null", O_RDONLY), out;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (in >= 0 && out >= 0 && dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(out, 2) >= 0) {
		if (in > 2)
			close(in);
		if (out > 2)
			close(out);
		execvp(argv[0], (char *const *)argv);
	}
}

/* It has memory that others need to go on, and is not to be the first that is killed. */
static void spare_me(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, OOM_SCORE, strlen(OOM_SCORE)) < 0)
		close(fd);	/* it does without */
}

/*
 * The process that stays. It keeps nothing of the caller's, and tells its number, and why
 * it has not become the program. Some programs end with the process that they are begun
 * by, so that has to be gone.
 */
static void stay(int told, pid_t parent, const char *log, const char *const argv[])
{
	struct rlimit stack;
	int text = getpid();

	while (getppid() == parent)
		usleep(NEW_PARENT_US);
	if (!getrlimit(RLIMIT_STACK, &stack) && stack.rlim_cur > STACK_BYTES) {
		stack.rlim_cur = STACK_BYTES;
		setrlimit(RLIMIT_STACK, &stack);
	}
	spare_me();
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	if (chdir("/"))
		_exit(126);
	if (write(told, &text, sizeof(text)) == (ssize_t)sizeof(text))
		become(log, argv);
	text = errno;
	if (write(told, &text, sizeof(text)) < 0)
		_exit(126);
	_exit(127);
}

/* Its number and then the end, as the program has closed it; else an errno. */
static pid_t hear(int told)
{
	int pid = 0, err = 0;

	if (read(told, &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
		return -EAGAIN;
	return read(told, &err, sizeof(err)) == (ssize_t)sizeof(err) ? -err : pid;
}

pid_t command_start(const char *log, const char *const argv[])
{
	int told[2];
	pid_t pid;

	if (pipe2(told, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		pid = getpid();
		setsid();
		if (!fork())
			stay(told[1], pid, log, argv);
		_exit(0);
	}
	close(told[1]);
	if (pid > 0) {
		waitpid(pid, NULL, 0);
		pid = hear(told[0]);
	} else {
		pid = -errno;
	}
	close(told[0]);
	return pid;
}

int command_run(const char *log, const char *const argv[])
{
	int told[2], status, err = 0;
	pid_t pid;

	if (pipe2(told, O_CLOEXEC))
		return -errno;
	/* Ignored, as it may have been handed on, it would leave nothing to wait for. */
	signal(SIGCHLD, SIG_DFL);
	pid = fork();
	if (!pid) {
		/* Ctrl-C is for the caller, which sees to the end of what was begun. */
		setpgid(0, 0);
		become(log, argv);
		err = errno;
		_exit(write(told[1], &err, sizeof(err)) < 0 ? 126 : 127);
	}
	if (pid < 0)
		err = errno;
	close(told[1]);
	if (pid > 0 && read(told[0], &err, sizeof(err)) < 0)
		err = errno;
	close(told[0]);
	if (pid > 0 && waitpid(pid, &status, 0) < 0)
		err = errno;
	if (err)
		return -err;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void command_said(char *buf, size_t len, const char *log)
{
	char line[LINE_LEN];
	FILE *f = fopen(log, "re");

	buf[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (*line)
			snprintf(buf, len, "%s", line);
	}
	if (f)
		fclose(f);
}
