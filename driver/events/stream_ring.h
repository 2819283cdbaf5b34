/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stream_ring.h - the producer of one ring (private to stream.c)
 *
 * A ring is written by its CPU only, with preemption off. An interrupt may
 * come at any instruction and publish to the same ring; it has finished before
 * the interrupted producer goes on. So an event's number is taken with one
 * instruction, a nested producer never overwrites the event of the interrupted one,
 * and only the outermost producer moves ->head, when all events below it are
 * finished.
 */
#ifndef _TW_STREAM_RING_H
#define _TW_STREAM_RING_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/percpu.h>
#include <linux/tierwatch.h>
#include <asm/barrier.h>

#define TW_EVENT_WORDS	(sizeof(struct tw_event) / sizeof(u64))

/**
 * union tw_slot - an event as it is stored
 * @ev: the event
 * @word: the same, @word[0] is the seq
 */
union tw_slot {
	struct tw_event ev;
	u64 word[TW_EVENT_WORDS];
};

/**
 * struct tw_ring - the kernel's side of a ring
 * @next: number of the next event to reserve
 * @oldest: all events before this one are finished; valid while @nest is not 0
 * @mask: number of slots - 1
 * @nest: how many producers on this CPU are in the ring
 * @slots: NULL until the CPU has been online; set with release semantics
 * @header: the ring's header, which readers map
 * @wake_at: head at which a reader in poll() is to be woken; U64_MAX for never
 */
struct tw_ring {
	u64 next;
	u64 oldest;
	u32 mask;
	u32 nest;
	union tw_slot *slots;
	struct tw_ring_header *header;
	u64 wake_at;
};

/*
 * Reserves a number in an interrupt. The interrupted producer may be in the middle of
 * writing event ->oldest, whose slot must not be overwritten. So once a ring's worth
 * of events has been reserved since, further ones of the interrupt are dropped.
 */
static noinline bool tw_ring_reserve_nested(struct tw_ring __percpu *rings,
					    struct tw_ring *r, u64 *nr)
{
	u64 i = READ_ONCE(r->next);
	u64 seen;

	for (;;) {
		if (i - READ_ONCE(r->oldest) > r->mask)
			return false;
		seen = this_cpu_cmpxchg(rings->next, i, i + 1);
		if (seen == i)
			break;
		i = seen;
	}
	*nr = i;
	return true;
}

static __always_inline void tw_ring_write(union tw_slot *slot, u64 nr,
					  const union tw_slot *ev)
{
	BUILD_BUG_ON(TW_EVENT_WORDS != 8);

	WRITE_ONCE(slot->word[0], 2 * nr + 1);
	/*
	 * Pairs with the reader's acquire fence between using the event and
	 * reading seq again: a reader that has seen a new word sees the new seq.
	 */
	smp_wmb();
	/* Written out, since the compiler does not unroll such a loop. */
	WRITE_ONCE(slot->word[1], ev->word[1]);
	WRITE_ONCE(slot->word[2], ev->word[2]);
	WRITE_ONCE(slot->word[3], ev->word[3]);
	WRITE_ONCE(slot->word[4], ev->word[4]);
	WRITE_ONCE(slot->word[5], ev->word[5]);
	WRITE_ONCE(slot->word[6], ev->word[6]);
	WRITE_ONCE(slot->word[7], ev->word[7]);
	/* Pairs with the reader's load-acquire of seq. */
	smp_store_release(&slot->word[0], 2 * nr + 2);
}

/*
 * Called by the outermost producer when it has finished, and so have all interrupts
 * that came meanwhile: all events below ->next are complete. An interrupt between
 * the load of ->next and ->nest = 0 does not move ->head itself, hence the loop.
 */
static __always_inline u64 tw_ring_move_head(struct tw_ring *r)
{
	u64 head;

	do {
		WRITE_ONCE(r->nest, 1);
		barrier();
		head = READ_ONCE(r->next);
		/* Pairs with a reader's load-acquire of head. */
		smp_store_release(&r->header->head, head);
		barrier();
		WRITE_ONCE(r->nest, 0);
		barrier();
	} while (unlikely(head != READ_ONCE(r->next)));
	return head;
}

/**
 * tw_ring_publish - put an event into this CPU's ring
 * @rings: rings of a stream
 * @ev: event; its seq is ignored
 * @wake: out: the caller must wake the reader, which waits for this head
 *
 * Preemption is off. Any context but NMI.
 *
 * Return: false if the event was dropped, because the CPU has no ring or as
 * tw_ring_reserve_nested() says.
 */
static __always_inline bool tw_ring_publish(struct tw_ring __percpu *rings,
					    const union tw_slot *ev, bool *wake)
{
	struct tw_ring *r = this_cpu_ptr(rings);
	union tw_slot *slots = READ_ONCE(r->slots);
	u32 nest = READ_ONCE(r->nest);
	u64 nr, head;

	*wake = false;
	if (unlikely(!slots))
		return false;
	if (likely(!nest)) {
		WRITE_ONCE(r->oldest, READ_ONCE(r->next));
		barrier();
		WRITE_ONCE(r->nest, 1);
		barrier();
		nr = this_cpu_inc_return(rings->next) - 1;
	} else {
		WRITE_ONCE(r->nest, nest + 1);
		barrier();
		if (!tw_ring_reserve_nested(rings, r, &nr)) {
			WRITE_ONCE(r->nest, nest);
			return false;
		}
	}

	tw_ring_write(&slots[nr & r->mask], nr, ev);

	barrier();
	if (unlikely(nest)) {
		WRITE_ONCE(r->nest, nest);
		return true;
	}
	head = tw_ring_move_head(r);

	/* Writes head, then reads wake_at. Pairs with tw_stream_poll(). */
	smp_mb();
	if (unlikely(head >= READ_ONCE(r->wake_at))) {
		WRITE_ONCE(r->wake_at, U64_MAX);
		*wake = true;
	}
	return true;
}

/* Has the producer wake the reader at head @at, or at an earlier one set before. */
static inline void tw_ring_arm(struct tw_ring *r, u64 at)
{
	u64 old = READ_ONCE(r->wake_at);

	while (at < old && !try_cmpxchg(&r->wake_at, &old, at))
		;
}

#endif
