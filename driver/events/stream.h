/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stream.h - event streams: rings per CPU, mapped read-only
 *
 * The producer side never blocks, locks or waits and may be called from any
 * context but NMI. Streams hang on the list of an audience, which each agent
 * has, or on the list of everything; both are RCU lists, changed under
 * tw_stream_mutex.
 */
#ifndef _TW_STREAM_H
#define _TW_STREAM_H

#include <linux/jump_label_ratelimit.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/timekeeping.h>
#include <linux/tierwatch.h>

struct file;
struct mm_struct;

/**
 * struct tw_audience - streams of the events of one agent
 * @streams: RCU list, tw_stream_mutex
 * @mask: union of their masks
 */
struct tw_audience {
	struct list_head streams;
	u64 mask;
};

static inline void tw_audience_init(struct tw_audience *a)
{
	INIT_LIST_HEAD(&a->streams);
}

/*
 * Any stream is open. Set again late after the last one has been closed: patching
 * the code costs all CPUs, and whoever may open the device could ask for it at will.
 */
extern struct static_key_false_deferred tw_streams_key;
extern u64 tw_streams_mask;			/* union of the masks */

int tw_streams_init(void);
void tw_streams_exit(void);

/* Is anybody listening to this type? Cheap; for skipping the work of filling. */
static inline bool tw_event_wanted(unsigned int type)
{
	return static_branch_unlikely(&tw_streams_key.key) &&
	       (READ_ONCE(tw_streams_mask) & TW_EVENT_BIT(type));
}

/*
 * Publish @ev (seq ignored; time_ns 0: now; it is filled in and changed) to the
 * streams of everything and to those of @a (may be NULL). The latter see pid 0,
 * and ->addr, if it is an address in @mm, only when their owner may know it
 * (viewer.h). What is about an agent goes through tw_agent_emit() (agent.h).
 */
void tw_emit_at(struct tw_audience *a, struct tw_event *ev,
		const struct mm_struct *mm);

/* An event that is about no agent, and whose ->addr is no address. */
static inline void tw_emit(struct tw_event *ev)
{
	tw_emit_at(NULL, ev, NULL);
}

/*
 * @a ends: its streams get nothing more. They stay readable. Sleeps; publishers
 * of an agent's events hold a reference to the agent, so there are none.
 */
void tw_streams_detach(struct tw_audience *a);

/* ioctl: on success arg->fd is installed by the caller with fd_install(). */
bool tw_stream_arg_ok(const struct tw_stream_create *arg);
struct file *tw_stream_create(struct tw_stream_create *arg,
			      struct tw_audience *a);

#endif
