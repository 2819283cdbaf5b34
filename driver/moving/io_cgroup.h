/* SPDX-License-Identifier: GPL-2.0 */
/*
 * io_cgroup.h - which cgroup is charged for I/O that a worker does for a caller
 *
 * I/O that a task submits itself is charged to its own cgroup anyway. A worker takes on
 * the cgroup of the caller that it works for, so that a limit (io.max) holds for
 * queued moves as it does for those that the caller makes itself.
 *
 * For queue.c and request.c. No locks are needed.
 */
#ifndef _TW_IO_CGROUP_H
#define _TW_IO_CGROUP_H

#include <linux/cgroup.h>
#include <linux/kthread.h>

#ifdef CONFIG_BLK_CGROUP
/* The caller's cgroup, with a reference for tw_io_cgroup_put(). */
static inline struct cgroup_subsys_state *tw_io_cgroup_get(void)
{
	return task_get_css(current, io_cgrp_id);
}

static inline void tw_io_cgroup_put(struct cgroup_subsys_state *css)
{
	if (css)
		css_put(css);
}
#else
static inline struct cgroup_subsys_state *tw_io_cgroup_get(void)
{
	return NULL;
}

static inline void tw_io_cgroup_put(struct cgroup_subsys_state *css)
{
}
#endif

/* Has the running worker's I/O charged to @css from now on, or with NULL to none. */
static inline void tw_io_cgroup_work_for(struct cgroup_subsys_state *css)
{
	kthread_associate_blkcg(css);
}

#endif
