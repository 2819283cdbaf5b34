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

#include "base/compat.h"
#include "base/owner.h"

/**
 * struct tw_viewer - the owner of a stream
 * @o: the viewer
 * @privileged: over its user namespace, and those below that
 */
struct tw_viewer {
	struct tw_owner o;
	bool privileged;
};

/* The caller becomes the owner. tw_viewer_put() in the end; may sleep. */
static inline void tw_viewer_get(struct tw_viewer *v)
{
	tw_owner_get(&v->o);
	v->privileged = ns_capable(v->o.ns, CAP_PERFMON) ||
			ns_capable(v->o.ns, CAP_SYS_PTRACE);
}

static inline void tw_viewer_put(struct tw_viewer *v)
{
	tw_owner_put(&v->o);
}

/* May it know an address in @mm, which the caller keeps alive? Under RCU. */
static inline bool tw_viewer_sees(const struct tw_viewer *v,
				  const struct mm_struct *mm)
{
	const struct user_namespace *ns;

	if (mm == v->o.mm)
		return true;
	if (!mm || !v->privileged)
		return false;
	/* Capabilities in a user namespace hold in those below it. */
	for (ns = tw_mm_user_ns(mm); ns; ns = ns->parent)
		if (ns == v->o.ns)
			return true;
	return false;
}

#endif
