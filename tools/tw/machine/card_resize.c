// SPDX-License-Identifier: GPL-2.0
/*
 * A store on a card's memory gets larger or smaller. It is the driver that leaves the end
 * first, and then the server that gives it back; when it grows the server is first. So at
 * each moment there is memory where the driver has pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/card_resize.h"
#include "tw.h"

__u64 card_bytes(__u64 pages, __u32 page_size)
{
	return TW_STORE_DATA + pages * page_size;
}

/* The fd to be closed afterwards, or -errno. The file is there as long as the server. */
static int lock_size(const char *name)
{
	char path[CARD_FILE_LEN];
	int fd, err;

	card_file(path, name, "log");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int ask_server(const char *name, __u64 bytes, struct card_resized *done)
{
	int err = card_set_size(name, bytes, done->said);

	done->server = err != 0;
	return err;
}

static int grow(struct tw *tw, int tier, const char *name, __u64 bytes, __u64 before,
		struct card_resized *done)
{
	char said[CARD_SAID_LEN];
	int err;

	err = ask_server(name, bytes, done);
	if (err)
		return err;
	err = tw_tier_resize(tw, tier, &done->capacity, &done->moved);
	if (err)
		card_set_size(name, before, said);
	return err;
}

/* Is the tier bound to the card's device? While the lock was waited for it may have gone. */
static bool is_store(const struct tw_tier_info *t, const char *name)
{
	char path[CARD_FILE_LEN];
	struct stat st;

	snprintf(path, sizeof(path), "/dev/%s", name);
	return t->kind == TW_KIND_STORE && !stat(path, &st) && st.st_rdev == t->dev;
}

static int resize_locked(struct tw *tw, int tier, const char *name, __u64 bytes,
			 struct card_resized *done)
{
	struct tw_tier_info t;
	struct tw_info info;
	int err;

	err = tw_info(tw, &info);
	if (!err)
		err = tw_tier_info(tw, tier, &t);
	if (err)
		return err;
	if (bytes < card_bytes(TW_STORE_PAGES_MIN, info.page_size))
		return -EINVAL;
	if (!is_store(&t, name))
		return -ENXIO;
	done->capacity = (bytes - TW_STORE_DATA) / info.page_size;
	bytes = card_bytes(done->capacity, info.page_size);
	if (done->capacity > t.capacity)
		return grow(tw, tier, name, bytes, card_bytes(t.capacity, info.page_size), done);
	err = tw_tier_resize(tw, tier, &done->capacity, &done->moved);
	/* It may be the server alone that has more, since it was not asked the last time. */
	return err ? err : ask_server(name, bytes, done);
}

int card_resize(struct tw *tw, int tier, const char *name, __u64 bytes,
		struct card_resized *done)
{
	int err, fd;

	memset(done, 0, sizeof(*done));
	fd = lock_size(name);
	if (fd < 0)
		return fd;
	err = resize_locked(tw, tier, name, bytes, done);
	close(fd);
	return err;
}

/* -- giving way ------------------------------------------------------------------- */

int card_yield_read(const char *name, struct card_yield *y)
{
	char path[CARD_FILE_LEN];
	unsigned long long left, most;
	FILE *f;
	int n;

	card_file(path, name, "yield");
	f = fopen(path, "re");
	if (!f)
		return -errno;
	n = fscanf(f, "%llu %llu", &left, &most);
	fclose(f);
	if (n != 2)
		return -EBADMSG;
	*y = (struct card_yield){ .free = left, .most = most };
	return 0;
}

/* Whoever reads meanwhile finds the old ones or the new ones. */
int card_yield_write(const char *name, const struct card_yield *y)
{
	char path[CARD_FILE_LEN], made[CARD_FILE_LEN];
	int err;
	FILE *f;

	card_file(path, name, "yield");
	card_file(made, name, "yield-new");
	f = fopen(made, "we");
	if (!f)
		return -errno;
	err = fprintf(f, "%llu %llu\n", (unsigned long long)y->free,
		      (unsigned long long)y->most) < 0;
	if (fclose(f) || err)
		err = -EIO;
	else if (rename(made, path))
		err = -errno;
	if (err)
		unlink(made);
	return err;
}
