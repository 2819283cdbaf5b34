// SPDX-License-Identifier: GPL-2.0
/*
 * Have pages that were sent away come back?
 *
 * What was paged out is back when it is in memory, and what was moved to other memory
 * when it is warm there: it would not have been sent away now. A sample of both is
 * enough, and costs the same however many pages there are.
 */
#include "judge.h"

#define SAMPLE	256

void td_judge(const struct td_recent *recent, struct td_programs *programs,
	      struct tw *tw, __u32 warm, __u64 *checked, __u64 *back)
{
	struct td_mark mark[SAMPLE];
	struct tw_page info[SAMPLE];
	__u64 number[SAMPLE];
	size_t i, nr, asked = 0;

	*checked = 0;
	*back = 0;
	nr = td_recent_sent(recent, programs->tick, mark, SAMPLE);
	for (i = 0; i < nr; i++) {
		struct td_program *p = td_program_of(programs, mark[i].page);
		int in;

		if (!p)
			continue;
		if (mark[i].what == TD_SENT) {
			number[asked++] = mark[i].page;
			continue;
		}
		in = td_program_present(p, TW_PAGE_INDEX(mark[i].page),
					mark[i].pages);
		if (in < 0)
			continue;
		*checked += mark[i].pages;
		*back += in;
	}
	if (!asked || tw_page_info(tw, number, asked, info))
		return;
	for (i = 0; i < asked; i++) {
		*checked += !info[i].status;
		*back += !info[i].status && info[i].heat > warm;
	}
}
