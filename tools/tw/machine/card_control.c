// SPDX-License-Identifier: GPL-2.0
/*
 * Asking the server of a card's memory how much it has, and to have another size: a
 * question and an answer on its socket, as tools/tw-gpu/control.h has them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "machine/card_control.h"

/* Seconds: a card's driver may take its time for much memory. */
#define PATIENCE	30

void card_file(char path[CARD_FILE_LEN], const char *name, const char *ext)
{
	snprintf(path, CARD_FILE_LEN, CARD_RUN_DIR "/%s.%s", name, ext);
}

static int connect_to(const char *name)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char path[CARD_FILE_LEN];
	int fd, err;

	card_file(path, name, "ctl");
	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) &&
	    !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = errno;
	close(fd);
	/* Its file stays behind when it is killed. */
	return err == ECONNREFUSED ? -ENOENT : err == EAGAIN ? -ETIMEDOUT : -err;
}

/* 0, and @said is what comes behind "ok". */
static int ask(const char *name, const char *question, char said[CARD_SAID_LEN])
{
	char text[CARD_SAID_LEN];
	int fd = connect_to(name);
	ssize_t got;

	if (fd < 0)
		return fd;
	got = send(fd, question, strlen(question), MSG_NOSIGNAL);
	if (got > 0)
		got = recv(fd, text, sizeof(text) - 1, 0);
	if (got < 0)
		got = errno == EAGAIN ? -ETIMEDOUT : -errno;
	close(fd);
	if (got <= 0)		/* 0: it has ended meanwhile */
		return got ? got : -ENOENT;
	text[got] = '\0';
	if (!strncmp(text, "ok", 2) && (!text[2] || text[2] == ' ')) {
		strcpy(said, text[2] ? text + 3 : "");
		return 0;
	}
	strcpy(said, strncmp(text, "error ", 6) ? text : text + 6);
	return -EREMOTEIO;
}

int card_look(const char *name, struct card_size *size)
{
	char said[CARD_SAID_LEN];
	unsigned long long bytes, most, left;
	int n, err = ask(name, "look", said);

	if (err)
		return err;
	n = sscanf(said, "%llu %llu %llu", &bytes, &most, &left);
	if (n < 2)
		return -EBADMSG;
	*size = (struct card_size){
		.bytes = bytes,
		.most = most,
		.free = n == 3 ? left : 0,
		.free_known = n == 3,
	};
	return 0;
}

int card_set_size(const char *name, __u64 bytes, char said[CARD_SAID_LEN])
{
	char question[64];

	said[0] = '\0';
	snprintf(question, sizeof(question), "size %llu", (unsigned long long)bytes);
	return ask(name, question, said);
}
