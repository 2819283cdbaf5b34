// SPDX-License-Identifier: GPL-2.0
/*
 * A tick as text or as JSON.
 */
#include <stdio.h>

#include "base/json.h"
#include "say.h"
#include "show.h"
#include "tick.h"

static const char * const fates[] = {
	[TD_STAY] = "stay", [TD_MOVE] = "node", [TD_PAGEOUT] = "swap",
	[TD_COLD] = "cold",
};

static void show_unit(const struct td_daemon *d, const struct td_unit *u)
{
	const struct td_program *p = &d->programs.program[u->program];
	__u64 addr = TW_PAGE_INDEX(u->page) * d->programs.page_size;

	if (d->options.json) {
		json_open(NULL, '{');
		json_s64("pid", p->pid);
		json_u64("address", addr);
		json_u64("pages", u->pages);
		json_u64("heat", u->heat);
		json_s64("node", u->node);
		json_str("to", fates[u->fate]);
		if (u->fate == TD_MOVE)
			json_s64("to_node", u->to);
		json_close('}');
		return;
	}
	printf("pid %d at 0x%llx: %u page%s of heat %u on node %d: ", p->pid,
	       addr, u->pages, u->pages == 1 ? "" : "s", u->heat, u->node);
	if (u->fate == TD_MOVE)
		printf("to node %d\n", u->to);
	else
		puts(u->fate == TD_PAGEOUT ? "to swap" : "first to go");
}

static void show_plan(const struct td_daemon *d)
{
	size_t i;
	int l;

	for (l = 0; l < TD_LISTS; l++)
		for (i = 0; i < d->list[l].nr; i++)
			if (d->list[l].unit[i].fate != TD_STAY)
				show_unit(d, &d->list[l].unit[i]);
}

static void show_json(const struct td_daemon *d)
{
	const struct td_done *n = &d->done;

	json_begin(JSON_TIERWATCHD);
	json_u64("tick", d->programs.tick);
	json_u64("programs", d->watched);
	if (d->options.dry_run) {
		json_open("moves", '[');
		show_plan(d);
		json_close(']');
	}
	json_u64("promoted", n->promoted);
	json_u64("demoted", n->demoted);
	json_u64("paged_out", n->paged);
	json_u64("told_cold", n->told);
	json_u64("busy", n->busy);
	json_u64("refused", n->refused);
	json_u64("gone", n->gone);
	json_double("rate", d->budget.rate * d->budget.share);
	json_u64("page_cost_ns", d->cost_ns);
	json_close('}');
	json_end();
}

void td_show(const struct td_daemon *d)
{
	const struct td_done *n = &d->done;

	if (d->options.json)
		show_json(d);
	else if (d->options.dry_run)
		show_plan(d);
	fflush(stdout);
	if (n->promoted | n->demoted | n->paged | n->told | n->busy | n->refused)
		td_say(TD_INFO, "pages of %d programs: %llu promoted, %llu demoted, %llu paged out, %llu told cold, %llu busy, %llu refused; %.0f a second",
		       d->watched, n->promoted, n->demoted, n->paged, n->told,
		       n->busy, n->refused, d->budget.rate * d->budget.share);
}
