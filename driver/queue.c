// SPDX-License-Identifier: GPL-2.0
/*
 * queue.c - moves asked for, by priority
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/errno.h>

#include "queue.h"
#include "region.h"

int tw_request_one(struct tw_request *req, bool wait, bool admin)
{
	return -EOPNOTSUPP;
}

int tw_request_ioctl(struct tw_request_pages *arg)
{
	return -EOPNOTSUPP;
}

void tw_queue_drop_region(struct tw_region *r)
{
}

unsigned int tw_migration_batch(void)
{
	return TW_BATCH;
}

int tw_queue_init(void)
{
	return 0;
}

void tw_queue_exit(void)
{
}
