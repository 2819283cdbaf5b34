// SPDX-License-Identifier: GPL-2.0
/*
 * Whether swap has to be turned on, and what is in the way of it. What is on stays as
 * it is, whatever tierwatch.conf says of its size: programs use it.
 */
#include <limits.h>
#include <stdbool.h>

#include "base/text.h"
#include "conf/conf.h"
#include "conf/plan.h"
#include "swap/look.h"
#include "swap/mkswap.h"
#include "swap/turn_on.h"
#include "tier/tier.h"

/* Will there be a store once the tiers are made? */
static bool will_have_store(const struct plan *p)
{
	int i;

	for (i = 0; i < TW_NR_TIERS; i++) {
		const struct tier_step *step = &p->tiers[i];

		if (step->make ? step->b.path != NULL :
		    !step->undo && p->now[i].kind == TW_KIND_STORE)
			return true;
	}
	return false;
}

static void check_device(struct plan *p, const struct swap_look *l)
{
	const struct swap_wish *wish = &p->swap.wish;
	char has[TEXT_LEN], wants[TEXT_LEN];

	if (!wish->pages || wish->pages == l->info.pages)
		return;
	conf_error(p->conf, p->conf->swap.line,
		   "there is a swap device already, of %s and not %s, that is not in use. To remove it: tw swap off",
		   text_bytes(has, l->info.pages * p->conf->page_size),
		   text_bytes(wants, wish->pages * p->conf->page_size));
}

void plan_swap(struct plan *p)
{
	const struct conf_swap *c = &p->conf->swap;
	char path[PATH_MAX];
	struct swap_look l;

	p->swap.wish.pages = c->bytes / p->conf->page_size;
	p->swap.wish.priority = c->priority;
	/* It has said what is wrong. */
	if (swap_look(p->tw, &l))
		p->conf->errors++;
	else if (l.state == SWAP_MADE)
		check_device(p, &l);
	if (l.state != SWAP_ON) {
		if (!will_have_store(p))
			conf_error(p->conf, c->line,
				   "[swap] needs a store, and no tier of nvme, ssd and hdd would be bound");
		if (!mkswap_find(path))
			conf_error(p->conf, c->line,
				   "[swap] needs mkswap, which is neither in PATH nor in /usr/sbin");
		p->swap.make = true;
		p->steps++;
	}
	swap_look_free(&l);
}
