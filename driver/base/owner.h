/* SPDX-License-Identifier: GPL-2.0 */
/*
 * owner.h - which processes may name a region's pages by number
 *
 * A number can be guessed, so knowing it gives no right. A process may name a page
 * by number if it made the region, holds the region's file open for writing, or is
 * privileged over the process that made it. The same uid does not suffice: ptrace
 * keeps processes of one user apart by checks (Yama, undumpable processes, security
 * modules) that a module cannot make. pidfd_getfd(2) makes them, so a process that
 * may ptrace the maker can get the region's file that way.
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
 * @mm: its address space at that time, only compared; execve(2) ends the match
 * @ns: its user namespace
 */
struct tw_owner {
	struct mm_struct *mm;
	struct user_namespace *ns;
};

/* Makes the calling process the owner. Undone by tw_owner_put(). */
static inline void tw_owner_get(struct tw_owner *o)
{
	o->mm = current->mm;
	if (o->mm)
		mmgrab(o->mm);	/* no other mm can get this address meanwhile */
	o->ns = get_user_ns(current_user_ns());
}

/* May sleep. */
static inline void tw_owner_put(struct tw_owner *o)
{
	if (o->mm)
		mmdrop(o->mm);
	put_user_ns(o->ns);
}

/*
 * Whether the calling process is the owner or privileged over it. No audit record is
 * made, since a caller that is neither may have another right. Any context.
 */
static inline bool tw_owner_obeys(const struct tw_owner *o)
{
	return (o->mm && o->mm == current->mm) ||
	       ns_capable_noaudit(o->ns, CAP_SYS_PTRACE);
}

#endif
