// SPDX-License-Identifier: GPL-2.0
/*
 * agent_list.c - TW_IOC_AGENT_LIST, which lists agents
 *
 * Owns nothing; called by the table of ioctls, in the context of a caller.
 *
 * Locks: none, since user memory is written. Each agent is referenced while it is
 * copied out. The cursor is the serial number of the last agent looked at, also if the
 * caller may not see that one.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/cred.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "agents/agent.h"
#include "agents/limit.h"
#include "base/entries.h"
#include "base/usercopy.h"
#include "doors/agent_list.h"

/* The most agents that one call looks at, which bounds its time. */
#define TW_AGENT_LIST_LOOK	4096

static void tw_agent_describe(struct tw_agent *a, struct tw_agent_entry *e)
{
	struct tw_agent_stats s = { };

	tw_agent_sum(a, &s);
	*e = (struct tw_agent_entry){
		.id = a->id,
		.uid = from_kuid_munged(current_user_ns(), a->uid),
		.flags = (a->is_default ? TW_AGENT_IS_DEFAULT : 0) |
			 (tw_agent_mine(a) ? TW_AGENT_IS_MINE : 0),
		.regions = s.regions,
		.fault_ns = s.fault_ns,
		.reported = s.reported,
		.user_ns = a->ns->ns.inum,
	};
	memcpy(e->pages, s.pages, sizeof(e->pages));
	memcpy(e->external, s.external, sizeof(e->external));
	memcpy(e->faults_minor, s.faults_minor, sizeof(e->faults_minor));
	memcpy(e->faults_major, s.faults_major, sizeof(e->faults_major));
	memcpy(e->moves_in, s.moves_in, sizeof(e->moves_in));
	memcpy(e->moves_out, s.moves_out, sizeof(e->moves_out));
	tw_agent_get_limits(a, e->limit, e->hard);
}

/**
 * tw_agent_list_ioctl - TW_IOC_AGENT_LIST
 * @arg: the ioctl's argument
 *
 * Return: 0, -EINVAL, -E2BIG or -EFAULT.
 */
int tw_agent_list_ioctl(struct tw_agent_list *arg)
{
	u32 look = TW_AGENT_LIST_LOOK;
	bool admin = tw_is_admin();
	u64 cursor = arg->cursor;
	struct tw_agent_entry e;
	struct tw_agent *a;
	u32 nr = 0;
	int err;

	if (arg->flags || !arg->nr || arg->nr > TW_CALL_PAGES)
		return -EINVAL;
	err = tw_entry_check(arg->entry_size, TW_AGENT_ENTRY_SIZE_VER0);
	if (err)
		return err;
	if (!arg->agents)
		return -EFAULT;
	err = tw_check_answer(arg->agents,
			      (size_t)min(arg->nr, look) * arg->entry_size);
	if (err)
		return err;
	while (nr < arg->nr && look--) {
		a = tw_agent_after(cursor);
		cursor = a ? a->serial : 0;
		if (!a)
			break;
		if (admin || tw_agent_mine(a)) {
			tw_agent_describe(a, &e);
			err = tw_entry_write(arg->agents, nr++, arg->entry_size,
					     &e, sizeof(e));
		}
		tw_agent_put(a);
		if (err)
			return err;
		cond_resched();
	}
	arg->nr = nr;
	arg->cursor = cursor;
	return 0;
}
