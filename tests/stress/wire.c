// SPDX-License-Identifier: GPL-2.0
/*
 * wire.c - a TCP connection that sends without copying (MSG_ZEROCOPY)
 *
 * The receiving end takes little at a time, so that most of what is sent waits in
 * the sender's own pages. The kernel says on the error queue when it needs them
 * no more.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pins.h"

#define ROOM_OUT	(512 << 10)	/* more than is ever sent at once */
#define ROOM_IN		(16 << 10)
#define SEGMENT		1400		/* several to a page, as on a network */

static int option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

/* @listener: what @wire->out is to connect to; its options are the other end's. */
static int listen_here(int listener, struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	int ret;

	ret = option(listener, SOL_SOCKET, SO_RCVBUF, ROOM_IN);
	if (!ret)
		ret = option(listener, IPPROTO_TCP, TCP_MAXSEG, SEGMENT);
	if (ret)
		return ret;
	*address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (bind(listener, (struct sockaddr *)address, length) ||
	    listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)address, &length))
		return -errno;
	return 0;
}

static int connect_to(struct wire *wire, const struct sockaddr_in *address)
{
	int ret;

	wire->out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (wire->out < 0)
		return -errno;
	ret = option(wire->out, SOL_SOCKET, SO_ZEROCOPY, 1);
	if (!ret)
		ret = option(wire->out, SOL_SOCKET, SO_SNDBUF, ROOM_OUT);
	if (!ret)
		ret = option(wire->out, IPPROTO_TCP, TCP_MAXSEG, SEGMENT);
	if (!ret)
		ret = option(wire->out, IPPROTO_TCP, TCP_NODELAY, 1);
	if (!ret && connect(wire->out, (const struct sockaddr *)address,
			    sizeof(*address)))
		ret = -errno;
	return ret;
}

int wire_open(struct wire *wire)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;
	struct sockaddr_in address;

	*wire = (struct wire){ .out = -1, .in = -1 };
	if (listener < 0)
		return -errno;
	ret = listen_here(listener, &address);
	if (!ret)
		ret = connect_to(wire, &address);
	if (!ret) {
		wire->in = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		ret = wire->in < 0 ? -errno : 0;
	}
	close(listener);
	if (ret)
		wire_close(wire);
	return ret;
}

void wire_close(struct wire *wire)
{
	if (wire->out >= 0)
		close(wire->out);
	if (wire->in >= 0)
		close(wire->in);
	wire->out = -1;
	wire->in = -1;
}

int wire_send(struct wire *wire, const void *memory, size_t bytes)
{
	const char *at = memory;
	ssize_t sent;

	while (bytes) {
		sent = send(wire->out, at, bytes, MSG_ZEROCOPY | MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		wire->sends++;
		at += sent;
		bytes -= sent;
	}
	return 0;
}

int wire_receive(struct wire *wire, void *memory, size_t bytes)
{
	char *at = memory;
	ssize_t got;

	while (bytes) {
		got = recv(wire->in, at, bytes, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EPIPE;
		at += got;
		bytes -= got;
		/* What is not acknowledged is not let go of. */
		option(wire->in, IPPROTO_TCP, TCP_QUICKACK, 1);
	}
	return 0;
}

/* A word of the kernel's: sends from the first number to the last have ended. */
static int note(struct wire *wire, struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	struct sock_extended_err error;
	uint64_t nr;

	if (!c || c->cmsg_level != SOL_IP || c->cmsg_type != IP_RECVERR)
		return -EPROTO;
	memcpy(&error, CMSG_DATA(c), sizeof(error));
	if (error.ee_origin != SO_EE_ORIGIN_ZEROCOPY)
		return error.ee_errno ? -(int)error.ee_errno : -EPROTO;
	nr = (uint32_t)(error.ee_data - error.ee_info) + 1;
	if (error.ee_errno || wire->ended + nr > wire->sends)
		return -EPROTO;
	wire->ended += nr;
	if (error.ee_code & SO_EE_CODE_ZEROCOPY_COPIED)
		wire->copied += nr;
	return 0;
}

int wire_settle(struct wire *wire)
{
	while (wire->ended < wire->sends) {
		char control[128] __attribute__((aligned(8)));
		struct msghdr message = {
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		/* Only errors, which need not be asked for. */
		struct pollfd poller = { .fd = wire->out };
		int ret;

		if (recvmsg(wire->out, &message, MSG_ERRQUEUE) >= 0) {
			ret = note(wire, &message);
			if (ret)
				return ret;
		} else if (errno != EAGAIN && errno != EINTR) {
			return -errno;
		} else if (poll(&poller, 1, -1) < 0 && errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}
