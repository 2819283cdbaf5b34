// SPDX-License-Identifier: GPL-2.0
/*
 * stream.c - publishing events to the streams that want them
 *
 * Owns the lists that say which stream gets which event, and tw_emit_at().
 * stream_ring.h puts an event into a ring; stream_file.c makes and frees streams.
 *
 * Locks. tw_stream_mutex guards changes of the lists (tw_streams_any and
 * tw_audience.streams), of the masks and of tw_stream.audience. Nothing is
 * allocated under it. Publishers do not take it: the lists are RCU lists, and
 * tw_emit_at() walks them with preemption off. A stream is freed after
 * synchronize_rcu() and after the irq_work that publishers may have queued. Any room
 * may publish, in any context but NMI.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>
#include <asm/local.h>

#include "base/stats.h"
#include "base/viewer.h"
#include "events/stream.h"
#include "events/stream_file.h"
#include "events/stream_ring.h"

DEFINE_STATIC_KEY_DEFERRED_FALSE(tw_streams_key, HZ);
u64 tw_streams_mask;

static LIST_HEAD(tw_streams_any);
static DEFINE_MUTEX(tw_stream_mutex);
/* How many streams want each type of event; under tw_stream_mutex. */
static unsigned int tw_listeners[TW_NR_EVENTS];

/* -- publishing ----------------------------------------------------------- */

/*
 * Publishes @ev to the streams of @list that want it, and returns how many got it. If
 * ->addr is an address in @mm, streams whose owner may not know it get 0 instead;
 * @mm is NULL if all of them may have ->addr. Preemption is off.
 */
static __always_inline unsigned int tw_emit_to(struct list_head *list,
					       union tw_slot *ev,
					       const struct mm_struct *mm)
{
	u64 addr = ev->ev.addr;
	u64 bit = TW_EVENT_BIT(ev->ev.type);
	unsigned int n = 0;
	struct tw_stream *s;
	bool wake;

	list_for_each_entry_rcu(s, list, link, rcu_read_lock_sched_held()) {
		if (!(s->mask & bit))
			continue;
		if (mm)
			ev->ev.addr = tw_viewer_sees(&s->owner, mm) ? addr : 0;
		n += tw_ring_publish(s->rings, ev, &wake);
		if (unlikely(wake))
			irq_work_queue(&s->wake);
	}
	return n;
}

/**
 * tw_emit_at - publish an event
 * @a: audience of the agent that the event is about, which the caller keeps alive;
 *	or NULL
 * @ev: the event; ->seq and ->reserved are ignored, a ->time_ns of 0 is set to now,
 *	and members may be changed
 * @mm: address space that ->addr is an address in, which the caller keeps alive;
 *	NULL if ->addr is no address
 *
 * Streams of all events get it in full. Streams of @a get a ->pid of 0, no frame
 * number, and an address only if their owner may know it (viewer.h). Events of an
 * agent are published by tw_agent_emit() (agent.h). Any context but NMI. Never waits.
 */
void tw_emit_at(struct tw_audience *a, struct tw_event *ev,
		const struct mm_struct *mm)
{
	union tw_slot *slot = container_of(ev, union tw_slot, ev);
	unsigned int n;

	if (!tw_event_wanted(ev->type))
		return;
	if (!ev->time_ns)
		ev->time_ns = ktime_get_ns();
	ev->reserved = 0;

	rcu_read_lock_sched();
	n = tw_emit_to(&tw_streams_any, slot, NULL);
	if (a && (READ_ONCE(a->mask) & TW_EVENT_BIT(ev->type))) {
		ev->pid = 0;
		/* Frame numbers are privileged; an external page has no other name. */
		if (!(ev->page & TW_PAGE_STABLE))
			ev->page = 0;
		n += tw_emit_to(&a->streams, slot, mm);
	}
	/* local_add() is safe against interrupts, which count here, too. */
	BUILD_BUG_ON(sizeof(local_t) != sizeof(u64));
	local_add(n, (local_t *)&__this_cpu_read(tw_stats_cpu_ptr)->cpu.events);
	rcu_read_unlock_sched();
}

/* -- which stream gets what ------------------------------------------------ */

static void tw_listeners_add(u64 mask, int n)
{
	u64 all = 0;
	int type;

	lockdep_assert_held(&tw_stream_mutex);
	for (type = 0; type < TW_NR_EVENTS; type++) {
		if (mask & TW_EVENT_BIT(type))
			tw_listeners[type] += n;
		if (tw_listeners[type])
			all |= TW_EVENT_BIT(type);
	}
	WRITE_ONCE(tw_streams_mask, all);
}

static void tw_audience_set_mask(struct tw_audience *a)
{
	struct tw_stream *s;
	u64 all = 0;

	lockdep_assert_held(&tw_stream_mutex);
	list_for_each_entry(s, &a->streams, link)
		all |= s->mask;
	WRITE_ONCE(a->mask, all);
}

void tw_stream_listen(struct tw_stream *s, struct tw_audience *a)
{
	static_branch_inc(&tw_streams_key.key);
	mutex_lock(&tw_stream_mutex);
	s->audience = a;
	s->listening = true;
	list_add_tail_rcu(&s->link, a ? &a->streams : &tw_streams_any);
	if (a)
		tw_audience_set_mask(a);
	tw_listeners_add(s->mask, 1);
	mutex_unlock(&tw_stream_mutex);
}

static void tw_stream_unlink(struct tw_stream *s)
{
	lockdep_assert_held(&tw_stream_mutex);
	list_del_rcu(&s->link);
	s->listening = false;
	if (s->audience)
		tw_audience_set_mask(s->audience);
	s->audience = NULL;
	tw_listeners_add(s->mask, -1);
}

void tw_stream_unlisten(struct tw_stream *s)
{
	mutex_lock(&tw_stream_mutex);
	if (s->listening)
		tw_stream_unlink(s);
	mutex_unlock(&tw_stream_mutex);
	static_branch_slow_dec_deferred(&tw_streams_key);
	synchronize_rcu();
}

/**
 * tw_streams_detach - end an audience
 * @a: audience of an agent without references, so that nothing is published to it
 *
 * Its streams get no more events; what is in their rings can still be read, and
 * poll() tells EPOLLHUP. Sleeps.
 */
void tw_streams_detach(struct tw_audience *a)
{
	struct tw_stream *s, *next;

	mutex_lock(&tw_stream_mutex);
	list_for_each_entry_safe(s, next, &a->streams, link) {
		tw_stream_unlink(s);
		/* No event will wake a reader of this stream any more. */
		WRITE_ONCE(s->ended, true);
		wake_up_interruptible_poll(&s->wait, EPOLLHUP);
	}
	mutex_unlock(&tw_stream_mutex);
}

void tw_stream_wake(struct irq_work *work)
{
	struct tw_stream *s = container_of(work, struct tw_stream, wake);

	wake_up_interruptible_poll(&s->wait, EPOLLIN | EPOLLRDNORM);
}
