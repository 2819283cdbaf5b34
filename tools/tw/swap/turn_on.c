// SPDX-License-Identifier: GPL-2.0
/*
 * Turning swap on: a device, a signature, swapon(2). Whatever fails, nothing of it is
 * left but a device that was there before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/swap.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/stop.h"
#include "base/text.h"
#include "swap/device.h"
#include "swap/look.h"
#include "swap/mkswap.h"
#include "swap/turn_on.h"

static const char *text_pages(char *buf, __u64 pages)
{
	return text_bytes(buf, pages * sysconf(_SC_PAGESIZE));
}

/* What is on is never changed under the programs that use it. */
static int same_as_on(const struct swap_look *l, const struct swap_wish *wish)
{
	char has[TEXT_LEN], wants[TEXT_LEN];

	if (wish->pages && wish->pages != l->info.pages)
		return cli_error("swap is on already, with %s and not %s. To change that, first: tw swap off",
				 text_pages(has, l->info.pages),
				 text_pages(wants, wish->pages));
	if (wish->priority != SWAP_PRIORITY_ABOVE &&
	    wish->priority != l->ours->priority)
		return cli_error("swap is on already, with priority %d and not %d. To change that, first: tw swap off",
				 l->ours->priority, wish->priority);
	return 0;
}

/* A device that is there without being in use. */
static int same_as_made(const struct swap_look *l,
			const struct swap_wish *wish)
{
	char has[TEXT_LEN], wants[TEXT_LEN];

	if (!wish->pages || wish->pages == l->info.pages)
		return 0;
	return cli_error("there is a swap device already, of %s and not %s, that is not in use. To remove it: tw swap off",
			 text_pages(has, l->info.pages),
			 text_pages(wants, wish->pages));
}

static int default_pages(struct tw *tw, __u64 *pages)
{
	char free[TEXT_LEN], least[TEXT_LEN];
	__u64 there;
	int code = swap_room(tw, &there);

	if (code)
		return code;
	*pages = there / 2;
	if (*pages > TW_SWAP_PAGES_MAX)
		*pages = TW_SWAP_PAGES_MAX;
	if (*pages >= TW_SWAP_PAGES_MIN)
		return 0;
	return cli_error("the stores have %s that are neither in use nor set aside; half of that is less than the %s that swap takes at least. Bind a store: tw tier bind",
			 text_pages(free, there),
			 text_pages(least, TW_SWAP_PAGES_MIN));
}

static int make(struct tw *tw, const struct swap_wish *wish, __u32 *dev)
{
	__u64 pages = wish->pages;
	int code = 0;

	if (!pages)
		code = default_pages(tw, &pages);
	return code ? code : swap_device_make(tw, pages, dev);
}

static int priority_of(const struct swap_look *l, const struct swap_wish *wish)
{
	int most;

	if (wish->priority != SWAP_PRIORITY_ABOVE)
		return wish->priority;
	most = swap_others_priority(l);
	return most < SWAP_PRIORITY_MAX ? most + 1 : SWAP_PRIORITY_MAX;
}

static int swap_to_it(int priority)
{
	int flags = SWAP_FLAG_PREFER |
		    ((priority << SWAP_FLAG_PRIO_SHIFT) & SWAP_FLAG_PRIO_MASK);

	if (!swapon(SWAP_PATH, flags))
		return 0;
	switch (errno) {
	case EPERM:
		return cli_no_permission("swapon needs CAP_SYS_ADMIN. Be root");
	case EBUSY:
		return cli_error(SWAP_PATH " is in use. See: lsblk " SWAP_PATH);
	default:
		return cli_errno(-errno, "swapon " SWAP_PATH);
	}
}

/* Both make it slow, and neither is ours to change. */
static void warn(const struct swap_look *l, int priority)
{
	unsigned int cluster = swap_page_cluster();
	size_t i;

	for (i = 0; i < l->nr; i++)
		if (l->area[i].priority >= priority)
			cli_error("warning: %s has priority %d, and swap over the tiers %d: it is filled %s. To take it out: swapoff",
				  text_shown(l->area[i].name),
				  l->area[i].priority, priority,
				  l->area[i].priority > priority ?
				  "first" : "in turns with it");
	if (cluster)
		cli_error("warning: vm.page-cluster is %u: with each page the kernel reads up to %u neighbours, which lie scattered over the stores. Better: sysctl vm.page-cluster=0 (to keep it, in /etc/sysctl.d)",
			  cluster, (1U << cluster) - 1);
}

static int turn_on(struct tw *tw, const struct swap_wish *wish,
		   const struct swap_look *l)
{
	__u32 dev = l->info.dev;
	int code, err;

	stop_catch();
	code = l->state == SWAP_NONE ? make(tw, wish, &dev) :
				       same_as_made(l, wish);
	if (code)
		return code;
	code = swap_device_wait(dev);
	if (!code)
		code = mkswap_run(SWAP_PATH);
	if (!code)
		code = stop_code(0);
	if (!code)
		code = swap_to_it(priority_of(l, wish));
	if (!code) {
		warn(l, priority_of(l, wish));
		return 0;
	}
	err = l->state == SWAP_NONE ? swap_device_remove(tw) : 0;
	if (err)
		cli_errno(err, "removing the swap device");
	return code;
}

int swap_turn_on(struct tw *tw, const struct swap_wish *wish, bool *already)
{
	struct swap_look l;
	int code = swap_look(tw, &l);

	*already = !code && l.state == SWAP_ON;
	if (!code)
		code = *already ? same_as_on(&l, wish) : turn_on(tw, wish, &l);
	swap_look_free(&l);
	return code;
}
