/* SPDX-License-Identifier: GPL-2.0 */
/*
 * request.h - making requests, and waiting for their outcomes
 */
#ifndef _TW_REQUEST_H
#define _TW_REQUEST_H

#include <linux/tierwatch.h>
#include <linux/types.h>

int tw_request_one(struct tw_request *req, bool wait, bool admin);
int tw_request_many(struct tw_request *reqs, u32 nr, bool wait, bool admin);
int tw_request_ioctl(struct tw_request_pages *arg);

#endif
