// SPDX-License-Identifier: GPL-2.0
/*
 * corpus.c - find and read the text files
 *
 * Every file and folder costs a round trip where the tree is on a network or
 * host file system, so names are sorted but only looked at once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "corpus.h"
#include "demo.h"

#define MAX_DEPTH	24

int corpus_init(struct corpus *corpus, uint64_t bytes, uint64_t min_file)
{
	uint32_t most = bytes / (min_file ? min_file : 1) + 2;

	memset(corpus, 0, sizeof(*corpus));
	corpus->min_file = min_file ? min_file : 1;
	corpus->room = bytes;
	corpus->start = calloc(most, sizeof(*corpus->start));
	corpus->text = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!corpus->start || corpus->text == MAP_FAILED)
		return -ENOMEM;
	return 0;
}

void corpus_exit(struct corpus *corpus)
{
	if (corpus->text && corpus->text != MAP_FAILED)
		munmap(corpus->text, corpus->room);
	free(corpus->start);
}

#define PEEK		4096

static uint64_t read_all(int fd, char *to, uint64_t room)
{
	uint64_t done = 0;
	ssize_t got;

	while (done < room) {
		got = read(fd, to + done, room - done);
		if (got < 0 && errno == EINTR && !demo_stopped())
			continue;
		if (got <= 0)
			break;
		done += got;
	}
	return done;
}

/* The end of a file that does not fit is cut off. */
static void add_file(struct corpus *corpus, int folder, const char *name)
{
	char *to = corpus->text + corpus->bytes;
	uint64_t got, room;
	int fd;

	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	room = corpus->room - corpus->bytes;
	got = read_all(fd, to, room < PEEK ? room : PEEK);
	if (!memchr(to, 0, got))
		got += read_all(fd, to + got, room - got);
	close(fd);
	if (got < corpus->min_file || memchr(to, 0, got))
		return;
	corpus->bytes += got;
	corpus->start[++corpus->nr] = corpus->bytes;
	progress_add(got);
}

static void add_folder(struct corpus *corpus, int at, const char *name,
		       int depth);

static void add_entry(struct corpus *corpus, int folder, const char *name,
		      int depth)
{
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		return;
	if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
		add_folder(corpus, folder, name, depth + 1);
	else if (S_ISREG(st.st_mode) &&
		 (uint64_t)st.st_size >= corpus->min_file)
		add_file(corpus, folder, name);
}

/* Hidden files and compiled Python are not text. */
static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strcmp(entry->d_name, "__pycache__");
}

static void add_folder(struct corpus *corpus, int at, const char *name,
		       int depth)
{
	struct dirent **entries;
	int fd, nr, i;

	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	nr = scandirat(fd, ".", &entries, visible, alphasort);
	for (i = 0; i < nr; i++) {
		if (!demo_stopped() && !corpus_full(corpus))
			add_entry(corpus, fd, entries[i]->d_name, depth);
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
	close(fd);
}

int corpus_add_tree(struct corpus *corpus, const char *path)
{
	char *real = realpath(path, NULL);
	struct stat st;

	if (!real || stat(real, &st)) {
		free(real);
		return -errno;
	}
	if (S_ISDIR(st.st_mode))
		add_folder(corpus, AT_FDCWD, real, 0);
	free(real);
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

void corpus_add_default(struct corpus *corpus)
{
	static const char *const pattern[] = {
		"/usr/lib/python3.*",
		"/usr/src/linux-headers-*-common/include/linux",
		"/usr/src/linux-headers-*-common/include/uapi",
		"/usr/src/linux-headers-*-common/include/net",
		"/usr/include",
		"/usr/share/perl",
	};
	glob_t found;
	size_t i, j;

	for (i = 0; i < sizeof(pattern) / sizeof(*pattern); i++) {
		if (glob(pattern[i], 0, NULL, &found))
			continue;
		for (j = 0; j < found.gl_pathc && !corpus_full(corpus); j++)
			corpus_add_tree(corpus, found.gl_pathv[j]);
		globfree(&found);
	}
}
