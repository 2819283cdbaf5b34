/* SPDX-License-Identifier: GPL-2.0 */
/*
 * request.h - asking for moves, and waiting for them
 */
#ifndef _TW_REQUEST_H
#define _TW_REQUEST_H

#include <linux/tierwatch.h>
#include <linux/types.h>

/*
 * One request: its checks are those of the ioctl, its outcome in req->status
 * with @wait. 0 or -errno when it was not queued. Sleeps.
 */
int tw_request_one(struct tw_request *req, bool wait, bool admin);
/* The same for @nr of them, 1..TW_REQUEST_MAX: all are queued or none. */
int tw_request_many(struct tw_request *reqs, u32 nr, bool wait, bool admin);
int tw_request_ioctl(struct tw_request_pages *arg);

#endif
