/* SPDX-License-Identifier: GPL-2.0 */
/*
 * viewer.h - whose addresses the owner of a stream may know
 *
 * Where a process has mapped a region is that process's own affair: with it, the
 * randomised layout of its address space is known. Someone who listens to an
 * agent hears of every touch of its regions, by whomever they were passed on to,
 * and is told the address only of his own process's touches, or if he might look
 * into the toucher's memory anyway.
 *
 * Decided by what the owner is when the stream is made, as with any open file.
 */
#ifndef _TW_VIEWER_H
#define _TW_VIEWER_H

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm_types.h>
#include <linux/sched/mm.h>
#include <linux/user_namespace.h>

/**
 * struct tw_viewer - the owner of a stream
 * @mm: its address space, only to be compared with; or NULL
 * @ns: user namespace over which it is privileged, or NULL
 */
struct tw_viewer {
	struct mm_struct *mm;
	struct user_namespace *ns;
};

/* The caller becomes the owner. tw_viewer_put() in the end; may sleep. */
static inline void tw_viewer_get(struct tw_viewer *v)
{
	struct user_namespace *ns = current_user_ns();

	v->mm = current->mm;
	if (v->mm)
		mmgrab(v->mm);	/* so that no other one gets its address */
	v->ns = NULL;
	if (ns_capable(ns, CAP_PERFMON) || ns_capable(ns, CAP_SYS_PTRACE))
		v->ns = get_user_ns(ns);
}

static inline void tw_viewer_put(struct tw_viewer *v)
{
	if (v->mm)
		mmdrop(v->mm);
	if (v->ns)
		put_user_ns(v->ns);
}

/* May it know an address in @mm, which the caller keeps alive? Any context. */
static inline bool tw_viewer_sees(const struct tw_viewer *v,
				  const struct mm_struct *mm)
{
	const struct user_namespace *ns;

	if (mm == v->mm)
		return true;
	if (!mm || !v->ns)
		return false;
	/* Capabilities in a user namespace hold in those below it. */
	for (ns = mm->user_ns; ns; ns = ns->parent)
		if (ns == v->ns)
			return true;
	return false;
}

#endif
