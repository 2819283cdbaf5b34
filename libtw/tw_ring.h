/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading one ring of a TierWatch event stream, in place. There are no system
 * calls and no allocations, so this works on any memory that is laid out as
 * <linux/tierwatch.h> says.
 *
 *	while ((ev = tw_ring_peek(ring))) {
 *		... copy what is needed out of ev ...
 *		if (tw_ring_ok(ring, ev))
 *			... the copy is valid: use it ...
 *	}
 *
 * The writer never waits for a reader, so an event can be overwritten while it is
 * being read. tw_ring_ok() tells whether it was. Do not act on what was read from the
 * event before tw_ring_ok() has returned true, and do not read the event after that.
 *
 * A cursor belongs to one thread at a time. Any number of cursors can read
 * the same ring.
 */
#ifndef _TW_RING_H
#define _TW_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/tierwatch.h>

#if !defined(__LP64__) && (!defined(__GCC_ATOMIC_LLONG_LOCK_FREE) || \
			   __GCC_ATOMIC_LLONG_LOCK_FREE != 2)
#error "tw_ring.h: this machine can't load 64 bits in one piece"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct tw_ring - a reader's cursor in the ring of one CPU
 * @header: the ring's header
 * @slots: the ring's @nr slots
 * @next: number of the event that the cursor is at
 * @seen: events for which tw_ring_ok() has returned true
 * @lost: events that were overwritten before or while they were read
 * @nr: number of slots, a power of two
 * @slack: how many of the oldest events are given up when the event at the cursor was
 *	overwritten, so that the next ones are not overwritten at once, too;
 *	tw_ring_init() sets it to an eighth of @nr. With 0 no event that is still there
 *	is given up
 * @online: the CPU has been online, so its slots may be read
 *
 * Events are numbered from 0, so @seen + @lost is always @next. All three equal
 * @header->head when the ring has been read to its end and no event is being written.
 */
struct tw_ring {
	const struct tw_ring_header *header;
	const struct tw_event *slots;
	__u64 next;
	__u64 seen;
	__u64 lost;
	__u32 nr;
	__u32 slack;
	bool online;
};

/**
 * tw_ring_init - put a cursor at a ring's first event
 * @ring: the cursor
 * @header: the ring's header
 * @slots: the ring's slots
 * @nr: how many slots, a power of two
 */
static inline void tw_ring_init(struct tw_ring *ring,
				const struct tw_ring_header *header,
				const struct tw_event *slots, __u32 nr)
{
	ring->header = header;
	ring->slots = slots;
	ring->next = 0;
	ring->seen = 0;
	ring->lost = 0;
	ring->nr = nr;
	ring->slack = nr / 8;
	ring->online = false;
}

/**
 * tw_ring_online - whether the slots may be read
 * @ring: the cursor
 *
 * Return: false as long as the ring's CPU has not been online.
 */
static inline bool tw_ring_online(struct tw_ring *ring)
{
	if (!ring->online)
		ring->online = __atomic_load_n(&ring->header->online,
					       __ATOMIC_ACQUIRE) != 0;
	return ring->online;
}

/**
 * tw_ring_pending - how many events have been published from the cursor on
 * @ring: the cursor
 *
 * Return: their number, including those that have been overwritten.
 */
static inline __u64 tw_ring_pending(const struct tw_ring *ring)
{
	__u64 head = __atomic_load_n(&ring->header->head, __ATOMIC_ACQUIRE);

	return (__s64)(head - ring->next) > 0 ? head - ring->next : 0;
}

/**
 * tw_ring_peek - the event at the cursor
 * @ring: the cursor
 *
 * If the event at the cursor was overwritten, the cursor first moves on to
 * @slack past the oldest event in the ring, and @lost grows by exactly the number of
 * events that it passed over. Else the cursor does not move, and another call returns
 * the same event.
 *
 * Return: the event in the ring's memory, or NULL if there is none yet.
 */
static inline const struct tw_event *tw_ring_peek(struct tw_ring *ring)
{
	const struct tw_event *slot;
	__u64 seq, skip;
	__s64 ahead;

	if (!tw_ring_online(ring))
		return NULL;
	for (;;) {
		slot = &ring->slots[ring->next & (ring->nr - 1)];
		/* Pairs with the release of 2i+2, so the payload is complete. */
		seq = __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);
		ahead = (__s64)(seq - (2 * ring->next + 2));
		if (ahead == 0)
			return slot;
		if (ahead < 0)
			return NULL;
		/*
		 * The event was overwritten, so it is lost in any case. The
		 * head may not cover the event that overwrote it yet.
		 */
		skip = __atomic_load_n(&ring->header->head, __ATOMIC_ACQUIRE) -
		       ring->nr + ring->slack - ring->next;
		if ((__s64)skip < 1)
			skip = 1;
		ring->lost += skip;
		ring->next += skip;
	}
}

/**
 * tw_ring_valid - check that an event is still intact, without moving the cursor
 * @ring: the cursor
 * @event: what tw_ring_peek() returned
 *
 * This is for a check in between; tw_ring_ok() has to follow.
 *
 * Return: true if all that was read from @event so far is valid.
 */
static inline bool tw_ring_valid(const struct tw_ring *ring,
				 const struct tw_event *event)
{
	/*
	 * Pairs with the write barrier after 2j+1, so that a reader that has read
	 * a part of event j sees j's number, too.
	 */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&event->seq, __ATOMIC_RELAXED) ==
	       2 * ring->next + 2;
}

/**
 * tw_ring_ok - check that an event was intact until now, and go on to the next
 * @ring: the cursor
 * @event: what tw_ring_peek() returned last
 *
 * The cursor moves past the event, which counts as @seen or as @lost. A second call
 * for the same event returns false and changes nothing.
 *
 * Return: true if all that was read from @event is valid.
 */
static inline bool tw_ring_ok(struct tw_ring *ring,
			      const struct tw_event *event)
{
	bool valid;

	if (event != &ring->slots[ring->next & (ring->nr - 1)])
		return false;
	valid = tw_ring_valid(ring, event);
	ring->next++;
	if (valid)
		ring->seen++;
	else
		ring->lost++;
	return valid;
}

/**
 * tw_ring_skip_to_end - skip all events that have been published
 * @ring: the cursor
 *
 * The skipped events count as @lost.
 */
static inline void tw_ring_skip_to_end(struct tw_ring *ring)
{
	__u64 skip = tw_ring_pending(ring);

	ring->lost += skip;
	ring->next += skip;
}

#ifdef __cplusplus
}
#endif

#endif /* _TW_RING_H */
