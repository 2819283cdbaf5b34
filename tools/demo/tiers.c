// SPDX-License-Identifier: GPL-2.0
/*
 * tiers.c - capacities for the demo
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "demo.h"
#include "tiers.h"

#define MIN_PAGES	256
#define PATH_ROOM	320

void tiers_plan(uint64_t pages, uint64_t capacity[TW_NR_TIERS])
{
	int tier;

	/* Memory is a third of the job; a tenth of it is left for the HDD. */
	capacity[TW_TIER_CPU] = pages * 22 / 100;
	capacity[TW_TIER_GPU] = pages * 11 / 100;
	capacity[TW_TIER_NVME] = pages * 32 / 100;
	capacity[TW_TIER_SSD] = pages * 25 / 100;
	capacity[TW_TIER_HDD] = 2 * pages;
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		if (capacity[tier] < MIN_PAGES)
			capacity[tier] = MIN_PAGES;
}

static int check_tier(struct tw *tw, int tier, struct tw_tier_info *info)
{
	const char *name = tw_tier_name(tier);
	int ret = tw_tier_info(tw, tier, info);

	if (ret) {
		demo_error("tier %s: %s", name, strerror(-ret));
		return ret;
	}
	if (info->kind != TW_KIND_NONE)
		return 0;
	if (tier == TW_TIER_GPU || tier == TW_TIER_CPU)
		demo_error("tier %s is not bound: bind its NUMA nodes with `tw tier bind %s`, or run the demo in a guest that has all five: make demo",
			   name, name);
	else
		demo_error("tier %s is not bound: give it a spare block device with `tw tier format DEV && tw tier bind %s DEV`, or run the demo in a guest: make demo",
			   name, name);
	return -EOPNOTSUPP;
}

int tiers_check(struct tw *tw)
{
	struct tw_tier_info info;
	int tier, ret = 0;

	for (tier = 0; tier < TW_NR_TIERS && !ret; tier++)
		ret = check_tier(tw, tier, &info);
	return ret;
}

/* /dev/NAME of a block device number. */
static int device_path(uint32_t dev, char *path, size_t room)
{
	char line[PATH_ROOM];
	int ret = -ENODEV;
	FILE *file;

	snprintf(line, sizeof(line), "/sys/dev/block/%u:%u/uevent", major(dev),
		 minor(dev));
	file = fopen(line, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "DEVNAME=", 8))
			continue;
		snprintf(path, room, "/dev/%s", line + 8);
		ret = 0;
	}
	fclose(file);
	return ret;
}

static int bind_tier(struct tw *tw, const struct tw_tier_info *info,
		     uint64_t capacity)
{
	char path[PATH_ROOM] = "";
	int ret;

	if (info->kind == TW_KIND_NUMA)
		return tw_tier_bind_nodes(tw, info->tier, info->nodes, capacity,
					  TW_BIND_MOVABLE);
	ret = device_path(info->dev, path, sizeof(path));
	if (ret)
		return ret;
	return tw_tier_bind_device(tw, info->tier, path, capacity, 0);
}

static int unbind_all(struct tw *tw)
{
	int tier, ret;

	for (tier = TW_NR_TIERS - 1; tier >= 0; tier--) {
		ret = tw_tier_unbind(tw, tier, 0, NULL);
		if (!ret)
			continue;
		demo_error("cannot unbind tier %s: %s; %s", tw_tier_name(tier),
			   strerror(-ret), ret == -EPERM || ret == -EACCES ?
			   "run as root" :
			   "end the programs that have regions (`tw tier list` shows what is in use)");
		return ret;
	}
	return 0;
}

int tiers_rebind(struct tw *tw, const uint64_t capacity[TW_NR_TIERS])
{
	/* Memory first: a region needs it, and so may a store's own pages. */
	static const int order[] = { TW_TIER_CPU, TW_TIER_GPU, TW_TIER_NVME,
				     TW_TIER_SSD, TW_TIER_HDD };
	struct tw_tier_info info[TW_NR_TIERS];
	int tier, ret, i;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		ret = check_tier(tw, tier, &info[tier]);
		if (ret)
			return ret;
	}
	ret = unbind_all(tw);
	if (ret)
		return ret;
	for (i = 0; i < TW_NR_TIERS; i++) {
		tier = order[i];
		ret = bind_tier(tw, &info[tier], capacity[tier]);
		if (ret) {
			demo_error("cannot bind tier %s with %llu pages: %s; give it more room or ask for less with --bytes",
				   tw_tier_name(tier),
				   (unsigned long long)capacity[tier],
				   strerror(-ret));
			return ret;
		}
	}
	return 0;
}
