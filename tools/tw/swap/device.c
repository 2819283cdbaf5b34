// SPDX-License-Identifier: GPL-2.0
/*
 * The swap device comes and goes. It is not swap yet: that takes what turn_on.c does.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/stop.h"
#include "base/text.h"
#include "swap/device.h"
#include "swap/look.h"
#include "tier/tier.h"

#define PATIENCE_NS	(5 * NS_PER_SEC)
#define STEP_NS		(NS_PER_SEC / 50)

/*
 * The stores' slots less those that are taken, by kept copies too; and no more than
 * all tiers have room that is neither in use nor reserved.
 */
int swap_room(struct tw *tw, __u64 *pages)
{
	const struct tw_stats *stats;
	struct tw_stats_tier t;
	__u64 slots = 0, room, taken;
	int i, err;

	err = tw_stats_map(tw, &stats);
	if (err)
		return cli_errno(err, "mapping the statistics");
	for (i = 0; i < TW_NR_TIERS; i++) {
		tw_stats_tier_read(stats, i, &t);
		if (t.kind == TW_KIND_STORE && t.capacity > t.used + t.kept)
			slots += t.capacity - t.used - t.kept;
	}
	room = __atomic_load_n(&stats->room, __ATOMIC_RELAXED);
	taken = __atomic_load_n(&stats->room_taken, __ATOMIC_RELAXED);
	room = room > taken ? room - taken : 0;
	*pages = slots < room ? slots : room;
	return 0;
}

static int no_room(struct tw *tw, __u64 pages)
{
	__u64 page_size = sysconf(_SC_PAGESIZE), there;
	char want[TEXT_LEN], have[TEXT_LEN];
	int code = swap_room(tw, &there);

	if (code)
		return code;
	return cli_error("no room for %s of swap: the stores have %s that are neither in use nor set aside. Take less (--size), or bind another store (tw tier bind)",
			 text_bytes(want, pages * page_size),
			 text_bytes(have, there * page_size));
}

int swap_device_make(struct tw *tw, __u64 pages, __u32 *dev)
{
	int err = tw_swap_create(tw, pages, dev);

	switch (err) {
	case 0:
		return 0;
	case -EPERM:
		return cli_no_permission("making the swap device needs CAP_SYS_ADMIN. Be root");
	case -ENOSPC:
		return no_room(tw, pages);
	case -ENOMEM:
		return cli_error("no memory for the tables of the swap device, 20 bytes a page. Take less: --size");
	default:
		return cli_errno(err, "making the swap device");
	}
}

int swap_device_wait(__u32 dev)
{
	__u64 deadline = now_ns() + PATIENCE_NS;
	struct stat st;

	do {
		if (!stat(SWAP_PATH, &st) && S_ISBLK(st.st_mode) &&
		    st.st_rdev == dev)
			return 0;
		stop_wait(-1, now_ns() + STEP_NS);
	} while (!stop_signal() && now_ns() < deadline);
	if (stop_signal())
		return stop_code(EXIT_FAILURE);
	return cli_error("the swap device was made, and yet " SWAP_PATH " is not it: the /dev here is not kept by the kernel (devtmpfs), as in a container. Run this outside");
}

int swap_device_remove(struct tw *tw)
{
	__u64 deadline = now_ns() + PATIENCE_NS;
	int err;

	/* Also after a signal: what was begun is taken back. */
	while ((err = tw_swap_destroy(tw)) == -EBUSY && now_ns() < deadline)
		usleep(STEP_NS / 1000);
	return err;
}
