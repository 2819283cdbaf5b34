// SPDX-License-Identifier: GPL-2.0
/*
 * Whether memory can take back what is swapped out. Without room for it swapoff(2)
 * either fails half-way or, where a cgroup is at its limit, has the kernel kill
 * programs there: so that is looked at before.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_cgroup.h"
#include "base/cli.h"
#include "base/text.h"
#include "machine/sysfs.h"
#include "swap/look.h"
#include "swap/memory.h"

/* Cgroups that are told of by name. */
#define MOST_NAMED	8

/*
 * The number behind @key, which includes what separates them, at the beginning of a
 * line of a file; 0 without it.
 */
static __u64 value_of(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	unsigned long long value = 0;
	char *line = NULL;
	size_t size = 0;

	if (!f)
		return 0;
	while (getline(&line, &size, f) >= 0)
		if (!strncmp(line, key, strlen(key))) {
			value = strtoull(line + strlen(key), NULL, 10);
			break;
		}
	free(line);
	fclose(f);
	return value;
}

/* What is in memory and in swap at once takes no more when it leaves swap. */
static bool machine_holds(const struct swap_look *l)
{
	char want[TEXT_LEN], have[TEXT_LEN], other[TEXT_LEN], less[TEXT_LEN];
	__u64 memory = (value_of("/proc/meminfo", "MemAvailable:") +
			value_of("/proc/meminfo", "SwapCached:")) * 1024;
	__u64 others = swap_others_free(l), used = l->ours->used;

	if (used <= memory + others)
		return true;
	cli_error("memory can't hold the %s that are swapped out: %s are available, and %s free in other swap. %s are missing",
		  text_bytes(want, used), text_bytes(have, memory),
		  text_bytes(other, others),
		  text_bytes(less, used - memory - others));
	return false;
}

/**
 * struct lacking - cgroups whose limit what is swapped out does not fit into
 * @others: bytes free in other swap, where a cgroup's other pages may go
 * @nr: how many
 */
struct lacking {
	__u64 others;
	unsigned int nr;
};

/* What a cgroup could drop rather than go beyond its limit. */
static __u64 file_pages(const char *dir)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/memory.stat", dir) >=
	    (int)sizeof(path))
		return 0;
	return value_of(path, "inactive_file ") +
	       value_of(path, "active_file ");
}

static int check_cgroup(__u64 id, const char *path, void *arg)
{
	char want[TEXT_LEN], have[TEXT_LEN], max[TEXT_LEN], less[TEXT_LEN];
	struct lacking *lacking = arg;
	__u64 swapped, limit, used, there;
	char dir[PATH_MAX];

	(void)id;
	if (snprintf(dir, sizeof(dir), CGROUPS "%s", path) >= (int)sizeof(dir))
		return 0;
	swapped = sysfs_u64(0, dir, "memory.swap.current");
	/* Without a limit it is "max". */
	limit = sysfs_u64(~0ULL, dir, "memory.max");
	if (!swapped || limit == ~0ULL)
		return 0;
	used = sysfs_u64(0, dir, "memory.current");
	there = limit > used ? limit - used : 0;
	there += file_pages(dir) + lacking->others;
	if (swapped <= there || lacking->nr++ >= MOST_NAMED)
		return 0;
	cli_error("cgroup %s can't hold the %s that are swapped out: it may have %s (memory.max), and %s of that can be had. %s are missing",
		  path, text_bytes(want, swapped), text_bytes(max, limit),
		  text_bytes(have, there), text_bytes(less, swapped - there));
	return 0;
}

int swap_memory_holds(const struct swap_look *l)
{
	struct lacking lacking = { .others = swap_others_free(l) };
	bool holds = machine_holds(l);

	if (l->ours->used)
		cgroups_each(check_cgroup, &lacking);
	if (lacking.nr > MOST_NAMED)
		cli_error("so it is with %u more cgroups",
			  lacking.nr - MOST_NAMED);
	if (holds && !lacking.nr)
		return 0;
	return cli_error("swap stays on. End programs, add memory%s or turn other swap on. To try all the same, at the risk that programs are killed: tw swap off --force",
			 lacking.nr ? ", raise memory.max" : "");
}
