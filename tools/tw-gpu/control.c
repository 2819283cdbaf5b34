// SPDX-License-Identifier: GPL-2.0
/*
 * control.c - the server is told to be smaller or larger
 *
 * Owns the socket and the thread that answers on it, one question after the other.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"

#define WAITING		4
#define PATIENCE	1	/* seconds for a question */

static const struct control_ops *ops;
static pthread_t thread;
static int listening = -1;

static void answer(char *text, size_t len, const char *question)
{
	char why[CONTROL_LEN / 2] = "";
	unsigned long long bytes;
	int end = 0;

	if (!strcmp(question, "look")) {
		snprintf(text, len, "ok ");
		ops->look(text + 3, len - 3);
	} else if (sscanf(question, "size %llu%n", &bytes, &end) == 1 && !question[end]) {
		if (ops->resize(bytes, why, sizeof(why)))
			snprintf(text, len, "error %s", why);
		else
			snprintf(text, len, "ok");
	} else {
		snprintf(text, len, "error no such question");
	}
}

static void serve(int fd)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	char question[CONTROL_LEN], text[CONTROL_LEN];
	ssize_t got;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	got = recv(fd, question, sizeof(question) - 1, 0);
	if (got <= 0)
		return;
	question[got] = '\0';
	answer(text, sizeof(text), question);
	send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void *listen_on(void *unused)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int fd;

	(void)unused;
	for (;;) {
		fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			serve(fd);
			close(fd);
			continue;
		}
		if (errno == EINVAL || errno == EBADF)
			return NULL;	/* control_end() */
		/* Without descriptors or memory, say: there may be some again. */
		nanosleep(&pause, NULL);
	}
}

int control_begin(const char *path, const struct control_ops *with)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int err;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	ops = with;
	listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (listening < 0)
		return -errno;
	unlink(path);
	if (bind(listening, (struct sockaddr *)&addr, sizeof(addr)) ||
	    chmod(path, 0600) || listen(listening, WAITING)) {
		err = errno;
		goto fail;
	}
	err = pthread_create(&thread, NULL, listen_on, NULL);
	if (!err)
		return 0;
fail:
	close(listening);
	listening = -1;
	return -err;
}

void control_end(void)
{
	if (listening < 0)
		return;
	shutdown(listening, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(listening);
	listening = -1;
}
