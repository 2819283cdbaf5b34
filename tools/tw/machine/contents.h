/* SPDX-License-Identifier: GPL-2.0 */
/* What is on a device. */
#ifndef _TW_CONTENTS_H
#define _TW_CONTENTS_H

enum contents {
	CONTENTS_NONE,
	CONTENTS_STORE,		/* signed for us */
	CONTENTS_OTHER,
	CONTENTS_UNKNOWN,	/* it can't be read */
};

/* What is on an open device or file; @what: in a word or two. */
#define CONTENTS_LEN	128
enum contents contents_of(int fd, char what[CONTENTS_LEN]);
/* Takes all signatures away; 0 or -EIO. */
int contents_wipe(int fd);

#endif /* _TW_CONTENTS_H */
