/* SPDX-License-Identifier: GPL-2.0 */
/*
 * viewer.h - which addresses the owner of a stream may know
 *
 * The address at which a process has mapped a region gives away the randomised
 * layout of its address space. A stream of an agent tells of every touch of the
 * agent's regions, also of those by other processes that the regions were passed
 * to. It tells the address only if the toucher is the owner's own process, or if
 * the owner is privileged to look into the toucher's memory.
 *
 * The owner's privilege is checked when the stream is made, as with any open file.
 */
#ifndef _TW_VIEWER_H
#define _TW_VIEWER_H

#include "base/compat.h"
#include "base/owner.h"

/**
 * struct tw_viewer - the owner of a stream
 * @o: the owner's process
 * @privileged: it has CAP_PERFMON or CAP_SYS_PTRACE in its user namespace
 */
struct tw_viewer {
	struct tw_owner o;
	bool privileged;
};

/* Makes the calling process the viewer. Undone by tw_viewer_put(). */
static inline void tw_viewer_get(struct tw_viewer *v)
{
	tw_owner_get(&v->o);
	v->privileged = ns_capable(v->o.ns, CAP_PERFMON) ||
			ns_capable(v->o.ns, CAP_SYS_PTRACE);
}

/* May sleep. */
static inline void tw_viewer_put(struct tw_viewer *v)
{
	tw_owner_put(&v->o);
}

/*
 * Whether @v may know an address in @mm, which may be NULL. The caller keeps @mm
 * alive and is in an RCU read section.
 */
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
