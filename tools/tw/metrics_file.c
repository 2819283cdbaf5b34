// SPDX-License-Identifier: GPL-2.0
/*
 * A file that readers see whole, the old one or the new one: it is written
 * beside it and renamed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics.h"

static int write_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	for (; len; text += n, len -= n) {
		n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return n ? -errno : -EIO;
	}
	return 0;
}

/* What is renamed must be there: full disks tell some of it late. */
static int fill(int fd, const char *text, size_t len)
{
	int err = write_all(fd, text, len);

	if (!err && (fchmod(fd, 0644) || fsync(fd)))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

int metrics_file(const char *path, const char *text, size_t len)
{
	char *temporary;
	int fd, err;

	/* A collector of *.prom doesn't take it for one. */
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return cli_errno(-ENOMEM, "%s", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		goto out;
	}
	err = fill(fd, text, len);
	if (!err && rename(temporary, path))
		err = -errno;
	if (err)
		unlink(temporary);
out:
	free(temporary);
	if (err)
		return cli_errno(err, "writing %s, which is as it was", path);
	return 0;
}
