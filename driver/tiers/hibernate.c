// SPDX-License-Identifier: GPL-2.0
/*
 * hibernate.c - stores stand still while an image of memory is made
 *
 * Owns whether they stand still. slots.c, store_io.c, frame.c and the room of moving
 * ask.
 *
 * After the resume, memory is as it was when the image was taken, so each slot must
 * be as it was then, too. Tasks that are not frozen, of which there are always some
 * (kernel threads that use a process's memory, the task that writes the image), fault
 * and move pages after that moment as before it. So this is decided where all of them
 * pass: from PREPARE, which comes long before, until POST, which comes long after, no
 * slot is taken (tw_slots_alloc()) and none is written (tw_xfer_write()). Reading a
 * slot changes nothing. Giving one back clears a bit in memory, which the resume sets
 * again; meanwhile the slot is given to nothing else.
 *
 * Pages that cannot leave memory stay there: as long as this lasts the memory
 * tiers' capacities do not bind (tw_page_get()), and a move to a store is refused
 * with EBUSY. It is the same while an image is read back over this kernel.
 *
 * Locks: none. @tw_still and @tw_writes are ordered against each other by barriers.
 * There may be any number of writers; the kernel calls notifiers one at a time.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/atomic.h>
#include <linux/notifier.h>
#include <linux/suspend.h>
#include <linux/wait.h>

#include "tiers/headroom.h"
#include "tiers/hibernate.h"

/* How long to wait for writes: as long as the kernel waits for tasks to freeze. */
#define TW_STILL_WAIT	(20 * HZ)

static bool tw_still;
static atomic_t tw_writes = ATOMIC_INIT(0);	/* batches being written */
static DECLARE_WAIT_QUEUE_HEAD(tw_written_wq);

/**
 * tw_stores_still - do the stores stand still?
 *
 * Any context. A hint for callers that would otherwise prepare a write in vain.
 *
 * Return: whether slots are neither given out nor written.
 */
bool tw_stores_still(void)
{
	return unlikely(READ_ONCE(tw_still));
}

/**
 * tw_write_begin - may a batch be written?
 *
 * tw_write_end() must follow, whatever the answer.
 *
 * Return: false if the stores stand still.
 */
bool tw_write_begin(void)
{
	atomic_inc(&tw_writes);
	/* Pairs with tw_stores_stop(): it sees the count, or it is seen here. */
	smp_mb__after_atomic();
	return !tw_stores_still();
}

/**
 * tw_write_end - a batch has been written, or has failed
 *
 * Any context.
 */
void tw_write_end(void)
{
	if (atomic_dec_and_test(&tw_writes) && tw_stores_still())
		wake_up_all(&tw_written_wq);
}

static int tw_stores_stop(void)
{
	WRITE_ONCE(tw_still, true);
	smp_mb();	/* pairs with tw_write_begin() and tw_write_end() */
	if (wait_event_timeout(tw_written_wq, !atomic_read(&tw_writes),
			       TW_STILL_WAIT))
		return 0;
	pr_err("no hibernation: a store has not ended its writes\n");
	WRITE_ONCE(tw_still, false);
	return -EBUSY;
}

static int tw_hibernate_notify(struct notifier_block *nb, unsigned long action,
			       void *p)
{
	switch (action) {
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		return notifier_from_errno(tw_stores_stop());
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		WRITE_ONCE(tw_still, false);
		/* What memory has taken beyond its capacity may go now. */
		tw_demote_check();
		break;
	}
	return NOTIFY_DONE;
}

/*
 * It runs before the notifier of background.c, which wants the stores to move again
 * when it resumes the demotion.
 */
static struct notifier_block tw_hibernate_nb = {
	.notifier_call	= tw_hibernate_notify,
	.priority	= 1,
};

/**
 * tw_hibernate_init - at load, before there is a store
 *
 * Return: 0 or -errno.
 */
int tw_hibernate_init(void)
{
	return register_pm_notifier(&tw_hibernate_nb);
}

/**
 * tw_hibernate_exit - at unload; waits for the notifier
 */
void tw_hibernate_exit(void)
{
	unregister_pm_notifier(&tw_hibernate_nb);
}
