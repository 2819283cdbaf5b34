// SPDX-License-Identifier: GPL-2.0
/*
 * What there is of swap: the driver knows its device, /proc/swaps says whether the
 * kernel swaps to it and to what else.
 */
#include <errno.h>
#include <libmount/libmount.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cli.h"
#include "machine/sysfs.h"
#include "swap/look.h"

/*
 * By its number. Where /dev is another one than that of who turned swap on, there may
 * be no such file, and then the name has to do.
 */
static bool is_ours(const struct swap_look *l, const char *name)
{
	struct stat st;

	if (!l->info.dev)
		return false;
	if (stat(name, &st))
		return !strcmp(name, SWAP_PATH);
	return S_ISBLK(st.st_mode) && st.st_rdev == l->info.dev;
}

static int add_area(struct swap_look *l, struct libmnt_fs *fs)
{
	const char *name = mnt_fs_get_source(fs);
	struct swap_area *more;

	more = reallocarray(l->area, l->nr + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	l->area = more;
	more += l->nr;
	more->name = strdup(name ? name : "");
	if (!more->name)
		return -ENOMEM;
	/* The kernel says kilobytes. */
	more->size = (__u64)mnt_fs_get_size(fs) * 1024;
	more->used = (__u64)mnt_fs_get_usedsize(fs) * 1024;
	more->priority = mnt_fs_get_priority(fs);
	l->nr++;
	return 0;
}

/* libmount takes the escapes out of the names. */
static int read_areas(struct swap_look *l)
{
	struct libmnt_table *tb = mnt_new_table();
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int err = tb && iter ? mnt_table_parse_swaps(tb, NULL) : -ENOMEM;

	while (!err && !mnt_table_next_fs(tb, iter, &fs))
		err = add_area(l, fs);
	mnt_free_iter(iter);
	mnt_unref_table(tb);
	return err;
}

int swap_look(struct tw *tw, struct swap_look *l)
{
	size_t i;
	int err;

	memset(l, 0, sizeof(*l));
	err = tw_swap_info(tw, &l->info);
	if (err && err != -ENOENT)
		return cli_errno(err, "asking for the swap device");
	l->state = err ? SWAP_NONE : SWAP_MADE;
	err = read_areas(l);
	/* A kernel without swap has no such file. */
	if (err && err != -ENOENT)
		return cli_errno(err, "reading /proc/swaps");
	for (i = 0; i < l->nr; i++)
		if (is_ours(l, l->area[i].name))
			l->ours = &l->area[i];
	if (l->ours)
		l->state = SWAP_ON;
	return 0;
}

void swap_look_free(struct swap_look *l)
{
	while (l->nr)
		free(l->area[--l->nr].name);
	free(l->area);
	l->area = NULL;
	l->ours = NULL;
}

__u64 swap_others_free(const struct swap_look *l)
{
	__u64 bytes = 0;
	size_t i;

	for (i = 0; i < l->nr; i++)
		if (&l->area[i] != l->ours)
			bytes += l->area[i].size - l->area[i].used;
	return bytes;
}

int swap_others_priority(const struct swap_look *l)
{
	int most = -1;
	size_t i;

	for (i = 0; i < l->nr; i++)
		if (&l->area[i] != l->ours && l->area[i].priority > most)
			most = l->area[i].priority;
	return most;
}

unsigned int swap_page_cluster(void)
{
	return sysfs_u64(0, "/proc/sys/vm", "page-cluster");
}
