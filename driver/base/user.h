/* SPDX-License-Identifier: GPL-2.0 */
/*
 * user.h - per-user caps, so that one user cannot take the driver's memory
 *
 * Resources are counted per kuid over the whole machine. What a process in a user
 * namespace takes also counts for the user who made the namespace, and so on up, so
 * that a user with many ids to map gets no more for that. All capped users together
 * leave some pages to root (max_users_percent).
 *
 * A user with CAP_SYS_RESOURCE in the initial user namespace is not capped.
 * tw_user_get_current() checks that once; the result holds for all that is charged
 * to the struct tw_user that it returns, whichever process causes the charge. Module
 * parameters set the caps.
 */
#ifndef _TW_USER_H
#define _TW_USER_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct tw_user;

enum tw_user_res {
	TW_USER_REGIONS,	/* max_user_regions, default 1024 */
	TW_USER_AGENTS,		/* max_user_agents, default 1024 */
	TW_USER_STREAMS,	/* max_user_streams, default 64 */
	TW_USER_RING_BYTES,	/* max_user_ring_mib, default 64 MiB */
	TW_USER_RECORD_BYTES,	/* max_user_record_mib, default 1024 MiB */
	TW_USER_EXTERNAL,	/* max_user_external, default 16 Mi pages */
	TW_USER_RESERVED,	/* pages; max_user_reserve_percent, default 25 */
	TW_USER_REQUESTS,	/* queued; TW_REQUEST_USER_MAX, no parameter */
	TW_USER_PAGES,		/* in any tier, and reserved; max_user_percent,
				 * default 75; of all users together:
				 * max_users_percent, default 90
				 */
	TW_USER_NR,
};

void tw_users_exit(void);

struct tw_user *tw_user_get_current(void);
struct tw_user *tw_user_get(struct tw_user *u);
void tw_user_put(struct tw_user *u);
bool tw_user_exempt(const struct tw_user *u);
bool tw_user_below(const struct tw_user *u, kuid_t uid);
int tw_user_charge(struct tw_user *u, enum tw_user_res res, unsigned long n);
void tw_user_uncharge(struct tw_user *u, enum tw_user_res res, unsigned long n);

#endif
