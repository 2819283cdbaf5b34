/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stream.h - event streams: rings per CPU, mapped read-only
 *
 * The producer side never blocks, locks or waits and may be called from any
 * context but NMI. A stream is in the list of one agent's audience, or in the list
 * of streams that get all events. Both are RCU lists, changed under
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
 * struct tw_audience - the streams that get the events of one agent
 * @streams: RCU list, changed under tw_stream_mutex
 * @mask: union of their masks, changed under tw_stream_mutex
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
 * True while any stream is open, and for some time after the last one has been
 * closed. Patching the code disturbs all CPUs, and without that delay any process
 * that may open the device could cause it at will.
 */
extern struct static_key_false_deferred tw_streams_key;
extern u64 tw_streams_mask;	/* union of all streams' masks */

int tw_streams_init(void);
void tw_streams_exit(void);

/* Whether any stream wants this type; a cheap check before an event is filled in. */
static inline bool tw_event_wanted(unsigned int type)
{
	return static_branch_unlikely(&tw_streams_key.key) &&
	       (READ_ONCE(tw_streams_mask) & TW_EVENT_BIT(type));
}

void tw_emit_at(struct tw_audience *a, struct tw_event *ev,
		const struct mm_struct *mm);

/* Publishes an event that is about no agent, and whose ->addr is no address. */
static inline void tw_emit(struct tw_event *ev)
{
	tw_emit_at(NULL, ev, NULL);
}

void tw_streams_detach(struct tw_audience *a);

bool tw_stream_arg_ok(const struct tw_stream_create *arg);
struct file *tw_stream_create(struct tw_stream_create *arg,
			      struct tw_audience *a);

#endif
