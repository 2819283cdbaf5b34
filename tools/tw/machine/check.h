/* SPDX-License-Identifier: GPL-2.0 */
/* Can a device or a file be a store? */
#ifndef _TW_CHECK_H
#define _TW_CHECK_H

#include <stdbool.h>
#include <sys/stat.h>
#include <linux/types.h>

#include "machine/contents.h"
#include "machine/super.h"
#include "machine/users.h"

/**
 * struct device_look - what decides about a device or a file
 * @path: as it was named
 * @st: of @path
 * @read_only: it can't be written to, whoever asks
 * @zoned: it is written in order only
 * @block: bytes of its logical blocks; 0: any
 * @bytes: its size
 * @contents: what is on it ...
 * @what: ... in a word or two
 * @whole: of a store: its signature is intact, and in @super
 * @super: its signature
 */
struct device_look {
	const char *path;
	struct stat st;
	bool read_only;
	bool zoned;
	__u64 block;
	__u64 bytes;
	enum contents contents;
	char what[CONTENTS_LEN];
	bool whole;
	struct super super;
};

/**
 * struct device_wrong - why it can't
 * @code: exit code
 * @absent: it is not there
 * @empty: nothing is on it, and a store should be: signing helps
 * @why: as it goes on behind its name, or "it"
 * @next: what to do then: ". " and a sentence, or empty
 */
struct device_wrong {
	int code;
	bool absent;
	bool empty;
	char why[USERS_LEN + 128];
	char next[512];
};

#define CHECK_WRITE	(1U << 0)	/* it will be written to; else only looked at */
#define CHECK_EMPTY	(1U << 1)	/* there must be nothing on it ... */
#define CHECK_STORE	(1U << 2)	/* ... or a store that is as it was signed */

/*
 * The check. Returns an fd, for writing an exclusive one; or -1 and @w says why
 * not. Changes nothing.
 */
int device_check(struct device_look *l, const char *path, unsigned int flags,
		 struct device_wrong *w);

/* Parts of it: is it there; is it fit but for what is on it, and for so many bytes. */
bool device_find(struct device_look *l, const char *path,
		 struct device_wrong *w);
bool device_fits(const struct device_look *l, struct device_wrong *w);
bool device_has_room(const struct device_look *l, __u64 bytes,
		     struct device_wrong *w);

/* "tw: PATH WHY. NEXT"; returns the exit code. */
int device_refuse(const char *path, const struct device_wrong *w);

#endif /* _TW_CHECK_H */
