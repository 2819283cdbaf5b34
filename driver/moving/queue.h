/* SPDX-License-Identifier: GPL-2.0 */
/*
 * queue.h - moves asked for, by priority
 */
#ifndef _TW_QUEUE_H
#define _TW_QUEUE_H

#include <linux/types.h>
#include <linux/tierwatch.h>

struct tw_region;

int tw_queue_init(void);
void tw_queue_exit(void);
/*
 * One request: its checks are those of the ioctl, its outcome in req->status
 * with @wait. 0 or -errno when it was not queued. Sleeps.
 */
int tw_request_one(struct tw_request *req, bool wait, bool admin);
/* The same for @nr of them, 1..TW_REQUEST_MAX: all are queued or none. */
int tw_request_many(struct tw_request *reqs, u32 nr, bool wait, bool admin);
int tw_request_ioctl(struct tw_request_pages *arg);
/* The region's file has gone: what waits for its pages is cancelled. Sleeps. */
void tw_queue_drop_region(struct tw_region *r);
/* Parameter migration_batch: most pages of a batch, 1..TW_BATCH. */
unsigned int tw_migration_batch(void);

#endif
