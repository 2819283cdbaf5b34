/* SPDX-License-Identifier: GPL-2.0 */
/*
 * owner.h - to whom a region's pages may be named by number
 *
 * A number can be guessed, so it gives nobody anything. Whoever names a page by
 * its number has made the region, or holds its file, open for writing, or is
 * privileged over whoever made it. Not: whoever has the same uid. Processes of one
 * user are kept apart by what ptrace asks (Yama, undumpable processes, security
 * modules), which a module cannot ask; but pidfd_getfd(2) does, so a process that
 * may look into another one gets the region's file from it.
 */
#ifndef _TW_OWNER_H
#define _TW_OWNER_H

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/user_namespace.h>

/**
 * struct tw_owner - the process that made an object
 * @mm: its address space, only to be compared with: gone with execve(2)
 * @ns: its user namespace
 */
struct tw_owner {
	struct mm_struct *mm;
	struct user_namespace *ns;
};

/* The caller becomes the owner. tw_owner_put() in the end. */
static inline void tw_owner_get(struct tw_owner *o)
{
	o->mm = current->mm;
	if (o->mm)
		mmgrab(o->mm);	/* so that no other one gets its address */
	o->ns = get_user_ns(current_user_ns());
}

/* Sleeps. */
static inline void tw_owner_put(struct tw_owner *o)
{
	if (o->mm)
		mmdrop(o->mm);
	put_user_ns(o->ns);
}

/* The caller is it, or privileged over it. No matter of audit; any context. */
static inline bool tw_owner_obeys(const struct tw_owner *o)
{
	return (o->mm && o->mm == current->mm) ||
	       ns_capable_noaudit(o->ns, CAP_SYS_PTRACE);
}

#endif
