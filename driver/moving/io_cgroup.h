/* SPDX-License-Identifier: GPL-2.0 */
/*
 * io_cgroup.h - whose I/O it is that a worker makes for a caller
 *
 * What a task submits itself is its own cgroup's already. A worker takes on the
 * cgroup of the caller that it works for, so that a limit (io.max) holds for what
 * was only asked for as it does for what the caller does itself.
 */
#ifndef _TW_IO_CGROUP_H
#define _TW_IO_CGROUP_H

#include <linux/cgroup.h>
#include <linux/kthread.h>

#ifdef CONFIG_BLK_CGROUP
/* The caller's. tw_io_cgroup_put() in the end. */
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

/* The running worker's I/O is @css's from now on; NULL: the machine's again. */
static inline void tw_io_cgroup_work_for(struct cgroup_subsys_state *css)
{
	kthread_associate_blkcg(css);
}

#endif
