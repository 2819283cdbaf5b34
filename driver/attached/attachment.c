// SPDX-License-Identifier: GPL-2.0
/*
 * attachment.c - attachments: making and freeing them, and what they are as spaces
 *
 * Owns their struct tw_space_ops; scan.c has those that look at the program's
 * memory. attachment.h says which files may call it.
 *
 * Locks: none.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "agents/agent.h"
#include "attached/attachment.h"
#include "base/user.h"

static void tw_attached_free(struct tw_space *sp)
{
	struct tw_attachment *a = tw_attached_of(sp);

	tw_user_uncharge(sp->user, TW_USER_REGIONS, 1);
	tw_space_exit(sp);
	put_pid(a->pid);
	put_user_ns(a->ns);
	mmdrop(a->mm);
	kfree_rcu(a, space.rcu);
}

/*
 * Is it the caller's own memory, or is the caller privileged over it? No audit record is
 * made, since a caller that is neither may just be looking through all spaces.
 */
static bool tw_attached_mine(struct tw_space *sp)
{
	struct tw_attachment *a = tw_attached_of(sp);

	return a->mm == current->mm || ns_capable_noaudit(a->ns, CAP_SYS_PTRACE);
}

static const struct tw_space_ops tw_attached_ops = {
	.free	= tw_attached_free,
	.mine	= tw_attached_mine,
	.scan	= tw_attached_scan,
	.find	= tw_attached_find,
};

struct tw_attachment *tw_attached_alloc(struct mm_struct *mm,
					struct user_namespace *ns, struct pid *pid)
{
	struct tw_attachment *a = kzalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);
	struct tw_agent *agent;
	int err;

	if (!a)
		return ERR_PTR(-ENOMEM);
	agent = tw_agent_from_fd(-1);
	if (IS_ERR(agent)) {
		err = PTR_ERR(agent);
		goto free;
	}
	err = tw_space_init(&a->space, &tw_attached_ops, TW_REGION_MAX_PAGES,
			    agent);
	if (err)
		goto agent;
	a->space.home = TW_TIER_CPU;
	a->space.foreign = true;
	err = tw_user_charge(a->space.user, TW_USER_REGIONS, 1);
	if (err)
		goto space;
	memset(a->tiers, TW_TIER_NONE, sizeof(a->tiers));
	INIT_LIST_HEAD(&a->node);
	a->ns = get_user_ns(ns);
	a->pid = get_pid(pid);
	mmgrab(mm);
	a->mm = mm;
	return a;

space:
	tw_space_exit(&a->space);
	goto free;
agent:
	tw_agent_put(agent);
free:
	kfree(a);
	return ERR_PTR(err);
}
