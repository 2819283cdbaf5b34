/* SPDX-License-Identifier: GPL-2.0 */
/* Pages as users name them, for tw page and tw migrate. */
#ifndef _TW_PAGES_H
#define _TW_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>

#include "page/procmap.h"

/**
 * struct range - what a word says
 * @from: a page's number or an address
 * @to: one past the last
 * @single: it was one, not A..B
 */
struct range {
	__u64 from;
	__u64 to;
	bool single;
};

/**
 * struct span - pages with numbers in a row
 * @page: number of the first
 * @nr: how many
 * @addr: where the first is mapped, with @has_addr
 * @has_addr: it was named by address
 * @single: it was named alone, not within a range
 */
struct span {
	__u64 page;
	__u64 nr;
	__u64 addr;
	bool has_addr;
	bool single;
};

struct spans {
	struct span *span;
	size_t nr;
};

/*
 * These return 0, or say what is wrong and return the exit code.
 *
 * As many ranges as words, to be freed.
 */
int ranges_parse(int argc, char **argv, bool addresses, struct range **ranges);
/* With @maps they are addresses. */
int spans_resolve(struct spans *spans, const struct range *ranges, int nr,
		  const struct proc_maps *maps, __u32 page_size);
/*
 * Adds the pages between two addresses, which must be in regions all the way, or the
 * process attached.
 */
int spans_between(struct spans *spans, const struct proc_maps *maps,
		  __u64 from, __u64 to, __u32 page_size);
void spans_free(struct spans *spans);
__u64 spans_pages(const struct spans *spans);

/* Pages are asked for and moved so many at a time: 2 MiB of them. */
#define PAGES_STEP	512

/**
 * struct pages_step - pages in a row, of one span or several
 * @nr: how many
 * @page: their numbers
 * @addr: where they are mapped, if their span has addresses
 * @span: the span that each is of
 */
struct pages_step {
	size_t nr;
	__u64 page[PAGES_STEP];
	__u64 addr[PAGES_STEP];
	const struct span *span[PAGES_STEP];
};

/* The next pages after the first @done of all. */
void spans_step(const struct spans *spans, __u64 done, __u32 page_size,
		struct pages_step *step);

#endif /* _TW_PAGES_H */
