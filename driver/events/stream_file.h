/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stream_file.h - struct tw_stream, shared by stream.c and stream_file.c only
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
 * @wait: for poll()
 * @listening: it is in a list; under tw_stream_mutex
 * @ended: its agent has ended; what is in the rings can still be read
 * @audience: the audience it is in while @listening; NULL if it gets all events
 * @owner: the process that made it; decides which addresses it may tell
 * @all: in tw_streams_all; under tw_rings_mutex
 * @base: mapped pages: the stream's header, each ring's header, the control page
 * @ctl: the control page; readers write it, so it is never trusted
 * @events: slots per ring
 * @slot_pages: pages of a ring's slots
 * @bytes: memory that is charged to @user; under tw_rings_mutex once it is in @all
 * @user: is charged for the stream and its memory; referenced
 * @memcg: is charged for its memory; referenced
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

/*
 * Adds the stream to audience @a, or to the list of all events with NULL. The caller
 * keeps @a alive meanwhile; the stream takes no reference, and tw_streams_detach()
 * removes it when the agent ends. Sleeps.
 */
void tw_stream_listen(struct tw_stream *s, struct tw_audience *a);
/* Undoes that and waits for publishers that still use the stream. Sleeps. */
void tw_stream_unlisten(struct tw_stream *s);
/* The function of tw_stream.wake. */
void tw_stream_wake(struct irq_work *work);

#endif
