// SPDX-License-Identifier: GPL-2.0
/*
 * Pages as users name them: a number, an address, or a range A..B of either,
 * from A up to but without B.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/number.h"
#include "page/pages.h"
#include "page/procmap.h"

/* Where user memory ends: page numbers of attachments are wide enough for it. */
#define ADDRESSES	(1ULL << 47)

static int spans_add(struct spans *spans, const struct span *s)
{
	struct span *more;

	more = realloc(spans->span, (spans->nr + 1) * sizeof(*more));
	if (!more)
		return cli_errno(-ENOMEM, "pages");
	spans->span = more;
	more[spans->nr++] = *s;
	return 0;
}

void spans_free(struct spans *spans)
{
	free(spans->span);
	spans->span = NULL;
	spans->nr = 0;
}

__u64 spans_pages(const struct spans *spans)
{
	__u64 sum = 0;
	size_t i;

	for (i = 0; i < spans->nr; i++)
		sum += spans->span[i].nr;
	return sum;
}

static void step_add(struct pages_step *step, const struct span *s, __u64 at,
		     __u32 page_size)
{
	for (; at < s->nr && step->nr < PAGES_STEP; at++) {
		step->page[step->nr] = s->page + at;
		step->addr[step->nr] = s->addr + at * page_size;
		step->span[step->nr++] = s;
	}
}

void spans_step(const struct spans *spans, __u64 done, __u32 page_size,
		struct pages_step *step)
{
	size_t i;

	step->nr = 0;
	for (i = 0; i < spans->nr && step->nr < PAGES_STEP; i++) {
		const struct span *s = &spans->span[i];

		if (done >= s->nr) {
			done -= s->nr;
			continue;
		}
		step_add(step, s, done, page_size);
		done = 0;
	}
}

static int parse_range(const char *word, const char *dots, __u64 *from,
		       __u64 *to)
{
	char *first = strndup(word, dots - word);
	int err;

	if (!first)
		return -ENOMEM;
	err = parse_addr(first, from);
	free(first);
	if (!err)
		err = parse_addr(dots + 2, to);
	if (!err && *from >= *to)
		err = -EINVAL;
	return err;
}

static int parse_word(const char *word, bool addresses, struct range *r)
{
	const char *dots = strstr(word, "..");
	int err;

	r->single = !dots;
	if (dots) {
		err = parse_range(word, dots, &r->from, &r->to);
	} else {
		err = parse_addr(word, &r->from);
		r->to = r->from + 1;
	}
	if (!err && r->to > r->from)
		return 0;
	return cli_usage("not %s: %s. A range is like %s, without its end",
			 addresses ? "an address" : "a page's number", word,
			 addresses ? "0x7f0000000000..0x7f0000010000" :
			 "0x8000000500000000..0x8000000500000010");
}

int ranges_parse(int argc, char **argv, bool addresses, struct range **ranges)
{
	struct range *r = calloc(argc ? argc : 1, sizeof(*r));
	int i, c = 0;

	if (!r)
		return cli_errno(-ENOMEM, "pages");
	for (i = 0; !c && i < argc; i++)
		c = parse_word(argv[i], addresses, &r[i]);
	if (c)
		free(r);
	else
		*ranges = r;
	return c;
}

static int add_mapped(struct spans *spans, const struct proc_map *m,
		      __u64 from, __u64 to, __u32 page_size)
{
	__u64 index = (m->at.offset + (from - m->at.start)) / page_size;
	struct span s = {
		.page = TW_PAGE(m->at.inode, index),
		.nr = (to - from) / page_size,
		.addr = from,
		.has_addr = true,
	};

	return spans_add(spans, &s);
}

/* Of the attachment: its pages are numbered by their addresses. */
static int add_attached(struct spans *spans, const struct proc_maps *maps,
			__u64 from, __u64 to, __u32 page_size)
{
	struct span s = {
		.page = TW_PAGE(maps->attached, from / page_size),
		.nr = (to - from) / page_size,
		.addr = from,
		.has_addr = true,
	};

	return spans_add(spans, &s);
}

int spans_between(struct spans *spans, const struct proc_maps *maps,
		  __u64 from, __u64 to, __u32 page_size)
{
	bool attached = maps->attached && to && to <= ADDRESSES;
	size_t i;
	int c = 0;

	/* maps is in the order of addresses. */
	for (i = 0; !c && from < to && i < maps->nr; i++) {
		const struct proc_map *m = &maps->map[i];
		__u64 end = to < m->at.end ? to : m->at.end;
		__u64 start = to < m->at.start ? to : m->at.start;

		if (m->at.end <= from)
			continue;
		if (start > from) {
			if (!attached)
				break;
			c = add_attached(spans, maps, from, start, page_size);
			from = start;
		}
		if (!c && from < end) {
			c = add_mapped(spans, m, from, end, page_size);
			from = end;
		}
	}
	if (!c && attached && from < to) {
		c = add_attached(spans, maps, from, to, page_size);
		from = to;
	}
	if (c)
		return c;
	/* The very last page would end at 0. */
	if (from < to || !to)
		return cli_error("0x%llx of process %u is not in a region. See: tw page --pid %u",
				 (unsigned long long)from, maps->pid, maps->pid);
	return 0;
}

static int add_addresses(struct spans *spans, const struct proc_maps *maps,
			 const struct range *r, __u32 page_size)
{
	/* The pages that these addresses are in. */
	__u64 from = r->from - r->from % page_size;
	__u64 to = r->to - 1 - (r->to - 1) % page_size + page_size;
	size_t before = spans->nr;
	int c;

	c = spans_between(spans, maps, from, to, page_size);
	if (!c && r->single)
		spans->span[before].single = true;
	return c;
}

int spans_resolve(struct spans *spans, const struct range *ranges, int nr,
		  const struct proc_maps *maps, __u32 page_size)
{
	int i, c = 0;

	for (i = 0; !c && i < nr; i++) {
		const struct range *r = &ranges[i];

		if (maps)
			c = add_addresses(spans, maps, r, page_size);
		else
			c = spans_add(spans, &(struct span){
				.page = r->from,
				.nr = r->to - r->from,
				.single = r->single,
			});
	}
	return c;
}
