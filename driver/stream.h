/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stream.h - event streams: rings per CPU, mapped read-only
 *
 * The producer side never blocks, locks or waits and may be called from any
 * context but NMI. Streams hang on a list of their agent or on the list of
 * everything; both are RCU lists, changed under tw_stream_mutex.
 */
#ifndef _TW_STREAM_H
#define _TW_STREAM_H

#include <linux/jump_label.h>
#include <linux/ktime.h>
#include <linux/timekeeping.h>
#include <linux/tierwatch.h>

struct tw_agent;

DECLARE_STATIC_KEY_FALSE(tw_streams_key);	/* any stream is open */
extern u64 tw_streams_mask;			/* union of the masks */

int tw_streams_init(void);
void tw_streams_exit(void);

/* Is anybody listening to this type? Cheap; for skipping the work of filling. */
static inline bool tw_event_wanted(unsigned int type)
{
	return static_branch_unlikely(&tw_streams_key) &&
	       (READ_ONCE(tw_streams_mask) & TW_EVENT_BIT(type));
}

/*
 * Publish @ev (seq ignored; time_ns 0: now; agent label taken from @agent; it is
 * filled in and changed) to
 * the streams of everything and to those of @agent (may be NULL). Streams of
 * one agent see pid 0.
 */
void tw_emit(struct tw_agent *agent, struct tw_event *ev);

/*
 * @agent ends: its streams get nothing more. They stay readable. Sleeps;
 * publishers of @agent's events hold a reference to it, so there are none.
 */
void tw_streams_detach(struct tw_agent *agent);

/* ioctl: on success arg->fd is installed by the caller with fd_install(). */
struct file *tw_stream_create(struct tw_stream_create *arg);

#endif
