// SPDX-License-Identifier: GPL-2.0
/*
 * util-linux's mkswap(8), which knows what the kernel wants to find on a device.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cli.h"
#include "swap/mkswap.h"

extern char **environ;

/* The first of @path's folders, which : separates, that has it. */
static bool find_in(const char *path, char found[PATH_MAX])
{
	while (path && *path) {
		size_t len = strcspn(path, ":");

		/* An empty one would be the folder that one happens to be in. */
		if (len && len < PATH_MAX - sizeof("/mkswap")) {
			snprintf(found, PATH_MAX, "%.*s/mkswap", (int)len,
				 path);
			if (!access(found, X_OK))
				return true;
		}
		path += len + (path[len] == ':');
	}
	return false;
}

/* PATH of a user who became root may lack it. */
bool mkswap_find(char path[PATH_MAX])
{
	return find_in(getenv("PATH"), path) ||
	       find_in("/usr/sbin:/sbin", path);
}

/* Its errors go into @err. */
static int start(const char *path, const char *device, int err, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	char *argv[3];
	int ret;

	argv[0] = (char *)"mkswap";
	argv[1] = (char *)device;
	argv[2] = NULL;
	ret = posix_spawn_file_actions_init(&files);
	if (ret)
		return -ret;
	ret = posix_spawn_file_actions_addopen(&files, STDIN_FILENO,
					       "/dev/null", O_RDONLY, 0);
	if (!ret)
		ret = posix_spawn_file_actions_addopen(&files, STDOUT_FILENO,
						       "/dev/null", O_WRONLY, 0);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&files, err,
						       STDERR_FILENO);
	if (!ret)
		ret = posix_spawn(pid, path, &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	return -ret;
}

/* All of it, as one line; what does not fit is read and dropped. */
static void read_errors(int fd, char *text, size_t size)
{
	size_t len = 0, i;
	char rest[512];
	ssize_t got;

	for (;;) {
		if (len + 1 < size)
			got = read(fd, text + len, size - len - 1);
		else
			got = read(fd, rest, sizeof(rest));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (len + 1 < size)
			len += got;
	}
	while (len && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	for (i = 0; i < len; i++)
		if (text[i] == '\n')
			text[i] = ' ';
}

static int result(pid_t pid, const char *path, const char *said)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return cli_errno(-errno, "%s", path);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFSIGNALED(status))
		return cli_error("%s was ended by signal %d%s%s", path,
				 WTERMSIG(status), *said ? ": " : "", said);
	return cli_error("%s failed%s%s", path, *said ? ": " : "", said);
}

int mkswap_run(const char *device)
{
	char path[PATH_MAX], said[1024];
	int fds[2], err;
	pid_t pid;

	if (!mkswap_find(path))
		return cli_error("mkswap is neither in PATH nor in /usr/sbin. It is of the package util-linux");
	if (pipe2(fds, O_CLOEXEC))
		return cli_errno(-errno, "starting %s", path);
	err = start(path, device, fds[1], &pid);
	close(fds[1]);
	if (!err)
		read_errors(fds[0], said, sizeof(said));
	close(fds[0]);
	return err ? cli_errno(err, "starting %s", path) :
		     result(pid, path, said);
}
