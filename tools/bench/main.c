// SPDX-License-Identifier: GPL-2.0
/*
 * tw-bench: what the driver's paths cost, beside what the kernel has.
 *
 * For a guest that ends after it: automatic NUMA balancing is switched off,
 * and `disk` takes the block device that is bound as the NVMe tier for swap.
 * Needs the driver, two memory tiers and root.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench.h"

static int help(void)
{
	fputs("usage: tw-bench count\n       tw-bench flat\n       tw-bench scale\n"
	      "       tw-bench disk DEVICE [SUFFIX]\n", stderr);
	return 2;
}

/*
 * The kernel's NUMA balancing unmaps pages now and then to see who touches
 * them: faults that would be counted, and move_pages() refuses such pages.
 */
static void no_balancing(void)
{
	int fd = open("/proc/sys/kernel/numa_balancing", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;		/* a kernel without it */
	if (write(fd, "0", 1) != 1)
		die("numa_balancing", errno);
	close(fd);
}

static void count(struct tw *tw)
{
	bench_touch(tw, "");
	bench_uffd();
	bench_move(tw);
	bench_stream(tw);
	bench_stats(tw);
	bench_tracking(tw);
	bench_huge(tw);
	bench_scan(tw);
	if (cgroup_enter("tw-bench"))
		bench_touch(tw, "-in-cgroup");
}

int main(int argc, char **argv)
{
	bool disk = (argc == 3 || argc == 4) && !strcmp(argv[1], "disk");
	bool flat = argc == 2 && !strcmp(argv[1], "flat");
	bool scale = argc == 2 && !strcmp(argv[1], "scale");
	struct tw *tw;
	int err;

	if (!disk && !flat && !scale && (argc != 2 || strcmp(argv[1], "count")))
		return help();
	page_size = sysconf(_SC_PAGESIZE);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	no_balancing();
	err = tw_open(NULL, &tw);
	if (err)
		die("tw_open", err);
	watch_init();
	if (disk)
		bench_disk(tw, argv[2], argc == 4 ? argv[3] : "");
	else if (flat)
		bench_flat(tw);
	else if (scale)
		bench_scale(tw);
	else
		count(tw);
	report_print();
	tw_close(tw);
	return 0;
}
