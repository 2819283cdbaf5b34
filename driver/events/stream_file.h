/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stream_file.h - a stream, between stream.c and stream_file.c
 */
#ifndef _TW_STREAM_FILE_H
#define _TW_STREAM_FILE_H

#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/tierwatch.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "base/viewer.h"

struct cgroup_subsys_state;
struct tw_audience;
struct tw_ring;
struct tw_user;

/**
 * struct tw_stream - a stream
 * @link: in tw_streams_any or its agent's list while @listening (RCU)
 * @mask: events it wants
 * @rings: one per CPU
 * @wake: wakes @wait
 * @wait: poll()
 * @listening: on a list (tw_stream_mutex)
 * @ended: its agent has; what the rings have can still be read
 * @audience: what it gets, while @listening; NULL: everybody's events
 * @owner: whose addresses it may tell
 * @all: in tw_streams_all (tw_rings_mutex)
 * @base: kernel pages: header of the stream, of each ring, control page
 * @ctl: the control page; never trusted
 * @events: slots per ring
 * @slot_pages: pages of a ring's slots
 * @bytes: charged to @user (tw_rings_mutex)
 * @user: is charged for it
 * @memcg: is charged for its memory
 */
struct tw_stream {
	struct list_head link;
	u64 mask;
	struct tw_ring __percpu *rings;
	struct irq_work wake;
	wait_queue_head_t wait;
	bool listening;
	bool ended;
	struct tw_audience *audience;
	struct tw_viewer owner;
	struct list_head all;
	void *base;
	struct tw_stream_ctl *ctl;
	u32 events;
	unsigned long slot_pages;
	unsigned long bytes;
	struct tw_user *user;
	struct cgroup_subsys_state *memcg;
};

/* It gets the events of @a from now on, or everybody's: NULL. The caller keeps @a. */
void tw_stream_listen(struct tw_stream *s, struct tw_audience *a);
/* No publisher is in it when this returns, and none will be. Sleeps. */
void tw_stream_unlisten(struct tw_stream *s);
/* Body of tw_stream.wake. */
void tw_stream_wake(struct irq_work *work);

#endif
